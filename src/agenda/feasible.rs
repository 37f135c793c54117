//! The proof before anything is sent: what a pool can carry, what bounds it, and how many recipients are wanting.
//!
//! The planner's own pairing runs on the peak of the ramp, as on one steady day of many, with answers counted by expectation. So the proof knows every limit that the planner knows,
//! and costs what one agenda costs.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::make::{answer_limit, start_limit};
use super::model::Participant;
use super::obstacle::{Obstacle, plural};
use super::pairs::{LETTER, Pairs, pair_rate};
use super::roster::{Outside, Roster};
use super::times::{Fit, fit};
use super::turns::{Starter, Turns};
use crate::chance::Seed;
use crate::config::PairLimits;
use crate::words::{Address, Domain, Finding, LocalDate, Provider, Role};

/// Fewer recipients than this outside a warming domain are thin evidence.
const RECIPIENTS: usize = 5;
/// Fewer providers than this are, too.
const PROVIDERS: usize = 2;

/// What the pool carries for one mailbox.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Carry {
    /// Messages a day that its ramp wants at its peak.
    pub wanted: u32,
    /// Messages a day that the pool carries, week after week, answers included: a cap. Never more than wanted.
    pub carries: u32,
    /// What bounds it, in words; `None` where it carries all that is wanted.
    pub limited_by: Option<String>,
    /// Recipients wanting outside its domain to carry all that is wanted; `None` where nothing is wanting, or recipients would not help.
    pub more_recipients: Option<u32>,
    /// Whether a higher `receive_limit` of the recipients that there are would help as well.
    pub receivers_full: bool,
}

/// What a pool can carry.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Feasibility {
    /// Every mailbox for which something is wanted.
    pub per_mailbox: BTreeMap<Address, Carry>,
    /// Why nothing can be sent at all: one mailbox, one domain, one group.
    pub refusals: Vec<Finding>,
    /// Why the evidence of this pool will be thin, for the domain with the fewest recipients: under 5 recipients or under 2 providers.
    pub thin: Option<String>,
    /// One sentence for each domain that falls short, or for several that do so alike: `new.example: target 30, this pool carries 7: 6 more recipients outside new.example would carry 30`.
    pub sentences: Vec<String>,
}

/// Proves what the pool can carry of `wanted`, the largest daily quota that the ramp of each mailbox will ask for.
///
/// The quota of a mailbox that is named in `wanted` is that; of any other (partners) it is its own. What is carried are starts, bounded by the limits of its
/// pairs on a day and in a week, by what recipients may receive, by window and gaps; and the answers which the draws are expected to give (letters
/// received × open × answer, and so on down the thread), at most half. Answers to rescued letters are left out, so the proof errs on the low side.
pub fn carries(participants: &[Participant], limits: &PairLimits, wanted: &BTreeMap<Address, u32>) -> Feasibility {
    let at_peak: Vec<Participant> =
        participants.iter().map(|p| Participant { quota: wanted.get(&p.address).copied().unwrap_or(p.quota), ..p.clone() }).collect();
    let roster = Roster::new(&at_peak);
    let refusals = refusals(&roster);
    let turns = Turns::new(&roster, Seed(0), ANY_DAY);
    let per_mailbox = Proof::new(&roster, &turns, limits).run(wanted);
    let sentences = sentences(&roster, &per_mailbox);
    Feasibility { per_mailbox, refusals, thin: thin(&roster), sentences }
}

/// What a new recipient may receive, as long as nothing else is said.
const DEFAULT_RECEIVE_LIMIT: f64 = 20.0;

/// A Friday far from any change of clocks: a day like another.
const ANY_DAY: LocalDate = LocalDate(NaiveDate::from_ymd_opt(2027, 1, 15).expect("there is such a day"));

struct Proof<'a> {
    roster: &'a Roster<'a>,
    turns: &'a Turns,
    limits: &'a PairLimits,
    pairs: Pairs<'a>,
    fits: Vec<Fit>,
    starts: Vec<u32>,
    /// Expected answers, in thousandths of a letter.
    answers: Vec<u32>,
    /// Chance in thousandths that the mailbox answers a letter from an inbox.
    answers_of_a_letter: Vec<u32>,
    obstacle: Vec<Option<Obstacle>>,
}

impl<'a> Proof<'a> {
    fn new(roster: &'a Roster<'a>, turns: &'a Turns, limits: &'a PairLimits) -> Self {
        let quotas: Vec<u32> = roster.people.iter().map(|p| p.quota).collect();
        let chance = |p: &&Participant| (p.engagement.open * p.engagement.answer * f64::from(LETTER)).clamp(0.0, f64::from(LETTER)) as u32;
        Self {
            roster,
            turns,
            limits,
            pairs: Pairs::of_a_steady_day(roster, turns, limits, Seed(0), ANY_DAY),
            fits: fit(roster, ANY_DAY, &quotas),
            starts: vec![0; roster.len()],
            answers: vec![0; roster.len()],
            answers_of_a_letter: roster.people.iter().map(chance).collect(),
            obstacle: vec![None; roster.len()],
        }
    }

    fn run(mut self, wanted: &BTreeMap<Address, u32>) -> BTreeMap<Address, Carry> {
        self.turns.go_round(&mut self);
        let carried: Vec<u32> = (0..self.roster.len()).map(|i| self.carried(i)).collect();
        let wanting = |i: usize| self.roster.people[i].quota.saturating_sub(carried[i]);
        let pool_wants: u64 = (0..self.roster.len())
            .filter(|&i| wanted.contains_key(&self.roster.people[i].address) && self.obstacle[i].is_some_and(Obstacle::wants_recipients))
            .map(|i| u64::from(wanting(i)))
            .sum();
        let named = (0..self.roster.len()).filter(|&i| wanted.contains_key(&self.roster.people[i].address));
        let carry = named.map(|i| {
            let p = self.roster.people[i];
            let short = wanting(i) > 0;
            let obstacle = self.obstacle[i].filter(|_| short);
            let carry = Carry {
                wanted: p.quota,
                carries: carried[i],
                limited_by: obstacle.map(|o| o.words(self.roster, i, self.limits)),
                receivers_full: obstacle == Some(Obstacle::Receive),
                more_recipients: obstacle.filter(|o| o.wants_recipients()).and_then(|_| self.more_recipients(i, pool_wants)),
            };
            (p.address.clone(), carry)
        });
        carry.collect()
    }

    /// What the week's limit leaves, rounded down; one, where it leaves less than one: it is there on most days.
    fn start_limit(&self, sender: usize) -> (u32, Obstacle) {
        if self.pairs.receivers(sender) == 0 {
            return (0, Obstacle::Alone);
        }
        let pace = self.pairs.pace(sender);
        start_limit(self.roster.people[sender], if pace > 0.0 { (pace as u32).max(1) } else { 0 })
    }

    /// Counts the answers that a start is expected to bring, down its thread.
    fn expect_answers(&mut self, sender: usize, recipient: usize) {
        let (mut from, mut to) = (recipient, sender);
        let mut expected = LETTER;
        for _ in 1..self.limits.thread_length {
            expected = expected * self.answers_of_a_letter[from] / LETTER;
            if expected == 0 || self.answers[from].saturating_add(expected) > self.answer_limit(from) || !self.pairs.has_room(to) {
                return;
            }
            self.answers[from] = self.answers[from].saturating_add(expected);
            self.pairs.receive(to, expected);
            std::mem::swap(&mut from, &mut to);
        }
    }

    /// In thousandths of a letter.
    fn answer_limit(&self, i: usize) -> u32 {
        answer_limit(self.roster.people[i], self.fits[i].letters).saturating_mul(LETTER)
    }

    fn carried(&self, i: usize) -> u32 {
        self.starts[i].saturating_add(self.answers[i] / LETTER).min(self.fits[i].letters)
    }

    /// Recipients wanting so that the pairs of mailbox `i` suffice, and so that somebody may receive what the whole pool cannot place now.
    fn more_recipients(&self, i: usize, pool_wants: u64) -> Option<u32> {
        let p = self.roster.people[i];
        let rate = pair_rate(self.limits, &p.calendar);
        if rate <= 0.0 {
            return None;
        }
        // No more than the window holds can be reached by recipients.
        let starts_wanted = self.fits[i].letters.saturating_sub(self.answers[i] / LETTER);
        let by_pairs = f64::from(starts_wanted) / rate - self.pairs.receivers(i) as f64;
        let limits = self.roster.people.iter().map(|p| u64::from(p.receive_limit)).filter(|&l| l > 0);
        let (sum, count) = limits.fold((0, 0), |(sum, count), l| (sum + l, count + 1));
        let usual_limit = if count == 0 { DEFAULT_RECEIVE_LIMIT } else { (sum as f64 / f64::from(count)).min(DEFAULT_RECEIVE_LIMIT) };
        let by_room = pool_wants as f64 / usual_limit;
        Some((by_pairs.max(by_room).ceil() as u32).max(1))
    }
}

impl Starter for Proof<'_> {
    fn look_ahead(&mut self, seats: &[u32]) {
        for &seat in seats {
            self.pairs.look_ahead(seat as usize);
        }
    }

    fn start_letter(&mut self, seat: usize) -> bool {
        let sender = self.turns.mailbox(seat);
        if self.carried(sender) >= self.fits[sender].letters {
            self.obstacle[sender] = self.fits[sender].obstacle;
            return false;
        }
        let (most, rule) = self.start_limit(sender);
        if self.starts[sender] >= most {
            self.obstacle[sender] = Some(rule);
            return false;
        }
        let Some(recipient) = self.pairs.start(seat) else {
            self.obstacle[sender] = Some(self.pairs.obstacle(seat));
            return false;
        };
        self.starts[sender] += 1;
        self.expect_answers(sender, recipient);
        true
    }
}

fn refusals(roster: &Roster<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    if let [only] = roster.people.as_slice() {
        found.push(
            Finding::error("pool", format!("{} is the only mailbox of the pool: there is nobody to write to", only.address))
                .hint("add mailboxes of other domains that you own, or whose owners agreed"),
        );
    } else if let [domain] = roster.domains.as_slice() {
        found.push(
            Finding::error("pool", format!("all mailboxes of the pool are in {domain}: mail that never leaves a domain warms nothing"))
                .hint("add mailboxes of other domains; letters go only between domains"),
        );
    } else if let Some(group) = roster.people.first().and_then(|p| p.group.as_ref())
        && roster.people.iter().all(|p| p.group.as_ref() == Some(group))
    {
        found.push(
            Finding::error(
                "pool",
                format!("all mailboxes of the pool are in group {group}: mail that never leaves a tenant or host warms nothing"),
            )
            .hint("add mailboxes outside the group; letters go only between groups"),
        );
    } else if !roster.people.is_empty() {
        let receivers = Outside::new(roster, |i| roster.people[i].receive_limit > 0);
        if (0..roster.len()).all(|i| receivers.count(roster, i) == 0) {
            found.push(
                Finding::error("pool", "no mailbox of the pool has anybody to write to")
                    .hint("look at domains, groups and receive_limit: letters go only between domains and between groups"),
            );
        }
    }
    found
}

/// The warming domain with the fewest recipients, where those are few.
fn thin(roster: &Roster<'_>) -> Option<String> {
    let may_receive = |i: usize| roster.people[i].receive_limit > 0;
    let recipients_of = Outside::new(roster, may_receive);
    let at_provider = |&p: &Provider| Outside::new(roster, |i| may_receive(i) && roster.people[i].provider == p);
    let by_provider: Vec<Outside> = Provider::ALL.iter().map(at_provider).collect();
    let provider_count = |sender: usize| by_provider.iter().filter(|p| p.count(roster, sender) > 0).count();
    // One mailbox speaks for its domain: the one that can reach the fewest.
    let sender_of = |domain: usize| roster.of_domain[domain].iter().copied().min_by_key(|&i| recipients_of.count(roster, i));
    let senders = (0..roster.domains.len()).filter(|&d| roster.is_warming(d)).filter_map(sender_of);
    let counted = senders.map(|s| (recipients_of.count(roster, s), provider_count(s), s));
    let (recipients, providers, sender) = counted.filter(|&(r, p, _)| r < RECIPIENTS || p < PROVIDERS).min()?;
    Some(format!(
        "{}: {} at {} outside it; under {RECIPIENTS} recipients or {PROVIDERS} providers the evidence is thin, and never says ready",
        roster.domains[roster.domain[sender]],
        plural(u32::try_from(recipients).unwrap_or(u32::MAX), "recipient"),
        plural(u32::try_from(providers).unwrap_or(u32::MAX), "provider"),
    ))
}

/// What domains have in common that fall short alike: wanted, carried, recipients wanting, receivers full, and in whose own words.
type Alike<'a> = (u32, u32, Option<u32>, bool, &'a str);

/// One sentence for each domain that falls short (for all that fall short alike), about the mailbox of it that falls shortest.
fn sentences(roster: &Roster<'_>, per_mailbox: &BTreeMap<Address, Carry>) -> Vec<String> {
    let mut shortest: BTreeMap<&Domain, &Carry> = BTreeMap::new();
    for (i, p) in roster.people.iter().enumerate().filter(|(_, p)| p.role == Role::Warming) {
        let Some(carry) = per_mailbox.get(&p.address).filter(|c| c.carries < c.wanted) else { continue };
        let worst = shortest.entry(&roster.domains[roster.domain[i]]).or_insert(carry);
        if carry.wanted - carry.carries > worst.wanted - worst.carries {
            *worst = carry;
        }
    }
    // Domains of a kind fall short alike: one sentence for all of them.
    let mut alike: BTreeMap<Alike<'_>, Vec<&Domain>> = BTreeMap::new();
    for (domain, c) in shortest {
        let own_words = c.limited_by.as_deref().filter(|_| c.more_recipients.is_none()).unwrap_or_default();
        alike.entry((c.wanted, c.carries, c.more_recipients, c.receivers_full, own_words)).or_default().push(domain);
    }
    let mut sentences: Vec<(&Domain, String)> = Vec::with_capacity(alike.len());
    for ((wanted, carries, more, full, own_words), domains) in alike {
        let [first, others @ ..] = domains.as_slice() else { continue };
        let (who, outside) = match others.len() {
            0 => (first.to_string(), first.to_string()),
            n => (format!("{first} and {}", plural(n as u32, "more domain")), "each".to_owned()),
        };
        let help = match more {
            Some(n) => format!("{} outside {outside} would carry {wanted}", plural(n, "more recipient")),
            None => own_words.to_owned(),
        };
        let or = if full { ", or a higher `receive_limit`" } else { "" };
        sentences.push((first, format!("{who}: target {wanted}, this pool carries {carries}: {help}{or}")));
    }
    sentences.sort();
    sentences.into_iter().map(|s| s.1).collect()
}
