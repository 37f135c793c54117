//! Tidied: what became of a copy of a letter that was put away.

use super::mailbox_kind::word;
use std::fmt;

word! {
    /// How a copy of a finished letter was put away: at its recipient, or in its sender's Sent folder.
    Tidied {
        /// It was moved into the folder for finished warmup mail, or was found in it.
        Moved = "moved",
        /// It was deleted, because a person has chosen that.
        Deleted = "deleted",
        /// It was not there any more: somebody else took it away. It is not looked for again.
        Gone = "gone",
    }
}
