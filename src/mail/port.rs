//! The ports: what the executor asks of a mail server.

use std::future::Future;
use std::pin::Pin;

use async_trait::async_trait;

use super::{MailError, Step};
use crate::config::Mailbox;
use crate::words::{Address, FolderRole, Moment, Reply};

/// Signs a mailbox in. How many do so at once, and whether a server is tried at all, is decided behind it.
#[async_trait]
pub trait Access: Send + Sync {
    /// A signed-in session for sending.
    async fn open_outbox(&self, mailbox: &Mailbox) -> Result<Box<dyn Outbox>, MailError>;
    /// A signed-in session for looking and acting.
    async fn open_inbox(&self, mailbox: &Mailbox) -> Result<Box<dyn Inbox>, MailError>;
}

/// Whom a letter is from and to, for MAIL and RCPT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// MAIL FROM: the sending mailbox, so that its domain is the one that SPF speaks of.
    pub from: Address,
    /// The one RCPT TO.
    pub to: Address,
    /// Bytes of the message, for SIZE (RFC 1870) where the server offers it.
    pub size: usize,
}

/// What a server said to a letter that was offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offer {
    /// It said 354: the bytes may come. Nothing has been taken over.
    Ready,
    /// It refused at MAIL, RCPT or DATA. Nothing has been taken over, and nothing will be.
    Refused(Refusal),
}

/// A refusal before the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Where in the dialogue.
    pub step: Step,
    /// The server's words.
    pub reply: Reply,
}

/// What became of a letter's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Handover {
    /// 2xx after the final dot: the server took responsibility.
    Accepted(Reply),
    /// 4xx or 5xx after the final dot: it did not.
    Refused(Reply),
    /// No final reply that can be believed. The letter may have been taken; it is looked for and never sent again.
    Uncertain(String),
}

/// A signed-in SMTP session.
#[async_trait]
pub trait Outbox: Send {
    /// MAIL, RCPT, DATA, up to the 354. A refusal leaves the session ready for the next letter (RSET is done inside), unless [`Outbox::is_open`] says otherwise.
    ///
    /// # Errors
    /// A broken connection, a time-out, or a reply that is no SMTP: nothing was taken over, and the session is of no more use.
    async fn offer(&mut self, envelope: &Envelope) -> Result<Offer, MailError>;
    /// Sends the bytes and the final dot after an [`Offer::Ready`], and waits for the word. Dot-stuffing is done inside; lines end in CRLF.
    async fn hand_over(&mut self, message: &[u8]) -> Handover;
    /// Whether another letter can be offered.
    fn is_open(&self) -> bool;
    /// Drops the connection where it stands, without the final dot.
    fn abandon(self: Box<Self>);
    /// QUIT, within a second or so.
    async fn sign_out(self: Box<Self>);
}

/// A message's number in its folder (RFC 9051 §2.3.1.1). Holds only together with UIDVALIDITY.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct Uid(pub u32);

/// A folder's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FolderName {
    /// As the server knows it: modified UTF-7 (RFC 3501 §5.1.3).
    pub wire: String,
    /// For people: decoded, without controls.
    pub shown: String,
}

/// A folder and what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Its name.
    pub name: FolderName,
    /// Its role; at most one folder has each role but `Other`.
    pub role: FolderRole,
    /// How its role was found, for people: `SPECIAL-USE \Junk`, `the provider's name`, `a known name (fr)`, `the config`.
    pub found_by: String,
}

/// How far a folder was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The folder's UIDVALIDITY when it was read.
    pub uid_validity: u32,
    /// The highest UID that was read; 0: none.
    pub uid: u32,
}

/// Headers of one message, fetched without marking it as read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its UID.
    pub uid: Uid,
    /// `\Seen` and the like, and keywords, as the server writes them.
    pub flags: Vec<String>,
    /// When the server received it (INTERNALDATE).
    pub received: Option<Moment>,
    /// Bytes of the whole message (RFC822.SIZE).
    pub size: u32,
    /// The raw header block (only the fields that preheat reads), bounded.
    pub raw: Vec<u8>,
    /// Gmail's category of the message, such as `promotions`, where the server tells.
    pub category: Option<String>,
}

/// What a look found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// The folder's UIDVALIDITY now.
    pub uid_validity: u32,
    /// Whether it differs from the cursor's, or UIDs went back below the cursor: then `new` holds the messages of the last days, not only new ones.
    pub renumbered: bool,
    /// The cursor after this look.
    pub cursor: Cursor,
    /// Messages above the cursor, by UID. At most 5,000; where there are more, `more` is set and another look goes on.
    pub new: Vec<Header>,
    /// Whether there is more to read at once.
    pub more: bool,
}

/// Flags of messages that are known already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFlags {
    /// The message.
    pub uid: Uid,
    /// Its flags now.
    pub flags: Vec<String>,
}

/// A flag that preheat sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flag {
    /// `\Seen`.
    Seen,
    /// `\Flagged`.
    Flagged,
    /// `\Answered`.
    Answered,
    /// Gmail's Important label; `$Important` (RFC 8457) where keywords are permitted; else left out.
    Important,
    /// `$NotJunk`, where keywords are permitted, and `$Junk` taken off.
    NotJunk,
}

/// What became of a move.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Messages that went, with their new UIDVALIDITY and UID where the server said (COPYUID).
    pub moved: Vec<(Uid, Option<(u32, Uid)>)>,
    /// Copied, but left marked `\Deleted` in the old folder: without UIDPLUS an EXPUNGE would have taken other people's messages too.
    pub left_marked: Vec<Uid>,
    /// Messages that were not there any more.
    pub gone: Vec<Uid>,
}

/// What became of a deletion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Messages that are gone for good.
    pub deleted: Vec<Uid>,
    /// Marked `\Deleted` and still there: without UIDPLUS an EXPUNGE would have taken other people's messages too.
    pub left_marked: Vec<Uid>,
    /// Messages that were not there any more.
    pub gone: Vec<Uid>,
}

/// Why an IDLE ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idled {
    /// The server spoke of new or changed messages.
    News,
    /// The caller's `stop` completed.
    Stopped,
    /// The server does not offer IDLE; nothing was waited for.
    Unsupported,
    /// So many mailboxes listen on this server that there is no room for more; nothing was waited for. The session is best closed until the next look.
    NoRoom,
}

/// A signed-in IMAP session.
///
/// # Errors
/// Every call gives a [`MailError`] on NO and BAD too: none is ever an empty result. [`MailError::is_connection_lost`] says whether the session is of no more use.
#[async_trait]
pub trait Inbox: Send {
    /// The folders with their roles. Where no folder has [`FolderRole::Spam`], the spam folder is *unknown*: the caller says so.
    async fn folders(&mut self) -> Result<Vec<Folder>, MailError>;
    /// What is new in a folder since a cursor: headers only. Without a cursor: the messages that came since `since`.
    async fn look(&mut self, folder: &FolderName, cursor: Option<Cursor>, since: Moment) -> Result<Look, MailError>;
    /// Flags of known messages; those that are gone are left out of the answer.
    async fn flags_of(&mut self, folder: &FolderName, uid_validity: u32, uids: &[Uid]) -> Result<Vec<StoredFlags>, MailError>;
    /// Opens a message: the whole of it, which sets `\Seen`. `None` where it is gone. At most 2 MB.
    async fn open(&mut self, folder: &FolderName, uid_validity: u32, uid: Uid) -> Result<Option<Vec<u8>>, MailError>;
    /// Reads a message without opening it (BODY.PEEK), at most `limit` bytes. `None` where it is gone.
    async fn peek(&mut self, folder: &FolderName, uid_validity: u32, uid: Uid, limit: u32) -> Result<Option<Vec<u8>>, MailError>;
    /// Moves messages of ours: MOVE; without it COPY, `\Deleted`, UID EXPUNGE; without UIDPLUS, EXPUNGE only where it would take exactly ours.
    async fn move_to(&mut self, from: &FolderName, uid_validity: u32, uids: &[Uid], to: &FolderName) -> Result<Moved, MailError>;
    /// Whether a move is one step: without MOVE it may break off with a message in both folders.
    fn moves_in_one_step(&self) -> bool {
        true
    }
    /// Deletes messages of ours: `\Deleted`, UID EXPUNGE; without UIDPLUS, EXPUNGE only where it would take exactly ours.
    async fn delete(&mut self, folder: &FolderName, uid_validity: u32, uids: &[Uid]) -> Result<Deleted, MailError>;
    /// The user's own folder of this name (as people see it, on one level); where there is none it is made, and subscribed to.
    async fn own_folder(&mut self, name: &str) -> Result<FolderName, MailError>;
    /// Sets flags on messages of ours, batched. Those that the server does not permit are left out and returned.
    async fn set_flags(&mut self, folder: &FolderName, uid_validity: u32, uids: &[Uid], flags: &[Flag]) -> Result<Vec<Flag>, MailError>;
    /// Waits in a folder until the server speaks or `stop` completes. Ends the IDLE cleanly either way; re-issues it every 5 minutes of real time.
    async fn idle(&mut self, folder: &FolderName, stop: Pin<&mut (dyn Future<Output = ()> + Send)>) -> Result<Idled, MailError>;
    /// LOGOUT, within a second or so.
    async fn sign_out(self: Box<Self>);
}
