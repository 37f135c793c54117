//! Suspended mailboxes: nobody writes to them for a while, because a server said that they are gone, full or switched off.
//!
//! Suspensions are kept: what was in force at any moment can be told later.

use std::time::Duration;

use rusqlite::{Row, params};

use super::rows::{address, all, execute, maybe, moment, one, word};
use super::{Ledger, LedgerError, ms};
use crate::words::{Address, LetterId, LocalDate, Moment, RefusalClass, Reply};

/// One suspension of a mailbox, in force from `since` until before `until`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuspensionRow {
    /// To whom nobody writes.
    pub mailbox: Address,
    /// Since when.
    pub since: Moment,
    /// Until when; not itself. Where it was lifted early: when that was.
    pub until: Moment,
    /// What the refusal says of the mailbox.
    pub class: RefusalClass,
    /// The server's words.
    pub reply: Reply,
    /// The letter that was refused.
    pub letter: Option<LetterId>,
}

impl From<SuspensionRow> for (Address, Moment, Moment) {
    fn from(row: SuspensionRow) -> Self {
        (row.mailbox, row.since, row.until)
    }
}

/// What a server told those who send through it, lately: how many mailboxes were suspended for that, and how many letters it took meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WordOfServers {
    /// Suspensions that their letters caused.
    pub suspended: u32,
    /// Letters of theirs that were accepted since the oldest of these suspensions.
    pub accepted: u32,
    /// Of these: seen at their recipients. What was accepted may still come back.
    pub seen: u32,
}

const COLUMNS: &str = "mailbox, since, until, class, code, text, letter";

/// Two who hear of a mailbox at the same time write it down in either order: a suspension that begins so soon after another is the same.
const SAME: Duration = Duration::from_hours(24);

impl Ledger {
    /// Suspends `row.mailbox` from `row.since` until `row.until`, unless it is suspended then, or a moment later by another's word: that one is left
    /// as it is. Says whether it is new.
    ///
    /// A refusal is a fact, as the outcome of a letter is: it needs no lease.
    pub async fn suspend(&self, row: SuspensionRow) -> Result<bool, LedgerError> {
        self.store
            .run(move |c| {
                let known = "SELECT 1 FROM suspension WHERE mailbox = ?1 AND since <= ?2 AND until > ?3";
                if one(c, known, params![row.mailbox.as_str(), ms(row.since + SAME), ms(row.since)], |_| Ok(()))?.is_some() {
                    return Ok(false);
                }
                // One that began in this very millisecond was lifted in it, too.
                let sql = "INSERT INTO suspension (mailbox, since, until, class, code, enhanced, text, letter) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                           ON CONFLICT (mailbox, since) DO UPDATE SET until = ?3, class = ?4, code = ?5, enhanced = ?6, text = ?7, letter = ?8";
                let Reply { code, enhanced, text } = &row.reply;
                let (enhanced, letter) = (enhanced.map(|e| e.to_string()), row.letter.map(|l| l.to_string()));
                let until = row.until.max(row.since);
                execute(
                    c,
                    sql,
                    params![row.mailbox.as_str(), ms(row.since), ms(until), row.class.as_str(), code, enhanced, text, letter],
                )?;
                Ok(true)
            })
            .await
    }

    /// Ends the suspension of a mailbox that is in force; says whether there was one. It stays in the history, up to now.
    pub async fn lift_suspension(&self, mailbox: Address, now: Moment) -> Result<bool, LedgerError> {
        self.store
            .run(move |c| {
                let sql = "UPDATE suspension SET until = ?2 WHERE mailbox = ?1 AND since <= ?2 AND until > ?2";
                Ok(execute(c, sql, params![mailbox.as_str(), ms(now)])? > 0)
            })
            .await
    }

    /// The suspensions that are in force, by mailbox.
    pub async fn suspensions(&self, now: Moment) -> Result<Vec<SuspensionRow>, LedgerError> {
        self.store
            .run(move |c| {
                let sql = format!("SELECT {COLUMNS} FROM suspension WHERE since <= ?1 AND until > ?1 ORDER BY mailbox, since");
                all(c, &sql, [ms(now)], read_suspension)
            })
            .await
    }

    /// Every suspension that there was, by mailbox and time.
    pub async fn all_suspensions(&self) -> Result<Vec<SuspensionRow>, LedgerError> {
        self.store.run(|c| all(c, &format!("SELECT {COLUMNS} FROM suspension ORDER BY mailbox, since"), [], read_suspension)).await
    }

    /// What a server told `senders`, who all send through it: how often it had a recipient suspended from `since` on, `last` times at most, and how many
    /// letters it has taken since the oldest of these, and has brought to where they were seen.
    pub async fn word_of_server(&self, senders: Vec<Address>, last: u32, since: Moment) -> Result<WordOfServers, LedgerError> {
        self.store
            .ask(move |c| {
                let mut times: Vec<i64> = Vec::new();
                for sender in &senders {
                    let sql = "SELECT s.since FROM suspension s JOIN letter l ON l.id = s.letter
                               WHERE l.sender = ?1 AND s.since >= ?2 ORDER BY s.since DESC LIMIT ?3";
                    times.extend(all(c, sql, params![sender.as_str(), ms(since), last], |r| Ok(r.get::<_, i64>(0)?))?);
                }
                times.sort_unstable_by(|a, b| b.cmp(a));
                times.truncate(last as usize);
                let oldest = times.last().copied().unwrap_or(ms(since));
                let mut word = WordOfServers { suspended: times.len() as u32, ..WordOfServers::default() };
                for sender in &senders {
                    // Letters of an earlier date are answers that were put off, at most: a week of them.
                    let sql = "SELECT count(*), count(seen_at) FROM letter WHERE sender = ?1 AND date >= ?2 AND accepted_at >= ?3";
                    let from = Moment(oldest).utc().date_naive() - chrono::Days::new(7);
                    let sums = params![sender.as_str(), LocalDate(from).to_string(), oldest];
                    let (accepted, seen) = one(c, sql, sums, |r| Ok((r.get::<_, u32>(0)?, r.get::<_, u32>(1)?)))?.unwrap_or_default();
                    word.accepted += accepted;
                    word.seen += seen;
                }
                Ok(word)
            })
            .await
    }
}

fn read_suspension(r: &Row<'_>) -> Result<SuspensionRow, LedgerError> {
    Ok(SuspensionRow {
        mailbox: address(r, "mailbox")?,
        since: moment(r, "since")?,
        until: moment(r, "until")?,
        class: word(r, "class", RefusalClass::parse_stored)?,
        // The text begins with the enhanced code, where there is one.
        reply: Reply::new(r.get::<_, Option<u16>>("code")?.unwrap_or(0), &r.get::<_, String>("text")?),
        letter: maybe(r, "letter", |t| LetterId::parse(t).ok())?,
    })
}
