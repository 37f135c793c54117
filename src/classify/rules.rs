//! The ordered rules on what servers say: `rules.txt`, read once. Its head says how a line is written.

use std::sync::OnceLock;

use super::index::Index;
use super::text::{self, Folded};
use crate::words::{Enhanced, Provider, RefusalClass};

const SHIPPED: &str = include_str!("rules.txt");

/// One rule: it fits where all that it asks for is so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Where it stands in the file, from 1.
    pub line: usize,
    /// What it says.
    pub class: RefusalClass,
    speaker: Option<Provider>,
    enhanced: Vec<EnhancedIs>,
    replies: Vec<u16>,
    /// All of them, in this order; empty: a rule on the codes alone.
    words: Vec<String>,
}

/// An enhanced code that a rule asks for; without a class, 4 and 5 both are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct EnhancedIs {
    class: Option<u8>,
    subject: u16,
    detail: u16,
}

impl EnhancedIs {
    fn parse(text: &str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix("x.") {
            let any = Enhanced::leading(&format!("5.{rest}"))?;
            return Some(Self { class: None, subject: any.subject, detail: any.detail });
        }
        let one = Enhanced::leading(text)?;
        Some(Self { class: Some(one.class), subject: one.subject, detail: one.detail })
    }

    fn is(self, code: Enhanced) -> bool {
        let class_fits = self.class.map_or(code.class != 2, |class| class == code.class);
        class_fits && (self.subject, self.detail) == (code.subject, code.detail)
    }
}

/// What a rule is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// Whose server spoke; [`Provider::Generic`] where that is not known.
    pub speaker: Provider,
    /// Its reply code, 400 to 599.
    pub reply: Option<u16>,
    /// Its enhanced code.
    pub enhanced: Option<Enhanced>,
    /// Its words.
    pub words: &'a Folded,
}

impl Rule {
    fn parse(line: usize, class: RefusalClass, text: &str) -> Option<Self> {
        let (conditions, words) = text.split_once(" |").unwrap_or(("", text));
        let mut rule = Self { line, class, speaker: None, enhanced: Vec::new(), replies: Vec::new(), words: Vec::new() };
        // A bar among the words is one of them.
        let is_condition = |c: &str| c.starts_with('@') || c.starts_with("x.") || c.starts_with(|d: char| d.is_ascii_digit());
        let (conditions, words) = if conditions.split_whitespace().all(is_condition) { (conditions, words) } else { ("", text) };
        for condition in conditions.split_whitespace() {
            if let Some(name) = condition.strip_prefix('@') {
                rule.speaker = Some(Provider::parse(name)?);
            } else if condition.contains('.') {
                rule.enhanced.push(EnhancedIs::parse(condition)?);
            } else {
                rule.replies.push(condition.parse().ok()?);
            }
        }
        rule.words = words.split("...").map(str::trim).filter(|w| !w.is_empty()).map(str::to_owned).collect();
        let asks = !rule.words.is_empty() || !rule.enhanced.is_empty() || !rule.replies.is_empty();
        asks.then_some(rule)
    }

    fn fits(&self, said: &Said<'_>) -> bool {
        self.speaker.is_none_or(|s| s == said.speaker)
            && (self.enhanced.is_empty() || said.enhanced.is_some_and(|code| self.enhanced.iter().any(|e| e.is(code))))
            && (self.replies.is_empty() || said.reply.is_some_and(|code| self.replies.contains(&code)))
            && said.words.has_in_order(&self.words)
    }

    /// What it looks for, in short words: for the evidence.
    pub fn asks_for(&self) -> String {
        if self.words.is_empty() {
            let codes =
                self.enhanced.iter().map(|e| format!("{}.{}.{}", e.class.map_or("x".into(), |c| c.to_string()), e.subject, e.detail));
            return codes.chain(self.replies.iter().map(ToString::to_string)).collect::<Vec<_>>().join(" ");
        }
        format!("\"{}\"", self.words.join(" ... "))
    }
}

/// The rules in their order: those with words, and those on codes alone.
#[derive(Debug)]
pub struct Rules {
    with_words: Vec<Rule>,
    index: Index,
    codes_alone: Vec<Rule>,
}

impl Rules {
    /// The shipped rules.
    pub fn shipped() -> &'static Self {
        static RULES: OnceLock<Rules> = OnceLock::new();
        // The shipped file is proved whole by a test; a line that could not be read would be passed over.
        RULES.get_or_init(|| Self::parse(SHIPPED).unwrap_or_else(|_| Self::new(Vec::new(), Vec::new())))
    }

    /// Reads rules.
    ///
    /// # Errors
    /// The number of the first line that cannot be read.
    pub fn parse(text: &str) -> Result<Self, usize> {
        let (mut with_words, mut codes_alone) = (Vec::new(), Vec::new());
        let mut class = None;
        for (n, line) in text::data_lines(text) {
            // "[bl21]" is a word of servers.
            if let Some(name) = text::heading(line).filter(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')) {
                class = Some(RefusalClass::parse(name).ok_or(n)?);
                continue;
            }
            let rule = class.and_then(|class| Rule::parse(n, class, line)).ok_or(n)?;
            if rule.words.is_empty() { codes_alone.push(rule) } else { with_words.push(rule) }
        }
        Ok(Self::new(with_words, codes_alone))
    }

    fn new(with_words: Vec<Rule>, codes_alone: Vec<Rule>) -> Self {
        let index = Index::of(with_words.iter().map(|rule| rule.words.as_slice()));
        Self { with_words, index, codes_alone }
    }

    /// The first rule with words that fits.
    pub fn by_words(&self, said: &Said<'_>) -> Option<&Rule> {
        self.index.candidates(said.words).into_iter().map(|n| &self.with_words[n]).find(|rule| rule.fits(said))
    }

    /// The first rule on codes alone that fits.
    pub fn by_code(&self, said: &Said<'_>) -> Option<&Rule> {
        self.codes_alone.iter().find(|rule| rule.fits(said))
    }

    /// The first rule that fits: words first, then codes.
    pub fn find(&self, said: &Said<'_>) -> Option<&Rule> {
        self.by_words(said).or_else(|| self.by_code(said))
    }
}

#[cfg(test)]
mod tests;
