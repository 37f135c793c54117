//! Facts about the pool: its seed, its mailboxes, pauses, and the last error of each mailbox.

use std::fmt;

use rusqlite::params;

use super::rows::{address, all, execute, moment, one};
use super::sums::count_all_anew;
use super::{Ledger, LedgerError, ms};
use crate::chance::Seed;
use crate::config::Mailbox;
use crate::words::{Address, Domain, Moment, Provider, Role};

/// A mailbox as the config has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolMember {
    /// Its address.
    pub address: Address,
    /// What it is for.
    pub role: Role,
    /// Who runs it.
    pub provider: Provider,
}

impl PoolMember {
    /// What the ledger keeps of a mailbox of the config.
    pub fn of(mailbox: &Mailbox) -> Self {
        Self { address: mailbox.address.clone(), role: mailbox.role, provider: mailbox.provider }
    }
}

/// What a pause stops.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PauseScope {
    /// The whole pool.
    All,
    /// Every mailbox of a domain.
    Domain(Domain),
    /// One mailbox.
    Mailbox(Address),
}

impl PauseScope {
    /// Reads `all`, a domain or an address.
    pub fn parse_word(text: &str) -> Option<Self> {
        if text == "all" {
            Some(Self::All)
        } else if text.contains('@') {
            Address::parse(text).ok().map(Self::Mailbox)
        } else {
            Domain::parse(text).ok().map(Self::Domain)
        }
    }

    pub(super) fn key(&self) -> String {
        match self {
            Self::All => "all".into(),
            Self::Domain(d) => format!("domain:{d}"),
            Self::Mailbox(a) => format!("mailbox:{a}"),
        }
    }

    pub(super) fn from_key(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None => (text == "all").then_some(Self::All),
            Some(("domain", d)) => Domain::parse(d).ok().map(Self::Domain),
            Some(("mailbox", a)) => Address::parse(a).ok().map(Self::Mailbox),
            Some(_) => None,
        }
    }
}

impl fmt::Display for PauseScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("the whole pool"),
            Self::Domain(d) => fmt::Display::fmt(d, f),
            Self::Mailbox(a) => fmt::Display::fmt(a, f),
        }
    }
}

/// A pause that is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PauseRow {
    /// What it stops.
    pub scope: PauseScope,
    /// Since when.
    pub since: Moment,
    /// Why, in a person's words.
    pub reason: String,
}

/// An error to note for a mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TroubleNote {
    /// `smtp`, `imap`, `spam_folder` or `content`.
    pub channel: &'static str,
    /// The step that failed.
    pub step: String,
    /// What happened; no secrets, bounded.
    pub what: String,
    /// What to do.
    pub hint: String,
    /// Whether a person has to act before it can sign in.
    pub sign_in: bool,
    /// Not tried again before.
    pub retry_at: Moment,
}

/// The last error of a mailbox on a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TroubleRow {
    /// The mailbox.
    pub mailbox: Address,
    /// `smtp`, `imap`, `spam_folder` or `content`.
    pub channel: String,
    /// Since when it has not worked.
    pub since: Moment,
    /// When it failed last.
    pub at: Moment,
    /// How often in a row.
    pub count: u32,
    /// The step that failed.
    pub step: String,
    /// What happened.
    pub what: String,
    /// What to do.
    pub hint: String,
    /// Whether a person has to act before it can sign in.
    pub sign_in: bool,
    /// Not tried again before.
    pub retry_at: Moment,
}

impl Ledger {
    /// The pool's seed; `fresh` becomes it at the first run.
    pub async fn seed(&self, fresh: Seed, now: Moment) -> Result<Seed, LedgerError> {
        self.store
            .run(move |c| {
                execute(
                    c,
                    "INSERT INTO pool (id, seed, created_at) VALUES (1, ?1, ?2) ON CONFLICT (id) DO NOTHING",
                    params![fresh.0.cast_signed(), ms(now)],
                )?;
                one(c, "SELECT seed FROM pool", [], |r| Ok(Seed(r.get::<_, i64>(0)?.cast_unsigned())))?
                    .ok_or_else(|| LedgerError::Unknown("seed".into()))
            })
            .await
    }

    /// The pool's seed, if there has been a first run.
    pub async fn seed_if_any(&self) -> Result<Option<Seed>, LedgerError> {
        self.store.run(|c| one(c, "SELECT seed FROM pool", [], |r| Ok(Seed(r.get::<_, i64>(0)?.cast_unsigned())))).await
    }

    /// Makes the ledger's list of mailboxes the config's: new ones are added, those that are gone are marked as removed, and keep their provider.
    pub async fn register_pool(&self, members: Vec<PoolMember>, now: Moment) -> Result<(), LedgerError> {
        self.store
            .run(move |c| {
                execute(c, "UPDATE mailbox SET removed_at = coalesce(removed_at, ?1)", [ms(now)])?;
                let mut is_moved = false;
                for PoolMember { address, role, provider } in &members {
                    let provider = provider.as_str();
                    let sql = "UPDATE mailbox SET provider = ?2 WHERE address = ?1 AND provider <> ?2";
                    is_moved |= execute(c, sql, [address.as_str(), provider])? > 0;
                    execute(
                        c,
                        "INSERT INTO mailbox (address, domain, role, provider, added_at) VALUES (?1, ?2, ?3, ?4, ?5)
                         ON CONFLICT (address) DO UPDATE SET role = ?3, removed_at = NULL",
                        params![address.as_str(), address.domain().as_str(), role.as_str(), provider, ms(now)],
                    )?;
                }
                if is_moved {
                    // Seldom enough: whoever a mailbox is with now has always run it, as far as anybody knows.
                    count_all_anew(c)?;
                }
                Ok(())
            })
            .await
    }

    /// Stops sending for a scope; a pause that is there already keeps its time and takes the new reason. Looking and rescuing go on.
    pub async fn pause(&self, scope: PauseScope, reason: String, now: Moment) -> Result<(), LedgerError> {
        self.store
            .run(move |c| {
                // Lifted in the very millisecond in which it begins again: the second conflict.
                let sql = "INSERT INTO pause (scope, since, reason) VALUES (?1, ?2, ?3)
                           ON CONFLICT (scope) WHERE lifted_at IS NULL DO UPDATE SET reason = ?3
                           ON CONFLICT (scope, since) DO UPDATE SET reason = ?3, lifted_at = NULL";
                execute(c, sql, params![scope.key(), ms(now), reason]).map(|_| ())
            })
            .await
    }

    /// Lifts the pause of exactly this scope; says whether there was one. The history keeps it.
    pub async fn resume(&self, scope: PauseScope, now: Moment) -> Result<bool, LedgerError> {
        self.store
            .run(move |c| {
                let sql = "UPDATE pause SET lifted_at = max(?2, since) WHERE scope = ?1 AND lifted_at IS NULL";
                Ok(execute(c, sql, params![scope.key(), ms(now)])? > 0)
            })
            .await
    }

    /// Every pause in force.
    pub async fn pauses(&self) -> Result<Vec<PauseRow>, LedgerError> {
        self.store
            .ask(|c| {
                all(c, "SELECT scope, since, reason FROM pause WHERE lifted_at IS NULL ORDER BY scope", [], |r| {
                    Ok(PauseRow {
                        scope: super::rows::word(r, "scope", PauseScope::from_key)?,
                        since: moment(r, "since")?,
                        reason: r.get("reason")?,
                    })
                })
            })
            .await
    }

    /// Notes that something does not work for a mailbox. Repeats are counted.
    pub async fn note_trouble(&self, mailbox: Address, note: TroubleNote, now: Moment) -> Result<(), LedgerError> {
        self.store
            .run(move |c| {
                execute(
                    c,
                    "INSERT INTO trouble (mailbox, channel, since, at, count, step, what, hint, sign_in, retry_at) VALUES (?1, ?2, ?3, ?3, 1, ?4, ?5, ?6, ?7, ?8)
                     ON CONFLICT (mailbox, channel) DO UPDATE SET at = ?3, count = count + 1, step = ?4, what = ?5, hint = ?6, sign_in = ?7, retry_at = ?8",
                    params![mailbox.as_str(), note.channel, ms(now), note.step, note.what, note.hint, note.sign_in, ms(note.retry_at)],
                )?;
                // A new one, or one that is known since it began. Over in the very millisecond in which it begins again: it goes on.
                let sql = "INSERT INTO trouble_history (mailbox, channel, since, step, what, hint, sign_in)
                           SELECT mailbox, channel, since, step, what, hint, sign_in FROM trouble WHERE mailbox = ?1 AND channel = ?2
                           ON CONFLICT DO UPDATE SET ended_at = NULL WHERE ended_at IS NOT NULL";
                execute(c, sql, params![mailbox.as_str(), note.channel]).map(drop)
            })
            .await
    }

    /// Notes that it works again. The history keeps what was.
    pub async fn clear_trouble(&self, mailbox: Address, channel: &'static str, now: Moment) -> Result<(), LedgerError> {
        self.store
            .run(move |c| {
                let sql = "DELETE FROM trouble WHERE mailbox = ?1 AND channel = ?2";
                if execute(c, sql, params![mailbox.as_str(), channel])? > 0 {
                    let sql =
                        "UPDATE trouble_history SET ended_at = max(?3, since) WHERE mailbox = ?1 AND channel = ?2 AND ended_at IS NULL";
                    execute(c, sql, params![mailbox.as_str(), channel, ms(now)])?;
                }
                Ok(())
            })
            .await
    }

    /// The troubles of every mailbox, by mailbox and channel.
    pub async fn troubles(&self) -> Result<Vec<TroubleRow>, LedgerError> {
        self.store
            .ask(|c| {
                let sql =
                    "SELECT mailbox, channel, since, at, count, step, what, hint, sign_in, retry_at FROM trouble ORDER BY mailbox, channel";
                all(c, sql, [], |r| {
                    Ok(TroubleRow {
                        mailbox: address(r, "mailbox")?,
                        channel: r.get("channel")?,
                        since: moment(r, "since")?,
                        at: moment(r, "at")?,
                        count: r.get("count")?,
                        step: r.get("step")?,
                        what: r.get("what")?,
                        hint: r.get("hint")?,
                        sign_in: r.get("sign_in")?,
                        retry_at: moment(r, "retry_at")?,
                    })
                })
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_seed_is_written_once() {
        let l = Ledger::in_memory().unwrap();
        assert_eq!(l.seed_if_any().await.unwrap(), None);
        assert_eq!(l.seed(Seed(u64::MAX), Moment(0)).await.unwrap(), Seed(u64::MAX));
        assert_eq!(l.seed(Seed(2), Moment(1)).await.unwrap(), Seed(u64::MAX));
    }

    #[tokio::test]
    async fn troubles_count_and_clear_and_pauses_come_and_go() {
        let l = Ledger::in_memory().unwrap();
        let a = Address::parse("a@x.test").unwrap();
        l.register_pool(vec![PoolMember { address: a.clone(), role: Role::Warming, provider: Provider::Generic }], Moment(0))
            .await
            .unwrap();
        let note = TroubleNote {
            channel: "smtp",
            step: "signing in".into(),
            what: "535 no".into(),
            hint: "look".into(),
            sign_in: true,
            retry_at: Moment(9),
        };
        l.note_trouble(a.clone(), note.clone(), Moment(1)).await.unwrap();
        l.note_trouble(a.clone(), note, Moment(2)).await.unwrap();
        let rows = l.troubles().await.unwrap();
        assert_eq!((rows[0].count, rows[0].since, rows[0].at, rows[0].sign_in), (2, Moment(1), Moment(2), true));
        l.clear_trouble(a.clone(), "smtp", Moment(3)).await.unwrap();
        assert!(l.troubles().await.unwrap().is_empty());

        let scope = PauseScope::parse_word("x.test").unwrap();
        l.pause(scope.clone(), "moving house".into(), Moment(3)).await.unwrap();
        assert_eq!(l.pauses().await.unwrap(), [PauseRow { scope: scope.clone(), since: Moment(3), reason: "moving house".into() }]);
        assert!(l.resume(scope.clone(), Moment(4)).await.unwrap() && !l.resume(scope.clone(), Moment(5)).await.unwrap());
        assert!(l.pauses().await.unwrap().is_empty());
        // In the very millisecond in which it was lifted, and a new reason for what is paused already.
        l.pause(scope.clone(), "moving again".into(), Moment(4)).await.unwrap();
        l.pause(scope.clone(), "still moving".into(), Moment(6)).await.unwrap();
        assert_eq!(l.pauses().await.unwrap(), [PauseRow { scope, since: Moment(4), reason: "still moving".into() }]);
    }
}
