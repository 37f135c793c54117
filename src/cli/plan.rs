//! `preheat plan`.

use std::path::{Path, PathBuf};

use super::pool::{Pool, runtime};
use super::printer::Printer;
use super::{CliError, Exit};
use crate::config::{Config, ScheduleOrigin};
use crate::ramp::{PlannedDay, draw_curve};
use crate::report::plan::{MailboxPlan, PlanReport};
use crate::run::{Outlook, PlanStart, outlook};
use crate::words::{Address, Role};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// A mailbox or a domain; the whole pool by default
    #[arg(value_name = "WHO")]
    who: Option<String>,
    /// Plan this schedule instead of the configured one: a shipped name, or one of `schedules/`
    #[arg(long, value_name = "NAME")]
    schedule: Option<String>,
    /// How many days; to the ramp's end by default
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1100))]
    days: Option<u32>,
    /// Print JSON
    #[arg(long, conflicts_with = "csv")]
    json: bool,
    /// Print CSV: date, mailbox, domain, schedule, ramp_day, quota
    #[arg(long)]
    csv: bool,
    /// Write a chart to this file as well
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

pub fn plan(args: &Args, config: &Path, printer: Printer) -> Result<Exit, CliError> {
    let mut pool = Pool::load(config, printer)?;
    if let Some(name) = &args.schedule {
        let folder = pool.folder();
        use_schedule(&mut pool.config, &folder, name)?;
    }
    let chosen = pool.chosen(args.who.as_deref())?;
    let report = runtime()?.block_on(report(&pool, &chosen, args.days))?;
    if report.mailboxes.is_empty() {
        return Err(CliError::new("error: none of these mailboxes is warming, so there is no ramp")
            .hint("partners receive and answer; give a mailbox `role: warming`"));
    }
    if let Some(path) = &args.svg {
        std::fs::write(path, report.to_svg()).map_err(|e| CliError::new(format!("error: {} cannot be written: {e}", path.display())))?;
        printer.say(format_args!("the chart is in {}", path.display()));
    }
    if args.json {
        printer.json(&report.to_json());
    } else if args.csv {
        pool.say_clock(printer);
        printer.data(report.to_csv());
    } else {
        printer.data(report.to_text(printer.width()));
    }
    Ok(Exit::Done)
}

/// Gives every warming mailbox this schedule instead of its own.
pub fn use_schedule(config: &mut Config, folder: &Path, name: &str) -> Result<(), CliError> {
    let read = crate::config::schedule_by_name(name, Some(folder))?;
    config.schedules.insert(name.to_owned(), read.schedule);
    for mailbox in config.mailboxes.values_mut().filter(|m| m.role == Role::Warming) {
        mailbox.schedule = Some(name.to_owned());
    }
    Ok(())
}

async fn report(pool: &Pool, chosen: &[Address], days: Option<u32>) -> Result<PlanReport, CliError> {
    let ledger = pool.look_into_ledger()?;
    let seed = pool.seed(ledger.as_ref()).await?;
    let now = pool.clock.now();
    let config = &pool.config;
    let domains = chosen.iter().map(Address::domain).collect();
    let Outlook { starts, days, feasibility } = outlook(config, ledger.as_ref(), seed, &domains, now, days).await?;
    let shown = starts.iter().zip(days).filter(|(s, _)| chosen.contains(&s.mailbox.address));
    let mailboxes = shown.map(|(start, days)| mailbox_plan(config, start, days)).collect();
    let mut warnings = feasibility.refusals;
    warnings.extend(feasibility.thin.map(|thin| crate::words::Finding::warning(config.pool.clone(), thin)));
    Ok(PlanReport {
        pool: config.pool.clone(),
        clock_name: pool.clock.name(),
        generated_for: now.local_date(config.zone),
        mailboxes,
        carries: feasibility.sentences,
        warnings,
    })
}

fn mailbox_plan(config: &Config, start: &PlanStart, days: Vec<PlannedDay>) -> MailboxPlan {
    let schedule = config.schedule_of(&start.mailbox);
    MailboxPlan {
        address: start.mailbox.address.clone(),
        domain: start.mailbox.address.domain(),
        schedule_name: schedule.map(|s| s.name.clone()).unwrap_or_default(),
        origin: schedule.map(|s| origin(&s.origin)).unwrap_or_default(),
        start: start.first,
        notes: schedule.map(|s| draw_curve(&s.ramp, &s.calendar).notes).unwrap_or_default(),
        days,
    }
}

/// Where a schedule came from, for people.
pub fn origin(origin: &ScheduleOrigin) -> String {
    match origin {
        ScheduleOrigin::Shipped => "shipped".into(),
        ScheduleOrigin::File(path) => path.display().to_string(),
    }
}
