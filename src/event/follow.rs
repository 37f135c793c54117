//! Following the stream: what is new is told as it is written down, each event once.
//!
//! Events are written by several processes, each with the time at which the thing happened: one that is a moment older than what was told last may be
//! committed after it. So every look goes back by [`OVERLAP`] and passes over what it has told: a set of ids, no older than that. A look reaches back from
//! when the look *before* it began: what was written while this process slept is not lost.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Event, EventId, EventPage};
use crate::clock::Clock;
use crate::words::Moment;

/// How long after it happened an event may be written down and still be told, in real time: much longer than a writer waits for the file.
pub const OVERLAP: Duration = Duration::from_mins(15);
/// Real time between two looks.
pub const EVERY: Duration = Duration::from_secs(1);

/// What was told, as far as it can be asked for again.
#[derive(Clone, Debug)]
pub struct Follower {
    overlap: Duration,
    /// Nothing before it is looked at any more.
    floor: EventId,
    /// The next floor: what is told before it will not be seen again.
    keep_from: EventId,
    /// During the first look: what is not after it has been told to somebody before, and is only remembered.
    told_before: Option<EventId>,
    told: BTreeSet<EventId>,
}

impl Follower {
    /// For all that happened after a place.
    pub fn since(place: EventId, overlap: Duration) -> Self {
        Self { overlap, floor: place, keep_from: place, told_before: None, told: BTreeSet::new() }
    }

    /// To continue after an event that was told by an earlier session: also with what is older and written down only from now on.
    pub fn after(event: EventId, overlap: Duration) -> Self {
        Self { told_before: Some(event), ..Self::since(EventId::before(event.at() - overlap), overlap) }
    }

    /// A look begins: after which place it reads.
    pub fn begin(&mut self, now: Moment) -> EventId {
        self.keep_from = EventId::before(now - self.overlap).max(self.floor);
        self.floor
    }

    /// Whether an event is to be told: once.
    pub fn is_new(&mut self, id: EventId) -> bool {
        if self.told.contains(&id) {
            return false;
        }
        // What lies before the next floor will not be read again: it need not be remembered.
        if id > self.keep_from {
            self.told.insert(id);
        }
        self.told_before.is_none_or(|before| id > before)
    }

    /// A look has read all that there is.
    pub fn end(&mut self) {
        self.told_before = None;
        self.floor = self.keep_from;
        let floor = self.floor;
        self.told.retain(|id| *id > floor);
    }
}

/// Gives everything that is new to `tell`, page by page, now and whenever there is more, until `tell` says that nobody listens any more.
///
/// `look` reads a page after a place; `None`: the ledger could not be read just now, and is asked again.
///
/// # Errors
/// What `look` says.
pub async fn follow<E>(
    clock: &Clock,
    mut follower: Follower,
    mut look: impl AsyncFnMut(EventId, Moment) -> Result<Option<EventPage>, E>,
    mut tell: impl FnMut(&[Event]) -> bool,
) -> Result<(), E> {
    loop {
        let began = clock.now();
        let mut place = Some(follower.begin(began));
        while let Some(after) = place {
            if let Some(mut page) = look(after, clock.now()).await? {
                page.events.retain(|event| follower.is_new(event.id));
                if !page.events.is_empty() && !tell(&page.events) {
                    return Ok(());
                }
                place = page.next;
            } else {
                clock.sleep_until(clock.now() + clock.plan_span(EVERY)).await;
            }
        }
        follower.end();
        clock.sleep_until(began + clock.plan_span(EVERY)).await;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::convert::Infallible;

    use super::*;
    use crate::event::Happened;

    const HOUR: i64 = 3_600_000;

    /// A ledger by script: events, and when each is written down.
    struct Script(Vec<(i64, Event)>);

    /// What happened at `at`; `name` tells it from others of the same millisecond.
    fn event(at: i64, name: &str) -> Event {
        let happened = Happened::Paused { scope: "all".into(), reason: name.into() };
        Event { id: EventId::new(Moment(at), 0, &[name]), mailbox: None, happened }
    }

    fn name(event: &Event) -> String {
        match &event.happened {
            Happened::Paused { reason, .. } => reason.clone(),
            other => panic!("{other:?}"),
        }
    }

    impl Script {
        /// Pages of two.
        fn page(&self, after: EventId, now: Moment) -> EventPage {
            let mut events: Vec<Event> =
                self.0.iter().filter(|(written, e)| *written <= now.0 && e.id > after).map(|s| s.1.clone()).collect();
            events.sort_by_key(|e| e.id);
            let more = events.len() > 2;
            events.truncate(2);
            let next = events.last().filter(|_| more).map(|last| last.id);
            EventPage { events, next }
        }

        /// What is told until `until`, in groups as it is told.
        async fn told(&self, clock: &Clock, follower: Follower, until: i64) -> Vec<String> {
            let told = RefCell::new(Vec::new());
            let tell = |events: &[Event]| {
                told.borrow_mut().extend(events.iter().map(name));
                true
            };
            let look = async |after, now| Ok::<_, Infallible>(Some(self.page(after, now)));
            tokio::select! {
                biased;
                ended = follow(clock, follower, look, tell) => ended.unwrap(),
                () = clock.sleep_until(Moment(until)) => {}
            }
            told.into_inner()
        }
    }

    fn sorted(mut names: Vec<&str>, at: i64) -> Vec<String> {
        names.sort_by_key(|name| event(at, name).id);
        names.into_iter().map(str::to_owned).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn each_is_told_once_when_it_is_written_down_however_many_share_a_moment_and_however_late_it_is() {
        let now = 10 * HOUR;
        let script = Script(vec![
            (now, event(now - HOUR, "old")),
            (now, event(now - 2 * HOUR, "too old")),
            (now + 5_000, event(now + 5_000, "a")),
            (now + 5_000, event(now + 5_000, "b")),
            (now + 5_000, event(now + 5_000, "c")),
            // Of the same millisecond, written down after the others were told; and one that is ten minutes older.
            (now + 9_000, event(now + 5_000, "d")),
            (now + 20_000, event(now - 600_000, "late")),
            (now + 30_000, event(now + 30_000, "last")),
            // Older than anybody waits for.
            (now + 40_000, event(now - 1_000_000, "forgotten")),
        ]);
        let clock = Clock::paused_at(Moment(now));
        let follower = Follower::since(EventId::before(Moment(now - HOUR)), OVERLAP);
        let told = script.told(&clock, follower, now + HOUR).await;
        let mut expected = vec!["old".to_owned()];
        expected.extend(sorted(vec!["a", "b", "c"], now + 5_000));
        expected.extend(["d", "late", "last"].map(str::to_owned));
        assert_eq!(told, expected);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_written_while_the_machine_sleeps_is_told_after_it() {
        let script = Script(vec![
            (HOUR + 1, event(HOUR + 1, "as it falls asleep")),
            (2 * HOUR, event(2 * HOUR, "in its sleep")),
            (5 * HOUR + 9_000, event(5 * HOUR, "after it")),
        ]);
        let clock = Clock::paused_at(Moment(0)).with_sleep([(Moment(HOUR), Moment(5 * HOUR))].into());
        let told = script.told(&clock, Follower::since(EventId::before(Moment(0)), OVERLAP), 6 * HOUR).await;
        assert_eq!(told, ["as it falls asleep", "in its sleep", "after it"]);
    }

    #[tokio::test(start_paused = true)]
    async fn after_an_event_goes_on_with_what_is_behind_it_and_with_what_comes_late() {
        let now = 10 * HOUR;
        let last = event(now - 1_000, "last of the session before");
        let script = Script(vec![
            (now, event(now - 5_000, "told before")),
            (now, last.clone()),
            (now, event(now - 500, "since then")),
            (now + 5_000, event(now - 5_000, "late")),
        ]);
        let clock = Clock::paused_at(Moment(now));
        assert_eq!(script.told(&clock, Follower::after(last.id, OVERLAP), now + HOUR).await, ["since then", "late"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_ledger_that_cannot_be_read_just_now_is_asked_again_for_the_same() {
        let script = Script((0..5).map(|n| (0, event(n, &n.to_string()))).collect());
        let (told, asked) = (RefCell::new(Vec::new()), RefCell::new(0));
        let look = async |after, now| {
            *asked.borrow_mut() += 1;
            Ok::<_, Infallible>((*asked.borrow() % 2 == 0).then(|| script.page(after, now)))
        };
        let tell = |events: &[Event]| {
            told.borrow_mut().extend(events.iter().map(name));
            told.borrow().len() < 5
        };
        let clock = Clock::paused_at(Moment(0));
        follow(&clock, Follower::since(EventId::before(Moment(0)), OVERLAP), look, tell).await.unwrap();
        assert_eq!((told.into_inner(), asked.into_inner()), (["0", "1", "2", "3", "4"].map(str::to_owned).to_vec(), 6));
    }

    #[test]
    fn what_is_remembered_is_bounded_by_the_overlap() {
        let mut follower = Follower::since(EventId::before(Moment(0)), Duration::from_mins(1));
        for second in 0..10_000 {
            follower.begin(Moment(second * 1_000));
            assert!(follower.is_new(event(second * 1_000, "x").id));
            follower.end();
            assert!(follower.told.len() <= 61, "{} are remembered", follower.told.len());
        }
        // A clock that is set back: nothing is told twice, and nothing is forgotten that is not older than the overlap.
        follower.begin(Moment(9_990_000));
        assert!(!follower.is_new(event(9_999_000, "x").id) && follower.is_new(event(9_999_000, "y").id));
    }
}
