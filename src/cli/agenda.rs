//! `preheat agenda`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use serde_json::json;

use super::explain::parse_date;
use super::pool::{Pool, runtime};
use super::printer::Printer;
use super::{CliError, Exit};
use crate::ledger::{LedgerError, LetterFacts, PrunedSum};
use crate::report::{Align, Table};
use crate::words::{Address, LetterState, LocalDate, Moment, Zone};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The date; today by default
    #[arg(value_name = "YYYY-MM-DD", value_parser = parse_date)]
    date: Option<LocalDate>,
    /// Only letters from or to this mailbox or domain
    #[arg(long, value_name = "WHO")]
    of: Option<String>,
    /// Print JSON: every letter with its draws
    #[arg(long)]
    json: bool,
}

pub fn agenda(args: &Args, config: &Path, printer: Printer) -> Result<Exit, CliError> {
    let pool = Pool::load(config, printer)?;
    pool.say_clock(printer);
    let chosen = pool.chosen(args.of.as_deref())?;
    let date = args.date.unwrap_or_else(|| pool.clock.now().local_date(pool.config.zone));
    let (rows, gone, pruned) = match pool.look_into_ledger()? {
        None => (Vec::new(), Vec::new(), None),
        Some(ledger) => runtime()?.block_on(async {
            Ok::<_, LedgerError>((ledger.agenda_on(date).await?, ledger.pruned_on(date).await?, ledger.pruned().await?))
        })?,
    };
    let gone: Vec<PrunedSum> = gone.into_iter().filter(|sum| chosen.contains(&sum.mailbox)).collect();
    let mut rows: Vec<LetterFacts> =
        rows.into_iter().filter(|r| chosen.contains(&r.plan.sender) || chosen.contains(&r.plan.recipient)).collect();
    rows.sort_by_key(|r| (time_of(r), r.plan.id));
    if args.json {
        if !gone.is_empty() {
            printer.say(pruned_in_words(&gone, date));
        }
        printer.json(&rows.iter().map(to_json).collect::<Vec<_>>());
        return Ok(Exit::Done);
    }
    if !gone.is_empty() {
        printer.data(pruned_in_words(&gone, date));
    }
    if rows.is_empty() && !gone.is_empty() {
        return Ok(Exit::Done);
    }
    if let Some(pruned) = pruned.filter(|pruned| rows.is_empty() && date < pruned.before) {
        printer.say(format_args!(
            "the letters of dates before {} were pruned; no sums of {date} are kept of who was asked for",
            pruned.before
        ));
        return Ok(Exit::Done);
    }
    if rows.is_empty() {
        printer
            .say(format_args!("no agenda was made for {date} yet: `preheat run` makes it, `preheat run --dry-run` shows what it would be"));
        return Ok(Exit::Done);
    }
    printer.data(to_text(&rows, date, &|a| zone_of(&pool, a), printer.width()));
    Ok(Exit::Done)
}

/// What became of letters that are not in the ledger any more.
fn pruned_in_words(gone: &[PrunedSum], date: LocalDate) -> String {
    let mut sums: BTreeMap<String, u32> = BTreeMap::new();
    for sum in gone {
        let what = match (sum.state, sum.detail.as_str()) {
            (state, "") => state.to_string(),
            (LetterState::Skipped, reason) => format!("skipped: {reason}"),
            (_, placement) => placement.to_owned(),
        };
        *sums.entry(what).or_default() += sum.letters;
    }
    let count = |of: fn(&PrunedSum) -> u32| gone.iter().map(of).sum::<u32>();
    let (letters, answers, rescued) = (count(|s| s.letters), count(|s| s.answers), count(|s| s.rescued));
    let ends = sums.iter().map(|(what, n)| format!("{n} {what}")).collect::<Vec<_>>().join(", ");
    let rescued = if rescued == 0 { String::new() } else { format!("; {rescued} were rescued from spam") };
    let senders = gone.iter().map(|s| &s.mailbox).collect::<BTreeSet<_>>().len();
    format!(
        "{date}: {letters} letters were pruned, sent by {senders} mailboxes, {answers} of them answers. What is kept of them: {ends}{rescued}"
    )
}

fn zone_of(pool: &Pool, address: &Address) -> Zone {
    pool.config.mailboxes.get(address).map_or(pool.config.zone, |m| m.zone)
}

/// The letters of a date as a table; times are the sender's, with their zone where there are several.
pub fn to_text(rows: &[LetterFacts], date: LocalDate, zone_of: &dyn Fn(&Address) -> Zone, width: usize) -> String {
    let mut table =
        Table::new(&[("time", Align::Left), ("from", Align::Left), ("to", Align::Left), ("what", Align::Left), ("state", Align::Left)]);
    let zones: BTreeSet<&str> = rows.iter().map(|r| zone_of(&r.plan.sender).name()).collect();
    let clock = if zones.len() > 1 { "%H:%M %Z" } else { "%H:%M" };
    for r in rows {
        let zone = zone_of(&r.plan.sender);
        let is_known = r.handed_at.or(r.plan.due).is_some();
        let time = format!("{}{}", if is_known { "" } else { "~" }, time_of(r).in_zone(zone).format(clock));
        let what = if r.plan.parent.is_some() { format!("answer {}", r.plan.in_thread) } else { "start".to_owned() };
        table.row([time, r.plan.sender.to_string(), r.plan.recipient.to_string(), what, state_in_words(r)]);
    }
    let starts = rows.iter().filter(|r| r.plan.parent.is_none()).count();
    let open = rows.iter().filter(|r| r.plan.due.is_none() && r.state == LetterState::Planned).count();
    let counted = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    let (letters, answers) = (counted(rows.len(), "letter"), counted(rows.len() - starts, "answer"));
    let mut text = format!("{date}: {letters}, {} and {answers}", counted(starts, "start"));
    match open {
        0 => {}
        1 => text.push_str(" (one of them waits until what it answers is opened)"),
        _ => drop(write!(text, " ({open} of them wait until what they answer is opened)")),
    }
    format!("{text}\n\n{}", table.to_text(width))
}

/// When a letter went, or is to go; for an answer whose time is not known yet, when it is expected.
fn time_of(r: &LetterFacts) -> Moment {
    r.handed_at.or(r.plan.due).unwrap_or(r.plan.expected)
}

fn state_in_words(r: &LetterFacts) -> String {
    match (r.state, r.placement, r.skip_reason) {
        (LetterState::Seen, Some(_), _) if r.rescued_at.is_some() => "spam, rescued".into(),
        (LetterState::Seen, Some(p), _) => p.to_string(),
        (LetterState::Accepted, ..) => "waiting".into(),
        (LetterState::Skipped, _, Some(reason)) => format!("skipped: {reason}"),
        (state, ..) => state.to_string(),
    }
}

fn to_json(r: &LetterFacts) -> serde_json::Value {
    let (p, d) = (&r.plan, &r.plan.draws);
    let at = |m: Option<Moment>| m.map(|m| m.to_string());
    json!({
        "id": p.id, "from": p.sender, "to": p.recipient, "date": p.date, "parent": p.parent, "in_thread": p.in_thread,
        "due": at(p.due), "expected": p.expected, "state": r.state, "skip_reason": r.skip_reason, "placement": r.placement,
        "handed_at": at(r.handed_at), "accepted_at": at(r.accepted_at), "seen_at": at(r.seen_at), "rescued_at": at(r.rescued_at),
        "draws": {
            "open": d.open, "answer": d.answer, "important": d.important, "flag": d.flag,
            "rescue_after_s": d.rescue_after.as_secs(), "open_after_s": d.open_after.as_secs(), "answer_after_s": d.answer_after.as_secs(),
            "content": format!("{:016x}", d.content),
        },
    })
}
