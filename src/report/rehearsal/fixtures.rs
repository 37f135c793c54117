//! Rehearsals made by hand, for tests.

use std::collections::BTreeMap;

use crate::rehearsal::{Breach, Day, Rehearsed, Said, Trouble};
use crate::words::{Address, Domain, LetterId, LocalDate};

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
