//! The kill sweep and the cut sweep: days on real servers on which preheat is killed and its lines are cut, stalled and trickled at every step.
//! Slots 30 to 33. `docs/faults.md` says what is promised, and how a seed is played again.

use std::collections::VecDeque;
use std::sync::Mutex;

use crate::fault_account::Table;
use crate::fault_trial::{Kills, Trial, Wire};
use crate::rig::Rig;

const CUTS: [(&str, &str); 3] = [("cut before", "ask"), ("cut in reply", "half"), ("cut after", "reply")];
const SMTP: [&str; 9] = ["greeting", "ehlo", "auth", "mail", "rcpt", "data", "bytes", "dot", "quit"];
const IMAP: [&str; 14] = [
    "greeting",
    "capability",
    "sign-in",
    "list",
    "select",
    "search",
    "headers",
    "body",
    "flags",
    "store",
    "move",
    "namespace",
    "noop",
    "logout",
];
/// Steps that come once a session: each of them is struck, until there were enough.
const ONCE: [&str; 11] = ["greeting", "ehlo", "starttls", "auth", "quit", "capability", "sign-in", "namespace", "list", "search", "logout"];
/// What a server without MOVE is asked instead.
const BARE: [&str; 2] = ["copy", "expunge"];
/// Waiting for news.
const IDLE: [&str; 3] = ["idle", "idling", "done"];
const KILLED_AT: [(Wire, &str); 16] = [
    (Wire::Smtp, "greeting"),
    (Wire::Smtp, "auth"),
    (Wire::Smtp, "mail"),
    (Wire::Smtp, "rcpt"),
    (Wire::Smtp, "data"),
    (Wire::Smtp, "bytes"),
    (Wire::Smtp, "dot"),
    (Wire::Imap, "sign-in"),
    (Wire::Imap, "list"),
    (Wire::Imap, "select"),
    (Wire::Imap, "headers"),
    (Wire::Imap, "body"),
    (Wire::Imap, "store"),
    (Wire::Imap, "move"),
    (Wire::BareImap, "copy"),
    (Wire::BareImap, "expunge"),
];

const STRUCK: Trial = Trial { name: "", kinds: "ask", steps: "", wire: Wire::None, kills: Kills::Never, share: 40, times: 4, copies: 0 };

/// Every kind of cut at every step, with stalls and trickles there too.
fn cuts() -> Vec<Trial> {
    let readable = SMTP.map(|s| (Wire::Smtp, s)).into_iter().chain(IMAP.map(|s| (Wire::Imap, s))).chain(BARE.map(|s| (Wire::BareImap, s)));
    let readable: Vec<(Wire, &str)> = readable.chain([(Wire::SmtpStarttls, "starttls"), (Wire::ImapStarttls, "starttls")]).collect();
    let mut trials = Vec::new();
    for (wire, steps) in readable {
        let share = if ONCE.contains(&steps) { 100 } else { STRUCK.share };
        trials.extend(CUTS.map(|(name, kinds)| Trial { name, kinds, steps, wire, share, ..STRUCK }));
        trials.push(Trial { name: "stall", kinds: "stall", steps, wire, share, times: 2, ..STRUCK });
        trials.push(Trial { name: "trickle", kinds: "trickle", steps, wire, share, ..STRUCK });
    }
    for steps in IDLE {
        trials.extend(CUTS.map(|(name, kinds)| Trial { name, kinds, steps, wire: Wire::Imap, share: 100, ..STRUCK }));
    }
    for wire in [Wire::SmtpStarttls, Wire::ImapStarttls, Wire::SmtpTls, Wire::ImapTls] {
        for (name, kinds) in [("cut", "reply"), ("cut", "reply"), ("stall", "stall"), ("trickle", "trickle")] {
            trials.push(Trial { name, kinds, steps: "tls", wire, share: 80, times: if name == "cut" { 6 } else { 3 }, ..STRUCK });
        }
    }
    trials
}

/// Kills at moments that a seed draws, and kills at each step, its reply on the way.
fn kills(days: usize) -> Vec<Trial> {
    let at_random = Trial { name: "kill", kills: Kills::AtRandom(15), copies: 1, ..STRUCK };
    let at_steps = KILLED_AT.map(|(wire, steps)| {
        let share = if ONCE.contains(&steps) { 100 } else { STRUCK.share };
        Trial { name: "kill at reply", kinds: "stall", steps, wire, kills: Kills::AtStrikes, share, times: 5, ..STRUCK }
    });
    let and_cut = mixed("ask,half,reply", "kill and cut", Kills::AtRandom(10));
    std::iter::repeat_n(at_random, days).chain(std::iter::repeat_n(and_cut, 4)).chain(at_steps).collect()
}

/// A day of everything, drawn.
fn mixed(kinds: &'static str, name: &'static str, kills: Kills) -> Trial {
    let steps =
        "greeting,ehlo,auth,mail,rcpt,data,bytes,dot,quit,capability,sign-in,list,select,search,headers,body,flags,store,move,logout";
    Trial { name, kinds, steps, wire: Wire::Both, share: 6, times: 12, kills, copies: 0 }
}

/// Half a minute: what the long sweep does, a little of each.
#[test]
#[ignore = "needs the rig: tests/run"]
fn killed_and_cut_at_any_step_nothing_is_lost_and_nothing_is_sent_twice() {
    let kill_at = |wire, steps| Trial { name: "kill at reply", kinds: "stall", steps, wire, kills: Kills::AtStrikes, times: 3, ..STRUCK };
    let trials = vec![
        Trial { name: "kill", kills: Kills::AtRandom(15), copies: 2, ..STRUCK },
        kill_at(Wire::Smtp, "dot"),
        kill_at(Wire::Imap, "move"),
        Trial { name: "cut after", kinds: "reply", steps: "copy", wire: Wire::BareImap, ..STRUCK },
        Trial { name: "cut after", kinds: "reply", steps: "dot", wire: Wire::Smtp, ..STRUCK },
        Trial { name: "cut in reply", kinds: "half", steps: "bytes", wire: Wire::Smtp, ..STRUCK },
        mixed("ask,half,reply", "cut anywhere", Kills::Never),
        mixed("stall,trickle", "slow anywhere", Kills::Never),
        Trial { name: "cut", kinds: "reply", steps: "tls", wire: Wire::SmtpStarttls, share: 80, times: 6, ..STRUCK },
    ];
    let table = play(trials, "", &[30, 31, 32]);
    assert!(table.breaches().is_empty(), "{}", told(&table));
    let (kills, strikes) = table.faults();
    assert!(kills >= 12 && strikes >= 20, "too little was broken:\n{}", table.text());
}

/// At least 200 kills and 300 cuts. Ignored, and of a name of its own: `tests/run` plays it with `--long` only.
#[test]
#[ignore = "takes a quarter of an hour: tests/run --long"]
fn long() {
    let only = std::env::var("PREHEAT_FAULTS_ONLY").unwrap_or_default();
    let table = play(kills(12).into_iter().chain(cuts()).collect(), &only, &[30, 31, 32, 33]);
    assert!(table.breaches().is_empty(), "{}", told(&table));
    let (kills, strikes) = table.faults();
    assert!(table.idle_rows().is_empty(), "never struck: {:?}\n{}", table.idle_rows(), table.text());
    assert!(!only.is_empty() || (kills >= 200 && strikes >= 300), "too little was broken:\n{}", table.text());
}

/// Between the seeds of a trial's day and of the one that is played in its place.
const ANOTHER_DAY: u64 = 500;

/// The seed of a sweep; each of its days has one of its own, which is drawn from its place.
fn base_seed() -> u64 {
    std::env::var("PREHEAT_FAULTS_SEED").map_or(1, |text| text.parse().expect("PREHEAT_FAULTS_SEED is no number"))
}

/// Plays the trials whose names hold `only`, a slot of the rig for each worker, and prints the table. Each has a seed of its own, by its place.
#[expect(clippy::print_stdout, reason = "the table is what a person reads of a sweep")]
fn play(trials: Vec<Trial>, only: &str, slots: &[u32]) -> Table {
    let base = base_seed();
    let numbered = trials.into_iter().zip(base * 1_000..);
    let chosen = numbered.filter(|(t, _)| format!("{} {:?} {}", t.name, t.wire, t.steps).contains(only));
    let numbered = chosen.collect::<VecDeque<_>>();
    let (queue, table) = (Mutex::new(numbered), Mutex::new(Table::default()));
    let servers = Rig::from_env(slots[0]).servers();
    println!("seed {base}: PREHEAT_FAULTS_SEED={base} plays these days again");
    std::thread::scope(|scope| {
        for slot in slots {
            let (queue, table) = (&queue, &table);
            scope.spawn(move || {
                let mut rig = Rig::from_env(*slot);
                loop {
                    let Some((trial, seed)) = queue.lock().unwrap().pop_front() else { return };
                    play_until_struck(&trial, &mut rig, seed, table);
                }
            });
        }
    });
    let table = table.into_inner().unwrap();
    println!("{}", table.text());
    table.tally(servers);
    table
}

/// On a machine that is busy a day may pass without its step: then another one is played, and a third.
fn play_until_struck(trial: &Trial, rig: &mut Rig, seed: u64, table: &Mutex<Table>) {
    for again in 0..3 {
        let account = trial.play(rig, seed + again * ANOTHER_DAY);
        let struck = account.kills + account.strikes > 0;
        table.lock().unwrap().add(account);
        if struck {
            return;
        }
    }
}

fn told(table: &Table) -> String {
    format!("seed {}:\n{}\n{}", base_seed(), table.breaches().join("\n"), table.text())
}
