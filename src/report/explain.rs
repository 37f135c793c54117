//! The explanation: why a mailbox's quota is what it is, step by step.

use std::cmp::Ordering;
use std::collections::BTreeMap;

mod story;

use serde_json::{Value, json};

use super::table::{Align, Table, indented, wrapped};
use crate::ledger::Unsent;
use crate::ramp::{FoldStep, Position, Quota};
use crate::words::{Address, LocalDate, Moment, Verdict};

pub use story::{Chapter, ToldDay, story};

/// Days of the fold that the text shows; the JSON has them all.
const SHOWN: usize = 28;

/// What `explain` shows of one warming mailbox.
#[derive(Clone, Debug)]
pub struct ExplainReport {
    /// Whose quota.
    pub address: Address,
    /// Of which local date.
    pub date: LocalDate,
    /// Named where the clock is not the system's.
    pub clock_name: Option<String>,
    /// The schedule's name.
    pub schedule_name: String,
    /// Where the schedule came from: `shipped`, or its file.
    pub origin: String,
    /// Ramp days of the schedule's curve.
    pub ramp_days: u32,
    /// Where the mailbox stands.
    pub position: Position,
    /// The quota and its reasons.
    pub quota: Quota,
    /// What could be sent on past days, and what the guard said of them, by date.
    pub said: BTreeMap<LocalDate, DaySaid>,
    /// What the guard says of the domain's routes to receiving providers at the moment.
    pub routes: Vec<String>,
    /// What is known of the day.
    pub today: TodayFacts,
    /// Sentences about the ramp, such as that the growth bound makes it longer.
    pub notes: Vec<String>,
    /// What went wrong last, if anything.
    pub last_error: Option<LastError>,
}

/// What is known of a past day.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct DaySaid {
    /// What could be sent.
    pub quota: u32,
    /// What the guard said, with the sentence behind it.
    pub said: Option<(Verdict, String)>,
    /// Letters that did not go out, by reason.
    pub unsent: BTreeMap<Unsent, u32>,
}

/// What is known of the day so far.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TodayFacts {
    /// Messages that have spent quota.
    pub sent: u32,
    /// Messages that are planned and not sent yet.
    pub planned: u32,
    /// Whether the day has an agenda; before it has, nothing can be said to be left over.
    pub has_agenda: bool,
    /// Why the mailbox is paused; `None` where it is not.
    pub paused: Option<String>,
    /// Until when nobody writes to the mailbox, and why; `None` where it is not suspended.
    pub suspended: Option<String>,
}

/// The last error of a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastError {
    /// When.
    pub at: Moment,
    /// What, cleaned.
    pub what: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl ExplainReport {
    /// The explanation for a terminal, at most `width` columns wide (60 at least), without colour.
    pub fn to_text(&self, width: usize) -> String {
        let width = width.max(60);
        let mut out = self.head(width);
        out += "\nWhere it stands\n";
        out += &indented(&self.standing(), width, 2, 2);
        for note in &self.notes {
            out += &indented(&format!("note: {note}"), width, 2, 4);
        }
        out += &self.steps(width);
        out += &self.day_so_far(width);
        out += &self.story_text(width);
        out += &self.history(width);
        if let Some(error) = &self.last_error {
            out += "\nLast error\n";
            out += &indented(&format!("{}: {}", error.at, error.what), width, 2, 4);
            if let Some(hint) = &error.hint {
                out += &indented(&format!("hint: {hint}"), width, 2, 4);
            }
        }
        out
    }

    fn head(&self, width: usize) -> String {
        let messages = if self.quota.value == 1 { "message" } else { "messages" };
        let first = format!("{} may send {} {messages} on {} ({})", self.address, self.quota.value, self.date, self.date.weekday());
        let mut out = wrapped(&first, width);
        if let Some(clock) = &self.clock_name {
            out += &wrapped(clock, width);
        }
        out
    }

    fn standing(&self) -> String {
        let schedule = format!("{} ({})", self.schedule_name, self.origin);
        if self.position.done {
            return format!("The ramp of {schedule} is done: all {} ramp days are earned.", self.ramp_days);
        }
        let earned = self.position.ramp_day.0.saturating_sub(1);
        let days = if earned == 1 { "1 ramp day is earned" } else { &format!("{earned} ramp days are earned") };
        format!("Ramp day {} of {} on {schedule}: {days}.", self.position.ramp_day, self.ramp_days)
    }

    fn steps(&self, width: usize) -> String {
        let mut table = Table::new(&[("rule", Align::Left), ("value", Align::Right), ("why", Align::Left)]).indent(2);
        for reason in &self.quota.reasons {
            table.row([reason.rule.to_owned(), reason.value.to_string(), reason.why.clone()]);
        }
        let mut out = format!("\nWhy {}\n{}", self.quota.value, table.to_text(width));
        if let Some(reason) = self.quota.decided_by() {
            out += &indented(&format!("What decides: {}.", reason.rule), width, 2, 4);
        }
        out
    }

    fn day_so_far(&self, width: usize) -> String {
        let TodayFacts { sent, planned, has_agenda, paused, suspended } = &self.today;
        let free = self.quota.value.saturating_sub(sent.saturating_add(*planned));
        let rest = match sent.saturating_add(*planned).cmp(&self.quota.value) {
            Ordering::Less => format!(", {free} not used"),
            Ordering::Equal => String::new(),
            Ordering::Greater => "; what is over the quota will be skipped".to_owned(),
        };
        let text = if *has_agenda {
            format!("{sent} of {} sent, {planned} planned{rest}", self.quota.value)
        } else {
            "It has no agenda yet: `preheat run` makes it".to_owned()
        };
        let mut out = format!("\nThe day so far\n{}", indented(&format!("{text}."), width, 2, 4));
        if let Some(why) = paused {
            out += &indented(&format!("Paused: {why}. Nothing is sent until it is resumed."), width, 2, 4);
        }
        if let Some(why) = suspended {
            out += &indented(&format!("Suspended: {why}. What it sends itself goes on."), width, 2, 4);
        }
        out
    }

    /// The story of the ramp; of the days before the last [`SHOWN`], too.
    fn story(&self) -> Vec<Chapter> {
        let told = self.position.fold.iter().map(|step| {
            let DaySaid { quota, said, unsent } = self.said.get(&step.date).cloned().unwrap_or_default();
            ToldDay { date: step.date, quota, before: step.before, after: step.after, why: step.why.clone(), said, unsent }
        });
        story(&told.collect::<Vec<_>>())
    }

    fn story_text(&self, width: usize) -> String {
        let chapters = self.story();
        if chapters.is_empty() && self.routes.is_empty() {
            return String::new();
        }
        let mut out = format!("\nThe story\n{}", story::to_text(&chapters, width));
        for route in &self.routes {
            out += &indented(route, width, 2, 4);
        }
        out
    }

    fn history(&self, width: usize) -> String {
        let fold = &self.position.fold;
        if fold.is_empty() {
            return "\nHow it came here\n  No day is behind it yet.\n".to_owned();
        }
        let (earlier, shown) = fold.split_at(fold.len().saturating_sub(SHOWN));
        let mut out = String::from("\nHow it came here\n");
        if let (Some(first), Some(last)) = (earlier.first(), earlier.last()) {
            let line = format!("{} to {}: from ramp day {} to {}", first.date, last.date, first.before, last.after);
            out += &indented(&line, width, 2, 4);
        }
        let columns = [("date", Align::Left), ("", Align::Left), ("ramp day", Align::Right), ("", Align::Left)];
        let mut table = Table::new(&columns).indent(2);
        for step in shown {
            table.row([step.date.to_string(), step.date.weekday().to_string(), moved(step), step.why.clone()]);
        }
        out + &table.to_text(width)
    }

    /// The explanation as JSON.
    ///
    /// `address`, `date`, `clock` (null for the system's), `schedule`, `origin`, `ramp_day`, `ramp_days`, `done`, `quota`, `decided_by`,
    /// `reasons[]`: `rule`, `value`, `why`; `today`: `sent`, `planned`, `paused` and `suspended` (null, or why); `history[]`: `date`, `before`, `after`,
    /// `why`; `story[]`: `from`, `to`, `text`; `routes[]`; `notes[]`; `last_error` (null, or `at`, `what`, `hint`).
    pub fn to_json(&self) -> Value {
        let history: Vec<Value> =
            self.position.fold.iter().map(|s| json!({ "date": s.date, "before": s.before, "after": s.after, "why": s.why })).collect();
        json!({
            "address": self.address,
            "date": self.date,
            "clock": self.clock_name,
            "schedule": self.schedule_name,
            "origin": self.origin,
            "ramp_day": self.position.ramp_day,
            "ramp_days": self.ramp_days,
            "done": self.position.done,
            "quota": self.quota.value,
            "decided_by": self.quota.decided_by().map(|r| r.rule),
            "reasons": self.quota.reasons,
            "today": { "sent": self.today.sent, "planned": self.today.planned, "paused": self.today.paused, "suspended": self.today.suspended },
            "history": history,
            "story": self.story(),
            "routes": self.routes,
            "notes": self.notes,
            "last_error": self.last_error.as_ref().map(|e| json!({ "at": e.at, "what": e.what, "hint": e.hint })),
        })
    }
}

/// `4 → 5`, or `4` where it stayed.
fn moved(step: &FoldStep) -> String {
    if step.before == step.after { step.before.to_string() } else { format!("{} → {}", step.before, step.after) }
}

#[cfg(test)]
mod tests;
