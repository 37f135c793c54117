//! A sender's standing at one receiver: what it has earned, what is held against it, and its volume.

use super::Numbers;
use crate::words::Moment;

/// Days with mail whose volume says what is steady.
const DAYS_OF_VOLUME: usize = 5;
const DAY_MS: i64 = 86_400_000;

/// The day of UTC that a moment is on, counted from 1970.
pub(super) fn day_of(at: Moment) -> i64 {
    at.0.div_euclid(DAY_MS)
}

/// What one receiver thinks of a domain or of a mailbox. Scores are those of `assumptions.yaml`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    is_well_known: bool,
    /// The day that the sums below are of.
    today: i64,
    messages_today: f64,
    worth_today: f64,
    /// The last day with mail before today.
    last_mail: i64,
    /// The volumes of the last days with mail, the newest first.
    volumes: [f64; DAYS_OF_VOLUME],
    /// Messages, and what people did with them, over the last days; older days count less.
    messages_lately: f64,
    worth_lately: f64,
    earned: f64,
    harm: f64,
}

impl Standing {
    /// Nobody has heard of it.
    pub(super) fn unknown(today: i64) -> Self {
        Self {
            is_well_known: false,
            today,
            messages_today: 0.0,
            worth_today: 0.0,
            last_mail: today,
            volumes: [0.0; DAYS_OF_VOLUME],
            messages_lately: 0.0,
            worth_lately: 0.0,
            earned: 0.0,
            harm: 0.0,
        }
    }

    /// Known and liked for years.
    pub(super) fn well_known(n: &Numbers, today: i64) -> Self {
        Self { is_well_known: true, earned: n.well_known, ..Self::unknown(today) }
    }

    pub(super) fn make_well_known(&mut self, n: &Numbers) {
        (self.is_well_known, self.earned) = (true, n.well_known);
    }

    /// What counts: earned less harm.
    pub(super) fn score(&self) -> f64 {
        self.earned - self.harm
    }

    /// Ends the days up to `day`. A day that lies back counts as today.
    pub(super) fn go_to(&mut self, day: i64, n: &Numbers) {
        if day <= self.today {
            return;
        }
        self.end_today(n);
        let silent_after = |d: i64| ((d - 1 - self.last_mail) as f64 - n.idle_grace).max(0.0);
        let newly_idle = silent_after(day) - silent_after(self.today);
        if !self.is_well_known {
            self.earned *= n.idle_keeps.powf(newly_idle);
        }
        self.harm *= 0.5_f64.powf((day - self.today) as f64 / n.harm_half_life);
        if (day - self.last_mail) as f64 > n.volume_memory {
            self.volumes = [0.0; DAYS_OF_VOLUME];
        }
        self.today = day;
    }

    /// Adds today to what was: its volume, and what its mail was worth.
    fn end_today(&mut self, n: &Numbers) {
        let (messages, worth) = (std::mem::take(&mut self.messages_today), std::mem::take(&mut self.worth_today));
        if messages == 0.0 {
            // People open on Saturday what came on Friday: it counts, and no day with mail goes by.
            self.worth_lately += worth;
            return;
        }
        self.last_mail = self.today;
        self.volumes.rotate_right(1);
        self.volumes[0] = messages;
        self.messages_lately = self.messages_lately * n.worth_memory + messages;
        self.worth_lately = self.worth_lately * n.worth_memory + worth;
        if !self.is_well_known {
            let pace = n.pace * messages / (messages + n.pace_messages);
            self.earned += pace * (self.deserved(n) - self.earned);
        }
    }

    /// What its mail of the last days deserves.
    fn deserved(&self, n: &Numbers) -> f64 {
        // One message more than there were: a single opened letter is no proof of anything.
        let worth = n.steady_worth + self.worth_lately / (self.messages_lately + 1.0);
        n.most_earned * worth / (worth + n.worth_half)
    }

    /// What passes as steady today.
    fn steady(&self, n: &Numbers, free: f64) -> f64 {
        let most = self.volumes.iter().copied().fold(0.0, f64::max);
        (most * (1.0 + n.growth_share)).max(most + n.growth_messages).max(free)
    }

    /// Today's volume against what passes as steady; 0 for who is well known.
    pub(super) fn pressure(&self, n: &Numbers, free: f64) -> f64 {
        if self.is_well_known { 0.0 } else { self.messages_today / self.steady(n, free) }
    }

    /// One message more today. What goes beyond the steady is held against the sender, message by message.
    pub(super) fn message_came(&mut self, n: &Numbers, free: f64) {
        self.messages_today += 1.0;
        if self.pressure(n, free) > 1.0 {
            self.harm = (self.harm + n.step_harm / self.steady(n, free)).min(n.most_harm);
        }
    }

    /// Somebody did something good with a message.
    pub(super) fn worth(&mut self, worth: f64) {
        self.worth_today += worth;
    }

    /// Something bad, such as a complaint; it weighs less where there is much mail.
    pub(super) fn harm(&mut self, harm: f64, n: &Numbers) {
        let volume = self.volumes.iter().copied().fold(self.messages_today, f64::max);
        self.harm = (self.harm + harm * n.harm_volume / volume.max(n.harm_volume)).min(n.most_harm);
    }

    /// It stands on a blocklist.
    pub(super) fn is_listed(&mut self, n: &Numbers) {
        self.harm = self.harm.max(n.blocklist_harm);
    }
}
