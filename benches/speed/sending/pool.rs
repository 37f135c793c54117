//! A pool whose letters are all due now and need keep no distance, and one run of it.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::NaiveTime;
use preheat::agenda::{Agenda, Draws, PlannedLetter};
use preheat::chance::Seed;
use preheat::clock::Clock;
use preheat::compose::Library;
use preheat::config::{Config, load};
use preheat::ledger::{DayPlan, Fence, Ledger, Place};
use preheat::letter::Keyring;
use preheat::mail::NetworkAccess;
use preheat::run::{Context, Pace, Silent, is_dead, run, this_process};
use preheat::words::{Address, LetterId, LocalDate, Moment, RampDay, Zone};

use super::quiet::{Count, QuietAccess};
use super::sink::Sink;
use crate::table::timed;

/// What a run did.
pub struct Sent {
    pub took: Duration,
    pub bytes: usize,
}

pub struct Pool {
    folder: PathBuf,
    config: Config,
    /// Letters of each sender.
    letters: usize,
    keep: Option<PathBuf>,
}

impl Pool {
    /// `sessions` senders, each on a domain and in a session of its own, and one recipient.
    pub fn new(folder: &Path, sink: &Sink, sessions: usize, letters: usize) -> Self {
        fs::create_dir_all(folder).expect("a folder");
        let secret = folder.join("secret");
        fs::write(&secret, "secret\n").expect("a file");
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).expect("a private file");
        let server = format!("{{host: 127.0.0.1, port: {}, tls: plain}}", sink.port);
        let mut yaml = format!("zone: UTC\nschedule: standard-6w\ndefaults: {{secret: \"file:secret\", smtp: {server}, imap: {server}}}\n");
        yaml.push_str("mailboxes:\n  - {address: b@r.test, role: partner}\n");
        for n in 0..sessions {
            writeln!(yaml, "  - a@s{n}.test").expect("a string takes all");
        }
        let file = folder.join("preheat.yaml");
        fs::write(&file, yaml).expect("a file");
        let mut config = load(&file).unwrap_or_else(|e| panic!("the bench's config: {e}"));
        for schedule in config.schedules.values_mut() {
            // Pacing off.
            let window = &mut schedule.window;
            (window.mailbox_gap, window.domain_gap) = (Duration::ZERO, Duration::ZERO);
            (window.from, window.to) = (NaiveTime::MIN, NaiveTime::from_hms_opt(23, 59, 59).unwrap_or_default());
        }
        Self { folder: folder.to_owned(), config, letters, keep: None }
    }

    /// The same, and keeps what is accepted.
    pub fn keeping(self, folder: &Path) -> Self {
        fs::create_dir_all(folder).expect("a folder");
        Self { keep: Some(folder.to_owned()), ..self }
    }

    /// Takes the pool through `run --once`, from its first question to the ledger to the last lease given back.
    pub fn send(self) -> Sent {
        let wanted = self.letters * self.config.mailboxes.keys().filter(|a| a.local() == "a").count();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads");
        let ledger = Ledger::open(&self.folder.join("preheat.db"), Place::Thread).expect("a ledger");
        runtime.block_on(self.store_agenda(&ledger));
        let count = Arc::new(Count { keep: self.keep, ..Count::default() });
        let (_tell, stop) = tokio::sync::watch::channel(false);
        let context = Context {
            access: Arc::new(QuietAccess { network: NetworkAccess::new(self.folder.clone()), count: count.clone() }),
            config: Arc::new(self.config),
            ledger,
            clock: Clock::System,
            keys: Arc::new(Keyring::parse(&format!("k1 {}", "ab".repeat(32))).expect("a key")),
            library: Arc::new(Library::shipped()),
            seed: Seed(1),
            progress: Arc::new(Silent),
            stop,
        };
        let (took, result) = timed(|| runtime.block_on(run(context, Pace::Once, this_process(), is_dead)));
        result.unwrap_or_else(|e| panic!("the run: {e}"));
        assert_eq!(count.letters.load(Ordering::Relaxed), wanted, "every letter is accepted");
        Sent { took, bytes: count.bytes.load(Ordering::Relaxed) }
    }

    async fn store_agenda(&self, ledger: &Ledger) {
        let now = Clock::System.now();
        let date = now.local_date(Zone::UTC);
        let pool = self.config.mailboxes.values().map(|m| (m.address.clone(), m.role)).collect();
        ledger.register_pool(pool, now).await.expect("a pool");
        let taken = ledger.take_leases(vec![Fence::PLANNER.to_owned()], this_process(), now, is_dead).await.expect("a lease");
        let planner = taken.ours.get(Fence::PLANNER).cloned().expect("the planner's lease");
        let days = self.config.mailboxes.keys().map(|address| self.day(address, date)).collect();
        let senders = self.config.mailboxes.keys().filter(|a| a.local() == "a");
        let letters = senders.flat_map(|sender| (1..=self.letters as u32).map(|n| letter(sender, date, n, now))).collect();
        let agenda = Agenda { letters, ..Agenda::default() };
        ledger.store_agenda(planner.clone(), Vec::new(), days, agenda, now).await.expect("an agenda");
        ledger.release_leases(vec![planner]).await.expect("the lease goes back");
    }

    fn day(&self, mailbox: &Address, date: LocalDate) -> DayPlan {
        let quota = self.letters as u32;
        DayPlan {
            mailbox: mailbox.clone(),
            date,
            schedule: String::new(),
            curve: 0,
            ramp_day: RampDay(0),
            quota,
            total: quota,
            reasons: "[]".into(),
        }
    }
}

/// A start that was due a minute ago.
fn letter(sender: &Address, date: LocalDate, n: u32, now: Moment) -> PlannedLetter {
    let due = now - Duration::from_mins(1);
    let draws = Draws {
        open: false,
        answer: false,
        important: false,
        flag: false,
        rescue_after: Duration::ZERO,
        open_after: Duration::ZERO,
        answer_after: Duration::ZERO,
        content: u64::from(n),
    };
    PlannedLetter {
        id: LetterId::of_start(sender, date, n),
        sender: sender.clone(),
        recipient: Address::parse("b@r.test").expect("an address"),
        date,
        parent: None,
        in_thread: 1,
        due: Some(due),
        expected: due,
        draws,
    }
}
