//! A day's agenda for whatever pool the bytes spell.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::NaiveTime;

use crate::agenda::{Carried, History, Participant, PlannedLetter, make};
use crate::chance::Seed;
use crate::config::{Calendar, DayName, Engagement, PairLimits, Window};
use crate::words::{Address, LetterId, LocalDate, Provider, Role};

/// Takes the bytes one by one; zeros behind the last.
struct Bytes<'a>(std::slice::Iter<'a, u8>);

impl Bytes<'_> {
    fn next(&mut self) -> u8 {
        self.0.next().copied().unwrap_or(0)
    }

    fn below(&mut self, most: u8) -> u8 {
        self.next() % most.max(1)
    }
}

/// Nobody sends more than the quota, outside the window, to itself, its domain or its group, or too often to one.
pub fn agenda(bytes: &[u8]) -> String {
    let mut b = Bytes(bytes.iter());
    let date = LocalDate::ymd(2000 + i32::from(b.next()), 1, 1).map(|d| d.plus(u32::from(b.next()) + u32::from(b.next())));
    let Some(date) = date else { return "no date".to_owned() };
    let limits = PairLimits {
        max_per_pair: b.below(6).into(),
        max_per_pair_week: b.below(30).into(),
        thread_length: b.below(6).into(),
        provider_mix: if b.below(2) == 0 { BTreeMap::new() } else { BTreeMap::from([(Provider::Gmail, f64::from(b.below(101)) / 100.0)]) },
    };
    let mut pool: Vec<Participant> = Vec::new();
    for n in 0..b.below(24) {
        let someone = participant(&mut b, n, date);
        pool.extend(someone.filter(|p| pool.iter().all(|q| q.address != p.address)));
    }
    let history = history(&mut b, &pool, date);
    let seed = Seed(b.next().into());
    let made = make(seed, date, &pool, &limits, &history);
    assert_eq!(made, make(seed, date, &pool, &limits, &history), "made twice, it is two agendas");

    let people: BTreeMap<&Address, &Participant> = pool.iter().map(|p| (&p.address, p)).collect();
    let (mut sent, mut pairs): (BTreeMap<&Address, u32>, BTreeMap<_, u32>) = (BTreeMap::new(), BTreeMap::new());
    let letters: Vec<PlannedLetter> = made.letters.iter().collect();
    for letter in &letters {
        let (from, to) = (people[&letter.sender], people[&letter.recipient]);
        assert!(from.address.domain() != to.address.domain() && (from.group.is_none() || from.group != to.group), "{letter:?}");
        let (opens, ends) = (letter.date.at(from.window.from, from.zone), letter.date.at(from.window.to, from.zone));
        assert!(letter.expected >= opens && (letter.expected < ends || opens >= ends), "{letter:?}");
        if letter.date == date {
            *sent.entry(&letter.sender).or_default() += 1;
        }
        if letter.parent.is_none() {
            *pairs.entry((&letter.sender, &letter.recipient)).or_default() += 1;
        }
    }
    assert!(sent.iter().all(|(who, n)| *n <= people[who].quota), "{sent:?}");
    assert!(pairs.values().all(|n| *n <= limits.max_per_pair), "{pairs:?}");
    format!("{} {} {} {}", letters.len().min(5), made.put_off.len().min(2), made.lapsed.len().min(2), made.shortfalls.len().min(3))
}

fn participant(b: &mut Bytes<'_>, n: u8, date: LocalDate) -> Option<Participant> {
    const ZONES: [chrono_tz::Tz; 6] = [
        chrono_tz::UTC,
        chrono_tz::Europe::Berlin,
        chrono_tz::America::New_York,
        chrono_tz::Australia::Lord_Howe,
        chrono_tz::Asia::Kolkata,
        chrono_tz::Pacific::Kiritimati,
    ];
    let mut time = || NaiveTime::from_hms_opt(b.below(24).into(), b.below(60).into(), 0);
    let (from, to) = (time()?, time()?);
    let (from, to) = (from.min(to), from.max(to));
    let role = if b.below(3) == 0 { Role::Partner } else { Role::Warming };
    Some(Participant {
        address: Address::parse(&format!("m{n}@d{}.test", b.below(8))).ok()?,
        role,
        provider: [Provider::Generic, Provider::Gmail, Provider::Microsoft][usize::from(b.below(3))],
        group: [None, Some("g".to_owned()), Some("h".to_owned())][usize::from(b.below(3))].clone(),
        zone: ZONES[usize::from(b.below(6))],
        window: Window {
            from,
            to,
            mailbox_gap: Duration::from_secs(u64::from(b.next()) * 7),
            domain_gap: Duration::from_secs(u64::from(b.next()) * 3),
        },
        calendar: Calendar {
            weekdays: (0..7).filter(|_| b.below(4) > 0).map(DayName).collect(),
            weekend_factor: f64::from(b.below(3)) / 2.0,
            holidays: (0..b.below(3)).map(|n| date.plus(n.into())).collect::<BTreeSet<_>>(),
        },
        quota: b.below(60).into(),
        start_limit: (b.below(2) == 0).then(|| b.below(10).into()),
        receive_limit: b.below(40).into(),
        engagement: Engagement { open: f64::from(b.below(3)) / 2.0, answer: f64::from(b.below(3)) / 2.0, ..Engagement::default() },
    })
}

fn history(b: &mut Bytes<'_>, pool: &[Participant], date: LocalDate) -> History {
    let mut history = History::default();
    if pool.is_empty() {
        return history;
    }
    let anybody = |b: &mut Bytes<'_>| pool[usize::from(b.next()) % pool.len()].address.clone();
    for n in 0..b.below(12) {
        let (from, to) = (anybody(b), anybody(b));
        match b.below(3) {
            0 => drop(history.starts.insert((from, to), b.below(20).into())),
            1 => drop(history.received.insert(to, b.below(50).into())),
            _ => {
                let id = LetterId::of_answer(LetterId::of_start(&to, date.minus(1), n.into()));
                history.carried.push(Carried { id, sender: from, recipient: to, put_off: b.below(5).into() });
            }
        }
    }
    history
}
