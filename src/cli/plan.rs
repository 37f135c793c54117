//! `preheat plan`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::pool::{Pool, runtime};
use super::printer::Printer;
use super::{CliError, Exit};
use crate::agenda::carries;
use crate::config::{Config, Mailbox, ScheduleOrigin};
use crate::ledger::Ledger;
use crate::ramp::{PlannedDay, draw_curve};
use crate::report::plan::{MailboxPlan, PlanReport};
use crate::run::{Guarded, PlanStart, RealMail, guarded, history_with, plan_all, whole_pool};
use crate::words::{Address, LocalDate, Moment, Role};

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
    let mut starts = Vec::new();
    // Domain caps are shared, so the whole of each domain is planned, whoever is shown.
    let domains: Vec<_> = chosen.iter().map(Address::domain).collect();
    let warming: Vec<&Mailbox> =
        config.mailboxes.values().filter(|m| m.role == Role::Warming && domains.contains(&m.address.domain())).collect();
    let mut by_date: BTreeMap<LocalDate, Vec<&Mailbox>> = BTreeMap::new();
    for mailbox in &warming {
        by_date.entry(now.local_date(mailbox.zone)).or_default().push(mailbox);
    }
    let mut guards = BTreeMap::new();
    for (date, mailboxes) in by_date {
        if let Some(ledger) = &ledger {
            guards.insert(date, guarded(config, ledger, date, &mailboxes, now).await?);
        }
    }
    for mailbox in warming {
        starts.push(start_of(mailbox, ledger.as_ref(), &guards, now).await?);
    }
    let peaks: BTreeMap<Address, u32> = config
        .mailboxes
        .values()
        .filter_map(|m| config.schedule_of(m).map(|s| (m.address.clone(), s.ramp.target.min(m.daily_cap.unwrap_or(u32::MAX)))))
        .collect();
    let feasible = carries(&whole_pool(config), &config.pairs, &peaks);
    let pool_cap = |a: &Address| feasible.per_mailbox.get(a).filter(|c| c.carries < c.wanted).map(|c| c.carries);
    let planned = plan_all(config, seed, &starts, &pool_cap, days);
    let shown = starts.iter().zip(planned).filter(|(s, _)| chosen.contains(&s.mailbox.address));
    let mailboxes = shown.map(|(start, days)| mailbox_plan(config, start, days)).collect();
    let mut warnings = feasible.refusals;
    warnings.extend(feasible.thin.map(|thin| crate::words::Finding::warning(config.pool.clone(), thin)));
    let today = now.local_date(config.zone);
    Ok(PlanReport {
        pool: config.pool.clone(),
        clock_name: pool.clock.name(),
        generated_for: today,
        mailboxes,
        carries: feasible.sentences,
        warnings,
    })
}

async fn start_of(
    mailbox: &Mailbox,
    ledger: Option<&Ledger>,
    guards: &BTreeMap<LocalDate, Guarded>,
    now: Moment,
) -> Result<PlanStart, CliError> {
    let (address, today) = (&mailbox.address, now.local_date(mailbox.zone));
    let mut days = match ledger {
        Some(l) => l.days_before(address.clone(), today).await?,
        None => Vec::new(),
    };
    let guard = guards.get(&today);
    if let (Some(last), Some((_, said))) = (days.last_mut(), guard.and_then(|g| g.last.get(address))) {
        last.verdict = Some(said.verdict);
    }
    let paused = guard.and_then(|g| g.paused.get(address)).cloned();
    let real_mail = RealMail::of(ledger, mailbox).await?;
    let history = history_with(&days, &real_mail.by_date);
    let first = history.first().map(|d| d.date).or(mailbox.start_on).unwrap_or(today);
    Ok(PlanStart { mailbox: mailbox.clone(), first, today, history, paused, real_mail })
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
