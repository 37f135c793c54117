//! The allowance: how many messages of one's own today's ramp still leaves; unknown where it cannot be known, never a guess.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};

use super::table::{Align, Table, indented};
use crate::ledger::{DayRow, OutsideRow};
use crate::words::{Address, LocalDate, Moment, OutsideMail};

/// A Sent folder that was read this long ago says nothing of what was sent since.
const STALE_AFTER: Duration = Duration::from_hours(1);

/// What is known of a mailbox when its allowance is asked for.
#[derive(Clone, Debug)]
pub struct AllowanceFacts {
    /// The mailbox.
    pub mailbox: Address,
    /// Its local date.
    pub date: LocalDate,
    /// Plan time.
    pub now: Moment,
    /// Why nothing is to be sent from it at all: it is paused, or it rests.
    pub stopped: Option<String>,
    /// How its real mail is known.
    pub outside_mail: Option<OutsideMail>,
    /// The day; `None` before its agenda is made.
    pub day: Option<DayRow>,
    /// What is known of its real mail, today's and earlier.
    pub outside: Vec<OutsideRow>,
    /// When its Sent folder was read last.
    pub sent_read_at: Option<Moment>,
    /// Whether it has folders that were listed, and none of them is Sent.
    pub lacks_sent_folder: bool,
}

/// A mailbox's allowance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// The mailbox.
    pub mailbox: Address,
    /// Its local date.
    pub date: LocalDate,
    /// What warmup and real mail may make together.
    pub total: Option<u32>,
    /// Warmup's quota, and what of it is sent.
    pub warmup: Option<(u32, u32)>,
    /// Its real mail so far.
    pub outside: OutsideSoFar,
    /// Messages that are left for real mail, or why that is not known.
    pub left: Result<u32, Unknown>,
    /// Why nothing is to be sent from it at all.
    pub stopped: Option<String>,
}

/// Today's real mail so far.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct OutsideSoFar {
    /// How it is known.
    pub source: Option<OutsideMail>,
    /// Recipients; `None` where they are not known.
    pub count: Option<u32>,
    /// When that was so.
    pub as_of: Option<Moment>,
}

/// Why an allowance is not known, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unknown {
    /// Why.
    pub why: String,
    /// What to do.
    pub hint: &'static str,
}

impl Unknown {
    fn new(why: impl Into<String>, hint: &'static str) -> Self {
        Self { why: why.into(), hint }
    }
}

impl Allowance {
    /// From what is known of a mailbox.
    pub fn of(facts: &AllowanceFacts) -> Self {
        let outside = so_far(facts);
        let day = facts.day.as_ref();
        let left = match (&facts.stopped, &outside, day) {
            (Some(_), ..) => Ok(0),
            (None, Err(unknown), _) => Err(unknown.clone()),
            (None, Ok(_), None) => Err(Unknown::new("no run yet today, so the day has no total", "`preheat run` makes it")),
            (None, Ok(outside), Some(day)) => Ok(day.plan.total.saturating_sub(day.plan.quota).saturating_sub(outside.count.unwrap_or(0))),
        };
        Self {
            mailbox: facts.mailbox.clone(),
            date: facts.date,
            total: day.map(|d| d.plan.total),
            warmup: day.map(|d| (d.plan.quota, d.spent)),
            outside: outside.unwrap_or_else(|_| OutsideSoFar { source: facts.outside_mail, ..OutsideSoFar::default() }),
            left,
            stopped: facts.stopped.clone(),
        }
    }

    /// As JSON: `mailbox`, `date`, `total` (null before the first run of the day), `warmup` (null likewise): `quota`, `spent`; `outside`: `source`
    /// (`sent_folder`, `reported`, `none`; null where nobody has said), `count` (null where it is not known), `as_of` (null where that says nothing);
    /// `left` (null where it is not known), `unknown` (why, or null), `stopped` (why nothing is to be sent at all, or null; then `left` is 0).
    pub fn to_json(&self) -> Value {
        json!({
            "mailbox": self.mailbox, "date": self.date, "total": self.total,
            "warmup": self.warmup.map(|(quota, spent)| json!({ "quota": quota, "spent": spent })),
            "outside": { "source": self.outside.source, "count": self.outside.count, "as_of": self.outside.as_of },
            "left": self.left.as_ref().ok(), "unknown": self.left.as_ref().err().map(|u| &u.why), "stopped": self.stopped,
        })
    }

    /// Whether warmup's quota is the day's whole total, and there is any.
    fn is_all_warmup(&self) -> bool {
        self.total.zip(self.warmup).is_some_and(|(total, (quota, _))| total > 0 && quota >= total)
    }

    fn cells(&self) -> [String; 6] {
        let n = |n: Option<u32>| n.map_or_else(|| "·".to_owned(), |n| n.to_string());
        [
            self.mailbox.to_string(),
            self.date.to_string(),
            n(self.total),
            self.warmup.map_or_else(|| "·".to_owned(), |(quota, spent)| format!("{spent}/{quota}")),
            n(self.outside.count),
            self.left.as_ref().map_or_else(|_| "unknown".to_owned(), u32::to_string),
        ]
    }
}

/// Today's real mail, or why it is not known.
fn so_far(facts: &AllowanceFacts) -> Result<OutsideSoFar, Unknown> {
    let Some(source) = facts.outside_mail else {
        return Err(Unknown::new(
            "nobody has said how other mail that is sent from it is known",
            "set `outside_mail` to `sent_folder`, `reported` or `none`, for it or in `defaults` (docs/allowance.md)",
        ));
    };
    let today = facts.outside.iter().find(|row| row.source == source && row.date == facts.date);
    let count = Some(today.map_or(0, |row| row.count));
    match source {
        OutsideMail::Nothing => Ok(OutsideSoFar { source: Some(source), count: Some(0), as_of: None }),
        OutsideMail::Reported if facts.outside.iter().all(|row| row.source != source) => Err(Unknown::new(
            "nothing was ever reported of it",
            "tell what is sent: `preheat sent report MAILBOX COUNT`; 0 is a number, too",
        )),
        OutsideMail::Reported => Ok(OutsideSoFar { source: Some(source), count, as_of: today.map(|row| row.as_of) }),
        OutsideMail::SentFolder => match facts.sent_read_at {
            None if facts.lacks_sent_folder => {
                Err(Unknown::new("it has no Sent folder that is known as one", "name it in preheat.yaml: `sent_folder: …`"))
            }
            None => Err(Unknown::new("its Sent folder was never read", "`preheat run` reads it")),
            Some(at) if facts.now.since(at) > STALE_AFTER => Err(Unknown::new(
                format!("its Sent folder was not read since {at}"),
                "`preheat run` reads it every 10 minutes; `run --once` reads it now",
            )),
            at => Ok(OutsideSoFar { source: Some(source), count, as_of: at }),
        },
    }
}

/// Allowances for a terminal, at most `width` columns wide, without colour: a table, and below it why something is not known, or stopped.
pub fn to_text(all: &[Allowance], width: usize) -> String {
    let columns = [
        ("mailbox", Align::Left),
        ("date", Align::Left),
        ("total", Align::Right),
        ("warmup", Align::Right),
        ("real mail", Align::Right),
        ("left", Align::Right),
    ];
    let mut table = Table::new(&columns);
    let mut notes: Vec<(String, Option<&str>, Vec<&Address>)> = Vec::new();
    for allowance in all {
        table.row(allowance.cells());
        let note = match (&allowance.stopped, &allowance.left) {
            (Some(why), _) => (why.clone(), None),
            (None, Err(unknown)) => (format!("unknown: {}", unknown.why), Some(unknown.hint)),
            (None, Ok(0)) if allowance.is_all_warmup() => {
                ("warmup takes the whole of it".to_owned(), Some("`share` in the schedule leaves room for real mail"))
            }
            (None, Ok(_)) => continue,
        };
        // A reason that many mailboxes share stands once.
        match notes.iter_mut().find(|(why, hint, _)| (why, hint) == (&note.0, &note.1)) {
            Some((.., whose)) => whose.push(&allowance.mailbox),
            None => notes.push((note.0, note.1, vec![&allowance.mailbox])),
        }
    }
    let mut out = table.to_text(width);
    for (why, hint, whose) in notes {
        let mut who = whose.first().map(ToString::to_string).unwrap_or_default();
        if whose.len() > 1 {
            let _ = write!(who, " and {} more", whose.len() - 1);
        }
        out.push('\n');
        out += &indented(&format!("{who}: {why}"), width, 0, 2);
        if let Some(hint) = hint {
            out += &indented(&format!("hint: {hint}"), width, 2, 4);
        }
    }
    out
}

#[cfg(test)]
mod tests;
