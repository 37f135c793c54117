//! Limits and recent starts → the next recipient of a mailbox.
//!
//! In a small pool every recipient is weighed. In a large one chance proposes some and the best of them is taken, so that a letter costs the same
//! in a pool of a hundred as in one of a hundred thousand.

use std::hint::black_box;

use rand::Rng;

use super::mix::Mix;
use super::model::History;
use super::obstacle::Obstacle;
use super::ring::{OutsideOf, Recipient, Ring};
use super::roster::{Outside, Roster};
use super::turns::Turns;
use crate::chance::{Seed, Stream};
use crate::config::{Calendar, PairLimits};
use crate::words::{LocalDate, Provider};

/// One letter, as received letters are counted: in thousandths, because the feasibility proof counts answers by expectation.
pub(super) const LETTER: u32 = 1000;

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
/// Of [`Starts`] lie in one line of the processor's cache.
const STARTS_OF_A_LINE: usize = 8;

// What makes a recipient worse, in points. A recipient's fill, 0 to 1000 points, weighs most: it is what keeps one sender from
// starving another.
const TODAY: i64 = 120;
/// For a pair that has today its even share of the week: what is taken now is wanting at the week's end.
const AHEAD_OF_WEEK: i64 = 1000;
const RECENT: i64 = 25;
/// For each letter that its provider has beyond its share of the sending domain's letters.
const EXCESS: f64 = 40.0;
/// Settles what is otherwise equal.
const NOISE: i64 = 32;

/// Starts of one sender to one recipient.
#[derive(Clone, Copy)]
struct Starts {
    recipient: u32,
    /// In the six days before.
    recent: u16,
    today: u16,
}

/// A mailbox as a sender.
struct Sender {
    mailbox: u32,
    domain: u32,
    block: u32,
    /// Starts of one pair that its week allows on each of its days, in whole letters.
    even_share: u32,
    /// In the proof only: how many of its pairs may today go one beyond their even share of the week. Over the days of a week they take turns, so that all
    /// of them together use the week's limit up.
    beyond_share: Option<u32>,
    /// Ordered by recipient.
    starts: Vec<Starts>,
    /// `None` for a mailbox that sends nothing.
    stream: Option<Box<Stream>>,
    /// Drawn ahead for the next choice.
    salt: Option<u32>,
}

impl Sender {
    /// Starts to a recipient in the six days before, and today.
    fn count(&self, recipient: u32) -> (u32, u32) {
        self.place_of(recipient).map_or((0, 0), |at| (self.starts[at].recent.into(), self.starts[at].today.into()))
    }

    fn place_of(&self, recipient: u32) -> Result<usize, usize> {
        self.starts.binary_search_by_key(&recipient, |s| s.recipient)
    }

    /// Counts a start.
    fn start(&mut self, recipient: u32) {
        let before = match self.place_of(recipient) {
            Ok(at) => {
                let today = self.starts[at].today;
                self.starts[at].today = today.saturating_add(1);
                today
            }
            Err(at) => {
                self.starts.insert(at, Starts { recipient, recent: 0, today: 1 });
                0
            }
        };
        if let Some(beyond) = self.beyond_share.as_mut().filter(|_| u32::from(before) >= self.even_share) {
            *beyond = beyond.saturating_sub(1);
        }
    }

    /// Why a pair with so many starts, in the six days before and today, may start nothing more today.
    fn pair_obstacle(&self, limits: &PairLimits, (recent, today): (u32, u32)) -> Option<Obstacle> {
        let share = self.even_share;
        let share_is_used = self.beyond_share.is_some_and(|beyond| today > share || today == share && beyond == 0);
        if today >= limits.max_per_pair {
            Some(Obstacle::PairDay)
        } else if recent + today >= limits.max_per_pair_week || share_is_used {
            Some(Obstacle::PairWeek)
        } else {
            None
        }
    }
}

/// The state of pairing on one date.
///
/// A mailbox that takes its turn is meant by its seat, one that receives by its number.
pub(super) struct Pairs<'a> {
    roster: &'a Roster<'a>,
    turns: &'a Turns,
    limits: &'a PairLimits,
    /// By seat.
    senders: Vec<Sender>,
    /// Whether a mailbox receives anything at all.
    receives: Vec<bool>,
    /// All that may receive, and those of them that still have room.
    receivers: Outside,
    open: Outside,
    ring: Ring,
    mix: Mix,
}

impl<'a> Pairs<'a> {
    pub fn new(roster: &'a Roster<'a>, turns: &'a Turns, limits: &'a PairLimits, history: &History, seed: Seed, date: LocalDate) -> Self {
        let receives = |i: usize| roster.people[i].receive_limit > 0;
        let mut pairs = Self {
            roster,
            turns,
            limits,
            senders: turns.mailboxes().map(|i| sender(roster, i, limits, seed, date)).collect(),
            receives: (0..roster.len()).map(receives).collect(),
            receivers: Outside::new(roster, receives),
            open: Outside::new(roster, receives),
            ring: Ring::new(roster),
            mix: Mix::new(roster, limits, history),
        };
        for ((sender, recipient), &recent) in &history.starts {
            if let (Some(s), Some(r)) = (roster.find(sender), roster.find(recipient)) {
                let recent = u16::try_from(recent).unwrap_or(u16::MAX);
                pairs.senders[turns.seat(s)].starts.push(Starts { recipient: r as u32, recent, today: 0 });
            }
        }
        for (recipient, &letters) in &history.received {
            if let Some(i) = roster.find(recipient) {
                pairs.receive(i, letters.saturating_mul(LETTER));
            }
        }
        pairs
    }

    /// The pairing of a day like any other in a long row of them.
    pub fn of_a_steady_day(roster: &'a Roster<'a>, turns: &'a Turns, limits: &'a PairLimits, seed: Seed, date: LocalDate) -> Self {
        let mut pairs = Self::new(roster, turns, limits, &History::default(), seed, date);
        for seat in 0..pairs.senders.len() {
            let (i, share) = (turns.mailbox(seat), pairs.senders[seat].even_share);
            let rest = pairs.pace(i) - f64::from(share) * pairs.receivers(i) as f64;
            // A pace below one a day is one on most days. (The hair's breadth is for products such as 2.4 × 5.)
            let beyond = if share == 0 { (rest as u32).max(1) } else { (rest + 1e-6) as u32 };
            pairs.senders[seat].beyond_share = Some(beyond);
        }
        pairs
    }

    /// Whether `recipient` may receive a letter more.
    pub fn has_room(&self, recipient: usize) -> bool {
        self.ring.place(recipient).is_some()
    }

    /// Whether anybody writes to `recipient` at all.
    pub fn may_receive(&self, recipient: usize) -> bool {
        self.receives[recipient]
    }

    /// Counts what `recipient` receives beside starts, in thousandths of a letter.
    pub fn receive(&mut self, recipient: usize, thousandths: u32) {
        if let Some(place) = self.ring.place(recipient) {
            self.receive_at(place, recipient, thousandths);
        }
    }

    fn receive_at(&mut self, place: usize, recipient: usize, thousandths: u32) {
        if self.ring.receive(self.roster, place, thousandths) {
            self.open.remove(self.roster, recipient);
        }
    }

    /// Starts that the weekly limit leaves a mailbox on each of its send-days, taken evenly, so that a week does not end in silence; infinite where the
    /// daily limit is the narrower one.
    pub fn pace(&self, mailbox: usize) -> f64 {
        let rate = pair_rate(self.limits, &self.roster.people[mailbox].calendar);
        if rate < f64::from(self.limits.max_per_pair) { self.receivers(mailbox) as f64 * rate } else { f64::INFINITY }
    }

    /// How many mailboxes may receive from `mailbox`.
    pub fn receivers(&self, mailbox: usize) -> usize {
        self.receivers.count(self.roster, mailbox)
    }

    /// The recipient of the next start of the mailbox in this seat, counted at once; `None` where no pair is left.
    pub fn start(&mut self, seat: usize) -> Option<usize> {
        let Weighed { recipient, place, .. } = self.pick(seat)?;
        let sender = &mut self.senders[seat];
        sender.start(recipient.mailbox);
        self.mix.count(sender.domain as usize, recipient.provider);
        self.receive_at(place, recipient.mailbox as usize, LETTER);
        Some(recipient.mailbox as usize)
    }

    /// Reads what the next start of a mailbox will need, and makes its first draw.
    pub fn look_ahead(&mut self, seat: usize) {
        let sender = &mut self.senders[seat];
        if let (None, Some(stream)) = (sender.salt, &mut sender.stream) {
            sender.salt = Some(stream.random());
        }
        black_box(sender.starts.iter().step_by(STARTS_OF_A_LINE).fold(0, |all, s| all ^ s.recipient));
        black_box(self.mix.excess(sender.domain as usize, Provider::Generic));
        black_box(self.ring.outside(sender.block as usize).len());
    }

    /// Why [`Pairs::start`] found nobody. Looks at a bounded number of recipients: in a large pool the word is that of most of them.
    pub fn obstacle(&self, seat: usize) -> Obstacle {
        let (sender, mailbox) = (&self.senders[seat], self.turns.mailbox(seat));
        if self.receivers(mailbox) == 0 {
            return Obstacle::Alone;
        }
        let (mut full, mut day, mut week, mut quartered) = (0, 0, 0, 0);
        let others = (0..self.roster.len().min(WALK)).map(|n| (mailbox + 1 + n) % self.roster.len());
        for r in others.filter(|&r| self.roster.may_write(mailbox, r) && self.roster.people[r].receive_limit > 0) {
            match sender.pair_obstacle(self.limits, sender.count(r as u32)) {
                _ if !self.mix.has_room(sender.domain as usize, self.roster.people[r].provider) => quartered += 1,
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

    fn pick(&mut self, seat: usize) -> Option<Weighed> {
        // Taken out for the time of the choice: it is drawn from while the rest is read.
        let mut stream = self.senders[seat].stream.take()?;
        let salt = self.senders[seat].salt.take().unwrap_or_else(|| stream.random());
        let best = self.best(&self.senders[seat], salt, &mut stream);
        self.senders[seat].stream = Some(stream);
        best
    }

    fn best(&self, sender: &Sender, salt: u32, stream: &mut Stream) -> Option<Weighed> {
        let outside = self.ring.outside(sender.block as usize);
        let mut choice = Choice { salt, weighed: 0, best: None };
        if outside.len() <= SMALL {
            (0..outside.len()).for_each(|n| self.weigh(sender, outside.get(n), outside.place(n), &mut choice));
            return choice.best;
        }
        self.weigh_some(sender, &outside, stream, &mut choice);
        if choice.weighed == 0 && self.open.count(self.roster, sender.mailbox as usize) > 0 {
            let from = stream.random_range(0..outside.len());
            for n in 0..outside.len().min(WALK) {
                let n = (from + n) % outside.len();
                self.weigh(sender, outside.get(n), outside.place(n), &mut choice);
                if choice.weighed == WEIGHED {
                    break;
                }
            }
        }
        choice.best
    }

    /// Weighs recipients that chance proposes, until there are enough or it has proposed enough.
    fn weigh_some(&self, sender: &Sender, outside: &OutsideOf<'_>, stream: &mut Stream, choice: &mut Choice) {
        let mut left = PROPOSALS;
        while choice.weighed < WEIGHED && left > 0 {
            // However the next ones turn out, so many of them are needed: they are looked up together, so that memory is waited for once.
            let count = left.min(WEIGHED - choice.weighed);
            let mut proposed = [0; WEIGHED];
            proposed[..count].fill_with(|| stream.random_range(0..outside.len()));
            let recipients = proposed.map(|n| outside.get(n));
            for (&recipient, n) in recipients.iter().zip(proposed).take(count) {
                self.weigh(sender, recipient, outside.place(n), choice);
            }
            left -= count;
        }
    }

    /// Weighs a recipient of the ring that is not of the sender's block.
    fn weigh(&self, sender: &Sender, recipient: Recipient, place: usize, choice: &mut Choice) {
        let domain = sender.domain as usize;
        // Outside its block there is nobody of its group; of its domain, there may be: one of another group.
        if sender.domain == recipient.domain || !recipient.has_room() || !self.mix.has_room(domain, recipient.provider) {
            return;
        }
        let (recent, today) = sender.count(recipient.mailbox);
        if sender.pair_obstacle(self.limits, (recent, today)).is_some() {
            return;
        }
        let excess = self.mix.excess(domain, recipient.provider);
        let ahead = if today >= sender.even_share.max(1) { AHEAD_OF_WEEK } else { 0 };
        let noise = i64::from((choice.salt ^ recipient.mailbox).wrapping_mul(0x9E37_79B1) >> 8) % NOISE;
        let points =
            i64::from(recipient.fill()) + TODAY * i64::from(today) + RECENT * i64::from(recent) + ahead + (EXCESS * excess) as i64 + noise;
        choice.weighed += 1;
        if choice.best.is_none_or(|best| (points, recipient.mailbox) < (best.points, best.recipient.mailbox)) {
            choice.best = Some(Weighed { points, recipient, place });
        }
    }
}

/// Mailbox `i` of the roster as a sender.
fn sender(roster: &Roster<'_>, i: usize, limits: &PairLimits, seed: Seed, date: LocalDate) -> Sender {
    let p = roster.people[i];
    Sender {
        mailbox: i as u32,
        domain: roster.domain[i] as u32,
        block: roster.block(i) as u32,
        even_share: pair_rate(limits, &p.calendar) as u32,
        beyond_share: None,
        starts: Vec::with_capacity((p.quota as usize).min(MANY_STARTS)),
        stream: (p.quota > 0).then(|| Box::new(seed.stream(&p.address, date, "pairs"))),
        salt: None,
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
    best: Option<Weighed>,
}

/// A recipient that was weighed.
#[derive(Clone, Copy)]
struct Weighed {
    /// Fewer are better.
    points: i64,
    recipient: Recipient,
    /// Where it lies in the ring.
    place: usize,
}
