//! `preheat ledger prune`.

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::super::explain::parse_date;
use super::super::pool::{Pool, runtime};
use super::super::printer::Printer;
use super::super::{CliError, Exit};
use crate::ledger::{LEAST_KEPT, Ledger, PruneRules, Pruner, Removed};
use crate::report::space::size;
use crate::report::{Align, Table};
use crate::run::is_dead;
use crate::words::{LocalDate, Zone};

/// The most that can be kept: a hundred years.
const MOST_KEPT: u32 = 36_500;
/// A file of which less than this part, in hundredths, is free is not written anew.
const WORTH_IT: u64 = 5;
/// Between two batches, for whoever else wants to write.
const BREATH: Duration = Duration::from_millis(5);

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Letters of earlier dates go, with all that happened to them. What stays for ever: each day's quota, sums and verdict, and so \
the ramp; what became of the letters, by day; suppressions, suspensions, pauses, real mail. Letters that are open stay, with their thread: uncertain, \
waiting, to be answered, to be put away.\n\n\
It may be broken off, and done beside a run. The file gets smaller when no run is going; otherwise what is free in it is used again."
)]
pub struct Args {
    /// Keep the letters of so many days; 45d at least
    #[arg(long, value_name = "DAYS", default_value = "90d", value_parser = parse_days, conflicts_with = "before")]
    keep: u32,
    /// Keep those of this date and later
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_date)]
    before: Option<LocalDate>,
    /// Say what would go, and take nothing
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn parse_days(text: &str) -> Result<u32, String> {
    let days: u32 = text.strip_suffix('d').unwrap_or(text).parse().map_err(|_| "it is written as 90d".to_owned())?;
    if days < LEAST_KEPT {
        return Err(format!("{LEAST_KEPT}d are kept at least: so far back looks what preheat does every day"));
    }
    if days > MOST_KEPT {
        return Err(format!("{MOST_KEPT}d are kept at most"));
    }
    Ok(days)
}

/// What it came to.
struct Outcome {
    before: LocalDate,
    is_trial: bool,
    removed: Removed,
    /// Bytes of the file before and after.
    file: (u64, u64),
    free: u64,
    /// Why the file was not written anew.
    not_shrunk: Option<String>,
}

pub fn prune(args: &Args, pool: &Pool, printer: Printer) -> Result<Exit, CliError> {
    let outcome = runtime()?.block_on(carry_out(args, pool))?;
    if args.json {
        printer.json(&outcome.to_json());
    } else {
        printer.data(outcome.to_text(printer.width()));
    }
    Ok(Exit::Done)
}

async fn carry_out(args: &Args, pool: &Pool) -> Result<Outcome, CliError> {
    let ledger = pool.open_ledger()?;
    let now = pool.clock.now();
    // Where the clock is ahead, or nothing was sent for a while, the ledger's own last date counts.
    let last = ledger.last_date().await?.map_or(now.local_date(Zone::UTC), |last| last.min(now.local_date(Zone::UTC)));
    let latest = last.minus(LEAST_KEPT);
    if args.before.is_none() && ledger.stands_alone(last).await? {
        return Err(CliError::new(format!("error: the ledger's last date is {last}, and it has none in the weeks before it")).hint(
            "was the clock right on that day? A wrong one makes letters old. Where all is well, say it by date: --before YYYY-MM-DD",
        ));
    }
    let before = args.before.unwrap_or_else(|| last.minus(args.keep));
    if before > latest {
        return Err(CliError::new(format!("error: letters of {latest} and later are kept"))
            .hint(format!("so far back looks what preheat does every day: {LEAST_KEPT} days before {last}, the last date of the ledger")));
    }
    let is_trial = args.dry_run;
    let rules = PruneRules { before, tidies: pool.config.tidy.is_some(), now };
    let path = &pool.config.ledger;
    let size_before = bytes_of(path);
    let mut pruner = Pruner::of(path, rules, is_trial)?;
    while pruner.batch()? {
        pool.clock.sleep_until(pool.clock.now() + pool.clock.plan_span(BREATH)).await;
    }
    let not_shrunk = if is_trial { None } else { shrink(&ledger, pool, &pruner).await? };
    let (removed, free) = (pruner.removed(), pruner.free_bytes()?);
    Ok(Outcome { before, is_trial, removed, file: (size_before, bytes_of(path)), free, not_shrunk })
}

/// Gives the room back where nobody is kept from writing by that; says why not.
async fn shrink(ledger: &Ledger, pool: &Pool, pruner: &Pruner) -> Result<Option<String>, CliError> {
    if pruner.free_bytes()? * 100 <= bytes_of(&pool.config.ledger) * WORTH_IT {
        return Ok(None);
    }
    let holders = ledger.holders().await?;
    if let Some(holder) = holders.iter().find(|holder| !is_dead(holder)) {
        return Ok(Some(format!("a run is going (process {} on {}), and writing the file anew would hold it up", holder.pid, holder.host)));
    }
    match pruner.shrink() {
        Ok(true) => Ok(None),
        Ok(false) => Ok(Some("somebody is reading it, and it gets smaller when they are done".to_owned())),
        Err(e) if e.is_busy() => Ok(Some("somebody else is writing to it".to_owned())),
        Err(e) if e.is_disk_full() => {
            Ok(Some(format!("writing it anew wants room for two more, one beside it and one in the folder for temporary files: {e}")))
        }
        Err(e) => Err(e.into()),
    }
}

/// The file, and what is written beside it until it is copied in.
fn bytes_of(ledger: &Path) -> u64 {
    let mut log = ledger.as_os_str().to_owned();
    log.push("-wal");
    [ledger, Path::new(&log)].iter().filter_map(|file| std::fs::metadata(file).ok()).map(|file| file.len()).sum()
}

impl Outcome {
    fn to_json(&self) -> serde_json::Value {
        json!({
            "before": self.before, "dry_run": self.is_trial, "removed": self.removed,
            "file_bytes": { "before": self.file.0, "after": self.file.1, "free": self.free }, "not_shrunk": self.not_shrunk,
        })
    }

    fn to_text(&self, width: usize) -> String {
        let Removed { letters, history, sightings, signals, refused_marks, held } = self.removed;
        let mut table = Table::new(&[("", Align::Left), (if self.is_trial { "would go" } else { "gone" }, Align::Right)]).indent(2);
        let rows = [
            ("letters", letters),
            ("what happened to them", history),
            ("copies of them, as seen last", sightings),
            ("signals", signals),
            ("marks that were not acted on", refused_marks),
        ];
        for (what, n) in rows {
            table.row([what.to_owned(), n.to_string()]);
        }
        let held = match held {
            0 => String::new(),
            n => format!(
                "{n} letters of these dates stay: they, or others of their thread, are open, to be put away yet, or of a later date\n"
            ),
        };
        let (was, is, free) = (size(self.file.0), size(self.file.1), size(self.free));
        let file = match &self.not_shrunk {
            _ if self.is_trial => format!("the file has {was}"),
            None => format!("the file had {was} and has {is} now"),
            Some(why) => {
                format!("the file has {is}, of which {free} are free for letters to come: {why}; `ledger prune` again gives it back")
            }
        };
        format!("Before {}\n{}{held}{file}\n", self.before, table.to_text(width))
    }
}
