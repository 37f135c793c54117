//! What the world knows of what was done in it: the truth that a ledger is held against. Nothing here comes from a ledger.

use std::sync::Arc;

use crate::words::{Address, LetterId, Moment, RefusalClass, SignalKind};

/// A message that a signed-in account offered for sending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// When the final dot came; for one that was refused before it, when it was refused.
    pub at: Moment,
    /// Who was signed in.
    pub account: Address,
    /// MAIL FROM.
    pub from: Address,
    /// RCPT TO.
    pub to: Address,
    /// The letter that its `X-Preheat` names; `None` before the bytes came, or without one.
    pub letter: Option<LetterId>,
    /// Its Message-ID as it was submitted.
    pub message_id: Option<String>,
    /// Its Date as it was submitted.
    pub date: Option<String>,
    /// Whether the server took it over.
    pub accepted: bool,
    /// The code of the server's last word: 250, or the refusal's. 0 where the connection broke before a word came.
    pub code: u16,
    /// The recipient's folder that it was put into at first; `None`: not there yet, or bounced.
    pub stored: Option<Arc<str>>,
}

/// Somebody else's mail was touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touched {
    /// When.
    pub at: Moment,
    /// In whose mailbox.
    pub account: Address,
    /// What was done: moved, flagged, expunged, copied, opened.
    pub what: &'static str,
    /// Which message.
    pub serial: u64,
}

/// A copy of a letter was moved into a folder of no use of its own, or into the bin, or deleted for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutAway {
    /// When.
    pub at: Moment,
    /// In whose mailbox.
    pub account: Address,
    /// The letter that it names.
    pub letter: LetterId,
}

/// A message that the world wrote itself came in: something was sent back, or it has nothing to do with anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CameBack {
    /// When.
    pub at: Moment,
    /// Into whose mailbox.
    pub account: Address,
    /// Into which folder.
    pub folder: Arc<str>,
    /// Its own Message-ID, with its brackets.
    pub message_id: String,
    /// What it says back; `None`: nothing that is to be heeded, such as a newsletter, or the news that a message was delivered.
    pub kind: Option<SignalKind>,
    /// The letter that it is about; `None`: another message, or none.
    pub letter: Option<LetterId>,
    /// Whom a report is about, or who answers.
    pub who: Option<Address>,
    /// Why a message was not taken; `None` where it was not about that, or nobody knows.
    pub class: Option<RefusalClass>,
}

/// Everything that the world wrote down.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Every submission in the order of its time.
    pub submissions: Vec<Submission>,
    /// Every touch of a planted message.
    pub touched: Vec<Touched>,
    /// Every copy of a letter that was put away by its owner's hand.
    pub put_away: Vec<PutAway>,
    /// Every message that the world wrote itself, in the order in which they came in.
    pub came_back: Vec<CameBack>,
}
