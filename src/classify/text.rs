//! Text as the rules see it, and the small readers that everything here shares.

use crate::words::is_unseen;

/// Text made comparable: lower case, white space as one space, curly quotes straight, every address as `@`. At most [`Folded::MOST`] bytes
/// of it are looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folded(String);

impl Folded {
    /// What is looked at, in bytes: a server's words are short, and a report may be 30 MB.
    pub const MOST: usize = 8_000;

    /// Folds a text.
    pub fn new(text: &str) -> Self {
        let mut out = String::with_capacity(text.len().min(Self::MOST));
        for word in head(text, Self::MOST).split_whitespace() {
            if !out.is_empty() {
                out.push(' ');
            }
            if word.contains('@') {
                fold_addresses(word, &mut out);
            } else {
                fold_into(word, &mut out);
            }
        }
        Self(out)
    }

    /// The folded text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether all of these stand in it, in this order.
    pub fn has_in_order(&self, phrases: &[String]) -> bool {
        let mut from = 0;
        phrases.iter().all(|phrase| {
            self.find_from(from, phrase).is_some_and(|at| {
                from = at + phrase.len();
                true
            })
        })
    }

    /// Where a phrase begins, at or after `from`. A phrase that begins with a letter or digit begins a word: "uce" is not in "produce".
    fn find_from(&self, from: usize, phrase: &str) -> Option<usize> {
        let begins_word = phrase.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
        let text = self.0.get(from..)?;
        text.match_indices(phrase)
            .map(|(at, _)| from + at)
            .find(|&at| !begins_word || at == 0 || !self.0.as_bytes()[at - 1].is_ascii_alphanumeric())
    }
}

fn fold_into(word: &str, out: &mut String) {
    for c in word.chars() {
        match c {
            '\u{2018}' | '\u{2019}' => out.push('\''),
            '\u{201c}' | '\u{201d}' => out.push('"'),
            c if c.is_ascii() => out.push(c.to_ascii_lowercase()),
            c => out.extend(c.to_lowercase()),
        }
    }
}

/// An address's own words must not speak: `<mailbox-full@y.test>:` becomes `<@>:`.
fn fold_addresses(word: &str, out: &mut String) {
    let is_part = |c: char| c.is_alphanumeric() || "!#$%&*+-/=?^_{|}~.".contains(c);
    let mut rest = word;
    while let Some(at) = rest.find('@') {
        let before = rest[..at].trim_end_matches(is_part);
        fold_into(before, out);
        out.push('@');
        rest = rest[at + 1..].trim_start_matches(is_part);
    }
    fold_into(rest, out);
}

/// The first `most` bytes of a text, or a little less: never a broken character.
pub fn head(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// The lines of a data file that say something, with their numbers from 1; `#` begins a comment line.
pub fn data_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(n, line)| (n + 1, line.trim())).filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// The name in a heading, `[name]`; a bracket elsewhere is none.
pub fn heading(line: &str) -> Option<&str> {
    line.strip_prefix('[')?.strip_suffix(']')
}

/// The addresses in a text, in order, lower case, each once; at most `most`. What has no dot in its domain is none, and neither is a
/// Message-ID's long left side or anything that an envelope could not hold (RFC 5321 §4.5.3.1).
pub fn addresses(text: &str, most: usize) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    // Half an address would be another's (RFC 6531): letters of scripts that part their words belong to it; those of others stand beside it.
    let is_letter = |c: char| c.is_alphanumeric() && c < '\u{590}';
    let is_local = |c: char| is_letter(c) || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let is_domain = |c: char| is_letter(c) || c == '-' || c == '.';
    for (at, _) in text.match_indices('@') {
        if found.len() >= most {
            break;
        }
        let (before, after) = (&text[..at], &text[at + 1..]);
        // A local part is short (RFC 5321 §4.5.3.1.1): what stands further away is not looked at.
        let near = &before[before.floor_char_boundary(at.saturating_sub(100))..];
        let local = match near.strip_suffix('"') {
            Some(quoted) => quoted.rfind('"').map_or("", |start| &near[start..]),
            None => &near[near.trim_end_matches(is_local).len()..],
        };
        let local = local.trim_start_matches(['\'', '=', '.', '/', '|', '-']);
        let local = local.strip_prefix("rfc822;").unwrap_or(local);
        let domain = head(after, 254);
        let domain = &domain[..domain.len() - domain.trim_start_matches(is_domain).len()];
        let domain = domain.trim_end_matches(['.', '-']);
        let holds = (1..=64).contains(&local.len())
            && !local.contains(is_unseen)
            && domain.contains('.')
            && !domain.starts_with('.')
            && !domain.contains("..");
        let address = format!("{local}@{domain}").to_lowercase();
        if holds && !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_begin_words_and_addresses_say_nothing() {
        let folded = Folded::new("550  <Mailbox-Full@y.test>:\r\n User \u{2019}x\u{2019}  unknown; produced by x");
        assert_eq!(folded.as_str(), "550 <@>: user 'x' unknown; produced by x");
        let has = |phrase: &str| folded.has_in_order(&[phrase.to_owned()]);
        assert!(has("user 'x' unknown") && !has("uce") && !has("mailbox"));
        assert!(folded.has_in_order(&["user".into(), "unknown".into()]) && !folded.has_in_order(&["unknown".into(), "user".into()]));
        assert_eq!(Folded::new("a@b@c@ \u{e9}@\u{e9}").as_str(), "@@@ @");
        assert_eq!(Folded::new(&"\u{65e5}".repeat(10_000)).as_str().len(), 7_998);
    }

    #[test]
    fn addresses_are_found_wherever_they_stand() {
        let text = "<A@y.test>: b.c+d@z.test, (e@y.test). \"f g\"@y.test rfc822;h@y.test 'i@y.test' j@localhost @y.test k@ =l@y.test";
        assert_eq!(addresses(text, 99), ["a@y.test", "b.c+d@z.test", "e@y.test", "\"f g\"@y.test", "h@y.test", "i@y.test", "l@y.test"]);
        assert_eq!(addresses("utf-8; M\u{fc}ller@b\u{fc}ro.test \u{5b9b}\u{5148}p@y.test", 9), ["m\u{fc}ller@b\u{fc}ro.test", "p@y.test"]);
        assert_eq!(addresses("a@x.test a@x.test b@x.test c@x.test", 2), ["a@x.test", "b@x.test"]);
        assert_eq!(addresses(&format!("{}@x.test \u{e9}@\u{e9}", "a".repeat(65)), 9), Vec::<String>::new());
        assert_eq!(addresses(&"@".repeat(100_000), 9).len(), 0);
        assert_eq!(addresses(&"\"@".repeat(100_000), 9).len(), 0);
    }
}
