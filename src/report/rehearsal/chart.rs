//! Two numbers a day in a terminal's characters.

use std::fmt::Write;

const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Where a column should have ended.
const GOAL: char = '─';

/// Bars of `sent` with a line at `planned` where they fall short of it; `height` lines of bars, an axis that reaches up to `top` at least, and its
/// ends' names. No line is wider than `width`. More days than fit are put together, the largest of each group standing for it.
pub(super) fn against(planned: &[u32], sent: &[u32], top: u32, ends: (&str, &str), width: usize, height: usize) -> String {
    let height = height.clamp(1, 40);
    let (from, to) = ends;
    let top = planned.iter().chain(sent).copied().max().unwrap_or(0).max(top);
    let label = top.to_string();
    let margin = label.len() + 2;
    let room = width.saturating_sub(margin).max(1);
    let days = planned.len().max(sent.len());
    let size = days.div_ceil(room).max(1);
    let largest = |values: &[u32], n: usize| values.iter().skip(n * size).take(size).copied().max().unwrap_or(0);
    let columns: Vec<(usize, usize)> =
        (0..days.div_ceil(size)).map(|n| (eighths(largest(planned, n), top, height), eighths(largest(sent, n), top, height))).collect();
    let broad = (room / columns.len().max(1)).clamp(1, 2);
    let mut out = String::new();
    for line in (0..height).rev() {
        let axis = if line + 1 == height { format!("{label} ┤") } else { format!("{:>1$}", '│', margin) };
        let cells: String = columns.iter().flat_map(|(goal, filled)| std::iter::repeat_n(cell(line, *goal, *filled), broad)).collect();
        out.push_str(format!("{axis}{cells}").trim_end());
        out.push('\n');
    }
    let length = columns.len() * broad;
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{:>1$}{2}", "0 └", margin, "─".repeat(length));
    let gap = length.saturating_sub(from.chars().count() + to.chars().count());
    let ends = if gap > 0 { format!("{from}{}{to}", " ".repeat(gap)) } else { format!("{from} … {to}") };
    out.push_str(format!("{}{ends}", " ".repeat(margin)).trim_end());
    out.push('\n');
    out
}

/// The lines of a chart, each moved in by two spaces.
pub(super) fn moved_in(chart: &str) -> String {
    chart.lines().map(|line| format!("  {line}\n")).collect::<Vec<_>>().concat()
}

/// One character of a column: what fills it, or the line where it should have ended.
fn cell(line: usize, goal: usize, filled: usize) -> char {
    let here = filled.saturating_sub(line * 8).min(8);
    let is_goal = goal > 0 && (goal - 1) / 8 == line;
    if here == 0 && is_goal { GOAL } else { BLOCKS[here] }
}

/// How many eighths of `height` lines a value fills; one at least unless it is 0.
fn eighths(value: u32, top: u32, height: usize) -> usize {
    let top = u64::from(top.max(1));
    let filled = (u64::from(value) * height as u64 * 8 + top / 2) / top;
    (filled as usize).max(usize::from(value > 0))
}

/// Shares from 0 to 1 in one line, each as a block of eighths of the whole; what is not known is a dot.
pub(super) fn shares(values: impl IntoIterator<Item = Option<f64>>) -> String {
    let block = |v: f64| BLOCKS[((v.clamp(0.0, 1.0) * 8.0).round() as usize).clamp(1, 8)];
    values.into_iter().map(|v| v.map_or('·', block)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_falls_short_has_a_line_where_it_should_have_ended() {
        let text = against(&[4, 8, 12, 16], &[4, 2, 12, 0], 0, ("Mon", "Thu"), 40, 4);
        assert_eq!(text, "16 ┤      ──\n   │    ██\n   │  ──██\n   │██▄▄██\n 0 └────────\n    Mon  Thu\n");
    }

    #[test]
    fn no_chart_is_wider_than_it_may_be() {
        for n in [0, 1, 7, 93, 400] {
            let (planned, sent): (Vec<u32>, Vec<u32>) = ((0..n).collect(), (0..n).rev().collect());
            for width in [40, 80, 100] {
                let text = against(&planned, &sent, 0, ("2026-12-01", "2027-01-11"), width, 6);
                assert!(text.lines().all(|l| l.chars().count() <= width), "{n} {width}\n{text}");
                assert_eq!(text.lines().count(), 8);
            }
        }
    }

    #[test]
    fn shares_are_of_the_whole_and_not_of_the_largest() {
        assert_eq!(shares([Some(0.0), Some(0.25), Some(0.5), None, Some(1.0), Some(9.0)]), "▁▂▄·██");
    }
}
