//! Sending: an [`Outbox`](crate::mail::Outbox) over lettre's connection on the guarded stream.
//!
//! lettre writes the lines, stuffs the dots and waits; what the server said is read from the guard's [`Meter`](crate::mail::wire::Meter), where
//! every reply stands as it came. Only `command` and `message` are used: `send` ends the session with QUIT after a refusal, and lettre's pool
//! may take one letter's late reply for the next letter's. One session has one connection, and a step that runs late ends both.

mod auth;
mod lines;
mod offers;
mod outbox;
mod session;
#[cfg(test)]
mod tests;

pub use lines::{BadLines, check_lines};
pub use outbox::SmtpOutbox;
pub(super) use outbox::ehlo_name;
