//! Invariant 1, numbers: what was sent on a local date against its quota, and the quota against what schedule and caps allow.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::bounds::{Bounds, in_share};
use super::case::{Case, Member, share_of_day};
use super::found::Found;
use crate::config::provider_facts;
use crate::ledger::DayRow;
use crate::words::{Address, Domain, LocalDate, Moment, SkipReason, Verdict};

/// What a step back takes off the position, in ramp days.
const STEP_BACK: u32 = 5;

pub(super) fn check(case: &Case<'_>, found: &mut Found) {
    within_quota(case, found);
    at_most_half_answers(case, found);
    quotas_within_bounds(case, found);
    ramp_days_are_earned(case, found);
    within_domain_caps(case, found);
    within_provider_limits(case, found);
}

/// No mailbox sends more than its quota on a local date.
fn within_quota(case: &Case<'_>, found: &mut Found) {
    for ((mailbox, date), sent) in &case.sent {
        match case.day(mailbox, *date) {
            Some(day) if sent.all <= day.plan.quota => {}
            Some(day) => {
                found.add(1, sent.last, || format!("{mailbox} sent {} on {date}, its quota is {}", sent.all, day.plan.quota));
            }
            None => found.add(1, sent.last, || format!("{mailbox} sent {} on {date}, for which it has no quota", sent.all)),
        }
    }
}

/// Answers take at most half of a warming mailbox's quota.
fn at_most_half_answers(case: &Case<'_>, found: &mut Found) {
    for ((mailbox, date), sent) in &case.sent {
        let Some(day) = case.day(mailbox, *date).filter(|_| case.members.get(mailbox).is_some_and(Member::is_warming)) else { continue };
        let quota = planned_quota(day);
        if sent.answers > quota / 2 {
            found.add(1, None, || format!("{mailbox} sent {} answers on {date}, more than half of its quota of {quota}", sent.answers));
        }
    }
}

/// A day's quota as its agenda was made for it: a pause of the guard in mid-day takes off what was not sent by then.
fn planned_quota(day: &DayRow) -> u32 {
    let reasons: Vec<serde_json::Value> = serde_json::from_str(&day.plan.reasons).unwrap_or_default();
    let planned = reasons.last().and_then(|reason| u32::try_from(reason["value"].as_u64()?).ok());
    planned.filter(|_| day.verdict == Some(Verdict::Pause)).unwrap_or(day.plan.quota)
}

/// A quota is never above what its ramp day allows by the schedule, nor above the mailbox's own caps.
fn quotas_within_bounds(case: &Case<'_>, found: &mut Found) {
    let mut bounds: BTreeMap<&str, Bounds> = BTreeMap::new();
    for day in &case.history.days {
        let (plan, quota) = (&day.plan, day.plan.quota);
        let Some(member) = case.members.get(&plan.mailbox) else { continue };
        let mut over = |most: u32, what: &str| {
            if quota > most {
                found.add(1, None, || format!("the quota of {} on {} is {quota}, {what} {most}", plan.mailbox, plan.date));
            }
        };
        let Some(schedule) = member.schedule else {
            over(member.mailbox.send_limit, "a partner's send_limit is");
            continue;
        };
        let share = share_of_day(Some(&schedule.calendar), plan.date);
        let most = bounds.entry(&schedule.name).or_insert_with(|| Bounds::of(schedule)).most(plan.ramp_day.0);
        over(in_share(most, share), &format!("ramp day {} of {} has at most", plan.ramp_day, schedule.name));
        over(member.mailbox.daily_cap.unwrap_or(u32::MAX), "the mailbox's daily_cap is");
        if member.mailbox.start_on.is_some_and(|start| plan.date < start) {
            over(0, "its ramp has not begun, so it is at most");
        }
    }
}

/// The position rises by one at most for each day that was earned by what the world took, and falls with what the guard said.
fn ramp_days_are_earned(case: &Case<'_>, found: &mut Found) {
    let unoffered = unoffered_by_day(case);
    for days in case.history.days.chunk_by(|a, b| a.plan.mailbox == b.plan.mailbox) {
        let Some(first) = days.first().filter(|d| case.members.get(&d.plan.mailbox).is_some_and(Member::is_warming)) else { continue };
        let (mut highest, mut curve) = (1, first.plan.curve);
        for day in days {
            let plan = &day.plan;
            if plan.curve != curve {
                // A changed schedule keeps the position by quota: where that is on the new one is not for this check to say.
                (highest, curve) = (plan.ramp_day.0, plan.curve);
            }
            if plan.ramp_day.0 > highest {
                found.add(1, None, || {
                    format!(
                        "{} is on ramp day {} on {}, but only {} were earned before",
                        plan.mailbox,
                        plan.ramp_day,
                        plan.date,
                        highest - 1
                    )
                });
                highest = plan.ramp_day.0;
            }
            highest = match day.verdict {
                Some(Verdict::Hold | Verdict::Pause | Verdict::Rest) => highest,
                Some(Verdict::StepBack) => highest.saturating_sub(STEP_BACK).max(1),
                Some(Verdict::Floor) => 1,
                Some(Verdict::Advance) | None => highest + u32::from(is_earned(case, day, &unoffered)),
            };
        }
    }
}

/// Letters of each day that were skipped although nothing was wrong with their sender.
fn unoffered_by_day<'a>(case: &Case<'a>) -> BTreeMap<(&'a Address, LocalDate), u32> {
    let mut days = BTreeMap::new();
    for letter in case.history.letters.iter().filter(|l| l.skip_reason.is_some_and(SkipReason::is_not_offered)) {
        *days.entry((&letter.plan.sender, letter.plan.date)).or_default() += 1;
    }
    days
}

/// Whether a day counts: at least half of the quota could be offered, and what was taken falls short of that by one message or a fifth at most.
fn is_earned(case: &Case<'_>, day: &DayRow, unoffered: &BTreeMap<(&Address, LocalDate), u32>) -> bool {
    let which = (&day.plan.mailbox, day.plan.date);
    let sent = case.sent.get(&which).map_or(0, |s| s.all);
    let offered = day.plan.quota.saturating_sub(unoffered.get(&which).copied().unwrap_or(0));
    let short = offered.saturating_sub(sent);
    sent > 0 && u64::from(offered) * 2 >= u64::from(day.plan.quota) && (short <= 1 || u64::from(short) * 5 <= u64::from(offered))
}

/// What a domain's warming mailboxes send on a date, each on its own local one, stays under the domain's cap.
fn within_domain_caps(case: &Case<'_>, found: &mut Found) {
    let mut sums: BTreeMap<(&Domain, LocalDate), u32> = BTreeMap::new();
    for ((mailbox, date), sent) in &case.sent {
        let Some(member) = case.members.get(mailbox).filter(|m| m.is_warming()) else { continue };
        *sums.entry((&member.domain, *date)).or_default() += sent.all;
    }
    for ((domain, date), sum) in sums {
        let cap = case.config.domains.get(domain).and_then(|d| d.daily_cap);
        if let Some(cap) = cap.filter(|cap| sum > *cap) {
            found.add(1, None, || format!("{domain} sent {sum} on {date}, its daily_cap is {cap}"));
        }
    }
}

/// No 24 hours hold more messages of a warming mailbox than its provider allows.
fn within_provider_limits(case: &Case<'_>, found: &mut Found) {
    let mut last_day: BTreeMap<&Address, VecDeque<Moment>> = BTreeMap::new();
    for s in &case.taken {
        let Some(member) = case.members.get(&s.from).filter(|m| m.is_warming()) else { continue };
        let Some(limit) = provider_facts(member.mailbox.provider).daily_limit_of(&member.domain) else { continue };
        let recent = last_day.entry(&s.from).or_default();
        recent.push_back(s.at);
        while recent.front().is_some_and(|at| s.at.since(*at) >= Duration::from_hours(24)) {
            recent.pop_front();
        }
        if recent.len() > limit as usize {
            let n = recent.len();
            found.add(1, s.letter, || format!("{} sent {n} in the 24 hours before {}, its provider allows {limit}", s.from, s.at));
        }
    }
}
