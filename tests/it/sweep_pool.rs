//! What a seed plays in the sweep: a pool that is small and as awkward as pools get, a first date, and a scenario whose faults come early.
//!
//! Everything follows from (scenario, seed), so that a breach replays from the two.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use preheat::chance::{Seed, Stream};
use preheat::config::Config;
use preheat::rehearsal::{Rehearsal, Scenario};
use preheat::words::LocalDate;
use rand::Rng;
use rand::seq::IndexedRandom;

/// How long, and how big.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Days at least and at most.
    pub days: (u32, u32),
    /// Further warming mailboxes on each of the two domains, and as many partners.
    pub more: u32,
    /// Whether faults come on the shipped days, or early enough for a short rehearsal.
    pub shipped_days: bool,
}

/// A rehearsal as files: what `preheat rehearse` would be given.
#[derive(Debug)]
pub struct Play {
    pub scenario: &'static str,
    pub seed: u64,
    pub from: LocalDate,
    pub days: u32,
    /// Path and text, below the folder of `preheat.yaml`.
    pub files: Vec<(String, String)>,
}

/// Dates on which the clocks of a zone in the pool change: Los Angeles, Berlin and Auckland, in spring and autumn.
const CLOCK_CHANGES: [(i32, u32, u32); 6] = [(2026, 3, 8), (2026, 3, 29), (2026, 4, 5), (2026, 9, 27), (2026, 10, 25), (2026, 11, 1)];
const ZONES: [&str; 4] = ["Europe/Berlin", "UTC", "America/Los_Angeles", "Pacific/Auckland"];
/// Zones whose clocks change by an hour, at two dates each, or by half of one, or never.
const CHANGING_ZONES: [&str; 4] = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"];
/// When they change in 2026 to 2028, leap day, and the turns of the years.
const AWKWARD_DATES: [(i32, u32, u32); 22] = [
    (2026, 3, 8),
    (2026, 3, 29),
    (2026, 4, 5),
    (2026, 10, 4),
    (2026, 10, 25),
    (2026, 11, 1),
    (2027, 1, 1),
    (2027, 3, 14),
    (2027, 3, 28),
    (2027, 4, 4),
    (2027, 10, 3),
    (2027, 10, 31),
    (2027, 11, 7),
    (2028, 1, 1),
    (2028, 2, 29),
    (2028, 3, 12),
    (2028, 3, 26),
    (2028, 4, 2),
    (2028, 10, 1),
    (2028, 10, 29),
    (2028, 11, 5),
    (2028, 12, 31),
];
/// How many plays there are [`Play::around_a_change`] until each date was met in two scenarios; twice as many meet all four.
pub const CHANGES: u64 = AWKWARD_DATES.len() as u64 * 2;
/// Windows: common ones, one in which clocks change, one that ends with the date, one that ends before many recipients wake, and the whole day.
const HOURS: [&str; 6] = ["08:30-17:30", "09:00-12:00", "00:30-04:30", "19:30-23:58", "05:00-08:00", "00:01-23:59"];

impl Play {
    /// What `seed` plays of `scenario`.
    pub fn of(scenario: &'static str, seed: u64, size: Size) -> Self {
        let mut draw = Seed(seed).of_words(&["sweep", scenario]);
        let days = draw.random_range(size.days.0..=size.days.1);
        let (y, m, d) = *CLOCK_CHANGES.choose(&mut draw).unwrap();
        // The change lies inside, and not on the first day; which weekday is the first follows from it.
        let from = LocalDate::ymd(y, m, d).unwrap().minus(draw.random_range(1..=days.min(10) - 2));
        let mut files = vec![
            ("preheat.yaml".to_owned(), pool(&mut draw, size, from)),
            ("schedules/ramp.yaml".to_owned(), schedule(&mut draw, from, days)),
            ("schedules/other.yaml".to_owned(), schedule(&mut draw, from, days)),
        ];
        if !size.shipped_days {
            // No draw of its own: what seeds play otherwise stays as it was. As early as may be, so that a short rehearsal comes to it.
            let tidy = ["tidy: {after: 2d}\n", "tidy: {after: 2d, how: delete}\n", "tidy: off\n"][(seed % 3) as usize];
            files[0].1.push_str(tidy);
            files.push((format!("scenarios/{scenario}.yaml"), early(&mut draw, &shipped(scenario), days)));
        }
        Self { scenario, seed, from, days, files }
    }

    /// A few days around a change of clocks, leap day or new year, with mailboxes in zones that change differently, on machines that are well, killed, or
    /// asleep at night, and over a flaky network. Dates and scenarios are taken in turn.
    pub fn around_a_change(seed: u64) -> Self {
        let dates = AWKWARD_DATES.len() as u64;
        let scenario = ["healthy", "killed", "laptop-sleeps", "flaky-network"][((seed + seed / dates) % 4) as usize];
        let (y, m, d) = AWKWARD_DATES[(seed % dates) as usize];
        let mut draw = Seed(seed).of_words(&["sweep", "around a change"]);
        let days = draw.random_range(4..=6);
        let from = LocalDate::ymd(y, m, d).unwrap().minus(draw.random_range(1..=days - 2));
        let files = vec![
            ("preheat.yaml".to_owned(), pool_of_changing_zones(&mut draw)),
            ("schedules/ramp.yaml".to_owned(), schedule(&mut draw, from, days)),
            ("schedules/other.yaml".to_owned(), schedule(&mut draw, from, days)),
        ];
        Self { scenario, seed, from, days, files }
    }

    /// Writes the files into `folder`.
    pub fn write(&self, folder: &Path) {
        for (path, text) in &self.files {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    /// Reads the files back, as the command does.
    pub fn rehearsal(&self) -> Rehearsal {
        let folder = tempfile::tempdir().unwrap();
        self.write(folder.path());
        let config: Config = preheat::config::load(&folder.path().join("preheat.yaml")).unwrap_or_else(|e| panic!("{self:?}: {e}"));
        let scenario = Scenario::by_name(self.scenario, Some(folder.path())).unwrap_or_else(|e| panic!("{self:?}: {e}"));
        let mut rehearsal = Rehearsal { config, scenario, seed: Seed(self.seed), from: self.from, days: self.days };
        // Its schedule lies in the folder, which is gone afterwards.
        rehearsal.scenario.put_schedule_into(&mut rehearsal.config).unwrap_or_else(|e| panic!("{self:?}: {e}"));
        rehearsal.scenario.schedule = None;
        rehearsal
    }

    /// The command that plays it again, of the files in `folder`.
    pub fn command(&self, folder: &Path) -> String {
        let Self { scenario, seed, from, days, .. } = self;
        format!("cd {} && preheat rehearse --scenario {scenario} --seed {seed} --from {from} --days {days}", folder.display())
    }
}

fn pool(draw: &mut Stream, size: Size, from: LocalDate) -> String {
    let zone = ZONES.choose(draw).unwrap();
    let (receive, cap, own_cap) = (draw.random_range(3..=9), draw.random_range(4..=12), draw.random_range(2..=6));
    let (pair, week, thread) = (draw.random_range(1..=3), draw.random_range(3..=9), draw.random_range(2..=4));
    let later = from.plus(draw.random_range(0..=2));
    let mut text = format!(
        "# Mailboxes at both ends of the calendar, caps that bite, and few to write to.
zone: {zone}
schedule: ramp
defaults: {{secret: env:UNUSED, smtp: mail.x.test, imap: mail.x.test, receive_limit: {receive}}}
domains: {{one.test: {{daily_cap: {cap}}}}}
pairs: {{max_per_pair: {pair}, max_per_pair_week: {week}, thread_length: {thread}}}
mailboxes:
  - {{address: a@one.test, zone: Pacific/Auckland}}
  - {{address: b@one.test, zone: America/Los_Angeles, daily_cap: {own_cap}}}
  - {{address: c@two.test, zone: Europe/Berlin, schedule: other, start_on: {later}}}
"
    );
    for n in 0..size.more {
        let zones = [ZONES[n as usize % 4], ZONES[(n as usize + 1) % 4]];
        writeln!(
            text,
            "  - {{address: d{n}@one.test, zone: {}}}\n  - {{address: e{n}@two.test, zone: {}, schedule: other}}",
            zones[0], zones[1]
        )
        .unwrap();
    }
    for n in 0..3 + size.more {
        // When the first run of all begins, and what time it is elsewhere then, depends on who lives where.
        let (provider, zone) = (["gmail", "microsoft", "generic"][n as usize % 3], ZONES.choose(draw).unwrap());
        let (send, start) = (draw.random_range(2..=5), draw.random_range(1..=2));
        writeln!(
            text,
            "  - {{address: p{n}@partner-{n}.test, role: partner, provider: {provider}, zone: {zone}, send_limit: {send}, start_limit: {start}}}"
        )
        .unwrap();
    }
    text
}

fn pool_of_changing_zones(draw: &mut Stream) -> String {
    let mut text = format!(
        "# A warming mailbox in each zone, two of them on one domain; cron goes by one of the zones.
zone: {}
schedule: ramp
defaults: {{secret: env:UNUSED, smtp: mail.x.test, imap: mail.x.test, receive_limit: {}}}
pairs: {{max_per_pair: 3, max_per_pair_week: 12}}
tidy: {{after: 2d}}
mailboxes:
",
        CHANGING_ZONES.choose(draw).unwrap(),
        draw.random_range(5..=12),
    );
    for (n, zone) in CHANGING_ZONES.iter().enumerate() {
        let schedule = ["ramp", "other"].choose(draw).unwrap();
        writeln!(text, "  - {{address: w{n}@{}.test, zone: {zone}, schedule: {schedule}}}", ["one", "one", "two", "three"][n]).unwrap();
    }
    for n in 0..3 {
        let zone = CHANGING_ZONES.choose(draw).unwrap();
        writeln!(text, "  - {{address: p{n}@partner-{n}.test, role: partner, zone: {zone}, send_limit: {}}}", draw.random_range(3..=6))
            .unwrap();
    }
    text
}

fn schedule(draw: &mut Stream, from: LocalDate, days: u32) -> String {
    let (start, more) = (draw.random_range(2..=5), draw.random_range(0..=8));
    let curve = ["linear", "exponential", "logistic"].choose(draw).unwrap();
    let jitter = [0.0, 0.3].choose(draw).unwrap();
    let weekend = [0.0, 0.5, 1.0].choose(draw).unwrap();
    let holiday = from.plus(draw.random_range(1..days));
    let hours = HOURS.choose(draw).unwrap();
    let (gap, domain_gap) = (draw.random_range(2..=20), draw.random_range(1..=10));
    let (reads, answer) = (["07:00-22:00", "08:00-10:00", "00:00-23:59"].choose(draw).unwrap(), ["3h", "20m", "20h"].choose(draw).unwrap());
    format!(
        "about: as awkward as seeds are
ramp: {{start: {start}, target: {}, weeks: {}, curve: {curve}, jitter: {jitter}}}
calendar: {{weekdays: mon-fri, weekend_factor: {weekend}, holidays: [{holiday}]}}
window: {{hours: {hours}, mailbox_gap: {gap}m, domain_gap: {domain_gap}m}}
engagement: {{open: 0.9, answer: 0.8, important: 0.3, flag: 0.2, hours: {reads}, answer_delay: {{median: {answer}}}}}
",
        start + more,
        draw.random_range(1..=3),
    )
}

fn shipped(scenario: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{scenario}.yaml"))).unwrap()
}

/// The scenario with every fault that does not begin on the first day moved to the second or third, and ending before the rehearsal does in
/// most seeds: what comes after a fault is where it shows.
fn early(draw: &mut Stream, text: &str, days: u32) -> String {
    let begins = draw.random_range(2..=3);
    let lasts = draw.random_range(1..=days - 2);
    let is_fault = |line: &&str| line.trim_start().starts_with("- {") && line.contains("from_day: ");
    let moved = |line: &str| with_number(&with_number(line, "from_day: ", |_| begins), " days: ", |n| n.min(lasts));
    text.lines().map(|line| if is_fault(&line) { moved(line) } else { line.to_owned() } + "\n").collect()
}

/// The line with another number behind `key`, where the key is in it.
fn with_number(line: &str, key: &str, change: impl Fn(u32) -> u32) -> String {
    let Some((before, rest)) = line.split_once(key) else { return line.to_owned() };
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    format!("{before}{key}{}{}", change(rest[..end].parse().unwrap()), &rest[end..])
}
