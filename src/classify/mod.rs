//! Classify: what a server's refusal is about, and what a message that came in is. Pure: bytes in, words out; no clock, no network, no ledger.
//!
//! ```text
//! bytes → parts      header and the parts that may speak; bounded
//!       → complaint  a feedback report (RFC 5965), or a provider's own form of one
//!       → bounce     a delivery status (RFC 3464) or, without one, a report in a program's own words: status, told, notice
//!       → answer     an auto-reply (RFC 3834), an unsubscribe, a person's reply
//! header → glance    whether any of this has to be read at all
//! words → rules      ordered data: what a server's codes and words are about; the same for reports and for refusals while sending
//! ```
//!
//! It says what a message claims. Whether there is a letter behind a bounce, and whether a signature holds, is found out where letters are known.

mod answer;
mod bounce;
mod codes;
mod complaint;
mod fields;
mod glance;
mod heading;
mod incoming;
mod index;
mod notice;
mod original;
mod parts;
mod phrases;
mod refusal;
mod rules;
mod signs;
mod status;
mod text;
mod told;

pub use glance::{GLANCED, Glance, glance};
pub use heading::{Heading, stand_in};
pub use incoming::{Incoming, Kind, Original, Recipient, RecipientRow, Row};
pub use refusal::{classify, is_greylisting, speaker_in};

use parts::Parts;

/// What a message is. Any bytes may come; what is no message is `other`.
pub fn read_message(bytes: &[u8]) -> Incoming {
    let parts = Parts::read(bytes);
    complaint::read(&parts).or_else(|| bounce::read(&parts)).unwrap_or_else(|| answer::read(&parts))
}

#[cfg(test)]
mod tests;
