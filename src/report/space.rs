//! The room that warmup mail takes in the mailboxes.

use std::collections::BTreeMap;

use super::table::{Align, Table};
use crate::ledger::Space;
use crate::words::{Address, Domain};

/// More mailboxes than these are summed up by domain.
const EACH: usize = 12;

/// The room in all mailboxes together.
pub fn total<'a>(spaces: impl Iterator<Item = &'a Space>) -> Space {
    spaces.fold(Space::default(), |mut sum, space| {
        sum.add(*space);
        sum
    })
}

/// A table of it under a heading; empty where there is none. `mailboxes` are in order.
pub fn to_text(mailboxes: &[(&Address, Space)], width: usize) -> String {
    let total = total(mailboxes.iter().map(|(_, space)| space));
    if total == Space::default() {
        return String::new();
    }
    let mut by_name: BTreeMap<(Domain, String), Space> = BTreeMap::new();
    for (address, space) in mailboxes.iter().filter(|(_, space)| *space != Space::default()) {
        let domain = address.domain();
        let name = if mailboxes.len() > EACH { domain.to_string() } else { address.to_string() };
        by_name.entry((domain, name)).or_default().add(*space);
    }
    let columns =
        [("", Align::Left), ("messages", Align::Right), ("size", Align::Right), ("put away", Align::Right), ("size", Align::Right)];
    let mut table = Table::new(&columns).indent(2);
    let has_sum = by_name.len() > 1;
    for ((_, name), space) in by_name {
        table.row(cells(name, space));
    }
    if has_sum {
        table.row(cells("all".into(), total));
    }
    format!("\nSpace that warmup mail takes: where it came in and in Sent, and put away\n{}", table.to_text(width))
}

fn cells(name: String, space: Space) -> [String; 5] {
    let number = |n: u32| if n == 0 { "·".to_owned() } else { n.to_string() };
    [name, number(space.messages), size(space.bytes), number(space.put_away), size(space.put_away_bytes)]
}

/// Bytes for people: `812 B`, `3.4 kB`, `120 MB`; `·` for none.
pub fn size(bytes: u64) -> String {
    if bytes == 0 {
        return "·".into();
    }
    let (mut value, mut unit) = (bytes as f64, "B");
    for larger in ["kB", "MB", "GB", "TB"] {
        // What would be shown as 1000 is one of the next.
        if value < 999.5 {
            break;
        }
        (value, unit) = (value / 1000.0, larger);
    }
    if unit == "B" || value >= 99.5 { format!("{value:.0} {unit}") } else { format!("{value:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_in_three_digits_or_so() {
        let shown: Vec<String> = [0, 1, 999, 1_000, 3_449, 99_449, 120_000, 999_499, 999_500, 5_000_000_000].map(size).into();
        assert_eq!(shown, ["·", "1 B", "999 B", "1.0 kB", "3.4 kB", "99.4 kB", "120 kB", "999 kB", "1.0 MB", "5.0 GB"]);
    }

    #[test]
    fn a_few_mailboxes_are_told_each_and_many_by_domain() {
        let address = |text: &str| Address::parse(text).unwrap();
        let space = Space { messages: 12, bytes: 34_500, put_away: 3, put_away_bytes: 8_000 };
        let (anna, ben, none) = (address("anna@new.test"), address("ben@new.test"), Space::default());
        assert_eq!(to_text(&[(&anna, none)], 80), "");
        assert_eq!(
            to_text(&[(&anna, space), (&ben, none)], 80),
            "\nSpace that warmup mail takes: where it came in and in Sent, and put away\n                 messages     size  put away    size\n  anna@new.test        12  34.5 kB         3  8.0 kB\n"
        );
        let many: Vec<Address> = (0..14).map(|n| address(&format!("m{n:02}@d{}.test", n % 2))).collect();
        let many: Vec<(&Address, Space)> = many.iter().map(|a| (a, space)).collect();
        let text = to_text(&many, 80);
        let lines: Vec<&str> = text.lines().skip(2).map(|l| l.split_whitespace().next().unwrap()).collect();
        assert_eq!(lines, ["messages", "d0.test", "d1.test", "all"], "{text}");
        assert!(text.ends_with("168  483 kB        42   112 kB\n"), "{text}");
    }
}
