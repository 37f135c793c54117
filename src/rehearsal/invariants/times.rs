//! Invariant 1, times: dates, windows, send-days, gaps, pauses and suspensions.

use std::collections::BTreeMap;
use std::time::Duration;

use super::case::{Case, Member, date_in, share_of_day, wall_clock};
use super::found::Found;
use crate::ledger::{PauseRow, PauseScope};
use crate::words::{Address, Domain, Moment};
use crate::world::Submission;

pub(super) fn check(case: &Case<'_>, pauses: &[PauseRow], found: &mut Found) {
    for s in &case.taken {
        let Some(member) = case.members.get(&s.from) else { continue };
        on_its_date(case, s, member, found);
        inside_window(case, s, member, found);
        not_while_paused(case, s, member, pauses, found);
    }
    keeps_gaps(case, found);
    not_to_suspended(case, found);
}

/// A letter counts against the sender's local date on which it was handed over, and on no other.
fn on_its_date(case: &Case<'_>, s: &Submission, member: &Member<'_>, found: &mut Found) {
    let Some(letter) = s.letter.and_then(|id| case.letter(id)) else { return };
    let (zone, counted) = (member.mailbox.zone, letter.plan.date);
    // The final dot may fall behind midnight when the intent was before it.
    let (date, earlier) = (date_in(s.at, zone), date_in(s.at - case.facts.slack, zone));
    if counted != date && counted != earlier {
        found.add(1, s.letter, || {
            format!("{} handed a letter over at {}: that is {date} in {zone}, but it counts for {counted}", s.from, s.at)
        });
    }
}

/// Nothing is sent outside the window of the sender's zone, nor on a day without sending.
fn inside_window(case: &Case<'_>, s: &Submission, member: &Member<'_>, found: &mut Found) {
    let zone = member.mailbox.zone;
    let date = date_in(s.at, zone);
    if share_of_day(member.schedule.map(|s| &s.calendar), date) <= 0.0 {
        found.add(1, s.letter, || format!("{} sent on {date}, on which it does not send", s.from));
    }
    let (open, close) = (wall_clock(date, member.window.from, zone), wall_clock(date, member.window.to, zone));
    if s.at < open || s.at >= close + case.facts.slack {
        found.add(1, s.letter, || {
            let (from, to) = (member.window.from.format("%H:%M"), member.window.to.format("%H:%M"));
            format!("{} sent at {}, outside its window {from} to {to} of {zone}: {open} to {close}", s.from, s.at)
        });
    }
}

/// Nothing is sent while a pause holds. Only those still in force are known.
fn not_while_paused(case: &Case<'_>, s: &Submission, member: &Member<'_>, pauses: &[PauseRow], found: &mut Found) {
    let stops = |p: &&PauseRow| match &p.scope {
        PauseScope::All => true,
        PauseScope::Domain(domain) => *domain == member.domain,
        PauseScope::Mailbox(mailbox) => *mailbox == s.from,
    };
    if let Some(pause) = pauses.iter().filter(stops).find(|p| s.at >= p.since + case.facts.slack) {
        found.add(1, s.letter, || format!("{} sent at {}, although {} is paused since {}", s.from, s.at, pause.scope, pause.since));
    }
}

/// A mailbox's letters keep their distance, and a domain's theirs.
fn keeps_gaps(case: &Case<'_>, found: &mut Found) {
    let mut of_mailbox: BTreeMap<&Address, Moment> = BTreeMap::new();
    let mut of_domain: BTreeMap<&Domain, (Moment, &Address)> = BTreeMap::new();
    for s in &case.taken {
        let Some(member) = case.members.get(&s.from) else { continue };
        let too_near = |before: Moment, gap: Duration| s.at.since(before) + case.facts.slack < gap;
        if let Some(before) = of_mailbox.insert(&s.from, s.at).filter(|b| too_near(*b, member.window.mailbox_gap)) {
            let (gap, apart) = (member.window.mailbox_gap, s.at.since(before));
            found.add(1, s.letter, || format!("{} sent at {}, {apart:?} after its last: its mailbox_gap is {gap:?}", s.from, s.at));
        }
        let Some((before, by)) = of_domain.insert(&member.domain, (s.at, &s.from)) else { continue };
        if *by != s.from && too_near(before, member.window.domain_gap) {
            let (gap, apart) = (member.window.domain_gap, s.at.since(before));
            found.add(1, s.letter, || format!("{} sent at {}, {apart:?} after {by}: the domain_gap is {gap:?}", s.from, s.at));
        }
    }
}

/// Nobody who is suspended gets a letter, nor is one offered to its server.
fn not_to_suspended(case: &Case<'_>, found: &mut Found) {
    let mut suspended: BTreeMap<&Address, Vec<(Moment, Moment)>> = BTreeMap::new();
    for (who, since, until) in case.facts.suspended {
        suspended.entry(who).or_default().push((*since, *until));
    }
    for s in case.offered {
        let Some(times) = suspended.get(&s.to) else { continue };
        if let Some((since, until)) = times.iter().find(|(since, until)| s.at >= *since + case.facts.slack && s.at < *until) {
            let what = if s.accepted { "got" } else { "was offered" };
            found.add(1, s.letter, || {
                format!("{} {what} a letter of {} at {}, while suspended from {since} to {until}", s.to, s.from, s.at)
            });
        }
    }
}
