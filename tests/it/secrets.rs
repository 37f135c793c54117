//! Passwords, tokens and keys: no command and no failure shows them, or writes them anywhere.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;

use crate::cli::COMMANDS;
use crate::sandbox::{Running, ask};

const CLOCK: &str = "2026-12-01T09:00:00Z x600";

/// Runs preheat with everything said that can be said.
fn preheat(dir: &Path, args: &[&str], more: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_preheat"));
    command.current_dir(dir).args(args).envs([
        ("RUST_LOG", "trace"),
        ("RUST_BACKTRACE", "full"),
        ("PREHEAT_CLOCK", CLOCK),
        ("NO_COLOR", "1"),
    ]);
    command.envs(more.iter().copied()).output().unwrap()
}

/// Secrets, and where they were looked for.
#[derive(Default)]
struct Watch {
    /// Each in the forms in which it may show, with a name.
    forms: Vec<(String, Vec<u8>)>,
    looked_at: usize,
    found: BTreeSet<String>,
}

impl Watch {
    fn guard(&mut self, user: &str, secret: &str) {
        let mut forms = vec![secret.to_owned(), BASE64.encode(secret), BASE64.encode(format!("\0{user}\0{secret}"))];
        forms.push(BASE64.encode(format!("user={user}\x01auth=Bearer {secret}\x01\x01")));
        forms.push(secret.as_bytes().iter().fold(String::new(), |mut hex, b| {
            let _ = write!(hex, "{b:02x}");
            hex
        }));
        self.forms.extend(forms.into_iter().map(|form| (format!("{user}'s secret"), form.into_bytes())));
    }

    fn look(&mut self, place: &str, bytes: &[u8]) {
        self.looked_at += 1;
        for (whose, form) in &self.forms {
            if bytes.windows(form.len()).any(|w| w == form) {
                self.found.insert(format!("{whose} stands in {place}"));
            }
        }
    }

    /// Looks at what a command said; says its exit code.
    fn said(&mut self, what: &str, output: &Output) -> Option<i32> {
        self.look(&format!("the output of {what}"), &output.stdout);
        self.look(&format!("the errors of {what}"), &output.stderr);
        output.status.code()
    }

    /// Looks into every file below a folder, but for those that are there to hold secrets.
    fn files(&mut self, dir: &Path, but: &[&str]) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if but.contains(&name.as_str()) {
                continue;
            }
            if path.is_dir() {
                self.files(&path, but);
            } else if path.is_file() {
                self.look(&format!("the file {name}"), &fs::read(&path).unwrap());
            }
        }
    }

    fn assert_nothing_found(&self, at_least: usize) {
        assert!(self.looked_at >= at_least, "only {} places were looked at", self.looked_at);
        assert_eq!(self.found, BTreeSet::new());
    }
}

/// Every command that ends by itself soon, with arguments that make it say much.
fn calls() -> Vec<Vec<&'static str>> {
    let anna = "anna@nordwind.test";
    vec![
        vec!["init"],
        vec!["check"],
        vec!["plan"],
        vec!["plan", "--json"],
        vec!["agenda"],
        vec!["run", "--dry-run"],
        vec!["run", "--once"],
        vec!["explain", anna],
        vec!["explain", anna, "--json"],
        vec!["agenda", "--json"],
        vec!["rehearse", "--days", "2", "--json"],
        vec!["allowance", "--json"],
        vec!["sent", "report", anna, "3"],
        vec!["status"],
        vec!["status", "--json"],
        vec!["health", "--json"],
        vec!["ready", "--json"],
        vec!["pause", anna, "--reason", "a test"],
        vec!["resume", anna],
        vec!["inspect", "preheat.yaml"],
        vec!["suppress", "list", "--json"],
        vec!["events"],
        vec!["events", "--json"],
        vec!["ledger", "check"],
        vec!["ledger", "backup", "copy.db"],
        vec!["schema"],
        vec!["run", "--once", "--nonsense"],
    ]
}

#[test]
fn no_command_shows_a_secret_or_writes_it_down_while_all_goes_well_and_when_sign_ins_fail() {
    let dir = tempfile::tempdir().unwrap();
    let mut sandbox = Running::start(dir.path(), &["--dir", "world", "--json", "--clock", CLOCK]);
    let facts = sandbox.facts();
    let world = dir.path().join("world");
    let mut watch = Watch::default();
    for user in facts["users"].as_array().unwrap() {
        let password = fs::read_to_string(dir.path().join(user["password_file"].as_str().unwrap())).unwrap();
        watch.guard(user["user"].as_str().unwrap(), password.trim());
    }
    let key_file = fs::read_to_string(world.join("preheat.key")).unwrap();
    let key = key_file.split_whitespace().find(|word| word.len() == 64).expect("a key of 32 bytes, in hex");
    watch.guard("the pool", key);
    watch.look("what the sandbox prints", facts.to_string().as_bytes());

    let (mut called, mut codes) = (BTreeSet::from(["demo", "sandbox"]), BTreeSet::new());
    for args in calls() {
        called.insert(args[0]);
        codes.insert(watch.said(&args.join(" "), &preheat(&world, &args, &[])));
    }
    assert_eq!(called, COMMANDS.into_iter().collect(), "demo has passwords of its own making, and the sandbox runs already");
    assert!(codes.contains(&Some(0)) && codes.contains(&Some(2)) && !codes.contains(&None), "{codes:?}");

    // What is refused: a password that was changed at the server, one that is wrong, an account that is locked.
    let control = world.join("control.sock");
    let changed = "an0ther-canary-at-the-server";
    watch.guard("ben@nordwind.test", changed);
    ask(&control, &json!({ "do": "password", "user": "ben@nordwind.test", "password": changed }));
    ask(&control, &json!({ "do": "lock", "user": "clara@nordwind.test" }));
    let wrong = "wr0ng-canary-in-the-file";
    watch.guard("david@nordwind.test", wrong);
    fs::write(world.join("secrets/david@nordwind.test"), wrong).unwrap();
    let refused: Vec<_> = calls().iter().map(|args| watch.said(&args.join(" "), &preheat(&world, args, &[]))).collect();
    assert!(refused.contains(&Some(3)), "check has not found it: {refused:?}");
    // A backup is of no use without the key; what holds it is for its owner alone.
    assert_eq!(fs::metadata(world.join("copy.key")).unwrap().permissions().mode() & 0o077, 0);
    watch.files(&world, &["secrets", "preheat.key", "copy.key"]);
    watch.assert_nothing_found(2 * 2 * calls().len() + 4);
}

#[test]
fn what_cannot_be_read_as_a_secret_is_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    assert_eq!(preheat(dir, &["init"], &[]).status.code(), Some(0));
    let canaries = ["l1teral-canary", "0pen-file-canary", "c0mmand-canary", "two-line-canary", "env-c4nary \u{7} bell"];
    let [literal, open, told, lines, env] = canaries;
    let mut watch = Watch::default();
    for canary in canaries {
        watch.guard("somebody@new.test", canary);
    }
    fs::write(dir.join("open"), open).unwrap();
    fs::set_permissions(dir.join("open"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(dir.join("lines"), format!("{lines}\nand {lines}\n")).unwrap();
    fs::set_permissions(dir.join("lines"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(dir.join("program"), format!("#!/bin/sh\necho {told}\necho the vault said {told} >&2\nexit 3\n")).unwrap();
    fs::set_permissions(dir.join("program"), fs::Permissions::from_mode(0o700)).unwrap();

    let pool = |secrets: &[&str]| {
        let mut yaml = String::from(
            "zone: Europe/Berlin\nschedule: standard-6w\ndefaults: {smtp: {host: localhost, port: 1, tls: plain}, imap: {host: localhost, port: 1, tls: plain}}\nmailboxes:\n",
        );
        for (n, secret) in secrets.iter().enumerate() {
            writeln!(yaml, "  - {{address: m{n}@x{n}.test, secret: {secret}, role: {}}}", if n == 0 { "warming" } else { "partner" })
                .unwrap();
        }
        fs::write(dir.join("preheat.yaml"), yaml).unwrap();
    };
    let (mut codes, mut said) = (Vec::new(), String::new());
    for secrets in [
        // Some are refused where the config is read, the others where they are needed.
        vec![literal, "file:open", "file:gone"],
        vec!["file:lines", "'env:CANARY'", "{command: [./program]}", "{command: [./missing, c0mmand-canary]}", "'env:UNSET'"],
    ] {
        pool(&secrets);
        for args in [&["check"][..], &["check", "--json"], &["run", "--once"], &["status", "--json"], &["events", "--json"], &["plan"]] {
            let output = preheat(dir, args, &[("CANARY", env)]);
            codes.push(watch.said(&args.join(" "), &output));
            said += &String::from_utf8_lossy(&output.stderr);
        }
    }
    assert!(codes.contains(&Some(78)) && codes.contains(&Some(3)), "{codes:?}\n{said}");
    watch.files(dir, &["open", "lines", "program", "preheat.yaml"]);
    watch.assert_nothing_found(2 * codes.len() + 2);
}

/// A server that repeats whatever it is told, in every way to refuse it.
fn parrot(answer: fn(&str) -> String, greeting: &'static str) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || talk(stream, answer, greeting));
        }
    });
    port
}

fn talk(mut stream: TcpStream, answer: fn(&str) -> String, greeting: &str) {
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    let _ = stream.write_all(greeting.as_bytes());
    while lines.read_line(&mut line).is_ok_and(|n| n > 0) {
        if stream.write_all(answer(line.trim_end()).as_bytes()).is_err() {
            return;
        }
        line.clear();
    }
}

fn smtp_parrot(line: &str) -> String {
    if line.starts_with("EHLO") {
        return "250-parrot.test\r\n250 AUTH PLAIN LOGIN XOAUTH2\r\n".into();
    }
    let decoded = line.rsplit(' ').next().and_then(|word| BASE64.decode(word).ok()).unwrap_or_default();
    let decoded: String = String::from_utf8_lossy(&decoded).replace(['\0', '\x01'], " ");
    format!("535-5.7.8 I heard {line}\r\n535 5.7.8 which is {decoded}\r\n")
}

fn imap_parrot(line: &str) -> String {
    let (tag, rest) = line.split_once(' ').unwrap_or((line, ""));
    if rest.eq_ignore_ascii_case("CAPABILITY") {
        return format!("* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n");
    }
    format!("* NO you said {rest}\r\n* BAD {rest}\r\n{tag} BAD what is {rest}?\r\n")
}

#[test]
fn a_server_that_repeats_the_secret_is_not_quoted() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    assert_eq!(preheat(dir, &["init"], &[]).status.code(), Some(0));
    let (smtp, imap) = (parrot(smtp_parrot, "220 parrot.test\r\n"), parrot(imap_parrot, "* OK parrot\r\n"));
    let mut watch = Watch::default();
    let secret = "par\"rot c4nary \\ with blanks";
    let mut yaml = String::from("zone: Europe/Berlin\nschedule: standard-6w\ndefaults:\n  secret: env:CANARY\n");
    let line = |port: u16| format!("{{host: 127.0.0.1, port: {port}, tls: plain}}");
    writeln!(yaml, "  smtp: {}\n  imap: {}\nmailboxes:", line(smtp), line(imap)).unwrap();
    for (n, auth) in ["password", "password", "password", "xoauth2", "password", "password"].into_iter().enumerate() {
        watch.guard(&format!("m{n}@x{n}.test"), secret);
        writeln!(yaml, "  - {{address: m{n}@x{n}.test, auth: {auth}, role: {}}}", if n == 0 { "warming" } else { "partner" }).unwrap();
    }
    fs::write(dir.join("preheat.yaml"), yaml).unwrap();
    // A word of it is telling enough.
    watch.forms.push(("somebody's secret".into(), b"c4nary".to_vec()));
    let mut said = String::new();
    let calls = [&["check"][..], &["check", "--json"], &["run", "--once"], &["status"], &["status", "--json"], &["events", "--json"]];
    for args in calls {
        let output = preheat(dir, args, &[("CANARY", secret)]);
        watch.said(&args.join(" "), &output);
        said += &String::from_utf8_lossy(&output.stdout);
        said += &String::from_utf8_lossy(&output.stderr);
    }
    let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.matches("repeats the secret").count() >= 10, "both servers' words were to be left out:\n{said}");
    watch.files(dir, &[]);
    watch.assert_nothing_found(2 * calls.len() + 3);
}

#[test]
fn a_crash_writes_no_core_dump() {
    let dir = tempfile::tempdir().unwrap();
    // As a shell that allows them would start it.
    let mut running = Command::new("sh")
        .current_dir(dir.path())
        .args(["-c", "ulimit -c unlimited 2>/dev/null; exec \"$0\" sandbox --dir world --json", env!("CARGO_BIN_EXE_preheat")])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 1];
    running.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    let limits = fs::read_to_string(format!("/proc/{}/limits", running.id())).unwrap();
    let core = limits.lines().find(|l| l.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["0", "0"], "{core}");
    assert!(Command::new("kill").args(["-ABRT", &running.id().to_string()]).status().unwrap().success());
    let status = running.wait().unwrap();
    assert_eq!((status.signal(), status.core_dumped()), (Some(6), false));
    let left: Vec<PathBuf> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(left, [dir.path().join("world")]);
}
