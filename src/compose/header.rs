//! The header block, written field by field. Whatever the text, a field stays one field: no CR, LF or control gets through.

use std::borrow::Cow;

use chrono::{DateTime, Datelike};

use super::{ComposeError, Party, encode};
use crate::words::{MessageId, Zone};

/// Lines are folded here where there is a space to fold at (RFC 5322 §2.1.1 asks for 78, RFC 2047 §2 for 76).
const LINE: usize = 76;
/// Longest name or subject that is kept, in characters.
const TEXT: usize = 250;

/// A header block in the making.
#[derive(Default)]
pub(super) struct Headers(String);

impl Headers {
    /// An unstructured field, such as Subject.
    pub fn text(&mut self, name: &'static str, text: &str) {
        let text = one_line(text);
        if is_plain(&text) {
            self.field(name, text.split(' '));
        } else {
            self.field(name, encode::encoded_words(&text));
        }
    }

    /// A field with one mailbox (RFC 5322 §3.4).
    pub fn party(&mut self, name: &'static str, party: &Party) {
        let mut words = party.name.as_deref().map(phrase).unwrap_or_default();
        let address = party.address.as_str();
        words.push(if words.is_empty() { address.to_owned() } else { format!("<{address}>") });
        self.field(name, words);
    }

    /// A field with the time in the sender's zone (RFC 5322 §3.3).
    pub fn date(&mut self, date: &DateTime<Zone>) -> Result<(), ComposeError> {
        // Four digits of year are all that the field has.
        if !(1900..=9999).contains(&date.year()) {
            return Err(ComposeError::Date);
        }
        let shown = date.format("%a, %d %b %Y %H:%M:%S %z").to_string();
        self.field("Date", shown.split(' '));
        Ok(())
    }

    /// A field with message ids (RFC 5322 §3.6.4); left out where there is none that a header can hold.
    pub fn ids<'a>(&mut self, name: &'static str, ids: impl IntoIterator<Item = &'a MessageId>) {
        let words: Vec<String> = ids.into_iter().filter(|id| fits(id)).map(MessageId::bracketed).collect();
        if !words.is_empty() {
            self.field(name, words);
        }
    }

    /// A field whose words are of our own making.
    pub fn fixed(&mut self, name: &'static str, words: &[&str]) {
        self.field(name, words.iter().copied());
    }

    /// The block, with the empty line that ends it.
    pub fn finish(self) -> String {
        self.0 + "\r\n"
    }

    /// Writes the words with one space or one fold between them. The only place that writes; it drops all that is not printable ASCII.
    fn field<S: AsRef<str>>(&mut self, name: &'static str, words: impl IntoIterator<Item = S>) {
        self.0.push_str(name);
        self.0.push(':');
        let mut used = name.len() + 1;
        let mut first = true;
        for word in words {
            let word = graphic(word.as_ref());
            if word.is_empty() {
                continue;
            }
            // The first word stays beside the name unless the line would be longer than any server must take.
            let room = if first { 998 } else { LINE };
            if used + 1 + word.len() > room {
                self.0.push_str("\r\n");
                used = 0;
            }
            self.0.push(' ');
            self.0.push_str(&word);
            used += 1 + word.len();
            first = false;
        }
        self.0.push_str("\r\n");
    }
}

/// What of a word a header can hold: mostly all of it.
fn graphic(word: &str) -> Cow<'_, str> {
    if word.bytes().all(|b| b.is_ascii_graphic()) {
        return word.into();
    }
    word.chars().filter(char::is_ascii_graphic).collect::<String>().into()
}

/// A message id that a header line can hold: servers are free to rewrite ids, so what was seen may hold anything.
pub(super) fn fits(id: &MessageId) -> bool {
    id.as_str().len() <= 900 && id.as_str().bytes().all(|b| b.is_ascii_graphic())
}

/// A display name as the words of a phrase: atoms, a quoted string, or encoded words. Empty for a name with nothing to show.
fn phrase(name: &str) -> Vec<String> {
    let name = one_line(name);
    let atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~ ".contains(c);
    if name.is_empty() {
        Vec::new()
    } else if !is_plain(&name) {
        encode::encoded_words(&name)
    } else if name.chars().all(atom) {
        name.split(' ').map(str::to_owned).collect()
    } else {
        let quoted = format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""));
        quoted.split(' ').map(str::to_owned).collect()
    }
}

/// ASCII whose words fit on a line, and that no reader would take for encoded words.
fn is_plain(text: &str) -> bool {
    text.is_ascii() && !text.contains("=?") && text.split(' ').all(|word| word.len() <= 60)
}

/// The text on one line: controls, line and paragraph separators become spaces, runs of space become one, and the marks that turn
/// the direction of all that follows are taken out. At most 250 characters.
pub(super) fn one_line(text: &str) -> String {
    let is_one_line = text.len() <= TEXT && encode::is_printable(text) && !text.contains("  ");
    if is_one_line {
        return text.trim().to_owned();
    }
    let turns = |c: char| matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}');
    let spaced: String = text
        .chars()
        .filter(|c| !turns(*c))
        .map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c })
        .take(4 * TEXT)
        .collect();
    let words: Vec<&str> = spaced.split(' ').filter(|w| !w.is_empty()).collect();
    let line: String = words.join(" ").chars().take(TEXT).collect();
    line.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Address;
    use chrono::TimeZone;

    fn subject(text: &str) -> String {
        let mut h = Headers::default();
        h.text("Subject", text);
        h.finish()
    }

    fn to(name: &str) -> String {
        let mut h = Headers::default();
        h.party("To", &Party { address: Address::parse("anna@new.example").unwrap(), name: Some(name.into()) });
        h.finish()
    }

    #[test]
    fn subjects_stay_one_field() {
        assert_eq!(subject("Notes on the plan"), "Subject: Notes on the plan\r\n\r\n");
        assert_eq!(subject("a\r\nBcc: x@y.test\r\n\r\nbody"), "Subject: a Bcc: x@y.test body\r\n\r\n");
        assert_eq!(subject("a\u{2028}b\tc\u{0}d"), "Subject: a b c d\r\n\r\n");
        assert_eq!(subject("Prüfung"), "Subject: =?UTF-8?Q?Pr=C3=BCfung?=\r\n\r\n");
        assert_eq!(subject("=?utf-8?q?x?="), "Subject: =?UTF-8?Q?=3D=3Futf-8=3Fq=3Fx=3F=3D?=\r\n\r\n");
        assert_eq!(subject(""), "Subject:\r\n\r\n");
    }

    #[test]
    fn long_subjects_fold_at_spaces() {
        let text = "The quick brown fox jumps over the lazy dog and then comes back to look at the notes again";
        let expected = "Subject: The quick brown fox jumps over the lazy dog and then comes back to\r\n look at the notes again\r\n\r\n";
        assert_eq!(subject(text), expected);
    }

    #[test]
    fn names_are_atoms_quoted_or_encoded() {
        assert_eq!(to("Anna Lee"), "To: Anna Lee <anna@new.example>\r\n\r\n");
        assert_eq!(to("Lee, Anna \"A\" \\"), "To: \"Lee, Anna \\\"A\\\" \\\\\" <anna@new.example>\r\n\r\n");
        assert_eq!(to("Zoë"), "To: =?UTF-8?Q?Zo=C3=AB?= <anna@new.example>\r\n\r\n");
        assert_eq!(to("x\r\nBcc: e@f.test"), "To: \"x Bcc: e@f.test\" <anna@new.example>\r\n\r\n");
        assert_eq!(to(" \r\n\t"), "To: anna@new.example\r\n\r\n");
        assert_eq!(to("\u{202E}gnp.exe"), "To: \"gnp.exe\" <anna@new.example>\r\n\r\n");
    }

    #[test]
    fn the_date_has_the_offset_of_the_zone_on_that_day() {
        let date = |y, m, d| {
            let mut h = Headers::default();
            h.date(&chrono_tz::Europe::Berlin.with_ymd_and_hms(y, m, d, 9, 5, 0).unwrap()).map(|()| h.finish())
        };
        assert_eq!(date(2027, 3, 26).unwrap(), "Date: Fri, 26 Mar 2027 09:05:00 +0100\r\n\r\n");
        assert_eq!(date(2027, 3, 29).unwrap(), "Date: Mon, 29 Mar 2027 09:05:00 +0200\r\n\r\n");
        assert_eq!(date(2027, 10, 31).unwrap(), "Date: Sun, 31 Oct 2027 09:05:00 +0100\r\n\r\n");
        assert!(matches!(date(12026, 1, 1), Err(ComposeError::Date)));
    }

    #[test]
    fn ids_that_no_header_can_hold_are_left_out() {
        let id = |t: &str| MessageId::parse(t).unwrap();
        let mut h = Headers::default();
        h.ids("References", &[id("a@b"), id("ä@b"), id(&"x".repeat(950)), id("c@d")]);
        h.ids("In-Reply-To", &[id("ä@b")]);
        assert_eq!(h.finish(), "References: <a@b> <c@d>\r\n\r\n");
    }
}
