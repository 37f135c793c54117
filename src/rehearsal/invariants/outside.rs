//! Invariant 3: nothing outside the pool gets warmup mail, and nothing that is not ours is touched.

use std::collections::{BTreeMap, BTreeSet};

use super::case::Case;
use super::found::Found;
use crate::words::Address;
use crate::world::{Evidence, World};

/// Somebody else's message, as it was planted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planted {
    /// In whose mailbox.
    pub account: Address,
    /// Its identity in the world.
    pub serial: u64,
    /// The folder it lies in.
    pub folder: String,
    /// Its flags and labels.
    pub flags: BTreeSet<String>,
}

/// Every planted message as it lies there now. To be asked before the first run, and given to the invariants afterwards.
pub fn planted_in(world: &World) -> Vec<Planted> {
    let mut planted = Vec::new();
    for account in world.addresses() {
        world.with_account(&account, |a| {
            for (folder, contents) in &a.folders {
                planted.extend(contents.messages.values().filter(|m| m.planted).map(|m| Planted {
                    account: account.clone(),
                    serial: m.serial,
                    folder: folder.clone(),
                    flags: m.flags.iter().chain(&m.labels).cloned().collect(),
                }));
            }
        });
    }
    planted
}

pub(super) fn check(case: &Case<'_>, evidence: &Evidence, found: &mut Found) {
    stays_in_the_pool(case, evidence, found);
    nothing_planted_was_touched(case, evidence, found);
}

/// Every submission, taken or refused, is from and to pool addresses, and every one that was taken is a letter.
fn stays_in_the_pool(case: &Case<'_>, evidence: &Evidence, found: &mut Found) {
    for s in &evidence.submissions {
        for (who, what) in [(&s.from, "from"), (&s.to, "to")] {
            if !case.members.contains_key(who) {
                found
                    .add(3, s.letter, || format!("{} was offered a message {what} {who} at {}, which is not in the pool", s.account, s.at));
            }
        }
        if s.account != s.from {
            found.add(3, s.letter, || format!("{} sent as {} at {}", s.account, s.from, s.at));
        }
        if s.accepted && s.letter.is_none() {
            found.add(3, None, || format!("{} sent {} a message at {} that is no letter", s.from, s.to, s.at));
        }
    }
}

/// Nobody moved, flagged, copied, opened or deleted what is not ours.
fn nothing_planted_was_touched(case: &Case<'_>, evidence: &Evidence, found: &mut Found) {
    for t in &evidence.touched {
        found.add(3, None, || format!("somebody else's message {} of {} was {} at {}", t.serial, t.account, t.what, t.at));
    }
    let now: BTreeMap<u64, Planted> = planted_in(case.facts.world).into_iter().map(|p| (p.serial, p)).collect();
    for was in case.facts.planted {
        match now.get(&was.serial) {
            Some(is) if is == was => {}
            Some(is) => found.add(3, None, || {
                let shown = |p: &Planted| format!("in {} of {} with {:?}", p.folder, p.account, p.flags);
                format!("somebody else's message {} was {}, and is {}", was.serial, shown(was), shown(is))
            }),
            None => found.add(3, None, || format!("somebody else's message {} is gone from {} of {}", was.serial, was.folder, was.account)),
        }
    }
}
