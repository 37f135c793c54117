//! Placement: where a letter was seen. And the roles that folders play.

use super::mailbox_kind::word;
use std::fmt;

word! {
    /// Where a letter was seen. *Missing*, *bounced* and *unaccounted* are ends of a letter, not placements.
    Placement {
        /// The inbox proper.
        Inbox = "inbox",
        /// A tab of the inbox, such as Promotions; counts as inbox.
        Category = "category",
        /// The spam folder, whatever it is called.
        Spam = "spam",
        /// Some other folder: a person's own rule put it there. Delivered, and in no rate.
        Filed = "filed",
    }
}

word! {
    /// What a folder is for (RFC 6154 SPECIAL-USE, or found by name).
    FolderRole {
        /// `INBOX`.
        Inbox = "inbox",
        /// The spam folder: `\Junk`.
        Spam = "spam",
        /// Copies of sent mail: `\Sent`.
        Sent = "sent",
        /// `\Trash`.
        Trash = "trash",
        /// `\Drafts`.
        Drafts = "drafts",
        /// `\Archive`.
        Archive = "archive",
        /// Gmail's view of everything: `\All`. Never looked at: each letter would be seen twice.
        All = "all",
        /// Any other folder.
        Other = "other",
    }
}
