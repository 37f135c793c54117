//! The event stream, read from what the ledger holds anyway: page by page, in the order of ids.
//!
//! Every table that something is told from is a [`Source`]. A page looks at one day of them (the last one: at all that comes after), and keeps the
//! earliest events that it has room for: memory is bounded by the page, not by the day. Where a day is empty, the next one with anything in it follows.

mod letters;
mod others;
mod taken;
#[cfg(test)]
mod tests;

use rusqlite::{Connection, params};

use super::rows::one;
use super::stray::DAY;
use super::{Ledger, LedgerError, ms, signals};
use crate::event::{EventFilter, EventId, EventKind, EventPage, Happened};
use crate::words::Moment;
use taken::Taken;

/// Events and recipients of reports that a page holds at most: some ten megabytes. One report more than that fits always.
const PAGE: usize = 10_000;

/// What a page looks at: from `from` on and before `to`, in milliseconds since 1970.
#[derive(Clone, Copy)]
struct Span {
    from: i64,
    to: i64,
}

/// A table that something is told from.
struct Source {
    /// The types of its events.
    kinds: &'static [EventKind],
    /// Gives what happened in a span to whoever takes it. A row may come twice.
    read: fn(&Connection, Span, &mut Taken<'_>) -> Result<(), LedgerError>,
    /// When something happened from a moment on: then or later, but nothing before. `None`: never.
    next: fn(&Connection, i64) -> Result<Option<i64>, LedgerError>,
}

const SOURCES: &[Source] = &[
    letters::STEPS,
    letters::ACTIONS,
    letters::MOVES,
    others::SIGNALS,
    others::VERDICTS,
    others::READY,
    others::SUPPRESSED,
    others::UNSUPPRESSED,
    others::SUSPENDED,
    others::RELEASED,
    others::PAUSED,
    others::RESUMED,
    others::TROUBLE_BEGAN,
    others::TROUBLE_ENDED,
];

impl Ledger {
    /// What happened after a place in the stream: at most some thousand events of one day, of those that `filter` wants. `now` decides what is over.
    ///
    /// # Errors
    /// [`LedgerError`], also where a row holds a word that this preheat does not know.
    pub async fn events(&self, after: EventId, filter: EventFilter, now: Moment) -> Result<EventPage, LedgerError> {
        self.store.ask(move |c| page(c, after, &filter, ms(now), PAGE)).await
    }
}

fn page(c: &Connection, after: EventId, filter: &EventFilter, now: i64, most: usize) -> Result<EventPage, LedgerError> {
    let from = ms(after.goes_on_at());
    let day = from.div_euclid(DAY);
    let is_last = day >= now.div_euclid(DAY);
    let span = Span { from, to: if is_last { i64::MAX } else { (day + 1) * DAY } };
    let mut taken = Taken::new(after, filter, now, most);
    for source in wanted(filter) {
        (source.read)(c, span, &mut taken)?;
    }
    let (mut events, more_in_span) = taken.into_events();
    let cut = name_recipients(c, &mut events, most)?;
    let next = match events.last() {
        Some(last) if more_in_span || cut => Some(last.id),
        _ if is_last => None,
        Some(_) => Some(EventId::before(Moment(span.to))),
        None => next_day(c, filter, span.to)?,
    };
    Ok(EventPage { events, next })
}

fn wanted(filter: &EventFilter) -> impl Iterator<Item = &'static Source> {
    SOURCES.iter().filter(|source| source.kinds.iter().any(|kind| filter.wants(*kind)))
}

/// Before the first thing that happened from a moment on.
fn next_day(c: &Connection, filter: &EventFilter, from: i64) -> Result<Option<EventId>, LedgerError> {
    let mut first = None;
    for source in wanted(filter) {
        first = first.into_iter().chain((source.next)(c, from)?).min();
    }
    Ok(first.map(|at| EventId::before(Moment(at.max(from)))))
}

/// Adds to bounces, delays and complaints whom they name. Where these are too many for one page, it ends before; says whether it does.
fn name_recipients(c: &Connection, events: &mut Vec<crate::event::Event>, most: usize) -> Result<bool, LedgerError> {
    let mut weight = 0;
    for n in 0..events.len() {
        let Some(event) = events.get_mut(n) else { break };
        if let (Happened::Signal(news), Some(mailbox)) = (&mut event.happened, &event.mailbox) {
            news.recipients = signals::recipients(c, mailbox, &news.message_id)?;
            weight += news.recipients.len();
        }
        if weight > most && n > 0 {
            events.truncate(n);
            return Ok(true);
        }
    }
    Ok(false)
}

/// The least value of a column from `from` on. Names come from constants.
fn least(c: &Connection, table: &str, column: &str, from: i64) -> Result<Option<i64>, LedgerError> {
    let sql = format!("SELECT min({column}) FROM {table} WHERE {column} >= ?1");
    Ok(one(c, &sql, params![from], |r| Ok(r.get::<_, Option<i64>>(0)?))?.flatten())
}
