//! What a page has taken so far: the earliest events that it has room for.

use std::collections::BTreeMap;

use super::super::LedgerError;
use crate::event::{Event, EventFilter, EventId, EventKind, Happened};
use crate::words::{Address, Moment};

/// Whose turn it is where several things happen in one millisecond: causes before effects.
pub(super) mod turn {
    /// The end of what began before.
    pub const END: u8 = 0;
    /// What the world says.
    pub const SIGNAL: u8 = 1;
    /// Of a letter's first step; the others follow.
    const STEP: u8 = 2;
    const LAST_STEP: u8 = 200;
    /// What is done with a letter that was seen.
    pub const DEED: u8 = 210;
    /// What begins because of all that.
    pub const BEGIN: u8 = 220;
    /// The end of what began in the same millisecond.
    const END_AT_ONCE: u8 = 230;

    /// Of a letter's `n`th step.
    pub fn of_step(n: i64) -> u8 {
        u8::try_from(n).map_or(LAST_STEP, |n| n.saturating_add(STEP).min(LAST_STEP))
    }

    /// Of the end of what began at `since`.
    pub fn of_end(at: i64, since: i64) -> u8 {
        if at == since { END_AT_ONCE } else { END }
    }
}

/// The earliest events after a place, of those that are wanted.
pub(super) struct Taken<'a> {
    after: EventId,
    filter: &'a EventFilter,
    /// What is to be over now, in milliseconds since 1970.
    pub(super) now: i64,
    most: usize,
    events: BTreeMap<EventId, Event>,
    is_full: bool,
}

impl<'a> Taken<'a> {
    pub(super) fn new(after: EventId, filter: &'a EventFilter, now: i64, most: usize) -> Self {
        Self { after, filter, now, most: most.max(1), events: BTreeMap::new(), is_full: false }
    }

    /// Takes an event, unless it is not wanted or there are enough earlier ones. `read` is asked only where it may be taken.
    pub(super) fn offer(
        &mut self,
        at: i64,
        kind: EventKind,
        turn: u8,
        key: &[&str],
        read: impl FnOnce() -> Result<(Option<Address>, Happened), LedgerError>,
    ) -> Result<(), LedgerError> {
        if !self.filter.wants(kind) {
            return Ok(());
        }
        let id = EventId::new(Moment(at), turn, key);
        if id <= self.after || self.events.contains_key(&id) {
            return Ok(());
        }
        let has_room = self.events.len() < self.most;
        if !has_room && self.events.last_key_value().is_some_and(|(last, _)| id > *last) {
            self.is_full = true;
            return Ok(());
        }
        let (mailbox, happened) = read()?;
        let event = Event { id, mailbox, happened };
        if !self.filter.takes(&event) {
            return Ok(());
        }
        self.events.insert(id, event);
        if !has_room {
            self.events.pop_last();
            self.is_full = true;
        }
        Ok(())
    }

    /// The events in their order, and whether there were more.
    pub(super) fn into_events(self) -> (Vec<Event>, bool) {
        (self.events.into_values().collect(), self.is_full)
    }
}
