//! What is said, read as a person reads it, and a ramp that listens.

use super::*;
use crate::ramp::fixtures::standard;
use crate::ramp::{DayRecord, curve, curve_mark, position};
use crate::words::RampDay;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn all_said(judgement: &Judgement) -> Vec<String> {
    judgement.rulings().iter().map(Ruling::sentence).collect()
}

fn by_rate(bad: u32, n: u32) -> Facts {
    anna().seen("2026-12-02", bad, n).seen("2026-12-07", 0, 0).seen("2026-12-08", 0, 0)
}

#[test]
fn every_rule_has_a_sentence_with_its_figures() {
    use RefusalClass::{Content, Policy};
    let (mut said, mut rules) = (Vec::new(), vec![Rule::RateReplies, Rule::RouteCarries]);
    let mut tell = |facts: Facts| {
        let judgement = judge(&facts);
        said.extend(all_said(&judgement));
        rules.extend(judgement.rulings().iter().map(|ruling| ruling.rule));
    };
    let quota = |facts| Facts { last_sent_quota: Some(13), ..facts };
    tell(anna());
    tell(by_rate(0, 20));
    tell(by_rate(1, 20));
    tell(by_rate(3, 20));
    tell(by_rate(7, 20));
    tell(by_rate(13, 20));
    tell(anna().seen("2026-12-07", 3, 4).seen("2026-12-08", 3, 4));
    tell(Facts { aged: Aged { accepted: 10, placed: 3 }, ..anna() });
    tell(anna().seen("2026-12-07", 1, 4).seen("2026-12-03", 9, 9).said("2026-12-04", Verdict::StepBack));
    tell(by_rate(0, 40).bounced(SignalScope::Warmup, Policy, 1).bounced(SignalScope::Warmup, Content, 1));
    tell(quota(by_rate(0, 40).bounced(SignalScope::Warmup, Policy, 9)));
    let mut unsigned = by_rate(0, 40).bounced(SignalScope::Warmup, RefusalClass::Authentication, 1);
    let refused = &mut unsigned.days.get_mut(&date("2026-12-08")).unwrap().bounces[0].recipients;
    refused.extend([address("p@y.test"), address("q@y.test")]);
    tell(unsigned);
    tell(anna().complained(SignalScope::Campaign, 1));
    tell(anna().complained(SignalScope::Warmup, 3));
    let mut some_campaign = anna();
    some_campaign.days.entry(some_campaign.date).or_default().campaign_sent = Some(200);
    tell(some_campaign.complained(SignalScope::Campaign, 2));
    let at = Moment::parse_rfc3339("2026-12-08T09:00:00Z").unwrap();
    for kind in TroubleKind::ALL {
        tell(Facts { troubles: vec![AccountTrouble { kind: *kind, at }], ..anna() });
    }
    let mut paused = anna();
    paused.history.insert(date("2026-12-05"), PastVerdict { verdict: Verdict::Pause, until: Some(Until::Date(date("2026-12-13"))) });
    tell(paused.clone());
    paused.history.insert(date("2026-12-05"), PastVerdict { verdict: Verdict::Pause, until: Some(Until::CheckIsClean) });
    tell(quota(paused.clone()));
    paused.check = Some(CheckFacts { date: date("2026-12-07"), errors: 0, warnings: 0 });
    tell(paused);
    tell((1..8).fold(on("2026-12-08").said("2026-11-30", Verdict::Floor), |facts, day| facts.seen(&format!("2026-12-0{day}"), 1, 2)));
    rules.sort();
    rules.dedup();
    assert_eq!(rules, Rule::ALL, "the two of routes are told below");
    insta::assert_snapshot!(said.join("\n"), @"
    No letter has been judged yet, and none is overdue: nothing speaks against going on.
    None of 20 letters of the last 7 days was in spam or missing: nothing speaks against going on.
    1 of 20 letters of the last 7 days was in spam or missing: nothing speaks against going on.
    3 of 20 letters of the last 7 days were in spam or missing: 15 %, more than 10 %, so the position stays.
    7 of 20 letters of the last 7 days were in spam or missing; with 90 % confidence that is more than 20 %, so 5 ramp days are taken back.
    13 of 20 letters of the last 7 days were in spam or missing; with 95 % confidence that is more than 40 %, so it sends the start volume, and rescues go on.
    6 of 8 letters of the last 2 send-days were in spam or missing: 75 %, and from 75 % on it is too much, so it sends the start volume, and rescues go on.
    Only 3 of 10 letters accepted one to four days ago have been seen anywhere, less than half, so the position stays.
    Only 4 letters have been seen since the step back of 2026-12-04, and 10 are needed to judge by (3 send-days are waited at most), so the position stays.
    2 of 40 warmup letters of the last 7 days were refused for what the sender is or does (1 content, 1 policy): 5 %, more than 3 %, so the position stays.
    9 of 40 warmup letters of the last 7 days were refused for what the sender is or does (9 policy); with 95 % confidence that is more than 5 %, so nothing is sent for 7 days, until 2026-12-16, and then the ramp goes on where it has 6 a day, half of the last quota, or at its first day.
    2 recipients of warmup letters of the last 7 days refused the sender's authentication, which waiting does not mend, so nothing is sent until `preheat check` finds no error.
    1 complaint came about campaign messages of 2026-12-08; how many were sent is not known, and the number alone is enough, so the position stays.
    3 complaints came about warmup letters of 2026-12-08; how many were sent is not known, and the number alone is enough, so nothing is sent for 7 days, until 2026-12-16.
    2 complaints came about 200 campaign messages of 2026-12-08: 1 %, and from 0.1 % on it is too much, so the position stays.
    The account has reached its provider's own limit, so it rests for 24 hours, until 2026-12-09T09:00:00Z.
    The account cannot sign in, so it rests until a person acts.
    Its provider has suspended the account, so it rests until a person acts.
    The provider wants a person's consent again (invalid_grant), so it rests until a person acts.
    The pause of 2026-12-05 goes on, so nothing is sent before 2026-12-13.
    The pause of 2026-12-05 goes on, so nothing is sent until `preheat check` finds no error, and then the ramp goes on where it has 6 a day, half of the last quota, or at its first day.
    No letter has been seen since the pause that ended on 2026-12-05, and 10 are needed to judge by (3 send-days are waited at most), so the position stays.
    7 send-days at the floor brought no relief: 7 of 14 letters since the fall to the floor of 2026-11-30 were in spam or missing, so nothing is sent for 7 days, until 2026-12-16.
    7 of 14 letters since the fall to the floor of 2026-11-30 were in spam or missing; with 90 % confidence that is more than 20 %, so 5 ramp days are taken back.
    ");
}

#[test]
fn a_domains_and_a_routes_sentences_name_them() {
    use Provider::{Gmail, Microsoft};
    let mut facts = anna().seen_at(Gmail, "2026-12-04", 0, 60).seen_at(Microsoft, "2026-12-04", 20, 40);
    facts.subject = Subject::Domain(domain());
    let routes = judge_routes(&facts, &std::collections::BTreeMap::new());
    let judgement = with_routes(judge(&facts), &facts, &routes);
    let said: Vec<String> = routes.iter().flat_map(|r| &r.rulings).map(Ruling::sentence).chain(all_said(&judgement)).collect();
    insta::assert_snapshot!(said.join("\n"), @"
    20 of 40 letters from new.example to microsoft of the last 5 days were in spam or missing; with 90 % confidence that is more than 20 %, so microsoft gets a quarter of its share for 3 send-days.
    20 of 100 letters from new.example of the last 5 days were in spam or missing: 20 %, more than 10 %, so the position stays.
    microsoft, in breach since 2026-12-08, carries 40 of 100 letters from new.example, 30 % or more, so the position stays.
    ");
}

#[test]
fn the_json_has_every_figure() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&judge(&by_rate(7, 20)).to_json()).unwrap(), @r#"
    {
      "complaints_not_observable_at": [],
      "date": "2026-12-08",
      "rule": "step_back",
      "rulings": [
        {
          "bound": {
            "limit": 0.2,
            "measure": "lower_90",
            "or_equal": false,
            "value": 0.2294934118951492
          },
          "classes": {},
          "date": "2026-12-08",
          "denominator": 20,
          "numerator": 7,
          "provider": null,
          "reentry_quota": null,
          "rule": "step_back",
          "scope": "warmup",
          "sentence": "7 of 20 letters of the last 7 days were in spam or missing; with 90 % confidence that is more than 20 %, so 5 ramp days are taken back.",
          "subject": "mailbox:anna@new.example",
          "until": null,
          "verdict": "step_back",
          "window": {
            "from": "2026-12-02",
            "restarted_by": null,
            "stretched": false,
            "to": "2026-12-08"
          }
        }
      ],
      "sentence": "7 of 20 letters of the last 7 days were in spam or missing; with 90 % confidence that is more than 20 %, so 5 ramp days are taken back.",
      "subject": "mailbox:anna@new.example",
      "until": null,
      "verdict": "step_back"
    }
    "#);
}

/// One send-day: where the mailbox stood, what it sent, and what was said in the evening.
struct Evening {
    day: LocalDate,
    here: RampDay,
    sent: u32,
    judgement: Judgement,
}

/// A mailbox on a ramp of 4 to 30 a day, until it is done or so many days are over: every evening is judged, and the ramp folds it. `bad` says how
/// many of a date's letters are bad.
fn ramp_that_listens(days: u32, mut bad: impl FnMut(LocalDate, u32) -> u32) -> Vec<Evening> {
    let schedule = standard();
    let (mark, volumes) = (curve_mark(&schedule), curve(&schedule.ramp, &schedule.calendar));
    let (mut facts, mut history, mut told) = (on("2026-12-01"), Vec::<DayRecord>::new(), Vec::new());
    for day in (0..days).map(|n| date("2026-12-01").plus(n)).filter(|day| schedule.calendar.is_send_day(*day)) {
        let stands = position(&schedule, &history, day);
        if stands.done {
            break;
        }
        facts.date = day;
        let sent = if judge(&facts).stops_sending() { 0 } else { volumes[stands.ramp_day.0 as usize - 1] };
        if sent > 0 {
            facts = facts.seen(&day.to_string(), bad(day, sent), sent);
            facts.last_sent_quota = Some(sent);
        }
        let judgement = judge(&facts);
        facts.history.insert(day, judgement.as_past());
        history.push(DayRecord {
            date: day,
            quota: sent,
            total: sent,
            offered: sent,
            accepted: sent,
            outside: 0,
            verdict: Some(judgement.verdict()),
            curve: mark,
        });
        told.push(Evening { day, here: stands.ramp_day, sent, judgement });
    }
    told
}

#[test]
fn a_ramp_that_listens_holds_steps_back_falls_pauses_and_recovers() {
    // Well, then ever worse, and well again from the new year on.
    let per_cent = |day: LocalDate| match date("2026-12-09").days_since(day) {
        -5..=-1 => 35,
        -23..=-6 => 90,
        _ => 0,
    };
    let evenings = ramp_that_listens(55, |day, sent| sent * per_cent(day) / 100);
    let told: Vec<String> = evenings
        .iter()
        .map(|e| format!("{} day {}, {} sent: {}: {}", e.day, e.here, e.sent, e.judgement.verdict(), e.judgement.sentence()))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @"
    2026-12-01 day 1, 4 sent: advance: None of 4 letters of 2026-12-01 was in spam or missing: nothing speaks against going on.
    2026-12-02 day 2, 5 sent: advance: None of 9 letters of the last 2 days was in spam or missing: nothing speaks against going on.
    2026-12-03 day 3, 6 sent: advance: None of 15 letters of the last 3 days was in spam or missing: nothing speaks against going on.
    2026-12-04 day 4, 7 sent: advance: None of 22 letters of the last 4 days was in spam or missing: nothing speaks against going on.
    2026-12-07 day 5, 8 sent: advance: None of 30 letters of the last 7 days was in spam or missing: nothing speaks against going on.
    2026-12-08 day 6, 8 sent: advance: None of 34 letters of the last 7 days was in spam or missing: nothing speaks against going on.
    2026-12-09 day 7, 9 sent: advance: None of 38 letters of the last 7 days was in spam or missing: nothing speaks against going on.
    2026-12-10 day 8, 10 sent: advance: 3 of 42 letters of the last 7 days were in spam or missing: nothing speaks against going on.
    2026-12-11 day 9, 11 sent: hold: 6 of 46 letters of the last 7 days were in spam or missing: 13.04 %, more than 10 %, so the position stays.
    2026-12-14 day 9, 11 sent: hold: 9 of 49 letters of the last 7 days were in spam or missing: 18.37 %, more than 10 %, so the position stays.
    2026-12-15 day 9, 11 sent: step_back: 18 of 52 letters of the last 7 days were in spam or missing; with 90 % confidence that is more than 20 %, so 5 ramp days are taken back.
    2026-12-16 day 4, 7 sent: hold: Only 7 letters have been seen since the step back of 2026-12-15, and 10 are needed to judge by (3 send-days are waited at most), so the position stays.
    2026-12-17 day 4, 7 sent: floor: 12 of 14 letters since the step back of 2026-12-15 were in spam or missing; with 95 % confidence that is more than 40 %, so it sends the start volume, and rescues go on.
    2026-12-18 day 1, 4 sent: hold: Only 4 letters have been seen since the fall to the floor of 2026-12-17, and 10 are needed to judge by (3 send-days are waited at most), so the position stays.
    2026-12-21 day 1, 4 sent: floor: 6 of 8 letters of the last 2 send-days were in spam or missing: 75 %, and from 75 % on it is too much, so it sends the start volume, and rescues go on.
    2026-12-22 day 1, 4 sent: hold: Only 4 letters have been seen since the fall to the floor of 2026-12-21, and 10 are needed to judge by (3 send-days are waited at most), so the position stays.
    2026-12-23 day 1, 4 sent: floor: 6 of 8 letters of the last 2 send-days were in spam or missing: 75 %, and from 75 % on it is too much, so it sends the start volume, and rescues go on.
    2026-12-24 day 1, 4 sent: hold: Only 4 letters have been seen since the fall to the floor of 2026-12-23, and 10 are needed to judge by (3 send-days are waited at most), so the position stays.
    2026-12-25 day 1, 4 sent: floor: 6 of 8 letters of the last 2 send-days were in spam or missing: 75 %, and from 75 % on it is too much, so it sends the start volume, and rescues go on.
    2026-12-28 day 1, 4 sent: hold: Only 4 letters have been seen since the fall to the floor of 2026-12-25, and 10 are needed to judge by (3 send-days are waited at most), so the position stays.
    2026-12-29 day 1, 4 sent: pause: 7 send-days at the floor brought no relief: 6 of 8 letters of the last 2 days were in spam or missing, so nothing is sent for 7 days, until 2027-01-06, and then the ramp goes on where it has 2 a day, half of the last quota, or at its first day.
    2026-12-30 day 1, 0 sent: pause: The pause of 2026-12-29 goes on, so nothing is sent before 2027-01-06, and then the ramp goes on where it has 2 a day, half of the last quota, or at its first day.
    2026-12-31 day 1, 0 sent: pause: The pause of 2026-12-29 goes on, so nothing is sent before 2027-01-06, and then the ramp goes on where it has 2 a day, half of the last quota, or at its first day.
    2027-01-01 day 1, 0 sent: pause: The pause of 2026-12-29 goes on, so nothing is sent before 2027-01-06, and then the ramp goes on where it has 2 a day, half of the last quota, or at its first day.
    2027-01-04 day 1, 0 sent: pause: The pause of 2026-12-29 goes on, so nothing is sent before 2027-01-06, and then the ramp goes on where it has 2 a day, half of the last quota, or at its first day.
    2027-01-05 day 1, 0 sent: pause: The pause of 2026-12-29 goes on, so nothing is sent before 2027-01-06, and then the ramp goes on where it has 2 a day, half of the last quota, or at its first day.
    2027-01-06 day 1, 4 sent: hold: Only 4 letters have been seen since the pause that ended on 2027-01-05, and 10 are needed to judge by (3 send-days are waited at most), so the position stays.
    2027-01-07 day 1, 4 sent: hold: Only 8 letters have been seen since the pause that ended on 2027-01-05, and 10 are needed to judge by (3 send-days are waited at most), so the position stays.
    2027-01-08 day 1, 4 sent: advance: None of 12 letters since the pause that ended on 2027-01-05 was in spam or missing: nothing speaks against going on.
    2027-01-11 day 2, 5 sent: advance: None of 17 letters since the pause that ended on 2027-01-05 was in spam or missing: nothing speaks against going on.
    2027-01-12 day 3, 6 sent: advance: None of 23 letters since the pause that ended on 2027-01-05 was in spam or missing: nothing speaks against going on.
    2027-01-13 day 4, 7 sent: advance: None of 30 letters since the pause that ended on 2027-01-05 was in spam or missing: nothing speaks against going on.
    2027-01-14 day 5, 8 sent: advance: None of 30 letters of the last 7 days was in spam or missing: nothing speaks against going on.
    2027-01-15 day 6, 8 sent: advance: None of 34 letters of the last 7 days was in spam or missing: nothing speaks against going on.
    2027-01-18 day 7, 9 sent: advance: None of 38 letters of the last 7 days was in spam or missing: nothing speaks against going on.
    2027-01-19 day 8, 10 sent: advance: None of 42 letters of the last 7 days was in spam or missing: nothing speaks against going on.
    2027-01-20 day 9, 11 sent: advance: None of 46 letters of the last 7 days was in spam or missing: nothing speaks against going on.
    2027-01-21 day 10, 12 sent: advance: None of 50 letters of the last 7 days was in spam or missing: nothing speaks against going on.
    2027-01-22 day 11, 13 sent: advance: None of 55 letters of the last 7 days was in spam or missing: nothing speaks against going on.
    ");
}

/// Letters are bad by chance: a small share must not punish, a large one must at once. `docs/guard.md` has the numbers of 300 runs.
#[test]
fn chance_alone_does_not_punish_and_trouble_is_seen_in_days() {
    let punished_after = |share: f64, seed: u64| {
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let evenings = ramp_that_listens(140, |_, sent| (0..sent).filter(|_| chance.random_bool(share)).count() as u32);
        let punished = evenings.iter().position(|e| e.judgement.verdict().harshness() >= Verdict::StepBack.harshness());
        (punished.map(|n| n + 1), evenings.len())
    };
    for seed in 0..30 {
        let (punished, send_days) = punished_after(0.02, seed);
        assert_eq!(punished, None, "2 % bad, seed {seed}");
        assert!(send_days <= 33, "2 % bad, seed {seed}: {send_days} send-days instead of 30");
        assert_eq!(punished_after(0.05, seed).0, None, "5 % bad, seed {seed}");
        let (punished, _) = punished_after(0.5, seed);
        assert!(punished.is_some_and(|n| n <= 8), "50 % bad, seed {seed}: {punished:?}");
    }
}
