//! Outside mail: what a mailbox sends besides preheat's letters.

use super::mailbox_kind::word;
use std::fmt;

word! {
    /// How preheat comes to know of the real mail that a mailbox sends.
    OutsideMail {
        /// By the mailbox's Sent folder: the recipients of what lies there and is no letter of ours.
        SentFolder = "sent_folder",
        /// Somebody tells it: `preheat sent report`.
        Reported = "reported",
        /// A person says that nothing else is sent from the mailbox.
        Nothing = "none",
    }
}

impl OutsideMail {
    /// Whether real mail is counted, so that numbers of it are known.
    pub const fn is_counted(self) -> bool {
        matches!(self, Self::SentFolder | Self::Reported)
    }
}
