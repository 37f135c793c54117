//! Many mailboxes in which nothing happens, watched by one run: how much memory each takes. The servers (the sandbox) are in a process of their own.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use preheat::chance::Seed;
use preheat::clock::Clock;
use preheat::config::Mailbox;
use preheat::ledger::{Ledger, Place};
use preheat::mail::gate::GatedAccess;
use preheat::mail::{Access, Inbox, MailError, NetworkAccess, Outbox};
use preheat::run::{Pace, is_dead, run, this_process};
use preheat::sandbox::doors::{Door, Service};
use preheat::sandbox::{Options, Sandbox};
use preheat::words::{Address, Zone};
use preheat::world::{AccountSpec, Personality};

use super::pool::{config_of, context_of, letter, runtime, store_agenda};
use super::table::{Goal, at_most, cpu_seconds, note, of_status, row};

const MAILBOXES: usize = 2_000;
const PASSWORD: &str = "idle-secret-1";
/// A listener of the sandbox takes a thousand connections: there are two.
const KINDS: [Personality; 2] = [Personality::Dovecot, Personality::Gmail];
/// The part's name of the process with the servers.
pub const SERVERS: &str = "idle-servers";

fn address(n: usize) -> String {
    format!("m{n}@d{}.test", n / 20)
}

/// The servers: says its port, writes its CA, and ends with its standard input.
#[expect(clippy::print_stdout, reason = "its parent reads it")]
pub fn serve() {
    let folder = std::env::args().skip(2).find(|a| !a.starts_with('-')).expect("a folder");
    let accounts = (0..MAILBOXES).map(|n| AccountSpec {
        address: Address::parse(&address(n)).expect("an address"),
        personality: KINDS[n % 2],
        receiver: "d.test".to_owned(),
        user: address(n),
        secret: Some(PASSWORD.to_owned()),
    });
    let doors = KINDS.map(|personality| Door { personality, service: Service::Imaps, port: 0 }).to_vec();
    let options =
        Options { accounts: accounts.collect(), known_well: Vec::new(), clock: Clock::System, seed: Seed(1), doors, filtered: false };
    runtime().block_on(async {
        let sandbox = Sandbox::start(options).await.expect("a sandbox");
        std::fs::write(Path::new(&folder).join("ca.crt"), sandbox.ca_pem()).expect("a file");
        for kind in KINDS {
            println!("{}", sandbox.port(kind, Service::Imaps).expect("a port"));
        }
        tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await.expect("a thread").ok();
    });
    std::process::exit(0);
}

/// Counts the sessions that are open.
struct Counted {
    network: NetworkAccess,
    open: AtomicUsize,
}

#[async_trait]
impl Access for Counted {
    async fn open_outbox(&self, mailbox: &Mailbox) -> Result<Box<dyn Outbox>, MailError> {
        self.network.open_outbox(mailbox).await
    }

    async fn open_inbox(&self, mailbox: &Mailbox) -> Result<Box<dyn Inbox>, MailError> {
        let inbox = self.network.open_inbox(mailbox).await;
        self.open.fetch_add(usize::from(inbox.is_ok()), Ordering::Relaxed);
        inbox
    }
}

pub fn measure() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let (mut servers, ports) = start_servers(folder.path());
    let ca = folder.path().join("ca.crt");
    let servers_of = ports.map(|port| format!("{{host: localhost, port: {port}, tls: implicit, ca_file: {}}}", ca.display()));
    let mut mailboxes = String::new();
    for n in 0..MAILBOXES {
        // Of a provider at which as many may listen as there are.
        writeln!(mailboxes, "  - {{address: {}, provider: gmail, imap: {}}}", address(n), servers_of[n % 2]).expect("a string takes all");
    }
    let config = config_of(folder.path(), &servers_of[0], PASSWORD, &mailboxes);
    let runtime = runtime();
    let ledger = Ledger::open(&folder.path().join("preheat.db"), Place::Thread).expect("a ledger");
    // One letter is still to be sent today, so that the day is not over; everybody listens until then.
    let now = Clock::System.now();
    let (from, to) = (Address::parse(&address(0)).expect("an address"), Address::parse(&address(21)).expect("an address"));
    let later = letter(&from, &to, now.local_date(Zone::UTC), 1, now + Duration::from_mins(90));
    runtime.block_on(store_agenda(&config, &ledger, 1, vec![later]));
    let access = Arc::new(Counted { network: NetworkAccess::new(folder.path().to_owned()), open: AtomicUsize::new(0) });
    let gated = GatedAccess::before(access.clone(), Clock::System, Seed(1));
    let (context, tell) = context_of(config, ledger, Arc::new(gated));
    let before = of_status("self", "VmRSS:");
    let watcher = runtime.spawn(run(context, Pace::Day, this_process(), is_dead));
    let all_in = wait_until(Duration::from_mins(3), || access.open.load(Ordering::Relaxed) >= MAILBOXES);
    // Then each lists its folders, looks at them, and listens.
    let mut spent = cpu_seconds();
    let quiet = all_in
        && wait_until(Duration::from_mins(2), || {
            std::thread::sleep(Duration::from_secs(2));
            let now = cpu_seconds();
            let idle = now - spent < 0.05;
            spent = now;
            idle
        });
    let (after, peak) = (of_status("self", "VmRSS:"), of_status("self", "VmHWM:"));
    if quiet {
        let each = after / MAILBOXES as f64;
        row(
            format!("{MAILBOXES} idle mailboxes, TLS, one process"),
            format!("{each:.1} KB each"),
            "all of its memory",
            at_most(each, 100.0, "KB"),
        );
        row(
            "  what a run of the pool adds",
            format!("{:.1} KB each", (after - before) / MAILBOXES as f64),
            format!("{:.0} MB in all", after / 1024.0),
            Goal::None,
        );
        row("  at the most, while they sign in", format!("{:.1} KB each", peak / MAILBOXES as f64), "", Goal::None);
    } else {
        note(format!("idle: {} of {MAILBOXES} signed in, and it did not become quiet: no figure", access.open.load(Ordering::Relaxed)));
    }
    tell.send(true).ok();
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(30), watcher).await }).ok();
    drop(servers.stdin.take());
    servers.wait().ok();
}

fn start_servers(folder: &Path) -> (Child, [u16; 2]) {
    let program = std::env::current_exe().expect("this program");
    let mut servers =
        Command::new(program).arg(SERVERS).arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a second process");
    let mut lines = BufReader::new(servers.stdout.take().expect("its output")).lines();
    let ports = KINDS.map(|_| lines.next().expect("a port").expect("a line").trim().parse().expect("a number"));
    (servers, ports)
}

fn wait_until(limit: Duration, mut there: impl FnMut() -> bool) -> bool {
    let steps = limit.as_millis() / 100;
    (0..steps).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        there()
    })
}
