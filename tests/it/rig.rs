//! What a test on real servers needs: users of its own, a pool on them, the `preheat` program, faults, and the auditor.
//!
//! There are two kinds of servers: Postfix with Dovecot, and the sandbox. The tests are the same on both; what differs is below
//! `tests/rig/faults.sh`. `tests/run` starts them and names their state directory in `PREHEAT_RIG`. By hand, the first kind (as root)
//! or the second, then the tests:
//!
//! ```text
//! RIG_DIR=/tmp/my-rig tests/rig/mailstack.sh start
//! preheat sandbox --rig /tmp/my-rig --port-base 20000
//! PREHEAT_RIG=/tmp/my-rig cargo test -- --include-ignored
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// The running servers, and a slot: ten users on each domain that no other test uses.
pub struct Rig {
    dir: PathBuf,
    facts: BTreeMap<String, String>,
    slot: u32,
    /// Where the records of submissions and of deliveries ended when this test began: what is before belongs to others.
    log_from: [u64; 2],
    /// Held while the test runs: two tests in one slot would spoil each other.
    _lock: File,
}

/// How the pool's mailboxes reach the servers.
#[derive(Clone, Copy)]
pub enum Line {
    /// 587 and 143 with STARTTLS.
    Starttls,
    /// 465 and 993.
    Implicit,
    /// Without TLS, straight or through proxies: ports for SMTP and IMAP, `None` for the servers' own.
    Plain {
        /// Such as a proxy's.
        smtp: Option<u16>,
        /// Such as a proxy's, or [`Rig::port`]`(2143)`, the server without MOVE, UIDPLUS and SPECIAL-USE.
        imap: Option<u16>,
    },
}

/// What a pool looks like. The default: four warming mailboxes on each of three domains, in Berlin.
pub struct PoolOptions {
    /// Warming mailboxes on each of the rig's first three domains, at most ten.
    pub per_domain: u32,
    /// How many of the three domains, 1 to 3.
    pub domains: usize,
    /// Partner mailboxes on seeds.test, at most ten.
    pub partners: u32,
    /// Partner mailboxes on the odd domains, so many on each, at most ten: `("away.test", 1)`.
    pub odd_partners: &'static [(&'static str, u32)],
    /// Everybody's zone.
    pub zone: &'static str,
    /// The window that the auditor holds the day against; the schedule must say the same.
    pub window: [&'static str; 2],
    /// The schedule's name.
    pub schedule: &'static str,
    /// Its file's text, where it is not a shipped one.
    pub schedule_text: Option<&'static str>,
    /// How the servers are reached.
    pub line: Line,
    /// Letters that each mailbox may receive a day.
    pub receive_limit: u32,
    /// Sections added to the end of `preheat.yaml`, such as `pairs`.
    pub more: &'static str,
}

impl Default for PoolOptions {
    fn default() -> Self {
        Self {
            per_domain: 4,
            domains: 3,
            partners: 0,
            odd_partners: &[],
            zone: "Europe/Berlin",
            window: ["08:30", "17:30"],
            schedule: "standard-6w",
            schedule_text: None,
            line: Line::Starttls,
            receive_limit: 20,
            more: "",
        }
    }
}

impl Rig {
    /// The rig that `tests/run` started, with the mailboxes of one slot emptied. Slots are 0 to 37, without 19, which `test_mailstack.py` has: each
    /// test takes one for itself.
    ///
    /// # Panics
    /// Where there is no rig, or another test is in the slot.
    pub fn from_env(slot: u32) -> Self {
        let dir = PathBuf::from(
            std::env::var_os("PREHEAT_RIG")
                .expect("no mail servers: run `tests/run`, or start tests/rig/mailstack.sh and set PREHEAT_RIG to its RIG_DIR"),
        );
        let text = fs::read_to_string(dir.join("rig.env")).expect("PREHEAT_RIG names no rig: there is no rig.env");
        let facts = text.lines().filter_map(|l| l.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        assert!(slot <= 37 && slot != 19, "slots are 0 to 37, without 19");
        let lock = File::create(dir.join(format!("slot-{slot}.lock"))).unwrap();
        lock.try_lock().unwrap_or_else(|_| panic!("slot {slot} is in use: two tests took the same one"));
        let mut rig = Self { dir, facts, slot, log_from: [0, 0], _lock: lock };
        rig.reset_mail();
        rig
    }

    /// A fact of `rig.env`.
    pub fn fact(&self, name: &str) -> &str {
        self.facts.get(name).unwrap_or_else(|| panic!("rig.env has no {name}"))
    }

    /// Which servers these are, for people.
    pub fn servers(&self) -> &'static str {
        if self.fact("RIG_KIND") == "sandbox" { "on the sandbox" } else { "on Postfix and Dovecot" }
    }

    /// The port of a service: the usual number above the rig's base.
    pub fn port(&self, usual: u16) -> u16 {
        self.fact("RIG_PORT_BASE").parse::<u16>().unwrap() + usual
    }

    /// The `n`th user of this slot on a domain, from 1 to 10.
    pub fn user(&self, n: u32, domain: &str) -> String {
        assert!((1..=10).contains(&n), "a slot has ten users on each domain");
        format!("u{:02}@{domain}", self.slot * 10 + n)
    }

    /// The three domains to be warmed.
    pub fn warm_domains(&self) -> Vec<&str> {
        self.fact("RIG_DOMAINS").split_whitespace().take(3).collect()
    }

    /// Empties this slot's mailboxes, takes back its Sieve rules, and starts a new page in the logs.
    pub fn reset_mail(&mut self) {
        let users: Vec<String> = self.fact("RIG_DOMAINS").split_whitespace().flat_map(|d| (1..=10).map(|n| self.user(n, d))).collect();
        let reset: Vec<&str> = std::iter::once("reset").chain(users.iter().map(String::as_str)).collect();
        self.fault(&reset);
        let ends = self.fault(&["log-ends"]);
        self.log_from = ends.split_whitespace().map(|end| end.parse().unwrap()).collect::<Vec<_>>().try_into().unwrap();
    }

    /// Writes `preheat.yaml`, the key, a schedule where one is given, and `audit.json` into `dir`; returns the path of `preheat.yaml`.
    pub fn write_pool(&self, dir: &Path, options: &PoolOptions) -> PathBuf {
        let warming: Vec<String> =
            self.warm_domains().into_iter().take(options.domains).flat_map(|d| (1..=options.per_domain).map(|n| self.user(n, d))).collect();
        let on = [("seeds.test", options.partners)].into_iter().chain(options.odd_partners.iter().copied());
        let partners: Vec<String> = on.flat_map(|(domain, count)| (1..=count).map(move |n| self.user(n, domain))).collect();
        let yaml = dir.join("preheat.yaml");
        fs::write(&yaml, self.yaml(options, &warming, &partners)).unwrap();
        write_secret(&dir.join("preheat.key"), &format!("rig {}\n", "5a".repeat(32)));
        if let Some(text) = options.schedule_text {
            fs::create_dir_all(dir.join("schedules")).unwrap();
            fs::write(dir.join("schedules").join(format!("{}.yaml", options.schedule)), text).unwrap();
        }
        // Partners have a window of their own.
        let facts = |window| serde_json::json!({ "zone": options.zone, "window": window });
        let warming = warming.into_iter().map(|a| (a, facts(options.window)));
        let partners = partners.into_iter().map(|a| (a, facts(["08:30", "17:30"])));
        let pool: serde_json::Map<String, serde_json::Value> = warming.chain(partners).collect();
        let audit = serde_json::json!({ "rig": self.dir, "ledger": "preheat.db", "log_from": self.log_from, "pool": pool });
        fs::write(dir.join("audit.json"), audit.to_string()).unwrap();
        yaml
    }

    fn yaml(&self, options: &PoolOptions, warming: &[String], partners: &[String]) -> String {
        let ca = self.fact("RIG_CA");
        let (smtp, imap) = match options.line {
            Line::Starttls => (
                format!("port: {}, tls: starttls, ca_file: {ca}", self.port(587)),
                format!("port: {}, tls: starttls, ca_file: {ca}", self.port(143)),
            ),
            Line::Implicit => (
                format!("port: {}, tls: implicit, ca_file: {ca}", self.port(465)),
                format!("port: {}, tls: implicit, ca_file: {ca}", self.port(993)),
            ),
            Line::Plain { smtp, imap } => (
                format!("port: {}, tls: plain", smtp.unwrap_or_else(|| self.port(1587))),
                format!("port: {}, tls: plain", imap.unwrap_or_else(|| self.port(1143))),
            ),
        };
        let mut yaml = format!(
            "pool: rig\nzone: {}\nschedule: {}\nledger: preheat.db\nkey_file: preheat.key\ndefaults:\n  secret: env:PREHEAT_RIG_PASSWORD\n  receive_limit: {}\n  smtp: {{host: localhost, {smtp}}}\n  imap: {{host: localhost, {imap}}}\nmailboxes:\n",
            options.zone, options.schedule, options.receive_limit
        );
        for address in warming {
            writeln!(yaml, "  - {address}").unwrap();
        }
        for address in partners {
            writeln!(yaml, "  - {{address: {address}, role: partner}}").unwrap();
        }
        yaml + options.more
    }

    /// The `preheat` program in `dir`, ready to be started, with the rig's password in its environment. `clock` is a
    /// `PREHEAT_CLOCK`; empty: the system's.
    pub fn command(&self, dir: &Path, args: &[&str], clock: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_preheat"));
        command
            .current_dir(dir)
            .args(args)
            .env("PREHEAT_RIG_PASSWORD", self.fact("RIG_PASSWORD"))
            .env("PREHEAT_CLOCK", clock)
            .env("NO_COLOR", "1");
        command.stdin(Stdio::null());
        command
    }

    /// Runs `preheat` to its end, whatever that is.
    pub fn preheat(&self, dir: &Path, args: &[&str], clock: &str) -> Output {
        self.command(dir, args, clock).output().unwrap()
    }

    /// Holds the ledger in `dir` against the servers. Options are `audit.py`'s, such as `--unfinished`.
    pub fn audit(&self, dir: &Path, options: &[&str]) -> Output {
        Command::new("python3").env("RIG_DIR", &self.dir).arg(script("audit.py")).arg(dir).args(options).output().unwrap()
    }

    /// Does something to the servers: the arguments are `faults.sh`'s. Panics where it fails.
    pub fn fault(&self, args: &[&str]) -> String {
        let mut fault = Command::new(script("faults.sh"));
        succeed(fault.env("RIG_DIR", &self.dir).args(args).stdin(Stdio::null()))
    }

    /// Files a share of 256 letters to each of these users as spam; 85 is a third.
    pub fn junk_share(&self, share: u32, users: &[String]) {
        let share = share.to_string();
        let mut args = vec!["junk", &share, "Junk"];
        args.extend(users.iter().map(String::as_str));
        self.fault(&args);
    }

    /// Puts somebody else's message into a folder. The auditor checks that nobody moved, read or flagged it.
    pub fn plant(&self, user: &str, folder: &str, id: &str, message: &str) {
        let mut plant = Command::new(script("faults.sh"));
        plant.env("RIG_DIR", &self.dir).args(["plant", user, folder, id]).stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut child = plant.spawn().unwrap();
        child.stdin.take().unwrap().write_all(message.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Puts a message into a folder as it is, such as a copy of a letter into Sent.
    pub fn deliver(&self, user: &str, folder: &str, message: &str) {
        let mut deliver = Command::new(script("faults.sh"));
        deliver.env("RIG_DIR", &self.dir).args(["deliver", user, folder]).stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut child = deliver.spawn().unwrap();
        child.stdin.take().unwrap().write_all(message.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// The messages in a user's folder, whose name is in modified UTF-7: read straight from the Maildir, or from the sandbox's dump.
    pub fn messages(&self, user: &str, folder: &str) -> Vec<String> {
        if self.fact("RIG_KIND") == "sandbox" {
            return serde_json::from_str(&self.fault(&["messages", user, folder])).unwrap();
        }
        let (local, domain) = user.split_once('@').unwrap();
        let maildir = self.dir.join("mail").join(domain).join(local).join("Maildir");
        let maildir = if folder == "INBOX" { maildir } else { maildir.join(format!(".{folder}")) };
        let files = ["cur", "new"].into_iter().filter_map(|sub| fs::read_dir(maildir.join(sub)).ok()).flatten();
        let mut paths: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths.iter().map(|path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()).collect()
    }

    /// A proxy in front of a port, with the arguments of `faultproxy.py` after TO, such as `["cut-before-dot", "--times", "1"]`.
    pub fn proxy(&self, to: u16, args: &[&str]) -> Proxy {
        self.start_proxy("faultproxy.py", to, args)
    }

    /// The same with `stepproxy.py`, such as `["--kinds", "reply", "--steps", "dot"]`.
    pub fn step_proxy(&self, to: u16, args: &[&str]) -> Proxy {
        self.start_proxy("stepproxy.py", to, args)
    }

    fn start_proxy(&self, program: &str, to: u16, args: &[&str]) -> Proxy {
        let mut command = Command::new("python3");
        command.arg(script(program)).arg(to.to_string()).args(args).env("RIG_DIR", &self.dir).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdin = child.stdin.take();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().expect("the proxy did not start").unwrap();
        let port =
            first.strip_prefix("listening ").and_then(|p| p.parse().ok()).unwrap_or_else(|| panic!("not a proxy's greeting: {first}"));
        let (sender, strikes) = channel();
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Proxy { port, strikes, stdin, child }
    }
}

/// A running fault proxy; it ends when it is dropped.
pub struct Proxy {
    /// Where it listens on loopback.
    pub port: u16,
    strikes: Receiver<String>,
    stdin: Option<ChildStdin>,
    child: Child,
}

impl Proxy {
    /// Waits until the fault strikes, and says how: `struck cut-before-dot`. Panics after a minute.
    pub fn wait_for_strike(&self) -> String {
        self.strikes.recv_timeout(Duration::from_mins(1)).expect("the fault did not strike")
    }

    /// Whether the fault has struck since it was last asked for.
    pub fn has_struck(&self) -> bool {
        self.strikes.try_recv().is_ok()
    }

    /// Ends the proxy; everything that it said and nobody has asked for yet.
    pub fn finish(mut self) -> Vec<String> {
        drop(self.stdin.take());
        self.strikes.iter().collect()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        drop(self.stdin.take()); // it leaves when nobody holds its standard input
        let _ = self.child.wait();
    }
}

pub fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rig").join(name)
}

fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn write_secret(path: &Path, text: &str) {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}
