//! The pieces that the charts are drawn with: one canvas, one scale, one style. Charts carry no ids, so that many stand on one page.

use std::fmt::Write;

use crate::report::markup::escaped;
use crate::words::LocalDate;

/// The style of every chart. What matters differs in lightness or outline as well as in colour, on a light and on a dark ground.
pub(super) const STYLE: &str = "\
.chart text{fill:#57534e;font:12px system-ui,sans-serif}.chart .strong{fill:#1c1917;font-weight:600}.chart .title{fill:#1c1917;font-size:17px;font-weight:600}\
.chart .halo{paint-order:stroke;stroke:#fbfaf8;stroke-width:5px}.chart .ground{fill:#fff}.chart .grid{stroke:#e7e5e4}.chart .axis{stroke:#a8a29e}.chart .rest{fill:#f5f5f4}\
.chart .sent{fill:#0f766e}.chart .goal{stroke:#1c1917;stroke-width:2;fill:none}.chart .inbox{fill:#66b3aa}\
.chart .rescued{fill:#fbe3df;stroke:#b4342a}.chart .spam{fill:#b4342a}.chart .lost{fill:none;stroke:#78716c;stroke-dasharray:2 2}\
.chart .median{stroke:#0f766e;stroke-width:2.5;fill:none}.chart .other{stroke:#b4342a;stroke-width:2.5;fill:none;stroke-dasharray:7 4}\
.chart .band{fill:#0f766e;fill-opacity:.2}.chart .flag{stroke:#1c1917;stroke-dasharray:3 3}.chart .said{fill:#44403c}.chart .trouble{fill:#a8a29e}\
.chart .l0{stroke:#0f766e}.chart .l1{stroke:#b4342a;stroke-dasharray:8 3}.chart .l2{stroke:#44403c;stroke-dasharray:2 3}\
.chart .l3{stroke:#0369a1;stroke-dasharray:10 3 2 3}.chart .l4{stroke:#a16207;stroke-dasharray:5 5}.chart .way{stroke-width:2.25;fill:none}\
@media(prefers-color-scheme:dark){\
.chart text{fill:#b5afa8}.chart .strong,.chart .title{fill:#f5f5f4}.chart .halo{stroke:#171412}.chart .ground{fill:#171412}.chart .grid{stroke:#34302c}.chart .axis{stroke:#6b655f}\
.chart .rest{fill:#1f1b18}.chart .sent{fill:#2aa198}.chart .goal{stroke:#f5f5f4}.chart .inbox{fill:#2b857c}.chart .rescued{fill:#47211d;stroke:#f08a7f}\
.chart .spam{fill:#f08a7f}.chart .lost{stroke:#a8a29e}.chart .median{stroke:#4fd1c5}.chart .other{stroke:#f08a7f}.chart .band{fill:#4fd1c5}\
.chart .flag{stroke:#f5f5f4}.chart .said{fill:#d6d3d1}.chart .trouble{fill:#78716c}\
.chart .l0{stroke:#4fd1c5}.chart .l1{stroke:#f08a7f}.chart .l2{stroke:#d6d3d1}.chart .l3{stroke:#7dd3fc}.chart .l4{stroke:#facc15}}";

/// How a text stands to its point.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A drawing that grows, piece by piece. Every text is escaped on its way in.
#[derive(Debug, Default)]
pub(super) struct Canvas {
    body: String,
}

// Writing to a String cannot fail, so the results of `write!` are dropped.
impl Canvas {
    pub fn rect(&mut self, class: &str, x: f64, y: f64, width: f64, height: f64) {
        let _ = writeln!(
            self.body,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
            width.max(0.0),
            height.max(0.0)
        );
    }

    pub fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let _ = writeln!(
            self.body,
            "<line class=\"{class}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
            from.0, from.1, to.0, to.1
        );
    }

    /// Joined points; a single one gets a cap, so that it shows.
    pub fn path(&mut self, class: &str, points: &[(f64, f64)]) {
        let twice = [points, points].concat();
        let points = if points.len() == 1 { &twice } else { points };
        let _ = writeln!(
            self.body,
            "<polyline class=\"{class}\" stroke-linecap=\"round\" stroke-linejoin=\"round\" points=\"{}\"/>",
            joined(points)
        );
    }

    pub fn area(&mut self, class: &str, points: &[(f64, f64)]) {
        let _ = writeln!(self.body, "<polygon class=\"{class}\" points=\"{}\"/>", joined(points));
    }

    pub fn dot(&mut self, class: &str, at: (f64, f64), radius: f64, title: &str) {
        let _ = writeln!(
            self.body,
            "<circle class=\"{class}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"{radius:.1}\"><title>{}</title></circle>",
            at.0,
            at.1,
            escaped(title)
        );
    }

    pub fn text(&mut self, class: &str, at: (f64, f64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
        let _ = writeln!(self.body, "<text{class} x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>", at.0, at.1, escaped(text));
    }

    /// Samples of fills with their names, from left to right and on to the next line; returns the y below them.
    pub fn legend(&mut self, left: f64, right: f64, y: f64, entries: &[(Sample, &str)]) -> f64 {
        let (mut x, mut y) = (left, y);
        for (sample, name) in entries {
            // What a letter of 12 px takes on average, and room for the sample.
            let width = 6.4 * name.chars().count() as f64 + 38.0;
            if x > left && x + width > right {
                x = left;
                y += 20.0;
            }
            match sample {
                Sample::Fill(class) => self.rect(class, x + 4.0, y - 10.0, 12.0, 12.0),
                Sample::Line(class) => self.line(class, (x, y - 4.0), (x + 20.0, y - 4.0)),
            }
            self.text("", (x + 25.0, y), Anchor::Start, name);
            x += width;
        }
        y + 20.0
    }

    /// The whole as an `svg` element for a page: its style is for the page to give.
    pub fn inline(&self, class: &str, title: &str, width: f64, height: f64) -> String {
        let title = escaped(title);
        format!(
            "<svg class=\"chart {class}\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"{title}\">\n<title>{title}</title>\n{}</svg>\n",
            self.body
        )
    }

    /// The whole as a file of its own.
    pub fn file(&self, title: &str, description: &str, width: f64, height: f64) -> String {
        let (title, description) = (escaped(title), escaped(description));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\" aria-label=\"{title}\">\n\
             <title>{title}</title>\n<desc>{description}</desc>\n<style>{STYLE}</style>\n\
             <rect class=\"ground\" width=\"{width:.0}\" height=\"{height:.0}\"/>\n{}</svg>\n",
            self.body
        )
    }
}

fn joined(points: &[(f64, f64)]) -> String {
    points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ")
}

/// What stands before a name of a legend.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sample {
    Fill(&'static str),
    Line(&'static str),
}

/// Where a chart's columns and values lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plot {
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
    columns: f64,
    most: f64,
}

impl Plot {
    /// An area between left and right, and top and bottom, for so many columns and values up to `most`.
    pub fn new(across: (f64, f64), down: (f64, f64), columns: usize, most: f64) -> Self {
        Self {
            left: across.0,
            right: across.1,
            top: down.0,
            bottom: down.1,
            columns: columns.max(1) as f64,
            most: most.max(f64::MIN_POSITIVE),
        }
    }

    /// The width of a column.
    pub fn column(&self) -> f64 {
        (self.right - self.left) / self.columns
    }

    /// The middle of column `n`, from 0.
    pub fn x(&self, n: usize) -> f64 {
        self.left + (n as f64 + 0.5) * self.column()
    }

    /// The height of a value.
    pub fn y(&self, value: f64) -> f64 {
        self.bottom - (value / self.most).clamp(0.0, 1.0) * (self.bottom - self.top)
    }

    /// Lines and numbers at each `step`, up to the top.
    pub fn values(&self, canvas: &mut Canvas, step: f64, name: impl Fn(f64) -> String) {
        let lines = (self.most / step.max(f64::MIN_POSITIVE) + 1e-9).floor().min(50.0) as u32;
        for value in (0..=lines).map(|n| f64::from(n) * step) {
            let y = self.y(value);
            canvas.line(if value > 0.0 { "grid" } else { "axis" }, (self.left, y), (self.right, y));
            canvas.text("", (self.left - 7.0, y + 4.0), Anchor::End, &name(value));
        }
    }

    /// The Mondays below the axis, or every second, third … of them where they would touch; the first date where there is no Monday.
    pub fn dates(&self, canvas: &mut Canvas, dates: &[Option<LocalDate>]) {
        let is_monday = |date: &LocalDate| date.weekday() == chrono::Weekday::Mon;
        let mut named: Vec<(usize, LocalDate)> =
            dates.iter().enumerate().filter_map(|(n, d)| d.filter(is_monday).map(|d| (n, d))).collect();
        if named.is_empty() {
            named.extend(dates.first().copied().flatten().map(|d| (0, d)));
        }
        let between = named.windows(2).map(|w| w[1].0 - w[0].0).next().unwrap_or(1);
        let apart = (56.0 / (between as f64 * self.column())).ceil().max(1.0) as usize;
        for (n, date) in named.into_iter().step_by(apart) {
            let x = self.x(n);
            canvas.line("axis", (x, self.bottom), (x, self.bottom + 4.0));
            // A name at the right end keeps within the drawing.
            let (at, anchor) = if x > self.right - 14.0 { (self.right + 6.0, Anchor::End) } else { (x, Anchor::Middle) };
            canvas.text("", (at, self.bottom + 17.0), anchor, &short(date));
        }
    }
}

/// `7 Dec`
pub(super) fn short(date: LocalDate) -> String {
    date.0.format("%-d %b").to_string()
}

/// 1, 2 or 5 and zeros, so that four to eight of them reach the top; and the top itself as a multiple of it.
pub(super) fn round_axis(most: f64) -> (f64, f64) {
    let most = if most.is_finite() { most.max(1.0) } else { 1.0 };
    let ten = 10_f64.powf((most / 5.0).log10().floor()).max(1.0);
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * ten).find(|step| step * 6.0 >= most).unwrap_or(10.0 * ten);
    (step, (most / step).ceil() * step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_an_axis_are_round_and_few() {
        let all: Vec<(f64, f64)> = [0.0, 1.0, 6.0, 7.0, 30.0, 61.0, 500.0, 4e6, f64::NAN].into_iter().map(round_axis).collect();
        let wanted = [(1.0, 1.0), (1.0, 1.0), (1.0, 6.0), (2.0, 8.0), (5.0, 30.0), (20.0, 80.0), (100.0, 500.0), (1e6, 4e6), (1.0, 1.0)];
        assert_eq!(all, wanted);
    }

    #[test]
    fn a_value_lies_between_bottom_and_top() {
        let plot = Plot::new((10.0, 110.0), (0.0, 50.0), 4, 20.0);
        assert_eq!((plot.column(), plot.x(0), plot.x(3)), (25.0, 22.5, 97.5));
        assert_eq!([0.0, 10.0, 20.0, 90.0, -3.0].map(|v| plot.y(v).round() as i32), [50, 25, 0, 0, 50]);
    }
}
