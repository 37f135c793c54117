//! Letter id and message id.

use std::fmt;

use sha2::{Digest, Sha256};

use super::{Address, LocalDate};

/// A letter's identity: 24 lower-case hex digits, derived from what the letter is, never counted up.
///
/// A start is (sender, local date, n); an answer comes from its parent. The same plan gives the same ids on any machine.
/// Ids begin with the date (two bytes, days since 1970) and the sender (three bytes of a digest), answers with those of the start of their thread: letters
/// that are read and written together lie together in the ledger, and a year of them makes no day slower. It travels in the `X-Preheat` header, which is how a letter is known again: servers may rewrite the Message-ID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LetterId([u8; 12]);

/// A text that is not 24 lower-case hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a letter id is 24 lower-case hex digits")]
pub struct BadLetterId;

impl LetterId {
    /// The id of the `n`th start that `sender` writes on `date`.
    pub fn of_start(sender: &Address, date: LocalDate, n: u32) -> Self {
        StartIds::new(sender, date).nth(n)
    }

    /// What the ids of a sender's starts of a date begin with, as text, and those of all that answer them. Few other senders share it.
    pub fn beginning(sender: &Address, date: LocalDate) -> String {
        let mut id = [0; 12];
        id[..5].copy_from_slice(&place(sender, date));
        let mut hex = Self(id).to_string();
        hex.truncate(10);
        hex
    }

    /// The id of the one answer to `parent`.
    pub fn of_answer(parent: Self) -> Self {
        let mut hash = Sha256::new();
        add(&mut hash, b"answer");
        add(&mut hash, &parent.hex());
        Self::within(parent.0[..5].try_into().unwrap_or_default(), hash)
    }

    /// The date that it begins with, that of the start of its thread: days since 1970, 65,535 at most.
    pub fn day(self) -> i64 {
        i64::from(u16::from_be_bytes([self.0[0], self.0[1]]))
    }

    fn within(place: [u8; 5], hash: Sha256) -> Self {
        let mut id = [0; 12];
        id[..5].copy_from_slice(&place);
        id[5..].copy_from_slice(&hash.finalize()[..7]);
        Self(id)
    }

    /// As text: 24 bytes of ASCII.
    pub(crate) fn hex(self) -> [u8; 24] {
        // By hand: ids are written for every question to the ledger, and for every draw.
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut hex = [0; 24];
        for (i, byte) in self.0.iter().enumerate() {
            hex[2 * i] = DIGITS[usize::from(byte >> 4)];
            hex[2 * i + 1] = DIGITS[usize::from(byte & 15)];
        }
        hex
    }

    /// Reads the 24 hex digits back.
    ///
    /// # Errors
    /// [`BadLetterId`] on any other text.
    pub fn parse(text: &str) -> Result<Self, BadLetterId> {
        let digits: &[u8; 24] = text.as_bytes().try_into().map_err(|_| BadLetterId)?;
        let value = |digit: u8| match digit {
            b'0'..=b'9' => Ok(digit - b'0'),
            b'a'..=b'f' => Ok(digit - b'a' + 10),
            _ => Err(BadLetterId),
        };
        let mut id = [0; 12];
        for (i, byte) in id.iter_mut().enumerate() {
            *byte = value(digits[2 * i])? << 4 | value(digits[2 * i + 1])?;
        }
        Ok(Self(id))
    }
}

/// The ids of the starts that one sender writes on one date: what they have in common is worked out once.
#[derive(Clone)]
pub struct StartIds {
    place: [u8; 5],
    hash: Sha256,
}

impl StartIds {
    /// Those of `sender` on `date`.
    pub fn new(sender: &Address, date: LocalDate) -> Self {
        let mut hash = Sha256::new();
        add(&mut hash, b"start");
        add(&mut hash, sender.as_str().as_bytes());
        add(&mut hash, date.to_string().as_bytes());
        Self { place: place(sender, date), hash }
    }

    /// The id of the `n`th.
    pub fn nth(&self, n: u32) -> LetterId {
        let mut hash = self.hash.clone();
        add(&mut hash, n.to_string().as_bytes());
        LetterId::within(self.place, hash)
    }
}

/// Where the letters of a sender and a date lie among all.
fn place(sender: &Address, date: LocalDate) -> [u8; 5] {
    let day = date.days_since(LocalDate::EPOCH).clamp(0, i64::from(u16::MAX)) as u16;
    let mut place = [0; 5];
    place[..2].copy_from_slice(&day.to_be_bytes());
    let mut hash = Sha256::new();
    add(&mut hash, b"sender");
    add(&mut hash, sender.as_str().as_bytes());
    place[2..].copy_from_slice(&hash.finalize()[..3]);
    place
}

/// Adds a part to what is hashed; its length says where it ends.
fn add(hash: &mut Sha256, part: &[u8]) {
    hash.update((part.len() as u64).to_le_bytes());
    hash.update(part);
}

impl fmt::Display for LetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.hex()).map_err(|_| fmt::Error)?)
    }
}
impl fmt::Debug for LetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl serde::Serialize for LetterId {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// A Message-ID, held without its angle brackets and without space around it, once and everywhere.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId(String);

impl MessageId {
    /// Takes one id with or without brackets; `None` where nothing printable is left, or it is over 990 bytes.
    pub fn parse(text: &str) -> Option<Self> {
        let t = text.trim();
        let t = t.strip_prefix('<').unwrap_or(t);
        let t = t.strip_suffix('>').unwrap_or(t).trim();
        (!t.is_empty() && t.len() <= 990 && t.chars().all(|c| !c.is_control() && c != '<' && c != '>' && c != ' '))
            .then(|| Self(t.to_owned()))
    }

    /// Every id of a `References` or `In-Reply-To` value, in order.
    pub fn parse_list(text: &str) -> Vec<Self> {
        text.split(['<', '>', ' ', '\t', '\r', '\n', ',']).filter(|t| t.contains('@')).filter_map(Self::parse).collect()
    }

    /// The letter that it names if it is of our making: ours begin with the letter's id.
    pub fn letter(&self) -> Option<LetterId> {
        LetterId::parse(self.0.get(..24)?).ok()
    }

    /// Without brackets.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// With brackets, as it stands in a header.
    pub fn bracketed(&self) -> String {
        format!("<{}>", self.0)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.0)
    }
}
impl serde::Serialize for MessageId {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_derived_and_read_back() {
        let (a, d) = (Address::parse("a@x.test").unwrap(), LocalDate::ymd(2026, 12, 1).unwrap());
        let id = LetterId::of_start(&a, d, 3);
        assert_eq!(id, LetterId::of_start(&a, d, 3));
        assert_ne!(id, LetterId::of_start(&a, d, 4));
        assert_ne!(id, LetterId::of_answer(id));
        assert_eq!(LetterId::parse(&id.to_string()), Ok(id));
        let later = LetterId::of_start(&a, LocalDate::ymd(2026, 12, 2).unwrap(), 1);
        assert!(LetterId::of_answer(id) < later && id < later, "by date");
        assert_eq!((LetterId::of_answer(id).day(), later.day()), (d.days_since(LocalDate::EPOCH), id.day() + 1));
        let beginning = LetterId::beginning(&a, d);
        assert!([id, LetterId::of_answer(id)].iter().all(|id| id.to_string().starts_with(&beginning)), "an answer lies beside its thread");
        assert!(LetterId::parse("ABCDEF0123456789abcdef01").is_err());
        assert!(LetterId::parse("é0123456789abcdef012345").is_err());
    }

    #[test]
    fn message_ids_match_with_and_without_brackets() {
        assert_eq!(MessageId::parse(" <a@b> "), MessageId::parse("a@b"));
        assert_eq!(MessageId::parse("<>"), None);
        assert_eq!(MessageId::parse("a@b\r\nX: y"), None);
        assert_eq!(MessageId::parse_list("<a@b>\r\n <c@d>,<e@f>").len(), 3);
    }
}
