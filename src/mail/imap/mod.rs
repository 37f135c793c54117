//! The [`Inbox`] port over IMAP4rev1 (RFC 3501), on async-imap's reader.
//!
//! ```text
//! stream (the wire's, guarded)
//!    → sift      takes out what the parser cannot read
//!    → exec      one command, its answers, its tagged OK or a typed error, within a deadline
//!    → sign_in   greeting, PLAIN, LOGIN, XOAUTH2
//!    → folders   which folders there are, and what each is for
//!    → select    one folder at a time, and whether UIDs still mean what they meant
//!    → look      what is new, headers only, nothing marked as read
//!    → act       open, move, delete, set flags: only what the caller says is ours
//!    → make      a folder of our own
//!    → idle      wait for news
//! ```
//!
//! BODYSTRUCTURE and ENVELOPE are never asked for (their nesting overflows the parser's stack), nor anything that a server answers
//! with MODSEQ or ESEARCH, nor IMAP4rev2 (some servers advertise a broken one).

mod act;
mod answer;
mod caught;
mod exec;
mod flags;
mod folders;
mod idle;
mod look;
mod make;
mod names;
mod select;
mod sets;
mod sift;
mod sign_in;
pub(crate) mod utf7;

#[cfg(test)]
mod script;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use tokio::io::{AsyncRead, AsyncWrite};

use self::exec::{Deadlines, Dialogue, Stream};
use self::folders::Wishes;
use self::select::Selected;
use self::sign_in::Capabilities;
use super::{Cursor, Deleted, Flag, Folder, FolderName, Idled, Inbox, Look, MailError, Moved, StoredFlags, Uid};
use crate::config::Mailbox;
use crate::words::Moment;

#[cfg(test)]
pub use caught::hush_caught_panics;
pub use caught::is_panic_caught_here;
pub use folders::missing_folders;

/// Signs `mailbox` in over a stream on which the server is about to greet, and gives its [`Inbox`].
///
/// The stream is already inside TLS, or leads to loopback; its limits on lines, literals and nesting are the wire's. An error of kind
/// `InvalidData` from the stream is taken for one of these limits, and its text is shown.
///
/// # Errors
/// At the greeting: BYE, PREAUTH, anything but OK. Then a refused sign-in, or no mechanism that fits. Every step has a deadline of 60 s, or
/// of `patience`, where that is shorter.
pub async fn sign_in<S>(stream: S, mailbox: &Mailbox, secret: &SecretString, patience: Duration) -> Result<Box<dyn Inbox>, MailError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug + 'static,
{
    Ok(Box::new(Imap::sign_in(stream, mailbox, secret, Deadlines::default().at_most(patience)).await?))
}

/// A signed-in session.
#[derive(Debug)]
struct Imap<S: Stream> {
    talk: Dialogue<S>,
    can: Capabilities,
    wishes: Wishes,
    selected: Option<Selected>,
    /// By folder on the wire: the UID that the next new message will have, at least, as of the last look.
    looked: BTreeMap<String, u32>,
}

impl<S: Stream> Imap<S> {
    async fn sign_in(stream: S, mailbox: &Mailbox, secret: &SecretString, deadlines: Deadlines) -> Result<Self, MailError> {
        let mut talk = Dialogue::new(stream, &mailbox.address, deadlines);
        let can = sign_in::sign_in(&mut talk, mailbox, secret).await?;
        let wishes = Wishes { provider: mailbox.provider, spam: mailbox.spam_folder.clone(), sent: mailbox.sent_folder.clone() };
        Ok(Self { talk, can, wishes, selected: None, looked: BTreeMap::new() })
    }
}

#[async_trait]
impl<S: Stream> Inbox for Imap<S> {
    async fn folders(&mut self) -> Result<Vec<Folder>, MailError> {
        self.list_folders().await
    }

    async fn look(&mut self, folder: &FolderName, cursor: Option<Cursor>, since: Moment) -> Result<Look, MailError> {
        self.look_into(folder, cursor, since).await
    }

    async fn flags_of(&mut self, folder: &FolderName, uid_validity: u32, uids: &[Uid]) -> Result<Vec<StoredFlags>, MailError> {
        self.fetch_flags(folder, uid_validity, uids).await
    }

    async fn open(&mut self, folder: &FolderName, uid_validity: u32, uid: Uid) -> Result<Option<Vec<u8>>, MailError> {
        self.fetch_message(folder, uid_validity, uid, "BODY", act::LARGEST).await
    }

    async fn peek(&mut self, folder: &FolderName, uid_validity: u32, uid: Uid, limit: u32) -> Result<Option<Vec<u8>>, MailError> {
        self.fetch_message(folder, uid_validity, uid, "BODY.PEEK", limit).await
    }

    async fn move_to(&mut self, from: &FolderName, uid_validity: u32, uids: &[Uid], to: &FolderName) -> Result<Moved, MailError> {
        self.move_messages(from, uid_validity, uids, to).await
    }

    fn moves_in_one_step(&self) -> bool {
        self.can.has("MOVE")
    }

    async fn delete(&mut self, folder: &FolderName, uid_validity: u32, uids: &[Uid]) -> Result<Deleted, MailError> {
        self.delete_messages(folder, uid_validity, uids).await
    }

    async fn own_folder(&mut self, name: &str) -> Result<FolderName, MailError> {
        self.find_or_make(name).await
    }

    async fn set_flags(&mut self, folder: &FolderName, uid_validity: u32, uids: &[Uid], flags: &[Flag]) -> Result<Vec<Flag>, MailError> {
        self.store_flags(folder, uid_validity, uids, flags).await
    }

    async fn idle(&mut self, folder: &FolderName, stop: Pin<&mut (dyn Future<Output = ()> + Send)>) -> Result<Idled, MailError> {
        self.wait_for_news(folder, stop).await
    }

    async fn sign_out(mut self: Box<Self>) {
        self.talk.sign_out().await;
    }
}
