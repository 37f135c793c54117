use super::*;
use crate::config::{Curve, Ramp, StepUnit};
use crate::ramp::curve_mark;
use crate::ramp::fixtures::{calendar, date, good_day, ramp, schedule, standard, steps};

/// A history of good days of `standard()` on the given weekdays' dates.
fn good_days(schedule: &Schedule, first: &str, days: u32) -> Vec<DayRecord> {
    let mark = curve_mark(schedule);
    let volumes = curve(&schedule.ramp, &schedule.calendar);
    let send_days = (0..).map(|n| date(first).plus(n)).filter(|d| schedule.calendar.is_send_day(*d));
    send_days.zip(volumes).take(days as usize).map(|(d, v)| good_day(&d.to_string(), v, mark)).collect()
}

fn stands(schedule: &Schedule, history: &[DayRecord], today: &str) -> (u32, bool) {
    let p = position(schedule, history, date(today));
    (p.ramp_day.0, p.done)
}

fn told(schedule: &Schedule, history: &[DayRecord], today: &str) -> Vec<String> {
    position(schedule, history, date(today)).fold.iter().map(|s| format!("{} {}→{} {}", s.date, s.before, s.after, s.why)).collect()
}

#[test]
fn a_week_as_it_goes_is_told_day_by_day() {
    let s = standard();
    let mut days = good_days(&s, "2026-12-01", 8); // Tuesday
    days[1].accepted = 4; // of 5: one short
    days[2] = DayRecord { accepted: 2, ..days[2] }; // of 6
    days[3].offered = 3; // of 7
    days[4] = DayRecord { offered: 6, accepted: 6, ..good_day("2026-12-07", 8, curve_mark(&s)) };
    days[5].accepted = 0;
    days[6].verdict = Some(Verdict::Hold);
    days[7].verdict = Some(Verdict::Advance);
    assert_eq!(
        told(&s, &days, "2026-12-11"),
        vec![
            "2026-12-01 1→2 earned: 4 of 4 accepted",
            "2026-12-02 2→3 earned: 4 of 5 accepted",
            "2026-12-03 3→3 not earned: 2 of 6 accepted",
            "2026-12-04 3→3 not earned: only 3 of 7 could be offered, less than half",
            "2026-12-07 3→4 earned: 6 of 6 accepted (2 more could not be offered)",
            "2026-12-08 4→4 not earned: nothing of 8 was accepted",
            "2026-12-09 4→4 held by the guard: the position stays",
            "2026-12-10 4→5 earned: 10 of 10 accepted",
        ]
    );
}

#[test]
fn what_may_fall_short_is_one_message_or_a_fifth() {
    let s = standard();
    let earns = |offered: u32, accepted: u32| {
        let day = DayRecord { offered, accepted, ..good_day("2026-12-01", offered, curve_mark(&s)) };
        stands(&s, &[day], "2026-12-02").0 == 2
    };
    let least: Vec<(u32, u32)> = [1, 2, 4, 5, 9, 10, 14, 15, 20, 100].map(|o| (o, (0..=o).find(|a| earns(o, *a)).unwrap())).to_vec();
    assert_eq!(least, vec![(1, 1), (2, 1), (4, 3), (5, 4), (9, 8), (10, 8), (14, 12), (15, 12), (20, 16), (100, 80)]);
}

#[test]
fn verdicts_move_the_position_or_keep_it() {
    let s = standard();
    let after = |verdict| {
        let mut days = good_days(&s, "2026-12-01", 9);
        days[8].verdict = Some(verdict);
        stands(&s, &days, "2026-12-14").0
    };
    let all: Vec<(&str, u32)> = Verdict::ALL.iter().map(|v| (v.as_str(), after(*v))).collect();
    assert_eq!(all, vec![("advance", 10), ("hold", 9), ("step_back", 4), ("floor", 1), ("pause", 2), ("rest", 9)]);
    let mut early = good_days(&s, "2026-12-01", 3);
    early[2].verdict = Some(Verdict::StepBack);
    assert_eq!(stands(&s, &early, "2026-12-04").0, 1);
}

/// Good days, then the guard's word on the last of them, and paused days without sending.
fn paused(schedule: &Schedule, good: u32, paused: &[&str]) -> Vec<DayRecord> {
    let mut days = good_days(schedule, "2026-12-01", good);
    days.last_mut().unwrap().verdict = Some(Verdict::Pause);
    let still = |on: &&str| DayRecord { verdict: Some(Verdict::Pause), ..good_day(on, 0, curve_mark(schedule)) };
    days.extend(paused.iter().map(still));
    days
}

#[test]
fn after_a_pause_the_ramp_goes_on_at_half_of_the_last_sent_quota() {
    let s = standard();
    // Ramp day 9 has 11; half of it are 5, and 5 is what ramp day 2 has. The last day that was sent is Friday, 11 December.
    let mut days = paused(&s, 9, &["2026-12-14", "2026-12-15", "2026-12-16", "2026-12-17", "2026-12-18"]);
    days.push(good_day("2026-12-21", 5, curve_mark(&s)));
    assert_eq!(
        told(&s, &days, "2026-12-22")[8..],
        [
            "2026-12-11 9→2 paused by the guard: in again at half of the last quota, which was 11",
            "2026-12-14 2→2 paused by the guard: the position stays",
            "2026-12-15 2→2 paused by the guard: the position stays",
            "2026-12-16 2→2 paused by the guard: the position stays",
            "2026-12-17 2→2 paused by the guard: the position stays",
            "2026-12-18 2→2 paused by the guard: the position stays",
            "2026-12-21 2→3 earned: 5 of 5 accepted",
        ],
        "ten days without sending are the pause's, and not idleness too"
    );
}

#[test]
fn a_pause_counts_the_quota_that_was_sent_not_the_ramp_day() {
    let s = standard();
    let mut days = paused(&s, 9, &[]);
    days[8] = good_day("2026-12-11", 8, curve_mark(&s)); // capped by the pool
    days[8].verdict = Some(Verdict::Pause);
    assert_eq!(stands(&s, &days, "2026-12-14").0, 1, "half of 8 is 4, what the ramp begins with");
    let never = [DayRecord { accepted: 0, verdict: Some(Verdict::Pause), ..good_day("2026-12-01", 4, curve_mark(&s)) }];
    assert_eq!(told(&s, &never, "2026-12-02"), ["2026-12-01 1→1 paused by the guard: the position stays"]);
}

#[test]
fn a_long_pause_is_as_long_a_silence_but_the_two_do_not_add_up() {
    let s = standard();
    let days = paused(&s, 20, &[]); // ramp day 20 has 21; 10 is what ramp day 8 has; the last day is Monday, 28 December
    let after = |today: &str| stands(&s, &days, today).0;
    assert_eq!(after("2027-01-05"), 8, "eight days");
    assert_eq!(after("2027-01-11"), 8, "a fortnight: half of 20 is no less");
    assert_eq!(after("2027-01-27"), 5, "a month: a quarter of 20 is");
    assert_eq!(told(&s, &days, "2027-01-27")[20], "2027-01-27 8→5 idle for 30 days: back in at a quarter of the position");
    let mut back = days.clone();
    back.push(good_day("2027-01-05", 10, curve_mark(&s)));
    assert_eq!(stands(&s, &back, "2027-01-14").0, 6, "silence after it has sent again is idleness");
}

#[test]
fn a_pause_on_an_earlier_schedule_goes_by_what_was_earned() {
    let old = schedule(ramp(5, 40, 4, Curve::Exponential));
    let volumes = curve(&old.ramp, &old.calendar);
    let days = paused(&old, 9, &[]);
    let half = volumes[8] / 2;
    let reached = volumes.iter().rposition(|v| *v <= half).unwrap() as u32 + 1;
    let on_new = position(&standard(), &days, date("2026-12-12"));
    assert_eq!(on_new.fold[8].after.0, reached, "{volumes:?}");
}

#[test]
fn no_way_back_from_a_finished_ramp_leads_up() {
    let s = standard(); // maintains 10, which is ramp day 8
    let mut days = good_days(&s, "2026-12-01", 30);
    days.push(DayRecord { verdict: Some(Verdict::StepBack), ..good_day("2027-01-12", 10, curve_mark(&s)) });
    assert_eq!(told(&s, &days, "2027-01-13")[30], "2027-01-12 31→3 the guard stepped back: 5 ramp days fewer");
    days[30].verdict = Some(Verdict::Pause);
    assert_eq!(stands(&s, &days, "2027-01-13").0, 2, "half of 10");
    days[30].verdict = None;
    assert_eq!(stands(&s, &days, "2027-01-20").0, 8, "a week of silence: ramp day 23 would be more than it sent");
}

#[test]
fn what_is_at_the_bottom_stays_there_and_says_so() {
    let s = standard();
    let say = |ramp_days: u32, verdict| {
        let mut days = good_days(&s, "2026-12-01", ramp_days);
        days.last_mut().unwrap().verdict = Some(verdict);
        told(&s, &days, "2026-12-14")[ramp_days as usize - 1].clone()
    };
    assert_eq!(say(1, Verdict::StepBack), "2026-12-01 1→1 the guard stepped back: it is at the first ramp day already");
    assert_eq!(say(3, Verdict::StepBack), "2026-12-03 3→1 the guard stepped back: to the first ramp day");
    assert_eq!(say(6, Verdict::StepBack), "2026-12-08 6→1 the guard stepped back: 5 ramp days fewer");
    assert_eq!(say(1, Verdict::Floor), "2026-12-01 1→1 kept on the floor by the guard: the start volume");
    assert_eq!(say(3, Verdict::Floor), "2026-12-03 3→1 the guard put it on the floor: back to the start volume");
}

#[test]
fn idleness_costs_a_quarter_a_half_and_three_quarters() {
    let s = standard();
    let days = good_days(&s, "2026-12-01", 20); // the last one on Monday, 28 December
    assert_eq!(days[19].date, date("2026-12-28"));
    let after = |today: &str| stands(&s, &days, today).0;
    let all = ["2026-12-29", "2027-01-03", "2027-01-04", "2027-01-10", "2027-01-11", "2027-01-26", "2027-01-27", "2028-01-01"].map(after);
    assert_eq!(all, [21, 21, 15, 15, 10, 10, 5, 5]);
    let mut back = days.clone();
    back.push(good_day("2027-01-06", 17, curve_mark(&s)));
    assert_eq!(
        told(&s, &back, "2027-01-07")[20..],
        ["2027-01-06 21→15 idle for 9 days: a quarter off the position", "2027-01-06 15→16 earned: 17 of 17 accepted"],
        "once for the whole gap, however often it was looked at"
    );
}

#[test]
fn days_without_sending_neither_advance_nor_decay() {
    let s = standard();
    let mut days = good_days(&s, "2026-12-01", 4);
    days.push(good_day("2026-12-05", 0, curve_mark(&s)));
    assert_eq!(stands(&s, &days, "2026-12-07"), (5, false));
    assert_eq!(told(&s, &days, "2026-12-07")[4], "2026-12-05 5→5 nothing was to be sent: the position stays");
}

#[test]
fn who_sends_on_mondays_only_is_not_idle_between_them() {
    let mondays = Schedule { calendar: calendar([0], 0.0, &[]), ..standard() };
    let days = good_days(&mondays, "2026-12-07", 4);
    assert_eq!(stands(&mondays, &days, "2027-01-04").0, 5);
    assert_eq!(stands(&mondays, &days, "2027-01-05").0, 3, "eight days are");
}

#[test]
fn the_ramp_ends_and_a_stopped_one_stays_ended() {
    let s = standard();
    let days = good_days(&s, "2026-12-01", 30);
    assert_eq!(stands(&s, &days, "2027-01-12"), (31, true));
    assert_eq!(stands(&s, &days, "2027-03-01"), (7, false), "a maintained mailbox that falls silent grows cold");
    let stop = Schedule { after: AfterRamp::Stop, ..s.clone() };
    assert_eq!(stands(&stop, &days, "2027-03-01"), (31, true));
    let mut more = days.clone();
    more.push(good_day("2027-01-12", 10, curve_mark(&s)));
    assert_eq!(told(&s, &more, "2027-01-13")[30], "2027-01-12 31→31 the ramp is done: 10 of 10 accepted");
}

#[test]
fn today_and_later_are_not_looked_at() {
    let s = standard();
    let days = good_days(&s, "2026-12-01", 9);
    assert_eq!(stands(&s, &days, "2026-12-03").0, 3);
}

#[test]
fn a_changed_schedule_keeps_the_position_by_quota() {
    let old = standard();
    let days = good_days(&old, "2026-12-01", 10); // 4 … 12
    let steep = schedule(ramp(5, 40, 4, Curve::Exponential)); // 12 is its day 9
    assert_eq!(
        told(&steep, &days, "2026-12-15")[10..],
        ["2026-12-15 11→9 the schedule changed: 12 a day were earned, which is ramp day 9 of the new one"]
    );
    let mut went_on = days.clone();
    went_on.push(good_day("2026-12-15", 12, curve_mark(&steep)));
    assert_eq!(
        told(&steep, &went_on, "2026-12-16")[10..],
        [
            "2026-12-15 11→9 the schedule changed: 12 a day were earned, which is ramp day 9 of the new one",
            "2026-12-15 9→10 earned: 12 of 12 accepted"
        ]
    );
    // Back to the old one: its day 10 has 12.
    assert_eq!(stands(&old, &went_on, "2026-12-16").0, 10);
}

#[test]
fn a_changed_schedule_counts_only_what_is_still_held() {
    let old = standard();
    let mut days = good_days(&old, "2026-12-01", 10);
    days[9].verdict = Some(Verdict::StepBack); // from 10 to 5: volumes up to ramp day 4 are held, 7 a day
    let steep = schedule(ramp(5, 40, 4, Curve::Exponential));
    assert_eq!(stands(&steep, &days, "2026-12-15").0, 4);
    let high = schedule(ramp(50, 400, 6, Curve::Linear));
    assert_eq!(
        told(&high, &days, "2026-12-15")[10],
        "2026-12-15 5→1 the schedule changed: 7 a day were earned, the new one begins above that: its first day"
    );
}

#[test]
fn rebasing_goes_to_the_first_day_with_the_largest_volume_that_is_not_above() {
    let weeks = schedule(steps(&[5, 10, 20], StepUnit::Week));
    let all: Vec<u32> = [0, 4, 5, 9, 10, 19, 20, 1_000].iter().map(|q| rebase(*q, &weeks).0).collect();
    assert_eq!(all, vec![1, 1, 1, 1, 6, 6, 11, 11]);
    let nothing = Schedule { calendar: calendar([], 0.0, &[]), ..standard() };
    assert_eq!(rebase(10, &nothing).0, 1);
}

#[test]
fn chance_does_not_change_the_curve_so_the_position_stays() {
    let s = standard();
    let days = good_days(&s, "2026-12-01", 10);
    let jittered = Schedule { ramp: Ramp { jitter: 0.2, ..s.ramp.clone() }, name: "mine".into(), ..s };
    assert_eq!(stands(&jittered, &days, "2026-12-15").0, 11);
}

#[test]
fn a_calendar_without_send_days_has_no_end() {
    let nothing = Schedule { calendar: calendar([], 0.0, &[]), ..standard() };
    assert_eq!(stands(&nothing, &[], "2026-12-15"), (1, false));
}

/// A day of 18 letters and room for 12 of real mail, with what came of the two.
fn beside_real_mail(on: &str, accepted: u32, outside: u32) -> DayRecord {
    DayRecord { quota: 18, offered: 18, accepted, outside, ..good_day(on, 30, curve_mark(&standard())) }
}

#[test]
fn real_mail_counts_as_sent_and_its_room_has_to_be_filled() {
    let s = standard();
    let told = |day: DayRecord| position(&s, &[day], date("2026-12-02")).fold[0].why.clone();
    let on = |accepted, outside| told(beside_real_mail("2026-12-01", accepted, outside));
    assert_eq!(on(18, 12), "earned: 18 accepted and 12 of real mail, of 30");
    assert_eq!(on(10, 20), "earned: 10 accepted and 20 of real mail, of 30");
    assert_eq!(on(18, 6), "earned: 18 accepted and 6 of real mail, of 30", "a fifth may be wanting");
    assert_eq!(on(18, 5), "not earned: 18 accepted and 5 of real mail, of 30");
    assert_eq!(on(18, 0), "not earned: 18 accepted and no real mail, of 30");
    assert_eq!(on(0, 90), "not earned: nothing of 18 was accepted");
    let lowered_to_nothing = DayRecord { quota: 0, offered: 0, ..beside_real_mail("2026-12-01", 0, 33) };
    assert_eq!(told(lowered_to_nothing), "earned: 0 accepted and 33 of real mail, of 30");
    // Nobody counted on real mail, and it came: the quota was not lowered any more.
    let unforeseen = DayRecord { accepted: 10, outside: 20, ..good_day("2026-12-01", 30, curve_mark(&s)) };
    assert_eq!(told(unforeseen), "earned: 10 accepted and 20 of real mail, of 30");
    // Too late for 16 of the 18, and more real mail than was expected.
    let late = |outside| DayRecord { offered: 2, ..beside_real_mail("2026-12-01", 2, outside) };
    assert_eq!(told(late(12)), "not earned: only 14 of 30 could be offered, less than half");
    assert_eq!(told(late(20)), "earned: 2 accepted and 20 of real mail, of 22 (8 more could not be offered)");
    assert_eq!(told(late(99)), "earned: 2 accepted and 99 of real mail, of 30");
}

#[test]
fn what_was_earned_is_the_total() {
    let s = standard();
    let mut days = good_days(&s, "2026-12-01", 9); // up to 11
    days[8] = DayRecord { quota: 4, offered: 4, accepted: 4, outside: 7, ..days[8] };
    let p = position(&s, &days, date("2026-12-14"));
    assert_eq!((p.ramp_day.0, p.reached), (10, 11));
    let steep = schedule(ramp(5, 40, 4, Curve::Exponential)); // 11 is its day 8
    assert_eq!(stands(&steep, &days, "2026-12-14").0, 8);
    // Half of the last sent quota is half of what the domain sent, letters and real mail.
    days[8].verdict = Some(Verdict::Pause);
    assert_eq!(stands(&s, &days, "2026-12-14").0, 2, "half of 11 is 5, which is ramp day 2");
    days[8].outside = 2;
    assert_eq!(stands(&s, &days, "2026-12-14").0, 1, "half of 6 is less than the ramp begins with");
}

#[test]
fn after_the_ramp_warmup_is_held_to_what_is_maintained() {
    let s = standard();
    let mut days = good_days(&s, "2026-12-01", 30);
    let maintained = |outside| DayRecord { quota: 10, offered: 10, accepted: 10, outside, ..good_day("2027-01-12", 30, curve_mark(&s)) };
    days.push(maintained(0));
    assert_eq!(told(&s, &days, "2027-01-13")[30], "2027-01-12 31→31 the ramp is done: 10 of 10 accepted");
    days[30] = maintained(20);
    let p = position(&s, &days, date("2027-01-13"));
    assert_eq!((p.done, p.reached, p.fold[30].why.as_str()), (true, 30, "the ramp is done: 10 of 10 accepted"));
}

#[test]
fn a_domain_whose_real_mail_goes_on_is_not_idle() {
    let s = standard();
    let after = |a_day: u32| {
        let mut days = good_days(&s, "2026-12-01", 20); // the last one on Monday, 28 December, with 21
        for n in 1..=9 {
            let nothing = good_day(&date("2026-12-28").plus(n).to_string(), 0, curve_mark(&s));
            days.push(DayRecord { outside: a_day, ..nothing });
        }
        position(&s, &days, date("2027-01-08"))
    };
    assert_eq!(after(11).ramp_day.0, 21);
    assert_eq!(after(11).fold[20].why, "only real mail was sent: the position stays");
    assert_eq!(after(10).ramp_day.0, 15, "less than half of what went before is idleness");
    assert_eq!(after(0).ramp_day.0, 15);
}

mod properties {
    use proptest::prelude::*;

    use super::*;
    use crate::ramp::CurveMark;

    fn verdicts() -> impl Strategy<Value = Option<Verdict>> {
        prop::option::of(prop::sample::select(Verdict::ALL))
    }

    /// Days apart; quota and the room for real mail; offered; accepted and real mail; verdict; and whether the day was on another schedule.
    #[expect(clippy::type_complexity, reason = "a row of a table, taken apart at once")]
    fn days() -> impl Strategy<Value = Vec<(u32, (u32, u32), u32, (u32, u32), Option<Verdict>, bool)>> {
        let real = || prop_oneof![2 => Just(0_u32), 1 => 0_u32..60];
        let sent = (0_u32..50, real());
        prop::collection::vec((1_u32..40, (0_u32..40, real()), 0_u32..50, sent, verdicts(), prop::bool::weighted(0.2)), 0..80)
    }

    proptest! {
        #[test]
        fn the_fold_is_a_chain_inside_the_ramp_and_only_an_earned_day_moves_up(days in days()) {
            let s = standard();
            let (mark, other) = (curve_mark(&s), CurveMark(curve_mark(&s).0 ^ 1));
            let mut on = date("2026-12-01");
            let history: Vec<DayRecord> = days
                .into_iter()
                .map(|(apart, (quota, room), offered, (accepted, outside), verdict, elsewhere)| {
                    on = on.plus(apart);
                    let curve = if elsewhere { other } else { mark };
                    DayRecord { date: on, quota, total: quota + room, offered, accepted, outside, verdict, curve }
                })
                .collect();
            let p = position(&s, &history, on.plus(1));
            let mut at = RampDay::FIRST;
            for step in &p.fold {
                prop_assert_eq!(step.before, at);
                prop_assert!(step.after >= RampDay::FIRST);
                let changed = step.why.starts_with("the schedule changed");
                let earned = step.why.starts_with("earned: ");
                prop_assert!(changed || step.after.0 <= step.before.0 + u32::from(earned), "{:?}", step);
                at = step.after;
            }
            prop_assert_eq!(p.ramp_day, at);
            prop_assert!(at.0 <= 31);
            prop_assert_eq!(p.done, at.0 == 31);
            // The history cut short at any day gives the same fold up to there.
            if let Some(middle) = history.get(history.len() / 2) {
                let early = position(&s, &history, middle.date);
                let same = early.fold.iter().zip(&p.fold).take_while(|(a, b)| a == b).count();
                prop_assert!(same + 2 >= early.fold.len(), "all but what today itself adds");
            }
        }
    }
}

#[test]
fn ramp_days_go_by_the_calendar_whatever_the_clocks_do() {
    // Every day is a send-day: over changes of the clock, leap day, and the turn of the year, each date earns one.
    let s = Schedule { calendar: calendar(0..7, 0.0, &[]), ..standard() };
    for first in ["2026-03-05", "2026-03-26", "2026-04-02", "2026-10-01", "2026-10-22", "2026-12-28", "2028-02-26"] {
        let days = good_days(&s, first, 7);
        let walked: Vec<u32> = (0..=7).map(|n| stands(&s, &days, &date(first).plus(n).to_string()).0).collect();
        assert_eq!(walked, [1, 2, 3, 4, 5, 6, 7, 8], "from {first}");
        let dates: Vec<i64> = days.windows(2).map(|d| d[1].date.days_since(d[0].date)).collect();
        assert_eq!(dates, [1; 6], "from {first}");
    }
    // A week without sending is seven dates: 29 February is one of them.
    let until = |first: &str, today: &str| stands(&s, &good_days(&s, first, 8), today).0;
    assert_eq!((until("2027-02-18", "2027-03-04"), until("2027-02-18", "2027-03-03")), (6, 9));
    assert_eq!((until("2028-02-18", "2028-03-03"), until("2028-02-18", "2028-03-02")), (6, 9));
}
