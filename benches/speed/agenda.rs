//! One date's agenda for large pools: time and memory.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use chrono::NaiveTime;
use preheat::agenda::{Agenda, History, Participant, make};
use preheat::chance::Seed;
use preheat::config::{Calendar, DayName, Engagement, PairLimits, Window};
use preheat::words::{Address, LocalDate, Provider, Role};
use sha2::{Digest, Sha256};

use super::table::{Goal, at_most, cpu_seconds, peak_mb, row, timed, wanted};

/// Letters that each mailbox may send.
const QUOTA: u32 = 40;
/// Of what is made for 1,000 mailboxes: to be faster must not mean another agenda.
const FINGERPRINT: &str = "91091b90115c1bf3";
/// Mailboxes of one domain: their letters fit into its gaps.
const OF_A_DOMAIN: usize = 4;

/// The part that makes one agenda in a process of its own, and says what that took.
pub const ONCE: &str = "agenda-once";

pub fn measure() {
    if wanted("fingerprint") {
        let fingerprint = format!("{:x}", Sha256::digest(format!("{:?}", agenda_of(&pool_of(1_000)))))[..16].to_owned();
        let goal = Goal::Of(format!("still {FINGERPRINT}"), fingerprint == FINGERPRINT);
        row("agenda, 1,000 mailboxes × 40: its fingerprint", fingerprint, "", goal);
    }
    let mut small: Option<f64> = None;
    for (mailboxes, times) in [(10_000, 9), (100_000, 3)] {
        if !wanted(&mailboxes.to_string()) {
            continue;
        }
        // A run makes its agenda once. In one process, every time but the first would have its memory from the time before.
        let mut made: Vec<Made> = (0..times).map(|_| in_a_process_of_its_own(mailboxes)).collect();
        made.sort_by(|a, b| a.cpu.total_cmp(&b.cpu));
        let shortest = made.iter().map(|m| m.took).fold(f64::INFINITY, f64::min);
        let Made { cpu, peak, letters, .. } = made[times / 2];
        // Ten times as many may take twelve times the limits.
        let times_the_limits = if mailboxes > 10_000 { 12.0 } else { 1.0 };
        let beside = format!("{cpu:.2} s of CPU, {:.2} µs a letter", cpu * 1e6 / letters);
        let what = format!("agenda, {mailboxes} mailboxes × {QUOTA}: {letters} letters");
        row(what, format!("{shortest:.2} s"), beside, at_most(shortest, times_the_limits, "s"));
        row("  its peak of memory", format!("{peak:.0} MB"), "", at_most(peak, 400.0 * times_the_limits, "MB"));
        match small {
            // What a busy machine gives to others is not in the processor's time, so that is what the two sizes are compared by.
            Some(small) => row("  beside 10,000 mailboxes", format!("{:.1} times", cpu / small), "by the processor's time", Goal::None),
            None => small = Some(cpu),
        }
    }
}

/// What one agenda took: seconds, seconds of the processor, MB.
#[derive(Clone, Copy)]
struct Made {
    took: f64,
    cpu: f64,
    peak: f64,
    letters: f64,
}

fn in_a_process_of_its_own(mailboxes: usize) -> Made {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program).arg(ONCE).arg(mailboxes.to_string()).output().expect("a second process");
    let figures: Vec<f64> = String::from_utf8_lossy(&output.stdout).split_whitespace().filter_map(|n| n.parse().ok()).collect();
    let [took, cpu, peak, letters] = figures[..] else { panic!("{output:?}") };
    Made { took, cpu, peak, letters }
}

/// Makes one agenda, and prints what [`Made`] says of it.
#[expect(clippy::print_stdout, reason = "the process that started this one reads it")]
pub fn make_once() {
    let mailboxes = std::env::args().nth(2).and_then(|n| n.parse().ok()).expect("how many mailboxes");
    let pool = pool_of(mailboxes);
    let before = cpu_seconds();
    let (took, agenda) = timed(|| agenda_of(&pool));
    println!("{} {} {} {}", took.as_secs_f64(), cpu_seconds() - before, peak_mb(), agenda.letters.len());
}

fn agenda_of(pool: &[Participant]) -> Agenda {
    let date = LocalDate::ymd(2026, 12, 1).expect("there is such a day");
    let limits = PairLimits { max_per_pair: 3, max_per_pair_week: 12, thread_length: 4, provider_mix: [].into() };
    make(Seed(1), date, pool, &limits, &History::default())
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
