//! AUTH (RFC 4954): PLAIN (RFC 4616), LOGIN, XOAUTH2, each with and without an initial response.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};

/// How a client signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// Name and password in one.
    Plain,
    /// Name, then password.
    Login,
    /// An access token.
    Xoauth2,
}

/// What is expected next of a client that is signing in.
#[derive(Clone, PartialEq, Eq)]
pub enum Exchange {
    /// The first response.
    First(Mechanism),
    /// LOGIN's password, for this name.
    Password(String),
    /// Anything: the token was refused, and the client says that it heard so.
    TokenRefused(String),
}

/// What comes of a response.
#[derive(Clone, PartialEq, Eq)]
pub enum Turn {
    /// A challenge, not yet in base64, and what is expected then.
    Challenge(String, Exchange),
    /// A name and a secret to be tried.
    Try {
        /// Who.
        user: String,
        /// The password or the token.
        secret: String,
        /// Whether it is a token: its refusal comes in two parts.
        token: bool,
    },
    /// It is over.
    Refused(String),
}

/// What a refused token is told first, before the code: as Gmail does.
pub const TOKEN_REFUSED: &str = r#"{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}"#;

impl Mechanism {
    /// AUTH with this mechanism; `initial` as it came, in base64, `=` for an empty one.
    pub fn begin(self, initial: Option<&str>) -> Turn {
        match initial {
            Some("=") => Exchange::First(self).take(b""),
            Some(initial) => Exchange::First(self).take(initial.as_bytes()),
            None => Turn::Challenge(if self == Self::Login { "Username:" } else { "" }.into(), Exchange::First(self)),
        }
    }
}

impl Exchange {
    /// Takes a response line.
    pub fn take(self, line: &[u8]) -> Turn {
        if let Self::TokenRefused(refusal) = self {
            return Turn::Refused(refusal);
        }
        if line == b"*" {
            return Turn::Refused("501 5.7.0 Authentication aborted".into());
        }
        let decoded = BASE64.decode(line.trim_ascii_end()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let Some(response) = decoded else { return Turn::Refused("501 5.5.2 Cannot decode the response".into()) };
        match self {
            Self::First(Mechanism::Plain) => plain(&response),
            Self::First(Mechanism::Login) => Turn::Challenge("Password:".into(), Self::Password(response)),
            Self::First(Mechanism::Xoauth2) => xoauth2(&response),
            Self::Password(user) => Turn::Try { user, secret: response, token: false },
            Self::TokenRefused(refusal) => Turn::Refused(refusal),
        }
    }
}

/// A challenge as it goes over the wire.
pub fn challenge(text: &str) -> String {
    format!("334 {}\r\n", BASE64.encode(text))
}

fn plain(response: &str) -> Turn {
    match response.split('\0').collect::<Vec<_>>().as_slice() {
        // To act for another user is nobody's right here.
        [act_as, user, secret] if act_as.is_empty() || act_as == user => {
            Turn::Try { user: (*user).into(), secret: (*secret).into(), token: false }
        }
        _ => Turn::Refused("501 5.5.2 A PLAIN response is NUL, name, NUL, password".into()),
    }
}

fn xoauth2(response: &str) -> Turn {
    let field = |name: &str| response.split('\x01').find_map(|f| f.strip_prefix(name)).unwrap_or_default();
    let token = field("auth=").split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer")).map_or("", |x| x.1);
    Turn::Try { user: field("user=").into(), secret: token.into(), token: true }
}

/// Whether a secret is the right one, in a time that does not tell how much of it is.
pub fn is_same_secret(known: &str, given: &str) -> bool {
    let (known, given) = (Sha256::digest(known.as_bytes()), Sha256::digest(given.as_bytes()));
    known.iter().zip(given.iter()).fold(0, |differences, (a, b)| differences | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(turn: Turn) -> Option<(String, String, bool)> {
        match turn {
            Turn::Try { user, secret, token } => Some((user, secret, token)),
            _ => None,
        }
    }

    #[test]
    fn names_and_secrets_are_read() {
        let is = |turn, user: &str, secret: &str, token| assert_eq!(tried(turn), Some((user.into(), secret.into(), token)));
        is(Mechanism::Plain.begin(Some(&BASE64.encode("\0anna\0s3cret"))), "anna", "s3cret", false);
        is(Mechanism::Plain.begin(Some(&BASE64.encode("anna\0anna\0s"))), "anna", "s", false);
        is(Mechanism::Xoauth2.begin(Some(&BASE64.encode("user=anna\x01auth=Bearer t0ken\x01\x01"))), "anna", "t0ken", true);
        let Turn::Challenge(asked, next) = Mechanism::Login.begin(None) else { panic!("no challenge") };
        assert_eq!((asked.as_str(), challenge(&asked).as_str()), ("Username:", "334 VXNlcm5hbWU6\r\n"));
        let Turn::Challenge(asked, next) = next.take(BASE64.encode("anna").as_bytes()) else { panic!("no challenge") };
        assert_eq!(challenge(&asked), "334 UGFzc3dvcmQ6\r\n");
        is(next.take(BASE64.encode("s").as_bytes()), "anna", "s", false);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        let acts_for_another = BASE64.encode("boss\0anna\0s");
        for response in ["*", "!!", "AGE", "", acts_for_another.as_str()] {
            assert!(matches!(Mechanism::Plain.begin(Some(response)), Turn::Refused(r) if r.starts_with("501 ")), "{response}");
        }
        assert!(matches!(Mechanism::Plain.begin(Some("=")), Turn::Refused(_)));
        assert_eq!(tried(Mechanism::Xoauth2.begin(Some(&BASE64.encode("nothing")))), Some((String::new(), String::new(), true)));
    }

    #[test]
    fn secrets_are_compared_whole() {
        assert!(is_same_secret("s3cret", "s3cret"));
        assert!(!is_same_secret("s3cret", "s3cre") && !is_same_secret("s3cret", "") && !is_same_secret("", "x"));
    }
}
