//! The quota: a ramp day's volume after calendar, chance and caps, with the reason for each step.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use rand::Rng;

mod beside;

use super::curve::{DrawnCurve, draw_curve, growth_in_words, percent};
use super::model::{Caps, Position, Quota, Reason};
use crate::chance::Seed;
use crate::config::{AfterRamp, Curve, Schedule};
use crate::words::{Address, LocalDate, RampDay};
pub use beside::make_room;
use beside::{Total, beside_real_mail};

/// A mailbox's quota on a date at a position: curve → calendar → jitter → caps → room for real mail. Never above the curve; the lowest cap wins.
pub fn quota(schedule: &Schedule, position: &Position, date: LocalDate, seed: Seed, mailbox: &Address, caps: &Caps) -> Quota {
    let drawn = draw_curve(&schedule.ramp, &schedule.calendar);
    let day = RampStanding { day: position.ramp_day, done: position.done, reached: position.reached };
    quota_on(schedule, &drawn, day, date, seed, mailbox, caps)
}

/// A position without its history.
#[derive(Clone, Copy, Debug)]
pub(super) struct RampStanding {
    pub day: RampDay,
    pub done: bool,
    /// The largest total that was earned.
    pub reached: u32,
}

pub(super) fn quota_on(
    schedule: &Schedule,
    drawn: &DrawnCurve,
    standing: RampStanding,
    date: LocalDate,
    seed: Seed,
    mailbox: &Address,
    caps: &Caps,
) -> Quota {
    let mut steps = Steps { value: 0, reasons: Vec::new() };
    if standing.done {
        after_the_ramp(&mut steps, schedule, drawn);
    } else {
        on_the_curve(&mut steps, schedule, drawn, standing.day);
    }
    by_the_calendar(&mut steps, schedule, date);
    by_chance(&mut steps, schedule.ramp.jitter, || seed.stream(mailbox, date, "jitter"));
    if let Some(why) = &caps.guard {
        steps.set("guard", 0, why.clone());
    }
    under_caps(&mut steps, caps);
    let total = if standing.done {
        Total::after_the_ramp(schedule, standing.reached.min(drawn.top()), date, caps, steps.value)
    } else {
        Total::on_the_ramp(steps.value)
    };
    let total = beside_real_mail(&mut steps, schedule, date, total, caps.outside);
    let wanted = steps.value;
    under_cap(&mut steps, "pool", caps.pool, "what the pool can carry");
    // What the pool cannot carry is not made up for by real mail: the total falls with it.
    Quota { value: steps.value, total: total - (wanted - steps.value), reasons: steps.reasons }
}

/// The value on its way, and the reasons so far.
struct Steps {
    value: u32,
    reasons: Vec<Reason>,
}

impl Steps {
    fn set(&mut self, rule: &'static str, value: u32, why: impl Into<String>) {
        self.value = value;
        self.reasons.push(Reason { rule, value, why: why.into() });
    }
}

fn on_the_curve(steps: &mut Steps, schedule: &Schedule, drawn: &DrawnCurve, day: RampDay) {
    let ramp = &schedule.ramp;
    if drawn.volumes.is_empty() {
        return steps.set("curve", 0, "the schedule's calendar has no send-day");
    }
    let way = match &ramp.curve {
        Curve::Linear => format!("a linear ramp from {} to {}", ramp.start, ramp.target),
        Curve::Exponential => format!("an exponential ramp from {} to {}", ramp.start, ramp.target),
        Curve::Logistic => format!("a logistic ramp from {} to {}", ramp.start, ramp.target),
        Curve::Steps { .. } => format!("listed steps from {} to {}", ramp.start, ramp.target),
    };
    let (shape, volume) = (drawn.shape(day), drawn.volume(day));
    steps.set("curve", shape, format!("ramp day {day} of {} on {way}", drawn.days()));
    if let Some(growth) = ramp.max_daily_growth.filter(|_| shape != volume) {
        let before = drawn.volume(RampDay(day.0.saturating_sub(1)));
        let bound = growth_in_words(growth);
        let why = if shape > volume {
            format!("{bound} at most, and the ramp day before has {before}")
        } else {
            format!("one more, to make up for days that the bound ({bound}) rounded down")
        };
        steps.set("growth bound", volume, why);
    }
}

fn after_the_ramp(steps: &mut Steps, schedule: &Schedule, drawn: &DrawnCurve) {
    let top = drawn.top();
    match schedule.after {
        AfterRamp::Stop => steps.set("after the ramp", 0, "the ramp is done, and the schedule says stop"),
        AfterRamp::Maintain(volume) if volume > top => {
            steps.set("after the ramp", top, format!("the ramp is done: maintain {volume} a day, but never more than the ramp's {top}"));
        }
        AfterRamp::Maintain(volume) => steps.set("after the ramp", volume, format!("the ramp is done: maintain {volume} a day")),
    }
}

fn by_the_calendar(steps: &mut Steps, schedule: &Schedule, date: LocalDate) {
    let factor = schedule.calendar.factor(date).clamp(0.0, 1.0);
    let weekday = date.0.format("%A");
    let part = part_of_a_day(schedule, date, steps.value);
    if schedule.calendar.holidays.contains(&date) {
        steps.set("calendar", part, format!("{date} is a holiday: no sending"));
    } else if factor <= 0.0 {
        steps.set("calendar", part, format!("no sending on a {weekday}"));
    } else if factor < 1.0 {
        steps.set("calendar", part, format!("{} % on a {weekday}", percent(factor)));
    } else {
        steps.set("calendar", part, format!("{weekday} is a full day"));
    }
}

/// What a date has of a full day's volume.
fn part_of_a_day(schedule: &Schedule, date: LocalDate, volume: u32) -> u32 {
    let factor = schedule.calendar.factor(date).clamp(0.0, 1.0);
    if factor <= 0.0 {
        return 0;
    }
    // One at least: a send-day without a message could never be earned.
    ((f64::from(volume) * factor).round().max(1.0) as u32).min(volume)
}

fn by_chance(steps: &mut Steps, share: f64, stream: impl FnOnce() -> crate::chance::Stream) {
    let most = (f64::from(steps.value) * share.clamp(0.0, 0.5) + 1e-9).floor() as u32;
    if share <= 0.0 || steps.value == 0 {
        return;
    }
    // Drawn also where it can take nothing, so that the reason always stands in its place.
    let off = stream().random_range(0..=most);
    let share = percent(share);
    let why = match (most, off) {
        (0, _) => format!("{share} % of so little is less than one message"),
        (_, 0) => format!("chance takes nothing off today ({most} at most, {share} %)"),
        _ => format!("chance takes {off} off today ({most} at most, {share} %)"),
    };
    steps.set("jitter", steps.value - off, why);
}

fn under_caps(steps: &mut Steps, caps: &Caps) {
    under_cap(steps, "mailbox cap", caps.mailbox, "the mailbox's daily_cap");
    under_cap(steps, "domain cap", caps.domain_share, "the mailbox's share of its domain's daily_cap");
    under_cap(steps, "provider limit", caps.provider, "what the provider's daily limit leaves");
}

fn under_cap(steps: &mut Steps, rule: &'static str, cap: Option<u32>, what: &str) {
    let Some(cap) = cap else { return };
    let why = match cap.cmp(&steps.value) {
        Ordering::Less => format!("{what} is {cap}"),
        Ordering::Equal => format!("{what} is {cap}: just enough"),
        Ordering::Greater => format!("{what} is {cap}: room enough"),
    };
    steps.set(rule, cap.min(steps.value), why);
}

/// Splits a domain's cap over its mailboxes in proportion to what they want: nobody gets more than wanted, together at most `cap`.
///
/// What whole numbers leave over goes to the largest remainders, and among equals by address; the same input gives the same shares.
pub fn domain_shares(cap: u32, wanted: &BTreeMap<Address, u32>) -> BTreeMap<Address, u32> {
    let all: u64 = wanted.values().map(|w| u64::from(*w)).sum();
    if all <= u64::from(cap) {
        return wanted.clone();
    }
    // cap < 2³² and w < 2³²: the product fits.
    let split = |w: u32| (u64::from(cap) * u64::from(w) / all, u64::from(cap) * u64::from(w) % all);
    let mut shares: BTreeMap<Address, u32> = wanted.iter().map(|(who, w)| (who.clone(), split(*w).0 as u32)).collect();
    let given: u64 = shares.values().map(|s| u64::from(*s)).sum();
    let mut by_remainder: Vec<(&Address, u64)> = wanted.iter().map(|(who, w)| (who, split(*w).1)).collect();
    by_remainder.sort_by(|(a, left_a), (b, left_b)| left_b.cmp(left_a).then_with(|| a.cmp(b)));
    for (who, _) in by_remainder.into_iter().take((u64::from(cap) - given) as usize) {
        if let Some(share) = shares.get_mut(who) {
            *share += 1;
        }
    }
    shares
}

#[cfg(test)]
mod tests;
