//! The looking worker of one mailbox: finds where letters to it landed, and does what its agenda says about them.
//!
//! Once on each date it puts away what is finished (`tidying`). It reads the inbox every 5 minutes and spam every 10 (where it can listen with IDLE meanwhile,
//! both together every 10), other folders every 6 hours, and the mailbox's own Sent folder while a letter of its own is uncertain, or where real mail is counted
//! in it.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::acting::act;
use super::all_sent::AllSent;
use super::context::{Attempts, Context, Desk, Woken, stopped};
use super::look::{LookError, Session, find_folders, find_in_sent, look_at, note_unchanged, open};
use super::outside::mind_real_mail;
use super::progress::News;
use super::sending::{OUT_LOOK, Pace};
use super::tidying::{self, tidy};
use super::upcoming::Upcoming;
use crate::config::Engagement;
use crate::engage::{Habits, catch_up};
use crate::ledger::LedgerError;
use crate::mail::{FolderName, Idled, MailError, Trouble};
use crate::words::{FolderRole, LocalDate, Moment, Zone};

const INBOX_EVERY: Duration = Duration::from_mins(5);
const SPAM_EVERY: Duration = Duration::from_mins(10);
const OTHERS_EVERY: Duration = Duration::from_hours(6);
/// A letter that was accepted is waited for this long before a day's run ends.
const WAIT_FOR_ARRIVAL: Duration = Duration::from_hours(2);
/// An action this late is downtime, not a poll: it is spread.
const OVERDUE: Duration = Duration::from_mins(30);
/// News are looked at no sooner than this after the rest began in which they came.
const NEWS_EVERY: Duration = Duration::from_secs(5);
/// IDLE is worth it for waits of this length, in real time.
const IDLE_FROM: Duration = Duration::from_secs(8);
/// Accepted and not seen for this long: missing.
pub const MISSING_AFTER: Duration = Duration::from_hours(24);
/// Uncertain for this long: unaccounted.
pub const UNACCOUNTED_AFTER: Duration = Duration::from_hours(72);

struct Looker<'a> {
    cx: &'a Context,
    desk: &'a Desk,
    /// When its hours end.
    ends: Moment,
    session: Option<Session>,
    next_inbox: Moment,
    next_spam: Moment,
    next_others: Option<Moment>,
    next_tidy: Moment,
    /// Whether the server has been listened to with IDLE: then a look is only for what that might miss.
    listens: bool,
    /// The next action, where it was asked for and nothing has changed since.
    upcoming: Upcoming,
    attempts: Attempts,
}

/// Looks and acts for a mailbox until its day is over: every sender is done, nothing is awaited, and nothing is due before its hours end.
///
/// # Errors
/// Only the ledger's; what a mail server does is noted and worked around.
pub async fn look_day(cx: &Context, desk: &Desk, all_sent: &AllSent, pace: Pace) -> Result<(), LedgerError> {
    if cx.patiently(&desk.mailbox.address, || spread_what_is_overdue(cx, desk)).await?.is_none() {
        return Ok(());
    }
    let now = cx.clock.now();
    let attempts = Attempts::from("imap", now);
    let mut looker = Looker {
        cx,
        desk,
        ends: day_ends(desk),
        session: None,
        next_inbox: now,
        next_spam: now,
        next_others: None,
        next_tidy: now,
        listens: false,
        upcoming: Upcoming::Unknown,
        attempts,
    };
    let result = looker.work(all_sent, pace).await;
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
    let habits = Habits { engagement: &desk.engagement, zone: desk.mailbox.zone };
    // Where this day is over, the next morning is near enough.
    let ends = day_ends(desk);
    let until = if now < ends { ends } else { ends + Duration::from_hours(24) };
    let caught_up = catch_up(now, until, &keys, habits);
    cx.ledger.retime_actions(desk.fence.clone(), caught_up, false).await
}

impl Looker<'_> {
    async fn work(&mut self, all_sent: &AllSent, pace: Pace) -> Result<(), LedgerError> {
        while !self.cx.stopping() {
            let now = self.cx.clock.now();
            let done = all_sent.is_so();
            if now.local_date(self.desk.mailbox.zone) > self.desk.date {
                // The machine slept, or the clock was set: what is left of the date is for the run of the next one, which may be waiting for this one's end.
                break;
            }
            if self.desk.is_out() {
                if pace == Pace::Once
                    || done
                    || now >= self.ends
                    || self.cx.wait_until((now + OUT_LOOK).min(self.ends)).await == Woken::Stop
                {
                    break;
                }
                let (cx, desk) = (self.cx, self.desk);
                if cx.patiently(&desk.mailbox.address, || cx.look_whether_in_again(desk)).await?.is_none() {
                    break;
                }
                if !self.desk.is_out() {
                    self.attempts.afresh(now);
                }
                continue;
            }
            if now >= self.attempts.not_before() {
                match self.turn().await {
                    // One that was broken off says nothing.
                    Ok(()) if self.cx.stopping() => {}
                    Ok(()) if self.desk.is_granted_all() => self.attempts.worked(self.cx, self.desk).await,
                    Ok(()) => self.attempts.still_troubled(),
                    Err(LookError::Mail(e)) => self.attempts.failed(self.cx, self.desk, &e).await,
                    Err(LookError::Ledger(e)) if e.may_pass() => {
                        self.cx.tell(&News::Note(format!("{}: not looked: {e} (hint: {})", self.desk.mailbox.address, e.hint())));
                        self.attempts.back_off(self.cx, self.desk);
                    }
                    Err(LookError::Ledger(e)) => return Err(e),
                }
            }
            if pace == Pace::Once {
                break;
            }
            if self.desk.is_out() {
                continue;
            }
            match self.is_over_or_rest(done, all_sent).await {
                Ok(true) => break,
                Err(e) if !e.may_pass() => return Err(e),
                // The wait of the back-off is the next turn's.
                Err(_) if self.cx.wait_until(self.cx.clock.now() + Duration::from_mins(1)).await == Woken::Stop => break,
                Ok(false) | Err(_) => {}
            }
        }
        Ok(())
    }

    async fn is_over_or_rest(&mut self, done: bool, all_sent: &AllSent) -> Result<bool, LedgerError> {
        let now = self.cx.clock.now();
        Ok(self.day_is_over(done, now).await? || self.rest(all_sent, now).await? == Woken::Stop)
    }

    /// Everything that is due now: looks, actions, and the search for lost letters.
    async fn turn(&mut self) -> Result<(), LookError> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => match self.cx.unless_stopped(open(self.cx, self.desk)).await {
                Some(opened) => opened?,
                None => return Ok(()),
            },
        };
        let result = self.look_and_act(&mut session).await;
        match &result {
            Err(LookError::Mail(e)) if e.is_connection_lost() => {}
            _ if session.is_stale => session.inbox.sign_out().await,
            Err(LookError::Mail(e)) if matches!(e.trouble, Trouble::FolderGone(_)) => session.inbox.sign_out().await,
            _ => self.session = Some(session),
        }
        result
    }

    async fn look_and_act(&mut self, session: &mut Session) -> Result<(), LookError> {
        let now = self.cx.clock.now();
        if now >= self.next_inbox {
            self.look_at_role(session, FolderRole::Inbox).await?;
            self.next_inbox = now + INBOX_EVERY;
        }
        if now >= self.next_spam {
            // Many servers make the spam folder with the first message for it.
            if session.folder(FolderRole::Spam).is_none() {
                find_folders(self.cx, self.desk, session).await?;
            }
            self.look_at_role(session, FolderRole::Spam).await?;
            self.count_real_mail(session).await?;
            self.next_spam = now + SPAM_EVERY;
        }
        if self.listens {
            // What comes is heard: both are read at the same time, for what that might miss.
            self.next_inbox = self.next_spam;
        }
        let others = self.next_others.unwrap_or_else(|| others_due(session));
        if now >= others {
            self.look_everywhere_else(session).await?;
            self.next_others = Some(now + OTHERS_EVERY);
        } else {
            self.next_others = Some(others);
        }
        if now >= self.next_tidy {
            self.tidy_once_a_date(session).await?;
        }
        note_unchanged(self.cx, self.desk, session).await?;
        let planned = std::mem::replace(&mut session.planned, Upcoming::NONE);
        let answered = self.desk.answered.swap(false, Ordering::Relaxed) || self.desk.uncertain.load(Ordering::Relaxed);
        self.upcoming = if answered { Upcoming::Unknown } else { self.upcoming.and(planned) };
        if self.upcoming().await?.is_some_and(|due| due <= self.cx.clock.now()) {
            self.upcoming = Upcoming::Unknown;
            return act(self.cx, self.desk, session).await;
        }
        Ok(())
    }

    /// What is finished is put away, once on a local date. A server that breaks off over it is not asked again for hours.
    async fn tidy_once_a_date(&mut self, session: &mut Session) -> Result<(), LookError> {
        let (cx, desk, now) = (self.cx, self.desk, self.cx.clock.now());
        let Some(rule) = &cx.config.tidy else {
            // What did not work about it is nobody's concern any more.
            cx.clear_trouble(&desk.mailbox.address, tidying::CHANNEL).await;
            self.next_tidy = Moment(i64::MAX);
            return Ok(());
        };
        self.next_tidy = now + OTHERS_EVERY;
        let today = now.local_date(desk.mailbox.zone);
        if cx.ledger.tidied_on(desk.mailbox.address.clone()).await?.is_none_or(|date| date < today) {
            tidy(cx, desk, session, rule).await?;
        }
        self.next_tidy = today.plus(1).at(chrono::NaiveTime::MIN, desk.mailbox.zone);
        Ok(())
    }

    /// When the next action is due. Only looks, actions and this mailbox's own answers change it, so it is not asked for at every turn (but where an
    /// answer is uncertain, which its recipient may find).
    async fn upcoming(&mut self) -> Result<Option<Moment>, LedgerError> {
        if let Upcoming::Known(known) = self.upcoming {
            return Ok(known);
        }
        let next = self.cx.ledger.next_action(self.desk.mailbox.address.clone()).await?;
        self.upcoming = Upcoming::Known(next);
        Ok(next)
    }

    /// A folder that cannot be read keeps neither the others from being read nor letters from being opened.
    fn work_around(session: &mut Session, result: Result<(), LookError>) -> Result<Option<MailError>, LookError> {
        match result {
            Err(LookError::Mail(e)) if !e.is_connection_lost() => {
                session.is_stale |= matches!(e.trouble, Trouble::FolderGone(_));
                Ok(Some(e))
            }
            other => other.map(|()| None),
        }
    }

    async fn look_at_role(&mut self, session: &mut Session, role: FolderRole) -> Result<(), LookError> {
        let Some(name) = session.folder(role).map(|f| f.name.clone()) else { return Ok(()) };
        let looked = look_at(self.cx, self.desk, session, &name, &BTreeSet::new()).await;
        match Self::work_around(session, looked)? {
            None => self.desk.grants(role.as_str()),
            Some(e) => {
                self.desk.refuses(role.as_str());
                self.cx.note_trouble("imap", &e, self.cx.clock.now()).await;
            }
        }
        Ok(())
    }

    /// As often as spam is read: what is sent besides our letters is counted, where that is wanted.
    async fn count_real_mail(&mut self, session: &mut Session) -> Result<(), LookError> {
        let counted = mind_real_mail(self.cx, self.desk, session).await;
        if let Some(e) = Self::work_around(session, counted)? {
            self.cx.tell(&News::Trouble(e));
        }
        Ok(())
    }

    async fn look_everywhere_else(&mut self, session: &mut Session) -> Result<(), LookError> {
        // What is called missing rests on when inbox and spam were read: this look at them is written down, whatever it shows.
        for folder in session.folders.iter_mut().filter(|f| matches!(f.role, FolderRole::Inbox | FolderRole::Spam)) {
            folder.read_at = None;
        }
        self.look_at_role(session, FolderRole::Inbox).await?;
        self.look_at_role(session, FolderRole::Spam).await?;
        let (cx, desk) = (self.cx, self.desk);
        // While the spam folder is unknown it is one of the others: what lies there is not *filed*, and not missing either.
        let knows_spam = session.folder(FolderRole::Spam).is_some();
        let is_place = |role: FolderRole| is_other(role) && (knows_spam || role != FolderRole::Other);
        let others: Vec<FolderName> = session.folders.iter().filter(|f| is_place(f.role)).map(|f| f.name.clone()).collect();
        for name in others {
            if cx.stopping() {
                return Ok(());
            }
            let looked = look_at(cx, desk, session, &name, &BTreeSet::new()).await;
            if let Some(e) = Self::work_around(session, looked)? {
                // Shared folders and the like: said, and no trouble of the mailbox.
                cx.tell(&News::Trouble(e));
            }
        }
        // What is missing rests on when these were read.
        note_unchanged(cx, desk, session).await?;
        let (now, address) = (cx.clock.now(), desk.mailbox.address.clone());
        let missing = cx.ledger.note_missing(desk.fence.clone(), address.clone(), now - MISSING_AFTER, now).await?;
        if !missing.is_empty() {
            cx.tell(&News::Missing(address, missing.len() as u32));
        }
        self.look_for_uncertain(session).await
    }

    /// Uncertain letters of this mailbox's own: in its Sent folder, or given up after 72 hours.
    async fn look_for_uncertain(&mut self, session: &mut Session) -> Result<(), LookError> {
        let (cx, desk, now) = (self.cx, self.desk, self.cx.clock.now());
        let address = &desk.mailbox.address;
        let uncertain = cx.ledger.uncertain_of(address.clone()).await?;
        let Some(oldest) = uncertain.iter().filter_map(|l| l.handed_at).min() else { return Ok(()) };
        let mut found = BTreeSet::new();
        let looked = find_in_sent(cx, desk, session, oldest, &mut found).await;
        if let Some(e) = Self::work_around(session, looked)? {
            cx.tell(&News::Trouble(e));
        }
        let wanted = uncertain.iter().map(|l| l.plan.id).filter(|id| found.contains(id)).collect();
        let before = now - UNACCOUNTED_AFTER;
        let (found, given_up) = cx.ledger.settle_uncertain(desk.fence.clone(), address.clone(), wanted, before, now).await?;
        if found + given_up > 0 {
            cx.tell(&News::Note(format!("{address}: of its uncertain letters {found} were found in Sent, {given_up} are unaccounted")));
        }
        Ok(())
    }

    async fn day_is_over(&mut self, senders_done: bool, now: Moment) -> Result<bool, LedgerError> {
        // Nobody reads after hours, whatever mailboxes of other zones still send: it is seen tomorrow.
        if now >= self.ends {
            // But for a connection that broke while the machine slept: what became due in its sleep is done with a new one.
            let overdue = self.attempts.failed_once() && self.upcoming().await?.is_some_and(|due| due <= now);
            return Ok(!overdue);
        }
        if !senders_done || self.upcoming().await?.is_some_and(|due| due <= self.ends) {
            return Ok(false);
        }
        Ok(self.cx.ledger.awaited(self.desk.mailbox.address.clone(), now - WAIT_FOR_ARRIVAL).await? == 0)
    }

    /// Waits for the next look or action; listens with IDLE where the wait is long.
    async fn rest(&mut self, all_sent: &AllSent, now: Moment) -> Result<Woken, LedgerError> {
        let next_action = self.upcoming().await?;
        let at = [Some(self.next_inbox), Some(self.next_spam), self.next_others, next_action].into_iter().flatten().min().unwrap_or(now);
        // An action that failed keeps its place in the past only until it gets a new due time; never spin.
        let soon = now + Duration::from_secs(1);
        let at = at.max(self.attempts.not_before()).max(soon).min(self.ends.max(soon));
        let long = self.cx.clock.real_span(at.since(now)) >= IDLE_FROM;
        if long
            && let Some(session) = &mut self.session
            && let Some(inbox) = session.folder(FolderRole::Inbox).map(|f| f.name.clone())
        {
            let (cx, mut stop, was_done) = (self.cx, self.cx.stop.clone(), all_sent.is_so());
            let mut until = Box::pin(async move {
                tokio::select! {
                    biased;
                    () = stopped(&mut stop) => {}
                    () = all_sent.wait(), if !was_done => {}
                    () = cx.clock.sleep_until(at) => {}
                }
            });
            let idled = session.inbox.idle(&inbox, until.as_mut()).await;
            self.listens = matches!(idled, Ok(Idled::News | Idled::Stopped));
            match idled {
                Ok(Idled::News) => {
                    self.next_inbox = self.cx.clock.now();
                    // A server may have news at once whenever it is listened to.
                    // From now on where the clock was set back meanwhile.
                    return Ok(self.cx.wait_until(now.min(self.next_inbox) + NEWS_EVERY).await);
                }
                Ok(Idled::Stopped) => {}
                Ok(Idled::Unsupported) => return Ok(self.cx.wait_until(at).await),
                Ok(Idled::NoRoom) => {
                    if let Some(session) = self.session.take() {
                        session.inbox.sign_out().await;
                    }
                    return Ok(self.cx.wait_until(at).await);
                }
                Err(e) => {
                    self.session = None;
                    self.attempts.failed(self.cx, self.desk, &e).await;
                }
            }
            return Ok(if self.cx.stopping() { Woken::Stop } else { Woken::Time });
        }
        Ok(self.cx.wait_until(at).await)
    }
}

/// When a mailbox's hours end on the run's date, or its window where that is longer.
fn day_ends(desk: &Desk) -> Moment {
    hours_end(desk.date, desk.window.1, &desk.engagement, desk.mailbox.zone)
}

/// The same for a date whose window ends at `window_end`.
pub(super) fn hours_end(date: LocalDate, window_end: Moment, engagement: &Engagement, zone: Zone) -> Moment {
    date.at(engagement.to, zone).max(window_end)
}

fn is_other(role: FolderRole) -> bool {
    matches!(role, FolderRole::Other | FolderRole::Archive | FolderRole::Trash)
}

/// When the other folders are due: they were read by an earlier run perhaps, and `--once` comes every few minutes.
fn others_due(session: &Session) -> Moment {
    let read = session.folders.iter().filter(|f| is_other(f.role)).map(|f| f.read_at.unwrap_or(Moment(0))).min();
    read.map_or(Moment(0), |at| at + OTHERS_EVERY)
}
