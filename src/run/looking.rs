//! The looking worker of one mailbox: finds where letters to it landed, and does what its agenda says about them.
//!
//! It reads the inbox every 5 minutes and spam every 10 (in long waits it listens with IDLE), other folders every 6 hours, and the mailbox's own
//! Sent folder only while a letter of its own is uncertain.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::watch;

use super::acting::act;
use super::context::{Context, Desk, Woken, back_off, stopped};
use super::progress::News;
use super::sending::{OUT_LOOK, Pace};
use super::sight;
use crate::engage::{Habits, spread_overdue};
use crate::ledger::{LedgerError, LookNote, StoredFolder, TroubleNote};
use crate::mail::{FolderName, Idled, Inbox, MailError, Trouble};
use crate::words::{FolderRole, LetterId, Moment, Placement};

const INBOX_EVERY: Duration = Duration::from_mins(5);
const SPAM_EVERY: Duration = Duration::from_mins(10);
const OTHERS_EVERY: Duration = Duration::from_hours(6);
/// Without a cursor, letters of the last days are looked for: as long as a late one may still arrive.
const LOOK_BACK: Duration = Duration::from_hours(8 * 24);
/// A letter that was accepted is waited for this long before a day's run ends.
const WAIT_FOR_ARRIVAL: Duration = Duration::from_hours(2);
/// An action this late is downtime, not a poll: it is spread.
const OVERDUE: Duration = Duration::from_mins(30);
/// IDLE is worth it for waits of this length, in real time.
const IDLE_FROM: Duration = Duration::from_secs(8);
/// Accepted and not seen for this long: missing.
pub const MISSING_AFTER: Duration = Duration::from_hours(24);
/// Uncertain for this long: unaccounted.
pub const UNACCOUNTED_AFTER: Duration = Duration::from_hours(72);

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
}

impl Session {
    pub(super) fn folder(&self, role: FolderRole) -> Option<&StoredFolder> {
        self.folders.iter().find(|f| f.role == role)
    }

    pub(super) fn named(&self, wire: &str) -> Option<&StoredFolder> {
        self.folders.iter().find(|f| f.name.wire == wire)
    }
}

struct Looker<'a> {
    cx: &'a Context,
    desk: &'a Desk,
    session: Option<Session>,
    next_inbox: Moment,
    next_spam: Moment,
    next_others: Moment,
    not_before: Moment,
    failures: u32,
}

/// Looks and acts for a mailbox until its day is over: every sender is done, nothing is awaited, and nothing is due before its hours end.
///
/// # Errors
/// Only the ledger's; what a mail server does is noted and worked around.
pub async fn look_day(cx: &Context, desk: &Desk, senders_done: watch::Receiver<bool>, pace: Pace) -> Result<(), LedgerError> {
    spread_what_is_overdue(cx, desk).await?;
    let now = cx.clock.now();
    let mut looker = Looker { cx, desk, session: None, next_inbox: now, next_spam: now, next_others: now, not_before: now, failures: 0 };
    let result = looker.work(&senders_done, pace).await;
    if let Some(session) = looker.session.take() {
        session.inbox.sign_out().await;
    }
    result
}

async fn spread_what_is_overdue(cx: &Context, desk: &Desk) -> Result<(), LedgerError> {
    let now = cx.clock.now();
    let overdue = cx.ledger.due_actions(desk.mailbox.address.clone(), now - OVERDUE, 5_000).await?;
    if overdue.is_empty() {
        return Ok(());
    }
    let keys: Vec<_> = overdue.iter().map(|a| ((a.letter, a.kind), a.due)).collect();
    cx.ledger.retime_actions(desk.fence.clone(), spread_overdue(now, &keys), false).await
}

impl Looker<'_> {
    async fn work(&mut self, senders_done: &watch::Receiver<bool>, pace: Pace) -> Result<(), LedgerError> {
        while !self.cx.stopping() {
            let now = self.cx.clock.now();
            if self.desk.is_out() {
                if pace == Pace::Once || *senders_done.borrow() || self.cx.wait_until(now + OUT_LOOK).await == Woken::Stop {
                    break;
                }
                self.cx.look_whether_in_again(self.desk).await?;
                continue;
            }
            if now >= self.not_before {
                match self.turn().await {
                    Ok(()) => self.worked().await,
                    Err(LookError::Ledger(e)) => return Err(e),
                    Err(LookError::Mail(e)) => self.failed(&e).await,
                }
            }
            let done = *senders_done.borrow();
            if pace == Pace::Once || self.day_is_over(done).await? {
                break;
            }
            if self.rest(senders_done).await? == Woken::Stop {
                break;
            }
        }
        Ok(())
    }

    /// Everything that is due now: looks, actions, and the search for lost letters.
    async fn turn(&mut self) -> Result<(), LookError> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => open(self.cx, self.desk).await?,
        };
        let result = self.look_and_act(&mut session).await;
        match &result {
            Err(LookError::Mail(e)) if e.is_connection_lost() => {}
            // The folder list may be old: it is read again with the next session.
            Err(LookError::Mail(e)) if matches!(e.trouble, Trouble::FolderGone(_)) => session.inbox.sign_out().await,
            _ => self.session = Some(session),
        }
        result
    }

    async fn look_and_act(&mut self, session: &mut Session) -> Result<(), LookError> {
        let now = self.cx.clock.now();
        if now >= self.next_inbox {
            look_at_role(self.cx, self.desk, session, FolderRole::Inbox).await?;
            self.next_inbox = now + INBOX_EVERY;
        }
        if now >= self.next_spam {
            look_at_role(self.cx, self.desk, session, FolderRole::Spam).await?;
            self.next_spam = now + SPAM_EVERY;
        }
        if now >= self.next_others {
            self.look_everywhere_else(session).await?;
            self.next_others = now + OTHERS_EVERY;
        }
        act(self.cx, self.desk, session).await
    }

    async fn look_everywhere_else(&mut self, session: &mut Session) -> Result<(), LookError> {
        let (cx, desk) = (self.cx, self.desk);
        let others: Vec<FolderName> = session
            .folders
            .iter()
            .filter(|f| matches!(f.role, FolderRole::Other | FolderRole::Archive | FolderRole::Trash))
            .map(|f| f.name.clone())
            .collect();
        for name in others {
            match look_at(cx, desk, session, &name, &BTreeSet::new()).await {
                // A folder that cannot be opened (shared, or gone by now) does not keep the others from being read.
                Err(LookError::Mail(e)) if !e.is_connection_lost() => cx.tell(&News::Trouble(e)),
                other => other?,
            }
        }
        let (now, address) = (cx.clock.now(), desk.mailbox.address.clone());
        let missing = cx.ledger.note_missing(desk.fence.clone(), address.clone(), now - MISSING_AFTER, now).await?;
        if !missing.is_empty() {
            cx.tell(&News::Missing(address.clone(), missing.len() as u32));
        }
        let uncertain = cx.ledger.uncertain_of(address.clone()).await?;
        if !uncertain.is_empty() {
            let oldest = uncertain.iter().filter_map(|l| l.handed_at).min().unwrap_or(now);
            let found = find_in_sent(cx, desk, session, oldest).await?;
            let wanted = uncertain.iter().map(|l| l.plan.id).filter(|id| found.contains(id)).collect();
            let (found, given_up) =
                cx.ledger.settle_uncertain(desk.fence.clone(), address.clone(), wanted, now - UNACCOUNTED_AFTER, now).await?;
            if found + given_up > 0 {
                cx.tell(&News::Note(format!("{address}: of its uncertain letters {found} were found in Sent, {given_up} are unaccounted")));
            }
        }
        Ok(())
    }

    async fn worked(&mut self) {
        if self.failures > 0 {
            self.failures = 0;
            self.cx.clear_trouble(&self.desk.mailbox.address, "imap").await;
        }
    }

    async fn failed(&mut self, error: &MailError) {
        let now = self.cx.clock.now();
        self.not_before = now + back_off(self.failures);
        self.failures += 1;
        if error.is_sign_in() {
            self.not_before = now + Duration::from_hours(1);
            self.desk.out.store(true, Ordering::Relaxed);
            self.desk.new_letters.notify_one();
        }
        self.cx.note_trouble("imap", error, self.not_before).await;
    }

    fn habits(&self) -> Habits<'_> {
        Habits { engagement: &self.desk.engagement, zone: self.desk.mailbox.zone }
    }

    async fn day_is_over(&mut self, senders_done: bool) -> Result<bool, LedgerError> {
        let now = self.cx.clock.now();
        let hours_end = self.desk.date.at(self.habits().engagement.to, self.desk.mailbox.zone);
        if !senders_done {
            return Ok(false);
        }
        if now >= hours_end {
            return Ok(true);
        }
        let address = &self.desk.mailbox.address;
        if self.cx.ledger.awaited(address.clone(), now - WAIT_FOR_ARRIVAL).await? > 0 {
            return Ok(false);
        }
        Ok(self.cx.ledger.next_action(address.clone()).await?.is_none_or(|due| due > hours_end))
    }

    /// Waits for the next look or action; listens with IDLE where the wait is long.
    async fn rest(&mut self, senders_done: &watch::Receiver<bool>) -> Result<Woken, LedgerError> {
        let now = self.cx.clock.now();
        let next_action = self.cx.ledger.next_action(self.desk.mailbox.address.clone()).await?;
        let at =
            [Some(self.next_inbox), Some(self.next_spam), Some(self.next_others), next_action].into_iter().flatten().min().unwrap_or(now);
        // An action that failed keeps its place in the past only until it gets a new due time; never spin.
        let at = at.max(self.not_before).max(now + Duration::from_secs(1));
        let long = self.cx.clock.real_span(at.since(now)) >= IDLE_FROM;
        if long
            && let Some(session) = &mut self.session
            && let Some(inbox) = session.folder(FolderRole::Inbox).map(|f| f.name.clone())
        {
            let (cx, mut stop, mut done) = (self.cx, self.cx.stop.clone(), senders_done.clone());
            let was_done = *done.borrow();
            let mut until = Box::pin(async move {
                tokio::select! {
                    biased;
                    () = stopped(&mut stop) => {}
                    () = stopped(&mut done), if !was_done => {}
                    () = cx.clock.sleep_until(at) => {}
                }
            });
            match session.inbox.idle(&inbox, until.as_mut()).await {
                Ok(Idled::News) => self.next_inbox = self.cx.clock.now(),
                Ok(Idled::Stopped) => {}
                Ok(Idled::Unsupported) => return Ok(self.cx.wait_until(at).await),
                Err(e) => {
                    self.session = None;
                    self.failed(&e).await;
                }
            }
            return Ok(if self.cx.stopping() { Woken::Stop } else { Woken::Time });
        }
        Ok(self.cx.wait_until(at).await)
    }
}

/// Signs in and finds the folders. A mailbox without a spam folder that can be found says so loudly, in the ledger too.
async fn open(cx: &Context, desk: &Desk) -> Result<Session, LookError> {
    let address = &desk.mailbox.address;
    let mut inbox = cx.access.open_inbox(&desk.mailbox).await?;
    let found = inbox.folders().await?;
    let knows_spam = found.iter().any(|f| f.role == FolderRole::Spam);
    cx.ledger.note_folders(desk.fence.clone(), address.clone(), found).await?;
    let folders = cx.ledger.folders(address.clone()).await?;
    if knows_spam {
        cx.clear_trouble(address, "spam_folder").await;
    } else {
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
    }
    Ok(Session { inbox, folders })
}

async fn look_at_role(cx: &Context, desk: &Desk, session: &mut Session, role: FolderRole) -> Result<(), LookError> {
    match session.folder(role).map(|f| f.name.clone()) {
        Some(name) => look_at(cx, desk, session, &name, &BTreeSet::new()).await,
        None => Ok(()),
    }
}

/// One look at one folder, to its end, noted in the ledger. `moved`: letters that we moved there ourselves a moment ago.
pub(super) async fn look_at(
    cx: &Context,
    desk: &Desk,
    session: &mut Session,
    name: &FolderName,
    moved: &BTreeSet<LetterId>,
) -> Result<(), LookError> {
    loop {
        let Some(folder) = session.named(&name.wire) else { return Ok(()) };
        let (role, cursor) = (folder.role, folder.cursor);
        let now = cx.clock.now();
        let look = session.inbox.look(name, cursor, cx.server_time(now) - LOOK_BACK).await?;
        let unchanged = look.new.is_empty() && cursor == Some(look.cursor);
        let claims = sight::read_claims(&look.new, &desk.mailbox.address, &cx.config, &cx.keys);
        let known = cx.ledger.letters_of(sight::letters_named(&claims)).await?;
        let known: BTreeMap<_, _> = known.into_iter().map(|l| (l.plan.id, l)).collect();
        let elsewhere = still_elsewhere(cx, desk, session, name, &known, moved).await?;
        let habits = Habits { engagement: &desk.engagement, zone: desk.mailbox.zone };
        let (sighted, refused) = sight::judge(claims, &known, &elsewhere, &desk.mailbox.address, role, habits, now);
        let filed: Vec<LetterId> = sighted.iter().filter(|s| s.placement == Placement::Filed).map(|s| s.letter).collect();
        let note =
            LookNote { mailbox: desk.mailbox.address.clone(), folder: name.wire.clone(), role, cursor: look.cursor, sighted, refused, now };
        let noted = cx.ledger.note_look(desk.fence.clone(), note).await?;
        for id in filed {
            cx.ledger.lapse_answer(desk.fence.clone(), id, now).await?;
        }
        tell(cx, desk, noted);
        if let Some(folder) = session.folders.iter_mut().find(|f| f.name.wire == name.wire) {
            folder.cursor = Some(look.cursor);
            folder.read_at = Some(now);
        }
        if !look.more || unchanged {
            return Ok(());
        }
    }
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

/// Of letters that were sighted before in another folder: those whose earlier copy is still there, so that the new one is a second.
async fn still_elsewhere(
    cx: &Context,
    desk: &Desk,
    session: &mut Session,
    here: &FolderName,
    known: &BTreeMap<LetterId, crate::ledger::LetterFacts>,
    moved: &BTreeSet<LetterId>,
) -> Result<BTreeSet<LetterId>, LookError> {
    let seen_before: Vec<LetterId> =
        known.values().filter(|l| l.seen_at.is_some() && !moved.contains(&l.plan.id)).map(|l| l.plan.id).collect();
    let mut still = BTreeSet::new();
    if seen_before.is_empty() {
        return Ok(still);
    }
    for place in cx.ledger.sightings_of(desk.mailbox.address.clone(), seen_before).await? {
        if place.folder == here.wire {
            continue;
        }
        let Some(old) = session.named(&place.folder).map(|f| f.name.clone()) else { continue };
        match session.inbox.flags_of(&old, place.uid_validity, &[place.uid]).await {
            Ok(flags) if !flags.is_empty() => drop(still.insert(place.letter)),
            Ok(_) => {}
            // Renumbered or gone: the old place says nothing any more.
            Err(e) if !e.is_connection_lost() => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(still)
}

/// The letters of this mailbox's own that its Sent folder holds, since `since`.
async fn find_in_sent(cx: &Context, desk: &Desk, session: &mut Session, since: Moment) -> Result<BTreeSet<LetterId>, LookError> {
    let mut found = BTreeSet::new();
    let Some(sent) = session.folder(FolderRole::Sent).map(|f| f.name.clone()) else { return Ok(found) };
    let mut cursor = None;
    loop {
        let look = session.inbox.look(&sent, cursor, cx.server_time(since) - Duration::from_hours(1)).await?;
        for header in &look.new {
            found.extend(sight::own_letter(header, &desk.mailbox.address, &cx.keys));
        }
        if !look.more || cursor == Some(look.cursor) {
            return Ok(found);
        }
        cursor = Some(look.cursor);
    }
}
