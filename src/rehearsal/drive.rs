//! Plays one rehearsal: cron's calls of `run`, kills in between, and the account of it afterwards.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::account_of::give_account;
use super::invariants::{Begun, Planted, planted_in};
use super::kills::Kills;
use super::listen::Listener;
use super::ports::{WorldAccess, modelled_server};
use super::stage::{build_world, cron, keep_world_going, kills, prepared_config};
use super::{Rehearsal, RehearsalError, Rehearsed};
use crate::clock::Clock;
use crate::compose::Library;
use crate::config::Config;
use crate::ledger::{Holder, Ledger};
use crate::letter::{Key, Keyring};
use crate::mail::gate::GatedAccess;
use crate::run::{Context, Pace, RunError, run};
use crate::words::{Domain, Moment};
use crate::world::World;

/// After a kill, preheat is started again in this time.
const UP_AGAIN: Duration = Duration::from_mins(10);
/// A start that finds another run at work is repeated after this.
const TRY_AGAIN: Duration = Duration::from_mins(15);

/// Plays one rehearsal on the calling thread, in virtual time. `progress` is called with (day, days) after each date.
///
/// # Errors
/// [`RehearsalError`]. An invariant that does not hold is no error but a breach in the result.
pub fn rehearse(rehearsal: &Rehearsal, progress: &dyn Fn(u32, u32)) -> Result<Rehearsed, RehearsalError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .map_err(|e| RehearsalError::Runtime(e.to_string()))?;
    runtime.block_on(async { give_account(play(rehearsal, progress).await?).await })
}

/// What the receivers think of the warming domains: receiver → domain → 0 to 1.
pub(super) type Reputations = BTreeMap<String, BTreeMap<Domain, f64>>;

/// Everything that a played rehearsal leaves behind.
pub(super) struct Played<'a> {
    pub(super) rehearsal: &'a Rehearsal,
    pub(super) config: Arc<Config>,
    pub(super) ledger: Ledger,
    pub(super) world: Arc<World>,
    pub(super) listener: Arc<Listener>,
    pub(super) reputation: Vec<Reputations>,
    pub(super) until: Moment,
    pub(super) planted: Vec<Planted>,
    /// The runs that began.
    pub(super) runs: Vec<Begun>,
}

/// Plays it to its end; the account of it is still to be given.
pub(super) async fn play<'a>(rehearsal: &'a Rehearsal, progress: &dyn Fn(u32, u32)) -> Result<Played<'a>, RehearsalError> {
    let config = Arc::new(prepared_config(rehearsal)?);
    let starts = cron(&config, rehearsal.from, rehearsal.days);
    let Some(first) = starts.first().copied() else {
        return Err(RehearsalError::Nothing);
    };
    let world_clock = Clock::paused_at(first - Duration::from_mins(1));
    let (scenario, from) = (&rehearsal.scenario, rehearsal.from);
    let clock = world_clock.clone().with_sleep(scenario.asleep(from, config.zone, rehearsal.days).into());
    let world = build_world(&config, rehearsal.seed, scenario.conditions(&config, from, config.zone)?, clock.now());
    let planted = planted_in(&world);
    let kills = Arc::new(Kills::at(kills(rehearsal, &config)));
    let listener = Arc::new(Listener::new(config.zone));
    let ledger = Ledger::in_memory()?;
    let seed = ledger.seed(rehearsal.seed, clock.now()).await?;
    let (_never, stop) = watch::channel(false);
    let context = Context {
        access: Arc::new(WorldAccess { world: world.clone(), clock: clock.clone(), kills: kills.clone() }),
        config: config.clone(),
        clock: clock.clone(),
        keys: Arc::new(key_of(rehearsal)),
        library: Arc::new(library_of(&config)?),
        progress: listener.clone(),
        ledger: ledger.clone(),
        seed,
        stop,
    };
    let pump = tokio::spawn(keep_world_going(world.clone(), world_clock));
    let starts = starts.into_iter().peekable();
    let mut director = Director { context, kills, starts, runs: JoinSet::new(), begun: Vec::new(), was_killed: false, repeat_at: None };
    let mut reputation = Vec::new();
    for n in 0..rehearsal.days {
        let date = rehearsal.from.plus(n);
        let next = date.plus(1).at(chrono::NaiveTime::MIN, config.zone);
        let last = n + 1 == rehearsal.days;
        // A run that the previous date began may go on; on the last date all of them are waited for.
        let until = if last { None } else { Some(next) };
        director.direct(until).await?;
        reputation.push(reputations(&world, &config, clock.now()));
        progress(n + 1, rehearsal.days);
    }
    pump.abort();
    Ok(Played { rehearsal, config, ledger, world, listener, reputation, until: clock.now(), planted, runs: director.begun })
}

/// Starts runs as cron does, and again after kills.
struct Director {
    context: Context,
    kills: Arc<Kills>,
    /// Cron's starts that are still to come. Those that the machine slept through are made up for, by one, when it wakes.
    starts: Peekable<std::vec::IntoIter<Moment>>,
    runs: JoinSet<Result<(), RunError>>,
    begun: Vec<Begun>,
    was_killed: bool,
    repeat_at: Option<Moment>,
}

impl Director {
    /// Makes the starts until `until`; without it, all of them, until every run has ended.
    async fn direct(&mut self, until: Option<Moment>) -> Result<(), RehearsalError> {
        loop {
            let next = [self.starts.peek().copied(), self.repeat_at].into_iter().flatten().min();
            let wake = [next, until].into_iter().flatten().min();
            if wake.is_none() && self.runs.is_empty() {
                return Ok(());
            }
            let clock = self.context.clock.clone();
            tokio::select! {
                biased;
                () = self.kills.struck() => self.die().await,
                Some(ended) = self.runs.join_next() => self.note(ended)?,
                () = async { match wake { Some(at) => clock.sleep_until(at).await, None => std::future::pending().await } } => {
                    let now = self.context.clock.now();
                    if next.is_some_and(|at| at <= now) {
                        while self.starts.next_if(|at| *at <= now).is_some() {}
                        self.repeat_at = self.repeat_at.filter(|at| *at > now);
                        self.start();
                    } else if until.is_some_and(|at| at <= now) {
                        return Ok(());
                    }
                }
            }
        }
    }

    fn start(&mut self) {
        self.begun.push(Begun { at: self.context.clock.now(), alone: self.runs.is_empty() });
        let me = Holder { host: "rehearsal".into(), pid: self.begun.len() as u32, started: 0 };
        // Where nobody is at work, whoever still holds a lease was killed.
        let is_dead: fn(&Holder) -> bool = if std::mem::take(&mut self.was_killed) { |_| true } else { |_| false };
        let (access, clock, seed) = (self.context.access.clone(), self.context.clock.clone(), self.context.seed);
        // What a process knows of servers ends with it.
        let access = GatedAccess::before(access, clock, seed).with_servers(modelled_server);
        let context = Context { access: Arc::new(access), ..self.context.clone() };
        self.runs.spawn(async move { run(context, Pace::Day, me, is_dead).await });
    }

    /// The machine loses power: every run stops where it stands.
    async fn die(&mut self) {
        self.runs.abort_all();
        while self.runs.join_next().await.is_some() {}
        // The workers of those runs are dropped when the runtime comes to them: before anything else happens.
        tokio::task::yield_now().await;
        self.was_killed = true;
        self.repeat_at = Some(self.context.clock.now() + UP_AGAIN);
    }

    fn note(&mut self, ended: Result<Result<(), RunError>, tokio::task::JoinError>) -> Result<(), RehearsalError> {
        let now = self.context.clock.now();
        let day = || now.local_date(self.context.config.zone).to_string();
        match ended {
            Ok(Ok(())) => Ok(()),
            // Another run still has all of the mailboxes.
            Ok(Err(RunError::Held(_))) => {
                self.repeat_at = Some(now + TRY_AGAIN);
                Ok(())
            }
            Ok(Err(RunError::Infeasible(findings))) => Err(RehearsalError::Infeasible(findings)),
            Ok(Err(e)) => Err(RehearsalError::Run(day(), e.to_string())),
            Err(e) => Err(RehearsalError::Run(day(), e.to_string())),
        }
    }
}

/// The key of `X-Preheat` in a rehearsal: from the seed, never the user's.
fn key_of(rehearsal: &Rehearsal) -> Keyring {
    use rand::Rng;
    let bytes: [u8; 32] = rehearsal.seed.of_words(&["key of a rehearsal"]).random();
    Key::new("rehearsal", bytes.to_vec()).map(Keyring::of).unwrap_or_default()
}

fn library_of(config: &Config) -> Result<Library, RehearsalError> {
    // A content program is not asked: it would be a child process, and time stands still.
    let read = |path: &std::path::PathBuf| std::fs::read_to_string(path).ok().map(|text| (path.clone(), text));
    let files: Vec<_> = config.content.files.iter().filter_map(read).collect();
    Library::with_files(&files).map_err(RehearsalError::Content)
}

fn reputations(world: &World, config: &Config, now: Moment) -> Reputations {
    let receivers: std::collections::BTreeSet<String> = config.mailboxes.values().map(super::receiver_of).collect();
    let domains = config.warming_domains();
    world.with_filter(|filter| {
        // A domain that is its own receiver never writes to itself.
        let others = |receiver: &String| domains.iter().filter(|d| d.as_str() != receiver).cloned().collect::<Vec<_>>();
        let of = |receiver: &String| others(receiver).into_iter().map(|d| (d.clone(), filter.reputation(&d, receiver, now))).collect();
        receivers.iter().map(|r| (r.clone(), of(r))).collect()
    })
}
