//! Room for real mail: what the ledger knows of it, as the ramp wants it.

use std::collections::BTreeMap;

use crate::config::{Calendar, Mailbox};
use crate::ledger::{Ledger, LedgerError};
use crate::ramp::OutsideCount;
use crate::words::{Address, LocalDate, OutsideMail};

/// Send-days whose mean says what the next one will have.
const SEND_DAYS: usize = 7;
/// Dates that are looked back for them at most: holidays may lie between.
const LOOK_BACK: u32 = 60;

/// A mailbox's real mail, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RealMail {
    /// Recipients by the mailbox's local date; where two sources tell of one date, the larger number.
    pub by_date: BTreeMap<LocalDate, u32>,
    /// Whether it is counted now, as the config says.
    pub is_counted: bool,
    /// The first date that was counted; `None`: nothing yet.
    pub since: Option<LocalDate>,
}

impl RealMail {
    /// What the ledger knows; without one, nothing yet.
    pub async fn of(ledger: Option<&Ledger>, mailbox: &Mailbox) -> Result<Self, LedgerError> {
        let is_counted = mailbox.outside_mail.is_some_and(OutsideMail::is_counted);
        let Some(ledger) = ledger else { return Ok(Self { is_counted, ..Self::default() }) };
        let address = || Address::clone(&mailbox.address);
        let rows = ledger.outside_of(address(), LocalDate::EPOCH).await?;
        let since = match mailbox.outside_mail {
            Some(OutsideMail::SentFolder) => ledger.sent_cursor(address()).await?.map(|read| read.since),
            Some(OutsideMail::Reported) => rows.iter().find(|row| row.source == OutsideMail::Reported).map(|row| row.date),
            Some(OutsideMail::Nothing) | None => None,
        };
        let mut by_date: BTreeMap<LocalDate, u32> = BTreeMap::new();
        for row in rows {
            let known = by_date.entry(row.date).or_default();
            *known = row.count.max(*known);
        }
        Ok(Self { by_date, is_counted, since })
    }

    /// What is known of it on a date: of the date itself, and of the send-days before it. `None` where it is not counted.
    pub fn on(&self, calendar: &Calendar, date: LocalDate) -> Option<OutsideCount> {
        let count_of = |date: LocalDate| self.by_date.get(&date).copied().unwrap_or(0);
        let mut count = OutsideCount { today: count_of(date), ..OutsideCount::default() };
        let since = self.since.unwrap_or(date);
        let earlier = (1..=LOOK_BACK).map(|n| date.minus(n)).take_while(|d| *d >= since);
        for send_day in earlier.filter(|d| calendar.is_send_day(*d)).take(SEND_DAYS) {
            count.before = count.before.saturating_add(count_of(send_day));
            count.days += 1;
        }
        self.is_counted.then_some(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ramp::fixtures::{date, plain_calendar};

    fn counted(since: Option<&str>, days: &[(&str, u32)]) -> RealMail {
        RealMail { by_date: days.iter().map(|(d, n)| (date(d), *n)).collect(), is_counted: true, since: since.map(date) }
    }

    #[test]
    fn the_mean_is_that_of_the_last_seven_send_days_that_were_counted_rounded_up() {
        let days = [("2026-12-01", 40), ("2026-12-02", 10), ("2026-12-04", 5), ("2026-12-05", 99), ("2026-12-07", 7), ("2026-12-10", 3)];
        let real = counted(Some("2026-12-01"), &days);
        let on = |d| real.on(&plain_calendar(), date(d)).unwrap();
        let shown = |d| (on(d).today, on(d).before, on(d).days, on(d).mean(), on(d).expected());
        assert_eq!(shown("2026-12-01"), (40, 0, 0, 0, 40), "nothing was counted before");
        assert_eq!(shown("2026-12-02"), (10, 40, 1, 40, 40));
        assert_eq!(shown("2026-12-08"), (0, 62, 5, 13, 13), "Saturday's are no send-day's");
        assert_eq!(shown("2026-12-10"), (3, 62, 7, 9, 9));
        assert_eq!(shown("2026-12-11"), (0, 25, 7, 4, 4), "the first is too long ago");
        assert_eq!(counted(None, &days).on(&plain_calendar(), date("2026-12-10")).unwrap().days, 0);
        let elsewhere = RealMail { is_counted: false, ..real.clone() };
        assert_eq!(elsewhere.on(&plain_calendar(), date("2026-12-10")), None);
    }

    #[test]
    fn what_it_rests_on_is_said() {
        let basis = |today, before, days| OutsideCount { today, before, days }.basis();
        assert_eq!(basis(0, 0, 0), "none is known yet");
        assert_eq!(basis(3, 0, 0), "so far today");
        assert_eq!(basis(3, 20, 1), "the last send-day");
        assert_eq!(basis(3, 20, 7), "mean of the last 7 send-days");
        assert_eq!(basis(4, 20, 7), "so far today");
    }
}
