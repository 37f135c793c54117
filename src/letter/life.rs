//! Which step of a letter's life may follow which: one function, used live and at replay.

use crate::words::LetterState;

/// Something that happens to a letter. What the ledger's step table records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterEvent {
    /// The intent is durable: after the 354, before the first byte.
    HandedOver,
    /// 2xx after the final dot.
    Accepted,
    /// 4xx at MAIL, RCPT or DATA: nothing was taken.
    Deferred,
    /// 5xx at MAIL, RCPT or DATA (nothing was taken), or 4xx/5xx after the final dot.
    Rejected,
    /// No final reply, or a crash: it may have been taken.
    LostSight,
    /// An uncertain letter was found in the sender's Sent folder or at the recipient.
    Found,
    /// IMAP showed it at the recipient.
    Seen,
    /// Not seen 24 hours after it was accepted, although every folder was read.
    GoneMissing,
    /// A bounce of it was read.
    Bounced,
    /// Uncertain for 72 hours.
    GivenUp,
    /// It will not be sent.
    Skipped,
}

/// A step that cannot follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a letter that is {from} cannot be {event}")]
pub struct IllegalStep {
    /// The state it is in.
    pub from: LetterState,
    /// What was said to happen.
    pub event: LetterEvent,
}

impl LetterEvent {
    /// Every event, in order.
    pub const ALL: [Self; 11] = [
        Self::HandedOver,
        Self::Accepted,
        Self::Deferred,
        Self::Rejected,
        Self::LostSight,
        Self::Found,
        Self::Seen,
        Self::GoneMissing,
        Self::Bounced,
        Self::GivenUp,
        Self::Skipped,
    ];

    /// Whether it shows that a server took the letter, even if the reply was never heard: what is seen, or bounces, was accepted before.
    pub const fn shows_acceptance(self) -> bool {
        matches!(self, Self::Accepted | Self::Found | Self::Seen | Self::Bounced)
    }

    /// The word in the ledger.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HandedOver => "handed",
            Self::Accepted => "accepted",
            Self::Deferred => "deferred",
            Self::Rejected => "rejected",
            Self::LostSight => "uncertain",
            Self::Found => "found",
            Self::Seen => "seen",
            Self::GoneMissing => "missing",
            Self::Bounced => "bounced",
            Self::GivenUp => "unaccounted",
            Self::Skipped => "skipped",
        }
    }

    /// Reads the word back.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|e| e.as_str() == text)
    }
}

impl std::fmt::Display for LetterEvent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// The state that `event` leads to.
///
/// # Errors
/// [`IllegalStep`] where it cannot follow: a bug, or a ledger that somebody edited. Nothing is changed then.
pub fn next_state(from: LetterState, event: LetterEvent) -> Result<LetterState, IllegalStep> {
    use LetterEvent as E;
    use LetterState as S;
    let to = match (from, event) {
        (S::Planned | S::Deferred, E::HandedOver) => S::Handed,
        (S::Planned | S::Deferred, E::Deferred) => S::Deferred,
        (S::Planned | S::Deferred | S::Handed, E::Rejected) => S::Rejected,
        (S::Planned | S::Deferred, E::Skipped) => S::Skipped,
        (S::Handed, E::Accepted) => S::Accepted,
        (S::Handed, E::LostSight) => S::Uncertain,
        (S::Uncertain | S::Unaccounted, E::Found) => S::Accepted,
        (S::Uncertain, E::GivenUp) => S::Unaccounted,
        (S::Handed | S::Uncertain | S::Unaccounted | S::Accepted | S::Missing | S::Seen, E::Seen) => S::Seen,
        (S::Accepted, E::GoneMissing) => S::Missing,
        (S::Handed | S::Uncertain | S::Unaccounted | S::Accepted | S::Missing, E::Bounced) => S::Bounced,
        // Late knowledge. A run that was taken for dead may still hear the reply to what another run has called uncertain: the reply is the
        // better knowledge. And mail is faster than a commit: a letter may be seen, or bounce, before its sender's reply is written down, or
        // although that reply was lost. Nothing that was seen can be unseen.
        (S::Uncertain | S::Unaccounted, E::Accepted) => S::Accepted,
        (S::Uncertain | S::Unaccounted, E::Rejected) => S::Rejected,
        (S::Uncertain, E::LostSight) => S::Uncertain,
        (S::Unaccounted, E::LostSight) => S::Unaccounted,
        (S::Accepted, E::Accepted | E::Found | E::LostSight) => S::Accepted,
        (S::Missing, E::Accepted | E::Found | E::LostSight) => S::Missing,
        (S::Seen, E::Accepted | E::Found | E::LostSight | E::Rejected) => S::Seen,
        (S::Bounced, E::Accepted | E::Found | E::LostSight | E::Rejected | E::Bounced) => S::Bounced,
        _ => return Err(IllegalStep { from, event }),
    };
    Ok(to)
}

/// Whether a report that a letter came back would end it: it may be out, and neither was it seen nor is it known to have bounced.
pub fn can_bounce(state: LetterState) -> bool {
    state != LetterState::Bounced && next_state(state, LetterEvent::Bounced) == Ok(LetterState::Bounced)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    #[test]
    fn the_whole_table() {
        let mut table = String::new();
        for s in LetterState::ALL {
            let steps: Vec<String> =
                LetterEvent::ALL.iter().filter_map(|e| next_state(*s, *e).ok().map(|to| format!("{e}→{to}"))).collect();
            writeln!(table, "{s}: {}", if steps.is_empty() { "(an end)".to_owned() } else { steps.join(" ") }).unwrap();
        }
        insta::assert_snapshot!(table, @r"
        planned: handed→handed deferred→deferred rejected→rejected skipped→skipped
        deferred: handed→handed deferred→deferred rejected→rejected skipped→skipped
        handed: accepted→accepted rejected→rejected uncertain→uncertain seen→seen bounced→bounced
        uncertain: accepted→accepted rejected→rejected uncertain→uncertain found→accepted seen→seen bounced→bounced unaccounted→unaccounted
        accepted: accepted→accepted uncertain→accepted found→accepted seen→seen missing→missing bounced→bounced
        seen: accepted→seen rejected→seen uncertain→seen found→seen seen→seen
        missing: accepted→missing uncertain→missing found→missing seen→seen bounced→bounced
        bounced: accepted→bounced rejected→bounced uncertain→bounced found→bounced bounced→bounced
        unaccounted: accepted→accepted rejected→rejected uncertain→unaccounted found→accepted seen→seen bounced→bounced
        rejected: (an end)
        skipped: (an end)
        ");
    }

    #[test]
    fn nothing_that_may_have_been_taken_can_be_handed_over_again() {
        for s in LetterState::ALL {
            let may_be_out = !matches!(s, LetterState::Planned | LetterState::Deferred);
            if may_be_out {
                assert!(next_state(*s, LetterEvent::HandedOver).is_err(), "{s}");
            }
        }
    }
}
