//! The page of the docs, made from the table of types.

use std::fmt::Write;

use super::kind::{EventKind, Field, FieldKind};

/// What stands before the tables: how the stream is read.
const HEAD: &str = include_str!("reference.md");

/// The parts of the page: a title, and the families of types below it.
const PARTS: &[(&str, &[&str])] = &[
    ("Letters", &["letter"]),
    ("What came back", &["bounce", "delay", "complaint", "auto_reply", "unsubscribe", "reply"]),
    ("Addresses that get no mail", &["address"]),
    ("The guard", &["verdict", "domain"]),
    ("Mailboxes and sending", &["mailbox", "sending", "trouble"]),
];

/// What `docs/events.md` holds.
pub fn reference_markdown() -> String {
    let mut out = HEAD.to_owned();
    for (title, families) in PARTS {
        let kinds: Vec<EventKind> = EventKind::ALL.iter().copied().filter(|kind| families.contains(&kind.family())).collect();
        let is_everywhere = |name| kinds.iter().all(|kind| kind.fields().any(|field| field.name == name));
        let _ = write!(out, "\n## {title}\n");
        let shared: Vec<&Field> = kinds.iter().take(1).flat_map(|kind| kind.fields()).filter(|f| is_everywhere(f.name)).collect();
        if !shared.is_empty() {
            out.push_str("\nEach of them has:\n");
        }
        write_fields(&mut out, &shared);
        for kind in kinds.iter().copied() {
            let _ = write!(out, "\n### {kind}\n\n{}\n", kind.about());
            let own: Vec<&Field> = kind.fields().filter(|field| !is_everywhere(field.name)).collect();
            write_fields(&mut out, &own);
        }
    }
    out
}

fn write_fields(out: &mut String, fields: &[&Field]) {
    if !fields.is_empty() {
        out.push_str("\n| field | value | what it is |\n| --- | --- | --- |\n");
    }
    for field in fields {
        let _ = writeln!(out, "| `{}` | {} | {} |", field.name, value(field), field.about);
    }
}

fn value(field: &Field) -> String {
    let value = match &field.kind {
        FieldKind::Text => "text".to_owned(),
        FieldKind::Foreign => "text of others".to_owned(),
        FieldKind::MessageId => "Message-ID".to_owned(),
        FieldKind::Whole => "number".to_owned(),
        FieldKind::Flag => "true or false".to_owned(),
        FieldKind::Time => "time".to_owned(),
        FieldKind::Date => "date".to_owned(),
        FieldKind::Address => "address".to_owned(),
        FieldKind::Domain => "domain".to_owned(),
        FieldKind::Letter => "letter".to_owned(),
        FieldKind::Word(words) => words().iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(" · "),
        FieldKind::Recipients | FieldKind::Rulings => "list".to_owned(),
    };
    if field.nullable { format!("{value}, or null") } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After a change of the table: `PREHEAT_WRITE_DOCS=1 cargo test reference` writes the page anew.
    #[test]
    fn the_page_in_the_docs_is_what_the_table_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/events.md");
        if std::env::var_os("PREHEAT_WRITE_DOCS").is_some() {
            std::fs::write(path, reference_markdown()).unwrap();
        }
        assert!(std::fs::read_to_string(path).unwrap() == reference_markdown(), "the page is not what the table says");
    }

    #[test]
    fn every_type_is_on_the_page_once() {
        let page = reference_markdown();
        for kind in EventKind::ALL {
            assert_eq!(page.matches(&format!("\n### {kind}\n")).count(), 1, "{kind}");
        }
    }
}
