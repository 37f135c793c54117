//! Invariant 5: replaying the history gives the live state.

use std::collections::BTreeMap;

use super::case::Case;
use super::found::Found;
use crate::ledger::{CheckReport, LetterFacts, LetterStep};
use crate::letter::LetterEvent as E;
use crate::words::{Address, LetterState as S, LocalDate, Moment};

pub(super) fn check(case: &Case<'_>, own_check: &CheckReport, found: &mut Found) {
    for fault in &own_check.faults {
        found.add(5, None, || format!("the ledger's own check: {fault}"));
    }
    for letter in &case.history.letters {
        let steps = case.steps(letter.plan.id);
        in_order(case, letter, steps, found);
        gives_the_state(letter, steps, found);
        gives_the_columns(case, letter, steps, found);
    }
    gives_the_sums(case, found);
}

/// Steps are numbered from 1 without a hole, and no later one is earlier. Sender and recipient each write what they saw when they saw it: a letter may
/// be seen before its sender has heard the reply, by no more than a command takes.
fn in_order(case: &Case<'_>, letter: &LetterFacts, steps: &[LetterStep], found: &mut Found) {
    let id = letter.plan.id;
    if (1..).zip(steps).any(|(n, s)| s.n != n) {
        found.add(5, Some(id), || format!("the steps of letter {id} are not numbered one after the other"));
    }
    if let Some([a, b]) = steps.windows(2).find_map(|w| <&[_; 2]>::try_from(w).ok().filter(|[a, b]| b.at + case.facts.slack < a.at)) {
        found.add(5, Some(id), || format!("letter {id} was {} at {}, but {} before that, at {}", a.event, a.at, b.event, b.at));
    }
    if let Some(last) = steps.last().filter(|s| s.at > case.facts.until) {
        found.add(5, Some(id), || format!("letter {id} was {} at {}, which is yet to come", last.event, last.at));
    }
}

/// Folds the steps: every one is legal, and the last state is the letter's.
fn gives_the_state(letter: &LetterFacts, steps: &[LetterStep], found: &mut Found) {
    let (id, mut state) = (letter.plan.id, S::Planned);
    for step in steps {
        match after(state, step.event) {
            Some(next) => state = next,
            None => {
                return found.add(5, Some(id), || format!("letter {id} was {state} when it was said to be {} at {}", step.event, step.at));
            }
        }
    }
    if state != letter.state {
        found.add(5, Some(id), || format!("letter {id} is {}, its history says {state}", letter.state));
    }
}

/// The state after an event, as the design tells a letter's life; `None` where it cannot happen.
///
/// Before the bytes everything is open. After them a letter is on a scale of knowledge, and only better knowledge moves it: uncertain, given up,
/// accepted, missing, bounced or seen.
fn after(state: S, event: E) -> Option<S> {
    let before_bytes = matches!(state, S::Planned | S::Deferred);
    let taken_perhaps = matches!(state, S::Handed | S::Uncertain | S::Unaccounted);
    let taken = matches!(state, S::Accepted | S::Missing | S::Seen | S::Bounced);
    match event {
        E::HandedOver => before_bytes.then_some(S::Handed),
        E::Deferred => before_bytes.then_some(S::Deferred),
        E::Skipped => before_bytes.then_some(S::Skipped),
        E::Rejected if before_bytes || taken_perhaps => Some(S::Rejected),
        E::Rejected => matches!(state, S::Seen | S::Bounced).then_some(state),
        E::Accepted if taken_perhaps => Some(S::Accepted),
        E::Accepted => taken.then_some(state),
        E::Found if taken_perhaps && state != S::Handed => Some(S::Accepted),
        E::Found => taken.then_some(state),
        E::LostSight if state == S::Handed => Some(S::Uncertain),
        E::LostSight => (taken || taken_perhaps).then_some(state),
        E::GivenUp => (state == S::Uncertain).then_some(S::Unaccounted),
        E::GoneMissing => (state == S::Accepted).then_some(S::Missing),
        E::Seen => (taken_perhaps || (taken && state != S::Bounced)).then_some(S::Seen),
        E::Bounced => (taken_perhaps || (taken && state != S::Seen)).then_some(S::Bounced),
    }
}

/// What is kept beside the state is what the steps say.
fn gives_the_columns(case: &Case<'_>, letter: &LetterFacts, steps: &[LetterStep], found: &mut Found) {
    let id = letter.plan.id;
    let first = |of: &[E]| steps.iter().find(|s| of.contains(&s.event)).map(|s| s.at);
    let times: [(&str, Option<Moment>, Option<Moment>); 3] = [
        ("handed_at", letter.handed_at, first(&[E::HandedOver])),
        ("accepted_at", letter.accepted_at, first(&[E::Accepted, E::Found, E::Seen, E::Bounced])),
        ("seen_at", letter.seen_at, first(&[E::Seen])),
    ];
    let shown = |at: Option<Moment>| at.map_or_else(|| "never".to_owned(), |at| at.to_string());
    for (column, live, replayed) in times {
        if live != replayed {
            found.add(5, Some(id), || format!("{column} of letter {id} is {}, its steps say {}", shown(live), shown(replayed)));
        }
    }
    let deferred = steps.iter().filter(|s| s.event == E::Deferred).count();
    if letter.attempts as usize != deferred {
        found.add(5, Some(id), || format!("letter {id} has {} attempts, its steps say {deferred}", letter.attempts));
    }
    if letter.seen_at.is_some() != letter.placement.is_some() {
        found.add(5, Some(id), || format!("letter {id} has a placement without a sighting, or the other way round"));
    }
    let sighted_by_recipient = case.sighted(id).iter().any(|(_, who)| *who == letter.plan.recipient);
    if letter.seen_at.is_some() != sighted_by_recipient || case.sighted(id).len() > 1 {
        found.add(5, Some(id), || format!("letter {id} is {}, which its sightings do not bear out", letter.state));
    }
}

/// What a day has spent and what was accepted of it, counted from the steps.
fn gives_the_sums(case: &Case<'_>, found: &mut Found) {
    let mut sums: BTreeMap<(&Address, LocalDate), (u32, u32)> = BTreeMap::new();
    for letter in &case.history.letters {
        let steps = case.steps(letter.plan.id);
        let has = |of: &[E]| u32::from(steps.iter().any(|s| of.contains(&s.event)));
        let sum = sums.entry((&letter.plan.sender, letter.plan.date)).or_default();
        sum.0 += has(&[E::HandedOver]);
        sum.1 += has(&[E::Accepted, E::Found, E::Seen, E::Bounced]);
    }
    for day in &case.history.days {
        let (spent, accepted) = sums.remove(&(&day.plan.mailbox, day.plan.date)).unwrap_or_default();
        if (day.spent, day.accepted) != (spent, accepted) {
            let (mailbox, date) = (&day.plan.mailbox, day.plan.date);
            found.add(5, None, || {
                format!(
                    "{mailbox} on {date}: the day says {} spent and {} accepted, the steps say {spent} and {accepted}",
                    day.spent, day.accepted
                )
            });
        }
    }
    for ((mailbox, date), (spent, _)) in sums.into_iter().filter(|(_, (spent, _))| *spent > 0) {
        found.add(5, None, || format!("{mailbox} handed {spent} over on {date}, for which there is no day"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::letter::next_state;

    #[test]
    fn the_design_and_the_program_agree_on_every_step() {
        for state in S::ALL {
            for event in E::ALL {
                assert_eq!(after(*state, event), next_state(*state, event).ok(), "{state} → {event}");
            }
        }
    }
}
