//! A day of the executor in virtual time, over servers that are a model with faults to switch on.

mod clocks;
mod guarding;
mod hearing;
mod hostile;
mod rescuing;
mod row;
mod suspending;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use super::{Context, News, Pace, Progress, RunError, run};
use crate::chance::Seed;
use crate::classify::GLANCED;
use crate::clock::Clock;
use crate::compose::Library;
use crate::config::Mailbox;
use crate::ledger::{Holder, Ledger, LetterFacts, Place, SuspensionRow, TroubleRow};
use crate::letter::Keyring;
use crate::mail::{
    Access, Cursor, Deleted, Envelope, Flag, Folder, FolderName, Handover, Header, Idled, Inbox, Look, MailError, Moved, Offer, Outbox,
    Refusal, Step, StoredFlags, Trouble, Uid,
};
use crate::words::{Address, Domain, FolderRole, LetterId, LocalDate, MessageId, Moment, Reply, Zone};

/// What goes wrong at the servers.
#[derive(Default)]
struct Faults {
    /// Whoever signs in waits for six hours.
    hangs: AtomicBool,
    /// IMAP refuses the password.
    refuses_sign_in: AtomicBool,
    /// Junk cannot be selected.
    junk_is_closed: AtomicBool,
    /// Opening this UID ends the session.
    poisonous: AtomicU32,
    /// What is said at MAIL FROM.
    at_mail: Mutex<Option<Reply>>,
    /// What is said at RCPT to these recipients.
    at_rcpt: Mutex<BTreeMap<Address, Reply>>,
    /// The same after the final dot.
    after_the_dot: Mutex<BTreeMap<Address, Reply>>,
    /// This domain's server knows no recipient.
    lost: Mutex<Option<Domain>>,
    /// Letters to these are taken and never arrive.
    swallows: Mutex<BTreeSet<Address>>,
    /// Message-IDs are replaced on the way.
    rewrites: AtomicBool,
    /// This mailbox's server says OK to every move, names new UIDs, and moves nothing.
    lies_about_moves: Mutex<Option<Address>>,
    /// This mailbox's folders always have more to read.
    has_no_end: Mutex<Option<Address>>,
    /// This mailbox's server has news whenever it is listened to.
    always_has_news: Mutex<Option<Address>>,
    /// The connection breaks when this UID is peeked at; with [`SAYS_NO`], the server refuses instead.
    unreadable: AtomicU32,
    /// How long it takes to offer a letter.
    slow_offers: Mutex<Duration>,
    /// All letters land in Junk, there is no MOVE, and each rescue breaks off after its copy.
    half_moves: AtomicBool,
    /// There is no MOVE, and each move out of INBOX breaks off after its copy.
    half_tidying: AtomicBool,
}

/// Beside a UID in [`Faults::unreadable`].
const SAYS_NO: u32 = 1 << 31;

/// Servers that take everything and deliver to the recipient's INBOX, but for the faults.
#[derive(Default)]
struct Servers {
    faults: Faults,
    sign_ins: AtomicU32,
    opened: Mutex<Vec<u32>>,
    /// To whom letters were offered.
    offered: Mutex<Vec<Address>>,
    /// What lies in INBOX: recipient and message, numbered from 1 in this order.
    delivered: Mutex<Vec<(Address, Vec<u8>)>>,
    /// The same in Junk.
    junk: Mutex<Vec<(Address, Vec<u8>)>>,
    /// The same in the folder for finished mail.
    warmup: Mutex<Vec<(Address, Vec<u8>)>>,
    /// What was swallowed.
    swallowed: Mutex<Vec<(Address, Vec<u8>)>>,
    /// How often the folders were renumbered.
    renumbered: AtomicU32,
    /// What was peeked at: UID and bytes, at most.
    peeked: Mutex<Vec<(u32, u32)>>,
    /// What was deleted, from Junk or, without MOVE, from INBOX.
    deleted: Mutex<Vec<Uid>>,
    /// Looks at folders of mailboxes with a fault of their own.
    looks: AtomicU32,
    /// When all that lies there came, if the server says so.
    received: Mutex<Option<Moment>>,
}

impl Servers {
    fn folder(&self, name: &str) -> &Mutex<Vec<(Address, Vec<u8>)>> {
        match name {
            "INBOX" => &self.delivered,
            "Warmup" => &self.warmup,
            _ => &self.junk,
        }
    }

    async fn hang(&self) {
        if self.faults.hangs.load(Ordering::Relaxed) {
            let _ = crate::clock::within(Duration::from_hours(6), std::future::pending::<()>()).await;
        }
    }

    /// UIDs grow with the folder's numbering, so that none means the same message in two of them.
    fn uid_validity(&self) -> u32 {
        self.renumbered.load(Ordering::Relaxed) + 1
    }

    fn first_uid(&self) -> u32 {
        self.renumbered.load(Ordering::Relaxed) * 1_000 + 1
    }

    /// The message of a folder with this UID.
    fn message(&self, folder: &str, uid: Uid) -> Option<Vec<u8>> {
        let n = uid.0.checked_sub(self.first_uid())?;
        self.folder(folder).lock().unwrap().get(n as usize).map(|(_, bytes)| bytes.clone())
    }
}

/// The header of a message, but for what a look does not fetch.
fn fetched(message: &[u8]) -> Vec<u8> {
    let known = |name: &str| GLANCED.iter().chain(&["To", "Date"]).any(|f| f.eq_ignore_ascii_case(name));
    let (mut out, mut keeps) = (Vec::new(), false);
    for line in message.split_inclusive(|b| *b == b'\n').take_while(|l| !l.trim_ascii().is_empty()) {
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            let name = line.split(|b| *b == b':').next().unwrap_or_default();
            keeps = known(&String::from_utf8_lossy(name));
        }
        if keeps {
            out.extend_from_slice(line);
        }
    }
    out.extend_from_slice(b"\r\n");
    out
}

struct FakeOutbox(Arc<Servers>, Option<Address>);
struct FakeInbox(Arc<Servers>, Address);
#[derive(Clone)]
struct FakeAccess(Arc<Servers>);

#[async_trait]
impl Access for FakeAccess {
    async fn open_outbox(&self, _: &Mailbox) -> Result<Box<dyn Outbox>, MailError> {
        self.0.hang().await;
        Ok(Box::new(FakeOutbox(self.0.clone(), None)))
    }

    async fn open_inbox(&self, mailbox: &Mailbox) -> Result<Box<dyn Inbox>, MailError> {
        self.0.hang().await;
        self.0.sign_ins.fetch_add(1, Ordering::Relaxed);
        if self.0.faults.refuses_sign_in.load(Ordering::Relaxed) {
            let reply = Reply::new(Reply::NO, "NO [AUTHENTICATIONFAILED]");
            return Err(MailError::new(&mailbox.address, Step::SignIn, Trouble::SignInRefused(reply)));
        }
        Ok(Box::new(FakeInbox(self.0.clone(), mailbox.address.clone())))
    }
}

#[async_trait]
impl Outbox for FakeOutbox {
    async fn offer(&mut self, envelope: &Envelope) -> Result<Offer, MailError> {
        self.0.offered.lock().unwrap().push(envelope.to.clone());
        let slow = *self.0.faults.slow_offers.lock().unwrap();
        Clock::System.wait(slow).await;
        if let Some(reply) = self.0.faults.at_mail.lock().unwrap().clone() {
            return Ok(Offer::Refused(Refusal { step: Step::MailFrom, reply }));
        }
        let lost = self.0.faults.lost.lock().unwrap().as_ref() == Some(&envelope.from.domain());
        let refusal = if lost {
            Some(Reply::new(550, "5.1.1 User unknown"))
        } else {
            self.0.faults.at_rcpt.lock().unwrap().get(&envelope.to).cloned()
        };
        if let Some(reply) = refusal {
            return Ok(Offer::Refused(Refusal { step: Step::RcptTo, reply }));
        }
        self.1 = Some(envelope.to.clone());
        Ok(Offer::Ready)
    }

    async fn hand_over(&mut self, message: &[u8]) -> Handover {
        let end = message.windows(4).position(|w| w == b"\r\n\r\n").unwrap_or(message.len());
        let to = self.1.take().expect("a letter is offered before it is handed over");
        if let Some(reply) = self.0.faults.after_the_dot.lock().unwrap().get(&to) {
            return Handover::Refused(reply.clone());
        }
        let mut message = message[..end + 4].to_vec();
        if self.0.faults.rewrites.load(Ordering::Relaxed) {
            let text = String::from_utf8(message).unwrap();
            message = text.replace("Message-ID: <", "Message-ID: <rewritten-").into_bytes();
        }
        let swallows = self.0.faults.swallows.lock().unwrap().contains(&to);
        let place = match self.0.faults.half_moves.load(Ordering::Relaxed) {
            _ if swallows => &self.0.swallowed,
            true => &self.0.junk,
            false => &self.0.delivered,
        };
        place.lock().unwrap().push((to, message));
        Handover::Accepted(Reply::new(250, "2.0.0 queued"))
    }

    fn is_open(&self) -> bool {
        true
    }

    fn abandon(self: Box<Self>) {}
    async fn sign_out(self: Box<Self>) {}
}

impl FakeInbox {
    fn has(&self, fault: &Mutex<Option<Address>>) -> bool {
        fault.lock().unwrap().as_ref() == Some(&self.1)
    }
}

#[async_trait]
impl Inbox for FakeInbox {
    async fn folders(&mut self) -> Result<Vec<Folder>, MailError> {
        let folder =
            |name: &str, role| Folder { name: FolderName { wire: name.into(), shown: name.into() }, role, found_by: "test".into() };
        Ok(vec![folder("INBOX", FolderRole::Inbox), folder("Junk", FolderRole::Spam), folder("Warmup", FolderRole::Other)])
    }

    async fn look(&mut self, folder: &FolderName, cursor: Option<Cursor>, _: Moment) -> Result<Look, MailError> {
        if folder.wire == "Junk" && self.0.faults.junk_is_closed.load(Ordering::Relaxed) {
            return Err(MailError::new(&self.1, Step::Select, Trouble::Refused(Reply::new(Reply::NO, "NO permission denied"))));
        }
        if self.has(&self.0.faults.has_no_end) {
            self.0.looks.fetch_add(1, Ordering::Relaxed);
            let cursor = Cursor { uid_validity: 1, uid: cursor.map_or(0, |c| c.uid) + 1 };
            return Ok(Look { uid_validity: 1, renumbered: false, cursor, new: vec![], more: true });
        }
        if self.has(&self.0.faults.always_has_news) {
            self.0.looks.fetch_add(1, Ordering::Relaxed);
        }
        let uid_validity = self.0.uid_validity();
        let renumbered = cursor.is_some_and(|c| c.uid_validity != uid_validity);
        let from = cursor.filter(|_| !renumbered).map_or(0, |c| c.uid);
        let received = *self.0.received.lock().unwrap();
        let messages = self.0.folder(&folder.wire).lock().unwrap();
        let new: Vec<Header> = (self.0.first_uid()..)
            .zip(messages.iter())
            .filter(|(uid, (to, _))| *uid > from && *to == self.1)
            .map(|(uid, (_, m))| {
                let (size, raw) = (m.len() as u32, fetched(m));
                Header { uid: Uid(uid), flags: vec![], received, size, raw, category: None }
            })
            .collect();
        let uid = new.last().map_or(from, |h| h.uid.0);
        Ok(Look { uid_validity, renumbered, cursor: Cursor { uid_validity, uid }, new, more: false })
    }

    async fn flags_of(&mut self, folder: &FolderName, _: u32, uids: &[Uid]) -> Result<Vec<StoredFlags>, MailError> {
        let faults = &self.0.faults;
        let in_junk = faults.half_moves.load(Ordering::Relaxed) && folder.wire == "Junk"
            || faults.half_tidying.load(Ordering::Relaxed) && folder.wire == "INBOX";
        let deleted = self.0.deleted.lock().unwrap();
        let lies = self.has(&self.0.faults.lies_about_moves);
        let there = uids.iter().filter(|uid| lies || (in_junk && !deleted.contains(uid)));
        Ok(there.map(|uid| StoredFlags { uid: *uid, flags: vec![] }).collect())
    }

    async fn open(&mut self, _: &FolderName, _: u32, uid: Uid) -> Result<Option<Vec<u8>>, MailError> {
        self.0.opened.lock().unwrap().push(uid.0);
        if uid.0 == self.0.faults.poisonous.load(Ordering::Relaxed) {
            return Err(MailError::new(&self.1, Step::Fetch, Trouble::OverLimit("it nests too deep".into())));
        }
        Ok(Some(b"Subject: hello\r\n\r\nhello\r\n".to_vec()))
    }

    async fn peek(&mut self, folder: &FolderName, _: u32, uid: Uid, limit: u32) -> Result<Option<Vec<u8>>, MailError> {
        self.0.peeked.lock().unwrap().push((uid.0, limit));
        let unreadable = self.0.faults.unreadable.load(Ordering::Relaxed);
        let trouble = match unreadable & !SAYS_NO {
            n if n != uid.0 => None,
            _ if unreadable & SAYS_NO == 0 => Some(Trouble::Closed("in the middle of a message".into())),
            _ => Some(Trouble::Refused(Reply::new(Reply::NO, "NO [SERVERBUG] cannot read it"))),
        };
        match trouble {
            Some(trouble) => Err(MailError::new(&self.1, Step::Fetch, trouble)),
            None => Ok(self.0.message(&folder.wire, uid).map(|m| m[..m.len().min(limit as usize)].to_vec())),
        }
    }

    async fn move_to(&mut self, from: &FolderName, _: u32, uids: &[Uid], to: &FolderName) -> Result<Moved, MailError> {
        if !self.moves_in_one_step() {
            let copies = uids.iter().filter_map(|uid| self.0.message(&from.wire, *uid)).map(|m| (self.1.clone(), m));
            let copies: Vec<_> = copies.collect();
            self.0.folder(&to.wire).lock().unwrap().extend(copies);
            return Err(MailError::new(&self.1, Step::Move, Trouble::Closed("after the copy".into())));
        }
        let lies = self.has(&self.0.faults.lies_about_moves);
        let moved = uids.iter().filter(|_| lies).map(|uid| (*uid, Some((1, Uid(uid.0 + 100))))).collect();
        Ok(Moved { moved, ..Moved::default() })
    }

    fn moves_in_one_step(&self) -> bool {
        let faults = &self.0.faults;
        !faults.half_moves.load(Ordering::Relaxed) && !faults.half_tidying.load(Ordering::Relaxed)
    }

    async fn delete(&mut self, _: &FolderName, _: u32, uids: &[Uid]) -> Result<Deleted, MailError> {
        self.0.deleted.lock().unwrap().extend_from_slice(uids);
        Ok(Deleted::default())
    }

    async fn own_folder(&mut self, name: &str) -> Result<FolderName, MailError> {
        Ok(FolderName { wire: name.into(), shown: name.into() })
    }

    async fn set_flags(&mut self, _: &FolderName, _: u32, _: &[Uid], _: &[Flag]) -> Result<Vec<Flag>, MailError> {
        Ok(vec![])
    }

    async fn idle(&mut self, _: &FolderName, _: Pin<&mut (dyn Future<Output = ()> + Send)>) -> Result<Idled, MailError> {
        Ok(if self.has(&self.0.faults.always_has_news) { Idled::News } else { Idled::Unsupported })
    }

    async fn sign_out(self: Box<Self>) {}
}

/// Remembers what was told.
#[derive(Debug, Default)]
struct Told(Mutex<Vec<String>>);

impl Progress for Told {
    fn news(&self, _: Moment, news: &News) {
        self.0.lock().unwrap().push(format!("{news:?}"));
    }
}

struct Day {
    cx: Context,
    servers: Arc<Servers>,
    told: Arc<Told>,
    /// Dropped, it would be a stop that nobody can say.
    stop: watch::Sender<bool>,
}

fn at(time: &str) -> Moment {
    Moment::parse_rfc3339(&format!("2026-12-01T{time}:00Z")).unwrap()
}

/// A pool of `warming` mailboxes on x.test and a partner, at a time of Tuesday in UTC; three letters a day each.
fn day(dir: &Path, warming: &[&str], open: u32, time: &str) -> Day {
    day_with(dir, warming, &["p@y.test"], open, time)
}

/// The same with these partners.
fn day_with(dir: &Path, warming: &[&str], partners: &[&str], open: u32, time: &str) -> Day {
    use std::fmt::Write;
    let mut yaml =
        String::from("zone: UTC\nschedule: three\ndefaults: {secret: env:UNUSED, smtp: mail.x.test, imap: mail.x.test}\nmailboxes:\n");
    for partner in partners {
        writeln!(yaml, "  - {{address: {partner}, role: partner}}").unwrap();
    }
    for name in warming {
        writeln!(yaml, "  - {name}@x.test").unwrap();
    }
    std::fs::create_dir_all(dir.join("schedules")).unwrap();
    let schedule =
        format!("about: three a day\nramp: {{start: 3, target: 3, weeks: 4, curve: linear}}\nengagement: {{open: {open}, answer: 0}}\n");
    std::fs::write(dir.join("schedules/three.yaml"), schedule).unwrap();
    std::fs::write(dir.join("preheat.yaml"), yaml).unwrap();
    let config = crate::config::load(&dir.join("preheat.yaml")).unwrap_or_else(|e| panic!("{e}"));
    let servers = Arc::new(Servers::default());
    let (tell, stop) = watch::channel(false);
    let told = Arc::new(Told::default());
    let cx = Context {
        config: Arc::new(config),
        ledger: Ledger::open(&dir.join("preheat.db"), Place::Inline).unwrap(),
        clock: Clock::paused_at(at(time)),
        access: Arc::new(FakeAccess(servers.clone())),
        keys: Arc::new(Keyring::parse(&format!("k1 {}", "ab".repeat(32))).unwrap()),
        library: Arc::new(Library::shipped()),
        seed: Seed(3),
        progress: told.clone(),
        stop,
    };
    Day { cx, servers, told, stop: tell }
}

impl Day {
    async fn run(&self, pace: Pace) -> Result<(), RunError> {
        run(self.cx.clone(), pace, Holder { host: "h".into(), pid: 1, started: 1 }, |_| false).await
    }

    /// The letters of the first of December, but for answers: what these servers give to be opened is no letter, so nobody answers.
    async fn starts(&self) -> Vec<LetterFacts> {
        let letters = self.cx.ledger.agenda_on(LocalDate::ymd(2026, 12, 1).unwrap()).await.unwrap();
        letters.into_iter().filter(|l| l.plan.parent.is_none()).collect()
    }

    async fn troubles_of(&self, mailbox: &str) -> Vec<TroubleRow> {
        let all = self.cx.ledger.troubles().await.unwrap();
        all.into_iter().filter(|t| t.mailbox.as_str() == mailbox).collect()
    }

    fn now(&self) -> String {
        self.cx.clock.now().in_zone(Zone::UTC).format("%d %H:%M").to_string()
    }
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

/// The same day without a file: weeks are faster so.
fn in_memory(day: Day) -> Day {
    Day { cx: Context { ledger: Ledger::in_memory().unwrap(), ..day.cx }, ..day }
}

impl Day {
    /// Runs a day of December from seven o'clock on, and gives its letters.
    async fn run_on(&self, day: u32) -> Vec<LetterFacts> {
        self.cx.clock.sleep_until(Moment::parse_rfc3339(&format!("2026-12-{day:02}T07:00:00Z")).unwrap()).await;
        self.run(Pace::Day).await.unwrap();
        self.cx.ledger.agenda_on(LocalDate::ymd(2026, 12, day).unwrap()).await.unwrap()
    }

    fn offers_to(&self, recipient: &Address) -> usize {
        self.servers.offered.lock().unwrap().iter().filter(|to| *to == recipient).count()
    }

    fn told(&self, what: &str) -> usize {
        self.told.0.lock().unwrap().iter().filter(|news| news.contains(what)).count()
    }

    async fn suspensions(&self) -> Vec<SuspensionRow> {
        self.cx.ledger.all_suspensions().await.unwrap()
    }

    async fn assert_whole(&self) {
        assert_eq!(self.cx.ledger.check().await.unwrap().faults, Vec::<String>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn a_day_is_sent_and_seen_and_ends_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let d = day(dir.path(), &["a"], 0, "07:00");
    d.run(Pace::Day).await.unwrap();
    let sent = d.servers.delivered.lock().unwrap().len();
    let starts = d.starts().await;
    assert!(sent >= 4 && starts.len() == sent, "{sent} of {}", starts.len());
    assert!(starts.iter().all(|l| l.seen_at.is_some()), "{starts:?}");
    assert!(("01 10:00".."01 22:00").contains(&d.now().as_str()), "{}", d.now());
    assert_eq!(d.cx.ledger.check().await.unwrap().faults, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_whose_sign_in_is_refused_does_not_keep_the_run_from_ending_nor_try_on_and_on() {
    let dir = tempfile::tempdir().unwrap();
    let d = day(dir.path(), &["a"], 0, "16:00");
    d.servers.faults.refuses_sign_in.store(true, Ordering::Relaxed);
    d.run(Pace::Day).await.unwrap();
    assert!(d.now().as_str() < "01 22:10", "{}", d.now());
    assert_eq!(d.servers.sign_ins.load(Ordering::Relaxed), 2, "once for each mailbox");
    assert!(d.troubles_of("a@x.test").await.iter().any(|t| t.sign_in));
}

#[tokio::test(start_paused = true)]
async fn once_check_has_cleared_a_refused_sign_in_the_same_run_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let d = day(dir.path(), &["a"], 0, "07:00");
    d.servers.faults.refuses_sign_in.store(true, Ordering::Relaxed);
    let person_acts = async {
        d.cx.clock.sleep_until(at("09:00")).await;
        d.servers.faults.refuses_sign_in.store(false, Ordering::Relaxed);
        for mailbox in ["a@x.test", "p@y.test"] {
            d.cx.ledger.clear_trouble(Address::parse(mailbox).unwrap(), "imap", at("09:00")).await.unwrap();
        }
    };
    let (result, ()) = tokio::join!(d.run(Pace::Day), person_acts);
    result.unwrap();
    let seen = d.cx.ledger.agenda_on(LocalDate::ymd(2026, 12, 1).unwrap()).await.unwrap().iter().filter(|l| l.seen_at.is_some()).count();
    assert!(seen >= 3, "{seen} letters were seen after nine");
}

#[tokio::test(start_paused = true)]
async fn a_spam_folder_that_cannot_be_opened_stays_a_visible_trouble_and_stops_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let d = day(dir.path(), &["a"], 0, "07:00");
    d.servers.faults.junk_is_closed.store(true, Ordering::Relaxed);
    let watch = async {
        let mut seen = Vec::new();
        for hour in 8..16 {
            d.cx.clock.sleep_until(at(&format!("{hour:02}:07"))).await;
            seen.push(d.troubles_of("a@x.test").await.len());
        }
        seen
    };
    let (result, seen) = tokio::join!(d.run(Pace::Day), watch);
    result.unwrap();
    assert_eq!(seen, [1; 8], "the trouble was there at every look");
    assert!(d.starts().await.iter().all(|l| l.seen_at.is_some()), "the inbox was read all the same");
}

#[tokio::test(start_paused = true)]
async fn a_letter_that_ends_every_session_does_not_keep_the_others_from_being_opened() {
    let dir = tempfile::tempdir().unwrap();
    let d = day(dir.path(), &["a"], 1, "07:00");
    d.servers.faults.poisonous.store(1, Ordering::Relaxed);
    d.run(Pace::Day).await.unwrap();
    let opened = d.servers.opened.lock().unwrap().clone();
    let tries = opened.iter().filter(|uid| **uid == 1).count();
    assert!((1..=5).contains(&tries), "tried {tries} times on one day: {opened:?}");
    let others: BTreeSet<u32> = opened.into_iter().filter(|uid| *uid != 1).collect();
    assert!(others.len() + 2 >= d.servers.delivered.lock().unwrap().len(), "{others:?}");
}

#[tokio::test(start_paused = true)]
async fn letters_that_pile_up_at_the_end_of_the_window_keep_their_domains_gap_or_are_not_sent() {
    let dir = tempfile::tempdir().unwrap();
    let d = day(dir.path(), &["a", "b", "c", "d"], 0, "07:00");
    let push_to_the_end = async {
        d.cx.clock.sleep_until(at("07:30")).await;
        let c = rusqlite::Connection::open(dir.path().join("preheat.db")).unwrap();
        let due = at("17:29") + Duration::from_secs(40);
        c.execute("UPDATE letter SET due = ?1 WHERE parent IS NULL AND sender LIKE '%x.test'", [due.0]).unwrap();
    };
    let (result, ()) = tokio::join!(d.run(Pace::Day), push_to_the_end);
    result.unwrap();
    let letters = d.cx.ledger.agenda_on(LocalDate::ymd(2026, 12, 1).unwrap()).await.unwrap();
    let mut handed: Vec<Moment> =
        letters.iter().filter(|l| l.plan.sender.as_str().ends_with("x.test")).filter_map(|l| l.handed_at).collect();
    handed.sort_unstable();
    assert!(!handed.is_empty() && handed.iter().all(|t| *t < at("17:30")), "{handed:?}");
    assert!(handed.windows(2).all(|w| w[1].since(w[0]) >= Duration::from_secs(90)), "{handed:?}");
    let ids: BTreeSet<LetterId> = letters.iter().map(|l| l.plan.id).collect();
    assert_eq!(ids.len(), letters.len());
}

#[tokio::test(start_paused = true)]
async fn once_an_hour_sends_what_an_hour_allows_and_never_stands_still() {
    let dir = tempfile::tempdir().unwrap();
    let d = day(dir.path(), &["a", "b"], 0, "08:20");
    for hour in 8..18 {
        d.cx.clock.sleep_until(at(&format!("{hour:02}:20"))).await;
        d.run(Pace::Once).await.unwrap();
    }
    let letters = d.cx.ledger.agenda_on(LocalDate::ymd(2026, 12, 1).unwrap()).await.unwrap();
    let starts: Vec<_> = letters.iter().filter(|l| l.plan.parent.is_none()).collect();
    assert!(starts.len() >= 4, "{starts:?}");
    // Late ones go one an hour; none is left where it was.
    assert!(starts.iter().all(|l| l.handed_at.is_some()), "{starts:?}");
}
