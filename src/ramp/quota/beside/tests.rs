use super::*;
use crate::chance::Seed;
use crate::config::{Curve, StepUnit};
use crate::ramp::fixtures::{address, calendar, date, ramp, schedule, standard, steps};
use crate::ramp::{Caps, DayRecord, OutsideCount, Quota, curve_mark, position, quota};
use crate::words::LocalDate;

/// A level schedule: every day has this total until the ramp is done.
fn level(total: u32, share: f64, after: AfterRamp) -> Schedule {
    Schedule { after, share, ..schedule(ramp(total, total, 6, Curve::Linear)) }
}

fn day(schedule: &Schedule, outside: impl Into<Option<OutsideCount>>, caps: Caps) -> Quota {
    let caps = Caps { outside: outside.into(), ..caps };
    quota(schedule, &position(schedule, &[], date("2026-12-01")), date("2026-12-01"), Seed(7), &address("a@x.test"), &caps)
}

/// Seven send-days with this mean.
fn mean(of: u32) -> OutsideCount {
    OutsideCount { today: 0, before: of * 7, days: 7 }
}

fn last(quota: &Quota) -> String {
    let reason = quota.reasons.last().unwrap();
    format!("{} {} of {}: {}", reason.rule, quota.value, quota.total, reason.why)
}

#[test]
fn warmup_makes_room_for_real_mail_down_to_what_is_maintained() {
    let all = |after| (0..=40).step_by(4).map(|real| day(&level(30, 1.0, after), mean(real), Caps::default()).value).collect::<Vec<_>>();
    assert_eq!(all(AfterRamp::Maintain(10)), [30, 26, 22, 18, 14, 10, 10, 10, 10, 10, 10]);
    assert_eq!(all(AfterRamp::Stop), [30, 26, 22, 18, 14, 10, 6, 2, 0, 0, 0]);
    assert_eq!(all(AfterRamp::Maintain(60)), [30; 11], "no day is below what is maintained, however much that is");
    let half = |after| (0..=40).step_by(8).map(|real| day(&level(30, 0.5, after), mean(real), Caps::default()).value).collect::<Vec<_>>();
    assert_eq!(half(AfterRamp::Maintain(10)), [15, 15, 14, 10, 10, 10]);
    assert_eq!(half(AfterRamp::Maintain(20)), [20, 20, 20, 20, 20, 20]);
}

#[test]
fn the_step_is_told_in_words() {
    let told = |share, outside: OutsideCount| last(&day(&level(30, share, AfterRamp::Maintain(10)), outside, Caps::default()));
    assert_eq!(told(1.0, mean(12)), "share 18 of 30: 12 of 30 a day are real mail (mean of the last 7 send-days): warmup takes 18");
    assert_eq!(told(1.0, mean(0)), "share 30 of 30: no real mail (mean of the last 7 send-days): room enough");
    assert_eq!(told(1.0, OutsideCount::default()), "share 30 of 30: no real mail is known yet: room enough");
    assert_eq!(
        told(1.0, OutsideCount { today: 9, before: 8, days: 1 }),
        "share 21 of 30: 9 of 30 a day are real mail (so far today): warmup takes 21"
    );
    assert_eq!(
        told(1.0, mean(25)),
        "share 10 of 30: 25 of 30 a day are real mail (mean of the last 7 send-days): warmup takes 10, which is maintained whatever else is sent"
    );
    assert_eq!(
        told(1.0, mean(50)),
        "share 10 of 30: 50 a day are real mail (mean of the last 7 send-days), more than the total of 30: warmup takes 10, which is maintained whatever else is sent"
    );
    assert_eq!(told(0.6, mean(0)), "share 18 of 30: warmup's share of 30 is 60 %; no real mail (mean of the last 7 send-days)");
    assert_eq!(
        told(0.6, mean(8)),
        "share 18 of 30: warmup's share of 30 is 60 %; 8 of 30 a day are real mail (mean of the last 7 send-days)"
    );
    assert_eq!(
        told(0.1, mean(8)),
        "share 10 of 30: warmup's share of 30 is 10 %; 8 of 30 a day are real mail (mean of the last 7 send-days), which is maintained whatever else is sent"
    );
}

#[test]
fn where_nobody_counts_real_mail_a_share_is_one_cap_more_and_nothing_is_said_without_one() {
    let told = |share| last(&day(&level(30, share, AfterRamp::Maintain(10)), None, Caps::default()));
    assert_eq!(told(1.0), "calendar 30 of 30: Tuesday is a full day");
    assert_eq!(told(0.5), "share 15 of 15: warmup's share of 30 is 50 %");
    assert_eq!(told(0.335), "share 11 of 11: warmup's share of 30 is 33.5 %");
    assert_eq!(told(0.1), "share 10 of 10: warmup's share of 30 is 10 %, which is maintained whatever else is sent");
}

#[test]
fn what_the_pool_cannot_carry_is_taken_off_the_total_too() {
    let of = |real, pool| day(&level(30, 1.0, AfterRamp::Maintain(4)), mean(real), Caps { pool: Some(pool), ..Caps::default() });
    assert_eq!(last(&of(0, 7)), "pool 7 of 7: what the pool can carry is 7");
    assert_eq!(last(&of(12, 20)), "pool 18 of 30: what the pool can carry is 20: room enough");
    assert_eq!(last(&of(12, 7)), "pool 7 of 19: what the pool can carry is 7", "7 letters and 12 of real mail");
}

#[test]
fn a_weekend_maintains_its_part() {
    let s = Schedule { calendar: calendar(0..5, 0.5, &[]), ..level(30, 1.0, AfterRamp::Maintain(10)) };
    let on = |d: &str| {
        let caps = Caps { outside: Some(mean(14)), ..Caps::default() };
        let q = quota(&s, &position(&s, &[], date(d)), date(d), Seed(7), &address("a@x.test"), &caps);
        (q.value, q.total)
    };
    assert_eq!((on("2026-12-04"), on("2026-12-05")), ((16, 30), (5, 15)));
}

/// What becomes of a mailbox whose real mail is `real` on the n-th send-day, over some dates: total, warmup, real mail.
fn weeks(schedule: &Schedule, days: u32, real: impl Fn(usize) -> u32) -> Vec<(u32, u32, u32)> {
    let (mark, mut history): (_, Vec<DayRecord>) = (curve_mark(schedule), Vec::new());
    for on in (0..days).map(|n| date("2026-12-01").plus(n)).filter(|d| schedule.calendar.is_send_day(*d)) {
        let recent = history.iter().rev().take(7);
        let outside = OutsideCount { today: 0, before: recent.clone().map(|d| d.outside).sum(), days: recent.count() as u32 };
        let caps = Caps { outside: Some(outside), ..Caps::default() };
        let q = quota(schedule, &position(schedule, &history, on), on, Seed(7), &address("a@x.test"), &caps);
        let (quota, total, outside) = (q.value, q.total, real(history.len()));
        history.push(DayRecord { date: on, quota, total, offered: quota, accepted: quota, outside, verdict: None, curve: mark });
    }
    history.iter().map(|d| (d.total, d.quota, d.outside)).collect()
}

#[test]
fn a_whole_ramp_beside_real_mail_that_grows() {
    // 4 to 30 in 30 send-days; real mail begins on the 11th and grows by 1 a day; 10 are maintained.
    let all = weeks(&standard(), 50, |n| (n as u32).saturating_sub(9));
    let part = |f: fn(&(u32, u32, u32)) -> u32| all.iter().map(f).collect::<Vec<_>>();
    let plain = weeks(&standard(), 50, |_| 0);
    let totals = part(|d| d.0);
    assert_eq!(
        totals,
        [
            4, 5, 6, 7, 8, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 26, 27, 28, 29, 30, 30, 30, 30,
            30, 30, 30
        ]
    );
    assert_eq!(totals[..30], plain.iter().map(|d| d.0).collect::<Vec<_>>()[..30], "the ramp goes on as it would without real mail");
    assert_eq!(
        part(|d| d.1),
        [
            4, 5, 6, 7, 8, 8, 9, 10, 11, 12, 13, 13, 14, 15, 15, 14, 15, 15, 15, 15, 15, 15, 15, 15, 15, 14, 14, 14, 14, 14, 10, 10, 10,
            10, 10, 10
        ]
    );
}

#[test]
fn a_ramp_whose_room_for_real_mail_stays_empty_waits_where_warmup_alone_takes_it() {
    let half = Schedule { share: 0.5, after: AfterRamp::Maintain(5), ..schedule(steps(&[4, 6, 8, 10, 12, 14, 16], StepUnit::Day)) };
    let brief = |all: Vec<(u32, u32, u32)>| all.into_iter().map(|(total, warmup, _)| (total, warmup)).collect::<Vec<_>>();
    assert_eq!(brief(weeks(&half, 14, |_| 0)), [(4, 4), (6, 5), (8, 5), (8, 5), (8, 5), (8, 5), (8, 5), (8, 5), (8, 5), (8, 5)]);
    let filled = brief(weeks(&half, 14, |_| 8));
    assert_eq!(filled, [(4, 4), (6, 5), (8, 5), (10, 5), (12, 5), (14, 6), (16, 8), (16, 5), (16, 5), (16, 5)]);
}

#[test]
fn after_the_ramp_what_it_reached_beyond_what_is_maintained_is_for_real_mail() {
    let s = Schedule { after: AfterRamp::Maintain(3), ..schedule(steps(&[4, 6, 8], StepUnit::Day)) };
    let send_days = ["2026-12-01", "2026-12-02", "2026-12-03"].map(date);
    let done = |reached: [u32; 3], caps: Caps| {
        let days: Vec<DayRecord> = send_days
            .iter()
            .zip(reached)
            .map(|(on, total): (&LocalDate, u32)| crate::ramp::fixtures::good_day(&on.to_string(), total, curve_mark(&s)))
            .collect();
        let q = quota(&s, &position(&s, &days, date("2026-12-04")), date("2026-12-04"), Seed(7), &address("a@x.test"), &caps);
        (q.value, q.total)
    };
    assert_eq!(done([4, 6, 8], Caps::default()), (3, 8));
    assert_eq!(done([4, 6, 6], Caps::default()), (3, 6), "the pool carried no more than 6");
    assert_eq!(done([4, 6, 8], Caps { mailbox: Some(5), ..Caps::default() }), (3, 5));
    assert_eq!(done([4, 6, 8], Caps { provider: Some(2), ..Caps::default() }), (2, 2));
    assert_eq!(done([4, 6, 8], Caps { outside: Some(mean(7)), ..Caps::default() }), (3, 8), "never below what is maintained");
}
