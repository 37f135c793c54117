//! The sending worker of one mailbox: its letters of one local date, each handed over at most once.
//!
//! For each letter: ask the ledger, offer it to the server up to the 354, write the intent (durable), send the bytes, write the outcome. A
//! crash before the intent leaves the letter planned; a crash after it leaves it `handed`, and the next run calls that uncertain.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::context::{Context, Desk, Pacer, Woken, back_off};
use super::progress::News;
use super::words_of_letter::bytes_of;
use crate::engage::answer_slots;
use crate::ledger::{Intent, IntentRefused, LedgerError, LetterFacts, Outcome, Receipt};
use crate::mail::{Envelope, Handover, MailError, Offer, Outbox, Refusal, Step};
use crate::words::{Moment, SkipReason};

/// A session that is not needed for this long, in real time, is closed.
const KEEP_OPEN: Duration = Duration::from_secs(20);
/// How often a paused mailbox looks whether it may go on.
const PAUSE_LOOK: Duration = Duration::from_mins(5);
/// How often a mailbox whose sign-in was refused looks whether a person has acted.
pub(super) const OUT_LOOK: Duration = Duration::from_mins(5);
/// After a 421, or "too fast": nothing for this long (Google asks for ten minutes at least).
const CALM: Duration = Duration::from_mins(10);

/// How a worker goes about its day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// To the window's end.
    Day,
    /// What is due now, and no more.
    Once,
}

/// The state that a sending worker carries from letter to letter.
struct Sender<'a> {
    cx: &'a Context,
    desk: &'a Desk,
    pacer: &'a Pacer,
    outbox: Option<Box<dyn Outbox>>,
    last_handed: Option<Moment>,
    not_before: Moment,
    failures: u32,
    /// Whether the ledger may have a trouble of this channel: this run's, or an earlier one's.
    troubled: bool,
    unsettled: Option<Receipt<()>>,
}

/// Sends a mailbox's letters of its date.
///
/// # Errors
/// Only what makes going on senseless: a lost lease, a ledger that is gone. Everything else is noted and worked around.
pub async fn send_day(cx: &Context, desk: &Desk, pacer: &Pacer, pace: Pace) -> Result<(), LedgerError> {
    let handed = cx.ledger.letters_on(desk.mailbox.address.clone(), desk.date).await?;
    let last_handed = handed.iter().filter_map(|l| l.handed_at).max();
    if let Some(at) = last_handed {
        pacer.went_before(&desk.mailbox.address.domain(), at).await;
    }
    let mut sender =
        Sender { cx, desk, pacer, outbox: None, last_handed, not_before: desk.window.0, failures: 0, troubled: true, unsettled: None };
    let result = sender.work(pace).await;
    sender.close_session().await;
    let settled = sender.settle().await;
    result.and(settled)
}

impl Sender<'_> {
    async fn work(&mut self, pace: Pace) -> Result<(), LedgerError> {
        let address = &self.desk.mailbox.address;
        let end = self.desk.window.1;
        while !self.cx.stopping() {
            let now = self.cx.clock.now();
            if now >= end {
                break;
            }
            if self.desk.is_out() {
                if pace == Pace::Once || self.cx.wait_until((now + OUT_LOOK).min(end)).await == Woken::Stop {
                    break;
                }
                self.cx.look_whether_in_again(self.desk).await?;
                continue;
            }
            let next = self.cx.ledger.due_letters(address.clone(), self.desk.date, 1).await?.into_iter().next();
            let at = match &next {
                Some(letter) => self.earliest(letter.plan.due.unwrap_or(letter.plan.expected)),
                None => end,
            };
            if at > now {
                if pace == Pace::Once {
                    break;
                }
                if self.cx.clock.real_span(at.since(now)) > KEEP_OPEN {
                    self.close_session().await;
                }
                if self.cx.wait_or_bell(at.min(end), &self.desk.new_letters).await == Woken::Stop {
                    break;
                }
                continue;
            }
            if let Some(letter) = next {
                self.send(&letter).await?;
            }
        }
        Ok(())
    }

    /// A letter never goes sooner than the gap after the one before it, and not while the server asked for calm.
    fn earliest(&self, due: Moment) -> Moment {
        let after_gap = self.last_handed.map_or(due, |l| l + self.desk.pacing.mailbox_gap);
        due.max(after_gap).max(self.not_before)
    }

    async fn send(&mut self, letter: &LetterFacts) -> Result<(), LedgerError> {
        let plan = &letter.plan;
        let at = self.pacer.take(&plan.sender.domain(), self.desk.pacing.domain_gap, self.cx.clock.now()).await;
        if self.cx.wait_until(at.min(self.desk.window.1)).await == Woken::Stop {
            return Ok(());
        }
        let message = match bytes_of(self.cx, self.desk, letter).await? {
            Ok(message) => message,
            Err(why) => {
                self.cx.tell(&News::Note(format!("{}: letter {} could not be written: {why}", plan.sender, plan.id)));
                return self.cx.ledger.skip_letter(self.desk.fence.clone(), plan.id, SkipReason::ParentUnseen, self.cx.clock.now()).await;
            }
        };
        let intent = || Intent {
            letter: plan.id,
            message_id: message.message_id.clone(),
            window: self.desk.window,
            now: self.cx.clock.now(),
            real_now: self.cx.clock.real_now(),
        };
        if let Err(refused) = self.cx.ledger.may_send(self.desk.fence.clone(), intent()).await? {
            return self.not_now(letter, refused).await;
        }
        let first_intent = intent();
        let envelope = Envelope { from: plan.sender.clone(), to: plan.recipient.clone(), size: message.bytes.len() };
        let Some(mut outbox) = self.offer(&envelope, letter).await? else { return Ok(()) };

        // The 354 is here, and no byte of the message is out: now the intent must be durable.
        let intent = Intent { now: self.cx.clock.now(), real_now: self.cx.clock.real_now(), ..first_intent };
        match self.cx.ledger.intend(self.desk.fence.clone(), intent).await {
            Ok(Ok(())) => {}
            Ok(Err(refused)) => {
                outbox.abandon();
                return self.not_now(letter, refused).await;
            }
            Err(e) => {
                outbox.abandon();
                return self.cannot_record(e);
            }
        }
        self.settle().await?;
        self.last_handed = Some(self.cx.clock.now());
        let handover = outbox.hand_over(&message.bytes).await;
        self.note_handover(letter, handover).await?;
        if outbox.is_open() {
            self.outbox = Some(outbox);
        }
        Ok(())
    }

    /// Opens a session if none is open, and offers the letter. `None`: not taken, and all is noted.
    async fn offer(&mut self, envelope: &Envelope, letter: &LetterFacts) -> Result<Option<Box<dyn Outbox>>, LedgerError> {
        let mut reused = self.outbox.is_some();
        loop {
            let mut outbox = match self.outbox.take() {
                Some(outbox) => outbox,
                None => match self.cx.access.open_outbox(&self.desk.mailbox).await {
                    Ok(outbox) => outbox,
                    Err(e) => {
                        self.note_failure(&e).await;
                        return Ok(None);
                    }
                },
            };
            match outbox.offer(envelope).await {
                Ok(Offer::Ready) => {
                    self.failures = 0;
                    if std::mem::take(&mut self.troubled) {
                        self.cx.clear_trouble(&self.desk.mailbox.address, "smtp").await;
                    }
                    return Ok(Some(outbox));
                }
                Ok(Offer::Refused(refusal)) => {
                    if outbox.is_open() {
                        self.outbox = Some(outbox);
                    }
                    self.note_refusal(letter, &refusal).await?;
                    return Ok(None);
                }
                // A session that was kept may have been closed by the server meanwhile: one fresh try, nothing was taken over.
                Err(_) if reused => reused = false,
                Err(e) => {
                    self.note_failure(&e).await;
                    return Ok(None);
                }
            }
        }
    }

    async fn note_failure(&mut self, error: &MailError) {
        let now = self.cx.clock.now();
        self.not_before = now + back_off(self.failures);
        self.failures += 1;
        self.troubled = true;
        if error.is_sign_in() {
            self.not_before = now + Duration::from_hours(1);
            self.desk.out.store(true, Ordering::Relaxed);
        }
        self.cx.note_trouble("smtp", error, self.not_before).await;
    }

    async fn note_refusal(&mut self, letter: &LetterFacts, refusal: &Refusal) -> Result<(), LedgerError> {
        let now = self.cx.clock.now();
        let Refusal { step, reply } = refusal;
        let said = format!("{step}: {reply}");
        if reply.is_transient() {
            let wait = Duration::from_mins(15) * (1 << letter.attempts.min(3));
            let again = now + wait;
            if reply.code == 421 {
                self.not_before = now + CALM;
            }
            self.cx.tell(&News::Deferred(letter.plan.id, letter.plan.sender.clone(), again, said));
            return self.cx.ledger.record(letter.plan.id, Outcome::Deferred(reply.clone(), again), now).durable().await;
        }
        if *step == Step::MailFrom {
            // The sender itself is refused: the next letter would hear the same. Not a word about the recipient.
            let error = MailError::new(&letter.plan.sender, *step, crate::mail::Trouble::Refused(reply.clone()));
            self.not_before = now + back_off(self.failures);
            self.failures += 1;
            self.troubled = true;
            self.cx.note_trouble("smtp", &error, self.not_before).await;
        }
        self.cx.tell(&News::Rejected(letter.plan.id, letter.plan.sender.clone(), said));
        self.cx.ledger.record(letter.plan.id, Outcome::Rejected(reply.clone()), now).durable().await
    }

    async fn note_handover(&mut self, letter: &LetterFacts, handover: Handover) -> Result<(), LedgerError> {
        let (plan, now) = (&letter.plan, self.cx.clock.now());
        let outcome = match handover {
            Handover::Accepted(reply) => {
                let news =
                    News::Sent { letter: plan.id, from: plan.sender.clone(), to: plan.recipient.clone(), answer: plan.parent.is_some() };
                self.cx.tell(&news);
                if let Some(parent) = plan.parent {
                    self.cx.ledger.plan_answered_mark(plan.sender.clone(), parent, now).await?;
                }
                Outcome::Accepted(reply)
            }
            Handover::Refused(reply) => {
                self.cx.tell(&News::Rejected(plan.id, plan.sender.clone(), format!("{}: {reply}", Step::Message)));
                Outcome::Rejected(reply)
            }
            Handover::Uncertain(why) => {
                self.cx.tell(&News::Uncertain(plan.id, plan.sender.clone(), why.clone()));
                self.not_before = now + back_off(self.failures);
                self.failures += 1;
                Outcome::Uncertain(why)
            }
        };
        // Written with the next letter's intent, or when the worker ends: one durable wait a letter.
        self.unsettled = Some(self.cx.ledger.record(plan.id, outcome, now));
        Ok(())
    }

    /// A letter that may not go now: paused is waited for, anything else is the letter's end or a put-off.
    async fn not_now(&mut self, letter: &LetterFacts, refused: IntentRefused) -> Result<(), LedgerError> {
        let (plan, now) = (&letter.plan, self.cx.clock.now());
        let fence = self.desk.fence.clone();
        match refused {
            IntentRefused::NotDue => {}
            IntentRefused::Paused => self.not_before = now + PAUSE_LOOK,
            IntentRefused::Quota if plan.parent.is_some() => {
                let slots = answer_slots(
                    self.desk.window.1 + Duration::from_millis(1),
                    &self.desk.pacing,
                    &self.desk.calendar,
                    self.desk.mailbox.zone,
                    1,
                );
                match slots.first() {
                    Some((date, due)) => self.cx.ledger.put_off_answer(fence, plan.id, *date, *due, now).await?,
                    None => self.cx.ledger.skip_letter(fence, plan.id, SkipReason::Quota, now).await?,
                }
            }
            IntentRefused::Quota | IntentRefused::Window | IntentRefused::Removed => {
                let reason = refused.skip_reason().unwrap_or(SkipReason::Quota);
                self.cx.ledger.skip_letter(fence, plan.id, reason, now).await?;
                self.cx.tell(&News::Skipped(plan.sender.clone(), 1, reason));
            }
        }
        Ok(())
    }

    /// Nothing can be recorded, so nothing is sent: wait, unless the work is not ours any more.
    fn cannot_record(&mut self, error: LedgerError) -> Result<(), LedgerError> {
        if matches!(error, LedgerError::NotWritten(_)) || error.is_busy() {
            self.cx.tell(&News::Note(format!("nothing is sent: {error} (hint: {})", error.hint())));
            self.not_before = self.cx.clock.now() + back_off(self.failures);
            self.failures += 1;
            return Ok(());
        }
        Err(error)
    }

    /// Waits until the last outcome is durable.
    async fn settle(&mut self) -> Result<(), LedgerError> {
        match self.unsettled.take() {
            Some(receipt) => receipt.durable().await,
            None => Ok(()),
        }
    }

    async fn close_session(&mut self) {
        if let Some(outbox) = self.outbox.take() {
            outbox.sign_out().await;
        }
    }
}
