//! What stands between a mailbox and its quota, in words.

use chrono::NaiveTime;

use super::roster::Roster;
use crate::config::PairLimits;

/// Why a mailbox starts no further letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// Nobody outside its domain and group may receive.
    Alone,
    /// The daily limit of every pair is used.
    PairDay,
    /// The weekly limit of every pair is used.
    PairWeek,
    /// The weekly limit, taken evenly over the week's send-days.
    Pace(u32),
    /// Every recipient has what it may receive.
    Receive,
    /// Most of them are at a provider that gets a quarter of its share.
    Quarter,
    /// Its window and gap hold no more than this.
    Window(u32),
    /// Its domain's gap holds no more than this for it.
    DomainGap(u32),
    /// Its own limit on starts.
    StartLimit(u32),
}

impl Obstacle {
    /// Whether more recipients would help.
    pub fn wants_recipients(self) -> bool {
        matches!(self, Self::Alone | Self::PairDay | Self::PairWeek | Self::Pace(_) | Self::Receive)
    }

    /// The sentence for mailbox `i`.
    pub fn words(self, roster: &Roster<'_>, i: usize, limits: &PairLimits) -> String {
        let p = roster.people[i];
        let domain = &roster.domains[roster.domain[i]];
        let outside = match &p.group {
            Some(group) => format!("outside {domain} and group {group}"),
            None => format!("outside {domain}"),
        };
        match self {
            Self::Alone => format!("nobody {outside} may receive"),
            Self::PairDay => format!("every recipient {outside} has {} from it already", letters(limits.max_per_pair)),
            Self::PairWeek => format!("every recipient {outside} has {} from it in 7 days already", letters(limits.max_per_pair_week)),
            Self::Pace(starts) => {
                format!(
                    "{} a pair on a day and {} in 7 days leave it {} a day",
                    letters(limits.max_per_pair),
                    limits.max_per_pair_week,
                    plural(starts, "start")
                )
            }
            Self::Receive => format!("every recipient {outside} that it may still write to receives all it may"),
            Self::Quarter => {
                format!("the guard gives a provider of {domain}'s recipients a quarter of its share, and the others have all they may")
            }
            Self::Window(held) => format!(
                "its window {}–{} holds {} with {} between them",
                clock(p.window.from),
                clock(p.window.to),
                letters(held),
                span(p.window.mailbox_gap.as_secs())
            ),
            Self::DomainGap(held) => {
                format!("{} between two letters of {domain} leave it {}", span(p.window.domain_gap.as_secs()), letters(held))
            }
            Self::StartLimit(starts) => format!("it starts {} a day at most", plural(starts, "thread")),
        }
    }
}

pub(super) fn plural(n: u32, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

fn letters(n: u32) -> String {
    plural(n, "letter")
}

fn clock(t: NaiveTime) -> String {
    t.format("%H:%M").to_string()
}

fn span(seconds: u64) -> String {
    if seconds >= 60 && seconds.is_multiple_of(60) { format!("{} min", seconds / 60) } else { format!("{seconds} s") }
}
