//! Forged and replayed marks, and mail that is not ours: never acted on. Slot 8.

use std::collections::BTreeSet;
use std::process::Stdio;

use preheat::letter::Keyring;
use preheat::words::{Address, LetterId};

use crate::rig::{Line, Rig};
use crate::rig_day::{assert_exit, count, said};
use crate::rig_luck::{TUESDAY, WEDNESDAY_NIGHT, assert_says, seed, short_day, texts, wait_for};

fn message(from: &str, to: &str, mark: &str) -> String {
    let mark = if mark.is_empty() { String::new() } else { format!("X-Preheat: {mark}\r\n") };
    format!("From: {from}\r\nTo: {to}\r\nMessage-ID: <planted.{from}>\r\nSubject: please open\r\n{mark}\r\nhello\r\n")
}

#[test]
#[ignore = "needs the rig: tests/run"]
fn a_forged_or_replayed_mark_makes_nobody_move_open_or_answer_anything() {
    let rig = Rig::from_env(8);
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    rig.write_pool(dir, &short_day(2, Line::Starttls));
    seed(dir, 8);
    let name = |n, d: &str| rig.user(n, &format!("warm-{d}.test"));
    let (a, b, c) = (name(1, "a"), name(1, "b"), name(1, "c"));
    let everybody: Vec<String> = rig.warm_domains().iter().flat_map(|d| (1..=2).map(|n| rig.user(n, d))).collect();
    rig.junk_share(128, &everybody);

    // Forged: in the inbox and in spam, from a mailbox of the pool, to another one of it.
    let keys = Keyring::parse(&format!("rig {}\n", "5a".repeat(32))).unwrap();
    let other_keys = Keyring::parse(&format!("old {}\n", "5b".repeat(32))).unwrap();
    let (from, to) = (Address::parse(&a).unwrap(), Address::parse(&b).unwrap());
    let letter = LetterId::parse("0123456789abcdef01234567").unwrap();
    let for_others = keys.sign(letter, &from, &Address::parse(&c).unwrap()).unwrap();
    let unknown_letter = keys.sign(letter, &from, &to).unwrap();
    let unknown_key = other_keys.sign(letter, &from, &to).unwrap();
    let bad_hmac = format!("rig.{letter}.{}", "0".repeat(64));
    let forged =
        [("hmac", &bad_hmac), ("others", &for_others), ("letter", &unknown_letter), ("key", &unknown_key), ("shape", &"nonsense".into())];
    for folder in ["INBOX", "Junk"] {
        for (what, mark) in forged {
            rig.plant(&b, folder, &format!("{what}-{folder}"), &message(&a, &b, mark));
        }
        // Somebody else's mail, in both folders of everybody.
        for who in &everybody {
            rig.plant(who, folder, &format!("foreign-{folder}"), &message("aunt@family.example", who, ""));
        }
    }

    // In mid-day somebody copies letters that lie in spam into the inbox, before they are rescued.
    let mut run = rig.command(dir, &["run"], TUESDAY);
    let run = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let in_spam = format!("SELECT count(*) FROM sighting WHERE mailbox = '{c}' AND role = 'spam'");
    wait_for(dir, &in_spam, |n| n > 0);
    let ours = |m: &&String| m.contains("X-Preheat: rig.");
    let in_junk = rig.messages(&c, "Junk");
    // Of what the ledger knows: which of two copies that nobody has seen yet is the first, none can tell.
    let seen = texts(dir, &format!("SELECT letter FROM sighting WHERE mailbox = '{c}'"));
    let early: Vec<String> = in_junk.into_iter().filter(|m| ours(&m) && seen.iter().any(|id| m.contains(id.as_str()))).collect();
    for (n, copy) in early.iter().enumerate() {
        rig.plant(&c, "INBOX", &format!("early-{n}"), copy);
    }
    let day = run.wait_with_output().unwrap();
    assert_exit(&day, 0);
    assert_exit(&rig.audit(dir, &[]), 0);
    assert_says(&said(&day), &format!("{b}: 5 message(s) with our header were not acted on"));
    let refused =
        |folder: &str| texts(dir, &format!("SELECT why FROM refused_mark WHERE mailbox = '{b}' AND folder = '{folder}' ORDER BY why"));
    let all: Vec<&str> = vec!["key", "shape", "signature", "signature", "unknown_letter"];
    assert_eq!(
        (refused("INBOX"), refused("Junk")),
        (all.iter().map(ToString::to_string).collect(), all.iter().map(ToString::to_string).collect())
    );
    assert!(!early.is_empty(), "nothing was replayed in time\n{}", said(&day));
    assert_eq!(count(dir, &format!("SELECT count(*) FROM refused_mark WHERE mailbox = '{c}' AND why = 'duplicate'")), early.len() as i64);
    assert_eq!(count(dir, "SELECT count(*) FROM letter WHERE placement = 'spam' AND rescued_at IS NULL"), 0, "the originals were rescued");

    // At night copies of letters that were handled come again, into both folders.
    let handled: Vec<String> = rig.messages(&a, "INBOX").into_iter().filter(|m| ours(&m)).take(2).collect();
    assert_eq!(handled.len(), 2);
    for (n, copy) in handled.iter().enumerate() {
        rig.plant(&a, "Junk", &format!("late-junk-{n}"), copy);
        rig.plant(&a, "INBOX", &format!("late-inbox-{n}"), copy);
    }
    let places = "SELECT mailbox || letter || folder || uid FROM sighting ORDER BY 1";
    let before: BTreeSet<String> = texts(dir, places).into_iter().collect();
    let actions = count(dir, "SELECT count(*) FROM action");
    assert_exit(&rig.preheat(dir, &["run", "--once"], WEDNESDAY_NIGHT), 0);
    assert_exit(&rig.audit(dir, &[]), 0);
    assert_eq!(count(dir, &format!("SELECT count(*) FROM refused_mark WHERE mailbox = '{a}' AND why = 'duplicate'")), 4);
    assert_eq!(texts(dir, places).into_iter().collect::<BTreeSet<_>>(), before);
    assert_eq!(count(dir, "SELECT count(*) FROM action"), actions);
}
