//! The gate before every mail server: [`Access`] around any other, with limits and a breaker for each server.
//!
//! What a mailbox does at its server is its own affair, with a back-off of its own ([`run`](crate::run)). What is common to all mailboxes of a server
//! (host and port) is kept here: how many of them sign in at once, hand letters over at once and listen at once, and whether the server is there at all.
//!
//! - A **provider** is its servers: what `config/providers.yaml` says of it holds for each of them.
//! - An **account** has limits too. A mailbox has one SMTP session and one IMAP session at most, so they hold by themselves.
//! - SMTP sessions are counted while a letter is on its way, so that one which is kept open for the next letter keeps nobody from sending.
//! - IMAP sessions that are open are not limited, only those that listen: who finds no place listens not, and looks every few minutes instead. So nobody
//!   who holds a session all day can keep another from being looked at.
//! - Nobody who hangs holds a place ([`places`]).
//! - A server that several mailboxes find silent is left alone, and comes back to few at a time ([`breaker`]).
//!
//! Plan time and chance come from outside, so that a rehearsal goes through the same gate.

pub mod breaker;
pub mod places;
mod sessions;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::Notify;

use self::breaker::{Asked, Breaker, Later};
use self::places::{Place, Places, while_quick};
use self::sessions::{GatedInbox, GatedOutbox};
use super::wire::Protocol;
use super::{Access, Inbox, MailError, Outbox, Step, Trouble};
use crate::chance::Seed;
use crate::clock::Clock;
use crate::config::{Mailbox, ProviderFacts, provider_facts};
use crate::words::Address;

/// Which server a mailbox means: what the gate keeps apart.
pub type NameServer = fn(&Mailbox, Protocol) -> String;

/// [`Access`] through the gate.
pub struct GatedAccess {
    access: Arc<dyn Access>,
    clock: Clock,
    seed: Seed,
    name: NameServer,
    servers: Mutex<BTreeMap<String, Arc<Server>>>,
}

/// Host and port: the servers of the real world.
pub fn host_and_port(mailbox: &Mailbox, protocol: Protocol) -> String {
    let server = match protocol {
        Protocol::Smtp => &mailbox.smtp.server,
        Protocol::Imap => &mailbox.imap.server,
    };
    format!("{}:{}", server.host, server.port)
}

impl GatedAccess {
    /// Puts the gate before `access`, with servers as they are by [`host_and_port`]. One for a run: what it knows is forgotten with it.
    pub fn before(access: Arc<dyn Access>, clock: Clock, seed: Seed) -> Self {
        Self { access, clock, seed, name: host_and_port, servers: Mutex::default() }
    }

    /// With servers by other names: a world may have them in another manner than the config says.
    #[must_use]
    pub fn with_servers(self, name: NameServer) -> Self {
        Self { name, ..self }
    }

    fn server(&self, mailbox: &Mailbox, protocol: Protocol) -> Arc<Server> {
        let name = (self.name)(mailbox, protocol);
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(server) = servers.get(&name) {
            return server.clone();
        }
        let server = Arc::new(Server::new(&name, self.seed, provider_facts(mailbox.provider)));
        servers.insert(name, server.clone());
        server
    }

    /// Waits for a place and the breaker's word, then does `sign_in`, and tells the breaker what came of it.
    async fn through<T>(
        &self,
        server: &Arc<Server>,
        mailbox: &Mailbox,
        sign_in: impl Future<Output = Result<T, MailError>>,
    ) -> Result<T, MailError> {
        let (turn, attempt) = server.let_in(&mailbox.address, &self.clock).await?;
        let (_turn, opened) = while_quick(turn, sign_in).await;
        attempt.came_to(opened.as_ref().map(drop), &self.clock);
        opened
    }
}

#[async_trait]
impl Access for GatedAccess {
    async fn open_outbox(&self, mailbox: &Mailbox) -> Result<Box<dyn Outbox>, MailError> {
        let server = self.server(mailbox, Protocol::Smtp);
        let outbox = self.through(&server, mailbox, self.access.open_outbox(mailbox)).await?;
        Ok(Box::new(GatedOutbox::new(outbox, server.outgoing.clone())))
    }

    async fn open_inbox(&self, mailbox: &Mailbox) -> Result<Box<dyn Inbox>, MailError> {
        let server = self.server(mailbox, Protocol::Imap);
        let inbox = self.through(&server, mailbox, self.access.open_inbox(mailbox)).await?;
        // Where as many may listen as there are, the session is as it was.
        Ok(if let Some(listening) = &server.listening { Box::new(GatedInbox::new(inbox, listening.clone())) } else { inbox })
    }
}

/// One server, as all mailboxes see it.
struct Server {
    name: String,
    breaker: Mutex<Breaker>,
    /// Rings when the one who tries for all knows.
    tried: Notify,
    sign_ins: Places,
    outgoing: Places,
    listening: Option<Places>,
}

impl Server {
    fn new(name: &str, seed: Seed, facts: &ProviderFacts) -> Self {
        Self {
            name: name.to_owned(),
            breaker: Mutex::new(Breaker::new(name, seed, facts.sign_ins)),
            tried: Notify::new(),
            sign_ins: Places::new(facts.sign_ins),
            outgoing: Places::new(facts.outgoing),
            listening: facts.listening.map(Places::new),
        }
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is of use to wait for a place: at once, while the breaker is open.
    fn may_come(&self, who: &Address, clock: &Clock) -> Result<(), MailError> {
        let later = self.breaker().turns_away(who, clock.now());
        later.map_or(Ok(()), |later| Err(self.error(who, later)))
    }

    /// Waits for a place to sign in, and for whoever tries for all.
    async fn let_in(self: &Arc<Self>, who: &Address, clock: &Clock) -> Result<(Option<Place>, Attempt), MailError> {
        loop {
            self.may_come(who, clock)?;
            let turn = self.sign_ins.one().await;
            let mut tried = pin!(self.tried.notified());
            // From here on no ringing is missed.
            tried.as_mut().enable();
            let asked = self.breaker().ask(who, clock.now());
            match asked {
                Asked::Enter | Asked::Try => return Ok((turn, Attempt { server: self.clone(), who: who.clone(), is_told: false })),
                Asked::Later(later) => return Err(self.error(who, later)),
                Asked::Wait => {
                    drop(turn);
                    tried.await;
                }
            }
        }
    }

    fn error(&self, who: &Address, later: Later) -> MailError {
        let trouble = match later.down {
            Some(down) => Trouble::ServerDown(Box::new(down)),
            None => Trouble::InLine { server: self.name.clone(), turn: later.at },
        };
        MailError::new(who, Step::Connect, trouble)
    }
}

/// Somebody who was let in. The breaker hears what came of it in any case.
struct Attempt {
    server: Arc<Server>,
    who: Address,
    is_told: bool,
}

impl Attempt {
    fn came_to(mut self, result: Result<(), &MailError>, clock: &Clock) {
        let now = clock.now();
        match word_of(result) {
            Word::Answered => self.server.breaker().answered(now),
            Word::Silent(trouble) => self.server.breaker().silent(&self.who, trouble, now),
            // As when it is dropped.
            Word::Nothing => return,
        }
        self.is_told = true;
        self.server.tried.notify_waiters();
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.is_told {
            self.server.breaker().knows_nothing(&self.who);
            self.server.tried.notify_waiters();
        }
    }
}

/// What a sign-in tells of the server.
enum Word {
    Answered,
    Silent(Trouble),
    Nothing,
}

/// Until somebody signs in, a server does not know who it is: silence by then is the server's own, and 421 is its word for not being there. What it says
/// or does not say to a user and a secret may be that mailbox's affair alone. A certificate that is not trusted, or a secret that is not there, tells nothing:
/// it may be one mailbox's config.
fn word_of(result: Result<(), &MailError>) -> Word {
    let Err(error) = result else { return Word::Answered };
    match (error.step, &error.trouble) {
        (Step::Secret, _) | (_, Trouble::NoSecret(_) | Trouble::Tls(_)) => Word::Nothing,
        (Step::Connect | Step::Tls | Step::Greeting | Step::Ehlo | Step::Starttls, trouble) => match trouble {
            Trouble::Unreachable(_) | Trouble::TimedOut(_) | Trouble::Closed(_) => Word::Silent(trouble.clone()),
            Trouble::Refused(reply) if reply.is_transient() => Word::Silent(trouble.clone()),
            _ => Word::Answered,
        },
        _ => Word::Answered,
    }
}
