//! Days put together into weeks, from Monday to Sunday.

use crate::rehearsal::{Day, inbox_rate};
use crate::words::LocalDate;

/// A week of a rehearsal, or the part of one that was played.
pub(super) struct Week<'a> {
    /// Its Monday, whether or not that was played.
    pub monday: Option<LocalDate>,
    /// Its days.
    pub days: &'a [Day],
    /// Their sum, with the first day's number and date.
    pub sum: Day,
}

impl Week<'_> {
    /// The share of the inbox in what has a placement.
    pub fn inbox_rate(&self) -> Option<f64> {
        inbox_rate(self.sum.inbox, self.sum.spam)
    }
}

/// The weeks of these days, in order; days without a date are put together by sevens.
pub(super) fn weeks(days: &[Day]) -> Vec<Week<'_>> {
    let week_of = |day: &Day| day.date.map_or_else(|| (None, day.n.saturating_sub(1) / 7), |date| (Some(monday(date)), 0));
    days.chunk_by(|a, b| week_of(a) == week_of(b))
        .map(|days| Week { monday: days.first().and_then(|d| d.date).map(monday), days, sum: sum(days) })
        .collect()
}

/// The Monday of a date's week.
pub(super) fn monday(date: LocalDate) -> LocalDate {
    date.minus(date.weekday().num_days_from_monday())
}

/// Counts over some days.
pub(super) fn sum(days: &[Day]) -> Day {
    let of = |count: fn(&Day) -> u32| days.iter().map(count).fold(0, u32::saturating_add);
    Day {
        n: days.first().map_or(0, |d| d.n),
        date: days.first().and_then(|d| d.date),
        planned: of(|d| d.planned),
        quota: of(|d| d.quota),
        sent: of(|d| d.sent),
        answers: of(|d| d.answers),
        inbox: of(|d| d.inbox),
        spam: of(|d| d.spam),
        filed: of(|d| d.filed),
        missing: of(|d| d.missing),
        unaccounted: of(|d| d.unaccounted),
        bounced: of(|d| d.bounced),
        rejected: of(|d| d.rejected),
        skipped: of(|d| d.skipped),
        rescued: of(|d| d.rescued),
        by_partners: of(|d| d.by_partners),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_mondays_and_hold_their_sums() {
        let first = LocalDate::ymd(2026, 12, 4);
        let days: Vec<Day> =
            (0..10).map(|i| Day { n: i + 1, date: first.map(|d| d.plus(i)), sent: i, inbox: 3, spam: 1, ..Day::default() }).collect();
        let weeks = weeks(&days);
        let seen: Vec<(String, usize, u32)> = weeks.iter().map(|w| (w.monday.unwrap().to_string(), w.days.len(), w.sum.sent)).collect();
        assert_eq!(seen, [("2026-11-30".into(), 3, 3), ("2026-12-07".into(), 7, 42)]);
        assert_eq!(weeks[0].inbox_rate(), Some(0.75));
        let undated: Vec<Day> = (1..=9).map(|n| Day { n, ..Day::default() }).collect();
        assert_eq!(super::weeks(&undated).iter().map(|w| w.days.len()).collect::<Vec<_>>(), [7, 2]);
    }
}
