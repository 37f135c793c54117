//! `preheat pause` and `preheat resume`.

use std::path::Path;

use super::pool::{Pool, runtime};
use super::printer::Printer;
use super::{CliError, Exit};
use crate::ledger::PauseScope;

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
    let (was_paused, was_suspended, pauses) = runtime()?.block_on(async {
        let was_suspended = match &scope {
            PauseScope::Mailbox(mailbox) => ledger.lift_suspension(mailbox.clone(), now).await?,
            PauseScope::Domain(_) | PauseScope::All => false,
        };
        Ok::<_, CliError>((ledger.resume(scope.clone(), now).await?, was_suspended, ledger.pauses().await?))
    })?;
    if was_suspended {
        printer.say(format_args!("{scope} is not suspended any more: the others may write to it again"));
    }
    if was_paused {
        printer.say(format_args!("{scope} may send again"));
    } else if !was_suspended {
        printer.say(format_args!("{scope} was not paused"));
    }
    for p in pauses {
        printer.say(format_args!("still paused: {} since {}: {}", p.scope, p.since, p.reason));
    }
    Ok(Exit::Done)
}

fn scope(pool: &Pool, who: &str) -> Result<PauseScope, CliError> {
    if who != "all" {
        pool.chosen(Some(who))?;
    }
    PauseScope::parse_word(who)
        .ok_or_else(|| CliError::new(format!("error: {} is no mailbox, no domain, and not `all`", who.escape_debug())))
}
