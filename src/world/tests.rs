//! The world as a whole: from a submission to a folder, what can be wrong on the way, and what owners do with what they get.

mod back;

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::words::{Domain, FolderRole, RefusalClass};
use Personality::{Dovecot, Gmail, Microsoft};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn start() -> Moment {
    Moment::parse_rfc3339("2026-12-01T08:00:00Z").unwrap()
}

/// Anna at a server of her own, Greg at Gmail, Mia at Microsoft, Dora at another Dovecot; without a filter.
fn world() -> Arc<World> {
    let world = World::new(Seed(1));
    world.with_filter(|f| *f = Filter::off(Seed(1)));
    let accounts = [
        ("anna@new.test", Dovecot, "new.test"),
        ("greg@g.test", Gmail, "gmail"),
        ("mia@m.test", Microsoft, "microsoft"),
        ("dora@d.test", Dovecot, "d.test"),
    ];
    for (who, personality, receiver) in accounts {
        add(&world, who, personality, receiver);
    }
    world
}

fn add(world: &World, who: &str, personality: Personality, receiver: &str) {
    world.add_account(AccountSpec {
        address: address(who),
        personality,
        receiver: receiver.to_owned(),
        user: who.to_owned(),
        secret: None,
    });
}

fn letter(from: &str, to: &str, n: u32) -> Vec<u8> {
    format!("From: Somebody <{from}>\r\nTo: {to}\r\nSubject: Hello {n}\r\nMessage-ID: <{n}@new.test>\r\n\r\nHello\r\n").into_bytes()
}

fn send(world: &World, from: &str, to: &str, n: u32, now: Moment) -> Reply {
    let (sender, recipient) = (address(from), address(to));
    if let Err(reply) = world.offer(&sender, &sender, &recipient, now) {
        return reply;
    }
    world.submit(&sender, &sender, &[recipient], &letter(from, to, n), true, now)
}

fn messages(world: &World, who: &str, folder: &str) -> Vec<Message> {
    world.with_folder(&address(who), folder, |f| f.messages.values().cloned().collect()).unwrap()
}

fn uids(world: &World, who: &str, folder: &str) -> Vec<u32> {
    world.with_folder(&address(who), folder, |f| f.messages.keys().copied().collect()).unwrap()
}

fn flags(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|w| (*w).to_owned()).collect()
}

fn text(message: &Message) -> String {
    String::from_utf8(message.bytes.to_vec()).unwrap()
}

fn is_wrong(world: &World, wrong: Wrong, whom: Whom, from: Moment, until: Moment) {
    world.add_condition(Condition { wrong, whom, from, until });
}

#[test]
fn a_letter_comes_in_after_its_transit_with_the_traces_of_its_way() {
    let world = world();
    let reply = send(&world, "anna@new.test", "greg@g.test", 1, start());
    assert!(reply.code == 250 && reply.text.starts_with("2.0.0 Ok: queued as "), "{reply}");
    let at = world.next_event().unwrap();
    assert!((1_000..=10_000).contains(&at.since(start()).as_millis()), "{at:?}");
    world.settle(at - Duration::from_millis(1));
    assert!(messages(&world, "greg@g.test", "INBOX").is_empty());
    world.settle(at);
    let [message] = messages(&world, "greg@g.test", "INBOX").try_into().unwrap();
    assert_eq!((message.received, message.from.as_ref().map(Address::as_str)), (at, Some("anna@new.test")));
    assert!(text(&message).starts_with("Return-Path: <anna@new.test>\r\nReceived: from new.test by dovecot-like with ESMTPSA id "));
    assert!(message.header().ends_with(b"\r\n\r\n") && text(&message).ends_with("\r\n\r\nHello\r\n"));
    let evidence = world.evidence();
    assert_eq!(evidence.submissions.len(), 1);
    let submission = &evidence.submissions[0];
    assert_eq!((submission.accepted, submission.code, submission.message_id.as_deref()), (true, 250, Some("<1@new.test>")));
}

#[test]
fn servers_keep_sent_copies_and_rewrite_message_ids_as_theirs_do() {
    let world = world();
    for from in ["anna@new.test", "greg@g.test", "mia@m.test"] {
        assert_eq!(send(&world, from, "dora@d.test", 7, start()).code, 250);
    }
    world.settle(start() + HOUR);
    let sent = |who, folder| messages(&world, who, folder).len();
    assert_eq!([sent("anna@new.test", "Sent"), sent("greg@g.test", "[Gmail]/Sent Mail"), sent("mia@m.test", "Sent Items")], [0, 1, 1]);
    let received = messages(&world, "dora@d.test", "INBOX");
    let of = |who: &str| text(received.iter().find(|m| m.from == Some(address(who))).unwrap());
    assert!(of("greg@g.test").contains("\r\nMessage-ID: <7@new.test>\r\n"));
    let rewritten = of("mia@m.test");
    assert!(rewritten.contains("@prod.outlook.test>\r\nX-Microsoft-Original-Message-ID: <7@new.test>\r\n"), "{rewritten}");
    assert_eq!(rewritten.matches("Message-ID: <7@new.test>").count(), 1, "only as the original: {rewritten}");
}

#[test]
fn what_is_not_ones_own_or_leads_nowhere_is_refused_and_written_down() {
    let world = world();
    let (anna, greg) = (address("anna@new.test"), address("greg@g.test"));
    let offer = |from: &Address, to: &str| world.offer(&anna, from, &address(to), start()).unwrap_err().to_string();
    assert_eq!(offer(&greg, "dora@d.test"), "553 5.7.1 Sender address rejected: not owned by user");
    assert_eq!(offer(&anna, "nobody@g.test"), "550 5.1.1 Recipient address rejected: User unknown");
    assert_eq!(offer(&anna, "kim@outside.test"), "554 5.7.1 Relay access denied: this world has no way out");
    let codes: Vec<(u16, bool)> = world.evidence().submissions.iter().map(|s| (s.code, s.accepted)).collect();
    assert_eq!(codes, [(553, false), (550, false), (554, false)]);
}

#[test]
fn microsoft_takes_thirty_a_minute() {
    let world = world();
    let codes: Vec<u16> = (0..31).map(|n| send(&world, "mia@m.test", "greg@g.test", n, start() + Duration::from_secs(1)).code).collect();
    assert_eq!((codes[..30].iter().all(|c| *c == 250), codes[30]), (true, 432));
    assert_eq!(send(&world, "mia@m.test", "greg@g.test", 40, start() + MINUTE + Duration::from_secs(1)).code, 250);
}

#[test]
fn spam_lands_in_the_junk_folder_of_its_server_and_a_rescue_is_a_lesson() {
    let new = Domain::parse("new.test").unwrap();
    let reputation = |who: &str, receiver: &str, junk: &str, rescues: bool| {
        let world = world();
        world.with_filter(|f| *f = Filter::new(Seed(1)));
        is_wrong(&world, Wrong::FailsAuthentication(new.clone()), Whom::All, start(), start() + HOUR);
        for n in 0..15 {
            send(&world, "anna@new.test", who, n, start());
        }
        world.settle(start() + HOUR);
        let spam = uids(&world, who, junk);
        assert!(spam.len() >= 7, "{who}: {spam:?}");
        // They are read where they lie, too.
        world.set_flags(&address(who), junk, &spam, FlagChange::Add, &flags(&["\\Seen"]), start() + HOUR).unwrap();
        if rescues {
            assert_eq!(world.move_messages(&address(who), junk, &spam, "INBOX", start() + HOUR).unwrap().len(), spam.len());
        }
        world.with_filter(|f| f.reputation(&new, receiver, start() + HOUR * 48))
    };
    for (who, receiver, junk) in
        [("greg@g.test", "gmail", "[Gmail]/Spam"), ("mia@m.test", "microsoft", "Junk Email"), ("dora@d.test", "d.test", "Junk")]
    {
        let [with, without] = [true, false].map(|rescues| reputation(who, receiver, junk, rescues));
        assert_eq!(with > without + 0.01, receiver != "microsoft", "{who}: {with} {without}");
    }
}

#[test]
fn mail_waits_through_an_outage_and_comes_in_once() {
    let world = world();
    let (from, until) = (start(), start() + HOUR * 48);
    is_wrong(&world, Wrong::Outage, Whom::Receiver("gmail".into()), from, until);
    assert_eq!(world.may_sign_in(&address("greg@g.test"), from), Err(Barred::Unreachable));
    assert_eq!(world.may_sign_in(&address("greg@g.test"), until), Ok(()));
    assert_eq!(world.may_sign_in(&address("anna@new.test"), from), Ok(()));
    for n in 0..20 {
        assert_eq!(send(&world, "anna@new.test", "greg@g.test", n, start() + MINUTE).code, 250);
    }
    world.settle(until - MINUTE);
    assert!(messages(&world, "greg@g.test", "INBOX").is_empty());
    world.settle(until + HOUR);
    let came: Vec<Moment> = messages(&world, "greg@g.test", "INBOX").iter().map(|m| m.received).collect();
    assert!(came.len() == 20 && came.iter().all(|at| (until..=until + MINUTE * 30).contains(at)), "{came:?}");
}

#[test]
fn letters_to_a_mailbox_that_is_gone_are_refused_and_those_on_their_way_bounce() {
    let world = world();
    send(&world, "anna@new.test", "dora@d.test", 1, start());
    is_wrong(&world, Wrong::Gone(By::Refusal), Whom::Mailbox(address("dora@d.test")), start() + Duration::from_millis(1), start() + HOUR);
    let late = start() + MINUTE;
    assert_eq!(
        send(&world, "anna@new.test", "dora@d.test", 2, late).to_string(),
        "550 5.1.1 Recipient address rejected: User unknown in virtual mailbox table"
    );
    assert!(matches!(world.may_sign_in(&address("dora@d.test"), late), Err(Barred::Refused(reply)) if reply.code == 535));
    world.settle(start() + HOUR);
    let [bounce] = messages(&world, "anna@new.test", "INBOX").try_into().unwrap();
    let bounce = text(&bounce);
    for line in [
        "Content-Type: multipart/report; report-type=delivery-status;",
        "Final-Recipient: rfc822; dora@d.test",
        "Status: 5.1.1",
        "Subject: Hello 1",
    ] {
        assert!(bounce.contains(&format!("{line}\r\n")), "{line}: {bounce}");
    }
}

#[test]
fn a_full_mailbox_bounces() {
    let world = world();
    world.with_account(&address("dora@d.test"), |a| a.quota = Some(100)).unwrap();
    send(&world, "anna@new.test", "dora@d.test", 1, start());
    world.settle(start() + HOUR);
    assert!(messages(&world, "dora@d.test", "INBOX").is_empty());
    assert!(text(&messages(&world, "anna@new.test", "INBOX")[0]).contains("Diagnostic-Code: smtp; 552 5.2.2 "));
}

#[test]
fn a_listed_domain_gets_its_letters_back_with_the_receivers_words() {
    let world = world();
    world.with_filter(|f| *f = Filter::new(Seed(1)));
    is_wrong(
        &world,
        Wrong::Blocklists(Domain::parse("new.test").unwrap(), By::Report),
        Whom::Receiver("microsoft".into()),
        start(),
        start() + HOUR,
    );
    send(&world, "anna@new.test", "mia@m.test", 1, start());
    send(&world, "dora@d.test", "mia@m.test", 2, start());
    world.settle(start() + HOUR);
    assert!(text(&messages(&world, "anna@new.test", "INBOX")[0]).contains("(S3150)"));
    assert!(messages(&world, "dora@d.test", "INBOX").is_empty(), "another domain is not concerned");
}

#[test]
fn too_much_from_a_stranger_waits_until_the_next_day() {
    let world = world();
    world.with_filter(|f| *f = Filter::new(Seed(1)));
    for n in 0..60 {
        send(&world, "anna@new.test", "greg@g.test", n, start());
    }
    let arrived = || messages(&world, "greg@g.test", "INBOX").len() + messages(&world, "greg@g.test", "[Gmail]/Spam").len();
    world.settle(start() + HOUR * 10);
    // Four times the 8 that pass for anybody.
    assert_eq!(arrived(), 32);
    world.settle(start() + HOUR * 24);
    assert_eq!(arrived(), 60);
}

#[test]
fn greylisting_puts_each_pair_off_once() {
    let world = world();
    is_wrong(&world, Wrong::Greylists(MINUTE * 5), Whom::All, start(), start() + HOUR * 24);
    let code = |from, n, after| send(&world, from, "dora@d.test", n, start() + after).code;
    assert_eq!(
        [code("anna@new.test", 1, MINUTE), code("anna@new.test", 1, MINUTE * 4), code("greg@g.test", 2, MINUTE * 6)],
        [450, 450, 450]
    );
    assert_eq!(
        [code("anna@new.test", 1, MINUTE * 6), code("anna@new.test", 3, MINUTE * 7), code("greg@g.test", 2, MINUTE * 11)],
        [250, 250, 250]
    );
}

#[test]
fn complaints_come_every_day_at_every_receiver_concerned_even_without_an_end() {
    let world = world();
    world.with_filter(|f| *f = Filter::new(Seed(1)));
    let new = Domain::parse("new.test").unwrap();
    is_wrong(
        &world,
        Wrong::Complaints { domain: new.clone(), a_day: 5, of_letters: 0.0 },
        Whom::Receiver("gmail".into()),
        start(),
        Moment(i64::MAX),
    );
    for to in ["greg@g.test", "dora@d.test"] {
        send(&world, "anna@new.test", to, 1, start());
    }
    let reputation = |receiver: &str, days: u32| {
        let at = start() + HOUR * 24 * days + MINUTE;
        world.settle(at);
        world.with_filter(|f| f.reputation(&new, receiver, at))
    };
    let [before, one, two] = [0, 1, 2].map(|days| reputation("gmail", days));
    assert!(one < before - 0.2 && two < one, "{before} {one} {two}");
    assert!(reputation("d.test", 3) > 0.5, "another receiver hears nothing of it");
}

#[test]
fn flaky_connections_break_at_their_share_and_the_same_way_for_one_seed() {
    let broken = || {
        let world = world();
        is_wrong(&world, Wrong::Flaky(0.1), Whom::All, start(), start() + HOUR);
        let breaks = |at: Moment| (0..2_000).filter(|_| world.breaks_now(&address("anna@new.test"), at)).count();
        (breaks(start()), breaks(start() + HOUR))
    };
    let (during, after) = broken();
    assert!((150..250).contains(&during) && after == 0, "{during} {after}");
    assert_eq!(broken(), (during, after));
}

#[test]
fn microsoft_moves_some_delivered_mail_to_junk_hours_later() {
    let world = world();
    for n in 0..600 {
        let at = start() + MINUTE * n;
        assert_eq!(send(&world, "anna@new.test", "mia@m.test", n, at).code, 250);
    }
    world.settle(start() + HOUR * 11);
    let early = messages(&world, "mia@m.test", "Junk Email").len();
    world.settle(start() + HOUR * 72);
    let moved = messages(&world, "mia@m.test", "Junk Email");
    assert!(moved.len() > early && (2..=14).contains(&moved.len()), "{early} {}", moved.len());
    assert!(moved.iter().all(|m| &*m.first_folder == "INBOX"));
    assert_eq!(moved.len() + messages(&world, "mia@m.test", "INBOX").len(), 600);
}

#[test]
fn flags_change_as_they_are_told_and_recent_is_nobodys() {
    let world = world();
    let (dora, at) = (address("dora@d.test"), start());
    let uid = world.append(&dora, "INBOX", &letter("x@y.test", "dora@d.test", 1), flags(&["\\Flagged"]), false, at).unwrap();
    let change = |change, words: &[&str]| {
        assert_eq!(world.set_flags(&dora, "INBOX", &[uid, 99], change, &flags(words), at), Ok(vec![uid]));
        messages(&world, "dora@d.test", "INBOX")[0].flags.iter().cloned().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(change(FlagChange::Add, &["\\Seen", "\\Recent"]), "\\Flagged \\Seen");
    assert_eq!(change(FlagChange::Remove, &["\\Flagged"]), "\\Seen");
    assert_eq!(change(FlagChange::Replace, &["$NotJunk", "\\RECENT"]), "$NotJunk");
    assert_eq!(world.set_flags(&dora, "Nowhere", &[uid], FlagChange::Add, &flags(&[]), at), Err(NoSuchFolder));
}

#[test]
fn opening_answering_and_flagging_are_lessons_once_each() {
    let reputation = |words: &[&[&str]]| {
        let world = world();
        world.with_filter(|f| *f = Filter::new(Seed(2)));
        for n in 0..8 {
            send(&world, "anna@new.test", "greg@g.test", n, start());
        }
        world.settle(start() + HOUR);
        let (greg, inbox) = (address("greg@g.test"), uids(&world, "greg@g.test", "INBOX"));
        for flag in words {
            world.set_flags(&greg, "INBOX", &inbox, FlagChange::Add, &flags(flag), start() + HOUR).unwrap();
        }
        world.with_filter(|f| f.reputation(&Domain::parse("new.test").unwrap(), "gmail", start() + HOUR * 30))
    };
    let (nothing, opened) = (reputation(&[]), reputation(&[&["\\Seen"]]));
    let answered = reputation(&[&["\\Seen"], &["\\Answered"]]);
    assert!(nothing < opened && opened < answered, "{nothing} {opened} {answered}");
    assert!((reputation(&[&["\\Seen"], &["\\Seen"]]) - opened).abs() < 1e-12, "an opening is an opening, however often it is said");
}

#[test]
fn a_copy_is_a_message_of_its_own_and_needs_a_folder() {
    let world = world();
    let (dora, at) = (address("dora@d.test"), start());
    let uid = world.append(&dora, "Junk", &letter("x@y.test", "dora@d.test", 1), flags(&[]), false, at).unwrap();
    assert_eq!(world.copy_messages(&dora, "Junk", &[uid], "Nowhere", at), Err(NoSuchFolder));
    assert_eq!(world.copy_messages(&dora, "INBOX", &[], "Nowhere", at), Err(NoSuchFolder), "with nothing to copy, too");
    assert_eq!(world.copy_messages(&dora, "Junk", &[uid, 77], "INBOX", at), Ok(vec![(uid, 1)]));
    assert_ne!(messages(&world, "dora@d.test", "INBOX")[0].serial, messages(&world, "dora@d.test", "Junk")[0].serial);
    assert_eq!(world.expunge(&dora, "Junk", &[uid, 77], at), Ok(vec![uid]));
}

#[test]
fn a_uid_is_never_given_twice() {
    let world = world();
    let (dora, at) = (address("dora@d.test"), start());
    let append = || world.append(&dora, "INBOX", &letter("x@y.test", "dora@d.test", 1), flags(&[]), false, at).unwrap();
    assert_eq!([append(), append(), append()], [1, 2, 3]);
    assert_eq!(world.move_messages(&dora, "INBOX", &[3], "Junk", at), Ok(vec![(3, 1)]));
    world.expunge(&dora, "INBOX", &[2], at).unwrap();
    assert_eq!(append(), 4);
    let validity = |folder: &str| world.with_folder(&dora, folder, |f| (f.uid_validity, f.uid_next)).unwrap();
    world.renumber(&dora, "INBOX", 9_999).unwrap();
    assert_eq!((validity("INBOX"), uids(&world, "dora@d.test", "INBOX")), ((9_999, 3), vec![1, 2]));
    let old = validity("Junk");
    assert!(world.rename_folder(&dora, "Junk", "Old") && !world.rename_folder(&dora, "INBOX", "New"));
    assert_eq!(validity("Old"), old);
    assert!(world.create_folder(&dora, "Junk") && !world.create_folder(&dora, "Junk"));
    assert_ne!(validity("Junk").0, old.0, "a new folder of an old name is another folder");
    assert!(world.delete_folder(&dora, "Old") && !world.delete_folder(&dora, "INBOX"));
}

#[test]
fn every_touch_of_somebody_elses_mail_is_written_down() {
    let world = world();
    let (greg, at) = (address("greg@g.test"), start());
    let plant = || world.append(&greg, "INBOX", &letter("x@y.test", "greg@g.test", 1), flags(&[]), true, at).unwrap();
    let (a, b) = (plant(), plant());
    world.set_flags(&greg, "INBOX", &[a], FlagChange::Remove, &flags(&["\\Seen"]), at).unwrap();
    assert!(world.evidence().touched.is_empty(), "nothing was changed");
    world.set_flags(&greg, "INBOX", &[a], FlagChange::Add, &flags(&["\\Seen"]), at).unwrap();
    world.set_labels(&greg, "INBOX", &[a], true, &flags(&["\\Important"]), at).unwrap();
    world.copy_messages(&greg, "INBOX", &[a], "[Gmail]/Trash", at).unwrap();
    world.move_messages(&greg, "INBOX", &[a], "[Gmail]/Spam", at).unwrap();
    world.expunge(&greg, "INBOX", &[b], at).unwrap();
    let what: Vec<&str> = world.evidence().touched.iter().map(|t| t.what).collect();
    assert_eq!(what, ["flagged", "flagged", "copied", "moved", "expunged"]);
}

#[test]
fn one_seed_gives_one_world() {
    let told = |seed: u64| {
        let world = world();
        world.with_filter(|f| *f = Filter::new(Seed(seed)));
        for n in 0..60 {
            for to in ["greg@g.test", "mia@m.test", "dora@d.test"] {
                send(&world, "anna@new.test", to, n, start() + MINUTE * 90 * n);
            }
        }
        world.settle(start() + HOUR * 24 * 7);
        let mut told = Vec::new();
        for who in world.addresses() {
            world.with_account(&who, |account| {
                for (name, folder) in &account.folders {
                    told.extend(
                        folder.messages.iter().map(|(uid, m)| format!("{who} {name} {uid} {} {:?} {:?}", m.serial, m.received, m.category)),
                    );
                }
            });
        }
        told
    };
    assert_eq!(told(1), told(1));
    assert_ne!(told(1), told(2));
}

#[test]
fn roles_are_known_whether_or_not_the_server_tells_them() {
    let world = world();
    for (who, spam, sent) in [
        ("greg@g.test", Some("[Gmail]/Spam"), Some("[Gmail]/Sent Mail")),
        ("mia@m.test", Some("Junk Email"), Some("Sent Items")),
        ("dora@d.test", Some("Junk"), Some("Sent")),
    ] {
        let roles =
            world.with_account(&address(who), |a| [FolderRole::Spam, FolderRole::Sent].map(|role| a.folder_of(role).map(str::to_owned)));
        assert_eq!(roles, Some([spam, sent].map(|f| f.map(str::to_owned))), "{who}");
    }
}
