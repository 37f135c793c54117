//! Delivery status notifications (RFC 3464, RFC 6522): what became of a message, with the header of it.

use std::fmt::Write;
use std::time::Duration;

use super::draft::{Draft, Part, join, lines, one_line};
use super::{About, Personality, Server};
use crate::words::{Moment, Reply};
use crate::world::header;

/// Bytes of a message that come back with a report; what is longer is cut (RFC 6522 §3).
const MOST_RETURNED: usize = 16_384;

/// How long a message is tried from when its sender is told that it is late: five days in all, of which one at most has gone by.
const STILL_TRIED: Duration = Duration::from_hours(4 * 24);

/// What became of a message, in the words of the server that had to say so.
#[derive(Clone, Copy, Debug)]
pub enum Outcome<'a> {
    /// It was not delivered, and will not be.
    Failed(&'a Reply),
    /// It is late, and still tried.
    Delayed(&'a Reply),
    /// It was delivered.
    Delivered(&'a Reply),
}

impl<'a> Outcome<'a> {
    /// Its place in a [`Voice`]'s lists, and its word in the report.
    const fn action(self) -> (usize, &'static str) {
        match self {
            Self::Failed(_) => (0, "failed"),
            Self::Delayed(_) => (1, "delayed"),
            Self::Delivered(_) => (2, "delivered"),
        }
    }

    const fn reply(self) -> &'a Reply {
        match self {
            Self::Failed(reply) | Self::Delayed(reply) | Self::Delivered(reply) => reply,
        }
    }
}

/// How a kind of server writes its reports. `{}` is the subject of the message that it is about.
struct Voice {
    from: &'static str,
    subjects: [&'static str; 3],
    openings: [&'static str; 3],
    /// Whether the message comes back with its text, or its header alone.
    returns_text: bool,
}

const GMAIL: Voice = Voice {
    from: "Mail Delivery Subsystem <mailer-daemon@",
    subjects: ["Delivery Status Notification (Failure)", "Delivery Status Notification (Delay)", "Delivery Status Notification (Success)"],
    openings: [
        "** Message not delivered **\n\nYour message could not be delivered to",
        "** Delivery incomplete **\n\nThere was a passing problem; delivery is tried for some days more. You need not send again to",
        "** Delivered **\n\nYour message was delivered to",
    ],
    returns_text: true,
};
const MICROSOFT: Voice = Voice {
    from: "Microsoft Outlook <postmaster@",
    subjects: ["Undeliverable: {}", "Delivery delayed: {}", "Delivered: {}"],
    openings: [
        "Delivery has failed to these recipients or groups:",
        "Delivery to these recipients or groups is delayed; the server goes on trying:",
        "Your message has been delivered to the following recipients:",
    ],
    returns_text: true,
};
const POSTFIX: Voice = Voice {
    from: "Mail Delivery System <MAILER-DAEMON@",
    subjects: ["Undelivered Mail Returned to Sender", "Delayed Mail (still being retried)", "Successful Mail Delivery Report"],
    openings: [
        "This is the mail system at {}.\n\nYour message could not be delivered to one or more recipients. It is attached below.",
        "This is the mail system at {}.\n\nA WARNING ONLY: you need not send your message again. It could not be delivered so far,\n\
         and will be tried until it is five days old.",
        "This is the mail system at {}.\n\nYour message was successfully delivered to the destination(s) listed below.",
    ],
    returns_text: false,
};

/// A report on what became of a message, to whom it is from. It has no return path, so that nothing answers it.
pub fn delivery_status(by: Server<'_>, about: About<'_>, outcome: Outcome<'_>, at: Moment) -> Vec<u8> {
    let (n, action) = outcome.action();
    let voice = match by.habits {
        Personality::Gmail => &GMAIL,
        Personality::Microsoft => &MICROSOFT,
        Personality::Dovecot => &POSTFIX,
    };
    let host = by.host();
    let original = about.id();
    let mut draft = Draft::to(about.from, "", &format!("{}{host}>", voice.from), at);
    draft.field("Subject", &voice.subjects[n].replace("{}", &about.subject()));
    let id = draft.id(&host, &["report", action, &original, about.to.as_str(), &at.0.to_string()]);
    match by.habits {
        Personality::Gmail | Personality::Microsoft => draft.answers(&original, ""),
        Personality::Dovecot => {}
    }
    match (by.habits, outcome) {
        (Personality::Gmail, Outcome::Failed(_)) => draft.field("X-Failed-Recipients", about.to.as_str()),
        (Personality::Microsoft, _) => draft.field("X-MS-Exchange-Message-Is-Ndr", "yes"),
        _ => {}
    }
    draft.field("Auto-Submitted", "auto-replied");
    let opening = voice.openings[n].replace("{}", &host);
    let words = in_words(by.habits, &opening, about, outcome.reply());
    let (words_type, words) = if by.habits == Personality::Microsoft { alternative(&words, &id) } else { plain(&words) };
    let status = status(by, &host, &original, about, outcome, at);
    let returned = if voice.returns_text { &about.message[..about.message.len().min(MOST_RETURNED)] } else { about.header() };
    draft.parts(
        "multipart/report; report-type=delivery-status",
        &id,
        &[
            Part { content_type: &words_type, content: &words },
            Part { content_type: "message/delivery-status", content: status.as_bytes() },
            Part { content_type: if voice.returns_text { "message/rfc822" } else { "text/rfc822-headers" }, content: returned },
        ],
    )
}

/// The part for a person.
fn in_words(habits: Personality, opening: &str, about: About<'_>, reply: &Reply) -> String {
    let (to, mx) = (about.to, format!("mx.{}", about.to.domain()));
    match habits {
        Personality::Gmail => format!("{opening} {to}.\n\nThe response from the remote server was:\n\n{reply}\n"),
        Personality::Microsoft => format!("{opening}\n\n{to}\n\n{mx} said:\n'{reply}'\n"),
        Personality::Dovecot => {
            // What is about the address or the mailbox was said at RCPT.
            let at_rcpt = reply.enhanced.is_none_or(|e| matches!(e.subject, 1 | 2));
            let command = if at_rcpt { "RCPT TO" } else { "end of DATA" };
            format!("{opening}\n\n<{to}>: host {mx}[192.0.2.25] said:\n    {reply} (in reply to {command} command)\n")
        }
    }
}

fn plain(words: &str) -> (String, Vec<u8>) {
    ("text/plain; charset=us-ascii".to_owned(), lines(words).into_bytes())
}

/// The words twice, as text and as HTML.
fn alternative(words: &str, id: &str) -> (String, Vec<u8>) {
    let boundary = format!("=_words_{id}");
    let text = lines(words);
    let safe = words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let paragraphs: Vec<String> = safe.split("\n\n").map(|p| format!("<p>{}</p>", p.trim_end().replace('\n', "<br>"))).collect();
    let html = format!("<html><body>\r\n{}\r\n</body></html>\r\n", paragraphs.join("\r\n"));
    let mut bytes = Vec::new();
    let parts = [
        Part { content_type: "text/plain; charset=us-ascii", content: text.as_bytes() },
        Part { content_type: "text/html; charset=us-ascii", content: html.as_bytes() },
    ];
    join(&mut bytes, &boundary, &parts);
    (format!("multipart/alternative; boundary=\"{boundary}\""), bytes)
}

/// The part for programs: a group of fields on the message, and one on the recipient.
fn status(by: Server<'_>, host: &str, original: &str, about: About<'_>, outcome: Outcome<'_>, at: Moment) -> String {
    let (reply, (_, action)) = (outcome.reply(), outcome.action());
    let (from, to) = (about.from, about.to);
    let mut out = format!("Reporting-MTA: dns; {host}\r\n");
    let mut add = |name: &str, value: &str| {
        let value = one_line(value);
        if !value.is_empty() {
            let _ = write!(out, "{name}: {value}\r\n");
        }
    };
    match by.habits {
        Personality::Gmail => {
            add("Received-From-MTA", &format!("dns; {from}"));
            add("X-Original-Message-ID", &bracketed(original));
        }
        Personality::Microsoft => add("Received-From-MTA", &format!("dns; {}", from.domain())),
        Personality::Dovecot => add("X-Postfix-Sender", &format!("rfc822; {from}")),
    }
    add("Arrival-Date", &about.field("Date"));
    out.push_str("\r\n");
    let mut add = |name: &str, value: &str| {
        let _ = write!(out, "{name}: {}\r\n", one_line(value));
    };
    add("Final-Recipient", &format!("rfc822; {to}"));
    if by.habits == Personality::Dovecot {
        add("Original-Recipient", &format!("rfc822;{to}"));
    }
    add("Action", action);
    // A server that gave no code of its own: the class is all that is known (RFC 3463 §3.1).
    add("Status", &reply.enhanced.map_or_else(|| format!("{}.0.0", reply.code / 100), |e| e.to_string()));
    add("Remote-MTA", &format!("dns; mx.{}", to.domain()));
    add("Diagnostic-Code", &format!("smtp; {reply}"));
    if let Outcome::Delayed(_) = outcome {
        add("Will-Retry-Until", &header::date(at + STILL_TRIED));
    }
    out
}

fn bracketed(id: &str) -> String {
    if id.is_empty() { String::new() } else { format!("<{id}>") }
}
