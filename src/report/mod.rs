//! Reports: model → text, JSON, CSV, SVG. Pure: nothing is printed here, and how wide a terminal is and whether it has colours is for the
//! caller to say. Every text works without colour.

pub mod allowance;
pub mod chart;
pub mod explain;
pub mod health;
mod markup;
pub mod plan;
pub mod ready;
pub mod rehearsal;
pub mod space;
pub mod status;
pub mod suspended;
mod svg;
pub mod table;

pub use explain::{ExplainReport, LastError, TodayFacts};
pub use plan::{MailboxPlan, PlanReport};
pub use table::{Align, Table, indented, wrapped};
