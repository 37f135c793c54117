//! One folder at a time: selecting it, and whether UIDs still mean what they meant.

use super::Imap;
use super::answer::{Answer, Code};
use super::exec::{Counts, Stream, quoted_name};
use crate::mail::{FolderName, MailError, Step, Trouble};
use crate::words::Reply;

/// The folder that is selected.
#[derive(Clone, Debug)]
pub(super) struct Selected {
    pub wire: String,
    pub uid_validity: u32,
    /// The UID of the next message to come, at least; 0 where the server did not say.
    pub uid_next: u32,
    pub read_only: bool,
    /// Flags that can be set for good; `None` where the server did not say, which means any (RFC 3501 §7.1).
    pub permanent: Option<Vec<String>>,
}

impl<S: Stream> Imap<S> {
    /// Selects `folder`, or asks for what changed in it (NOOP) where it is selected already. Afterwards it is selected and up to date.
    ///
    /// # Errors
    /// NO as [`Trouble::FolderGone`], unless the server says that it may pass.
    pub(super) async fn enter(&mut self, folder: &FolderName) -> Result<Selected, MailError> {
        const STEP: Step = Step::Select;
        if let Some(selected) = self.selected.as_ref().filter(|s| s.wire == folder.wire).cloned() {
            self.talk.exec(STEP, "NOOP").await?;
            return Ok(selected);
        }
        self.selected = None;
        self.talk.counts = Counts::default();
        let name = self.name_for(STEP, folder)?;
        let answer = self.talk.exec(STEP, &format!("SELECT {name}")).await.map_err(as_gone)?;
        let selected = Selected::read(folder, &answer).ok_or_else(|| {
            self.talk.error(STEP, Trouble::Protocol("SELECT without UIDVALIDITY: this server has no lasting UIDs".into()))
        })?;
        self.talk.counts.news = false;
        self.selected = Some(selected.clone());
        Ok(selected)
    }

    /// The same, for acting on UIDs that belong to `uid_validity`.
    ///
    /// # Errors
    /// [`Trouble::Renumbered`] where they belong to another life of the folder.
    pub(super) async fn enter_for(&mut self, folder: &FolderName, uid_validity: u32) -> Result<Selected, MailError> {
        let selected = self.enter(folder).await?;
        if selected.uid_validity == uid_validity { Ok(selected) } else { Err(self.talk.error(Step::Select, Trouble::Renumbered)) }
    }

    /// A folder's name for a command.
    pub(super) fn name_for(&self, step: Step, folder: &FolderName) -> Result<String, MailError> {
        quoted_name(&folder.wire)
            .map(|name| name.to_string())
            .ok_or_else(|| self.talk.error(step, Trouble::FolderGone(Reply::new(Reply::NO, "a folder of this name cannot be asked for"))))
    }
}

impl Selected {
    fn read(folder: &FolderName, answer: &Answer) -> Option<Self> {
        let mut selected = Self { wire: folder.wire.clone(), uid_validity: 0, uid_next: 0, read_only: false, permanent: None };
        for code in answer.codes() {
            match code {
                Code::UidValidity(value) => selected.uid_validity = *value,
                Code::UidNext(uid) => selected.uid_next = *uid,
                Code::ReadOnly => selected.read_only = true,
                Code::PermanentFlags(flags) => selected.permanent = Some(flags.clone()),
                _ => {}
            }
        }
        (selected.uid_validity > 0).then_some(selected)
    }

    /// Whether the server's numbers went back: a message that was read before has a UID that the next one to come is not above (RFC 3501 §2.3.1.1
    /// forbids it). A folder that was put back from a backup is like that, and a server that once told a UID out of all proportion: to go on from the
    /// cursor would mean to see nothing of the folder any more.
    pub fn is_behind(&self, read_to: u32) -> bool {
        self.uid_next > 0 && read_to >= self.uid_next
    }

    /// Messages were seen since it was selected, and the server does not say UIDNEXT again.
    pub fn has_reached(&mut self, next: u32) {
        if self.uid_next > 0 {
            self.uid_next = self.uid_next.max(next);
        }
    }

    /// Whether a system flag or a keyword that is in use can be set for good.
    pub fn permits(&self, flag: &str) -> bool {
        let listed = |name: &str| self.permanent.as_ref().is_none_or(|flags| flags.iter().any(|f| f.eq_ignore_ascii_case(name)));
        !self.read_only && (listed(flag) || (!flag.starts_with('\\') && listed("\\*")))
    }
}

/// A NO that is about the folder itself.
pub(super) fn as_gone(mut error: MailError) -> MailError {
    if let Trouble::Refused(reply) = &error.trouble
        && reply.code == Reply::NO
    {
        error.trouble = Trouble::FolderGone(reply.clone());
    }
    error
}
