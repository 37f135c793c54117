//! The helpers for tests on real servers, tried out, and the odd mailboxes of the rig. Slots 17, 18, 20 and 21.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine;
use preheat::classify::{Incoming, Kind, read_message};
use preheat::words::{Address, LetterId, Moment, RefusalClass};
use preheat::world::Personality;
use preheat::world::reports::{self, About, Server, Wish};

use crate::rig::{Line, PoolOptions, Rig};

/// Submits one message in plain SMTP; returns the final reply or the first refusal, or what the connection ended with.
fn submit(rig: &Rig, port: u16, from: &str, to: &str, text: &str) -> std::io::Result<String> {
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let (mut reader, mut writer) = (BufReader::new(stream.try_clone()?), stream);
    let mut reply = move || -> std::io::Result<String> {
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(line);
            }
        }
    };
    reply()?;
    let login = base64::engine::general_purpose::STANDARD.encode(format!("\0{from}\0{}", rig.fact("RIG_PASSWORD")));
    for command in
        ["EHLO test".to_owned(), format!("AUTH PLAIN {login}"), format!("MAIL FROM:<{from}>"), format!("RCPT TO:<{to}>"), "DATA".to_owned()]
    {
        write!(writer, "{command}\r\n")?;
        let answer = reply()?;
        if !answer.starts_with(['2', '3']) {
            return Ok(answer);
        }
    }
    write!(writer, "From: {from}\r\nTo: {to}\r\n{text}\r\n.\r\n")?;
    reply()
}

/// The messages in a folder once there is one at least.
fn delivered(rig: &Rig, user: &str, folder: &str) -> Vec<String> {
    delivered_at_least(1, rig, user, folder)
}

/// The messages in a folder once there are so many.
fn delivered_at_least(n: usize, rig: &Rig, user: &str, folder: &str) -> Vec<String> {
    for _ in 0..400 {
        let messages = rig.messages(user, folder);
        if messages.len() >= n {
            return messages;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("fewer than {n} came to {folder} of {user}");
}

#[test]
#[ignore = "needs the rig: tests/run"]
fn a_test_has_users_faults_proxies_and_the_auditor() {
    let mut rig = Rig::from_env(18);
    let dir = tempfile::tempdir().unwrap();

    // A pool on this slot's users, and the program in it.
    let options = PoolOptions { partners: 2, more: "pairs: {max_per_pair: 2}\n", ..PoolOptions::default() };
    let yaml = fs::read_to_string(rig.write_pool(dir.path(), &options)).unwrap();
    assert_eq!(yaml.matches("  - u18").count(), 12, "{yaml}");
    assert!(yaml.contains(&format!("port: {}, tls: starttls", rig.port(587))) && yaml.ends_with("{max_per_pair: 2}\n"), "{yaml}");
    assert!(rig.preheat(dir.path(), &["--version"], "2026-12-01T06:00:00Z x1200").status.success());

    // A letter that is filed as spam by its id, a stranger's message beside it.
    let (anna, ben) = (rig.user(1, "warm-a.test"), rig.user(1, "warm-b.test"));
    rig.junk_share(128, std::slice::from_ref(&ben));
    let letter =
        |id: &str| format!("Message-ID: <{id}@warm-a.test>\r\nX-Preheat: rig.{}{id}.{}\r\n\r\nhello", "0".repeat(22), "0".repeat(64));
    assert!(submit(&rig, rig.port(1587), &anna, &ben, &letter("7f")).unwrap().starts_with("250"));
    assert_eq!(delivered(&rig, &ben, "Junk").len(), 1);
    rig.plant(&ben, "Junk", "news-1", "From: a@else.test\r\nSubject: news\r\n\r\nhello\r\n");
    assert_eq!(rig.messages(&ben, "Junk").len(), 2);

    // A final reply that is lost although the letter is delivered.
    let proxy = rig.proxy(rig.port(1587), &["cut-after-final", "--times", "1"]);
    let plain = PoolOptions {
        line: Line::Plain { smtp: Some(proxy.port), imap: None },
        schedule: "mine",
        schedule_text: Some("x"),
        ..PoolOptions::default()
    };
    let yaml = fs::read_to_string(rig.write_pool(dir.path(), &plain)).unwrap();
    assert!(yaml.contains(&format!("port: {}, tls: plain", proxy.port)), "{yaml}");
    assert!(submit(&rig, proxy.port, &anna, &ben, &letter("80")).is_err());
    assert_eq!(proxy.wait_for_strike(), "struck cut-after-final");
    assert_eq!(delivered(&rig, &ben, "INBOX").len(), 1);

    // The auditor says so when there is no ledger to hold against the servers.
    let audit = rig.audit(dir.path(), &["--unfinished"]);
    assert!(!audit.status.success(), "{}", String::from_utf8_lossy(&audit.stdout));
    assert!(String::from_utf8_lossy(&audit.stderr).contains("unable to open database file"), "{}", String::from_utf8_lossy(&audit.stderr));

    rig.reset_mail();
    assert_eq!((rig.messages(&ben, "INBOX").len(), rig.messages(&ben, "Junk").len()), (0, 0));
}

#[test]
#[ignore = "needs the rig: tests/run"]
fn a_pool_with_implicit_tls_names_those_ports() {
    let rig = Rig::from_env(17);
    let dir = tempfile::tempdir().unwrap();
    let options = PoolOptions { line: Line::Implicit, per_domain: 1, domains: 1, ..PoolOptions::default() };
    let yaml = fs::read_to_string(rig.write_pool(dir.path(), &options)).unwrap();
    assert!(yaml.contains(&format!("port: {}, tls: implicit", rig.port(993))), "{yaml}");
    assert_eq!(yaml.matches("  - ").count(), 1);
}

/// A letter as preheat writes them, to `to`: with a mark, and the wish not to be answered by machines.
fn letter(n: u32, to: &str) -> (LetterId, String) {
    let id = LetterId::parse(&format!("{n:024x}")).unwrap();
    let text = format!(
        "Message-ID: <{id}@warm-a.test>\r\nSubject: Hello {n}\r\nDate: Tue, 01 Dec 2026 09:00:00 +0100\r\nX-Preheat: rig.{id}.{}\r\n\
         X-Auto-Response-Suppress: OOF, AutoReply\r\n\r\nHello {to}",
        "0".repeat(64)
    );
    (id, text)
}

#[test]
#[ignore = "needs the rig: tests/run"]
fn mail_to_the_odd_domains_is_answered_given_back_or_put_off() {
    let mut rig = Rig::from_env(20);
    let anna = rig.user(1, "warm-a.test");
    let send = |rig: &Rig, n: u32, to: &str| submit(rig, rig.port(1587), &anna, to, &letter(n, to).1).unwrap();
    let came = |rig: &Rig, n: usize| -> Vec<Incoming> {
        let all = delivered_at_least(n, rig, &anna, "INBOX");
        all.iter().map(|message| read_message(message.as_bytes())).collect()
    };

    // Who is away has a machine answer, letters too, and each sender once.
    let away = rig.user(1, "away.test");
    for n in 1..=2 {
        let said = send(&rig, n, &away);
        assert!(said.starts_with("250"), "{said}");
    }
    assert_eq!(delivered_at_least(2, &rig, &away, "INBOX").len(), 2);
    let [answer] = came(&rig, 1).try_into().unwrap();
    assert_eq!((answer.kind, answer.recipients[0].address.as_deref()), (Kind::AutoReply, Some(away.as_str())));
    assert_eq!(answer.original.message_ids[0].as_str(), format!("{}@warm-a.test", letter(1, &away).0));
    rig.reset_mail();

    // A full mailbox gives letters back, until there is room.
    let full = rig.user(1, "full.test");
    assert!(send(&rig, 3, &full).starts_with("250"));
    let [bounce] = came(&rig, 1).try_into().unwrap();
    let one = &bounce.recipients[0];
    assert_eq!((bounce.kind, bounce.original.letter), (Kind::Bounce, Some(letter(3, &full).0)));
    assert_eq!((one.address.as_deref(), one.class, one.hard), (Some(full.as_str()), RefusalClass::Full, false));
    assert_eq!(one.status.as_deref(), Some("5.2.2"));
    rig.fault(&["quota", &full, "1G"]);
    assert!(send(&rig, 4, &full).starts_with("250"));
    assert_eq!(delivered(&rig, &full, "INBOX").len(), 1);
    rig.fault(&["quota", &full, "1B"]);
    rig.reset_mail();

    // A stranger's first try is put off, at RCPT; each pair for itself.
    let grey = [rig.user(1, "grey.test"), rig.user(2, "grey.test")];
    for to in &grey {
        assert!(send(&rig, 5, to).starts_with("450 4.2.0 "));
        assert!(send(&rig, 5, to).starts_with("250"));
        assert_eq!(delivered(&rig, to, "INBOX").len(), 1);
    }
    rig.reset_mail();
    assert!(send(&rig, 6, &grey[0]).starts_with("450 4.2.0 "), "after a reset everybody is a stranger");

    // What is taken over comes back.
    let late = rig.user(1, "late.test");
    assert!(send(&rig, 7, &late).starts_with("250"));
    let [bounce] = came(&rig, 1).try_into().unwrap();
    let one = &bounce.recipients[0];
    assert_eq!((bounce.kind, bounce.original.letter), (Kind::Bounce, Some(letter(7, &late).0)));
    assert_eq!((one.address.as_deref(), one.class, one.hard), (Some(late.as_str()), RefusalClass::BadAddress, true));
    assert!(rig.messages(&late, "INBOX").is_empty());
}

#[test]
#[ignore = "needs the rig: tests/run"]
fn a_complaint_a_reply_and_an_unsubscribe_are_dropped_into_a_mailbox() {
    let rig = Rig::from_env(21);
    let (anna, ben) = (rig.user(1, "warm-a.test"), rig.user(1, "warm-b.test"));
    let (id, text) = letter(1, &ben);
    assert!(submit(&rig, rig.port(1587), &anna, &ben, &text).unwrap().starts_with("250"));
    let lies = delivered(&rig, &ben, "INBOX").remove(0);
    let [from, to] = [&anna, &ben].map(|a| Address::parse(a).unwrap());
    let about = About { from: &from, to: &to, message: lies.as_bytes() };
    let at = Moment::parse_rfc3339("2026-12-01T10:00:00Z").unwrap();
    for (n, (kind, bytes)) in (1..).zip([
        (Kind::Complaint, reports::complaint(Server { habits: Personality::Dovecot, of: &to }, about, true, at)),
        (Kind::Complaint, reports::complaint(Server { habits: Personality::Microsoft, of: &to }, about, false, at)),
        (Kind::Reply, reports::reply(about, reports::REPLIES[0], at)),
        (Kind::Unsubscribe, reports::unsubscribe(about, Wish::Words(reports::UNSUBSCRIBES[0]), at)),
    ]) {
        rig.deliver(&anna, "INBOX", std::str::from_utf8(&bytes).unwrap());
        let messages = delivered_at_least(n, &rig, &anna, "INBOX");
        let all: Vec<Incoming> = messages.iter().map(|m| read_message(m.as_bytes())).collect();
        let of_kind: Vec<&Incoming> = all.iter().filter(|i| i.kind == kind).collect();
        assert!(!of_kind.is_empty(), "{kind}: {messages:?}");
        assert!(kind != Kind::Complaint || of_kind.iter().all(|i| i.original.letter == Some(id)), "{messages:?}");
    }
}
