//! Lines and messages off a stream, within bounds, and answers onto it: those to pipelined commands leave together (RFC 2920).

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;

use super::unstuff::Unstuffer;
use crate::clock;
use crate::sandbox::stopped;

/// Bytes of a command line, its end included; RFC 5321 §4.5.3.1.4 asks for 512.
const LINE: usize = 4_096;
/// The same for AUTH and what follows it; RFC 4954 §4 asks for 12288.
const AUTH_LINE: usize = 12_288;
/// Bytes of a line that has no end, before the connection is dropped.
const ENDLESS: usize = 1 << 20;
/// How long a client may say nothing, or read nothing (RFC 5321 §4.5.3.2.7).
pub const SILENCE: Duration = Duration::from_mins(5);

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A line, without its end.
    Line(Vec<u8>),
    /// A line that is longer than it may be; it was read and forgotten.
    TooLong,
    /// Nothing, for five minutes.
    Silence,
    /// The sandbox stops.
    Stopping,
    /// The client went away, or sends a line without end.
    Ended,
}

/// The stream with what was read ahead and what is still to be said.
#[derive(Debug)]
pub struct Wire<S> {
    stream: S,
    read: Vec<u8>,
    at: usize,
    unsaid: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Nothing read, nothing said.
    pub fn new(stream: S) -> Self {
        Self { stream, read: Vec::new(), at: 0, unsaid: Vec::new() }
    }

    /// The stream alone: what was read ahead is forgotten.
    pub fn into_stream(self) -> S {
        self.stream
    }

    /// Says lines, CRLF included, before the next wait.
    pub fn say(&mut self, text: &str) {
        self.unsaid.extend_from_slice(text.as_bytes());
    }

    /// The next line. A line that AUTH begins may be longer, and so may the next after a 334 (it has no blank before that length).
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn line(&mut self, stop: &mut watch::Receiver<bool>) -> io::Result<Heard> {
        let mut forgotten = 0;
        loop {
            let waiting = &self.read[self.at..];
            if let Some(end) = waiting.iter().position(|b| *b == b'\n') {
                let line = waiting[..end].to_vec();
                self.at += end + 1;
                let line = line.strip_suffix(b"\r").map(<[u8]>::to_vec).unwrap_or(line);
                let too_long = forgotten > 0 || end >= AUTH_LINE || (end >= LINE && !may_be_long(&line));
                return Ok(if too_long { Heard::TooLong } else { Heard::Line(line) });
            }
            if waiting.len() > AUTH_LINE {
                forgotten += waiting.len();
                self.at = self.read.len();
            }
            if forgotten > ENDLESS {
                return Ok(Heard::Ended);
            }
            if let Err(other) = self.fill(stop).await? {
                return Ok(other);
            }
        }
    }

    /// A message up to its final dot; `None` where it has more than `most` bytes. `Err`: it did not come to its end.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn message(&mut self, most: usize, stop: &mut watch::Receiver<bool>) -> io::Result<Result<Option<Vec<u8>>, Heard>> {
        let mut unstuffer = Unstuffer::new(most);
        loop {
            let (used, ended) = unstuffer.feed(&self.read[self.at..]);
            self.at += used;
            if ended {
                return Ok(Ok(unstuffer.finish()));
            }
            if let Err(other) = self.fill(stop).await? {
                return Ok(Err(other));
            }
        }
    }

    /// Sends what was said.
    ///
    /// # Errors
    /// When the connection breaks, or the client reads nothing for five minutes.
    pub async fn flush(&mut self) -> io::Result<()> {
        if self.unsaid.is_empty() {
            return Ok(());
        }
        let said = std::mem::take(&mut self.unsaid);
        let send = async {
            self.stream.write_all(&said).await?;
            self.stream.flush().await
        };
        clock::within(SILENCE, send).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    /// Sends what was said, and ends the connection in good order.
    ///
    /// # Errors
    /// As [`Self::flush`].
    pub async fn close(&mut self) -> io::Result<()> {
        self.flush().await?;
        clock::within(SILENCE, self.stream.shutdown()).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    /// Sends what was said, and reads more.
    async fn fill(&mut self, stop: &mut watch::Receiver<bool>) -> io::Result<Result<(), Heard>> {
        self.flush().await?;
        self.read.drain(..self.at);
        self.at = 0;
        self.read.reserve(16_384);
        tokio::select! {
            biased;
            () = stopped(stop) => Ok(Err(Heard::Stopping)),
            read = clock::within(SILENCE, self.stream.read_buf(&mut self.read)) => match read {
                Err(_) => Ok(Err(Heard::Silence)),
                Ok(Ok(0)) => Ok(Err(Heard::Ended)),
                Ok(Ok(_)) => Ok(Ok(())),
                Ok(Err(e)) => Err(e),
            },
        }
    }
}

/// AUTH with its first response, or a response of its own: base64 has no blanks.
fn may_be_long(line: &[u8]) -> bool {
    line.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"AUTH ")) || !line.contains(&b' ')
}
