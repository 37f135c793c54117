//! Hostile peers as data: what each of them says otherwise than a polite server. See the head of `peers.txt`.

use std::collections::BTreeMap;

/// Every row.
pub const PEERS: &str = include_str!("peers.txt");

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    Smtp,
    Imap,
}

/// One row.
#[derive(Clone, Debug)]
pub struct Peer {
    pub protocol: Protocol,
    pub name: String,
    /// What it does, for people.
    pub does: String,
    /// How that ends for preheat.
    pub ends: String,
    /// The most KB of it that are read.
    pub takes: u64,
    /// What is said in answer to a command that begins so, the first time, the second, and from then on.
    rules: BTreeMap<String, Vec<Vec<Piece>>>,
}

/// A piece of what is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Bytes(Vec<u8>),
    /// So often.
    Repeat(u64, Vec<u8>),
    /// Until the client is gone.
    Flood(Vec<u8>),
    /// A byte a second.
    Trickle(Vec<u8>),
    /// The tag of the command.
    Tag,
    /// What a polite server says.
    Usual,
    /// Nothing, until the client is gone.
    Stall,
    Close,
}

/// Reads the table. Panics where a row is not one: it is ours.
pub fn peers() -> Vec<Peer> {
    let text: String = PEERS.lines().filter(|l| !l.starts_with('#')).flat_map(|l| [l, "\n"]).collect();
    text.split("\n\n").map(str::trim).filter(|block| !block.is_empty()).map(peer).collect()
}

fn peer(block: &str) -> Peer {
    let mut lines = block.lines().map(str::trim_start);
    let head = lines.next().unwrap();
    let (protocol, name) = head.split_once(' ').unwrap_or_else(|| panic!("`{head}` is no head of a row"));
    let protocol = match protocol {
        "smtp" => Protocol::Smtp,
        "imap" => Protocol::Imap,
        other => panic!("`{other}` is no protocol"),
    };
    let (does, ends) = (String::new(), String::new());
    let mut peer = Peer { protocol, name: name.to_owned(), does, ends, takes: 70, rules: BTreeMap::new() };
    let mut rule: &mut Vec<Piece> = &mut Vec::new();
    for line in lines {
        if let Some(text) = line.strip_prefix('|') {
            say(rule, text.strip_prefix(' ').unwrap_or(text));
        } else if let Some(command) = line.strip_prefix("on ") {
            let nth = peer.rules.entry(command.to_ascii_uppercase()).or_default();
            nth.push(Vec::new());
            rule = nth.last_mut().unwrap();
        } else {
            match line.split_once(": ") {
                Some(("does", text)) => text.clone_into(&mut peer.does),
                Some(("ends", text)) => text.clone_into(&mut peer.ends),
                Some(("takes", kb)) => peer.takes = kb.strip_suffix(" KB").unwrap().parse().unwrap(),
                _ => panic!("{head}: `{line}` is nothing that a row says"),
            }
        }
    }
    assert!(!peer.does.is_empty() && !peer.rules.is_empty(), "{head}: does nothing");
    peer
}

fn say(pieces: &mut Vec<Piece>, line: &str) {
    let (line, end) = line.strip_suffix('\\').map_or((line, "\r\n"), |line| (line, ""));
    let mut rest = line;
    let bytes = |pieces: &mut Vec<Piece>, text: &str| {
        if !text.is_empty() {
            pieces.push(Piece::Bytes(unescape(text)));
        }
    };
    let mut is_bytes = line.is_empty();
    while let Some((before, behind)) = rest.split_once("<<") {
        let (inside, after) = behind.split_once(">>").unwrap_or_else(|| panic!("`{line}` opens and does not close"));
        bytes(pieces, before);
        let (word, text) = inside.split_once(' ').unwrap_or((inside, ""));
        pieces.push(match word {
            "tag" => Piece::Tag,
            "usual" => Piece::Usual,
            "stall" => Piece::Stall,
            "close" => Piece::Close,
            "flood" => Piece::Flood(unescape(text)),
            "literal" => {
                let text = unescape(text);
                Piece::Bytes([format!("{{{}}}\r\n", text.len()).into_bytes(), text].concat())
            }
            "trickle" => Piece::Trickle(unescape(text)),
            count => Piece::Repeat(count.parse().unwrap_or_else(|_| panic!("`{inside}` is nothing to say")), unescape(text)),
        });
        is_bytes = matches!(pieces.last(), Some(Piece::Tag | Piece::Repeat(..) | Piece::Bytes(_)));
        rest = after;
    }
    is_bytes |= !rest.is_empty();
    bytes(pieces, rest);
    if is_bytes {
        bytes(pieces, end);
    }
}

/// The bytes of a text with `\\r`, `\\n`, `\\t`, `\\0`, `\\\\` and `\\xHH`.
pub fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.bytes();
    while let Some(b) = rest.next() {
        if b != b'\\' {
            out.push(b);
            continue;
        }
        out.push(match rest.next() {
            Some(b'r') => b'\r',
            Some(b'n') => b'\n',
            Some(b't') => b'\t',
            Some(b'0') => 0,
            Some(b'\\') => b'\\',
            Some(b'x') => {
                let hex: String = rest.by_ref().take(2).map(char::from).collect();
                u8::from_str_radix(&hex, 16).expect("two hex digits")
            }
            other => panic!("\\{other:?} in `{text}`"),
        });
    }
    out
}

impl Peer {
    /// What is said to a command, if it is not the usual. `heard` counts how often each rule was used.
    pub fn answer(&self, command: &str, heard: &mut BTreeMap<String, usize>) -> Option<&[Piece]> {
        let folded = command.to_ascii_uppercase();
        // The longest that fits: `UID FETCH 3` before `UID FETCH`.
        let (begins, nth) =
            self.rules.iter().filter(|(begins, _)| folded.starts_with(begins.as_str())).max_by_key(|(begins, _)| begins.len())?;
        let count = heard.entry(begins.clone()).or_default();
        *count += 1;
        nth.get(*count - 1).or(nth.last()).map(Vec::as_slice)
    }
}
