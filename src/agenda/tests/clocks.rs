//! Every date around every change of a clock, around leap day and around the turn of the year, by the wall clock that people see.

use chrono::{Duration as Span, NaiveDateTime, NaiveTime, Offset, Timelike};
use chrono_tz::{Africa::Cairo, America::Havana, America::New_York, America::Santiago, Asia::Beirut, Atlantic::Azores};

use super::*;
use crate::config::{Calendar, DayName};
use crate::engage::{Habits, answer_slots, window_on};

/// Both ways in spring and autumn; half an hour of it; none at all, and half an hour off.
const CHANGING: [Zone; 4] = [Berlin, New_York, Lord_Howe, Kolkata];

/// Common windows, such as have an end in the hour that is missing or comes twice, such as lie in it, and the whole day.
const WINDOWS: [(&str, &str); 11] = [
    ("08:30", "17:30"),
    ("00:00", "23:59"),
    ("00:30", "04:30"),
    ("01:00", "03:00"),
    ("01:30", "02:15"),
    ("01:35", "01:55"),
    ("02:00", "03:00"),
    ("02:10", "02:20"),
    ("02:15", "05:00"),
    ("02:40", "03:10"),
    ("19:30", "23:58"),
];

fn clock_time(text: &str) -> NaiveTime {
    NaiveTime::parse_from_str(text, "%H:%M").unwrap()
}

fn every_date() -> impl Iterator<Item = LocalDate> {
    (0..1_096).map(|n| LocalDate::ymd(2026, 1, 1).unwrap().plus(n))
}

fn offset_at_noon(date: LocalDate, zone: Zone) -> i32 {
    date.at(time(12, 0), zone).in_zone(zone).offset().fix().local_minus_utc()
}

/// Dates of 2026 to 2028 on which a zone's clocks change, and by how many minutes.
fn changes(zone: Zone) -> Vec<(LocalDate, i32)> {
    let by = |d: &LocalDate| (offset_at_noon(*d, zone) - offset_at_noon(d.minus(1), zone)) / 60;
    every_date().map(|d| (d, by(&d))).filter(|(_, minutes)| *minutes != 0).collect()
}

/// Three days either side of each change, of leap day, and of the turn of each year.
fn awkward_dates(zone: Zone) -> BTreeSet<LocalDate> {
    let turns = (2026..=2028).map(|y| LocalDate::ymd(y, 12, 31).unwrap());
    let middles = changes(zone).into_iter().map(|c| c.0).chain(LocalDate::ymd(2028, 2, 29)).chain(turns);
    middles.flat_map(|d| (0..7).map(move |n| d.minus(3).plus(n))).collect()
}

/// The first moment at which the wall clock shows `time` on `date`, found by watching it; a time that is not shown is read `gap` minutes later.
fn first_shown(date: LocalDate, time: NaiveTime, zone: Zone) -> Moment {
    let shown = |wanted: NaiveDateTime| {
        let around = wanted.and_utc().timestamp_millis();
        let from = around - 15 * 3_600_000;
        (0..30 * 12).map(|n| Moment(from + n * 300_000)).find(|at| at.in_zone(zone).naive_local() == wanted)
    };
    let wanted = date.0.and_time(time);
    let later = |minutes| wanted + Span::minutes(minutes);
    shown(wanted).or_else(|| shown(later(30)).filter(|_| zone == Lord_Howe)).or_else(|| shown(later(60))).unwrap()
}

fn daily() -> Calendar {
    Calendar { weekdays: (0..7).map(DayName).collect(), ..super::super::testing::workdays() }
}

/// A warming mailbox in each of the four zones and a partner in two, all with the same window.
fn pool_with(window: Window) -> Vec<Participant> {
    let with = |p: Participant, zone| Participant { zone, window, calendar: daily(), receive_limit: 40, ..p };
    let warm = CHANGING.into_iter().zip(0..).map(|(zone, n)| with(warming(&format!("m@d{n}.test"), 6), zone));
    let partners = [Berlin, Kolkata].into_iter().zip(0..).map(|(zone, n)| with(partner(&format!("p@p{n}.test")), zone));
    warm.chain(partners).collect()
}

fn window(from: NaiveTime, to: NaiveTime) -> Window {
    Window { from, to, mailbox_gap: Duration::from_mins(2), domain_gap: Duration::from_mins(1) }
}

#[test]
fn the_clocks_change_as_they_are_taken_to() {
    let of = |zone| changes(zone).iter().map(|(d, by)| format!("{d} {by:+}")).collect::<Vec<_>>();
    assert_eq!(of(Berlin), ["2026-03-29 +60", "2026-10-25 -60", "2027-03-28 +60", "2027-10-31 -60", "2028-03-26 +60", "2028-10-29 -60"]);
    assert_eq!(of(New_York), ["2026-03-08 +60", "2026-11-01 -60", "2027-03-14 +60", "2027-11-07 -60", "2028-03-12 +60", "2028-11-05 -60"]);
    assert_eq!(of(Lord_Howe), ["2026-04-05 -30", "2026-10-04 +30", "2027-04-04 -30", "2027-10-03 +30", "2028-04-02 -30", "2028-10-01 +30"]);
    assert!(of(Kolkata).is_empty());
}

#[test]
fn every_moment_has_one_date_and_dates_follow_each_other() {
    // And those whose clocks change at midnight: the date begins at one, or its first hour comes twice.
    for zone in CHANGING.into_iter().chain([Cairo, Havana, Santiago, Beirut, Azores]) {
        for date in every_date() {
            let midnight = date.at(NaiveTime::MIN, zone);
            assert_eq!(midnight.local_date(zone), date, "{zone}");
            assert_eq!((midnight - Duration::from_millis(1)).local_date(zone), date.minus(1), "{zone}");
            assert_eq!(date.plus(1).minus(1), date);
        }
        let hours =
            awkward_dates(zone).into_iter().flat_map(|d| (0..96).map(move |n| d.at(NaiveTime::MIN, zone) + Duration::from_mins(15) * n));
        let dates: Vec<LocalDate> = hours.map(|at| at.local_date(zone)).collect();
        assert!(dates.windows(2).all(|d| d[1] >= d[0]), "{zone}: no date comes again");
    }
    let leap: Vec<String> = (0..4).map(|n| LocalDate::ymd(2028, 2, 27).unwrap().plus(n).to_string()).collect();
    assert_eq!(leap, ["2028-02-27", "2028-02-28", "2028-02-29", "2028-03-01"]);
}

#[test]
fn a_window_is_one_piece_by_the_wall_clock_and_no_two_dates_share_a_moment_of_it() {
    for zone in CHANGING {
        let missing_or_twice: BTreeSet<LocalDate> = changes(zone).into_iter().map(|c| c.0).collect();
        for date in awkward_dates(zone) {
            for (from, to) in WINDOWS.map(|(from, to)| (clock_time(from), clock_time(to))) {
                let (open, end) = window_on(date, from, to, zone);
                assert_eq!((open, end), (first_shown(date, from, zone), first_shown(date, to, zone)), "{zone} {date} {from} to {to}");
                assert!(end <= window_on(date.plus(1), from, to, zone).0);
                assert_eq!((open.local_date(zone), end.local_date(zone)), (date, date));
                if !missing_or_twice.contains(&date) {
                    assert_eq!(end.0 - open.0, (to - from).num_milliseconds(), "{zone} {date}");
                }
            }
        }
        // A whole day is shorter or longer by what the clock is set.
        for (date, by) in changes(zone) {
            let (open, end) = window_on(date, NaiveTime::MIN, clock_time("23:59"), zone);
            assert_eq!((end.0 - open.0) / 60_000, i64::from(24 * 60 - 1 - by), "{zone} {date}");
        }
    }
}

#[test]
fn every_slot_lies_in_its_window_by_the_wall_clock_and_counts_for_its_senders_date() {
    let dates: BTreeSet<LocalDate> = CHANGING.into_iter().flat_map(awkward_dates).collect();
    let days_of_change = CHANGING.map(|zone| changes(zone).into_iter().map(|c| c.0).collect::<BTreeSet<_>>());
    let mut in_the_second_pass = 0;
    for (from, to) in WINDOWS.map(|(from, to)| (clock_time(from), clock_time(to))) {
        let pool = pool_with(window(from, to));
        let people = by_address(&pool);
        for &date in &dates {
            let agenda = make(Seed(9), date, &pool, &limits(), &History::default());
            check(&agenda, date, &pool, &limits(), &History::default());
            for l in agenda.letters.iter() {
                let zone = people[&l.sender].zone;
                let (open, end) = window_on(l.date, from, to, zone);
                if open >= end {
                    // The clock springs over the whole window: its one moment is no time to send, and the run skips what is planned for it.
                    assert_eq!(l.expected, open);
                    continue;
                }
                assert!(open <= l.expected && l.expected < end, "{zone} {l:?}");
                assert_eq!(l.expected.local_date(zone), l.date);
                // By the hands of the clock too, where its ends are shown once. The hour that comes twice belongs to one window, both times.
                let shown = l.expected.in_zone(zone);
                let changes_then = CHANGING.iter().zip(&days_of_change).any(|(z, days)| *z == zone && days.contains(&l.date));
                let is_shown_once = |t: NaiveTime| !changes_then || !(1..=3).contains(&t.hour());
                if is_shown_once(from) && is_shown_once(to) {
                    assert!(from <= shown.time() && shown.time() < to, "{zone} {shown}");
                    let hour_before = (l.expected - Duration::from_hours(1)).in_zone(zone).time();
                    in_the_second_pass += u32::from(hour_before == shown.time());
                }
            }
        }
    }
    assert!(in_the_second_pass > 0, "an hour that comes twice was used twice");
}

#[test]
fn answers_and_readers_keep_the_hours_of_the_wall_clock() {
    let engagement = Engagement { from: time(1, 30), to: time(4, 0), ..Engagement::default() };
    for zone in CHANGING {
        let habits = Habits { engagement: &engagement, zone };
        for date in awkward_dates(zone) {
            let midnight = date.at(NaiveTime::MIN, zone);
            for at in (0..48).map(|n| midnight + Duration::from_mins(37) * n) {
                let read = habits.within_hours(at);
                let (open, close) = window_on(read.local_date(zone), engagement.from, engagement.to, zone);
                assert!(read >= at && (open..=close).contains(&read), "{zone}: {at} to {read}");
                for (from, to) in [("08:30", "17:30"), ("01:00", "03:00"), ("19:30", "23:58")] {
                    let window = window(clock_time(from), clock_time(to));
                    let slots = answer_slots(at, &window, &daily(), zone, 3);
                    assert_eq!(slots.len(), 3);
                    assert!(slots.windows(2).all(|s| s[1].0 == s[0].0.plus(1)), "no date is left out: {slots:?}");
                    for (date, slot) in slots {
                        let (open, end) = window_on(date, window.from, window.to, zone);
                        assert!(slot >= at && open <= slot && slot <= end && slot.local_date(zone) == date, "{zone}: {at} to {slot}");
                    }
                }
            }
        }
    }
}
