//! Ready: whether domains are warm, with the evidence, what is wanting, and the earliest date.

use serde_json::{Value, json};

use super::health::whom;
use super::table::{Align, Table, indented};
use crate::guard::{Ready, Wanting};
use crate::words::Moment;

/// What `ready` shows.
#[derive(Clone, Debug, Default)]
pub struct ReadyReport {
    /// The pool's name.
    pub pool: String,
    /// Named where the clock is not the system's.
    pub clock_name: Option<String>,
    /// Plan time.
    pub now: Moment,
    /// Whether there is a ledger yet.
    pub began: bool,
    /// The domains, each with when a run wrote down that it is ready; `None`: none did.
    pub domains: Vec<(Ready, Option<Moment>)>,
}

impl ReadyReport {
    /// Whether all of them are ready.
    pub fn all_are(&self) -> bool {
        self.domains.iter().all(|(ready, _)| ready.is)
    }

    /// Text for a terminal, at most `width` columns wide (60 at least), without colour.
    pub fn to_text(&self, width: usize) -> String {
        let mut out = format!("{} · {}\n", self.pool, self.now);
        if let Some(clock) = &self.clock_name {
            out += &indented(clock, width, 0, 0);
        }
        if !self.began {
            out += "\nNothing has been sent yet: there is no ledger. `preheat check`, then `preheat run`.\n";
        }
        for (ready, since) in &self.domains {
            out += "\n";
            out += &one(ready, *since, width);
        }
        out
    }

    /// The same as JSON, one object a line: each the fields of [`Ready`], and `since` (null where no run has written it down).
    pub fn to_json_lines(&self) -> String {
        let line = |(ready, since): &(Ready, Option<Moment>)| {
            let mut json = json!(ready);
            json["since"] = since.map_or(Value::Null, |since| json!(since));
            json.to_string() + "\n"
        };
        self.domains.iter().map(line).collect()
    }
}

fn one(ready: &Ready, since: Option<Moment>, width: usize) -> String {
    let name = whom(&ready.subject);
    let head = match (ready.is, ready.earliest) {
        (true, _) => format!("{name} is ready{}", since.map_or_else(String::new, |since| format!(", since {since}"))),
        (false, Some(date)) => format!(
            "{name} is not ready. At the earliest on {date} ({}): if every day is earned, every letter arrives in the inbox and the guard has nothing to say",
            date.weekday()
        ),
        (false, None) if ready.placements.letters.sent == 0 => {
            format!("{name} is not ready: nothing was sent from it in the last 14 days, so that no date can be named")
        }
        (false, None) => format!("{name} is not ready, and as things are no date is in sight"),
    };
    let mut out = indented(&head, width, 0, 2);
    if !ready.wanting.is_empty() {
        out += "\n  What is wanting\n";
        let mut table = Table::new(&[("", Align::Left), ("", Align::Left)]).indent(4);
        for Wanting { condition, why } in &ready.wanting {
            table.row([condition.as_str().to_owned(), why.clone()]);
        }
        out += &table.to_text(width);
    }
    if !ready.evidence.is_empty() {
        out += if ready.is { "\n  The evidence\n" } else { "\n  What is as it should be\n" };
        for why in &ready.evidence {
            out += &indented(why, width, 4, 6);
        }
    }
    out
}
