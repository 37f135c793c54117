//! The JSON Schema (draft 2020-12) of an event, made from the table of types.

use serde_json::{Map, Value, json};

use super::kind::{EventKind, Field, FieldKind};
use crate::words::RefusalClass;

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of one line of `preheat events --json`.
pub fn json_schema() -> Value {
    json!({
        "$schema": DRAFT,
        "title": "an event",
        "description": "One line of `preheat events --json`. Types and fields may be added: pass over what is not known.",
        "type": "object",
        "required": ["id", "at", "type", "mailbox"],
        "properties": {
            "id": { "type": "string", "description": "The same for the same event however often it is read; opaque." },
            "at": described(time(), "When it happened."),
            "type": { "type": "string" },
            "mailbox": { "type": ["string", "null"], "description": "The mailbox that it is about; of a letter its sender." },
        },
        "oneOf": EventKind::ALL.iter().map(|kind| of_kind(*kind)).collect::<Vec<_>>(),
    })
}

fn of_kind(kind: EventKind) -> Value {
    let mut properties = Map::from_iter([("type".to_owned(), json!({ "const": kind.as_str() }))]);
    properties.extend(kind.fields().map(|field| (field.name.to_owned(), property(field))));
    let required: Vec<&str> = kind.fields().map(|field| field.name).collect();
    json!({ "title": kind.as_str(), "description": kind.about(), "properties": properties, "required": required })
}

fn property(field: &Field) -> Value {
    let value = value(&field.kind);
    described(if field.nullable { json!({ "anyOf": [value, { "type": "null" }] }) } else { value }, field.about)
}

fn described(mut schema: Value, about: &str) -> Value {
    schema["description"] = about.into();
    schema
}

fn value(kind: &FieldKind) -> Value {
    match kind {
        FieldKind::Text | FieldKind::MessageId | FieldKind::Domain => json!({ "type": "string" }),
        FieldKind::Foreign => json!({ "type": "string", "maxLength": 500 }),
        FieldKind::Whole => json!({ "type": "integer" }),
        FieldKind::Flag => json!({ "type": "boolean" }),
        FieldKind::Time => time(),
        FieldKind::Date => json!({ "type": "string", "format": "date" }),
        FieldKind::Address => json!({ "type": "string", "pattern": "@" }),
        FieldKind::Letter => json!({ "type": "string", "pattern": "^[0-9a-f]{24}$" }),
        FieldKind::Word(words) => json!({ "enum": words() }),
        FieldKind::Recipients => json!({ "type": "array", "items": recipient() }),
        FieldKind::Rulings => json!({ "type": "array", "items": { "type": "object" } }),
    }
}

fn recipient() -> Value {
    let classes: Vec<&str> = RefusalClass::ALL.iter().filter(|class| class.coarse() == **class).map(|class| class.as_str()).collect();
    let text = json!({ "type": ["string", "null"] });
    json!({
        "type": "object",
        "required": ["address", "status", "reply", "class", "hard", "diagnostic"],
        "properties": {
            "address": text, "status": text, "reply": { "type": ["integer", "null"] }, "class": { "enum": classes },
            "hard": { "type": "boolean" }, "diagnostic": { "type": "string" },
        },
    })
}

fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}
