//! What `run` shows while it works: a live line on a terminal, plain lines elsewhere.

use std::fmt::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::printer::Printer;
use crate::report::suspended;
use crate::run::{News, Progress};
use crate::words::{Moment, Placement, SignalKind, SkipReason};

/// Between two summary lines where nobody watches, in plan time.
const SUMMARY_EVERY: Duration = Duration::from_hours(1);

/// Counts what happens and says it.
pub struct Watcher {
    printer: Printer,
    verbose: bool,
    lines_every: Duration,
    /// Lines without a date and with fewer words: for a day that is looked at as it goes.
    is_short: bool,
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
    /// Not sent, by plan or by lateness.
    passed: u32,
    /// Not sent because something does not work.
    skipped: u32,
    missing: u32,
    came_back: u32,
    is_prepared: bool,
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
            let bar = live_line(ProgressDrawTarget::stderr_with_hz(10));
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { printer, verbose, lines_every: SUMMARY_EVERY, is_short: false, bar, tally: Mutex::default() }
    }

    /// The same with short summary lines, and with this plan time between two of them.
    #[must_use]
    pub fn in_short(self, lines_every: Duration) -> Self {
        Self { lines_every, is_short: true, ..self }
    }

    /// A summary.
    fn summary(&self, now: Moment, tally: Tally) -> String {
        if self.is_short {
            format!("{}  {} of {} sent: {}", now.utc().format("%H:%MZ"), tally.sent, tally.letters.max(tally.sent), tally.in_short())
        } else {
            format!("{} {}", clock_time(now), tally.in_words())
        }
    }

    /// Shows how far it is: a bar once there is something to send, since a bar of nothing looks full.
    fn show(&self, at: Moment, tally: Tally) {
        let Some(bar) = &self.bar else { return };
        let letters = u64::from(tally.letters.max(tally.sent));
        if letters > 0 && bar.length().is_none() {
            bar.set_style(style("{bar:20} {pos}/{len}  {wide_msg}"));
        }
        if letters > 0 {
            bar.set_length(letters);
            bar.set_position(u64::from(tally.sent));
        }
        let clock = at.utc().format("%H:%MZ");
        bar.set_message(if tally.is_prepared { format!("{clock}  {}", tally.in_short()) } else { format!("{clock}  {PREPARING}") });
    }

    /// The last word.
    pub fn finish(&self, now: Moment) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let tally = *self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        self.printer.say(self.summary(now, tally));
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

/// What the live line says until the day is prepared.
const PREPARING: &str = "preparing the day";

/// The live line before anything is known: a spinner and words.
fn live_line(target: ProgressDrawTarget) -> ProgressBar {
    ProgressBar::with_draw_target(None, target).with_style(style("{spinner} {wide_msg}")).with_message(PREPARING)
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// Plan time, in UTC, for lines of a log.
fn clock_time(now: Moment) -> String {
    now.utc().format("%Y-%m-%d %H:%M:%SZ").to_string()
}

impl Tally {
    fn take(&mut self, news: &News) {
        match news {
            News::Prepared { letters, .. } => {
                self.letters = *letters;
                self.is_prepared = true;
            }
            News::Sent { answer, .. } => {
                self.sent += 1;
                self.answers += u32::from(*answer);
            }
            News::Deferred(..) => self.deferred += 1,
            News::Rejected(..) => self.refused += 1,
            News::Uncertain(..) => self.uncertain += 1,
            News::Skipped(_, n, why) if is_trouble(*why) => self.skipped += n,
            News::Skipped(_, n, _) => self.passed += n,
            News::Seen { letters, placement: Placement::Spam, .. } => self.spam += letters,
            News::Seen { letters, .. } => self.inbox += letters,
            News::Rescued(_, n) => self.rescued += n,
            News::Opened(_) => self.opened += 1,
            News::Missing(_, n) => self.missing += n,
            News::CameBack(_, n) => self.came_back += n,
            News::Suspended(_)
            | News::Heard { .. }
            | News::PutAway { .. }
            | News::RefusedMarks(..)
            | News::SpamFolderUnknown(_)
            | News::Trouble(_)
            | News::Note(_) => {}
        }
    }

    /// For the live line, which is cut at the terminal's width.
    fn in_short(&self) -> String {
        let faults = self.deferred + self.refused + self.uncertain + self.skipped + self.missing + self.came_back;
        let faults = if faults > 0 { format!(", {faults} with trouble") } else { String::new() };
        let passed = if self.passed > 0 { format!(", {} not sent", self.passed) } else { String::new() };
        format!(
            "{} inbox, {} spam, {} rescued, {} opened, {} answers{passed}{faults}",
            self.inbox, self.spam, self.rescued, self.opened, self.answers
        )
    }

    fn in_words(&self) -> String {
        let waiting = self.sent.saturating_sub(self.inbox + self.spam + self.came_back);
        let mut text = format!(
            "{} sent ({} of them answers), {} seen in the inbox, {} in spam, {} rescued, {} opened, {waiting} waiting",
            self.sent, self.answers, self.inbox, self.spam, self.rescued, self.opened
        );
        for (n, what) in [
            (self.deferred, "deferred"),
            (self.refused, "refused"),
            (self.came_back, "came back"),
            (self.uncertain, "uncertain"),
            (self.passed + self.skipped, "not sent"),
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
            let due = tally.said_at.is_none_or(|t| at.since(t) >= self.lines_every);
            if due {
                tally.said_at = Some(at);
            }
            (*tally, due && !matches!(news, News::Prepared { .. }))
        };
        self.show(at, tally);
        if let Some(text) = sentence(news, self.verbose) {
            self.line(at, &text);
        } else if summary && self.bar.is_none() {
            self.say(&self.summary(at, tally));
        }
    }
}

/// Whether a letter was not sent because something does not work; the rest is as it was meant to be, or came too late.
fn is_trouble(why: SkipReason) -> bool {
    match why {
        SkipReason::Suspended | SkipReason::Suppressed | SkipReason::SignIn | SkipReason::Deferred | SkipReason::Rests => true,
        SkipReason::Late
        | SkipReason::Quota
        | SkipReason::Paused
        | SkipReason::Removed
        | SkipReason::ParentUnseen
        | SkipReason::AlreadySent => false,
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
        News::PutAway { at, letters, how } => return verbose.then(|| format!("{at}: {letters} finished letter(s) {how}")),
        News::Deferred(letter, from, again, said) => format!("{from}: letter {letter} was deferred until {again}: {said}"),
        News::Rejected(letter, from, said) => format!("{from}: letter {letter} was refused: {said}"),
        News::Uncertain(letter, from, why) => {
            format!("{from}: letter {letter} may have been taken ({why}): it is looked for, and not sent again")
        }
        News::Suspended(row) => format!("{} (hint: {})", suspended::suspended_in_words(row), suspended::hint(row)),
        News::Skipped(from, n, why) => format!("{from}: {} not sent: {}", letters(*n), why.in_words()),
        News::Heard { at, kind, words } => {
            let deserves_a_line = matches!(kind, SignalKind::Bounce | SignalKind::Complaint | SignalKind::Unsubscribe);
            return (deserves_a_line || verbose).then(|| format!("{at}: {words}"));
        }
        // The report has a line of its own.
        News::CameBack(..) => return None,
        News::Missing(at, n) => format!("{at}: missing {} to it: accepted a day ago and in no folder", letters(*n)),
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

fn letters(n: u32) -> String {
    if n == 1 { "1 letter".to_owned() } else { format!("{n} letters") }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use indicatif::TermLike;

    use super::*;
    use crate::words::Address;

    /// A terminal that keeps the last text that was written.
    #[derive(Clone, Debug, Default)]
    struct Screen(Arc<Mutex<String>>);

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            100
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            if !text.trim().is_empty() {
                text.trim().clone_into(&mut self.0.lock().unwrap());
            }
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What the live line shows after each piece of news.
    fn live(news: &[News]) -> Vec<String> {
        let screen = Screen::default();
        let bar = live_line(ProgressDrawTarget::term_like(Box::new(screen.clone())));
        let watcher = Watcher {
            printer: Printer::new(true),
            verbose: false,
            lines_every: SUMMARY_EVERY,
            is_short: false,
            bar: Some(bar.clone()),
            tally: Mutex::default(),
        };
        let at = Moment::parse_rfc3339("2026-12-01T07:00:00Z").unwrap();
        news.iter()
            .map(|news| {
                watcher.tally.lock().unwrap().take(news);
                let tally = *watcher.tally.lock().unwrap();
                watcher.show(at, tally);
                bar.force_draw();
                screen.0.lock().unwrap().clone()
            })
            .collect()
    }

    fn skipped(n: u32, why: SkipReason) -> News {
        News::Skipped(Address::parse("a@new.example").unwrap(), n, why)
    }

    #[test]
    fn there_is_no_bar_before_there_is_something_to_send() {
        let shown = live(&[
            News::Note("n".into()),
            News::Prepared { letters: 0, mailboxes: 2 },
            News::Prepared { letters: 4, mailboxes: 2 },
            News::Opened(Address::parse("a@new.example").unwrap()),
        ]);
        assert!(shown[0].ends_with("07:00Z  preparing the day"), "{shown:?}");
        assert!(shown[1].ends_with("07:00Z  0 inbox, 0 spam, 0 rescued, 0 opened, 0 answers"), "{shown:?}");
        assert!(!shown[..2].concat().contains("0/0"), "{shown:?}");
        assert!(shown[2].contains("░ 0/4  07:00Z  0 inbox") && !shown[2].contains('█'), "{shown:?}");
        assert!(shown[3].contains(" 0/4 ") && shown[3].contains("1 opened"), "{shown:?}");
    }

    #[test]
    fn a_short_summary_is_a_time_of_day_and_few_words() {
        let watcher = Watcher::new(Printer::new(true), false).in_short(Duration::from_hours(3));
        let at = Moment::parse_rfc3339("2026-12-01T07:00:00Z").unwrap();
        let tally = Tally { letters: 4, sent: 1, inbox: 1, ..Tally::default() };
        assert_eq!(watcher.summary(at, tally), "07:00Z  1 of 4 sent: 1 inbox, 0 spam, 0 rescued, 0 opened, 0 answers");
    }

    #[test]
    fn what_came_too_late_is_no_trouble() {
        let mut tally = Tally::default();
        tally.take(&skipped(3, SkipReason::Late));
        tally.take(&skipped(1, SkipReason::Paused));
        assert!(tally.in_short().ends_with("0 answers, 4 not sent"), "{}", tally.in_short());
        tally.take(&skipped(2, SkipReason::SignIn));
        assert!(tally.in_short().ends_with("0 answers, 4 not sent, 2 with trouble"), "{}", tally.in_short());
        assert!(tally.in_words().ends_with("0 waiting, 6 not sent"), "{}", tally.in_words());
    }

    #[test]
    fn a_letter_that_came_back_is_not_waited_for() {
        let mut tally = Tally { sent: 3, inbox: 1, ..Tally::default() };
        tally.take(&News::CameBack(Address::parse("a@new.example").unwrap(), 1));
        assert!(tally.in_words().ends_with("1 waiting, 1 came back"), "{}", tally.in_words());
        assert!(tally.in_short().ends_with("1 with trouble"), "{}", tally.in_short());
    }
}
