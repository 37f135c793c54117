//! Rescues and tidying that break off.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_rescue_without_move_that_breaks_off_after_its_copy_is_ended_and_never_copies_twice() {
    let dir = tempfile::tempdir().unwrap();
    let d = day(dir.path(), &["a"], 0, "07:00");
    d.servers.faults.half_moves.store(true, Ordering::Relaxed);
    d.run(Pace::Day).await.unwrap();

    let letters = d.starts().await;
    assert!(letters.len() >= 4 && letters.iter().all(|l| l.rescued_at.is_some()), "{letters:?}");
    assert_eq!(d.servers.delivered.lock().unwrap().len(), letters.len(), "each was copied once");
    let mut deleted = d.servers.deleted.lock().unwrap().clone();
    deleted.sort_unstable();
    let all_of_junk: Vec<Uid> = (1..).map(Uid).take(letters.len()).collect();
    assert_eq!(deleted, all_of_junk, "each old copy was taken away once");
    d.assert_whole().await;
}

#[tokio::test(start_paused = true)]
async fn tidying_without_move_that_breaks_off_after_its_copy_is_ended_and_never_copies_twice() {
    let dir = tempfile::tempdir().unwrap();
    let d = in_memory(day(dir.path(), &["a"], 0, "07:00"));
    let letters = d.run_on(1).await.iter().filter(|l| l.seen_at.is_some()).count();
    assert!(letters >= 4 && d.servers.warmup.lock().unwrap().is_empty());

    d.servers.faults.half_tidying.store(true, Ordering::Relaxed);
    d.run_on(16).await;
    assert_eq!(d.servers.warmup.lock().unwrap().len(), letters, "each was copied once");
    let deleted: BTreeSet<Uid> = d.servers.deleted.lock().unwrap().iter().copied().collect();
    assert_eq!(deleted, (1..).map(Uid).take(letters).collect(), "each old copy was taken away");
    assert_eq!(d.told("PutAway"), 2, "both mailboxes said so once");
    d.assert_whole().await;
}
