//! What is told from the smaller tables, each of which has its times in an index or is short.

use rusqlite::{Connection, params};
use serde_json::Value;

use super::super::rows::InOrder;
use super::super::signals::{COLUMNS as SIGNAL_COLUMNS, read_signal};
use super::super::{LedgerError, PauseScope};
use super::taken::turn;
use super::{Source, Span, least};
use crate::event::{EventKind, Happened, Said, SignalNews, VerdictNews, kind_of_signal};
use crate::words::{Address, Domain, LetterId, LocalDate, Moment, RefusalClass, SignalKind, SuppressionCause, Verdict};

/// Gives every row of a span to `offer`, with its columns. The question's first two parameters are the span's.
fn each(
    c: &Connection,
    span: Span,
    sql: &str,
    offer: &mut dyn FnMut(&mut InOrder<'_, '_>) -> Result<(), LedgerError>,
) -> Result<(), LedgerError> {
    let mut statement = c.prepare_cached(sql)?;
    let mut rows = statement.query(params![span.from, span.to])?;
    while let Some(row) = rows.next()? {
        offer(&mut InOrder::of(row))?;
    }
    Ok(())
}

pub(super) const SIGNALS: Source = Source {
    kinds: &[
        EventKind::BounceReceived,
        EventKind::DelayReceived,
        EventKind::ComplaintReceived,
        EventKind::AutoReplyReceived,
        EventKind::UnsubscribeReceived,
        EventKind::ReplyReceived,
    ],
    read: |c, span, taken| {
        let sql = format!("SELECT {SIGNAL_COLUMNS} FROM signal INDEXED BY signal_by_at WHERE at >= ?1 AND at < ?2");
        let mut statement = c.prepare_cached(&sql)?;
        let mut rows = statement.query(params![span.from, span.to])?;
        while let Some(row) = rows.next()? {
            let (mailbox, message_id): (String, String) = (row.get("mailbox")?, row.get("message_id")?);
            let kind = super::super::rows::word(row, "kind", SignalKind::parse)?;
            taken.offer(row.get("at")?, kind_of_signal(kind), turn::SIGNAL, &["signal", &mailbox, &message_id], || {
                let s = read_signal(row)?;
                let news = SignalNews {
                    message_id: s.message_id,
                    kind: s.kind,
                    scope: s.scope,
                    date: s.date,
                    provider: s.provider,
                    letter: s.letter,
                    original: s.original,
                    author: s.author,
                    feedback: s.feedback,
                    evidence: s.evidence,
                    recipients: Vec::new(),
                };
                Ok((Some(s.mailbox), Happened::Signal(news)))
            })?;
        }
        Ok(())
    },
    next: |c, from| least(c, "signal", "at", from),
};

pub(super) const VERDICTS: Source = Source {
    kinds: &[EventKind::VerdictGiven],
    read: |c, span, taken| {
        let sql = "SELECT at, subject, date, verdict, until, rulings FROM verdict INDEXED BY verdict_by_at WHERE at >= ?1 AND at < ?2";
        each(c, span, sql, &mut |row| {
            let (at, subject, date): (i64, String, String) = (row.get()?, row.get()?, row.get()?);
            taken.offer(at, EventKind::VerdictGiven, turn::BEGIN, &["verdict", &subject, &date], || {
                let mailbox = subject.strip_prefix("mailbox:").and_then(|text| Address::parse(text).ok());
                let foreign = |what: &str| LedgerError::Foreign(format!("verdict on {subject}: {what}"));
                let verdict = row.word(Verdict::parse)?;
                let until = row.get()?;
                let rulings: Value = serde_json::from_str(&row.get::<String>()?).map_err(|_| foreign("its rulings are no JSON"))?;
                let date = LocalDate::parse(&date).ok_or_else(|| foreign(&date))?;
                Ok((mailbox, Happened::Verdict(VerdictNews { subject: subject.clone(), date, verdict, until, rulings })))
            })
        })
    },
    next: |c, from| least(c, "verdict", "at", from),
};

pub(super) const READY: Source = Source {
    kinds: &[EventKind::DomainReady],
    read: |c, span, taken| {
        each(c, span, "SELECT since, domain, evidence FROM ready WHERE since >= ?1 AND since < ?2", &mut |row| {
            let (since, domain): (i64, String) = (row.get()?, row.get()?);
            taken.offer(since, EventKind::DomainReady, turn::BEGIN, &["ready", &domain], || {
                let evidence: Value = serde_json::from_str(&row.get::<String>()?).unwrap_or_default();
                let foreign = || LedgerError::Foreign(format!("that {domain} was ready"));
                let date = evidence["date"].as_str().and_then(LocalDate::parse).ok_or_else(foreign)?;
                Ok((None, Happened::Ready { domain: Domain::parse(&domain).map_err(|_| foreign())?, date }))
            })
        })
    },
    next: |c, from| least(c, "ready", "since", from),
};

pub(super) const SUPPRESSED: Source = Source {
    kinds: &[EventKind::AddressSuppressed],
    read: |c, span, taken| {
        let sql = "SELECT since, address, cause, mailbox, message_id, note FROM suppression INDEXED BY suppression_by_since
                   WHERE since >= ?1 AND since < ?2";
        each(c, span, sql, &mut |row| {
            let (since, address): (i64, String) = (row.get()?, row.get()?);
            taken.offer(since, EventKind::AddressSuppressed, turn::BEGIN, &["suppressed", &address], || {
                let cause = row.word(SuppressionCause::parse)?;
                let mailbox = row.maybe(|text| Address::parse(text).ok())?;
                let (message_id, note) = (row.get()?, row.get()?);
                Ok((mailbox, Happened::Suppressed { address: parsed(&address)?, cause, note, message_id }))
            })
        })
    },
    next: |c, from| least(c, "suppression", "since", from),
};

pub(super) const UNSUPPRESSED: Source = Source {
    kinds: &[EventKind::AddressUnsuppressed],
    read: |c, span, taken| {
        let sql =
            "SELECT lifted_at, address, since FROM suppression INDEXED BY suppression_by_lifting WHERE lifted_at >= ?1 AND lifted_at < ?2";
        each(c, span, sql, &mut |row| {
            let (lifted_at, address, since): (i64, String, i64) = (row.get()?, row.get()?, row.get()?);
            taken.offer(
                lifted_at,
                EventKind::AddressUnsuppressed,
                turn::of_end(lifted_at, since),
                &["unsuppressed", &address, &since.to_string()],
                || Ok((None, Happened::Unsuppressed { address: parsed(&address)?, since: Moment(since) })),
            )
        })
    },
    next: |c, from| least(c, "suppression", "lifted_at", from),
};

pub(super) const SUSPENDED: Source = Source {
    kinds: &[EventKind::MailboxSuspended],
    read: |c, span, taken| {
        let sql = "SELECT since, mailbox, until, class, letter, code, enhanced, text FROM suspension WHERE since >= ?1 AND since < ?2";
        each(c, span, sql, &mut |row| {
            let (since, mailbox): (i64, String) = (row.get()?, row.get()?);
            taken.offer(since, EventKind::MailboxSuspended, turn::BEGIN, &["suspended", &mailbox], || {
                let until = Moment(row.get()?);
                let class = row.word(RefusalClass::parse_stored)?;
                let letter = row.maybe(|text| LetterId::parse(text).ok())?;
                let said = Said { code: row.get()?, enhanced: row.get()?, text: row.get()? };
                Ok((Some(parsed(&mailbox)?), Happened::Suspended { until, class, letter, said }))
            })
        })
    },
    next: |c, from| least(c, "suspension", "since", from),
};

/// A suspension that is over; until then it may be lifted earlier.
pub(super) const RELEASED: Source = Source {
    kinds: &[EventKind::MailboxReleased],
    read: |c, span, taken| {
        each(c, span, "SELECT until, mailbox, since FROM suspension WHERE until >= ?1 AND until < ?2", &mut |row| {
            let (until, mailbox, since): (i64, String, i64) = (row.get()?, row.get()?, row.get()?);
            if until > taken.now {
                return Ok(());
            }
            taken.offer(until, EventKind::MailboxReleased, turn::of_end(until, since), &["released", &mailbox, &since.to_string()], || {
                Ok((Some(parsed(&mailbox)?), Happened::Released { since: Moment(since) }))
            })
        })
    },
    next: |c, from| least(c, "suspension", "until", from),
};

pub(super) const PAUSED: Source = Source {
    kinds: &[EventKind::SendingPaused],
    read: |c, span, taken| {
        each(c, span, "SELECT since, scope, reason FROM pause WHERE since >= ?1 AND since < ?2", &mut |row| {
            let (since, scope): (i64, String) = (row.get()?, row.get()?);
            taken.offer(since, EventKind::SendingPaused, turn::BEGIN, &["paused", &scope], || {
                Ok((paused_mailbox(&scope)?, Happened::Paused { scope: scope.clone(), reason: row.get()? }))
            })
        })
    },
    next: |c, from| least(c, "pause", "since", from),
};

pub(super) const RESUMED: Source = Source {
    kinds: &[EventKind::SendingResumed],
    read: |c, span, taken| {
        each(c, span, "SELECT lifted_at, scope, since FROM pause WHERE lifted_at >= ?1 AND lifted_at < ?2", &mut |row| {
            let (lifted_at, scope, since): (i64, String, i64) = (row.get()?, row.get()?, row.get()?);
            taken.offer(
                lifted_at,
                EventKind::SendingResumed,
                turn::of_end(lifted_at, since),
                &["resumed", &scope, &since.to_string()],
                || Ok((paused_mailbox(&scope)?, Happened::Resumed { scope: scope.clone(), since: Moment(since) })),
            )
        })
    },
    next: |c, from| least(c, "pause", "lifted_at", from),
};

pub(super) const TROUBLE_BEGAN: Source = Source {
    kinds: &[EventKind::TroubleBegan],
    read: |c, span, taken| {
        let sql = "SELECT since, mailbox, channel, step, what, hint, sign_in FROM trouble_history INDEXED BY trouble_history_by_since
                   WHERE since >= ?1 AND since < ?2";
        each(c, span, sql, &mut |row| {
            let (since, mailbox, channel): (i64, String, String) = (row.get()?, row.get()?, row.get()?);
            taken.offer(since, EventKind::TroubleBegan, turn::BEGIN, &["trouble began", &mailbox, &channel], || {
                let (step, what, hint, sign_in) = (row.get()?, row.get()?, row.get()?, row.get()?);
                Ok((Some(parsed(&mailbox)?), Happened::TroubleBegan { channel: channel.clone(), step, what, hint, sign_in }))
            })
        })
    },
    next: |c, from| least(c, "trouble_history", "since", from),
};

pub(super) const TROUBLE_ENDED: Source = Source {
    kinds: &[EventKind::TroubleEnded],
    read: |c, span, taken| {
        let sql = "SELECT ended_at, mailbox, channel, since FROM trouble_history INDEXED BY trouble_history_by_end
                   WHERE ended_at >= ?1 AND ended_at < ?2";
        each(c, span, sql, &mut |row| {
            let (ended_at, mailbox, channel): (i64, String, String) = (row.get()?, row.get()?, row.get()?);
            let since: i64 = row.get()?;
            taken.offer(
                ended_at,
                EventKind::TroubleEnded,
                turn::of_end(ended_at, since),
                &["trouble ended", &mailbox, &channel, &since.to_string()],
                || Ok((Some(parsed(&mailbox)?), Happened::TroubleEnded { channel: channel.clone(), since: Moment(since) })),
            )
        })
    },
    next: |c, from| least(c, "trouble_history", "ended_at", from),
};

fn parsed(address: &str) -> Result<Address, LedgerError> {
    Address::parse(address).map_err(|_| LedgerError::Foreign(format!("address = {address}")))
}

/// The mailbox of a pause; `None` for a domain's and for that of all.
fn paused_mailbox(scope: &str) -> Result<Option<Address>, LedgerError> {
    match PauseScope::from_key(scope) {
        Some(PauseScope::Mailbox(address)) => Ok(Some(address)),
        Some(PauseScope::Domain(_) | PauseScope::All) => Ok(None),
        None => Err(LedgerError::Foreign(format!("scope = {scope}"))),
    }
}
