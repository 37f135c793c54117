//! UID sets for commands: compact, and short enough for every server.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::ops::RangeInclusive;

use crate::mail::Uid;

/// The longest set in a command: RFC 2683 §3.2.1.5 advises command lines of at most about 1,000 bytes.
const LONGEST: usize = 900;
/// The most messages that one command speaks of.
const MOST: usize = 500;

/// A part of the UIDs that were asked about, and its text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UidSet {
    pub uids: BTreeSet<u32>,
    /// Such as `1:3,7`.
    pub text: String,
}

/// UIDs as the wire counts them: in order, each once; 0 is none.
pub(super) fn distinct(uids: &[Uid]) -> BTreeSet<u32> {
    uids.iter().map(|uid| uid.0).filter(|uid| *uid > 0).collect()
}

/// Cuts UIDs into sets of bounded size; none where there are no UIDs.
pub(super) fn uid_sets(uids: &BTreeSet<u32>) -> Vec<UidSet> {
    let mut sets: Vec<UidSet> = Vec::new();
    for run in runs(uids) {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = if run.start() == run.end() { write!(text, "{}", run.start()) } else { write!(text, "{}:{}", run.start(), run.end()) };
        match sets.last_mut() {
            Some(set) if set.text.len() + 1 + text.len() <= LONGEST && set.uids.len() + run.clone().count() <= MOST => {
                set.text = format!("{},{text}", set.text);
                set.uids.extend(run);
            }
            _ => sets.push(UidSet { uids: run.collect(), text }),
        }
    }
    sets
}

/// Runs of consecutive UIDs, none longer than a set may be.
fn runs(uids: &BTreeSet<u32>) -> Vec<RangeInclusive<u32>> {
    let mut runs: Vec<RangeInclusive<u32>> = Vec::new();
    for &uid in uids {
        match runs.last_mut() {
            Some(run) if run.end().checked_add(1) == Some(uid) && (uid - run.start()) < MOST as u32 => *run = *run.start()..=uid,
            _ => runs.push(uid..=uid),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(uids: &[u32]) -> Vec<String> {
        uid_sets(&uids.iter().copied().collect()).into_iter().map(|s| s.text).collect()
    }

    #[test]
    fn sets_are_compact() {
        assert_eq!(texts(&[]), Vec::<String>::new());
        assert_eq!(texts(&[7]), ["7"]);
        assert_eq!(texts(&[9, 1, 2, 3, 7, 8, 3]), ["1:3,7:9"]);
        assert_eq!(texts(&[u32::MAX, u32::MAX - 1]), ["4294967294:4294967295"]);
        assert_eq!(distinct(&[Uid(3), Uid(0), Uid(3)]), BTreeSet::from([3]));
    }

    #[test]
    fn sets_are_bounded_and_lose_nothing() {
        let dense: Vec<u32> = (1..=1_250).collect();
        assert_eq!(texts(&dense), ["1:500", "501:1000", "1001:1250"]);
        let sparse: BTreeSet<u32> = (0..2_000).map(|n| 4_000_000_000 + n * 3).collect();
        let sets = uid_sets(&sparse);
        assert!(sets.iter().all(|s| s.text.len() <= LONGEST && s.uids.len() <= MOST));
        assert_eq!(sets.iter().flat_map(|s| s.uids.clone()).collect::<BTreeSet<_>>(), sparse);
    }
}
