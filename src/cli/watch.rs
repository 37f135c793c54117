//! What `run` shows while it works: a live line on a terminal, plain lines elsewhere.

use std::fmt::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::printer::Printer;
use crate::run::{News, Progress};
use crate::words::{Moment, Placement};

/// Between two summary lines where nobody watches, in plan time.
const SUMMARY_EVERY: Duration = Duration::from_hours(1);

/// Counts what happens and says it.
pub struct Watcher {
    printer: Printer,
    verbose: bool,
    bar: Option<ProgressBar>,
    tally: Mutex<Tally>,
}

#[derive(Clone, Copy, Default)]
struct Tally {
    letters: u32,
    sent: u32,
    answers: u32,
    inbox: u32,
    spam: u32,
    rescued: u32,
    opened: u32,
    refused: u32,
    deferred: u32,
    uncertain: u32,
    skipped: u32,
    missing: u32,
    said_at: Option<Moment>,
}

impl fmt::Debug for Watcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watcher")
    }
}

impl Watcher {
    /// One that shows a live line where a person watches.
    pub fn new(printer: Printer, verbose: bool) -> Self {
        let bar = printer.is_watched().then(|| {
            let style = ProgressStyle::with_template("{bar:20} {pos}/{len}  {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr_with_hz(10)).with_style(style);
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { printer, verbose, bar, tally: Mutex::default() }
    }

    /// The last word.
    pub fn finish(&self, now: Moment) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let tally = *self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        self.printer.say(format_args!("{} {}", clock_time(now), tally.in_words()));
    }

    fn line(&self, now: Moment, text: &str) {
        self.say(&format!("{} {text}", clock_time(now)));
    }

    /// Says something above the live line.
    pub fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.printer.error(text)),
            None => self.printer.say(text),
        }
    }
}

/// Plan time, in UTC, for lines of a log.
fn clock_time(now: Moment) -> String {
    now.utc().format("%Y-%m-%d %H:%M:%SZ").to_string()
}

impl Tally {
    fn take(&mut self, news: &News) {
        match news {
            News::Prepared { letters, .. } => self.letters = *letters,
            News::Sent { answer, .. } => {
                self.sent += 1;
                self.answers += u32::from(*answer);
            }
            News::Deferred(..) => self.deferred += 1,
            News::Rejected(..) => self.refused += 1,
            News::Uncertain(..) => self.uncertain += 1,
            News::Skipped(_, n, _) => self.skipped += n,
            News::Seen { letters, placement: Placement::Spam, .. } => self.spam += letters,
            News::Seen { letters, .. } => self.inbox += letters,
            News::Rescued(_, n) => self.rescued += n,
            News::Opened(_) => self.opened += 1,
            News::Missing(_, n) => self.missing += n,
            News::RefusedMarks(..) | News::SpamFolderUnknown(_) | News::Trouble(_) | News::Note(_) => {}
        }
    }

    /// For the live line, which is cut at the terminal's width.
    fn in_short(&self) -> String {
        let faults = self.deferred + self.refused + self.uncertain + self.skipped + self.missing;
        let faults = if faults > 0 { format!(", {faults} with trouble") } else { String::new() };
        format!(
            "{} inbox, {} spam, {} rescued, {} opened, {} answers{faults}",
            self.inbox, self.spam, self.rescued, self.opened, self.answers
        )
    }

    fn in_words(&self) -> String {
        let waiting = self.sent.saturating_sub(self.inbox + self.spam);
        let mut text = format!(
            "{} sent ({} of them answers), {} seen in the inbox, {} in spam, {} rescued, {} opened, {waiting} waiting",
            self.sent, self.answers, self.inbox, self.spam, self.rescued, self.opened
        );
        for (n, what) in [
            (self.deferred, "deferred"),
            (self.refused, "refused"),
            (self.uncertain, "uncertain"),
            (self.skipped, "not sent"),
            (self.missing, "missing"),
        ] {
            if n > 0 {
                let _ = write!(text, ", {n} {what}");
            }
        }
        text
    }
}

impl Progress for Watcher {
    fn news(&self, at: Moment, news: &News) {
        let (tally, summary) = {
            let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
            tally.take(news);
            let due = tally.said_at.is_none_or(|t| at.since(t) >= SUMMARY_EVERY);
            if due {
                tally.said_at = Some(at);
            }
            (*tally, due && !matches!(news, News::Prepared { .. }))
        };
        if let Some(bar) = &self.bar {
            bar.set_length(u64::from(tally.letters.max(tally.sent)));
            bar.set_position(u64::from(tally.sent));
            bar.set_message(format!("{}  {}", at.utc().format("%H:%MZ"), tally.in_short()));
        }
        if let Some(text) = sentence(news, self.verbose) {
            self.line(at, &text);
        } else if summary && self.bar.is_none() {
            self.line(at, &tally.in_words());
        }
    }
}

/// What deserves a line of its own.
fn sentence(news: &News, verbose: bool) -> Option<String> {
    let text = match news {
        News::Prepared { letters, mailboxes } => format!("{letters} letters to send, {mailboxes} mailboxes"),
        News::Sent { letter, from, to, answer } => {
            let what = if *answer { "answered" } else { "sent" };
            return verbose.then(|| format!("{what} {letter} {from} → {to}"));
        }
        News::Seen { at, letters, placement } => return verbose.then(|| format!("{at}: {letters} seen in {placement}")),
        News::Rescued(at, n) => return verbose.then(|| format!("{at}: {n} rescued")),
        News::Opened(at) => return verbose.then(|| format!("{at}: 1 opened")),
        News::Deferred(letter, from, again, said) => format!("{from}: letter {letter} was deferred until {again}: {said}"),
        News::Rejected(letter, from, said) => format!("{from}: letter {letter} was refused: {said}"),
        News::Uncertain(letter, from, why) => {
            format!("{from}: letter {letter} may have been taken ({why}): it is looked for, and not sent again")
        }
        News::Skipped(from, n, why) => format!("{from}: {n} letter(s) not sent: {why}"),
        News::Missing(at, n) => format!("{at}: {n} letter(s) to it are missing: accepted a day ago and in no folder"),
        News::RefusedMarks(at, n) => format!("{at}: {n} message(s) with our header were not acted on: copies, or not of our making"),
        News::SpamFolderUnknown(at) => {
            format!(
                "{at}: SPAM FOLDER UNKNOWN: what lands there is neither seen nor rescued (hint: set `spam_folder:`; `preheat check` lists the folders)"
            )
        }
        News::Trouble(e) => format!("{e} (hint: {})", e.hint()),
        News::Note(text) => text.clone(),
    };
    Some(text)
}
