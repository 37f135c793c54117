//! Moments (UTC), local dates, ramp days and zones.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, SecondsFormat, TimeDelta, TimeZone, Utc, Weekday};

/// An IANA time zone.
pub type Zone = chrono_tz::Tz;

/// A point in time: whole milliseconds since 1970-01-01T00:00:00Z. What the ledger stores.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment(pub i64);

impl Moment {
    /// Reads RFC 3339, such as `2026-12-01T06:00:00Z`.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        DateTime::parse_from_rfc3339(text).ok().map(|t| Self(t.timestamp_millis()))
    }

    /// As chrono's UTC time; moments beyond chrono's range (±262,000 years) become the epoch.
    pub fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(self.0).unwrap_or_default()
    }

    /// The wall clock in `zone`.
    pub fn in_zone(self, zone: Zone) -> DateTime<Zone> {
        self.utc().with_timezone(&zone)
    }

    /// The date on the calendar of `zone`.
    pub fn local_date(self, zone: Zone) -> LocalDate {
        LocalDate(self.in_zone(zone).date_naive())
    }

    /// Time from `earlier` to here; zero where `earlier` is later (a clock that went back).
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl Add<Duration> for Moment {
    type Output = Self;
    fn add(self, d: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(d.as_millis()).unwrap_or(i64::MAX)))
    }
}
impl Sub<Duration> for Moment {
    type Output = Self;
    fn sub(self, d: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(d.as_millis()).unwrap_or(i64::MAX)))
    }
}
impl fmt::Display for Moment {
    /// RFC 3339 in UTC, to the second.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.utc().to_rfc3339_opts(SecondsFormat::Secs, true))
    }
}
impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.utc().to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}
impl serde::Serialize for Moment {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// A date on a mailbox's own calendar. It decides quota and window.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalDate(pub NaiveDate);

impl LocalDate {
    /// 1970-01-01.
    pub const EPOCH: Self = Self(NaiveDate::from_epoch_days(0).unwrap());
    /// The last date that the ledger can hold.
    pub const LAST: Self = Self(NaiveDate::from_ymd_opt(9999, 12, 31).unwrap());

    /// From year, month, day; `None` where there is no such day.
    pub fn ymd(year: i32, month: u32, day: u32) -> Option<Self> {
        NaiveDate::from_ymd_opt(year, month, day).map(Self)
    }

    /// Reads `2026-12-01`.
    pub fn parse(text: &str) -> Option<Self> {
        // By hand: every row of the ledger has a date.
        let digits = text.as_bytes();
        if digits.len() != 10 || digits[4] != b'-' || digits[7] != b'-' {
            return None;
        }
        let number = |digits: &[u8]| digits.iter().try_fold(0, |n, digit| digit.is_ascii_digit().then(|| n * 10 + u32::from(digit - b'0')));
        Self::ymd(i32::try_from(number(&digits[..4])?).ok()?, number(&digits[5..7])?, number(&digits[8..])?)
    }

    /// The date `n` days on.
    #[must_use]
    pub fn plus(self, n: u32) -> Self {
        Self(self.0.checked_add_days(Days::new(u64::from(n))).unwrap_or(self.0))
    }

    /// The date `n` days back.
    #[must_use]
    pub fn minus(self, n: u32) -> Self {
        Self(self.0.checked_sub_days(Days::new(u64::from(n))).unwrap_or(self.0))
    }

    /// Whole days from `earlier` to here; negative where `earlier` is later.
    pub fn days_since(self, earlier: Self) -> i64 {
        (self.0 - earlier.0).num_days()
    }

    /// Monday to Sunday.
    pub fn weekday(self) -> Weekday {
        self.0.weekday()
    }

    /// The moment at which `zone`'s wall clock shows `time` on this date.
    ///
    /// A time that does not exist (spring) rolls forward by the length of the gap; one that exists twice (autumn) takes the earlier.
    pub fn at(self, time: NaiveTime, zone: Zone) -> Moment {
        use chrono::offset::LocalResult;
        let naive = self.0.and_time(time);
        let t = match zone.from_local_datetime(&naive) {
            LocalResult::Single(t) | LocalResult::Ambiguous(t, _) => t,
            LocalResult::None => {
                // The offset in force a day earlier is the one before the gap: read with it, the clock lands behind the gap.
                let before = zone.offset_from_utc_datetime(&(naive - TimeDelta::days(1)));
                let offset = chrono::Offset::fix(&before);
                return Moment((naive - offset).and_utc().timestamp_millis());
            }
        };
        Moment(t.timestamp_millis())
    }
}

impl fmt::Display for LocalDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // By hand, as it is read: dates are written for every question to the ledger.
        let (Ok(year @ 0..=9999), month, day) = (u32::try_from(self.0.year()), self.0.month(), self.0.day()) else {
            return f.pad(&self.0.to_string());
        };
        let digit = |n: u32| b'0' + (n % 10) as u8;
        let text = [
            digit(year / 1000),
            digit(year / 100),
            digit(year / 10),
            digit(year),
            b'-',
            digit(month / 10),
            digit(month),
            b'-',
            digit(day / 10),
            digit(day),
        ];
        f.pad(std::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}
impl fmt::Debug for LocalDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl serde::Serialize for LocalDate {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// The position on the ramp: 1 is the first day. Earned one send-day at a time; not the calendar day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(transparent)]
pub struct RampDay(pub u32);

impl RampDay {
    /// Where every ramp begins.
    pub const FIRST: Self = Self(1);
}

impl fmt::Display for RampDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::{Australia::Lord_Howe, Europe::Berlin};

    fn at(d: &str, h: u32, m: u32, zone: Zone) -> String {
        LocalDate::parse(d).unwrap().at(NaiveTime::from_hms_opt(h, m, 0).unwrap(), zone).to_string()
    }

    #[test]
    fn a_time_that_does_not_exist_rolls_forward_and_one_that_exists_twice_takes_the_earlier() {
        assert_eq!(at("2027-03-28", 2, 30, Berlin), "2027-03-28T01:30:00Z"); // 03:30 CEST
        assert_eq!(at("2026-10-25", 2, 30, Berlin), "2026-10-25T00:30:00Z"); // the first 02:30, CEST
        assert_eq!(at("2026-10-04", 2, 15, Lord_Howe), "2026-10-03T15:45:00Z"); // a gap of half an hour: 02:45 +11
        assert_eq!(at("2026-12-01", 8, 30, Berlin), "2026-12-01T07:30:00Z");
    }

    #[test]
    fn the_local_date_is_the_zones_not_utcs() {
        let t = Moment::parse_rfc3339("2026-12-01T23:30:00Z").unwrap();
        assert_eq!(t.local_date(Berlin).to_string(), "2026-12-02");
        assert_eq!(t.local_date(chrono_tz::UTC).to_string(), "2026-12-01");
    }

    #[test]
    fn a_date_is_ten_characters_and_a_day_that_exists() {
        for good in ["2026-12-01", "2028-02-29", "1999-01-31", "0001-01-01"] {
            assert_eq!(LocalDate::parse(good).unwrap().to_string(), good);
        }
        for bad in ["", "2026-12-1", "2026-13-01", "2026-02-29", "2026-12-00", "2026/12/01", "+026-12-01", "2026-12-01 ", "２026-12-0"] {
            assert_eq!(LocalDate::parse(bad), None, "{bad}");
        }
    }
}
