//! Outside mail, while a mailbox's day lasts: its Sent folder is read for messages that are no letters of ours, and warmup makes room for them.
//!
//! Every recipient of such a message counts, in To, Cc and Bcc, whoever it is; a message that names none has gone to one at least.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use chrono::NaiveTime;
use mail_parser::{HeaderName, Message, MessageParser};
use sha2::{Digest, Sha256};

use super::context::{Context, Desk};
use super::look::{LookError, Session, find_folders};
use super::progress::News;
use super::room::RealMail;
use super::sight;
use crate::ledger::{LedgerError, LetterFacts, OutsideMessage, OutsideNote, SentCursor};
use crate::mail::{Cursor, FolderName, Header};
use crate::ramp::make_room;
use crate::words::{Address, FolderRole, LetterId, LocalDate, MessageId, Moment, OutsideMail, Zone};

/// At the first look, so many dates before today are counted too: for the mean.
const DATES_BEFORE: u32 = 7;
/// After a silence, no more than so many.
const DATES_AT_MOST: u32 = 35;
/// A message's id is kept for so many dates after it was sent; a folder that is renumbered shows none that are older.
const IDS_KEPT: u32 = 45;
/// The most recipients that one message counts for.
const MOST_RECIPIENTS: usize = 10_000;

/// Reads what tells to whom a message went, and when.
static HEADERS: LazyLock<MessageParser> = LazyLock::new(|| {
    let parser = MessageParser::new().header_id(HeaderName::MessageId).header_date(HeaderName::Date);
    parser.header_address(HeaderName::To).header_address(HeaderName::Cc).header_address(HeaderName::Bcc).default_header_ignore()
});

/// Counts the real mail of a mailbox that wants it counted, and lowers today's quota where it takes more of the day's total than was thought.
pub(super) async fn mind_real_mail(cx: &Context, desk: &Desk, session: &mut Session) -> Result<(), LookError> {
    match desk.mailbox.outside_mail {
        Some(OutsideMail::SentFolder) => read_sent(cx, desk, session).await?,
        Some(OutsideMail::Reported) => {}
        Some(OutsideMail::Nothing) | None => return Ok(()),
    }
    Ok(lower_quota(cx, desk).await?)
}

/// Reads what is new in Sent, to its end, and counts it.
async fn read_sent(cx: &Context, desk: &Desk, session: &mut Session) -> Result<(), LookError> {
    // Many servers make the folder with the first message for it.
    if session.folder(FolderRole::Sent).is_none() {
        find_folders(cx, desk, session).await?;
    }
    let Some(sent) = session.folder(FolderRole::Sent).map(|f| f.name.clone()) else { return Ok(()) };
    let mailbox = &desk.mailbox;
    let known = cx.ledger.sent_cursor(mailbox.address.clone()).await?;
    let from = first_date(cx.clock.now().local_date(mailbox.zone), known.as_ref().map(|k| k.read_at.local_date(mailbox.zone)));
    let mut cursor = known.filter(|k| k.folder == sent.wire).map(|k| k.cursor);
    loop {
        let since = cx.server_time(from.at(NaiveTime::MIN, mailbox.zone));
        let look = session.inbox.look(&sent, cursor, since).await?;
        let done = !look.more || cursor == Some(look.cursor);
        cursor = Some(look.cursor);
        note_look(cx, desk, &sent, look.cursor, from, &look.new).await?;
        if done {
            return Ok(());
        }
    }
}

async fn note_look(
    cx: &Context,
    desk: &Desk,
    sent: &FolderName,
    cursor: Cursor,
    from: LocalDate,
    headers: &[Header],
) -> Result<(), LedgerError> {
    let (mailbox, now) = (&desk.mailbox, cx.clock.now());
    let read: Vec<Sent<'_>> = headers.iter().filter_map(|h| read_message(h, now, mailbox.zone)).collect();
    // Servers may strip the mark from their copy; then a letter is known by its Message-ID.
    let named: BTreeSet<LetterId> = read.iter().filter_map(|s| s.letter).collect();
    let known = if named.is_empty() { Vec::new() } else { cx.ledger.letters_of(named.into_iter().collect()).await? };
    let known: BTreeMap<LetterId, LetterFacts> = known.into_iter().map(|l| (l.plan.id, l)).collect();
    let is_ours = |s: &Sent<'_>| {
        let by_id = s.letter.and_then(|id| known.get(&id)).is_some_and(|l| l.plan.sender == mailbox.address && l.message_id_sent == s.id);
        by_id || sight::own_letter(s.header, &mailbox.address, &cx.keys).is_some()
    };
    let messages = read.iter().filter(|s| s.date >= from && !is_ours(s)).map(Sent::message).collect();
    let today = now.local_date(mailbox.zone);
    let note = OutsideNote {
        mailbox: mailbox.address.clone(),
        read: SentCursor { folder: sent.wire.clone(), cursor, since: today.minus(DATES_BEFORE), read_at: now },
        messages,
        forget_before: today.minus(IDS_KEPT),
    };
    cx.ledger.note_outside(desk.fence.clone(), note).await.map(drop)
}

/// The first date whose messages are counted: a week ago; after a longer silence, the date of the last look.
fn first_date(today: LocalDate, last_read: Option<LocalDate>) -> LocalDate {
    let week = today.minus(DATES_BEFORE);
    last_read.map_or(week, |read| read.min(week)).max(today.minus(DATES_AT_MOST))
}

/// A message of a Sent folder.
struct Sent<'a> {
    header: &'a Header,
    id: Option<MessageId>,
    /// The letter that its Message-ID would be of.
    letter: Option<LetterId>,
    date: LocalDate,
    recipients: u32,
}

impl Sent<'_> {
    fn message(&self) -> OutsideMessage {
        let digest = || Sha256::digest(&self.header.raw).iter().fold(String::from("sha256:"), |hex, byte| hex + &format!("{byte:02x}"));
        let message_id = self.id.as_ref().map_or_else(digest, ToString::to_string);
        OutsideMessage { message_id, date: self.date, recipients: self.recipients }
    }
}

/// `None` for what is no message at all.
fn read_message(header: &Header, now: Moment, zone: Zone) -> Option<Sent<'_>> {
    let message = HEADERS.parse_headers(&header.raw[..])?;
    let id = message.message_id().and_then(MessageId::parse);
    let letter = id.as_ref().and_then(|id| LetterId::parse(id.as_str().get(..24)?).ok());
    Some(Sent { header, letter, id, date: sent_on(&message, header, now, zone), recipients: recipients(&message) })
}

/// The mailbox's local date on which a message was sent, as it says itself, or else its server; never in the future.
fn sent_on(message: &Message<'_>, header: &Header, now: Moment, zone: Zone) -> LocalDate {
    let written = message.date().filter(|d| d.is_valid()).map(|d| Moment(d.to_timestamp().saturating_mul(1_000)));
    let today = now.local_date(zone);
    let dates = [written, header.received].into_iter().flatten().map(|at| at.local_date(zone));
    dates.into_iter().find(|date| *date <= today).unwrap_or(today)
}

/// How many different addresses a message went to; one at least.
fn recipients(message: &Message<'_>) -> u32 {
    let all = message.all_to().chain(message.all_cc()).chain(message.all_bcc());
    let addresses = all.flat_map(|a| a.iter()).filter_map(|a| a.address()).take(MOST_RECIPIENTS);
    let distinct: BTreeSet<String> = addresses.map(|a| a.trim().to_lowercase()).filter(|a| a.contains('@')).collect();
    distinct.len().max(1) as u32
}

/// Lowers the quota of the run's date to what real mail leaves of the total.
async fn lower_quota(cx: &Context, desk: &Desk) -> Result<(), LedgerError> {
    let (mailbox, date) = (&desk.mailbox, desk.date);
    let address = || Address::clone(&mailbox.address);
    let (Some(schedule), Some(day)) = (cx.config.schedule_of(mailbox), cx.ledger.day(address(), date).await?) else { return Ok(()) };
    let Some(outside) = RealMail::of(Some(&cx.ledger), mailbox).await?.on(&schedule.calendar, date) else { return Ok(()) };
    let (quota, why) = make_room(schedule, date, day.plan.quota, day.plan.total, outside);
    if quota >= day.plan.quota {
        return Ok(());
    }
    if let Some((was, holds)) = cx.ledger.make_room(desk.fence.clone(), address(), date, quota, why.clone()).await? {
        cx.tell(&News::Note(format!("{}: its quota of {date} is lowered from {was} to {holds}: {why}", mailbox.address)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::Uid;

    const NOW: &str = "2026-12-01T22:30:00Z";

    fn read(raw: &str, received: Option<&str>) -> (String, u32, String) {
        let received = received.map(|at| Moment::parse_rfc3339(at).unwrap());
        let header = Header { uid: Uid(1), flags: vec![], received, size: 1, raw: raw.as_bytes().to_vec(), category: None };
        let sent = read_message(&header, Moment::parse_rfc3339(NOW).unwrap(), chrono_tz::Europe::Berlin).unwrap();
        let message = sent.message();
        (message.date.to_string(), message.recipients, message.message_id)
    }

    fn count(fields: &str) -> u32 {
        read(&format!("{fields}\r\n\r\n"), None).1
    }

    #[test]
    fn every_address_in_to_cc_and_bcc_counts_once() {
        assert_eq!(count("To: a@x.test"), 1);
        assert_eq!(count("To: A <a@x.test>, b@x.test\r\nCc: C <c@y.test>\r\nBcc: d@y.test, e@y.test"), 5);
        assert_eq!(count("To: a@x.test\r\nCc: A@X.TEST, a@x.test"), 1);
        assert_eq!(count("To: a@x.test\r\nTo: b@x.test"), 2, "a field that is there twice");
        assert_eq!(count("To: friends: a@x.test, b@x.test;, c@x.test"), 3);
        assert_eq!(count("To: undisclosed-recipients:;"), 1);
        assert_eq!(count("Subject: nobody is named"), 1);
        assert_eq!(count("Bcc: \"not an address\""), 1);
        let many = (0..20_000).map(|n| format!("m{n}@x.test")).collect::<Vec<_>>().join(",\r\n ");
        assert_eq!(count(&format!("Bcc: {many}")), 10_000);
    }

    #[test]
    fn the_date_is_the_mailboxes_own_and_never_in_the_future() {
        let on = |date: &str, received| read(&format!("Date: {date}\r\nTo: a@x.test\r\n\r\n"), received).0;
        assert_eq!(on("Tue, 1 Dec 2026 09:00:00 +0100", None), "2026-12-01");
        assert_eq!(on("Tue, 1 Dec 2026 23:59:00 -1000", Some("2026-12-01T12:00:00Z")), "2026-12-01", "tomorrow at noon in Berlin");
        assert_eq!(on("Mon, 30 Nov 2026 23:30:00 +0000", None), "2026-12-01", "half past midnight in Berlin");
        assert_eq!(on("Fri, 1 Jan 2027 09:00:00 +0100", Some("2026-11-30T09:00:00Z")), "2026-11-30");
        assert_eq!(on("Fri, 1 Jan 2027 09:00:00 +0100", Some("2027-01-01T09:00:00Z")), "2026-12-01");
        assert_eq!(on("yesterday", Some("2026-11-29T09:00:00Z")), "2026-11-29");
        assert_eq!(on("Tue, 1 Dec 292277026596 09:00:00 +0100", None), "2026-12-01");
        assert_eq!(on("", None), "2026-12-01");
    }

    #[test]
    fn a_message_without_an_id_is_known_by_its_header() {
        let id = |fields: &str| read(&format!("{fields}\r\n\r\n"), None).2;
        assert_eq!(id("Message-ID: <1@x.test>"), "1@x.test");
        assert!(id("To: a@x.test").starts_with("sha256:") && id("To: a@x.test").len() == 7 + 64);
        assert_eq!(id("To: a@x.test"), id("To: a@x.test"));
        assert_ne!(id("To: a@x.test"), id("To: b@x.test"));
        assert!(id(&format!("Message-ID: <{}@x.test>", "x".repeat(2_000))).starts_with("sha256:"));
    }

    #[test]
    fn a_week_is_counted_at_first_and_after_a_silence_all_since_the_last_look_but_not_for_ever() {
        let date = |text: &str| LocalDate::parse(text).unwrap();
        let first = |last_read: Option<&str>| first_date(date("2026-12-31"), last_read.map(date)).to_string();
        assert_eq!(first(None), "2026-12-24");
        assert_eq!(first(Some("2026-12-31")), "2026-12-24");
        assert_eq!(first(Some("2026-12-10")), "2026-12-10");
        assert_eq!(first(Some("2026-06-01")), "2026-11-26");
    }
}
