//! The six invariants of the design, held after every rehearsal and every sandbox day.
//!
//! On one side stands the ledger, on the other what the world wrote down of what was done in it, which knows nothing of any ledger. Whatever a check
//! needs it counts and derives again: a number is never asked of the code that made it. Everything is read once, and one pass over it is made for each
//! check: O(letters · log letters).
//!
//! The config is taken to be the one that the whole time was lived with; a cap that was lowered in between is no breach, one that was raised is seen as
//! it is now. Of pauses, only those still in force are held against what was sent since.

mod actions;
mod bounds;
mod case;
mod draws;
mod ends;
mod found;
mod handover;
mod limits;
mod outside;
mod quota;
mod replay;
mod threads;
mod tidied;
mod times;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::time::Duration;

use super::Breach;
use crate::chance::Seed;
use crate::config::Config;
use crate::ledger::{CheckReport, History, Ledger, LedgerError, LetterFacts, PauseRow, TroubleRow};
use crate::words::{Address, Moment};
use crate::world::World;

use case::Case;
use found::Found;

pub use outside::{Planted, planted_in};

/// What the ledger is held against, beside the config.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The world that the letters were sent in.
    pub world: &'a World,
    /// Now: the end of the time that is looked at.
    pub until: Moment,
    /// Recipients that were to get no letter, since when and until when (not itself).
    pub suspended: &'a [(Address, Moment, Moment)],
    /// Somebody else's mail as it was planted: [`planted_in`], asked before the first run.
    pub planted: &'a [Planted],
    /// The runs that began. What was overdue then is caught up with, whatever the hour; without them, nobody may do anything out of hours.
    pub runs: &'a [Begun],
    /// How long one command may take in plan time: what lies between an intent and the final dot, or between a slot and its intent. Seconds in a
    /// rehearsal; under a scaled clock, a second or two of the real servers' in plan time.
    pub slack: Duration,
}

/// A run that began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun {
    /// When.
    pub at: Moment,
    /// Whether no other run was at work then: every mailbox was free to be taken through its date.
    pub alone: bool,
}

/// Every breach of the six invariants, at most 20 of them with their stories; where there are more, one last breach counts the rest. Empty where all hold.
///
/// `seed`: the pool's, with which the draws were made.
///
/// # Errors
/// The ledger's.
pub async fn breaches(ledger: &Ledger, config: &Config, seed: Seed, facts: &Facts<'_>) -> Result<Vec<Breach>, LedgerError> {
    let own_check = ledger.check().await?;
    Testimony::of(ledger).await?.breaches(config, seed, facts, || Ok(own_check))
}

/// What the ledger says, read once.
pub(super) struct Testimony {
    history: History,
    pauses: Vec<PauseRow>,
    troubles: Vec<TroubleRow>,
}

impl Testimony {
    /// Reads it.
    pub(super) async fn of(ledger: &Ledger) -> Result<Self, LedgerError> {
        Ok(Self { history: ledger.history().await?, pauses: ledger.pauses().await?, troubles: ledger.troubles().await? })
    }

    /// Every letter, by id.
    pub(super) fn letters(&self) -> &[LetterFacts] {
        &self.history.letters
    }

    /// As [`breaches`]. `own_check`, what the ledger's own check found, is asked for last: it may be made meanwhile.
    pub(super) fn breaches(
        &self,
        config: &Config,
        seed: Seed,
        facts: &Facts<'_>,
        own_check: impl FnOnce() -> Result<CheckReport, LedgerError>,
    ) -> Result<Vec<Breach>, LedgerError> {
        let evidence = facts.world.evidence();
        let case = Case::new(config, seed, facts, &self.history, &evidence);
        let mut found = Found::default();

        quota::check(&case, &mut found);
        times::check(&case, &self.pauses, &mut found);
        limits::check(&case, &mut found);
        handover::check(&case, &self.troubles, &mut found);
        outside::check(&case, &evidence, &mut found);
        tidied::check(&case, &evidence, &mut found);
        draws::check(&case, &mut found);
        actions::check(&case, &mut found);
        threads::check(&case, &mut found);
        ends::check(&case, &self.troubles, &mut found);
        replay::check(&case, &own_check()?, &mut found);

        Ok(found.into_breaches(&case))
    }
}
