//! What can go wrong with the ledger, said for people.

use std::path::{Path, PathBuf};

use crate::letter::IllegalStep;

/// An error of the ledger.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The file cannot be opened.
    #[error("the ledger {path} cannot be opened: {text}", path = .0.display(), text = .1)]
    Open(PathBuf, String),
    /// It is not a ledger, or not of this preheat's schema.
    #[error("{path} is not a ledger that this preheat can use: {text}", path = .0.display(), text = .1)]
    Schema(PathBuf, String),
    /// The ledger's thread could not be started.
    #[error("the ledger's thread could not be started: {0}")]
    Thread(std::io::Error),
    /// Its thread has ended.
    #[error("the ledger is closed")]
    Gone,
    /// A job panicked: a bug in preheat. Nothing of it was written.
    #[error("a step of the ledger failed in a way that it should not; nothing of it was written")]
    Panicked,
    /// The transaction was rolled back as a whole, for instance because the disk is full.
    #[error("nothing could be written to the ledger: {0}")]
    NotWritten(String),
    /// Somebody else owns the work now: this process was too slow, or was suspended.
    #[error("the lease of {0} is not ours any more")]
    Stale(String),
    /// An illegal step of a letter's life.
    #[error("letter {0}: {1}")]
    Illegal(String, IllegalStep),
    /// There is no such letter, day or mailbox.
    #[error("there is no {0} in the ledger")]
    Unknown(String),
    /// A value in the file that is not one of the design's words: somebody edited it.
    #[error("the ledger holds a value that preheat did not write: {0}")]
    Foreign(String),
    /// SQLite's own.
    #[error("the ledger: {0}")]
    Sql(#[from] rusqlite::Error),
    /// Writing a backup.
    #[error("the backup could not be written: {0}")]
    Backup(String),
}

impl LedgerError {
    pub(super) fn open(path: &Path, e: &rusqlite::Error) -> Self {
        Self::Open(path.to_owned(), e.to_string())
    }

    /// Whether the disk is full, so that nothing can be recorded and nothing may be sent.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::Sql(e) => e.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull),
            Self::NotWritten(text) => text.contains("full"),
            _ => false,
        }
    }

    /// Whether another process holds the file for too long.
    pub fn is_busy(&self) -> bool {
        matches!(self, Self::Sql(e) if matches!(e.sqlite_error_code(), Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)))
    }

    /// Whether waiting may mend it: the disk is full, or another process holds the file.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::NotWritten(_)) || self.is_busy() || self.is_disk_full()
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Open(..) => "check `ledger:` in preheat.yaml: the folder must exist and be writable",
            Self::Schema(..) => {
                "is this the right file? A ledger of a newer preheat needs that preheat; an older one is brought up to date by `preheat run`"
            }
            Self::Stale(_) => "another preheat took the work over; this one stops by itself",
            Self::NotWritten(_) => {
                "make room on the disk, check its rights, or end the process that holds the file; preheat sends nothing that it cannot record"
            }
            Self::Foreign(_) | Self::Illegal(..) => {
                "run `preheat ledger check`; a backup knows nothing of what was sent after it, so restore one only if nothing was"
            }
            _ => "run `preheat ledger check`; if it is clean, please report this",
        }
    }
}
