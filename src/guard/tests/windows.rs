use super::*;

fn window(facts: &Facts) -> (String, String, bool, Option<Restart>) {
    let w = judge(facts).decided_by().window;
    (w.from.to_string(), w.to.to_string(), w.stretched, w.restarted_by)
}

#[test]
fn seven_days_are_stretched_day_by_day_until_they_hold_thirty() {
    let every_day = |n: u32| (0..20).fold(anna(), |facts, back| facts.seen(&date("2026-12-08").minus(back).to_string(), 0, n));
    assert_eq!(window(&every_day(5)), ("2026-12-02".into(), "2026-12-08".into(), false, None), "35 in 7 days");
    assert_eq!(window(&every_day(4)), ("2026-12-01".into(), "2026-12-08".into(), true, None), "28 in 7 days, 32 in 8");
    assert_eq!(window(&every_day(3)), ("2026-11-29".into(), "2026-12-08".into(), true, None), "30 in 10");
    assert_eq!(window(&every_day(1)), ("2026-11-25".into(), "2026-12-08".into(), true, None), "14 days at most");
}

#[test]
fn a_window_never_reaches_back_beyond_what_is_known_nor_ahead() {
    let facts = anna().seen("2026-12-04", 0, 3).seen("2026-12-09", 30, 30);
    assert_eq!(window(&facts), ("2026-12-04".into(), "2026-12-08".into(), false, None));
    assert_eq!(judge(&facts).decided_by().denominator, Some(3), "what is to come is not looked at");
    assert_eq!(window(&anna()), ("2026-12-08".into(), "2026-12-08".into(), false, None));
}

#[test]
fn it_begins_anew_after_step_back_floor_and_pause_and_after_nothing_else() {
    let facts = anna().seen("2026-12-03", 7, 20).seen("2026-12-04", 0, 2).seen("2026-12-08", 0, 10);
    for verdict in Verdict::ALL {
        let judgement = judge(&facts.clone().said("2026-12-03", *verdict));
        let anew = verdict.restarts_window();
        assert_eq!(judgement.verdict(), if anew { Verdict::Advance } else { Verdict::Hold }, "{verdict}");
        assert_eq!(judgement.decided_by().denominator, Some(if anew { 12 } else { 32 }));
        let by = anew.then_some(Restart { date: date("2026-12-03"), verdict: *verdict });
        assert_eq!(judgement.decided_by().window.restarted_by, by);
    }
}

#[test]
fn one_bad_day_does_not_punish_twice() {
    let thursday = on("2026-12-03").seen("2026-12-03", 7, 20);
    assert_eq!(judge(&thursday).verdict(), Verdict::StepBack);
    let friday = on("2026-12-04").seen("2026-12-03", 7, 20).seen("2026-12-04", 0, 6).said("2026-12-03", Verdict::StepBack);
    assert_eq!(verdict_and_rule(&friday), (Verdict::Hold, Rule::TooFew));
}

#[test]
fn after_a_restart_it_holds_until_ten_letters_or_three_send_days() {
    let stepped = |day: &str| on(day).said("2026-12-02", Verdict::StepBack).seen("2026-12-02", 7, 20);
    let (thu, fri, mon, tue) = ("2026-12-03", "2026-12-04", "2026-12-07", "2026-12-08");
    assert_eq!(verdict_and_rule(&stepped(thu).seen(thu, 0, 9)), (Verdict::Hold, Rule::TooFew));
    assert_eq!(verdict_and_rule(&stepped(thu).seen(thu, 0, 10)), (Verdict::Advance, Rule::Clear));
    let slow = |day: &str| stepped(day).seen(thu, 0, 3).seen(fri, 0, 3).seen(mon, 0, 2);
    assert_eq!(verdict_and_rule(&slow("2026-12-06")), (Verdict::Hold, Rule::TooFew), "a Sunday is no send-day");
    assert_eq!(verdict_and_rule(&slow(mon)), (Verdict::Hold, Rule::TooFew), "the third");
    assert_eq!(verdict_and_rule(&slow(tue).seen(tue, 0, 1)), (Verdict::Advance, Rule::Clear), "the fourth");
}

#[test]
fn a_domain_does_not_punish_again_what_its_mailbox_was_punished_for() {
    let day = "2026-12-08";
    let anna = on(day).seen("2026-12-07", 9, 20).seen(day, 0, 10).said("2026-12-07", Verdict::StepBack);
    let mut bert = on(day).seen("2026-12-07", 1, 20).seen(day, 0, 10);
    bert.subject = Subject::Mailbox(address("bert@new.example"));
    let members = [anna, bert];
    let pooled = pool_to_judge(domain(), date(day), members[0].now, &members, std::collections::BTreeMap::new());
    let judgement = judge(&pooled);
    assert_eq!(
        (judgement.verdict(), judgement.decided_by().numerator, judgement.decided_by().denominator),
        (Verdict::Advance, 1, Some(40))
    );
    let whole = pool_to_describe(domain(), date(day), members[0].now, &members, std::collections::BTreeMap::new());
    assert_eq!(super::super::health(&whole).all.n, 60);
}

#[test]
fn the_harsher_of_mailbox_and_domain_wins_and_both_are_kept() {
    let day = "2026-12-08";
    let own = judge(&on(day).seen("2026-12-04", 3, 20));
    let members = [on(day).seen("2026-12-04", 3, 20), on(day).seen("2026-12-04", 20, 20)];
    let pooled = pool_to_judge(domain(), date(day), members[0].now, &members, std::collections::BTreeMap::new());
    let of_domain = judge(&pooled);
    assert_eq!((own.verdict(), of_domain.verdict()), (Verdict::Hold, Verdict::Floor));
    let both = own.clone().harsher(&of_domain);
    assert_eq!((both.verdict(), both.subject.to_string().as_str()), (Verdict::Floor, "mailbox:anna@new.example"));
    assert_eq!(both.sentence(), of_domain.sentence());
    assert!(both.rulings().iter().any(|r| r.rule == Rule::PlacementHold));
    let mild = judge(&Facts { subject: Subject::Domain(domain()), ..on(day) });
    assert_eq!(own.clone().harsher(&mild), own, "what is clear adds nothing");
}
