//! The wire under both protocols: TCP → the plain dialogue by hand, up to STARTTLS → TLS → the guard → a protocol library.
//!
//! ```text
//! dial       one of the host's addresses; plain only to loopback
//! dialogue   byte by byte to the server's go-ahead; no STARTTLS, no connection
//! tls        the system's CAs, or exactly those of a file
//! guard      limits on lines, literals, nesting and amounts; a violation is sticky, and found again beneath a library's error
//! ```
//!
//! What this buys was measured with the libraries alone: data injected behind STARTTLS's answer was taken for the reply inside TLS,
//! an endless line took hundreds of megabytes, and a few hundred parentheses overflowed a parser's stack and ended the process.

mod deadlines;
mod dial;
mod dialogue;
mod fault;
mod guard;
mod imap_scan;
mod smtp_scan;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
mod tls;
mod transport;
mod trip;

pub use deadlines::{Deadlines, patience_from_env};
pub use fault::{Fault, stream_trouble};
pub use guard::{Guard, GuardedStream, Meter};
pub use imap_scan::ImapLimits;
pub use smtp_scan::{SMTP_LINE, SMTP_LINES, SMTP_REPLY, WireReply};
pub use tls::Trust;
pub use transport::Transport;
pub use trip::Trip;

use crate::config::{Server, TlsMode};

/// Which protocol the guard reads along with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// RFC 5321.
    Smtp,
    /// RFC 9051, RFC 3501.
    Imap,
}

/// Connects, secures and guards. The stream begins with the server's greeting: the real one, or after STARTTLS the replayed one.
///
/// `ehlo` is the name for the EHLO before STARTTLS; IMAP does not use it.
///
/// # Errors
/// A [`Fault`] with the step that failed. Never a connection with less protection than `server` asks for.
pub async fn open(server: &Server, protocol: Protocol, ehlo: &str, trust: &Trust, deadlines: &Deadlines) -> Result<GuardedStream, Fault> {
    // Before anything is dialled: a CA file that cannot be read is the operator's to mend, whatever the server does.
    let config = match server.tls {
        TlsMode::Plain => None,
        TlsMode::Implicit | TlsMode::Starttls => Some(trust.config(server.ca_file.as_deref())?),
    };
    let (mut stream, peer) = dial::dial(server, deadlines.connect).await?;
    let mut greeting = Vec::new();
    if server.tls == TlsMode::Starttls {
        greeting = match protocol {
            Protocol::Smtp => dialogue::smtp(&mut stream, ehlo, deadlines).await?,
            Protocol::Imap => dialogue::imap(&mut stream, deadlines).await?,
        };
    }
    let transport = match config {
        None => Transport::Plain(stream),
        Some(config) => Transport::Tls(Box::new(tls::handshake(stream, &server.host, config, deadlines).await?)),
    };
    Ok(Guard::new(transport, protocol, peer, greeting))
}
