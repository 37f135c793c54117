//! The states of a letter's life, and why a letter was not sent.

use super::mailbox_kind::word;
use std::fmt;

word! {
    /// Where a letter stands in its life. What leads from one to the next is `letter::next_state`.
    LetterState {
        /// On the agenda; nothing has been handed over.
        Planned = "planned",
        /// A server said 4xx before it took the letter: due again later, inside the window.
        Deferred = "deferred",
        /// The intent is durable; its bytes may be on their way. What a crash leaves here becomes `uncertain`.
        Handed = "handed",
        /// Bytes went out and no final reply came: looked for, never sent again.
        Uncertain = "uncertain",
        /// The server took it: waiting to be seen.
        Accepted = "accepted",
        /// Seen by IMAP at the recipient; its placement says where.
        Seen = "seen",
        /// Accepted, and not seen for 24 hours although every folder was read.
        Missing = "missing",
        /// A bounce came back.
        Bounced = "bounced",
        /// Uncertain for 72 hours, and found nowhere.
        Unaccounted = "unaccounted",
        /// A server said 5xx.
        Rejected = "rejected",
        /// Never sent, and never will be; the reason says why.
        Skipped = "skipped",
    }
}

word! {
    /// Why a letter of the agenda was not sent.
    SkipReason {
        /// Its window ended first, or the run began too late for it.
        Late = "late",
        /// The day's quota was spent, or lowered since the agenda was made.
        Quota = "quota",
        /// The recipient, a pool mailbox, is suspended.
        Suspended = "suspended",
        /// The recipient is on the suppression list.
        Suppressed = "suppressed",
        /// The sender is paused.
        Paused = "paused",
        /// Its receiving provider said "too fast": nothing more of its domain goes there on that day.
        Rests = "rests",
        /// Sender or recipient is no longer in the config.
        Removed = "removed",
        /// An answer whose parent was never seen, or not opened: it lapses.
        ParentUnseen = "parent_unseen",
        /// The sender's sign-in fails.
        SignIn = "sign_in",
        /// It was found at its recipient although this ledger had not sent it: an older ledger was restored.
        AlreadySent = "already_sent",
        /// Deferred until its window was over.
        Deferred = "deferred",
    }
}

impl SkipReason {
    /// Whether it says nothing about the sender: no server could be asked to take the letter, so that it does not keep a ramp day from being earned.
    pub const fn is_not_offered(self) -> bool {
        matches!(self, Self::Late | Self::Suspended | Self::Suppressed | Self::Removed)
    }

    /// The same as a clause for people, which follows "not sent:" or "because".
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Late => "the window ended first",
            Self::Quota => "the day's quota was spent or lowered",
            Self::Suspended => "the recipient is suspended",
            Self::Suppressed => "the recipient is on the suppression list",
            Self::Paused => "the sender is paused",
            Self::Rests => "the recipient's provider had said \"too fast\"",
            Self::Removed => "the sender or the recipient has left the config",
            Self::ParentUnseen => "what it would answer was not read",
            Self::SignIn => "the sender cannot sign in",
            Self::AlreadySent => "an older ledger had sent it",
            Self::Deferred => "the server put it off until the window ended",
        }
    }
}
