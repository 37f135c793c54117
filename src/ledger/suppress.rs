//! Suppressions: outside addresses that get no mail again, with what caused it.
//!
//! The list is for whoever sends real mail from the same mailboxes, and it is kept: what was in force at any moment can be told later. Mailboxes of the
//! pool are never on it; they are suspended, for a while.

use rusqlite::{Connection, Row, params};

use super::rows::{InOrder, all, execute, one};
use super::{Ledger, LedgerError, ms};
use crate::words::{Address, Moment, SuppressionCause};

/// So many bounces that are not for good, on as many dates within [`SOFT_BOUNCE_DAYS`], and an address is given up.
pub const SOFT_BOUNCES: u32 = 3;
/// Days in which soft bounces are counted.
pub const SOFT_BOUNCE_DAYS: u32 = 30;

/// An address that gets no mail again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuppressionRow {
    /// The address: outside the pool.
    pub address: Address,
    /// Since when.
    pub since: Moment,
    /// Why.
    pub cause: SuppressionCause,
    /// The mailbox and the Message-ID of the signal that caused it.
    pub signal: Option<(Address, String)>,
    /// The evidence, or what a person said.
    pub note: String,
    /// When a person took it off the list again.
    pub lifted_at: Option<Moment>,
}

const COLUMNS: &str = "address, since, cause, mailbox, message_id, note, lifted_at";

impl Ledger {
    /// Puts addresses on the list; those that are on it stay as they are. Gives the ones that are new.
    pub async fn suppress(&self, rows: Vec<SuppressionRow>) -> Result<Vec<Address>, LedgerError> {
        self.store
            .run(move |c| {
                let mut new = Vec::new();
                for row in &rows {
                    if suppress(c, row)? {
                        new.push(row.address.clone());
                    }
                }
                Ok(new)
            })
            .await
    }

    /// Takes an address off the list; says whether it was on it. The history keeps it.
    pub async fn lift_suppression(&self, address: Address, now: Moment) -> Result<bool, LedgerError> {
        self.store
            .run(move |c| {
                let sql = "UPDATE suppression SET lifted_at = max(?2, since) WHERE address = ?1 AND lifted_at IS NULL";
                Ok(execute(c, sql, params![address.as_str(), ms(now)])? > 0)
            })
            .await
    }

    /// The list: every address that gets no mail, by address.
    pub async fn suppressions(&self) -> Result<Vec<SuppressionRow>, LedgerError> {
        self.store
            .ask(|c| all(c, &format!("SELECT {COLUMNS} FROM suppression WHERE lifted_at IS NULL ORDER BY address"), [], read_suppression))
            .await
    }

    /// Why an address gets no mail; `None` where it may be written to.
    pub async fn suppression_of(&self, address: Address) -> Result<Option<SuppressionRow>, LedgerError> {
        self.store
            .ask(move |c| {
                let sql = format!("SELECT {COLUMNS} FROM suppression WHERE address = ?1 AND lifted_at IS NULL");
                one(c, &sql, [address.as_str()], read_suppression)
            })
            .await
    }
}

/// Puts an address on the list unless it is there, or is a mailbox of the pool. Says whether it is new.
pub(super) fn suppress(c: &Connection, row: &SuppressionRow) -> Result<bool, LedgerError> {
    let sql = "INSERT INTO suppression (address, since, cause, mailbox, message_id, note)
               SELECT ?1, ?2, ?3, ?4, ?5, ?6
               WHERE NOT EXISTS (SELECT 1 FROM suppression WHERE address = ?1 AND lifted_at IS NULL)
                 AND NOT EXISTS (SELECT 1 FROM mailbox WHERE address = ?1 AND removed_at IS NULL)
               -- Lifted in the very millisecond in which it is put on again.
               ON CONFLICT (address, since) DO UPDATE SET cause = ?3, mailbox = ?4, message_id = ?5, note = ?6, lifted_at = NULL";
    let (mailbox, message_id) = row.signal.as_ref().map(|(m, id)| (m.as_str(), id.as_str())).unzip();
    let params = params![row.address.as_str(), ms(row.since), row.cause.as_str(), mailbox, message_id, row.note];
    Ok(execute(c, sql, params)? > 0)
}

/// On how many dates within the last [`SOFT_BOUNCE_DAYS`] mail to an address came back, though not for good. What came back because of its sender
/// says nothing about the address.
pub(super) fn soft_bounce_dates(c: &Connection, address: &Address, now: Moment) -> Result<u32, LedgerError> {
    let sql = "SELECT count(DISTINCT s.date) FROM signal_recipient r JOIN signal s ON s.mailbox = r.mailbox AND s.message_id = r.message_id
               WHERE r.address = ?1 AND s.kind = 'bounce' AND r.hard = 0 AND s.at > ?2
                 AND r.class IN ('mailbox_full', 'bad_address', 'mailbox_disabled', 'temporary', 'other')"; // counts_against_recipient()
    let since = now - std::time::Duration::from_hours(24 * u64::from(SOFT_BOUNCE_DAYS));
    Ok(one(c, sql, params![address.as_str(), ms(since)], |r| Ok(r.get(0)?))?.unwrap_or(0))
}

fn read_suppression(r: &Row<'_>) -> Result<SuppressionRow, LedgerError> {
    let mut columns = InOrder::of(r);
    let c = &mut columns;
    Ok(SuppressionRow {
        address: c.word(|t| Address::parse(t).ok())?,
        since: Moment(c.get()?),
        cause: c.word(SuppressionCause::parse)?,
        signal: c.maybe(|t| Address::parse(t).ok())?.zip(c.get::<Option<String>>()?),
        note: c.get()?,
        lifted_at: c.get::<Option<i64>>()?.map(Moment),
    })
}
