//! What `preheat status` reads: sums by mailbox.

use std::collections::BTreeMap;

use rusqlite::params;

use super::rows::{InOrder, address, all, one, word};
use super::{DayRow, Ledger, LedgerError, ms};
use crate::words::{Address, LocalDate, Moment, SkipReason};

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
    /// Letters that it sent in the last 7 days, by what became of them.
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

    /// The status of mailboxes, each on its own local date, with the placements of what it sent since `since`.
    pub async fn status(&self, mailboxes: Vec<(Address, LocalDate)>, since: Moment) -> Result<Vec<MailboxStatus>, LedgerError> {
        self.store
            .run(move |c| {
                let mut week: BTreeMap<Address, PlacementCounts> = BTreeMap::new();
                let sql = "SELECT sender, state, placement, count(*) AS n, count(rescued_at) AS rescued FROM letter
                           WHERE sender = ?1 AND date >= ?2
                             AND (handed_at >= ?3 OR (handed_at IS NULL AND state = 'rejected' AND date > ?4)) GROUP BY state, placement";
                for (mailbox, date) in &mailboxes {
                    // A letter that was refused before its bytes was never handed over: its date says when.
                    let (from, week_ago) = (date.minus(8).to_string(), date.minus(7).to_string());
                    let rows = all(c, sql, params![mailbox.as_str(), from, ms(since), week_ago], |r| {
                        Ok((
                            address(r, "sender")?,
                            r.get::<_, String>("state")?,
                            r.get::<_, Option<String>>("placement")?,
                            r.get::<_, u32>("n")?,
                            r.get::<_, u32>("rescued")?,
                        ))
                    })?;
                    for (sender, state, placement, n, rescued) in rows {
                        let counts = week.entry(sender).or_default();
                        counts.rescued += rescued;
                        let slot = match (state.as_str(), placement.as_deref()) {
                            ("seen", Some("spam")) => &mut counts.spam,
                            ("seen", Some("filed")) => &mut counts.filed,
                            ("seen", _) => &mut counts.inbox,
                            ("missing", _) => &mut counts.missing,
                            ("bounced", _) => &mut counts.bounced,
                            ("rejected", _) => &mut counts.rejected,
                            ("uncertain", _) => &mut counts.uncertain,
                            ("unaccounted", _) => &mut counts.unaccounted,
                            _ => &mut counts.waiting,
                        };
                        *slot += n;
                    }
                }
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
                    out.push(MailboxStatus { day, to_send, not_sent, week: week.get(&address).copied().unwrap_or_default(), address });
                }
                Ok(out)
            })
            .await
    }
}
