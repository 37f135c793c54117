//! What a run asks and writes of all its mailboxes before it begins: each in one go, however many they are. One by one, hundreds of mailboxes would go
//! hundreds of times to the ledger's thread and back before the first letter.

use rusqlite::params;

use super::agenda::{close_days, next_due};
use super::rows::one;
use super::send::lose_sight_of_handed;
use super::{DayRow, Fence, Ledger, LedgerError, days};
use crate::words::{Address, LocalDate, Moment, SkipReason};

/// A mailbox whose past is to be ended.
#[derive(Clone, Debug)]
pub struct PastOf {
    /// The mailbox.
    pub mailbox: Address,
    /// Its lease.
    pub fence: Fence,
    /// Its dates up to this one are over.
    pub through: LocalDate,
    /// The send-day to which its answers go.
    pub next: Option<LocalDate>,
    /// Why what was not sent will not be.
    pub reason: SkipReason,
}

/// What was left of a mailbox's past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastEnded {
    /// Letters that a crash left handed over, and that are uncertain now.
    pub lost: u32,
    /// Whether it has uncertain letters.
    pub is_uncertain: bool,
    /// Letters of dates that are over, and that were skipped.
    pub skipped: u32,
}

impl Ledger {
    /// Ends what came before, of each mailbox: as [`Ledger::recover_handed`] and [`Ledger::close_days`] do.
    pub async fn end_the_past(&self, pasts: Vec<PastOf>, now: Moment) -> Result<Vec<PastEnded>, LedgerError> {
        self.store
            .run(move |c| {
                let mut ended = Vec::with_capacity(pasts.len());
                for PastOf { mailbox, fence, through, next, reason } in pasts {
                    fence.check(c)?;
                    let lost = lose_sight_of_handed(c, &mailbox, now)?.len() as u32;
                    let sql = "SELECT 1 FROM letter INDEXED BY letter_to_settle
                               WHERE sender = ?1 AND state IN ('handed', 'uncertain') AND state = 'uncertain' LIMIT 1";
                    let is_uncertain = one(c, sql, [mailbox.as_str()], |_| Ok(()))?.is_some();
                    let skipped = close_days(c, &mailbox, through, next, reason, now)?;
                    ended.push(PastEnded { lost, is_uncertain, skipped });
                }
                Ok(ended)
            })
            .await
    }

    /// As [`Ledger::day`], of many.
    pub async fn days_of(&self, dates: Vec<(Address, LocalDate)>) -> Result<Vec<Option<DayRow>>, LedgerError> {
        self.store.ask(move |c| dates.iter().map(|(mailbox, date)| days::day(c, mailbox, *date)).collect()).await
    }

    /// When the first of [`Ledger::due_letters`] of each is due.
    pub async fn next_due_of(&self, dates: Vec<(Address, LocalDate)>) -> Result<Vec<Option<Moment>>, LedgerError> {
        self.store.ask(move |c| dates.iter().map(|(sender, date)| next_due(c, sender, *date)).collect()).await
    }

    /// As [`Ledger::to_send`], of many together.
    pub async fn to_send_of(&self, dates: Vec<(Address, LocalDate)>) -> Result<u32, LedgerError> {
        self.store
            .ask(move |c| {
                let sql = "SELECT count(*) FROM letter INDEXED BY letter_to_send WHERE sender = ?1 AND date = ?2 AND state IN ('planned', 'deferred')";
                let mut sum = 0;
                for (sender, date) in &dates {
                    sum += one(c, sql, params![sender.as_str(), date.to_string()], |r| Ok(r.get::<_, u32>(0)?))?.unwrap_or(0);
                }
                Ok(sum)
            })
            .await
    }
}
