//! What can go wrong with a mail server, said for people.

use std::fmt;

use crate::credentials::CredentialError;
use crate::words::{Address, Moment, Reply};

/// A step of the dialogue with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// Reading the secret.
    Secret,
    /// Finding the host and connecting.
    Connect,
    /// The TLS handshake.
    Tls,
    /// The server's greeting.
    Greeting,
    /// EHLO.
    Ehlo,
    /// STARTTLS, and what stands behind its answer.
    Starttls,
    /// AUTH, LOGIN or AUTHENTICATE.
    SignIn,
    /// MAIL FROM.
    MailFrom,
    /// RCPT TO.
    RcptTo,
    /// DATA.
    Data,
    /// The message and its final dot.
    Message,
    /// CAPABILITY, NAMESPACE, LIST: finding the folders.
    Folders,
    /// CREATE.
    Create,
    /// SELECT.
    Select,
    /// FETCH.
    Fetch,
    /// SEARCH.
    Search,
    /// STORE.
    Store,
    /// MOVE, or COPY and EXPUNGE.
    Move,
    /// IDLE.
    Idle,
    /// RSET, QUIT, LOGOUT.
    Close,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Secret => "reading the secret",
            Self::Connect => "connecting",
            Self::Tls => "TLS handshake",
            Self::Greeting => "greeting",
            Self::Ehlo => "EHLO",
            Self::Starttls => "STARTTLS",
            Self::SignIn => "signing in",
            Self::MailFrom => "MAIL FROM",
            Self::RcptTo => "RCPT TO",
            Self::Data => "DATA",
            Self::Message => "sending the message",
            Self::Folders => "finding folders",
            Self::Create => "making a folder",
            Self::Select => "SELECT",
            Self::Fetch => "FETCH",
            Self::Search => "SEARCH",
            Self::Store => "STORE",
            Self::Move => "MOVE",
            Self::Idle => "IDLE",
            Self::Close => "closing",
        })
    }
}

/// What kind of thing went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The secret could not be read.
    NoSecret(CredentialError),
    /// No such host, refused, no route.
    Unreachable(String),
    /// No answer in time; in seconds.
    TimedOut(u64),
    /// The handshake failed: the certificate is for another name, is not trusted, or has run out.
    Tls(String),
    /// STARTTLS is asked for and not offered: a stripped offer looks the same. Never a fallback.
    NoStarttls,
    /// Bytes came behind STARTTLS's answer and before TLS: somebody injects.
    EarlyData,
    /// The server crossed a limit of the wire's guard: endless line, huge literal, deep nesting.
    OverLimit(String),
    /// The user or the secret was refused.
    SignInRefused(Reply),
    /// None of the server's ways to sign in is one of ours.
    NoMechanism(String),
    /// NO or BAD, or an SMTP reply that ends the session.
    Refused(Reply),
    /// The folder does not exist, or cannot be selected.
    FolderGone(Reply),
    /// The folder's UIDVALIDITY is not the one that the UIDs belong to: look again before acting.
    Renumbered,
    /// The connection ended: BYE, EOF, reset.
    Closed(String),
    /// Something that is not the protocol.
    Protocol(String),
    /// An OK to something that was not done.
    NotDone(String),
    /// Nobody has connected: the server has not answered other mailboxes either, and is left alone for a while.
    ServerDown(Box<Downtime>),
    /// Nobody has connected: the server, which was down, answers again, and the others come first.
    InLine {
        /// Host and port.
        server: String,
        /// When it is this mailbox's turn.
        turn: Moment,
    },
}

/// A server that does not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Downtime {
    /// Host and port.
    pub server: String,
    /// How many mailboxes have tried in vain.
    pub mailboxes: u32,
    /// Since when.
    pub since: Moment,
    /// When somebody tries again.
    pub again: Moment,
    /// When this mailbox may: it has a place in the line.
    pub turn: Moment,
    /// What was met last.
    pub last: Trouble,
}

/// What happened, to which mailbox, at which step, what the server said, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{mailbox}: {step}: {trouble}")]
pub struct MailError {
    /// The mailbox.
    pub mailbox: Address,
    /// The step.
    pub step: Step,
    /// What went wrong.
    pub trouble: Trouble,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSecret(e) => write!(f, "{e}"),
            Self::Unreachable(s) => write!(f, "the server cannot be reached: {s}"),
            Self::TimedOut(s) => write!(f, "no answer within {s} s"),
            Self::Tls(s) => write!(f, "no trusted TLS connection: {s}"),
            Self::NoStarttls => f.write_str("the server does not offer STARTTLS"),
            Self::EarlyData => f.write_str("data arrived behind the answer to STARTTLS, before TLS began"),
            Self::OverLimit(s) => write!(f, "the server crossed a limit: {s}"),
            Self::SignInRefused(r) => write!(f, "the server refused the sign-in: {r}"),
            Self::NoMechanism(s) => write!(f, "the server offers no way to sign in that fits: it offers {s}"),
            Self::Refused(r) => write!(f, "the server refused: {r}"),
            Self::FolderGone(r) => write!(f, "the folder cannot be opened: {r}"),
            Self::Renumbered => f.write_str("the folder was renumbered (its UIDVALIDITY changed)"),
            Self::Closed(s) => write!(f, "the server closed the connection: {s}"),
            Self::Protocol(s) => write!(f, "the server sent something that cannot be understood: {s}"),
            Self::NotDone(s) => write!(f, "the server said OK and did not do it: {s}"),
            // Without the next try and the number of tries: the same outage is said in the same words.
            Self::ServerDown(down) => write!(f, "{} has not answered since {}: {}", down.server, down.since, down.last),
            Self::InLine { server, .. } => write!(f, "{server} answers again, and the others come first"),
        }
    }
}

impl MailError {
    /// An error of `mailbox` at `step`.
    pub fn new(mailbox: &Address, step: Step, trouble: Trouble) -> Self {
        Self { mailbox: mailbox.clone(), step, trouble }
    }

    /// Whether a person has to act before this mailbox can sign in again.
    pub fn is_sign_in(&self) -> bool {
        match &self.trouble {
            Trouble::SignInRefused(r) => !r.is_transient(),
            Trouble::NoSecret(_) | Trouble::NoMechanism(_) => true,
            _ => false,
        }
    }

    /// Whether the session is of no more use.
    pub fn is_connection_lost(&self) -> bool {
        !matches!(self.trouble, Trouble::Refused(_) | Trouble::FolderGone(_) | Trouble::Renumbered | Trouble::NotDone(_))
    }

    /// What to do about it, in a sentence or two.
    pub fn hint(&self) -> String {
        self.trouble.hint()
    }

    /// When it may be tried again, where that was said instead of connecting.
    pub fn turn(&self) -> Option<Moment> {
        match &self.trouble {
            Trouble::ServerDown(down) => Some(down.turn),
            Trouble::InLine { turn, .. } => Some(*turn),
            _ => None,
        }
    }
}

impl Trouble {
    /// What to do about it, in a sentence or two.
    pub fn hint(&self) -> String {
        match self {
            Self::NoSecret(e) => e.hint(),
            Self::Unreachable(_) => "check host and port in preheat.yaml, and that this machine may reach them (many hosters block outgoing 465 and 587)".into(),
            Self::TimedOut(_) => "the server is slow or a firewall swallows packets; preheat tries again later by itself".into(),
            Self::Tls(_) => "the host in preheat.yaml must be a name on the server's certificate; for a CA of your own set `ca_file`".into(),
            Self::NoStarttls => "use port 465 (SMTP) or 993 (IMAP) with `tls: implicit`; if the server should offer STARTTLS, somebody between you and it may be stripping it".into(),
            Self::EarlyData => "do not send over this network: somebody may be injecting commands; try `tls: implicit`".into(),
            Self::OverLimit(_) | Self::Protocol(_) => "the server does not behave like a mail server; check host and port".into(),
            Self::SignInRefused(r) if r.is_transient() => "the server says this may pass; preheat tries again later by itself".into(),
            Self::SignInRefused(_) => "check user and secret; Gmail, Yahoo, iCloud, Zoho and Fastmail want an app password, Microsoft wants OAuth2 (`auth: xoauth2`)".into(),
            Self::NoMechanism(_) => "set `auth:` to one that the server offers, or use TLS: many servers offer sign-in only inside it".into(),
            Self::Refused(_) => "the server's words say why; preheat tries again later by itself".into(),
            Self::FolderGone(_) => "the folder was renamed or deleted; preheat reads the folder list again, or set `spam_folder:`".into(),
            Self::Renumbered => "preheat reads the folder's last days again by itself".into(),
            Self::Closed(_) => "preheat connects again by itself".into(),
            Self::NotDone(_) => "preheat tries again later by itself, and gives up after two days; see whether a message can be moved there by hand".into(),
            Self::ServerDown(down) => format!(
                "{} mailboxes have tried it in vain. It is tried again at {} by one of them, and all come back when it answers; other servers' mailboxes go on. If it lasts: {}",
                down.mailboxes, down.again, down.last.hint()
            ),
            Self::InLine { turn, .. } => format!("this mailbox's turn is at {turn}"),
        }
    }
}
