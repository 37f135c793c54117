use std::collections::BTreeMap;

use super::*;
use crate::words::RampDay;
use Provider::{Gmail, Microsoft};

const DONE: RampFacts = RampFacts { ramp_day: RampDay(31), ramp_days: 30, done: true, done_on: None };

/// So many good and bad letters of the last days at Gmail and Microsoft, a day each.
fn warm(gmail: (u32, u32), microsoft: (u32, u32)) -> Facts {
    anna().seen_at(Gmail, "2026-12-03", gmail.0, gmail.1).seen_at(Microsoft, "2026-12-04", microsoft.0, microsoft.1)
}

/// Ten letters on each day of the next half year.
fn ten_a_day() -> Vec<Coming> {
    (1..180).map(|n| Coming { date: date("2026-12-08").plus(n), letters: 10 }).collect()
}

fn asked(facts: &Facts) -> ReadyFacts<'_> {
    ReadyFacts { facts, verdict: Verdict::Advance, ramp: DONE, recipients: 12, coming: ten_a_day() }
}

fn wanting(said: &Ready) -> Vec<&'static str> {
    said.wanting.iter().map(|w| w.condition.as_str()).collect()
}

fn earliest(said: &Ready) -> Option<String> {
    said.earliest.map(|d| d.to_string())
}

#[test]
fn a_warm_domain_is_ready_with_evidence() {
    let facts = warm((2, 100), (3, 60));
    let said = ready(&asked(&facts));
    assert!(said.is, "{said:?}");
    assert_eq!(earliest(&said).as_deref(), Some("2026-12-08"));
    insta::assert_snapshot!(said.evidence.join("\n"), @"
    the ramp is done: all 30 ramp days are earned
    160 letters judged in 14 days, 100 are asked for
    155 of 160 letters in the inbox: 96.88 %, 95 % are asked for
    with 95 % confidence at least 92.89 % arrive there, 90 % are asked for
    every provider with 20 letters at 90 %: gmail 98 of 100, microsoft 57 of 60
    no verdict worse than advance for 7 days
    12 recipients at 2 providers
    ");
}

#[test]
fn each_condition_is_asked_for_at_its_edge() {
    let of = |gmail, microsoft| ready(&asked(&warm(gmail, microsoft)));
    assert_eq!(wanting(&of((0, 60), (0, 40))), Vec::<&str>::new());
    assert_eq!(wanting(&of((0, 60), (0, 39))), ["letters"]);
    assert_eq!(wanting(&of((4, 80), (0, 20))), Vec::<&str>::new(), "96 of 100 is enough");
    assert_eq!(wanting(&of((5, 80), (0, 20))), ["confidence"], "95 of 100 is 95 %, but may be 88.8 %");
    assert_eq!(wanting(&of((10, 180), (0, 20))), Vec::<&str>::new(), "190 of 200 is sure enough");
    assert_eq!(wanting(&of((11, 180), (0, 20))), ["inbox"], "94.5 %");
    assert_eq!(wanting(&of((0, 180), (2, 20))), Vec::<&str>::new());
    assert_eq!(wanting(&of((0, 180), (3, 20))), ["provider"], "17 of 20");
    assert_eq!(wanting(&of((0, 180), (3, 19))), Vec::<&str>::new(), "under 20 a provider is not looked at by itself");
    assert_eq!(wanting(&of((0, 0), (0, 0))), ["letters", "inbox", "confidence", "breadth"]);
}

#[test]
fn a_verdict_worse_than_advance_is_remembered_for_seven_days() {
    let facts = warm((0, 60), (0, 60));
    let after = |day: &str| {
        let facts = facts.clone().said(day, Verdict::Hold);
        let said = ready(&asked(&facts));
        (said.is, earliest(&said).unwrap())
    };
    assert_eq!(after("2026-12-01"), (true, "2026-12-08".into()));
    assert_eq!(after("2026-12-02"), (false, "2026-12-09".into()));
    assert_eq!(after("2026-12-07"), (false, "2026-12-14".into()));
    let today = ready(&ReadyFacts { verdict: Verdict::Rest, ..asked(&facts) });
    assert_eq!((wanting(&today), earliest(&today).unwrap()), (vec!["calm"], "2026-12-15".into()));
    assert_eq!(today.wanting[0].why, "the guard said rest on 2026-12-08: 7 days without such are asked for");
}

#[test]
fn thin_evidence_is_never_ready() {
    let facts = warm((0, 60), (0, 60));
    let few = ready(&ReadyFacts { recipients: 4, ..asked(&facts) });
    assert_eq!((few.is, wanting(&few), earliest(&few)), (false, vec!["breadth"], None));
    assert_eq!(few.wanting[0].why, "4 recipients at 2 providers: the evidence is thin, 5 and 2 are asked for");
    let one = anna().seen_at(Gmail, "2026-12-03", 0, 500);
    let said = ready(&asked(&one));
    assert_eq!((wanting(&said), earliest(&said)), (vec!["breadth"], None));
}

#[test]
fn the_earliest_date_follows_from_what_is_wanting() {
    let facts = warm((0, 30), (0, 30));
    let of = |ramp, coming| earliest(&ready(&ReadyFacts { ramp, coming, ..asked(&facts) }));
    assert_eq!(of(DONE, ten_a_day()).as_deref(), Some("2026-12-12"), "40 letters more, ten a day");
    assert_eq!(of(DONE, Vec::new()), None, "nothing is planned");
    let climbing = RampFacts { ramp_day: RampDay(25), done: false, done_on: Some(date("2026-12-18")), ..DONE };
    assert_eq!(of(climbing, ten_a_day()).as_deref(), Some("2026-12-18"));
    assert_eq!(of(RampFacts { done_on: None, ..climbing }, ten_a_day()), None, "a ramp without an end");
    let trickle = (1..180).map(|n| Coming { date: date("2026-12-08").plus(n), letters: 7 }).collect();
    assert_eq!(of(DONE, trickle).as_deref(), Some("2026-12-14"), "60, and 42 of six days");
    let too_little = (1..180).map(|n| Coming { date: date("2026-12-08").plus(n), letters: 3 }).collect();
    assert_eq!(of(DONE, too_little), None, "42 a fortnight are never 100");
}

#[test]
fn bad_letters_have_to_be_outweighed_or_to_grow_old() {
    let facts = warm((20, 60), (0, 60));
    let said = ready(&asked(&facts));
    assert_eq!(wanting(&said), ["inbox", "confidence", "provider"]);
    assert_eq!(earliest(&said).as_deref(), Some("2026-12-17"), "those of the 3rd are 14 days old then");
}

#[test]
fn a_domain_describes_every_letter_whatever_was_punished() {
    let members = [warm((1, 60), (0, 10)).said("2026-12-05", Verdict::Pause), warm((0, 60), (0, 10))];
    let pooled = pool_to_describe(domain(), date("2026-12-08"), members[0].now, &members, BTreeMap::new());
    let said = ready(&asked(&pooled));
    assert_eq!((said.placements.n, said.subject.to_string().as_str(), said.is), (140, "domain:new.example", true));
}

#[test]
fn the_json_says_what_is_promised() {
    let facts = warm((0, 60), (0, 60));
    let json = serde_json::to_value(ready(&ReadyFacts { recipients: 3, ..asked(&facts) })).unwrap();
    assert_eq!(json["wanting"][0]["condition"], "breadth");
    assert_eq!(json["earliest"], serde_json::Value::Null);
    assert_eq!(json["is"], false);
    assert_eq!(json["placements"]["n"], 120);
    assert_eq!(json["subject"], "mailbox:anna@new.example");
}
