mod outside;

use std::fmt::Write;

use super::*;
use crate::chance::Seed;
use crate::config::Config;
use crate::words::LocalDate;

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
