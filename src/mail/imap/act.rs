//! Acting: opening and moving messages. Only those that the caller names are touched.

use std::collections::{BTreeMap, BTreeSet};

use super::Imap;
use super::answer::{Answer, Code};
use super::exec::Stream;
use super::select::as_gone;
use super::sets::{UidSet, distinct, uid_sets};
use crate::mail::{Deleted, FolderName, MailError, Moved, Step, Trouble, Uid};
use crate::words::Reply;

/// The most bytes that are read of one message: 2 MB. Letters of ours have a few KB, and of a report the beginning says it all.
pub(super) const LARGEST: u32 = 2 << 20;

/// Where messages went, by their old UIDs.
type Copies = BTreeMap<u32, (u32, Uid)>;

impl<S: Stream> Imap<S> {
    /// Reads a message, at most `limit` bytes: with `BODY` it is opened (`\Seen`), with `BODY.PEEK` it is not.
    pub(super) async fn fetch_message(
        &mut self,
        folder: &FolderName,
        uid_validity: u32,
        uid: Uid,
        body: &str,
        limit: u32,
    ) -> Result<Option<Vec<u8>>, MailError> {
        self.enter_for(folder, uid_validity).await?;
        let limit = limit.clamp(1, LARGEST);
        // A server that does not know partial fetches gives the whole.
        self.talk.keep = limit as usize;
        let command = format!("UID FETCH {} (UID {body}[]<0.{limit}>)", uid.0.max(1));
        let answer = self.talk.exec_within(self.talk.deadlines.fetch, Step::Fetch, &command).await?;
        Ok(answer.fetched().remove(&uid.0).and_then(|message| message.body))
    }

    /// Moves messages, set by set. A message that is neither moved, marked nor gone although the server said OK is in no list of the
    /// answer: it still is where it was.
    pub(super) async fn move_messages(
        &mut self,
        from: &FolderName,
        uid_validity: u32,
        uids: &[Uid],
        to: &FolderName,
    ) -> Result<Moved, MailError> {
        self.enter_for(from, uid_validity).await?;
        let target = self.name_for(Step::Move, to)?;
        let mut moved = Moved::default();
        for set in uid_sets(&distinct(uids)) {
            let present = self.present(&set).await?;
            moved.gone.extend(set.uids.difference(&present).map(|uid| Uid(*uid)));
            for set in uid_sets(&present) {
                if self.can.has("MOVE") {
                    match self.move_set(&set, &target, &mut moved).await {
                        Err(e) if is_not_understood(&e) => self.can.forget("MOVE"),
                        other => {
                            other?;
                            continue;
                        }
                    }
                }
                self.copy_and_delete(&set, &target, &mut moved).await?;
            }
        }
        Ok(moved)
    }

    /// Deletes messages, set by set, as [`Imap::copy_and_delete`] does what it has copied.
    pub(super) async fn delete_messages(&mut self, folder: &FolderName, uid_validity: u32, uids: &[Uid]) -> Result<Deleted, MailError> {
        self.enter_for(folder, uid_validity).await?;
        let mut deleted = Deleted::default();
        for set in uid_sets(&distinct(uids)) {
            let present = self.present(&set).await?;
            deleted.gone.extend(set.uids.difference(&present).map(|uid| Uid(*uid)));
            for part in uid_sets(&present) {
                self.talk.exec(Step::Store, &format!("UID STORE {} +FLAGS.SILENT (\\Deleted)", part.text)).await?;
                let there = self.present(&part).await?;
                let (_, kept) = self.expunge(&there).await?;
                deleted.deleted.extend(part.uids.difference(&kept).map(|uid| Uid(*uid)));
                deleted.left_marked.extend(kept.into_iter().map(Uid));
            }
        }
        Ok(deleted)
    }

    /// Which of the messages are in the folder now.
    async fn present(&mut self, set: &UidSet) -> Result<BTreeSet<u32>, MailError> {
        let answer = self.talk.exec(Step::Fetch, &format!("UID FETCH {} (UID)", set.text)).await?;
        Ok(answer.fetched().into_keys().filter(|uid| set.uids.contains(uid)).collect())
    }

    /// MOVE (RFC 6851). An OK is not taken for a move: COPYUID says what went, or the message is no longer there.
    async fn move_set(&mut self, set: &UidSet, target: &str, moved: &mut Moved) -> Result<(), MailError> {
        let answer = self.talk.exec(Step::Move, &format!("UID MOVE {} {target}", set.text)).await.map_err(as_no_target)?;
        let copies = copies_of(&answer, &set.uids);
        let unsure: BTreeSet<u32> = set.uids.iter().copied().filter(|uid| !copies.contains_key(uid)).collect();
        let mut left = BTreeSet::new();
        for set in uid_sets(&unsure) {
            left.append(&mut self.present(&set).await?);
        }
        for uid in &set.uids {
            match copies.get(uid) {
                Some(copy) => moved.moved.push((Uid(*uid), Some(*copy))),
                None if left.contains(uid) => {}
                // The server tells of copies, and of none of this one: somebody else took it meanwhile.
                None if !copies.is_empty() => moved.gone.push(Uid(*uid)),
                None => moved.moved.push((Uid(*uid), None)),
            }
        }
        Ok(())
    }

    /// The way without MOVE: COPY, `\Deleted` on the copied ones, and an EXPUNGE that takes exactly these.
    async fn copy_and_delete(&mut self, set: &UidSet, target: &str, moved: &mut Moved) -> Result<(), MailError> {
        let answer = self.talk.exec(Step::Move, &format!("UID COPY {} {target}", set.text)).await.map_err(as_no_target)?;
        let copies = copies_of(&answer, &set.uids);
        // A server with COPYUID names what it copied; without, an OK means all that were there (COPY is all or nothing).
        let done: BTreeSet<u32> = if copies.is_empty() { set.uids.clone() } else { copies.keys().copied().collect() };
        let mut left = BTreeSet::new();
        for part in uid_sets(&done) {
            self.talk.exec(Step::Store, &format!("UID STORE {} +FLAGS.SILENT (\\Deleted)", part.text)).await?;
            let there = self.present(&part).await?;
            let (taken, mut kept) = self.expunge(&there).await?;
            for uid in &part.uids {
                match copies.get(uid) {
                    _ if kept.contains(uid) => {}
                    Some(copy) => moved.moved.push((Uid(*uid), Some(*copy))),
                    None if taken.contains(uid) => moved.moved.push((Uid(*uid), None)),
                    None => moved.gone.push(Uid(*uid)),
                }
            }
            left.append(&mut kept);
        }
        moved.left_marked.extend(left.into_iter().map(Uid));
        let not_copied: BTreeSet<u32> = set.uids.difference(&done).copied().collect();
        for part in uid_sets(&not_copied) {
            let there = self.present(&part).await?;
            moved.gone.extend(part.uids.difference(&there).map(|uid| Uid(*uid)));
        }
        Ok(())
    }

    /// Expunges `uids`, which are marked `\Deleted`, and nothing else. Gives those that went and those that had to stay.
    async fn expunge(&mut self, uids: &BTreeSet<u32>) -> Result<(BTreeSet<u32>, BTreeSet<u32>), MailError> {
        if uids.is_empty() {
            return Ok((BTreeSet::new(), BTreeSet::new()));
        }
        if self.can.has("UIDPLUS") {
            for set in uid_sets(uids) {
                self.talk.exec(Step::Move, &format!("UID EXPUNGE {}", set.text)).await?;
            }
        } else {
            let marked = self.search_all("DELETED").await?;
            if marked != *uids {
                return Ok((BTreeSet::new(), uids.clone()));
            }
            self.talk.exec(Step::Move, "EXPUNGE").await?;
        }
        let mut stayed = BTreeSet::new();
        for set in uid_sets(uids) {
            stayed.append(&mut self.present(&set).await?);
        }
        Ok((uids.difference(&stayed).copied().collect(), stayed))
    }
}

/// What COPYUID says of the messages that were asked for (RFC 4315 §3). Sets that do not fit each other say nothing.
fn copies_of(answer: &Answer, asked: &BTreeSet<u32>) -> Copies {
    let mut copies = Copies::new();
    for code in answer.codes() {
        let Code::CopyUid { uid_validity, from, to } = code else { continue };
        let count = |set: &[std::ops::RangeInclusive<u32>]| set.iter().map(|r| u64::from(r.end() - r.start()) + 1).sum::<u64>();
        // Ranges come from the server: counted before they are walked through.
        if *uid_validity == 0 || count(from) != count(to) || count(from) > asked.len() as u64 {
            continue;
        }
        let pairs = from.iter().cloned().flatten().zip(to.iter().cloned().flatten());
        copies.extend(pairs.filter(|(old, _)| asked.contains(old)).map(|(old, new)| (old, (*uid_validity, Uid(new)))));
    }
    copies
}

/// BAD: the server offers a command, and does not know it. Nothing was done.
fn is_not_understood(error: &MailError) -> bool {
    matches!(&error.trouble, Trouble::Refused(reply) if reply.code == Reply::BAD)
}

/// TRYCREATE: there is no folder to move to.
fn as_no_target(error: MailError) -> MailError {
    let is_target = matches!(&error.trouble, Trouble::Refused(reply) if reply.text.starts_with("NO [TRYCREATE]"));
    if is_target { as_gone(error) } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copies(from: &[std::ops::RangeInclusive<u32>], to: &[std::ops::RangeInclusive<u32>]) -> Vec<(u32, u32)> {
        let code = Code::CopyUid { uid_validity: 9, from: from.to_vec(), to: to.to_vec() };
        let answer = Answer { code: Some(code), data: Vec::new() };
        copies_of(&answer, &(1..=5).collect()).into_iter().map(|(old, (_, new))| (old, new.0)).collect()
    }

    #[test]
    fn copyuid_is_paired_in_order_and_believed_only_where_it_fits() {
        assert_eq!(copies(&[1..=2, 5..=5], &[11..=13]), [(1, 11), (2, 12), (5, 13)]);
        assert_eq!(copies(&[5..=5, 1..=1], &[20..=20, 30..=30]), [(1, 30), (5, 20)], "in the order of the answer, not of the numbers");
        assert_eq!(copies(&[1..=2], &[11..=11]), []);
        assert_eq!(copies(&[4..=7], &[11..=14]), [(4, 11), (5, 12)], "only of what was asked for");
        assert_eq!(copies(&[0..=u32::MAX], &[0..=u32::MAX]), []);
    }
}
