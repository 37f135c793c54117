//! Runs the targets on a stable toolchain: the kept inputs, and many that are made of them.
//!
//! ```text
//! cargo test --lib fuzz:: -- --nocapture                    a few thousand of each
//! PREHEAT_FUZZ_RUNS=20 PREHEAT_FUZZ_SEED=7 cargo test …     twenty times as many, with another seed
//! PREHEAT_FUZZ_TRACE=1 cargo test …                         each input is in /tmp before it is run: for those that end the process
//! ```
//!
//! Same seed, same inputs. An input that goes another way than all before it (by the words that its target gives) joins those that others are made of.

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use rand::Rng;
use rand::SeedableRng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use super::{TARGETS, run};

/// The longest input that is made.
const LONGEST: usize = 16 << 10;
/// How many inputs others are made of, at most.
const MOST_KEPT: usize = 2_000;

/// Pieces that mean something to somebody.
const WORDS: [&[u8]; 44] = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b"\x1b[31m",
    b"\xff\xfe",
    "\u{202e}".as_bytes(),
    "\u{fdfa}".as_bytes(),
    b" ",
    b"\t",
    b":",
    b": ",
    b"(",
    b")",
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"{3}\r\n",
    b"{99999999999}\r\n",
    b"[",
    b"]",
    b"<",
    b">",
    b"@",
    b"&",
    b"-",
    b"&AOk-",
    b"=?utf-8?q?=C3?=",
    b"--b\n",
    b"4294967295",
    b"-1",
    b"1e999",
    b"99999999999999999999",
    b"$ OK ",
    b"* 1 FETCH (UID 3 ",
    b"* 1 EXPUNGE\r\n",
    b"%\n",
    b"250-",
    b"354 ",
    b"X-Preheat: ",
    b"Content-Type: message/rfc822\n\n",
    b"- ",
    b"Status: 5.1.1\n",
];

fn folder(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz").join(target)
}

/// The inputs that are kept for a target, by name.
fn kept(target: &str) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder(target)).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Changes an input in one to eight places.
fn changed(inputs: &[Vec<u8>], rng: &mut ChaCha8Rng) -> Vec<u8> {
    let mut input = inputs.choose(rng).cloned().unwrap_or_default();
    for _ in 0..rng.random_range(1..=8) {
        let at = rng.random_range(0..=input.len());
        let end = (at + rng.random_range(0..=32)).min(input.len());
        match rng.random_range(0..10) {
            0 if at < input.len() => input[at] ^= 1 << rng.random_range(0..8),
            1 if at < input.len() => input[at] = rng.random(),
            2 => drop(input.drain(at..end)),
            3 => input.truncate(at),
            4 => {
                // Again and again: nesting, storms, long lines.
                let times = [2, 3, 17, 61, 400][rng.random_range(0..5)];
                let piece = input[at..end].repeat(times);
                input.splice(at..at, piece);
            }
            5 => {
                let other = inputs.choose(rng).cloned().unwrap_or_default();
                let from = rng.random_range(0..=other.len());
                let to = (from + rng.random_range(0..=400)).min(other.len());
                input.splice(at..end, other[from..to].iter().copied());
            }
            6 if at < input.len() && input[at].is_ascii_digit() => {
                input.splice(at..=at, rng.random_range(0..u64::from(u32::MAX) + 2).to_string().into_bytes());
            }
            _ => {
                let word = *WORDS.choose(rng).unwrap();
                input.splice(at..at, word.iter().copied());
            }
        }
    }
    input.truncate(LONGEST);
    input
}

/// Runs one input; its words, or where it broke off, the input is kept and named.
fn attempt(target: &str, input: &[u8]) -> String {
    let trace = std::env::var_os("PREHEAT_FUZZ_TRACE").is_some();
    let place = std::env::temp_dir().join(format!("preheat-fuzz-{target}"));
    if trace {
        fs::write(&place, input).unwrap();
    }
    catch_unwind(AssertUnwindSafe(|| run(target, input))).unwrap_or_else(|_| {
        fs::write(&place, input).unwrap();
        panic!("{target} breaks: the input is in {}; mend it, and keep it in {}", place.display(), folder(target).display())
    })
}

/// A number of the environment.
fn told(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number")))
}

#[expect(clippy::print_stdout, reason = "how many there were is for whoever runs the tests")]
fn fuzz(target: &str, runs: u64) {
    crate::mail::imap::hush_caught_panics();
    let (runs, seed) = (runs * told("PREHEAT_FUZZ_RUNS", 1), told("PREHEAT_FUZZ_SEED", 1));
    let mut inputs = kept(target);
    assert!(!inputs.is_empty(), "nothing is kept for {target}");
    let mut ways: BTreeSet<String> = inputs.iter().map(|input| attempt(target, input)).collect();
    let kept = inputs.len();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    for _ in 0..runs {
        let input = changed(&inputs, &mut rng);
        if ways.insert(attempt(target, &input)) && inputs.len() < MOST_KEPT {
            inputs.push(input);
        }
    }
    let executions = runs + kept as u64;
    println!("fuzz {target}: {executions} executions ({kept} kept inputs, seed {seed}), {} different ways", ways.len());
    println!("tally: fuzzed inputs, {target}; {executions}; no panic, no abort");
}

#[test]
fn every_target_has_a_test_and_kept_inputs() {
    let tested = ["config", "classify", "header", "utf7", "suppress", "agenda", "imap", "smtp"];
    assert_eq!(TARGETS.map(|(name, _)| name), tested);
    assert!(tested.iter().all(|target| folder(target).is_dir()));
}

#[test]
fn config() {
    fuzz("config", 2_000);
}

#[test]
fn classify() {
    fuzz("classify", 2_000);
}

#[test]
fn header() {
    fuzz("header", 2_000);
}

#[test]
fn utf7() {
    fuzz("utf7", 20_000);
}

#[test]
fn suppress() {
    fuzz("suppress", 5_000);
}

#[test]
fn agenda() {
    fuzz("agenda", 1_000);
}

#[test]
fn imap() {
    fuzz("imap", 3_000);
}

#[test]
fn smtp() {
    fuzz("smtp", 3_000);
}
