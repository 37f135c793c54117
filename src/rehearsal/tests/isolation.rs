//! One mailbox's trouble is its own: the executor over the modelled world, with fifty mailboxes that hang; and a provider that comes back after an outage.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::chance::Seed;
use crate::clock::Clock;
use crate::compose::Library;
use crate::config::{Config, Mailbox, provider_facts};
use crate::ledger::{Holder, Ledger, LetterFacts, TroubleRow};
use crate::letter::Keyring;
use crate::mail::gate::GatedAccess;
use crate::mail::gate::breaker::{BETWEEN_WAVES, ENOUGH};
use crate::mail::{Access, Inbox, MailError, Outbox};
use crate::rehearsal::kills::Kills;
use crate::rehearsal::ports::{WorldAccess, modelled_server};
use crate::rehearsal::stage::{build_world, keep_world_going};
use crate::run::{Context, Pace, Silent, run};
use crate::words::{Address, LocalDate, Moment, Provider};
use crate::world::{Condition, Whom, Wrong};

/// A time of Tuesday, the first of December, in UTC.
fn at(time: &str) -> Moment {
    Moment::parse_rfc3339(&format!("2026-12-01T{time}:00Z")).unwrap()
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn config(mailboxes: &str) -> Arc<Config> {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("schedules")).unwrap();
    let three = "about: three a day\nramp: {start: 3, target: 3, weeks: 4, curve: linear}\nengagement: {answer: 0.2}\n";
    std::fs::write(dir.path().join("schedules/three.yaml"), three).unwrap();
    let yaml = format!(
        "zone: UTC\nschedule: three\ndefaults: {{secret: env:UNUSED, smtp: mail.x.test, imap: mail.x.test, receive_limit: 60}}\nmailboxes:\n{mailboxes}"
    );
    std::fs::write(dir.path().join("preheat.yaml"), yaml).unwrap();
    Arc::new(crate::config::load(&dir.path().join("preheat.yaml")).unwrap_or_else(|e| panic!("{e}")))
}

/// Counts who connects to the modelled IMAP servers, and when.
struct Counting {
    world: WorldAccess,
    knocks: Arc<Mutex<Vec<(Moment, Address)>>>,
}

#[async_trait]
impl Access for Counting {
    async fn open_outbox(&self, mailbox: &Mailbox) -> Result<Box<dyn Outbox>, MailError> {
        self.world.open_outbox(mailbox).await
    }

    async fn open_inbox(&self, mailbox: &Mailbox) -> Result<Box<dyn Inbox>, MailError> {
        self.knocks.lock().unwrap().push((self.world.clock.now(), mailbox.address.clone()));
        self.world.open_inbox(mailbox).await
    }
}

/// What a day left behind.
struct Left {
    letters: BTreeMap<String, LetterFacts>,
    troubles: Vec<TroubleRow>,
    knocks: Vec<(Moment, Address)>,
    /// The troubles as they were at noon.
    at_noon: Vec<TroubleRow>,
}

/// A day from seven until `until`, on which these things are wrong, and so many messages lie in somebody's inbox.
fn day(config: &Arc<Config>, wrong: Vec<Condition>, flood: Option<(&Address, u32)>, until: &str) -> Left {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let clock = Clock::paused_at(at("07:00"));
        let world = build_world(config, Seed(5), wrong, clock.now());
        for n in 0..flood.map_or(0, |(_, n)| n) {
            let bytes = format!("Message-ID: <{n}@else.test>\r\nFrom: x@else.test\r\nSubject: {n}\r\n\r\nHello.\r\n");
            world.append(flood.unwrap().0, "INBOX", bytes.as_bytes(), BTreeSet::new(), true, clock.now()).unwrap();
        }
        let (tell, stop) = watch::channel(false);
        let knocks = Arc::new(Mutex::default());
        let counting = Counting {
            world: WorldAccess { world: world.clone(), clock: clock.clone(), kills: Arc::new(Kills::default()) },
            knocks: Arc::clone(&knocks),
        };
        let cx = Context {
            config: config.clone(),
            ledger: Ledger::in_memory().unwrap(),
            access: Arc::new(GatedAccess::before(Arc::new(counting), clock.clone(), Seed(3)).with_servers(modelled_server)),
            clock: clock.clone(),
            keys: Arc::new(Keyring::parse(&format!("k1 {}", "ab".repeat(32))).unwrap()),
            library: Arc::new(Library::shipped()),
            seed: Seed(3),
            progress: Arc::new(Silent),
            stop,
        };
        let ledger = cx.ledger.clone();
        let pump = tokio::spawn(keep_world_going(world, clock.clone()));
        let ends = async {
            clock.sleep_until(at("12:00")).await;
            let at_noon = ledger.troubles().await.unwrap();
            clock.sleep_until(at(until)).await;
            tell.send_replace(true);
            at_noon
        };
        let (ran, at_noon) = tokio::join!(run(cx, Pace::Day, Holder { host: "h".into(), pid: 1, started: 1 }, |_| true), ends);
        ran.unwrap();
        pump.abort();
        let letters = ledger.agenda_on(LocalDate::parse("2026-12-01").unwrap()).await.unwrap();
        let letters = letters.into_iter().map(|l| (l.plan.id.to_string(), l)).collect();
        let knocks = knocks.lock().unwrap().clone();
        Left { letters, troubles: ledger.troubles().await.unwrap(), knocks, at_noon }
    })
}

fn all_day(wrong: Wrong, whom: Whom) -> Condition {
    Condition { wrong, whom, from: Moment(0), until: Moment(i64::MAX) }
}

#[test]
fn fifty_of_five_hundred_hang_one_is_locked_out_one_is_flooded_and_the_others_do_not_notice() {
    let mut yaml = String::new();
    for n in 0..350 {
        writeln!(yaml, "  - m{}@new-{}.test", n / 5, n % 5).unwrap();
    }
    for n in 0..150 {
        let provider = ["gmail", "microsoft", "generic"][n % 3];
        writeln!(yaml, "  - {{address: p{n}@{provider}-{n}.test, role: partner, provider: {provider}}}").unwrap();
    }
    let config = config(&yaml);
    assert_eq!(config.mailboxes.len(), 500);
    // Seven at each of the five domains' servers, and five at each kind of partners' ones, of which Gmail's and Microsoft's stand side by side.
    let domains = (0..35).map(|n| address(&format!("m{}@new-{}.test", 3 + 9 * (n / 5), n % 5)));
    let partners = (0..15).map(|n| address(&format!("p{n}@{}-{n}.test", ["gmail", "microsoft", "generic"][n % 3])));
    let hanging: BTreeSet<Address> = domains.chain(partners).collect();
    assert_eq!(hanging.len(), 50);
    let (locked, flooded) = (address("m20@new-0.test"), address("m20@new-1.test"));
    let mut wrong: Vec<Condition> = hanging.iter().map(|a| all_day(Wrong::Hangs, Whom::Mailbox(a.clone()))).collect();
    wrong.push(all_day(Wrong::Locked, Whom::Mailbox(locked.clone())));

    let with = std::thread::scope(|scope| {
        let without = scope.spawn(|| day(&config, Vec::new(), None, "18:00"));
        let with = day(&config, wrong, Some((&flooded, 12_000)), "18:00");
        (with, without.join().unwrap())
    });
    let (with, without) = with;
    let is_well = |a: &Address| !hanging.contains(a) && *a != locked;
    let (mut compared, mut latest) = (0, Duration::ZERO);
    for (id, calm) in &without.letters {
        if !is_well(&calm.plan.sender) || calm.plan.parent.is_some() {
            continue;
        }
        let letter = &with.letters[id];
        let due = calm.plan.due.unwrap();
        let (in_calm, handed) = (calm.handed_at.expect("all went well"), letter.handed_at.unwrap_or_else(|| panic!("{letter:?}")));
        assert!(handed <= in_calm + Duration::from_mins(1), "{id}: due {due}, at {in_calm} in a calm world, now at {handed}");
        (compared, latest) = (compared + 1, latest.max(handed.since(due)));
    }
    // 315 warming mailboxes with three each, answers aside, and the partners.
    assert!(compared > 800, "{compared} letters");
    assert!(latest <= Duration::from_mins(10), "{latest:?}");
    // Answers too: to letters that came in.
    let late = with.letters.values().filter(|l| is_well(&l.plan.sender) && l.plan.parent.is_some());
    for letter in late.filter(|l| l.plan.due.is_some_and(|due| due < at("17:00"))) {
        assert!(letter.handed_at.is_some() || letter.plan.due.is_none(), "{letter:?}");
    }
    // Those in trouble are told of, each by its own, and nobody else is.
    let told: BTreeSet<Address> = with.troubles.iter().map(|t| t.mailbox.clone()).collect();
    let wanted: BTreeSet<Address> = hanging.iter().chain([&locked]).cloned().collect();
    assert_eq!(told, wanted);
    assert!(with.troubles.iter().all(|t| t.mailbox == locked || t.what == "no answer within 60 s"), "{:?}", with.troubles);
    assert!(without.troubles.is_empty());
    // Seventy are on each of the domains' servers, of which fifty listen all day; the others look every few minutes.
    let mut looks: BTreeMap<&Address, u32> = BTreeMap::new();
    for (_, who) in without.knocks.iter().filter(|(_, who)| who.as_str().ends_with("@new-0.test")) {
        *looks.entry(who).or_default() += 1;
    }
    let (listen, look): (Vec<u32>, Vec<u32>) = looks.values().partition(|n| **n == 1);
    assert_eq!((listen.len(), look.len()), (50, 20), "{looks:?}");
    assert!(look.iter().all(|n| *n > 100), "every five minutes from seven to six: {look:?}");
}

#[test]
fn a_provider_that_was_down_is_asked_by_few_and_is_not_run_over_when_it_is_back() {
    let mut yaml = String::new();
    for n in 0..20 {
        writeln!(yaml, "  - m{n}@new.test").unwrap();
    }
    for n in 0..300 {
        writeln!(yaml, "  - {{address: p{n}@there-{n}.test, role: partner, provider: yahoo}}").unwrap();
    }
    let config = config(&yaml);
    let (from, until) = (at("10:00"), at("12:20"));
    let outage = Condition { wrong: Wrong::Outage, whom: Whom::Receiver("yahoo".into()), from, until };
    let left = day(&config, vec![outage], None, "13:00");
    let theirs = |from: Moment, until: Moment| -> Vec<Moment> {
        let is_there = |(at, who): &&(Moment, Address)| (from..until).contains(at) && who.as_str().contains("@there-");
        left.knocks.iter().filter(is_there).map(|(at, _)| *at).collect()
    };
    // Three find it silent; then one every 1, 2, 4, 8, 15, 15, … minutes, a little less by chance.
    let asked = theirs(from + Duration::from_secs(1), until).len();
    assert!((ENOUGH + 8..=ENOUGH + 16).contains(&asked), "{asked} connections in 140 minutes");
    // When it is back, all of them are in within the breaker's time and their waves, and no wave is bigger than it may be.
    let wave = provider_facts(Provider::Yahoo).sign_ins;
    let back = theirs(until, at("13:00"));
    assert!(back.len() >= 300, "{} came back", back.len());
    let last = back[299].since(until);
    assert!(last < Duration::from_mins(15) + BETWEEN_WAVES * (300 / wave + 6), "the last came after {last:?}");
    let mut waves: BTreeMap<Moment, u32> = BTreeMap::new();
    for at in &back {
        *waves.entry(*at).or_default() += 1;
    }
    let sizes: Vec<u32> = waves.values().copied().collect();
    assert_eq!(sizes[..5], [1, 2, 4, 8, 10], "one tries, then waves");
    assert!(sizes.iter().all(|n| *n <= wave), "{sizes:?}");
    let minutes = |n: u64| back.iter().filter(|at| at.since(back[0]).as_secs() / 60 == n).count();
    assert!((0..5).all(|n| minutes(n) <= 12 * wave as usize), "{:?}", (0..5).map(minutes).collect::<Vec<_>>());
    // What a person reads meanwhile: one server, since when, and when it is tried again.
    let told: Vec<&TroubleRow> = left.at_noon.iter().filter(|t| t.channel == "imap").collect();
    assert_eq!(told.len(), 300);
    let since = "imap of yahoo has not answered since 2026-12-01T10:";
    let in_words = told.iter().filter(|t| t.what.starts_with(since) && t.hint.contains("It is tried again at 2026-12-01T12:")).count();
    assert!(in_words >= 270, "{in_words} of 300: {:?}", told.first());
    assert_eq!(left.troubles, Vec::new(), "all is well again");
}
