//! Invariant 2: every letter is handed over at most once, and no accepted letter is forgotten.

use std::time::Duration;

use super::case::Case;
use super::found::Found;
use crate::ledger::{LetterFacts, TroubleRow};
use crate::words::{Address, FolderRole, LetterState, Moment};

/// While a hand-over is under way.
const UNDER_WAY: Duration = Duration::from_mins(1);
/// Accepted and not seen, a letter is missing after a day; the folders beside inbox and spam are read every six hours, and at the beginning of a run if that
/// is longer ago.
const MISSING_AFTER: Duration = Duration::from_hours(24 + 6);
/// The next day's run may come a day after it was a little too young, and takes its time.
const ACCEPTED_AT_MOST: Duration = Duration::from_hours(24 + 26);
/// Uncertain, it is unaccounted after three days.
const UNACCOUNTED_AFTER: Duration = Duration::from_hours(72 + 6);
/// And a run.
const UNCERTAIN_AT_MOST: Duration = Duration::from_hours(72 + 36);
/// A run has looked everywhere after this, a back-off included.
const A_LOOK: Duration = Duration::from_hours(1);
/// What was delivered is seen at the next day's run.
const UNSEEN_AT_MOST: Duration = Duration::from_hours(30);

pub(super) fn check(case: &Case<'_>, troubles: &[TroubleRow], found: &mut Found) {
    taken_once(case, found);
    for letter in &case.history.letters {
        agrees_with_the_world(case, letter, found);
        is_not_forgotten(case, letter, troubles, found);
    }
    what_lies_there_is_seen(case, troubles, found);
}

/// The world took every letter once at most, and the ledger knows each.
fn taken_once(case: &Case<'_>, found: &mut Found) {
    for (id, times) in case.by_letter() {
        if times > 1 {
            found.add(2, Some(id), || format!("letter {id} was handed over {times} times"));
        }
        if case.letter(id).is_none() {
            found.add(2, Some(id), || format!("the ledger knows nothing of letter {id}, which was handed over"));
        }
    }
}

/// What the ledger says of a letter can be true, by what the world knows.
fn agrees_with_the_world(case: &Case<'_>, letter: &LetterFacts, found: &mut Found) {
    let id = letter.plan.id;
    let Some(taken) = case.submissions_of(id).last() else {
        if letter.accepted_at.is_some() {
            found.add(2, Some(id), || format!("letter {id} is {} and accepted by the ledger, but nobody took it", letter.state));
        }
        return;
    };
    let admits = match letter.state {
        LetterState::Planned | LetterState::Deferred | LetterState::Skipped | LetterState::Rejected => false,
        LetterState::Handed => case.age(taken.at) <= UNDER_WAY + case.facts.slack,
        LetterState::Uncertain
        | LetterState::Accepted
        | LetterState::Seen
        | LetterState::Missing
        | LetterState::Bounced
        | LetterState::Unaccounted => true,
    };
    if !admits {
        found.add(2, Some(id), || format!("letter {id} was taken over at {}, but it is {}", taken.at, letter.state));
    }
    if taken.from != letter.plan.sender || taken.to != letter.plan.recipient {
        let plan = &letter.plan;
        found.add(2, Some(id), || format!("letter {id} of {} to {} went from {} to {}", plan.sender, plan.recipient, taken.from, taken.to));
    }
}

/// An accepted letter is seen, bounces or is called missing; an uncertain one is found or given up.
fn is_not_forgotten(case: &Case<'_>, letter: &LetterFacts, troubles: &[TroubleRow], found: &mut Found) {
    let (since, noticed, most, whose) = match letter.state {
        LetterState::Accepted => (letter.accepted_at, MISSING_AFTER, ACCEPTED_AT_MOST, &letter.plan.recipient),
        LetterState::Uncertain => (letter.handed_at, UNACCOUNTED_AFTER, UNCERTAIN_AT_MOST, &letter.plan.sender),
        _ => return,
    };
    let Some(since) = since.filter(|at| case.age(*at) > most) else { return };
    if was_run_since(case, since + noticed) && could_look(case, whose, case.facts.until - most, troubles) {
        let (id, state) = (letter.plan.id, letter.state);
        found.add(2, Some(id), || format!("letter {id} is {state} since {since} and was forgotten: {whose} could have been looked at"));
    }
}

/// A copy of a letter that lies at its recipient was seen.
fn what_lies_there_is_seen(case: &Case<'_>, troubles: &[TroubleRow], found: &mut Found) {
    for (id, copy) in case.all_copies() {
        let is_place = !matches!(copy.role, FolderRole::Sent | FolderRole::Drafts | FolderRole::All);
        if !is_place || case.age(copy.received) <= UNSEEN_AT_MOST {
            continue;
        }
        let Some(letter) = case.letter(*id).filter(|l| l.plan.recipient == copy.account && l.seen_at.is_none()) else { continue };
        if was_run_since(case, copy.received) && could_look(case, &copy.account, case.facts.until - UNSEEN_AT_MOST, troubles) {
            let (state, who) = (letter.state, &copy.account);
            found.add(2, Some(*id), || {
                format!("letter {id} lies in {} of {who} since {}, but it is {state} and was not seen", copy.folder, copy.received)
            });
        }
    }
}

/// Whether a run began late enough to notice what had come about by `at`, and early enough to be done with it. Where nobody wrote runs down: certainly.
fn was_run_since(case: &Case<'_>, at: Moment) -> bool {
    let runs = case.facts.runs;
    runs.is_empty() || runs.iter().any(|run| run.at >= at && run.at + A_LOOK <= case.facts.until)
}

/// Whether somebody could look into a mailbox all the time since `from`, and the ledger holds nothing against it that a person can see.
fn could_look(case: &Case<'_>, mailbox: &Address, from: Moment, troubles: &[TroubleRow]) -> bool {
    let says_so = troubles.iter().any(|t| t.mailbox == *mailbox && !matches!(t.channel.as_str(), "smtp" | "content" | "tidy"));
    !says_so && case.members.contains_key(mailbox) && case.could_sign_in(mailbox, from, case.facts.until)
}
