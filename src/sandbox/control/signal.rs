//! Sends something back about a letter: what a server, a provider or a person would have written. For who wants to practise it.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::sandbox::Population;
use crate::words::{Address, LetterId, Reply};
use crate::world::Personality;
use crate::world::reports::{
    About, Outcome, REPLIES, Server, UNSUBSCRIBES, VACATIONS, Wish, complaint, delivery_status, parties, reply, unsubscribe, vacation,
};

/// What is sent back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// It was not delivered.
    Bounce,
    /// It is late.
    Delay,
    /// It was delivered.
    Delivered,
    /// It was called spam.
    Complaint,
    /// A machine answers.
    AutoReply,
    /// A person answers.
    Reply,
    /// Somebody wants no more mail.
    Unsubscribe,
}

/// Something that comes back about a letter, to who wrote it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signal {
    kind: Kind,
    /// The letter's id; it must lie somewhere.
    letter: Option<String>,
    /// Another message that it is about, in base64, with From and To.
    message: Option<String>,
    /// A server's words, of a report: `550 5.1.1 …`.
    said: Option<String>,
    /// A person's or a machine's words, of an answer.
    text: Option<String>,
    /// Of a complaint: whether it says who complains. It does, where it is left out.
    named: Option<bool>,
    /// Where to; INBOX, where it is left out.
    folder: Option<String>,
}

impl Signal {
    /// Writes it into the mailbox of who wrote the letter; gives that mailbox, and the UID.
    pub(super) fn send(self, population: &Population) -> Result<Value, String> {
        let (world, now) = (&population.world, population.now());
        let (from, to, message) = self.original(population)?;
        let folder = self.folder.as_deref().unwrap_or("INBOX");
        super::deeds::named(folder)?;
        let habits = |of: &Address| world.with_account(of, |a| a.spec.personality).unwrap_or(Personality::Dovecot);
        let (own, theirs) = (Server { habits: habits(&from), of: &from }, Server { habits: habits(&to), of: &to });
        let about = About { from: &from, to: &to, message: &message };
        let text = |usual: &'static str| self.text.as_deref().unwrap_or(usual);
        let bytes = match self.kind {
            Kind::Bounce => {
                let said = self.said_or("550 5.1.1 Recipient address rejected: User unknown", |r| r.is_permanent() || r.is_transient())?;
                delivery_status(own, about, Outcome::Failed(&said), now)
            }
            Kind::Delay => {
                let usual = "421 4.7.28 An unusual rate of mail comes from this sender; try again later";
                delivery_status(own, about, Outcome::Delayed(&self.said_or(usual, Reply::is_transient)?), now)
            }
            Kind::Delivered => {
                let said = self.said_or("250 2.0.0 Ok: taken over", Reply::is_positive)?;
                delivery_status(own, about, Outcome::Delivered(&said), now)
            }
            Kind::Complaint => complaint(theirs, about, self.named.unwrap_or(true), now),
            Kind::AutoReply => vacation(theirs, about, text(VACATIONS[0]), now),
            Kind::Reply => reply(about, text(REPLIES[0]), now),
            Kind::Unsubscribe => unsubscribe(about, Wish::Words(text(UNSUBSCRIBES[0])), now),
        };
        world.create_folder(&from, folder);
        let uid = world.append(&from, folder, &bytes, BTreeSet::new(), true, now).map_err(|e| e.to_string())?;
        Ok(json!({ "user": from, "folder": folder, "uid": uid }))
    }

    /// What it is about: from whom, to whom, and its bytes. Who wrote it must be here.
    fn original(&self, population: &Population) -> Result<(Address, Address, Vec<u8>), String> {
        let found = match (&self.letter, &self.message) {
            (Some(id), None) => {
                let id = LetterId::parse(id).map_err(|e| e.to_string())?;
                let nowhere = "that letter lies nowhere: give the `message` that it is about";
                population.world.letter(id).ok_or(nowhere)?
            }
            (None, Some(message)) => {
                let bytes = BASE64.decode(message).map_err(|_| "the message is not base64")?;
                let (from, to) = parties(&bytes).ok_or("the message has no From and To with one address each")?;
                (from, to, bytes)
            }
            _ => return Err("name the `letter` that it is about, or give the `message`".into()),
        };
        let is_here = population.world.with_account(&found.0, |_| ()).is_some();
        if is_here { Ok(found) } else { Err(format!("{} has no mailbox here", found.0)) }
    }

    /// The server's words: three digits, and a text.
    fn said_or(&self, usual: &str, fits: impl Fn(&Reply) -> bool) -> Result<Reply, String> {
        let (code, text) = self.said.as_deref().unwrap_or(usual).split_once(' ').unwrap_or_default();
        let code = code.parse().ok().filter(|c| (200..600).contains(c));
        let reply = code.map(|code| Reply::new(code, text)).filter(fits);
        reply.ok_or_else(|| format!("`said` does not fit: write it as in `{usual}`"))
    }
}
