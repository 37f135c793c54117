//! The dialogue: one command, its answers, and its tagged OK, or an error.
//!
//! async-imap's own commands swallow NO and BAD and take a closed connection for an empty answer, so only its reader is used: commands
//! are written here (its writer logs the LOGIN line), and nothing but the tagged OK of this very command ends it well.

use std::io;
use std::time::Duration;

use async_imap::Client;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

use super::answer::{Answer, Datum, Ending, Event};
use super::caught::catching;
use super::sift::Sift;
use crate::clock::{TimedOut, within};
use crate::mail::spoken::Spoken;
use crate::mail::wire::Trip;
use crate::mail::{MailError, Step, Trouble};
use crate::words::{Address, Reply};

/// How far the reading of a command's answers got.
#[derive(Debug)]
pub(super) enum Reached {
    /// To its tagged OK.
    End(Answer),
    /// To a `+`, with its text.
    More(String),
}

/// What carries a session: a guarded stream, or a scripted peer.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug + 'static {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug + 'static> Stream for S {}

/// How long a server may take, in real time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadlines {
    /// For a command; 60 s.
    pub command: Duration,
    /// For a command that fetches headers or bodies; 5 min.
    pub fetch: Duration,
    /// How long one IDLE lasts before it is issued again; 5 min.
    pub idle: Duration,
    /// For LOGOUT; 1 s.
    pub sign_out: Duration,
}

impl Deadlines {
    /// The same, but no answer may take longer than this. (How long one IDLE lasts is not for the server to say.)
    pub fn at_most(self, limit: Duration) -> Self {
        Self { command: self.command.min(limit), fetch: self.fetch.min(limit), sign_out: self.sign_out.min(limit), ..self }
    }
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            command: Duration::from_mins(1),
            fetch: Duration::from_mins(5),
            idle: Duration::from_mins(5),
            sign_out: Duration::from_secs(1),
        }
    }
}

/// The most untagged answers that one command may get.
const MAX_ITEMS: usize = 20_000;
/// The most memory that the answers to one command may take.
const MAX_BYTES: usize = 32 << 20;

/// What the server has said about the selected folder, in whatever command.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    /// How many messages there are.
    pub exists: u32,
    /// Whether messages came since somebody last cleared this.
    pub news: bool,
}

/// A connection on which commands are run one after the other.
#[derive(Debug)]
pub(super) struct Dialogue<S: Stream> {
    client: Client<Sift<S>>,
    pub mailbox: Address,
    pub deadlines: Deadlines,
    pub counts: Counts,
    /// The secret that was said on it, which no error may quote.
    pub spoken: Spoken,
    /// The most bytes that are kept of one body or header block; whatever a server sends beyond is read and let go.
    pub keep: usize,
    tags: u64,
    /// Set while a command is under way: a command that was dropped half-way, or failed, leaves it set, and the session is of no more use.
    busy: bool,
}

impl<S: Stream> Dialogue<S> {
    pub fn new(stream: S, mailbox: &Address, deadlines: Deadlines) -> Self {
        let client = Client::new(Sift::new(stream));
        Self {
            client,
            mailbox: mailbox.clone(),
            deadlines,
            counts: Counts::default(),
            spoken: Spoken::default(),
            keep: 0,
            tags: 0,
            busy: false,
        }
    }

    /// An error of this mailbox.
    pub fn error(&self, step: Step, trouble: Trouble) -> MailError {
        MailError::new(&self.mailbox, step, self.spoken.out_of_trouble(trouble))
    }

    /// Runs a command to its tagged OK, within the deadline for commands.
    ///
    /// # Errors
    /// NO and BAD as [`Trouble::Refused`]; everything else ends the session.
    pub async fn exec(&mut self, step: Step, command: &str) -> Result<Answer, MailError> {
        self.exec_within(self.deadlines.command, step, command).await
    }

    /// The same with a deadline of the caller's.
    pub async fn exec_within(&mut self, limit: Duration, step: Step, command: &str) -> Result<Answer, MailError> {
        let run = async {
            let tag = self.start(step, command).await?;
            self.finish(step, &tag).await
        };
        let ended = within(limit, run).await;
        self.in_time(step, ended)?
    }

    /// AUTHENTICATE with a mechanism of one message: with the command where the server takes it there (SASL-IR, RFC 4959), else
    /// when it asks. A further challenge is XOAUTH2's way to say what is wrong: it gets an empty answer, and then the NO comes.
    pub async fn authenticate(&mut self, mechanism: &str, message: &str, initial: bool) -> Result<Answer, MailError> {
        const STEP: Step = Step::SignIn;
        let limit = self.deadlines.command;
        let run = async {
            let command =
                Zeroizing::new(if initial { format!("AUTHENTICATE {mechanism} {message}") } else { format!("AUTHENTICATE {mechanism}") });
            let tag = self.start(STEP, &command).await?;
            let mut unsent = (!initial).then_some(message);
            let mut challenge = String::new();
            for _ in 0..4 {
                match self.finish_or_more(STEP, &tag).await.map_err(|e| self.with_status(e, &challenge))? {
                    Reached::End(answer) => return Ok(answer),
                    Reached::More(text) => challenge = text,
                }
                self.send(STEP, unsent.take().unwrap_or_default()).await?;
            }
            Err(self.error(STEP, Trouble::Protocol("it asks again and again for more".into())))
        };
        let ended = within(limit, run).await;
        self.in_time(STEP, ended)?
    }

    /// The status that a server's JSON about a token names (XOAUTH2), beside its refusal.
    fn with_status(&self, mut error: MailError, challenge: &str) -> MailError {
        let told = STANDARD.decode(challenge).ok().and_then(|json| serde_json::from_slice::<serde_json::Value>(&json).ok());
        if let (Trouble::Refused(reply), Some(status)) = (&mut error.trouble, told.as_ref().and_then(|t| t.get("status")?.as_str())) {
            let text = self.spoken.without(format!("{} (status {status})", reply.text));
            *reply = Reply::new(reply.code, &text);
        }
        error
    }

    /// Takes the outcome of something with a deadline; names it where time ran out.
    pub fn in_time<T>(&self, step: Step, ended: Result<T, TimedOut>) -> Result<T, MailError> {
        ended.map_err(|TimedOut(limit)| self.error(step, Trouble::TimedOut(limit.as_secs())))
    }

    /// Writes a command with a fresh tag, which it returns. [`Self::finish`] is to follow.
    pub async fn start(&mut self, step: Step, command: &str) -> Result<String, MailError> {
        if self.busy {
            return Err(self.error(step, Trouble::Closed("an earlier command did not come to its end".into())));
        }
        self.busy = true;
        self.tags += 1;
        let tag = format!("p{}", self.tags);
        let line = Zeroizing::new(format!("{tag} {command}"));
        self.send(step, &line).await?;
        Ok(tag)
    }

    /// Writes one line.
    pub async fn send(&mut self, step: Step, line: &str) -> Result<(), MailError> {
        let line = Zeroizing::new(format!("{line}\r\n"));
        let stream = self.client.get_mut();
        let written = match stream.write_all(line.as_bytes()).await {
            Ok(()) => stream.flush().await,
            Err(e) => Err(e),
        };
        written.map_err(|e| self.error(step, trouble_of(&e)))
    }

    /// Reads to the tagged OK of `tag`.
    pub async fn finish(&mut self, step: Step, tag: &str) -> Result<Answer, MailError> {
        match self.finish_or_more(step, tag).await? {
            Reached::End(answer) => Ok(answer),
            Reached::More(_) => Err(self.error(step, Trouble::Protocol("it asks for more of a complete command".into()))),
        }
    }

    /// Reads to the tagged OK of `tag`, or to where the server asks for more.
    pub async fn finish_or_more(&mut self, step: Step, tag: &str) -> Result<Reached, MailError> {
        let mut answer = Answer::default();
        let mut bytes = 0;
        loop {
            match self.read(step).await? {
                Event::Datum(datum) => {
                    bytes += datum.bytes();
                    answer.data.push(datum);
                    if answer.data.len() > MAX_ITEMS || bytes > MAX_BYTES {
                        return Err(self.error(
                            step,
                            Trouble::OverLimit(format!("more than {MAX_ITEMS} answers, or {} MB of them, to one command", MAX_BYTES >> 20)),
                        ));
                    }
                }
                Event::Continue(text) => return Ok(Reached::More(text)),
                Event::Done { tag: other, .. } if other != tag => {
                    return Err(self.error(step, Trouble::Protocol("it ended a command that is not under way".into())));
                }
                Event::Done { ending: Ending::Ok(code), .. } => {
                    self.busy = false;
                    answer.code = code;
                    return Ok(Reached::End(answer));
                }
                Event::Done { ending: Ending::Refused(reply), .. } => {
                    self.busy = false;
                    return Err(self.error(step, Trouble::Refused(reply)));
                }
                Event::Bye(text) => return Err(self.error(step, Trouble::Closed(text))),
                Event::Preauth => return Err(self.error(step, Trouble::Protocol("a greeting in the middle of a session".into()))),
            }
        }
    }

    /// Reads one answer and keeps count of the folder. Safe to drop while it waits.
    pub async fn read(&mut self, step: Step) -> Result<Event, MailError> {
        // The parser panics on some input (INTERNALDATE NIL, a code with no space behind it). It is not touched again after that.
        let read = catching(self.client.read_response()).await;
        let event = match read {
            Some(Ok(Some(response))) => Ok(Event::of(response.parsed(), self.keep)),
            Some(Ok(None)) => Err(Trouble::Closed("the connection ended".into())),
            Some(Err(e)) => Err(trouble_of(&e)),
            None => Err(Trouble::Protocol("an answer that the parser cannot take".into())),
        };
        let event = event.map_err(|trouble| {
            self.busy = true;
            self.error(step, trouble)
        })?;
        self.count(&event);
        Ok(event)
    }

    fn count(&mut self, event: &Event) {
        match event {
            Event::Datum(Datum::Exists(n)) => {
                self.counts.news |= *n > self.counts.exists;
                self.counts.exists = *n;
            }
            Event::Datum(Datum::Expunge) => self.counts.exists = self.counts.exists.saturating_sub(1),
            _ => {}
        }
    }

    /// NAMESPACE (RFC 2342), raw; the parser beneath knows nothing of it.
    pub async fn namespace(&mut self) -> Result<Option<Vec<u8>>, MailError> {
        self.exec(Step::Folders, "NAMESPACE").await?;
        Ok(self.client.get_mut().take_namespace())
    }

    /// LOGOUT, and whatever comes of it.
    pub async fn sign_out(&mut self) {
        let limit = self.deadlines.sign_out;
        let farewell = async {
            if let Ok(tag) = self.start(Step::Close, "LOGOUT").await {
                while let Ok(event) = self.read(Step::Close).await {
                    if matches!(&event, Event::Done { tag: ended, .. } if *ended == tag) {
                        break;
                    }
                }
            }
            let _ = self.client.get_mut().shutdown().await;
        };
        let _ = within(limit, farewell).await;
    }
}

/// What an I/O error means. The text of a parse error holds the raw answer: it is never kept.
fn trouble_of(error: &io::Error) -> Trouble {
    if let Some(tls) = error.get_ref().and_then(|e| e.downcast_ref::<tokio_rustls::rustls::Error>()) {
        return Trouble::Tls(Reply::clean(&tls.to_string()));
    }
    if let Some(trip) = Trip::of(error) {
        return trip.trouble();
    }
    match error.kind() {
        io::ErrorKind::Other => Trouble::Protocol("an answer that is not IMAP".into()),
        io::ErrorKind::UnexpectedEof => Trouble::Closed("in the middle of an answer".into()),
        // The wire's guard speaks of limits this way; its words hold no server text.
        io::ErrorKind::InvalidData => Trouble::OverLimit(Reply::clean(&error.to_string())),
        kind => Trouble::Closed(kind.to_string()),
    }
}

/// A quoted string (RFC 3501 §4.3), or `None` where a quoted string cannot carry the text: controls, or anything beyond ASCII.
pub(super) fn quoted(text: &str) -> Option<Zeroizing<String>> {
    text.chars().all(|c| matches!(c, ' '..='~')).then(|| escaped(text))
}

/// A folder's name as a quoted string. Beyond [`quoted`], a name that the server itself wrote in raw UTF-8 goes back as it came.
pub(super) fn quoted_name(name: &str) -> Option<Zeroizing<String>> {
    let fit = |c: char| !c.is_control() && c != char::REPLACEMENT_CHARACTER;
    name.chars().all(fit).then(|| escaped(name))
}

fn escaped(text: &str) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(text.len() * 2 + 2));
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_lets_no_command_through() {
        let text = |q: Option<Zeroizing<String>>| q.map(|q| q.to_string());
        assert_eq!(text(quoted(r#"a "b" \ {3}"#)).as_deref(), Some(r#""a \"b\" \\ {3}""#));
        for bad in ["a\r\nb", "a\0", "a\u{7f}", "é", "\t"] {
            assert_eq!(text(quoted(bad)), None, "{bad:?}");
        }
        assert_eq!(text(quoted_name("Indésirables")).as_deref(), Some("\"Indésirables\""));
        for bad in ["a\r\nb", "a\u{85}b", "a\u{fffd}"] {
            assert_eq!(text(quoted_name(bad)), None, "{bad:?}");
        }
    }
}
