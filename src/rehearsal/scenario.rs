//! A scenario: what happens in the modelled world while a ramp is rehearsed. `read` makes it from YAML, `happens` turns it into conditions of the world.

mod happens;
mod keys;
mod read;
mod shipped;
#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono::NaiveTime;

use crate::words::Source;
use crate::world::By;

pub use happens::receiver_of;

/// What happens, as it stands in YAML. Days are counted from 1, the rehearsal's first date.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// Its name: the file's name without `.yaml`.
    pub name: String,
    /// One sentence for people.
    pub about: String,
    /// The schedule that every warming mailbox gets instead of its own: a shipped one's name, or one in `schedules/`.
    pub schedule: Option<String>,
    /// Dates without sending, as day numbers: from, how many.
    pub holidays: Vec<(u32, u32)>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
}

/// Something that goes wrong for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What.
    pub what: What,
    /// At whom.
    pub at: At,
    /// The first day, from 1.
    pub from_day: u32,
    /// How many days; [`TO_THE_END`] where it does not end.
    pub days: u32,
    /// Where it stands, for messages.
    pub source: Source,
}

/// Days of a fault that lasts until the rehearsal ends: ten years.
pub const TO_THE_END: u32 = 3_650;

/// Kinds of faults.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// Nobody reaches the provider's servers.
    Outage,
    /// Its server takes connections and says nothing.
    Hangs,
    /// The provider locked the account: sign-ins are refused.
    Locked,
    /// The mailbox does not exist any more, and how senders hear of it.
    Gone(By),
    /// The mailbox is full, and how senders hear of it.
    Full(By),
    /// The mailbox's owner is away: a machine answers.
    Away,
    /// This share of commands breaks the connection, 0 to 1.
    Flaky(f64),
    /// Receivers refuse the warming domain as blocklisted, and how senders hear of it.
    Blocklisted(By),
    /// The warming domain's mail fails SPF, DKIM and DMARC.
    FailsAuthentication,
    /// So many people a day call the warming domain's mail spam; the share of them who mean preheat's own letters, 0 to 1.
    Complaints(u32, f64),
    /// Somebody else sends so many messages a day from each warming mailbox to people outside.
    Campaign(u32),
    /// Greylisting at the recipients, for this long.
    Greylisting(Duration),
    /// The machine that preheat runs on sleeps every day between these times of the pool's zone.
    Asleep(NaiveTime, NaiveTime),
    /// preheat is killed so many times a day, each time in the middle of a hand-over, and is started again ten minutes later.
    Killed(u32),
}

/// Whom a fault concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum At {
    /// Everybody.
    All,
    /// The mailboxes of a provider, such as `gmail`.
    Provider(String),
    /// The receiver of most partners, whichever that is; where the pool has no partners, of most mailboxes.
    BiggestReceiver,
    /// The first warming domain of the config, in order.
    FirstDomain,
    /// The first warming mailbox of the config, in order.
    FirstWarming,
    /// The first partner, in order; where the pool has none, the last warming mailbox.
    FirstPartner,
    /// An address or a domain by name.
    Named(String),
}
