//! Everything that is wrong with a file, gathered while it is read, each with its place, its line and a hint.
//!
//! What stands where a secret belongs is hidden before any line of the file is shown.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::words::{Finding, Severity, Source, is_unseen};

use super::tree::{Node, Place, Tree};

/// The most hints by likeness that are looked for in one file; a file with more faults than this has another trouble.
const MOST_NEAREST: usize = 300;

/// The findings of one file.
pub struct Findings<'a> {
    file: PathBuf,
    text: &'a str,
    /// The first byte of each line, then the text's length.
    lines: Vec<usize>,
    /// First byte to last byte of each stretch that must not be shown.
    hidden: BTreeMap<usize, usize>,
    found: Vec<(Place, Finding)>,
    nearest_asked: usize,
    /// Whom the next findings are about: `config`, or a mailbox's address.
    pub subject: String,
}

impl<'a> Findings<'a> {
    /// None yet, of `file`, which holds `text`.
    pub fn of(file: &Path, text: &'a str) -> Self {
        Self {
            file: file.to_owned(),
            text,
            lines: line_starts(text),
            hidden: BTreeMap::new(),
            found: Vec::new(),
            nearest_asked: 0,
            subject: "config".to_owned(),
        }
    }

    /// The next findings are about the config as a whole.
    pub fn about_the_config(&mut self) {
        "config".clone_into(&mut self.subject);
    }

    /// Something that keeps the file from being used, and what to do about it.
    pub fn error(&mut self, at: Place, what: impl Into<String>, hint: impl Into<String>) {
        self.add(at, Finding::error(self.subject.clone(), what), hint.into());
    }

    /// Something worth a word although the file can be used.
    pub fn warning(&mut self, at: Place, what: impl Into<String>, hint: impl Into<String>) {
        self.add(at, Finding::warning(self.subject.clone(), what), hint.into());
    }

    fn add(&mut self, at: Place, finding: Finding, hint: String) {
        let finding = if hint.is_empty() { finding } else { finding.hint(hint) };
        self.found.push((at, finding));
    }

    /// Whether there is an error among them.
    pub fn has_errors(&self) -> bool {
        self.found.iter().any(|(_, f)| f.severity == Severity::Error)
    }

    /// Keeps every value below `node` out of what is shown, wherever it is written.
    pub fn hide(&mut self, node: &Node) {
        match &node.value {
            Tree::List(items) => items.iter().for_each(|n| self.hide(n)),
            Tree::Map(entries) => entries.iter().for_each(|e| {
                self.hide_place(e.at);
                self.hide(&e.node);
            }),
            Tree::Null => {}
            Tree::Bool(_) | Tree::Whole(_) | Tree::Number(_) | Tree::Text(_) => {
                self.hide_place(node.at);
                self.hide_place(node.defined);
            }
        }
    }

    /// Keeps a stretch of the file out of what is shown: the bytes of `at`, or the rest of its line where they are not known.
    pub fn hide_place(&mut self, at: Place) {
        let (from, to) = if at.bytes.1 > at.bytes.0 {
            at.bytes
        } else {
            let (start, end) = self.line_bytes(at.line);
            let line = self.text.get(start..end).unwrap_or_default();
            let offset = line.char_indices().nth(at.column as usize - 1).map_or(line.len(), |(i, _)| i);
            (start + offset, end)
        };
        let known = self.hidden.entry(from).or_insert(to);
        *known = to.max(*known);
    }

    /// The known word most like `word`, if it is near enough to be a slip.
    pub fn nearest<'w>(&mut self, word: &str, known: impl IntoIterator<Item = &'w str>) -> Option<&'w str> {
        self.nearest_asked += 1;
        if self.nearest_asked > MOST_NEAREST || word.len() > 60 {
            return None;
        }
        let folded = word.to_lowercase();
        let near = |k: &str| strsim::damerau_levenshtein(&folded, &k.to_lowercase());
        let bound = (folded.chars().count() / 3).clamp(1, 4);
        known.into_iter().map(|k| (near(k), k)).min().filter(|(distance, _)| *distance <= bound).map(|(_, k)| k)
    }

    /// The place as others see it: file, line, column, and the line with what is hidden left out.
    pub fn source(&self, at: Place) -> Source {
        Source { file: self.file.clone(), line: at.line, column: at.column, text: self.shown_line(at.line) }
    }

    /// What stands in the file at `at`; empty where the bytes are not known.
    pub fn raw(&self, at: Place) -> &'a str {
        self.text.get(at.bytes.0..at.bytes.1).unwrap_or_default()
    }

    /// All of them in the order of the file: what is wrong, and what is only worth a word.
    pub fn finish(mut self) -> (Vec<Finding>, Vec<Finding>) {
        let mut found = std::mem::take(&mut self.found);
        found.sort_by_key(|(at, _)| (at.line, at.column));
        found.into_iter().map(|(at, f)| f.at(self.source(at))).partition(|f| f.severity == Severity::Error)
    }

    fn line_bytes(&self, line: u32) -> (usize, usize) {
        let i = line.max(1) as usize - 1;
        let start = self.lines.get(i).copied().unwrap_or(self.text.len());
        (start, self.lines.get(i + 1).copied().unwrap_or(self.text.len()))
    }

    fn shown_line(&self, line: u32) -> String {
        const LONGEST: usize = 400;
        let (start, end) = self.line_bytes(line);
        let mut shown = String::new();
        let mut at = start;
        let before = self.hidden.range(..start).next_back();
        for (&from, &to) in before.into_iter().chain(self.hidden.range(start..end)) {
            if to <= at || from >= end {
                continue;
            }
            shown.push_str(self.text.get(at..from.max(at)).unwrap_or_default());
            shown.push_str("***");
            at = to.min(end);
        }
        shown.push_str(self.text.get(at..end).unwrap_or_default());
        let shown = shown.trim_end_matches(['\n', '\r']);
        shown.chars().take(LONGEST).collect()
    }
}

/// The first byte of every line. A line ends with LF, CR LF, or CR alone, as in YAML.
fn line_starts(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let mut starts = vec![0];
    for (i, b) in bytes.iter().enumerate() {
        if *b == b'\n' || (*b == b'\r' && bytes.get(i + 1) != Some(&b'\n')) {
            starts.push(i + 1);
        }
    }
    starts
}

/// A user's text made fit for a message: in backquotes, controls replaced, cut at 40 characters.
pub fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(40).map(|c| if is_unseen(c) { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(40).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(line: u32, column: u32, from: usize, to: usize) -> Place {
        Place { line, column, bytes: (from, to) }
    }

    #[test]
    fn findings_come_in_the_order_of_the_file_with_their_lines() {
        let text = "a: 1\r\nb: 2\rc: 3\n";
        let mut f = Findings::of(Path::new("p.yaml"), text);
        f.error(place(3, 1, 0, 0), "third", "");
        f.warning(place(2, 1, 0, 0), "second", "do it");
        f.error(place(1, 4, 0, 0), "first", "");
        assert!(f.has_errors());
        let (errors, warnings) = f.finish();
        let seen: Vec<_> = errors.iter().map(|f| (f.what.as_str(), f.source.as_ref().unwrap().text.as_str())).collect();
        assert_eq!(seen, [("first", "a: 1"), ("third", "c: 3")]);
        assert_eq!(warnings[0].source.as_ref().unwrap().text, "b: 2");
    }

    #[test]
    fn hidden_stretches_are_never_shown_on_any_line_they_touch() {
        let text = "x: é\nsecret: \"one\n  two\"  # end\nlast: 1\n";
        let from = text.find('"').unwrap();
        let to = text.rfind('"').unwrap() + 1;
        let mut f = Findings::of(Path::new("p.yaml"), text);
        f.hide_place(place(2, 9, from, to));
        f.hide_place(place(1, 4, 0, 0));
        let lines: Vec<String> = (1..=5).map(|l| f.source(place(l, 1, 0, 0)).text).collect();
        assert_eq!(lines, ["x: ***", "secret: ***", "***  # end", "last: 1", ""]);
    }

    #[test]
    fn likeness_has_a_bound() {
        let mut f = Findings::of(Path::new("p.yaml"), "");
        assert_eq!(f.nearest("mailboxs", ["pool", "mailboxes"]), Some("mailboxes"));
        assert_eq!(f.nearest("Europe/Berln", ["Europe/Berlin", "Europe/Bern"]), Some("Europe/Berlin"));
        assert_eq!(f.nearest("colour", ["pool", "mailboxes"]), None);
    }
}
