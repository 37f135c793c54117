//! The agenda: quotas → letters of one local date: who writes to whom, when, with every random draw already made. Pure.

mod model;

pub use model::{Agenda, Carried, Draws, History, Participant, PlannedLetter, Shortfall};
