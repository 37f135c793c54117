//! Invariant 4: every draw is made once. Each letter's draws are derived again from (seed, letter, what its recipient does) and held against the ledger.
//!
//! The derivation stands here a second time on purpose: streams by SHA-256 over the words, each behind its length; ChaCha8; four chances, the content,
//! three log-normal delays.

use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

use super::case::Case;
use super::found::Found;
use crate::agenda::Draws;
use crate::chance::Seed;
use crate::config::{Delay, Engagement};
use crate::words::LetterId;

pub(super) fn check(case: &Case<'_>, found: &mut Found) {
    for letter in &case.history.letters {
        let plan = &letter.plan;
        // What a mailbox that has left the pool would have done is not known any more.
        let Some(recipient) = case.members.get(&plan.recipient) else { continue };
        let drawn = draws_of(case.seed, plan.id, &recipient.engagement);
        if let Some(what) = difference(&plan.draws, &drawn) {
            found.add(4, Some(plan.id), || format!("the draws of letter {} are not those that its seed gives: {what}", plan.id));
        }
    }
}

fn difference(stored: &Draws, drawn: &Draws) -> Option<String> {
    let chances = [
        ("open", stored.open, drawn.open),
        ("answer", stored.answer, drawn.answer),
        ("important", stored.important, drawn.important),
        ("flag", stored.flag, drawn.flag),
    ];
    let delays = [
        ("rescue_after", stored.rescue_after, drawn.rescue_after),
        ("open_after", stored.open_after, drawn.open_after),
        ("answer_after", stored.answer_after, drawn.answer_after),
    ];
    let chance = chances.into_iter().find(|(_, a, b)| a != b).map(|(name, a, b)| format!("{name} is {a}, drawn was {b}"));
    let delay =
        || delays.into_iter().find(|(_, a, b)| a.abs_diff(*b) > ROUNDING).map(|(name, a, b)| format!("{name} is {a:?}, drawn was {b:?}"));
    let content = || (stored.content != drawn.content).then(|| "its content is another".to_owned());
    chance.or_else(delay).or_else(content)
}

/// Two ways to work a logarithm out may differ in the last place.
const ROUNDING: Duration = Duration::from_millis(1);

fn draws_of(seed: Seed, letter: LetterId, recipient: &Engagement) -> Draws {
    let mut stream = stream_of(seed, &["letter", &letter.to_string(), "draws"]);
    let mut draw = || stream.random::<f64>();
    let [open, answer, important, flag] = [draw(), draw(), draw(), draw()];
    Draws {
        open: open < recipient.open,
        answer: answer < recipient.answer,
        important: important < recipient.important,
        flag: flag < recipient.flag,
        content: stream.random(),
        rescue_after: delay_of(&mut stream, &recipient.rescue_delay),
        open_after: delay_of(&mut stream, &recipient.open_delay),
        answer_after: delay_of(&mut stream, &recipient.answer_delay),
    }
}

fn stream_of(seed: Seed, words: &[&str]) -> ChaCha8Rng {
    let mut hash = Sha256::new_with_prefix(seed.0.to_le_bytes());
    for word in words {
        hash.update((word.len() as u64).to_le_bytes());
        hash.update(word);
    }
    ChaCha8Rng::from_seed(hash.finalize().into())
}

/// Log-normal by its median and its 95 % point, inside its bounds.
fn delay_of(stream: &mut ChaCha8Rng, delay: &Delay) -> Duration {
    let (u, v) = (stream.random_range(f64::EPSILON..1.0), stream.random::<f64>());
    let normal = (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
    let median = delay.median.as_secs_f64().max(1.0);
    let sigma = (delay.p95.as_secs_f64().max(median) / median).ln() / 1.6449;
    let least = delay.min.as_secs_f64();
    let seconds = (median * (sigma * normal).exp()).clamp(least, delay.max.as_secs_f64().max(least));
    Duration::from_millis((seconds * 1000.0) as u64)
}
