//! Invariant 6: every failure ends in a state that a person can see, with a hint that says what to do.

use std::time::Duration;

use super::case::{Case, Member, date_in, share_of_day, wall_clock};
use super::found::Found;
use crate::ledger::{LetterFacts, LetterStep, TroubleRow};
use crate::letter::LetterEvent;
use crate::words::{LetterState, LocalDate, SkipReason};

/// After a local date is over, the next day's run ends what is left of it.
const OVER: Duration = Duration::from_hours(36);
/// Send-days of an answer at most, from when it was expected: four that it waits for its parent, the next four of which it gets the first with room, three to
/// which it is put off, and the one on which that is noticed.
const SEND_DAYS_OF_AN_ANSWER: usize = 12;
/// How long a mailbox must be barred before somebody must have noticed: a run a day.
const BARRED_FOR: Duration = Duration::from_hours(26);

pub(super) fn check(case: &Case<'_>, troubles: &[TroubleRow], found: &mut Found) {
    for letter in &case.history.letters {
        comes_to_an_end(case, letter, found);
        says_why(letter, case.steps(letter.plan.id), found);
    }
    troubles_have_hints(troubles, found);
    the_barred_are_in_trouble(case, troubles, found);
    no_date_is_passed_over(case, found);
}

/// No letter of a date that is over is still to be sent, or on its way.
fn comes_to_an_end(case: &Case<'_>, letter: &LetterFacts, found: &mut Found) {
    let plan = &letter.plan;
    let zone = case.members.get(&plan.sender).map_or(crate::words::Zone::UTC, |m| m.mailbox.zone);
    match letter.state {
        LetterState::Planned | LetterState::Deferred => {
            let end_of_date = wall_clock(plan.date.plus(1), chrono::NaiveTime::MIN, zone);
            if case.age(end_of_date) > OVER {
                found.add(6, Some(plan.id), || format!("letter {} is still {}, its date {} is over", plan.id, letter.state, plan.date));
            } else if plan.parent.is_some() && waited_send_days(case, letter) > SEND_DAYS_OF_AN_ANSWER {
                found.add(6, Some(plan.id), || format!("answer {} is still {}, expected at {}", plan.id, letter.state, plan.expected));
            }
        }
        LetterState::Handed if letter.handed_at.is_none_or(|at| case.age(at) > OVER) => {
            found.add(6, Some(plan.id), || format!("letter {} is still handed: no run has looked what became of it", plan.id));
        }
        _ => {}
    }
}

/// Send-days of an answer's writer since it was expected.
fn waited_send_days(case: &Case<'_>, letter: &LetterFacts) -> usize {
    let Some(member) = case.members.get(&letter.plan.sender) else { return 0 };
    let zone = member.mailbox.zone;
    let (first, last) = (date_in(letter.plan.expected, zone), date_in(case.facts.until, zone));
    let calendar = member.schedule.map(|s| &s.calendar);
    let days = u32::try_from(last.days_since(first)).unwrap_or(0).min(400);
    (0..days).filter(|n| share_of_day(calendar, first.plus(*n)) > 0.0).count()
}

/// What was not sent says why, in the server's words where one spoke.
fn says_why(letter: &LetterFacts, steps: &[LetterStep], found: &mut Found) {
    let id = letter.plan.id;
    if (letter.state == LetterState::Skipped) != letter.skip_reason.is_some() {
        found.add(6, Some(id), || format!("letter {id} is {} without a reason, or has a reason without being skipped", letter.state));
    }
    for step in steps {
        let said = step.text.as_deref().is_some_and(|t| !t.trim().is_empty());
        let good = match step.event {
            LetterEvent::Rejected => said && step.code.is_some_and(|c| (400..600).contains(&c)),
            LetterEvent::Deferred => said && step.code.is_some_and(|c| (400..500).contains(&c)),
            LetterEvent::LostSight => said,
            LetterEvent::Skipped => said && step.text.as_deref() == letter.skip_reason.map(SkipReason::as_str),
            _ => true,
        };
        if !good {
            let (code, text) = (step.code, step.text.as_deref().unwrap_or(""));
            found.add(6, Some(id), || format!("letter {id} was {} at {} and does not say why: {code:?} {text:?}", step.event, step.at));
        }
    }
}

/// A trouble without a hint leaves a person alone with it.
fn troubles_have_hints(troubles: &[TroubleRow], found: &mut Found) {
    for t in troubles {
        if t.hint.trim().is_empty() || t.what.trim().is_empty() {
            found.add(6, None, || {
                format!("{} has a trouble on {} while {} without words or hint: {:?}", t.mailbox, t.channel, t.step, t.what)
            });
        }
    }
}

/// A mailbox that nobody could sign in to for the last day, and that was worked in it, says so.
fn the_barred_are_in_trouble(case: &Case<'_>, troubles: &[TroubleRow], found: &mut Found) {
    let until = case.facts.until;
    for (address, member) in &case.members {
        let barred = hours(BARRED_FOR).all(|n| case.facts.world.may_sign_in(address, until - n).is_err());
        if barred && was_worked(case, member) && !troubles.iter().any(|t| t.mailbox == **address) {
            found.add(6, None, || {
                format!("{address} could not be signed in to since {} at least, and no trouble says so", until - BARRED_FOR)
            });
        }
    }
}

/// A run takes every mailbox that is free through its local date, or through the next where that date's window is over: there must be a day of it, if only
/// one on which nothing is sent.
fn no_date_is_passed_over(case: &Case<'_>, found: &mut Found) {
    for run in case.facts.runs {
        // Another run may have it still: at work until its hours of the date before are over, and not a moment longer.
        for (address, member) in &case.members {
            let zone = member.mailbox.zone;
            let today = date_in(run.at, zone);
            let is_over = run.at >= wall_clock(today, member.window.to, zone);
            let date = if is_over { today.plus(1) } else { today };
            if !run.alone && run.at < wall_clock(date.minus(1), member.engagement.to.max(member.window.to), zone) {
                continue;
            }
            if case.day(address, date).is_none() {
                let window = if is_over { "its window of the day before was over" } else { "its window was not over" };
                found.add(6, None, || format!("no day was made for {address} on {date} by the run at {}, when {window} in {zone}", run.at));
            }
        }
    }
}

fn hours(span: Duration) -> impl Iterator<Item = Duration> {
    (0..=span.as_secs() / 3600).map(Duration::from_hours)
}

/// Whether a day was made for a mailbox, today or yesterday: then a run was there.
fn was_worked(case: &Case<'_>, member: &Member<'_>) -> bool {
    let today: LocalDate = date_in(case.facts.until, member.mailbox.zone);
    let has = |date| case.day(&member.mailbox.address, date).is_some();
    has(today) || has(today.minus(1))
}
