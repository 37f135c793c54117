//! [`Access`] over real sockets: secret → wire → SMTP or IMAP.

use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;

use super::gate::places::{Places, while_quick};
use super::smtp::{SmtpOutbox, ehlo_name};
use super::wire::{self, Deadlines, GuardedStream, Protocol, Trust};
use super::{Access, Inbox, MailError, Outbox, Step, Trouble};
use crate::config::Mailbox;
use crate::credentials;

/// How many sign-ins are under way at once, over all servers: a pool of hundreds begins its day without hundreds of handshakes, and of `command:` secrets, in
/// one second. Those that hang do not count. What is common to the mailboxes of one server is the [gate](super::gate)'s.
const SIGN_INS_AT_ONCE: u32 = 24;

/// Signs mailboxes in on their servers. One for the whole program: connections share the CAs that were read.
#[derive(Debug)]
pub struct NetworkAccess {
    trust: Trust,
    deadlines: Deadlines,
    patience: Duration,
    base_dir: PathBuf,
    sign_ins: Places,
}

impl NetworkAccess {
    /// With the deadlines of [`Deadlines::default`]. Relative paths of secrets stand on `base_dir`, the config's folder; an empty one leaves them as they are.
    pub fn new(base_dir: PathBuf) -> Self {
        let (deadlines, patience) = (Deadlines::default(), Duration::MAX);
        Self { base_dir, trust: Trust::default(), deadlines, patience, sign_ins: Places::new(SIGN_INS_AT_ONCE) }
    }

    /// With other deadlines.
    #[must_use]
    pub fn with_deadlines(mut self, deadlines: Deadlines) -> Self {
        self.deadlines = deadlines;
        self
    }

    /// With no more patience than this for any step, of IMAP's too.
    #[must_use]
    pub fn with_patience(mut self, limit: Duration) -> Self {
        self.deadlines = self.deadlines.at_most(limit);
        self.patience = limit;
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
        let sign_in = async {
            let secret = self.secret(mailbox).await?;
            let stream = wire::open(&mailbox.smtp.server, Protocol::Smtp, &ehlo_name(mailbox), &self.trust, &self.deadlines)
                .await
                .map_err(|fault| fault.of(&mailbox.address))?;
            let outbox = SmtpOutbox::open(stream, mailbox, &secret, self.deadlines).await?;
            Ok(Box::new(outbox) as Box<dyn Outbox>)
        };
        while_quick(self.sign_ins.one().await, sign_in).await.1
    }

    async fn open_inbox(&self, mailbox: &Mailbox) -> Result<Box<dyn Inbox>, MailError> {
        let sign_in = async {
            let secret = self.secret(mailbox).await?;
            let stream = self.open_inbox_stream(mailbox).await?;
            super::imap::sign_in(stream, mailbox, &secret, self.patience).await
        };
        while_quick(self.sign_ins.one().await, sign_in).await.1
    }
}
