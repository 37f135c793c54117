//! Through the gate, in virtual time.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

use super::super::GatedAccess;
use crate::chance::Seed;
use crate::clock::Clock;
use crate::config::{Mailbox, Server as ConfigServer, provider_facts};
use crate::mail::sample::{mailbox_on, plain_at};
use crate::mail::{Access, Envelope, Handover, Inbox, MailError, Offer, Outbox, Step, Trouble};
use crate::words::{Address, Moment, Provider, Reply};

/// What a server does to a mailbox that wants to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Does {
    Well,
    /// Nothing answers, after a minute.
    Hangs(Step),
    Refuses,
    IsBusy,
}

/// A server with a word for each mailbox; all others are served well, in 100 ms.
struct Server {
    clock: Clock,
    does: Mutex<Vec<(Address, Does)>>,
    all: Mutex<Does>,
    under_way: AtomicU32,
    most_under_way: AtomicU32,
    offers: AtomicU32,
    most_offers: AtomicU32,
    knocks: AtomicU32,
}

impl Server {
    fn new(clock: &Clock) -> Arc<Self> {
        Arc::new(Self {
            clock: clock.clone(),
            does: Mutex::default(),
            all: Mutex::new(Does::Well),
            under_way: AtomicU32::new(0),
            most_under_way: AtomicU32::new(0),
            offers: AtomicU32::new(0),
            most_offers: AtomicU32::new(0),
            knocks: AtomicU32::new(0),
        })
    }

    fn to_all(&self, does: Does) {
        *self.all.lock().unwrap() = does;
    }
}

struct Door(Arc<Server>);
/// Takes a second for an offer, and is silent at the recipient `m0@x.test`.
struct Session(Arc<Server>);

#[async_trait]
impl Access for Door {
    async fn open_outbox(&self, mailbox: &Mailbox) -> Result<Box<dyn Outbox>, MailError> {
        let server = &self.0;
        server.knocks.fetch_add(1, Ordering::Relaxed);
        let n = server.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        server.most_under_way.fetch_max(n, Ordering::Relaxed);
        let own = server.does.lock().unwrap().iter().find(|(who, _)| *who == mailbox.address).map(|(_, does)| does.clone());
        let does = own.unwrap_or_else(|| server.all.lock().unwrap().clone());
        let takes = if matches!(does, Does::Hangs(_)) { Duration::from_mins(1) } else { Duration::from_millis(100) };
        server.clock.sleep_until(server.clock.now() + takes).await;
        server.under_way.fetch_sub(1, Ordering::Relaxed);
        let error = |step, trouble| Err(MailError::new(&mailbox.address, step, trouble));
        match does {
            Does::Well => Ok(Box::new(Session(server.clone()))),
            Does::Hangs(step) => error(step, Trouble::TimedOut(60)),
            Does::Refuses => error(Step::SignIn, Trouble::SignInRefused(Reply::new(535, "5.7.8 no"))),
            Does::IsBusy => error(Step::Greeting, Trouble::Refused(Reply::new(421, "4.3.2 too busy"))),
        }
    }

    async fn open_inbox(&self, _: &Mailbox) -> Result<Box<dyn Inbox>, MailError> {
        unreachable!("these tests send")
    }
}

#[async_trait]
impl Outbox for Session {
    async fn offer(&mut self, envelope: &Envelope) -> Result<Offer, MailError> {
        let server = &self.0;
        let n = server.offers.fetch_add(1, Ordering::Relaxed) + 1;
        server.most_offers.fetch_max(n, Ordering::Relaxed);
        if envelope.to == super::who(0) {
            return std::future::pending().await;
        }
        server.clock.sleep_until(server.clock.now() + Duration::from_secs(1)).await;
        server.offers.fetch_sub(1, Ordering::Relaxed);
        Ok(Offer::Ready)
    }
    async fn hand_over(&mut self, _: &[u8]) -> Handover {
        Handover::Accepted(Reply::new(250, "ok"))
    }
    fn is_open(&self) -> bool {
        true
    }
    fn abandon(self: Box<Self>) {}
    async fn sign_out(self: Box<Self>) {}
}

/// A gate before a server, and mailboxes on it.
struct Scene {
    clock: Clock,
    server: Arc<Server>,
    gate: Arc<GatedAccess>,
    mailboxes: Vec<Mailbox>,
}

impl Scene {
    fn new(mailboxes: u32) -> Self {
        let mailbox = |n| {
            let server = ConfigServer { host: "mail.x.test".to_owned(), ..plain_at(465) };
            Mailbox { address: super::who(n), ..mailbox_on(server) }
        };
        let clock = Clock::paused_at(Moment(0));
        let server = Server::new(&clock);
        let gate = Arc::new(GatedAccess::before(Arc::new(Door(server.clone())), clock.clone(), Seed(4)));
        Self { clock, server, gate, mailboxes: (0..mailboxes).map(mailbox).collect() }
    }

    fn hangs(&self, first: usize, step: Step) {
        let mut does = self.server.does.lock().unwrap();
        does.extend(self.mailboxes[..first].iter().map(|m| (m.address.clone(), Does::Hangs(step))));
    }

    /// A mailbox signs in: when it was in, or why not.
    fn comes(&self, n: usize) -> tokio::task::JoinHandle<(Moment, Result<(), MailError>)> {
        let (gate, clock, mailbox) = (self.gate.clone(), self.clock.clone(), self.mailboxes[n].clone());
        tokio::spawn(async move {
            let opened = gate.open_outbox(&mailbox).await.map(drop);
            (clock.now(), opened)
        })
    }

    /// Signs in, offers a letter to somebody, hands it over, and stays: when that was done.
    fn sends(&self, n: usize, to: u32) -> tokio::task::JoinHandle<Moment> {
        let (gate, clock, mailbox) = (self.gate.clone(), self.clock.clone(), self.mailboxes[n].clone());
        tokio::spawn(async move {
            let mut outbox = gate.open_outbox(&mailbox).await.unwrap();
            let envelope = Envelope { from: mailbox.address.clone(), to: super::who(to), size: 1 };
            assert_eq!(outbox.offer(&envelope).await.unwrap(), Offer::Ready);
            outbox.hand_over(b"x").await;
            let done = clock.now();
            clock.sleep_until(done + Duration::from_hours(1)).await;
            done
        })
    }

    async fn pause(&self, time: Duration) {
        self.clock.sleep_until(self.clock.now() + time).await;
    }
}

/// All of these at their ends.
async fn ends<T>(tasks: Vec<tokio::task::JoinHandle<T>>) -> Vec<T> {
    let mut all = Vec::new();
    for task in tasks {
        all.push(task.await.unwrap());
    }
    all
}

#[tokio::test(start_paused = true)]
async fn so_many_sign_in_and_send_at_once_and_no_more() {
    let facts = provider_facts(Provider::Generic);
    let scene = Scene::new(60);
    let came = ends((0..60).map(|n| scene.comes(n)).collect()).await;
    assert_eq!(scene.server.most_under_way.load(Ordering::Relaxed), facts.sign_ins);
    // Sixty, ten at a time, a tenth of a second each.
    assert!(came.iter().all(|(at, opened)| opened.is_ok() && at.since(Moment(0)) < Duration::from_secs(1)), "{came:?}");
    // Sessions that are kept open keep nobody from sending.
    let sent = ends((0..60).map(|n| scene.sends(n, 1)).collect()).await;
    assert_eq!(scene.server.most_offers.load(Ordering::Relaxed), facts.outgoing);
    assert!(sent.iter().all(|at| at.since(Moment(0)) < Duration::from_secs(9)), "{sent:?}");
}

#[tokio::test(start_paused = true)]
async fn fifty_that_hang_keep_the_others_waiting_for_seconds_only() {
    // At their sign-in: the server is there, and does not speak to them.
    let scene = Scene::new(100);
    scene.hangs(50, Step::SignIn);
    let came = ends((0..100).map(|n| scene.comes(n)).collect()).await;
    let (hung, well) = came.split_at(50);
    assert!(hung.iter().all(|(_, opened)| opened.is_err()));
    let last = well.iter().map(|(at, opened)| (*at, opened.is_ok())).max().unwrap();
    assert!(last.1 && last.0.since(Moment(0)) < Duration::from_secs(30), "{last:?}");
    // And letters that hang hold nothing either.
    let scene = Scene::new(31);
    let _hung: Vec<_> = (0..30).map(|n| scene.sends(n, 0)).collect();
    scene.pause(Duration::from_secs(1)).await;
    let sent = scene.sends(30, 1).await.unwrap();
    assert!(sent.since(Moment(0)) < Duration::from_secs(20), "{sent:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_down_is_left_alone_and_told_of() {
    let scene = Scene::new(60);
    scene.server.to_all(Does::Hangs(Step::Greeting));
    ends((0..60).map(|n| scene.comes(n)).collect()).await;
    let knocked = scene.server.knocks.load(Ordering::Relaxed);
    let (_, opened) = scene.comes(59).await.unwrap();
    let error = opened.unwrap_err();
    assert_eq!(scene.server.knocks.load(Ordering::Relaxed), knocked, "nobody connects");
    let Trouble::ServerDown(down) = &error.trouble else { panic!("{error}") };
    assert!(down.again > scene.clock.now() && down.turn >= down.again && down.mailboxes >= 3, "{down:?}");
    assert_eq!(error.turn(), Some(down.turn));
    assert_eq!(
        error.to_string(),
        "m59@x.test: connecting: mail.x.test:465 has not answered since 1970-01-01T00:01:00Z: no answer within 60 s"
    );
    assert!(error.hint().contains("mailboxes have tried it in vain. It is tried again at 1970-01-01T00:0"), "{}", error.hint());
    assert!(error.is_connection_lost() && !error.is_sign_in());

    // It comes back while one tries: the others wait for its word, and come in waves.
    scene.clock.sleep_until(down.again).await;
    scene.server.to_all(Does::Well);
    let before = scene.server.knocks.load(Ordering::Relaxed);
    let came = ends((10..60).map(|n| scene.comes(n)).collect()).await;
    let entered = came.iter().filter(|(_, opened)| opened.is_ok()).count();
    assert_eq!(scene.server.knocks.load(Ordering::Relaxed) - before, entered as u32);
    assert!((1..=3).contains(&entered), "the one who tried and the first wave, not {entered}");
    let turns: BTreeSet<Moment> = came.iter().filter_map(|(_, opened)| opened.as_ref().err()).map(|e| e.turn().unwrap()).collect();
    let last = turns.last().unwrap().since(scene.clock.now());
    assert!(turns.len() >= 5 && last < Duration::from_mins(1), "{} waves in {last:?}", turns.len());
}

#[tokio::test(start_paused = true)]
async fn busy_servers_are_down_refused_passwords_and_hanging_mailboxes_are_not() {
    for (does, down) in [
        (Does::IsBusy, true),
        (Does::Hangs(Step::Connect), true),
        (Does::Hangs(Step::Tls), true),
        (Does::Hangs(Step::SignIn), false),
        (Does::Refuses, false),
    ] {
        let scene = Scene::new(8);
        scene.server.to_all(does.clone());
        let came = ends((0..7).map(|n| scene.comes(n)).collect()).await;
        assert!(came.iter().all(|(_, opened)| opened.is_err()));
        let (_, opened) = scene.comes(7).await.unwrap();
        assert_eq!(matches!(opened.unwrap_err().trouble, Trouble::ServerDown(_)), down, "{does:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_tries_for_all_and_is_ended_leaves_it_to_the_next() {
    let scene = Scene::new(8);
    scene.server.to_all(Does::IsBusy);
    ends((0..3).map(|n| scene.comes(n)).collect()).await;
    scene.pause(Duration::from_mins(1)).await;
    scene.server.to_all(Does::Hangs(Step::Greeting));
    let tries = scene.comes(4);
    scene.pause(Duration::from_secs(1)).await;
    let waits = scene.comes(5);
    scene.pause(Duration::from_secs(1)).await;
    assert!(!waits.is_finished());
    scene.server.to_all(Does::Well);
    tries.abort();
    let waited: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(waits);
    let (at, opened) = waited.await.unwrap();
    assert!(opened.is_ok() && at.since(Moment(0)) < Duration::from_secs(70), "{at:?} {opened:?}");
}
