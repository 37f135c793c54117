//! `preheat init`.

use std::path::Path;

use rand::TryRngCore;

use super::printer::Printer;
use super::{CliError, Exit};
use crate::config::init::{StarterOptions, new_key_line, starter, write_files};
use crate::words::Domain;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The domain that is to be warmed
    #[arg(long, default_value = "new.example", value_parser = parse_domain)]
    domain: Domain,
    /// Your time zone, such as Europe/Berlin
    #[arg(long, default_value = "Etc/UTC")]
    zone: String,
    /// The schedule
    #[arg(long, default_value = "standard-6w")]
    schedule: String,
}

fn parse_domain(text: &str) -> Result<Domain, String> {
    Domain::parse(text).map_err(|e| e.to_string())
}

pub fn init(args: &Args, config: &Path, printer: Printer) -> Result<Exit, CliError> {
    let folder = config.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut key = [0; 32];
    rand::rngs::OsRng.try_fill_bytes(&mut key).map_err(|e| CliError::new(format!("error: this machine gives no random numbers: {e}")))?;
    let options = StarterOptions { zone: args.zone.clone(), schedule: args.schedule.clone(), ..StarterOptions::of(args.domain.clone()) };
    let written = write_files(folder, &starter(&options), &new_key_line(&key, "k1"))
        .map_err(|e| CliError::new(format!("error: {e}")).hint(e.hint()))?;
    for path in written {
        printer.data(path.display());
    }
    printer.say("next: fill in preheat.yaml, then `preheat check` and `preheat plan`");
    Ok(Exit::Done)
}
