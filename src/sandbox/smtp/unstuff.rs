//! The end of DATA and its dots (RFC 5321 §4.5.2).
//!
//! A message ends at CRLF "." CRLF and at nothing else: servers that also took LF "." LF or CR LF "." CR CR LF for an end could be made to
//! read one message as two ("SMTP smuggling"). smtp-proto's own receiver takes the last of these, so this is written here.

/// What was read last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    /// CRLF, or the start of the message.
    LineEnd,
    /// A dot right behind a line end: stuffing, or the beginning of the end.
    Dot,
    /// CR right behind such a dot.
    DotCr,
    /// CR elsewhere.
    Cr,
    /// Anything else.
    Text,
}

/// Collects a message; takes stuffed dots off; sees where it ends.
#[derive(Debug)]
pub struct Unstuffer {
    after: After,
    message: Vec<u8>,
    most: usize,
    too_large: bool,
}

impl Unstuffer {
    /// For a message of at most `most` bytes; what is more is read and forgotten.
    pub fn new(most: usize) -> Self {
        Self { after: After::LineEnd, message: Vec::new(), most, too_large: false }
    }

    /// Takes bytes up to the end of the message: how many were taken, and whether that was the end.
    pub fn feed(&mut self, bytes: &[u8]) -> (usize, bool) {
        for (n, byte) in bytes.iter().enumerate() {
            if self.take(*byte) {
                return (n + 1, true);
            }
        }
        (bytes.len(), false)
    }

    /// The message; `None` where it was too large.
    pub fn finish(self) -> Option<Vec<u8>> {
        (!self.too_large).then_some(self.message)
    }

    fn take(&mut self, byte: u8) -> bool {
        match (self.after, byte) {
            (After::LineEnd, b'.') => {
                self.after = After::Dot;
                return false;
            }
            (After::Dot, b'\r') => {
                self.after = After::DotCr;
                return false;
            }
            (After::DotCr, b'\n') => return true,
            // The CR that was kept back was not the end's.
            (After::DotCr, _) => self.push(b'\r'),
            _ => {}
        }
        let behind_cr = matches!(self.after, After::Cr | After::DotCr);
        self.push(byte);
        self.after = match byte {
            b'\r' => After::Cr,
            b'\n' if behind_cr => After::LineEnd,
            _ => After::Text,
        };
        false
    }

    fn push(&mut self, byte: u8) {
        if self.message.len() < self.most {
            self.message.push(byte);
        } else {
            self.too_large = true;
            self.message = Vec::new();
            self.most = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The message and what is left behind its end; `None`: it goes on.
    fn read(bytes: &[u8]) -> Option<(String, String)> {
        // Whole, and byte by byte: the segments that it comes in say nothing.
        let mut whole = Unstuffer::new(1_000);
        let (used, ended) = whole.feed(bytes);
        let mut single = Unstuffer::new(1_000);
        let at = bytes.iter().position(|b| single.feed(&[*b]).1);
        assert_eq!(at.map(|n| n + 1), ended.then_some(used), "{bytes:?}");
        let text = |b: &[u8]| String::from_utf8_lossy(b).into_owned();
        assert_eq!(whole.message, single.message);
        ended.then(|| (text(&whole.finish().unwrap()), text(&bytes[used..])))
    }

    #[test]
    fn a_message_ends_at_crlf_dot_crlf_and_dots_are_unstuffed() {
        let is =
            |bytes: &str, message: &str, rest: &str| assert_eq!(read(bytes.as_bytes()), Some((message.into(), rest.into())), "{bytes:?}");
        is("Hello\r\n.\r\nQUIT\r\n", "Hello\r\n", "QUIT\r\n");
        is(".\r\n", "", "");
        is("..\r\n...x\r\n.y\r\n\r\n.\r\n", ".\r\n..x\r\ny\r\n\r\n", "");
    }

    #[test]
    fn nothing_else_is_an_end() {
        for smuggled in
            ["\n.\n", "\n.\r\n", "\r.\r", "\r\n.\n", "\r\n.\r\r\n", "\r\n.\rx\n", "\r.\r\n", "\n\r.\r\n", ".\r\n", "\r\n\0.\r\n"]
        {
            let text = format!("x{smuggled}MAIL FROM:<a@b.test>\r\n.\r\n");
            let (message, rest) = read(text.as_bytes()).unwrap_or_else(|| panic!("{smuggled:?}"));
            assert!(message.contains("MAIL FROM") && rest.is_empty(), "{smuggled:?} {message:?}");
        }
        assert_eq!(read(b"Hello\r\n.\r"), None);
        assert_eq!(read(b"x\r\n.\r\r\ny\r\n.\r\n"), Some(("x\r\n\r\r\ny\r\n".into(), String::new())));
    }

    #[test]
    fn what_is_too_large_is_read_to_its_end_and_forgotten() {
        let mut unstuffer = Unstuffer::new(5);
        assert_eq!(unstuffer.feed(b"123456789\r\n.\r\nX"), (14, true));
        assert_eq!(unstuffer.message.capacity(), 0);
        assert_eq!(unstuffer.finish(), None);
        let mut exact = Unstuffer::new(5);
        exact.feed(b"123\r\n.\r\n");
        assert_eq!(exact.finish().as_deref(), Some(&b"123\r\n"[..]));
    }
}
