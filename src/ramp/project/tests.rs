use proptest::prelude::*;

use super::*;
use crate::config::{AfterRamp, Curve, Growth, Ramp, StepUnit};
use crate::ramp::fixtures::{address, calendar, date, good_day, ramp, schedule, standard, steps};
use crate::ramp::{curve, curve_mark};
use crate::words::Verdict;

fn plan(schedule: &Schedule, start: &str, history: &[DayRecord], today: &str, caps: &Caps, days: Option<u32>) -> Vec<PlannedDay> {
    project(schedule, Seed(7), &address("anna@new.example"), date(start), history, date(today), &|_| caps.clone(), days)
}

fn brief(plan: &[PlannedDay]) -> Vec<(String, Option<u32>, u32)> {
    plan.iter().map(|d| (d.date.to_string(), d.ramp_day.map(|r| r.0), d.quota.value)).collect()
}

fn row(date: &str, ramp_day: u32, quota: u32) -> (String, Option<u32>, u32) {
    (date.to_owned(), Some(ramp_day).filter(|d| *d > 0), quota)
}

#[test]
fn a_short_ramp_by_date_with_its_weekend_its_holiday_and_what_comes_after() {
    let s = Schedule { calendar: calendar(0..5, 0.0, &["2026-12-08"]), ..schedule(steps(&[2, 4, 6, 8], StepUnit::Day)) };
    assert_eq!(
        brief(&plan(&s, "2026-12-04", &[], "2026-12-01", &Caps::default(), None)),
        vec![
            row("2026-12-04", 1, 2),
            row("2026-12-05", 0, 0),
            row("2026-12-06", 0, 0),
            row("2026-12-07", 2, 4),
            row("2026-12-08", 0, 0),
            row("2026-12-09", 3, 6),
            row("2026-12-10", 4, 8),
            row("2026-12-11", 0, 8),
            row("2026-12-12", 0, 0),
            row("2026-12-13", 0, 0),
            row("2026-12-14", 0, 8),
            row("2026-12-15", 0, 8),
            row("2026-12-16", 0, 8),
            row("2026-12-17", 0, 8),
        ]
    );
}

#[test]
fn the_shipped_shape_of_six_weeks_ends_on_its_day() {
    let s = standard();
    let p = plan(&s, "2026-12-01", &[], "2026-12-01", &Caps::default(), None);
    let sent: Vec<u32> = p.iter().filter(|d| d.ramp_day.is_some()).map(|d| d.quota.value).collect();
    assert_eq!(sent, curve(&s.ramp, &s.calendar));
    let last = p.iter().rev().find(|d| d.ramp_day.is_some()).unwrap();
    assert_eq!((last.date.to_string().as_str(), p.len()), ("2027-01-11", 42 + 7));
}

#[test]
fn past_days_stand_as_they_were_and_the_rest_goes_on_from_there() {
    let s = standard();
    let mark = curve_mark(&s);
    let held = DayRecord { verdict: Some(Verdict::Hold), ..good_day("2026-12-02", 5, mark) };
    let p = plan(&s, "2026-12-01", &[good_day("2026-12-01", 4, mark), held], "2026-12-03", &Caps::default(), Some(2));
    assert_eq!(brief(&p), vec![row("2026-12-01", 1, 4), row("2026-12-02", 2, 5), row("2026-12-03", 2, 5), row("2026-12-04", 3, 6)]);
    assert_eq!(p[1].quota.reasons[0].why, "held by the guard: the position stays");
}

#[test]
fn a_long_holiday_is_idleness_in_the_plan_too() {
    let days: Vec<String> = (0..12).map(|n| date("2026-12-21").plus(n).to_string()).collect();
    let names: Vec<&str> = days.iter().map(String::as_str).collect();
    let s = Schedule { calendar: calendar(0..5, 0.0, &names), ..standard() };
    let p = plan(&s, "2026-12-07", &[], "2026-12-07", &Caps::default(), None);
    let around: Vec<_> = brief(&p).into_iter().filter(|(_, day, _)| matches!(day, Some(7..=12))).collect();
    assert_eq!(
        around,
        vec![
            row("2026-12-15", 7, 9),
            row("2026-12-16", 8, 10),
            row("2026-12-17", 9, 11),
            row("2026-12-18", 10, 12),
            row("2027-01-06", 7, 9),
            row("2027-01-07", 8, 10),
            row("2027-01-08", 9, 11),
            row("2027-01-11", 10, 12),
            row("2027-01-12", 11, 13),
            row("2027-01-13", 12, 14),
        ],
        "from 11, idle for 17 days: half of it, which is 5; ramp day 5 on 4 January has 8"
    );
    assert_eq!(brief(&p).into_iter().find(|d| d.0 == "2027-01-04"), Some(row("2027-01-04", 5, 8)));
}

#[test]
fn a_ramp_that_cannot_end_stops_the_plan() {
    let nothing = Schedule { calendar: calendar([], 0.0, &[]), ..standard() };
    let p = plan(&nothing, "2026-12-01", &[], "2026-12-01", &Caps::default(), None);
    assert!(p.iter().all(|d| d.quota.value == 0 && d.ramp_day.is_none()));
    assert_eq!(p.len(), 6 * 14 + 60);
    let capped = plan(&standard(), "2026-12-01", &[], "2026-12-01", &Caps { pool: Some(0), ..Caps::default() }, None);
    assert_eq!(capped.len(), 6 * 14 + 60);
}

#[test]
fn after_a_stop_nothing_is_planned_for_good() {
    let s = Schedule { after: AfterRamp::Stop, ..schedule(steps(&[2, 4], StepUnit::Day)) };
    let p = plan(&s, "2026-12-01", &[], "2026-12-01", &Caps::default(), Some(60));
    assert_eq!(p.iter().filter(|d| d.quota.value > 0).count(), 2);
}

#[test]
fn a_plan_beside_real_mail_has_warmup_only_and_takes_its_room_as_filled() {
    let s = Schedule { after: AfterRamp::Maintain(2), ..schedule(steps(&[4, 6, 8, 10], StepUnit::Day)) };
    let outside = Some(crate::ramp::OutsideCount { today: 0, before: 12, days: 4 });
    let p = plan(&s, "2026-12-01", &[], "2026-12-01", &Caps { outside, ..Caps::default() }, Some(7));
    let of = |f: fn(&PlannedDay) -> u32| p.iter().map(f).collect::<Vec<_>>();
    assert_eq!(of(|d| d.quota.value), [2, 3, 5, 7, 0, 0, 2]);
    assert_eq!(of(|d| d.quota.total), [4, 6, 8, 10, 0, 0, 10]);
    assert_eq!(p.iter().map(|d| d.ramp_day.map(|r| r.0)).collect::<Vec<_>>(), [Some(1), Some(2), Some(3), Some(4), None, None, None]);
}

fn schedules() -> impl Strategy<Value = Schedule> {
    let shape = prop_oneof![
        Just(Curve::Linear),
        Just(Curve::Exponential),
        Just(Curve::Logistic),
        (prop::collection::vec(1_u32..=1_000_000, 0..60), prop::bool::ANY)
            .prop_map(|(volumes, week)| Curve::Steps { volumes, per: if week { StepUnit::Week } else { StepUnit::Day } }),
    ];
    let days = prop::collection::btree_set(0_u8..7, 0..=7);
    let factor = prop_oneof![Just(0.0), 0.0_f64..=1.0];
    let growth = prop::option::of((0_u32..20, 0.0_f64..=1.0).prop_map(|(messages, share)| Growth { messages, share }));
    let after = prop_oneof![Just(AfterRamp::Stop), (0_u32..50).prop_map(AfterRamp::Maintain)];
    let first = (1_u32..50, 0_u32..500, 1_u32..=26, 0.0_f64..=0.5);
    (first, shape, days, factor, growth, after).prop_map(|((start, more, weeks, jitter), shape, days, factor, growth, after)| Schedule {
        calendar: calendar(days, factor, &["2026-12-24", "2026-12-25", "2027-01-01"]),
        after,
        ..schedule(Ramp { jitter, max_daily_growth: growth, ..ramp(start, start + more, weeks, shape) })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_schedule_in_range_breaks_a_plan(s in schedules(), seed: u64, cap in prop::option::of(0_u32..100), days in prop::option::of(0_u32..300)) {
        let caps = Caps { domain_share: cap, ..Caps::default() };
        let p = project(&s, Seed(seed), &address("a@x.test"), date("2026-12-01"), &[], date("2026-12-01"), &|_| caps.clone(), days);
        let volumes = curve(&s.ramp, &s.calendar);
        if let Some(days) = days {
            prop_assert_eq!(p.len() as u32, days);
        }
        prop_assert!(p.len() as u32 <= HORIZON);
        for (n, day) in p.iter().enumerate() {
            prop_assert_eq!(day.date, date("2026-12-01").plus(n as u32));
            prop_assert!(cap.is_none_or(|cap| day.quota.value <= cap));
            prop_assert!(day.quota.value == 0 || s.calendar.is_send_day(day.date));
            if let Some(ramp_day) = day.ramp_day {
                prop_assert!(day.quota.value <= volumes[ramp_day.0 as usize - 1]);
            }
        }
    }
}
