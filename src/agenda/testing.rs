//! Pools for tests.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::NaiveTime;

use super::model::Participant;
use crate::config::{Calendar, DayName, Engagement, PairLimits, Window};
use crate::words::{Address, LocalDate, Provider, Role};

/// A Tuesday without a change of clocks anywhere near.
pub fn day() -> LocalDate {
    LocalDate::ymd(2026, 12, 1).unwrap()
}

pub fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

pub fn time(h: u32, m: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(h, m, 0).unwrap()
}

/// Monday to Friday.
pub fn workdays() -> Calendar {
    Calendar { weekdays: (0..5).map(DayName).collect(), weekend_factor: 0.0, holidays: BTreeSet::new() }
}

pub fn limits() -> PairLimits {
    PairLimits { max_per_pair: 3, max_per_pair_week: 12, thread_length: 4, provider_mix: BTreeMap::new() }
}

pub fn warming(text: &str, quota: u32) -> Participant {
    Participant {
        address: address(text),
        role: Role::Warming,
        provider: Provider::Generic,
        group: None,
        zone: chrono_tz::UTC,
        window: Window { from: time(8, 30), to: time(17, 30), mailbox_gap: Duration::from_mins(5), domain_gap: Duration::from_secs(90) },
        calendar: workdays(),
        quota,
        start_limit: None,
        receive_limit: 20,
        engagement: Engagement::default(),
    }
}

pub fn partner(text: &str) -> Participant {
    Participant {
        role: Role::Partner,
        provider: Provider::Gmail,
        calendar: Calendar { weekend_factor: 1.0, ..workdays() },
        start_limit: Some(3),
        ..warming(text, 12)
    }
}

/// The pool of the real day: 12 warming mailboxes on 3 domains.
pub fn twelve_on_three(quota: u32) -> Vec<Participant> {
    (0..12).map(|n| Participant { receive_limit: 40, ..warming(&format!("m{n}@d{}.test", n % 3), quota) }).collect()
}
