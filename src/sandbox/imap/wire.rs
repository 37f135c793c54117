//! Bytes: lines and literals in, answers out, each bounded and with a deadline.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;

use crate::clock::within;

/// What carries a session.
pub(super) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Io for S {}

/// The longest line, and the most bytes that the lines of one command may have together.
const LONGEST_LINE: usize = 64 << 10;
/// How long a client may say nothing: RFC 3501 §5.4 asks for 30 minutes at least.
const SILENCE: Duration = Duration::from_mins(30);
/// How long a client may take to read what it is told.
const UNREAD: Duration = Duration::from_mins(5);

/// What literals a command may have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Bytes of all literals of one command.
    pub bytes: usize,
    /// The longest that comes without being asked for (RFC 7888); 0: none may.
    pub unasked: usize,
}

/// A command as it was sent, or why there is none.
#[derive(Debug)]
pub(super) enum Heard {
    /// Lines and literals, up to the last CRLF.
    Command(Vec<u8>),
    /// The client announced more than it may send; nothing of it was read, and the session goes on. With the first bytes of its command.
    TooBig(Vec<u8>),
    /// There is no way to go on, for this reason.
    Over(&'static str),
    /// The client is gone.
    Gone,
    /// The server is to stop.
    Stopped,
}

/// One connection.
pub(super) struct Wire<'a> {
    stream: &'a mut dyn Io,
    stop: watch::Receiver<bool>,
    /// Bytes that were read and not used yet.
    waiting: Vec<u8>,
}

impl<'a> Wire<'a> {
    pub fn new(stream: &'a mut dyn Io, stop: watch::Receiver<bool>) -> Self {
        Self { stream, stop, waiting: Vec::new() }
    }

    /// Sends everything in `bytes`, and leaves it empty.
    pub async fn send(&mut self, bytes: &mut Vec<u8>) -> io::Result<()> {
        let all = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        within(UNREAD, all).await.map_err(|_| io::ErrorKind::TimedOut)??;
        bytes.clear();
        Ok(())
    }

    /// Ends the connection from this side.
    pub async fn close(&mut self) {
        // A client that is gone already does not mind.
        let _ = within(UNREAD, self.stream.shutdown()).await;
    }

    /// Reads a command with its literals; says go on where the client waits for it.
    pub async fn command(&mut self, limits: Limits) -> io::Result<Heard> {
        let mut command = Vec::new();
        let (mut lines, mut literals) = (0, 0);
        loop {
            let line = match self.line(LONGEST_LINE.saturating_sub(lines)).await? {
                Heard::Command(line) => line,
                other => return Ok(other),
            };
            lines += line.len();
            command.extend_from_slice(&line);
            let Some(announced) = Announced::at_end_of(&line) else { return Ok(Heard::Command(command)) };
            let fits = announced.bytes <= limits.bytes.saturating_sub(literals);
            if announced.asks {
                if !fits {
                    return Ok(Heard::TooBig(command));
                }
                self.send(&mut b"+ go on\r\n".to_vec()).await?;
            } else if !fits || announced.bytes > limits.unasked {
                return Ok(Heard::Over("that literal is too big to be sent without asking"));
            }
            literals += announced.bytes;
            if let Some(why) = self.literal(announced.bytes, &mut command).await? {
                return Ok(why);
            }
        }
    }

    /// Reads a line up to its LF. Can be dropped half-way: nothing is lost. A bare LF becomes CRLF.
    pub async fn line(&mut self, longest: usize) -> io::Result<Heard> {
        let mut searched = 0;
        loop {
            if let Some(at) = self.waiting[searched..].iter().position(|b| *b == b'\n') {
                let end = searched + at;
                if end >= longest {
                    return Ok(Heard::Over("that line is too long"));
                }
                let rest = self.waiting.split_off(end + 1);
                let mut line = std::mem::replace(&mut self.waiting, rest);
                line.truncate(line.len() - if line.ends_with(b"\r\n") { 2 } else { 1 });
                line.extend_from_slice(b"\r\n");
                return Ok(Heard::Command(line));
            }
            searched = self.waiting.len();
            if searched >= longest {
                return Ok(Heard::Over("that line is too long"));
            }
            if let Some(why) = self.fill().await? {
                return Ok(why);
            }
        }
    }

    async fn literal(&mut self, bytes: usize, into: &mut Vec<u8>) -> io::Result<Option<Heard>> {
        let mut left = bytes;
        loop {
            let here = left.min(self.waiting.len());
            into.extend(self.waiting.drain(..here));
            left -= here;
            if left == 0 {
                return Ok(None);
            }
            if let Some(why) = self.fill().await? {
                return Ok(Some(why));
            }
        }
    }

    /// Waits for more bytes. Gives why there are none.
    async fn fill(&mut self) -> io::Result<Option<Heard>> {
        self.waiting.reserve(16 << 10);
        let read = async {
            tokio::select! {
                biased;
                () = stopped(&mut self.stop) => None,
                read = self.stream.read_buf(&mut self.waiting) => Some(read),
            }
        };
        Ok(match within(SILENCE, read).await {
            Err(_) => Some(Heard::Over("nothing was said for half an hour")),
            Ok(None) => Some(Heard::Stopped),
            Ok(Some(read)) => (read? == 0).then_some(Heard::Gone),
        })
    }
}

/// Completes when the server is to stop; never where nobody is left to say so.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// A literal that a line announces at its end: `{12}`, `{12+}`, or `~{12}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Announced {
    bytes: usize,
    /// Whether the client waits to be asked for it.
    asks: bool,
}

impl Announced {
    fn at_end_of(line: &[u8]) -> Option<Self> {
        let inside = line.strip_suffix(b"}\r\n")?;
        let open = inside.iter().rposition(|b| *b == b'{')?;
        let digits = &inside[open + 1..];
        let (digits, asks) = digits.strip_suffix(b"+").map_or((digits, true), |d| (d, false));
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let add = |sum: usize, b: &u8| sum.saturating_mul(10).saturating_add(usize::from(b - b'0'));
        Some(Self { bytes: digits.iter().fold(0, add), asks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_is_announced_at_the_end_of_a_line_and_nowhere_else() {
        let at_end = |line: &str| Announced::at_end_of(format!("{line}\r\n").as_bytes()).map(|a| (a.bytes, a.asks));
        assert_eq!(at_end("a LOGIN {4}"), Some((4, true)));
        assert_eq!(at_end("a LOGIN {4+}"), Some((4, false)));
        assert_eq!(at_end("a APPEND x ~{10}"), Some((10, true)));
        assert_eq!(at_end("a {99999999999999999999999999}"), Some((usize::MAX, true)));
        for none in ["a {4} b", "a \"{4}\"", "a {}", "a {+}", "a {x}", "a {-1}", "}", "a {4++}"] {
            assert_eq!(at_end(none), None, "{none}");
        }
    }
}
