//! Outside mail: recipients of what a mailbox sends besides preheat's letters, by its local date; counted in its Sent folder, or told by somebody.

use rusqlite::{Connection, params};
use serde_json::{Value, json};

use super::days::day;
use super::rows::{InOrder, all, execute, one};
use super::{Fence, Ledger, LedgerError, ms};
use crate::mail::Cursor;
use crate::words::{Address, LocalDate, Moment, OutsideMail};

/// The most recipients that one date holds.
const MOST: u32 = 100_000_000;

/// What is known of a mailbox's real mail on one date, by one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideRow {
    /// The mailbox's local date.
    pub date: LocalDate,
    /// How it came to be known: `sent_folder` or `reported`.
    pub source: OutsideMail,
    /// Recipients.
    pub count: u32,
    /// When it was counted or told last.
    pub as_of: Moment,
}

/// A message of a Sent folder that is no letter of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideMessage {
    /// Its Message-ID; without one, a digest of its header. The same message is counted once.
    pub message_id: String,
    /// The mailbox's local date on which it was sent.
    pub date: LocalDate,
    /// Its recipients.
    pub recipients: u32,
}

/// How far a Sent folder was read for real mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentCursor {
    /// The folder, as the server writes it.
    pub folder: String,
    /// How far.
    pub cursor: Cursor,
    /// The first date that is counted.
    pub since: LocalDate,
    /// When it was read last.
    pub read_at: Moment,
}

/// What a look into a Sent folder found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideNote {
    /// The mailbox.
    pub mailbox: Address,
    /// How far it was read by this look. `since` only ever goes back.
    pub read: SentCursor,
    /// Messages that are no letters of ours, the known ones among them.
    pub messages: Vec<OutsideMessage>,
    /// Messages of earlier dates are not shown again, so their ids need not be kept.
    pub forget_before: LocalDate,
}

/// What somebody tells of a mailbox's real mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideReport {
    /// The mailbox.
    pub mailbox: Address,
    /// Its local date.
    pub date: LocalDate,
    /// Recipients.
    pub count: u32,
    /// Whether they come on top of what was told before.
    pub add: bool,
}

impl Ledger {
    /// Counts messages of a Sent folder, each once however often and in whichever folder it is seen, and keeps how far the folder was read. Says how many
    /// recipients are new.
    pub async fn note_outside(&self, fence: Fence, note: OutsideNote) -> Result<u32, LedgerError> {
        self.store
            .run(move |c| {
                fence.check(c)?;
                let mut new: u32 = 0;
                for message in &note.messages {
                    if remember(c, &note.mailbox, message)? {
                        count(c, &note.mailbox, message.date, message.recipients, note.read.read_at)?;
                        new = new.saturating_add(message.recipients);
                    }
                }
                keep_cursor(c, &note.mailbox, &note.read)?;
                let sql = "DELETE FROM outside_message WHERE mailbox = ?1 AND date < ?2";
                execute(c, sql, params![note.mailbox.as_str(), note.forget_before.to_string()])?;
                Ok(new)
            })
            .await
    }

    /// Writes down what somebody tells; all of it, or nothing. Gives what is told of each mailbox and date then.
    pub async fn report_sent(&self, reports: Vec<OutsideReport>, now: Moment) -> Result<Vec<u32>, LedgerError> {
        self.store
            .run(move |c| {
                let mut totals = Vec::with_capacity(reports.len());
                for report in &reports {
                    let sql = "INSERT INTO outside (mailbox, date, source, count, as_of) VALUES (?1, ?2, 'reported', min(?3, ?6), ?4)
                               ON CONFLICT (mailbox, date, source) DO UPDATE SET count = min(iif(?5, count, 0) + ?3, ?6), as_of = ?4
                               RETURNING count";
                    let (mailbox, date) = (report.mailbox.as_str(), report.date.to_string());
                    let told = one(c, sql, params![mailbox, date, report.count, ms(now), report.add, MOST], |r| Ok(r.get(0)?))?;
                    totals.push(told.unwrap_or(report.count));
                }
                Ok(totals)
            })
            .await
    }

    /// What is known of a mailbox's real mail on `from` and later dates, by date and source.
    pub async fn outside_of(&self, mailbox: Address, from: LocalDate) -> Result<Vec<OutsideRow>, LedgerError> {
        self.store
            .ask(move |c| {
                let sql = "SELECT date, source, count, as_of FROM outside WHERE mailbox = ?1 AND date >= ?2 ORDER BY date, source";
                all(c, sql, params![mailbox.as_str(), from.to_string()], |r| {
                    let mut columns = InOrder::of(r);
                    Ok(OutsideRow {
                        date: columns.word(LocalDate::parse)?,
                        source: columns.word(OutsideMail::parse)?,
                        count: columns.get()?,
                        as_of: Moment(columns.get()?),
                    })
                })
            })
            .await
    }

    /// How far a mailbox's Sent folder was read for real mail; `None`: never.
    pub async fn sent_cursor(&self, mailbox: Address) -> Result<Option<SentCursor>, LedgerError> {
        self.store
            .ask(move |c| {
                let sql = "SELECT folder, uid_validity, uid, since, read_at FROM outside_cursor WHERE mailbox = ?1";
                one(c, sql, [mailbox.as_str()], |r| {
                    let mut columns = InOrder::of(r);
                    Ok(SentCursor {
                        folder: columns.get()?,
                        cursor: Cursor { uid_validity: columns.get()?, uid: columns.get()? },
                        since: columns.word(LocalDate::parse)?,
                        read_at: Moment(columns.get()?),
                    })
                })
            })
            .await
    }

    /// Lowers a day's quota, never below what is spent, because real mail takes more of the day's total, which stays. Adds why to the quota's reasons, in
    /// place of what was added so before. Gives the quota that was and the one that holds; `None` where it stays.
    pub async fn make_room(
        &self,
        fence: Fence,
        mailbox: Address,
        date: LocalDate,
        quota: u32,
        why: String,
    ) -> Result<Option<(u32, u32)>, LedgerError> {
        self.store
            .run(move |c| {
                fence.check(c)?;
                let Some(row) = day(c, &mailbox, date)? else { return Ok(None) };
                let (was, holds) = (row.plan.quota, quota.max(row.spent).min(row.plan.quota));
                if holds == was {
                    return Ok(None);
                }
                let reasons = with_reason(&row.plan.reasons, holds, &why);
                let sql = "UPDATE day SET quota = ?3, total = coalesce(total, quota), reasons = ?4 WHERE mailbox = ?1 AND date = ?2";
                execute(c, sql, params![mailbox.as_str(), date.to_string(), holds, reasons])?;
                Ok(Some((was, holds)))
            })
            .await
    }
}

/// Keeps a message's id; says whether it is new.
fn remember(c: &Connection, mailbox: &Address, message: &OutsideMessage) -> Result<bool, LedgerError> {
    let sql = "INSERT INTO outside_message (mailbox, message_id, date, recipients) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
    let params = params![mailbox.as_str(), message.message_id, message.date.to_string(), message.recipients];
    Ok(execute(c, sql, params)? > 0)
}

fn count(c: &Connection, mailbox: &Address, date: LocalDate, recipients: u32, now: Moment) -> Result<(), LedgerError> {
    let sql = "INSERT INTO outside (mailbox, date, source, count, as_of) VALUES (?1, ?2, 'sent_folder', min(?3, ?5), ?4)
               ON CONFLICT (mailbox, date, source) DO UPDATE SET count = min(count + ?3, ?5), as_of = ?4";
    execute(c, sql, params![mailbox.as_str(), date.to_string(), recipients, ms(now), MOST]).map(drop)
}

fn keep_cursor(c: &Connection, mailbox: &Address, read: &SentCursor) -> Result<(), LedgerError> {
    let sql = "INSERT INTO outside_cursor (mailbox, folder, uid_validity, uid, since, read_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
               ON CONFLICT (mailbox) DO UPDATE SET folder = ?2, uid_validity = ?3, uid = ?4, since = min(since, ?5), read_at = ?6";
    let (cursor, since) = (read.cursor, read.since.to_string());
    execute(c, sql, params![mailbox.as_str(), read.folder, cursor.uid_validity, cursor.uid, since, ms(read.read_at)]).map(drop)
}

/// A day's reasons with one more, `real mail`, in place of an earlier one.
fn with_reason(reasons: &str, value: u32, why: &str) -> String {
    let Ok(Value::Array(mut all)) = serde_json::from_str(reasons) else { return reasons.to_owned() };
    if all.last().is_some_and(|last| last["rule"] == "real mail") {
        all.pop();
    }
    all.push(json!({ "rule": "real mail", "value": value, "why": why }));
    Value::Array(all).to_string()
}
