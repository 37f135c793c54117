//! Which letters may go: whole threads, of which nothing is open and nothing is of a date that is kept.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, params};

use super::super::rows::InOrder;
use super::super::{LedgerError, ms};
use super::PruneRules;
use crate::engage::is_final;
use crate::words::{LetterState, Moment};

/// The first letters of an id, which all of a sender's date have in common, and all that answers them.
const PLACE: usize = 10;

/// A letter, as far as its sums need it; words of the ledger.
pub(super) struct Past {
    pub(super) id: String,
    pub(super) parent: Option<String>,
    pub(super) sender: String,
    pub(super) recipient: String,
    pub(super) date: String,
    pub(super) state: LetterState,
    /// Why it was skipped, or where it was first seen.
    pub(super) detail: String,
    pub(super) is_handed: bool,
    pub(super) is_accepted: bool,
    pub(super) is_rescued: bool,
    may_go: bool,
}

/// What one batch is about.
pub(super) struct Gathered {
    /// Letters that go.
    pub(super) letters: Vec<Past>,
    /// How many stay.
    pub(super) held: u64,
    /// Where the next batch begins; `None` at the end.
    pub(super) next: Option<String>,
}

/// A letter is over when its placement is final or it was never sent, nothing is to be done with it or put away, and nothing was heard of it lately.
const READ: &str = "SELECT l.id, l.parent, l.sender, l.recipient, l.date, l.state, coalesce(l.skip_reason, l.placement, ''),
    l.handed_at, l.seen_at, l.accepted_at IS NOT NULL, l.rescued_at IS NOT NULL,
    EXISTS (SELECT 1 FROM action a WHERE a.letter = l.id AND a.result IS NULL)
    OR EXISTS (SELECT 1 FROM signal g WHERE g.letter = l.id AND g.at >= ?3)
    OR (?4 AND EXISTS (SELECT 1 FROM sighting s WHERE s.mailbox IN (l.sender, l.recipient) AND s.letter = l.id AND s.tidied IS NULL AND s.marked = 1
          AND (s.role = 'sent' OR (s.role IN ('inbox', 'other') AND l.placement IS NOT 'filed'))
          AND s.letter >= coalesce((SELECT below FROM tidy t WHERE t.mailbox = s.mailbox), '')
          AND EXISTS (SELECT 1 FROM mailbox m WHERE m.address = s.mailbox AND m.removed_at IS NULL)))
  FROM letter l WHERE l.id >= ?1 AND l.id < ?2 ORDER BY l.id";

/// Gathers letters from one id on and before another: all of some senders' dates, `most` or a few more.
pub(super) fn gather(
    c: &Connection,
    rules: PruneRules,
    heard_lately: Moment,
    (from, end): (&str, &str),
    most: usize,
) -> Result<Gathered, LedgerError> {
    let first_kept = rules.before.to_string();
    let mut statement = c.prepare_cached(READ)?;
    let mut rows = statement.query(params![from, end, ms(heard_lately), rules.tidies])?;
    let (mut letters, mut next) = (Vec::<Past>::new(), None);
    while let Some(row) = rows.next()? {
        let letter = read(row, &first_kept, rules.now)?;
        if letters.len() >= most && letters.last().is_some_and(|last| place(&last.id) != place(&letter.id)) {
            next = Some(letter.id);
            break;
        }
        letters.push(letter);
    }
    let held = threads_that_stay(&letters);
    let all = letters.len();
    letters.retain(|letter| !held.contains(&letter.id));
    Ok(Gathered { held: (all - letters.len()) as u64, letters, next })
}

fn place(id: &str) -> &str {
    id.get(..PLACE).unwrap_or(id)
}

fn read(row: &rusqlite::Row<'_>, first_kept: &str, now: Moment) -> Result<Past, LedgerError> {
    let mut columns = InOrder::of(row);
    let c = &mut columns;
    let (id, parent, sender, recipient, date) = (c.get()?, c.get()?, c.get()?, c.get()?, c.get::<String>()?);
    let (state, detail) = (c.word(LetterState::parse)?, c.get()?);
    let (handed_at, seen_at) = (c.get::<Option<i64>>()?.map(Moment), c.get::<Option<i64>>()?.map(Moment));
    let (is_accepted, is_rescued, is_open) = (c.get()?, c.get()?, c.get::<bool>()?);
    let is_over = state == LetterState::Skipped || is_final(state, handed_at, seen_at, now);
    let may_go = is_over && !is_open && date.as_str() < first_kept;
    Ok(Past { id, parent, sender, recipient, date, state, detail, is_handed: handed_at.is_some(), is_accepted, is_rescued, may_go })
}

/// The ids of all letters of threads of which one must stay.
fn threads_that_stay(letters: &[Past]) -> BTreeSet<String> {
    let parents: BTreeMap<&str, Option<&str>> = letters.iter().map(|l| (l.id.as_str(), l.parent.as_deref())).collect();
    let start_of = |id: &str| {
        let mut start = id.to_owned();
        // A thread has a few letters; a circle, which nobody can have written, must not keep us for ever.
        for _ in 0..letters.len() {
            match parents.get(start.as_str()) {
                Some(Some(parent)) => start = (*parent).to_owned(),
                _ => break,
            }
        }
        start
    };
    let staying: BTreeSet<String> = letters.iter().filter(|l| !l.may_go).map(|l| start_of(&l.id)).collect();
    if staying.is_empty() {
        return staying;
    }
    letters.iter().map(|l| l.id.clone()).filter(|id| staying.contains(&start_of(id))).collect()
}
