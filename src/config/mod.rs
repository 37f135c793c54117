//! `preheat.yaml` and `schedules/*.yaml`: checked types, every error at once.
//!
//! [`model`] is what the rest of preheat sees. On the way there:
//!
//! ```text
//! text → tree       YAML, every key and value with its place
//!      → read       sections by their tables (keys, schedule_keys): kinds, units, ranges, nearest keys
//!      → schedule, mailbox, server, load   what only holds between values
//! ```
//!
//! The tables also make `preheat schema` ([`schema`]) and the reference in the docs ([`reference_markdown`]).

mod beside;
pub(crate) mod fields;
pub(crate) mod findings;
pub mod init;
pub(crate) mod keys;
mod load;
mod mailbox;
pub mod model;
mod outside;
mod providers;
pub(crate) mod read;
pub(crate) mod reference;
pub(crate) mod scalars;
mod schedule;
mod schedule_keys;
pub mod schema;
mod server;
pub(crate) mod shipped;
pub(crate) mod syntax;
pub(crate) mod table;
#[cfg(test)]
mod tests;
mod tidy;
pub(crate) mod tree;

pub use beside::{Beside, Folder, Nothing, SecretFileFault};
pub use load::{ConfigError, load, parse};
pub use model::*;
pub use providers::{ProviderFacts, ServerFacts, provider_facts, provider_of_domain};
pub use reference::reference_markdown;
pub use schedule::{ReadSchedule, parse_schedule};
pub use shipped::{schedule_by_name, shipped_schedules};
