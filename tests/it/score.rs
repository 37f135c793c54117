//! `tests/score` on a labelled folder of our own: what is right, what is wrong, and how it ends.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const BOUNCE: &str = "From: MAILER-DAEMON@y.test\nTo: me@x.test\nSubject: failure notice\n\nSorry.\n\n<p@y.test>:\n550 5.1.1 no such user\n\n<q@y.test>:\n552 5.2.2 mailbox full\n";
const DELAY: &str = "From: MAILER-DAEMON@y.test\nTo: me@x.test\nSubject: Delivery Status Notification (Delay)\n\nTHIS IS A WARNING MESSAGE ONLY.\n\n<p@y.test>:\n421 4.4.2 timed out\n";
const LABELS: &str = r#"{"file": "b.eml", "kind": "bounce", "rows": [{"address": "Q@y.test", "class": "mailbox_full", "hard": false}, {"address": "p@y.test", "class": "bad_address", "hard": true}]}
{"file": "d.eml", "kind": "bounce", "rows": [{"class": "temporary", "hard": false}]}
"#;

fn score(folder: &Path, labels: &str) -> Output {
    fs::write(folder.join("b.eml"), BOUNCE).unwrap();
    fs::write(folder.join("d.eml"), DELAY).unwrap();
    fs::write(folder.join("labels.jsonl"), labels).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/score");
    Command::new(script).arg(folder).arg("--wrong").env("PREHEAT", env!("CARGO_BIN_EXE_preheat")).output().unwrap()
}

#[test]
fn rows_are_matched_by_address_and_else_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let output = score(folder.path(), LABELS);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    for line in [
        "kind               2 of 2, 100.0 %",
        "permanent or not   3 of 3, 100.0 %",
        "class              3 of 3, 100.0 %",
        "1 labelled bounce say of themselves that they are delay: taken as right",
        "without these, kind is 50.0 %",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

#[test]
fn what_is_wrong_is_shown_and_fails() {
    let folder = tempfile::tempdir().unwrap();
    let output = score(folder.path(), &LABELS.replace("mailbox_full", "policy"));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("b.eml: policy") && text.contains("said mailbox_full") && text.contains("BELOW"), "{text}");
    let nothing = tempfile::tempdir().unwrap();
    assert_eq!(score(nothing.path(), "no labels").status.code(), Some(2));
}
