//! Invariant 3, what is ours: nothing is put away before it is finished, nor what a person has put somewhere; and whatever is put away is written down.

use std::collections::BTreeMap;
use std::time::Duration;

use super::case::Case;
use super::found::Found;
use crate::ledger::{ActionRow, LetterFacts};
use crate::words::{Address, LetterId, LetterState, Moment, Placement};
use crate::world::{Evidence, PutAway};

/// For so long a provider may move what it has delivered.
const JUDGED_AGAIN: Duration = Duration::from_hours(48);
/// For so long what was given up may still turn up.
const MAY_TURN_UP: Duration = Duration::from_hours(7 * 24);

pub(super) fn check(case: &Case<'_>, evidence: &Evidence, found: &mut Found) {
    let mut answers: BTreeMap<LetterId, &LetterFacts> = BTreeMap::new();
    if !evidence.put_away.is_empty() {
        answers.extend(case.history.letters.iter().filter_map(|l| Some((l.plan.parent?, l))));
    }
    let mut put: BTreeMap<(LetterId, &Address), &PutAway> = BTreeMap::new();
    for p in &evidence.put_away {
        was_finished(case, p, &answers, found);
        put.insert((p.letter, &p.account), p);
    }
    for (letter, mailbox) in &case.history.put_away {
        if put.remove(&(*letter, mailbox)).is_none() {
            found.add(3, Some(*letter), || format!("letter {letter} was put away by {mailbox}, says the ledger, and nobody has moved it"));
        }
    }
    for ((letter, account), p) in put {
        found.add(3, Some(letter), || format!("letter {letter} was put away by {account} at {}, and the ledger does not know it", p.at));
    }
}

/// A letter that was put away was old enough, its placement final, and nothing came after.
fn was_finished(case: &Case<'_>, p: &PutAway, answers: &BTreeMap<LetterId, &LetterFacts>, found: &mut Found) {
    let (id, at, who) = (p.letter, p.at, &p.account);
    let Some(rule) = &case.config.tidy else {
        return found.add(3, Some(id), || format!("letter {id} was put away by {who} at {at}, and nobody wanted that"));
    };
    let Some(letter) = case.letter(id).filter(|l| l.plan.recipient == *who || l.plan.sender == *who) else {
        return found.add(3, Some(id), || format!("{who} put letter {id} away at {at}, and is neither its sender nor its recipient"));
    };
    let taken = case.submissions_of(id).next().map(|s| s.at);
    if taken.is_none_or(|taken| taken + rule.after > at + case.facts.slack) {
        found.add(3, Some(id), || format!("letter {id} was put away by {who} at {at}, less than {:?} after it was sent", rule.after));
    }
    let final_at = match letter.state {
        LetterState::Seen => letter.seen_at.map(|seen| seen + JUDGED_AGAIN),
        LetterState::Missing | LetterState::Unaccounted => letter.handed_at.map(|handed| handed + MAY_TURN_UP),
        _ => Some(at),
    };
    if final_at.is_none_or(|final_at| final_at > at) {
        found.add(3, Some(id), || format!("letter {id} was put away by {who} at {at}, before its placement was final"));
    }
    let is_received = letter.plan.recipient == *who;
    if is_received && letter.placement == Some(Placement::Filed) {
        found.add(3, Some(id), || format!("letter {id} was filed by a rule of {who}, and put away at {at}"));
    }
    let was_done_later = |a: &&ActionRow| a.result.is_none() || (a.result.as_deref() == Some("done") && a.done_at > Some(at));
    if let Some(action) = case.actions(id).iter().find(was_done_later) {
        found.add(3, Some(id), || format!("letter {id} was put away by {who} at {at}, before {} was done", action.kind));
    }
    if let Some((answer, why)) = comes_after(case, id, at, answers) {
        found.add(3, Some(id), || format!("letter {id} was put away by {who} at {at}, before its thread ended with {answer}, which {why}"));
    }
}

/// A letter further on in a thread that went out, or was seen, after `at`, or may still, and which of these.
fn comes_after(case: &Case<'_>, mut id: LetterId, at: Moment, answers: &BTreeMap<LetterId, &LetterFacts>) -> Option<(LetterId, String)> {
    while let Some(answer) = answers.get(&id) {
        id = answer.plan.id;
        // What had been given up, and turns up at last, held nothing open.
        let was_given_up = case.steps(id).iter().any(|s| s.event == crate::letter::LetterEvent::GoneMissing);
        if matches!(answer.state, LetterState::Planned | LetterState::Deferred | LetterState::Handed) {
            return Some((id, format!("is {} still", answer.state)));
        }
        if let Some(seen) = answer.seen_at.filter(|seen| *seen > at && !was_given_up) {
            return Some((id, format!("was seen at {seen}")));
        }
        if let Some(taken) = case.submissions_of(id).find(|s| s.at > at) {
            return Some((id, format!("was sent at {}", taken.at)));
        }
    }
    None
}
