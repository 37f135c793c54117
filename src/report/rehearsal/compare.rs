//! Two schedules side by side: the same pool, the same scenario, the same seeds.

use serde_json::{Value, json};

use super::chart::{against, moved_in, shares};
use super::figures::Figures;
use super::text::{breaches_text, marked};
use super::wording::{below, counted, number, percent, spread, time};
use crate::rehearsal::{Breach, Quantiles, Rehearsed, quantiles, spread_of};
use crate::report::table::{Align, Table, wrapped};

/// One schedule's rehearsals, one for each seed.
#[derive(Clone, Debug)]
pub struct Side {
    /// What it is called: the schedule's name, or the names of several.
    pub name: String,
    /// What was played, in the order of the seeds.
    pub played: Vec<Rehearsed>,
}

impl Side {
    /// `seed 7`, or `200 seeds`.
    pub(super) fn seeds_in_words(&self) -> String {
        match self.played.as_slice() {
            [one] => format!("seed {}", one.seed),
            many => counted(many.len() as u64, "seed", "seeds"),
        }
    }

    /// Letters sent by day: the median over the seeds.
    pub(super) fn median_sent(&self) -> Vec<Quantiles> {
        let longest = self.played.iter().map(|r| r.days.len()).max().unwrap_or(0);
        (0..longest).filter_map(|n| quantiles(self.played.iter().filter_map(|r| r.days.get(n)).map(|d| f64::from(d.sent)))).collect()
    }
}

/// Lines of a chart.
const HEIGHT: usize = 6;

/// The two as a table with a chart each on one scale, at most `width` columns wide (60 at least). Breaches stand at its end.
pub fn compare_text(sides: &[Side; 2], width: usize) -> String {
    let width = width.max(60);
    let Some(first) = sides[0].played.first() else { return String::new() };
    let seeds = sides[0].seeds_in_words();
    let heading = format!("Two ways rehearsed: everything below is modelled; {seeds}, scenario {}", first.scenario);
    let mut out = wrapped(&heading, width);
    out += &wrapped(&time(first), width);
    if sides[0].played.len() > 1 {
        out += &wrapped("numbers are medians, in brackets from where a tenth lies below to where a tenth lies above", width);
    }
    let figures = sides.each_ref().map(|side| Figures::of(&side.played));
    out += &below(&table_text(sides, &figures, width));
    out += &charts_text(sides, width);
    out.push('\n');
    let breaches: Vec<(u64, &Breach)> = sides.iter().flat_map(|s| &s.played).flat_map(|r| r.breaches.iter().map(|b| (r.seed, b))).collect();
    out + &if breaches.is_empty() {
        "All invariants held on both sides.\n".to_owned()
    } else {
        breaches_text(&first.scenario, &breaches, width)
    }
}

/// The two as JSON: `"modelled": true`, `scenario`, and `sides[]`: `schedule`, `figures`, and `rehearsed` (one seed) or `spread` (many).
pub fn compare_json(sides: &[Side; 2]) -> Value {
    let side = |side: &Side| {
        let figures = Figures::of(&side.played);
        match side.played.as_slice() {
            [one] => json!({ "schedule": side.name, "figures": figures, "rehearsed": one }),
            many => json!({ "schedule": side.name, "figures": figures, "spread": spread_of(many) }),
        }
    };
    let scenario = sides[0].played.first().map(|r| r.scenario.as_str());
    marked(json!({ "scenario": scenario, "sides": sides.iter().map(side).collect::<Vec<_>>() }))
}

fn table_text(sides: &[Side; 2], figures: &[Figures; 2], width: usize) -> String {
    let mut table = Table::new(&[("", Align::Left), (&sides[0].name, Align::Right), (&sides[1].name, Align::Right)]);
    let mut row = |what: &str, cell: &dyn Fn(&Figures) -> String| {
        table.row([what.to_owned(), cell(&figures[0]), cell(&figures[1])]);
    };
    let amount = |q: Option<Quantiles>| q.map_or_else(|| "–".to_owned(), |q| spread(q, number));
    let rate = |q: Option<Quantiles>| q.map_or_else(|| "–".to_owned(), |q| spread(q, percent));
    row("target reached on day", &|f| target(f, sides[0].played.len()));
    row("letters sent until then", &|f| amount(f.letters_until_target));
    row("letters sent in all", &|f| amount(f.sent));
    row("of these first seen in spam", &|f| amount(f.spam));
    row("verdicts other than advance", &|f| amount(f.verdicts));
    row("ramp days lost", &|f| amount(f.days_lost));
    row("inbox of the last 7 days", &|f| rate(f.last_week));
    row("worst week by inbox", &|f| f.worst_week().map_or_else(|| "–".to_owned(), |(n, q)| format!("week {n}: {}", spread(q, percent))));
    row("inbox by week", &|f| shares(f.inbox_by_week.iter().map(|q| q.map(|q| q.median))));
    for n in 0..figures[0].inbox_by_week.len().max(figures[1].inbox_by_week.len()) {
        row(&format!("  week {}", n + 1), &|f| rate(f.inbox_by_week.get(n).copied().flatten()));
    }
    table.to_text(width)
}

fn target(f: &Figures, seeds: usize) -> String {
    match f.target_day {
        None => "not reached".to_owned(),
        Some(q) if f.not_reached == 0 => spread(q, number),
        Some(q) => format!("{}, not in {} of {seeds}", spread(q, number), f.not_reached),
    }
}

/// A chart for each side, both to the scale of the larger.
fn charts_text(sides: &[Side; 2], width: usize) -> String {
    let sent = sides.each_ref().map(|s| s.median_sent().iter().map(|q| q.median.round() as u32).collect::<Vec<_>>());
    let planned =
        sides.each_ref().map(|s| s.played.first().map(|r| r.days.iter().map(|d| d.planned).collect::<Vec<_>>()).unwrap_or_default());
    let top = sent.iter().chain(&planned).flatten().copied().max().unwrap_or(0);
    let days = sides[0].played.first().map(|r| r.days.as_slice()).unwrap_or_default();
    let end = |day: Option<&crate::rehearsal::Day>| day.and_then(|d| d.date).map(|d| d.to_string()).unwrap_or_default();
    let mut out = String::new();
    for n in 0..2 {
        out += &below(&wrapped(&format!("{}: letters a day, █ sent, ─ planned where it was not reached (modelled)", sides[n].name), width));
        out += &moved_in(&against(&planned[n], &sent[n], top, (&end(days.first()), &end(days.last())), width - 2, HEIGHT));
    }
    out
}
