//! The whole history at once, for whoever holds it against something else: one query a table, never one a letter.

use super::days::{DayRow, read_day};
use super::letters::{COLUMNS, LetterFacts, read_letter};
use super::rows::{InOrder, all};
use super::{ActionKind, Ledger, LedgerError, days};
use crate::letter::LetterEvent;
use crate::words::{Address, LetterId, Moment};

/// One step of a letter's life, with its letter and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LetterStep {
    /// The letter.
    pub letter: LetterId,
    /// Its place in the letter's life, from 1.
    pub n: u32,
    /// When.
    pub at: Moment,
    /// What.
    pub event: LetterEvent,
    /// The server's reply code.
    pub code: Option<u16>,
    /// The server's words, the reason of a skip, or where it was first seen.
    pub text: Option<String>,
}

/// Something that a recipient does, or did, with a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionRow {
    /// Who.
    pub mailbox: Address,
    /// With which letter.
    pub letter: LetterId,
    /// What.
    pub kind: ActionKind,
    /// When it is due, or was.
    pub due: Moment,
    /// How often it was tried.
    pub attempts: u32,
    /// When it ended.
    pub done_at: Option<Moment>,
    /// How it ended: `done`, `not_permitted`, `gone`, `given_up`; `None` while it is due.
    pub result: Option<String>,
}

/// Everything that the ledger knows of letters and days, as it was at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// Every letter, by id.
    pub letters: Vec<LetterFacts>,
    /// Every step, by letter and place.
    pub steps: Vec<LetterStep>,
    /// Every day, by mailbox and date.
    pub days: Vec<DayRow>,
    /// Every action, by letter and kind.
    pub actions: Vec<ActionRow>,
    /// At which mailbox each letter was sighted, by letter; copies in Sent apart.
    pub sighted: Vec<(LetterId, Address)>,
    /// Which letters were put away by which mailbox, or were gone when they were to be; copies in Sent among them.
    pub put_away: Vec<(LetterId, Address)>,
}

impl Ledger {
    /// Reads the whole history in one transaction. Grows with the ledger: about 1 kB a letter.
    ///
    /// # Errors
    /// [`LedgerError`], also where a row holds a word that this preheat does not know.
    pub async fn history(&self) -> Result<History, LedgerError> {
        self.store
            .run(|c| {
                let letters = all(c, &format!("SELECT {COLUMNS} FROM letter ORDER BY id"), [], read_letter)?;
                let steps = all(c, "SELECT letter, n, at, event, code, text FROM step ORDER BY letter, n", [], |r| {
                    let mut columns = InOrder::of(r);
                    Ok(LetterStep {
                        letter: columns.word(|t| LetterId::parse(t).ok())?,
                        n: columns.get()?,
                        at: Moment(columns.get()?),
                        event: columns.word(LetterEvent::parse)?,
                        code: columns.get()?,
                        text: columns.get()?,
                    })
                })?;
                let days = all(c, &format!("SELECT {} FROM day ORDER BY mailbox, date", days::COLUMNS), [], read_day)?;
                let sql = "SELECT mailbox, letter, kind, due, attempts, done_at, result FROM action ORDER BY letter, kind";
                let actions = all(c, sql, [], |r| {
                    let mut columns = InOrder::of(r);
                    Ok(ActionRow {
                        mailbox: columns.word(|t| Address::parse(t).ok())?,
                        letter: columns.word(|t| LetterId::parse(t).ok())?,
                        kind: columns.word(ActionKind::parse)?,
                        due: Moment(columns.get()?),
                        attempts: columns.get()?,
                        done_at: columns.get::<Option<i64>>()?.map(Moment),
                        result: columns.get()?,
                    })
                })?;
                let pair = |r: &rusqlite::Row<'_>| {
                    let mut columns = InOrder::of(r);
                    Ok((columns.word(|t| LetterId::parse(t).ok())?, columns.word(|t| Address::parse(t).ok())?))
                };
                let sighted = all(c, "SELECT letter, mailbox FROM sighting WHERE role <> 'sent' ORDER BY letter, mailbox", [], pair)?;
                let put_away = all(c, "SELECT letter, mailbox FROM sighting WHERE tidied IS NOT NULL ORDER BY letter, mailbox", [], pair)?;
                Ok(History { letters, steps, days, actions, sighted, put_away })
            })
            .await
    }
}

/// For tests that hold a broken ledger against the truth.
#[cfg(test)]
impl Ledger {
    /// A copy in memory, in which nothing keeps anybody from writing nonsense.
    pub(crate) fn copy_to_break(&self) -> Self {
        let super::store::Store::Memory(from) = &self.store else { panic!("only a ledger in memory is copied") };
        let (from, mut copy) = (from.lock().unwrap(), rusqlite::Connection::open_in_memory().unwrap());
        // It is one transaction that is never committed; what is to be copied must be.
        from.execute_batch("COMMIT").unwrap();
        let copied = rusqlite::backup::Backup::new(&from, &mut copy).unwrap().step(-1).unwrap();
        assert_eq!(copied, rusqlite::backup::StepResult::Done);
        from.execute_batch("BEGIN IMMEDIATE").unwrap();
        copy.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON").unwrap();
        let store = super::store::Store::start(copy, super::Place::Inline, rusqlite::TransactionBehavior::Immediate).unwrap();
        Self { store, path: ":memory:".into() }
    }

    /// A copy in a file.
    pub(crate) fn save_to(&self, path: &std::path::Path) {
        let super::store::Store::Memory(from) = &self.store else { panic!("only a ledger in memory is saved") };
        let (from, mut copy) = (from.lock().unwrap(), rusqlite::Connection::open(path).unwrap());
        from.execute_batch("COMMIT").unwrap();
        let copied = rusqlite::backup::Backup::new(&from, &mut copy).unwrap().step(-1).unwrap();
        assert_eq!(copied, rusqlite::backup::StepResult::Done);
        from.execute_batch("BEGIN IMMEDIATE").unwrap();
    }

    /// Changes something behind everybody's back; gives how many rows.
    pub(crate) async fn alter(&self, sql: &str) -> usize {
        let sql = sql.to_owned();
        self.store.run(move |c| Ok(c.execute(&sql, [])?)).await.unwrap()
    }

    /// One value, as text.
    pub(crate) async fn ask(&self, sql: &str) -> String {
        let sql = format!("SELECT CAST(({sql}) AS TEXT)");
        self.store.run(move |c| Ok(c.query_row(&sql, [], |r| r.get(0))?)).await.unwrap()
    }
}
