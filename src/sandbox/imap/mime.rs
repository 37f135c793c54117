//! A message's parts, as slices of its bytes: what BODY[1.2] names (RFC 3501 §6.4.5). Never fails: what is no MIME is one part of text.

use mail_parser::{ContentType, HeaderValue, MessageParser, MimeHeaders};

use crate::world::header;

/// How deep parts are looked into.
const DEEPEST: u32 = 16;
/// The most parts of one multipart.
const MOST_PARTS: usize = 200;

/// A message, or a part of one.
#[derive(Debug)]
pub(super) struct Part<'a> {
    /// Its header block, the empty line included.
    pub header: &'a [u8],
    /// What is behind it.
    pub body: &'a [u8],
    /// What is in it.
    pub inside: Inside<'a>,
    /// Its Content-Type; text/plain, or message/rfc822 in a digest, where it does not say.
    pub kind: Kind,
}

/// A Content-Type or a Content-Disposition, read; its words in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// Such as `text`, or `attachment`.
    pub main: String,
    /// Such as `plain`; of a disposition, nothing.
    pub sub: String,
    pub attributes: Vec<(String, String)>,
}

/// What is in a part.
#[derive(Debug)]
pub(super) enum Inside<'a> {
    /// Nothing that could be taken apart.
    Leaf,
    /// Parts.
    Parts(Vec<Part<'a>>),
    /// A message.
    Message(Box<Part<'a>>),
}

impl<'a> Part<'a> {
    /// Takes a message apart.
    pub fn of_message(bytes: &'a [u8]) -> Self {
        Self::read(bytes, ("text", "plain"), DEEPEST)
    }

    fn read(bytes: &'a [u8], default: (&'static str, &'static str), depth: u32) -> Self {
        let (header, body) = bytes.split_at(header::len(bytes));
        let kind = content_type(header).unwrap_or_else(|| plain(default));
        let inside = match (kind.main.as_str(), kind.sub.as_str(), kind.attribute("boundary")) {
            _ if depth == 0 => Inside::Leaf,
            ("multipart", sub, Some(boundary)) => {
                let default = if sub == "digest" { ("message", "rfc822") } else { ("text", "plain") };
                let parts: Vec<Self> =
                    between_boundaries(body, boundary.as_bytes()).into_iter().map(|part| Self::read(part, default, depth - 1)).collect();
                if parts.is_empty() { Inside::Leaf } else { Inside::Parts(parts) }
            }
            ("message", "rfc822", _) => Inside::Message(Box::new(Self::read(body, ("text", "plain"), depth - 1))),
            _ => Inside::Leaf,
        };
        // A client that reads BODYSTRUCTURE expects parts in a multipart, and an envelope in a message.
        let kind = match (&inside, kind.main.as_str(), kind.sub.as_str()) {
            (Inside::Leaf, "multipart", _) => plain(("text", "plain")),
            (Inside::Leaf, "message", "rfc822") => plain(("application", "octet-stream")),
            _ => kind,
        };
        Self { header, body, inside, kind }
    }

    /// The part that a message's number names; `None` where it has none such.
    pub fn at(&self, path: impl IntoIterator<Item = u32>) -> Option<&Self> {
        let mut path = path.into_iter();
        let mut part = self.part_of_message(path.next()?)?;
        for n in path {
            part = match &part.inside {
                Inside::Parts(parts) => parts.get((n as usize).checked_sub(1)?)?,
                Inside::Message(inner) => inner.part_of_message(n)?,
                Inside::Leaf => return None,
            };
        }
        Some(part)
    }

    /// A message that is no multipart has one part: its body.
    fn part_of_message(&self, n: u32) -> Option<&Self> {
        match &self.inside {
            Inside::Parts(parts) => parts.get((n as usize).checked_sub(1)?),
            _ => (n == 1).then_some(self),
        }
    }

    /// Visits every part that has no parts.
    pub fn leaves(&self, visit: &mut impl FnMut(&Self)) {
        match &self.inside {
            Inside::Leaf => visit(self),
            Inside::Parts(parts) => parts.iter().for_each(|part| part.leaves(visit)),
            Inside::Message(inner) => inner.leaves(visit),
        }
    }
}

impl Kind {
    fn of(parsed: &ContentType<'_>) -> Self {
        let attributes = parsed.attributes.iter().flatten().map(|a| (a.name.to_ascii_lowercase(), a.value.to_string())).collect();
        let sub = parsed.c_subtype.as_deref().unwrap_or_default().to_ascii_lowercase();
        Self { main: parsed.c_type.to_ascii_lowercase(), sub, attributes }
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

fn plain((main, sub): (&str, &str)) -> Kind {
    Kind { main: main.into(), sub: sub.into(), attributes: Vec::new() }
}

fn content_type(header: &[u8]) -> Option<Kind> {
    field(header, "Content-Type")?;
    MessageParser::default()
        .parse_headers(header)?
        .content_type()
        .map(Kind::of)
        .filter(|kind| !kind.main.is_empty() && !kind.sub.is_empty())
}

/// Content-Disposition, read.
pub(super) fn disposition(header: &[u8]) -> Option<Kind> {
    field(header, "Content-Disposition")?;
    MessageParser::default().parse_headers(header)?.content_disposition().map(Kind::of)
}

/// The text of a field with its encoded words read, as people see it.
pub(super) fn decoded(value: &str) -> String {
    if !value.contains("=?") {
        return value.to_owned();
    }
    let header = format!("Subject: {value}\r\n\r\n");
    let parsed = MessageParser::default().parse_headers(header.as_bytes());
    let text = parsed.and_then(|m| if let Some(HeaderValue::Text(t)) = m.header("Subject") { Some(t.to_string()) } else { None });
    text.unwrap_or_else(|| value.to_owned())
}

/// What stands between the lines of a boundary.
fn between_boundaries<'a>(body: &'a [u8], boundary: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let (mut at, mut begun) = (0, None);
    while at < body.len() && parts.len() < MOST_PARTS {
        let rest = &body[at..];
        let len = rest.iter().position(|b| *b == b'\n').map_or(rest.len(), |n| n + 1);
        let line = rest[..len].trim_ascii_end();
        let tail = line.strip_prefix(b"--").and_then(|l| l.strip_prefix(boundary));
        let is_last = tail == Some(b"--");
        if is_last || tail == Some(b"") {
            if let Some(begin) = begun {
                // The line break before a boundary is the boundary's.
                let part = &body[begin..at.max(begin)];
                let part = part.strip_suffix(b"\n").unwrap_or(part);
                parts.push(part.strip_suffix(b"\r").unwrap_or(part));
            }
            begun = (!is_last).then_some(at + len);
        }
        if is_last {
            return parts;
        }
        at += len;
    }
    // The last boundary is missing: what there is counts.
    if let Some(begin) = begun.filter(|b| *b < body.len() && parts.len() < MOST_PARTS) {
        parts.push(&body[begin..]);
    }
    parts
}

/// The fields of a header block, each with its folded lines and its line break, as they stand there.
pub(super) fn fields(header: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = header;
    std::iter::from_fn(move || {
        let mut end = line_len(rest);
        if rest[..end].trim_ascii().is_empty() {
            return None;
        }
        while rest.get(end).is_some_and(|b| matches!(b, b' ' | b'\t')) {
            end += line_len(&rest[end..]);
        }
        let (whole, behind) = rest.split_at(end);
        rest = behind;
        let name = whole.split(|b| *b == b':').next().unwrap_or_default().trim_ascii_end();
        Some((name, whole))
    })
}

fn line_len(bytes: &[u8]) -> usize {
    bytes.iter().position(|b| *b == b'\n').map_or(bytes.len(), |n| n + 1)
}

/// The value of the first field of a name: unfolded, not decoded.
pub(super) fn field(header: &[u8], name: &str) -> Option<String> {
    fields(header).find(|(n, _)| n.eq_ignore_ascii_case(name.as_bytes())).map(|(_, whole)| value_of(whole))
}

/// The value of a whole field: unfolded, not decoded.
pub(super) fn value_of(whole: &[u8]) -> String {
    let value = whole.iter().position(|b| *b == b':').map_or(&b""[..], |colon| &whole[colon + 1..]);
    let text: String = String::from_utf8_lossy(value).chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(in crate::sandbox::imap) const NESTED: &str = "Subject: outer\r\nContent-Type: multipart/mixed; boundary=\"x y\"\r\n\r\npreamble\r\n--x y\r\n\r\nfirst\r\n\
        --x y\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nContent-Type: multipart/alternative; boundary=z\r\n\r\n--z\r\nContent-Type: text/plain\r\n\r\nplain\r\n\
        --z\r\nContent-Type: text/html\r\n\r\n<b>\r\n--z--\r\n\r\n--x y--\r\nepilogue\r\n";

    fn body(path: &[u32]) -> Option<String> {
        let message = Part::of_message(NESTED.as_bytes());
        message.at(path.iter().copied()).map(|p| String::from_utf8(p.body.to_vec()).unwrap())
    }

    #[test]
    fn parts_are_found_by_their_numbers() {
        assert_eq!(body(&[1]).unwrap(), "first");
        assert!(body(&[2]).unwrap().starts_with("Subject: inner"));
        assert_eq!(body(&[2, 1]).unwrap(), "plain");
        assert_eq!(body(&[2, 2]).unwrap(), "<b>");
        for none in [&[3][..], &[1, 1], &[2, 3], &[2, 1, 1], &[]] {
            assert_eq!(body(none), None, "{none:?}");
        }
        let plain = Part::of_message(b"Subject: a\r\n\r\ntext\r\n");
        assert_eq!(plain.at([1]).unwrap().body, b"text\r\n");
        assert!(plain.at([2]).is_none() && plain.at([1, 1]).is_none());
    }

    #[test]
    fn hostile_mime_is_bounded_and_never_a_panic() {
        let deep = "Content-Type: message/rfc822\r\n\r\n".repeat(500);
        assert!(Part::of_message(deep.as_bytes()).at([1; 40]).is_none());
        let many = format!("Content-Type: multipart/mixed; boundary=b\r\n\r\n{}", "--b\r\n".repeat(5_000));
        let Inside::Parts(parts) = Part::of_message(many.as_bytes()).inside else { panic!() };
        assert_eq!(parts.len(), MOST_PARTS);
        for odd in [
            "",
            "\r\n",
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n",
            "Content-Type:\r\n\r\n--",
            "Content-Type: multipart/x; boundary=\"\"\r\n\r\n--\r\n--\r\n----",
            ":\n:\n",
            "a",
        ] {
            let part = Part::of_message(odd.as_bytes());
            assert!(part.header.len() + part.body.len() == odd.len(), "{odd:?}");
        }
    }

    #[test]
    fn fields_are_unfolded_and_decoded() {
        let header = b"Subject: =?utf-8?q?caf=C3=A9?=\r\n au lait\r\nX: y\r\n\r\n";
        assert_eq!(field(header, "subject").unwrap(), "=?utf-8?q?caf=C3=A9?= au lait");
        assert_eq!(decoded(&field(header, "SUBJECT").unwrap()), "café au lait");
        assert_eq!(fields(header).map(|(n, _)| n).collect::<Vec<_>>(), [&b"Subject"[..], b"X"]);
        assert_eq!(field(header, "Y"), None);
    }
}
