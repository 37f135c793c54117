//! A submission server over the modelled world (RFC 6409): 465 inside TLS, 587 with STARTTLS.
//!
//! [`session`] decides what to say, line by line, and neither waits nor reads; [`wire`] reads lines and messages within bounds; here the two
//! meet. What a client may send is bounded everywhere: a command line at 4 kB (12 kB for AUTH), a message at 35 MB, 100 recipients, 20 faults, and
//! five minutes of silence.

mod auth;
mod commands;
mod connections;
mod session;
#[cfg(test)]
mod tests;
mod unstuff;
mod wire;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::clock::{self, Clock};
use crate::world::{Personality, World};

pub use connections::Connections;
use session::{Answer, Session, Then};
use wire::{Heard, Wire};

/// Bytes of a message, as SIZE tells them (RFC 1870): 35 MB, as at Gmail.
pub const MOST_BYTES: usize = 35_882_577;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(30);

/// How a listener presents itself.
#[derive(Clone, Copy, Debug)]
pub struct Face {
    /// Whose habits it has. Only accounts with these habits sign in here.
    pub personality: Personality,
    /// Whether mail and sign-in are taken without TLS: for fault proxies only.
    pub plain_sign_in: bool,
}

/// Serves one connection to its end. `tls`: what STARTTLS begins; `None` where it is not offered. `stop`: true ends the session with 421.
///
/// # Errors
/// When the connection breaks, or the handshake fails. Nobody needs to hear of it.
#[expect(clippy::too_many_arguments, reason = "what a connection needs; the IMAP server's entry is the same")]
pub async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send>(
    stream: S,
    over_tls: bool,
    world: Arc<World>,
    clock: Clock,
    face: Face,
    tls: Option<TlsAcceptor>,
    connections: Arc<Connections>,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut wire = Wire::new(stream);
    let offers_tls = tls.is_some() && !over_tls;
    let mut session = Session::new(world.clone(), clock.clone(), face, connections.clone(), offers_tls, over_tls);
    wire.say(&session.greeting());
    let ended = converse(&mut wire, &mut session, &mut stop).await?;
    if let (Ended::Tls, Some(tls)) = (ended, tls) {
        // What came behind STARTTLS in the clear is dropped with the wire's buffer, and what the session knew with the session (RFC 3207 §4.2).
        drop(session);
        let stream = clock::within(HANDSHAKE, tls.accept(wire.into_stream())).await.map_err(io::Error::other)??;
        let mut wire = Wire::new(stream);
        let mut session = Session::new(world, clock, face, connections, false, true);
        converse(&mut wire, &mut session, &mut stop).await?;
    }
    Ok(())
}

/// How a conversation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// For good.
    Closed,
    /// TLS begins.
    Tls,
}

/// Lines in, answers out, until one of the two sides has enough.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    wire: &mut Wire<S>,
    session: &mut Session,
    stop: &mut watch::Receiver<bool>,
) -> io::Result<Ended> {
    loop {
        let mut answer = match wire.line(stop).await? {
            Heard::Line(line) => session.line(&line),
            Heard::TooLong => session.too_long(),
            Heard::Silence => Answer::close("421 4.4.2 Error: timeout exceeded"),
            Heard::Stopping => Answer::close("421 4.3.2 The sandbox is shutting down"),
            Heard::Ended => return Ok(Ended::Closed),
        };
        if answer.then == Then::Message {
            wire.say(&answer.text);
            answer = match wire.message(MOST_BYTES, stop).await? {
                Ok(message) => session.message(message.as_deref()),
                Err(Heard::Stopping) => Answer::close("421 4.3.2 The sandbox is shutting down"),
                Err(Heard::Silence) => Answer::close("421 4.4.2 Error: timeout exceeded"),
                Err(_) => return Ok(Ended::Closed),
            };
        }
        match answer.then {
            Then::Break => {
                // What was said to earlier commands is said.
                wire.flush().await?;
                return Ok(Ended::Closed);
            }
            Then::Next | Then::Message => wire.say(&answer.text),
            Then::Close => {
                wire.say(&answer.text);
                wire.close().await?;
                return Ok(Ended::Closed);
            }
            Then::Tls => {
                wire.say(&answer.text);
                wire.flush().await?;
                return Ok(Ended::Tls);
            }
        }
    }
}
