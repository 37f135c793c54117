//! `preheat run`.

use std::path::Path;
use std::sync::Arc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::pool::{Pool, runtime};
use super::printer::Printer;
use super::watch::Watcher;
use super::{CliError, Exit, agenda};
use crate::chance::Seed;
use crate::config::Mailbox;
use crate::credentials::load_keyring;
use crate::ledger::Ledger;
use crate::letter::Keyring;
use crate::run::{Context, Pace, Silent, date_of, is_dead, plan_date, run as run_pool, shortfalls_in_words, this_process};
use crate::words::LocalDate;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Without --once: for cron once a day, before the first window opens. It ends by itself when every window is over and what was \
sent today has been seen and dealt with, at the latest when the last mailbox's hours end (22:00).\n\n\
With --once: for cron every few minutes. It does what is due and ends.\n\n\
SIGINT or SIGTERM: finishes the letter that is on its way, writes down what became of it, and ends with 0. A second one: ends at once; the next run \
finds out what became of it. Running it twice at once does no harm: the second says who runs, and ends with 75."
)]
pub struct Args {
    /// Do what is due now, then end
    #[arg(long)]
    once: bool,
    /// Show what would be sent; touch no server and write nothing
    #[arg(long)]
    dry_run: bool,
    /// A line for each letter instead of a summary
    #[arg(long, short)]
    verbose: bool,
}

pub fn run(args: &Args, config: &Path, printer: Printer) -> Result<Exit, CliError> {
    let pool = Pool::load(config, printer)?;
    pool.say_clock(printer);
    let pace = if args.once { Pace::Once } else { Pace::Day };
    if args.dry_run {
        return dry_run(&pool, pace, printer);
    }
    let keys = load_keyring(&pool.config.key_file)?;
    let library = pool.library()?;
    let ledger = pool.open_ledger()?;
    let runtime = runtime()?;
    let watcher = Arc::new(Watcher::new(printer, args.verbose));
    let result = runtime.block_on(async {
        let (tell, stop) = watch::channel(false);
        watch_signals(tell, printer, watcher.clone())?;
        let seed = ledger.seed(Seed::from_os(), pool.clock.now()).await?;
        let context = Context {
            access: Arc::new(pool.gated_access(seed)?),
            config: Arc::new(pool.config.clone()),
            clock: pool.clock.clone(),
            keys: Arc::new(keys),
            library: Arc::new(library),
            progress: watcher.clone(),
            ledger,
            seed,
            stop,
        };
        run_pool(context, pace, this_process(), is_dead).await.map_err(CliError::from)
    });
    watcher.finish(pool.clock.now());
    result.map(|()| Exit::Done)
}

/// The first SIGINT or SIGTERM asks the workers to end; the second ends the process where it stands.
fn watch_signals(tell: watch::Sender<bool>, printer: Printer, watcher: Arc<Watcher>) -> Result<(), CliError> {
    let failed = |e: std::io::Error| CliError::new(format!("error: signals cannot be watched: {e}"));
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt()).map_err(failed)?, signal(SignalKind::terminate()).map_err(failed)?);
    tokio::spawn(async move {
        for n in 0.. {
            tokio::select! {
                biased;
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            if n > 0 {
                printer.error("ending at once; the next run finds out what became of the letter that was on its way");
                std::process::exit(130);
            }
            watcher.say("ending in good order: the letter that is on its way is finished (once more: at once)");
            let _ = tell.send(true);
        }
    });
    Ok(())
}

/// Plans what `run` would do on a copy of the ledger in memory: nothing is written, no server is touched.
fn dry_run(pool: &Pool, pace: Pace, printer: Printer) -> Result<Exit, CliError> {
    let now = pool.clock.now();
    let mut dates: Vec<LocalDate> = pool.config.mailboxes.values().map(|m| date_of(&pool.config, m, now, pace)).collect();
    dates.sort_unstable();
    dates.dedup();
    runtime()?.block_on(async {
        let real = pool.look_into_ledger()?;
        let seed = pool.seed(real.as_ref()).await?;
        let ledger = if let Some(ledger) = real {
            ledger
        } else {
            printer.say("an example: the first run draws the pool's seed, and with it other times and pairs");
            Ledger::in_memory()?
        };
        let (_keep, stop) = watch::channel(false);
        let context = Context {
            access: Arc::new(pool.access()?),
            config: Arc::new(pool.config.clone()),
            clock: pool.clock.clone(),
            keys: Arc::new(Keyring::default()),
            library: Arc::new(pool.library()?),
            progress: Arc::new(Silent),
            ledger: ledger.clone(),
            seed,
            stop,
        };
        for date in dates {
            let mut rows = ledger.agenda_on(date).await?;
            let mut missing: Vec<&Mailbox> = Vec::new();
            for mailbox in pool.config.mailboxes.values().filter(|m| date_of(&pool.config, m, now, pace) == date) {
                if ledger.day(mailbox.address.clone(), date).await?.is_none() {
                    missing.push(mailbox);
                }
            }
            if !missing.is_empty() {
                let plan = plan_date(&context, date, &missing).await?;
                for sentence in shortfalls_in_words(&plan.agenda.shortfalls, date) {
                    printer.say(sentence);
                }
                rows.extend(plan.agenda.letters.iter().filter(|l| l.date == date).map(crate::ledger::LetterFacts::of_plan));
            }
            rows.sort_by_key(|r| (r.plan.due.unwrap_or(r.plan.expected), r.plan.id));
            let zone = |a: &crate::words::Address| pool.config.mailboxes.get(a).map_or(pool.config.zone, |m| m.zone);
            printer.data(agenda::to_text(&rows, date, &zone, printer.width()));
        }
        printer.say("a dry run: nothing was sent, and nothing was written");
        Ok(Exit::Done)
    })
}
