//! What the guard refuses, and how that is found again beneath a library's error.

use std::error::Error;
use std::io;

use crate::mail::Trouble;

/// Why the guard stopped reading. Once it trips, every later read of that connection fails with the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Trip {
    /// A line without an end.
    #[error("a line of more than {0} bytes")]
    LineTooLong(usize),
    /// A literal (RFC 9051 §4.3) larger than any message that preheat reads.
    #[error("a literal of {announced} bytes or more was announced, {limit} is the limit")]
    LiteralTooBig {
        /// Bytes that the server announced, as far as its digits were read.
        announced: u64,
        /// The limit.
        limit: u64,
    },
    /// One reply or response without an end.
    #[error("one response of more than {0} bytes")]
    ResponseTooBig(u64),
    /// An SMTP reply of more lines than any server has to say.
    #[error("a reply of more than {0} lines")]
    TooManyLines(usize),
    /// Parentheses nested so deep that a parser's stack would overflow.
    #[error("a response that nests deeper than {0}")]
    TooDeep(u32),
    /// More responses to one command than any folder explains.
    #[error("more than {0} responses to one command")]
    TooMany(u32),
    /// More bytes in response to one command than any folder explains.
    #[error("more than {0} bytes in response to one command")]
    TooMuch(u64),
    /// An SMTP reply that no command asked for: believing it would shift every later reply by one.
    #[error("a reply that nobody asked for")]
    Unasked,
    /// Not the protocol at all.
    #[error("{0}")]
    Malformed(&'static str),
}

impl Trip {
    /// As an error of the stream.
    pub(super) fn into_io(self) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, self)
    }

    /// Finds the trip beneath an error of a protocol library, however deep.
    pub fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut next = Some(error);
        while let Some(e) = next {
            let inner = e.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            let found = e.downcast_ref::<Self>().or_else(|| inner.and_then(|i| i.downcast_ref::<Self>()));
            if let Some(trip) = found {
                return Some(*trip);
            }
            // An io::Error answers `source` with its inner error's source, and so would skip the inner error itself.
            next = match inner {
                Some(i) => Some(i),
                None => e.source(),
            };
        }
        None
    }

    /// In the words of the ports.
    pub fn trouble(self) -> Trouble {
        match self {
            Self::Unasked | Self::Malformed(_) => Trouble::Protocol(self.to_string()),
            _ => Trouble::OverLimit(self.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("a library's error")]
    struct Library(#[source] Box<dyn Error + Send + Sync>);

    #[test]
    fn a_trip_is_found_beneath_any_wrapping() {
        let trip = Trip::TooDeep(16);
        assert_eq!(Trip::of(&trip), Some(trip));
        assert_eq!(Trip::of(&trip.into_io()), Some(trip));
        assert_eq!(Trip::of(&Library(Box::new(trip.into_io()))), Some(trip));
        assert_eq!(Trip::of(&Library(Box::new(io::Error::other(Library(Box::new(trip.into_io())))))), Some(trip));
        assert_eq!(Trip::of(&Library(Box::new(io::Error::other("something else")))), None);
    }
}
