use super::*;
use crate::chance::Seed;
use crate::config::{Ramp, Schedule};
use crate::ramp::fixtures::{address, date, good_day, schedule, standard};
use crate::ramp::{Caps, DayRecord, curve, curve_mark, position, quota};
use crate::words::Verdict;

fn explain(s: &Schedule, history: &[DayRecord], today: &str) -> ExplainReport {
    let (who, today) = (address("anna@new.example"), date(today));
    let position = position(s, history, today);
    let caps = Caps { mailbox: Some(50), pool: Some(6), ..Caps::default() };
    ExplainReport {
        quota: quota(s, &position, today, Seed(7), &who, &caps),
        address: who,
        date: today,
        clock_name: None,
        schedule_name: s.name.clone(),
        origin: "shipped".into(),
        ramp_days: 30,
        position,
        said: history
            .iter()
            .map(|d| {
                (d.date, DaySaid { quota: d.quota, said: d.verdict.map(|v| (v, "3 of 20 were bad.".to_owned())), ..DaySaid::default() })
            })
            .collect(),
        routes: vec![],
        today: TodayFacts { sent: 5, planned: 1, has_agenda: true, paused: None, suspended: None },
        notes: vec![],
        last_error: Some(LastError {
            at: Moment::parse_rfc3339("2026-12-09T08:41:00Z").unwrap(),
            what: "imap.new.example: the password was not taken (NO [AUTHENTICATIONFAILED])".into(),
            hint: Some("make an app password and put it into the environment variable ANNA_PASSWORD".into()),
        }),
    }
}

fn sample() -> ExplainReport {
    let s = schedule(Ramp { jitter: 0.2, ..standard().ramp });
    let mark = curve_mark(&s);
    let mut days: Vec<DayRecord> = ["2026-12-01", "2026-12-02", "2026-12-03", "2026-12-04", "2026-12-07", "2026-12-08", "2026-12-09"]
        .iter()
        .zip(curve(&s.ramp, &s.calendar))
        .map(|(d, v)| good_day(d, v, mark))
        .collect();
    days[2].accepted = 3;
    days[5].verdict = Some(Verdict::Hold);
    explain(&s, &days, "2026-12-10")
}

#[test]
fn an_explanation_reads_from_the_quota_to_its_history() {
    insta::assert_snapshot!(sample().to_text(100), @"
    anna@new.example may send 6 messages on 2026-12-10 (Thu)

    Where it stands
      Ramp day 6 of 30 on standard-6w (shipped): 5 ramp days are earned.

    Why 6
      rule         value  why
      curve            8  ramp day 6 of 30 on a linear ramp from 4 to 30
      calendar         8  Thursday is a full day
      jitter           7  chance takes 1 off today (1 at most, 20 %)
      mailbox cap      7  the mailbox's daily_cap is 50: room enough
      pool             6  what the pool can carry is 6
      What decides: pool.

    The day so far
      5 of 6 sent, 1 planned.

    The story
      Tue 12-01 – Wed 12-02  2 ramp days were earned, 1 to 2, with 4 to 5 a day.
      Thu 12-03              Ramp day 3 was not earned: 3 of 6 accepted.
      Fri 12-04 – Mon 12-07  It goes on. 2 ramp days were earned, 3 to 4, with 7 to 8 a day.
      Tue 12-08              Held at ramp day 5. 3 of 20 were bad.
      Wed 12-09              It goes on. Ramp day 5 was earned, with 9 a day.

    How it came here
      date             ramp day
      2026-12-01  Tue     1 → 2  earned: 4 of 4 accepted
      2026-12-02  Wed     2 → 3  earned: 5 of 5 accepted
      2026-12-03  Thu         3  not earned: 3 of 6 accepted
      2026-12-04  Fri     3 → 4  earned: 7 of 7 accepted
      2026-12-07  Mon     4 → 5  earned: 8 of 8 accepted
      2026-12-08  Tue         5  held by the guard: the position stays
      2026-12-09  Wed     5 → 6  earned: 9 of 9 accepted

    Last error
      2026-12-09T08:41:00Z: imap.new.example: the password was not taken (NO [AUTHENTICATIONFAILED])
      hint: make an app password and put it into the environment variable ANNA_PASSWORD
    ");
}

#[test]
fn the_first_day_has_no_history() {
    let mut report = explain(&standard(), &[], "2026-12-01");
    report.last_error = None;
    report.today = TodayFacts { sent: 0, planned: 6, has_agenda: true, paused: Some("by hand: holiday".into()), suspended: None };
    let text = report.to_text(80);
    for part in [
        "Ramp day 1 of 30 on standard-6w (shipped): 0 ramp days are earned.",
        "What decides: curve.",
        "0 of 4 sent, 6 planned; what is over the quota will be skipped.",
        "Paused: by hand: holiday. Nothing is sent until it is resumed.",
        "No day is behind it yet.",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("Last error"));
}

#[test]
fn a_long_history_is_summed_up_and_a_ramp_that_is_done_says_so() {
    let s = standard();
    let mark = curve_mark(&s);
    let send_days = (0..).map(|n| date("2026-12-01").plus(n)).filter(|d| s.calendar.is_send_day(*d));
    let days: Vec<DayRecord> = send_days.zip(curve(&s.ramp, &s.calendar)).map(|(d, v)| good_day(&d.to_string(), v, mark)).collect();
    let report = explain(&s, &days, "2027-01-12");
    let text = report.to_text(100);
    assert!(text.contains("The ramp of standard-6w (shipped) is done: all 30 ramp days are earned."), "{text}");
    assert!(text.contains("  2026-12-01 to 2026-12-02: from ramp day 1 to 3\n"), "{text}");
    assert_eq!(text.matches(" accepted").count(), SHOWN);
    assert_eq!(report.to_json()["history"].as_array().unwrap().len(), 30);
}

#[test]
fn no_line_is_wider_than_asked_for() {
    for width in [60, 80, 100] {
        let text = sample().to_text(width);
        assert!(text.lines().all(|l| l.chars().count() <= width && l == l.trim_end()), "{text}");
    }
}

#[test]
fn the_json_has_the_keys_that_are_promised() {
    let json = sample().to_json();
    let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        [
            "address",
            "clock",
            "date",
            "decided_by",
            "done",
            "history",
            "last_error",
            "notes",
            "origin",
            "quota",
            "ramp_day",
            "ramp_days",
            "reasons",
            "routes",
            "schedule",
            "story",
            "today"
        ]
    );
    assert_eq!((&json["quota"], &json["decided_by"], &json["ramp_day"]), (&json!(6), &json!("pool"), &json!(6)));
    assert_eq!(json["history"][2], json!({ "date": "2026-12-03", "before": 3, "after": 3, "why": "not earned: 3 of 6 accepted" }));
    assert_eq!(json["last_error"]["at"], "2026-12-09T08:41:00Z");
}
