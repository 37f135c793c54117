//! Access for sending alone: the real outbox over real sockets, and an inbox in which nothing ever comes.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use preheat::config::Mailbox;
use preheat::mail::{
    Access, Cursor, Deleted, Envelope, Flag, Folder, FolderName, Handover, Idled, Inbox, Look, MailError, Moved, NetworkAccess, Offer,
    Outbox, StoredFlags, Uid,
};
use preheat::words::{FolderRole, Moment};

/// Counts what is accepted.
#[derive(Default)]
pub struct Count {
    pub letters: AtomicUsize,
    pub bytes: AtomicUsize,
    /// Where each letter is kept, if anywhere.
    pub keep: Option<PathBuf>,
}

pub struct QuietAccess {
    pub network: NetworkAccess,
    pub count: Arc<Count>,
}

#[async_trait]
impl Access for QuietAccess {
    async fn open_outbox(&self, mailbox: &Mailbox) -> Result<Box<dyn Outbox>, MailError> {
        Ok(Box::new(Counted { outbox: self.network.open_outbox(mailbox).await?, count: self.count.clone() }))
    }

    async fn open_inbox(&self, _: &Mailbox) -> Result<Box<dyn Inbox>, MailError> {
        Ok(Box::new(QuietInbox))
    }
}

/// The real outbox, and what it handed over.
struct Counted {
    outbox: Box<dyn Outbox>,
    count: Arc<Count>,
}

#[async_trait]
impl Outbox for Counted {
    async fn offer(&mut self, envelope: &Envelope) -> Result<Offer, MailError> {
        self.outbox.offer(envelope).await
    }

    async fn hand_over(&mut self, message: &[u8]) -> Handover {
        let handover = self.outbox.hand_over(message).await;
        if matches!(handover, Handover::Accepted(_)) {
            let n = self.count.letters.fetch_add(1, Ordering::Relaxed);
            self.count.bytes.fetch_add(message.len(), Ordering::Relaxed);
            if let Some(folder) = &self.count.keep {
                std::fs::write(folder.join(format!("{n:05}")), message).ok();
            }
        }
        handover
    }

    fn is_open(&self) -> bool {
        self.outbox.is_open()
    }

    fn abandon(self: Box<Self>) {
        self.outbox.abandon();
    }

    async fn sign_out(self: Box<Self>) {
        self.outbox.sign_out().await;
    }
}

struct QuietInbox;

fn folder(name: &str, role: FolderRole) -> Folder {
    Folder { name: FolderName { wire: name.into(), shown: name.into() }, role, found_by: "the bench".into() }
}

#[async_trait]
impl Inbox for QuietInbox {
    async fn folders(&mut self) -> Result<Vec<Folder>, MailError> {
        Ok(vec![folder("INBOX", FolderRole::Inbox), folder("Junk", FolderRole::Spam)])
    }

    async fn look(&mut self, _: &FolderName, _: Option<Cursor>, _: Moment) -> Result<Look, MailError> {
        Ok(Look { uid_validity: 1, renumbered: false, cursor: Cursor { uid_validity: 1, uid: 0 }, new: Vec::new(), more: false })
    }

    async fn flags_of(&mut self, _: &FolderName, _: u32, _: &[Uid]) -> Result<Vec<StoredFlags>, MailError> {
        Ok(Vec::new())
    }

    async fn open(&mut self, _: &FolderName, _: u32, _: Uid) -> Result<Option<Vec<u8>>, MailError> {
        Ok(None)
    }

    async fn peek(&mut self, _: &FolderName, _: u32, _: Uid, _: u32) -> Result<Option<Vec<u8>>, MailError> {
        Ok(None)
    }

    async fn move_to(&mut self, _: &FolderName, _: u32, _: &[Uid], _: &FolderName) -> Result<Moved, MailError> {
        Ok(Moved::default())
    }

    async fn delete(&mut self, _: &FolderName, _: u32, _: &[Uid]) -> Result<Deleted, MailError> {
        Ok(Deleted::default())
    }

    async fn own_folder(&mut self, name: &str) -> Result<FolderName, MailError> {
        Ok(FolderName { wire: name.into(), shown: name.into() })
    }

    async fn set_flags(&mut self, _: &FolderName, _: u32, _: &[Uid], _: &[Flag]) -> Result<Vec<Flag>, MailError> {
        Ok(Vec::new())
    }

    async fn idle(&mut self, _: &FolderName, _: Pin<&mut (dyn Future<Output = ()> + Send)>) -> Result<Idled, MailError> {
        Ok(Idled::Unsupported)
    }

    async fn sign_out(self: Box<Self>) {}
}
