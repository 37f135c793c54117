//! From the bytes of a command to what it asks. The grammar of RFC 3501 is imap-codec's; in front of it stands what it does not know: Gmail's
//! extensions, and LIST with the options of RFC 5258.

use imap_codec::CommandCodec;
use imap_codec::decode::Decoder;
use imap_codec::imap_types::command::CommandBody;
use imap_codec::imap_types::sequence::SequenceSet;

use super::tokens::{Tokens, literal_len};
use crate::world::FlagChange;

/// A command: what goes before its answer, and what it asks.
#[derive(Debug)]
pub(super) struct Command {
    pub tag: String,
    pub asks: Asks,
}

/// What a command asks.
#[derive(Debug)]
pub(super) enum Asks {
    /// Something of RFC 3501, or of an extension that imap-codec knows.
    Known(CommandBody<'static>),
    /// LIST.
    List(List),
    /// STORE of Gmail's labels.
    Labels(Labels),
    /// Nothing that this server understands.
    Nonsense,
}

/// LIST (RFC 3501 §6.3.8, RFC 5258, RFC 6154).
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct List {
    pub reference: String,
    pub patterns: Vec<String>,
    /// Only folders with a special use.
    pub only_special: bool,
    /// With their special use, whether or not it is told without being asked.
    pub return_special: bool,
    /// With `\Subscribed`.
    pub return_subscribed: bool,
}

/// STORE of X-GM-LABELS.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Labels {
    pub set: SequenceSet,
    pub uid: bool,
    pub change: FlagChange,
    pub silent: bool,
    pub names: Vec<String>,
}

/// Gmail's words in FETCH and SEARCH. They go through imap-codec as header fields of these names, and are known by them behind it.
pub(super) const GMAIL_WORDS: [&str; 4] = ["X-GM-RAW", "X-GM-MSGID", "X-GM-THRID", "X-GM-LABELS"];

/// Reads a command. `gmail`: its extensions are understood.
pub(super) fn read(bytes: &[u8], gmail: bool) -> Command {
    let tag = tag_of(bytes);
    let mut verb = Tokens::new(bytes.get(tag.len() + 1..).unwrap_or_default());
    let asks = match verb.word().as_deref() {
        Some("LIST") => list(verb).map(Asks::List),
        Some("UID") if gmail => gmail_verb(bytes, verb.takes(b' ').then(|| verb.word()).flatten().as_deref(), verb, true),
        Some(word) if gmail => gmail_verb(bytes, Some(word), verb, false),
        _ => known(bytes),
    };
    Command { tag, asks: asks.unwrap_or(Asks::Nonsense) }
}

/// The tag of a command; `*` where it has none.
pub(super) fn tag_of(bytes: &[u8]) -> String {
    let tag = bytes.split(|b| b" \r\n".contains(b)).next().unwrap_or_default();
    let is_tag = !tag.is_empty() && tag.len() <= 100 && tag.iter().all(|b| b.is_ascii_graphic() && !b"(){%*\"\\+".contains(b));
    if is_tag { String::from_utf8_lossy(tag).into_owned() } else { "*".into() }
}

fn known(bytes: &[u8]) -> Option<Asks> {
    match CommandCodec::default().decode_static(bytes) {
        Ok(([], command)) => Some(Asks::Known(command.body)),
        _ => None,
    }
}

fn gmail_verb(bytes: &[u8], verb: Option<&str>, rest: Tokens<'_>, uid: bool) -> Option<Asks> {
    match verb {
        Some("STORE") => labels(rest, uid).map(Asks::Labels).or_else(|| known(bytes)),
        Some("FETCH") => known(&rewritten(bytes, &GMAIL_WORDS[1..], |word| format!("BODY.PEEK[HEADER.FIELDS ({word})]"))),
        Some("SEARCH") => known(&rewritten(bytes, &GMAIL_WORDS, |word| format!("HEADER {word}"))),
        _ => known(bytes),
    }
}

/// The command with other words in place of some, where they stand outside of quotes and literals.
fn rewritten(bytes: &[u8], words: &[&'static str], other: impl Fn(&str) -> String) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 64);
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at..];
        let begins = at > 0 && b" (".contains(&bytes[at - 1]);
        let word = words.iter().find(|w| {
            begins
                && rest.get(..w.len()).is_some_and(|r| r.eq_ignore_ascii_case(w.as_bytes()))
                && rest.get(w.len()).is_none_or(|b| b" )\r".contains(b))
        });
        let len = match (word, byte) {
            (Some(word), _) => {
                out.extend_from_slice(other(word).as_bytes());
                at += word.len();
                continue;
            }
            (None, b'"') => quoted_len(rest),
            (None, b'{') => literal_len(rest).map_or(1, |(head, len)| head.saturating_add(len)),
            (None, _) => 1,
        };
        let len = len.min(rest.len());
        out.extend_from_slice(&rest[..len]);
        at += len;
    }
    out
}

fn quoted_len(bytes: &[u8]) -> usize {
    let mut escaped = false;
    for (n, byte) in bytes.iter().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return n + 1,
            _ => {}
        }
    }
    bytes.len()
}

/// `STORE 1:3 +X-GM-LABELS.SILENT (\Important work)`; `None` where it is about something else.
fn labels(mut t: Tokens<'_>, uid: bool) -> Option<Labels> {
    t.byte(b' ')?;
    let set = t.word()?;
    t.byte(b' ')?;
    let item = t.word()?;
    t.byte(b' ')?;
    let (change, item) = match item.split_at_checked(1) {
        Some(("+", rest)) => (FlagChange::Add, rest),
        Some(("-", rest)) => (FlagChange::Remove, rest),
        _ => (FlagChange::Replace, item.as_str()),
    };
    let silent = match item {
        "X-GM-LABELS" => false,
        "X-GM-LABELS.SILENT" => true,
        _ => return None,
    };
    let names = t.strings()?;
    let set = SequenceSet::try_from(set.as_str()).ok()?;
    t.is_at_end().then_some(Labels { set, uid, change, silent, names })
}

/// `LIST (SPECIAL-USE) "" ("*" "x/%") RETURN (CHILDREN)`, behind its first word.
fn list(mut t: Tokens<'_>) -> Option<List> {
    let mut list = List::default();
    t.byte(b' ')?;
    let mut ahead = t;
    if ahead.takes(b'(') {
        for option in t.strings()? {
            match option.to_ascii_uppercase().as_str() {
                "SPECIAL-USE" => (list.only_special, list.return_special) = (true, true),
                // Every folder is subscribed, and none is elsewhere.
                "SUBSCRIBED" => list.return_subscribed = true,
                "REMOTE" | "RECURSIVEMATCH" => {}
                _ => return None,
            }
        }
        t.byte(b' ')?;
    }
    list.reference = t.string()?;
    t.byte(b' ')?;
    list.patterns = t.strings()?;
    if t.takes(b' ') {
        (t.word()? == "RETURN").then_some(())?;
        t.byte(b' ')?;
        for option in t.strings()? {
            match option.to_ascii_uppercase().as_str() {
                "SPECIAL-USE" => list.return_special = true,
                "SUBSCRIBED" => list.return_subscribed = true,
                "CHILDREN" => {}
                _ => return None,
            }
        }
    }
    (t.is_at_end() && list.patterns.len() <= 20).then_some(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(line: &str, gmail: bool) -> Asks {
        read(format!("{line}\r\n").as_bytes(), gmail).asks
    }

    #[test]
    fn gmails_words_are_rewritten_outside_of_quotes_and_literals_only() {
        let bytes = b"a SEARCH X-GM-RAW \"x X-GM-RAW y\" SUBJECT {9}\r\n X-GM-RAW (x-gm-msgid 7)\r\n";
        let out = rewritten(bytes, &GMAIL_WORDS, |w| format!("HEADER {w}"));
        let wanted = "a SEARCH HEADER X-GM-RAW \"x X-GM-RAW y\" SUBJECT {9}\r\n X-GM-RAW (HEADER X-GM-MSGID 7)\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), wanted);
        assert!(matches!(
            asks("a UID SEARCH UID 1:4 X-GM-RAW \"category:social\"", true),
            Asks::Known(CommandBody::Search { uid: true, .. })
        ));
        assert!(matches!(asks("a FETCH 1 (UID X-GM-LABELS)", true), Asks::Known(CommandBody::Fetch { .. })));
        assert!(matches!(asks("a FETCH 1 X-GM-THRID", true), Asks::Known(CommandBody::Fetch { .. })));
        assert!(matches!(asks("a FETCH 1 X-GM-THRID", false), Asks::Nonsense));
    }

    #[test]
    fn labels_are_read_and_flags_are_left_to_the_grammar() {
        let Asks::Labels(labels) = asks("a UID STORE 4,6:* -X-GM-LABELS.SILENT (\\Important \"a b\")", true) else { panic!() };
        assert!(labels.uid && labels.silent && labels.change == FlagChange::Remove && labels.names == ["\\Important", "a b"]);
        assert!(matches!(asks("a STORE 1 +FLAGS (\\Seen)", true), Asks::Known(CommandBody::Store { .. })));
        assert!(matches!(asks("a STORE x +X-GM-LABELS (a)", true), Asks::Nonsense));
        assert!(matches!(asks("a STORE 1 +X-GM-LABELS (a)", false), Asks::Nonsense));
    }

    #[test]
    fn list_is_read_in_its_short_and_its_long_form() {
        let Asks::List(short) = asks("a LIST \"\" *", false) else { panic!() };
        assert_eq!(short, List { patterns: vec!["*".into()], ..List::default() });
        let Asks::List(long) = asks("a LIST (SPECIAL-USE) \"\" (\"*\" x/%) RETURN (CHILDREN SUBSCRIBED)", false) else { panic!() };
        assert_eq!(long.patterns, ["*", "x/%"]);
        assert!(long.only_special && long.return_special && long.return_subscribed);
        for bad in ["a LIST", "a LIST \"\"", "a LIST \"\" * x", "a LIST (WRONG) \"\" *", "a LIST \"\" * RETURN (STATUS)", "a LIST \"\" \"*"]
        {
            assert!(matches!(asks(bad, false), Asks::Nonsense), "{bad}");
        }
    }

    #[test]
    fn only_what_can_be_a_tag_is_answered_as_one() {
        assert_eq!(tag_of(b"a1 NOOP\r\n"), "a1");
        for none in [&b" NOOP\r\n"[..], b"\r\n", b"", b"* OK\r\n", b"\xff\xfe x\r\n", b"+ x"] {
            assert_eq!(tag_of(none), "*");
        }
        assert_eq!(tag_of(&[b'a'; 500]), "*");
    }
}
