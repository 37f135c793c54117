//! The ledger's contract on what it counts by receiving provider: the sums follow every letter, and whoever changes provider takes its letters along.

use preheat::guard::Letters;
use preheat::ledger::{DaySum, Ledger, Outcome, PlacementCounts};
use preheat::words::{Provider, Reply, Role};

use super::ledger::{Desk, NINE, anna, ben, bounce, later, member, start, today};

const DAY: u64 = 24 * 60;

async fn sums(l: &Ledger) -> Vec<DaySum> {
    l.described_mail(vec![(anna(), today(), today())]).await.unwrap().remove(0).sums
}

async fn week(l: &Ledger) -> PlacementCounts {
    l.status(vec![(anna(), today())]).await.unwrap().remove(0).week
}

/// Eleven letters, each with another end.
async fn eleven() -> Desk {
    let d = Desk::with(Ledger::in_memory().unwrap(), 12, (1..=11).map(start).collect()).await;
    for n in (1..=6).chain(8..=10) {
        d.intend(start(n).id, NINE).await.unwrap().unwrap();
    }
    let record = |n: u32, outcome| d.ledger.record(start(n).id, outcome, NINE).durable();
    for n in 1..=6 {
        record(n, Outcome::Accepted(Reply::new(250, "2.0.0 queued"))).await.unwrap();
    }
    record(7, Outcome::Rejected(Reply::new(550, "5.1.1 unknown"))).await.unwrap();
    record(8, Outcome::Rejected(Reply::new(554, "5.7.1 content"))).await.unwrap();
    record(9, Outcome::Uncertain("no reply in 300 s".into())).await.unwrap();
    record(10, Outcome::Uncertain("no reply in 300 s".into())).await.unwrap();
    record(11, Outcome::Deferred(Reply::new(450, "4.2.0 greylisted"), later(15))).await.unwrap();
    d.look("INBOX", &[(start(1).id, 1), (start(3).id, 3)], later(5)).await;
    d.look("Junk", &[(start(2).id, 1)], later(5)).await;
    // The second is rescued, the third goes into spam after it was seen.
    d.look("INBOX", &[(start(2).id, 4)], later(16)).await;
    d.look("Junk", &[(start(3).id, 2)], later(17)).await;
    d.ledger.note_signal(d.anna.clone(), bounce("b1@mx.test", Some(start(4).id), "ben@old.test", true, later(20))).await.unwrap();
    d
}

#[tokio::test]
async fn every_letter_is_in_the_sums_as_what_became_of_it() {
    let d = eleven().await;
    let l = &d.ledger;
    let counts = PlacementCounts { inbox: 1, spam: 2, rescued: 1, waiting: 2, bounced: 1, rejected: 2, uncertain: 2, ..Default::default() };
    assert_eq!(week(l).await, counts);
    let letters = Letters { sent: 9, inbox: 1, spam: 2, ..Letters::default() };
    assert_eq!(sums(l).await, [DaySum { date: today(), provider: Provider::Gmail, letters }]);

    // One of the two that wait is missing, and comes after all; an uncertain one is found, the other given up.
    for folder in ["INBOX", "Junk"] {
        d.look(folder, &[], later(DAY + 5)).await;
    }
    d.look("INBOX", &[(start(5).id, 5)], later(DAY + 6)).await;
    let missing = l.note_missing(d.ben.clone(), ben(), later(5), later(DAY + 7)).await.unwrap();
    assert_eq!(missing, [start(6).id]);
    l.settle_uncertain(d.anna.clone(), anna(), vec![start(9).id], later(2), later(4 * DAY)).await.unwrap();
    let counts = PlacementCounts { inbox: 2, waiting: 1, missing: 1, uncertain: 0, unaccounted: 1, ..counts };
    assert_eq!(week(l).await, counts);
    let letters = Letters { inbox: 2, missing: 1, unaccounted: 1, ..letters };
    assert_eq!(sums(l).await[0].letters, letters);
    d.look("INBOX", &[(start(6).id, 6)], later(5 * DAY)).await;
    assert_eq!(week(l).await, PlacementCounts { inbox: 3, missing: 0, ..counts });

    // The eighth date no longer counts for the week, and other dates are not asked for.
    let of_date = |back: u32| l.status(vec![(anna(), today().plus(back))]);
    assert_eq!(of_date(7).await.unwrap()[0].week, week(l).await);
    assert_eq!(of_date(8).await.unwrap()[0].week, PlacementCounts::default());
    let tomorrow = l.described_mail(vec![(ben(), today(), today()), (anna(), today().plus(1), today().plus(9))]).await.unwrap();
    assert!(tomorrow.iter().all(|mail| mail.sums.is_empty()), "{tomorrow:?}");
    let described = l.described_mail(vec![(anna(), today(), today())]).await.unwrap().remove(0);
    let judged = l.judged_mail(anna(), today(), today()).await.unwrap();
    assert_eq!((described.refused, described.signals), (judged.refused, judged.signals));
    assert_eq!(l.recipients_on(vec![(anna(), today(), today()), (ben(), today(), today())]).await.unwrap(), 1);
    d.assert_whole().await;
}

#[tokio::test]
async fn who_changes_provider_takes_its_letters_along_and_who_leaves_the_pool_does_not() {
    let d = eleven().await;
    let l = &d.ledger;
    let before = sums(l).await;
    l.register_pool(vec![member(anna(), Role::Warming)], later(30)).await.unwrap();
    assert_eq!(sums(l).await, before);
    let moved = preheat::ledger::PoolMember { provider: Provider::Microsoft, ..member(ben(), Role::Partner) };
    l.register_pool(vec![member(anna(), Role::Warming), moved], later(31)).await.unwrap();
    assert_eq!(sums(l).await, [DaySum { provider: Provider::Microsoft, ..before[0] }]);
    d.look("INBOX", &[(start(5).id, 5)], later(32)).await;
    assert_eq!(sums(l).await[0].letters.inbox, before[0].letters.inbox + 1);
    d.assert_whole().await;
}
