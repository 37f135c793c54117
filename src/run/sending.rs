//! The sending worker of one mailbox: its letters of one local date, each handed over at most once.
//!
//! For each letter: ask the ledger (for some at once, where they keep no distance), offer it to the server up to the 354, write the intent (durable), send the bytes, write the outcome. A
//! crash before the intent leaves the letter planned; a crash after it leaves it `handed`, and the next run calls that uncertain.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::context::{Attempts, Context, Desk, Pacer, Woken};
use super::guarding::{heed_rate, judge_now};
use super::prepare::{is_late, respread_domain};
use super::progress::News;
use super::suspending::{Heard, heed_refusal};
use super::words_of_letter::{Unwritten, bytes_of};
use crate::classify::classify;
use crate::clock::Noted;
use crate::compose::{Composed, message_id_of};
use crate::engage::answer_slots;
use crate::ledger::{Intent, IntentRefused, LedgerError, LetterFacts, NextLetter, Outcome, Receipt, TroubleNote, Turn};
use crate::mail::{Envelope, Handover, MailError, Offer, Outbox, Refusal, Step};
use crate::words::{LetterId, Moment, RefusalClass, Reply, SkipReason};

/// A session that is not needed for this long, in real time, is closed.
const KEEP_OPEN: Duration = Duration::from_secs(20);
/// How often a paused mailbox looks whether it may go on.
const PAUSE_LOOK: Duration = Duration::from_mins(5);
/// How often a mailbox whose sign-in was refused looks whether a person has acted.
pub(super) const OUT_LOOK: Duration = Duration::from_mins(5);
/// How soon a lease that was not renewed lately is looked at again, in real time.
const LEASE_LOOK: Duration = Duration::from_secs(3);
/// A content program that fails is asked again after this.
const CONTENT_REST: Duration = Duration::from_mins(30);
/// After a 421, or "too fast": nothing for this long (Google asks for ten minutes at least).
const CALM: Duration = Duration::from_mins(10);

/// How long an account rests that has reached its provider's own limit: providers count over rolling 24 hours.
const OWN_QUOTA_REST: Duration = Duration::from_hours(24);

/// Where letters keep no distance, so many are asked for at once besides the next one.
const BEHIND: u32 = 15;
/// For so long what the ledger said of them holds, in real time; their intents are checked anyway.
const HOLDS: Duration = Duration::from_secs(1);

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
    last_handed: Option<Noted>,
    attempts: Attempts,
    content_fails: bool,
    unsettled: Option<Unsettled>,
    behind: Behind,
}

/// Letters that were due and could go when the ledger was asked last.
#[derive(Default)]
struct Behind {
    letters: std::vec::IntoIter<LetterFacts>,
    /// Real time.
    asked: Moment,
    /// The first of them, if it is written already.
    written: Option<Composed>,
}

/// Whether it is a letter's turn among those of its domain.
enum InDomain {
    Now,
    TooLate,
    Stop,
}

/// An outcome that was handed in, and may not be durable yet.
struct Unsettled {
    receipt: Receipt<()>,
    letter: LetterId,
    is_answer: bool,
    outcome: Outcome,
    at: Moment,
}

/// Sends a mailbox's letters of its date.
///
/// # Errors
/// Only what makes going on senseless: a lost lease, a ledger that is gone. Everything else is noted and worked around.
pub async fn send_day(cx: &Context, desk: &Desk, pacer: &Pacer, pace: Pace) -> Result<(), LedgerError> {
    let address = &desk.mailbox.address;
    // A window may begin soon after that of the day before has ended.
    let last = || cx.ledger.last_handed(vec![address.clone()], desk.date.minus(1));
    let last_handed = cx.patiently(address, last).await?.flatten().map(Noted::by_others);
    if let Some(noted) = last_handed {
        pacer.went_before(&desk.mailbox.address.domain(), noted).await;
    }
    let mut attempts = Attempts::from("smtp", desk.window.0);
    if let Some(end) = cx.patiently(address, || cx.ledger.rest_of(address.clone(), cx.clock.now())).await?.flatten() {
        attempts.wait_until(end);
    }
    let mut sender =
        Sender { cx, desk, pacer, outbox: None, last_handed, attempts, content_fails: true, unsettled: None, behind: Behind::default() };
    let result = sender.work(pace).await;
    sender.close_session().await;
    let settled = sender.settle().await;
    result.and(settled)
}

/// Writes a letter before its turn, where that asks nobody: neither a program nor, for what it answers, the ledger. `None`: in its turn.
async fn write_ahead(cx: &Context, desk: &Desk, letter: Option<&LetterFacts>) -> Option<Composed> {
    let letter = letter.filter(|l| l.plan.parent.is_none() && cx.config.content.command.is_none())?;
    bytes_of(cx, desk, letter).await.ok()?.ok()
}

impl Sender<'_> {
    async fn work(&mut self, pace: Pace) -> Result<(), LedgerError> {
        while !self.cx.stopping() {
            let now = self.cx.clock.now();
            if now >= self.desk.window.1 {
                break;
            }
            match self.turn(now, pace).await {
                Ok(true) => {}
                Ok(false) => break,
                // Nothing can be recorded, so nothing is sent; it passes when there is room again, or the other process is done.
                Err(e) if e.may_pass() => {
                    self.cx.tell(&News::Note(format!("{}: nothing is sent: {e} (hint: {})", self.desk.mailbox.address, e.hint())));
                    self.attempts.back_off(self.cx, self.desk);
                    if pace == Pace::Once || self.cx.wait_until(self.attempts.not_before().min(self.desk.window.1)).await == Woken::Stop {
                        break;
                    }
                }
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// Sends the next letter, or waits for it. False: this worker's day is over.
    async fn turn(&mut self, now: Moment, pace: Pace) -> Result<bool, LedgerError> {
        let end = self.desk.window.1;
        // Gone, unless it is this turn's: after anything else the ledger is asked again.
        let mut behind = std::mem::take(&mut self.behind);
        if self.desk.is_out() {
            if pace == Pace::Once || self.cx.wait_until((now + OUT_LOOK).min(end)).await == Woken::Stop {
                return Ok(false);
            }
            self.cx.look_whether_in_again(self.desk).await?;
            if !self.desk.is_out() {
                self.attempts.afresh(now);
            }
            return Ok(true);
        }
        let (not_before, asked) = (self.not_before(), self.cx.clock.real_now());
        if not_before <= now
            && (behind.asked..behind.asked + HOLDS).contains(&asked)
            && let Some(letter) = behind.letters.next()
        {
            self.send(&letter, behind, pace).await?;
            return Ok(true);
        }
        let turn = Turn {
            sender: self.desk.mailbox.address.clone(),
            date: self.desk.date,
            window: self.desk.window,
            not_before,
            behind: if self.keeps_distance() { 0 } else { BEHIND },
            now,
            real_now: self.cx.clock.lease_now(),
        };
        let at = match self.cx.ledger.next_letter(self.desk.fence.clone(), turn).await? {
            NextLetter::Now { letter, may_go, behind } => {
                match may_go {
                    Ok(()) => self.send(&letter, Behind { letters: behind.into_iter(), asked, written: None }, pace).await?,
                    Err(refused) => self.not_now(&letter, refused).await?,
                }
                return Ok(true);
            }
            NextLetter::Later(at) => at,
            NextLetter::None => end,
        };
        if pace == Pace::Once {
            return Ok(false);
        }
        // The last outcome has nothing to be written with.
        self.settle().await?;
        self.close_session_unless_soon(at, now).await;
        Ok(self.cx.wait_or_bell(at.min(end), &self.desk.new_letters).await != Woken::Stop)
    }

    /// A letter never goes sooner than the gap after the one before it, and not while the server asked for calm.
    fn not_before(&self) -> Moment {
        let calm = self.attempts.not_before();
        self.last_handed.map_or(calm, |last| calm.max(self.cx.clock.after(last, self.desk.pacing.mailbox_gap)))
    }

    fn keeps_distance(&self) -> bool {
        let pacing = &self.desk.pacing;
        !(pacing.mailbox_gap.is_zero() && pacing.domain_gap.is_zero())
    }

    /// Sends one letter. Where the server takes it, those `behind` it are the next.
    async fn send(&mut self, letter: &LetterFacts, mut behind: Behind, pace: Pace) -> Result<(), LedgerError> {
        let plan = &letter.plan;
        if pace == Pace::Day && plan.due.is_some_and(|due| is_late(self.cx, due)) {
            // After a pause, an outage or a sleep: what piled up is spread over what is left, not sent in a row.
            return respread_domain(self.cx, self.desk.date, &[self.desk]).await;
        }
        let written = match behind.written.take() {
            Some(message) => Ok(message),
            None => bytes_of(self.cx, self.desk, letter).await?,
        };
        let message = match written {
            Ok(message) => message,
            Err(why) => return self.not_written(letter, why).await,
        };
        if std::mem::take(&mut self.content_fails) {
            self.cx.clear_trouble(&plan.sender, "content").await;
        }
        // Whoever could not sign in last time takes no turn of its domain before it can.
        if self.attempts.failing() && self.outbox.is_none() && !self.sign_in().await {
            return Ok(());
        }
        match self.wait_for_the_domain().await? {
            InDomain::Now => {}
            // The domain has no room left in the window: no server is bothered.
            InDomain::TooLate => return self.not_now(letter, IntentRefused::Window).await,
            InDomain::Stop => return Ok(()),
        }
        let envelope = Envelope { from: plan.sender.clone(), to: plan.recipient.clone(), size: message.bytes.len() };
        let Some(mut outbox) = self.offer(&envelope, letter).await? else { return Ok(()) };

        // The 354 is here, and no byte of the message is out. The outcome of the letter before must be durable, and this one's intent: one commit.
        let intent = Intent {
            letter: plan.id,
            date: self.desk.date,
            message_id: message_id_of(plan.id, &plan.sender),
            after: self.unsettled.as_ref().map(|u| u.letter),
            window: self.desk.window,
            now: self.cx.clock.now(),
            real_now: self.cx.clock.lease_now(),
        };
        // Where it is known already what became of writing that outcome, and it was not written, there is to be no intent.
        let known = if self.unsettled.as_ref().is_some_and(|u| u.receipt.is_here()) { self.settle().await } else { Ok(()) };
        let written = match known {
            Ok(()) => {
                // While the disk writes, the next letter is written.
                let next = behind.letters.as_slice().first();
                let (intended, written) =
                    tokio::join!(self.cx.ledger.intend(self.desk.fence.clone(), intent), write_ahead(self.cx, self.desk, next));
                behind.written = written;
                self.settle().await.and(intended)
            }
            Err(e) => Err(e),
        };
        match written {
            Ok(Ok(())) => {}
            Ok(Err(refused)) => {
                outbox.abandon();
                return self.not_now(letter, refused).await;
            }
            Err(e) => {
                outbox.abandon();
                return Err(e);
            }
        }
        let handed = self.cx.clock.note();
        self.last_handed = Some(handed);
        // A slow sign-in lies between the slot that was taken and this: the next letter of the domain keeps its distance from here.
        self.pacer.went_before(&plan.sender.domain(), handed).await;
        let handover = outbox.hand_over(&message.bytes).await;
        let refusal = match &handover {
            Handover::Refused(reply) => Some(Refusal { step: Step::Message, reply: reply.clone() }),
            Handover::Accepted(_) => {
                self.behind = behind;
                None
            }
            Handover::Uncertain(_) => None,
        };
        self.note_handover(letter, handover);
        if outbox.is_open() {
            self.outbox = Some(outbox);
        }
        match refusal {
            Some(refusal) => {
                // What follows from it is asked of the ledger, which has to know of it.
                self.settle().await?;
                self.heed_limits(letter, &refusal.reply).await?;
                self.heed(letter, &refusal).await?;
                judge_now(self.cx, self.desk).await
            }
            None => Ok(()),
        }
    }

    /// Waits until the domain's next letter may go. Other runs may send for it too, for mailboxes in other zones: what they hand over counts.
    async fn wait_for_the_domain(&mut self) -> Result<InDomain, LedgerError> {
        let (domain, gap) = (self.desk.mailbox.address.domain(), self.desk.pacing.domain_gap);
        self.last_of_other_runs().await?;
        loop {
            let at = self.pacer.take(&domain, gap, &self.cx.clock).await;
            if at >= self.desk.window.1 {
                return Ok(InDomain::TooLate);
            }
            self.close_session_unless_soon(at, self.cx.clock.now()).await;
            if self.cx.wait_until(at).await == Woken::Stop {
                return Ok(InDomain::Stop);
            }
            let now = self.cx.clock.now();
            if self.last_of_other_runs().await?.is_none_or(|last| last + gap <= now) {
                return Ok(InDomain::Now);
            }
        }
    }

    /// When other runs handed the domain's last letter over, which the pacer is told.
    async fn last_of_other_runs(&mut self) -> Result<Option<Moment>, LedgerError> {
        if self.desk.pacing.domain_gap.is_zero() {
            return Ok(None);
        }
        let domain = self.desk.mailbox.address.domain();
        let others = self.pacer.of_other_runs(&domain, self.cx.clock.now());
        if others.is_empty() {
            return Ok(None);
        }
        // At the other end of the calendar it may be the day before yesterday.
        let last = self.cx.ledger.last_handed(others, self.desk.date.minus(2)).await?;
        if let Some(at) = last {
            self.pacer.went_before(&domain, Noted::by_others(at)).await;
        }
        Ok(last)
    }

    /// A letter without words: an answer to nothing ends; where the content program fails, the letter waits.
    async fn not_written(&mut self, letter: &LetterFacts, why: Unwritten) -> Result<(), LedgerError> {
        let (plan, now) = (&letter.plan, self.cx.clock.now());
        match why {
            Unwritten::ParentNotOpened => self.cx.ledger.skip_letter(self.desk.fence.clone(), plan.id, SkipReason::ParentUnseen, now).await,
            Unwritten::Failed(what) => {
                self.attempts.wait_until(now + CONTENT_REST);
                self.content_fails = true;
                self.cx.tell(&News::Note(format!("{}: letter {} could not be written: {what}", plan.sender, plan.id)));
                let note = TroubleNote {
                    channel: "content",
                    step: "writing a letter".into(),
                    what,
                    hint: "check `content:` in preheat.yaml; the letter waits, and is tried again".into(),
                    sign_in: false,
                    retry_at: self.attempts.not_before(),
                };
                self.cx.ledger.note_trouble(plan.sender.clone(), note, now).await
            }
        }
    }

    /// Opens a session if none is open, and offers the letter. `None`: not taken, and all is noted.
    async fn offer(&mut self, envelope: &Envelope, letter: &LetterFacts) -> Result<Option<Box<dyn Outbox>>, LedgerError> {
        let mut reused = self.outbox.is_some();
        loop {
            if self.outbox.is_none() && !self.sign_in().await {
                return Ok(None);
            }
            let Some(mut outbox) = self.outbox.take() else { return Ok(None) };
            match outbox.offer(envelope).await {
                Ok(Offer::Ready) => {
                    self.attempts.worked(self.cx, self.desk).await;
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
                    self.attempts.failed(self.cx, self.desk, &e).await;
                    return Ok(None);
                }
            }
        }
    }

    /// Opens a session. False: there is none, and all is noted.
    async fn sign_in(&mut self) -> bool {
        match self.cx.unless_stopped(self.cx.access.open_outbox(&self.desk.mailbox)).await {
            None => {}
            Some(Ok(outbox)) => self.outbox = Some(outbox),
            Some(Err(e)) => self.attempts.failed(self.cx, self.desk, &e).await,
        }
        self.outbox.is_some()
    }

    async fn note_refusal(&mut self, letter: &LetterFacts, refusal: &Refusal) -> Result<(), LedgerError> {
        let now = self.cx.clock.now();
        let Refusal { step, reply } = refusal;
        let said = format!("{step}: {reply}");
        self.heed_limits(letter, reply).await?;
        if reply.is_transient() {
            let wait = Duration::from_mins(15) * (1 << letter.attempts.min(3));
            let again = now + wait;
            if reply.code == 421 {
                self.attempts.wait_until(now + CALM);
            }
            self.cx.tell(&News::Deferred(letter.plan.id, letter.plan.sender.clone(), again, said));
            return self.cx.ledger.record(letter.plan.id, Outcome::Deferred(reply.clone(), again), now).durable().await;
        }
        if *step == Step::MailFrom {
            // The sender itself is refused: the next letter would hear the same. Not a word about the recipient.
            let error = MailError::new(&letter.plan.sender, *step, crate::mail::Trouble::Refused(reply.clone()));
            self.attempts.failed(self.cx, self.desk, &error).await;
        }
        self.cx.tell(&News::Rejected(letter.plan.id, letter.plan.sender.clone(), said));
        self.cx.ledger.record(letter.plan.id, Outcome::Rejected(reply.clone()), now).durable().await?;
        self.heed(letter, refusal).await?;
        judge_now(self.cx, self.desk).await
    }

    /// A refusal may say that the account has reached its own limit, which rests it for a day, or that letters come too fast for a receiving provider.
    async fn heed_limits(&mut self, letter: &LetterFacts, reply: &Reply) -> Result<(), LedgerError> {
        if classify(self.desk.mailbox.provider, reply) == RefusalClass::Quota && self.cx.config.guard {
            self.attempts.wait_until(self.cx.clock.now() + OWN_QUOTA_REST);
            self.cx.tell(&News::Note(format!(
                "{}: its account has reached its provider's own limit ({reply}): it rests for a day",
                letter.plan.sender
            )));
        }
        heed_rate(self.cx, self.desk, letter, reply).await
    }

    /// A permanent refusal may be about the recipient, unless it came to MAIL FROM. One that is not believed is the sender's trouble.
    async fn heed(&mut self, letter: &LetterFacts, refusal: &Refusal) -> Result<(), LedgerError> {
        let Refusal { step, reply } = refusal;
        if *step == Step::MailFrom || heed_refusal(self.cx, self.desk, letter, reply).await? != Heard::Doubted {
            return Ok(());
        }
        let (sender, now) = (&letter.plan.sender, self.cx.clock.now());
        let note = TroubleNote {
            channel: "smtp",
            step: step.to_string(),
            what: format!("its server refuses more recipients than it takes letters for, last with: {reply}"),
            hint: "nobody is suspended on its word: see whether the server still knows where to deliver".into(),
            sign_in: false,
            retry_at: now,
        };
        self.attempts.still_troubled();
        self.cx.tell(&News::Note(format!("{sender}: {} (hint: {})", note.what, note.hint)));
        self.cx.ledger.note_trouble(sender.clone(), note, now).await
    }

    fn note_handover(&mut self, letter: &LetterFacts, handover: Handover) {
        let (plan, now) = (&letter.plan, self.cx.clock.now());
        let outcome = match handover {
            Handover::Accepted(reply) => {
                let news =
                    News::Sent { letter: plan.id, from: plan.sender.clone(), to: plan.recipient.clone(), answer: plan.parent.is_some() };
                self.cx.tell(&news);
                Outcome::Accepted(reply)
            }
            Handover::Refused(reply) => {
                self.cx.tell(&News::Rejected(plan.id, plan.sender.clone(), format!("{}: {reply}", Step::Message)));
                Outcome::Rejected(reply)
            }
            Handover::Uncertain(why) => {
                self.cx.tell(&News::Uncertain(plan.id, plan.sender.clone(), why.clone()));
                self.attempts.back_off(self.cx, self.desk);
                self.desk.uncertain.store(true, Ordering::Relaxed);
                Outcome::Uncertain(why)
            }
        };
        // Written with the next letter's intent, or before the worker waits: one durable wait a letter.
        let is_answer = plan.parent.is_some();
        let receipt = self.cx.ledger.record_with_next(plan.id, outcome.clone(), now);
        self.unsettled = Some(Unsettled { receipt, letter: plan.id, is_answer, outcome, at: now });
        self.desk.answered.fetch_or(is_answer, Ordering::Relaxed);
    }

    /// A letter that may not go now: paused is waited for, anything else is the letter's end or a put-off.
    async fn not_now(&mut self, letter: &LetterFacts, refused: IntentRefused) -> Result<(), LedgerError> {
        let (plan, now) = (&letter.plan, self.cx.clock.now());
        let fence = self.desk.fence.clone();
        match refused {
            IntentRefused::NotDue => {}
            IntentRefused::Paused => self.attempts.wait_until(now + PAUSE_LOOK),
            // The clock was set back while the letter was offered: its window is still to come.
            IntentRefused::Window if now < self.desk.window.0 => self.attempts.wait_until(self.desk.window.0),
            IntentRefused::LeaseNotFresh => self.attempts.wait_until(now + self.cx.clock.plan_span(LEASE_LOOK)),
            IntentRefused::Quota | IntentRefused::Window if plan.parent.is_some() => {
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
            IntentRefused::Suspended | IntentRefused::Quota | IntentRefused::Window | IntentRefused::Removed => {
                let reason = refused.skip_reason().unwrap_or(SkipReason::Quota);
                self.cx.ledger.skip_letter(fence, plan.id, reason, now).await?;
                self.cx.tell(&News::Skipped(plan.sender.clone(), 1, reason));
            }
        }
        Ok(())
    }

    /// Waits until the last outcome is durable. One that cannot be written now (a full disk) is kept, and handed in again.
    async fn settle(&mut self) -> Result<(), LedgerError> {
        let Some(Unsettled { receipt, letter, is_answer, outcome, at }) = self.unsettled.take() else { return Ok(()) };
        if !receipt.is_here() {
            self.cx.ledger.hurry();
        }
        match receipt.durable().await {
            Err(e) if e.may_pass() => {
                let receipt = self.cx.ledger.record_with_next(letter, outcome.clone(), at);
                self.unsettled = Some(Unsettled { receipt, letter, is_answer, outcome, at });
                Err(e)
            }
            result => {
                // Now that it is there for sure, the looker asks again.
                self.desk.answered.fetch_or(is_answer, Ordering::Relaxed);
                result
            }
        }
    }

    async fn close_session_unless_soon(&mut self, needed: Moment, now: Moment) {
        if self.cx.clock.real_span(needed.since(now)) > KEEP_OPEN {
            self.close_session().await;
        }
    }

    async fn close_session(&mut self) {
        if let Some(outbox) = self.outbox.take() {
            outbox.sign_out().await;
        }
    }
}
