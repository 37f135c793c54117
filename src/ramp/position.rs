//! The position: a pure fold over the history of days. Ramp days are earned.

use std::collections::BTreeMap;

use super::curve::{curve, mark_of, send_weekdays};
use super::model::{CurveMark, DayRecord, FoldStep, Position};
use crate::config::{AfterRamp, Schedule};
use crate::words::{LocalDate, RampDay, Verdict};

/// Ramp days that a step back takes back.
pub const STEP_BACK: u32 = 5;

/// Where a mailbox stands on its ramp on `today`, and how it came to that.
///
/// Records of `today` and later are not looked at. The fold holds one step for each day of the history, and one more wherever idleness or a
/// changed schedule moved the position.
pub fn position(schedule: &Schedule, history: &[DayRecord], today: LocalDate) -> Position {
    let volumes = curve(&schedule.ramp, &schedule.calendar);
    let mut fold = Fold::new(schedule, &volumes);
    let mut steps = Vec::new();
    for day in history.iter().filter(|d| d.date < today) {
        steps.extend(fold.take(day));
    }
    let (ramp_day, settled) = fold.standing(today);
    steps.extend(settled);
    Position { ramp_day, done: fold.is_done(ramp_day), reached: fold.reached(), fold: steps }
}

/// The ramp day of a new schedule at which a mailbox goes on that sends `position_quota` messages a day: the first day with the largest
/// volume that is not above it, so that a change of schedule never jumps up. Day 1 where the new schedule begins above it.
pub fn rebase(position_quota: u32, new: &Schedule) -> RampDay {
    rebase_on(position_quota, &curve(&new.ramp, &new.calendar))
}

fn rebase_on(position_quota: u32, volumes: &[u32]) -> RampDay {
    let reached = volumes.iter().take_while(|v| **v <= position_quota).count();
    let Some(volume) = reached.checked_sub(1).and_then(|i| volumes.get(i)) else { return RampDay::FIRST };
    let first = volumes.iter().position(|v| v == volume).unwrap_or(0);
    RampDay(first as u32 + 1)
}

/// The fold itself: takes one day after the other. `project` feeds it with days to come.
#[derive(Clone, Debug)]
pub(super) struct Fold<'a> {
    schedule: &'a Schedule,
    volumes: &'a [u32],
    mark: CurveMark,
    /// The curve of the last day taken.
    last_mark: Option<CurveMark>,
    /// The position: what is earned, plus one. On an earlier schedule, whose length is not known, it may run past the end of this one.
    at: u32,
    /// The largest total with which each ramp day was earned.
    earned: BTreeMap<u32, u32>,
    last_sent: Option<LocalDate>,
    /// What was to be sent on the last day on which anything was accepted, real mail included.
    last_sent_quota: Option<u32>,
    /// Where it stood when the guard paused it, until it sends again.
    before_pause: Option<u32>,
}

impl<'a> Fold<'a> {
    pub(super) fn new(schedule: &'a Schedule, volumes: &'a [u32]) -> Self {
        let mark = mark_of(volumes);
        Self {
            schedule,
            volumes,
            mark,
            last_mark: None,
            at: 1,
            earned: BTreeMap::new(),
            last_sent: None,
            last_sent_quota: None,
            before_pause: None,
        }
    }

    /// The curve's fingerprint.
    pub(super) fn mark(&self) -> CurveMark {
        self.mark
    }

    /// Whether a position is past the last ramp day. A calendar without send-days has a ramp that never ends.
    pub(super) fn is_done(&self, at: RampDay) -> bool {
        !self.volumes.is_empty() && at.0 > self.volumes.len() as u32
    }

    /// The largest total that was earned; 0 before the first.
    pub(super) fn reached(&self) -> u32 {
        self.earned.values().copied().max().unwrap_or(0)
    }

    /// Takes one day into the fold; returns what it did, in order.
    pub(super) fn take(&mut self, day: &DayRecord) -> Vec<FoldStep> {
        let mut steps = Vec::new();
        steps.extend(self.follow_schedule(day.date, day.curve));
        // As much real mail as half of what went before keeps a domain from falling silent, too; but it does not end a pause of warmup.
        let real_mail_goes_on = day.outside > 0 && day.outside >= self.last_sent_quota.unwrap_or(0).div_ceil(2);
        let was_sent = day.accepted > 0 || real_mail_goes_on;
        if was_sent {
            steps.extend(self.lose_to_idleness(day.date));
        }
        if day.accepted > 0 {
            self.before_pause = None;
            self.last_sent_quota = Some(day.total.min(day.quota.saturating_add(day.outside)));
        }
        let before = self.at;
        let why = self.judge(day);
        if was_sent {
            self.last_sent = Some(day.date);
        }
        steps.push(FoldStep { date: day.date, before: RampDay(before), after: RampDay(self.at), why });
        steps
    }

    /// The position on a date that is not in the fold yet: a changed schedule and idleness count.
    pub(super) fn standing(&self, date: LocalDate) -> (RampDay, Vec<FoldStep>) {
        let mut seen = self.clone();
        let mut steps = Vec::new();
        steps.extend(seen.follow_schedule(date, self.mark));
        steps.extend(seen.lose_to_idleness(date));
        (RampDay(seen.at), steps)
    }

    /// A schedule changed in mid-ramp keeps the position by quota, not by day number. Only this schedule's curve is known, so the way
    /// over earlier ones is counted on in ramp days, and translated once this one begins.
    fn follow_schedule(&mut self, date: LocalDate, mark: CurveMark) -> Option<FoldStep> {
        let changed = self.last_mark.is_some_and(|last| last != mark);
        self.last_mark = Some(mark);
        if !changed || mark != self.mark {
            return None;
        }
        let before = self.at;
        let quota = self.earned.range(..before).map(|(_, quota)| *quota).max().unwrap_or(0);
        self.at = rebase_on(quota, self.volumes).0;
        self.before_pause = None;
        // What the new curve asked for up to here counts as earned; above that, the quota as it was.
        self.earned = (1..self.at).zip(self.volumes.iter().copied()).collect();
        self.earned.insert(self.at - 1, quota);
        let why = match quota {
            0 => "the schedule changed before a day was earned: the new one begins at its first day".to_owned(),
            _ if self.volumes.first().is_some_and(|first| *first > quota) => {
                format!("the schedule changed: {quota} a day were earned, the new one begins above that: its first day")
            }
            _ => format!("the schedule changed: {quota} a day were earned, which is ramp day {} of the new one", self.at),
        };
        Some(FoldStep { date, before: RampDay(before), after: RampDay(self.at), why })
    }

    fn lose_to_idleness(&mut self, date: LocalDate) -> Option<FoldStep> {
        let idle = date.days_since(self.last_sent?);
        if idle <= self.longest_plain_gap() || self.has_stopped() {
            return None;
        }
        let (kept_quarters, words) = match idle {
            ..7 => return None,
            7..14 => (3, "a quarter off the position"),
            14..30 => (2, "half off the position"),
            _ => (1, "back in at a quarter of the position"),
        };
        let before = self.at;
        // A pause was silence by order, and took its share: of the two the harsher counts, not both.
        let stood = self.before_pause.unwrap_or(before);
        let left = (u64::from(stood) * kept_quarters / 4).max(1) as u32;
        if self.before_pause.is_some() && left >= before {
            return None;
        }
        self.at = left.min(self.stands_for(before));
        let why = format!("idle for {idle} days: {words}");
        Some(FoldStep { date, before: RampDay(before), after: RampDay(self.at), why })
    }

    /// The ramp day that a position stands for: after the ramp, the one with the volume that is maintained, so that no way back leads up.
    fn stands_for(&self, at: u32) -> u32 {
        match self.schedule.after {
            AfterRamp::Maintain(volume) if self.is_done(RampDay(at)) => at.min(rebase_on(volume, self.volumes).0),
            AfterRamp::Maintain(_) | AfterRamp::Stop => at,
        }
    }

    /// The ramp day whose quota is half the last sent one, never above where it stands.
    fn half_of_last_quota(&self, day: &DayRecord) -> u32 {
        let Some(half) = self.last_sent_quota.map(|quota| quota / 2) else { return self.at };
        if day.curve == self.mark {
            return rebase_on(half, self.volumes).0.min(self.at);
        }
        // On an earlier schedule, whose curve is not known, what was earned is its curve.
        self.earned.range(..self.at).rev().find(|(_, quota)| **quota <= half).map_or(1, |(at, _)| (*at).max(1))
    }

    /// Days from one send-day of a plain week to the next, at most: someone who writes on Mondays only is not idle on Sunday.
    fn longest_plain_gap(&self) -> i64 {
        let days: Vec<i64> = send_weekdays(&self.schedule.calendar).map(i64::from).collect();
        let Some(first) = days.first() else { return 7 };
        let around = days.last().map_or(7, |last| first + 7 - last);
        days.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0).max(around)
    }

    /// After a ramp that ends with `stop`, silence is what was asked for.
    fn has_stopped(&self) -> bool {
        let silent_after = matches!(self.schedule.after, AfterRamp::Stop | AfterRamp::Maintain(0));
        silent_after && self.last_mark == Some(self.mark) && self.is_done(RampDay(self.at))
    }

    /// A pause: the way in again is decided at once; its further days change nothing.
    fn pause(&mut self, day: &DayRecord) -> String {
        let (before, after) = (self.at, self.half_of_last_quota(day));
        self.before_pause = self.before_pause.or(Some(self.stands_for(before)));
        self.at = after;
        match self.last_sent_quota {
            Some(quota) if after < before => format!("paused by the guard: in again at half of the last quota, which was {quota}"),
            _ => "paused by the guard: the position stays".to_owned(),
        }
    }

    /// What the day itself does to the position, and why.
    fn judge(&mut self, day: &DayRecord) -> String {
        match day.verdict {
            Some(Verdict::Hold) => return "held by the guard: the position stays".to_owned(),
            Some(Verdict::StepBack) => {
                let stood = if day.curve == self.mark { self.stands_for(self.at) } else { self.at };
                self.at = stood.saturating_sub(STEP_BACK).max(1);
                return match stood {
                    1 => "the guard stepped back: it is at the first ramp day already".to_owned(),
                    ..=STEP_BACK => "the guard stepped back: to the first ramp day".to_owned(),
                    _ => format!("the guard stepped back: {STEP_BACK} ramp days fewer"),
                };
            }
            Some(Verdict::Floor) if self.at == 1 => return "kept on the floor by the guard: the start volume".to_owned(),
            Some(Verdict::Floor) => {
                self.at = 1;
                return "the guard put it on the floor: back to the start volume".to_owned();
            }
            Some(Verdict::Pause) => return self.pause(day),
            Some(Verdict::Rest) => return "resting until the account works again: the position stays".to_owned(),
            Some(Verdict::Advance) | None => {}
        }
        let is_done = day.curve == self.mark && self.is_done(RampDay(self.at));
        // After the ramp warmup is maintained whether there is real mail or not.
        let load = if is_done { Load::of_warmup(day) } else { Load::of(day) };
        if load.total == 0 {
            return if day.outside > 0 {
                "only real mail was sent: the position stays"
            } else {
                "nothing was to be sent: the position stays"
            }
            .to_owned();
        }
        let (shortcoming, result) = (load.shortcoming(day), load.in_words(day));
        if shortcoming.is_none() {
            let total = self.earned.entry(self.at).or_default();
            *total = load.total.max(*total);
        }
        // There is nothing left to earn.
        if is_done {
            return format!("the ramp is done: {result}");
        }
        if let Some(shortcoming) = shortcoming {
            return format!("not earned: {shortcoming}");
        }
        self.at = self.at.saturating_add(1);
        format!("earned: {result}")
    }
}

/// What a day was to carry, what it could, and what it did.
struct Load {
    total: u32,
    offered: u32,
    sent: u32,
    /// No real mail, and no room left for it.
    is_warmup_alone: bool,
}

impl Load {
    /// Letters and real mail together: the total is what is warmed up.
    fn of(day: &DayRecord) -> Self {
        let unoffered = day.quota.saturating_sub(day.offered);
        let room = day.total.saturating_sub(day.quota);
        // Real mail beyond the room that was left for it takes the place of letters that could not be offered.
        let unoffered = unoffered.saturating_sub(day.outside.saturating_sub(room));
        Self {
            total: day.total,
            offered: day.total.saturating_sub(unoffered),
            sent: day.accepted.saturating_add(day.outside),
            is_warmup_alone: day.outside == 0 && room == 0,
        }
    }

    fn of_warmup(day: &DayRecord) -> Self {
        Self { total: day.quota, offered: day.offered, sent: day.accepted, is_warmup_alone: true }
    }

    /// Why a day does not count; `None` where it does.
    fn shortcoming(&self, day: &DayRecord) -> Option<String> {
        if u64::from(self.offered) * 2 < u64::from(self.total) {
            return Some(format!("only {} of {} could be offered, less than half", self.offered, self.total));
        }
        if day.accepted == 0 && day.offered > 0 {
            return Some(format!("nothing of {} was accepted", day.offered));
        }
        // The larger of one message and 20 %: one fifth of what was offered.
        let short = self.offered.saturating_sub(self.sent);
        (short > (self.offered / 5).max(1)).then(|| self.in_words(day))
    }

    fn in_words(&self, day: &DayRecord) -> String {
        let left_out =
            if self.offered < self.total { format!(" ({} more could not be offered)", self.total - self.offered) } else { String::new() };
        match day.outside {
            _ if self.is_warmup_alone => format!("{} of {} accepted{left_out}", day.accepted, self.offered),
            0 => format!("{} accepted and no real mail, of {}{left_out}", day.accepted, self.offered),
            real => format!("{} accepted and {real} of real mail, of {}{left_out}", day.accepted, self.offered),
        }
    }
}

#[cfg(test)]
mod tests;
