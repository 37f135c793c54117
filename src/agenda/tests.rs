//! What every agenda keeps, whatever the pool: properties over random pools, and the pools that the design names.

mod clocks;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono_tz::{America::Los_Angeles, Asia::Kolkata, Australia::Lord_Howe, Europe::Berlin, Pacific::Auckland};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::testing::{address, day, limits, partner, time, twelve_on_three, warming};
use super::*;
use crate::chance::Seed;
use crate::config::{Engagement, PairLimits, Window};
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
    let letters: Vec<PlannedLetter> = agenda.letters.iter().collect();
    let ids: BTreeSet<LetterId> = letters.iter().map(|l| l.id).collect();
    assert_eq!(ids.len(), agenda.letters.len(), "ids are unique");
    assert!(letters.is_sorted_by_key(|l| (&l.sender, l.expected, l.id)), "by sender and time");
    let starts: Vec<&PlannedLetter> = letters.iter().filter(|l| l.parent.is_none()).collect();
    let answers_today = || letters.iter().filter(|l| l.parent.is_some() && l.date == date);

    for l in &letters {
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
                let parent = letters.iter().find(|p| p.id == parent).unwrap();
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
    let received = letters.iter().filter(|l| l.date == date).map(|l| &l.recipient);
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
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

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
        for p in &mut pool {
            p.engagement = Engagement::default();
        }
        let before = make(Seed(9), day(), &pool, &limits, &History::default());
        pool.push(partner("new@new.test"));
        let after = make(Seed(9), day(), &pool, &limits, &History::default());
        let draws: BTreeMap<LetterId, Draws> = before.letters.iter().map(|l| (l.id, l.draws)).collect();
        for l in after.letters.iter() {
            prop_assert!(draws.get(&l.id).is_none_or(|d| *d == l.draws));
        }
    }
}

proptest! {
    // A statement about averages: the pools are the same in every run, so that it does not fail by chance.
    #![proptest_config(ProptestConfig { cases: 24, rng_seed: RngSeed::Fixed(7), failure_persistence: None, ..ProptestConfig::default() })]

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
            for l in agenda.letters.iter() {
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

/// How many letters of its writer's quota each mailbox has on the date.
fn planned(agenda: &Agenda, date: LocalDate) -> BTreeMap<Address, u32> {
    count(agenda.letters.iter().filter(|l| l.date == date).map(|l| l.sender.clone()))
}

fn want(pool: &[Participant], quota: u32) -> BTreeMap<Address, u32> {
    pool.iter().filter(|p| p.role == Role::Warming).map(|p| (p.address.clone(), quota)).collect()
}

/// Every distinct (carries, limited_by, more_recipients) of a proof.
fn verdicts(proof: &Feasibility) -> Vec<(u32, Option<&str>, Option<u32>)> {
    let all: BTreeSet<_> = proof.per_mailbox.values().map(|c| (c.carries, c.limited_by.as_deref(), c.more_recipients)).collect();
    all.into_iter().collect()
}

#[test]
fn twelve_mailboxes_on_three_domains_fill_what_their_pairs_allow() {
    let pool = twelve_on_three(30);
    // 8 recipients outside, 3 starts each: 24 starts, and on a first day the answers that the draws let fall on it.
    let wide = PairLimits { max_per_pair_week: 15, ..limits() };
    let agenda = make(Seed(9), day(), &pool, &wide, &History::default());
    check(&agenda, day(), &pool, &wide, &History::default());
    let starts = count(agenda.letters.iter().filter(|l| l.parent.is_none()).map(|l| l.sender.clone()));
    assert_eq!(starts.values().copied().collect::<Vec<_>>(), [24; 12]);
    let today: u32 = planned(&agenda, day()).values().sum();
    let with_later_answers = agenda.letters.len();
    assert_eq!((today, with_later_answers), (322, 356), "of 360");
    assert_eq!(agenda.shortfalls[0].why, "every recipient outside d0.test has 3 letters from it already");

    // In the weeks after, answers carried over fill the rest but for about one letter in twenty.
    let later: u32 = weeks(&pool, &wide, 3).iter().rev().take(10).sum();
    assert!(later < 10 * 360 / 15, "{later} short in ten days");
}

#[test]
fn no_two_letters_of_a_pool_share_a_second() {
    let pool = twelve_on_three(30);
    for seed in 0..20 {
        let agenda = make(Seed(seed), day(), &pool, &limits(), &History::default());
        let due: Vec<i64> = agenda.letters.iter().filter_map(|l| l.due).map(|d| d.0 / 1000).collect();
        assert_eq!(due.iter().collect::<BTreeSet<_>>().len(), due.len());
    }
}

#[test]
fn the_proof_says_what_twelve_on_three_carry_and_who_is_wanting() {
    let pool = twelve_on_three(30);
    let proof = |limits: PairLimits| carries(&pool, &limits, &want(&pool, 30));

    let wide = proof(PairLimits { max_per_pair_week: 15, ..limits() });
    assert_eq!(verdicts(&wide)[0], (29, Some("every recipient outside d0.test has 3 letters from it already"), Some(1)));
    assert!(wide.per_mailbox.values().all(|c| c.carries == 29));

    let default = proof(limits());
    assert_eq!(verdicts(&default), [(23, Some("3 letters a pair on a day and 12 in 7 days leave it 19 starts a day"), Some(5))]);
    assert_eq!(
        default.sentences[0],
        "d0.test and 2 more domains: target 30, this pool carries 23: 5 more recipients outside each would carry 30"
    );
    assert_eq!((default.sentences.len(), &default.refusals), (1, &vec![]));

    let two = proof(PairLimits { max_per_pair: 2, ..limits() });
    assert_eq!(
        two.sentences,
        ["d0.test and 2 more domains: target 30, this pool carries 19: 7 more recipients outside each would carry 30"]
    );

    // And so they would.
    let mut more = pool.clone();
    more.extend((0..7).map(|n| Participant { start_limit: Some(0), ..partner(&format!("p{n}@p{n}.test")) }));
    let mended = carries(&more, &PairLimits { max_per_pair: 2, ..limits() }, &want(&pool, 30));
    assert_eq!(verdicts(&mended), [(30, None, None)]);
}

#[test]
fn three_mailboxes_on_three_domains_carry_little_and_prove_little() {
    let pool: Vec<Participant> = (0..3).map(|n| warming(&format!("m@d{n}.test"), 30)).collect();
    let proof = carries(&pool, &limits(), &want(&pool, 30));
    assert_eq!(verdicts(&proof), [(4, Some("3 letters a pair on a day and 12 in 7 days leave it 4 starts a day"), Some(11))]);
    assert_eq!(
        proof.thin.as_deref(),
        Some(
            "d0.test: 2 recipients at 1 provider outside it; under 5 recipients or 2 providers the evidence is thin, and never says ready"
        )
    );
    assert_eq!(
        proof.sentences[0],
        "d0.test and 2 more domains: target 30, this pool carries 4: 11 more recipients outside each would carry 30"
    );
    let agenda = make(Seed(9), day(), &pool, &limits(), &History::default());
    check(&agenda, day(), &pool, &limits(), &History::default());
    assert_eq!(agenda.letters.iter().filter(|l| l.parent.is_none()).count(), 15, "5 each: 4.8, rounded up for a single day");
}

#[test]
fn a_pool_that_can_send_nothing_is_refused() {
    let whats = |pool: &[Participant]| -> Vec<String> {
        assert!(make(Seed(9), day(), pool, &limits(), &History::default()).letters.is_empty());
        let proof = carries(pool, &limits(), &want(pool, 30));
        assert!(proof.per_mailbox.values().all(|c| c.carries == 0));
        proof.refusals.iter().map(ToString::to_string).collect()
    };
    let one_domain: Vec<Participant> = (0..3).map(|n| warming(&format!("m{n}@x.test"), 30)).collect();
    assert_eq!(
        whats(&one_domain),
        ["error: pool: all mailboxes of the pool are in x.test: mail that never leaves a domain warms nothing\n  \
          hint: add mailboxes of other domains; letters go only between domains"]
    );
    let mut one_group: Vec<Participant> = (0..3).map(|n| warming(&format!("m@d{n}.test"), 30)).collect();
    for p in &mut one_group {
        p.group = Some("host".to_owned());
    }
    assert_eq!(
        whats(&one_group),
        ["error: pool: all mailboxes of the pool are in group host: mail that never leaves a tenant or host warms nothing\n  \
          hint: add mailboxes outside the group; letters go only between groups"]
    );
    assert_eq!(whats(&one_domain[..1]).len(), 1);
    let mut mixed = one_group.clone();
    mixed[0].group = None;
    for p in &mut mixed {
        p.receive_limit = 0;
    }
    assert_eq!(whats(&mixed).len(), 1);
    assert!(carries(&[], &limits(), &BTreeMap::new()).refusals.is_empty());
}

#[test]
fn the_provider_mix_is_steered_to_what_the_config_wants() {
    let mut pool: Vec<Participant> = (0..4).map(|n| warming(&format!("m{n}@new.test"), 10)).collect();
    for n in 0..24 {
        let provider = if n < 8 { Provider::Gmail } else { Provider::Microsoft };
        pool.push(Participant { provider, ..partner(&format!("p{n}@p{n}.test")) });
    }
    let to_gmail = |limits: &PairLimits| {
        let agenda = make(Seed(9), day(), &pool, limits, &History::default());
        let people = by_address(&pool);
        let starts = agenda.letters.iter().filter(|l| l.parent.is_none() && l.sender.domain().as_str() == "new.test");
        starts.filter(|l| people[&l.recipient].provider == Provider::Gmail).count()
    };
    let wanted = PairLimits { provider_mix: BTreeMap::from([(Provider::Gmail, 0.7)]), ..limits() };
    let (natural, steered) = (to_gmail(&limits()), to_gmail(&wanted));
    assert!((11..=14).contains(&natural), "a third of about 40: {natural}");
    assert!((25..=29).contains(&steered), "0.7 of about 40: {steered}");
}

#[test]
fn carried_answers_come_first_and_take_at_most_half() {
    let mut pool = vec![warming("a@x.test", 5), warming("b@y.test", 5), partner("p@z.test")];
    pool[0].calendar.holidays.insert(day().plus(1));
    let carried = |n: u32, put_off: u32| Carried {
        id: LetterId::of_answer(LetterId::of_start(&address("b@y.test"), day().minus(1), n)),
        sender: address("a@x.test"),
        recipient: address("b@y.test"),
        put_off,
    };
    let stranger = Carried { sender: address("gone@w.test"), ..carried(9, 0) };
    let history =
        History { carried: vec![carried(0, 0), carried(1, 3), carried(2, 2), carried(3, 3), stranger.clone()], ..History::default() };
    let agenda = make(Seed(9), day(), &pool, &limits(), &history);
    check(&agenda, day(), &pool, &limits(), &history);
    // Two of five are taken, put off before or not; the third goes to Thursday, for Wednesday is a holiday; the fourth had its three send-days.
    assert_eq!(agenda.put_off, [(carried(2, 2).id, day().plus(2))]);
    assert_eq!(agenda.lapsed, [carried(3, 3).id, stranger.id]);
    let starts = agenda.letters.iter().filter(|l| l.sender == address("a@x.test") && l.parent.is_none()).count();
    assert!(starts <= 3, "{starts} starts beside two answers");
}

#[test]
fn an_answer_in_a_zone_behind_never_falls_on_a_day_whose_agenda_is_made() {
    // Auckland's morning is the afternoon of the day before in Los Angeles.
    let mut pool = vec![warming("a@x.test", 30), warming("b@y.test", 30)];
    (pool[0].zone, pool[1].zone) = (Auckland, Los_Angeles);
    for p in &mut pool {
        (p.engagement.open, p.engagement.answer) = (1.0, 1.0);
    }
    let agenda = make(Seed(9), day(), &pool, &limits(), &History::default());
    check(&agenda, day(), &pool, &limits(), &History::default());
    assert!(agenda.letters.iter().any(|l| l.parent.is_some() && l.sender == address("b@y.test") && l.date == day()));
    assert!(agenda.letters.iter().any(|l| l.in_thread == 4));
}

#[test]
fn a_late_start_is_answered_in_the_next_window_in_reading_hours() {
    let (reader, writer) = (partner("p@z.test"), warming("a@x.test", 5));
    let draws = Draws { open: false, answer: true, ..draw(Seed(9), LetterId::of_start(&writer.address, day(), 1), &reader.engagement) };
    let draws = Draws { open_after: Duration::from_hours(1), answer_after: Duration::from_hours(3), ..draws };
    let parent = ParentFacts { id: LetterId::of_start(&writer.address, day(), 1), in_thread: 1, draws };
    let friday = LocalDate::ymd(2026, 12, 4).unwrap();
    let rescued = |h| friday.at(time(h, 0), reader.zone);

    // A partner sends every day. Rescued at nine, opened at ten, answered at one.
    let thread = answer_after_rescue(Seed(9), &parent, &reader, &writer, 4, rescued(9));
    assert_eq!((thread[0].expected, thread[0].date), (friday.at(time(13, 0), reader.zone), friday));
    assert_eq!((thread[0].id, thread[0].parent, thread[0].in_thread), (LetterId::of_answer(parent.id), Some(parent.id), 2));
    assert_eq!((&thread[0].sender, &thread[0].recipient, thread[0].due), (&reader.address, &writer.address, None));
    // Rescued at 21:30, it is opened next morning, and a mailbox that rests on weekends answers on Monday morning.
    let late = answer_after_rescue(Seed(9), &parent, &writer, &reader, 4, friday.at(time(21, 30), reader.zone));
    let monday = friday.plus(3);
    assert_eq!(late[0].date, monday);
    assert!(
        (monday.at(time(8, 30), writer.zone)..monday.at(time(9, 10), writer.zone)).contains(&late[0].expected),
        "{:?}",
        late[0].expected
    );

    // What the agenda planned already, what is not answered, and what ends its thread: nothing.
    for (draws, in_thread) in [(Draws { open: true, ..draws }, 1), (Draws { answer: false, ..draws }, 1), (draws, 4)] {
        assert!(answer_after_rescue(Seed(9), &ParentFacts { in_thread, draws, ..parent }, &reader, &writer, 4, rescued(9)).is_empty());
    }
}

#[test]
fn what_others_send_already_counts_against_what_a_mailbox_receives() {
    let pool = vec![warming("a@x.test", 5), warming("b@y.test", 0), warming("c@z.test", 0)];
    // b may receive one more of its limit, c nothing more.
    let received = [(address("b@y.test"), pool[1].receive_limit - 1), (address("c@z.test"), pool[2].receive_limit)];
    let history = History { received: received.into_iter().collect(), ..History::default() };
    let agenda = make(Seed(9), day(), &pool, &limits(), &history);
    let to: Vec<Address> = agenda.letters.iter().filter(|l| l.parent.is_none()).map(|l| l.recipient).collect();
    assert_eq!(to, [address("b@y.test")]);
    assert_eq!(agenda.shortfalls.len(), 1);
}
