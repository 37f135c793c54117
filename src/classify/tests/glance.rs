//! What a header alone says, held against what the whole message is.

use super::ordinary;
use crate::classify::{GLANCED, Glance, Kind, glance, read_message};
use crate::words::MessageId;

fn look(header: &str) -> Glance {
    glance(format!("{header}\n\n").as_bytes())
}

/// Only those lines of a header that a look fetches.
fn fetched(message: &str) -> String {
    let mut kept = String::new();
    let mut keeps = false;
    for line in message.lines().take_while(|l| !l.is_empty()) {
        if !line.starts_with([' ', '\t']) {
            keeps = line.split_once(':').is_some_and(|(name, _)| GLANCED.iter().any(|g| g.eq_ignore_ascii_case(name)));
        }
        if keeps {
            kept.push_str(line);
            kept.push_str("\r\n");
        }
    }
    kept
}

#[test]
fn reports_are_read_on() {
    for header in [
        "From: MAILER-DAEMON@y.test\nSubject: Undelivered Mail Returned to Sender",
        "From: x@y.test\nSubject: x\nContent-Type: multipart/report; report-type=delivery-status;\n boundary=r",
        "From: x@y.test\nSubject: x\nContent-Type: multipart/report; boundary=r",
        "From: x@y.test\nSubject: FW: x\nContent-Type: multipart/report; report-type=\"feedback-report\"; boundary=r",
        "From: x@y.test\nSubject: x\nReturn-Path: <>",
        "From: x@y.test\nSubject: x\nX-Failed-Recipients: p@y.test\nAuto-Submitted: auto-replied",
        "From: Mail Delivery System <x@y.test>\nSubject: x",
        "From: x@y.test\nSubject: Unzustellbar: Angebot",
        "From: x@y.test\nReturn-Path: <>\nAuto-Submitted: auto-replied\nSubject: Mail delivery failed: returning message to sender",
        "Subject: nobody wrote this",
        "From: staff@hotmail.com\nSubject: complaint about message from 192.0.2.1\nContent-Type: multipart/mixed; boundary=r",
        "From: feedback@arf.mail.yahoo.com\nSubject: x",
        "From: x@y.test\nSubject: x\nX-HmXmrOriginalRecipient: p@y.test",
        "From: fbl@y.test\nSubject: Email Feedback Report for IP 192.0.2.1",
        "From: no-reply@sns.amazonaws.com\nSubject: AWS Notification Message",
    ] {
        assert_eq!(look(header), Glance::Report, "{header}");
    }
}

#[test]
fn what_the_header_tells_for_sure_is_known() {
    for (header, kind) in [
        ("From: p@y.test\nSubject: Re: x\nAuto-Submitted: auto-replied\nIn-Reply-To: <1@x.test>", Kind::AutoReply),
        ("From: p@y.test\nSubject: Away until May\nAuto-Submitted: auto-replied\nReturn-Path: <>", Kind::AutoReply),
        ("From: p@y.test\nSubject: =?utf-8?B?5LiN5Zyo6YCa55+l?=\nAuto-Submitted: auto-replied\nReturn-Path: <>", Kind::AutoReply),
        ("From: p@y.test\nSubject: x\nX-Apple-Unsubscribe: true\nAuto-Submitted: auto-replied", Kind::Unsubscribe),
    ] {
        let Glance::Known(incoming) = look(header) else { panic!("{header}: {:?}", look(header)) };
        assert_eq!((incoming.kind, incoming.recipients[0].address.as_deref()), (kind, Some("p@y.test")), "{header}");
    }
}

#[test]
fn answers_are_what_they_are_unless_their_words_say_more() {
    for (header, kind) in [
        ("From: p@y.test\nSubject: Re: offer\nIn-Reply-To: <1@x.test>", Kind::Reply),
        ("From: p@y.test\nSubject: a thought\nReferences: <1@x.test>", Kind::Reply),
        ("From: p@y.test\nSubject: unsubscribe", Kind::Unsubscribe),
        ("From: p@y.test\nSubject: AW: Angebot", Kind::Other),
        ("From: p@y.test\nSubject: please remove me from your list", Kind::Other),
        // Not a word of RFC 3834: its owner may have written more than that she is away.
        ("From: p@y.test\nSubject: Out of Office: offer\nIn-Reply-To: <1@x.test>", Kind::AutoReply),
        ("From: p@y.test\nSubject: hello\nX-Autoreply: yes", Kind::AutoReply),
    ] {
        let Glance::Answer(incoming) = look(header) else { panic!("{header}: {:?}", look(header)) };
        assert_eq!(incoming.kind, kind, "{header}");
    }
    let Glance::Answer(reply) = look("From: p@y.test\nSubject: Re: x\nIn-Reply-To: <2@x.test>\nReferences: <1@x.test> <2@x.test>") else {
        panic!("an answer")
    };
    assert_eq!(reply.original.message_ids.iter().map(MessageId::as_str).collect::<Vec<_>>(), ["2@x.test", "1@x.test"]);
}

#[test]
fn ordinary_mail_and_letters_of_ours_are_left_alone() {
    for header in [
        "",
        "From: anna@y.test\nSubject: Lunch on Friday?",
        "From: News <news@y.test>\nSubject: Undelivered: 7 stories\nList-Unsubscribe: <mailto:x@y.test>\nPrecedence: bulk",
        "From: News <news@y.test>\nSubject: How to unsubscribe\nList-Id: <x.y.test>",
        "From: shop@y.test\nSubject: Your order\nAuto-Submitted: auto-generated",
        "From: p@y.test\nSubject: Re: x\nIn-Reply-To: <1@x.test>\nList-Id: <talk.y.test>",
        "From: p@y.test\nSubject: Read: x\nReturn-Path: <>\nContent-Type: multipart/report; report-type=disposition-notification; boundary=r",
        "From: p@y.test\nSubject: Undelivered\nX-Preheat: k1.0123456789abcdef01234567.00",
    ] {
        assert_eq!(look(header), Glance::Nothing, "{header}");
    }
}

#[test]
fn what_a_look_does_not_fetch_makes_no_difference() {
    for message in ordinary::all().chain(HEADERS.iter().map(|h| format!("{h}\n\ntext\n"))) {
        assert_eq!(glance(message.as_bytes()), glance(fetched(&message).as_bytes()), "{message}");
    }
}

/// What no look fetches, beside what it does.
const HEADERS: [&str; 2] = [
    "Received: from y.test\n by x.test\nFrom: p@y.test\nX-Mailer: notes\nSubject: Undelivered\nX-Vacation: yes\nTo: me@x.test",
    "From: p@y.test\nUser-Agent: notes\nX-Kerio-Autoreply: yes\nSubject: Re: x\nReferences: <1@x.test>",
];

#[test]
fn whatever_is_not_read_is_what_it_was_taken_for() {
    let (mut read_on, mut all) = (0, 0);
    for message in ordinary::all() {
        let whole = read_message(message.as_bytes()).kind;
        all += 1;
        match glance(message.as_bytes()) {
            Glance::Nothing => assert_eq!(whole, Kind::Other, "{message}"),
            Glance::Known(incoming) => assert_eq!(whole, incoming.kind, "{message}"),
            Glance::Report | Glance::Answer(_) => read_on += 1,
        }
    }
    // Most of these are written to be mistaken for reports.
    assert!(read_on * 2 < all, "{read_on} of {all} are fetched");
}
