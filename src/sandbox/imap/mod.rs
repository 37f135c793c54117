//! The sandbox's IMAP4rev1 server (RFC 3501) over the modelled world: a real server to any client.
//!
//! ```text
//! wire       lines and literals in, bytes out, bounded and with deadlines
//!    → command    what is asked: imap-codec's grammar; tokens and Gmail's words in front of it
//!    → session    one connection, command by command
//!    → sign_in    capabilities, LOGIN, AUTHENTICATE, STARTTLS
//!    → folders    LIST, STATUS, CREATE and the like; names on the wire
//!    → view       the selected folder as this session knows it, and what others changed
//!    → fetch      FETCH, with mime and structure
//!    → search     SEARCH
//!    → store      STORE, COPY, MOVE, EXPUNGE, APPEND
//!    → idle       IDLE
//! answer     what is said, byte by byte
//! ```
//!
//! What the account's personality has (`world/personalities.yaml`) is what the server offers. Left out: `\Recent` (no message is recent), threads
//! (X-GM-THRID is the message's own number), subscriptions (every folder is subscribed).

mod answer;
mod command;
mod fetch;
mod folders;
mod idle;
mod mime;
mod names;
mod search;
mod session;
mod sign_in;
mod store;
mod structure;
mod tokens;
mod view;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use self::session::{End, Session};
use self::wire::Wire;
use crate::clock::{Clock, within};
use crate::words::Address;
use crate::world::{Personality, World};

/// How long a TLS handshake may take.
const HANDSHAKE: std::time::Duration = std::time::Duration::from_secs(30);

/// What a listener offers beyond the account's own habits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Face {
    /// Whose words it greets with; from the sign-in on, those of the account's own personality count.
    pub personality: Personality,
    /// STARTTLS is offered; and nobody signs in before it, unless `plain_sign_in`.
    pub starttls: bool,
    /// Sign-in without TLS: for test ports on loopback.
    pub plain_sign_in: bool,
    /// RFC 3501 and nothing more: without MOVE, UIDPLUS, SPECIAL-USE, IDLE, NAMESPACE, ID, literals without asking, initial responses. It makes
    /// no folder by itself, nor does a prefixed one.
    pub bare: bool,
    /// All folders are below `INBOX.`, with `.` between levels, as NAMESPACE says.
    pub prefixed: bool,
}

impl Face {
    /// A listener with everything that a personality has.
    pub fn of(personality: Personality) -> Self {
        Self { personality, starttls: false, plain_sign_in: false, bare: false, prefixed: false }
    }
}

/// Counts the connections of each account over all listeners: a personality allows so many at once.
#[derive(Debug, Default)]
pub struct Connections(Mutex<BTreeMap<Address, u32>>);

impl Connections {
    /// How many an account has now.
    pub fn of(&self, account: &Address) -> u32 {
        self.lock().get(account).copied().unwrap_or(0)
    }

    /// Takes a seat for an account, given back when it is dropped; `None` where it has `most` already.
    fn take(self: &Arc<Self>, account: &Address, most: u32) -> Option<Seat> {
        let mut counts = self.lock();
        let count = counts.entry(account.clone()).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Seat { connections: Arc::clone(self), account: account.clone() })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Address, u32>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One counted connection.
#[derive(Debug)]
struct Seat {
    connections: Arc<Connections>,
    account: Address,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut counts = self.connections.lock();
        if let Some(count) = counts.get_mut(&self.account) {
            *count = count.saturating_sub(1);
        }
        counts.retain(|_, count| *count > 0);
    }
}

/// Serves one connection to its end. `over_tls`: the stream is inside TLS already; `tls`: what STARTTLS begins. Ends with a BYE where `stop` says so.
///
/// # Errors
/// What the stream gave, a handshake that failed included. A client that goes away without LOGOUT is no error.
#[expect(clippy::too_many_arguments, reason = "an accept loop knows each of them, and nobody else calls it")]
pub async fn serve<S>(
    mut stream: S,
    over_tls: bool,
    world: Arc<World>,
    clock: Clock,
    face: Face,
    tls: Option<TlsAcceptor>,
    connections: Arc<Connections>,
    stop: watch::Receiver<bool>,
) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let tls = tls.filter(|_| face.starttls && !over_tls);
    let mut session = Session::new(world, clock, face, over_tls, tls.is_some(), connections);
    let end = {
        let mut wire = Wire::new(&mut stream, stop.clone());
        session.greet(&mut wire).await?;
        session.run(&mut wire).await?
    };
    // What was sent behind STARTTLS in the clear went with its wire: nobody takes it for something said inside TLS.
    let (End::StartTls, Some(acceptor)) = (end, tls) else { return Ok(()) };
    let mut inside = within(HANDSHAKE, acceptor.accept(stream)).await.map_err(|_| io::ErrorKind::TimedOut)??;
    session.is_now_over_tls();
    session.run(&mut Wire::new(&mut inside, stop)).await?;
    Ok(())
}
