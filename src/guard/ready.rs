//! Ready: the statement, with evidence, that a domain is warm; else what is wanting, and when it could be there at the earliest.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::facts::{Facts, Letters, Subject};
use super::health::{Placements, by_provider, describing_window};
use super::limits::STRETCHED_DAYS;
use super::window::Window;
use super::wording::{counted, percent};
use crate::words::{LocalDate, Provider, RampDay, Verdict, mailbox_word as word};

/// Letters that the evidence rests on, at least.
const LETTERS: u64 = 100;
/// Inbox rate, in per cent, at least.
const INBOX: u64 = 95;
/// Lower end of the inbox rate's interval, two-sided 95 %: with a one-sided 90 % one, 95 of 100 would always be enough.
const LOWER: f64 = 0.90;
/// Letters from which on a provider is looked at by itself.
const PROVIDER_LETTERS: u64 = 20;
/// Inbox rate of each such provider, in per cent, at least.
const PROVIDER_INBOX: u64 = 90;
/// Days without a verdict worse than advance.
const CALM_DAYS: u32 = 7;
/// Recipients and receiving providers below which evidence is thin.
const RECIPIENTS: u32 = 5;
const PROVIDERS: u32 = 2;
/// How far ahead an earliest date is looked for, in days.
const HORIZON: u32 = 180;

/// What readiness is judged by.
#[derive(Clone, Debug)]
pub struct ReadyFacts<'a> {
    /// The subject's facts: a mailbox's, or a domain's by [`super::pool_to_describe`].
    pub facts: &'a Facts,
    /// The verdict on the facts' date; those of earlier ones stand in the facts' history.
    pub verdict: Verdict,
    /// Where the ramp stands; of a domain, its slowest mailbox's.
    pub ramp: RampFacts,
    /// To how many mailboxes the letters of the last 14 days went.
    pub recipients: u32,
    /// What is planned from the next date on, by the ramp's projection. Dates that are not named have none.
    pub coming: Vec<Coming>,
}

/// Where the ramp stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RampFacts {
    /// The ramp day of today.
    pub ramp_day: RampDay,
    /// The schedule's ramp days.
    pub ramp_days: u32,
    /// Whether all are earned.
    pub done: bool,
    /// When they will be, if every day from now on is earned; `None` where there is no such day.
    pub done_on: Option<LocalDate>,
}

/// Letters planned for a date to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coming {
    /// The date.
    pub date: LocalDate,
    /// How many.
    pub letters: u32,
}

word! {
    /// What is asked for, in the order in which it is told.
    Condition {
        /// Every ramp day is earned.
        Ramp = "ramp",
        /// 100 letters in 14 days.
        Letters = "letters",
        /// 95 % in the inbox.
        Inbox = "inbox",
        /// The lower end of the interval at 90 %.
        Confidence = "confidence",
        /// Every provider with 20 letters at 90 %.
        Provider = "provider",
        /// No verdict worse than advance for 7 days.
        Calm = "calm",
        /// 5 recipients and 2 providers.
        Breadth = "breadth",
    }
}

/// Something that readiness needs, and how it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wanting {
    /// What is asked for.
    pub condition: Condition,
    /// How it stands, in words.
    pub why: String,
}

/// Whether a subject is ready.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ready {
    /// Whose.
    pub subject: Subject,
    /// On which date.
    pub date: LocalDate,
    /// Whether it is warm.
    pub is: bool,
    /// Where the letters of the last 14 days were seen.
    pub placements: Placements,
    /// The dates that it rests on.
    pub window: Window,
    /// What is as it should be, in words.
    pub evidence: Vec<String>,
    /// What is not.
    pub wanting: Vec<Wanting>,
    /// The first date on which it could be ready, if every day is earned, every letter arrives in the inbox and the guard has nothing to say.
    /// `None` where no such date is in sight: the evidence is thin, the ramp has no end, or too little is planned.
    pub earliest: Option<LocalDate>,
}

/// Whether a subject is ready on its facts' date, by the design's definition.
pub fn ready(about: &ReadyFacts<'_>) -> Ready {
    let facts = about.facts;
    let window = describing_window(facts);
    let today = Seen::on(about, facts.date);
    let all = today.conditions();
    let (met, wanting): (Vec<_>, Vec<_>) = all.into_iter().partition(|condition| condition.met);
    let is = wanting.is_empty();
    Ready {
        subject: facts.subject.clone(),
        date: facts.date,
        is,
        placements: Placements::of(today.sum()),
        window,
        evidence: met.into_iter().map(|condition| condition.why).collect(),
        wanting: wanting.into_iter().map(|Told { condition, why, .. }| Wanting { condition, why }).collect(),
        earliest: if is { Some(facts.date) } else { earliest(about) },
    }
}

/// The first date on which nothing would be wanting.
fn earliest(about: &ReadyFacts<'_>) -> Option<LocalDate> {
    // More recipients and providers do not come by waiting.
    if Seen::on(about, about.facts.date).is_thin() {
        return None;
    }
    let dates = (1..=HORIZON).map(|n| about.facts.date.plus(n));
    dates.into_iter().find(|date| Seen::on(about, *date).conditions().iter().all(|condition| condition.met))
}

/// What is seen on a date: what is known by now, and for a date to come what is planned until then, all of it in the inbox.
struct Seen<'a> {
    about: &'a ReadyFacts<'a>,
    date: LocalDate,
    providers: BTreeMap<Provider, Letters>,
    /// Providers of today's window: those of letters to come are taken from them.
    known_providers: u32,
}

/// A condition, whether it is met, and how it stands in words.
struct Told {
    condition: Condition,
    met: bool,
    why: String,
}

impl<'a> Seen<'a> {
    fn on(about: &'a ReadyFacts<'a>, date: LocalDate) -> Self {
        let facts = about.facts;
        let now = by_provider(facts, describing_window(facts));
        let known_providers = now.values().filter(|letters| letters.n() > 0).count() as u32;
        let from = date.minus(STRETCHED_DAYS - 1);
        let mut providers = BTreeMap::new();
        if from <= facts.date {
            providers = by_provider(facts, Window { from, ..Window::of_date(facts.date) });
        }
        let coming = about.coming.iter().filter(|c| c.date > facts.date && c.date >= from && c.date <= date);
        let letters = coming.map(|c| u64::from(c.letters)).fold(0, u64::saturating_add);
        spread(letters, &now, &mut providers);
        Self { about, date, providers, known_providers }
    }

    fn sum(&self) -> Letters {
        Letters::sum(self.providers.values())
    }

    fn is_thin(&self) -> bool {
        self.about.recipients < RECIPIENTS || self.known_providers < PROVIDERS
    }

    fn conditions(&self) -> Vec<Told> {
        let all = Placements::of(self.sum());
        let told = |condition, met, why| Told { condition, met, why };
        let mut conditions = vec![
            self.ramp(),
            told(Condition::Letters, all.n >= LETTERS, format!("{} letters judged in 14 days, {LETTERS} are asked for", all.n)),
        ];
        let rate = all.inbox_rate.map_or_else(|| "none judged".to_owned(), |rate| format!("{} %", percent(rate)));
        let why = format!("{} of {} letters in the inbox: {rate}, {INBOX} % are asked for", all.letters.good(), all.n);
        conditions.push(told(Condition::Inbox, all.n > 0 && is_share(&all.letters, INBOX), why));
        let low = all.interval.low;
        let why = format!("with 95 % confidence at least {} % arrive there, {} % are asked for", percent(low), percent(LOWER));
        conditions.push(told(Condition::Confidence, low >= LOWER, why));
        conditions.extend(self.by_provider());
        conditions.push(self.calm());
        let breadth = format!(
            "{} at {}{}",
            counted(self.about.recipients.into(), "recipient", "recipients"),
            counted(self.known_providers.into(), "provider", "providers"),
            if self.is_thin() { format!(": the evidence is thin, {RECIPIENTS} and {PROVIDERS} are asked for") } else { String::new() }
        );
        conditions.push(told(Condition::Breadth, !self.is_thin(), breadth));
        conditions
    }

    fn ramp(&self) -> Told {
        let RampFacts { ramp_day, ramp_days, done, done_on } = self.about.ramp;
        let met = done || done_on.is_some_and(|on| on <= self.date && self.date > self.about.facts.date);
        let why = match (done, done_on) {
            (true, _) => format!("the ramp is done: all {ramp_days} ramp days are earned"),
            (false, Some(on)) => format!("ramp day {ramp_day} of {ramp_days}: done on {on} if every day is earned"),
            (false, None) => format!("ramp day {ramp_day} of {ramp_days}, and as things are it has no end"),
        };
        Told { condition: Condition::Ramp, met, why }
    }

    /// Providers with letters enough that are below their line; one condition where none is.
    fn by_provider(&self) -> Vec<Told> {
        let large = self.providers.iter().filter(|(_, letters)| letters.n() >= PROVIDER_LETTERS);
        let (good, below): (Vec<_>, Vec<_>) = large.partition(|(_, letters)| is_share(letters, PROVIDER_INBOX));
        let words = |(provider, letters): &(&Provider, &Letters)| format!("{provider} {} of {}", letters.good(), letters.n());
        if below.is_empty() {
            let all: Vec<String> = good.iter().map(words).collect();
            let why = if all.is_empty() {
                format!("no provider has {PROVIDER_LETTERS} letters yet")
            } else {
                format!("every provider with {PROVIDER_LETTERS} letters at {PROVIDER_INBOX} %: {}", all.join(", "))
            };
            return vec![Told { condition: Condition::Provider, met: true, why }];
        }
        let told = |one| Told {
            condition: Condition::Provider,
            met: false,
            why: format!("{} in the inbox, {PROVIDER_INBOX} % are asked for", words(one)),
        };
        below.iter().map(told).collect()
    }

    fn calm(&self) -> Told {
        let facts = self.about.facts;
        let today = std::iter::once((facts.date, self.about.verdict));
        let earlier = facts.history.range(..facts.date).rev().map(|(date, past)| (*date, past.verdict));
        let last = today.chain(earlier).find(|(_, verdict)| verdict.harshness() > Verdict::Advance.harshness());
        let from = self.date.minus(CALM_DAYS - 1);
        let worse = last.filter(|(date, _)| *date >= from);
        let why = match worse {
            None => format!("no verdict worse than advance for {CALM_DAYS} days"),
            Some((date, verdict)) => format!("the guard said {verdict} on {date}: {CALM_DAYS} days without such are asked for"),
        };
        Told { condition: Condition::Calm, met: worse.is_none(), why }
    }
}

/// Whether so many per cent at least are in the inbox; in whole numbers, so that 95 of 100 is 95 %.
fn is_share(letters: &Letters, per_cent: u64) -> bool {
    u128::from(letters.good()) * 100 >= u128::from(letters.n()) * u128::from(per_cent)
}

/// Adds letters that will arrive in the inbox, to the providers in today's proportions. What whole numbers leave over goes to the largest.
fn spread(letters: u64, shares: &BTreeMap<Provider, Letters>, onto: &mut BTreeMap<Provider, Letters>) {
    let all: u64 = shares.values().map(Letters::n).sum();
    let Some((largest, _)) = shares.iter().max_by_key(|(_, letters)| letters.n()).filter(|_| all > 0) else { return };
    let part = |n: u64| (u128::from(letters) * u128::from(n) / u128::from(all)) as u64;
    let given: u64 = shares.values().map(|letters| part(letters.n())).sum();
    for (provider, share) in shares {
        let over = if provider == largest { letters - given } else { 0 };
        let inbox = u32::try_from(part(share.n()) + over).unwrap_or(u32::MAX);
        onto.entry(*provider).or_default().add(&Letters { sent: inbox, inbox, ..Letters::default() });
    }
}
