//! Pools for runs of the real executor: a config, a ledger with an agenda, and what a run is given.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::NaiveTime;
use preheat::agenda::{Agenda, Draws, PlannedLetter};
use preheat::chance::Seed;
use preheat::clock::Clock;
use preheat::compose::Library;
use preheat::config::{Config, load};
use preheat::ledger::{DayPlan, Fence, Ledger, PoolMember};
use preheat::letter::Keyring;
use preheat::mail::Access;
use preheat::run::{Context, Silent, is_dead, this_process};
use preheat::words::{Address, LetterId, LocalDate, Moment, RampDay, Zone};
use tokio::sync::watch;

/// As the program has it.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("threads")
}

/// A config of these mailboxes (lines of YAML) on one server (a YAML map), with pacing off and a window as long as the day.
pub fn config_of(folder: &Path, server: &str, secret: &str, mailboxes: &str) -> Config {
    fs::create_dir_all(folder).expect("a folder");
    let secret_file = folder.join("secret");
    fs::write(&secret_file, format!("{secret}\n")).expect("a file");
    fs::set_permissions(&secret_file, fs::Permissions::from_mode(0o600)).expect("a private file");
    let file = folder.join("preheat.yaml");
    let defaults = format!("defaults: {{secret: \"file:secret\", smtp: {server}, imap: {server}}}");
    fs::write(&file, format!("zone: UTC\nschedule: standard-6w\n{defaults}\nmailboxes:\n{mailboxes}")).expect("a file");
    let mut config = load(&file).unwrap_or_else(|e| panic!("the bench's config: {e}"));
    for schedule in config.schedules.values_mut() {
        let window = &mut schedule.window;
        (window.mailbox_gap, window.domain_gap) = (Duration::ZERO, Duration::ZERO);
        (window.from, window.to) = (NaiveTime::MIN, NaiveTime::from_hms_opt(23, 59, 59).unwrap_or_default());
    }
    config
}

/// Everything that a run is given, and the sender of its stop.
pub fn context_of(config: Config, ledger: Ledger, access: Arc<dyn Access>) -> (Context, watch::Sender<bool>) {
    let (tell, stop) = watch::channel(false);
    let context = Context {
        access,
        config: Arc::new(config),
        ledger,
        clock: Clock::System,
        keys: Arc::new(Keyring::parse(&format!("k1 {}", "ab".repeat(32))).expect("a key")),
        library: Arc::new(Library::shipped()),
        seed: Seed(1),
        progress: Arc::new(Silent),
        stop,
    };
    (context, tell)
}

/// Writes today's agenda for every mailbox of the config, with these letters and this quota.
pub async fn store_agenda(config: &Config, ledger: &Ledger, quota: u32, letters: Vec<PlannedLetter>) {
    let now = Clock::System.now();
    let date = now.local_date(Zone::UTC);
    let pool = config.mailboxes.values().map(PoolMember::of).collect();
    ledger.register_pool(pool, now).await.expect("a pool");
    let taken = ledger.take_leases(vec![Fence::PLANNER.to_owned()], this_process(), now, is_dead).await.expect("a lease");
    let planner = taken.ours.get(Fence::PLANNER).cloned().expect("the planner's lease");
    let days = config.mailboxes.keys().map(|address| day_of(address, date, quota)).collect();
    let agenda = Agenda { letters: letters.into_iter().collect(), ..Agenda::default() };
    ledger.store_agenda(planner.clone(), Vec::new(), days, agenda, now).await.expect("an agenda");
    ledger.release_leases(vec![planner]).await.expect("the lease goes back");
}

fn day_of(mailbox: &Address, date: LocalDate, quota: u32) -> DayPlan {
    let (schedule, reasons) = (String::new(), "[]".to_owned());
    DayPlan { mailbox: mailbox.clone(), date, schedule, curve: 0, ramp_day: RampDay(0), quota, total: quota, reasons }
}

/// The `n`th start of a sender on a date, due at `due`; its recipient will do nothing with it.
pub fn letter(sender: &Address, recipient: &Address, date: LocalDate, n: u32, due: Moment) -> PlannedLetter {
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
        recipient: recipient.clone(),
        date,
        parent: None,
        in_thread: 1,
        due: Some(due),
        expected: due,
        draws,
    }
}
