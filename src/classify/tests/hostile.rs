//! Input that wants to break the reader.

use proptest::prelude::*;

use crate::classify::{Glance, Heading, Kind, glance, read_message, stand_in};

fn report(groups: &str) -> String {
    format!(
        "From: MAILER-DAEMON@y.test\nSubject: Undelivered\nContent-Type: multipart/report; report-type=delivery-status; boundary=r\n\n\
         --r\n\nSorry.\n--r\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; y.test\n\n{groups}\n--r\nContent-Type: message/rfc822\n\n\
         Message-ID: <1@x.test>\nX-Preheat: k1.0123456789abcdef01234567.00\nSubject: x\n\nbody\n"
    )
}

/// Five hundred of them.
fn lines_of(line: impl Fn(usize) -> String) -> String {
    (0..500).map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_report_may_name_many() {
    let groups = lines_of(|n| format!("Final-Recipient: rfc822; p{n}@y.test\nAction: failed\nStatus: 5.1.1\n"));
    let incoming = read_message(report(&groups).as_bytes());
    assert_eq!((incoming.kind, incoming.recipients.len()), (Kind::Bounce, 500));
    assert!(incoming.recipients.iter().all(|r| r.hard));
    assert_eq!(incoming.original.letter.unwrap().to_string(), "0123456789abcdef01234567");
    let lines = lines_of(|n| format!("<p{n}@y.test>: 550 5.1.1 no such user"));
    let told = format!("From: MAILER-DAEMON@y.test\nTo: me@x.test\nSubject: failure notice\n\nSorry:\n\n{lines}");
    assert_eq!(read_message(told.as_bytes()).recipients.len(), 500);
}

#[test]
fn thirty_megabytes_say_what_their_beginning_says() {
    let mut text = report("Final-Recipient: rfc822; p@y.test\nAction: failed\nStatus: 5.2.2\n");
    text.push_str(&"MIME line of no matter, again and again\n".repeat(800_000));
    assert!(text.len() > 30_000_000);
    let incoming = read_message(text.as_bytes());
    assert_eq!((incoming.kind, incoming.recipients.len()), (Kind::Bounce, 1));
}

#[test]
fn line_ends_may_be_of_any_kind() {
    let text =
        report("Final-Recipient: rfc822; p@y.test\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 no\n such user\n");
    for ends in ["\n", "\r\n", "\r"] {
        let incoming = read_message(text.replace('\n', ends).as_bytes());
        assert_eq!((incoming.kind, incoming.recipients.len()), (Kind::Bounce, 1), "{ends:?}");
        let recipient = &incoming.recipients[0];
        assert_eq!((recipient.address.as_deref(), recipient.reply, recipient.hard), (Some("p@y.test"), Some(550), true));
        assert_eq!(recipient.diagnostic, "550 5.1.1 no such user");
        assert_eq!(incoming.original.message_ids[0].as_str(), "1@x.test");
    }
}

#[test]
fn a_header_without_end_is_glanced_at() {
    let long = format!("From: {}MAILER-DAEMON@y.test\nSubject: {}\n", " \n".repeat(10_000), "Undelivered ".repeat(100_000));
    assert_eq!(glance(long.as_bytes()), Glance::Report);
    let many = format!("Subject: x\n{}", "Return-Path: <>\nReferences: <1@x.test>\n".repeat(20_000));
    assert_eq!(glance(many.as_bytes()), Glance::Report);
}

#[test]
fn what_nests_ends_somewhere() {
    let mut inner = report("Final-Recipient: rfc822; p@y.test\nAction: failed\nStatus: 5.1.1\n");
    for n in 0..300 {
        inner = format!(
            "From: MAILER-DAEMON@y{n}.test\nSubject: Undelivered\nContent-Type: multipart/report; report-type=delivery-status; boundary=n{n}\n\n--n{n}\nContent-Type: message/rfc822\n\n{inner}\n--n{n}--\n"
        );
    }
    assert_eq!(read_message(inner.as_bytes()).kind, Kind::Bounce);
    for opening in [
        "Content-Type: message/rfc822\n\n",
        "Content-Type: multipart/mixed; boundary=b\n\n--b\n",
        "Content-Type: multipart/digest; boundary=b\n\n--b\n\n",
    ] {
        read_message(opening.repeat(10_000).as_bytes());
    }
}

#[test]
fn a_report_of_many_pieces_is_read() {
    let lists = format!("{}\n{}", lines_of(|n| format!("<p{n}@y.test>")), "a word of the server, and more of it\n".repeat(10_000));
    let blocks = format!("{}\n550 5.1.1 no such user\n", "From: a@x.test\nTo: b@y.test\nSubject: c\n\n".repeat(1_000));
    for words in [lists, blocks] {
        let text = format!("From: MAILER-DAEMON@y.test\nTo: me@x.test\nSubject: failure notice\n\n{words}");
        assert_eq!(read_message(text.as_bytes()).kind, Kind::Bounce);
    }
}

#[test]
fn a_bounce_of_a_bounce_is_about_its_own_recipient() {
    let inner = report("Final-Recipient: rfc822; inner@y.test\nAction: failed\nStatus: 5.1.1\n")
        .replace("boundary=r", "boundary=i")
        .replace("--r", "--i");
    let outer = report("Final-Recipient: rfc822; outer@z.test\nAction: failed\nStatus: 5.4.4\n");
    let text = outer
        .replace("Message-ID: <1@x.test>\nX-Preheat: k1.0123456789abcdef01234567.00\n", &format!("Message-ID: <b@y.test>\n{}", &inner));
    let incoming = read_message(text.as_bytes());
    assert_eq!(incoming.recipients.iter().filter_map(|r| r.address.as_deref()).collect::<Vec<_>>(), ["outer@z.test"]);
    assert_eq!((incoming.kind, incoming.original.message_ids[0].as_str()), (Kind::Bounce, "b@y.test"));
}

#[test]
fn nothing_that_a_sender_writes_gets_through_raw() {
    let text = report("Final-Recipient: rfc822; p@y.test\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 \x1b[31mred\u{202e}\n");
    let diagnostic = &read_message(text.as_bytes()).recipients[0].diagnostic;
    assert!(!diagnostic.contains(['\x1b', '\u{202e}']), "{diagnostic:?}");
    let long = report(&format!(
        "Final-Recipient: rfc822; p@y.test\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 {}\n",
        "x".repeat(100_000)
    ));
    assert!(read_message(long.as_bytes()).recipients[0].diagnostic.chars().count() <= 500);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        read_message(&bytes);
        glance(&bytes);
        Heading::read(&bytes);
        stand_in(&bytes, &bytes);
    }

    #[test]
    fn any_pieces_of_messages_are_read(pieces in proptest::collection::vec(0_usize..PIECES.len(), 0..40)) {
        let text: String = pieces.iter().map(|&p| PIECES[p]).collect();
        read_message(text.as_bytes());
        glance(text.as_bytes());
    }
}

/// What messages are made of, in no order.
const PIECES: [&str; 32] = [
    "\n",
    "\r\n",
    "\r",
    "\n\n",
    "--b\n",
    "--b--\n",
    "--",
    "From: MAILER-DAEMON@y.test\n",
    "From: =?utf-8?q?=\n",
    "To: <\n",
    "Subject: Undelivered\n",
    "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n",
    "Content-Type: message/rfc822\n\n",
    "Content-Type: message/delivery-status\n\n",
    "Content-Type: message/feedback-report\n\n",
    "Content-Type: text/html; charset=iso-2022-jp\n\n",
    "Content-Transfer-Encoding: base64\n",
    "Content-Transfer-Encoding: quoted-printable\n",
    "Final-Recipient: rfc822; é@\n",
    "Original-Recipient:\n",
    "Action: failed\n",
    "Status: 5.1.1 (é\n",
    "Diagnostic-Code: ;\n",
    "Feedback-Type: abuse\n",
    "X-Preheat: a.b.c\n",
    "{\"notificationType\":\"Bounce\"}",
    "<p@y.test>: 550 é",
    "\u{fffd}",
    "@",
    "\"@y.test",
    "5.1.1",
    "Auto-Submitted: auto-replied\n",
];
