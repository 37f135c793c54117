//! [`Access`] over real sockets: secret → wire → SMTP or IMAP.

use std::path::PathBuf;

use async_trait::async_trait;
use secrecy::SecretString;

use super::smtp::{SmtpOutbox, ehlo_name};
use super::wire::{self, Deadlines, GuardedStream, Protocol, Trust};
use super::{Access, Inbox, MailError, Outbox, Step, Trouble};
use crate::config::Mailbox;
use crate::credentials;

/// Signs mailboxes in on their servers. One for the whole program: connections share the CAs that were read.
#[derive(Debug, Default)]
pub struct NetworkAccess {
    trust: Trust,
    deadlines: Deadlines,
    base_dir: PathBuf,
}

impl NetworkAccess {
    /// With the deadlines of [`Deadlines::default`]. Relative paths of secrets stand on `base_dir`, the config's folder; an empty one leaves them as they are.
    pub fn new(base_dir: PathBuf) -> Self {
        Self { base_dir, ..Self::default() }
    }

    /// With other deadlines.
    #[must_use]
    pub fn with_deadlines(mut self, deadlines: Deadlines) -> Self {
        self.deadlines = deadlines;
        self
    }

    /// A guarded stream to the mailbox's IMAP server, beginning with its greeting, not signed in.
    ///
    /// # Errors
    /// [`MailError`] with the step that failed.
    pub async fn open_inbox_stream(&self, mailbox: &Mailbox) -> Result<GuardedStream, MailError> {
        wire::open(&mailbox.imap.server, Protocol::Imap, "", &self.trust, &self.deadlines).await.map_err(|fault| fault.of(&mailbox.address))
    }

    /// The mailbox's secret, read anew.
    ///
    /// # Errors
    /// [`Trouble::NoSecret`] at [`Step::Secret`].
    pub async fn secret(&self, mailbox: &Mailbox) -> Result<SecretString, MailError> {
        credentials::resolve(&mailbox.credential, &self.base_dir)
            .await
            .map_err(|e| MailError::new(&mailbox.address, Step::Secret, Trouble::NoSecret(e)))
    }
}

#[async_trait]
impl Access for NetworkAccess {
    async fn open_outbox(&self, mailbox: &Mailbox) -> Result<Box<dyn Outbox>, MailError> {
        let secret = self.secret(mailbox).await?;
        let stream = wire::open(&mailbox.smtp.server, Protocol::Smtp, &ehlo_name(mailbox), &self.trust, &self.deadlines)
            .await
            .map_err(|fault| fault.of(&mailbox.address))?;
        Ok(Box::new(SmtpOutbox::open(stream, mailbox, &secret, self.deadlines).await?))
    }

    async fn open_inbox(&self, mailbox: &Mailbox) -> Result<Box<dyn Inbox>, MailError> {
        let secret = self.secret(mailbox).await?;
        let stream = self.open_inbox_stream(mailbox).await?;
        super::imap::sign_in(stream, mailbox, &secret).await
    }
}
