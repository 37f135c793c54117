//! The letters of one local date.

use std::hint::black_box;

use super::draws::{Draft, ParentFacts, answer_expected, draw, next_send_day, write_answer};
use super::letters::Letters;
use super::model::{Agenda, Carried, History, Participant, Shortfall};
use super::obstacle::Obstacle;
use super::pairs::{LETTER, Pairs};
use super::roster::Roster;
use super::times::{Fit, fit, slots};
use super::turns::{Starter, Turns};
use crate::chance::Seed;
use crate::config::PairLimits;
use crate::words::{LetterId, LocalDate, Moment, Role, StartIds};

/// Answers are put off this often at most; then they lapse.
const PUT_OFF_AT_MOST: u32 = 3;

/// Makes the agenda of `date`: the same for the same input, in whatever order the participants come.
///
/// Answers carried over from earlier agendas take their places first, at most half of a warming mailbox's quota. Then the mailboxes take turns: each
/// starts one letter, whose draws may reserve a place in the recipient's quota for its answer, until quotas are full or nobody is left to write to.
/// Where `date` is meant, it is each sender's own local date; a recipient's `receive_limit` counts the letters whose senders have that date.
///
/// Nobody's letters begin outside its window or nearer to each other than its gaps allow; only domains with a warming mailbox keep a domain's gap.
/// Answers have no due time yet, only an expected one; the slots that starts leave unused are the room for them.
pub fn make(seed: Seed, date: LocalDate, participants: &[Participant], limits: &PairLimits, history: &History) -> Agenda {
    let roster = Roster::new(participants);
    let turns = Turns::new(&roster, seed, date);
    let mut day = Day::new(seed, date, &roster, &turns, limits, history);
    for carried in &history.carried {
        day.carry(carried);
    }
    turns.go_round(&mut day);
    let mut agenda = day.finish();
    // Behind the day's state, not beside it: this takes the memory that it leaves.
    agenda.letters.order();
    agenda
}

/// A mailbox's letters on the date.
struct Book {
    /// Where its slots begin.
    slots: usize,
    /// Letters at most: the quota, or what its window holds of it.
    room: u32,
    /// Answers at most.
    answer_limit: u32,
    /// Starts at most.
    start_limit: u32,
    starts: u32,
    answers: u32,
    /// The ids of its starts.
    ids: StartIds,
}

impl Book {
    fn planned(&self) -> u32 {
        self.starts + self.answers
    }

    fn may_start(&self) -> bool {
        self.planned() < self.room && self.starts < self.start_limit
    }

    fn has_room_for_answer(&self) -> bool {
        self.planned() < self.room && self.answers < self.answer_limit
    }
}

/// Answers at most half of what a warming mailbox sends; a partner answers with all that its starts leave, and keeps at most half for those.
pub(super) fn answer_limit(p: &Participant, room: u32) -> u32 {
    match p.start_limit {
        Some(starts) => room - starts.min(room / 2),
        None => room / 2,
    }
}

/// Starts at most, and which rule says so: the mailbox's own limit, or the weekly limit of its pairs taken day by day.
pub(super) fn start_limit(p: &Participant, pace: u32) -> (u32, Obstacle) {
    match p.start_limit {
        Some(own) if own <= pace => (own, Obstacle::StartLimit(own)),
        _ => (pace, Obstacle::Pace(pace)),
    }
}

struct Day<'a> {
    seed: Seed,
    date: LocalDate,
    roster: &'a Roster<'a>,
    turns: &'a Turns,
    limits: &'a PairLimits,
    pairs: Pairs<'a>,
    /// By seat.
    books: Vec<Book>,
    /// The times of each mailbox's starts, in the order in which they are taken.
    slots: Vec<Moment>,
    fits: Vec<Fit>,
    /// Why a mailbox starts no more.
    obstacles: Vec<Option<Obstacle>>,
    agenda: Agenda,
}

impl<'a> Day<'a> {
    fn new(seed: Seed, date: LocalDate, roster: &'a Roster<'a>, turns: &'a Turns, limits: &'a PairLimits, history: &History) -> Self {
        let quotas: Vec<u32> = roster.people.iter().map(|p| p.quota).collect();
        let fits = fit(roster, date, &quotas);
        let slots = slots(seed, date, roster, turns, &fits);
        let pairs = Pairs::new(roster, turns, limits, history, seed, date);
        let books = turns.mailboxes().map(|i| {
            let (p, own) = (roster.people[i], &slots.of[i]);
            let room = u32::try_from(own.len()).unwrap_or(u32::MAX);
            Book {
                slots: own.start,
                room,
                answer_limit: answer_limit(p, room),
                start_limit: start_limit(p, pairs.pace(i).ceil() as u32).0,
                starts: 0,
                answers: 0,
                ids: StartIds::new(&p.address, date),
            }
        });
        let books = books.collect();
        // Answers that are expected on later dates come on top: a share of the starts, for which a vector that grows would double.
        let today = slots.at.len();
        let addresses = roster.people.iter().map(|p| p.address.clone());
        let letters = Letters::between(addresses.collect(), today + today / 4);
        let obstacles = vec![None; roster.len()];
        let agenda = Agenda { letters, ..Agenda::default() };
        Self { seed, date, roster, turns, limits, pairs, books, slots: slots.at, fits, obstacles, agenda }
    }

    /// Finds a place for an answer of an earlier agenda, or puts it off, or lets it lapse.
    fn carry(&mut self, carried: &Carried) {
        let (Some(sender), Some(recipient)) = (self.roster.find(&carried.sender), self.roster.find(&carried.recipient)) else {
            self.agenda.lapsed.push(carried.id);
            return;
        };
        if self.reserve_answer(sender, recipient) {
            return;
        }
        match next_send_day(self.roster.people[sender], self.date).filter(|_| carried.put_off < PUT_OFF_AT_MOST) {
            Some(day) => self.agenda.put_off.push((carried.id, day)),
            None => self.agenda.lapsed.push(carried.id),
        }
    }

    /// Takes a place on the date for an answer, in its writer's quota and in what its recipient may receive, if both have one.
    fn reserve_answer(&mut self, sender: usize, recipient: usize) -> bool {
        let book = &mut self.books[self.turns.seat(sender)];
        let free = book.has_room_for_answer() && self.pairs.has_room(recipient);
        if free {
            book.answers += 1;
            self.pairs.receive(recipient, LETTER);
        }
        free
    }

    /// Why the mailbox in this seat starts no more, as things are when it leaves.
    fn obstacle(&self, seat: usize) -> Option<Obstacle> {
        let (i, book) = (self.turns.mailbox(seat), &self.books[seat]);
        let p = self.roster.people[i];
        if book.planned() >= book.room {
            (book.room < p.quota).then(|| self.fits[i].obstacle.unwrap_or(Obstacle::DomainGap(book.room)))
        } else if book.starts >= book.start_limit {
            Some(start_limit(p, self.pairs.pace(i).ceil() as u32).1)
        } else {
            Some(self.pairs.obstacle(seat))
        }
    }

    /// Puts a letter on the agenda, and every answer that the draws foretell behind it.
    fn plan_thread(&mut self, start: Draft) {
        let mut next = Some(start);
        while let Some(letter) = next {
            self.agenda.letters.push(&letter);
            next = if letter.facts.is_answered(self.limits.thread_length) { self.plan_answer(&letter) } else { None };
        }
    }

    /// The answer to `parent`: today where it is expected today and there is room for it, else on a later send-day.
    fn plan_answer(&mut self, parent: &Draft) -> Option<Draft> {
        let (sender, recipient) = (parent.recipient, parent.sender);
        let (writer, reader) = (self.roster.habits(sender), self.roster.habits(recipient));
        if !self.pairs.may_receive(recipient) {
            // Suspended, say: nobody writes to it, on no day that is planned from here.
            return None;
        }
        // Where the answerer's date is a day behind the sender's, its agenda of that day is made already: not before this one.
        let (seed, date) = (self.seed, self.date);
        let id = LetterId::of_answer(parent.facts.id);
        let on = |earliest| answer_expected(seed, &parent.facts, parent.expected, id, writer, earliest);
        let mut expected = on(date)?;
        if expected.local_date(writer.zone) == date && !self.reserve_answer(sender, recipient) {
            expected = on(date.plus(1))?;
        }
        Some(Draft {
            facts: write_answer(seed, &parent.facts, id, &reader.engagement),
            sender,
            recipient,
            parent: Some(parent.facts.id),
            date: expected.local_date(writer.zone),
            expected,
        })
    }

    /// The agenda, with its letters in no order yet.
    fn finish(mut self) -> Agenda {
        for (i, p) in self.roster.people.iter().enumerate() {
            let book = &self.books[self.turns.seat(i)];
            // A partner's quota is a limit, not a goal.
            if p.role == Role::Warming && book.planned() < p.quota {
                self.agenda.shortfalls.push(Shortfall {
                    mailbox: p.address.clone(),
                    wanted: p.quota,
                    planned: book.planned(),
                    why: self.obstacles[i].map(|o| o.words(self.roster, i, self.limits)).unwrap_or_default(),
                });
            }
        }
        self.agenda
    }
}

impl Starter for Day<'_> {
    fn look_ahead(&mut self, seats: &[u32]) {
        for &seat in seats {
            self.pairs.look_ahead(seat as usize);
            let book = &self.books[seat as usize];
            black_box((book.room, self.slots.get(book.slots + book.starts as usize)));
        }
    }

    fn start_letter(&mut self, seat: usize) -> bool {
        let sender = self.turns.mailbox(seat);
        let Some(recipient) = self.books[seat].may_start().then(|| self.pairs.start(seat)).flatten() else {
            self.obstacles[sender] = self.obstacle(seat);
            return false;
        };
        let book = &mut self.books[seat];
        let due = self.slots[book.slots + book.starts as usize];
        book.starts += 1;
        let id = book.ids.nth(book.starts);
        let facts = ParentFacts { id, in_thread: 1, draws: draw(self.seed, id, &self.roster.habits(recipient).engagement) };
        self.plan_thread(Draft { facts, sender, recipient, parent: None, date: self.date, expected: due });
        true
    }
}
