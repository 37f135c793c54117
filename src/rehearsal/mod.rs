//! The rehearsal: the same executor through a whole ramp, in virtual time, over a modelled world.
//!
//! [`rehearse`] puts the world of `world` behind the ports of `mail`, starts tokio's clock paused, and calls `run` once for each date, as cron
//! would. Afterwards the invariants are held against what the world knows, which comes from no ledger.

mod driver;
mod many;
mod model;
mod scenario;
mod spread;

pub use driver::{RehearsalError, rehearse};
pub use many::rehearse_all;
pub use model::{Breach, Day, Quantiles, Rehearsal, Rehearsed, Said, Spread, SpreadDay, Trouble};
pub use scenario::{At, Fault, Scenario, What};
pub use spread::{inbox_rate, quantiles, spread_of};
