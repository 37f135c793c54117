//! The selected folder as this session knows it: messages have numbers until the client was told of a change.

use std::collections::BTreeSet;

use imap_codec::imap_types::mailbox::Mailbox;
use imap_codec::imap_types::sequence::{SeqOrUid, Sequence, SequenceSet};

use super::answer::{Answer, Done};
use super::session::Session;
use crate::world::Folder;

/// Flags that every server keeps.
pub(super) const SYSTEM_FLAGS: &str = "\\Answered \\Flagged \\Deleted \\Seen \\Draft";

/// The selected folder.
#[derive(Debug)]
pub(super) struct View {
    /// Its name in the world.
    pub folder: String,
    pub uid_validity: u32,
    pub read_only: bool,
    /// Its messages, by their numbers.
    pub rows: Vec<Row>,
    /// Somebody took messages away, and the client was not told yet.
    untold: bool,
}

/// A message, as the client knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub uid: u32,
    pub flags: BTreeSet<String>,
}

impl View {
    fn new(name: String, folder: &Folder, read_only: bool) -> Self {
        let rows = folder.messages.iter().map(|(uid, m)| Row { uid: *uid, flags: m.flags.clone() }).collect();
        Self { folder: name, uid_validity: folder.uid_validity, read_only, rows, untold: false }
    }

    /// The indices of the messages that a set names, in order. `None` where it names a number that no message has; UIDs may be anybody's.
    pub fn named(&self, set: &SequenceSet, uid: bool) -> Option<Vec<usize>> {
        let last = if uid { self.rows.last().map_or(0, |row| row.uid) } else { self.rows.len() as u32 };
        let mut indices = Vec::new();
        for (from, to) in ranges(set, last) {
            if uid {
                let begin = self.rows.partition_point(|row| row.uid < from);
                let end = self.rows.partition_point(|row| row.uid <= to);
                indices.extend(begin..end);
            } else if from == 0 || to > last {
                return None;
            } else {
                indices.extend(from as usize - 1..to as usize);
            }
        }
        Some(indices)
    }

    /// Their UIDs.
    pub fn uids(&self, indices: &[usize]) -> Vec<u32> {
        indices.iter().filter_map(|n| self.rows.get(*n)).map(|row| row.uid).collect()
    }

    /// Tells what differs between this and the folder, and knows it from then on.
    fn tell(&mut self, folder: &Folder, may_expunge: bool, out: &mut Answer) {
        let gone: Vec<usize> = (0..self.rows.len()).filter(|n| !folder.messages.contains_key(&self.rows[*n].uid)).collect();
        self.untold = !may_expunge && !gone.is_empty();
        if may_expunge {
            for n in gone.into_iter().rev() {
                out.line(format_args!("* {} EXPUNGE", n + 1));
                self.rows.remove(n);
            }
        }
        for (n, row) in self.rows.iter_mut().enumerate() {
            let Some(message) = folder.messages.get(&row.uid) else { continue };
            if message.flags != row.flags {
                row.flags.clone_from(&message.flags);
                out.text(format_args!("* {} FETCH (UID {} FLAGS ", n + 1, row.uid));
                out.list(&row.flags);
                out.line(")");
            }
        }
        let highest = self.rows.last().map_or(0, |row| row.uid);
        let known = self.rows.len();
        let new = folder.messages.range(highest.saturating_add(1)..).map(|(uid, m)| Row { uid: *uid, flags: m.flags.clone() });
        self.rows.extend(new);
        if self.rows.len() > known {
            out.line(format_args!("* {} EXISTS", self.rows.len()));
            out.line("* 0 RECENT");
        }
    }
}

/// A set as ranges: sorted, merged, with `*` read as `last`.
pub(super) fn ranges(set: &SequenceSet, last: u32) -> Vec<(u32, u32)> {
    let number = |n: &SeqOrUid| match n {
        SeqOrUid::Value(n) => n.get(),
        SeqOrUid::Asterisk => last,
    };
    let mut all: Vec<(u32, u32)> = set
        .0
        .as_ref()
        .iter()
        .map(|s| match s {
            Sequence::Single(n) => (number(n), number(n)),
            // Up to the last one, whatever number it begins with.
            Sequence::Range(n, SeqOrUid::Asterisk) | Sequence::Range(SeqOrUid::Asterisk, n) => (number(n).min(last), last),
            Sequence::Range(a, b) => (number(a).min(number(b)), number(a).max(number(b))),
        })
        .collect();
    all.sort_unstable();
    let mut merged: Vec<(u32, u32)> = Vec::new();
    for (from, to) in all {
        match merged.last_mut() {
            Some((_, end)) if from <= end.saturating_add(1) => *end = to.max(*end),
            _ => merged.push((from, to)),
        }
    }
    merged
}

impl Session {
    pub fn select(&mut self, mailbox: &Mailbox<'_>, examine: bool) -> Done {
        let account = match self.account() {
            Ok(account) => account,
            Err(done) => return done,
        };
        self.view = None;
        if let Some(signed_in) = &mut self.signed_in {
            signed_in.bell.borrow_and_update();
        }
        let Some(name) = self.names().of_wire(mailbox) else { return Done::no("[NONEXISTENT] there is no such folder") };
        let seen = self.world.with_folder(&account, &name, |folder| {
            let first_unseen = folder.messages.values().position(|m| !m.flags.contains("\\Seen"));
            let keywords: BTreeSet<String> =
                folder.messages.values().flat_map(|m| &m.flags).filter(|f| !f.starts_with('\\')).take(1_000).cloned().collect();
            (View::new(name.clone(), folder, examine), folder.uid_next, first_unseen, keywords)
        });
        let Ok((view, uid_next, first_unseen, keywords)) = seen else { return Done::no("[NONEXISTENT] there is no such folder") };
        let keywords = keywords.into_iter().fold(String::new(), |all, word| all + " " + &word);
        self.out.line(format_args!("* FLAGS ({SYSTEM_FLAGS}{keywords})"));
        let permanent = match (examine, self.traits().is_some_and(|t| t.keywords)) {
            (true, _) => String::new(),
            (false, true) => format!("{SYSTEM_FLAGS}{keywords} \\*"),
            (false, false) => SYSTEM_FLAGS.into(),
        };
        self.out.line(format_args!("* OK [PERMANENTFLAGS ({permanent})] these are kept"));
        self.out.line(format_args!("* {} EXISTS", view.rows.len()));
        self.out.line("* 0 RECENT");
        if let Some(n) = first_unseen {
            self.out.line(format_args!("* OK [UNSEEN {}] the first unseen message", n + 1));
        }
        self.out.line(format_args!("* OK [UIDVALIDITY {}] UIDs hold for it", view.uid_validity));
        self.out.line(format_args!("* OK [UIDNEXT {uid_next}] the next UID"));
        self.view = Some(view);
        Done::ok(if examine { "[READ-ONLY] examined" } else { "[READ-WRITE] selected" })
    }

    pub fn unselect(&mut self) -> Done {
        match self.view.take() {
            Some(_) => Done::ok("done"),
            None => Done::bad("no folder is selected"),
        }
    }

    /// CLOSE: what is marked `\Deleted` goes, and nobody is told.
    pub fn close_folder(&mut self) -> Done {
        let Some(view) = self.view.take() else { return Done::bad("no folder is selected") };
        let Ok(account) = self.account() else { return Done::bad("sign in first") };
        if !view.read_only {
            let marked = self.world.with_folder(&account, &view.folder, |f| marked(f, f.messages.keys().copied())).unwrap_or_default();
            // A folder that is not there any more has nothing to expunge.
            let _ = self.world.expunge(&account, &view.folder, &marked, self.now());
        }
        Done::ok("done")
    }

    /// Tells what others did to the selected folder since the last time. False where it is gone, or numbered anew: nothing that the client
    /// knows of it holds any more.
    pub fn tell_changes(&mut self, may_expunge: bool) -> bool {
        let Some(signed_in) = &mut self.signed_in else { return true };
        // An account that is there no more has no bell.
        let rang = signed_in.bell.has_changed().unwrap_or(true);
        // Before the folder is read: what comes later rings again.
        signed_in.bell.borrow_and_update();
        let Some(view) = self.view.as_mut().filter(|view| rang || view.untold) else { return true };
        let (uid_validity, out) = (view.uid_validity, &mut self.out);
        let name = view.folder.clone();
        let told = self.world.with_folder(&signed_in.account, &name, |folder| {
            let is_same = folder.uid_validity == uid_validity;
            if is_same {
                view.tell(folder, may_expunge, out);
            }
            is_same
        });
        told.unwrap_or(false)
    }
}

/// Those of these messages that are marked `\Deleted`.
pub(super) fn marked(folder: &Folder, uids: impl IntoIterator<Item = u32>) -> Vec<u32> {
    uids.into_iter().filter(|uid| folder.messages.get(uid).is_some_and(|m| m.flags.contains("\\Deleted"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(uids: &[u32]) -> View {
        let rows = uids.iter().map(|uid| Row { uid: *uid, flags: BTreeSet::new() }).collect();
        View { folder: "INBOX".into(), uid_validity: 1, read_only: false, rows, untold: false }
    }

    #[test]
    fn sets_name_messages_by_number_and_by_uid() {
        let view = view(&[2, 5, 9]);
        let named = |set: &str, uid| view.named(&SequenceSet::try_from(set).unwrap(), uid);
        assert_eq!(named("1:2,3", false), Some(vec![0, 1, 2]));
        assert_eq!(named("*", false), Some(vec![2]));
        assert_eq!(named("3:1,2", false), Some(vec![0, 1, 2]), "each once, in order");
        assert_eq!(named("4", false), None);
        assert_eq!(named("3:4", false), None);
        assert_eq!(named("4:*", false), Some(vec![2]), "up to the last one");
        assert_eq!(named("5:4294967295", true), Some(vec![1, 2]));
        assert_eq!(named("100:*", true), Some(vec![2]), "the last one, always");
        assert_eq!(named("3:4", true), Some(vec![]));
        let empty = self::view(&[]);
        assert_eq!(empty.named(&SequenceSet::try_from("1:*").unwrap(), true), Some(vec![]));
        assert_eq!(empty.named(&SequenceSet::try_from("1:*").unwrap(), false), None);
    }
}
