//! The recipients with room.

use std::ops::Range;

use super::pairs::LETTER;
use super::roster::Roster;
use crate::words::Provider;

/// A recipient as it is weighed. In few bytes, because each that is proposed lies elsewhere in memory.
#[derive(Clone, Copy)]
pub(super) struct Recipient {
    pub mailbox: u32,
    pub domain: u32,
    /// What it receives, in thousandths of letters.
    received: u32,
    /// Letters at most. (A config allows 10,000.)
    limit: u16,
    pub provider: Provider,
}

impl Recipient {
    /// Whether it may receive a letter more.
    pub fn has_room(&self) -> bool {
        self.received.saturating_add(LETTER) <= u32::from(self.limit) * LETTER
    }

    /// What it receives of what it may, in thousandths.
    pub fn fill(&self) -> u32 {
        self.received / u32::from(self.limit.max(1))
    }
}

/// Where a mailbox lies in the ring that is not there: it has no room.
const NOWHERE: u32 = u32::MAX;

/// The recipients with room, laid out block by block, so that the sender's own block is skipped without a look at it.
pub(super) struct Ring {
    members: Vec<Recipient>,
    /// Where each mailbox lies in `members`, or [`NOWHERE`].
    places: Vec<u32>,
    /// Where each block lies in `members`.
    blocks: Vec<Range<u32>>,
    full: usize,
}

impl Ring {
    pub fn new(roster: &Roster<'_>) -> Self {
        let recipients = roster.people.iter().enumerate().map(|(i, p)| Recipient {
            mailbox: i as u32,
            domain: roster.domain[i] as u32,
            received: 0,
            limit: u16::try_from(p.receive_limit).unwrap_or(u16::MAX),
            provider: p.provider,
        });
        let members = recipients.filter(Recipient::has_room).collect();
        let mut ring = Self { members, places: vec![NOWHERE; roster.len()], blocks: Vec::new(), full: 0 };
        ring.lay_out(roster);
        ring
    }

    fn lay_out(&mut self, roster: &Roster<'_>) {
        let block = |r: &Recipient| roster.block(r.mailbox as usize);
        self.members.sort_by_key(|r| (block(r), r.mailbox));
        let blocks = (0..roster.len()).map(|i| roster.block(i)).max().map_or(0, |b| b + 1);
        self.blocks = vec![0..0; blocks];
        for (at, member) in (0..).zip(&self.members) {
            self.places[member.mailbox as usize] = at;
            let range = &mut self.blocks[block(member)];
            *range = if range.start == range.end { at..at + 1 } else { range.start..at + 1 };
        }
        self.full = 0;
    }

    /// Where a mailbox lies; `None` if it has no room.
    pub fn place(&self, mailbox: usize) -> Option<usize> {
        Some(self.places[mailbox]).filter(|&place| place != NOWHERE).map(|place| place as usize)
    }

    /// Counts what the recipient at this place receives, in thousandths of a letter. Says whether it is full by that.
    ///
    /// The ring is laid out anew when half of it is full: rarely enough to cost little, often enough for proposals to hit.
    pub fn receive(&mut self, roster: &Roster<'_>, place: usize, thousandths: u32) -> bool {
        let member = &mut self.members[place];
        member.received = member.received.saturating_add(thousandths);
        if member.has_room() {
            return false;
        }
        self.places[member.mailbox as usize] = NOWHERE;
        self.full += 1;
        if self.full * 2 > self.members.len() {
            self.members.retain(Recipient::has_room);
            self.lay_out(roster);
        }
        true
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

    /// Where the `n`th of them lies in the ring.
    pub fn place(&self, n: usize) -> usize {
        if n < self.skip.start { n } else { n + self.skip.len() }
    }

    pub fn get(&self, n: usize) -> Recipient {
        self.members[self.place(n)]
    }
}
