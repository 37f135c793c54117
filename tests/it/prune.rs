//! `preheat ledger prune` as a process: killed at any moment, and beside runs, the ledger stays sound and ends as if nothing had been.

use std::collections::BTreeSet;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use preheat::ledger::{Ledger, Place};
use preheat::words::{Address, LetterId, LocalDate};
use rusqlite::{Connection, params};

use super::cli::{Desk, all, out};
use super::tally::tally;

const DATES: u32 = 150;
const A_DAY: u32 = 8;
/// Kills, spread over all that goes.
const KILLS: u32 = 12;
const HOUR: i64 = 3_600_000;

/// Letters of 150 dates before the first of December, each seen, opened and done with; every second one is answered.
fn write_past(ledger: &mut Connection) {
    let people = ["anna@new.example", "ben@new.example"].map(|text| Address::parse(text).unwrap());
    let partner = Address::parse("hana@host-five.example").unwrap();
    let all = ledger.transaction().unwrap();
    let today = LocalDate::ymd(2026, 12, 1).unwrap();
    for date in (1..=DATES).rev().map(|back| today.minus(back)) {
        let nine = date.days_since(LocalDate::EPOCH) * 24 * HOUR + 9 * HOUR;
        for sender in &people {
            let sql = "INSERT INTO day (mailbox, date, schedule, curve, ramp_day, quota, reasons, spent, accepted, made_at)
                       VALUES (?1, ?2, 'ten', 0, 1, ?3, '[]', ?3, ?3, ?4)";
            all.execute(sql, params![sender.as_str(), date.to_string(), A_DAY, nine]).unwrap();
        }
        let sql = "INSERT INTO day (mailbox, date, schedule, curve, ramp_day, quota, reasons, spent, accepted, made_at)
                   VALUES (?1, ?2, '', 0, 0, ?3, '[]', ?3, ?3, ?4)";
        all.execute(sql, params![partner.as_str(), date.to_string(), A_DAY, nine]).unwrap();
        for sender in &people {
            for n in 1..=A_DAY {
                let start = LetterId::of_start(sender, date, n);
                write_letter(&all, start, None, (sender, &partner), date, nine + i64::from(n) * HOUR / 4);
                if n % 2 == 0 {
                    let answer = LetterId::of_answer(start);
                    write_letter(&all, answer, Some(start), (&partner, sender), date, nine + i64::from(n) * HOUR / 4 + HOUR);
                }
            }
        }
    }
    all.execute_batch("DELETE FROM day_sum; INSERT INTO day_sum SELECT * FROM day_sum_counted").unwrap();
    all.commit().unwrap();
}

fn write_letter(c: &Connection, id: LetterId, parent: Option<LetterId>, (from, to): (&Address, &Address), date: LocalDate, at: i64) {
    let (id, in_thread) = (id.to_string(), if parent.is_some() { 2 } else { 1 });
    let sql = "INSERT INTO letter (id, sender, recipient, date, parent, in_thread, due, expected, draw_open, draw_answer, draw_important, draw_flag,
                 rescue_after, open_after, answer_after, content, state, message_id_sent, message_id_seen, handed_at, accepted_at, placement, seen_at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, 1, 0, 0, 0, 0, 0, 0, 0, 'seen', ?1, ?1, ?7, ?7, 'inbox', ?8)";
    let parent = parent.map(|p| p.to_string());
    c.execute(sql, params![id, from.as_str(), to.as_str(), date.to_string(), parent, in_thread, at, at + HOUR]).unwrap();
    for (n, event, placement) in [(1, "handed", None), (2, "accepted", None), (3, "seen", Some("inbox"))] {
        let sql = "INSERT INTO step (letter, n, at, event, text) VALUES (?1, ?2, ?3, ?4, ?5)";
        c.execute(sql, params![id, n, at, event, placement]).unwrap();
    }
    let sql = "INSERT INTO sighting (mailbox, letter, folder, role, uid_validity, uid, flags, at, size, marked, tidied)
               VALUES (?1, ?2, 'Warmup', 'other', 1, 1, '', ?3, 900, 1, 'moved')";
    c.execute(sql, params![to.as_str(), id, at + HOUR]).unwrap();
    let sql = "INSERT INTO action (mailbox, letter, kind, due, attempts, done_at, result) VALUES (?1, ?2, 'open', ?3, 1, ?3, 'done')";
    c.execute(sql, params![to.as_str(), id, at + 2 * HOUR]).unwrap();
}

fn letters(path: &Path) -> u32 {
    Connection::open(path).unwrap().query_row("SELECT count(*) FROM letter", [], |r| r.get(0)).unwrap()
}

/// All that the ledger holds, but when it was pruned.
fn content(path: &Path) -> String {
    let ledger = Ledger::open(path, Place::Inline).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let dump = runtime.block_on(ledger.dump()).unwrap();
    dump.lines().filter(|line| !line.starts_with("pruned|")).fold(String::new(), |all, line| all + line + "\n")
}

#[test]
fn a_pruning_that_is_killed_leaves_a_sound_ledger_and_the_next_one_goes_on() {
    let desk = Desk::with_pool();
    super::story::seed(&desk.path(""));
    assert_eq!(desk.preheat(&["run", "--once", "--quiet"]).status.code(), Some(0));
    let (path, calm) = (desk.path("preheat.db"), desk.path("calm.db"));
    write_past(&mut Connection::open(&path).unwrap());
    let check = || {
        let checked = desk.preheat(&["ledger", "check"]);
        assert_eq!(checked.status.code(), Some(0), "{}", all(&checked));
        out(&checked)
    };
    check();
    let all_letters = letters(&path);
    // Undisturbed first, on a copy.
    assert_eq!(desk.preheat(&["ledger", "backup", "calm.db"]).status.code(), Some(0));
    desk.write("calm.yaml", &std::fs::read_to_string(desk.path("preheat.yaml")).unwrap().replace("pool:", "ledger: calm.db\npool:"));
    let pruned = desk.preheat(&["--config", "calm.yaml", "ledger", "prune", "--keep", "45"]);
    assert_eq!(pruned.status.code(), Some(0), "{}", all(&pruned));
    let least = letters(&calm);

    let prune = || -> Command { desk.command(&["ledger", "prune", "--keep", "45"]) };
    let (mut killed, mut left) = (0, BTreeSet::new());
    for n in 1..=KILLS {
        let mut child = prune().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Somewhere in the batch after the one that came so far.
        let enough = all_letters - (all_letters - least) * n / (KILLS + 1);
        while letters(&path) > enough && child.try_wait().unwrap().is_none() {
            thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        killed += u64::from(child.wait().unwrap().signal() == Some(9));
        check();
        left.insert(letters(&path));
    }
    assert!(
        left.iter().any(|n| (least + 1..all_letters).contains(n)),
        "killed at {left:?} letters, of {all_letters} to {least}: never in between"
    );
    assert!(killed > 2, "{killed} of {KILLS} prunings were killed while they were at work");
    // And beside runs, which write to the same file.
    let beside = prune().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    for _ in 0..3 {
        let run = desk.preheat(&["run", "--once", "--quiet"]);
        assert_eq!(run.status.code(), Some(0), "{}", all(&run));
    }
    let beside = beside.wait_with_output().unwrap();
    assert_eq!(beside.status.code(), Some(0), "{}", all(&beside));
    assert!(check().contains("were pruned"));
    assert_eq!(content(&path), content(&calm), "what is left is what an undisturbed pruning leaves");
    tally("ledger prune, killed", killed, "the ledger sound each time, and in the end as if nothing had been");
}
