use std::collections::BTreeMap;

use super::*;
use Provider::{Generic, Gmail, Microsoft};

fn new_example(day: &str) -> Facts {
    Facts { subject: Subject::Domain(domain()), ..on(day) }
}

/// 60 letters to Gmail, all well; some to Microsoft, of which some are bad.
fn mixed(bad: u32, n: u32) -> Facts {
    new_example("2026-12-08").seen_at(Gmail, "2026-12-04", 0, 60).seen_at(Microsoft, "2026-12-04", bad, n)
}

fn microsoft(facts: &Facts, past: &BTreeMap<Provider, BTreeMap<LocalDate, PastRoute>>) -> RouteJudgement {
    judge_routes(facts, past).into_iter().find(|r| r.provider == Microsoft).unwrap()
}

#[test]
fn a_provider_in_breach_gets_a_quarter_and_the_domain_goes_on() {
    let facts = mixed(4, 20);
    assert_eq!(judge(&facts).verdict(), Verdict::Advance, "4 of 80");
    let route = microsoft(&facts, &BTreeMap::new());
    let breach = PastRoute { verdict: Verdict::Hold, sent: 20, of: 80 };
    assert_eq!(route.new_breach, Some(breach));
    assert_eq!(route.quarter, Some(Quarter { since: date("2026-12-08"), send_days_left: 3, breach }));
    assert_eq!(route.rulings[0].subject.to_string(), "route:new.example/microsoft");
    assert_eq!(with_routes(judge(&facts), &facts, &[route]).verdict(), Verdict::Advance, "it carries 25 %");
    let gmail = &judge_routes(&facts, &BTreeMap::new())[0];
    assert_eq!((gmail.provider, gmail.quarter, gmail.rulings.len()), (Gmail, None, 0));
}

#[test]
fn a_provider_in_breach_that_carries_thirty_per_cent_holds_the_domain() {
    let said = |n: u32| {
        let facts = new_example("2026-12-08").seen_at(Gmail, "2026-12-04", 0, 100 - n).seen_at(Microsoft, "2026-12-04", 4, n);
        let routes = judge_routes(&facts, &BTreeMap::new());
        let judgement = with_routes(judge(&facts), &facts, &routes);
        (judgement.verdict(), judgement.decided_by().rule)
    };
    assert_eq!(said(29), (Verdict::Advance, Rule::Clear));
    assert_eq!(said(30), (Verdict::Hold, Rule::RouteCarries));
}

#[test]
fn under_ten_letters_a_route_is_not_judged_whatever_bounces() {
    let route = microsoft(&mixed(9, 9), &BTreeMap::new());
    assert_eq!((route.quarter, route.rulings.len()), (None, 0));
    let mut few = mixed(0, 9);
    let bounces = |count| Bounces {
        scope: SignalScope::Warmup,
        provider: Microsoft,
        class: RefusalClass::Blocklist,
        count,
        recipients: BTreeSet::new(),
    };
    few.days.get_mut(&date("2026-12-04")).unwrap().bounces.push(bounces(9));
    assert_eq!(microsoft(&few, &BTreeMap::new()).quarter, None);
    let mut enough = mixed(0, 10);
    enough.days.get_mut(&date("2026-12-04")).unwrap().bounces.push(bounces(2));
    assert_eq!(microsoft(&enough, &BTreeMap::new()).rulings[0].rule, Rule::BounceHold);
    assert!(judge_routes(&enough, &BTreeMap::new())[0].rulings.is_empty(), "they are no bounces of Gmail's");
}

#[test]
fn the_quarter_lasts_three_send_days_and_the_window_begins_anew() {
    let mut past: BTreeMap<Provider, BTreeMap<LocalDate, PastRoute>> = BTreeMap::new();
    let mut facts = new_example("2026-12-01").seen_at(Gmail, "2026-12-01", 0, 20).seen_at(Microsoft, "2026-12-01", 6, 20);
    let mut told = Vec::new();
    for day in ["2026-12-01", "2026-12-02", "2026-12-03", "2026-12-04", "2026-12-05", "2026-12-07"] {
        facts.date = date(day);
        if !matches!(day, "2026-12-01" | "2026-12-05") {
            facts = facts.seen_at(Gmail, day, 0, 30).seen_at(Microsoft, day, 0, 3);
        }
        let routes = judge_routes(&facts, &past);
        let route = routes.iter().find(|r| r.provider == Microsoft).unwrap();
        let verdict = with_routes(judge(&facts), &facts, &routes).verdict();
        told.push((day, route.quarter.map_or(0, |q| q.send_days_left), verdict));
        past.entry(Microsoft).or_default().extend(route.new_breach.map(|breach| (facts.date, breach)));
    }
    assert_eq!(
        told,
        vec![
            ("2026-12-01", 3, Verdict::Hold),
            ("2026-12-02", 2, Verdict::Hold),
            ("2026-12-03", 1, Verdict::Hold),
            ("2026-12-04", 0, Verdict::Advance),
            ("2026-12-05", 0, Verdict::Advance),
            ("2026-12-07", 0, Verdict::Advance),
        ],
        "6 of 20 on the first are not counted again on the fourth"
    );
    assert_eq!(past[&Microsoft].len(), 1);
}

#[test]
fn a_provider_that_says_too_fast_rests_until_tomorrow() {
    let mut facts = mixed(0, 4);
    facts.days.entry(date("2026-12-08")).or_default().rate_replies.insert(Microsoft, 2);
    facts.days.entry(date("2026-12-07")).or_default().rate_replies.insert(Gmail, 2);
    let routes = judge_routes(&facts, &BTreeMap::new());
    let rests: Vec<_> = routes.iter().map(|r| (r.provider, r.rests_until.map(|d| d.to_string()))).collect();
    assert_eq!(rests, [(Gmail, None), (Microsoft, Some("2026-12-09".into()))]);
    assert_eq!(
        routes[1].rulings[0].sentence(),
        "microsoft said 2 times that letters from new.example come too fast, so nothing more goes there before 2026-12-09."
    );
    assert_eq!(with_routes(judge(&facts), &facts, &routes).verdict(), Verdict::Advance, "the others go on");
}

#[test]
fn only_a_domain_has_routes() {
    assert!(judge_routes(&anna().seen_at(Generic, "2026-12-04", 20, 20), &BTreeMap::new()).is_empty());
}
