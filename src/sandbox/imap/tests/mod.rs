//! Transcripts: what a client says, and what the server answers, whole lines.

mod changing;
mod folders;
mod hostile;
mod idling;
mod own_client;
mod reading;
mod searching;
mod signing_in;

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Connections, Face, serve};
use crate::chance::Seed;
use crate::clock::{Clock, within};
use crate::words::{Address, Moment};
use crate::world::{AccountSpec, FlagChange, Personality, World};

/// A message with two fields that matter and a line of text.
pub(super) const ONE: &str = "From: A <a@w.test>\r\nTo: b@p.test\r\nSubject: one\r\nDate: Mon, 30 Nov 2026 23:00:00 -0500\r\nMessage-ID: <1@w.test>\r\n\r\nhello\r\n";
pub(super) const TWO: &str = "From: C <c@w.test>\r\nSubject: two\r\nX-Long: a\r\n b\r\n\r\nworld, world\r\n";

/// A world with the account `b@p.test`, user `b`, password `p`.
pub(super) struct Place {
    pub world: Arc<World>,
    pub clock: Clock,
    pub who: Address,
    pub connections: Arc<Connections>,
    pub stop: watch::Sender<bool>,
    pub face: Face,
}

impl Place {
    pub fn new(personality: Personality) -> Self {
        let who = Address::parse("b@p.test").unwrap();
        let world = World::new(Seed(7));
        world.add_account(AccountSpec {
            address: who.clone(),
            personality,
            receiver: "p.test".into(),
            user: "b".into(),
            secret: Some("p".into()),
        });
        Self {
            world,
            clock: Clock::paused_at(Moment::parse_rfc3339("2026-12-01T08:00:00Z").unwrap()),
            who,
            connections: Arc::default(),
            stop: watch::Sender::new(false),
            face: Face { plain_sign_in: true, ..Face::of(personality) },
        }
    }

    /// With two messages in INBOX, the second of them seen; and one in the spam folder.
    pub fn with_mail(personality: Personality) -> Self {
        let place = Self::new(personality);
        place.put("INBOX", ONE);
        place.put("INBOX", TWO);
        place.flag("INBOX", 2, "\\Seen");
        place.put(place.spam(), ONE);
        place
    }

    pub fn spam(&self) -> &'static str {
        match self.face.personality {
            Personality::Gmail => "[Gmail]/Spam",
            Personality::Microsoft => "Junk Email",
            Personality::Dovecot => "Junk",
        }
    }

    pub fn put(&self, folder: &str, message: &str) -> u32 {
        self.world.append(&self.who, folder, message.as_bytes(), BTreeSet::new(), false, self.clock.now()).unwrap()
    }

    pub fn flag(&self, folder: &str, uid: u32, flag: &str) {
        self.world.set_flags(&self.who, folder, &[uid], FlagChange::Add, &BTreeSet::from([flag.to_owned()]), self.clock.now()).unwrap();
    }

    pub fn flags(&self, folder: &str, uid: u32) -> Vec<String> {
        self.world.with_folder(&self.who, folder, |f| f.messages[&uid].flags.iter().cloned().collect()).unwrap()
    }

    pub fn uids(&self, folder: &str) -> Vec<u32> {
        self.world.with_folder(&self.who, folder, |f| f.messages.keys().copied().collect()).unwrap()
    }

    /// A client's end of a connection, and the server's task.
    pub fn connect(&self) -> (DuplexStream, JoinHandle<io::Result<()>>) {
        let (client, server) = duplex(1 << 20);
        let (world, clock, face) = (Arc::clone(&self.world), self.clock.clone(), self.face);
        let (connections, stop) = (Arc::clone(&self.connections), self.stop.subscribe());
        (client, tokio::spawn(serve(server, false, world, clock, face, None, connections, stop)))
    }

    /// A client that has read the greeting.
    pub async fn greeted(&self) -> Client {
        let (stream, server) = self.connect();
        let mut client = Client { stream: BufReader::new(stream), server };
        client.plays("S: * OK *").await;
        client
    }

    /// A client that is signed in.
    pub async fn signed_in(&self) -> Client {
        let mut client = self.greeted().await;
        client.plays("C: a LOGIN b p\nS: a OK *").await;
        client
    }

    /// A client that has a folder selected; what SELECT says is not looked at.
    pub async fn selected(&self, folder: &str) -> Client {
        let mut client = self.signed_in().await;
        client.plays(&format!("C: s SELECT \"{folder}\"\n...: s OK *")).await;
        client
    }
}

/// A client that follows a transcript.
pub(super) struct Client {
    pub stream: BufReader<DuplexStream>,
    pub server: JoinHandle<io::Result<()>>,
}

impl Client {
    /// Plays a transcript, line by line:
    ///
    /// - `C: text` says a line; `raw: text` says it without a line break, `\r\n` inside it being one.
    /// - `S: text` is the next line that the server says; with `*` at its end, its beginning.
    /// - `...: text` reads on until this line.
    /// - `end` is the end of the connection.
    pub async fn plays(&mut self, transcript: &str) {
        for step in transcript.lines().map(str::trim_start).filter(|l| !l.is_empty()) {
            let (kind, text) = step.split_once(": ").unwrap_or((step.trim_end_matches(':'), ""));
            match kind {
                "C" => self.says(format!("{text}\r\n").as_bytes()).await,
                "raw" => self.says(text.replace("\\r\\n", "\r\n").as_bytes()).await,
                "S" => {
                    let line = self.hears().await;
                    assert!(is_like(&line, text), "\nwanted  {text}\n   got  {line}");
                }
                "..." => loop {
                    let line = self.hears().await;
                    assert_ne!(line, "(the end)", "waiting for {text}");
                    if is_like(&line, text) {
                        break;
                    }
                },
                "end" => assert_eq!(self.hears().await, "(the end)"),
                other => panic!("no such step: {other}"),
            }
        }
    }

    pub async fn says(&mut self, bytes: &[u8]) {
        self.stream.get_mut().write_all(bytes).await.unwrap();
    }

    /// A line without its end.
    pub async fn hears(&mut self) -> String {
        let mut line = Vec::new();
        within(Duration::from_hours(2), self.stream.read_until(b'\n', &mut line)).await.expect("silence").unwrap();
        if line.is_empty() { "(the end)".into() } else { String::from_utf8_lossy(&line).trim_end_matches("\r\n").to_owned() }
    }

    /// Everything up to the end of the connection.
    pub async fn hears_all(&mut self) -> String {
        let mut all = Vec::new();
        within(Duration::from_hours(2), self.stream.read_to_end(&mut all)).await.expect("silence").unwrap();
        String::from_utf8_lossy(&all).into_owned()
    }
}

fn is_like(line: &str, wanted: &str) -> bool {
    match wanted.strip_suffix('*') {
        // `* SEARCH` ends in no star, and `\*)` is none.
        Some(start) if !wanted.ends_with("\\*") => line.starts_with(start),
        _ => line == wanted,
    }
}
