//! The one printer: data on standard output, talk on standard error.

use std::fmt::Display;
use std::io::{IsTerminal, Write};

/// Columns of output that is not a terminal's, and the most that text is set in: beyond it, lines are hard to read.
const WIDTH: usize = 100;

/// Where a command prints. A reader that has gone away (`| head`) ends the printing, not the work.
#[derive(Clone, Copy, Debug)]
pub struct Printer {
    quiet: bool,
}

#[expect(clippy::unused_self, reason = "who prints has been given a printer")]
impl Printer {
    /// A printer; a quiet one says nothing but data and errors.
    pub fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    /// Data: what the command was asked for.
    pub fn data(self, text: impl Display) {
        self.is_read(text);
    }

    /// The same for what has no end: says whether anybody still reads it.
    pub fn is_read(self, text: impl Display) -> bool {
        let mut out = anstream::stdout().lock();
        let text = text.to_string();
        let end = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
        write!(out, "{text}{end}").and_then(|()| out.flush()).is_ok()
    }

    /// JSON data, one value, indented for people.
    pub fn json(self, value: &impl serde::Serialize) {
        match serde_json::to_string_pretty(value) {
            Ok(text) => self.data(text),
            Err(e) => self.error(format_args!("the JSON could not be written: {e}")),
        }
    }

    /// Talk: what a person may want to know meanwhile.
    pub fn say(self, text: impl Display) {
        if !self.quiet {
            self.error(text);
        }
    }

    /// What went wrong.
    pub fn error(self, text: impl Display) {
        let mut err = anstream::stderr().lock();
        let _ = writeln!(err, "{text}");
    }

    /// The columns that text may take: the terminal's, at most 100; 100 elsewhere.
    pub fn width(self) -> usize {
        let terminal = console::Term::stdout().size_checked();
        terminal.map_or(WIDTH, |(_, columns)| usize::from(columns).clamp(60, WIDTH))
    }

    /// Whether a person watches.
    pub fn is_watched(self) -> bool {
        !self.quiet && std::io::stderr().is_terminal()
    }
}
