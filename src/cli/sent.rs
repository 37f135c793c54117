//! `preheat sent report`: somebody tells how much real mail was sent.

use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use super::explain::parse_date;
use super::pool::{Pool, runtime};
use super::printer::Printer;
use super::{CliError, Exit};
use crate::ledger::OutsideReport;
use crate::words::{LocalDate, OutsideMail, Role};

/// Most bytes of standard input that are read.
const MOST_BYTES: u64 = 64 << 20;
/// Recipients that one report may tell of.
const MOST_RECIPIENTS: u32 = 10_000_000;
/// Dates that are longer ago change nothing any more.
const DATES_BACK: u32 = 60;

#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Tell how many recipients real mail had that was sent from a mailbox on a date
    #[command(after_help = "\
For mailboxes with `outside_mail: reported`. A report says what the date has by now; with --add it comes on top. A run under way notices.

With - instead of a mailbox, JSON is read from standard input, one object a line or a list of them:
  {\"mailbox\": \"anna@new.example\", \"count\": 12, \"date\": \"2026-12-01\", \"add\": true}
`date` is today and `add` is false where they are left out.")]
    Report {
        /// The mailbox; - for JSON on standard input
        #[arg(value_name = "MAILBOX")]
        mailbox: String,
        /// Recipients
        #[arg(value_name = "COUNT", value_parser = clap::value_parser!(u32).range(0..=i64::from(MOST_RECIPIENTS)))]
        count: Option<u32>,
        /// The mailbox's local date; today by default
        #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_date)]
        date: Option<LocalDate>,
        /// On top of what was told before
        #[arg(long)]
        add: bool,
    },
}

/// A report as a program writes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Told {
    mailbox: String,
    count: u32,
    date: Option<String>,
    #[serde(default)]
    add: bool,
}

pub fn sent(args: &Args, config: &Path, printer: Printer) -> Result<Exit, CliError> {
    let Command::Report { mailbox, count, date, add } = &args.command;
    let pool = Pool::load(config, printer)?;
    pool.say_clock(printer);
    if mailbox == "-" {
        if count.is_some() || date.is_some() || *add {
            return Err(CliError::new("error: with - everything is read from standard input").hint("`--help` shows the form"));
        }
        return report_many(&pool, printer);
    }
    let Some(count) = *count else {
        return Err(CliError::new("error: how many recipients?").hint(format!("preheat sent report {} COUNT", mailbox.escape_debug())));
    };
    let report = checked(&pool, mailbox, count, *date, *add)?;
    write_down(&pool, &[report], printer)?;
    Ok(Exit::Done)
}

fn report_many(pool: &Pool, printer: Printer) -> Result<Exit, CliError> {
    let mut text = String::new();
    let read = std::io::stdin().take(MOST_BYTES + 1).read_to_string(&mut text);
    read.map_err(|e| CliError::new(format!("error: standard input cannot be read: {e}")))?;
    if text.len() as u64 > MOST_BYTES {
        return Err(CliError::new("error: standard input is longer than 64 MB"));
    }
    let (mut reports, mut faults) = (Vec::new(), 0);
    for (n, told) in read_told(&text)? {
        let report = told.and_then(|t| {
            let date = t.date.as_deref().map(parse_date).transpose()?;
            checked(pool, &t.mailbox, t.count, date, t.add).map_err(|e| e.to_string().replace("\n\nhint: ", "; ").replace("error: ", ""))
        });
        match report {
            Ok(report) => reports.push(report),
            Err(why) => {
                printer.error(format_args!("passed over: {n}: {why}"));
                faults += 1;
            }
        }
    }
    write_down(pool, &reports, printer)?;
    Ok(if faults == 0 { Exit::Done } else { Exit::Failed })
}

/// What was told, each with its line, or its place in a list; or what is wrong with it.
type Entries = Vec<(String, Result<Told, String>)>;

fn read_told(text: &str) -> Result<Entries, CliError> {
    let text = text.trim_start_matches('\u{feff}');
    let read = |value: Result<serde_json::Value, serde_json::Error>| {
        value
            .and_then(serde_json::from_value)
            .map_err(|e| e.to_string().chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect())
    };
    if text.trim_start().starts_with('[') {
        let all: Vec<serde_json::Value> =
            serde_json::from_str(text).map_err(|e| CliError::new(format!("error: standard input is no JSON: {e}")))?;
        return Ok((1..).zip(all).map(|(n, value)| (format!("entry {n}"), read(Ok(value)))).collect());
    }
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    Ok(lines.map(|(n, line)| (format!("line {n}"), read(serde_json::from_str(line)))).collect())
}

/// A report that counts for something.
fn checked(pool: &Pool, mailbox: &str, count: u32, date: Option<LocalDate>, add: bool) -> Result<OutsideReport, CliError> {
    let chosen = pool.chosen(Some(mailbox))?;
    let mailbox = chosen.first().filter(|_| mailbox.contains('@')).and_then(|a| pool.config.mailboxes.get(a));
    let Some(mailbox) = mailbox else {
        return Err(CliError::new("error: a report is about one mailbox").hint("name its whole address"));
    };
    let address = mailbox.address.clone();
    if mailbox.role == Role::Partner {
        return Err(CliError::new(format!("error: {address} is a partner: it has no ramp that real mail could count against")));
    }
    let wanted = "set `outside_mail: reported` for it in preheat.yaml, or in `defaults`";
    match mailbox.outside_mail {
        Some(OutsideMail::Reported) => {}
        Some(OutsideMail::SentFolder) => {
            return Err(CliError::new(format!(
                "error: the real mail of {address} is counted in its Sent folder; a report would count it twice"
            ))
            .hint(format!("to go by reports alone, {wanted}")));
        }
        Some(OutsideMail::Nothing) => {
            return Err(CliError::new(format!("error: preheat.yaml says that nothing else is sent from {address}")).hint(wanted));
        }
        None => {
            return Err(CliError::new(format!("error: preheat.yaml does not say how the real mail of {address} is known")).hint(wanted));
        }
    }
    if count > MOST_RECIPIENTS {
        return Err(CliError::new(format!("error: {count} recipients are more than {MOST_RECIPIENTS}")));
    }
    let today = pool.clock.now().local_date(mailbox.zone);
    let date = date.unwrap_or(today);
    if date > today {
        return Err(CliError::new(format!("error: {date} has not begun at {address}")).hint(format!("today is {today} there")));
    }
    if date < today.minus(DATES_BACK) {
        return Err(CliError::new(format!("error: {date} is too long ago to change anything")).hint(format!("today is {today} there")));
    }
    Ok(OutsideReport { mailbox: address, date, count, add })
}

fn write_down(pool: &Pool, reports: &[OutsideReport], printer: Printer) -> Result<(), CliError> {
    if reports.is_empty() {
        return Ok(());
    }
    let ledger = pool.open_ledger()?;
    let told = runtime()?.block_on(ledger.report_sent(reports.to_vec(), pool.clock.now()))?;
    for (report, count) in reports.iter().zip(told) {
        let recipients = if count == 1 { "recipient" } else { "recipients" };
        printer.say(format_args!("{} on {}: {count} {recipients} of real mail", report.mailbox, report.date));
    }
    Ok(())
}
