//! What a schedule allows on a ramp day at most, worked out from the schedule's words and not from the ramp's code.
//!
//! It is a bound and no second ramp: jitter, caps and a growth bound that holds the curve back make the true quota smaller. Where the shape is a whole
//! number (the first day, the last, every one of `steps`) bound and curve are the same, so that one message too many shows.

use crate::config::{AfterRamp, Calendar, Curve, Ramp, Schedule, StepUnit};

/// Ramp days for which a bound is worked out; beyond them the target is the bound.
const FAR: usize = 2_000;
/// What sums of real numbers may be off by.
const DUST: f64 = 1e-6;
/// How steep the S of a logistic ramp is, by the schedule reference.
const STEEPNESS: f64 = 8.0;

/// The most that each ramp day may have.
pub(super) struct Bounds {
    /// Of ramp day 1, 2, …
    days: Vec<u32>,
    /// Of every later one.
    then: u32,
    /// After the ramp, where its end is known: for `steps`, after the last one.
    after: Option<u32>,
}

impl Bounds {
    pub fn of(schedule: &Schedule) -> Self {
        let send_days = send_days_a_week(&schedule.calendar);
        let ramp = &schedule.ramp;
        match &ramp.curve {
            Curve::Steps { volumes, per } => {
                let times = if *per == StepUnit::Week { send_days } else { send_days.min(1) };
                let days: Vec<u32> = volumes.iter().flat_map(|v| std::iter::repeat_n(*v, times)).collect();
                let top = days.iter().copied().max().unwrap_or(0);
                let after = match schedule.after {
                    AfterRamp::Maintain(volume) => volume.min(top),
                    AfterRamp::Stop => 0,
                };
                Self { days, then: top, after: Some(after) }
            }
            _ => Self { days: held_to_growth(ramp, &shape(ramp, send_days)), then: ramp.target.max(ramp.start), after: None },
        }
    }

    /// The most on a ramp day, from 1, before the calendar's share.
    pub fn most(&self, ramp_day: u32) -> u32 {
        let index = ramp_day.max(1) as usize - 1;
        self.days.get(index).copied().unwrap_or_else(|| self.after.unwrap_or(self.then))
    }
}

/// The most on a day with a share of a full day's volume: at least one message where anything is sent at all.
pub(super) fn in_share(most: u32, share: f64) -> u32 {
    if share <= 0.0 {
        return 0;
    }
    let part = (f64::from(most) * share).round() as u32;
    part.max(1).min(most)
}

fn send_days_a_week(calendar: &Calendar) -> usize {
    if calendar.weekend_factor > 0.0 { 7 } else { calendar.weekdays.len() }
}

/// The curve rounded up, a value for each send-day of the ramp's weeks.
fn shape(ramp: &Ramp, send_days: usize) -> Vec<u32> {
    let (start, target) = (f64::from(ramp.start), f64::from(ramp.target.max(ramp.start)));
    let days = (ramp.weeks as usize).saturating_mul(send_days).min(FAR);
    let days = if days == 1 && target > start { 2 } else { days };
    let s = |x: f64| 1.0 / (1.0 + (-x).exp());
    let (low, high) = (s(-STEEPNESS / 2.0), s(STEEPNESS / 2.0));
    let value = |day: usize| {
        let way = if days > 1 { day as f64 / (days - 1) as f64 } else { 0.0 };
        let real = match ramp.curve {
            Curve::Exponential => start.max(1.0) * (target / start.max(1.0)).powf(way),
            Curve::Logistic => start + (target - start) * (s(STEEPNESS * (way - 0.5)) - low) / (high - low),
            Curve::Linear | Curve::Steps { .. } => start + (target - start) * way,
        };
        (real.clamp(start, target) - DUST).ceil() as u32
    };
    (0..days).map(value).collect()
}

/// Nor more than the growth bound allows after the day before. A bound that makes the ramp longer goes on after the shape has ended.
fn held_to_growth(ramp: &Ramp, shape: &[u32]) -> Vec<u32> {
    let Some(growth) = ramp.max_daily_growth else { return shape.to_vec() };
    let mut days: Vec<u32> = Vec::with_capacity(shape.len());
    let mut wanted = shape.iter().copied().chain(std::iter::repeat_n(ramp.target.max(ramp.start), FAR.saturating_sub(shape.len())));
    while let Some(value) = wanted.next().filter(|v| days.len() < shape.len() || days.last().is_some_and(|last| last < v)) {
        let most = match days.last() {
            Some(last) => last.saturating_add(growth.messages.max((growth.share * f64::from(*last) + DUST).floor() as u32).max(1)),
            None => value,
        };
        days.push(value.min(most));
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{ScheduleOrigin, parse_schedule, shipped_schedules};
    use crate::words::RampDay;

    #[test]
    fn no_shipped_curve_exceeds_its_bound_and_at_both_ends_they_meet() {
        for (name, text) in shipped_schedules() {
            let schedule = parse_schedule(name, text, std::path::Path::new(name), ScheduleOrigin::Shipped).unwrap().schedule;
            let (bounds, curve) = (Bounds::of(&schedule), crate::ramp::draw_curve(&schedule.ramp, &schedule.calendar));
            for day in 1..=curve.days() {
                let (volume, most) = (curve.volume(RampDay(day)), bounds.most(day));
                assert!(volume <= most && most <= volume + 2, "{}: day {day} has {volume}, the bound is {most}", schedule.name);
            }
            assert_eq!(bounds.most(1), curve.volume(RampDay(1)), "{}", schedule.name);
            assert_eq!(bounds.most(curve.days()), curve.volume(RampDay(curve.days())), "{}", schedule.name);
        }
    }

    #[test]
    fn a_weekend_has_its_share_and_one_message_at_least() {
        assert_eq!([in_share(10, 0.0), in_share(10, 0.25), in_share(1, 0.1), in_share(0, 0.5), in_share(7, 1.0)], [0, 3, 1, 0, 7]);
    }
}
