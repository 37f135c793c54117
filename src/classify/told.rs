//! A report in a program's own words: the text before the returned message, whom it names, and what it says of each.
//!
//! Almost all programs write so: some words, an address on a line of its own, the other server's words below or behind it, and a copy of the
//! message at the end. Nothing here knows a program by name.

use super::codes;
use super::fields::field;
use super::phrases;
use super::text::{Folded, addresses, head};

/// Most lines of a report that are looked at.
const MOST_LINES: usize = 4_000;
/// Most recipients.
const MOST_RECIPIENTS: usize = 1_000;
/// Most bytes said of one recipient.
const MOST_WORDS: usize = 2_000;

/// A report's own words, and the returned message below them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// What stands before the returned message.
    pub report: String,
    /// The returned message, as far as it stands in the same text; empty where it does not.
    pub returned: String,
}

/// Somebody whom a report names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The address, lower case.
    pub address: String,
    /// The lines that speak of it.
    pub words: String,
}

impl Told {
    /// Parts a text.
    pub fn split(text: &str) -> Self {
        let lines: Vec<&str> = text.lines().take(MOST_LINES).collect();
        let last_code = lines.iter().rposition(|line| codes::reply_code(line).is_some());
        let mut from = 0;
        while let Some(at) = (from..lines.len()).find(|&n| begins_original(&lines, n)) {
            let before = lines[at.saturating_sub(3)..at].join(" ");
            let end = (at..lines.len()).find(|&n| lines[n].trim().is_empty()).unwrap_or(lines.len());
            let says_so = phrases::found("report goes on", &Folded::new(&before)).is_some();
            if says_so || !has_matter(&lines[from..at]) && last_code.is_some_and(|code| code >= end) {
                // Past the block of fields: nothing has been said yet, and a server speaks below.
                from = end;
                continue;
            }
            return Self { report: lines[..at].join("\n"), returned: lines[at..].join("\n") };
        }
        Self { report: lines.join("\n"), returned: String::new() }
    }

    /// Whether somebody is plainly named as a recipient, and a server's code stands in the same paragraph, none of it quoted.
    pub fn names_with_code(&self) -> bool {
        self.report.split("\n\n").any(|paragraph| {
            let mut lines = paragraph.lines().filter(|l| !l.trim_start().starts_with('>'));
            lines.clone().any(names_recipient) && lines.any(|l| codes::reply_code(l).is_some() || codes::best_enhanced(l).is_some())
        })
    }

    /// Whom the report names, with what it says of each. Those in `not` are left out unless nobody else is named: they are its sender and
    /// its own addressee.
    pub fn recipients(&self, not: &[String]) -> Vec<Named> {
        let lines: Vec<&str> = self.report.lines().collect();
        let mut mentions: Vec<(usize, String, Rank)> = Vec::new();
        for (n, line) in lines.iter().enumerate() {
            let line = head(line, 2_000);
            for address in addresses(line, 20) {
                let rank = rank(line, &address);
                if rank > Rank::Aside && mentions.len() < 4 * MOST_RECIPIENTS {
                    mentions.push((n, address, rank));
                }
            }
        }
        let others = mentions.iter().any(|(_, a, r)| !not.contains(a) && *r >= Rank::Mentioned);
        let best = mentions.iter().filter(|(_, a, _)| !others || !not.contains(a)).map(|m| m.2).max();
        let Some(best) = best else { return Vec::new() };
        let mut chosen: Vec<(usize, String)> = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        for (n, address, rank) in mentions {
            if rank == best && (!others || !not.contains(&address)) && chosen.len() < MOST_RECIPIENTS && seen.insert(address.clone()) {
                chosen.push((n, address));
                if best == Rank::Mentioned {
                    break;
                }
            }
        }
        let last = chosen.last().map_or(0, |c| c.0);
        let tail = lines[last..].join("\n");
        let tail = head(&tail, MOST_WORDS);
        let mut named = Vec::new();
        for (i, (n, address)) in chosen.iter().enumerate() {
            let end = chosen.get(i + 1).map_or(lines.len(), |next| next.0.max(n + 1));
            let mut words = lines[*n..end.min(lines.len())].join("\n");
            let says_nothing = !after_address(&words, address).chars().any(char::is_alphabetic);
            if says_nothing {
                words.push('\n');
                words.push_str(tail);
            }
            named.push(Named { address: address.clone(), words: head(&words, MOST_WORDS).to_owned() });
        }
        named
    }
}

/// Whether somebody is plainly named as a recipient, or a server quoted.
fn has_matter(lines: &[&str]) -> bool {
    lines.iter().any(|line| codes::reply_code(line).is_some() || names_recipient(line))
}

fn names_recipient(line: &str) -> bool {
    let line = head(line, 2_000);
    addresses(line, 5).iter().any(|a| rank(line, a) >= Rank::Announced)
}

/// How plainly a line says that somebody is a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// As sender, or in a link.
    Aside,
    /// Somewhere in a sentence.
    Mentioned,
    /// After "recipient", "to", "user" and the like.
    Announced,
    /// The line begins with it, or it stands in RCPT TO.
    Leads,
}

fn rank(line: &str, address: &str) -> Rank {
    let lower = line.to_lowercase();
    let Some(at) = lower.find(address) else { return Rank::Mentioned };
    let before = lower[..at].trim_end_matches(|c: char| !c.is_alphanumeric());
    let asides = [
        "mail from",
        "from",
        "sender",
        "return-path",
        "reply-to",
        "message-id",
        "mailto",
        "http",
        "envelope-from",
        "by",
        "id",
        "contact",
        "helo",
    ];
    let local = address.split('@').next().unwrap_or_default();
    if asides.iter().any(|w| ends_with_word(before, w)) || lower.contains("mail from:") || lower.contains("http") && at > 40 {
        return Rank::Aside;
    }
    if phrases::is_one("daemon address", local) || local == "abuse" || local == "support" {
        return Rank::Aside;
    }
    if before.is_empty() || ends_with_word(before, "rcpt to") {
        return Rank::Leads;
    }
    let leads = [
        "to",
        "recipient",
        "recipients",
        "address",
        "addresses",
        "user",
        "unknown",
        "mailbox",
        "account",
        "for",
        "rfc822",
        "failed",
        "an",
        "recipient(s",
    ];
    if leads.iter().any(|w| ends_with_word(before, w)) { Rank::Announced } else { Rank::Mentioned }
}

fn ends_with_word(text: &str, word: &str) -> bool {
    text.strip_suffix(word).is_some_and(|rest| !rest.ends_with(char::is_alphanumeric))
}

fn after_address<'a>(words: &'a str, address: &str) -> &'a str {
    let at = words.to_ascii_lowercase().find(address).map_or(0, |at| at + address.len());
    words.get(at..).unwrap_or(words)
}

/// Fields that a returned message begins with.
const NAMES: [&str; 12] = [
    "received",
    "return-path",
    "from",
    "to",
    "date",
    "subject",
    "message-id",
    "mime-version",
    "content-type",
    "dkim-signature",
    "delivered-to",
    "content-transfer-encoding",
];

/// Whether the returned message begins at a line: a program says so, or it is the first of a header's fields.
fn begins_original(lines: &[&str], n: usize) -> bool {
    let line = lines[n].trim();
    if line.is_empty() || line.len() > 400 {
        return false;
    }
    if line.len() <= 120 {
        let bare = line.trim_matches(|c: char| !c.is_alphanumeric());
        let is_ruled = line.starts_with("--") || line.starts_with("==") || line.starts_with("**");
        let folded = Folded::new(bare);
        if is_ruled && phrases::found("original follows", &folded).is_some() || phrases::begins("original follows", &folded) {
            return !bare.is_empty();
        }
    }
    let name_of = |line: &str| field(line.trim()).map(|(name, _)| name);
    let is_header = |name: &str| NAMES.contains(&name) || name.starts_with("x-");
    if !name_of(line).is_some_and(|name| is_header(&name)) {
        return false;
    }
    let mut names: Vec<String> = Vec::new();
    for line in lines[n..].iter().take(60).take_while(|l| !l.trim().is_empty()) {
        if let Some(name) = name_of(line).filter(|name| NAMES.contains(&name.as_str()))
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    names.len() >= 3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(text: &str) -> Vec<(String, String)> {
        Told::split(text).recipients(&["me@x.test".into()]).into_iter().map(|n| (n.address, n.words)).collect()
    }

    #[test]
    fn the_returned_message_is_cut_off() {
        for text in [
            "Sorry.\n\n--- Below this line is a copy of the message.\n\nSubject: x",
            "Sorry.\n\n   ----- Original message follows -----\nSubject: x",
            "Sorry.\n\nReceived: from x\n by y\nFrom: a@x.test\nSubject: x\n\nbody",
            "Sorry.\n\n  Return-Path: <a@x.test>\n  From: a@x.test\n  To: b@y.test",
        ] {
            let told = Told::split(text);
            assert_eq!(told.report.trim(), "Sorry.", "{text}");
            assert!(!told.returned.is_empty());
        }
        for text in ["Please delete the returned message.\nx", "To: a@x.test\nSubject: x\nSent: now\n\nnot delivered", "From: now on\n"] {
            assert_eq!(Told::split(text).returned, "", "{text}");
        }
        let told = Told::split(
            "a message you sent with the following header fields:\n\n  From: a@x.test\n  To: b@y.test\n  Subject: c\n\nfailed:\nd@y.test",
        );
        assert!(told.report.contains("d@y.test"));
    }

    #[test]
    fn addresses_that_lead_a_line_are_the_recipients() {
        let text = "Hi me@x.test, see postmaster@y.test.\n<a@y.test>:\nno such user\n\n<b@y.test>:\nfull\n";
        assert_eq!(
            named(text),
            [("a@y.test".into(), "<a@y.test>:\nno such user\n".into()), ("b@y.test".into(), "<b@y.test>:\nfull".into())]
        );
        let listed = named("failed:\n a@y.test\n b@y.test\n\n550 gone\n");
        assert!(listed.iter().all(|(_, words)| words.contains("550 gone")), "{listed:?}");
    }

    #[test]
    fn less_plain_words_are_taken_where_there_are_no_plainer() {
        assert_eq!(named("Unknown user: a@y.test\nfrom me@x.test")[0].0, "a@y.test");
        assert_eq!(named(">>> MAIL FROM:<s@x.test>\n>>> RCPT TO:<a@y.test>\n<<< 550 no")[0].0, "a@y.test");
        assert_eq!(named("Your mail could not go to a person, c@y.test it is")[0].0, "c@y.test");
        assert_eq!(named("<me@x.test>: no such user")[0].0, "me@x.test");
        assert_eq!(named("nobody"), []);
    }
}
