//! What a refusal is about: said by a server, or in a report that came back.

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
        Rate = "rate_limited",
        /// The sending account's own limit: stop that mailbox for a day.
        Quota = "quota",
        /// The password or token was not taken.
        SignIn = "sign_in",
        /// The recipient's mailbox is full.
        Full = "mailbox_full",
        /// The recipient does not exist.
        BadAddress = "bad_address",
        /// The recipient is switched off.
        Disabled = "mailbox_disabled",
        /// The content was refused.
        Content = "content",
        /// Refused by policy.
        Policy = "policy",
        /// On a blocklist.
        Blocklist = "blocklist",
        /// Something that passes: a server out of order, a network, a queue that ran out of time.
        Temporary = "temporary",
        /// A person called the message spam.
        Complaint = "complaint",
        /// A machine answered for its owner: nothing was refused.
        AutoReply = "auto_reply",
        /// Nothing more is known.
        Other = "other",
    }
}

impl RefusalClass {
    /// Whether it is about the recipient and says nothing about the sender. A recipient inside the pool is suspended then.
    pub const fn is_about_recipient(self) -> bool {
        matches!(self, Self::Full | Self::BadAddress | Self::Disabled)
    }

    /// Whether mail that comes back for this, again and again, is a reason to give the recipient up: it is about the recipient, or about nobody.
    /// An address is not dropped because its server does not like the sender.
    pub const fn counts_against_recipient(self) -> bool {
        self.is_about_recipient() || matches!(self, Self::Temporary | Self::Other)
    }

    /// The same without the distinctions that only the guard needs, for reports: a blocklist is the sender's reputation, an account's own limit
    /// is a rate, and that somebody must sign in is a policy.
    #[must_use]
    pub const fn coarse(self) -> Self {
        match self {
            Self::Blocklist => Self::Reputation,
            Self::Quota => Self::Rate,
            Self::SignIn => Self::Policy,
            other => other,
        }
    }

    /// Reads a word that is stored, earlier ones included: ledgers hold `rate`, `full` and `disabled` for what is `rate_limited`,
    /// `mailbox_full` and `mailbox_disabled` now.
    pub fn parse_stored(text: &str) -> Option<Self> {
        match text {
            "rate" => Some(Self::Rate),
            "full" => Some(Self::Full),
            "disabled" => Some(Self::Disabled),
            _ => Self::parse(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_earlier_ledgers_are_still_read() {
        assert_eq!(RefusalClass::parse_stored("full"), Some(RefusalClass::Full));
        assert_eq!(RefusalClass::parse("full"), None);
        for &class in RefusalClass::ALL {
            assert_eq!(RefusalClass::parse_stored(class.as_str()), Some(class));
        }
    }
}
