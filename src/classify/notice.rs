//! Amazon SES's notices by mail: JSON in the text of a message, for bounces, complaints and deliveries.

use serde_json::Value;

use super::incoming::{Incoming, Kind, Original, Recipient};
use super::parts::Parts;
use super::refusal::{self, Source};
use super::text::addresses;
use crate::words::{Enhanced, MessageId, RefusalClass, Reply};

/// Reads a notice; `None` where the text is none. The JSON may have been folded by a server on the way.
pub fn read(parts: &Parts, words: &str) -> Option<Incoming> {
    let json = words.trim_start();
    if !json.starts_with('{') || !json.contains("otificationType") && !json.contains("eventType") {
        return None;
    }
    let notice = unfolded(json).find_map(|text| serde_json::Deserializer::from_str(&text).into_iter::<Value>().next()?.ok())?;
    // The topic's envelope has the notice as a string.
    let inner = notice.get("Message").and_then(Value::as_str).and_then(|m| serde_json::from_str(m).ok());
    let notice = inner.unwrap_or(notice);
    let what = text(&notice, "notificationType").or_else(|| text(&notice, "eventType"))?;
    let (kind, recipients) = match what.to_ascii_lowercase().as_str() {
        "bounce" => (Kind::Bounce, bounced(&notice)),
        "complaint" => (Kind::Complaint, complained(&notice)),
        "delivery" => (Kind::Delivered, delivered(&notice)),
        "deliverydelay" => (Kind::Delay, Vec::new()),
        _ => return None,
    };
    let feedback_type = notice.get("complaint").and_then(|c| text(c, "complaintFeedbackType")).map(|t| Reply::clean(t).to_lowercase());
    Some(Incoming {
        kind,
        recipients,
        original: original(parts, &notice),
        feedback_type,
        evidence: format!("an SES notice of type {}", Reply::clean(what)),
    })
}

/// The ways in which servers fold a line that is too long.
fn unfolded(json: &str) -> impl Iterator<Item = String> {
    let lines = json.replace("\r\n", "\n");
    let ways: [fn(&str) -> String; 4] = [
        |lines| lines.to_owned(),
        |lines| lines.replace("!\n ", "").replace("\n ", "").replace('\n', ""),
        |lines| lines.replace("!\n", "").replace('\n', ""),
        |lines| lines.replace('\n', " "),
    ];
    ways.into_iter().map(move |way| way(&lines))
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

fn list<'a>(value: &'a Value, outer: &str, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(outer).and_then(|o| o.get(name)).and_then(Value::as_array).map_or(&[][..], Vec::as_slice).iter().take(1_000)
}

fn address(value: Option<&str>) -> Option<String> {
    addresses(value?, 1).into_iter().next()
}

fn bounced(notice: &Value) -> Vec<Recipient> {
    let passes = notice.get("bounce").and_then(|b| text(b, "bounceType")).is_some_and(|t| t.eq_ignore_ascii_case("transient"));
    list(notice, "bounce", "bouncedRecipients")
        .map(|r| {
            let words = text(r, "diagnosticCode").unwrap_or_default();
            let status = text(r, "status").and_then(Enhanced::leading);
            let words = words.strip_prefix("smtp;").unwrap_or(words).trim();
            let found = refusal::find(&[Source { name: "diagnostic", words }], status);
            Recipient {
                address: address(text(r, "emailAddress")),
                status: found.enhanced.map(|e| e.to_string()),
                reply: found.reply,
                diagnostic: Reply::clean(words),
                class: found.class,
                hard: found.class == RefusalClass::BadAddress && !passes,
            }
        })
        .collect()
}

fn complained(notice: &Value) -> Vec<Recipient> {
    list(notice, "complaint", "complainedRecipients")
        .map(|r| plain(address(text(r, "emailAddress")), RefusalClass::Complaint, ""))
        .collect()
}

fn delivered(notice: &Value) -> Vec<Recipient> {
    let words = notice.get("delivery").and_then(|d| text(d, "smtpResponse")).unwrap_or_default();
    list(notice, "delivery", "recipients").map(|r| plain(address(r.as_str()), RefusalClass::Other, words)).collect()
}

fn plain(address: Option<String>, class: RefusalClass, words: &str) -> Recipient {
    Recipient { address, status: None, reply: None, diagnostic: Reply::clean(words), class, hard: false }
}

fn original(_: &Parts, notice: &Value) -> Original {
    let mail = notice.get("mail");
    let common = mail.and_then(|m| m.get("commonHeaders")).and_then(|c| text(c, "messageId"));
    let own = mail.and_then(|m| text(m, "messageId"));
    Original { message_ids: common.into_iter().chain(own).filter_map(MessageId::parse).collect(), ..Original::default() }
}
