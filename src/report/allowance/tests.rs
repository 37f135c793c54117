use super::*;
use crate::ledger::DayPlan;
use crate::ramp::fixtures::{address, date};
use crate::words::RampDay;

fn at(time: &str) -> Moment {
    Moment::parse_rfc3339(&format!("2026-12-01T{time}:00Z")).unwrap()
}

/// Anna at noon: 30 in all, 18 of them warmup's, 12 of these sent; her Sent folder was read a minute ago.
fn anna() -> AllowanceFacts {
    let plan = DayPlan {
        mailbox: address("anna@new.example"),
        date: date("2026-12-01"),
        schedule: "standard-6w".into(),
        curve: 1,
        ramp_day: RampDay(30),
        quota: 18,
        total: 30,
        reasons: "[]".into(),
    };
    AllowanceFacts {
        mailbox: plan.mailbox.clone(),
        date: plan.date,
        now: at("12:00"),
        stopped: None,
        outside_mail: Some(OutsideMail::SentFolder),
        day: Some(DayRow { plan, verdict: None, spent: 12, accepted: 12, unoffered: 0 }),
        outside: vec![row("2026-11-30", OutsideMail::SentFolder, 40), row("2026-12-01", OutsideMail::SentFolder, 5)],
        sent_read_at: Some(at("11:59")),
        lacks_sent_folder: false,
    }
}

fn row(on: &str, source: OutsideMail, count: u32) -> OutsideRow {
    OutsideRow { date: date(on), source, count, as_of: at("11:30") }
}

fn left(facts: &AllowanceFacts) -> Result<u32, String> {
    Allowance::of(facts).left.map_err(|u| u.why)
}

#[test]
fn what_is_left_is_the_total_less_warmup_and_real_mail() {
    assert_eq!(left(&anna()), Ok(7));
    let with = |count| AllowanceFacts { outside: vec![row("2026-12-01", OutsideMail::SentFolder, count)], ..anna() };
    assert_eq!((left(&with(0)), left(&with(12)), left(&with(13)), left(&with(4_000_000_000))), (Ok(12), Ok(0), Ok(0), Ok(0)));
    let reported = |rows| AllowanceFacts { outside_mail: Some(OutsideMail::Reported), outside: rows, sent_read_at: None, ..anna() };
    assert_eq!(left(&reported(vec![row("2026-12-01", OutsideMail::Reported, 2)])), Ok(10));
    assert_eq!(left(&reported(vec![row("2026-11-30", OutsideMail::Reported, 2)])), Ok(12), "nothing is told of today: nothing was sent");
    assert_eq!(left(&AllowanceFacts { outside_mail: Some(OutsideMail::Nothing), outside: vec![], sent_read_at: None, ..anna() }), Ok(12));
}

#[test]
fn what_is_not_known_is_no_number() {
    let why = |facts: AllowanceFacts| {
        let json = Allowance::of(&facts).to_json();
        assert_eq!((&json["left"], json["unknown"].is_string()), (&Value::Null, true), "{json}");
        left(&facts).unwrap_err()
    };
    assert_eq!(why(AllowanceFacts { outside_mail: None, ..anna() }), "nobody has said how other mail that is sent from it is known");
    assert_eq!(why(AllowanceFacts { day: None, ..anna() }), "no run yet today, so the day has no total");
    assert_eq!(why(AllowanceFacts { sent_read_at: None, ..anna() }), "its Sent folder was never read");
    assert_eq!(why(AllowanceFacts { sent_read_at: None, lacks_sent_folder: true, ..anna() }), "it has no Sent folder that is known as one");
    assert_eq!(
        why(AllowanceFacts { sent_read_at: Some(at("10:59")), ..anna() }),
        "its Sent folder was not read since 2026-12-01T10:59:00Z"
    );
    assert_eq!(left(&AllowanceFacts { sent_read_at: Some(at("11:00")), ..anna() }), Ok(7));
    assert_eq!(why(AllowanceFacts { outside_mail: Some(OutsideMail::Reported), ..anna() }), "nothing was ever reported of it");
}

#[test]
fn a_mailbox_that_is_stopped_leaves_nothing_whatever_else_is_known() {
    let stopped = Some("paused since yesterday: moving house".to_owned());
    for facts in [anna(), AllowanceFacts { outside_mail: None, ..anna() }, AllowanceFacts { day: None, ..anna() }] {
        assert_eq!(left(&AllowanceFacts { stopped: stopped.clone(), ..facts }), Ok(0));
    }
}

#[test]
fn the_json_has_a_line_a_mailbox() {
    assert_eq!(
        Allowance::of(&anna()).to_json(),
        json!({
            "mailbox": "anna@new.example", "date": "2026-12-01", "total": 30, "warmup": { "quota": 18, "spent": 12 },
            "outside": { "source": "sent_folder", "count": 5, "as_of": "2026-12-01T11:59:00Z" },
            "left": 7, "unknown": null, "stopped": null,
        })
    );
    assert_eq!(
        Allowance::of(&AllowanceFacts { outside_mail: None, day: None, ..anna() }).to_json(),
        json!({
            "mailbox": "anna@new.example", "date": "2026-12-01", "total": null, "warmup": null,
            "outside": { "source": null, "count": null, "as_of": null },
            "left": null, "unknown": "nobody has said how other mail that is sent from it is known", "stopped": null,
        })
    );
}

#[test]
fn the_text_says_a_reason_once_for_all_who_share_it() {
    let with = |name: &str, facts: AllowanceFacts| Allowance::of(&AllowanceFacts { mailbox: address(name), ..facts });
    let all_warmup = || {
        let mut facts = anna();
        facts.day.iter_mut().for_each(|day| day.plan.quota = 30);
        facts
    };
    let unset = || AllowanceFacts { outside_mail: None, ..anna() };
    let all = [
        with("anna@new.example", anna()),
        with("ben@new.example", unset()),
        with("cleo@new.example", unset()),
        with("dora@new.example", AllowanceFacts { stopped: Some("paused since 2026-12-01T08:00:00Z: moving house".into()), ..anna() }),
        with("ella@new.example", all_warmup()),
        with("emil@new.example", AllowanceFacts { day: None, outside_mail: Some(OutsideMail::Nothing), ..anna() }),
    ];
    insta::assert_snapshot!(to_text(&all, 100), @"
    mailbox           date        total  warmup  real mail     left
    anna@new.example  2026-12-01     30   12/18          5        7
    ben@new.example   2026-12-01     30   12/18          ·  unknown
    cleo@new.example  2026-12-01     30   12/18          ·  unknown
    dora@new.example  2026-12-01     30   12/18          5        0
    ella@new.example  2026-12-01     30   12/30          5        0
    emil@new.example  2026-12-01      ·       ·          0  unknown

    ben@new.example and 1 more: unknown: nobody has said how other mail that is sent from it is known
      hint: set `outside_mail` to `sent_folder`, `reported` or `none`, for it or in `defaults`
        (docs/allowance.md)

    dora@new.example: paused since 2026-12-01T08:00:00Z: moving house

    ella@new.example: warmup takes the whole of it
      hint: `share` in the schedule leaves room for real mail

    emil@new.example: unknown: no run yet today, so the day has no total
      hint: `preheat run` makes it
    ");
}
