//! Tidying, as the ledger sees it: which copies of finished letters are still where they lay, and which were put away.
//!
//! Letters are gone through in the order of their ids, which begin with dates. What comes before a mark of its own is done with for each mailbox, but for
//! letters of the last days before it: one may have been seen late. So a day on which there is nothing to tidy costs next to nothing.

use std::time::Duration;

use rusqlite::{Connection, params};

use super::rows::{InOrder, execute, one};
use super::stray::{DAY, first_id_on};
use super::{Fence, Ledger, LedgerError, ms};
use crate::engage::is_final;
use crate::mail::{Cursor, Uid};
use crate::words::{Address, FolderRole, LetterId, LetterState, LocalDate, Moment, Placement, Tidied};

/// Letters of so many days before the mark are looked at again: as long as a late one may still arrive.
const SEEN_LATE: i64 = 8;

/// A copy of a finished letter that may be put away: its mark held, and no person's rule has filed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinishedCopy {
    /// The letter.
    pub letter: LetterId,
    /// What its folder is for: `Sent` for its sender's copy; `Inbox`, or `Other` where somebody has put it.
    pub role: FolderRole,
    /// The folder, as the server writes it.
    pub folder: String,
    /// Its numbering.
    pub uid_validity: u32,
    /// The copy's number there.
    pub uid: Uid,
}

/// What there is to tidy in a mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finished {
    /// Copies, by letter.
    pub copies: Vec<FinishedCopy>,
    /// Every letter whose id comes before this is done with, once these copies are.
    pub below: String,
}

impl Finished {
    /// A copy could not be put away: it is to be found again.
    pub fn hold(&mut self, letter: LetterId) {
        let id = letter.to_string();
        if id < self.below {
            self.below = id;
        }
    }
}

/// A copy that was put away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PutAway {
    /// The letter.
    pub letter: LetterId,
    /// How.
    pub how: Tidied,
    /// Where it lies now, with that folder's numbering, where the server said.
    pub place: Option<(u32, Uid)>,
}

/// A copy of a letter of its own that a mailbox's Sent folder holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentCopy {
    /// The letter; its mark holds.
    pub letter: LetterId,
    /// The copy's number in Sent.
    pub uid: Uid,
    /// Its bytes.
    pub size: u32,
}

/// The room that warmup mail takes in a mailbox, as far as preheat knows: letters to it, and copies in Sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Space {
    /// Messages that lie where they came in.
    pub messages: u32,
    /// Their bytes.
    pub bytes: u64,
    /// Messages that were put away into the folder for finished ones.
    pub put_away: u32,
    /// Their bytes.
    pub put_away_bytes: u64,
}

impl Space {
    /// Adds another mailbox's.
    pub fn add(&mut self, other: Self) {
        self.messages += other.messages;
        self.bytes += other.bytes;
        self.put_away += other.put_away;
        self.put_away_bytes += other.put_away_bytes;
    }
}

impl Ledger {
    /// The local date on which a mailbox was tidied last.
    pub async fn tidied_on(&self, mailbox: Address) -> Result<Option<LocalDate>, LedgerError> {
        self.store
            .ask(move |c| one(c, "SELECT date FROM tidy WHERE mailbox = ?1", [mailbox.as_str()], |r| InOrder::of(r).word(LocalDate::parse)))
            .await
    }

    /// When the oldest letter was handed over that a mailbox sent on `from` or later. `None`: it sent none.
    pub async fn first_handed(&self, sender: Address, from: LocalDate) -> Result<Option<Moment>, LedgerError> {
        self.store
            .ask(move |c| {
                let sql = "SELECT handed_at FROM letter WHERE sender = ?1 AND date >= ?2 AND handed_at IS NOT NULL ORDER BY date, handed_at LIMIT 1";
                one(c, sql, params![sender.as_str(), from.to_string()], |r| super::rows::moment(r, "handed_at"))
            })
            .await
    }

    /// Notes copies of a mailbox's own letters that its Sent folder holds, and how far that was read. Letters of others, and second copies, are left out.
    pub async fn note_sent_copies(
        &self,
        fence: Fence,
        mailbox: Address,
        folder: String,
        cursor: Cursor,
        copies: Vec<SentCopy>,
        now: Moment,
    ) -> Result<(), LedgerError> {
        self.store
            .run(move |c| {
                fence.check(c)?;
                let (who, validity) = (mailbox.as_str(), cursor.uid_validity);
                for copy in copies {
                    let sql = "INSERT INTO sighting (mailbox, letter, folder, role, uid_validity, uid, flags, at, size, marked)
                               SELECT ?1, id, ?3, 'sent', ?4, ?5, '', ?6, ?7, 1 FROM letter WHERE id = ?2 AND sender = ?1
                               ON CONFLICT (mailbox, letter) DO UPDATE SET folder = ?3, uid_validity = ?4, uid = ?5, at = ?6
                               WHERE tidied IS NULL AND (folder <> ?3 OR uid_validity <> ?4)";
                    execute(c, sql, params![who, copy.letter.to_string(), folder, validity, copy.uid.0, ms(now), copy.size])?;
                }
                let sql = "UPDATE folder SET uid_validity = ?3, uid = ?4, read_at = ?5 WHERE mailbox = ?1 AND name = ?2";
                execute(c, sql, params![who, folder, validity, cursor.uid, ms(now)]).map(drop)
            })
            .await
    }

    /// What may be put away in a mailbox: copies of letters that were handed over `after` ago, whose placement is final, of which nothing is to be done any
    /// more, and whose thread is at its end. At most `most` in the inbox and in Sent.
    pub async fn finished(&self, mailbox: Address, after: Duration, most: usize, now: Moment) -> Result<Finished, LedgerError> {
        self.store.ask(move |c| finished(c, &mailbox, after, most, now)).await
    }

    /// Notes copies that were put away. `into`: the folder that they were moved to, as the server writes it. Gives how far that folder is read now, where
    /// nothing but these copies came into it since it was read.
    pub async fn note_put_away(
        &self,
        fence: Fence,
        mailbox: Address,
        into: Option<String>,
        done: Vec<PutAway>,
        now: Moment,
    ) -> Result<Option<Cursor>, LedgerError> {
        self.store
            .run(move |c| {
                fence.check(c)?;
                for copy in &done {
                    note_one(c, &mailbox, into.as_deref(), copy, now)?;
                }
                into.map_or(Ok(None), |folder| read_what_was_moved(c, &mailbox, &folder, &done))
            })
            .await
    }

    /// Notes that a mailbox was tidied, and up to which letter.
    pub async fn end_tidying(&self, fence: Fence, mailbox: Address, date: LocalDate, below: String) -> Result<(), LedgerError> {
        self.store
            .run(move |c| {
                fence.check(c)?;
                let sql = "INSERT INTO tidy (mailbox, date, below) VALUES (?1, ?2, ?3)
                           ON CONFLICT (mailbox) DO UPDATE SET date = max(date, ?2), below = ?3";
                execute(c, sql, params![mailbox.as_str(), date.to_string(), below]).map(drop)
            })
            .await
    }

    /// The room that warmup mail takes in mailboxes, one for each; of letters that were pruned, what they took when they were seen last.
    pub async fn space(&self, mailboxes: Vec<Address>) -> Result<Vec<Space>, LedgerError> {
        self.store
            .ask(move |c| {
                let mut out = Vec::with_capacity(mailboxes.len());
                for mailbox in mailboxes {
                    let sql =
                        "SELECT s.messages + coalesce(p.messages, 0), s.bytes + coalesce(p.bytes, 0), s.put_away + coalesce(p.put_away, 0),
                                 s.put_away_bytes + coalesce(p.put_away_bytes, 0)
                               FROM space s LEFT JOIN pruned_space p ON p.mailbox = s.mailbox WHERE s.mailbox = ?1";
                    let space = one(c, sql, [mailbox.as_str()], |r| {
                        let mut columns = InOrder::of(r);
                        let bytes = |n: i64| u64::try_from(n).unwrap_or(0);
                        Ok(Space {
                            messages: columns.get()?,
                            bytes: bytes(columns.get()?),
                            put_away: columns.get()?,
                            put_away_bytes: bytes(columns.get()?),
                        })
                    })?;
                    out.push(space.unwrap_or_default());
                }
                Ok(out)
            })
            .await
    }
}

fn moment(columns: &mut InOrder<'_, '_>) -> Result<Option<Moment>, LedgerError> {
    Ok(columns.get::<Option<i64>>()?.map(Moment))
}

/// A sighting that was not put away yet, with what tells whether its letter is finished.
struct Standing {
    copy: FinishedCopy,
    marked: bool,
    placement: Option<Placement>,
    state: LetterState,
    handed_at: Option<Moment>,
    seen_at: Option<Moment>,
    has_actions: bool,
    answer: Option<LetterId>,
}

impl Standing {
    fn read(r: &rusqlite::Row<'_>) -> Result<Self, LedgerError> {
        let mut columns = InOrder::of(r);
        let c = &mut columns;
        Ok(Self {
            copy: FinishedCopy {
                letter: c.word(|t| LetterId::parse(t).ok())?,
                role: c.word(FolderRole::parse)?,
                folder: c.get()?,
                uid_validity: c.get()?,
                uid: Uid(c.get()?),
            },
            marked: c.get()?,
            placement: c.maybe(Placement::parse)?,
            state: c.word(LetterState::parse)?,
            handed_at: moment(c)?,
            seen_at: moment(c)?,
            has_actions: c.get()?,
            answer: c.maybe(|t| LetterId::parse(t).ok())?,
        })
    }

    fn is_finished(&self, c: &Connection, handed_before: Moment, now: Moment) -> Result<bool, LedgerError> {
        let is_old = self.handed_at.or(self.seen_at).is_some_and(|at| at <= handed_before);
        Ok(is_old && !self.has_actions && is_final(self.state, self.handed_at, self.seen_at, now) && thread_is_over(c, self.answer, now)?)
    }

    /// A copy in Sent was put there by a machine, whatever became of the letter. One in spam is its provider's to empty: to take it out is a rescue.
    fn may_be_touched(&self) -> bool {
        let is_filed = self.placement == Some(Placement::Filed);
        self.marked
            && match self.copy.role {
                FolderRole::Sent => true,
                FolderRole::Inbox | FolderRole::Other => !is_filed,
                _ => false,
            }
    }
}

fn finished(c: &Connection, mailbox: &Address, after: Duration, most: usize, now: Moment) -> Result<Finished, LedgerError> {
    let handed_before = now - after;
    let last_day = ms(handed_before).div_euclid(DAY);
    let sql = "SELECT below FROM tidy WHERE mailbox = ?1";
    let below: String = one(c, sql, [mailbox.as_str()], |r| Ok(r.get(0)?))?.unwrap_or_default();
    let from = below.min(first_id_on(last_day - SEEN_LATE));
    let mut found = Finished { copies: Vec::new(), below: first_id_on(last_day) };
    let sql = "SELECT s.letter, s.role, s.folder, s.uid_validity, s.uid, s.marked, l.placement, l.state, l.handed_at, l.seen_at,
                 EXISTS (SELECT 1 FROM action a WHERE a.letter = s.letter AND a.result IS NULL),
                 (SELECT a.id FROM letter a WHERE a.parent = s.letter)
               FROM sighting s CROSS JOIN letter l ON l.id = s.letter
               WHERE s.mailbox = ?1 AND s.letter >= ?2 AND s.letter < ?3 AND s.tidied IS NULL ORDER BY s.letter";
    let mut statement = c.prepare_cached(sql)?;
    let mut rows = statement.query(params![mailbox.as_str(), from, found.below])?;
    let mut counted = 0;
    while let Some(row) = rows.next()? {
        let standing = Standing::read(row)?;
        if !standing.is_finished(c, handed_before, now)? {
            found.hold(standing.copy.letter);
        } else if standing.may_be_touched() {
            if standing.copy.role != FolderRole::Other {
                if counted == most {
                    found.hold(standing.copy.letter);
                    break;
                }
                counted += 1;
            }
            found.copies.push(standing.copy);
        }
    }
    Ok(found)
}

/// Whether a thread is at its end, from an answer on: no letter of it is to be sent or on its way, and none may still be rescued, which would call for
/// another answer.
fn thread_is_over(c: &Connection, mut answer: Option<LetterId>, now: Moment) -> Result<bool, LedgerError> {
    while let Some(id) = answer {
        let sql = "SELECT state, handed_at, seen_at, EXISTS (SELECT 1 FROM action a WHERE a.letter = l.id AND a.result IS NULL),
                     (SELECT a.id FROM letter a WHERE a.parent = l.id)
                   FROM letter l WHERE id = ?1";
        let next = one(c, sql, [id.to_string()], |r| {
            let mut columns = InOrder::of(r);
            let c = &mut columns;
            let (state, handed_at, seen_at, has_actions) = (c.word(LetterState::parse)?, moment(c)?, moment(c)?, c.get::<bool>()?);
            let is_settled = state == LetterState::Skipped || is_final(state, handed_at, seen_at, now);
            Ok((is_settled && !has_actions, c.maybe(|t| LetterId::parse(t).ok())?))
        })?;
        let Some((is_over, next)) = next else { return Ok(true) };
        if !is_over {
            return Ok(false);
        }
        answer = next;
    }
    Ok(true)
}

fn note_one(c: &Connection, mailbox: &Address, into: Option<&str>, copy: &PutAway, now: Moment) -> Result<(), LedgerError> {
    let (who, id, how) = (mailbox.as_str(), copy.letter.to_string(), copy.how.as_str());
    let noted = if let (Some(folder), Some((uid_validity, uid))) = (into, copy.place) {
        let sql = "UPDATE sighting SET tidied = ?3, folder = ?4, role = iif(role = 'sent', role, 'other'), uid_validity = ?5, uid = ?6
                   WHERE mailbox = ?1 AND letter = ?2 AND tidied IS NULL RETURNING role = 'sent'";
        one(c, sql, params![who, id, how, folder, uid_validity, uid.0], |r| Ok(r.get::<_, bool>(0)?))?
    } else {
        let sql = "UPDATE sighting SET tidied = ?3 WHERE mailbox = ?1 AND letter = ?2 AND tidied IS NULL RETURNING role = 'sent'";
        one(c, sql, params![who, id, how], |r| Ok(r.get::<_, bool>(0)?))?
    };
    let event = match copy.how {
        Tidied::Moved => "tidied",
        Tidied::Deleted => "deleted",
        Tidied::Gone => return Ok(()),
    };
    if noted == Some(false) {
        let sql = "INSERT INTO moved (at, letter, event) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        execute(c, sql, params![ms(now), id, event])?;
    }
    Ok(())
}

/// What we put into a folder ourselves needs no look: its cursor goes on where all that came behind it is ours.
fn read_what_was_moved(c: &Connection, mailbox: &Address, folder: &str, done: &[PutAway]) -> Result<Option<Cursor>, LedgerError> {
    let places = || done.iter().filter_map(|copy| copy.place);
    let (Some(first), Some(last)) = (places().map(|(_, uid)| uid.0).min(), places().map(|(_, uid)| uid.0).max()) else { return Ok(None) };
    let Some((uid_validity, _)) = places().next() else { return Ok(None) };
    let are_one_row = places().all(|(v, _)| v == uid_validity) && places().count() as u64 == u64::from(last - first) + 1;
    if !are_one_row || first == 0 {
        return Ok(None);
    }
    let sql = "UPDATE folder SET uid_validity = ?3, uid = ?5 WHERE mailbox = ?1 AND name = ?2
               AND ((uid_validity = ?3 AND uid = ?4 - 1) OR (uid_validity IS NULL AND ?4 = 1))";
    let is_read = execute(c, sql, params![mailbox.as_str(), folder, uid_validity, first, last])? > 0;
    Ok(is_read.then_some(Cursor { uid_validity, uid: last }))
}

/// Whether a copy was put away.
pub(super) fn is_put_away(c: &Connection, mailbox: &Address, id: LetterId) -> Result<bool, LedgerError> {
    let sql = "SELECT 1 FROM sighting WHERE mailbox = ?1 AND letter = ?2 AND tidied IS NOT NULL";
    Ok(one(c, sql, params![mailbox.as_str(), id.to_string()], |_| Ok(()))?.is_some())
}
