//! Letters as the world names them: by a Message-ID, ours or the one that a server put in its place.

use rusqlite::{Connection, params};

use super::letters::{COLUMNS, letter, read_letter};
use super::rows::one;
use super::{Ledger, LedgerError, LetterFacts};
use crate::words::{Address, MessageId};

impl Ledger {
    /// The letters of `sender` that were handed over under one of these Message-IDs, or were seen under one, in their order; each once.
    pub async fn letters_named(&self, sender: Address, ids: Vec<MessageId>) -> Result<Vec<LetterFacts>, LedgerError> {
        self.store
            .ask(move |c| {
                let mut found: Vec<LetterFacts> = Vec::new();
                for id in ids {
                    let named = named(c, &sender, &id)?.filter(|l| l.handed_at.is_some());
                    found.extend(named.filter(|l| found.iter().all(|f| f.plan.id != l.plan.id)));
                }
                Ok(found)
            })
            .await
    }
}

/// Message-IDs of ours begin with the letter's id; those that a server made are looked up.
fn named(c: &Connection, sender: &Address, id: &MessageId) -> Result<Option<LetterFacts>, LedgerError> {
    if let Some(l) = id.letter().map(|letter_id| letter(c, letter_id)).transpose()?.flatten()
        && l.message_id_sent.as_ref() == Some(id)
    {
        return Ok(Some(l).filter(|l| l.plan.sender == *sender));
    }
    let sql = format!(
        "SELECT {COLUMNS} FROM letter INDEXED BY letter_by_seen_id
         WHERE message_id_seen = ?1 AND message_id_seen <> message_id_sent AND sender = ?2 ORDER BY id"
    );
    one(c, &sql, params![id.as_str(), sender.as_str()], read_letter)
}
