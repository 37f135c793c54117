use proptest::prelude::*;

use super::*;
use crate::ramp::fixtures::{calendar, plain_calendar, ramp, schedule, steps};

/// Whole volumes, notes, and the total of the real-valued shape.
fn drawn(start: u32, target: u32, weeks: u32, shape: Curve) -> (Vec<u32>, Vec<String>, f64) {
    let r = ramp(start, target, weeks, shape);
    let d = draw_curve(&r, &plain_calendar());
    (d.volumes, d.notes, real_shape(&r, weeks as usize * 5).iter().sum())
}

#[test]
fn a_linear_ramp_of_six_weeks() {
    let (volumes, notes, real) = drawn(4, 30, 6, Curve::Linear);
    assert_eq!(
        volumes,
        vec![4, 5, 6, 7, 8, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 26, 27, 28, 29, 30]
    );
    assert!(notes.is_empty());
    assert!((real - 510.0).abs() < 1e-6);
    assert_eq!(volumes.iter().sum::<u32>(), 510);
}

#[test]
fn an_exponential_ramp_of_four_weeks() {
    let (volumes, notes, real) = drawn(5, 40, 4, Curve::Exponential);
    assert_eq!(volumes, vec![5, 5, 6, 7, 8, 9, 10, 11, 12, 13, 15, 17, 18, 21, 23, 26, 29, 32, 36, 40]);
    assert!(notes.is_empty());
    assert!((real - f64::from(volumes.iter().sum::<u32>())).abs() < 1.0, "{real}");
}

#[test]
fn a_logistic_ramp_of_six_weeks() {
    let (volumes, notes, real) = drawn(3, 20, 6, Curve::Logistic);
    assert_eq!(volumes, vec![3, 3, 3, 3, 4, 4, 4, 5, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 18, 19, 19, 19, 20, 20, 20, 20]);
    assert!(notes.is_empty());
    assert!((real - 345.0).abs() < 1e-6, "an S is symmetric: {real}");
    assert_eq!(volumes.iter().sum::<u32>(), 345);
}

#[test]
fn steps_stand_as_they_are_listed_by_day_or_by_week() {
    let by_day = steps(&[50, 100, 500, 1_000, 2_000], StepUnit::Day);
    assert_eq!(curve(&by_day, &plain_calendar()), vec![50, 100, 500, 1_000, 2_000]);
    let by_week = steps(&[5, 10, 8], StepUnit::Week);
    assert_eq!(curve(&by_week, &plain_calendar()), vec![5, 5, 5, 5, 5, 10, 10, 10, 10, 10, 8, 8, 8, 8, 8]);
    assert_eq!(curve(&by_week, &calendar([0, 2], 0.0, &[])), vec![5, 5, 10, 10, 8, 8]);
    assert_eq!(curve(&by_week, &calendar([], 0.0, &[])), Vec::<u32>::new());
}

#[test]
fn the_growth_bound_takes_the_days_that_it_needs_and_says_so() {
    let (volumes, notes, _) = drawn(10, 60, 2, Curve::Exponential);
    assert_eq!(volumes, vec![10, 12, 14, 16, 19, 22, 26, 31, 37, 44, 52, 60]);
    assert_eq!(
        notes,
        vec!["the growth bound (the larger of +2 and 20 % a day) makes the ramp longer: 60 is reached after 12 send-days, not 10"]
    );
}

#[test]
fn a_bound_that_never_gets_there_ends_the_ramp_below_its_target() {
    let slow = Ramp { max_daily_growth: Some(Growth { messages: 0, share: 0.0 }), ..ramp(1, 100_000, 6, Curve::Linear) };
    let d = draw_curve(&slow, &plain_calendar());
    assert_eq!((d.volumes.len(), d.volumes.last().copied()), (1_830, Some(1_830)));
    assert!(d.notes[0].contains("does not reach the target of 100000 within 1830 send-days: the ramp ends at 1830"), "{:?}", d.notes);
}

#[test]
fn holidays_do_not_shorten_a_ramp_and_weekends_with_a_share_lengthen_it() {
    let r = ramp(4, 30, 6, Curve::Linear);
    let with_holidays = calendar(0..5, 0.0, &["2026-12-24", "2026-12-25"]);
    assert_eq!(curve(&r, &with_holidays), curve(&r, &plain_calendar()));
    assert_eq!(curve(&r, &calendar(0..5, 0.3, &[])).len(), 42);
}

#[test]
fn a_single_send_day_is_not_both_start_and_target() {
    let mondays = calendar([0], 0.0, &[]);
    assert_eq!(curve(&ramp(4, 5, 1, Curve::Linear), &mondays), vec![4, 5]);
    assert_eq!(curve(&ramp(4, 4, 1, Curve::Logistic), &mondays), vec![4]);
    let no_day = draw_curve(&ramp(4, 5, 1, Curve::Linear), &calendar([], 0.0, &[]));
    assert_eq!((no_day.volumes, no_day.notes.len()), (vec![], 1));
}

#[test]
fn a_share_of_round_numbers_is_not_lost_to_the_machines_arithmetic() {
    let growth = Growth { messages: 2, share: 0.29 };
    assert_eq!(allowed_step(growth, 100), 29);
    assert_eq!(allowed_step(growth, 3), 2);
    assert_eq!(allowed_step(Growth { messages: 0, share: 0.0 }, 3), 1);
}

#[test]
fn a_mark_tells_curves_apart_and_nothing_else() {
    let a = schedule(ramp(4, 30, 6, Curve::Linear));
    let renamed = crate::config::Schedule { name: "other".into(), ..a.clone() };
    let jittered = schedule(Ramp { jitter: 0.1, ..a.ramp.clone() });
    let higher = schedule(ramp(4, 31, 6, Curve::Linear));
    assert_eq!(curve_mark(&a), curve_mark(&renamed));
    assert_eq!(curve_mark(&a), curve_mark(&jittered));
    assert_ne!(curve_mark(&a), curve_mark(&higher));
}

fn shapes() -> impl Strategy<Value = Curve> {
    prop_oneof![Just(Curve::Linear), Just(Curve::Exponential), Just(Curve::Logistic)]
}

fn growths() -> impl Strategy<Value = Growth> {
    (0_u32..50, 0.0_f64..1.0).prop_map(|(messages, share)| Growth { messages, share })
}

proptest! {
    #[test]
    fn without_a_bound_a_ramp_rises_from_start_to_target_with_the_shapes_total(
        start in 1_u32..1_000, more in 0_u32..1_000_000, weeks in 1_u32..=26, days in 1_u8..=7, shape in shapes(),
    ) {
        let r = Ramp { max_daily_growth: None, ..ramp(start, start + more, weeks, shape) };
        let c = calendar(0..days, 0.0, &[]);
        let volumes = curve(&r, &c);
        prop_assert_eq!(volumes.first(), Some(&start));
        prop_assert_eq!(volumes.last(), Some(&(start + more)));
        prop_assert!(volumes.is_sorted());
        let real: f64 = real_shape(&r, (weeks * u32::from(days)) as usize).iter().sum();
        let total: f64 = volumes.iter().map(|v| f64::from(*v)).sum();
        prop_assert!((real - total).abs() <= 1.0, "{} {}", real, total);
    }

    #[test]
    fn with_a_bound_no_step_breaks_it_and_the_target_is_reached(
        start in 1_u32..500, more in 0_u32..1_500, weeks in 1_u32..=26, shape in shapes(), growth in growths(),
    ) {
        let r = Ramp { max_daily_growth: Some(growth), ..ramp(start, start + more, weeks, shape) };
        let d = draw_curve(&r, &plain_calendar());
        prop_assert_eq!(d.volumes.first(), Some(&start));
        prop_assert_eq!(d.volumes.last(), Some(&(start + more)));
        prop_assert!(d.volumes.is_sorted());
        for pair in d.volumes.windows(2) {
            prop_assert!(pair[1] - pair[0] <= allowed_step(growth, pair[0]), "{:?} {:?}", pair, growth);
        }
        let real = real_shape(&r, weeks as usize * 5);
        let total: f64 = d.volumes.iter().map(|v| f64::from(*v)).sum();
        if d.notes.is_empty() {
            prop_assert!((real.iter().sum::<f64>() - total).abs() <= 1.0 + 2.0 * DUST);
        } else {
            prop_assert!(shortfall(&real, &d.volumes) >= -1.0, "the bound never adds to the shape's days");
        }
        prop_assert_eq!(d.shape.len(), d.volumes.len());
    }
}
