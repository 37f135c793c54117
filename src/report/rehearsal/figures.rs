//! What rehearsals are compared by: a handful of figures over one seed or many.

use serde::Serialize;

use super::weeks::weeks;
use crate::rehearsal::{Quantiles, Rehearsed, inbox_rate, quantiles};

/// The figures of one schedule over its seeds. All are modelled.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Figures {
    /// The day on which the target was reached, over those seeds that reached it.
    pub target_day: Option<Quantiles>,
    /// In how many seeds it was not.
    pub not_reached: u32,
    /// Letters sent up to and on that day, over the same seeds.
    pub letters_until_target: Option<Quantiles>,
    /// All letters sent.
    pub sent: Option<Quantiles>,
    /// All letters first seen in spam.
    pub spam: Option<Quantiles>,
    /// How often a rule said something other than *advance*.
    pub verdicts: Option<Quantiles>,
    /// Inbox rate of the last seven days.
    pub last_week: Option<Quantiles>,
    /// Ramp days lost, by mailbox.
    pub days_lost: Option<Quantiles>,
    /// Broken invariants in all seeds.
    pub breaches: u32,
    /// The inbox rate of each week, from the first on.
    pub inbox_by_week: Vec<Option<Quantiles>>,
}

impl Figures {
    pub fn of(played: &[Rehearsed]) -> Self {
        let over = |count: &dyn Fn(&Rehearsed) -> Option<u64>| quantiles(played.iter().filter_map(count).map(|n| n as f64));
        let total = |count: fn(&crate::rehearsal::Day) -> u32| move |r: &Rehearsed| Some(r.days.iter().map(|d| u64::from(count(d))).sum());
        let by_week: Vec<Vec<Option<f64>>> =
            played.iter().map(|r| weeks(&r.days).iter().map(super::weeks::Week::inbox_rate).collect()).collect();
        let longest = by_week.iter().map(Vec::len).max().unwrap_or(0);
        Self {
            target_day: over(&|r| r.target_day.map(u64::from)),
            not_reached: played.iter().filter(|r| r.target_day.is_none()).count() as u32,
            letters_until_target: over(&letters_until_target),
            sent: over(&total(|d| d.sent)),
            spam: over(&total(|d| d.spam)),
            verdicts: over(&|r| Some(r.verdicts.len() as u64)),
            last_week: quantiles(played.iter().filter_map(last_week)),
            days_lost: quantiles(played.iter().map(|r| r.days_lost)),
            breaches: played.iter().map(|r| r.breaches.len() as u32).sum(),
            inbox_by_week: (0..longest).map(|n| quantiles(by_week.iter().filter_map(|w| w.get(n).copied().flatten()))).collect(),
        }
    }

    /// The week, from 1, whose median inbox rate is the lowest, and that rate's spread.
    pub fn worst_week(&self) -> Option<(usize, Quantiles)> {
        let known = self.inbox_by_week.iter().enumerate().filter_map(|(n, q)| q.map(|q| (n + 1, q)));
        known.min_by(|a, b| a.1.median.total_cmp(&b.1.median))
    }
}

/// The inbox rate of the last seven days together.
fn last_week(r: &Rehearsed) -> Option<f64> {
    let last = &r.days[r.days.len().saturating_sub(7)..];
    inbox_rate(last.iter().map(|d| d.inbox).sum(), last.iter().map(|d| d.spam).sum())
}

fn letters_until_target(r: &Rehearsed) -> Option<u64> {
    let day = r.target_day?;
    Some(r.days.iter().filter(|d| d.n <= day).map(|d| u64::from(d.sent)).sum())
}
