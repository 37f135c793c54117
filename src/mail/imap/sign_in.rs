//! The greeting, and signing in: AUTHENTICATE PLAIN, LOGIN, XOAUTH2.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use super::answer::{Answer, Code, Datum, Event};
use super::exec::{Dialogue, Stream, quoted};
use crate::clock::within;
use crate::config::{AuthKind, Mailbox};
use crate::mail::spoken::Spoken;
use crate::mail::{MailError, Step, Trouble};
use crate::words::Reply;

/// What a server says it can do, upper case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Capabilities(BTreeSet<String>);

impl Capabilities {
    /// Whether it offers `name` (upper case).
    pub fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// What the server offered and then did not understand.
    pub fn forget(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// The ways to sign in, for people.
    fn mechanisms(&self) -> String {
        let mut offered: Vec<&str> = self.0.iter().filter_map(|c| c.strip_prefix("AUTH=")).collect();
        if !self.has("LOGINDISABLED") {
            offered.push("LOGIN");
        }
        if offered.is_empty() { "none".into() } else { Reply::clean(&offered.join(", ")) }
    }
}

/// Reads the greeting and signs in. Gives what the server can do for a signed-in user.
pub(super) async fn sign_in<S: Stream>(
    talk: &mut Dialogue<S>,
    mailbox: &Mailbox,
    secret: &SecretString,
) -> Result<Capabilities, MailError> {
    let greeted = within(talk.deadlines.command, talk.read(Step::Greeting)).await;
    let before = match talk.in_time(Step::Greeting, greeted)?? {
        Event::Datum(Datum::Code(Code::Capabilities(list))) => Capabilities(list),
        Event::Datum(Datum::Code(_)) => ask(talk, Step::Greeting).await?,
        Event::Bye(text) => return Err(talk.error(Step::Greeting, Trouble::Closed(text))),
        Event::Preauth => {
            let text = "it takes us for signed in already (PREAUTH)";
            return Err(talk.error(Step::Greeting, Trouble::Protocol(text.into())));
        }
        _ => return Err(talk.error(Step::Greeting, Trouble::Protocol("no greeting".into()))),
    };
    talk.spoken = Spoken::of(&mailbox.user, secret);
    let answer = authenticate(talk, mailbox, secret, &before).await.map_err(as_sign_in)?;
    match answer.capabilities() {
        Some(list) => Ok(Capabilities(list.clone())),
        None => ask(talk, Step::SignIn).await,
    }
}

async fn ask<S: Stream>(talk: &mut Dialogue<S>, step: Step) -> Result<Capabilities, MailError> {
    let answer = talk.exec(step, "CAPABILITY").await?;
    Ok(Capabilities(answer.capabilities().cloned().unwrap_or_default()))
}

async fn authenticate<S: Stream>(
    talk: &mut Dialogue<S>,
    mailbox: &Mailbox,
    secret: &SecretString,
    can: &Capabilities,
) -> Result<Answer, MailError> {
    let (user, secret) = (mailbox.user.as_str(), secret.expose_secret());
    let initial = can.has("SASL-IR");
    match mailbox.auth {
        AuthKind::Xoauth2 if can.has("AUTH=XOAUTH2") => {
            let message = base64_of(format!("user={user}\x01auth=Bearer {secret}\x01\x01"));
            talk.authenticate("XOAUTH2", &message, initial).await
        }
        // A NUL ends a field of PLAIN (RFC 4616): neither may hold one.
        AuthKind::Password if can.has("AUTH=PLAIN") && !user.contains('\0') && !secret.contains('\0') => {
            let message = base64_of(format!("\0{user}\0{secret}"));
            talk.authenticate("PLAIN", &message, initial).await
        }
        AuthKind::Password if !can.has("LOGINDISABLED") => {
            let (Some(user), Some(secret)) = (quoted(user), quoted(secret)) else {
                let text = format!(
                    "{}; and LOGIN cannot carry this user or password: it holds a control or a letter beyond ASCII",
                    can.mechanisms()
                );
                return Err(talk.error(Step::SignIn, Trouble::NoMechanism(text)));
            };
            let command = Zeroizing::new(format!("LOGIN {} {}", user.as_str(), secret.as_str()));
            talk.exec(Step::SignIn, &command).await
        }
        AuthKind::Xoauth2 | AuthKind::Password => Err(talk.error(Step::SignIn, Trouble::NoMechanism(can.mechanisms()))),
    }
}

/// Base64, of a text that holds a secret: both are wiped from memory after use.
fn base64_of(message: String) -> Zeroizing<String> {
    let message = Zeroizing::new(message);
    Zeroizing::new(STANDARD.encode(message.as_bytes()))
}

/// A refusal while signing in is about the user, not about a command.
fn as_sign_in(mut error: MailError) -> MailError {
    if let Trouble::Refused(reply) = error.trouble {
        error.trouble = Trouble::SignInRefused(reply);
    }
    error
}
