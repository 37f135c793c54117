//! What is built here is read by `classify` as what it is, with the recipient, the class and the letter.

use super::*;
use crate::classify::{Incoming, Kind, Recipient, read_message};
use crate::words::{LetterId, LocalDate, Moment, RefusalClass, Reply};
use Personality::{Dovecot, Gmail, Microsoft};

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn at() -> Moment {
    Moment::parse_rfc3339("2026-12-01T09:30:00Z").unwrap()
}

fn letter_id() -> LetterId {
    LetterId::of_start(&address("anna@new.test"), LocalDate::ymd(2026, 12, 1).unwrap(), 1)
}

/// A letter as it lies at its recipient, with the trace of its way; Outlook.com-like servers have given it another Message-ID.
fn letter(rewritten: bool) -> Vec<u8> {
    let id = letter_id();
    let ids = if rewritten {
        "Message-ID: <0000040001@prod.outlook.test>\r\nX-Microsoft-Original-Message-ID: <mine@new.test>\r\n"
    } else {
        "Message-ID: <mine@new.test>\r\n"
    };
    format!(
        "Return-Path: <anna@new.test>\r\nReceived: from new.test by mx with ESMTPSA id 1\r\n\tfor <bob@old.test>; Tue, 01 Dec 2026 09:00:00 +0000\r\n\
         {ids}From: Anna <anna@new.test>\r\nTo: Bob <bob@old.test>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\tfrom here\r\n\
         Date: Tue, 01 Dec 2026 10:00:00 +0100\r\nX-Preheat: k1.{id}.{}\r\n\r\nHello Bob\r\n",
        "ab".repeat(32)
    )
    .into_bytes()
}

/// What `with` makes of the letter from Anna to Bob, and what is read of it.
fn made(rewritten: bool, with: impl Fn(About<'_>) -> Vec<u8>) -> (String, Incoming) {
    let (from, to, message) = (address("anna@new.test"), address("bob@old.test"), letter(rewritten));
    let bytes = with(About { from: &from, to: &to, message: &message });
    assert_eq!(bytes, with(About { from: &from, to: &to, message: &message }), "the same words give the same bytes");
    let incoming = read_message(&bytes);
    let text = String::from_utf8(bytes).unwrap();
    let bare = text.replace("\r\n", "");
    assert!(!bare.contains(['\r', '\n']) && text.lines().all(|l| l.len() <= 998), "{text}");
    (text, incoming)
}

fn by_sender<R>(habits: Personality, f: impl Fn(Server<'_>) -> R) -> R {
    f(Server { habits, of: &address("anna@new.test") })
}

fn said(recipient: &Recipient) -> (Option<&str>, RefusalClass, bool) {
    (recipient.address.as_deref(), recipient.class, recipient.hard)
}

#[test]
fn reports_on_delivery_are_read_as_what_they_are_in_every_manner() {
    let bob = Some("bob@old.test");
    let failed = [
        ("550 5.1.1 Recipient address rejected: User unknown in virtual mailbox table", RefusalClass::BadAddress, true),
        ("552 5.2.2 Quota exceeded (mailbox for user is full)", RefusalClass::Full, false),
        ("452 4.2.2 The email account that you tried to reach is over quota", RefusalClass::Full, false),
        ("554 5.7.1 Service unavailable; Sender address blocked using a domain blocklist", RefusalClass::Blocklist, false),
        ("550 5.7.26 This mail has been blocked because the sender is unauthenticated", RefusalClass::Authentication, false),
    ];
    for habits in [Gmail, Microsoft, Dovecot] {
        let report = |rewritten: bool, outcome: Outcome<'_>| {
            made(rewritten, |about| by_sender(habits, |by| delivery_status(by, about, outcome, at())))
        };
        for (words, class, hard) in failed {
            let reply = Reply::new(words[..3].parse().unwrap(), &words[4..]);
            let (text, incoming) = report(false, Outcome::Failed(&reply));
            assert_eq!((incoming.kind, incoming.recipients.len()), (Kind::Bounce, 1), "{text}");
            assert_eq!(said(&incoming.recipients[0]), (bob, class, hard), "{habits}: {words}: {}\n{text}", incoming.evidence);
            assert_eq!((incoming.recipients[0].reply, incoming.original.letter), (Some(reply.code), Some(letter_id())), "{text}");
            assert!(text.starts_with("Return-Path: <>\r\n") && text.contains("Auto-Submitted: auto-replied\r\n"), "{text}");
        }
        let slow = Reply::new(421, "4.7.28 Gmail has detected an unusual rate of mail from this sender; try again later");
        let (text, late) = report(false, Outcome::Delayed(&slow));
        assert_eq!((late.kind, said(&late.recipients[0])), (Kind::Delay, (bob, RefusalClass::Rate, false)), "{habits}: {text}");
        let (text, told) = report(false, Outcome::Delivered(&Reply::new(250, "2.0.0 Ok: queued as 12")));
        assert_eq!((told.kind, told.original.letter), (Kind::Delivered, Some(letter_id())), "{habits}: {text}");
        // A rewritten Message-ID is the one that is named; the letter is known all the same.
        let gone = Reply::new(550, "5.1.1 no such user");
        let ids = |rewritten| report(rewritten, Outcome::Failed(&gone)).1.original.message_ids;
        assert_eq!(ids(false).iter().map(MessageId::as_str).collect::<Vec<_>>(), ["mine@new.test"], "{habits}");
        assert_eq!(
            ids(true).iter().map(MessageId::as_str).collect::<Vec<_>>(),
            ["0000040001@prod.outlook.test", "mine@new.test"],
            "{habits}"
        );
    }
}

#[test]
fn complaints_name_who_complains_or_keep_it_back() {
    for habits in [Microsoft, Dovecot] {
        for named in [true, false] {
            let (text, incoming) = made(false, |about| by_sender(habits, |by| complaint(by, about, named, at())));
            assert_eq!(incoming.kind, Kind::Complaint, "{text}");
            let whom: Vec<_> = incoming.recipients.iter().map(said).collect();
            assert_eq!(whom, [(named.then_some("bob@old.test"), RefusalClass::Complaint, false)], "{habits}: {text}");
            assert_eq!(incoming.original.message_ids.first().map(MessageId::as_str), Some("mine@new.test"), "{text}");
            assert_eq!(incoming.original.letter, Some(letter_id()), "{text}");
            assert_eq!(incoming.feedback_type.as_deref(), (habits == Dovecot || !named).then_some("abuse"), "{text}");
            assert!(named || !text.contains("bob@old.test"), "{text}");
        }
    }
}

#[test]
fn answers_are_a_machines_a_persons_or_a_wish_to_get_no_more() {
    let who = |incoming: &Incoming| incoming.recipients.first().and_then(|r| r.address.clone());
    let ids = |incoming: &Incoming| incoming.original.message_ids.iter().map(|id| id.as_str().to_owned()).collect::<Vec<_>>();
    for habits in [Gmail, Microsoft, Dovecot] {
        for words in VACATIONS {
            let (text, away) = made(false, |about| vacation(Server { habits, of: about.to }, about, words, at()));
            assert_eq!((away.kind, who(&away).as_deref()), (Kind::AutoReply, Some("bob@old.test")), "{text}");
            assert_eq!(ids(&away), ["mine@new.test"]);
            assert!(text.starts_with("Return-Path: <>\r\n") && text.contains("Auto-Submitted: auto-replied"), "{text}");
        }
    }
    for words in REPLIES {
        let (text, answer) = made(true, |about| reply(about, words, at()));
        assert_eq!((answer.kind, ids(&answer)), (Kind::Reply, vec!["0000040001@prod.outlook.test".into()]), "{text}");
        assert!(text.contains("Subject: Re: =?utf-8?q?Gr=C3=BC=C3=9Fe?= from here\r\n"), "{text}");
    }
    for wish in UNSUBSCRIBES.map(Wish::Words).into_iter().chain([Wish::Header]) {
        let (text, leaves) = made(false, |about| unsubscribe(about, wish, at()));
        assert_eq!((leaves.kind, who(&leaves).as_deref()), (Kind::Unsubscribe, Some("bob@old.test")), "{text}");
    }
}

#[test]
fn what_comes_by_itself_is_nobodys_and_a_campaigns_mail_has_no_mark() {
    let (anna, bob) = (address("anna@new.test"), address("bob@old.test"));
    let kinds = [
        (Foreign::Ordinary, Kind::Other),
        (Foreign::Newsletter, Kind::Other),
        (Foreign::Receipt, Kind::Other),
        (Foreign::AutoReply, Kind::AutoReply),
        (Foreign::Bounce, Kind::Bounce),
    ];
    for (what, kind) in kinds {
        for n in 0..8 {
            let incoming = read_message(&foreign(what, &anna, &bob, n, at()));
            // "Re: the game" answers something, as far as anybody can tell by its subject: it names no message.
            assert_eq!((incoming.kind, incoming.original.letter), (kind, None), "{what:?} {n}: {}", incoming.evidence);
        }
    }
    let drawn: Vec<Foreign> = [0.0, 0.5, 0.8, 0.9, 0.96].map(Foreign::drawn).to_vec();
    assert_eq!(drawn, kinds.map(|k| k.0));
    let mail = campaign(&anna, &bob, "7", at());
    assert_eq!(read_message(&mail).kind, Kind::Other);
    assert_ne!(mail, campaign(&anna, &bob, "8", at()));
}

#[test]
fn every_message_has_an_id_of_its_own() {
    let (anna, bob, message) = (address("anna@new.test"), address("bob@old.test"), letter(false));
    let about = About { from: &anna, to: &bob, message: &message };
    let by = Server { habits: Dovecot, of: &anna };
    let (no, later) = (Reply::new(550, "5.1.1 no"), at() + std::time::Duration::from_secs(1));
    let mut ids: Vec<String> = [
        delivery_status(by, about, Outcome::Failed(&no), at()),
        delivery_status(by, about, Outcome::Failed(&no), later),
        delivery_status(by, about, Outcome::Delayed(&no), at()),
        complaint(by, about, true, at()),
        vacation(by, about, VACATIONS[0], at()),
        reply(about, REPLIES[0], at()),
        unsubscribe(about, Wish::Header, at()),
    ]
    .iter()
    .map(|bytes| header::value(&bytes[..header::len(bytes)], "Message-ID").unwrap())
    .collect();
    let all = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), all, "{ids:?}");
}

#[test]
fn whatever_it_is_about_a_field_stays_a_field() {
    let (anna, bob) = (address("anna@new.test"), address("bob@old.test"));
    let long = format!("Subject: {}\r\nMessage-ID: <{}@x.test>\r\n\r\n{}", "ü ".repeat(3_000), "i".repeat(5_000), "x".repeat(60_000));
    let hostile: [&[u8]; 6] = [
        b"",
        b"no header at all",
        b"Subject: a\rX-Preheat: k1.0123456789abcdef01234567.00\r\nMessage-ID: <a\rb@x.test>\r\n\r\n",
        b"Subject: \xff\xfe\r\nMessage-ID: none\r\nDate: \x00\r\n\r\n--=_\r\n",
        b"\r\n\r\n--=_boundary--\r\n",
        long.as_bytes(),
    ];
    let no = Reply::new(550, "5.1.1 <bob@old.test>: no\r\nX: y");
    for message in hostile {
        let about = About { from: &anna, to: &bob, message };
        for habits in [Gmail, Microsoft, Dovecot] {
            let by = Server { habits, of: &anna };
            let all = [
                (Kind::Bounce, delivery_status(by, about, Outcome::Failed(&no), at())),
                (Kind::Complaint, complaint(by, about, false, at())),
                (Kind::AutoReply, vacation(by, about, "away", at())),
                (Kind::Unsubscribe, unsubscribe(about, Wish::Words("Please remove me from your list."), at())),
            ];
            for (kind, bytes) in all {
                let own = &bytes[..header::len(&bytes)];
                assert_eq!(read_message(&bytes).kind, kind, "{habits}: {}", String::from_utf8_lossy(own));
                assert!(own.len() < 6_000 && bytes.len() < 20_000 && header::value(own, "X-Preheat").is_none());
                assert!(own.split(|b| *b == b'\n').all(|l| l.len() < 1_000 && !l.strip_suffix(b"\r").unwrap_or(l).contains(&b'\r')));
            }
        }
    }
}
