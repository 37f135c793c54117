//! Plays a hostile peer on a stream: a polite server, but for what its row says.

use std::collections::BTreeMap;
use std::future::pending;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, ReadHalf, WriteHalf, split};

use super::script::{Peer, Piece, Protocol};

/// Plays it to one client, to the end of the connection.
pub async fn play<S: AsyncRead + AsyncWrite>(stream: S, peer: &Peer) {
    let (reader, writer) = split(stream);
    let mut play = Play { reader: BufReader::new(reader), writer, peer, heard: BTreeMap::new(), tag: String::new(), in_message: false };
    play.run().await;
}

struct Play<'a, S> {
    reader: BufReader<ReadHalf<S>>,
    writer: WriteHalf<S>,
    peer: &'a Peer,
    heard: BTreeMap<String, usize>,
    tag: String,
    /// Between DATA's 354 and the final dot.
    in_message: bool,
}

impl<S: AsyncRead + AsyncWrite> Play<'_, S> {
    /// `None`: the connection has ended.
    async fn run(&mut self) -> Option<()> {
        self.answer("greeting").await?;
        loop {
            let line = self.line().await?;
            if self.in_message && line != "." {
                continue;
            }
            self.in_message = false;
            let command = match (self.peer.protocol, line.split_once(' ')) {
                (Protocol::Imap, Some((tag, command))) => {
                    tag.clone_into(&mut self.tag);
                    command.to_owned()
                }
                _ => line,
            };
            self.answer(&command).await?;
            if ["LOGOUT", "QUIT"].contains(&command.as_str()) {
                return None;
            }
        }
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        match self.reader.read_line(&mut line).await {
            Ok(n) if n > 0 && line.ends_with('\n') => Some(line.trim_end().to_owned()),
            _ => None,
        }
    }

    async fn answer(&mut self, command: &str) -> Option<()> {
        let Some(pieces) = self.peer.answer(command, &mut self.heard) else { return self.usual(command).await };
        // What stands together leaves together: a reply ahead of its command has to be there before the command is said.
        let mut together = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Bytes(bytes) => together.extend_from_slice(bytes),
                Piece::Tag => together.extend_from_slice(self.tag.as_bytes()),
                _ => self.send(&std::mem::take(&mut together)).await?,
            }
            match piece {
                Piece::Bytes(_) | Piece::Tag => {}
                Piece::Repeat(times, bytes) => {
                    // In pieces of a size: many writes of a byte would be slow.
                    let at_once = (65_536 / bytes.len().max(1)).max(1) as u64;
                    let many = bytes.repeat(at_once.min(*times) as usize);
                    let mut left = *times;
                    while left > 0 {
                        let now = left.min(at_once);
                        self.send(&many[..now as usize * bytes.len()]).await?;
                        left -= now;
                    }
                }
                Piece::Flood(bytes) => {
                    let many = bytes.repeat((65_536 / bytes.len()).max(1));
                    loop {
                        self.send(&many).await?;
                    }
                }
                Piece::Trickle(bytes) => {
                    for byte in bytes {
                        self.send(&[*byte]).await?;
                        let _ = tokio::time::timeout(Duration::from_secs(1), pending::<()>()).await;
                    }
                }
                Piece::Usual => self.usual(command).await?,
                Piece::Stall => {
                    while self.reader.read_u8().await.is_ok() {}
                    return None;
                }
                Piece::Close => return None,
            }
        }
        self.in_message = self.peer.protocol == Protocol::Smtp && command == "DATA";
        self.send(&together).await
    }

    async fn usual(&mut self, command: &str) -> Option<()> {
        let text = match self.peer.protocol {
            Protocol::Smtp => smtp(command),
            Protocol::Imap => imap(command).replace("$ ", &format!("{} ", self.tag)),
        };
        self.in_message = self.peer.protocol == Protocol::Smtp && command == "DATA";
        self.send(text.as_bytes()).await
    }

    async fn send(&mut self, bytes: &[u8]) -> Option<()> {
        self.writer.write_all(bytes).await.ok()?;
        self.writer.flush().await.ok()
    }
}

fn smtp(command: &str) -> String {
    let said = match command.split([' ', ':']).next().unwrap_or_default() {
        "greeting" => "220 mx.test ESMTP",
        "EHLO" => "250-mx.test\r\n250-SIZE 35882577\r\n250 AUTH PLAIN",
        "AUTH" => "235 2.7.0 in",
        "DATA" => "354 go on",
        "." => "250 2.0.0 queued",
        "QUIT" => "221 2.0.0 bye",
        _ => "250 2.0.0 ok",
    };
    format!("{said}\r\n")
}

/// The message in the inbox, UID 3.
const MESSAGE: &str = "From: aunt@family.test\r\nTo: anna@warm.test\r\nSubject: hello\r\nMessage-ID: <1@family.test>\r\n\r\nhello\r\n";

fn imap(command: &str) -> String {
    let header = MESSAGE.split_inclusive("\r\n\r\n").next().unwrap_or_default();
    let data = match command {
        "greeting" => return "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n".to_owned(),
        "IDLE" => return "+ idling\r\n".to_owned(),
        "LOGOUT" => "* BYE bye\r\n".to_owned(),
        "NAMESPACE" => "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n".to_owned(),
        c if c.starts_with("AUTHENTICATE") => {
            return "$ OK [CAPABILITY IMAP4rev1 MOVE UIDPLUS IDLE NAMESPACE SPECIAL-USE] in\r\n".to_owned();
        }
        c if c.starts_with("LIST") => "* LIST () \"/\" INBOX\r\n* LIST (\\Junk) \"/\" Junk\r\n* LIST (\\Sent) \"/\" Sent\r\n".to_owned(),
        c if c.starts_with("SELECT") => "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n* OK [UIDNEXT 4] next\r\n".to_owned(),
        c if c.starts_with("UID SEARCH") => "* SEARCH 3\r\n".to_owned(),
        c if c.starts_with("UID MOVE") => "* OK [COPYUID 7 3 9] moved\r\n* 1 EXPUNGE\r\n".to_owned(),
        c if c.contains("(UID FLAGS INTERNALDATE") => format!(
            "* 1 FETCH (UID 3 FLAGS () INTERNALDATE \" 1-Dec-2026 06:00:00 +0000\" RFC822.SIZE 100 BODY[HEADER.FIELDS (FROM)] {{{}}}\r\n{header})\r\n",
            header.len()
        ),
        c if c.contains("[]<0.") => format!("* 1 FETCH (UID 3 BODY[]<0> {{{}}}\r\n{MESSAGE})\r\n", MESSAGE.len()),
        c if c.starts_with("UID FETCH") => "* 1 FETCH (UID 3 FLAGS ())\r\n".to_owned(),
        _ => String::new(),
    };
    format!("{data}$ OK done\r\n")
}
