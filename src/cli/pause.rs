//! `preheat pause` and `preheat resume`.

use std::collections::BTreeMap;
use std::path::Path;

use super::explain::concerns;
use super::pool::{Pool, runtime};
use super::printer::Printer;
use super::{CliError, Exit};
use crate::config::Mailbox;
use crate::guard::Subject;
use crate::ledger::{Ledger, PauseScope};
use crate::run::{Paused, guarded};
use crate::words::{Address, LocalDate, Moment, Role};

#[derive(Debug, clap::Args)]
pub struct PauseArgs {
    /// A mailbox, a domain, or `all`
    #[arg(value_name = "WHO")]
    who: String,
    /// Why: shown wherever the pause is
    #[arg(long, short)]
    reason: String,
}

#[derive(Debug, clap::Args)]
pub struct ResumeArgs {
    /// A mailbox, a domain, or `all`, exactly as it was paused; or a mailbox that is suspended
    #[arg(value_name = "WHO")]
    who: String,
}

pub fn pause(args: &PauseArgs, config: &Path, printer: Printer) -> Result<Exit, CliError> {
    let pool = Pool::load(config, printer)?;
    pool.say_clock(printer);
    let scope = scope(&pool, &args.who)?;
    let reason: String = args.reason.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect();
    let ledger = pool.open_ledger()?;
    runtime()?.block_on(ledger.pause(scope.clone(), reason, pool.clock.now()))?;
    printer.say(format_args!("{scope} is paused: nothing more is sent from it, planned letters included; looking and rescuing go on"));
    Ok(Exit::Done)
}

pub fn resume(args: &ResumeArgs, config: &Path, printer: Printer) -> Result<Exit, CliError> {
    let pool = Pool::load(config, printer)?;
    pool.say_clock(printer);
    let scope = scope(&pool, &args.who)?;
    let ledger = pool.open_ledger()?;
    let now = pool.clock.now();
    let (was_paused, was_suspended, pauses, lifted) = runtime()?.block_on(async {
        let was_suspended = match &scope {
            PauseScope::Mailbox(mailbox) => ledger.lift_suspension(mailbox.clone(), now).await?,
            PauseScope::Domain(_) | PauseScope::All => false,
        };
        let held = paused_by_guard(&pool, &ledger, &scope, now).await?;
        if !held.is_empty() {
            ledger.lift(scope.clone(), now).await?;
        }
        Ok::<_, CliError>((ledger.resume(scope.clone(), now).await?, was_suspended, ledger.pauses().await?, held))
    })?;
    for (mailbox, pause) in &lifted {
        printer.say(format_args!("{mailbox} was {pause}: that is lifted, from the next day that is planned on"));
    }
    if was_suspended {
        printer.say(format_args!("{scope} is not suspended any more: the others may write to it again"));
    }
    if was_paused {
        printer.say(format_args!("{scope} may send again"));
    } else if !was_suspended && lifted.is_empty() {
        printer.say(format_args!("{scope} was not paused"));
    }
    for p in pauses {
        printer.say(format_args!("still paused: {} since {}: {}", p.scope, p.since, p.reason));
    }
    Ok(Exit::Done)
}

/// The warming mailboxes of a scope that the guard lets send nothing at the moment.
async fn paused_by_guard(pool: &Pool, ledger: &Ledger, scope: &PauseScope, now: Moment) -> Result<BTreeMap<Address, Paused>, CliError> {
    let is_meant = |m: &&Mailbox| m.role == Role::Warming && concerns(scope, &m.address);
    let mut by_date: BTreeMap<LocalDate, Vec<&Mailbox>> = BTreeMap::new();
    for mailbox in pool.config.mailboxes.values().filter(is_meant) {
        by_date.entry(now.local_date(mailbox.zone)).or_default().push(mailbox);
    }
    let mut paused = BTreeMap::new();
    for (date, mailboxes) in by_date {
        let (today, tomorrow) = (
            guarded(&pool.config, ledger, date, &mailboxes, now).await?,
            guarded(&pool.config, ledger, date.plus(1), &mailboxes, now).await?,
        );
        // Of today only what was said already counts, not what would be said if it ended now.
        let is_said = |m: &Address| !tomorrow.new.iter().any(|v| v.subject == Subject::Mailbox(m.clone()));
        for mailbox in mailboxes.iter().map(|m| &m.address) {
            let pause = today.paused.get(mailbox).or_else(|| tomorrow.paused.get(mailbox).filter(|_| is_said(mailbox)));
            paused.extend(pause.map(|pause| (mailbox.clone(), pause.clone())));
        }
    }
    Ok(paused)
}

fn scope(pool: &Pool, who: &str) -> Result<PauseScope, CliError> {
    if who != "all" {
        pool.chosen(Some(who))?;
    }
    PauseScope::parse_word(who)
        .ok_or_else(|| CliError::new(format!("error: {} is no mailbox, no domain, and not `all`", who.escape_debug())))
}
