//! A day whose letters are all due now, and one run of it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use preheat::clock::Clock;
use preheat::config::Config;
use preheat::ledger::{Ledger, Place};
use preheat::mail::NetworkAccess;
use preheat::run::{Pace, is_dead, run, this_process};
use preheat::words::{Address, Zone};

use super::quiet::{Count, QuietAccess};
use super::sink::Sink;
use crate::pool::{config_of, context_of, letter, runtime, store_agenda};
use crate::table::{cpu_seconds, timed};

/// What a run did.
pub struct Sent {
    pub took: Duration,
    /// Seconds of the processor, in this process.
    pub cpu: f64,
    pub bytes: usize,
}

pub struct Day {
    folder: PathBuf,
    config: Config,
    /// Letters of each sender.
    letters: usize,
    keep: Option<PathBuf>,
}

impl Day {
    /// `sessions` senders, each on a domain and in a session of its own, and one recipient.
    pub fn new(folder: &Path, sink: &Sink, sessions: usize, letters: usize) -> Self {
        let mut mailboxes = "  - {address: b@r.test, role: partner}\n".to_owned();
        for n in 0..sessions {
            writeln!(mailboxes, "  - a@s{n}.test").expect("a string takes all");
        }
        let server = format!("{{host: 127.0.0.1, port: {}, tls: plain}}", sink.port);
        let config = config_of(folder, &server, "secret", &mailboxes);
        Self { folder: folder.to_owned(), config, letters, keep: None }
    }

    /// The same, and keeps what is accepted.
    pub fn keeping(self, folder: &Path) -> Self {
        fs::create_dir_all(folder).expect("a folder");
        Self { keep: Some(folder.to_owned()), ..self }
    }

    /// Takes the pool through `run --once`, from its first question to the ledger to the last lease given back.
    pub fn send(self) -> Sent {
        let runtime = runtime();
        let ledger = Ledger::open(&self.folder.join("preheat.db"), Place::Thread).expect("a ledger");
        let recipient = Address::parse("b@r.test").expect("an address");
        let now = Clock::System.now();
        let (date, due) = (now.local_date(Zone::UTC), now - Duration::from_mins(1));
        let senders = self.config.mailboxes.keys().filter(|a| **a != recipient);
        let letters: Vec<_> = senders.flat_map(|s| (1..=self.letters as u32).map(|n| letter(s, &recipient, date, n, due))).collect();
        let wanted = letters.len();
        runtime.block_on(store_agenda(&self.config, &ledger, self.letters as u32, letters));
        let count = Arc::new(Count { keep: self.keep, ..Count::default() });
        let access = QuietAccess { network: NetworkAccess::new(self.folder), count: count.clone() };
        let (context, _tell) = context_of(self.config, ledger, Arc::new(access));
        let before = cpu_seconds();
        let (took, result) = timed(|| runtime.block_on(run(context, Pace::Once, this_process(), is_dead)));
        let cpu = cpu_seconds() - before;
        result.unwrap_or_else(|e| panic!("the run: {e}"));
        assert_eq!(count.letters.load(Ordering::Relaxed), wanted, "every letter is accepted");
        Sent { took, cpu, bytes: count.bytes.load(Ordering::Relaxed) }
    }
}
