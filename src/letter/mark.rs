//! The `X-Preheat` header: how a letter of ours is known again, and how nobody else can make one.

use std::fmt;

use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretSlice};
use sha2::Sha256;

use crate::words::{Address, LetterId};

/// One key: its id (1 to 16 letters or digits) and 32 secret bytes.
#[derive(Clone)]
pub struct Key {
    id: String,
    bytes: SecretSlice<u8>,
}

/// The pool's keys: the first signs, all verify (so that a key can be rotated).
#[derive(Clone, Default)]
pub struct Keyring(Vec<Key>);

/// A verified header value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The letter that it names.
    pub letter: LetterId,
}

/// Why a header value is not a mark of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadMark {
    /// Not `key.letter.hmac`.
    #[error("not of the form key.letter.hmac")]
    Shape,
    /// A key that is not ours (any more).
    #[error("signed with a key that is not in the key file")]
    UnknownKey,
    /// The HMAC is wrong: forged, or the letter is between other addresses than it was signed for.
    #[error("the signature does not hold")]
    Signature,
    /// The key file is not of its form.
    #[error("a key file has lines of `key-id 64-hex-digits`")]
    KeyFile,
}

impl Key {
    /// From its id and bytes.
    ///
    /// # Errors
    /// [`BadMark::KeyFile`] where the id is not 1 to 16 ASCII letters or digits, or there are not 32 bytes.
    pub fn new(id: &str, bytes: Vec<u8>) -> Result<Self, BadMark> {
        let id_holds = (1..=16).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric());
        (id_holds && bytes.len() == 32).then(|| Self { id: id.to_owned(), bytes: bytes.into() }).ok_or(BadMark::KeyFile)
    }

    fn mac(&self, letter: LetterId, from: &Address, to: &Address) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.bytes.expose_secret()).ok()?;
        for part in [self.id.as_str(), &letter.to_string(), from.as_str(), to.as_str()] {
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part.as_bytes());
        }
        Some(mac)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, secret)", self.id)
    }
}
impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({} keys)", self.0.len())
    }
}

impl Keyring {
    /// Reads a key file: one `key-id 64-hex-digits` a line, newest first; blank lines and lines that begin with # are passed over.
    ///
    /// # Errors
    /// [`BadMark::KeyFile`] on any other line, or where there is no key.
    pub fn parse(text: &str) -> Result<Self, BadMark> {
        let mut keys = Vec::new();
        for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
            let (id, hex) = line.split_once(' ').ok_or(BadMark::KeyFile)?;
            keys.push(Key::new(id, from_hex(hex.trim()).ok_or(BadMark::KeyFile)?)?);
        }
        if keys.is_empty() { Err(BadMark::KeyFile) } else { Ok(Self(keys)) }
    }

    /// A keyring of one key.
    pub fn of(key: Key) -> Self {
        Self(vec![key])
    }

    /// The header's value for a letter from one pool address to another; `None` for an empty keyring.
    pub fn sign(&self, letter: LetterId, from: &Address, to: &Address) -> Option<String> {
        let key = self.0.first()?;
        let mac = key.mac(letter, from, to)?.finalize().into_bytes();
        Some(format!("{}.{letter}.{}", key.id, to_hex(&mac)))
    }

    /// Checks a header's value against the addresses that the message claims.
    ///
    /// # Errors
    /// [`BadMark`] says why it is not to be acted on.
    pub fn verify(&self, value: &str, from: &Address, to: &Address) -> Result<Mark, BadMark> {
        // Servers may fold a long header: white space inside the value means nothing.
        let value: String = value.chars().filter(|c| !c.is_whitespace()).take(200).collect();
        let mut parts = value.split('.');
        let (Some(key), Some(letter), Some(hex), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(BadMark::Shape);
        };
        let letter = LetterId::parse(letter).map_err(|_| BadMark::Shape)?;
        let given = from_hex(hex).ok_or(BadMark::Shape)?;
        let key = self.0.iter().find(|k| k.id == key).ok_or(BadMark::UnknownKey)?;
        // `verify_slice` compares in constant time.
        key.mac(letter, from, to).ok_or(BadMark::Signature)?.verify_slice(&given).map_err(|_| BadMark::Signature)?;
        Ok(Mark { letter })
    }
}

/// Lower-case hex.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    text.as_bytes().chunks_exact(2).map(|pair| Some(digit(&pair[0])? << 4 | digit(&pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::LocalDate;

    fn ring(id: &str, byte: u8) -> Keyring {
        Keyring::of(Key::new(id, vec![byte; 32]).unwrap())
    }

    #[test]
    fn a_mark_holds_for_its_letter_and_its_addresses_only() {
        let (a, b, c) = (Address::parse("a@x.test").unwrap(), Address::parse("b@y.test").unwrap(), Address::parse("c@z.test").unwrap());
        let id = LetterId::of_start(&a, LocalDate::ymd(2026, 12, 1).unwrap(), 1);
        let keys = ring("k1", 7);
        let value = keys.sign(id, &a, &b).unwrap();
        assert_eq!(keys.verify(&value, &a, &b).unwrap().letter, id);
        assert_eq!(keys.verify(&format!(" {}\r\n {}", &value[..40], &value[40..]), &a, &b).unwrap().letter, id);
        assert_eq!(keys.verify(&value, &a, &c), Err(BadMark::Signature));
        assert_eq!(keys.verify(&value, &b, &a), Err(BadMark::Signature));
        assert_eq!(ring("k2", 7).verify(&value, &a, &b), Err(BadMark::UnknownKey));
        assert_eq!(ring("k1", 8).verify(&value, &a, &b), Err(BadMark::Signature));
        let other = LetterId::of_answer(id).to_string();
        assert_eq!(keys.verify(&value.replace(&id.to_string(), &other), &a, &b), Err(BadMark::Signature));
        for bad in ["", "k1", "k1.x.y", "k1.é.zz", &format!("{value}.more"), &value[..value.len() - 2]] {
            assert!(keys.verify(bad, &a, &b).is_err(), "{bad}");
        }
    }

    #[test]
    fn old_keys_still_verify_and_debug_shows_no_secret() {
        let keys = Keyring::parse(&format!("# rotated\nnew {}\nold {}\n", "01".repeat(32), "07".repeat(32))).unwrap();
        let (a, b) = (Address::parse("a@x.test").unwrap(), Address::parse("b@y.test").unwrap());
        let id = LetterId::of_answer(LetterId::of_start(&a, LocalDate::ymd(2026, 12, 1).unwrap(), 1));
        assert!(keys.verify(&ring("old", 7).sign(id, &a, &b).unwrap(), &a, &b).is_ok());
        assert!(keys.sign(id, &a, &b).unwrap().starts_with("new."));
        assert!(!format!("{keys:?} {:?}", keys.0[0]).contains("0101"));
        assert!(Keyring::parse("k1 12").is_err() && Keyring::parse("").is_err());
    }
}
