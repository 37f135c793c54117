//! ENVELOPE and BODYSTRUCTURE (RFC 3501 §7.4.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail_parser::{Addr, Address, HeaderValue, MessageParser};

use super::answer::Answer;
use super::mime::{Inside, Kind, Part, disposition, field};

/// Writes the envelope of a message, by its header block.
pub(super) fn envelope(out: &mut Answer, header: &[u8]) {
    let parsed = MessageParser::default().parse_headers(header);
    let of = |name: &'static str| parsed.as_ref().and_then(|p| p.header(name)).and_then(HeaderValue::as_address);
    out.text("(");
    for name in ["Date", "Subject"] {
        out.nstring(field(header, name).as_deref().map(str::as_bytes));
        out.text(" ");
    }
    let from = of("From");
    // Sender and Reply-To are From's where they are not there.
    for address in [from, of("Sender").or(from), of("Reply-To").or(from), of("To"), of("Cc"), of("Bcc")] {
        addresses(out, address);
        out.text(" ");
    }
    out.nstring(field(header, "In-Reply-To").as_deref().map(str::as_bytes));
    out.text(" ");
    out.nstring(field(header, "Message-ID").as_deref().map(str::as_bytes));
    out.text(")");
}

fn addresses(out: &mut Answer, address: Option<&Address<'_>>) {
    let mut any = false;
    let mut open = |out: &mut Answer| {
        if !std::mem::replace(&mut any, true) {
            out.text("(");
        }
    };
    match address {
        Some(Address::List(list)) => {
            for one in list {
                open(out);
                address_of(out, one);
            }
        }
        Some(Address::Group(groups)) => {
            for group in groups {
                open(out);
                if let Some(name) = &group.name {
                    out.text("(NIL NIL ");
                    out.string(encoded(name).as_bytes());
                    out.text(" NIL)");
                }
                group.addresses.iter().for_each(|one| address_of(out, one));
                if group.name.is_some() {
                    out.text("(NIL NIL NIL NIL)");
                }
            }
        }
        None => {}
    }
    out.text(if any { ")" } else { "NIL" });
}

fn address_of(out: &mut Answer, one: &Addr<'_>) {
    let address = one.address.as_deref().unwrap_or_default();
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    out.text("(");
    out.nstring(one.name.as_deref().map(encoded).as_deref().map(str::as_bytes));
    out.text(" NIL ");
    out.string(local.as_bytes());
    out.text(" ");
    out.string(domain.as_bytes());
    out.text(")");
}

/// As an encoded word (RFC 2047) where it is not ASCII: the parser has read it, the client has to.
fn encoded(text: &str) -> String {
    if text.is_ascii() { text.to_owned() } else { format!("=?utf-8?B?{}?=", STANDARD.encode(text)) }
}

/// Writes BODYSTRUCTURE, or BODY where `extended` is false.
pub(super) fn structure(out: &mut Answer, part: &Part<'_>, extended: bool) {
    out.text("(");
    if let Inside::Parts(parts) = &part.inside {
        for part in parts {
            structure(out, part, extended);
        }
        out.text(" ");
        out.string(part.kind.sub.to_ascii_uppercase().as_bytes());
        if extended {
            out.text(" ");
            parameters(out, &part.kind);
        }
    } else {
        single(out, part, extended);
    }
    if extended {
        if !matches!(part.inside, Inside::Parts(_)) {
            out.text(" ");
            nfield(out, part.header, "Content-MD5");
        }
        out.text(" ");
        match disposition(part.header) {
            Some(disposition) => {
                out.text("(");
                out.string(disposition.main.as_bytes());
                out.text(" ");
                parameters(out, &disposition);
                out.text(")");
            }
            None => out.text("NIL"),
        }
        for name in ["Content-Language", "Content-Location"] {
            out.text(" ");
            nfield(out, part.header, name);
        }
    }
    out.text(")");
}

fn single(out: &mut Answer, part: &Part<'_>, extended: bool) {
    out.string(part.kind.main.to_ascii_uppercase().as_bytes());
    out.text(" ");
    out.string(part.kind.sub.to_ascii_uppercase().as_bytes());
    out.text(" ");
    parameters(out, &part.kind);
    for name in ["Content-ID", "Content-Description"] {
        out.text(" ");
        nfield(out, part.header, name);
    }
    out.text(" ");
    out.string(field(part.header, "Content-Transfer-Encoding").unwrap_or_else(|| "7BIT".into()).to_ascii_uppercase().as_bytes());
    out.text(format_args!(" {}", part.body.len()));
    let lines = part.body.split(|b| *b == b'\n').count() - 1;
    if let Inside::Message(inner) = &part.inside {
        out.text(" ");
        envelope(out, inner.header);
        out.text(" ");
        structure(out, inner, extended);
        out.text(format_args!(" {lines}"));
    } else if part.kind.main == "text" {
        out.text(format_args!(" {lines}"));
    }
}

fn parameters(out: &mut Answer, kind: &Kind) {
    if kind.attributes.is_empty() {
        return out.text("NIL");
    }
    out.text("(");
    for (n, (name, value)) in kind.attributes.iter().enumerate() {
        if n > 0 {
            out.text(" ");
        }
        out.string(name.to_ascii_uppercase().as_bytes());
        out.text(" ");
        out.string(encoded(value).as_bytes());
    }
    out.text(")");
}

fn nfield(out: &mut Answer, header: &[u8], name: &str) {
    out.nstring(field(header, name).as_deref().map(str::as_bytes));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(f: impl FnOnce(&mut Answer)) -> String {
        let mut out = Answer::default();
        f(&mut out);
        String::from_utf8(out.0).unwrap()
    }

    #[test]
    fn an_envelope_names_everybody() {
        let header =
            b"Date: Tue, 1 Dec 2026 08:00:00 +0000\r\nSubject: =?utf-8?q?caf=C3=A9?=\r\nFrom: =?utf-8?q?Andr=C3=A9?= <a@w.test>\r\n\
            To: \"B, C\" <b@w.test>, c@w.test\r\nCc: team: d@w.test;\r\nMessage-ID: <1@w.test>\r\n\r\n";
        let from = "((\"=?utf-8?B?QW5kcsOp?=\" NIL \"a\" \"w.test\"))";
        assert_eq!(
            written(|o| envelope(o, header)),
            format!(
                "(\"Tue, 1 Dec 2026 08:00:00 +0000\" \"=?utf-8?q?caf=C3=A9?=\" {from} {from} {from} \
                 ((\"B, C\" NIL \"b\" \"w.test\")(NIL NIL \"c\" \"w.test\")) \
                 ((NIL NIL \"team\" NIL)(NIL NIL \"d\" \"w.test\")(NIL NIL NIL NIL)) NIL NIL \"<1@w.test>\")"
            )
        );
        assert_eq!(written(|o| envelope(o, b"")), "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
    }

    #[test]
    fn a_structure_shows_the_tree() {
        let message = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\
            Content-Transfer-Encoding: quoted-printable\r\n\r\nhi\r\nyou\r\n--b\r\nContent-Type: application/pdf; name=x.pdf\r\n\
            Content-Disposition: attachment; filename=x.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n--b\r\n\
            Content-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nx\r\n--b--\r\n";
        let part = Part::of_message(message);
        assert_eq!(
            written(|o| structure(o, &part, false)),
            "((\"TEXT\" \"PLAIN\" (\"CHARSET\" \"utf-8\") NIL NIL \"QUOTED-PRINTABLE\" 7 1)\
             (\"APPLICATION\" \"PDF\" (\"NAME\" \"x.pdf\") NIL NIL \"BASE64\" 4)\
             (\"MESSAGE\" \"RFC822\" NIL NIL NIL \"7BIT\" 16 (NIL \"in\" NIL NIL NIL NIL NIL NIL NIL NIL) \
             (\"TEXT\" \"PLAIN\" NIL NIL NIL \"7BIT\" 1 0) 2) \"MIXED\")"
        );
        let extended = written(|o| structure(o, &part, true));
        assert!(extended.contains("\"BASE64\" 4 NIL (\"attachment\" (\"FILENAME\" \"x.pdf\")) NIL NIL)"), "{extended}");
        assert!(extended.ends_with("\"MIXED\" (\"BOUNDARY\" \"b\") NIL NIL NIL)"), "{extended}");
    }
}
