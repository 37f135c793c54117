//! Judging: every rule is asked, and the harshest word holds.

use std::collections::BTreeSet;

use super::facts::Facts;
use super::limits::{RateRule, reports_complaints};
use super::placement::{self, placement_window, tally};
use super::ruling::{Bound, Judgement, Measure, Rule, Ruling};
use super::wilson::{Z_90_ONE_SIDED, Z_95_TWO_SIDED, wilson};
use super::window::Window;
use super::{signals, standing};
use crate::words::{Provider, SignalScope, Verdict};

/// What the guard says of a mailbox's or a domain's date.
pub fn judge(facts: &Facts) -> Judgement {
    let standing = standing::rulings(facts);
    let is_paused = standing.iter().any(|ruling| ruling.rule == Rule::PauseGoesOn);
    // While a pause goes on, nobody waits for letters to judge by.
    let placement = placement::rulings(facts).into_iter().filter(|ruling| !(is_paused && ruling.rule == Rule::TooFew));
    let rulings = standing.into_iter().chain(signals::rulings(facts)).chain(placement);
    Judgement::new(clear(facts), rulings, not_observable(facts))
}

/// What is said where no rule speaks.
pub(super) fn clear(facts: &Facts) -> Ruling {
    let window = placement_window(facts);
    let (bad, n) = tally(window.days(facts));
    Ruling { numerator: bad, denominator: Some(n), ..Ruling::on(facts, Rule::Clear, Verdict::Advance, window) }
}

fn not_observable(facts: &Facts) -> Vec<Provider> {
    let window = placement_window(facts);
    let written_to = window.days(facts).flat_map(|day| &day.letters).filter(|(_, letters)| letters.sent > 0);
    let silent: BTreeSet<Provider> = written_to.map(|(provider, _)| *provider).filter(|provider| !reports_complaints(*provider)).collect();
    silent.into_iter().collect()
}

impl Ruling {
    /// A ruling on our letters that has no figures yet.
    pub(super) fn on(facts: &Facts, rule: Rule, verdict: Verdict, window: Window) -> Self {
        Self {
            subject: facts.subject.clone(),
            date: facts.date,
            verdict,
            rule,
            scope: SignalScope::Warmup,
            numerator: 0,
            denominator: None,
            bound: None,
            window,
            until: None,
            classes: std::collections::BTreeMap::new(),
            provider: None,
            reentry_quota: None,
        }
    }
}

impl RateRule {
    /// Whether it speaks of `hits` of `of` (`None`: nobody knows of how many), and on which comparison.
    pub(super) fn speaks(&self, hits: u64, of: Option<u64>) -> Option<Bound> {
        let limit = self.limit as f64 / 1000.0;
        let bound = |value| Bound { measure: self.measure, value, limit, or_equal: self.or_equal };
        if hits < self.hits.max(1) || of.is_some_and(|of| of < self.of) {
            return None;
        }
        let Some(of) = of else { return self.by_count.then(|| bound(None)) };
        let (over, value) = match self.measure {
            Measure::Share => {
                // In whole numbers: 5 of 50 is exactly 10 %.
                let (hits, limit) = (u128::from(hits) * 1000, u128::from(self.limit) * u128::from(of));
                (hits > limit || self.or_equal && hits == limit, share(hits, u128::from(of) * 1000))
            }
            Measure::Lower90 => above(wilson(hits, of, Z_90_ONE_SIDED).low, limit),
            Measure::Lower95 => above(wilson(hits, of, Z_95_TWO_SIDED).low, limit),
        };
        over.then(|| bound(Some(value)))
    }
}

fn above(value: f64, limit: f64) -> (bool, f64) {
    (value > limit, value)
}

/// Never more than the whole: a signal may come for a message that was counted elsewhere.
fn share(hits: u128, of: u128) -> f64 {
    if of == 0 { 1.0 } else { (hits as f64 / of as f64).min(1.0) }
}
