//! A ledger that is a year old: how long `run --once` takes to its first byte to a server, how long `status` takes, and how large the file is.
//!
//! The ledger is written by SQL, once a day of the calendar, and kept in target/tmp: years are not lived through for a bench. Its letters are starts
//! that arrived and were opened; answers and what they keep of their parents are left out.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use preheat::clock::Clock;
use preheat::ledger::{Ledger, Place};
use preheat::words::{Address, LetterId, LocalDate, Zone};
use rusqlite::{Connection, Transaction, params};

use super::table::{Goal, at_most, note, row, timed};

const MAILBOXES: usize = 500;
const DAYS: u32 = 365;
/// Letters of a mailbox on a day; PREHEAT_BENCH_LETTERS=40 writes the whole year (which takes a while, and much room).
const LETTERS: u32 = 4;
const OF_A_DOMAIN: usize = 10;
const TIMES: usize = 5;
const DAY: i64 = 24 * 3_600_000;

pub fn measure() {
    let letters = std::env::var("PREHEAT_BENCH_LETTERS").ok().and_then(|n| n.parse().ok()).unwrap_or(LETTERS);
    let today = Clock::System.now().local_date(Zone::UTC);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("year-{today}-{MAILBOXES}x{DAYS}x{letters}"));
    let ledger = folder.join("preheat.db");
    if !folder.join("whole").exists() {
        fs::remove_dir_all(&folder).ok();
        fs::create_dir_all(&folder).expect("a folder");
        let (took, ()) = timed(|| write_year(&ledger, today, letters));
        fs::write(folder.join("whole"), "").expect("a file");
        note(format!("the year was written in {:.0} s", took.as_secs_f64()));
    }
    let all = f64::from(letters) * f64::from(DAYS) * MAILBOXES as f64;
    let size = fs::metadata(&ledger).expect("the ledger").len() as f64;
    let what = format!("a year's ledger: {MAILBOXES} mailboxes × {DAYS} × {letters}");
    row(what, format!("{:.0} MB", size / 1e6), format!("{:.0} bytes a letter", size / all), Goal::None);

    let file = write_config(&folder, 9);
    let status = (0..TIMES).map(|_| {
        let (took, output) = timed(|| preheat(&file, &["status"]).output().expect("preheat"));
        assert!(!output.stdout.is_empty(), "status: {}", String::from_utf8_lossy(&output.stderr));
        took
    });
    let status = status.min().unwrap_or_default().as_secs_f64() * 1_000.0;
    row("  status", format!("{status:.0} ms"), format!("the best of {TIMES}"), at_most(status, 200.0, "ms"));
    let first = (0..TIMES).map(|_| first_byte(&folder)).min().unwrap_or_default().as_secs_f64() * 1_000.0;
    row("  run --once, to the first SMTP byte", format!("{first:.0} ms"), format!("the best of {TIMES}"), at_most(first, 100.0, "ms"));
}

fn preheat(config: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_preheat"));
    command.arg("--config").arg(config).args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// From the start of the process to the first byte that it says to a mail server. It is ended there, before a letter is handed over.
fn first_byte(folder: &Path) -> Duration {
    // A new port each time: connections of the run before may still stand in line at the old one.
    let smtp = TcpListener::bind("127.0.0.1:0").expect("a port");
    let config = write_config(folder, smtp.local_addr().expect("its port").port());
    let mut command = preheat(&config, &["run", "--once"]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let (took, mut child) = timed(|| {
        let child = command.spawn().expect("preheat");
        let (mut connection, _) = smtp.accept().expect("a connection");
        connection.write_all(b"220 mx.test ESMTP\r\n").expect("a greeting");
        connection.read_exact(&mut [0]).expect("EHLO");
        child
    });
    child.kill().ok();
    child.wait().ok();
    took
}

/// The config: IMAP goes to a port where nobody is.
fn write_config(folder: &Path, smtp: u16) -> PathBuf {
    let private = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a private file");
    };
    private("secret", "secret\n");
    private("preheat.key", &format!("k1 {}\n", "ab".repeat(32)));
    fs::create_dir_all(folder.join("schedules")).expect("a folder");
    let schedule = "about: a year\nramp: {start: 40, target: 40, weeks: 4, curve: linear}\nwindow: {hours: 00:00-23:59, mailbox_gap: 0s, domain_gap: 0s}\n";
    fs::write(folder.join("schedules/year.yaml"), schedule).expect("a file");
    let server = |port: u16| format!("{{host: 127.0.0.1, port: {port}, tls: plain}}");
    let mut yaml = format!(
        "zone: UTC\nschedule: year\nledger: preheat.db\ndefaults: {{secret: \"file:secret\", smtp: {}, imap: {}}}\nmailboxes:\n",
        server(smtp),
        server(9)
    );
    for n in 0..MAILBOXES {
        writeln!(yaml, "  - {}", address(n)).expect("a string takes all");
    }
    let file = folder.join("preheat.yaml");
    fs::write(&file, yaml).expect("a file");
    file
}

fn address(n: usize) -> Address {
    Address::parse(&format!("m{n:03}@d{}.test", n / OF_A_DOMAIN)).expect("an address")
}

fn write_year(path: &Path, today: LocalDate, letters: u32) {
    drop(Ledger::open(path, Place::Inline).expect("a ledger"));
    let mut connection = Connection::open(path).expect("the ledger");
    connection
        .execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF; PRAGMA cache_size = -200000")
        .ok();
    let people: Vec<Address> = (0..MAILBOXES).map(address).collect();
    let all = connection.transaction().expect("a transaction");
    all.execute("INSERT INTO pool VALUES (1, 1, 0)", []).expect("the pool");
    for person in &people {
        let domain = person.domain();
        all.execute("INSERT INTO mailbox VALUES (?1, ?2, 'warming', 0, NULL, 'generic')", params![person.as_str(), domain.as_str()])
            .expect("a mailbox");
        for (name, role) in [("INBOX", "inbox"), ("Junk", "spam")] {
            let sql = "INSERT INTO folder VALUES (?1, ?2, ?2, ?3, 'SPECIAL-USE', 1, 90000, ?4)";
            all.execute(sql, params![person.as_str(), name, role, noon(today) - DAY]).expect("a folder");
        }
    }
    for back in (0..=DAYS).rev() {
        write_date(&all, &people, today.minus(back), letters, back == 0).expect("a date");
    }
    all.commit().expect("the year");
    connection.execute_batch("PRAGMA journal_mode = WAL").ok();
}

fn noon(date: LocalDate) -> i64 {
    date.days_since(LocalDate::EPOCH) * DAY + DAY / 2
}

/// Every mailbox's day and letters: arrived and opened, or still to be sent where it is today.
fn write_date(c: &Transaction<'_>, people: &[Address], date: LocalDate, letters: u32, is_today: bool) -> rusqlite::Result<()> {
    let (day, at) = (date.to_string(), noon(date));
    let mut plan: Vec<(LetterId, usize, usize, i64)> = Vec::new();
    for (sender, person) in people.iter().enumerate() {
        let spent = if is_today { 0 } else { letters };
        let verdict = (!is_today).then_some("advance");
        let sql = "INSERT INTO day (mailbox, date, schedule, curve, ramp_day, quota, reasons, verdict, spent, accepted, made_at, total)
                   VALUES (?1, ?2, 'year', 0, 20, ?3, '[]', ?4, ?5, ?5, ?6, ?3)";
        c.prepare_cached(sql)?.execute(params![person.as_str(), day, letters, verdict, spent, at - DAY / 2])?;
        if !is_today {
            let sql = "INSERT INTO day_sum (mailbox, date, provider, sent, inbox) VALUES (?1, ?2, 'generic', ?3, ?3)";
            c.prepare_cached(sql)?.execute(params![person.as_str(), day, letters])?;
            let sql = "INSERT INTO verdict VALUES (?1, ?2, ?3, 'advance', NULL, '[]')";
            c.prepare_cached(sql)?.execute(params![format!("mailbox:{person}"), day, at + DAY])?;
        }
        for n in 1..=letters {
            let recipient =
                (sender + OF_A_DOMAIN * (1 + (n as usize * 7 + date.days_since(LocalDate::EPOCH) as usize) % 40)) % people.len();
            plan.push((LetterId::of_start(person, date, n), sender, recipient, at - DAY / 8 + i64::from(n) * 60_000));
        }
    }
    plan.sort_unstable();
    for (id, sender, recipient, due) in plan {
        let (id, sender, recipient) = (id.to_string(), &people[sender], people[recipient].as_str());
        let sql = "INSERT INTO letter (id, sender, recipient, date, in_thread, due, expected, draw_open, draw_answer, draw_important, draw_flag,
                     rescue_after, open_after, answer_after, content, state, message_id_sent, message_id_seen, handed_at, accepted_at, placement, seen_at)
                   VALUES (?1, ?2, ?3, ?4, 1, ?5, ?5, 1, 0, 0, 0, 2700000, 3600000, 10800000, ?6, ?7, ?8, ?8, ?9, ?9, ?10, ?11)";
        let message_id = (!is_today).then(|| format!("{id}@{}", sender.domain()));
        let due = if is_today { noon(date) - DAY / 2 } else { due };
        let sent = (!is_today).then_some(due);
        let (state, placement) = if is_today { ("planned", None) } else { ("seen", Some("inbox")) };
        let mut letter = c.prepare_cached(sql)?;
        let seen = sent.map(|at| at + 60_000);
        letter.execute(params![id, sender.as_str(), recipient, day, due, due ^ 0x5555, state, message_id, sent, placement, seen])?;
        if is_today {
            continue;
        }
        let mut step = c.prepare_cached("INSERT INTO step VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
        step.execute(params![id, 1, due, "handed", None::<u32>, None::<&str>, None::<&str>])?;
        step.execute(params![id, 2, due + 900, "accepted", 250, "2.0.0", "2.0.0 Ok: queued as 4Xy1Zz0abcdefgh"])?;
        step.execute(params![id, 3, due + 60_000, "seen", None::<u32>, None::<&str>, "inbox"])?;
        let sql = "INSERT INTO sighting VALUES (?1, ?2, 'INBOX', 'inbox', 1, ?3, '\\Seen', ?4, 2100, 1, NULL)";
        c.prepare_cached(sql)?.execute(params![recipient, id, due / 60_000 % 90_000, due + 60_000])?;
        let sql = "INSERT INTO action VALUES (?1, ?2, 'open', ?3, 1, ?3, 'done')";
        c.prepare_cached(sql)?.execute(params![recipient, id, due + 3_600_000])?;
    }
    Ok(())
}
