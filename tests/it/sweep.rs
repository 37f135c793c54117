//! The sweep: every shipped scenario over many seeds, each on another awkward pool, and after each the invariants of the design.
//!
//! A breach prints the seed with its config, the stories of its letters, and the command that plays it again.

use std::fmt::Write as _;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use preheat::rehearsal::{Rehearsed, Scenario, rehearse, rehearse_all};

use crate::sweep_pool::{CHANGES, Play, Size};
use crate::tally::tally;

/// In `tests/run`, within its time.
const SHORT: Size = Size { days: (3, 6), more: 0, shipped_days: false };
/// Seeds of each scenario.
const SEEDS: u64 = 200;
/// `tests/run --long`: whole ramps on their own days.
const LONG: Size = Size { days: (42, 42), more: 3, shipped_days: true };
/// Seeds of each scenario there.
const LONG_SEEDS: u64 = 40;
/// Rehearsals with breaches that are shown whole.
const SHOWN: usize = 3;

macro_rules! each_scenario {
    ($($test:ident: $scenario:literal),+ $(,)?) => {
        const SCENARIOS: &[&str] = &[$($scenario),+];
        $(
            #[test]
            fn $test() {
                sweep($scenario, SHORT, 1..=number("PREHEAT_SWEEP_SEEDS", SEEDS));
            }
        )+
    };
}

each_scenario! {
    healthy: "healthy",
    too_fast: "too-fast",
    broken_dmarc: "broken-dmarc",
    provider_outage: "provider-outage",
    blocklisted: "blocklisted",
    account_locked: "account-locked",
    flaky_network: "flaky-network",
    dead_partner: "dead-partner",
    full_mailbox: "full-mailbox",
    complaint_storm: "complaint-storm",
    holiday_gap: "holiday-gap",
    laptop_sleeps: "laptop-sleeps",
    killed: "killed",
}

#[test]
fn every_shipped_scenario_is_swept() {
    let mut shipped: Vec<String> = Scenario::shipped().into_iter().map(|(name, _)| name).collect();
    shipped.sort();
    let mut swept = SCENARIOS.to_vec();
    swept.sort_unstable();
    assert_eq!(swept, shipped);
}

/// Around changes of the clock, leap day and new year, in zones that change by an hour, by half of one, on different dates, and never.
#[test]
fn clocks_that_change() {
    let seeds = number("PREHEAT_SWEEP_SEEDS", CHANGES);
    let plays = (0..seeds).map(Play::around_a_change).collect();
    for (play, rehearsed) in play_all("around changes of the clock", plays) {
        let dates: Vec<_> = rehearsed.days.iter().map(|day| day.date).collect();
        let follow: Vec<_> = (0..play.days).map(|n| Some(play.from.plus(n))).collect();
        assert_eq!(dates, follow, "seed {}: every date once", play.seed);
    }
}

/// Whole ramps. Ignored, and of a name of its own: `tests/run` plays it with `--long` only.
#[test]
#[ignore = "takes half an hour: tests/run --long"]
fn long() {
    for scenario in SCENARIOS {
        sweep(scenario, LONG, 1..=number("PREHEAT_LONG_SEEDS", LONG_SEEDS));
    }
}

/// A number from the environment, for who wants more, or less.
fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// Plays a scenario with these seeds.
fn sweep(scenario: &'static str, size: Size, seeds: std::ops::RangeInclusive<u64>) {
    play_all(scenario, seeds.map(|seed| Play::of(scenario, seed, size)).collect());
}

/// Plays them on all cores, says how much that was, and holds each against the invariants.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "for a person who wonders how long it takes: nothing is asserted about it"
)]
fn play_all(name: &str, plays: Vec<Play>) -> Vec<(Play, Rehearsed)> {
    let began = Instant::now();
    let all = rehearse_all(plays.len(), &|n| plays[n].rehearsal(), &|| {}).unwrap_or_else(|_| panic!("{}", broken_off(&plays)));
    let sum = |of: fn(&Rehearsed) -> u32| all.iter().map(of).sum::<u32>();
    let letters = sum(|r| r.days.iter().map(|d| d.sent + d.by_partners).sum());
    println!(
        "{name}: {} seeds, {} days, {letters} letters, {:.1} s",
        all.len(),
        sum(|r| r.days.len() as u32),
        began.elapsed().as_secs_f64()
    );
    let broken: Vec<(&Play, &Rehearsed)> = plays.iter().zip(&all).filter(|(_, r)| !r.breaches.is_empty()).collect();
    assert!(broken.is_empty(), "{}", told(&broken));
    tally(
        "rehearsed ramps with trouble, seeds",
        all.len() as u64,
        "all invariants held: none lost, none twice, quota, window, gap, suspension",
    );
    assert!(u64::from(letters) > 10 * all.len() as u64, "{name}: only {letters} letters were played");
    plays.into_iter().zip(all).collect()
}

/// The rehearsals whose invariants do not hold, a few of them whole.
fn told(broken: &[(&Play, &Rehearsed)]) -> String {
    let mut text = format!("{} seeds break an invariant\n", broken.len());
    for (play, rehearsed) in broken.iter().take(SHOWN) {
        let folder = tempfile::tempdir().unwrap().keep();
        play.write(&folder);
        writeln!(text, "\n{}, seed {}, {} days from {}:", play.scenario, play.seed, play.days, play.from).unwrap();
        for breach in &rehearsed.breaches {
            writeln!(text, "invariant {}: {}", breach.invariant, breach.what).unwrap();
            for line in &breach.story {
                writeln!(text, "    {line}").unwrap();
            }
        }
        for (path, file) in &play.files {
            writeln!(text, "--- {path}\n{}", file.trim_end()).unwrap();
        }
        writeln!(text, "again: {}", play.command(&folder)).unwrap();
    }
    for (play, rehearsed) in broken.iter().skip(SHOWN) {
        writeln!(text, "seed {}: invariant {}: {}", play.seed, rehearsed.breaches[0].invariant, rehearsed.breaches[0].what).unwrap();
    }
    text
}

/// Which one broke off, and how it is played again.
fn broken_off(plays: &[Play]) -> String {
    for play in plays {
        if let Err(e) = rehearse(&play.rehearsal(), &|_, _| {}) {
            let folder = tempfile::tempdir().unwrap().keep();
            play.write(&folder);
            return format!("{}, seed {}: {e}\nagain: {}", play.scenario, play.seed, play.command(&folder));
        }
    }
    "a rehearsal broke off once, and not when it was played again".to_owned()
}

#[test]
fn one_seed_gives_one_ledger_and_one_report() {
    // The scenarios in which the order of everything matters most, and those in which most comes back.
    for scenario in ["flaky-network", "killed", "laptop-sleeps", "complaint-storm", "full-mailbox"] {
        let play = |seed| rehearse(&Play::of(scenario, seed, SHORT).rehearsal(), &|_, _| {}).unwrap_or_else(|e| panic!("{scenario}: {e}"));
        for seed in 1..=3 {
            let (once, twice) = (play(seed), play(seed));
            assert_eq!(once, twice, "{scenario}, seed {seed}");
            assert_eq!(once.fingerprint.len(), 64);
        }
        assert_ne!(play(1).fingerprint, play(2).fingerprint, "{scenario}");
    }
}

#[test]
fn one_seed_gives_the_same_bytes_in_every_process_under_load_too() {
    for scenario in ["flaky-network", "killed"] {
        let folder = tempfile::tempdir().unwrap();
        let play = Play::of(scenario, 5, SHORT);
        play.write(folder.path());
        let (from, days) = (play.from.to_string(), play.days.to_string());
        let json = |seeds: [&str; 2]| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_preheat"));
            command.current_dir(folder.path()).env_remove("PREHEAT_CLOCK").env_remove("PREHEAT_CONFIG").args(["rehearse", "--json"]);
            let output = command.args(seeds).args(["--scenario", scenario, "--from", &from, "--days", &days]).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap()
        };
        let alone = json(["--seed", "5"]);
        let busy = Busy::threads(4);
        let under_load = json(["--seed", "5"]);
        drop(busy);
        assert_eq!(alone, under_load, "{scenario}");
        assert!(alone.contains("\"fingerprint\": \""), "{alone}");
        assert_ne!(alone, json(["--seed", "6"]), "{scenario}: another seed is another rehearsal");
        // Side by side on all cores, as alone.
        assert_eq!(json(["--seeds", "4..7"]), json(["--seeds", "4..7"]), "{scenario}");
    }
}

/// Threads that do nothing but work, until this is dropped.
struct Busy(Arc<AtomicBool>, Vec<std::thread::JoinHandle<()>>);

impl Busy {
    fn threads(n: usize) -> Self {
        let on = Arc::new(AtomicBool::new(true));
        let work = |on: Arc<AtomicBool>| {
            while on.load(Ordering::Relaxed) {
                std::hint::spin_loop();
            }
        };
        let threads = (0..n)
            .map(|_| {
                std::thread::spawn({
                    let on = on.clone();
                    move || work(on)
                })
            })
            .collect();
        Self(on, threads)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
        for thread in self.1.drain(..) {
            let _ = thread.join();
        }
    }
}
