//! When a mailbox's next action is due, as far as its looker knows.

use crate::ledger::Sighted;
use crate::words::Moment;

/// When the next of some actions is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Upcoming {
    /// It has to be asked for.
    Unknown,
    /// Then; `None`: there is none.
    Known(Option<Moment>),
}

impl Upcoming {
    /// There is none.
    pub(super) const NONE: Self = Self::Known(None);

    /// Of letters that are seen for the first time.
    pub(super) fn of_new_letters(sighted: &[Sighted]) -> Self {
        Self::Known(sighted.iter().flat_map(|s| &s.actions).map(|(_, due)| *due).min())
    }

    /// Of these actions and others together.
    pub(super) fn and(self, others: Self) -> Self {
        match (self, others) {
            (Self::Known(ours), Self::Known(theirs)) => Self::Known([ours, theirs].into_iter().flatten().min()),
            _ => Self::Unknown,
        }
    }
}
