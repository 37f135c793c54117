//! A letter's draws, and the answers that they foretell.

use std::time::Duration;

use rand::Rng;

use super::model::{Draws, Participant, PlannedLetter};
use super::times::Span;
use crate::chance::{Seed, draw_delay};
use crate::config::Engagement;
use crate::words::{LetterId, LocalDate, Moment};

/// From the hand-over to the first look that finds the letter, as far as a plan needs to know.
const TRANSIT: Duration = Duration::from_mins(2);
/// What has to wait for the morning is spread over this time after it begins.
const MORNING: Duration = Duration::from_mins(40);
/// How far ahead a send-day is looked for. Longer than any run of holidays.
const LOOK_AHEAD: u32 = 60;

/// Every draw about a letter. Depends on the seed, the letter's id and what its recipient does with letters, and on nothing else.
pub fn draw(seed: Seed, letter: LetterId, recipient: &Engagement) -> Draws {
    let mut stream = seed.of_letter(letter, "draws");
    // Always all of them and in this order: a changed chance must not shift the draws behind it.
    let mut chance = |p: f64| stream.random::<f64>() < p;
    let (open, answer, important, flag) =
        (chance(recipient.open), chance(recipient.answer), chance(recipient.important), chance(recipient.flag));
    let content = stream.random();
    Draws {
        open,
        answer,
        important,
        flag,
        rescue_after: draw_delay(&mut stream, &recipient.rescue_delay),
        open_after: draw_delay(&mut stream, &recipient.open_delay),
        answer_after: draw_delay(&mut stream, &recipient.answer_delay),
        content,
    }
}

/// What an answer has to know of the letter that it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParentFacts {
    /// Its id.
    pub id: LetterId,
    /// Its place in the thread, from 1.
    pub in_thread: u32,
    /// Its draws.
    pub draws: Draws,
}

/// The answer to a letter that was rescued at `now`, and the answers to that answer which the draws foretell; empty where there is none.
///
/// A letter whose draws say *answer* but not *open* is answered only if it lands in spam and is rescued, because what is rescued is opened. No agenda
/// can know that, so the executor asks here, and gets what [`super::make`] would have planned. For any other letter the result is empty. Whether the
/// answerer has quota left on the answer's date is for the intent to check; what finds none is put off like any other answer.
pub fn answer_after_rescue(
    seed: Seed,
    parent: &ParentFacts,
    answerer: &Participant,
    original_sender: &Participant,
    thread_length: u32,
    now: Moment,
) -> Vec<PlannedLetter> {
    if parent.draws.open || !parent.draws.answer || parent.in_thread >= thread_length {
        return Vec::new();
    }
    let (mut thread, mut parent) = (Vec::new(), *parent);
    let (mut from, mut to) = (answerer, original_sender);
    let mut id = LetterId::of_answer(parent.id);
    let mut at = answer_time(seed, &parent, now, id, from, now.local_date(from.zone));
    while let Some(expected) = at {
        let answer = write_answer(seed, &parent, id, &to.engagement);
        thread.push(PlannedLetter {
            id: answer.id,
            sender: from.address.clone(),
            recipient: to.address.clone(),
            date: expected.local_date(from.zone),
            parent: Some(parent.id),
            in_thread: answer.in_thread,
            due: None,
            expected,
            draws: answer.draws,
        });
        parent = answer;
        std::mem::swap(&mut from, &mut to);
        if !answer.is_answered(thread_length) {
            break;
        }
        id = LetterId::of_answer(parent.id);
        at = answer_expected(seed, &parent, expected, id, from, expected.local_date(from.zone));
    }
    thread
}

/// A letter while it is planned: mailboxes by their numbers in the roster.
#[derive(Clone, Copy)]
pub(super) struct Draft {
    pub facts: ParentFacts,
    pub sender: usize,
    pub recipient: usize,
    pub parent: Option<LetterId>,
    pub date: LocalDate,
    pub expected: Moment,
}

impl ParentFacts {
    /// Whether the draws foretell an answer to the letter if it lands in the inbox.
    pub(super) fn is_answered(&self, thread_length: u32) -> bool {
        self.draws.open && self.draws.answer && self.in_thread < thread_length
    }
}

/// When the answer to a letter handed over at its expected time will be sent, on `earliest` or later; see [`answer_time`].
pub(super) fn answer_expected(
    seed: Seed,
    parent: &ParentFacts,
    expected: Moment,
    answer: LetterId,
    answerer: &Participant,
    earliest: LocalDate,
) -> Option<Moment> {
    answer_time(seed, parent, expected + TRANSIT, answer, answerer, earliest)
}

/// When the answer to a letter found (or rescued) at `found` will be sent: opened in the answerer's hours, written in its window, on `earliest` or later.
/// `None` where it has no send-day in the next 60 days.
fn answer_time(
    seed: Seed,
    parent: &ParentFacts,
    found: Moment,
    answer: LetterId,
    answerer: &Participant,
    earliest: LocalDate,
) -> Option<Moment> {
    let mut stream = seed.of_letter(answer, "morning");
    let mut morning = || MORNING.mul_f64(stream.random::<f64>());
    let opened = into_hours(found + parent.draws.open_after, answerer, morning());
    into_window(opened + parent.draws.answer_after, answerer, earliest, morning())
}

/// What there is to know of the answer to `parent`, which `to` receives.
pub(super) fn write_answer(seed: Seed, parent: &ParentFacts, answer: LetterId, to: &Engagement) -> ParentFacts {
    ParentFacts { id: answer, in_thread: parent.in_thread + 1, draws: draw(seed, answer, to) }
}

/// `t`, or the next morning where nobody reads at `t`.
fn into_hours(t: Moment, reader: &Participant, morning: Duration) -> Moment {
    let hours = &reader.engagement;
    if hours.from >= hours.to {
        return t;
    }
    let today = t.local_date(reader.zone);
    let from = today.at(hours.from, reader.zone);
    if t < from {
        from + morning
    } else if t < today.at(hours.to, reader.zone) {
        t
    } else {
        today.plus(1).at(hours.from, reader.zone) + morning
    }
}

/// `t`, or some time after the next window opens where the sender does not send at `t`.
fn into_window(t: Moment, sender: &Participant, earliest: LocalDate, morning: Duration) -> Option<Moment> {
    let first = t.local_date(sender.zone).max(earliest);
    (0..LOOK_AHEAD).map(|n| first.plus(n)).filter(|&day| sender.calendar.is_send_day(day)).find_map(|day| {
        let span = Span::of(sender, day);
        if t < span.open { Some((span.open + morning).min(span.close)) } else { (t <= span.close).then_some(t) }
    })
}

/// The first send-day of a mailbox after `date`; `None` where it has none in the next 60 days.
pub(super) fn next_send_day(p: &Participant, date: LocalDate) -> Option<LocalDate> {
    (1..=LOOK_AHEAD).map(|n| date.plus(n)).find(|&day| p.calendar.is_send_day(day))
}
