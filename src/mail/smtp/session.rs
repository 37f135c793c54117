//! One connection and its dialogue: a command goes, one reply comes, within its deadline; or several go, and as many replies come.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::extension::ClientId;

use super::lines::stuffed;
use super::offers::Offers;
use crate::clock;
use crate::mail::spoken::Spoken;
use crate::mail::wire::{Deadlines, Fault, Guard, Meter, Trip, WireReply, stream_trouble};
use crate::mail::{Step, Trouble};

/// A connection that said EHLO. Dropped at the first fault, for nothing that comes later can be believed.
pub(super) struct Session {
    connection: Option<AsyncSmtpConnection>,
    meter: Arc<Meter>,
    /// The secret that was said on it, which no reply and no error may quote.
    pub spoken: Spoken,
}

impl Session {
    /// Reads the greeting, says EHLO and reads what is offered, all within `limit`.
    pub async fn begin<S>(stream: Guard<S>, ehlo: &str, limit: Duration) -> Result<(Self, Offers), Fault>
    where
        Guard<S>: AsyncTokioStream + 'static,
    {
        let meter = stream.meter();
        let id = ClientId::Domain(ehlo.to_owned());
        let opened = clock::within(limit, AsyncSmtpConnection::connect_with_transport(Box::new(stream), &id)).await;
        // Whatever lettre makes of them: the replies say how far it came. A refused EHLO is followed by one to lettre's own QUIT.
        let greeting = meter.take_reply();
        let answer = meter.take_reply();
        let why = |step| match &opened {
            Err(_) => Fault::new(step, Trouble::TimedOut(limit.as_secs())),
            Ok(Err(e)) => Fault::new(step, meter.trip().map_or_else(|| stream_trouble(e), Trip::trouble)),
            Ok(Ok(_)) => Fault::new(step, Trouble::Protocol("a reply is missing".to_owned())),
        };
        let greeting = greeting.ok_or_else(|| why(Step::Greeting))?;
        greeting.expect(220, Step::Greeting)?;
        let answer = answer.ok_or_else(|| why(Step::Ehlo))?;
        answer.expect(250, Step::Ehlo)?;
        match opened {
            Ok(Ok(connection)) => Ok((Self { connection: Some(connection), meter, spoken: Spoken::default() }, Offers::read(&answer))),
            // Two good replies that lettre does not like; a time-out then was one of its own QUIT.
            _ => Err(Fault::new(Step::Ehlo, Trouble::Protocol("an answer to EHLO that names no server".to_owned()))),
        }
    }

    /// Whether the connection still stands.
    pub fn is_open(&self) -> bool {
        self.connection.is_some()
    }

    /// Drops the connection where it stands.
    pub fn close(&mut self) {
        self.connection = None;
    }

    /// Sends one command (with its CRLF) and gives the one reply to it, whatever its code.
    ///
    /// # Errors
    /// No reply in time, a broken connection, or something that is no SMTP; the connection is dropped then. After a 421 it is dropped too,
    /// and where the caller stops waiting: a reply that came later would be taken for the next command's.
    pub async fn exchange(&mut self, step: Step, limit: Duration, command: impl Display) -> Result<WireReply, Fault> {
        let mut connection = self.connection.take().ok_or_else(|| gone(step))?;
        let heard = clock::within(limit, connection.command(command)).await;
        self.settle(connection, step, limit, heard.map(Result::err))
    }

    /// Sends commands (each with its CRLF) in one go and gives the replies to them, in order, each within `limit` of the one before (RFC 2920 §3.1).
    /// Where there are fewer replies than commands, with why the next one is missing, the connection is dropped; so it is after a 421.
    pub async fn pipeline(&mut self, limit: Duration, commands: &[(Step, String)]) -> (Vec<WireReply>, Option<Fault>) {
        let mut replies = Vec::with_capacity(commands.len());
        let Some(mut connection) = self.connection.take() else { return (replies, commands.first().map(|(step, _)| gone(*step))) };
        let together: String = commands.iter().map(|(_, command)| command.as_str()).collect();
        self.meter.expect_replies(commands.len());
        for (n, (step, _)) in commands.iter().enumerate() {
            let heard = match n {
                0 => clock::within(limit, connection.command(&together)).await,
                _ => clock::within(limit, connection.read_response()).await,
            };
            let (reply, stands) = self.reply(*step, limit, heard.map(Result::err));
            match reply {
                Ok(reply) => replies.push(reply),
                Err(fault) => return (replies, Some(fault)),
            }
            if !stands {
                return (replies, commands.get(n + 1).map(|(step, _)| gone(*step)));
            }
        }
        self.keep(connection);
        (replies, None)
    }

    /// Sends the message and its final dot, and gives the reply to it.
    ///
    /// # Errors
    /// As [`exchange`](Self::exchange). The server may have the message all the same.
    pub async fn message(&mut self, limits: &Deadlines, message: &[u8]) -> Result<WireReply, Fault> {
        let mut connection = self.connection.take().ok_or_else(|| gone(Step::Message))?;
        let before = self.meter.written();
        // In one piece where it can be: lettre would write the final dot by itself, which wakes the server once more.
        let (heard, whole) = if let Ok(text) = std::str::from_utf8(message).map(stuffed) {
            (clock::within(limits.message, connection.command(&text)).await, text.len())
        } else {
            // lettre writes CRLF before the final dot, so that the message's own last CRLF would stand there twice.
            let message = message.strip_suffix(b"\r\n").unwrap_or(message);
            (clock::within(limits.message, connection.message(message)).await, message.len() + 1)
        };
        let cut_short = matches!(heard, Ok(Err(_))) && self.meter.written() - before < whole as u64;
        if cut_short {
            // The server hung up on the message: what it said before (552, too large) may still be there to read.
            let _ = clock::within(limits.close, connection.read_response()).await;
        }
        let reply = self.settle(connection, Step::Message, limits.message, heard.map(Result::err))?;
        if cut_short && !reply.is_refusal() {
            return Err(unexpected(&reply, Step::Message));
        }
        Ok(reply)
    }

    /// The guard's reply, or why there is none; the connection is kept where it can be.
    fn settle(&mut self, connection: AsyncSmtpConnection, step: Step, limit: Duration, heard: Heard) -> Result<WireReply, Fault> {
        let (reply, stands) = self.reply(step, limit, heard);
        if stands {
            self.keep(connection);
        }
        reply
    }

    /// Keeps the connection, unless the server said more than it was asked for: that can only be a 421, for the guard lets nothing else pass.
    fn keep(&mut self, connection: AsyncSmtpConnection) {
        if self.meter.take_reply().is_none() {
            self.connection = Some(connection);
        }
    }

    /// The guard's reply, or why there is none, and whether another may follow it.
    fn reply(&mut self, step: Step, limit: Duration, heard: Heard) -> (Result<WireReply, Fault>, bool) {
        let reply = self.meter.take_reply();
        // lettre does not like every reply that is one (`250` alone); what it said of the stream itself ends the session.
        let stands = heard.as_ref().is_ok_and(|e| e.as_ref().is_none_or(|e| e.status().is_some() || e.is_response()));
        let stands = stands && reply.as_ref().is_some_and(|r| r.code != 421);
        let reply = match (reply, heard) {
            (Some(reply), _) => Ok(self.spoken.out_of(reply)),
            (None, Err(_)) => Err(Fault::new(step, Trouble::TimedOut(limit.as_secs()))),
            (None, Ok(error)) => {
                let trip = self.meter.trip().map(Trip::trouble);
                let trouble = trip.unwrap_or_else(|| error.as_ref().map_or_else(|| gone(step).trouble, |e| stream_trouble(e)));
                Err(Fault::new(step, self.spoken.out_of_trouble(trouble)))
            }
        };
        (reply, stands)
    }
}

/// What lettre made of a reply: its error, if it found one, or no reply in time.
type Heard = Result<Option<lettre::transport::smtp::Error>, clock::TimedOut>;

/// A reply that is neither what was asked for nor a refusal.
pub(super) fn unexpected(reply: &WireReply, step: Step) -> Fault {
    Fault::new(step, Trouble::Protocol(format!("an answer that does not fit: {}", reply.reply())))
}

fn gone(step: Step) -> Fault {
    Fault::new(step, Trouble::Closed("the session has ended".to_owned()))
}
