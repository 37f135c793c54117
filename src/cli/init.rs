//! `preheat init`.

use std::path::Path;

use rand::TryRngCore;

use super::printer::Printer;
use super::{CliError, Exit};
use crate::config::init::{StarterOptions, new_key_line, starter, write_files};
use crate::config::schedule_by_name;
use crate::words::{Domain, Zone};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The domain that is to be warmed
    #[arg(long, default_value = "new.example", value_parser = parse_domain)]
    domain: Domain,
    /// Your time zone, such as Europe/Berlin
    #[arg(long, default_value = "Etc/UTC", value_parser = parse_zone)]
    zone: Zone,
    /// The schedule: a shipped one, or one of your own in `schedules/`
    #[arg(long, value_name = "NAME", default_value = "standard-6w")]
    schedule: String,
}

fn parse_zone(text: &str) -> Result<Zone, String> {
    text.parse().map_err(|_| "zones have IANA names, such as Europe/Berlin or America/New_York".to_owned())
}

fn parse_domain(text: &str) -> Result<Domain, String> {
    Domain::parse(text).map_err(|e| e.to_string())
}

pub fn init(args: &Args, config: &Path, printer: Printer) -> Result<Exit, CliError> {
    let folder = config.parent().unwrap_or(Path::new(""));
    schedule_by_name(&args.schedule, Some(folder))?;
    let mut key = [0; 32];
    rand::rngs::OsRng.try_fill_bytes(&mut key).map_err(|e| CliError::new(format!("error: this machine gives no random numbers: {e}")))?;
    let options =
        StarterOptions { zone: args.zone.name().to_owned(), schedule: args.schedule.clone(), ..StarterOptions::of(args.domain.clone()) };
    let written = write_files(config, &starter(&options), &new_key_line(&key, "k1"))
        .map_err(|e| CliError::new(format!("error: {e}")).hint(e.hint()))?;
    for path in written {
        printer.data(path.display());
    }
    printer.say(format_args!("next: fill in {}, then `preheat check` and `preheat plan`", config.display()));
    Ok(Exit::Done)
}
