//! The integration tests: one binary.
//!
//! Tests on real servers live in modules whose names begin with `rig_`, and are `#[ignore]`d: a bare `cargo test` has no
//! servers. `tests/run` starts them and runs everything.

#[cfg(test)]
mod cli;
#[cfg(test)]
mod ramps;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod rig_day;
mod rig_self;
