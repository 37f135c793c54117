//! A day begun late: what is overdue is spread over what is left of the window, never sent in a burst.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rand::Rng;

use super::times::millis;
use crate::chance::Seed;
use crate::words::{Address, LetterId, LocalDate, Moment};

/// A last bit of the window stays free: what is handed over there would end outside it.
const TAIL: Duration = Duration::from_mins(1);

/// A start that is still to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LateLetter {
    /// Its id.
    pub id: LetterId,
    /// Who writes it.
    pub sender: Address,
    /// When it is due; overdue where that is before now.
    pub due: Moment,
    /// When the sender's window opens today: what was put off from another day is spread over the window, not piled up at its beginning.
    pub window_start: Moment,
    /// When the sender's window ends today.
    pub window_end: Moment,
    /// The sender's gap between letters.
    pub mailbox_gap: Duration,
}

/// What became of a domain's letters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Respread {
    /// New due times of the letters that had to move, ordered by time. Letters that are not named keep theirs.
    pub retimed: Vec<(LetterId, Moment)>,
    /// Letters for which the rest of the window has no room, in order of their old due times: to be skipped, late.
    pub late: Vec<LetterId>,
}

/// Spreads the overdue letters of one domain's mailboxes over what is left of their windows.
///
/// `letters` are all starts of the domain's mailboxes that are still to be sent on `date`. `taken` are the times that are used already, with the mailbox
/// that used them: what was sent lately, answers that are due. `domain_gap` is zero for a domain without a warming mailbox. A letter in the future
/// stays where it is unless it is too near to one of those, or its window ends before it. Doing it again with the result changes nothing.
pub fn respread(
    seed: Seed,
    date: LocalDate,
    now: Moment,
    domain_gap: Duration,
    taken: &[(Address, Moment)],
    letters: &[LateLetter],
) -> Respread {
    let mut timeline = Timeline::new(domain_gap);
    for (sender, at) in taken {
        timeline.take(sender, *at);
    }
    let mut in_order: Vec<&LateLetter> = letters.iter().collect();
    in_order.sort_by_key(|l| (l.due, l.id));

    let (future, mut homeless): (Vec<&LateLetter>, Vec<&LateLetter>) = in_order.into_iter().partition(|l| l.due >= now);
    for letter in future {
        if letter.due <= last_moment(letter) && timeline.next_free(letter, letter.due) == Some(letter.due) {
            timeline.take(&letter.sender, letter.due);
        } else {
            homeless.push(letter);
        }
    }
    let mut result = Respread::default();
    let mut crowded = Vec::new();
    for (wished, letter) in wishes(seed, date, now, &homeless) {
        match timeline.next_free(letter, wished) {
            Some(at) => timeline.settle(letter, at, &mut result),
            None => crowded.push(letter),
        }
    }
    // The draws of these fell behind what was already full: any room that is left will do, the earliest first.
    crowded.sort_by_key(|l| (l.due, l.id));
    let mut earliest: BTreeMap<&Address, Moment> = BTreeMap::new();
    for letter in crowded {
        let from = earliest.get(&letter.sender).copied().unwrap_or(now.max(letter.window_start));
        match timeline.next_free(letter, from) {
            Some(at) => {
                earliest.insert(&letter.sender, at);
                timeline.settle(letter, at, &mut result);
            }
            None => result.late.push(letter.id),
        }
    }
    result.retimed.sort_by_key(|&(id, at)| (at, id));
    result
}

/// Where each letter would like to go: the letters of a mailbox evenly over the rest of its window, in their old order, each with a draw of its own.
fn wishes<'a>(seed: Seed, date: LocalDate, now: Moment, letters: &[&'a LateLetter]) -> Vec<(Moment, &'a LateLetter)> {
    let mut by_sender: BTreeMap<&Address, Vec<&LateLetter>> = BTreeMap::new();
    for letter in letters {
        by_sender.entry(&letter.sender).or_default().push(letter);
    }
    let mut wishes = Vec::with_capacity(letters.len());
    for (sender, letters) in by_sender {
        let mut stream = seed.stream(sender, date, "respread");
        let count = letters.len() as f64;
        for (n, letter) in letters.into_iter().enumerate() {
            let from = now.max(letter.window_start);
            let left = last_moment(letter).since(from);
            let place = (n as f64 + stream.random::<f64>()) / count;
            wishes.push((from + left.mul_f64(place.clamp(0.0, 1.0)), letter));
        }
    }
    wishes.sort_by_key(|(at, letter)| (*at, letter.id));
    wishes
}

fn last_moment(letter: &LateLetter) -> Moment {
    letter.window_end - TAIL
}

/// The times that are taken, of the domain and of each mailbox.
struct Timeline {
    domain_gap: i64,
    all: BTreeSet<i64>,
    of: BTreeMap<Address, BTreeSet<i64>>,
}

impl Timeline {
    fn new(domain_gap: Duration) -> Self {
        Self { domain_gap: millis(domain_gap), all: BTreeSet::new(), of: BTreeMap::new() }
    }

    fn take(&mut self, sender: &Address, at: Moment) {
        self.all.insert(at.0);
        self.of.entry(sender.clone()).or_default().insert(at.0);
    }

    fn settle(&mut self, letter: &LateLetter, at: Moment, result: &mut Respread) {
        self.take(&letter.sender, at);
        if at != letter.due {
            result.retimed.push((letter.id, at));
        }
    }

    /// The first moment from `from` on that keeps both gaps and lies in the letter's window.
    fn next_free(&self, letter: &LateLetter, from: Moment) -> Option<Moment> {
        let own = self.of.get(&letter.sender);
        let own_gap = millis(letter.mailbox_gap);
        let mut at = from.0;
        while at <= last_moment(letter).0 {
            let behind = too_near(&self.all, at, self.domain_gap).max(own.and_then(|own| too_near(own, at, own_gap)));
            match behind {
                Some(later) => at = later,
                None => return Some(Moment(at)),
            }
        }
        None
    }
}

/// The moment `gap` behind the last of `taken` that is nearer to `at` than `gap`; `None` where none is.
fn too_near(taken: &BTreeSet<i64>, at: i64, gap: i64) -> Option<i64> {
    if gap <= 0 {
        return None;
    }
    taken.range(at.saturating_sub(gap).saturating_add(1)..at.saturating_add(gap)).next_back().map(|t| t.saturating_add(gap))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{address, day};
    use super::*;

    const HOUR: i64 = 3_600_000;
    const MINUTE: i64 = 60_000;

    /// A window of 08:00 to 17:00, as moments of a day that begins at 0.
    fn letter(n: u32, sender: u32, due: i64) -> LateLetter {
        let sender = address(&format!("m{sender}@x.test"));
        LateLetter {
            id: LetterId::of_start(&sender, day(), n),
            sender,
            due: Moment(due),
            window_start: Moment(8 * HOUR),
            window_end: Moment(17 * HOUR),
            mailbox_gap: Duration::from_mins(5),
        }
    }

    /// The due times after a re-spread, in order, with their letters.
    fn after<'a>(letters: &'a [LateLetter], result: &Respread) -> Vec<(Moment, &'a LateLetter)> {
        let moved: BTreeMap<LetterId, Moment> = result.retimed.iter().copied().collect();
        let kept = letters.iter().filter(|l| !result.late.contains(&l.id));
        let mut times: Vec<_> = kept.map(|l| (moved.get(&l.id).copied().unwrap_or(l.due), l)).collect();
        times.sort_by_key(|(at, l)| (*at, l.id));
        times
    }

    #[test]
    fn what_was_put_off_to_today_is_spread_over_the_window_and_not_before_it() {
        // Answers of yesterday, seen by a run that begins at five in the morning.
        let letters: Vec<LateLetter> = (0..6).map(|n| letter(n, n, -20 * HOUR)).collect();
        let result = respread(Seed(1), day(), Moment(5 * HOUR), Duration::from_secs(90), &[], &letters);
        let times: Vec<i64> = result.retimed.iter().map(|(_, at)| at.0).collect();
        assert_eq!((times.len(), result.late.len()), (6, 0));
        assert!(times.iter().all(|t| (8 * HOUR..17 * HOUR).contains(t)), "{times:?}");
        assert!(times[5] - times[0] > HOUR, "{times:?}");
    }

    #[test]
    fn a_run_begun_at_four_sends_what_fits_until_five_and_never_in_a_burst() {
        // One mailbox, a letter every 20 minutes from eight on: 24 are overdue at four, three are not.
        let letters: Vec<LateLetter> = (0..27).map(|n| letter(n, 0, 8 * HOUR + i64::from(n) * 20 * MINUTE)).collect();
        let now = Moment(16 * HOUR);
        let result = respread(Seed(1), day(), now, Duration::from_secs(90), &[], &letters);
        let times = after(&letters, &result);
        for pair in times.windows(2) {
            assert!(pair[1].0.since(pair[0].0) >= Duration::from_mins(5), "{pair:?}");
        }
        assert!(times.iter().all(|(at, _)| *at >= now && at.0 < 17 * HOUR));
        // 59 minutes hold 12 letters 5 minutes apart; three stand fixed 20 minutes apart and each wastes some of the room around it.
        assert!((9..=12).contains(&times.len()), "{}", times.len());
        assert_eq!(result.late.len(), 27 - times.len());
        assert!(letters[24..].iter().all(|l| times.contains(&(l.due, l))), "what is not overdue stays");
    }

    #[test]
    fn a_window_that_is_over_makes_everything_late() {
        let letters = [letter(1, 0, 9 * HOUR), letter(0, 1, 8 * HOUR)];
        let result = respread(Seed(1), day(), Moment(18 * HOUR), Duration::ZERO, &[], &letters);
        assert_eq!(result, Respread { retimed: vec![], late: vec![letters[1].id, letters[0].id] });
    }

    #[test]
    fn a_letter_makes_room_for_what_was_sent_just_now() {
        let letters = [letter(0, 0, 12 * HOUR), letter(1, 1, 12 * HOUR + MINUTE / 2)];
        let taken = [(address("m0@x.test"), Moment(12 * HOUR - MINUTE))];
        let result = respread(Seed(1), day(), Moment(12 * HOUR), Duration::from_secs(90), &taken, &letters);
        let times = after(&letters, &result);
        assert_eq!(times[0], (Moment(12 * HOUR + MINUTE / 2), &letters[1]), "90 seconds behind its domain's last: it may stay");
        assert!(times[1].0.since(taken[0].1) >= Duration::from_mins(5));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn gaps_are_kept_nothing_is_lost_and_a_second_time_changes_nothing(
            dues in prop::collection::vec((0..4_u32, 8 * HOUR..17 * HOUR), 0..60),
            sent in prop::collection::vec((0..4_u32, 8 * HOUR..17 * HOUR), 0..6),
            now in 7 * HOUR..18 * HOUR,
            domain_gap in 0..180_u64,
        ) {
            let letters: Vec<LateLetter> = (0..).zip(&dues).map(|(n, &(sender, due))| letter(n, sender, due)).collect();
            let taken: Vec<(Address, Moment)> =
                sent.iter().filter(|s| s.1 < now).map(|&(s, at)| (address(&format!("m{s}@x.test")), Moment(at))).collect();
            let (now, domain_gap) = (Moment(now), Duration::from_secs(domain_gap));
            let result = respread(Seed(1), day(), now, domain_gap, &taken, &letters);
            let times = after(&letters, &result);
            prop_assert_eq!(times.len() + result.late.len(), letters.len());
            let mut all: Vec<(Moment, &Address, bool)> = times.iter().map(|(at, l)| (*at, &l.sender, true)).collect();
            all.extend(taken.iter().map(|(s, at)| (*at, s, false)));
            for (n, a) in all.iter().enumerate() {
                prop_assert!(!a.2 || (a.0 >= now && a.0.0 <= 17 * HOUR - MINUTE));
                for b in all[n + 1..].iter().filter(|b| a.2 || b.2) {
                    let apart = a.0.since(b.0).max(b.0.since(a.0));
                    prop_assert!(apart >= domain_gap && (a.1 != b.1 || apart >= Duration::from_mins(5)), "{:?} {:?}", a, b);
                }
            }
            let again: Vec<LateLetter> = times.iter().map(|(at, l)| LateLetter { due: *at, ..(*l).clone() }).collect();
            prop_assert_eq!(respread(Seed(1), day(), now, domain_gap, &taken, &again), Respread::default());
        }
    }
}
