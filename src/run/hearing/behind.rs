//! The letter behind a message: what a report or an answer claims, held against the mark and against what was sent.
//!
//! Anybody can write a report. A letter's id and its Message-ID can be worked out by whoever knows the sender's address and the date; its mark
//! cannot be made without the key. So a mark that holds proves that a letter of ours came back, a Message-ID only says so.

use super::super::context::Context;
use crate::classify::Incoming;
use crate::ledger::{LedgerError, LetterFacts};
use crate::words::{Address, MessageId};

/// How a letter was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// Its mark came back, and holds.
    Mark,
    /// The message names it by the Message-ID that was sent, or that was seen.
    MessageId,
}

/// A letter that was handed over by the mailbox that received the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Behind {
    pub(super) letter: LetterFacts,
    pub(super) by: By,
}

/// Finds the letter of `mailbox` that a message is about.
pub(super) async fn letter_behind(cx: &Context, mailbox: &Address, incoming: &Incoming) -> Result<Option<Behind>, LedgerError> {
    let found = match &incoming.original.mark {
        // Whoever has a mark that does not hold has made it up, and the rest with it.
        Some(mark) => by_mark(cx, mailbox, incoming, mark).await?,
        None => by_message_id(cx, mailbox, &incoming.original.message_ids).await?,
    };
    Ok(found.filter(|behind| speaks_of(cx, incoming, &behind.letter.plan.recipient)))
}

async fn by_mark(cx: &Context, mailbox: &Address, incoming: &Incoming, mark: &str) -> Result<Option<Behind>, LedgerError> {
    let Some(id) = incoming.original.letter else { return Ok(None) };
    let letter = cx.ledger.letter(id).await?.filter(|l| l.plan.sender == *mailbox && l.handed_at.is_some());
    let holds = |l: &LetterFacts| cx.keys.verify(mark, mailbox, &l.plan.recipient).is_ok_and(|mark| mark.letter == l.plan.id);
    Ok(letter.filter(holds).map(|letter| Behind { letter, by: By::Mark }))
}

async fn by_message_id(cx: &Context, mailbox: &Address, ids: &[MessageId]) -> Result<Option<Behind>, LedgerError> {
    if ids.is_empty() {
        return Ok(None);
    }
    let letters = cx.ledger.letters_named(mailbox.clone(), ids.to_vec()).await?;
    Ok(letters.into_iter().next().map(|letter| Behind { letter, by: By::MessageId }))
}

/// Whether a message that names mailboxes of the pool names this one. One that names none, or others only, may have gone on from it.
fn speaks_of(cx: &Context, incoming: &Incoming, recipient: &Address) -> bool {
    let mut named = incoming.recipients.iter().filter_map(|r| Address::parse(r.address.as_deref()?).ok());
    let pool: Vec<Address> = named.by_ref().filter(|a| cx.config.mailboxes.contains_key(a)).collect();
    pool.is_empty() || pool.contains(recipient)
}
