//! What the demo prints.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};

use super::Seen;
use super::day::{Practised, Row, rows};
use super::weeks::Rehearsals;
use crate::report::rehearsal as report;
use crate::report::{Align, Table, indented, wrapped};
use crate::words::Role;

/// The first words.
const WELCOME: &str = "\
First, twelve mailboxes live through one day on mail servers inside this process: real SMTP, IMAP and TLS, on a fast clock. Then a ramp of six \
weeks is rehearsed, in virtual time, also when things go wrong. It takes less than a minute, and nothing leaves this machine. Where mail lands is modelled.";

/// What will happen.
pub fn welcome(width: usize) -> String {
    wrapped(WELCOME, width)
}

/// What a visitor does next.
const NEXT: [(&str, &str); 3] = [
    ("preheat init", "writes a commented preheat.yaml: fill in your mailboxes"),
    ("preheat check", "says what is wrong with it before anything is sent"),
    ("preheat plan", "shows your ramp by calendar date"),
];

/// The day as a table, and the servers' word on it.
pub fn day_text(practised: &Practised, width: usize) -> String {
    let day = &practised.day;
    let mut out = String::from("\n");
    out += &wrapped(
        &format!("The day that just ran: {} {}, in {:.0} seconds", day.date.weekday(), day.date, day.took.as_secs_f64().ceil()),
        width,
    );
    out += &wrapped("Each mailbox's letters: the servers were real, whether a letter went to spam was modelled", width);
    out.push('\n');
    let numbers = ["sent", "inbox", "spam", "rescued", "opened", "answered"].map(|title| (title, Align::Right));
    let columns: Vec<(&str, Align)> =
        [("mailbox", Align::Left), ("", Align::Left), ("servers", Align::Left)].into_iter().chain(numbers).collect();
    let mut table = Table::new(&columns);
    let (all, sum) = rows(day);
    let cells = |row: Row| {
        [row.sent, row.inbox, row.spam, row.rescued, row.opened, row.answered].map(|n| if n == 0 { "·".to_owned() } else { n.to_string() })
    };
    for (mailbox, row) in all {
        let role = if mailbox.role == Role::Warming { "warming" } else { "partner" };
        table.row([mailbox.address.to_string(), role.to_owned(), mailbox.provider.clone()].into_iter().chain(cells(row)));
    }
    table.row(["all of them".to_owned(), String::new(), String::new()].into_iter().chain(cells(sum)));
    out += &table.to_text(width);
    out.push('\n');
    out += &wrapped(&servers_word(practised), width);
    out
}

/// The day by the servers' own count.
fn servers_word(practised: &Practised) -> String {
    let (taken, known) = (practised.day.taken, practised.day.in_ledger);
    let match_ = if taken == known { format!("all {taken} are in the ledger") } else { format!("the ledger has {known}") };
    let held = if practised.breaches.is_empty() { "all six invariants held" } else { "AN INVARIANT DID NOT HOLD" };
    format!("By the servers' own count they took {taken} messages; {match_}, each handed over once. {}.", report::capitalised(held))
}

/// The rehearsed ramp, and the scenarios beside each other.
pub fn weeks_text(weeks: &Rehearsals, width: usize) -> String {
    let mut out = format!("\n{}\n", report::to_brief(&weeks.ramp, width));
    out += &report::scenarios_text(&weeks.scenarios, width);
    out
}

/// Where the page is, and what to do next.
pub fn end_text(page: &Path, width: usize) -> String {
    let mut out = format!("\n{}", indented(&format!("The page with the pictures: {}", page.display()), width, 0, 2));
    out += "\nNext, in a folder of your own:\n";
    for (command, what) in NEXT {
        let _ = writeln!(out, "  {command:14} {what}");
    }
    out
}

/// One object with all of it.
pub fn to_json(seen: &Seen, page: &Path) -> Value {
    let (practised, day) = (&seen.day, &seen.day.day);
    let (all, sum) = rows(day);
    let numbers = |row: Row| json!({ "sent": row.sent, "inbox": row.inbox, "spam": row.spam, "rescued": row.rescued, "opened": row.opened, "answered": row.answered });
    let mailboxes: Vec<Value> = all
        .iter()
        .map(|(m, row)| json!({ "address": m.address, "role": m.role, "servers": m.provider, "letters": numbers(*row) }))
        .collect();
    let scenarios: Vec<Value> = seen
        .weeks
        .scenarios
        .iter()
        .map(|s| json!({ "name": s.rehearsed.scenario, "about": s.about, "rehearsed": report::to_json(&s.rehearsed) }))
        .collect();
    json!({
        "modelled": true,
        "day": {
            "date": day.date,
            "zone": day.zone,
            "times_faster": day.faster,
            "took_ms": u64::try_from(day.took.as_millis()).unwrap_or(u64::MAX),
            "letters": numbers(sum),
            "taken_by_servers": day.taken,
            "in_ledger": day.in_ledger,
            "breaches": practised.breaches,
            "mailboxes": mailboxes,
        },
        "ramp": report::to_json(&seen.weeks.ramp),
        "scenarios": scenarios,
        "page": page,
    })
}
