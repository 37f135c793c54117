//! One connection and its dialogue: a command goes, one reply comes, within its deadline.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream};
use lettre::transport::smtp::extension::ClientId;

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

    /// Sends the message and its final dot, and gives the reply to it.
    ///
    /// # Errors
    /// As [`exchange`](Self::exchange). The server may have the message all the same.
    pub async fn message(&mut self, limits: &Deadlines, message: &[u8]) -> Result<WireReply, Fault> {
        let mut connection = self.connection.take().ok_or_else(|| gone(Step::Message))?;
        let before = self.meter.written();
        // lettre writes CRLF before the final dot, so that the message's own last CRLF would stand there twice.
        let message = message.strip_suffix(b"\r\n").unwrap_or(message);
        let heard = clock::within(limits.message, connection.message(message)).await;
        let cut_short = matches!(heard, Ok(Err(_))) && self.meter.written() - before <= message.len() as u64;
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

    /// The guard's reply, or why there is none.
    fn settle(
        &mut self,
        connection: AsyncSmtpConnection,
        step: Step,
        limit: Duration,
        heard: Result<Option<lettre::transport::smtp::Error>, clock::TimedOut>,
    ) -> Result<WireReply, Fault> {
        let reply = self.meter.take_reply();
        // A second one can only be a 421 that followed: the guard lets nothing else pass.
        let going = self.meter.take_reply().is_some() || reply.as_ref().is_some_and(|r| r.code == 421);
        // lettre does not like every reply that is one (`250` alone); what it said of the stream itself ends the session.
        let stands = heard.as_ref().is_ok_and(|e| e.as_ref().is_none_or(|e| e.status().is_some() || e.is_response()));
        if stands && !going && reply.is_some() {
            self.connection = Some(connection);
        }
        match (reply, heard) {
            (Some(reply), _) => Ok(self.spoken.out_of(reply)),
            (None, Err(_)) => Err(Fault::new(step, Trouble::TimedOut(limit.as_secs()))),
            (None, Ok(error)) => {
                let trip = self.meter.trip().map(Trip::trouble);
                let trouble = trip.unwrap_or_else(|| error.as_ref().map_or_else(|| gone(step).trouble, |e| stream_trouble(e)));
                Err(Fault::new(step, self.spoken.out_of_trouble(trouble)))
            }
        }
    }
}

/// A reply that is neither what was asked for nor a refusal.
pub(super) fn unexpected(reply: &WireReply, step: Step) -> Fault {
    Fault::new(step, Trouble::Protocol(format!("an answer that does not fit: {}", reply.reply())))
}

fn gone(step: Step) -> Fault {
    Fault::new(step, Trouble::Closed("the session has ended".to_owned()))
}
