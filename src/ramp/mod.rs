//! The ramp: a schedule and the history of days → today's quota, and the reason in words. Pure.
//!
//! [`curve()`] draws the volume of each ramp day; [`position()`] folds the history into the ramp day that today is; [`quota()`] takes
//! that day's volume through calendar, chance and caps; [`project()`] does so for every date to come.

mod curve;
#[cfg(test)]
pub(crate) mod fixtures;
mod model;
mod position;
mod project;
mod quota;

pub use curve::{DrawnCurve, allowed_step, curve, curve_mark, draw_curve};
pub use model::{Caps, CurveMark, DayRecord, FoldStep, OutsideCount, PlannedDay, Position, Quota, Reason};
pub use position::{STEP_BACK, position, rebase};
pub use project::project;
pub use quota::{domain_shares, make_room, quota};
