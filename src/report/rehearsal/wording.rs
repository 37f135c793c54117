//! Words and numbers that every picture of a rehearsal uses in the same way.

use crate::rehearsal::{Quantiles, Rehearsed};
use crate::words::LocalDate;

/// The invariants of the design, by number from 1.
const INVARIANTS: [&str; 6] = [
    "no mailbox sends more than its quota, nor outside its window, nor while paused, nor to a suppressed address",
    "every letter is handed over at most once, and no accepted letter is forgotten",
    "nothing outside the pool gets warmup mail, and nothing that is not ours is touched",
    "every draw is made once: the same seed gives the same bytes",
    "replaying the history gives the live state",
    "every failure ends in a state that a person can see, with a hint",
];

/// What an invariant demands.
pub(super) fn invariant(n: u8) -> &'static str {
    usize::from(n).checked_sub(1).and_then(|i| INVARIANTS.get(i)).copied().unwrap_or("an invariant that has no name")
}

/// `84 %`; never 100 % or 0 % of what is not all or nothing.
pub(super) fn percent(rate: f64) -> String {
    let rate = rate.clamp(0.0, 1.0);
    let shown = (rate * 100.0).round();
    let shown = if rate < 1.0 { shown.min(99.0) } else { shown };
    format!("{} %", if rate > 0.0 { shown.max(1.0) } else { shown })
}

/// `84 %`, or a dash where there is nothing to take a share of.
pub(super) fn percent_or_dash(rate: Option<f64>) -> String {
    rate.map_or_else(|| "–".to_owned(), percent)
}

/// A count; nothing is a dot, not a number among numbers.
pub(super) fn amount(n: u32) -> String {
    if n == 0 { "·".to_owned() } else { n.to_string() }
}

/// `3 letters`, `1 letter`.
pub(super) fn counted(n: impl Into<u64>, one: &str, many: &str) -> String {
    let n = n.into();
    format!("{n} {}", if n == 1 { one } else { many })
}

/// `2026-12-14`, or `2026-12-14 … 2026-12-16`.
pub(super) fn span(from: LocalDate, until: LocalDate) -> String {
    if until > from { format!("{from} … {until}") } else { from.to_string() }
}

/// `2026-12-31 (Thu)`
pub(super) fn with_weekday(date: LocalDate) -> String {
    format!("{date} ({})", date.weekday())
}

/// A paragraph below another, an empty line between them.
pub(super) fn below(paragraph: &str) -> String {
    format!("\n{paragraph}")
}

/// A verdict's word as a person says it.
pub(super) fn verdict(word: &str) -> String {
    word.replace('_', " ")
}

/// A number with one decimal at most, and none where it would be 0.
pub(super) fn number(value: f64) -> String {
    let tenths = (value * 10.0).round() / 10.0;
    if (tenths - tenths.round()).abs() < 0.05 { format!("{tenths:.0}") } else { format!("{tenths:.1}") }
}

/// `31`, or `31 (29–34)` where the spread has a width.
pub(super) fn spread(q: Quantiles, shown: impl Fn(f64) -> String) -> String {
    let (low, middle, high) = (shown(q.p10), shown(q.median), shown(q.p90));
    if low == high { middle } else { format!("{middle} ({}–{high})", low.trim_end_matches(" %")) }
}

/// Whom a rehearsal was played with: `schedule standard-6w; 3 warming mailboxes, 5 partners`.
pub(super) fn cast(r: &Rehearsed) -> String {
    let schedules = if r.schedules.len() > 1 { "schedules" } else { "schedule" };
    format!("{schedules} {}; {}", r.schedules.join(", "), people(r))
}

/// `3 warming mailboxes, 5 partners`
pub(super) fn people(r: &Rehearsed) -> String {
    let (warming, partners) = (counted(r.warming, "warming mailbox", "warming mailboxes"), counted(r.partners, "partner", "partners"));
    format!("{warming}, {partners}")
}

/// What moves the ramp in every scenario.
pub(super) const GUARD_AT_WORK: &str = "The guard is at work: it holds the ramp, and takes it back, when letters go to spam. \
`preheat rehearse --guard both` lays the same weeks without it beside.";

/// `42 days from 2026-12-01 (Tue) to 2027-01-11 (Mon)`
pub(super) fn time(r: &Rehearsed) -> String {
    let days = counted(r.days.len() as u64, "day", "days");
    match (r.days.first().and_then(|d| d.date), r.days.last().and_then(|d| d.date)) {
        (Some(first), Some(last)) => format!("{days} from {} to {}", with_weekday(first), with_weekday(last)),
        _ => days,
    }
}

/// When the target was reached, and whether as planned; or where the ramp stands instead.
pub(super) fn outcome(r: &Rehearsed) -> String {
    let most = r.days.iter().map(|d| d.planned).max().unwrap_or(0);
    let planned = r.days.iter().find(|d| d.planned == most && most > 0).map(|d| d.n);
    if let (Some(day), Some(date)) = (r.target_day, r.target_reached) {
        let how = match planned.map_or(0, |p| day.saturating_sub(p)) {
            0 => "as planned".to_owned(),
            late => format!("{} later than planned", counted(late, "day", "days")),
        };
        return format!("target reached on day {day}, {}, {how}", with_weekday(date));
    }
    let days = counted(r.days.len() as u64, "day", "days");
    let last = r.days.iter().rev().find(|d| d.planned > 0 || d.quota > 0);
    let stands = last.map(|d| format!(": on day {} the quota was {}, {} planned", d.n, d.quota, d.planned));
    format!("target not reached in {days}{}", stands.unwrap_or_else(|| ": no day was one to send on".to_owned()))
}

/// `day 40`, `at once`, `not reached`: when the target was reached, in short.
pub(super) fn target(r: &Rehearsed) -> String {
    match r.target_day {
        _ if begins_at_target(r) => "at once".to_owned(),
        Some(n) => format!("day {n}"),
        None => "not reached".to_owned(),
    }
}

/// Whether the plan begins where it ends, or nearly: a target that nobody has to reach.
pub(super) fn begins_at_target(r: &Rehearsed) -> bool {
    let most = r.days.iter().map(|d| d.planned).max().unwrap_or(0);
    r.days.iter().map(|d| d.planned).find(|n| *n > 0).is_some_and(|first| u64::from(first) * 10 >= u64::from(most) * 9)
}

/// `six weeks`
pub(super) fn weeks_in_words(r: &Rehearsed) -> String {
    match r.days.len().div_ceil(7) {
        2 => "two weeks".to_owned(),
        4 => "four weeks".to_owned(),
        5 => "five weeks".to_owned(),
        6 => "six weeks".to_owned(),
        7 => "seven weeks".to_owned(),
        n => counted(n as u64, "week", "weeks"),
    }
}

/// With a capital at its beginning.
pub fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_all_or_nothing_only_where_it_is() {
        let shown: Vec<String> = [0.0, 0.001, 0.5, 0.999, 1.0, 7.0].into_iter().map(percent).collect();
        assert_eq!(shown, ["0 %", "1 %", "50 %", "99 %", "100 %", "100 %"]);
        assert_eq!(percent_or_dash(None), "–");
    }

    #[test]
    fn a_spread_without_width_is_a_number() {
        let q = |p10, median, p90| Quantiles { p10, median, p90 };
        assert_eq!(spread(q(31.0, 31.0, 31.0), number), "31");
        assert_eq!(spread(q(29.5, 31.0, 34.04), number), "31 (29.5–34)");
        assert_eq!(spread(q(0.5, 0.75, 1.0), percent), "75 % (50–100 %)");
    }

    #[test]
    fn every_invariant_of_the_design_has_words() {
        assert!(invariant(1).contains("quota") && invariant(6).contains("hint"));
        assert_eq!(invariant(0), invariant(7));
    }
}
