//! The command line: one file a subcommand, one printer.

mod agenda;
mod check;
mod exit;
mod explain;
mod init;
mod ledger;
mod pause;
mod plan;
mod pool;
mod printer;
mod run;
mod schema;
mod status;
mod watch;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub use exit::{CliError, Exit};
use printer::Printer;

/// Warms new sending domains between mailboxes that you own.
#[derive(Debug, Parser)]
#[command(name = "preheat", version, about, max_term_width = 100, after_help = exit::HELP, propagate_version = false)]
#[command(long_about = "Warms new sending domains between mailboxes that you own: a gradual ramp of daily volume for each mailbox, \
letters that are seen, pulled out of spam, opened and answered, and a ledger that says why today's number is what it is.\n\n\
Begin with `preheat init`, fill in preheat.yaml, then `preheat check`, `preheat plan` and `preheat run`.")]
struct Cli {
    /// The config
    #[arg(long, short, global = true, default_value = "preheat.yaml", value_name = "FILE", env = "PREHEAT_CONFIG")]
    config: PathBuf,
    /// Say nothing but data and errors
    #[arg(long, short, global = true)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write a commented preheat.yaml and the key for the X-Preheat header
    Init(init::Args),
    /// Check the config, the pool, and the sign-in of every mailbox
    Check(check::Args),
    /// Show the ramp by calendar date: table, chart, JSON, CSV or SVG
    Plan(plan::Args),
    /// Say why a mailbox's quota is what it is, step by step
    Explain(explain::Args),
    /// Show who writes to whom on a date, and when
    Agenda(agenda::Args),
    /// Carry the pool through today: send, look, rescue, open, answer
    Run(run::Args),
    /// Show where pool, domains and mailboxes stand
    Status(status::Args),
    /// Stop sending from a mailbox, a domain or all; looking and rescuing go on
    Pause(pause::PauseArgs),
    /// Send again
    Resume(pause::ResumeArgs),
    /// Back the ledger up, or check it
    Ledger(ledger::Args),
    /// Print a JSON Schema of preheat.yaml, for editors
    Schema(schema::Args),
}

/// Reads the command line, does what it says, and gives the exit code.
pub fn main() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            // clap's own: `--help` and `--version` go to standard output and end well.
            let _ = e.print();
            return u8::try_from(e.exit_code()).unwrap_or(2);
        }
    };
    let printer = Printer::new(cli.quiet);
    let result = match cli.command {
        Command::Init(a) => init::init(&a, &cli.config, printer),
        Command::Check(a) => check::check(&a, &cli.config, printer),
        Command::Plan(a) => plan::plan(&a, &cli.config, printer),
        Command::Explain(a) => explain::explain(&a, &cli.config, printer),
        Command::Agenda(a) => agenda::agenda(&a, &cli.config, printer),
        Command::Run(a) => run::run(&a, &cli.config, printer),
        Command::Status(a) => status::status(&a, &cli.config, printer),
        Command::Pause(a) => pause::pause(&a, &cli.config, printer),
        Command::Resume(a) => pause::resume(&a, &cli.config, printer),
        Command::Ledger(a) => ledger::ledger(&a, &cli.config, printer),
        Command::Schema(a) => schema::schema(&a, printer),
    };
    match result {
        Ok(exit) => exit.code(),
        Err(e) => {
            printer.error(&e);
            e.exit.code()
        }
    }
}
