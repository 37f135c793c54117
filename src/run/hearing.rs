//! Hearing: what the world says back, read from the messages of a look that are no letters of ours, and stored as signals.
//!
//! ```text
//! header  → glance   most messages end here: nothing of them is fetched
//!         → read     a report, or an answer's words: the beginning of it, by PEEK
//!         → behind   the letter that it is about, if one of ours is behind it
//!         → signal   stored once, with all that follows from it; only then is the cursor moved
//! ```
//!
//! It is read and written down. Nothing is ever answered, moved or flagged.

mod behind;
mod signal;

use std::collections::BTreeSet;
use std::time::Duration;

use self::behind::letter_behind;
use self::signal::{Heard, Message, heard};
use super::context::{Context, Desk};
use super::guarding::judge_now;
use super::look::LookError;
use super::progress::News;
use super::suspending::{Heard as Heed, heed_report};
use crate::classify::{Glance, Heading, Incoming, Kind, glance, read_message, stand_in};
use crate::ledger::{LedgerError, SignalNoted};
use crate::mail::{FolderName, Header, Inbox, MailError, Trouble, Uid};
use crate::words::{Moment, SignalKind};

/// Bytes that are read of a report: what it says stands before the message that it returns.
const OF_A_REPORT: u32 = 256 << 10;
/// Bytes that are read of an answer: a person's own words stand above what is quoted and attached.
const OF_AN_ANSWER: u32 = 64 << 10;
/// What came longer ago than this is history, in folders that somebody filled or a server gave back: it says nothing of today.
const OLDEST: Duration = Duration::from_hours(30 * 24);
/// After so many failures in a row, the message at which the connection breaks again is to blame.
const BLAMED_AFTER: u32 = 3;
/// Lines that are told of one look.
const MOST_LINES: u32 = 20;

/// The folder that was looked at.
pub(super) struct Place<'a> {
    pub(super) folder: &'a FolderName,
    pub(super) uid_validity: u32,
    /// It was never read before: of days that preheat did not live through, only reports are read, and not what people answered.
    pub(super) is_first_look: bool,
}

/// How far the messages of a look were heard.
pub(super) enum Extent {
    /// All of them.
    All,
    /// The run shall end: the rest is heard by the next one.
    Stopped,
    /// Up to this message, at which the connection broke. It is not read any more.
    UpTo(Uid, MailError),
}

/// A message that a glance did not dismiss.
struct Candidate<'a> {
    header: &'a Header,
    glance: Glance,
    heading: Heading,
}

/// What was read of a candidate.
enum Reading {
    /// What it is, and what it is known by.
    It(Incoming, String),
    /// It is not there any more, or it cannot be read.
    Nothing,
}

/// What was new in one look.
#[derive(Default)]
struct Counts {
    signals: u32,
    /// Those of a kind that may be the reason of a pause.
    weighing: u32,
    /// Letters of ours that ended with one.
    bounced: u32,
}

/// Hears messages that are no letters of ours.
pub(super) async fn hear(
    cx: &Context,
    desk: &Desk,
    inbox: &mut dyn Inbox,
    place: &Place<'_>,
    headers: &[&Header],
) -> Result<Extent, LookError> {
    let candidates = candidates(cx, headers);
    if candidates.is_empty() {
        return Ok(Extent::All);
    }
    let known = known(cx, desk, candidates.iter().filter_map(Candidate::id).collect()).await?;
    let mut counts = Counts::default();
    for candidate in candidates {
        if candidate.id().is_some_and(|id| known.contains(&id)) {
            continue;
        }
        if cx.stopping() {
            return Ok(Extent::Stopped);
        }
        let reading = match read(cx, inbox, place, &candidate).await {
            Err(e) if e.is_connection_lost() && is_to_blame(cx, desk).await? => {
                tell_unread(cx, &e);
                return Ok(Extent::UpTo(candidate.header.uid, e));
            }
            other => other?,
        };
        let Reading::It(incoming, id) = reading else { continue };
        if candidate.heading.message_id.is_none() && !known_of(cx, desk, &id).await?.is_empty() {
            continue;
        }
        let message = Message { id, author: candidate.heading.author, came: came(cx, candidate.header), incoming };
        hear_one(cx, desk, message, &mut counts).await?;
    }
    if counts.weighing > 0 {
        judge_now(cx, desk).await?;
    }
    if counts.bounced > 0 {
        cx.tell(&News::CameBack(desk.mailbox.address.clone(), counts.bounced));
    }
    if counts.signals > MOST_LINES {
        cx.tell(&News::Note(format!("{}: {} more messages came back", desk.mailbox.address, counts.signals - MOST_LINES)));
    }
    Ok(Extent::All)
}

fn candidates<'a>(cx: &Context, headers: &[&'a Header]) -> Vec<Candidate<'a>> {
    let oldest = cx.server_time(cx.clock.now()) - OLDEST;
    let is_young = |header: &&&Header| header.received.is_none_or(|at| at >= oldest);
    let glanced = headers.iter().filter(is_young).map(|header| (*header, glance(&header.raw)));
    glanced
        .filter(|(_, glance)| *glance != Glance::Nothing)
        .map(|(header, glance)| Candidate { header, glance, heading: Heading::read(&header.raw) })
        .collect()
}

impl Candidate<'_> {
    /// What it is known by, if its header tells.
    fn id(&self) -> Option<String> {
        let id = self.heading.message_id.as_ref().map(|id| id.as_str().to_owned());
        // Of reports without an id, only their text tells one from the other.
        id.or_else(|| (self.glance != Glance::Report).then(|| stand_in(&self.header.raw, b"")))
    }
}

async fn known(cx: &Context, desk: &Desk, ids: Vec<String>) -> Result<BTreeSet<String>, LedgerError> {
    cx.ledger.signals_heard(desk.mailbox.address.clone(), ids).await
}

async fn known_of(cx: &Context, desk: &Desk, id: &str) -> Result<BTreeSet<String>, LedgerError> {
    known(cx, desk, vec![id.to_owned()]).await
}

/// Reads a candidate as far as it is needed. The word of a server that this message cannot be read is final; any other failure is not.
async fn read(cx: &Context, inbox: &mut dyn Inbox, place: &Place<'_>, candidate: &Candidate<'_>) -> Result<Reading, MailError> {
    let header = candidate.header;
    let by_header = |incoming: &Incoming| candidate.id().map_or(Reading::Nothing, |id| Reading::It(incoming.clone(), id));
    let most = match &candidate.glance {
        Glance::Nothing => return Ok(Reading::Nothing),
        Glance::Known(incoming) => return Ok(by_header(incoming)),
        Glance::Answer(incoming) if place.is_first_look && incoming.kind != Kind::Unsubscribe => return Ok(by_header(incoming)),
        Glance::Answer(_) => OF_AN_ANSWER,
        Glance::Report => OF_A_REPORT,
    };
    match inbox.peek(place.folder, place.uid_validity, header.uid, most).await {
        Ok(Some(bytes)) => {
            let id = candidate.id().unwrap_or_else(|| stand_in(&header.raw, &bytes));
            Ok(Reading::It(read_message(&bytes), id))
        }
        Ok(None) => Ok(Reading::Nothing),
        Err(e) if matches!(&e.trouble, Trouble::Refused(reply) if reply.is_permanent()) => {
            tell_unread(cx, &e);
            match &candidate.glance {
                Glance::Answer(incoming) => Ok(by_header(incoming)),
                _ => Ok(Reading::Nothing),
            }
        }
        Err(e) => Err(e),
    }
}

fn tell_unread(cx: &Context, e: &MailError) {
    cx.tell(&News::Note(format!("{}: a message that may be a report could not be read, and is left unread: {}", e.mailbox, e.trouble)));
}

/// Whether reading this mailbox has failed so often in a row that the message is to blame at which it failed now: it must not keep preheat from
/// all that came after it.
async fn is_to_blame(cx: &Context, desk: &Desk) -> Result<bool, LedgerError> {
    let troubles = cx.ledger.troubles().await?;
    Ok(troubles.iter().any(|t| t.mailbox == desk.mailbox.address && t.channel == "imap" && t.count >= BLAMED_AFTER))
}

/// When a message came, in plan time; now, where the server does not say.
fn came(cx: &Context, header: &Header) -> Moment {
    let now = cx.clock.now();
    now - header.received.map_or(Duration::ZERO, |at| cx.server_time(now).since(at))
}

/// Finds what is behind a message, and writes down what it says, if it is new.
async fn hear_one(cx: &Context, desk: &Desk, message: Message, counts: &mut Counts) -> Result<(), LedgerError> {
    let behind = letter_behind(cx, &desk.mailbox.address, &message.incoming).await?;
    let Some(Heard { signal, suspends }) = heard(&cx.config, &desk.mailbox, message, behind.as_ref(), cx.clock.now()) else {
        return Ok(());
    };
    // Before the signal is known: a crash in between must not lose it.
    if let Some((letter, told)) = suspends
        && heed_report(cx, desk, &letter, &told).await? == Heed::Doubted
    {
        let what =
            "more recipients are reported gone, full or switched off than its letters are taken for: nobody else is suspended for that";
        cx.tell(&News::Note(format!("{}: {what}", desk.mailbox.address)));
    }
    let (kind, words) = (signal.row.kind, signal::in_words(&signal));
    let Some(noted) = cx.ledger.note_signal(desk.fence.clone(), signal).await? else { return Ok(()) };
    counts.signals += 1;
    counts.weighing += u32::from(matches!(kind, SignalKind::Bounce | SignalKind::Complaint));
    counts.bounced += u32::from(noted.letter_bounced);
    if counts.signals <= MOST_LINES {
        let words = with_what_followed(words, &noted);
        cx.tell(&News::Heard { at: desk.mailbox.address.clone(), kind, words });
    }
    Ok(())
}

fn with_what_followed(words: String, noted: &SignalNoted) -> String {
    match noted.suppressed.as_slice() {
        [] => words,
        [one] => format!("{words}; {one} gets no mail again"),
        more => format!("{words}; {} addresses get no mail again", more.len()),
    }
}
