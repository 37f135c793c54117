//! Letters are found by their time through their ids, which begin with a date. What happens far from that date is written down apart.
//!
//! Steps and actions have no index of times: each would have to pay for it, and a day's are found within two weeks of letters. A letter to a mailbox
//! that could not be read for a month, or one at the end of a long thread, lies outside: it is a *stray*, and few are.

use rusqlite::{Connection, params};

use super::rows::execute;
use super::{LedgerError, ms};
use crate::words::{LetterId, Moment};

/// Milliseconds of a day in UTC.
pub(super) const DAY: i64 = 86_400_000;
/// Days before its id's date on which something may happen to a letter that is no stray. The migrations say so, too.
const EARLY: i64 = 3;
/// The same for the days after it.
const LATE: i64 = 10;

/// The ids of letters to which something may have happened from `from` on and before `to`, strays apart: from the first key on, and before the second.
pub(super) fn ids_around(from: i64, to: i64) -> (String, String) {
    (first_id_on(from.div_euclid(DAY) - LATE), first_id_on((to - 1).div_euclid(DAY) + EARLY + 1))
}

/// The first day on which something may have happened to a letter whose id begins so, in days since 1970.
pub(super) fn earliest_day_of(id: LetterId) -> i64 {
    id.day() - EARLY
}

/// The text before every id of a day and after every id of the day before.
pub(super) fn first_id_on(day: i64) -> String {
    let last = i64::from(u16::MAX);
    if day > last { "g".to_owned() } else { format!("{:04x}", day.max(0)) }
}

/// To be called with every step and every finished action of a letter.
pub(super) fn note_if_stray(c: &Connection, id: LetterId, at: Moment) -> Result<(), LedgerError> {
    let day = ms(at).div_euclid(DAY);
    if (day - LATE..=day + EARLY).contains(&id.day()) {
        return Ok(());
    }
    execute(c, "INSERT INTO stray (at, letter) VALUES (?1, ?2) ON CONFLICT DO NOTHING", params![ms(at), id.to_string()]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{Address, LocalDate};

    #[test]
    fn what_is_no_stray_lies_among_the_ids_around_it() {
        let sender = Address::parse("a@x.test").unwrap();
        for date in ["1970-01-01", "1970-01-09", "2026-12-01", "2149-06-05"] {
            let date = LocalDate::parse(date).unwrap();
            let id = LetterId::of_start(&sender, date, 1);
            let midnight = date.days_since(LocalDate::EPOCH) * DAY;
            for days in -3..=10_i64 {
                for at in [midnight + days * DAY, midnight + (days + 1) * DAY - 1] {
                    let (first, end) = ids_around(at, at + 1);
                    let text = id.to_string();
                    assert!(first <= text && text < end, "{date} and {days} days: {text} is not in {first}..{end}");
                    assert!(earliest_day_of(id) <= at.div_euclid(DAY));
                }
            }
        }
    }
}
