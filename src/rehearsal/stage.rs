//! The stage: the modelled world with this pool's accounts in it, and the clock.

use std::sync::Arc;

use crate::chance::Seed;
use crate::clock::Clock;
use crate::config::Config;
use crate::words::{LocalDate, Moment, Role};
use crate::world::{AccountSpec, Condition, Personality, World};

use super::foreign::plant_foreign_mail;
use super::{Rehearsal, RehearsalError, receiver_of};

/// The config as the scenario has it: its schedule for every warming mailbox, its holidays for everybody who has a schedule.
pub(super) fn prepared_config(rehearsal: &Rehearsal) -> Result<Config, RehearsalError> {
    let mut config = rehearsal.config.clone();
    rehearsal.scenario.put_schedule_into(&mut config)?;
    let holidays = rehearsal.scenario.holidays(rehearsal.from);
    for schedule in config.schedules.values_mut() {
        schedule.calendar.holidays.extend(holidays.iter().copied());
    }
    // Nobody sends real mail in the modelled world, and there is none to be counted.
    config.mailboxes.values_mut().for_each(|mailbox| mailbox.outside_mail = None);
    Ok(config)
}

/// When preheat is killed: at times of each day that are drawn, in half of the cases after the server took the letter.
pub(super) fn kills(rehearsal: &Rehearsal, config: &Config) -> Vec<(Moment, bool)> {
    let mut kills = Vec::new();
    for day in 1..=rehearsal.days {
        let midnight = rehearsal.from.plus(day - 1).at(chrono::NaiveTime::MIN, config.zone);
        for n in 0..rehearsal.scenario.kills(day) {
            let [when, taken] = rehearsal.seed.shares_of_words(&["kill", &day.to_string(), &n.to_string()]);
            // Between 08:00 and 17:00, when letters are handed over.
            kills.push((midnight + std::time::Duration::from_secs_f64((8.0 + 9.0 * when) * 3600.0), taken < 0.5));
        }
    }
    kills
}

/// A world with an account for every mailbox of the pool. Partners' domains are known and liked; warming ones are new.
pub(super) fn build_world(config: &Config, seed: Seed, conditions: Vec<Condition>, start: Moment) -> Arc<World> {
    let world = World::new(seed);
    for mailbox in config.mailboxes.values() {
        world.add_account(AccountSpec {
            address: mailbox.address.clone(),
            personality: Personality::of(mailbox.provider),
            receiver: receiver_of(mailbox),
            user: mailbox.user.clone(),
            secret: None,
        });
        if mailbox.role == Role::Partner {
            world.with_filter(|f| f.know_well(&mailbox.address.domain()));
        }
    }
    plant_foreign_mail(&world, start);
    world.live(start);
    for condition in conditions {
        world.add_condition(condition);
    }
    world
}

/// Carries out what happens in the world at its time, until the rehearsal ends. The world does not sleep when the machine does.
pub(super) async fn keep_world_going(world: Arc<World>, clock: Clock) {
    let mut plans = world.plans();
    loop {
        world.settle(clock.now());
        let next = world.next_event();
        tokio::select! {
            biased;
            () = async {
                match next {
                    Some(at) => clock.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            } => {}
            changed = plans.changed() => if changed.is_err() { return },
        }
    }
}

/// When cron starts `preheat run`: half an hour before a window opens, for each hour at which windows of the pool open, on every date.
pub(super) fn cron(config: &Config, from: LocalDate, days: u32) -> Vec<Moment> {
    let mut starts: Vec<Moment> = Vec::new();
    for date in (0..days).map(|n| from.plus(n)) {
        for mailbox in config.mailboxes.values() {
            let opens = date.at(crate::run::window_of(config, mailbox).from, mailbox.zone);
            starts.push(opens - std::time::Duration::from_mins(30));
        }
    }
    starts.sort_unstable();
    starts.dedup();
    starts
}
