//! The recipients' providers against their wanted shares.

use std::collections::BTreeMap;

use super::model::History;
use super::roster::Roster;
use crate::config::PairLimits;
use crate::words::Provider;

/// What is left of the share of a provider that the guard found in breach.
const QUARTER: f64 = 0.25;

/// The recipients' providers, as each sending domain has them, against the wanted shares.
pub(super) struct Mix {
    wanted: [f64; Provider::ALL.len()],
    /// By sending domain.
    of_domain: Vec<Shares>,
    /// Starts of a domain to each at most, where the guard gives one a quarter of its share.
    most: BTreeMap<usize, [u32; Provider::ALL.len()]>,
}

/// How one domain's starts are shared among providers.
#[derive(Clone, Copy)]
struct Shares {
    /// Starts to each.
    counts: [u32; Provider::ALL.len()],
    /// All its starts.
    total: u32,
}

impl Mix {
    pub fn new(roster: &Roster<'_>, limits: &PairLimits, history: &History) -> Self {
        let mut wanted = [0.0; Provider::ALL.len()];
        let mut room = [0.0; Provider::ALL.len()];
        for p in &roster.people {
            room[p.provider as usize] += f64::from(p.receive_limit);
        }
        // What the config leaves open is shared as the pool is made up: by what its mailboxes may receive.
        let named: f64 = limits.provider_mix.values().sum();
        let unnamed = |p: &&Provider| !limits.provider_mix.contains_key(p);
        let room_of_unnamed: f64 = Provider::ALL.iter().filter(unnamed).map(|&p| room[p as usize]).sum();
        for &p in Provider::ALL {
            let natural = if room_of_unnamed > 0.0 { (1.0 - named).max(0.0) * room[p as usize] / room_of_unnamed } else { 0.0 };
            wanted[p as usize] = limits.provider_mix.get(&p).copied().unwrap_or(natural);
        }
        let mut most = BTreeMap::new();
        for (d, domain) in roster.domains.iter().enumerate() {
            let letters: u32 = roster.of_domain[d].iter().map(|&i| roster.people[i].quota).fold(0, u32::saturating_add);
            for &provider in history.quarters.get(domain).into_iter().flatten() {
                // One at least: without a letter nobody sees whether it got better.
                let most = most.entry(d).or_insert([u32::MAX; Provider::ALL.len()]);
                most[provider as usize] = (f64::from(letters) * wanted[provider as usize] * QUARTER).ceil().max(1.0) as u32;
            }
        }
        let none = Shares { counts: [0; Provider::ALL.len()], total: 0 };
        Self { wanted, of_domain: vec![none; roster.domains.len()], most }
    }

    /// Whether a domain may write to a provider once more.
    pub fn has_room(&self, domain: usize, provider: Provider) -> bool {
        self.most.get(&domain).is_none_or(|most| self.of_domain[domain].counts[provider as usize] < most[provider as usize])
    }

    pub fn count(&mut self, domain: usize, provider: Provider) {
        let shares = &mut self.of_domain[domain];
        shares.counts[provider as usize] += 1;
        shares.total += 1;
    }

    /// Letters that the provider would have beyond its share, were the next one its.
    pub fn excess(&self, domain: usize, provider: Provider) -> f64 {
        let shares = &self.of_domain[domain];
        f64::from(shares.counts[provider as usize] + 1) - self.wanted[provider as usize] * f64::from(shares.total + 1)
    }
}
