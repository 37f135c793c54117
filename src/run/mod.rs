//! The executor: takes a pool through a day. The only place that orders side effects.
//!
//! A run takes its leases, ends what the last run left open, makes today's agenda if there is none, and then gives every mailbox two workers:
//! one sends (`sending`), one looks, hears, acts and tidies (`looking`, `hearing`, `acting`, `tidying`). Mailboxes speak to each other only through the ledger.

mod acting;
mod all_sent;
mod context;
mod guarding;
mod hearing;
mod holder;
mod leases;
mod look;
mod looking;
mod lowering;
mod outside;
mod participants;
mod plan;
mod prepare;
mod progress;
mod quotas;
mod readiness;
mod room;
mod sending;
pub(crate) mod sight;
mod suspending;
#[cfg(test)]
mod tests;
mod tidying;
mod upcoming;
mod words_of_letter;

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::ledger::{Fence, HeldLease, Holder, LedgerError, PoolMember};
use crate::words::Finding;
use all_sent::{AllSent, Sending};
use context::{Desk, Pacer};
use leases::Leases;

pub use context::Context;
pub use guarding::{Described, Guarded, Paused, Said, WordInForce, describe, recipients_of, words_in_force};
pub use holder::{is_dead, this_process};
pub use participants::{calendar_of, engagement_of, participant, window_of};
pub use plan::{Outlook, PlanStart, outlook, plan_all};
pub use prepare::{DatePlan, date_of, plan_date, shortfalls_in_words};
pub use progress::{News, Progress, Silent};
pub use quotas::{NoQuotas, Standing, Standings, guarded, history_of, history_with, standings, stored_quota, whole_pool};
pub use readiness::readiness;
pub use room::RealMail;
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

/// Takes the pool through its day, or through what is due now.
///
/// # Errors
/// [`RunError`]; letters that were handed over are safe in any case: the next run finds out what became of them.
pub async fn run(cx: Context, pace: Pace, me: Holder, is_dead: fn(&Holder) -> bool) -> Result<(), RunError> {
    let pool = cx.config.mailboxes.values().map(PoolMember::of).collect();
    let mut resources = vec![Fence::PLANNER.to_owned()];
    resources.extend(cx.config.mailboxes.keys().map(Fence::resource_of));
    let mut taken = leases::take(&cx, resources, pace, &me, is_dead).await?;
    if cx.stopping() && taken.ours.is_empty() {
        return Ok(());
    }
    let planner = taken.ours.remove(Fence::PLANNER);
    if taken.ours.is_empty() || planner.is_none() {
        let fences: Vec<Fence> = taken.ours.into_values().chain(planner).collect();
        cx.ledger.release_leases(fences).await?;
        return Err(RunError::Held(taken.held));
    }
    let leases = Leases::new(taken.ours.values().cloned().chain(planner.clone()));
    // The workers end when the caller says so, or when the leases are lost.
    let (end, stop) = watch::channel(false);
    let outer = cx.stop.clone();
    let cx = Context { stop, ..cx };
    let work = async {
        cx.ledger.register_pool(pool, cx.clock.now()).await?;
        let desks = prepare::desks(&cx, &taken, pace);
        prepare::end_the_past(&cx, &desks).await?;
        if let Some(planner) = planner {
            let now = cx.clock.now();
            cx.ledger.skip_removed(planner.clone(), now).await?;
            cx.ledger.recover_removed(planner.clone(), now - looking::UNACCOUNTED_AFTER, now).await?;
            lowering::lower_quotas(&cx, &planner, &desks).await?;
            prepare::make_agendas(&cx, &planner, &desks).await?;
            leases.release(&cx, planner).await?;
        }
        prepare::respread_late(&cx, &desks).await?;
        announce(&cx, &desks).await?;
        work_desks(&cx, desks, pace, &leases).await
    };
    let result = tokio::select! {
        biased;
        result = work => result,
        lost = leases::keep(&cx, &leases, outer, &end) => Err(RunError::Ledger(lost)),
    };
    // An error of the work is worth more than one of giving the leases back: those run out by themselves.
    let released = cx.ledger.release_leases(leases.held()).await;
    result.and(released.map_err(RunError::from))
}

async fn announce(cx: &Context, desks: &[Desk]) -> Result<(), LedgerError> {
    let letters = cx.ledger.to_send_of(prepare::dates_of(desks)).await?;
    cx.tell(&News::Prepared { letters, mailboxes: desks.len() as u32 });
    Ok(())
}

/// A task a mailbox, until all are done. One that breaks off does not take the others with it.
async fn work_desks(cx: &Context, desks: Vec<Desk>, pace: Pace, leases: &Leases) -> Result<(), RunError> {
    let all_sent = AllSent::after(desks.len());
    let pacer = Arc::new(Pacer::new(&cx.config, &desks));
    let mut tasks = JoinSet::new();
    for desk in desks {
        let (cx, pacer, leases, sending) = (cx.clone(), pacer.clone(), leases.clone(), Sending(all_sent.clone()));
        tasks.spawn(async move { work_desk(&cx, &desk, &pacer, pace, sending, &leases).await });
    }
    let mut first_error = None;
    while let Some(result) = tasks.join_next().await {
        match result {
            Ok(Ok(())) => {}
            Ok(Err(e)) => drop(first_error.get_or_insert(RunError::Ledger(e))),
            Err(e) => drop(first_error.get_or_insert(RunError::Worker(e.to_string()))),
        }
    }
    first_error.map_or(Ok(()), Err)
}

/// The two workers of one mailbox; then its day is closed and its lease given back.
async fn work_desk(cx: &Context, desk: &Desk, pacer: &Pacer, pace: Pace, sending: Sending, leases: &Leases) -> Result<(), LedgerError> {
    let all_sent = sending.0.clone();
    let send = async {
        let sent = sending::send_day(cx, desk, pacer, pace).await;
        drop(sending);
        sent
    };
    let (outgoing, incoming) = tokio::join!(send, looking::look_day(cx, desk, &all_sent, pace));
    outgoing.and(incoming)?;
    if !cx.stopping() {
        prepare::end_the_day(cx, desk).await?;
    }
    leases.release(cx, desk.fence.clone()).await
}
