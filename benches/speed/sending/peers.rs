//! What sends beside preheat, none with a ledger: Postfix's own load generator, and the loops that a Python program would have.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::sink::Sink;
use crate::table::timed;

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// `smtp-source -d`.
    Source,
    /// Python's `smtplib`, a thread a session.
    Smtplib,
    /// `aiosmtplib`, a task a session.
    Aiosmtplib,
}

impl Peer {
    pub const ALL: [Self; 3] = [Self::Source, Self::Smtplib, Self::Aiosmtplib];

    pub fn name(self) -> &'static str {
        match self {
            Self::Source => "smtp-source -d",
            Self::Smtplib => "smtplib, no ledger",
            Self::Aiosmtplib => "aiosmtplib, no ledger",
        }
    }

    pub fn why_left_out(self) -> &'static str {
        match self {
            Self::Source => "smtp-source is not there",
            Self::Smtplib => "python3 is not there",
            Self::Aiosmtplib => "aiosmtplib could not be installed",
        }
    }

    /// Sends `count` letters over `sessions` sessions; gives letters a second, or `None` where it cannot run.
    pub fn send(self, sink: &Sink, sessions: usize, count: usize, bytes: usize, letters: &Path) -> Option<f64> {
        let server = format!("127.0.0.1:{}", sink.port);
        let took = match self {
            Self::Source => {
                let (sessions, count, bytes) = (sessions.to_string(), count.to_string(), bytes.to_string());
                let arguments = ["-d", "-s", &sessions, "-m", &count, "-l", &bytes, "-f", "a@s0.test", "-t", "b@r.test", &server];
                let (took, output) = timed(|| Command::new("/usr/sbin/smtp-source").args(arguments).output());
                output.ok().filter(|o| o.status.success()).map(|_| took)?
            }
            Self::Smtplib => python("smtplib", sink.port, sessions, count, letters)?,
            Self::Aiosmtplib => python("aiosmtplib", sink.port, sessions, count, letters)?,
        };
        Some(count as f64 / took.as_secs_f64())
    }
}

/// The loop prints the seconds that it took, its own start left out.
fn python(how: &str, port: u16, sessions: usize, count: usize, letters: &Path) -> Option<Duration> {
    let python = std::env::var("PREHEAT_BENCH_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/smtp_loops.py");
    let numbers = [port.to_string(), sessions.to_string(), count.to_string()];
    let output = Command::new(python).args([script, how]).args(numbers).arg(letters).output().ok()?;
    let seconds: f64 = String::from_utf8_lossy(&output.stdout).trim().parse().ok()?;
    output.status.success().then(|| Duration::from_secs_f64(seconds))
}
