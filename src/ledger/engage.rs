//! Engagement, as the ledger sees it: what is due, what was done, and what an answer needs of its parent.

use rusqlite::{Connection, Row, params};

use super::letters::{LetterFacts, lapse_answers_to, letter, letter_columns, read_letter, skip};
use super::rows::{InOrder, all, execute, maybe, moment, one, word};
use super::stray::note_if_stray;
use super::{Fence, Ledger, LedgerError, ms};
pub use crate::engage::ActionKind;
use crate::mail::Uid;
use crate::words::{Address, FolderRole, LetterId, LetterState, LocalDate, MessageId, Moment, SkipReason};

/// An action that is due, and where its letter is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueAction {
    /// The letter.
    pub letter: LetterId,
    /// What to do.
    pub kind: ActionKind,
    /// Since when.
    pub due: Moment,
    /// How often it was tried.
    pub attempts: u32,
    /// The letter's folder, as the server writes it.
    pub folder: String,
    /// That folder's role.
    pub role: FolderRole,
    /// Its numbering.
    pub uid_validity: u32,
    /// The letter's number there.
    pub uid: Uid,
}

/// What an answer needs of its parent: read when the parent was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedParent {
    /// The Message-ID that the answerer saw.
    pub message_id: MessageId,
    /// The parent's References.
    pub references: Vec<MessageId>,
    /// Its subject, decoded.
    pub subject: String,
    /// Its plain text, decoded and bounded.
    pub text: String,
    /// The name in its From.
    pub from_name: Option<String>,
    /// Its Date, RFC 3339 with its offset.
    pub date: String,
}

impl Ledger {
    /// What a mailbox has to do up to `until`, in the order of due times.
    pub async fn due_actions(&self, mailbox: Address, until: Moment, most: u32) -> Result<Vec<DueAction>, LedgerError> {
        self.store
            .ask(move |c| {
                let sql = "SELECT a.letter, a.kind, a.due, a.attempts, s.folder, s.role, s.uid_validity, s.uid
                           FROM action a JOIN sighting s ON s.mailbox = a.mailbox AND s.letter = a.letter
                           WHERE a.mailbox = ?1 AND a.result IS NULL AND a.due <= ?2 ORDER BY a.due, a.letter, a.kind LIMIT ?3";
                all(c, sql, params![mailbox.as_str(), ms(until), most], |r| {
                    let mut columns = InOrder::of(r);
                    Ok(DueAction {
                        letter: columns.word(|t| LetterId::parse(t).ok())?,
                        kind: columns.word(ActionKind::parse)?,
                        due: Moment(columns.get()?),
                        attempts: columns.get()?,
                        folder: columns.get()?,
                        role: columns.word(FolderRole::parse)?,
                        uid_validity: columns.get()?,
                        uid: Uid(columns.get()?),
                    })
                })
            })
            .await
    }

    /// When a mailbox's next action is due.
    pub async fn next_action(&self, mailbox: Address) -> Result<Option<Moment>, LedgerError> {
        self.store
            .ask(move |c| {
                let sql = "SELECT due FROM action WHERE mailbox = ?1 AND result IS NULL ORDER BY due LIMIT 1";
                one(c, sql, [mailbox.as_str()], |r| moment(r, "due"))
            })
            .await
    }

    /// Ends actions with a result: `done`, `not_permitted`, `gone` or `given_up`.
    pub async fn end_actions(
        &self,
        fence: Fence,
        ended: Vec<(LetterId, ActionKind)>,
        result: &'static str,
        now: Moment,
    ) -> Result<(), LedgerError> {
        self.store
            .run(move |c| {
                fence.check(c)?;
                for (id, kind) in ended {
                    let sql = "UPDATE action SET done_at = ?3, result = ?4 WHERE letter = ?1 AND kind = ?2 AND result IS NULL";
                    execute(c, sql, params![id.to_string(), kind.as_str(), ms(now), result])?;
                    note_if_stray(c, id, now)?;
                    if result != "done" && matches!(kind, ActionKind::Rescue | ActionKind::Open) {
                        lapse_answers_to(c, id, now)?;
                    }
                }
                Ok(())
            })
            .await
    }

    /// Gives actions a new due time; with `tried`, counts an attempt.
    pub async fn retime_actions(
        &self,
        fence: Fence,
        retimed: Vec<((LetterId, ActionKind), Moment)>,
        tried: bool,
    ) -> Result<(), LedgerError> {
        self.store
            .run(move |c| {
                fence.check(c)?;
                for ((id, kind), due) in retimed {
                    let sql = "UPDATE action SET due = ?3, attempts = attempts + ?4 WHERE letter = ?1 AND kind = ?2 AND result IS NULL";
                    execute(c, sql, params![id.to_string(), kind.as_str(), ms(due), u32::from(tried)])?;
                }
                Ok(())
            })
            .await
    }

    /// Notes that letters were opened, and keeps what answers need. An answer that waits for its parent gets the first of `slots` on whose date there is
    /// room: under its writer's quota, within the half of it that answers may take, and under its recipient's `receive_limit`. Where there is none, it
    /// lapses. Gives the local date and due time that the answer got.
    pub async fn note_opened(
        &self,
        fence: Fence,
        id: LetterId,
        parent: Option<OpenedParent>,
        slots: Vec<(LocalDate, Moment)>,
        receive_limit: u32,
        now: Moment,
    ) -> Result<Option<(LocalDate, Moment)>, LedgerError> {
        self.store
            .run(move |c| {
                fence.check(c)?;
                let sql = "UPDATE action SET done_at = ?2, result = 'done' WHERE letter = ?1 AND kind = 'open' AND result IS NULL";
                execute(c, sql, params![id.to_string(), ms(now)])?;
                note_if_stray(c, id, now)?;
                let Some(parent) = parent else {
                    lapse_answers_to(c, id, now)?;
                    return Ok(None);
                };
                let Some(answer) = answer_to(c, id)?.filter(|a| a.state == LetterState::Planned && a.plan.due.is_none()) else {
                    return Ok(None);
                };
                keep_parent(c, id, &parent, now)?;
                let mut placed = None;
                for (date, due) in slots {
                    if has_room(c, &answer, date, receive_limit)? {
                        placed = Some((date, due));
                        break;
                    }
                }
                let Some((date, due)) = placed else {
                    skip(c, answer.plan.id, SkipReason::Quota, now)?;
                    return Ok(None);
                };
                let sql = "UPDATE letter SET due = ?2, date = ?3 WHERE id = ?1";
                execute(c, sql, params![answer.plan.id.to_string(), ms(due), date.to_string()])?;
                Ok(Some((date, due)))
            })
            .await
    }

    /// What the answer to a letter needs.
    pub async fn opened_parent(&self, parent: LetterId) -> Result<Option<OpenedParent>, LedgerError> {
        self.store
            .ask(move |c| {
                let sql = "SELECT message_id, refs, subject, text, from_name, date FROM opened WHERE letter = ?1";
                one(c, sql, [parent.to_string()], |r| {
                    Ok(OpenedParent {
                        message_id: word(r, "message_id", MessageId::parse)?,
                        references: r.get::<_, String>("refs")?.lines().filter_map(MessageId::parse).collect(),
                        subject: r.get("subject")?,
                        text: r.get("text")?,
                        from_name: maybe(r, "from_name", |t| Some(t.to_owned()))?,
                        date: r.get("date")?,
                    })
                })
            })
            .await
    }

    /// The answer to a letter, if one was planned.
    pub async fn answer_to(&self, parent: LetterId) -> Result<Option<LetterFacts>, LedgerError> {
        self.store.ask(move |c| answer_to(c, parent)).await
    }
}

fn answer_to(c: &Connection, parent: LetterId) -> Result<Option<LetterFacts>, LedgerError> {
    one(c, concat!("SELECT ", letter_columns!(), " FROM letter WHERE parent = ?1"), [parent.to_string()], read_letter)
}

fn keep_parent(c: &Connection, id: LetterId, p: &OpenedParent, now: Moment) -> Result<(), LedgerError> {
    debug_assert!(letter(c, id).is_ok_and(|l| l.is_some()));
    let refs: Vec<&str> = p.references.iter().map(MessageId::as_str).collect();
    let sql = "INSERT INTO opened (letter, at, message_id, refs, subject, text, from_name, date) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (letter) DO NOTHING";
    execute(c, sql, params![id.to_string(), ms(now), p.message_id.as_str(), refs.join("\n"), p.subject, p.text, p.from_name, p.date])
        .map(|_| ())
}

/// Whether an answer fits on a date, beside everything else that is planned on it: in its writer's day, and among what its recipient gets.
fn has_room(c: &Connection, answer: &LetterFacts, date: LocalDate, receive_limit: u32) -> Result<bool, LedgerError> {
    let (id, day) = (answer.plan.id.to_string(), date.to_string());
    let count = |sql: &str, whose: &Address| -> Result<u32, LedgerError> {
        Ok(one(c, sql, params![whose.as_str(), day, id], |r| Ok(r.get::<_, u32>(0)?))?.unwrap_or(0))
    };
    // Its recipient's letters by the index alone, the skipped ones among them: mostly there is room even so, and no letter is read.
    let sql = "SELECT count(*) FROM letter WHERE recipient = ?1 AND date = ?2 AND id <> ?3";
    if count(sql, &answer.plan.recipient)? >= receive_limit {
        let sql = "SELECT count(*) FROM letter WHERE recipient = ?1 AND date = ?2 AND state NOT IN ('skipped', 'rejected') AND id <> ?3";
        if count(sql, &answer.plan.recipient)? >= receive_limit {
            return Ok(false);
        }
    }
    let sql = "SELECT quota, spent, schedule = '' FROM day WHERE mailbox = ?1 AND date = ?2";
    let of_day = |r: &Row<'_>| Ok((r.get::<_, u32>(0)?, r.get::<_, u32>(1)?, r.get::<_, bool>(2)?));
    // A date without an agenda has room: its agenda will count what is carried to it.
    let Some((quota, spent, is_partners)) = one(c, sql, params![answer.plan.sender.as_str(), day], of_day)? else { return Ok(true) };
    let sql = "SELECT count(*) FROM letter INDEXED BY letter_to_send WHERE sender = ?1 AND date = ?2 AND state IN ('planned', 'deferred') AND id <> ?3";
    if spent + count(sql, &answer.plan.sender)? >= quota {
        return Ok(false);
    }
    // Partners, who have no schedule, answer with all that they send.
    let sql = "SELECT count(*) FROM letter WHERE sender = ?1 AND date = ?2 AND parent IS NOT NULL AND state NOT IN ('skipped', 'rejected') AND id <> ?3";
    Ok(is_partners || count(sql, &answer.plan.sender)? < quota / 2)
}
