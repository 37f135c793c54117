//! The ledger's contract: what every backend has to keep. Through its public methods only.

use std::time::Duration;

use preheat::agenda::{Agenda, Draws, PlannedLetter};
use preheat::chance::Seed;
use preheat::classify::Recipient;
use preheat::engage::ActionKind;
use preheat::ledger::{
    DayPlan, Fence, Holder, Intent, IntentRefused, Ledger, LedgerError, LookNote, NewSignal, NextLetter, OpenedParent, Outcome, PauseScope,
    Place, PoolMember, Sighted, SignalNoted, SignalRow, Suppress, SuppressionRow, SuspensionRow, Turn, WordOfServers,
};
use preheat::mail::{Cursor, Folder, FolderName, Uid};
use preheat::words::{
    Address, FolderRole, LetterId, LetterState, LocalDate, MessageId, Moment, Placement, Provider, RampDay, RefusalClass, Reply, Role,
    SignalKind, SignalScope, SkipReason, SuppressionCause,
};
use proptest::prelude::*;

pub(super) const NINE: Moment = Moment(1_796_112_000_000); // 2026-12-01T08:00:00Z, nine in Berlin

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}
pub(super) fn anna() -> Address {
    address("anna@new.test")
}
pub(super) fn member(address: Address, role: Role) -> PoolMember {
    PoolMember { address, role, provider: Provider::Gmail }
}

pub fn ben() -> Address {
    address("ben@old.test")
}
pub(super) fn today() -> LocalDate {
    LocalDate::ymd(2026, 12, 1).unwrap()
}
pub(super) fn later(minutes: u64) -> Moment {
    NINE + Duration::from_mins(minutes)
}
pub(super) fn window() -> (Moment, Moment) {
    (NINE - Duration::from_mins(30), later(480))
}

fn draws() -> Draws {
    let min = Duration::from_mins;
    Draws {
        open: true,
        answer: true,
        important: false,
        flag: true,
        rescue_after: min(10),
        open_after: min(20),
        answer_after: min(30),
        content: 7,
    }
}

pub(super) fn start(n: u32) -> PlannedLetter {
    let due = later(u64::from(n) * 10);
    PlannedLetter {
        id: LetterId::of_start(&anna(), today(), n),
        sender: anna(),
        recipient: ben(),
        date: today(),
        parent: None,
        in_thread: 1,
        due: Some(due),
        expected: due,
        draws: draws(),
    }
}

pub(super) fn answer_to(parent: &PlannedLetter) -> PlannedLetter {
    PlannedLetter {
        id: LetterId::of_answer(parent.id),
        sender: parent.recipient.clone(),
        recipient: parent.sender.clone(),
        parent: Some(parent.id),
        in_thread: parent.in_thread + 1,
        due: None,
        expected: parent.expected + Duration::from_hours(3),
        ..parent.clone()
    }
}

fn day(mailbox: &Address, quota: u32) -> DayPlan {
    DayPlan {
        mailbox: mailbox.clone(),
        date: today(),
        schedule: "standard-6w".into(),
        curve: 1,
        ramp_day: RampDay(3),
        quota,
        total: quota,
        reasons: "[]".into(),
    }
}

/// A ledger with two mailboxes, their leases, and an agenda.
pub(super) struct Desk {
    pub(super) ledger: Ledger,
    planner: Fence,
    pub(super) anna: Fence,
    pub(super) ben: Fence,
}

impl Desk {
    pub(super) async fn with(ledger: Ledger, quota: u32, letters: Vec<PlannedLetter>) -> Self {
        ledger.seed(Seed(5), NINE).await.unwrap();
        ledger.register_pool(vec![member(anna(), Role::Warming), member(ben(), Role::Partner)], NINE).await.unwrap();
        let me = Holder { host: "here".into(), pid: 1, started: 1 };
        let resources = vec![Fence::PLANNER.to_owned(), Fence::resource_of(&anna()), Fence::resource_of(&ben())];
        let mut taken = ledger.take_leases(resources, me, NINE, |_| false).await.unwrap().ours;
        let mut fence = |r: &str| taken.remove(r).unwrap();
        let (planner, a, b) = (fence(Fence::PLANNER), fence(&Fence::resource_of(&anna())), fence(&Fence::resource_of(&ben())));
        let desk = Self { ledger, planner, anna: a, ben: b };
        desk.store(quota, letters).await;
        let folder =
            |name: &str, role| Folder { name: FolderName { wire: name.into(), shown: name.into() }, role, found_by: "test".into() };
        let folders = vec![folder("INBOX", FolderRole::Inbox), folder("Junk", FolderRole::Spam), folder("Sent", FolderRole::Sent)];
        desk.ledger.note_folders(desk.ben.clone(), ben(), folders).await.unwrap();
        desk
    }

    async fn new(quota: u32, letters: Vec<PlannedLetter>) -> Self {
        Self::with(Ledger::in_memory().unwrap(), quota, letters).await
    }

    async fn store(&self, quota: u32, letters: Vec<PlannedLetter>) -> u32 {
        let agenda = Agenda { letters: letters.into_iter().collect(), ..Agenda::default() };
        let days = vec![day(&anna(), quota), day(&ben(), 12)];
        self.ledger.store_agenda(self.planner.clone(), Vec::new(), days, agenda, NINE).await.unwrap()
    }

    pub(super) async fn intend(&self, letter: LetterId, now: Moment) -> Result<Result<(), IntentRefused>, LedgerError> {
        self.intend_after(None, letter, now).await
    }

    async fn intend_after(&self, after: Option<LetterId>, letter: LetterId, now: Moment) -> Result<Result<(), IntentRefused>, LedgerError> {
        let message_id = MessageId::parse(&format!("{letter}@new.test")).unwrap();
        let intent = Intent { letter, date: today(), message_id, after, window: window(), now, real_now: NINE };
        self.ledger.intend(self.anna.clone(), intent).await
    }

    pub(super) async fn send(&self, letter: LetterId, now: Moment) {
        self.intend(letter, now).await.unwrap().unwrap();
        self.ledger.record(letter, Outcome::Accepted(Reply::new(250, "2.0.0 queued")), now).durable().await.unwrap();
    }

    async fn state(&self, letter: LetterId) -> LetterState {
        self.ledger.letter(letter).await.unwrap().unwrap().state
    }

    async fn spent(&self) -> (u32, u32) {
        let d = self.ledger.day(anna(), today()).await.unwrap().unwrap();
        (d.spent, d.accepted)
    }

    /// A look at one of Ben's folders that shows these letters.
    pub(super) async fn look(&self, folder: &str, letters: &[(LetterId, u32)], now: Moment) -> preheat::ledger::Noted {
        let role = if folder == "Junk" { FolderRole::Spam } else { FolderRole::Inbox };
        let placement = if folder == "Junk" { Placement::Spam } else { Placement::Inbox };
        let top = letters.iter().map(|l| l.1).max().unwrap_or(0);
        let sighted = letters
            .iter()
            .map(|(letter, uid)| Sighted {
                letter: *letter,
                uid: Uid(*uid),
                flags: vec![],
                size: 1_000,
                marked: true,
                placement,
                message_id: MessageId::parse("rewritten@mx.test"),
                actions: vec![(if folder == "Junk" { ActionKind::Rescue } else { ActionKind::Open }, now + Duration::from_mins(10))],
                after_rescue: vec![(ActionKind::Open, now + Duration::from_mins(20))],
            })
            .collect();
        let cursor = Cursor { uid_validity: 1, uid: top };
        let note = LookNote { mailbox: ben(), folder: folder.into(), role, cursor, sighted, refused: vec![], now };
        self.ledger.note_look(self.ben.clone(), note).await.unwrap()
    }

    pub(super) async fn assert_whole(&self) {
        assert_eq!(self.ledger.check().await.unwrap().faults, Vec::<String>::new());
    }
}

#[tokio::test]
async fn an_agenda_is_made_once_and_making_it_again_changes_nothing() {
    let d = Desk::new(5, vec![start(1), answer_to(&start(1)), start(2)]).await;
    let before = d.ledger.dump().await.unwrap();
    let moved = PlannedLetter { due: Some(later(99)), ..start(1) };
    assert_eq!(d.store(9, vec![moved, start(2)]).await, 0);
    assert_eq!(d.ledger.dump().await.unwrap(), before);
    let due = d.ledger.due_letters(anna(), today(), 9).await.unwrap();
    assert_eq!(due.iter().map(|l| l.plan.id).collect::<Vec<_>>(), [start(1).id, start(2).id]);
    assert_eq!(due[0].plan, start(1));
    assert_eq!(d.ledger.due_letters(ben(), today(), 9).await.unwrap(), [], "an answer waits for its parent");
}

#[tokio::test]
async fn an_intent_is_refused_by_quota_pause_window_removal_and_state_and_then_writes_nothing() {
    let d = Desk::new(2, (1..=4).map(start).collect()).await;
    let refused = |r: Result<Result<(), IntentRefused>, LedgerError>| r.unwrap().unwrap_err();

    assert_eq!(refused(d.intend(start(1).id, window().0 - Duration::from_millis(1)).await), IntentRefused::Window);
    assert_eq!(refused(d.intend(start(1).id, window().1).await), IntentRefused::Window);
    for scope in ["all", "new.test", "anna@new.test"] {
        let scope = PauseScope::parse_word(scope).unwrap();
        d.ledger.pause(scope.clone(), "moving".into(), NINE).await.unwrap();
        assert_eq!(refused(d.intend(start(1).id, NINE).await), IntentRefused::Paused, "{scope}");
        d.ledger.resume(scope, NINE).await.unwrap();
    }
    d.ledger.pause(PauseScope::parse_word("old.test").unwrap(), "another domain".into(), NINE).await.unwrap();
    assert_eq!(d.state(start(1).id).await, LetterState::Planned);
    assert_eq!(d.spent().await, (0, 0));

    d.send(start(1).id, NINE).await;
    assert_eq!(refused(d.intend(start(1).id, NINE).await), IntentRefused::NotDue);
    // Handed over and not heard of again spends quota too.
    d.intend(start(2).id, NINE).await.unwrap().unwrap();
    d.ledger.record(start(2).id, Outcome::Uncertain("cut".into()), NINE).durable().await.unwrap();
    assert_eq!(refused(d.intend(start(3).id, NINE).await), IntentRefused::Quota);
    assert_eq!(d.spent().await, (2, 1));

    d.ledger.register_pool(vec![member(anna(), Role::Warming)], later(1)).await.unwrap();
    assert_eq!(refused(d.intend(start(3).id, NINE).await), IntentRefused::Removed);
    assert_eq!(d.ledger.skip_removed(d.planner.clone(), later(1)).await.unwrap(), 2);
    assert_eq!(d.ledger.letter(start(4).id).await.unwrap().unwrap().skip_reason, Some(SkipReason::Removed));
    d.assert_whole().await;
}

#[tokio::test]
async fn a_letter_that_was_put_off_meanwhile_is_not_due() {
    let d = Desk::new(3, vec![start(1), start(2)]).await;
    let (id, tomorrow) = (start(1).id, today().plus(1));
    d.ledger.put_off_answer(d.anna.clone(), id, tomorrow, later(24 * 60), NINE).await.unwrap();
    assert_eq!(d.intend(id, NINE).await.unwrap(), Err(IntentRefused::NotDue), "its new date has no quota yet, which is another matter");
    d.intend(start(2).id, NINE).await.unwrap().unwrap();
}

#[tokio::test]
async fn with_the_next_letter_come_those_behind_it_that_are_due_and_may_go() {
    let d = Desk::new(4, (1..=6).map(start).collect()).await;
    let next = async |behind, now| {
        let turn = Turn { sender: anna(), date: today(), window: window(), not_before: NINE, behind, now, real_now: NINE };
        d.ledger.next_letter(d.anna.clone(), turn).await.unwrap()
    };
    let ids = async |behind, now| match next(behind, now).await {
        NextLetter::Now { letter, may_go: Ok(()), behind } => std::iter::once(*letter).chain(behind).map(|l| l.plan.id).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    let starts = |numbers: std::ops::RangeInclusive<u32>| numbers.map(|n| start(n).id).collect::<Vec<_>>();
    assert_eq!(next(9, NINE).await, NextLetter::Later(start(1).due.unwrap()));
    assert_eq!(ids(0, later(35)).await, starts(1..=1), "none is wanted");
    assert_eq!(ids(1, later(35)).await, starts(1..=2), "one is wanted");
    assert_eq!(ids(9, later(35)).await, starts(1..=3), "the fourth is not due");
    assert_eq!(ids(9, later(65)).await, starts(1..=4), "the quota is four");
    d.send(start(1).id, later(65)).await;
    assert_eq!(ids(9, later(65)).await, starts(2..=4), "and one of it is spent");

    d.ledger.pause(PauseScope::parse_word("all").unwrap(), "moving".into(), later(65)).await.unwrap();
    let paused = next(9, later(65)).await;
    assert!(matches!(&paused, NextLetter::Now { may_go: Err(IntentRefused::Paused), behind, .. } if behind.is_empty()), "{paused:?}");
}

#[tokio::test]
async fn no_intent_is_written_before_the_outcome_of_the_letter_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let on_the_disk = Ledger::open(&folder.path().join("preheat.db"), Place::Thread).unwrap();
    for ledger in [Ledger::in_memory().unwrap(), on_the_disk] {
        let d = Desk::with(ledger, 3, (1..=3).map(start).collect()).await;
        let [first, second, third] = [1, 2, 3].map(|n| start(n).id);
        d.intend(first, NINE).await.unwrap().unwrap();
        let early = d.intend_after(Some(first), second, NINE).await;
        assert!(matches!(&early, Err(e @ LedgerError::NotWritten(_)) if e.may_pass()), "{early:?}");
        assert_eq!((d.state(second).await, d.spent().await), (LetterState::Planned, (1, 0)));

        // Handed in before it, and awaited after it: both are in one commit.
        let outcome = d.ledger.record_with_next(first, Outcome::Accepted(Reply::new(250, "2.0.0 queued")), NINE);
        d.intend_after(Some(first), second, NINE).await.unwrap().unwrap();
        assert!(outcome.is_here());
        outcome.durable().await.unwrap();
        assert_eq!((d.state(first).await, d.state(second).await), (LetterState::Accepted, LetterState::Handed));

        // An intent that is refused takes no outcome with it.
        let outcome = d.ledger.record_with_next(second, Outcome::Uncertain("cut".into()), NINE);
        assert_eq!(d.intend_after(Some(second), third, window().1).await.unwrap(), Err(IntentRefused::Window));
        outcome.durable().await.unwrap();
        // Nor is one forgotten that nothing follows.
        d.intend(third, NINE).await.unwrap().unwrap();
        d.ledger.record_with_next(third, Outcome::Accepted(Reply::new(250, "2.0.0 queued")), NINE).durable().await.unwrap();
        assert_eq!([d.state(second).await, d.state(third).await], [LetterState::Uncertain, LetterState::Accepted]);
        d.assert_whole().await;
    }
}

fn suspension(since: Moment, until: Moment) -> SuspensionRow {
    let reply = Reply::new(550, "5.1.1 no such user");
    SuspensionRow { mailbox: ben(), since, until, class: RefusalClass::BadAddress, reply, letter: Some(start(1).id) }
}

#[tokio::test]
async fn nobody_writes_to_a_suspended_mailbox_until_its_time_is_over_or_it_is_lifted_and_all_of_it_is_kept() {
    let d = Desk::new(9, (1..=4).map(start).collect()).await;
    let l = &d.ledger;
    d.ledger.record(start(1).id, Outcome::Rejected(Reply::new(550, "5.1.1 no such user")), NINE).durable().await.unwrap();
    let first = suspension(NINE, later(60));
    assert!(l.suspend(first.clone()).await.unwrap());
    // One that is in force is neither replaced nor made longer.
    assert!(!l.suspend(suspension(later(5), later(500))).await.unwrap());
    // Nor is one doubled by who heard of it a moment before, and writes it down after.
    assert!(!l.suspend(suspension(NINE - Duration::from_millis(1), later(59))).await.unwrap());
    assert_eq!(l.suspensions(later(59)).await.unwrap(), [first]);
    assert_eq!((l.suspensions(later(60)).await.unwrap(), l.suspensions(NINE - Duration::from_millis(1)).await.unwrap()), (vec![], vec![]));

    assert_eq!(d.intend(start(2).id, later(59)).await.unwrap().unwrap_err(), IntentRefused::Suspended);
    assert_eq!(IntentRefused::Suspended.skip_reason(), Some(SkipReason::Suspended));
    assert_eq!((d.state(start(2).id).await, d.spent().await), (LetterState::Planned, (0, 0)));
    d.send(start(2).id, later(60)).await;

    // Lifted, it ends now, and may begin again in the same millisecond.
    assert!(!l.lift_suspension(ben(), later(60)).await.unwrap(), "it is over already");
    assert!(l.suspend(suspension(later(70), later(900))).await.unwrap());
    assert!(l.lift_suspension(ben(), later(80)).await.unwrap() && !l.lift_suspension(ben(), later(80)).await.unwrap());
    d.send(start(3).id, later(80)).await;
    assert!(l.suspend(suspension(later(90), later(95))).await.unwrap() && l.lift_suspension(ben(), later(90)).await.unwrap());
    assert!(l.suspend(suspension(later(90), later(99))).await.unwrap());
    assert_eq!(d.intend(start(4).id, later(98)).await.unwrap().unwrap_err(), IntentRefused::Suspended);

    let history: Vec<(Address, Moment, Moment)> = l.all_suspensions().await.unwrap().into_iter().map(Into::into).collect();
    assert_eq!(history, [(NINE, later(60)), (later(70), later(80)), (later(90), later(99))].map(|(since, until)| (ben(), since, until)));
    // What was taken counts since the oldest suspension that does.
    for (last, since, suspended, accepted) in [(3, NINE, 3, 2), (3, later(60), 2, 1), (1, NINE, 1, 0)] {
        assert_eq!(l.word_of_server(vec![anna()], last, since).await.unwrap(), WordOfServers { suspended, accepted, seen: 0 });
    }
    d.look("INBOX", &[(start(3).id, 3)], later(100)).await;
    assert_eq!(l.word_of_server(vec![anna()], 3, NINE).await.unwrap(), WordOfServers { suspended: 3, accepted: 2, seen: 1 });
    assert_eq!(l.word_of_server(vec![ben()], 3, NINE).await.unwrap(), WordOfServers::default());
    assert!(l.dump().await.unwrap().contains("suspension|mailbox=ben@old.test|since="));
    d.assert_whole().await;
}

#[tokio::test]
async fn what_is_refused_before_the_bytes_spends_nothing_and_after_them_it_does() {
    let d = Desk::new(3, (1..=3).map(start).collect()).await;
    let record = |id, outcome| d.ledger.record(id, outcome, NINE).durable();
    record(start(1).id, Outcome::Deferred(Reply::new(450, "4.2.0 greylisted"), later(15))).await.unwrap();
    assert_eq!((d.state(start(1).id).await, d.spent().await), (LetterState::Deferred, (0, 0)));
    assert_eq!(d.ledger.letter(start(1).id).await.unwrap().unwrap().plan.due, Some(later(15)));
    record(start(2).id, Outcome::Rejected(Reply::new(550, "5.1.1 unknown"))).await.unwrap();
    assert_eq!((d.state(start(2).id).await, d.spent().await), (LetterState::Rejected, (0, 0)));
    d.intend(start(3).id, NINE).await.unwrap().unwrap();
    record(start(3).id, Outcome::Rejected(Reply::new(554, "5.7.1 content"))).await.unwrap();
    assert_eq!((d.state(start(3).id).await, d.spent().await), (LetterState::Rejected, (1, 0)));
    d.send(start(1).id, later(15)).await;
    let steps = d.ledger.steps(start(1).id).await.unwrap();
    assert_eq!(steps.iter().map(|s| s.event.as_str()).collect::<Vec<_>>(), ["deferred", "handed", "accepted"]);
    assert_eq!((steps[0].code, steps[0].text.as_deref()), (Some(450), Some("4.2.0 greylisted")));
    d.assert_whole().await;
}

#[tokio::test]
async fn a_stale_owner_cannot_send_but_what_happened_to_its_letter_is_still_written_down() {
    let d = Desk::new(3, vec![start(1), start(2)]).await;
    d.intend(start(1).id, NINE).await.unwrap().unwrap();
    let thief = Holder { host: "there".into(), pid: 2, started: 2 };
    let taken = d.ledger.take_leases(vec![Fence::resource_of(&anna())], thief, NINE + Duration::from_mins(3), |_| false).await.unwrap();
    let new_fence = taken.ours.into_values().next().unwrap();
    assert!(matches!(d.intend(start(2).id, NINE).await, Err(LedgerError::Stale(_))));
    // The new owner takes the letter for uncertain; then the old one hears the reply after all.
    assert_eq!(d.ledger.recover_handed(new_fence, anna(), later(3)).await.unwrap(), [start(1).id]);
    assert_eq!(d.state(start(1).id).await, LetterState::Uncertain);
    d.ledger.record(start(1).id, Outcome::Accepted(Reply::new(250, "2.0.0 ok")), later(4)).durable().await.unwrap();
    assert_eq!((d.state(start(1).id).await, d.spent().await), (LetterState::Accepted, (1, 1)));
    d.assert_whole().await;
}

#[tokio::test]
async fn an_uncertain_letter_is_found_or_given_up_and_never_planned_again() {
    let d = Desk::new(3, (1..=3).map(start).collect()).await;
    for n in 1..=3 {
        d.intend(start(n).id, NINE).await.unwrap().unwrap();
    }
    assert_eq!(d.ledger.recover_handed(d.anna.clone(), anna(), later(1)).await.unwrap().len(), 3);
    // One in Sent, one at the recipient, one nowhere.
    let settle = |found, before| d.ledger.settle_uncertain(d.anna.clone(), anna(), found, before, later(2));
    assert_eq!(settle(vec![start(1).id], NINE).await.unwrap(), (1, 0));
    assert_eq!(d.look("INBOX", &[(start(2).id, 1)], later(3)).await.first_seen, 1);
    assert_eq!(settle(vec![], later(60)).await.unwrap(), (0, 1));
    assert_eq!(d.state(start(1).id).await, LetterState::Accepted);
    assert_eq!(d.state(start(2).id).await, LetterState::Seen);
    assert_eq!(d.state(start(3).id).await, LetterState::Unaccounted);
    assert_eq!(d.spent().await, (3, 2));
    for n in 1..=3 {
        assert_eq!(d.intend(start(n).id, later(5)).await.unwrap().unwrap_err(), IntentRefused::NotDue);
    }
    // It may still turn up.
    d.look("INBOX", &[(start(3).id, 2)], later(6)).await;
    assert_eq!((d.state(start(3).id).await, d.spent().await), (LetterState::Seen, (3, 3)));
    d.assert_whole().await;
}

#[tokio::test]
async fn a_letter_in_spam_is_rescued_only_when_it_is_seen_in_the_inbox_and_a_second_copy_is_not_acted_on() {
    let d = Desk::new(3, vec![start(1)]).await;
    d.send(start(1).id, NINE).await;
    let noted = d.look("Junk", &[(start(1).id, 4)], later(5)).await;
    assert_eq!((noted.first_seen, noted.in_spam), (1, 1));
    let due = d.ledger.due_actions(ben(), later(15), 9).await.unwrap();
    assert_eq!((due.len(), due[0].kind, due[0].uid, due[0].folder.as_str()), (1, ActionKind::Rescue, Uid(4), "Junk"));
    assert_eq!(d.ledger.due_actions(ben(), later(14), 9).await.unwrap(), []);
    // The same look again, and a copy beside it.
    assert_eq!(d.look("Junk", &[(start(1).id, 4), (start(1).id, 5)], later(6)).await.refused, 1);
    assert_eq!(d.ledger.letter(start(1).id).await.unwrap().unwrap().rescued_at, None);

    assert_eq!(d.look("INBOX", &[(start(1).id, 9)], later(16)).await.rescued, 1);
    let l = d.ledger.letter(start(1).id).await.unwrap().unwrap();
    assert_eq!((l.placement, l.rescued_at), (Some(Placement::Spam), Some(later(16))));
    assert_eq!(l.message_id_seen, MessageId::parse("rewritten@mx.test"));
    let due = d.ledger.due_actions(ben(), later(60), 9).await.unwrap();
    assert_eq!((due.len(), due[0].kind, due[0].uid), (1, ActionKind::Open, Uid(9)));
    // A cursor is what the look said.
    let inbox = d.ledger.folders(ben()).await.unwrap().into_iter().find(|f| f.role == FolderRole::Inbox).unwrap();
    assert_eq!((inbox.cursor, inbox.read_at), (Some(Cursor { uid_validity: 1, uid: 9 }), Some(later(16))));
    d.assert_whole().await;
}

#[tokio::test]
async fn a_letter_that_is_found_although_this_ledger_never_sent_it_does_not_go_out_again() {
    let d = Desk::new(3, vec![start(1), answer_to(&start(1))]).await;
    let noted = d.look("INBOX", &[(start(1).id, 1)], NINE).await;
    assert_eq!((noted.first_seen, noted.refused), (0, 1));
    let l = d.ledger.letter(start(1).id).await.unwrap().unwrap();
    assert_eq!((l.state, l.skip_reason), (LetterState::Skipped, Some(SkipReason::AlreadySent)));
    assert_eq!(d.state(answer_to(&start(1)).id).await, LetterState::Skipped, "what would have answered it lapses");
    assert_eq!(d.intend(start(1).id, NINE).await.unwrap().unwrap_err(), IntentRefused::NotDue);
    assert_eq!(d.ledger.next_action(ben()).await.unwrap(), None);
    d.assert_whole().await;
}

#[tokio::test]
async fn a_letter_that_moves_to_spam_after_it_was_seen_is_rescued_before_it_is_opened() {
    let d = Desk::new(3, vec![start(1)]).await;
    d.send(start(1).id, NINE).await;
    d.look("INBOX", &[(start(1).id, 1)], later(5)).await; // to be opened at 15
    d.look("Junk", &[(start(1).id, 1)], later(12)).await; // to be rescued at 22
    assert_eq!(d.ledger.letter(start(1).id).await.unwrap().unwrap().placement, Some(Placement::Spam));
    let due = d.ledger.due_actions(ben(), later(30), 9).await.unwrap();
    assert_eq!(due.iter().map(|a| (a.kind, a.role)).collect::<Vec<_>>(), [(ActionKind::Rescue, FolderRole::Spam)]);
    assert_eq!(d.look("INBOX", &[(start(1).id, 2)], later(31)).await.rescued, 1);
    let due = d.ledger.due_actions(ben(), later(120), 9).await.unwrap();
    assert_eq!(due.iter().map(|a| (a.kind, a.uid)).collect::<Vec<_>>(), [(ActionKind::Open, Uid(2))]);
    d.assert_whole().await;
}

#[tokio::test]
async fn a_reply_that_is_lost_after_the_letter_was_seen_leaves_it_seen() {
    let d = Desk::new(3, vec![start(1), start(2)]).await;
    for (n, outcome) in [(1, Outcome::Uncertain("no reply in 300 s".into())), (2, Outcome::Rejected(Reply::new(554, "too late")))] {
        d.intend(start(n).id, NINE).await.unwrap().unwrap();
        d.look("INBOX", &[(start(n).id, n)], later(1)).await;
        d.ledger.record(start(n).id, outcome, later(5)).durable().await.unwrap();
        assert_eq!(d.state(start(n).id).await, LetterState::Seen);
    }
    assert_eq!(d.spent().await, (2, 2));
    d.assert_whole().await;
}

#[tokio::test]
async fn nothing_is_called_missing_before_every_folder_was_read_a_day_after() {
    let d = Desk::new(3, vec![start(1)]).await;
    d.send(start(1).id, NINE).await;
    let day = 24 * 60;
    let missing = |now| d.ledger.note_missing(d.ben.clone(), ben(), now - Duration::from_hours(24), now);
    d.look("INBOX", &[], later(day + 5)).await;
    assert_eq!(missing(later(day + 6)).await.unwrap(), [], "spam was never read");
    d.look("Junk", &[], later(day - 5)).await;
    assert_eq!(missing(later(day + 6)).await.unwrap(), [], "spam was read too early");
    d.look("Junk", &[], later(day + 7)).await;
    assert_eq!(missing(later(day + 8)).await.unwrap(), [start(1).id]);
    // And it may still come.
    d.look("INBOX", &[(start(1).id, 3)], later(day + 30)).await;
    assert_eq!(d.state(start(1).id).await, LetterState::Seen);
    d.assert_whole().await;
}

#[tokio::test]
async fn what_nobody_could_be_offered_does_not_cost_its_sender_the_day() {
    use SkipReason::{Deferred, Late, Paused, Quota, Removed, Rests, SignIn, Suppressed, Suspended};
    let reasons = [Late, Suspended, Suppressed, Removed, Quota, Paused, Rests, SignIn, Deferred];
    let d = Desk::new(12, (1..=9).map(start).collect()).await;
    let mut offered = Vec::new();
    for (n, reason) in (1..).zip(reasons) {
        d.ledger.skip_letter(d.anna.clone(), start(n).id, reason, later(480)).await.unwrap();
        offered.push(d.ledger.day(anna(), today()).await.unwrap().unwrap().offered());
    }
    assert_eq!(offered, [11, 10, 9, 8, 8, 8, 8, 8, 8]);
}

#[tokio::test]
async fn a_day_ends_with_starts_skipped_and_answers_put_off_three_times() {
    let unsent = answer_to(&start(2)).id;
    let d = Desk::new(3, vec![start(1), answer_to(&start(1)), start(2), answer_to(&start(2))]).await;
    d.send(start(1).id, NINE).await;
    let answer = answer_to(&start(1)).id;
    let close_anna = d.ledger.close_days(d.anna.clone(), anna(), today(), Some(today().plus(1)), SkipReason::Late, later(900));
    assert_eq!(close_anna.await.unwrap(), 1);
    assert_eq!(d.ledger.letter(start(2).id).await.unwrap().unwrap().skip_reason, Some(SkipReason::Late));
    assert_eq!(d.ledger.day(anna(), today()).await.unwrap().unwrap().offered(), 2);
    assert_eq!(d.state(unsent).await, LetterState::Skipped, "nobody answers what was never sent");

    // While its parent is not opened it waits, and is not the later for it.
    let close_ben =
        |through: LocalDate| d.ledger.close_days(d.ben.clone(), ben(), through, Some(through.plus(1)), SkipReason::Late, later(900));
    assert_eq!(close_ben(today()).await.unwrap(), 0);
    assert_eq!(d.ledger.carried_on(vec![ben()], today().plus(1)).await.unwrap()[0].put_off, 0);

    // Once it is due, it is put off three times, and then lapses.
    d.look("INBOX", &[(start(1).id, 1)], later(905)).await;
    let slots = vec![(today().plus(1), later(1440))];
    d.ledger.note_opened(d.ben.clone(), start(1).id, Some(opened()), slots, 20, later(925)).await.unwrap().unwrap();
    for n in 1..4 {
        assert_eq!(close_ben(today().plus(n)).await.unwrap(), 0);
        assert_eq!(d.ledger.letter(answer).await.unwrap().unwrap().plan.date, today().plus(n + 1));
        assert_eq!(d.ledger.carried_on(vec![ben()], today().plus(n + 1)).await.unwrap()[0].put_off, n);
    }
    assert_eq!(close_ben(today().plus(4)).await.unwrap(), 1);
    let lapsed = d.ledger.letter(answer).await.unwrap().unwrap();
    assert_eq!((lapsed.state, lapsed.skip_reason), (LetterState::Skipped, Some(SkipReason::Quota)));
    d.assert_whole().await;
}

#[tokio::test]
async fn an_answer_whose_parent_is_never_opened_does_not_wait_for_ever() {
    let d = Desk::new(3, vec![start(1), answer_to(&start(1))]).await;
    d.send(start(1).id, NINE).await;
    let close =
        |n: u32| d.ledger.close_days(d.ben.clone(), ben(), today().plus(n), Some(today().plus(n + 1)), SkipReason::Late, later(900));
    let lapsed: Vec<u32> = [close(0).await, close(1).await, close(2).await, close(3).await, close(4).await].map(Result::unwrap).into();
    assert_eq!(lapsed, [0, 0, 0, 0, 1]);
}

fn opened() -> OpenedParent {
    OpenedParent {
        message_id: MessageId::parse("seen@mx.test").unwrap(),
        references: vec![MessageId::parse("a@x.test").unwrap(), MessageId::parse("b@x.test").unwrap()],
        subject: "Grüße".into(),
        text: "line one\nline two".into(),
        from_name: None,
        date: "2026-12-01T09:00:00+01:00".into(),
    }
}

#[tokio::test]
async fn an_answer_is_due_when_its_parent_is_opened_on_the_first_date_with_room() {
    let second = PlannedLetter { sender: ben(), recipient: anna(), ..start(9) };
    let second = PlannedLetter { id: LetterId::of_start(&ben(), today(), 1), ..second };
    let d = Desk::new(3, vec![start(1), answer_to(&start(1)), second]).await;
    d.send(start(1).id, NINE).await;
    d.look("INBOX", &[(start(1).id, 1)], later(5)).await;
    let parent = opened();
    let slots = vec![(today(), later(40)), (today().plus(1), later(1440))];
    let placed = d.ledger.note_opened(d.ben.clone(), start(1).id, Some(parent.clone()), slots.clone(), 20, later(25)).await.unwrap();
    assert_eq!(placed, Some((today(), later(40))));
    assert_eq!(d.ledger.opened_parent(start(1).id).await.unwrap(), Some(parent.clone()));
    assert_eq!(d.ledger.due_letters(ben(), today(), 9).await.unwrap()[0].plan.due, Some(later(40)));
    assert_eq!(d.ledger.next_action(ben()).await.unwrap(), None, "the open is done");
    // Opened twice, after a restart say: the answer keeps its place.
    assert_eq!(d.ledger.note_opened(d.ben.clone(), start(1).id, Some(parent), slots, 20, later(26)).await.unwrap(), None);
}

#[tokio::test]
async fn an_answer_whose_reply_was_lost_still_marks_its_parent_as_answered_when_it_is_found() {
    let answer = answer_to(&start(1)).id;
    let d = Desk::new(3, vec![start(1), answer_to(&start(1))]).await;
    d.send(start(1).id, NINE).await;
    d.look("INBOX", &[(start(1).id, 1)], later(5)).await;
    d.ledger.note_opened(d.ben.clone(), start(1).id, Some(opened()), vec![(today(), later(40))], 20, later(25)).await.unwrap();
    let message_id = MessageId::parse("answer@old.test").unwrap();
    let intent = Intent { letter: answer, date: today(), message_id, after: None, window: window(), now: later(41), real_now: NINE };
    d.ledger.intend(d.ben.clone(), intent).await.unwrap().unwrap();
    assert_eq!(d.ledger.recover_handed(d.ben.clone(), ben(), later(50)).await.unwrap(), [answer]);
    assert_eq!(d.ledger.next_action(ben()).await.unwrap(), None, "nobody knows whether it was answered");

    assert_eq!(d.ledger.settle_uncertain(d.ben.clone(), ben(), vec![answer], NINE, later(60)).await.unwrap(), (1, 0));
    let due = d.ledger.due_actions(ben(), later(60), 9).await.unwrap();
    assert_eq!((due.len(), due[0].letter, due[0].kind), (1, start(1).id, ActionKind::Answered));
    d.assert_whole().await;
}

#[tokio::test]
async fn an_answer_takes_no_more_than_half_of_a_day_and_than_its_recipient_receives() {
    let other = PlannedLetter { id: LetterId::of_start(&anna(), today(), 2), ..start(2) };
    let slots = vec![(today(), later(40)), (today().plus(1), later(1440))];
    let tomorrow = Some((today().plus(1), later(1440)));
    // Of a quota of three, one may be an answer; two are planned.
    let d = Desk::new(3, vec![start(1), answer_to(&start(1)), other.clone(), answer_to(&other)]).await;
    assert_eq!(d.ledger.lower_quota(d.planner.clone(), ben(), today(), 3).await.unwrap(), 3);
    let mut placed = Vec::new();
    for (id, uid) in [(start(1).id, 1), (other.id, 2)] {
        d.send(id, NINE).await;
        d.look("INBOX", &[(id, uid)], later(5)).await;
        placed.push(d.ledger.note_opened(d.ben.clone(), id, Some(opened()), slots.clone(), 20, later(25)).await.unwrap());
    }
    assert_eq!(placed, [tomorrow, Some((today(), later(40)))]);
    // Whoever is answered has received what it may, by the agenda of today.
    let d = Desk::new(9, vec![start(1), answer_to(&start(1)), other.clone(), answer_to(&other)]).await;
    d.send(start(1).id, NINE).await;
    d.look("INBOX", &[(start(1).id, 1)], later(5)).await;
    let opened = d.ledger.note_opened(d.ben.clone(), start(1).id, Some(opened()), slots, 1, later(25)).await.unwrap();
    assert_eq!(opened, tomorrow);
}

#[tokio::test]
async fn a_backup_is_whole_while_the_ledger_is_in_use() {
    let dir = tempfile::tempdir().unwrap();
    let d = Desk::with(Ledger::open(&dir.path().join("preheat.db"), Place::Thread).unwrap(), 3, vec![start(1)]).await;
    d.send(start(1).id, NINE).await;
    let copy = dir.path().join("copy.db");
    d.ledger.backup(&copy).await.unwrap();
    assert!(d.ledger.backup(&copy).await.is_err(), "nothing is overwritten");
    let copied = Ledger::open_to_read(&copy).unwrap().unwrap();
    assert_eq!(copied.dump().await.unwrap(), d.ledger.dump().await.unwrap());
    assert_eq!(copied.check().await.unwrap().faults, Vec::<String>::new());
}

#[tokio::test]
async fn a_check_finds_what_was_tampered_with() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("preheat.db");
    let d = Desk::with(Ledger::open(&path, Place::Thread).unwrap(), 3, vec![start(1), start(2)]).await;
    d.send(start(1).id, NINE).await;
    d.assert_whole().await;
    let c = rusqlite::Connection::open(&path).unwrap();
    c.execute_batch("UPDATE letter SET state = 'seen' WHERE state = 'accepted'; UPDATE day SET spent = 2 WHERE mailbox = 'anna@new.test'")
        .unwrap();
    c.execute_batch("UPDATE day_sum SET inbox = inbox + 1 WHERE mailbox = 'anna@new.test'").unwrap();
    let faults = d.ledger.check().await.unwrap().faults;
    assert_eq!(faults.len(), 3, "{faults:?}");
    let sums = format!("anna@new.test on {}: the sums by receiving provider are not what its letters say", today());
    assert_eq!(faults.iter().filter(|fault| **fault == sums).count(), 1, "{faults:?}");
    c.execute_batch("DELETE FROM day_sum").unwrap();
    assert!(d.ledger.check().await.unwrap().faults.contains(&sums));
    assert!(faults[0].contains("is seen, but its history says accepted") && faults[1].contains("2 spent and 1 accepted"), "{faults:?}");
}

/// Anything that a run could do to a letter, in any order.
#[derive(Clone, Debug)]
enum Do {
    Intend(u32),
    Accept(u32),
    Refuse(u32),
    Defer(u32),
    LoseSight(u32),
    SeeInJunk(u32),
    SeeInInbox(u32),
    Find(u32),
    GiveUp,
    Recover,
    Skip(u32),
    Close,
}

fn anything() -> impl Strategy<Value = Do> {
    let n = 1..5u32;
    prop_oneof![
        4 => n.clone().prop_map(Do::Intend),
        3 => n.clone().prop_map(Do::Accept),
        1 => n.clone().prop_map(Do::Refuse),
        1 => n.clone().prop_map(Do::Defer),
        1 => n.clone().prop_map(Do::LoseSight),
        1 => n.clone().prop_map(Do::SeeInJunk),
        2 => n.clone().prop_map(Do::SeeInInbox),
        1 => n.clone().prop_map(Do::Find),
        1 => Just(Do::GiveUp),
        1 => Just(Do::Recover),
        1 => n.prop_map(Do::Skip),
        1 => Just(Do::Close),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    /// Whatever is done in whatever order: the replay gives the live state, no quota is broken, nothing is handed over twice.
    #[test]
    fn no_order_of_events_breaks_the_ledger(events in prop::collection::vec(anything(), 0..40), quota in 0..4u32) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let d = Desk::new(quota, (1..5).map(start).collect()).await;
            let record = |n: u32, outcome| d.ledger.record(start(n).id, outcome, NINE).durable();
            for (at, event) in events.into_iter().enumerate() {
                let now = later(at as u64);
                let uid = at as u32 + 1;
                // Refusals are fine; what must not happen is a broken ledger.
                match event {
                    Do::Intend(n) => drop(d.intend(start(n).id, now).await),
                    Do::Accept(n) => drop(record(n, Outcome::Accepted(Reply::new(250, "ok"))).await),
                    Do::Refuse(n) => drop(record(n, Outcome::Rejected(Reply::new(550, "no"))).await),
                    Do::Defer(n) => drop(record(n, Outcome::Deferred(Reply::new(450, "later"), now)).await),
                    Do::LoseSight(n) => drop(record(n, Outcome::Uncertain("cut".into())).await),
                    Do::SeeInJunk(n) => drop(d.look("Junk", &[(start(n).id, uid)], now).await),
                    Do::SeeInInbox(n) => drop(d.look("INBOX", &[(start(n).id, uid)], now).await),
                    Do::Find(n) => drop(d.ledger.settle_uncertain(d.anna.clone(), anna(), vec![start(n).id], Moment(0), now).await.unwrap()),
                    Do::GiveUp => drop(d.ledger.settle_uncertain(d.anna.clone(), anna(), vec![], now, now).await.unwrap()),
                    Do::Recover => drop(d.ledger.recover_handed(d.anna.clone(), anna(), now).await.unwrap()),
                    Do::Skip(n) => d.ledger.skip_letter(d.anna.clone(), start(n).id, SkipReason::Quota, now).await.unwrap(),
                    Do::Close => drop(d.ledger.close_days(d.anna.clone(), anna(), today(), None, SkipReason::Late, now).await.unwrap()),
                }
            }
            d.assert_whole().await;
            let (spent, accepted) = d.spent().await;
            prop_assert!(spent <= quota && accepted <= spent);
            for n in 1..5 {
                let steps = d.ledger.steps(start(n).id).await.unwrap();
                let handed = steps.iter().filter(|s| s.event.as_str() == "handed").count();
                prop_assert!(handed <= 1);
            }
            Ok(())
        })?;
    }
}

/// A bounce of Anna's letter to Ben, which she received.
pub(super) fn bounce(message_id: &str, letter: Option<LetterId>, recipient: &str, hard: bool, at: Moment) -> NewSignal {
    let row = SignalRow {
        mailbox: anna(),
        message_id: message_id.into(),
        kind: SignalKind::Bounce,
        scope: if letter.is_some() { SignalScope::Warmup } else { SignalScope::Campaign },
        at,
        date: at.local_date(chrono_tz::UTC),
        provider: None,
        letter,
        original: MessageId::parse("sent@new.test"),
        author: Some("MAILER-DAEMON@mx.test".into()),
        feedback: None,
        evidence: "a delivery status (RFC 3464)".into(),
    };
    let recipients = vec![Recipient {
        address: Some(recipient.into()),
        status: Some(if hard { "5.1.1" } else { "5.2.2" }.into()),
        reply: Some(if hard { 550 } else { 552 }),
        class: if hard { RefusalClass::BadAddress } else { RefusalClass::Full },
        hard,
        diagnostic: "no such user here".into(),
    }];
    NewSignal { row, recipients, suppress: vec![], soft: vec![] }
}

#[tokio::test]
async fn a_signal_is_noted_once_and_ends_its_letter() {
    let d = Desk::new(5, vec![start(1), answer_to(&start(1)), start(2)]).await;
    let (l, first) = (&d.ledger, start(1).id);
    d.send(first, NINE).await;
    // It names somebody else, too, and quotes the server's lines with their codes.
    let mut signal = bounce("b1@mx.test", Some(first), "ben@old.test", true, later(5));
    signal.recipients[0].diagnostic = "550 5.1.1 no such user here".into();
    signal
        .recipients
        .insert(0, Recipient { address: Some("eve@else.test".into()), diagnostic: "552 full".into(), ..signal.recipients[0].clone() });
    let noted = l.note_signal(d.anna.clone(), signal.clone()).await.unwrap();
    assert_eq!(noted, Some(SignalNoted { letter_bounced: true, suppressed: vec![] }));
    assert_eq!(d.state(first).await, LetterState::Bounced);
    assert_eq!(d.state(LetterId::of_answer(first)).await, LetterState::Skipped, "nobody answers what came back");
    let last = l.steps(first).await.unwrap().pop().unwrap();
    assert_eq!((last.at, last.code, last.text.as_deref()), (later(5), Some(550), Some("5.1.1 no such user here")));

    // Seen again, in Junk perhaps, or after a crash: the same signal.
    let again = NewSignal { row: SignalRow { at: later(9), ..signal.row.clone() }, ..signal.clone() };
    assert_eq!(l.note_signal(d.anna.clone(), again).await.unwrap(), None);
    // A second bounce of the letter is another signal, and changes nothing about the letter.
    let second = bounce("b2@mx.test", Some(first), "ben@old.test", true, later(10));
    assert_eq!(l.note_signal(d.anna.clone(), second).await.unwrap(), Some(SignalNoted::default()));
    assert_eq!(l.signals_of(anna(), today()).await.unwrap().len(), 2);
    assert_eq!(l.recipients_of(anna(), "b1@mx.test".into()).await.unwrap(), signal.recipients);

    // What was seen did not bounce, whatever a report says; what was never sent did not either.
    d.send(start(2).id, later(11)).await;
    d.look("INBOX", &[(start(2).id, 7)], later(12)).await;
    let late = bounce("b3@mx.test", Some(start(2).id), "ben@old.test", true, later(13));
    assert_eq!(l.note_signal(d.anna.clone(), late).await.unwrap(), Some(SignalNoted::default()));
    assert_eq!(d.state(start(2).id).await, LetterState::Seen);
    d.assert_whole().await;
}

#[tokio::test]
async fn a_stale_owner_notes_no_signal() {
    let d = Desk::new(5, vec![start(1)]).await;
    d.ledger.release_leases(vec![d.anna.clone()]).await.unwrap();
    let signal = bounce("b1@mx.test", None, "x@out.test", true, later(5));
    assert!(matches!(d.ledger.note_signal(d.anna.clone(), signal).await, Err(LedgerError::Stale(_))));
    assert_eq!(d.ledger.signals_of(anna(), today()).await.unwrap(), []);
}

#[tokio::test]
async fn addresses_are_suppressed_once_never_inside_the_pool_and_the_history_is_kept() {
    let d = Desk::new(5, vec![start(1)]).await;
    let l = &d.ledger;
    let out = Address::parse("x@out.test").unwrap();
    let asks = |message_id: &str, address: &Address, at: Moment| NewSignal {
        suppress: vec![Suppress { address: address.clone(), cause: SuppressionCause::HardBounce, note: "550 5.1.1".into() }],
        ..bounce(message_id, None, address.as_str(), true, at)
    };
    let noted = l.note_signal(d.anna.clone(), asks("b1@mx.test", &out, later(1))).await.unwrap().unwrap();
    assert_eq!(noted.suppressed, std::slice::from_ref(&out));
    assert_eq!(l.note_signal(d.anna.clone(), asks("b2@mx.test", &out, later(2))).await.unwrap().unwrap().suppressed, []);
    // A mailbox of the pool is suspended for a while, and by letters of ours: a report that anybody can write does not put it on this list.
    assert_eq!(l.note_signal(d.anna.clone(), asks("b3@mx.test", &ben(), later(3))).await.unwrap().unwrap().suppressed, []);

    let row = l.suppression_of(out.clone()).await.unwrap().unwrap();
    assert_eq!(
        (row.since, row.cause, row.signal.as_ref().map(|s| s.1.as_str())),
        (later(1), SuppressionCause::HardBounce, Some("b1@mx.test"))
    );
    assert_eq!(l.suppressions().await.unwrap(), [row]);
    assert!(l.lift_suppression(out.clone(), later(4)).await.unwrap() && !l.lift_suppression(out.clone(), later(4)).await.unwrap());
    assert_eq!((l.suppressions().await.unwrap(), l.suppression_of(out.clone()).await.unwrap()), (vec![], None));
    let by_hand = SuppressionRow {
        address: out.clone(),
        since: later(4),
        cause: SuppressionCause::Person,
        signal: None,
        note: "asked by phone".into(),
        lifted_at: None,
    };
    assert_eq!(l.suppress(vec![by_hand.clone(), by_hand]).await.unwrap(), std::slice::from_ref(&out));
    let dump = l.dump().await.unwrap();
    assert_eq!(dump.lines().filter(|line| line.starts_with("suppression|address=x@out.test")).count(), 2, "{dump}");
    d.assert_whole().await;
}

#[tokio::test]
async fn soft_bounces_on_three_dates_within_thirty_days_give_an_address_up() {
    let d = Desk::new(5, vec![start(1)]).await;
    let (l, out) = (&d.ledger, Address::parse("full@out.test").unwrap());
    let on = |n: u64, message_id: &str| {
        let at = NINE + Duration::from_hours(24 * n);
        NewSignal { soft: vec![out.clone()], ..bounce(message_id, None, out.as_str(), false, at) }
    };
    // Two on one date count once; one from 31 days ago does not count.
    let mut suppressed = Vec::new();
    for (n, message_id) in [(0, "s0"), (20, "s1"), (20, "s2"), (31, "s3"), (40, "s4")] {
        let noted = l.note_signal(d.anna.clone(), on(n, message_id)).await.unwrap().unwrap();
        suppressed.push(noted.suppressed.len());
    }
    assert_eq!(suppressed, [0, 0, 0, 0, 1]);
    let row = l.suppression_of(out).await.unwrap().unwrap();
    assert_eq!((row.cause, row.note.as_str()), (SuppressionCause::SoftBounces, "mail to it came back on 3 dates"));
}

#[tokio::test]
async fn what_comes_back_because_of_its_sender_gives_no_address_up() {
    for &class in RefusalClass::ALL {
        let d = Desk::new(5, vec![start(1)]).await;
        let out = Address::parse("p@out.test").unwrap();
        for n in 0..3 {
            let mut signal = bounce(&format!("s{n}"), None, out.as_str(), false, NINE + Duration::from_hours(24 * n));
            signal.recipients[0].class = class;
            signal.soft = vec![out.clone()];
            d.ledger.note_signal(d.anna.clone(), signal).await.unwrap();
        }
        let suppressed = d.ledger.suppression_of(out).await.unwrap().is_some();
        assert_eq!(suppressed, class.counts_against_recipient(), "{class}");
    }
}

#[tokio::test]
async fn letters_are_named_by_the_id_that_was_sent_and_by_the_one_that_was_seen() {
    let d = Desk::new(5, vec![start(1), start(2), start(3)]).await;
    let sent = |n| MessageId::parse(&format!("{}@new.test", start(n).id)).unwrap();
    let named = async |sender: Address, ids: &[&MessageId]| {
        let letters = d.ledger.letters_named(sender, ids.iter().map(|id| (*id).clone()).collect()).await.unwrap();
        letters.into_iter().map(|l| l.plan.id).collect::<Vec<_>>()
    };
    let rewritten = MessageId::parse("rewritten@mx.test").unwrap();
    d.send(start(1).id, NINE).await;
    d.send(start(2).id, later(5)).await;
    assert_eq!(named(anna(), &[&rewritten]).await, []);
    d.look("INBOX", &[(start(2).id, 7)], later(6)).await;
    assert_eq!(named(anna(), &[&rewritten]).await, [start(2).id]);
    assert_eq!(named(anna(), &[&sent(2), &rewritten, &sent(1)]).await, [start(2).id, start(1).id], "in their order, each once");
    let other = MessageId::parse(&format!("{}@elsewhere.test", start(1).id)).unwrap();
    assert_eq!(named(anna(), &[&sent(3), &other]).await, [], "never handed over; never under this id");
    assert_eq!(named(ben(), &[&sent(1), &rewritten]).await, [], "Anna wrote them");
}

#[tokio::test]
async fn the_ledger_says_which_signals_it_has() {
    let d = Desk::new(5, vec![start(1)]).await;
    let signal = bounce("b1@mx.test", None, "x@out.test", true, later(5));
    d.ledger.note_signal(d.anna.clone(), signal).await.unwrap();
    let asked = || vec!["b1@mx.test".to_owned(), "b2@mx.test".to_owned()];
    let heard = d.ledger.signals_heard(anna(), asked()).await.unwrap();
    assert_eq!(heard.into_iter().collect::<Vec<_>>(), ["b1@mx.test"]);
    assert!(d.ledger.signals_heard(ben(), asked()).await.unwrap().is_empty());
}
