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

impl Deadlines {
    /// The same for every step: for tests, and for a hasty `check`.
    pub fn all(limit: Duration) -> Self {
        Self { connect: limit, tls: limit, greeting: limit, sign_in: limit, command: limit, message: limit, close: limit }
    }
}
