//! Pools that are edited in mid-ramp, paused in mid-day, and driven by cron every ten minutes, on real servers. Slots 15 and 16.

use std::path::Path;

use crate::rig::{PoolOptions, Rig};
use crate::rig_day::{assert_exit, count, said};
use crate::story::{WIDE_PAIRS, flat, has, rows, seed, spawn, too_near, two_mailboxes, wait_until};

/// Everything that the agenda decided about a letter.
const PLANNED: &str = "SELECT id, sender, recipient, date, parent, due, draw_open, draw_answer, rescue_after, content FROM letter";

fn edit(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    std::fs::write(file, text.replace(from, to)).unwrap();
}

/// A ramp on which six a day are the third day.
const NEW_RAMP: &str = "about: two to ten in steps of two
ramp: {curve: steps, steps: [2, 4, 6, 8, 10]}
window: {hours: 08:30-12:30}
engagement: {open: 0, answer: 0}
";

#[test]
#[ignore = "needs the rig: tests/run"]
fn a_pool_edited_in_mid_ramp_keeps_what_was_planned_and_follows_what_was_changed() {
    let rig = Rig::from_env(15);
    let dir = tempfile::tempdir().unwrap();
    let [a, b, c] = ["warm-a.test", "warm-b.test", "warm-c.test"];
    let capped = format!("{WIDE_PAIRS}domains: {{{a}: {{daily_cap: 14}}}}\n");
    let more: &'static str = capped.leak();
    let three = PoolOptions { per_domain: 3, domains: 3, more, ..two_mailboxes() };
    let yaml = rig.write_pool(dir.path(), &three);
    seed(dir.path());
    let (added, removed) = (rig.user(3, a), rig.user(2, b));
    // The pool that the day begins with: without the third of the first domain, and with two on the others.
    for user in [rig.user(3, b), rig.user(3, c), added.clone()] {
        edit(&yaml, &format!("  - {user}\n"), "");
    }
    let n = |sql: &str| count(dir.path(), sql);
    let once = |clock: &str| assert_exit(&rig.preheat(dir.path(), &["run", "--once"], clock), 0);
    once("2026-12-01T06:00:00Z x1");
    let before = rows(dir.path(), &format!("{PLANNED} ORDER BY id"));
    assert_eq!(before.len(), 36);

    // Added: an agenda of its own, with what is left of its domain's cap. Nobody else's letters change.
    edit(&yaml, &format!("  - {}\n", rig.user(2, a)), &format!("  - {}\n  - {added}\n", rig.user(2, a)));
    once("2026-12-01T06:10:00Z x1");
    assert_eq!(rows(dir.path(), &format!("{PLANNED} WHERE sender <> '{added}' ORDER BY id")), before);
    assert_eq!(n(&format!("SELECT count(*) FROM letter WHERE sender = '{added}'")), 2);
    assert_eq!(n(&format!("SELECT sum(quota) FROM day JOIN mailbox ON address = mailbox WHERE domain = '{a}'")), 14);

    // Removed: what it would have sent or received is skipped; all of it stays on record.
    edit(&yaml, &format!("  - {removed}\n"), "");
    once("2026-12-01T06:20:00Z x1");
    let of_removed = format!("sender = '{removed}' OR recipient = '{removed}'");
    assert!(n(&format!("SELECT count(*) FROM letter WHERE {of_removed}")) > 6);
    assert_eq!(rows(dir.path(), &format!("SELECT DISTINCT state, skip_reason FROM letter WHERE {of_removed}")), ["skipped removed"]);
    assert_eq!(rows(dir.path(), &format!("SELECT DISTINCT state FROM letter WHERE NOT ({of_removed})")), ["planned"]);
    let agenda = said(&rig.preheat(dir.path(), &["agenda", "2026-12-01"], "2026-12-01T06:30:00Z x1"));
    assert!(agenda.contains(&removed) && agenda.contains("skipped: removed"), "{agenda}");
    let status = said(&rig.preheat(dir.path(), &["status"], "2026-12-01T06:30:00Z x1"));
    assert!(!status.contains(&removed) && status.contains("has left the config"), "{status}");

    let day = rig.preheat(dir.path(), &["run"], "2026-12-01T07:00:00Z x2400");
    assert_exit(&day, 0);
    assert_eq!(rows(dir.path(), &format!("SELECT DISTINCT state FROM letter WHERE NOT ({of_removed})")), ["seen"], "{}", said(&day));
    assert_exit(&rig.audit(dir.path(), &[]), 0);

    // Another schedule: its neighbour, whose day was whole, goes on where the new ramp has its six a day, not on its second day.
    let neighbour = rig.user(1, b);
    std::fs::write(dir.path().join("schedules/new.yaml"), NEW_RAMP).unwrap();
    edit(&yaml, "schedule: six", "schedule: new");
    let night = "2026-12-01T22:30:00Z x1";
    let explained = flat(&rig.preheat(dir.path(), &["explain", &neighbour, "--date", "2026-12-02"], night));
    assert!(explained.contains("may send 6 messages on 2026-12-02"), "{explained}");
    assert!(explained.contains("6 a day were earned, which is ramp day 3 of the new one"), "{explained}");

    // Caps that were lowered overnight hold from the next agenda on.
    edit(&yaml, &format!("  - {neighbour}\n"), &format!("  - {{address: {neighbour}, daily_cap: 3}}\n"));
    edit(&yaml, &format!("domains: {{{a}: {{daily_cap: 14}}}}"), &format!("domains: {{{a}: {{daily_cap: 5}}}}"));
    once("2026-12-02T06:00:00Z x1");
    let quota = |who: &str| n(&format!("SELECT sum(quota) FROM day WHERE date = '2026-12-02' AND mailbox LIKE '%{who}'"));
    assert_eq!((quota(&neighbour), quota(a)), (3, 5));
    let over = "SELECT mailbox FROM day d WHERE quota < (SELECT count(*) FROM letter WHERE sender = mailbox AND date = d.date)";
    assert_eq!(rows(dir.path(), over), Vec::<String>::new());
    let explained = said(&rig.preheat(dir.path(), &["explain", &neighbour], "2026-12-02T06:10:00Z x1"));
    assert!(explained.contains("may send 3 messages"), "{explained}");

    // Those lowered in mid-day hold at once: what has no place any more is skipped when it is due.
    edit(&yaml, "daily_cap: 3", "daily_cap: 2");
    edit(&yaml, "daily_cap: 5", "daily_cap: 4");
    let day = rig.preheat(dir.path(), &["run"], "2026-12-02T07:00:00Z x2400");
    assert_exit(&day, 0);
    assert_eq!((quota(&neighbour), quota(a)), (2, 4));
    assert!(flat(&day).contains(&format!("{neighbour}: its quota of 2026-12-02 is lowered from 3 to 2")), "{}", said(&day));
    let skipped =
        |who: &str| n(&format!("SELECT count(*) FROM letter WHERE date = '2026-12-02' AND sender LIKE '%{who}' AND skip_reason = 'quota'"));
    assert_eq!((skipped(&neighbour), skipped(a)), (1, 1), "{}", said(&day));
    assert_eq!(n("SELECT count(*) FROM day WHERE date = '2026-12-02' AND spent <> quota"), 0, "{}", said(&day));
    assert_exit(&rig.audit(dir.path(), &[]), 0);
    assert_exit(&rig.preheat(dir.path(), &["ledger", "check"], "2026-12-02T21:10:00Z x1"), 0);
}

/// Four in a morning of three hours, answered soon.
const FOUR_SOON: &str = "about: four a day, read and answered within the hour
ramp: {start: 4, target: 4, weeks: 4, curve: linear}
window: {hours: 08:30-11:30}
engagement:
  open: 1
  answer: 0.5
  open_delay: {median: 5m, p95: 10m, min: 3m, max: 15m}
  answer_delay: {median: 15m, p95: 20m, min: 10m, max: 30m}
";

#[test]
#[ignore = "needs the rig: tests/run"]
fn cron_every_ten_minutes_makes_the_day_that_run_would_make_and_a_pause_holds_in_a_running_day() {
    let mut rig = Rig::from_env(16);
    every_ten_minutes(&rig);
    rig.reset_mail();
    paused_in_mid_day(&rig);
}

fn every_ten_minutes(rig: &Rig) {
    let dir = tempfile::tempdir().unwrap();
    let options =
        PoolOptions { domains: 3, window: ["08:30", "11:30"], schedule: "four", schedule_text: Some(FOUR_SOON), ..two_mailboxes() };
    rig.write_pool(dir.path(), &options);
    // What `run` would make of the day.
    let early = "2026-12-01T06:00:00Z x1";
    seed(dir.path());
    let would_be = rig.preheat(dir.path(), &["run", "--dry-run"], early);
    assert_exit(&would_be, 0);
    assert_exit(&rig.preheat(dir.path(), &["run", "--once"], early), 0);
    let made = rig.preheat(dir.path(), &["agenda", "2026-12-01"], early);
    assert_eq!(String::from_utf8_lossy(&made.stdout), String::from_utf8_lossy(&would_be.stdout));
    let starts = "SELECT id, sender, recipient, draw_open, draw_answer, content FROM letter WHERE parent IS NULL ORDER BY id";
    let planned = rows(dir.path(), starts);

    // Cron at five past, a quarter past, and so on, from before the window to after it.
    for minutes in (15..=225).step_by(10) {
        let clock = format!("2026-12-01T{:02}:{:02}:00Z x1", 7 + minutes / 60, minutes % 60);
        assert_exit(&rig.preheat(dir.path(), &["run", "--once"], &clock), 0);
    }
    let n = |sql: &str| count(dir.path(), sql);
    assert_eq!(rows(dir.path(), starts), planned);
    assert_eq!(n("SELECT count(*) FROM letter WHERE parent IS NULL AND state = 'seen'"), planned.len() as i64);
    assert!(n("SELECT count(*) FROM letter WHERE parent IS NOT NULL AND state = 'seen'") > 0, "an answer was sent, too");
    assert_eq!(n("SELECT count(*) FROM (SELECT letter FROM step WHERE event = 'handed' GROUP BY letter HAVING count(*) > 1)"), 0);
    assert_eq!(too_near(dir.path(), 5), Vec::<String>::new());
    assert_exit(&rig.audit(dir.path(), &[]), 0);
}

fn paused_in_mid_day(rig: &Rig) {
    let dir = tempfile::tempdir().unwrap();
    rig.write_pool(dir.path(), &two_mailboxes());
    seed(dir.path());
    #[expect(clippy::disallowed_methods, reason = "several processes share one scaled clock: it has to begin at a real instant")]
    let since = chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true);
    let clock = format!("2026-12-01T07:20:00Z x1200 since {since}");
    let domain = rig.warm_domains()[0].to_owned();
    let (paused, other) = (rig.user(1, &domain), rig.user(1, rig.warm_domains()[1]));
    let spent = |who: &str| count(dir.path(), &format!("SELECT spent FROM day WHERE mailbox = '{who}'"));

    let run = spawn(rig, dir.path(), &["run"], &clock);
    wait_until("the day begins", || has(dir.path(), &format!("SELECT spent FROM day WHERE mailbox = '{paused}'")));
    assert_exit(&rig.preheat(dir.path(), &["pause", &domain, "--reason", "a look at it"], &clock), 0);
    let at_the_pause = spent(&paused);
    let goal = (spent(&other) + 2).min(6);
    wait_until("the other one goes on", || spent(&other) >= goal);
    assert_eq!(spent(&paused), at_the_pause, "nothing is sent while paused");
    let status = said(&rig.preheat(dir.path(), &["status"], &clock));
    assert!(status.contains(&format!("PAUSED: {domain}")) && status.contains("a look at it"), "{status}");
    assert_exit(&rig.preheat(dir.path(), &["resume", &domain], &clock), 0);
    let run = run.wait_with_output().unwrap();
    assert_exit(&run, 0);

    // What waited went out afterwards, five minutes apart and once; what found no place any more says so.
    let n = |sql: &str| count(dir.path(), sql);
    assert!(spent(&paused) > at_the_pause, "{}", said(&run));
    assert_eq!(n("SELECT count(*) FROM letter WHERE state NOT IN ('seen', 'skipped')"), 0, "{}", said(&run));
    assert_eq!(too_near(dir.path(), 5), Vec::<String>::new());
    assert_exit(&rig.audit(dir.path(), &[]), 0);
}
