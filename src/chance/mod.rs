//! Chance: one seed for the pool, and streams derived from it.
//!
//! A stream belongs to (seed, who, date, purpose), so that adding a mailbox reshuffles nobody else. ChaCha8 is portable across
//! versions and machines, `StdRng` is not.

use std::fmt;
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};

use crate::config::Delay;
use crate::words::{Address, LetterId, LocalDate};

/// A stream of draws.
pub type Stream = ChaCha8Rng;

/// The pool's seed: written to the ledger at the first run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Seed(pub u64);

impl Seed {
    /// The draws of one mailbox on one local date for one purpose.
    pub fn stream(self, mailbox: &Address, date: LocalDate, purpose: &str) -> Stream {
        self.derive(&[mailbox.as_str(), &date.to_string(), purpose])
    }

    /// The draws about one letter for one purpose.
    pub fn of_letter(self, letter: LetterId, purpose: &str) -> Stream {
        self.derive(&[b"letter".as_slice(), &letter.hex(), purpose.as_bytes()])
    }

    /// The draws of a whole pool on one date for one purpose.
    pub fn of_pool(self, date: LocalDate, purpose: &str) -> Stream {
        self.derive(&["pool", &date.to_string(), purpose])
    }

    /// The draws of something that has no word of its own, named by words: for the modelled world.
    pub fn of_words(self, words: &[&str]) -> Stream {
        self.derive(words)
    }

    /// Two numbers from 0 to below 1 about something that is named by words: where no stream is needed, for a tenth of its cost.
    pub fn shares_of_words(self, words: &[&str]) -> [f64; 2] {
        let digest = self.digest(words);
        [0, 8].map(|from| {
            let bytes = digest.iter().skip(from).take(8).fold(0_u64, |all, byte| (all << 8) | u64::from(*byte));
            (bytes >> 11) as f64 / (1_u64 << 53) as f64
        })
    }

    fn derive<T: AsRef<[u8]>>(self, parts: &[T]) -> Stream {
        ChaCha8Rng::from_seed(self.digest(parts))
    }

    fn digest<T: AsRef<[u8]>>(self, parts: &[T]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.0.to_le_bytes());
        for part in parts.iter().map(AsRef::as_ref) {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }

    /// A seed from the operating system: the one place where chance is not derived. For the first run of a pool.
    pub fn from_os() -> Self {
        use rand::TryRngCore;
        // The operating system's generator failing is not something that a retry mends; a fixed seed still gives a working pool.
        Self(rand::rngs::OsRng.try_next_u64().unwrap_or(0x70_72_65_68_65_61_74))
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seed({})", self.0)
    }
}

/// One log-normal draw inside the delay's bounds.
pub fn draw_delay(stream: &mut Stream, delay: &Delay) -> Duration {
    // Box–Muller; the 95 % point of the standard normal is 1.6449.
    let u: f64 = stream.random_range(f64::EPSILON..1.0);
    let v: f64 = stream.random();
    let z = (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
    let median = delay.median.as_secs_f64().max(1.0);
    let sigma = (delay.p95.as_secs_f64().max(median) / median).ln() / 1.6449;
    let seconds = (median * (sigma * z).exp()).clamp(delay.min.as_secs_f64(), delay.max.as_secs_f64().max(delay.min.as_secs_f64()));
    Duration::from_millis((seconds * 1000.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_the_same_for_the_same_words_and_no_other() {
        let (a, b) = (Address::parse("a@x.test").unwrap(), Address::parse("b@x.test").unwrap());
        let d = LocalDate::ymd(2026, 12, 1).unwrap();
        let draw = |s: Seed, m: &Address, p: &str| s.stream(m, d, p).random::<u64>();
        assert_eq!(draw(Seed(1), &a, "jitter"), draw(Seed(1), &a, "jitter"));
        let all = [draw(Seed(1), &a, "jitter"), draw(Seed(2), &a, "jitter"), draw(Seed(1), &b, "jitter"), draw(Seed(1), &a, "open")];
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), 4);
    }

    #[test]
    fn shares_are_even_and_the_same_for_the_same_words() {
        let all: Vec<[f64; 2]> = (0..4_000).map(|n: u32| Seed(3).shares_of_words(&["share", &n.to_string()])).collect();
        for half in 0..2 {
            let mean = all.iter().map(|s| s[half]).sum::<f64>() / 4_000.0;
            assert!((mean - 0.5).abs() < 0.02 && all.iter().all(|s| (0.0..1.0).contains(&s[half])), "{mean}");
        }
        let again = |seed: u64| Seed(seed).shares_of_words(&["share", "7"]).map(f64::to_bits);
        assert_eq!(all[7].map(f64::to_bits), again(3));
        assert_ne!(all[7].map(f64::to_bits), again(4));
    }

    #[test]
    fn delays_have_the_median_and_the_tail_that_they_say() {
        let delay = crate::config::Engagement::default().open_delay;
        let mut s = Seed(7).of_pool(LocalDate::ymd(2026, 12, 1).unwrap(), "test");
        let mut all: Vec<u64> = (0..20_000).map(|_| draw_delay(&mut s, &delay).as_secs() / 60).collect();
        all.sort_unstable();
        assert!((57..=63).contains(&all[10_000]), "{}", all[10_000]);
        assert!((450..=510).contains(&all[19_000]), "{}", all[19_000]);
        assert!(all[0] >= 3 && all[19_999] <= 1440);
    }
}
