//! Mailboxes that hang beside good ones, on real servers and sockets: more of them than may sign in at once, for SMTP and for IMAP.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::channel;

use crate::rig::{PoolOptions, Rig};
use crate::rig_day::{assert_exit, count, said};
use crate::rig_luck::{PLAIN, give, plain_at, seed, short_day, status, texts, troubles};

/// Ten minutes before the window opens: the window is over after thirteen seconds, before anybody who hangs gives up.
const CLOCK: &str = "2025-12-02T07:50:00Z x1200";
/// The evening.
const EVENING: &str = "2025-12-02T20:00:00Z x1200";
/// Of ten mailboxes on each of three domains so many hang.
const HANG: u32 = 8;

/// A server that takes every connection and never says a word; its port.
fn silent() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (keep, kept) = channel::<TcpStream>();
    std::thread::spawn(move || listener.incoming().flatten().try_for_each(|stream| keep.send(stream)));
    // Nobody reads, and nobody closes.
    std::mem::forget(kept);
    port
}

fn letters(dir: &Path, of: &str, what: &str) -> i64 {
    count(dir, &format!("SELECT count(*) FROM letter WHERE sender IN ({of}) AND {what}"))
}

#[test]
#[ignore = "needs the rig: tests/run"]
#[expect(clippy::print_stdout, reason = "the delays are for whoever runs the tests")]
fn twenty_four_mailboxes_that_hang_keep_sixteen_others_from_nothing() {
    let rig = Rig::from_env(23);
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let pool = short_day(10, PLAIN);
    rig.write_pool(dir, &PoolOptions { partners: 10, receive_limit: 60, ..pool });
    seed(dir, 23);
    let keys = format!("smtp: {}, imap: {}", plain_at(silent()), plain_at(silent()));
    let mut good = Vec::new();
    for domain in rig.warm_domains() {
        for n in 1..=10 {
            let user = rig.user(n, domain);
            if n <= HANG {
                give(dir, &user, &keys);
            } else {
                good.push(user);
            }
        }
    }
    // Longer than anybody may hold a place, and than the window: who has to wait for one that hangs sends nothing today.
    let output = rig.command(dir, &["run"], CLOCK).env("PREHEAT_PATIENCE", "14").output().unwrap();
    assert_exit(&output, 0);

    let of = good.iter().map(|g| format!("'{g}'")).collect::<Vec<_>>().join(",");
    let starts = letters(dir, &of, "parent IS NULL");
    let told = said(&output);
    // Five a day each, answers among them.
    assert!(starts >= 15, "{starts}\n{told}");
    let sent = letters(dir, &of, "parent IS NULL AND state IN ('accepted', 'seen')");
    // A machine with much to do is late by itself: a second of it is twenty minutes here.
    assert!(sent * 10 >= starts * 9, "{sent} of {starts}\n{told}");
    let delays = texts(
        dir,
        &format!(
            "SELECT cast((handed_at - due) / 60000 AS TEXT) FROM letter WHERE sender IN ({of}) AND parent IS NULL ORDER BY handed_at - due DESC LIMIT 3"
        ),
    );
    println!(
        "the latest three of {starts} letters left {delays:?} minutes of plan time after they were due, 1,200 of which are a real one"
    );
    assert_eq!(
        count(dir, &format!("SELECT count(*) FROM letter WHERE handed_at IS NOT NULL AND sender NOT IN ({of}) AND sender LIKE '%@warm-%'")),
        0
    );
    // What a person sees of it: both servers of each of those mailboxes, one of them known to be down; and nothing of the others.
    let seen = troubles(&status(&rig, dir, EVENING));
    let silent = seen.iter().filter(|t| t.ends_with("no answer within 14 s")).count();
    assert_eq!((seen.len(), silent), (48, 48), "{seen:#?}");
    assert!(seen.iter().any(|t| t.contains(" has not answered since 2025-12-02T")), "{seen:#?}");
    assert!(!seen.iter().any(|t| good.iter().any(|g| t.contains(g.as_str()))), "{seen:#?}");
    assert_exit(&rig.preheat(dir, &["ledger", "check"], EVENING), 0);
}
