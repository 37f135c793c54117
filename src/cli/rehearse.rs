//! `preheat rehearse`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use super::explain::parse_date;
use super::plan::use_schedule;
use super::pool::Pool;
use super::printer::Printer;
use super::{CliError, Exit};
use crate::chance::Seed;
use crate::config::{Config, Schedule};
use crate::ramp::{Caps, project};
use crate::rehearsal::{Rehearsal, RehearsalError, Rehearsed, Scenario, rehearse_all, spread_of};
use crate::report::rehearsal::{self as report, Side};
use crate::report::{Align, Table};
use crate::words::{LocalDate, Role};

/// Days that a rehearsal has at most where nobody says how many.
const LONGEST: u32 = 120;
/// And at least, so that it is seen what follows a short ramp.
const SHORTEST: u32 = 28;
/// Seeds that one call plays at most.
const MOST_SEEDS: u64 = 10_000;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Plays your own config and schedule through the whole ramp, with the code that `run` uses, in virtual time and over a modelled mail \
world: what receivers do in it is a model, not a measurement. It touches no server, no secret, no key and no ledger of yours, and writes nothing \
but the file that --svg names.\n\n\
With --seeds every seed is played on its own, on all cores; what is shown is the spread: the median, and where a tenth lies below and above.\n\n\
Exit codes: 0 played, and every invariant held; 1 it could not be played, or an invariant did not hold, which is a bug in preheat: the seed that \
is printed shows it again."
)]
pub struct Args {
    /// What happens meanwhile: a shipped scenario's name, or a YAML file
    #[arg(long, value_name = "NAME|FILE", default_value = "healthy")]
    scenario: String,
    /// The seed of pool and world: the same seed gives the same rehearsal
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Play every seed from A to B, both included, and show the spread
    #[arg(long, value_name = "A..B", value_parser = parse_seeds, conflicts_with = "seed")]
    seeds: Option<Seeds>,
    /// How many days; to the ramp's end and a week more by default, 28 to 120
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1100))]
    days: Option<u32>,
    /// The first date; today by default
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_date)]
    from: Option<LocalDate>,
    /// Play it under this schedule as well, and lay the two side by side
    #[arg(long, value_name = "SCHEDULE")]
    compare: Option<String>,
    /// With the guard, which holds the ramp and takes it back; without it; or both, laid side by side
    #[arg(long, value_name = "on|off|both", default_value = "on", conflicts_with = "compare")]
    guard: Guard,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print an SVG chart; with FILE, write it there and print what else is asked for
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    #[expect(clippy::option_option, reason = "how clap tells `--svg` from `--svg FILE`")]
    svg: Option<Option<PathBuf>>,
    /// List the shipped scenarios
    #[arg(long, conflicts_with_all = ["seed", "seeds", "scenario", "days", "from", "compare", "guard", "json", "svg"])]
    list: bool,
}

/// Whether the guard is at work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Guard {
    On,
    Off,
    Both,
}

/// Seeds from the first to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seeds {
    first: u64,
    last: u64,
}

/// Seeds of the command line.
fn parse_seeds(text: &str) -> Result<Seeds, String> {
    let form = || "seeds are written as 1..200, both included".to_owned();
    let (first, last) = text.split_once("..").ok_or_else(form)?;
    let seeds = Seeds { first: first.parse().map_err(|_| form())?, last: last.parse().map_err(|_| form())? };
    match seeds.last.checked_sub(seeds.first) {
        None => Err(format!("{} is after {}", seeds.first, seeds.last)),
        Some(more) if more >= MOST_SEEDS => Err(format!("at most {MOST_SEEDS} seeds in one call")),
        Some(_) => Ok(seeds),
    }
}

pub fn rehearse(args: &Args, config: &Path, printer: Printer) -> Result<Exit, CliError> {
    if args.list {
        printer.data(scenarios_text(printer.width()));
        return Ok(Exit::Done);
    }
    if args.json && args.svg == Some(None) {
        return Err(CliError::new("error: --json and --svg cannot both be printed").hint("--svg FILE writes the chart there"));
    }
    let pool = Pool::load(config, printer)?;
    let from = args.from.unwrap_or_else(|| pool.clock.now().local_date(pool.config.zone));
    let scenario = read_scenario(&args.scenario, &pool)?;
    let mut parts = vec![Part::of(&pool, None, &scenario)?];
    if let Some(name) = &args.compare {
        parts.push(Part::of(&pool, Some(name), &scenario)?);
    }
    match args.guard {
        Guard::On => {}
        Guard::Off => parts.iter_mut().for_each(|part| part.config.guard = false),
        Guard::Both => parts = vec![parts[0].clone().guarded(true), parts.swap_remove(0).guarded(false)],
    }
    let days = args.days.or_else(|| parts.iter().filter_map(|p| to_the_end(&p.config, from)).max()).ok_or_else(nobody_warms)?;
    let seeds = args.seeds.unwrap_or(Seeds { first: args.seed, last: args.seed });
    let played = play(&parts, seeds, from, days, &scenario.name, printer)?;
    let shown = Shown::of(parts, played);
    show(&shown, args, printer)
}

/// A name, or the path of a file.
fn read_scenario(text: &str, pool: &Pool) -> Result<Scenario, CliError> {
    let path = Path::new(text);
    let is_path = path.extension().is_some_and(|e| e == "yaml" || e == "yml") || path.components().count() > 1;
    Ok(if is_path { Scenario::read(path)? } else { Scenario::by_name(text, Some(&pool.folder()))? })
}

/// What one schedule is played with.
#[derive(Clone)]
struct Part {
    name: String,
    config: Config,
    scenario: Scenario,
}

impl Part {
    /// The user's own config, every warming mailbox of it under `schedule` where that is given: by `--compare`, or because the scenario demands it.
    fn of(pool: &Pool, schedule: Option<&str>, scenario: &Scenario) -> Result<Self, CliError> {
        let mut config = pool.config.clone();
        match schedule {
            Some(name) => use_schedule(&mut config, &pool.folder(), name)?,
            None => scenario.put_schedule_into(&mut config)?,
        }
        let names: BTreeSet<&str> = warming(&config).filter_map(|(_, s)| s).map(|s| s.name.as_str()).collect();
        let name = names.into_iter().collect::<Vec<_>>().join(", ");
        // Its schedule is in the config already.
        Ok(Self { name, config, scenario: Scenario { schedule: None, ..scenario.clone() } })
    }
}

impl Part {
    /// The same, with the guard at work or not, named after that.
    fn guarded(self, is_on: bool) -> Self {
        let name = if is_on { "guard on" } else { "guard off" }.to_owned();
        Self { name, config: Config { guard: is_on, ..self.config }, scenario: self.scenario }
    }
}

fn warming(config: &Config) -> impl Iterator<Item = (&crate::config::Mailbox, Option<&Schedule>)> {
    config.mailboxes.values().filter(|m| m.role == Role::Warming).map(|m| (m, config.schedule_of(m)))
}

/// The days until every ramp is done if nothing goes wrong, and a week more; 28 to 120. `None` where nobody warms.
fn to_the_end(config: &Config, from: LocalDate) -> Option<u32> {
    let last = |(mailbox, schedule): (&crate::config::Mailbox, Option<&Schedule>)| {
        let start = mailbox.start_on.map_or(from, |d| d.max(from));
        // Jitter lowers a day, it moves none: any seed shows how long it takes.
        let days = project(schedule?, Seed(0), &mailbox.address, start, &[], start, &|_| Caps::default(), None);
        days.last().map(|d| d.date)
    };
    let last = warming(config).filter_map(last).max()?;
    Some(u32::try_from(last.days_since(from)).unwrap_or(0).saturating_add(1).clamp(SHORTEST, LONGEST))
}

fn nobody_warms() -> CliError {
    CliError::new("error: no mailbox of this pool is warming, so there is no ramp to rehearse")
        .hint("partners receive and answer; give a mailbox `role: warming`")
}

/// Every part with every seed, in this order.
fn play(parts: &[Part], seeds: Seeds, from: LocalDate, days: u32, scenario: &str, printer: Printer) -> Result<Vec<Rehearsed>, CliError> {
    let each = (seeds.last - seeds.first) as usize + 1;
    let which = if each == 1 { format!("seed {}", seeds.first) } else { format!("seeds {} to {}", seeds.first, seeds.last) };
    printer.say(format_args!(
        "rehearsing {days} days from {from}, {which}, scenario {scenario}: modelled; no server, secret, key or ledger of yours is touched"
    ));
    let make = |n: usize| Rehearsal {
        config: parts[n / each].config.clone(),
        scenario: parts[n / each].scenario.clone(),
        seed: Seed(seeds.first + (n % each) as u64),
        from,
        days,
    };
    let count = parts.len() * each;
    let bar = printer.is_watched().then(|| bar(count as u64 * u64::from(days)));
    let played = rehearse_all(count, &make, &|| {
        if let Some(bar) = &bar {
            bar.inc(1);
        }
    });
    if let Some(bar) = &bar {
        bar.finish_and_clear();
    }
    played.map_err(CliError::from)
}

fn bar(days: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} days  {elapsed} of about {duration}");
    let bar = ProgressBar::new(days).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

impl From<RehearsalError> for CliError {
    fn from(e: RehearsalError) -> Self {
        Self::new(format!("error: {e}")).hint(e.hint())
    }
}

/// What is to be shown.
enum Shown {
    /// One schedule, one seed or many.
    One(Vec<Rehearsed>),
    /// Two schedules.
    Two(Box<[Side; 2]>),
}

impl Shown {
    fn of(parts: Vec<Part>, mut played: Vec<Rehearsed>) -> Self {
        let mut names = parts.into_iter().map(|p| p.name);
        match (names.next(), names.next()) {
            (Some(first), Some(second)) => {
                let others = played.split_off(played.len() / 2);
                Self::Two(Box::new([Side { name: first, played }, Side { name: second, played: others }]))
            }
            _ => Self::One(played),
        }
    }

    fn has_breach(&self) -> bool {
        let broken = |played: &[Rehearsed]| played.iter().any(|r| !r.breaches.is_empty());
        match self {
            Self::One(played) => broken(played),
            Self::Two(sides) => sides.iter().any(|s| broken(&s.played)),
        }
    }

    fn text(&self, width: usize) -> String {
        match self {
            Self::One(played) => match played.as_slice() {
                [one] => report::to_text(one, width),
                many => report::spread_text(&spread_of(many), width),
            },
            Self::Two(sides) => report::compare_text(sides, width),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::One(played) => match played.as_slice() {
                [one] => report::to_json(one),
                many => report::spread_json(&spread_of(many)),
            },
            Self::Two(sides) => report::compare_json(sides),
        }
    }

    fn svg(&self) -> String {
        match self {
            Self::One(played) => match played.as_slice() {
                [one] => report::to_svg(one),
                many => report::spread_svg(&spread_of(many)),
            },
            Self::Two(sides) => report::compare_svg(sides),
        }
    }
}

fn show(shown: &Shown, args: &Args, printer: Printer) -> Result<Exit, CliError> {
    match &args.svg {
        _ if args.json => printer.json(&shown.json()),
        Some(None) => printer.data(shown.svg()),
        _ => printer.data(shown.text(printer.width())),
    }
    // After the report: a path that cannot be written costs nobody the sweep.
    if let Some(Some(path)) = &args.svg {
        std::fs::write(path, shown.svg()).map_err(|e| CliError::new(format!("error: {} cannot be written: {e}", path.display())))?;
        printer.say(format_args!("the chart is in {}", path.display()));
    }
    if !shown.has_breach() {
        return Ok(Exit::Done);
    }
    Err(CliError::new("error: an invariant did not hold").hint("this is a bug in preheat: please report it with what stands above"))
}

/// The shipped scenarios with their sentences.
fn scenarios_text(width: usize) -> String {
    let mut table = Table::new(&[("scenario", Align::Left), ("what happens", Align::Left)]);
    for (name, about) in Scenario::shipped() {
        table.row([name, about]);
    }
    table.to_text(width)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Nothing, parse};

    #[test]
    fn seeds_are_read_with_both_ends() {
        assert_eq!(parse_seeds("1..200"), Ok(Seeds { first: 1, last: 200 }));
        assert_eq!(parse_seeds("7..7"), Ok(Seeds { first: 7, last: 7 }));
        assert_eq!(parse_seeds("0..18446744073709551615"), Err("at most 10000 seeds in one call".into()));
        assert_eq!(parse_seeds("9..1"), Err("9 is after 1".into()));
        for bad in ["", "5", "..", "1..", "..4", "-1..4", "a..b", "1...4"] {
            assert_eq!(parse_seeds(bad), Err("seeds are written as 1..200, both included".into()), "{bad}");
        }
    }

    const POOL: &str = "pool: nordwind
zone: Europe/Berlin
defaults: {secret: env:NOBODY_SETS_THIS, smtp: mail.new.example, imap: mail.new.example}
mailboxes:
  - anna@new.example
  - {address: ben@new.example, schedule: gentle-6w, start_on: 2026-12-08}
  - {address: eva@host.example, role: partner}
";

    fn config(text: &str) -> Config {
        parse(text, Path::new("preheat.yaml"), &Nothing).unwrap_or_else(|e| panic!("{e}"))
    }

    #[test]
    fn a_rehearsal_goes_to_the_end_of_the_last_ramp_and_a_week_on() {
        let from = LocalDate::ymd(2026, 12, 1).unwrap();
        // Six weeks of send-days from a Tuesday end on a Monday, the 42nd day; ben begins a week later.
        assert_eq!(to_the_end(&config(POOL), from), Some(42 + 7 + 7));
        assert_eq!(to_the_end(&config(&POOL.replace(", start_on: 2026-12-08", "")), from), Some(42 + 7));
        assert_eq!(to_the_end(&config(&POOL.replace("2026-12-08", "2029-12-08")), from), Some(LONGEST));
    }

    #[test]
    fn what_was_played_is_shown_by_its_schedule() {
        let part = |name: &str| Part {
            name: name.into(),
            config: config(POOL),
            scenario: Scenario { name: "s".into(), about: String::new(), schedule: None, holidays: vec![], faults: vec![] },
        };
        let played = |seed| Rehearsed { seed, ..crate::report::rehearsal::fixtures::small() };
        let two = Shown::of(vec![part("a"), part("b")], (1..=6).map(played).collect());
        let Shown::Two(sides) = &two else { panic!("two schedules") };
        let seen: Vec<(&str, Vec<u64>)> = sides.iter().map(|s| (s.name.as_str(), s.played.iter().map(|r| r.seed).collect())).collect();
        assert_eq!(seen, [("a", vec![1, 2, 3]), ("b", vec![4, 5, 6])]);
        assert!(!two.has_breach());
        let broken = Shown::of(vec![part("a")], vec![played(1), crate::report::rehearsal::fixtures::broken()]);
        assert!(broken.has_breach() && matches!(&broken, Shown::One(all) if all.len() == 2));
        assert!(broken.text(100).contains("NOT HOLD") && broken.svg().contains("2 seeds") && broken.json()["modelled"] == true);
    }
}
