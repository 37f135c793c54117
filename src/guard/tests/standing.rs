use super::*;
use TroubleKind::{InvalidGrant, OwnQuota, SignIn, Suspended};

fn trouble(kind: TroubleKind, at: &str) -> Facts {
    Facts { troubles: vec![AccountTrouble { kind, at: Moment::parse_rfc3339(at).unwrap() }], ..anna() }
}

#[test]
fn the_accounts_own_limit_rests_for_a_day_and_the_rest_until_a_person_acts() {
    let said = |kind, at| {
        let judgement = judge(&trouble(kind, at));
        (judgement.verdict(), judgement.decided_by().rule, judgement.decided_by().until.map(|u| u.to_string()))
    };
    let rest = |rule, until: &str| (Verdict::Rest, rule, Some(until.to_owned()));
    assert_eq!(said(OwnQuota, "2026-12-08T09:00:00Z"), rest(Rule::OwnQuota, "2026-12-09T09:00:00Z"));
    assert_eq!(said(OwnQuota, "2026-12-07T18:00:01Z"), rest(Rule::OwnQuota, "2026-12-08T18:00:01Z"));
    assert_eq!(said(OwnQuota, "2026-12-07T18:00:00Z"), (Verdict::Advance, Rule::Clear, None), "24 hours are over");
    for (kind, rule) in [(SignIn, Rule::SignIn), (Suspended, Rule::Suspended), (InvalidGrant, Rule::InvalidGrant)] {
        assert_eq!(said(kind, "2026-11-01T00:00:00Z"), rest(rule, "person_acts"));
    }
}

#[test]
fn a_rest_wins_over_a_floor_and_a_pause_over_a_rest() {
    let mut facts = trouble(TroubleKind::SignIn, "2026-12-08T09:00:00Z").seen("2026-12-04", 20, 20);
    assert_eq!(verdict_and_rule(&facts), (Verdict::Rest, Rule::SignIn));
    assert!(judge(&facts).rulings().iter().any(|r| r.rule == Rule::Floor), "it is told, and said again once the account works");
    facts = facts.complained(SignalScope::Warmup, 3);
    assert_eq!(verdict_and_rule(&facts), (Verdict::Pause, Rule::ComplaintPause));
}

/// Paused on the 8th by complaints; what is said on later dates, each remembered.
fn story(mut facts: Facts, days: u32) -> Vec<(String, Verdict, Rule)> {
    let mut told = Vec::new();
    for n in 0..days {
        facts.date = date("2026-12-08").plus(n);
        let judgement = judge(&facts);
        told.push((facts.date.to_string(), judgement.verdict(), judgement.decided_by().rule));
        facts.history.insert(facts.date, judgement.as_past());
    }
    told
}

#[test]
fn a_pause_lasts_seven_days_and_then_begins_anew() {
    let facts = Facts { last_sent_quota: Some(13), ..anna().seen("2026-12-08", 0, 40).complained(SignalScope::Warmup, 3) };
    assert_eq!(judge(&facts).decided_by().until, Some(Until::Date(date("2026-12-16"))));
    assert_eq!(judge(&facts).decided_by().reentry_quota, Some(6));
    let told = story(facts, 9);
    assert_eq!(told[0], ("2026-12-08".into(), Verdict::Pause, Rule::ComplaintPause));
    assert!(told[1..8].iter().all(|(_, verdict, rule)| (*verdict, *rule) == (Verdict::Pause, Rule::PauseGoesOn)), "{told:?}");
    assert_eq!(told[8], ("2026-12-16".into(), Verdict::Hold, Rule::TooFew), "it sends, and is watched");
}

#[test]
fn a_pause_for_authentication_ends_with_a_later_clean_check() {
    let until = Some(Until::CheckIsClean);
    let past = PastVerdict { verdict: Verdict::Pause, until };
    let mut facts = on("2026-12-20");
    facts.history.extend((0..12).map(|n| (date("2026-12-08").plus(n), past)));
    let with = |day: &str, errors, warnings| {
        let check = Some(CheckFacts { date: date(day), errors, warnings });
        verdict_and_rule(&Facts { check, ..facts.clone() })
    };
    assert_eq!(verdict_and_rule(&facts), (Verdict::Pause, Rule::PauseGoesOn), "never checked");
    assert_eq!(with("2026-12-08", 0, 0), (Verdict::Pause, Rule::PauseGoesOn), "the morning of the same day");
    assert_eq!(with("2026-12-12", 1, 0), (Verdict::Pause, Rule::PauseGoesOn));
    assert_eq!(with("2026-12-12", 0, 3), (Verdict::Hold, Rule::TooFew), "a warning is no error; clean since the 12th");
}

#[test]
fn a_person_may_lift_a_pause() {
    let mut facts = on("2026-12-10");
    let past = PastVerdict { verdict: Verdict::Pause, until: Some(Until::Date(date("2026-12-16"))) };
    facts.history.extend([(date("2026-12-08"), past), (date("2026-12-09"), past)]);
    assert_eq!(judge(&facts).verdict(), Verdict::Pause);
    facts.lifted_on = Some(date("2026-12-08"));
    assert_eq!(judge(&facts).verdict(), Verdict::Pause, "lifted before");
    facts.lifted_on = Some(date("2026-12-10"));
    assert_eq!(verdict_and_rule(&facts), (Verdict::Hold, Rule::TooFew));
}

#[test]
fn seven_send_days_at_the_floor_without_relief_pause() {
    let floored = |send_days: u32, bad: u32| {
        let mut facts = anna().said("2026-11-20", Verdict::Floor);
        facts = (0..send_days).fold(facts, |facts, n| facts.seen(&date("2026-12-08").minus(n).to_string(), bad, 4));
        facts.said("2026-11-24", Verdict::Hold).said("2026-11-28", Verdict::StepBack)
    };
    assert_eq!(judge(&floored(6, 4)).verdict(), Verdict::Floor);
    let judgement = judge(&floored(7, 4));
    assert_eq!(verdict_and_rule(&floored(7, 4)), (Verdict::Pause, Rule::FloorWithoutRelief));
    assert_eq!((judgement.decided_by().numerator, judgement.decided_by().denominator), (28, Some(28)));
    assert_eq!(judge(&floored(7, 2)).verdict(), Verdict::Pause, "14 of 28 would take it back again");
    assert_eq!(judge(&floored(7, 0)).verdict(), Verdict::Advance, "the cure worked");
    let relieved = floored(7, 4).said("2026-12-01", Verdict::Advance);
    assert_eq!(judge(&relieved).verdict(), Verdict::Floor, "it had left the floor");
    let paused_since = floored(7, 4).said("2026-11-30", Verdict::Pause);
    assert_eq!(judge(&paused_since).verdict(), Verdict::Floor, "a new story");
}

#[test]
fn until_when_is_read_back_as_it_is_written() {
    let at = Moment::parse_rfc3339("2026-12-09T08:00:00Z").unwrap();
    for until in [Until::Date(date("2026-12-16")), Until::Moment(at), Until::CheckIsClean, Until::PersonActs] {
        assert_eq!(Until::parse(&until.to_string()), Some(until));
    }
    assert_eq!(Until::parse("some day"), None);
}

#[test]
fn a_pause_is_the_harshest_word_and_advance_the_mildest() {
    let mut words = Verdict::ALL.to_vec();
    words.sort_by_key(|v| v.harshness());
    assert_eq!(words, [Verdict::Advance, Verdict::Hold, Verdict::StepBack, Verdict::Floor, Verdict::Rest, Verdict::Pause]);
}
