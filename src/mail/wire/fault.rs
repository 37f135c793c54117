//! What went wrong on the wire, before it is known whose mailbox it is.

use std::error::Error;
use std::io;

use super::Trip;
use crate::mail::{MailError, Step, Trouble};
use crate::words::Address;

/// A step and what went wrong in it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{step}: {trouble}")]
pub struct Fault {
    /// The step.
    pub step: Step,
    /// What went wrong.
    pub trouble: Trouble,
}

impl Fault {
    /// A fault at `step`.
    pub fn new(step: Step, trouble: Trouble) -> Self {
        Self { step, trouble }
    }

    /// A stream's error at `step`.
    pub fn io(step: Step, error: &io::Error) -> Self {
        Self::new(step, stream_trouble(error))
    }

    /// As an error of `mailbox`.
    pub fn of(self, mailbox: &Address) -> MailError {
        MailError::new(mailbox, self.step, self.trouble)
    }
}

/// What an error of a stream, or of a library above it, means: the guard's trip, or a connection that is gone. Raw server text that a
/// library put into its error is not repeated.
pub fn stream_trouble(error: &(dyn Error + 'static)) -> Trouble {
    if let Some(trip) = Trip::of(error) {
        return trip.trouble();
    }
    let mut next = Some(error);
    while let Some(e) = next {
        if let Some(io) = e.downcast_ref::<io::Error>() {
            return match io.kind() {
                io::ErrorKind::UnexpectedEof => Trouble::Closed("the connection ended".to_owned()),
                io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => Trouble::Closed("the connection was reset".to_owned()),
                io::ErrorKind::BrokenPipe => Trouble::Closed("the connection is gone".to_owned()),
                kind => Trouble::Closed(kind.to_string()),
            };
        }
        next = e.source();
    }
    Trouble::Closed("the connection ended".to_owned())
}
