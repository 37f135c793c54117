//! Wilson's score interval: what a few letters say of all letters.

/// One-sided 90 %: in one of ten such cases at most the truth lies below the lower bound.
pub const Z_90_ONE_SIDED: f64 = 1.2816;
/// Two-sided 95 %: the interval that is printed, and whose lower end punishes hardest.
pub const Z_95_TWO_SIDED: f64 = 1.96;

/// The bounds of a share, each from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Interval {
    /// The lower bound.
    pub low: f64,
    /// The upper bound.
    pub high: f64,
}

/// Wilson's score interval (E. B. Wilson, 1927) of `hits` of `n` at the normal quantile `z`.
///
/// All p with |hits/n − p| ≤ z·√(p(1−p)/n). Of none nothing is known: 0 to 1. More hits than `n` count as `n`.
pub fn wilson(hits: u64, n: u64, z: f64) -> Interval {
    if n == 0 {
        return Interval { low: 0.0, high: 1.0 };
    }
    let hits = hits.min(n);
    let (of, share, zz) = (n as f64, hits as f64 / n as f64, z * z);
    let middle = share + zz / (2.0 * of);
    let reach = z * (share * (1.0 - share) / of + zz / (4.0 * of * of)).sqrt();
    let whole = 1.0 + zz / of;
    // At the ends the exact values, which rounding would miss by a hair.
    let low = if hits == 0 { 0.0 } else { ((middle - reach) / whole).max(0.0) };
    let high = if hits == n { 1.0 } else { ((middle + reach) / whole).min(1.0) };
    Interval { low, high }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hits, of how many, low and high at one-sided 90 %, low and high at two-sided 95 %.
    ///
    /// Computed apart: by bisection of the inequality itself, with 40 decimal digits, not by the closed form.
    const VECTORS: &[(u64, u64, f64, f64, f64, f64)] = &[
        (0, 10, 0.0, 0.141_077_840_940, 0.0, 0.277_540_168_766),
        (1, 1, 0.378_429_723_723, 1.0, 0.206_543_291_473, 1.0),
        (1, 10, 0.030_409_396_833, 0.282_452_875_919, 0.017_875_749_515, 0.404_156_385_497),
        (6, 8, 0.523_697_588_185, 0.891_132_652_660, 0.409_269_879_102, 0.928_522_311_141),
        (7, 20, 0.229_493_411_895, 0.493_274_272_096, 0.181_189_547_867, 0.567_149_489_780),
        (14, 50, 0.206_617_521_963, 0.367_376_753_808, 0.174_740_143_576, 0.416_653_871_459),
        (27, 50, 0.449_834_467_788, 0.627_621_118_435, 0.403_986_343_283, 0.670_305_653_982),
        (95, 100, 0.914_084_549_459, 0.971_371_842_059, 0.888_248_034_727, 0.978_456_638_543),
        (96, 100, 0.926_570_778_732, 0.978_562_421_487, 0.901_627_827_673, 0.984_336_949_448),
        (10, 10, 0.858_922_159_059, 1.0, 0.722_459_831_233, 1.0),
        (1, 1000, 0.000_299_144_830, 0.003_337_380_741, 0.000_176_541_829, 0.005_642_702_960),
    ];

    #[test]
    fn the_interval_is_what_another_way_of_computing_it_gives() {
        for (hits, n, low90, high90, low95, high95) in VECTORS {
            let (a, b) = (wilson(*hits, *n, Z_90_ONE_SIDED), wilson(*hits, *n, Z_95_TWO_SIDED));
            for (ours, theirs) in [(a.low, low90), (a.high, high90), (b.low, low95), (b.high, high95)] {
                assert!((ours - theirs).abs() < 1e-11, "{hits} of {n}: {ours} is not {theirs}");
            }
        }
    }

    #[test]
    fn of_nothing_nothing_is_known_and_the_ends_are_exact() {
        assert_eq!(wilson(0, 0, Z_95_TWO_SIDED), Interval { low: 0.0, high: 1.0 });
        assert_eq!(wilson(9, 0, Z_95_TWO_SIDED), Interval { low: 0.0, high: 1.0 });
        assert!(wilson(0, 7, Z_95_TWO_SIDED).low.abs() < f64::EPSILON);
        assert_eq!(wilson(9, 7, Z_95_TWO_SIDED), wilson(7, 7, Z_95_TWO_SIDED));
        let huge = wilson(u64::MAX / 2, u64::MAX, Z_95_TWO_SIDED);
        assert!((huge.low - 0.5).abs() < 1e-9 && (huge.high - 0.5).abs() < 1e-9);
    }
}
