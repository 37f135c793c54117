//! Invariant 4, answers: they are where the draws say, once each, and behind what they answer.

use std::collections::BTreeMap;
use std::time::Duration;

use super::case::Case;
use super::found::Found;
use crate::ledger::{ActionKind, LetterFacts};
use crate::letter::LetterEvent;
use crate::words::{Address, LetterId, Moment, Placement, SkipReason};

pub(super) fn check(case: &Case<'_>, found: &mut Found) {
    let mut answers: BTreeMap<LetterId, &LetterFacts> = BTreeMap::new();
    for letter in &case.history.letters {
        let Some(parent) = letter.plan.parent else {
            if letter.plan.in_thread != 1 {
                let (id, n) = (letter.plan.id, letter.plan.in_thread);
                found.add(4, Some(id), || format!("letter {id} answers nothing, but is number {n} of its thread"));
            }
            continue;
        };
        if let Some(first) = answers.insert(parent, letter) {
            let (a, b) = (first.plan.id, letter.plan.id);
            found.add(4, Some(b), || format!("letter {parent} has two answers, {a} and {b}"));
        }
        answers_as_drawn(case, letter, parent, found);
        is_not_called_unread(case, letter, parent, found);
    }
    for letter in &case.history.letters {
        has_its_answer(case, letter, answers.contains_key(&letter.plan.id), found);
    }
}

/// An answer goes back to who wrote the parent, because the parent's draws say so, and after the parent was seen.
fn answers_as_drawn(case: &Case<'_>, answer: &LetterFacts, parent: LetterId, found: &mut Found) {
    let id = answer.plan.id;
    let Some(parent) = case.letter(parent) else {
        return found.add(4, Some(id), || format!("letter {id} answers {parent}, which is not there"));
    };
    let (a, p) = (&answer.plan, &parent.plan);
    let length = case.config.pairs.thread_length;
    if a.sender != p.recipient || a.recipient != p.sender || a.in_thread != p.in_thread + 1 || a.in_thread > length {
        found.add(4, Some(id), || {
            let (from, to, n) = (&a.sender, &a.recipient, a.in_thread);
            format!("letter {id} from {from} to {to} is number {n} of a thread of {length} at most, and no answer to {}", p.id)
        });
    }
    if !p.draws.answer || !(p.draws.open || parent.rescued_at.is_some()) {
        found.add(4, Some(id), || format!("letter {id} answers {}, whose draws want no answer", p.id));
    }
    let Some(sent) = case.submissions_of(id).next() else { return };
    if parent.seen_at.is_none_or(|seen| sent.at < seen) {
        found.add(4, Some(id), || format!("letter {id} answers {} and went at {}, before that was seen", p.id, sent.at));
    }
}

/// An answer that never got a day, for its parent was not read: then nobody had read it.
fn is_not_called_unread(case: &Case<'_>, answer: &LetterFacts, parent: LetterId, found: &mut Found) {
    let id = answer.plan.id;
    if answer.skip_reason != Some(SkipReason::ParentUnseen) || answer.plan.due.is_some() {
        return;
    }
    let Some(skipped) = case.steps(id).iter().find(|s| s.event == LetterEvent::Skipped) else { return };
    // One that has waited for days is given up when a run begins, which may be when a machine wakes: its parent may be read in the same moment, after that.
    let too_soon = |read: &Moment| *read < skipped.at || *read == skipped.at && answer.put_off == 0;
    if let Some(read) = read_at(case, parent).filter(too_soon) {
        found.add(4, Some(id), || format!("letter {id} was given up because {parent} was not read, but it was, at {read}"));
    }
}

/// When a letter's recipient opened it.
fn read_at(case: &Case<'_>, letter: LetterId) -> Option<Moment> {
    let open = case.actions(letter).iter().find(|a| a.kind == ActionKind::Open && a.result.as_deref() == Some("done"))?;
    open.done_at
}

/// A letter whose draws foretell an answer has one on the agenda, sent or not.
fn has_its_answer(case: &Case<'_>, letter: &LetterFacts, has: bool, found: &mut Found) {
    let plan = &letter.plan;
    let read =
        plan.draws.open || letter.rescued_at.is_some() && letter.placement == Some(Placement::Spam) && read_at(case, plan.id).is_some();
    let foretold = read && plan.draws.answer && plan.in_thread < case.config.pairs.thread_length;
    // Who never sends never answers.
    let sends = case
        .members
        .get(&plan.recipient)
        .is_some_and(|m| m.schedule.is_none_or(|s| !s.calendar.weekdays.is_empty() || s.calendar.weekend_factor > 0.0));
    // Who was suspended as a recipient when the agenda was made, in the two days before the letter, gets no answer planned.
    let planned_in = (plan.expected - Duration::from_hours(48), plan.expected);
    let gets_none =
        |(who, since, until): &(Address, Moment, Moment)| *who == plan.sender && *since <= planned_in.1 && planned_in.0 < *until;
    if foretold && sends && !has && !case.facts.suspended.iter().any(gets_none) {
        found.add(4, Some(plan.id), || format!("the draws of letter {} foretell an answer, and there is none", plan.id));
    }
}
