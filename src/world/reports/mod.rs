//! The messages that servers and people send back, as bytes: reports on delivery, complaints, vacation answers, replies, wishes to get no more
//! mail; and mail that has nothing to do with any of it. What the same words give is the same bytes: no clock, no chance, and Message-IDs that are
//! derived.
//!
//! ```text
//! status     delivered, delayed or not at all (RFC 3464, RFC 6522), in the manner of three kinds of servers
//! complaint  somebody called a message spam (RFC 5965, or Microsoft's older form of it)
//! answer     a vacation answer (RFC 3834), a person's reply, an unsubscribe
//! others     mail of others: a campaign's, a friend's, a newsletter, a receipt
//! draft      a message in the making
//! ```

mod answer;
mod complaint;
mod draft;
mod others;
mod status;
#[cfg(test)]
mod tests;

use super::{Personality, header};
use crate::words::{Address, MessageId};

pub use answer::{REPLIES, UNSUBSCRIBES, VACATIONS, Wish, reply, unsubscribe, vacation};
pub use complaint::complaint;
pub use others::{Foreign, campaign, foreign};
pub use status::{Outcome, delivery_status};

/// The message that something is sent back about.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// Who wrote it: whoever it is comes back to.
    pub from: &'a Address,
    /// To whom.
    pub to: &'a Address,
    /// Its bytes as they were on their way (RFC 5322).
    pub message: &'a [u8],
}

/// Whose server speaks.
#[derive(Clone, Copy, Debug)]
pub struct Server<'a> {
    /// How it behaves.
    pub habits: Personality,
    /// A mailbox of its own: the sender's, or the recipient's.
    pub of: &'a Address,
}

/// From whom and to whom a message is, by its header; `None` where that does not name one each.
pub fn parties(message: &[u8]) -> Option<(Address, Address)> {
    let fields = &message[..header::len(message)];
    let of = |name| header::value(fields, name).and_then(|value| header::address(&value));
    of("From").zip(of("To"))
}

impl Server<'_> {
    /// Its name.
    fn host(self) -> String {
        match self.habits {
            Personality::Gmail => "gmail-like.test".to_owned(),
            Personality::Microsoft => "microsoft-like.test".to_owned(),
            Personality::Dovecot => format!("mail.{}", self.of.domain()),
        }
    }
}

impl About<'_> {
    fn header(&self) -> &[u8] {
        &self.message[..header::len(self.message)]
    }

    /// A field's value; empty where there is none.
    fn field(&self, name: &str) -> String {
        header::value(self.header(), name).unwrap_or_default()
    }

    /// Its Message-ID without brackets, as whoever answers it sees it; empty where there is none.
    fn id(&self) -> String {
        MessageId::parse(&self.field("Message-ID")).map_or_else(String::new, |id| id.as_str().to_owned())
    }

    /// Its subject as it stands there; encoded words stay so.
    fn subject(&self) -> String {
        self.field("Subject")
    }
}
