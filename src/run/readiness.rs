//! Whether domains are ready: gathers what that is judged by, asks, and writes down what has changed.

use std::collections::{BTreeMap, BTreeSet};

use super::RunError;
use super::context::Context;
use super::guarding::{Described, describe, judge_before, recipients_of};
use super::plan::{Outlook, PlanStart, outlook};
use super::progress::News;
use super::quotas::history_of;
use crate::chance::Seed;
use crate::config::{Config, Mailbox};
use crate::guard::{Coming, Facts, PastVerdict, RampFacts, Ready, ReadyFacts, Subject, ready};
use crate::ledger::{DayRow, Fence, Ledger, LedgerError, VerdictRow};
use crate::ramp::{PlannedDay, draw_curve, position};
use crate::words::{Address, Domain, LocalDate, Moment, RampDay, Verdict};

/// Dates to come that are planned: as far as an earliest date is looked for.
const AHEAD: u32 = 181;
/// Dates whose verdicts are read: more than readiness asks for.
const REMEMBERED: u32 = 14;

/// Whether each of these domains is ready, on all that is known now: what the guard would say of today as things are, and for the earliest date what is planned.
/// Reads only. A domain without warming mailboxes is passed over.
///
/// `ledger`: none before the first run.
///
/// # Errors
/// The ledger's.
pub async fn readiness(
    config: &Config,
    ledger: Option<&Ledger>,
    seed: Seed,
    domains: &BTreeSet<Domain>,
    now: Moment,
) -> Result<Vec<Ready>, LedgerError> {
    let (warming, outlook) = (config.warming_by_domain(), outlook(config, ledger, seed, domains, now, Some(AHEAD)).await?);
    let (done_on, mut coming) = (done_on(&outlook), coming(&outlook));
    let mut all = Vec::new();
    for (domain, members) in warming.iter().filter(|(domain, _)| domains.contains(*domain)) {
        let days = days_of(ledger, members, now).await?;
        let word = match ledger.filter(|_| config.guard) {
            Some(ledger) => judge_today(config, ledger, &days, now).await?,
            None => Word::default(),
        };
        let ramp_of = |m: &&Mailbox| ramp_of(config, m, now, &days, word.of.get(&m.address).copied(), done_on.get(&m.address).copied());
        let ramps: Vec<RampFacts> = members.iter().map(ramp_of).collect();
        let coming = coming.remove(domain).unwrap_or_default();
        let coming = coming.into_iter().map(|(date, letters)| Coming { date, letters }).collect();
        all.extend(judge_domain(config, ledger, domain, members, &ramps, coming, &word.new, now).await?);
    }
    Ok(all)
}

/// Writes down which domains are ready, and which are no more, when a date is planned for `these` mailboxes. Only a domain whose ramp is done is looked at closely:
/// no other can be ready. `climbing`: those whose ramp is not.
pub(super) async fn note_readiness(
    cx: &Context,
    planner: &Fence,
    these: &BTreeSet<Address>,
    climbing: &BTreeSet<Address>,
) -> Result<(), RunError> {
    let now = cx.clock.now();
    let still: BTreeSet<Domain> = cx.ledger.ready_domains().await?.into_iter().map(|row| row.domain).collect();
    let climbing: BTreeSet<Domain> = climbing.iter().map(Address::domain).collect();
    let warming = cx.config.warming_by_domain();
    let mut said = Vec::new();
    for domain in these.iter().map(Address::domain).collect::<BTreeSet<_>>() {
        let Some(members) = warming.get(&domain) else { continue };
        let ready = if climbing.contains(&domain) { None } else { is_ready(cx, &domain, members, now).await? };
        match (&ready, still.contains(&domain)) {
            (Some(_), false) => cx.tell(&News::Note(format!("{domain} is ready: `preheat ready {domain}` shows the evidence"))),
            (None, true) => cx.tell(&News::Note(format!("{domain} is not ready any more: `preheat ready {domain}` says what is wanting"))),
            (Some(_), true) | (None, false) => {}
        }
        if ready.is_some() || still.contains(&domain) {
            said.push((domain, ready.map(|ready| serde_json::json!(ready).to_string())));
        }
    }
    // Of a domain that left the config nobody can say that it is warm.
    said.extend(still.into_iter().filter(|domain| !warming.contains_key(domain)).map(|domain| (domain, None)));
    if !said.is_empty() {
        cx.ledger.note_ready(planner.clone(), said, now).await?;
    }
    Ok(())
}

/// Whether a domain is ready, by what is written down; nothing is projected.
async fn is_ready(cx: &Context, domain: &Domain, members: &[&Mailbox], now: Moment) -> Result<Option<Ready>, LedgerError> {
    let days = days_of(Some(&cx.ledger), members, now).await?;
    let ramps: Vec<RampFacts> = members.iter().map(|m| ramp_of(&cx.config, m, now, &days, None, None)).collect();
    if ramps.iter().any(|ramp| !ramp.done) {
        return Ok(None);
    }
    let ready = judge_domain(&cx.config, Some(&cx.ledger), domain, members, &ramps, Vec::new(), &[], now).await?;
    Ok(ready.filter(|ready| ready.is))
}

/// The days of each mailbox, up to and with its own today.
async fn days_of(ledger: Option<&Ledger>, members: &[&Mailbox], now: Moment) -> Result<BTreeMap<Address, Vec<DayRow>>, LedgerError> {
    let mut days = BTreeMap::new();
    let Some(ledger) = ledger else { return Ok(days) };
    for mailbox in members {
        let address = mailbox.address.clone();
        days.insert(address.clone(), ledger.days_before(address, now.local_date(mailbox.zone).plus(1)).await?);
    }
    Ok(days)
}

/// What the guard says of last days that it has not written down yet.
#[derive(Default)]
struct Word {
    /// Of each mailbox's last day.
    of: BTreeMap<Address, (LocalDate, Verdict)>,
    /// All that is new.
    new: Vec<VerdictRow>,
}

async fn judge_today(config: &Config, ledger: &Ledger, days: &BTreeMap<Address, Vec<DayRow>>, now: Moment) -> Result<Word, LedgerError> {
    let Some(last) = days.values().filter_map(|days| days.last()).map(|day| day.plan.date).max() else { return Ok(Word::default()) };
    let guarded = judge_before(config, ledger, last.plus(1), days, now).await?;
    let of = guarded.last.into_iter().map(|(address, (date, said))| (address, (date, said.verdict))).collect();
    Ok(Word { of, new: guarded.new })
}

/// Where a mailbox stands on its ramp. Today's ramp day counts as soon as it is earned, not only tomorrow.
fn ramp_of(
    config: &Config,
    mailbox: &Mailbox,
    now: Moment,
    days: &BTreeMap<Address, Vec<DayRow>>,
    said: Option<(LocalDate, Verdict)>,
    done_on: Option<LocalDate>,
) -> RampFacts {
    let Some(schedule) = config.schedule_of(mailbox) else {
        return RampFacts { ramp_day: RampDay::FIRST, ramp_days: 0, done: false, done_on };
    };
    let today = now.local_date(mailbox.zone);
    let mut history = days.get(&mailbox.address).map(|days| history_of(days)).unwrap_or_default();
    if let (Some(last), Some((date, verdict))) = (history.last_mut(), said)
        && last.date == date
    {
        last.verdict = Some(verdict);
    }
    let standing = position(schedule, &history, today);
    let has_today = history.last().is_some_and(|day| day.date == today);
    let done = standing.done || (has_today && position(schedule, &history, today.plus(1)).done);
    RampFacts { ramp_day: standing.ramp_day, ramp_days: draw_curve(&schedule.ramp, &schedule.calendar).days(), done, done_on }
}

/// The ramp that takes longest: one without an end, else the one that ends last.
fn slowest(ramps: &[RampFacts]) -> Option<RampFacts> {
    ramps.iter().copied().max_by_key(|ramp| (!ramp.done, ramp.done_on.is_none(), ramp.done_on))
}

/// The date on which each mailbox earns its last ramp day, by the plan; none for a ramp without an end.
fn done_on(outlook: &Outlook) -> BTreeMap<Address, LocalDate> {
    let of = |(start, days): (&PlanStart, &Vec<PlannedDay>)| {
        let to_come = || days.iter().filter(|day| day.date >= start.today);
        let after = to_come().find(|day| day.quota.is_after_ramp())?.date;
        let last = to_come().rev().find(|day| day.date < after && day.ramp_day.is_some())?;
        Some((start.mailbox.address.clone(), last.date))
    };
    outlook.starts.iter().zip(&outlook.days).filter_map(of).collect()
}

/// What each domain's mailboxes are planned to send, by date.
fn coming(outlook: &Outlook) -> BTreeMap<Domain, BTreeMap<LocalDate, u32>> {
    let mut domains: BTreeMap<Domain, BTreeMap<LocalDate, u32>> = BTreeMap::new();
    for (start, days) in outlook.starts.iter().zip(&outlook.days) {
        let sums = domains.entry(start.mailbox.address.domain()).or_default();
        for day in days.iter().filter(|day| day.date >= start.today) {
            let sum = sums.entry(day.date).or_default();
            *sum = sum.saturating_add(day.quota.value);
        }
    }
    domains
}

/// Asks whether a domain is ready. `new`: what the guard says that is not written down yet. `None` for a domain without warming mailboxes.
#[expect(clippy::too_many_arguments, reason = "each is a fact of its own, and a struct of them would be made only to be taken apart")]
async fn judge_domain(
    config: &Config,
    ledger: Option<&Ledger>,
    domain: &Domain,
    members: &[&Mailbox],
    ramps: &[RampFacts],
    coming: Vec<Coming>,
    new: &[VerdictRow],
    now: Moment,
) -> Result<Option<Ready>, LedgerError> {
    let Some(ramp) = slowest(ramps) else { return Ok(None) };
    let mut described = describe(config, ledger, members, now).await?;
    let Some(Described { pooled, .. }) = described.remove(domain) else { return Ok(None) };
    let recipients = recipients_of(ledger, members, now).await?;
    let subject = Subject::Domain(domain.clone());
    let stored = match ledger {
        Some(ledger) => ledger.verdicts_of(subject.clone(), pooled.date.minus(REMEMBERED)).await?,
        None => Vec::new(),
    };
    let rows = stored.iter().chain(new.iter().filter(|row| row.subject == subject));
    let mut history: BTreeMap<LocalDate, PastVerdict> =
        rows.map(|row| (row.date, PastVerdict { verdict: row.verdict, until: row.until })).collect();
    let verdict = history.remove(&pooled.date).map_or(Verdict::Advance, |said| said.verdict);
    let facts = Facts { history, ..pooled };
    Ok(Some(ready(&ReadyFacts { facts: &facts, verdict, ramp, recipients, coming })))
}
