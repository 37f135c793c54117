//! `preheat events`: what happened, one event a line.

use std::path::Path;

use tokio::signal::unix::{SignalKind, signal};

use super::pool::{Pool, runtime};
use super::printer::Printer;
use super::{CliError, Exit};
use crate::event::follow::{EVERY, Follower, OVERLAP, follow};
use crate::event::{Event, EventFilter, Kinds, Since};
use crate::ledger::Ledger;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "For the programs that send the real mail: stop follow-ups on reply.received, drop an address on address.suppressed, whoever the mail \
was from. Each event has an `id` that stays the same: keep the last one, and go on with --since ID. docs/events.md has every type and field; \
`preheat schema --events` prints them as a JSON Schema.\n\n\
It ends by itself but for --follow, which goes on until SIGINT or SIGTERM, or until nobody reads any more, and ends with 0 then."
)]
pub struct Args {
    /// From where on: a time, a date, how long ago, or the id of an event to go on after
    #[arg(long, value_name = "WHEN", default_value = "24h", value_parser = Since::parse)]
    since: Since,
    /// Go on with what is new
    #[arg(long, short)]
    follow: bool,
    /// Print JSON, one line an event
    #[arg(long)]
    json: bool,
    /// Only these types: letter.seen, or all of a kind: letter
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = Kinds::parse)]
    kind: Vec<Kinds>,
    /// Only what concerns this mailbox or domain
    #[arg(long, value_name = "WHO")]
    mailbox: Option<String>,
}

pub fn events(args: &Args, config: &Path, printer: Printer) -> Result<Exit, CliError> {
    let pool = Pool::load(config, printer)?;
    pool.say_clock(printer);
    let mut filter = EventFilter::default().of_kinds(args.kind.iter().flat_map(|kinds| kinds.0.iter().copied()));
    if args.mailbox.is_some() {
        filter = filter.of_mailboxes(pool.chosen(args.mailbox.as_deref())?);
    }
    let tell = |events: &[Event]| print(events, args.json, printer);
    if args.follow {
        runtime()?.block_on(go_on(&pool, args.since, &filter, printer, tell))?;
    } else if let Some(ledger) = pool.look_into_ledger()? {
        runtime()?.block_on(tell_all(&ledger, &pool, args.since, &filter, printer, tell))?;
    } else {
        printer.say(no_ledger(&pool));
    }
    Ok(Exit::Done)
}

fn no_ledger(pool: &Pool) -> String {
    format!("nothing has happened yet: there is no ledger at {}; the first `preheat run` makes it", pool.config.ledger.display())
}

/// Prints events, and says whether anybody still reads them.
fn print(events: &[Event], json: bool, printer: Printer) -> bool {
    let mut lines = String::new();
    for event in events {
        if json {
            match serde_json::to_string(event) {
                Ok(line) => lines.push_str(&line),
                Err(e) => printer.error(format_args!("the JSON could not be written: {e}")),
            }
        } else {
            lines.push_str(&event.line());
        }
        lines.push('\n');
    }
    printer.is_read(lines)
}

/// What there is now.
async fn tell_all(
    ledger: &Ledger,
    pool: &Pool,
    since: Since,
    filter: &EventFilter,
    printer: Printer,
    tell: impl Fn(&[Event]) -> bool,
) -> Result<(), CliError> {
    let now = pool.clock.now();
    say_what_is_pruned(ledger, pool, since, printer).await?;
    let mut place = Some(since.place(now, pool.config.zone));
    while let Some(after) = place {
        let page = ledger.events(after, filter.clone(), now).await?;
        if !page.events.is_empty() && !tell(&page.events) {
            break;
        }
        place = page.next;
    }
    Ok(())
}

/// Whoever goes back further than letters are kept is told that some events are gone.
async fn say_what_is_pruned(ledger: &Ledger, pool: &Pool, since: Since, printer: Printer) -> Result<(), CliError> {
    let from = since.place(pool.clock.now(), pool.config.zone).goes_on_at().local_date(pool.config.zone);
    if let Some(pruned) = ledger.pruned().await?.filter(|pruned| from < pruned.before) {
        printer.say(format_args!("letters of dates before {} were pruned: what happened to them is not told any more", pruned.before));
    }
    Ok(())
}

/// What there is now, and then what is new, until a signal or until nobody reads it.
async fn go_on(pool: &Pool, since: Since, filter: &EventFilter, printer: Printer, tell: impl Fn(&[Event]) -> bool) -> Result<(), CliError> {
    let failed = |e: std::io::Error| CliError::new(format!("error: signals cannot be watched: {e}"));
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt()).map_err(failed)?, signal(SignalKind::terminate()).map_err(failed)?);
    let following = async {
        let overlap = pool.clock.plan_span(OVERLAP);
        let follower = match since {
            Since::Event(id) => Follower::after(id, overlap),
            since => Follower::since(since.place(pool.clock.now(), pool.config.zone), overlap),
        };
        let ledger = first_ledger(pool, printer).await?;
        say_what_is_pruned(&ledger, pool, since, printer).await?;
        let look = async |after, now| match ledger.events(after, filter.clone(), now).await {
            Ok(page) => Ok(Some(page)),
            Err(e) if e.may_pass() => Ok(None),
            Err(e) => Err(CliError::from(e)),
        };
        follow(&pool.clock, follower, look, tell).await
    };
    tokio::select! {
        biased;
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        ended = following => ended,
    }
}

/// The ledger, as soon as there is one. One that is being made just now is not ready at once.
async fn first_ledger(pool: &Pool, printer: Printer) -> Result<Ledger, CliError> {
    let (mut waited, mut not_ready) = (false, 0);
    loop {
        match pool.look_into_ledger() {
            Ok(Some(ledger)) => return Ok(ledger),
            Ok(None) if !waited => printer.say(no_ledger(pool)),
            Ok(None) => {}
            Err(_) if waited && not_ready < 10 => not_ready += 1,
            Err(e) => return Err(e),
        }
        waited = true;
        pool.clock.sleep_until(pool.clock.now() + pool.clock.plan_span(EVERY)).await;
    }
}
