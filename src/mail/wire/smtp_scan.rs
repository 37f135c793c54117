//! Reads SMTP replies (RFC 5321 §4.2) as they pass, strictly, and keeps what the server said.
//!
//! The library above gets the same bytes, with three changes that no command line depends on: bytes beyond ASCII become `?`, and so do
//! NULs (a Latin-1 umlaut in a refusal must not look like a broken connection), and white space at the start of a reply's text
//! becomes `-` (a line of nothing but white space stops lettre's EHLO reader with a panic). What is kept here is unchanged.

use std::collections::VecDeque;

use super::{Fault, Trip};
use crate::mail::{Step, Trouble};
use crate::words::{Enhanced, Reply};

/// Bytes of one reply line, its code included, without CRLF. RFC 5321 §4.5.3.1.5 asks for 512, and lettre stops at 1,000 with it: the
/// guard must be the first, or the rest of a reply would wait in lettre's buffer.
pub const SMTP_LINE: usize = 990;
/// Bytes of one reply with all of its lines.
pub const SMTP_REPLY: usize = 65_536;
/// Lines of one reply. lettre reads a reply from its start again at each line, so that thousands of lines would cost seconds.
pub const SMTP_LINES: usize = 200;

/// One complete reply, as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WireReply {
    /// 200 to 599.
    pub code: u16,
    /// The text of each line, without code and separator; at least one.
    pub lines: Vec<String>,
}

impl WireReply {
    /// The reply as the rest of preheat keeps it: lines joined by a space, an enhanced code that each line repeats kept once, cleaned.
    pub fn reply(&self) -> Reply {
        let repeated = self.lines.first().and_then(|l| Enhanced::leading(l)).map(|e| format!("{e} "));
        let mut text = String::new();
        for (n, line) in self.lines.iter().enumerate() {
            let line = match &repeated {
                Some(code) if n > 0 => line.strip_prefix(code.as_str()).unwrap_or(line),
                _ => line,
            };
            text.push_str(line);
            text.push(' ');
        }
        Reply::new(self.code, &text)
    }

    /// Takes the reply where it has this very code; a refusal is told as one.
    ///
    /// # Errors
    /// [`Trouble::Refused`], or [`Trouble::Protocol`] for what is neither.
    pub fn expect(&self, code: u16, step: Step) -> Result<(), Fault> {
        if self.code == code {
            Ok(())
        } else if self.is_refusal() {
            Err(Fault::new(step, Trouble::Refused(self.reply())))
        } else {
            Err(Fault::new(step, Trouble::Protocol(format!("{code} was expected, not {}", self.reply()))))
        }
    }

    /// 2xx.
    pub fn is_done(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// 4xx or 5xx.
    pub fn is_refusal(&self) -> bool {
        (400..600).contains(&self.code)
    }
}

/// The state between two bytes.
#[derive(Debug)]
pub(super) struct SmtpScan {
    /// The line so far, without CR.
    line: Vec<u8>,
    after_cr: bool,
    /// The lines of the reply so far.
    code: Option<u16>,
    lines: Vec<String>,
    size: usize,
    /// How many replies what was sent asks for that have not come yet. The greeting counts as asked for.
    asked: usize,
    /// Whether the last reply was 421.
    going: bool,
    replies: VecDeque<WireReply>,
}

impl SmtpScan {
    pub(super) fn new() -> Self {
        Self { line: Vec::new(), after_cr: false, code: None, lines: Vec::new(), size: 0, asked: 1, going: false, replies: VecDeque::new() }
    }

    /// Something went out: one reply may come, or as many as there are commands in it.
    pub(super) fn wrote(&mut self, commands: Option<usize>) {
        self.asked = commands.unwrap_or(self.asked).max(1);
    }

    /// The oldest complete reply that was not taken yet.
    pub(super) fn take_reply(&mut self) -> Option<WireReply> {
        self.replies.pop_front()
    }

    /// Reads one byte and gives the byte that the library may see.
    pub(super) fn byte(&mut self, byte: u8) -> Result<u8, Trip> {
        self.size += 1;
        if self.size > SMTP_REPLY {
            return Err(Trip::ResponseTooBig(SMTP_REPLY as u64));
        }
        match (byte, self.after_cr) {
            (b'\n', true) => {
                self.after_cr = false;
                self.end_line()?;
                Ok(byte)
            }
            (b'\n', false) => Err(Trip::Malformed("a line that ends in LF alone")),
            (_, true) => Err(Trip::Malformed("a CR in the middle of a line")),
            (b'\r', false) => {
                self.after_cr = true;
                Ok(byte)
            }
            _ => {
                self.line.push(byte);
                if self.line.len() > SMTP_LINE {
                    return Err(Trip::LineTooLong(SMTP_LINE));
                }
                let starts_text = self.line.len() == 5;
                Ok(match byte {
                    0 | 0x80.. => b'?',
                    1..=b' ' if starts_text => b'-',
                    _ => byte,
                })
            }
        }
    }

    fn end_line(&mut self) -> Result<(), Trip> {
        let line = std::mem::take(&mut self.line);
        let code =
            line.get(..3).and_then(digits).filter(|c| (200..600).contains(c)).ok_or(Trip::Malformed("a line that is no SMTP reply"))?;
        if self.code.is_some_and(|c| c != code) {
            return Err(Trip::Malformed("a reply with two different codes"));
        }
        let last = match line.get(3) {
            None | Some(b' ') => true,
            Some(b'-') => false,
            Some(_) => return Err(Trip::Malformed("a line that is no SMTP reply")),
        };
        if self.lines.len() >= SMTP_LINES {
            return Err(Trip::TooManyLines(SMTP_LINES));
        }
        self.lines.push(String::from_utf8_lossy(line.get(4..).unwrap_or_default()).into_owned());
        if !last {
            self.code = Some(code);
            return Ok(());
        }
        // A server may say 421 at any time (RFC 5321 §3.8): it is going away. Nothing else may come unasked.
        if self.asked == 0 && (code != 421 || self.going) {
            return Err(Trip::Unasked);
        }
        self.asked = self.asked.saturating_sub(1);
        self.going = code == 421;
        self.size = 0;
        self.code = None;
        self.replies.push_back(WireReply { code, lines: std::mem::take(&mut self.lines) });
        Ok(())
    }
}

fn digits(three: &[u8]) -> Option<u16> {
    three.iter().try_fold(0u16, |n, b| b.is_ascii_digit().then(|| n * 10 + u16::from(b - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the library sees, the replies, and the trip.
    fn read(bytes: &[u8]) -> (String, Vec<WireReply>, Option<Trip>) {
        let mut scan = SmtpScan::new();
        let (mut seen, mut trip) = (Vec::new(), None);
        for b in bytes {
            match scan.byte(*b) {
                Ok(b) => seen.push(b),
                Err(t) => {
                    trip = Some(t);
                    break;
                }
            }
        }
        (String::from_utf8(seen).unwrap(), std::iter::from_fn(|| scan.take_reply()).collect(), trip)
    }

    fn trip(bytes: &[u8]) -> Option<Trip> {
        read(bytes).2
    }

    #[test]
    fn replies_are_kept_as_they_came() {
        let (seen, replies, trip) = read("250-mx.test\r\n250-SIZE 100\r\n250 AUTH PLAIN\r\n".as_bytes());
        assert_eq!(seen, "250-mx.test\r\n250-SIZE 100\r\n250 AUTH PLAIN\r\n");
        assert_eq!(replies, [WireReply { code: 250, lines: vec!["mx.test".into(), "SIZE 100".into(), "AUTH PLAIN".into()] }]);
        assert_eq!(trip, None);
        assert_eq!(read(b"250\r\n").1, [WireReply { code: 250, lines: vec![String::new()] }]);
    }

    #[test]
    fn an_enhanced_code_on_each_line_is_kept_once() {
        let (_, replies, _) = read(b"550-5.1.1 No such\r\n550-5.1.1 user. Try\r\n550 5.1.1 another\r\n");
        let reply = replies[0].reply();
        assert_eq!((reply.to_string().as_str(), reply.enhanced.unwrap().subject), ("550 5.1.1 No such user. Try another", 1));
    }

    #[test]
    fn the_library_sees_no_byte_that_it_stumbles_over() {
        let (seen, replies, trip) = read("250-\t \r\n250 f\u{fc}r \0 \u{3000}\r\n".as_bytes());
        assert_eq!((seen.as_str(), trip), ("250-- \r\n250 f??r ? ???\r\n", None));
        assert_eq!(replies[0].lines, ["\t ", "für \0 \u{3000}"]);
        assert_eq!(read(b"550 f\xfcr\r\n").1[0].reply().text, "f\u{fffd}r");
    }

    #[test]
    fn what_is_no_reply_trips() {
        for bad in ["25\r\n", "600 x\r\n", "199 x\r\n", "abc x\r\n", "250_x\r\n", "\r\n", "HTTP/1.1 400 Bad Request\r\n"] {
            assert!(matches!(trip(bad.as_bytes()), Some(Trip::Malformed(_))), "{bad}");
        }
        assert!(matches!(trip(b"250-a\r\n550 b\r\n"), Some(Trip::Malformed(_))));
        assert!(matches!(trip(b"250 a\n"), Some(Trip::Malformed(_))));
        assert!(matches!(trip(b"250-a\r\r\n"), Some(Trip::Malformed(_))));
        assert_eq!(trip(&[b'2'; 5_000]), Some(Trip::LineTooLong(SMTP_LINE)));
        assert_eq!(trip(&b"250-x\r\n".repeat(20_000)), Some(Trip::TooManyLines(SMTP_LINES)));
        let long_lines = format!("250-{}\r\n", "x".repeat(900)).repeat(100);
        assert_eq!(trip(long_lines.as_bytes()), Some(Trip::ResponseTooBig(SMTP_REPLY as u64)));
    }

    #[test]
    fn a_second_reply_to_one_command_trips_before_its_last_byte() {
        let (seen, replies, trip) = read(b"354 go\r\n250 queued\r\n");
        assert_eq!((seen.as_str(), trip), ("354 go\r\n250 queued\r", Some(Trip::Unasked)));
        assert_eq!(replies.len(), 1);
        let (_, replies, trip) = read(b"550 no\r\n421 going away\r\n");
        assert_eq!((replies.len(), trip), (2, None));
        assert_eq!(read(b"421 going away\r\n421 still here\r\n").2, Some(Trip::Unasked));
    }
}
