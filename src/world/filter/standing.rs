//! A sender's standing at one receiver: what it has earned, what is held against it, and its volume.

use super::Numbers;
use crate::words::Moment;

/// Days with mail whose volume says what is steady: two working weeks. Where a receiver sees a few letters a day, chance alone makes one week half as
/// large as another.
const DAYS_OF_VOLUME: usize = 10;
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
    /// Of these, those up to what is steady.
    steady_today: f64,
    worth_today: f64,
    /// The last day with mail before today.
    last_mail: i64,
    /// The volumes of the last days with mail, the newest first, as far as they were steady: a jump is no history to grow from.
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
            steady_today: 0.0,
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
        let [messages, steady, worth] = [&mut self.messages_today, &mut self.steady_today, &mut self.worth_today].map(std::mem::take);
        if messages == 0.0 {
            // People open on Saturday what came on Friday: it counts, and no day with mail goes by.
            self.worth_lately += worth;
            return;
        }
        self.last_mail = self.today;
        self.volumes.rotate_right(1);
        self.volumes[0] = steady;
        self.messages_lately = self.messages_lately * n.worth_memory + messages;
        self.worth_lately = self.worth_lately * n.worth_memory + worth;
        if !self.is_well_known {
            let pace = n.pace * messages / (messages + n.pace_messages);
            self.earned += pace * (self.deserved(n) - self.earned);
        }
    }

    /// What its mail of the last days deserves: less than nothing where it is worth less than a stranger's is taken to be.
    fn deserved(&self, n: &Numbers) -> f64 {
        // One message more than there were, as a stranger's: a single opened letter is no proof of anything.
        let worth = ((self.worth_lately + n.even_worth) / (self.messages_lately + 1.0)).max(0.0);
        n.most_earned * (worth - n.even_worth) / (worth + n.even_worth)
    }

    /// What passes as steady today.
    fn steady(&self, n: &Numbers, free: f64) -> f64 {
        let most = self.volumes.iter().copied().fold(0.0, f64::max);
        (most * (1.0 + n.growth_share)).max(most + n.growth_messages).max(free)
    }

    /// What is tolerated today: what is steady, until more is held against the sender than it has earned. The more that is, the smaller a part of it; what
    /// passes for anybody passes all the same.
    fn tolerated(&self, steady: f64, n: &Numbers, free: f64) -> f64 {
        let unpaid = (self.harm - self.earned.max(0.0)).max(0.0);
        (steady * n.distrust / (n.distrust + unpaid)).max(free)
    }

    /// Today's volume against what is tolerated; 0 for who is well known.
    pub(super) fn pressure(&self, n: &Numbers, free: f64) -> f64 {
        if self.is_well_known { 0.0 } else { self.messages_today / self.tolerated(self.steady(n, free), n, free) }
    }

    /// One message more today. What goes beyond the steady is held against the sender, message by message; so is, to a smaller part, what goes beyond
    /// what is tolerated from somebody who stands badly: harm that is fed does not fade.
    pub(super) fn message_came(&mut self, n: &Numbers, free: f64) {
        self.messages_today += 1.0;
        if self.is_well_known {
            return;
        }
        let steady = self.steady(n, free);
        let tolerated = self.tolerated(steady, n, free);
        self.steady_today = self.messages_today.min(steady);
        if self.messages_today > steady {
            self.add_harm(n.step_harm / steady, n);
        } else if self.messages_today > tolerated {
            self.add_harm(n.distrust_harm / tolerated, n);
        }
    }

    /// A message while it stands on a blocklist: nothing passes.
    pub(super) fn message_was_refused(&mut self, n: &Numbers, free: f64) {
        self.harm = self.harm.max(n.blocklist_harm);
        self.add_harm(n.distrust_harm / free, n);
    }

    fn add_harm(&mut self, harm: f64, n: &Numbers) {
        self.harm = (self.harm + harm).min(n.most_harm);
    }

    /// What became of a message: worth more than nothing, or less.
    pub(super) fn worth(&mut self, worth: f64) {
        self.worth_today += worth;
    }

    /// Something bad, such as a complaint; it weighs less where there is much mail.
    pub(super) fn harm(&mut self, harm: f64, n: &Numbers) {
        let volume = self.volumes.iter().copied().fold(self.messages_today, f64::max);
        self.add_harm(harm * n.harm_volume / volume.max(n.harm_volume), n);
    }
}
