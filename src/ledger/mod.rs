//! The ledger: one SQLite file, and what is true.
//!
//! [`Ledger`] has one async method for each fact that the executor means, and each is one transaction. No rusqlite type, closure or
//! transaction leaves this module. Every write of the executor carries its [`Fence`] and fails when somebody else owns the work.

mod agenda;
mod begin;
mod check;
mod days;
mod dump;
mod engage;
mod error;
mod events;
mod guard;
mod history;
mod lease;
mod letters;
mod look;
mod named;
mod outside;
mod pool;
mod prune;
mod ready;
mod rows;
mod send;
mod signals;
mod status;
mod store;
mod stray;
mod sums;
mod suppress;
mod suspend;
mod tidy;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use rusqlite_migration::{M, Migrations};

use crate::words::Moment;
use store::Store;

pub use begin::{PastEnded, PastOf};
pub use check::CheckReport;
pub use days::{DayPlan, DayRow};
pub use engage::{ActionKind, DueAction, OpenedParent};
pub use error::LedgerError;
pub use guard::{CheckedRow, HeardSignal, JudgedLetter, JudgedMail, RefusedLetter, VerdictRow};
pub use history::{ActionRow, History, LetterStep};
pub use lease::{Fence, HeldLease, Holder, LEASE_TTL, Taken};
pub use letters::{LetterFacts, StepRow};
pub use look::{LookNote, Noted, RefusedMark, Sighted, SightingRow, StoredFolder};
pub use outside::{OutsideMessage, OutsideNote, OutsideReport, OutsideRow, SentCursor};
pub use pool::{PauseRow, PauseScope, PoolMember, TroubleNote, TroubleRow};
pub use prune::{LEAST_KEPT, PruneRules, Pruned, PrunedSum, Pruner, Removed};
pub use ready::ReadyRow;
pub use send::{Intent, IntentRefused, NextLetter, Outcome, Turn};
pub use signals::{NewSignal, SignalNoted, SignalRow, Suppress};
pub use status::{MailboxStatus, PlacementCounts, Unsent};
pub use store::{Place, Receipt};
pub use sums::{DaySum, DescribedMail};
pub use suppress::{SOFT_BOUNCE_DAYS, SOFT_BOUNCES, SuppressionRow};
pub use suspend::{SuspensionRow, WordOfServers};
pub use tidy::{Finished, FinishedCopy, PutAway, SentCopy, Space};

/// Every migration, in order. Immutable once released: a change is a new file.
const MIGRATION_STEPS: &[M<'static>] = &[
    M::up(include_str!("migrations/0001_first.sql")),
    M::up(include_str!("migrations/0002_suspension.sql")),
    M::up(include_str!("migrations/0003_narrower_index.sql")),
    M::up(include_str!("migrations/0004_signals.sql")),
    M::up(include_str!("migrations/0005_guard.sql")),
    M::up(include_str!("migrations/0006_outside.sql")),
    M::up(include_str!("migrations/0007_seen_ids.sql")),
    M::up(include_str!("migrations/0008_events.sql")),
    M::up(include_str!("migrations/0009_tidy.sql")),
    M::up(include_str!("migrations/0010_indexes_and_unoffered.sql")),
    M::up(include_str!("migrations/0011_prune.sql")),
    M::up(include_str!("migrations/0012_day_sums.sql")),
];
const MIGRATIONS: Migrations<'static> = Migrations::from_slice(MIGRATION_STEPS);

/// Milliseconds that a writer waits for another process's transaction.
const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// A handle to the ledger. Cheap to clone.
#[derive(Clone)]
pub struct Ledger {
    store: Store,
    path: PathBuf,
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Ledger").field(&self.path).finish()
    }
}

impl Ledger {
    /// Opens the file, makes it where there is none (mode 0600), and brings its schema up to date. To be called where blocking is fine.
    ///
    /// # Errors
    /// [`LedgerError`]: no such folder, no right, not a ledger, or one of a newer preheat.
    pub fn open(path: &Path, place: Place) -> Result<Self, LedgerError> {
        make_private(path)?;
        let mut connection = Connection::open(path).map_err(|e| LedgerError::open(path, &e))?;
        set_up(&connection).map_err(|e| LedgerError::open(path, &e))?;
        MIGRATIONS.to_latest(&mut connection).map_err(|e| LedgerError::Schema(path.to_owned(), e.to_string()))?;
        let store = Store::start(connection, place, TransactionBehavior::Immediate)?.with_questions(|| {
            let connection = Connection::open(path).map_err(|e| LedgerError::open(path, &e))?;
            set_up(&connection).map_err(|e| LedgerError::open(path, &e))?;
            Ok(connection)
        })?;
        Ok(Self { store, path: path.to_owned() })
    }

    /// Opens the file as it is, for reading only. `Ok(None)` where there is none.
    ///
    /// # Errors
    /// As [`Ledger::open`]; also where its schema is older or newer than this preheat's.
    pub fn open_to_read(path: &Path) -> Result<Option<Self>, LedgerError> {
        if !path.exists() {
            return Ok(None);
        }
        let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(|e| LedgerError::open(path, &e))?;
        set_up(&connection).map_err(|e| LedgerError::open(path, &e))?;
        let pending = MIGRATIONS.pending_migrations(&connection).map_err(|e| LedgerError::Schema(path.to_owned(), e.to_string()))?;
        if pending != 0 {
            return Err(LedgerError::Schema(path.to_owned(), format!("its schema is {} step(s) away from this preheat's", pending.abs())));
        }
        Ok(Some(Self { store: Store::start(connection, Place::Thread, TransactionBehavior::Deferred)?, path: path.to_owned() }))
    }

    /// A ledger in memory, inline: for rehearsals and tests.
    ///
    /// # Errors
    /// Only if SQLite itself fails.
    pub fn in_memory() -> Result<Self, LedgerError> {
        let mut connection = Connection::open_in_memory()?;
        // Trees of fewer levels; nothing is written anywhere.
        connection.execute_batch("PRAGMA page_size = 8192")?;
        set_up(&connection)?;
        MIGRATIONS.to_latest(&mut connection).map_err(|e| LedgerError::Schema(":memory:".into(), e.to_string()))?;
        Ok(Self { store: Store::in_memory(connection)?, path: ":memory:".into() })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(128);
    // Plans must not depend on what is bound: with partial indexes SQLite would prepare such statements anew for every value.
    connection.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // Room for the upper levels of a large ledger's trees, and for what one question reads; it is taken as it is used.
    connection.execute_batch("PRAGMA cache_size = -16384")?;
    // journal_mode answers with a row; in memory it stays `memory`.
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.execute_batch("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF")
}

/// Makes the file before SQLite does, so that nobody else can read it, not even for a moment.
fn make_private(path: &Path) -> Result<(), LedgerError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(LedgerError::Open(path.to_owned(), e.to_string())),
    }
}

/// A moment as SQL.
fn ms(at: Moment) -> i64 {
    at.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(c: &Connection) -> Vec<(String, String)> {
        let mut s = c.prepare("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").unwrap();
        s.query_map([], |r| Ok((r.get(0)?, r.get(1)?))).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn the_migrations_lead_to_the_reference_schema_and_every_table_is_strict() {
        let mut migrated = Connection::open_in_memory().unwrap();
        MIGRATIONS.to_latest(&mut migrated).unwrap();
        MIGRATIONS.to_latest(&mut migrated).unwrap(); // a second time is harmless
        let reference = Connection::open_in_memory().unwrap();
        reference.execute_batch(include_str!("schema.sql")).unwrap();
        let (migrated, reference) = (schema(&migrated), schema(&reference));
        for (is, said) in migrated.iter().zip(&reference) {
            assert_eq!(is, said);
        }
        assert_eq!(migrated.len(), reference.len());
        for (name, sql) in &migrated {
            assert!(!sql.starts_with("CREATE TABLE") || sql.contains("STRICT"), "{name} is not STRICT");
        }
    }

    #[test]
    fn a_ledger_is_private_waits_for_the_disk_and_refuses_what_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("preheat.db");
        drop(Ledger::open(&path, Place::Thread).unwrap());
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions()) & 0o777, 0o600);
        let c = Connection::open(&path).unwrap();
        set_up(&c).unwrap();
        let pragma = |p: &str| c.query_row(&format!("PRAGMA {p}"), [], |r| r.get::<_, rusqlite::types::Value>(0)).unwrap();
        assert_eq!(pragma("journal_mode"), rusqlite::types::Value::Text("wal".into()));
        assert_eq!(pragma("synchronous"), rusqlite::types::Value::Integer(2));

        let other = dir.path().join("letter.txt");
        std::fs::write(&other, "this is not a ledger, but a text that is long enough to be looked at".repeat(20)).unwrap();
        assert!(Ledger::open(&other, Place::Thread).unwrap_err().to_string().contains("letter.txt"));
        assert!(Ledger::open_to_read(&dir.path().join("none.db")).unwrap().is_none());
    }
}
