//! Pruning: letters that are over and long past go, and what they came to stays, as sums by day.
//!
//! The letters of a sender's date lie together, and with them all that answers them: whole threads go at once, from the oldest on, some hundred letters
//! in a transaction. So a run beside it never waits for long, and whenever pruning breaks off, the ledger is whole: the rest goes the next time.
//!
//! What is never pruned: days, verdicts, suppressions, suspensions, pauses, times of readiness, real mail.

mod gather;
mod sums;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::rows::{InOrder, all, execute, one};
use super::stray::first_id_on;
use super::sums::count_anew;
use super::{Ledger, LedgerError, ms};
use crate::words::{Address, LetterState, LocalDate, Moment};
use gather::{Gathered, gather};
use sums::Sums;

/// The dates that are kept at least. Nothing that preheat does looks back further: the longest is a Sent folder that is renumbered, whose messages are
/// known again for 45 dates; bounces of an address are counted for 30 days, and the guard looks at 14.
pub const LEAST_KEPT: u32 = 45;

/// A date that stands alone may have a few of the same week beside it: mailboxes in other zones, and runs of the days after.
const ALONE: u32 = 7;

/// Letters of one transaction, and of whatever else goes.
const BATCH: usize = 500;

/// What is to be pruned.
#[derive(Clone, Copy, Debug)]
pub struct PruneRules {
    /// Letters of earlier dates, whose threads began before it, too.
    pub before: LocalDate,
    /// Whether finished mail is put away: copies that are still to be wait for that.
    pub tidies: bool,
    /// Plan time.
    pub now: Moment,
}

/// Up to where a ledger was pruned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pruned {
    /// Letters of earlier dates are gone, but for those that were still open.
    pub before: LocalDate,
    /// When that was.
    pub at: Moment,
}

/// Letters of a mailbox's date that were pruned, by what became of them.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PrunedSum {
    /// The sender.
    pub mailbox: Address,
    /// Their state.
    pub state: LetterState,
    /// Why they were skipped, or where they were first seen; empty for neither.
    pub detail: String,
    /// How many.
    pub letters: u32,
    /// Of these: answers.
    pub answers: u32,
    /// Pulled out of spam.
    pub rescued: u32,
}

/// What was taken out of the ledger, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Removed {
    /// Letters.
    pub letters: u64,
    /// Steps, actions, moves and what was kept for answers.
    pub history: u64,
    /// Copies of them in mailboxes, as they were seen last.
    pub sightings: u64,
    /// Signals, with whom they name.
    pub signals: u64,
    /// Messages that carried our header and were not acted on.
    pub refused_marks: u64,
    /// Letters of these dates that stay, because they or others of their thread are open or of a later date.
    pub held: u64,
}

impl Removed {
    /// Whether all of it stays.
    fn is_nothing(self) -> bool {
        self == Self { held: self.held, ..Self::default() }
    }
}

impl Ledger {
    /// Up to where it was pruned; `None`: never.
    pub async fn pruned(&self) -> Result<Option<Pruned>, LedgerError> {
        self.store.ask(pruned).await
    }

    /// What became of a date's letters that were pruned, by mailbox.
    pub async fn pruned_on(&self, date: LocalDate) -> Result<Vec<PrunedSum>, LedgerError> {
        self.store
            .ask(move |c| {
                let sql = "SELECT mailbox, state, detail, letters, answers, rescued FROM pruned_sum
                           WHERE mailbox IN (SELECT address FROM mailbox) AND date = ?1 ORDER BY mailbox, state, detail";
                all(c, sql, [date.to_string()], |r| {
                    let mut columns = InOrder::of(r);
                    Ok(PrunedSum {
                        mailbox: columns.word(|t| Address::parse(t).ok())?,
                        state: columns.word(LetterState::parse)?,
                        detail: columns.get()?,
                        letters: columns.get()?,
                        answers: columns.get()?,
                        rescued: columns.get()?,
                    })
                })
            })
            .await
    }

    /// Whether there is no day in the weeks before the ledger's last date, but there are earlier ones: nothing was sent for long, or the clock was wrong on
    /// that date.
    pub async fn stands_alone(&self, last: LocalDate) -> Result<bool, LedgerError> {
        let (from, to) = (last.minus(LEAST_KEPT), last.minus(ALONE));
        self.store
            .ask(move |c| {
                let sql =
                    "SELECT EXISTS (SELECT 1 FROM day WHERE date < ?1) AND NOT EXISTS (SELECT 1 FROM day WHERE date BETWEEN ?1 AND ?2)";
                Ok(c.query_row(sql, [from.to_string(), to.to_string()], |r| r.get(0))?)
            })
            .await
    }

    /// The last date that the ledger has a day of; `None` before the first agenda. A clock that is wrong must not make letters old.
    pub async fn last_date(&self) -> Result<Option<LocalDate>, LedgerError> {
        self.store
            .ask(|c| {
                let last = one(c, "SELECT max(date) FROM day", [], |r| Ok(r.get::<_, Option<String>>(0)?))?.flatten();
                last.map(|date| super::rows::stored(&date, LocalDate::parse)).transpose()
            })
            .await
    }
}

fn pruned(c: &Connection) -> Result<Option<Pruned>, LedgerError> {
    one(c, "SELECT before, at FROM pruned", [], |r| {
        let mut columns = InOrder::of(r);
        Ok(Pruned { before: columns.word(LocalDate::parse)?, at: Moment(columns.get()?) })
    })
}

/// Where pruning goes on.
enum Stage {
    /// With letters whose ids begin here, or later.
    Letters(String),
    /// With signals of nobody's letter that come after this one: its time, its mailbox, its id.
    Signals(i64, String, String),
    /// With the refused marks of these mailboxes.
    Marks(Vec<String>),
    Over,
}

/// Prunes a ledger, batch by batch.
pub struct Pruner {
    connection: Connection,
    rules: PruneRules,
    is_trial: bool,
    /// Letters of one transaction.
    most: usize,
    stage: Stage,
    removed: Removed,
}

impl Pruner {
    /// Begins. With `is_trial`, everything is counted and nothing is taken.
    ///
    /// # Errors
    /// [`LedgerError`]: the file cannot be opened.
    pub fn of(path: &Path, rules: PruneRules, is_trial: bool) -> Result<Self, LedgerError> {
        let connection = Connection::open(path).map_err(|e| LedgerError::open(path, &e))?;
        super::set_up(&connection).map_err(|e| LedgerError::open(path, &e))?;
        // Who names a letter goes with it, in one transaction. SQLite would look for each letter through every table that may name it.
        connection.execute_batch("PRAGMA foreign_keys = OFF")?;
        Ok(Self { connection, rules, is_trial, most: BATCH, stage: Stage::Letters(String::new()), removed: Removed::default() })
    }

    /// The same in smaller batches.
    #[cfg(test)]
    #[must_use]
    pub(crate) fn in_batches_of(self, most: usize) -> Self {
        Self { most, ..self }
    }

    /// One short transaction; false when there was nothing left to do.
    ///
    /// # Errors
    /// [`LedgerError`]; nothing of this batch was written then.
    pub fn batch(&mut self) -> Result<bool, LedgerError> {
        let transaction = Transaction::new(&mut self.connection, TransactionBehavior::Immediate)?;
        let mut removed = self.removed;
        let next = match &self.stage {
            Stage::Over => return Ok(false),
            Stage::Letters(from) => prune_letters(&transaction, self.rules, (from, self.most), &mut removed)?,
            Stage::Signals(at, mailbox, id) => prune_signals(&transaction, self.rules, (*at, mailbox, id), &mut removed)?,
            Stage::Marks(mailboxes) => prune_marks(&transaction, self.rules, mailboxes, &mut removed)?,
        };
        if self.is_trial {
            transaction.rollback()?;
        } else {
            // Where nothing has gone, nothing is missing.
            if !removed.is_nothing() {
                note_pruned(&transaction, self.rules)?;
            }
            transaction.commit()?;
        }
        (self.stage, self.removed) = (next, removed);
        Ok(true)
    }

    /// What was taken so far.
    pub fn removed(&self) -> Removed {
        self.removed
    }

    /// Bytes in the file that hold nothing: the next letters take them.
    pub fn free_bytes(&self) -> Result<u64, LedgerError> {
        let number = |name: &str| Ok::<i64, LedgerError>(self.connection.query_row(&format!("PRAGMA {name}"), [], |r| r.get(0))?);
        Ok(u64::try_from(number("freelist_count")? * number("page_size")?).unwrap_or(0))
    }

    /// Writes the file anew without what holds nothing. Nobody else can write meanwhile, and it wants room for two more files: beside it, and in the system's
    /// folder for temporary files. False: what was written lies beside the file until whoever reads it now is done.
    ///
    /// # Errors
    /// [`LedgerError`]; the ledger is as it was then.
    pub fn shrink(&self) -> Result<bool, LedgerError> {
        self.connection.execute_batch("VACUUM")?;
        let is_held: bool = self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |r| r.get(0))?;
        Ok(!is_held)
    }
}

fn note_pruned(c: &Connection, rules: PruneRules) -> Result<(), LedgerError> {
    let sql = "INSERT INTO pruned (id, before, at) VALUES (1, ?1, ?2) ON CONFLICT (id) DO UPDATE SET before = max(before, ?1), at = ?2";
    execute(c, sql, params![rules.before.to_string(), ms(rules.now)]).map(drop)
}

/// When the first moment of the first date that is kept may be, anywhere: what happened before it is of an earlier date.
fn midnight(rules: PruneRules) -> Moment {
    rules.before.at(chrono::NaiveTime::MIN, crate::words::Zone::UTC) - Duration::from_hours(14)
}

fn prune_letters(c: &Connection, rules: PruneRules, (from, most): (&str, usize), removed: &mut Removed) -> Result<Stage, LedgerError> {
    let end = first_id_on(rules.before.days_since(LocalDate::EPOCH));
    let Gathered { letters, held, next } = gather(c, rules, midnight(rules), (from, &end), most)?;
    let mut sums = Sums::default();
    for letter in &letters {
        sums.count(letter);
        sums.count_signals(c, &letter.id)?;
        sums.count_copies(c, letter)?;
        let delete = |sql: &str| execute(c, sql, [&letter.id]);
        removed.history += (delete("DELETE FROM step WHERE letter = ?1")?
            + delete("DELETE FROM action WHERE letter = ?1")?
            + delete("DELETE FROM moved WHERE letter = ?1")?
            + delete("DELETE FROM opened WHERE letter = ?1")?) as u64;
        removed.signals += prune_signals_of(c, &letter.id)?;
        let copies = "DELETE FROM sighting WHERE mailbox IN (?2, ?3) AND letter = ?1";
        removed.sightings += execute(c, copies, params![letter.id, letter.sender, letter.recipient])? as u64;
        execute(c, "DELETE FROM letter WHERE id = ?1", [&letter.id])?;
    }
    for (sender, date) in letters.iter().map(|l| (&l.sender, &l.date)).collect::<BTreeSet<_>>() {
        count_anew(c, sender, date)?;
    }
    if let (Some(first), Some(last)) = (letters.iter().map(|l| &l.id).min(), letters.iter().map(|l| &l.id).max()) {
        // Few rows each, and no index by letter.
        let gone = "letter BETWEEN ?1 AND ?2 AND NOT EXISTS (SELECT 1 FROM letter l WHERE l.id = letter)";
        execute(c, &format!("DELETE FROM stray WHERE {gone}"), [first, last])?;
        execute(c, &format!("UPDATE suspension SET letter = NULL WHERE {gone}"), [first, last])?;
    }
    sums.write(c)?;
    removed.letters += letters.len() as u64;
    removed.held += held;
    Ok(next.map_or_else(|| Stage::Signals(i64::MIN, String::new(), String::new()), Stage::Letters))
}

fn prune_signals_of(c: &Connection, letter: &str) -> Result<u64, LedgerError> {
    let named = "DELETE FROM signal_recipient WHERE (mailbox, message_id) IN (SELECT mailbox, message_id FROM signal WHERE letter = ?1)";
    execute(c, named, [letter])?;
    Ok(execute(c, "DELETE FROM signal WHERE letter = ?1", [letter])? as u64)
}

/// Signals behind which no letter is known: about real mail, mostly. Those of letters go with them.
fn prune_signals(c: &Connection, rules: PruneRules, after: (i64, &String, &String), removed: &mut Removed) -> Result<Stage, LedgerError> {
    let sql = "SELECT at, mailbox, message_id, date, scope, kind FROM signal INDEXED BY signal_by_at
               WHERE (at, mailbox, message_id) > (?1, ?2, ?3) AND at < ?4 AND letter IS NULL AND date < ?5 ORDER BY at, mailbox, message_id LIMIT ?6";
    let rules_of = params![after.0, after.1, after.2, ms(midnight(rules)), rules.before.to_string(), BATCH as u32];
    let found = all(c, sql, rules_of, |r| {
        let mut columns = InOrder::of(r);
        let key: (i64, String, String) = (columns.get()?, columns.get()?, columns.get()?);
        Ok((key, [columns.get::<String>()?, columns.get()?, columns.get()?]))
    })?;
    let mut sums = Sums::default();
    for ((_, mailbox, message_id), [date, scope, kind]) in &found {
        sums.count_signal([mailbox, date, scope, kind], 1);
        execute(c, "DELETE FROM signal_recipient WHERE mailbox = ?1 AND message_id = ?2", [mailbox, message_id])?;
        removed.signals += execute(c, "DELETE FROM signal WHERE mailbox = ?1 AND message_id = ?2", [mailbox, message_id])? as u64;
    }
    sums.write(c)?;
    if found.len() == BATCH
        && let Some(((at, mailbox, id), _)) = found.into_iter().next_back()
    {
        return Ok(Stage::Signals(at, mailbox, id));
    }
    let sql = "SELECT DISTINCT mailbox FROM refused_mark WHERE at < ?1 ORDER BY mailbox";
    Ok(Stage::Marks(all(c, sql, [ms(midnight(rules))], |r| Ok(r.get(0)?))?))
}

/// Of one mailbox after the other: a server may have shown many.
fn prune_marks(c: &Connection, rules: PruneRules, mailboxes: &[String], removed: &mut Removed) -> Result<Stage, LedgerError> {
    let Some((mailbox, rest)) = mailboxes.split_first() else { return Ok(Stage::Over) };
    let sql = "DELETE FROM refused_mark WHERE mailbox = ?1 AND at < ?2";
    removed.refused_marks += execute(c, sql, params![mailbox, ms(midnight(rules))])? as u64;
    Ok(Stage::Marks(rest.to_vec()))
}
