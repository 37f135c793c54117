//! Complaints: somebody called a message spam, and the provider tells its sender (RFC 5965). Gmail tells nobody.

use std::fmt::Write;

use super::draft::{Draft, Part};
use super::{About, Personality, Server};
use crate::words::Moment;
use crate::world::header;

/// Bytes of a message that come back with a complaint.
const MOST_RETURNED: usize = 16_384;

/// A feedback report on a message, to whom it is from. `named`: who complains is told; else the provider keeps that back (RFC 6590).
///
/// A Microsoft-like server that tells it writes in the manner of its older programme (JMRP): the message, with the recipient in a field of its own.
pub fn complaint(by: Server<'_>, about: About<'_>, named: bool, at: Moment) -> Vec<u8> {
    let host = by.host();
    let as_jmrp = named && by.habits == Personality::Microsoft;
    let (local, subject) = if as_jmrp {
        ("staff", "complaint about message from 192.0.2.25".to_owned())
    } else {
        ("feedback", format!("FW: {}", about.subject()))
    };
    let mut draft = Draft::to(about.from, "", &format!("<{local}@{host}>"), at);
    draft.field("Subject", &subject);
    let id = draft.id(&host, &["complaint", &about.id(), about.to.as_str(), &at.0.to_string()]);
    let message = &about.message[..about.message.len().min(MOST_RETURNED)];
    if as_jmrp {
        let returned = [format!("X-HmXmrOriginalRecipient: {}\r\n", about.to).as_bytes(), message].concat();
        return draft.parts("multipart/mixed", &id, &[Part { content_type: "message/rfc822", content: &returned }]);
    }
    let words = format!("This is an email abuse report for a message from <{}>, received on\r\n{}.\r\n", about.from, header::date(at));
    let mut report = format!(
        "Feedback-Type: abuse\r\nUser-Agent: {}/1.0\r\nVersion: 1\r\nOriginal-Mail-From: <{}>\r\nReported-Domain: {}\r\nArrival-Date: {}\r\n\
         Source-IP: 192.0.2.25\r\n",
        by.habits,
        about.from,
        about.from.domain(),
        header::date(at)
    );
    if named {
        let _ = write!(report, "Original-Rcpt-To: <{}>\r\n", about.to);
    }
    let returned = if named { message.to_vec() } else { without_recipient(message) };
    draft.parts(
        "multipart/report; report-type=feedback-report",
        &id,
        &[
            Part { content_type: "text/plain; charset=us-ascii", content: words.as_bytes() },
            Part { content_type: "message/feedback-report", content: report.as_bytes() },
            Part { content_type: "message/rfc822", content: &returned },
        ],
    )
}

/// The message with a header that does not say to whom it was.
fn without_recipient(message: &[u8]) -> Vec<u8> {
    let header_len = header::len(message);
    let mut out = b"To: undisclosed-recipients:;\r\n".to_vec();
    let mut tells = false;
    for line in message[..header_len].split_inclusive(|b| *b == b'\n') {
        let folded = line.first().is_some_and(|b| *b == b' ' || *b == b'\t');
        if !folded {
            let name = line.split(|b| *b == b':').next().unwrap_or_default().to_ascii_lowercase();
            tells = ["to", "cc", "received", "delivered-to", "x-original-to", "envelope-to"].iter().any(|n| name == n.as_bytes());
        }
        if !tells {
            out.extend_from_slice(line);
        }
    }
    out.extend_from_slice(&message[header_len..]);
    out
}
