//! Other people's mail programs against the sandbox: Python's smtplib and imaplib, mbsync and swaks. What they and the server say to
//! each other is in `snapshots/`, whole but for what no two runs share.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::sandbox::{Running, ask};

/// Somebody of the practice pool on each kind of servers, a colleague there, and the names of an archive, the spam folder and the drafts.
const PEOPLE: [(&str, &str, &str, [&str; 3]); 3] = [
    ("gmail-like", "grace@gmail-like.test", "hugo@gmail-like.test", ["[Gmail]/All Mail", "[Gmail]/Spam", "[Gmail]/Drafts"]),
    ("microsoft-like", "anna@nordwind.test", "ben@nordwind.test", ["Archive", "Junk Email", "Drafts"]),
    ("dovecot-like", "elena@suedlicht.test", "finn@suedlicht.test", ["Archive", "Junk", "Drafts"]),
];

/// A started practice sandbox.
struct Practice {
    running: Running,
    dir: TempDir,
}

impl Practice {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut running = Running::start(dir.path(), &["--dir", "world", "--json", "--clock", "2026-12-01T06:00:00Z x600"]);
        assert_eq!(running.facts()["modelled"], true);
        Self { running, dir }
    }

    fn world(&self) -> PathBuf {
        self.dir.path().join("world")
    }

    fn ca(&self) -> String {
        self.world().join("ca.crt").display().to_string()
    }

    fn port(&self, personality: &str, service: &str) -> u64 {
        let facts: Value = serde_json::from_slice(&fs::read(self.world().join("sandbox.json")).unwrap()).unwrap();
        facts["ports"][personality][service].as_u64().unwrap()
    }

    fn password(&self, user: &str) -> String {
        fs::read_to_string(self.world().join("secrets").join(user)).unwrap().trim().to_owned()
    }

    fn deliver(&self, user: &str, folder: &str, subject: &str) {
        let message = BASE64.encode(letter(user, subject));
        let answer =
            ask(&self.world().join("control.sock"), &json!({ "do": "deliver", "user": user, "folder": folder, "message": message }));
        assert_eq!(answer["ok"], true, "{answer}");
    }

    /// `folder: subject flags` of each message, as the server has them.
    fn messages(&self, user: &str) -> Vec<String> {
        let dump = ask(&self.world().join("control.sock"), &json!({ "do": "dump", "users": [user] }));
        let mut lines = Vec::new();
        for (folder, facts) in dump["accounts"][user]["folders"].as_object().unwrap() {
            for message in facts["messages"].as_array().unwrap() {
                let text = String::from_utf8(BASE64.decode(message["bytes"].as_str().unwrap()).unwrap()).unwrap();
                let subject = text.lines().find_map(|l| l.strip_prefix("Subject: ")).unwrap();
                let flags: Vec<&str> = message["flags"].as_array().unwrap().iter().map(|f| f.as_str().unwrap()).collect();
                lines.push(format!("{folder}: {subject} {}", flags.join(" ")).trim_end().to_owned());
            }
        }
        lines
    }

    /// Ends it: it must have been in good order all the time.
    fn end(self) {
        let (code, said) = self.running.end();
        assert_eq!(code, Some(0), "{said}");
    }
}

fn letter(to: &str, subject: &str) -> String {
    format!("From: aunt@family.example\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@family.example>\r\n\r\nhello\r\n")
}

/// Runs a program to its end: what it said, and its exit code.
fn run(program: &str, args: &[&str]) -> (String, Option<i32>) {
    let output = Command::new(program).args(args).stdin(Stdio::null()).env("LC_ALL", "C.UTF-8").output();
    let output = output.unwrap_or_else(|e| panic!("{program} cannot be started ({e}): tests/run installs what is missing"));
    (String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(), output.status.code())
}

fn python(script: &str, args: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rig/clients").join(script);
    let (said, code) = run("python3", &[&["-B", script.to_str().unwrap()], args].concat());
    assert_eq!(code, Some(0), "{said}");
    said
}

/// Holds a transcript against the one that is kept, without numbers of the day.
fn assert_transcript(name: &str, text: &str) {
    let filters = vec![
        (r"queued as [0-9A-F]+", "queued as [number]"),
        (r"(UIDVALIDITY|COPYUID|APPENDUID) \d{6,}", "$1 [number]"),
        (r"~> Date: [^\r\n]*", "~> Date: [date]"),
        (r"Message-Id: <\d+\.\d+@[^>]*>", "Message-Id: [id]"),
        (r"X-Mailer: swaks v\S+", "X-Mailer: swaks [version]"),
        (r"TLS started with cipher \S+", "TLS started with cipher [cipher]"),
        (r"localhost:\d+", "localhost:[port]"),
    ];
    insta::with_settings!({ filters => filters, prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
#[ignore = "needs python3: tests/run"]
fn pythons_smtplib_submits_to_every_kind_of_server() {
    let practice = Practice::start();
    for (personality, user, colleague, _) in PEOPLE {
        let said = python("submit.py", &[practice.world().to_str().unwrap(), personality, user, colleague]);
        assert_transcript(&format!("smtplib_{personality}"), &said);
    }
    practice.end();
}

#[test]
#[ignore = "needs python3: tests/run"]
fn pythons_imaplib_reads_and_changes_mail_on_every_kind_of_server() {
    let practice = Practice::start();
    for (personality, user, _, [archive, spam, drafts]) in PEOPLE {
        let said = python("look.py", &[practice.world().to_str().unwrap(), personality, user, archive, spam, drafts]);
        assert_transcript(&format!("imaplib_{personality}"), &said);
    }
    practice.end();
}

/// mbsync between one mailbox and a Maildir.
struct Mbsync {
    config: PathBuf,
    mail: PathBuf,
}

impl Mbsync {
    fn new(practice: &Practice, personality: &str, user: &str, spam: &str) -> Self {
        let dir = practice.dir.path().join(personality);
        let (config, mail) = (dir.join("mbsyncrc"), dir.join("mail"));
        fs::create_dir_all(&mail).unwrap();
        let (port, password, ca, local) = (practice.port(personality, "imaps"), practice.password(user), practice.ca(), mail.display());
        // One command after the other: transcripts of two runs are the same.
        let text = format!(
            "IMAPStore server\nHost localhost\nPort {port}\nUser {user}\nPass {password}\nSSLType IMAPS\nCertificateFile {ca}\nPipelineDepth 1\n\n\
             MaildirStore local\nPath {local}/\nInbox {local}/INBOX\nSubFolders Verbatim\n\n\
             Channel all\nFar :server:\nNear :local:\nPatterns INBOX \"{spam}\"\nCreate Both\nExpunge Both\nSyncState *\n"
        );
        fs::write(&config, text).unwrap();
        Self { config, mail }
    }

    /// Synchronises, and gives what was said on the line.
    fn sync(&self) -> String {
        let (said, code) = run("mbsync", &["-c", self.config.to_str().unwrap(), "-Dn", "-a"]);
        assert_eq!(code, Some(0), "{said}");
        let is_said = |line: &&str| {
            line.starts_with(">>> ") || line.starts_with("* ") || line.starts_with("+ ") || line.starts_with(|c: char| c.is_ascii_digit())
        };
        said.lines().filter(is_said).fold(String::new(), |mut text, line| {
            let _ = writeln!(text, "{line}");
            text
        })
    }

    /// The one message file with this subject.
    fn find(&self, folder: &str, subject: &str) -> PathBuf {
        let files = ["cur", "new"].into_iter().flat_map(|sub| fs::read_dir(self.mail.join(folder).join(sub)).unwrap());
        let mut found =
            files.map(|f| f.unwrap().path()).filter(|path| fs::read_to_string(path).unwrap().contains(&format!("Subject: {subject}")));
        let one = found.next().unwrap_or_else(|| panic!("{subject} is not in {folder}"));
        assert!(found.next().is_none(), "{subject} is in {folder} twice");
        one
    }
}

#[test]
#[ignore = "needs mbsync (Debian: isync): tests/run"]
fn mbsync_keeps_a_maildir_and_every_kind_of_mailbox_the_same() {
    let practice = Practice::start();
    for (personality, user, _, [_, spam, _]) in PEOPLE {
        for (folder, subject) in [("INBOX", "one"), ("INBOX", "two"), (spam, "unwanted")] {
            practice.deliver(user, folder, subject);
        }
        let mbsync = Mbsync::new(&practice, personality, user, spam);
        let mut text = format!("== what is there comes\n{}", mbsync.sync());
        for (folder, subject) in [("INBOX", "one"), ("INBOX", "two"), (spam, "unwanted")] {
            mbsync.find(folder, subject);
        }
        let again = mbsync.sync();
        for change in [" STORE ", " APPEND ", " EXPUNGE", "BODY.PEEK", " CREATE "] {
            assert!(!again.contains(change), "the second time changes nothing: {change} in\n{again}");
        }
        let _ = write!(text, "== the second time changes nothing\n{again}");

        // One is read and one thrown away here; a new one is put here; one is read there.
        let read = mbsync.find("INBOX", "one");
        let seen = mbsync.mail.join("INBOX/cur").join(format!("{}S", mark_of_flags(&read)));
        fs::rename(&read, seen).unwrap();
        fs::remove_file(mbsync.find("INBOX", "two")).unwrap();
        fs::write(mbsync.mail.join("INBOX/new/1.here.client"), letter(user, "three").replace("\r\n", "\n")).unwrap();
        practice.deliver(user, "INBOX", "four");
        let _ = write!(text, "== changes go both ways\n{}", mbsync.sync());
        assert_eq!(
            practice.messages(user),
            ["INBOX: one \\Seen".to_owned(), "INBOX: four".to_owned(), "INBOX: three".to_owned(), format!("{spam}: unwanted")],
            "{text}"
        );
        mbsync.find("INBOX", "four");
        let _ = write!(text, "== the server has\n{}\n", practice.messages(user).join("\n"));
        assert_transcript(&format!("mbsync_{personality}"), &text);
    }
    practice.end();
}

/// A message file's name up to its flags.
fn mark_of_flags(file: &Path) -> String {
    let name = file.file_name().unwrap().to_str().unwrap();
    format!("{}:2,", name.split(":2,").next().unwrap())
}

#[test]
#[ignore = "needs swaks: tests/run"]
fn swaks_submits_with_a_verified_certificate_and_a_wrong_password_is_its_28() {
    let practice = Practice::start();
    let (mut text, ca) = (String::new(), practice.ca());
    for (personality, user, colleague, _) in PEOPLE {
        let port = |service| practice.port(personality, service).to_string();
        let (submission, smtps, password) = (port("submission"), port("smtps"), practice.password(user));
        let people = ["--auth-user", user, "--from", user, "--to", colleague];
        let common = ["--server", "localhost", "--ehlo", "client.test", "--auth-hide-password", "--header", "Subject: from swaks"];
        let verified = ["--tls-verify", "--tls-ca-path", &ca];
        for (what, args, code) in [
            ("587, STARTTLS, PLAIN", vec!["--port", &submission, "-tls", "--auth", "PLAIN", "--auth-password", &password], 0),
            ("465, LOGIN", vec!["--port", &smtps, "-tlsc", "--auth", "LOGIN", "--auth-password", &password], 0),
            ("587, STARTTLS, a wrong password", vec!["--port", &submission, "-tls", "--auth", "PLAIN", "--auth-password", "wrong-1"], 28),
        ] {
            let (said, ended) = run("swaks", &[&common[..], &people, &verified, &args].concat());
            assert_eq!(ended, Some(code), "{said}");
            let _ = write!(text, "== {personality}, {what}: exit code {code}\n{said}");
        }
    }
    assert_transcript("swaks", &text);

    // Without the sandbox's CA it is a stranger.
    let port = practice.port("dovecot-like", "submission").to_string();
    let args =
        ["--server", "localhost", "--port", &port, "-tls", "--tls-verify", "--from", "finn@suedlicht.test", "--to", "elena@suedlicht.test"];
    let (said, ended) = run("swaks", &args);
    assert!(ended == Some(29) && said.contains("certificate verify failed"), "{ended:?} {said}");

    // What was submitted arrived.
    for (_, _, colleague, _) in PEOPLE {
        crate::story::wait_until("two letters arrive", || {
            practice.messages(colleague).iter().filter(|m| m.contains(": from swaks")).count() == 2
        });
    }
    practice.end();
}
