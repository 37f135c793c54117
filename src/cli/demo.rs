//! `preheat demo`: a day over real sockets, a ramp rehearsed, and a page with the pictures. What a visitor sees first.

mod day;
mod folder;
mod show;
mod signals;
mod weeks;

use std::path::{Path, PathBuf};

use super::pool::runtime;
use super::printer::Printer;
use super::{CliError, Exit};
use crate::chance::Seed;
use crate::clock::Clock;
use crate::report::rehearsal::page;
use day::Practised;
use folder::DemoFolder;
use signals::Signals;
use weeks::Rehearsals;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Starts the sandbox's mail servers inside this process, runs one day of twelve practice mailboxes over real SMTP and IMAP on a fast clock, then \
rehearses a ramp of six weeks (and two more, for the days on which the guard holds), also when things go wrong, and writes an HTML page with the pictures. It needs no account, no setup and no network: nothing leaves \
this machine. Where mail lands is modelled.\n\n\
Exit codes: 0 shown, and every invariant held; 1 it could not be done, was stopped, or an invariant did not hold, which is a bug in preheat: what is \
printed shows it."
)]
pub struct Args {
    /// Where the page goes
    #[arg(long, value_name = "FILE", default_value = "preheat-demo.html")]
    out: PathBuf,
    /// The seed of every draw: who writes to whom, and what lands in spam
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Practise in this folder, and leave it there: a new one, or an empty one
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Leave the private folder with the day's config, ledger and passwords
    #[arg(long)]
    keep: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// A shorter one, for tests
    #[arg(long, hide = true)]
    quick: bool,
}

/// Everything that was seen.
struct Seen {
    day: Practised,
    weeks: Rehearsals,
}

pub fn demo(args: &Args, printer: Printer) -> Result<Exit, CliError> {
    see_that_it_can_be_written(&args.out)?;
    let began = Clock::System.now();
    let folder = DemoFolder::new(args.dir.as_deref(), args.keep)?;
    let runtime = runtime()?;
    let seen = runtime.block_on(play(args, &folder, printer));
    // A rehearsal that was broken off is not waited for: it holds nothing but memory, and ends with the process.
    runtime.shutdown_background();
    let seen = seen.inspect_err(|_| folder.farewell(printer))?;
    let html = page(&seen.weeks.page_with(&seen.day));
    std::fs::write(&args.out, html).map_err(|e| unwritable(&args.out, &e))?;
    if args.json {
        printer.json(&show::to_json(&seen, &args.out));
    } else {
        printer.data(show::weeks_text(&seen.weeks, printer.width()));
        printer.data(show::end_text(&args.out, printer.width()));
    }
    printer.say(format_args!("{:.0} seconds in all", Clock::System.now().since(began).as_secs_f64().ceil()));
    folder.farewell(printer);
    let broken = seen.weeks.breaches_text(printer.width());
    if broken.is_empty() { Ok(Exit::Done) } else { Err(an_invariant_broke(printer, &broken)) }
}

async fn play(args: &Args, folder: &DemoFolder, printer: Printer) -> Result<Seen, CliError> {
    let mut signals = Signals::new()?;
    let seed = Seed(args.seed);
    printer.say(show::welcome(printer.width()));
    let day = day::practise(folder.path(), seed, args.quick, printer, &mut signals).await?;
    let broken = day.breaches_text(seed, printer.width());
    if !broken.is_empty() {
        return Err(an_invariant_broke(printer, &broken));
    }
    if !args.json {
        printer.data(show::day_text(&day, printer.width()));
    }
    let weeks = weeks::rehearse(&day, seed, args.quick, printer, &mut signals).await?;
    Ok(Seen { day, weeks })
}

/// Tells the story on standard error, also where `--json` has standard output.
fn an_invariant_broke(printer: Printer, story: &str) -> CliError {
    printer.error(story);
    CliError::new("error: an invariant did not hold").hint("this is a bug in preheat: please report it with what stands above")
}

/// Half a minute of work is not to end at a folder that nobody may write in.
fn see_that_it_can_be_written(path: &Path) -> Result<(), CliError> {
    let was_there = path.exists();
    std::fs::OpenOptions::new().append(true).create(true).open(path).map_err(|e| unwritable(path, &e))?;
    if !was_there {
        let _ = std::fs::remove_file(path);
    }
    Ok(())
}

fn unwritable(path: &Path, e: &std::io::Error) -> CliError {
    CliError::new(format!("error: {} cannot be written: {e}", path.display())).hint("name another place with --out FILE")
}
