//! A scripted server: tests of the dialogue read as transcripts.

use secrecy::SecretString;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, duplex, split};
use tokio::task::JoinHandle;

use super::Imap;
use super::exec::Deadlines;
use crate::config::{CredentialSource, Mailbox, Server, SmtpAccess, TlsMode};
use crate::mail::sample::mailbox_on;
use crate::mail::{FolderName, MailError};
use crate::words::{Address, Provider};

/// A server that follows a script, line by line:
///
/// - `C: text` expects this command; its tag is not compared, but kept. A line without a tag (`DONE`, a SASL answer) is `c: text`.
/// - `S: text` sends this line; `$` at its start is the tag of the last command, `\r\n` inside it a line break.
/// - `raw: text` sends bytes without a line break; `storm: n text` sends a line n times.
/// - `close` ends the connection; `hang` says nothing for ever.
pub(super) struct Script {
    peer: JoinHandle<Result<(), String>>,
}

impl Script {
    /// Starts the server and gives the client's end.
    pub fn play(text: &str) -> (DuplexStream, Self) {
        let (client, server) = duplex(1 << 20);
        let lines: Vec<String> = text.lines().map(|l| l.trim().to_owned()).filter(|l| !l.is_empty()).collect();
        (client, Self { peer: tokio::spawn(follow(server, lines)) })
    }

    /// Waits until the client is gone. Panics where the script and the client disagreed, or where lines of the script are left.
    pub async fn done(self) {
        if let Err(difference) = self.peer.await.unwrap() {
            panic!("{difference}");
        }
    }
}

async fn follow(stream: DuplexStream, script: Vec<String>) -> Result<(), String> {
    let (reader, mut writer) = split(stream);
    let mut reader = BufReader::new(reader);
    let mut tag = String::new();
    for line in script {
        let (kind, text) = line.split_once(':').map_or((line.as_str(), ""), |(kind, text)| (kind, text.trim_start()));
        match kind {
            "C" | "c" => {
                let mut got = String::new();
                reader.read_line(&mut got).await.map_err(|e| e.to_string())?;
                let got = got.trim_end_matches("\r\n");
                let said = if kind == "C" { got.split_once(' ').unwrap_or((got, "")) } else { ("", got) };
                if kind == "C" {
                    said.0.clone_into(&mut tag);
                }
                if said.1 != text {
                    return Err(format!("expected  {text}\n     got  {}", said.1));
                }
            }
            "S" | "raw" => {
                let mut bytes = text.replace("\\r\\n", "\r\n");
                if let Some(rest) = bytes.strip_prefix('$') {
                    bytes = format!("{tag}{rest}");
                }
                if kind == "S" {
                    bytes.push_str("\r\n");
                }
                writer.write_all(bytes.as_bytes()).await.map_err(|e| e.to_string())?;
            }
            "storm" => {
                let (count, text) = text.split_once(' ').unwrap_or(("1", text));
                let bytes = format!("{text}\r\n").repeat(count.parse().unwrap_or(1));
                // The client is free to hang up in the middle of it.
                let _ = writer.write_all(bytes.as_bytes()).await;
            }
            "close" => return Ok(()),
            "hang" => std::future::pending().await,
            other => return Err(format!("no such line in a script: {other}")),
        }
    }
    let mut rest = String::new();
    match reader.read_line(&mut rest).await {
        Ok(0) | Err(_) => Ok(()),
        Ok(_) => Err(format!("the script is at its end, and the client says {rest}")),
    }
}

/// A mailbox of `provider`, with the password `p`.
pub(super) fn mailbox(provider: Provider) -> Mailbox {
    let server = |port| Server { host: "mail.warm.test".into(), port, tls: TlsMode::Implicit, ca_file: None };
    Mailbox {
        address: Address::parse("u@warm.test").unwrap(),
        provider,
        smtp: SmtpAccess { server: server(465), ehlo: "warm.test".into() },
        user: "u".into(),
        credential: CredentialSource::Env("P".into()),
        ..mailbox_on(server(993))
    }
}

pub(super) fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

/// Signs in over `text` from the greeting on.
pub(super) async fn greet(text: &str, mailbox: &Mailbox, password: &str) -> (Result<Imap<DuplexStream>, MailError>, Script) {
    let (stream, script) = Script::play(text);
    (Imap::sign_in(stream, mailbox, &secret(password), Deadlines::default()).await, script)
}

/// A session at a server with `capabilities`, signed in; `text` goes on from there.
pub(super) async fn session(capabilities: &str, text: &str) -> (Imap<DuplexStream>, Script) {
    let capabilities = format!("IMAP4rev1 {capabilities}");
    let opening = format!(
        "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\n\
         C: AUTHENTICATE PLAIN AHUAcA==\n\
         S: $ OK [CAPABILITY {}] in\n",
        capabilities.trim_end()
    );
    let (imap, script) = greet(&(opening + text), &mailbox(Provider::Generic), "p").await;
    (imap.unwrap(), script)
}

/// The answer to SELECT: three messages, UIDVALIDITY 7, UIDNEXT 11.
pub(super) const SELECTED: &str = "
    S: * 3 EXISTS
    S: * 0 RECENT
    S: * FLAGS (\\Seen \\Flagged \\Answered \\Deleted)
    S: * OK [PERMANENTFLAGS (\\Seen \\Flagged \\Answered \\Deleted \\*)] kept
    S: * OK [UIDVALIDITY 7] valid
    S: * OK [UIDNEXT 11] next
    S: $ OK [READ-WRITE] selected
";

/// A session with a folder selected by its first command.
pub(super) fn selecting(folder: &str, text: &str) -> String {
    format!("C: SELECT \"{folder}\"\n{SELECTED}{text}")
}

pub(super) fn folder(wire: &str) -> FolderName {
    FolderName { wire: wire.into(), shown: wire.into() }
}

/// Ends a test: the client hangs up, and the script has to be at its end.
pub(super) async fn end(imap: Imap<DuplexStream>, script: Script) {
    drop(imap);
    script.done().await;
}
