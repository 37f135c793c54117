//! The receiving providers of a domain: one in breach gets less, and holds the domain where it carries much of it.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{DayFacts, Facts, Subject};
use super::limits::{CARRIES_PER_CENT, JUDGED_FROM, QUARTER_SEND_DAYS};
use super::placement::{by_rate, placement_window, tally};
use super::ruling::{Judgement, Rule, Ruling, Until};
use super::signals;
use super::window::{Restart, Window};
use crate::words::{Domain, LocalDate, Provider, SignalScope, Verdict};

/// A breach of a route on an earlier date: what is to be remembered of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct PastRoute {
    /// What the rule said.
    pub verdict: Verdict,
    /// Letters of the window that went to the provider …
    pub sent: u64,
    /// … of so many of the domain.
    pub of: u64,
}

impl PastRoute {
    /// Whether the provider carries so much of the domain's mail that the domain holds: 30 % or more.
    pub fn holds_domain(&self) -> bool {
        self.of > 0 && u128::from(self.sent) * 100 >= u128::from(self.of) * u128::from(CARRIES_PER_CENT)
    }
}

/// A provider gets a quarter of its share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Quarter {
    /// The date of the breach.
    pub since: LocalDate,
    /// Send-days still to come with a quarter of the share: 3 on the date of the breach.
    pub send_days_left: u32,
    /// The breach.
    pub breach: PastRoute,
}

/// What the guard says of a domain's letters to one receiving provider.
#[derive(Clone, Debug, PartialEq)]
pub struct RouteJudgement {
    /// The provider.
    pub provider: Provider,
    /// What was said on this date, the harshest first; empty where nothing was.
    pub rulings: Vec<Ruling>,
    /// The breach of this date, to be remembered; `None` where there is none.
    pub new_breach: Option<PastRoute>,
    /// A quarter of the share, from the next send-day on.
    pub quarter: Option<Quarter>,
    /// Nothing more goes there before this date.
    pub rests_until: Option<LocalDate>,
}

/// Judges every route of a domain. `past` holds the breaches of earlier dates. Nothing where the facts are not a domain's.
///
/// A route's window begins anew with each breach, as a mailbox's does with each step back.
pub fn judge_routes(facts: &Facts, past: &BTreeMap<Provider, BTreeMap<LocalDate, PastRoute>>) -> Vec<RouteJudgement> {
    let Subject::Domain(domain) = &facts.subject else { return Vec::new() };
    let known = facts.days.values().flat_map(|day| day.letters.keys().chain(day.rate_replies.keys()));
    let providers: BTreeSet<Provider> = known.chain(past.keys()).copied().collect();
    let judged = providers.into_iter().map(|provider| judge_route(facts, domain, provider, past.get(&provider)));
    judged.collect()
}

fn judge_route(facts: &Facts, domain: &Domain, provider: Provider, past: Option<&BTreeMap<LocalDate, PastRoute>>) -> RouteJudgement {
    let last = past.and_then(|past| past.range(..facts.date).next_back()).map(|(date, breach)| (*date, *breach));
    let going_on = last.and_then(|(since, breach)| quarter(facts, since, breach));
    let route = facts.of_route(domain, provider, last.map(|(date, breach)| (date, breach.verdict)));
    let found = if going_on.is_none() { breaches(&route) } else { Vec::new() };
    let new_breach = found.first().map(|ruling| {
        let (sent, of) = carried(facts, provider);
        PastRoute { verdict: ruling.verdict, sent, of }
    });
    let too_fast = rate_replies(&route, provider);
    RouteJudgement {
        provider,
        rests_until: too_fast.as_ref().map(|_| facts.date.plus(1)),
        rulings: too_fast.into_iter().chain(found).map(|ruling| Ruling { provider: Some(provider), ..ruling }).collect(),
        new_breach,
        quarter: going_on.or_else(|| quarter(facts, facts.date, new_breach?)),
    }
}

fn quarter(facts: &Facts, since: LocalDate, breach: PastRoute) -> Option<Quarter> {
    let left = QUARTER_SEND_DAYS.saturating_sub(facts.send_days_since(since)) as u32;
    (left > 0).then_some(Quarter { since, send_days_left: left, breach })
}

/// What speaks against a route: where its letters were seen, and what came back from it. The harshest first.
fn breaches(route: &Facts) -> Vec<Ruling> {
    let (_, n) = tally(placement_window(route).days(route));
    if n < JUDGED_FROM {
        return Vec::new();
    }
    let mut found: Vec<Ruling> = [by_rate(route), signals::bounces(route, SignalScope::Warmup)].into_iter().flatten().collect();
    found.sort_by_key(|ruling| std::cmp::Reverse(ruling.verdict.harshness()));
    found
}

/// Letters of the plain window to the provider, and of the whole domain.
fn carried(facts: &Facts, provider: Provider) -> (u64, u64) {
    let days = facts.days.range(facts.date.minus(super::limits::WINDOW_DAYS - 1)..=facts.date);
    days.flat_map(|(_, day)| &day.letters).fold((0, 0), |(sent, of), (to, letters)| {
        let more = u64::from(letters.sent);
        (if *to == provider { sent + more } else { sent }, of + more)
    })
}

/// The provider said "too fast" today: nothing more goes there before tomorrow.
fn rate_replies(route: &Facts, provider: Provider) -> Option<Ruling> {
    let count = *route.days.get(&route.date)?.rate_replies.get(&provider)?;
    let figures = Ruling::on(route, Rule::RateReplies, Verdict::Rest, Window::of_date(route.date));
    (count > 0).then(|| Ruling { numerator: u64::from(count), until: Some(Until::Date(route.date.plus(1))), ..figures })
}

/// A domain's judgement with what its routes say of it: a provider in breach that carries 30 % or more holds it.
#[must_use]
pub fn with_routes(mut domain: Judgement, facts: &Facts, routes: &[RouteJudgement]) -> Judgement {
    let carries = routes.iter().filter_map(|route| {
        let quarter = route.quarter.filter(|quarter| quarter.breach.holds_domain())?;
        let restarted_by = Some(Restart { date: quarter.since, verdict: quarter.breach.verdict });
        let window = Window { from: quarter.since, restarted_by, ..Window::of_date(facts.date) };
        Some(Ruling {
            numerator: quarter.breach.sent,
            denominator: Some(quarter.breach.of),
            provider: Some(route.provider),
            ..Ruling::on(facts, Rule::RouteCarries, Verdict::Hold, window)
        })
    });
    domain.add(carries);
    domain
}

impl Facts {
    /// What of a domain's facts is about one receiving provider. Of campaign mail the providers are not known.
    fn of_route(&self, domain: &Domain, provider: Provider, breach: Option<(LocalDate, Verdict)>) -> Self {
        let days = self.days.iter().map(|(date, day)| (*date, day.of_route(provider))).collect();
        let subject = Subject::Route(domain.clone(), provider);
        let (send_days, history) = (self.send_days.clone(), self.history.clone());
        Self { days, send_days, history, breach, ..Self::new(subject, self.date, self.now) }
    }
}

impl DayFacts {
    fn of_route(&self, provider: Provider) -> Self {
        let ours = self.bounces.iter().filter(|b| b.provider == provider && b.scope == SignalScope::Warmup);
        Self {
            letters: self.letters.get(&provider).map(|letters| (provider, *letters)).into_iter().collect(),
            campaign_sent: None,
            bounces: ours.cloned().collect(),
            complaints: Vec::new(),
            rate_replies: self.rate_replies.get(&provider).map(|count| (provider, *count)).into_iter().collect(),
        }
    }
}
