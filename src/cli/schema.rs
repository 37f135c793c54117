//! `preheat schema`.

use super::printer::Printer;
use super::{CliError, Exit};
use crate::config::schema::{json_schema, schedule_schema};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The schema of a schedule file instead
    #[arg(long)]
    schedule: bool,
}

#[expect(clippy::unnecessary_wraps, reason = "every command has the same signature")]
pub fn schema(args: &Args, printer: Printer) -> Result<Exit, CliError> {
    printer.json(&if args.schedule { schedule_schema() } else { json_schema() });
    Ok(Exit::Done)
}
