//! `preheat ready`.

use std::collections::BTreeSet;
use std::path::Path;

use super::pool::{Pool, runtime};
use super::printer::Printer;
use super::{CliError, Exit};
use crate::guard::Subject;
use crate::report::ready::ReadyReport;
use crate::run::readiness;
use crate::words::{Address, Domain};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Ends with 0 where all of them are ready, with 5 where one is not. What is asked for is in docs/guard.md.")]
pub struct Args {
    /// A domain; all that are being warmed by default
    #[arg(value_name = "DOMAIN")]
    domain: Option<String>,
    /// Print JSON, one object a line
    #[arg(long)]
    json: bool,
}

pub fn ready(args: &Args, config: &Path, printer: Printer) -> Result<Exit, CliError> {
    let pool = Pool::load(config, printer)?;
    let chosen = pool.chosen(args.domain.as_deref())?;
    if args.domain.as_ref().is_some_and(|domain| domain.contains('@')) {
        let domain = chosen.first().map(Address::domain).map_or_else(String::new, |domain| format!(": {domain}"));
        return Err(CliError::new("error: a domain is ready, or is not; not one of its mailboxes").hint(format!("name its domain{domain}")));
    }
    let warming = pool.config.warming_domains();
    let domains: BTreeSet<Domain> = chosen.iter().map(Address::domain).filter(|domain| warming.contains(domain)).collect();
    if domains.is_empty() {
        return Err(CliError::new("error: none of these mailboxes is warming, so there is no ramp")
            .hint("partners receive and answer; give a mailbox `role: warming`"));
    }
    let report = runtime()?.block_on(report(&pool, &domains))?;
    if args.json {
        printer.data(report.to_json_lines());
    } else {
        printer.data(report.to_text(printer.width()));
    }
    Ok(if report.all_are() { Exit::Done } else { Exit::NotReady })
}

async fn report(pool: &Pool, domains: &BTreeSet<Domain>) -> Result<ReadyReport, CliError> {
    let now = pool.clock.now();
    let ledger = pool.look_into_ledger()?;
    let seed = pool.seed(ledger.as_ref()).await?;
    let written = match &ledger {
        Some(ledger) => ledger.ready_domains().await?,
        None => Vec::new(),
    };
    let ready = readiness(&pool.config, ledger.as_ref(), seed, domains, now).await?;
    let domains = ready.into_iter().map(|ready| {
        let row = written.iter().find(|row| ready.is && ready.subject == Subject::Domain(row.domain.clone()));
        let since = row.map(|row| row.since);
        (ready, since)
    });
    Ok(ReadyReport {
        pool: pool.config.pool.clone(),
        clock_name: pool.clock.name(),
        now,
        began: ledger.is_some(),
        domains: domains.collect(),
    })
}
