//! What is wrong in the modelled world, and when.

use std::time::Duration;

use crate::words::{Address, Domain, Moment};

/// Whom a condition concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Everybody.
    All,
    /// The accounts of a receiver, such as `gmail`.
    Receiver(String),
    /// The accounts of a domain.
    Domain(Domain),
    /// One account.
    Mailbox(Address),
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Wrong {
    /// Its servers cannot be reached; sessions that are open end. Mail to it waits at the senders' servers until it is over.
    Outage,
    /// Sign-ins are refused: the provider has locked the account.
    Locked,
    /// The mailbox does not exist any more: mail to it is refused with 5.1.1 at RCPT, and nobody can sign in.
    Gone,
    /// The share of commands at which the connection breaks; at a hand-over the letter may have been taken or not.
    Flaky(f64),
    /// The receivers concerned refuse mail of this domain as blocklisted.
    Blocklists(Domain),
    /// This domain's mail fails DMARC (and SPF and DKIM) at every receiver.
    FailsAuthentication(Domain),
    /// So many people a day call mail of this domain spam, at the receivers concerned.
    Complaints(Domain, u32),
    /// New letters are deferred at RCPT for the first time that a sender tries (greylisting), for this long.
    Greylists(Duration),
}

/// Something that is wrong for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// What.
    pub wrong: Wrong,
    /// For whom.
    pub whom: Whom,
    /// From when on.
    pub from: Moment,
    /// Until when; not itself.
    pub until: Moment,
}

impl Condition {
    /// Whether it holds for an account at a moment.
    pub fn concerns(&self, address: &Address, receiver: &str, at: Moment) -> bool {
        (self.from..self.until).contains(&at)
            && match &self.whom {
                Whom::All => true,
                Whom::Receiver(r) => r == receiver,
                Whom::Domain(d) => address.domain() == *d,
                Whom::Mailbox(a) => a == address,
            }
    }
}
