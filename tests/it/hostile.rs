//! The hostile peers of `tests/hostile/peers.txt` against the whole program: `preheat run` with hostile mailboxes beside good ones, which live on a sandbox of
//! the test's own. How the clients alone take every row is in `src/mail/hostile.rs`.

#[path = "../hostile/script.rs"]
mod script;
#[path = "../hostile/server.rs"]
mod server;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;

use self::script::{Peer, Protocol, peers};
use crate::rig_day::{assert_exit, count, said};
use crate::rig_luck::{SHORT_DAY, seed, texts};
use crate::sandbox::Running;
use crate::tally::tally;

/// Those that a good day is shared with.
const GOOD: [&str; 4] = ["elena@suedlicht.test", "finn@suedlicht.test", "karin@dovecot-like.test", "grace@gmail-like.test"];
/// Those whose servers are hostile, where they are in the pool.
const OTHERS: [&str; 8] = [
    "anna@nordwind.test",
    "ben@nordwind.test",
    "clara@nordwind.test",
    "david@nordwind.test",
    "hugo@gmail-like.test",
    "ines@microsoft-like.test",
    "jonas@microsoft-like.test",
    "liam@dovecot-like.test",
];
/// More than this above a run without hostility, and it fails.
const MORE_MEMORY: u64 = 64 << 10;

/// Servers, a folder, and a clock.
struct World {
    dir: TempDir,
    facts: Value,
    _sandbox: Running,
    peers: tokio::runtime::Runtime,
}

impl World {
    fn begin(clock: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut sandbox = Running::start(dir.path(), &["--dir", "world", "--json", "--clock", clock]);
        let facts = sandbox.facts();
        let peers = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        Self { dir, facts, _sandbox: sandbox, peers }
    }

    fn folder(&self) -> std::path::PathBuf {
        self.dir.path().join("world")
    }

    /// The server of `user` on the sandbox, as YAML.
    fn server(&self, user: &str, protocol: &str) -> String {
        let user = self.facts["users"].as_array().unwrap().iter().find(|u| u["address"] == user).unwrap();
        let server = &user[protocol];
        format!("{{host: localhost, port: {}, tls: {}, ca_file: ca.crt}}", server["port"], server["tls"].as_str().unwrap())
    }

    /// Starts a hostile peer; gives its server as YAML.
    fn hostile(&self, peer: Peer) -> String {
        let listener = self.peers.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        self.peers.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let peer = peer.clone();
                tokio::spawn(async move { server::play(stream, &peer).await });
            }
        });
        format!("{{host: 127.0.0.1, port: {port}, tls: plain}}")
    }

    /// A pool of the good ones and of those with a peer of their own, in `world/`; its ledger is new.
    fn write_pool(&self, hostile: &[(&str, Option<Peer>)]) {
        let mut yaml = "pool: hostile\nzone: Etc/UTC\nschedule: short-day\nledger: preheat.db\nkey_file: preheat.key\n".to_owned();
        yaml += "defaults: {secret: \"file:secrets/{address}\", receive_limit: 60, send_limit: 40, start_limit: 10, smtp: mail.test, imap: mail.test}\n";
        yaml += "pairs: {max_per_pair: 4, max_per_pair_week: 20}\nmailboxes:\n";
        let all = GOOD.iter().map(|user| (*user, None)).chain(hostile.iter().cloned());
        for (user, peer) in all {
            let (mut smtp, mut imap) = (self.server(user, "smtp"), self.server(user, "imap"));
            match peer {
                Some(peer) if peer.protocol == Protocol::Smtp => smtp = self.hostile(peer),
                Some(peer) => imap = self.hostile(peer),
                None => {}
            }
            let role = if user.contains("-like") { "role: partner, " } else { "" };
            writeln!(yaml, "  - {{address: {user}, {role}smtp: {smtp}, imap: {imap}}}").unwrap();
        }
        let folder = self.folder();
        fs::create_dir_all(folder.join("schedules")).unwrap();
        fs::write(folder.join("schedules/short-day.yaml"), SHORT_DAY).unwrap();
        fs::write(folder.join("preheat.yaml"), yaml).unwrap();
        for name in ["preheat.db", "preheat.db-wal", "preheat.db-shm"] {
            let _ = fs::remove_file(folder.join(name));
        }
        seed(&folder, 7);
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_preheat"));
        command.current_dir(self.folder()).args(args).env("NO_COLOR", "1").env("PREHEAT_CLOCK", self.facts["clock"].as_str().unwrap());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs to the end: what was said, and the most memory that was held, in KB.
    fn run(&self, args: &[&str]) -> (Output, u64) {
        let mut child = self.command(args).spawn().unwrap();
        let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let listen = |from: &mut dyn std::io::Read| {
            let mut heard = Vec::new();
            from.read_to_end(&mut heard).map(|_| heard).unwrap()
        };
        let err = std::thread::spawn(move || listen(&mut err));
        let out = std::thread::spawn(move || listen(&mut out));
        let status = format!("/proc/{}/status", child.id());
        let mut peak = 0;
        let exit = loop {
            if let Some(exit) = child.try_wait().unwrap() {
                break exit;
            }
            peak = peak.max(peak_of(Path::new(&status)));
            std::thread::sleep(Duration::from_millis(20));
        };
        (Output { status: exit, stdout: out.join().unwrap(), stderr: err.join().unwrap() }, peak)
    }

    /// What does not work by `status --json`: `channel: step: what` of a mailbox. Each with a hint.
    fn troubles(&self, mailbox: &str) -> Vec<String> {
        let output = self.command(&["status", "--json"]).output().unwrap();
        let status: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", said(&output)));
        let word = |t: &Value, key: &str| t[key].as_str().unwrap().to_owned();
        let all = status["troubles"].as_array().unwrap().iter().filter(|t| t["mailbox"] == mailbox);
        all.inspect(|t| assert!(!t["hint"].as_str().unwrap().is_empty(), "{t}"))
            .map(|t| format!("{}: {}: {}", word(t, "channel"), word(t, "step"), word(t, "what").trim_end()))
            .collect()
    }
}

/// VmHWM in KB; 0 where the process is gone.
fn peak_of(status: &Path) -> u64 {
    let text = fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    line.and_then(|l| l.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0)
}

fn row(protocol: Protocol, name: &str) -> Peer {
    peers().into_iter().find(|p| p.protocol == protocol && p.name == name).unwrap_or_else(|| panic!("there is no {name}"))
}

/// What `status` is to say of a mailbox with this peer.
fn trouble_of(peer: &Peer) -> String {
    let channel = if peer.protocol == Protocol::Smtp { "smtp" } else { "imap" };
    format!("{channel}: {}", peer.ends)
}

/// A day, its memory, and what was said.
fn day(hostile: &[(&'static str, Option<Peer>)]) -> (World, u64, String) {
    let world = World::begin("2025-12-02T08:50:00Z x1800");
    world.write_pool(hostile);
    let (output, peak) = world.run(&["run"]);
    assert_exit(&output, 0);
    (world, peak, said(&output))
}

/// Letters between good mailboxes that were handed over, and those of them that were seen.
fn good_letters(dir: &Path) -> (i64, i64) {
    let good = GOOD.map(|g| format!("'{g}'")).join(",");
    let of = |what: &str| {
        count(
            dir,
            &format!("SELECT count(*) FROM letter WHERE sender IN ({good}) AND recipient IN ({good}) AND handed_at IS NOT NULL AND {what}"),
        )
    };
    (of("TRUE"), of("state = 'seen'"))
}

#[test]
fn hostile_mailboxes_are_told_of_take_little_memory_and_keep_nobody_from_a_good_day() {
    let rows = [
        row(Protocol::Imap, "greeting-of-10-MB"),
        row(Protocol::Imap, "list-literal-of-2-GB"),
        row(Protocol::Imap, "parentheses-200000"),
        row(Protocol::Imap, "headers-of-8-MB"),
        row(Protocol::Imap, "expunge-storm"),
        row(Protocol::Imap, "internaldate-nil"),
        row(Protocol::Smtp, "greeting-without-end"),
        row(Protocol::Smtp, "mail-354"),
    ];
    let hostile: Vec<(&'static str, Option<Peer>)> = OTHERS.into_iter().zip(rows.into_iter().map(Some)).collect();
    let peaceful: Vec<(&'static str, Option<Peer>)> = OTHERS.into_iter().map(|user| (user, None)).collect();
    // Beside each other: the days are over twice as soon.
    let without = std::thread::spawn(move || day(&peaceful).1);
    let (mut world, peak, told) = day(&hostile);
    let without = without.join().unwrap();
    assert!(without > 0 && peak < without + MORE_MEMORY, "{peak} KB, and {without} KB without");

    for (user, peer) in &hostile {
        let wanted = trouble_of(peer.as_ref().unwrap());
        let troubles = world.troubles(user);
        assert!(troubles.contains(&wanted), "{user}: {wanted}\n{troubles:#?}\n{told}");
    }
    for user in GOOD {
        assert_eq!(world.troubles(user), Vec::<String>::new(), "{user}\n{told}");
    }
    // On a machine with much to do, minutes of the day are over before they are begun: what was left is looked at in the evening.
    world.facts["clock"] = "2025-12-02T20:30:00Z x60".into();
    assert_exit(&world.run(&["run", "--once"]).0, 0);
    let folder = world.folder();
    let (sent, seen) = good_letters(&folder);
    assert!(sent >= 3 && seen == sent, "{seen} of {sent} were seen\n{told}");
    for user in &GOOD[..2] {
        let handed = count(&folder, &format!("SELECT count(*) FROM letter WHERE sender = '{user}' AND handed_at IS NOT NULL"));
        assert!(handed >= 4, "{user} sent {handed} of five\n{told}");
    }
    // Nobody is blamed for a letter that a hostile server cannot show: it is waited for.
    let states = texts(&folder, "SELECT DISTINCT state FROM letter WHERE handed_at IS NOT NULL ORDER BY 1");
    assert!(states.iter().all(|s| ["accepted", "seen"].contains(&s.as_str())), "{states:?}");
    assert_exit(&world.command(&["ledger", "check"]).output().unwrap(), 0);
    let outcome = format!("{sent} letters of the good ones sent and seen; {peak} KB of memory at most, {without} without hostile ones");
    tally("hostile mailboxes beside good ones, a day", OTHERS.len() as u64, &outcome);
}

/// Every row whose end comes by itself before a message is read, each with a ledger of its own.
#[test]
#[ignore = "takes minutes: tests/run --long"]
fn every_one_of_them() {
    // Each run begins at eleven, when letters are due.
    let mut world = World::begin("2025-12-02T11:00:00Z x60");
    world.facts["clock"] = "2025-12-02T11:00:00Z x60".into();
    let steps = [
        "greeting: ",
        "EHLO: ",
        "signing in: ",
        "MAIL FROM: ",
        "RCPT TO: ",
        "DATA: ",
        "finding folders: ",
        "SELECT: ",
        "SEARCH: ",
        "FETCH: ",
    ];
    let comes = |p: &Peer| {
        steps.iter().any(|s| p.ends.starts_with(s))
            && !p.ends.contains("no answer within")
            && !["auth-echo", "message-of-9-MB"].contains(&p.name.as_str())
    };
    world.write_pool(&[("anna@nordwind.test", None)]);
    let (_, without) = world.run(&["run", "--once"]);
    let (mut met, mut most, mut wrong) = (0, 0, String::new());
    for peer in peers().into_iter().filter(comes) {
        let (wanted, name) = (trouble_of(&peer), peer.name.clone());
        world.write_pool(&[("anna@nordwind.test", Some(peer))]);
        let (output, peak) = world.run(&["run", "--once"]);
        let troubles = world.troubles("anna@nordwind.test");
        (met, most) = (met + 1, most.max(peak));
        if output.status.code() != Some(0) || !troubles.contains(&wanted) || peak > without + MORE_MEMORY {
            let _ = writeln!(wrong, "{name}: {wanted}, but {troubles:?}, {peak} KB\n{}", said(&output));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    let outcome = format!("each is a visible trouble of its mailbox; {most} KB of memory at most, {without} without");
    tally("hostile transcripts against `preheat run`", met, &outcome);
}
