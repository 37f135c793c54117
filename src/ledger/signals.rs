//! Signals: what the world said back, stored once each, with all that follows from one in the same transaction.

use std::collections::BTreeSet;

use rusqlite::{Connection, Row, params};

use super::letters::{Said, apply, lapse_answers_to, letter, state_of};
use super::rows::{InOrder, all, execute, one};
use super::suppress::{SOFT_BOUNCES, SuppressionRow, soft_bounce_dates, suppress};
use super::{Fence, Ledger, LedgerError, ms};
use crate::classify::Recipient;
use crate::letter::{LetterEvent, can_bounce};
use crate::words::{Address, LetterId, LocalDate, MessageId, Moment, Provider, RefusalClass, SignalKind, SignalScope, SuppressionCause};

/// A signal as the ledger keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalRow {
    /// Who received it.
    pub mailbox: Address,
    /// Its own Message-ID; without one, a digest of what it says.
    pub message_id: String,
    /// What it says.
    pub kind: SignalKind,
    /// Whose mail it is about.
    pub scope: SignalScope,
    /// When it was read.
    pub at: Moment,
    /// The local date of the message that it is about; where that is unknown, of `at`.
    pub date: LocalDate,
    /// Who speaks, or where the person reads mail.
    pub provider: Option<Provider>,
    /// The letter that it is about.
    pub letter: Option<LetterId>,
    /// The Message-ID of what it is about.
    pub original: Option<MessageId>,
    /// Who wrote it, as it says: data, never trusted.
    pub author: Option<String>,
    /// A complaint's feedback type.
    pub feedback: Option<String>,
    /// Why it is taken for what it is.
    pub evidence: String,
}

/// An address that a signal asks to be written to no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppress {
    /// The address.
    pub address: Address,
    /// Why.
    pub cause: SuppressionCause,
    /// The evidence.
    pub note: String,
}

/// A signal that was read, with what it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSignal {
    /// The signal.
    pub row: SignalRow,
    /// Whom it names.
    pub recipients: Vec<Recipient>,
    /// Who is to be written to no more.
    pub suppress: Vec<Suppress>,
    /// Whose soft bounces are to be counted.
    pub soft: Vec<Address>,
}

/// What a signal changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignalNoted {
    /// Whether its letter is `bounced` now.
    pub letter_bounced: bool,
    /// Addresses that are new on the list.
    pub suppressed: Vec<Address>,
}

impl Ledger {
    /// Writes a signal and what follows from it. `None` where it is known already: it is the same however often, and in whichever folder, it is seen.
    pub async fn note_signal(&self, fence: Fence, signal: NewSignal) -> Result<Option<SignalNoted>, LedgerError> {
        self.store
            .run(move |c| {
                fence.check(c)?;
                if !insert(c, &signal.row)? {
                    return Ok(None);
                }
                for (n, recipient) in (1..).zip(&signal.recipients) {
                    insert_recipient(c, &signal.row, n, recipient)?;
                }
                let mut noted = SignalNoted { letter_bounced: bounce_letter(c, &signal)?, ..SignalNoted::default() };
                for Suppress { address, cause, note } in signal.suppress {
                    suppress_for(c, &signal.row, address, cause, note, &mut noted)?;
                }
                for address in signal.soft {
                    let dates = soft_bounce_dates(c, &address, signal.row.at)?;
                    if dates >= SOFT_BOUNCES {
                        let note = format!("mail to it came back on {dates} dates");
                        suppress_for(c, &signal.row, address, SuppressionCause::SoftBounces, note, &mut noted)?;
                    }
                }
                Ok(Some(noted))
            })
            .await
    }

    /// Those of `message_ids` under which a mailbox has a signal already.
    pub async fn signals_heard(&self, mailbox: Address, message_ids: Vec<String>) -> Result<BTreeSet<String>, LedgerError> {
        self.store
            .ask(move |c| {
                let mut heard = BTreeSet::new();
                for id in message_ids {
                    let sql = "SELECT 1 FROM signal WHERE mailbox = ?1 AND message_id = ?2";
                    if one(c, sql, params![mailbox.as_str(), id], |_| Ok(()))?.is_some() {
                        heard.insert(id);
                    }
                }
                Ok(heard)
            })
            .await
    }

    /// The signals that a mailbox received about mail of `from` and later dates, by date and time.
    pub async fn signals_of(&self, mailbox: Address, from: LocalDate) -> Result<Vec<SignalRow>, LedgerError> {
        self.store.ask(move |c| read_signals(c, &mailbox, from, LocalDate::LAST)).await
    }

    /// Whom a signal names.
    pub async fn recipients_of(&self, mailbox: Address, message_id: String) -> Result<Vec<Recipient>, LedgerError> {
        self.store.ask(move |c| recipients(c, &mailbox, &message_id)).await
    }
}

/// Whom a signal names.
pub(super) fn recipients(c: &Connection, mailbox: &Address, message_id: &str) -> Result<Vec<Recipient>, LedgerError> {
    let sql = "SELECT address, status, code, class, hard, diagnostic FROM signal_recipient
               WHERE mailbox = ?1 AND message_id = ?2 ORDER BY n";
    all(c, sql, params![mailbox.as_str(), message_id], |r| {
        let mut columns = InOrder::of(r);
        Ok(Recipient {
            address: columns.get()?,
            status: columns.get()?,
            reply: columns.get()?,
            class: columns.word(RefusalClass::parse)?,
            hard: columns.get()?,
            diagnostic: columns.get()?,
        })
    })
}

pub(super) const COLUMNS: &str = "mailbox, message_id, kind, scope, at, date, provider, letter, original, author, feedback, evidence";

/// The signals that a mailbox received about mail of `from` to `to`, both included.
pub(super) fn read_signals(c: &Connection, mailbox: &Address, from: LocalDate, to: LocalDate) -> Result<Vec<SignalRow>, LedgerError> {
    let sql = format!("SELECT {COLUMNS} FROM signal WHERE mailbox = ?1 AND date BETWEEN ?2 AND ?3 ORDER BY date, at, message_id");
    all(c, &sql, params![mailbox.as_str(), from.to_string(), to.to_string()], read_signal)
}

/// Reads [`COLUMNS`].
pub(super) fn read_signal(r: &Row<'_>) -> Result<SignalRow, LedgerError> {
    let mut columns = InOrder::of(r);
    let c = &mut columns;
    Ok(SignalRow {
        mailbox: c.word(|t| Address::parse(t).ok())?,
        message_id: c.get()?,
        kind: c.word(SignalKind::parse)?,
        scope: c.word(SignalScope::parse)?,
        at: Moment(c.get()?),
        date: c.word(LocalDate::parse)?,
        provider: c.maybe(Provider::parse)?,
        letter: c.maybe(|t| LetterId::parse(t).ok())?,
        original: c.maybe(MessageId::parse)?,
        author: c.get()?,
        feedback: c.get()?,
        evidence: c.get()?,
    })
}

/// Whether it was new.
fn insert(c: &Connection, s: &SignalRow) -> Result<bool, LedgerError> {
    let sql = "INSERT INTO signal (mailbox, message_id, kind, scope, at, date, provider, letter, original, author, feedback, evidence)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT DO NOTHING";
    let params = params![
        s.mailbox.as_str(),
        s.message_id,
        s.kind.as_str(),
        s.scope.as_str(),
        ms(s.at),
        s.date.to_string(),
        s.provider.map(Provider::as_str),
        s.letter.map(|l| l.to_string()),
        s.original.as_ref().map(MessageId::as_str),
        s.author,
        s.feedback,
        s.evidence
    ];
    Ok(execute(c, sql, params)? > 0)
}

fn insert_recipient(c: &Connection, s: &SignalRow, n: u32, r: &Recipient) -> Result<(), LedgerError> {
    let sql = "INSERT INTO signal_recipient (mailbox, message_id, n, address, status, code, class, hard, diagnostic)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let (mailbox, class) = (s.mailbox.as_str(), r.class.as_str());
    execute(c, sql, params![mailbox, s.message_id, n, r.address, r.status, r.reply, class, r.hard, r.diagnostic]).map(drop)
}

/// A bounce of a letter ends it, unless it was seen: then something else came back. Says whether it is bounced now.
fn bounce_letter(c: &Connection, signal: &NewSignal) -> Result<bool, LedgerError> {
    let (SignalKind::Bounce, Some(id)) = (signal.row.kind, signal.row.letter) else { return Ok(false) };
    // A second bounce of a letter, or one of a letter that was seen, moves nothing.
    if !state_of(c, id)?.is_some_and(can_bounce) {
        return Ok(false);
    }
    let recipient = letter(c, id)?.map(|letter| letter.plan.recipient);
    let is_its_own = |r: &&Recipient| r.address.as_deref() == recipient.as_ref().map(Address::as_str);
    let told = signal.recipients.iter().find(is_its_own).or(signal.recipients.first());
    let reply = told.map(Recipient::as_reply);
    apply(c, id, LetterEvent::Bounced, signal.row.at, reply.as_ref().map_or(Said::Nothing, Said::Reply))?;
    lapse_answers_to(c, id, signal.row.at)?;
    Ok(true)
}

fn suppress_for(
    c: &Connection,
    signal: &SignalRow,
    address: Address,
    cause: SuppressionCause,
    note: String,
    noted: &mut SignalNoted,
) -> Result<(), LedgerError> {
    let caused = Some((signal.mailbox.clone(), signal.message_id.clone()));
    let row = SuppressionRow { address, since: signal.at, cause, signal: caused, note, lifted_at: None };
    if suppress(c, &row)? {
        noted.suppressed.push(row.address);
    }
    Ok(())
}
