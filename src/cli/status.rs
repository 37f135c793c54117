//! `preheat status`.

use std::collections::BTreeMap;
use std::path::Path;

use super::pool::{Pool, runtime};
use super::printer::Printer;
use super::{CliError, Exit};
use crate::config::Mailbox;
use crate::guard::health as health_of;
use crate::ledger::MailboxStatus;
use crate::report::status::{MailboxLine, StatusReport};
use crate::run::{describe, words_in_force};
use crate::words::Address;

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

async fn report(pool: &Pool, chosen: &[Address]) -> Result<StatusReport, CliError> {
    let now = pool.clock.now();
    let mut report = StatusReport { pool: pool.config.pool.clone(), clock_name: pool.clock.name(), now, ..StatusReport::default() };
    let ledger = pool.look_into_ledger()?;
    // By name, and so in order.
    let is_chosen = |mailbox: &Address| chosen.binary_search(mailbox).is_ok();
    let dates =
        chosen.iter().filter_map(|a| pool.config.mailboxes.get(a)).map(|m| (m.address.clone(), now.local_date(m.zone))).collect::<Vec<_>>();
    let mut rows: BTreeMap<Address, MailboxStatus> = match &ledger {
        None => BTreeMap::new(),
        Some(l) => {
            report.pauses = l.pauses().await?;
            report.suspensions = l.suspensions(now).await?.into_iter().filter(|s| is_chosen(&s.mailbox)).collect();
            report.troubles = l.troubles().await?.into_iter().filter(|t| is_chosen(&t.mailbox)).collect();
            l.status(dates.clone()).await?.into_iter().map(|row| (row.address.clone(), row)).collect()
        }
    };
    report.began = ledger.is_some();
    let spaces = match &ledger {
        Some(ledger) => ledger.space(dates.iter().map(|(address, _)| address.clone()).collect()).await?,
        None => Vec::new(),
    };
    let mut spaces = spaces.into_iter();
    let mut health = BTreeMap::new();
    if let Some(ledger) = &ledger {
        let mailboxes: Vec<&Mailbox> = chosen.iter().filter_map(|a| pool.config.mailboxes.get(a)).collect();
        report.words = words_in_force(&pool.config, ledger, &mailboxes, now).await?;
        let warming = pool.config.warming_by_domain();
        for (domain, described) in describe(&pool.config, Some(ledger), &mailboxes, now).await? {
            let is_whole = warming.get(&domain).is_some_and(|all| all.len() == described.members.len());
            report.health.extend(health_of(&described.pooled).score.filter(|_| is_whole).map(|score| (domain, score)));
            let scores = described.members.iter().filter_map(|(address, facts)| Some((address.clone(), health_of(facts).score?)));
            health.extend(scores);
        }
    }
    for (address, date) in dates {
        let space = spaces.next().unwrap_or_default();
        let Some(mailbox) = pool.config.mailboxes.get(&address) else { continue };
        let (row, health) = (rows.remove(&address), health.remove(&address));
        report.mailboxes.push(MailboxLine {
            role: mailbox.role,
            date,
            schedule: mailbox.schedule.clone(),
            status: row,
            health,
            space,
            address,
        });
    }
    Ok(report)
}
