//! One rehearsal for a terminal, and as JSON.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::chart::{against, moved_in, shares};
use super::weeks::{Week, weeks};
use super::wording::{amount, below, cast, counted, invariant, outcome, percent, percent_or_dash, span, time, verdict};
use crate::rehearsal::{Breach, Day, Rehearsed, inbox_rate};
use crate::report::table::{Align, Table, indented, wrapped};
use crate::words::LocalDate;

/// Lines of a chart.
const HEIGHT: usize = 8;
/// Days that are shown of one week.
const DAYS_OF_A_WEEK: usize = 3;
/// Sentences that a section has at most.
const SENTENCES: usize = 24;
/// Lines of what receivers think.
const RECEIVERS: usize = 12;

/// The rehearsal in words, tables and a chart, at most `width` columns wide (60 at least), without colour. Breaches stand at its end.
pub fn to_text(r: &Rehearsed, width: usize) -> String {
    let width = width.max(60);
    let heading = format!("A rehearsal: everything below is modelled; seed {}, scenario {}", r.seed, r.scenario);
    let mut out = wrapped(&heading, width);
    out += &wrapped(&time(r), width);
    out += &wrapped(&cast(r), width);
    out += &below(&wrapped(&outcome(r), width));
    out += &below(&table_text(r, width));
    out += &below(&chart_text(r, width));
    out += &inbox_text(r, width);
    out += &section("What the rules said (modelled)", said(r), width);
    out += &section("What went wrong (modelled)", troubles(r), width);
    out += &section_of("What the receivers think of the domains, 0 to 1 (modelled)", reputations(r), RECEIVERS, width);
    out.push('\n');
    out += &if r.breaches.is_empty() {
        let mark: String = r.fingerprint.chars().take(16).collect();
        wrapped(&format!("All invariants held. The ledger's fingerprint: {mark}"), width)
    } else {
        let seeds: Vec<(u64, &Breach)> = r.breaches.iter().map(|b| (r.seed, b)).collect();
        breaches_text(&r.scenario, &seeds, width)
    };
    out
}

/// The rehearsal as JSON: every field of [`Rehearsed`], and `"modelled": true`.
pub fn to_json(r: &Rehearsed) -> Value {
    marked(json!(r))
}

/// An object with the mark that it comes out of the model.
pub(super) fn marked(mut value: Value) -> Value {
    if let Value::Object(fields) = &mut value {
        fields.insert("modelled".to_owned(), Value::Bool(true));
    }
    value
}

/// The title of a column, and what stands in it.
type Column = (&'static str, fn(&Day) -> String);

/// The numbers of a week or a day.
const COLUMNS: [Column; 7] = [
    ("planned", |d| amount(d.planned)),
    ("quota", |d| amount(d.quota)),
    ("sent", |d| amount(d.sent)),
    ("answers", |d| amount(d.answers)),
    ("inbox", |d| percent_or_dash(inbox_rate(d.inbox, d.spam))),
    ("spam", |d| amount(d.spam)),
    ("rescued", |d| amount(d.rescued)),
];

/// What a narrow terminal does without.
const DISPENSABLE: [&str; 2] = ["answers", "rescued"];
/// Columns from which on a terminal has room for all of them.
const ROOMY: usize = 80;

/// A line for each week; below it, up to three days of it on which something happened.
pub(super) fn table_text(r: &Rehearsed, width: usize) -> String {
    let numbers: Vec<Column> = COLUMNS.into_iter().filter(|(title, _)| width >= ROOMY || !DISPENSABLE.contains(title)).collect();
    let titles = numbers.iter().map(|(title, _)| (*title, Align::Right));
    let columns: Vec<(&str, Align)> = [("week of", Align::Left)].into_iter().chain(titles).chain([("and", Align::Left)]).collect();
    let mut table = Table::new(&columns);
    let mut row = |name: String, day: &Day, begun: Vec<String>| {
        let also: Vec<String> = begun.into_iter().chain(misfortunes(day)).collect();
        let cells = numbers.iter().map(|(_, cell)| cell(day));
        table.row([name].into_iter().chain(cells).chain([also.join(", ")]));
    };
    for week in weeks(&r.days) {
        row(week.monday.map_or_else(|| format!("day {}", week.sum.n), |d| d.to_string()), &week.sum, Vec::new());
        for day in notable_days(&week, r) {
            let name = day.date.map_or_else(|| format!("  day {}", day.n), |d| format!("  {} {}", d.weekday(), d.0.format("%m-%d")));
            row(name, day, begun_on(r, day.date));
        }
    }
    table.to_text(width)
}

/// What else became of letters, where it became of any.
fn misfortunes(day: &Day) -> Vec<String> {
    let all = [
        (day.missing, "missing"),
        (day.bounced, "bounced"),
        (day.rejected, "rejected"),
        (day.unaccounted, "unaccounted"),
        (day.skipped, "skipped"),
        (day.filed, "filed"),
    ];
    all.into_iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect()
}

/// The verdicts that begin on a date, each word once.
fn begun_on(r: &Rehearsed, date: Option<LocalDate>) -> Vec<String> {
    let words: BTreeSet<String> = r.verdicts.iter().filter(|s| Some(s.date) == date).map(|s| verdict(&s.verdict)).collect();
    words.into_iter().collect()
}

/// The days of a week on which something happened, the worst where these are many, in order.
fn notable_days<'a>(week: &Week<'a>, r: &Rehearsed) -> Vec<&'a Day> {
    let weight = |day: &Day| {
        let lost = day.missing + day.bounced + day.rejected + day.unaccounted;
        // Being a little late is nothing to speak of; a day whose fifth part was not sent is.
        let skipped = if day.skipped.saturating_mul(5) >= day.quota.max(1) { day.skipped } else { 0 };
        let begun = if begun_on(r, day.date).is_empty() { 0 } else { 1_000_000 };
        begun + lost.saturating_add(skipped).min(999_999)
    };
    let mut days: Vec<&Day> = week.days.iter().filter(|d| weight(d) > 0).collect();
    days.sort_by_key(|d| (std::cmp::Reverse(weight(d)), d.n));
    days.truncate(DAYS_OF_A_WEEK);
    days.sort_by_key(|d| d.n);
    days
}

pub(super) fn chart_text(r: &Rehearsed, width: usize) -> String {
    let (planned, sent): (Vec<u32>, Vec<u32>) = r.days.iter().map(|d| (d.planned, d.sent)).unzip();
    let end = |day: Option<&Day>| day.and_then(|d| d.date).map(|d| d.to_string()).unwrap_or_default();
    let chart = against(&planned, &sent, 0, (&end(r.days.first()), &end(r.days.last())), width - 2, HEIGHT);
    let mut out = wrapped("Letters a day: █ sent, ─ planned where it was not reached (modelled)", width);
    out += &moved_in(&chart);
    out
}

/// `Inbox by week (modelled) ▄▅▆▇█ first 52 %, last 97 %, worst 48 % (of 2026-12-14)`
pub(super) fn inbox_text(r: &Rehearsed, width: usize) -> String {
    let weeks = weeks(&r.days);
    let known: Vec<(&Week<'_>, f64)> = weeks.iter().filter_map(|w| w.inbox_rate().map(|rate| (w, rate))).collect();
    let (Some((_, first)), Some((_, last))) = (known.first(), known.last()) else {
        return "\nInbox by week: no letter has a placement (modelled)\n".to_owned();
    };
    let worst = known.iter().min_by(|a, b| a.1.total_cmp(&b.1));
    let worst = worst.and_then(|(w, rate)| w.monday.map(|d| format!(", worst {} (of {d})", percent(*rate)))).unwrap_or_default();
    let line = shares(weeks.iter().map(Week::inbox_rate));
    let words = format!("Inbox by week (modelled) {line} first {}, last {}{worst}", percent(*first), percent(*last));
    format!("\n{}", indented(&words, width, 0, 2))
}

/// A heading and its sentences, or nothing.
pub(super) fn section(heading: &str, sentences: Vec<String>, width: usize) -> String {
    section_of(heading, sentences, SENTENCES, width)
}

/// The same with so many sentences at most.
pub(super) fn section_of(heading: &str, sentences: Vec<String>, most: usize, width: usize) -> String {
    if sentences.is_empty() {
        return String::new();
    }
    let more = sentences.len().saturating_sub(most);
    let mut out = format!("\n{}", wrapped(heading, width));
    for sentence in sentences.into_iter().take(most) {
        out += &indented(&sentence, width, 2, 4);
    }
    if more > 0 {
        out += &indented(&format!("and {more} more: --json has them all"), width, 2, 4);
    }
    out
}

pub(super) fn said(r: &Rehearsed) -> Vec<String> {
    r.verdicts.iter().map(|s| format!("{}  {}: {}: {}", span(s.date, s.until), s.whom, verdict(&s.verdict), s.why)).collect()
}

pub(super) fn troubles(r: &Rehearsed) -> Vec<String> {
    r.troubles
        .iter()
        .map(|t| {
            let whose = t.mailbox.as_ref().map(|m| format!("{m}: ")).unwrap_or_default();
            let times = if t.times > 1 { format!(" ({} times)", t.times) } else { String::new() };
            format!("{}  {whose}{}{times}", span(t.date, t.until), t.what)
        })
        .collect()
}

/// A line for each receiver and domain: how it began, how it ended, and the way between.
fn reputations(r: &Rehearsed) -> Vec<String> {
    let Some(last) = r.reputation.last() else { return Vec::new() };
    let mut lines = Vec::new();
    for (receiver, domains) in last {
        for (domain, end) in domains {
            let days: Vec<Option<f64>> = r.reputation.iter().map(|day| day.get(receiver).and_then(|d| d.get(domain)).copied()).collect();
            let first = days.iter().flatten().next().unwrap_or(end);
            let way = shares(days.iter().copied().step_by(7).chain([Some(*end)]));
            lines.push(format!("{receiver} about {domain}: {first:.2} at first, {end:.2} at the end  {way}"));
        }
    }
    lines
}

/// Loudly: what is broken, with the seed and the scenario that show it again, and the story of the letter.
pub(super) fn breaches_text(scenario: &str, breaches: &[(u64, &Breach)], width: usize) -> String {
    let n = counted(breaches.len() as u64, "INVARIANT DID", "INVARIANTS DID");
    let mut out = wrapped(&format!("{n} NOT HOLD: this is a bug in preheat; please report it with what stands here"), width);
    for (seed, breach) in breaches.iter().take(SENTENCES) {
        let head = format!("scenario {scenario}, seed {seed}: invariant {} ({})", breach.invariant, invariant(breach.invariant));
        out += &below(&indented(&head, width, 2, 4));
        out += &indented(&breach.what, width, 4, 6);
        if let Some(letter) = breach.letter {
            out += &indented(&format!("the story of letter {letter}:"), width, 4, 6);
        }
        for line in &breach.story {
            out += &indented(line, width, 6, 8);
        }
    }
    let more = breaches.len().saturating_sub(SENTENCES);
    if more > 0 {
        out += &indented(&format!("and {more} more: --json has them all"), width, 2, 4);
    }
    out
}
