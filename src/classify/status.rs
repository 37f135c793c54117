//! The machine's part of a delivery status notification (RFC 3464): groups of fields, one for the message and one for each recipient.

use super::fields::{Fields, groups};
use super::parts::{PartKind, Parts};
use super::text::addresses;
use crate::words::{Enhanced, is_unseen};

/// What became of a recipient (RFC 3464 §2.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    Failed,
    Delayed,
    /// Delivered, relayed or expanded.
    Delivered,
}

/// A recipient's group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The address as it was given, lower case; a name without a domain where there is no more.
    pub address: Option<String>,
    pub action: Action,
    /// Its Status field.
    pub status: Option<Enhanced>,
    /// What stands behind it in brackets: the reporter's own words.
    pub comment: String,
    /// Diagnostic-Code, without its type unless a program on the reporting host spoke.
    pub words: String,
}

/// Reads the groups of recipients, and all groups as they are; both empty where the message has no such part.
///
/// Some programs put the fields into a text: `own_words` is looked through where no part is.
pub fn read(parts: &Parts, own_words: &str) -> (Vec<Group>, Vec<Fields>) {
    let fields: Vec<Fields> = parts.of_kind(PartKind::Status).flat_map(recipient_groups).collect();
    let found: Vec<Group> = fields.iter().filter_map(group).collect();
    if !found.is_empty() {
        return (found, fields);
    }
    let Some(start) = own_words.lines().position(is_recipient_line) else { return (found, fields) };
    // From the beginning of the group that this line stands in.
    let lines: Vec<&str> = own_words.lines().collect();
    let start = (0..start).rev().find(|&n| lines[n].trim().is_empty()).map_or(0, |n| n + 1);
    let fields = recipient_groups(&lines[start..].join("\n"));
    (fields.iter().filter_map(group).collect(), fields)
}

/// The groups of a status; some programs leave out the empty lines between them.
fn recipient_groups(text: &str) -> Vec<Fields> {
    groups(text).into_iter().flat_map(|group| group.parted_at(&["final-recipient", "original-recipient", "action"])).collect()
}

fn is_recipient_line(line: &str) -> bool {
    let line = line.trim_start().to_ascii_lowercase();
    line.starts_with("final-recipient:") || line.starts_with("original-recipient:")
}

fn group(fields: &Fields) -> Option<Group> {
    let recipient = ["original-recipient", "final-recipient", "x-actual-recipient", "removal-recipient"];
    let named: Vec<&str> = recipient.iter().filter_map(|name| fields.get(name)).collect();
    let status_field = fields.get("status").unwrap_or_default();
    let status = Enhanced::leading(status_field);
    if named.is_empty() && (status.is_none() || !fields.has("action")) {
        return None;
    }
    let address =
        named.iter().find_map(|value| addresses(value, 1).into_iter().next()).or_else(|| named.iter().find_map(|v| local_name(v)));
    let action = fields.get("action").unwrap_or_default().trim().to_ascii_lowercase();
    let action = match action.split_whitespace().next().unwrap_or_default() {
        "delivered" | "relayed" | "expanded" | "deliverable" => Action::Delivered,
        "delayed" => Action::Delayed,
        "" if status.is_some_and(|s| s.class == 2) => Action::Delivered,
        _ => Action::Failed,
    };
    let diagnostic = fields.get("diagnostic-code").unwrap_or_default();
    let by_program = diagnostic.to_ascii_lowercase().starts_with("x-unix");
    let words = diagnostic.split_once(';').filter(|(kind, _)| is_type(kind) && !by_program).map_or(diagnostic, |(_, words)| words);
    let comment = status_field.split_once('(').map_or("", |(_, comment)| comment.trim_end_matches(')')).to_owned();
    Some(Group { address, action, status, comment, words: words.trim().to_owned() })
}

/// "smtp", "X-Postfix", "x-unix": a diagnostic's type, and not the beginning of its words.
fn is_type(kind: &str) -> bool {
    let kind = kind.trim();
    kind.len() <= 24 && kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') && !kind.bytes().all(|b| b.is_ascii_digit())
}

/// "rfc822; anna": a name on the reporting host.
fn local_name(value: &str) -> Option<String> {
    let name = value.split_once(';').map_or(value, |(_, name)| name).trim().trim_matches(['<', '>', '"']);
    let holds = (1..=254).contains(&name.len()) && name.chars().all(|c| !is_unseen(c) && !c.is_whitespace());
    holds.then(|| name.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Parts {
        let message =
            format!("Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n{text}\n--b--\n");
        Parts::read(message.as_bytes())
    }

    #[test]
    fn each_recipient_has_its_group() {
        let text = "Reporting-MTA: dns; mx.y.test\n\nOriginal-Recipient: rfc822;A@y.test\nFinal-Recipient: rfc822;alias@z.test\nAction: failed\n\
            Status: 5.1.1 (bad mailbox)\nDiagnostic-Code: smtp; 550-5.1.1 no\n 550 5.1.1 such user\n\nFinal-Recipient: LOCAL; anna\nAction: delayed\n\
            Status: 4.4.7\n\nFinal-recipient: RFC822; <b@y.test>\nAction: relayed\nStatus: 2.1.9\n";
        let (groups, fields) = read(&parts(text), "");
        assert_eq!(fields.len(), 4);
        let seen: Vec<_> = groups.iter().map(|g| (g.address.as_deref().unwrap(), g.action, g.status.unwrap().to_string())).collect();
        assert_eq!(
            seen,
            [
                ("a@y.test", Action::Failed, "5.1.1".into()),
                ("anna", Action::Delayed, "4.4.7".into()),
                ("b@y.test", Action::Delivered, "2.1.9".into()),
            ]
        );
        assert_eq!(groups[0].words, "550-5.1.1 no\n550 5.1.1 such user");
        assert_eq!(groups[0].comment, "bad mailbox");
    }

    #[test]
    fn groups_may_follow_each_other_without_an_empty_line() {
        let one =
            |name: &str| format!("Final-Recipient: rfc822; {name}\nOriginal-Recipient: rfc822;{name}\nAction: failed\nStatus: 5.1.1\n");
        let (groups, _) = read(&parts(&format!("{}{}", one("a@y.test"), one("b@y.test"))), "");
        assert_eq!(groups.iter().filter_map(|g| g.address.as_deref()).collect::<Vec<_>>(), ["a@y.test", "b@y.test"]);
    }

    #[test]
    fn the_fields_may_stand_in_a_text() {
        let (groups, _) = read(
            &Parts::default(),
            "Technical report:\n\nReporting-MTA: dsn; x\n\nAction: failed\nFinal-Recipient: rfc822; a@y.test\nStatus: 5.1.1\n",
        );
        assert_eq!((groups.len(), groups[0].address.as_deref()), (1, Some("a@y.test")));
        assert_eq!(read(&Parts::default(), "nothing of the kind").0, []);
    }
}
