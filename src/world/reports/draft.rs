//! A message in the making: its fields, its body, its parts. Whatever the text, a field stays one field.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use crate::words::{Address, Moment};
use crate::world::header;

/// Bytes of a field's value that are kept: with its name it fits a line (RFC 5322 §2.1.1).
const VALUE: usize = 900;

/// A message of which the header is being written.
#[derive(Debug, Default)]
pub(super) struct Draft(String);

/// A part: its Content-Type, and what is in it.
pub(super) struct Part<'a> {
    pub content_type: &'a str,
    pub content: &'a [u8],
}

impl Draft {
    /// A message that comes back to `to`, with the path that its answers would take: `<>` where there must be none.
    pub fn to(to: &Address, return_path: &str, from: &str, at: Moment) -> Self {
        let mut draft = Self::default();
        draft.field("Return-Path", &format!("<{return_path}>"));
        draft.field("From", from);
        draft.field("To", &format!("<{to}>"));
        draft.field("Date", &header::date(at));
        draft
    }

    /// A field; one without a value is left out.
    pub fn field(&mut self, name: &str, value: &str) {
        let value = one_line(value);
        if !value.is_empty() {
            let _ = write!(self.0, "{name}: {value}\r\n");
        }
    }

    /// The Message-ID, from what makes the message what it is; gives the part before the `@`.
    pub fn id(&mut self, host: &str, of: &[&str]) -> String {
        let id = digest(of);
        self.field("Message-ID", &format!("<{id}@{host}>"));
        id
    }

    /// Which message it answers; nothing where that has no Message-ID.
    pub fn answers(&mut self, id: &str, references: &str) {
        if !id.is_empty() {
            self.field("In-Reply-To", &format!("<{id}>"));
            self.field("References", &format!("{references} <{id}>"));
        }
    }

    /// Ends with a text, whose lines end with LF alone.
    pub fn text(mut self, text: &str) -> Vec<u8> {
        self.field("MIME-Version", "1.0");
        self.field("Content-Type", "text/plain; charset=utf-8");
        self.field("Content-Transfer-Encoding", "8bit");
        self.0.push_str("\r\n");
        self.0.push_str(&lines(text));
        self.0.into_bytes()
    }

    /// Ends with parts: `multipart/report; report-type=delivery-status` and the like.
    pub fn parts(mut self, content_type: &str, id: &str, parts: &[Part<'_>]) -> Vec<u8> {
        self.field("MIME-Version", "1.0");
        let boundary = format!("=_{id}");
        let _ = write!(self.0, "Content-Type: {content_type};\r\n\tboundary=\"{boundary}\"\r\n\r\n");
        let mut bytes = self.0.into_bytes();
        join(&mut bytes, &boundary, parts);
        bytes
    }
}

/// The parts between their boundaries.
pub(super) fn join(bytes: &mut Vec<u8>, boundary: &str, parts: &[Part<'_>]) {
    for part in parts {
        bytes.extend_from_slice(format!("--{boundary}\r\nContent-Type: {}\r\n\r\n", part.content_type).as_bytes());
        bytes.extend_from_slice(part.content);
        if !part.content.ends_with(b"\r\n") {
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
}

/// 24 hex digits that follow from these words.
pub(super) fn digest(of: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in of {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().take(12).fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Lines with the ends that mail has.
pub(super) fn lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    for line in text.lines() {
        out.push_str(line);
        out.push_str("\r\n");
    }
    out
}

/// A value without controls and runs of spaces, cut where it gets long.
pub(super) fn one_line(value: &str) -> String {
    let mut out = String::new();
    for word in value.split(|c: char| c.is_control() || c == ' ').filter(|w| !w.is_empty()) {
        if out.len() + word.len() >= VALUE {
            break;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}
