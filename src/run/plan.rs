//! The plan of a whole pool: each mailbox's ramp by calendar date, under its own caps, its domain's, its provider's and the pool's.

use std::collections::BTreeMap;

use super::guarding::Paused;
use super::room::RealMail;
use crate::chance::Seed;
use crate::config::{Calendar, Config, Mailbox, provider_facts};
use crate::ramp::{Caps, DayRecord, OutsideCount, PlannedDay, domain_shares, project};
use crate::words::{Address, LocalDate};

/// What a mailbox's plan starts from.
#[derive(Clone, Debug)]
pub struct PlanStart {
    /// Whose plan it is.
    pub mailbox: Mailbox,
    /// The first date of its ramp.
    pub first: LocalDate,
    /// Today, there: days before it are history.
    pub today: LocalDate,
    /// What has been.
    pub history: Vec<DayRecord>,
    /// The guard's pause that it is in; `None`: in none.
    pub paused: Option<Paused>,
    /// Its real mail: what is known of it is taken to go on.
    pub real_mail: RealMail,
}

/// Every mailbox's days, all to the same last date. Two passes: what each wants, then with its share of its domain's cap.
pub fn plan_all(
    config: &Config,
    seed: Seed,
    starts: &[PlanStart],
    pool_cap: &dyn Fn(&Address) -> Option<u32>,
    days: Option<u32>,
) -> Vec<Vec<PlannedDay>> {
    let facts = |m: &Mailbox| provider_facts(m.provider).daily_limit_of(&m.address.domain());
    let pass = |shares: &BTreeMap<(Address, LocalDate), u32>, days: Option<u32>| -> Vec<Vec<PlannedDay>> {
        starts
            .iter()
            .map(|s| {
                let Some(schedule) = config.schedule_of(&s.mailbox) else { return Vec::new() };
                let address = &s.mailbox.address;
                let caps = |date: LocalDate| Caps {
                    guard: s.paused.as_ref().filter(|p| p.holds_on(date)).map(Paused::to_string),
                    mailbox: s.mailbox.daily_cap,
                    domain_share: shares.get(&(address.clone(), date)).copied(),
                    provider: facts(&s.mailbox),
                    pool: pool_cap(address),
                    outside: real_mail(s, &schedule.calendar, date),
                };
                let span = days.map(|n| n + u32::try_from(s.today.days_since(s.first).max(0)).unwrap_or(0));
                project(schedule, seed, address, s.first, &s.history, s.today, &caps, span)
            })
            .collect()
    };
    let free = pass(&BTreeMap::new(), days);
    let last = free.iter().filter_map(|d| d.last()).map(|d| d.date).max();
    let span = days
        .or_else(|| last.map(|last| u32::try_from(last.days_since(starts.iter().map(|s| s.today).min().unwrap_or(last))).unwrap_or(0) + 1));
    let capped = config.domains.values().any(|d| d.daily_cap.is_some());
    let even = pass(&BTreeMap::new(), span);
    if capped { pass(&shares(config, starts, &even), span) } else { even }
}

/// Real mail as it is today; of later dates, what the mean says.
fn real_mail(start: &PlanStart, calendar: &Calendar, date: LocalDate) -> Option<OutsideCount> {
    let count = start.real_mail.on(calendar, start.today)?;
    Some(if date == start.today { count } else { OutsideCount { today: 0, ..count } })
}

fn shares(config: &Config, starts: &[PlanStart], plans: &[Vec<PlannedDay>]) -> BTreeMap<(Address, LocalDate), u32> {
    let mut shares = BTreeMap::new();
    for (domain, settings) in &config.domains {
        let Some(cap) = settings.daily_cap else { continue };
        let mut wanted: BTreeMap<LocalDate, BTreeMap<Address, u32>> = BTreeMap::new();
        for (start, days) in starts.iter().zip(plans).filter(|(s, _)| s.mailbox.address.domain() == *domain) {
            for day in days {
                wanted.entry(day.date).or_default().insert(start.mailbox.address.clone(), day.quota.claim());
            }
        }
        for (date, wanted) in wanted {
            shares.extend(domain_shares(cap, &wanted).into_iter().map(|(a, n)| ((a, date), n)));
        }
    }
    shares
}
