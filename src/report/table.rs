//! Tables and prose that fit a width: no borders, so that what is copied from a terminal can be pasted anywhere.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, presets};

/// How a column's cells stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Text; may be broken over lines where the table would be too wide.
    Left,
    /// Numbers; never broken.
    Right,
}

/// A table of text cells under a row of titles.
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
    indent: usize,
}

/// The narrowest width that is honoured: below it, text would stand one letter to a line.
const NARROWEST: usize = 40;

impl Table {
    /// A table with these titles.
    pub fn new(columns: &[(&str, Align)]) -> Self {
        Self { columns: columns.iter().map(|(title, align)| ((*title).to_owned(), *align)).collect(), rows: Vec::new(), indent: 0 }
    }

    /// Moves every line in by some spaces; the width includes them.
    #[must_use]
    pub fn indent(mut self, spaces: usize) -> Self {
        self.indent = spaces;
        self
    }

    /// Adds a row. Cells that are wanting are empty, cells beyond the last title are dropped; controls in them become spaces.
    pub fn row<I>(&mut self, cells: I) -> &mut Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let mut row: Vec<String> = cells.into_iter().take(self.columns.len()).map(|cell| printable(&cell.into())).collect();
        row.resize(self.columns.len(), String::new());
        self.rows.push(row);
        self
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table, at most `width` columns wide (40 at least), each line ended and without spaces at its end. Titles are left out where all
    /// are empty.
    pub fn to_text(&self, width: usize) -> String {
        let mut table = comfy_table::Table::new();
        table.load_preset(presets::NOTHING).force_no_tty();
        table.set_content_arrangement(ContentArrangement::Dynamic);
        let inner = width.max(NARROWEST) - self.indent.min(NARROWEST / 2);
        table.set_width(inner.min(usize::from(u16::MAX)) as u16);
        if self.columns.iter().any(|(title, _)| !title.is_empty()) {
            table.set_header(self.columns.iter().map(|(title, _)| title.as_str()).collect::<Vec<_>>());
        }
        for row in &self.rows {
            table.add_row(row);
        }
        let last = self.columns.len().saturating_sub(1);
        for (i, (_, align)) in self.columns.iter().enumerate() {
            if let Some(column) = table.column_mut(i) {
                column.set_padding((0, if i == last { 0 } else { 2 }));
                if *align == Align::Right {
                    column.set_cell_alignment(CellAlignment::Right);
                    column.set_constraint(ColumnConstraint::ContentWidth);
                }
            }
        }
        let margin = " ".repeat(self.indent);
        table.lines().map(|line| format!("{margin}{line}").trim_end().to_owned() + "\n").collect()
    }
}

/// Text without controls: nothing that a cell holds can paint the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Prose broken at its spaces so that no line is wider than `width`; words that are longer are cut. Each line is ended.
pub fn wrapped(text: &str, width: usize) -> String {
    indented(text, width, 0, 0)
}

/// Prose broken at its spaces, its first line moved in by `first` spaces and the others by `rest`; lines are `width` wide at most, margins
/// included. Line breaks in the text stay.
pub fn indented(text: &str, width: usize, first: usize, rest: usize) -> String {
    let width = width.max(NARROWEST);
    let mut out = String::new();
    let mut margin = first.min(NARROWEST / 2);
    for line in text.lines() {
        let mut room = width - margin;
        let mut used = 0;
        out.push_str(&" ".repeat(margin));
        for word in printable(line).split(' ').filter(|w| !w.is_empty()) {
            let mut letters: Vec<char> = word.chars().collect();
            if used > 0 && used + 1 + letters.len() > room {
                margin = rest.min(NARROWEST / 2);
                room = width - margin;
                used = 0;
                out.push('\n');
                out.push_str(&" ".repeat(margin));
            } else if used > 0 {
                out.push(' ');
                used += 1;
            }
            while letters.len() > room {
                out.extend(letters.drain(..room));
                out.push('\n');
                margin = rest.min(NARROWEST / 2);
                room = width - margin;
                out.push_str(&" ".repeat(margin));
            }
            used += letters.len();
            out.extend(letters);
        }
        out.push('\n');
        margin = rest.min(NARROWEST / 2);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_right_and_nothing_is_at_the_line_ends() {
        let mut t = Table::new(&[("mailbox", Align::Left), ("sent", Align::Right), ("note", Align::Left)]).indent(2);
        t.row(["anna@new.example", "7", "fine"]).row(["b@new.example", "1200", ""]);
        assert_eq!(t.to_text(100), "  mailbox           sent  note\n  anna@new.example     7  fine\n  b@new.example     1200\n");
    }

    #[test]
    fn a_table_breaks_its_text_and_not_its_numbers_to_fit() {
        let mut t = Table::new(&[("rule", Align::Left), ("value", Align::Right), ("why", Align::Left)]).indent(2);
        t.row(["curve", "1234567", "a sentence that is far too long to stand on one line of a terminal of sixty columns"]);
        let text = t.to_text(60);
        assert!(text.lines().count() > 2 && text.contains("1234567"), "{text}");
        assert!(text.lines().all(|l| l.chars().count() <= 60), "{text}");
    }

    #[test]
    fn cells_cannot_paint_the_terminal_and_rows_have_as_many_cells_as_titles() {
        let mut t = Table::new(&[("a", Align::Left), ("b", Align::Left)]);
        t.row(["\x1b[31mred\r\nline", "x", "too many"]).row(["alone"]);
        assert_eq!(t.to_text(80), "a               b\n [31mred  line  x\nalone\n");
        assert!(Table::new(&[]).is_empty());
        assert_eq!(Table::new(&[]).to_text(80).trim(), "");
    }

    #[test]
    fn prose_is_broken_at_spaces_and_long_words_are_cut() {
        let text = indented("hint: write the sender's own address, or leave the key out\nsecond line", 40, 2, 8);
        assert_eq!(text, "  hint: write the sender's own address,\n        or leave the key out\n        second line\n");
        let long = wrapped(&format!("see {} there", "é".repeat(90)), 40);
        assert!(long.lines().all(|l| l.chars().count() <= 40), "{long}");
        assert_eq!(long.matches('é').count(), 90);
        assert_eq!(wrapped("", 80), "");
    }
}
