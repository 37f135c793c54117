//! FETCH (RFC 3501 §6.4.5), with Gmail's X-GM-MSGID, X-GM-THRID and X-GM-LABELS.

use std::collections::BTreeSet;
use std::io;

use imap_codec::imap_types::core::AString;
use imap_codec::imap_types::fetch::{MacroOrMessageDataItemNames, MessageDataItemName as Item, Part as PartNumber, Section};
use imap_codec::imap_types::sequence::SequenceSet;

use super::answer::{Answer, Done};
use super::command::GMAIL_WORDS;
use super::mime::{self, Inside, Part};
use super::session::Session;
use super::structure::{envelope, structure};
use super::wire::Wire;
use crate::world::{FlagChange, Message};

/// How much waits before it is sent.
const CHUNK: usize = 256 << 10;
/// The most items of one FETCH.
const MOST_ITEMS: usize = 200;
/// The most bytes that the answer about one message may take: the same text can be asked for again and again, in pieces.
const MOST_BYTES: usize = 256 << 20;

impl Session {
    pub async fn fetch(
        &mut self,
        wire: &mut Wire<'_>,
        set: &SequenceSet,
        what: &MacroOrMessageDataItemNames<'_>,
        uid: bool,
    ) -> io::Result<Done> {
        let Ok(account) = self.account() else { return Ok(Done::bad("sign in first")) };
        let Some(view) = &self.view else { return Ok(Done::bad("no folder is selected")) };
        let Some(indices) = view.named(set, uid) else { return Ok(Done::bad("there is no message of that number")) };
        let items = items_of(what, uid);
        if items.len() > MOST_ITEMS || items.iter().any(|i| matches!(i, Item::Binary { .. } | Item::BinarySize { .. })) {
            return Ok(Done::bad("that is more than is offered"));
        }
        let opens = !view.read_only && items.iter().any(opens);
        let (folder, uids) = (view.folder.clone(), view.uids(&indices));
        let now = self.now();
        let mut gone = false;
        for (n, message_uid) in indices.into_iter().zip(uids) {
            let one = self.world.with_folder(&account, &folder, |f| f.messages.get(&message_uid).cloned());
            let Ok(Some(mut message)) = one else {
                gone = true;
                continue;
            };
            if message.bytes.len().saturating_mul(items.iter().filter(|i| has_text(i)).count()) > MOST_BYTES {
                return Ok(Done::no("[LIMIT] that is too much of one message"));
            }
            let newly_seen = opens && !message.flags.contains("\\Seen");
            if newly_seen {
                let seen = BTreeSet::from(["\\Seen".to_owned()]);
                // Where it went in this instant, there is nothing to mark.
                let _ = self.world.set_flags(&account, &folder, &[message_uid], FlagChange::Add, &seen, now);
                message.flags.extend(seen);
            }
            let tells_flags = newly_seen || items.iter().any(|i| matches!(i, Item::Flags));
            if let Some(row) = self.view.as_mut().and_then(|v| v.rows.get_mut(n)).filter(|_| tells_flags) {
                row.flags.clone_from(&message.flags);
            }
            self.out.text(format_args!("* {} FETCH (", n + 1));
            message_items(&mut self.out, message_uid, &message, &items, newly_seen);
            self.out.line(")");
            if self.out.0.len() >= CHUNK {
                wire.send(&mut self.out.0).await?;
            }
        }
        Ok(if gone && !uid { Done::no("[EXPUNGEISSUED] some of them are gone") } else { Done::ok("fetched") })
    }
}

/// The items that were asked for, each once; with UID where UIDs were asked by.
fn items_of<'a>(what: &'a MacroOrMessageDataItemNames<'_>, uid: bool) -> Vec<Item<'a>> {
    let mut items = Vec::new();
    if uid {
        items.push(Item::Uid);
    }
    let asked = match what {
        MacroOrMessageDataItemNames::Macro(m) => m.expand(),
        MacroOrMessageDataItemNames::MessageDataItemNames(names) => names.clone(),
    };
    for item in asked {
        if !items.contains(&item) && items.len() <= MOST_ITEMS {
            items.push(item);
        }
    }
    items
}

/// Whether an item marks the message as seen.
fn opens(item: &Item<'_>) -> bool {
    matches!(item, Item::BodyExt { peek: false, .. } | Item::Rfc822 | Item::Rfc822Text)
}

/// Whether an item's answer grows with the message.
fn has_text(item: &Item<'_>) -> bool {
    matches!(item, Item::BodyExt { .. } | Item::Rfc822 | Item::Rfc822Text | Item::Rfc822Header)
}

fn message_items(out: &mut Answer, uid: u32, message: &Message, items: &[Item<'_>], newly_seen: bool) {
    let bytes: &[u8] = &message.bytes;
    let part = Part::of_message(bytes);
    let mut first = true;
    let mut space = |out: &mut Answer| {
        if !std::mem::replace(&mut first, false) {
            out.text(" ");
        }
    };
    for item in items {
        space(out);
        match item {
            Item::Uid => out.text(format_args!("UID {uid}")),
            Item::Flags => {
                out.text("FLAGS ");
                out.list(&message.flags);
            }
            Item::InternalDate => out.text(format_args!("INTERNALDATE \"{}\"", message.received.utc().format("%d-%b-%Y %H:%M:%S +0000"))),
            Item::Rfc822Size => out.text(format_args!("RFC822.SIZE {}", bytes.len())),
            Item::Rfc822 => content(out, "RFC822", Some(bytes)),
            Item::Rfc822Header => content(out, "RFC822.HEADER", Some(part.header)),
            Item::Rfc822Text => content(out, "RFC822.TEXT", Some(part.body)),
            Item::Envelope => {
                out.text("ENVELOPE ");
                envelope(out, part.header);
            }
            Item::Body => {
                out.text("BODY ");
                structure(out, &part, false);
            }
            Item::BodyStructure => {
                out.text("BODYSTRUCTURE ");
                structure(out, &part, true);
            }
            Item::BodyExt { section, partial, .. } => match section.as_ref().and_then(gmail_word) {
                Some(word) => gmail_item(out, word, message),
                None => section_item(out, bytes, &part, section.as_ref(), partial.map(|(from, len)| (from, len.get()))),
            },
            // Refused before.
            Item::Binary { .. } | Item::BinarySize { .. } => {}
        }
    }
    if newly_seen && !items.iter().any(|i| matches!(i, Item::Flags)) {
        space(out);
        out.text("FLAGS ");
        out.list(&message.flags);
    }
}

fn content(out: &mut Answer, name: &str, bytes: Option<&[u8]>) {
    out.text(format_args!("{name} "));
    match bytes {
        Some(bytes) => out.literal(bytes),
        None => out.text("NIL"),
    }
}

/// `command` sends Gmail's items through the grammar as header fields of their names.
fn gmail_word(section: &Section<'_>) -> Option<&'static str> {
    let Section::HeaderFields(None, fields) = section else { return None };
    let [one] = fields.as_ref() else { return None };
    GMAIL_WORDS.into_iter().find(|word| one.as_ref().eq_ignore_ascii_case(word.as_bytes()))
}

fn gmail_item(out: &mut Answer, word: &str, message: &Message) {
    out.text(format_args!("{word} "));
    if word == "X-GM-LABELS" {
        labels(out, message);
    } else {
        out.text(message.serial);
    }
}

/// Gmail's labels of a message, in parentheses.
pub(super) fn labels(out: &mut Answer, message: &Message) {
    out.text("(");
    for (n, label) in message.labels.iter().enumerate() {
        if n > 0 {
            out.text(" ");
        }
        out.string(label.as_bytes());
    }
    out.text(")");
}

fn section_item(out: &mut Answer, bytes: &[u8], message: &Part<'_>, section: Option<&Section<'_>>, partial: Option<(u32, u32)>) {
    out.text("BODY[");
    section_name(out, section);
    out.text("]");
    let found = match section {
        None => Some(bytes.to_vec()),
        Some(section) => section_bytes(message, section),
    };
    let name = partial.map_or(String::new(), |(from, _)| format!("<{from}>"));
    let cut = found.map(|found| match partial {
        None => found,
        Some((from, len)) => {
            let from = (from as usize).min(found.len());
            let to = from.saturating_add(len as usize).min(found.len());
            found[from..to].to_vec()
        }
    });
    content(out, &name, cut.as_deref());
}

fn section_name(out: &mut Answer, section: Option<&Section<'_>>) {
    let number = |out: &mut Answer, part: Option<&PartNumber>, word: &str| {
        let numbers: Vec<String> = part.map(|p| p.0.as_ref().iter().map(ToString::to_string).collect()).unwrap_or_default();
        out.text(numbers.join("."));
        if !numbers.is_empty() && !word.is_empty() {
            out.text(".");
        }
        out.text(word);
    };
    let names = |out: &mut Answer, fields: &[AString<'_>]| {
        out.text(" (");
        for (n, field) in fields.iter().enumerate() {
            if n > 0 {
                out.text(" ");
            }
            match field {
                AString::Atom(atom) => out.text(atom.as_ref()),
                AString::String(string) => out.string(string.as_ref()),
            }
        }
        out.text(")");
    };
    match section {
        None => {}
        Some(Section::Part(part)) => number(out, Some(part), ""),
        Some(Section::Header(part)) => number(out, part.as_ref(), "HEADER"),
        Some(Section::Text(part)) => number(out, part.as_ref(), "TEXT"),
        Some(Section::Mime(part)) => number(out, Some(part), "MIME"),
        Some(Section::HeaderFields(part, fields)) => {
            number(out, part.as_ref(), "HEADER.FIELDS");
            names(out, fields.as_ref());
        }
        Some(Section::HeaderFieldsNot(part, fields)) => {
            number(out, part.as_ref(), "HEADER.FIELDS.NOT");
            names(out, fields.as_ref());
        }
    }
}

/// What a section names; `None` where the message has none such.
fn section_bytes(message: &Part<'_>, section: &Section<'_>) -> Option<Vec<u8>> {
    let at = |number: &PartNumber| message.at(number.0.as_ref().iter().map(|n| n.get()));
    // HEADER and TEXT of a part are those of the message in it.
    let message_at = |number: Option<&PartNumber>| match number {
        None => Some(message),
        Some(number) => match &at(number)?.inside {
            Inside::Message(inner) => Some(&**inner),
            _ => None,
        },
    };
    match section {
        Section::Part(number) => at(number).map(|p| p.body.to_vec()),
        Section::Mime(number) => at(number).map(|p| p.header.to_vec()),
        Section::Header(number) => message_at(number.as_ref()).map(|m| m.header.to_vec()),
        Section::Text(number) => message_at(number.as_ref()).map(|m| m.body.to_vec()),
        Section::HeaderFields(number, names) => message_at(number.as_ref()).map(|m| some_fields(m.header, names.as_ref(), true)),
        Section::HeaderFieldsNot(number, names) => message_at(number.as_ref()).map(|m| some_fields(m.header, names.as_ref(), false)),
    }
}

/// The fields that have one of the names, or none of them; and an empty line.
fn some_fields(header: &[u8], names: &[AString<'_>], wanted: bool) -> Vec<u8> {
    let is_named = |field: &[u8]| names.iter().any(|name| name.as_ref().eq_ignore_ascii_case(field));
    let mut out: Vec<u8> =
        mime::fields(header).filter(|(field, _)| is_named(field) == wanted).flat_map(|(_, whole)| whole).copied().collect();
    out.extend_from_slice(b"\r\n");
    out
}
