//! What happens to letters: steps, actions, and where they went.

use rusqlite::{Connection, Row, params};

use super::super::rows::InOrder;
use super::super::stray::{DAY, earliest_day_of, ids_around};
use super::super::{ActionKind, LedgerError};
use super::taken::{Taken, turn};
use super::{Source, Span, least, one};
use crate::event::{EventKind, Happened, LetterNews, Said, Step};
use crate::letter::LetterEvent;
use crate::words::{Address, LetterId, Placement, SkipReason, Tidied};

pub(super) const STEPS: Source = Source {
    kinds: &[
        EventKind::LetterHanded,
        EventKind::LetterAccepted,
        EventKind::LetterDeferred,
        EventKind::LetterRejected,
        EventKind::LetterUncertain,
        EventKind::LetterFound,
        EventKind::LetterSeen,
        EventKind::LetterMissing,
        EventKind::LetterBounced,
        EventKind::LetterUnaccounted,
        EventKind::LetterSkipped,
        EventKind::LetterAnswered,
    ],
    read: |c, span, taken| near_and_stray(c, span, &STEP_ROWS, &mut |letter, columns| offer_step(letter, columns, taken)),
    next: |c, from| next_of(c, "step", from),
};

pub(super) const ACTIONS: Source = Source {
    kinds: &[EventKind::LetterOpened, EventKind::LetterImportant, EventKind::LetterFlagged],
    read: |c, span, taken| {
        near_and_stray(c, span, &ACTION_ROWS, &mut |letter, columns| {
            let kind = columns.word(ActionKind::parse)?;
            let at = columns.get()?;
            let (event, step) = match kind {
                ActionKind::Open => (EventKind::LetterOpened, Step::Opened),
                ActionKind::Important => (EventKind::LetterImportant, Step::Important),
                ActionKind::Flag => (EventKind::LetterFlagged, Step::Flagged),
                ActionKind::Rescue | ActionKind::Answered => return Ok(()),
            };
            taken.offer(at, event, turn::DEED, &["action", &letter.id, kind.as_str()], || letter.news(step))
        })
    },
    next: |c, from| next_of(c, "action", from),
};

pub(super) const MOVES: Source = Source {
    kinds: &[EventKind::LetterRescued, EventKind::LetterMovedToSpam, EventKind::LetterTidied],
    read: |c, span, taken| {
        let sql = "SELECT l.id, l.sender, l.recipient, l.parent, m.at, m.event FROM moved m CROSS JOIN letter l ON l.id = m.letter
                   WHERE m.at >= ?1 AND m.at < ?2";
        each(c, sql, params![span.from, span.to], &mut |letter, columns| {
            let at = columns.get()?;
            let event: String = columns.get()?;
            let (kind, step) = match event.as_str() {
                "rescued" => (EventKind::LetterRescued, Step::Rescued),
                "moved_to_spam" => (EventKind::LetterMovedToSpam, Step::MovedToSpam),
                "tidied" => (EventKind::LetterTidied, Step::Tidied(Tidied::Moved)),
                "deleted" => (EventKind::LetterTidied, Step::Tidied(Tidied::Deleted)),
                _ => return Err(LedgerError::Foreign(format!("moved.event = {event}"))),
            };
            taken.offer(at, kind, turn::DEED, &["moved", &letter.id, &event], || letter.news(step))
        })
    },
    next: |c, from| least(c, "moved", "at", from),
};

/// A letter as every event of it names it; words of the ledger, read when somebody wants the event.
struct Named {
    id: String,
    sender: String,
    recipient: String,
    parent: Option<String>,
}

impl Named {
    fn news(&self, step: Step) -> Result<(Option<Address>, Happened), LedgerError> {
        let parent = self.parent.as_deref().map(letter_id).transpose()?;
        let news = LetterNews { letter: letter_id(&self.id)?, recipient: address(&self.recipient)?, parent, step };
        Ok((Some(address(&self.sender)?), Happened::Letter(news)))
    }
}

fn letter_id(text: &str) -> Result<LetterId, LedgerError> {
    LetterId::parse(text).map_err(|_| LedgerError::Foreign(format!("letter = {text}")))
}

fn address(text: &str) -> Result<Address, LedgerError> {
    Address::parse(text).map_err(|_| LedgerError::Foreign(format!("address = {text}")))
}

type Offer<'a> = &'a mut dyn FnMut(&Named, &mut InOrder<'_, '_>) -> Result<(), LedgerError>;

/// Rows of a table, called `s`, whose key begins with a letter and which has no index of times.
struct LetterRows {
    table: &'static str,
    at: &'static str,
    columns: &'static str,
    joined: &'static str,
    only: &'static str,
}

/// Columns as [`offer_step`] takes them.
const STEP_ROWS: LetterRows = LetterRows {
    table: "step s",
    at: "s.at",
    columns: "s.n, s.at, s.event, s.code, s.enhanced, s.text, l.placement, l.message_id_sent, l.accepted_at, p.sender, p.parent",
    joined: "LEFT JOIN letter p ON p.id = l.parent",
    only: "",
};

const ACTION_ROWS: LetterRows = LetterRows {
    table: "action s",
    at: "s.done_at",
    columns: "s.kind, s.done_at",
    joined: "",
    only: "AND s.kind IN ('open', 'important', 'flag') AND s.result = 'done'",
};

/// Reads the rows whose time lies in a span: those near their letter's date by their key, and the strays.
fn near_and_stray(c: &Connection, span: Span, rows: &LetterRows, offer: Offer<'_>) -> Result<(), LedgerError> {
    let LetterRows { table, at, columns, joined, only } = rows;
    let (first, end) = ids_around(span.from, span.to);
    let named = "l.id, l.sender, l.recipient, l.parent";
    let sql = format!(
        "SELECT {named}, {columns} FROM {table} CROSS JOIN letter l ON l.id = s.letter {joined}
         WHERE s.letter >= ?3 AND s.letter < ?4 AND {at} >= ?1 AND {at} < ?2 {only}"
    );
    each(c, &sql, params![span.from, span.to, first, end], offer)?;
    let sql = format!(
        "SELECT {named}, {columns} FROM stray t CROSS JOIN {table} ON s.letter = t.letter AND {at} = t.at
         CROSS JOIN letter l ON l.id = s.letter {joined} WHERE t.at >= ?1 AND t.at < ?2 {only}"
    );
    each(c, &sql, params![span.from, span.to], offer)
}

/// Gives every row to `offer`: what names its letter, and the columns after that.
fn each(c: &Connection, sql: &str, params: impl rusqlite::Params, offer: Offer<'_>) -> Result<(), LedgerError> {
    let mut statement = c.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    while let Some(row) = rows.next()? {
        let (letter, mut columns) = named(row)?;
        offer(&letter, &mut columns)?;
    }
    Ok(())
}

fn named<'r, 's>(row: &'r Row<'s>) -> Result<(Named, InOrder<'r, 's>), LedgerError> {
    let mut columns = InOrder::of(row);
    let letter = Named { id: columns.get()?, sender: columns.get()?, recipient: columns.get()?, parent: columns.get()? };
    Ok((letter, columns))
}

fn offer_step(letter: &Named, columns: &mut InOrder<'_, '_>, taken: &mut Taken<'_>) -> Result<(), LedgerError> {
    let (n, at): (i64, i64) = (columns.get()?, columns.get()?);
    let event = columns.word(LetterEvent::parse)?;
    let said = Said { code: columns.get()?, enhanced: columns.get()?, text: columns.get()? };
    let placement: Option<String> = columns.get()?;
    let message_id: Option<String> = columns.get()?;
    let (accepted_at, parents_sender): (Option<i64>, Option<String>) = (columns.get()?, columns.get()?);
    let parents_parent: Option<String> = columns.get()?;
    // Taken for the first time: that is when the letter that it answers is answered.
    if event.shows_acceptance()
        && accepted_at == Some(at)
        && let (Some(parent), Some(sender)) = (&letter.parent, parents_sender)
    {
        let answered = Named { id: parent.clone(), sender, recipient: letter.sender.clone(), parent: parents_parent };
        taken.offer(at, EventKind::LetterAnswered, turn::DEED, &["answered", parent], || {
            answered.news(Step::Answered { answer: letter_id(&letter.id)? })
        })?;
    }
    taken.offer(at, kind_of(event), turn::of_step(n), &["step", &letter.id, &n.to_string()], || {
        let text = said.text.clone().unwrap_or_default();
        letter.news(match event {
            LetterEvent::HandedOver => Step::Handed { message_id: message_id.unwrap_or_default() },
            LetterEvent::Accepted => Step::Accepted(said),
            LetterEvent::Deferred => Step::Deferred(said),
            LetterEvent::Rejected => Step::Rejected(said),
            LetterEvent::LostSight => Step::Uncertain(said),
            LetterEvent::Found => Step::Found,
            LetterEvent::Seen => {
                // Steps of an older ledger do not say where: the letter does, as it was judged last.
                let there = Placement::parse(&text).or_else(|| placement.as_deref().and_then(Placement::parse));
                Step::Seen(there.ok_or_else(|| LedgerError::Foreign(format!("step {} {n}: no placement", letter.id)))?)
            }
            LetterEvent::GoneMissing => Step::Missing,
            LetterEvent::Bounced => Step::Bounced(said),
            LetterEvent::GivenUp => Step::Unaccounted,
            LetterEvent::Skipped => {
                Step::Skipped(SkipReason::parse(&text).ok_or_else(|| LedgerError::Foreign(format!("skipped because of {text}")))?)
            }
        })
    })
}

fn kind_of(event: LetterEvent) -> EventKind {
    match event {
        LetterEvent::HandedOver => EventKind::LetterHanded,
        LetterEvent::Accepted => EventKind::LetterAccepted,
        LetterEvent::Deferred => EventKind::LetterDeferred,
        LetterEvent::Rejected => EventKind::LetterRejected,
        LetterEvent::LostSight => EventKind::LetterUncertain,
        LetterEvent::Found => EventKind::LetterFound,
        LetterEvent::Seen => EventKind::LetterSeen,
        LetterEvent::GoneMissing => EventKind::LetterMissing,
        LetterEvent::Bounced => EventKind::LetterBounced,
        LetterEvent::GivenUp => EventKind::LetterUnaccounted,
        LetterEvent::Skipped => EventKind::LetterSkipped,
    }
}

/// When something may have happened to letters from a moment on: the first letter that comes into question says the day, and the strays the rest.
fn next_of(c: &Connection, table: &str, from: i64) -> Result<Option<i64>, LedgerError> {
    let sql = format!("SELECT letter FROM {table} WHERE letter >= ?1 ORDER BY letter LIMIT 1");
    let first = one(c, &sql, params![ids_around(from, from + 1).0], |r| letter_id(&r.get::<_, String>(0)?))?;
    let near = first.map(|id| (earliest_day_of(id) * DAY).max(from));
    Ok(near.into_iter().chain(least(c, "stray", "at", from)?).min())
}
