//! `preheat explain`.

use std::collections::BTreeMap;
use std::path::Path;

use super::pool::{Pool, runtime};
use super::printer::Printer;
use super::{CliError, Exit, plan};
use crate::chance::Seed;
use crate::config::{Config, Mailbox, Schedule};
use crate::guard::{Quarter, Subject};
use crate::ledger::{DayRow, Ledger, PauseScope};
use crate::ramp::draw_curve;
use crate::report::explain::{DaySaid, ExplainReport, LastError, TodayFacts};
use crate::report::suspended::suspended_in_words;
use crate::run::{Guarded, NoQuotas, Said, standings, stored_quota};
use crate::words::{Address, LocalDate, Moment, Provider, Role};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The mailbox
    #[arg(value_name = "MAILBOX")]
    mailbox: String,
    /// Of this local date instead of today
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = parse_date)]
    date: Option<LocalDate>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// A date of the command line.
pub fn parse_date(text: &str) -> Result<LocalDate, String> {
    LocalDate::parse(text).ok_or_else(|| "a date is written as 2026-12-01".into())
}

pub fn explain(args: &Args, config: &Path, printer: Printer) -> Result<Exit, CliError> {
    let pool = Pool::load(config, printer)?;
    let chosen = pool.chosen(Some(&args.mailbox))?;
    let mailbox = chosen.first().filter(|_| args.mailbox.contains('@')).and_then(|a| pool.config.mailboxes.get(a));
    let Some(mailbox) = mailbox else {
        return Err(CliError::new("error: explain is about one mailbox").hint("name its whole address"));
    };
    let Some(schedule) = pool.config.schedule_of(mailbox) else {
        return Err(CliError::new(format!("error: {} is a partner: it has no ramp", mailbox.address))
            .hint(format!("it sends up to {} a day and starts up to {}", mailbox.send_limit, mailbox.start_limit)));
    };
    let report = runtime()?.block_on(async {
        let ledger = pool.look_into_ledger()?;
        let seed = pool.seed(ledger.as_ref()).await?;
        let now = pool.clock.now();
        let asked = Asked { mailbox, schedule, date: args.date.unwrap_or_else(|| now.local_date(mailbox.zone)) };
        let report = report(&pool.config, ledger.as_ref(), seed, asked, now).await?;
        Ok::<_, CliError>(ExplainReport { clock_name: pool.clock.name(), ..report })
    })?;
    if args.json {
        printer.json(&report.to_json());
    } else {
        printer.data(report.to_text(printer.width()));
    }
    Ok(Exit::Done)
}

/// Whose quota is to be explained, and of which local date.
pub(crate) struct Asked<'a> {
    pub(crate) mailbox: &'a Mailbox,
    pub(crate) schedule: &'a Schedule,
    pub(crate) date: LocalDate,
}

/// The explanation, as it can be given at `now`.
pub(crate) async fn report(
    config: &Config,
    ledger: Option<&Ledger>,
    seed: Seed,
    asked: Asked<'_>,
    now: Moment,
) -> Result<ExplainReport, CliError> {
    let Asked { mailbox, schedule, date } = asked;
    // Domain caps are shared: the whole pool's standing is computed, one mailbox's is told.
    let warming: Vec<&Mailbox> = config.mailboxes.values().filter(|m| m.role == Role::Warming).collect();
    let mut all = standings(config, ledger, seed, date, &warming, now).await.map_err(|e| match e {
        NoQuotas::Infeasible(findings) => crate::run::RunError::Infeasible(findings).into(),
        NoQuotas::Ledger(e) => CliError::from(e),
    })?;
    let guarded = std::mem::take(&mut all.guarded);
    let standing = all.of.remove(&mailbox.address).ok_or_else(|| CliError::new("error: this mailbox has no ramp"))?;
    let curve = draw_curve(&schedule.ramp, &schedule.calendar);
    let (mut today, mut last_error, mut set) = (TodayFacts::default(), None, None);
    let (mut said, mut routes) = (BTreeMap::new(), Vec::new());
    if let Some(l) = ledger {
        (said, routes) = (said_of(l, mailbox, date, &guarded).await?, routes_of(&guarded, &mailbox.address));
        let day = l.day(mailbox.address.clone(), date).await?;
        today.has_agenda = day.is_some();
        today.sent = day.as_ref().map_or(0, |d| d.spent);
        // Once the agenda is made the quota stands, with the reasons of then; a config edited since counts from the next day on.
        set = day.as_ref().and_then(stored_quota);
        today.planned = l.to_send(mailbox.address.clone(), date).await?;
        today.paused = l.pauses().await?.into_iter().find(|p| concerns(&p.scope, &mailbox.address)).map(|p| p.reason);
        today.suspended = l.suspensions(now).await?.iter().find(|s| s.mailbox == mailbox.address).map(suspended_in_words);
        let trouble = l.troubles().await?.into_iter().filter(|t| t.mailbox == mailbox.address).max_by_key(|t| t.at);
        last_error = trouble.map(|t| LastError { at: t.at, what: format!("{}: {}", t.step, t.what), hint: Some(t.hint) });
    }
    Ok(ExplainReport {
        address: mailbox.address.clone(),
        date,
        clock_name: None,
        schedule_name: schedule.name.clone(),
        origin: plan::origin(&schedule.origin),
        ramp_days: curve.days(),
        position: standing.position,
        quota: set.unwrap_or(standing.quota),
        said,
        routes,
        today,
        notes: curve.notes,
        last_error,
    })
}

/// What could be sent on each day before `date`, and what the guard said of it; of the last day what it would say now, where that is not written down yet.
async fn said_of(ledger: &Ledger, mailbox: &Mailbox, date: LocalDate, guarded: &Guarded) -> Result<BTreeMap<LocalDate, DaySaid>, CliError> {
    let days = ledger.days_before(mailbox.address.clone(), date).await?;
    let mut unsent = ledger.unsent(mailbox.address.clone()).await?;
    let of_day = |DayRow { plan, .. }: &DayRow| {
        (plan.date, DaySaid { quota: plan.quota, said: None, unsent: unsent.remove(&plan.date).unwrap_or_default() })
    };
    let mut said: BTreeMap<LocalDate, DaySaid> = days.iter().map(of_day).collect();
    let rows = ledger.verdicts_of(Subject::Mailbox(mailbox.address.clone()), LocalDate::EPOCH).await?;
    let stored = rows.iter().map(|row| (row.date, Said::of_row(row)));
    for (date, word) in stored.chain(guarded.last.get(&mailbox.address).cloned()) {
        if let Some(day) = said.get_mut(&date) {
            day.said = Some((word.verdict, word.sentence().to_owned()));
        }
    }
    Ok(said)
}

/// Which receiving providers get less from the mailbox's domain.
fn routes_of(guarded: &Guarded, mailbox: &Address) -> Vec<String> {
    let quarters = guarded.quarters.get(&mailbox.domain()).into_iter().flatten();
    let words = |(provider, quarter): (&Provider, &Quarter)| {
        let days = if quarter.send_days_left == 1 { "send-day" } else { "send-days" };
        format!(
            "{provider} gets a quarter of its share of what {} sends, since {}: {} {days} to go.",
            mailbox.domain(),
            quarter.since,
            quarter.send_days_left
        )
    };
    quarters.map(words).collect()
}

/// Whether a pause stops a mailbox.
pub fn concerns(scope: &PauseScope, mailbox: &Address) -> bool {
    match scope {
        PauseScope::All => true,
        PauseScope::Domain(d) => mailbox.domain() == *d,
        PauseScope::Mailbox(a) => a == mailbox,
    }
}
