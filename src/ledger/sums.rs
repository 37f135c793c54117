//! What became of each day's letters, as sums by receiving provider: they are kept as it happens, so that nobody who describes mailboxes reads two
//! weeks of letters for it.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use super::guard::{HeardSignal, RefusedLetter, read_heard, refused_of};
use super::letters::Before;
use super::rows::{InOrder, address, all, execute};
use super::{Ledger, LedgerError};
use crate::guard::Letters;
use crate::words::{Address, LetterState, LocalDate, Placement, Provider};

/// A mailbox's letters of one date that went to one receiving provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DaySum {
    /// The sender's local date.
    pub date: LocalDate,
    /// The recipients' provider, as the config said at the last run.
    pub provider: Provider,
    /// What became of them.
    pub letters: Letters,
}

/// What became of a mailbox's mail of some dates, for those who describe it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DescribedMail {
    /// Its letters, by date and provider.
    pub sums: Vec<DaySum>,
    /// What servers refused of them, for good or for now.
    pub refused: Vec<RefusedLetter>,
    /// What came back.
    pub signals: Vec<HeardSignal>,
}

impl Ledger {
    /// What became of the mail of mailboxes, each of its dates `from` to `to`, both included; in the order in which they are asked for.
    pub async fn described_mail(&self, asked: Vec<(Address, LocalDate, LocalDate)>) -> Result<Vec<DescribedMail>, LedgerError> {
        self.store
            .ask(move |c| {
                let describe = |(mailbox, from, to): &(Address, LocalDate, LocalDate)| {
                    let (from, to) = (*from, *to);
                    let sums = sums_of(c, mailbox, from, to)?;
                    Ok(DescribedMail { sums, refused: refused_of(c, mailbox, from, to)?, signals: read_heard(c, mailbox, from, to)? })
                };
                asked.iter().map(describe).collect()
            })
            .await
    }

    /// To how many mailboxes letters of these dates were handed over, of all these senders together.
    pub async fn recipients_on(&self, asked: Vec<(Address, LocalDate, LocalDate)>) -> Result<u32, LedgerError> {
        self.store
            .ask(move |c| {
                let mut recipients: BTreeSet<Address> = BTreeSet::new();
                for (mailbox, from, to) in &asked {
                    let sql =
                        "SELECT DISTINCT recipient FROM letter WHERE sender = ?1 AND date BETWEEN ?2 AND ?3 AND handed_at IS NOT NULL";
                    recipients
                        .extend(all(c, sql, params![mailbox.as_str(), from.to_string(), to.to_string()], |r| address(r, "recipient"))?);
                }
                Ok(u32::try_from(recipients.len()).unwrap_or(u32::MAX))
            })
            .await
    }
}

fn sums_of(c: &Connection, mailbox: &Address, from: LocalDate, to: LocalDate) -> Result<Vec<DaySum>, LedgerError> {
    let sql = "SELECT date, provider, sent, inbox, category, spam, missing, filed, unaccounted FROM day_sum
               WHERE mailbox = ?1 AND date BETWEEN ?2 AND ?3";
    all(c, sql, params![mailbox.as_str(), from.to_string(), to.to_string()], |r| {
        let mut columns = InOrder::of(r);
        let c = &mut columns;
        Ok(DaySum {
            date: c.word(LocalDate::parse)?,
            provider: c.word(Provider::parse)?,
            letters: Letters {
                sent: c.get()?,
                inbox: c.get()?,
                category: c.get()?,
                spam: c.get()?,
                missing: c.get()?,
                filed: c.get()?,
                unaccounted: c.get()?,
            },
        })
    })
}

/// Keeps the sums by one step of a letter, from how it stood before.
pub(super) fn follow(c: &Connection, before: &Before, state: LetterState, placement: Option<Placement>) -> Result<(), LedgerError> {
    let sql = match (column(before.state, before.placement), column(state, placement)) {
        (None, None) => return Ok(()),
        (Some(from), Some(to)) if from == to => return Ok(()),
        (None, Some(to)) => {
            // Its first step out: handed over, or refused before that.
            let sent = u32::from(state != LetterState::Rejected);
            format!(
                "INSERT INTO day_sum (mailbox, date, provider, sent, {to}) VALUES (?1, ?2, (SELECT provider FROM mailbox WHERE address = ?3), {sent}, 1)
                 ON CONFLICT DO UPDATE SET sent = sent + {sent}, {to} = {to} + 1"
            )
        }
        (Some(from), Some(to)) => format!("UPDATE day_sum SET {from} = {from} - 1, {to} = {to} + 1 WHERE {WHICH}"),
        // What was sent is never planned again.
        (Some(from), None) => format!("UPDATE day_sum SET {from} = {from} - 1 WHERE {WHICH}"),
    };
    execute(c, &sql, params![before.sender, before.date, before.recipient]).map(drop)
}

/// The same for a letter that was in spam, and was seen in the inbox after it was moved there.
pub(super) fn follow_rescue(c: &Connection, letter: &Before) -> Result<(), LedgerError> {
    let sql = format!("UPDATE day_sum SET rescued = rescued + 1 WHERE {WHICH}");
    execute(c, &sql, params![letter.sender, letter.date, letter.recipient]).map(drop)
}

/// Counts all letters anew: a mailbox has another provider.
pub(super) fn count_all_anew(c: &Connection) -> Result<(), LedgerError> {
    execute(c, "DELETE FROM day_sum", [])?;
    execute(c, "INSERT INTO day_sum SELECT * FROM day_sum_counted", []).map(drop)
}

/// Counts a sender's letters of a date anew: some of them are gone.
pub(super) fn count_anew(c: &Connection, sender: &str, date: &str) -> Result<(), LedgerError> {
    execute(c, "DELETE FROM day_sum WHERE mailbox = ?1 AND date = ?2", [sender, date])?;
    execute(c, "INSERT INTO day_sum SELECT * FROM day_sum_counted WHERE mailbox = ?1 AND date = ?2", [sender, date]).map(drop)
}

const WHICH: &str = "mailbox = ?1 AND date = ?2 AND provider = (SELECT provider FROM mailbox WHERE address = ?3)";

/// The column in which a letter stands, besides in `sent`.
fn column(state: LetterState, placement: Option<Placement>) -> Option<&'static str> {
    match (state, placement) {
        (LetterState::Planned | LetterState::Deferred | LetterState::Skipped, _) => None,
        (LetterState::Handed | LetterState::Accepted, _) => Some("waiting"),
        (LetterState::Seen, Some(Placement::Spam)) => Some("spam"),
        (LetterState::Seen, Some(Placement::Filed)) => Some("filed"),
        (LetterState::Seen, Some(Placement::Category)) => Some("category"),
        (LetterState::Seen, Some(Placement::Inbox) | None) => Some("inbox"),
        (LetterState::Missing, _) => Some("missing"),
        (LetterState::Unaccounted, _) => Some("unaccounted"),
        (LetterState::Uncertain, _) => Some("uncertain"),
        (LetterState::Bounced, _) => Some("bounced"),
        (LetterState::Rejected, _) => Some("rejected"),
    }
}
