//! A mailbox's local dates: quota, what it was spent on, and the history that the ramp folds.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, params};

use super::rows::{InOrder, address, all, execute, maybe_moment, one};
use super::{Fence, Ledger, LedgerError, ms};
use crate::words::{Address, Domain, LocalDate, Moment, RampDay, Verdict};

/// A day's quota as it is set when the agenda is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayPlan {
    /// The mailbox.
    pub mailbox: Address,
    /// Its local date.
    pub date: LocalDate,
    /// The schedule's name; empty for partners.
    pub schedule: String,
    /// The fingerprint of the schedule's volumes; 0 for partners.
    pub curve: u32,
    /// The ramp day; 0 for partners.
    pub ramp_day: RampDay,
    /// Messages, answers included.
    pub quota: u32,
    /// What these and real mail may make together; the quota at least.
    pub total: u32,
    /// The way to it, as JSON.
    pub reasons: String,
}

/// A day as the ledger knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayRow {
    /// What was set.
    pub plan: DayPlan,
    /// The guard's word.
    pub verdict: Option<Verdict>,
    /// Handed over: what spends quota.
    pub spent: u32,
    /// Accepted by servers, or found later.
    pub accepted: u32,
    /// Letters that no server could be offered, and that was not their sender's doing: [`crate::words::SkipReason::is_not_offered`].
    pub unoffered: u32,
}

impl DayRow {
    /// What the day could really send: the quota less what could not be offered.
    pub fn offered(&self) -> u32 {
        self.plan.quota.saturating_sub(self.unoffered)
    }
}

pub(super) const COLUMNS: &str =
    "mailbox, date, schedule, curve, ramp_day, quota, coalesce(total, quota), reasons, verdict, spent, accepted, unoffered";

/// Reads [`COLUMNS`].
pub(super) fn read_day(r: &Row<'_>) -> Result<DayRow, LedgerError> {
    let mut columns = InOrder::of(r);
    let c = &mut columns;
    Ok(DayRow {
        plan: DayPlan {
            mailbox: c.word(|t| Address::parse(t).ok())?,
            date: c.word(LocalDate::parse)?,
            schedule: c.get()?,
            curve: c.get()?,
            ramp_day: RampDay(c.get()?),
            quota: c.get()?,
            total: c.get()?,
            reasons: c.get()?,
        },
        verdict: c.maybe(Verdict::parse)?,
        spent: c.get()?,
        accepted: c.get()?,
        unoffered: c.get()?,
    })
}

pub(super) fn day(c: &Connection, mailbox: &Address, date: LocalDate) -> Result<Option<DayRow>, LedgerError> {
    let sql = format!("SELECT {COLUMNS} FROM day WHERE mailbox = ?1 AND date = ?2");
    one(c, &sql, params![mailbox.as_str(), date.to_string()], read_day)
}

/// Adds a day; says whether it was new.
pub(super) fn insert(c: &Connection, plan: &DayPlan, now: Moment) -> Result<bool, LedgerError> {
    let sql = "INSERT INTO day (mailbox, date, schedule, curve, ramp_day, quota, reasons, made_at, total) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) ON CONFLICT (mailbox, date) DO NOTHING";
    let n = execute(
        c,
        sql,
        params![
            plan.mailbox.as_str(),
            plan.date.to_string(),
            plan.schedule,
            plan.curve,
            plan.ramp_day.0,
            plan.quota,
            plan.reasons,
            ms(now),
            plan.total.max(plan.quota)
        ],
    )?;
    Ok(n > 0)
}

impl Ledger {
    /// One day of a mailbox.
    pub async fn day(&self, mailbox: Address, date: LocalDate) -> Result<Option<DayRow>, LedgerError> {
        self.store.ask(move |c| day(c, &mailbox, date)).await
    }

    /// Every day of a mailbox before `until`, oldest first: the history that the ramp folds.
    pub async fn days_before(&self, mailbox: Address, until: LocalDate) -> Result<Vec<DayRow>, LedgerError> {
        self.store
            .ask(move |c| {
                let sql = format!("SELECT {COLUMNS} FROM day WHERE mailbox = ?1 AND date < ?2 ORDER BY date");
                all(c, &sql, params![mailbox.as_str(), until.to_string()], read_day)
            })
            .await
    }

    /// How many messages a mailbox handed over since a moment: for providers that count the trailing 24 hours.
    pub async fn handed_since(&self, mailbox: Address, since: Moment, from_date: LocalDate) -> Result<u32, LedgerError> {
        self.store
            .ask(move |c| {
                let sql = "SELECT count(*) FROM letter WHERE sender = ?1 AND date >= ?2 AND handed_at >= ?3";
                let n = one(c, sql, params![mailbox.as_str(), from_date.to_string(), ms(since)], |r| Ok(r.get::<_, u32>(0)?))?;
                Ok(n.unwrap_or(0))
            })
            .await
    }

    /// When any of `mailboxes` handed its last letter over, of those that count for `from_date` and later.
    pub async fn last_handed(&self, mailboxes: Vec<Address>, from_date: LocalDate) -> Result<Option<Moment>, LedgerError> {
        self.store
            .ask(move |c| {
                let (mut last, from_date) = (None, from_date.to_string());
                for mailbox in mailboxes {
                    let sql = "SELECT max(handed_at) AS at FROM letter WHERE sender = ?1 AND date >= ?2";
                    last = last.max(one(c, sql, params![mailbox.as_str(), from_date], |r| maybe_moment(r, "at"))?.flatten());
                }
                Ok(last)
            })
            .await
    }

    /// What a date's quotas of all mailboxes but `these` add up to, by domain. One that was removed keeps only what it has spent.
    pub async fn quotas_of_others(&self, date: LocalDate, these: Vec<Address>) -> Result<BTreeMap<Domain, u32>, LedgerError> {
        self.store
            .run(move |c| {
                let sql = "SELECT mailbox, iif(removed_at IS NULL, quota, spent) AS share FROM day JOIN mailbox ON address = mailbox WHERE date = ?1";
                let mut sums = BTreeMap::new();
                for (mailbox, share) in all(c, sql, [date.to_string()], |r| Ok((address(r, "mailbox")?, r.get::<_, u32>("share")?)))? {
                    if !these.contains(&mailbox) {
                        *sums.entry(mailbox.domain()).or_default() += share;
                    }
                }
                Ok(sums)
            })
            .await
    }

    /// Lowers a day's quota, never below what is spent, and its total by as much: what is taken off is not for real mail. Says the quota that holds then.
    pub async fn lower_quota(&self, planner: Fence, mailbox: Address, date: LocalDate, quota: u32) -> Result<u32, LedgerError> {
        self.store
            .run(move |c| {
                planner.check(c)?;
                let sql = "UPDATE day SET quota = max(spent, min(quota, ?3)), total = coalesce(total, quota) - (quota - max(spent, min(quota, ?3)))
                           WHERE mailbox = ?1 AND date = ?2";
                execute(c, sql, params![mailbox.as_str(), date.to_string(), quota])?;
                day(c, &mailbox, date)?.map(|d| d.plan.quota).ok_or_else(|| LedgerError::Unknown(format!("day {date} of {mailbox}")))
            })
            .await
    }

    /// Lowers a day's total, never below its quota.
    pub async fn lower_total(&self, planner: Fence, mailbox: Address, date: LocalDate, total: u32) -> Result<(), LedgerError> {
        self.store
            .run(move |c| {
                planner.check(c)?;
                let sql = "UPDATE day SET total = max(quota, min(coalesce(total, quota), ?3)) WHERE mailbox = ?1 AND date = ?2";
                execute(c, sql, params![mailbox.as_str(), date.to_string(), total]).map(drop)
            })
            .await
    }
}
