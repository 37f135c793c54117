//! A stage for the invariants' tests: the real executor for some days in virtual time, over a world, and then a hand that breaks something.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use super::{Begun, Facts, Planted, breaches, planted_in};
use crate::chance::Seed;
use crate::clock::Clock;
use crate::compose::Library;
use crate::config::{Config, Mailbox};
use crate::ledger::{Holder, Ledger};
use crate::letter::Keyring;
use crate::mail::{
    Access, Cursor, Deleted, Envelope, Flag, Folder, FolderName, Handover, Header, Idled, Inbox, Look, MailError, Moved, Offer, Outbox,
    Refusal, Step, StoredFlags, Trouble, Uid,
};
use crate::rehearsal::Breach;
use crate::run::{Context, Pace, Silent, run};
use crate::words::{Address, Moment, Reply};
use crate::world::{AccountSpec, Barred, Condition, FlagChange, Personality, Whom, World, Wrong};

/// The first morning: a Tuesday, six o'clock in UTC. In Auckland it is evening, in Los Angeles the evening before.
pub(super) const START: &str = "2026-12-01T06:00:00Z";

const POOL: &str = "zone: UTC
schedule: ramp
defaults: {secret: env:UNUSED, smtp: mail.x.test, imap: mail.x.test}
mailboxes:
  - {address: a@x.test, zone: Pacific/Auckland}
  - {address: b@x.test, zone: America/Los_Angeles}
  - {address: p@y.test, role: partner}
  - {address: q@z.test, role: partner}
";
const RAMP: &str = "about: a short ramp
ramp: {start: 3, target: 12, weeks: 4, curve: linear}
engagement: {open: 0.9, answer: 0.6}
";

pub(super) struct Stage {
    pub world: Arc<World>,
    pub cx: Context,
    pub planted: Vec<Planted>,
    pub suspended: Vec<(Address, Moment, Moment)>,
    runs: Mutex<Vec<Begun>>,
    _stop: watch::Sender<bool>,
}

pub(super) fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

impl Stage {
    /// The pool, before anything was sent; half of what comes to q goes to spam, p has mail of its own, and b has a bad day.
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("schedules")).unwrap();
        std::fs::write(dir.path().join("schedules/ramp.yaml"), RAMP).unwrap();
        std::fs::write(dir.path().join("preheat.yaml"), POOL).unwrap();
        let config = Arc::new(crate::config::load(&dir.path().join("preheat.yaml")).unwrap_or_else(|e| panic!("{e}")));
        let world = World::new(Seed(5));
        for who in config.mailboxes.keys() {
            let (address, user) = (who.clone(), who.to_string());
            world.add_account(AccountSpec { address, personality: Personality::Dovecot, receiver: "y".into(), user, secret: None });
        }
        world.with_account(&address("q@z.test"), |a| a.filed = Some((128, "Junk".into())));
        let start = Moment::parse_rfc3339(START).unwrap();
        let private = b"From: aunt@elsewhere.example\r\nSubject: sunday\r\n\r\nCome at four.\r\n";
        world.append(&address("p@y.test"), "INBOX", private, BTreeSet::new(), true, start).unwrap();
        // On its third date nobody reaches b's servers: its letters are not sent.
        let b_day = |hour: u64| start + Duration::from_hours(2 * 24 + hour);
        world.add_condition(Condition { wrong: Wrong::Outage, whom: Whom::Mailbox(address("b@x.test")), from: b_day(8), until: b_day(22) });
        let clock = Clock::paused_at(start);
        let (tell, stop) = watch::channel(false);
        let cx = Context {
            config,
            ledger: Ledger::in_memory().unwrap(),
            access: Arc::new(Door { world: world.clone(), clock: clock.clone() }),
            clock,
            keys: Arc::new(Keyring::parse(&format!("k1 {}", "ab".repeat(32))).unwrap()),
            library: Arc::new(Library::shipped()),
            seed: Seed(3),
            progress: Arc::new(Silent),
            stop,
        };
        let planted = planted_in(&world);
        Self { world, cx, planted, suspended: Vec::new(), runs: Mutex::default(), _stop: tell }
    }

    /// The same after so many days of the executor, at six in the morning of the day after.
    pub async fn after_days(days: u64) -> Self {
        let stage = Self::new();
        for n in 1..=days {
            stage.run(Pace::Day).await;
            stage.cx.clock.sleep_until(Moment::parse_rfc3339(START).unwrap() + Duration::from_hours(24 * n)).await;
        }
        stage
    }

    /// The same with a run that is killed every so many minutes and started again a little later.
    pub async fn after_killed_days(days: u64, every: Duration) -> Self {
        let stage = Self::new();
        let end = Moment::parse_rfc3339(START).unwrap() + Duration::from_hours(24 * days);
        while stage.cx.clock.now() < end {
            let kill = stage.cx.clock.now() + every;
            tokio::select! {
                biased;
                () = stage.run(Pace::Day) => {}
                () = stage.in_a_hand_over_after(kill) => {}
            }
            stage.cx.clock.sleep_until(stage.cx.clock.now() + Duration::from_mins(7)).await;
        }
        // The last one that was killed is looked after, too.
        stage.run(Pace::Once).await;
        stage
    }

    /// Completes one second after the first final dot that comes later than `at`, before the server's word is there; at once where none comes for long.
    async fn in_a_hand_over_after(&self, at: Moment) {
        self.cx.clock.sleep_until(at).await;
        let before = self.world.evidence().submissions.len();
        for n in 0..7_200 {
            self.cx.clock.sleep_until(at + Duration::from_secs(n)).await;
            if self.world.evidence().submissions.len() > before {
                return;
            }
        }
    }

    pub async fn run(&self, pace: Pace) {
        if pace == Pace::Day {
            self.runs.lock().unwrap().push(Begun { at: self.cx.clock.now(), alone: true });
        }
        run(self.cx.clone(), pace, Holder { host: "h".into(), pid: 1, started: 1 }, |_| true).await.unwrap();
    }

    /// One value of the ledger, as text.
    pub async fn ask(&self, sql: &str) -> String {
        self.cx.ledger.ask(sql).await
    }

    /// Hands a letter over past the executor.
    pub fn submit(&self, letter: &str, from: &str, to: &str, at: Moment) {
        let bytes = format!("From: <{from}>\r\nTo: <{to}>\r\nX-Preheat: k1.{letter}.00\r\nMessage-ID: <{letter}@x.test>\r\n\r\nHello.\r\n");
        self.world.submit(&address(from), &address(from), &[address(to)], bytes.as_bytes(), true, at);
    }

    /// Every breach, as the ledger is.
    pub async fn breaches(&self) -> Vec<Breach> {
        self.breaches_of(&self.cx.ledger).await
    }

    async fn breaches_of(&self, ledger: &Ledger) -> Vec<Breach> {
        let until = self.cx.clock.now();
        self.world.settle(until);
        let slack = Duration::from_secs(5);
        let runs = self.runs.lock().unwrap().clone();
        let facts = Facts { world: &self.world, until, suspended: &self.suspended, planted: &self.planted, runs: &runs, slack };
        breaches(ledger, &self.cx.config, self.cx.seed, &facts).await.unwrap()
    }

    /// What is found, as `1: what`.
    pub async fn found(&self) -> Vec<String> {
        in_words(&self.breaches().await)
    }

    /// What is found in a copy of the ledger in which somebody has changed something.
    pub async fn found_after(&self, changes: &[&str]) -> Vec<String> {
        let copy = self.cx.ledger.copy_to_break();
        for sql in changes {
            assert!(copy.alter(sql).await > 0, "{sql} changed nothing");
        }
        in_words(&self.breaches_of(&copy).await)
    }

    /// The config, to be changed after the fact.
    pub fn config(&mut self) -> &mut Config {
        Arc::make_mut(&mut self.cx.config)
    }

    pub fn member(&mut self, who: &str) -> &mut Mailbox {
        self.config().mailboxes.get_mut(&address(who)).unwrap()
    }
}

fn in_words(breaches: &[Breach]) -> Vec<String> {
    breaches.iter().map(|b| format!("{}: {}", b.invariant, b.what)).collect()
}

/// The world behind the ports.
struct Door {
    world: Arc<World>,
    clock: Clock,
}
struct Post {
    world: Arc<World>,
    clock: Clock,
    me: Address,
    to: Option<Address>,
}
struct Reader {
    world: Arc<World>,
    clock: Clock,
    me: Address,
}

impl Door {
    fn let_in(&self, who: &Address) -> Result<(), MailError> {
        self.world.may_sign_in(who, self.clock.now()).map_err(|barred| {
            let (step, trouble) = match barred {
                Barred::Unreachable => (Step::Connect, Trouble::Unreachable("nobody answers".into())),
                Barred::Silent => (Step::SignIn, Trouble::TimedOut(60)),
                Barred::Refused(reply) => (Step::SignIn, Trouble::SignInRefused(reply)),
            };
            MailError::new(who, step, trouble)
        })
    }
}

#[async_trait]
impl Access for Door {
    async fn open_outbox(&self, mailbox: &Mailbox) -> Result<Box<dyn Outbox>, MailError> {
        self.let_in(&mailbox.address)?;
        Ok(Box::new(Post { world: self.world.clone(), clock: self.clock.clone(), me: mailbox.address.clone(), to: None }))
    }

    async fn open_inbox(&self, mailbox: &Mailbox) -> Result<Box<dyn Inbox>, MailError> {
        self.let_in(&mailbox.address)?;
        Ok(Box::new(Reader { world: self.world.clone(), clock: self.clock.clone(), me: mailbox.address.clone() }))
    }
}

#[async_trait]
impl Outbox for Post {
    async fn offer(&mut self, envelope: &Envelope) -> Result<Offer, MailError> {
        self.to = Some(envelope.to.clone());
        Ok(match self.world.offer(&self.me, &envelope.from, &envelope.to, self.clock.now()) {
            Ok(()) => Offer::Ready,
            Err(reply) => Offer::Refused(Refusal { step: Step::RcptTo, reply }),
        })
    }

    async fn hand_over(&mut self, message: &[u8]) -> Handover {
        let to = self.to.take().into_iter().collect::<Vec<_>>();
        let reply = self.world.submit(&self.me, &self.me, &to, message, true, self.clock.now());
        // A run may be killed between the final dot and the word.
        self.clock.sleep_until(self.clock.now() + Duration::from_secs(2)).await;
        Handover::Accepted(reply)
    }

    fn is_open(&self) -> bool {
        true
    }

    fn abandon(self: Box<Self>) {}
    async fn sign_out(self: Box<Self>) {}
}

impl Reader {
    fn gone(&self) -> MailError {
        MailError::new(&self.me, Step::Select, Trouble::FolderGone(Reply::new(Reply::NO, "NO no such folder")))
    }
}

#[async_trait]
impl Inbox for Reader {
    async fn folders(&mut self) -> Result<Vec<Folder>, MailError> {
        let folder = |(name, f): (&String, &crate::world::Folder)| Folder {
            name: FolderName { wire: name.clone(), shown: name.clone() },
            role: f.role(name),
            found_by: "the world".into(),
        };
        Ok(self.world.with_account(&self.me, |a| a.folders.iter().map(folder).collect()).unwrap_or_default())
    }

    async fn look(&mut self, folder: &FolderName, cursor: Option<Cursor>, _: Moment) -> Result<Look, MailError> {
        self.world.settle(self.clock.now());
        let from = cursor.map_or(0, |c| c.uid);
        self.world
            .with_folder(&self.me, &folder.wire, |f| {
                let new: Vec<Header> = f
                    .messages
                    .range(from + 1..)
                    .map(|(uid, m)| Header {
                        uid: Uid(*uid),
                        flags: m.flags.iter().cloned().collect(),
                        received: Some(m.received),
                        size: m.bytes.len() as u32,
                        raw: m.header().to_vec(),
                        category: None,
                    })
                    .collect();
                let uid = new.last().map_or(from, |h| h.uid.0);
                Look {
                    uid_validity: f.uid_validity,
                    renumbered: false,
                    cursor: Cursor { uid_validity: f.uid_validity, uid },
                    new,
                    more: false,
                }
            })
            .map_err(|_| self.gone())
    }

    async fn flags_of(&mut self, folder: &FolderName, _: u32, uids: &[Uid]) -> Result<Vec<StoredFlags>, MailError> {
        let there = |f: &crate::world::Folder| {
            uids.iter()
                .filter_map(|uid| f.messages.get(&uid.0).map(|m| StoredFlags { uid: *uid, flags: m.flags.iter().cloned().collect() }))
                .collect()
        };
        self.world.with_folder(&self.me, &folder.wire, there).map_err(|_| self.gone())
    }

    async fn open(&mut self, folder: &FolderName, _: u32, uid: Uid) -> Result<Option<Vec<u8>>, MailError> {
        let seen = ["\\Seen".to_owned()].into();
        let now = self.clock.now();
        self.world.set_flags(&self.me, &folder.wire, &[uid.0], FlagChange::Add, &seen, now).map_err(|_| self.gone())?;
        let bytes = |f: &crate::world::Folder| f.messages.get(&uid.0).map(|m| m.bytes.to_vec());
        self.world.with_folder(&self.me, &folder.wire, bytes).map_err(|_| self.gone())
    }

    async fn peek(&mut self, _: &FolderName, _: u32, _: Uid, _: u32) -> Result<Option<Vec<u8>>, MailError> {
        Ok(None)
    }

    async fn move_to(&mut self, from: &FolderName, _: u32, uids: &[Uid], to: &FolderName) -> Result<Moved, MailError> {
        let uids: Vec<u32> = uids.iter().map(|u| u.0).collect();
        let pairs = self.world.move_messages(&self.me, &from.wire, &uids, &to.wire, self.clock.now()).map_err(|_| self.gone())?;
        Ok(Moved { moved: pairs.into_iter().map(|(old, _)| (Uid(old), None)).collect(), ..Moved::default() })
    }

    async fn delete(&mut self, _: &FolderName, _: u32, _: &[Uid]) -> Result<Deleted, MailError> {
        Ok(Deleted::default())
    }

    async fn own_folder(&mut self, name: &str) -> Result<FolderName, MailError> {
        Ok(FolderName { wire: name.into(), shown: name.into() })
    }

    async fn set_flags(&mut self, folder: &FolderName, _: u32, uids: &[Uid], flags: &[Flag]) -> Result<Vec<Flag>, MailError> {
        let uids: Vec<u32> = uids.iter().map(|u| u.0).collect();
        let names = flags.iter().map(|f| format!("{f:?}")).collect();
        self.world.set_flags(&self.me, &folder.wire, &uids, FlagChange::Add, &names, self.clock.now()).map_err(|_| self.gone())?;
        Ok(Vec::new())
    }

    async fn idle(&mut self, _: &FolderName, _: Pin<&mut (dyn Future<Output = ()> + Send)>) -> Result<Idled, MailError> {
        Ok(Idled::Unsupported)
    }

    async fn sign_out(self: Box<Self>) {}
}
