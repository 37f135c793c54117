//! Engage: a sighting and a letter's draws → what its recipient does about it, and when. Pure.
//!
//! Nothing is drawn here: every chance and delay was drawn when the agenda was made. Here they meet the recipient's hours.

mod tidy;

use std::fmt;
use std::time::Duration;

use chrono::NaiveTime;

use crate::agenda::Draws;
use crate::config::{Calendar, Engagement, Window};
use crate::words::{LocalDate, Moment, Placement, Zone};

pub use tidy::{JUDGED_AGAIN, is_final};

/// Something that a recipient does with a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ActionKind {
    /// Move it from spam to the inbox.
    Rescue,
    /// Fetch it whole, which marks it as read.
    Open,
    /// Mark it as important.
    Important,
    /// Flag it.
    Flag,
    /// Mark it as answered, once the answer was accepted.
    Answered,
}

impl ActionKind {
    /// Every kind, in the order in which they are done to a letter.
    pub const ALL: [Self; 5] = [Self::Rescue, Self::Open, Self::Important, Self::Flag, Self::Answered];

    /// The word in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rescue => "rescue",
            Self::Open => "open",
            Self::Important => "important",
            Self::Flag => "flag",
            Self::Answered => "answered",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.as_str() == text)
    }
}

impl fmt::Display for ActionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a recipient reads: its hours and its zone.
#[derive(Clone, Copy, Debug)]
pub struct Habits<'a> {
    /// Chances and delays; only the hours are read here.
    pub engagement: &'a Engagement,
    /// The recipient's zone.
    pub zone: Zone,
}

/// Between the open and a flag or the Important mark: people read first.
const AFTER_READING: Duration = Duration::from_secs(90);

/// What follows a first sighting at `at`. A letter that a person's own rule filed is left alone.
pub fn on_first_sighting(placement: Placement, draws: &Draws, at: Moment, habits: Habits<'_>) -> Vec<(ActionKind, Moment)> {
    match placement {
        Placement::Spam => vec![(ActionKind::Rescue, habits.within_hours(at + draws.rescue_after))],
        Placement::Inbox | Placement::Category if draws.open => reading(draws, at, habits),
        Placement::Inbox | Placement::Category | Placement::Filed => Vec::new(),
    }
}

/// What follows a rescue: whoever pulls a letter out of spam reads it.
pub fn after_rescue(draws: &Draws, at: Moment, habits: Habits<'_>) -> Vec<(ActionKind, Moment)> {
    reading(draws, at, habits)
}

/// Whether a letter that was seen at `placement` will be answered: the draws say so, and it is opened or rescued.
pub fn wants_answer(placement: Placement, draws: &Draws) -> bool {
    draws.answer && (placement == Placement::Spam || (draws.open && placement != Placement::Filed))
}

fn reading(draws: &Draws, at: Moment, habits: Habits<'_>) -> Vec<(ActionKind, Moment)> {
    let open = habits.within_hours(at + draws.open_after);
    let mut actions = vec![(ActionKind::Open, open)];
    if draws.important {
        actions.push((ActionKind::Important, open + AFTER_READING));
    }
    if draws.flag {
        actions.push((ActionKind::Flag, open + AFTER_READING));
    }
    actions
}

impl Habits<'_> {
    /// `at`, or the next moment at which the recipient reads. Keeps minutes apart: what falls into the night is spread over the first half hour.
    pub fn within_hours(&self, at: Moment) -> Moment {
        let (from, to) = (self.engagement.from, self.engagement.to);
        let date = at.local_date(self.zone);
        let (open, close) = (date.at(from, self.zone), date.at(to, self.zone));
        // Two letters of one night keep their order and are not opened in the same second.
        let spread = Duration::from_millis(u64::try_from(at.0.rem_euclid(1_800_000)).unwrap_or(0));
        if at < open {
            open + spread
        } else if at > close {
            date.plus(1).at(from, self.zone) + spread
        } else {
            at
        }
    }
}

/// The end of a window that is kept free, so that what is planned late in it can still be sent inside it.
const KEPT_FREE: Duration = Duration::from_mins(10);

/// When an answer that is wanted at `at` can be sent: the first place inside the answerer's window on each of the next `most` send-days.
pub fn answer_slots(at: Moment, window: &Window, calendar: &Calendar, zone: Zone, most: usize) -> Vec<(LocalDate, Moment)> {
    let mut slots = Vec::new();
    let first = at.local_date(zone);
    for n in 0..60 {
        let date = first.plus(n);
        if slots.len() == most {
            break;
        }
        if !calendar.is_send_day(date) {
            continue;
        }
        let (open, close) = window_on(date, window.from, window.to, zone);
        let close = close - KEPT_FREE.min(close.since(open) / 4);
        let length = u64::try_from(close.0 - open.0).unwrap_or(0).max(1);
        if at > close {
            continue;
        }
        // What comes from the evening before is spread over the first third of the window.
        let spread = Duration::from_millis(u64::try_from(at.0.rem_euclid(86_400_000)).unwrap_or(0) % (length / 3).max(1));
        slots.push((date, if at < open { open + spread } else { at }));
    }
    slots
}

/// A window on a date: its first and its last moment, in UTC.
pub fn window_on(date: LocalDate, from: NaiveTime, to: NaiveTime, zone: Zone) -> (Moment, Moment) {
    (date.at(from, zone), date.at(to, zone))
}

/// Actions that downtime has left overdue are spread over the next two hours, in their order: nobody reads forty letters in a second.
///
/// The recipient's hours are kept where they come before `until`, the end of the run. Where they do not, what is overdue is done all the same: a machine
/// that is never on at these hours would put it off for ever.
pub fn catch_up<K: Clone>(now: Moment, until: Moment, overdue: &[(K, Moment)], habits: Habits<'_>) -> Vec<(K, Moment)> {
    let kept = |at: Moment| Some(habits.within_hours(at)).filter(|at| *at <= until).unwrap_or(at);
    spread_overdue(now, overdue).into_iter().map(|(key, at)| (key, kept(at))).collect()
}

fn spread_overdue<K: Clone>(now: Moment, overdue: &[(K, Moment)]) -> Vec<(K, Moment)> {
    const OVER: Duration = Duration::from_hours(2);
    let n = u32::try_from(overdue.len()).unwrap_or(u32::MAX).max(1);
    let mut sorted: Vec<&(K, Moment)> = overdue.iter().collect();
    sorted.sort_by_key(|x| x.1);
    // The first is due at once, so that whoever comes by only now and then gets on.
    sorted.iter().zip(0..).map(|((k, _), i): (&&(K, Moment), u32)| (k.clone(), now + OVER * i / n)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::Europe::Berlin;

    fn draws() -> Draws {
        let min = |m: u64| Duration::from_secs(m * 60);
        Draws {
            open: true,
            answer: true,
            important: true,
            flag: false,
            rescue_after: min(45),
            open_after: min(60),
            answer_after: min(180),
            content: 1,
        }
    }
    fn t(text: &str) -> Moment {
        Moment::parse_rfc3339(text).unwrap()
    }
    fn shown(actions: &[(ActionKind, Moment)]) -> Vec<String> {
        actions.iter().map(|(k, at)| format!("{k} {}", at.in_zone(Berlin).format("%d %H:%M:%S"))).collect()
    }

    #[test]
    fn spam_is_rescued_then_read_and_an_inbox_letter_is_read_if_it_is_to_be() {
        let e = Engagement::default();
        let h = Habits { engagement: &e, zone: Berlin };
        let at = t("2026-12-01T09:00:00+01:00");
        assert_eq!(shown(&on_first_sighting(Placement::Spam, &draws(), at, h)), ["rescue 01 09:45:00"]);
        assert_eq!(shown(&after_rescue(&draws(), at, h)), ["open 01 10:00:00", "important 01 10:01:30"]);
        assert_eq!(shown(&on_first_sighting(Placement::Category, &draws(), at, h)), ["open 01 10:00:00", "important 01 10:01:30"]);
        assert!(on_first_sighting(Placement::Inbox, &Draws { open: false, ..draws() }, at, h).is_empty());
        assert!(on_first_sighting(Placement::Filed, &draws(), at, h).is_empty());
        assert!(wants_answer(Placement::Spam, &Draws { open: false, ..draws() }));
        assert!(!wants_answer(Placement::Inbox, &Draws { open: false, ..draws() }));
    }

    #[test]
    fn nobody_reads_at_night() {
        let e = Engagement::default();
        let h = Habits { engagement: &e, zone: Berlin };
        assert_eq!(h.within_hours(t("2026-12-01T22:30:00+01:00")), t("2026-12-02T07:00:00+01:00"));
        assert_eq!(h.within_hours(t("2026-12-01T03:10:00+01:00")), t("2026-12-01T07:10:00+01:00"));
        assert_eq!(h.within_hours(t("2026-12-01T22:00:00+01:00")), t("2026-12-01T22:00:00+01:00"));
    }

    #[test]
    fn an_answer_waits_for_the_window_of_the_next_send_day() {
        let time = |h, m| NaiveTime::from_hms_opt(h, m, 0).unwrap();
        let window =
            Window { from: time(8, 30), to: time(17, 30), mailbox_gap: Duration::from_mins(5), domain_gap: Duration::from_secs(90) };
        let calendar = Calendar { weekdays: (0..5).map(crate::config::DayName).collect(), weekend_factor: 0.0, holidays: [].into() };
        let slots = |at: &str| {
            answer_slots(t(at), &window, &calendar, Berlin, 3)
                .iter()
                .map(|(d, m)| format!("{d} {}", m.in_zone(Berlin).format("%H:%M")))
                .collect::<Vec<_>>()
        };
        // Friday noon: today, Monday, Tuesday.
        assert_eq!(slots("2026-12-04T12:00:00+01:00"), ["2026-12-04 12:00", "2026-12-07 10:40", "2026-12-08 10:40"]);
        // Friday 17:25 is in the part that is kept free: Monday.
        assert_eq!(slots("2026-12-04T17:25:00+01:00")[0], "2026-12-07 10:11");
        // Nothing is promised where there is no send-day.
        let never = Calendar { weekdays: [].into(), ..calendar.clone() };
        assert!(answer_slots(t("2026-12-04T12:00:00+01:00"), &window, &never, Berlin, 3).is_empty());
    }

    #[test]
    fn what_is_overdue_waits_for_the_hours_of_this_run_and_for_no_others() {
        let e = Engagement {
            from: NaiveTime::from_hms_opt(8, 0, 0).unwrap(),
            to: NaiveTime::from_hms_opt(10, 0, 0).unwrap(),
            ..Default::default()
        };
        let h = Habits { engagement: &e, zone: Berlin };
        let caught_up =
            |now: &str, until: &str| shown(&catch_up(t(now), t(until), &[(ActionKind::Open, Moment(1)), (ActionKind::Flag, Moment(2))], h));
        // Before the hours begin, and they lie in the run.
        assert_eq!(caught_up("2026-12-01T07:00:00+01:00", "2026-12-01T17:30:00+01:00"), ["open 01 08:00:00", "flag 01 08:00:00"]);
        // They end in half an hour: the second letter has no morning in this run to wait for.
        assert_eq!(caught_up("2026-12-01T09:30:00+01:00", "2026-12-01T17:30:00+01:00"), ["open 01 09:30:00", "flag 01 10:30:00"]);
        // A machine that is on in the evenings only.
        assert_eq!(caught_up("2026-12-01T19:00:00+01:00", "2026-12-01T23:58:00+01:00"), ["open 01 19:00:00", "flag 01 20:00:00"]);
    }

    #[test]
    fn what_is_overdue_is_spread_in_order() {
        let now = Moment(0);
        let out = spread_overdue(now, &[("b", Moment(-5)), ("a", Moment(-9)), ("c", Moment(-1))]);
        assert_eq!(out.iter().map(|(k, at)| (*k, at.0 / 60_000)).collect::<Vec<_>>(), [("a", 0), ("b", 40), ("c", 80)]);
    }
}
