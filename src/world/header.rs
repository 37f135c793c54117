//! What servers read of a message's header: a few fields, as they stand.

use crate::words::{Address, LetterId, Moment};

/// Where the header block ends in a message, or in a part of one, the empty line included. A part may have no header at all.
pub fn len(bytes: &[u8]) -> usize {
    if bytes.starts_with(b"\r\n") {
        return 2;
    }
    memchr::memmem::find(bytes, b"\r\n\r\n").map_or(bytes.len(), |at| at + 4)
}

/// The letter that the header's `X-Preheat` names, believed without a look at the HMAC: servers have no key.
pub(super) fn letter(header: &[u8]) -> Option<LetterId> {
    LetterId::parse(value(header, "X-Preheat")?.split('.').nth(1)?.trim()).ok()
}

/// The value of a header field, unfolded; the first of its name.
pub(super) fn value(header: &[u8], name: &str) -> Option<String> {
    let mut lines = lines(header).peekable();
    while let Some(line) = lines.next() {
        let Some((start, rest)) = line.split_at_checked(name.len()) else { continue };
        let (true, Some(first)) = (start.eq_ignore_ascii_case(name.as_bytes()), rest.strip_prefix(b":")) else { continue };
        let mut text = String::from_utf8_lossy(first).trim().to_owned();
        while let Some(more) = lines.next_if(|l| l.first().is_some_and(|b| *b == b' ' || *b == b'\t')) {
            text.push(' ');
            text.push_str(String::from_utf8_lossy(more).trim());
        }
        return Some(text);
    }
    None
}

/// The lines of a header, without their ends.
fn lines(header: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(header);
    std::iter::from_fn(move || {
        let all = rest?;
        let (line, next) = memchr::memchr(b'\n', all).map_or((all, None), |at| (&all[..at], Some(&all[at + 1..])));
        rest = next;
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    })
}

/// The address in a From value: between angle brackets, or the whole of it.
pub(super) fn address(value: &str) -> Option<Address> {
    let inner = value.rsplit_once('<').map_or(value, |(_, rest)| rest.split('>').next().unwrap_or(rest));
    Address::parse(inner.trim()).ok()
}

/// A moment as Date and Received fields have it, in UTC (RFC 5322 §3.3).
pub(super) fn date(at: Moment) -> String {
    at.utc().format("%a, %d %b %Y %H:%M:%S +0000").to_string()
}
