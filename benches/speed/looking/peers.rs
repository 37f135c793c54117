//! What reads the folder beside preheat.

use std::fs;
use std::process::Command;
use std::time::Duration;

use super::rig::Rig;
use crate::table::timed;

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// `mbsync`, which pulls whole messages into a Maildir.
    Mbsync,
    /// Python's `imaplib`, one FETCH a message, of the headers that preheat reads.
    Imaplib,
    /// The same, one FETCH for all: as fast as it can be asked.
    ImaplibAtOnce,
}

impl Peer {
    pub const ALL: [Self; 3] = [Self::Mbsync, Self::Imaplib, Self::ImaplibAtOnce];

    pub fn name(self) -> &'static str {
        match self {
            Self::Mbsync => "mbsync pulls them",
            Self::Imaplib => "imaplib loop, the same headers",
            Self::ImaplibAtOnce => "imaplib, one FETCH for all, one list",
        }
    }

    /// Whether preheat is to be faster.
    pub fn is_goal(self) -> bool {
        self != Self::ImaplibAtOnce
    }

    /// Reads all; `None` where it cannot.
    pub fn read(self, rig: &Rig, messages: usize) -> Option<Duration> {
        match self {
            Self::Mbsync => mbsync(rig, messages),
            Self::Imaplib => imaplib(rig, messages, "each"),
            Self::ImaplibAtOnce => imaplib(rig, messages, "all"),
        }
    }
}

/// Into an empty Maildir, without waiting for the disk.
fn mbsync(rig: &Rig, messages: usize) -> Option<Duration> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).ok()?;
    let (config, local) = (folder.path().join("mbsyncrc"), folder.path().join("mail"));
    fs::create_dir(&local).ok()?;
    let text = format!(
        "FSync no\n\nIMAPStore server\nHost 127.0.0.1\nPort {}\nUser {}\nPass {}\nSSLType None\nAuthMechs LOGIN\n\n\
         MaildirStore local\nPath {local}/\nInbox {local}/INBOX\n\n\
         Channel all\nFar :server:\nNear :local:\nPatterns INBOX\nCreate Near\nSync Pull\nSyncState *\n",
        rig.port,
        rig.user,
        rig.password,
        local = local.display()
    );
    fs::write(&config, text).ok()?;
    let (took, output) = timed(|| Command::new("mbsync").arg("-q").arg("-c").arg(&config).arg("all").output());
    let output = output.ok()?;
    let pulled =
        ["cur", "new"].iter().filter_map(|sub| fs::read_dir(local.join("INBOX").join(sub)).ok()).map(Iterator::count).sum::<usize>();
    (output.status.success() && pulled == messages).then_some(took)
}

/// The loop prints the seconds that it took, its own start left out.
fn imaplib(rig: &Rig, messages: usize, how: &str) -> Option<Duration> {
    let python = std::env::var("PREHEAT_BENCH_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/imap_headers.py");
    let arguments = [how, &rig.port.to_string(), &rig.user, &rig.password, &messages.to_string()];
    let output = Command::new(python).arg(script).args(arguments).output().ok()?;
    let seconds: f64 = String::from_utf8_lossy(&output.stdout).trim().parse().ok()?;
    output.status.success().then(|| Duration::from_secs_f64(seconds))
}
