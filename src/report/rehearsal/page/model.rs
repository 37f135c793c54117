//! What the demo's page is made of. Plain data: the demo fills it in.

use std::time::Duration;

use chrono::NaiveTime;

use crate::rehearsal::Rehearsed;
use crate::words::{Address, LocalDate, Role};

/// The demo: a day over real sockets, and rehearsals.
#[derive(Clone, Debug)]
pub struct DemoPage {
    /// The day that just ran in the sandbox.
    pub day: DemoDay,
    /// The same pool through its ramp, in the scenario `healthy`.
    pub ramp: Rehearsed,
    /// The same pool in several scenarios, `healthy` among them if it is to be shown; on the page in this order.
    pub scenarios: Vec<DemoScenario>,
}

/// A day that ran over real sockets, on a scaled clock.
#[derive(Clone, Debug)]
pub struct DemoDay {
    /// The local date.
    pub date: LocalDate,
    /// The zone that `at` of the letters is in, such as `Europe/Berlin`.
    pub zone: String,
    /// How many times faster than the wall clock.
    pub faster: u32,
    /// How long it really took.
    pub took: Duration,
    /// Messages that the servers took over, as they count themselves.
    pub taken: u32,
    /// Letters that a server took over, as the ledger counts.
    pub in_ledger: u32,
    /// Everybody in the pool, in the order in which they are shown.
    pub mailboxes: Vec<DemoMailbox>,
    /// The letters of the day's agenda, answers included.
    pub letters: Vec<DemoLetter>,
}

/// A mailbox of the demo's pool.
#[derive(Clone, Debug)]
pub struct DemoMailbox {
    /// Its address.
    pub address: Address,
    /// Whether it is being warmed.
    pub role: Role,
    /// What kind of server it is at, for people: `gmail-like`, `microsoft-like`, `dovecot-like`.
    pub provider: String,
}

/// A letter of the demo's day.
#[derive(Clone, Debug)]
pub struct DemoLetter {
    /// From whom.
    pub from: Address,
    /// To whom.
    pub to: Address,
    /// When it was taken by the server, in the day's zone; `None`: it was not sent.
    pub at: Option<NaiveTime>,
    /// Whether it answers another.
    pub is_answer: bool,
    /// What became of it.
    pub fate: DemoFate,
    /// Whether it was opened.
    pub is_opened: bool,
    /// Whether its recipient sent an answer.
    pub is_answered: bool,
}

/// What became of a letter by the end of the demo's day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DemoFate {
    /// Seen in the inbox, categories included.
    Inbox,
    /// Seen in spam, and in the inbox after a rescue.
    Rescued,
    /// Seen in spam, and still there.
    Spam,
    /// Accepted, and not seen yet.
    Waiting,
    /// Bounced, missing, refused or unaccounted.
    Lost,
}

/// One scenario of the comparison.
#[derive(Clone, Debug)]
pub struct DemoScenario {
    /// Its sentence.
    pub about: String,
    /// What came of it.
    pub rehearsed: Rehearsed,
}

impl DemoDay {
    /// The letters that were sent.
    pub(super) fn sent(&self) -> impl Iterator<Item = &DemoLetter> {
        self.letters.iter().filter(|l| l.at.is_some())
    }

    /// How many of the letters sent are so.
    pub(super) fn count(&self, is_so: impl Fn(&DemoLetter) -> bool) -> usize {
        self.sent().filter(|l| is_so(l)).count()
    }

    /// The kind of server that an address is at; the address's domain where it is not of the pool.
    pub(super) fn provider_of(&self, address: &Address) -> String {
        let known = self.mailboxes.iter().find(|m| m.address == *address);
        known.map_or_else(|| address.domain().to_string(), |m| m.provider.clone())
    }
}
