//! What a refusal is about.

use super::mailbox_kind::word;
use std::fmt;

word! {
    /// What a server's refusal is about, read from its codes and words by rules that are data.
    RefusalClass {
        /// SPF, DKIM, DMARC, PTR or TLS of the sender.
        Authentication = "authentication",
        /// The sender's reputation.
        Reputation = "reputation",
        /// Too fast, or greylisted: the same letter may pass later.
        Rate = "rate",
        /// The sending account's own limit: stop that mailbox for a day.
        Quota = "quota",
        /// The password or token was not taken.
        SignIn = "sign_in",
        /// The recipient's mailbox is full.
        Full = "full",
        /// The recipient does not exist.
        BadAddress = "bad_address",
        /// The recipient is switched off.
        Disabled = "disabled",
        /// The content was refused.
        Content = "content",
        /// Refused by policy.
        Policy = "policy",
        /// On a blocklist.
        Blocklist = "blocklist",
        /// Nothing more is known.
        Other = "other",
    }
}

impl RefusalClass {
    /// Whether it is about the recipient and says nothing about the sender. A recipient inside the pool is suspended then.
    pub const fn is_about_recipient(self) -> bool {
        matches!(self, Self::Full | Self::BadAddress | Self::Disabled)
    }
}
