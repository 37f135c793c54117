//! The agenda: quotas → letters of one local date: who writes to whom, when, with every random draw already made. Pure.
//!
//! [`make`] writes a date's agenda, [`respread`] saves what it can of a day begun late, and [`carries`] proves before anything is sent what a
//! pool can carry. The proof runs the planner's own pairing on the peak of the ramp, so that it cannot promise what the planner cannot keep.
//!
//! ```text
//! roster     the pool in a fixed order: who shares a domain or a group with whom
//!   → turns    the order in which its mailboxes take turns, drawn for the date
//!   → times    windows and gaps → the slots of every mailbox
//!   → pairs    limits and recent starts → the next recipient of a mailbox (ring: those with room; mix: their providers)
//!   → draws    a letter's draws, and the answers that they foretell
//!   → make     all of them, start by start
//!   → letters  what came of it, packed
//! ```

mod draws;
mod feasible;
mod letters;
mod make;
mod mix;
mod model;
mod obstacle;
mod pairs;
mod respread;
mod ring;
mod roster;
mod times;
mod turns;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use draws::{ParentFacts, answer_after_rescue, draw};
pub use feasible::{Carry, Feasibility, carries};
pub use letters::Letters;
pub use make::make;
pub use model::{Agenda, Carried, Draws, History, Participant, PlannedLetter, Shortfall};
pub use respread::{LateLetter, Respread, respread};
