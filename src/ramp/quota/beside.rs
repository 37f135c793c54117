//! Warmup beside real mail: both count against one total, and warmup makes room as real mail grows.

use super::super::curve::percent;
use super::super::model::{Caps, OutsideCount};
use super::{Steps, part_of_a_day};
use crate::config::{AfterRamp, Schedule};
use crate::words::LocalDate;

/// What warmup and real mail may make together on a day.
#[derive(Clone, Copy, Debug)]
pub(super) struct Total {
    all: u32,
    /// On the ramp warmup is to take all that real mail leaves; after it, what is maintained.
    is_on_the_ramp: bool,
}

impl Total {
    /// The ramp's volume, under calendar, chance and caps.
    pub(super) fn on_the_ramp(volume: u32) -> Self {
        Self { all: volume, is_on_the_ramp: true }
    }

    /// What the ramp reached; what warmup leaves of it is for real mail. How the domain's cap is shared out is found out elsewhere.
    pub(super) fn after_the_ramp(schedule: &Schedule, reached: u32, date: LocalDate, caps: &Caps, maintained: u32) -> Self {
        let own_caps = [caps.mailbox, caps.provider].into_iter().flatten();
        let all = own_caps.fold(part_of_a_day(schedule, date, reached), u32::min);
        Self { all: all.max(maintained), is_on_the_ramp: false }
    }
}

/// Lowers warmup to what `share` and real mail leave of the total, but never below what is maintained after the ramp. Gives the total that holds.
///
/// Where nobody counts real mail, `share` is one cap more: room that is never seen to be filled warms nothing up.
pub(super) fn beside_real_mail(
    steps: &mut Steps,
    schedule: &Schedule,
    date: LocalDate,
    total: Total,
    outside: Option<OutsideCount>,
) -> u32 {
    let wanted = steps.value;
    let floor = maintained(schedule, date).min(wanted);
    let share = share_of(total.all, schedule.share);
    let share_in_words = || format!("warmup's share of {} is {} %", total.all, percent(schedule.share));
    let Some(outside) = outside else {
        if schedule.share < 1.0 {
            steps.set("share", share.max(floor).min(wanted), format!("{}{}", share_in_words(), kept_up(share < floor)));
        }
        return if total.is_on_the_ramp { steps.value } else { total.all };
    };
    let left = total.all.saturating_sub(outside.expected());
    let room = share.min(left);
    let value = room.max(floor).min(wanted);
    let real = in_words(outside, total.all);
    let why = match room {
        _ if room >= wanted => format!("{real}: room enough"),
        _ if share < left => format!("{}; {real}", share_in_words()),
        _ => format!("{real}: warmup takes {value}"),
    };
    steps.set("share", value, format!("{why}{}", kept_up(room < floor)));
    total.all
}

/// What a day's quota comes to while it lasts, when real mail takes more of the day's total than was thought: never more than it is, nor less than what is
/// maintained; and why.
pub fn make_room(schedule: &Schedule, date: LocalDate, quota: u32, total: u32, outside: OutsideCount) -> (u32, String) {
    let floor = maintained(schedule, date).min(quota);
    let lowered = total.saturating_sub(outside.expected()).clamp(floor, quota);
    (lowered, format!("{}: warmup makes room, as far as it is not sent yet", in_words(outside, total)))
}

fn in_words(outside: OutsideCount, total: u32) -> String {
    match outside.expected() {
        0 if outside.days == 0 => "no real mail is known yet".to_owned(),
        0 => format!("no real mail ({})", outside.basis()),
        real if real > total => format!("{real} a day are real mail ({}), more than the total of {total}", outside.basis()),
        real => format!("{real} of {total} a day are real mail ({})", outside.basis()),
    }
}

fn kept_up(is: bool) -> &'static str {
    if is { ", which is maintained whatever else is sent" } else { "" }
}

/// What is maintained after the ramp, on this date: warmup is never lowered below it for real mail.
fn maintained(schedule: &Schedule, date: LocalDate) -> u32 {
    match schedule.after {
        AfterRamp::Stop => 0,
        AfterRamp::Maintain(volume) => part_of_a_day(schedule, date, volume),
    }
}

/// A share of a total, rounded up.
fn share_of(total: u32, share: f64) -> u32 {
    ((f64::from(total) * share - 1e-9).ceil().max(0.0) as u32).min(total)
}

#[cfg(test)]
mod tests;
