//! Whose mail a signal is about.

use super::mailbox_kind::word;
use std::fmt;

word! {
    /// Whose mail a signal is about. The two are never put into one ratio.
    SignalScope {
        /// Our letters, between mailboxes of the pool.
        Warmup = "warmup",
        /// Mail sent by others from the same mailbox.
        Campaign = "campaign",
    }
}
