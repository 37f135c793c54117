//! Reports on delivery: bounces, delays and receipts of delivery.

use super::codes;
use super::incoming::{Incoming, Kind, Recipient};
use super::notice;
use super::original;
use super::parts::{PartKind, Parts};
use super::phrases;
use super::refusal::{self, Finding, Source};
use super::signs::HeaderSigns;
use super::status::{self, Action, Group};
use super::text::{Folded, addresses, head};
use super::told::{Named, Told};
use crate::words::{RefusalClass, Reply};

/// Most recipients of one report.
const MOST_RECIPIENTS: usize = 1_000;

/// Reads a report on delivery; `None` where the message is none.
pub fn read(parts: &Parts) -> Option<Incoming> {
    let words = own_words(parts);
    if let Some(notice) = notice::read(parts, &words) {
        return Some(notice);
    }
    let told = Told::split(&words);
    let signs = Signs::of(parts, &told);
    let (groups, fields) = status::read(parts, &told.report);
    let (recipients, kind, evidence) = if !groups.is_empty() && signs.header.is_by_machine(parts) {
        let recipients = of_groups(&groups, &told, parts);
        (recipients, kind_of_groups(&groups), format!("a delivery status with {}", counted(&groups)))
    } else {
        let sign = signs.of_a_report_in_words()?;
        let late = phrases::found("delay", &Folded::new(&format!("{}\n{}", parts.subject, head(&told.report, 4_000))));
        let recipients = of_words(&told, parts, late.is_some());
        let kind = if late.is_some() { Kind::Delay } else { Kind::Bounce };
        let sign = late.map_or(sign, |phrase| format!("\"{phrase}\""));
        (recipients, kind, sign)
    };
    let evidence = recipients.first().map_or(evidence.clone(), |(_, found)| format!("{evidence}; {found}"));
    let original = original::find(parts, &told.returned, &fields);
    let recipients = recipients.into_iter().map(|(recipient, _)| recipient).collect();
    Some(Incoming { kind, recipients, original, feedback_type: None, evidence })
}

/// All words that are meant for a person, before the first returned message.
fn own_words(parts: &Parts) -> String {
    let texts =
        |kind| parts.all.iter().take_while(|p| p.kind != PartKind::Returned).filter(move |p| p.kind == kind).map(|p| p.text.as_str());
    let plain: Vec<&str> = texts(PartKind::Text).filter(|t| !t.trim().is_empty()).collect();
    let chosen = if plain.is_empty() { texts(PartKind::Html).collect() } else { plain };
    chosen.join("\n\n")
}

/// What speaks for a report, and what against it.
struct Signs {
    header: HeaderSigns,
    /// In the first words.
    opening: Option<String>,
    /// A mailing list's refusal, in its first words.
    of_list: Option<String>,
    /// A message is returned.
    returns_message: bool,
    /// A server is quoted.
    quotes_code: bool,
    /// Somebody is named.
    names_somebody: bool,
    /// Somebody is named as a recipient is, with a code.
    names_plainly: bool,
}

impl Signs {
    fn of(parts: &Parts, told: &Told) -> Self {
        let header = HeaderSigns::of(parts);
        let opening = Folded::new(head(&told.report, 3_000));
        Self {
            opening: phrases::found("bounce opening", &opening),
            of_list: Some(Folded::new(head(&told.report, 600)))
                .filter(|words| header.by_machine && phrases::begins("list refusal", words))
                .and_then(|words| phrases::found("list refusal", &words)),
            returns_message: !told.returned.is_empty() || parts.has(PartKind::Returned),
            quotes_code: codes::reply_code(&told.report).is_some() || codes::best_enhanced(&told.report).is_some(),
            names_somebody: !addresses(head(&told.report, 20_000), 1).is_empty(),
            names_plainly: told.names_with_code(),
            header,
        }
    }

    /// Of: a machine wrote it, a message is returned, somebody is named with a server's code.
    fn shows_two_of_three(&self) -> bool {
        [self.header.by_machine, self.returns_message, self.names_plainly].iter().filter(|&&shown| shown).count() >= 2
    }

    /// What shows that it is a report without a delivery status; `None` where it is none.
    fn of_a_report_in_words(&self) -> Option<String> {
        let HeaderSigns { by_daemon, by_machine, by_person, named, ref subject } = self.header;
        if let Some(header) = named {
            return Some(header.to_owned());
        }
        if let Some(refusal) = &self.of_list {
            return Some(format!("a mailing list says \"{refusal}\""));
        }
        let has_matter = self.returns_message || self.quotes_code || self.names_somebody;
        match (subject, &self.opening) {
            (Some(subject), _) if by_daemon && has_matter => Some(format!("a mail system speaks of \"{subject}\"")),
            (None, Some(opening)) if by_daemon && (has_matter && !by_person || self.quotes_code && self.names_somebody) => {
                Some(format!("a mail system says \"{opening}\""))
            }
            (None, None) if by_daemon && self.names_somebody && (self.quotes_code || self.returns_message) && !by_person => {
                Some("a mail system names somebody and returns a message, or quotes a server".to_owned())
            }
            (None, Some(opening)) if by_machine && !by_person && self.returns_message && self.names_somebody => {
                Some(format!("a machine returns a message and says \"{opening}\""))
            }
            // Parcels cannot be delivered, either: who is no mail system must show more.
            (Some(subject), Some(opening)) if !by_person && self.shows_two_of_three() => {
                Some(format!("the words \"{subject}\" and \"{opening}\""))
            }
            _ => None,
        }
    }
}

fn kind_of_groups(groups: &[Group]) -> Kind {
    let has = |action| groups.iter().any(|g| g.action == action);
    if has(Action::Failed) {
        Kind::Bounce
    } else if has(Action::Delayed) {
        Kind::Delay
    } else {
        Kind::Delivered
    }
}

fn counted(groups: &[Group]) -> String {
    let count = |action| groups.iter().filter(|g| g.action == action).count();
    let all = [("failed", Action::Failed), ("delayed", Action::Delayed), ("delivered", Action::Delivered)];
    let told: Vec<String> =
        all.iter().map(|(name, action)| (name, count(*action))).filter(|c| c.1 > 0).map(|(name, n)| format!("{n} {name}")).collect();
    told.join(", ")
}

fn of_groups(groups: &[Group], told: &Told, parts: &Parts) -> Vec<(Recipient, String)> {
    // Those that got it are of no matter where others did not.
    let only_delivered = groups.iter().all(|g| g.action == Action::Delivered);
    let named = told.recipients(&own_addresses(parts));
    let mut found: Vec<(Recipient, String)> = Vec::new();
    for group in groups.iter().filter(|g| only_delivered || g.action != Action::Delivered) {
        if found.len() >= MOST_RECIPIENTS {
            break;
        }
        let words = group.address.as_ref().and_then(|a| named.iter().find(|n| n.address == *a)).map_or("", |n| n.words.as_str());
        let whole = if groups.len() == 1 { told.report.as_str() } else { "" };
        let spoken = server_lines(words);
        let sources = [
            Source { name: "diagnostic", words: &group.words },
            Source { name: "server's words", words: &spoken },
            Source { name: "words on the recipient", words },
            Source { name: "report", words: whole },
            Source { name: "status", words: &group.comment },
        ];
        let finding = match group.action {
            Action::Delivered => delivered(group),
            _ => refusal::find(&sources, group.status),
        };
        let diagnostic = if group.words.is_empty() { reason_lines(words) } else { group.words.clone() };
        found.push(recipient(group.address.clone(), finding, &diagnostic, group.action == Action::Failed));
    }
    found
}

fn delivered(group: &Group) -> Finding {
    Finding {
        class: RefusalClass::Other,
        reply: codes::reply_code(&group.words),
        enhanced: group.status,
        evidence: "nothing was refused".to_owned(),
    }
}

fn of_words(told: &Told, parts: &Parts, late: bool) -> Vec<(Recipient, String)> {
    let mut named = told.recipients(&own_addresses(parts));
    let failed: Vec<String> = parts.header.all("x-failed-recipients").flat_map(|v| addresses(v, MOST_RECIPIENTS)).collect();
    if !failed.is_empty() {
        let words_of = |address: &String| named.iter().find(|n| n.address == *address).map(|n| n.words.clone());
        let all: Vec<Named> =
            failed.iter().map(|a| Named { address: a.clone(), words: words_of(a).unwrap_or_else(|| told.report.clone()) }).collect();
        named = all;
    }
    if named.is_empty() {
        named = returned_recipients(parts, told);
    }
    let one = named.len() <= 1;
    let mut found = Vec::new();
    for name in &named {
        let spoken = server_lines(&name.words);
        let sources = [
            Source { name: "server's words", words: &spoken },
            Source { name: "words on the recipient", words: &name.words },
            Source { name: "report", words: if one { &told.report } else { "" } },
            Source { name: "subject", words: if one { &parts.subject } else { "" } },
        ];
        found.push(recipient(Some(name.address.clone()), refusal::find(&sources, None), &reason_lines(&name.words), !late));
    }
    if found.is_empty() {
        let sources = [Source { name: "report", words: &told.report }, Source { name: "subject", words: &parts.subject }];
        found.push(recipient(None, refusal::find(&sources, None), &reason_lines(&told.report), !late));
    }
    found
}

/// Where nobody is named: to whom the returned message was written, if that is one.
fn returned_recipients(parts: &Parts, told: &Told) -> Vec<Named> {
    let headers = parts.of_kind(PartKind::Returned).chain(Some(told.returned.as_str()));
    let to: Vec<String> = headers
        .flat_map(|text| text.lines().filter_map(super::fields::field))
        .filter(|(name, _)| name == "to")
        .flat_map(|(_, v)| addresses(v, 2))
        .collect();
    match to.as_slice() {
        [one] => vec![Named { address: one.clone(), words: told.report.clone() }],
        _ => Vec::new(),
    }
}

/// The report's sender and its own addressee: not those whom it is about.
fn own_addresses(parts: &Parts) -> Vec<String> {
    let mut own: Vec<String> = ["to", "delivered-to", "x-original-to", "envelope-to"]
        .iter()
        .flat_map(|name| parts.header.all(name))
        .flat_map(|v| addresses(v, 10))
        .collect();
    own.push(parts.from.clone());
    own
}

/// The lines in which a server speaks: from the first with a code to the end of its paragraph. Empty where none has one.
fn server_lines(words: &str) -> String {
    let lines = words.lines().map(str::trim);
    let spoken = lines.skip_while(|l| codes::reply_code(l).is_none() && codes::best_enhanced(l).is_none()).take_while(|l| !l.is_empty());
    spoken.take(12).collect::<Vec<_>>().join("\n")
}

/// What to show as a reason: the server's lines, else the first of what there is.
fn reason_lines(words: &str) -> String {
    let spoken = server_lines(words);
    let all = if spoken.is_empty() { words } else { &spoken };
    all.lines().map(str::trim).filter(|l| !l.is_empty()).take(4).collect::<Vec<_>>().join(" ")
}

fn recipient(address: Option<String>, finding: Finding, words: &str, failed: bool) -> (Recipient, String) {
    // What is still tried is nobody's end, and neither is what the reporter itself calls passing.
    let passes = finding.enhanced.is_some_and(|e| (e.class, e.subject, e.detail) == (4, 0, 0));
    let hard = failed && finding.class == RefusalClass::BadAddress && !passes;
    let class = if !failed && finding.class == RefusalClass::Other && finding.evidence.starts_with("no rule") {
        RefusalClass::Temporary
    } else {
        finding.class
    };
    let status = finding.enhanced.map(|e| e.to_string());
    (Recipient { address, status, reply: finding.reply, diagnostic: Reply::clean(words), class, hard }, finding.evidence)
}
