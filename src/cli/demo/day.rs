//! The real day: the sandbox's servers on loopback sockets, and the executor that `run` uses, on a fast clock.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{NaiveTime, Weekday};
use rand::TryRngCore;
use tokio::sync::watch;

use super::signals::{Signals, stopped};
use crate::chance::Seed;
use crate::cli::CliError;
use crate::cli::pool::Pool;
use crate::cli::printer::Printer;
use crate::cli::watch::Watcher;
use crate::clock::{self, Clock};
use crate::config::{self, Config};
use crate::credentials::load_keyring;
use crate::ledger::{ActionKind, History, Ledger, LetterFacts};
use crate::mail::NetworkAccess;
use crate::mail::gate::GatedAccess;
use crate::rehearsal::invariants::{Begun, Facts, breaches, planted_in};
use crate::rehearsal::{Breach, plant_foreign_mail};
use crate::report::rehearsal::{self as report, DemoDay, DemoFate, DemoLetter, DemoMailbox};
use crate::run::{Context, Pace, is_dead, run, this_process};
use crate::sandbox::folder::{PracticeOptions, open_practice};
use crate::sandbox::people::Person;
use crate::words::{LetterId, LetterState, LocalDate, Moment, Placement, Zone};
use crate::world::World;

/// How many times faster than the wall clock; a day from 08:00 to 22:00 takes 21 s.
const FASTER: u32 = 2_400;
/// The same for tests.
const FASTER_IN_TESTS: u32 = 4_000;
/// When the day begins: half an hour before the windows open.
const BEGINS: NaiveTime = NaiveTime::from_hms_opt(8, 0, 0).expect("it is a time of day");
/// Plan time between two lines of progress where nobody watches.
const LINES_EVERY: Duration = Duration::from_hours(3);
/// What a command of the servers may take, in real time: the invariants' slack.
const A_COMMAND: Duration = Duration::from_secs(3);
/// How long a run that is stopped may take, in real time.
const PATIENCE: Duration = Duration::from_millis(1_200);

/// The schedule of the day: a new domain's first day has four letters a mailbox, which is right and dull to look at.
const SCHEDULE: &str = "\
# The demo's: fourteen letters a mailbox on the first day, so that there is something to see in one day. A new domain that sends
# so much at once lands in spam, as here; `standard-6w` begins with four.

about: One busy day, to look at; no ramp to send by.

ramp:
  start: 14
  target: 14
  weeks: 4
  curve: linear

# People here answer more, and sooner, than people do.
engagement:
  open: 0.8
  answer: 0.5
  answer_delay: {median: 45m, p95: 4h}
";
/// What `preheat.yaml` says before, and then.
const STANDARD_LINE: &str = "schedule: standard-6w";
const DEMO_LINE: &str = "# The demo's day has a schedule of its own, in schedules/demo.yaml.\nschedule: demo";

/// A day that ran.
pub struct Practised {
    /// What there is to see of it.
    pub day: DemoDay,
    /// The config of the practice pool.
    pub config: Config,
    /// Invariants that did not hold.
    pub breaches: Vec<Breach>,
}

impl Practised {
    /// What is broken, with the story; empty where nothing is.
    pub fn breaches_text(&self, seed: Seed, width: usize) -> String {
        report::broken_text("the demo's day", seed.0, &self.breaches, width)
    }
}

/// Runs the day in `dir`.
pub async fn practise(dir: &Path, seed: Seed, quick: bool, printer: Printer, signals: &mut Signals) -> Result<Practised, CliError> {
    let real = Clock::System.now();
    // The practice pool lives in UTC.
    let date = next_weekday(real.local_date(Zone::UTC));
    let faster = if quick { FASTER_IN_TESTS } else { FASTER };
    let clock = Clock::Scaled { start: date.at(BEGINS, Zone::UTC), origin_real: real, factor: faster };
    let options = PracticeOptions { dir: dir.to_owned(), clock: clock.clone(), seed, port_base: None };
    let mut random = |bytes: &mut [u8]| rand::rngs::OsRng.try_fill_bytes(bytes).map_err(io::Error::other);
    let practice = open_practice(options, &mut random).await?;
    let config = demo_config(dir)?;
    let ledger = Ledger::open(&config.ledger, crate::ledger::Place::Thread)?;
    let world = practice.sandbox.world().clone();
    plant_foreign_mail(&world, clock.now());
    let planted = planted_in(&world);
    printer.say(format_args!("The day: {}, {faster} times faster than the wall clock", date.0.format("%A, %-d %B %Y")));

    let seed = ledger.seed(seed, clock.now()).await?;
    let ran = run_day(&config, &clock, &ledger, seed, printer, signals).await;
    let until = clock.now();
    practice.sandbox.stop().await;
    ran?;
    let took = Clock::System.now().since(real);

    let history = ledger.history().await?;
    let suspended: Vec<_> = ledger.all_suspensions().await?.into_iter().map(Into::into).collect();
    let runs = [Begun { at: date.at(BEGINS, Zone::UTC), alone: true }];
    let facts = Facts { world: &world, until, suspended: &suspended, planted: &planted, runs: &runs, slack: A_COMMAND * faster };
    let breaches = breaches(&ledger, &config, seed, &facts).await?;
    let day = DemoDay {
        date,
        zone: config.zone.to_string(),
        faster,
        took,
        taken: taken_by(&world),
        in_ledger: history.letters.iter().filter(|l| l.accepted_at.is_some()).count() as u32,
        mailboxes: practice.people.iter().map(mailbox_of).collect(),
        letters: letters_of(&history, date, config.zone),
    };
    Ok(Practised { day, config, breaches })
}

/// The next day on which offices write letters, after today.
fn next_weekday(today: LocalDate) -> LocalDate {
    let day = today.plus(1);
    match day.weekday() {
        Weekday::Sat => day.plus(2),
        Weekday::Sun => day.plus(1),
        _ => day,
    }
}

/// Gives the folder its schedule, and reads its config.
fn demo_config(dir: &Path) -> Result<Config, CliError> {
    let (file, schedules) = (dir.join("preheat.yaml"), dir.join("schedules"));
    let failed = |e: io::Error| CliError::new(format!("error: {}: {e}", dir.display()));
    std::fs::create_dir_all(&schedules).map_err(failed)?;
    std::fs::write(schedules.join("demo.yaml"), SCHEDULE).map_err(failed)?;
    let text = std::fs::read_to_string(&file).map_err(failed)?.replacen(STANDARD_LINE, DEMO_LINE, 1);
    std::fs::write(&file, text).map_err(failed)?;
    Ok(config::load(&file)?)
}

/// Carries the pool through the day, with live progress; ends early, in good order, when a signal comes.
async fn run_day(
    config: &Config,
    clock: &Clock,
    ledger: &Ledger,
    seed: Seed,
    printer: Printer,
    signals: &mut Signals,
) -> Result<(), CliError> {
    let pool = Pool { config: config.clone(), clock: clock.clone() };
    let watcher = Arc::new(Watcher::new(printer, false).in_short(LINES_EVERY));
    let (tell, stop) = watch::channel(false);
    let context = Context {
        access: Arc::new(GatedAccess::before(Arc::new(NetworkAccess::new(pool.folder())), clock.clone(), seed)),
        library: Arc::new(pool.library()?),
        config: Arc::new(pool.config),
        clock: clock.clone(),
        keys: Arc::new(load_keyring(&config.key_file)?),
        progress: watcher.clone(),
        ledger: ledger.clone(),
        seed,
        stop,
    };
    let mut running = std::pin::pin!(run(context, Pace::Day, this_process(), is_dead));
    let result = tokio::select! {
        biased;
        () = signals.come() => {
            tell.send_replace(true);
            let _ = clock::within(PATIENCE, &mut running).await;
            Err(stopped())
        }
        ran = &mut running => ran.map_err(CliError::from),
    };
    watcher.finish(clock.now());
    result
}

fn mailbox_of(person: &Person) -> DemoMailbox {
    DemoMailbox { address: person.address.clone(), role: person.role, provider: person.personality.to_string() }
}

/// Messages that the world's servers took over, each once.
fn taken_by(world: &World) -> u32 {
    world.evidence().submissions.iter().filter(|s| s.accepted).count() as u32
}

/// The day's letters as the ledger has them, in the order of their time.
fn letters_of(history: &History, date: LocalDate, zone: Zone) -> Vec<DemoLetter> {
    let opened: BTreeSet<LetterId> =
        history.actions.iter().filter(|a| a.kind == ActionKind::Open && a.result.as_deref() == Some("done")).map(|a| a.letter).collect();
    let answered: BTreeSet<LetterId> = history.letters.iter().filter(|l| l.accepted_at.is_some()).filter_map(|l| l.plan.parent).collect();
    let mut of_the_day: Vec<&LetterFacts> = history.letters.iter().filter(|l| l.plan.date == date).collect();
    of_the_day.sort_by_key(|l| (l.accepted_at.unwrap_or(Moment(i64::MAX)), l.plan.id));
    of_the_day
        .into_iter()
        .map(|l| DemoLetter {
            from: l.plan.sender.clone(),
            to: l.plan.recipient.clone(),
            at: l.accepted_at.map(|at| at.in_zone(zone).time()),
            is_answer: l.plan.parent.is_some(),
            fate: fate_of(l),
            is_opened: opened.contains(&l.plan.id),
            is_answered: answered.contains(&l.plan.id),
        })
        .collect()
}

fn fate_of(letter: &LetterFacts) -> DemoFate {
    match (letter.state, letter.placement) {
        (LetterState::Seen, Some(Placement::Spam)) if letter.rescued_at.is_some() => DemoFate::Rescued,
        (LetterState::Seen, Some(Placement::Spam)) => DemoFate::Spam,
        (LetterState::Seen, _) => DemoFate::Inbox,
        (LetterState::Accepted, _) => DemoFate::Waiting,
        _ => DemoFate::Lost,
    }
}

/// What became of a mailbox's letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Taken by a server, answers included.
    pub sent: u32,
    /// First seen in the inbox.
    pub inbox: u32,
    /// First seen in spam.
    pub spam: u32,
    /// Of these, rescued.
    pub rescued: u32,
    /// Opened by their recipients.
    pub opened: u32,
    /// Answered by them.
    pub answered: u32,
}

impl Row {
    fn take(&mut self, letter: &DemoLetter) {
        self.sent += 1;
        self.inbox += u32::from(letter.fate == DemoFate::Inbox);
        self.spam += u32::from(matches!(letter.fate, DemoFate::Spam | DemoFate::Rescued));
        self.rescued += u32::from(letter.fate == DemoFate::Rescued);
        self.opened += u32::from(letter.is_opened);
        self.answered += u32::from(letter.is_answered);
    }
}

/// A row for each mailbox in the pool's order, and their sum.
pub fn rows(day: &DemoDay) -> (Vec<(&DemoMailbox, Row)>, Row) {
    let mut by_sender: BTreeMap<&crate::words::Address, Row> = BTreeMap::new();
    let mut all = Row::default();
    for letter in day.letters.iter().filter(|l| l.at.is_some()) {
        by_sender.entry(&letter.from).or_default().take(letter);
        all.take(letter);
    }
    (day.mailboxes.iter().map(|m| (m, by_sender.get(&m.address).copied().unwrap_or_default())).collect(), all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::rehearsal::fixtures::{broken, demo};

    #[test]
    fn the_day_is_one_on_which_offices_write() {
        let next = |d| next_weekday(LocalDate::parse(d).unwrap()).to_string();
        // Monday to Tuesday, Thursday to Friday; from Friday, Saturday and Sunday to Monday.
        let all = ["2026-11-23", "2026-11-26", "2026-11-27", "2026-11-28", "2026-11-29"].map(next);
        assert_eq!(all, ["2026-11-24", "2026-11-27", "2026-11-30", "2026-11-30", "2026-11-30"]);
    }

    #[test]
    fn the_sum_of_the_rows_is_the_day() {
        let day = demo("").day;
        let (all, sum) = rows(&day);
        let of = |count: fn(&Row) -> u32| all.iter().map(|(_, row)| count(row)).sum::<u32>();
        assert_eq!(
            sum,
            Row {
                sent: of(|r| r.sent),
                inbox: of(|r| r.inbox),
                spam: of(|r| r.spam),
                rescued: of(|r| r.rescued),
                opened: of(|r| r.opened),
                answered: of(|r| r.answered)
            }
        );
        assert_eq!(sum.sent as usize, day.letters.len());
        assert!(sum.rescued > 0 && sum.spam > sum.rescued && sum.inbox + sum.spam < sum.sent, "{sum:?}");
    }

    #[test]
    fn a_letter_that_was_not_sent_is_in_no_row() {
        let mut day = demo("").day;
        let before = rows(&day).1;
        day.letters[0].at = None;
        assert_eq!(rows(&day).1.sent, before.sent - 1);
    }

    #[test]
    fn a_breach_of_the_day_is_told_with_seed_and_story() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(
            dir.path().join("preheat.yaml"),
            format!(
                "pool: p\nzone: Etc/UTC\n{STANDARD_LINE}\ndefaults: {{secret: env:NOBODY, smtp: a.example, imap: a.example}}\n\
                 mailboxes:\n  - a@new.example\n  - {{address: b@old.example, role: partner}}\n"
            ),
        )
        .unwrap();
        let config = demo_config(dir.path()).unwrap();
        assert_eq!(config.schedules.keys().collect::<Vec<_>>(), ["demo"], "the day has the demo's schedule");
        let mut practised = Practised { day: demo("").day, config, breaches: vec![] };
        assert_eq!(practised.breaches_text(Seed(7), 100), "");
        practised.breaches = broken().breaches;
        let text = practised.breaches_text(Seed(7), 100);
        assert!(text.contains("NOT HOLD") && text.contains("scenario the demo's day, seed 7"), "{text}");
        assert!(text.contains(&practised.breaches[0].story[0]), "{text}");
    }
}
