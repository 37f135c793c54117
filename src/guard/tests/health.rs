use super::*;

fn parts(health: &Health) -> Vec<String> {
    let points = |p: Option<f64>| p.map_or_else(|| "unknown".to_owned(), |p| format!("{p:.2}"));
    health.parts.iter().map(|p| format!("{} {} × {}: {}", p.name, points(p.points), p.weight, p.why)).collect()
}

#[test]
fn the_score_is_the_sum_of_its_parts_which_are_all_told() {
    let mut facts = ["2026-12-01", "2026-12-02", "2026-12-03", "2026-12-04"]
        .iter()
        .fold(anna(), |facts, day| facts.seen_at(Provider::Gmail, day, 2, 20).seen_at(Provider::Yahoo, day, 0, 5));
    facts.days.get_mut(&date("2026-12-04")).unwrap().letters.insert(
        Provider::Microsoft,
        Letters { sent: 10, inbox: 5, category: 1, missing: 1, filed: 2, unaccounted: 1, ..Letters::default() },
    );
    facts.days.entry(facts.date).or_default().campaign_sent = Some(1000);
    facts = facts.bounced(SignalScope::Campaign, RefusalClass::Policy, 10).complained(SignalScope::Campaign, 1);
    facts.check = Some(CheckFacts { date: date("2026-12-01"), errors: 0, warnings: 2 });
    let said = health(&facts);
    insta::assert_snapshot!(parts(&said).join("\n"), @"
    placement 0.92 × 50: 98 of 107 letters in the inbox: 91.59 % (84.78 to 95.51 %)
    found 0.64 × 10: 1 missing and 1 unaccounted of 110 sent
    bounces 0.80 × 15: bounces about the sender: 0 of 110 (warmup), 10 of 1000 (campaign)
    complaints 0.67 × 10: complaints: 0 of 30 (warmup), 1 of 1000 (campaign); not observable at gmail (80 letters)
    check 0.50 × 10: 0 errors and 2 warnings on 2026-12-01
    steadiness 1.00 × 5: 4 of 4 send-days within half and twice 25, the one in the middle
    ");
    assert_eq!(said.parts.iter().map(|p| p.weight).sum::<u32>(), 100);
    let by_hand: f64 = said.parts.iter().map(|p| p.points.unwrap() * f64::from(p.weight)).sum();
    assert_eq!(said.score, Some(by_hand.round() as u32));
    let row = |p: &ProviderHealth| {
        let l = p.placements.letters;
        (p.provider.as_str(), p.placements.n, l.spam, l.missing, l.unaccounted, l.filed, p.complaints)
    };
    assert_eq!(
        said.providers.iter().map(row).collect::<Vec<_>>(),
        [
            ("gmail", 80, 8, 0, 0, 0, Observed::NotObservable),
            ("microsoft", 7, 0, 1, 1, 2, Observed::Count(0)),
            ("yahoo", 20, 0, 0, 0, 0, Observed::Count(0)),
        ]
    );
    let json = serde_json::to_value(&said).unwrap();
    assert_eq!(json["providers"][0]["complaints"], "not_observable");
    assert_eq!(json["providers"][1]["unaccounted"], 1);
    assert_eq!(json["providers"][1]["complaints"]["count"], 0);
    assert!(json["all"]["interval"]["low"].as_f64().unwrap() < json["all"]["inbox_rate"].as_f64().unwrap());
}

#[test]
fn what_is_not_known_gives_its_weight_to_the_rest_and_few_letters_give_no_score() {
    assert_eq!(health(&anna()).score, None);
    assert_eq!(health(&anna().seen("2026-12-04", 0, 9)).score, None);
    let said = health(&anna().seen("2026-12-04", 0, 10));
    assert_eq!(said.score, Some(100));
    let unknown: Vec<&str> = said.parts.iter().filter(|p| p.points.is_none()).map(|p| p.name).collect();
    assert_eq!(unknown, ["check", "steadiness"]);
    let all_gmail = health(&anna().seen_at(Provider::Gmail, "2026-12-04", 0, 50));
    let complaints = &all_gmail.parts[3];
    assert_eq!(
        (complaints.points, complaints.why.as_str()),
        (None, "complaints: nothing was sent from which any could come; not observable at gmail (50 letters)"),
        "not 0: not observable"
    );
}

#[test]
fn each_part_falls_to_nothing_at_its_line() {
    let score = |bad, n| health(&anna().seen("2026-12-04", bad, n)).score.unwrap();
    assert_eq!([score(0, 100), score(5, 100), score(50, 100), score(100, 100)], [100, 100, 41, 41], "placement is 50 of 85 known");
    let points = |facts: &Facts, part: usize| health(facts).parts[part].points.unwrap();
    let sent = || anna().seen("2026-12-08", 0, 100);
    assert!(points(&sent().bounced(SignalScope::Warmup, RefusalClass::Content, 5), 2).abs() < 1e-9);
    assert!((points(&sent().bounced(SignalScope::Warmup, RefusalClass::Full, 5), 2) - 1.0).abs() < 1e-9);
    assert!(points(&sent().complained(SignalScope::Warmup, 1), 3).abs() < 1e-9);
    let jumpy =
        [4, 5, 6, 40].iter().zip(1_u32..).fold(anna(), |facts, (n, day)| facts.seen(&date("2026-12-01").plus(day).to_string(), 0, *n));
    assert!((points(&jumpy, 5) - 0.75).abs() < 1e-9);
    let unsound = Facts { check: Some(CheckFacts { date: date("2026-12-08"), errors: 1, warnings: 0 }), ..sent() };
    assert!(points(&unsound, 4).abs() < 1e-9);
}

#[test]
fn verdicts_do_not_shorten_what_health_describes() {
    let facts = anna().seen("2026-11-25", 0, 30).seen("2026-11-24", 30, 30);
    let said = health(&facts.clone().said("2026-12-01", Verdict::Pause));
    assert_eq!((said.all.n, said.score), (30, health(&facts).score), "14 days, and no more");
}
