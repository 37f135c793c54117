//! Many rehearsals on all cores: each on a thread of its own, since a rehearsal has a runtime and a clock of its own.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::{Rehearsal, RehearsalError, Rehearsed, rehearse};

/// Plays the rehearsals that `make` gives for 0 to `count`, as many at once as there are cores, and returns them in that order. `day_played` is called
/// after each date of each, from any thread.
///
/// # Errors
/// Of those that could not be played, the first in the order of the rehearsals; those not begun by then are not played.
pub fn rehearse_all(
    count: usize,
    make: &(dyn Fn(usize) -> Rehearsal + Sync),
    day_played: &(dyn Fn() + Sync),
) -> Result<Vec<Rehearsed>, RehearsalError> {
    on_all_cores(count, &|n| rehearse(&make(n), &|_, _| day_played()))
}

/// `work` for 0 to `count` on all cores, its results in order; the first error in that order where there is one.
fn on_all_cores<T: Send, E: Send>(count: usize, work: &(dyn Fn(usize) -> Result<T, E> + Sync)) -> Result<Vec<T>, E> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from).min(count);
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let results: Mutex<Vec<(usize, Result<T, E>)>> = Mutex::new(Vec::with_capacity(count));
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while !failed.load(Ordering::Relaxed) {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if n >= count {
                        break;
                    }
                    let result = work(n);
                    if result.is_err() {
                        failed.store(true, Ordering::Relaxed);
                    }
                    results.lock().unwrap_or_else(PoisonError::into_inner).push((n, result));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(n, _)| *n);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_stand_in_their_order_whoever_was_first() {
        let squares = on_all_cores::<usize, ()>(200, &|n| {
            if n % 3 == 0 {
                std::thread::yield_now();
            }
            Ok(n * n)
        });
        assert_eq!(squares, Ok((0..200).map(|n| n * n).collect()));
        assert_eq!(on_all_cores::<usize, ()>(0, &Ok), Ok(vec![]));
    }

    #[test]
    fn an_error_ends_it_and_is_told() {
        let begun = AtomicUsize::new(0);
        let result = on_all_cores(10_000, &|n| {
            begun.fetch_add(1, Ordering::Relaxed);
            if n == 3 { Err("no") } else { Ok(n) }
        });
        assert_eq!(result, Err("no"));
        assert!(begun.load(Ordering::Relaxed) < 10_000, "what was not begun is not played");
    }
}
