//! The recipients with room.

use std::ops::Range;

use super::pairs::LETTER;
use super::roster::Roster;
use crate::words::Provider;

/// Letters that a mailbox may receive at most, whatever its limit: as many as can be counted in thousandths.
const MOST_RECEIVED: u32 = u32::MAX / LETTER - 1;

/// A recipient as it is weighed. In few bytes, because each that is proposed lies elsewhere in memory.
#[derive(Clone, Copy)]
pub(super) struct Recipient {
    pub mailbox: u32,
    pub domain: u32,
    /// What it receives of what it may, in thousandths.
    pub fill: u16,
    pub provider: Provider,
    pub has_room: bool,
}

/// What a mailbox receives.
struct Received {
    /// Thousandths of letters.
    letters: u32,
    /// Letters at most.
    limit: u32,
    /// Where it lies in the ring, as long as it has room.
    place: u32,
}

impl Received {
    fn has_room(&self) -> bool {
        self.letters.saturating_add(LETTER) <= self.limit * LETTER
    }

    fn fill(&self) -> u16 {
        u16::try_from(self.letters / self.limit.max(1)).unwrap_or(u16::MAX)
    }
}

/// The recipients with room, laid out block by block, so that the sender's own block is skipped without a look at it.
pub(super) struct Ring {
    members: Vec<Recipient>,
    /// Where each block lies in `members`.
    blocks: Vec<Range<u32>>,
    closed: usize,
    /// By mailbox.
    received: Vec<Received>,
}

impl Ring {
    pub fn new(roster: &Roster<'_>) -> Self {
        let recipients = roster.people.iter().enumerate().map(|(i, p)| Recipient {
            mailbox: i as u32,
            domain: roster.domain[i] as u32,
            fill: 0,
            provider: p.provider,
            has_room: p.receive_limit > 0,
        });
        let members = recipients.filter(|r| r.has_room).collect();
        let received = roster.people.iter().map(|p| Received { letters: 0, limit: p.receive_limit.min(MOST_RECEIVED), place: 0 });
        let mut ring = Self { members, blocks: Vec::new(), closed: 0, received: received.collect() };
        ring.lay_out(roster);
        ring
    }

    fn lay_out(&mut self, roster: &Roster<'_>) {
        let block = |r: &Recipient| roster.block(r.mailbox as usize);
        self.members.sort_by_key(|r| (block(r), r.mailbox));
        let blocks = (0..roster.len()).map(|i| roster.block(i)).max().map_or(0, |b| b + 1);
        self.blocks = vec![0..0; blocks];
        for (at, member) in (0..).zip(&self.members) {
            self.received[member.mailbox as usize].place = at;
            let range = &mut self.blocks[block(member)];
            *range = if range.start == range.end { at..at + 1 } else { range.start..at + 1 };
        }
        self.closed = 0;
    }

    /// Whether a mailbox receives anything at all.
    pub fn may_receive(&self, mailbox: usize) -> bool {
        self.received[mailbox].limit > 0
    }

    /// Whether a mailbox may receive a letter more.
    pub fn has_room(&self, mailbox: usize) -> bool {
        self.received[mailbox].has_room()
    }

    /// Counts what a mailbox receives, in thousandths of a letter. Says whether it is full by that, and was not before.
    ///
    /// The ring is laid out anew when half of it is full: rarely enough to cost little, often enough for proposals to hit.
    pub fn receive(&mut self, roster: &Roster<'_>, mailbox: usize, thousandths: u32) -> bool {
        let received = &mut self.received[mailbox];
        let had_room = received.has_room();
        received.letters = received.letters.saturating_add(thousandths);
        if !had_room {
            return false;
        }
        let member = &mut self.members[received.place as usize];
        (member.fill, member.has_room) = (received.fill(), received.has_room());
        let is_full = !member.has_room;
        self.closed += usize::from(is_full);
        if self.closed * 2 > self.members.len() {
            self.members.retain(|r| r.has_room);
            self.lay_out(roster);
        }
        is_full
    }

    pub fn outside(&self, block: usize) -> OutsideOf<'_> {
        let skip = self.blocks.get(block).map_or(0..0, |b| b.start as usize..b.end as usize);
        OutsideOf { members: &self.members, skip }
    }
}

/// The ring without one block.
pub(super) struct OutsideOf<'a> {
    members: &'a [Recipient],
    skip: Range<usize>,
}

impl OutsideOf<'_> {
    pub fn len(&self) -> usize {
        self.members.len() - self.skip.len()
    }

    pub fn get(&self, n: usize) -> Recipient {
        self.members[if n < self.skip.start { n } else { n + self.skip.len() }]
    }
}
