//! A session: what to say to each line. It neither reads nor waits.

use std::sync::Arc;

use super::auth::{self, Exchange, TOKEN_REFUSED, Turn};
use super::commands::{self, Command};
use super::connections::{Connections, Seat};
use super::{Face, MOST_BYTES};
use crate::clock::Clock;
use crate::words::{Address, Moment};
use crate::world::{Barred, Personality, World, refused_sign_in};

/// Recipients of one message (RFC 5321 §4.5.3.1.8).
const RECIPIENTS: usize = 100;
/// Faults of a client before it is shown the door.
const FAULTS: u32 = 20;

/// What is said, and what comes then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Lines with their ends; may be empty.
    pub text: String,
    /// What comes then.
    pub then: Then,
}

/// What comes after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// The next line.
    Next,
    /// A message.
    Message,
    /// TLS.
    Tls,
    /// The end, in good order.
    Close,
    /// The end, without a word.
    Break,
}

impl Answer {
    fn of(line: &str, then: Then) -> Self {
        Self { text: format!("{line}\r\n"), then }
    }

    fn next(line: &str) -> Self {
        Self::of(line, Then::Next)
    }

    /// A last word.
    pub fn close(line: &str) -> Self {
        Self::of(line, Then::Close)
    }

    fn broken() -> Self {
        Self { text: String::new(), then: Then::Break }
    }
}

/// How the client has introduced itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Greeted {
    No,
    Helo,
    Ehlo,
}

/// A message that is being offered.
#[derive(Debug)]
struct Mail {
    from: Option<Address>,
    to: Vec<Address>,
}

/// One client's session.
pub struct Session {
    world: Arc<World>,
    clock: Clock,
    face: Face,
    connections: Arc<Connections>,
    offers_tls: bool,
    over_tls: bool,
    greeted: Greeted,
    signing_in: Option<Exchange>,
    seat: Option<Seat>,
    mail: Option<Mail>,
    faults: u32,
}

impl Session {
    /// A client that has said nothing yet.
    pub fn new(world: Arc<World>, clock: Clock, face: Face, connections: Arc<Connections>, offers_tls: bool, over_tls: bool) -> Self {
        let (greeted, signing_in, seat, mail) = (Greeted::No, None, None, None);
        Self { world, clock, face, connections, offers_tls, over_tls, greeted, signing_in, seat, mail, faults: 0 }
    }

    /// The first word.
    pub fn greeting(&self) -> String {
        format!("220 localhost ESMTP preheat sandbox, {}: this mail world is modelled\r\n", self.face.personality)
    }

    /// A line that is too long.
    pub fn too_long(&mut self) -> Answer {
        self.signing_in = None;
        self.fault("500 5.5.6 Error: line too long")
    }

    /// A line, without its end: a command, or a response of AUTH.
    pub fn line(&mut self, line: &[u8]) -> Answer {
        if let Some(exchange) = self.signing_in.take() {
            let turn = exchange.take(line);
            return self.turn(turn);
        }
        if self.breaks_off() {
            return Answer::broken();
        }
        match commands::parse(line) {
            Ok(command) => self.command(command),
            Err(refusal) => self.fault(&refusal),
        }
    }

    /// The message after a 354; `None`: it was too large.
    pub fn message(&mut self, bytes: Option<&[u8]>) -> Answer {
        let mail = self.mail.take();
        let Some(bytes) = bytes else { return Answer::next("552 5.3.4 Error: message file too big") };
        let (Some(Mail { from: Some(from), to }), Some(seat)) = (mail, &self.seat) else {
            return Answer::next("503 5.5.1 Error: need RCPT command");
        };
        let (account, now) = (seat.account(), self.clock.now());
        if self.is_unreachable(now) {
            return Answer::broken();
        }
        if self.world.breaks_now(account, now) {
            // Nobody hears the word; half of the time there was one.
            if self.connections.taken_at_break() {
                self.world.submit(account, &from, &to, bytes, false, now);
            }
            return Answer::broken();
        }
        Answer::next(&self.world.submit(account, &from, &to, bytes, true, now).to_string())
    }

    fn command(&mut self, command: Command) -> Answer {
        match command {
            Command::Ehlo => self.ehlo(),
            Command::Helo => {
                (self.greeted, self.mail) = (Greeted::Helo, None);
                Answer::next("250 localhost")
            }
            Command::StartTls => self.start_tls(),
            Command::Auth(mechanism, initial) => match self.may_begin_auth() {
                Ok(()) => {
                    let turn = mechanism.begin(initial.as_deref());
                    self.turn(turn)
                }
                Err(refusal) => self.fault(refusal),
            },
            Command::Mail(from, size) => self.mail(&from, size),
            Command::Rcpt(to) => self.rcpt(&to),
            Command::Data => self.data(),
            Command::Rset => {
                self.mail = None;
                Answer::next("250 2.0.0 Ok")
            }
            Command::Noop => Answer::next("250 2.0.0 Ok"),
            Command::Vrfy => Answer::next("252 2.0.0 Send some mail, and see"),
            Command::Help => Answer::next("214 2.0.0 This is preheat's sandbox; RFC 5321 tells the commands"),
            Command::Quit => Answer::close("221 2.0.0 Bye"),
        }
    }

    fn ehlo(&mut self) -> Answer {
        (self.greeted, self.mail) = (Greeted::Ehlo, None);
        let mut text = format!("250-localhost\r\n250-PIPELINING\r\n250-SIZE {MOST_BYTES}\r\n250-8BITMIME\r\n");
        if self.offers_tls {
            text.push_str("250-STARTTLS\r\n");
        }
        if self.over_tls || self.face.plain_sign_in {
            text.push_str("250-AUTH PLAIN LOGIN XOAUTH2\r\n");
        }
        text.push_str("250-HELP\r\n250 ENHANCEDSTATUSCODES\r\n");
        Answer { text, then: Then::Next }
    }

    fn start_tls(&mut self) -> Answer {
        if self.offers_tls {
            Answer::of("220 2.0.0 Ready to start TLS", Then::Tls)
        } else {
            self.fault("503 5.5.1 Error: TLS is not offered")
        }
    }

    fn may_begin_auth(&self) -> Result<(), &'static str> {
        match self.greeted {
            _ if !self.over_tls && !self.face.plain_sign_in => Err("530 5.7.0 Must issue a STARTTLS command first"),
            Greeted::Ehlo if self.seat.is_some() => Err("503 5.5.1 Error: already authenticated"),
            Greeted::Ehlo => Ok(()),
            _ => Err("503 5.5.1 Error: send EHLO first"),
        }
    }

    fn turn(&mut self, turn: Turn) -> Answer {
        match turn {
            Turn::Challenge(text, next) => {
                self.signing_in = Some(next);
                Answer { text: auth::challenge(&text), then: Then::Next }
            }
            Turn::Refused(refusal) => self.fault(&refusal),
            Turn::Try { user, secret, token } => match self.sign_in(&user, &secret) {
                Ok(account) => self.take_seat(&account),
                // The sandbox has no silence: the connection ends.
                Err(Barred::Unreachable | Barred::Silent) => Answer::broken(),
                Err(Barred::Refused(reply)) if token => {
                    self.signing_in = Some(Exchange::TokenRefused(reply.to_string()));
                    Answer { text: auth::challenge(TOKEN_REFUSED), then: Then::Next }
                }
                Err(Barred::Refused(reply)) => self.fault(&reply.to_string()),
            },
        }
    }

    /// The account of a name and its secret. The words do not tell which of the two is wrong.
    fn sign_in(&self, user: &str, secret: &str) -> Result<Address, Barred> {
        let refused = || Barred::Refused(refused_sign_in(Some(self.face.personality)));
        let account = self.world.account_of_user(user);
        let known = account.as_ref().and_then(|a| {
            self.world.with_account(a, |a| a.spec.secret.clone().filter(|_| a.spec.personality == self.face.personality)).flatten()
        });
        // Somebody who is not there takes as long as somebody who is.
        let is_right = auth::is_same_secret(known.as_deref().unwrap_or("nobody"), secret) && known.is_some();
        let account = account.filter(|_| is_right).ok_or_else(refused)?;
        self.world.may_sign_in(&account, self.clock.now())?;
        Ok(account)
    }

    fn take_seat(&mut self, account: &Address) -> Answer {
        self.seat = self.connections.enter(account, self.face.personality.traits().smtp_connections);
        if self.seat.is_some() {
            return Answer::next("235 2.7.0 Authentication successful");
        }
        match self.face.personality {
            Personality::Microsoft => Answer::next("432 4.3.2 Concurrent connections limit exceeded"),
            _ => Answer::close("421 4.7.0 Error: too many connections"),
        }
    }

    fn mail(&mut self, from: &str, size: usize) -> Answer {
        if self.greeted == Greeted::No {
            return self.fault("503 5.5.1 Error: send HELO/EHLO first");
        }
        if self.seat.is_none() {
            let needs_tls = !self.over_tls && !self.face.plain_sign_in;
            let why = if needs_tls { "530 5.7.0 Must issue a STARTTLS command first" } else { "530 5.7.0 Authentication required" };
            return self.fault(why);
        }
        if self.mail.is_some() {
            return self.fault("503 5.5.1 Error: nested MAIL command");
        }
        if size > MOST_BYTES {
            return Answer::next("552 5.3.4 Message size exceeds fixed limit");
        }
        // `<>` and what is no address here may be said; that it is not the account's own is told at RCPT, as Postfix does.
        self.mail = Some(Mail { from: Address::parse(from).ok(), to: Vec::new() });
        Answer::next("250 2.1.0 Ok")
    }

    fn rcpt(&mut self, to: &str) -> Answer {
        let (Some(mail), Some(seat)) = (&mut self.mail, &self.seat) else {
            return self.fault("503 5.5.1 Error: need MAIL command");
        };
        if mail.to.len() >= RECIPIENTS {
            return Answer::next("452 4.5.3 Error: too many recipients");
        }
        let Some(from) = &mail.from else { return Answer::next("553 5.7.1 Sender address rejected: not owned by user") };
        let Ok(to) = Address::parse(to) else { return self.fault("501 5.1.3 Bad recipient address syntax") };
        match self.world.offer(seat.account(), from, &to, self.clock.now()) {
            Ok(()) => {
                if !mail.to.contains(&to) {
                    mail.to.push(to);
                }
                Answer::next("250 2.1.5 Ok")
            }
            // RFC 5321 §3.8.
            Err(reply) if reply.code == 421 => Answer::close(&reply.to_string()),
            Err(reply) => Answer::next(&reply.to_string()),
        }
    }

    fn data(&mut self) -> Answer {
        match &self.mail {
            None => self.fault("503 5.5.1 Error: need MAIL command"),
            Some(mail) if mail.to.is_empty() => Answer::next("554 5.5.1 Error: no valid recipients"),
            Some(_) => Answer::of("354 End data with <CR><LF>.<CR><LF>", Then::Message),
        }
    }

    /// A refusal that is the client's own fault: there is an end to them.
    fn fault(&mut self, refusal: &str) -> Answer {
        self.faults += 1;
        if self.faults > FAULTS { Answer::close("421 4.7.0 Error: too many errors") } else { Answer::next(refusal) }
    }

    /// Whether the connection breaks before this command, by the conditions of the world.
    fn breaks_off(&self) -> bool {
        let now = self.clock.now();
        self.seat.as_ref().is_some_and(|seat| self.is_unreachable(now) || self.world.breaks_now(seat.account(), now))
    }

    fn is_unreachable(&self, now: Moment) -> bool {
        self.seat.as_ref().is_some_and(|seat| self.world.may_sign_in(seat.account(), now) == Err(Barred::Unreachable))
    }
}
