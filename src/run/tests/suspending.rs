//! Days on which recipients are gone, full, or said to be so by a server that has lost its way.

use super::*;
use crate::words::{LetterState, RefusalClass, SkipReason};

const WEEK: Duration = Duration::from_hours(7 * 24);

fn to<'a>(letters: &'a [LetterFacts], recipient: &'a Address) -> impl Iterator<Item = &'a LetterFacts> {
    letters.iter().filter(move |l| l.plan.recipient == *recipient)
}

#[tokio::test(start_paused = true)]
async fn a_recipient_that_is_gone_is_tried_once_a_week_and_nobody_else_is_the_worse_for_it() {
    let dir = tempfile::tempdir().unwrap();
    let d = in_memory(day_with(dir.path(), &["a", "b", "c"], &["p@y.test", "q@z.test"], 1, "07:00"));
    let p = address("p@y.test");
    let gone = Reply::new(550, "5.1.1 no such user here");
    d.servers.faults.at_rcpt.lock().unwrap().insert(p.clone(), gone.clone());

    let first = d.run_on(1).await;
    assert_eq!(d.offers_to(&p), 1, "the first refusal is enough");
    let rows = d.suspensions().await;
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((&row.mailbox, row.class, &row.reply), (&p, RefusalClass::BadAddress, &gone));
    assert_eq!(row.until.since(row.since), WEEK);
    assert_eq!(d.told("Suspended(SuspensionRow"), 1);
    let refused: Vec<_> = to(&first, &p).filter(|l| l.state == LetterState::Rejected).map(|l| Some(l.plan.id)).collect();
    assert_eq!(refused, [row.letter]);
    let others: Vec<_> = to(&first, &p).filter(|l| l.state != LetterState::Rejected).map(|l| (l.state, l.skip_reason)).collect();
    assert!(!others.is_empty());
    // Starts are skipped as suspended; what would have answered a letter that was never sent lapses.
    assert!(others.iter().all(|(state, _)| *state == LetterState::Skipped), "{others:?}");
    assert!(others.contains(&(LetterState::Skipped, Some(SkipReason::Suspended))), "{others:?}");
    // The others' letters go, and so do those of the suspended mailbox itself.
    let q_got = to(&first, &address("q@z.test")).filter(|l| l.state == LetterState::Seen).count();
    assert!(q_got >= 4, "{q_got}");
    assert!(first.iter().any(|l| l.plan.sender == p && l.state == LetterState::Seen), "it can still send");

    for day in [2, 5, 8] {
        let letters = d.run_on(day).await;
        assert_eq!(to(&letters, &p).filter(|l| l.plan.parent.is_none()).count(), 0, "a start on the {day}th");
        assert_eq!(d.offers_to(&p), 1, "on the {day}th");
    }
    let second = d.run_on(9).await;
    assert!(to(&second, &p).count() > 1, "letters to it are planned again");
    assert_eq!(d.offers_to(&p), 2, "and the first of them is its test");
    let rows = d.suspensions().await;
    assert!(rows.len() == 2 && rows[1].until.since(rows[1].since) == WEEK && rows[1].since > rows[0].until, "{rows:?}");

    // It is there again.
    d.servers.faults.at_rcpt.lock().unwrap().clear();
    for day in [10, 16] {
        d.run_on(day).await;
    }
    assert_eq!(d.offers_to(&p), 2);
    let third = d.run_on(17).await;
    assert!(to(&third, &p).filter(|l| l.state == LetterState::Seen).count() >= 3, "{third:?}");
    assert_eq!(d.suspensions().await.len(), 2);
    d.assert_whole().await;
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_that_is_full_after_the_final_dot_is_suspended_and_what_was_spent_stays_spent() {
    let dir = tempfile::tempdir().unwrap();
    let d = in_memory(day_with(dir.path(), &["a", "b"], &["p@y.test", "q@z.test"], 0, "07:00"));
    let p = address("p@y.test");
    d.servers.faults.after_the_dot.lock().unwrap().insert(p.clone(), Reply::new(552, "5.2.2 the mailbox is over its quota"));
    let letters = d.run_on(1).await;
    let rows = d.suspensions().await;
    assert_eq!(rows.iter().map(|r| (r.mailbox.clone(), r.class)).collect::<Vec<_>>(), [(p.clone(), RefusalClass::Full)]);
    assert_eq!(d.offers_to(&p), 1);
    let handed: Vec<_> = to(&letters, &p).filter(|l| l.handed_at.is_some()).map(|l| l.state).collect();
    assert_eq!(handed, [LetterState::Rejected]);
    d.assert_whole().await;
}

#[tokio::test(start_paused = true)]
async fn refusals_about_the_sender_and_replies_that_may_pass_suspend_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let d = in_memory(day_with(dir.path(), &["a", "b"], &["p@y.test", "q@z.test"], 0, "07:00"));
    let replies = [("p@y.test", Reply::new(550, "5.7.1 blocked by policy")), ("q@z.test", Reply::new(452, "4.2.2 mailbox full"))];
    d.servers.faults.at_rcpt.lock().unwrap().extend(replies.map(|(who, reply)| (address(who), reply)));
    d.run_on(1).await;
    assert!(d.offers_to(&address("p@y.test")) > 1 && d.offers_to(&address("q@z.test")) > 1);
    assert_eq!(d.suspensions().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_knows_nobody_any_more_cannot_stop_the_whole_pool() {
    let dir = tempfile::tempdir().unwrap();
    let partners = ["p@y.test", "q@z.test", "r@v.test", "s@w.test", "t@u.test", "u@t.test", "v@s.test"];
    let d = in_memory(day_with(dir.path(), &["a", "b", "c"], &partners, 0, "07:00"));
    *d.servers.faults.lost.lock().unwrap() = Some(Domain::parse("x.test").unwrap());
    let letters = d.run_on(1).await;
    let suspended: BTreeSet<Address> = d.suspensions().await.into_iter().map(|s| s.mailbox).collect();
    assert_eq!(suspended.len(), 3, "{suspended:?}");
    // Whom it does not know goes on to receive from the others.
    let starts = letters.iter().filter(|l| l.plan.parent.is_none());
    let unharmed = starts.filter(|l| !l.plan.sender.as_str().ends_with("x.test") && !suspended.contains(&l.plan.recipient));
    assert!(unharmed.clone().count() > 3 && unharmed.clone().all(|l| l.state == LetterState::Seen));
    let mut troubles = Vec::new();
    for who in ["a@x.test", "b@x.test", "c@x.test"] {
        troubles.extend(d.troubles_of(who).await);
    }
    assert!(troubles.iter().any(|t| t.channel == "smtp" && t.what.contains("more recipients than it takes") && !t.sign_in), "{troubles:?}");

    // The server finds its way: the trouble goes, and the others get letters.
    *d.servers.faults.lost.lock().unwrap() = None;
    let letters = d.run_on(2).await;
    assert!(letters.iter().filter(|l| l.plan.sender.as_str().ends_with("x.test") && l.state == LetterState::Seen).count() >= 6);
    for who in ["a@x.test", "b@x.test", "c@x.test"] {
        assert_eq!(d.troubles_of(who).await, [], "{who}");
    }
    assert_eq!(d.suspensions().await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_was_well_yesterday_is_doubted_as_soon_as_one_that_never_was() {
    let dir = tempfile::tempdir().unwrap();
    let partners = ["p@y.test", "q@z.test", "r@v.test", "s@w.test", "t@u.test", "u@t.test", "v@s.test"];
    let d = in_memory(day_with(dir.path(), &["a", "b", "c"], &partners, 0, "07:00"));
    let letters = d.run_on(1).await;
    assert!(letters.iter().filter(|l| l.plan.sender.as_str().ends_with("x.test") && l.state == LetterState::Seen).count() >= 6);
    for date in [2, 3] {
        *d.servers.faults.lost.lock().unwrap() = Some(Domain::parse("x.test").unwrap());
        d.run_on(date).await;
        assert_eq!(d.suspensions().await.len(), 3, "on day {date}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pool_whose_only_recipient_is_suspended_waits_for_it_and_one_that_was_lifted_is_written_to_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let d = in_memory(day(dir.path(), &["a"], 0, "07:00"));
    let (a, p) = (address("a@x.test"), address("p@y.test"));
    d.servers.faults.at_rcpt.lock().unwrap().insert(p.clone(), Reply::new(550, "5.2.1 mailbox disabled"));
    d.run_on(1).await;
    let letters = d.run_on(2).await;
    assert!(letters.iter().all(|l| l.plan.sender == p) && letters.iter().any(|l| l.plan.recipient == a && l.state == LetterState::Seen));
    let today = d.cx.ledger.day(a.clone(), LocalDate::ymd(2026, 12, 2).unwrap()).await.unwrap().unwrap();
    assert!(today.plan.quota == 0 && today.plan.reasons.contains("what the pool can carry is 0"), "{today:?}");
    assert!(d.told("p@y.test is suspended until 2026-12-08T") >= 1);

    d.servers.faults.at_rcpt.lock().unwrap().clear();
    assert!(d.cx.ledger.lift_suspension(p.clone(), d.cx.clock.now()).await.unwrap());
    let letters = d.run_on(3).await;
    // Two a day is what the week allows a pair.
    assert!(to(&letters, &p).filter(|l| l.state == LetterState::Seen).count() >= 2, "{letters:?}");
    d.assert_whole().await;
}
