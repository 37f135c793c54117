//! Signing in: PLAIN (RFC 4616), LOGIN, XOAUTH2, in AUTH (RFC 4954).
//!
//! lettre's own `auth` is not used: it loses what a server says when it refuses a token, and compares keywords by case.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use super::offers::Offers;
use super::session::{Session, unexpected};
use crate::config::AuthKind;
use crate::mail::spoken::Spoken;
use crate::mail::wire::{Deadlines, Fault, WireReply};
use crate::mail::{Step, Trouble};
use crate::words::Reply;

/// Bytes of a command line without CRLF; a first response that does not fit waits for the server's 334 (RFC 4954 §4).
const COMMAND_LINE: usize = 510;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mechanism {
    Plain,
    Login,
    Xoauth2,
}

impl Mechanism {
    /// The best one on offer for this kind of secret.
    fn choose(kind: AuthKind, offers: &Offers) -> Option<Self> {
        let wanted: &[Self] = match kind {
            AuthKind::Password => &[Self::Plain, Self::Login],
            AuthKind::Xoauth2 => &[Self::Xoauth2],
        };
        wanted.iter().copied().find(|m| offers.has(m.name()))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::Xoauth2 => "XOAUTH2",
        }
    }

    /// What the client says, in order, each to be sent in base64.
    fn responses(self, user: &str, secret: &str) -> Vec<Zeroizing<String>> {
        match self {
            Self::Plain => vec![Zeroizing::new(format!("\0{user}\0{secret}"))],
            Self::Login => vec![Zeroizing::new(user.to_owned()), Zeroizing::new(secret.to_owned())],
            Self::Xoauth2 => vec![Zeroizing::new(format!("user={user}\x01auth=Bearer {secret}\x01\x01"))],
        }
    }
}

/// Signs in with the best mechanism that is offered.
///
/// # Errors
/// At [`Step::SignIn`]: [`Trouble::NoMechanism`], [`Trouble::SignInRefused`], or a broken dialogue. No error holds the secret.
pub(super) async fn sign_in(
    session: &mut Session,
    offers: &Offers,
    kind: AuthKind,
    user: &str,
    secret: &SecretString,
    deadlines: &Deadlines,
) -> Result<(), Fault> {
    let mechanism = Mechanism::choose(kind, offers).ok_or_else(|| Fault::new(Step::SignIn, Trouble::NoMechanism(offers.listed())))?;
    let said = mechanism.responses(user, secret.expose_secret());
    let lines: Vec<_> = said.iter().map(|r| Zeroizing::new(format!("{}\r\n", BASE64.encode(r.as_bytes())))).collect();

    let mut rest = lines.iter();
    let mut command = Zeroizing::new(format!("AUTH {}\r\n", mechanism.name()));
    // LOGIN has no first response by its draft; the others save a round trip.
    if mechanism != Mechanism::Login
        && let Some(first) = lines.first().filter(|l| command.len() + l.len() <= COMMAND_LINE)
    {
        command = Zeroizing::new(format!("AUTH {} {}", mechanism.name(), first.as_str()));
        rest.next();
    }
    session.spoken = Spoken::of(user, secret);
    let mut reply = session.exchange(Step::SignIn, deadlines.sign_in, command.as_str()).await?;
    for line in rest {
        if reply.code != 334 {
            break;
        }
        reply = session.exchange(Step::SignIn, deadlines.sign_in, line.as_str()).await?;
    }
    let mut reason = None;
    if reply.code == 334 && mechanism == Mechanism::Xoauth2 {
        // The refusal comes in two parts: JSON first, and the code after an empty answer.
        reason = token_trouble(&reply).map(|told| session.spoken.without(told));
        reply = session.exchange(Step::SignIn, deadlines.sign_in, "\r\n").await?;
    }
    match &reply {
        r if r.is_done() => Ok(()),
        r if r.is_refusal() => Err(Fault::new(Step::SignIn, Trouble::SignInRefused(with_reason(r.reply(), reason)))),
        r => Err(unexpected(r, Step::SignIn)),
    }
}

/// The status and scope of a server's JSON about a token, such as `{"status":"400","schemes":"Bearer","scope":"https://mail.google.com/"}`.
fn token_trouble(challenge: &WireReply) -> Option<String> {
    let json = BASE64.decode(challenge.lines.first()?.trim()).ok()?;
    let json: serde_json::Value = serde_json::from_slice(&json).ok()?;
    let said: Vec<String> =
        ["status", "scope"].iter().filter_map(|key| json.get(key)?.as_str().map(|value| format!("{key} {value}"))).collect();
    (!said.is_empty()).then(|| said.join(", "))
}

fn with_reason(reply: Reply, reason: Option<String>) -> Reply {
    match reason {
        Some(reason) => Reply::new(reply.code, &format!("{} ({reason})", reply.text)),
        None => reply,
    }
}
