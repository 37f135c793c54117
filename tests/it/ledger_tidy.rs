//! The ledger's contract on tidying: what is finished, what is noted of it, and how much room it takes.

use std::time::Duration;

use preheat::engage::ActionKind;
use preheat::ledger::{Fence, Finished, Intent, Ledger, LedgerError, LookNote, Outcome, PutAway, SentCopy, Sighted, Space};
use preheat::mail::{Cursor, Folder, FolderName, Uid};
use preheat::words::{Address, FolderRole, LetterId, MessageId, Moment, Placement, Reply, Tidied};

use super::ledger::{Desk, anna, answer_to, ben, later, start, today, window};

const DAY: u64 = 24 * 60;
const FORTNIGHT: Duration = Duration::from_hours(14 * 24);

/// A sighting at Ben's, in the inbox, with nothing to be done.
fn sighted(letter: LetterId, uid: u32) -> Sighted {
    let (flags, actions) = (vec![], vec![]);
    let (placement, message_id) = (Placement::Inbox, None);
    Sighted { letter, uid: Uid(uid), flags, size: 1_000 + uid, marked: true, placement, message_id, actions, after_rescue: vec![] }
}

fn folder(name: &str, role: FolderRole) -> Folder {
    Folder { name: FolderName { wire: name.into(), shown: name.into() }, role, found_by: "test".into() }
}

async fn look(d: &Desk, folder: &str, role: FolderRole, uid_validity: u32, sighted: Vec<Sighted>, now: Moment) {
    let uid = sighted.iter().map(|s| s.uid.0).max().unwrap_or(0);
    let (mailbox, folder, cursor) = (ben(), folder.to_owned(), Cursor { uid_validity, uid });
    d.ledger.note_look(d.ben.clone(), LookNote { mailbox, folder, role, cursor, sighted, refused: vec![], now }).await.unwrap();
}

async fn finished_at(l: &Ledger, who: &Address, minute: u64) -> Finished {
    l.finished(who.clone(), FORTNIGHT, 100, later(minute)).await.unwrap()
}

/// The letters of Anna's that are finished, by their number.
async fn numbers(l: &Ledger, who: &Address, minute: u64) -> Vec<u32> {
    let found = finished_at(l, who, minute).await;
    let mut numbers: Vec<u32> =
        found.copies.iter().map(|c| (1..=9).find(|n| start(*n).id == c.letter).unwrap_or_else(|| panic!("{}", c.letter))).collect();
    numbers.sort_unstable();
    numbers
}

async fn desk(letters: u32) -> Desk {
    let mut plans: Vec<_> = (1..=letters).map(start).collect();
    plans.push(answer_to(&start(1)));
    let d = Desk::with(Ledger::in_memory().unwrap(), 12, plans).await;
    for n in 1..=letters {
        d.send(start(n).id, later(u64::from(n) * 10)).await;
    }
    d
}

#[tokio::test]
async fn a_letter_is_finished_when_it_is_old_final_done_with_and_the_last_of_its_thread() {
    let d = desk(8).await;
    let l = &d.ledger;
    let mut all: Vec<Sighted> = (1..=7).map(|n| sighted(start(n).id, n)).collect();
    // 1: it is to be answered. 2: somebody still has to open it. 3: a person's rule has filed it. 4: its mark was stripped. 8: nobody has seen it.
    all[0].actions = vec![(ActionKind::Open, later(90))];
    all[1].actions = vec![(ActionKind::Open, later(95))];
    all[3].marked = false;
    let mut filed = all.remove(2);
    filed.placement = Placement::Filed;
    look(&d, "INBOX", FolderRole::Inbox, 1, all, later(80)).await;
    look(&d, "Friends", FolderRole::Other, 1, vec![filed], later(80)).await;
    l.end_actions(d.ben.clone(), vec![(start(1).id, ActionKind::Open)], "done", later(90)).await.unwrap();
    // 7: its provider took it back into spam, and out of it again: it was rescued, and lies there for its third look. Here: it lies in spam.
    let mut in_spam = sighted(start(7).id, 70);
    in_spam.placement = Placement::Spam;
    look(&d, "Junk", FolderRole::Spam, 1, vec![in_spam], later(200)).await;

    assert_eq!(numbers(l, &ben(), 13 * DAY).await, [0; 0], "too young");
    assert_eq!(numbers(l, &ben(), 14 * DAY + 61).await, [0; 0], "a whole date is looked at when it is over");
    assert_eq!(numbers(l, &ben(), 15 * DAY).await, [5, 6]);
    let (mailbox, letter) = (ben(), start(2).id);
    l.end_actions(d.ben.clone(), vec![(letter, ActionKind::Open)], "given_up", later(100)).await.unwrap();
    assert_eq!(numbers(l, &mailbox, 15 * DAY).await, [2, 5, 6]);
    l.skip_letter(d.ben.clone(), answer_to(&start(1)).id, preheat::words::SkipReason::Quota, later(100)).await.unwrap();
    assert_eq!(numbers(l, &mailbox, 15 * DAY).await, [1, 2, 5, 6]);

    // Seen late, it is not final for two days more.
    look(&d, "INBOX", FolderRole::Inbox, 1, vec![sighted(start(8).id, 8)], later(14 * DAY)).await;
    assert_eq!(numbers(l, &mailbox, 15 * DAY).await, [1, 2, 5, 6]);
    assert_eq!(numbers(l, &mailbox, 16 * DAY).await, [1, 2, 5, 6, 8]);
    let most = l.finished(ben(), FORTNIGHT, 2, later(16 * DAY)).await.unwrap();
    assert_eq!(most.copies.len(), 2);
    assert!(most.copies.iter().all(|c| c.letter.to_string() < most.below), "those that did not fit are found the next time");
}

/// An answer in spam may be rescued yet, and that calls for an answer to it.
#[tokio::test]
async fn a_thread_is_not_over_while_its_last_letter_may_still_be_rescued() {
    let d = desk(1).await;
    let l = &d.ledger;
    let (answer, asked) = (answer_to(&start(1)).id, async |minute| numbers(l, &anna(), minute).await);
    let mut opened = sighted(start(1).id, 1);
    opened.actions = vec![(ActionKind::Open, later(90))];
    look(&d, "INBOX", FolderRole::Inbox, 1, vec![opened], later(80)).await;
    l.end_actions(d.ben.clone(), vec![(start(1).id, ActionKind::Open)], "done", later(90)).await.unwrap();
    let sent = vec![SentCopy { letter: start(1).id, uid: Uid(1), size: 900 }];
    let cursor = Cursor { uid_validity: 1, uid: 1 };
    l.note_folders(d.anna.clone(), anna(), vec![folder("Sent", FolderRole::Sent), folder("Junk", FolderRole::Spam)]).await.unwrap();
    l.note_sent_copies(d.anna.clone(), anna(), "Sent".into(), cursor, sent, later(80)).await.unwrap();
    assert_eq!(asked(15 * DAY).await, [0; 0], "the answer is still to be sent");

    let message_id = MessageId::parse(&format!("{answer}@partner.test")).unwrap();
    let intent = Intent { letter: answer, date: today(), message_id, after: None, window: window(), now: later(120), real_now: later(0) };
    l.intend(d.ben.clone(), intent).await.unwrap().unwrap();
    l.record(answer, Outcome::Accepted(Reply::new(250, "2.0.0 queued")), later(120)).durable().await.unwrap();
    l.end_actions(d.ben.clone(), vec![(start(1).id, ActionKind::Answered)], "done", later(121)).await.unwrap();
    assert_eq!(asked(15 * DAY).await, [0; 0], "it is on its way");

    let mut in_spam = sighted(answer, 1);
    (in_spam.placement, in_spam.actions) = (Placement::Spam, vec![(ActionKind::Rescue, later(15 * DAY))]);
    let (mailbox, cursor, now) = (anna(), Cursor { uid_validity: 1, uid: 1 }, later(12 * DAY));
    let note = LookNote { mailbox, folder: "Junk".into(), role: FolderRole::Spam, cursor, sighted: vec![in_spam], refused: vec![], now };
    l.note_look(d.anna.clone(), note).await.unwrap();
    assert_eq!(asked(15 * DAY).await, [0; 0], "it is to be rescued");
    l.end_actions(d.anna.clone(), vec![(answer, ActionKind::Rescue)], "given_up", later(15 * DAY)).await.unwrap();
    assert_eq!(asked(15 * DAY).await, [1]);
}

#[tokio::test]
async fn what_was_put_away_is_written_down_once_and_never_found_again() {
    let d = desk(4).await;
    let l = &d.ledger;
    let folders = vec![folder("INBOX", FolderRole::Inbox), folder("Warmup", FolderRole::Other)];
    l.note_folders(d.ben.clone(), ben(), folders).await.unwrap();
    look(&d, "INBOX", FolderRole::Inbox, 1, (2..=4).map(|n| sighted(start(n).id, n)).collect(), later(80)).await;
    assert_eq!(l.space(vec![ben(), anna()]).await.unwrap(), [Space { messages: 3, bytes: 3_009, ..Space::default() }, Space::default()]);
    let mut found = finished_at(l, &ben(), 15 * DAY).await;
    let (now, end) = (later(15 * DAY), found.below.clone());
    assert_eq!((l.tidied_on(ben()).await.unwrap(), found.copies.len()), (None, 3));

    let moved = |n: u32, uid| PutAway { letter: start(n).id, how: Tidied::Moved, place: Some((9, Uid(uid))) };
    let read = l.note_put_away(d.ben.clone(), ben(), Some("Warmup".into()), vec![moved(2, 1), moved(3, 2)], now).await.unwrap();
    assert_eq!(read, Some(Cursor { uid_validity: 9, uid: 2 }));
    found.hold(start(4).id);
    assert!(found.below < end);
    l.end_tidying(d.ben.clone(), ben(), today().plus(15), found.below).await.unwrap();
    assert_eq!(l.tidied_on(ben()).await.unwrap(), Some(today().plus(15)));
    let space = Space { messages: 1, bytes: 1_004, put_away: 2, put_away_bytes: 2_005 };
    assert_eq!(l.space(vec![ben()]).await.unwrap(), [space]);
    // The folder was empty, and all that is in it is ours: no look has to read it.
    let warmup = || async { l.folders(ben()).await.unwrap().into_iter().find(|f| f.name.wire == "Warmup").unwrap().cursor };
    assert_eq!(warmup().await, Some(Cursor { uid_validity: 9, uid: 2 }));
    let places = l.sightings_of(ben(), vec![start(3).id]).await.unwrap();
    assert_eq!((places[0].folder.as_str(), places[0].uid_validity, places[0].uid), ("Warmup", 9, Uid(2)));

    // The last of them comes later, behind somebody else's message: that is to be looked at.
    assert_eq!(numbers(l, &ben(), 16 * DAY).await, [4]);
    assert_eq!(l.note_put_away(d.ben.clone(), ben(), Some("Warmup".into()), vec![moved(4, 4)], now).await.unwrap(), None);
    assert_eq!(warmup().await, Some(Cursor { uid_validity: 9, uid: 2 }));
    assert_eq!(numbers(l, &ben(), 30 * DAY).await, [0; 0]);

    // A person takes one back into the inbox, and another into spam: that is their business.
    look(&d, "INBOX", FolderRole::Inbox, 1, vec![sighted(start(2).id, 22)], later(17 * DAY)).await;
    let mut spam = sighted(start(3).id, 33);
    (spam.placement, spam.actions) = (Placement::Spam, vec![(ActionKind::Rescue, later(17 * DAY + 10))]);
    look(&d, "Junk", FolderRole::Spam, 1, vec![spam], later(17 * DAY)).await;
    assert_eq!(numbers(l, &ben(), 40 * DAY).await, [0; 0]);
    assert_eq!(l.next_action(ben()).await.unwrap(), None);
    let told = [2, 3, 4].map(|n| start(n).id);
    for letter in told {
        assert_eq!(l.letter(letter).await.unwrap().unwrap().placement, Some(Placement::Inbox));
    }
    assert_eq!(l.check().await.unwrap().faults, Vec::<String>::new());
}

#[tokio::test]
async fn copies_in_sent_are_the_senders_own_and_the_first_of_each() {
    let d = desk(3).await;
    let l = &d.ledger;
    look(&d, "INBOX", FolderRole::Inbox, 1, vec![sighted(start(2).id, 2)], later(80)).await;
    let copy = |n: u32, uid| SentCopy { letter: start(n).id, uid: Uid(uid), size: 700 };
    let note = async |validity, uid, copies| {
        l.note_sent_copies(d.anna.clone(), anna(), "Sent".into(), Cursor { uid_validity: validity, uid }, copies, later(90)).await.unwrap();
    };
    let stranger = SentCopy { letter: LetterId::of_start(&anna(), today(), 77), uid: Uid(9), size: 700 };
    note(5, 12, vec![copy(2, 10), copy(3, 11), copy(2, 12), stranger]).await;
    assert_eq!(l.space(vec![anna()]).await.unwrap(), [Space { messages: 2, bytes: 1_400, ..Space::default() }]);
    // 3 was never seen: it is missing, and may turn up for a week.
    assert_eq!(numbers(l, &anna(), 15 * DAY).await, [2]);
    let found = finished_at(l, &anna(), 15 * DAY).await;
    assert_eq!((found.copies[0].role, found.copies[0].uid, found.copies[0].uid_validity), (FolderRole::Sent, Uid(10), 5));
    // The folder is renumbered, and read again.
    note(6, 3, vec![copy(2, 1), copy(3, 2), copy(2, 3)]).await;
    let found = finished_at(l, &anna(), 15 * DAY).await;
    assert_eq!((found.copies[0].uid, found.copies[0].uid_validity), (Uid(1), 6));
    // Ben has not sent Anna's letters, whatever lies in his Sent folder.
    let cursor = Cursor { uid_validity: 5, uid: 4 };
    l.note_sent_copies(d.ben.clone(), ben(), "Sent".into(), cursor, vec![copy(3, 4)], later(90)).await.unwrap();
    assert_eq!(numbers(l, &ben(), 15 * DAY).await, [2], "that is the one he received");

    let gone = PutAway { letter: start(2).id, how: Tidied::Gone, place: None };
    l.note_put_away(d.anna.clone(), anna(), None, vec![gone], later(15 * DAY)).await.unwrap();
    assert_eq!(numbers(l, &anna(), 15 * DAY).await, [0; 0]);
    assert_eq!(l.space(vec![anna()]).await.unwrap()[0].messages, 1);
    assert_eq!(l.first_handed(anna(), today()).await.unwrap(), Some(later(10)));
    assert_eq!(l.first_handed(anna(), today().plus(1)).await.unwrap(), None);
}

#[tokio::test]
async fn whoever_has_lost_the_mailbox_writes_nothing_down() {
    let d = desk(2).await;
    let stale: Fence = d.ben.clone();
    d.ledger.release_leases(vec![stale.clone()]).await.unwrap();
    let gone = vec![PutAway { letter: start(2).id, how: Tidied::Gone, place: None }];
    let results = [
        d.ledger.note_put_away(stale.clone(), ben(), None, gone, later(5)).await.map(drop),
        d.ledger.end_tidying(stale.clone(), ben(), today(), String::new()).await,
        d.ledger.note_sent_copies(stale, ben(), "Sent".into(), Cursor { uid_validity: 1, uid: 1 }, vec![], later(5)).await,
    ];
    assert!(results.iter().all(|r| matches!(r, Err(LedgerError::Stale(_)))), "{results:?}");
}
