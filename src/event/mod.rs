//! The event stream: everything that happened, one event after the other, for the programs that send the real mail and for people.
//!
//! An [`Event`] is made from a row of the ledger whenever it is read; there is no second log that could disagree. Its [`EventId`] is made of when and what,
//! so that the same fact has the same id however often it is read. What each [`EventKind`] says is a table: the JSON, its schema
//! ([`schema`](schema::json_schema)), the page in the docs ([`reference`](reference::reference_markdown)) and the tests come from it.
//!
//! Pure, but for [`follow`](follow::follow), which waits on the clock.

mod filter;
pub mod follow;
mod happened;
mod id;
mod kind;
pub mod reference;
pub mod schema;
mod since;
#[cfg(test)]
mod tests;
mod words;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::words::Address;

pub use filter::{EventFilter, Kinds};
pub use happened::{Happened, LetterNews, Said, SignalNews, Step, VerdictNews, kind_of_signal};
pub use id::EventId;
pub use kind::{EventKind, Field, FieldKind};
pub use since::Since;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its identity, and its place in the stream.
    pub id: EventId,
    /// The mailbox that it is about, of a letter its sender; `None` where it is about a domain, the pool, or an outside address alone.
    pub mailbox: Option<Address>,
    /// What happened.
    pub happened: Happened,
}

/// A part of the stream, in its order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventPage {
    /// The events; may be empty although more follow.
    pub events: Vec<Event>,
    /// After which place the stream goes on; `None` at its end.
    pub next: Option<EventId>,
}

impl Event {
    /// Its type.
    pub fn kind(&self) -> EventKind {
        self.happened.kind()
    }
}

/// `id`, `at`, `type`, `mailbox`, then the fields of its type.
impl Serialize for Event {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("at", &happened::time(self.id.at()))?;
        map.serialize_entry("type", self.kind().as_str())?;
        map.serialize_entry("mailbox", &self.mailbox)?;
        for (name, value) in self.happened.fields() {
            map.serialize_entry(name, &value)?;
        }
        map.end()
    }
}
