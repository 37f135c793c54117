//! The letters of an agenda, packed: a large pool has millions of them, and memory that is touched costs time.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZero;
use std::time::Duration;

use super::draws::{Draft, ParentFacts};
use super::model::{Draws, PlannedLetter};
use crate::words::{Address, LetterId, LocalDate, Moment};

/// Planned letters in the order of the agenda, each given out as a [`PlannedLetter`] and kept in less than half of its bytes.
///
/// What is kept is what an agenda can hold: a start is due when it is expected, an answer has no due time yet, and delays are whole milliseconds, 49 days
/// at most (a schedule allows 14).
#[derive(Clone, Default)]
pub struct Letters {
    /// The mailboxes that write and receive.
    mailboxes: Vec<Address>,
    /// In the order in which they were planned.
    packed: Vec<Packed>,
    /// Those that are answered by others of them.
    parents: Vec<LetterId>,
    /// Places in `packed`, in the order of the agenda.
    order: Vec<u32>,
}

#[derive(Clone, Copy)]
struct Packed {
    id: LetterId,
    /// Places in `mailboxes`.
    sender: u32,
    recipient: u32,
    /// Its place in `parents`, from 1.
    parent: Option<NonZero<u32>>,
    in_thread: u32,
    date: LocalDate,
    expected: Moment,
    content: u64,
    /// Milliseconds.
    rescue_after: u32,
    open_after: u32,
    answer_after: u32,
    open: bool,
    answer: bool,
    important: bool,
    flag: bool,
}

impl Letters {
    /// No letters between these mailboxes, and room for so many.
    pub(super) fn between(mailboxes: Vec<Address>, room: usize) -> Self {
        // Memory that is reserved and not touched costs nothing; memory that is moved does.
        Self { mailboxes, packed: Vec::with_capacity(room), parents: Vec::with_capacity(room), order: Vec::new() }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.packed.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.packed.is_empty()
    }

    /// Each of them, in the order of the agenda.
    pub fn iter(&self) -> impl Iterator<Item = PlannedLetter> {
        self.order.iter().map(|&n| self.unpack(&self.packed[n as usize]))
    }

    /// Puts a letter behind those that there are; [`Letters::order`] gives it its place.
    pub(super) fn push(&mut self, letter: &Draft) {
        let draws = &letter.facts.draws;
        let millis = |d: Duration| u32::try_from(d.as_millis()).unwrap_or(u32::MAX);
        self.parents.extend(letter.parent);
        self.packed.push(Packed {
            id: letter.facts.id,
            sender: letter.sender as u32,
            recipient: letter.recipient as u32,
            parent: letter.parent.and_then(|_| NonZero::new(self.parents.len() as u32)),
            in_thread: letter.facts.in_thread,
            date: letter.date,
            expected: letter.expected,
            content: draws.content,
            rescue_after: millis(draws.rescue_after),
            open_after: millis(draws.open_after),
            answer_after: millis(draws.answer_after),
            open: draws.open,
            answer: draws.answer,
            important: draws.important,
            flag: draws.flag,
        });
    }

    /// Orders them by (sender, expected, id).
    pub(super) fn order(&mut self) {
        // Senders are numbers, and each knows by counting where its letters begin. What is left to sort are the few of one sender.
        let mut next = vec![0; self.mailboxes.len()];
        for letter in &self.packed {
            next[letter.sender as usize] += 1;
        }
        let mut before = 0;
        for letters in &mut next {
            before += std::mem::replace(letters, before);
        }
        self.order = vec![0; self.packed.len()];
        for (n, letter) in (0..).zip(&self.packed) {
            let place: &mut usize = &mut next[letter.sender as usize];
            self.order[*place] = n;
            *place += 1;
        }
        let mut keys = Vec::new();
        let mut rest = self.order.as_mut_slice();
        let mut begin = 0;
        for end in next {
            let own;
            (own, rest) = rest.split_at_mut(end - begin);
            begin = end;
            keys.clear();
            keys.extend(own.iter().map(|&n| (self.packed[n as usize].expected, self.packed[n as usize].id, n)));
            keys.sort_unstable();
            own.iter_mut().zip(&keys).for_each(|(place, key)| *place = key.2);
        }
    }

    fn unpack(&self, l: &Packed) -> PlannedLetter {
        let delay = |millis: u32| Duration::from_millis(millis.into());
        let parent = l.parent.map(|n| self.parents[n.get() as usize - 1]);
        PlannedLetter {
            id: l.id,
            sender: self.mailboxes[l.sender as usize].clone(),
            recipient: self.mailboxes[l.recipient as usize].clone(),
            date: l.date,
            parent,
            in_thread: l.in_thread,
            due: parent.is_none().then_some(l.expected),
            expected: l.expected,
            draws: Draws {
                open: l.open,
                answer: l.answer,
                important: l.important,
                flag: l.flag,
                rescue_after: delay(l.rescue_after),
                open_after: delay(l.open_after),
                answer_after: delay(l.answer_after),
                content: l.content,
            },
        }
    }
}

impl FromIterator<PlannedLetter> for Letters {
    /// Keeps the order in which they come.
    fn from_iter<I: IntoIterator<Item = PlannedLetter>>(planned: I) -> Self {
        let mut numbers: BTreeMap<Address, usize> = BTreeMap::new();
        let mut letters = Self::default();
        for l in planned {
            let [sender, recipient] = [l.sender, l.recipient].map(|address| {
                *numbers.entry(address).or_insert_with_key(|address| {
                    letters.mailboxes.push(address.clone());
                    letters.mailboxes.len() - 1
                })
            });
            let facts = ParentFacts { id: l.id, in_thread: l.in_thread, draws: l.draws };
            letters.order.push(letters.packed.len() as u32);
            letters.push(&Draft { facts, sender, recipient, parent: l.parent, date: l.date, expected: l.expected });
        }
        letters
    }
}

impl fmt::Debug for Letters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl PartialEq for Letters {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for Letters {}

#[cfg(test)]
mod tests {
    use super::super::testing::{address, day};
    use super::*;

    fn draws() -> Draws {
        let delay = Duration::from_millis;
        Draws {
            open: true,
            answer: false,
            important: true,
            flag: false,
            rescue_after: delay(1),
            open_after: delay(14 * 86_400_000),
            answer_after: delay(2),
            content: u64::MAX,
        }
    }

    #[test]
    fn what_is_packed_comes_out_as_it_was() {
        let (a, b) = (address("a@x.test"), address("b@y.test"));
        let id = LetterId::of_start(&a, day(), 1);
        let at = Moment(1_796_112_000_000);
        let start = PlannedLetter {
            id,
            sender: a.clone(),
            recipient: b.clone(),
            date: day(),
            parent: None,
            in_thread: 1,
            due: Some(at),
            expected: at,
            draws: draws(),
        };
        let answer = PlannedLetter {
            id: LetterId::of_answer(id),
            sender: b,
            recipient: a,
            date: day().plus(1),
            parent: Some(id),
            in_thread: 2,
            due: None,
            draws: Draws { open: false, answer: true, important: false, flag: true, ..draws() },
            ..start.clone()
        };
        let planned = vec![answer, start];
        let letters: Letters = planned.iter().cloned().collect();
        assert_eq!((letters.len(), letters.is_empty()), (2, false));
        assert_eq!(letters.iter().collect::<Vec<_>>(), planned, "in the order in which they came");
        assert_eq!(format!("{letters:?}"), format!("{planned:?}"));
        assert_ne!(letters, planned[1..].iter().cloned().collect());
        assert!(std::mem::size_of::<Packed>() <= 64, "a line of the processor's cache");
    }

    #[test]
    fn letters_are_ordered_by_sender_time_and_id() {
        let mailboxes: Vec<Address> = (0..5).map(|n| address(&format!("m{n}@x.test"))).collect();
        let mut letters = Letters::between(mailboxes.clone(), 0);
        for n in 0..40 {
            // The last mailbox but one writes nothing; several letters of the others are due at once.
            let sender = [4, 0, 2, 1][n % 4];
            let id = LetterId::of_start(&mailboxes[sender], day(), n as u32);
            let facts = ParentFacts { id, in_thread: 1, draws: draws() };
            let expected = Moment(n as i64 * 7 % 5);
            letters.push(&Draft { facts, sender, recipient: 3, parent: None, date: day(), expected });
        }
        letters.order();
        assert_eq!(letters.iter().count(), 40);
        assert!(letters.iter().is_sorted_by_key(|l| (l.sender, l.expected, l.id)));
    }
}
