//! The executor: takes a pool through a day. The only place that orders side effects.
//!
//! A run takes its leases, ends what the last run left open, makes today's agenda if there is none, and then gives every mailbox two workers:
//! one sends ([`sending`]), one looks and acts ([`looking`], [`acting`]). Mailboxes speak to each other only through the ledger.

mod acting;
mod context;
mod holder;
mod looking;
mod lowering;
mod participants;
mod prepare;
mod progress;
mod quotas;
mod sending;
mod sight;
mod words_of_letter;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::ledger::{Fence, HeldLease, Holder, LEASE_TTL, LedgerError};
use crate::words::Finding;
use context::{Desk, Pacer};

pub use context::Context;
pub use holder::{is_dead, this_process};
pub use participants::{calendar_of, engagement_of, participant, window_of};
pub use prepare::{DatePlan, date_of, plan_date};
pub use progress::{News, Progress, Silent};
pub use quotas::{NoQuotas, Standing, history_of, standings, whole_pool};
pub use sending::Pace;

/// Why a run did not begin, or broke off.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Somebody else runs this pool.
    #[error("another preheat runs this pool")]
    Held(Vec<HeldLease>),
    /// The pool cannot work at all.
    #[error("this pool cannot warm anything")]
    Infeasible(Vec<Finding>),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A worker panicked: a bug in preheat.
    #[error("a worker broke off in a way that it should not: {0}")]
    Worker(String),
}

/// How often the leases are renewed, in real time.
const RENEW_EVERY: Duration = Duration::from_secs(15);

/// Takes the pool through its day, or through what is due now.
///
/// # Errors
/// [`RunError`]; letters that were handed over are safe in any case: the next run finds out what became of them.
pub async fn run(cx: Context, pace: Pace, me: Holder, is_dead: fn(&Holder) -> bool) -> Result<(), RunError> {
    let pool = cx.config.mailboxes.values().map(|m| (m.address.clone(), m.role)).collect();
    let mut resources = vec![Fence::PLANNER.to_owned()];
    resources.extend(cx.config.mailboxes.keys().map(Fence::resource_of));
    let mut taken = cx.ledger.take_leases(resources, me, cx.clock.real_now(), is_dead).await?;
    let planner = taken.ours.remove(Fence::PLANNER);
    if taken.ours.is_empty() || planner.is_none() {
        let fences: Vec<Fence> = taken.ours.into_values().chain(planner).collect();
        cx.ledger.release_leases(fences).await?;
        return Err(RunError::Held(taken.held));
    }
    let fences: Vec<Fence> = taken.ours.values().cloned().chain(planner.clone()).collect();
    // The workers end when the caller says so, or when the leases are lost.
    let (end, stop) = watch::channel(false);
    let outer = cx.stop.clone();
    let cx = Context { stop, ..cx };
    let work = async {
        cx.ledger.register_pool(pool, cx.clock.now()).await?;
        let desks = prepare::desks(&cx, &taken, pace);
        prepare::end_the_past(&cx, &desks).await?;
        if let Some(planner) = &planner {
            let now = cx.clock.now();
            cx.ledger.skip_removed(planner.clone(), now).await?;
            cx.ledger.recover_removed(planner.clone(), now - looking::UNACCOUNTED_AFTER, now).await?;
            lowering::lower_quotas(&cx, planner, &desks).await?;
            prepare::make_agendas(&cx, planner, &desks).await?;
        }
        prepare::respread_late(&cx, &desks).await?;
        let desks: Vec<Arc<Desk>> = desks.into_iter().map(Arc::new).collect();
        announce(&cx, &desks).await?;
        work_desks(&cx, &desks, pace).await?;
        if !cx.stopping() {
            let desks: Vec<Desk> = desks.into_iter().filter_map(|d| Arc::try_unwrap(d).ok()).collect();
            prepare::end_the_day(&cx, &desks).await?;
        }
        Ok(())
    };
    let result = tokio::select! {
        biased;
        result = work => result,
        lost = keep_leases(&cx, &fences, outer, &end) => Err(RunError::Ledger(lost)),
    };
    cx.ledger.release_leases(fences).await?;
    result
}

/// Renews the leases, passes the caller's wish to stop on, and completes only when a lease is lost.
async fn keep_leases(cx: &Context, fences: &[Fence], mut outer: watch::Receiver<bool>, end: &watch::Sender<bool>) -> LedgerError {
    let mut renewed_at = cx.clock.real_now();
    loop {
        let next = cx.clock.now() + cx.clock.plan_span(RENEW_EVERY);
        tokio::select! {
            biased;
            () = context::stopped(&mut outer), if !*end.borrow() => drop(end.send(true)),
            () = cx.clock.sleep_until(next) => match cx.ledger.renew_leases(fences.to_vec(), cx.clock.real_now()).await {
                Ok(()) => renewed_at = cx.clock.real_now(),
                Err(e @ LedgerError::Stale(_)) => return e,
                // A full disk passes; but nobody works on a lease that has run out.
                Err(e) if cx.clock.real_now().since(renewed_at) > LEASE_TTL => return e,
                Err(e) => cx.tell(&News::Note(format!("the leases could not be renewed: {e}"))),
            },
        }
    }
}

async fn announce(cx: &Context, desks: &[Arc<Desk>]) -> Result<(), LedgerError> {
    let mut letters = 0;
    for desk in desks {
        letters += cx.ledger.to_send(desk.mailbox.address.clone(), desk.date).await?;
    }
    cx.tell(&News::Prepared { letters, mailboxes: desks.len() as u32 });
    Ok(())
}

/// Two workers a mailbox, until all are done. One that breaks off does not take the others with it.
async fn work_desks(cx: &Context, desks: &[Arc<Desk>], pace: Pace) -> Result<(), RunError> {
    let (senders_done, done) = watch::channel(false);
    let pacer = Arc::new(Pacer::default());
    let (mut senders, mut lookers) = (JoinSet::new(), JoinSet::new());
    for desk in desks {
        let (context, own, pacer) = (cx.clone(), desk.clone(), pacer.clone());
        senders.spawn(async move { sending::send_day(&context, &own, &pacer, pace).await });
        let (context, own, done) = (cx.clone(), desk.clone(), done.clone());
        lookers.spawn(async move { looking::look_day(&context, &own, done, pace).await });
    }
    let mut first_error = None;
    let mut take = |result: Result<Result<(), LedgerError>, tokio::task::JoinError>| match result {
        Ok(Ok(())) => {}
        Ok(Err(e)) => drop(first_error.get_or_insert(RunError::Ledger(e))),
        Err(e) => drop(first_error.get_or_insert(RunError::Worker(e.to_string()))),
    };
    while let Some(result) = senders.join_next().await {
        take(result);
    }
    let _ = senders_done.send(true);
    while let Some(result) = lookers.join_next().await {
        take(result);
    }
    first_error.map_or(Ok(()), Err)
}
