//! The order in which the mailboxes take turns.
//!
//! In a large pool it is the way to memory that costs. So whatever a mailbox needs for its turn lies in this order: a round then walks through memory
//! instead of leaping about in it.

use rand::seq::SliceRandom;

use super::roster::Roster;
use crate::chance::Seed;
use crate::words::LocalDate;

/// Turns that are looked ahead at once.
const LOOKED_AHEAD: usize = 16;

/// Every mailbox once, in an order drawn for the date. Its place in this order is its seat; its place in the roster is the mailbox's own number.
pub(super) struct Turns {
    mailboxes: Vec<u32>,
    seats: Vec<u32>,
}

impl Turns {
    pub fn new(roster: &Roster<'_>, seed: Seed, date: LocalDate) -> Self {
        let mut mailboxes: Vec<u32> = (0..roster.len() as u32).collect();
        mailboxes.shuffle(&mut seed.of_pool(date, "order"));
        let mut seats = vec![0; mailboxes.len()];
        for (seat, &mailbox) in (0..).zip(&mailboxes) {
            seats[mailbox as usize] = seat;
        }
        Self { mailboxes, seats }
    }

    /// The mailboxes, seat by seat.
    pub fn mailboxes(&self) -> impl ExactSizeIterator<Item = usize> {
        self.mailboxes.iter().map(|&mailbox| mailbox as usize)
    }

    pub fn mailbox(&self, seat: usize) -> usize {
        self.mailboxes[seat] as usize
    }

    pub fn seat(&self, mailbox: usize) -> usize {
        self.seats[mailbox] as usize
    }

    /// Round after round, everyone in turn: those who start no more leave.
    pub fn go_round(&self, starter: &mut impl Starter) {
        let mut seats: Vec<u32> = (0..self.mailboxes.len() as u32).collect();
        while !seats.is_empty() {
            let mut left = Vec::with_capacity(seats.len());
            for some in seats.chunks(LOOKED_AHEAD) {
                starter.look_ahead(some);
                left.extend(some.iter().filter(|&&seat| starter.start_letter(seat as usize)));
            }
            seats = left;
        }
    }
}

/// Who starts letters when it is a mailbox's turn.
pub(super) trait Starter {
    /// Reads what these seats will need. One after the other, each turn would wait for memory by itself; here they wait together.
    fn look_ahead(&mut self, seats: &[u32]);

    /// Starts a letter of the mailbox in this seat; false where it has started all it can.
    fn start_letter(&mut self, seat: usize) -> bool;
}
