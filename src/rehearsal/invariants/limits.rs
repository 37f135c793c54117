//! Invariant 1, who writes to whom: pairs, and what a recipient takes.

use std::collections::BTreeMap;

use super::case::{Case, date_in};
use super::found::Found;
use crate::words::{Address, LetterId, LocalDate};

pub(super) fn check(case: &Case<'_>, found: &mut Found) {
    only_strangers(case, found);
    within_pair_limits(case, found);
    within_receive_limits(case, found);
}

/// Nobody writes to itself, within its own domain, or within its own group.
fn only_strangers(case: &Case<'_>, found: &mut Found) {
    for s in &case.taken {
        let (Some(from), Some(to)) = (case.members.get(&s.from), case.members.get(&s.to)) else { continue };
        let one_group = from.mailbox.group.is_some() && from.mailbox.group == to.mailbox.group;
        if from.domain == to.domain || one_group {
            found.add(1, s.letter, || format!("{} wrote to {}, which is of its own domain or group", s.from, s.to));
        }
    }
}

/// Starts of a directed pair: so many on one local date of the sender, so many in seven.
fn within_pair_limits(case: &Case<'_>, found: &mut Found) {
    let mut starts: BTreeMap<(&Address, &Address), Vec<(LocalDate, LetterId)>> = BTreeMap::new();
    for s in &case.taken {
        let (Some(member), Some(letter)) = (case.members.get(&s.from), s.letter.and_then(|id| case.letter(id))) else { continue };
        if letter.plan.parent.is_none() {
            starts.entry((&s.from, &s.to)).or_default().push((date_in(s.at, member.mailbox.zone), letter.plan.id));
        }
    }
    let limits = &case.config.pairs;
    for ((from, to), mut dates) in starts {
        dates.sort_unstable();
        // One more than the limit, and they lie within the time of the limit: too many.
        for (most, days) in [(limits.max_per_pair, 1), (limits.max_per_pair_week, 7)] {
            let too_many = dates.windows(most as usize + 1).find(|w| matches!(w, [first, .., last] if last.0.days_since(first.0) < days));
            if let Some([first, .., last]) = too_many {
                let (n, over) = (most + 1, if days == 1 { "on one date" } else { "in seven days" });
                found.add(1, Some(last.1), || {
                    format!("{from} started {n} letters to {to} from {} to {}: at most {most} {over}", first.0, last.0)
                });
            }
        }
    }
}

/// Letters to a mailbox that count for one date of their senders: at most its `receive_limit`.
fn within_receive_limits(case: &Case<'_>, found: &mut Found) {
    let mut received: BTreeMap<(&Address, LocalDate), u32> = BTreeMap::new();
    for s in &case.taken {
        let Some(letter) = s.letter.and_then(|id| case.letter(id)) else { continue };
        *received.entry((&s.to, letter.plan.date)).or_default() += 1;
    }
    for ((to, date), n) in received {
        let limit = case.members.get(to).map_or(u32::MAX, |m| m.mailbox.receive_limit);
        if n > limit {
            found.add(1, None, || format!("{to} got {n} letters that count for {date}, its receive_limit is {limit}"));
        }
    }
}
