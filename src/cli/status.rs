//! `preheat status`.

use std::path::Path;

use super::pool::{Pool, runtime};
use super::printer::Printer;
use super::{CliError, Exit};
use crate::report::status::{MailboxLine, StatusReport};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A mailbox or a domain; the whole pool by default
    #[arg(value_name = "WHO")]
    who: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn status(args: &Args, config: &Path, printer: Printer) -> Result<Exit, CliError> {
    let pool = Pool::load(config, printer)?;
    let chosen = pool.chosen(args.who.as_deref())?;
    let report = runtime()?.block_on(report(&pool, &chosen))?;
    if args.json {
        printer.json(&report.to_json());
    } else {
        printer.data(report.to_text(printer.width()));
    }
    Ok(Exit::Done)
}

async fn report(pool: &Pool, chosen: &[crate::words::Address]) -> Result<StatusReport, CliError> {
    let now = pool.clock.now();
    let mut report = StatusReport { pool: pool.config.pool.clone(), clock_name: pool.clock.name(), now, ..StatusReport::default() };
    let ledger = pool.look_into_ledger()?;
    let dates =
        chosen.iter().filter_map(|a| pool.config.mailboxes.get(a)).map(|m| (m.address.clone(), now.local_date(m.zone))).collect::<Vec<_>>();
    let rows = match &ledger {
        None => Vec::new(),
        Some(l) => {
            report.pauses = l.pauses().await?;
            report.suspensions = l.suspensions(now).await?.into_iter().filter(|s| chosen.contains(&s.mailbox)).collect();
            report.troubles = l.troubles().await?.into_iter().filter(|t| chosen.contains(&t.mailbox)).collect();
            l.status(dates.clone(), now - std::time::Duration::from_hours(7 * 24)).await?
        }
    };
    report.began = ledger.is_some();
    for (address, date) in dates {
        let Some(mailbox) = pool.config.mailboxes.get(&address) else { continue };
        let row = rows.iter().find(|r| r.address == address).cloned();
        report.mailboxes.push(MailboxLine { role: mailbox.role, date, schedule: mailbox.schedule.clone(), status: row, address });
    }
    Ok(report)
}
