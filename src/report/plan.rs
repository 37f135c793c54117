//! The plan: the ramp of one mailbox, a domain or the whole pool by calendar date.

mod text;

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use super::svg;
use crate::ramp::PlannedDay;
use crate::words::{Address, Domain, Finding, LocalDate};

/// What `plan` shows. Which mailboxes are in it is for the caller to choose.
#[derive(Clone, Debug)]
pub struct PlanReport {
    /// The pool's name.
    pub pool: String,
    /// Named where the clock is not the system's.
    pub clock_name: Option<String>,
    /// Today: days before it are history.
    pub generated_for: LocalDate,
    /// The mailboxes, in order; all planned to the same last date, because totals end where the first of them ends.
    pub mailboxes: Vec<MailboxPlan>,
    /// What the pool can carry, in sentences.
    pub carries: Vec<String>,
    /// What is worth knowing.
    pub warnings: Vec<Finding>,
}

/// The ramp of one mailbox.
#[derive(Clone, Debug)]
pub struct MailboxPlan {
    /// Whose.
    pub address: Address,
    /// Of which domain.
    pub domain: Domain,
    /// The schedule's name.
    pub schedule_name: String,
    /// Where the schedule came from: `shipped`, or its file.
    pub origin: String,
    /// The first date of its ramp.
    pub start: LocalDate,
    /// Its days, one after the other.
    pub days: Vec<PlannedDay>,
    /// Sentences about the ramp, such as that the growth bound makes it longer.
    pub notes: Vec<String>,
}

impl MailboxPlan {
    /// The date on which the last ramp day is earned; `None` where the plan does not go so far.
    pub fn done_on(&self) -> Option<LocalDate> {
        let after = self.days.iter().find(|d| d.quota.is_after_ramp())?.date;
        self.days.iter().rev().find(|d| d.date < after && d.ramp_day.is_some()).map(|d| d.date)
    }

    /// All messages of the plan.
    pub fn total(&self) -> u64 {
        self.days.iter().map(|d| u64::from(d.quota.value)).sum()
    }

    fn quotas(&self) -> BTreeMap<LocalDate, u64> {
        self.days.iter().map(|d| (d.date, u64::from(d.quota.value))).collect()
    }
}

impl PlanReport {
    /// Messages by date for each domain.
    pub fn domain_totals(&self) -> BTreeMap<Domain, BTreeMap<LocalDate, u64>> {
        let mut domains: BTreeMap<Domain, Vec<&MailboxPlan>> = BTreeMap::new();
        for mailbox in &self.mailboxes {
            domains.entry(mailbox.domain.clone()).or_default().push(mailbox);
        }
        domains.into_iter().map(|(domain, mailboxes)| (domain, totals(&mailboxes))).collect()
    }

    /// Messages by date for all mailboxes of the plan.
    pub fn pool_totals(&self) -> BTreeMap<LocalDate, u64> {
        totals(&self.mailboxes.iter().collect::<Vec<_>>())
    }

    /// Tables and charts for a terminal, at most `width` columns wide (60 at least), without colour.
    pub fn to_text(&self, width: usize) -> String {
        text::plan_text(self, width)
    }

    /// The plan as JSON.
    ///
    /// `pool`, `clock` (null for the system's), `date`; `mailboxes[]`: `address`, `domain`, `schedule`, `origin`, `start`, `done_on`
    /// (null where the plan does not go so far), `total`, `notes[]`, `days[]`: `date`, `weekday` (`Mon` … `Sun`), `ramp_day` (null after
    /// the ramp and on days without sending), `quota`, `curve` (what the ramp asks for before calendar, jitter and caps; null for days
    /// that have been), `reasons[]`: `rule`, `value`, `why`; `domains[]`: `domain`, `total`, `days[]`: `date`, `quota`; `carries[]`;
    /// `warnings[]`.
    pub fn to_json(&self) -> Value {
        let mailboxes: Vec<Value> = self.mailboxes.iter().map(mailbox_json).collect();
        let domains: Vec<Value> = self
            .domain_totals()
            .into_iter()
            .map(|(domain, days)| {
                let total: u64 = days.values().sum();
                let days: Vec<Value> = days.iter().map(|(date, quota)| json!({ "date": date, "quota": quota })).collect();
                json!({ "domain": domain, "total": total, "days": days })
            })
            .collect();
        json!({
            "pool": self.pool,
            "clock": self.clock_name,
            "date": self.generated_for,
            "mailboxes": mailboxes,
            "domains": domains,
            "carries": self.carries,
            "warnings": self.warnings,
        })
    }

    /// The plan as CSV (RFC 4180, but with LF): date, mailbox, domain, schedule, ramp_day (empty where there is none), quota.
    pub fn to_csv(&self) -> String {
        let mut out = String::from("date,mailbox,domain,schedule,ramp_day,quota\n");
        for m in &self.mailboxes {
            let (address, domain, schedule) = (field(m.address.as_str()), field(m.domain.as_str()), field(&m.schedule_name));
            for day in &m.days {
                let ramp_day = day.ramp_day.map(|d| d.to_string()).unwrap_or_default();
                // Writing to a String cannot fail.
                let _ = writeln!(out, "{},{address},{domain},{schedule},{ramp_day},{}", day.date, day.quota.value);
            }
        }
        out
    }

    /// Messages by date for each mailbox; mailboxes of the same numbers share a line, because one would hide the other.
    fn lines_of_mailboxes(&self) -> Vec<(String, BTreeMap<LocalDate, u64>)> {
        let mut lines: Vec<(Vec<&Address>, BTreeMap<LocalDate, u64>)> = Vec::new();
        for mailbox in &self.mailboxes {
            let quotas = mailbox.quotas();
            match lines.iter_mut().find(|(_, other)| *other == quotas) {
                Some((names, _)) => names.push(&mailbox.address),
                None => lines.push((vec![&mailbox.address], quotas)),
            }
        }
        let name = |names: &[&Address]| match names {
            [first, others @ ..] if !others.is_empty() => format!("{first} and {} more", others.len()),
            _ => names.iter().map(ToString::to_string).collect(),
        };
        lines.into_iter().map(|(names, quotas)| (name(&names), quotas)).collect()
    }

    /// The plan as an SVG line chart: a line for each mailbox; for each domain where these are many; for the pool where those are, too.
    pub fn to_svg(&self) -> String {
        let by_mailbox = || self.lines_of_mailboxes();
        let by_domain = || self.domain_totals().into_iter().map(|(d, days)| (d.to_string(), days)).collect::<Vec<_>>();
        let (what, lines) = if self.mailboxes.len() <= svg::MOST_LINES {
            ("by mailbox", by_mailbox())
        } else if self.domain_totals().len() <= svg::MOST_LINES {
            ("by domain", by_domain())
        } else {
            ("all mailboxes", vec![("all mailboxes".to_owned(), self.pool_totals())])
        };
        let title = format!("Plan for {} as of {}: messages a day, {what}", self.pool, self.generated_for);
        svg::line_chart(&title, self.clock_name.as_deref(), &lines)
    }
}

fn mailbox_json(m: &MailboxPlan) -> Value {
    let days: Vec<Value> = m
        .days
        .iter()
        .map(|day| {
            json!({
                "date": day.date,
                "weekday": day.date.weekday().to_string(),
                "ramp_day": day.ramp_day,
                "quota": day.quota.value,
                "curve": day.quota.curve(),
                "reasons": day.quota.reasons,
            })
        })
        .collect();
    json!({
        "address": m.address,
        "domain": m.domain,
        "schedule": m.schedule_name,
        "origin": m.origin,
        "start": m.start,
        "done_on": m.done_on(),
        "total": m.total(),
        "notes": m.notes,
        "days": days,
    })
}

/// A CSV field: quoted where it must be (RFC 4180 §2), and never the beginning of a spreadsheet's formula.
fn field(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// The sum by date, up to the last date that all of them are planned for: beyond it, it would seem to fall.
fn totals(mailboxes: &[&MailboxPlan]) -> BTreeMap<LocalDate, u64> {
    let end = mailboxes.iter().filter_map(|m| m.days.last()).map(|d| d.date).min();
    let mut sums = BTreeMap::new();
    for day in mailboxes.iter().flat_map(|m| &m.days).filter(|d| Some(d.date) <= end) {
        *sums.entry(day.date).or_default() += u64::from(day.quota.value);
    }
    sums
}

#[cfg(test)]
mod tests;
