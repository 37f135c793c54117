//! The library: what letters are made of, by language, and how one letter's words are drawn from it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use rand::{Rng, SeedableRng};

use super::read;
use super::template::{Bound, Fields, Slots, Template};
use super::thread::base_subject;
use super::{ComposeError, Draft};
use crate::chance::Stream;
use crate::words::Finding;

/// The shipped content files, by name.
pub(super) const SHIPPED: [(&str, &str); 4] = [
    ("en.yaml", include_str!("content/en.yaml")),
    ("de.yaml", include_str!("content/de.yaml")),
    ("fr.yaml", include_str!("content/fr.yaml")),
    ("es.yaml", include_str!("content/es.yaml")),
];

/// All content: the shipped languages and the user's files.
#[derive(Clone, Debug, Default)]
pub struct Library {
    pub(super) slots: Slots,
    pub(super) languages: BTreeMap<String, Language>,
}

/// What one language has.
#[derive(Clone, Debug, Default)]
pub(super) struct Language {
    pub greetings: Vec<Template>,
    pub farewells: Vec<Template>,
    /// A kind word at the end of two starts of three. Answers have none: many of these thank for what is still asked.
    pub wishes: Vec<Template>,
    pub attribution: Option<Template>,
    /// January to December, or empty: numbers then.
    pub months: Vec<String>,
    pub topics: Vec<Topic>,
    /// Answers to a letter whose topic is not known.
    pub answers: Script,
    /// Answers to answers.
    pub follow_ups: Script,
}

/// Something to write about.
#[derive(Clone, Debug)]
pub(super) struct Topic {
    pub subjects: Vec<Template>,
    pub start: Script,
    /// Answers that fit any start of the topic.
    pub answers: Option<Script>,
}

/// The sentences of a letter: one of each is taken.
#[derive(Clone, Debug, Default)]
pub(super) struct Script {
    pub openings: Vec<Template>,
    pub bodies: Vec<Template>,
    pub closings: Vec<Template>,
}

impl Script {
    pub fn is_empty(&self) -> bool {
        self.openings.is_empty() || self.bodies.is_empty() || self.closings.is_empty()
    }
}

/// A letter's words before they are made a message. The subject is empty for an answer: that is its parent's.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Words {
    pub subject: String,
    pub text: String,
}

impl Library {
    /// The shipped content: English, German, French and Spanish.
    ///
    /// # Panics
    /// Never: the shipped files are part of the program, and a test reads them.
    pub fn shipped() -> Self {
        // Read once: a rehearsal of many seeds asks for it with each.
        static READ: LazyLock<Library> = LazyLock::new(|| {
            let mut library = Library::default();
            for (name, text) in SHIPPED {
                let findings = read::add_file(&mut library, &PathBuf::from(name), text);
                assert!(findings.is_empty(), "the shipped content is faulty: {findings:?}");
            }
            library
        });
        READ.clone()
    }

    /// The shipped content and the user's files, in the order given. A file for a language that is there adds to it, unless it says `replaces: true`.
    ///
    /// # Errors
    /// Every fault of every file, with its place.
    pub fn with_files(files: &[(PathBuf, String)]) -> Result<Self, Vec<Finding>> {
        let mut library = Self::shipped();
        let findings: Vec<Finding> = files.iter().flat_map(|(path, text)| read::add_file(&mut library, path, text)).collect();
        if findings.is_empty() { Ok(library) } else { Err(findings) }
    }

    /// The languages that letters can be written in, in alphabetical order.
    pub fn languages(&self) -> Vec<&str> {
        self.languages.keys().map(String::as_str).collect()
    }

    /// A language's part. Tags are compared without case.
    pub(super) fn language(&self, tag: &str) -> Result<&Language, ComposeError> {
        self.languages.get(&tag.to_ascii_lowercase()).ok_or_else(|| ComposeError::Language(tag.chars().take(40).collect()))
    }

    /// Draws a letter's words from its content draw: the same draft gives the same words.
    pub(super) fn draw(&self, draft: &Draft<'_>) -> Result<Words, ComposeError> {
        let language = self.language(draft.language)?;
        let mut draw = Draw { slots: &self.slots, bound: Bound::new(), stream: Stream::seed_from_u64(draft.content) };
        let (subject, script) = match &draft.parent {
            None => {
                let topic = draw.one(&language.topics)?;
                let subject = draw.one(&topic.subjects)?;
                (Some(subject), &topic.start)
            }
            Some(parent) if parent.references.is_empty() => match self.recognise(language, &parent.subject) {
                Some((answers, bound)) => {
                    draw.bound = bound;
                    (None, answers)
                }
                None => (None, &language.answers),
            },
            Some(_) => (None, &language.follow_ups),
        };
        let text = draw.text(language, script, draft)?;
        let subject = subject.map(|template| draw.say(template, &Fields::default())).unwrap_or_default();
        Ok(Words { subject, text })
    }

    /// The answers of the topic that a subject belongs to, with what the subject says of the topic's slots.
    fn recognise<'l>(&self, language: &'l Language, subject: &str) -> Option<(&'l Script, Bound)> {
        let subject = base_subject(subject);
        language.topics.iter().find_map(|topic| {
            let answers = topic.answers.as_ref()?;
            topic.subjects.iter().find_map(|template| template.read_back(&subject, &self.slots)).map(|bound| (answers, bound))
        })
    }
}

/// The draws of one letter: a slot is drawn once and keeps its value through subject and text.
struct Draw<'l> {
    slots: &'l Slots,
    bound: Bound,
    stream: Stream,
}

impl Draw<'_> {
    /// One of a list, each as likely as another.
    fn one<'t, T>(&mut self, list: &'t [T]) -> Result<&'t T, ComposeError> {
        // u32: the same draw on every machine, whatever the width of usize.
        let n = u32::try_from(list.len()).unwrap_or(u32::MAX);
        if n == 0 {
            return Err(ComposeError::NothingToSay);
        }
        let at = self.stream.random_range(0..n);
        list.get(at as usize).ok_or(ComposeError::NothingToSay)
    }

    /// A template with its slots filled; those that are new are drawn.
    fn say(&mut self, template: &Template, fields: &Fields) -> String {
        for slot in template.slots() {
            if !self.bound.contains_key(&slot) {
                let rows = u32::try_from(self.slots.rows(slot)).unwrap_or(u32::MAX).max(1);
                let row = self.stream.random_range(0..rows);
                self.bound.insert(slot, row as usize);
            }
        }
        template.render(self.slots, &self.bound, fields)
    }

    /// Greeting, sentences, farewell and name.
    fn text(&mut self, language: &Language, script: &Script, draft: &Draft<'_>) -> Result<String, ComposeError> {
        let fields = Fields::of_recipient(&draft.to);
        let greeting = self.greeting(&language.greetings, &fields)?;
        let opening = self.one(&script.openings)?;
        let body = self.one(&script.bodies)?;
        let closing = self.one(&script.closings)?;
        let may_wish = draft.parent.is_none() && !language.wishes.is_empty();
        let wish = if may_wish && self.stream.random_range(0..3u32) > 0 { Some(self.one(&language.wishes)?) } else { None };
        let farewell = self.one(&language.farewells)?;
        let breaks = [("\n\n", " "), (" ", "\n\n"), (" ", " ")];
        let (before_body, before_closing) = *self.one(&breaks)?;

        let none = Fields::default();
        let mut text = format!("{greeting}\n\n{}{before_body}{}", self.say(opening, &none), self.say(body, &none));
        text.push_str(before_closing);
        text.push_str(&self.say(closing, &none));
        if let Some(wish) = wish {
            text.push(' ');
            text.push_str(&self.say(wish, &none));
        }
        text.push_str("\n\n");
        text.push_str(&self.say(farewell, &none));
        if let Some(name) = draft.from.shown_name() {
            text.push('\n');
            text.push_str(&name);
        }
        Ok(text)
    }

    /// A greeting by the best name that is known.
    fn greeting(&mut self, greetings: &[Template], fields: &Fields) -> Result<String, ComposeError> {
        let best = greetings.iter().filter_map(|g| g.name_rank(fields)).max().ok_or(ComposeError::NothingToSay)?;
        let fitting: Vec<&Template> = greetings.iter().filter(|g| g.name_rank(fields) == Some(best)).collect();
        let template = *self.one(&fitting)?;
        Ok(self.say(template, fields))
    }
}
