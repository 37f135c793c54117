//! Health: the last 14 days as a number from 0 to 100, whose parts and weights are shown. It describes; it decides nothing.

use std::collections::BTreeMap;

use serde::Serialize;

use super::facts::{Facts, Letters, Subject};
use super::limits::{JUDGED_FROM, STRETCHED_DAYS, reports_complaints};
use super::signals::{bounces_by_class, complaint_count, sent};
use super::wilson::{Interval, Z_95_TWO_SIDED, wilson};
use super::window::Window;
use super::wording::{counted, percent};
use crate::words::{LocalDate, Provider, SignalScope};

/// Full points at this inbox rate: what [`super::ready`] asks for.
const GOOD_INBOX: f64 = 0.95;
/// No points at this inbox rate: near where the guard's floor begins.
const NO_INBOX: f64 = 0.5;
/// No points where this share of what was sent is missing or unaccounted.
const LOST: f64 = 0.05;
/// No points where this share of what was sent bounced for what the sender is: the guard's line for a pause.
const BOUNCED: f64 = 0.05;
/// No points at this share of complaints: the guard's line for a pause.
const COMPLAINED: f64 = 0.003;
/// Send-days from which on a volume can be called steady or not.
const STEADY_FROM: usize = 3;

/// A subject's health.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Health {
    /// Whose.
    pub subject: Subject,
    /// The last date that was looked at.
    pub date: LocalDate,
    /// The dates that it covers: the last 14. Verdicts do not shorten it.
    pub window: Window,
    /// From 0 to 100: the known parts by their weights. `None` with fewer than 10 letters in the rates: too few to put a number on.
    pub score: Option<u32>,
    /// What it is made of. The weights add up to 100.
    pub parts: Vec<HealthPart>,
    /// Where letters were seen, all providers together.
    pub all: Placements,
    /// The same by receiving provider.
    pub providers: Vec<ProviderHealth>,
}

/// One part of the score.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HealthPart {
    /// `placement`, `found`, `bounces`, `complaints`, `check`, `steadiness`.
    pub name: &'static str,
    /// Its weight; all add up to 100.
    pub weight: u32,
    /// From 0 to 1; `None` where nothing is known: its weight is left out then.
    pub points: Option<f64>,
    /// What it rests on, in words.
    pub why: String,
}

/// Where letters were seen, with the rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Placements {
    /// The counts; missing and unaccounted in columns of their own.
    #[serde(flatten)]
    pub letters: Letters,
    /// What the rate is taken of: inbox, category, spam and missing.
    pub n: u64,
    /// Inbox and category, of `n`; `None` of none.
    pub inbox_rate: Option<f64>,
    /// Its Wilson interval, two-sided 95 %.
    pub interval: Interval,
}

/// One receiving provider.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProviderHealth {
    /// Which.
    pub provider: Provider,
    /// Where the letters to it were seen.
    #[serde(flatten)]
    pub placements: Placements,
    /// Complaints of people there, about warmup letters.
    pub complaints: Observed,
}

/// A number that can be seen, or cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Observed {
    /// It is known.
    Count(u64),
    /// The provider does not say: this is not 0.
    NotObservable,
}

impl Placements {
    pub(super) fn of(letters: Letters) -> Self {
        let (good, n) = (letters.good(), letters.n());
        Self { letters, n, inbox_rate: (n > 0).then(|| good as f64 / n as f64), interval: wilson(good, n, Z_95_TWO_SIDED) }
    }
}

/// The health of a mailbox, or of a domain by [`super::pool_to_describe`].
///
/// 50 placement, 10 found, 15 bounces, 10 complaints, 10 check, 5 steadiness. Placement is what warming is for; bounces and complaints are what
/// receivers say in so many words; the rest are early signs. A part of which nothing is known gives its weight to the others.
pub fn health(facts: &Facts) -> Health {
    let window = describing_window(facts);
    let by_provider = by_provider(facts, window);
    let sum = Letters::sum(by_provider.values());
    let all = Placements::of(sum);
    let parts = vec![
        placement(&all),
        found(&sum),
        bounces(facts, window),
        complaints(facts, window, &by_provider),
        check(facts),
        steadiness(facts, window),
    ];
    let score = if all.n < JUDGED_FROM { None } else { score(&parts) };
    let providers = by_provider
        .into_iter()
        .map(|(provider, letters)| ProviderHealth {
            provider,
            placements: Placements::of(letters),
            complaints: complaints_at(facts, window, provider),
        })
        .collect();
    Health { subject: facts.subject.clone(), date: facts.date, window, score, parts, all, providers }
}

/// The last 14 dates, whatever was said of them.
pub(super) fn describing_window(facts: &Facts) -> Window {
    Window { from: facts.date.minus(STRETCHED_DAYS - 1), ..Window::of_date(facts.date) }
}

/// Letters by receiving provider.
pub(super) fn by_provider(facts: &Facts, window: Window) -> BTreeMap<Provider, Letters> {
    let mut providers: BTreeMap<Provider, Letters> = BTreeMap::new();
    for (provider, letters) in window.days(facts).flat_map(|day| &day.letters) {
        providers.entry(*provider).or_default().add(letters);
    }
    providers
}

fn score(parts: &[HealthPart]) -> Option<u32> {
    let known = parts.iter().filter_map(|part| Some((part.points?, f64::from(part.weight))));
    let (sum, weights) = known.fold((0.0, 0.0), |(sum, weights), (points, weight)| (sum + points * weight, weights + weight));
    (weights > 0.0).then(|| (100.0 * sum / weights).round() as u32)
}

/// From 1 at `full` to 0 at `none`, in a straight line.
fn between(value: f64, none: f64, full: f64) -> f64 {
    ((value - none) / (full - none)).clamp(0.0, 1.0)
}

fn placement(all: &Placements) -> HealthPart {
    let interval = format!("{} to {} %", percent(all.interval.low), percent(all.interval.high));
    let why = match all.inbox_rate {
        None => "no letter has been judged".to_owned(),
        Some(rate) => format!("{} of {} letters in the inbox: {} % ({interval})", all.letters.good(), all.n, percent(rate)),
    };
    HealthPart { name: "placement", weight: 50, points: all.inbox_rate.map(|rate| between(rate, NO_INBOX, GOOD_INBOX)), why }
}

fn found(sum: &Letters) -> HealthPart {
    let lost = u64::from(sum.missing) + u64::from(sum.unaccounted);
    let points = (sum.sent > 0).then(|| between(lost as f64 / f64::from(sum.sent), LOST, 0.0));
    let why = format!("{} missing and {} unaccounted of {} sent", sum.missing, sum.unaccounted, sum.sent);
    HealthPart { name: "found", weight: 10, points, why }
}

/// The worse of both scopes: they are never put into one ratio.
fn bounces(facts: &Facts, window: Window) -> HealthPart {
    let of_scope = |scope: &SignalScope| {
        let hits = bounces_by_class(facts, window, *scope).values().copied().fold(0, u64::saturating_add);
        (*scope, hits, sent(facts, window, *scope, |_| true))
    };
    let (points, why) = worse(SignalScope::ALL.iter().map(of_scope), "bounces about the sender", BOUNCED);
    HealthPart { name: "bounces", weight: 15, points, why }
}

fn complaints(facts: &Facts, window: Window, by_provider: &BTreeMap<Provider, Letters>) -> HealthPart {
    let of_scope = |scope: &SignalScope| (*scope, complaint_count(facts, window, *scope), sent(facts, window, *scope, reports_complaints));
    let (points, told) = worse(SignalScope::ALL.iter().map(of_scope), "complaints", COMPLAINED);
    let silent = by_provider.iter().filter(|(provider, _)| !reports_complaints(**provider));
    let blind_spots = silent.map(|(provider, letters)| format!("not observable at {provider} ({} letters)", letters.sent));
    let why = std::iter::once(told).chain(blind_spots).collect::<Vec<_>>().join("; ");
    HealthPart { name: "complaints", weight: 10, points, why }
}

/// The lower points of the scopes of which something is known, and all of it in words.
fn worse(scopes: impl Iterator<Item = (SignalScope, u64, Option<u64>)>, what: &str, none: f64) -> (Option<f64>, String) {
    let (mut points, mut told): (Option<f64>, Vec<String>) = (None, Vec::new());
    for (scope, hits, of) in scopes {
        let share = match of {
            Some(0) if hits == 0 => continue,
            Some(0) => Some(1.0),
            Some(of) => Some(hits as f64 / of as f64),
            None => (hits > 0).then_some(1.0),
        };
        let of = of.map_or_else(|| "an unknown number".to_owned(), |of| of.to_string());
        told.push(format!("{hits} of {of} ({scope})"));
        if let Some(share) = share {
            let these = between(share, none, 0.0);
            points = Some(points.map_or(these, |points| points.min(these)));
        }
    }
    if told.is_empty() {
        return (None, format!("{what}: nothing was sent from which any could come"));
    }
    (points, format!("{what}: {}", told.join(", ")))
}

fn check(facts: &Facts) -> HealthPart {
    let (points, why) = match facts.check {
        None => (None, "never checked: `preheat check`".to_owned()),
        Some(check) => {
            let points = match (check.errors, check.warnings) {
                (0, 0) => 1.0,
                (0, _) => 0.5,
                _ => 0.0,
            };
            (Some(points), format!("{} errors and {} warnings on {}", check.errors, check.warnings, check.date))
        }
    };
    HealthPart { name: "check", weight: 10, points, why }
}

/// The share of send-days whose volume is between half and twice the median.
fn steadiness(facts: &Facts, window: Window) -> HealthPart {
    let days = window.days(facts).map(|day| u64::from(day.all_letters().sent)).filter(|sent| *sent > 0);
    let mut volumes: Vec<u64> = days.collect();
    volumes.sort_unstable();
    let (points, why) = match volumes.get(volumes.len() / 2) {
        Some(median) if volumes.len() >= STEADY_FROM => {
            let steady = volumes.iter().filter(|sent| **sent * 2 >= *median && **sent <= *median * 2).count();
            let why = format!("{steady} of {} send-days within half and twice {median}, the one in the middle", volumes.len());
            (Some(steady as f64 / volumes.len() as f64), why)
        }
        _ => (None, format!("{} so far: too few to say", counted(volumes.len() as u64, "send-day", "send-days"))),
    };
    HealthPart { name: "steadiness", weight: 5, points, why }
}

fn complaints_at(facts: &Facts, window: Window, provider: Provider) -> Observed {
    if !reports_complaints(provider) {
        return Observed::NotObservable;
    }
    let all = window.days(facts).flat_map(|day| &day.complaints);
    let these = all.filter(|c| c.provider == provider && c.scope == SignalScope::Warmup);
    Observed::Count(these.map(|c| u64::from(c.count)).fold(0, u64::saturating_add))
}
