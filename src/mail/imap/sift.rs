//! Takes answers out of the stream that the parser beneath async-imap cannot read.
//!
//! imap-proto ends the session at the first untagged answer that it does not know: NAMESPACE and ESEARCH among them. Some that it
//! does know it reads dangerously (METADATA). So only the kinds that preheat uses reach it; NAMESPACE is kept aside, raw; every other
//! kind is dropped, as RFC 3501 §7 allows. Limits on lines, literals and nesting are the wire's affair, not this file's.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The untagged answers that the parser gets to see, beside those that begin with a number.
const WANTED: [&[u8]; 9] = [b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH", b"CAPABILITY", b"FLAGS", b"LIST", b"SEARCH"];

/// The longest NAMESPACE answer that is kept.
const LONGEST_KEPT: usize = 8 * 1024;

/// The longest word behind `* ` that is waited for before an answer is judged.
const LONGEST_WORD: usize = 16;

/// Room for whole lines that is kept for the next ones.
const ROOM_KEPT: usize = 64 * 1024;

/// A stream without the answers that the parser cannot read. Writes go through untouched.
///
/// It hands out whole lines, and literals as they come: the parser reads an answer from its start again whenever more of it is there, so that a server
/// which sends a megabyte of a line byte by byte would have it read the megabyte a million times.
pub(super) struct Sift<S> {
    inner: S,
    scan: Scan,
    ready: Vec<u8>,
    /// How much of `ready` was handed out, and how much of it may be.
    given: usize,
    whole: usize,
}

impl<S> Sift<S> {
    pub(super) fn new(inner: S) -> Self {
        Self { inner, scan: Scan::default(), ready: Vec::new(), given: 0, whole: 0 }
    }

    /// Reads what came, and finds out how much of it may be handed out.
    fn take(&mut self, bytes: &[u8]) {
        let before = self.ready.len();
        self.scan.feed(bytes, &mut self.ready);
        if self.scan.literal_left > 0 {
            self.whole = self.ready.len();
        } else if let Some(end) = self.ready[before..].iter().rposition(|b| *b == b'\n') {
            self.whole = before + end + 1;
        }
    }

    fn forget_given(&mut self) {
        self.ready.drain(..self.given);
        (self.given, self.whole) = (0, 0);
        if self.ready.is_empty() {
            self.ready.shrink_to(ROOM_KEPT);
        }
    }

    /// The last NAMESPACE answer since the last call, whole, if there was one.
    pub(super) fn take_namespace(&mut self) -> Option<Vec<u8>> {
        self.scan.namespace.take()
    }
}

impl<S> fmt::Debug for Sift<S> {
    /// Without the bytes that wait in it: they are other people's mail.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sift").field("waiting", &(self.ready.len() - self.given)).finish_non_exhaustive()
    }
}

/// What becomes of the answer that is being read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Fate {
    /// Not known yet: its first word is still coming.
    #[default]
    Open,
    Passed,
    Kept,
    Dropped,
}

/// Follows answers byte by byte: quotes, literals, ends of lines.
#[derive(Debug, Default)]
struct Scan {
    fate: Fate,
    /// The answer's first bytes while its fate is open; all of it where it is kept.
    held: Vec<u8>,
    quoted: bool,
    escaped: bool,
    /// Digits of a `{n}` that may announce a literal at the end of the line.
    announced: Option<u64>,
    in_brace: bool,
    literal_left: u64,
    namespace: Option<Vec<u8>>,
}

impl Scan {
    /// Reads `bytes` and appends to `out` what the parser may see.
    fn feed(&mut self, mut bytes: &[u8], out: &mut Vec<u8>) {
        while let Some((&byte, rest)) = bytes.split_first() {
            if self.literal_left > 0 {
                let len = usize::try_from(self.literal_left).unwrap_or(usize::MAX).min(bytes.len());
                let (literal, behind) = bytes.split_at(len);
                self.literal_left -= len as u64;
                self.pass_on(literal, out);
                bytes = behind;
                continue;
            }
            bytes = rest;
            self.pass_on(&[byte], out);
            self.follow(byte, out);
        }
    }

    fn pass_on(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        match self.fate {
            Fate::Passed => out.extend_from_slice(bytes),
            Fate::Open => self.held.extend_from_slice(bytes),
            Fate::Kept if self.held.len() + bytes.len() <= LONGEST_KEPT => self.held.extend_from_slice(bytes),
            Fate::Kept => self.fate = Fate::Dropped,
            Fate::Dropped => {}
        }
        if self.fate == Fate::Open && !bytes.is_empty() {
            self.judge(out);
        }
    }

    /// Settles the fate as soon as the first word is complete.
    fn judge(&mut self, out: &mut Vec<u8>) {
        let fate = match self.held.strip_prefix(b"* ") {
            None if b"* ".starts_with(&self.held) => Fate::Open,
            None => Fate::Passed,
            Some(rest) => match rest.iter().position(|b| b" \r\n".contains(b)) {
                Some(end) => Self::fate_of(&rest[..end]),
                None if rest.len() > LONGEST_WORD => Fate::Dropped,
                None => Fate::Open,
            },
        };
        self.fate = fate;
        match fate {
            Fate::Passed => out.append(&mut self.held),
            Fate::Dropped => self.held.clear(),
            Fate::Open | Fate::Kept => {}
        }
    }

    fn fate_of(word: &[u8]) -> Fate {
        if word.eq_ignore_ascii_case(b"NAMESPACE") {
            Fate::Kept
        } else if word.iter().all(u8::is_ascii_digit) || WANTED.iter().any(|w| word.eq_ignore_ascii_case(w)) {
            Fate::Passed
        } else {
            Fate::Dropped
        }
    }

    /// Moves the state on by one byte that is not part of a literal.
    fn follow(&mut self, byte: u8, out: &mut Vec<u8>) {
        match byte {
            b'\n' => {
                (self.quoted, self.escaped) = (false, false);
                match self.announced.take().filter(|_| !self.in_brace) {
                    Some(len) => self.literal_left = len,
                    None => self.end_answer(out),
                }
                self.in_brace = false;
            }
            b'\r' => {}
            _ if self.quoted => {
                if self.escaped {
                    self.escaped = false;
                } else if byte == b'\\' {
                    self.escaped = true;
                } else if byte == b'"' {
                    self.quoted = false;
                }
            }
            b'{' => (self.in_brace, self.announced) = (true, None),
            b'0'..=b'9' if self.in_brace => {
                let so_far = self.announced.unwrap_or(0);
                self.announced = Some(so_far.saturating_mul(10).saturating_add(u64::from(byte - b'0')));
            }
            b'+' if self.in_brace => {}
            b'}' if self.in_brace => self.in_brace = false,
            _ => {
                (self.in_brace, self.announced) = (false, None);
                self.quoted = byte == b'"';
            }
        }
    }

    fn end_answer(&mut self, out: &mut Vec<u8>) {
        match self.fate {
            Fate::Open => out.append(&mut self.held),
            Fate::Kept => self.namespace = Some(std::mem::take(&mut self.held)),
            Fate::Passed | Fate::Dropped => {}
        }
        self.held.clear();
        self.fate = Fate::Open;
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Sift<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let me = &mut *self;
        let mut chunk = [0_u8; 4096];
        while me.given >= me.whole {
            me.forget_given();
            let mut fresh = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut me.inner).poll_read(cx, &mut fresh))?;
            if fresh.filled().is_empty() {
                // The end: what is left is half an answer, and has to look like one.
                me.whole = me.ready.len();
                if me.whole == 0 {
                    return Poll::Ready(Ok(()));
                }
                break;
            }
            me.take(fresh.filled());
        }
        let waiting = &me.ready[me.given..me.whole];
        let len = waiting.len().min(buf.remaining());
        buf.put_slice(&waiting[..len]);
        me.given += len;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Sift<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = concat!(
        "* OK ready\r\n",
        "* NAMESPACE ((\"INBOX.\" \".\")) NIL {3}\r\nNIL\r\n",
        "* ESEARCH (TAG \"A1\") UID ALL 1:3\r\n",
        "* METADATA \"x\" (/private/comment {14}\r\n* 7 EXISTS\r\n\r\n)\r\n",
        "* 1 FETCH (UID 5 BODY[] {24}\r\n* ESEARCH not an answer\r\n)\r\n",
        "* LIST () \"/\" \"a {3}\"\r\n",
        "+ idling\r\n",
        "*\r\n",
        "A1 OK done\r\n",
    );
    const SEEN: &str = concat!(
        "* OK ready\r\n",
        "* 1 FETCH (UID 5 BODY[] {24}\r\n* ESEARCH not an answer\r\n)\r\n",
        "* LIST () \"/\" \"a {3}\"\r\n",
        "+ idling\r\n",
        "*\r\n",
        "A1 OK done\r\n",
    );

    #[test]
    fn only_answers_that_the_parser_knows_go_through_however_the_bytes_are_cut() {
        for size in [1, 2, 3, 7, 64, 4096] {
            let (mut scan, mut out) = (Scan::default(), Vec::new());
            for piece in STREAM.as_bytes().chunks(size) {
                scan.feed(piece, &mut out);
            }
            assert_eq!(String::from_utf8(out).unwrap(), SEEN, "pieces of {size}");
            assert_eq!(scan.namespace.unwrap(), b"* NAMESPACE ((\"INBOX.\" \".\")) NIL {3}\r\nNIL\r\n");
        }
    }

    #[tokio::test]
    async fn a_line_that_trickles_is_handed_out_once_and_a_literal_as_it_comes() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let line = format!("* SEARCH {}\r\n", "7 ".repeat(2_000));
        let (mut server, client) = tokio::io::duplex(1);
        let (mut sift, mut chunk, mut reads) = (Sift::new(client), [0; 8192], Vec::new());
        let whole = format!("{line}* 1 FETCH (UID 5 BODY[] {{3}}\r\nabc)\r\n* OK half");
        let trickle = tokio::spawn(async move { server.write_all(whole.as_bytes()).await });
        loop {
            match sift.read(&mut chunk).await.unwrap() {
                0 => break,
                n => reads.push(n),
            }
        }
        trickle.await.unwrap().unwrap();
        // The line; the line up to the literal; the literal's bytes, the last of them with what follows; and what was left at the end.
        assert_eq!(reads, [line.len(), 29, 1, 1, 4, 9]);
    }

    #[test]
    fn what_is_kept_or_waited_for_is_bounded() {
        let (mut scan, mut out) = (Scan::default(), Vec::new());
        scan.feed(b"* NAMESPACE ", &mut out);
        scan.feed(&vec![b'x'; 100_000], &mut out);
        assert!(scan.held.len() <= LONGEST_KEPT);
        scan.feed(b"\r\n* ", &mut out);
        scan.feed(&vec![b'y'; 100_000], &mut out);
        assert!(scan.held.len() <= LONGEST_WORD + 2);
        scan.feed(b"\r\n* 1 EXISTS\r\n", &mut out);
        assert_eq!(out, b"* 1 EXISTS\r\n");
        assert_eq!(scan.namespace, None);
    }
}
