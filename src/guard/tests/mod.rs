//! The table's check figures, and facts built by hand for all tests.

mod health;
mod page;
mod properties;
mod ready;
mod routes;
mod signals;
mod standing;
mod story;
mod windows;

use std::collections::BTreeSet;

use super::*;
use crate::words::{Address, Domain, LocalDate, Moment, Provider, RefusalClass, SignalScope, Verdict};

fn date(text: &str) -> LocalDate {
    LocalDate::parse(text).unwrap()
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn domain() -> Domain {
    address("anna@new.example").domain()
}

/// Anna's facts on a Tuesday evening, of which nothing is known yet.
fn anna() -> Facts {
    on("2026-12-08")
}

fn on(day: &str) -> Facts {
    let now = Moment::parse_rfc3339(&format!("{day}T18:00:00Z")).unwrap();
    Facts::new(Subject::Mailbox(address("anna@new.example")), date(day), now)
}

fn letters(bad: u32, n: u32) -> Letters {
    Letters { sent: n, spam: bad, inbox: n - bad, ..Letters::default() }
}

impl Facts {
    /// So many bad of so many letters of a date, to a provider.
    fn seen_at(mut self, provider: Provider, day: &str, bad: u32, n: u32) -> Self {
        let day = date(day);
        let facts = self.days.entry(day).or_insert_with(|| DayFacts { campaign_sent: Some(0), ..DayFacts::default() });
        facts.letters.entry(provider).or_default().add(&letters(bad, n));
        self.send_days.insert(day);
        self
    }

    fn seen(self, day: &str, bad: u32, n: u32) -> Self {
        self.seen_at(Provider::Generic, day, bad, n)
    }

    fn said(mut self, day: &str, verdict: Verdict) -> Self {
        self.history.insert(date(day), PastVerdict { verdict, until: None });
        self
    }

    fn bounced(mut self, scope: SignalScope, class: RefusalClass, count: u32) -> Self {
        let bounces = Bounces { scope, provider: Provider::Generic, class, count, recipients: BTreeSet::new() };
        self.days.entry(self.date).or_default().bounces.push(bounces);
        self
    }

    fn complained(mut self, scope: SignalScope, count: u32) -> Self {
        let complaints = Complaints { scope, provider: Provider::Yahoo, count };
        self.days.entry(self.date).or_default().complaints.push(complaints);
        self
    }
}

fn verdict_and_rule(facts: &Facts) -> (Verdict, Rule) {
    let judgement = judge(facts);
    (judgement.verdict(), judgement.decided_by().rule)
}

/// What is said of so many bad of so many in one day of a plain window.
fn of_rate(bad: u32, n: u32) -> (Verdict, Rule) {
    // Three days ago: the rule for the last two send-days has others to look at.
    verdict_and_rule(&anna().seen("2026-12-04", bad, n).seen("2026-12-07", 0, 0).seen("2026-12-08", 0, 0))
}

#[test]
fn the_check_figures_of_the_table() {
    use Verdict::{Advance, Floor, Hold, StepBack};
    let first = |verdict: Verdict, n: u32| (0..=n).find(|bad| of_rate(*bad, n).0.harshness() >= verdict.harshness()).unwrap();
    let found: Vec<(u32, u32, u32, u32)> = [20, 50, 100].map(|n| (n, first(Hold, n), first(StepBack, n), first(Floor, n))).to_vec();
    assert_eq!(found, vec![(20, 3, 7, 13), (50, 6, 14, 27), (100, 11, 26, 50)]);
    for (bad, n, said) in [
        (2, 20, Advance),
        (3, 20, Hold),
        (6, 20, Hold),
        (7, 20, StepBack),
        (12, 20, StepBack),
        (13, 20, Floor),
        (5, 50, Advance),
        (6, 50, Hold),
        (13, 50, Hold),
        (14, 50, StepBack),
        (26, 50, StepBack),
        (27, 50, Floor),
        (10, 100, Advance),
        (11, 100, Hold),
        (25, 100, Hold),
        (26, 100, StepBack),
        (49, 100, StepBack),
        (50, 100, Floor),
        (100, 100, Floor),
    ] {
        assert_eq!(of_rate(bad, n).0, said, "{bad} of {n}");
    }
}

#[test]
fn a_hold_asks_for_ten_letters_and_three_bad_ones() {
    assert_eq!(of_rate(3, 9), (Verdict::Advance, Rule::Clear));
    assert_eq!(of_rate(9, 9), (Verdict::Advance, Rule::Clear), "below ten nothing is judged by its rate");
    assert_eq!(of_rate(3, 10), (Verdict::Hold, Rule::PlacementHold));
    assert_eq!(of_rate(2, 10), (Verdict::Advance, Rule::Clear), "20 %, but two letters only");
    assert_eq!(of_rate(3, 29), (Verdict::Hold, Rule::PlacementHold));
    assert_eq!(of_rate(3, 30), (Verdict::Advance, Rule::Clear), "exactly 10 % is not more");
}

#[test]
fn missing_is_bad_a_category_is_good_and_filed_is_in_no_rate() {
    let mut facts = anna().seen("2026-12-04", 0, 0).seen("2026-12-07", 0, 0).seen("2026-12-08", 0, 0);
    let on_friday = |l: Letters| {
        let mut facts = facts.clone();
        facts.days.get_mut(&date("2026-12-04")).unwrap().letters.insert(Provider::Gmail, l);
        let judgement = judge(&facts);
        (judgement.verdict(), judgement.decided_by().numerator, judgement.decided_by().denominator)
    };
    assert_eq!(on_friday(Letters { missing: 3, category: 17, ..Letters::default() }), (Verdict::Hold, 3, Some(20)));
    assert_eq!(
        on_friday(Letters { missing: 1, spam: 2, inbox: 17, filed: 500, unaccounted: 9, ..Letters::default() }),
        (Verdict::Hold, 3, Some(20))
    );
    assert_eq!(on_friday(Letters { filed: 20, unaccounted: 20, ..Letters::default() }), (Verdict::Advance, 0, Some(0)));
    facts.aged = Aged { accepted: 1, placed: 1 };
    assert_eq!(judge(&facts).verdict(), Verdict::Advance);
}

#[test]
fn nothing_advances_on_silence() {
    assert_eq!(verdict_and_rule(&anna()), (Verdict::Advance, Rule::Clear), "nothing was accepted a day ago: nobody is silent");
    let aged = |placed, accepted| verdict_and_rule(&Facts { aged: Aged { accepted, placed }, ..anna() });
    assert_eq!(aged(0, 1), (Verdict::Hold, Rule::Blind));
    assert_eq!(aged(4, 9), (Verdict::Hold, Rule::Blind));
    assert_eq!(aged(5, 10), (Verdict::Advance, Rule::Clear), "half is not under half");
    assert_eq!(aged(4, 10), (Verdict::Hold, Rule::Blind));
    let blind_and_bad = Facts { aged: Aged { accepted: 9, placed: 4 }, ..anna().seen("2026-12-04", 13, 20) };
    let judgement = judge(&blind_and_bad);
    let rules: Vec<Rule> = judgement.rulings().iter().map(|r| r.rule).collect();
    assert_eq!(rules, [Rule::Floor, Rule::Blind], "the harsher decides, and both are told");
}

#[test]
fn a_sudden_fall_is_seen_in_two_send_days() {
    let good_week = anna().seen("2026-12-02", 0, 20).seen("2026-12-03", 0, 20).seen("2026-12-04", 0, 20);
    let fall = |bad: u32, n: u32| verdict_and_rule(&good_week.clone().seen("2026-12-07", 2, 2).seen("2026-12-08", bad - 2, n - 2));
    assert_eq!(fall(6, 8), (Verdict::Floor, Rule::SuddenFloor));
    assert_eq!(fall(5, 8), (Verdict::Advance, Rule::Clear), "5 of 68 in the window");
    assert_eq!(fall(7, 7), (Verdict::Hold, Rule::PlacementHold), "7 of 67 in the window: too few in the two days");
    assert_eq!(fall(9, 12), (Verdict::Floor, Rule::SuddenFloor));
    assert_eq!(fall(8, 12), (Verdict::Hold, Rule::PlacementHold));
    let once = good_week.clone().seen("2026-12-07", 3, 4).seen("2026-12-08", 3, 4).said("2026-12-07", Verdict::Floor);
    assert_eq!(verdict_and_rule(&once), (Verdict::Hold, Rule::TooFew), "Monday's letters were punished on Monday");
    let long_ago = on("2027-01-20").seen("2026-12-07", 8, 8);
    assert_eq!(verdict_and_rule(&long_ago), (Verdict::Advance, Rule::Clear));
}
