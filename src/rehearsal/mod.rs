//! The rehearsal: the same executor through a whole ramp, in virtual time, over a modelled world.
//!
//! [`rehearse`] puts the world of `world` behind the ports of `mail`, starts tokio's clock paused, and calls `run` once for each date, as cron
//! would. Afterwards the invariants are held against what the world knows, which comes from no ledger.

mod account_of;
mod drive;
mod error;
mod foreign;
pub mod invariants;
mod kills;
mod listen;
mod many;
mod model;
mod ports;
mod scenario;
mod spread;
mod stage;
mod tally;
#[cfg(test)]
mod tests;

pub use drive::rehearse;
pub use error::RehearsalError;
pub use foreign::plant_foreign_mail;
pub use many::rehearse_all;
pub use model::{Breach, Day, Quantiles, Rehearsal, Rehearsed, Said, Spread, SpreadDay, Trouble};
pub use scenario::{At, Fault, Scenario, TO_THE_END, What, receiver_of};
pub use spread::{inbox_rate, quantiles, spread_of};
