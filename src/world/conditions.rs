//! What is wrong in the modelled world, and when.

use std::fmt;
use std::time::Duration;

use crate::words::{Address, Domain, Moment, mailbox_word as word};

word! {
    /// How a sender hears that a letter is not taken.
    By {
        /// At RCPT: nothing was taken over.
        Refusal = "refusal",
        /// The letter is taken over, and a report comes into the sender's mailbox later.
        Report = "report",
    }
}

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
    /// Its server takes connections and says nothing more once it knows whose it is.
    Hangs,
    /// Sign-ins are refused: the provider has locked the account.
    Locked,
    /// The mailbox does not exist any more: mail to it is not taken (5.1.1), and nobody can sign in.
    Gone(By),
    /// The mailbox is full (5.2.2): mail to it is not taken, or tried again until there is room. It sends, and can be looked at.
    Full(By),
    /// Its owner is away: a machine answers for them, once in a while for each sender.
    Away,
    /// The share of commands at which the connection breaks; at a hand-over the letter may have been taken or not.
    Flaky(f64),
    /// The receivers concerned refuse mail of this domain as blocklisted.
    Blocklists(Domain, By),
    /// This domain's mail fails DMARC (and SPF and DKIM) at every receiver.
    FailsAuthentication(Domain),
    /// People call mail of this domain spam, at the receivers concerned.
    Complaints {
        /// Whose mail.
        domain: Domain,
        /// How many people a day, at each receiver.
        a_day: u32,
        /// The share of them who mean a letter of the pool; the others mean mail that somebody else sent from the domain. 0 to 1.
        of_letters: f64,
    },
    /// Somebody else sends so many messages a day from each mailbox of this domain to people outside, and they answer as people and servers do.
    Campaign(Domain, u32),
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
