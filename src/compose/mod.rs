//! Compose: a letter → RFC 5322 bytes. Pure; content is data under `content/`.
//!
//! ```text
//! library   content files → topics, sentences, slots          read, tree: the files and their faults
//! draw      the letter's content draw → subject and text      variety: how many letters that can make
//! thread    parent → Re:, References, quote
//! body      text → plain and HTML parts                       encode: to ASCII
//! header    names, subjects, ids, date → fields               command: the words from a program of the user's
//! ```

mod body;
mod command;
mod encode;
mod header;
mod library;
mod read;
mod template;
mod thread;
mod variety;

use chrono::{DateTime, Datelike, FixedOffset};

use crate::letter::Keyring;
use crate::words::{Address, LetterId, MessageId, Zone};

pub use command::{command_input, from_command_output};
pub use library::Library;
pub use thread::{message_id_of, parent_of};
pub use variety::Variety;

use header::Headers;
use library::Words;
use template::{Field, Fields};

/// Who writes or receives: an address and the name beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// The address.
    pub address: Address,
    /// The display name; `None` or blank: the address stands alone.
    pub name: Option<String>,
}

impl Party {
    /// The name on one line; `None` where there is nothing to show.
    fn shown_name(&self) -> Option<String> {
        self.name.as_deref().map(header::one_line).filter(|name| !name.is_empty())
    }

    /// The name where it can stand in a greeting: letters, spaces, hyphens, apostrophes and full stops, at most 40 characters.
    fn greeting_name(&self) -> Option<String> {
        let may_stand = |c: char| c.is_alphabetic() || " -'’.".contains(c);
        let holds = |name: &String| {
            name.chars().count() <= 40 && name.chars().all(may_stand) && name.starts_with(char::is_alphabetic) && !name.starts_with("www.")
        };
        self.shown_name().filter(holds)
    }
}

/// The message that a letter answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Its Message-ID as the answerer saw it, else as it was sent.
    pub message_id: MessageId,
    /// Its References (its In-Reply-To where it has none), oldest first. Empty for the start of a thread.
    pub references: Vec<MessageId>,
    /// Its subject, decoded.
    pub subject: String,
    /// Its plain text, decoded.
    pub text: String,
    /// Who wrote it.
    pub from: Party,
    /// When, by its Date.
    pub date: DateTime<FixedOffset>,
}

/// A letter that is to be written.
#[derive(Clone, Debug)]
pub struct Draft<'a> {
    /// Its id.
    pub id: LetterId,
    /// The sending mailbox.
    pub from: Party,
    /// The receiving mailbox.
    pub to: Party,
    /// When it is sent, in the sender's zone. The Date field shows whole seconds.
    pub date: DateTime<Zone>,
    /// The letter's content draw: decides every word.
    pub content: u64,
    /// A tag that [`Library::languages`] has.
    pub language: &'a str,
    /// What it answers; `None` for the start of a thread.
    pub parent: Option<Parent>,
}

/// A letter that is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composed {
    /// Its Message-ID: that of [`message_id_of`].
    pub message_id: MessageId,
    /// Its subject, decoded.
    pub subject: String,
    /// Its plain text as sent, decoded, with LF line ends; the quote included.
    pub text: String,
    /// The message: ASCII, CRLF line ends, no line over 998 bytes.
    pub bytes: Vec<u8>,
}

/// Why a letter cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// No content for the language.
    #[error("there is no content in the language `{0}`")]
    Language(String),
    /// The content has nothing for this kind of letter; files that were read without a finding never get here.
    #[error("the content has nothing to say for this letter")]
    NothingToSay,
    /// A start without a subject.
    #[error("a letter that starts a thread needs a subject")]
    NoSubject,
    /// Nothing to send.
    #[error("a letter needs a text")]
    NoText,
    /// No key to sign `X-Preheat` with.
    #[error("there is no key to sign the letter with")]
    NoKey,
    /// A year that the Date field cannot show.
    #[error("the date is outside the years 1900 to 9999")]
    Date,
    /// The content command's answer is not what it should be.
    #[error("the content command answered {0}")]
    Command(String),
}

/// Writes a letter with the library's words: the same draft, library and key give the same bytes.
///
/// # Errors
/// [`ComposeError`], but for `Command`.
pub fn compose(draft: &Draft<'_>, library: &Library, keys: &Keyring) -> Result<Composed, ComposeError> {
    let Words { subject, text } = library.draw(draft)?;
    compose_with(draft, &subject, &text, library, keys)
}

/// Writes a letter with the words given: the letter's own text, without the quote. An answer keeps its thread's subject.
///
/// The library says how the quote is introduced in the draft's language; where it does not have that language, name and time do.
///
/// # Errors
/// [`ComposeError`], but for `Command`.
pub fn compose_with(draft: &Draft<'_>, subject: &str, text: &str, library: &Library, keys: &Keyring) -> Result<Composed, ComposeError> {
    let message_id = message_id_of(draft.id, &draft.from.address);
    let subject = match &draft.parent {
        Some(parent) => thread::answer_subject(&parent.subject),
        None => Some(header::one_line(subject)).filter(|s| !s.is_empty()).ok_or(ComposeError::NoSubject)?,
    };
    let own = Some(body::tidy(text)).filter(|t| !t.is_empty()).ok_or(ComposeError::NoText)?;
    let quote = draft.parent.as_ref().map(|parent| thread::quote(&parent.text, attribution(draft, parent, library)));
    let plain = body::plain(&own, quote.as_ref());
    let html = body::html(&own, quote.as_ref(), draft.language);
    let boundary = body::boundary(draft.id);
    let mark = keys.sign(draft.id, &draft.from.address, &draft.to.address).ok_or(ComposeError::NoKey)?;

    let mut headers = Headers::default();
    headers.date(&draft.date)?;
    headers.party("From", &draft.from);
    headers.party("To", &draft.to);
    headers.text("Subject", &subject);
    headers.ids("Message-ID", [&message_id]);
    if let Some(parent) = &draft.parent {
        headers.ids("In-Reply-To", [&parent.message_id]);
        headers.ids("References", &thread::references(parent));
    }
    headers.fixed("MIME-Version", &["1.0"]);
    headers.fixed("Content-Type", &["multipart/alternative;", &format!("boundary=\"{boundary}\"")]);
    headers.fixed("X-Preheat", &mark_words(&mark));
    headers.fixed("X-Auto-Response-Suppress", &["OOF,", "AutoReply"]);

    let bytes = (headers.finish() + &body::alternatives(&plain, &html, &boundary)).into_bytes();
    Ok(Composed { message_id, subject, text: plain, bytes })
}

/// The mark in two words, so that its line folds before the HMAC; who verifies it takes white space out.
fn mark_words(mark: &str) -> Vec<&str> {
    let hmac = mark.rfind('.').map_or(0, |dot| dot + 1);
    let (names, hmac) = mark.split_at(hmac);
    [names, hmac].into_iter().filter(|word| !word.is_empty()).collect()
}

/// The line above the quote, with the parent's date on the calendar of the answer's sender.
fn attribution(draft: &Draft<'_>, parent: &Parent, library: &Library) -> String {
    let date = parent.date.with_timezone(&draft.date.timezone());
    let from = parent.from.shown_name().unwrap_or_else(|| parent.from.address.to_string());
    let language = library.language(draft.language).ok();
    let Some((language, template)) = language.and_then(|l| l.attribution.as_ref().map(|t| (l, t))) else {
        // A command may write in a language that has no content file.
        return format!("{from}, {}:", date.format("%Y-%m-%d %H:%M"));
    };
    let month = language.months.get(date.month0() as usize).cloned().unwrap_or_else(|| format!("{:02}", date.month()));
    let mut fields = Fields::default();
    fields.set(Field::From, from);
    fields.set(Field::Day, date.day().to_string());
    fields.set(Field::Month, month);
    fields.set(Field::Year, date.year().to_string());
    fields.set(Field::Time, date.format("%H:%M").to_string());
    template.render(&library.slots, &template::Bound::new(), &fields)
}

#[cfg(test)]
mod content_tests;
#[cfg(test)]
mod tests;
