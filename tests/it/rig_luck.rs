//! Bad input and bad luck at the door: sign-ins, certificates, STARTTLS. Slot 2. Also what the other `rig_luck_*` files share.
//!
//! Each mailbox of one pool has a misfortune of its own, so that one day shows all of them, and that the others go on.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use preheat::chance::Seed;
use preheat::ledger::{Ledger, Place};
use preheat::words::Moment;
use serde_json::Value;

use crate::rig::{Line, PoolOptions, Rig};
use crate::rig_day::{assert_exit, count, said};

/// Five letters a mailbox, and everybody reads and answers within hours.
pub const SHORT_DAY: &str = "about: a short day
ramp: {start: 5, target: 5, weeks: 4, curve: linear}
window: {hours: 09:00-12:00}
engagement:
  open: 1
  answer: 1
  important: 0.5
  flag: 0.5
  rescue_delay: {median: 30m, p95: 50m, min: 20m, max: 1h}
  open_delay: {median: 10m, p95: 20m, min: 3m, max: 30m}
  answer_delay: {median: 20m, p95: 30m, min: 15m, max: 40m}
  hours: 07:00-15:00
";
/// Tuesday, ten minutes before the window opens in Berlin. In the past: a look without a cursor asks for what came since a
/// plan date, and the servers stamp the mail with the real one.
pub const TUESDAY: &str = "2025-12-02T07:50:00Z x1800";
/// The next morning.
pub const WEDNESDAY: &str = "2025-12-03T07:50:00Z x1800";
/// An hour at which nobody sends, and everybody reads.
pub const WEDNESDAY_NIGHT: &str = "2025-12-03T20:00:00Z x1800";

/// A pool for a short day.
pub fn short_day(per_domain: u32, line: Line) -> PoolOptions {
    PoolOptions {
        per_domain,
        line,
        window: ["09:00", "12:00"],
        schedule: "short-day",
        schedule_text: Some(SHORT_DAY),
        ..PoolOptions::default()
    }
}

/// Servers without TLS, so that proxies can read and break what is said.
pub const PLAIN: Line = Line::Plain { smtp: None, imap: None };

/// Begins the ledger with a seed of the test's own: the same pairs and draws at every run.
pub fn seed(dir: &Path, seed: u64) {
    let ledger = Ledger::open(&dir.join("preheat.db"), Place::Inline).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime.block_on(ledger.seed(Seed(seed), Moment(0))).unwrap(), Seed(seed));
}

/// Gives a mailbox of `preheat.yaml` keys of its own, such as `spam_folder: Werbung`.
pub fn give(dir: &Path, address: &str, keys: &str) {
    let path = dir.join("preheat.yaml");
    let yaml = fs::read_to_string(&path).unwrap();
    let (before, after) = (format!("  - {address}\n"), format!("  - {{address: {address}, {keys}}}\n"));
    assert!(yaml.contains(&before), "{address} is not in the config, or has keys already");
    fs::write(&path, yaml.replace(&before, &after)).unwrap();
}

/// A server without TLS at this port.
pub fn plain_at(port: u16) -> String {
    format!("{{host: localhost, port: {port}, tls: plain}}")
}

/// `status --json`.
pub fn status(rig: &Rig, dir: &Path, clock: &str) -> Value {
    let output = rig.preheat(dir, &["status", "--json"], clock);
    assert_exit(&output, 0);
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What `status` says does not work: `mailbox channel: step: what`, in order.
pub fn troubles(status: &Value) -> Vec<String> {
    let word = |t: &Value, key: &str| t[key].as_str().unwrap().to_owned();
    let all = status["troubles"].as_array().unwrap().iter();
    let mut lines: Vec<String> = all
        .inspect(|t| assert!(!t["hint"].as_str().unwrap().is_empty(), "{t}"))
        .map(|t| format!("{} {}: {}: {}", word(t, "mailbox"), word(t, "channel"), word(t, "step"), word(t, "what")))
        .collect();
    lines.sort();
    lines
}

/// What `status` says of one mailbox.
pub fn mailbox<'a>(status: &'a Value, address: &str) -> &'a Value {
    status["mailboxes"].as_array().unwrap().iter().find(|m| m["address"] == address).unwrap()
}

/// One column of the ledger, in order.
pub fn texts(dir: &Path, sql: &str) -> Vec<String> {
    let ledger = rusqlite::Connection::open(dir.join("preheat.db")).unwrap();
    let mut statement = ledger.prepare(sql).unwrap();
    statement.query_map([], |r| r.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

/// Waits until the ledger of a running `preheat` says this; panics after a minute.
pub fn wait_for(dir: &Path, sql: &str, holds: impl Fn(i64) -> bool) {
    for _ in 0..1_200 {
        let ledger = rusqlite::Connection::open(dir.join("preheat.db")).ok();
        if ledger.and_then(|l| l.query_row(sql, [], |r| r.get(0)).ok()).is_some_and(&holds) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("the ledger never said so: {sql}");
}

#[track_caller]
pub fn assert_says(text: &str, wanted: &str) {
    assert!(text.contains(wanted), "nowhere: {wanted}\n{text}");
}

/// How many letters a mailbox handed over.
pub fn sent_by(dir: &Path, address: &str) -> i64 {
    count(dir, &format!("SELECT count(*) FROM step s JOIN letter l ON l.id = s.letter WHERE s.event = 'handed' AND l.sender = '{address}'"))
}

#[test]
#[ignore = "needs the rig: tests/run"]
fn whoever_cannot_sign_in_safely_is_out_and_says_why_while_the_others_go_on() {
    // Twice as fast as the others: most of it is failures.
    let (tuesday, wednesday) = (&TUESDAY.replace("x1800", "x3600"), &WEDNESDAY.replace("x1800", "x3600"));
    let rig = Rig::from_env(2);
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    rig.write_pool(dir, &short_day(4, Line::Starttls));
    seed(dir, 2);
    let good = fs::read_to_string(dir.join("preheat.yaml")).unwrap();
    let ca = rig.fact("RIG_CA");
    let starttls_at = |port: u16| format!("{{host: localhost, port: {port}, tls: starttls, ca_file: {ca}}}");
    let name = |n, d: &str| rig.user(n, &format!("warm-{d}.test"));

    let wrong_password = name(1, "a");
    rig.fault(&["password", &wrong_password, "another"]);
    let wrong_name = name(2, "a");
    let at = |port| format!("{{host: 127.0.0.1, port: {port}, tls: starttls, ca_file: {ca}}}");
    give(dir, &wrong_name, &format!("smtp: {}, imap: {}", at(rig.port(587)), at(rig.port(143))));
    let unknown_ca = name(3, "a");
    let other_ca = dir.join("other-ca.crt");
    let openssl =
        ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=another CA", "-keyout", "other-ca.key", "-out", "other-ca.crt"];
    assert!(Command::new("openssl").args(openssl).current_dir(dir).stderr(Stdio::null()).status().unwrap().success());
    let at = |port| format!("{{host: localhost, port: {port}, tls: implicit, ca_file: {}}}", other_ca.display());
    give(dir, &unknown_ca, &format!("smtp: {}, imap: {}", at(rig.port(465)), at(rig.port(993))));

    let heard = |what: &str| dir.join(format!("{what}.heard"));
    let in_front = |usual, mode: &str, what: &str| rig.proxy(rig.port(usual), &[mode, "--heard", heard(what).to_str().unwrap()]);
    let (stripped_smtp, stripped_imap) =
        (in_front(587, "strip-starttls", "stripped-smtp"), in_front(143, "strip-starttls", "stripped-imap"));
    let (injected_smtp, injected_imap) = (in_front(587, "inject", "injected-smtp"), in_front(143, "inject", "injected-imap"));
    let (strip_s, strip_i, inject_s, inject_i) = (name(1, "b"), name(2, "b"), name(3, "b"), name(1, "c"));
    give(dir, &strip_s, &format!("smtp: {}", starttls_at(stripped_smtp.port)));
    give(dir, &strip_i, &format!("imap: {}", starttls_at(stripped_imap.port)));
    give(dir, &inject_s, &format!("smtp: {}", starttls_at(injected_smtp.port)));
    give(dir, &inject_i, &format!("imap: {}", starttls_at(injected_imap.port)));

    // `check` names the step, and what to do.
    let check = rig.preheat(dir, &["check", "--json"], tuesday);
    assert_exit(&check, 3);
    let check: Value = serde_json::from_slice(&check.stdout).unwrap();
    let errors: Vec<&Value> = check["findings"].as_array().unwrap().iter().filter(|f| f["severity"] == "error").collect();
    assert_eq!(errors.len(), 10, "{errors:#?}");
    for (who, protocol, what, hint) in [
        (&wrong_password, "SMTP", "signing in: the server refused the sign-in", "check user and secret"),
        (&wrong_password, "IMAP", "signing in: the server refused the sign-in", "check user and secret"),
        (
            &wrong_name,
            "SMTP",
            "TLS handshake: no trusted TLS connection: the certificate is for another name",
            "must be a name on the server's certificate",
        ),
        (
            &wrong_name,
            "IMAP",
            "TLS handshake: no trusted TLS connection: the certificate is for another name",
            "must be a name on the server's certificate",
        ),
        (&unknown_ca, "SMTP", "TLS handshake: no trusted TLS connection: the certificate is not trusted", "set `ca_file`"),
        (&unknown_ca, "IMAP", "TLS handshake: no trusted TLS connection: the certificate is not trusted", "set `ca_file`"),
        (&strip_s, "SMTP", "STARTTLS: the server does not offer STARTTLS", "somebody between you and it may be stripping it"),
        (&strip_i, "IMAP", "STARTTLS: the server does not offer STARTTLS", "somebody between you and it may be stripping it"),
        (&inject_s, "SMTP", "STARTTLS: data arrived behind the answer to STARTTLS", "somebody may be injecting commands"),
        (&inject_i, "IMAP", "STARTTLS: data arrived behind the answer to STARTTLS", "somebody may be injecting commands"),
    ] {
        let says = |f: &Value, key: &str, text: &str| f[key].as_str().unwrap_or_default().contains(text);
        let found = errors
            .iter()
            .any(|f| f["subject"] == who.as_str() && says(f, "what", protocol) && says(f, "what", what) && says(f, "hint", hint));
        assert!(found, "{who}: {protocol} {what}\n{errors:#?}");
    }

    let day = rig.preheat(dir, &["run"], tuesday);
    assert_exit(&day, 0);
    assert_exit(&rig.audit(dir, &[]), 0);
    let told = said(&day);
    assert_says(&told, &format!("{wrong_password}: signing in: the server refused the sign-in"));
    assert_says(&told, &format!("{strip_s}: STARTTLS: the server does not offer STARTTLS"));
    let seen = status(&rig, dir, tuesday);
    let troubled = troubles(&seen);
    for (who, channel, what) in [
        (&wrong_password, "imap", "signing in"),
        (&wrong_name, "smtp", "TLS handshake"),
        (&wrong_name, "imap", "TLS handshake"),
        (&unknown_ca, "smtp", "TLS handshake"),
        (&unknown_ca, "imap", "TLS handshake"),
        (&strip_s, "smtp", "STARTTLS"),
        (&strip_i, "imap", "STARTTLS"),
        (&inject_s, "smtp", "STARTTLS"),
        (&inject_i, "imap", "STARTTLS"),
    ] {
        let begin = format!("{who} {channel}: {what}: ");
        assert!(troubled.iter().any(|t| t.starts_with(&begin)), "{begin}\n{}\n{told}", troubled.join("\n"));
    }
    // Those that could not send sent nothing; the one whose sign-in was refused says so in its letters, and is out both ways.
    for who in [&wrong_password, &wrong_name, &unknown_ca, &strip_s, &inject_s] {
        assert_eq!(sent_by(dir, who), 0, "{who}");
        assert_eq!(mailbox(&seen, who)["to_send"], 0, "{who}");
    }
    let reasons = |who: &str| {
        texts(dir, &format!("SELECT DISTINCT coalesce(skip_reason, state) FROM letter WHERE sender = '{who}' AND parent IS NULL"))
    };
    assert_eq!(reasons(&wrong_password), ["sign_in"]);
    assert_eq!(reasons(&wrong_name), ["late"]);
    assert_eq!(count(dir, &format!("SELECT count(*) FROM sighting WHERE mailbox = '{wrong_password}'")), 0);
    // The others had their day.
    for n in 2..=4 {
        assert!(sent_by(dir, &name(n, "c")) >= 2, "{}", name(n, "c"));
    }
    assert!(count(dir, "SELECT count(*) FROM letter WHERE state = 'seen'") >= 10);
    // What was said where anybody could hear it: no sign-in, and nothing of the password.
    for (what, last_word) in
        [("stripped-smtp", "EHLO "), ("stripped-imap", ""), ("injected-smtp", "STARTTLS\r\n"), ("injected-imap", "STARTTLS\r\n")]
    {
        let heard = fs::read(heard(what)).unwrap();
        let heard = String::from_utf8_lossy(&heard);
        assert_says(&heard, last_word);
        let password = rig.fact("RIG_PASSWORD");
        for secret in [password, "AUTH ", "AUTHENTICATE", "LOGIN", "MAIL FROM"] {
            assert!(!heard.contains(secret), "{what}: {heard}");
        }
        assert!(heard.is_ascii(), "{what}: a handshake was begun: {heard}");
    }

    // A person acts; `check` finds everything well, and lets them in again.
    rig.fault(&["password", &wrong_password, rig.fact("RIG_PASSWORD")]);
    fs::write(dir.join("preheat.yaml"), good).unwrap();
    assert_exit(&rig.preheat(dir, &["check"], wednesday), 0);
    assert_eq!(troubles(&status(&rig, dir, wednesday)), Vec::<String>::new());
    assert_exit(&rig.preheat(dir, &["run"], wednesday), 0);
    assert_exit(&rig.audit(dir, &[]), 0);
    assert_eq!(troubles(&status(&rig, dir, wednesday)), Vec::<String>::new());
    for who in [&wrong_password, &wrong_name, &unknown_ca, &strip_s, &inject_s] {
        assert!(sent_by(dir, who) >= 2, "{who}");
    }
    assert_eq!(count(dir, "SELECT count(*) FROM letter WHERE state = 'accepted'"), 0, "Tuesday's letters were found on Wednesday");
}

#[test]
fn a_line_break_in_a_display_name_is_an_error_of_the_config_with_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let yaml = "pool: p\nzone: Europe/Berlin\nkey_file: preheat.key\ndefaults: {secret: \"env:P\", smtp: smtp.example, imap: imap.example}\nmailboxes:\n  - {address: a@one.example, name: \"Anna\\r\\nBcc: x@evil.example\"}\n  - b@two.example\n";
    fs::write(dir.path().join("preheat.yaml"), yaml).unwrap();
    for command in ["check", "run", "plan"] {
        let output = Command::new(env!("CARGO_BIN_EXE_preheat")).current_dir(dir.path()).arg(command).output().unwrap();
        assert_exit(&output, 78);
        let told = said(&output);
        assert_says(&told, "preheat.yaml:6:");
        assert_says(&told, "name: \"Anna\\r\\nBcc");
        assert_says(&told, "hint: ");
        assert!(!dir.path().join("preheat.db").exists());
    }
}
