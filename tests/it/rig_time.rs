//! Clocks that change, runs that begin late, other zones, free days, and days in a row, on real servers. Slots 12 to 14.

use std::path::Path;

use crate::rig::{PoolOptions, Rig};
use crate::rig_day::{assert_exit, count, said};
use crate::story::{WIDE_PAIRS, has, rows, seed, spawn, too_near, two_mailboxes, wait_until};

/// A window in the small hours, in which Berlin's clocks change.
const NIGHT_SHIFT: &str = "about: six in the night of the change
ramp: {start: 6, target: 6, weeks: 4, curve: linear}
calendar: {weekdays: mon-sun}
window: {hours: 00:30-05:30}
engagement: {open: 0, answer: 0}
";

#[test]
#[ignore = "needs the rig: tests/run"]
fn a_window_keeps_its_hours_when_the_clocks_change_and_a_run_begun_late_never_bursts() {
    let mut rig = Rig::from_env(12);
    // The hour from two to three comes twice: the window is six hours long. Then it does not come at all: four.
    night_of_the_change(&rig, "2026-10-24T22:00:00Z x2400", "2026-10-25", "2026-10-25T01:00:00Z", 6);
    rig.reset_mail();
    night_of_the_change(&rig, "2027-03-27T23:00:00Z x2400", "2027-03-28", "2027-03-28T01:00:00Z", 4);
    rig.reset_mail();
    begun_at_four(&rig);
}

fn night_of_the_change(rig: &Rig, clock: &str, date: &str, change: &str, hours: i64) {
    let dir = tempfile::tempdir().unwrap();
    let options =
        PoolOptions { window: ["00:30", "05:30"], schedule: "night", schedule_text: Some(NIGHT_SHIFT), per_domain: 2, ..two_mailboxes() };
    rig.write_pool(dir.path(), &options);
    seed(dir.path());
    let night = rig.preheat(dir.path(), &["run"], clock);
    assert_exit(&night, 0);
    let n = |sql: &str| count(dir.path(), sql);
    assert_eq!(n(&format!("SELECT count(*) FROM letter WHERE date = '{date}' AND state = 'seen'")), 24, "{}", said(&night));
    // Before the change and after it: the auditor reads the Date headers' zones too.
    let change = chrono::DateTime::parse_from_rfc3339(change).unwrap().timestamp_millis();
    for side in ["<", ">"] {
        assert!(n(&format!("SELECT count(*) FROM letter WHERE handed_at {side} {change}")) > 0, "none {side} the change");
    }
    let span = n("SELECT max(handed_at) - min(handed_at) FROM letter");
    assert!(span < hours * 3_600_000 && span > (hours - 2) * 3_600_000, "{span} ms of {hours} h");
    assert_eq!(too_near(dir.path(), 5), Vec::<String>::new());
    assert_exit(&rig.audit(dir.path(), &[]), 0);
}

/// Twenty a day from nine to five.
const OFFICE_HOURS: &str = "about: twenty a day in office hours
ramp: {start: 20, target: 20, weeks: 4, curve: linear}
window: {hours: 09:00-17:00}
engagement: {open: 0, answer: 0}
";

fn begun_at_four(rig: &Rig) {
    let dir = tempfile::tempdir().unwrap();
    let options =
        PoolOptions { window: ["09:00", "17:00"], schedule: "office", schedule_text: Some(OFFICE_HOURS), per_domain: 2, ..two_mailboxes() };
    rig.write_pool(dir.path(), &options);
    seed(dir.path());
    // An hour is left: twelve letters of a mailbox at most, 40 of a domain.
    let day = rig.preheat(dir.path(), &["run"], "2026-12-01T15:00:00Z x600");
    assert_exit(&day, 0);
    let n = |sql: &str| count(dir.path(), sql);
    assert_eq!(n("SELECT count(*) FROM letter"), 80, "{}", said(&day));
    let (seen, late) = (n("SELECT count(*) FROM letter WHERE state = 'seen'"), n("SELECT count(*) FROM letter WHERE skip_reason = 'late'"));
    assert_eq!(seen + late, 80, "{}", said(&day));
    assert!(seen >= 4 * 6 && late >= 4 * 8, "{seen} seen, {late} late");
    assert_eq!(n("SELECT sum(unoffered) FROM day"), late);
    assert_eq!(too_near(dir.path(), 5), Vec::<String>::new());
    assert_exit(&rig.audit(dir.path(), &[]), 0);

    // It is said wherever a person looks.
    assert!(said(&day).contains("not sent: the window ended first"), "{}", said(&day));
    let evening = "2026-12-01T17:00:00Z x1";
    assert!(said(&rig.preheat(dir.path(), &["agenda"], evening)).contains("skipped: late"));
    let status = said(&rig.preheat(dir.path(), &["status"], evening));
    let sender = rig.user(1, "warm-a.test");
    let its_late = n(&format!("SELECT unoffered FROM day WHERE mailbox = '{sender}'"));
    assert!(status.contains(&format!("{sender}: {its_late} because the window ended first")), "{status}");
    let json: serde_json::Value = serde_json::from_slice(&rig.preheat(dir.path(), &["status", "--json"], evening).stdout).unwrap();
    let said_late: i64 = json["mailboxes"].as_array().unwrap().iter().map(|m| m["not_sent"]["late"].as_i64().unwrap_or(0)).sum();
    assert_eq!(said_late, late, "{json}");
    // Half of the quota could not even be offered: such a day is not earned, and `explain` says so.
    let explained = said(&rig.preheat(dir.path(), &["explain", &sender], "2026-12-02T06:00:00Z x1"));
    let sent = 20 - its_late;
    let why = if sent < 10 { format!("only {sent} of 20 could be offered") } else { format!("{sent} of {sent} accepted") };
    assert!(explained.contains(&why), "{explained}");

    // After the window's end a run takes the next date.
    let next = said(&rig.preheat(dir.path(), &["run", "--dry-run"], evening));
    assert!(next.contains("2026-12-02: ") && !next.contains("2026-12-01: "), "{next}");
}

#[test]
#[ignore = "needs the rig: tests/run"]
fn a_partner_overseas_keeps_its_own_hours_and_a_free_day_sends_nothing_but_rescues() {
    let mut rig = Rig::from_env(13);
    a_partner_in_new_york(&rig);
    rig.reset_mail();
    a_saturday(&rig);
}

/// Six in the morning of Berlin, with answers soon.
const ANSWERED_SOON: &str = "about: six a day, read and answered within the hour
ramp: {start: 6, target: 6, weeks: 4, curve: linear}
window: {hours: 08:30-17:30}
engagement:
  open: 1
  answer: 0.8
  open_delay: {median: 5m, p95: 15m, min: 3m, max: 20m}
  answer_delay: {median: 15m, p95: 40m, min: 10m, max: 1h}
";

fn a_partner_in_new_york(rig: &Rig) {
    let dir = tempfile::tempdir().unwrap();
    let options =
        PoolOptions { window: ["08:30", "17:30"], schedule: "soon", schedule_text: Some(ANSWERED_SOON), partners: 1, ..two_mailboxes() };
    let yaml = rig.write_pool(dir.path(), &options);
    let partner = rig.user(1, "seeds.test");
    let edit = |file: &Path, from: &str, to: &str| {
        let text = std::fs::read_to_string(file).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        std::fs::write(file, text.replace(from, to)).unwrap();
    };
    edit(&yaml, &format!("{partner}, role: partner"), &format!("{partner}, role: partner, zone: America/New_York"));
    let berlin = format!("\"{partner}\":{{\"window\":[\"08:30\",\"17:30\"],\"zone\":\"Europe/Berlin\"");
    edit(&dir.path().join("audit.json"), &berlin, &berlin.replace("Europe/Berlin", "America/New_York"));

    seed(dir.path());
    let day = rig.preheat(dir.path(), &["run"], "2026-12-01T07:00:00Z x4800");
    assert_exit(&day, 0);
    assert_exit(&rig.audit(dir.path(), &["--unfinished"]), 0);
    let n = |sql: &str| count(dir.path(), sql);
    // Half past eight in New York is half past two in Berlin: nothing of the partner's was sent before.
    let half_past_one_utc = chrono::DateTime::parse_from_rfc3339("2026-12-01T13:30:00Z").unwrap().timestamp_millis();
    let of_partner = format!("FROM letter WHERE sender = '{partner}' AND handed_at IS NOT NULL");
    assert!(n(&format!("SELECT count(*) {of_partner}")) > 0, "{}", said(&day));
    assert_eq!(n(&format!("SELECT count(*) {of_partner} AND handed_at < {half_past_one_utc}")), 0);
    assert_eq!(n(&format!("SELECT count(*) {of_partner} AND date <> '2026-12-01'")), 0);
    assert!(n(&format!("SELECT count(*) FROM letter WHERE recipient = '{partner}' AND state = 'seen'")) > 0);
    // Its times are shown in its own zone.
    let agenda = said(&rig.preheat(dir.path(), &["agenda", "2026-12-01"], "2026-12-02T12:00:00Z x1"));
    let own = agenda.lines().filter(|l| l.split_whitespace().nth(1) == Some("EST") && l.split_whitespace().nth(2) == Some(&partner));
    let times: Vec<&str> = own.filter_map(|l| l.split_whitespace().next()).filter(|t| !t.starts_with('~')).collect();
    assert!(!times.is_empty() && times.iter().all(|t| ("08:30".."17:31").contains(t)), "{times:?}\n{agenda}");
}

/// Two on Friday, and everything to spam; rescued a day later.
const RESCUED_NEXT_DAY: &str = "about: four a day, rescued on the day after
ramp: {start: 4, target: 4, weeks: 4, curve: linear}
window: {hours: 08:30-12:30}
engagement: {open: 0, answer: 0, rescue_delay: {median: 25h, p95: 26h, min: 24h, max: 26h}, hours: 07:00-15:00}
";

fn a_saturday(rig: &Rig) {
    let dir = tempfile::tempdir().unwrap();
    rig.write_pool(dir.path(), &PoolOptions { schedule: "late-rescue", schedule_text: Some(RESCUED_NEXT_DAY), ..two_mailboxes() });
    seed(dir.path());
    let users: Vec<String> = rig.warm_domains().iter().take(2).map(|d| rig.user(1, d)).collect();
    rig.junk_share(256, &users);
    let n = |sql: &str| count(dir.path(), sql);
    let friday = rig.preheat(dir.path(), &["run"], "2026-12-04T07:00:00Z x3600");
    assert_exit(&friday, 0);
    assert_eq!(n("SELECT count(*) FROM letter WHERE placement = 'spam' AND rescued_at IS NULL"), 8, "{}", said(&friday));

    let saturday = rig.preheat(dir.path(), &["run"], "2026-12-05T06:00:00Z x4800");
    assert_exit(&saturday, 0);
    assert_eq!(n("SELECT count(*) FROM letter WHERE date > '2026-12-04'"), 0, "{}", said(&saturday));
    assert_eq!(rows(dir.path(), "SELECT DISTINCT quota, spent FROM day WHERE date = '2026-12-05'"), ["0 0"]);
    assert_eq!(n("SELECT count(*) FROM letter WHERE rescued_at IS NOT NULL"), 8, "{}", said(&saturday));
    assert_exit(&rig.audit(dir.path(), &[]), 0);
    // It neither earned a ramp day nor lost one.
    let explained = said(&rig.preheat(dir.path(), &["explain", &users[0]], "2026-12-07T06:00:00Z x1"));
    for line in ["2026-12-04 Fri 1 → 2 earned: 4 of 4 accepted", "2026-12-05 Sat 2 nothing was to be sent: the position stays"] {
        let squeezed: Vec<String> = explained.lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        assert!(squeezed.iter().any(|l| l == line), "no `{line}` in\n{explained}");
    }
}

/// A ramp in steps, at night, so that three days are short.
const STEPS_AT_NIGHT: &str = "about: two, four, six, eight, in the small hours
ramp: {curve: steps, steps: [2, 4, 6, 8]}
window: {hours: 01:00-04:00}
engagement:
  open: 1
  answer: 0.5
  hours: 00:30-06:00
  open_delay: {median: 10m, p95: 20m, min: 3m, max: 30m}
  answer_delay: {median: 3h, p95: 20h, min: 30m, max: 24h}
";

#[test]
#[ignore = "needs the rig: tests/run"]
fn three_days_in_a_row_earn_the_ramp_and_a_day_half_paused_does_not() {
    let rig = Rig::from_env(14);
    let dir = tempfile::tempdir().unwrap();
    let options = PoolOptions {
        domains: 3,
        window: ["01:00", "04:00"],
        schedule: "nights",
        schedule_text: Some(STEPS_AT_NIGHT),
        receive_limit: 40,
        more: WIDE_PAIRS,
        ..two_mailboxes()
    };
    rig.write_pool(dir.path(), &options);
    seed(dir.path());
    let n = |sql: &str| count(dir.path(), sql);
    // Each begins on the evening before, when that day's window is over.
    for (clock, date, quota) in [
        ("2026-11-29T22:30:00Z x3600", "2026-11-30", 2),
        ("2026-11-30T22:30:00Z x3600", "2026-12-01", 4),
        ("2026-12-01T22:30:00Z x3600", "2026-12-02", 6),
    ] {
        let day = rig.preheat(dir.path(), &["run"], clock);
        assert_exit(&day, 0);
        let quotas = rows(dir.path(), &format!("SELECT DISTINCT quota FROM day WHERE date = '{date}'"));
        assert_eq!(quotas, [quota.to_string()], "{date}: {}", said(&day));
        assert_eq!(n(&format!("SELECT count(*) FROM day WHERE date = '{date}' AND accepted + 1 < quota")), 0, "{date}: {}", said(&day));
    }
    let next_day = "SELECT count(*) FROM letter a JOIN letter p ON p.id = a.parent WHERE a.handed_at IS NOT NULL AND a.date > p.date";
    assert!(n(next_day) > 0, "an answer was sent on a later day than what it answers");

    // On Thursday one mailbox is paused as soon as it has sent two of its eight.
    let lazy = rig.user(1, "warm-a.test");
    let thursday = spawn(&rig, dir.path(), &["run"], "2026-12-02T22:30:00Z x3600");
    let two_are_out = format!("SELECT spent >= 2 FROM day WHERE mailbox = '{lazy}' AND date = '2026-12-03'");
    wait_until("it has sent two on Thursday", || has(dir.path(), &two_are_out));
    assert_exit(&rig.preheat(dir.path(), &["pause", &lazy, "--reason", "half a day"], "2026-12-03T01:00:00Z x1"), 0);
    let thursday = thursday.wait_with_output().unwrap();
    assert_exit(&thursday, 0);
    let sent = n(&format!("SELECT accepted FROM day WHERE mailbox = '{lazy}' AND date = '2026-12-03'"));
    assert!((2..6).contains(&sent), "{sent} sent\n{}", said(&thursday));
    assert!(n("SELECT count(*) FROM letter WHERE skip_reason = 'paused'") > 0, "{}", said(&thursday));
    assert_exit(&rig.audit(dir.path(), &["--unfinished"]), 0);

    // The others have done their ramp; it stands where it stood, and is told why.
    let friday = "2026-12-03T22:30:00Z x1";
    let explained = said(&rig.preheat(dir.path(), &["explain", &lazy, "--date", "2026-12-04"], friday));
    assert!(explained.contains("may send 8 messages on 2026-12-04"), "{explained}");
    assert!(explained.contains(&format!("not earned: {sent} of 8 accepted")), "{explained}");
    assert!(explained.contains("Paused: half a day"), "{explained}");
    let other = rig.user(1, "warm-b.test");
    let explained = said(&rig.preheat(dir.path(), &["explain", &other, "--date", "2026-12-04"], friday));
    assert!(explained.contains("4 → 5") && explained.contains("is done"), "{explained}");
    assert_exit(&rig.preheat(dir.path(), &["ledger", "check"], friday), 0);
}
