//! The integration tests: one binary.
//!
//! Tests on real servers live in modules whose names begin with `rig_`, and are `#[ignore]`d: a bare `cargo test` has no
//! servers. `tests/run` starts them and runs everything.

#[cfg(test)]
mod rig;
#[cfg(test)]
mod rig_day;
#[cfg(test)]
mod rig_luck;
#[cfg(test)]
mod rig_luck_imap;
#[cfg(test)]
mod rig_luck_marks;
#[cfg(test)]
mod rig_luck_smtp;
mod rig_self;
