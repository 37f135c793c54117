//! Mailboxes of the config as the agenda wants them.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::NaiveTime;

use crate::agenda::Participant;
use crate::config::{Calendar, Config, DayName, Engagement, Mailbox, Window};
use crate::words::Role;

/// What a mailbox does with what it receives: its schedule's, or the default.
pub fn engagement_of(config: &Config, mailbox: &Mailbox) -> Engagement {
    config.schedule_of(mailbox).map_or_else(Engagement::default, |s| s.engagement.clone())
}

/// At which times it sends: its schedule's, or 08:30–17:30.
pub fn window_of(config: &Config, mailbox: &Mailbox) -> Window {
    let time = |h, m| NaiveTime::from_hms_opt(h, m, 0).unwrap_or_default();
    let partners = Window { from: time(8, 30), to: time(17, 30), mailbox_gap: Duration::from_mins(5), domain_gap: Duration::ZERO };
    config.schedule_of(mailbox).map_or(partners, |s| s.window)
}

/// On which days it sends: its schedule's; partners every day.
pub fn calendar_of(config: &Config, mailbox: &Mailbox) -> Calendar {
    let every_day = || Calendar { weekdays: (0..7).map(DayName).collect(), weekend_factor: 1.0, holidays: BTreeSet::new() };
    config.schedule_of(mailbox).map_or_else(every_day, |s| s.calendar.clone())
}

/// A mailbox as the agenda wants it, with its quota for the date.
pub fn participant(config: &Config, mailbox: &Mailbox, quota: u32) -> Participant {
    Participant {
        address: mailbox.address.clone(),
        role: mailbox.role,
        provider: mailbox.provider,
        group: mailbox.group.clone(),
        zone: mailbox.zone,
        window: window_of(config, mailbox),
        calendar: calendar_of(config, mailbox),
        quota,
        start_limit: (mailbox.role == Role::Partner).then_some(mailbox.start_limit),
        receive_limit: mailbox.receive_limit,
        engagement: engagement_of(config, mailbox),
    }
}
