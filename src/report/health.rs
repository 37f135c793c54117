//! Health: the score of mailboxes and domains with all that it is made of.

use serde_json::json;

use super::table::{Align, Table, indented};
use crate::guard::{Health, HealthPart, Observed, Placements, ProviderHealth, Subject};
use crate::words::Moment;

/// Letters below which there is no score.
const SCORED_FROM: u64 = 10;
/// From this width on, receiving providers stand in a table; below it, in a line each.
const TABLE: usize = 96;

/// What `health` shows.
#[derive(Clone, Debug, Default)]
pub struct HealthReport {
    /// The pool's name.
    pub pool: String,
    /// Named where the clock is not the system's.
    pub clock_name: Option<String>,
    /// Plan time.
    pub now: Moment,
    /// Whether there is a ledger yet.
    pub began: bool,
    /// Each domain, followed by its mailboxes.
    pub healths: Vec<Health>,
}

/// Whom something is about, for people.
pub fn whom(subject: &Subject) -> String {
    match subject {
        Subject::Mailbox(address) => address.to_string(),
        Subject::Domain(domain) => domain.to_string(),
        Subject::Route(domain, provider) => format!("{domain} to {provider}"),
    }
}

impl HealthReport {
    /// Tables for a terminal, at most `width` columns wide (60 at least), without colour.
    pub fn to_text(&self, width: usize) -> String {
        let mut out = format!("{} · {}\n", self.pool, self.now);
        if let Some(clock) = &self.clock_name {
            out += &indented(clock, width, 0, 0);
        }
        if !self.began {
            out += "\nNothing has been sent yet: there is no ledger. `preheat check`, then `preheat run`.\n";
            return out;
        }
        for health in &self.healths {
            out += "\n";
            out += &one(health, width);
        }
        out
    }

    /// The same as JSON, one object a line: each the fields of [`Health`].
    pub fn to_json_lines(&self) -> String {
        self.healths.iter().map(|health| json!(health).to_string() + "\n").collect()
    }
}

fn one(health: &Health, width: usize) -> String {
    let span = format!("letters of {} to {}", health.window.from, health.window.to);
    let head = match health.score {
        Some(score) => format!("{}: {score} of 100, by {span}", whom(&health.subject)),
        None => format!(
            "{}: no number yet, of {} letters that were judged; {SCORED_FROM} are needed ({span})",
            whom(&health.subject),
            health.all.n
        ),
    };
    let mut out = indented(&head, width, 0, 2);
    if !health.providers.is_empty() {
        out += "\n";
        out += &parts(health, width);
        out += "\n";
        out += &if width < TABLE { provider_lines(health, width) } else { provider_table(health, width) };
    }
    out
}

/// Points of a hundred that a part gives.
fn points(part: &HealthPart) -> Option<f64> {
    part.points.map(|points| points * f64::from(part.weight))
}

fn parts(health: &Health, width: usize) -> String {
    let mut table = Table::new(&[("part", Align::Left), ("points", Align::Right), ("of", Align::Right), ("why", Align::Left)]).indent(2);
    for part in &health.parts {
        let gives = points(part).map_or_else(|| "·".to_owned(), |points| format!("{points:.1}"));
        table.row([part.name.to_owned(), gives, part.weight.to_string(), part.why.clone()]);
    }
    if let Some(score) = health.score {
        let sum: f64 = health.parts.iter().filter_map(points).sum();
        let of: u32 = health.parts.iter().filter(|part| part.points.is_some()).map(|part| part.weight).sum();
        let rest = if of < 100 { ": a part of which nothing is known gives its weight to the others" } else { "" };
        table.row(["all".to_owned(), format!("{sum:.1}"), of.to_string(), format!("that is {score} of 100{rest}")]);
    }
    table.to_text(width)
}

/// `93.2 %`; nothing of no letters.
fn rate(placements: &Placements) -> String {
    placements.inbox_rate.map_or_else(|| "·".to_owned(), |rate| format!("{:.1} %", rate * 100.0))
}

/// `83.8–97.4 %`, the Wilson interval.
fn interval(placements: &Placements) -> String {
    if placements.n == 0 {
        return "·".to_owned();
    }
    format!("{:.1}–{:.1} %", placements.interval.low * 100.0, placements.interval.high * 100.0)
}

fn complaints(observed: Observed) -> String {
    match observed {
        Observed::Count(0) => "·".to_owned(),
        Observed::Count(n) => n.to_string(),
        Observed::NotObservable => "not observable".to_owned(),
    }
}

const COLUMNS: [(&str, Align); 11] = [
    ("to", Align::Left),
    ("sent", Align::Right),
    ("inbox", Align::Right),
    ("category", Align::Right),
    ("spam", Align::Right),
    ("filed", Align::Right),
    ("missing", Align::Right),
    ("unaccounted", Align::Right),
    ("inbox rate", Align::Right),
    ("95 % interval", Align::Right),
    ("complaints", Align::Left),
];
/// Columns that are there only where something stands in them: tabs of the inbox and people's own rules are rare.
const RARE: [usize; 2] = [3, 5];

fn provider_table(health: &Health, width: usize) -> String {
    let cells = |name: &str, p: &Placements, complaints: String| {
        let n = |n: u32| if n == 0 { "·".to_owned() } else { n.to_string() };
        let l = &p.letters;
        [
            name.to_owned(),
            n(l.sent),
            n(l.inbox),
            n(l.category),
            n(l.spam),
            n(l.filed),
            n(l.missing),
            n(l.unaccounted),
            rate(p),
            interval(p),
            complaints,
        ]
    };
    let mut rows: Vec<[String; 11]> =
        health.providers.iter().map(|p| cells(p.provider.as_str(), &p.placements, complaints(p.complaints))).collect();
    if rows.len() > 1 {
        rows.push(cells("all", &health.all, String::new()));
    }
    let is_there = |column: &usize| !RARE.contains(column) || rows.iter().any(|row| row[*column] != "·");
    let shown: Vec<usize> = (0..COLUMNS.len()).filter(is_there).collect();
    let mut table = Table::new(&shown.iter().map(|c| COLUMNS[*c]).collect::<Vec<_>>()).indent(2);
    for row in &rows {
        table.row(shown.iter().map(|c| row[*c].as_str()));
    }
    table.to_text(width)
}

fn provider_lines(health: &Health, width: usize) -> String {
    let line = |ProviderHealth { provider, placements, complaints }: &ProviderHealth| {
        let l = &placements.letters;
        let rate = if placements.n == 0 {
            "none judged yet".to_owned()
        } else {
            format!("{} of {} in the inbox, {} ({})", l.good(), placements.n, rate(placements), interval(placements))
        };
        let complaints = match complaints {
            Observed::Count(n) => format!("{n} complaints"),
            Observed::NotObservable => "complaints are not observable".to_owned(),
        };
        let text = format!(
            "{provider}: {} sent; {rate}; {} in spam, {} missing, {} unaccounted; {complaints}",
            l.sent, l.spam, l.missing, l.unaccounted
        );
        indented(&text, width, 2, 4)
    };
    health.providers.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guard::{DayFacts, Facts, Letters, health};
    use crate::words::{Address, LocalDate, Provider};

    fn report(letters: &[(Provider, Letters)]) -> HealthReport {
        let subject = Subject::Mailbox(Address::parse("anna@new.example").unwrap());
        let date = LocalDate::parse("2026-12-01").unwrap();
        let mut facts = Facts::new(subject, date, Moment(0));
        facts.days.insert(date, DayFacts { letters: letters.iter().copied().collect(), ..DayFacts::default() });
        HealthReport { pool: "p".into(), began: true, healths: vec![health(&facts)], ..HealthReport::default() }
    }

    #[test]
    fn a_narrow_terminal_gets_a_line_for_each_provider_and_nothing_is_too_wide() {
        let letters = Letters { sent: 20, inbox: 9, category: 3, spam: 4, missing: 2, filed: 1, unaccounted: 1 };
        let report = report(&[(Provider::Gmail, letters), (Provider::Yahoo, Letters { sent: 3, ..Letters::default() })]);
        for width in [60, 80, 95, 96, 100] {
            let text = report.to_text(width);
            assert!(text.lines().all(|l| l.chars().count() <= width), "{width}\n{text}");
            let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
            // 12 of 18: filed and unaccounted are in no rate.
            assert!(flat.contains("66.7 %") && flat.contains("43.7–83.7 %"), "{text}");
            assert_eq!(
                flat.contains("gmail: 20 sent; 12 of 18 in the inbox, 66.7 % (43.7–83.7 %); 4 in spam, 2 missing, 1 unaccounted"),
                width < 96
            );
            assert_eq!(flat.contains("category") && flat.contains("filed"), width >= 96);
            assert!(flat.contains("not observable"), "{text}");
        }
    }

    #[test]
    fn of_too_few_letters_there_are_parts_and_no_number_and_of_none_no_parts_either() {
        let few = report(&[(Provider::Zoho, Letters { sent: 9, inbox: 9, ..Letters::default() })]).to_text(100);
        assert!(few.contains("anna@new.example: no number yet, of 9 letters that were judged; 10 are needed"), "{few}");
        assert!(few.contains("placement     50.0  50") && !few.contains("that is"), "{few}");
        let none = report(&[]).to_text(100);
        assert!(none.contains("no number yet, of 0 letters") && !none.contains("placement"), "{none}");
    }
}
