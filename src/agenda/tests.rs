//! What every agenda keeps, whatever the pool: properties over random pools, and the pools that the design names.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono_tz::{America::Los_Angeles, Asia::Kolkata, Australia::Lord_Howe, Europe::Berlin, Pacific::Auckland};
use proptest::prelude::*;

use super::testing::{address, day, limits, partner, time, twelve_on_three, warming};
use super::*;
use crate::chance::Seed;
use crate::config::{PairLimits, Window};
use crate::words::{Address, LetterId, LocalDate, Moment, Provider, Role, Zone};

const ZONES: [Zone; 6] = [chrono_tz::UTC, Berlin, Lord_Howe, Los_Angeles, Auckland, Kolkata];
const PROVIDERS: [Provider; 4] = [Provider::Generic, Provider::Gmail, Provider::Microsoft, Provider::Yahoo];

prop_compose! {
    fn mailbox()(
        domain in 0..6_u32,
        group in prop::option::weighted(0.2, 0..2_u32),
        (zone, provider) in (0..ZONES.len(), 0..PROVIDERS.len()),
        is_partner in prop::bool::weighted(0.3),
        (quota, receive_limit) in (0..35_u32, 0..40_u32),
        (from, hours) in (5..12_u32, 1..11_u32),
        (mailbox_gap, domain_gap) in (0..600_u64, 0..180_u64),
        answer in 0.0..0.9_f64,
    ) -> Participant {
        let base = if is_partner { partner("m@p.test") } else { warming("m@d.test", quota) };
        let mut p = Participant {
            address: address(&format!("m@{}{domain}.test", if is_partner { 'p' } else { 'd' })),
            provider: PROVIDERS[provider],
            group: group.map(|g| format!("g{g}")),
            zone: ZONES[zone],
            window: Window {
                from: time(from, 30),
                to: time(from + hours, 0),
                mailbox_gap: Duration::from_secs(mailbox_gap),
                domain_gap: Duration::from_secs(domain_gap),
            },
            receive_limit,
            ..base
        };
        p.engagement.answer = answer;
        p
    }
}

/// Two to forty mailboxes, with addresses of their own.
fn pool() -> impl Strategy<Value = Vec<Participant>> {
    prop::collection::vec(mailbox(), 2..40).prop_map(|mut pool| {
        for (n, p) in pool.iter_mut().enumerate() {
            p.address = address(&format!("m{n}@{}", p.address.domain()));
        }
        pool
    })
}

fn pair_limits() -> impl Strategy<Value = PairLimits> {
    (1..5_u32, 2..20_u32, 1..6_u32).prop_map(|(max_per_pair, max_per_pair_week, thread_length)| PairLimits {
        max_per_pair,
        max_per_pair_week,
        thread_length,
        ..limits()
    })
}

fn a_date() -> impl Strategy<Value = LocalDate> {
    // Changes of clocks in Berlin and on Lord Howe, both ways, and a day without any.
    let dates = ["2027-03-28", "2026-10-25", "2026-10-04", "2027-04-04", "2026-12-01"];
    prop::sample::select(dates.to_vec()).prop_map(|d| LocalDate::parse(d).unwrap())
}

/// Starts of earlier days and answers that they left, between mailboxes that may write to each other.
fn past(pool: &[Participant], picks: &[(usize, usize, u32)]) -> History {
    let mut history = History::default();
    for (n, &(s, r, count)) in picks.iter().enumerate() {
        let (s, r) = (&pool[s % pool.len()], &pool[r % pool.len()]);
        if may_write(s, r) {
            history.starts.insert((s.address.clone(), r.address.clone()), count);
            let id = LetterId::of_answer(LetterId::of_start(&r.address, day().minus(1), n as u32));
            history.carried.push(Carried { id, sender: s.address.clone(), recipient: r.address.clone(), put_off: count % 5 });
        }
    }
    history
}

fn may_write(a: &Participant, b: &Participant) -> bool {
    a.address.domain() != b.address.domain() && (a.group.is_none() || a.group != b.group)
}

fn by_address(pool: &[Participant]) -> BTreeMap<&Address, &Participant> {
    pool.iter().map(|p| (&p.address, p)).collect()
}

fn count<K: Ord>(keys: impl Iterator<Item = K>) -> BTreeMap<K, u32> {
    let mut counts = BTreeMap::new();
    keys.for_each(|k| *counts.entry(k).or_default() += 1);
    counts
}

/// Carried answers that the agenda took.
fn taken<'a>(agenda: &'a Agenda, history: &'a History) -> impl Iterator<Item = &'a Carried> {
    let not_taken: BTreeSet<LetterId> = agenda.put_off.iter().map(|p| p.0).chain(agenda.lapsed.iter().copied()).collect();
    history.carried.iter().filter(move |c| !not_taken.contains(&c.id))
}

/// Every promise of the design about one agenda.
fn check(agenda: &Agenda, date: LocalDate, pool: &[Participant], limits: &PairLimits, history: &History) {
    let people = by_address(pool);
    let ids: BTreeSet<LetterId> = agenda.letters.iter().map(|l| l.id).collect();
    assert_eq!(ids.len(), agenda.letters.len(), "ids are unique");
    let starts: Vec<&PlannedLetter> = agenda.letters.iter().filter(|l| l.parent.is_none()).collect();
    let answers_today = || agenda.letters.iter().filter(|l| l.parent.is_some() && l.date == date);

    for l in &agenda.letters {
        let (s, r) = (people[&l.sender], people[&l.recipient]);
        assert!(may_write(s, r), "{l:?}");
        assert!(l.date >= date && s.calendar.is_send_day(l.date) || l.parent.is_none(), "{l:?}");
        assert_eq!(l.expected.local_date(s.zone), l.date, "{l:?}");
        assert!(l.in_thread <= limits.thread_length.max(1), "{l:?}");
        let (open, end) = (l.date.at(s.window.from, s.zone), l.date.at(s.window.to, s.zone));
        assert!(l.expected >= open && (l.expected < end || open >= end), "{l:?}");
        assert_eq!(l.draws, draw(Seed(9), l.id, &r.engagement));
        match l.parent {
            None => assert_eq!((l.in_thread, l.due, l.date), (1, Some(l.expected), date)),
            Some(parent) => {
                let parent = agenda.letters.iter().find(|p| p.id == parent).unwrap();
                assert_eq!(
                    (l.id, l.due, &l.sender, &l.recipient),
                    (LetterId::of_answer(parent.id), None, &parent.recipient, &parent.sender)
                );
                assert!(parent.draws.open && parent.draws.answer && l.in_thread == parent.in_thread + 1);
                assert!(l.expected >= parent.expected + parent.draws.open_after + parent.draws.answer_after);
            }
        }
    }
    for ((s, r), n) in count(starts.iter().map(|l| (&l.sender, &l.recipient))) {
        let recent = history.starts.get(&(s.clone(), r.clone())).copied().unwrap_or(0);
        assert!(n <= limits.max_per_pair && n + recent <= limits.max_per_pair_week, "{s} to {r}: {n} and {recent}");
    }
    let received = agenda.letters.iter().filter(|l| l.date == date).map(|l| &l.recipient);
    for (r, n) in count(received.chain(taken(agenda, history).map(|c| &c.recipient))) {
        assert!(n <= people[r].receive_limit, "{r} receives {n}");
    }
    let started = count(starts.iter().map(|l| &l.sender));
    let answered = count(answers_today().map(|l| &l.sender).chain(taken(agenda, history).map(|c| &c.sender)));
    for p in pool {
        let (starts, answers) = (started.get(&p.address).copied().unwrap_or(0), answered.get(&p.address).copied().unwrap_or(0));
        assert!(starts + answers <= p.quota, "{}: {starts} starts and {answers} answers of {}", p.address, p.quota);
        assert!(starts <= p.start_limit.unwrap_or(u32::MAX));
        assert!(p.role == Role::Partner || answers <= p.quota / 2, "{}: {answers} answers of {}", p.address, p.quota);
        let shortfall = agenda.shortfalls.iter().find(|s| s.mailbox == p.address);
        let expected = (p.role == Role::Warming && starts + answers < p.quota).then_some((p.quota, starts + answers));
        assert_eq!(shortfall.map(|s| (s.wanted, s.planned)), expected);
        assert!(shortfall.is_none_or(|s| !s.why.is_empty()));
    }
    check_gaps(&starts, &people);
}

fn check_gaps(starts: &[&PlannedLetter], people: &BTreeMap<&Address, &Participant>) {
    let mut by_time: Vec<(Moment, &Participant)> = starts.iter().map(|l| (l.expected, people[&l.sender])).collect();
    by_time.sort_by_key(|x| x.0);
    let warm: BTreeSet<_> = people.values().filter(|p| p.role == Role::Warming).map(|p| p.address.domain()).collect();
    for (n, (at, p)) in by_time.iter().enumerate() {
        for (later, q) in &by_time[n + 1..] {
            let apart = later.since(*at);
            if p.address == q.address {
                assert!(apart >= p.window.mailbox_gap, "{}: {apart:?}", p.address);
            } else if p.address.domain() == q.address.domain() && warm.contains(&p.address.domain()) {
                assert!(apart >= p.window.domain_gap.max(q.window.domain_gap), "{} and {}: {apart:?}", p.address, q.address);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_agenda_breaks_no_limit(
        pool in pool(),
        limits in pair_limits(),
        date in a_date(),
        picks in prop::collection::vec((0..40_usize, 0..40_usize, 0..8_u32), 0..40),
    ) {
        let history = past(&pool, &picks);
        let agenda = make(Seed(9), date, &pool, &limits, &history);
        check(&agenda, date, &pool, &limits, &history);

        // What was put off goes to a send-day of its writer; what lapses was put off three times, or may be.
        for (id, to) in &agenda.put_off {
            let carried = history.carried.iter().find(|c| c.id == *id).unwrap();
            prop_assert!(carried.put_off < 3 && *to > date && by_address(&pool)[&carried.sender].calendar.is_send_day(*to));
        }
        for id in &agenda.lapsed {
            prop_assert!(history.carried.iter().any(|c| c.id == *id && c.put_off >= 3));
        }
    }

    #[test]
    fn the_order_of_the_pool_changes_nothing(pool in pool(), limits in pair_limits(), rotate in 0..40_usize) {
        let mut other = pool.clone();
        other.rotate_left(rotate % pool.len());
        other.reverse();
        let history = past(&pool, &[(0, 1, 2), (3, 1, 1)]);
        prop_assert_eq!(make(Seed(9), day(), &pool, &limits, &history), make(Seed(9), day(), &other, &limits, &history));
    }

    #[test]
    fn a_mailbox_more_changes_no_draw(mut pool in pool(), limits in pair_limits()) {
        // Draws follow the recipient's habits: with one habit for all, they follow the id alone.
        pool.iter_mut().for_each(|p| p.engagement = Default::default());
        let before = make(Seed(9), day(), &pool, &limits, &History::default());
        pool.push(partner("new@new.test"));
        let after = make(Seed(9), day(), &pool, &limits, &History::default());
        let draws: BTreeMap<LetterId, Draws> = before.letters.iter().map(|l| (l.id, l.draws)).collect();
        for l in &after.letters {
            prop_assert!(draws.get(&l.id).is_none_or(|d| *d == l.draws));
        }
    }

    #[test]
    fn the_planner_keeps_what_the_proof_promises(mut pool in pool(), limits in pair_limits()) {
        prop_assume!(limits.max_per_pair_week >= 5);
        let wanted: BTreeMap<Address, u32> =
            pool.iter().filter(|p| p.role == Role::Warming).map(|p| (p.address.clone(), p.quota)).collect();
        let proof = carries(&pool, &limits, &wanted);
        for p in pool.iter_mut().filter(|p| p.role == Role::Warming) {
            let carry = &proof.per_mailbox[&p.address];
            prop_assert!(carry.carries <= carry.wanted);
            prop_assert_eq!(carry.limited_by.is_some(), carry.carries < carry.wanted);
            p.quota = carry.carries;
        }
        let promised: u32 = proof.per_mailbox.values().map(|c| c.carries).sum();
        let short: u32 = weeks(&pool, &limits, 3).iter().rev().take(10).sum();
        for p in &pool { eprintln!("DBG {} {:?} {:?} q{} r{} a{:.2} {:?}-{:?} {:?} {:?} {:?}", p.address, p.group, p.role, p.quota, p.receive_limit, p.engagement.answer, p.window.from, p.window.to, p.zone, p.provider, proof.per_mailbox.get(&p.address)); }
        eprintln!("DBG {limits:?} {:?}", weeks(&pool, &limits, 3));
        // Mean of the last ten send-days. Whole letters are lost to rounding: half a letter for each mailbox is allowed for.
        let allowed = f64::from(promised) * 0.1 + proof.per_mailbox.len() as f64 * 0.5;
        prop_assert!(f64::from(short) / 10.0 <= allowed, "{short} short in ten days of {promised} a day");
    }
}

/// Runs the planner for some weeks, carrying answers over, and returns what the warming mailboxes fell short of on each send-day.
fn weeks(pool: &[Participant], limits: &PairLimits, count: u32) -> Vec<u32> {
    let mut past: Vec<(LocalDate, Agenda)> = Vec::new();
    let mut put_off: BTreeMap<LetterId, (LocalDate, u32)> = BTreeMap::new();
    let mut short = Vec::new();
    for n in 0..7 * count {
        let date = LocalDate::ymd(2026, 11, 30).unwrap().plus(n);
        let today: Vec<Participant> =
            pool.iter().map(|p| Participant { quota: if p.calendar.is_send_day(date) { p.quota } else { 0 }, ..p.clone() }).collect();
        let mut history = History::default();
        for (made, agenda) in &past {
            for l in &agenda.letters {
                if l.parent.is_none() && date.days_since(*made) <= 6 {
                    *history.starts.entry((l.sender.clone(), l.recipient.clone())).or_default() += 1;
                }
                let (due, times) = put_off.get(&l.id).copied().unwrap_or((l.date, 0));
                if l.parent.is_some() && *made < date && due == date {
                    history.carried.push(Carried { id: l.id, sender: l.sender.clone(), recipient: l.recipient.clone(), put_off: times });
                }
            }
        }
        let agenda = make(Seed(9), date, &today, limits, &history);
        check(&agenda, date, &today, limits, &history);
        for (id, to) in &agenda.put_off {
            let times = put_off.get(id).map_or(0, |p| p.1);
            put_off.insert(*id, (*to, times + 1));
        }
        if today.iter().any(|p| p.role == Role::Warming && p.quota > 0) {
            short.push(agenda.shortfalls.iter().map(|s| s.wanted - s.planned).sum());
        }
        past.push((date, agenda));
    }
    short
}
