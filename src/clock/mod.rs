//! The clock: the only place that knows the time, and the only one that sleeps.
//!
//! *Plan time* (due times, back-off, grace, lease renewal) goes through [`Clock`]. *Protocol time* (how long a server may take to
//! answer) and the expiry of a lease are real time, also under the scaled clock: see [`within`] and [`Clock::real_now`].
#![expect(clippy::disallowed_methods, reason = "this is the place that the others are sent to")]

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::words::Moment;

/// The longest single sleep of the system clock: a laptop that was suspended, or a clock that was set, is found out soon after.
const SLICE: Duration = Duration::from_secs(30);
/// The same of a scaled clock, for which a second is long.
const SCALED_SLICE: Duration = Duration::from_secs(1);
/// A wall clock that is set by less than this is no news: it is what keeps it right.
const SET_BY: Duration = Duration::from_secs(10);
/// Real time that a wall clock and the time that nobody sets may differ by because they are read one after the other.
const READ_APART: Duration = Duration::from_millis(50);

/// The environment variable that asks for a scaled clock, such as `2026-12-01T06:00:00Z x1200`.
pub const CLOCK_VARIABLE: &str = "PREHEAT_CLOCK";

/// Where plan time comes from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's wall clock.
    System,
    /// Starts at an instant and runs some times faster: for demos and for runs against real servers.
    Scaled {
        /// Plan time at `origin_real`.
        start: Moment,
        /// When it was `start`, in real time.
        origin_real: Moment,
        /// How many times faster, 1 to 100,000.
        factor: u32,
    },
    /// tokio's clock, paused: time moves only when everybody waits. For rehearsals.
    Virtual {
        /// Plan time at `origin`.
        start: Moment,
        /// When it was `start`.
        origin: Instant,
        /// When the machine sleeps, in order: whoever would wake in between wakes at its end.
        asleep: Arc<[(Moment, Moment)]>,
        /// How somebody sets the wall clock, in order.
        set: Arc<[Setting]>,
    },
}

/// Somebody sets a virtual wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// How long after the clock's start, by the time that nobody sets.
    pub after: Duration,
    /// By how many milliseconds: forward, or back where it is negative.
    pub by: i64,
}

/// A moment that was noted, by the wall clock and by the time that nobody sets. What lies between two of them cannot be shortened by setting the clock.
#[derive(Clone, Copy, Debug)]
pub struct Noted {
    at: Moment,
    /// `None` for what others noted.
    tick: Option<Instant>,
}

impl Noted {
    /// A moment that another process noted: only the wall clock tells how long ago that was.
    pub fn by_others(at: Moment) -> Self {
        Self { at, tick: None }
    }

    /// By the wall clock.
    pub fn at(self) -> Moment {
        self.at
    }
}

/// How a wall clock was set, in plan time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// It shows later than it should: it was set, or the machine slept.
    Forward(Duration),
    /// It shows earlier.
    Back(Duration),
}

/// A `PREHEAT_CLOCK` that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "PREHEAT_CLOCK is `{0}`: write an instant and a factor from 1 to 100000, such as `2026-12-01T06:00:00Z x1200`, and perhaps `since 2026-11-22T20:00:00Z`, the real instant at which it began"
)]
pub struct BadClock(String);

impl Clock {
    /// The clock that the environment asks for: the system's, unless [`CLOCK_VARIABLE`] is set.
    ///
    /// # Errors
    /// [`BadClock`] where the variable cannot be read.
    pub fn from_env() -> Result<Self, BadClock> {
        match std::env::var(CLOCK_VARIABLE) {
            Ok(text) if !text.trim().is_empty() => Self::parse(&text, real_now()),
            _ => Ok(Self::System),
        }
    }

    /// Reads `INSTANT xFACTOR [since REAL]`. Without `since`, plan time is INSTANT at `real_now`; with it, several processes share one scaled clock.
    ///
    /// # Errors
    /// [`BadClock`] with the text.
    pub fn parse(text: &str, real_now: Moment) -> Result<Self, BadClock> {
        let bad = || BadClock(text.chars().filter(|c| !c.is_control()).take(80).collect());
        let words: Vec<&str> = text.split_whitespace().collect();
        let (instant, factor, since) = match words.as_slice() {
            [i, f] => (*i, *f, None),
            [i, f, "since", s] => (*i, *f, Some(*s)),
            _ => return Err(bad()),
        };
        let start = Moment::parse_rfc3339(instant).ok_or_else(bad)?;
        let factor = factor.strip_prefix('x').and_then(|f| f.parse().ok()).filter(|f| (1..=100_000).contains(f)).ok_or_else(bad)?;
        let origin_real = since.map_or(Some(real_now), Moment::parse_rfc3339).ok_or_else(bad)?;
        Ok(Self::Scaled { start, origin_real, factor })
    }

    /// A virtual clock that shows `start` now. To be made inside a tokio runtime whose time is paused.
    pub fn paused_at(start: Moment) -> Self {
        Self::Virtual { start, origin: Instant::now(), asleep: Arc::new([]), set: Arc::new([]) }
    }

    /// The same time on a machine that sleeps in these spans, which are in order and do not touch. Other clocks have none.
    #[must_use]
    pub fn with_sleep(self, spans: Arc<[(Moment, Moment)]>) -> Self {
        match self {
            Self::Virtual { start, origin, set, .. } => Self::Virtual { start, origin, asleep: spans, set },
            other => other,
        }
    }

    /// The same time on a machine whose clock is set, in this order. Other clocks are set by others.
    #[must_use]
    pub fn with_settings(self, settings: Arc<[Setting]>) -> Self {
        match self {
            Self::Virtual { start, origin, asleep, .. } => Self::Virtual { start, origin, asleep, set: settings },
            other => other,
        }
    }

    /// When somebody who wants to wake at `at` does: later, where the machine sleeps then.
    pub fn awake_at(&self, at: Moment) -> Moment {
        let Self::Virtual { asleep, .. } = self else { return at };
        let next = asleep.partition_point(|(_, end)| *end <= at);
        asleep.get(next).filter(|(begin, _)| *begin <= at).map_or(at, |(_, end)| *end)
    }

    /// Plan time.
    pub fn now(&self) -> Moment {
        match self {
            Self::System => real_now(),
            Self::Scaled { start, origin_real, factor } => {
                Moment(start.0.saturating_add((real_now().0 - origin_real.0).saturating_mul(i64::from(*factor))))
            }
            Self::Virtual { start, origin, set, .. } => {
                let passed = origin.elapsed();
                let by: i64 = set.iter().filter(|s| s.after <= passed).map(|s| s.by).sum();
                Moment((*start + passed).0.saturating_add(by))
            }
        }
    }

    /// Now, to be asked later how long ago that was.
    pub fn note(&self) -> Noted {
        Noted { at: self.now(), tick: Some(Instant::now()) }
    }

    /// A moment to come, noted as if it were now.
    pub fn note_ahead(&self, at: Moment) -> Noted {
        Noted { at, tick: Some(Instant::now() + self.real_span(at.since(self.now()))) }
    }

    /// The first moment at which `span` has passed since: by the wall clock, and by the time that nobody sets, too. A machine's sleep does not count as
    /// passing where the system's own steady time stands still in it.
    pub fn after(&self, noted: Noted, span: Duration) -> Moment {
        let by_the_wall = noted.at + span;
        let Some(tick) = noted.tick else { return by_the_wall };
        let passed = Instant::now().saturating_duration_since(tick);
        let ahead = tick.saturating_duration_since(Instant::now());
        let left = (self.real_span(span) + ahead).saturating_sub(passed);
        if left < READ_APART { by_the_wall } else { by_the_wall.max(self.now() + self.plan_span(left)) }
    }

    /// How the wall clock was set since; `None` where it was not, or by a few seconds.
    pub fn set_since(&self, noted: Noted) -> Option<Set> {
        let passed = self.plan_span(noted.tick?.elapsed());
        let should_be = noted.at + passed;
        let now = self.now();
        let least = self.plan_span(SET_BY);
        let (ahead, behind) = (now.since(should_be), should_be.since(now));
        if ahead >= least { Some(Set::Forward(ahead)) } else { Some(Set::Back(behind)).filter(|_| behind >= least) }
    }

    /// Whether the machine slept at some time between two moments.
    pub fn slept_between(&self, from: Moment, to: Moment) -> bool {
        let Self::Virtual { asleep, .. } = self else { return false };
        asleep.iter().any(|(begin, end)| *begin < to && from < *end)
    }

    /// The time that leases are renewed and run out by: real time. Under the virtual clock none passes: there is no other process to fear.
    pub fn lease_now(&self) -> Moment {
        match self {
            Self::System | Self::Scaled { .. } => real_now(),
            Self::Virtual { start, .. } => *start,
        }
    }

    /// Waits for `real` to pass, whatever becomes of the wall clock meanwhile: between two renewals of a lease. Under the virtual clock a day passes: no
    /// lease runs out.
    pub async fn until_renewal(&self, real: Duration) {
        match self {
            Self::System | Self::Scaled { .. } => tokio::time::sleep(real).await,
            Self::Virtual { .. } => self.sleep_until(self.now() + Duration::from_hours(24)).await,
        }
    }

    /// Waits for `real` to pass, whatever becomes of the wall clock meanwhile: for another process. Plan time under the virtual clock.
    pub async fn wait(&self, real: Duration) {
        match self {
            Self::System | Self::Scaled { .. } => tokio::time::sleep(real).await,
            Self::Virtual { .. } => self.sleep_until(self.now() + real).await,
        }
    }

    /// Real time; plan time under the virtual clock.
    pub fn real_now(&self) -> Moment {
        match self {
            Self::System | Self::Scaled { .. } => real_now(),
            Self::Virtual { .. } => self.now(),
        }
    }

    /// Sleeps until plan time is `at` or later; returns at once where it is. Reads the wall clock again after at most 30 s (a second under a
    /// scaled clock): it may have been set.
    pub async fn sleep_until(&self, at: Moment) {
        let at = self.awake_at(at);
        loop {
            let left = at.since(self.now());
            if left.is_zero() {
                return;
            }
            match self {
                Self::System => tokio::time::sleep(left.min(SLICE)).await,
                Self::Scaled { factor, .. } => tokio::time::sleep((left / *factor).max(Duration::from_millis(1)).min(SCALED_SLICE)).await,
                Self::Virtual { origin, set, .. } => {
                    let passed = origin.elapsed();
                    let until_set = set.iter().find(|s| s.after > passed).map(|s| s.after.saturating_sub(passed));
                    tokio::time::sleep(until_set.map_or(left, |until| until.min(left))).await;
                }
            }
        }
    }

    /// Real time that passes while plan time passes `plan`.
    pub fn real_span(&self, plan: Duration) -> Duration {
        match self {
            Self::Scaled { factor, .. } => plan / *factor,
            Self::System | Self::Virtual { .. } => plan,
        }
    }

    /// Plan time that passes while `real` time passes: the other way round.
    pub fn plan_span(&self, real: Duration) -> Duration {
        match self {
            Self::Scaled { factor, .. } => real.saturating_mul(*factor),
            Self::System | Self::Virtual { .. } => real,
        }
    }

    /// Named in every output that uses it; `None` for the system clock.
    pub fn name(&self) -> Option<String> {
        match self {
            Self::System => None,
            Self::Scaled { start, factor, .. } => Some(format!("scaled clock: from {start}, {factor} times faster")),
            Self::Virtual { start, .. } => Some(format!("virtual clock: from {start}")),
        }
    }
}

fn real_now() -> Moment {
    Moment(chrono::Utc::now().timestamp_millis())
}

/// Tells how much real time has passed since it was asked for: for waits of milliseconds, in which plan time has no part.
pub fn stopwatch() -> impl Fn() -> Duration {
    let start = std::time::Instant::now();
    move || start.elapsed()
}

/// A step of a protocol took longer than it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no answer within {} s", .0.as_secs())]
pub struct TimedOut(pub Duration);

/// Runs one protocol step with a deadline in real time.
///
/// # Errors
/// [`TimedOut`] when the deadline passes; the step is dropped, and with it the connection should be.
pub async fn within<F: Future>(limit: Duration, step: F) -> Result<F::Output, TimedOut> {
    tokio::time::timeout(limit, step).await.map_err(|_| TimedOut(limit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scaled_clock_is_read_from_text() {
        let real = Moment::parse_rfc3339("2026-11-22T20:00:00Z").unwrap();
        assert!(
            matches!(Clock::parse("2026-12-01T06:00:00Z x1200", real).unwrap(), Clock::Scaled { factor: 1200, origin_real, .. } if origin_real == real)
        );
        let shared = Clock::parse("2026-12-01T06:00:00Z x1200 since 2026-11-22T19:00:00Z", real).unwrap();
        assert!(matches!(shared, Clock::Scaled { origin_real, .. } if real.since(origin_real) == Duration::from_hours(1)));
        for bad in [
            "",
            "x",
            "2026-12-01 x2",
            "2026-12-01T06:00:00Z 1200",
            "2026-12-01T06:00:00Z x0",
            "2026-12-01T06:00:00Z x2 since",
            "2026-12-01T06:00:00Z x2 since noon",
        ] {
            assert!(Clock::parse(bad, real).is_err(), "{bad}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_machine_that_sleeps_wakes_at_the_end_of_it() {
        let hour = |h: i64| Moment(h * 3_600_000);
        let clock = Clock::paused_at(hour(0)).with_sleep(Arc::new([(hour(2), hour(5)), (hour(7), hour(8))]));
        for (wanted, woken) in [(1, 1), (2, 5), (3, 5), (6, 6), (7, 8), (8, 8), (9, 9)] {
            assert_eq!(clock.awake_at(hour(wanted)), hour(woken));
            clock.sleep_until(hour(wanted)).await;
            assert_eq!(clock.now(), hour(woken));
        }
        assert_eq!(clock.lease_now(), hour(0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_noted_lasts_however_the_clock_is_set() {
        let (minute, hour) = (Duration::from_mins(1), Duration::from_hours(1));
        let set = |after, by| Setting { after, by };
        let clock = Clock::paused_at(Moment(0)).with_settings(Arc::new([set(hour, 3 * 3_600_000), set(hour * 2, -2 * 3_600_000)]));
        clock.sleep_until(Moment(0) + minute * 59).await;
        let (noted, others) = (clock.note(), Noted::by_others(clock.now()));
        assert_eq!(clock.after(noted, minute * 5), Moment(0) + minute * 64);

        // Three hours forward after the first minute: four are left of the five, and others' word is by the wall clock alone.
        tokio::time::sleep(minute).await;
        assert_eq!(clock.now(), Moment(0) + hour * 4);
        assert_eq!(clock.after(noted, minute * 5), clock.now() + minute * 4);
        assert_eq!(clock.after(others, minute * 5), Moment(0) + minute * 64);
        assert_eq!(clock.set_since(noted), Some(Set::Forward(hour * 3)));
        tokio::time::sleep(minute * 4).await;
        assert_eq!(clock.after(noted, minute * 5), Moment(0) + minute * 64, "it has passed");

        // Two hours back: who waits for six o'clock waits as long as the clock needs.
        let noted = clock.note();
        assert_eq!(clock.set_since(noted), None);
        let began = Instant::now();
        clock.sleep_until(Moment(0) + hour * 6).await;
        assert_eq!((clock.now(), began.elapsed()), (Moment(0) + hour * 6, minute * 236));
        assert_eq!(clock.set_since(noted), Some(Set::Back(hour * 2)));
        assert_eq!(clock.after(noted, minute), noted.at() + minute);

        // A slot to come keeps its distance from its own time on.
        let ahead = clock.note_ahead(clock.now() + hour);
        assert_eq!(clock.after(ahead, minute), clock.now() + hour + minute);
    }

    #[tokio::test(start_paused = true)]
    async fn the_virtual_clock_moves_only_by_sleeping() {
        let clock = Clock::paused_at(Moment(0));
        clock.sleep_until(Moment(86_400_000)).await;
        assert_eq!(clock.now(), Moment(86_400_000));
        clock.sleep_until(Moment(5)).await;
        assert_eq!(clock.now(), Moment(86_400_000));
    }
}
