//! Suspending recipients: who is gone, full or switched off gets no letters for a week; then it is tried again.
//!
//! That says nothing about the sender, and nothing about what the suspended mailbox sends: one that is full still can.

use std::collections::BTreeMap;
use std::time::Duration;

use super::context::{Context, Desk};
use super::participants::window_of;
use super::progress::News;
use crate::agenda::Participant;
use crate::classify::{Recipient, classify};
use crate::config::{Config, Mailbox};
use crate::ledger::{Ledger, LedgerError, LetterFacts, SuspensionRow, WordOfServers};
use crate::words::{Address, LocalDate, Moment, RefusalClass, Reply};

/// How long a recipient gets no letters.
const SUSPENDED_FOR: Duration = Duration::from_hours(7 * 24);
/// A server may have so many recipients suspended in [`DOUBT_LOOKS_BACK`]; for more, it must have taken more letters than that meanwhile.
const SUSPENDED_UNDOUBTED: u32 = 3;
const DOUBT_LOOKS_BACK: Duration = SUSPENDED_FOR;

/// What a refusal did to the letter's recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Nothing: it is not about the recipient, or nothing new.
    Nothing,
    /// The recipient is suspended now.
    Suspended,
    /// It says that the recipient is gone, full or switched off, as this server says of more recipients than it takes letters for: not believed.
    Doubted,
}

/// Takes a server's permanent refusal of a letter's recipient, or of the letter. Where it says that the recipient is gone, full or switched off,
/// that mailbox is suspended.
pub(super) async fn heed_refusal(cx: &Context, desk: &Desk, letter: &LetterFacts, reply: &Reply) -> Result<Heard, LedgerError> {
    heed(cx, desk, letter, classify(desk.mailbox.provider, reply), reply, |word| word.accepted).await
}

/// The same for what a report says of the recipient of a letter that came back. Whether there is such a letter is the caller's to know.
pub(super) async fn heed_report(cx: &Context, desk: &Desk, letter: &LetterFacts, told: &Recipient) -> Result<Heard, LedgerError> {
    heed(cx, desk, letter, told.class, &told.as_reply(), |word| word.seen).await
}

/// A server that has lost its way refuses everybody: its word must not stop the whole pool. So it is doubted when it speaks so of more recipients
/// than it takes letters for; `taken` says which letters count: those that were accepted, or, where they come back later, those that were seen.
async fn heed(
    cx: &Context,
    desk: &Desk,
    letter: &LetterFacts,
    class: RefusalClass,
    reply: &Reply,
    taken: fn(&WordOfServers) -> u32,
) -> Result<Heard, LedgerError> {
    if !class.is_about_recipient() {
        return Ok(Heard::Nothing);
    }
    let now = cx.clock.now();
    // Lost for this domain, or for all that send through the same host.
    let (host, domain) = (&desk.mailbox.smtp.server.host, letter.plan.sender.domain());
    let those = |is_one: &dyn Fn(&Mailbox) -> bool| cx.config.mailboxes.values().filter(|m| is_one(m)).map(|m| m.address.clone()).collect();
    for senders in [those(&|m| m.address.domain() == domain), those(&|m| m.smtp.server.host == *host)] {
        let word = cx.ledger.word_of_server(senders, SUSPENDED_UNDOUBTED, now - DOUBT_LOOKS_BACK).await?;
        if word.suspended >= SUSPENDED_UNDOUBTED && taken(&word) <= SUSPENDED_UNDOUBTED {
            return Ok(Heard::Doubted);
        }
    }
    let row = SuspensionRow {
        mailbox: letter.plan.recipient.clone(),
        since: now,
        until: now + SUSPENDED_FOR,
        class,
        reply: reply.clone(),
        letter: Some(letter.plan.id),
    };
    if !cx.ledger.suspend(row.clone()).await? {
        return Ok(Heard::Nothing);
    }
    cx.tell(&News::Suspended(row));
    Ok(Heard::Suspended)
}

/// The mailboxes that get no letters on `date`: those whose suspension lasts beyond now, and into their window of the date. Whoever is free again
/// by then is tried again on that day.
pub(super) async fn suspended_on(
    config: &Config,
    ledger: &Ledger,
    date: LocalDate,
    now: Moment,
) -> Result<BTreeMap<Address, Moment>, LedgerError> {
    let mut suspended = BTreeMap::new();
    for row in ledger.suspensions(now).await? {
        let Some(mailbox) = config.mailboxes.get(&row.mailbox) else { continue };
        if row.until > date.at(window_of(config, mailbox).from, mailbox.zone) {
            suspended.insert(row.mailbox, row.until);
        }
    }
    Ok(suspended)
}

/// Suspended mailboxes receive nothing; what they send is not touched.
pub(super) fn stop_letters_to(suspended: &BTreeMap<Address, Moment>, participants: &mut [Participant]) {
    for p in participants.iter_mut().filter(|p| suspended.contains_key(&p.address)) {
        p.receive_limit = 0;
    }
}

/// Who is left out of a date's agenda, and until when; `None` where nobody is.
pub(super) fn suspended_in_words(suspended: &BTreeMap<Address, Moment>, date: LocalDate) -> Option<String> {
    let (first, until) = suspended.iter().next()?;
    Some(match suspended.len() {
        1 => format!("{first} is suspended until {until}: nobody writes to it on {date}"),
        n => format!("{n} mailboxes are suspended, such as {first} until {until}: nobody writes to them on {date}"),
    })
}
