//! Many seeds for a terminal, and as JSON.

use serde_json::{Value, json};

use super::chart::{against, moved_in};
use super::text::{breaches_text, marked};
use super::weeks::monday;
use super::wording::{below, counted, number, percent, spread, with_weekday};
use crate::rehearsal::{Breach, Spread, SpreadDay};
use crate::report::table::{Align, Table, indented, wrapped};

/// Lines of a chart.
const HEIGHT: usize = 8;

/// The spread in words, a table and a chart, at most `width` columns wide (60 at least). Breaches stand at its end.
pub fn spread_text(s: &Spread, width: usize) -> String {
    let width = width.max(60);
    let heading = format!("{} rehearsed: everything below is modelled; scenario {}", counted(s.seeds, "seed", "seeds"), s.scenario);
    let mut out = wrapped(&heading, width);
    out += &wrapped(&played(s), width);
    out += &below(&wrapped(&outcome(s), width));
    let how = "The last send-day of each week: the median, and in brackets from where a tenth lies below to where a tenth lies above";
    out += &below(&wrapped(how, width));
    out += &table_text(s, width);
    out += &below(&wrapped("Letters a day: █ sent (median), ─ planned where it was not reached (modelled)", width));
    let planned: Vec<u32> = s.days.iter().map(|d| d.planned).collect();
    let sent: Vec<u32> = s.days.iter().map(|d| d.sent.median.round() as u32).collect();
    let end = |day: Option<&SpreadDay>| day.and_then(|d| d.date).map(|d| d.to_string()).unwrap_or_default();
    out += &moved_in(&against(&planned, &sent, 0, (&end(s.days.first()), &end(s.days.last())), width - 2, HEIGHT));
    out.push('\n');
    out += &if s.breaches.is_empty() {
        wrapped(&format!("All invariants held in {}.", counted(s.seeds, "seed", "seeds")), width)
    } else {
        let breaches: Vec<(u64, &Breach)> = s.breaches.iter().map(|(seed, b)| (*seed, b)).collect();
        breaches_text(&s.scenario, &breaches, width)
    };
    out
}

/// The spread as JSON: every field of [`Spread`], and `"modelled": true`.
pub fn spread_json(s: &Spread) -> Value {
    marked(json!(s))
}

fn played(s: &Spread) -> String {
    let days = counted(s.days.len() as u64, "day", "days");
    match (s.days.first().and_then(|d| d.date), s.days.last().and_then(|d| d.date)) {
        (Some(first), Some(last)) => format!("{days} from {} to {}", with_weekday(first), with_weekday(last)),
        _ => days,
    }
}

/// On which day the target was reached, and in how many seeds it was not.
pub(super) fn outcome(s: &Spread) -> String {
    let not = s.not_reached;
    match s.target_day {
        None => format!("target not reached in any of {}", counted(s.seeds, "seed", "seeds")),
        Some(q) if not == 0 => format!("target reached on day {} in every seed", spread(q, number)),
        Some(q) => format!("target reached on day {}; not reached in {not} of {}", spread(q, number), counted(s.seeds, "seed", "seeds")),
    }
}

fn table_text(s: &Spread, width: usize) -> String {
    let mut table =
        Table::new(&[("date", Align::Left), ("", Align::Left), ("planned", Align::Right), ("sent", Align::Right), ("inbox", Align::Right)])
            .indent(2);
    for week in s.days.chunk_by(|a, b| a.date.map(monday) == b.date.map(monday)) {
        let Some(day) = week.iter().rev().find(|d| d.planned > 0 || d.sent.p90 > 0.0) else { continue };
        table.row([
            day.date.map_or_else(|| format!("day {}", day.n), |d| d.to_string()),
            day.date.map(|d| d.weekday().to_string()).unwrap_or_default(),
            day.planned.to_string(),
            spread(day.sent, number),
            day.inbox_rate.map_or_else(|| "–".to_owned(), |q| spread(q, percent)),
        ]);
    }
    if table.is_empty() {
        return indented("no day was one to send on", width, 2, 4);
    }
    table.to_text(width)
}
