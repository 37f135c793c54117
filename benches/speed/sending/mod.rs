//! Sending with pacing off: the whole executor with its durable intents, beside programs that keep no ledger, to the same `smtp-sink`.

mod peers;
mod pool;
mod quiet;
mod sink;

use peers::Peer;
use pool::Pool;
use sink::Sink;

use super::table::{Goal, at_least, fsyncs_a_second, note, row, wanted};

/// Sessions, and letters of all of them together.
const SIZES: [(usize, usize); 3] = [(1, 1_000), (10, 4_000), (100, 8_000)];
/// Each is measured so often, in turns, and its best is taken: what others on the machine do falls on all alike.
const ROUNDS: usize = 3;

pub fn measure() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder for the ledgers");
    let Some(sink) = Sink::start() else {
        note("sending: left out: smtp-sink is not there (apt-get install postfix)");
        return;
    };
    // A few letters first: the peers send the same ones, and as large ones.
    let letters = folder.path().join("letters");
    let sample = Pool::new(&folder.path().join("sample"), &sink, 1, 200).keeping(&letters).send();
    row("a letter", format!("{} bytes", sample.bytes / 200), "", Goal::None);
    row("fsyncs in the ledger's folder", format!("{:.0}/s", fsyncs_a_second(folder.path())), "", Goal::None);
    for (sessions, count) in SIZES.into_iter().filter(|(sessions, _)| wanted(&sessions.to_string())) {
        let mut ours: f64 = 0.0;
        let mut theirs: Vec<(Peer, Option<f64>)> = Peer::ALL.iter().map(|peer| (*peer, None)).collect();
        for round in 0..ROUNDS {
            let ledger = folder.path().join(format!("{sessions}-{round}"));
            let sent = Pool::new(&ledger, &sink, sessions, count / sessions).send();
            ours = ours.max(count as f64 / sent.took.as_secs_f64());
            for (peer, best) in &mut theirs {
                let rate = peer.send(&sink, sessions, count, sample.bytes / 200, &letters);
                *best = [*best, rate].into_iter().flatten().reduce(f64::max);
            }
        }
        row(format!("preheat, {sessions} session(s), {count} letters"), format!("{ours:.0}/s"), "", Goal::None);
        for (peer, rate) in theirs {
            let what = format!("  {}", peer.name());
            let Some(rate) = rate else {
                row(what, "left out", peer.why_left_out(), Goal::None);
                continue;
            };
            let ratio = ours / rate;
            let least = if peer == Peer::Source { Some(0.35) } else { (sessions == 10).then_some(1.0) };
            let goal = least.map_or(Goal::None, |least| at_least(ratio, least, "of it"));
            row(what, format!("{rate:.0}/s"), format!("preheat has {ratio:.2} of it"), goal);
        }
    }
}
