//! Letters as rows, and the one way in which a step of a letter's life is written down.

use rusqlite::{Connection, Row, params};

use super::rows::{InOrder, all, execute, letter_id, moment, one, word};
use super::stray::note_if_stray;
use super::{Ledger, LedgerError, ms, sums};
use crate::agenda::{Draws, PlannedLetter};
use crate::letter::{LetterEvent, next_state};
use crate::words::{Address, LetterId, LetterState, LocalDate, MessageId, Moment, Placement, Reply, SkipReason};

/// Everything that the ledger says of one letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterFacts {
    /// Its plan and its draws.
    pub plan: PlannedLetter,
    /// How often it was put off to another send-day.
    pub put_off: u32,
    /// Where it stands.
    pub state: LetterState,
    /// Why it was skipped.
    pub skip_reason: Option<SkipReason>,
    /// How often a server deferred it.
    pub attempts: u32,
    /// The Message-ID that was sent.
    pub message_id_sent: Option<MessageId>,
    /// The Message-ID that the recipient's server shows.
    pub message_id_seen: Option<MessageId>,
    /// When the intent was written.
    pub handed_at: Option<Moment>,
    /// When a server took it, or it was found.
    pub accepted_at: Option<Moment>,
    /// Where it was first seen.
    pub placement: Option<Placement>,
    /// When it was first seen.
    pub seen_at: Option<Moment>,
    /// When it was seen in the inbox after a rescue.
    pub rescued_at: Option<Moment>,
}

impl LetterFacts {
    /// A letter that was only planned so far.
    pub fn of_plan(plan: PlannedLetter) -> Self {
        Self {
            plan,
            put_off: 0,
            state: LetterState::Planned,
            skip_reason: None,
            attempts: 0,
            message_id_sent: None,
            message_id_seen: None,
            handed_at: None,
            accepted_at: None,
            placement: None,
            seen_at: None,
            rescued_at: None,
        }
    }
}

/// One step of a letter's life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepRow {
    /// When.
    pub at: Moment,
    /// What.
    pub event: LetterEvent,
    /// The server's reply code.
    pub code: Option<u16>,
    /// The server's words, the reason of a skip, or where it was first seen.
    pub text: Option<String>,
}

/// The columns that [`read_letter`] wants, in its order; a macro, so that the statements that are asked for every letter are made of it beforehand.
macro_rules! letter_columns {
    () => {
        "id, sender, recipient, date, parent, in_thread, due, expected, draw_open, draw_answer, draw_important, draw_flag, \
         rescue_after, open_after, answer_after, content, put_off, state, skip_reason, attempts, message_id_sent, message_id_seen, handed_at, \
         accepted_at, placement, seen_at, rescued_at"
    };
}
/// The same for those that are asked now and then.
pub(super) const COLUMNS: &str = letter_columns!();

/// The columns that [`Before::read`] wants, in its order; `l` is the letter.
macro_rules! before_columns {
    () => {
        "l.state, l.sender, l.date, l.recipient, l.parent, l.accepted_at IS NOT NULL, l.placement"
    };
}

pub(super) use {before_columns, letter_columns};

/// Reads [`letter_columns`] by their place: by name, each row would look for 27 names.
pub(super) fn read_letter(r: &Row<'_>) -> Result<LetterFacts, LedgerError> {
    let mut columns = InOrder::of(r);
    let c = &mut columns;
    Ok(LetterFacts {
        plan: PlannedLetter {
            id: c.word(|t| LetterId::parse(t).ok())?,
            sender: c.word(|t| Address::parse(t).ok())?,
            recipient: c.word(|t| Address::parse(t).ok())?,
            date: c.word(LocalDate::parse)?,
            parent: c.maybe(|t| LetterId::parse(t).ok())?,
            in_thread: c.get()?,
            due: c.get::<Option<i64>>()?.map(Moment),
            expected: Moment(c.get()?),
            draws: Draws {
                open: c.get()?,
                answer: c.get()?,
                important: c.get()?,
                flag: c.get()?,
                rescue_after: c.span()?,
                open_after: c.span()?,
                answer_after: c.span()?,
                content: c.get::<i64>()?.cast_unsigned(),
            },
        },
        put_off: c.get()?,
        state: c.word(LetterState::parse)?,
        skip_reason: c.maybe(SkipReason::parse)?,
        attempts: c.get()?,
        message_id_sent: c.maybe(MessageId::parse)?,
        message_id_seen: c.maybe(MessageId::parse)?,
        handed_at: c.get::<Option<i64>>()?.map(Moment),
        accepted_at: c.get::<Option<i64>>()?.map(Moment),
        placement: c.maybe(Placement::parse)?,
        seen_at: c.get::<Option<i64>>()?.map(Moment),
        rescued_at: c.get::<Option<i64>>()?.map(Moment),
    })
}

/// When a letter is due whose columns are [`letter_columns`], and which is due.
pub(super) fn due_of(r: &Row<'_>) -> Result<Moment, LedgerError> {
    Ok(Moment(r.get("due")?))
}

/// A letter before a step of its life: what the step must know of it.
pub(super) struct Before {
    pub(super) state: LetterState,
    /// Whose day it counts against, and which.
    pub(super) sender: String,
    pub(super) date: String,
    /// To whom it goes.
    pub(super) recipient: String,
    /// The letter that it answers.
    pub(super) parent: Option<String>,
    was_accepted: bool,
    /// Where it was first seen.
    pub(super) placement: Option<Placement>,
}

impl Before {
    /// Reads [`before_columns`].
    pub(super) fn read(columns: &mut InOrder<'_, '_>) -> Result<Self, LedgerError> {
        Ok(Self {
            state: columns.word(LetterState::parse)?,
            sender: columns.get()?,
            date: columns.get()?,
            recipient: columns.get()?,
            parent: columns.get()?,
            was_accepted: columns.get()?,
            placement: columns.maybe(Placement::parse)?,
        })
    }

    /// Of a letter that is there.
    pub(super) fn of(c: &Connection, id: LetterId) -> Result<Self, LedgerError> {
        let sql = concat!("SELECT ", before_columns!(), " FROM letter l WHERE id = ?1");
        let before = one(c, sql, [id.to_string()], |r| Self::read(&mut InOrder::of(r)))?;
        before.ok_or_else(|| LedgerError::Unknown(format!("letter {id}")))
    }
}

/// The state of a letter; `None` where there is none.
pub(super) fn state_of(c: &Connection, id: LetterId) -> Result<Option<LetterState>, LedgerError> {
    one(c, "SELECT state FROM letter WHERE id = ?1", [id.to_string()], |r| InOrder::of(r).word(LetterState::parse))
}

pub(super) fn letter(c: &Connection, id: LetterId) -> Result<Option<LetterFacts>, LedgerError> {
    one(c, concat!("SELECT ", letter_columns!(), " FROM letter WHERE id = ?1"), [id.to_string()], read_letter)
}

/// Whether a letter is still to be sent.
pub(super) fn is_to_send(c: &Connection, id: LetterId) -> Result<bool, LedgerError> {
    Ok(matches!(state_of(c, id)?, Some(LetterState::Planned | LetterState::Deferred)))
}

/// Adds a letter to the agenda; one that is there already is left as it is. Says whether it was new.
pub(super) fn insert(c: &Connection, l: &PlannedLetter) -> Result<bool, LedgerError> {
    let d = &l.draws;
    let span = |t: std::time::Duration| i64::try_from(t.as_millis()).unwrap_or(i64::MAX);
    let sql = "INSERT INTO letter (id, sender, recipient, date, parent, in_thread, due, expected, draw_open, draw_answer, draw_important, draw_flag,
        rescue_after, open_after, answer_after, content, state)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, 'planned') ON CONFLICT (id) DO NOTHING";
    let n = execute(
        c,
        sql,
        params![
            l.id.to_string(),
            l.sender.as_str(),
            l.recipient.as_str(),
            l.date.to_string(),
            l.parent.map(|p| p.to_string()),
            l.in_thread,
            l.due.map(ms),
            ms(l.expected),
            d.open,
            d.answer,
            d.important,
            d.flag,
            span(d.rescue_after),
            span(d.open_after),
            span(d.answer_after),
            d.content.cast_signed()
        ],
    )?;
    Ok(n > 0)
}

/// What a step says beyond the state that it leads to.
#[derive(Clone, Copy)]
pub(super) enum Said<'a> {
    /// Nothing.
    Nothing,
    /// A server's reply, or why nobody knows it.
    Reply(&'a Reply),
    /// Why it was skipped.
    Reason(SkipReason),
    /// The Message-ID under which it is handed over.
    As(&'a MessageId),
    /// Where it was first seen, and the Message-ID that was shown.
    There(Placement, Option<&'a MessageId>),
}

/// Writes one step of a letter's life: checks it with [`next_state`], moves the state, keeps the day's sums, and appends to the history.
pub(super) fn apply(c: &Connection, id: LetterId, event: LetterEvent, at: Moment, said: Said<'_>) -> Result<LetterState, LedgerError> {
    apply_to(c, id, &Before::of(c, id)?, event, at, said)
}

/// The same for a letter that was read a moment ago, in this very transaction.
pub(super) fn apply_to(
    c: &Connection,
    id: LetterId,
    before: &Before,
    event: LetterEvent,
    at: Moment,
    said: Said<'_>,
) -> Result<LetterState, LedgerError> {
    let key = id.to_string();
    let to = next_state(before.state, event).map_err(|e| LedgerError::Illegal(key.clone(), e))?;
    move_letter(c, &key, to, event, at, said)?;
    let placement = if let Said::There(placement, _) = said { Some(placement) } else { before.placement };
    sums::follow(c, before, to, placement)?;
    if event == LetterEvent::HandedOver {
        execute(c, "UPDATE day SET spent = spent + 1 WHERE mailbox = ?1 AND date = ?2", params![before.sender, before.date])?;
    }
    if event.shows_acceptance() && !before.was_accepted {
        execute(c, "UPDATE day SET accepted = accepted + 1 WHERE mailbox = ?1 AND date = ?2", params![before.sender, before.date])?;
        mark_as_answered(c, before, at)?;
    }
    let (code, enhanced, text) = match said {
        Said::Reply(r) => (Some(r.code), r.enhanced.map(|e| e.to_string()), Some(r.text.as_str())),
        Said::Reason(reason) => (None, None, Some(reason.as_str())),
        // The letter's own placement may change: providers move letters to spam later.
        Said::There(placement, _) => (None, None, Some(placement.as_str())),
        Said::Nothing | Said::As(_) => (None, None, None),
    };
    execute(
        c,
        "INSERT INTO step (letter, n, at, event, code, enhanced, text)
         VALUES (?1, (SELECT coalesce(max(n), 0) + 1 FROM step WHERE letter = ?1), ?2, ?3, ?4, ?5, ?6)",
        params![key, ms(at), event.as_str(), code, enhanced, text],
    )?;
    note_if_stray(c, id, at)?;
    Ok(to)
}

/// One UPDATE a step: each moves the letter's row and its places in the indexes.
fn move_letter(c: &Connection, key: &str, to: LetterState, event: LetterEvent, at: Moment, said: Said<'_>) -> Result<usize, LedgerError> {
    let (state, at) = (to.as_str(), ms(at));
    match (event, said) {
        (LetterEvent::HandedOver, Said::As(message_id)) => {
            let sql = "UPDATE letter SET state = ?2, handed_at = ?3, message_id_sent = ?4 WHERE id = ?1";
            execute(c, sql, params![key, state, at, message_id.as_str()])
        }
        (LetterEvent::Deferred, _) => {
            execute(c, "UPDATE letter SET state = ?2, attempts = attempts + 1 WHERE id = ?1", params![key, state])
        }
        (LetterEvent::Skipped, Said::Reason(reason)) => {
            execute(c, "UPDATE letter SET state = ?2, skip_reason = ?3 WHERE id = ?1", params![key, state, reason.as_str()])
        }
        (LetterEvent::Seen, Said::There(placement, message_id)) => {
            let sql = "UPDATE letter SET state = ?2, accepted_at = coalesce(accepted_at, ?3), seen_at = ?3, placement = ?4, message_id_seen = ?5 WHERE id = ?1";
            execute(c, sql, params![key, state, at, placement.as_str(), message_id.map(MessageId::as_str)])
        }
        (event, _) if event.shows_acceptance() => {
            execute(c, "UPDATE letter SET state = ?2, accepted_at = coalesce(accepted_at, ?3) WHERE id = ?1", params![key, state, at])
        }
        (LetterEvent::HandedOver, _) => execute(c, "UPDATE letter SET state = ?2, handed_at = ?3 WHERE id = ?1", params![key, state, at]),
        _ => execute(c, "UPDATE letter SET state = ?2 WHERE id = ?1", params![key, state]),
    }
}

/// What was answered is marked as answered, where it lies.
fn mark_as_answered(c: &Connection, answer: &Before, now: Moment) -> Result<(), LedgerError> {
    let Some(parent) = &answer.parent else { return Ok(()) };
    let sql = "INSERT INTO action (mailbox, letter, kind, due) VALUES (?1, ?2, 'answered', ?3) ON CONFLICT (letter, kind) DO NOTHING";
    execute(c, sql, params![answer.sender, parent, ms(now)]).map(drop)
}

/// Skips a letter, with the reason in its history. What would have answered it lapses, and the rest of the thread.
pub(super) fn skip(c: &Connection, id: LetterId, reason: SkipReason, at: Moment) -> Result<(), LedgerError> {
    apply(c, id, LetterEvent::Skipped, at, Said::Reason(reason))?;
    if reason.is_not_offered() {
        let sql = "UPDATE day SET unoffered = unoffered + 1 FROM letter l WHERE l.id = ?1 AND day.mailbox = l.sender AND day.date = l.date";
        execute(c, sql, [id.to_string()])?;
    }
    lapse_answers_to(c, id, at)
}

/// A letter that will not be opened has no answer: the answers that wait for it lapse. One that is due already was opened before.
pub(super) fn lapse_answers_to(c: &Connection, id: LetterId, at: Moment) -> Result<(), LedgerError> {
    let sql = "SELECT id FROM letter WHERE parent = ?1 AND due IS NULL AND state IN ('planned', 'deferred')";
    match one(c, sql, [id.to_string()], |r| letter_id(r, "id"))? {
        Some(answer) => skip(c, answer, SkipReason::ParentUnseen, at),
        None => Ok(()),
    }
}

impl Ledger {
    /// One letter.
    pub async fn letter(&self, id: LetterId) -> Result<Option<LetterFacts>, LedgerError> {
        self.store.ask(move |c| letter(c, id)).await
    }

    /// Those of `ids` that the ledger knows.
    pub async fn letters_of(&self, ids: Vec<LetterId>) -> Result<Vec<LetterFacts>, LedgerError> {
        self.store
            .ask(move |c| {
                let mut out = Vec::with_capacity(ids.len());
                for id in ids {
                    out.extend(letter(c, id)?);
                }
                Ok(out)
            })
            .await
    }

    /// What happened to a letter, oldest first.
    pub async fn steps(&self, id: LetterId) -> Result<Vec<StepRow>, LedgerError> {
        self.store
            .run(move |c| {
                all(c, "SELECT at, event, code, text FROM step WHERE letter = ?1 ORDER BY n", [id.to_string()], |r| {
                    Ok(StepRow {
                        at: moment(r, "at")?,
                        event: word(r, "event", LetterEvent::parse)?,
                        code: r.get("code")?,
                        text: r.get("text")?,
                    })
                })
            })
            .await
    }

    /// The letters that a mailbox sends on a local date, by due time.
    pub async fn letters_on(&self, sender: Address, date: LocalDate) -> Result<Vec<LetterFacts>, LedgerError> {
        self.store
            .ask(move |c| {
                let sql = format!("SELECT {COLUMNS} FROM letter WHERE sender = ?1 AND date = ?2 ORDER BY coalesce(due, expected), id");
                all(c, &sql, params![sender.as_str(), date.to_string()], read_letter)
            })
            .await
    }
}
