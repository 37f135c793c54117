//! What the benches share: how a figure is taken, and how a row of the table is printed.

#![allow(dead_code, reason = "no bench uses all of it")]

use std::fmt::Display;
use std::fs;
use std::time::{Duration, Instant};

/// As the program itself has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Prints one row of the table: what, how much, beside what, and whether it is the goal.
#[expect(clippy::print_stdout, reason = "a bench prints")]
pub fn row(what: impl Display, measured: impl Display, beside: impl Display, goal: Goal) {
    println!("{:<46} {:>18}  {:<34} {goal}", what.to_string(), measured.to_string(), beside.to_string());
}

/// Prints a line between the rows: what was left out and why, what was loaded.
#[expect(clippy::print_stdout, reason = "a bench prints")]
pub fn note(text: impl Display) {
    println!("  {text}");
}

/// What a row is held against.
pub enum Goal {
    /// Nothing: it stands there to be compared with.
    None,
    /// The words of the goal, and whether it was reached.
    Of(String, bool),
}

impl Display for Goal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Of(words, true) => write!(f, "{words}: yes"),
            Self::Of(words, false) => write!(f, "{words}: NO"),
        }
    }
}

/// `at most` a figure.
pub fn at_most(measured: f64, most: f64, unit: &str) -> Goal {
    Goal::Of(format!("at most {most} {unit}"), measured <= most)
}

/// `at least` a figure.
pub fn at_least(measured: f64, least: f64, unit: &str) -> Goal {
    Goal::Of(format!("at least {least} {unit}"), measured >= least)
}

/// The time that something took, and its result.
#[expect(clippy::disallowed_methods, reason = "benches measure real time")]
pub fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = work();
    (start.elapsed(), result)
}

/// The shortest of `times` runs: the one that others on the machine disturbed least.
pub fn shortest<T>(times: usize, mut work: impl FnMut() -> T) -> Duration {
    (0..times.max(1)).map(|_| timed(&mut work).0).min().unwrap_or_default()
}

/// Forgets the peak of this process's memory. (Linux.)
pub fn forget_peak() {
    fs::write("/proc/self/clear_refs", "5").ok();
}

/// The peak of this process's memory since [`forget_peak`], in MB. (Linux.)
pub fn peak_mb() -> f64 {
    of_status("self", "VmHWM:") / 1024.0
}

/// A line of a process's status, in KB. (Linux.)
pub fn of_status(process: &str, field: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix(field));
    line.and_then(|l| l.split_whitespace().next()?.parse().ok()).unwrap_or(f64::NAN)
}

/// Whether a row is asked for: all of them, or those named on the command line.
pub fn wanted(name: &str) -> bool {
    let mut named = std::env::args().skip(1).filter(|a| !a.starts_with('-')).peekable();
    named.peek().is_none() || named.any(|a| a == name)
}
