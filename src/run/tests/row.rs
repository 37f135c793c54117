//! Days on which letters keep no distance, and go one right behind the other.

use super::*;
use crate::words::{LetterState, SkipReason};

/// A mailbox's three letters to two partners, all of them due at nine; theirs are due later.
async fn run_in_a_row(d: &mut Day, dir: &Path) -> Vec<LetterFacts> {
    for schedule in Arc::get_mut(&mut d.cx.config).unwrap().schedules.values_mut() {
        (schedule.window.mailbox_gap, schedule.window.domain_gap) = (Duration::ZERO, Duration::ZERO);
    }
    d.run(Pace::Once).await.unwrap();
    let c = rusqlite::Connection::open(dir.join("preheat.db")).unwrap();
    let sql = "UPDATE letter SET due = CASE sender WHEN 'a@x.test' THEN ?1 ELSE ?2 END WHERE parent IS NULL";
    c.execute(sql, [at("09:00").0, at("15:00").0]).unwrap();
    d.cx.clock.sleep_until(at("09:00")).await;
    d.run(Pace::Once).await.unwrap();
    d.assert_whole().await;
    let letters: Vec<_> = d.starts().await.into_iter().filter(|l| l.plan.sender == address("a@x.test")).collect();
    assert_eq!(letters.len(), 3, "{letters:?}");
    letters
}

#[tokio::test(start_paused = true)]
async fn each_of_them_goes_once_with_its_own_words() {
    let dir = tempfile::tempdir().unwrap();
    let mut d = day_with(dir.path(), &["a"], &["p@y.test", "q@z.test"], 0, "07:00");
    let sent = run_in_a_row(&mut d, dir.path()).await;
    assert!(sent.iter().all(|l| l.handed_at == Some(at("09:00"))), "{sent:?}");
    for letter in &sent {
        let id = format!("Message-ID: <{}", letter.plan.id);
        let delivered = d.servers.delivered.lock().unwrap();
        let copies: Vec<_> = delivered.iter().filter(|(_, bytes)| String::from_utf8_lossy(bytes).contains(&id)).collect();
        let [(to, bytes)] = copies[..] else { panic!("{id}: {}", copies.len()) };
        assert_eq!(*to, letter.plan.recipient);
        assert!(String::from_utf8_lossy(bytes).contains(&format!("To: {to}\r\n")), "{}", String::from_utf8_lossy(bytes));
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_refusal_the_ledger_is_asked_who_is_next() {
    for is_after_the_dot in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let mut d = day_with(dir.path(), &["a"], &["p@y.test", "q@z.test"], 0, "07:00");
        let both = ["p@y.test", "q@z.test"].map(address);
        let faults = &d.servers.faults;
        let refuse = if is_after_the_dot { &faults.after_the_dot } else { &faults.at_rcpt };
        refuse.lock().unwrap().extend(both.clone().map(|to| (to, Reply::new(550, "5.1.1 no such user here"))));
        let letters = run_in_a_row(&mut d, dir.path()).await;
        assert_eq!(both.each_ref().map(|to| d.offers_to(to)), [1, 1], "the third letter's recipient was refused before");
        let mut ends: Vec<_> = letters.iter().map(|l| (l.state, l.skip_reason)).collect();
        ends.sort_unstable_by_key(|(state, _)| *state == LetterState::Skipped);
        let refused = (LetterState::Rejected, None);
        assert_eq!(ends, [refused, refused, (LetterState::Skipped, Some(SkipReason::Suspended))]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_ledger_said_of_those_behind_holds_for_a_second() {
    for (slow, sent) in [(Duration::from_secs(2), 1), (Duration::from_millis(300), 3)] {
        let dir = tempfile::tempdir().unwrap();
        let mut d = day_with(dir.path(), &["a"], &["p@y.test", "q@z.test"], 0, "07:00");
        *d.servers.faults.slow_offers.lock().unwrap() = slow;
        let clock = d.cx.clock.clone();
        let put_off_while_the_first_is_offered = async {
            clock.sleep_until(at("09:00") + slow / 2).await;
            let c = rusqlite::Connection::open(dir.path().join("preheat.db")).unwrap();
            let sql = "UPDATE letter SET due = ?1 WHERE sender = 'a@x.test' AND parent IS NULL AND state = 'planned'";
            assert_eq!(c.execute(sql, [at("15:00").0]).unwrap(), 3);
        };
        let (letters, ()) = tokio::join!(run_in_a_row(&mut d, dir.path()), put_off_while_the_first_is_offered);
        assert_eq!(letters.iter().filter(|l| l.handed_at.is_some()).count(), sent, "{slow:?}: {letters:?}");
    }
}
