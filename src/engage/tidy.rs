//! When a letter is finished: nothing that may still happen to it can change where it was seen.

use std::time::Duration;

use crate::words::{LetterState, Moment};

/// For so long a provider may move what it has delivered (Microsoft's zero-hour purge), and that counts.
pub const JUDGED_AGAIN: Duration = Duration::from_hours(48);
/// For so long a letter that was given up may still turn up, or bounce.
const MAY_TURN_UP: Duration = Duration::from_hours(7 * 24);

/// Whether a letter's placement, or that it has none, is final at `now`.
pub fn is_final(state: LetterState, handed_at: Option<Moment>, seen_at: Option<Moment>, now: Moment) -> bool {
    let is_past = |since: Option<Moment>, span| since.is_some_and(|at| at + span <= now);
    match state {
        LetterState::Seen => is_past(seen_at, JUDGED_AGAIN),
        LetterState::Missing | LetterState::Unaccounted => is_past(handed_at, MAY_TURN_UP),
        LetterState::Bounced | LetterState::Rejected => true,
        LetterState::Planned
        | LetterState::Deferred
        | LetterState::Handed
        | LetterState::Uncertain
        | LetterState::Accepted
        | LetterState::Skipped => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_final_when_its_provider_can_no_longer_move_it_and_a_lost_one_when_it_can_no_longer_turn_up() {
        let (handed, seen) = (Moment(0), Moment(3_600_000));
        let from_hour = |state| (0..400).find(|h| is_final(state, Some(handed), Some(seen), Moment(h * 3_600_000)));
        assert_eq!(from_hour(LetterState::Seen), Some(49));
        assert_eq!((from_hour(LetterState::Missing), from_hour(LetterState::Unaccounted)), (Some(168), Some(168)));
        assert_eq!((from_hour(LetterState::Bounced), from_hour(LetterState::Rejected)), (Some(0), Some(0)));
        for state in [LetterState::Planned, LetterState::Deferred, LetterState::Handed, LetterState::Uncertain, LetterState::Accepted] {
            assert_eq!(from_hour(state), None, "{state}");
        }
        assert!(!is_final(LetterState::Seen, Some(handed), None, Moment(i64::MAX)));
    }
}
