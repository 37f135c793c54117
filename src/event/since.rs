//! From where on somebody wants the stream.

use std::time::Duration;

use chrono::NaiveTime;

use super::EventId;
use crate::config::scalars::duration;
use crate::words::{LocalDate, Moment, Zone};

/// From where on somebody wants the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// A point in time, itself among it.
    Time(Moment),
    /// The beginning of a date.
    Date(LocalDate),
    /// So long ago.
    Ago(Duration),
    /// What comes after an event.
    Event(EventId),
}

impl Since {
    /// Reads `2026-12-01T08:00:00Z`, `2026-12-01`, `7d` or `1h30m`, or an event's id.
    ///
    /// # Errors
    /// What it may be.
    pub fn parse(text: &str) -> Result<Self, String> {
        Moment::parse_rfc3339(text)
            .map(Self::Time)
            .or_else(|| LocalDate::parse(text).map(Self::Date))
            .or_else(|| duration(text).map(Self::Ago))
            .or_else(|| EventId::parse(text).map(Self::Event))
            .ok_or_else(|| {
                "write a time (2026-12-01T08:00:00Z), a date (2026-12-01), how long ago (2h, 7d), or the id of an event".to_owned()
            })
    }

    /// After which place the stream begins. A date begins at midnight in `zone`.
    pub fn place(self, now: Moment, zone: Zone) -> EventId {
        match self {
            Self::Time(at) => EventId::before(at),
            Self::Date(date) => EventId::before(date.at(NaiveTime::MIN, zone)),
            Self::Ago(span) => EventId::before(now - span),
            Self::Event(id) => id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_a_date_a_span_and_an_id() {
        let now = Moment::parse_rfc3339("2026-12-01T06:00:00Z").unwrap();
        let place = |text: &str| Since::parse(text).unwrap().place(now, chrono_tz::Europe::Berlin);
        let before = |text| EventId::before(Moment::parse_rfc3339(text).unwrap());
        assert_eq!(place("2026-12-01T05:00:00.250+01:00"), before("2026-12-01T04:00:00.250Z"));
        assert_eq!(place("2026-12-01"), before("2026-11-30T23:00:00Z"));
        assert_eq!(place("1d2h"), before("2026-11-30T04:00:00Z"));
        let id = EventId::new(now, 0, &["x"]);
        assert_eq!(place(&id.to_string()), id);
        assert!(place("9000000000000d") <= EventId::before(Moment(0)), "longer ago than there is time");
        for bad in ["", "yesterday", "2026-12", "2026-13-01", "7", "7w", "-2h", "99999999999999999999d", "01a23092b47b", "2026-12-01T08:00"]
        {
            assert!(Since::parse(bad).unwrap_err().contains("2h, 7d"), "{bad}");
        }
    }
}
