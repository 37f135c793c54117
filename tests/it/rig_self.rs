//! The helpers for tests on real servers, tried out. Slot 18.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine;

use crate::rig::{Line, PoolOptions, Rig};

/// Submits one message in plain SMTP; returns the final reply, or what the connection ended with.
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
        assert!(answer.starts_with(['2', '3']), "{answer}");
    }
    write!(writer, "From: {from}\r\nTo: {to}\r\n{text}\r\n.\r\n")?;
    reply()
}

/// The messages in a folder once there is one at least.
fn delivered(rig: &Rig, user: &str, folder: &str) -> Vec<String> {
    for _ in 0..400 {
        let messages = rig.messages(user, folder);
        if !messages.is_empty() {
            return messages;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("nothing came to {folder} of {user}");
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
