//! A finding: what `check` or the config reader says, and what to do about it.

use std::fmt;
use std::path::PathBuf;

use super::is_unseen;
use super::mailbox_kind::word;

word! {
    /// How bad a finding is.
    Severity {
        /// For information.
        Note = "note",
        /// Works, but worse than it could.
        Warning = "warning",
        /// Does not work.
        Error = "error",
    }
}

/// A place in a file of the user's, shown with its line.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Source {
    /// The file as the user named it.
    pub file: PathBuf,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// The line itself, without its end.
    pub text: String,
}

/// One thing that is wrong or worth knowing, where, and the hint.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// Whom or what it is about: a mailbox, a domain, `config`.
    pub subject: String,
    /// Where in the config, if it came from there.
    pub source: Option<Source>,
    /// What is so, in one sentence.
    pub what: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Finding {
    /// An error about `subject`.
    pub fn error(subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self { severity: Severity::Error, subject: subject.into(), source: None, what: what.into(), hint: None }
    }

    /// A warning about `subject`.
    pub fn warning(subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(subject, what) }
    }

    /// A note about `subject`.
    pub fn note(subject: impl Into<String>, what: impl Into<String>) -> Self {
        Self { severity: Severity::Note, ..Self::error(subject, what) }
    }

    /// With what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With where it stands.
    #[must_use]
    pub fn at(mut self, source: Source) -> Self {
        self.source = Some(source);
        self
    }
}

impl fmt::Display for Finding {
    /// `file:line:col: error: what`, the line with a caret below it, and `hint: …`; readable without colour.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(s) = &self.source {
            writeln!(f, "{}:{}:{}: {}: {}", s.file.display(), s.line, s.column, self.severity, self.what)?;
            let shown: String = s.text.chars().take(160).map(|c| if is_unseen(c) { ' ' } else { c }).collect();
            write!(f, "    {shown}\n    {}^", " ".repeat((s.column.max(1) as usize - 1).min(160)))?;
        } else {
            write!(f, "{}: {}: {}", self.severity, self.subject, self.what)?;
        }
        match &self.hint {
            Some(h) => write!(f, "\n  hint: {h}"),
            None => Ok(()),
        }
    }
}
