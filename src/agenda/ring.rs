//! The recipients with room.

use std::ops::Range;

use super::roster::Roster;

/// The recipients with room, laid out block by block, so that the sender's own block is skipped without a look at it.
pub(super) struct Ring {
    members: Vec<u32>,
    /// Where each block lies in `members`.
    blocks: Vec<Range<u32>>,
    closed: usize,
    is_open: Vec<bool>,
}

impl Ring {
    /// Of the mailboxes that `belongs` picks.
    pub fn new(roster: &Roster<'_>, belongs: impl Fn(usize) -> bool) -> Self {
        let is_open: Vec<bool> = (0..roster.len()).map(belongs).collect();
        let members = (0..roster.len() as u32).filter(|&i| is_open[i as usize]).collect();
        let mut ring = Self { members, blocks: Vec::new(), closed: 0, is_open };
        ring.lay_out(roster);
        ring
    }

    fn lay_out(&mut self, roster: &Roster<'_>) {
        self.members.sort_by_key(|&i| (roster.block(i as usize), i));
        let blocks = (0..roster.len()).map(|i| roster.block(i)).max().map_or(0, |b| b + 1);
        self.blocks = vec![0..0; blocks];
        for (at, &i) in (0..).zip(&self.members) {
            let range = &mut self.blocks[roster.block(i as usize)];
            *range = if range.start == range.end { at..at + 1 } else { range.start..at + 1 };
        }
        self.closed = 0;
    }

    /// Takes a recipient out. The ring is laid out anew when half of it is closed: rarely enough to cost little, often enough for proposals to hit.
    pub fn close(&mut self, roster: &Roster<'_>, i: usize) {
        if std::mem::replace(&mut self.is_open[i], false) {
            self.closed += 1;
            if self.closed * 2 > self.members.len() {
                let is_open = &self.is_open;
                self.members.retain(|&i| is_open[i as usize]);
                self.lay_out(roster);
            }
        }
    }

    pub fn outside(&self, block: usize) -> OutsideOf<'_> {
        let skip = self.blocks.get(block).map_or(0..0, |b| b.start as usize..b.end as usize);
        OutsideOf { members: &self.members, skip }
    }
}

/// The ring without one block.
pub(super) struct OutsideOf<'a> {
    members: &'a [u32],
    skip: Range<usize>,
}

impl OutsideOf<'_> {
    pub fn len(&self) -> usize {
        self.members.len() - self.skip.len()
    }

    pub fn get(&self, n: usize) -> usize {
        self.members[if n < self.skip.start { n } else { n + self.skip.len() }] as usize
    }
}
