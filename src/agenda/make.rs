//! The letters of one local date.

use super::draws::{ParentFacts, answer_expected, draw, is_answered, next_send_day, write_answer};
use super::model::{Agenda, Carried, History, Participant, PlannedLetter, Shortfall};
use super::obstacle::Obstacle;
use super::pairs::{LETTER, Pairs, shuffled};
use super::roster::Roster;
use super::times::{fit, slots};
use crate::chance::Seed;
use crate::config::PairLimits;
use crate::words::{LetterId, LocalDate, Moment, Role};

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
    let mut day = Day::new(seed, date, &roster, limits, history);
    for carried in &history.carried {
        day.carry(carried);
    }
    day.start_letters();
    day.finish()
}

/// A mailbox's letters on the date.
struct Book {
    /// Letters at most: the quota, or what its window holds of it.
    room: u32,
    /// Answers at most.
    answer_limit: u32,
    /// What makes the room less than the quota.
    room_obstacle: Option<Obstacle>,
    /// Starts at most, and which rule says so.
    start_limit: (u32, Obstacle),
    starts: u32,
    answers: u32,
    /// Why it starts no more.
    obstacle: Option<Obstacle>,
}

impl Book {
    fn planned(&self) -> u32 {
        self.starts + self.answers
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
    limits: &'a PairLimits,
    pairs: Pairs<'a>,
    /// The times of each mailbox's starts, in the order in which they are taken.
    slots: Vec<Vec<Moment>>,
    books: Vec<Book>,
    /// New letters, each with its sender.
    letters: Vec<(usize, PlannedLetter)>,
    agenda: Agenda,
}

impl<'a> Day<'a> {
    fn new(seed: Seed, date: LocalDate, roster: &'a Roster<'a>, limits: &'a PairLimits, history: &History) -> Self {
        let quotas: Vec<u32> = roster.people.iter().map(|p| p.quota).collect();
        let fits = fit(roster, date, &quotas);
        let slots = slots(seed, date, roster, &fits);
        let pairs = Pairs::new(roster, limits, history, seed, date);
        let books = (0..roster.len()).map(|i| {
            let p = roster.people[i];
            let room = u32::try_from(slots[i].len()).unwrap_or(u32::MAX);
            Book {
                room,
                answer_limit: answer_limit(p, room),
                room_obstacle: (room < p.quota).then(|| fits[i].obstacle.unwrap_or(Obstacle::DomainGap(room))),
                start_limit: start_limit(p, pairs.pace(i).ceil() as u32),
                starts: 0,
                answers: 0,
                obstacle: None,
            }
        });
        let books = books.collect();
        // Answers that are expected on later dates come on top: a share of the starts, for which a vector that grows would double.
        let today: usize = slots.iter().map(Vec::len).sum();
        let letters = Vec::with_capacity(today + today / 4);
        Self { seed, date, roster, limits, pairs, slots, books, letters, agenda: Agenda::default() }
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
        let free = self.books[sender].has_room_for_answer() && self.pairs.has_room(recipient);
        if free {
            self.books[sender].answers += 1;
            self.pairs.receive(recipient, LETTER);
        }
        free
    }

    /// Round after round, every mailbox that still can starts one letter.
    fn start_letters(&mut self) {
        let mut turn = shuffled(self.roster, self.seed, self.date);
        while !turn.is_empty() {
            turn.retain(|&i| self.start_letter(i));
        }
    }

    /// Starts a letter of mailbox `sender`; false where it has started all it can.
    fn start_letter(&mut self, sender: usize) -> bool {
        let book = &mut self.books[sender];
        if book.planned() >= book.room {
            book.obstacle = book.room_obstacle;
            return false;
        }
        if book.starts >= book.start_limit.0 {
            book.obstacle = Some(book.start_limit.1);
            return false;
        }
        let Some(recipient) = self.pairs.start(sender) else {
            self.books[sender].obstacle = Some(self.pairs.obstacle(sender));
            return false;
        };
        let (from, to) = (&self.roster.addresses[sender], &self.roster.addresses[recipient]);
        let due = self.slots[sender][self.books[sender].starts as usize];
        self.books[sender].starts += 1;
        let id = LetterId::of_start(from, self.date, self.books[sender].starts);
        let start = PlannedLetter {
            id,
            sender: from.clone(),
            recipient: to.clone(),
            date: self.date,
            parent: None,
            in_thread: 1,
            due: Some(due),
            expected: due,
            draws: draw(self.seed, id, self.roster.engagement[recipient]),
        };
        self.plan_thread(start, sender, recipient);
        true
    }

    /// Puts a letter on the agenda, and every answer that the draws foretell behind it.
    fn plan_thread(&mut self, start: PlannedLetter, mut sender: usize, mut recipient: usize) {
        let mut letter = start;
        while is_answered(&letter, self.limits.thread_length) {
            let Some(answer) = self.plan_answer(&letter, recipient, sender) else { break };
            self.letters.push((sender, std::mem::replace(&mut letter, answer)));
            std::mem::swap(&mut sender, &mut recipient);
        }
        self.letters.push((sender, letter));
    }

    /// The answer to `parent`: today where it is expected today and there is room for it, else on a later send-day.
    fn plan_answer(&mut self, parent: &PlannedLetter, answerer: usize, to: usize) -> Option<PlannedLetter> {
        let writer = self.roster.people[answerer];
        if self.roster.people[to].receive_limit == 0 {
            // Suspended, say: nobody writes to it, on no day that is planned from here.
            return None;
        }
        // Where the answerer's date is a day behind the sender's, its agenda of that day is made already: not before this one.
        let mut at = answer_expected(self.seed, parent, writer, self.date)?;
        if at.local_date(writer.zone) == self.date && !self.reserve_answer(answerer, to) {
            at = answer_expected(self.seed, parent, writer, self.date.plus(1))?;
        }
        Some(write_answer(self.seed, &ParentFacts::of(parent), writer, self.roster.people[to], at))
    }

    fn finish(mut self) -> Agenda {
        // The roster is in the order of addresses already.
        self.letters.sort_unstable_by_key(|(sender, l)| (*sender, l.expected, l.id));
        self.agenda.letters = self.letters.into_iter().map(|(_, letter)| letter).collect();
        for (i, book) in self.books.iter().enumerate() {
            let p = self.roster.people[i];
            // A partner's quota is a limit, not a goal.
            if p.role == Role::Warming && book.planned() < p.quota {
                self.agenda.shortfalls.push(Shortfall {
                    mailbox: p.address.clone(),
                    wanted: p.quota,
                    planned: book.planned(),
                    why: book.obstacle.map(|o| o.words(self.roster, i, self.limits)).unwrap_or_default(),
                });
            }
        }
        self.agenda
    }
}
