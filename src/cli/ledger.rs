//! `preheat ledger backup` and `preheat ledger check`.

use std::path::{Path, PathBuf};

use super::pool::{Pool, runtime};
use super::printer::Printer;
use super::{CliError, Exit};

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
}

pub fn ledger(args: &Args, config: &Path, printer: Printer) -> Result<Exit, CliError> {
    let pool = Pool::load(config, printer)?;
    pool.say_clock(printer);
    let Some(ledger) = pool.look_into_ledger()? else {
        return Err(CliError::new(format!("error: there is no ledger yet at {}", pool.config.ledger.display()))
            .hint("the first `preheat run` makes it"));
    };
    match &args.command {
        Command::Backup { file } => {
            let key = file.with_extension("key");
            if key.exists() {
                return Err(CliError::new(format!("error: {} is there already", key.display()))
                    .hint("nothing is ever overwritten: name another file"));
            }
            runtime()?.block_on(ledger.backup(file))?;
            copy_key(&pool.config.key_file, &key)?;
            printer.data(file.display());
            printer.data(key.display());
            Ok(Exit::Done)
        }
        Command::Check { json } => {
            let report = runtime()?.block_on(ledger.check())?;
            if *json {
                printer.json(
                    &serde_json::json!({ "letters": report.letters, "steps": report.steps, "days": report.days, "faults": report.faults }),
                );
            } else {
                let (letters, steps, days) = (report.letters, report.steps, report.days);
                printer.data(format_args!(
                    "replayed {steps} steps of {letters} letters and compared {days} days: {} faults",
                    report.faults.len()
                ));
                for fault in &report.faults {
                    printer.data(format_args!("  {fault}"));
                }
            }
            Ok(if report.faults.is_empty() { Exit::Done } else { Exit::Problems })
        }
    }
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
