//! The plan of a whole pool: each mailbox's ramp by calendar date, under its own caps, its domain's, its provider's and the pool's.

use std::collections::{BTreeMap, BTreeSet};

use super::guarding::{Guarded, Paused};
use super::quotas::{guarded, history_with, whole_pool};
use super::room::RealMail;
use crate::agenda::{Feasibility, carries};
use crate::chance::Seed;
use crate::config::{Calendar, Config, Mailbox, provider_facts};
use crate::ledger::{Ledger, LedgerError};
use crate::ramp::{Caps, DayRecord, OutsideCount, PlannedDay, domain_shares, project};
use crate::words::{Address, Domain, LocalDate, Moment, Role};

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

/// The plans of whole domains, as things are.
#[derive(Clone, Debug)]
pub struct Outlook {
    /// What the plan of each warming mailbox of these domains starts from, by address.
    pub starts: Vec<PlanStart>,
    /// Its days, in the same order: what has been, then what is to come.
    pub days: Vec<Vec<PlannedDay>>,
    /// What the pool can carry.
    pub feasibility: Feasibility,
}

/// Plans the ramps of all warming mailboxes of these domains, whole domains because their caps are shared, on what the ledger knows of them.
///
/// `ledger`: none before the first run. `days`: how many dates to come; without, to the ramps' end.
///
/// # Errors
/// The ledger's.
pub async fn outlook(
    config: &Config,
    ledger: Option<&Ledger>,
    seed: Seed,
    domains: &BTreeSet<Domain>,
    now: Moment,
    days: Option<u32>,
) -> Result<Outlook, LedgerError> {
    let is_one = |m: &&Mailbox| m.role == Role::Warming && domains.contains(&m.address.domain());
    let warming: Vec<&Mailbox> = config.mailboxes.values().filter(is_one).collect();
    let mut by_date: BTreeMap<LocalDate, Vec<&Mailbox>> = BTreeMap::new();
    for mailbox in &warming {
        by_date.entry(now.local_date(mailbox.zone)).or_default().push(mailbox);
    }
    let mut guards = BTreeMap::new();
    for (date, mailboxes) in by_date {
        if let Some(ledger) = ledger {
            guards.insert(date, guarded(config, ledger, date, &mailboxes, now).await?);
        }
    }
    let mut starts = Vec::new();
    for mailbox in warming {
        starts.push(start_of(mailbox, ledger, &guards, now).await?);
    }
    let peak = |m: &Mailbox| config.schedule_of(m).map(|s| s.ramp.target.min(m.daily_cap.unwrap_or(u32::MAX)));
    let peaks = config.mailboxes.values().filter_map(|m| Some((m.address.clone(), peak(m)?))).collect();
    let feasibility = carries(&whole_pool(config), &config.pairs, &peaks);
    let pool_cap = |a: &Address| feasibility.per_mailbox.get(a).filter(|c| c.carries < c.wanted).map(|c| c.carries);
    let days = plan_all(config, seed, &starts, &pool_cap, days);
    Ok(Outlook { starts, days, feasibility })
}

async fn start_of(
    mailbox: &Mailbox,
    ledger: Option<&Ledger>,
    guards: &BTreeMap<LocalDate, Guarded>,
    now: Moment,
) -> Result<PlanStart, LedgerError> {
    let (address, today) = (&mailbox.address, now.local_date(mailbox.zone));
    let mut days = match ledger {
        Some(l) => l.days_before(address.clone(), today).await?,
        None => Vec::new(),
    };
    let guard = guards.get(&today);
    if let (Some(last), Some((_, said))) = (days.last_mut(), guard.and_then(|g| g.last.get(address))) {
        last.verdict = Some(said.verdict);
    }
    let paused = guard.and_then(|g| g.paused.get(address)).cloned();
    let real_mail = RealMail::of(ledger, mailbox).await?;
    let history = history_with(&days, &real_mail.by_date);
    let first = history.first().map(|d| d.date).or(mailbox.start_on).unwrap_or(today);
    Ok(PlanStart { mailbox: mailbox.clone(), first, today, history, paused, real_mail })
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
