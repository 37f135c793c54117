//! A mail server's reply (RFC 5321 §4.2, RFC 3463).

use std::fmt;

/// An enhanced status code, such as 5.1.1 (RFC 3463).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Enhanced {
    /// 2 success, 4 temporary, 5 permanent.
    pub class: u8,
    /// Address, mailbox, system, network, protocol, content, policy …
    pub subject: u16,
    /// What exactly.
    pub detail: u16,
}

impl Enhanced {
    /// Reads the code at the start of a reply's text; `None` where there is none.
    pub fn leading(text: &str) -> Option<Self> {
        let word = text.trim_start().split(|c: char| !(c.is_ascii_digit() || c == '.')).next()?;
        let mut parts = word.split('.');
        let class: u8 = parts.next()?.parse().ok()?;
        let subject = parts.next().filter(|p| (1..=3).contains(&p.len()))?.parse().ok()?;
        let detail = parts.next().filter(|p| (1..=3).contains(&p.len()))?.parse().ok()?;
        (matches!(class, 2 | 4 | 5) && parts.next().is_none()).then_some(Self { class, subject, detail })
    }
}

impl fmt::Display for Enhanced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// What a server said: three digits, perhaps an enhanced code, and its words, bounded and without controls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// 200 to 599 where the server gave a number; below that it gave none, and none is shown: one of [`Self::NO`],
    /// [`Self::PASSING_NO`] and [`Self::BAD`] for IMAP, 0 where no server spoke.
    pub code: u16,
    /// From the text's start, where it has one.
    pub enhanced: Option<Enhanced>,
    /// All lines joined by one space, controls replaced, cut at 500 characters. Data, never trusted.
    pub text: String,
}

/// Whether a character is obeyed instead of shown: controls, and marks that turn the direction of what follows.
pub(crate) fn is_unseen(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl Reply {
    /// IMAP's NO (RFC 3501 §7.1.2): it will not work as it is.
    pub const NO: u16 = 1;
    /// An IMAP NO whose words say that it may pass.
    pub const PASSING_NO: u16 = 2;
    /// IMAP's BAD (RFC 3501 §7.1.3): the server does not know the command, or not so.
    pub const BAD: u16 = 3;

    /// Takes a server's words; they are cleaned here, once, so that nobody prints them raw.
    pub fn new(code: u16, text: &str) -> Self {
        let clean = Self::clean(text);
        Self { code, enhanced: Enhanced::leading(&clean), text: clean }
    }

    /// Server text made safe to store and to print: controls and runs of white space become one space, at most 500 characters.
    pub fn clean(text: &str) -> String {
        let mut out = String::new();
        for word in text.split(|c: char| c.is_whitespace() || is_unseen(c)).filter(|w| !w.is_empty()) {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(word);
            if out.len() > 2_000 {
                break;
            }
        }
        if out.chars().count() > 500 {
            out = out.chars().take(499).collect();
            out.push('…');
        }
        out
    }

    /// 2xx, or 354.
    pub fn is_positive(&self) -> bool {
        (200..400).contains(&self.code)
    }

    /// 4xx, or a passing NO: may work later.
    pub fn is_transient(&self) -> bool {
        (400..500).contains(&self.code) || self.code == Self::PASSING_NO
    }

    /// 5xx, NO or BAD: will not work as it is.
    pub fn is_permanent(&self) -> bool {
        (500..600).contains(&self.code) || matches!(self.code, Self::NO | Self::BAD)
    }
}

impl fmt::Display for Reply {
    /// The number where the server gave one, and its words: for IMAP they begin with NO or BAD.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.code < 200 {
            return f.write_str(&self.text);
        }
        write!(f, "{} {}", self.code, self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enhanced_codes_are_read_and_nothing_else_is_taken_for_one() {
        assert_eq!(Reply::new(550, "5.1.1 no such user").enhanced.unwrap().to_string(), "5.1.1");
        for text in ["no code", "5.1", "5.1.1.1 x", "3.1.1 x", "10.0.0.1 refused", "5.1234.1 x", ""] {
            assert_eq!(Reply::new(550, text).enhanced, None, "{text}");
        }
    }

    #[test]
    fn what_came_without_a_number_is_shown_without_one() {
        assert_eq!(Reply::new(550, "5.1.1 no").to_string(), "550 5.1.1 no");
        let kind = |code| {
            let reply = Reply::new(code, "NO [X] no");
            assert_eq!(reply.to_string(), "NO [X] no");
            (reply.is_positive(), reply.is_transient(), reply.is_permanent())
        };
        assert_eq!(
            [0, Reply::NO, Reply::PASSING_NO, Reply::BAD].map(kind),
            [(false, false, false), (false, false, true), (false, true, false), (false, false, true)]
        );
    }

    #[test]
    fn server_text_cannot_paint_the_terminal() {
        assert_eq!(Reply::clean("a\x1b[31mred\r\nb\u{202e}c"), "a [31mred b c");
        assert_eq!(Reply::clean(&"x".repeat(10_000)).chars().count(), 500);
    }
}
