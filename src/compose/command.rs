//! The `command:` way: a program of the user's writes the words, we write the message.
//!
//! Pure: what goes in, and what is taken from what comes out. Running the program is the executor's.

use serde_json::{Value, json};

use super::body::tidy;
use super::header::one_line;
use super::{ComposeError, Draft, Party};

/// Longest answer that is read, in bytes.
const OUTPUT_BYTES: usize = 262_144;

/// What the program gets on its standard input.
///
/// `version` 1; `kind` is `start` or `answer`; `draw` is the letter's content draw in decimal, as text, since it does not fit the numbers of
/// every JSON reader: a program that chooses by it gives the same words for the same letter. `parent` is null for a start.
pub fn command_input(draft: &Draft<'_>) -> Value {
    let party = |p: &Party| json!({ "address": p.address, "name": p.name });
    json!({
        "version": 1,
        "kind": if draft.parent.is_some() { "answer" } else { "start" },
        "letter": draft.id,
        "language": draft.language,
        "draw": draft.content.to_string(),
        "from": party(&draft.from),
        "to": party(&draft.to),
        "date": draft.date.to_rfc3339(),
        "parent": draft.parent.as_ref().map(|p| json!({
            "subject": p.subject,
            "text": p.text,
            "from": party(&p.from),
            "date": p.date.to_rfc3339(),
            "message_id": p.message_id,
        })),
    })
}

/// Subject and text from the program's standard output: a JSON object with `subject` and `text`; other keys are passed over.
///
/// The subject is empty where it is missing or null, which only an answer may have: [`super::compose_with`] keeps the thread's subject.
/// Controls are taken out of both. The quote is added later: the text is the letter's own words only.
///
/// # Errors
/// [`ComposeError::Command`] where it is no such object, the text is missing or empty, or it is above 256 KiB.
pub fn from_command_output(output: &[u8]) -> Result<(String, String), ComposeError> {
    let fault = |what: &str| ComposeError::Command(what.to_owned());
    if output.len() > OUTPUT_BYTES {
        return Err(fault("more than 256 KiB"));
    }
    let value: Value = serde_json::from_slice(output).map_err(|e| ComposeError::Command(format!("no JSON: {e}")))?;
    let object = value.as_object().ok_or_else(|| fault("JSON, but not an object"))?;
    let subject = match object.get("subject") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(subject)) => one_line(subject),
        Some(_) => return Err(fault("`subject` is not text")),
    };
    let text = match object.get("text") {
        Some(Value::String(text)) => tidy(text),
        Some(_) => return Err(fault("`text` is not text")),
        None => return Err(fault("`text` is missing")),
    };
    if text.is_empty() {
        return Err(fault("`text` is empty"));
    }
    Ok((subject, text))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{answer_draft, start_draft};
    use super::*;

    #[test]
    fn the_program_is_told_all_that_it_needs() {
        let start = command_input(&start_draft("de", 18_446_744_073_709_551_615));
        assert_eq!(
            start,
            json!({
                "version": 1, "kind": "start", "letter": start_draft("de", 0).id.to_string(), "language": "de", "draw": "18446744073709551615",
                "from": { "address": "ben.roy@new.example", "name": "Ben Roy" },
                "to": { "address": "anna.lee@partner.test", "name": "Anna Lee" },
                "date": "2026-12-01T09:05:00+01:00", "parent": null
            })
        );
        let answer = command_input(&answer_draft("en", 1, "Hello", "Text"));
        assert_eq!(answer["kind"], "answer");
        assert_eq!(
            answer["parent"],
            json!({
                "subject": "Hello", "text": "Text", "from": { "address": "anna.lee@partner.test", "name": "Anna Lee" },
                "date": "2026-11-30T16:20:00+00:00", "message_id": "1@partner.test"
            })
        );
    }

    #[test]
    fn its_words_are_taken_and_cleaned() {
        let words = |s: &str| from_command_output(s.as_bytes()).map_err(|e| e.to_string());
        assert_eq!(words(r#"{"subject":"Hi\r\nBcc: x","text":"a\r\nb\u0007 \n","more":1}"#), Ok(("Hi Bcc: x".into(), "a\nb".into())));
        assert_eq!(words(r#"{"text":"a"}"#), Ok((String::new(), "a".into())));
        for (bad, why) in [
            ("", "no JSON"),
            ("[]", "not an object"),
            ("{}", "`text` is missing"),
            (r#"{"text":" \n"}"#, "`text` is empty"),
            (r#"{"text":1}"#, "`text` is not text"),
            (r#"{"subject":[],"text":"a"}"#, "`subject` is not text"),
        ] {
            assert!(words(bad).unwrap_err().contains(why), "{bad}: {:?}", words(bad));
        }
        assert!(words(&format!("{{\"text\":\"{}\"}}", "a".repeat(OUTPUT_BYTES))).unwrap_err().contains("256 KiB"));
        assert!(from_command_output(b"{\"text\":\"\xff\"}").is_err());
    }
}
