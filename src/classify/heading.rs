//! Who wrote a message, and what it is known by.

use sha2::{Digest, Sha256};

use super::fields::Fields;
use super::parts::{Parts, below_header};
use super::text::head;
use crate::words::{MessageId, Reply};

/// Who wrote a message, and its id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heading {
    /// The address in From, lower case, as the message has it: data, never trusted. `None` where there is none.
    pub author: Option<String>,
    /// Its Message-ID.
    pub message_id: Option<MessageId>,
}

impl Heading {
    /// Reads a header block.
    pub fn read(header: &[u8]) -> Self {
        let parts = Parts::read_header(header, &["Message-ID"]);
        let author = Reply::clean(head(&parts.from, 254));
        Self {
            author: Some(author).filter(|a| !a.is_empty()),
            message_id: parts.header.get("message-id").and_then(|id| MessageId::parse(head(id, 1_000))),
        }
    }
}

/// What stands for the Message-ID of a message that has none: the same for every copy of it, in whichever folder, as long as nobody changes
/// its words. A digest of who wrote it to whom, when, on what, and of what was read of its text; programs of the last century bounce so.
pub fn stand_in(header: &[u8], message: &[u8]) -> String {
    let names = ["From", "To", "Date", "Subject", "In-Reply-To"];
    let fields: Fields = Parts::read_header(header, &names).header;
    let mut hash = Sha256::new();
    for name in names {
        for word in fields.get(&name.to_ascii_lowercase()).unwrap_or_default().split_whitespace() {
            hash.update(word.as_bytes());
            hash.update([b' ']);
        }
        hash.update([b'\n']);
    }
    hash.update(below_header(message));
    format!("no-id:{}", crate::letter::to_hex(&hash.finalize()[..16]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_is_read_whatever_the_line_ends_are() {
        let text = "From: =?utf-8?q?M=C3=A4il?= <Mailer-Daemon@Y.test>\nMessage-ID: <1@y.test>\nSubject: x\n";
        for ends in ["\n", "\r\n", "\r"] {
            for rest in ["", "\n", "\nMessage-ID: <2@y.test>\n\ntext"] {
                let heading = Heading::read(format!("{text}{rest}").replace('\n', ends).as_bytes());
                assert_eq!(heading.author.as_deref(), Some("mailer-daemon@y.test"), "{ends:?}{rest:?}");
                assert_eq!(heading.message_id.unwrap().as_str(), "1@y.test", "{ends:?}{rest:?}");
            }
        }
        assert_eq!(Heading::read(b"Message-ID: <>\nSubject: x\n\n"), Heading::default());
    }

    #[test]
    fn copies_have_one_stand_in_and_other_messages_another() {
        let header = b"From: a@x.test\r\nDate: Mon, 2 Nov 2026\r\nSubject: failure\r\n notice\r\n\r\n";
        let refolded = b"Return-Path: <>\nDate: Mon, 2 Nov 2026\nSubject: failure notice\nFrom: a@x.test\n\n";
        let message = |text: &str| format!("Received: by y.test\r\n\r\n{text}").into_bytes();
        assert_eq!(stand_in(header, &message("p")), stand_in(refolded, &message("p")));
        assert_ne!(stand_in(header, &message("p")), stand_in(header, &message("q")));
        assert_ne!(stand_in(header, b""), stand_in(b"From: b@x.test\n\n", b""));
        assert_eq!(stand_in(header, b"").len(), 38);
    }
}
