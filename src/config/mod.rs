//! `preheat.yaml` and `schedules/*.yaml`: checked types, every error at once.
//!
//! [`model`] is what the rest of preheat sees.

pub mod model;

pub use model::*;
