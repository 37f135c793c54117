//! The account of a rehearsal: from its ledger and its world to what is shown.

use std::collections::BTreeMap;
use std::thread::ScopedJoinHandle;

use futures_util::FutureExt;

use super::drive::Played;
use super::invariants::{Facts, Testimony};
use super::{Day, Rehearsal, RehearsalError, Rehearsed, Said};
use crate::agenda::carries;
use crate::config::Config;
use crate::guard::Subject;
use crate::ledger::{DayRow, LedgerError, LetterFacts, VerdictRow};
use crate::ramp::{FoldStep, PlannedDay, position};
use crate::run::{PlanStart, RealMail, history_of, plan_all, whole_pool};
use crate::words::{Address, LocalDate, Role, Verdict};

/// Plan time that a command may take: in the modelled world none, but for what is waited for between two of them.
const SLACK: std::time::Duration = std::time::Duration::from_secs(5);

/// The verdict on a send-day that does not count.
const NOT_EARNED: &str = "not earned";

pub(super) async fn give_account(played: Played<'_>) -> Result<Rehearsed, RehearsalError> {
    let (config, ledger, rehearsal) = (&played.config, &played.ledger, played.rehearsal);
    let end = rehearsal.from.plus(rehearsal.days);
    let mut histories: BTreeMap<Address, Vec<DayRow>> = BTreeMap::new();
    for mailbox in config.mailboxes.values().filter(|m| m.role == Role::Warming) {
        histories.insert(mailbox.address.clone(), ledger.days_before(mailbox.address.clone(), end).await?);
    }
    let suspended: Vec<_> = ledger.all_suspensions().await?.into_iter().map(Into::into).collect();
    let guards = ledger.verdicts(LocalDate::EPOCH).await?;
    let testimony = Testimony::of(ledger).await?;
    std::thread::scope(|scope| {
        // The ledger checks and prints itself on a second core, while what it said is looked at here.
        let check = scope.spawn(|| at_once(ledger.check()));
        let fingerprint = scope.spawn(|| at_once(ledger.fingerprint()));
        let facts = Facts {
            world: &played.world,
            until: played.until,
            suspended: &suspended,
            planted: &played.planted,
            runs: &played.runs,
            slack: SLACK,
        };
        let plans = plans(config, rehearsal);
        let target_reached = target_reached(&plans, &histories);
        let roles = |role| config.mailboxes.values().filter(|m| m.role == role).count() as u32;
        Ok(Rehearsed {
            scenario: rehearsal.scenario.name.clone(),
            seed: rehearsal.seed.0,
            schedules: config.schedules.keys().cloned().collect(),
            warming: roles(Role::Warming),
            partners: roles(Role::Partner),
            days: days(rehearsal, &plans, &histories, testimony.letters()),
            guard: config.guard,
            verdicts: verdicts(config, &histories, &guards),
            days_lost: days_lost(config, &plans, &histories),
            target_reached,
            target_day: target_reached.map(|date| u32::try_from(date.days_since(rehearsal.from)).unwrap_or(0) + 1),
            reputation: played.reputation,
            troubles: played.listener.troubles(),
            breaches: testimony.breaches(config, rehearsal.seed, &facts, || result_of(check))?,
            fingerprint: result_of(fingerprint)?,
        })
    })
}

/// What a ledger in memory says, on any thread: it makes nobody wait.
fn at_once<T>(answer: impl Future<Output = Result<T, LedgerError>>) -> Result<T, LedgerError> {
    answer.now_or_never().unwrap_or(Err(LedgerError::Gone))
}

fn result_of<T>(thread: ScopedJoinHandle<'_, Result<T, LedgerError>>) -> Result<T, LedgerError> {
    thread.join().unwrap_or(Err(LedgerError::Panicked))
}

/// Day by day, what was planned for the warming mailboxes and what became of it.
fn days(
    rehearsal: &Rehearsal,
    plans: &BTreeMap<Address, Vec<PlannedDay>>,
    histories: &BTreeMap<Address, Vec<DayRow>>,
    letters: &[LetterFacts],
) -> Vec<Day> {
    let mut counted: BTreeMap<LocalDate, Day> = BTreeMap::new();
    for letter in letters {
        let day = counted.entry(letter.plan.date).or_default();
        if histories.contains_key(&letter.plan.sender) { day.count(letter) } else { day.count_of_partner(letter) }
    }
    let quotas = quotas_by_date(histories);
    let day = |n| {
        let date = rehearsal.from.plus(n);
        Day {
            n: n + 1,
            date: Some(date),
            planned: plans.values().filter_map(|days| days.iter().find(|d| d.date == date)).map(|d| d.quota.value).sum(),
            quota: quotas.get(&date).copied().unwrap_or(0),
            ..counted.remove(&date).unwrap_or_default()
        }
    };
    (0..rehearsal.days).map(day).collect()
}

/// What each warming mailbox would have sent if every day had been earned.
fn plans(config: &Config, rehearsal: &Rehearsal) -> BTreeMap<Address, Vec<PlannedDay>> {
    let starts: Vec<PlanStart> = config
        .mailboxes
        .values()
        .filter(|m| m.role == Role::Warming)
        .map(|m| {
            let first = m.start_on.map_or(rehearsal.from, |s| s.max(rehearsal.from));
            let real_mail = RealMail::default();
            PlanStart { mailbox: m.clone(), first, today: rehearsal.from, history: Vec::new(), paused: None, real_mail }
        })
        .collect();
    let target = |a: &Address| config.mailboxes.get(a).and_then(|m| config.schedule_of(m)).map_or(0, |s| s.ramp.target);
    let peaks = starts.iter().map(|s| (s.mailbox.address.clone(), target(&s.mailbox.address))).collect();
    let feasible = carries(&whole_pool(config), &config.pairs, &peaks);
    let cap = |a: &Address| feasible.per_mailbox.get(a).filter(|c| c.carries < c.wanted).map(|c| c.carries);
    let mut planned = plan_all(config, rehearsal.seed, &starts, &cap, None);
    let last = rehearsal.from.plus(rehearsal.days.saturating_sub(1));
    if planned.iter().any(|days| days.last().is_none_or(|d| d.date < last)) {
        // The rehearsal goes on after the ramps: so does what was planned.
        planned = plan_all(config, rehearsal.seed, &starts, &cap, Some(rehearsal.days));
    }
    starts.into_iter().map(|s| s.mailbox.address).zip(planned).collect()
}

fn quotas_by_date(histories: &BTreeMap<Address, Vec<DayRow>>) -> BTreeMap<LocalDate, u32> {
    let mut sums = BTreeMap::new();
    for day in histories.values().flatten() {
        *sums.entry(day.plan.date).or_default() += day.plan.quota;
    }
    sums
}

/// The first date on which every warming mailbox has had the highest quota of its plan.
fn target_reached(plans: &BTreeMap<Address, Vec<PlannedDay>>, histories: &BTreeMap<Address, Vec<DayRow>>) -> Option<LocalDate> {
    let reached = |(address, days): (&Address, &Vec<DayRow>)| {
        let target = plans.get(address)?.iter().map(|d| d.quota.value).max()?;
        days.iter().find(|d| d.plan.quota >= target).map(|d| d.plan.date)
    };
    histories.iter().map(reached).collect::<Option<Vec<_>>>()?.into_iter().max()
}

/// What the guard said other than *advance*, and every send-day whose ramp day was not earned though it said nothing; what holds on several dates in a row
/// is said once. What a domain says is not said again for each of its mailboxes.
fn verdicts(config: &Config, histories: &BTreeMap<Address, Vec<DayRow>>, guard: &[VerdictRow]) -> Vec<Said> {
    let mut said: Vec<Said> = Vec::new();
    for rows in guard.chunk_by(|a, b| a.subject == b.subject) {
        let whom = whom(&rows[0].subject);
        let own = |row: &VerdictRow| {
            let rulings: Vec<serde_json::Value> = serde_json::from_str(&row.rulings).unwrap_or_default();
            let first = rulings.into_iter().next()?;
            let is_own = first["subject"] == row.subject.to_string();
            (is_own && row.verdict != Verdict::Advance)
                .then(|| (row.verdict.to_string(), first["sentence"].as_str().unwrap_or_default().to_owned()))
        };
        said.extend(in_a_row(&whom, rows.iter().map(|row| (row.date, own(row)))));
    }
    for (address, days) in histories {
        let (Some(schedule), Some(last)) = (config.mailboxes.get(address).and_then(|m| config.schedule_of(m)), days.last()) else {
            continue;
        };
        let is_silent = |date| days.iter().any(|d| d.plan.date == date && d.verdict.is_none_or(|v| v == Verdict::Advance));
        let steps = position(schedule, &history_of(days), last.plan.date.plus(1)).fold;
        let unearned = |step: &FoldStep| {
            let stood_still = step.after <= step.before && days.iter().any(|d| d.plan.date == step.date && d.plan.quota > 0);
            let fell = step.after < step.before;
            let is_done = ["earned", "the ramp is done"].iter().any(|why| step.why.starts_with(why));
            if !(stood_still || fell) || is_done || !is_silent(step.date) {
                return None;
            }
            let verdict = if fell { "lost" } else { NOT_EARNED };
            // The fold's words begin with the verdict.
            let why = step.why.strip_prefix(NOT_EARNED).map_or(step.why.as_str(), |rest| rest.trim_start_matches([':', ' '])).to_owned();
            Some((verdict.to_owned(), why))
        };
        said.extend(in_a_row(address.as_str(), steps.iter().map(|step| (step.date, unearned(step)))));
    }
    said.sort_by(|a, b| (a.date, &a.whom).cmp(&(b.date, &b.whom)));
    said
}

/// Joins what holds on dates that follow each other.
fn in_a_row(whom: &str, dates: impl Iterator<Item = (LocalDate, Option<(String, String)>)>) -> Vec<Said> {
    let mut said: Vec<Said> = Vec::new();
    let mut is_open = false;
    for (date, word) in dates {
        let Some((verdict, why)) = word else {
            is_open = false;
            continue;
        };
        match said.last_mut() {
            Some(last) if is_open && last.verdict == verdict => last.until = date,
            _ => said.push(Said { date, whom: whom.to_owned(), verdict, why, until: date }),
        }
        is_open = true;
    }
    said
}

/// Whom a verdict is about, for people.
fn whom(subject: &Subject) -> String {
    match subject {
        Subject::Mailbox(address) => address.to_string(),
        Subject::Domain(domain) => domain.to_string(),
        Subject::Route(domain, provider) => format!("{domain} to {provider}"),
    }
}

/// Ramp days that the plan had and that were not earned, or were taken back, by the end: the mean over the warming mailboxes.
fn days_lost(config: &Config, plans: &BTreeMap<Address, Vec<PlannedDay>>, histories: &BTreeMap<Address, Vec<DayRow>>) -> f64 {
    let lost = |(address, days): (&Address, &Vec<DayRow>)| {
        let schedule = config.mailboxes.get(address).and_then(|m| config.schedule_of(m))?;
        let end = days.last()?.plan.date.plus(1);
        let planned = plans.get(address)?.iter().filter(|d| d.date < end).filter_map(|d| d.ramp_day).max()?;
        let reached = position(schedule, &history_of(days), end).ramp_day.0.saturating_sub(1);
        Some(f64::from(planned.0.saturating_sub(reached)))
    };
    let all: Vec<f64> = histories.iter().filter_map(lost).collect();
    if all.is_empty() { 0.0 } else { all.iter().sum::<f64>() / all.len() as f64 }
}

#[cfg(test)]
mod tests {
    use crate::chance::Seed;
    use crate::config::{Nothing, parse};
    use crate::rehearsal::{Rehearsal, Scenario, rehearse};
    use crate::words::LocalDate;

    const POOL: &str = "zone: Etc/UTC
defaults: {secret: env:UNUSED, smtp: mail.x.test, imap: mail.x.test}
mailboxes:
  - anna@new.test
  - {address: eva@one.test, role: partner, provider: gmail}
  - {address: finn@two.test, role: partner}
";

    #[test]
    fn what_follows_a_ramp_is_planned_too_and_is_no_verdict() {
        let config = parse(POOL, std::path::Path::new("preheat.yaml"), &Nothing).unwrap_or_else(|e| panic!("{e}"));
        let scenario = Scenario::by_name("too-fast", None).unwrap();
        let from = LocalDate::ymd(2026, 12, 7).unwrap();
        let played = rehearse(&Rehearsal { config, scenario, seed: Seed(1), from, days: 19 }, &|_, _| {}).unwrap();
        // The ramp is five send-days long; on every send-day after them as much is planned as the pool carries.
        let planned: Vec<u32> = played.days.iter().map(|d| d.planned).collect();
        let week = [planned[0], planned[0], planned[0], planned[0], planned[0], 0, 0];
        assert!(planned[0] > 0);
        assert_eq!(planned, [week, week, week].concat()[..19]);
        let said: Vec<&str> = played.verdicts.iter().map(|s| s.why.as_str()).collect();
        assert!(said.iter().all(|why| !why.contains("the ramp is done") && !why.starts_with("not earned")), "{said:?}");
        // A domain that is its own receiver never writes to itself.
        let last = played.reputation.last().unwrap();
        assert!(last.iter().all(|(receiver, domains)| domains.keys().all(|d| d.as_str() != receiver)), "{last:?}");
    }
}
