use super::*;
use crate::chance::Seed;
use crate::config::{AfterRamp, Ramp, Schedule, StepUnit};
use crate::ramp::fixtures::{address, date, good_day, schedule, standard, steps};
use crate::ramp::{Caps, DayRecord, curve_mark, draw_curve, project};

fn mailbox(who: &str, s: &Schedule, start: &str, history: &[DayRecord], cap: Option<u32>, days: Option<u32>) -> MailboxPlan {
    let address = address(who);
    let caps = Caps { pool: cap, ..Caps::default() };
    MailboxPlan {
        domain: address.domain(),
        schedule_name: s.name.clone(),
        origin: "shipped".into(),
        start: date(start),
        days: project(s, Seed(7), &address, date(start), history, date("2026-12-01"), &|_| caps.clone(), days),
        notes: draw_curve(&s.ramp, &s.calendar).notes,
        address,
    }
}

fn report(mailboxes: Vec<MailboxPlan>) -> PlanReport {
    PlanReport {
        pool: "nordwind".into(),
        clock_name: None,
        generated_for: date("2026-12-01"),
        mailboxes,
        carries: vec![],
        warnings: vec![],
    }
}

/// Six days, beginning on a Friday.
fn short() -> PlanReport {
    let s = schedule(steps(&[2, 4, 6], StepUnit::Day));
    report(vec![mailbox("anna@new.example", &s, "2026-12-04", &[], None, Some(6))])
}

fn jittered() -> Schedule {
    schedule(Ramp { jitter: 0.1, ..standard().ramp })
}

/// Four mailboxes of two domains.
fn pool() -> PlanReport {
    let s = jittered();
    let all = ["anna@new.example", "ben@new.example", "cleo@other.example", "dora@other.example"];
    let mut plan = report(all.iter().map(|who| mailbox(who, &s, "2026-12-01", &[], Some(24), None)).collect());
    plan.clock_name = Some("scaled clock: from 2026-12-01T06:00:00Z, 1200 times faster".into());
    plan.carries.push("target 30, this pool carries 24 from ramp day 24 on: 2 more recipients outside new.example would carry 30".into());
    plan.warnings.push(Finding::warning("pool", "under 5 recipients the evidence is thin").hint("add mailboxes of another provider"));
    plan
}

#[test]
fn a_short_plan_is_shown_by_day() {
    insta::assert_snapshot!(short().to_text(100), @"
    Plan for nordwind as of 2026-12-01 (Tue)

    anna@new.example
      schedule standard-6w (shipped), from 2026-12-04 on
      ramp done on 2026-12-08 (Tue) at 6 a day, 12 messages until then; then 6 a day

      date             ramp day  quota  total
      2026-12-04  Fri         1      2      2
      2026-12-05  Sat                ·      2
      2026-12-06  Sun                ·      2
      2026-12-07  Mon         2      4      6
      2026-12-08  Tue         3      6     12
      2026-12-09  Wed                6     18

      6 ┤            ██████
        │            ██████
        │         █████████
        │         █████████
        │███      █████████
        │███      █████████
      0 └──────────────────
         2026-12-04 … 2026-12-09
    ");
}

#[test]
fn a_long_plan_is_shown_by_week() {
    let plan = report(vec![mailbox("anna@new.example", &standard(), "2026-12-01", &[], Some(24), None)]);
    insta::assert_snapshot!(plan.to_text(100), @"
    Plan for nordwind as of 2026-12-01 (Tue)

    anna@new.example
      schedule standard-6w (shipped), from 2026-12-01 on
      ramp done on 2027-01-11 (Mon) at 24 a day, 487 messages until then; then 10 a day

      week of     Mon  Tue  Wed  Thu  Fri  Sat  Sun  week  total  ramp days
      2026-11-30         4    5    6    7    ·    ·    22     22  1–4
      2026-12-07    8    8    9   10   11    ·    ·    46     68  5–9
      2026-12-14   12   13   14   15   16    ·    ·    70    138  10–14
      2026-12-21   17   17   18   19   20    ·    ·    91    229  15–19
      2026-12-28   21   22   23   24   24    ·    ·   114    343  20–24
      2027-01-04   24   24   24   24   24    ·    ·   120    463  25–29
      2027-01-11   24   10   10   10   10    ·    ·    64    527  30
      2027-01-18   10                                  10    537

      24 ┤                           ▂▄▆██  █████  █
         │                    ▂▂▄▆█  █████  █████  █
         │              ▂▄▆█  █████  █████  █████  █
         │        ▂▄▆  █████  █████  █████  █████  █▄▄▄▄  ▄
         │ ▂▄▆  █████  █████  █████  █████  █████  █████  █
         │████  █████  █████  █████  █████  █████  █████  █
       0 └─────────────────────────────────────────────────
          2026-12-01                             2027-01-18
    ");
}

#[test]
fn a_pool_is_shown_in_a_line_each_with_the_totals_of_its_domains() {
    let text = pool().to_text(100);
    let headings: Vec<&str> = text.lines().filter(|l| l.ends_with("together")).collect();
    assert_eq!(headings, vec!["new.example, 2 mailboxes together", "other.example, 2 mailboxes together", "the 2 domains together"]);
    let head = text.lines().take(9).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(head, @"
    Plan for nordwind as of 2026-12-01 (Tue)
    scaled clock: from 2026-12-01T06:00:00Z, 1200 times faster

    mailbox             schedule           from     done on  top  total
    anna@new.example    standard-6w  2026-12-01  2027-01-11   24    520  ▂▃▃▄▆▆▇███▃▃
    ben@new.example     standard-6w  2026-12-01  2027-01-11   24    525  ▂▃▄▄▆▆▇███▃▃
    cleo@other.example  standard-6w  2026-12-01  2027-01-11   24    528  ▂▃▃▅▆▆▇███▃▃
    dora@other.example  standard-6w  2026-12-01  2027-01-11   24    523  ▂▃▄▅▅▆▇███▃▃
    (preheat plan MAILBOX shows one of them day by day)
    ");
    let tail: Vec<&str> = text.lines().skip_while(|l| *l != "What the pool carries").collect();
    assert_eq!(
        tail,
        vec![
            "What the pool carries",
            "  target 30, this pool carries 24 from ramp day 24 on: 2 more recipients outside new.example would",
            "    carry 30",
            "",
            "warning: pool: under 5 recipients the evidence is thin",
            "    hint: add mailboxes of another provider",
        ]
    );
}

#[test]
fn no_line_is_wider_than_asked_for() {
    let braze = schedule(steps(&[50, 1_000, 50_000, 1_000_000], StepUnit::Week));
    let long = format!("{}@a-rather-long-name-of-a-domain.new.example", "x".repeat(64));
    let huge = report(vec![
        mailbox(&long, &braze, "2026-12-01", &[], None, None),
        mailbox("b@a-rather-long-name-of-a-domain.new.example", &braze, "2026-12-01", &[], None, None),
    ]);
    let mut noted = pool();
    noted.mailboxes[0].notes.push("the growth bound makes the ramp longer and longer, and this sentence about it is longer still".into());
    let empty = report(vec![]);
    for plan in [short(), pool(), huge, noted, empty] {
        for width in [60, 72, 80, 100] {
            let text = plan.to_text(width);
            for line in text.lines() {
                assert!(line.chars().count() <= width, "{width}: {line}");
                assert_eq!(line, line.trim_end());
            }
        }
    }
}

#[test]
fn the_csv_has_a_line_for_each_date() {
    let mut plan = short();
    plan.mailboxes[0].schedule_name = "my \"own\", later".into();
    assert_eq!(
        plan.to_csv(),
        "date,mailbox,domain,schedule,ramp_day,quota\n\
         2026-12-04,anna@new.example,new.example,\"my \"\"own\"\", later\",1,2\n\
         2026-12-05,anna@new.example,new.example,\"my \"\"own\"\", later\",,0\n\
         2026-12-06,anna@new.example,new.example,\"my \"\"own\"\", later\",,0\n\
         2026-12-07,anna@new.example,new.example,\"my \"\"own\"\", later\",2,4\n\
         2026-12-08,anna@new.example,new.example,\"my \"\"own\"\", later\",3,6\n\
         2026-12-09,anna@new.example,new.example,\"my \"\"own\"\", later\",,6\n"
    );
    assert_eq!(field("=1+1"), "'=1+1");
}

#[test]
fn the_json_has_the_keys_that_are_promised() {
    let json = short().to_json();
    assert_eq!(json["pool"], "nordwind");
    assert_eq!(json["clock"], Value::Null);
    assert_eq!(json["mailboxes"][0]["done_on"], "2026-12-08");
    assert_eq!(
        json["mailboxes"][0]["days"][0],
        json!({
            "date": "2026-12-04", "weekday": "Fri", "ramp_day": 1, "quota": 2, "curve": 2,
            "reasons": [
                { "rule": "curve", "value": 2, "why": "ramp day 1 of 3 on listed steps from 2 to 6" },
                { "rule": "calendar", "value": 2, "why": "Friday is a full day" },
            ],
        })
    );
    assert_eq!(json["mailboxes"][0]["days"][1]["ramp_day"], Value::Null);
    assert_eq!(json["mailboxes"][0]["days"][5]["curve"], 6, "maintained");
    assert_eq!(json["domains"][0]["total"], 18);
    assert_eq!(json["domains"][0]["days"][3], json!({ "date": "2026-12-07", "quota": 4 }));
}

#[test]
fn past_days_are_in_the_plan_as_they_were() {
    let s = standard();
    let history = [good_day("2026-11-30", 4, curve_mark(&s))];
    let plan = report(vec![mailbox("anna@new.example", &s, "2026-11-30", &history, None, Some(1))]);
    let days = &plan.to_json()["mailboxes"][0]["days"];
    assert_eq!(days[0]["curve"], Value::Null);
    assert_eq!(days[0]["reasons"][0]["why"], "earned: 4 of 4 accepted");
    assert_eq!(days[1]["ramp_day"], 2);
    assert!(plan.to_text(80).contains("2026-12-01  Tue         2      5      9  today"), "{}", plan.to_text(80));
}

#[test]
fn what_comes_after_and_what_never_comes_are_said() {
    let stop = Schedule { after: AfterRamp::Stop, ..schedule(steps(&[2, 4], StepUnit::Day)) };
    let text = |m: MailboxPlan| report(vec![m]).to_text(100);
    let stopped = text(mailbox("anna@new.example", &stop, "2026-12-01", &[], None, None));
    assert!(stopped.contains("ramp done on 2026-12-02 (Wed) at 4 a day, 6 messages until then; then nothing more"), "{stopped}");
    let endless = text(mailbox("anna@new.example", &standard(), "2026-12-01", &[], Some(0), None));
    assert!(endless.contains("ramp not done within this plan; 0 messages in it"), "{endless}");
}

#[test]
fn totals_end_where_the_first_plan_ends() {
    let s = standard();
    let plan = report(vec![
        mailbox("anna@new.example", &s, "2026-12-01", &[], None, Some(3)),
        mailbox("ben@new.example", &s, "2026-12-02", &[], None, Some(3)),
    ]);
    let days = &plan.domain_totals()[&plan.mailboxes[0].domain];
    let all: Vec<(String, u64)> = days.iter().map(|(d, q)| (d.to_string(), *q)).collect();
    assert_eq!(all, vec![("2026-12-01".into(), 4), ("2026-12-02".into(), 9), ("2026-12-03".into(), 11)]);
}

#[test]
fn the_svg_has_a_line_for_each_mailbox_or_else_for_each_domain() {
    let svg = pool().to_svg();
    assert_eq!(svg.matches("<polyline").count(), 4);
    for part in [
        "<title>Plan for nordwind as of 2026-12-01: messages a day, by mailbox</title>",
        "prefers-color-scheme:dark",
        ">dora@other.example<",
        ">2026-12-07<",
        ">25<",
    ] {
        assert!(svg.contains(part), "{part}");
    }
    assert!(!svg.contains("<script") && !svg.contains("@import") && !svg.contains("url("));
    let s = jittered();
    let many = (0..8).map(|n| mailbox(&format!("m{n}@d{}.example", n % 2), &s, "2026-12-01", &[], None, None)).collect();
    assert_eq!(report(many).to_svg().matches("<polyline").count(), 2);
    assert_eq!(report(vec![]).to_svg().matches("<polyline").count(), 0);
}
