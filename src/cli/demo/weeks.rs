//! The rehearsals: a ramp of six weeks with the whole practice pool, and of a small one when things go wrong.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::day::Practised;
use super::signals::{Signals, stopped};
use crate::chance::Seed;
use crate::cli::CliError;
use crate::cli::plan::use_schedule;
use crate::cli::printer::Printer;
use crate::config::Config;
use crate::rehearsal::{Rehearsal, RehearsalError, Rehearsed, Scenario, rehearse_all};
use crate::report::rehearsal::{self as report, DemoPage, DemoScenario};
use crate::words::{Address, LocalDate, Role};

/// The ramp that is rehearsed.
const SCHEDULE: &str = "standard-6w";
/// A ramp of six weeks, and two more: a day on which the guard holds is made up for later. For tests two weeks.
const DAYS: u32 = 56;
const DAYS_IN_TESTS: u32 = 14;
/// Beside `healthy`, which is played with the whole pool and with the small one.
const SCENARIOS: [&str; 5] = ["too-fast", "complaint-storm", "broken-dmarc", "provider-outage", "holiday-gap"];
const SCENARIOS_IN_TESTS: usize = 1;
/// Mailboxes of the small pool that are warmed.
const FEW: usize = 2;

/// Threads that a partner starts a day: the usual number. The practice pool's ten are for its one day.
const PARTNERS_START: u32 = 3;

/// What was rehearsed.
pub struct Rehearsals {
    /// The whole pool, `healthy`.
    pub ramp: Rehearsed,
    /// The small pool, `healthy` first.
    pub scenarios: Vec<DemoScenario>,
}

impl Rehearsals {
    /// The page's data.
    pub fn page_with(&self, practised: &Practised) -> DemoPage {
        DemoPage { day: practised.day.clone(), ramp: self.ramp.clone(), scenarios: self.scenarios.clone() }
    }

    /// What is broken, with the stories; empty where nothing is.
    pub fn breaches_text(&self, width: usize) -> String {
        let all = std::iter::once(&self.ramp).chain(self.scenarios.iter().map(|s| &s.rehearsed));
        all.map(|r| report::broken_text(&r.scenario, r.seed, &r.breaches, width)).collect()
    }
}

/// Plays them on all cores; ends early when a signal comes.
pub async fn rehearse(
    practised: &Practised,
    seed: Seed,
    quick: bool,
    printer: Printer,
    signals: &mut Signals,
) -> Result<Rehearsals, CliError> {
    let (days, others) = if quick { (DAYS_IN_TESTS, SCENARIOS_IN_TESTS) } else { (DAYS, SCENARIOS.len()) };
    let mut whole = practised.config.clone();
    use_schedule(&mut whole, std::path::Path::new(""), SCHEDULE)?;
    whole.schedules.retain(|name, _| name == SCHEDULE);
    for partner in whole.mailboxes.values_mut().filter(|m| m.role == Role::Partner) {
        partner.start_limit = PARTNERS_START;
    }
    let small = small_pool(&whole);
    let mut played: Vec<(Config, Scenario)> = Vec::new();
    let healthy = Scenario::by_name("healthy", None)?;
    played.push((whole, healthy.clone()));
    // The longest first: the cores end together.
    for name in &SCENARIOS[..others] {
        played.push((small.clone(), Scenario::by_name(name, None)?));
    }
    played.push((small, healthy));

    let count = played.len();
    printer.say(format_args!("\nRehearsing: {count} times {days} days, in virtual time"));
    let bar = bar(printer, count as u64 * u64::from(days));
    let abouts: Vec<String> = played.iter().map(|(_, s)| s.about.clone()).collect();
    let from = practised.day.date;
    let result = tokio::select! {
        biased;
        () = signals.come() => Err(stopped()),
        result = in_threads(played, seed, from, days, bar.clone()) => result,
    };
    bar.finish_and_clear();
    let mut all = result?.into_iter().zip(abouts);
    let Some((ramp, _)) = all.next() else { return Err(CliError::from(RehearsalError::Nothing)) };
    let mut scenarios: Vec<DemoScenario> =
        all.map(|(rehearsed, about)| DemoScenario { about: with_the_pools_word(about, &rehearsed), rehearsed }).collect();
    scenarios.rotate_right(1);
    Ok(Rehearsals { ramp, scenarios })
}

async fn in_threads(
    played: Vec<(Config, Scenario)>,
    seed: Seed,
    from: LocalDate,
    days: u32,
    bar: ProgressBar,
) -> Result<Vec<Rehearsed>, CliError> {
    let played = Arc::new(played);
    let task = tokio::task::spawn_blocking(move || {
        let make = |n: usize| {
            let (config, scenario) = played[n].clone();
            Rehearsal { config, scenario, seed, from, days }
        };
        rehearse_all(played.len(), &make, &|| bar.inc(1))
    });
    match task.await {
        Ok(result) => Ok(result?),
        Err(e) => Err(CliError::from(RehearsalError::Run("a date".into(), e.to_string()))),
    }
}

/// Two mailboxes of the first domain and the partners, with room for a ramp that is too fast: where nothing is held back by the pool, it is seen what
/// receivers make of it.
fn small_pool(config: &Config) -> Config {
    let mut small = config.clone();
    let first = config.mailboxes.values().find(|m| m.role == Role::Warming).map(|m| m.address.domain());
    let few: BTreeSet<Address> = config
        .mailboxes
        .values()
        .filter(|m| m.role == Role::Warming && Some(m.address.domain()) == first)
        .map(|m| m.address.clone())
        .take(FEW)
        .collect();
    small.mailboxes.retain(|a, m| m.role == Role::Partner || few.contains(a));
    small.pairs.max_per_pair = 7;
    small.pairs.max_per_pair_week = 35;
    small
}

/// A scenario with a schedule of its own wants more than the pool can carry: its sentence says so.
fn with_the_pools_word(about: String, r: &Rehearsed) -> String {
    if r.schedules.iter().all(|s| s == SCHEDULE) {
        return about;
    }
    let most = r.days.iter().map(|d| d.planned).max().unwrap_or(0) / r.warming.max(1);
    format!("{about} This pool carries {most} a day each.")
}

fn bar(printer: Printer, days: u64) -> ProgressBar {
    if !printer.is_watched() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} days rehearsed  {elapsed}");
    let bar = ProgressBar::new(days).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::rehearsal::fixtures::{broken, small};

    fn rehearsals(scenario: Rehearsed) -> Rehearsals {
        Rehearsals { ramp: small(), scenarios: vec![DemoScenario { about: "It breaks.".into(), rehearsed: scenario }] }
    }

    #[test]
    fn what_breaks_in_any_of_them_is_told_with_seed_scenario_and_story() {
        assert_eq!(rehearsals(small()).breaches_text(100), "");
        let bad = broken();
        let text = rehearsals(bad.clone()).breaches_text(100);
        assert!(text.contains("NOT HOLD") && text.contains(&format!("scenario {}, seed {}", bad.scenario, bad.seed)), "{text}");
        assert!(!bad.breaches[0].story.is_empty() && text.contains(&bad.breaches[0].story[0]), "{text}");
    }

    #[test]
    fn a_schedule_that_wants_too_much_says_what_the_pool_carries() {
        let mut r = Rehearsed { schedules: vec!["too-fast".into()], warming: 2, ..small() };
        r.days[0].planned = 1_000;
        assert_eq!(with_the_pools_word("Fast.".into(), &r), "Fast. This pool carries 500 a day each.");
        r.schedules = vec![SCHEDULE.into()];
        assert_eq!(with_the_pools_word("Slow.".into(), &r), "Slow.");
    }
}
