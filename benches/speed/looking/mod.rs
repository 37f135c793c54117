//! Looking on a real Dovecot: a folder of new messages read to its end, beside programs that read the same one; and a thousand rescues.
//!
//! benches/run starts the rig (tests/rig/mailstack.sh) and names its folder in PREHEAT_BENCH_RIG.

mod peers;
mod rig;

use std::path::Path;
use std::time::Duration;

use peers::Peer;
use preheat::clock::Clock;
use preheat::config::Config;
use preheat::mail::{Access, Cursor, Flag, FolderName, Inbox, MailError, NetworkAccess, Uid};
use rig::Rig;

use super::pool::{config_of, runtime};
use super::table::{Goal, at_least, at_most, note, row, timed};

const MESSAGES: usize = 10_000;
const RESCUES: usize = 1_000;
/// As many as the executor rescues at once.
const BATCH: usize = 500;
const ROUNDS: usize = 2;

pub fn measure() {
    let Some(rig) = Rig::from_env() else {
        note("looking: left out: PREHEAT_BENCH_RIG names no rig (benches/run starts one, as root)");
        return;
    };
    let runtime = runtime();
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let server = format!("{{host: 127.0.0.1, port: {}, tls: plain}}", rig.port);
    let config = config_of(folder.path(), &server, &rig.password, &format!("  - {}\n", rig.user));
    rig.fill("INBOX", MESSAGES);
    let mut ours = Duration::MAX;
    let mut theirs = Peer::ALL.map(|peer| (peer, None));
    for _ in 0..ROUNDS {
        let (took, read) = timed(|| runtime.block_on(look_to_the_end(folder.path(), &config)));
        assert_eq!(read.expect("a look"), MESSAGES);
        ours = ours.min(took);
        for (peer, best) in &mut theirs {
            *best = [*best, peer.read(&rig, MESSAGES)].into_iter().flatten().min();
        }
    }
    row(format!("preheat looks at {MESSAGES} new messages"), format!("{:.2} s", ours.as_secs_f64()), "", Goal::None);
    for (peer, took) in theirs {
        let what = format!("  {}", peer.name());
        let Some(took) = took else {
            row(what, "left out", "it is not there, or failed", Goal::None);
            continue;
        };
        let ratio = took.as_secs_f64() / ours.as_secs_f64();
        let goal = if peer.is_goal() { at_least(ratio, 1.0, "times as long") } else { Goal::None };
        row(what, format!("{:.2} s", took.as_secs_f64()), format!("{ratio:.2} times as long"), goal);
    }
    rig.fill("Junk", RESCUES);
    let (took, rescued) = timed(|| runtime.block_on(rescue_all(folder.path(), &config)));
    assert_eq!(rescued.expect("rescues"), RESCUES, "all are seen in the inbox");
    let took = took.as_secs_f64();
    row(format!("{RESCUES} rescues, {BATCH} at once, seen in the inbox"), format!("{took:.2} s"), "", at_most(took, 3.0, "s"));
}

async fn sign_in(folder: &Path, config: &Config) -> Result<Box<dyn Inbox>, MailError> {
    let mailbox = config.mailboxes.values().next().expect("a mailbox");
    NetworkAccess::new(folder.to_owned()).open_inbox(mailbox).await
}

fn named(name: &str) -> FolderName {
    FolderName { wire: name.to_owned(), shown: name.to_owned() }
}

/// Everything above a cursor that has read nothing yet; gives how many headers that are.
async fn look_to_the_end(folder: &Path, config: &Config) -> Result<usize, MailError> {
    let mut inbox = sign_in(folder, config).await?;
    let read = all_above(inbox.as_mut(), "INBOX", 0).await?.len();
    inbox.sign_out().await;
    Ok(read)
}

async fn all_above(inbox: &mut dyn Inbox, folder: &str, uid: u32) -> Result<Vec<Uid>, MailError> {
    let folder = named(folder);
    let now = Clock::System.now();
    let uid_validity = uid_validity_of(inbox, &folder).await?;
    let (mut cursor, mut read) = (Cursor { uid_validity, uid }, Vec::new());
    loop {
        let look = inbox.look(&folder, Some(cursor), now).await?;
        cursor = look.cursor;
        read.extend(look.new.iter().map(|header| header.uid));
        if !look.more {
            return Ok(read);
        }
    }
}

/// By a look that finds nothing: at the end of the folder.
async fn uid_validity_of(inbox: &mut dyn Inbox, folder: &FolderName) -> Result<u32, MailError> {
    let far = Clock::System.now() + Duration::from_hours(48);
    Ok(inbox.look(folder, None, far).await?.uid_validity)
}

/// Junk's messages into the inbox, as the executor does it: moved, seen there, and marked as no junk.
async fn rescue_all(folder: &Path, config: &Config) -> Result<usize, MailError> {
    let mut inbox = sign_in(folder, config).await?;
    let (junk, home) = (named("Junk"), named("INBOX"));
    let in_spam = all_above(inbox.as_mut(), "Junk", 0).await?;
    let junk_validity = uid_validity_of(inbox.as_mut(), &junk).await?;
    let home_validity = uid_validity_of(inbox.as_mut(), &home).await?;
    let mut last = MESSAGES as u32;
    let mut seen = 0;
    for batch in in_spam.chunks(BATCH) {
        inbox.move_to(&junk, junk_validity, batch, &home).await?;
        let there = all_above(inbox.as_mut(), "INBOX", last).await?;
        inbox.set_flags(&home, home_validity, &there, &[Flag::NotJunk]).await?;
        seen += there.len();
        last = there.last().map_or(last, |uid| uid.0);
    }
    inbox.sign_out().await;
    Ok(seen)
}
