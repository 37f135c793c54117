//! Sums over whole dates: what reports compare.

use std::collections::BTreeMap;

use super::rows::{all, date};
use super::{Ledger, LedgerError};
use crate::words::{LocalDate, Role};

/// What became of the letters of one date, over all mailboxes of a role.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DateTally {
    /// Servers took them, answers included.
    pub sent: u32,
    /// Of these, answers.
    pub answers: u32,
    /// First seen in the inbox or a category of it.
    pub inbox: u32,
    /// First seen in spam, or moved there within 48 hours.
    pub spam: u32,
    /// Seen elsewhere.
    pub filed: u32,
    /// Taken and not seen.
    pub missing: u32,
    /// Handed over, and nobody knows.
    pub unaccounted: u32,
    /// Bounced.
    pub bounced: u32,
    /// Refused by the server.
    pub rejected: u32,
    /// Not sent.
    pub skipped: u32,
    /// Seen in the inbox after a rescue.
    pub rescued: u32,
}

impl Ledger {
    /// What became of the letters of each date that mailboxes of a role sent or were to send.
    pub async fn tally_by_date(&self, role: Role) -> Result<BTreeMap<LocalDate, DateTally>, LedgerError> {
        self.store
            .run(move |c| {
                let sql = "SELECT l.date,
                             count(l.accepted_at) AS sent,
                             count(CASE WHEN l.parent IS NOT NULL THEN l.accepted_at END) AS answers,
                             sum(l.placement IN ('inbox', 'category')) AS inbox, sum(l.placement = 'spam') AS spam, sum(l.placement = 'filed') AS filed,
                             sum(l.state = 'missing') AS missing, sum(l.state IN ('handed', 'uncertain', 'unaccounted')) AS unaccounted,
                             sum(l.state = 'bounced') AS bounced, sum(l.state = 'rejected') AS rejected, sum(l.state = 'skipped') AS skipped,
                             count(l.rescued_at) AS rescued
                           FROM letter l JOIN mailbox m ON m.address = l.sender WHERE m.role = ?1 GROUP BY l.date ORDER BY l.date";
                let rows = all(c, sql, [role.as_str()], |r| {
                    let n = |column: &str| Ok::<_, rusqlite::Error>(r.get::<_, Option<u32>>(column)?.unwrap_or(0));
                    let tally = DateTally {
                        sent: n("sent")?,
                        answers: n("answers")?,
                        inbox: n("inbox")?,
                        spam: n("spam")?,
                        filed: n("filed")?,
                        missing: n("missing")?,
                        unaccounted: n("unaccounted")?,
                        bounced: n("bounced")?,
                        rejected: n("rejected")?,
                        skipped: n("skipped")?,
                        rescued: n("rescued")?,
                    };
                    Ok((date(r, "date")?, tally))
                })?;
                Ok(rows.into_iter().collect())
            })
            .await
    }
}
