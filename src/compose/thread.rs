//! Threads: ids, `Re:` once, references, and the quote of a parent.

use chrono::{DateTime, FixedOffset};
use mail_parser::MessageParser;

use super::body::{Quote, tidy};
use super::header::{fits, one_line};
use super::{Parent, Party};
use crate::words::{Address, LetterId, MessageId};

/// Messages above this are not read as parents: letters are a few kilobytes.
const PARENT_BYTES: usize = 1_048_576;
/// Ids in References: the first and the latest (RFC 5322 sets no bound; long chains make long headers).
const REFERENCES: usize = 10;
/// Levels of quoting that are kept.
const QUOTE_DEPTH: usize = 2;
/// Quoted lines that are kept, and their characters.
const QUOTE_LINES: usize = 60;
const QUOTE_CHARS: usize = 4_000;
/// What stands for the rest.
const CUT: &str = "[...]";

/// What mail programs put before a subject to say that it answers, lower case, without the colon.
const ANSWER_PREFIXES: &[&str] =
    &["re", "aw", "antw", "antwort", "rép", "rep", "ré", "r", "sv", "vs", "odp", "ynt", "回复", "返信", "答复"];

/// The Message-ID of a letter: known before the letter is composed, on the sender's domain.
pub fn message_id_of(id: LetterId, from: &Address) -> MessageId {
    let text = format!("{id}@{}", from.domain());
    // Always parses: hex digits, `@` and a host name. The second is never taken.
    MessageId::parse(&text).unwrap_or_else(|| unreachable!("{text} is a message id"))
}

/// The subject of an answer: `Re: ` once, whatever stood there in whatever language.
pub(super) fn answer_subject(parent: &str) -> String {
    format!("Re: {}", base_subject(parent)).trim_end().to_owned()
}

/// A subject without what answering put before it.
pub(super) fn base_subject(subject: &str) -> String {
    let line = one_line(subject);
    let mut rest = line.as_str();
    while let Some(shorter) = without_answer_prefix(rest) {
        rest = shorter;
    }
    rest.to_owned()
}

/// `Re: x`, `RE : x`, `AW[2]: x`, `Rép(3): x` → `x`.
fn without_answer_prefix(subject: &str) -> Option<&str> {
    let (before, rest) = subject.split_once([':', '：'])?;
    let word = before.trim_end();
    let word = match word.rsplit_once(['[', '(']) {
        Some((word, count)) if is_count(count) => word.trim_end(),
        _ => word,
    };
    ANSWER_PREFIXES.contains(&word.to_lowercase().as_str()).then(|| rest.trim_start())
}

fn is_count(text: &str) -> bool {
    text.strip_suffix([']', ')']).is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// The References of an answer (RFC 5322 §3.6.4): the parent's, then the parent; where they are too many, the first and the latest.
pub(super) fn references(parent: &Parent) -> Vec<MessageId> {
    let mut ids: Vec<MessageId> = parent.references.iter().filter(|id| fits(id) && **id != parent.message_id).cloned().collect();
    ids.push(parent.message_id.clone());
    if ids.len() > REFERENCES {
        ids.drain(1..=ids.len() - REFERENCES);
    }
    ids
}

/// A parent's text as a quote: two levels, bounded in length.
pub(super) fn quote(text: &str, attribution: String) -> Quote {
    let mut lines = Vec::new();
    let mut chars = 0;
    for line in tidy(text).split('\n') {
        let (depth, line) = depth_of(line);
        if depth + 1 > QUOTE_DEPTH {
            continue;
        }
        let room = if lines.len() == QUOTE_LINES { 0 } else { QUOTE_CHARS.saturating_sub(chars) };
        chars += line.chars().count();
        if room > 0 {
            let end = line.char_indices().nth(room).map_or(line.len(), |(at, _)| at);
            lines.push((depth + 1, line[..end].to_owned()));
        }
        if room == 0 || chars > QUOTE_CHARS {
            lines.push((1, CUT.to_owned()));
            break;
        }
    }
    while lines.last().is_some_and(|(_, line)| line.is_empty()) {
        lines.pop();
    }
    Quote { attribution, lines }
}

/// How many `>` a line begins with, and what follows them.
fn depth_of(mut line: &str) -> (usize, &str) {
    let mut depth = 0;
    while let Some(rest) = line.strip_prefix('>') {
        depth += 1;
        line = rest.strip_prefix(' ').unwrap_or(rest);
    }
    (depth, line)
}

/// Reads what an answer needs from a received letter.
///
/// `None` where it has no Message-ID, no sender that is an [`Address`], or no Date; or is above 1 MiB. The text is the first text part, decoded.
pub fn parent_of(message: &[u8]) -> Option<Parent> {
    if message.len() > PARENT_BYTES {
        return None;
    }
    let parsed = MessageParser::default().parse(message)?;
    let sender = parsed.from()?.first()?;
    let date = parsed.date().and_then(|d| DateTime::<FixedOffset>::parse_from_rfc3339(&d.to_rfc3339()).ok())?;
    let ids = |name: &str| parsed.header_raw(name).map(MessageId::parse_list).unwrap_or_default();
    // A parent that was an answer, but whose References a server dropped, still names what it answers.
    let references = Some(ids("References")).filter(|ids| !ids.is_empty()).unwrap_or_else(|| ids("In-Reply-To"));
    Some(Parent {
        message_id: MessageId::parse(parsed.message_id()?)?,
        references,
        subject: one_line(parsed.subject().unwrap_or_default()),
        text: tidy(&parsed.body_text(0).unwrap_or_default()),
        from: Party { address: Address::parse(sender.address()?).ok()?, name: sender.name().map(one_line).filter(|name| !name.is_empty()) },
        date,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn re_stands_once_whatever_stood_there() {
        let cases = [
            ("Plan", "Re: Plan"),
            ("Re: Plan", "Re: Plan"),
            ("RE: re: AW: Plan", "Re: Plan"),
            ("Rép : Plan", "Re: Plan"),
            ("RÉP: Plan", "Re: Plan"),
            ("Antw: AW[2]: RE(3): Plan", "Re: Plan"),
            ("Re：Plan", "Re: Plan"),
            ("Report: numbers", "Re: Report: numbers"),
            ("Plan: Re: x", "Re: Plan: Re: x"),
            ("Fwd: Plan", "Re: Fwd: Plan"),
            ("Re:", "Re:"),
            ("", "Re:"),
            ("Re: a\r\nBcc: x@y.test", "Re: a Bcc: x@y.test"),
            ("Re[: x", "Re: Re[: x"),
        ];
        for (parent, expected) in cases {
            assert_eq!(answer_subject(parent), expected, "{parent:?}");
        }
    }

    fn parent(references: usize) -> Parent {
        let id = |n: usize| MessageId::parse(&format!("{n}@x.test")).unwrap();
        Parent {
            message_id: id(references),
            references: (0..references).map(id).collect(),
            subject: "s".into(),
            text: "t".into(),
            from: Party { address: Address::parse("a@x.test").unwrap(), name: None },
            date: DateTime::parse_from_rfc3339("2026-12-01T09:00:00+01:00").unwrap(),
        }
    }

    #[test]
    fn references_keep_the_first_and_the_latest() {
        let numbers =
            |n: usize| references(&parent(n)).iter().map(|id| id.as_str().split('@').next().unwrap().to_owned()).collect::<Vec<_>>();
        assert_eq!(numbers(0), ["0"]);
        assert_eq!(numbers(2), ["0", "1", "2"]);
        assert_eq!(numbers(9), ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
        assert_eq!(numbers(30), ["0", "22", "23", "24", "25", "26", "27", "28", "29", "30"]);
    }

    #[test]
    fn quotes_go_two_levels_deep_and_no_further_than_their_bounds() {
        let q = quote("Fine.\n\nB wrote:\n> one\n>> two\n> > > three\n\n", "A wrote:".into());
        let lines: Vec<(usize, &str)> = q.lines.iter().map(|(d, l)| (*d, l.as_str())).collect();
        assert_eq!(lines, [(1, "Fine."), (1, ""), (1, "B wrote:"), (2, "one")]);
        let long = quote(&"line\n".repeat(500), String::new());
        assert_eq!((long.lines.len(), long.lines.last().unwrap().1.as_str()), (QUOTE_LINES + 1, CUT));
        let wide = quote(&"é".repeat(10_000), String::new());
        assert_eq!(wide.lines, [(1, "é".repeat(QUOTE_CHARS)), (1, CUT.to_owned())]);
    }

    #[test]
    fn parents_are_read_and_what_is_no_letter_is_not() {
        let p = parent_of(
            b"From: =?utf-8?q?Zo=C3=AB?= Lee <Zoe@New.Example>\r\nTo: b@y.test\r\nMessage-ID: <1@new.example>\r\n\
              References: <a@b>\r\n <c@d>\r\nDate: Tue, 1 Dec 2026 09:00:00 -0330\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\
              Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=DFe\r\n",
        )
        .unwrap();
        assert_eq!(p.from, Party { address: Address::parse("zoe@new.example").unwrap(), name: Some("Zoë Lee".into()) });
        assert_eq!((p.message_id.as_str(), p.subject.as_str(), p.text.as_str()), ("1@new.example", "Grüße", "Grüße"));
        assert_eq!(p.references.iter().map(MessageId::as_str).collect::<Vec<_>>(), ["a@b", "c@d"]);
        assert_eq!(p.date.to_rfc3339(), "2026-12-01T09:00:00-03:30");
        for bad in
            [&b""[..], b"\r\n\r\n", b"From: a@x.test\r\n\r\nx", b"Message-ID: <a@b>\r\nFrom: \"\"@x\r\nDate: x\r\n\r\n", &[0xff; 100]]
        {
            assert_eq!(parent_of(bad), None);
        }
    }

    #[test]
    fn nesting_does_not_hurt() {
        let mut deep = String::from("From: a@x.test\r\nMessage-ID: <a@b>\r\nDate: Tue, 1 Dec 2026 09:00:00 +0000\r\n");
        deep.extend((0..5_000).map(|i| format!("Content-Type: multipart/mixed; boundary=\"b{i}\"\r\n\r\n--b{i}\r\n")));
        deep.push_str("\r\nhello\r\n");
        assert!(parent_of(deep.as_bytes()).is_some());
        let rfc822 = format!(
            "{}{}",
            "From: a@x.test\r\nMessage-ID: <a@b>\r\nDate: Tue, 1 Dec 2026 09:00:00 +0000\r\n",
            "Content-Type: message/rfc822\r\n\r\n".repeat(5_000)
        );
        assert!(parent_of(rfc822.as_bytes()).is_some());
    }
}
