//! What is kept of letters that go.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::super::LedgerError;
use super::super::rows::{InOrder, all, execute};
use super::gather::Past;
use crate::words::LetterState;

/// Sums of one batch.
#[derive(Default)]
pub(super) struct Sums {
    /// By mailbox, date, state and detail: letters, answers, handed over, accepted, rescued.
    letters: BTreeMap<(String, String, LetterState, String), [u32; 5]>,
    /// By mailbox, date, scope and kind.
    signals: BTreeMap<[String; 4], u32>,
    /// By mailbox: messages and their bytes, messages that were put away and their bytes.
    copies: BTreeMap<String, [i64; 4]>,
}

impl Sums {
    pub(super) fn count(&mut self, letter: &Past) {
        let key = (letter.sender.clone(), letter.date.clone(), letter.state, letter.detail.clone());
        let ones = [true, letter.parent.is_some(), letter.is_handed, letter.is_accepted, letter.is_rescued];
        for (sum, one) in self.letters.entry(key).or_default().iter_mut().zip(ones) {
            *sum += u32::from(one);
        }
    }

    pub(super) fn count_signal(&mut self, key: [&str; 4], n: u32) {
        *self.signals.entry(key.map(str::to_owned)).or_default() += n;
    }

    pub(super) fn count_signals(&mut self, c: &Connection, letter: &str) -> Result<(), LedgerError> {
        let sql = "SELECT mailbox, date, scope, kind FROM signal WHERE letter = ?1";
        for key in all(c, sql, [letter], |r| Ok([r.get::<_, String>(0)?, r.get(1)?, r.get(2)?, r.get(3)?]))? {
            self.count_signal(key.each_ref().map(String::as_str), 1);
        }
        Ok(())
    }

    pub(super) fn count_copies(&mut self, c: &Connection, letter: &Past) -> Result<(), LedgerError> {
        let sql = "SELECT mailbox, coalesce(size, 0), tidied FROM sighting WHERE mailbox IN (?2, ?3) AND letter = ?1";
        for (mailbox, size, tidied) in all(c, sql, params![letter.id, letter.sender, letter.recipient], |r| {
            let mut columns = InOrder::of(r);
            Ok((columns.get::<String>()?, columns.get::<i64>()?, columns.get::<Option<String>>()?))
        })? {
            let [messages, bytes, put_away, put_away_bytes] = self.copies.entry(mailbox).or_default();
            match tidied.as_deref() {
                None => (*messages, *bytes) = (*messages + 1, *bytes + size),
                Some("moved") => (*put_away, *put_away_bytes) = (*put_away + 1, *put_away_bytes + size),
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Adds them to what was kept before.
    pub(super) fn write(&self, c: &Connection) -> Result<(), LedgerError> {
        for ((mailbox, date, state, detail), [letters, answers, handed, accepted, rescued]) in &self.letters {
            let sql = "INSERT INTO pruned_sum (mailbox, date, state, detail, letters, answers, handed, accepted, rescued)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
                       ON CONFLICT (mailbox, date, state, detail) DO UPDATE SET letters = letters + ?5, answers = answers + ?6, handed = handed + ?7,
                         accepted = accepted + ?8, rescued = rescued + ?9";
            execute(c, sql, params![mailbox, date, state.as_str(), detail, letters, answers, handed, accepted, rescued])?;
        }
        for ([mailbox, date, scope, kind], n) in &self.signals {
            let sql = "INSERT INTO pruned_signal (mailbox, date, scope, kind, signals) VALUES (?1, ?2, ?3, ?4, ?5)
                       ON CONFLICT (mailbox, date, scope, kind) DO UPDATE SET signals = signals + ?5";
            execute(c, sql, params![mailbox, date, scope, kind, n])?;
        }
        for (mailbox, [messages, bytes, put_away, put_away_bytes]) in &self.copies {
            let sql = "INSERT INTO pruned_space (mailbox, messages, bytes, put_away, put_away_bytes) VALUES (?1, ?2, ?3, ?4, ?5)
                       ON CONFLICT (mailbox) DO UPDATE SET messages = messages + ?2, bytes = bytes + ?3, put_away = put_away + ?4,
                         put_away_bytes = put_away_bytes + ?5";
            execute(c, sql, params![mailbox, messages, bytes, put_away, put_away_bytes])?;
        }
        Ok(())
    }
}
