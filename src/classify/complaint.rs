//! Complaints: feedback reports (RFC 5965), and the forms that providers had before.

use super::fields::{Fields, groups};
use super::incoming::{Incoming, Kind, Recipient};
use super::original;
use super::parts::{PartKind, Parts};
use super::phrases;
use super::signs::is_answer_or_forward;
use super::text::{Folded, addresses, head};
use crate::words::{RefusalClass, Reply};

/// Most recipients of one report.
const MOST_RECIPIENTS: usize = 1_000;

/// Reads a complaint; `None` where the message is none.
pub fn read(parts: &Parts) -> Option<Incoming> {
    let fields: Vec<Fields> = feedback(parts)?;
    let report = fields.iter().find(|f| f.has("feedback-type"));
    let feedback_type = report.and_then(|f| f.get("feedback-type")).map(|t| Reply::clean(t).to_lowercase());
    let named = |names: &[&str]| -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for value in names.iter().flat_map(|name| fields.iter().flat_map(move |f| f.all(name))) {
            for address in addresses(value, MOST_RECIPIENTS) {
                if all.len() < MOST_RECIPIENTS && !all.contains(&address) {
                    all.push(address);
                }
            }
        }
        all
    };
    let mut who = named(&["original-rcpt-to", "removal-recipient", "final-recipient", "x-hmxmroriginalrecipient"]);
    if who.is_empty() {
        who = returned_to(parts);
    }
    let agent = fields.iter().find_map(|f| f.get("user-agent")).map(Reply::clean).unwrap_or_default();
    let evidence = match (&feedback_type, who.is_empty()) {
        (Some(t), false) => format!("a feedback report of type {t}"),
        (Some(t), true) => format!("a feedback report of type {t} that names no recipient"),
        (None, _) => "a message that a provider returns as called spam".to_owned(),
    };
    let diagnostic = if agent.is_empty() { String::new() } else { Reply::clean(&format!("reported by {agent}")) };
    let recipient = |address| Recipient {
        address,
        status: None,
        reply: None,
        diagnostic: diagnostic.clone(),
        class: RefusalClass::Complaint,
        hard: false,
    };
    let recipients = if who.is_empty() { vec![recipient(None)] } else { who.into_iter().map(|a| recipient(Some(a))).collect() };
    let original = original::find(parts, "", &fields);
    Some(Incoming { kind: Kind::Complaint, recipients, original, feedback_type, evidence })
}

/// The fields of a feedback report, or of the message that Microsoft's programme (JMRP) returns.
fn feedback(parts: &Parts) -> Option<Vec<Fields>> {
    let reported: Vec<Fields> = parts.of_kind(PartKind::Feedback).flat_map(groups).collect();
    if !reported.is_empty() {
        return Some(reported);
    }
    let in_text: Vec<Fields> = parts
        .of_kind(PartKind::Text)
        .flat_map(groups)
        .filter(|f| f.has("feedback-type") && (f.has("user-agent") || f.has("version")))
        .collect();
    if is_report(parts) && !in_text.is_empty() {
        return Some(in_text);
    }
    let returned: Vec<Fields> = parts.of_kind(PartKind::Returned).map(Fields::read).collect();
    let jmrp = returned.iter().any(|f| f.has("x-hmxmroriginalrecipient")) || parts.header.has("x-hmxmroriginalrecipient");
    let says_so = !returned.is_empty()
        && !is_answer_or_forward(&parts.subject)
        && parts.of_kind(PartKind::Text).take(1).any(|t| phrases::found("complaint opening", &Folded::new(head(t, 600))).is_some());
    if jmrp || says_so || is_from_programme(parts) && !returned.is_empty() || is_report(parts) {
        return Some(returned.into_iter().chain([parts.header.clone()]).chain(reported).collect());
    }
    None
}

fn is_report(parts: &Parts) -> bool {
    parts.report_type == "feedback-report"
}

/// Whether a provider's programme writes that has a form of its own.
fn is_from_programme(parts: &Parts) -> bool {
    ["staff@hotmail.com", "staff@outlook.com", "feedback@arf.mail.yahoo.com"].contains(&parts.from.as_str())
}

/// Whether the header alone lets one expect a complaint.
pub fn shows_in_header(parts: &Parts) -> bool {
    is_report(parts) || is_from_programme(parts) || parts.header.has("x-hmxmroriginalrecipient")
}

/// To whom the reported message was written, where that is one person.
fn returned_to(parts: &Parts) -> Vec<String> {
    let mut to: Vec<String> = parts
        .of_kind(PartKind::Returned)
        .take(1)
        .map(Fields::read)
        .flat_map(|f| f.all("to").flat_map(|v| addresses(v, 2)).collect::<Vec<_>>())
        .collect();
    if to.len() != 1 {
        to.clear();
    }
    to
}
