//! `preheat schema`.

use super::printer::Printer;
use super::{CliError, Exit};
use crate::config::schema::{json_schema, schedule_schema};
use crate::event;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The schema of a schedule file instead
    #[arg(long)]
    schedule: bool,
    /// The schema of a line of `preheat events --json` instead
    #[arg(long, conflicts_with = "schedule")]
    events: bool,
}

#[expect(clippy::unnecessary_wraps, reason = "every command has the same signature")]
pub fn schema(args: &Args, printer: Printer) -> Result<Exit, CliError> {
    printer.json(&match args {
        Args { events: true, .. } => event::schema::json_schema(),
        Args { schedule: true, .. } => schedule_schema(),
        Args { .. } => json_schema(),
    });
    Ok(Exit::Done)
}
