//! One look at a mailbox: its folders, one folder's news held against the ledger, and its own Sent folder.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::context::{Context, Desk};
use super::hearing::{Extent, Place, hear};
use super::progress::News;
use super::sight::{self, Shown};
use super::upcoming::Upcoming;
use crate::engage::Habits;
use crate::ledger::{LedgerError, LetterFacts, LookNote, SightingRow, StoredFolder, TroubleNote};
use crate::mail::{Cursor, FolderName, Header, Inbox, MailError, Step, Trouble, Uid};
use crate::words::{FolderRole, LetterId, Moment, Placement};

/// Without a cursor, letters of the last days are looked for: as long as a late one may still arrive.
const LOOK_BACK: Duration = Duration::from_hours(8 * 24);

/// The most looks of one turn at one folder: 100,000 messages, or a million UIDs that nobody has. A server that always has more must not keep the
/// mailbox from everything else, nor the run from its end.
const MOST_LOOKS: u32 = 20;

/// That nothing new came is written down this often: it is what *missing* rests on, and 24 hours are its measure.
const WRITE_EVERY: Duration = Duration::from_hours(4);

/// What can end a look: the mail server, which is worked around, or the ledger, which is not.
pub enum LookError {
    /// The mail server.
    Mail(MailError),
    /// The ledger.
    Ledger(LedgerError),
}
impl From<MailError> for LookError {
    fn from(e: MailError) -> Self {
        Self::Mail(e)
    }
}
impl From<LedgerError> for LookError {
    fn from(e: LedgerError) -> Self {
        Self::Ledger(e)
    }
}

/// A signed-in session with the mailbox's folders.
pub(super) struct Session {
    pub(super) inbox: Box<dyn Inbox>,
    pub(super) folders: Vec<StoredFolder>,
    /// A folder could not be opened: the list is read again with a new session.
    pub(super) is_stale: bool,
    /// The actions that looks have planned since the looker took note of them.
    pub(super) planned: Upcoming,
    /// Folders that were read, when, and showed nothing new: not written down yet.
    pub(super) unchanged: Vec<(FolderName, Moment)>,
}

impl Session {
    pub(super) fn folder(&self, role: FolderRole) -> Option<&StoredFolder> {
        self.folders.iter().find(|f| f.role == role)
    }

    pub(super) fn named(&self, wire: &str) -> Option<&StoredFolder> {
        self.folders.iter().find(|f| f.name.wire == wire)
    }
}

/// Signs in and finds the folders. A mailbox without a spam folder that can be found says so loudly, in the ledger too.
pub(super) async fn open(cx: &Context, desk: &Desk) -> Result<Session, LookError> {
    let inbox = cx.access.open_inbox(&desk.mailbox).await?;
    let mut session = Session { inbox, folders: Vec::new(), is_stale: false, planned: Upcoming::Unknown, unchanged: Vec::new() };
    if find_folders(cx, desk, &mut session).await? {
        return Ok(session);
    }
    let address = &desk.mailbox.address;
    cx.tell(&News::SpamFolderUnknown(address.clone()));
    let now = cx.clock.now();
    let note = TroubleNote {
        channel: "spam_folder",
        step: "finding folders".into(),
        what: "spam folder unknown: letters that land in spam are neither seen nor rescued".into(),
        hint: "name it in preheat.yaml: `spam_folder: …` (`preheat check` lists the folders)".into(),
        sign_in: false,
        retry_at: now,
    };
    cx.ledger.note_trouble(address.clone(), note, now).await?;
    Ok(session)
}

/// Reads the folder list. Says whether the spam folder is known.
pub(super) async fn find_folders(cx: &Context, desk: &Desk, session: &mut Session) -> Result<bool, LookError> {
    let address = &desk.mailbox.address;
    let found = session.inbox.folders().await?;
    let knows_spam = found.iter().any(|f| f.role == FolderRole::Spam);
    cx.ledger.note_folders(desk.fence.clone(), address.clone(), found).await?;
    session.folders = cx.ledger.folders(address.clone()).await?;
    if knows_spam {
        cx.clear_trouble(address, "spam_folder").await;
    }
    Ok(knows_spam)
}

/// One look at one folder, to its end, noted in the ledger. `moved`: letters that we moved there ourselves a moment ago.
pub(super) async fn look_at(
    cx: &Context,
    desk: &Desk,
    session: &mut Session,
    name: &FolderName,
    moved: &BTreeSet<LetterId>,
) -> Result<(), LookError> {
    let is_first_look = session.named(&name.wire).is_some_and(|f| f.cursor.is_none());
    for _ in 0..MOST_LOOKS {
        let Some(folder) = session.named(&name.wire) else { return Ok(()) };
        let (role, cursor, read_at) = (folder.role, folder.cursor, folder.read_at);
        let now = cx.clock.now();
        let look = session.inbox.look(name, cursor, cx.server_time(now) - LOOK_BACK).await?;
        if look.new.is_empty() && cursor == Some(look.cursor) {
            if read_at.is_none_or(|at| now.since(at) >= WRITE_EVERY) {
                session.unchanged.push((name.clone(), now));
            }
            return Ok(());
        }
        let Shown { claims, mut strangers } = sight::read_claims(&look.new, &desk.mailbox.address, &cx.config, &cx.keys);
        let named = sight::letters_named(&claims);
        let known = if named.is_empty() { Vec::new() } else { cx.ledger.letters_of(named).await? };
        let known: BTreeMap<_, _> = known.into_iter().map(|l| (l.plan.id, l)).collect();
        let claimed: BTreeSet<Uid> = look.new.iter().map(|h| h.uid).collect();
        let elsewhere = still_elsewhere(cx, desk, session, name, &known, &claimed, moved).await?;
        let habits = Habits { engagement: &desk.engagement, zone: desk.mailbox.zone };
        let judged = sight::judge(claims, &known, &elsewhere, &desk.mailbox.address, role, habits, now);
        strangers.extend(judged.strangers);
        let place = Place { folder: name, uid_validity: look.uid_validity, is_first_look };
        let (cursor, broken) = match hear_strangers(cx, desk, session, &place, &look.new, &strangers).await? {
            Extent::All => (look.cursor, None),
            Extent::Stopped => return Ok(()),
            Extent::UpTo(uid, e) => (Cursor { uid: uid.0, ..look.cursor }, Some(e)),
        };
        let (sighted, refused) = (judged.sighted, judged.refused);
        let (letters, planned) = (sighted.len(), Upcoming::of_new_letters(&sighted));
        let note = LookNote { mailbox: desk.mailbox.address.clone(), folder: name.wire.clone(), role, cursor, sighted, refused, now };
        let noted = cx.ledger.note_look(desk.fence.clone(), note).await?;
        // What becomes of the actions of letters that were seen before has to be asked for.
        let planned = if noted.first_seen as usize == letters { planned } else { Upcoming::Unknown };
        session.planned = session.planned.and(planned);
        tell(cx, desk, noted);
        if let Some(folder) = session.folders.iter_mut().find(|f| f.name.wire == name.wire) {
            folder.cursor = Some(cursor);
            folder.read_at = Some(now);
        }
        if let Some(e) = broken {
            return Err(e.into());
        }
        if !look.more || cx.stopping() {
            return Ok(());
        }
    }
    let what = format!("{MOST_LOOKS} looks at {} were not enough; the next turn goes on from there", name.shown);
    Err(MailError::new(&desk.mailbox.address, Step::Fetch, Trouble::OverLimit(what)).into())
}

/// Writes down that folders were read which showed nothing new.
pub(super) async fn note_unchanged(cx: &Context, desk: &Desk, session: &mut Session) -> Result<(), LedgerError> {
    if session.unchanged.is_empty() {
        return Ok(());
    }
    let read: Vec<_> = session.unchanged.iter().map(|(name, at)| (name.wire.clone(), *at)).collect();
    cx.ledger.note_read(desk.fence.clone(), desk.mailbox.address.clone(), read).await?;
    for (name, at) in session.unchanged.drain(..) {
        if let Some(folder) = session.folders.iter_mut().find(|f| f.name == name) {
            folder.read_at = Some(at);
        }
    }
    Ok(())
}

/// What is heard is written down before the cursor: a crash in between must not lose it. Mostly there is nothing to hear, and that must cost nothing.
async fn hear_strangers(
    cx: &Context,
    desk: &Desk,
    session: &mut Session,
    place: &Place<'_>,
    headers: &[Header],
    strangers: &BTreeSet<Uid>,
) -> Result<Extent, LookError> {
    if strangers.is_empty() {
        return Ok(Extent::All);
    }
    let headers: Vec<&Header> = headers.iter().filter(|h| strangers.contains(&h.uid)).collect();
    Box::pin(hear(cx, desk, session.inbox.as_mut(), place, &headers)).await
}

fn tell(cx: &Context, desk: &Desk, noted: crate::ledger::Noted) {
    let at = &desk.mailbox.address;
    if noted.in_spam > 0 {
        cx.tell(&News::Seen { at: at.clone(), letters: noted.in_spam, placement: Placement::Spam });
    }
    if noted.first_seen > noted.in_spam {
        cx.tell(&News::Seen { at: at.clone(), letters: noted.first_seen - noted.in_spam, placement: Placement::Inbox });
    }
    if noted.rescued > 0 {
        cx.tell(&News::Rescued(at.clone(), noted.rescued));
    }
    if noted.refused > 0 {
        cx.tell(&News::RefusedMarks(at.clone(), noted.refused));
    }
}

/// Of letters that were sighted before: those whose earlier copy is still where it was, so that the one in `here` is a second. `claimed`: the UIDs that
/// this look shows. Servers give a message a new UID when it leaves a folder and comes back; then the old one is gone, and the letter has moved.
async fn still_elsewhere(
    cx: &Context,
    desk: &Desk,
    session: &mut Session,
    here: &FolderName,
    known: &BTreeMap<LetterId, LetterFacts>,
    claimed: &BTreeSet<Uid>,
    moved: &BTreeSet<LetterId>,
) -> Result<BTreeSet<LetterId>, LookError> {
    let seen_before: Vec<LetterId> =
        known.values().filter(|l| l.seen_at.is_some() && !moved.contains(&l.plan.id)).map(|l| l.plan.id).collect();
    let (mut still, mut half_rescued) = (BTreeSet::new(), Vec::new());
    if seen_before.is_empty() {
        return Ok(still);
    }
    for place in cx.ledger.sightings_of(desk.mailbox.address.clone(), seen_before).await? {
        if place.folder == here.wire && claimed.contains(&place.uid) {
            continue; // it is the very one that was seen before
        }
        let Some(old) = session.named(&place.folder).map(|f| f.name.clone()) else { continue };
        match session.inbox.flags_of(&old, place.uid_validity, &[place.uid]).await {
            Ok(flags) if flags.is_empty() => {}
            Ok(_) if is_half_rescued(session, here, &place.folder) => half_rescued.push((old, place)),
            Ok(_) => drop(still.insert(place.letter)),
            // Renumbered or gone: the old place says nothing any more.
            Err(e) if !e.is_connection_lost() => {}
            Err(e) => return Err(e.into()),
        }
    }
    if !half_rescued.is_empty() && !moved.is_empty() {
        // What was moved just now may still lie there beside them, marked: without UIDPLUS the server is asked to take all that is marked, or nothing.
        for place in cx.ledger.sightings_of(desk.mailbox.address.clone(), moved.iter().copied().collect()).await? {
            if let Some(old) = session.named(&place.folder).filter(|f| f.role == FolderRole::Spam).map(|f| f.name.clone()) {
                half_rescued.push((old, place));
            }
        }
    }
    end_rescues(session, half_rescued).await?;
    Ok(still)
}

/// Whether a letter in the inbox whose earlier copy still lies in `before` is one that we copied there ourselves. Without MOVE a rescue is a copy and then a deletion,
/// and may break off in between; to copy again would pile them up. (A copy that such a server made on its own is taken for ours: the letter is in the inbox.)
fn is_half_rescued(session: &Session, here: &FolderName, before: &str) -> bool {
    let has_role = |wire: &str, role| session.named(wire).is_some_and(|f| f.role == role);
    !session.inbox.moves_in_one_step() && has_role(&here.wire, FolderRole::Inbox) && has_role(before, FolderRole::Spam)
}

/// Takes away the old ones of letters' two copies, of which the new ones are about to be noted: all of a folder together, for without UIDPLUS nothing
/// else may be marked there. Where the server refuses this, the old copy stays and does no harm.
async fn end_rescues(session: &mut Session, half_rescued: Vec<(FolderName, SightingRow)>) -> Result<(), LookError> {
    let mut by_folder: BTreeMap<(String, u32), (FolderName, Vec<Uid>)> = BTreeMap::new();
    for (folder, place) in half_rescued {
        let of_folder = by_folder.entry((place.folder, place.uid_validity)).or_insert_with(|| (folder, Vec::new()));
        of_folder.1.push(place.uid);
    }
    for ((_, uid_validity), (folder, uids)) in by_folder {
        match session.inbox.delete(&folder, uid_validity, &uids).await {
            Err(e) if e.is_connection_lost() => return Err(e.into()),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

/// Adds the letters of this mailbox's own that its Sent folder holds since `since`.
pub(super) async fn find_in_sent(
    cx: &Context,
    desk: &Desk,
    session: &mut Session,
    since: Moment,
    found: &mut BTreeSet<LetterId>,
) -> Result<(), LookError> {
    let Some(sent) = session.folder(FolderRole::Sent).map(|f| f.name.clone()) else { return Ok(()) };
    let mut cursor = None;
    for _ in 0..MOST_LOOKS {
        let look = session.inbox.look(&sent, cursor, cx.server_time(since) - Duration::from_hours(1)).await?;
        for header in &look.new {
            found.extend(sight::own_letter(header, &desk.mailbox.address, &cx.keys));
        }
        if !look.more || cursor == Some(look.cursor) || cx.stopping() {
            break;
        }
        cursor = Some(look.cursor);
    }
    Ok(())
}
