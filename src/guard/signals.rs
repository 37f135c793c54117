//! The rules about what comes back: bounces and complaints, each scope for itself.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{DayFacts, Facts};
use super::limits::{ABOUT_THE_SENDER, AUTHENTICATION_RECIPIENTS, BOUNCES, COMPLAINTS, ENOUGH, RateRule, reports_complaints};
use super::placement::half_of_last_quota;
use super::ruling::{Rule, Ruling, Until};
use super::window::Window;
use crate::words::{Address, Provider, RefusalClass, SignalScope, Verdict};

/// What the rules say of the signals of both scopes.
pub(super) fn rulings(facts: &Facts) -> Vec<Ruling> {
    let of_scope = |scope: &SignalScope| [authentication(facts, *scope), bounces(facts, *scope), complaints(facts, *scope)];
    SignalScope::ALL.iter().flat_map(of_scope).flatten().collect()
}

/// The window of a scope's signals: stretched until enough was sent. What nobody counted needs no stretching.
pub(super) fn signal_window(facts: &Facts, scope: SignalScope) -> Window {
    Window::of(facts, |day| sent_on(day, scope, |_| true).unwrap_or(ENOUGH))
}

/// What was sent of a scope on one day to providers that `counts` takes; `None`: unknown. Of campaign mail the providers are not known.
fn sent_on(day: &DayFacts, scope: SignalScope, counts: impl Fn(Provider) -> bool) -> Option<u64> {
    match scope {
        SignalScope::Warmup => Some(day.letters.iter().filter(|(p, _)| counts(**p)).map(|(_, letters)| u64::from(letters.sent)).sum()),
        SignalScope::Campaign => day.campaign_sent.map(u64::from),
    }
}

/// What was sent of a scope in a window; unknown where one day's is.
pub(super) fn sent(facts: &Facts, window: Window, scope: SignalScope, counts: impl Fn(Provider) -> bool) -> Option<u64> {
    window.days(facts).map(|day| sent_on(day, scope, &counts)).try_fold(0, |sum: u64, sent| Some(sum.saturating_add(sent?)))
}

/// Bounces of a scope that are about the sender, by class.
pub(super) fn bounces_by_class(facts: &Facts, window: Window, scope: SignalScope) -> BTreeMap<RefusalClass, u64> {
    let mut classes = BTreeMap::new();
    let all = window.days(facts).flat_map(|day| &day.bounces);
    for bounce in all.filter(|b| b.scope == scope && b.count > 0 && ABOUT_THE_SENDER.contains(&b.class)) {
        let sum: &mut u64 = classes.entry(bounce.class).or_default();
        *sum = sum.saturating_add(u64::from(bounce.count));
    }
    classes
}

/// Complaints of a scope.
pub(super) fn complaint_count(facts: &Facts, window: Window, scope: SignalScope) -> u64 {
    let all = window.days(facts).flat_map(|day| &day.complaints).filter(|c| c.scope == scope);
    all.map(|c| u64::from(c.count)).fold(0, u64::saturating_add)
}

/// Two recipients refused the sender's authentication: that does not heal by waiting.
fn authentication(facts: &Facts, scope: SignalScope) -> Option<Ruling> {
    let window = signal_window(facts, scope);
    let all = window.days(facts).flat_map(|day| &day.bounces);
    let refused = all.filter(|b| b.scope == scope && b.class == RefusalClass::Authentication);
    let recipients: BTreeSet<&Address> = refused.flat_map(|b| &b.recipients).collect();
    if recipients.len() < AUTHENTICATION_RECIPIENTS {
        return None;
    }
    Some(Ruling {
        scope,
        numerator: recipients.len() as u64,
        denominator: sent(facts, window, scope, |_| true),
        until: Some(Until::CheckIsClean),
        reentry_quota: half_of_last_quota(facts),
        ..Ruling::on(facts, Rule::AuthenticationPause, Verdict::Pause, window)
    })
}

/// What the rules say of a scope's bounces.
pub(super) fn bounces(facts: &Facts, scope: SignalScope) -> Option<Ruling> {
    let window = signal_window(facts, scope);
    let classes = bounces_by_class(facts, window, scope);
    let hits = classes.values().copied().fold(0, u64::saturating_add);
    let ruling = by_rules(facts, BOUNCES, scope, window, hits, sent(facts, window, scope, |_| true))?;
    Some(Ruling { classes, ..ruling })
}

fn complaints(facts: &Facts, scope: SignalScope) -> Option<Ruling> {
    let window = signal_window(facts, scope);
    let hits = complaint_count(facts, window, scope);
    by_rules(facts, COMPLAINTS, scope, window, hits, sent(facts, window, scope, reports_complaints))
}

/// The harshest of `rules` that speaks.
fn by_rules(facts: &Facts, rules: &[RateRule], scope: SignalScope, window: Window, hits: u64, of: Option<u64>) -> Option<Ruling> {
    // What came back for nothing that was counted was sent all the same: nobody knows how many.
    let of = of.filter(|of| *of > 0 || hits == 0);
    rules.iter().find_map(|rule| {
        let bound = rule.speaks(hits, of)?;
        let figures = Ruling::on(facts, rule.rule, rule.verdict, window);
        let ruling = Ruling { scope, numerator: hits, denominator: of, bound: Some(bound), ..figures };
        Some(if rule.verdict == Verdict::Pause { ruling.pausing(facts) } else { ruling })
    })
}
