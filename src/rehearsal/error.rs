//! Why a rehearsal could not be played.

use crate::config::ConfigError;
use crate::ledger::LedgerError;
use crate::words::Finding;

/// Why a rehearsal could not be played, or broke off.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// The scenario cannot be read, or does not fit this pool.
    #[error(transparent)]
    Scenario(#[from] ConfigError),
    /// No mailboxes, or no days.
    #[error("there is nothing to rehearse")]
    Nothing,
    /// The pool cannot work at all.
    #[error("this pool cannot warm anything: {}", .0.iter().map(|f| f.what.as_str()).collect::<Vec<_>>().join("; "))]
    Infeasible(Vec<Finding>),
    /// The content could not be read.
    #[error("the content could not be read: {}", .0.iter().map(|f| f.what.as_str()).collect::<Vec<_>>().join("; "))]
    Content(Vec<Finding>),
    /// The rehearsal's own ledger, in memory.
    #[error("the rehearsal's ledger: {0}")]
    Ledger(#[from] LedgerError),
    /// The executor broke off: a bug.
    #[error("the executor broke off on {0}: {1}")]
    Run(String, String),
    /// No runtime.
    #[error("this machine gives no threads: {0}")]
    Runtime(String),
}

impl RehearsalError {
    /// What to do.
    pub fn hint(&self) -> &str {
        match self {
            Self::Scenario(_) => "`preheat rehearse --list` shows the shipped scenarios; docs/scenarios.md has the keys of one's own",
            Self::Nothing => "a rehearsal needs a pool and at least one day",
            Self::Infeasible(_) => "`preheat check` says what the pool needs",
            Self::Content(_) => "`preheat check` says where",
            Self::Ledger(_) | Self::Run(..) => "this is a bug in preheat: the same seed and scenario show it again; please report them",
            Self::Runtime(_) => "close other programs, or allow more threads",
        }
    }
}
