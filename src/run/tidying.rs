//! Tidying: finished warmup mail is moved into a folder of its own, or deleted, at its recipient and in its sender's Sent folder.
//!
//! Once on each local date a mailbox's Sent folder is read for copies of its own letters, and whatever is finished is put away in batches. What is put away is
//! written down at once, so that nobody takes it for something that a person did. A letter that a person's rule filed, that lies in spam, or whose mark did
//! not hold stays where it is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::context::{Context, Desk};
use super::look::{LookError, Session, find_folders};
use super::progress::News;
use super::sight::{self, Claim};
use crate::config::Tidy;
use crate::ledger::{Finished, FinishedCopy, PutAway, SentCopy, TroubleNote};
use crate::mail::{FolderName, MailError, Step, Trouble, Uid};
use crate::words::{FolderRole, LetterId, Moment, Provider, Reply, Tidied};

/// So many copies are put away on a date at most; the rest waits for the next.
const MOST: usize = 1_000;
/// So many looks at Sent on a date at most, of 5,000 messages each.
const LOOKS: usize = 20;
/// Copies of letters that were sent so long before they would be put away are looked for, when Sent is read for the first time or anew.
const SENT_BACK: Duration = Duration::from_hours(60 * 24);

/// Tidies a mailbox, and writes down that it is done for its local date. What a server refuses is a trouble that can be seen, and tried again on the next.
///
/// # Errors
/// A broken connection, and the ledger's.
pub(super) async fn tidy(cx: &Context, desk: &Desk, session: &mut Session, rule: &Tidy) -> Result<(), LookError> {
    let (address, now) = (&desk.mailbox.address, cx.clock.now());
    // A Sent folder that cannot be read does not keep the inbox from being tidied.
    let unread = refusal_of(read_sent(cx, desk, session, rule).await)?;
    let mut finished = cx.ledger.finished(address.clone(), rule.after, MOST, now).await?;
    let refused = refusal_of(put_away(cx, desk, session, rule, &mut finished).await)?;
    if cx.stopping() {
        return Ok(());
    }
    match refused.or(unread) {
        None => cx.clear_trouble(address, CHANNEL).await,
        Some(e) => {
            session.is_stale |= matches!(e.trouble, Trouble::FolderGone(_));
            note_trouble(cx, &e).await;
        }
    }
    let date = now.local_date(desk.mailbox.zone);
    Ok(cx.ledger.end_tidying(desk.fence.clone(), address.clone(), date, finished.below).await?)
}

/// What a server refused, where the session is still of use.
fn refusal_of(result: Result<(), LookError>) -> Result<Option<MailError>, LookError> {
    match result {
        Ok(()) => Ok(None),
        Err(LookError::Mail(e)) if !e.is_connection_lost() => Ok(Some(e)),
        Err(e) => Err(e),
    }
}

/// What does not work about it stands apart from what does not work about looking.
pub(super) const CHANNEL: &str = "tidy";

async fn note_trouble(cx: &Context, error: &MailError) {
    let hint = match &error.trouble {
        Trouble::Refused(_) | Trouble::FolderGone(_) => {
            "finished warmup mail stays where it is; it is tried again every day. Make room or the folder, or set `tidy: off`".to_owned()
        }
        _ => error.hint(),
    };
    let (step, what) = (error.step.to_string(), error.trouble.to_string());
    let note = TroubleNote { channel: CHANNEL, step, what, hint, sign_in: false, retry_at: cx.clock.now() + Duration::from_hours(24) };
    cx.tell(&News::Trouble(error.clone()));
    if let Err(e) = cx.ledger.note_trouble(error.mailbox.clone(), note, cx.clock.now()).await {
        cx.tell(&News::Note(format!("{}: the error could not be written down: {e}", error.mailbox)));
    }
}

/// Reads what is new in Sent, for copies of this mailbox's own letters. Each header is read once.
async fn read_sent(cx: &Context, desk: &Desk, session: &mut Session, rule: &Tidy) -> Result<(), LookError> {
    let Some((sent, mut cursor)) = session.folder(FolderRole::Sent).map(|f| (f.name.clone(), f.cursor)) else { return Ok(()) };
    let (address, now) = (&desk.mailbox.address, cx.clock.now());
    // Only for a folder that is read for the first time, or was renumbered.
    let mut since = now - rule.after - SENT_BACK;
    if cursor.is_none() {
        let from = since.local_date(desk.mailbox.zone);
        let Some(first) = cx.ledger.first_handed(address.clone(), from).await? else { return Ok(()) };
        since = first;
    }
    for _ in 0..LOOKS {
        let look = session.inbox.look(&sent, cursor, cx.server_time(since) - Duration::from_hours(1)).await?;
        let copy = |h: &crate::mail::Header| {
            let letter = sight::own_letter(h, address, &cx.keys)?;
            Some(SentCopy { letter, uid: h.uid, size: h.size })
        };
        let copies: Vec<SentCopy> = look.new.iter().filter_map(copy).collect();
        let is_done = !look.more || cursor == Some(look.cursor);
        if cursor != Some(look.cursor) {
            cx.ledger.note_sent_copies(desk.fence.clone(), address.clone(), sent.wire.clone(), look.cursor, copies, now).await?;
        }
        cursor = Some(look.cursor);
        if is_done {
            break;
        }
    }
    if let Some(folder) = session.folders.iter_mut().find(|f| f.name.wire == sent.wire) {
        folder.cursor = cursor;
    }
    Ok(())
}

/// Where finished mail goes.
enum Target {
    /// Into this folder, and it counts as moved or as deleted.
    Folder(FolderName, Tidied),
    /// Nowhere: it is deleted for good.
    Nowhere,
}

impl Target {
    fn folder(&self) -> Option<&FolderName> {
        if let Self::Folder(name, _) = self { Some(name) } else { None }
    }
}

/// Puts copies away, folder by folder. Those that could not be are held for another date.
async fn put_away(cx: &Context, desk: &Desk, session: &mut Session, rule: &Tidy, finished: &mut Finished) -> Result<(), LookError> {
    if finished.copies.iter().all(|c| c.role == FolderRole::Other) {
        return Ok(());
    }
    let copies = std::mem::take(&mut finished.copies);
    let target = match target(cx, desk, session, rule).await {
        Ok(target) => target,
        Err(e) => {
            copies.iter().map(|c| c.letter).min().into_iter().for_each(|letter| finished.hold(letter));
            return Err(e);
        }
    };
    let mut batches: BTreeMap<(String, u32), Vec<FinishedCopy>> = BTreeMap::new();
    for copy in copies {
        batches.entry((copy.folder.clone(), copy.uid_validity)).or_default().push(copy);
    }
    let (mut waiting, mut refused) = (Vec::new(), None);
    for ((folder, uid_validity), batch) in batches {
        if cx.stopping() || refused.is_some() {
            waiting.extend(batch);
            continue;
        }
        match put_batch_away(cx, desk, session, &target, &folder, uid_validity, &batch).await {
            Ok(left) => waiting.extend(batch.into_iter().filter(|c| left.contains(&c.letter))),
            Err(LookError::Mail(e)) if !e.is_connection_lost() => {
                refused = Some(e);
                waiting.extend(batch);
            }
            Err(e) => return Err(e),
        }
    }
    for copy in waiting {
        finished.hold(copy.letter);
    }
    refused.map_or(Ok(()), |e| Err(e.into()))
}

/// The folder for finished mail, made where there is none; at Gmail deleted mail goes to the bin, for an EXPUNGE there only takes a label off.
async fn target(cx: &Context, desk: &Desk, session: &mut Session, rule: &Tidy) -> Result<Target, LookError> {
    let Some(name) = &rule.into else {
        let bin = session.folder(FolderRole::Trash).filter(|_| desk.mailbox.provider == Provider::Gmail);
        return Ok(bin.map_or(Target::Nowhere, |f| Target::Folder(f.name.clone(), Tidied::Deleted)));
    };
    let folder = session.inbox.own_folder(name).await?;
    if session.named(&folder.wire).is_none() {
        find_folders(cx, desk, session).await?;
    }
    match session.named(&folder.wire) {
        Some(f) if f.role != FolderRole::Other => {
            let said = format!("{} is the mailbox's folder for something else ({})", folder.shown, f.role);
            Err(MailError::new(&desk.mailbox.address, Step::Create, Trouble::Refused(Reply::new(Reply::NO, &said))).into())
        }
        _ => Ok(Target::Folder(folder, Tidied::Moved)),
    }
}

/// Puts the copies of one folder away and writes it down. Gives the letters of those that are still where they were.
async fn put_batch_away(
    cx: &Context,
    desk: &Desk,
    session: &mut Session,
    target: &Target,
    folder: &str,
    uid_validity: u32,
    batch: &[FinishedCopy],
) -> Result<BTreeSet<LetterId>, LookError> {
    let none = BTreeSet::new();
    // Somebody moved them there, or we did and could not write it down any more.
    if target.folder().is_some_and(|f| f.wire == folder) {
        let there = batch.iter().map(|c| PutAway { letter: c.letter, how: Tidied::Moved, place: None }).collect();
        note(cx, desk, session, target, there).await?;
        return Ok(none);
    }
    let Some(from) = session.named(folder).map(|f| f.name.clone()) else {
        // Where the folder is gone, its messages are somewhere else: a look will show where.
        note(cx, desk, session, target, batch.iter().map(|c| gone(c.letter)).collect()).await?;
        return Ok(none);
    };
    if !matches!(batch.first().map(|c| c.role), Some(FolderRole::Inbox | FolderRole::Sent)) {
        return Ok(none);
    }
    let mut places: BTreeMap<Uid, LetterId> = batch.iter().map(|c| (c.uid, c.letter)).collect();
    let ended = end_half_moves(cx, desk, session, &from, uid_validity, &mut places, target).await?;
    note(cx, desk, session, target, ended).await?;
    let done = match put(session, &from, uid_validity, &places, target).await {
        Err(e) if e.trouble == Trouble::Renumbered => {
            cx.tell(&News::Trouble(e));
            put_away_anew(cx, desk, session, &from, batch, target).await?
        }
        done => done?,
    };
    let put: BTreeSet<LetterId> = done.iter().map(|d| d.letter).collect();
    let (lost, told): (Vec<_>, Vec<_>) = done.into_iter().partition(|d| d.place.is_none());
    note(cx, desk, session, target, told).await?;
    let lost = look_for_the_lost(cx, desk, session, target, lost).await?;
    note(cx, desk, session, target, lost).await?;
    Ok(places.into_values().filter(|letter| !put.contains(letter)).collect())
}

/// Without MOVE a move is a copy and then a deletion, and may have broken off in between: to copy again would pile the copies up. Letters of `places` that
/// lie in the folder for finished mail already are only taken away where they were, and taken out of `places`.
async fn end_half_moves(
    cx: &Context,
    desk: &Desk,
    session: &mut Session,
    from: &FolderName,
    uid_validity: u32,
    places: &mut BTreeMap<Uid, LetterId>,
    target: &Target,
) -> Result<Vec<PutAway>, LookError> {
    let (Target::Folder(into, how), false) = (target, session.inbox.moves_in_one_step() || places.is_empty()) else {
        return Ok(Vec::new());
    };
    let wanted: BTreeSet<LetterId> = places.values().copied().collect();
    let oldest = oldest_of(cx, &wanted).await?;
    let (into_validity, copies) = find_again(cx, desk, session, into, &wanted, oldest).await?;
    let copies: BTreeMap<LetterId, Uid> = copies.into_iter().map(|(uid, letter)| (letter, uid)).collect();
    if copies.is_empty() {
        return Ok(Vec::new());
    }
    let uids: Vec<Uid> = places.iter().filter(|(_, letter)| copies.contains_key(letter)).map(|(uid, _)| *uid).collect();
    match session.inbox.delete(from, uid_validity, &uids).await {
        Ok(_) => {}
        // Nothing was done: whoever is asked next hears it too, and finds the letters again.
        Err(e) if e.trouble == Trouble::Renumbered => return Ok(Vec::new()),
        Err(e) => return Err(e.into()),
    }
    let ended = uids.iter().filter_map(|uid| places.remove(uid));
    Ok(ended.map(|letter| PutAway { letter, how: *how, place: copies.get(&letter).map(|uid| (into_validity, *uid)) }).collect())
}

fn gone(letter: LetterId) -> PutAway {
    PutAway { letter, how: Tidied::Gone, place: None }
}

/// Moves or deletes messages; what became of each of which the server told.
async fn put(
    session: &mut Session,
    from: &FolderName,
    uid_validity: u32,
    places: &BTreeMap<Uid, LetterId>,
    target: &Target,
) -> Result<Vec<PutAway>, MailError> {
    let uids: Vec<Uid> = places.keys().copied().collect();
    let mut done = Vec::with_capacity(uids.len());
    let mut add = |uid: Uid, how, place| done.extend(places.get(&uid).map(|letter| PutAway { letter: *letter, how, place }));
    match target {
        Target::Folder(to, how) => {
            let moved = session.inbox.move_to(from, uid_validity, &uids, to).await?;
            moved.moved.into_iter().for_each(|(uid, place)| add(uid, *how, place));
            moved.left_marked.into_iter().for_each(|uid| add(uid, *how, None));
            moved.gone.into_iter().for_each(|uid| add(uid, Tidied::Gone, None));
        }
        Target::Nowhere => {
            let deleted = session.inbox.delete(from, uid_validity, &uids).await?;
            deleted.deleted.into_iter().chain(deleted.left_marked).for_each(|uid| add(uid, Tidied::Deleted, None));
            deleted.gone.into_iter().for_each(|uid| add(uid, Tidied::Gone, None));
        }
    }
    Ok(done)
}

/// The same in a folder that was renumbered: its letters are found again by their ids, however old they are.
async fn put_away_anew(
    cx: &Context,
    desk: &Desk,
    session: &mut Session,
    from: &FolderName,
    batch: &[FinishedCopy],
    target: &Target,
) -> Result<Vec<PutAway>, LookError> {
    let wanted: BTreeSet<LetterId> = batch.iter().map(|c| c.letter).collect();
    let oldest = oldest_of(cx, &wanted).await?;
    let (uid_validity, found) = find_again(cx, desk, session, from, &wanted, oldest).await?;
    let mut done = put(session, from, uid_validity, &found, target).await?;
    let found: BTreeSet<LetterId> = found.into_values().collect();
    done.extend(wanted.difference(&found).map(|letter| gone(*letter)));
    Ok(done)
}

/// Where letters lie in a folder now: its numbering, and theirs in it. Of two copies the first.
async fn find_again(
    cx: &Context,
    desk: &Desk,
    session: &mut Session,
    folder: &FolderName,
    wanted: &BTreeSet<LetterId>,
    oldest: Moment,
) -> Result<(u32, BTreeMap<Uid, LetterId>), LookError> {
    let (mut found, mut shown) = (BTreeMap::new(), BTreeSet::new());
    let (mut cursor, mut uid_validity) = (None, 0);
    let address = &desk.mailbox.address;
    for _ in 0..LOOKS {
        let look = session.inbox.look(folder, cursor, cx.server_time(oldest) - Duration::from_hours(24)).await?;
        let received = sight::read_claims(&look.new, address, &cx.config, &cx.keys).claims.into_iter().filter_map(|c| match c.claim {
            Claim::Ours { uid, letter, .. } => Some((uid, letter)),
            Claim::Stripped { .. } | Claim::Refused(_) => None,
        });
        let sent = look.new.iter().filter_map(|h| Some((h.uid, sight::own_letter(h, address, &cx.keys)?)));
        let ours = received.chain(sent).filter(|(_, letter)| wanted.contains(letter) && shown.insert(*letter));
        found.extend(ours);
        uid_validity = look.uid_validity;
        if !look.more || cursor == Some(look.cursor) {
            break;
        }
        cursor = Some(look.cursor);
    }
    Ok((uid_validity, found))
}

/// Letters that are not where they lay: we may have moved them, and nobody could write it down any more. And a server may not say where it has moved them:
/// then, too, the folder is asked.
async fn look_for_the_lost(
    cx: &Context,
    desk: &Desk,
    session: &mut Session,
    target: &Target,
    mut lost: Vec<PutAway>,
) -> Result<Vec<PutAway>, LookError> {
    let (Target::Folder(into, how), false) = (target, lost.is_empty()) else { return Ok(lost) };
    let wanted: BTreeSet<LetterId> = lost.iter().map(|d| d.letter).collect();
    let oldest = oldest_of(cx, &wanted).await?;
    let (uid_validity, found) = find_again(cx, desk, session, into, &wanted, oldest).await?;
    for (uid, letter) in found {
        for copy in lost.iter_mut().filter(|d| d.letter == letter) {
            (copy.how, copy.place) = (*how, Some((uid_validity, uid)));
        }
    }
    Ok(lost)
}

/// When the oldest of some letters was handed over.
async fn oldest_of(cx: &Context, letters: &BTreeSet<LetterId>) -> Result<Moment, LookError> {
    let known = cx.ledger.letters_of(letters.iter().copied().collect()).await?;
    Ok(known.iter().filter_map(|l| l.handed_at.or(l.seen_at)).min().unwrap_or_else(|| cx.clock.now()))
}

/// Writes down what was put away.
async fn note(cx: &Context, desk: &Desk, session: &mut Session, target: &Target, done: Vec<PutAway>) -> Result<(), LookError> {
    if done.is_empty() {
        return Ok(());
    }
    let address = &desk.mailbox.address;
    for how in [Tidied::Moved, Tidied::Deleted] {
        let letters = done.iter().filter(|d| d.how == how).count() as u32;
        if letters > 0 {
            cx.tell(&News::PutAway { at: address.clone(), letters, how });
        }
    }
    let into = target.folder().map(|f| f.wire.clone());
    let read = cx.ledger.note_put_away(desk.fence.clone(), address.clone(), into, done, cx.clock.now()).await?;
    // What came into the folder by our own hand needs no look.
    if let (Some(cursor), Some(name)) = (read, target.folder())
        && let Some(folder) = session.folders.iter_mut().find(|f| f.name.wire == name.wire)
    {
        folder.cursor = Some(cursor);
    }
    Ok(())
}
