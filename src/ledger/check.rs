//! `preheat ledger check` and `backup`: is the file whole, and does replaying the history give the live state?

use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, Row};

use super::rows::{InOrder, all};
use super::{Ledger, LedgerError};
use crate::letter::{LetterEvent, next_state};
use crate::words::{LetterId, LetterState};

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Letters that were replayed.
    pub letters: u64,
    /// Steps that were replayed.
    pub steps: u64,
    /// Days whose sums were compared.
    pub days: u64,
    /// Everything that is wrong, one sentence each, at most 100.
    pub faults: Vec<String>,
}

impl Ledger {
    /// Checks the file's integrity, its foreign keys, and that replaying every letter's steps gives its state and every day's sums.
    pub async fn check(&self) -> Result<CheckReport, LedgerError> {
        let in_memory = self.store.is_in_memory();
        self.store
            .run(move |c| {
                let mut report = CheckReport::default();
                // Disks and other programs harm files; what nobody else can touch needs no second look.
                if !in_memory {
                    check_file(c, &mut report)?;
                }
                replay(c, &mut report)?;
                compare_days(c, &mut report)?;
                compare_space(c, &mut report)?;
                compare_sums(c, &mut report)?;
                report.faults.truncate(100);
                Ok(report)
            })
            .await
    }

    /// Writes a copy of the ledger as it is at one moment, while it is in use. The file must not be there yet.
    ///
    /// # Errors
    /// [`LedgerError::Backup`] where the file is there or cannot be written.
    pub async fn backup(&self, to: &Path) -> Result<PathBuf, LedgerError> {
        let to = to.to_owned();
        if to.exists() {
            return Err(LedgerError::Backup(format!("{} is there already", to.display())));
        }
        let from = self.path.clone();
        // A connection of its own: VACUUM INTO cannot run inside the batcher's transaction, and a reader does not stop the writer.
        let copy = move || -> Result<PathBuf, LedgerError> {
            let failed = |e: &dyn std::fmt::Display| LedgerError::Backup(e.to_string());
            super::make_private(&to).map_err(|e| failed(&e))?;
            let source = Connection::open(&from).map_err(|e| failed(&e))?;
            source.busy_timeout(super::BUSY_TIMEOUT).map_err(|e| failed(&e))?;
            let mut copy = Connection::open(&to).map_err(|e| failed(&e))?;
            // In one step: in several, whoever commits in between makes it begin anew, and beside a busy run it would never end. It reads one moment's
            // state, which keeps no writer waiting.
            match Backup::new(&source, &mut copy).and_then(|backup| backup.step(-1)).map_err(|e| failed(&e))? {
                StepResult::Done => {}
                held => return Err(LedgerError::Backup(format!("somebody holds the file ({held:?}): try again"))),
            }
            Ok(to)
        };
        tokio::task::spawn_blocking(copy).await.map_err(|e| LedgerError::Backup(e.to_string()))?
    }
}

/// What SQLite finds wrong with its own file, and rows that name what is not there.
fn check_file(c: &Connection, report: &mut CheckReport) -> Result<(), LedgerError> {
    let lines = all(c, "PRAGMA integrity_check(20)", [], |r| Ok(r.get::<_, String>(0)?))?;
    for line in lines.into_iter().filter(|line| line != "ok") {
        report.faults.push(format!("SQLite: {line}"));
    }
    for (table, parent) in all(c, "PRAGMA foreign_key_check", [], |r| Ok((r.get::<_, String>(0)?, r.get::<_, String>(2)?)))? {
        report.faults.push(format!("a row of {table} names a {parent} that is not there"));
    }
    Ok(())
}

/// Folds every letter's steps with the same function that moved it live.
fn replay(c: &Connection, report: &mut CheckReport) -> Result<(), LedgerError> {
    let mut statement = c.prepare("SELECT letter, event FROM step ORDER BY letter, n")?;
    let mut rows = statement.query([])?;
    let mut folded: Vec<(LetterId, LetterState)> = Vec::new();
    while let Some(row) = rows.next()? {
        let mut columns = InOrder::of(row);
        let (id, event) = (columns.word(|t| LetterId::parse(t).ok())?, columns.word(LetterEvent::parse)?);
        report.steps += 1;
        let before = folded.pop_if(|(last, _)| *last == id).map_or(LetterState::Planned, |(_, state)| state);
        let after = next_state(before, event).unwrap_or_else(|e| {
            report.faults.push(format!("letter {id}: {e}"));
            before
        });
        folded.push((id, after));
    }
    let mut folded = folded.into_iter().peekable();
    let standing = |r: &Row<'_>| {
        let mut columns = InOrder::of(r);
        Ok((columns.word(|t| LetterId::parse(t).ok())?, columns.word(LetterState::parse)?))
    };
    for (id, live) in all(c, "SELECT id, state FROM letter ORDER BY id", [], standing)? {
        report.letters += 1;
        // Both are in the order of ids. Steps of a letter that is not there are SQLite's to find.
        while folded.next_if(|(step, _)| *step < id).is_some() {}
        let replayed = folded.next_if(|(step, _)| *step == id).map_or(LetterState::Planned, |(_, state)| state);
        if replayed != live {
            report.faults.push(format!("letter {id} is {live}, but its history says {replayed}"));
        }
    }
    Ok(())
}

/// The room that sightings take must be what they add up to.
fn compare_space(c: &Connection, report: &mut CheckReport) -> Result<(), LedgerError> {
    let sql = "SELECT m.address FROM mailbox m LEFT JOIN space s ON s.mailbox = m.address WHERE
                 (coalesce(s.messages, 0), coalesce(s.bytes, 0), coalesce(s.put_away, 0), coalesce(s.put_away_bytes, 0)) <>
                 (SELECT count(*) FILTER (WHERE tidied IS NULL), coalesce(sum(size) FILTER (WHERE tidied IS NULL), 0),
                    count(*) FILTER (WHERE tidied = 'moved'), coalesce(sum(size) FILTER (WHERE tidied = 'moved'), 0)
                  FROM sighting g WHERE g.mailbox = m.address) ORDER BY m.address";
    for mailbox in all(c, sql, [], |r| Ok(r.get::<_, String>(0)?))? {
        report.faults.push(format!("{mailbox}: the room that its letters take is not what its sightings add up to"));
    }
    Ok(())
}

/// What is kept of each day by receiving provider must be what its letters say.
fn compare_sums(c: &Connection, report: &mut CheckReport) -> Result<(), LedgerError> {
    let sql = "SELECT mailbox, date FROM (SELECT * FROM day_sum EXCEPT SELECT * FROM day_sum_counted) UNION
               SELECT mailbox, date FROM (SELECT * FROM day_sum_counted EXCEPT SELECT * FROM day_sum) ORDER BY 1, 2";
    for (mailbox, date) in all(c, sql, [], |r| Ok((r.get::<_, String>(0)?, r.get::<_, String>(1)?)))? {
        report.faults.push(format!("{mailbox} on {date}: the sums by receiving provider are not what its letters say"));
    }
    Ok(())
}

/// The sums that a day keeps must be what its letters say, and what was kept of those that were pruned.
fn compare_days(c: &Connection, report: &mut CheckReport) -> Result<(), LedgerError> {
    let sql = "SELECT d.mailbox, d.date, d.quota, coalesce(d.total, d.quota) AS total, d.spent, d.accepted,
                 count(l.handed_at) + (SELECT coalesce(sum(p.handed), 0) FROM pruned_sum p WHERE p.mailbox = d.mailbox AND p.date = d.date)
                   AS handed_letters,
                 count(l.accepted_at) + (SELECT coalesce(sum(p.accepted), 0) FROM pruned_sum p WHERE p.mailbox = d.mailbox AND p.date = d.date)
                   AS accepted_letters
               FROM day d LEFT JOIN letter l ON l.sender = d.mailbox AND l.date = d.date GROUP BY d.mailbox, d.date ORDER BY d.mailbox, d.date";
    let rows = all(c, sql, [], |r| {
        let n = |column: &str| r.get::<_, i64>(column);
        let who = format!("{} on {}", r.get::<_, String>("mailbox")?, r.get::<_, String>("date")?);
        Ok((who, n("quota")?, n("total")?, n("spent")?, n("accepted")?, n("handed_letters")?, n("accepted_letters")?))
    })?;
    for (who, quota, total, spent, accepted, handed_letters, accepted_letters) in rows {
        report.days += 1;
        if spent != handed_letters || accepted != accepted_letters {
            report.faults.push(format!(
                "{who}: the day says {spent} spent and {accepted} accepted, its letters say {handed_letters} and {accepted_letters}"
            ));
        }
        if spent > quota {
            report.faults.push(format!("{who}: {spent} spent of a quota of {quota}"));
        }
        if quota > total {
            report.faults.push(format!("{who}: the quota of {quota} is above the day's total of {total}"));
        }
    }
    Ok(())
}
