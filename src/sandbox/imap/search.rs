//! SEARCH (RFC 3501 §6.4.4), with Gmail's X-GM-RAW, X-GM-MSGID, X-GM-THRID and X-GM-LABELS.

use std::cell::OnceCell;

use chrono::NaiveDate;
use imap_codec::imap_types::core::Charset;
use imap_codec::imap_types::search::SearchKey;
use mail_parser::DateTime;
use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;

use super::answer::Done;
use super::mime::{Part, decoded, field, fields, value_of};
use super::session::Session;
use super::view::ranges;
use crate::world::Message;

/// The most keys of one SEARCH, those inside of others included: each is tried on each message. Their nesting is bounded by the grammar (9).
const MOST_KEYS: usize = 1_000;

/// A message that is looked at.
struct Candidate<'a> {
    message: &'a Message,
    number: u32,
    uid: u32,
    /// The highest number and UID: what `*` is.
    last: (u32, u32),
    gmail: bool,
    /// Its texts, decoded, in lower case: made when first needed.
    text: OnceCell<String>,
}

impl Session {
    pub fn search(&mut self, charset: Option<&Charset<'_>>, keys: &[SearchKey<'_>], by_uid: bool) -> Done {
        let Ok(account) = self.account() else { return Done::bad("sign in first") };
        let Some(view) = &self.view else { return Done::bad("no folder is selected") };
        if charset.is_some_and(|c| !["UTF-8", "US-ASCII"].iter().any(|known| c.as_ref().eq_ignore_ascii_case(known))) {
            return Done::no("[BADCHARSET (UTF-8 US-ASCII)] that charset is not known");
        }
        if keys.iter().map(count).sum::<usize>() > MOST_KEYS {
            return Done::bad("that is too much to look for");
        }
        let last = (view.rows.len() as u32, view.rows.last().map_or(0, |row| row.uid));
        let gmail = self.traits().is_some_and(|t| t.gmail);
        let found = self.world.with_folder(&account, &view.folder, |folder| {
            let mut found = Vec::new();
            for (n, row) in view.rows.iter().enumerate() {
                let Some(message) = folder.messages.get(&row.uid) else { continue };
                let number = n as u32 + 1;
                let candidate = Candidate { message, number, uid: row.uid, last, gmail, text: OnceCell::new() };
                if keys.iter().all(|key| candidate.fits(key)) {
                    found.push(if by_uid { row.uid } else { number });
                }
            }
            found
        });
        self.out.text("* SEARCH");
        for n in found.unwrap_or_default() {
            self.out.text(format_args!(" {n}"));
        }
        self.out.line("");
        Done::ok("searched")
    }
}

fn count(key: &SearchKey<'_>) -> usize {
    1 + match key {
        SearchKey::And(keys) => keys.as_ref().iter().map(count).sum(),
        SearchKey::Not(key) => count(key),
        SearchKey::Or(a, b) => count(a) + count(b),
        _ => 0,
    }
}

impl Candidate<'_> {
    fn fits(&self, key: &SearchKey<'_>) -> bool {
        let m = self.message;
        let size = u32::try_from(m.bytes.len()).unwrap_or(u32::MAX);
        match key {
            SearchKey::And(keys) => keys.as_ref().iter().all(|key| self.fits(key)),
            SearchKey::Or(a, b) => self.fits(a) || self.fits(b),
            SearchKey::Not(key) => !self.fits(key),
            SearchKey::All | SearchKey::Old => true,
            // No message is recent here.
            SearchKey::New | SearchKey::Recent => false,
            SearchKey::SequenceSet(set) => ranges(set, self.last.0).iter().any(|(a, b)| (*a..=*b).contains(&self.number)),
            SearchKey::Uid(set) => ranges(set, self.last.1).iter().any(|(a, b)| (*a..=*b).contains(&self.uid)),
            SearchKey::Answered => self.has("\\Answered"),
            SearchKey::Deleted => self.has("\\Deleted"),
            SearchKey::Draft => self.has("\\Draft"),
            SearchKey::Flagged => self.has("\\Flagged"),
            SearchKey::Seen => self.has("\\Seen"),
            SearchKey::Unanswered => !self.has("\\Answered"),
            SearchKey::Undeleted => !self.has("\\Deleted"),
            SearchKey::Undraft => !self.has("\\Draft"),
            SearchKey::Unflagged => !self.has("\\Flagged"),
            SearchKey::Unseen => !self.has("\\Seen"),
            SearchKey::Keyword(word) => self.has(word.as_ref()),
            SearchKey::Unkeyword(word) => !self.has(word.as_ref()),
            SearchKey::Larger(n) => size > *n,
            SearchKey::Smaller(n) => size < *n,
            SearchKey::Before(day) => self.received() < *day.as_ref(),
            SearchKey::On(day) => self.received() == *day.as_ref(),
            SearchKey::Since(day) => self.received() >= *day.as_ref(),
            SearchKey::SentBefore(day) => self.sent().is_some_and(|d| d < *day.as_ref()),
            SearchKey::SentOn(day) => self.sent().is_some_and(|d| d == *day.as_ref()),
            SearchKey::SentSince(day) => self.sent().is_some_and(|d| d >= *day.as_ref()),
            SearchKey::Bcc(text) => self.in_field("Bcc", text.as_ref()),
            SearchKey::Cc(text) => self.in_field("Cc", text.as_ref()),
            SearchKey::From(text) => self.in_field("From", text.as_ref()),
            SearchKey::To(text) => self.in_field("To", text.as_ref()),
            SearchKey::Subject(text) => self.in_field("Subject", text.as_ref()),
            SearchKey::Header(name, text) => self.in_header(name.as_ref(), text.as_ref()),
            SearchKey::Body(text) => self.in_body(&lower(text.as_ref())),
            SearchKey::Text(text) => {
                let text = lower(text.as_ref());
                self.in_body(&text)
                    || fields(m.header()).any(|(_, whole)| lower_text(&decoded(&String::from_utf8_lossy(whole))).contains(&text))
            }
        }
    }

    fn has(&self, flag: &str) -> bool {
        self.message.flags.iter().any(|f| f.eq_ignore_ascii_case(flag))
    }

    /// The day of INTERNALDATE, in UTC as it is shown.
    fn received(&self) -> NaiveDate {
        self.message.received.utc().date_naive()
    }

    /// The day in the Date field, as it is written there.
    fn sent(&self) -> Option<NaiveDate> {
        let date = DateTime::parse_rfc822(&field(self.message.header(), "Date")?)?;
        NaiveDate::from_ymd_opt(date.year.into(), date.month.into(), date.day.into())
    }

    /// Whether a field of this name is there and holds the text; an empty text is in each.
    fn in_field(&self, name: &str, text: &[u8]) -> bool {
        let text = lower(text);
        fields(self.message.header())
            .filter(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, whole)| value_of(whole))
            .any(|value| lower_text(&value).contains(&text) || lower_text(&decoded(&value)).contains(&text))
    }

    /// HEADER; and Gmail's words, which `command` sends through the grammar as fields of these names.
    fn in_header(&self, name: &[u8], text: &[u8]) -> bool {
        let name = String::from_utf8_lossy(name).to_ascii_uppercase();
        let text_says = String::from_utf8_lossy(text);
        match name.as_str() {
            "X-GM-RAW" if self.gmail => self.fits_raw(&text_says),
            "X-GM-MSGID" | "X-GM-THRID" if self.gmail => text_says.parse() == Ok(self.message.serial),
            "X-GM-LABELS" if self.gmail => self.message.labels.iter().any(|l| l.eq_ignore_ascii_case(&text_says)),
            _ => self.in_field(&name, text),
        }
    }

    /// The part of Gmail's own search language that preheat uses: `category:`; other words are looked for in the text.
    fn fits_raw(&self, raw: &str) -> bool {
        raw.split_whitespace().all(|word| match word.split_once(':') {
            Some((key, category)) if key.eq_ignore_ascii_case("category") => {
                self.message.category.unwrap_or("primary").eq_ignore_ascii_case(category)
            }
            _ => self.in_body(&lower_text(word)) || self.in_field("Subject", word.as_bytes()),
        })
    }

    fn in_body(&self, text: &str) -> bool {
        self.text.get_or_init(|| texts(self.message)).contains(text)
    }
}

/// The texts of a message's parts, their transfer encoding undone, in lower case.
fn texts(message: &Message) -> String {
    let mut all = String::new();
    Part::of_message(&message.bytes).leaves(&mut |part| {
        let encoding = field(part.header, "Content-Transfer-Encoding").unwrap_or_default().to_ascii_lowercase();
        let undone = match encoding.as_str() {
            "base64" if part.kind.main == "text" => base64_decode(part.body),
            "quoted-printable" => quoted_printable_decode(part.body),
            _ => None,
        };
        all.push_str(&lower(undone.as_deref().unwrap_or(part.body)));
        all.push('\n');
    });
    all
}

fn lower(bytes: &[u8]) -> String {
    lower_text(&String::from_utf8_lossy(bytes))
}

fn lower_text(text: &str) -> String {
    text.to_lowercase()
}
