//! The command line: one file a subcommand, one printer.

mod agenda;
mod allowance;
mod check;
mod demo;
mod dumps;
mod events;
mod exit;
pub(crate) mod explain;
mod health;
mod init;
mod inspect;
mod ledger;
mod panic;
mod pause;
mod plan;
mod pool;
mod printer;
mod ready;
mod rehearse;
mod run;
mod sandbox;
mod schema;
mod sent;
mod status;
pub(crate) mod suppress;
mod watch;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

pub use exit::{CliError, Exit};
use printer::Printer;

/// Warms new sending domains between mailboxes that you own: a gradual ramp of daily volume for each mailbox, letters that are
/// seen, pulled out of spam, opened and answered, and a ledger that says why today's number is what it is.
#[derive(Debug, Parser)]
#[command(name = "preheat", version, max_term_width = 100, after_help = exit::HELP, propagate_version = false)]
#[command(disable_help_subcommand = true)]
struct Cli {
    /// The config
    #[arg(long, short, global = true, default_value = "preheat.yaml", value_name = "FILE", env = "PREHEAT_CONFIG")]
    #[arg(help_heading = EVERYWHERE)]
    config: PathBuf,
    /// Say nothing but data and errors
    #[arg(long, short, global = true, help_heading = EVERYWHERE)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

/// The heading of the options that every command has.
const EVERYWHERE: &str = "Options of every command";

#[derive(Debug, Subcommand)]
enum Command {
    /// See it work: a day over real sockets and a ramp rehearsed; no account, no setup
    Demo(demo::Args),
    /// Write a commented preheat.yaml and the key for the X-Preheat header
    Init(init::Args),
    /// Say what is wrong with config, pool and sign-ins before anything is sent
    Check(check::Args),
    /// Show the ramp by calendar date: table, chart, JSON, CSV or SVG
    Plan(plan::Args),
    /// Say why a mailbox's quota is what it is, step by step
    Explain(explain::Args),
    /// Show who writes to whom on a date, and when
    Agenda(agenda::Args),
    /// Carry the pool through today: send, look, rescue, open, answer
    Run(run::Args),
    /// Play the whole ramp in a modelled mail world, in virtual time: nothing is sent
    Rehearse(rehearse::Args),
    /// Say how many messages of your own today's ramp still leaves
    Allowance(allowance::Args),
    /// Tell how much real mail was sent from a mailbox
    Sent(sent::Args),
    /// Show where pool, domains and mailboxes stand
    Status(status::Args),
    /// Put the last 14 days of mailboxes and domains into a number, part by part
    Health(health::Args),
    /// Say whether domains are warm: the evidence, what is wanting, and the earliest date
    Ready(ready::Args),
    /// Stop sending from a mailbox, a domain or all; looking and rescuing go on
    Pause(pause::PauseArgs),
    /// Let a paused mailbox, domain or all send again
    Resume(pause::ResumeArgs),
    /// Say what messages are: bounces, complaints, auto-replies, unsubscribes, answers
    Inspect(inspect::Args),
    /// The list of outside addresses that get no mail again
    Suppress(suppress::Args),
    /// Print what happened, one event a line, for people and for programs
    Events(events::Args),
    /// Back the ledger up, check it, or prune what is long past
    Ledger(ledger::Args),
    /// Serve a modelled mail world on this machine, to practise in
    Sandbox(sandbox::Args),
    /// Print a JSON Schema of preheat.yaml, for editors
    Schema(schema::Args),
}

/// Reads the command line, does what it says, and gives the exit code.
pub fn main() -> u8 {
    dumps::forbid();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            // clap's own: `--help` and `--version` go to standard output and end well.
            let _ = e.print();
            return u8::try_from(e.exit_code()).unwrap_or(2);
        }
    };
    let printer = Printer::new(cli.quiet);
    panic::tell_plainly(printer);
    let result = match cli.command {
        Command::Demo(a) => demo::demo(&a, printer),
        Command::Init(a) => init::init(&a, &cli.config, printer),
        Command::Check(a) => check::check(&a, &cli.config, printer),
        Command::Plan(a) => plan::plan(&a, &cli.config, printer),
        Command::Explain(a) => explain::explain(&a, &cli.config, printer),
        Command::Agenda(a) => agenda::agenda(&a, &cli.config, printer),
        Command::Run(a) => run::run(&a, &cli.config, printer),
        Command::Rehearse(a) => rehearse::rehearse(&a, &cli.config, printer),
        Command::Allowance(a) => allowance::allowance(&a, &cli.config, printer),
        Command::Sent(a) => sent::sent(&a, &cli.config, printer),
        Command::Status(a) => status::status(&a, &cli.config, printer),
        Command::Health(a) => health::health(&a, &cli.config, printer),
        Command::Ready(a) => ready::ready(&a, &cli.config, printer),
        Command::Pause(a) => pause::pause(&a, &cli.config, printer),
        Command::Resume(a) => pause::resume(&a, &cli.config, printer),
        Command::Inspect(a) => inspect::inspect(&a, printer),
        Command::Suppress(a) => suppress::suppress(&a, &cli.config, printer),
        Command::Events(a) => events::events(&a, &cli.config, printer),
        Command::Ledger(a) => ledger::ledger(&a, &cli.config, printer),
        Command::Sandbox(a) => sandbox::sandbox(&a, printer),
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
