//! What a run says while it works.

use std::fmt;

use crate::ledger::SuspensionRow;
use crate::mail::MailError;
use crate::words::{Address, LetterId, Moment, Placement, SignalKind, SkipReason, Tidied};

/// Something that happened, for whoever watches.
#[derive(Clone, Debug)]
pub enum News {
    /// The day is prepared: letters that are still to be sent, by how many mailboxes.
    Prepared {
        /// Letters to send.
        letters: u32,
        /// Mailboxes that this run owns.
        mailboxes: u32,
    },
    /// A server took a letter.
    Sent {
        /// The letter.
        letter: LetterId,
        /// Its sender.
        from: Address,
        /// Its recipient.
        to: Address,
        /// Whether it is an answer.
        answer: bool,
    },
    /// A server said 4xx; the letter is due again at this time.
    Deferred(LetterId, Address, Moment, String),
    /// A server refused a letter for good.
    Rejected(LetterId, Address, String),
    /// No final reply: the letter may have been taken.
    Uncertain(LetterId, Address, String),
    /// A recipient is gone, full or switched off, says a server: nobody writes to it for a while.
    Suspended(SuspensionRow),
    /// Letters will not be sent.
    Skipped(Address, u32, SkipReason),
    /// Letters were seen for the first time.
    Seen {
        /// At which mailbox.
        at: Address,
        /// How many.
        letters: u32,
        /// Where: inbox or spam, summed.
        placement: Placement,
    },
    /// Letters were brought from spam to the inbox.
    Rescued(Address, u32),
    /// A letter was opened.
    Opened(Address),
    /// A message came back: a report, an answer, the wish to get no more mail.
    Heard {
        /// To which mailbox.
        at: Address,
        /// What it says.
        kind: SignalKind,
        /// The same in a clause: of whom or from whom, why, and what follows.
        words: String,
    },
    /// Letters of this mailbox came back: nobody waits for them any more.
    CameBack(Address, u32),
    /// Copies of finished letters were put away.
    PutAway {
        /// At which mailbox: letters to it, and copies in its Sent folder.
        at: Address,
        /// How many.
        letters: u32,
        /// How.
        how: Tidied,
    },
    /// Letters are missing.
    Missing(Address, u32),
    /// A message with our header was not acted on.
    RefusedMarks(Address, u32),
    /// A mailbox has no spam folder that can be found.
    SpamFolderUnknown(Address),
    /// Something does not work for a mailbox.
    Trouble(MailError),
    /// Something else that a person should know.
    Note(String),
}

/// Whoever watches a run. Called from many tasks; must not block for long.
pub trait Progress: Send + Sync + fmt::Debug {
    /// Takes one piece of news.
    fn news(&self, at: Moment, news: &News);
}

/// Watches in silence.
#[derive(Debug)]
pub struct Silent;

impl Progress for Silent {
    fn news(&self, _: Moment, _: &News) {}
}
