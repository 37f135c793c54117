//! Texts and messages: config, mail that came in, headers, folder names, lists of addresses.

use std::path::Path;

use crate::classify::{Heading, glance, read_message, stand_in};
use crate::cli::suppress::lists;
use crate::compose::{Draft, Library, Party, compose_with};
use crate::config::{self, ScheduleOrigin, parse_schedule};
use crate::fuzz::assert_shown;
use crate::ledger::SuppressionRow;
use crate::letter::{Key, Keyring};
use crate::mail::imap::utf7 as names;
use crate::mail::{Header, Uid};
use crate::run::sight::own_letter;
use crate::words::{Address, LetterId, LocalDate, MessageId, Moment, SuppressionCause};

/// `preheat.yaml`, and a schedule of the same text.
pub fn config(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let read = || config::parse(&text, Path::new("preheat.yaml"), &config::Nothing);
    // A fault shows its line and a hint, a hundred at most.
    let most = (4_000 + 60 * text.len()).clamp(10_000, 150_000);
    let said = match (read(), read()) {
        (Ok(config), Ok(again)) => {
            assert_eq!(format!("{config:?}"), format!("{again:?}"), "read twice, it is two configs");
            format!("{} mailboxes, {} warnings", config.mailboxes.len().min(3), config.warnings.len().min(3))
        }
        (Err(error), Err(_)) => {
            assert!(!error.findings.is_empty());
            assert_shown(&error.to_string(), most);
            error.findings.iter().take(3).map(|f| shape(&f.what)).collect()
        }
        _ => panic!("read twice, it is a config once"),
    };
    match parse_schedule("fuzz", &text, Path::new("fuzz.yaml"), ScheduleOrigin::Shipped) {
        Ok(read) => said + &format!("; a schedule of {}", read.schedule.name.len()),
        Err(findings) => {
            assert!(!findings.is_empty());
            said
        }
    }
}

/// A finding's words without what differs from one to the next.
fn shape(words: &str) -> String {
    words.split_whitespace().filter(|w| w.chars().all(char::is_alphabetic)).take(5).collect::<Vec<_>>().join(" ")
}

/// A message that came in, as `preheat inspect` reads it.
pub fn classify(bytes: &[u8]) -> String {
    let incoming = read_message(bytes);
    assert_eq!(incoming, read_message(bytes), "read twice, it is two messages");
    for recipient in &incoming.recipients {
        assert!(recipient.diagnostic.chars().count() <= 500);
        assert_shown(&recipient.diagnostic, 2_100);
        assert_shown(recipient.address.as_deref().unwrap_or_default(), 2_000);
        assert!(recipient.reply.is_none_or(|code| (200..600).contains(&code)), "{:?}", recipient.reply);
    }
    assert_shown(&incoming.evidence, 4_000);
    assert_shown(incoming.feedback_type.as_deref().unwrap_or_default(), 2_100);
    let row = serde_json::to_string(&incoming.row("fuzz"));
    let back: Result<serde_json::Value, _> = row.as_deref().map_err(|_| ()).and_then(|row| serde_json::from_str(row).map_err(|_| ()));
    assert!(back.is_ok(), "what it prints is no JSON");
    let (glanced, heading) = (glance(bytes), Heading::read(bytes));
    assert!(stand_in(bytes, bytes).len() <= 200);
    format!("{} {} {:?} {}", incoming.kind, incoming.evidence, std::mem::discriminant(&glanced), heading.message_id.is_some())
}

/// A header block as a look fetches it; and its bytes as words for a header of ours.
pub fn header(bytes: &[u8]) -> String {
    let (Some(keys), Ok(from), Ok(to)) = (keys(), Address::parse("anna@warm.test"), Address::parse("bob@partner.test")) else {
        return String::new();
    };
    let shown = Header { uid: Uid(1), flags: Vec::new(), received: None, size: 1, raw: bytes.to_vec(), category: None };
    // Nobody but we can sign: a letter is seen only where the true mark stands.
    let id = letter();
    let mark = keys.sign(id, &from, &to).unwrap_or_default();
    let text = String::from_utf8_lossy(bytes);
    let seen = own_letter(&shown, &from, &keys);
    let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    assert!(seen.is_none_or(|seen| seen == id && bare.contains(&mark)), "{seen:?} out of a mark that is not ours");
    assert!(keys.verify(&text, &from, &to).is_err() || bare.starts_with(&mark));
    // The true mark holds however it is folded, and with nothing added.
    let at = bytes.len() % mark.len().max(1);
    let folded = format!("{}\r\n {}", &mark[..at], &mark[at..]);
    assert!(keys.verify(&folded, &from, &to).is_ok_and(|m| m.letter == id));
    let heading = Heading::read(bytes);
    if let Some(id) = &heading.message_id {
        assert_eq!(MessageId::parse(&id.bracketed()).as_ref(), Some(id), "an id that is not read again as itself");
        assert!(!id.as_str().contains(['\r', '\n']));
    }
    written(&keys, &from, &to, &text);
    format!("{} {} {:?}", seen.is_some(), heading.message_id.is_some(), std::mem::discriminant(&glance(bytes)))
}

/// A letter with any names, subject and text is one message with the fields that it has always.
fn written(keys: &Keyring, from: &Address, to: &Address, text: &str) {
    thread_local!(static LIBRARY: Library = Library::shipped());
    let (name, subject) = text.split_once('\n').unwrap_or((text, text));
    let party = |address: &Address| Party { address: address.clone(), name: Some(name.to_owned()) };
    let date = Moment(1_800_000_000_000).in_zone(chrono_tz::UTC);
    let draft = Draft { id: letter(), from: party(from), to: party(to), date, content: 7, language: "en", parent: None };
    let Ok(composed) = LIBRARY.with(|library| compose_with(&draft, subject, text, library, keys)) else { return };
    assert!(composed.bytes.is_ascii() && crate::mail::smtp::check_lines(&composed.bytes).is_ok());
    let message = String::from_utf8_lossy(&composed.bytes);
    assert!(message.split("\r\n").all(|line| line.len() <= 998));
    let head = message.split("\r\n\r\n").next().unwrap_or_default();
    let fields: Vec<&str> = head.split("\r\n").filter(|l| !l.starts_with([' ', '\t'])).filter_map(|l| l.split(':').next()).collect();
    for field in &fields {
        assert!(FIELDS.contains(field), "a field {field} got through:\n{head}");
        assert_eq!(fields.iter().filter(|f| f == &field).count(), 1, "{field} twice:\n{head}");
    }
}

/// The fields of a letter that starts a thread.
const FIELDS: [&str; 9] =
    ["Date", "From", "To", "Subject", "Message-ID", "MIME-Version", "Content-Type", "X-Preheat", "X-Auto-Response-Suppress"];

fn keys() -> Option<Keyring> {
    Key::new("k1", vec![7; 32]).ok().map(Keyring::of)
}

fn letter() -> LetterId {
    let day = LocalDate::ymd(2026, 12, 1);
    let from = Address::parse("anna@warm.test");
    match (day, from) {
        (Some(day), Ok(from)) => LetterId::of_start(&from, day, 1),
        _ => panic!("a day and an address of our own"),
    }
}

/// A folder's name in modified UTF-7, and one to be written in it.
pub fn utf7(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let wire = names::encode(&text);
    assert!(wire.bytes().all(|b| matches!(b, b' '..=b'~')), "{wire:?}");
    assert_eq!(names::decode(&wire).as_deref(), Some(&*text), "written and read again, it is another name");
    match names::decode(&text) {
        None => "none".to_owned(),
        Some(name) => {
            assert!(name.len() <= 2 * text.len());
            assert_eq!(names::decode(&names::encode(&name)), Some(name.clone()));
            format!("{} {}", name.is_ascii(), name.contains('&'))
        }
    }
}

/// A list of addresses: plain, CSV, JSON.
pub fn suppress(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let list = match lists::read(&text) {
        Ok(list) => list,
        Err(why) => {
            assert!(why.len() <= 1_000);
            return shape(&why);
        }
    };
    assert!(list.entries.len() + list.faults.len() <= text.len() + 1);
    let row = |entry: &lists::Listed| {
        let note = entry.note.clone().unwrap_or_default();
        let address = Address::parse(&entry.address).ok()?;
        Some(SuppressionRow { address, since: Moment(0), cause: SuppressionCause::HardBounce, signal: None, note, lifted_at: None })
    };
    let rows: Vec<SuppressionRow> = list.entries.iter().filter_map(row).collect();
    for form in [lists::Form::Csv, lists::Form::Json, lists::Form::Plain] {
        let back = lists::read(&lists::written(&rows, form));
        let addresses: Option<Vec<String>> = back.ok().map(|list| list.entries.into_iter().map(|e| e.address).collect());
        let wanted: Vec<String> = rows.iter().map(|r| r.address.to_string()).collect();
        assert_eq!(addresses, Some(wanted), "{form:?}: written and read again, it is another list");
    }
    format!("{} {} {}", list.entries.len().min(3), list.faults.len().min(3), rows.len().min(3))
}
