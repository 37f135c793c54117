//! A wall clock that is set while preheat runs, and a machine that sleeps, on real servers. Slots 34 to 36.
//!
//! libfaketime (Debian: `faketime`) sets the clock that preheat reads; the time that nobody sets goes on, as it does on a real machine. The scaled clock follows
//! the wall clock: at 1200 times, nine seconds are three hours.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use crate::rig::{PoolOptions, Rig};
use crate::rig_day::{assert_exit, count, said};
use crate::story::{flat, has, rows, seed, signal, spawn, too_near, two_mailboxes, wait_until};

/// Five minutes before the window opens in Berlin.
const MORNING: &str = "2026-12-01T07:25:00Z x1200";
/// Seconds in which the clock of [`MORNING`] goes on by an hour.
const HOUR: i64 = 3;

/// The clock that a program reads, to be set.
struct WallClock {
    file: PathBuf,
}

impl WallClock {
    fn in_folder(dir: &Path) -> Self {
        let clock = Self { file: dir.join("faketime") };
        clock.set(0);
        clock
    }

    /// So many seconds after the true time, or before.
    fn set(&self, seconds: i64) {
        let new = self.file.with_extension("new");
        fs::write(&new, format!("{seconds:+}\n")).unwrap();
        fs::rename(new, &self.file).unwrap();
    }

    /// `preheat` under this clock.
    fn command(&self, rig: &Rig, dir: &Path, args: &[&str], clock: &str) -> Command {
        let mut command = rig.command(dir, args, clock);
        command
            .env("LD_PRELOAD", libfaketime())
            .env("FAKETIME_TIMESTAMP_FILE", &self.file)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("DONT_FAKE_MONOTONIC", "1")
            .env("NO_FAKE_STAT", "1");
        command
    }

    fn spawn(&self, rig: &Rig, dir: &Path, args: &[&str], clock: &str) -> Child {
        self.command(rig, dir, args, clock).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
}

fn libfaketime() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").unwrap().filter_map(|entry| Some(entry.ok()?.path()));
    let mut libraries = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1"));
    libraries.find(|library| library.exists()).expect("there is no libfaketime: install the Debian package faketime; tests/run does")
}

/// A pool in a folder of its own, seeded.
fn pool(rig: &Rig, options: &PoolOptions) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    rig.write_pool(dir.path(), options);
    seed(dir.path());
    dir
}

const HANDED: &str = "SELECT count(*) FROM letter WHERE handed_at IS NOT NULL";

/// Nothing twice, all gaps, quotas and windows kept by the clock as preheat read it, and every replay gives what the ledger says.
fn assert_kept(rig: &Rig, dir: &Path, when: &str) {
    assert_eq!(too_near(dir, 5), Vec::<String>::new());
    assert_eq!(count(dir, "SELECT count(*) FROM step WHERE event = 'handed'"), count(dir, HANDED), "none is handed over twice");
    assert_eq!(rows(dir, "SELECT mailbox, date FROM day WHERE spent > quota"), Vec::<String>::new());
    assert_exit(&rig.preheat(dir, &["ledger", "check"], when), 0);
    assert_exit(&rig.audit(dir, &["--unfinished"]), 0);
}

#[test]
#[ignore = "needs the rig: tests/run"]
fn a_clock_that_is_set_forward_back_or_over_midnight_sends_nothing_twice_and_nothing_in_a_row() {
    let mut rig = Rig::from_env(34);
    three_hours_forward(&rig);
    rig.reset_mail();
    two_hours_back(&rig);
    rig.reset_mail();
    over_midnight_and_back(&rig);
}

fn three_hours_forward(rig: &Rig) {
    let dir = pool(rig, &two_mailboxes());
    let dir = dir.path();
    let clock = WallClock::in_folder(dir);
    let run = clock.spawn(rig, dir, &["run"], MORNING);
    wait_until("each has sent its first", || has(dir, "SELECT count(DISTINCT sender) = 2 FROM letter WHERE handed_at IS NOT NULL"));
    clock.set(3 * HOUR);
    let run = run.wait_with_output().unwrap();
    assert_exit(&run, 0);
    assert!(flat(&run).contains("the window ended first"), "{}", said(&run));
    // Who sent last before the clock was set kept its five minutes in truth too: three hours more by the wall clock, less what is read apart.
    let over_the_jump = rows(
        dir,
        "SELECT min(later - at) FROM (SELECT handed_at AS at, lead(handed_at) OVER (PARTITION BY sender ORDER BY handed_at) AS later FROM letter
         WHERE handed_at IS NOT NULL) WHERE later - at >= 3 * 3600000",
    );
    let apart: i64 = over_the_jump[0].parse().unwrap_or_else(|_| panic!("nothing was sent after the clock was set: {}", said(&run)));
    assert!(apart >= 3 * 3_600_000 + 3 * 60_000, "{apart} ms by the wall clock");
    assert_eq!(count(dir, "SELECT count(*) FROM letter WHERE state NOT IN ('seen', 'skipped')"), 0, "{}", said(&run));
    assert_kept(rig, dir, "2026-12-01T20:00:00Z x1");
}

fn two_hours_back(rig: &Rig) {
    let dir = pool(rig, &two_mailboxes());
    let dir = dir.path();
    let clock = WallClock::in_folder(dir);
    let run = clock.spawn(rig, dir, &["run", "--verbose"], "2026-12-01T07:25:00Z x600");
    wait_until("four are sent", || has(dir, "SELECT count(*) >= 4 FROM letter WHERE handed_at IS NOT NULL"));
    clock.set(-12);
    let run = run.wait_with_output().unwrap();
    assert_exit(&run, 0);
    assert!(flat(&run).contains("the clock was set back by 2h"), "{}", said(&run));
    // It has waited, and lost nothing by it.
    assert_eq!(count(dir, "SELECT count(*) FROM letter WHERE state = 'seen'"), 12, "{}", said(&run));
    assert_kept(rig, dir, "2026-12-01T20:00:00Z x1");
}

/// A window that ends shortly before midnight.
const LATE_SHIFT: &str = "about: six in the evening
ramp: {start: 6, target: 6, weeks: 4, curve: linear}
calendar: {weekdays: mon-sun}
window: {hours: 19:30-23:50}
engagement: {open: 0, answer: 0, hours: 07:00-23:55}
";

fn evening() -> PoolOptions {
    PoolOptions { window: ["19:30", "23:50"], schedule: "late", schedule_text: Some(LATE_SHIFT), ..two_mailboxes() }
}

fn over_midnight_and_back(rig: &Rig) {
    let dir = pool(rig, &evening());
    let dir = dir.path();
    let clock = WallClock::in_folder(dir);
    let began = real_now();
    let evening = format!("2026-12-01T18:25:00Z x1200 since {began}");
    let run = clock.spawn(rig, dir, &["run"], &evening);
    wait_until("two are sent", || has(dir, "SELECT count(*) >= 2 FROM letter WHERE handed_at IS NOT NULL"));
    // It becomes the small hours of the second: the date is over, and so is the run.
    clock.set(6 * HOUR);
    let run = run.wait_with_output().unwrap();
    assert_exit(&run, 0);
    let (sent, late) = (count(dir, HANDED), count(dir, "SELECT count(*) FROM letter WHERE skip_reason = 'late'"));
    assert!(sent < 12 && sent + late == 12, "{sent} sent, {late} late: {}", said(&run));
    assert_eq!(count(dir, "SELECT count(*) FROM lease WHERE holder <> ''"), 0);

    // It becomes the evening of the first again. Its letters are over, and no others are made for it.
    clock.set(0);
    let again = clock.command(rig, dir, &["run", "--once"], &evening).output().unwrap();
    assert_exit(&again, 0);
    assert_eq!((count(dir, HANDED), count(dir, "SELECT count(*) FROM letter")), (sent, 12), "{}", said(&again));

    // The next evening has its own.
    let next = rig.preheat(dir, &["run"], "2026-12-02T18:25:00Z x2400");
    assert_exit(&next, 0);
    assert_eq!(rows(dir, "SELECT DISTINCT date, quota FROM day ORDER BY date"), ["2026-12-01 6", "2026-12-02 6"]);
    assert_eq!(count(dir, "SELECT count(*) FROM letter WHERE date = '2026-12-02' AND state = 'seen'"), 12, "{}", said(&next));
    assert_kept(rig, dir, "2026-12-03T08:00:00Z x1");
}

#[expect(clippy::disallowed_methods, reason = "the clock that is to be set goes by the true one")]
fn real_now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// The wall clock in milliseconds, as [`WallClock`] has it.
#[expect(clippy::disallowed_methods, reason = "a lease goes by it")]
fn now_set(seconds: i64) -> i64 {
    chrono::Utc::now().timestamp_millis() + seconds * 1_000
}

/// At the pace of a real clock: leases go by it.
#[test]
#[ignore = "needs the rig: tests/run"]
fn a_lease_is_not_robbed_when_the_clock_is_set_forward_and_is_renewed_when_it_is_set_back() {
    let rig = Rig::from_env(35);
    let dir = pool(&rig, &two_mailboxes());
    let dir = dir.path();
    let clock = WallClock::in_folder(dir);
    // In the evening, when there is nothing to do until tomorrow: three hours later, too.
    let evening = "2026-12-01T18:00:00Z x1";
    let run = clock.spawn(&rig, dir, &["run"], evening);
    wait_until("it has its leases", || has(dir, "SELECT count(*) = 2 FROM lease WHERE holder <> ''"));

    // By the clock the leases ran out hours ago, and another run begins before they are renewed.
    clock.set(3 * 3_600);
    let other = refused(&clock, &rig, dir, evening);
    assert!(flat(&other).contains("has run out, but that run may live"), "{}", said(&other));

    // Two hours back: they would last for two hours. They are renewed in fifteen seconds, as ever.
    clock.set(3_600);
    wait_until("its leases are renewed by the clock as it is now", || {
        has(dir, &format!("SELECT count(*) = 2 FROM lease WHERE holder <> '' AND expires_at <= {}", now_set(3_600) + 120_000))
    });
    refused(&clock, &rig, dir, evening);

    signal(&run, "TERM");
    let run = run.wait_with_output().unwrap();
    assert_exit(&run, 0);
    let told = flat(&run);
    assert!(told.contains("the clock went 3h forward") && told.contains("the clock was set back by 2h"), "{told}");
    assert_eq!(count(dir, "SELECT count(*) FROM lease WHERE holder <> ''"), 0);
}

/// A second run, which is to end with 75 because another one has everything. One that got hold of something would run until tomorrow.
#[track_caller]
fn refused(clock: &WallClock, rig: &Rig, dir: &Path, when: &str) -> Output {
    let mut other = clock.spawn(rig, dir, &["run"], when);
    let ended = (0..3_000).any(|_| {
        std::thread::sleep(Duration::from_millis(20));
        other.try_wait().unwrap().is_some()
    });
    if !ended {
        other.kill().unwrap();
    }
    let other = other.wait_with_output().unwrap();
    assert_exit(&other, 75);
    other
}

/// A laptop: the program is stopped while time goes on.
#[test]
#[ignore = "needs the rig: tests/run"]
fn a_run_that_sleeps_in_mid_session_goes_on_and_one_that_sleeps_past_its_date_makes_room_for_the_next() {
    let mut rig = Rig::from_env(36);
    naps(&rig);
    rig.reset_mail();
    past_midnight(&rig);
}

/// Stopped for half an hour of its day, again and again, in whatever session it was.
fn naps(rig: &Rig) {
    let dir = pool(rig, &two_mailboxes());
    let dir = dir.path();
    let mut run = spawn(rig, dir, &["run"], MORNING);
    let mut naps = 0;
    for n in 0.. {
        // Soon after the beginning of an hour's second, or later in it: wherever it happens to be.
        std::thread::sleep(Duration::from_millis(400 + n * 37 % 300));
        if run.try_wait().unwrap().is_some() {
            break;
        }
        signal(&run, "STOP");
        std::thread::sleep(Duration::from_millis(1_500));
        signal(&run, "CONT");
        naps += 1;
    }
    let run = run.wait_with_output().unwrap();
    assert_exit(&run, 0);
    assert!(naps >= 4, "{naps} naps");
    let (seen, late) = (
        count(dir, "SELECT count(*) FROM letter WHERE state = 'seen'"),
        count(dir, "SELECT count(*) FROM letter WHERE skip_reason = 'late'"),
    );
    assert!(seen + late == 12 && seen >= 4, "{seen} seen, {late} late: {}", said(&run));
    assert_kept(rig, dir, "2026-12-01T20:00:00Z x1");
}

fn past_midnight(rig: &Rig) {
    let dir = pool(rig, &evening());
    let dir = dir.path();
    // Ten seconds are six hours and forty minutes.
    let clock = format!("2026-12-01T18:25:00Z x2400 since {}", real_now());
    let old = spawn(rig, dir, &["run"], &clock);
    wait_until("two are sent", || has(dir, "SELECT count(*) >= 2 FROM letter WHERE handed_at IS NOT NULL"));
    signal(&old, "STOP");
    std::thread::sleep(Duration::from_secs(12));
    // In the morning the lid is opened, and cron starts the next day's run in the same moment.
    let mut new = spawn(rig, dir, &["run"], &clock);
    let mut told = BufReader::new(new.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(
        told.by_ref().any(|line| line.contains("whose date is over: its end is waited for")),
        "the new run ended, or began, without the old one"
    );
    assert_eq!(count(dir, "SELECT count(*) FROM day WHERE date = '2026-12-02'"), 0, "the old run still has everything");
    signal(&old, "CONT");
    let old = old.wait_with_output().unwrap();
    assert_exit(&old, 0);
    let told: Vec<String> = told.collect();
    assert_exit(&new.wait_with_output().unwrap(), 0);
    let (sent, late) = (
        count(dir, "SELECT count(*) FROM letter WHERE date = '2026-12-01' AND handed_at IS NOT NULL"),
        count(dir, "SELECT count(*) FROM letter WHERE skip_reason = 'late'"),
    );
    assert!(sent < 12 && sent + late == 12, "{sent} sent, {late} late: {}", said(&old));
    assert_eq!(count(dir, "SELECT count(*) FROM letter WHERE date = '2026-12-02' AND state = 'seen'"), 12, "{told:?}");
    assert_eq!(count(dir, "SELECT count(*) FROM lease WHERE holder <> ''"), 0);
    assert_kept(rig, dir, "2026-12-03T08:00:00Z x1");
}
