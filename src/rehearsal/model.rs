//! What a rehearsal is asked and what it answers.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Scenario;
use crate::chance::Seed;
use crate::config::Config;
use crate::words::{Address, Domain, LetterId, LocalDate};

/// One rehearsal: a config, a scenario, a seed.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    /// The user's own config, with the scenario's changes not made yet.
    pub config: Config,
    /// What happens in the world.
    pub scenario: Scenario,
    /// The seed of the pool and of the world.
    pub seed: Seed,
    /// The first local date.
    pub from: LocalDate,
    /// Dates that are played, from `from` on.
    pub days: u32,
}

/// What came of one rehearsal. Everything in it is modelled.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rehearsed {
    /// The scenario's name.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// The schedules in use, by name.
    pub schedules: Vec<String>,
    /// Warming mailboxes.
    pub warming: u32,
    /// Partner mailboxes.
    pub partners: u32,
    /// Day by day, over all warming mailboxes.
    pub days: Vec<Day>,
    /// Whether the guard moved the ramp; only a comparison switches it off.
    pub guard: bool,
    /// What the rules said, day by day where it was not *advance*, in the order of dates.
    pub verdicts: Vec<Said>,
    /// Ramp days that the plan had and that were not earned, or were taken back, by the end: the mean over the warming mailboxes.
    pub days_lost: f64,
    /// The first date on which every warming mailbox had its target as its quota; `None`: not reached.
    pub target_reached: Option<LocalDate>,
    /// The day number of that date, from 1.
    pub target_day: Option<u32>,
    /// What the receivers think at the end of each day: receiver → domain → 0 to 1.
    pub reputation: Vec<BTreeMap<String, BTreeMap<Domain, f64>>>,
    /// What the executor noted as wrong, with how often: errors, troubles, notes.
    pub troubles: Vec<Trouble>,
    /// Invariants that did not hold. Empty, unless preheat has a bug.
    pub breaches: Vec<Breach>,
    /// SHA-256 of the ledger's dump at the end, as hex: the same seed gives the same.
    pub fingerprint: String,
}

/// One date of the rehearsal, summed over the warming mailboxes (partners apart).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Day {
    /// From 1.
    pub n: u32,
    /// The local date.
    pub date: Option<LocalDate>,
    /// What the schedules would have had on this date if everything had gone well from the first day on.
    pub planned: u32,
    /// The quotas that there were.
    pub quota: u32,
    /// Handed over and taken, answers included.
    pub sent: u32,
    /// Of these, answers.
    pub answers: u32,
    /// Of the letters sent on this date: first seen in the inbox, categories included.
    pub inbox: u32,
    /// First seen in spam.
    pub spam: u32,
    /// First seen elsewhere.
    pub filed: u32,
    /// Not seen within 24 hours, and not since.
    pub missing: u32,
    /// Handed over, and nobody knows.
    pub unaccounted: u32,
    /// Bounced later.
    pub bounced: u32,
    /// Refused by the server.
    pub rejected: u32,
    /// On the agenda and not sent.
    pub skipped: u32,
    /// Of those in spam: seen in the inbox after a rescue.
    pub rescued: u32,
    /// Letters that partners sent on this date.
    pub by_partners: u32,
}

/// What a rule said on a date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Said {
    /// The date.
    pub date: LocalDate,
    /// About whom: a mailbox, a domain, a route.
    pub whom: String,
    /// The verdict's word.
    pub verdict: String,
    /// Why, in words.
    pub why: String,
    /// On how many further dates the same was said of the same, up to the last.
    pub until: LocalDate,
}

/// Something that went wrong in the rehearsed world and that the executor noted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Trouble {
    /// The first date.
    pub date: LocalDate,
    /// The last date.
    pub until: LocalDate,
    /// Which mailbox, where it was one.
    pub mailbox: Option<Address>,
    /// What happened, as a person would read it.
    pub what: String,
    /// How often.
    pub times: u32,
}

/// An invariant that does not hold: a bug in preheat.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Breach {
    /// Which of the six.
    pub invariant: u8,
    /// What is wrong, with names and numbers.
    pub what: String,
    /// The letter that it is about.
    pub letter: Option<LetterId>,
    /// That letter's story: its plan, its steps in the ledger, and what the world knows of it; a line each.
    pub story: Vec<String>,
}

/// Many seeds of one scenario, as a spread.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The scenario's name.
    pub scenario: String,
    /// How many seeds.
    pub seeds: u32,
    /// Day by day.
    pub days: Vec<SpreadDay>,
    /// The day on which the target was reached, over those seeds that reached it.
    pub target_day: Option<Quantiles>,
    /// In how many seeds the target was not reached.
    pub not_reached: u32,
    /// Breaches, each with its seed.
    pub breaches: Vec<(u64, Breach)>,
}

/// One day over many seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SpreadDay {
    /// From 1.
    pub n: u32,
    /// The local date.
    pub date: Option<LocalDate>,
    /// As planned: the same in every seed.
    pub planned: u32,
    /// Letters sent.
    pub sent: Quantiles,
    /// Inbox share of what has a placement (inbox and spam), 0 to 1; days without any letter are left out.
    pub inbox_rate: Option<Quantiles>,
}

/// The middle and the width of a spread.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quantiles {
    /// A tenth lies below.
    pub p10: f64,
    /// Half.
    pub median: f64,
    /// A tenth lies above.
    pub p90: f64,
}
