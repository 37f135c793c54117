//! Servers that keep to the protocol and lie: what becomes of their mailbox, and of the others.

use super::*;

/// The letters of the first of December that `mailbox` was to receive, and how many of them were seen.
async fn received(d: &Day, mailbox: &str) -> (usize, usize) {
    let letters: Vec<_> =
        d.starts().await.into_iter().filter(|l| l.plan.recipient == address(mailbox) && l.accepted_at.is_some()).collect();
    (letters.len(), letters.iter().filter(|l| l.seen_at.is_some()).count())
}

/// Letters to `hostile` land in Junk, all others in the inbox.
fn junk_what_comes(d: &Day, hostile: &Address) {
    let mut delivered = d.servers.delivered.lock().unwrap();
    let mut junk = d.servers.junk.lock().unwrap();
    let nobody = address("nobody@z.test");
    for (to, message) in delivered.iter_mut().filter(|(to, _)| to == hostile) {
        junk.push((std::mem::replace(to, nobody.clone()), message.clone()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_move_that_moves_nothing_is_a_visible_trouble_and_no_rescue() {
    let dir = tempfile::tempdir().unwrap();
    let d = day_with(dir.path(), &["a"], &["p@y.test", "q@z.test"], 0, "07:00");
    let liar = address("p@y.test");
    *d.servers.faults.lies_about_moves.lock().unwrap() = Some(liar.clone());
    let spam_filter = async {
        for minute in 0..600 {
            d.cx.clock.sleep_until(at("07:00") + Duration::from_mins(minute)).await;
            junk_what_comes(&d, &liar);
        }
    };
    let watch = async {
        d.cx.clock.sleep_until(at("21:30")).await;
        (d.troubles_of("p@y.test").await, d.troubles_of("a@x.test").await, d.troubles_of("q@z.test").await)
    };
    let (result, (), (of_liar, of_a, of_q)) = tokio::join!(d.run(Pace::Day), spam_filter, watch);
    result.unwrap();
    let to_liar: Vec<_> = d.starts().await.into_iter().filter(|l| l.plan.recipient == liar && l.seen_at.is_some()).collect();
    assert!(!to_liar.is_empty(), "nothing was seen in Junk");
    assert!(to_liar.iter().all(|l| l.rescued_at.is_none()), "an OK is no rescue: {to_liar:?}");
    assert_eq!((of_liar.len(), of_a.len(), of_q.len()), (1, 0, 0), "{of_liar:?}");
    assert!(of_liar[0].what.contains("did not do it") && !of_liar[0].hint.is_empty(), "{of_liar:?}");
    let (sent, seen) = received(&d, "a@x.test").await;
    assert!(sent >= 2 && seen == sent, "{seen} of {sent}");
    d.assert_whole().await;
}

#[tokio::test(start_paused = true)]
async fn folders_without_end_are_read_bit_by_bit_with_a_trouble_and_the_day_ends() {
    let dir = tempfile::tempdir().unwrap();
    let d = day_with(dir.path(), &["a"], &["p@y.test", "q@z.test"], 0, "07:00");
    *d.servers.faults.has_no_end.lock().unwrap() = Some(address("p@y.test"));
    d.run(Pace::Day).await.unwrap();
    let troubles = d.troubles_of("p@y.test").await;
    assert!(troubles.iter().any(|t| t.what.contains("20 looks at INBOX were not enough") && !t.hint.is_empty()), "{troubles:?}");
    let looks = d.servers.looks.load(Ordering::Relaxed);
    assert!((20..2_000).contains(&looks), "{looks} looks");
    let (sent, seen) = received(&d, "a@x.test").await;
    assert!(sent >= 2 && seen == sent, "{seen} of {sent}");
    d.assert_whole().await;
}

#[tokio::test(start_paused = true)]
async fn news_at_every_moment_are_looked_at_every_few_seconds_at_most() {
    let dir = tempfile::tempdir().unwrap();
    let d = day_with(dir.path(), &["a"], &["p@y.test"], 0, "16:00");
    *d.servers.faults.always_has_news.lock().unwrap() = Some(address("p@y.test"));
    d.run(Pace::Day).await.unwrap();
    let looks = d.servers.looks.load(Ordering::Relaxed);
    // From four o'clock to ten at night, every five seconds.
    assert!((100..=4_500).contains(&looks), "{looks} looks");
    d.assert_whole().await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_heard_by_those_whose_sign_in_hangs() {
    let dir = tempfile::tempdir().unwrap();
    let d = day(dir.path(), &["a"], 0, "07:00");
    d.servers.faults.hangs.store(true, Ordering::Relaxed);
    let stop = async {
        d.cx.clock.sleep_until(at("12:00")).await;
        d.stop.send(true).unwrap();
    };
    let (result, ()) = tokio::join!(d.run(Pace::Day), stop);
    result.unwrap();
    assert_eq!(d.now(), "01 12:00");
    assert!(d.servers.offered.lock().unwrap().is_empty() && d.troubles_of("a@x.test").await.is_empty());
    d.assert_whole().await;
}
