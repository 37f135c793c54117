//! What holds of a breaker whatever happens.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;

use super::{Asked, BETWEEN_WAVES, Breaker, who};
use crate::chance::Seed;
use crate::mail::Trouble;
use crate::words::Moment;

/// Most in a wave.
const WAVE: u32 = 4;

/// Somebody comes, or who came in hears something, nothing, or breaks off; after so many seconds.
#[derive(Clone, Copy, Debug)]
enum Step {
    Comes(u32),
    Hears(u32),
    HearsNothing(u32),
    BreaksOff(u32),
}

fn steps() -> impl Strategy<Value = Vec<(u64, Step)>> {
    let step = prop_oneof![
        4 => (0..40_u32).prop_map(Step::Comes),
        1 => (0..40_u32).prop_map(Step::Hears),
        3 => (0..40_u32).prop_map(Step::HearsNothing),
        1 => (0..40_u32).prop_map(Step::BreaksOff),
    ];
    proptest::collection::vec((prop_oneof![3 => Just(0_u64), 2 => 1..90_u64], step), 1..300)
}

proptest! {
    #[test]
    fn nobody_is_kept_out_for_long_nobody_comes_while_it_is_open_and_they_come_back_in_waves(steps in steps()) {
        let mut b = Breaker::new("s", Seed(3), WAVE);
        let mut now = Moment(0);
        let mut inside: BTreeMap<u32, bool> = BTreeMap::new();
        for (pause, step) in steps {
            now = now + Duration::from_secs(pause);
            match step {
                Step::Comes(n) if !inside.contains_key(&n) => {
                    let trying = inside.values().any(|tries| *tries);
                    match b.ask(&who(n), now) {
                        Asked::Enter => { prop_assert!(!trying, "somebody tries for all"); inside.insert(n, false); }
                        Asked::Try => { prop_assert!(!trying, "two try"); inside.insert(n, true); }
                        Asked::Wait => prop_assert!(trying, "nobody tries: nobody would wake it"),
                        Asked::Later(later) => {
                            prop_assert!(later.at > now, "later is later");
                            // 15 minutes, and the waves of forty.
                            let most = Duration::from_mins(16) + BETWEEN_WAVES * 12;
                            prop_assert!(later.at.since(now) <= most, "{:?}", later.at.since(now));
                            if let Some(down) = later.down {
                                prop_assert!(down.again >= now && down.since <= now && down.mailboxes >= 1);
                                prop_assert!(later.at >= down.again);
                            }
                        }
                    }
                }
                Step::Comes(_) => {}
                Step::Hears(n) => if inside.remove(&n).is_some() {
                    b.answered(now);
                    // One who answers speaks for all: whoever tried still may tell.
                    for tries in inside.values_mut() { *tries = false; }
                },
                Step::HearsNothing(n) => if inside.remove(&n).is_some() { b.silent(&who(n), Trouble::TimedOut(1), now) },
                Step::BreaksOff(n) => if inside.remove(&n).is_some() { b.knows_nothing(&who(n)) },
            }
        }
        // Whatever was: when the server answers, all of forty are in within the waves.
        for (n, _) in std::mem::take(&mut inside) { b.knows_nothing(&who(n)); }
        let mut outside: Vec<u32> = (0..40).collect();
        let begin = now;
        let mut entered: BTreeMap<u64, u32> = BTreeMap::new();
        let mut was_down = false;
        while !outside.is_empty() {
            prop_assert!(now.since(begin) < Duration::from_mins(20), "{} still wait", outside.len());
            let mut still = Vec::new();
            for n in outside {
                match b.ask(&who(n), now) {
                    Asked::Enter | Asked::Try => {
                        *entered.entry(now.since(begin).as_secs()).or_default() += 1;
                        b.answered(now);
                    }
                    Asked::Later(later) => { was_down |= later.down.is_some(); still.push(n); }
                    Asked::Wait => prop_assert!(false, "nobody tries"),
                }
            }
            outside = still;
            now = now + Duration::from_secs(1);
        }
        if was_down {
            let most = entered.values().max().copied().unwrap_or(0);
            prop_assert!(most <= WAVE + 1, "{most} in one second");
        }
    }
}
