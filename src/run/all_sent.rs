//! Tells the lookers of a run when the last of its senders is done, however it ended.
//!
//! No watch channel: that wakes many waiters in an order which tokio draws anew each time, and the same seed must give the same rehearsal.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// How many senders of a run are still at work.
#[derive(Debug)]
pub struct AllSent {
    left: AtomicUsize,
    bell: Notify,
}

impl AllSent {
    /// A run with so many senders.
    pub fn after(senders: usize) -> Arc<Self> {
        Arc::new(Self { left: AtomicUsize::new(senders), bell: Notify::new() })
    }

    /// Whether every sender is done.
    pub fn is_so(&self) -> bool {
        self.left.load(Ordering::Acquire) == 0
    }

    /// Completes when every sender is done. Whoever waits is woken in the order in which they began to.
    pub async fn wait(&self) {
        // Asked for before the question, so that no bell is missed in between.
        let bell = self.bell.notified();
        if !self.is_so() {
            bell.await;
        }
    }
}

/// One sender at work: dropped when it is done.
pub struct Sending(pub Arc<AllSent>);

impl Drop for Sending {
    fn drop(&mut self) {
        if self.0.left.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.bell.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[tokio::test]
    async fn the_last_sender_wakes_all_in_the_order_in_which_they_wait() {
        assert!(AllSent::after(0).is_so());
        let (all_sent, woken) = (AllSent::after(2), Arc::new(Mutex::new(Vec::new())));
        let (first, last) = (Sending(all_sent.clone()), Sending(all_sent.clone()));
        let mut waiting = tokio::task::JoinSet::new();
        for n in 0..20 {
            let (all_sent, woken) = (all_sent.clone(), woken.clone());
            waiting.spawn(async move {
                all_sent.wait().await;
                woken.lock().unwrap().push(n);
            });
        }
        tokio::task::yield_now().await;
        drop(first);
        tokio::task::yield_now().await;
        assert!(!all_sent.is_so() && woken.lock().unwrap().is_empty());
        drop(last);
        while waiting.join_next().await.is_some() {}
        assert_eq!(*woken.lock().unwrap(), (0..20).collect::<Vec<_>>());
        all_sent.wait().await;
    }
}
