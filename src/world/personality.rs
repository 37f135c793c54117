//! How a server behaves: Gmail's way, Microsoft's, or that of Postfix and Dovecot.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;

use serde::Deserialize;

use crate::words::{Provider, mailbox_word as word};

word! {
    /// Whose habits a server has.
    Personality {
        /// As Gmail's.
        Gmail = "gmail-like",
        /// As Microsoft 365's and Outlook.com's.
        Microsoft = "microsoft-like",
        /// As Postfix's and Dovecot's.
        Dovecot = "dovecot-like",
    }
}

/// The habits, from `personalities.yaml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Traits {
    /// Its folders, each with its attribute of RFC 6154.
    pub folders: BTreeMap<String, Option<String>>,
    /// Whether LIST tells the attributes.
    pub special_use: bool,
    /// Whether keywords may be set (PERMANENTFLAGS has `\*`).
    pub keywords: bool,
    /// MOVE (RFC 6851).
    #[serde(rename = "move")]
    pub moves: bool,
    /// UIDPLUS (RFC 4315).
    pub uidplus: bool,
    /// IDLE (RFC 2177).
    pub idle: bool,
    /// X-GM-EXT-1: categories and labels.
    pub gmail: bool,
    /// Whether it puts a copy of what is submitted into Sent by itself.
    pub keeps_sent: bool,
    /// Whether it replaces the Message-ID of what is submitted.
    pub rewrites_message_id: bool,
    /// IMAP connections of one account at once.
    pub imap_connections: u32,
    /// SMTP connections of one account at once.
    pub smtp_connections: u32,
    /// Messages a minute of one account.
    pub per_minute: Option<u32>,
    /// From the final dot to the recipient's folder, in seconds: from, to.
    pub transit_seconds: [u32; 2],
    /// The share of delivered mail that is judged again, hours later.
    pub moves_later: f64,
    /// Whether its vacation answers spare a message that asks for none by `X-Auto-Response-Suppress`.
    pub heeds_suppress: bool,
}

impl Personality {
    /// Its habits.
    ///
    /// # Panics
    /// Never: the data is compiled in, and a test reads it.
    pub fn traits(self) -> &'static Traits {
        static ALL: OnceLock<BTreeMap<String, Traits>> = OnceLock::new();
        let all = ALL.get_or_init(|| {
            serde_saphyr::from_str(include_str!("personalities.yaml")).expect("personalities.yaml is compiled in, and a test reads it")
        });
        &all[self.as_str()]
    }

    /// The habits that a provider's servers are modelled with.
    pub fn of(provider: Provider) -> Self {
        match provider {
            Provider::Gmail => Self::Gmail,
            Provider::Microsoft => Self::Microsoft,
            _ => Self::Dovecot,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_personality_has_its_habits_and_a_spam_folder() {
        for p in Personality::ALL {
            let t = p.traits();
            assert_eq!(t.folders.values().filter(|u| u.as_deref() == Some("\\Junk")).count(), 1, "{p}");
            assert!(t.folders.contains_key("INBOX") && t.transit_seconds[0] < t.transit_seconds[1], "{p}");
        }
        assert!(!Personality::Microsoft.traits().special_use);
    }
}
