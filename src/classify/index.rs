//! Many phrases, looked for at once: which of them can stand in a text at all.
//!
//! There are two thousand phrases in the rules, and a report may be read in thousands. One pass over the text says of which of them the longest piece
//! is there; only those are looked at more closely.

use aho_corasick::AhoCorasick;

use super::text::Folded;

/// Finds the phrases of a list whose longest piece stands somewhere in a text.
#[derive(Debug)]
pub struct Index {
    /// `None` only if the automaton could not be built: then every phrase may fit.
    automaton: Option<AhoCorasick>,
    /// How many phrases there are.
    phrases: usize,
}

impl Index {
    /// An index of phrases, each in its pieces. A phrase without pieces stands in every text.
    pub fn of<'a>(phrases: impl IntoIterator<Item = &'a [String]>) -> Self {
        let longest: Vec<&str> =
            phrases.into_iter().map(|pieces| pieces.iter().max_by_key(|p| p.len()).map_or("", String::as_str)).collect();
        Self { phrases: longest.len(), automaton: AhoCorasick::new(longest).ok() }
    }

    /// The phrases that may stand in the text, by their place in the list, in its order.
    pub fn candidates(&self, text: &Folded) -> Vec<usize> {
        let Some(automaton) = &self.automaton else { return (0..self.phrases).collect() };
        let mut found: Vec<usize> = automaton.find_overlapping_iter(text.as_str()).map(|found| found.pattern().as_usize()).collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_stand_in_a_text_is_not_looked_at_and_what_can_is_in_its_order() {
        let phrases: Vec<Vec<String>> = [&["user", "unknown"][..], &["full"], &[], &["is full"], &["unknown"]]
            .map(|p| p.iter().map(|s| (*s).to_owned()).collect())
            .to_vec();
        let index = Index::of(phrases.iter().map(Vec::as_slice));
        assert_eq!(index.candidates(&Folded::new("it is full, it is unknown")), [0, 1, 2, 3, 4]);
        assert_eq!(index.candidates(&Folded::new("The user is fully there")), [1, 2, 3]);
        assert_eq!(index.candidates(&Folded::new("")), [2]);
        assert_eq!(Index::of([]).candidates(&Folded::new("x")), [] as [usize; 0]);
    }
}
