//! When preheat is killed, in a rehearsal: at the first hand-over after given moments, once before the server took the letter and once after.

use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::words::Moment;

/// The kills that are still to come.
#[derive(Debug, Default)]
pub struct Kills {
    left: Mutex<Vec<(Moment, bool)>>,
    struck: Notify,
}

impl Kills {
    /// Kills at these moments, in order; `true`: the server takes the letter all the same.
    pub fn at(mut moments: Vec<(Moment, bool)>) -> Self {
        moments.sort_unstable_by(|a, b| b.cmp(a));
        Self { left: Mutex::new(moments), struck: Notify::new() }
    }

    /// Whether a hand-over at `now` is one in which preheat is killed; if so, whether the server takes the letter. Each kill strikes once.
    pub fn strikes(&self, now: Moment) -> Option<bool> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let due = left.last().filter(|(at, _)| *at <= now).map(|(_, taken)| *taken)?;
        left.pop();
        self.struck.notify_one();
        Some(due)
    }

    /// Completes when a kill has struck.
    pub async fn struck(&self) {
        self.struck.notified().await;
    }
}
