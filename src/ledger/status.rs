//! What `preheat status` reads: sums by mailbox.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::rows::{InOrder, all, one, word};
use super::{DayRow, Ledger, LedgerError};
use crate::words::{Address, LocalDate, SkipReason};

/// Letters of a mailbox by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct PlacementCounts {
    /// Seen in the inbox or in a tab of it.
    pub inbox: u32,
    /// Seen in spam first.
    pub spam: u32,
    /// Filed by a person's rule.
    pub filed: u32,
    /// Accepted, and not seen yet.
    pub waiting: u32,
    /// Not seen within 24 hours.
    pub missing: u32,
    /// A bounce came back.
    pub bounced: u32,
    /// Refused by a server.
    pub rejected: u32,
    /// May have been taken; looked for.
    pub uncertain: u32,
    /// Looked for for 72 hours, and not found.
    pub unaccounted: u32,
    /// Pulled out of spam.
    pub rescued: u32,
}

/// A mailbox on one date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxStatus {
    /// The mailbox.
    pub address: Address,
    /// The day's row; `None` where no agenda was made for it.
    pub day: Option<DayRow>,
    /// Letters still to be sent on the date.
    pub to_send: u32,
    /// Letters of the date that will not be sent, by reason.
    pub not_sent: BTreeMap<SkipReason, u32>,
    /// Letters of the date and the seven before, by what became of them.
    pub week: PlacementCounts,
}

/// Why a letter of the agenda did not go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unsent {
    /// It was not handed over.
    Skipped(SkipReason),
    /// A server refused it.
    Refused,
}

impl Ledger {
    /// How many of a mailbox's letters did not go out, by date and reason; those that were pruned among them.
    pub async fn unsent(&self, sender: Address) -> Result<BTreeMap<LocalDate, BTreeMap<Unsent, u32>>, LedgerError> {
        self.store
            .ask(move |c| {
                let sql = "SELECT date, skip_reason, count(*) FROM letter
                           WHERE sender = ?1 AND (state = 'rejected' OR (state = 'skipped' AND skip_reason IS NOT NULL)) GROUP BY date, skip_reason
                           UNION ALL SELECT date, iif(state = 'skipped', detail, NULL), letters FROM pruned_sum
                           WHERE mailbox = ?1 AND (state = 'rejected' OR (state = 'skipped' AND detail <> ''))";
                let rows = all(c, sql, [sender.as_str()], |r| {
                    let mut columns = InOrder::of(r);
                    let (date, reason) = (columns.word(LocalDate::parse)?, columns.maybe(SkipReason::parse)?);
                    Ok((date, reason.map_or(Unsent::Refused, Unsent::Skipped), columns.get::<u32>()?))
                })?;
                let mut dates: BTreeMap<LocalDate, BTreeMap<Unsent, u32>> = BTreeMap::new();
                for (date, why, n) in rows {
                    *dates.entry(date).or_default().entry(why).or_default() += n;
                }
                Ok(dates)
            })
            .await
    }

    /// The status of mailboxes, each on its own local date, with what became of the letters of that date and the seven before.
    pub async fn status(&self, mailboxes: Vec<(Address, LocalDate)>) -> Result<Vec<MailboxStatus>, LedgerError> {
        self.store
            .run(move |c| {
                let mut out = Vec::with_capacity(mailboxes.len());
                for (address, date) in mailboxes {
                    let day = super::days::day(c, &address, date)?;
                    let sql = "SELECT count(*) FROM letter INDEXED BY letter_to_send WHERE sender = ?1 AND date = ?2 AND state IN ('planned', 'deferred')";
                    let to_send = one(c, sql, params![address.as_str(), date.to_string()], |r| Ok(r.get::<_, u32>(0)?))?.unwrap_or(0);
                    let sql = "SELECT skip_reason, count(*) AS n FROM letter
                               WHERE sender = ?1 AND date = ?2 AND state = 'skipped' AND skip_reason IS NOT NULL GROUP BY skip_reason";
                    let not_sent = all(c, sql, params![address.as_str(), date.to_string()], |r| {
                        Ok((word(r, "skip_reason", SkipReason::parse)?, r.get("n")?))
                    })?;
                    let not_sent = not_sent.into_iter().collect();
                    let week = placements(c, &address, date.minus(7), date)?;
                    out.push(MailboxStatus { address, day, to_send, not_sent, week });
                }
                Ok(out)
            })
            .await
    }
}

/// What became of a mailbox's letters of some dates, both included.
fn placements(c: &Connection, mailbox: &Address, from: LocalDate, to: LocalDate) -> Result<PlacementCounts, LedgerError> {
    let sql =
        "SELECT sum(inbox + category), sum(spam), sum(filed), sum(waiting), sum(missing), sum(bounced), sum(rejected), sum(uncertain),
                 sum(unaccounted), sum(rescued) FROM day_sum WHERE mailbox = ?1 AND date BETWEEN ?2 AND ?3 HAVING count(*) > 0";
    let counts = one(c, sql, params![mailbox.as_str(), from.to_string(), to.to_string()], |r| {
        let mut columns = InOrder::of(r);
        let mut next = || columns.get::<u32>();
        Ok(PlacementCounts {
            inbox: next()?,
            spam: next()?,
            filed: next()?,
            waiting: next()?,
            missing: next()?,
            bounced: next()?,
            rejected: next()?,
            uncertain: next()?,
            unaccounted: next()?,
            rescued: next()?,
        })
    })?;
    Ok(counts.unwrap_or_default())
}
