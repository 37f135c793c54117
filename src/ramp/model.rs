//! What goes into the ramp and comes out of it.

use crate::words::{LocalDate, RampDay, Verdict};

/// What is known of one past local date of a mailbox. The history is every date on which an agenda was made, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayRecord {
    /// The date.
    pub date: LocalDate,
    /// The quota that was set: after the ramp, all caps, and the room for real mail.
    pub quota: u32,
    /// What warmup and real mail were to make together: what is warmed up. The quota, where no room was left for real mail.
    pub total: u32,
    /// What the day could really send of its quota: the quota less what came too late or had nobody to go to.
    pub offered: u32,
    /// What servers accepted, answers included.
    pub accepted: u32,
    /// Recipients of real mail, as far as they are counted.
    pub outside: u32,
    /// The guard's word on the day; `None` where no rule spoke.
    pub verdict: Option<Verdict>,
    /// The curve that the day's quota was taken from, so that a schedule changed in mid-ramp is noticed: [`super::curve_mark`].
    pub curve: CurveMark,
}

/// The fingerprint of a schedule's volumes: equal marks, equal curves. Fits an SQL integer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CurveMark(pub u32);

/// Bounds on a day's quota from outside the schedule; `None`: no bound of that kind.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Caps {
    /// Why the guard lets nothing be sent; `None`: it does not pause.
    pub guard: Option<String>,
    /// The mailbox's `daily_cap`.
    pub mailbox: Option<u32>,
    /// This mailbox's share of its domain's `daily_cap`.
    pub domain_share: Option<u32>,
    /// The provider's daily limit, less what was sent in the trailing 24 hours before the day.
    pub provider: Option<u32>,
    /// What the pool can carry for this mailbox.
    pub pool: Option<u32>,
    /// The real mail that counts against the same total; `None` where nobody counts it.
    pub outside: Option<OutsideCount>,
}

/// What is known of a mailbox's real mail: recipients of what is sent from it outside preheat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct OutsideCount {
    /// Of the day itself, so far.
    pub today: u32,
    /// Of the send-days before it, together.
    pub before: u32,
    /// How many send-days these are: the last 7, or fewer where it was not counted yet.
    pub days: u32,
}

impl OutsideCount {
    /// What a send-day had on average, rounded up; 0 where none is known.
    pub fn mean(&self) -> u32 {
        if self.days == 0 { 0 } else { self.before.div_ceil(self.days) }
    }

    /// What the day has to have room for: the larger of what is known of it so far and the mean of the send-days before.
    pub fn expected(&self) -> u32 {
        self.today.max(self.mean())
    }

    /// What [`OutsideCount::expected`] rests on, in words.
    pub fn basis(&self) -> String {
        match self.days {
            _ if self.today > self.mean() => "so far today".to_owned(),
            0 => "none is known yet".to_owned(),
            1 => "the last send-day".to_owned(),
            days => format!("mean of the last {days} send-days"),
        }
    }
}

/// One line of the fold over the history: what a day did to the position, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoldStep {
    /// The day.
    pub date: LocalDate,
    /// The position before it.
    pub before: RampDay,
    /// The position after it.
    pub after: RampDay,
    /// In words: `earned: 12 of 12 accepted`, `not earned: 3 of 12 accepted`, `idle for 9 days: a quarter of the position`.
    pub why: String,
}

/// Where a mailbox stands on its ramp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// The ramp day that today is: what is earned, plus one. One past the last ramp day where `done`.
    pub ramp_day: RampDay,
    /// Whether every ramp day is earned: the ramp is done.
    pub done: bool,
    /// The largest total that was earned; 0 before the first.
    pub reached: u32,
    /// How it came to that, oldest first.
    pub fold: Vec<FoldStep>,
}

/// A step of the way from the curve to the quota.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Reason {
    /// `curve`, `growth bound`, `calendar`, `jitter`, `guard`, `mailbox cap`, `domain cap`, `provider limit`, `share`, `pool`, `after the ramp`; `real mail`
    /// for a day that was lowered while it lasted; `history` for one that has been.
    pub rule: &'static str,
    /// The value after this step, messages a day.
    pub value: u32,
    /// In words.
    pub why: String,
}

/// A day's quota and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Messages of warmup on this local date, answers included.
    pub value: u32,
    /// What warmup and real mail may make together; never below `value`.
    pub total: u32,
    /// Every step that was looked at, in order; the last one's value is the quota.
    pub reasons: Vec<Reason>,
}

impl Quota {
    /// What the ramp asked for, growth bound included, before calendar, jitter and caps; `None` for a past day, of which only the quota is known.
    pub fn curve(&self) -> Option<u32> {
        self.reasons.iter().rev().find(|r| matches!(r.rule, "curve" | "growth bound" | "after the ramp")).map(|r| r.value)
    }

    /// What counts against a domain's cap when it is shared out: the whole total on the ramp; after it, what is maintained.
    pub fn claim(&self) -> u32 {
        if self.is_after_ramp() { self.value } else { self.total }
    }

    /// The rule that decided: the last one that lowered the value, or else the first.
    pub fn decided_by(&self) -> Option<&Reason> {
        let lowered = self.reasons.windows(2).rev().find(|pair| pair[1].value < pair[0].value).map(|pair| &pair[1]);
        lowered.or_else(|| self.reasons.first())
    }

    /// Whether the ramp was done on that day.
    pub fn is_after_ramp(&self) -> bool {
        self.reasons.first().is_some_and(|r| r.rule == "after the ramp")
    }
}

/// One date of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedDay {
    /// The date.
    pub date: LocalDate,
    /// The ramp day, if every day until then is earned; `None` after the ramp, and on days without sending.
    pub ramp_day: Option<RampDay>,
    /// The day's quota with its reasons; 0 on days without sending.
    pub quota: Quota,
}
