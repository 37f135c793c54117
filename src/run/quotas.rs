//! The quotas of one local date: ramp, caps, and what the pool can carry.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::guarding::{Guarded, Paused, judge_before};
use super::participants::participant;
use super::room::RealMail;
use super::suspending::{stop_letters_to, suspended_on};
use crate::agenda::{Participant, carries};
use crate::chance::Seed;
use crate::config::{Config, Mailbox, Schedule, provider_facts};
use crate::ledger::{DayPlan, DayRow, Ledger, LedgerError};
use crate::ramp::{Caps, CurveMark, DayRecord, Position, Quota, Reason, curve_mark, domain_shares, position, quota};
use crate::words::{Address, Domain, Finding, LocalDate, Moment, RampDay, Role};

/// A warming mailbox on one date: where it stands, and what that gives.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Its position on the ramp.
    pub position: Position,
    /// The bounds from outside the schedule.
    pub caps: Caps,
    /// Today's quota with its reasons.
    pub quota: Quota,
}

/// Why no quota can be given to anybody.
#[derive(Debug)]
pub enum NoQuotas {
    /// The pool cannot work at all: all of it in one domain, say.
    Infeasible(Vec<Finding>),
    /// The ledger.
    Ledger(LedgerError),
}
impl From<LedgerError> for NoQuotas {
    fn from(e: LedgerError) -> Self {
        Self::Ledger(e)
    }
}

/// The ledger's days as the ramp folds them, without real mail.
pub fn history_of(days: &[DayRow]) -> Vec<DayRecord> {
    history_with(days, &BTreeMap::new())
}

/// The ledger's days as the ramp folds them, with the real mail of each date. A date on which nobody ran preheat, but real mail was sent, is one of them.
pub fn history_with(days: &[DayRow], real_mail: &BTreeMap<LocalDate, u32>) -> Vec<DayRecord> {
    let record = |d: &DayRow| DayRecord {
        date: d.plan.date,
        quota: d.plan.quota,
        total: d.plan.total,
        offered: d.offered(),
        accepted: d.accepted,
        outside: real_mail.get(&d.plan.date).copied().unwrap_or(0),
        verdict: d.verdict,
        curve: CurveMark(d.plan.curve),
    };
    let mut records: BTreeMap<LocalDate, DayRecord> = days.iter().map(|d| (d.plan.date, record(d))).collect();
    for (&date, &outside) in real_mail {
        let before = records.range(..date).next_back().map(|(_, r)| *r);
        if let Some(before) = before.filter(|_| outside > 0 && !records.contains_key(&date)) {
            let nothing = DayRecord { date, quota: 0, total: 0, offered: 0, accepted: 0, outside, verdict: None, curve: before.curve };
            records.insert(date, nothing);
        }
    }
    records.into_values().collect()
}

/// The rules by which a quota comes about, as [`Reason::rule`] names them.
const RULES: [&str; 13] = [
    "curve",
    "growth bound",
    "calendar",
    "jitter",
    "guard",
    "mailbox cap",
    "domain cap",
    "provider limit",
    "share",
    "pool",
    "after the ramp",
    "real mail",
    "history",
];

/// The quota that was set for a day when its agenda was made, with the reasons of then; `None` where the ledger holds none that can be read.
pub fn stored_quota(day: &DayRow) -> Option<Quota> {
    let stored: Vec<serde_json::Value> = serde_json::from_str(&day.plan.reasons).ok()?;
    let reason = |r: &serde_json::Value| {
        let rule = RULES.into_iter().find(|rule| r["rule"] == **rule)?;
        let value = u32::try_from(r["value"].as_u64()?).ok()?;
        Some(Reason { rule, value, why: r["why"].as_str()?.to_owned() })
    };
    let mut reasons = stored.iter().map(reason).collect::<Option<Vec<Reason>>>()?;
    let value = day.plan.quota;
    if reasons.last().is_some_and(|last| last.value != value) {
        let why = "a cap of the config was lowered after the agenda was made; what was sent by then counts";
        reasons.push(Reason { rule: "lowered since", value, why: why.into() });
    }
    Some(Quota { value, total: day.plan.total, reasons })
}

/// Warming mailboxes on one date.
#[derive(Clone, Debug, Default)]
pub struct Standings {
    /// Where each stands.
    pub of: BTreeMap<Address, Standing>,
    /// What the guard says of the days behind them.
    pub guarded: Guarded,
}

/// The standing of warming mailboxes on `date`, each with what the guard says and all caps: its own, its domain's, its provider's, and what the pool
/// can carry.
///
/// `ledger`: none before the first run.
pub async fn standings(
    config: &Config,
    ledger: Option<&Ledger>,
    seed: Seed,
    date: LocalDate,
    mailboxes: &[&Mailbox],
    now: Moment,
) -> Result<Standings, NoQuotas> {
    let mut days = match ledger {
        Some(l) => days_behind(config, l, date, mailboxes).await?,
        None => BTreeMap::new(),
    };
    let guarded = match ledger.filter(|_| config.guard) {
        Some(l) => judge_before(config, l, date, &days, now).await?,
        None => Guarded::default(),
    };
    let mut standings = BTreeMap::new();
    for mailbox in mailboxes {
        let Some(schedule) = config.schedule_of(mailbox) else { continue };
        let address = &mailbox.address;
        let mut days = days.remove(address).unwrap_or_default();
        if let (Some(last), Some((of, said))) = (days.last_mut(), guarded.last.get(address)) {
            debug_assert_eq!(last.plan.date, *of, "the last day is the one that was judged");
            last.verdict = Some(said.verdict);
        }
        let real_mail = RealMail::of(ledger, mailbox).await?;
        let limit = provider_facts(mailbox.provider).daily_limit_of(&address.domain());
        let sent = match ledger.filter(|_| limit.is_some()) {
            Some(l) => l.handed_since(address.clone(), now - Duration::from_hours(24), date.minus(2)).await?,
            None => 0,
        };
        let not_yet = mailbox.start_on.is_some_and(|start| date < start);
        let caps = Caps {
            guard: guarded.paused.get(address).map(Paused::to_string),
            mailbox: if not_yet { Some(0) } else { mailbox.daily_cap },
            provider: limit.map(|l| l.saturating_sub(sent)),
            outside: real_mail.on(&schedule.calendar, date),
            ..Caps::default()
        };
        let history = history_with(&days, &real_mail.by_date);
        standings.insert(address.clone(), stand(schedule, seed, date, mailbox, caps, &history));
    }
    let spoken_for = match ledger {
        Some(l) if config.domains.values().any(|d| d.daily_cap.is_some()) => {
            l.quotas_of_others(date, standings.keys().cloned().collect()).await?
        }
        _ => BTreeMap::new(),
    };
    cap_domains(config, seed, date, &spoken_for, &mut standings);
    let suspended = match ledger {
        Some(l) => suspended_on(config, l, date, now).await?,
        None => BTreeMap::new(),
    };
    cap_by_pool(config, seed, date, &suspended, &mut standings)?;
    cap_totals(config, &spoken_for, &mut standings);
    Ok(Standings { of: standings, guarded })
}

/// What the guard says of the days before `date` of these mailboxes and of all that warm a domain with one of them.
///
/// # Errors
/// The ledger's.
pub async fn guarded(
    config: &Config,
    ledger: &Ledger,
    date: LocalDate,
    mailboxes: &[&Mailbox],
    now: Moment,
) -> Result<Guarded, LedgerError> {
    let days = days_behind(config, ledger, date, mailboxes).await?;
    if config.guard { judge_before(config, ledger, date, &days, now).await } else { Ok(Guarded::default()) }
}

/// The days before `date` of these mailboxes, and of all that warm a domain with one of them.
async fn days_behind(
    config: &Config,
    ledger: &Ledger,
    date: LocalDate,
    mailboxes: &[&Mailbox],
) -> Result<BTreeMap<Address, Vec<DayRow>>, LedgerError> {
    let domains: BTreeSet<Domain> = mailboxes.iter().map(|m| m.address.domain()).collect();
    let of_domains = config.mailboxes.values().filter(|m| m.role == Role::Warming && domains.contains(&m.address.domain()));
    let mut days = BTreeMap::new();
    for mailbox in of_domains {
        days.insert(mailbox.address.clone(), ledger.days_before(mailbox.address.clone(), date).await?);
    }
    Ok(days)
}

fn stand(schedule: &Schedule, seed: Seed, date: LocalDate, mailbox: &Mailbox, caps: Caps, history: &[DayRecord]) -> Standing {
    let position = position(schedule, history, date);
    let quota = quota(schedule, &position, date, seed, &mailbox.address, &caps);
    Standing { position, caps, quota }
}

fn again(config: &Config, seed: Seed, date: LocalDate, address: &Address, standing: &mut Standing) {
    if let Some(schedule) = config.mailboxes.get(address).and_then(|m| config.schedule_of(m)) {
        standing.quota = quota(schedule, &standing.position, date, seed, address, &standing.caps);
    }
}

/// Shares each domain's cap out, less what its other mailboxes have got of it already: one that is added in mid-day gets what is left.
fn cap_domains(
    config: &Config,
    seed: Seed,
    date: LocalDate,
    spoken_for: &BTreeMap<Domain, u32>,
    standings: &mut BTreeMap<Address, Standing>,
) {
    for (domain, settings) in &config.domains {
        let Some(cap) = settings.daily_cap else { continue };
        let cap = cap.saturating_sub(spoken_for.get(domain).copied().unwrap_or(0));
        let wanted = standings.iter().filter(|(a, _)| a.domain() == *domain).map(|(a, s)| (a.clone(), s.quota.claim())).collect();
        for (address, share) in domain_shares(cap, &wanted) {
            if let Some(standing) = standings.get_mut(&address) {
                standing.caps.domain_share = Some(share);
                again(config, seed, date, &address, standing);
            }
        }
    }
}

/// Shares out what warmup leaves of each domain's cap: the totals of its mailboxes, real mail included, stay under it.
fn cap_totals(config: &Config, spoken_for: &BTreeMap<Domain, u32>, standings: &mut BTreeMap<Address, Standing>) {
    for (domain, settings) in &config.domains {
        let Some(cap) = settings.daily_cap else { continue };
        let of_domain = || standings.iter().filter(|(a, _)| a.domain() == *domain);
        let warmup: u32 = of_domain().map(|(_, s)| s.quota.value).fold(0, u32::saturating_add);
        let left = cap.saturating_sub(warmup).saturating_sub(spoken_for.get(domain).copied().unwrap_or(0));
        let wanted = of_domain().map(|(a, s)| (a.clone(), s.quota.total - s.quota.value)).collect();
        for (address, room) in domain_shares(left, &wanted) {
            if let Some(standing) = standings.get_mut(&address) {
                standing.quota.total = standing.quota.value + room;
            }
        }
    }
}

/// Caps everybody by what the pool can carry without those who are suspended.
fn cap_by_pool(
    config: &Config,
    seed: Seed,
    date: LocalDate,
    suspended: &BTreeMap<Address, Moment>,
    standings: &mut BTreeMap<Address, Standing>,
) -> Result<(), NoQuotas> {
    let wanted: BTreeMap<Address, u32> = standings.iter().map(|(a, s)| (a.clone(), s.quota.value)).collect();
    let mut pool = whole_pool(config);
    stop_letters_to(suspended, &mut pool);
    let feasibility = carries(&pool, &config.pairs, &wanted);
    if !feasibility.refusals.is_empty() {
        // Where only the suspensions leave nobody to write to, that passes: the quotas are 0, and looking goes on.
        let refusals =
            if suspended.is_empty() { feasibility.refusals } else { carries(&whole_pool(config), &config.pairs, &wanted).refusals };
        if !refusals.is_empty() {
            return Err(NoQuotas::Infeasible(refusals));
        }
    }
    for (address, carry) in feasibility.per_mailbox {
        if let Some(standing) = standings.get_mut(&address)
            && carry.carries < standing.quota.value
        {
            standing.caps.pool = Some(carry.carries);
            again(config, seed, date, &address, standing);
        }
    }
    Ok(())
}

/// Every mailbox as the agenda wants it: partners with their limit, warming ones without a quota yet.
pub fn whole_pool(config: &Config) -> Vec<Participant> {
    config.mailboxes.values().map(|m| participant(config, m, if m.role == Role::Partner { m.send_limit } else { 0 })).collect()
}

/// A day's plan for the ledger.
pub fn day_plan(config: &Config, mailbox: &Mailbox, date: LocalDate, standing: Option<&Standing>) -> DayPlan {
    let schedule = config.schedule_of(mailbox);
    DayPlan {
        mailbox: mailbox.address.clone(),
        date,
        schedule: schedule.map(|s| s.name.clone()).unwrap_or_default(),
        curve: schedule.map_or(0, |s| curve_mark(s).0),
        ramp_day: standing.map_or(RampDay(0), |s| s.position.ramp_day),
        quota: standing.map_or(mailbox.send_limit, |s| s.quota.value),
        total: standing.map_or(mailbox.send_limit, |s| s.quota.total),
        reasons: standing.map_or_else(|| "[]".into(), |s| serde_json::to_string(&s.quota.reasons).unwrap_or_else(|_| "[]".into())),
    }
}
