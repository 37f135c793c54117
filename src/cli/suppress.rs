//! `preheat suppress`: the list of outside addresses that get no mail again.

pub(crate) mod lists;

use std::io::Read;
use std::path::{Path, PathBuf};

use super::pool::{Pool, runtime};
use super::printer::Printer;
use super::{CliError, Exit};
use crate::ledger::{Ledger, SuppressionRow};
use crate::report::table::{Align, Table};
use crate::words::{Address, Moment, SuppressionCause};
use lists::{Form, Listed};

/// Most bytes of a list that is read in: some hundred thousand addresses.
const MOST_BYTES: u64 = 64 << 20;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Bounces, complaints and unsubscribes put outside addresses on the list by themselves. Whoever sends real mail from these mailboxes reads
it: `preheat suppress export`. Mailboxes of the pool are never on it.")]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show the list, or why one address is on it
    List {
        /// Only this address; exit code 1 where it is not on the list
        #[arg(value_name = "ADDRESS")]
        address: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Put addresses on the list
    Add {
        /// The addresses
        #[arg(value_name = "ADDRESS", required = true)]
        addresses: Vec<String>,
        /// Why
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Take addresses off the list; the history keeps them
    Remove {
        /// The addresses
        #[arg(value_name = "ADDRESS", required = true)]
        addresses: Vec<String>,
    },
    /// Read a list in: addresses line by line, CSV with a column `address` or `email`, or JSON; `-` for standard input
    Import {
        /// The list
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Where it comes from
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Print the list for other programs
    Export {
        /// How
        #[arg(long, value_enum, default_value_t = Form::Csv)]
        format: Form,
    },
}

pub fn suppress(args: &Args, config: &Path, printer: Printer) -> Result<Exit, CliError> {
    let pool = Pool::load(config, printer)?;
    pool.say_clock(printer);
    match &args.command {
        Command::List { address: None, json } => {
            let rows = on_the_list(&pool)?;
            if *json {
                printer.json(&lists::to_json(&rows));
            } else if rows.is_empty() {
                printer.say("nobody is on the list");
            } else {
                printer.data(to_text(&rows, printer.width()).trim_end());
            }
            Ok(Exit::Done)
        }
        Command::List { address: Some(address), json } => {
            let address = outside(&pool, address)?;
            let row = on_the_list(&pool)?.into_iter().find(|row| row.address == address);
            if *json {
                printer.json(&lists::to_json(row.as_slice()));
            } else if let Some(row) = &row {
                printer.data(format_args!("{address} gets no mail since {}: {}", row.since, why(row)));
            } else {
                printer.say(format_args!("{address} is not on the list"));
            }
            Ok(if row.is_some() { Exit::Done } else { Exit::Failed })
        }
        Command::Add { addresses, note } => {
            let asked = addresses.iter().map(|a| outside(&pool, a)).collect::<Result<Vec<_>, _>>()?;
            let count = asked.len();
            let rows = asked.into_iter().map(|a| row(a, SuppressionCause::Person, note, pool.clock.now())).collect();
            let new = put_on(&pool.open_ledger()?, rows)?;
            printer.say(format_args!("{new} of {count} are new on the list"));
            Ok(Exit::Done)
        }
        Command::Remove { addresses } => {
            let asked = addresses.iter().map(|a| outside(&pool, a)).collect::<Result<Vec<_>, _>>()?;
            let (ledger, now) = (pool.open_ledger()?, pool.clock.now());
            for address in asked {
                let was_on = runtime()?.block_on(ledger.lift_suppression(address.clone(), now))?;
                printer.say(format_args!("{address} {}", if was_on { "may get mail again" } else { "was not on the list" }));
            }
            Ok(Exit::Done)
        }
        Command::Import { file, note } => import(&pool, file, note, printer),
        Command::Export { format } => {
            printer.data(lists::written(&on_the_list(&pool)?, *format).trim_end());
            Ok(Exit::Done)
        }
    }
}

fn on_the_list(pool: &Pool) -> Result<Vec<SuppressionRow>, CliError> {
    match pool.look_into_ledger()? {
        Some(ledger) => Ok(runtime()?.block_on(ledger.suppressions())?),
        None => Ok(Vec::new()),
    }
}

fn put_on(ledger: &Ledger, rows: Vec<SuppressionRow>) -> Result<usize, CliError> {
    Ok(runtime()?.block_on(ledger.suppress(rows))?.len())
}

/// An address that is not a mailbox of the pool.
fn outside(pool: &Pool, text: &str) -> Result<Address, CliError> {
    let address = Address::parse(text).map_err(|e| CliError::new(format!("error: {}: {e}", text.escape_debug())))?;
    if pool.config.mailboxes.contains_key(&address) {
        return Err(CliError::new(format!("error: {address} is a mailbox of the pool"))
            .hint("`preheat pause` stops sending from it; a mailbox that servers call gone is suspended by itself"));
    }
    Ok(address)
}

fn row(address: Address, cause: SuppressionCause, note: &str, since: Moment) -> SuppressionRow {
    let note = note.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect();
    SuppressionRow { address, since, cause, signal: None, note, lifted_at: None }
}

fn import(pool: &Pool, file: &Path, note: &str, printer: Printer) -> Result<Exit, CliError> {
    let text = read(file).map_err(|e| CliError::new(format!("error: {} cannot be read: {e}", file.display())))?;
    let list = lists::read(&text).map_err(|e| CliError::new(format!("error: {}: {e}", file.display())))?;
    let mut faults: Vec<String> = list.faults.iter().map(|(line, what)| format!("{}:{line}: {what}", file.display())).collect();
    let (mut rows, now) = (Vec::new(), pool.clock.now());
    for Listed { line, address, note: own } in list.entries {
        match outside(pool, &address) {
            Ok(address) => rows.push(row(address, SuppressionCause::Import, own.as_deref().unwrap_or(note), now)),
            Err(_) => faults.push(format!("{}:{line}: no address outside the pool: {}", file.display(), address.escape_debug())),
        }
    }
    for fault in &faults {
        printer.say(format_args!("passed over: {fault}"));
    }
    let (count, new) = (rows.len(), put_on(&pool.open_ledger()?, rows)?);
    printer.say(format_args!("{new} of {count} addresses are new on the list, {} lines were passed over", faults.len()));
    Ok(if faults.is_empty() { Exit::Done } else { Exit::Failed })
}

fn read(file: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let source: Box<dyn Read> = if file == Path::new("-") { Box::new(std::io::stdin()) } else { Box::new(std::fs::File::open(file)?) };
    source.take(MOST_BYTES + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MOST_BYTES { Err(std::io::Error::other("it is longer than 64 MB")) } else { Ok(text) }
}

fn to_text(rows: &[SuppressionRow], width: usize) -> String {
    let mut table = Table::new(&[("address", Align::Left), ("since", Align::Left), ("why", Align::Left)]);
    for r in rows {
        table.row([r.address.to_string(), r.since.to_string(), why(r)]);
    }
    table.to_text(width)
}

fn why(row: &SuppressionRow) -> String {
    let what = match row.cause {
        SuppressionCause::HardBounce => "there is no such address",
        SuppressionCause::SoftBounces => "mail to it comes back again and again",
        SuppressionCause::Complaint => "its owner called mail spam",
        SuppressionCause::Unsubscribe => "its owner wants no more mail",
        SuppressionCause::Person => "put on the list by hand",
        SuppressionCause::Import => "from a list that was read in",
    };
    if row.note.is_empty() { what.to_owned() } else { format!("{what} ({})", row.note) }
}
