//! What `explain` says of a mailbox after weeks in which much went wrong: it must read like a good doctor's note.

use super::{after, pool, rehearsal};
use crate::cli::explain::{Asked, report};
use crate::words::Address;

#[test]
fn a_mailbox_that_was_held_stepped_back_and_resumed_is_explained_by_date() {
    let played = rehearsal(pool(1, 2, 12, "dash", "pairs: {max_per_pair: 5, max_per_pair_week: 30}\n"), 4, 26);
    let text = after(&played, async |played| {
        let (config, ledger, now) = (&*played.config, &played.ledger, played.until);
        let mailbox = &config.mailboxes[&Address::parse("m0@new-0.test").unwrap()];
        let schedule = config.schedule_of(mailbox).unwrap();
        let seed = ledger.seed(crate::chance::Seed(4), now).await.unwrap();
        let asked = Asked { mailbox, schedule, date: now.local_date(mailbox.zone) };
        let report = report(config, Some(ledger), seed, asked, now).await.unwrap_or_else(|e| panic!("{e:?}"));
        report.to_text(110)
    });
    let story = text.split("The story").nth(1).and_then(|rest| rest.split("How it came here").next()).unwrap();
    let flat: String = story.split_whitespace().collect::<Vec<_>>().join(" ");
    let turns = ["ramp days were earned, 1 to ", "Held at ramp day", "Stepped back from ramp day", "It goes on."];
    let mut rest = flat.as_str();
    for turn in turns {
        let at = rest.find(turn).unwrap_or_else(|| panic!("after the others there is no {turn:?}:\n{story}"));
        rest = &rest[at + turn.len()..];
    }
    assert!(flat.contains("with 90 % confidence that is more than 20 %"), "why is said with the figures:\n{story}");
}
