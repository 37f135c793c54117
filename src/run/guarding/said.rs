//! A judgement as it is written down and read back.

use std::fmt;

use serde_json::{Value, json};

use crate::guard::{Judgement, PastRoute, RouteJudgement, Ruling, Subject, Until};
use crate::ledger::VerdictRow;
use crate::words::{Domain, LocalDate, Moment, Verdict};

/// What the guard said of a date.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// The verdict.
    pub verdict: Verdict,
    /// Until when it holds; `None`: for the day.
    pub until: Option<Until>,
    /// Every ruling, the harshest first, as [`Ruling::to_json`] writes it.
    pub rulings: Vec<Value>,
}

impl Said {
    /// Of a judgement.
    pub fn of(judgement: &Judgement) -> Self {
        let decided = judgement.decided_by();
        let rulings = judgement.rulings().iter().map(Ruling::to_json).collect();
        Self { verdict: decided.verdict, until: decided.until, rulings }
    }

    /// As the ledger has it.
    pub fn of_row(row: &VerdictRow) -> Self {
        Self { verdict: row.verdict, until: row.until, rulings: serde_json::from_str(&row.rulings).unwrap_or_default() }
    }

    /// As the ledger is to have it.
    pub fn row(&self, subject: Subject, date: LocalDate, at: Moment) -> VerdictRow {
        let rulings = Value::from(self.rulings.clone()).to_string();
        VerdictRow { subject, date, at, verdict: self.verdict, until: self.until, rulings }
    }

    /// A mailbox's word with its domain's: the harsher holds, its own among equals, and what both said is kept.
    #[must_use]
    pub fn harsher(mut self, domain: &Self) -> Self {
        let spoke = |rulings: &[Value]| rulings.iter().any(|r| r["rule"] != "clear");
        if domain.verdict.harshness() > self.verdict.harshness() {
            (self.verdict, self.until) = (domain.verdict, domain.until);
        }
        if spoke(&domain.rulings) {
            self.rulings.retain(|r| r["rule"] != "clear");
            self.rulings.extend(domain.rulings.iter().cloned());
            self.rulings.sort_by_key(|r| std::cmp::Reverse(harshness(r)));
        }
        self
    }

    /// The ruling that decided, in one sentence.
    pub fn sentence(&self) -> &str {
        self.rulings.first().and_then(|r| r["sentence"].as_str()).unwrap_or_default()
    }

    /// The ruling that paused, in one sentence.
    pub(super) fn why_paused(&self) -> Option<String> {
        self.rulings.iter().find(|r| r["verdict"] == "pause").and_then(|r| r["sentence"].as_str()).map(str::to_owned)
    }
}

fn harshness(ruling: &Value) -> u8 {
    ruling["verdict"].as_str().and_then(Verdict::parse).map_or(0, Verdict::harshness)
}

/// What was said of a route, where anything was: the harshest of it, and the breach that is to be remembered.
pub(super) fn of_route(domain: &Domain, route: &RouteJudgement, date: LocalDate, at: Moment) -> Option<VerdictRow> {
    let first = route.rulings.first()?;
    let mut rulings: Vec<Value> = route.rulings.iter().map(Ruling::to_json).collect();
    if let (Some(breach), Some(first)) = (&route.new_breach, rulings.first_mut()) {
        first["breach"] = json!(breach);
    }
    Some(VerdictRow {
        subject: Subject::Route(domain.clone(), route.provider),
        date,
        at,
        verdict: first.verdict,
        until: first.until,
        rulings: Value::from(rulings).to_string(),
    })
}

/// The breach of a route that was written down, if it was one.
pub(super) fn breach_of(row: &VerdictRow) -> Option<PastRoute> {
    let rulings: Vec<Value> = serde_json::from_str(&row.rulings).ok()?;
    let breach = &rulings.first()?["breach"];
    let count = |key: &str| breach[key].as_u64();
    Some(PastRoute { verdict: Verdict::parse(breach["verdict"].as_str()?)?, sent: count("sent")?, of: count("of")? })
}

/// A pause of the guard that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paused {
    /// The date that was judged so.
    pub since: LocalDate,
    /// Until when.
    pub until: Until,
    /// The ruling that paused, in one sentence.
    pub why: Option<String>,
}

impl Paused {
    /// Whether nothing is sent on a date. A pause without a date of its end holds on every one.
    pub fn holds_on(&self, date: LocalDate) -> bool {
        !matches!(self.until, Until::Date(end) if date >= end)
    }
}

impl fmt::Display for Paused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("paused by the guard ")?;
        match self.until {
            Until::Date(date) => write!(f, "until {date}")?,
            Until::Moment(at) => write!(f, "until {at}")?,
            Until::CheckIsClean => f.write_str("until `preheat check` finds no error")?,
            Until::PersonActs => f.write_str("until a person acts")?,
        }
        match &self.why {
            Some(why) => write!(f, ": {}", why.trim_end_matches('.')),
            None => write!(f, ", since {}", self.since),
        }
    }
}
