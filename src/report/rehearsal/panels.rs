//! The panels of a rehearsal's pictures: volume, events, placement, reputation, spread. Each draws into an area and knows nothing of the others.

use std::collections::BTreeMap;

use super::draw::{Anchor, Canvas, Plot, round_axis};
use super::wording::verdict;
use crate::rehearsal::{Day, Quantiles, Rehearsed};
use crate::report::markup::cut;
use crate::words::LocalDate;

/// From left to right, from top to bottom.
pub(super) type Area = ((f64, f64), (f64, f64));

/// Rows of events that one picture has at most.
const ROWS: usize = 6;
/// The height of a row of events.
const ROW: f64 = 16.0;

/// Letters sent as bars, planned ones as a step above each, and the day on which the target was reached. The axis reaches `top` at least.
pub(super) fn volume(canvas: &mut Canvas, area: Area, days: &[Day], target_day: Option<u32>, top: u32) {
    let plot = volume_plot(canvas, area, days, top, "sent");
    goals(canvas, &plot, days);
    flag(canvas, &plot, days, target_day);
}

/// The same, with the end of each bar that was first seen in spam marked.
pub(super) fn volume_with_spam(canvas: &mut Canvas, area: Area, days: &[Day], target_day: Option<u32>, top: u32) {
    // The lighter fill: it must differ from the end in lightness, too.
    let plot = volume_plot(canvas, area, days, top, "inbox");
    for (n, day) in days.iter().enumerate().filter(|(_, d)| d.spam > 0) {
        let (top, bottom) = (plot.y(f64::from(day.sent)), plot.y(f64::from(day.sent.saturating_sub(day.spam))));
        canvas.rect("spam", plot.x(n) - plot.column() * 0.38, top, plot.column() * 0.76, bottom - top);
    }
    goals(canvas, &plot, days);
    flag(canvas, &plot, days, target_day);
}

/// The axes, and the bars with their fill.
fn volume_plot(canvas: &mut Canvas, area: Area, days: &[Day], top: u32, bar: &str) -> Plot {
    let most = days.iter().map(|d| d.planned.max(d.sent)).max().unwrap_or(0).max(top);
    let (step, most) = round_axis(f64::from(most));
    let plot = Plot::new(area.0, area.1, days.len(), most);
    plot.values(canvas, step, |v| format!("{v:.0}"));
    let column = plot.column();
    for (n, day) in days.iter().enumerate() {
        let (left, y) = (plot.x(n) - column / 2.0, plot.y(f64::from(day.sent)));
        if day.planned == 0 && day.sent == 0 {
            canvas.rect("rest", left, plot.top, column, plot.bottom - plot.top);
        } else if day.sent > 0 {
            canvas.rect(bar, left + column * 0.12, y, column * 0.76, plot.bottom - y);
        }
    }
    plot.dates(canvas, &days.iter().map(|d| d.date).collect::<Vec<_>>());
    plot
}

/// The steps of the plan.
fn goals(canvas: &mut Canvas, plot: &Plot, days: &[Day]) {
    for (n, day) in days.iter().enumerate().filter(|(_, d)| d.planned > 0) {
        let (left, y) = (plot.x(n) - plot.column() / 2.0, plot.y(f64::from(day.planned)));
        canvas.line("goal", (left, y), (left + plot.column(), y));
    }
}

/// The day on which the target was reached.
fn flag(canvas: &mut Canvas, plot: &Plot, days: &[Day], target_day: Option<u32>) {
    if let Some(n) = target_day.and_then(|t| days.iter().position(|d| d.n == t)) {
        let x = plot.x(n);
        canvas.line("flag", (x, plot.top - 12.0), (x, plot.bottom));
        let anchor = if x > plot.left.midpoint(plot.right) { Anchor::End } else { Anchor::Start };
        let aside = if matches!(anchor, Anchor::End) { -5.0 } else { 5.0 };
        canvas.text("strong", (x + aside, plot.top - 5.0), anchor, &format!("target, day {}", days[n].n));
    }
}

/// A row for each kind of verdict and one for troubles, each a bar over the dates on which it was so; returns the y below them. Draws nothing where
/// nothing was so.
pub(super) fn events(canvas: &mut Canvas, across: (f64, f64), y: f64, r: &Rehearsed) -> f64 {
    let Some(first) = r.days.first().and_then(|d| d.date) else { return y };
    let mut rows: BTreeMap<(bool, String), Vec<(LocalDate, LocalDate)>> = BTreeMap::new();
    for said in &r.verdicts {
        rows.entry((false, verdict(&said.verdict))).or_default().push((said.date, said.until));
    }
    for trouble in &r.troubles {
        rows.entry((true, "trouble".to_owned())).or_default().push((trouble.date, trouble.until));
    }
    let plot = Plot::new(across, (y, y), r.days.len(), 1.0);
    let mut y = y;
    for ((is_trouble, name), spans) in rows.into_iter().take(ROWS) {
        canvas.text("", (plot.left - 7.0, y + 10.0), Anchor::End, &cut(&name, 9));
        canvas.line("grid", (plot.left, y + 6.0), (plot.right, y + 6.0));
        let last = r.days.len() as i64 - 1;
        let mut covered = vec![false; r.days.len()];
        for (from, until) in spans {
            let (from, until) = (from.days_since(first).max(0), until.days_since(first).min(last));
            for n in from..=until {
                if let Some(day) = usize::try_from(n).ok().and_then(|n| covered.get_mut(n)) {
                    *day = true;
                }
            }
        }
        let column = plot.column();
        let mut n = 0;
        for run in covered.chunk_by(|a, b| a == b) {
            if run[0] {
                canvas.rect(if is_trouble { "trouble" } else { "said" }, plot.x(n) - column / 2.0, y + 2.0, column * run.len() as f64, 8.0);
            }
            n += run.len();
        }
        y += ROW;
    }
    y
}

/// Of what was sent in each of these days or weeks: the share that was seen in the inbox, in spam and rescued, in spam, and lost (missing, bounced or
/// unaccounted). Stacked from below.
pub(super) fn placement(canvas: &mut Canvas, area: Area, groups: &[Day], dated: bool) {
    let plot = Plot::new(area.0, area.1, groups.len(), 1.0);
    plot.values(canvas, 0.25, |v| format!("{:.0} %", v * 100.0));
    let column = plot.column();
    let gap = (column * 0.12).min(6.0);
    for (n, day) in groups.iter().enumerate() {
        let rescued = day.rescued.min(day.spam);
        let lost = day.missing.saturating_add(day.bounced).saturating_add(day.unaccounted);
        let parts = [("inbox", day.inbox), ("rescued", rescued), ("spam", day.spam - rescued), ("lost", lost)];
        let all = parts.iter().map(|(_, n)| f64::from(*n)).sum::<f64>();
        let mut below = 0.0;
        for (class, count) in parts.into_iter().filter(|(_, count)| *count > 0) {
            let share = f64::from(count) / all;
            let (top, bottom) = (plot.y(below + share), plot.y(below));
            // An outline lies half outside of its box: drawn a little smaller, it stays in its place.
            let inset = if matches!(class, "rescued" | "lost") { 0.5 } else { 0.0 };
            canvas.rect(
                class,
                plot.x(n) - column / 2.0 + gap + inset,
                top + inset,
                column - 2.0 * (gap + inset),
                bottom - top - 2.0 * inset,
            );
            below += share;
        }
    }
    if dated {
        plot.dates(canvas, &groups.iter().map(|d| d.date).collect::<Vec<_>>());
    } else {
        for n in (0..groups.len()).step_by((18.0 / column).ceil().max(1.0) as usize) {
            canvas.text("", (plot.x(n), plot.bottom + 17.0), Anchor::Middle, &format!("{}", n + 1));
        }
    }
}

/// The names of [`placement`]'s parts, from below, for a legend.
pub(super) const PLACEMENTS: [(super::draw::Sample, &str); 4] = [
    (super::draw::Sample::Fill("inbox"), "inbox"),
    (super::draw::Sample::Fill("rescued"), "spam, rescued"),
    (super::draw::Sample::Fill("spam"), "spam"),
    (super::draw::Sample::Fill("lost"), "lost"),
];

/// What each receiver thinks of the domains on average, 0 to 1, by day; at most five receivers. Returns their names in the order of the styles `l0` to `l4`.
pub(super) fn reputation(canvas: &mut Canvas, area: Area, r: &Rehearsed) -> Vec<String> {
    let plot = Plot::new(area.0, area.1, r.reputation.len(), 1.0);
    plot.values(canvas, 0.25, |v| format!("{v:.2}"));
    let names: Vec<String> = r
        .reputation
        .last()
        .map(|day| day.iter().filter(|(_, d)| !d.is_empty()).map(|(name, _)| name.clone()).take(5).collect())
        .unwrap_or_default();
    for (n, name) in names.iter().enumerate() {
        let points: Vec<(f64, f64)> = r
            .reputation
            .iter()
            .enumerate()
            .filter_map(|(i, day)| {
                let domains = day.get(name).filter(|d| !d.is_empty())?;
                Some((plot.x(i), plot.y(domains.values().sum::<f64>() / domains.len() as f64)))
            })
            .collect();
        canvas.path(&format!("way l{n}"), &points);
    }
    plot.dates(canvas, &r.days.iter().map(|d| d.date).collect::<Vec<_>>());
    names
}

/// A median with its band from 10 to 90 %, over those columns that have one; a column without is passed over.
pub(super) fn spread(canvas: &mut Canvas, plot: &Plot, values: &[Option<Quantiles>], line: &str, banded: bool) {
    let known: Vec<(f64, Quantiles)> = values.iter().enumerate().filter_map(|(n, q)| q.map(|q| (plot.x(n), q))).collect();
    if banded && known.len() > 1 {
        let upper = known.iter().map(|(x, q)| (*x, plot.y(q.p90)));
        let lower = known.iter().rev().map(|(x, q)| (*x, plot.y(q.p10)));
        canvas.area("band", &upper.chain(lower).collect::<Vec<_>>());
    }
    canvas.path(line, &known.iter().map(|(x, q)| (*x, plot.y(q.median))).collect::<Vec<_>>());
}
