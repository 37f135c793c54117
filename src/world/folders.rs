//! What an account's owner does with folders and messages: what IMAP's commands come down to. Every change of a message of somebody who sends is a
//! lesson to the filter, and every change of a planted one is written down.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::account::special_use_of;
use super::{Folder, Inside, Lesson, Message, PutAway, Touched, World, header};
use crate::words::{Address, FolderRole, LetterId, Moment};

/// The account or the folder is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such folder")]
pub struct NoSuchFolder;

/// How STORE changes flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagChange {
    /// `FLAGS`.
    Replace,
    /// `+FLAGS`.
    Add,
    /// `-FLAGS`.
    Remove,
}

impl World {
    /// Reads a folder.
    ///
    /// # Errors
    /// [`NoSuchFolder`].
    pub fn with_folder<R>(&self, who: &Address, folder: &str, f: impl FnOnce(&Folder) -> R) -> Result<R, NoSuchFolder> {
        let inside = self.lock();
        inside.accounts.get(who).and_then(|a| a.folders.get(folder)).map(f).ok_or(NoSuchFolder)
    }

    /// A letter as it lies at its recipient, or else in its sender's Sent folder: from whom, to whom, its bytes. `None`: it lies nowhere.
    pub fn letter(&self, id: LetterId) -> Option<(Address, Address, Vec<u8>)> {
        let inside = self.lock();
        let taken = inside.evidence.submissions.iter().rev().find(|s| s.letter == Some(id) && s.accepted)?;
        let copy = [&taken.to, &taken.from].into_iter().find_map(|who| {
            let folders = inside.accounts.get(who)?.folders.values();
            folders.flat_map(|f| f.messages.values()).find(|m| m.letter == Some(id))
        })?;
        Some((taken.from.clone(), taken.to.clone(), copy.bytes.to_vec()))
    }

    /// Puts a message into a folder, as APPEND does; gives its UID. `planted`: it is somebody else's, and nobody may touch it.
    ///
    /// # Errors
    /// [`NoSuchFolder`].
    pub fn append(
        &self,
        who: &Address,
        folder: &str,
        bytes: &[u8],
        flags: BTreeSet<String>,
        planted: bool,
        now: Moment,
    ) -> Result<u32, NoSuchFolder> {
        let mut inside = self.lock();
        let mut message = inside.message(bytes.into(), now, folder);
        (message.flags, message.planted) = (flags, planted);
        let account = inside.accounts.get_mut(who).ok_or(NoSuchFolder)?;
        let uid = account.folders.get_mut(folder).ok_or(NoSuchFolder)?.append(message);
        account.bump();
        Ok(uid)
    }

    /// Changes flags of messages, those that are there; gives their UIDs. `\Recent` is nobody's to change.
    ///
    /// # Errors
    /// [`NoSuchFolder`].
    pub fn set_flags(
        &self,
        who: &Address,
        folder: &str,
        uids: &[u32],
        change: FlagChange,
        flags: &BTreeSet<String>,
        now: Moment,
    ) -> Result<Vec<u32>, NoSuchFolder> {
        let mut inside = self.lock();
        let (mut done, mut lessons, mut touched) = (Vec::new(), Vec::new(), Vec::new());
        let account = inside.accounts.get_mut(who).ok_or(NoSuchFolder)?;
        let messages = &mut account.folders.get_mut(folder).ok_or(NoSuchFolder)?.messages;
        for uid in uids {
            let Some(message) = messages.get_mut(uid) else { continue };
            let before = message.flags.clone();
            let is_recent = |flag: &String| flag.eq_ignore_ascii_case("\\Recent");
            match change {
                FlagChange::Replace => message.flags.retain(is_recent),
                FlagChange::Remove => message.flags.retain(|f| is_recent(f) || !flags.contains(f)),
                FlagChange::Add => {}
            }
            if change != FlagChange::Remove {
                message.flags.extend(flags.iter().filter(|f| !is_recent(f)).cloned());
            }
            done.push(*uid);
            if message.planted && message.flags != before {
                touched.push((message.serial, "flagged"));
            }
            let Some(from) = &message.from else { continue };
            for (flag, lesson) in [("\\Seen", Lesson::Opened), ("\\Answered", Lesson::Answered), ("\\Flagged", Lesson::Flagged)] {
                if message.flags.contains(flag) && !before.contains(flag) {
                    lessons.push((from.clone(), lesson));
                }
            }
        }
        if !done.is_empty() {
            account.bump();
        }
        inside.note(who, touched, lessons, now);
        Ok(done)
    }

    /// Changes Gmail's labels of messages.
    ///
    /// # Errors
    /// [`NoSuchFolder`].
    pub fn set_labels(
        &self,
        who: &Address,
        folder: &str,
        uids: &[u32],
        add: bool,
        labels: &BTreeSet<String>,
        now: Moment,
    ) -> Result<(), NoSuchFolder> {
        let mut inside = self.lock();
        let (mut lessons, mut touched) = (Vec::new(), Vec::new());
        let account = inside.accounts.get_mut(who).ok_or(NoSuchFolder)?;
        let messages = &mut account.folders.get_mut(folder).ok_or(NoSuchFolder)?.messages;
        for uid in uids {
            let Some(message) = messages.get_mut(uid) else { continue };
            if message.planted {
                touched.push((message.serial, "flagged"));
            }
            if add && labels.contains("\\Important") && message.labels.insert("\\Important".into()) {
                lessons.extend(message.from.clone().map(|from| (from, Lesson::Flagged)));
            }
            if add {
                message.labels.extend(labels.iter().cloned());
            } else {
                message.labels.retain(|l| !labels.contains(l));
            }
        }
        account.bump();
        inside.note(who, touched, lessons, now);
        Ok(())
    }

    /// Moves messages, those that are there; gives (old UID, new UID) each.
    ///
    /// # Errors
    /// [`NoSuchFolder`] for either folder.
    pub fn move_messages(&self, who: &Address, from: &str, uids: &[u32], to: &str, now: Moment) -> Result<Vec<(u32, u32)>, NoSuchFolder> {
        let mut inside = self.lock();
        let (mut pairs, mut lessons, mut touched, mut put_away) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let account = inside.accounts.get_mut(who).ok_or(NoSuchFolder)?;
        let to_role = account.folders.get(to).ok_or(NoSuchFolder)?.role(to);
        let is_put_away = matches!(to_role, FolderRole::Other | FolderRole::Trash);
        let source = account.folders.get_mut(from).ok_or(NoSuchFolder)?;
        let from_role = source.role(from);
        let taken: Vec<(u32, Message)> = uids.iter().filter_map(|uid| source.messages.remove(uid).map(|m| (*uid, m))).collect();
        for (uid, message) in taken {
            if message.planted {
                touched.push((message.serial, "moved"));
            }
            put_away.extend(message.letter.filter(|_| is_put_away && !message.planted));
            let lesson = match (from_role, to_role) {
                (FolderRole::Spam, FolderRole::Inbox) => Some(Lesson::Rescued),
                (role, FolderRole::Spam) if role != FolderRole::Spam => Some(Lesson::Complaint),
                _ => None,
            };
            lessons.extend(message.from.clone().zip(lesson));
            if let Some(target) = account.folders.get_mut(to) {
                pairs.push((uid, target.append(message)));
            }
        }
        if !pairs.is_empty() {
            account.bump();
        }
        inside.note(who, touched, lessons, now);
        inside.note_put_away(who, put_away, now);
        Ok(pairs)
    }

    /// Copies messages; gives (old UID, new UID) each.
    ///
    /// # Errors
    /// [`NoSuchFolder`] for either folder.
    pub fn copy_messages(&self, who: &Address, from: &str, uids: &[u32], to: &str, now: Moment) -> Result<Vec<(u32, u32)>, NoSuchFolder> {
        let mut inside = self.lock();
        let (mut pairs, mut touched, mut lessons) = (Vec::new(), Vec::new(), Vec::new());
        let account = inside.accounts.get(who).ok_or(NoSuchFolder)?;
        let source = account.folders.get(from).ok_or(NoSuchFolder)?;
        let to_role = account.folders.get(to).ok_or(NoSuchFolder)?.role(to);
        let rescues = source.role(from) == FolderRole::Spam && to_role == FolderRole::Inbox;
        let copies: Vec<(u32, Message)> = uids.iter().filter_map(|uid| source.messages.get(uid).map(|m| (*uid, m.clone()))).collect();
        for (uid, mut message) in copies {
            if message.planted {
                touched.push((message.serial, "copied"));
            }
            if rescues {
                lessons.extend(message.from.clone().map(|f| (f, Lesson::Rescued)));
            }
            message.serial = inside.next_serial();
            let target = inside.accounts.get_mut(who).and_then(|a| a.folders.get_mut(to)).ok_or(NoSuchFolder)?;
            pairs.push((uid, target.append(message)));
        }
        if let Some(account) = inside.accounts.get(who) {
            account.bump();
        }
        inside.note(who, touched, lessons, now);
        Ok(pairs)
    }

    /// Removes messages for good, those that are there; gives their UIDs.
    ///
    /// # Errors
    /// [`NoSuchFolder`].
    pub fn expunge(&self, who: &Address, folder: &str, uids: &[u32], now: Moment) -> Result<Vec<u32>, NoSuchFolder> {
        let mut inside = self.lock();
        let account = inside.accounts.get_mut(who).ok_or(NoSuchFolder)?;
        let messages = &mut account.folders.get_mut(folder).ok_or(NoSuchFolder)?.messages;
        let gone: Vec<(u32, Message)> = uids.iter().filter_map(|uid| messages.remove(uid).map(|m| (*uid, m))).collect();
        if !gone.is_empty() {
            account.bump();
        }
        let touched = gone.iter().filter(|(_, m)| m.planted).map(|(_, m)| (m.serial, "expunged")).collect();
        inside.note(who, touched, Vec::new(), now);
        inside.note_put_away(who, gone.iter().filter(|(_, m)| !m.planted).filter_map(|(_, m)| m.letter), now);
        Ok(gone.into_iter().map(|(uid, _)| uid).collect())
    }

    /// Makes those folders that the account's server makes by itself, where they are missing: somebody deleted them, or nobody was there yet.
    pub fn make_usual_folders(&self, who: &Address) {
        let mut inside = self.lock();
        let uid_validity = inside.next_serial() as u32 + 1_000;
        let Some(account) = inside.accounts.get_mut(who) else { return };
        let personality = account.spec.personality;
        for name in personality.traits().folders.keys() {
            let new = || Folder::new(special_use_of(personality, name), uid_validity);
            account.folders.entry(name.clone()).or_insert_with(new);
        }
    }

    /// Makes a folder; one with a name that its server uses has its use. False: it was there.
    pub fn create_folder(&self, who: &Address, folder: &str) -> bool {
        let mut inside = self.lock();
        let uid_validity = inside.next_serial() as u32 + 1_000;
        let Some(account) = inside.accounts.get_mut(who) else { return false };
        if account.folders.contains_key(folder) {
            return false;
        }
        let special_use = special_use_of(account.spec.personality, folder);
        account.folders.insert(folder.to_owned(), Folder::new(special_use, uid_validity));
        account.bump();
        true
    }

    /// Deletes a folder with all that is in it. False: it was not there, or it is INBOX.
    pub fn delete_folder(&self, who: &Address, folder: &str) -> bool {
        let mut inside = self.lock();
        let Some(account) = inside.accounts.get_mut(who).filter(|_| folder != "INBOX") else { return false };
        let gone = account.folders.remove(folder).is_some();
        account.bump();
        gone
    }

    /// Renames a folder; its UIDs and UIDVALIDITY go with it. False: it was not there, or the new name is taken.
    pub fn rename_folder(&self, who: &Address, folder: &str, new: &str) -> bool {
        let mut inside = self.lock();
        let Some(account) = inside.accounts.get_mut(who).filter(|a| folder != "INBOX" && !a.folders.contains_key(new)) else {
            return false;
        };
        let Some(moved) = account.folders.remove(folder) else { return false };
        account.folders.insert(new.to_owned(), moved);
        account.bump();
        true
    }

    /// Gives a folder another UIDVALIDITY, and its messages new UIDs: what a server does when it lost its index.
    pub fn renumber(&self, who: &Address, folder: &str, uid_validity: u32) -> Result<(), NoSuchFolder> {
        let mut inside = self.lock();
        let account = inside.accounts.get_mut(who).ok_or(NoSuchFolder)?;
        let folder = account.folders.get_mut(folder).ok_or(NoSuchFolder)?;
        let messages = std::mem::take(&mut folder.messages);
        (folder.uid_validity, folder.uid_next) = (uid_validity, 1);
        for message in messages.into_values() {
            folder.append(message);
        }
        account.bump();
        Ok(())
    }
}

impl Inside {
    /// A message with what its header says.
    pub(super) fn message(&mut self, bytes: Arc<[u8]>, received: Moment, folder: &str) -> Message {
        let header_len = header::len(&bytes);
        let header = &bytes[..header_len];
        let letter = header::letter(header);
        let from = header::value(header, "From").and_then(|v| header::address(&v));
        Message {
            serial: self.next_serial(),
            header_len,
            received,
            flags: BTreeSet::new(),
            labels: BTreeSet::new(),
            category: None,
            letter,
            from,
            planted: false,
            first_folder: folder.into(),
            bytes,
        }
    }

    fn note_put_away(&mut self, who: &Address, letters: impl IntoIterator<Item = LetterId>, now: Moment) {
        let put_away = letters.into_iter().map(|letter| PutAway { at: now, account: who.clone(), letter });
        self.evidence.put_away.extend(put_away);
    }

    fn note(&mut self, who: &Address, touched: Vec<(u64, &'static str)>, lessons: Vec<(Address, Lesson)>, now: Moment) {
        for (serial, what) in touched {
            self.evidence.touched.push(Touched { at: now, account: who.clone(), what, serial });
        }
        let Some(account) = self.accounts.get(who) else { return };
        for (from, lesson) in lessons {
            self.filter.learn(&from, &account.spec.receiver, lesson, now);
        }
    }
}
