//! Runs that are killed, told to stop, or disturbed, on real servers: every letter goes out once, or is visibly unaccounted. Slots 9 to 11.

use std::path::Path;
use std::time::Duration;

use crate::rig::{Line, PoolOptions, Proxy, Rig};
use crate::rig_day::{assert_exit, count, said};
use crate::story::{has, kill, rows, seed, signal, spawn, two_mailboxes, wait_until};

/// Five minutes before the window opens in Berlin, at a pace that leaves time to kill between two letters.
const BEFORE_THE_WINDOW: &str = "2026-12-01T07:25:00Z x600";
/// The same morning, an hour and a half later.
const LATER: &str = "2026-12-01T09:00:00Z x2400";

/// Two mailboxes that send through a proxy.
fn through(proxy: &Proxy) -> PoolOptions {
    PoolOptions { line: Line::Plain { smtp: Some(proxy.port), imap: None }, ..two_mailboxes() }
}

/// The same, and nobody gets a folder open: what is delivered is not seen before the run is killed.
fn blind_through(smtp: &Proxy, imap: &Proxy) -> PoolOptions {
    PoolOptions { line: Line::Plain { smtp: Some(smtp.port), imap: Some(imap.port) }, ..two_mailboxes() }
}

/// Runs until the fault strikes, and kills the run there and then.
fn run_until_killed(rig: &Rig, dir: &Path, proxy: &Proxy) {
    seed(dir);
    let run = spawn(rig, dir, &["run"], BEFORE_THE_WINDOW);
    proxy.wait_for_strike();
    let output = kill(run);
    assert_eq!(output.status.code(), None, "it ended by itself: {}", said(&output));
}

fn steps_of(dir: &Path, letter: &str) -> Vec<String> {
    rows(dir, &format!("SELECT event FROM step WHERE letter = '{letter}' ORDER BY n"))
}

#[test]
#[ignore = "needs the rig: tests/run"]
fn killed_before_the_intent_a_letter_is_sent_later_and_killed_after_it_a_delivered_one_is_found() {
    let mut rig = Rig::from_env(9);
    before_the_intent(&rig);
    rig.reset_mail();
    after_the_intent_and_delivered(&rig);
}

fn before_the_intent(rig: &Rig) {
    let dir = tempfile::tempdir().unwrap();
    let proxy = rig.proxy(rig.port(1587), &["hold-354", "--times", "1"]);
    rig.write_pool(dir.path(), &through(&proxy));
    run_until_killed(rig, dir.path(), &proxy);
    let n = |sql| count(dir.path(), sql);
    assert_eq!(n("SELECT count(*) FROM letter WHERE state = 'planned'"), n("SELECT count(*) FROM letter"), "nothing was handed over");
    assert!(has(dir.path(), "SELECT count(*) FROM lease WHERE holder <> ''"), "a killed run leaves its leases behind");
    let planned = rows(dir.path(), "SELECT id FROM letter ORDER BY id");
    assert_eq!(planned.len(), 12);

    // Its holder is dead: nobody waits two minutes for its leases. What was held is due like the others.
    let again = rig.preheat(dir.path(), &["run"], LATER);
    assert_exit(&again, 0);
    assert!(!said(&again).contains("may have been taken"), "{}", said(&again));
    assert_eq!(rows(dir.path(), "SELECT id FROM letter WHERE state = 'seen' ORDER BY id"), planned, "{}", said(&again));
    assert_eq!(n("SELECT count(*) FROM step WHERE event = 'handed'"), 12);
    assert_exit(&rig.audit(dir.path(), &[]), 0);
}

/// Killed when the server has taken a letter and its reply is lost. Gives the letter, its sender and its recipient, once it has arrived there.
fn delivered_without_a_reply(rig: &Rig, dir: &Path, skip: &str) -> [String; 3] {
    let smtp = rig.proxy(rig.port(1587), &["swallow-final", "--skip", skip, "--times", "1"]);
    let imap = rig.proxy(rig.port(1143), &["answer", "SELECT", "NO not now"]);
    rig.write_pool(dir, &blind_through(&smtp, &imap));
    run_until_killed(rig, dir, &smtp);
    rig.write_pool(dir, &two_mailboxes());
    let lost = rows(dir, "SELECT id, sender, recipient FROM letter WHERE state = 'handed'");
    assert_eq!(lost.len(), 1, "one letter was handed over without a reply");
    let [id, sender, recipient] = lost[0].split(' ').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap();
    wait_until("the letter arrives although its reply was lost", || has_arrived(rig, &recipient, &id));
    [id, sender, recipient]
}

fn has_arrived(rig: &Rig, recipient: &str, id: &str) -> bool {
    rig.messages(recipient, "INBOX").iter().any(|m| m.contains(id))
}

fn after_the_intent_and_delivered(rig: &Rig) {
    let dir = tempfile::tempdir().unwrap();
    let [id, ..] = delivered_without_a_reply(rig, dir.path(), "1");
    let again = rig.preheat(dir.path(), &["run"], LATER);
    assert_exit(&again, 0);
    assert!(said(&again).contains("1 letter(s) may have been taken by the server when the last run broke off"), "{}", said(&again));
    assert_eq!(steps_of(dir.path(), &id), ["handed", "uncertain", "seen"]);
    assert_eq!(count(dir.path(), "SELECT count(*) FROM letter WHERE state = 'seen' AND accepted_at IS NOT NULL"), 12, "{}", said(&again));
    assert_eq!(count(dir.path(), "SELECT sum(spent) FROM day"), 12);
    assert_eq!(count(dir.path(), "SELECT sum(accepted) FROM day"), 12);
    assert_exit(&rig.audit(dir.path(), &[]), 0);
    assert_exit(&rig.preheat(dir.path(), &["ledger", "check"], LATER), 0);
}

/// Taken by the server, which kept a copy in Sent; at the recipient it is gone before anybody looks.
fn found_in_sent(rig: &Rig) {
    let dir = tempfile::tempdir().unwrap();
    let [id, sender, recipient] = delivered_without_a_reply(rig, dir.path(), "0");
    let copy = rig.messages(&recipient, "INBOX").into_iter().find(|m| m.contains(&id)).unwrap();
    rig.deliver(&sender, "Sent", &copy);
    rig.fault(&["expunge", &recipient, "INBOX", "all"]);

    let again = rig.preheat(dir.path(), &["run"], LATER);
    assert_exit(&again, 0);
    assert_eq!(steps_of(dir.path(), &id), ["handed", "uncertain", "found"], "{}", said(&again));
    assert_eq!(count(dir.path(), "SELECT sum(accepted) FROM day"), 12);
    assert_exit(&rig.audit(dir.path(), &[]), 0);
    // Accepted, and nowhere a day later: missing, and sent no more. (A Saturday: nothing else is.)
    assert_exit(&rig.preheat(dir.path(), &["run", "--once"], "2026-12-05T12:00:00Z x1"), 0);
    assert_eq!(steps_of(dir.path(), &id), ["handed", "uncertain", "found", "missing"]);
    assert_exit(&rig.audit(dir.path(), &[]), 0);
}

#[test]
#[ignore = "needs the rig: tests/run"]
fn killed_after_the_intent_a_letter_is_found_in_sent_or_after_three_days_unaccounted_and_never_sent_again() {
    let mut rig = Rig::from_env(10);
    found_in_sent(&rig);
    rig.reset_mail();
    never_found(&rig);
}

fn never_found(rig: &Rig) {
    let dir = tempfile::tempdir().unwrap();
    let proxy = rig.proxy(rig.port(1587), &["hold-before-dot", "--skip", "2", "--times", "1"]);
    rig.write_pool(dir.path(), &through(&proxy));
    run_until_killed(rig, dir.path(), &proxy);
    let handed = rows(dir.path(), "SELECT id FROM letter WHERE state = 'handed'");
    assert_eq!(handed.len(), 1);
    let state = || rows(dir.path(), &format!("SELECT state FROM letter WHERE id = '{}'", handed[0])).remove(0);

    // The same day: it counts against the quota, and is not sent again.
    let again = rig.preheat(dir.path(), &["run"], LATER);
    assert_exit(&again, 0);
    assert_eq!(state(), "uncertain");
    assert_eq!(count(dir.path(), "SELECT count(*) FROM letter WHERE state = 'seen'"), 11, "{}", said(&again));
    assert_eq!(count(dir.path(), "SELECT sum(spent) FROM day"), 12);
    assert_exit(&rig.audit(dir.path(), &[]), 0);
    let status = said(&rig.preheat(dir.path(), &["status"], LATER));
    assert!(status.contains("unsure"), "{status}");

    // Under three days it is still looked for, then it is given up, and nothing later takes it up again. (Friday morning, Saturday, Sunday.)
    for (clock, expected) in
        [("2026-12-04T05:00:00Z x1", "uncertain"), ("2026-12-05T12:00:00Z x1", "unaccounted"), ("2026-12-06T12:00:00Z x1", "unaccounted")]
    {
        let look = rig.preheat(dir.path(), &["run", "--once"], clock);
        assert_exit(&look, 0);
        assert_eq!(state(), expected, "{clock}: {}", said(&look));
    }
    assert_eq!(steps_of(dir.path(), &handed[0]), ["handed", "uncertain", "unaccounted"]);
    assert_eq!(count(dir.path(), "SELECT count(*) FROM step WHERE event = 'handed'"), 12);
    assert_exit(&rig.audit(dir.path(), &[]), 0);
    assert_exit(&rig.preheat(dir.path(), &["ledger", "check"], "2026-12-06T12:00:00Z x1"), 0);
}

#[test]
#[ignore = "needs the rig: tests/run"]
fn a_run_ends_in_good_order_when_told_to_and_does_not_mind_company() {
    let mut rig = Rig::from_env(11);
    told_to_stop(&rig, "TERM");
    rig.reset_mail();
    told_to_stop(&rig, "INT");
    rig.reset_mail();
    told_twice(&rig);
}

/// Stopped in mid-day by a signal, with company before: others read the ledger, pause, back it up, and hold its write lock.
fn told_to_stop(rig: &Rig, name: &str) {
    let dir = tempfile::tempdir().unwrap();
    rig.write_pool(dir.path(), &two_mailboxes());
    seed(dir.path());
    let run = spawn(rig, dir.path(), &["run"], BEFORE_THE_WINDOW);
    wait_until("two letters are out", || has(dir.path(), "SELECT count(*) > 1 FROM step WHERE event = 'handed'"));
    if name == "TERM" {
        keep_company(rig, dir.path());
    }
    signal(&run, name);
    let run = run.wait_with_output().unwrap();
    assert_exit(&run, 0);
    assert!(said(&run).contains("ending in good order"), "{}", said(&run));
    let n = |sql| count(dir.path(), sql);
    assert_eq!(n("SELECT count(*) FROM letter WHERE state IN ('handed', 'uncertain')"), 0, "{}", said(&run));
    assert_eq!(n("SELECT count(*) FROM lease WHERE holder <> ''"), 0, "the leases are given back");
    let (sent, planned) = (n("SELECT count(*) FROM step WHERE event = 'handed'"), n("SELECT count(*) FROM letter WHERE state = 'planned'"));
    assert_eq!(sent + planned, 12, "{}", said(&run));
    assert!(planned > 0, "it was stopped in mid-day: {}", said(&run));

    let rest = rig.preheat(dir.path(), &["run"], LATER);
    assert_exit(&rest, 0);
    assert_eq!(n("SELECT count(*) FROM letter WHERE state = 'seen'"), 12, "{}", said(&rest));
    assert_exit(&rig.audit(dir.path(), &[]), 0);
}

fn keep_company(rig: &Rig, dir: &Path) {
    let clock = "2026-12-01T08:00:00Z x1";
    for args in [&["status"][..], &["agenda", "2026-12-01"], &["plan"], &["ledger", "check"], &["ledger", "backup", "copy.db"]] {
        assert_exit(&rig.preheat(dir, args, clock), 0);
    }
    let domain = rig.warm_domains()[0].to_owned();
    assert_exit(&rig.preheat(dir, &["pause", &domain, "--reason", "a test"], clock), 0);
    let status = said(&rig.preheat(dir, &["status"], clock));
    assert!(status.contains(&format!("PAUSED: {domain}")) && status.contains("a test"), "{status}");
    assert_exit(&rig.preheat(dir, &["resume", &domain], clock), 0);

    // The copy is a ledger of its own, whole, with its key.
    let copy = rusqlite::Connection::open(dir.join("copy.db")).unwrap();
    assert_eq!(copy.query_row("PRAGMA integrity_check", [], |r| r.get::<_, String>(0)).unwrap(), "ok");
    assert_eq!(copy.query_row("SELECT count(*) FROM letter", [], |r| r.get::<_, i64>(0)).unwrap(), 12);
    assert!(dir.join("copy.key").exists());

    // Somebody writes to the file for a second: the run waits for it.
    let other = rusqlite::Connection::open(dir.join("preheat.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    std::thread::sleep(Duration::from_secs(1));
    other.execute_batch("ROLLBACK").unwrap();
}

/// The second signal ends a run where it stands, and the next one finds out what became of the letter that was on its way.
fn told_twice(rig: &Rig) {
    let dir = tempfile::tempdir().unwrap();
    let proxy = rig.proxy(rig.port(1587), &["swallow-final", "--times", "1"]);
    rig.write_pool(dir.path(), &through(&proxy));
    seed(dir.path());
    let mut run = spawn(rig, dir.path(), &["run"], BEFORE_THE_WINDOW);
    proxy.wait_for_strike();
    signal(&run, "TERM");
    // It waits for the final reply, which never comes. Only then the second signal is a second one.
    let stderr = run.stderr.take().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(stderr));
    assert!(lines.by_ref().map_while(Result::ok).any(|l| l.contains("ending in good order")));
    assert!(run.try_wait().unwrap().is_none(), "it waits for what became of its letter");
    signal(&run, "TERM");
    assert_eq!(run.wait().unwrap().code(), Some(130));
    assert!(lines.map_while(Result::ok).any(|l| l.contains("ending at once")));

    let rest = rig.preheat(dir.path(), &["run"], LATER);
    assert_exit(&rest, 0);
    assert_eq!(count(dir.path(), "SELECT count(*) FROM letter WHERE state = 'seen'"), 12, "{}", said(&rest));
    assert_eq!(count(dir.path(), "SELECT count(*) FROM step WHERE event = 'handed'"), 12);
    assert_exit(&rig.audit(dir.path(), &[]), 0);
}
