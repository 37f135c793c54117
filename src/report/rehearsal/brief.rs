//! A rehearsal in short, and several scenarios beside each other: for the demo's terminal.

use super::chart::shares;
use super::page::DemoScenario;
use super::text::{breaches_text, chart_text, inbox_text, said, section, table_text, troubles};
use super::weeks::weeks;
use super::wording::{GUARD_AT_WORK, below, capitalised, cast, outcome, people, percent_or_dash, target, time, weeks_in_words};
use crate::rehearsal::{Breach, Rehearsed};
use crate::report::table::{Align, Table, wrapped};

/// The weeks, the chart and what the rules said.
pub fn to_brief(r: &Rehearsed, width: usize) -> String {
    let width = width.max(60);
    let mut out = wrapped(&format!("{} rehearsed, in virtual time (modelled)", capitalised(&weeks_in_words(r))), width);
    out += &wrapped(&time(r), width);
    out += &wrapped(&cast(r), width);
    out += &below(&chart_text(r, width));
    out += &below(&table_text(r, width));
    out += &inbox_text(r, width);
    out += &section("What the rules said (modelled)", said(r), width);
    out += &section("What went wrong (modelled)", troubles(r), width);
    out += &below(&wrapped(&format!("{}.", capitalised(&outcome(r))), width));
    out
}

/// A line for each scenario.
pub fn scenarios_text(all: &[DemoScenario], width: usize) -> String {
    let Some(first) = all.first() else { return String::new() };
    let mut out = wrapped(
        &format!("The same weeks when things go wrong, with {} (modelled)", people(&first.rehearsed).replacen(", ", " and ", 1)),
        width,
    );
    out.push('\n');
    let columns = [
        ("scenario", Align::Left),
        ("sent", Align::Right),
        ("to spam", Align::Right),
        ("inbox by week", Align::Left),
        ("first", Align::Right),
        ("worst", Align::Right),
        ("last", Align::Right),
        ("target", Align::Left),
    ];
    let mut table = Table::new(&columns);
    for scenario in all {
        let r = &scenario.rehearsed;
        let rates: Vec<Option<f64>> = weeks(&r.days).iter().map(super::weeks::Week::inbox_rate).collect();
        let known: Vec<f64> = rates.iter().copied().flatten().collect();
        let sum = |count: fn(&crate::rehearsal::Day) -> u32| r.days.iter().map(|d| u64::from(count(d))).sum::<u64>().to_string();
        table.row([
            r.scenario.clone(),
            sum(|d| d.sent),
            sum(|d| d.spam),
            shares(rates.iter().copied()),
            percent_or_dash(known.first().copied()),
            percent_or_dash(known.iter().copied().reduce(f64::min)),
            percent_or_dash(known.last().copied()),
            target(r),
        ]);
    }
    out += &table.to_text(width);
    out += &below(&wrapped(GUARD_AT_WORK, width));
    out
}

/// Invariants that did not hold, loudly; nothing where all of them did.
pub fn broken_text(scenario: &str, seed: u64, breaches: &[Breach], width: usize) -> String {
    if breaches.is_empty() {
        return String::new();
    }
    let seeded: Vec<(u64, &Breach)> = breaches.iter().map(|b| (seed, b)).collect();
    breaches_text(scenario, &seeded, width.max(60))
}
