//! A scenario: what happens in the modelled world while a ramp is rehearsed.

use std::time::Duration;

use chrono::NaiveTime;

use crate::words::Source;

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
    /// How many days.
    pub days: u32,
    /// Where it stands, for messages.
    pub source: Source,
}

/// Kinds of faults.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// Nobody reaches the provider's servers.
    Outage,
    /// The provider locked the account: sign-ins are refused.
    Locked,
    /// The mailbox does not exist any more.
    Gone,
    /// This share of commands breaks the connection, 0 to 1.
    Flaky(f64),
    /// Receivers refuse the warming domain as blocklisted.
    Blocklisted,
    /// The warming domain's mail fails SPF, DKIM and DMARC.
    FailsAuthentication,
    /// So many people a day call the warming domain's other mail spam.
    Complaints(u32),
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
    /// The first warming domain of the config, in order.
    FirstDomain,
    /// The first warming mailbox of the config, in order.
    FirstWarming,
    /// The first partner, in order; where the pool has none, the last warming mailbox.
    FirstPartner,
    /// An address or a domain by name.
    Named(String),
}

/// Stands in for the reading of scenarios, which is being written.
impl Scenario {
    /// The scenario of this name: from `scenarios/` in `folder`, else a shipped one.
    pub fn by_name(name: &str, _folder: Option<&std::path::Path>) -> Result<Self, crate::config::ConfigError> {
        Ok(Self { name: name.to_owned(), about: String::new(), schedule: None, holidays: vec![], faults: vec![] })
    }

    /// The shipped scenarios: name and sentence.
    pub fn shipped() -> Vec<(String, String)> {
        Vec::new()
    }
}
