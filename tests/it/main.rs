//! The integration tests: one binary.
//!
//! Tests on real servers live in modules whose names begin with `rig_`, and are `#[ignore]`d: a bare `cargo test` has no
//! servers. `tests/run` starts them and runs everything.

#[cfg(test)]
mod feasible;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod rig_crash;
#[cfg(test)]
mod rig_day;
#[cfg(test)]
mod rig_pool;
mod rig_self;
#[cfg(test)]
mod rig_time;
#[cfg(test)]
mod story;
