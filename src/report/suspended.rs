//! A suspended mailbox in words: what a server said of it, and what to do.

use serde_json::{Value, json};

use crate::ledger::SuspensionRow;
use crate::words::RefusalClass;

/// Who gets no letters until when, and why: one sentence without a full stop.
pub fn suspended_in_words(row: &SuspensionRow) -> String {
    format!("{} gets no letters until {}: {}", row.mailbox, row.until, why(row))
}

/// Why, with the server's words.
pub fn why(row: &SuspensionRow) -> String {
    let what = match row.class {
        RefusalClass::BadAddress => "there is no such mailbox",
        RefusalClass::Full => "it is full",
        RefusalClass::Disabled => "it is switched off",
        _ => "it was refused",
    };
    format!("{what} ({})", row.reply)
}

/// What to do about it, in a sentence or two.
pub fn hint(row: &SuspensionRow) -> String {
    let first = match row.class {
        RefusalClass::BadAddress => "sign in to it and see whether it is still there; if it is gone for good, take it out of preheat.yaml",
        RefusalClass::Full => "make room in it",
        RefusalClass::Disabled => "sign in to it, or ask whoever runs it to switch it on again",
        _ => "see what the server's words say",
    };
    format!("{first}. It is tried again then; `preheat resume {}` tries at once", row.mailbox)
}

/// As JSON: `mailbox`, `since`, `until`, `class`, `code` (null where the server gave none), `enhanced` (null, or such as 5.1.1), `text`, `letter`, `hint`.
pub fn to_json(row: &SuspensionRow) -> Value {
    json!({
        "mailbox": row.mailbox, "since": row.since, "until": row.until, "class": row.class,
        "code": Some(row.reply.code).filter(|code| *code >= 200), "enhanced": row.reply.enhanced.map(|e| e.to_string()),
        "text": row.reply.text, "letter": row.letter, "hint": hint(row),
    })
}
