//! What the guard judges by, and what it said.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, params};

use super::agenda::put_off;
use super::letters::skip;
use super::rows::{InOrder, address, all, execute, letter_id, one};
use super::signals::{SignalRow, read_signals, recipients};
use super::{Fence, Ledger, LedgerError, PauseScope, ms};
use crate::classify::Recipient;
use crate::guard::{Subject, Until};
use crate::words::{Address, Domain, LetterId, LetterState, LocalDate, Moment, Placement, Reply, SkipReason, Verdict};

/// A letter that was offered to a server, as far as the guard looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JudgedLetter {
    /// Its id.
    pub id: LetterId,
    /// To whom.
    pub recipient: Address,
    /// The sender's local date.
    pub date: LocalDate,
    /// Where it stands.
    pub state: LetterState,
    /// Where it was first seen.
    pub placement: Option<Placement>,
    /// When it was handed over; `None`: refused before that.
    pub handed_at: Option<Moment>,
    /// When a server took it.
    pub accepted_at: Option<Moment>,
}

/// A server's refusal of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedLetter {
    /// The letter.
    pub letter: LetterId,
    /// To whom.
    pub recipient: Address,
    /// The sender's local date.
    pub date: LocalDate,
    /// When.
    pub at: Moment,
    /// What the server said.
    pub reply: Reply,
}

/// A signal with whom it names.
pub type HeardSignal = (SignalRow, Vec<Recipient>);

/// What became of a mailbox's mail of some dates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JudgedMail {
    /// Letters that were offered, by date.
    pub letters: Vec<JudgedLetter>,
    /// What servers refused of them, for good or for now.
    pub refused: Vec<RefusedLetter>,
    /// What came back.
    pub signals: Vec<HeardSignal>,
}

/// What the guard said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerdictRow {
    /// Of whom.
    pub subject: Subject,
    /// Of which local date.
    pub date: LocalDate,
    /// When it was said.
    pub at: Moment,
    /// The verdict.
    pub verdict: Verdict,
    /// Until when it holds; `None`: for the day.
    pub until: Option<Until>,
    /// Every ruling, as JSON: the harshest first.
    pub rulings: String,
}

/// What `check` found of a domain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckedRow {
    /// When.
    pub at: Moment,
    /// Errors.
    pub errors: u32,
    /// Warnings.
    pub warnings: u32,
}

impl Ledger {
    /// What became of the mail that a mailbox sent on the dates `from` to `to`, both included.
    pub async fn judged_mail(&self, mailbox: Address, from: LocalDate, to: LocalDate) -> Result<JudgedMail, LedgerError> {
        self.store
            .ask(move |c| {
                let sql = "SELECT id, recipient, date, state, placement, handed_at, accepted_at FROM letter
                           WHERE sender = ?1 AND date BETWEEN ?2 AND ?3 AND (handed_at IS NOT NULL OR state = 'rejected')";
                let letters = all(c, sql, params![mailbox.as_str(), from.to_string(), to.to_string()], read_judged)?;
                let (refused, signals) = (refused_of(c, &mailbox, from, to)?, read_heard(c, &mailbox, from, to)?);
                Ok(JudgedMail { letters, refused, signals })
            })
            .await
    }

    /// What the guard said of a subject, of dates from `from` on, the oldest first.
    pub async fn verdicts_of(&self, subject: Subject, from: LocalDate) -> Result<Vec<VerdictRow>, LedgerError> {
        self.store
            .ask(move |c| {
                let sql = "SELECT subject, date, at, verdict, until, rulings FROM verdict WHERE subject = ?1 AND date >= ?2 ORDER BY date";
                all(c, sql, params![subject.to_string(), from.to_string()], read_verdict)
            })
            .await
    }

    /// What the guard said of every subject, of dates from `from` on, by subject and date.
    pub async fn verdicts(&self, from: LocalDate) -> Result<Vec<VerdictRow>, LedgerError> {
        self.store
            .ask(move |c| {
                let sql = "SELECT subject, date, at, verdict, until, rulings FROM verdict WHERE date >= ?1 ORDER BY subject, date";
                all(c, sql, [from.to_string()], read_verdict)
            })
            .await
    }

    /// What the guard said last of each of these subjects, where it has said anything.
    pub async fn last_words(&self, subjects: Vec<Subject>) -> Result<Vec<VerdictRow>, LedgerError> {
        self.store
            .ask(move |c| {
                let mut words = Vec::with_capacity(subjects.len());
                for subject in &subjects {
                    words.extend(last_word(c, subject)?);
                }
                Ok(words)
            })
            .await
    }

    /// A pause of the guard was said in mid-day: it is written down, and what these mailboxes have not sent of the date is not sent any more.
    /// Gives the mailboxes that stop, with what they had still to send.
    pub async fn stop_today(
        &self,
        fence: Fence,
        verdicts: Vec<VerdictRow>,
        mailboxes: Vec<(Address, LocalDate)>,
    ) -> Result<Vec<(Address, u32)>, LedgerError> {
        self.store
            .run(move |c| {
                fence.check(c)?;
                for verdict in &verdicts {
                    note_verdict(c, verdict)?;
                }
                let mut stopped = Vec::new();
                for (mailbox, date) in mailboxes {
                    let key = params![mailbox.as_str(), date.to_string()];
                    let left = one(c, "SELECT quota - spent FROM day WHERE mailbox = ?1 AND date = ?2", key, |r| Ok(r.get(0)?))?;
                    if let Some(left) = left {
                        execute(c, "UPDATE day SET quota = spent WHERE mailbox = ?1 AND date = ?2", key)?;
                        stopped.push((mailbox, left));
                    }
                }
                Ok(stopped)
            })
            .await
    }

    /// A receiving provider said "too fast": that is written down, and what these senders have on their agendas of the date for these recipients is skipped;
    /// answers are put off to the next date. Gives how many.
    pub async fn rest_route(
        &self,
        fence: Fence,
        row: VerdictRow,
        senders: Vec<Address>,
        recipients: Vec<Address>,
    ) -> Result<u32, LedgerError> {
        self.store
            .run(move |c| {
                fence.check(c)?;
                note_verdict(c, &row)?;
                let sql = "SELECT id, recipient, parent FROM letter WHERE sender = ?1 AND date = ?2 AND state IN ('planned', 'deferred')
                             AND due IS NOT NULL ORDER BY id";
                let mut rested = 0;
                for sender in &senders {
                    let waiting = all(c, sql, params![sender.as_str(), row.date.to_string()], |r| {
                        let is_answer = r.get::<_, Option<String>>(2)?.is_some();
                        Ok((letter_id(r, "id")?, address(r, "recipient")?, is_answer))
                    })?;
                    for (id, _, is_answer) in waiting.into_iter().filter(|(_, to, _)| recipients.contains(to)) {
                        rested += 1;
                        if is_answer {
                            put_off(c, id, row.date.plus(1))?;
                            execute(c, "UPDATE letter SET due = due + 86400000 WHERE id = ?1", [id.to_string()])?;
                        } else {
                            skip(c, id, SkipReason::Rests, row.at)?;
                        }
                    }
                }
                Ok(rested)
            })
            .await
    }

    /// Until when an account rests because it reached its own limit.
    pub async fn rest_of(&self, mailbox: Address, now: Moment) -> Result<Option<Moment>, LedgerError> {
        self.store
            .ask(move |c| {
                let last = last_word(c, &Subject::Mailbox(mailbox))?;
                Ok(last.filter(|v| v.verdict == Verdict::Rest).and_then(|v| match v.until {
                    Some(Until::Moment(end)) if end > now => Some(end),
                    _ => None,
                }))
            })
            .await
    }

    /// A person ends the guard's pauses.
    pub async fn lift(&self, scope: PauseScope, now: Moment) -> Result<(), LedgerError> {
        self.store
            .run(move |c| {
                let sql = "INSERT INTO lifted (scope, at) VALUES (?1, ?2) ON CONFLICT (scope) DO UPDATE SET at = max(at, ?2)";
                execute(c, sql, params![scope.key(), ms(now)]).map(drop)
            })
            .await
    }

    /// When a person last ended the guard's pauses of a mailbox.
    pub async fn lifted(&self, mailbox: Address) -> Result<Option<Moment>, LedgerError> {
        self.store
            .ask(move |c| {
                let (domain, mailbox) = (PauseScope::Domain(mailbox.domain()).key(), PauseScope::Mailbox(mailbox).key());
                let sql = "SELECT max(at) FROM lifted WHERE scope IN ('all', ?1, ?2)";
                Ok(one(c, sql, [domain, mailbox], |r| Ok(r.get::<_, Option<i64>>(0)?))?.flatten().map(Moment))
            })
            .await
    }

    /// Keeps what a `check` found, by domain.
    pub async fn note_checked(&self, found: BTreeMap<Domain, CheckedRow>) -> Result<(), LedgerError> {
        self.store
            .run(move |c| {
                for (domain, row) in &found {
                    let sql = "INSERT INTO checked (domain, at, errors, warnings) VALUES (?1, ?2, ?3, ?4)
                               ON CONFLICT (domain) DO UPDATE SET at = ?2, errors = ?3, warnings = ?4";
                    execute(c, sql, params![domain.as_str(), ms(row.at), row.errors, row.warnings])?;
                }
                Ok(())
            })
            .await
    }

    /// What the last `check` found of a domain.
    pub async fn checked(&self, domain: Domain) -> Result<Option<CheckedRow>, LedgerError> {
        self.store
            .ask(move |c| {
                one(c, "SELECT at, errors, warnings FROM checked WHERE domain = ?1", [domain.as_str()], |r| {
                    Ok(CheckedRow { at: Moment(r.get(0)?), errors: r.get(1)?, warnings: r.get(2)? })
                })
            })
            .await
    }
}

/// What servers refused of a mailbox's letters. Few are ever deferred or rejected: only of those the steps are read.
pub(super) fn refused_of(c: &Connection, mailbox: &Address, from: LocalDate, to: LocalDate) -> Result<Vec<RefusedLetter>, LedgerError> {
    let sql = "SELECT id, recipient, date, step.at, code, text FROM letter INDEXED BY letter_refused JOIN step ON step.letter = id
               WHERE sender = ?1 AND date BETWEEN ?2 AND ?3 AND (attempts > 0 OR state = 'rejected')
                 AND event IN ('deferred', 'rejected') ORDER BY id, n";
    all(c, sql, params![mailbox.as_str(), from.to_string(), to.to_string()], read_refused)
}

/// The signals about a mailbox's mail, with whom they name.
pub(super) fn read_heard(c: &Connection, mailbox: &Address, from: LocalDate, to: LocalDate) -> Result<Vec<HeardSignal>, LedgerError> {
    let with_named = |signal: SignalRow| {
        let named = recipients(c, mailbox, &signal.message_id)?;
        Ok((signal, named))
    };
    read_signals(c, mailbox, from, to)?.into_iter().map(with_named).collect()
}

/// Writes a verdict down, the mailbox's day with it. What was said of a date stays.
pub(super) fn note_verdict(c: &Connection, v: &VerdictRow) -> Result<(), LedgerError> {
    // A route that rests in mid-day is judged once more with its domain: that word has all that the first one had.
    let sql = if matches!(v.subject, Subject::Route(..)) {
        "INSERT INTO verdict (subject, date, at, verdict, until, rulings) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (subject, date) DO UPDATE SET verdict = ?4, until = ?5, rulings = ?6"
    } else {
        "INSERT INTO verdict (subject, date, at, verdict, until, rulings) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING"
    };
    let until = v.until.map(|until| until.to_string());
    let date = v.date.to_string();
    let new = execute(c, sql, params![v.subject.to_string(), date, ms(v.at), v.verdict.as_str(), until, v.rulings])? > 0;
    if let (true, Subject::Mailbox(mailbox)) = (new, &v.subject) {
        let sql = "UPDATE day SET verdict = ?3 WHERE mailbox = ?1 AND date = ?2";
        execute(c, sql, params![mailbox.as_str(), date, v.verdict.as_str()])?;
    }
    Ok(())
}

fn last_word(c: &Connection, subject: &Subject) -> Result<Option<VerdictRow>, LedgerError> {
    let sql = "SELECT subject, date, at, verdict, until, rulings FROM verdict WHERE subject = ?1 ORDER BY date DESC LIMIT 1";
    one(c, sql, [subject.to_string()], read_verdict)
}

fn read_judged(r: &Row<'_>) -> Result<JudgedLetter, LedgerError> {
    let mut columns = InOrder::of(r);
    let c = &mut columns;
    Ok(JudgedLetter {
        id: c.word(|t| LetterId::parse(t).ok())?,
        recipient: c.word(|t| Address::parse(t).ok())?,
        date: c.word(LocalDate::parse)?,
        state: c.word(LetterState::parse)?,
        placement: c.maybe(Placement::parse)?,
        handed_at: c.get::<Option<i64>>()?.map(Moment),
        accepted_at: c.get::<Option<i64>>()?.map(Moment),
    })
}

fn read_refused(r: &Row<'_>) -> Result<RefusedLetter, LedgerError> {
    let mut columns = InOrder::of(r);
    let c = &mut columns;
    Ok(RefusedLetter {
        letter: c.word(|t| LetterId::parse(t).ok())?,
        recipient: c.word(|t| Address::parse(t).ok())?,
        date: c.word(LocalDate::parse)?,
        at: Moment(c.get()?),
        // The text begins with the enhanced code, where there is one.
        reply: Reply::new(c.get::<Option<u16>>()?.unwrap_or(0), &c.get::<Option<String>>()?.unwrap_or_default()),
    })
}

fn read_verdict(r: &Row<'_>) -> Result<VerdictRow, LedgerError> {
    let mut columns = InOrder::of(r);
    let c = &mut columns;
    Ok(VerdictRow {
        subject: c.word(Subject::parse)?,
        date: c.word(LocalDate::parse)?,
        at: Moment(c.get()?),
        verdict: c.word(Verdict::parse)?,
        until: c.maybe(Until::parse)?,
        rulings: c.get()?,
    })
}
