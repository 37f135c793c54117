//! What a message that came in is: the words for it.

use std::fmt;

use serde::Serialize;

use crate::words::{LetterId, MessageId, RefusalClass, Reply, mailbox_word as word};

word! {
    /// What a message is. It says what the message claims; whether the claim is believed is decided where the evidence is.
    Kind {
        /// One of ours: it has an `X-Preheat` header. Its signature is not looked at here.
        Letter = "letter",
        /// A message could not be delivered to somebody, for good (RFC 3464, or in a server's own words).
        Bounce = "bounce",
        /// A message is late and still tried: nothing is lost yet, nobody is to be dropped.
        Delay = "delay",
        /// A message was delivered, relayed or expanded, as somebody had asked to be told (RFC 3461 NOTIFY=SUCCESS).
        Delivered = "delivered",
        /// Somebody called a message spam, or a provider reports one (RFC 5965).
        Complaint = "complaint",
        /// A machine answered for its owner (RFC 3834).
        AutoReply = "auto_reply",
        /// Somebody wants no more mail.
        Unsubscribe = "unsubscribe",
        /// A person answered a message. Whether it was ours is known by `answers`.
        Reply = "reply",
        /// Anything else.
        Other = "other",
    }
}

/// A recipient that a report names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// As the report has it, lower case; `None` where it is kept back.
    pub address: Option<String>,
    /// The enhanced code, x.y.z (RFC 3463), in the report's own figures.
    pub status: Option<String>,
    /// The reply code, 400 to 599 (RFC 5321 §4.2).
    pub reply: Option<u16>,
    /// The server's words: at most 500 characters, without controls. Data, never trusted.
    pub diagnostic: String,
    /// What it is about.
    pub class: RefusalClass,
    /// Whether the address itself is no good: it never will be, and is not to be mailed again.
    pub hard: bool,
}

/// The message that a report or an answer is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Original {
    /// Its Message-IDs, best first: the one in the returned header, then others that the report names. Servers rewrite them, so that any of them
    /// may be the one that was sent, or the one that was seen.
    pub message_ids: Vec<MessageId>,
    /// The letter that the returned `X-Preheat` header names. Its signature is not looked at here.
    pub letter: Option<LetterId>,
    /// That header's value as it came back, so that its signature can be looked at; at most 200 characters.
    pub mark: Option<String>,
}

/// What a message is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// In one word.
    pub kind: Kind,
    /// Whom a report is about: those that failed or are late; who complains; who is away.
    pub recipients: Vec<Recipient>,
    /// What the report or answer is about.
    pub original: Original,
    /// The feedback type of a complaint (RFC 5965 §7.3), lower case: abuse, opt-out, fraud, auth-failure …
    pub feedback_type: Option<String>,
    /// Why, in short words: which part, header and rule.
    pub evidence: String,
}

/// As `preheat inspect --json` prints a recipient.
#[derive(Debug, Serialize)]
pub struct RecipientRow<'a> {
    address: Option<&'a str>,
    status: Option<&'a str>,
    reply: Option<u16>,
    class: RefusalClass,
    hard: bool,
    diagnostic: &'a str,
}

/// As `preheat inspect --json` prints a message.
#[derive(Debug, Serialize)]
pub struct Row<'a> {
    file: &'a str,
    kind: Kind,
    recipients: Vec<RecipientRow<'a>>,
    original_message_id: Option<&'a str>,
    letter: Option<LetterId>,
    feedback_type: Option<&'a str>,
    evidence: &'a str,
}

impl Recipient {
    /// What is said of it, as the reply of a server that refused it: without code where the report has none. Reports quote the server's line, the
    /// code and all; it is not said twice.
    pub fn as_reply(&self) -> Reply {
        let words = if self.diagnostic.is_empty() { self.status.as_deref().unwrap_or_default() } else { self.diagnostic.as_str() };
        let quoted = self.reply.and_then(|code| words.strip_prefix(&code.to_string())).filter(|rest| rest.starts_with([' ', '-']));
        Reply::new(self.reply.unwrap_or(0), quoted.map_or(words, |rest| rest.trim_start_matches([' ', '-'])))
    }

    /// The recipient as `preheat inspect --json` and the event stream print it.
    pub fn row(&self) -> RecipientRow<'_> {
        RecipientRow {
            address: self.address.as_deref(),
            status: self.status.as_deref(),
            reply: self.reply,
            class: self.class.coarse(),
            hard: self.hard,
            diagnostic: &self.diagnostic,
        }
    }
}

impl Incoming {
    /// The message's row in `preheat inspect --json`; `file` says where it was read.
    pub fn row<'a>(&'a self, file: &'a str) -> Row<'a> {
        Row {
            file,
            kind: self.kind,
            recipients: self.recipients.iter().map(Recipient::row).collect(),
            original_message_id: self.original.message_ids.first().map(MessageId::as_str),
            letter: self.original.letter,
            feedback_type: self.feedback_type.as_deref(),
            evidence: &self.evidence,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_a_recipient_has_its_code_once() {
        let reply = |reply, status: &str, diagnostic: &str| {
            let (status, diagnostic) = (Some(status.to_owned()), diagnostic.to_owned());
            let told = Recipient { address: None, status, reply, diagnostic, class: RefusalClass::Full, hard: false };
            (told.as_reply().to_string(), told.as_reply().enhanced.map(|e| e.to_string()))
        };
        let full = ("552 5.2.2 over quota".to_owned(), Some("5.2.2".to_owned()));
        assert_eq!(reply(Some(552), "5.2.2", "552 5.2.2 over quota"), full);
        assert_eq!(reply(Some(552), "5.2.2", "552-5.2.2 over quota"), full);
        assert_eq!(reply(Some(552), "5.2.2", "5.2.2 over quota"), full);
        assert_eq!(reply(Some(552), "5.2.2", "5520 messages lie there").0, "552 5520 messages lie there");
        assert_eq!(reply(None, "5.2.2", "").1, full.1, "the report's own figures, where nothing else is said");
    }
}
