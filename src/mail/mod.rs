//! How preheat reaches mail servers: the ports, and their adapters over real sockets.
//!
//! Three traits, used as `dyn`. [`Access`] signs a mailbox in and gives an [`Outbox`] (to send) or an [`Inbox`] (to look and act).
//! The adapters never touch SQL, and know nothing of letters beyond bytes, addresses and UIDs.

mod error;
pub mod gate;
#[cfg(test)]
mod hostile;
pub mod imap;
mod network;
mod port;
#[cfg(any(test, fuzzing))]
pub(crate) mod sample;
pub mod smtp;
mod spoken;
pub mod wire;

pub use error::{Downtime, MailError, Step, Trouble};
pub use network::NetworkAccess;
pub use port::{
    Access, Cursor, Deleted, Envelope, Flag, Folder, FolderName, Handover, Header, Idled, Inbox, Look, Moved, Offer, Outbox, Refusal,
    StoredFlags, Uid,
};
