//! `preheat allowance`.

use std::collections::BTreeMap;
use std::path::Path;

use super::explain::concerns;
use super::pool::{Pool, runtime};
use super::printer::Printer;
use super::{CliError, Exit};
use crate::config::Mailbox;
use crate::ledger::{DayRow, Ledger, PauseRow, TroubleRow};
use crate::report::allowance::{Allowance, AllowanceFacts, to_text};
use crate::run::{Paused, guarded};
use crate::words::{FolderRole, LocalDate, Moment, Role, Verdict};

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Left is the day's total, less warmup's quota, less the real mail so far. How real mail is known \
stands in preheat.yaml: `outside_mail`. Where it is not known, neither is the allowance.")]
pub struct Args {
    /// A mailbox or a domain; the whole pool by default
    #[arg(value_name = "WHO")]
    who: Option<String>,
    /// Print JSON, one line a mailbox
    #[arg(long)]
    json: bool,
}

pub fn allowance(args: &Args, config: &Path, printer: Printer) -> Result<Exit, CliError> {
    let pool = Pool::load(config, printer)?;
    pool.say_clock(printer);
    let chosen = pool.chosen(args.who.as_deref())?;
    let warming: Vec<&Mailbox> = chosen.iter().filter_map(|a| pool.config.mailboxes.get(a)).filter(|m| m.role == Role::Warming).collect();
    if warming.is_empty() {
        return Err(CliError::new("error: none of these mailboxes is warming, so no ramp leaves them anything")
            .hint("partners have no ramp: what else they send is not preheat's business"));
    }
    let all = runtime()?.block_on(allowances(&pool, &warming))?;
    if !args.json {
        printer.data(to_text(&all, printer.width()));
        return Ok(Exit::Done);
    }
    for allowance in all {
        printer.data(allowance.to_json());
    }
    Ok(Exit::Done)
}

async fn allowances(pool: &Pool, mailboxes: &[&Mailbox]) -> Result<Vec<Allowance>, CliError> {
    let now = pool.clock.now();
    let ledger = pool.look_into_ledger()?;
    let (pauses, troubles) = match &ledger {
        Some(l) => (l.pauses().await?, l.troubles().await?),
        None => (Vec::new(), Vec::new()),
    };
    let mut by_date: BTreeMap<LocalDate, Vec<&Mailbox>> = BTreeMap::new();
    for mailbox in mailboxes {
        by_date.entry(now.local_date(mailbox.zone)).or_default().push(mailbox);
    }
    let mut held = BTreeMap::new();
    for (date, mailboxes) in by_date {
        if let Some(ledger) = &ledger {
            held.extend(guarded(&pool.config, ledger, date, &mailboxes, now).await?.paused);
        }
    }
    let mut all = Vec::with_capacity(mailboxes.len());
    for mailbox in mailboxes {
        let mut facts = nothing_known(mailbox, now);
        if let Some(ledger) = &ledger {
            look_up(ledger, mailbox, &mut facts).await?;
        }
        let by_guard = held.get(&mailbox.address).map(Paused::to_string);
        facts.stopped = stopped(mailbox, &pauses, &troubles, facts.day.as_ref(), now).or(by_guard);
        all.push(Allowance::of(&facts));
    }
    Ok(all)
}

fn nothing_known(mailbox: &Mailbox, now: Moment) -> AllowanceFacts {
    AllowanceFacts {
        mailbox: mailbox.address.clone(),
        date: now.local_date(mailbox.zone),
        now,
        stopped: None,
        outside_mail: mailbox.outside_mail,
        day: None,
        outside: Vec::new(),
        sent_read_at: None,
        lacks_sent_folder: false,
    }
}

async fn look_up(ledger: &Ledger, mailbox: &Mailbox, facts: &mut AllowanceFacts) -> Result<(), CliError> {
    let address = || mailbox.address.clone();
    facts.day = ledger.day(address(), facts.date).await?;
    facts.outside = ledger.outside_of(address(), LocalDate::EPOCH).await?;
    facts.sent_read_at = ledger.sent_cursor(address()).await?.map(|read| read.read_at);
    let folders = ledger.folders(address()).await?;
    facts.lacks_sent_folder = !folders.is_empty() && folders.iter().all(|f| f.role != FolderRole::Sent);
    Ok(())
}

/// Why nothing is to be sent from a mailbox: it is paused, it cannot sign in, or the guard stopped it.
fn stopped(mailbox: &Mailbox, pauses: &[PauseRow], troubles: &[TroubleRow], day: Option<&DayRow>, now: Moment) -> Option<String> {
    if let Some(pause) = pauses.iter().find(|p| concerns(&p.scope, &mailbox.address)) {
        return Some(format!("paused since {}: {}", pause.since, pause.reason));
    }
    if let Some(trouble) = troubles.iter().find(|t| t.mailbox == mailbox.address && t.sign_in && t.retry_at > now) {
        return Some(format!("resting since {}: {}: {}", trouble.since, trouble.step, trouble.what));
    }
    match day?.verdict {
        Some(Verdict::Pause) => Some("paused by the guard".to_owned()),
        Some(Verdict::Rest) => Some("resting until its account works again".to_owned()),
        _ => None,
    }
}
