//! What a message's header says of who wrote it: a mail system, some machine, or a person.

use super::parts::Parts;
use super::phrases;
use super::text::Folded;

/// What speaks for a report, and what against it, in the header alone.
pub struct HeaderSigns {
    /// Sent by a mail system: by its address, its name, a null return path, or from nobody.
    pub by_daemon: bool,
    /// Sent by some machine: its address or headers say so.
    pub by_machine: bool,
    /// "Re:", "Fwd:" and the like, or what mail programs and answers have: a person wrote it.
    pub by_person: bool,
    /// `X-Failed-Recipients`, or `report-type=delivery-status`.
    pub named: Option<&'static str>,
    /// The phrase of a report in the subject.
    pub subject: Option<String>,
}

impl HeaderSigns {
    /// Reads them.
    pub fn of(parts: &Parts) -> Self {
        let header = &parts.header;
        let by_daemon = has_daemons_name(parts) || has_null_path(parts);
        let local = parts.from.split('@').next().unwrap_or_default();
        let value = |name| header.get(name).unwrap_or_default().trim().to_ascii_lowercase();
        let by_machine = by_daemon
            || phrases::is_at_an_end("machine address", local)
            || !["", "no"].contains(&value("auto-submitted").as_str())
            || ["bulk", "junk", "auto_reply"].contains(&value("precedence").as_str());
        let named = if header.has("x-failed-recipients") {
            Some("X-Failed-Recipients")
        } else if parts.report_type == "delivery-status" {
            Some("report-type=delivery-status")
        } else {
            None
        };
        let by_person =
            is_answer_or_forward(&parts.subject) || ["x-mailer", "user-agent", "list-unsubscribe"].iter().any(|name| header.has(name));
        Self { by_daemon, by_machine, by_person, named, subject: phrases::found("bounce subject", &Folded::new(&parts.subject)) }
    }

    /// Whether a delivery status is the machine's, and not kept in what a person sends on.
    pub fn is_by_machine(&self, parts: &Parts) -> bool {
        self.by_daemon || self.named.is_some() || parts.content_type == "multipart/report" || self.subject.is_some() && !self.by_person
    }
}

/// Whether a mail system signs, or nobody does.
pub fn has_daemons_name(parts: &Parts) -> bool {
    let local = parts.from.split('@').next().unwrap_or_default();
    parts.from.is_empty() || phrases::is_one("daemon address", local) || phrases::is_name("daemon name", &Folded::new(&parts.from_name))
}

/// Whether nothing may come back to its sender (RFC 5321 §4.5.5): a report, or a machine's answer.
pub fn has_null_path(parts: &Parts) -> bool {
    parts.header.all("return-path").any(|v| v.trim() == "<>" || v.to_ascii_lowercase().contains("mailer-daemon"))
}

/// Whether a subject begins as an answer's or a forwarded message's does.
pub fn is_answer_or_forward(subject: &str) -> bool {
    let subject = subject.trim_start().to_lowercase();
    [
        "re:", "fw:", "fwd:", "aw:", "wg:", "rv:", "tr:", "r:", "i:", "sv:", "vs:", "antw:", "doorst:", "odp:", "res:", "enc:", "回复",
        "转发", "返信", "転送",
    ]
    .iter()
    .any(|p| subject.starts_with(p))
}
