//! Folder names: in the world UTF-8 with `/` between levels, on the wire modified UTF-7 with the separator of the listener's face.

use imap_codec::imap_types::mailbox::Mailbox;

use crate::mail::imap::utf7;

/// The longest name that a folder gets.
const LONGEST: usize = 255;

/// How a listener writes names.
#[derive(Clone, Copy, Debug)]
pub(super) struct Names {
    /// Everything is below `INBOX.`, and `.` stands between levels.
    pub prefixed: bool,
}

impl Names {
    /// Between levels.
    pub fn separator(self) -> char {
        if self.prefixed { '.' } else { '/' }
    }

    /// Before every name but INBOX.
    pub fn prefix(self) -> &'static str {
        if self.prefixed { "INBOX." } else { "" }
    }

    /// A folder of the world, for the wire.
    pub fn to_wire(self, folder: &str) -> String {
        if folder == "INBOX" {
            return folder.to_owned();
        }
        format!("{}{}", self.prefix(), utf7::encode(&self.swapped(folder)))
    }

    /// A name from the wire; `None` where no folder can have it.
    pub fn of_wire(self, mailbox: &Mailbox<'_>) -> Option<String> {
        let Mailbox::Other(other) = mailbox else { return Some("INBOX".into()) };
        self.read(std::str::from_utf8(other.as_ref()).ok()?)
    }

    fn read(self, wire: &str) -> Option<String> {
        let wire = wire.strip_suffix(self.separator()).unwrap_or(wire);
        let own = wire.strip_prefix(self.prefix())?;
        let folder = self.swapped(&utf7::decode(own)?);
        let fits = folder.len() <= LONGEST && !folder.chars().any(char::is_control) && folder.split('/').all(|level| !level.is_empty());
        fits.then_some(folder)
    }

    /// With `.` and `/` in each other's place, where the separator is `.`.
    fn swapped(self, name: &str) -> String {
        if !self.prefixed {
            return name.to_owned();
        }
        let swap = |c| match c {
            '.' => '/',
            '/' => '.',
            other => other,
        };
        name.chars().map(swap).collect()
    }
}

/// Whether a name fits a pattern of LIST: `*` is anything, `%` anything within one level. Both on the wire.
pub(super) fn fits(pattern: &str, name: &str, separator: char) -> bool {
    // One row of the usual table: `row[n]` says whether the pattern so far fits the first n letters. Never exponential.
    let name: Vec<char> = name.chars().collect();
    let mut row: Vec<bool> = std::iter::once(true).chain(name.iter().map(|_| false)).collect();
    for p in pattern.chars() {
        let mut next = vec![false; row.len()];
        next[0] = row[0] && matches!(p, '*' | '%');
        for n in 0..name.len() {
            next[n + 1] = match p {
                '*' => row[n + 1] || next[n],
                '%' => row[n + 1] || (next[n] && name[n] != separator),
                literal => row[n] && literal == name[n],
            };
        }
        row = next;
    }
    row.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_over_the_wire_and_come_back() {
        for (prefixed, folder, wire) in [
            (false, "INBOX", "INBOX"),
            (false, "[Gmail]/Spam", "[Gmail]/Spam"),
            (false, "Entwürfe & mehr", "Entw&APw-rfe &- mehr"),
            (true, "INBOX", "INBOX"),
            (true, "Junk", "INBOX.Junk"),
            (true, "a/b.c", "INBOX.a.b/c"),
        ] {
            let names = Names { prefixed };
            assert_eq!(names.to_wire(folder), wire);
            assert_eq!(names.of_wire(&Mailbox::try_from(wire).unwrap()).as_deref(), Some(folder));
        }
        let read = |prefixed, wire: &str| Names { prefixed }.of_wire(&Mailbox::try_from(wire).unwrap());
        assert_eq!(read(false, "inbox").as_deref(), Some("INBOX"));
        assert_eq!(read(false, "a/").as_deref(), Some("a"));
        for none in ["", "/", "a//b", "&AOk", "&AAo-"] {
            assert_eq!(read(false, none), None, "{none}");
        }
        assert_eq!(read(true, "Junk"), None, "outside of its namespace");
    }

    #[test]
    fn patterns_fit_as_the_rfc_says() {
        for (pattern, name, yes) in [
            ("*", "a/b", true),
            ("%", "a", true),
            ("%", "a/b", false),
            ("a/%", "a/b", true),
            ("a/%", "a/b/c", false),
            ("a*c", "a/b/c", true),
            ("%/%", "a/b", true),
            ("INBOX", "INBOX", true),
            ("", "a", false),
            ("*%*%*%*%*%*%*%*%*%*%*%*%*%*%x", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false),
        ] {
            assert_eq!(fits(pattern, name, '/'), yes, "{pattern} {name}");
        }
    }
}
