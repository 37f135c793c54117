//! The spam filter of the modelled world. Contract; the model itself is being written.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Personality;
use crate::chance::Seed;
use crate::words::{Address, Domain, Moment, Reply};

/// Which of the receivers' tests a domain's mail passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authentication {
    /// SPF passes.
    pub spf: bool,
    /// DKIM passes.
    pub dkim: bool,
    /// DMARC passes: one of the two, aligned with From.
    pub dmarc: bool,
}

impl Default for Authentication {
    fn default() -> Self {
        Self { spf: true, dkim: true, dmarc: true }
    }
}

/// A message at a receiver's door.
#[derive(Clone, Debug)]
pub struct Arriving<'a> {
    /// From whom.
    pub from: &'a Address,
    /// To whom.
    pub to: &'a Address,
    /// Who receives: a reputation is kept for each (domain, receiver).
    pub receiver: &'a str,
    /// How that receiver behaves.
    pub personality: Personality,
    /// What the sender's domain passes.
    pub authentication: Authentication,
    /// Whether the receiver has the domain on a blocklist.
    pub blocklisted: bool,
    /// What the draw is derived from: the letter id, or the Message-ID.
    pub key: &'a str,
    /// When.
    pub at: Moment,
}

/// What the filter says of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Judgement {
    /// To the inbox; with `Some`, to a category of it.
    Inbox(Option<&'static str>),
    /// To spam.
    Spam,
    /// Not taken: the sender's server makes a bounce of it.
    Refused(Reply),
    /// Not now: the sender's server tries again.
    Deferred(Reply, Duration),
}

/// What a receiver learns about a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lesson {
    /// A letter was opened.
    Opened,
    /// A letter was taken out of spam.
    Rescued,
    /// A letter was answered.
    Answered,
    /// A letter was flagged or called important.
    Flagged,
    /// A letter was called spam by a person: a complaint.
    Complaint,
    /// A letter went to somebody who is not there.
    UnknownRecipient,
}

/// The filters of all receivers: what they think of every domain and mailbox.
#[derive(Debug)]
pub struct Filter {
    seed: Seed,
    known: BTreeMap<(String, Domain), u32>,
}

impl Filter {
    /// Filters that have never heard of anybody.
    pub fn new(seed: Seed) -> Self {
        Self { seed, known: BTreeMap::new() }
    }

    /// A domain that the receivers have known and liked for years: a partner's.
    pub fn know_well(&mut self, _domain: &Domain) {}

    /// Judges a message, and remembers that it came.
    pub fn judge(&mut self, arriving: &Arriving<'_>) -> Judgement {
        let _ = self.seed;
        *self.known.entry((arriving.receiver.to_owned(), arriving.from.domain())).or_default() += 1;
        Judgement::Inbox(None)
    }

    /// Learns from what became of a message.
    pub fn learn(&mut self, _from: &Address, _receiver: &str, _lesson: Lesson, _at: Moment) {}

    /// What a receiver thinks of a domain, 0 (nothing good) to 1.
    pub fn reputation(&self, _domain: &Domain, _receiver: &str, _at: Moment) -> f64 {
        0.5
    }
}
