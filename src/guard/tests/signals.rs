use super::*;
use SignalScope::{Campaign, Warmup};

/// Letters sent, none of them bad.
fn sent(n: u32) -> Facts {
    anna().seen("2026-12-08", 0, n)
}

fn campaign(sent: Option<u32>) -> Facts {
    let mut facts = anna();
    facts.days.insert(facts.date, DayFacts { campaign_sent: sent, ..DayFacts::default() });
    facts
}

#[test]
fn bounces_hold_above_three_per_cent_and_pause_above_five_with_confidence() {
    let said = |bounces, n| verdict_and_rule(&sent(n).bounced(Warmup, RefusalClass::Policy, bounces));
    assert_eq!(said(1, 10), (Verdict::Advance, Rule::Clear), "one is none");
    assert_eq!(said(2, 66), (Verdict::Hold, Rule::BounceHold));
    assert_eq!(said(3, 100), (Verdict::Advance, Rule::Clear), "exactly 3 % is not more");
    assert_eq!(said(4, 100), (Verdict::Hold, Rule::BounceHold));
    let first = |n| (0..=n).find(|b| said(*b, n).0 == Verdict::Pause).unwrap();
    assert_eq!([10, 20, 50, 100, 1000].map(first), [3, 3, 6, 10, 64]);
}

#[test]
fn only_what_is_about_the_sender_counts() {
    use RefusalClass::{Authentication, Blocklist, Content, Policy, Reputation};
    let spoke: Vec<RefusalClass> = RefusalClass::ALL
        .iter()
        .copied()
        .filter(|class| judge(&sent(20).bounced(Warmup, *class, 10)).verdict() == Verdict::Pause)
        .collect();
    assert_eq!(spoke, [Authentication, Reputation, Content, Policy, Blocklist]);
    let mixed = sent(40).bounced(Warmup, Content, 1).bounced(Warmup, Blocklist, 1).bounced(Warmup, RefusalClass::BadAddress, 30);
    let judgement = judge(&mixed);
    let ruling = judgement.decided_by();
    assert_eq!((ruling.rule, ruling.numerator, ruling.denominator), (Rule::BounceHold, 2, Some(40)));
    assert_eq!(ruling.classes.iter().map(|(c, n)| (c.as_str(), *n)).collect::<Vec<_>>(), [("content", 1), ("blocklist", 1)]);
}

#[test]
fn authentication_refused_by_two_recipients_pauses_until_check_is_clean() {
    let refused = |recipients: &[&str]| {
        let mut facts = sent(200);
        let recipients: BTreeSet<Address> = recipients.iter().map(|r| address(r)).collect();
        let (scope, provider, class) = (Warmup, Provider::Gmail, RefusalClass::Authentication);
        facts.days.get_mut(&date("2026-12-08")).unwrap().bounces.push(Bounces { scope, provider, class, count: 3, recipients });
        facts
    };
    assert_eq!(verdict_and_rule(&refused(&["p@a.test"])), (Verdict::Advance, Rule::Clear), "3 of 200 are under 3 %");
    let judgement = judge(&refused(&["p@a.test", "q@b.test"]));
    let ruling = judgement.decided_by();
    assert_eq!((ruling.rule, ruling.numerator, ruling.until), (Rule::AuthenticationPause, 2, Some(Until::CheckIsClean)));
}

#[test]
fn complaints_hold_from_one_and_pause_from_three() {
    let said = |complaints, n| verdict_and_rule(&campaign(n).complained(Campaign, complaints));
    assert_eq!(said(1, Some(1000)), (Verdict::Hold, Rule::ComplaintHold), "0.1 % itself is enough");
    assert_eq!(said(1, Some(1001)), (Verdict::Advance, Rule::Clear));
    assert_eq!(said(2, Some(10)), (Verdict::Hold, Rule::ComplaintHold), "two never pause");
    assert_eq!(said(3, Some(1000)), (Verdict::Pause, Rule::ComplaintPause));
    assert_eq!(said(3, Some(1001)), (Verdict::Hold, Rule::ComplaintHold));
    assert_eq!(said(1, None), (Verdict::Hold, Rule::ComplaintHold), "the count alone where nobody knows of how many");
    assert_eq!(said(3, None), (Verdict::Pause, Rule::ComplaintPause));
    assert_eq!(said(0, None), (Verdict::Advance, Rule::Clear));
    assert_eq!(judge(&campaign(None).complained(Campaign, 3)).decided_by().denominator, None);
}

#[test]
fn the_two_scopes_are_never_one_ratio() {
    let mut facts = sent(30).bounced(Warmup, RefusalClass::Policy, 1).bounced(Campaign, RefusalClass::Policy, 1);
    facts.days.get_mut(&date("2026-12-08")).unwrap().campaign_sent = Some(10);
    assert_eq!(judge(&facts).verdict(), Verdict::Advance, "one here and one there are not two");
    let facts = facts.bounced(Campaign, RefusalClass::Policy, 1);
    let judgement = judge(&facts);
    let ruling = judgement.decided_by();
    assert_eq!((ruling.rule, ruling.scope, ruling.numerator, ruling.denominator), (Rule::BounceHold, Campaign, 2, Some(10)));
}

#[test]
fn unknown_campaign_mail_holds_by_the_count_and_never_pauses_for_bounces() {
    let said = |bounces| verdict_and_rule(&campaign(None).bounced(Campaign, RefusalClass::Content, bounces));
    assert_eq!(said(1), (Verdict::Advance, Rule::Clear));
    assert_eq!(said(2), (Verdict::Hold, Rule::BounceHold));
    assert_eq!(said(900), (Verdict::Hold, Rule::BounceHold), "a bound of an unknown number says nothing");
    let mut partly = campaign(None).bounced(Campaign, RefusalClass::Content, 2);
    partly.days.insert(date("2026-12-07"), DayFacts { campaign_sent: Some(5000), ..DayFacts::default() });
    assert_eq!(judge(&partly).decided_by().denominator, None, "one unknown day makes the window unknown");
}

#[test]
fn gmails_complaints_are_not_observable_and_its_letters_dilute_none() {
    let facts = anna().seen_at(Provider::Gmail, "2026-12-08", 0, 5000).seen_at(Provider::Yahoo, "2026-12-08", 0, 900);
    let quiet = judge(&facts);
    assert_eq!((quiet.verdict(), quiet.not_observable.as_slice()), (Verdict::Advance, [Provider::Gmail].as_slice()));
    assert_eq!(quiet.blind_spot().unwrap(), "Complaints of people at gmail are not observable: it reports none.");
    let one = judge(&facts.complained(Warmup, 1));
    assert_eq!((one.verdict(), one.decided_by().denominator), (Verdict::Hold, Some(900)), "1 of 900, not of 5900");
    assert_eq!(judge(&anna().seen("2026-12-08", 0, 10)).blind_spot(), None);
}
