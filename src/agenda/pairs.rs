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
const WEIGHED: usize = 8;
/// Proposals by chance before the ring is walked.
const PROPOSALS: usize = 128;
/// Steps of that walk at most.
const WALK: usize = 4096;
/// Starts of one mailbox for which room is made at once.
const MANY_STARTS: usize = 64;

// What makes a recipient worse, in points. A recipient's fill, 0 to 1000 points, weighs most: it is what keeps one sender from
// starving another.
const TODAY: i64 = 120;
/// For a pair that has today its even share of the week: what is taken now is wanting at the week's end.
const AHEAD_OF_WEEK: i64 = 1000;
const RECENT: i64 = 25;
/// For each letter that its provider has beyond its share of the sending domain's letters.
const EXCESS: f64 = 40.0;
/// What is left of the share of a provider that the guard found in breach.
const QUARTER: f64 = 0.25;
/// Settles what is otherwise equal.
const NOISE: i64 = 32;

/// Starts of one sender to one recipient.
#[derive(Clone, Copy)]
struct Starts {
    recipient: usize,
    /// In the six days before.
    recent: u32,
    today: u32,
}

/// What is weighed of a recipient, side by side: in a large pool it is the way to memory that costs.
#[derive(Clone, Copy)]
struct Recipient {
    /// Thousandths of letters.
    received: u64,
    limit: u32,
    domain: u32,
    group: Option<u32>,
    provider: Provider,
}

impl Recipient {
    /// Whether it may receive a letter more.
    fn has_room(&self) -> bool {
        self.received + LETTER <= u64::from(self.limit) * LETTER
    }
}

/// The state of pairing on one date.
pub(super) struct Pairs<'a> {
    roster: &'a Roster<'a>,
    limits: &'a PairLimits,
    /// By sender: starts of one pair that its week allows on each of its days, in whole letters.
    even_share: Vec<u32>,
    /// In the proof only, by sender: how many of its pairs may today go one beyond their even share of the week. Over the days of a week they take
    /// turns, so that all of them together use the week's limit up.
    beyond_share: Option<Vec<u32>>,
    /// By sender, ordered by recipient.
    starts: Vec<Vec<Starts>>,
    recipients: Vec<Recipient>,
    /// All that may receive, and those of them that still have room.
    receivers: Outside,
    open: Outside,
    ring: Ring,
    streams: Vec<Option<Box<Stream>>>,
    mix: Mix,
}

impl<'a> Pairs<'a> {
    pub fn new(roster: &'a Roster<'a>, limits: &'a PairLimits, history: &History, seed: Seed, date: LocalDate) -> Self {
        // Laid out in the order in which the mailboxes take turns, so that each round walks through memory instead of leaping about in it.
        let mut starts: Vec<Vec<Starts>> = vec![Vec::new(); roster.len()];
        let mut streams: Vec<Option<Box<Stream>>> = (0..roster.len()).map(|_| None).collect();
        for i in shuffled(roster, seed, date) {
            let p = roster.people[i];
            if p.quota > 0 {
                starts[i] = Vec::with_capacity((p.quota as usize).min(MANY_STARTS));
                streams[i] = Some(Box::new(seed.stream(&p.address, date, "pairs")));
            }
        }
        for ((sender, recipient), &recent) in &history.starts {
            if let (Some(s), Some(recipient)) = (roster.find(sender), roster.find(recipient)) {
                starts[s].push(Starts { recipient, recent, today: 0 });
            }
        }
        let receives = |i: usize| roster.people[i].receive_limit > 0;
        let recipients = roster.people.iter().enumerate().map(|(i, p)| Recipient {
            received: 0,
            limit: p.receive_limit,
            domain: roster.domain[i] as u32,
            group: roster.group[i].map(|g| g as u32),
            provider: p.provider,
        });
        let mut pairs = Self {
            roster,
            limits,
            even_share: roster.people.iter().map(|p| pair_rate(limits, &p.calendar) as u32).collect(),
            beyond_share: None,
            starts,
            recipients: recipients.collect(),
            receivers: Outside::new(roster, receives),
            open: Outside::new(roster, receives),
            ring: Ring::new(roster, (0..roster.len()).filter(|&i| receives(i)).collect()),
            streams,
            mix: Mix::new(roster, limits, history),
        };
        for (recipient, &letters) in &history.received {
            if let Some(i) = roster.find(recipient) {
                pairs.receive(i, u64::from(letters) * LETTER);
            }
        }
        pairs
    }

    /// The pairing of a day like any other in a long row of them.
    pub fn of_a_steady_day(roster: &'a Roster<'a>, limits: &'a PairLimits, seed: Seed, date: LocalDate) -> Self {
        let mut pairs = Self::new(roster, limits, &History::default(), seed, date);
        let beyond = |i: usize| {
            let share = pairs.even_share[i];
            let rest = pairs.pace(i) - f64::from(share) * pairs.receivers(i) as f64;
            // A pace below one a day is one on most days. (The hair's breadth is for products such as 2.4 × 5.)
            if share == 0 { (rest as u32).max(1) } else { (rest + 1e-6) as u32 }
        };
        pairs.beyond_share = Some((0..roster.len()).map(beyond).collect());
        pairs
    }

    /// Whether `recipient` may receive a letter more.
    pub fn has_room(&self, recipient: usize) -> bool {
        self.recipients[recipient].has_room()
    }

    /// Counts what `recipient` receives beside starts, in thousandths of a letter.
    pub fn receive(&mut self, recipient: usize, thousandths: u64) {
        let had_room = self.has_room(recipient);
        self.recipients[recipient].received += thousandths;
        if had_room && !self.has_room(recipient) {
            self.open.remove(self.roster, recipient);
            self.ring.close(self.roster, recipient);
        }
    }

    /// Starts that the weekly limit leaves a sender on each of its send-days, taken evenly, so that a week does not end in silence; infinite where the
    /// daily limit is the narrower one.
    pub fn pace(&self, sender: usize) -> f64 {
        let rate = pair_rate(self.limits, &self.roster.people[sender].calendar);
        if rate < f64::from(self.limits.max_per_pair) { self.receivers(sender) as f64 * rate } else { f64::INFINITY }
    }

    /// How many mailboxes may receive from `sender`.
    pub fn receivers(&self, sender: usize) -> usize {
        self.receivers.count(self.roster, sender)
    }

    /// The recipient of the sender's next start, counted at once; `None` where no pair is left.
    pub fn start(&mut self, sender: usize) -> Option<usize> {
        let recipient = self.pick(sender)?;
        let is_beyond = self.count(sender, recipient).1 >= self.even_share[sender];
        if let Some(beyond) = self.beyond_share.as_mut().filter(|_| is_beyond) {
            beyond[sender] = beyond[sender].saturating_sub(1);
        }
        match self.place_of(sender, recipient) {
            Ok(at) => self.starts[sender][at].today += 1,
            Err(at) => self.starts[sender].insert(at, Starts { recipient, recent: 0, today: 1 }),
        }
        self.mix.count(self.roster.domain[sender], self.recipients[recipient].provider);
        self.receive(recipient, LETTER);
        Some(recipient)
    }

    /// Why [`Pairs::start`] found nobody. Looks at a bounded number of recipients: in a large pool the word is that of most of them.
    pub fn obstacle(&self, sender: usize) -> Obstacle {
        if self.receivers(sender) == 0 {
            return Obstacle::Alone;
        }
        let (mut full, mut day, mut week, mut quartered) = (0, 0, 0, 0);
        let others = (0..self.roster.len().min(WALK)).map(|n| (sender + 1 + n) % self.roster.len());
        for r in others.filter(|&r| self.roster.may_write(sender, r) && self.roster.people[r].receive_limit > 0) {
            match self.pair_obstacle(sender, self.count(sender, r)) {
                _ if !self.mix.has_room(self.roster.domain[sender], self.recipients[r].provider) => quartered += 1,
                Some(Obstacle::PairWeek) => week += 1,
                Some(_) => day += 1,
                None => full += 1,
            }
        }
        if quartered > full.max(day).max(week) {
            Obstacle::Quarter
        } else if full >= day && full >= week {
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
        let mut choice = Choice { salt: stream.random(), weighed: 0, best: None };
        if outside.len() <= SMALL {
            (0..outside.len()).for_each(|n| self.weigh(sender, outside.get(n), &mut choice));
            return choice.best.map(|b| b.1);
        }
        for _ in 0..PROPOSALS {
            let n = stream.random_range(0..outside.len());
            self.weigh(sender, outside.get(n), &mut choice);
            if choice.weighed == WEIGHED {
                break;
            }
        }
        if choice.weighed == 0 {
            let from = stream.random_range(0..outside.len());
            for n in 0..outside.len().min(WALK) {
                self.weigh(sender, outside.get((from + n) % outside.len()), &mut choice);
                if choice.weighed == WEIGHED {
                    break;
                }
            }
        }
        choice.best.map(|b| b.1)
    }

    fn weigh(&self, sender: usize, r: usize, choice: &mut Choice) {
        let recipient = &self.recipients[r];
        let domain = self.roster.domain[sender];
        if !self.may_write(sender, recipient) || !recipient.has_room() || !self.mix.has_room(domain, recipient.provider) {
            return;
        }
        let (recent, today) = self.count(sender, r);
        if self.pair_obstacle(sender, (recent, today)).is_some() {
            return;
        }
        let fill = (recipient.received / u64::from(recipient.limit.max(1))) as i64;
        let excess = self.mix.excess(domain, recipient.provider);
        let ahead = if today >= self.even_share[sender].max(1) { AHEAD_OF_WEEK } else { 0 };
        let noise = i64::from((choice.salt ^ r as u32).wrapping_mul(0x9E37_79B1) >> 8) % NOISE;
        let points = fill + TODAY * i64::from(today) + RECENT * i64::from(recent) + ahead + (EXCESS * excess) as i64 + noise;
        choice.weighed += 1;
        if choice.best.is_none_or(|best| (points, r) < best) {
            choice.best = Some((points, r));
        }
    }

    /// As [`Roster::may_write`], by what lies beside the rest that is weighed.
    fn may_write(&self, sender: usize, to: &Recipient) -> bool {
        let from = &self.recipients[sender];
        from.domain != to.domain && (from.group.is_none() || from.group != to.group)
    }

    /// Why a pair with so many starts, in the six days before and today, may start nothing more today.
    fn pair_obstacle(&self, sender: usize, (recent, today): (u32, u32)) -> Option<Obstacle> {
        let share = self.even_share[sender];
        let share_is_used = self.beyond_share.as_ref().is_some_and(|beyond| today > share || today == share && beyond[sender] == 0);
        if today >= self.limits.max_per_pair {
            Some(Obstacle::PairDay)
        } else if recent + today >= self.limits.max_per_pair_week || share_is_used {
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

struct Choice {
    /// Drawn once for the choice; each recipient's noise comes from it.
    salt: u32,
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
        for &i in &members {
            is_open[i] = true;
        }
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
    /// By sending domain.
    of_domain: Vec<Shares>,
}

/// How one domain's starts are shared among providers.
#[derive(Clone, Copy)]
struct Shares {
    /// Starts to each.
    counts: [u32; Provider::ALL.len()],
    /// Starts to each at most, where the guard gives it a quarter of its share.
    most: [u32; Provider::ALL.len()],
    /// All its starts.
    total: u32,
}

impl Mix {
    fn new(roster: &Roster<'_>, limits: &PairLimits, history: &History) -> Self {
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
        let none = Shares { counts: [0; Provider::ALL.len()], most: [u32::MAX; Provider::ALL.len()], total: 0 };
        let mut of_domain = vec![none; roster.domains.len()];
        for (d, domain) in roster.domains.iter().enumerate() {
            let letters: u32 = roster.of_domain[d].iter().map(|&i| roster.people[i].quota).fold(0, u32::saturating_add);
            for &provider in history.quarters.get(domain).into_iter().flatten() {
                // One at least: without a letter nobody sees whether it got better.
                of_domain[d].most[provider as usize] = (f64::from(letters) * wanted[provider as usize] * QUARTER).ceil().max(1.0) as u32;
            }
        }
        Self { wanted, of_domain }
    }

    /// Whether a domain may write to a provider once more.
    fn has_room(&self, domain: usize, provider: Provider) -> bool {
        let shares = &self.of_domain[domain];
        shares.counts[provider as usize] < shares.most[provider as usize]
    }

    fn count(&mut self, domain: usize, provider: Provider) {
        let shares = &mut self.of_domain[domain];
        shares.counts[provider as usize] += 1;
        shares.total += 1;
    }

    /// Letters that the provider would have beyond its share, were the next one its.
    fn excess(&self, domain: usize, provider: Provider) -> f64 {
        let shares = &self.of_domain[domain];
        f64::from(shares.counts[provider as usize] + 1) - self.wanted[provider as usize] * f64::from(shares.total + 1)
    }
}

/// Every mailbox once, in an order drawn for the date.
pub(super) fn shuffled(roster: &Roster<'_>, seed: Seed, date: LocalDate) -> Vec<usize> {
    let mut order: Vec<usize> = (0..roster.len()).collect();
    order.shuffle(&mut seed.of_pool(date, "order"));
    order
}
