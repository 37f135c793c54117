//! Power that fails and disks that are full, on real servers: what was handed over is known afterwards, and nothing is sent that cannot be recorded. Slots 26 and 27.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::rig::{Line, PoolOptions, Rig, script};
use crate::rig_day::{assert_exit, count, said};
use crate::story::{rows, two_mailboxes};
use crate::tally::tally;

const MORNING: &str = "2026-12-01T07:25:00Z x1200";

fn plain() -> PoolOptions {
    PoolOptions { line: Line::Plain { smtp: None, imap: None }, per_domain: 2, ..two_mailboxes() }
}

#[test]
#[ignore = "needs the rig: tests/run"]
fn after_a_power_failure_at_any_moment_every_letter_that_was_begun_is_known() {
    let rig = Rig::from_env(26);
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    rig.write_pool(dir, &plain());
    let preheat = env!("CARGO_BIN_EXE_preheat");
    let power = |args: &[&str]| {
        let mut power = Command::new(script("powerloss.py"));
        power.current_dir(dir).args(args).env("PREHEAT_RIG_PASSWORD", rig.fact("RIG_PASSWORD")).env("NO_COLOR", "1");
        power.env("PREHEAT_CLOCK", MORNING).stdin(Stdio::null()).output().unwrap()
    };
    assert_exit(&power(&["record", "trace", preheat, "run"]), 0);
    assert_exit(&rig.audit(dir, &[]), 0);
    let sent = count(dir, "SELECT count(*) FROM letter WHERE handed_at IS NOT NULL");
    assert!(sent >= 20, "only {sent} letters were sent");

    let sums =
        |output: &std::process::Output| serde_json::from_slice::<Value>(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", said(output)));
    let played = power(&["play", "trace", "preheat.db", "crashes", "--crashes", "150", "--check", preheat]);
    let found = sums(&played);
    assert_exit(&played, 0);
    assert_eq!((found["crashes"].as_i64(), found["wrong"].as_i64(), found["letters"].as_i64()), (Some(150), Some(0), Some(sent)));
    assert!(found["letters_checked"].as_i64() > Some(500) && found["syncs"].as_i64() > Some(2 * sent), "{found}");
    // Without syncs there is something to be found, or nobody looks.
    let without = power(&["play", "trace", "preheat.db", "crashes", "--crashes", "40", "--no-syncs"]);
    assert_exit(&without, 1);
    assert!(sums(&without)["wrong"].as_i64() > Some(10), "{}", said(&without));
    let outcome = format!("0 ledgers unsound or without a letter that had begun to leave ({} looked for)", found["letters_checked"]);
    tally(&format!("power fails, {}", rig.servers()), 150, &outcome);
}

/// A shell for which the folder `disk` is a small disk of its own.
struct SmallDisk {
    shell: Child,
    tell: ChildStdin,
    hear: BufReader<ChildStdout>,
}

impl SmallDisk {
    fn mount(rig: &Rig, dir: &Path) -> Self {
        fs::create_dir(dir.join("disk")).unwrap();
        let mut unshare = Command::new("unshare");
        unshare.current_dir(dir).args(["--mount", "--propagation", "private"]);
        if fs::metadata("/proc/self").unwrap().uid() != 0 {
            unshare.arg("--map-root-user");
        }
        unshare.args(["sh", "-c", "mount -t tmpfs -o size=4m none disk && exec sh"]);
        unshare.env("PREHEAT_RIG_PASSWORD", rig.fact("RIG_PASSWORD")).env("PREHEAT", env!("CARGO_BIN_EXE_preheat"));
        unshare.env("PREHEAT_CLOCK", MORNING).env("NO_COLOR", "1");
        let mut shell = unshare.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("unshare is in every Debian");
        let (tell, hear) = (shell.stdin.take().unwrap(), BufReader::new(shell.stdout.take().unwrap()));
        let mut disk = Self { shell, tell, hear };
        assert_eq!(disk.ask("stat -f -c %T disk"), "tmpfs", "it must never be another disk that is filled");
        disk
    }

    /// Runs a line that prints one line.
    fn ask(&mut self, line: &str) -> String {
        writeln!(self.tell, "{line}").unwrap();
        let mut heard = String::new();
        self.hear.read_line(&mut heard).unwrap();
        heard.trim_end().to_owned()
    }

    /// Waits until a condition of the shell's holds.
    fn until(&mut self, condition: &str) {
        let waited = format!(
            "n=0; until {condition}; do n=$((n+1)); [ $n -lt 600 ] || break; sleep 0.1; done; [ $n -lt 600 ] && echo yes || echo no"
        );
        assert_eq!(self.ask(&waited), "yes", "a minute went by, and not: {condition}");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

#[test]
#[ignore = "needs the rig: tests/run"]
fn on_a_full_disk_nothing_is_sent_that_cannot_be_recorded_and_with_room_it_goes_on() {
    let rig = Rig::from_env(27);
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let config = rig.write_pool(dir, &plain());
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("ledger: preheat.db", "ledger: disk/preheat.db")).unwrap();
    let mut disk = SmallDisk::mount(&rig, dir);
    assert_eq!(disk.ask("\"$PREHEAT\" run >run.out 2>&1 & run=$!; echo begun"), "begun");
    let accepted = "$(\"$PREHEAT\" events --json 2>/dev/null | grep -c '\"letter.accepted\"')";
    disk.until(&format!("[ {accepted} -ge 4 ]"));
    assert_eq!(disk.ask("dd if=/dev/zero of=disk/fill bs=1k count=8192 2>/dev/null; stat -f -c %a disk"), "0");
    disk.until("grep -q 'nothing is sent: .*disk is full' run.out");
    // Whoever looks in meanwhile is told what stands.
    let full: i64 = disk.ask(&format!("echo {accepted}")).parse().unwrap();
    disk.until("[ $(grep -c 'disk is full' run.out) -ge 6 ]");
    let later: i64 = disk.ask(&format!("echo {accepted}")).parse().unwrap();
    assert!(
        (4..24).contains(&full) && later == full,
        "{full} before, {later} later:\n{}",
        fs::read_to_string(dir.join("run.out")).unwrap()
    );
    assert_eq!(disk.ask("rm disk/fill; wait $run; echo exit $?"), "exit 0", "{}", fs::read_to_string(dir.join("run.out")).unwrap());
    let heard = fs::read_to_string(dir.join("run.out")).unwrap();
    assert!(heard.contains("hint: make room on the disk"), "{heard}");
    assert_eq!(
        disk.ask("\"$PREHEAT\" ledger check >check.out 2>&1; echo exit $?"),
        "exit 0",
        "{}\n{heard}",
        fs::read_to_string(dir.join("check.out")).unwrap()
    );
    assert_eq!(disk.ask("\"$PREHEAT\" ledger backup copy.db >backup.out 2>&1 && mv copy.db preheat.db; echo exit $?"), "exit 0");

    // No room for writing at all: it says so, and nobody is written to.
    let before = rig.audit(dir, &[]);
    assert_exit(&before, 0);
    assert_eq!(disk.ask("mount -o remount,ro disk && \"$PREHEAT\" run --once >ro.out 2>&1; echo exit $?"), "exit 1");
    let refused = fs::read_to_string(dir.join("ro.out")).unwrap();
    assert!(refused.contains("error: ") && refused.contains("hint: "), "{refused}");
    assert_exit(&rig.audit(dir, &[]), 0);
    let sent = count(dir, "SELECT count(*) FROM letter WHERE accepted_at IS NOT NULL");
    assert!(
        sent > full,
        "it went on where there was room: {sent} after {full}\n{:?}",
        rows(dir, "SELECT id || ' ' || state FROM letter ORDER BY id")
    );
    let outcome = format!("said so, sent nothing that it could not record, went on with room: {sent} letters");
    tally(&format!("disk full in mid-day, {}", rig.servers()), 1, &outcome);
}
