//! Sending, as the ledger sees it: the intent, the outcome, and what a crash left behind.

use rusqlite::{Connection, params};

use super::agenda::{DUE_LETTERS, lapse, put_off};
use super::lease::renewed_at;
use super::letters::{
    Before, COLUMNS, Said, apply, apply_to, before_columns, due_of, is_to_send, lapse_answers_to, letter, read_letter, skip, state_of,
};
use super::rows::{InOrder, address, all, execute, one};
use super::{Fence, Ledger, LedgerError, LetterFacts, Receipt, ms};
use crate::letter::LetterEvent;
use crate::words::{Address, LetterId, LetterState, LocalDate, MessageId, Moment, Reply, SkipReason};

/// What the executor wants to hand over now.
#[derive(Clone, Debug)]
pub struct Intent {
    /// The letter.
    pub letter: LetterId,
    /// The date of its sender's that it is handed over on.
    pub date: LocalDate,
    /// Its Message-ID, as it will be sent.
    pub message_id: MessageId,
    /// The letter that its sender handed over before it, if its outcome was handed in already: no intent is written before that is.
    pub after: Option<LetterId>,
    /// Its sender's window on the letter's date.
    pub window: (Moment, Moment),
    /// Plan time.
    pub now: Moment,
    /// Real time, for the lease.
    pub real_now: Moment,
}

/// Whose next letter is asked for, and when it would go.
#[derive(Clone, Debug)]
pub struct Turn {
    /// The mailbox.
    pub sender: Address,
    /// Its local date.
    pub date: LocalDate,
    /// Its window on that date.
    pub window: (Moment, Moment),
    /// It sends nothing before this, whatever is due.
    pub not_before: Moment,
    /// How many of the letters behind the next one are wanted with it, where they are due and may go.
    pub behind: u32,
    /// Plan time.
    pub now: Moment,
    /// Real time, for the lease.
    pub real_now: Moment,
}

/// A mailbox's next letter of a date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextLetter {
    /// No letter of the date has a due time.
    None,
    /// Its turn comes then.
    Later(Moment),
    /// It is its turn.
    Now {
        /// The letter.
        letter: Box<LetterFacts>,
        /// Whether it may go: the same as [`Ledger::intend`] would say now.
        may_go: Result<(), IntentRefused>,
        /// Those whose turn comes right behind it, as many as were [wanted](Turn::behind): they are due, and may go.
        behind: Vec<LetterFacts>,
    },
}

/// Why a letter may not be handed over. Nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntentRefused {
    /// Not planned any more: sent, skipped, or put off by somebody else meanwhile.
    NotDue,
    /// The day's quota is spent, or was never set.
    Quota,
    /// The sender, its domain or the pool is paused.
    Paused,
    /// The recipient is suspended.
    Suspended,
    /// Outside the window.
    Window,
    /// Sender or recipient is not in the pool any more.
    Removed,
    /// The lease was not renewed lately (the machine slept, the disk is full): wait until it is.
    LeaseNotFresh,
}

impl IntentRefused {
    /// The reason with which the letter is skipped; `None` where it is not this letter's end.
    pub fn skip_reason(self) -> Option<SkipReason> {
        match self {
            Self::NotDue | Self::Paused | Self::LeaseNotFresh => None,
            Self::Suspended => Some(SkipReason::Suspended),
            Self::Quota => Some(SkipReason::Quota),
            Self::Window => Some(SkipReason::Late),
            Self::Removed => Some(SkipReason::Removed),
        }
    }
}

/// What became of a letter that was offered or handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// 2xx after the final dot.
    Accepted(Reply),
    /// 4xx before the bytes: due again at this time.
    Deferred(Reply, Moment),
    /// 5xx before the bytes, or 4xx/5xx after them.
    Rejected(Reply),
    /// No final reply.
    Uncertain(String),
}

impl Ledger {
    /// The first of [`Ledger::due_letters`], if its turn has come, and whether it may go: before anybody is bothered, the content program, the domain's
    /// pacer, the server. One question for all that, for each is a way to another thread and back.
    pub async fn next_letter(&self, fence: Fence, turn: Turn) -> Result<NextLetter, LedgerError> {
        self.store
            .ask(move |c| {
                let most = turn.behind.saturating_add(1);
                let mut statement = c.prepare_cached(DUE_LETTERS)?;
                let mut rows = statement.query(params![turn.sender.as_str(), turn.date.to_string(), most])?;
                let may_go = |l: &LetterFacts| {
                    let asked = Asked { letter: l.plan.id, date: turn.date, window: turn.window, now: turn.now, real_now: turn.real_now };
                    may_send(c, &fence, asked).map(|may| may.map(drop))
                };
                let Some(row) = rows.next()? else { return Ok(NextLetter::None) };
                // Only when it is its turn is all of it read.
                let at = due_of(row)?.max(turn.not_before);
                if at > turn.now {
                    return Ok(NextLetter::Later(at));
                }
                let letter = read_letter(row)?;
                let may_first_go = may_go(&letter)?;
                // The first takes one of what is left. Where it may not go, nothing is behind it.
                let room = if most == 1 || may_first_go.is_err() { 0 } else { left_of_quota(c, &turn)?.saturating_sub(1) };
                let mut behind = Vec::new();
                while behind.len() < room as usize
                    && let Some(row) = rows.next()?
                    && due_of(row)? <= turn.now
                {
                    let next = read_letter(row)?;
                    if may_go(&next)?.is_err() {
                        break;
                    }
                    behind.push(next);
                }
                Ok(NextLetter::Now { letter: Box::new(letter), may_go: may_first_go, behind })
            })
            .await
    }

    /// Writes the intent to hand a letter over, durable when this returns: quota, suspension, pause, window and lease are checked in the same transaction, and the
    /// letter becomes `handed`. To be called after the server's 354 and before the first byte. With it, in one commit, goes the outcome of the letter
    /// [before](Intent::after), which may be waiting for it.
    ///
    /// # Errors
    /// [`LedgerError::NotWritten`] where that outcome could not be written: it has to be handed in again.
    pub async fn intend(&self, fence: Fence, intent: Intent) -> Result<Result<(), IntentRefused>, LedgerError> {
        self.store
            .run(move |c| {
                let asked =
                    Asked { letter: intent.letter, date: intent.date, window: intent.window, now: intent.now, real_now: intent.real_now };
                let letter = match may_send(c, &fence, asked)? {
                    Ok(letter) => letter,
                    Err(refused) => return Ok(Err(refused)),
                };
                if let Some(before) = intent.after
                    && state_of(c, before)? == Some(LetterState::Handed)
                {
                    return Err(LedgerError::NotWritten(format!("what became of letter {before}, which went before")));
                }
                apply_to(c, intent.letter, &letter, LetterEvent::HandedOver, intent.now, Said::As(&intent.message_id))?;
                Ok(Ok(()))
            })
            .await
    }

    /// Hands in what became of a letter; it is written at once. The receipt is to be awaited before the process ends.
    ///
    /// An outcome is a fact: it is written even where the lease was lost meanwhile, else an accepted letter would be forgotten.
    pub fn record(&self, id: LetterId, outcome: Outcome, now: Moment) -> Receipt<()> {
        self.store.submit(move |c| write_outcome(c, id, outcome, now))
    }

    /// The same, where the sender's next letter may be due: the outcome waits 10 ms at most for that one's intent, to be written with it.
    /// [`Ledger::hurry`] ends the wait, but for half the time that a commit takes.
    pub fn record_with_next(&self, id: LetterId, outcome: Outcome, now: Moment) -> Receipt<()> {
        self.store.submit_patiently(move |c| write_outcome(c, id, outcome, now))
    }

    /// Whatever was handed in and waits for an intent waits no longer.
    pub fn hurry(&self) {
        self.store.hurry();
    }

    /// Skips one letter; with it the answers to it lapse.
    pub async fn skip_letter(&self, fence: Fence, id: LetterId, reason: SkipReason, now: Moment) -> Result<(), LedgerError> {
        self.store
            .run(move |c| {
                fence.check(c)?;
                if is_to_send(c, id)? {
                    skip(c, id, reason, now)?;
                }
                Ok(())
            })
            .await
    }

    /// Puts an answer off to a later send-day, or lets it lapse after the third time.
    pub async fn put_off_answer(&self, fence: Fence, id: LetterId, to: LocalDate, due: Moment, now: Moment) -> Result<(), LedgerError> {
        self.store
            .run(move |c| {
                fence.check(c)?;
                match letter(c, id)? {
                    Some(l) if l.put_off < 3 => {
                        put_off(c, id, to)?;
                        execute(c, "UPDATE letter SET due = ?2 WHERE id = ?1 AND due IS NOT NULL", params![id.to_string(), ms(due)])?;
                        Ok(())
                    }
                    Some(_) => lapse(c, id, now),
                    None => Err(LedgerError::Unknown(format!("letter {id}"))),
                }
            })
            .await
    }

    /// What a crash left as `handed` becomes `uncertain`: it may have been taken, and is looked for. Gives the letters.
    pub async fn recover_handed(&self, fence: Fence, sender: Address, now: Moment) -> Result<Vec<LetterId>, LedgerError> {
        self.store
            .run(move |c| {
                fence.check(c)?;
                lose_sight_of_handed(c, &sender, now)
            })
            .await
    }

    /// The same for mailboxes that are not in the config any more: what a crash left handed over is uncertain, and what was handed over before
    /// `given_up_before` is unaccounted. Nobody reads their Sent folders now; their recipients may still see it.
    pub async fn recover_removed(&self, planner: Fence, given_up_before: Moment, now: Moment) -> Result<(), LedgerError> {
        self.store
            .run(move |c| {
                planner.check(c)?;
                for sender in all(c, "SELECT address FROM mailbox WHERE removed_at IS NOT NULL", [], |r| address(r, "address"))? {
                    lose_sight_of_handed(c, &sender, now)?;
                    give_up_uncertain(c, &sender, given_up_before, now)?;
                }
                Ok(())
            })
            .await
    }

    /// A mailbox's uncertain letters: to be looked for in its Sent folder.
    pub async fn uncertain_of(&self, sender: Address) -> Result<Vec<LetterFacts>, LedgerError> {
        self.store
            .ask(move |c| {
                let sql = format!("SELECT {COLUMNS} FROM letter INDEXED BY letter_to_settle WHERE sender = ?1 AND state IN ('handed', 'uncertain') AND state = 'uncertain' ORDER BY id");
                all(c, &sql, [sender.as_str()], read_letter)
            })
            .await
    }

    /// Uncertain letters that were found in the sender's Sent folder are accepted; those handed over before `given_up_before` are unaccounted.
    pub async fn settle_uncertain(
        &self,
        fence: Fence,
        sender: Address,
        found: Vec<LetterId>,
        given_up_before: Moment,
        now: Moment,
    ) -> Result<(u32, u32), LedgerError> {
        self.store
            .run(move |c| {
                fence.check(c)?;
                let mut n_found = 0;
                for id in found {
                    if letter(c, id)?
                        .is_some_and(|l| l.plan.sender == sender && matches!(l.state, LetterState::Uncertain | LetterState::Unaccounted))
                    {
                        apply(c, id, LetterEvent::Found, now, Said::Nothing)?;
                        n_found += 1;
                    }
                }
                Ok((n_found, give_up_uncertain(c, &sender, given_up_before, now)?))
            })
            .await
    }
}

fn write_outcome(c: &Connection, id: LetterId, outcome: Outcome, now: Moment) -> Result<(), LedgerError> {
    // Skipped while the server was asked (it was found at its recipient, or its mailbox was removed): a refusal changes nothing any more.
    let before_bytes = matches!(outcome, Outcome::Deferred(..) | Outcome::Rejected(_));
    let letter = Before::of(c, id)?;
    if before_bytes && letter.state == LetterState::Skipped {
        return Ok(());
    }
    let step = |event, reply| apply_to(c, id, &letter, event, now, Said::Reply(reply));
    match outcome {
        Outcome::Accepted(reply) => {
            step(LetterEvent::Accepted, &reply)?;
        }
        Outcome::Deferred(reply, due) => {
            step(LetterEvent::Deferred, &reply)?;
            execute(c, "UPDATE letter SET due = ?2 WHERE id = ?1", params![id.to_string(), ms(due)])?;
        }
        Outcome::Rejected(reply) => {
            step(LetterEvent::Rejected, &reply)?;
            lapse_answers_to(c, id, now)?;
        }
        Outcome::Uncertain(why) => {
            step(LetterEvent::LostSight, &Reply { code: 0, enhanced: None, text: Reply::clean(&why) })?;
        }
    }
    Ok(())
}

/// Letters of a sender that a crash left handed over are uncertain.
pub(super) fn lose_sight_of_handed(c: &Connection, sender: &Address, now: Moment) -> Result<Vec<LetterId>, LedgerError> {
    let sql = "SELECT id FROM letter INDEXED BY letter_to_settle WHERE sender = ?1 AND state IN ('handed', 'uncertain') AND state = 'handed' ORDER BY id";
    let ids = all(c, sql, [sender.as_str()], |r| super::rows::letter_id(r, "id"))?;
    for id in &ids {
        let why = Reply { code: 0, enhanced: None, text: "the run ended before the server's reply was written down".into() };
        apply(c, *id, LetterEvent::LostSight, now, Said::Reply(&why))?;
    }
    Ok(ids)
}

/// Uncertain letters of a sender that were handed over before `before` are unaccounted; says how many.
fn give_up_uncertain(c: &Connection, sender: &Address, before: Moment, now: Moment) -> Result<u32, LedgerError> {
    let sql = "SELECT id FROM letter INDEXED BY letter_to_settle WHERE sender = ?1 AND state IN ('handed', 'uncertain') AND state = 'uncertain' AND handed_at < ?2 ORDER BY id";
    let ids = all(c, sql, params![sender.as_str(), ms(before)], |r| super::rows::letter_id(r, "id"))?;
    for id in &ids {
        apply(c, *id, LetterEvent::GivenUp, now, Said::Nothing)?;
        lapse_answers_to(c, *id, now)?;
    }
    Ok(ids.len() as u32)
}

/// Letters that a mailbox may still hand over on its date.
fn left_of_quota(c: &Connection, turn: &Turn) -> Result<u32, LedgerError> {
    let sql = "SELECT quota - spent FROM day WHERE mailbox = ?1 AND date = ?2";
    Ok(one(c, sql, params![turn.sender.as_str(), turn.date.to_string()], |r| Ok(r.get(0)?))?.unwrap_or(0))
}

/// What [`may_send`] is asked: a letter, the date and the window that it would be sent on, plan time and real time.
#[derive(Clone, Copy)]
struct Asked {
    letter: LetterId,
    date: LocalDate,
    window: (Moment, Moment),
    now: Moment,
    real_now: Moment,
}

/// Whether a letter may be handed over now, and how it stands. One question for all that hangs on it: it is asked twice for each letter.
fn may_send(c: &Connection, fence: &Fence, asked: Asked) -> Result<Result<Before, IntentRefused>, LedgerError> {
    let Asked { letter: id, date, window, now, real_now } = asked;
    // There are never many pauses, and mostly none: all of them are read.
    let sql = concat!(
        "SELECT ",
        renewed_at!(),
        ", ",
        before_columns!(),
        ", a.removed_at IS NOT NULL OR b.removed_at IS NOT NULL,
           EXISTS (SELECT 1 FROM pause p INDEXED BY pause_in_force
                   WHERE p.lifted_at IS NULL AND +p.scope IN ('all', 'domain:' || a.domain, 'mailbox:' || a.address)),
           EXISTS (SELECT 1 FROM suspension s WHERE s.mailbox = l.recipient AND s.since <= ?4 AND s.until > ?4),
           coalesce(d.spent >= d.quota, 1)
         FROM letter l JOIN mailbox a ON a.address = l.sender JOIN mailbox b ON b.address = l.recipient
         LEFT JOIN day d ON d.mailbox = l.sender AND d.date = l.date WHERE l.id = ?3"
    );
    let (resource, number) = fence.key();
    let answer = one(c, sql, params![resource, number, id.to_string(), ms(now)], |r| {
        let mut columns = InOrder::of(r);
        let is_fresh = fence.is_fresh(columns.get()?, real_now)?;
        let letter = Before::read(&mut columns)?;
        // One that was put off meanwhile has another date.
        let is_due = matches!(letter.state, LetterState::Planned | LetterState::Deferred) && letter.date == date.to_string();
        let in_window = (window.0..window.1).contains(&now);
        // The first that holds is the answer.
        let refusals = [
            (!is_fresh, IntentRefused::LeaseNotFresh),
            (!is_due, IntentRefused::NotDue),
            (columns.get()?, IntentRefused::Removed),
            (columns.get()?, IntentRefused::Paused),
            (columns.get()?, IntentRefused::Suspended),
            (!in_window, IntentRefused::Window),
            (columns.get()?, IntentRefused::Quota),
        ];
        let refused = refusals.into_iter().find(|(holds, _)| *holds);
        Ok(refused.map_or(Ok(letter), |(_, why)| Err(why)))
    })?;
    answer.ok_or_else(|| LedgerError::Unknown(format!("letter {id}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Holder;
    use std::time::Duration;

    #[tokio::test]
    async fn a_letter_of_a_removed_mailbox_does_not_stay_handed_over_for_ever() {
        let l = Ledger::in_memory().unwrap();
        let hour = |n: u64| Moment(0) + Duration::from_hours(n);
        let mailbox = |name: &str| crate::ledger::PoolMember {
            address: Address::parse(name).unwrap(),
            role: crate::words::Role::Warming,
            provider: crate::words::Provider::Generic,
        };
        l.register_pool(vec![mailbox("a@x.test"), mailbox("b@y.test")], hour(0)).await.unwrap();
        let me = Holder { host: "here".into(), pid: 1, started: 1 };
        let taken = l.take_leases(vec![Fence::PLANNER.to_owned()], me, hour(0), |_| false).await.unwrap();
        let planner = taken.ours.into_values().next().unwrap();
        let id = LetterId::of_start(&mailbox("a@x.test").address, LocalDate::ymd(2026, 12, 1).unwrap(), 1);
        l.store
            .run(move |c| {
                let sql = "INSERT INTO letter (id, sender, recipient, date, in_thread, expected, draw_open, draw_answer, draw_important, draw_flag,
                           rescue_after, open_after, answer_after, content, state)
                           VALUES (?1, 'a@x.test', 'b@y.test', '2026-12-01', 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'planned')";
                execute(c, sql, [id.to_string()])?;
                apply(c, id, LetterEvent::HandedOver, hour(1), Said::Nothing)
            })
            .await
            .unwrap();

        // The run crashed, and the sender was taken out of the config before the next one.
        l.register_pool(vec![mailbox("b@y.test")], hour(2)).await.unwrap();
        let mut states = Vec::new();
        for now in [hour(2), hour(73), hour(74)] {
            l.recover_removed(planner.clone(), now - Duration::from_hours(72), now).await.unwrap();
            states.push(l.letter(id).await.unwrap().unwrap().state);
        }
        assert_eq!(states, [LetterState::Uncertain, LetterState::Uncertain, LetterState::Unaccounted]);
    }
}
