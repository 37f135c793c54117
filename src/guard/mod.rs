//! The guard: signals and placements → verdict, with the reason in words. Pure.
//!
//! [`judge`] takes the [`Facts`] of a mailbox or, pooled by [`pool_to_judge`], of a domain, and says what every rule of the design's table says of
//! them; [`judge_routes`] does so for a domain's receiving providers. The harsher of mailbox and domain wins ([`Judgement::harsher`]), and its
//! [`Verdict`](crate::words::Verdict) is what the ramp folds. [`health`] puts the same facts into a number from 0 to 100 whose parts are
//! shown, and [`ready`] says whether a domain is warm, what is wanting, and when it could be.
//!
//! Rules that hold are cheap and early; rules that punish need confidence. Every number stands in `limits`, every ruling carries its own.

mod facts;
mod health;
mod judge;
mod limits;
mod placement;
mod ready;
mod routes;
mod ruling;
mod signals;
mod standing;
#[cfg(test)]
mod tests;
mod wilson;
mod window;
mod wording;

pub use facts::{
    AccountTrouble, Aged, Bounces, CheckFacts, Complaints, DayFacts, Facts, Letters, PastVerdict, Subject, TroubleKind, pool_to_describe,
    pool_to_judge,
};
pub use health::{Health, HealthPart, Observed, Placements, ProviderHealth, health};
pub use judge::judge;
pub use ready::{Coming, Condition, RampFacts, Ready, ReadyFacts, Wanting, ready};
pub use routes::{PastRoute, Quarter, RouteJudgement, judge_routes, with_routes};
pub use ruling::{Bound, Judgement, Measure, Rule, Ruling, Until};
pub use standing::pause_on;
pub use wilson::{Interval, Z_90_ONE_SIDED, Z_95_TWO_SIDED, wilson};
pub use window::{Restart, Window};
