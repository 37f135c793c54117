//! The rules about where letters were seen.

use super::facts::{DayFacts, Facts};
use super::limits::{FLOOR_SEND_DAYS, HELD_SEND_DAYS, JUDGED_FROM, PAUSE_DAYS, PLACEMENT, STRETCHED_DAYS, SUDDEN, SUDDEN_SEND_DAYS};
use super::ruling::{Bound, Measure, Rule, Ruling, Until};
use super::window::{Restart, Window};
use crate::words::{LocalDate, Verdict};

/// What the placement rules say: one by the window's rate, one by the last send-days, and those about what is not known.
pub(super) fn rulings(facts: &Facts) -> Vec<Ruling> {
    let mut rulings: Vec<Ruling> = [by_rate(facts), sudden(facts)].into_iter().flatten().collect();
    rulings.extend(without_relief(facts, &rulings));
    rulings.extend(blind(facts));
    rulings.extend(too_few(facts));
    rulings
}

/// The window of the placement rules.
pub(super) fn placement_window(facts: &Facts) -> Window {
    Window::of(facts, |day| day.all_letters().n())
}

/// Bad letters, and the letters of which they are a part.
pub(super) fn tally<'a>(days: impl Iterator<Item = &'a DayFacts>) -> (u64, u64) {
    let letters = days.flat_map(|day| day.letters.values());
    letters.fold((0, 0), |(bad, n), letters| (bad.saturating_add(letters.bad()), n.saturating_add(letters.n())))
}

/// The harshest rule that speaks of the window's letters.
pub(super) fn by_rate(facts: &Facts) -> Option<Ruling> {
    let window = placement_window(facts);
    let (bad, n) = tally(window.days(facts));
    PLACEMENT.iter().find_map(|rule| {
        let bound = rule.speaks(bad, Some(n))?;
        Some(Ruling { numerator: bad, denominator: Some(n), bound: Some(bound), ..Ruling::on(facts, rule.rule, rule.verdict, window) })
    })
}

/// A sudden fall: the last two send-days alone.
fn sudden(facts: &Facts) -> Option<Ruling> {
    let restart = facts.restart();
    let recent = facts.send_days.range(..=facts.date).rev().take(SUDDEN_SEND_DAYS);
    let seen: Vec<LocalDate> = recent
        .copied()
        .filter(|day| restart.is_none_or(|(date, _)| *day > date) && facts.date.days_since(*day) < i64::from(STRETCHED_DAYS))
        .collect();
    let (from, to) = (*seen.last()?, *seen.first()?);
    let (bad, n) = tally(seen.iter().filter_map(|day| facts.days.get(day)));
    let bound = SUDDEN.speaks(bad, Some(n))?;
    let cut = restart.filter(|_| seen.len() < SUDDEN_SEND_DAYS);
    let restarted_by = cut.map(|(date, verdict)| Restart { date, verdict });
    let window = Window { from, to, stretched: false, restarted_by };
    Some(Ruling { numerator: bad, denominator: Some(n), bound: Some(bound), ..Ruling::on(facts, SUDDEN.rule, SUDDEN.verdict, window) })
}

/// Seven send-days at the floor, and what is seen still takes the ramp back: sending stops for a while.
fn without_relief(facts: &Facts, rulings: &[Ruling]) -> Option<Ruling> {
    let worst = rulings.iter().find(|ruling| ruling.verdict.harshness() >= Verdict::StepBack.harshness())?;
    if facts.send_days_since(at_the_floor_since(facts)?) < FLOOR_SEND_DAYS {
        return None;
    }
    Some(Ruling { rule: Rule::FloorWithoutRelief, ..worst.clone() }.pausing(facts))
}

/// The date that put it on the floor, where it is there still. An advance is the relief; a pause begins another story.
fn at_the_floor_since(facts: &Facts) -> Option<LocalDate> {
    facts.history.range(..facts.date).fold(None, |since, (date, past)| match past.verdict {
        Verdict::Floor => since.or(Some(*date)),
        Verdict::Advance | Verdict::Pause => None,
        Verdict::Hold | Verdict::StepBack | Verdict::Rest => since,
    })
}

/// Never advance on silence: under half of the letters that must have been seen by now were seen.
fn blind(facts: &Facts) -> Option<Ruling> {
    let (placed, accepted) = (u64::from(facts.aged.placed), u64::from(facts.aged.accepted));
    if placed * 2 >= accepted {
        return None;
    }
    let bound = Bound { measure: Measure::Share, value: Some(placed as f64 / accepted as f64), limit: 0.5, or_equal: false };
    // 24 to 96 hours ago, by date.
    let window = Window { from: facts.date.minus(4), to: facts.date.minus(1), ..Window::of_date(facts.date) };
    let figures = Ruling::on(facts, Rule::Blind, Verdict::Hold, window);
    Some(Ruling { numerator: placed, denominator: Some(accepted), bound: Some(bound), ..figures })
}

/// After a restart the position stays until there are letters to judge by, three send-days at most.
fn too_few(facts: &Facts) -> Option<Ruling> {
    let (date, verdict) = facts.restart()?;
    let window = Window { restarted_by: Some(Restart { date, verdict }), ..placement_window(facts) };
    let (_, n) = tally(window.days(facts));
    if n >= JUDGED_FROM || facts.send_days_since(date) > HELD_SEND_DAYS {
        return None;
    }
    Some(Ruling { numerator: n, denominator: Some(JUDGED_FROM), ..Ruling::on(facts, Rule::TooFew, Verdict::Hold, window) })
}

impl Ruling {
    /// The same figures with a pause that ends by itself.
    pub(super) fn pausing(self, facts: &Facts) -> Self {
        let until = Some(Until::Date(facts.date.plus(PAUSE_DAYS + 1)));
        Self { verdict: Verdict::Pause, until, reentry_quota: half_of_last_quota(facts), ..self }
    }
}

/// Where a pause lets the ramp in again.
pub(super) fn half_of_last_quota(facts: &Facts) -> Option<u32> {
    facts.last_sent_quota.map(|quota| quota / 2)
}
