//! Lists of addresses, as other programs write and read them: plain, CSV, JSON.

use serde_json::{Value, json};

use crate::ledger::SuppressionRow;

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// With a header line (RFC 4180): address, since, cause, note
    Csv,
    /// An array of objects
    Json,
    /// One address a line
    Plain,
}

/// One address of a list that is read in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its line; for JSON its place, from 1.
    pub line: u64,
    /// As it stands there.
    pub address: String,
    /// What the list says of it.
    pub note: Option<String>,
}

/// A list that was read in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// Its addresses.
    pub entries: Vec<Listed>,
    /// Lines that say nothing that is understood, with why.
    pub faults: Vec<(u64, String)>,
}

/// Names of the column that has the address, in lower case.
const ADDRESS: [&str; 4] = ["address", "email", "e-mail", "email address"];
/// Names of columns that say why.
const NOTE: [&str; 3] = ["note", "reason", "cause"];

/// Reads a list in any of the three forms. Blank lines, and lines that begin with `#`, say nothing.
///
/// # Errors
/// What is wrong with the list as a whole, for people.
pub fn read(text: &str) -> Result<List, String> {
    let text = text.trim_start_matches('\u{feff}');
    if is_json(text.trim_start()) { read_json(text) } else { Ok(read_lines(text)) }
}

/// An address may begin with a brace (RFC 5322 §3.2.3), but not with a brace and a quotation mark.
fn is_json(text: &str) -> bool {
    let in_braces = text.strip_prefix('{').map(str::trim_start);
    text.starts_with('[') || in_braces.is_some_and(|inside| inside.is_empty() || inside.starts_with(['"', '}']))
}

fn read_json(text: &str) -> Result<List, String> {
    let value: Value = serde_json::from_str(text).map_err(|e| format!("this is not JSON: {e}"))?;
    let Value::Array(items) = value else { return Err("a JSON list is an array of addresses, or of objects with `address`".to_owned()) };
    let mut list = List::default();
    for (line, item) in (1..).zip(items) {
        let field = |names: &[&str]| names.iter().find_map(|name| item.get(name).and_then(Value::as_str)).map(str::to_owned);
        match item.as_str().map(str::to_owned).or_else(|| field(&ADDRESS)) {
            Some(address) => list.entries.push(Listed { line, address, note: field(&NOTE) }),
            None => list.faults.push((line, "neither an address nor an object with `address`".to_owned())),
        }
    }
    Ok(list)
}

/// CSV where the first line names a column for the address, else one address a line: its first field, where there are more.
fn read_lines(text: &str) -> List {
    let mut reader = csv::ReaderBuilder::new();
    reader.has_headers(false).flexible(true).trim(csv::Trim::All).comment(Some(b'#'));
    let delimiter = if text.lines().next().is_some_and(|l| l.contains(';') && !l.contains(',')) { b';' } else { b',' };
    let mut reader = reader.delimiter(delimiter).from_reader(text.as_bytes());
    let (mut list, mut columns) = (List::default(), None);
    let mut record = csv::StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(e) => {
                list.faults.push((e.position().map_or(0, csv::Position::line), e.to_string()));
                break;
            }
        }
        // A record's own position is before the blank lines and comments above it; where it ends is known.
        let end = reader.position();
        let ended = text.as_bytes().get(..end.byte() as usize).is_some_and(|read| read.ends_with(b"\n"));
        let line = end.line().saturating_sub(u64::from(ended));
        let place = |names: &[&str]| record.iter().position(|cell| names.contains(&cell.to_lowercase().as_str()));
        let (address_at, note_at) = match columns {
            Some(known) => known,
            None => match place(&ADDRESS) {
                Some(at) => {
                    columns = Some((at, place(&NOTE)));
                    continue;
                }
                None => *columns.insert((0, None)),
            },
        };
        let cell = |at: usize| record.get(at).filter(|cell| !cell.is_empty()).map(str::to_owned);
        match cell(address_at) {
            Some(address) => list.entries.push(Listed { line, address, note: note_at.and_then(cell) }),
            None => list.faults.push((line, "no address".to_owned())),
        }
    }
    list
}

/// The list as JSON: `address`, `since`, `cause`, `note`, `mailbox` and `message_id` of the signal behind it (null where a person is).
pub fn to_json(rows: &[SuppressionRow]) -> Value {
    let object = |row: &SuppressionRow| {
        let (mailbox, message_id) = row.signal.as_ref().map(|(m, id)| (m.as_str(), id.as_str())).unzip();
        json!({
            "address": row.address, "since": row.since, "cause": row.cause, "note": row.note, "mailbox": mailbox, "message_id": message_id,
        })
    };
    rows.iter().map(object).collect()
}

/// The list in a form that other programs read.
pub fn written(rows: &[SuppressionRow], form: Form) -> String {
    match form {
        // Quoted, it is no comment.
        Form::Plain => rows
            .iter()
            .map(|row| if row.address.as_str().starts_with('#') { format!("\"{}\"\n", row.address) } else { format!("{}\n", row.address) })
            .collect(),
        Form::Json => format!("{:#}\n", to_json(rows)),
        Form::Csv => {
            let mut writer = csv::WriterBuilder::new().comment(Some(b'#')).from_writer(Vec::new());
            let lines = rows.iter().map(|r| [r.address.to_string(), r.since.to_string(), r.cause.to_string(), no_formula(&r.note)]);
            for line in std::iter::once(["address", "since", "cause", "note"].map(str::to_owned)).chain(lines) {
                // Into memory: nothing can fail.
                let _ = writer.write_record(&line);
            }
            String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
        }
    }
}

/// A server's words must not become a formula where a table opens the file.
fn no_formula(note: &str) -> String {
    if note.starts_with(['=', '+', '-', '@', '\t']) { format!("'{note}") } else { note.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{Address, Moment, SuppressionCause};

    fn listed(line: u64, address: &str, note: Option<&str>) -> Listed {
        Listed { line, address: address.into(), note: note.map(str::to_owned) }
    }

    #[test]
    fn the_three_forms_are_read() {
        let plain = "# gone\na@out.test\n\n  b@out.test  \nc@out.test, moved away\n";
        let entries = vec![listed(2, "a@out.test", None), listed(4, "b@out.test", None), listed(5, "c@out.test", None)];
        assert_eq!(read(plain), Ok(List { entries, faults: vec![] }));

        let csv = "\u{feff}Name;Email;Reason\r\n\"Lee; Anna\";a@out.test;\"said \"\"no\"\"\"\r\nNobody;;\r\nBen;b@out.test\r\n";
        let entries = vec![listed(2, "a@out.test", Some("said \"no\"")), listed(4, "b@out.test", None)];
        assert_eq!(read(csv), Ok(List { entries, faults: vec![(3, "no address".into())] }));

        let json = r#"["a@out.test", {"email": "b@out.test", "note": "moved"}, 7, {"address": null}]"#;
        let read = read(json).unwrap();
        assert_eq!(read.entries, [listed(1, "a@out.test", None), listed(2, "b@out.test", Some("moved"))]);
        assert_eq!(read.faults.iter().map(|f| f.0).collect::<Vec<_>>(), [3, 4]);
    }

    #[test]
    fn what_is_no_list_is_said_to_be_none() {
        assert!(read("{\"a\": 1}").unwrap_err().contains("an array"));
        assert!(read("[\"a@out.test\"").unwrap_err().contains("not JSON"));
        assert_eq!(read(""), Ok(List::default()));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let row = |address: &str, note: &str| SuppressionRow {
            address: Address::parse(address).unwrap(),
            since: Moment(0),
            cause: SuppressionCause::HardBounce,
            signal: None,
            note: note.into(),
            lifted_at: None,
        };
        let rows = [row("a@out.test", "550 5.1.1 \"no\", such user"), row("b@out.test", "=1+1")];
        let csv = written(&rows, Form::Csv);
        assert_eq!(
            csv,
            "address,since,cause,note\na@out.test,1970-01-01T00:00:00Z,hard_bounce,\"550 5.1.1 \"\"no\"\", such user\"\nb@out.test,1970-01-01T00:00:00Z,hard_bounce,'=1+1\n"
        );
        for form in [Form::Csv, Form::Json, Form::Plain] {
            let back = read(&written(&rows, form)).unwrap();
            assert_eq!(back.entries.iter().map(|e| e.address.as_str()).collect::<Vec<_>>(), ["a@out.test", "b@out.test"], "{form:?}");
            assert_eq!(back.faults, [], "{form:?}");
        }
        // Addresses may begin as comments and as JSON do.
        let odd = [row("{b@out.test", ""), row("#c@out.test", ""), row("{#@out.test", "")];
        for form in [Form::Csv, Form::Json, Form::Plain] {
            let back = read(&written(&odd, form)).unwrap();
            assert_eq!(
                back.entries.iter().map(|e| e.address.as_str()).collect::<Vec<_>>(),
                odd.each_ref().map(|r| r.address.as_str()),
                "{form:?}"
            );
        }
        assert!(read("{\n \"address\": \"a@out.test\"}").is_err(), "an object that is no list");
    }
}
