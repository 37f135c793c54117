//! `preheat demo` as a program: what it shows is what happened, and it leaves nothing behind that it was not asked to leave.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use preheat::ledger::Ledger;
use preheat::words::Placement;
use serde_json::Value;

fn demo(dir: &Path, args: &[&str]) -> Command {
    // A short one: the path of a socket below it is bounded.
    let temp = dir.join("t");
    fs::create_dir_all(&temp).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_preheat"));
    command.current_dir(dir).arg("demo").args(args).env_remove("PREHEAT_CLOCK").env("NO_COLOR", "1").env("TMPDIR", temp);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn is_empty(dir: &Path) -> bool {
    fs::read_dir(dir).unwrap().next().is_none()
}

#[test]
fn what_it_shows_is_what_the_ledger_and_the_servers_know() {
    let dir = tempfile::tempdir().unwrap();
    let ran = demo(dir.path(), &["--quick", "--json", "--seed", "3", "--dir", "world", "--out", "page.html"]).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(ran.status.code(), Some(0), "{said}");
    let shown: Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!((&shown["modelled"], &shown["ramp"]["modelled"]), (&Value::Bool(true), &Value::Bool(true)));

    let ledger = Ledger::open_to_read(&dir.path().join("world/preheat.db")).unwrap().expect("the folder stays, its ledger with it");
    let history = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(ledger.history()).unwrap();
    let sent: Vec<_> = history.letters.iter().filter(|l| l.accepted_at.is_some()).collect();
    let spam = sent.iter().filter(|l| l.placement == Some(Placement::Spam)).count();
    let rescued = sent.iter().filter(|l| l.rescued_at.is_some()).count();
    assert!(
        sent.len() > 60 && spam > 5 && rescued > 0,
        "a day with something to see: {} sent, {spam} in spam, {rescued} rescued",
        sent.len()
    );
    let day = &shown["day"];
    for (key, n) in [("sent", sent.len()), ("spam", spam), ("rescued", rescued)] {
        assert_eq!(day["letters"][key], n, "{key}");
        let of_mailboxes: u64 = day["mailboxes"].as_array().unwrap().iter().map(|m| m["letters"][key].as_u64().unwrap()).sum();
        assert_eq!(of_mailboxes, n as u64, "{key}, mailbox by mailbox");
    }
    assert_eq!((&day["taken_by_servers"], &day["in_ledger"]), (&Value::from(sent.len()), &Value::from(sent.len())));
    assert_eq!(day["breaches"], Value::Array(vec![]));

    let page = fs::read_to_string(dir.path().join("page.html")).unwrap();
    for (what, n) in [("sent", sent.len()), ("to spam", spam), ("rescued", rescued)] {
        assert!(page.contains(&format!("<dt>{what}</dt><dd>{n}</dd>")), "{what}: {n}");
    }
    let names: Vec<&str> = shown["scenarios"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["healthy", "too-fast"]);
    assert_eq!(shown["ramp"]["days"].as_array().unwrap().len(), 14);
    assert!(is_empty(&dir.path().join("t")), "nothing but the folder that was named");
}

#[test]
fn a_demo_that_is_stopped_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let temp = dir.path().join("t");
    let child = demo(dir.path(), &[]).spawn().unwrap();
    // Its day has begun when its ledger is there.
    let has_begun = || fs::read_dir(&temp).unwrap().flatten().any(|d| d.path().join("preheat.db").exists());
    for _ in 0..1_200 {
        if has_begun() {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(has_begun());
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("the demo was stopped") && said.contains("which is removed"), "{said}");
    assert!(is_empty(&temp) && !dir.path().join("preheat-demo.html").exists(), "{said}");
}

#[test]
fn it_says_at_once_what_it_cannot_do() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("mine")).unwrap();
    fs::write(dir.path().join("mine/thesis.txt"), "all of it").unwrap();
    for (args, word) in [(["--dir", "mine"], "is not empty; nothing was written"), (["--out", "no/such/page.html"], "cannot be written")] {
        let refused = demo(dir.path(), &args).output().unwrap();
        let said = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains(word) && said.contains("hint: "), "{said}");
    }
    assert!(is_empty(&dir.path().join("t")));
}
