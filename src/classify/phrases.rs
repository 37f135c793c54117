//! The phrases by which messages are known: `phrases.txt`, read once. Its head says how it is written.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::index::Index;
use super::text::{self, Folded};

const SHIPPED: &str = include_str!("phrases.txt");

type Sections = BTreeMap<&'static str, Section>;

struct Section {
    phrases: Vec<Vec<String>>,
    index: Index,
}

fn sections() -> &'static Sections {
    static SECTIONS: OnceLock<Sections> = OnceLock::new();
    SECTIONS.get_or_init(|| {
        let mut sections: BTreeMap<&str, Vec<Vec<String>>> = BTreeMap::new();
        let mut name = "";
        for (_, line) in text::data_lines(SHIPPED) {
            if let Some(heading) = text::heading(line) {
                name = heading;
                continue;
            }
            let pieces = line.split("...").map(|p| p.trim().to_owned()).collect();
            sections.entry(name).or_default().push(pieces);
        }
        let with_index = |phrases: Vec<Vec<String>>| Section { index: Index::of(phrases.iter().map(Vec::as_slice)), phrases };
        sections.into_iter().map(|(name, phrases)| (name, with_index(phrases))).collect()
    })
}

fn section(name: &str) -> &'static [Vec<String>] {
    sections().get(name).map_or(&[], |section| section.phrases.as_slice())
}

/// The first phrase of a section that stands in a text.
pub fn found(name: &str, folded: &Folded) -> Option<String> {
    let section = sections().get(name)?;
    let mut phrases = section.index.candidates(folded).into_iter().map(|n| &section.phrases[n]);
    phrases.find(|phrase| folded.has_in_order(phrase)).map(|phrase| phrase.join(" ... "))
}

/// Whether a text begins with a phrase of a section.
pub fn begins(name: &str, folded: &Folded) -> bool {
    section(name)
        .iter()
        .any(|phrase| phrase.first().is_some_and(|p| folded.as_str().starts_with(p.as_str())) && folded.has_in_order(phrase))
}

/// Whether a text is a phrase of a section, or begins with one of several words: "Postmaster", "Mail Delivery System", but not "Postmaster Paul".
pub fn is_name(name: &str, folded: &Folded) -> bool {
    let phrases = section(name).iter().filter_map(|phrase| phrase.first());
    phrases.into_iter().any(|p| folded.as_str() == p || p.contains(' ') && folded.as_str().starts_with(p.as_str()))
}

/// Whether a text begins or ends with a phrase of a section, as a word of its own.
pub fn is_at_an_end(name: &str, text: &str) -> bool {
    let parted = |rest: &str, at_start: bool| {
        rest.is_empty() || if at_start { !rest.starts_with(char::is_alphanumeric) } else { !rest.ends_with(char::is_alphanumeric) }
    };
    let phrases = section(name).iter().filter_map(|phrase| phrase.first());
    phrases.into_iter().any(|p| {
        text.strip_prefix(p.as_str()).is_some_and(|r| parted(r, true)) || text.strip_suffix(p.as_str()).is_some_and(|r| parted(r, false))
    })
}

/// Whether a text is a phrase of a section, whole.
pub fn is_one(name: &str, text: &str) -> bool {
    section(name).iter().any(|phrase| phrase.first().is_some_and(|p| p == text) && phrase.len() == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_section_that_is_asked_for_is_there() {
        let names: Vec<_> = sections().keys().copied().collect();
        assert_eq!(
            names,
            [
                "auto-reply subject",
                "bounce opening",
                "bounce subject",
                "complaint opening",
                "complaint subject",
                "daemon address",
                "daemon name",
                "delay",
                "list refusal",
                "machine address",
                "notice subject",
                "original follows",
                "refused at data",
                "refused at rcpt",
                "report goes on",
                "speaker gmail",
                "speaker icloud",
                "speaker microsoft",
                "speaker yahoo",
                "unsubscribe subject",
                "unsubscribe word",
                "unsubscribe words",
            ]
        );
    }

    #[test]
    fn every_phrase_is_found_in_itself() {
        for (name, section) in sections() {
            for phrase in &section.phrases {
                let folded = Folded::new(&phrase.join(" "));
                assert!(found(name, &folded).is_some(), "[{name}] {phrase:?} is not as texts are folded");
            }
        }
    }
}
