//! The projection: a mailbox's whole ramp by calendar date, if every day to come is earned.

use super::curve::draw_curve;
use super::model::{Caps, DayRecord, PlannedDay, Quota, Reason};
use super::position::Fold;
use super::quota::{RampStanding, quota_on};
use crate::chance::Seed;
use crate::config::Schedule;
use crate::words::{Address, LocalDate};

/// Dates that a projection looks ahead at most: three years.
const HORIZON: u32 = 1_100;

/// Dates shown of what comes after the ramp.
const AFTERGLOW: u32 = 7;

/// The ramp of a mailbox by calendar date: past days of the history as they were, then every date from the later of `start` and `today`
/// on, each day taken as earned in full.
///
/// With `days`, that many dates to come. Without, until the ramp is done and a week more; a ramp that cannot end (no send-day, a cap of 0)
/// stops after twice the time that it should take, three years at the most. Days without sending have no ramp day and a quota of 0.
#[expect(clippy::too_many_arguments, reason = "each is a fact of its own, and a struct of them would be made only to be taken apart")]
pub fn project(
    schedule: &Schedule,
    seed: Seed,
    mailbox: &Address,
    start: LocalDate,
    history: &[DayRecord],
    today: LocalDate,
    caps: &dyn Fn(LocalDate) -> Caps,
    days: Option<u32>,
) -> Vec<PlannedDay> {
    let drawn = draw_curve(&schedule.ramp, &schedule.calendar);
    let mut fold = Fold::new(schedule, &drawn.volumes);
    let mut plan = Vec::new();
    for record in history.iter().filter(|d| d.date < today) {
        let steps = fold.take(record);
        if let Some(step) = steps.last() {
            plan.push(past_day(record, step.before, &step.why));
        }
    }
    let first = start.max(today);
    let horizon = days.unwrap_or_else(|| horizon(schedule, drawn.days())).min(HORIZON);
    let mut after = 0;
    for date in (0..horizon).map(|n| first.plus(n)) {
        let (day, _) = fold.standing(date);
        let standing = RampStanding { day, done: fold.is_done(day), reached: fold.reached() };
        if standing.done {
            if days.is_none() && after == AFTERGLOW {
                break;
            }
            after += 1;
        }
        let quota = quota_on(schedule, &drawn, standing, date, seed, mailbox, &caps(date));
        let (value, total) = (quota.value, quota.total);
        let ramp_day = Some(day).filter(|_| !standing.done && total > 0);
        plan.push(PlannedDay { date, ramp_day, quota });
        // The room that the ramp leaves for real mail is taken as filled, too.
        fold.take(&DayRecord {
            date,
            quota: value,
            total,
            offered: value,
            accepted: value,
            outside: if standing.done { 0 } else { total - value },
            verdict: None,
            curve: fold.mark(),
        });
    }
    plan
}

/// A day that has been: its quota as it was set, with what became of it.
fn past_day(record: &DayRecord, before: crate::words::RampDay, why: &str) -> PlannedDay {
    let reason = Reason { rule: "history", value: record.quota, why: why.to_owned() };
    let ramp_day = Some(before).filter(|_| record.total > 0);
    PlannedDay { date: record.date, ramp_day, quota: Quota { value: record.quota, total: record.total, reasons: vec![reason] } }
}

/// Twice the calendar time of a ramp, and some weeks for holidays.
fn horizon(schedule: &Schedule, ramp_days: u32) -> u32 {
    let per_week = super::curve::send_weekdays(&schedule.calendar).count().max(1) as u32;
    let holidays = schedule.calendar.holidays.len().min(HORIZON as usize) as u32;
    let weeks = ramp_days.div_ceil(per_week).max(schedule.ramp.weeks);
    weeks.saturating_mul(14).saturating_add(60).saturating_add(holidays)
}

#[cfg(test)]
mod tests;
