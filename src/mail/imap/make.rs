//! Making a folder of our own, where the user's folders are.

use super::Imap;
use super::answer::Listed;
use super::exec::{Stream, quoted_name};
use super::folders::{Namespaces, is_usable};
use super::names::{fold, folder_name};
use super::utf7;
use crate::mail::{FolderName, MailError, Step, Trouble};
use crate::words::Reply;

impl<S: Stream> Imap<S> {
    /// The user's own folder of this name; made and subscribed to where there is none.
    ///
    /// # Errors
    /// The server's NO to CREATE, unless it says ALREADYEXISTS (RFC 5530).
    pub(super) async fn find_or_make(&mut self, name: &str) -> Result<FolderName, MailError> {
        let (listed, namespaces) = self.listed().await?;
        if let Some(there) = listed.iter().find(|f| is_usable(f) && is_own(f, name, &namespaces)) {
            return Ok(folder_name(&there.wire));
        }
        let wire = format!("{}{}", prefix(&listed, &namespaces), utf7::encode(name));
        let quoted = quoted_name(&wire).ok_or_else(|| {
            let reply = Reply::new(Reply::NO, "a folder of this name cannot be asked for");
            self.talk.error(Step::Create, Trouble::Refused(reply))
        })?;
        match self.talk.exec(Step::Create, &format!("CREATE {}", *quoted)).await {
            Err(e) if !exists_already(&e) => return Err(e),
            _ => {}
        }
        // Most clients show what is subscribed to and nothing else. A server without subscriptions shows everything.
        match self.talk.exec(Step::Create, &format!("SUBSCRIBE {}", *quoted)).await {
            Err(e) if e.is_connection_lost() => Err(e),
            _ => Ok(folder_name(&wire)),
        }
    }
}

/// Whether a folder is the user's own and has this name, in whatever case and on the first level.
fn is_own(folder: &Listed, name: &str, namespaces: &Namespaces) -> bool {
    let Some(path) = namespaces.own_path(&folder.wire) else { return false };
    let shown = folder_name(path).shown;
    let below_inbox = folder.delimiter.and_then(|d| shown.strip_prefix("INBOX").and_then(|rest| rest.strip_prefix(d)));
    fold(below_inbox.unwrap_or(&shown)) == fold(name)
}

/// What a new folder's name begins with: the namespace's prefix. A server without NAMESPACE shows by its folders that all are below INBOX.
fn prefix(listed: &[Listed], namespaces: &Namespaces) -> String {
    let own = namespaces.own_prefix();
    if !own.is_empty() {
        return own.to_owned();
    }
    let mut others = listed.iter().filter(|f| !f.wire.eq_ignore_ascii_case("INBOX")).peekable();
    let delimiter = others.peek().and_then(|f| f.delimiter);
    let below = delimiter.map(|d| format!("INBOX{d}"));
    below.filter(|below| others.all(|f| f.wire.starts_with(below.as_str()))).unwrap_or_default()
}

fn exists_already(error: &MailError) -> bool {
    matches!(&error.trouble, Trouble::Refused(reply) if reply.text.starts_with("NO [ALREADYEXISTS]"))
}
