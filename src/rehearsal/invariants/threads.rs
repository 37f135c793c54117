//! Invariant 4, answers: they are where the draws say, once each, and behind what they answer.

use std::collections::BTreeMap;

use super::case::{Case, wall_clock};
use super::found::Found;
use crate::ledger::LetterFacts;
use crate::words::LetterId;

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

/// A letter whose draws foretell an answer has one on the agenda, sent or not.
fn has_its_answer(case: &Case<'_>, letter: &LetterFacts, has: bool, found: &mut Found) {
    let plan = &letter.plan;
    let foretold = plan.draws.open && plan.draws.answer && plan.in_thread < case.config.pairs.thread_length;
    // Who never sends never answers.
    let sends = case
        .members
        .get(&plan.recipient)
        .is_some_and(|m| m.schedule.is_none_or(|s| !s.calendar.weekdays.is_empty() || s.calendar.weekend_factor > 0.0));
    if foretold && sends && !has && gets_letters(case, letter) {
        found.add(4, Some(plan.id), || format!("the draws of letter {} foretell an answer, and there is none", plan.id));
    }
}

/// Whether somebody may write back to the letter's sender: its own limit lets it receive, and it was not suspended when the letter was planned.
fn gets_letters(case: &Case<'_>, letter: &LetterFacts) -> bool {
    let plan = &letter.plan;
    let Some(member) = case.members.get(&plan.sender) else { return false };
    let begins = wall_clock(plan.date, chrono::NaiveTime::MIN, member.mailbox.zone);
    let mut suspended = case.facts.suspended.iter().filter(|(who, ..)| *who == plan.sender);
    member.mailbox.receive_limit > 0 && !suspended.any(|(_, since, until)| *since <= plan.expected && *until > begins)
}
