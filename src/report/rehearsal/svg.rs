//! A rehearsal, a spread and a comparison as SVG files: no script, no font from elsewhere, legible on a light and on a dark ground.

use super::compare::Side;
use super::draw::{Anchor, Canvas, Plot, Sample, round_axis};
use super::figures::Figures;
use super::panels::{PLACEMENTS, events, placement, spread, volume};
use super::weeks::monday;
use super::wording::{outcome, time};
use crate::rehearsal::{Quantiles, Rehearsed, Spread};
use crate::report::markup::cut;
use crate::words::LocalDate;

const WIDTH: f64 = 960.0;
const ACROSS: (f64, f64) = (72.0, 930.0);

/// The head that every file has: what it is, that it is modelled, and how it came out.
fn head(canvas: &mut Canvas, title: &str, below: &str) {
    canvas.text("title", (ACROSS.0, 32.0), Anchor::Start, &cut(title, 96));
    canvas.text("", (ACROSS.0, 52.0), Anchor::Start, &cut(below, 130));
}

/// Planned against sent by day, what the rules said, and placement, for one rehearsal.
pub fn to_svg(r: &Rehearsed) -> String {
    let mut canvas = Canvas::default();
    let title = format!("Rehearsal (modelled): {}, scenario {}, seed {}", r.schedules.join(", "), r.scenario, r.seed);
    let below = format!("{}; {}", time(r), outcome(r));
    head(&mut canvas, &title, &below);
    canvas.text("strong", (ACROSS.0, 84.0), Anchor::Start, "Letters a day");
    volume(&mut canvas, (ACROSS, (108.0, 308.0)), &r.days, r.target_day, 0);
    let y = events(&mut canvas, ACROSS, 338.0, r);
    let y =
        canvas.legend(ACROSS.0, ACROSS.1, y + 16.0, &[(Sample::Fill("sent"), "sent, answers included"), (Sample::Line("goal"), "planned")]);
    canvas.text("strong", (ACROSS.0, y + 20.0), Anchor::Start, "Where they were seen first, as shares of each day");
    let top = y + 36.0;
    placement(&mut canvas, (ACROSS, (top, top + 140.0)), &r.days, true);
    let y = canvas.legend(ACROSS.0, ACROSS.1, top + 178.0, &PLACEMENTS);
    canvas.file(&title, &below, WIDTH, y + 4.0)
}

/// The median of many seeds with its band from 10 to 90 %: letters sent, and the inbox rate.
pub fn spread_svg(s: &Spread) -> String {
    let mut canvas = Canvas::default();
    let title = format!("{} seeds rehearsed (modelled): scenario {}", s.seeds, s.scenario);
    let below = super::spread::outcome(s);
    head(&mut canvas, &title, &below);
    let dates: Vec<Option<LocalDate>> = s.days.iter().map(|d| d.date).collect();
    let on_send_days = |value: fn(&crate::rehearsal::SpreadDay) -> Option<Quantiles>| -> Vec<Option<Quantiles>> {
        s.days.iter().map(|d| if d.planned > 0 || d.sent.p90 > 0.0 { value(d) } else { None }).collect()
    };
    let most = s.days.iter().map(|d| f64::from(d.planned).max(d.sent.p90)).fold(0.0, f64::max);
    let (step, most) = round_axis(most);
    canvas.text("strong", (ACROSS.0, 84.0), Anchor::Start, "Letters a day");
    let plot = Plot::new(ACROSS, (100.0, 320.0), s.days.len(), most);
    plot.values(&mut canvas, step, |v| format!("{v:.0}"));
    spread(&mut canvas, &plot, &on_send_days(|d| Some(d.sent)), "median", true);
    for (n, day) in s.days.iter().enumerate().filter(|(_, d)| d.planned > 0) {
        let (x, y) = (plot.x(n), plot.y(f64::from(day.planned)));
        canvas.line("goal", (x - plot.column() / 2.0, y), (x + plot.column() / 2.0, y));
    }
    plot.dates(&mut canvas, &dates);
    let band = [(Sample::Line("median"), "sent: median"), (Sample::Fill("band"), "from 10 to 90 %"), (Sample::Line("goal"), "planned")];
    let y = canvas.legend(ACROSS.0, ACROSS.1, 362.0, &band);
    canvas.text("strong", (ACROSS.0, y + 20.0), Anchor::Start, "Inbox rate");
    let plot = Plot::new(ACROSS, (y + 36.0, y + 176.0), s.days.len(), 1.0);
    plot.values(&mut canvas, 0.25, |v| format!("{:.0} %", v * 100.0));
    spread(&mut canvas, &plot, &on_send_days(|d| d.inbox_rate), "median", true);
    plot.dates(&mut canvas, &dates);
    canvas.file(&title, &below, WIDTH, y + 208.0)
}

/// Two schedules in one chart: letters sent by day, and the inbox rate by week.
pub fn compare_svg(sides: &[Side; 2]) -> String {
    let mut canvas = Canvas::default();
    let first = sides[0].played.first();
    let title = format!("{} against {}, rehearsed (modelled)", sides[0].name, sides[1].name);
    let below = first.map(|r| format!("scenario {}, {}; {}", r.scenario, time(r), sides[0].seeds_in_words())).unwrap_or_default();
    head(&mut canvas, &title, &below);
    let dates: Vec<Option<LocalDate>> = first.map(|r| r.days.iter().map(|d| d.date).collect()).unwrap_or_default();
    let sent = sides.each_ref().map(Side::median_sent);
    let banded = sides[0].played.len() > 1;
    let (step, most) = round_axis(sent.iter().flatten().map(|q| if banded { q.p90 } else { q.median }).fold(0.0, f64::max));
    canvas.text("strong", (ACROSS.0, 84.0), Anchor::Start, "Letters sent a day");
    let plot = Plot::new(ACROSS, (100.0, 320.0), dates.len(), most);
    plot.values(&mut canvas, step, |v| format!("{v:.0}"));
    for (n, line) in ["median", "other"].into_iter().enumerate() {
        // Days without sending are passed over: else every weekend would be a cleft.
        let values: Vec<Option<Quantiles>> = sent[n].iter().map(|q| Some(*q).filter(|q| q.p90 > 0.0)).collect();
        spread(&mut canvas, &plot, &values, line, banded && n == 0);
    }
    plot.dates(&mut canvas, &dates);
    let names = sides.each_ref().map(|s| cut(&s.name, 48));
    let y = canvas.legend(ACROSS.0, ACROSS.1, 362.0, &[(Sample::Line("median"), &names[0]), (Sample::Line("other"), &names[1])]);
    canvas.text("strong", (ACROSS.0, y + 20.0), Anchor::Start, "Inbox rate by week");
    let figures = sides.each_ref().map(|s| Figures::of(&s.played));
    let weeks = figures.iter().map(|f| f.inbox_by_week.len()).max().unwrap_or(0);
    let plot = Plot::new(ACROSS, (y + 36.0, y + 176.0), weeks, 1.0);
    plot.values(&mut canvas, 0.25, |v| format!("{:.0} %", v * 100.0));
    for (f, line) in figures.iter().zip(["median", "other"]) {
        spread(&mut canvas, &plot, &f.inbox_by_week, line, false);
    }
    let mondays: Vec<LocalDate> = dates.iter().flatten().copied().map(monday).collect();
    let mut weeks: Vec<Option<LocalDate>> = mondays.into_iter().map(Some).collect();
    weeks.dedup();
    plot.dates(&mut canvas, &weeks);
    canvas.file(&title, &below, WIDTH, y + 208.0)
}
