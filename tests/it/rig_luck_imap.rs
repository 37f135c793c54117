//! Bad luck while looking and acting: refusals, folders that change under us, poor servers. Slots 5, 6 and 7.

use std::process::Stdio;

use crate::rig::{Line, Rig};
use crate::rig_day::{assert_exit, count, said};
use crate::rig_luck::{PLAIN, TUESDAY, WEDNESDAY_NIGHT, assert_says, give, plain_at, seed, short_day, status, texts, troubles, wait_for};

fn everybody(rig: &Rig) -> Vec<String> {
    rig.warm_domains().iter().flat_map(|d| (1..=2).map(|n| rig.user(n, d))).collect()
}

/// Letters and actions that are not where a good day leaves them.
const LEFT: &str = "SELECT count(*) FROM letter WHERE state NOT IN ('seen', 'skipped') AND NOT (state = 'planned' AND parent IS NOT NULL)";
const NOT_RESCUED: &str = "SELECT count(*) FROM letter WHERE placement = 'spam' AND rescued_at IS NULL";
const NOT_DONE: &str = "SELECT count(*) FROM action WHERE result IS NULL OR result NOT IN ('done', 'not_permitted')";

#[test]
#[ignore = "needs the rig: tests/run"]
fn a_no_is_never_an_empty_result_and_what_was_refused_is_done_again() {
    let rig = Rig::from_env(5);
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    rig.write_pool(dir, &short_day(2, PLAIN));
    seed(dir, 5);
    let everybody = everybody(&rig);
    rig.junk_share(128, &everybody);
    let faults = [
        ["answer", "SELECT", "NO [UNAVAILABLE] not now", "--skip", "3", "--times", "1"],
        ["answer", "UID FETCH", "NO [UNAVAILABLE] not now", "--skip", "2", "--times", "2"],
        ["answer", "UID STORE", "NO [UNAVAILABLE] not now", "--skip", "0", "--times", "1"],
        ["answer", "UID MOVE", "NO [UNAVAILABLE] not now", "--skip", "0", "--times", "1"],
        ["answer", "UID SEARCH", "NO [INUSE] not now", "--skip", "0", "--times", "1"],
    ];
    let proxies = faults.map(|fault| rig.proxy(rig.port(1143), &fault));
    for (who, proxy) in everybody.iter().zip(&proxies) {
        give(dir, who, &format!("imap: {}", plain_at(proxy.port)));
        // Something in the folder, so that a first look has to search.
        rig.plant(who, "INBOX", "before", "From: aunt@family.example\r\nSubject: hello\r\n\r\nhello\r\n");
    }

    let day = rig.preheat(dir, &["run"], TUESDAY);
    assert_exit(&day, 0);
    assert_exit(&rig.audit(dir, &[]), 0);
    let told = said(&day);
    for (who, (proxy, [_, command, said, ..])) in everybody.iter().zip(proxies.iter().zip(faults)) {
        assert!(proxy.has_struck(), "{command}");
        let line = told.lines().find(|l| l.contains(who.as_str()) && l.contains(said)).unwrap_or_else(|| panic!("{command}\n{told}"));
        assert_says(line, "(hint: ");
    }
    let n = |sql| count(dir, sql);
    assert!(n("SELECT count(*) FROM letter WHERE state = 'seen'") >= 12, "{told}");
    assert_eq!((n(LEFT), n(NOT_RESCUED), n(NOT_DONE)), (0, 0, 0), "{told}");
    assert!(n("SELECT count(*) FROM letter WHERE rescued_at IS NOT NULL") >= 3, "{told}");
    // It works again, and says so.
    assert_eq!(troubles(&status(&rig, dir, TUESDAY)), Vec::<String>::new());
}

#[test]
#[ignore = "needs the rig: tests/run"]
fn folders_that_change_in_mid_day_are_looked_at_again_and_what_is_gone_is_said_to_be_gone() {
    let rig = Rig::from_env(6);
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    rig.write_pool(dir, &short_day(2, PLAIN));
    seed(dir, 5);
    let everybody = everybody(&rig);
    rig.junk_share(128, &everybody);
    let [renumbered, no_junk, expunged, late_junk, ..] = &everybody[..] else { unreachable!() };
    rig.junk_share(256, &[no_junk.clone(), expunged.clone(), late_junk.clone()]);
    // A server that makes the spam folder with the first letter for it.
    give(dir, late_junk, &format!("imap: {}", plain_at(rig.port(2143))));
    rig.junk_share(0, std::slice::from_ref(renumbered));
    let faults = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rig/faults.sh");
    let before_move =
        rig.proxy(rig.port(1143), &["before", "UID MOVE", faults.to_str().unwrap(), "expunge", expunged, "Junk", "all", "--times", "1"]);
    give(dir, expunged, &format!("imap: {}", plain_at(before_move.port)));

    let mut run = rig.command(dir, &["run"], TUESDAY);
    let run = run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let seen = |who: &str, role: &str| format!("SELECT count(*) FROM sighting WHERE mailbox = '{who}' AND role = '{role}'");
    let (mut numbered, mut deleted) = (false, false);
    while !(numbered && deleted) {
        if !numbered {
            wait_for(dir, &seen(renumbered, "inbox"), |n| n > 0);
            rig.fault(&["uidvalidity", renumbered, "INBOX", "424242"]);
            numbered = true;
        }
        if !deleted {
            wait_for(dir, &seen(no_junk, "spam"), |n| n > 0);
            rig.fault(&["delete", no_junk, "Junk"]);
            deleted = true;
        }
    }
    let day = run.wait_with_output().unwrap();
    assert_exit(&day, 0);
    let told = said(&day);
    assert!(before_move.has_struck());

    // Letters that a person's hand took away: their rescue ended as gone, and the run did not wait for them.
    let gone = texts(dir, "SELECT letter FROM action WHERE kind = 'rescue' AND result = 'gone'");
    assert!(!gone.is_empty(), "{told}");
    for who in [no_junk, expunged] {
        let n = count(dir, &format!("SELECT count(*) FROM action WHERE mailbox = '{who}' AND kind = 'rescue' AND result = 'gone'"));
        assert!(n > 0, "{who}\n{told}");
        assert_says(&told, &format!("{who}: letter "));
    }
    assert_exit(&rig.audit(dir, &["--gone", &gone.join(",")]), 0);
    assert_says(&told, &format!("{late_junk}: SPAM FOLDER UNKNOWN"));
    assert!(count(dir, &format!("SELECT count(*) FROM letter WHERE recipient = '{late_junk}' AND rescued_at IS NOT NULL")) > 0, "{told}");
    // The renumbered inbox was read again: every letter in it has its new number, and was opened.
    let validity = format!("SELECT DISTINCT uid_validity FROM sighting WHERE mailbox = '{renumbered}' AND role = 'inbox'");
    assert_eq!(count(dir, &validity), 424_242, "{told}");
    assert_eq!(
        count(
            dir,
            &format!(
                "SELECT count(*) FROM action WHERE mailbox = '{renumbered}' AND (result IS NULL OR result NOT IN ('done', 'not_permitted'))"
            )
        ),
        0
    );
    assert_eq!(count(dir, "SELECT count(*) FROM action WHERE result IS NULL"), 0, "{told}");
    assert_eq!(troubles(&status(&rig, dir, TUESDAY)), Vec::<String>::new());
    // What was taken away before anybody saw it is waited for, and missing when a day has gone by.
    let lost = count(dir, LEFT);
    let unseen = format!("SELECT count(*) FROM letter WHERE state = 'accepted' AND recipient IN ('{no_junk}', '{expunged}')");
    assert_eq!(count(dir, &unseen), lost, "{told}");
    assert_exit(&rig.preheat(dir, &["run", "--once"], WEDNESDAY_NIGHT), 0);
    assert_eq!(count(dir, "SELECT count(*) FROM letter WHERE state = 'missing'"), lost);
    assert_exit(&rig.audit(dir, &["--gone", &gone.join(",")]), 0);
    assert_exit(&rig.preheat(dir, &["ledger", "check"], TUESDAY), 0);
}

#[test]
#[ignore = "needs the rig: tests/run"]
fn poor_servers_and_foreign_spam_folders_are_managed_and_an_unknown_one_is_said_loudly() {
    let rig = Rig::from_env(7);
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    rig.write_pool(dir, &short_day(2, Line::Starttls));
    seed(dir, 7);
    let everybody = everybody(&rig);
    let [bare, bad_move, french, unknown, named, liar] = &everybody[..] else { unreachable!() };
    // Without MOVE, UIDPLUS and SPECIAL-USE; the second time with a proxy that would see a MOVE. And a server that offers MOVE and does not know it.
    let moves = rig.proxy(rig.port(2143), &["answer", "UID MOVE", "BAD unknown command"]);
    give(dir, bare, &format!("imap: {}", plain_at(rig.port(2143))));
    give(dir, bad_move, &format!("imap: {}", plain_at(moves.port)));
    let lies = rig.proxy(rig.port(1143), &["answer", "UID MOVE", "BAD unknown command"]);
    give(dir, liar, &format!("imap: {}", plain_at(lies.port)));
    for who in [french, unknown] {
        give(dir, who, &format!("imap: {}", plain_at(rig.port(3143))));
    }
    give(dir, named, &format!("spam_folder: Werbung, imap: {}", plain_at(rig.port(3143))));
    let folders = [
        (bare, "Junk"),
        (bad_move, "Junk"),
        (liar, "Junk"),
        (french, "Courrier indésirable"),
        (unknown, "Zonk"),
        (named, "Spam"),
        (named, "Werbung"),
    ];
    for (who, folder) in folders {
        // The main view makes Junk by itself; the poor ones do not.
        if who != liar {
            rig.fault(&["create", who, folder]);
        }
        rig.fault(&["junk", "256", folder, who]);
        rig.plant(who, folder, &format!("foreign-{}", folder.len()), "From: aunt@family.example\r\nSubject: hello\r\n\r\nhello\r\n");
    }

    let check = rig.preheat(dir, &["check"], TUESDAY);
    assert_exit(&check, 4);
    let check = said(&check);
    for (who, found) in [
        (bare, "spam folder Junk (found by"),
        (french, "spam folder INBOX.Courrier indésirable (found by"),
        (named, "spam folder INBOX.Werbung (found by the config)"),
    ] {
        let flat = check.split_whitespace().collect::<Vec<_>>().join(" ");
        let own =
            flat.split("ok: ").find(|line| line.starts_with(&format!("{who}: "))).unwrap_or_else(|| panic!("nothing of {who}: {flat}"));
        assert_says(own, found);
    }
    let finding = check.split("error: ").find(|f| f.starts_with(&format!("{unknown}: spam folder unknown"))).unwrap();
    assert_says(finding, "Zonk");

    let day = rig.preheat(dir, &["run"], TUESDAY);
    assert_exit(&day, 0);
    let told = said(&day);
    assert_exit(&rig.audit(dir, &["--junk-left", "99"]), 0);
    assert!(lies.has_struck(), "MOVE was not tried although it is offered");
    assert!(!moves.has_struck(), "MOVE was tried although it is not offered");
    assert_says(&told, &format!("{unknown}: SPAM FOLDER UNKNOWN"));
    let seen = status(&rig, dir, TUESDAY);
    assert_eq!(
        troubles(&seen),
        [format!("{unknown} spam_folder: finding folders: spam folder unknown: letters that land in spam are neither seen nor rescued")]
    );
    assert_says(&said(&rig.preheat(dir, &["status"], TUESDAY)), "spam folder unknown");

    let n = |sql: &str| count(dir, sql);
    for who in [bare, bad_move, french, named, liar] {
        assert!(n(&format!("SELECT count(*) FROM letter WHERE recipient = '{who}' AND rescued_at IS NOT NULL")) > 0, "{who}\n{told}");
    }
    assert_eq!(n(NOT_RESCUED), 0, "{told}");
    // What went to the folder that is not known to be spam is no rescue's business, and was not moved.
    let ours = |m: &String| m.contains("X-Preheat: rig.");
    assert_eq!(n(&format!("SELECT count(*) FROM action WHERE mailbox = '{unknown}' AND kind = 'rescue'")), 0);
    assert!(rig.messages(unknown, "Zonk").iter().any(ours));
    for (who, folder) in [(bare, "Junk"), (bad_move, "Junk"), (french, "Courrier ind&AOk-sirable"), (named, "Werbung"), (liar, "Junk")] {
        let left = rig.messages(who, folder);
        assert_eq!((left.len(), left.iter().filter(|m| ours(m)).count()), (1, 0), "{who}: only the foreign mail is left");
    }

    // A person names the folder: `check` finds it, and takes the warning back.
    let yaml = std::fs::read_to_string(dir.join("preheat.yaml")).unwrap();
    std::fs::write(
        dir.join("preheat.yaml"),
        yaml.replace(&format!("address: {unknown}, "), &format!("address: {unknown}, spam_folder: Zonk, ")),
    )
    .unwrap();
    assert_exit(&rig.preheat(dir, &["check"], TUESDAY), 0);
    assert_eq!(troubles(&status(&rig, dir, TUESDAY)), Vec::<String>::new());
}
