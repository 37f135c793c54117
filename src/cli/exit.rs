//! How a command ends.

use std::fmt::Write;

use crate::config::ConfigError;
use crate::credentials::CredentialError;
use crate::ledger::LedgerError;
use crate::run::RunError;
use crate::words::Finding;

/// Exit codes. Documented in the README and in `preheat --help`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Done,
    /// It could not be done.
    Failed,
    /// `check` found errors; `ledger check` found faults.
    Problems,
    /// `check`: nothing worse than a spam folder that is not known.
    SpamFolderUnknown,
    /// `ready`: a domain is not. No error.
    NotReady,
    /// Another preheat runs this pool (EX_TEMPFAIL).
    Held,
    /// The config has errors (EX_CONFIG).
    BadConfig,
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Problems => 3,
            Self::SpamFolderUnknown => 4,
            Self::NotReady => 5,
            Self::Held => 75,
            Self::BadConfig => 78,
        }
    }
}

/// What the `--help` says of them.
pub const HELP: &str = "\
See it work with `preheat demo`. Begin with `preheat init`, fill in preheat.yaml, then check, plan, and run.

Exit codes:
  0   done
  1   it could not be done
  2   the command line cannot be read
  3   `check` or `ledger check` found errors
  4   `check` found a mailbox whose spam folder is not known, and nothing worse
  5   `ready`: a domain is not ready
  75  another preheat runs this pool: try again later
  78  the config has errors";

/// An error of the command line: what happened, what to do, and how to end.
#[derive(Debug)]
pub struct CliError {
    /// How to end.
    pub exit: Exit,
    /// What happened; may have several lines.
    pub what: String,
    /// What to do.
    pub hint: Option<String>,
}

impl CliError {
    /// Something failed.
    pub fn new(what: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, what: what.into(), hint: None }
    }

    /// With what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    fn of_findings(exit: Exit, head: &str, findings: &[Finding]) -> Self {
        let mut what = String::from(head);
        for finding in findings {
            let _ = write!(what, "\n\n{finding}");
        }
        Self { exit, what: what.trim_start().to_owned(), hint: None }
    }
}

impl std::fmt::Display for CliError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.what)?;
        match &self.hint {
            Some(h) => write!(f, "\n\nhint: {h}"),
            None => Ok(()),
        }
    }
}

impl From<ConfigError> for CliError {
    fn from(e: ConfigError) -> Self {
        let mut error = Self::of_findings(Exit::BadConfig, "", &e.findings);
        let n = e.findings.len();
        let _ = write!(error.what, "\n\n{n} error{} in the config; nothing was done", if n == 1 { "" } else { "s" });
        error
    }
}

impl From<CredentialError> for CliError {
    fn from(e: CredentialError) -> Self {
        Self::new(format!("error: {e}")).hint(e.hint())
    }
}

impl From<LedgerError> for CliError {
    fn from(e: LedgerError) -> Self {
        Self::new(format!("error: {e}")).hint(e.hint())
    }
}

impl From<RunError> for CliError {
    fn from(e: RunError) -> Self {
        match e {
            RunError::Ledger(e) => e.into(),
            RunError::Infeasible(findings) => {
                Self::of_findings(Exit::Failed, "error: this pool cannot warm anything; nothing was sent", &findings)
            }
            // Its words are the panic's, which may hold what a server sent; where it was has been told already.
            RunError::Worker(_) => Self::new("error: a mailbox's worker broke off in a way that it should not")
                .hint("this is a bug in preheat: what was sent is safe in the ledger; please report it"),
            RunError::Held(held) => {
                let mut holders: Vec<String> = held
                    .iter()
                    .map(|h| format!("process {} on {}, until {} unless it renews", h.holder.pid, h.holder.host, h.expires_at))
                    .collect();
                holders.sort();
                holders.dedup();
                let who = if holders.is_empty() { "an unknown process".into() } else { holders.join("; ") };
                Self {
                    exit: Exit::Held,
                    what: format!("another preheat runs this pool: {who}"),
                    hint: Some("nothing is wrong: it does the work; wait for it, or stop it (SIGTERM) first".into()),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_that_broke_off_is_told_without_the_words_of_its_panic() {
        let error = CliError::from(RunError::Worker("task 7 panicked with message \"hunter2\"".into()));
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert_eq!(error.exit.code(), 1);
    }
}
