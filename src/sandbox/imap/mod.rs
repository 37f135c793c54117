//! A placeholder for the IMAP server, which is being written: it says that it is not there yet.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;

use crate::clock::Clock;
use crate::world::{Personality, World};

/// How a listener presents itself.
#[derive(Clone, Copy, Debug)]
pub struct Face {
    /// Whose habits it has.
    pub personality: Personality,
    /// Whether STARTTLS is offered.
    pub starttls: bool,
    /// Whether signing in is allowed without TLS.
    pub plain_sign_in: bool,
    /// Without MOVE, UIDPLUS and SPECIAL-USE.
    pub bare: bool,
    /// All folders below `INBOX.`.
    pub prefixed: bool,
}

/// Counts the IMAP connections of each account.
#[derive(Debug, Default)]
pub struct Connections;

/// Serves one connection.
///
/// # Errors
/// When the connection breaks.
#[expect(clippy::too_many_arguments, reason = "the signature that was agreed on")]
pub async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send>(
    mut stream: S,
    _over_tls: bool,
    _world: Arc<World>,
    _clock: Clock,
    _face: Face,
    _tls: Option<tokio_rustls::TlsAcceptor>,
    _connections: Arc<Connections>,
    _stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    stream.write_all(b"* BYE not there yet\r\n").await
}
