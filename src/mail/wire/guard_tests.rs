//! The guard against what a hostile or broken server sends, in any chunking.

use super::*;
use crate::mail::wire::{SMTP_LINE, SMTP_REPLY};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn imap(limits: ImapLimits) -> Scan {
    Scan::Imap(ImapScan::new(limits))
}

/// Bytes that pass before the trip, if there is one.
fn verdict_in(mut scan: Scan, chunks: &[&[u8]]) -> (usize, Option<Trip>) {
    let mut passed = 0;
    for chunk in chunks {
        match scan.feed(&mut chunk.to_vec()) {
            Ok(()) => passed += chunk.len(),
            Err((good, trip)) => return (passed + good, Some(trip)),
        }
    }
    (passed, None)
}

fn imap_trip(bytes: &[u8]) -> Option<Trip> {
    verdict_in(imap(ImapLimits::default()), &[bytes]).1
}

#[test]
fn an_ordinary_session_passes() {
    let session = concat!(
        "* OK [CAPABILITY IMAP4rev1 (sic)] hello\r\n",
        "* CAPABILITY IMAP4rev1 IDLE\r\na1 OK done\r\n",
        "* LIST (\\HasNoChildren \\Junk) \"/\" \"Old (2024) {7} \\\"best\\\" (((((((((((((((((((\"\r\n",
        "* LIST () \"/\" {5}\r\n((\"((\r\n",
        "* 1 FETCH (UID 7 FLAGS (\\Seen) BODY[HEADER.FIELDS (FROM)] {20}\r\n(((((((((((((((((((( UID 9)\r\n",
        "* 2 FETCH (BODY[] {0}\r\n RFC822.SIZE 3)\r\n",
        "* OK an open ( and a \" and a {99}\r\n",
        "+ idling (\r\n",
        "a2 NO [ALERT] caf\u{e9} {3}\r\n",
    );
    assert_eq!(imap_trip(session.as_bytes()), None);
}

#[test]
fn deep_nesting_trips_at_the_seventeenth() {
    let nested = |n: usize| format!("* 1 FETCH (BODYSTRUCTURE {}", "(".repeat(n)).into_bytes();
    assert_eq!(imap_trip(&nested(15)), None);
    assert_eq!(imap_trip(&nested(16)), Some(Trip::TooDeep(16)));
    let (passed, trip) = verdict_in(imap(ImapLimits::default()), &[&nested(200_000)]);
    assert_eq!((passed, trip), (25 + 15, Some(Trip::TooDeep(16))));
    // Breadth is no depth.
    assert_eq!(imap_trip(format!("* X {}\r\n", "()".repeat(10_000)).as_bytes()), None);
}

#[test]
fn nesting_cannot_be_hidden() {
    let deep = "(".repeat(200);
    for trick in [
        // A quote that the parser does not take for one.
        format!("* 1 FETCH (FLAGS (a\" {deep}"),
        format!("a1 OK \" {deep}"),
        // Text that looks like a literal: what follows is a response, not its contents.
        format!("* OK hello {{500}}\r\n* 1 FETCH (BODYSTRUCTURE {deep}"),
        format!("+ go {{500}}\r\n* 1 FETCH (BODYSTRUCTURE {deep}"),
        format!("a1 no {{500}}\r\n* 1 FETCH (BODYSTRUCTURE {deep}"),
        // Almost literals.
        format!("* LIST () \"/\" {{500+}}\r\n* 1 FETCH (BODYSTRUCTURE {deep}"),
        format!("* LIST () \"/\" {{500}} \r\n* 1 FETCH (BODYSTRUCTURE {deep}"),
        format!("* LIST () \"/\" {{}}\r\n* 1 FETCH (BODYSTRUCTURE {deep}"),
        format!("* LIST () \"/\" \"{{500}}\r\n* 1 FETCH (BODYSTRUCTURE {deep}"),
        // A literal that ends just before.
        format!("* 1 FETCH (BODY[] {{3}}\r\n(((BODYSTRUCTURE {deep}"),
    ] {
        assert!(matches!(imap_trip(trick.as_bytes()), Some(Trip::TooDeep(_))), "{trick:.60}");
    }
}

#[test]
fn floods_trip() {
    assert_eq!(imap_trip(b"* 1 FETCH (UID 1 BODY[] {4000000000}\r\n"), Some(Trip::LiteralTooBig { announced: 40_000_000, limit: 8 << 20 }));
    assert!(matches!(imap_trip(format!("* X {{{}", "9".repeat(400)).as_bytes()), Some(Trip::LiteralTooBig { .. })));
    assert_eq!(imap_trip(&vec![b'y'; 2 << 20]), Some(Trip::LineTooLong(1 << 20)));
    assert_eq!(imap_trip(&b"* 1 EXPUNGE\r\n".repeat(200_001)), Some(Trip::TooMany(200_000)));
    assert_eq!(imap_trip(b"* 1 EXPUNGE\n"), Some(Trip::Malformed("a line that ends in LF alone")));
    assert_eq!(imap_trip(b"* OK a\rb"), Some(Trip::Malformed("a CR in the middle of a line")));

    let small = ImapLimits { literal: 50, response: 100, bytes: 1_000, ..ImapLimits::default() };
    let literals = b"* 1 FETCH (BODY[] {40}\r\n".iter().copied().chain([b'x'; 40]).collect::<Vec<u8>>();
    let one_response = [&literals[..], b" A {40}\r\n", &[b'x'; 40]].concat();
    assert_eq!(verdict_in(imap(small), &[&one_response]), (100, Some(Trip::ResponseTooBig(100))));
    let many = [&literals[..], b")\r\n"].concat().repeat(30);
    assert_eq!(verdict_in(imap(small), &[&many]), (1_000, Some(Trip::TooMuch(1_000))));
}

#[test]
fn each_command_has_the_amounts_to_itself() {
    let mut scan = imap(ImapLimits { responses: 10, bytes: 200, ..ImapLimits::default() });
    for _ in 0..20 {
        assert_eq!(scan.feed(&mut b"* 1 EXPUNGE\r\n".repeat(10)), Ok(()));
        scan.wrote(None);
    }
    assert_eq!(scan.feed(&mut b"* 1 EXPUNGE\r\n".repeat(11)), Err((142, Trip::TooMany(10))));
}

#[test]
fn text_beyond_ascii_becomes_question_marks_and_data_does_not() {
    let mut bytes = "* OK gr\u{fc}n\r\n* LIST () \"/\" {2}\r\n\u{fc}\r\n* X \"\u{fc}\"\r\n".as_bytes().to_vec();
    imap(ImapLimits::default()).feed(&mut bytes).unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), "* OK gr??n\r\n* LIST () \"/\" {2}\r\n\u{fc}\r\n* X \"\u{fc}\"\r\n");
}

/// Pieces of protocol, good and bad, in any order.
fn soup(pieces: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => proptest::sample::select(pieces).prop_map(|s| s.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..4),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn cut(bytes: &[u8], at: &[prop::sample::Index]) -> Vec<Vec<u8>> {
    let mut places: Vec<usize> = at.iter().map(|i| i.index(bytes.len() + 1)).chain([0, bytes.len()]).collect();
    places.sort_unstable();
    places.windows(2).map(|w| bytes[w[0]..w[1]].to_vec()).collect()
}

fn same_in_any_chunking(scan: impl Fn() -> Scan, bytes: &[u8], at: &[prop::sample::Index]) -> Result<(), TestCaseError> {
    let whole = verdict_in(scan(), &[bytes]);
    let cuts = cut(bytes, at);
    prop_assert_eq!(whole, verdict_in(scan(), &cuts.iter().map(Vec::as_slice).collect::<Vec<_>>()));
    prop_assert_eq!(whole, verdict_in(scan(), &bytes.chunks(1).collect::<Vec<_>>()));
    Ok(())
}

const IMAP_PIECES: &[&str] = &[
    "* OK ",
    "* 1 FETCH (",
    "a1 NO ",
    "+ ",
    "(",
    ")",
    "((((",
    "\"",
    "\\",
    "{",
    "}",
    "{3}\r\n",
    "{12}\r\n",
    "{60}\r\n",
    "5",
    "\r\n",
    "\r",
    "\n",
    " ",
    "x",
    "BODY[]",
    "\u{fc}",
];
const SMTP_PIECES: &[&str] = &["250 ", "250-", "250", "354 ", "421 ", "550-", "\r\n", "\r", "\n", "ok", " ", "\u{fc}", "xxxxxxxx", "\t"];

proptest! {
    #[test]
    fn imap_verdicts_do_not_depend_on_chunking(bytes in soup(IMAP_PIECES), at in proptest::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        let limits = ImapLimits { line: 60, literal: 50, response: 120, depth: 3, raw_depth: 5, responses: 8, bytes: 300 };
        same_in_any_chunking(|| imap(limits), &bytes, &at)?;
    }

    #[test]
    fn smtp_verdicts_do_not_depend_on_chunking(bytes in soup(SMTP_PIECES), at in proptest::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        same_in_any_chunking(|| Scan::Smtp(SmtpScan::new()), &bytes, &at)?;
    }

    #[test]
    fn what_passes_the_smtp_guard_is_ascii_lines(bytes in soup(SMTP_PIECES)) {
        let mut bytes = bytes;
        let mut scan = Scan::Smtp(SmtpScan::new());
        let good = scan.feed(&mut bytes).map_or_else(|(good, _)| good, |()| usize::MAX).min(bytes.len());
        let seen = std::str::from_utf8(&bytes[..good]).unwrap();
        // What lettre's EHLO reader does with each whole line; it must find a word wherever there is text.
        let whole = seen.rfind("\r\n").map_or("", |end| &seen[..end]);
        for line in whole.split("\r\n").filter(|l| l.len() > 4) {
            prop_assert!(line[4..].split_whitespace().next().is_some(), "{line:?}");
        }
    }
}

fn guarded(protocol: Protocol, replay: &[u8]) -> (Guard<tokio::io::DuplexStream>, tokio::io::DuplexStream) {
    let (near, far) = tokio::io::duplex(1 << 16);
    (Guard::new(near, protocol, "127.0.0.1:25".parse().unwrap(), replay.to_vec()), far)
}

#[tokio::test]
async fn a_trip_is_sticky_and_what_was_good_is_still_read() {
    let (mut guard, mut server) = guarded(Protocol::Imap, b"");
    let meter = guard.meter();
    server.write_all(b"* OK hi\r\n* 1 FETCH (((((((((((((((((((((").await.unwrap();
    let mut seen = vec![0; 100];
    let n = guard.read(&mut seen).await.unwrap();
    assert_eq!(&seen[..n], b"* OK hi\r\n* 1 FETCH ((((((((((((((((");
    for _ in 0..3 {
        server.write_all(b"* OK all is well\r\n").await.unwrap();
        let error = guard.read(&mut seen).await.unwrap_err();
        assert_eq!(Trip::of(&error), Some(Trip::TooDeep(16)));
    }
    assert_eq!(meter.trip(), Some(Trip::TooDeep(16)));
}

#[tokio::test]
async fn the_replayed_greeting_comes_first_and_bytes_are_counted() {
    let (mut guard, mut server) = guarded(Protocol::Smtp, b"220 mx.test\r\n");
    let meter = guard.meter();
    guard.write_all(b"EHLO x\r\n").await.unwrap();
    server.write_all(b"250 mx.test\r\n").await.unwrap();
    let mut seen = [0; 26];
    guard.read_exact(&mut seen).await.unwrap();
    assert_eq!(&seen, b"220 mx.test\r\n250 mx.test\r\n");
    assert_eq!((meter.read(), meter.written()), (13, 8));
    assert_eq!([meter.take_reply(), meter.take_reply()].map(|r| r.unwrap().code), [220, 250]);
    assert_eq!(meter.take_reply(), None);
}

/// The guard's error is found beneath both libraries' errors.
#[tokio::test]
async fn trips_are_found_beneath_the_libraries() {
    let (guard, mut server) = guarded(Protocol::Smtp, b"");
    server.write_all(&[b'2'; SMTP_LINE + 1]).await.unwrap();
    let id = lettre::transport::smtp::extension::ClientId::Domain("c.test".into());
    let error = lettre::transport::smtp::client::AsyncSmtpConnection::connect_with_transport(Box::new(guard), &id).await.err().unwrap();
    assert_eq!(Trip::of(&error), Some(Trip::LineTooLong(SMTP_LINE)));

    let (guard, mut server) = guarded(Protocol::Imap, b"");
    let mut client = async_imap::Client::new(guard);
    server.write_all(format!("* 1 FETCH (BODYSTRUCTURE {}", "(".repeat(1_000)).as_bytes()).await.unwrap();
    let error = client.read_response().await.unwrap_err();
    assert_eq!(Trip::of(&error), Some(Trip::TooDeep(16)));
    const { assert!(SMTP_REPLY > SMTP_LINE) };
}
