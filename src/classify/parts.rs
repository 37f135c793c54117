//! A message's bytes as what the rest reads: header fields, and the parts that may speak, in order.
//!
//! Whatever comes in is bounded first: the report stands at the front of a report, so the end of 30 MB is not needed; and what is nested deeper
//! than mail is would have the parser's own drop overflow the stack.

use std::borrow::Cow;

use mail_parser::decoders::html::html_to_text;
use mail_parser::{Encoding, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::fields::Fields;
use super::text::head;

/// Most bytes of a message that are looked at.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// Most bytes of one part's text.
const MOST_TEXT: usize = 512 * 1024;
/// Most `Content-Type` lines: each nesting needs one of its own.
const MOST_TYPES: usize = 200;

/// What a part is, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartKind {
    /// Words for a person.
    Text,
    /// The same from HTML.
    Html,
    /// `message/delivery-status` (RFC 3464), `message/global-delivery-status` (RFC 6533).
    Status,
    /// `message/feedback-report` (RFC 5965).
    Feedback,
    /// `message/disposition-notification` (RFC 8098): a read receipt.
    Receipt,
    /// The header of a message that comes back: of a returned message, or `text/rfc822-headers`.
    Returned,
    /// `text/calendar`.
    Calendar,
}

/// One part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub kind: PartKind,
    /// Its text, decoded.
    pub text: String,
}

/// A message, taken apart.
#[derive(Clone, Debug, Default)]
pub struct Parts {
    /// The message's own header; raw values.
    pub header: Fields,
    /// Its subject, decoded.
    pub subject: String,
    /// The address in From, lower case; empty where there is none.
    pub from: String,
    /// The name in From, decoded.
    pub from_name: String,
    /// `multipart/report` and the like, lower case.
    pub content_type: String,
    /// The `report-type` parameter, lower case.
    pub report_type: String,
    /// The parts that may speak, in order.
    pub all: Vec<Part>,
}

impl Parts {
    /// Takes a message apart; what cannot be read is empty.
    pub fn read(bytes: &[u8]) -> Self {
        let bytes = bounded(bytes);
        let bytes = bytes.as_ref();
        let Some(message) = MessageParser::default().parse(bytes) else { return Self::default() };
        let mut read = Self { header: Fields::read(&header_text(&message)), ..Self::default() };
        message.subject().unwrap_or_default().clone_into(&mut read.subject);
        if let Some(from) = message.from().and_then(|a| a.first()) {
            read.from = from.address().unwrap_or_default().to_lowercase();
            from.name().unwrap_or_default().clone_into(&mut read.from_name);
        }
        if let Some(t) = message.content_type() {
            read.content_type = format!("{}/{}", t.ctype(), t.subtype().unwrap_or_default()).to_lowercase();
            read.report_type = t.attribute("report-type").unwrap_or_default().to_lowercase();
        }
        for part in &message.parts {
            let kind = kind_of(part.content_type());
            match &part.body {
                PartType::Text(text) => {
                    let text = in_its_charset(text, part, bytes);
                    read.add(kind.unwrap_or(PartKind::Text), head(&text, MOST_TEXT).to_owned());
                }
                PartType::Html(html) => read.add(PartKind::Html, html_to_text(head(html, MOST_TEXT))),
                PartType::Binary(content) | PartType::InlineBinary(content) => {
                    // A multipart whose boundary cannot be found is text like any other.
                    let broken = part.content_type().is_some_and(|t| t.ctype().eq_ignore_ascii_case("multipart"));
                    if let Some(kind) = kind.or(broken.then_some(PartKind::Text)) {
                        read.add(kind, lossy(content));
                    }
                }
                PartType::Message(returned) => read.add(PartKind::Returned, header_text(returned)),
                PartType::Multipart(_) => {}
            }
        }
        read
    }

    /// Takes a header block apart, of whose fields only those of these names are kept. What stands below it is not looked at.
    pub fn read_header(bytes: &[u8], names: &[&str]) -> Self {
        let mut header = header_of(&bounded(bytes)).to_vec();
        // A header that is cut short, or has no text below it, ends all the same.
        header.extend_from_slice(b"\r\n\r\n");
        let mut read = Self::read(&header);
        read.all.clear();
        read.header = read.header.only(names);
        read
    }

    fn add(&mut self, kind: PartKind, text: String) {
        self.all.push(Part { kind, text });
    }

    /// The texts of one kind of part, in order.
    pub fn of_kind(&self, kind: PartKind) -> impl Iterator<Item = &str> {
        self.all.iter().filter(move |p| p.kind == kind).map(|p| p.text.as_str())
    }

    /// Whether there is such a part.
    pub fn has(&self, kind: PartKind) -> bool {
        self.of_kind(kind).next().is_some()
    }
}

/// The text, or the bytes as they came where they are UTF-8 and the charset that is claimed makes nonsense of them.
fn in_its_charset<'a>(text: &'a str, part: &MessagePart<'_>, message: &'a [u8]) -> Cow<'a, str> {
    if part.encoding == Encoding::None
        && text.contains('\u{fffd}')
        && let Some(raw) = message.get(part.offset_body as usize..part.offset_end as usize)
        && let Ok(raw) = std::str::from_utf8(raw)
    {
        return Cow::Borrowed(raw);
    }
    Cow::Borrowed(text)
}

fn kind_of(content_type: Option<&mail_parser::ContentType<'_>>) -> Option<PartKind> {
    let content_type = content_type?;
    let name = format!("{}/{}", content_type.ctype(), content_type.subtype().unwrap_or_default()).to_lowercase();
    match name.as_str() {
        "message/delivery-status" | "message/global-delivery-status" | "text/delivery-status" => Some(PartKind::Status),
        "message/feedback-report" | "text/feedback-report" => Some(PartKind::Feedback),
        "message/disposition-notification" | "message/global-disposition-notification" => Some(PartKind::Receipt),
        "text/rfc822-headers" | "text/rfc822-header" | "message/rfc822-headers" | "message/global-headers" | "text/rfc822" => {
            Some(PartKind::Returned)
        }
        // A returned message whose encoding the parser could not follow.
        "message/rfc822" | "message/global" => Some(PartKind::Returned),
        "text/calendar" => Some(PartKind::Calendar),
        _ => None,
    }
}

/// The bytes up to the first empty line.
fn header_of(bytes: &[u8]) -> &[u8] {
    end_of_header(bytes).map_or(bytes, |at| &bytes[..at])
}

/// The bytes from the first empty line on; none where there is none.
pub fn below_header(bytes: &[u8]) -> &[u8] {
    end_of_header(bytes).map_or(b"", |at| &bytes[at..])
}

/// Where the first empty line begins.
fn end_of_header(bytes: &[u8]) -> Option<usize> {
    (1..bytes.len()).find(|&at| bytes[at - 1] == b'\n' && (bytes[at] == b'\n' || bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n')))
}

/// A message's own header, as it came.
fn header_text(message: &Message<'_>) -> String {
    let Some(part) = message.parts.first() else { return String::new() };
    let header = message.raw_message.get(part.offset_header as usize..part.offset_body as usize).unwrap_or_default();
    lossy(header)
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(MOST_TEXT)]).into_owned()
}

/// The bytes that are looked at: cut where they get long or nest deep, without an mbox line before the header, with line ends that are.
fn bounded(bytes: &[u8]) -> Cow<'_, [u8]> {
    let bytes = &bytes[..bytes.len().min(MOST_BYTES)];
    let bytes = bytes.trim_ascii_start();
    let bytes = if bytes.starts_with(b"From ") { after_line(bytes) } else { bytes };
    let bytes = cut_at_depth(bytes);
    let first = &bytes[..bytes.len().min(8_000)];
    // A server that knows other line ends puts its own below them.
    let returns_beyond_twice_the_feeds: i32 = first.iter().map(|b| i32::from(*b == b'\r') - 2 * i32::from(*b == b'\n')).sum();
    if returns_beyond_twice_the_feeds > 0 {
        return bytes.iter().map(|&b| if b == b'\r' { b'\n' } else { b }).collect();
    }
    Cow::Borrowed(bytes)
}

fn after_line(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|&b| b == b'\n' || b == b'\r').map_or(bytes.len(), |at| at + 1);
    bytes[end..].strip_prefix(b"\n").unwrap_or(&bytes[end..])
}

fn cut_at_depth(bytes: &[u8]) -> &[u8] {
    const NAME: &[u8] = b"content-type";
    let mut seen = 0;
    let mut line_starts = true;
    for (at, &b) in bytes.iter().enumerate() {
        if line_starts && bytes[at..].get(..NAME.len()).is_some_and(|n| n.eq_ignore_ascii_case(NAME)) {
            seen += 1;
            if seen > MOST_TYPES {
                return &bytes[..at];
            }
        }
        line_starts = b == b'\n' || b == b'\r' || line_starts && (b == b' ' || b == b'\t');
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_taken_apart() {
        let bytes = b"From x@y.test Mon\r\nFrom: =?utf-8?q?M=C3=A4il?= <MAILER-DAEMON@y.test>\r\nSubject: =?utf-8?q?=C3=9Cber?=\r\n\
            Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n\r\nwords\r\n\
            --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\nAction: failed\r\n\
            --b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <1@x.test>\r\nSubject: old\r\n\r\nbody\r\n--b--\r\n";
        let read = Parts::read(bytes);
        assert_eq!((read.from.as_str(), read.from_name.as_str(), read.subject.as_str()), ("mailer-daemon@y.test", "Mäil", "Über"));
        assert_eq!((read.content_type.as_str(), read.report_type.as_str()), ("multipart/report", "delivery-status"));
        let kinds: Vec<_> = read.all.iter().map(|p| p.kind).collect();
        assert_eq!(kinds, [PartKind::Text, PartKind::Status, PartKind::Returned]);
        assert!(read.all[1].text.contains("Action: failed") && read.all[2].text.contains("<1@x.test>"));
        assert!(!read.all[2].text.contains("body"));
    }

    #[test]
    fn carriage_returns_alone_are_line_ends() {
        let read = Parts::read(b"From: a@x.test\rSubject: one\r\rtext\r");
        assert_eq!((read.from.as_str(), read.subject.as_str()), ("a@x.test", "one"));
        assert_eq!(read.of_kind(PartKind::Text).collect::<Vec<_>>(), ["text\n"]);
    }

    #[test]
    fn what_nests_without_end_is_cut() {
        let mut deep = String::from("From: a@x.test\n");
        for n in 0..20_000 {
            deep.push_str(if n % 2 == 0 {
                "Content-Type: message/rfc822\n\n"
            } else {
                "Content-Type: multipart/mixed; boundary=b\n\n--b\n"
            });
        }
        assert!(!Parts::read(deep.as_bytes()).has(PartKind::Text));
        let mut wide = String::from("Content-Type: multipart/mixed; boundary=b\n\n");
        wide.push_str(&"--b\nContent-Type: text/plain\n\nx\n".repeat(20_000));
        assert!(Parts::read(wide.as_bytes()).of_kind(PartKind::Text).count() <= MOST_TYPES);
    }

    #[test]
    fn whatever_comes_is_read() {
        for bytes in
            [&b""[..], b"\n", b"From ", b"From x", b"\xff\xfe\x00", b"Content-Type: multipart/report; boundary=b\n\n--b", b":\n:\n\n"]
        {
            Parts::read(bytes);
        }
    }
}
