//! The ramp: a schedule and the history of days → today's quota, and the reason in words. Pure.

mod model;

pub use model::{Caps, DayRecord, FoldStep, PlannedDay, Position, Quota, Reason};
