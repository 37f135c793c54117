//! Windows and gaps → the slots of every mailbox: the moments at which it may start a letter.
//!
//! A mailbox gets as many slots as its quota has letters, answers included; starts take some of them at random, and what is left over is the room
//! that answers need. All spacing is done by sorting and two passes over a domain's letters: O(n log n).

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use rand::Rng;
use rand::seq::SliceRandom;

use super::model::Participant;
use super::obstacle::Obstacle;
use super::roster::Roster;
use super::turns::Turns;
use crate::chance::{Seed, Stream};
use crate::words::{LocalDate, Moment};

/// The end of a window that stays free of planned letters, so that a late one still finds room.
const TAIL: Duration = Duration::from_mins(10);
/// How full a window is planned at most, in hundredths: without slack, gaps turn into a grid, and chance has no say.
const FULL: i64 = 90;
/// Up to this many letters a day, no two of a pool share a second. (A window of 9 hours has 32,400 seconds.)
const LETTERS_WITH_SECONDS_OF_THEIR_OWN: usize = 20_000;

/// The part of a day in which a mailbox's letters are planned, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub open: Moment,
    pub close: Moment,
}

impl Span {
    /// The window of `date` less its last 10 minutes (less a quarter where the window is shorter than 40 minutes).
    pub fn of(p: &Participant, date: LocalDate) -> Self {
        let (open, end) = (date.at(p.window.from, p.zone), date.at(p.window.to, p.zone));
        let tail = TAIL.min(end.since(open) / 4);
        // A clock that springs forward over the whole window leaves one moment of it.
        Self { open, close: (end - tail).max(open) }
    }

    fn millis(self) -> i64 {
        self.close.0 - self.open.0
    }

    /// How many letters it holds with `gap` between them and some slack.
    fn holds(self, gap: i64) -> u32 {
        if gap <= 0 { u32::MAX } else { u32::try_from(self.millis() / 100 * FULL / gap + 1).unwrap_or(u32::MAX) }
    }
}

/// How many letters a mailbox's window can hold of those that it wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fit {
    pub letters: u32,
    /// What bounds it; `None` where it holds all that is wanted.
    pub obstacle: Option<Obstacle>,
}

/// What windows and gaps hold of the wanted letters. Within a domain that is too full, those that want most give way first.
pub(super) fn fit(roster: &Roster<'_>, date: LocalDate, wanted: &[u32]) -> Vec<Fit> {
    let mut fits: Vec<Fit> = (0..roster.len())
        .map(|i| {
            let p = roster.people[i];
            let held = Span::of(p, date).holds(millis(p.window.mailbox_gap));
            if held < wanted[i] {
                Fit { letters: held, obstacle: Some(Obstacle::Window(held)) }
            } else {
                Fit { letters: wanted[i], obstacle: None }
            }
        })
        .collect();
    for (domain, members) in roster.of_domain.iter().enumerate() {
        let Some(gap) = domain_gap(roster, domain) else { continue };
        let senders: Vec<usize> = members.iter().copied().filter(|&i| fits[i].letters > 0).collect();
        let spans = senders.iter().map(|&i| Span::of(roster.people[i], date));
        let Some(whole) = spans.reduce(|a, b| Span { open: a.open.min(b.open), close: a.close.max(b.close) }) else { continue };
        let wants: Vec<u32> = senders.iter().map(|&i| fits[i].letters).collect();
        for (&i, share) in senders.iter().zip(share_evenly(whole.holds(gap), &wants)) {
            if share < fits[i].letters {
                fits[i] = Fit { letters: share, obstacle: Some(Obstacle::DomainGap(share)) };
            }
        }
    }
    fits
}

/// The slots of every mailbox.
pub(super) struct Slots {
    /// Laid out in the order of turns; those of one mailbox in an order drawn for it (not by time).
    pub at: Vec<Moment>,
    /// Where those of each mailbox lie in `at`.
    pub of: Vec<Range<usize>>,
}

impl Slots {
    /// Room for what fits, nothing in it.
    fn room_for(turns: &Turns, fits: &[Fit]) -> Self {
        let (mut of, mut begin) = (vec![0..0; fits.len()], 0);
        for i in turns.mailboxes() {
            of[i] = begin..begin;
            begin += fits[i].letters as usize;
        }
        Self { at: vec![Moment::default(); begin], of }
    }

    fn add(&mut self, mailbox: usize, at: Moment) {
        let own = &mut self.of[mailbox];
        self.at[own.end] = at;
        own.end += 1;
    }
}

/// Spreads the letters of every mailbox over the date.
pub(super) fn slots(seed: Seed, date: LocalDate, roster: &Roster<'_>, turns: &Turns, fits: &[Fit]) -> Slots {
    let shape = Shape::new();
    let all: usize = fits.iter().map(|f| f.letters as usize).sum();
    let mut seconds = (all <= LETTERS_WITH_SECONDS_OF_THEIR_OWN).then(BTreeSet::new);
    let mut result = Slots::room_for(turns, fits);
    for (domain, members) in roster.of_domain.iter().enumerate() {
        let mut lane = Lane { gap: domain_gap(roster, domain).unwrap_or(0), owners: Vec::new(), slots: Vec::new() };
        let mut streams = Vec::new();
        for &i in members.iter().filter(|&&i| fits[i].letters > 0) {
            let p = roster.people[i];
            let mut stream = seed.stream(&p.address, date, "times");
            let owner = Owner { mailbox: i, span: Span::of(p, date), gap: millis(p.window.mailbox_gap) };
            let times = draw_times(&mut stream, &shape, &owner, fits[i].letters);
            lane.slots.extend(times.into_iter().map(|at| Slot { at, owner: lane.owners.len() }));
            lane.owners.push(owner);
            streams.push(stream);
        }
        lane.keep_gaps();
        if let Some(seconds) = &mut seconds {
            lane.leave_lockstep(seconds);
        }
        for slot in &lane.slots {
            result.add(lane.owners[slot.owner].mailbox, Moment(slot.at));
        }
        for (owner, stream) in lane.owners.iter().zip(&mut streams) {
            result.at[result.of[owner.mailbox].clone()].shuffle(stream);
        }
    }
    result
}

/// The gap between letters of a domain: the longest that one of its mailboxes asks for; `None` for partners' domains.
fn domain_gap(roster: &Roster<'_>, domain: usize) -> Option<i64> {
    let members = &roster.of_domain[domain];
    roster.is_warming(domain).then(|| members.iter().map(|&i| millis(roster.people[i].window.domain_gap)).max().unwrap_or(0))
}

pub(super) fn millis(d: Duration) -> i64 {
    i64::try_from(d.as_millis()).unwrap_or(i64::MAX / 4).min(i64::MAX / 4)
}

/// Shares `capacity` out so that nobody who gets less than wanted gets less than another.
fn share_evenly(capacity: u32, wants: &[u32]) -> Vec<u32> {
    let mut order: Vec<usize> = (0..wants.len()).collect();
    order.sort_by_key(|&i| wants[i]);
    let (mut left, mut shares) = (capacity, vec![0; wants.len()]);
    for (served, &i) in order.iter().enumerate() {
        let waiting = u32::try_from(wants.len() - served).unwrap_or(u32::MAX);
        shares[i] = wants[i].min(left / waiting);
        left -= shares[i];
    }
    shares
}

/// Times of one mailbox: the gaps are taken out of the window, chance draws in what remains, and the gaps are put back between the draws.
fn draw_times(stream: &mut Stream, shape: &Shape, owner: &Owner, letters: u32) -> Vec<i64> {
    let mut draws: Vec<f64> = (0..letters).map(|_| stream.random()).collect();
    draws.sort_by(f64::total_cmp);
    let gaps = i64::from(letters.saturating_sub(1)).saturating_mul(owner.gap);
    let free = (owner.span.millis() - gaps).max(0) as f64;
    (0_i64..).zip(draws).map(|(n, u)| owner.span.open.0 + (shape.place(u) * free) as i64 + n.saturating_mul(owner.gap)).collect()
}

struct Owner {
    mailbox: usize,
    span: Span,
    gap: i64,
}

#[derive(Clone, Copy)]
struct Slot {
    at: i64,
    /// A place in the lane's owners.
    owner: usize,
}

/// The letters of one domain in the order of time.
struct Lane {
    gap: i64,
    owners: Vec<Owner>,
    slots: Vec<Slot>,
}

impl Lane {
    /// Pushes letters forward until both gaps hold, then back from the ends of the windows; what then begins before its window is dropped.
    fn keep_gaps(&mut self) {
        self.slots.sort_by_key(|s| (s.at, s.owner));
        let mut floor = i64::MIN;
        let mut floor_of = vec![i64::MIN; self.owners.len()];
        for slot in &mut self.slots {
            slot.at = slot.at.max(floor).max(floor_of[slot.owner]);
            floor = slot.at.saturating_add(self.gap);
            floor_of[slot.owner] = slot.at.saturating_add(self.owners[slot.owner].gap);
        }
        let mut ceilings = Ceilings::new(self);
        for slot in self.slots.iter_mut().rev() {
            slot.at = slot.at.min(ceilings.of(slot.owner));
            ceilings.lower(slot, self.gap, &self.owners);
        }
        let owners = &self.owners;
        self.slots.retain(|s| s.at >= owners[s.owner].span.open.0);
    }

    /// Moves letters by some seconds, where their gaps allow it, until no two in `seconds` share one.
    fn leave_lockstep(&mut self, seconds: &mut BTreeSet<i64>) {
        let floors = self.floors();
        let mut ceilings = Ceilings::new(self);
        for (slot, floor) in self.slots.iter_mut().zip(floors).rev() {
            let (at, ceiling) = (slot.at, ceilings.of(slot.owner));
            let nearby = (0..60).flat_map(|n| [at + n * 1000, at - n * 1000]);
            let free = nearby.filter(|t| (floor..=ceiling).contains(t)).find(|t| !seconds.contains(&t.div_euclid(1000)));
            slot.at = free.unwrap_or(at);
            seconds.insert(slot.at.div_euclid(1000));
            ceilings.lower(slot, self.gap, &self.owners);
        }
    }

    /// How early each letter may be without coming too near to those before it.
    fn floors(&self) -> Vec<i64> {
        let mut floor = i64::MIN;
        let mut floor_of: Vec<i64> = self.owners.iter().map(|o| o.span.open.0).collect();
        let floors = self.slots.iter().map(|slot| {
            let own = floor.max(floor_of[slot.owner]);
            floor = slot.at.saturating_add(self.gap);
            floor_of[slot.owner] = slot.at.saturating_add(self.owners[slot.owner].gap);
            own
        });
        floors.collect()
    }
}

/// How late a letter may be without coming too near to those after it, going backward through a lane.
struct Ceilings {
    all: i64,
    each: Vec<i64>,
}

impl Ceilings {
    fn new(lane: &Lane) -> Self {
        Self { all: i64::MAX, each: lane.owners.iter().map(|o| o.span.close.0).collect() }
    }

    fn of(&self, owner: usize) -> i64 {
        self.all.min(self.each[owner])
    }

    fn lower(&mut self, slot: &Slot, gap: i64, owners: &[Owner]) {
        self.all = slot.at.saturating_sub(gap);
        self.each[slot.owner] = slot.at.saturating_sub(owners[slot.owner].gap);
    }
}

/// A plausible day: a hump in mid-morning, a lower one in mid-afternoon, never nothing.
struct Shape {
    /// The share of letters up to each of the equal parts of the window.
    cumulative: Vec<f64>,
}

impl Shape {
    const PARTS: usize = 64;

    fn new() -> Self {
        let hump = |x: f64, middle: f64, width: f64| (-((x - middle) / width).powi(2)).exp();
        let density = |x: f64| 0.5 + hump(x, 0.24, 0.15) + 0.8 * hump(x, 0.72, 0.16);
        let mut sum = 0.0;
        let mut cumulative = vec![0.0];
        for part in 0..Self::PARTS {
            sum += density((part as f64 + 0.5) / Self::PARTS as f64);
            cumulative.push(sum);
        }
        for share in &mut cumulative {
            *share /= sum;
        }
        Self { cumulative }
    }

    /// Where in the window, 0 to 1, the share `u` of a day's letters is reached.
    fn place(&self, u: f64) -> f64 {
        let part = self.cumulative.partition_point(|&c| c <= u).clamp(1, Self::PARTS) - 1;
        let (low, high) = (self.cumulative[part], self.cumulative[part + 1]);
        ((part as f64 + (u - low) / (high - low)) / Self::PARTS as f64).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{day, partner, warming};
    use super::*;

    #[test]
    fn a_full_domain_is_shared_out_evenly() {
        assert_eq!(share_evenly(10, &[1, 9, 9]), [1, 4, 5]);
        assert_eq!(share_evenly(100, &[1, 9, 9]), [1, 9, 9]);
        assert_eq!(share_evenly(1, &[5, 5, 5]), [0, 0, 1]);
        assert_eq!(share_evenly(7, &[]), Vec::<u32>::new());
    }

    #[test]
    fn the_day_has_two_humps() {
        let shape = Shape::new();
        let mut tenths = [0; 10];
        (0..10_000).for_each(|n| tenths[((shape.place(f64::from(n) / 10_000.0) * 10.0) as usize).min(9)] += 1);
        assert!(tenths[2] > tenths[0] && tenths[2] > tenths[4] && tenths[7] > tenths[5] && tenths[7] > tenths[9], "{tenths:?}");
        assert!(tenths.iter().all(|&t| t > 400), "{tenths:?}");
    }

    #[test]
    fn a_window_and_a_domain_hold_what_their_gaps_allow() {
        // 9 h less 10 min are 31,800 s; nine tenths of them: 96 letters 5 minutes apart, 319 letters 90 seconds apart.
        let pool: Vec<Participant> = (0..4).map(|n| warming(&format!("m{n}@x.test"), 200)).collect();
        let roster = Roster::new(&pool);
        let alone = fit(&roster, day(), &[200, 0, 0, 0]);
        assert_eq!(alone[0], Fit { letters: 96, obstacle: Some(Obstacle::Window(96)) });
        let all = fit(&roster, day(), &[200, 200, 200, 20]);
        assert_eq!(all.iter().map(|f| f.letters).collect::<Vec<_>>(), [96, 96, 96, 20]);
        let full = fit(&roster, day(), &[200; 4]);
        assert_eq!(full.iter().map(|f| f.letters).collect::<Vec<_>>(), [79, 80, 80, 80]);
        assert_eq!(full[0].obstacle, Some(Obstacle::DomainGap(79)));

        let partners: Vec<Participant> = (0..10).map(|n| partner(&format!("p{n}@big.test"))).collect();
        assert!(fit(&Roster::new(&partners), day(), &[50; 10]).iter().all(|f| f.letters == 50), "partners have no domain gap");
    }

    #[test]
    fn a_full_lane_loses_hardly_a_letter_to_spacing() {
        let pool: Vec<Participant> = (0..4).map(|n| warming(&format!("m{n}@x.test"), 200)).collect();
        let roster = Roster::new(&pool);
        let fits = fit(&roster, day(), &[200; 4]);
        let turns = Turns::new(&roster, Seed(3), day());
        let placed: usize = slots(Seed(3), day(), &roster, &turns, &fits).of.iter().map(Range::len).sum();
        assert!(placed >= 314, "{placed} of 319");
    }
}
