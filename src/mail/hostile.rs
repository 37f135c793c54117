//! The hostile peers of `tests/hostile/peers.txt` against the clients as the executor uses them: dialogue, guard, library. tokio's clock is paused: what waits
//! for a minute waits for nothing here, and what would wait for ever shows.
//!
//! `docs/hostile.md` is made from the same rows.

#[path = "../../tests/hostile/script.rs"]
pub(super) mod script;
#[path = "../../tests/hostile/server.rs"]
mod server;

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use secrecy::SecretString;
use tokio::io::{DuplexStream, duplex};

use self::script::{Peer, Protocol, peers};
use super::sample::{mailbox_on, plain_at};
use super::smtp::SmtpOutbox;
use super::wire::{self, Deadlines, Guard};
use super::{Envelope, Flag, FolderName, Handover, Idled, MailError, Offer, Outbox, Uid, imap};
use crate::classify::read_message;
use crate::clock::Clock;
use crate::config::Mailbox;
use crate::words::{Address, FolderRole, Moment};

/// The longest that any of them keeps a mailbox busy: IDLE and FETCH have 5 minutes, everything else one.
const LONGEST: Duration = Duration::from_mins(11);

/// The client's end of a connection with a peer, guarded.
fn dial(peer: &Peer) -> Guard<DuplexStream> {
    let protocol = match peer.protocol {
        Protocol::Smtp => wire::Protocol::Smtp,
        Protocol::Imap => wire::Protocol::Imap,
    };
    let (client, server) = duplex(65_536);
    let peer = peer.clone();
    tokio::spawn(async move { server::play(server, &peer).await });
    Guard::new(client, protocol, SocketAddr::from((Ipv4Addr::LOCALHOST, 1)), Vec::new())
}

fn anna() -> Mailbox {
    mailbox_on(plain_at(1))
}

fn secret() -> SecretString {
    SecretString::from("preheat".to_owned())
}

/// How it ends, in words.
fn failed(done: &str, error: &MailError) -> String {
    assert!(!error.hint().is_empty(), "{error}");
    format!("{done}{}: {}", error.step, error.trouble).trim_end().to_owned()
}

/// Offers and hands over two letters.
async fn send_through(stream: Guard<DuplexStream>) -> String {
    let mailbox = anna();
    let mut outbox = match SmtpOutbox::open(stream, &mailbox, &secret(), Deadlines::default()).await {
        Ok(outbox) => Box::new(outbox),
        Err(e) => return failed("", &e),
    };
    let envelope = Envelope { from: mailbox.address, to: Address::parse("bob@partner.test").unwrap(), size: 20 };
    let mut said = String::new();
    for _ in 0..2 {
        match outbox.offer(&envelope).await {
            Ok(Offer::Ready) => {}
            Ok(Offer::Refused(refusal)) => {
                let _ = write!(said, "refused at {}: {:.80}; ", refusal.step, refusal.reply.to_string());
                continue;
            }
            Err(e) => return failed(&said, &e),
        }
        let (word, why) = match outbox.hand_over(b"Subject: hello\r\n\r\nhi\r\n").await {
            Handover::Accepted(reply) => ("accepted", reply.to_string()),
            Handover::Refused(reply) => ("refused", reply.to_string()),
            Handover::Uncertain(why) => ("uncertain", why),
        };
        let _ = write!(said, "{word}: {why}; ");
    }
    outbox.sign_out().await;
    said + "goes on"
}

/// Signs in, finds the folders, looks twice, reads a message, marks and moves it, and listens.
async fn read_through(stream: Guard<DuplexStream>) -> String {
    let mut said = String::new();
    match Box::pin(walk(stream, &mut said)).await {
        Ok(()) => said + "goes on",
        Err(e) => failed(&said, &e),
    }
}

async fn walk(stream: Guard<DuplexStream>, said: &mut String) -> Result<(), MailError> {
    let mut inbox = imap::sign_in(stream, &anna(), &secret(), Duration::MAX).await?;
    let folders = inbox.folders().await?;
    let spam = folders.iter().find(|f| f.role == FolderRole::Spam).map_or("none", |f| f.name.shown.as_str());
    if (folders.len(), spam) != (3, "Junk") {
        let shown: Vec<&str> = folders.iter().map(|f| f.name.shown.as_str()).collect();
        let _ = write!(said, "finds {} ({}), spam folder {spam}; ", folders.len(), shown.join(", "));
    }
    let (home, junk) = (named("INBOX"), named("Junk"));
    let first = inbox.look(&home, None, Moment(0)).await?;
    let mut again = inbox.look(&home, Some(first.cursor), Moment(0)).await?;
    for _ in 0..3 {
        if again.more {
            again = inbox.look(&home, Some(again.cursor), Moment(0)).await?;
        }
    }
    let room: usize = first.new.iter().chain(&again.new).map(|h| h.raw.capacity()).sum();
    assert!(room <= 16 << 20, "{room} bytes of headers are kept");
    if first.new.iter().map(|h| h.uid.0).collect::<Vec<_>>() != [3] || !again.new.is_empty() || again.more {
        let _ = write!(said, "sees {} and {} messages, reads on: {}; ", first.new.len(), again.new.len(), again.more);
    }
    match inbox.peek(&home, first.uid_validity, Uid(3), 256 << 10).await? {
        Some(bytes) => {
            let incoming = read_message(&bytes);
            if bytes.len() > 200 || incoming.kind.to_string() != "other" {
                let _ = write!(said, "reads {} bytes: {}; ", bytes.len(), incoming.kind);
            }
        }
        None => said.push_str("the message is gone; "),
    }
    inbox.flags_of(&home, first.uid_validity, &[Uid(3)]).await?;
    inbox.set_flags(&home, first.uid_validity, &[Uid(3)], &[Flag::Seen]).await?;
    let moved = inbox.move_to(&home, first.uid_validity, &[Uid(3)], &junk).await?;
    if moved.moved != [(Uid(3), Some((7, Uid(9))))] {
        let _ = write!(
            said,
            "{} moved, {} gone, {} left; ",
            moved.moved.len(),
            moved.gone.len(),
            usize::from(moved.moved.is_empty() && moved.gone.is_empty())
        );
    }
    let mut stop = Box::pin(async {
        let _ = crate::clock::within(Duration::from_mins(9), std::future::pending::<()>()).await;
    });
    match inbox.idle(&home, stop.as_mut()).await? {
        Idled::Stopped => {}
        other => {
            let _ = write!(said, "hears {other:?}; ");
        }
    }
    inbox.sign_out().await;
    Ok(())
}

fn named(name: &str) -> FolderName {
    FolderName { wire: name.to_owned(), shown: name.to_owned() }
}

/// How a peer ends, the KB that were read of it, and the seconds that it took in the paused clock.
async fn meet(peer: &Peer) -> (String, u64, u64) {
    let clock = Clock::paused_at(Moment(0));
    let stream = dial(peer);
    let meter = stream.meter();
    let ended = match peer.protocol {
        Protocol::Smtp => crate::clock::within(LONGEST, Box::pin(send_through(stream))).await,
        Protocol::Imap => crate::clock::within(LONGEST, Box::pin(read_through(stream))).await,
    };
    let ended = ended.unwrap_or_else(|_| "never ends".to_owned());
    (ended, meter.read().div_ceil(1_000), clock.now().since(Moment(0)).as_secs())
}

#[tokio::test(start_paused = true)]
#[expect(clippy::print_stdout, reason = "how many there were is for whoever runs the tests")]
async fn every_peer_ends_as_its_row_says() {
    super::imap::hush_caught_panics();
    let mut wrong = String::new();
    let (mut most, mut count) = (0, 0);
    for peer in peers() {
        let (ended, kb, seconds) = meet(&peer).await;
        (most, count) = (most.max(kb), count + 1);
        if ended != peer.ends || kb > peer.takes || ended.contains(char::is_control) {
            let _ = writeln!(wrong, "{:?} {}\n  ends: {ended}\n  takes: {kb} KB, {seconds} s", peer.protocol, peer.name);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    println!("tally: hostile transcripts against the clients; {count}; each ended as its row says, with at most {most} KB read of it");
}

/// What `docs/hostile.md` holds: its head, and a table of the rows.
fn page() -> String {
    let mut page = include_str!("../../tests/hostile/page.md").to_owned();
    for (protocol, title) in [(Protocol::Smtp, "SMTP"), (Protocol::Imap, "IMAP")] {
        let _ = write!(page, "\n## {title}\n\n| peer | what it does | what preheat does |\n| --- | --- | --- |\n");
        for peer in peers().iter().filter(|p| p.protocol == protocol) {
            let _ = writeln!(page, "| {} | {} | {} |", peer.name, peer.does, in_a_cell(&peer.ends));
        }
    }
    page
}

fn in_a_cell(ends: &str) -> String {
    let short: String = ends.chars().take(160).collect();
    let more = if short.len() < ends.len() { " …" } else { "" };
    format!("`{}{more}`", short.replace('|', "\\|").replace('`', "'"))
}

/// After a change of the rows: `PREHEAT_WRITE_DOCS=1 cargo test --lib hostile` writes the page anew.
#[test]
fn the_page_in_the_docs_is_what_the_rows_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/hostile.md");
    if std::env::var_os("PREHEAT_WRITE_DOCS").is_some() {
        std::fs::write(path, page()).unwrap();
    }
    assert!(std::fs::read_to_string(path).unwrap() == page(), "the page is not what the rows say");
}
