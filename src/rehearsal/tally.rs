//! What became of the letters of each date.

use std::collections::BTreeMap;

use crate::ledger::LetterFacts;
use crate::words::{LetterState, LocalDate, Placement};

/// What became of the letters of one date.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Servers took them, answers included.
    pub sent: u32,
    /// Of these, answers.
    pub answers: u32,
    /// First seen in the inbox or a category of it.
    pub inbox: u32,
    /// First seen in spam, or moved there within 48 hours.
    pub spam: u32,
    /// Seen elsewhere.
    pub filed: u32,
    /// Taken and not seen.
    pub missing: u32,
    /// Handed over, and nobody knows.
    pub unaccounted: u32,
    /// Bounced.
    pub bounced: u32,
    /// Refused by the server.
    pub rejected: u32,
    /// Not sent.
    pub skipped: u32,
    /// Seen in the inbox after a rescue.
    pub rescued: u32,
}

impl Tally {
    /// By the date whose quota the letters count against.
    pub(super) fn by_date<'a>(letters: impl Iterator<Item = &'a LetterFacts>) -> BTreeMap<LocalDate, Self> {
        let mut dates: BTreeMap<LocalDate, Self> = BTreeMap::new();
        for letter in letters {
            dates.entry(letter.plan.date).or_default().add(letter);
        }
        dates
    }

    fn add(&mut self, letter: &LetterFacts) {
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
}
