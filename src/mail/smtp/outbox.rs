//! A signed-in SMTP session: letters are offered, then handed over.

use async_trait::async_trait;
use lettre::transport::smtp::client::AsyncTokioStream;
use secrecy::SecretString;

use super::lines::check_lines;
use super::session::{Session, unexpected};
use super::{auth, offers::Offers};
use crate::config::Mailbox;
use crate::mail::wire::{Deadlines, Fault, Guard, WireReply};
use crate::mail::{Envelope, Handover, MailError, Offer, Outbox, Refusal, Step, Trouble};
use crate::words::{Address, Reply};

/// An SMTP session of one mailbox.
pub struct SmtpOutbox {
    session: Session,
    offers: Offers,
    mailbox: Address,
    deadlines: Deadlines,
    /// Whether the server said 354 and waits for the bytes.
    ready: bool,
}

impl SmtpOutbox {
    /// Reads the greeting from the stream, says EHLO and signs in.
    ///
    /// # Errors
    /// [`MailError`] with the step; [`Trouble::SignInRefused`] and [`Trouble::NoMechanism`] need a person.
    pub async fn open<S>(stream: Guard<S>, mailbox: &Mailbox, secret: &SecretString, deadlines: Deadlines) -> Result<Self, MailError>
    where
        Guard<S>: AsyncTokioStream + 'static,
    {
        let opened = async {
            let (mut session, offers) = Session::begin(stream, &ehlo_name(mailbox), deadlines.greeting).await?;
            auth::sign_in(&mut session, &offers, mailbox.auth, &mailbox.user, secret, &deadlines).await?;
            Ok((session, offers))
        };
        let (session, offers) = opened.await.map_err(|fault: Fault| fault.of(&mailbox.address))?;
        Ok(Self { session, offers, mailbox: mailbox.address.clone(), deadlines, ready: false })
    }

    async fn offer_letter(&mut self, envelope: &Envelope) -> Result<Offer, Fault> {
        if std::mem::take(&mut self.ready) {
            // The server waits for a message, and would take every command for a line of it.
            self.session.close();
            return Err(Fault::new(Step::MailFrom, Trouble::Closed("the letter before was never handed over".to_owned())));
        }
        let size = if self.offers.size { format!(" SIZE={}", envelope.size) } else { String::new() };
        let dialogue = [
            (Step::MailFrom, format!("MAIL FROM:<{}>{size}\r\n", envelope.from)),
            (Step::RcptTo, format!("RCPT TO:<{}>\r\n", envelope.to)),
            (Step::Data, "DATA\r\n".to_owned()),
        ];
        let offered = if self.offers.pipelining { self.offer_at_once(&dialogue).await? } else { self.offer_in_turn(&dialogue).await? };
        if offered == Offer::Ready && !self.session.is_open() {
            // A 421 came right behind the 354: not a byte of the message will go.
            return Err(Fault::new(Step::Data, Trouble::Closed("it ended the session behind its 354".to_owned())));
        }
        self.ready = offered == Offer::Ready;
        Ok(offered)
    }

    /// Each command after the reply to the one before.
    async fn offer_in_turn(&mut self, dialogue: &[(Step, String)]) -> Result<Offer, Fault> {
        for (step, command) in dialogue {
            let reply = self.session.exchange(*step, self.deadlines.command, command).await?;
            if let Some(refused) = self.judge(*step, &reply)? {
                self.clear().await;
                return Ok(refused);
            }
        }
        Ok(Offer::Ready)
    }

    /// All commands in one go (RFC 2920): a letter waits for the server twice, not four times. The first refusal is the letter's; what the server
    /// says to the commands behind it only follows from it.
    async fn offer_at_once(&mut self, dialogue: &[(Step, String)]) -> Result<Offer, Fault> {
        let (replies, missing) = self.session.pipeline(self.deadlines.command, dialogue).await;
        for ((step, _), reply) in dialogue.iter().zip(&replies) {
            if let Some(refused) = self.judge(*step, reply)? {
                // A server may say 354 all the same (§3.1): every command would be a line of the message now, and its end a message of nothing.
                if replies.get(dialogue.len() - 1).is_some_and(WireReply::is_refusal) {
                    self.clear().await;
                } else {
                    self.session.close();
                }
                return Ok(refused);
            }
        }
        missing.map_or(Ok(Offer::Ready), Err)
    }

    /// A refusal, or `None` where the reply is what the step asks for.
    ///
    /// # Errors
    /// It is neither: the session has ended.
    fn judge(&mut self, step: Step, reply: &WireReply) -> Result<Option<Offer>, Fault> {
        if reply.is_refusal() {
            return Ok(Some(Offer::Refused(Refusal { step, reply: reply.reply() })));
        }
        let fits = if step == Step::Data { reply.code == 354 } else { reply.is_done() };
        if fits {
            return Ok(None);
        }
        self.session.close();
        Err(unexpected(reply, step))
    }

    /// Clears the server's mind for the next letter. A server that does not answer RSET has ended the session; the refusal stands.
    async fn clear(&mut self) {
        if self.session.is_open() {
            let cleared = self.session.exchange(Step::Close, self.deadlines.command, "RSET\r\n").await;
            if !cleared.is_ok_and(|r| r.is_done()) {
                self.session.close();
            }
        }
    }
}

#[async_trait]
impl Outbox for SmtpOutbox {
    async fn offer(&mut self, envelope: &Envelope) -> Result<Offer, MailError> {
        let offered = self.offer_letter(envelope).await;
        if offered.is_err() {
            self.session.close();
        }
        offered.map_err(|fault| fault.of(&self.mailbox))
    }

    /// A message with a lone CR or LF is not sent: [`Handover::Refused`] with a 554 of preheat's own, and the session ends (the server waits
    /// for a message that will not come). See [`check_lines`].
    ///
    /// Where writing fails before the final dot can have gone out, the answer is [`Handover::Uncertain`] all the same: bytes that the
    /// operating system took may have gone to the server or not, and a server that ends a message at the end of the connection exists.
    async fn hand_over(&mut self, message: &[u8]) -> Handover {
        if !std::mem::take(&mut self.ready) {
            return Handover::Uncertain("bytes were handed over without the server's 354".to_owned());
        }
        if let Err(bad) = check_lines(message) {
            self.session.close();
            return Handover::Refused(Reply::new(554, &format!("5.6.0 not sent by preheat: {bad}")));
        }
        match self.session.message(&self.deadlines, message).await {
            Ok(reply) if reply.is_done() => Handover::Accepted(reply.reply()),
            Ok(reply) if reply.is_refusal() => Handover::Refused(reply.reply()),
            Ok(reply) => {
                self.session.close();
                Handover::Uncertain(format!("an answer that does not fit: {}", reply.reply()))
            }
            Err(fault) => Handover::Uncertain(fault.trouble.to_string()),
        }
    }

    fn is_open(&self) -> bool {
        self.session.is_open()
    }

    fn abandon(mut self: Box<Self>) {
        self.session.close();
    }

    async fn sign_out(mut self: Box<Self>) {
        // QUIT inside DATA would be a line of the message.
        if !self.ready && self.session.is_open() {
            let _ = self.session.exchange(Step::Close, self.deadlines.close, "QUIT\r\n").await;
        }
    }
}

/// The config's name, if a command line can hold it.
pub(in crate::mail) fn ehlo_name(mailbox: &Mailbox) -> String {
    let name = &mailbox.smtp.ehlo;
    let holds = !name.is_empty() && name.len() <= 255 && name.bytes().all(|b| b.is_ascii_graphic());
    if holds { name.clone() } else { mailbox.address.domain().to_string() }
}
