//! Finished mail is put away: the executor over the modelled world, for three weeks, and with what can get in its way.

use std::collections::{BTreeMap, BTreeSet};

use super::{after, pool, rehearsal};
use crate::config::{Config, Tidy};
use crate::ledger::Space;
use crate::rehearsal::drive::Played;
use crate::rehearsal::{Scenario, rehearse};
use crate::words::{Address, LetterId, Moment};
use crate::world::{Account, Message};

const DAYS: u32 = 23;

/// Letters in a mailbox's folders, by folder; planted messages apart.
fn letters_in(played: &Played<'_>, who: &Address) -> BTreeMap<String, Vec<(LetterId, Moment)>> {
    let read = |a: &mut Account| {
        let ours = |m: &Message| m.letter.filter(|_| !m.planted).map(|id| (id, m.received));
        let folder = |(name, f): (&String, &crate::world::Folder)| (name.clone(), f.messages.values().filter_map(ours).collect::<Vec<_>>());
        a.folders.iter().map(folder).filter(|(_, letters)| !letters.is_empty()).collect()
    };
    played.world.with_account(who, read).unwrap_or_default()
}

/// How many letters lie where, in the whole pool.
fn everywhere(played: &Played<'_>) -> BTreeMap<String, usize> {
    let mut sums = BTreeMap::new();
    for who in played.config.mailboxes.keys() {
        for (folder, letters) in letters_in(played, who) {
            *sums.entry(folder).or_default() += letters.len();
        }
    }
    sums
}

async fn space_of_all(played: &Played<'_>) -> Space {
    let spaces = played.ledger.space(played.config.mailboxes.keys().cloned().collect()).await.unwrap();
    spaces.into_iter().fold(Space::default(), |mut sum, space| {
        sum.add(space);
        sum
    })
}

fn config(tidy: Option<Tidy>) -> Config {
    Config { guard: false, tidy, ..pool(1, 2, 6, "standard-6w", "") }
}

fn by_default() -> Option<Tidy> {
    pool(1, 1, 5, "standard-6w", "").tidy
}

#[test]
fn three_weeks_of_letters_are_put_away_after_a_fortnight_at_both_ends_and_nothing_else_is() {
    let played = rehearsal(config(by_default()), 4, DAYS);
    assert_eq!(rehearse(&played, &|_, _| {}).unwrap().breaches, []);
    after(&played, async |played| {
        let (mut moved, mut old) = (0, Vec::new());
        for who in played.config.mailboxes.keys() {
            for (folder, letters) in letters_in(played, who) {
                for (id, received) in letters {
                    let days = played.until.since(received).as_secs() / 86_400;
                    match folder.as_str() {
                        "Warmup" => {
                            moved += 1;
                            assert!(days >= 14, "{id} is {days} days old");
                        }
                        // In spam it is its provider's to empty.
                        "Junk" | "Junk Email" | "[Gmail]/Spam" => {}
                        _ if days >= 17 => old.push((who.clone(), folder.clone(), id)),
                        _ => {}
                    }
                }
            }
        }
        assert!(moved > 60, "{moved}");
        // Left where they are: letters whose thread goes on, or of which something is still to be done. Few are.
        assert!(old.len() < 5, "{old:?}");
        let sums = everywhere(played);
        assert!(sums["[Gmail]/Sent Mail"] > 0 && sums["Sent Items"] > 0 && sums["INBOX"] > 0, "{sums:?}");

        // What the ledger says of room is what the world holds.
        let mut held = Space::default();
        for who in played.config.mailboxes.keys() {
            let count = |a: &mut Account| {
                for (name, f) in &a.folders {
                    for m in f.messages.values().filter(|m| m.letter.is_some() && !m.planted) {
                        let (n, bytes) = if name == "Warmup" {
                            (&mut held.put_away, &mut held.put_away_bytes)
                        } else {
                            (&mut held.messages, &mut held.bytes)
                        };
                        *n += 1;
                        *bytes += m.bytes.len() as u64;
                    }
                }
            };
            played.world.with_account(who, count);
        }
        let said = space_of_all(played).await;
        assert_eq!((said.put_away, said.put_away_bytes), (held.put_away, held.put_away_bytes));
        // Sent is read once on a date: the last date's copies are not known yet.
        assert!(said.messages <= held.messages && said.messages + 60 > held.messages, "{said:?} {held:?}");
        // Nobody takes what lies in Warmup for a person's doing, or looks at it again.
        assert_eq!(played.ledger.ask("SELECT count(*) FROM letter WHERE placement = 'filed'").await, "0");
        let beyond = "SELECT count(*) FROM sighting s JOIN folder f ON f.mailbox = s.mailbox AND f.name = s.folder
                      WHERE f.name = 'Warmup' AND s.uid > f.uid";
        assert_eq!(played.ledger.ask(beyond).await, "0");
        assert_eq!(played.ledger.ask("SELECT count(*) FROM refused_mark").await, "0");
        assert_eq!(played.ledger.ask("SELECT count(*) FROM sighting WHERE tidied = 'gone'").await, "0");
    });
}

#[test]
fn deleted_mail_is_gone_and_at_gmail_in_the_bin_and_off_is_off() {
    let delete = by_default().map(|tidy| Tidy { into: None, ..tidy });
    let played = rehearsal(config(delete), 4, DAYS);
    assert_eq!(rehearse(&played, &|_, _| {}).unwrap().breaches, []);
    after(&played, async |played| {
        let deleted: u32 = played.ledger.ask("SELECT count(*) FROM sighting WHERE tidied = 'deleted'").await.parse().unwrap();
        let sums = everywhere(played);
        assert!(deleted > 60 && !sums.contains_key("Warmup"), "{deleted} {sums:?}");
        assert!(sums["[Gmail]/Trash"] > 0 && !sums.contains_key("Deleted Items"), "{sums:?}");
        let events = played.ledger.ask("SELECT count(*) FROM moved WHERE event = 'deleted'").await;
        assert!(events.parse::<u32>().unwrap() > 30, "{events}");
    });
    let off = rehearsal(config(None), 4, DAYS);
    after(&off, async |played| {
        assert_eq!(played.ledger.ask("SELECT count(*) FROM sighting WHERE tidied IS NOT NULL").await, "0");
        assert_eq!(played.ledger.ask("SELECT count(*) FROM tidy").await, "0");
        let folders: BTreeSet<String> = everywhere(played).into_keys().collect();
        assert!(!folders.contains("Warmup"), "{folders:?}");
    });
}

#[test]
fn with_every_kind_of_fault_nothing_is_put_away_too_early() {
    for name in ["flaky", "crash", "laptop", "outage"] {
        let Some(scenario) = Scenario::by_name(name, None).ok() else { continue };
        let config = Config { tidy: by_default().map(|t| Tidy { after: std::time::Duration::from_hours(48), ..t }), ..config(None) };
        let played = crate::rehearsal::Rehearsal { scenario: Scenario { schedule: None, ..scenario }, ..rehearsal(config, 9, 12) };
        let rehearsed = rehearse(&played, &|_, _| {}).unwrap();
        assert_eq!(rehearsed.breaches, [], "{name}");
    }
}
