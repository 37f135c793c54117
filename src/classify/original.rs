//! Which message a report or an answer is about.

use super::fields::Fields;
use super::incoming::Original;
use super::parts::{PartKind, Parts};
use super::text::head;
use crate::words::{LetterId, MessageId};

/// Most Message-IDs that are kept.
const MOST_IDS: usize = 20;

/// Finds the original: from the returned header, from the fields of a report, and from what the message answers.
pub fn find(parts: &Parts, returned_text: &str, report_fields: &[Fields]) -> Original {
    let returned: Vec<Fields> =
        parts.of_kind(PartKind::Returned).chain((!returned_text.is_empty()).then_some(returned_text)).map(returned_header).collect();
    let mut original = Original::default();
    for header in &returned {
        if let Some(value) = header.get("x-preheat") {
            let value: String = value.chars().filter(|c| !c.is_whitespace()).take(200).collect();
            original.letter = original.letter.or_else(|| letter_in(&value));
            original.mark = original.mark.or(Some(value));
        }
    }
    let mut add = |value: &str| {
        // One that stands without brackets is an id, too.
        let listed = MessageId::parse_list(value);
        let ids = if listed.is_empty() { MessageId::parse(head(value.trim(), 990)).into_iter().collect() } else { listed };
        for id in ids {
            if original.message_ids.len() < MOST_IDS && !original.message_ids.contains(&id) {
                original.message_ids.push(id);
            }
        }
    };
    for name in ["message-id", "x-original-message-id", "x-microsoft-original-message-id", "original-message-id"] {
        returned.iter().chain(report_fields).flat_map(|f| f.all(name)).for_each(&mut add);
    }
    for name in ["in-reply-to", "references"] {
        // The last of References is the nearest.
        let values: Vec<MessageId> = parts.header.all(name).flat_map(MessageId::parse_list).collect();
        values.iter().rev().for_each(|id| add(id.as_str()));
    }
    original
}

/// The header in a returned text: it may stand below a line of the program's own, be indented or quoted.
fn returned_header(text: &str) -> Fields {
    let mut header = String::new();
    let mut begun = false;
    let mut indent = 0;
    for line in head(text, 64_000).lines().take(2_000) {
        let line = line.trim_end();
        let begins = line.trim_start_matches([' ', '\t', '>']);
        if !begun {
            // A program's own line above it may have a colon, but no name before it.
            begun = super::fields::field(begins).is_some_and(|(name, _)| name.len() <= 40);
            indent = line.len() - begins.len();
        }
        let line = line.get(indent..).unwrap_or(begins);
        if begun && line.is_empty() {
            break;
        }
        if begun {
            header.push_str(line);
            header.push('\n');
        }
    }
    Fields::read(&header)
}

/// The letter id in an `X-Preheat` value, `key.letter.hmac`.
pub fn letter_in(value: &str) -> Option<LetterId> {
    let mut pieces = value.trim().split('.');
    let (_, letter, _) = (pieces.next()?, pieces.next()?, pieces.next()?);
    LetterId::parse(letter).ok()
}
