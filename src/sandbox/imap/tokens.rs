//! A small reader for the parts of commands that the grammar of imap-codec does not know: Gmail's extensions and RFC 5258's LIST.

/// Reads a command from left to right. Every method gives `None` where something else stands, and the command is then BAD.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tokens<'a>(&'a [u8]);

impl<'a> Tokens<'a> {
    /// A command, or a part of one; the CRLF at its end does not count.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes.strip_suffix(b"\r\n").unwrap_or(bytes))
    }

    /// Whether everything was read.
    pub fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    /// One byte that has to stand here.
    pub fn byte(&mut self, byte: u8) -> Option<()> {
        self.0 = self.0.strip_prefix(&[byte])?;
        Some(())
    }

    /// Whether a byte stands here; if so it is read.
    pub fn takes(&mut self, byte: u8) -> bool {
        self.byte(byte).is_some()
    }

    /// A word: everything up to a space, parenthesis, quote or brace; in upper case.
    pub fn word(&mut self) -> Option<String> {
        let len = self.0.iter().position(|b| b" ()\"{".contains(b)).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(len);
        self.0 = rest;
        if word.is_empty() { None } else { std::str::from_utf8(word).ok().map(str::to_ascii_uppercase) }
    }

    /// A string of any form: bare (with backslashes and wildcards), quoted, or a literal. As text.
    pub fn string(&mut self) -> Option<String> {
        match self.0.first()? {
            b'"' => self.quoted(),
            b'{' => self.literal(),
            _ => {
                let len = self.0.iter().position(|b| b" ()\"{".contains(b) || b.is_ascii_control()).unwrap_or(self.0.len());
                let (bare, rest) = self.0.split_at(len);
                self.0 = rest;
                if bare.is_empty() { None } else { String::from_utf8(bare.to_vec()).ok() }
            }
        }
    }

    /// Strings in parentheses, perhaps none; or one without them.
    pub fn strings(&mut self) -> Option<Vec<String>> {
        if !self.takes(b'(') {
            return self.string().map(|one| vec![one]);
        }
        let mut all = Vec::new();
        while !self.takes(b')') {
            if !all.is_empty() {
                self.byte(b' ')?;
            }
            all.push(self.string()?);
        }
        Some(all)
    }

    fn quoted(&mut self) -> Option<String> {
        self.byte(b'"')?;
        let mut text = Vec::new();
        loop {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            match byte {
                b'"' => return String::from_utf8(text).ok(),
                b'\\' => {
                    let (escaped, rest) = self.0.split_first()?;
                    self.0 = rest;
                    text.push(*escaped);
                }
                b'\r' | b'\n' => return None,
                other => text.push(*other),
            }
        }
    }

    fn literal(&mut self) -> Option<String> {
        let len = literal_len(self.0)?;
        let (text, rest) = self.0.get(len.0..)?.split_at_checked(len.1)?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).ok()
    }
}

/// Of bytes that begin with a literal's `{`: how long its announcement is, CRLF included, and how long the literal.
pub(super) fn literal_len(bytes: &[u8]) -> Option<(usize, usize)> {
    let end = bytes.iter().take(16).position(|b| *b == b'}')?;
    let digits = std::str::from_utf8(bytes.get(1..end)?).ok()?;
    let len = digits.strip_suffix('+').unwrap_or(digits).parse().ok()?;
    bytes.get(end + 1..)?.starts_with(b"\r\n").then_some((end + 3, len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_of_every_form_are_read() {
        let mut t = Tokens::new(b"(\\Important \"a \\\"b\\\"\" {3}\r\n) x bare) end\r\n");
        assert_eq!(t.strings().unwrap(), ["\\Important", "a \"b\"", ") x", "bare"]);
        t.byte(b' ').unwrap();
        assert_eq!(t.word().unwrap(), "END");
        assert!(t.is_at_end());
        assert_eq!(Tokens::new(b"()").strings().unwrap(), Vec::<String>::new());
        assert_eq!(Tokens::new(b"one").strings().unwrap(), ["one"]);
        for bad in ["(a", "\"a", "{5}\r\nab", "{99999999999999999999}\r\n", "(a  b)", "\"a\\", "(\"a\"b)", ""] {
            assert_eq!(Tokens::new(bad.as_bytes()).strings(), None, "{bad}");
        }
    }
}
