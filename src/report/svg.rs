//! A line chart as SVG, written by hand: no script, no font from elsewhere, legible on a light and on a dark ground.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::markup::escaped;
use crate::words::LocalDate;

/// Lines that one chart can hold and still be read.
pub(super) const MOST_LINES: usize = 6;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 912.0;
const TOP: f64 = 64.0;
const BOTTOM: f64 = 376.0;
/// Height of a line of the legend, two names to a line.
const LEGEND: f64 = 22.0;

const STYLE: &str = "\
.ground{fill:#fff}.grid{stroke:#d8dde3}.axis{stroke:#57606a}.rest{fill:#f2f4f7}text{fill:#24292f;font:13px sans-serif}\
.title{font-size:16px;font-weight:bold}.line{fill:none;stroke-width:2}\
.c0{stroke:#0b5cad}.c1{stroke:#b3440e}.c2{stroke:#1a7f37}.c3{stroke:#8250df}.c4{stroke:#946000}.c5{stroke:#a40e5c}\
@media(prefers-color-scheme:dark){.ground{fill:#15191f}.grid{stroke:#333b45}.axis{stroke:#9aa4af}.rest{fill:#1c222a}text{fill:#e6edf3}\
.c0{stroke:#6cb6ff}.c1{stroke:#ff9d66}.c2{stroke:#6bd08a}.c3{stroke:#c8a6ff}.c4{stroke:#e0b341}.c5{stroke:#ff8dc0}}";

/// So that lines can be told apart without colour.
const DASHES: [&str; MOST_LINES] = ["none", "8 3", "2 3", "10 3 2 3", "5 5", "12 4"];

/// Messages by date, a line for each name. Days without sending are shaded where all lines rest, and the lines go straight across them.
/// At most [`MOST_LINES`] lines are drawn.
pub(super) fn line_chart(title: &str, subtitle: Option<&str>, lines: &[(String, BTreeMap<LocalDate, u64>)]) -> String {
    let lines = &lines[..lines.len().min(MOST_LINES)];
    let mut sums: BTreeMap<LocalDate, u64> = BTreeMap::new();
    for (date, value) in lines.iter().flat_map(|(_, days)| days) {
        *sums.entry(*date).or_default() += value;
    }
    let top = lines.iter().flat_map(|(_, days)| days.values()).copied().max().unwrap_or(0);
    let scale = Scale::new(sums.keys().next().copied(), sums.keys().next_back().copied(), top);
    let height = BOTTOM + 48.0 + LEGEND * lines.len().div_ceil(2) as f64;
    let mut body = String::new();
    rest_days(&mut body, &scale, &sums);
    value_axis(&mut body, &scale);
    date_axis(&mut body, &scale, &sums);
    for (n, (name, days)) in lines.iter().enumerate() {
        line(&mut body, &scale, n, days);
        legend(&mut body, n, name);
    }
    let title = escaped(title);
    let below = subtitle.map(|s| format!("<text x=\"{LEFT}\" y=\"48\">{}</text>\n", escaped(s))).unwrap_or_default();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n<rect class=\"ground\" width=\"{WIDTH}\" height=\"{height}\"/>\n\
         <text class=\"title\" x=\"{LEFT}\" y=\"30\">{title}</text>\n{below}{body}</svg>\n"
    )
}

/// From dates and messages to the drawing's units.
struct Scale {
    first: Option<LocalDate>,
    days: f64,
    tick: u64,
    top: f64,
}

impl Scale {
    fn new(first: Option<LocalDate>, last: Option<LocalDate>, top: u64) -> Self {
        let days = first.zip(last).map_or(0, |(a, b)| b.days_since(a)) as f64 + 1.0;
        let tick = round_step(top);
        Self { first, days, tick, top: (top.div_ceil(tick).max(1) * tick) as f64 }
    }

    /// The middle of a date's column.
    fn x(&self, date: LocalDate) -> f64 {
        let n = self.first.map_or(0, |first| date.days_since(first)) as f64;
        LEFT + (n + 0.5) * self.column()
    }

    fn column(&self) -> f64 {
        (RIGHT - LEFT) / self.days
    }

    fn y(&self, value: u64) -> f64 {
        BOTTOM - value as f64 / self.top * (BOTTOM - TOP)
    }
}

/// 1, 2 or 5 and zeros, so that about five of them reach the top.
fn round_step(top: u64) -> u64 {
    let mut ten = 1_u64;
    loop {
        for step in [1, 2, 5].map(|n: u64| n.saturating_mul(ten)) {
            if step.saturating_mul(6) >= top {
                return step;
            }
        }
        ten = ten.saturating_mul(10);
    }
}

// Writing to a String cannot fail, so the results of `write!` below are dropped.

fn rest_days(out: &mut String, scale: &Scale, sums: &BTreeMap<LocalDate, u64>) {
    let width = scale.column();
    for date in sums.iter().filter(|(_, sum)| **sum == 0).map(|(date, _)| *date) {
        let x = scale.x(date) - width / 2.0;
        let _ = writeln!(out, "<rect class=\"rest\" x=\"{x:.1}\" y=\"{TOP}\" width=\"{width:.1}\" height=\"{}\"/>", BOTTOM - TOP);
    }
}

fn value_axis(out: &mut String, scale: &Scale) {
    let mut value = 0;
    while value as f64 <= scale.top {
        let y = scale.y(value);
        let _ = writeln!(out, "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{RIGHT}\" y2=\"{y:.1}\"/>");
        let _ = writeln!(out, "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>", LEFT - 8.0, y + 4.0);
        value += scale.tick;
    }
    let _ = writeln!(out, "<line class=\"axis\" x1=\"{LEFT}\" y1=\"{TOP}\" x2=\"{LEFT}\" y2=\"{BOTTOM}\"/>");
    let _ = writeln!(out, "<line class=\"axis\" x1=\"{LEFT}\" y1=\"{BOTTOM}\" x2=\"{RIGHT}\" y2=\"{BOTTOM}\"/>");
}

/// Names the Mondays, or every second, third … of them where there are many; the first date where there is no Monday.
fn date_axis(out: &mut String, scale: &Scale, sums: &BTreeMap<LocalDate, u64>) {
    let mut dates: Vec<LocalDate> = sums.keys().copied().filter(|d| d.weekday() == chrono::Weekday::Mon).collect();
    if dates.is_empty() {
        dates.extend(scale.first);
    }
    for date in dates.iter().step_by(dates.len().div_ceil(9).max(1)) {
        let x = scale.x(*date);
        let _ = writeln!(out, "<line class=\"axis\" x1=\"{x:.1}\" y1=\"{BOTTOM}\" x2=\"{x:.1}\" y2=\"{}\"/>", BOTTOM + 5.0);
        let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{date}</text>", BOTTOM + 20.0);
    }
}

fn line(out: &mut String, scale: &Scale, n: usize, days: &BTreeMap<LocalDate, u64>) {
    let points: Vec<String> =
        days.iter().filter(|(_, value)| **value > 0).map(|(date, value)| format!("{:.1},{:.1}", scale.x(*date), scale.y(*value))).collect();
    // A single point would not show without a cap.
    let points = if points.len() == 1 { [points.clone(), points].concat() } else { points };
    let _ = writeln!(
        out,
        "<polyline class=\"line c{n}\" stroke-dasharray=\"{}\" stroke-linecap=\"round\" stroke-linejoin=\"round\" points=\"{}\"/>",
        DASHES[n % MOST_LINES],
        points.join(" ")
    );
}

fn legend(out: &mut String, n: usize, name: &str) {
    let x = if n.is_multiple_of(2) { LEFT } else { WIDTH.midpoint(LEFT) };
    let y = BOTTOM + 48.0 + LEGEND * (n / 2) as f64;
    let dash = DASHES[n % MOST_LINES];
    let _ = writeln!(out, "<line class=\"line c{n}\" stroke-dasharray=\"{dash}\" x1=\"{x}\" y1=\"{y}\" x2=\"{}\" y2=\"{y}\"/>", x + 36.0);
    let shown: String = name.chars().take(52).collect();
    let _ = writeln!(out, "<text x=\"{}\" y=\"{}\">{}</text>", x + 44.0, y + 4.0, escaped(&shown));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_an_axis_are_round_and_few() {
        let all: Vec<u64> = [0, 1, 6, 7, 30, 40, 61, 500, 4_000_000].iter().map(|top| round_step(*top)).collect();
        assert_eq!(all, vec![1, 1, 1, 2, 5, 10, 20, 100, 1_000_000]);
        assert!(round_step(u64::MAX) > 0);
    }

    #[test]
    fn names_cannot_break_the_markup() {
        let days = BTreeMap::from([(LocalDate::ymd(2026, 12, 1).unwrap(), 4)]);
        let svg = line_chart("a<b>&\"c\u{1}", Some("</svg>"), &[("<script>x</script>".to_owned(), days)]);
        assert!(!svg.contains("<script") && !svg.contains('\u{1}'), "{svg}");
        assert_eq!(svg.matches("</svg>").count(), 1);
        assert!(svg.contains("a&lt;b&gt;&amp;&quot;c "));
    }

    #[test]
    fn an_empty_chart_is_still_a_chart() {
        assert!(line_chart("nothing", None, &[]).ends_with("</svg>\n"));
        assert!(line_chart("nothing", None, &[("a".into(), BTreeMap::new())]).contains("points=\"\""));
    }
}
