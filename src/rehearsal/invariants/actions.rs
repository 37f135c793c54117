//! Invariant 4, what follows from the draws: a recipient does what was drawn for it, after the time that was drawn, in its own hours.

use std::time::Duration;

use super::case::{Case, Member, date_in, time_in, wall_clock};
use super::found::Found;
use crate::ledger::{ActionKind, ActionRow, LetterFacts};
use crate::words::{Moment, Placement};

/// A flag or the Important mark may follow the open by this much, past the end of the hours too.
const AFTER_READING: Duration = Duration::from_secs(90);
/// What falls into the night is spread over this time in the morning.
const MORNING: Duration = Duration::from_mins(30);
/// How long a provider may take to move what it delivered, and that still counts.
const JUDGED_AGAIN: Duration = Duration::from_hours(48);
/// What was overdue at the beginning of a run is spread over this time.
const SPREAD_OVER: Duration = Duration::from_hours(2);
/// And it may fall into the next night by that.
const CATCHING_UP: Duration = Duration::from_hours(3);

pub(super) fn check(case: &Case<'_>, found: &mut Found) {
    for letter in &case.history.letters {
        let Some(seen_at) = letter.seen_at else {
            unseen_is_left_alone(case, letter, found);
            continue;
        };
        agree_with_draws(case, letter, found);
        for action in case.actions(letter.plan.id) {
            is_due_as_drawn(case, letter, seen_at, action, found);
        }
    }
}

/// Nobody does anything with a letter that it has not seen.
fn unseen_is_left_alone(case: &Case<'_>, letter: &LetterFacts, found: &mut Found) {
    if let Some(action) = case.actions(letter.plan.id).first() {
        let (id, kind) = (letter.plan.id, action.kind);
        found.add(4, Some(id), || format!("letter {id} was never seen, and yet there is an action of it: {kind}"));
    }
}

/// Spam is rescued; what is rescued is opened; what is seen in the inbox is opened if it was drawn; marks are set where they were drawn and it is opened.
fn agree_with_draws(case: &Case<'_>, letter: &LetterFacts, found: &mut Found) {
    let (id, draws) = (letter.plan.id, &letter.plan.draws);
    let has = |kind| action_of(case, letter, kind).is_some();
    let in_inbox = matches!(letter.placement, Some(Placement::Inbox | Placement::Category));
    let rescued = letter.rescued_at.is_some();
    let mut differs = |kind: ActionKind, wanted: bool| {
        if has(kind) != wanted {
            let (is, where_) = (if wanted { "wanting" } else { "there" }, letter.placement.map_or("nowhere", |p| p.as_str()));
            let what =
                || format!("letter {id}, seen in {where_}{}: {kind} is {is}, against its draws", if rescued { " and rescued" } else { "" });
            found.add(4, Some(id), what);
        }
    };
    if letter.placement == Some(Placement::Spam) {
        differs(ActionKind::Rescue, true);
    }
    // A letter that the provider moved to spam later was to be opened before that, if it was drawn: such a one may be there either way.
    let moved_away = !rescued && !in_inbox && draws.open && has(ActionKind::Open);
    if !moved_away {
        differs(ActionKind::Open, rescued || (in_inbox && draws.open));
    }
    let opened = has(ActionKind::Open);
    differs(ActionKind::Important, opened && draws.important);
    differs(ActionKind::Flag, opened && draws.flag);
}

/// An action is due after the delay that was drawn, in its recipient's hours, and not days later.
fn is_due_as_drawn(case: &Case<'_>, letter: &LetterFacts, seen_at: Moment, action: &ActionRow, found: &mut Found) {
    let (id, draws) = (letter.plan.id, &letter.plan.draws);
    if action.mailbox != letter.plan.recipient {
        let who = &action.mailbox;
        return found.add(4, Some(id), || format!("letter {id} to {}: {} is planned for {who}", letter.plan.recipient, action.kind));
    }
    let earliest = match action.kind {
        ActionKind::Rescue => seen_at + draws.rescue_after,
        // Drawn to be opened, it may have been opened in the inbox before its provider moved it to spam.
        ActionKind::Open | ActionKind::Important | ActionKind::Flag => {
            letter.rescued_at.filter(|_| !draws.open).unwrap_or(seen_at) + draws.open_after
        }
        ActionKind::Answered => return,
    };
    if action.due < earliest {
        let due = action.due;
        found.add(4, Some(id), || format!("letter {id}: {} was due at {due}, before the drawn delay was over at {earliest}", action.kind));
        return;
    }
    // Tried again, or put behind a rescue: then it is due when that says.
    let moved = action.attempts > 0 || (action.kind != ActionKind::Rescue && action_of(case, letter, ActionKind::Rescue).is_some());
    let Some(member) = case.members.get(&action.mailbox).filter(|_| !moved) else { return };
    if !in_hours(action.due, member) && !was_caught_up_with(case, earliest, action.due) {
        let due = action.due;
        found.add(4, Some(id), || format!("letter {id}: {} is due at {due}, when {} does not read", action.kind, action.mailbox));
    }
    // A provider may change its mind after two days, and later: the rescue counts from there.
    let latest = match (action.kind, letter.placement) {
        (ActionKind::Rescue, Some(Placement::Spam)) => latest_due(earliest, member) + JUDGED_AGAIN,
        (ActionKind::Rescue, _) => return,
        _ => latest_due(earliest, member),
    };
    // A daily start that comes late, into the last minutes of a day-long window, does little more than to catch up, day after day.
    let is_caught_up = was_caught_up_with(case, earliest, action.due);
    if action.due > latest && !is_caught_up && case.could_sign_in(&action.mailbox, earliest, action.due) {
        let due = action.due;
        found.add(4, Some(id), || format!("letter {id}: {} is due at {due}, its drawn delay was over at {earliest}", action.kind));
    }
}

fn action_of<'a>(case: &Case<'a>, letter: &LetterFacts, kind: ActionKind) -> Option<&'a ActionRow> {
    case.actions(letter.plan.id).iter().find(|a| a.kind == kind)
}

fn in_hours(at: Moment, member: &Member<'_>) -> bool {
    let (from, to) = (member.engagement.from, member.engagement.to);
    let zone = member.mailbox.zone;
    from >= to || time_in(at, zone) >= from && (time_in(at, zone) <= to || time_in(at - AFTER_READING, zone) <= to)
}

/// Whether an action was overdue when a run began, and is due in the time over which that run spread what was.
fn was_caught_up_with(case: &Case<'_>, earliest: Moment, due: Moment) -> bool {
    let mut runs = case.facts.runs.iter().filter(|run| earliest < run.at);
    runs.any(|run| (run.at..=run.at + SPREAD_OVER + AFTER_READING).contains(&due))
}

/// Due in the night, it waits for the morning; overdue at the next days' runs, it is spread over the time after them.
fn latest_due(earliest: Moment, member: &Member<'_>) -> Moment {
    let zone = member.mailbox.zone;
    let third_morning = wall_clock(date_in(earliest, zone).plus(3), member.engagement.from, zone);
    third_morning + MORNING + CATCHING_UP + AFTER_READING
}
