//! The plan for a terminal.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{MailboxPlan, PlanReport};
use crate::ramp::PlannedDay;
use crate::report::chart::{bars, sparkline};
use crate::report::table::{Align, Table, indented, wrapped};
use crate::words::{LocalDate, RampDay};

/// Plans of more mailboxes than this are shown in one line each, with tables for their domains.
const DETAILED: usize = 3;
/// Plans of more dates than this are shown by weeks.
const BY_DAY: usize = 14;
/// Lines of a chart.
const HEIGHT: usize = 6;

pub(super) fn plan_text(plan: &PlanReport, width: usize) -> String {
    let width = width.max(60);
    let mut out = wrapped(&format!("Plan for {} as of {} ({})", plan.pool, plan.generated_for, plan.generated_for.weekday()), width);
    if let Some(clock) = &plan.clock_name {
        out += &wrapped(clock, width);
    }
    if plan.mailboxes.is_empty() {
        out += "\nNo warming mailbox is in it.\n";
    } else if plan.mailboxes.len() <= DETAILED {
        for alike in plan.mailboxes.chunk_by(same_ramp) {
            out += &mailbox_text(alike, plan.generated_for, width);
        }
    } else {
        out += &overview(plan, width);
    }
    out += &totals_text(plan, width);
    if !plan.carries.is_empty() {
        out += "\nWhat the pool carries\n";
        for sentence in &plan.carries {
            out += &indented(sentence, width, 2, 4);
        }
    }
    if !plan.warnings.is_empty() {
        out.push('\n');
        for warning in &plan.warnings {
            out += &indented(&warning.to_string(), width, 0, 4);
        }
    }
    out
}

/// Whether one table says all there is to say of both.
fn same_ramp(a: &MailboxPlan, b: &MailboxPlan) -> bool {
    let days = |m: &MailboxPlan| m.days.iter().map(|d| (d.date, d.ramp_day, d.quota.value)).collect::<Vec<_>>();
    let about = |m: &MailboxPlan| (m.domain.clone(), m.schedule_name.clone(), m.origin.clone(), m.start, m.notes.clone());
    about(a) == about(b) && outcome(a) == outcome(b) && days(a) == days(b)
}

/// One mailbox, or some that have the same ramp.
fn mailbox_text(alike: &[MailboxPlan], today: LocalDate, width: usize) -> String {
    let Some(m) = alike.first() else { return String::new() };
    let names: Vec<&str> = alike.iter().map(|m| m.address.as_str()).collect();
    let each = if alike.len() > 1 { ", each" } else { "" };
    let mut out = format!("\n{}", wrapped(&format!("{}{each}", names.join(", ")), width));
    out += &indented(&format!("schedule {} ({}), from {} on", m.schedule_name, m.origin, m.start), width, 2, 4);
    out += &indented(&outcome(m), width, 2, 4);
    for note in &m.notes {
        out += &indented(&format!("note: {note}"), width, 2, 4);
    }
    if m.days.is_empty() {
        return out;
    }
    let cells: Vec<Cell> = m.days.iter().map(Cell::from).collect();
    out.push('\n');
    out += &table_text(&cells, today, width);
    out.push('\n');
    out += &chart_text(&cells, width);
    out
}

/// `ramp done on 2027-01-11 (Mon) at 30 a day, 510 messages until then; then 10 a day`
fn outcome(m: &MailboxPlan) -> String {
    let Some(done) = m.done_on() else {
        return format!("ramp not done within this plan; {} messages in it", m.total());
    };
    let until = || m.days.iter().filter(|d| d.date <= done);
    let total: u64 = until().map(|d| u64::from(d.quota.value)).sum();
    let last = until().next_back().map_or(0, |d| d.quota.value);
    let mut after = m.days.iter().filter(|d| d.quota.is_after_ramp()).map(|d| (d.quota.curve().unwrap_or(0), d.quota.value));
    let (wanted, most) = after.next().map_or((0, 0), |(wanted, first)| (wanted, after.map(|(_, n)| n).max().unwrap_or(0).max(first)));
    // A cap may hold what comes after the ramp down, too; a plan that ends on a day without sending knows only what is wanted.
    let after = if most == 0 { wanted } else { wanted.min(most) };
    let then = if after == 0 { "then nothing more".to_owned() } else { format!("then {after} a day") };
    format!("ramp done on {done} ({}) at {last} a day, {total} messages until then; {then}", done.weekday())
}

fn overview(plan: &PlanReport, width: usize) -> String {
    let columns = [
        ("mailbox", Align::Left),
        ("schedule", Align::Left),
        ("from", Align::Right),
        ("done on", Align::Right),
        ("top", Align::Right),
        ("total", Align::Right),
        ("", Align::Left),
    ];
    let mut table = Table::new(&columns);
    for m in &plan.mailboxes {
        let values: Vec<u32> = m.days.iter().map(|d| d.quota.value).collect();
        table.row([
            m.address.to_string(),
            m.schedule_name.clone(),
            m.start.to_string(),
            m.done_on().map_or("–".to_owned(), |d| d.to_string()),
            values.iter().max().unwrap_or(&0).to_string(),
            m.total().to_string(),
            sparkline(&values.into_iter().filter(|v| *v > 0).collect::<Vec<_>>(), 16),
        ]);
    }
    let mut out = format!("\n{}", table.to_text(width));
    for (note, whose) in notes(plan) {
        out += &indented(&format!("note: {}: {note}", whose.join(", ")), width, 0, 4);
    }
    out + "(preheat plan MAILBOX shows one of them day by day)\n"
}

/// Each note once, with the mailboxes that it is about.
fn notes(plan: &PlanReport) -> BTreeMap<&str, Vec<&str>> {
    let mut notes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for m in &plan.mailboxes {
        for note in &m.notes {
            notes.entry(note).or_default().push(m.address.as_str());
        }
    }
    notes
}

/// Domains with several mailboxes, and the pool where there are several domains.
fn totals_text(plan: &PlanReport, width: usize) -> String {
    let mut out = String::new();
    let domains = plan.domain_totals();
    for (domain, days) in &domains {
        let mailboxes = plan.mailboxes.iter().filter(|m| m.domain == *domain).count();
        if mailboxes > 1 {
            out += &sums_text(&format!("{domain}, {mailboxes} mailboxes together"), days, plan.generated_for, width);
        }
    }
    if domains.len() > 1 {
        let title = format!("the {} domains together", domains.len());
        out += &sums_text(&title, &plan.pool_totals(), plan.generated_for, width);
    }
    out
}

fn sums_text(title: &str, days: &BTreeMap<LocalDate, u64>, today: LocalDate, width: usize) -> String {
    let cells: Vec<Cell> = days.iter().map(|(date, quota)| Cell { date: *date, ramp_day: None, quota: *quota }).collect();
    let mut out = format!("\n{}\n", wrapped(title, width));
    out += &table_text(&cells, today, width);
    out.push('\n');
    out + &chart_text(&cells, width)
}

/// A date of a table, of a mailbox or of a sum.
#[derive(Clone, Copy)]
struct Cell {
    date: LocalDate,
    ramp_day: Option<RampDay>,
    quota: u64,
}

impl From<&PlannedDay> for Cell {
    fn from(day: &PlannedDay) -> Self {
        Self { date: day.date, ramp_day: day.ramp_day, quota: u64::from(day.quota.value) }
    }
}

/// By days where these are few, else by weeks; by days again where the numbers are too large for a week to stand on a line.
fn table_text(cells: &[Cell], today: LocalDate, width: usize) -> String {
    let with_ramp = cells.iter().any(|c| c.ramp_day.is_some());
    let weeks = || [with_ramp, false].into_iter().map(|with_ramp| by_week(cells, with_ramp)).find(|text| fits(text, width));
    match cells.len() {
        ..=BY_DAY => by_day(cells, with_ramp, today, width),
        _ => weeks().unwrap_or_else(|| by_day(cells, with_ramp, today, width)),
    }
}

fn fits(text: &str, width: usize) -> bool {
    text.lines().all(|line| line.chars().count() <= width)
}

fn by_day(cells: &[Cell], with_ramp: bool, today: LocalDate, width: usize) -> String {
    let mut columns = vec![("date", Align::Left), ("", Align::Left)];
    if with_ramp {
        columns.push(("ramp day", Align::Right));
    }
    columns.extend([("quota", Align::Right), ("total", Align::Right), ("", Align::Left)]);
    let mut table = Table::new(&columns).indent(2);
    let mut total = 0;
    for cell in cells {
        total += cell.quota;
        let mut row = vec![cell.date.to_string(), cell.date.weekday().to_string()];
        if with_ramp {
            row.push(cell.ramp_day.map(|d| d.to_string()).unwrap_or_default());
        }
        row.extend([amount(cell.quota), total.to_string(), if cell.date == today { "today".into() } else { String::new() }]);
        table.row(row);
    }
    table.to_text(width)
}

/// Wider than any terminal: the table is as wide as its cells.
const UNBOUNDED: usize = 1_000;

/// A line for each week, a column for each weekday; never broken.
fn by_week(cells: &[Cell], with_ramp: bool) -> String {
    let mut columns = vec![("week of", Align::Left)];
    columns.extend(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "week", "total"].map(|title| (title, Align::Right)));
    if with_ramp {
        columns.push(("ramp days", Align::Left));
    }
    let mut table = Table::new(&columns).indent(2);
    let mut total = 0;
    for week in cells.chunk_by(|a, b| monday(a.date) == monday(b.date)) {
        let Some(first) = week.first() else { continue };
        let sum: u64 = week.iter().map(|c| c.quota).sum();
        total += sum;
        let mut row = vec![monday(first.date).to_string()];
        row.extend((0..7).map(|n| {
            let date = monday(first.date).plus(n);
            week.iter().find(|c| c.date == date).map(|c| amount(c.quota)).unwrap_or_default()
        }));
        row.extend([sum.to_string(), total.to_string()]);
        row.push(ramp_days(week));
        table.row(row);
    }
    table.to_text(UNBOUNDED)
}

/// `8–12`, or `12` alone.
fn ramp_days(week: &[Cell]) -> String {
    let days = || week.iter().filter_map(|c| c.ramp_day);
    match (days().min(), days().max()) {
        (Some(a), Some(b)) if a < b => format!("{a}–{b}"),
        (Some(a), _) => a.to_string(),
        _ => String::new(),
    }
}

/// A day without sending is a dot, not a number among numbers.
fn amount(quota: u64) -> String {
    if quota == 0 { "·".to_owned() } else { quota.to_string() }
}

fn monday(date: LocalDate) -> LocalDate {
    date.minus(date.weekday().num_days_from_monday())
}

fn chart_text(cells: &[Cell], width: usize) -> String {
    let values: Vec<u32> = cells.iter().map(|c| u32::try_from(c.quota).unwrap_or(u32::MAX)).collect();
    let end = |cell: Option<&Cell>| cell.map(|c| c.date.to_string()).unwrap_or_default();
    let chart = bars(&values, &end(cells.first()), &end(cells.last()), width - 2, HEIGHT);
    chart.lines().fold(String::new(), |mut out, line| {
        let _ = writeln!(out, "  {line}");
        out
    })
}
