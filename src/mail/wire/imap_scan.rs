//! Counts IMAP responses (RFC 9051 §7) as they pass: lines, literals, nesting, and how much comes in all.
//!
//! The scanner has to see literals and quoted strings where the parser above sees them, or a server could hide parentheses from
//! it. Three rules keep the two together: in human-readable text (`* OK …`, `A1 NO …`, `+ …`) nothing is a literal; a literal is
//! exactly `{digits}` before CRLF; and beside the nesting outside of quoted strings a second count, with a wider limit, ignores quotes.

use super::Trip;

/// Limits on what an IMAP server may send. The [`Default`] is far above what a mailbox of 100,000 messages needs.
#[derive(Clone, Copy, Debug)]
pub struct ImapLimits {
    /// Bytes of a line between two literals. A SEARCH answer is one line.
    pub line: usize,
    /// Bytes of one literal.
    pub literal: u64,
    /// Bytes of one response with its literals.
    pub response: u64,
    /// Parentheses open at once, outside of quoted strings.
    pub depth: u32,
    /// Parentheses open at once when quotes are ignored. Below 61, where the parser's stack was seen to overflow.
    pub raw_depth: u32,
    /// Responses between two commands.
    pub responses: u32,
    /// Bytes between two commands.
    pub bytes: u64,
}

impl Default for ImapLimits {
    fn default() -> Self {
        Self { line: 1 << 20, literal: 8 << 20, response: 10 << 20, depth: 16, raw_depth: 48, responses: 200_000, bytes: 64 << 20 }
    }
}

/// What the current response is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Its first two words are still being read.
    Opening,
    /// Human-readable text up to the line's end.
    Text,
    /// Data: lists, strings, literals.
    Data,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quote {
    Outside,
    Inside,
    Escaped,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Announce {
    None,
    /// `{` and perhaps digits.
    Open(Option<u64>),
    /// `{digits}`: a literal if the line ends right here.
    Closed(u64),
}

/// The state between two bytes.
#[derive(Debug)]
pub(super) struct ImapScan {
    limits: ImapLimits,
    kind: Kind,
    /// The first bytes of the response, to tell text from data.
    opening: Vec<u8>,
    quote: Quote,
    announce: Announce,
    after_cr: bool,
    literal_left: u64,
    depth: u32,
    raw_depth: u32,
    line: usize,
    response: u64,
    bytes: u64,
    responses: u32,
}

/// The longest opening that can still turn out to be text: a tag, a space, and a status word.
const OPENING: usize = 80;

impl ImapScan {
    pub(super) fn new(limits: ImapLimits) -> Self {
        Self {
            limits,
            kind: Kind::Opening,
            opening: Vec::new(),
            quote: Quote::Outside,
            announce: Announce::None,
            after_cr: false,
            literal_left: 0,
            depth: 0,
            raw_depth: 0,
            line: 0,
            response: 0,
            bytes: 0,
            responses: 0,
        }
    }

    /// A command went out: the counts between two commands begin again.
    pub(super) fn wrote(&mut self) {
        self.bytes = 0;
        self.responses = 0;
    }

    /// How many of the next `available` bytes belong to a literal, all of which may pass unread.
    pub(super) fn pass_literal(&mut self, available: usize) -> Result<usize, Trip> {
        let most =
            self.literal_left.min(self.limits.response.saturating_sub(self.response)).min(self.limits.bytes.saturating_sub(self.bytes));
        let n = most.min(available as u64);
        self.literal_left -= n;
        self.response += n;
        self.bytes += n;
        if n == 0 && self.literal_left > 0 && available > 0 {
            return Err(self.too_big());
        }
        // At most `available`, so it fits.
        Ok(n as usize)
    }

    fn too_big(&self) -> Trip {
        if self.response >= self.limits.response { Trip::ResponseTooBig(self.limits.response) } else { Trip::TooMuch(self.limits.bytes) }
    }

    /// Reads one byte outside of a literal and gives the byte that the library may see.
    pub(super) fn byte(&mut self, byte: u8) -> Result<u8, Trip> {
        if self.response >= self.limits.response || self.bytes >= self.limits.bytes {
            return Err(self.too_big());
        }
        self.line += 1;
        self.response += 1;
        self.bytes += 1;
        if self.line > self.limits.line {
            return Err(Trip::LineTooLong(self.limits.line));
        }
        match (byte, self.after_cr) {
            (b'\n', true) => self.end_line()?,
            (b'\n', false) => return Err(Trip::Malformed("a line that ends in LF alone")),
            (_, true) => return Err(Trip::Malformed("a CR in the middle of a line")),
            (b'\r', false) => {
                self.end_opening();
                self.after_cr = true;
            }
            _ => {
                self.open(byte);
                self.count_raw(byte)?;
                if self.kind == Kind::Text {
                    // The parser above knows ASCII only; a server's umlaut must not look like a broken connection.
                    return Ok(if matches!(byte, 0 | 0x80..) { b'?' } else { byte });
                }
                self.structure(byte)?;
            }
        }
        Ok(byte)
    }

    /// Tells text from data by the response's first two words.
    fn open(&mut self, byte: u8) {
        if self.kind != Kind::Opening {
            return;
        }
        if self.opening.is_empty() && byte == b'+' {
            self.kind = Kind::Text;
        } else if byte == b' ' && self.opening.contains(&b' ') {
            self.end_opening();
        } else if self.opening.len() >= OPENING {
            self.kind = Kind::Data;
        } else {
            self.opening.push(byte);
        }
    }

    /// The second word is complete, or the line ends.
    fn end_opening(&mut self) {
        if self.kind == Kind::Opening {
            let word = self.opening.split(|b| *b == b' ').nth(1).unwrap_or_default();
            let is_status = [&b"OK"[..], b"NO", b"BAD", b"BYE", b"PREAUTH"].iter().any(|s| word.eq_ignore_ascii_case(s));
            self.kind = if is_status { Kind::Text } else { Kind::Data };
        }
    }

    fn count_raw(&mut self, byte: u8) -> Result<(), Trip> {
        match byte {
            b'(' => self.raw_depth += 1,
            b')' => self.raw_depth = self.raw_depth.saturating_sub(1),
            _ => {}
        }
        if self.raw_depth > self.limits.raw_depth { Err(Trip::TooDeep(self.limits.raw_depth)) } else { Ok(()) }
    }

    fn structure(&mut self, byte: u8) -> Result<(), Trip> {
        let announced = std::mem::replace(&mut self.announce, Announce::None);
        match (self.quote, byte) {
            (Quote::Escaped, _) => self.quote = Quote::Inside,
            (Quote::Inside, b'\\') => self.quote = Quote::Escaped,
            (Quote::Inside, b'"') => self.quote = Quote::Outside,
            (Quote::Inside, _) => {}
            (Quote::Outside, b'"') => self.quote = Quote::Inside,
            (Quote::Outside, b'(') => {
                self.depth += 1;
                if self.depth > self.limits.depth {
                    return Err(Trip::TooDeep(self.limits.depth));
                }
            }
            (Quote::Outside, b')') => self.depth = self.depth.saturating_sub(1),
            (Quote::Outside, b'{') => self.announce = Announce::Open(None),
            (Quote::Outside, b'0'..=b'9') => {
                if let Announce::Open(n) = announced {
                    let n = n.unwrap_or(0).saturating_mul(10).saturating_add(u64::from(byte - b'0'));
                    if n > self.limits.literal {
                        return Err(Trip::LiteralTooBig { announced: n, limit: self.limits.literal });
                    }
                    self.announce = Announce::Open(Some(n));
                }
            }
            (Quote::Outside, b'}') => {
                if let Announce::Open(Some(n)) = announced {
                    self.announce = Announce::Closed(n);
                }
            }
            (Quote::Outside, _) => {}
        }
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), Trip> {
        self.after_cr = false;
        self.line = 0;
        self.quote = Quote::Outside;
        if let Announce::Closed(n) = std::mem::replace(&mut self.announce, Announce::None) {
            self.literal_left = n;
            return Ok(());
        }
        self.kind = Kind::Opening;
        self.opening.clear();
        self.depth = 0;
        self.raw_depth = 0;
        self.response = 0;
        self.responses += 1;
        if self.responses > self.limits.responses { Err(Trip::TooMany(self.limits.responses)) } else { Ok(()) }
    }
}
