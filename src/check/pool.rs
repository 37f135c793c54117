//! The pool itself: can it carry what its schedules ask for?

use std::collections::BTreeMap;

use crate::agenda::{Participant, carries};
use crate::config::Config;
use crate::words::{Address, Finding};

/// The feasibility proof at the peak of every ramp, as findings.
pub fn check_pool(config: &Config, participants: &[Participant]) -> Vec<Finding> {
    let peaks: BTreeMap<Address, u32> = config
        .mailboxes
        .values()
        .filter_map(|m| config.schedule_of(m).map(|s| (m.address.clone(), s.ramp.target.min(m.daily_cap.unwrap_or(u32::MAX)))))
        .collect();
    let proof = carries(participants, &config.pairs, &peaks);
    let mut findings = proof.refusals;
    if let Some(thin) = proof.thin {
        findings.push(Finding::warning(config.pool.clone(), thin));
    }
    let falls_short = proof.per_mailbox.values().any(|c| c.carries < c.wanted);
    for sentence in proof.sentences {
        findings.push(if falls_short {
            Finding::warning(config.pool.clone(), sentence)
        } else {
            Finding::note(config.pool.clone(), sentence)
        });
    }
    findings
}
