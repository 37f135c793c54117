//! Looking, as the ledger sees it: folders, cursors, sightings. A look is one transaction, so that a cursor never runs ahead of what was read.

use std::collections::BTreeSet;
use std::time::Duration;

use rusqlite::{Connection, params};

use super::letters::{Before, Said, apply, apply_to, before_columns, lapse_answers_to, skip};
use super::rows::{InOrder, all, execute, one};
use super::{ActionKind, Fence, Ledger, LedgerError, ms, sums};
use crate::engage::JUDGED_AGAIN;
use crate::letter::LetterEvent;
use crate::mail::{Cursor, Folder, FolderName, Uid};
use crate::words::{Address, FolderRole, LetterId, LetterState, MessageId, Moment, Placement, SkipReason};

/// What waits for a rescue is due this long after it at the earliest.
const AFTER_RESCUE: Duration = Duration::from_mins(30);

/// A folder and how far it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFolder {
    /// Its name.
    pub name: FolderName,
    /// Its role.
    pub role: FolderRole,
    /// How its role was found.
    pub found_by: String,
    /// How far it was read; `None`: never.
    pub cursor: Option<Cursor>,
    /// When it was read last.
    pub read_at: Option<Moment>,
}

/// A letter of ours that a look found, with what its recipient will do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighted {
    /// The letter.
    pub letter: LetterId,
    /// Its UID.
    pub uid: Uid,
    /// Its flags.
    pub flags: Vec<String>,
    /// Its bytes.
    pub size: u32,
    /// Whether its mark holds. Where it was stripped, nobody acts on the letter.
    pub marked: bool,
    /// What the folder makes of it.
    pub placement: Placement,
    /// The Message-ID that the server shows.
    pub message_id: Option<MessageId>,
    /// Actions to plan at the first sighting, with their due times.
    pub actions: Vec<(ActionKind, Moment)>,
    /// Actions to plan if this sighting is the end of a rescue.
    pub after_rescue: Vec<(ActionKind, Moment)>,
}

/// A message with our header that is not acted on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedMark {
    /// Its UID.
    pub uid: Uid,
    /// `duplicate`, `shape`, `key`, `signature`, `unknown_letter` or `not_for_us`.
    pub why: &'static str,
    /// The letter that it names, where it names one.
    pub letter: Option<LetterId>,
}

/// Everything that one look at one folder found.
#[derive(Clone, Debug)]
pub struct LookNote {
    /// The mailbox.
    pub mailbox: Address,
    /// The folder, as the server writes it.
    pub folder: String,
    /// Its role.
    pub role: FolderRole,
    /// The cursor after the look.
    pub cursor: Cursor,
    /// Letters of ours.
    pub sighted: Vec<Sighted>,
    /// Messages with our header that are not acted on.
    pub refused: Vec<RefusedMark>,
    /// Plan time.
    pub now: Moment,
}

/// What a look changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// Letters seen for the first time.
    pub first_seen: u32,
    /// Of these, in spam.
    pub in_spam: u32,
    /// Letters that a rescue brought to the inbox.
    pub rescued: u32,
    /// Second copies, and marks that do not hold.
    pub refused: u32,
}

/// Where a letter was seen last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SightingRow {
    /// The letter.
    pub letter: LetterId,
    /// The folder, as the server writes it.
    pub folder: String,
    /// The folder's numbering.
    pub uid_validity: u32,
    /// Its number there.
    pub uid: Uid,
}

impl Ledger {
    /// Where letters were seen last at a mailbox.
    pub async fn sightings_of(&self, mailbox: Address, letters: Vec<LetterId>) -> Result<Vec<SightingRow>, LedgerError> {
        self.store
            .ask(move |c| {
                let sql = "SELECT folder, uid_validity, uid FROM sighting WHERE mailbox = ?1 AND letter = ?2";
                let mut out = Vec::new();
                for letter in letters {
                    out.extend(one(c, sql, params![mailbox.as_str(), letter.to_string()], |r| {
                        let mut columns = InOrder::of(r);
                        Ok(SightingRow { letter, folder: columns.get()?, uid_validity: columns.get()?, uid: Uid(columns.get()?) })
                    })?);
                }
                Ok(out)
            })
            .await
    }

    /// Writes a mailbox's folder list. Cursors of folders that are still there stay; folders that are gone are forgotten.
    pub async fn note_folders(&self, fence: Fence, mailbox: Address, folders: Vec<Folder>) -> Result<(), LedgerError> {
        self.store
            .run(move |c| {
                fence.check(c)?;
                let sql = "SELECT name, shown, role, found_by FROM folder WHERE mailbox = ?1";
                // A server may list thousands, and everybody waits for this transaction: sets, not lists in lists.
                let known: BTreeSet<[String; 4]> =
                    all(c, sql, [mailbox.as_str()], |r| Ok([r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?]))?.into_iter().collect();
                let listed: BTreeSet<&str> = folders.iter().map(|f| f.name.wire.as_str()).collect();
                for [gone, ..] in known.iter().filter(|[name, ..]| !listed.contains(name.as_str())) {
                    execute(c, "DELETE FROM folder WHERE mailbox = ?1 AND name = ?2", params![mailbox.as_str(), gone])?;
                }
                // Mostly nothing has changed since the last session.
                let row = |f: &Folder| [&f.name.wire, &f.name.shown, f.role.as_str(), &f.found_by].map(str::to_owned);
                let is_known = |f: &Folder| known.contains(&row(f));
                for f in folders.iter().filter(|f| !is_known(f)) {
                    execute(
                        c,
                        "INSERT INTO folder (mailbox, name, shown, role, found_by) VALUES (?1, ?2, ?3, ?4, ?5)
                         ON CONFLICT (mailbox, name) DO UPDATE SET shown = ?3, role = ?4, found_by = ?5",
                        params![mailbox.as_str(), f.name.wire, f.name.shown, f.role.as_str(), f.found_by],
                    )?;
                }
                Ok(())
            })
            .await
    }

    /// A mailbox's folders with their cursors, by name.
    pub async fn folders(&self, mailbox: Address) -> Result<Vec<StoredFolder>, LedgerError> {
        self.store.ask(move |c| folders(c, &mailbox)).await
    }

    /// Writes what a look found, the cursor and all, in one transaction.
    pub async fn note_look(&self, fence: Fence, note: LookNote) -> Result<Noted, LedgerError> {
        self.store
            .run(move |c| {
                fence.check(c)?;
                let mut noted = Noted::default();
                let mut shown = BTreeSet::new();
                for s in &note.sighted {
                    if shown.insert(s.letter) {
                        note_sighting(c, &note, s, &mut noted)?;
                    } else {
                        // Two copies in one look: the second is never acted on.
                        noted.refused += note_refused(c, &note, s.uid, "duplicate", Some(s.letter))?;
                    }
                }
                for r in &note.refused {
                    noted.refused += note_refused(c, &note, r.uid, r.why, r.letter)?;
                }
                execute(
                    c,
                    "UPDATE folder SET uid_validity = ?3, uid = ?4, read_at = ?5 WHERE mailbox = ?1 AND name = ?2",
                    params![note.mailbox.as_str(), note.folder, note.cursor.uid_validity, note.cursor.uid, ms(note.now)],
                )?;
                Ok(noted)
            })
            .await
    }

    /// Writes that folders were read, and when, which showed nothing new.
    pub async fn note_read(&self, fence: Fence, mailbox: Address, folders: Vec<(String, Moment)>) -> Result<(), LedgerError> {
        self.store
            .run(move |c| {
                fence.check(c)?;
                for (folder, at) in folders {
                    let sql = "UPDATE folder SET read_at = ?3 WHERE mailbox = ?1 AND name = ?2";
                    execute(c, sql, params![mailbox.as_str(), folder, ms(at)])?;
                }
                Ok(())
            })
            .await
    }

    /// Letters to a mailbox that were accepted before `before`, are not seen yet, and are missing therefore: every folder that matters was read since.
    pub async fn note_missing(&self, fence: Fence, recipient: Address, before: Moment, now: Moment) -> Result<Vec<LetterId>, LedgerError> {
        self.store
            .run(move |c| {
                fence.check(c)?;
                // Inbox and spam must have been read after the grace time; other folders too, but for those that can never be opened (shared ones).
                // Sent, drafts and Gmail's All are no places to arrive in.
                let folders = folders(c, &recipient)?;
                let role_read_at = |role| folders.iter().find(|f| f.role == role).and_then(|f| f.read_at);
                let (Some(inbox), Some(spam)) = (role_read_at(FolderRole::Inbox), role_read_at(FolderRole::Spam)) else {
                    return Ok(Vec::new());
                };
                let others = folders.iter().filter(|f| matches!(f.role, FolderRole::Other | FolderRole::Archive | FolderRole::Trash));
                let oldest_read = others.filter_map(|f| f.read_at).chain([inbox, spam]).min().unwrap_or(inbox);
                let sql =
                    "SELECT id FROM letter INDEXED BY letter_to_find WHERE recipient = ?1 AND handed_at IS NOT NULL AND seen_at IS NULL
                             AND state = 'accepted' AND accepted_at < ?2 AND accepted_at < ?3 - 86400000 ORDER BY id";
                let ids = all(c, sql, params![recipient.as_str(), ms(before), ms(oldest_read)], |r| super::rows::letter_id(r, "id"))?;
                for id in &ids {
                    apply(c, *id, LetterEvent::GoneMissing, now, Said::Nothing)?;
                    lapse_answers_to(c, *id, now)?;
                }
                Ok(ids)
            })
            .await
    }

    /// How many letters to a mailbox may still arrive: handed over or accepted after `since`, and not seen.
    pub async fn awaited(&self, recipient: Address, since: Moment) -> Result<u32, LedgerError> {
        self.store
            .ask(move |c| {
                let sql =
                    "SELECT count(*) FROM letter INDEXED BY letter_to_find WHERE recipient = ?1 AND handed_at >= ?2 AND seen_at IS NULL
                             AND state IN ('handed', 'uncertain', 'accepted')";
                Ok(one(c, sql, params![recipient.as_str(), ms(since)], |r| Ok(r.get(0)?))?.unwrap_or(0))
            })
            .await
    }
}

fn folders(c: &Connection, mailbox: &Address) -> Result<Vec<StoredFolder>, LedgerError> {
    let sql = "SELECT name, shown, role, found_by, uid_validity, uid, read_at FROM folder WHERE mailbox = ?1 ORDER BY name";
    all(c, sql, [mailbox.as_str()], |r| {
        let mut columns = InOrder::of(r);
        let c = &mut columns;
        Ok(StoredFolder {
            name: FolderName { wire: c.get()?, shown: c.get()? },
            role: c.word(FolderRole::parse)?,
            found_by: c.get()?,
            cursor: c.get::<Option<u32>>()?.zip(c.get()?).map(|(uid_validity, uid)| Cursor { uid_validity, uid }),
            read_at: c.get::<Option<i64>>()?.map(Moment),
        })
    })
}

fn note_refused(c: &Connection, note: &LookNote, uid: Uid, why: &str, id: Option<LetterId>) -> Result<u32, LedgerError> {
    let sql = "INSERT INTO refused_mark (mailbox, folder, uid_validity, uid, why, letter, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";
    let n = execute(
        c,
        sql,
        params![note.mailbox.as_str(), note.folder, note.cursor.uid_validity, uid.0, why, id.map(|i| i.to_string()), ms(note.now)],
    )?;
    Ok(n as u32)
}

/// What a look must know of a letter.
struct Standing {
    before: Before,
    seen_at: Option<Moment>,
    is_rescued: bool,
}

/// How a letter to `recipient` stands; `None` where there is none.
fn standing(c: &Connection, id: LetterId, recipient: &Address) -> Result<Option<Standing>, LedgerError> {
    let sql = concat!("SELECT ", before_columns!(), ", seen_at, rescued_at IS NOT NULL FROM letter l WHERE id = ?1 AND recipient = ?2");
    one(c, sql, params![id.to_string(), recipient.as_str()], |r| {
        let mut columns = InOrder::of(r);
        Ok(Standing { before: Before::read(&mut columns)?, seen_at: columns.get::<Option<i64>>()?.map(Moment), is_rescued: columns.get()? })
    })
}

/// One letter that a look showed. First sighting: it is seen, and its actions are planned. Again elsewhere: it moved, or it is a second copy.
fn note_sighting(c: &Connection, note: &LookNote, s: &Sighted, noted: &mut Noted) -> Result<(), LedgerError> {
    let Some(l) = standing(c, s.letter, &note.mailbox)? else {
        noted.refused += note_refused(c, note, s.uid, "not_for_us", Some(s.letter))?;
        return Ok(());
    };
    let key = s.letter.to_string();
    let sql = "UPDATE sighting SET flags = ?3 WHERE mailbox = ?1 AND letter = ?2 AND folder = ?4 AND uid_validity = ?5 AND uid = ?6";
    let same_place = params![note.mailbox.as_str(), key, s.flags.join(" "), note.folder, note.cursor.uid_validity, s.uid.0];
    if l.seen_at.is_some() && execute(c, sql, same_place)? > 0 {
        return Ok(());
    }
    let came_into_spam = l.seen_at.is_some() && note.role == FolderRole::Spam && !lies_in_spam(c, note, s.letter)?;
    execute(
        c,
        "INSERT INTO sighting (mailbox, letter, folder, role, uid_validity, uid, flags, at, size, marked) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (mailbox, letter)
         DO UPDATE SET folder = ?3, role = ?4, uid_validity = ?5, uid = ?6, flags = ?7, at = ?8, size = ?9, marked = ?10",
        params![
            note.mailbox.as_str(),
            key,
            note.folder,
            note.role.as_str(),
            note.cursor.uid_validity,
            s.uid.0,
            s.flags.join(" "),
            ms(note.now),
            s.size,
            s.marked
        ],
    )?;
    if l.seen_at.is_none() {
        // It was sent all the same: this ledger is older than the letter. The mark holds, so it must not go out a second time.
        if matches!(l.before.state, LetterState::Planned | LetterState::Deferred) {
            skip(c, s.letter, SkipReason::AlreadySent, note.now)?;
        }
        if matches!(
            l.before.state,
            LetterState::Planned | LetterState::Deferred | LetterState::Rejected | LetterState::Skipped | LetterState::Bounced
        ) {
            execute(c, "DELETE FROM sighting WHERE mailbox = ?1 AND letter = ?2", params![note.mailbox.as_str(), key])?;
            noted.refused += note_refused(c, note, s.uid, "unknown_letter", Some(s.letter))?;
            return Ok(());
        }
        return note_first_sighting(c, note, s, &l.before, noted);
    }
    match note.role {
        FolderRole::Inbox if is_rescue_due(c, s.letter, &l)? => {
            execute(c, "UPDATE letter SET rescued_at = ?2 WHERE id = ?1", params![key, ms(note.now)])?;
            if !l.is_rescued {
                sums::follow_rescue(c, &l.before)?;
            }
            let sql = "UPDATE action SET done_at = ?2, result = 'done' WHERE letter = ?1 AND kind = 'rescue' AND result IS NULL";
            execute(c, sql, params![key, ms(note.now)])?;
            note_moved(c, note, s.letter, "rescued")?;
            noted.rescued += 1;
            plan_actions(c, note, s.letter, &s.after_rescue)
        }
        // Whoever has put a letter into spam that was put away before is left to it.
        FolderRole::Spam if super::tidy::is_put_away(c, &note.mailbox, s.letter)? => Ok(()),
        FolderRole::Spam => {
            if came_into_spam {
                note_moved(c, note, s.letter, "moved_to_spam")?;
            }
            note_moved_to_spam(c, note, s, &l)
        }
        _ => Ok(()),
    }
}

/// Whether a letter was seen in spam last.
fn lies_in_spam(c: &Connection, note: &LookNote, id: LetterId) -> Result<bool, LedgerError> {
    let sql = "SELECT 1 FROM sighting WHERE mailbox = ?1 AND letter = ?2 AND role = 'spam'";
    Ok(one(c, sql, params![note.mailbox.as_str(), id.to_string()], |_| Ok(()))?.is_some())
}

/// Keeps that a letter went elsewhere: its own row tells only the last time.
fn note_moved(c: &Connection, note: &LookNote, id: LetterId, event: &str) -> Result<(), LedgerError> {
    let sql = "INSERT INTO moved (at, letter, event) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    execute(c, sql, params![ms(note.now), id.to_string(), event]).map(drop)
}

fn note_first_sighting(c: &Connection, note: &LookNote, s: &Sighted, letter: &Before, noted: &mut Noted) -> Result<(), LedgerError> {
    apply_to(c, s.letter, letter, LetterEvent::Seen, note.now, Said::There(s.placement, s.message_id.as_ref()))?;
    noted.first_seen += 1;
    noted.in_spam += u32::from(s.placement == Placement::Spam);
    if s.actions.is_empty() {
        // Filed by a person's rule, stripped of its header, or not to be opened: nobody will answer it.
        lapse_answers_to(c, s.letter, note.now)?;
    }
    plan_actions(c, note, s.letter, &s.actions)
}

/// Whether a letter that lies in the inbox now was in spam before: then this is the end of a rescue, whoever did it.
fn is_rescue_due(c: &Connection, id: LetterId, l: &Standing) -> Result<bool, LedgerError> {
    let sql = "SELECT 1 FROM action WHERE letter = ?1 AND kind = 'rescue' AND result IS NULL";
    Ok((l.before.placement == Some(Placement::Spam) && !l.is_rescued) || one(c, sql, [id.to_string()], |_| Ok(()))?.is_some())
}

/// A letter that was in the inbox and is in spam now: providers do that, up to 48 hours later. It counts as spam then, is rescued, and what its
/// recipient was about to do waits for that.
fn note_moved_to_spam(c: &Connection, note: &LookNote, s: &Sighted, l: &Standing) -> Result<(), LedgerError> {
    let Some((_, rescue)) = s.actions.iter().find(|a| a.0 == ActionKind::Rescue) else { return Ok(()) };
    if l.seen_at.is_some_and(|at| note.now.since(at) <= JUDGED_AGAIN) {
        execute(c, "UPDATE letter SET placement = 'spam' WHERE id = ?1", [s.letter.to_string()])?;
        sums::follow(c, &l.before, l.before.state, Some(Placement::Spam))?;
    }
    let sql = "UPDATE action SET due = max(due, ?2) WHERE letter = ?1 AND kind IN ('open', 'important', 'flag') AND result IS NULL";
    execute(c, sql, params![s.letter.to_string(), ms(*rescue + AFTER_RESCUE)])?;
    // Rescued once already and back in spam: once more, and then once more, but not for ever against whoever wants it there.
    let sql = "UPDATE action SET due = ?2, done_at = NULL, result = NULL, attempts = attempts + 1
               WHERE letter = ?1 AND kind = 'rescue' AND result IS NOT NULL AND attempts < 3";
    execute(c, sql, params![s.letter.to_string(), ms(*rescue)])?;
    plan_actions(c, note, s.letter, &s.actions)
}

fn plan_actions(c: &Connection, note: &LookNote, id: LetterId, actions: &[(ActionKind, Moment)]) -> Result<(), LedgerError> {
    for (kind, due) in actions {
        let sql = "INSERT INTO action (mailbox, letter, kind, due) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (letter, kind) DO NOTHING";
        execute(c, sql, params![note.mailbox.as_str(), id.to_string(), kind.as_str(), ms(*due)])?;
    }
    Ok(())
}
