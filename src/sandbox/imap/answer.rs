//! What the server says, byte by byte.

use std::borrow::Cow;
use std::fmt;
use std::io::Write;

/// How a command ended; the text begins with a response code where there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// It was carried out.
    Ok(Cow<'static, str>),
    /// It was understood, and not carried out.
    No(Cow<'static, str>),
    /// It was not understood.
    Bad(Cow<'static, str>),
}

impl Done {
    pub fn ok(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Ok(text.into())
    }

    pub fn no(text: impl Into<Cow<'static, str>>) -> Self {
        Self::No(text.into())
    }

    pub fn bad(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Bad(text.into())
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok(text) => write!(f, "OK {text}"),
            Self::No(text) => write!(f, "NO {text}"),
            Self::Bad(text) => write!(f, "BAD {text}"),
        }
    }
}

/// Answers that wait to be sent.
#[derive(Debug, Default)]
pub(super) struct Answer(pub Vec<u8>);

impl Answer {
    /// A line of its own, without its end.
    pub fn line(&mut self, line: impl fmt::Display) {
        self.text(line);
        self.0.extend_from_slice(b"\r\n");
    }

    /// A part of a line.
    pub fn text(&mut self, text: impl fmt::Display) {
        // Writing into memory does not fail.
        let _ = write!(self.0, "{text}");
    }

    /// A string: quoted where that can carry it, else a literal.
    pub fn string(&mut self, bytes: &[u8]) {
        if bytes.len() <= 1_000 && bytes.iter().all(|b| matches!(b, b' '..=b'~')) {
            self.0.push(b'"');
            for b in bytes {
                if matches!(b, b'"' | b'\\') {
                    self.0.push(b'\\');
                }
                self.0.push(*b);
            }
            self.0.push(b'"');
        } else {
            self.literal(bytes);
        }
    }

    /// A literal.
    pub fn literal(&mut self, bytes: &[u8]) {
        self.text(format_args!("{{{}}}\r\n", bytes.len()));
        self.0.extend_from_slice(bytes);
    }

    /// A string, or NIL.
    pub fn nstring(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.string(bytes),
            None => self.text("NIL"),
        }
    }

    /// Words in parentheses, as they are.
    pub fn list<I: IntoIterator<Item: fmt::Display>>(&mut self, words: I) {
        self.0.push(b'(');
        for (n, word) in words.into_iter().enumerate() {
            if n > 0 {
                self.0.push(b' ');
            }
            self.text(word);
        }
        self.0.push(b')');
    }
}

/// Numbers as a set, in the order in which they are given: `1:3,7`.
pub(super) fn set_of(numbers: impl IntoIterator<Item = u32>) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for n in numbers {
        match runs.last_mut() {
            Some((_, end)) if end.checked_add(1) == Some(n) => *end = n,
            _ => runs.push((n, n)),
        }
    }
    let texts: Vec<String> = runs.iter().map(|(a, b)| if a == b { a.to_string() } else { format!("{a}:{b}") }).collect();
    texts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(f: impl FnOnce(&mut Answer)) -> String {
        let mut out = Answer::default();
        f(&mut out);
        String::from_utf8(out.0).unwrap()
    }

    #[test]
    fn strings_are_quoted_where_that_can_carry_them() {
        assert_eq!(written(|o| o.string(b"a \"b\" \\")), r#""a \"b\" \\""#);
        assert_eq!(written(|o| o.string(b"a\r\n")), "{3}\r\na\r\n");
        assert_eq!(written(|o| o.string("é".as_bytes())), "{2}\r\né");
        assert_eq!(written(|o| o.nstring(None)), "NIL");
        assert_eq!(written(|o| o.list(["a", "b"])), "(a b)");
    }

    #[test]
    fn sets_are_compact_and_keep_their_order() {
        assert_eq!(set_of([3, 4, 5, 9, 1, 2]), "3:5,9,1:2");
        assert_eq!(set_of([u32::MAX]), "4294967295");
        assert_eq!(set_of([]), "");
    }
}
