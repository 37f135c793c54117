//! Address and domain: who a mailbox is.

use std::fmt;
use std::sync::Arc;

/// A mailbox's address, lower-cased, safe to put into SMTP commands, headers and file names.
///
/// Accepts the dot-atom form of RFC 5321 §4.1.2 in ASCII: no quoted local parts, no address literals, no controls.
/// At most 254 bytes, the local part at most 64 (RFC 5321 §4.5.3.1). Cloning is cheap.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(Arc<str>);

/// Why a text is not an [`Address`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    /// No `@`, or nothing on one side of it.
    #[error("an address needs a name, one @ and a domain")]
    Shape,
    /// A character that an address cannot hold here, CR and LF among them.
    #[error("the address holds a character that cannot stand there: {0:?}")]
    Character(char),
    /// Over 254 bytes, or a local part over 64.
    #[error("the address is longer than RFC 5321 allows")]
    TooLong,
    /// An empty label, a label that begins or ends with a hyphen, or no dot in the domain.
    #[error("the domain is not a host name with at least two labels")]
    Domain,
}

impl Address {
    /// Reads an address; upper case is folded to lower, nothing else is mended.
    ///
    /// # Errors
    /// [`BadAddress`] says which rule it broke.
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        let (local, domain) = text.rsplit_once('@').ok_or(BadAddress::Shape)?;
        if local.is_empty() || domain.is_empty() {
            return Err(BadAddress::Shape);
        }
        if text.len() > 254 || local.len() > 64 {
            return Err(BadAddress::TooLong);
        }
        if let Some(c) = local.chars().find(|c| !is_atext(*c)) {
            return Err(BadAddress::Character(c));
        }
        if local.as_bytes().split(|b| *b == b'.').any(<[u8]>::is_empty) {
            return Err(BadAddress::Character('.'));
        }
        check_domain(domain)?;
        Ok(Self(lower_case(text)))
    }

    /// The whole address, lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the `@`.
    pub fn local(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |x| x.0)
    }

    /// The domain: the unit of reputation.
    pub fn domain(&self) -> Domain {
        Domain(self.0.rsplit_once('@').map_or("", |x| x.1).into())
    }
}

/// The part after the `@`, lower case: a host name of at least two labels.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(Arc<str>);

impl Domain {
    /// Reads a host name (RFC 1123 §2.1 labels, ASCII; internationalised names in their `xn--` form).
    ///
    /// # Errors
    /// [`BadAddress::Domain`], [`BadAddress::Character`] or [`BadAddress::TooLong`].
    pub fn parse(text: &str) -> Result<Self, BadAddress> {
        check_domain(text)?;
        Ok(Self(lower_case(text)))
    }

    /// The domain's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A character of a dot-atom (RFC 5322 §3.2.3).
fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(
            c,
            '!' | '#' | '$' | '%' | '&' | '\'' | '*' | '+' | '-' | '/' | '=' | '?' | '^' | '_' | '`' | '{' | '|' | '}' | '~' | '.'
        )
}

fn check_domain(text: &str) -> Result<(), BadAddress> {
    if text.len() > 253 {
        return Err(BadAddress::TooLong);
    }
    if let Some(c) = text.chars().find(|c| !(c.is_ascii_alphanumeric() || *c == '-' || *c == '.')) {
        return Err(BadAddress::Character(c));
    }
    let mut labels = 0;
    for label in text.as_bytes().split(|b| *b == b'.') {
        if !(1..=63).contains(&label.len()) || label.starts_with(b"-") || label.ends_with(b"-") {
            return Err(BadAddress::Domain);
        }
        labels += 1;
    }
    if labels >= 2 { Ok(()) } else { Err(BadAddress::Domain) }
}

/// Addresses come from the ledger by the thousand, and are in lower case there.
fn lower_case(text: &str) -> Arc<str> {
    if text.bytes().any(|b| b.is_ascii_uppercase()) { text.to_ascii_lowercase().into() } else { text.into() }
}

macro_rules! text_like {
    ($t:ty) => {
        impl fmt::Display for $t {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
        impl fmt::Debug for $t {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }
        impl serde::Serialize for $t {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.0)
            }
        }
        impl AsRef<str> for $t {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}
text_like!(Address);
text_like!(Domain);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_is_folded_and_parts_are_found() {
        let a = Address::parse("Anna.Lee+x@New.Example").unwrap();
        assert_eq!((a.as_str(), a.local(), a.domain().as_str()), ("anna.lee+x@new.example", "anna.lee+x", "new.example"));
    }

    #[test]
    fn nothing_that_could_break_a_header_or_a_command_gets_in() {
        for bad in [
            "",
            "a",
            "@x.y",
            "a@",
            "a b@x.y",
            "a@x.y\r\nBcc: z@z.z",
            "a\r@x.y",
            "<a@x.y>",
            "a@x",
            "a@-x.y",
            "a@x..y",
            ".a@x.y",
            "a..b@x.y",
            "\"a\"@x.y",
            "ä@x.y",
            "a@[1.2.3.4]",
        ] {
            assert!(Address::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(Address::parse(&format!("{}@x.y", "a".repeat(65))), Err(BadAddress::TooLong));
    }
}
