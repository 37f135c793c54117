//! Names by which folders are known where the server does not say what they are for: the table in `folder_names.txt`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

use super::utf7;
use crate::mail::FolderName;
use crate::words::{FolderRole, Provider, Reply};

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::parse(include_str!("folder_names.txt")));

/// The languages' names by folded name; providers' paths by (provider, folded path). The number is the line: earlier is better.
#[derive(Debug, Default)]
struct Table {
    by_language: BTreeMap<String, Known>,
    by_provider: BTreeMap<(Provider, String), Known>,
}

/// A known name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// What the folder is for.
    pub role: FolderRole,
    /// The language, `any`, or the provider's word.
    pub tongue: &'static str,
    /// Its line in the table: of two folders with one role, the one with the lower rank is taken.
    pub rank: usize,
}

impl Table {
    /// Lines that cannot be read are left out; a test sees to it that there are none.
    fn parse(text: &'static str) -> Self {
        let mut table = Self::default();
        for (rank, line) in text.lines().enumerate() {
            let Some((role, tongue, name)) = read_line(line) else { continue };
            match tongue.strip_prefix('@') {
                Some("any") => drop(table.by_language.entry(fold(name)).or_insert(Known { role, tongue: "any", rank })),
                Some(word) => {
                    if let Some(provider) = Provider::parse(word) {
                        table.by_provider.entry((provider, fold(name))).or_insert(Known { role, tongue: word, rank });
                    }
                }
                None => drop(table.by_language.entry(fold(name)).or_insert(Known { role, tongue, rank })),
            }
        }
        table
    }
}

fn read_line(line: &'static str) -> Option<(FolderRole, &'static str, &'static str)> {
    let mut words = line.splitn(3, ' ');
    let role = FolderRole::parse(words.next()?)?;
    Some((role, words.next()?, words.next()?))
}

/// What a path is known as at `provider`.
pub(super) fn known_at(provider: Provider, path: &str) -> Option<Known> {
    TABLE.by_provider.get(&(provider, fold(path))).copied()
}

/// What a folder's own name, without its parents, is known as in some language.
pub(super) fn known_as(name: &str) -> Option<Known> {
    TABLE.by_language.get(&fold(name)).copied()
}

/// Folds a name so that spellings of one name are equal: NFKC, lower case, runs of white space as one space.
pub(super) fn fold(name: &str) -> String {
    let lower: String = name.nfkc().flat_map(char::to_lowercase).nfkc().collect();
    lower.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A folder's name from its name on the wire: decoded for people where it is modified UTF-7, as it stands where it is not.
pub(super) fn folder_name(wire: &str) -> FolderName {
    let shown = Reply::clean(&utf7::decode(wire).unwrap_or_else(|| wire.to_owned()));
    FolderName { wire: wire.to_owned(), shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read_and_no_name_has_two_roles() {
        let mut roles: BTreeMap<String, FolderRole> = BTreeMap::new();
        for line in include_str!("folder_names.txt").lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
            let (role, tongue, name) = read_line(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(name, name.trim(), "{line}");
            match tongue.strip_prefix('@') {
                Some("any") | None => assert_eq!(*roles.entry(fold(name)).or_insert(role), role, "{line}"),
                Some(provider) => assert!(Provider::parse(provider).is_some(), "{line}"),
            }
        }
        let spam = TABLE.by_language.values().filter(|k| k.role == FolderRole::Spam).count();
        assert!(spam >= 145, "{spam} names of spam folders");
    }

    #[test]
    fn spellings_of_one_name_are_one_name() {
        for name in ["Courrier indésirable", "courrier  INDE\u{301}SIRABLE", "Ｃourrier indésirable"] {
            assert_eq!(known_as(name).map(|k| (k.role, k.tongue)), Some((FolderRole::Spam, "fr")), "{name}");
        }
        assert_eq!(known_as("İSTENMEYEN").map(|k| k.tongue), Some("tr"));
        assert_eq!(known_as("迷惑ﾒｰﾙ").map(|k| k.tongue), Some("ja"), "half-width kana");
        assert_eq!(known_as("Spammy things"), None);
        assert_eq!(known_at(Provider::Gmail, "[Google Mail]/Spam").map(|k| k.role), Some(FolderRole::Spam));
        assert_eq!(known_at(Provider::Generic, "[Google Mail]/Spam"), None);
    }

    #[test]
    fn a_name_that_cannot_be_decoded_is_shown_as_it_stands_without_controls() {
        assert_eq!(folder_name("Ind&AOk-sirable").shown, "Indésirable");
        assert_eq!(folder_name("Bad&AOk").shown, "Bad&AOk");
        assert_eq!(folder_name("&ABs-[31mred").shown, "[31mred");
    }
}
