use super::*;
use crate::config::{Curve, Growth, Ramp};
use crate::ramp::OutsideCount;
use crate::ramp::fixtures::{address, calendar, date, ramp, schedule, standard, wanted};

fn at(day: u32) -> Position {
    Position { ramp_day: RampDay(day), done: false, reached: 0, fold: vec![] }
}

fn told(schedule: &Schedule, position: &Position, on: &str, caps: &Caps) -> Vec<String> {
    let q = quota(schedule, position, date(on), Seed(7), &address("anna@new.example"), caps);
    assert_eq!(q.value, q.reasons.last().unwrap().value);
    q.reasons.iter().map(|r| format!("{} {}: {}", r.rule, r.value, r.why)).collect()
}

#[test]
fn every_step_of_a_plain_day_is_told() {
    let s = schedule(Ramp { jitter: 0.1, ..standard().ramp });
    let caps = Caps { guard: None, mailbox: Some(50), domain_share: Some(12), provider: Some(2_000), pool: Some(7), outside: None };
    assert_eq!(
        told(&s, &at(20), "2026-12-29", &caps),
        vec![
            "curve 21: ramp day 20 of 30 on a linear ramp from 4 to 30",
            "calendar 21: Tuesday is a full day",
            "jitter 20: chance takes 1 off today (2 at most, 10 %)",
            "mailbox cap 20: the mailbox's daily_cap is 50: room enough",
            "domain cap 12: the mailbox's share of its domain's daily_cap is 12",
            "provider limit 12: what the provider's daily limit leaves is 2000: room enough",
            "pool 7: what the pool can carry is 7",
        ]
    );
}

#[test]
fn the_growth_bound_is_told_where_it_bites() {
    let s = schedule(ramp(10, 60, 2, Curve::Exponential));
    assert_eq!(
        told(&s, &at(5), "2026-12-29", &Caps::default())[..2],
        [
            "curve 22: ramp day 5 of 12 on an exponential ramp from 10 to 60",
            "growth bound 19: the larger of +2 and 20 % a day at most, and the ramp day before has 16",
        ]
    );
}

#[test]
fn weekends_and_holidays() {
    let half = Schedule { calendar: calendar(0..5, 0.25, &["2026-12-25"]), ..standard() };
    let on = |day: &str| told(&half, &at(10), day, &Caps::default()).pop().unwrap();
    assert_eq!(on("2026-12-05"), "calendar 3: 25 % on a Saturday"); // 10 of ramp day 10 of 42
    assert_eq!(on("2026-12-25"), "calendar 0: 2026-12-25 is a holiday: no sending");
    let little = Schedule { calendar: calendar(0..5, 0.01, &[]), ..standard() };
    assert_eq!(told(&little, &at(1), "2026-12-05", &Caps::default())[1], "calendar 1: 1 % on a Saturday");
    assert_eq!(told(&standard(), &at(1), "2026-12-05", &Caps::default())[1], "calendar 0: no sending on a Saturday");
}

#[test]
fn after_the_ramp_it_maintains_or_stops_and_never_sends_more_than_the_ramp_did() {
    let done = Position { ramp_day: RampDay(31), done: true, reached: 30, fold: vec![] };
    let with = |after| told(&Schedule { after, ..standard() }, &done, "2026-12-29", &Caps::default()).remove(0);
    assert_eq!(with(AfterRamp::Maintain(10)), "after the ramp 10: the ramp is done: maintain 10 a day");
    assert_eq!(with(AfterRamp::Maintain(99)), "after the ramp 30: the ramp is done: maintain 99 a day, but never more than the ramp's 30");
    assert_eq!(with(AfterRamp::Stop), "after the ramp 0: the ramp is done, and the schedule says stop");
}

#[test]
fn jitter_is_the_same_for_the_same_day_and_spreads_over_its_share() {
    let s = schedule(Ramp { jitter: 0.2, max_daily_growth: None, ..ramp(100, 100, 6, Curve::Linear) });
    let draw = |n: u32, seed: u64| {
        let day = date("2026-12-01").plus(n * 7);
        quota(&s, &at(1), day, Seed(seed), &address("anna@new.example"), &Caps::default()).value
    };
    let all: Vec<u32> = (0..300).map(|n| draw(n, 7)).collect();
    assert_eq!(all, (0..300).map(|n| draw(n, 7)).collect::<Vec<_>>());
    assert_ne!(all, (0..300).map(|n| draw(n, 8)).collect::<Vec<_>>());
    assert_eq!((all.iter().min(), all.iter().max()), (Some(&80), Some(&100)));
}

#[test]
fn an_empty_calendar_has_a_quota_of_nothing() {
    let nothing = Schedule { calendar: calendar([], 0.0, &[]), ..standard() };
    assert_eq!(
        told(&nothing, &at(1), "2026-12-01", &Caps::default()),
        vec!["curve 0: the schedule's calendar has no send-day", "calendar 0: no sending on a Tuesday"]
    );
}

#[test]
fn a_domains_cap_is_split_fairly() {
    let all = [("a@x.test", 10), ("b@x.test", 20), ("c@x.test", 30)];
    assert_eq!(domain_shares(60, &wanted(&all)), wanted(&all));
    assert_eq!(domain_shares(30, &wanted(&all)), wanted(&[("a@x.test", 5), ("b@x.test", 10), ("c@x.test", 15)]));
    assert_eq!(domain_shares(10, &wanted(&all)), wanted(&[("a@x.test", 2), ("b@x.test", 3), ("c@x.test", 5)]));
    assert_eq!(
        domain_shares(5, &wanted(&[("a@x.test", 7), ("b@x.test", 7), ("c@x.test", 7)])),
        wanted(&[("a@x.test", 2), ("b@x.test", 2), ("c@x.test", 1)])
    );
    assert_eq!(domain_shares(0, &wanted(&all)), wanted(&[("a@x.test", 0), ("b@x.test", 0), ("c@x.test", 0)]));
    assert_eq!(domain_shares(5, &BTreeMap::new()), BTreeMap::new());
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn shares_use_the_cap_up_and_nobody_gets_more_than_wanted(
            cap in prop_oneof![0_u32..500, any::<u32>()],
            amounts in prop::collection::vec(prop_oneof![0_u32..100, any::<u32>()], 0..12),
        ) {
            let asked: BTreeMap<Address, u32> =
                amounts.iter().enumerate().map(|(i, n)| (address(&format!("m{i}@x.test")), *n)).collect();
            let shares = domain_shares(cap, &asked);
            let total: u64 = shares.values().map(|v| u64::from(*v)).sum();
            let all: u64 = amounts.iter().map(|v| u64::from(*v)).sum();
            prop_assert_eq!(total, all.min(u64::from(cap)));
            prop_assert!(shares.iter().all(|(who, share)| share <= &asked[who]));
        }

        #[test]
        fn a_quota_is_never_above_the_curve_nor_any_cap(
            day in 1_u32..60, offset in 0_u32..400, jitter in 0.0_f64..=0.5, factor in 0.0_f64..=1.0, seed: u64,
            caps in prop::array::uniform4(prop::option::of(0_u32..60)), messages in 1_u32..5, done: bool,
            share in 0.01_f64..=1.0, real in prop::option::of((0_u32..80, 0_u32..200, 0_u32..8)),
        ) {
            let s = Schedule {
                calendar: calendar(0..5, factor, &[]),
                share,
                ..schedule(Ramp { jitter, max_daily_growth: Some(Growth { messages, share: 0.2 }), ..ramp(4, 60, 3, Curve::Logistic) })
            };
            let outside = real.map(|(today, before, days)| OutsideCount { today, before, days });
            let caps = Caps { guard: None, mailbox: caps[0], domain_share: caps[1], provider: caps[2], pool: caps[3], outside };
            let standing = Position { ramp_day: RampDay(day), done, reached: 60, fold: vec![] };
            let q = quota(&s, &standing, date("2026-12-01").plus(offset), Seed(seed), &address("a@x.test"), &caps);
            let curve = draw_curve(&s.ramp, &s.calendar);
            let most = if done { 10 } else { curve.volume(RampDay(day)) };
            prop_assert!(q.value <= most);
            for cap in [caps.mailbox, caps.domain_share, caps.provider, caps.pool].into_iter().flatten() {
                prop_assert!(q.value <= cap);
            }
            prop_assert!(q.total >= q.value);
            for cap in [caps.mailbox, caps.provider].into_iter().flatten() {
                prop_assert!(q.total <= cap);
            }
            // Warmup makes room for real mail, but never below what is maintained, nor beyond what it wanted.
            if let (Some(real), Some(step)) = (caps.outside, q.reasons.iter().position(|r| r.rule == "share")) {
                let wanted = q.reasons[step - 1].value;
                let floor = part_of_a_day(&s, date("2026-12-01").plus(offset), 10).min(wanted);
                prop_assert!((floor..=wanted).contains(&q.reasons[step].value));
                prop_assert!(q.reasons[step].value == floor || q.value + real.expected() <= q.total);
            }
            prop_assert!(q.reasons.iter().skip(2).is_sorted_by(|a, b| a.value >= b.value));
            let before = q.reasons.iter().position(|r| r.rule == "calendar").map(|i| q.reasons[i].value);
            if let (Some(before), Some(after)) = (before, q.reasons.iter().find(|r| r.rule == "jitter")) {
                prop_assert!(f64::from(before - after.value) <= f64::from(before) * jitter + 1e-6);
            }
        }
    }
}
