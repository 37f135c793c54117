//! How a figure is taken, and how a row of the table is printed.

use std::fmt::Display;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Prints one row of the table: what, how much, beside what, and whether it is the goal.
#[expect(clippy::print_stdout, clippy::needless_pass_by_value, reason = "a bench prints, and a goal is made for its row")]
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

/// The peak of this process's memory, in MB. (Linux.)
pub fn peak_mb() -> f64 {
    of_status("self", "VmHWM:") / 1024.0
}

/// Seconds of the processor that this process has had, in its own code and in the kernel. (Linux: clock ticks are hundredths there.)
pub fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The second field may hold spaces; after it, the 12th and 13th are meant.
    let fields = stat.rsplit_once(") ").map_or("", |x| x.1).split_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// A line of a process's status, in KB. (Linux.)
pub fn of_status(process: &str, field: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix(field));
    line.and_then(|l| l.split_whitespace().next()?.parse().ok()).unwrap_or(f64::NAN)
}

/// Whether a row is asked for: all of a part, or those named behind it on the command line.
pub fn wanted(name: &str) -> bool {
    let mut named = std::env::args().skip(2).filter(|a| !a.starts_with('-')).peekable();
    named.peek().is_none() || named.any(|a| a == name)
}

/// How often a second a page can be made durable in a folder, one after the other: what a ledger there has to live with.
pub fn fsyncs_a_second(folder: &Path) -> f64 {
    use std::io::{Seek, Write};
    let path = folder.join("fsyncs");
    let Ok(mut file) = fs::File::create(&path) else { return f64::NAN };
    let (took, done) = timed(|| {
        let mut write = |_: &usize| file.rewind().and_then(|()| file.write_all(&[7; 4096])).and_then(|()| file.sync_data()).is_ok();
        (0..500).filter(&mut write).count()
    });
    fs::remove_file(path).ok();
    done as f64 / took.as_secs_f64()
}
