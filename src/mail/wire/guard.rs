//! The guard: above TLS, below the protocol library. It reads along and stops what a library would choke on.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::imap_scan::{ImapLimits, ImapScan};
use super::smtp_scan::{SmtpScan, WireReply};
use super::transport::Transport;
use super::{Protocol, Trip};

/// The stream that both protocol libraries get: plain or TLS, guarded.
pub type GuardedStream = Guard<Transport>;

/// What the guard counts and keeps, readable while a library owns the stream.
#[derive(Debug, Default)]
pub struct Meter {
    read: AtomicU64,
    written: AtomicU64,
    /// How many commands the next bytes bring, where a library does not send them one by one; 0: as always.
    commands: AtomicUsize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    trip: Option<Trip>,
    replies: VecDeque<WireReply>,
}

impl Meter {
    /// Bytes that came, inside TLS, since the guard took over.
    pub fn read(&self) -> u64 {
        self.read.load(Relaxed)
    }

    /// Bytes that went, inside TLS, since the guard took over.
    pub fn written(&self) -> u64 {
        self.written.load(Relaxed)
    }

    /// The next bytes that go are so many SMTP commands, each with a reply of its own (RFC 2920).
    pub fn expect_replies(&self, commands: usize) {
        self.commands.store(commands, Relaxed);
    }

    /// What the guard refused, if it did.
    pub fn trip(&self) -> Option<Trip> {
        self.kept().trip
    }

    /// The oldest SMTP reply that was not taken yet.
    pub fn take_reply(&self) -> Option<WireReply> {
        self.kept().replies.pop_front()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing in here can be left half done by a panic.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
pub(super) enum Scan {
    Smtp(SmtpScan),
    Imap(ImapScan),
}

impl Scan {
    pub(super) fn new(protocol: Protocol) -> Self {
        match protocol {
            Protocol::Smtp => Self::Smtp(SmtpScan::new()),
            Protocol::Imap => Self::Imap(ImapScan::new(ImapLimits::default())),
        }
    }

    fn wrote(&mut self, commands: Option<usize>) {
        match self {
            Self::Smtp(s) => s.wrote(commands),
            Self::Imap(s) => s.wrote(),
        }
    }

    /// Reads bytes, changing in place what the library must not see.
    ///
    /// # Errors
    /// How many bytes are still good, and the trip.
    fn feed(&mut self, bytes: &mut [u8]) -> Result<(), (usize, Trip)> {
        let mut at = 0;
        while at < bytes.len() {
            match self {
                Self::Smtp(s) => bytes[at] = s.byte(bytes[at]).map_err(|t| (at, t))?,
                Self::Imap(s) => {
                    let passed = s.pass_literal(bytes.len() - at).map_err(|t| (at, t))?;
                    if passed > 0 {
                        at += passed;
                        continue;
                    }
                    bytes[at] = s.byte(bytes[at]).map_err(|t| (at, t))?;
                }
            }
            at += 1;
        }
        Ok(())
    }
}

/// Watches what a server sends through `S`. Good bytes before a violation are still handed out; from it on every read fails, whatever
/// the sizes in which the bytes came.
#[derive(Debug)]
pub struct Guard<S> {
    inner: S,
    scan: Scan,
    replay: VecDeque<u8>,
    peer: SocketAddr,
    trip: Option<Trip>,
    meter: Arc<Meter>,
}

impl<S> Guard<S> {
    /// Guards `inner`. `replay` is handed out before anything is read: a greeting that was read by hand before TLS.
    pub(crate) fn new(inner: S, protocol: Protocol, peer: SocketAddr, mut replay: Vec<u8>) -> Self {
        let mut guard =
            Self { inner, scan: Scan::new(protocol), replay: VecDeque::new(), peer, trip: None, meter: Arc::new(Meter::default()) };
        let good = guard.watch(&mut replay);
        guard.replay.extend(&replay[..good]);
        guard
    }

    /// The counts, and what was kept: to be cloned before a library takes the stream.
    pub fn meter(&self) -> Arc<Meter> {
        Arc::clone(&self.meter)
    }

    /// The address at the other end.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Feeds the scanner; gives how many bytes are good.
    fn watch(&mut self, bytes: &mut [u8]) -> usize {
        let fed = self.scan.feed(bytes);
        let mut kept = self.meter.kept();
        if let Scan::Smtp(s) = &mut self.scan {
            kept.replies.extend(std::iter::from_fn(|| s.take_reply()));
        }
        match fed {
            Ok(()) => bytes.len(),
            Err((good, trip)) => {
                self.trip = Some(trip);
                kept.trip = Some(trip);
                good
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guard<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let me = &mut *self;
        if !me.replay.is_empty() {
            let n = buf.remaining().min(me.replay.len());
            let head: Vec<u8> = me.replay.drain(..n).collect();
            buf.put_slice(&head);
            return Poll::Ready(Ok(()));
        }
        if let Some(trip) = me.trip {
            return Poll::Ready(Err(trip.into_io()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(&mut me.inner).poll_read(cx, buf))?;
        let came = buf.filled().len() - before;
        me.meter.read.fetch_add(came as u64, Relaxed);
        let good = me.watch(&mut buf.filled_mut()[before..]);
        buf.set_filled(before + good);
        match me.trip {
            // An empty read would look like the end of the stream.
            Some(trip) if good == 0 => Poll::Ready(Err(trip.into_io())),
            _ => Poll::Ready(Ok(())),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guard<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let n = ready!(Pin::new(&mut self.inner).poll_write(cx, bytes))?;
        let commands = self.meter.commands.swap(0, Relaxed);
        self.scan.wrote((commands > 0).then_some(commands));
        self.meter.written.fetch_add(n as u64, Relaxed);
        Poll::Ready(Ok(n))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + Sync + std::fmt::Debug> AsyncTokioStream for Guard<S> {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
