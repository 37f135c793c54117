//! Places at a server: as many as may sign in at once, or send, or listen.
//!
//! A place is for whoever gets on. Who waits for an answer for longer than [`QUICK`] gives its place to the next and waits without one: fifty mailboxes
//! that hang keep the others waiting for seconds, not for fifty deadlines. What hangs is bounded by itself: a mailbox has one session of each kind.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::within;

/// A step that takes longer, in real time, is no reason to keep others waiting.
pub const QUICK: Duration = Duration::from_secs(5);

/// A number of places.
#[derive(Clone, Debug)]
pub struct Places(Arc<Semaphore>);

/// One of them, until it is dropped.
pub type Place = OwnedSemaphorePermit;

impl Places {
    /// So many.
    pub fn new(places: u32) -> Self {
        Self(Arc::new(Semaphore::new(places as usize)))
    }

    /// One, in the order of asking. `None` never comes: they are not closed; without a place one would be no more than impolite.
    pub async fn one(&self) -> Option<Place> {
        self.0.clone().acquire_owned().await.ok()
    }

    /// One, if there is one.
    pub fn one_at_once(&self) -> Option<Place> {
        self.0.clone().try_acquire_owned().ok()
    }
}

/// Does `work` on a place, and gives it up when that takes longer than [`QUICK`]. The place comes back where it was quick.
pub async fn while_quick<P, W: Future>(place: P, work: W) -> (Option<P>, W::Output) {
    let mut work = pin!(work);
    if let Ok(done) = within(QUICK, work.as_mut()).await {
        return (Some(place), done);
    }
    drop(place);
    (None, work.await)
}
