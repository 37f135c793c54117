//! An event's identity, which is also its place in the stream.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::words::Moment;

/// Digits of the time in an id: milliseconds until the year 10889.
const TIME: usize = 12;
/// Digits of what happened: its turn, and a digest.
const WHAT: usize = 16;
const MOST: i64 = (1 << (4 * TIME)) - 1;

/// Which event it is: when, and a digest of what. Opaque for whoever reads the stream: 28 hex digits with a hyphen. The stream is in the order of its ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventId {
    at: Moment,
    what: u64,
}

impl EventId {
    /// The id of what happened at `at` and is told from everything else by `key`: the table of the fact, its key there, and what of it is told. `turn`
    /// puts causes before effects within one millisecond.
    pub fn new(at: Moment, turn: u8, key: &[&str]) -> Self {
        let mut hash = Sha256::new();
        for part in key {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part.as_bytes());
        }
        let digest: [u8; 32] = hash.finalize().into();
        let what = digest.iter().take(7).fold(u64::from(turn), |what, byte| what << 8 | u64::from(*byte));
        Self { at: bounded(at), what }
    }

    /// The place before everything that happens at `at`.
    pub fn before(at: Moment) -> Self {
        Self { at: Moment(bounded(at).0.saturating_sub(1)), what: u64::MAX }
    }

    /// When.
    pub fn at(self) -> Moment {
        self.at
    }

    /// What comes after this place happened at this moment or later.
    pub fn goes_on_at(self) -> Moment {
        if self.what == u64::MAX { Moment(self.at.0 + 1) } else { self.at }
    }

    /// Reads what [`fmt::Display`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let (time, what) = text.split_once('-')?;
        let is_hex = |t: &str, digits| t.len() == digits && t.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if !is_hex(time, TIME) || !is_hex(what, WHAT) {
            return None;
        }
        Some(Self { at: Moment(i64::from_str_radix(time, 16).ok()?), what: u64::from_str_radix(what, 16).ok()? })
    }
}

/// What an id can hold: nothing happened before 1970.
fn bounded(at: Moment) -> Moment {
    Moment(at.0.clamp(0, MOST))
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0TIME$x}-{:0WHAT$x}", self.at.0.max(0), self.what)
    }
}
impl serde::Serialize for EventId {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_when_and_what_and_is_read_back() {
        let id = EventId::new(Moment(1_796_112_000_123), 0, &["step", "a", "1"]);
        assert_eq!(id, EventId::new(Moment(1_796_112_000_123), 0, &["step", "a", "1"]));
        assert_ne!(id, EventId::new(Moment(1_796_112_000_123), 0, &["step", "a1", ""]));
        assert_eq!(id.to_string(), "01a2309e247b-00cf7567f387e9eb");
        assert_eq!(EventId::parse(&id.to_string()), Some(id));
        for bad in ["", "-", "01a23092b47b", "01a23092b47b-3dc5", "01A23092B47B-3dc55d1e31a6b4e1", "+1a23092b47b-3dc55d1e31a6b4e1", "é"] {
            assert_eq!(EventId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn ids_sort_as_texts_and_as_places() {
        let early = EventId::new(Moment(9), 0, &["b"]);
        let late = EventId::new(Moment(10), 0, &["a"]);
        assert!((0..20).all(|n| EventId::new(Moment(9), 1, &[&n.to_string()]) > early), "the turn goes before the digest");
        assert!(early < late && early.to_string() < late.to_string());
        assert!(EventId::before(Moment(10)) < late && EventId::before(Moment(10)) > early);
        assert_eq!((EventId::before(Moment(10)).goes_on_at(), late.goes_on_at()), (Moment(10), Moment(10)));
        for odd in [i64::MIN, -1, i64::MAX] {
            let id = EventId::new(Moment(odd), 0, &["x"]);
            assert_eq!(EventId::parse(&id.to_string()), Some(id));
            assert!(EventId::before(Moment(odd)) < id, "{odd}");
        }
    }
}
