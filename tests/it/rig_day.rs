//! A real day on real servers, and the same day again. Slots 0 and 1.

use std::path::Path;
use std::process::Output;

use crate::rig::{PoolOptions, Rig};

/// Thirty a day from the first day on, in a window that leaves the evening for rescues.
pub const DAY_30: &str = "about: thirty a day from the first day on
ramp: {start: 30, target: 30, weeks: 4, curve: linear}
window: {hours: 08:30-15:30}
";
/// Tuesday, an hour and a half before the window opens in Berlin.
pub const MORNING: &str = "2026-12-01T06:00:00Z x1200";
/// The next night: everything is over.
pub const NIGHT: &str = "2026-12-01T21:30:00Z x1200";

/// The pool of the issue: 12 mailboxes on 3 domains, 3 starts a pair.
pub fn twelve() -> PoolOptions {
    PoolOptions {
        window: ["08:30", "15:30"],
        schedule: "day-30",
        schedule_text: Some(DAY_30),
        more: "pairs: {max_per_pair: 3, max_per_pair_week: 15}\n",
        receive_limit: 40,
        ..PoolOptions::default()
    }
}

pub fn said(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[track_caller]
pub fn assert_exit(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", said(output));
}

/// One number of the ledger.
pub fn count(dir: &Path, sql: &str) -> i64 {
    let ledger = rusqlite::Connection::open(dir.join("preheat.db")).unwrap();
    ledger.query_row(sql, [], |r| r.get(0)).unwrap()
}

fn third_to_junk(rig: &Rig) {
    let users: Vec<String> = rig.warm_domains().iter().flat_map(|d| (1..=4).map(|n| rig.user(n, d))).collect();
    rig.junk_share(85, &users);
}

#[test]
#[ignore = "needs the rig: tests/run"]
fn a_real_day_ends_by_itself_and_the_ledger_is_what_the_servers_have() {
    let rig = Rig::from_env(0);
    let dir = tempfile::tempdir().unwrap();
    rig.write_pool(dir.path(), &twelve());
    third_to_junk(&rig);
    assert_exit(&rig.preheat(dir.path(), &["check"], MORNING), 0);

    let day = rig.preheat(dir.path(), &["run"], MORNING);
    assert_exit(&day, 0);
    assert_exit(&rig.audit(dir.path(), &[]), 0);
    assert_exit(&rig.preheat(dir.path(), &["ledger", "check"], NIGHT), 0);

    // It was a day worth the name: the audit alone would be content with an empty one.
    let n = |sql| count(dir.path(), sql);
    let sent = n("SELECT count(*) FROM letter WHERE state = 'seen'");
    assert!(sent >= 12 * 22, "{sent} letters were seen\n{}", said(&day));
    assert_eq!(n("SELECT count(*) FROM letter WHERE date = '2026-12-01' AND state NOT IN ('seen', 'skipped')"), 0);
    let spam = n("SELECT count(*) FROM letter WHERE placement = 'spam'");
    assert!(spam > sent / 5 && spam < sent / 2, "{spam} of {sent} went to spam");
    assert_eq!(n("SELECT count(*) FROM letter WHERE placement = 'spam' AND rescued_at IS NULL"), 0);
    assert!(n("SELECT count(*) FROM letter WHERE state = 'seen' AND in_thread > 1") >= 5);
    assert!(n("SELECT count(*) FROM action WHERE kind = 'open' AND result = 'done'") > sent / 2);
    assert_eq!(n("SELECT count(*) FROM trouble"), 0, "{}", said(&day));
}

#[test]
#[ignore = "needs the rig: tests/run"]
fn the_same_day_again_three_times_in_a_row_and_two_at_once_sends_nothing_twice() {
    let rig = Rig::from_env(1);
    let dir = tempfile::tempdir().unwrap();
    // Two on each domain, and a program of the user's own writes their letters.
    let more = "pairs: {max_per_pair: 3, max_per_pair_week: 15}\ncontent: {command: [./words]}\n";
    rig.write_pool(dir.path(), &PoolOptions { per_domain: 2, more, ..twelve() });
    let program = dir.path().join("words");
    std::fs::write(
        &program,
        "#!/bin/sh\ncat > asked.json\necho '{\"subject\": \"Written by a program\", \"text\": \"Hello, all is well here.\"}'\n",
    )
    .unwrap();
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    #[expect(clippy::disallowed_methods, reason = "two processes share one scaled clock: it has to begin at a real instant")]
    let since = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    let clock = format!("2026-12-01T06:00:00Z x1200 since {since}");

    // Two at once: one works, the other says who does.
    let first = rig
        .command(dir.path(), &["run"], &clock)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let pid = first.id();
    let ledger = dir.path().join("preheat.db");
    while !ledger.exists() || !has_leases(&ledger) {
        std::thread::yield_now();
    }
    let second = rig.preheat(dir.path(), &["run"], &clock);
    assert_exit(&second, 75);
    assert!(said(&second).contains(&format!("process {pid}")), "{}", said(&second));
    let first = first.wait_with_output().unwrap();
    assert_exit(&first, 0);
    let sent = "SELECT count(*) FROM step WHERE event = 'handed'";
    let after_first = count(dir.path(), sent);
    assert!(after_first > 40, "{}", said(&first));

    // Three times in a row: the day is over, so `--once` and the morning's clock find nothing more to send today.
    for _ in 0..3 {
        assert_exit(&rig.preheat(dir.path(), &["run", "--once"], "2026-12-01T13:00:00Z x1200"), 0);
    }
    assert_eq!(count(dir.path(), sent), after_first);
    let letters = rig.messages(&rig.user(1, rig.warm_domains()[0]), "INBOX");
    assert!(
        letters.len() > 10
            && letters.iter().all(|l| l.contains("Subject: Written by a program") || l.contains("Subject: Re: Written by a program"))
    );
    let asked: serde_json::Value = serde_json::from_slice(&std::fs::read(dir.path().join("asked.json")).unwrap()).unwrap();
    assert!(asked["from"].is_object() && asked["language"] == "en", "{asked}");
    assert_exit(&rig.audit(dir.path(), &[]), 0);
}

fn has_leases(ledger: &Path) -> bool {
    let Ok(c) = rusqlite::Connection::open(ledger) else { return false };
    c.query_row("SELECT count(*) FROM lease WHERE holder <> ''", [], |r| r.get::<_, i64>(0)).is_ok_and(|n| n > 0)
}
