//! What comes back: it comes to whom it concerns, in its time, and is read as what it is.

use super::*;
use crate::classify::{Kind, read_message};
use crate::words::{LetterId, LocalDate, SignalKind};

const DAY: Duration = Duration::from_hours(24);

/// A message with a letter's mark, and its id.
fn marked(world: &World, from: &str, to: &str, n: u32, now: Moment) -> LetterId {
    let id = LetterId::of_start(&address(from), LocalDate::ymd(2026, 12, 1).unwrap(), n);
    let mark = format!("X-Preheat: k1.{id}.{}\r\nX-Auto-Response-Suppress: OOF, AutoReply\r\n", "ab".repeat(32));
    let bytes = [mark.as_bytes(), &letter(from, to, n)].concat();
    assert_eq!(world.submit(&address(from), &address(from), &[address(to)], &bytes, true, now).code, 250);
    id
}

/// What came back, each as the world wrote it down, with what is read of it where it lies.
fn came_back(world: &World) -> Vec<(CameBack, crate::classify::Incoming)> {
    let read = |back: &CameBack| {
        let lies = |m: &&Message| header::value(m.header(), "Message-ID").as_ref() == Some(&back.message_id);
        let found = world.with_folder(&back.account, &back.folder, |f| f.messages.values().find(lies).cloned()).unwrap();
        let message = found.unwrap_or_else(|| panic!("{back:?} is not there"));
        assert!(message.planted && message.letter.is_none(), "nobody may touch it, and it is no letter: {back:?}");
        assert_eq!(message.received, back.at);
        read_message(&message.bytes)
    };
    world.evidence().came_back.into_iter().map(|back| (back.clone(), read(&back))).collect()
}

fn kind_of(kind: Option<SignalKind>) -> Option<Kind> {
    Some(match kind? {
        SignalKind::Bounce => Kind::Bounce,
        SignalKind::Delay => Kind::Delay,
        SignalKind::Complaint => Kind::Complaint,
        SignalKind::AutoReply => Kind::AutoReply,
        SignalKind::Unsubscribe => Kind::Unsubscribe,
        SignalKind::Reply => Kind::Reply,
    })
}

/// The world with its filters at work.
fn judging() -> Arc<World> {
    let world = world();
    world.with_filter(|f| *f = Filter::new(Seed(1)));
    world
}

#[test]
fn a_mailbox_that_is_gone_may_take_letters_and_report_minutes_to_hours_later() {
    let world = world();
    is_wrong(&world, Wrong::Gone(By::Report), Whom::Mailbox(address("dora@d.test")), start(), start() + DAY * 9);
    let ids: Vec<LetterId> = (0..120).map(|n| marked(&world, "greg@g.test", "dora@d.test", n, start())).collect();
    world.settle(start() + DAY);
    assert!(messages(&world, "dora@d.test", "INBOX").is_empty());
    let all = came_back(&world);
    assert_eq!(all.len(), 120);
    for (back, incoming) in &all {
        let waited = back.at.since(start());
        assert!((Duration::from_mins(2)..=Duration::from_hours(8) + MINUTE).contains(&waited), "{waited:?}");
        assert_eq!(
            (back.account.as_str(), back.kind, back.class),
            ("greg@g.test", Some(SignalKind::Bounce), Some(RefusalClass::BadAddress))
        );
        let one = &incoming.recipients[0];
        assert_eq!((incoming.kind, one.address.as_deref(), one.hard), (Kind::Bounce, Some("dora@d.test"), true));
        assert_eq!((incoming.original.letter, one.class), (back.letter, RefusalClass::BadAddress));
    }
    let mut told: Vec<LetterId> = all.iter().filter_map(|(back, _)| back.letter).collect();
    let mut sent = ids;
    told.sort();
    sent.sort();
    assert_eq!(told, sent, "each letter once");
    let early = all.iter().filter(|(back, _)| back.at.since(start()) < Duration::from_mins(31)).count();
    let by_own = all.iter().filter(|(back, _)| back.message_id.contains("gmail-like")).count();
    assert!((40..80).contains(&early) && (40..80).contains(&by_own), "half in half an hour, half by either server: {early} {by_own}");
    let in_spam = all.iter().filter(|(back, _)| &*back.folder == "[Gmail]/Spam").count();
    assert!((1..=9).contains(&in_spam), "reports are taken for spam now and then: {in_spam}");
}

#[test]
fn a_full_mailbox_is_reported_or_waited_for_as_its_server_does() {
    let world = world();
    let until = start() + DAY * 2;
    for who in ["dora@d.test", "greg@g.test", "mia@m.test"] {
        is_wrong(&world, Wrong::Full(By::Report), Whom::Mailbox(address(who)), start(), until);
        assert_eq!(world.may_sign_in(&address(who), start()), Ok(()));
    }
    let to_dora = marked(&world, "anna@new.test", "dora@d.test", 1, start());
    let to_mia = marked(&world, "anna@new.test", "mia@m.test", 2, start());
    add(&world, "max@m2.test", Microsoft, "microsoft");
    let to_greg = marked(&world, "max@m2.test", "greg@g.test", 3, start());
    world.settle(until - MINUTE);
    let told: Vec<_> = came_back(&world).iter().map(|(b, i)| (b.letter, b.kind, b.class, i.kind, i.recipients[0].hard)).collect();
    let full = Some(RefusalClass::Full);
    for letter in [to_dora, to_mia] {
        assert!(told.contains(&(Some(letter), Some(SignalKind::Bounce), full, Kind::Bounce, false)), "{told:?}");
    }
    // Gmail may take it later: the sender's server is patient, and says so after four hours, once.
    assert!(told.contains(&(Some(to_greg), Some(SignalKind::Delay), full, Kind::Delay, false)), "{told:?}");
    assert_eq!(told.len(), 3);
    world.settle(until + HOUR * 2);
    assert_eq!(messages(&world, "greg@g.test", "INBOX").len(), 1, "there is room again");
    // While letters are offered, where it is so.
    is_wrong(&world, Wrong::Full(By::Refusal), Whom::Mailbox(address("dora@d.test")), until, until + DAY);
    assert_eq!(send(&world, "anna@new.test", "dora@d.test", 4, until + HOUR).code, 552);
}

#[test]
fn what_is_late_for_five_days_is_given_up() {
    let world = world();
    is_wrong(&world, Wrong::Full(By::Report), Whom::Receiver("gmail".into()), start(), start() + DAY * 30);
    let letter = marked(&world, "mia@m.test", "greg@g.test", 1, start());
    world.settle(start() + DAY * 8);
    let told: Vec<_> = came_back(&world).iter().map(|(b, i)| (b.letter, i.kind, b.at.since(start()).as_secs() / 3_600)).collect();
    assert_eq!(told, [(Some(letter), Kind::Delay, 4), (Some(letter), Kind::Bounce, 120)]);
}

#[test]
fn who_is_away_answers_each_sender_once_and_no_machine() {
    let world = world();
    for who in ["greg@g.test", "dora@d.test"] {
        is_wrong(&world, Wrong::Away, Whom::Mailbox(address(who)), start(), start() + DAY * 20);
    }
    let ids: Vec<LetterId> = (0..3).map(|n| marked(&world, "anna@new.test", "greg@g.test", n, start() + HOUR * n)).collect();
    marked(&world, "anna@new.test", "dora@d.test", 10, start());
    send(&world, "mia@m.test", "dora@d.test", 11, start());
    let by_machine = [&b"Auto-Submitted: auto-replied\r\n"[..], &letter("mia@m.test", "greg@g.test", 12)].concat();
    world.submit(&address("mia@m.test"), &address("mia@m.test"), &[address("greg@g.test")], &by_machine, true, start());
    world.settle(start() + DAY);
    let all = came_back(&world);
    let told: Vec<_> =
        all.iter().map(|(b, i)| (b.account.as_str(), b.letter, i.kind, i.recipients[0].address.clone().unwrap_or_default())).collect();
    // Dora's server heeds that letters ask for no answer; what Mia wrote by hand does not ask.
    let mut wanted = [
        ("anna@new.test", Some(ids[0]), Kind::AutoReply, "greg@g.test".to_owned()),
        ("mia@m.test", None, Kind::AutoReply, "dora@d.test".to_owned()),
    ];
    wanted.sort_by_key(|w| told.first().is_none_or(|t| t.0 != w.0));
    assert_eq!(told, wanted);
    marked(&world, "anna@new.test", "greg@g.test", 13, start() + DAY * 8);
    world.settle(start() + DAY * 9);
    assert_eq!(world.evidence().came_back.len(), 3, "after a week, again");
}

#[test]
fn complaints_are_reported_by_those_who_report_them_about_letters_and_other_mail() {
    let world = judging();
    let ids: Vec<LetterId> = ["greg@g.test", "mia@m.test", "dora@d.test"]
        .iter()
        .flat_map(|to| (0..5).map(|n| marked(&world, "anna@new.test", to, n, start())).collect::<Vec<_>>())
        .collect();
    let (domain, from) = (Domain::parse("new.test").unwrap(), start() + HOUR * 16);
    is_wrong(&world, Wrong::Complaints { domain, a_day: 10, of_letters: 0.5 }, Whom::All, from, from + DAY * 2);
    world.settle(from + DAY * 3);
    let all: Vec<_> = came_back(&world).into_iter().filter(|(b, _)| b.kind == Some(SignalKind::Complaint)).collect();
    assert!((20..=40).contains(&all.len()), "{}", all.len());
    let by = |end: &str| all.iter().filter(|(b, _)| b.message_id.contains(end)).count();
    assert!(by("gmail-like") == 0 && by("microsoft-like") > by("d.test") && by("@mail.") > 0, "Gmail tells nobody");
    let of_letters = all.iter().filter(|(b, _)| b.letter.is_some()).count();
    let unnamed = all.iter().filter(|(_, i)| i.recipients[0].address.is_none()).count();
    assert!((5..25).contains(&of_letters) && (3..20).contains(&unnamed), "{of_letters} {unnamed} of {}", all.len());
    for (back, incoming) in &all {
        assert_eq!((back.account.as_str(), incoming.kind), ("anna@new.test", Kind::Complaint));
        assert_eq!(incoming.original.letter, back.letter);
        assert!(back.letter.is_none_or(|id| ids.contains(&id)));
        let hour = back.at.since(from).as_secs() / 3_600 % 24;
        assert!((8..20).contains(&hour), "people complain by day: {hour}");
    }
}

#[test]
fn a_campaign_brings_back_what_campaigns_bring_back() {
    let world = world();
    add(&world, "gina@new.test", Gmail, "gmail");
    is_wrong(&world, Wrong::Campaign(Domain::parse("new.test").unwrap(), 400), Whom::All, start(), start() + DAY * 2);
    world.settle(start() + DAY * 4);
    let sent = messages(&world, "gina@new.test", "[Gmail]/Sent Mail");
    assert_eq!((sent.len(), messages(&world, "anna@new.test", "Sent").len()), (800, 0), "a copy where the server keeps them");
    assert!(sent.iter().all(|m| m.planted && m.flags.contains("\\Seen") && m.letter.is_none()));
    let mut kinds: std::collections::BTreeMap<Kind, u32> = std::collections::BTreeMap::new();
    for (back, incoming) in came_back(&world) {
        assert_eq!((back.letter, incoming.original.letter), (None, None));
        if let Some(kind) = kind_of(back.kind) {
            assert_eq!(incoming.kind, kind, "{back:?}: {}", incoming.evidence);
        } else {
            assert_eq!(incoming.kind, Kind::Delivered);
        }
        let who = back.who.clone().unwrap();
        assert!(who.as_str().ends_with(".example"), "nobody of the pool: {who}");
        if matches!(incoming.kind, Kind::Bounce | Kind::Delay) {
            assert_eq!((incoming.recipients[0].address.as_deref(), Some(incoming.recipients[0].class)), (Some(who.as_str()), back.class));
        }
        *kinds.entry(incoming.kind).or_default() += 1;
    }
    // Of 1,600 messages 5 % are refused, 1 % is late, 1 % told of, 4 % answered by machines, 3 % by people, and 1 % wants no more.
    let of = |kind| kinds.get(&kind).copied().unwrap_or(0);
    assert!(
        (60..100).contains(&of(Kind::Bounce)) && (45..85).contains(&of(Kind::AutoReply)) && (30..66).contains(&of(Kind::Reply)),
        "{kinds:?}"
    );
    assert!([Kind::Delay, Kind::Delivered, Kind::Unsubscribe].iter().all(|k| (6..30).contains(&of(*k))), "{kinds:?}");
}

#[test]
fn a_receiver_that_finds_it_too_fast_says_so_at_its_door() {
    let world = judging();
    let codes = |to: &str, first: u32| {
        let mut codes = Vec::new();
        for n in first..first + 100 {
            codes.push(send(&world, "anna@new.test", to, n, start() + MINUTE * (n - first)));
            world.settle(start() + MINUTE * (n - first) + Duration::from_secs(59));
        }
        codes
    };
    let greg = codes("greg@g.test", 0);
    // Four times the 8 that pass for anybody.
    assert_eq!(greg.iter().filter(|r| r.code == 250).count(), 32);
    assert!(greg[32..].iter().all(|r| r.to_string().starts_with("421 4.7.28 ")));
    let tomorrow = start() + DAY;
    assert_eq!(send(&world, "anna@new.test", "greg@g.test", 500, tomorrow).code, 250);
    assert!(codes("mia@m.test", 600).iter().any(|r| r.to_string().starts_with("451 4.7.500 ")));
    assert!(codes("dora@d.test", 800).iter().all(|r| r.code == 250), "plain servers do not count");
    // A domain that everybody knows is too fast for nobody.
    world.with_filter(|f| f.know_well(&Domain::parse("d.test").unwrap()));
    for n in 0..100 {
        assert_eq!(send(&world, "dora@d.test", "greg@g.test", 900 + n, tomorrow).code, 250);
        world.settle(tomorrow + MINUTE * (n + 1));
    }
}

#[test]
fn a_listed_domain_may_be_refused_while_it_offers() {
    let world = judging();
    let new = Domain::parse("new.test").unwrap();
    let (from, until) = (start() + HOUR, start() + HOUR * 9);
    send(&world, "anna@new.test", "mia@m.test", 1, start());
    world.settle(from);
    let before = world.with_filter(|f| f.reputation(&new, "microsoft", from));
    is_wrong(&world, Wrong::Blocklists(new.clone(), By::Refusal), Whom::Receiver("microsoft".into()), from, until);
    let refused = send(&world, "anna@new.test", "mia@m.test", 2, from);
    assert!(refused.code == 550 && refused.text.contains("block list"), "{refused}");
    assert_eq!(send(&world, "anna@new.test", "dora@d.test", 3, from).code, 250, "another receiver");
    assert_eq!(send(&world, "dora@d.test", "mia@m.test", 4, from).code, 250, "another domain");
    assert!(world.with_filter(|f| f.reputation(&new, "microsoft", from)) < before - 0.3, "it is remembered");
    assert!(world.evidence().came_back.is_empty());
}

#[test]
fn reports_wait_through_an_outage_and_are_lost_where_nobody_is() {
    let world = world();
    is_wrong(&world, Wrong::Gone(By::Report), Whom::Mailbox(address("dora@d.test")), start(), start() + DAY * 9);
    let (from, until) = (start() + MINUTE, start() + DAY);
    is_wrong(&world, Wrong::Outage, Whom::Mailbox(address("greg@g.test")), from, until);
    is_wrong(&world, Wrong::Gone(By::Refusal), Whom::Mailbox(address("mia@m.test")), from, until);
    marked(&world, "greg@g.test", "dora@d.test", 1, start());
    marked(&world, "mia@m.test", "dora@d.test", 2, start());
    // Where everything comes back, a report does not stay either.
    world.with_account(&address("anna@new.test"), |account| account.returns = Some(Reply::new(550, "5.1.1 no such user"))).unwrap();
    marked(&world, "anna@new.test", "dora@d.test", 3, start());
    world.settle(start() + DAY * 2);
    let came: Vec<_> = world.evidence().came_back.iter().map(|b| (b.account.to_string(), b.at >= until)).collect();
    assert_eq!(came, [("greg@g.test".to_owned(), true)]);
}

#[test]
fn mail_that_has_nothing_to_do_with_anything_comes_in_now_and_then() {
    let world = world();
    world.live(start());
    world.settle(start() + DAY * 140);
    let all = came_back(&world);
    for who in world.addresses() {
        let own = all.iter().filter(|(b, _)| b.account == who).count();
        assert!((14..=28).contains(&own), "about one a week: {who} {own}");
    }
    for (back, incoming) in &all {
        assert_eq!((kind_of(back.kind).unwrap_or(Kind::Other), back.letter), (incoming.kind, None), "{back:?}");
    }
    let kinds: BTreeSet<Kind> = all.iter().map(|(_, i)| i.kind).collect();
    assert_eq!(kinds, BTreeSet::from([Kind::Bounce, Kind::AutoReply, Kind::Other]));
    let in_tabs = messages(&world, "greg@g.test", "INBOX").iter().filter(|m| m.category == Some("promotions")).count();
    assert!(in_tabs > 0 && messages(&world, "dora@d.test", "INBOX").iter().all(|m| m.category.is_none()));
}

#[test]
fn what_comes_back_is_the_same_for_one_seed() {
    let told = |seed: u64| {
        let world = World::new(Seed(seed));
        for (who, personality, receiver) in [("anna@new.test", Dovecot, "new.test"), ("mia@m.test", Microsoft, "microsoft")] {
            add(&world, who, personality, receiver);
        }
        let new = Domain::parse("new.test").unwrap();
        is_wrong(&world, Wrong::Campaign(new.clone(), 30), Whom::All, start(), start() + DAY * 3);
        is_wrong(&world, Wrong::Complaints { domain: new, a_day: 3, of_letters: 0.5 }, Whom::All, start(), start() + DAY * 3);
        is_wrong(&world, Wrong::Gone(By::Report), Whom::Mailbox(address("mia@m.test")), start() + DAY, start() + DAY * 3);
        world.live(start());
        for n in 0..40 {
            marked(&world, "anna@new.test", "mia@m.test", n, start() + HOUR * n);
        }
        world.settle(start() + DAY * 5);
        let bytes: Vec<Vec<u8>> = messages(&world, "anna@new.test", "INBOX").iter().map(|m| m.bytes.to_vec()).collect();
        (world.evidence().came_back, bytes)
    };
    let one = told(1);
    assert!(one.0.len() > 30);
    assert_eq!(one, told(1));
    assert_ne!(one.0, told(2).0);
}
