//! One date's agenda for large pools: time and memory.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::NaiveTime;
use preheat::agenda::{History, Participant, make};
use preheat::chance::Seed;
use preheat::config::{Calendar, DayName, Engagement, PairLimits, Window};
use preheat::words::{Address, LocalDate, Provider, Role};
use sha2::{Digest, Sha256};

use super::table::{Goal, at_most, cpu_seconds, forget_peak, peak_mb, row, shortest, wanted};

/// Letters that each mailbox may send.
const QUOTA: u32 = 40;
/// Of what is made for 1,000 mailboxes: to be faster must not mean another agenda.
const FINGERPRINT: &str = "91091b90115c1bf3";
/// Mailboxes of one domain: their letters fit into its gaps.
const OF_A_DOMAIN: usize = 4;

pub fn measure() {
    let date = LocalDate::ymd(2026, 12, 1).expect("there is such a day");
    let limits = PairLimits { max_per_pair: 3, max_per_pair_week: 12, thread_length: 4, provider_mix: [].into() };
    let agenda_of = |pool: &[Participant]| make(Seed(1), date, pool, &limits, &History::default());
    if wanted("fingerprint") {
        let agenda = agenda_of(&pool_of(1_000));
        let fingerprint = format!("{:x}", Sha256::digest(format!("{agenda:?}")))[..16].to_owned();
        let goal = Goal::Of(format!("still {FINGERPRINT}"), fingerprint == FINGERPRINT);
        row("agenda, 1,000 mailboxes × 40: its fingerprint", fingerprint, "", goal);
    }
    let mut seconds = Vec::new();
    for (mailboxes, times, goal) in [(10_000, 5_u32, Some((1.0, 400.0))), (100_000, 1, None)] {
        if !wanted(&mailboxes.to_string()) {
            continue;
        }
        let pool = pool_of(mailboxes);
        forget_peak();
        let mut letters = 0;
        let before = cpu_seconds();
        let took = shortest(times as usize, || letters = agenda_of(&pool).letters.len()).as_secs_f64();
        // What a busy machine gives to others is not in the processor's time, so that is what the two sizes are compared by.
        let cpu = (cpu_seconds() - before) / f64::from(times);
        let peak = peak_mb();
        seconds.push(cpu);
        let shown = format!("agenda, {mailboxes} mailboxes × {QUOTA}: {letters} letters");
        let (time_goal, peak_goal) = match (goal, seconds.as_slice()) {
            (Some((time, peak_mb)), _) => (at_most(took, time, "s"), at_most(peak, peak_mb, "MB")),
            (None, [small, large]) => (at_most(large / small, 12.0, "times the CPU of 10,000"), Goal::None),
            _ => (Goal::None, Goal::None),
        };
        row(&shown, format!("{took:.2} s"), format!("{cpu:.2} s of CPU, {:.2} µs a letter", cpu * 1e6 / letters as f64), time_goal);
        row("  its peak of memory", format!("{peak:.0} MB"), "", peak_goal);
    }
}

/// A pool of warming mailboxes, four to a domain, in two zones.
fn pool_of(mailboxes: usize) -> Vec<Participant> {
    let time = |h, m| NaiveTime::from_hms_opt(h, m, 0).expect("a time of day");
    let zones = [chrono_tz::Europe::Berlin, chrono_tz::America::New_York];
    (0..mailboxes)
        .map(|n| Participant {
            address: Address::parse(&format!("m{n}@d{}.test", n / OF_A_DOMAIN)).expect("an address"),
            role: Role::Warming,
            provider: Provider::ALL[n % Provider::ALL.len()],
            group: None,
            zone: zones[n / OF_A_DOMAIN % zones.len()],
            window: Window {
                from: time(8, 30),
                to: time(17, 30),
                mailbox_gap: Duration::from_mins(5),
                domain_gap: Duration::from_secs(90),
            },
            calendar: Calendar { weekdays: (0..5).map(DayName).collect(), weekend_factor: 0.0, holidays: BTreeSet::new() },
            quota: QUOTA,
            start_limit: None,
            receive_limit: QUOTA,
            engagement: Engagement::default(),
        })
        .collect()
}
