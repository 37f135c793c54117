//! JSON Schemas (draft 2020-12) of `preheat.yaml` and of schedule files, made from the tables. Editors use them.

use serde_json::{Map, Value, json};

use super::keys::CONFIG;
use super::schedule_keys::SCHEDULE;
use super::table::{Key, Kind, Section};

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";
const DURATION: &str = "^(?=.)([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$";
const HOURS: &str = "^ *[0-9]{1,2}:[0-9]{2} *[-–] *[0-9]{1,2}:[0-9]{2} *$";
const SECRET: &str = "^(env:[A-Za-z_{].*|file:.+|command:.+)$";

/// The schema of `preheat.yaml`.
pub fn json_schema() -> Value {
    file_schema(&CONFIG)
}

/// The schema of a schedule file.
pub fn schedule_schema() -> Value {
    file_schema(&SCHEDULE)
}

fn file_schema(section: &'static Section) -> Value {
    let mut schema = mapping(section);
    schema.insert("$schema".into(), DRAFT.into());
    schema.insert("title".into(), section.title.into());
    Value::Object(schema)
}

/// The schema of a section that is written as a mapping.
fn mapping(section: &'static Section) -> Map<String, Value> {
    let properties: Map<String, Value> = section.keys.iter().map(|k| (k.name.to_owned(), property(k))).collect();
    let required: Vec<&str> = section.keys.iter().filter(|k| k.required).map(|k| k.name).collect();
    let mut schema = Map::new();
    schema.insert("description".into(), section.about.into());
    schema.insert("type".into(), "object".into());
    schema.insert("properties".into(), properties.into());
    schema.insert("additionalProperties".into(), false.into());
    if !required.is_empty() {
        schema.insert("required".into(), required.into());
    }
    schema
}

/// A section, or the bare value that is short for it.
fn section(section: &'static Section) -> Value {
    match section.short.and_then(|short| section.key(short)) {
        Some(key) => json!({ "anyOf": [mapping(section), kind(&key.kind)] }),
        None => Value::Object(mapping(section)),
    }
}

fn property(key: &'static Key) -> Value {
    let mut schema = match kind(&key.kind) {
        Value::Object(schema) => schema,
        other => Map::from_iter([("const".to_owned(), other)]),
    };
    schema.insert("description".into(), key.about.into());
    if !key.default.is_empty() {
        schema.insert("default".into(), default(key));
    }
    Value::Object(schema)
}

fn default(key: &Key) -> Value {
    match &key.kind {
        Kind::Whole { .. } => key.default.parse::<u64>().map_or(Value::Null, Value::from),
        Kind::Share { .. } => key.default.parse::<f64>().map_or(Value::Null, Value::from),
        _ => key.default.into(),
    }
}

fn kind(kind_of: &'static Kind) -> Value {
    let text = json!({ "type": "string", "minLength": 1 });
    // A number is taken as text where text is wanted: a group may be called 1.
    let line = json!({ "type": ["string", "number", "boolean"] });
    match kind_of {
        Kind::Text => line,
        Kind::Word(words) => json!({ "enum": words }),
        Kind::Whole { min, max, .. } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::Share { max } => json!({ "type": "number", "minimum": 0, "maximum": max }),
        Kind::Duration { .. } => json!({ "type": "string", "pattern": DURATION }),
        Kind::Hours => json!({ "type": "string", "pattern": HOURS }),
        Kind::Date => json!({ "type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$" }),
        Kind::Zone => json!({ "type": "string", "examples": ["Europe/Berlin", "America/New_York"] }),
        Kind::Address => json!({ "type": "string", "pattern": "^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$" }),
        Kind::Domain | Kind::Host | Kind::Path => text,
        Kind::Secret => secret(),
        Kind::Program => json!({ "anyOf": [text, { "type": "array", "items": line, "minItems": 1 }] }),
        Kind::Weekdays => json!({ "anyOf": [text, { "type": "array", "items": text }] }),
        Kind::OneOrMore(item) => json!({ "anyOf": [kind(item), { "type": "array", "items": kind(item) }] }),
        Kind::List(item) => json!({ "type": "array", "items": kind(item) }),
        Kind::Section(below) => section(below),
        Kind::WordOr(words, below) => {
            let mut forms = vec![json!({ "enum": words }), section(below)];
            if words.contains(&"off") {
                forms.push(json!({ "type": "null" }));
            }
            json!({ "anyOf": forms })
        }
        Kind::Map(names, values) => json!({ "type": "object", "propertyNames": kind(names), "additionalProperties": kind(values) }),
    }
}

fn secret() -> Value {
    let program = kind(&Kind::Program);
    json!({ "anyOf": [
        { "type": "string", "pattern": SECRET },
        { "type": "object", "properties": { "env": { "type": "string" } }, "required": ["env"], "additionalProperties": false },
        { "type": "object", "properties": { "file": { "type": "string" } }, "required": ["file"], "additionalProperties": false },
        { "type": "object", "properties": { "command": program }, "required": ["command"], "additionalProperties": false },
    ] })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_the_tables_is_a_property_with_its_sentence() {
        fn walk(section: &'static Section, schema: &Value) {
            let schema = schema.get("anyOf").map_or(schema, |forms| &forms[0]);
            assert_eq!(schema["additionalProperties"], json!(false), "{}", section.title);
            for key in section.keys {
                let property = &schema["properties"][key.name];
                assert_eq!(property["description"], json!(key.about), "{}.{}", section.title, key.name);
                if let Kind::Section(below) = key.kind {
                    walk(below, property);
                }
            }
        }
        walk(&CONFIG, &json_schema());
        walk(&SCHEDULE, &schedule_schema());
    }

    #[test]
    fn the_schema_names_draft_required_keys_ranges_and_words() {
        let schema = json_schema();
        assert_eq!(schema["$schema"], json!(DRAFT));
        assert_eq!(schema["required"], json!(["zone", "mailboxes"]));
        let mailbox = &schema["properties"]["mailboxes"]["items"]["anyOf"][0];
        assert_eq!(mailbox["required"], json!(["address"]));
        assert_eq!(mailbox["properties"]["receive_limit"]["default"], json!(20));
        assert_eq!(mailbox["properties"]["role"]["enum"], json!(["warming", "partner"]));
        let ramp = &schedule_schema()["properties"]["ramp"]["properties"];
        assert_eq!((&ramp["weeks"]["minimum"], &ramp["weeks"]["maximum"]), (&json!(1), &json!(26)));
        assert_eq!(ramp["max_daily_growth"]["anyOf"][2], json!({ "type": "null" }));
    }
}
