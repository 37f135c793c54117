//! The command line as a person sees it: whole outputs as snapshots, the clock fixed, no servers.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// Tuesday, seven o'clock in Berlin.
const MORNING: &str = "2026-12-01T06:00:00Z x1";
pub const COMMANDS: [&str; 21] = [
    "demo",
    "init",
    "check",
    "plan",
    "explain",
    "agenda",
    "run",
    "rehearse",
    "allowance",
    "sent",
    "status",
    "health",
    "ready",
    "pause",
    "resume",
    "inspect",
    "suppress",
    "events",
    "ledger",
    "sandbox",
    "schema",
];

/// A pool that carries its ramp: two warming domains, five partners at as many hosts.
const POOL: &str = "pool: nordwind
zone: Europe/Berlin
schedule: gentle-6w
defaults:
  secret: env:PREHEAT_TEST_NOBODY_SETS_THIS
  smtp: mail.new.example
  imap: mail.new.example
mailboxes:
  - anna@new.example
  - ben@new.example
  - cleo@other.example
  - {address: a-rather-long-name-of-a-partner@host-one.example, role: partner, provider: gmail}
  - {address: eva@host-two.example, role: partner, provider: fastmail}
  - {address: finn@host-three.example, role: partner}
  - {address: gus@host-four.example, role: partner, zone: America/New_York}
  - {address: hana@host-five.example, role: partner}
";

/// An empty folder to call `preheat` in.
pub struct Desk {
    dir: TempDir,
}

impl Desk {
    pub fn empty() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// With [`POOL`] and a key.
    pub fn with_pool() -> Self {
        let desk = Self::empty();
        assert_eq!(desk.preheat(&["init"]).status.code(), Some(0));
        desk.write("preheat.yaml", POOL);
        desk
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), text).unwrap();
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_preheat"));
        command.current_dir(&self.dir).args(args).env("PREHEAT_CLOCK", MORNING).env_remove("PREHEAT_CONFIG").env_remove("COLUMNS");
        command.stdin(Stdio::null());
        command
    }

    pub fn preheat(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// The JSON on standard output, which holds nothing else.
    pub fn json(&self, args: &[&str]) -> Value {
        let output = self.preheat(args);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{args:?}: {e}\n{}", all(&output)))
    }
}

pub fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Everything that a command said, and how it ended.
pub fn all(output: &Output) -> String {
    format!("{}--- talk\n{}--- exit {}\n", out(output), err(output), output.status.code().unwrap())
}

/// The whole output as a snapshot; seconds that went by are taken back.
#[track_caller]
pub fn snapshot(name: &str, output: &Output) {
    insta::with_settings!({ filters => vec![(r"T06:00:\d\dZ", "T06:00:00Z"), (r"06:00:\d\dZ", "06:00:00Z")], prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, all(output));
    });
}

/// Fits 100 columns, has no colour, and no spaces at its line ends.
#[track_caller]
pub fn assert_plain(text: &str) {
    assert!(!text.contains('\x1b'), "{text}");
    for line in text.lines() {
        assert!(line.chars().count() <= 100, "{} columns: {line}", line.chars().count());
        assert_eq!(line, line.trim_end());
    }
}

#[test]
fn every_help_reads_well_and_fits() {
    let desk = Desk::empty();
    let mut text = out(&desk.preheat(&["--help"]));
    for command in COMMANDS {
        let help = out(&desk.preheat(&[command, "--help"]));
        write!(text, "\n======== preheat {command} --help\n{help}").unwrap();
    }
    write!(text, "\n======== preheat sent report --help\n{}", out(&desk.preheat(&["sent", "report", "--help"]))).unwrap();
    for part in ["backup", "check"] {
        write!(text, "\n======== preheat ledger {part} --help\n{}", out(&desk.preheat(&["ledger", part, "--help"]))).unwrap();
    }
    assert_plain(&text);
    insta::with_settings!({ prepend_module_to_snapshot => false }, { insta::assert_snapshot!("help", text) });
}

#[test]
fn every_command_that_there_is_is_in_the_help() {
    let help = out(&Desk::empty().preheat(&["--help"]));
    let listed: Vec<&str> = help
        .lines()
        .skip_while(|l| *l != "Commands:")
        .skip(1)
        .take_while(|l| !l.is_empty())
        .filter_map(|l| l.split_whitespace().next())
        .collect();
    assert_eq!(listed, COMMANDS);
}

#[test]
fn init_makes_a_pool_that_loads_and_never_overwrites_one() {
    let desk = Desk::empty();
    let first = desk.preheat(&["init", "--domain", "fresh.example", "--zone", "Europe/Paris"]);
    assert_eq!(
        all(&first),
        "preheat.key\npreheat.yaml\n--- talk\nnext: fill in preheat.yaml, then `preheat check` and `preheat plan`\n--- exit 0\n"
    );
    assert_eq!(fs::metadata(desk.path("preheat.key")).unwrap().permissions().mode() & 0o777, 0o600);
    let (yaml, key) = (fs::read(desk.path("preheat.yaml")).unwrap(), fs::read(desk.path("preheat.key")).unwrap());

    let second = desk.preheat(&["init"]);
    assert_eq!(
        all(&second),
        "--- talk\nerror: preheat.yaml is there already\n\nhint: nothing is ever overwritten: edit what is there, or run `preheat init` in another folder\n--- exit 1\n"
    );
    assert_eq!((fs::read(desk.path("preheat.yaml")).unwrap(), fs::read(desk.path("preheat.key")).unwrap()), (yaml, key));

    snapshot("starter_check", &desk.preheat(&["check", "--offline"]));
    let plan = desk.json(&["plan", "--json"]);
    assert_eq!(plan["mailboxes"][0]["address"], "anna@fresh.example");
    assert_eq!(plan["mailboxes"][0]["schedule"], "standard-6w");
}

#[test]
fn init_takes_another_name_and_no_nonsense() {
    let desk = Desk::empty();
    for (args, says) in [
        (["init", "--zone", "Nowhere/Town"], "zones have IANA names"),
        (["init", "--domain", "not a domain"], "invalid value"),
        (["init", "--schedule", "standrd-6w"], "unknown schedule"),
    ] {
        let output = desk.preheat(&args);
        assert!(!output.status.success() && err(&output).contains(says), "{}", all(&output));
    }
    assert_eq!(fs::read_dir(&desk.dir).unwrap().count(), 0, "nothing is written by an init that refuses");
    assert_eq!(desk.preheat(&["init", "--config", "work/mine.yaml"]).status.code(), Some(1), "no folder is made");
    assert_eq!(out(&desk.preheat(&["init", "--config", "mine.yaml"])), "preheat.key\nmine.yaml\n");
    assert_eq!(desk.preheat(&["--config", "mine.yaml", "plan"]).status.code(), Some(0));
}

#[test]
fn without_a_config_every_command_says_how_to_get_one() {
    let desk = Desk::empty();
    for args in [
        &["check"][..],
        &["plan"],
        &["explain", "a@b.example"],
        &["agenda"],
        &["run"],
        &["status"],
        &["pause", "all", "-r", "x"],
        &["events"],
        &["ledger", "check"],
    ] {
        let output = desk.preheat(args);
        assert_eq!(output.status.code(), Some(78), "{args:?}");
        assert!(err(&output).contains("hint: `preheat init` writes a starter"), "{}", all(&output));
    }
    assert_eq!(fs::read_dir(&desk.dir).unwrap().count(), 0);
}

#[test]
fn all_faults_of_a_config_are_told_at_once() {
    let desk = Desk::empty();
    let secret = "hunter2-is-not-a-reference";
    desk.write("open.txt", "secret\n");
    fs::set_permissions(desk.path("open.txt"), fs::Permissions::from_mode(0o644)).unwrap();
    desk.write("schedules/mine.yaml", "ramp: {start: 30, target: 4}\nwindow: {hours: 17:30-08:30, mailbox_gap: 5 bananas}\n");
    desk.write(
        "preheat.yaml",
        &format!(
            "pool: nordwind
zone: Europe/Berln
schedule: standrd-6w
pool: again
receive_limits: 20
defaults:
  secret: env:ANNA
  smtp: mail.new.example
  imap: mail.new.example
mailboxes:
  - anna@new.example
  - {{address: Anna@new.example, schedule: mine}}
  - {{address: no-address}}
  - {{address: cleo@new.example, schedule: mine}}
  - {{address: dora@partner.example, role: partner, secret: 'file:open.txt'}}
  - {{address: ben@partner.example, role: parner}}
  - {{address: fay@partner.example, role: partner, secret: {secret}}}
  - {{address: hugo@partner.example, role: partner, smtp: {{host: mail.partner.example, tls: startls}}, receive_limit: many}}
"
        ),
    );
    let output = desk.preheat(&["check"]);
    assert_eq!(output.status.code(), Some(78));
    assert!(!all(&output).contains(secret), "a secret in the wrong place is not repeated");
    assert!(out(&output).is_empty() && !desk.path("preheat.db").exists());
    snapshot("faults", &output);
    // Each fault: file:line:col, the line, a caret below it, a hint.
    let text = err(&output);
    let faults: Vec<&str> = text.trim_end().split("\n\n").filter(|f| !f.ends_with("nothing was done")).collect();
    assert!(faults.len() >= 12, "{} faults\n{text}", faults.len());
    for fault in faults {
        let lines: Vec<&str> = fault.lines().collect();
        let place: Vec<&str> = lines[0].splitn(4, ':').collect();
        assert!(Path::new(place[0]).extension().is_some_and(|e| e == "yaml"), "{fault}");
        let column: usize = place[2].parse().unwrap();
        assert!(place[1].parse::<u32>().is_ok() && place[3].starts_with(" error: "), "{fault}");
        assert_eq!(lines[2].find('^'), Some(4 + column - 1), "{fault}");
        assert!(lines[3].starts_with("  hint: "), "{fault}");
    }
}

#[test]
fn a_secret_is_printed_by_no_command() {
    let desk = Desk::with_pool();
    let secret = "correct-horse-battery-staple";
    let key = fs::read_to_string(desk.path("preheat.key")).unwrap();
    let key = key.lines().last().unwrap().split(' ').next_back().unwrap().to_owned();
    for args in [
        &["check"][..],
        &["run", "--once", "--verbose"],
        &["status"],
        &["status", "--json"],
        &["explain", "anna@new.example", "--json"],
        &["plan", "--json"],
    ] {
        // No host of this name is ever there, so every sign-in ends at connecting, the secret in hand.
        let yaml = POOL
            .replace("env:PREHEAT_TEST_NOBODY_SETS_THIS", "env:PREHEAT_TEST_SECRET")
            .replace("mail.new.example", "{host: 127.0.0.1, port: 1, tls: plain}");
        desk.write("preheat.yaml", &yaml.replace(", provider: gmail", "").replace(", provider: fastmail", ""));
        let output = desk.command(args).env("PREHEAT_TEST_SECRET", secret).output().unwrap();
        assert!(!all(&output).contains(secret) && !all(&output).contains(&key), "{args:?}");
    }
    let ledger = fs::read(desk.path("preheat.db")).unwrap();
    assert!(!ledger.windows(secret.len()).any(|w| w == secret.as_bytes()), "the ledger holds no secret");
}

#[test]
fn plan_is_a_table_json_csv_and_svg() {
    let desk = Desk::with_pool();
    let table = desk.preheat(&["plan", "new.example"]);
    assert_plain(&out(&table));
    snapshot("plan", &table);
    let whole = desk.preheat(&["plan"]);
    assert_plain(&out(&whole));
    snapshot("plan_pool", &whole);

    let json = desk.json(&["plan", "--json"]);
    let anna = &json["mailboxes"][0];
    let quotas: Vec<u64> = anna["days"].as_array().unwrap().iter().map(|d| d["quota"].as_u64().unwrap()).collect();
    assert_eq!(anna["total"].as_u64().unwrap(), quotas.iter().sum::<u64>());

    let csv = out(&desk.preheat(&["plan", "--csv", "anna@new.example"]));
    let from_csv: Vec<u64> = csv.lines().skip(1).map(|l| l.rsplit(',').next().unwrap().parse().unwrap()).collect();
    assert_eq!(csv.lines().next(), Some("date,mailbox,domain,schedule,ramp_day,quota"));
    assert_eq!(from_csv, quotas, "CSV and JSON say the same");

    let svg = desk.preheat(&["plan", "--svg", "plan.svg", "--quiet"]);
    let file = fs::read_to_string(desk.path("plan.svg")).unwrap();
    assert!(svg.status.success() && file.starts_with("<svg") && file.trim_end().ends_with("</svg>"), "{file}");
    assert_eq!(file.matches("http").count(), file.matches("http://www.w3.org/2000/svg").count(), "nothing is loaded from elsewhere");
    let nowhere = desk.preheat(&["plan", "--svg", "no/such/folder.svg"]);
    assert_eq!(nowhere.status.code(), Some(1), "{}", all(&nowhere));
}

#[test]
fn before_the_first_run_everything_says_so() {
    let desk = Desk::with_pool();
    snapshot("explain_before", &desk.preheat(&["explain", "anna@new.example"]));
    snapshot("status_before", &desk.preheat(&["status"]));
    snapshot("agenda_before", &desk.preheat(&["agenda"]));
    snapshot("ledger_before", &desk.preheat(&["ledger", "check"]));
    let dry = desk.preheat(&["run", "--dry-run"]);
    assert_plain(&out(&dry));
    snapshot("dry_run", &dry);
    assert!(!desk.path("preheat.db").exists(), "looking writes nothing");
}

#[test]
fn without_secrets_run_says_what_is_wanting_and_the_letters_stay_planned() {
    let desk = Desk::with_pool();
    let run = desk.preheat(&["run", "--once"]);
    assert_eq!(run.status.code(), Some(0), "{}", all(&run));
    assert!(err(&run).contains("the environment variable PREHEAT_TEST_NOBODY_SETS_THIS is not set"), "{}", all(&run));

    let status = desk.preheat(&["status"]);
    assert_plain(&out(&status));
    assert!(out(&status).contains("What does not work"), "{}", all(&status));
    let json = desk.json(&["status", "--json"]);
    let anna = json["mailboxes"].as_array().unwrap().iter().find(|m| m["address"] == "anna@new.example").unwrap();
    assert_eq!((anna["quota"].as_u64(), anna["sent"].as_u64()), (Some(3), Some(0)));

    let agenda = desk.preheat(&["agenda"]);
    assert_plain(&out(&agenda));
    let letters = desk.json(&["agenda", "--json"]);
    let letters = letters.as_array().unwrap();
    assert!(letters.len() >= 9 && letters.iter().all(|l| l["state"] == "planned"), "{}", all(&agenda));
    assert_eq!(out(&agenda).matches("  planned\n").count(), letters.len(), "a line each");
    let again = desk.preheat(&["run", "--once"]);
    assert_eq!(again.status.code(), Some(0));
    assert_eq!(desk.json(&["agenda", "--json"]).as_array().unwrap(), letters, "made once: the same again");

    let explain = desk.preheat(&["explain", "anna@new.example"]);
    assert_plain(&out(&explain));
    assert!(out(&explain).contains("Last error"), "{}", all(&explain));
    assert_eq!(all(&desk.preheat(&["ledger", "check", "--quiet"])).lines().next_back(), Some("--- exit 0"));
}

#[test]
fn a_list_of_addresses_goes_in_and_out_and_holds_nobody_of_the_pool() {
    let desk = Desk::with_pool();
    desk.write("list.csv", "Email,Reason\nx@out.example,moved away\nanna@new.example,ours\nnobody\n");
    let mut text = String::new();
    for args in [
        &["suppress", "list"][..],
        &["suppress", "add", "Y@Out.example", "--note", "asked by phone\x1b[31m"],
        &["suppress", "add", "ben@new.example"],
        &["suppress", "import", "list.csv"],
        &["suppress", "import", "list.csv"],
        &["suppress", "list"],
        &["suppress", "list", "x@out.example"],
        &["suppress", "remove", "x@out.example", "z@out.example"],
        &["suppress", "list", "x@out.example"],
        &["suppress", "export"],
        &["suppress", "export", "--format", "plain"],
        &["suppress", "list", "--json"],
        &["suppress", "import", "none.csv"],
        &["ledger", "check"],
    ] {
        write!(text, "$ preheat {}\n{}\n", args.join(" ").replace('\x1b', "ESC"), all(&desk.preheat(args))).unwrap();
    }
    assert!(!text.contains('\x1b'), "a note cannot paint the terminal");
    insta::with_settings!({ filters => vec![(r"06:00:\d\dZ", "06:00:00Z")], prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("suppress", text);
    });
}

#[test]
fn a_pause_is_shown_and_taken_back() {
    let desk = Desk::with_pool();
    let mut text = String::new();
    for args in [
        &["pause", "new.example", "--reason", "holiday\x1b[31m"][..],
        &["pause", "all", "--reason", "the office moves"],
        &["status"],
        &["resume", "anna@new.example"],
        &["resume", "all"],
        &["resume", "new.example"],
        &["resume", "new.example"],
        &["pause", "nobody@new.example", "--reason", "x"],
        &["pause", "all"],
    ] {
        write!(text, "$ preheat {}\n{}\n", args.join(" ").replace('\x1b', "ESC"), all(&desk.preheat(args))).unwrap();
    }
    assert!(!text.contains('\x1b'), "a reason cannot paint the terminal");
    insta::with_settings!({ filters => vec![(r"06:00:\d\dZ", "06:00:00Z")], prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("pause", text);
    });
}

#[test]
fn the_ledger_is_checked_and_backed_up_with_its_key() {
    let desk = Desk::with_pool();
    desk.preheat(&["run", "--once"]);
    let check = desk.json(&["ledger", "check", "--json"]);
    assert_eq!((check["faults"].as_array().unwrap().len(), check["letters"].as_u64().unwrap() > 8), (0, true));
    let backup = desk.preheat(&["ledger", "backup", "copy.db"]);
    assert_eq!(out(&backup), "copy.db\ncopy.key\n", "{}", all(&backup));
    for name in ["copy.db", "copy.key"] {
        assert_eq!(fs::metadata(desk.path(name)).unwrap().permissions().mode() & 0o077, 0, "{name} is its owner's alone");
    }
    assert_eq!(fs::read(desk.path("copy.key")).unwrap(), fs::read(desk.path("preheat.key")).unwrap());
    // The copy is a ledger: a config that names it shows the same letters.
    desk.write("copy.yaml", &format!("{POOL}ledger: copy.db\nkey_file: copy.key\n"));
    assert_eq!(desk.json(&["-c", "copy.yaml", "agenda", "--json"]), desk.json(&["agenda", "--json"]));
    let again = desk.preheat(&["ledger", "backup", "copy.db"]);
    assert!(again.status.code() == Some(1) && err(&again).contains("nothing is ever overwritten"), "{}", all(&again));
}

#[test]
fn a_name_that_is_not_there_gets_the_nearest_or_where_to_look() {
    let desk = Desk::with_pool();
    let mut text = String::new();
    for args in [
        &["plan", "ana@new.example"][..],
        &["plan", "nwe.example"],
        &["explain", "anna"],
        &["status", "zzz@elsewhere.test"],
        &["check", "--offline", "gmail.com"],
        &["explain", "new.example"],
        &["explain", "eva@host-two.example"],
        &["plan", "eva@host-two.example"],
        &["agenda", "tomorrow"],
        &["plann"],
    ] {
        let output = desk.preheat(args);
        assert!(!output.status.success() && output.stdout.is_empty());
        write!(text, "$ preheat {}\n{}\n", args.join(" "), err(&output)).unwrap();
    }
    insta::with_settings!({ filters => vec![(r"06:00:\d\dZ", "06:00:00Z")], prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("nobody", text);
    });
}

#[test]
fn the_schema_is_json() {
    let desk = Desk::empty();
    for args in [&["schema"][..], &["schema", "--schedule"], &["schema", "--events"]] {
        let schema = desk.json(args);
        assert!(schema["$schema"].as_str().unwrap().contains("json-schema.org"), "{schema}");
        assert_eq!(schema["type"], "object");
    }
    let schema = desk.json(&["schema"]);
    assert!(schema["properties"]["mailboxes"].is_object() && schema["properties"]["zone"].is_object());
}

#[test]
fn json_is_all_that_is_on_standard_output() {
    let desk = Desk::with_pool();
    desk.preheat(&["run", "--once"]);
    for args in [
        &["plan", "--json"][..],
        &["check", "--offline", "--json"],
        &["explain", "ben@new.example", "--json"],
        &["agenda", "--json"],
        &["status", "--json"],
        &["ledger", "check", "--json"],
    ] {
        desk.json(args);
    }
}

#[test]
fn messages_are_inspected_wherever_they_lie() {
    let desk = Desk::empty();
    let bounce = "From: MAILER-DAEMON@y.test\nTo: me@x.test\nSubject: failure notice\n\nSorry.\n\n<p@y.test>:\n550 5.1.1 no such user\n";
    let reply = "From: b@y.test\nIn-Reply-To: <1@x.test>\nSubject: Re: x\n\nyes\n";
    desk.write("one.eml", bounce);
    desk.write("two.mbox", &format!("From x@y.test Mon Nov  2 09:00:00 2026\n{bounce}\nFrom x@y.test Mon Nov  2 09:00:01 2026\n{reply}"));
    desk.write("box/cur/1:2,S", reply);
    desk.write("box/new/2", bounce);
    desk.write("box/tmp/3", bounce);
    let run = desk.command(&["inspect", "--json", "one.eml", "nowhere.eml", "two.mbox", "box"]).output().unwrap();
    assert_eq!(run.status.code(), Some(1));
    assert!(err(&run).contains("nowhere.eml could not be read"), "{}", err(&run));
    let rows: Vec<Value> = out(&run).lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let seen: Vec<_> = rows.iter().map(|r| (r["file"].as_str().unwrap(), r["kind"].as_str().unwrap())).collect();
    assert_eq!(
        seen,
        [("one.eml", "bounce"), ("two.mbox#1", "bounce"), ("two.mbox#2", "reply"), ("box/cur/1:2,S", "reply"), ("box/new/2", "bounce")]
    );
    let expected = serde_json::json!({
        "file": "one.eml", "kind": "bounce", "original_message_id": null, "letter": null, "feedback_type": null,
        "recipients": [{
            "address": "p@y.test", "status": "5.1.1", "reply": 550, "class": "bad_address", "hard": true, "diagnostic": "550 5.1.1 no such user",
        }],
        "evidence": "a mail system speaks of \"failure notice\"; \"no such user\" in the server's words",
    });
    assert_eq!(rows[0], expected);
    let text = desk.preheat(&["inspect", "one.eml"]);
    assert_eq!(
        all(&text),
        "one.eml: bounce\n  p@y.test  bad_address, permanent  550  5.1.1\n    550 5.1.1 no such user\n  because of a mail system speaks of \
         \"failure notice\"; \"no such user\" in the server's words\n--- talk\n--- exit 0\n"
    );
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let desk = Desk::with_pool();
    for args in [&["plan"][..], &["schema"], &["run", "--dry-run"], &["--help"]] {
        let mut child = desk.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::with_capacity(16, child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(!first.is_empty() && !err(&output).contains("panicked"), "{args:?}: {}", err(&output));
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", err(&output));
    }
}

/// The parser beneath panics on this answer. It is caught, and told as the error that it is: no word of Rust's, no backtrace.
#[test]
fn an_answer_that_makes_the_parser_panic_is_an_error_like_any_other() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for peer in server.incoming() {
            let mut peer = peer.unwrap();
            std::thread::spawn(move || {
                peer.write_all(b"* OK hello\r\n").unwrap();
                // Its first command is answered with this.
                BufReader::new(peer.try_clone().unwrap()).read_line(&mut String::new()).unwrap();
                peer.write_all(b"* 1 FETCH (UID 3 INTERNALDATE NIL)\r\n").unwrap();
            });
        }
    });
    let desk = Desk::with_pool();
    let access = format!("  smtp: {{host: 127.0.0.1, port: 1, tls: plain}}\n  imap: {{host: 127.0.0.1, port: {port}, tls: plain}}\n");
    desk.write(
        "preheat.yaml",
        &POOL
            .replace("  smtp: mail.new.example\n  imap: mail.new.example\n", &access)
            .replace("provider: gmail", "provider: generic")
            .replace("provider: fastmail", "provider: generic"),
    );
    let check = desk.command(&["check"]).env("PREHEAT_TEST_NOBODY_SETS_THIS", "x").env("RUST_BACKTRACE", "1").output().unwrap();
    assert_eq!(check.status.code(), Some(3), "{}", all(&check));
    let said = all(&check).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(said.matches("an answer that the parser cannot take").count(), 8, "{said}");
    for word in ["panic", "RUST_BACKTRACE", "backtrace", ".rs:", "a part of preheat failed"] {
        assert!(!said.contains(word), "{word}\n{said}");
    }
}

#[test]
fn a_clock_that_cannot_be_read_is_an_error() {
    let desk = Desk::with_pool();
    let output = desk.command(&["status"]).env("PREHEAT_CLOCK", "tomorrow").output().unwrap();
    assert!(output.status.code() == Some(1) && err(&output).contains("write an instant and a factor"), "{}", all(&output));
}

#[test]
fn the_readmes_example_loads_and_its_commands_are_those_that_there_are() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let yaml = readme.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let desk = Desk::with_pool();
    desk.write("preheat.yaml", yaml);
    let check = desk.preheat(&["check", "--offline"]);
    assert_eq!(check.status.code(), Some(0), "{}", all(&check));
    for command in COMMANDS.iter().filter(|c| **c != "resume") {
        assert!(readme.contains(&format!("`preheat {command}")), "the README does not name {command}");
    }
    // The exit codes are said once more there.
    let help = out(&desk.preheat(&["--help"]));
    for line in help.lines().skip_while(|l| *l != "Exit codes:").skip(1) {
        let (code, meaning) = line.trim().split_once(' ').unwrap();
        assert!(readme.contains(&format!("| {code} | {} |", meaning.trim())), "{line}");
    }
}
