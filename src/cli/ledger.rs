//! `preheat ledger backup`, `preheat ledger check` and `preheat ledger prune`.

mod prune;

use std::path::{Path, PathBuf};

use serde_json::json;

use super::pool::{Pool, runtime};
use super::printer::Printer;
use super::{CliError, Exit};
use crate::ledger::{Ledger, LedgerError};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Copy the ledger as it is now, while it is in use, and its key beside it
    Backup {
        /// The new file; must not be there yet
        file: PathBuf,
    },
    /// Is the file whole, and does replaying the history give the live state?
    Check {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Take letters out that are over and long past; each day's sums, and the ramp, stay
    Prune(prune::Args),
}

pub fn ledger(args: &Args, config: &Path, printer: Printer) -> Result<Exit, CliError> {
    let pool = Pool::load(config, printer)?;
    pool.say_clock(printer);
    // It writes, and brings an older ledger up to date.
    if let (Command::Prune(args), true) = (&args.command, pool.config.ledger.exists()) {
        return prune::prune(args, &pool, printer);
    }
    let Some(ledger) = pool.look_into_ledger()? else {
        return Err(CliError::new(format!("error: there is no ledger yet at {}", pool.config.ledger.display()))
            .hint("the first `preheat run` makes it"));
    };
    match &args.command {
        Command::Backup { file } => backup(&pool, &ledger, file, printer),
        Command::Check { json } => check(&ledger, *json, printer),
        Command::Prune(args) => prune::prune(args, &pool, printer),
    }
}

fn backup(pool: &Pool, ledger: &Ledger, file: &Path, printer: Printer) -> Result<Exit, CliError> {
    let key = file.with_extension("key");
    if key.exists() {
        return Err(
            CliError::new(format!("error: {} is there already", key.display())).hint("nothing is ever overwritten: name another file")
        );
    }
    runtime()?.block_on(ledger.backup(file))?;
    copy_key(&pool.config.key_file, &key)?;
    printer.data(file.display());
    printer.data(key.display());
    Ok(Exit::Done)
}

fn check(ledger: &Ledger, json: bool, printer: Printer) -> Result<Exit, CliError> {
    let (report, pruned) = runtime()?.block_on(async { Ok::<_, LedgerError>((ledger.check().await?, ledger.pruned().await?)) })?;
    let (letters, steps, days) = (report.letters, report.steps, report.days);
    if json {
        let before = pruned.map(|p| p.before);
        printer.json(&json!({ "letters": letters, "steps": steps, "days": days, "pruned_before": before, "faults": report.faults }));
    } else {
        let faults = report.faults.len();
        printer.data(format_args!("replayed {steps} steps of {letters} letters and compared {days} days: {faults} faults"));
        if let Some(pruned) = pruned {
            printer.data(format_args!("letters of dates before {} were pruned: of those, the sums by day were compared", pruned.before));
        }
        for fault in &report.faults {
            printer.data(format_args!("  {fault}"));
        }
    }
    Ok(if report.faults.is_empty() { Exit::Done } else { Exit::Problems })
}

/// The key belongs to the backup: without it, no letter that is out would be known again.
fn copy_key(from: &Path, to: &Path) -> Result<(), CliError> {
    let failed = |e: std::io::Error| CliError::new(format!("error: the ledger was copied, but its key {} was not: {e}", from.display()));
    let bytes = std::fs::read(from).map_err(failed)?;
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(to).map_err(failed)?;
    std::io::Write::write_all(&mut file, &bytes).map_err(failed)
}
