//! Sessions that hold a place at their server.

use std::future::Future;
use std::pin::Pin;

use async_trait::async_trait;

use super::places::{Place, Places, while_quick};
use crate::mail::{
    Cursor, Deleted, Envelope, Flag, Folder, FolderName, Handover, Idled, Inbox, Look, MailError, Moved, Offer, Outbox, StoredFlags, Uid,
};
use crate::words::Moment;

/// An [`Outbox`] that has a place at its server from the offer of a letter to the word on it, unless that takes long.
pub struct GatedOutbox {
    outbox: Box<dyn Outbox>,
    outgoing: Places,
    place: Option<Place>,
}

impl GatedOutbox {
    /// `outgoing`: the server's places.
    pub fn new(outbox: Box<dyn Outbox>, outgoing: Places) -> Self {
        Self { outbox, outgoing, place: None }
    }
}

#[async_trait]
impl Outbox for GatedOutbox {
    async fn offer(&mut self, envelope: &Envelope) -> Result<Offer, MailError> {
        let place = self.outgoing.one().await;
        let (place, offer) = while_quick(place, self.outbox.offer(envelope)).await;
        self.place = place.flatten().filter(|_| offer == Ok(Offer::Ready));
        offer
    }

    async fn hand_over(&mut self, message: &[u8]) -> Handover {
        while_quick(self.place.take(), self.outbox.hand_over(message)).await.1
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

/// An [`Inbox`] that listens only where there is a place for it. Once it has one it keeps it: those who look every few minutes are always the same.
pub struct GatedInbox {
    inbox: Box<dyn Inbox>,
    listening: Places,
    place: Option<Place>,
}

impl GatedInbox {
    /// `listening`: the server's places.
    pub fn new(inbox: Box<dyn Inbox>, listening: Places) -> Self {
        Self { inbox, listening, place: None }
    }
}

#[async_trait]
impl Inbox for GatedInbox {
    async fn folders(&mut self) -> Result<Vec<Folder>, MailError> {
        self.inbox.folders().await
    }

    async fn look(&mut self, folder: &FolderName, cursor: Option<Cursor>, since: Moment) -> Result<Look, MailError> {
        self.inbox.look(folder, cursor, since).await
    }

    async fn flags_of(&mut self, folder: &FolderName, uid_validity: u32, uids: &[Uid]) -> Result<Vec<StoredFlags>, MailError> {
        self.inbox.flags_of(folder, uid_validity, uids).await
    }

    async fn open(&mut self, folder: &FolderName, uid_validity: u32, uid: Uid) -> Result<Option<Vec<u8>>, MailError> {
        self.inbox.open(folder, uid_validity, uid).await
    }

    async fn peek(&mut self, folder: &FolderName, uid_validity: u32, uid: Uid, limit: u32) -> Result<Option<Vec<u8>>, MailError> {
        self.inbox.peek(folder, uid_validity, uid, limit).await
    }

    async fn move_to(&mut self, from: &FolderName, uid_validity: u32, uids: &[Uid], to: &FolderName) -> Result<Moved, MailError> {
        self.inbox.move_to(from, uid_validity, uids, to).await
    }

    fn moves_in_one_step(&self) -> bool {
        self.inbox.moves_in_one_step()
    }

    async fn delete(&mut self, folder: &FolderName, uid_validity: u32, uids: &[Uid]) -> Result<Deleted, MailError> {
        self.inbox.delete(folder, uid_validity, uids).await
    }

    async fn own_folder(&mut self, name: &str) -> Result<FolderName, MailError> {
        self.inbox.own_folder(name).await
    }

    async fn set_flags(&mut self, folder: &FolderName, uid_validity: u32, uids: &[Uid], flags: &[Flag]) -> Result<Vec<Flag>, MailError> {
        self.inbox.set_flags(folder, uid_validity, uids, flags).await
    }

    async fn idle(&mut self, folder: &FolderName, stop: Pin<&mut (dyn Future<Output = ()> + Send)>) -> Result<Idled, MailError> {
        if self.place.is_none() {
            self.place = self.listening.one_at_once();
        }
        if self.place.is_none() {
            return Ok(Idled::NoRoom);
        }
        self.inbox.idle(folder, stop).await
    }

    async fn sign_out(self: Box<Self>) {
        self.inbox.sign_out().await;
    }
}
