//! What a recipient does about letters: rescue, open, mark. Batched by folder; what is done is written down, what fails is tried again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::context::{Context, Desk};
use super::look::{LookError, Session, look_at};
use super::participants::participant;
use super::progress::News;
use crate::agenda::{ParentFacts, answer_after_rescue};
use crate::compose::parent_of;
use crate::engage::{ActionKind, answer_slots, wants_answer};
use crate::ledger::{DueAction, OpenedParent};
use crate::mail::{Flag, FolderName, MailError, Step, Trouble, Uid};
use crate::words::{FolderRole, LetterId, LocalDate, Moment};

/// How many actions one turn takes on.
const MOST: u32 = 500;
/// After this many tries an action is given up, visibly: after two days and more.
const TRIES: u32 = 7;
/// Until the second try; each later one waits three times as long: 10 min, half an hour, 1½ h … 40 h.
const TRY_AGAIN: Duration = Duration::from_mins(10);
/// Characters of a letter's text that are kept for its answer.
const OPENED_TEXT: usize = 4_000;
/// An answer may be put off to three later send-days.
const SLOTS: usize = 4;

/// Does everything that is due for the mailbox.
pub(super) async fn act(cx: &Context, desk: &Desk, session: &mut Session) -> Result<(), LookError> {
    let due = cx.ledger.due_actions(desk.mailbox.address.clone(), cx.clock.now(), MOST).await?;
    let of_kind = |kind: ActionKind| due.iter().filter(|a| a.kind == kind).cloned().collect::<Vec<_>>();
    rescue(cx, desk, session, of_kind(ActionKind::Rescue)).await?;
    for action in of_kind(ActionKind::Open) {
        if cx.stopping() {
            return Ok(());
        }
        open(cx, desk, session, &action).await?;
    }
    for (kind, flag) in
        [(ActionKind::Important, Flag::Important), (ActionKind::Flag, Flag::Flagged), (ActionKind::Answered, Flag::Answered)]
    {
        mark(cx, desk, session, of_kind(kind), flag).await?;
    }
    Ok(())
}

/// A folder's letters that share one numbering.
type Batches = BTreeMap<(String, u32), Vec<DueAction>>;

fn by_folder(actions: Vec<DueAction>) -> Batches {
    let mut batches = Batches::new();
    for a in actions {
        batches.entry((a.folder.clone(), a.uid_validity)).or_default().push(a);
    }
    batches
}

/// Moves letters from spam to the inbox, then looks at the inbox: rescued means *seen in the inbox*, not that a command returned OK.
async fn rescue(cx: &Context, desk: &Desk, session: &mut Session, actions: Vec<DueAction>) -> Result<(), LookError> {
    if actions.is_empty() {
        return Ok(());
    }
    let Some(inbox) = session.folder(FolderRole::Inbox).map(|f| f.name.clone()) else {
        return again_or_give_up(cx, desk, actions).await;
    };
    // A person, or the provider, may have moved some of them already: those need no rescue.
    let (already, in_spam): (Vec<_>, Vec<_>) = actions.into_iter().partition(|a| a.role != FolderRole::Spam);
    end(cx, desk, &already, "gone").await?;
    let (mut moved, mut gone) = (BTreeSet::new(), BTreeSet::new());
    for ((folder, uid_validity), batch) in by_folder(in_spam.clone()) {
        let Some(from) = session.named(&folder).map(|f| f.name.clone()) else {
            gone.extend(batch.iter().map(|a| a.letter));
            continue;
        };
        let uids: Vec<Uid> = batch.iter().map(|a| a.uid).collect();
        match session.inbox.move_to(&from, uid_validity, &uids, &inbox).await {
            Ok(result) => {
                works(desk);
                let went: BTreeSet<Uid> = result.moved.iter().map(|m| m.0).chain(result.left_marked).collect();
                moved.extend(batch.iter().filter(|a| went.contains(&a.uid)).map(|a| a.letter));
                gone.extend(batch.iter().filter(|a| result.gone.contains(&a.uid)).map(|a| a.letter));
            }
            Err(e) if e.trouble == Trouble::Renumbered => {
                read_anew(cx, desk, session, &from, e).await?;
                gone.extend(batch.iter().map(|a| a.letter));
            }
            Err(e) if e.is_connection_lost() => return again_then(cx, desk, batch, e).await,
            Err(e) => refused(cx, desk, session, &e).await,
        }
    }
    look_at(cx, desk, session, &inbox, &moved).await?;
    say_not_junk(cx, desk, session, &inbox, &moved).await?;
    // Whatever the look did not show in the inbox is still due: later, and not for ever.
    let left = cx.ledger.due_actions(desk.mailbox.address.clone(), cx.clock.now(), MOST).await?;
    let left: BTreeSet<LetterId> = left.into_iter().filter(|a| a.kind == ActionKind::Rescue).map(|a| a.letter).collect();
    let left = in_spam.into_iter().filter(|a| left.contains(&a.letter));
    let (gone, again): (Vec<_>, Vec<_>) = left.partition(|a| gone.contains(&a.letter));
    gone_or_again(cx, desk, gone).await?;
    let lied = again.iter().filter(|a| moved.contains(&a.letter)).count();
    if lied > 0 {
        let what = format!("{lied} letter(s) are not in the inbox");
        refused(cx, desk, session, &MailError::new(&desk.mailbox.address, Step::Move, Trouble::NotDone(what))).await;
    }
    again_or_give_up(cx, desk, again).await
}

/// Marks rescued letters `$NotJunk`, for filters that learn from the keyword. Where the server does not permit it, nothing is lost.
async fn say_not_junk(
    cx: &Context,
    desk: &Desk,
    session: &mut Session,
    inbox: &FolderName,
    rescued: &BTreeSet<LetterId>,
) -> Result<(), LookError> {
    let mut by_numbering: BTreeMap<u32, Vec<Uid>> = BTreeMap::new();
    for place in cx.ledger.sightings_of(desk.mailbox.address.clone(), rescued.iter().copied().collect()).await? {
        if place.folder == inbox.wire {
            by_numbering.entry(place.uid_validity).or_default().push(place.uid);
        }
    }
    for (uid_validity, uids) in by_numbering {
        match session.inbox.set_flags(inbox, uid_validity, &uids, &[Flag::NotJunk]).await {
            Err(e) if e.is_connection_lost() => return Err(e.into()),
            Err(e) => cx.tell(&News::Trouble(e)),
            Ok(_) => {}
        }
    }
    Ok(())
}

/// Opens one letter, and puts its answer on the agenda where it is to have one.
async fn open(cx: &Context, desk: &Desk, session: &mut Session, action: &DueAction) -> Result<(), LookError> {
    let one = || vec![action.clone()];
    let Some(folder) = session.named(&action.folder).map(|f| f.name.clone()) else { return gone_or_again(cx, desk, one()).await };
    let bytes = match session.inbox.open(&folder, action.uid_validity, action.uid).await {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return gone_or_again(cx, desk, one()).await,
        Err(e) if e.trouble == Trouble::Renumbered => {
            read_anew(cx, desk, session, &folder, e).await?;
            return gone_or_again(cx, desk, one()).await;
        }
        Err(e) if e.is_connection_lost() => return again_then(cx, desk, one(), e).await,
        Err(e) => {
            refused(cx, desk, session, &e).await;
            return again_or_give_up(cx, desk, one()).await;
        }
    };
    works(desk);
    let now = cx.clock.now();
    cx.tell(&News::Opened(desk.mailbox.address.clone()));
    let (parent, wanted) = match answer_wanted(cx, desk, action.letter, now).await? {
        Some(wanted) => (read_parent(&bytes), wanted),
        None => (None, AnswerWanted::default()),
    };
    let AnswerWanted { slots, receive_limit } = wanted;
    let placed = cx.ledger.note_opened(desk.fence.clone(), action.letter, parent, slots, receive_limit, now).await?;
    if placed.is_some() {
        desk.new_letters.notify_one();
    }
    Ok(())
}

/// Where the answer to a letter can go.
#[derive(Default)]
struct AnswerWanted {
    /// Dates and times, the soonest first.
    slots: Vec<(LocalDate, Moment)>,
    /// What whoever is answered receives on a date at most.
    receive_limit: u32,
}

/// Where the answer to a letter can go, if it is to have one. An answer that hung on the rescue is planned now.
async fn answer_wanted(cx: &Context, desk: &Desk, id: LetterId, now: Moment) -> Result<Option<AnswerWanted>, LookError> {
    let Some(letter) = cx.ledger.letter(id).await? else { return Ok(None) };
    let Some(placement) = letter.placement else { return Ok(None) };
    let draws = letter.plan.draws;
    if !wants_answer(placement, &draws) {
        return Ok(None);
    }
    let Some(asker) = cx.config.mailboxes.get(&letter.plan.sender) else { return Ok(None) };
    let receive_limit = asker.receive_limit;
    if cx.ledger.answer_to(id).await?.is_none() {
        let facts = ParentFacts { id, in_thread: letter.plan.in_thread, draws };
        let (answerer, asker) = (participant(&cx.config, &desk.mailbox, 0), participant(&cx.config, asker, 0));
        let thread = answer_after_rescue(cx.seed, &facts, &answerer, &asker, cx.config.pairs.thread_length, now);
        if thread.is_empty() {
            return Ok(None);
        }
        cx.ledger.add_answers(desk.fence.clone(), thread).await?;
    }
    let slots = answer_slots(now + draws.answer_after, &desk.pacing, &desk.calendar, desk.mailbox.zone, SLOTS);
    Ok(Some(AnswerWanted { slots, receive_limit }))
}

/// What the answer needs of the letter that was opened: bounded, so that a long thread does not grow in the ledger.
fn read_parent(bytes: &[u8]) -> Option<OpenedParent> {
    let mut p = parent_of(bytes)?;
    if let Some((end, _)) = p.text.char_indices().nth(OPENED_TEXT) {
        p.text.truncate(end);
    }
    Some(OpenedParent {
        message_id: p.message_id,
        references: p.references,
        subject: p.subject,
        text: p.text,
        from_name: p.from.name,
        date: p.date.to_rfc3339(),
    })
}

async fn mark(cx: &Context, desk: &Desk, session: &mut Session, actions: Vec<DueAction>, flag: Flag) -> Result<(), LookError> {
    for ((folder, uid_validity), batch) in by_folder(actions) {
        let Some(name) = session.named(&folder).map(|f| f.name.clone()) else {
            gone_or_again(cx, desk, batch).await?;
            continue;
        };
        let uids: Vec<Uid> = batch.iter().map(|a| a.uid).collect();
        match session.inbox.set_flags(&name, uid_validity, &uids, &[flag]).await {
            Ok(not_permitted) => {
                works(desk);
                end(cx, desk, &batch, if not_permitted.contains(&flag) { "not_permitted" } else { "done" }).await?;
            }
            Err(e) if e.trouble == Trouble::Renumbered => {
                read_anew(cx, desk, session, &name, e).await?;
                gone_or_again(cx, desk, batch).await?;
            }
            Err(e) if e.is_connection_lost() => return again_then(cx, desk, batch, e).await,
            Err(e) => {
                refused(cx, desk, session, &e).await;
                again_or_give_up(cx, desk, batch).await?;
            }
        }
    }
    Ok(())
}

/// A refused action is noted, and tried again later. Where its folder cannot be opened, the folder list is read again first.
async fn refused(cx: &Context, desk: &Desk, session: &mut Session, error: &MailError) {
    session.is_stale |= matches!(error.trouble, Trouble::FolderGone(_));
    desk.refuses("action");
    cx.note_trouble("imap", error, cx.clock.now() + TRY_AGAIN).await;
}

/// What ended the session counts as a try of what was being done: a letter that breaks every session must not keep the others from being read.
async fn again_then(cx: &Context, desk: &Desk, actions: Vec<DueAction>, error: MailError) -> Result<(), LookError> {
    again_or_give_up(cx, desk, actions).await?;
    Err(error.into())
}

/// An action went well: what was refused before is no trouble any more.
fn works(desk: &Desk) {
    desk.grants("action");
}

/// Reads a folder that was renumbered: whatever is still in it gets its new number.
async fn read_anew(cx: &Context, desk: &Desk, session: &mut Session, folder: &FolderName, error: MailError) -> Result<(), LookError> {
    cx.tell(&News::Trouble(error));
    look_at(cx, desk, session, folder, &BTreeSet::new()).await
}

/// Letters that were not where they were seen last. If no look has shown them elsewhere since, they are gone, and nothing more is done about them.
async fn gone_or_again(cx: &Context, desk: &Desk, actions: Vec<DueAction>) -> Result<(), LookError> {
    let address = &desk.mailbox.address;
    let places = cx.ledger.sightings_of(address.clone(), actions.iter().map(|a| a.letter).collect()).await?;
    let was_last_seen_there = |a: &DueAction| {
        places.iter().any(|p| p.letter == a.letter && p.folder == a.folder && p.uid_validity == a.uid_validity && p.uid == a.uid)
    };
    let (gone, again): (Vec<_>, Vec<_>) = actions.into_iter().partition(was_last_seen_there);
    end(cx, desk, &gone, "gone").await?;
    for a in &gone {
        cx.tell(&News::Note(format!("{address}: letter {} is not in its folder any more: {} is left undone", a.letter, a.kind)));
    }
    again_or_give_up(cx, desk, again).await
}

async fn end(cx: &Context, desk: &Desk, actions: &[DueAction], result: &'static str) -> Result<(), crate::ledger::LedgerError> {
    if actions.is_empty() {
        return Ok(());
    }
    let keys = actions.iter().map(|a| (a.letter, a.kind)).collect();
    cx.ledger.end_actions(desk.fence.clone(), keys, result, cx.clock.now()).await
}

async fn again_or_give_up(cx: &Context, desk: &Desk, actions: Vec<DueAction>) -> Result<(), LookError> {
    let (given_up, again): (Vec<_>, Vec<_>) = actions.into_iter().partition(|a| a.attempts + 1 >= TRIES);
    for a in &given_up {
        cx.tell(&News::Note(format!("{}: letter {}: {} was given up after {TRIES} tries", desk.mailbox.address, a.letter, a.kind)));
    }
    end(cx, desk, &given_up, "given_up").await?;
    let now = cx.clock.now();
    let again: Vec<_> = again.into_iter().map(|a| ((a.letter, a.kind), now + TRY_AGAIN * 3u32.pow(a.attempts.min(5)))).collect();
    if !again.is_empty() {
        cx.ledger.retime_actions(desk.fence.clone(), again, true).await?;
    }
    Ok(())
}
