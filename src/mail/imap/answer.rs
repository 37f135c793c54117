//! What a server said, owned: the parser's borrowed answers turned into the few shapes that preheat reads.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use async_imap::imap_proto::rfc4315::UidSetMember;
use async_imap::imap_proto::{AttributeValue, Capability, MailboxDatum, NameAttribute, Outcome, Response, ResponseCode, Status};
use chrono::DateTime;

use crate::words::{Moment, Reply};

/// One answer of the server.
#[derive(Debug)]
pub(super) enum Event {
    /// `+` and its text: it waits for more of the command.
    Continue(String),
    /// The tagged end of a command.
    Done { tag: String, ending: Ending },
    /// An untagged answer.
    Datum(Datum),
    /// `* BYE`: it is about to close.
    Bye(String),
    /// `* PREAUTH`: a greeting that skips the sign-in.
    Preauth,
}

/// How a command ended.
#[derive(Debug)]
pub(super) enum Ending {
    Ok(Option<Code>),
    /// NO or BAD.
    Refused(Reply),
}

/// An untagged answer.
#[derive(Debug)]
pub(super) enum Datum {
    Exists(u32),
    Recent(u32),
    Expunge,
    Fetch(Fetched),
    Search(Vec<u32>),
    List(Listed),
    Capabilities(BTreeSet<String>),
    /// An untagged OK, and its code.
    Code(Code),
    /// Anything else; of no interest.
    Other,
}

/// A response code (RFC 3501 §7.1, RFC 4315).
#[derive(Debug)]
pub(super) enum Code {
    Capabilities(BTreeSet<String>),
    PermanentFlags(Vec<String>),
    ReadOnly,
    UidNext(u32),
    UidValidity(u32),
    CopyUid { uid_validity: u32, from: Vec<RangeInclusive<u32>>, to: Vec<RangeInclusive<u32>> },
    Other,
}

/// What one or more FETCH answers said about a message.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    pub uid: Option<u32>,
    pub flags: Option<Vec<String>>,
    pub received: Option<Moment>,
    pub size: Option<u32>,
    pub body: Option<Vec<u8>>,
}

/// A folder in a LIST answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    /// Its name as on the wire, quotes undone.
    pub wire: String,
    pub delimiter: Option<char>,
    /// Lower case, with the backslash.
    pub attributes: BTreeSet<String>,
}

/// The untagged answers to a command that ended in OK, and its code.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub code: Option<Code>,
    pub data: Vec<Datum>,
}

impl Answer {
    /// Every code, untagged ones first: servers differ in where they put COPYUID and CAPABILITY.
    pub fn codes(&self) -> impl Iterator<Item = &Code> {
        let untagged = self.data.iter().filter_map(|d| if let Datum::Code(code) = d { Some(code) } else { None });
        untagged.chain(&self.code)
    }

    /// The capabilities, wherever they stand; the last word counts.
    pub fn capabilities(&self) -> Option<&BTreeSet<String>> {
        let listed = self.data.iter().filter_map(|d| if let Datum::Capabilities(c) = d { Some(c) } else { None });
        listed.chain(self.codes().filter_map(|c| if let Code::Capabilities(c) = c { Some(c) } else { None })).last()
    }

    /// All numbers of SEARCH answers.
    pub fn found(self) -> BTreeSet<u32> {
        self.data.into_iter().filter_map(|d| if let Datum::Search(n) = d { Some(n) } else { None }).flatten().collect()
    }

    /// What was fetched, by UID. A server may speak of one message several times; answers without a UID are about others.
    pub fn fetched(self) -> BTreeMap<u32, Fetched> {
        let mut messages: BTreeMap<u32, Fetched> = BTreeMap::new();
        for datum in self.data {
            if let Datum::Fetch(new) = datum
                && let Some(uid) = new.uid
            {
                messages.entry(uid).or_default().add(new);
            }
        }
        messages
    }
}

impl Fetched {
    fn add(&mut self, new: Self) {
        self.uid = new.uid.or(self.uid);
        self.flags = new.flags.or_else(|| self.flags.take());
        self.received = new.received.or(self.received);
        self.size = new.size.or(self.size);
        self.body = new.body.or_else(|| self.body.take());
    }
}

impl Event {
    /// Copies the parser's answer; of a body, `keep` bytes at most.
    pub fn of(response: &Response<'_>, keep: usize) -> Self {
        match response {
            Response::Continue(outcome) => Self::Continue(text_of(outcome)),
            Response::Done { tag, status, outcome } => Self::Done { tag: tag.0.clone(), ending: Ending::of(status, outcome) },
            Response::Data { status: Status::Bye, outcome } => Self::Bye(Reply::clean(&text_of(outcome))),
            Response::Data { status: Status::PreAuth, .. } => Self::Preauth,
            Response::Data { status: Status::Ok, outcome } => Self::Datum(Datum::Code(outcome.code.as_ref().map_or(Code::Other, Code::of))),
            Response::Capabilities(list) => Self::Datum(Datum::Capabilities(capability_names(list))),
            Response::Expunge(_) => Self::Datum(Datum::Expunge),
            Response::Fetch(_, attributes) => Self::Datum(Datum::Fetch(Fetched::of(attributes, keep))),
            Response::MailboxData(datum) => Self::Datum(Datum::of(datum)),
            _ => Self::Datum(Datum::Other),
        }
    }
}

impl Ending {
    fn of(status: &Status, outcome: &Outcome<'_>) -> Self {
        match status {
            Status::Ok => Self::Ok(outcome.code.as_ref().map(Code::of)),
            Status::No => Self::Refused(refusal("NO", outcome)),
            Status::Bad | Status::PreAuth | Status::Bye => Self::Refused(refusal("BAD", outcome)),
        }
    }
}

/// Response codes (RFC 5530) and words that say that a NO may pass.
const PASSING: [&str; 7] = ["[unavailable]", "[inuse]", "[limit]", "[serverbug]", "temporar", "too many", "try again"];

/// A NO or BAD as a [`Reply`], which begins with that word.
fn refusal(status: &str, outcome: &Outcome<'_>) -> Reply {
    let code = match &outcome.code {
        Some(ResponseCode::Alert) => "[ALERT] ",
        Some(ResponseCode::TryCreate) => "[TRYCREATE] ",
        Some(ResponseCode::ReadOnly) => "[READ-ONLY] ",
        _ => "",
    };
    let text = format!("{status} {code}{}", text_of(outcome));
    let folded = text.to_lowercase();
    let passes = PASSING.iter().any(|sign| folded.contains(sign));
    let kind = match status {
        "BAD" => Reply::BAD,
        _ if passes => Reply::PASSING_NO,
        _ => Reply::NO,
    };
    Reply::new(kind, &text)
}

fn text_of(outcome: &Outcome<'_>) -> String {
    outcome.information.as_deref().unwrap_or_default().to_owned()
}

fn capability_names(list: &[Capability<'_>]) -> BTreeSet<String> {
    list.iter()
        .map(|c| match c {
            Capability::Imap4rev1 => "IMAP4REV1".to_owned(),
            Capability::Auth(name) => format!("AUTH={}", name.to_ascii_uppercase()),
            Capability::Atom(name) => name.to_ascii_uppercase(),
        })
        .collect()
}

fn ranges(set: &[UidSetMember]) -> Vec<RangeInclusive<u32>> {
    set.iter()
        .map(|member| match member {
            UidSetMember::Uid(uid) => *uid..=*uid,
            UidSetMember::UidRange(range) => range.clone(),
        })
        .collect()
}

impl Code {
    fn of(code: &ResponseCode<'_>) -> Self {
        match code {
            ResponseCode::Capabilities(list) => Self::Capabilities(capability_names(list)),
            ResponseCode::PermanentFlags(flags) => Self::PermanentFlags(flags.iter().map(|f| f.clone().into_owned()).collect()),
            ResponseCode::ReadOnly => Self::ReadOnly,
            ResponseCode::UidNext(uid) => Self::UidNext(*uid),
            ResponseCode::UidValidity(value) => Self::UidValidity(*value),
            ResponseCode::CopyUid(uid_validity, from, to) => {
                Self::CopyUid { uid_validity: *uid_validity, from: ranges(from), to: ranges(to) }
            }
            _ => Self::Other,
        }
    }
}

impl Datum {
    fn of(datum: &MailboxDatum<'_>) -> Self {
        match datum {
            MailboxDatum::Exists(n) => Self::Exists(*n),
            MailboxDatum::Recent(n) => Self::Recent(*n),
            MailboxDatum::Search(numbers) => Self::Search(numbers.clone()),
            MailboxDatum::List(list) => Self::List(Listed {
                wire: unescape(&list.name),
                delimiter: list.delimiter.as_deref().and_then(|d| unescape(d).chars().next()),
                attributes: list.name_attributes.iter().map(attribute_name).collect(),
            }),
            _ => Self::Other,
        }
    }

    /// Roughly how much memory it takes; for the limit on a command's answers.
    pub fn bytes(&self) -> usize {
        let inside = match self {
            Self::Fetch(f) => f.body.as_ref().map_or(0, Vec::len) + f.flags.iter().flatten().map(|flag| flag.len() + 24).sum::<usize>(),
            Self::Search(numbers) => numbers.len() * 4,
            Self::List(list) => list.wire.len() + list.attributes.iter().map(|a| a.len() + 24).sum::<usize>(),
            Self::Capabilities(names) => names.iter().map(|n| n.len() + 24).sum(),
            _ => 0,
        };
        inside + size_of::<Self>()
    }
}

fn attribute_name(attribute: &NameAttribute<'_>) -> String {
    match attribute {
        NameAttribute::NoInferiors => "\\noinferiors".into(),
        NameAttribute::NoSelect => "\\noselect".into(),
        NameAttribute::Marked => "\\marked".into(),
        NameAttribute::Unmarked => "\\unmarked".into(),
        NameAttribute::All => "\\all".into(),
        NameAttribute::Archive => "\\archive".into(),
        NameAttribute::Drafts => "\\drafts".into(),
        NameAttribute::Flagged => "\\flagged".into(),
        NameAttribute::Junk => "\\junk".into(),
        NameAttribute::Sent => "\\sent".into(),
        NameAttribute::Trash => "\\trash".into(),
        NameAttribute::Extension(name) => name.to_ascii_lowercase(),
        _ => String::new(),
    }
}

/// Undoes the backslashes of a quoted string, which the parser leaves in.
pub(super) fn unescape(quoted: &str) -> String {
    let mut out = String::with_capacity(quoted.len());
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        out.push(if c == '\\' { chars.next().unwrap_or(c) } else { c });
    }
    out
}

impl Fetched {
    fn of(attributes: &[AttributeValue<'_>], keep: usize) -> Self {
        let mut out = Self::default();
        for attribute in attributes {
            match attribute {
                AttributeValue::Uid(uid) => out.uid = Some(*uid),
                AttributeValue::Flags(flags) => out.flags = Some(flags.iter().map(|f| f.clone().into_owned()).collect()),
                AttributeValue::InternalDate(date) => out.received = internal_date(date),
                AttributeValue::Rfc822Size(size) => out.size = Some(*size),
                AttributeValue::BodySection { data, .. } => {
                    let data = data.as_deref().unwrap_or_default();
                    out.body = Some(data[..data.len().min(keep)].to_vec());
                }
                _ => {}
            }
        }
        out
    }
}

/// Reads `" 1-Dec-2026 06:00:00 +0000"` (RFC 3501, date-time).
fn internal_date(text: &str) -> Option<Moment> {
    DateTime::parse_from_str(text.trim(), "%d-%b-%Y %H:%M:%S %z").ok().map(|t| Moment(t.timestamp_millis()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> Reply {
        match Event::of(&Response::parse(line.as_bytes()).unwrap().1, 0) {
            Event::Done { ending: Ending::Refused(reply), .. } => reply,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_refusal_keeps_the_servers_words_and_says_whether_it_may_pass() {
        for (line, code, text) in [
            ("a NO [AUTHENTICATIONFAILED] wrong\r\n", Reply::NO, "NO [AUTHENTICATIONFAILED] wrong"),
            ("a NO [UNAVAILABLE] later\r\n", Reply::PASSING_NO, "NO [UNAVAILABLE] later"),
            ("a NO [ALERT] Too many simultaneous connections.\r\n", Reply::PASSING_NO, "NO [ALERT] Too many simultaneous connections."),
            ("a NO [TRYCREATE] no such folder\r\n", Reply::NO, "NO [TRYCREATE] no such folder"),
            ("a BAD what?\r\n", Reply::BAD, "BAD what?"),
            ("a NO\r\n", Reply::NO, "NO"),
        ] {
            let reply = refused(line);
            assert_eq!((reply.code, reply.text.as_str()), (code, text), "{line}");
        }
    }

    #[test]
    fn internal_dates_are_read_with_their_zone() {
        assert_eq!(internal_date(" 1-Dec-2026 07:00:00 +0100").unwrap().to_string(), "2026-12-01T06:00:00Z");
        assert_eq!(internal_date("31-Dec-2026 23:30:00 -0130").unwrap().to_string(), "2027-01-01T01:00:00Z");
        assert_eq!(internal_date("1 December 2026"), None);
    }

    #[test]
    fn backslashes_of_quoted_names_are_undone() {
        assert_eq!(unescape(r#"a\"b\\c"#), r#"a"b\c"#);
        assert_eq!(unescape(r"a\"), r"a\");
    }
}
