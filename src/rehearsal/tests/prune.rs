//! Pruning a ledger of some weeks changes nothing of what comes: the ramp, the next date's quotas and letters, and all that is told of mailboxes.

use std::fmt::Write;
use std::path::Path;

use tokio::sync::watch;

use super::{after, pool, rehearsal};
use crate::clock::Clock;
use crate::compose::Library;
use crate::config::{Config, Mailbox};
use crate::ledger::{LEAST_KEPT, Ledger, PauseScope, Place, PruneRules, Pruner, Removed};
use crate::letter::Keyring;
use crate::rehearsal::Rehearsal;
use crate::rehearsal::Scenario;
use crate::rehearsal::drive::Played;
use crate::rehearsal::kills::Kills;
use crate::rehearsal::ports::WorldAccess;
use crate::run::{Context, Silent, describe, plan_date, readiness, words_in_force};
use crate::words::LocalDate;

const DAYS: u32 = 75;

/// Letters that went missing, came back and were called spam, and mailboxes that were gone.
fn eventful() -> Rehearsal {
    let scenario = Scenario::by_name("too-fast", None).unwrap();
    let mut config = pool(2, 1, 5, "standard-6w", "");
    scenario.put_schedule_into(&mut config).unwrap();
    Rehearsal { scenario: Scenario { schedule: None, ..scenario }, ..rehearsal(config, 11, DAYS) }
}

fn rules(played: &Played<'_>, before: LocalDate) -> PruneRules {
    PruneRules { before, tidies: played.config.tidy.is_some(), now: played.until }
}

/// A copy of a played ledger.
fn copy(played: &Played<'_>, path: &Path) -> Ledger {
    played.ledger.save_to(path);
    Ledger::open(path, Place::Inline).unwrap()
}

fn prune(ledger: &Ledger, rules: PruneRules, is_trial: bool) -> Removed {
    let mut pruner = Pruner::of(ledger.path(), rules, is_trial).unwrap();
    while pruner.batch().unwrap() {}
    pruner.removed()
}

/// All that a ledger says of what comes, and of how its mailboxes stand.
async fn told(played: &Played<'_>, ledger: &Ledger) -> String {
    let (config, now) = (&*played.config, played.until);
    let clock = Clock::paused_at(now);
    let (_never, stop) = watch::channel(false);
    let cx = Context {
        access: std::sync::Arc::new(WorldAccess {
            world: played.world.clone(),
            clock: clock.clone(),
            kills: std::sync::Arc::new(Kills::at(Vec::new())),
        }),
        config: played.config.clone(),
        clock,
        keys: std::sync::Arc::new(Keyring::default()),
        library: std::sync::Arc::new(Library::with_files(&[]).unwrap()),
        progress: std::sync::Arc::new(Silent),
        ledger: ledger.clone(),
        seed: played.rehearsal.seed,
        stop,
    };
    let everybody: Vec<&Mailbox> = config.mailboxes.values().collect();
    let next = now.local_date(config.zone).plus(1);
    let plan = plan_date(&cx, next, &everybody).await.unwrap();
    let mut text = format!("{:?}\n{:?}\n{:?}\n{:?}\n", plan.days, plan.agenda, plan.verdicts, plan.suspended);
    for address in config.mailboxes.keys() {
        let days = ledger.days_before(address.clone(), LocalDate::LAST).await.unwrap();
        writeln!(text, "{days:?}\n{:?}", ledger.unsent(address.clone()).await.unwrap()).unwrap();
    }
    writeln!(text, "{:?}", ledger.space(config.mailboxes.keys().cloned().collect()).await.unwrap()).unwrap();
    writeln!(text, "{:?}", ledger.verdicts(LocalDate::EPOCH).await.unwrap()).unwrap();
    writeln!(text, "{:?}", ledger.suppressions().await.unwrap()).unwrap();
    writeln!(text, "{:?}", words_in_force(config, ledger, &everybody, now).await.unwrap()).unwrap();
    writeln!(text, "{:?}", describe(config, Some(ledger), &everybody, now).await.unwrap()).unwrap();
    let domains = config.warming_by_domain().into_keys().collect();
    writeln!(text, "{:?}", readiness(config, Some(ledger), played.rehearsal.seed, &domains, now).await.unwrap()).unwrap();
    text
}

/// Letters that are open, by their own words: whatever the pruner makes of them.
const OPEN: &str = "SELECT count(*) FROM letter l WHERE state IN ('planned', 'deferred', 'handed', 'uncertain', 'accepted')
                      OR EXISTS (SELECT 1 FROM action a WHERE a.letter = l.id AND a.result IS NULL)";

#[test]
fn what_is_pruned_is_missed_by_nobody() {
    let eventful = eventful();
    after(&eventful, async |played| {
        let dir = tempfile::tempdir().unwrap();
        let today = played.until.local_date(played.config.zone);
        let whole = copy(played, &dir.path().join("whole.db"));
        assert_eq!(whole.check().await.unwrap().faults, Vec::<String>::new());
        let before = told(played, &whole).await;
        assert!(!whole.stands_alone(whole.last_date().await.unwrap().unwrap()).await.unwrap());
        let shares = played.rehearsal.seed.shares_of_words(&["prune"]);
        for share in shares {
            let back = LEAST_KEPT + (share * f64::from(DAYS - LEAST_KEPT)) as u32;
            let date = today.minus(back);
            let ledger = copy(played, &dir.path().join(format!("{date}.db")));
            let removed = prune(&ledger, rules(played, date), false);
            assert_eq!(ledger.check().await.unwrap().faults, Vec::<String>::new(), "before {date}");
            assert_eq!(told(played, &ledger).await, before, "before {date}");
            assert_eq!(ledger.ask(OPEN).await, whole.ask(OPEN).await, "nothing open is gone");
            let older = format!("SELECT count(*) FROM letter WHERE date < '{date}'");
            let (were, are): (u64, u64) = (whole.ask(&older).await.parse().unwrap(), ledger.ask(&older).await.parse().unwrap());
            assert_eq!(were - are, removed.letters);
            assert!(are * 5 <= were, "{are} of {were} letters before {date} stay");
            let later = format!("SELECT count(*) || ' ' || max(id) FROM letter WHERE date >= '{date}'");
            assert_eq!(ledger.ask(&later).await, whole.ask(&later).await);
            // What is kept of them is what they were.
            let sums = format!(
                "SELECT group_concat(date || sender || state || n, ' ') FROM (SELECT date, sender, state, count(*) AS n FROM letter
                 WHERE date < '{date}' GROUP BY date, sender, state ORDER BY date, sender, state)"
            );
            let kept = format!(
                "SELECT group_concat(date || sender || state || n, ' ') FROM (SELECT date, sender, state, sum(n) AS n FROM
                   (SELECT date, sender, state, 1 AS n FROM letter UNION ALL SELECT date, mailbox, state, letters FROM pruned_sum)
                 WHERE date < '{date}' GROUP BY date, sender, state ORDER BY date, sender, state)"
            );
            assert_eq!(ledger.ask(&kept).await, whole.ask(&sums).await);
        }
    });
}

#[test]
fn a_date_that_stands_alone_makes_no_letter_old() {
    let played = rehearsal(pool(1, 1, 5, "standard-6w", ""), 3, 4);
    after(&played, async |played| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("preheat.db");
        let ledger = copy(played, &path);
        let last = ledger.last_date().await.unwrap().unwrap();
        assert!(!ledger.stands_alone(last).await.unwrap(), "there is nothing before it");
        let file = rusqlite::Connection::open(&path).unwrap();
        file.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        let one_mailbox = "WHERE mailbox = (SELECT min(mailbox) FROM day) AND date = (SELECT max(date) FROM day)";
        for (date, alone) in [(last.plus(20), false), (last.plus(60), true)] {
            file.execute(&format!("UPDATE day SET date = '{date}' {one_mailbox}"), []).unwrap();
            assert_eq!(ledger.last_date().await.unwrap(), Some(date));
            assert_eq!(ledger.stands_alone(date).await.unwrap(), alone, "{date}");
        }
    });
}

#[test]
fn pruning_that_is_broken_off_goes_on_and_a_trial_takes_nothing() {
    let eventful = eventful();
    after(&eventful, async |played| {
        let dir = tempfile::tempdir().unwrap();
        let date = played.until.local_date(played.config.zone).minus(LEAST_KEPT + 4);
        let rules = rules(played, date);
        let [at_once, in_pieces, untouched] = ["at-once", "in-pieces", "untouched"].map(|name| copy(played, &dir.path().join(name)));
        let removed = prune(&at_once, rules, false);

        // Broken off after one batch, after two, and so on: what is written by then is all that the next one finds.
        let (mut letters, mut attempts, mut is_over) = (0, 0, false);
        while !is_over {
            attempts += 1;
            let mut pruner = Pruner::of(in_pieces.path(), rules, false).unwrap().in_batches_of(7);
            is_over = (0..attempts).any(|_| !pruner.batch().unwrap());
            letters += pruner.removed().letters;
            drop(pruner);
            assert_eq!(in_pieces.check().await.unwrap().faults, Vec::<String>::new(), "after {attempts} attempts");
        }
        assert!(removed.letters > 100 && attempts > 4, "{removed:?} in {attempts}");
        assert_eq!((in_pieces.dump().await.unwrap(), letters), (at_once.dump().await.unwrap(), removed.letters));

        // Once more finds nothing, and a trial says beforehand what goes.
        assert_eq!(prune(&at_once, rules, false), Removed { held: removed.held, ..Removed::default() });
        assert_eq!(at_once.dump().await.unwrap(), in_pieces.dump().await.unwrap());
        let before = untouched.dump().await.unwrap();
        assert_eq!((prune(&untouched, rules, true), untouched.dump().await.unwrap()), (removed, before));
    });
}

#[test]
fn others_write_while_it_is_pruned_and_the_file_gets_smaller() {
    let config = Config { guard: false, ..pool(1, 1, 5, "standard-6w", "") };
    let played = rehearsal(config, 3, DAYS);
    after(&played, async |played| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("preheat.db");
        played.ledger.save_to(&path);
        let size = std::fs::metadata(&path).unwrap().len();
        let rules = rules(played, played.until.local_date(played.config.zone).minus(LEAST_KEPT));
        let (ledger, place) = (Ledger::open(&path, Place::Thread).unwrap(), path.clone());
        let pruning = std::thread::spawn(move || {
            let mut pruner = Pruner::of(&place, rules, false).unwrap().in_batches_of(3);
            while pruner.batch().unwrap() {}
            pruner
        });
        for n in 0..200 {
            ledger.pause(PauseScope::All, format!("for the {n}th time"), played.until).await.unwrap();
            assert_eq!(ledger.pauses().await.unwrap()[0].reason, format!("for the {n}th time"));
        }
        let pruner = pruning.join().unwrap();
        assert!(pruner.free_bytes().unwrap() > 0 && pruner.removed().letters > 0);
        assert!(pruner.shrink().unwrap());
        assert!(std::fs::metadata(&path).unwrap().len() < size && pruner.free_bytes().unwrap() == 0);
        assert_eq!(ledger.check().await.unwrap().faults, Vec::<String>::new());
    });
}

#[test]
fn what_is_open_stays_with_its_thread_and_the_room_of_copies_that_lie_about_is_kept() {
    let eventful = eventful();
    after(&eventful, async |played| {
        let dir = tempfile::tempdir().unwrap();
        let rules = rules(played, played.until.local_date(played.config.zone).minus(LEAST_KEPT));
        let ledger = copy(played, &dir.path().join("preheat.db"));
        // Of threads of two letters: of one something is to be done, one is waiting; of a third, the copy is to be put away.
        let answered = |n: u32| {
            format!(
                "(SELECT parent FROM letter WHERE parent IS NOT NULL AND in_thread = 2 AND state = 'seen' ORDER BY id LIMIT 1 OFFSET {n})"
            )
        };
        let open = format!("UPDATE action SET result = NULL, done_at = NULL WHERE letter = {} AND kind = 'open'", answered(0));
        assert_eq!(ledger.alter(&open).await, 1);
        assert_eq!(ledger.alter(&format!("UPDATE letter SET state = 'accepted' WHERE id = {}", answered(1))).await, 1);
        let lies =
            format!("UPDATE sighting SET tidied = NULL, role = 'inbox', marked = 1 WHERE letter = {} AND role <> 'sent'", answered(2));
        assert_eq!(ledger.alter(&lies).await, 1);
        assert_eq!(ledger.alter("UPDATE tidy SET below = ''").await, played.config.mailboxes.len());
        // Whose mark did not hold is left where it is, and nobody waits for it.
        let left = format!("UPDATE sighting SET tidied = NULL, marked = 0 WHERE letter = {}", answered(3));
        assert!(ledger.alter(&left).await >= 1);
        let mut threads = Vec::new();
        for n in 0..4 {
            threads.push(ledger.ask(&answered(n)).await);
        }
        let everybody: Vec<_> = played.config.mailboxes.keys().cloned().collect();
        let space = ledger.space(everybody.clone()).await.unwrap();
        let removed = prune(&ledger, rules, false);
        let mut stay = Vec::new();
        for id in &threads {
            stay.push(ledger.ask(&format!("SELECT count(*) FROM letter WHERE '{id}' IN (id, parent)")).await);
        }
        assert_eq!(stay, ["2", "2", "2", "0"], "{removed:?}");
        assert!(removed.letters > 100 && removed.held >= 6, "{removed:?}");
        assert_eq!(ledger.space(everybody).await.unwrap(), space);
    });
}
