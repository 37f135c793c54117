//! Schedules for tests, built by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::NaiveTime;

use super::{CurveMark, DayRecord};
use crate::config::{AfterRamp, Calendar, Curve, DayName, Engagement, Growth, Ramp, Schedule, ScheduleOrigin, StepUnit, Window};
use crate::words::{Address, LocalDate};

pub(crate) fn date(text: &str) -> LocalDate {
    LocalDate::parse(text).unwrap()
}

pub(crate) fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

/// With the default growth bound and without jitter.
pub(crate) fn ramp(start: u32, target: u32, weeks: u32, curve: Curve) -> Ramp {
    Ramp { start, target, weeks, curve, max_daily_growth: Some(Growth { messages: 2, share: 0.20 }), jitter: 0.0 }
}

pub(crate) fn steps(volumes: &[u32], per: StepUnit) -> Ramp {
    let (start, target) = (volumes.first().copied().unwrap_or(1), volumes.iter().copied().max().unwrap_or(1));
    Ramp { max_daily_growth: None, ..ramp(start, target, 6, Curve::Steps { volumes: volumes.to_vec(), per }) }
}

/// Mondays are 0.
pub(crate) fn calendar(weekdays: impl IntoIterator<Item = u8>, weekend_factor: f64, holidays: &[&str]) -> Calendar {
    Calendar {
        weekdays: weekdays.into_iter().map(DayName).collect(),
        weekend_factor,
        holidays: holidays.iter().map(|d| date(d)).collect::<BTreeSet<_>>(),
    }
}

/// Monday to Friday.
pub(crate) fn plain_calendar() -> Calendar {
    calendar(0..5, 0.0, &[])
}

pub(crate) fn schedule(ramp: Ramp) -> Schedule {
    let time = |h, m| NaiveTime::from_hms_opt(h, m, 0).unwrap();
    Schedule {
        name: "standard-6w".into(),
        origin: ScheduleOrigin::Shipped,
        about: "For tests.".into(),
        ramp,
        calendar: plain_calendar(),
        window: Window { from: time(8, 30), to: time(17, 30), mailbox_gap: Duration::from_mins(5), domain_gap: Duration::from_secs(90) },
        engagement: Engagement::default(),
        after: AfterRamp::Maintain(10),
        share: 1.0,
    }
}

/// 4 to 30 in a straight line over 30 send-days.
pub(crate) fn standard() -> Schedule {
    schedule(ramp(4, 30, 6, Curve::Linear))
}

/// A day on which everything went out and the guard said nothing.
pub(crate) fn good_day(on: &str, quota: u32, curve: CurveMark) -> DayRecord {
    DayRecord { date: date(on), quota, total: quota, offered: quota, accepted: quota, outside: 0, verdict: None, curve }
}

pub(crate) fn wanted(all: &[(&str, u32)]) -> BTreeMap<Address, u32> {
    all.iter().map(|(a, n)| (address(a), *n)).collect()
}
