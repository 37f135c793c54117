//! The window: which dates a rule looks at.

use super::facts::{DayFacts, Facts};
use super::limits::{ENOUGH, STRETCHED_DAYS, WINDOW_DAYS};
use crate::words::{LocalDate, Verdict};

/// The dates that a rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Window {
    /// The first date.
    pub from: LocalDate,
    /// The last date.
    pub to: LocalDate,
    /// Whether it is longer than 7 days, because those held too few.
    pub stretched: bool,
    /// The verdict after which it begins anew, where that cut it.
    pub restarted_by: Option<Restart>,
}

/// A verdict after which the window began anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Restart {
    /// Its date; the window begins on the next.
    pub date: LocalDate,
    /// The verdict.
    pub verdict: Verdict,
}

impl Window {
    /// One date.
    pub(super) fn of_date(date: LocalDate) -> Self {
        Self { from: date, to: date, stretched: false, restarted_by: None }
    }

    /// The last 7 dates of `facts`, stretched to 14 until they hold enough by `count`; never back beyond the last step back, floor or pause,
    /// nor beyond what is known.
    pub(super) fn of(facts: &Facts, count: impl Fn(&DayFacts) -> u64) -> Self {
        let to = facts.date;
        let restart = facts.restart().map(|(date, verdict)| Restart { date, verdict });
        let anew = restart.map(|restart| restart.date.plus(1));
        let begun = facts.days.range(..=to).next().map_or(to, |(date, _)| *date);
        let earliest = anew.map_or(begun, |anew| anew.max(begun)).min(to);
        let mut from = to.minus(WINDOW_DAYS - 1).max(earliest);
        let mut held: u64 = facts.days.range(from..=to).map(|(_, day)| count(day)).fold(0, u64::saturating_add);
        let most = to.minus(STRETCHED_DAYS - 1).max(earliest);
        while held < ENOUGH && from > most {
            from = from.minus(1);
            held = held.saturating_add(facts.days.get(&from).map_or(0, &count));
        }
        let cut = restart.filter(|restart| restart.date >= to.minus(STRETCHED_DAYS) && from <= restart.date.plus(1).max(begun));
        Self { from, to, stretched: to.days_since(from) >= i64::from(WINDOW_DAYS), restarted_by: cut }
    }

    /// The days of `facts` that lie in it.
    pub(super) fn days<'a>(&self, facts: &'a Facts) -> impl Iterator<Item = &'a DayFacts> {
        let until = self.to.max(self.from);
        facts.days.range(self.from..=until).map(|(_, day)| day)
    }

    /// Its length in days.
    pub(super) fn length(&self) -> i64 {
        self.to.days_since(self.from) + 1
    }
}
