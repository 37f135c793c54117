//! Signals and suppressions: what the world says back, and why an address gets no mail again.

use super::mailbox_kind::word;
use std::fmt;

word! {
    /// What the world says back about a message.
    SignalKind {
        /// It could not be delivered.
        Bounce = "bounce",
        /// It is late, and still tried: nothing is lost.
        Delay = "delay",
        /// Somebody called it spam.
        Complaint = "complaint",
        /// A machine answered for its owner.
        AutoReply = "auto_reply",
        /// Somebody wants no more mail.
        Unsubscribe = "unsubscribe",
        /// A person answered it.
        Reply = "reply",
    }
}

word! {
    /// Why an outside address gets no mail again.
    SuppressionCause {
        /// A server said that there is no such address.
        HardBounce = "hard_bounce",
        /// Mail to it came back for other reasons, again and again.
        SoftBounces = "soft_bounces",
        /// Its owner called mail spam.
        Complaint = "complaint",
        /// Its owner wants no more mail.
        Unsubscribe = "unsubscribe",
        /// A person put it on the list.
        Person = "person",
        /// It was on a list that was read in.
        Import = "import",
    }
}
