//! What a pool can carry is said before anything is sent, and a pool that cannot warm anything is refused. No servers.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::rig_day::said;
use crate::story::flat;

/// Twelve mailboxes on three domains, at thirty a day from the first day on.
const THIRTY: &str = "about: thirty a day\nramp: {start: 30, target: 30, weeks: 4, curve: linear}\n";

/// Writes a pool of these mailbox lines; nothing listens where its servers are said to be.
fn write_pool(dir: &Path, mailboxes: &[String], more: &str) {
    let mut yaml = String::from(
        "pool: feasible\nzone: Europe/Berlin\nschedule: thirty\nledger: preheat.db\nkey_file: preheat.key\ndefaults:\n  secret: env:NOBODYS_SECRET\n  receive_limit: 40\n  smtp: {host: localhost, port: 1, tls: plain}\n  imap: {host: localhost, port: 1, tls: plain}\nmailboxes:\n",
    );
    for mailbox in mailboxes {
        writeln!(yaml, "  - {mailbox}").unwrap();
    }
    std::fs::create_dir_all(dir.join("schedules")).unwrap();
    std::fs::write(dir.join("schedules/thirty.yaml"), THIRTY).unwrap();
    std::fs::write(dir.join("preheat.yaml"), yaml + more).unwrap();
    write_key(&dir.join("preheat.key"));
}

fn write_key(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, format!("feasible {}\n", "5a".repeat(32))).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

fn preheat(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_preheat"));
    command.current_dir(dir).args(args).env("PREHEAT_CLOCK", "2026-12-01T06:00:00Z x1").env("NO_COLOR", "1").env("NOBODYS_SECRET", "x");
    command.output().unwrap()
}

fn on(domains: &[&str], each: u32) -> Vec<String> {
    domains.iter().flat_map(|d| (1..=each).map(move |n| format!("u{n:02}@{d}"))).collect()
}

const DOMAINS: [&str; 3] = ["warm-a.test", "warm-b.test", "warm-c.test"];

/// The quotas of the first send-day, by the plan.
fn first_quotas(dir: &Path) -> Vec<u64> {
    let plan: Value = serde_json::from_slice(&preheat(dir, &["plan", "--json"]).stdout).unwrap();
    plan["mailboxes"].as_array().unwrap().iter().map(|m| m["days"][0]["quota"].as_u64().unwrap()).collect()
}

#[test]
fn with_three_letters_a_pair_twelve_mailboxes_carry_what_two_a_pair_do_not() {
    let dir = tempfile::tempdir().unwrap();
    // The rig's pool of the real day: eight recipients outside, three starts a pair, and the answers that they bring.
    write_pool(dir.path(), &on(&DOMAINS, 4), "pairs: {max_per_pair: 3, max_per_pair_week: 15}\n");
    let three = first_quotas(dir.path());
    assert_eq!(three.len(), 12);

    write_pool(dir.path(), &on(&DOMAINS, 4), "pairs: {max_per_pair: 2, max_per_pair_week: 15}\n");
    let two = first_quotas(dir.path());
    assert!(two.iter().zip(&three).all(|(two, three)| two < three && *two >= 16), "{two:?} of {three:?}");
    for args in [&["plan"][..], &["check", "--offline"]] {
        let text = flat(&preheat(dir.path(), args));
        // The three fall short alike: one sentence for all.
        let sentence = format!("warm-a.test and 2 more domains: target 30, this pool carries {}: ", two[0]);
        let rest = text.split_once(&sentence).unwrap_or_else(|| panic!("{args:?} does not say `{sentence}`: {text}")).1;
        let wanting: u32 = rest.split(' ').next().unwrap().parse().unwrap();
        assert!((1..=12).contains(&wanting), "{rest}");
        assert!(rest.starts_with(&format!("{wanting} more recipient")) && rest.contains("outside each would carry 30"), "{rest}");
    }
    // It is a cap and no refusal: a dry run plans with it, and each letter of the plan is one that the pool carries.
    let dry = preheat(dir.path(), &["run", "--dry-run"]);
    assert_eq!(dry.status.code(), Some(0), "{}", said(&dry));
    let explained = flat(&preheat(dir.path(), &["explain", "u01@warm-a.test"]));
    assert!(explained.contains(&format!("u01@warm-a.test may send {} messages", two[0])), "{explained}");

    // With as many recipients more as it asks for, it carries thirty.
    let text = flat(&preheat(dir.path(), &["plan"]));
    let wanting: u32 = text
        .split_once("warm-a.test and 2 more domains: target 30, this pool carries ")
        .unwrap()
        .1
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    let mut more = on(&DOMAINS, 4);
    more.extend((1..=wanting).map(|n| format!("{{address: p{n:02}@partners.test, role: partner}}")));
    write_pool(dir.path(), &more, "pairs: {max_per_pair: 2, max_per_pair_week: 15}\n");
    assert_eq!(first_quotas(dir.path()), vec![30; 12]);
}

#[test]
fn a_pool_of_three_carries_little_and_its_evidence_is_thin() {
    let dir = tempfile::tempdir().unwrap();
    write_pool(dir.path(), &on(&DOMAINS, 1), "");
    let check = preheat(dir.path(), &["check", "--offline"]);
    let text = flat(&check);
    assert_eq!(check.status.code(), Some(0), "{text}");
    assert!(
        text.contains("2 recipients at 1 provider outside it") && text.contains("the evidence is thin, and never says ready"),
        "{text}"
    );
    assert!(text.contains("warm-a.test and 2 more domains: target 30, this pool carries "), "{text}");
    let quotas = first_quotas(dir.path());
    assert!(quotas.iter().all(|q| (2..=6).contains(q)), "{quotas:?}");
}

#[test]
fn a_pool_in_one_domain_or_one_group_or_of_one_is_refused_before_anything_is_sent() {
    let grouped: Vec<String> = on(&DOMAINS, 2).iter().map(|a| format!("{{address: {a}, group: one-tenant}}")).collect();
    for (mailboxes, why, hint) in [
        (on(&["warm-a.test"], 4), "all mailboxes of the pool are in warm-a.test", "add mailboxes of other domains"),
        (grouped, "all mailboxes of the pool are in group one-tenant", "add mailboxes outside the group"),
        (on(&["warm-a.test"], 1), "u01@warm-a.test is the only mailbox of the pool", "add mailboxes of other domains"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        write_pool(dir.path(), &mailboxes, "");
        for args in [&["run"][..], &["run", "--once"], &["run", "--dry-run"]] {
            let run = preheat(dir.path(), args);
            assert_eq!(run.status.code(), Some(1), "{args:?}: {}", said(&run));
            let text = flat(&run);
            assert!(text.contains("this pool cannot warm anything; nothing was sent"), "{args:?}: {text}");
            assert!(text.contains(why) && text.contains(&format!("hint: {hint}")), "{args:?}: {text}");
        }
        let check = preheat(dir.path(), &["check", "--offline"]);
        assert!(check.status.code() != Some(0) && flat(&check).contains(why), "{}", said(&check));
        assert!(flat(&preheat(dir.path(), &["plan"])).contains(why));
        // Nothing was planned, and nobody holds a lease.
        let ledger = rusqlite::Connection::open(dir.path().join("preheat.db")).unwrap();
        for table in ["letter", "day", "lease WHERE holder <> ''"] {
            assert_eq!(ledger.query_row(&format!("SELECT count(*) FROM {table}"), [], |r| r.get::<_, i64>(0)).unwrap(), 0, "{table}");
        }
    }
}
