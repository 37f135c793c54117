mod explained;
mod isolation;
mod outside;
mod prune;
mod tidy;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::drive::{Played, play};
use super::*;
use crate::chance::Seed;
use crate::config::Config;
use crate::guard::{Letters, health};
use crate::ledger::LetterFacts;
use crate::run::{describe, readiness, recipients_of, words_in_force};
use crate::words::{Address, Domain, LetterState, LocalDate, Placement, Provider, Role};

/// A pool of `warming` mailboxes on each of `domains` domains, and `partners` spread over Gmail, Microsoft and a server of their own.
fn pool(domains: u32, warming: u32, partners: u32, schedule: &str, more: &str) -> Config {
    let mut yaml = format!(
        "zone: Europe/Berlin\nschedule: {schedule}\ndefaults: {{secret: env:UNUSED, smtp: mail.x.test, imap: mail.x.test, receive_limit: 60}}\n{more}mailboxes:\n"
    );
    for d in 0..domains {
        for w in 0..warming {
            writeln!(yaml, "  - m{w}@new-{d}.test").unwrap();
        }
    }
    for p in 0..partners {
        let provider = ["gmail", "microsoft", "generic"][p as usize % 3];
        writeln!(yaml, "  - {{address: p{p}@{provider}-{p}.test, role: partner, provider: {provider}}}").unwrap();
    }
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("schedules")).unwrap();
    let forty = "about: forty a day\nramp: {start: 40, target: 40, weeks: 6, curve: linear}\n";
    std::fs::write(dir.path().join("schedules/forty.yaml"), forty).unwrap();
    let dash =
        "about: ten times as much within a week\nramp: {start: 8, target: 80, weeks: 1, curve: exponential, max_daily_growth: off}\n";
    std::fs::write(dir.path().join("schedules/dash.yaml"), dash).unwrap();
    let file = dir.path().join("preheat.yaml");
    std::fs::write(&file, yaml).unwrap();
    crate::config::load(&file).unwrap_or_else(|e| panic!("{e}"))
}

fn healthy() -> Scenario {
    Scenario { name: "healthy".into(), about: String::new(), schedule: None, holidays: Vec::new(), faults: Vec::new() }
}

fn rehearsal(config: Config, seed: u64, days: u32) -> Rehearsal {
    Rehearsal { config, scenario: healthy(), seed: Seed(seed), from: LocalDate::ymd(2026, 12, 7).unwrap(), days }
}

#[test]
fn a_rehearsal_carries_the_plan_out_and_is_the_same_each_time() {
    let play = |seed| {
        rehearse(&rehearsal(Config { guard: false, ..pool(2, 2, 6, "standard-6w", "") }, seed, 12), &|_, _| {})
            .unwrap_or_else(|e| panic!("{e}"))
    };
    let (one, same, other) = (play(1), play(1), play(2));
    assert_eq!(one, same);
    assert_ne!(one.fingerprint, other.fingerprint);
    let planned: Vec<u32> = one.days.iter().map(|d| d.planned).collect();
    let sent: Vec<u32> = one.days.iter().map(|d| d.sent).collect();
    assert_eq!(sent, planned);
    assert_eq!(one.breaches, []);
    assert_eq!(one.days.iter().map(|d| d.quota).collect::<Vec<_>>(), planned);
}

/// Plays a rehearsal, and asks of what it leaves behind.
fn after<T>(rehearsal: &Rehearsal, ask: impl AsyncFnOnce(&Played<'_>) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let played = play(rehearsal, &|_, _| {}).await.unwrap_or_else(|e| panic!("{e}"));
        ask(&played).await
    })
}

/// Letters of a sender since `from` to each receiver, counted by hand.
fn counted(letters: &[LetterFacts], config: &Config, is_one: impl Fn(&Address) -> bool, from: LocalDate) -> BTreeMap<Provider, Letters> {
    let mut counted: BTreeMap<Provider, Letters> = BTreeMap::new();
    for l in letters.iter().filter(|l| is_one(&l.plan.sender) && l.plan.date >= from) {
        if l.handed_at.is_none() && l.state != LetterState::Rejected {
            continue;
        }
        let to = counted.entry(config.mailboxes[&l.plan.recipient].provider).or_default();
        to.sent += u32::from(l.handed_at.is_some());
        to.inbox += u32::from(l.placement == Some(Placement::Inbox));
        to.category += u32::from(l.placement == Some(Placement::Category));
        to.spam += u32::from(l.placement == Some(Placement::Spam));
        to.filed += u32::from(l.placement == Some(Placement::Filed));
        to.missing += u32::from(l.placement.is_none() && l.state == LetterState::Missing);
        to.unaccounted += u32::from(l.placement.is_none() && l.state == LetterState::Unaccounted);
    }
    counted
}

#[test]
fn health_counts_every_letter_of_the_last_fortnight_punished_or_not() {
    let scenario = Scenario::by_name("too-fast", None).unwrap();
    let mut config = pool(1, 3, 6, "standard-6w", "");
    scenario.put_schedule_into(&mut config).unwrap();
    let played = Rehearsal { scenario: Scenario { schedule: None, ..scenario }, ..rehearsal(config, 9, 19) };
    after(&played, async |played| {
        let (config, ledger, now) = (&*played.config, &played.ledger, played.until);
        let everybody: Vec<_> = config.mailboxes.values().collect();
        let described = describe(config, Some(ledger), &everybody, now).await.unwrap();
        let domain = Domain::parse("new-0.test").unwrap();
        assert_eq!(described.keys().collect::<Vec<_>>(), [&domain], "partners have no reputation to describe");
        let history = ledger.history().await.unwrap();
        let today = now.local_date(config.zone);
        let from = today.minus(13);
        let described = &described[&domain];
        let by_provider =
            |facts| health(facts).providers.into_iter().map(|p| (p.provider, p.placements.letters)).collect::<BTreeMap<_, _>>();
        let of_domain = counted(&history.letters, config, |a| a.domain() == domain, from);
        assert_eq!(by_provider(&described.pooled), of_domain);
        for (address, facts) in &described.members {
            assert_eq!(by_provider(facts), counted(&history.letters, config, |a| a == address, from));
        }
        let all = Letters::sum(of_domain.values());
        assert!(all.spam > 0 && all.n() > 30, "{all:?}");
        let words = ledger.verdicts(LocalDate::EPOCH).await.unwrap();
        assert!(words.iter().any(|v| v.verdict.restarts_window()), "its window began anew, and health does not mind");
        let older = counted(&history.letters, config, |a| a.domain() == domain, LocalDate::EPOCH);
        assert!(Letters::sum(older.values()).sent > all.sent, "what is older than a fortnight is left out");
        let warming: Vec<_> = everybody.iter().copied().filter(|m| m.role == Role::Warming).collect();
        let went_to: BTreeSet<&Address> = history
            .letters
            .iter()
            .filter(|l| l.plan.sender.domain() == domain && l.plan.date >= from && l.handed_at.is_some())
            .map(|l| &l.plan.recipient)
            .collect();
        assert_eq!(recipients_of(Some(ledger), &warming, now).await.unwrap() as usize, went_to.len());
        // What status says of them is the last word that was written down, and none of it is "advance".
        let in_force = words_in_force(config, ledger, &everybody, now).await.unwrap();
        assert!(!in_force.is_empty());
        for word in in_force {
            let last = words.iter().rfind(|v| v.subject == word.subject).unwrap();
            assert_eq!((last.date, last.verdict), (word.date, word.verdict));
            assert!(word.verdict.harshness() > crate::words::Verdict::Advance.harshness() && !word.sentence.is_empty());
        }
    });
}

#[test]
fn a_ramp_that_is_done_is_evidence_and_the_same_is_said_each_time() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("schedules")).unwrap();
    let week = "about: a week\nramp: {start: 8, target: 8, weeks: 1, curve: linear}\n";
    std::fs::write(dir.path().join("schedules/week.yaml"), week).unwrap();
    let mut config = pool(1, 1, 5, "standard-6w", "");
    config.schedules.insert("standard-6w".into(), crate::config::schedule_by_name("week", Some(dir.path())).unwrap().schedule);
    let ask = |config: &Config, days| {
        let played = rehearsal(Config { guard: false, ..config.clone() }, 3, days);
        after(&played, async |played| {
            let (config, ledger) = (&*played.config, &played.ledger);
            let domains = config.warming_domains();
            let said = readiness(config, Some(ledger), played.rehearsal.seed, &domains, played.until).await.unwrap();
            (said, ledger.fingerprint().await.unwrap())
        })
    };
    let ramp_of = |said: &crate::guard::Ready| said.evidence.first().cloned().unwrap_or_default();
    let thursday = ask(&config, 4).0.remove(0);
    assert_eq!((thursday.wanting[0].condition.as_str(), thursday.is), ("ramp", false));
    assert!(thursday.wanting[0].why.ends_with("done on 2026-12-11 if every day is earned"), "{thursday:?}");
    let (friday, fingerprint) = ask(&config, 5);
    assert_eq!(ramp_of(&friday[0]), "the ramp is done: all 5 ramp days are earned", "in the evening of the last ramp day");
    assert_eq!((friday, fingerprint), ask(&config, 5));
}

#[test]
fn whatever_a_pool_lacks_is_no_panic() {
    let played = rehearsal(pool(1, 1, 5, "standard-6w", ""), 1, 2);
    after(&played, async |played| {
        let (config, ledger, now) = (&*played.config, &played.ledger, played.until);
        let seed = played.rehearsal.seed;
        let warming = config.warming_domains();
        let of_role = |role| -> BTreeMap<Address, _> {
            config.mailboxes.iter().filter(|(_, m)| m.role == role).map(|(a, m)| (a.clone(), m.clone())).collect()
        };
        // Nobody at all, partners only (the domain's mailboxes were removed), and a pool whose partners were.
        for mailboxes in [BTreeMap::new(), of_role(Role::Partner), of_role(Role::Warming)] {
            let lacking = Config { mailboxes, ..config.clone() };
            let left: Vec<_> = lacking.mailboxes.values().collect();
            for ledger in [Some(ledger), None] {
                let described = describe(&lacking, ledger, &left, now).await.unwrap();
                let ready = readiness(&lacking, ledger, seed, &warming, now).await.unwrap();
                let is_warming = !lacking.warming_domains().is_empty();
                assert_eq!((described.len(), ready.len()), (usize::from(is_warming), usize::from(is_warming)));
                assert!(described.values().all(|d| health(&d.pooled).score.is_none()) && ready.iter().all(|r| !r.is));
            }
            words_in_force(&lacking, ledger, &left, now).await.unwrap();
        }
    });
}
