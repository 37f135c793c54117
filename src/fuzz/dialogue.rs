//! What a server says, from the greeting on, whatever is said to it: through the guard and the libraries, as the executor is served.

use std::fmt::{self, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use crate::config::Mailbox;
use crate::fuzz::assert_shown;
use crate::mail::sample::{mailbox_on, plain_at};
use crate::mail::smtp::SmtpOutbox;
use crate::mail::wire::{Deadlines, Guard, Meter, Protocol};
use crate::mail::{Envelope, Flag, FolderName, Handover, Inbox, MailError, Offer, Outbox, Uid};
use crate::words::{Address, Moment, Provider};

/// A session of reading, of which each step is tried where the session still stands.
pub fn imap(bytes: &[u8]) -> String {
    talk(bytes, Protocol::Imap, |stream| async move {
        let mailbox = anna();
        let mut said = Said::default();
        let opened = crate::mail::imap::sign_in(stream, &mailbox, &SecretString::from("preheat"), Duration::MAX).await;
        if let Some(mut inbox) = said.note(opened) {
            read_through(inbox.as_mut(), &mut said).await;
            inbox.sign_out().await;
        }
        said.0
    })
}

async fn read_through(inbox: &mut dyn Inbox, said: &mut Said) {
    let named = |name: &str| FolderName { wire: name.to_owned(), shown: name.to_owned() };
    let (home, junk) = (named("INBOX"), named("Junk"));
    if let Some(folders) = said.note(inbox.folders().await) {
        for folder in &folders {
            assert_shown(&folder.name.shown, 4_000);
            assert!(!folder.name.wire.contains(['\r', '\n', '\0']), "{:?} could be asked for", folder.name.wire);
        }
        said.say(format_args!("{} folders ", folders.len().min(4)));
    }
    let Some(look) = said.note(inbox.look(&home, None, Moment(0)).await) else { return };
    assert!(
        look.new.windows(2).all(|w| w[0].uid < w[1].uid) && look.new.iter().all(|h| h.raw.len() <= 64 << 10 && h.uid.0 <= look.cursor.uid)
    );
    let again = said.note(inbox.look(&home, Some(look.cursor), Moment(0)).await);
    assert!(
        again.is_none_or(|again| again.renumbered || again.new.iter().all(|h| h.uid.0 > look.cursor.uid)),
        "what was read is new again"
    );
    said.say(format_args!("{} new ", look.new.len().min(3)));
    if let Some(Some(message)) = said.note(inbox.peek(&home, look.uid_validity, Uid(3), 1_000).await) {
        assert!(message.len() <= 1_000);
        said.say(format_args!("read "));
    }
    said.note(inbox.set_flags(&home, look.uid_validity, &[Uid(3)], &[Flag::Seen, Flag::Important]).await);
    if let Some(moved) = said.note(inbox.move_to(&home, look.uid_validity, &[Uid(3)], &junk).await) {
        let named: Vec<u32> =
            moved.moved.iter().map(|m| m.0.0).chain(moved.gone.iter().chain(&moved.left_marked).map(|uid| uid.0)).collect();
        assert!(named.is_empty() || named == [3], "{moved:?}: others than were asked for");
        said.say(format_args!("{} {} {} ", moved.moved.len(), moved.gone.len(), moved.left_marked.len()));
    }
    let mut stop = Box::pin(async {
        let _ = crate::clock::within(Duration::from_mins(1), std::future::pending::<()>()).await;
    });
    said.note(inbox.idle(&home, stop.as_mut()).await);
}

/// A session of sending: two letters.
pub fn smtp(bytes: &[u8]) -> String {
    let says_yes = bytes.windows(2).any(|w| w[0].is_ascii_digit() && w[1].is_ascii_digit()) && bytes.contains(&b'2');
    talk(bytes, Protocol::Smtp, |stream| async move {
        let (mailbox, mut said) = (anna(), Said::default());
        let opened = SmtpOutbox::open(stream, &mailbox, &SecretString::from("preheat"), Deadlines::default()).await;
        let Some(outbox) = said.note(opened) else { return said.0 };
        let mut outbox = Box::new(outbox);
        let Ok(to) = Address::parse("bob@partner.test") else { return said.0 };
        let envelope = Envelope { from: mailbox.address.clone(), to, size: 20 };
        for _ in 0..2 {
            let Some(offer) = said.note(outbox.offer(&envelope).await) else { break };
            if let Offer::Refused(refusal) = offer {
                assert_shown(&refusal.reply.to_string(), 2_100);
                said.say(format_args!("refused {} ", refusal.reply.code / 100));
                continue;
            }
            match outbox.hand_over(b"Subject: hello\r\n\r\nhi\r\n").await {
                Handover::Accepted(reply) => {
                    assert!(reply.code / 100 == 2 && says_yes, "accepted without a word: {reply}");
                    said.say(format_args!("accepted "));
                }
                Handover::Refused(reply) => assert_shown(&reply.to_string(), 2_100),
                Handover::Uncertain(why) => assert_shown(&why, 3_000),
            }
        }
        outbox.sign_out().await;
        said.0
    })
}

/// How it went.
#[derive(Default)]
struct Said(String);

impl Said {
    fn say(&mut self, words: fmt::Arguments<'_>) {
        let _ = self.0.write_fmt(words);
    }

    fn note<T>(&mut self, result: Result<T, MailError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                assert_shown(&error.to_string(), 3_000);
                assert_shown(&error.hint(), 1_000);
                let words = error.trouble.to_string();
                let shape: String = words.chars().filter(|c| c.is_ascii_alphabetic() || *c == ' ').take(60).collect();
                self.say(format_args!("{}: {shape}; ", error.step));
                None
            }
        }
    }
}

/// Serves `bytes` to a client in a runtime whose clock is paused, and holds what it took against the guard's limits.
fn talk<F, R>(bytes: &[u8], protocol: Protocol, client: F) -> String
where
    F: FnOnce(Guard<DuplexStream>) -> R,
    R: Future<Output = String>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let Ok(runtime) = runtime else { return "no runtime".to_owned() };
    let bytes = bytes.to_vec();
    runtime.block_on(async move {
        let (stream, server) = duplex(64 << 10);
        tokio::spawn(serve(server, bytes, protocol));
        let stream = Guard::new(stream, protocol, SocketAddr::from((Ipv4Addr::LOCALHOST, 1)), Vec::new());
        let meter: Arc<Meter> = stream.meter();
        let said = crate::clock::within(Duration::from_hours(2), client(stream)).await;
        assert!(said.is_ok(), "it never ends");
        assert!(meter.read() <= 80 << 20);
        said.unwrap_or_default()
    })
}

/// Each paragraph of the bytes is what is said to the next line of the client; `$` at a line's start is its tag. At the end, or at an odd length, the line is cut.
async fn serve(mut server: DuplexStream, bytes: Vec<u8>, protocol: Protocol) {
    let mut heard = Vec::new();
    for part in parts(&bytes) {
        let tag: Vec<u8> = heard.split(|b| *b == b' ').next().filter(|_| protocol == Protocol::Imap).unwrap_or_default().to_vec();
        let said: Vec<u8> = part.split_inclusive(|b| *b == b'\n').flat_map(|line| with_tag(line, &tag)).collect();
        if server.write_all(&said).await.is_err() {
            return;
        }
        heard.clear();
        while !heard.ends_with(b"\n") {
            match server.read_u8().await {
                Ok(byte) => heard.push(byte),
                Err(_) => return,
            }
        }
        // Of a message, only the final dot is answered.
        if protocol == Protocol::Smtp && heard.starts_with(b"Subject:") {
            let mut end = [0; 5];
            while &end != b"\r\n.\r\n" {
                end.rotate_left(1);
                match server.read_u8().await {
                    Ok(byte) => end[4] = byte,
                    Err(_) => return,
                }
            }
        }
    }
    if bytes.len().is_multiple_of(2) {
        // It goes on listening, and says nothing any more.
        while server.read_u8().await.is_ok() {}
    }
}

/// The bytes between lines of a single `%`.
fn parts(bytes: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut begin = 0;
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at..].starts_with(b"%\n") && (at == 0 || bytes[at - 1] == b'\n') {
            parts.push(&bytes[begin..at]);
            begin = at + 2;
        }
        at += 1;
    }
    parts.push(&bytes[begin.min(bytes.len())..]);
    parts
}

fn with_tag(line: &[u8], tag: &[u8]) -> Vec<u8> {
    match line.strip_prefix(b"$ ") {
        Some(rest) => [tag, b" ", rest].concat(),
        None => line.to_vec(),
    }
}

/// Of a provider whose extensions are spoken.
fn anna() -> Mailbox {
    Mailbox { provider: Provider::Gmail, ..mailbox_on(plain_at(1)) }
}
