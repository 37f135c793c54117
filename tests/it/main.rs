//! The integration tests: one binary.
//!
//! Tests on real servers live in modules whose names begin with `rig_`, and are `#[ignore]`d: a bare `cargo test` has no
//! servers. `tests/run` starts them and runs everything.
#![cfg(test)]

mod allowance;
mod cli;
mod clients;
mod demo;
mod events;
mod fault_account;
mod fault_trial;
mod feasible;
mod hostile;
mod ledger;
mod ledger_outside;
mod ledger_sums;
mod ledger_tidy;
mod prune;
mod ramps;
mod rig;
mod rig_back;
mod rig_clock;
mod rig_crash;
mod rig_day;
mod rig_isolation;
mod rig_kills;
mod rig_luck;
mod rig_luck_imap;
mod rig_luck_marks;
mod rig_luck_smtp;
mod rig_pool;
mod rig_power;
mod rig_self;
mod rig_tidy;
mod rig_time;
mod sandbox;
mod score;
mod secrets;
mod story;
mod sweep;
mod sweep_pool;
mod tally;
mod warm;
