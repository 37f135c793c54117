//! `preheat health`.

use std::path::Path;

use super::pool::{Pool, runtime};
use super::printer::Printer;
use super::{CliError, Exit};
use crate::config::Mailbox;
use crate::guard::health as health_of;
use crate::report::health::HealthReport;
use crate::run::describe;
use crate::words::Role;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
The number describes and decides nothing: the guard goes by rules of its own, and `preheat ready` says whether a domain is warm. \
What the parts mean is in docs/guard.md.")]
pub struct Args {
    /// A mailbox or a domain; the whole pool by default
    #[arg(value_name = "WHO")]
    who: Option<String>,
    /// Print JSON, one object a line
    #[arg(long)]
    json: bool,
}

pub fn health(args: &Args, config: &Path, printer: Printer) -> Result<Exit, CliError> {
    let pool = Pool::load(config, printer)?;
    let chosen = pool.chosen(args.who.as_deref())?;
    let warming = chosen.iter().filter_map(|a| pool.config.mailboxes.get(a)).filter(|m| m.role == Role::Warming);
    let warming: Vec<&Mailbox> = warming.collect();
    if warming.is_empty() {
        return Err(CliError::new("error: none of these mailboxes is warming, so there is no reputation to describe")
            .hint("partners receive and answer; give a mailbox `role: warming`"));
    }
    let of_domains = args.who.as_deref().is_none_or(|who| !who.contains('@'));
    let report = runtime()?.block_on(report(&pool, &warming, of_domains))?;
    if args.json {
        printer.data(report.to_json_lines());
    } else {
        printer.data(report.to_text(printer.width()));
    }
    Ok(Exit::Done)
}

/// `of_domains`: whether domains are shown before their mailboxes.
async fn report(pool: &Pool, warming: &[&Mailbox], of_domains: bool) -> Result<HealthReport, CliError> {
    let now = pool.clock.now();
    let ledger = pool.look_into_ledger()?;
    let mut healths = Vec::new();
    for one in describe(&pool.config, ledger.as_ref(), warming, now).await?.values() {
        healths.extend(of_domains.then(|| health_of(&one.pooled)));
        healths.extend(one.members.values().map(health_of));
    }
    Ok(HealthReport { pool: pool.config.pool.clone(), clock_name: pool.clock.name(), now, began: ledger.is_some(), healths })
}
