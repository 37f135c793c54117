//! Whether a server is there at all: a state machine for each server, without I/O.
//!
//! ```text
//!            three mailboxes in a row heard nothing
//!   closed ────────────────────────────────────────→ open: nobody connects for 1, 2, 4, 8, 15 minutes
//!     ↑                                                │ its time is over: one tries, the others wait for its word
//!     └──────────── it heard something ─────────── trying ── it heard nothing ──→ open, for longer
//! ```
//!
//! Whoever was turned away comes back in waves of 1, 2, 4, … five seconds apart, up to as many as may sign in at once: a server that has just
//! come back is not run over.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::chance::Seed;
use crate::mail::{Downtime, Trouble};
use crate::words::{Address, Moment};

/// Different mailboxes that must hear nothing in a row. One or two may have a trouble of their own, and their own back-off is enough for them.
pub const ENOUGH: usize = 3;
/// Between two waves of those that come back.
pub const BETWEEN_WAVES: Duration = Duration::from_secs(5);
/// Where nobody asked for a place for so long, all have come who were turned away.
const NOBODY_COMES: Duration = Duration::from_mins(2);
/// Those who have heard nothing themselves leave the next try for this long to others, who may know better.
const AFTER_YOU: Duration = Duration::from_mins(1);

/// How long a breaker is open for the `n`th time in a row, from 0: 1, 2, 4, 8, 15 minutes, each up to a fifth shorter (`share`, 0 to 1): servers that went
/// down together are not tried in one second.
fn open_for(n: u32, share: f64) -> Duration {
    let longest = Duration::from_mins(1) * (1u32 << n.min(4)).min(15);
    longest.mul_f64(1.0 - 0.2 * share.clamp(0.0, 1.0))
}

/// What whoever wants to connect is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Come in. What comes of it is to be told to the breaker.
    Enter,
    /// The same, and all the others wait for what comes of it.
    Try,
    /// Somebody is trying: ask again when that is over.
    Wait,
    /// Not now.
    Later(Later),
}

/// When to come back, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Later {
    /// When: its place in the line.
    pub at: Moment,
    /// What is known of the server; `None`: it answers again, and the others come first.
    pub down: Option<Downtime>,
}

/// The breaker of one server. The words are those of electricity: *closed* lets through, *open* does not.
#[derive(Debug)]
pub struct Breaker {
    server: String,
    seed: Seed,
    /// The most that come in one wave.
    wave: u32,
    state: State,
    /// Who heard nothing, since anybody heard anything.
    failed: BTreeSet<Address>,
    /// The first of these failures, and what the last one met.
    silence: Option<(Moment, Trouble)>,
    /// How often it has opened since all was well.
    times: u32,
    /// How often it has ever opened.
    ever: u32,
    line: Option<Line>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Closed,
    Open { until: Moment },
    Trying { who: Address, since: Moment },
}

impl Breaker {
    /// A closed one. `wave`: the most who come in one wave when it closes again, 1 at least.
    pub fn new(server: &str, seed: Seed, wave: u32) -> Self {
        Self {
            server: server.to_owned(),
            seed,
            wave: wave.max(1),
            state: State::Closed,
            failed: BTreeSet::new(),
            silence: None,
            times: 0,
            ever: 0,
            line: None,
        }
    }

    /// Whether `who` has to come back later. Changes nothing but that it has a place in the line then.
    pub fn turns_away(&mut self, who: &Address, now: Moment) -> Option<Later> {
        self.forget_the_line(now);
        match self.state {
            State::Trying { .. } => None,
            State::Closed => {
                let at = self.line.as_mut()?.place(who, now, self.wave);
                (at > now).then_some(Later { at, down: None })
            }
            State::Open { until } => {
                let others_come = || self.line.as_ref().is_some_and(|l| l.places.keys().any(|other| !self.failed.contains(other)));
                let at = if until > now {
                    self.line.as_mut().map_or(until, |line| line.place(who, now, self.wave))
                } else if until + AFTER_YOU > now && self.failed.contains(who) && others_come() {
                    until + AFTER_YOU
                } else {
                    return None;
                };
                Some(Later { at, down: self.down(at, until.max(now)) })
            }
        }
    }

    /// `who` is about to connect.
    pub fn ask(&mut self, who: &Address, now: Moment) -> Asked {
        if let Some(later) = self.turns_away(who, now) {
            return Asked::Later(later);
        }
        match self.state {
            State::Trying { .. } => Asked::Wait,
            State::Open { .. } => {
                self.state = State::Trying { who: who.clone(), since: now };
                Asked::Try
            }
            State::Closed => {
                if let Some(line) = &mut self.line {
                    line.places.remove(who);
                }
                Asked::Enter
            }
        }
    }

    /// The server spoke to somebody, whatever it said.
    pub fn answered(&mut self, now: Moment) {
        if self.state != State::Closed {
            self.state = State::Closed;
            self.line = Some(Line::from(now));
        }
        self.failed.clear();
        self.silence = None;
    }

    /// `who` heard nothing of it.
    pub fn silent(&mut self, who: &Address, trouble: Trouble, now: Moment) {
        self.forget_the_line(now);
        self.failed.insert(who.clone());
        let since = self.silence.as_ref().map_or(now, |(since, _)| *since);
        self.silence = Some((since, trouble));
        let opens = match &self.state {
            State::Closed => self.failed.len() >= ENOUGH,
            State::Trying { who: trying, .. } => trying == who,
            // Begun before it opened.
            State::Open { .. } => false,
        };
        if opens {
            self.open(now);
        }
    }

    /// `who` broke off, or failed before it came to the server: nothing is known. If all waited for it, the next one tries.
    pub fn knows_nothing(&mut self, who: &Address) {
        if let State::Trying { who: trying, since } = &self.state
            && trying == who
        {
            self.state = State::Open { until: *since };
        }
    }

    fn open(&mut self, now: Moment) {
        let [share, _] = self.seed.shares_of_words(&["breaker", &self.server, &self.ever.to_string()]);
        let until = now + open_for(self.times, share);
        self.times = self.times.saturating_add(1);
        self.ever = self.ever.saturating_add(1);
        self.state = State::Open { until };
        self.line = Some(Line::from(until));
    }

    fn down(&self, turn: Moment, again: Moment) -> Option<Downtime> {
        let (since, last) = self.silence.clone()?;
        let mailboxes = u32::try_from(self.failed.len()).unwrap_or(u32::MAX);
        Some(Downtime { server: self.server.clone(), mailboxes, since, again, turn, last })
    }

    /// When all who came back at once have come, the outage is over.
    fn forget_the_line(&mut self, now: Moment) {
        if self.state == State::Closed && self.line.as_ref().is_some_and(|l| l.is_over(now, self.wave)) {
            self.line = None;
            self.times = 0;
        }
    }
}

/// Those who come back, in waves.
#[derive(Debug)]
struct Line {
    /// The last wave that has places given: when it comes, how many it holds, and how many of these are given.
    comes: Moment,
    size: u32,
    given: u32,
    /// Whose place is when, until it is taken.
    places: BTreeMap<Address, Moment>,
}

impl Line {
    fn from(first: Moment) -> Self {
        Self { comes: first, size: 1, given: 0, places: BTreeMap::new() }
    }

    /// When it is the turn of `who`.
    fn place(&mut self, who: &Address, now: Moment, most: u32) -> Moment {
        if let Some(at) = self.places.get(who) {
            return *at;
        }
        if self.comes + BETWEEN_WAVES <= now {
            // Places that nobody wanted are not saved up.
            self.next_wave(now, most);
        } else if self.given >= self.size {
            self.next_wave(self.comes + BETWEEN_WAVES, most);
        }
        self.given += 1;
        self.places.insert(who.clone(), self.comes);
        self.comes
    }

    fn next_wave(&mut self, comes: Moment, most: u32) {
        self.comes = comes;
        self.size = self.size.saturating_mul(2).min(most);
        self.given = 0;
    }

    /// Whether the last wave is through, and it was as big as waves get, or nobody has come since.
    fn is_over(&self, now: Moment, most: u32) -> bool {
        self.size >= most && self.comes + BETWEEN_WAVES <= now || self.comes + NOBODY_COMES <= now
    }
}
