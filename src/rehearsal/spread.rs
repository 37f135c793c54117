//! Many seeds of one scenario: the middle of what came of them, and how far they lie apart.

use super::{Quantiles, Rehearsed, Spread, SpreadDay};

/// The share of the inbox in what has a placement (inbox and spam), 0 to 1; `None` where nothing has one.
pub fn inbox_rate(inbox: u32, spam: u32) -> Option<f64> {
    let placed = u64::from(inbox) + u64::from(spam);
    (placed > 0).then(|| f64::from(inbox) / placed as f64)
}

/// The median and the 10 % and 90 % quantiles, with straight lines between the values in their order (so that the median of an even number of
/// values is the mean of the middle two). What is not a number is left out; `None` where nothing is left.
pub fn quantiles(values: impl IntoIterator<Item = f64>) -> Option<Quantiles> {
    let mut sorted: Vec<f64> = values.into_iter().filter(|v| v.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    let at = |share: f64| {
        let place = share * last as f64;
        let below = (place.floor() as usize).min(last);
        let above = (below + 1).min(last);
        sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
    };
    Some(Quantiles { p10: at(0.1), median: at(0.5), p90: at(0.9) })
}

/// The spread of rehearsals of one scenario that differ in their seeds alone. Rehearsals that are shorter than others are left out of the days that
/// they do not have.
pub fn spread_of(played: &[Rehearsed]) -> Spread {
    let longest = played.iter().map(|r| r.days.len()).max().unwrap_or(0);
    let reached = || played.iter().filter_map(|r| r.target_day).map(f64::from);
    Spread {
        scenario: played.first().map(|r| r.scenario.clone()).unwrap_or_default(),
        seeds: played.len() as u32,
        days: (0..longest).filter_map(|n| spread_day(played, n)).collect(),
        target_day: quantiles(reached()),
        not_reached: (played.len() - reached().count()) as u32,
        breaches: played.iter().flat_map(|r| r.breaches.iter().map(|b| (r.seed, b.clone()))).collect(),
    }
}

fn spread_day(played: &[Rehearsed], n: usize) -> Option<SpreadDay> {
    let days = || played.iter().filter_map(|r| r.days.get(n));
    let first = days().next()?;
    Some(SpreadDay {
        n: first.n,
        date: first.date,
        planned: first.planned,
        sent: quantiles(days().map(|d| f64::from(d.sent)))?,
        inbox_rate: quantiles(days().filter_map(|d| inbox_rate(d.inbox, d.spam))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearsal::{Breach, Day};
    use crate::words::LocalDate;

    fn all(values: &[f64]) -> (f64, f64, f64) {
        let q = quantiles(values.iter().copied()).unwrap();
        // To the ninth place: the sums of tenths are not exact.
        let round = |v: f64| (v * 1e9).round() / 1e9;
        (round(q.p10), round(q.median), round(q.p90))
    }

    #[test]
    fn quantiles_are_those_computed_by_hand() {
        assert_eq!(all(&[7.0]), (7.0, 7.0, 7.0));
        assert_eq!(all(&[4.0, 2.0]), (2.2, 3.0, 3.8));
        assert_eq!(all(&[3.0, 1.0, 2.0]), (1.2, 2.0, 2.8));
        // 0 to 10: the tenth part of ten steps is one step.
        assert_eq!(all(&(0..=10).rev().map(f64::from).collect::<Vec<_>>()), (1.0, 5.0, 9.0));
        // 1, 2, 4, 8, 16, 32: places 0.5, 2.5 and 4.5.
        assert_eq!(all(&[32.0, 1.0, 16.0, 2.0, 8.0, 4.0]), (1.5, 6.0, 24.0));
        assert_eq!(all(&[5.0, f64::NAN, 5.0]), (5.0, 5.0, 5.0));
        assert_eq!(quantiles([]), None);
    }

    #[test]
    fn a_rate_needs_a_letter_with_a_placement() {
        assert_eq!(inbox_rate(0, 0), None);
        assert_eq!(inbox_rate(0, 3), Some(0.0));
        assert_eq!(inbox_rate(3, 1), Some(0.75));
        assert_eq!(inbox_rate(u32::MAX, u32::MAX), Some(0.5));
    }

    fn played(seed: u64, days: &[(u32, u32, u32)], target_day: Option<u32>) -> Rehearsed {
        let day = |(i, (sent, inbox, spam)): (usize, &(u32, u32, u32))| Day {
            n: i as u32 + 1,
            date: LocalDate::ymd(2026, 12, 1).map(|d| d.plus(i as u32)),
            planned: 4,
            sent: *sent,
            inbox: *inbox,
            spam: *spam,
            ..Day::default()
        };
        Rehearsed {
            scenario: "healthy".into(),
            seed,
            schedules: vec!["standard-6w".into()],
            warming: 1,
            partners: 3,
            days: days.iter().enumerate().map(day).collect(),
            guard: true,
            days_lost: 0.0,
            verdicts: vec![],
            target_reached: None,
            target_day,
            reputation: vec![],
            troubles: vec![],
            breaches: vec![],
            fingerprint: String::new(),
        }
    }

    #[test]
    fn a_spread_counts_seeds_and_leaves_out_what_is_not_there() {
        let breach = Breach { invariant: 1, what: "5 of 4".into(), letter: None, story: vec![] };
        let mut all = vec![
            played(1, &[(4, 3, 1), (0, 0, 0)], Some(30)),
            played(2, &[(2, 2, 0), (0, 0, 0), (8, 4, 4)], None),
            played(3, &[(3, 0, 3), (0, 0, 0)], Some(34)),
        ];
        all[2].breaches.push(breach.clone());
        let spread = spread_of(&all);
        assert_eq!((spread.scenario.as_str(), spread.seeds, spread.not_reached), ("healthy", 3, 1));
        assert_eq!(spread.breaches, vec![(3, breach)]);
        assert_eq!(spread.target_day, quantiles([30.0, 34.0]));
        assert_eq!(
            spread.days.iter().map(|d| (d.n, d.planned, d.sent.median)).collect::<Vec<_>>(),
            [(1, 4, 3.0), (2, 4, 0.0), (3, 4, 8.0)]
        );
        assert_eq!(spread.days.iter().map(|d| d.inbox_rate.map(|q| q.median)).collect::<Vec<_>>(), [Some(0.75), None, Some(0.5)]);
        assert_eq!(spread_of(&[]).days, vec![]);
    }
}
