//! What tests that tell a longer story need: small pools, programs that are watched and stopped while they run, and what the ledger says then.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use crate::rig::{PoolOptions, Rig};

/// Six letters a mailbox in a morning of four hours, and nobody opens anything.
pub const SIX_A_DAY: &str = "about: six a day, and nobody reads them
ramp: {start: 6, target: 6, weeks: 4, curve: linear}
window: {hours: 08:30-12:30}
engagement: {open: 0, answer: 0}
";

/// Room in every pair: what bounds these days is their schedules.
pub const WIDE_PAIRS: &str = "pairs: {max_per_pair: 20, max_per_pair_week: 140}\n";

/// One mailbox on each of two domains, with [`SIX_A_DAY`].
pub fn two_mailboxes() -> PoolOptions {
    PoolOptions {
        per_domain: 1,
        domains: 2,
        window: ["08:30", "12:30"],
        schedule: "six",
        schedule_text: Some(SIX_A_DAY),
        receive_limit: 40,
        more: WIDE_PAIRS,
        ..PoolOptions::default()
    }
}

/// Gives the pool in `dir` a seed before its first run, so that its days are the same each time that they are tested.
pub fn seed(dir: &Path) {
    let file = dir.join("preheat.db");
    drop(preheat::ledger::Ledger::open(&file, preheat::ledger::Place::Thread).unwrap());
    let ledger = rusqlite::Connection::open(file).unwrap();
    ledger.execute("INSERT INTO pool (id, seed, created_at) VALUES (1, 7, 0)", []).unwrap();
}

/// Starts `preheat` and leaves it running, with what it says kept for later.
pub fn spawn(rig: &Rig, dir: &Path, args: &[&str], clock: &str) -> Child {
    rig.command(dir, args, clock).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Sends a signal, such as `TERM`, to a program that was started here.
pub fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").arg(format!("-{name}")).arg(child.id().to_string()).status().unwrap().success());
}

/// Kills a program where it stands.
pub fn kill(mut child: Child) -> Output {
    child.kill().unwrap();
    child.wait_with_output().unwrap()
}

/// Waits until something is so; it must be within a minute.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..3_000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("not within a minute: {what}");
}

/// What a program said, without the line breaks of a terminal.
pub fn flat(output: &Output) -> String {
    crate::rig_day::said(output).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The rows of a query on the ledger in `dir`, each with its columns joined by spaces.
pub fn rows(dir: &Path, sql: &str) -> Vec<String> {
    let ledger = rusqlite::Connection::open(dir.join("preheat.db")).unwrap();
    let mut statement = ledger.prepare(sql).unwrap();
    let columns = statement.column_count();
    let text = |value: rusqlite::types::Value| match value {
        rusqlite::types::Value::Null => "-".to_owned(),
        rusqlite::types::Value::Integer(n) => n.to_string(),
        rusqlite::types::Value::Real(n) => n.to_string(),
        rusqlite::types::Value::Text(t) => t,
        rusqlite::types::Value::Blob(_) => "(bytes)".to_owned(),
    };
    let line =
        |row: &rusqlite::Row<'_>| (0..columns).map(|i| row.get(i).map(text)).collect::<rusqlite::Result<Vec<_>>>().map(|c| c.join(" "));
    statement.query_map([], line).unwrap().map(Result::unwrap).collect()
}

/// Whether the ledger is there and a query on it counts at least one.
pub fn has(dir: &Path, sql: &str) -> bool {
    let file = dir.join("preheat.db");
    let Some(ledger) = file.exists().then(|| rusqlite::Connection::open(file).ok()).flatten() else { return false };
    ledger.query_row(sql, [], |r| r.get::<_, i64>(0)).is_ok_and(|n| n > 0)
}

/// Every pair of neighbours among the hand-overs of a mailbox that are nearer than `minutes`.
pub fn too_near(dir: &Path, minutes: u32) -> Vec<String> {
    rows(
        dir,
        &format!(
            "SELECT sender, at, later FROM (SELECT sender, handed_at AS at, lead(handed_at) OVER (PARTITION BY sender ORDER BY handed_at) AS later
             FROM letter WHERE handed_at IS NOT NULL) WHERE later - at < {minutes} * 60000"
        ),
    )
}
