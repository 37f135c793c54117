//! Finished mail is put away: the executor over the modelled world, for three weeks, and with what can get in its way.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::outside::{Day, SENT, anna, at};
use super::{after, pool, rehearsal};
use crate::config::{Config, Tidy};
use crate::ledger::Space;
use crate::rehearsal::drive::Played;
use crate::rehearsal::invariants::planted_in;
use crate::rehearsal::{Rehearsal, Scenario, rehearse};
use crate::run::Pace;
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
    for name in ["flaky-network", "killed", "laptop-sleeps", "provider-outage", "full-mailbox", "account-locked", "dead-partner"] {
        let scenario = Scenario::by_name(name, None).unwrap();
        let config = Config { tidy: by_default().map(|t| Tidy { after: Duration::from_hours(48), ..t }), ..config(None) };
        let played = Rehearsal { scenario: Scenario { schedule: None, ..scenario }, ..rehearsal(config, 9, 12) };
        let rehearsed = rehearse(&played, &|_, _| {}).unwrap();
        assert_eq!(rehearsed.breaches, [], "{name}");
        after(&played, async |played| {
            let sums = everywhere(played);
            assert!(sums["Warmup"] > 60, "{name}: {sums:?}");
        });
    }
}

/// Everything of ours in a folder.
fn letters_of(day: &Day, who: &Address, folder: &str) -> BTreeSet<LetterId> {
    let ours = |f: &crate::world::Folder| f.messages.values().filter(|m| !m.planted).filter_map(|m| m.letter).collect();
    day.world.with_folder(who, folder, ours).unwrap_or_default()
}

fn uid_of(day: &Day, who: &Address, folder: &str, letter: LetterId) -> u32 {
    let uid = |f: &crate::world::Folder| f.messages.iter().find(|(_, m)| m.letter == Some(letter)).map(|(uid, _)| *uid);
    day.world.with_folder(who, folder, uid).unwrap().unwrap()
}

/// Anna at Gmail and her partners, twenty days after two days of letters, in the night; and a partner with finished letters in the inbox: these.
async fn twenty_days_later() -> (Day, Address, Vec<LetterId>) {
    let day = Day::new("none");
    for who in day.cx.config.mailboxes.keys() {
        assert!(day.world.create_folder(who, "Friends"));
    }
    day.run(Pace::Day).await;
    day.cx.clock.sleep_until(at("07:00") + Duration::from_hours(24)).await;
    day.run(Pace::Day).await;
    day.cx.clock.sleep_until(at("23:00") + Duration::from_hours(24 * 20)).await;
    let partners: Vec<Address> = day.cx.config.mailboxes.keys().filter(|who| **who != anna()).cloned().collect();
    for partner in partners {
        let letters = to_tidy(&day, &partner).await;
        if letters.len() > 2 {
            return (day, partner, letters);
        }
    }
    panic!("nobody has letters")
}

async fn to_tidy(day: &Day, who: &Address) -> Vec<LetterId> {
    let found = day.cx.ledger.finished(who.clone(), Duration::from_hours(14 * 24), 100, day.cx.clock.now()).await.unwrap();
    found.copies.into_iter().map(|c| c.letter).collect()
}

fn all(letters: &[LetterId]) -> BTreeSet<LetterId> {
    letters.iter().copied().collect()
}

#[tokio::test(start_paused = true)]
async fn letters_are_found_again_in_folders_that_were_renumbered() {
    let (day, partner, letters) = twenty_days_later().await;
    let sent = letters_of(&day, &anna(), SENT);
    day.world.renumber(&partner, "INBOX", 77_000).unwrap();
    day.world.renumber(&anna(), SENT, 77_001).unwrap();
    assert!(sent.len() > 10, "{}", sent.len());
    day.run(Pace::Once).await;
    assert_eq!(letters_of(&day, &partner, "Warmup"), all(&letters));
    // One may wait there for what its recipient was to do with it, and will do now.
    let left = letters_of(&day, &anna(), SENT);
    let moved: BTreeSet<LetterId> = sent.difference(&left).copied().collect();
    assert!(left.len() <= 1 && letters_of(&day, &anna(), "Warmup").is_superset(&moved), "{left:?}");
    assert_eq!(day.cx.ledger.ask("SELECT count(*) FROM sighting WHERE tidied = 'gone'").await, "0");
    assert_eq!(day.cx.ledger.troubles().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_ours_or_was_put_somewhere_by_a_person_stays_where_it_is() {
    let (day, partner, letters) = twenty_days_later().await;
    let (world, now) = (&day.world, day.cx.clock.now());
    // A person has put a letter into a folder of their own, and taken another one away.
    let [filed, taken, kept, ..] = letters[..] else { panic!("{letters:?}") };
    world.move_messages(&partner, "INBOX", &[uid_of(&day, &partner, "INBOX", filed)], "Friends", now).unwrap();
    world.expunge(&partner, "INBOX", &[uid_of(&day, &partner, "INBOX", taken)], now).unwrap();
    // A second copy of a letter; one whose mark is for somebody else; and mail of an aunt, at both ends.
    let bytes =
        world.with_folder(&partner, "INBOX", |f| f.messages.values().find(|m| m.letter == Some(kept)).unwrap().bytes.to_vec()).unwrap();
    let forged = String::from_utf8(bytes.clone()).unwrap().replace(partner.as_str(), "p9@host-9.test");
    let aunt = b"From: aunt@elsewhere.test\r\nTo: you@here.test\r\nSubject: sunday\r\n\r\nCome at four.\r\n";
    for (who, folder) in [(&partner, "INBOX"), (&anna(), SENT), (&anna(), "INBOX")] {
        for foreign in [&bytes[..], forged.as_bytes(), aunt] {
            world.append(who, folder, foreign, BTreeSet::new(), true, now).unwrap();
        }
    }
    let planted = planted_in(world);
    assert_eq!(planted.len(), 9);
    for _ in 0..2 {
        day.run(Pace::Once).await;
    }
    assert_eq!((planted_in(world), world.evidence().touched), (planted, vec![]));
    let moved: BTreeSet<LetterId> = letters.iter().copied().filter(|id| ![filed, taken].contains(id)).collect();
    assert_eq!(letters_of(&day, &partner, "Warmup"), moved);
    assert_eq!(letters_of(&day, &partner, "Friends"), all(&[filed]));
    let how = format!("SELECT coalesce(tidied, 'left') FROM sighting WHERE mailbox = '{partner}' AND letter = '{taken}'");
    assert_eq!(day.cx.ledger.ask(&how).await, "gone");
    assert_eq!(day.cx.ledger.ask(&how.replace(&taken.to_string(), &filed.to_string())).await, "left");
    // The next date has nothing to do, and looks for nothing again.
    day.cx.clock.sleep_until(now + Duration::from_hours(25)).await;
    assert_eq!(to_tidy(&day, &partner).await, [filed], "it is left again, and nobody is asked for it");
    let before = world.evidence().put_away.len();
    day.run(Pace::Once).await;
    assert_eq!(world.evidence().put_away.len(), before);
}

#[tokio::test(start_paused = true)]
async fn what_was_moved_before_a_crash_is_known_again() {
    let (day, partner, letters) = twenty_days_later().await;
    let now = day.cx.clock.now();
    // As a run does that is killed between the server's word and the ledger's: some are in the folder, and nobody has written it down.
    day.world.create_folder(&partner, "Warmup");
    let uids: Vec<u32> = letters[..2].iter().map(|id| uid_of(&day, &partner, "INBOX", *id)).collect();
    day.world.move_messages(&partner, "INBOX", &uids, "Warmup", now).unwrap();
    day.run(Pace::Once).await;
    assert_eq!(letters_of(&day, &partner, "Warmup"), all(&letters));
    let tidied =
        format!("SELECT group_concat(DISTINCT tidied || ' ' || folder) FROM sighting WHERE mailbox = '{partner}' AND tidied IS NOT NULL");
    assert_eq!(day.cx.ledger.ask(&tidied).await, "moved Warmup");
    let events = "SELECT count(*) FROM moved WHERE event = 'tidied'";
    let told: usize = day.cx.ledger.ask(events).await.parse().unwrap();
    assert!(told >= letters.len(), "{told}");
}
