//! What holds, and for every check something that breaks it.

use std::time::Duration;

use super::testing::{START, Stage, address};
use crate::run::Pace;
use crate::words::{Domain, Moment, Provider};
use crate::world::{AccountSpec, By, Condition, FlagChange, Personality, Whom, Wrong};

fn at(text: &str) -> Moment {
    Moment::parse_rfc3339(text).unwrap()
}

fn says(found: &[String], what: &str) -> bool {
    found.iter().any(|f| f.contains(what))
}

#[track_caller]
fn assert_says(found: &[String], what: &str) {
    assert!(says(found, what), "{what:?} is not among {found:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_week_of_the_executor_breaks_nothing() {
    let stage = Stage::after_days(7).await;
    assert_eq!(stage.found().await, Vec::<String>::new());
    let mut counts = Vec::new();
    for what in [
        "letter WHERE seen_at IS NOT NULL",
        "letter WHERE rescued_at IS NOT NULL",
        "letter WHERE parent IS NOT NULL AND seen_at IS NOT NULL",
        "letter WHERE state = 'skipped'",
        "action WHERE kind = 'important'",
        "action WHERE kind = 'answered'",
    ] {
        counts.push(stage.ask(&format!("SELECT count(*) FROM {what}")).await.parse::<u32>().unwrap());
    }
    // There was something to look at, of every kind.
    assert!(counts[0] > 40 && counts[1..].iter().all(|n| *n > 1), "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn runs_that_are_killed_again_and_again_break_nothing() {
    let stage = Stage::after_killed_days(10, Duration::from_mins(61)).await;
    assert_eq!(stage.found().await, Vec::<String>::new());
    let lost = stage.ask("SELECT count(*) FROM step WHERE event = 'uncertain'").await;
    assert!(lost.parse::<u32>().unwrap() > 5, "{lost} letters were in a hand-over when their run was killed");
}

#[tokio::test(start_paused = true)]
async fn a_cap_that_is_lowered_in_mid_day_holds_from_the_next_run_on() {
    let mut stage = Stage::new();
    // The agenda is made; then preheat is killed, and somebody lowers the cap below what was planned.
    tokio::select! {
        biased;
        () = stage.run(Pace::Day) => panic!("the day is not over yet"),
        () = stage.cx.clock.sleep_until(at("2026-12-01T07:00:00Z")) => {}
    }
    assert_eq!(stage.ask("SELECT spent || ' of ' || quota FROM day WHERE mailbox = 'a@x.test'").await, "0 of 3");
    stage.member("a@x.test").daily_cap = Some(1);
    stage.run(Pace::Day).await;
    assert_eq!(stage.found().await, Vec::<String>::new());
    assert_eq!(stage.ask("SELECT spent || ' of ' || quota FROM day WHERE mailbox = 'a@x.test' ORDER BY date LIMIT 1").await, "1 of 1",);
    let refused = stage.ask("SELECT count(*) FROM letter WHERE sender = 'a@x.test' AND skip_reason = 'quota'").await;
    assert_ne!(refused, "0", "the intent had nothing to refuse");
}

/// A change of the ledger behind everybody's back, and what is found then.
const BROKEN: &[(&str, &str)] = &[
    // 1
    ("UPDATE day SET quota = spent - 1 WHERE mailbox = 'a@x.test' AND date = '2026-12-03'", "1: a@x.test sent"),
    ("DELETE FROM day WHERE mailbox = 'a@x.test' AND date = '2026-12-03'", "for which it has no quota"),
    ("UPDATE day SET quota = quota + 1 WHERE mailbox = 'b@x.test' AND ramp_day = 1", "is 4, ramp day 1 of ramp has at most 3"),
    ("UPDATE day SET quota = 13 WHERE mailbox = 'p@y.test'", "is 13, a partner's send_limit is 12"),
    ("DELETE FROM day WHERE mailbox = 'b@x.test' AND date = '2026-12-03'", "6: no day was made for b@x.test on 2026-12-03 by the run at"),
    ("UPDATE day SET quota = 1 WHERE mailbox = 'a@x.test'", "more than half of its quota of 1"),
    ("UPDATE day SET ramp_day = ramp_day + 1 WHERE mailbox = 'a@x.test' AND date > '2026-12-03'", "but only"),
    ("UPDATE day SET verdict = 'hold' WHERE mailbox = 'a@x.test' AND date = '2026-12-02'", "but only"),
    ("INSERT INTO pause VALUES ('domain:x.test', 1764600000000, 'holiday', NULL)", "although x.test is paused since"),
    (
        "UPDATE letter SET date = date(handed_at / 1000, 'unixepoch') WHERE sender = 'a@x.test' AND handed_at IS NOT NULL",
        "in Pacific/Auckland, but it counts for",
    ),
    (
        "UPDATE letter SET date = date(date, '+1 day') WHERE sender = 'b@x.test' AND handed_at IS NOT NULL",
        "in America/Los_Angeles, but it counts for",
    ),
    // 2
    ("UPDATE letter SET state = 'planned' WHERE state = 'seen' AND parent IS NULL", "but it is planned"),
    ("UPDATE letter SET state = 'rejected' WHERE state = 'seen'", "but it is rejected"),
    ("UPDATE letter SET state = 'handed' WHERE state = 'seen'", "but it is handed"),
    ("UPDATE letter SET recipient = 'p@y.test' WHERE recipient = 'q@z.test'", "went from"),
    ("UPDATE letter SET accepted_at = 1 WHERE accepted_at IS NULL", "but nobody took it"),
    ("UPDATE letter SET state = 'accepted' WHERE state = 'seen'", "was forgotten"),
    ("UPDATE letter SET state = 'uncertain' WHERE state = 'seen'", "is uncertain since"),
    ("UPDATE letter SET state = 'missing', seen_at = NULL WHERE state = 'seen'", "and was not seen"),
    ("DELETE FROM letter WHERE state = 'seen' AND parent IS NULL", "the ledger knows nothing of letter"),
    // 3
    ("UPDATE sighting SET tidied = 'moved'", "says the ledger, and nobody has moved it"),
    // 4
    ("UPDATE letter SET draw_flag = 1 - draw_flag WHERE sender = 'p@y.test'", "flag is"),
    (
        "DELETE FROM letter WHERE parent IN (SELECT id FROM letter WHERE placement = 'spam' AND rescued_at IS NOT NULL AND draw_open = 0 AND draw_answer = 1)",
        "foretell an answer, and there is none",
    ),
    ("UPDATE letter SET draw_open = 1 - draw_open", "drawn was"),
    ("UPDATE letter SET open_after = open_after + 60000", "open_after is"),
    ("UPDATE letter SET content = content + 1", "its content is another"),
    ("DELETE FROM action WHERE kind = 'open'", "open is wanting"),
    ("DELETE FROM action WHERE kind = 'rescue'", "rescue is wanting"),
    ("UPDATE OR REPLACE action SET kind = 'flag' WHERE kind = 'important'", "flag is there"),
    ("UPDATE action SET due = due - 3600000 WHERE kind = 'rescue'", "rescue was due at"),
    (
        "UPDATE action SET due = due / 86400000 * 86400000 + 97200000 WHERE kind = 'open' AND mailbox IN ('p@y.test', 'q@z.test')",
        "does not read",
    ),
    ("UPDATE action SET due = due + 345600000 WHERE kind = 'open'", "its drawn delay was over at"),
    ("UPDATE action SET mailbox = 'b@x.test' WHERE mailbox = 'p@y.test'", "is planned for b@x.test"),
    ("DELETE FROM letter WHERE parent IS NOT NULL AND state <> 'seen'", "foretell an answer, and there is none"),
    ("UPDATE letter SET parent = (SELECT min(parent) FROM letter)", "has two answers"),
    ("UPDATE letter SET in_thread = in_thread + 1", "of its thread"),
    ("UPDATE letter SET draw_answer = 0", "whose draws want no answer"),
    ("UPDATE letter SET seen_at = seen_at + 864000000 WHERE parent IS NULL", "before that was seen"),
    // 5
    ("UPDATE letter SET state = 'missing' WHERE state = 'seen'", "is missing, its history says seen"),
    ("UPDATE letter SET handed_at = handed_at + 1 WHERE handed_at IS NOT NULL", "handed_at of letter"),
    ("UPDATE letter SET accepted_at = accepted_at + 1 WHERE accepted_at IS NOT NULL", "accepted_at of letter"),
    ("UPDATE letter SET attempts = 2", "has 2 attempts, its steps say 0"),
    ("UPDATE letter SET placement = NULL WHERE seen_at IS NOT NULL", "a placement without a sighting"),
    ("DELETE FROM sighting", "which its sightings do not bear out"),
    ("DELETE FROM step WHERE event = 'handed'", "was planned when it was said to be accepted"),
    ("DELETE FROM step WHERE n = 2", "are not numbered"),
    ("UPDATE step SET at = at - 86400000 WHERE event = 'seen'", "but seen before that"),
    ("UPDATE step SET at = at + 8640000000 WHERE event = 'seen'", "which is yet to come"),
    ("UPDATE day SET spent = spent + 1 WHERE spent > 0", "the steps say"),
    ("UPDATE day SET accepted = accepted - 1 WHERE accepted > 0", "the ledger's own check"),
    // 6
    ("UPDATE letter SET state = 'planned' WHERE state = 'skipped'", "is still planned, its date"),
    ("UPDATE letter SET skip_reason = NULL WHERE state = 'skipped'", "is skipped without a reason"),
    ("UPDATE step SET text = NULL WHERE event = 'skipped'", "does not say why"),
    ("UPDATE step SET event = 'rejected' WHERE event = 'accepted'", "does not say why: Some(250)"),
    ("INSERT INTO trouble VALUES ('p@y.test', 'imap', 1, 1, 1, 'signing in', 'no', ' ', 0, 1)", "without words or hint"),
];

#[tokio::test(start_paused = true)]
async fn whatever_is_changed_in_the_ledger_is_found_out() {
    let stage = Stage::after_days(7).await;
    let mut missed = Vec::new();
    for (change, what) in BROKEN {
        let found = stage.found_after(&[change]).await;
        if !says(&found, what) {
            missed.push(format!("{change}\n  {what:?} is not among {found:#?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[tokio::test(start_paused = true)]
async fn what_a_person_can_see_is_not_forgotten() {
    let stage = Stage::after_days(3).await;
    let back = "UPDATE letter SET state = 'accepted' WHERE state = 'seen' AND recipient = 'p@y.test'";
    let trouble = "INSERT INTO trouble VALUES ('p@y.test', 'imap', 1, 1, 1, 'signing in', 'refused', 'look at it', 1, 1)";
    assert_says(&stage.found_after(&[back]).await, "was forgotten");
    assert!(!says(&stage.found_after(&[back, trouble]).await, "was forgotten"));
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_not_given_up_for_a_letter_that_was_read() {
    let stage = Stage::after_days(3).await;
    let given_up = "UPDATE letter SET state = 'skipped', skip_reason = 'parent_unseen', due = NULL
                    WHERE parent IN (SELECT letter FROM action WHERE kind = 'open' AND result = 'done')";
    let step = "INSERT INTO step (letter, n, at, event)
                SELECT id, 99, 4000000000000, 'skipped' FROM letter WHERE skip_reason = 'parent_unseen' AND due IS NULL";
    assert_says(&stage.found_after(&[given_up, step]).await, "was not read, but it was, at");
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_breaches_is_counted_and_hides_no_other() {
    let stage = Stage::after_days(3).await;
    let found = stage.found_after(&["UPDATE letter SET content = content + 1", "UPDATE day SET spent = spent + 1"]).await;
    assert_eq!(found.len(), 21, "{found:#?}");
    assert_says(&found, "4: the draws of letter");
    assert_says(&found, "5: a@x.test on 2026-12-02");
    assert!(found[20].contains("more were found: in all") && found[20].contains("of invariant 4"), "{}", found[20]);
}

#[tokio::test(start_paused = true)]
async fn a_letter_that_went_out_twice_tells_its_story() {
    let stage = Stage::after_days(1).await;
    let letter = stage.ask("SELECT min(id) FROM letter WHERE state = 'seen' AND sender = 'a@x.test'").await;
    let to = stage.ask(&format!("SELECT recipient FROM letter WHERE id = '{letter}'")).await;
    // As if the intent were written after the final dot, and the run killed in between.
    stage.submit(&letter, "a@x.test", &to, at("2026-12-02T02:00:00Z"));
    let breaches = stage.breaches().await;
    let twice =
        breaches.iter().find(|b| b.what == format!("letter {letter} was handed over 2 times")).unwrap_or_else(|| panic!("{breaches:#?}"));
    assert_eq!((twice.invariant, twice.letter.map(|l| l.to_string())), (2, Some(letter)));
    let begins: Vec<&str> = twice.story.iter().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(begins[..5], ["plan", "draws", "ledger", "ledger", "ledger"], "{:#?}", twice.story);
    assert_eq!(
        twice.story.iter().filter(|line| line.contains("taken over at") && line.contains("code 250")).count(),
        2,
        "{:#?}",
        twice.story
    );
}

#[tokio::test(start_paused = true)]
async fn what_the_world_took_at_the_wrong_time_is_found_out() {
    let stage = Stage::after_days(4).await;
    let nobody = "00112233445566778899aabb";
    let submit = |time: &str| stage.submit(nobody, "a@x.test", "p@y.test", at(time));
    let first = at(&stage
        .ask("SELECT strftime('%Y-%m-%dT%H:%M:%SZ', min(handed_at) / 1000, 'unixepoch') FROM letter WHERE sender = 'a@x.test'")
        .await);
    // Auckland is 13 hours ahead in December: its window ends at 04:30 in UTC, and Friday noon in UTC is Saturday there.
    submit("2026-12-02T04:29:59Z");
    let found = stage.found().await;
    assert!(!says(&found, "outside its window") && says(&found, "the ledger knows nothing of letter"), "{found:#?}");
    submit("2026-12-02T04:30:06Z");
    assert_says(&stage.found().await, "outside its window 08:30 to 17:30 of Pacific/Auckland");
    submit("2026-12-04T22:00:00Z");
    assert_says(&stage.found().await, "a@x.test sent on 2026-12-05, on which it does not send");
    stage.submit(nobody, "a@x.test", "p@y.test", first + Duration::from_secs(290));
    assert_says(&stage.found().await, "its mailbox_gap is 300s");
    stage.submit(nobody, "b@x.test", "p@y.test", first + Duration::from_secs(20));
    assert_says(&stage.found().await, "after a@x.test: the domain_gap is 90s");
}

#[tokio::test(start_paused = true)]
async fn a_suspension_that_was_forgotten_is_found_out() {
    let mut stage = Stage::after_days(1).await;
    let start = at(START);
    stage.suspended.push((address("p@y.test"), start - Duration::from_hours(48), start));
    assert_eq!(stage.found().await, Vec::<String>::new(), "it was over before the first letter");
    stage.suspended.push((address("p@y.test"), start, start + Duration::from_hours(24 * 7)));
    assert_says(&stage.found().await, "1: p@y.test got a letter of");
    // Where its server refuses the letter, it was offered all the same.
    let (a, q, now) = (address("a@x.test"), address("q@z.test"), stage.cx.clock.now());
    let hour = Duration::from_hours(1);
    stage.suspended = vec![(q.clone(), now - hour, now + hour)];
    assert_eq!(stage.found().await, Vec::<String>::new());
    stage.world.add_condition(Condition { wrong: Wrong::Gone(By::Refusal), whom: Whom::Mailbox(q.clone()), from: now, until: now + hour });
    assert!(stage.world.offer(&a, &a, &q, now).is_err());
    assert_says(&stage.found().await, "1: q@z.test was offered a letter of a@x.test");
}

#[tokio::test(start_paused = true)]
async fn limits_and_caps_are_held_against_what_was_sent() {
    let mut stage = Stage::after_days(4).await;
    assert_eq!(stage.found().await, Vec::<String>::new());
    stage.config().pairs.max_per_pair = 1;
    stage.config().pairs.max_per_pair_week = 2;
    stage.member("a@x.test").daily_cap = Some(2);
    stage.member("q@z.test").receive_limit = 1;
    stage.member("b@x.test").group = Some("house".into());
    stage.member("p@y.test").group = Some("house".into());
    stage.config().domains.entry(Domain::parse("x.test").unwrap()).or_default().daily_cap = Some(5);
    let found = stage.found().await;
    for what in [
        "2 letters to",
        "at most 1 on one date",
        "at most 2 in seven days",
        "the mailbox's daily_cap is 2",
        "x.test sent",
        "its daily_cap is 5",
    ] {
        assert_says(&found, what);
    }
    assert_says(&found, "of its own domain or group");
    assert_says(&found, "its receive_limit is 1");
}

#[tokio::test(start_paused = true)]
async fn a_providers_limit_counts_any_24_hours() {
    let mut stage = Stage::new();
    stage.member("a@x.test").provider = Provider::Gmail;
    for n in 0..2_001_u64 {
        stage.submit("00112233445566778899aabb", "a@x.test", "p@y.test", at(START) + Duration::from_secs(40 * n));
    }
    assert_says(&stage.found().await, "sent 2001 in the 24 hours before");
}

#[tokio::test(start_paused = true)]
async fn what_leaves_the_pool_or_is_no_letter_is_found_out() {
    let stage = Stage::new();
    let stranger = address("someone@elsewhere.example");
    stage.world.add_account(AccountSpec {
        address: stranger.clone(),
        personality: Personality::Dovecot,
        receiver: "y".into(),
        user: "someone".into(),
        secret: None,
    });
    assert_eq!(stage.found().await, Vec::<String>::new());
    let (a, now) = (address("a@x.test"), at(START));
    stage.world.submit(&a, &a, std::slice::from_ref(&stranger), b"Subject: hello\r\n\r\nHello.\r\n", true, now);
    let found = stage.found().await;
    assert_says(&found, "3: a@x.test was offered a message to someone@elsewhere.example");
    assert_says(&found, "3: a@x.test sent someone@elsewhere.example a message at 2026-12-01T06:00:00Z that is no letter");
    // A refused offer counts as well.
    assert!(stage.world.offer(&a, &a, &address("nobody@nowhere.example"), now).is_err());
    assert_says(&stage.found().await, "to nobody@nowhere.example");
}

#[tokio::test(start_paused = true)]
async fn somebody_elses_mail_stays_as_it_was() {
    let stage = Stage::after_days(1).await;
    let (p, now) = (address("p@y.test"), stage.cx.clock.now());
    assert_eq!(stage.planted.len(), 1);
    let uid = stage.world.with_folder(&p, "INBOX", |f| *f.messages.iter().find(|(_, m)| m.planted).unwrap().0).unwrap();
    stage.world.set_flags(&p, "INBOX", &[uid], FlagChange::Add, &["\\Seen".to_owned()].into(), now).unwrap();
    let found = stage.found().await;
    assert_says(&found, "of p@y.test was flagged at");
    assert_says(&found, "and is in INBOX of p@y.test with {\"\\\\Seen\"}");
    stage.world.expunge(&p, "INBOX", &[uid], now).unwrap();
    assert_says(&stage.found().await, "is gone from INBOX of p@y.test");
}

#[tokio::test(start_paused = true)]
async fn what_is_put_away_was_finished_and_is_written_down() {
    let mut stage = Stage::after_days(3).await;
    let (p, now) = (address("p@y.test"), stage.cx.clock.now());
    // Those of the first two dates, which were seen.
    let is_seen = |m: &crate::world::Message| !m.planted && m.letter.is_some() && m.received < at("2026-12-02T20:00:00Z");
    let letters = |f: &crate::world::Folder| f.messages.iter().filter(|(_, m)| is_seen(m)).map(|(uid, _)| *uid).collect();
    let uids: Vec<u32> = stage.world.with_folder(&p, "INBOX", letters).unwrap();
    assert!(uids.len() > 1);
    stage.world.create_folder(&p, "Warmup");
    stage.world.move_messages(&p, "INBOX", &uids, "Warmup", now).unwrap();
    let found = stage.found().await;
    for what in ["and the ledger does not know it", "after it was sent", "before its placement was final", "before its thread ended with"] {
        assert_says(&found, what);
    }
    let written_down = "UPDATE sighting SET tidied = 'moved' WHERE mailbox = 'p@y.test'";
    assert!(!says(&stage.found_after(&[written_down]).await, "does not know it"));
    let filed = "UPDATE letter SET placement = 'filed' WHERE recipient = 'p@y.test' AND placement IS NOT NULL";
    assert_says(&stage.found_after(&[filed]).await, "was filed by a rule of p@y.test, and put away");
    let undone = "UPDATE action SET result = NULL, done_at = NULL WHERE kind = 'open'";
    assert_says(&stage.found_after(&[undone]).await, "before open was done");
    let others = "UPDATE letter SET recipient = 'q@z.test' WHERE recipient = 'p@y.test'";
    assert_says(&stage.found_after(&[others]).await, "and is neither its sender nor its recipient");
    stage.config().tidy = None;
    assert_says(&stage.found().await, "and nobody wanted that");
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_is_barred_says_so() {
    let stage = Stage::after_days(1).await;
    let until = stage.cx.clock.now();
    let locked = |hours| Condition {
        wrong: Wrong::Locked,
        whom: Whom::Mailbox(address("q@z.test")),
        from: until - Duration::from_hours(hours),
        until: until + Duration::from_hours(1),
    };
    stage.world.add_condition(locked(20));
    assert_eq!(stage.found().await, Vec::<String>::new(), "the next run has not come by yet");
    stage.world.add_condition(locked(30));
    assert_says(&stage.found().await, "6: q@z.test could not be signed in to since");
    let trouble = "INSERT INTO trouble VALUES ('q@z.test', 'imap', 1, 1, 1, 'signing in', 'refused', 'look at it', 1, 1)";
    assert_eq!(stage.found_after(&[trouble]).await, Vec::<String>::new());
}
