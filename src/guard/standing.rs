//! What stands already: a pause that has not ended, an account that cannot send.

use std::time::Duration;

use super::facts::{AccountTrouble, Facts, TroubleKind};
use super::limits::{OWN_QUOTA_HOURS, PAUSE_DAYS};
use super::placement::half_of_last_quota;
use super::ruling::{Rule, Ruling, Until};
use super::window::{Restart, Window};
use crate::words::{LocalDate, Verdict};

/// The pause that goes on, and every rest.
pub(super) fn rulings(facts: &Facts) -> Vec<Ruling> {
    let rests = facts.troubles.iter().filter_map(|trouble| rest(facts, trouble));
    pause_goes_on(facts).into_iter().chain(rests).collect()
}

fn pause_goes_on(facts: &Facts) -> Option<Ruling> {
    let (since, until) = pause_on(facts)?;
    let window =
        Window { from: since, restarted_by: Some(Restart { date: since, verdict: Verdict::Pause }), ..Window::of_date(facts.date) };
    Some(Ruling {
        numerator: u64::try_from(facts.date.days_since(since)).unwrap_or(0),
        denominator: matches!(until, Until::Date(_)).then_some(u64::from(PAUSE_DAYS)),
        until: Some(until),
        reentry_quota: half_of_last_quota(facts),
        ..Ruling::on(facts, Rule::PauseGoesOn, Verdict::Pause, window)
    })
}

/// The date of the verdict that paused, and until when, where that is not over on the facts' date.
pub fn pause_on(facts: &Facts) -> Option<(LocalDate, Until)> {
    let mut before = facts.history.range(..facts.date).rev();
    let (last, past) = before.next().filter(|(_, past)| past.verdict == Verdict::Pause)?;
    // Each day of a pause is a pause: it began with the first that has the same end.
    let since = before.take_while(|(_, earlier)| *earlier == past).last().map_or(*last, |(date, _)| *date);
    let until = past.until?;
    let over = match until {
        Until::Date(date) => facts.date >= date,
        Until::Moment(moment) => facts.now >= moment,
        // The verdict takes effect on the next date; a check of the same one may have been before what it is about.
        Until::CheckIsClean => facts.check.is_some_and(|check| check.errors == 0 && check.date > since),
        Until::PersonActs => false,
    };
    let lifted = facts.lifted_on.is_some_and(|date| date > since);
    (!over && !lifted).then_some((since, until))
}

fn rest(facts: &Facts, trouble: &AccountTrouble) -> Option<Ruling> {
    let (rule, until) = match trouble.kind {
        TroubleKind::OwnQuota => (Rule::OwnQuota, Until::Moment(trouble.at + Duration::from_hours(OWN_QUOTA_HOURS))),
        TroubleKind::SignIn => (Rule::SignIn, Until::PersonActs),
        TroubleKind::Suspended => (Rule::Suspended, Until::PersonActs),
        TroubleKind::InvalidGrant => (Rule::InvalidGrant, Until::PersonActs),
    };
    if matches!(until, Until::Moment(end) if facts.now >= end) {
        return None;
    }
    let figures = Ruling::on(facts, rule, Verdict::Rest, Window::of_date(facts.date));
    Some(Ruling { numerator: 1, until: Some(until), ..figures })
}
