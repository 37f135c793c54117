//! `preheat.yaml` and `schedules/*.yaml`: checked types, every error at once.
//!
//! [`model`] is what the rest of preheat sees.

pub mod findings;
pub mod keys;
pub mod model;
pub mod read;
pub mod scalars;
pub mod schedule;
pub mod schedule_keys;
mod syntax;
pub mod table;
pub mod tree;

pub use model::*;
