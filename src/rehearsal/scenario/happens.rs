//! What a scenario comes down to for one pool and one first date: conditions of the world, nights of the machine, kills, dates without sending.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveTime;

use super::{At, Fault, Scenario, What};
use crate::config::{Config, ConfigError, Mailbox};
use crate::words::{Address, Domain, Finding, LocalDate, Moment, Provider, Role, Zone};
use crate::world::{Condition, Whom, Wrong};

/// Who receives for a mailbox, as the modelled filters see it: its provider's name, or the domain of one that has none.
pub fn receiver_of(mailbox: &Mailbox) -> String {
    match mailbox.provider {
        Provider::Generic => mailbox.address.domain().as_str().to_owned(),
        provider => provider.as_str().to_owned(),
    }
}

impl Scenario {
    /// The faults as conditions of the world. Days begin and end at midnight of `zone`; day 1 is `first`.
    ///
    /// # Errors
    /// A [`ConfigError`] with a finding for each fault that is about nobody in this pool.
    pub fn conditions(&self, config: &Config, first: LocalDate, zone: Zone) -> Result<Vec<Condition>, ConfigError> {
        let (mut conditions, mut findings) = (Vec::new(), Vec::new());
        for fault in &self.faults {
            let (from, until) = (fault.from_day.saturating_sub(1), fault.from_day.saturating_add(fault.days).saturating_sub(1));
            let (from, until) = (midnight(first.plus(from), zone), midnight(first.plus(until), zone));
            match wrongs(fault, config) {
                Ok(wrongs) => conditions.extend(wrongs.into_iter().map(|(wrong, whom)| Condition { wrong, whom, from, until })),
                Err(Nobody { what, hint }) => {
                    findings.push(Finding::error(format!("scenario {}", self.name), what).hint(hint).at(fault.source.clone()));
                }
            }
        }
        if findings.is_empty() { Ok(conditions) } else { Err(ConfigError { findings }) }
    }

    /// When the machine sleeps in `days` days from `first` on, each from and to, in order. A night over midnight belongs to the day that it ends on,
    /// so that this day begins late.
    pub fn asleep(&self, first: LocalDate, zone: Zone, days: u32) -> Vec<(Moment, Moment)> {
        let mut nights = Vec::new();
        for fault in &self.faults {
            let What::Asleep(from, to) = fault.what else { continue };
            for day in (1..=days).filter(|day| fault.is_on(*day)) {
                let date = first.plus(day - 1);
                let evening = if from < to { date } else { date.minus(1) };
                nights.push((evening.at(from, zone), date.at(to, zone)));
            }
        }
        nights.sort_unstable();
        // Nights that touch are one: the clock wants them apart.
        let mut apart: Vec<(Moment, Moment)> = Vec::new();
        for (from, to) in nights {
            match apart.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => apart.push((from, to)),
            }
        }
        apart
    }

    /// How often preheat is killed on a day, counted from 1.
    pub fn kills(&self, day: u32) -> u32 {
        let killed = |fault: &Fault| if let What::Killed(n) = fault.what { n } else { 0 };
        self.faults.iter().filter(|fault| fault.is_on(day)).map(killed).sum()
    }

    /// The dates without sending.
    pub fn holidays(&self, first: LocalDate) -> BTreeSet<LocalDate> {
        self.holidays
            .iter()
            .flat_map(|(from, days)| (0..*days).map(move |n| first.plus(from.saturating_sub(1).saturating_add(n))))
            .collect()
    }
}

impl Fault {
    /// Whether it goes on on a day, counted from 1.
    pub fn is_on(&self, day: u32) -> bool {
        (self.from_day..self.from_day.saturating_add(self.days)).contains(&day)
    }
}

fn midnight(date: LocalDate, zone: Zone) -> Moment {
    date.at(NaiveTime::MIN, zone)
}

/// A fault is about nobody in the pool.
struct Nobody {
    what: String,
    hint: String,
}

fn wrongs(fault: &Fault, config: &Config) -> Result<Vec<(Wrong, Whom)>, Nobody> {
    let at_whom = |wrong: Wrong| Ok(vec![(wrong, whom(&fault.at, config)?)]);
    match &fault.what {
        What::Outage => at_whom(Wrong::Outage),
        What::Hangs => at_whom(Wrong::Hangs),
        What::Locked => at_whom(Wrong::Locked),
        What::Gone(by) => at_whom(Wrong::Gone(*by)),
        What::Full(by) => at_whom(Wrong::Full(*by)),
        What::Away => at_whom(Wrong::Away),
        What::Flaky(share) => at_whom(Wrong::Flaky(*share)),
        What::Greylisting(wait) => at_whom(Wrong::Greylists(*wait)),
        What::Blocklisted(by) => of_domains(&fault.at, config, |domain| Wrong::Blocklists(domain, *by)),
        What::FailsAuthentication => of_domains(&fault.at, config, Wrong::FailsAuthentication),
        What::Complaints(a_day, of_letters) => {
            of_domains(&fault.at, config, |domain| Wrong::Complaints { domain, a_day: *a_day, of_letters: *of_letters })
        }
        What::Campaign(a_day) => of_domains(&fault.at, config, |domain| Wrong::Campaign(domain, *a_day)),
        // These are about the machine, not about the world.
        What::Asleep(..) | What::Killed(_) => Ok(Vec::new()),
    }
}

/// A fault of warming domains: of which, and at which receivers.
fn of_domains(at: &At, config: &Config, wrong: impl Fn(Domain) -> Wrong) -> Result<Vec<(Wrong, Whom)>, Nobody> {
    let warming = config.warming_domains();
    let (domains, whom) = match at {
        At::FirstDomain => (warming.into_iter().take(1).collect(), Whom::All),
        At::Named(name) => {
            let named = warming.iter().find(|d| d.as_str() == name).cloned();
            let nobody = || Nobody {
                what: format!("{name} is no warming domain of this pool"),
                hint: format!("warming domains are {}", joined(&warming)),
            };
            (vec![named.ok_or_else(nobody)?], Whom::All)
        }
        at => (warming.into_iter().collect(), self::whom(at, config)?),
    };
    Ok(domains.into_iter().map(|domain: Domain| (wrong(domain), whom.clone())).collect())
}

fn whom(at: &At, config: &Config) -> Result<Whom, Nobody> {
    let first = |role: Role| config.mailboxes.values().find(|m| m.role == role).map(|m| m.address.clone());
    let last_warming = || config.mailboxes.values().rfind(|m| m.role == Role::Warming).map(|m| m.address.clone());
    let mailbox = |address: Option<Address>| {
        let nobody = || Nobody { what: "this pool has no mailbox".to_owned(), hint: "add mailboxes to the config".to_owned() };
        address.map(Whom::Mailbox).ok_or_else(nobody)
    };
    match at {
        At::All => Ok(Whom::All),
        At::BiggestReceiver => Ok(biggest_receiver(config).map_or(Whom::All, Whom::Receiver)),
        At::FirstDomain => Ok(config.warming_domains().into_iter().next().map_or(Whom::All, Whom::Domain)),
        At::FirstWarming => mailbox(first(Role::Warming)),
        At::FirstPartner => mailbox(first(Role::Partner).or_else(last_warming)),
        At::Provider(name) => {
            let receivers: BTreeSet<String> = config.mailboxes.values().map(receiver_of).collect();
            if receivers.contains(name) {
                return Ok(Whom::Receiver(name.clone()));
            }
            let hint = format!("its mailboxes are received by {}; `biggest-receiver` fits every pool", joined(&receivers));
            Err(Nobody { what: format!("no mailbox of this pool is at {name}"), hint })
        }
        At::Named(name) => named(name, config),
    }
}

fn named(name: &str, config: &Config) -> Result<Whom, Nobody> {
    let addresses = || config.mailboxes.keys();
    if let Some(address) = addresses().find(|a| a.as_str() == name) {
        return Ok(Whom::Mailbox(address.clone()));
    }
    let domains: BTreeSet<Domain> = addresses().map(Address::domain).collect();
    if let Some(domain) = domains.iter().find(|d| d.as_str() == name) {
        return Ok(Whom::Domain(domain.clone()));
    }
    let hint = if name.contains('@') {
        "name an address of the pool, or say `first-warming` or `first-partner`".to_owned()
    } else {
        format!("its domains are {}", joined(&domains))
    };
    Err(Nobody { what: format!("{name} is not in this pool"), hint })
}

/// The receiver of most partners, else of most mailboxes; of two that are alike the first by name.
fn biggest_receiver(config: &Config) -> Option<String> {
    let has_partners = config.mailboxes.values().any(|m| m.role == Role::Partner);
    let mut sizes: BTreeMap<String, usize> = BTreeMap::new();
    for mailbox in config.mailboxes.values().filter(|m| !has_partners || m.role == Role::Partner) {
        *sizes.entry(receiver_of(mailbox)).or_default() += 1;
    }
    sizes.into_iter().max_by(|(a, n), (b, m)| n.cmp(m).then_with(|| b.cmp(a))).map(|(receiver, _)| receiver)
}

/// At most ten of them, for a hint.
fn joined<T: std::fmt::Display>(all: &BTreeSet<T>) -> String {
    let shown: Vec<String> = all.iter().take(10).map(ToString::to_string).collect();
    let more = if all.len() > 10 { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}
