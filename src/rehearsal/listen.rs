//! Listens to the executor: what went wrong, gathered by mailbox and words.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::Trouble;
use crate::run::{News, Progress};
use crate::words::{Address, LocalDate, Moment, SkipReason, Zone};

/// At most so many different troubles are kept: a flood of words is no report.
const MOST: usize = 500;

/// Whose trouble in which words → the first date, the last, how often.
type Heard = BTreeMap<(Option<Address>, String), (LocalDate, LocalDate, u32)>;

/// Gathers troubles.
#[derive(Debug)]
pub(super) struct Listener {
    zone: Zone,
    heard: Mutex<Heard>,
}

impl Listener {
    pub(super) fn new(zone: Zone) -> Self {
        Self { zone, heard: Mutex::default() }
    }

    /// What was heard, by its first date.
    pub(super) fn troubles(&self) -> Vec<Trouble> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<Trouble> = heard
            .iter()
            .map(|((mailbox, what), (date, until, times))| Trouble {
                date: *date,
                until: *until,
                mailbox: mailbox.clone(),
                what: what.clone(),
                times: *times,
            })
            .collect();
        all.sort_by(|a, b| (a.date, &a.mailbox, &a.what).cmp(&(b.date, &b.mailbox, &b.what)));
        all
    }

    fn hear(&self, at: Moment, mailbox: Option<&Address>, what: String, times: u32) {
        let date = at.local_date(self.zone);
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let full = heard.len() >= MOST;
        let key = (mailbox.cloned(), what);
        match heard.get_mut(&key) {
            Some((_, until, n)) => (*until, *n) = (date, *n + times),
            None if full => {}
            None => drop(heard.insert(key, (date, date, times))),
        }
    }
}

impl Progress for Listener {
    fn news(&self, at: Moment, news: &News) {
        match news {
            News::Trouble(e) => self.hear(at, Some(&e.mailbox), format!("{}: {}", e.step, e.trouble), 1),
            News::Deferred(_, from, _, said) => self.hear(at, Some(from), format!("put off: {said}"), 1),
            News::Rejected(_, from, said) => self.hear(at, Some(from), format!("refused: {said}"), 1),
            News::Uncertain(_, from, why) => self.hear(at, Some(from), format!("uncertain: {why}"), 1),
            News::Skipped(_, _, SkipReason::Quota) => {}
            News::Skipped(who, n, why) => self.hear(at, Some(who), format!("not sent: {}", why.in_words()), *n),
            News::Missing(who, n) => self.hear(at, Some(who), "letters to it are missing".into(), *n),
            News::RefusedMarks(who, n) => self.hear(at, Some(who), "a mark was not believed, or a second copy came".into(), *n),
            News::Suspended(s) => self.hear(at, Some(&s.mailbox), format!("suspended as a recipient: {}", s.reply), 1),
            News::SpamFolderUnknown(who) => self.hear(at, Some(who), "its spam folder is unknown".into(), 1),
            News::Note(_)
            | News::Prepared { .. }
            | News::Sent { .. }
            | News::Seen { .. }
            | News::Heard { .. }
            | News::CameBack(..)
            | News::Rescued(..)
            | News::PutAway { .. }
            | News::Opened(_) => {}
        }
    }
}
