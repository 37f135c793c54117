//! The leases of a run: taking them, from a run of the day before where need be, keeping them, and giving them back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::context::{Context, stopped};
use super::looking::hours_end;
use super::participants::{engagement_of, window_of};
use super::prepare::date_of;
use super::progress::News;
use super::sending::Pace;
use crate::clock::Set;
use crate::config::scalars::duration_text;
use crate::engage::window_on;
use crate::ledger::{Fence, HeldLease, Holder, LedgerError, Taken};

/// How often the leases are renewed, in real time.
const RENEW_EVERY: Duration = Duration::from_secs(15);
/// A lease that has run out is looked at again after this, in real time: by then a holder that lives has renewed it.
const LOOK_AGAIN: Duration = Duration::from_secs(20);
/// How long a run is waited for that has nothing left to do but to end, in real time: a letter that is on its way may take five minutes.
const WAIT_FOR_THE_LAST: Duration = Duration::from_mins(6);
/// How often, meanwhile, whether it has ended.
const LAST_LOOK: Duration = Duration::from_secs(3);

/// Takes what leases it can for a run that begins now.
///
/// A run that slept past the end of its date still holds mailboxes when its machine wakes. It is about to give them back, and is waited for: their next date
/// would be lost otherwise.
pub(super) async fn take(
    cx: &Context,
    resources: Vec<String>,
    pace: Pace,
    me: &Holder,
    is_dead: fn(&Holder) -> bool,
) -> Result<Taken, LedgerError> {
    if cx.ledger.has_run_out(resources.clone(), me.clone(), cx.clock.lease_now(), is_dead).await? {
        cx.tell(&News::Note(format!(
            "the lease of another run has run out, but that run may live: the machine slept, or the clock was set. It has {} s to say so",
            LOOK_AGAIN.as_secs()
        )));
        if cx.unless_stopped(cx.clock.wait(LOOK_AGAIN)).await.is_none() {
            return Ok(Taken::default());
        }
    }
    let mut taken = cx.ledger.take_leases(resources, me.clone(), cx.clock.lease_now(), is_dead).await?;
    let mut waited = Duration::ZERO;
    while pace == Pace::Day && waited < WAIT_FOR_THE_LAST && !cx.stopping() {
        let about_to_end = match about_to_end(cx, &taken.held).await {
            Ok(resources) if resources.is_empty() => break,
            Ok(resources) => resources,
            Err(e) => return give_back(cx, taken, e).await,
        };
        if waited.is_zero() {
            let n = about_to_end.len();
            cx.tell(&News::Note(format!("another run still has {n} mailbox(es), whose date is over: its end is waited for")));
        }
        let _ = cx.unless_stopped(cx.clock.wait(LAST_LOOK)).await;
        waited += LAST_LOOK;
        // Those that are ours already are renewed while we wait.
        let renewed = cx.ledger.renew_leases(taken.ours.values().cloned().collect(), cx.clock.lease_now()).await;
        let more = match renewed {
            Ok(()) => cx.ledger.take_leases(about_to_end.clone(), me.clone(), cx.clock.lease_now(), is_dead).await,
            Err(e) => Err(e),
        };
        let more = match more {
            Ok(more) => more,
            // A full disk, or a file that another process holds: it passes.
            Err(e) if e.may_pass() => continue,
            Err(e) => return give_back(cx, taken, e).await,
        };
        taken.held.retain(|held| !about_to_end.contains(&held.resource));
        taken.held.extend(more.held);
        taken.ours.extend(more.ours);
    }
    Ok(taken)
}

/// What was taken is given back: the run does not begin.
async fn give_back(cx: &Context, taken: Taken, error: LedgerError) -> Result<Taken, LedgerError> {
    // The first error says more than one of giving them back, which run out by themselves.
    drop(cx.ledger.release_leases(taken.ours.into_values().collect()).await);
    Err(error)
}

/// Mailboxes that are held by a run that has not taken up the date that begins now, and has nothing more to do for the one before.
async fn about_to_end(cx: &Context, held: &[HeldLease]) -> Result<Vec<String>, LedgerError> {
    let now = cx.clock.now();
    let mut resources = Vec::new();
    for mailbox in cx.config.mailboxes.values() {
        let resource = Fence::resource_of(&mailbox.address);
        if !held.iter().any(|h| h.resource == resource) {
            continue;
        }
        let date = date_of(&cx.config, mailbox, now, Pace::Day);
        let window = window_of(&cx.config, mailbox);
        let before = date.minus(1);
        let (_, window_end) = window_on(before, window.from, window.to, mailbox.zone);
        let hours_end = hours_end(before, window_end, &engagement_of(&cx.config, mailbox), mailbox.zone);
        if now >= hours_end && cx.ledger.day(mailbox.address.clone(), date).await?.is_none() {
            resources.push(resource);
        }
    }
    Ok(resources)
}

/// The leases that this run holds. Each is given back as soon as its work is done: another run may want the mailbox's next day.
#[derive(Clone)]
pub(super) struct Leases(Arc<Mutex<Vec<Fence>>>);

impl Leases {
    pub fn new(fences: impl Iterator<Item = Fence>) -> Self {
        Self(Arc::new(Mutex::new(fences.collect())))
    }

    pub fn held(&self) -> Vec<Fence> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub async fn release(&self, cx: &Context, fence: Fence) -> Result<(), LedgerError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|f| *f != fence);
        cx.ledger.release_leases(vec![fence]).await
    }
}

/// Renews the leases, passes the caller's wish to stop on, says when the clock was set, and completes only when a lease is lost: somebody else took it.
pub(super) async fn keep(cx: &Context, leases: &Leases, mut outer: watch::Receiver<bool>, end: &watch::Sender<bool>) -> LedgerError {
    let mut noted = cx.clock.note();
    loop {
        tokio::select! {
            biased;
            () = stopped(&mut outer), if !*end.borrow() => drop(end.send(true)),
            () = cx.clock.until_renewal(RENEW_EVERY) => {
                if let Some(set) = cx.clock.set_since(noted) {
                    cx.tell(&News::Note(in_words(set)));
                }
                noted = cx.clock.note();
                match cx.ledger.renew_leases(leases.held(), cx.clock.lease_now()).await {
                    Ok(()) => {}
                    // Given back between the list and the renewal: the next list does not have it.
                    Err(LedgerError::Stale(resource)) if !leases.held().iter().any(|f| f.is_of(&resource)) => {}
                    Err(e @ LedgerError::Stale(_)) => return e,
                    // A full disk passes. Meanwhile nobody sends: an intent wants a lease that was renewed lately.
                    Err(e) => cx.tell(&News::Note(format!("the leases could not be renewed: {e}"))),
                }
            },
        }
    }
}

fn in_words(set: Set) -> String {
    // The two clocks are read one after the other: nobody wants to know of the milliseconds in between.
    let text = |by: Duration| {
        let unit = if by < Duration::from_mins(10) { 1 } else { 60 };
        duration_text(Duration::from_secs((by.as_secs() + u64::from(by.subsec_millis() >= 500) + unit / 2) / unit * unit))
    };
    match set {
        Set::Forward(by) => {
            format!(
                "the clock went {} forward: it was set, or the machine slept; what came due meanwhile is spread, not sent in a row",
                text(by)
            )
        }
        Set::Back(by) => {
            format!("the clock was set back by {}: nothing is sent again, and what is not due any more waits until it is", text(by))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_is_told_in_words() {
        let (hours, seconds) = (Duration::from_millis(10_799_400), Duration::from_millis(71_900));
        assert!(in_words(Set::Forward(hours)).starts_with("the clock went 3h forward"), "{}", in_words(Set::Forward(hours)));
        assert!(in_words(Set::Back(seconds)).starts_with("the clock was set back by 1m12s:"), "{}", in_words(Set::Back(seconds)));
    }
}
