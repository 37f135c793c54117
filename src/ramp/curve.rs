//! The curve: the volume of each ramp day, before calendar, chance and caps.

use sha2::{Digest, Sha256};

use super::model::CurveMark;
use crate::config::{Calendar, Curve, DayName, Growth, Ramp, Schedule, StepUnit};
use crate::words::RampDay;

/// Ramp days at most: five years of them. A growth bound that needs longer ends the ramp below its target, and a note says so.
const LONGEST: usize = 1_830;

/// What sums of real numbers may be off by without meaning anything.
const DUST: f64 = 1e-6;

/// How steep the S of a logistic ramp is: from 2 % to 98 % of the way between its ends, fastest in the middle.
const STEEPNESS: f64 = 8.0;

/// A ramp's volumes, what its shape alone would ask for, and what is worth knowing about the difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawnCurve {
    /// The volume of ramp day 1, 2, …, messages a day; empty for a calendar without any send-day.
    pub volumes: Vec<u32>,
    /// The same days without the growth bound; as long as `volumes`.
    pub shape: Vec<u32>,
    /// Sentences for `plan`: that the bound makes the ramp longer, holds it back, or never reaches the target.
    pub notes: Vec<String>,
}

impl DrawnCurve {
    /// How many ramp days there are.
    pub fn days(&self) -> u32 {
        self.volumes.len() as u32
    }

    /// The largest volume; 0 where there is none.
    pub fn top(&self) -> u32 {
        self.volumes.iter().copied().max().unwrap_or(0)
    }

    /// The volume of a ramp day; the last one's beyond the end, 0 where there are none.
    pub fn volume(&self, day: RampDay) -> u32 {
        at(&self.volumes, day)
    }

    /// What the shape alone asks for on a ramp day.
    pub fn shape(&self, day: RampDay) -> u32 {
        at(&self.shape, day)
    }
}

fn at(values: &[u32], day: RampDay) -> u32 {
    let index = (day.0.max(1) as usize - 1).min(values.len().saturating_sub(1));
    values.get(index).copied().unwrap_or(0)
}

/// The volume of each ramp day, from the first: [`draw_curve`] without its notes.
pub fn curve(ramp: &Ramp, calendar: &Calendar) -> Vec<u32> {
    draw_curve(ramp, calendar).volumes
}

/// Draws a ramp's curve over the send-days of its weeks.
///
/// Never falls (unless `steps` do), begins at `start`, ends at `target`. The total is within one message of the real-valued shape's
/// wherever the growth bound leaves the shape alone; where it does not, the bound wins, and the ramp takes as many more days as it needs.
/// Holidays do not shorten it.
pub fn draw_curve(ramp: &Ramp, calendar: &Calendar) -> DrawnCurve {
    let per_week = send_days_per_week(calendar);
    if let Curve::Steps { volumes, per } = &ramp.curve {
        let times = if *per == StepUnit::Week { per_week as usize } else { usize::from(per_week > 0) };
        let volumes: Vec<u32> = volumes.iter().flat_map(|v| std::iter::repeat_n(*v, times)).collect();
        return DrawnCurve { shape: volumes.clone(), volumes, notes: Vec::new() };
    }
    let days = (ramp.weeks.saturating_mul(per_week) as usize).min(LONGEST);
    if days == 0 {
        let notes = vec!["the calendar has no send-day: nothing will ever be sent".to_owned()];
        return DrawnCurve { volumes: Vec::new(), shape: Vec::new(), notes };
    }
    let real = real_shape(ramp, days);
    let mut shape = round_to_total(&real);
    let volumes = match ramp.max_daily_growth {
        Some(growth) => hold_to_bound(&shape, &real, growth, ramp.target),
        None => shape.clone(),
    };
    let notes = notes_on(ramp, days, &real, &volumes);
    shape.resize(volumes.len(), ramp.target.max(ramp.start));
    DrawnCurve { volumes, shape, notes }
}

/// A fingerprint of a schedule's curve. Two schedules of one mark ask for the same volumes, whatever they are called.
pub fn curve_mark(schedule: &Schedule) -> CurveMark {
    mark_of(&curve(&schedule.ramp, &schedule.calendar))
}

pub(super) fn mark_of(volumes: &[u32]) -> CurveMark {
    let mut hash = Sha256::new();
    for volume in volumes {
        hash.update(volume.to_le_bytes());
    }
    let digest = hash.finalize();
    CurveMark(digest.iter().take(4).fold(0, |mark, byte| (mark << 8) | u32::from(*byte)))
}

/// The days of a plain week on which something may be sent.
pub(super) fn send_weekdays(calendar: &Calendar) -> impl Iterator<Item = u8> + '_ {
    (0..7).filter(|day| calendar.weekdays.contains(&DayName(*day)) || calendar.weekend_factor > 0.0)
}

fn send_days_per_week(calendar: &Calendar) -> u32 {
    send_weekdays(calendar).count() as u32
}

/// How far the volume may rise from one ramp day to the next: the larger of messages and share, and always at least one message,
/// because a ramp that may not grow is none.
pub fn allowed_step(growth: Growth, volume: u32) -> u32 {
    // Dust lets 29 % of 100 be 29, which the machine computes as 28.999….
    let share = (growth.share * f64::from(volume) + DUST).floor() as u32;
    growth.messages.max(share).max(1)
}

/// The shape in real numbers; two days at least where there is a way to go, because one day cannot be both start and target.
fn real_shape(ramp: &Ramp, days: usize) -> Vec<f64> {
    let (start, target) = (f64::from(ramp.start), f64::from(ramp.target.max(ramp.start)));
    let days = if ramp.target > ramp.start { days.max(2) } else { days };
    let last = days - 1;
    (0..days)
        .map(|day| {
            if day == 0 {
                return start;
            }
            if day == last {
                return target;
            }
            let way = day as f64 / last as f64;
            let value = match ramp.curve {
                Curve::Exponential => start.max(1.0) * (target / start.max(1.0)).powf(way),
                Curve::Logistic => start + (target - start) * logistic(way),
                Curve::Linear | Curve::Steps { .. } => start + (target - start) * day as f64 / last as f64,
            };
            value.clamp(start, target)
        })
        .collect()
}

/// An S from (0, 0) to (1, 1).
fn logistic(way: f64) -> f64 {
    let s = |x: f64| 1.0 / (1.0 + (-x).exp());
    let (low, high) = (s(-STEEPNESS / 2.0), s(STEEPNESS / 2.0));
    (s(STEEPNESS * (way - 0.5)) - low) / (high - low)
}

/// Rounds a rising shape so that it still rises and its total stays right, to half a message.
///
/// The days with the largest fractions are rounded up, as many as the fractions add up to, later days first among equals. So one
/// threshold holds for the whole ramp, and no step is more than one message larger than the shape's. (Carrying the error from day to day
/// gives the same total but flickers: 24 24 26 26 28.)
fn round_to_total(real: &[f64]) -> Vec<u32> {
    let mut rounded: Vec<u32> = real.iter().map(|v| v.floor() as u32).collect();
    let fraction = |day: usize| real[day] - real[day].floor();
    let up = (0..real.len()).map(fraction).sum::<f64>().round() as usize;
    let mut days: Vec<usize> = (0..real.len()).collect();
    days.sort_by(|a, b| fraction(*b).total_cmp(&fraction(*a)).then(b.cmp(a)));
    for day in days.into_iter().take(up) {
        rounded[day] += 1;
    }
    rounded
}

/// Holds every step of `shape` to the bound, and goes on for as many days as the target needs then.
fn hold_to_bound(shape: &[u32], real: &[f64], growth: Growth, target: u32) -> Vec<u32> {
    let mut held: Vec<u32> = Vec::with_capacity(shape.len());
    for wanted in shape {
        let volume = held.last().map_or(*wanted, |before| (*wanted).min(before.saturating_add(allowed_step(growth, *before))));
        held.push(volume);
    }
    make_up_for_rounding(&mut held, real, growth);
    while let Some(last) = held.last().copied().filter(|last| *last < target && held.len() < LONGEST) {
        held.push(target.min(last.saturating_add(allowed_step(growth, last))));
    }
    held
}

/// Where rounding alone ran into the bound, days that were rounded down are rounded up instead, until the total is right again.
fn make_up_for_rounding(held: &mut [u32], real: &[f64], growth: Growth) {
    for _ in 0..held.len() {
        if shortfall(real, held) <= 0.5 + DUST {
            return;
        }
        let may_rise = |i: usize| {
            let room_below = held[i + 1] > held[i];
            let room_in_bound = held[i - 1].saturating_add(allowed_step(growth, held[i - 1])) > held[i];
            room_below && room_in_bound && f64::from(held[i]) < real[i]
        };
        let best = (1..held.len().saturating_sub(1))
            .filter(|i| may_rise(*i))
            .max_by(|a, b| (real[*a] - f64::from(held[*a])).total_cmp(&(real[*b] - f64::from(held[*b]))));
        match best {
            Some(i) => held[i] += 1,
            None => return,
        }
    }
}

/// Messages by which the first days of `volumes` stay below the shape.
fn shortfall(real: &[f64], volumes: &[u32]) -> f64 {
    real.iter().zip(volumes).map(|(r, v)| r - f64::from(*v)).sum()
}

fn notes_on(ramp: &Ramp, days: usize, real: &[f64], volumes: &[u32]) -> Vec<String> {
    let Some(growth) = ramp.max_daily_growth else { return Vec::new() };
    let bound = growth_in_words(growth);
    let last = volumes.last().copied().unwrap_or(0);
    if last < ramp.target {
        return vec![format!(
            "the growth bound ({bound}) does not reach the target of {} within {} send-days: the ramp ends at {last}",
            ramp.target,
            volumes.len()
        )];
    }
    if volumes.len() > days {
        return vec![format!(
            "the growth bound ({bound}) makes the ramp longer: {} is reached after {} send-days, not {days}",
            ramp.target,
            volumes.len()
        )];
    }
    let short = shortfall(real, volumes);
    if short > 1.0 + DUST {
        return vec![format!(
            "the growth bound ({bound}) holds the curve back: {} messages fewer in all, the target on its day",
            short.round() as u32
        )];
    }
    Vec::new()
}

/// `+2 or 20 % a day`.
pub(super) fn growth_in_words(growth: Growth) -> String {
    format!("the larger of +{} and {} % a day", growth.messages, percent(growth.share))
}

/// A share as a percentage, with one decimal where it needs one.
pub(super) fn percent(share: f64) -> String {
    let tenths = (share * 1000.0).round();
    if (tenths % 10.0).abs() < f64::EPSILON { format!("{}", tenths / 10.0) } else { format!("{:.1}", tenths / 10.0) }
}

#[cfg(test)]
mod tests;
