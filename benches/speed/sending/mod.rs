//! Sending with pacing off: the whole executor with its durable intents, beside programs that keep no ledger, to the same `smtp-sink`.

mod day;
mod peers;
mod quiet;
mod sink;

use std::path::PathBuf;

use day::Day;
use peers::Peer;
use sink::Sink;

use super::table::{Goal, at_least, fsyncs_a_second, note, row, wanted};

/// Sessions, and letters of all of them together.
const SIZES: [(usize, usize); 3] = [(1, 1_000), (10, 4_000), (100, 8_000)];
/// Each is measured so often, in turns, and its best is taken: what others on the machine do falls on all alike.
const ROUNDS: usize = 3;

/// Where the ledgers lie: on the disk, and in memory where there is such a folder, which takes the disk's waits out of the figures.
fn places() -> Vec<(&'static str, PathBuf)> {
    let memory = PathBuf::from("/dev/shm");
    let disk = ("on the disk", PathBuf::from(env!("CARGO_TARGET_TMPDIR")));
    if memory.is_dir() { vec![disk, ("in /dev/shm", memory)] } else { vec![disk] }
}

pub fn measure() {
    let Some(sink) = Sink::start() else {
        note("sending: left out: smtp-sink is not there (apt-get install postfix)");
        return;
    };
    let folders: Vec<_> =
        places().into_iter().map(|(name, at)| (name, tempfile::tempdir_in(at).expect("a folder for the ledgers"))).collect();
    // A few letters first: the peers send the same ones, and as large ones.
    let letters = folders[0].1.path().join("letters");
    let sample = Day::new(&folders[0].1.path().join("sample"), &sink, 1, 200).keeping(&letters).send();
    row("a letter", format!("{} bytes", sample.bytes / 200), "", Goal::None);
    for (name, folder) in &folders {
        row(format!("fsyncs {name}"), format!("{:.0}/s", fsyncs_a_second(folder.path())), "", Goal::None);
    }
    for (sessions, count) in SIZES.into_iter().filter(|(sessions, _)| wanted(&sessions.to_string())) {
        let mut ours = vec![0.0_f64; folders.len()];
        let mut cpu = vec![f64::INFINITY; folders.len()];
        let mut theirs = Peer::ALL.map(|peer| (peer, None));
        for round in 0..ROUNDS {
            for ((best, least), (_, folder)) in ours.iter_mut().zip(&mut cpu).zip(&folders) {
                let sent = Day::new(&folder.path().join(format!("{sessions}-{round}")), &sink, sessions, count / sessions).send();
                *best = best.max(count as f64 / sent.took.as_secs_f64());
                *least = least.min(sent.cpu * 1e6 / count as f64);
            }
            for (peer, best) in &mut theirs {
                let rate = peer.send(&sink, sessions, count, sample.bytes / 200, &letters);
                *best = [*best, rate].into_iter().flatten().reduce(f64::max);
            }
        }
        for ((rate, cpu), (name, _)) in ours.iter().zip(&cpu).zip(&folders) {
            let beside = format!("{count} letters, {cpu:.0} µs of CPU each");
            row(format!("preheat, {sessions} session(s), {name}"), format!("{rate:.0}/s"), beside, Goal::None);
        }
        for (peer, rate) in theirs {
            compare(peer, sessions, rate, &ours);
        }
    }
}

/// A peer's row: what preheat has of its rate, with its ledger on the disk (which the goals are about) and in memory.
fn compare(peer: Peer, sessions: usize, rate: Option<f64>, ours: &[f64]) {
    let what = format!("  {}", peer.name());
    let Some(rate) = rate else { return row(what, "left out", peer.why_left_out(), Goal::None) };
    let ratios: Vec<String> = ours.iter().map(|ours| format!("{:.2}", ours / rate)).collect();
    let least = if peer == Peer::Source { Some(0.35) } else { (sessions == 10).then_some(1.0) };
    let goal = least.map_or(Goal::None, |least| at_least(ours[0] / rate, least, "of it"));
    row(what, format!("{rate:.0}/s"), format!("preheat has {} of it", ratios.join(", ")), goal);
}
