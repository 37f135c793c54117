//! Charts for a terminal, out of block characters.

use std::fmt::Write;

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The values in one line, each as a block of eighths of the largest; 0 is a space. More values than `width` are put together, the largest
/// of each group standing for it.
pub fn sparkline(values: &[u32], width: usize) -> String {
    let top = values.iter().copied().max().unwrap_or(0).max(1);
    let line: String = grouped(values, width).into_iter().map(|v| block(eighths(v, top, 8))).collect();
    line.trim_end().to_owned()
}

/// Bars on an axis: `height` lines for the bars, one for the axis, one that names its ends. No line is wider than `width`.
///
/// A value that is not 0 shows at least an eighth of a line. More values than fit are put together, the largest of each group standing
/// for it; few values get broader bars.
pub fn bars(values: &[u32], from: &str, to: &str, width: usize, height: usize) -> String {
    let top = values.iter().copied().max().unwrap_or(0);
    let label = top.to_string();
    let margin = label.len() + 2;
    let room = width.saturating_sub(margin).max(1);
    let columns = grouped(values, room);
    let broad = (room / columns.len().max(1)).clamp(1, 3);
    let height = height.max(1);
    let mut out = String::new();
    for line in (0..height).rev() {
        let axis = if line + 1 == height { format!("{label} ┤") } else { format!("{:>1$}", '│', margin) };
        let filled: String = columns
            .iter()
            .flat_map(|v| std::iter::repeat_n(block(eighths(*v, top.max(1), height * 8).saturating_sub(line * 8).min(8)), broad))
            .collect();
        out.push_str(format!("{axis}{filled}").trim_end());
        out.push('\n');
    }
    let length = columns.len() * broad;
    // Writing to a String cannot fail.
    let _ = write!(out, "{:>1$}{2}", "0 └", margin, "─".repeat(length));
    out.push('\n');
    let gap = length.saturating_sub(from.chars().count() + to.chars().count());
    let ends = if gap > 0 { format!("{from}{}{to}", " ".repeat(gap)) } else { format!("{from} … {to}") };
    out.push_str(format!("{}{ends}", " ".repeat(margin)).trim_end());
    out.push('\n');
    out
}

/// How many of `parts` a value fills; one at least unless it is 0.
fn eighths(value: u32, top: u32, parts: usize) -> usize {
    let filled = (u64::from(value) * parts as u64 + u64::from(top) / 2) / u64::from(top);
    (filled as usize).max(usize::from(value > 0))
}

fn block(eighths: usize) -> char {
    eighths.checked_sub(1).and_then(|i| BLOCKS.get(i)).copied().unwrap_or(' ')
}

/// At most `width` values: neighbours are put together where there are more.
fn grouped(values: &[u32], width: usize) -> Vec<u32> {
    let size = values.len().div_ceil(width.max(1)).max(1);
    values.chunks(size).map(|group| group.iter().copied().max().unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparkline_has_a_block_for_each_value() {
        assert_eq!(sparkline(&[1, 2, 3, 4, 0, 5, 6, 7, 8, 0], 20), "▁▂▃▄ ▅▆▇█");
        assert_eq!(sparkline(&[1, 100], 20), "▁█", "little is still something");
        assert_eq!(sparkline(&[1, 8, 2, 2, 3, 1], 3), "█▂▃");
        assert_eq!(sparkline(&[], 20), "");
        assert_eq!(sparkline(&[0, 0], 20), "");
    }

    #[test]
    fn bars_stand_on_an_axis_with_its_ends_named() {
        let text = bars(&[4, 8, 12, 16, 20, 24, 28, 32], "Mon", "Mon", 40, 2);
        assert_eq!(
            text,
            "32 ┤            ▂▂▂▄▄▄▆▆▆███\n   │▂▂▂▄▄▄▆▆▆███████████████\n 0 └────────────────────────\n    Mon                  Mon\n"
        );
    }

    #[test]
    fn no_bar_is_wider_than_it_may_be() {
        for n in [0, 1, 7, 93, 400, 2_000] {
            let values: Vec<u32> = (0..n).collect();
            for width in [40, 80, 100] {
                let text = bars(&values, "2026-12-01", "2027-01-11", width, 6);
                assert!(text.lines().all(|l| l.chars().count() <= width), "{n} {width}\n{text}");
            }
        }
    }
}
