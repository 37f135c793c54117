//! The agenda in the ledger: made once per local date, in one transaction.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, params};

use super::guard::{VerdictRow, note_verdict};
use super::letters::{COLUMNS, LetterFacts, insert, is_to_send, letter_columns, read_letter, skip};
use super::rows::{InOrder, address, all, execute, one, stored};
use super::{DayPlan, Fence, Ledger, LedgerError, days, ms};
use crate::agenda::{Agenda, Carried, PlannedLetter};
use crate::words::{Address, LetterId, LetterState, LocalDate, Moment, SkipReason};

/// Letters of a sender on a date that are to be sent, by due time, so many at most.
pub(super) const DUE_LETTERS: &str = concat!(
    "SELECT ",
    letter_columns!(),
    " FROM letter INDEXED BY letter_to_send
      WHERE sender = ?1 AND date = ?2 AND state IN ('planned', 'deferred') AND due IS NOT NULL ORDER BY due, id LIMIT ?3"
);

impl Ledger {
    /// Writes a date's agenda, the quotas behind it, and the verdicts of the dates before that led to those. Whatever is there already stays as it is, so that
    /// making it again changes nothing. Says how many letters are new.
    pub async fn store_agenda(
        &self,
        planner: Fence,
        verdicts: Vec<VerdictRow>,
        days: Vec<DayPlan>,
        agenda: Agenda,
        now: Moment,
    ) -> Result<u32, LedgerError> {
        self.store
            .run(move |c| {
                planner.check(c)?;
                for verdict in &verdicts {
                    note_verdict(c, verdict)?;
                }
                for plan in &days {
                    days::insert(c, plan, now)?;
                }
                let mut new = 0;
                // Parents before their answers.
                let longest = agenda.letters.iter().map(|l| l.in_thread).max().unwrap_or(0);
                for place in 1..=longest {
                    for l in agenda.letters.iter().filter(|l| l.in_thread == place) {
                        new += u32::from(insert(c, &l)?);
                    }
                }
                for (id, date) in &agenda.put_off {
                    put_off(c, *id, *date)?;
                }
                for id in &agenda.lapsed {
                    lapse(c, *id, now)?;
                }
                Ok(new)
            })
            .await
    }

    /// Adds an answer, and the thread that it foretells, to the agenda (after a rescue of a letter whose draws want it). Says how many are new.
    pub async fn add_answers(&self, fence: Fence, thread: Vec<PlannedLetter>) -> Result<u32, LedgerError> {
        self.store
            .run(move |c| {
                fence.check(c)?;
                let mut new = 0;
                for letter in &thread {
                    new += u32::from(insert(c, letter)?);
                }
                Ok(new)
            })
            .await
    }

    /// Starts by directed pair, of dates in `from..until`, that were not skipped or rejected.
    pub async fn starts_between(
        &self,
        senders: Vec<Address>,
        from: LocalDate,
        until: LocalDate,
    ) -> Result<BTreeMap<(Address, Address), u32>, LedgerError> {
        self.store
            .run(move |c| {
                // By their ids (`+`: not by the index of senders): a start keeps its date, and lies beside the others of its day.
                let sql = "SELECT recipient FROM letter
                           WHERE id >= ?2 AND id < ?2 || 'g' AND +sender = ?1 AND in_thread = 1 AND state NOT IN ('skipped', 'rejected')";
                let days = u32::try_from(until.days_since(from)).unwrap_or(0);
                let mut out = BTreeMap::new();
                for sender in senders {
                    let mut starts: BTreeMap<String, u32> = BTreeMap::new();
                    for date in (0..days).map(|n| from.plus(n)) {
                        let beginning = LetterId::beginning(&sender, date);
                        for recipient in all(c, sql, params![sender.as_str(), beginning], |r| Ok(r.get(0)?))? {
                            *starts.entry(recipient).or_default() += 1;
                        }
                    }
                    for (recipient, n) in starts {
                        out.insert((sender.clone(), stored(&recipient, |t| Address::parse(t).ok())?), n);
                    }
                }
                Ok(out)
            })
            .await
    }

    /// Letters of a date to each of `recipients` that are on the agendas of others than `senders`, and were not skipped or rejected.
    pub async fn received_from_others(
        &self,
        recipients: Vec<Address>,
        senders: Vec<Address>,
        date: LocalDate,
    ) -> Result<BTreeMap<Address, u32>, LedgerError> {
        self.store
            .run(move |c| {
                let sql = "SELECT sender, count(*) AS n FROM letter
                           WHERE recipient = ?1 AND date = ?2 AND state NOT IN ('skipped', 'rejected') GROUP BY sender";
                let mut out = BTreeMap::new();
                for recipient in recipients {
                    for (sender, n) in
                        all(c, sql, params![recipient.as_str(), date.to_string()], |r| Ok((address(r, "sender")?, r.get::<_, u32>("n")?)))?
                    {
                        if !senders.contains(&sender) {
                            *out.entry(recipient.clone()).or_default() += n;
                        }
                    }
                }
                Ok(out)
            })
            .await
    }

    /// Answers that fall on `date` and are still to be sent, oldest plan first.
    pub async fn carried_on(&self, senders: Vec<Address>, date: LocalDate) -> Result<Vec<Carried>, LedgerError> {
        self.store
            .run(move |c| {
                let sql = "SELECT id, recipient, put_off FROM letter INDEXED BY letter_to_send
                           WHERE sender = ?1 AND date = ?2 AND parent IS NOT NULL AND state IN ('planned', 'deferred') ORDER BY expected, id";
                let mut out = Vec::new();
                for sender in senders {
                    let carried = |r: &Row<'_>| {
                        let mut columns = InOrder::of(r);
                        Ok(Carried {
                            id: columns.word(|t| LetterId::parse(t).ok())?,
                            sender: sender.clone(),
                            recipient: columns.word(|t| Address::parse(t).ok())?,
                            put_off: columns.get()?,
                        })
                    };
                    out.extend(all(c, sql, params![sender.as_str(), date.to_string()], carried)?);
                }
                Ok(out)
            })
            .await
    }

    /// Letters that are to be sent by a mailbox on a date, by due time; answers whose parent is not opened yet are not among them.
    pub async fn due_letters(&self, sender: Address, date: LocalDate, most: u32) -> Result<Vec<LetterFacts>, LedgerError> {
        self.store.ask(move |c| all(c, DUE_LETTERS, params![sender.as_str(), date.to_string(), most], read_letter)).await
    }

    /// How many letters of a mailbox on a date are still to be sent, answers that wait for their parent included.
    pub async fn to_send(&self, sender: Address, date: LocalDate) -> Result<u32, LedgerError> {
        self.to_send_of(vec![(sender, date)]).await
    }

    /// Gives letters of a mailbox new due times, and skips those that are too late for the window.
    pub async fn retime(
        &self,
        fence: Fence,
        retimed: Vec<(LetterId, Moment)>,
        late: Vec<LetterId>,
        now: Moment,
    ) -> Result<(), LedgerError> {
        self.store
            .run(move |c| {
                fence.check(c)?;
                for (id, due) in retimed {
                    let sql = "UPDATE letter SET due = ?2 WHERE id = ?1 AND state IN ('planned', 'deferred')";
                    execute(c, sql, params![id.to_string(), ms(due)])?;
                }
                for id in late {
                    if is_to_send(c, id)? {
                        skip(c, id, SkipReason::Late, now)?;
                    }
                }
                Ok(())
            })
            .await
    }

    /// Ends a mailbox's dates up to and including `through`: starts that were not sent are skipped (`reason`), answers go to `next` or, put off three
    /// times already, lapse. Gives the number of letters skipped.
    pub async fn close_days(
        &self,
        fence: Fence,
        sender: Address,
        through: LocalDate,
        next: Option<LocalDate>,
        reason: SkipReason,
        now: Moment,
    ) -> Result<u32, LedgerError> {
        self.store
            .run(move |c| {
                fence.check(c)?;
                close_days(c, &sender, through, next, reason, now)
            })
            .await
    }

    /// Skips what is still to be sent from or to mailboxes that are not in the config any more.
    pub async fn skip_removed(&self, planner: Fence, now: Moment) -> Result<u32, LedgerError> {
        self.store
            .run(move |c| {
                planner.check(c)?;
                let sql = format!(
                    "SELECT {COLUMNS} FROM letter INDEXED BY letter_to_send WHERE state IN ('planned', 'deferred') AND (
                       sender IN (SELECT address FROM mailbox WHERE removed_at IS NOT NULL) OR recipient IN (SELECT address FROM mailbox WHERE removed_at IS NOT NULL))"
                );
                let gone = all(c, &sql, [], read_letter)?;
                let mut skipped = 0;
                for l in &gone {
                    if is_to_send(c, l.plan.id)? {
                        skip(c, l.plan.id, SkipReason::Removed, now)?;
                        skipped += 1;
                    }
                }
                Ok(skipped)
            })
            .await
    }

    /// Every letter of a date, of all senders, by due time: for `preheat agenda`.
    pub async fn agenda_on(&self, date: LocalDate) -> Result<Vec<LetterFacts>, LedgerError> {
        self.store
            .run(move |c| {
                let sql = format!(
                    "SELECT {COLUMNS} FROM letter WHERE date = ?1 AND sender IN (SELECT address FROM mailbox) ORDER BY coalesce(due, expected), id"
                );
                all(c, &sql, [date.to_string()], read_letter)
            })
            .await
    }
}

/// When the first letter is due that a mailbox is to send on a date.
pub(super) fn next_due(c: &Connection, sender: &Address, date: LocalDate) -> Result<Option<Moment>, LedgerError> {
    let sql = "SELECT due FROM letter INDEXED BY letter_to_send
               WHERE sender = ?1 AND date = ?2 AND state IN ('planned', 'deferred') AND due IS NOT NULL ORDER BY due LIMIT 1";
    one(c, sql, params![sender.as_str(), date.to_string()], |r| Ok(Moment(r.get(0)?)))
}

/// Ends a mailbox's dates: [`Ledger::close_days`].
pub(super) fn close_days(
    c: &Connection,
    sender: &Address,
    through: LocalDate,
    next: Option<LocalDate>,
    reason: SkipReason,
    now: Moment,
) -> Result<u32, LedgerError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM letter INDEXED BY letter_to_send WHERE sender = ?1 AND date <= ?2 AND state IN ('planned', 'deferred') ORDER BY id"
    );
    let mut skipped = 0;
    for l in all(c, &sql, params![sender.as_str(), through.to_string()], read_letter)? {
        // Skipped meanwhile, with what it would have answered.
        if !is_to_send(c, l.plan.id)? {
            continue;
        }
        match next {
            // One that waits for its parent is not the later for it, but it does not wait for ever.
            Some(next) if l.plan.parent.is_some() && l.plan.due.is_none() && !waited_too_long(&l, through) => {
                let sql = "UPDATE letter SET date = ?2 WHERE id = ?1";
                execute(c, sql, params![l.plan.id.to_string(), next.to_string()])?;
            }
            Some(next) if l.plan.parent.is_some() && l.plan.due.is_some() && l.put_off < 3 => put_off(c, l.plan.id, next)?,
            _ if l.plan.parent.is_some() => {
                lapse(c, l.plan.id, now)?;
                skipped += 1;
            }
            _ => {
                let reason = if l.state == LetterState::Deferred { SkipReason::Deferred } else { reason };
                skip(c, l.plan.id, reason, now)?;
                skipped += 1;
            }
        }
    }
    Ok(skipped)
}

/// Whether an answer whose parent was never opened has waited for longer than letters take: its parent is missing, or nobody can look for it.
fn waited_too_long(l: &LetterFacts, through: LocalDate) -> bool {
    through.days_since(l.plan.expected.local_date(crate::words::Zone::UTC)) >= 4
}

/// Puts an answer off to another send-day. Its due time stays: in the past, it is re-spread when that day begins.
pub(super) fn put_off(c: &Connection, id: LetterId, to: LocalDate) -> Result<(), LedgerError> {
    let sql = "UPDATE letter SET date = ?2, put_off = put_off + 1 WHERE id = ?1 AND state IN ('planned', 'deferred')";
    execute(c, sql, params![id.to_string(), to.to_string()]).map(|_| ())
}

/// An answer that will not be written any more: nobody read what it was to answer, or no day had room for it.
pub(super) fn lapse(c: &Connection, id: LetterId, now: Moment) -> Result<(), LedgerError> {
    if !is_to_send(c, id)? {
        return Ok(());
    }
    let is_due = one(c, "SELECT due IS NOT NULL FROM letter WHERE id = ?1", [id.to_string()], |r| Ok(r.get(0)?))?.unwrap_or(false);
    skip(c, id, if is_due { SkipReason::Quota } else { SkipReason::ParentUnseen }, now)
}
