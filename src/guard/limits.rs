//! Every number of the guard, in one place, with what it rests on. The design fixes them; no schedule changes them.

use super::ruling::{Measure, Rule};
use crate::words::{Provider, RefusalClass, Verdict};

/// Days of a plain window. A week holds every weekday once, weekend habits of receivers included.
pub(super) const WINDOW_DAYS: u32 = 7;
/// Days of a stretched window. Older than two weeks says little of what a receiver thinks today.
pub(super) const STRETCHED_DAYS: u32 = 14;
/// Letters from which on a window needs no stretching: at 30 one letter is worth 3 %, less than the distance of two rules.
pub(super) const ENOUGH: u64 = 30;
/// Letters from which on a placement rate is judged. Below it Wilson's bound errs more often than it says (of four letters with a true
/// share of 20 % two are bad in 18 of 100 cases, which the 90 % bound would punish).
pub(super) const JUDGED_FROM: u64 = 10;
/// Send-days after a restart during which fewer than [`JUDGED_FROM`] letters hold the position.
pub(super) const HELD_SEND_DAYS: usize = 3;
/// Send-days at the floor without relief after which sending stops: engagement had a working week and two days to cure it.
pub(super) const FLOOR_SEND_DAYS: usize = 7;
/// Days without sending of every pause that has an end.
pub(super) const PAUSE_DAYS: u32 = 7;
/// Send-days that the rule for a sudden fall looks at.
pub(super) const SUDDEN_SEND_DAYS: usize = 2;
/// Recipients that refuse the sender's authentication: one may have a broken checker, two mean that it is ours.
pub(super) const AUTHENTICATION_RECIPIENTS: usize = 2;
/// Hours of rest after the sending account's own limit: providers count over rolling 24 hours.
pub(super) const OWN_QUOTA_HOURS: u64 = 24;
/// Send-days for which a receiving provider in breach gets a quarter of its share.
pub(super) const QUARTER_SEND_DAYS: usize = 3;
/// Per cent of the domain's letters from which on a provider in breach holds the domain.
pub(super) const CARRIES_PER_CENT: u64 = 30;

/// The classes of refusal that say something of the sender. A recipient who is gone, full or switched off says nothing of it; rate, quota
/// and sign-in have rules of their own.
pub(super) const ABOUT_THE_SENDER: &[RefusalClass] =
    &[RefusalClass::Policy, RefusalClass::Reputation, RefusalClass::Authentication, RefusalClass::Content, RefusalClass::Blocklist];

/// Whether a receiving provider lets a sender know of single complaints. Gmail does not: there is no feedback loop by message (2026-11).
pub(super) const fn reports_complaints(provider: Provider) -> bool {
    !matches!(provider, Provider::Gmail)
}

/// A rule that compares so-and-so many of so-and-so many with a limit. It speaks where all that it asks for is so.
pub(super) struct RateRule {
    /// Its name.
    pub rule: Rule,
    /// What it says.
    pub verdict: Verdict,
    /// Hits at least.
    pub hits: u64,
    /// Of how many at least.
    pub of: u64,
    /// What is compared.
    pub measure: Measure,
    /// With what, in thousandths.
    pub limit: u64,
    /// Whether the limit itself is enough.
    pub or_equal: bool,
    /// Whether the hits alone are enough where nobody knows of how many.
    pub by_count: bool,
}

/// Placement: of n = bad + inbox + category letters, bad = spam + missing. Harshest first.
pub(super) const PLACEMENT: &[RateRule] = &[
    RateRule {
        rule: Rule::Floor,
        verdict: Verdict::Floor,
        hits: 0,
        of: JUDGED_FROM,
        measure: Measure::Lower95,
        limit: 400,
        or_equal: false,
        by_count: false,
    },
    RateRule {
        rule: Rule::StepBack,
        verdict: Verdict::StepBack,
        hits: 0,
        of: JUDGED_FROM,
        measure: Measure::Lower90,
        limit: 200,
        or_equal: false,
        by_count: false,
    },
    RateRule {
        rule: Rule::PlacementHold,
        verdict: Verdict::Hold,
        hits: 3,
        of: JUDGED_FROM,
        measure: Measure::Share,
        limit: 100,
        or_equal: false,
        by_count: false,
    },
];

/// Placement of the last two send-days alone: a sudden fall, which a week's window would see late.
pub(super) const SUDDEN: RateRule = RateRule {
    rule: Rule::SuddenFloor,
    verdict: Verdict::Floor,
    hits: 0,
    of: 8,
    measure: Measure::Share,
    limit: 750,
    or_equal: true,
    by_count: false,
};

/// Bounces that are about the sender, of what was sent in their scope. 5 % is where published plans stop to grow.
pub(super) const BOUNCES: &[RateRule] = &[
    RateRule {
        rule: Rule::BouncePause,
        verdict: Verdict::Pause,
        hits: 3,
        of: 0,
        measure: Measure::Lower95,
        limit: 50,
        or_equal: false,
        by_count: false,
    },
    RateRule {
        rule: Rule::BounceHold,
        verdict: Verdict::Hold,
        hits: 2,
        of: 0,
        measure: Measure::Share,
        limit: 30,
        or_equal: false,
        by_count: true,
    },
];

/// Complaints, of what was sent in their scope to providers that report them. 0.1 % and 0.3 % are the large receivers' own lines.
pub(super) const COMPLAINTS: &[RateRule] = &[
    RateRule {
        rule: Rule::ComplaintPause,
        verdict: Verdict::Pause,
        hits: 3,
        of: 0,
        measure: Measure::Share,
        limit: 3,
        or_equal: true,
        by_count: true,
    },
    RateRule {
        rule: Rule::ComplaintHold,
        verdict: Verdict::Hold,
        hits: 1,
        of: 0,
        measure: Measure::Share,
        limit: 1,
        or_equal: true,
        by_count: true,
    },
];
