//! What a person sees of a rehearsal: text, JSON, SVG, and the demo's page. Everything in it comes from the modelled world, and says so.

mod brief;
mod chart;
mod compare;
mod draw;
mod figures;
mod page;
mod panels;
mod spread;
mod svg;
mod text;
mod weeks;
mod wording;

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;

pub use brief::{broken_text, scenarios_text, to_brief};
pub use compare::{Side, compare_json, compare_text};
pub use page::{DemoDay, DemoFate, DemoLetter, DemoMailbox, DemoPage, DemoScenario, page};
pub use spread::{spread_json, spread_text};
pub use svg::{compare_svg, spread_svg, to_svg};
pub use text::{to_json, to_text};
pub use wording::capitalised;
