//! A model of spam filters: what each receiver thinks of each domain and mailbox that writes to it, and where a message lands. Everything that
//! comes out of it is *modelled*; `docs/model.md` explains it to people, `assumptions.yaml` holds every number with what it rests on.
//!
//! A receiver keeps a [`Standing`] of a domain and one of each of its mailboxes; small servers share those of domains. A standing is three things:
//!
//! ```text
//! earned   what was learnt over weeks: each day with mail it goes a part of the way to what the mail of the last days deserves, by where it landed
//!          and what people did with it (opened, answered, flagged, rescued). Above 0 or below. It fades in long silence
//! harm     what happened: volume that jumped, complaints, unknown recipients, a blocklist. It is half forgotten in days, unless it is fed
//! volume   messages of today, and the most of the last days with mail: what passes as steady today, and in trouble a part of that
//! ```
//!
//! The score of a message is `unknown + domain_share × (earned − harm of the domain) + the rest × (earned − harm of the mailbox)`, less what its
//! authentication takes; the logistic function makes a chance of it, and one draw from (seed, receiver, message) makes a placement of that.
//! Days are those of UTC: receivers have no other. No history is kept: a message costs a few look-ups and one hash.

mod standing;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::Personality;
use super::assumptions::{No, Numbers, numbers, reply};
use crate::chance::Seed;
use crate::words::{Address, Domain, Moment, Reply};

use standing::{Standing, day_of};

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
    /// It was refused because its domain stands on a blocklist.
    Listed,
}

/// Who keeps the small servers' opinion of domains; no receiver has this name.
const SMALL_SERVERS: &str = "small servers";

/// The filters of all receivers: what they think of every domain and mailbox.
#[derive(Debug)]
pub struct Filter {
    seed: Seed,
    is_off: bool,
    well_known: BTreeSet<Domain>,
    /// Standings of domains, by who keeps them.
    domains: BTreeMap<Box<str>, BTreeMap<Box<str>, Standing>>,
    receivers: BTreeMap<Box<str>, Receiver>,
}

/// One receiver's memory: of the mailboxes of each domain that has written to it, by the part before the `@`.
#[derive(Debug)]
struct Receiver {
    personality: Personality,
    mailboxes: BTreeMap<Box<str>, BTreeMap<Box<str>, Standing>>,
}

/// Who keeps what a receiver thinks of domains: a large receiver itself. The servers of single companies ask the same few lists and filter services,
/// which count what all of them see.
fn keeper(receiver: &str, personality: Personality) -> &str {
    if personality == Personality::Dovecot { SMALL_SERVERS } else { receiver }
}

impl Filter {
    /// Filters that have never heard of anybody.
    pub fn new(seed: Seed) -> Self {
        Self { seed, is_off: false, well_known: BTreeSet::new(), domains: BTreeMap::new(), receivers: BTreeMap::new() }
    }

    /// No filter at all: everything goes to the inbox. For tests that are about something else.
    pub fn off(seed: Seed) -> Self {
        Self { is_off: true, ..Self::new(seed) }
    }

    /// A domain that the receivers have known and liked for years: a partner's. Its volume surprises nobody, and what it has earned does not fade.
    pub fn know_well(&mut self, domain: &Domain) {
        for receiver in self.receivers.values_mut() {
            let n = numbers(receiver.personality);
            receiver.mailboxes.get_mut(domain.as_str()).into_iter().flat_map(BTreeMap::values_mut).for_each(|m| m.make_well_known(n));
        }
        for (keeper, domains) in &mut self.domains {
            let personality = self.receivers.get(keeper).map_or(Personality::Dovecot, |r| r.personality);
            domains.get_mut(domain.as_str()).into_iter().for_each(|d| d.make_well_known(numbers(personality)));
        }
        self.well_known.insert(domain.clone());
    }

    /// Judges a message, and remembers that it came. A message that is refused or deferred is not counted as come.
    pub fn judge(&mut self, arriving: &Arriving<'_>) -> Judgement {
        if self.is_off {
            return Judgement::Inbox(None);
        }
        let n = numbers(arriving.personality);
        let no = |no| reply(no, arriving.receiver, arriving.personality);
        let today = day_of(arriving.at);
        let [placement, kind] = self.seed.shares_of_words(&["placement", arriving.receiver, arriving.key]);
        let (domain, mailbox) = self.standings(arriving, n);
        domain.go_to(today, n);
        mailbox.go_to(today, n);
        if arriving.blocklisted {
            domain.message_was_refused(n, n.free_volume_domain);
            mailbox.message_was_refused(n, n.free_volume_mailbox);
            return Judgement::Refused(no(No::Blocklisted));
        }
        if n.rate_limit > 0.0 && domain.pressure(n, n.free_volume_domain) >= n.rate_limit {
            return Judgement::Deferred(no(No::TooFast), n.wait());
        }
        domain.message_came(n, n.free_volume_domain);
        mailbox.message_came(n, n.free_volume_mailbox);
        let score = n.unknown + n.domain_share * domain.score() + (1.0 - n.domain_share) * mailbox.score();
        let score = score - penalty(arriving.authentication, n);
        if !arriving.authentication.dmarc && kind < n.dmarc_refused {
            Judgement::Refused(no(No::Unauthenticated))
        } else if placement >= chance(score) {
            domain.worth(-n.spam_cost);
            mailbox.worth(-n.spam_cost);
            Judgement::Spam
        } else if kind < n.promotions {
            Judgement::Inbox(Some("promotions"))
        } else if kind < n.promotions + n.updates {
            Judgement::Inbox(Some("updates"))
        } else {
            Judgement::Inbox(None)
        }
    }

    /// What a receiver says at its door to one more message of a domain that has sent it too many today; `None`: nothing.
    pub fn too_fast(&self, from: &Address, receiver: &str, at: Moment) -> Option<Reply> {
        let known = self.receivers.get(receiver)?;
        let n = numbers(known.personality);
        let domains = self.domains.get(keeper(receiver, known.personality)).filter(|_| n.rate_limit > 0.0)?;
        let mut standing = *domains.get(parts(from).1)?;
        standing.go_to(day_of(at), n);
        let is_too_fast = standing.pressure(n, n.free_volume_domain) >= n.rate_limit;
        is_too_fast.then(|| reply(No::TooFast, receiver, known.personality))
    }

    /// Learns from what became of a message. A receiver learns nothing of a domain from which it has never had mail: whoever can write a From line
    /// must not be able to fill its memory.
    pub fn learn(&mut self, from: &Address, receiver: &str, lesson: Lesson, at: Moment) {
        let Some(memory) = self.receivers.get_mut(receiver) else { return };
        let n = numbers(memory.personality);
        let (local, domain) = parts(from);
        let Some(mailboxes) = memory.mailboxes.get_mut(domain) else { return };
        let domain = self.domains.get_mut(keeper(receiver, memory.personality)).and_then(|domains| domains.get_mut(domain));
        for standing in domain.into_iter().chain(mailboxes.get_mut(local)) {
            standing.go_to(day_of(at), n);
            match lesson {
                Lesson::Opened => standing.worth(n.opened_worth),
                Lesson::Answered => standing.worth(n.answered_worth),
                Lesson::Flagged => standing.worth(n.flagged_worth),
                Lesson::Rescued => standing.worth(n.rescued_worth),
                Lesson::Complaint => standing.harm(n.complaint_harm, n),
                Lesson::UnknownRecipient => standing.harm(n.bad_address_harm, n),
                Lesson::Listed => standing.message_was_refused(n, n.free_volume_domain),
            }
        }
    }

    /// What a receiver thinks of a domain, 0 (nothing good) to 1: the chance of the inbox for a message of a mailbox that stands as its domain does
    /// and whose mail passes DMARC. A receiver that has never had mail says what plain servers say of a stranger.
    pub fn reputation(&self, domain: &Domain, receiver: &str, at: Moment) -> f64 {
        let known = self.receivers.get(receiver).map(|r| r.personality);
        let n = numbers(known.unwrap_or(Personality::Dovecot));
        let domains = known.and_then(|personality| self.domains.get(keeper(receiver, personality)));
        let mut standing = match domains.and_then(|domains| domains.get(domain.as_str())) {
            Some(standing) => *standing,
            None if self.well_known.contains(domain) => Standing::well_known(n, day_of(at)),
            None => Standing::unknown(day_of(at)),
        };
        standing.go_to(day_of(at), n);
        if self.is_off { 1.0 } else { chance(n.unknown + standing.score()) }
    }

    /// The standings that a message touches, made where they are not there yet.
    fn standings(&mut self, arriving: &Arriving<'_>, n: &Numbers) -> (&mut Standing, &mut Standing) {
        let (local, domain) = parts(arriving.from);
        let (today, well_known) = (day_of(arriving.at), &self.well_known);
        let new = || {
            if well_known.contains(&arriving.from.domain()) { Standing::well_known(n, today) } else { Standing::unknown(today) }
        };
        let receiver = self
            .receivers
            .entry(arriving.receiver.into())
            .or_insert_with(|| Receiver { personality: arriving.personality, mailboxes: BTreeMap::new() });
        let mailbox = receiver.mailboxes.entry(domain.into()).or_default().entry(local.into()).or_insert_with(new);
        let domains = self.domains.entry(keeper(arriving.receiver, arriving.personality).into()).or_default();
        (domains.entry(domain.into()).or_insert_with(new), mailbox)
    }
}

/// What stands before the `@`, and behind it.
fn parts(address: &Address) -> (&str, &str) {
    address.as_str().rsplit_once('@').unwrap_or(("", address.as_str()))
}

/// What failed tests take from the score.
fn penalty(passed: Authentication, n: &Numbers) -> f64 {
    if !passed.dmarc {
        n.dmarc_fails
    } else if passed.spf && passed.dkim {
        0.0
    } else {
        n.one_of_two_fails
    }
}

/// The chance of the inbox at a score: the logistic function.
fn chance(score: f64) -> f64 {
    1.0 / (1.0 + (-score).exp())
}
