//! Panics that are caught: the parser's, on some input. They are an error of the session's, and nobody else's business.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;

thread_local! {
    static CATCHING: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic on this thread, now, is caught and turned into an error: a panic hook has nothing to say about it then.
pub fn is_panic_caught_here() -> bool {
    CATCHING.get()
}

/// In tests: panics that are caught are no news.
#[cfg(test)]
pub fn hush_caught_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !is_panic_caught_here() {
            before(info);
        }
    }));
}

/// Runs a future to its end; `None` where it panicked. What it borrows is not to be used again after that.
pub(super) async fn catching<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        // Between two polls the thread is somebody else's: the mark is set for one poll, and taken back however that ends.
        let _mark = Mark::set();
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(polled) => polled.map(Some),
            Err(_) => std::task::Poll::Ready(None),
        }
    })
    .await
}

struct Mark {
    before: bool,
}

impl Mark {
    fn set() -> Self {
        Self { before: CATCHING.replace(true) }
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        CATCHING.set(self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_mark_is_set_while_the_future_is_polled_and_at_no_other_time() {
        let seen = catching(async {
            let before = is_panic_caught_here();
            tokio::task::yield_now().await;
            (before, is_panic_caught_here())
        });
        let (seen, beside) = tokio::join!(seen, async { is_panic_caught_here() });
        assert_eq!((seen, beside, is_panic_caught_here()), (Some((true, true)), false, false));
        assert_eq!(catching(async { assert!(!is_panic_caught_here(), "a panic that is meant") }).await, None);
        assert!(!is_panic_caught_here());
    }
}
