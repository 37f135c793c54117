use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

fn count() -> impl Strategy<Value = u32> {
    prop_oneof![4 => 0_u32..30, 1 => prop::sample::select(vec![0, 1, u32::MAX / 2, u32::MAX])]
}

fn any_letters() -> impl Strategy<Value = Letters> {
    (count(), count(), count(), count(), count(), count(), count()).prop_map(
        |(sent, inbox, category, spam, missing, filed, unaccounted)| Letters { sent, inbox, category, spam, missing, filed, unaccounted },
    )
}

fn any_provider() -> impl Strategy<Value = Provider> {
    prop::sample::select(Provider::ALL)
}

fn any_scope() -> impl Strategy<Value = SignalScope> {
    prop::sample::select(SignalScope::ALL)
}

fn any_day() -> impl Strategy<Value = DayFacts> {
    let recipients = prop::collection::btree_set(0_u8..4, 0..3);
    let bounces = (any_scope(), any_provider(), prop::sample::select(RefusalClass::ALL), count(), recipients).prop_map(
        |(scope, provider, class, count, recipients)| {
            let recipients = recipients.into_iter().map(|n| address(&format!("p{n}@y.test"))).collect::<BTreeSet<_>>();
            Bounces { scope, provider, class, count, recipients }
        },
    );
    let complaints = (any_scope(), any_provider(), count()).prop_map(|(scope, provider, count)| Complaints { scope, provider, count });
    (
        prop::collection::btree_map(any_provider(), any_letters(), 0..4),
        prop::option::of(count()),
        prop::collection::vec(bounces, 0..3),
        prop::collection::vec(complaints, 0..2),
        prop::collection::btree_map(any_provider(), count(), 0..2),
    )
        .prop_map(|(letters, campaign_sent, bounces, complaints, rate_replies)| DayFacts {
            letters,
            campaign_sent,
            bounces,
            complaints,
            rate_replies,
        })
}

/// Days from long before to some days after the date that is judged.
fn around() -> impl Strategy<Value = LocalDate> {
    (0_u32..24).prop_map(|n| date("2026-11-20").plus(n))
}

fn any_past() -> impl Strategy<Value = PastVerdict> {
    let until = prop_oneof![
        around().prop_map(Until::Date),
        (0_i64..i64::MAX).prop_map(|ms| Until::Moment(Moment(ms))),
        Just(Until::CheckIsClean),
        Just(Until::PersonActs),
    ];
    (prop::sample::select(Verdict::ALL), prop::option::of(until)).prop_map(|(verdict, until)| PastVerdict { verdict, until })
}

fn any_facts() -> impl Strategy<Value = Facts> {
    let trouble =
        (prop::sample::select(TroubleKind::ALL), i64::MIN..i64::MAX).prop_map(|(kind, at)| AccountTrouble { kind, at: Moment(at) });
    let check = (around(), count(), count()).prop_map(|(date, errors, warnings)| CheckFacts { date, errors, warnings });
    (
        prop::collection::btree_map(around(), any_day(), 0..20),
        prop::collection::btree_set(around(), 0..20),
        (count(), count()),
        prop::collection::vec(trouble, 0..2),
        prop::collection::btree_map(around(), any_past(), 0..8),
        (prop::option::of(check), prop::option::of(around()), prop::option::of(count())),
    )
        .prop_map(|(days, send_days, (accepted, placed), troubles, history, (check, lifted_on, last_sent_quota))| Facts {
            days,
            send_days,
            aged: Aged { accepted, placed },
            troubles,
            history,
            check,
            lifted_on,
            last_sent_quota,
            ..anna()
        })
}

/// The same facts with some good letters of each day bad.
fn worsened(facts: &Facts, some: u32) -> Facts {
    let mut worse = facts.clone();
    for letters in worse.days.values_mut().flat_map(|day| day.letters.values_mut()) {
        let moved = letters.inbox.min(some).min(u32::MAX - letters.spam);
        letters.inbox -= moved;
        letters.spam += moved;
    }
    worse
}

fn is_well_formed(ruling: &Ruling) -> bool {
    let sentence = ruling.sentence();
    let within = |share: f64| (0.0..=1.0).contains(&share);
    sentence.ends_with('.')
        && !sentence.contains("  ")
        && !sentence.trim_end_matches('.').contains(". ")
        && ruling.window.from <= ruling.window.to
        && ruling.bound.is_none_or(|bound| within(bound.limit) && bound.value.is_none_or(within))
        && ruling.to_json()["sentence"].is_string()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn nothing_panics_and_every_word_has_its_figures(facts in any_facts(), recipients in count(), coming in prop::collection::vec((around(), count()), 0..6)) {
        let judgement = judge(&facts);
        prop_assert!(judgement.rulings().iter().all(is_well_formed), "{:?}", judgement);
        let harshest = judgement.rulings().iter().map(|r| r.verdict.harshness()).max();
        prop_assert_eq!(Some(judgement.verdict().harshness()), harshest);
        let mut of_domain = facts.clone();
        of_domain.subject = Subject::Domain(domain());
        let past = BTreeMap::from([(Provider::Gmail, BTreeMap::from([(date("2026-12-05"), PastRoute { verdict: Verdict::Hold, sent: 1, of: 2 })]))]);
        let routes = judge_routes(&of_domain, &past);
        prop_assert!(routes.iter().flat_map(|r| &r.rulings).all(is_well_formed), "{:?}", routes);
        let with = with_routes(judge(&of_domain), &of_domain, &routes);
        prop_assert!(with.rulings().iter().all(is_well_formed));
        prop_assert!(judgement.clone().harsher(&with).verdict().harshness() >= judgement.verdict().harshness());
        for whole in [pool_to_judge, pool_to_describe] {
            let pooled = whole(domain(), facts.date, facts.now, &[facts.clone(), facts.clone()], facts.history.clone());
            judge(&pooled);
            prop_assert!(health(&pooled).score.is_none_or(|score| score <= 100));
        }
        let coming = coming.into_iter().map(|(date, letters)| Coming { date, letters }).collect();
        let ramp = RampFacts { ramp_day: crate::words::RampDay(3), ramp_days: 30, done: false, done_on: Some(date("2026-12-20")) };
        let said = ready(&ReadyFacts { facts: &facts, verdict: judgement.verdict(), ramp, recipients, coming });
        prop_assert!(!said.is, "the ramp is not done");
        prop_assert!(said.earliest.is_none_or(|earliest| earliest >= date("2026-12-20")));
    }

    #[test]
    fn more_bad_letters_never_give_a_milder_verdict(facts in any_facts(), some in 1_u32..20) {
        let (before, after) = (judge(&facts).verdict(), judge(&worsened(&facts, some)).verdict());
        prop_assert!(after.harshness() >= before.harshness(), "{} became {}", before, after);
    }

    #[test]
    fn more_signals_never_give_a_milder_verdict(facts in any_facts(), scope in any_scope(), class in prop::sample::select(RefusalClass::ALL), more in count()) {
        // A day that is not there yet would make known campaign mail unknown.
        prop_assume!(facts.days.contains_key(&facts.date));
        let before = judge(&facts).verdict().harshness();
        prop_assert!(judge(&facts.clone().bounced(scope, class, more)).verdict().harshness() >= before);
        prop_assert!(judge(&facts.clone().complained(scope, more)).verdict().harshness() >= before);
    }

    #[test]
    fn judging_a_date_again_says_the_same(facts in any_facts(), stored in any_past()) {
        let mut again = facts.clone();
        again.history.insert(facts.date, stored);
        again.history.insert(facts.date.plus(1), stored);
        prop_assert_eq!(judge(&facts), judge(&again));
    }

    #[test]
    fn without_letters_the_word_is_advance_unless_somebody_is_silent(accepted in count(), placed in count()) {
        let judgement = judge(&Facts { aged: Aged { accepted, placed }, ..anna() });
        let silent = u64::from(placed) * 2 < u64::from(accepted);
        let word = if silent { (Verdict::Hold, Rule::Blind) } else { (Verdict::Advance, Rule::Clear) };
        prop_assert_eq!((judgement.verdict(), judgement.decided_by().rule), word);
    }

    #[test]
    fn what_came_before_a_restart_changes_nothing(facts in any_facts(), day in any_day(), back in 1_u32..10) {
        let restarted = facts.said("2026-12-07", Verdict::StepBack);
        let mut other = restarted.clone();
        other.days.insert(date("2026-12-07").minus(back), day);
        let words = |facts: &Facts| judge(facts).rulings().iter().map(|r| (r.rule, r.verdict, r.numerator)).collect::<Vec<_>>();
        prop_assert_eq!(words(&restarted), words(&other));
    }

    #[test]
    fn the_interval_holds_the_share_and_narrows_with_n(hits in 0_u64..1000, more in 0_u64..1000, times in 2_u64..50) {
        let n = hits + more;
        let (one, many) = (wilson(hits, n, Z_95_TWO_SIDED), wilson(hits * times, n * times, Z_95_TWO_SIDED));
        prop_assert!(0.0 <= one.low && one.low <= one.high && one.high <= 1.0);
        if n > 0 {
            let share = hits as f64 / n as f64;
            prop_assert!(one.low <= share && share <= one.high);
            prop_assert!(many.high - many.low < one.high - one.low);
            prop_assert!(wilson(hits, n, Z_90_ONE_SIDED).low >= one.low);
        }
    }
}
