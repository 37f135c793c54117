//! The pool in a fixed order: who shares a domain or a group with whom.

use std::collections::BTreeMap;
use std::num::NonZero;

use super::model::Participant;
use crate::words::{Address, Domain, Role};

/// Different habits that are told apart.
const SHARED_HABITS: usize = 16;

/// The participants ordered by address, with domains and groups numbered. A mailbox is its place in that order.
pub(super) struct Roster<'a> {
    pub people: Vec<&'a Participant>,
    /// The domain of each mailbox, as a place in `domains`.
    pub domain: Vec<usize>,
    /// Every domain, in order.
    pub domains: Vec<Domain>,
    /// The mailboxes of each domain.
    pub of_domain: Vec<Vec<usize>>,
    /// The group of each mailbox, numbered.
    pub group: Vec<Option<usize>>,
    /// Mailboxes of different habits.
    models: Vec<&'a Participant>,
    /// Which of them each mailbox is like; none where there were too many.
    model: Vec<Option<NonZero<u8>>>,
    /// (domain, group) of each mailbox, numbered.
    cell: Vec<usize>,
    groups: usize,
    cells: usize,
}

impl<'a> Roster<'a> {
    pub fn new(participants: &'a [Participant]) -> Self {
        let mut people: Vec<&Participant> = participants.iter().collect();
        people.sort_by(|a, b| a.address.cmp(&b.address));
        people.dedup_by(|a, b| a.address == b.address);

        let mut by_domain: BTreeMap<Domain, Vec<usize>> = BTreeMap::new();
        for (i, p) in people.iter().enumerate() {
            by_domain.entry(p.address.domain()).or_default().push(i);
        }
        let mut domain = vec![0; people.len()];
        for (number, members) in by_domain.values().enumerate() {
            for &i in members {
                domain[i] = number;
            }
        }
        let mut group_numbers: BTreeMap<&str, usize> = BTreeMap::new();
        let group: Vec<Option<usize>> = people
            .iter()
            .map(|p| {
                let next = group_numbers.len();
                p.group.as_deref().map(|g| *group_numbers.entry(g).or_insert(next))
            })
            .collect();
        let mut cell_numbers: BTreeMap<(usize, Option<usize>), usize> = BTreeMap::new();
        let cell = (0..people.len())
            .map(|i| {
                let next = cell_numbers.len();
                *cell_numbers.entry((domain[i], group[i])).or_insert(next)
            })
            .collect();
        let (groups, cells) = (group_numbers.len(), cell_numbers.len());
        let (domains, of_domain) = by_domain.into_iter().unzip();
        let (models, model) = models(&people);
        Self { people, domain, domains, of_domain, group, models, model, cell, groups, cells }
    }

    pub fn len(&self) -> usize {
        self.people.len()
    }

    pub fn find(&self, address: &Address) -> Option<usize> {
        self.people.binary_search_by(|p| p.address.cmp(address)).ok()
    }

    /// Whether one may write to the other: not to itself, not within a domain, not within a group.
    pub fn may_write(&self, sender: usize, recipient: usize) -> bool {
        self.domain[sender] != self.domain[recipient] && (self.group[sender].is_none() || self.group[sender] != self.group[recipient])
    }

    /// A mailbox with the habits of mailbox `i`: its zone, window, calendar and engagement. Many share one, which lies near at hand.
    pub fn habits(&self, i: usize) -> &'a Participant {
        self.model[i].map_or(self.people[i], |n| self.models[usize::from(n.get()) - 1])
    }

    /// Mailboxes of one block never write to each other: the group where there is one, else the domain.
    pub fn block(&self, i: usize) -> usize {
        self.group[i].map_or(self.groups + self.domain[i], |g| g)
    }

    /// Whether reputation is being built for the domain: it has a warming mailbox. Only such a domain keeps a gap of its own: the letters of
    /// partners at one large provider have nothing to do with each other.
    pub fn is_warming(&self, domain: usize) -> bool {
        self.of_domain[domain].iter().any(|&i| self.people[i].role == Role::Warming)
    }
}

/// The first mailboxes of each kind of habits, as long as there are not too many to compare with: a pool has a few schedules.
fn models<'a>(people: &[&'a Participant]) -> (Vec<&'a Participant>, Vec<Option<NonZero<u8>>>) {
    let mut models: Vec<&Participant> = Vec::new();
    let model = people.iter().map(|&p| {
        let known = models.iter().position(|m| have_same_habits(m, p));
        if known.is_none() && models.len() < SHARED_HABITS {
            models.push(p);
        }
        let place = known.or_else(|| models.last().filter(|m| std::ptr::eq(**m, p)).map(|_| models.len() - 1))?;
        NonZero::new(place as u8 + 1)
    });
    let model = model.collect();
    (models, model)
}

fn have_same_habits(a: &Participant, b: &Participant) -> bool {
    a.zone == b.zone && a.window == b.window && a.calendar == b.calendar && a.engagement == b.engagement
}

/// How many mailboxes of some set each mailbox may write to, without looking at pairs.
pub(super) struct Outside {
    total: usize,
    by_domain: Vec<usize>,
    by_group: Vec<usize>,
    by_cell: Vec<usize>,
}

impl Outside {
    /// Counts the mailboxes that `belongs` picks.
    pub fn new(roster: &Roster<'_>, belongs: impl Fn(usize) -> bool) -> Self {
        let mut outside =
            Self { total: 0, by_domain: vec![0; roster.domains.len()], by_group: vec![0; roster.groups], by_cell: vec![0; roster.cells] };
        for i in (0..roster.len()).filter(|&i| belongs(i)) {
            outside.total += 1;
            outside.by_domain[roster.domain[i]] += 1;
            outside.by_cell[roster.cell[i]] += 1;
            if let Some(g) = roster.group[i] {
                outside.by_group[g] += 1;
            }
        }
        outside
    }

    /// Takes a mailbox that was counted out of the set.
    pub fn remove(&mut self, roster: &Roster<'_>, i: usize) {
        self.total -= 1;
        self.by_domain[roster.domain[i]] -= 1;
        self.by_cell[roster.cell[i]] -= 1;
        if let Some(g) = roster.group[i] {
            self.by_group[g] -= 1;
        }
    }

    /// How many of the set mailbox `i` may write to.
    pub fn count(&self, roster: &Roster<'_>, i: usize) -> usize {
        let same_domain = self.by_domain[roster.domain[i]];
        // Those of one domain and one group are counted in both.
        let same_group = roster.group[i].map_or(0, |g| self.by_group[g] - self.by_cell[roster.cell[i]]);
        self.total - same_domain - same_group
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::partner;
    use super::*;

    #[test]
    fn outside_counts_what_may_write_allows() {
        let mut pool: Vec<Participant> =
            ["a@x.test", "b@x.test", "c@y.test", "d@y.test", "e@z.test", "f@w.test"].into_iter().map(partner).collect();
        for (i, group) in [(1, "g"), (2, "g"), (4, "g"), (3, "h"), (5, "h")] {
            pool[i].group = Some(group.to_owned());
        }
        let roster = Roster::new(&pool);
        let mut outside = Outside::new(&roster, |i| i != 2);
        outside.remove(&roster, 5);
        for s in 0..roster.len() {
            let by_hand = [0, 1, 3, 4].into_iter().filter(|&r| roster.may_write(s, r)).count();
            assert_eq!(outside.count(&roster, s), by_hand, "{}", roster.people[s].address);
        }
    }
}
