//! Rehearsals made by hand, for tests.

use std::collections::BTreeMap;

use crate::rehearsal::{Breach, Day, Rehearsed, Said, Trouble};
use crate::words::{Address, Domain, LetterId, LocalDate, Role};

use super::{DemoDay, DemoFate, DemoLetter, DemoMailbox, DemoPage, DemoScenario};

pub(crate) fn date(text: &str) -> LocalDate {
    LocalDate::parse(text).unwrap()
}

fn day(n: u32, planned: u32, sent: u32, inbox: u32) -> Day {
    let spam = sent - inbox;
    Day {
        n,
        date: Some(date("2026-12-03").plus(n - 1)),
        planned,
        quota: planned,
        sent,
        answers: sent / 3,
        inbox,
        spam,
        rescued: spam,
        skipped: planned.saturating_sub(sent),
        by_partners: 2,
        ..Day::default()
    }
}

/// Six days, a Thursday to a Tuesday: the second falls short, the last reaches the target.
pub(crate) fn small() -> Rehearsed {
    let anna = Address::parse("anna@new.example").unwrap();
    let opinion = |value: f64| BTreeMap::from([("gmail".to_owned(), BTreeMap::from([(Domain::parse("new.example").unwrap(), value)]))]);
    Rehearsed {
        scenario: "provider-outage".into(),
        seed: 7,
        schedules: vec!["standard-6w".into()],
        warming: 1,
        partners: 3,
        days: vec![day(1, 4, 4, 2), day(2, 5, 1, 1), day(3, 0, 0, 0), day(4, 0, 0, 0), day(5, 6, 6, 5), day(6, 8, 8, 8)],
        guard: true,
        days_lost: 0.0,
        verdicts: vec![Said {
            date: date("2026-12-04"),
            whom: "new.example".into(),
            verdict: "step_back".into(),
            why: "2 of 4 in spam, at least 24 % by the bound".into(),
            until: date("2026-12-04"),
        }],
        target_reached: Some(date("2026-12-08")),
        target_day: Some(6),
        reputation: (1..=6).map(|n| opinion(f64::from(n) / 10.0)).collect(),
        troubles: vec![Trouble {
            date: date("2026-12-04"),
            until: date("2026-12-05"),
            mailbox: Some(anna),
            what: "no server answers".into(),
            times: 17,
        }],
        breaches: vec![],
        fingerprint: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef".into(),
    }
}

/// The same, with a bug in preheat, and its target not reached.
pub(crate) fn broken() -> Rehearsed {
    let letter = LetterId::of_start(&Address::parse("anna@new.example").unwrap(), date("2026-12-03"), 1);
    let breach = Breach {
        invariant: 1,
        what: "anna@new.example sent 5 on 2026-12-03, its quota was 4".into(),
        letter: Some(letter),
        story: vec![
            "planned: anna@new.example → eva@host-two.example, due 09:12".into(),
            "the world: taken at 09:12:04 and at 09:12:09".into(),
        ],
    };
    Rehearsed { breaches: vec![breach], target_reached: None, target_day: None, verdicts: vec![], troubles: vec![], ..small() }
}

/// Six weeks of three mailboxes, from a Tuesday on, that end well; `wrong` is a day and for how many days little is sent from then on.
pub(crate) fn six_weeks(scenario: &str, wrong: Option<(u32, u32)>) -> Rehearsed {
    let first = date("2026-12-01");
    let mut planned = 12.0;
    let mut days = Vec::new();
    let (mut reputation, mut trust) = (Vec::new(), 0.35);
    for n in 1..=49 {
        let on = first.plus(n - 1);
        let rests = matches!(on.weekday(), chrono::Weekday::Sat | chrono::Weekday::Sun);
        let is_wrong = wrong.is_some_and(|(from, many)| n >= from && n < from + many);
        let goal = if rests { 0 } else { f64::min(planned, 90.0) as u32 };
        if !rests {
            planned += 2.7;
        }
        let sent = if is_wrong { goal / 4 } else { goal };
        trust = f64::clamp(trust + if is_wrong { -0.06 } else { 0.014 }, 0.05, 0.97);
        let spam = (f64::from(sent) * (1.0 - trust) * 0.8) as u32;
        let missing = u32::from(is_wrong && sent > 0);
        days.push(Day {
            n,
            date: Some(on),
            planned: goal,
            quota: goal,
            sent,
            answers: sent / 3,
            inbox: sent - spam - missing,
            spam,
            missing,
            rescued: spam * 4 / 5,
            skipped: goal - sent,
            by_partners: sent / 2,
            ..Day::default()
        });
        let domain = Domain::parse("new.example").unwrap();
        let of = |shift: f64| BTreeMap::from([(domain.clone(), f64::clamp(trust + shift, 0.0, 1.0))]);
        reputation.push(BTreeMap::from([("gmail".into(), of(0.02)), ("microsoft".into(), of(-0.12)), ("dovecot".into(), of(0.1))]));
    }
    let day = |n: u32| first.plus(n - 1);
    let said = |(from, many): (u32, u32)| Said {
        date: day(from + 1),
        whom: "new.example".into(),
        verdict: "hold".into(),
        why: "9 of 41 in spam or missing, more than 10 %".into(),
        until: day(from + many + 1),
    };
    let trouble = |(from, many): (u32, u32)| Trouble {
        date: day(from),
        until: day(from + many - 1),
        mailbox: Some(Address::parse("eva@host-two.example").unwrap()),
        what: "no server answers".into(),
        times: 212,
    };
    Rehearsed {
        scenario: scenario.to_owned(),
        warming: 3,
        partners: 6,
        days,
        verdicts: wrong.map(said).into_iter().collect(),
        target_reached: Some(day(if wrong.is_some() { 45 } else { 42 })),
        target_day: Some(if wrong.is_some() { 45 } else { 42 }),
        reputation,
        troubles: wrong.map(trouble).into_iter().collect(),
        ..small()
    }
}

/// A page of a small pool; the sentence of its first scenario is `about`.
pub(crate) fn demo(about: &str) -> DemoPage {
    let who = [
        "anna@new.example",
        "ben@new.example",
        "cleo@other.example",
        "dora@host-one.example",
        "eva@host-two.example",
        "finn@host-three.example",
    ];
    let kinds = ["dovecot-like", "dovecot-like", "gmail-like", "gmail-like", "microsoft-like", "dovecot-like"];
    let mailboxes: Vec<DemoMailbox> = who
        .iter()
        .zip(kinds)
        .enumerate()
        .map(|(n, (who, kind))| DemoMailbox {
            address: Address::parse(who).unwrap(),
            role: if n < 3 { Role::Warming } else { Role::Partner },
            provider: kind.into(),
        })
        .collect();
    let letters = (0..34_u32)
        .map(|n| DemoLetter {
            from: mailboxes[(n % 6) as usize].address.clone(),
            to: mailboxes[((n + 1 + n / 6) % 6) as usize].address.clone(),
            at: chrono::NaiveTime::from_num_seconds_from_midnight_opt(31_000 + n * 950 + n * n % 7 * 400, 0),
            is_answer: n % 3 == 2,
            fate: match n % 11 {
                3 => DemoFate::Rescued,
                7 if n > 20 => DemoFate::Spam,
                10 if n > 30 => DemoFate::Waiting,
                _ => DemoFate::Inbox,
            },
            is_opened: n % 4 != 1,
            is_answered: n % 8 == 0,
        })
        .collect();
    let scenario = |name: &str, about: &str, wrong| DemoScenario { about: about.to_owned(), rehearsed: six_weeks(name, wrong) };
    DemoPage {
        day: DemoDay {
            date: date("2026-12-01"),
            zone: "Europe/Berlin".into(),
            faster: 2_400,
            took: std::time::Duration::from_millis(20_400),
            taken: 34,
            in_ledger: 34,
            mailboxes,
            letters,
        },
        ramp: six_weeks("healthy", None),
        scenarios: vec![
            scenario("healthy", about, None),
            scenario("too-fast", "A schedule that grows far faster than receivers like.", Some((9, 20))),
            scenario("provider-outage", "A provider cannot be reached for two days.", Some((15, 2))),
            scenario("blocklisted", "The domain is on a blocklist in week 3.", Some((16, 6))),
        ],
    }
}
