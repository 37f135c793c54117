//! How long a server may take, step by step, in real time.

use std::time::Duration;

/// Real time that each step of a dialogue may take. When it passes, the connection is dropped: a late answer is never read.
///
/// RFC 5321 §4.5.3.2 would wait 5 minutes for most steps and 10 for the final reply; a mailbox that is that slow is better tried
/// again later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// Finding the host, and again connecting, shared out among its addresses: 30 s.
    pub connect: Duration,
    /// The TLS handshake: 30 s.
    pub tls: Duration,
    /// The greeting and the answer to EHLO, together where a library reads both: 60 s.
    pub greeting: Duration,
    /// One step of signing in: 60 s.
    pub sign_in: Duration,
    /// STARTTLS, MAIL, RCPT, DATA or RSET, each: 60 s.
    pub command: Duration,
    /// The message with its final dot, up to the final reply: 300 s.
    pub message: Duration,
    /// QUIT: 1 s.
    pub close: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            tls: Duration::from_secs(30),
            greeting: Duration::from_mins(1),
            sign_in: Duration::from_mins(1),
            command: Duration::from_mins(1),
            message: Duration::from_mins(5),
            close: Duration::from_secs(1),
        }
    }
}

/// The environment variable that makes preheat less patient: the most real seconds that any step of a dialogue may take, such as `2`.
pub const PATIENCE_VARIABLE: &str = "PREHEAT_PATIENCE";

/// The most that any step may take, as [`PATIENCE_VARIABLE`] says; `Duration::MAX` where it says nothing. For tests of servers that fall silent.
///
/// # Errors
/// A sentence where the variable is not a number of seconds from 1 to 3600.
pub fn patience_from_env() -> Result<Duration, String> {
    match std::env::var(PATIENCE_VARIABLE) {
        Ok(text) if !text.trim().is_empty() => match text.trim().parse() {
            Ok(seconds @ 1..=3600) => Ok(Duration::from_secs(seconds)),
            _ => Err(format!("{PATIENCE_VARIABLE} is no number of seconds from 1 to 3600")),
        },
        _ => Ok(Duration::MAX),
    }
}

impl Deadlines {
    /// The same, but no step may take longer than this.
    #[must_use]
    pub fn at_most(self, limit: Duration) -> Self {
        Self {
            connect: self.connect.min(limit),
            tls: self.tls.min(limit),
            greeting: self.greeting.min(limit),
            sign_in: self.sign_in.min(limit),
            command: self.command.min(limit),
            message: self.message.min(limit),
            close: self.close.min(limit),
        }
    }

    /// The same for every step: for tests, and for a hasty `check`.
    pub fn all(limit: Duration) -> Self {
        Self { connect: limit, tls: limit, greeting: limit, sign_in: limit, command: limit, message: limit, close: limit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn less_patience_shortens_what_is_longer_and_nothing_else() {
        assert_eq!(Deadlines::default().at_most(Duration::MAX), Deadlines::default());
        let hasty = Deadlines::default().at_most(Duration::from_secs(40));
        assert_eq!((hasty.connect, hasty.command, hasty.message, hasty.close), {
            let seconds = Duration::from_secs;
            (seconds(30), seconds(40), seconds(40), seconds(1))
        });
    }
}
