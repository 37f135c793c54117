//! Limits and recent starts → the next recipient of a mailbox.
//!
//! In a small pool every recipient is weighed. In a large one chance proposes some and the best of them is taken, so that a letter costs the same
//! in a pool of a hundred as in one of a hundred thousand.

use rand::Rng;
use rand::seq::SliceRandom;

use super::model::History;
use super::obstacle::Obstacle;
use super::roster::{Outside, Roster};
use crate::chance::{Seed, Stream};
use crate::config::{Calendar, PairLimits};
use crate::words::{LocalDate, Provider};

/// One letter, as received letters are counted: in thousandths, because the feasibility proof counts answers by expectation.
pub(super) const LETTER: u64 = 1000;

/// Up to this many recipients, all are weighed.
const SMALL: usize = 64;
/// In a larger pool, this many are.
const WEIGHED: usize = 16;
/// Proposals by chance before the ring is walked.
const PROPOSALS: usize = 128;
/// Steps of that walk at most.
const WALK: usize = 4096;

// What makes a recipient worse, in points. A recipient's fill, 0 to 1000 points, weighs most: it is what keeps one sender from
// starving another.
const TODAY: i64 = 120;
/// For a pair that has today what its week allows on each of its days: what is taken now is wanting at the week's end.
const AHEAD_OF_WEEK: i64 = 1000;
const RECENT: i64 = 25;
/// For each letter that its provider has beyond its share of the sending domain's letters.
const EXCESS: f64 = 40.0;
const NOISE: i64 = 30;

/// Starts of one sender to one recipient.
#[derive(Clone, Copy)]
struct Starts {
    recipient: usize,
    /// In the six days before.
    recent: u32,
    today: u32,
}

/// The state of pairing on one date.
pub(super) struct Pairs<'a> {
    roster: &'a Roster<'a>,
    limits: &'a PairLimits,
    /// Whether a pair may use no more on the date than it can keep up all week: how the proof counts.
    steady: bool,
    /// By sender, ordered by recipient.
    starts: Vec<Vec<Starts>>,
    /// Thousandths of letters received, by recipient.
    received: Vec<u64>,
    /// All that may receive, and those of them that still have room.
    receivers: Outside,
    open: Outside,
    ring: Ring,
    streams: Vec<Option<Stream>>,
    mix: Mix,
}

impl<'a> Pairs<'a> {
    pub fn new(roster: &'a Roster<'a>, limits: &'a PairLimits, history: &History, seed: Seed, date: LocalDate) -> Self {
        let mut starts: Vec<Vec<Starts>> = vec![Vec::new(); roster.len()];
        for ((sender, recipient), &recent) in &history.starts {
            if let (Some(s), Some(recipient)) = (roster.find(sender), roster.find(recipient)) {
                starts[s].push(Starts { recipient, recent, today: 0 });
            }
        }
        let receives = |i: usize| roster.people[i].receive_limit > 0;
        let streams = roster.people.iter().map(|p| (p.quota > 0).then(|| seed.stream(&p.address, date, "pairs")));
        Self {
            roster,
            limits,
            steady: false,
            starts,
            received: vec![0; roster.len()],
            receivers: Outside::new(roster, receives),
            open: Outside::new(roster, receives),
            ring: Ring::new(roster, (0..roster.len()).filter(|&i| receives(i)).collect()),
            streams: streams.collect(),
            mix: Mix::new(roster, limits),
        }
    }

    /// The pairing of a day like any other in a long row of them.
    pub fn of_a_steady_day(roster: &'a Roster<'a>, limits: &'a PairLimits, seed: Seed, date: LocalDate) -> Self {
        Self { steady: true, ..Self::new(roster, limits, &History::default(), seed, date) }
    }

    /// Whether `recipient` may receive a letter more.
    pub fn has_room(&self, recipient: usize) -> bool {
        self.received[recipient] + LETTER <= u64::from(self.roster.people[recipient].receive_limit) * LETTER
    }

    /// Counts what `recipient` receives beside starts, in thousandths of a letter.
    pub fn receive(&mut self, recipient: usize, thousandths: u64) {
        let had_room = self.has_room(recipient);
        self.received[recipient] += thousandths;
        if had_room && !self.has_room(recipient) {
            self.open.remove(self.roster, recipient);
            self.ring.close(self.roster, recipient);
        }
    }

    /// Starts that the weekly limit leaves a sender on each of its send-days, taken evenly, so that a week does not end in silence.
    pub fn pace(&self, sender: usize) -> f64 {
        self.receivers(sender) as f64 * pair_rate(self.limits, &self.roster.people[sender].calendar)
    }

    /// How many mailboxes may receive from `sender`.
    pub fn receivers(&self, sender: usize) -> usize {
        self.receivers.count(self.roster, sender)
    }

    /// The recipient of the sender's next start, counted at once; `None` where no pair is left.
    pub fn start(&mut self, sender: usize) -> Option<usize> {
        let recipient = self.pick(sender)?;
        match self.place_of(sender, recipient) {
            Ok(at) => self.starts[sender][at].today += 1,
            Err(at) => self.starts[sender].insert(at, Starts { recipient, recent: 0, today: 1 }),
        }
        self.mix.count(self.roster.domain[sender], self.roster.people[recipient].provider);
        self.receive(recipient, LETTER);
        Some(recipient)
    }

    /// Why [`Pairs::start`] found nobody. Looks at a bounded number of recipients: in a large pool the word is that of most of them.
    pub fn obstacle(&self, sender: usize) -> Obstacle {
        if self.receivers(sender) == 0 {
            return Obstacle::Alone;
        }
        let (mut full, mut day, mut week) = (0, 0, 0);
        let others = (0..self.roster.len().min(WALK)).map(|n| (sender + 1 + n) % self.roster.len());
        for r in others.filter(|&r| self.roster.may_write(sender, r) && self.roster.people[r].receive_limit > 0) {
            match self.pair_obstacle(sender, r) {
                Some(Obstacle::PairWeek) => week += 1,
                Some(_) => day += 1,
                None => full += 1,
            }
        }
        if full >= day && full >= week {
            Obstacle::Receive
        } else if day >= week {
            Obstacle::PairDay
        } else {
            Obstacle::PairWeek
        }
    }

    fn pick(&mut self, sender: usize) -> Option<usize> {
        if self.open.count(self.roster, sender) == 0 {
            return None;
        }
        // Taken out for the time of the choice: it is drawn from while the rest is read.
        let mut stream = self.streams[sender].take()?;
        let best = self.best(sender, &mut stream);
        self.streams[sender] = Some(stream);
        best
    }

    fn best(&self, sender: usize, stream: &mut Stream) -> Option<usize> {
        let outside = self.ring.outside(self.roster.block(sender));
        let mut choice = Choice::default();
        if outside.len() <= SMALL {
            (0..outside.len()).for_each(|n| self.weigh(sender, outside.get(n), stream, &mut choice));
            return choice.best.map(|b| b.1);
        }
        for _ in 0..PROPOSALS {
            let n = stream.random_range(0..outside.len());
            self.weigh(sender, outside.get(n), stream, &mut choice);
            if choice.weighed == WEIGHED {
                break;
            }
        }
        if choice.weighed == 0 {
            let from = stream.random_range(0..outside.len());
            for n in 0..outside.len().min(WALK) {
                self.weigh(sender, outside.get((from + n) % outside.len()), stream, &mut choice);
                if choice.weighed == WEIGHED {
                    break;
                }
            }
        }
        choice.best.map(|b| b.1)
    }

    fn weigh(&self, sender: usize, r: usize, stream: &mut Stream, choice: &mut Choice) {
        if !self.roster.may_write(sender, r) || !self.has_room(r) {
            return;
        }
        if self.pair_obstacle(sender, r).is_some() {
            return;
        }
        let (recent, today) = self.count(sender, r);
        let recipient = self.roster.people[r];
        let fill = (self.received[r] / u64::from(recipient.receive_limit.max(1))) as i64;
        let excess = self.mix.excess(self.roster.domain[sender], recipient.provider);
        let points =
            fill + TODAY * i64::from(today) + RECENT * i64::from(recent) + (EXCESS * excess) as i64 + stream.random_range(0..NOISE);
        choice.weighed += 1;
        if choice.best.is_none_or(|best| (points, r) < best) {
            choice.best = Some((points, r));
        }
    }

    /// Why the pair may start nothing more today, if so.
    fn pair_obstacle(&self, sender: usize, recipient: usize) -> Option<Obstacle> {
        let (recent, today) = self.count(sender, recipient);
        let steady_limit = if self.steady { pair_pace(self.limits, &self.roster.people[sender].calendar) } else { u32::MAX };
        if today >= self.limits.max_per_pair {
            Some(Obstacle::PairDay)
        } else if recent + today >= self.limits.max_per_pair_week || today >= steady_limit {
            Some(Obstacle::PairWeek)
        } else {
            None
        }
    }

    /// Starts in the six days before, and today.
    fn count(&self, sender: usize, recipient: usize) -> (u32, u32) {
        self.place_of(sender, recipient).map_or((0, 0), |at| (self.starts[sender][at].recent, self.starts[sender][at].today))
    }

    fn place_of(&self, sender: usize, recipient: usize) -> Result<usize, usize> {
        self.starts[sender].binary_search_by_key(&recipient, |s| s.recipient)
    }
}

/// Starts a day that one directed pair can keep up week after week.
pub(super) fn pair_rate(limits: &PairLimits, calendar: &Calendar) -> f64 {
    let send_days = if calendar.weekend_factor > 0.0 { 7 } else { calendar.weekdays.len().max(1) };
    f64::from(limits.max_per_pair).min(f64::from(limits.max_per_pair_week) / send_days as f64)
}

/// The same in whole letters, rounded up: what is enough on any one day.
pub(super) fn pair_pace(limits: &PairLimits, calendar: &Calendar) -> u32 {
    pair_rate(limits, calendar).ceil() as u32
}

#[derive(Default)]
struct Choice {
    weighed: usize,
    /// Points (fewer are better) and recipient.
    best: Option<(i64, usize)>,
}

/// The recipients with room, laid out block by block, so that the sender's own block is skipped without a look at it.
struct Ring {
    members: Vec<usize>,
    /// Where each block lies in `members`.
    blocks: Vec<std::ops::Range<usize>>,
    closed: usize,
    is_open: Vec<bool>,
}

impl Ring {
    fn new(roster: &Roster<'_>, members: Vec<usize>) -> Self {
        let mut is_open = vec![false; roster.len()];
        members.iter().for_each(|&i| is_open[i] = true);
        let mut ring = Self { members, blocks: Vec::new(), closed: 0, is_open };
        ring.lay_out(roster);
        ring
    }

    fn lay_out(&mut self, roster: &Roster<'_>) {
        self.members.sort_by_key(|&i| (roster.block(i), i));
        let blocks = (0..roster.len()).map(|i| roster.block(i)).max().map_or(0, |b| b + 1);
        self.blocks = vec![0..0; blocks];
        for (at, &i) in self.members.iter().enumerate() {
            let range = &mut self.blocks[roster.block(i)];
            *range = if range.start == range.end { at..at + 1 } else { range.start..at + 1 };
        }
        self.closed = 0;
    }

    /// Takes a recipient out. The ring is laid out anew when half of it is closed: rarely enough to cost little, often enough for proposals to hit.
    fn close(&mut self, roster: &Roster<'_>, i: usize) {
        if std::mem::replace(&mut self.is_open[i], false) {
            self.closed += 1;
            if self.closed * 2 > self.members.len() {
                let is_open = &self.is_open;
                self.members.retain(|&i| is_open[i]);
                self.lay_out(roster);
            }
        }
    }

    fn outside(&self, block: usize) -> OutsideOf<'_> {
        OutsideOf { members: &self.members, skip: self.blocks.get(block).cloned().unwrap_or(0..0) }
    }
}

/// The ring without one block.
struct OutsideOf<'a> {
    members: &'a [usize],
    skip: std::ops::Range<usize>,
}

impl OutsideOf<'_> {
    fn len(&self) -> usize {
        self.members.len() - self.skip.len()
    }

    fn get(&self, n: usize) -> usize {
        self.members[if n < self.skip.start { n } else { n + self.skip.len() }]
    }
}

/// The recipients' providers, as each sending domain has them, against the wanted shares.
struct Mix {
    wanted: [f64; Provider::ALL.len()],
    /// By sending domain: starts to each provider.
    counts: Vec<[u32; Provider::ALL.len()]>,
}

impl Mix {
    fn new(roster: &Roster<'_>, limits: &PairLimits) -> Self {
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
        Self { wanted, counts: vec![[0; Provider::ALL.len()]; roster.domains.len()] }
    }

    fn count(&mut self, domain: usize, provider: Provider) {
        self.counts[domain][provider as usize] += 1;
    }

    /// Letters that the provider would have beyond its share, were the next one its.
    fn excess(&self, domain: usize, provider: Provider) -> f64 {
        let counts = &self.counts[domain];
        let total: u32 = counts.iter().sum();
        f64::from(counts[provider as usize] + 1) - self.wanted[provider as usize] * f64::from(total + 1)
    }
}

/// Every mailbox once, in an order drawn for the date.
pub(super) fn shuffled(roster: &Roster<'_>, seed: Seed, date: LocalDate) -> Vec<usize> {
    let mut order: Vec<usize> = (0..roster.len()).collect();
    order.shuffle(&mut seed.of_pool(date, "order"));
    order
}
