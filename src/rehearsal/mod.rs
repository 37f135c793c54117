//! The rehearsal: the same executor through a whole ramp, in virtual time, over a modelled world.
//!
//! [`rehearse`] puts the world of `world` behind the ports of `mail`, starts tokio's clock paused, and calls `run` once for each date, as cron
//! would. Afterwards the invariants are held against what the world knows, which comes from no ledger.

mod account_of;
mod drive;
mod error;
mod kills;
mod listen;
mod model;
mod ports;
mod scenario;
mod stage;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::config::Config;
use crate::words::Moment;

pub use drive::rehearse;
pub use error::RehearsalError;
pub use model::{Breach, Day, Quantiles, Rehearsal, Rehearsed, Said, Spread, SpreadDay, Trouble};
pub use ports::receiver_of;
pub use scenario::{At, Fault, Scenario, What};

/// The config as the scenario has it.
fn prepared_config(rehearsal: &Rehearsal) -> Result<Config, RehearsalError> {
    Ok(rehearsal.config.clone())
}

fn sleep_of(_rehearsal: &Rehearsal, _config: &Config) -> Arc<[(Moment, Moment)]> {
    Arc::new([])
}

fn conditions_of(_rehearsal: &Rehearsal, _config: &Config) -> Result<Vec<crate::world::Condition>, RehearsalError> {
    Ok(Vec::new())
}

fn kills_of(_rehearsal: &Rehearsal, _config: &Config) -> Vec<(Moment, bool)> {
    Vec::new()
}

async fn invariants_of(_played: &drive::Played<'_>) -> Result<Vec<Breach>, RehearsalError> {
    Ok(Vec::new())
}
