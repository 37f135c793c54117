//! Codes in running text: RFC 5321's three digits and RFC 3463's x.y.z, among dates, addresses of hosts and versions.

use crate::words::Enhanced;

/// The enhanced codes in a text, 4.y.z and 5.y.z, in order.
pub fn enhanced_codes(text: &str) -> impl Iterator<Item = Enhanced> {
    numbers(text).filter(|n| n.text.contains('.') && !n.is_version()).filter_map(|n| Enhanced::leading(n.text)).filter(|e| e.class != 2)
}

/// The first enhanced code that says more than "failed": x.0.0 only where there is no better.
pub fn best_enhanced(text: &str) -> Option<Enhanced> {
    let mut general = None;
    for code in enhanced_codes(text) {
        if (code.subject, code.detail) != (0, 0) {
            return Some(code);
        }
        general = general.or(Some(code));
    }
    general
}

/// The first reply code in a text, 400 to 599: three digits that begin a line or follow what a program puts before a server's words.
pub fn reply_code(text: &str) -> Option<u16> {
    numbers(text).find_map(|n| n.as_reply())
}

/// A run of digits and dots, with what stands around it.
struct Number<'a> {
    text: &'a str,
    before: &'a str,
    after: &'a str,
}

impl Number<'_> {
    fn as_reply(&self) -> Option<u16> {
        let code: u16 = (self.text.len() == 3).then(|| self.text.parse().ok()).flatten()?;
        let known = matches!(code, 400..=460 | 471 | 499 | 500..=560 | 571 | 572 | 573 | 577);
        // "550 5.1.1", "550-", "550: ", "550)", "550," or the end: what may follow.
        let ends =
            self.after.is_empty() || self.after.starts_with([' ', '-', '\t', '\r', '\n', ':', '#', ',', ')', '\'', '"', ';', '_', '<']);
        let line = self.before.rsplit('\n').next().unwrap_or("").trim_end();
        let last = line.chars().next_back();
        // At the start of a line; after "said:", "smtp;", "<<<", a quote, "(#", "code"; never after a number's sign, a bracket or a month.
        let begins = last.is_none_or(|c| ":;'\"<>(#-*,".contains(c))
            || ["code", "error", "returned", "replied", "smtp", "with", "reply", "said", "status", "response", "was", "was:"]
                .iter()
                .any(|w| line.to_ascii_lowercase().ends_with(w))
            || line.ends_with(['4', '5']) // "554 554": a program that says it twice
            || line.ends_with(|c: char| c.is_ascii_digit()) && line.len() == 3;
        let in_brackets = last == Some('[') && self.after.starts_with(' ');
        (known && ends && (begins || in_brackets)).then_some(code)
    }

    /// "Exim 4.8.0", "v5.1.2", "version 5.0.1".
    fn is_version(&self) -> bool {
        let before = self.before.trim_end().to_ascii_lowercase();
        ["version", "exim", "release", "postfix", "sendmail", "dovecot", "server"].iter().any(|w| before.ends_with(w))
    }
}

fn numbers(text: &str) -> impl Iterator<Item = Number<'_>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        loop {
            let start = from + text.get(from..)?.find(|c: char| c.is_ascii_digit())?;
            let rest = &text[start..];
            let len = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            from = start + len;
            let number = rest[..len].trim_end_matches('.');
            let before = &text[text.floor_char_boundary(start.saturating_sub(40))..start];
            let stands_alone = !before.ends_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '.')
                && !rest[len..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
            if stands_alone {
                return Some(Number { text: number, before, after: &text[start + number.len()..] });
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enhanced_codes_are_found_among_versions_and_hosts() {
        let best = |t: &str| best_enhanced(t).map(|e| e.to_string());
        assert_eq!(best("550 5.1.1 no"), Some("5.1.1".into()));
        assert_eq!(best("sorry (#5.1.2)"), Some("5.1.2".into()));
        assert_eq!(best("554 5.0.0 x; 5.7.1 y"), Some("5.7.1".into()));
        assert_eq!(best("5.0.0."), Some("5.0.0".into()));
        for none in ["[5.1.1.2]", "Exim 4.8.0", "v5.1.1", "8.14.2/8.14.2", "2.0.0 ok", "5.1", "version 5.1.1", "4.1.1.example", ""] {
            assert_eq!(best(none), None, "{none}");
        }
    }

    #[test]
    fn reply_codes_begin_lines_or_follow_their_announcement() {
        for (text, code) in [
            ("550 5.1.1 no", 550),
            ("x\n552-5.2.2 full", 552),
            ("host x[192.0.2.1] said: 554 no (in reply to DATA)", 554),
            ("smtp; 450 4.1.1 x", 450),
            ("<<< 553 no", 553),
            ("returned '550 4.4.7 expired'", 550),
            ("was: 554 554 5.7.0 x", 554),
            ("ResponseCode 421, ,", 421),
            ("ERROR_CODE :550, x", 550),
            ("smtp;542 x", 542),
            ("It responded as follows: [550 5.1.1 no]", 550),
        ] {
            assert_eq!(reply_code(text), Some(code), "{text}");
        }
        for none in ["SIZE=543 x", "[416]", "1.550.2", "in 550 ms", "550x", "port 5550", "id 00550", "600 x", ""] {
            assert_eq!(reply_code(none), None, "{none}");
        }
    }
}
