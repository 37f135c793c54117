//! What became of the letters of a date.

use super::Day;
use crate::ledger::LetterFacts;
use crate::words::{LetterState, Placement};

impl Day {
    /// Counts a warming mailbox's letter.
    pub(super) fn count(&mut self, letter: &LetterFacts) {
        let was_sent = letter.accepted_at.is_some();
        self.sent += u32::from(was_sent);
        self.answers += u32::from(was_sent && letter.plan.parent.is_some());
        self.rescued += u32::from(letter.rescued_at.is_some());
        match letter.placement {
            Some(Placement::Inbox | Placement::Category) => self.inbox += 1,
            Some(Placement::Spam) => self.spam += 1,
            Some(Placement::Filed) => self.filed += 1,
            None => {}
        }
        match letter.state {
            LetterState::Missing => self.missing += 1,
            LetterState::Handed | LetterState::Uncertain | LetterState::Unaccounted => self.unaccounted += 1,
            LetterState::Bounced => self.bounced += 1,
            LetterState::Rejected => self.rejected += 1,
            LetterState::Skipped => self.skipped += 1,
            LetterState::Planned | LetterState::Deferred | LetterState::Accepted | LetterState::Seen => {}
        }
    }

    /// Counts a partner's.
    pub(super) fn count_of_partner(&mut self, letter: &LetterFacts) {
        self.by_partners += u32::from(letter.accepted_at.is_some());
    }
}
