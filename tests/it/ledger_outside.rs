//! The ledger's contract on real mail: counted once, reported, and a day's total beside its quota.

use preheat::agenda::Agenda;
use preheat::ledger::{DayPlan, Fence, Holder, Ledger, LedgerError, OutsideMessage, OutsideNote, OutsideReport, Place, SentCursor};
use preheat::mail::Cursor;
use preheat::words::{Address, LocalDate, Moment, OutsideMail, RampDay, Role};

const NINE: Moment = Moment(1_796_112_000_000); // 2026-12-01T08:00:00Z

fn anna() -> Address {
    Address::parse("anna@new.test").unwrap()
}
fn date(text: &str) -> LocalDate {
    LocalDate::parse(text).unwrap()
}
fn today() -> LocalDate {
    date("2026-12-01")
}

/// A ledger with one mailbox, its leases, and a day of 12 letters in a total of 20.
struct Desk {
    ledger: Ledger,
    planner: Fence,
    anna: Fence,
}

impl Desk {
    async fn new() -> Self {
        Self::with(Ledger::in_memory().unwrap()).await
    }

    async fn with(ledger: Ledger) -> Self {
        ledger
            .register_pool(
                vec![preheat::ledger::PoolMember { address: anna(), role: Role::Warming, provider: preheat::words::Provider::Generic }],
                NINE,
            )
            .await
            .unwrap();
        let me = Holder { host: "here".into(), pid: 1, started: 1 };
        let resources = vec![Fence::PLANNER.to_owned(), Fence::resource_of(&anna())];
        let mut taken = ledger.take_leases(resources, me, NINE, |_| false).await.unwrap().ours;
        let (planner, fence) = (taken.remove(Fence::PLANNER).unwrap(), taken.remove(&Fence::resource_of(&anna())).unwrap());
        let reasons = r#"[{"rule":"curve","value":20,"why":"the curve"},{"rule":"share","value":12,"why":"real mail"}]"#.to_owned();
        let (schedule, ramp_day) = ("standard-6w".to_owned(), RampDay(9));
        let day = DayPlan { mailbox: anna(), date: today(), schedule, curve: 1, ramp_day, quota: 12, total: 20, reasons };
        ledger.store_agenda(planner.clone(), Vec::new(), vec![day], Agenda::default(), NINE).await.unwrap();
        Self { ledger, planner, anna: fence }
    }

    /// A look into a Sent folder of this numbering that showed these messages: id, date, recipients.
    async fn look(&self, uid_validity: u32, messages: &[(&str, &str, u32)]) -> u32 {
        let message = |(id, on, recipients): &(&str, &str, u32)| OutsideMessage {
            message_id: (*id).to_owned(),
            date: date(on),
            recipients: *recipients,
        };
        let read = SentCursor { folder: "Sent".into(), cursor: Cursor { uid_validity, uid: 7 }, since: date("2026-11-24"), read_at: NINE };
        let messages = messages.iter().map(message).collect();
        let note = OutsideNote { mailbox: anna(), read, messages, forget_before: date("2026-11-01") };
        self.ledger.note_outside(self.anna.clone(), note).await.unwrap()
    }

    async fn counts(&self) -> Vec<(String, OutsideMail, u32)> {
        let rows = self.ledger.outside_of(anna(), date("2026-11-30")).await.unwrap();
        rows.into_iter().map(|r| (r.date.to_string(), r.source, r.count)).collect()
    }

    async fn day(&self) -> (u32, u32, String) {
        let day = self.ledger.day(anna(), today()).await.unwrap().unwrap();
        (day.plan.quota, day.plan.total, day.plan.reasons)
    }
}

#[tokio::test]
async fn a_message_counts_once_however_often_and_in_whichever_folder_it_is_seen() {
    let d = Desk::new().await;
    assert_eq!(d.look(1, &[("1@x", "2026-11-30", 3), ("2@x", "2026-12-01", 2), ("2@x", "2026-12-01", 2)]).await, 5);
    assert_eq!(d.look(1, &[("2@x", "2026-12-01", 2)]).await, 0);
    assert_eq!(
        d.look(77, &[("1@x", "2026-11-30", 3), ("2@x", "2026-12-01", 9), ("3@x", "2026-12-01", 1)]).await,
        1,
        "the folder is renumbered"
    );
    let sent = OutsideMail::SentFolder;
    assert_eq!(d.counts().await, [("2026-11-30".to_owned(), sent, 3), ("2026-12-01".to_owned(), sent, 3)]);
    let read = d.ledger.sent_cursor(anna()).await.unwrap().unwrap();
    assert_eq!((read.cursor.uid_validity, read.since, read.read_at), (77, date("2026-11-24"), NINE));
    assert_eq!(d.ledger.sent_cursor(Address::parse("b@x.test").unwrap()).await.unwrap(), None);
    // Who does not own the mailbox's work writes nothing.
    d.ledger.release_leases(vec![d.anna.clone()]).await.unwrap();
    let read = SentCursor { folder: "Sent".into(), cursor: Cursor { uid_validity: 1, uid: 9 }, since: today(), read_at: NINE };
    let note = OutsideNote { mailbox: anna(), read, messages: Vec::new(), forget_before: today() };
    assert!(matches!(d.ledger.note_outside(d.anna.clone(), note).await, Err(LedgerError::Stale(_))));
    assert!(matches!(d.ledger.make_room(d.anna.clone(), anna(), today(), 1, String::new()).await, Err(LedgerError::Stale(_))));
}

#[tokio::test]
async fn ids_are_forgotten_when_no_folder_can_show_them_again() {
    let d = Desk::new().await;
    d.look(1, &[("old@x", "2026-10-31", 1), ("new@x", "2026-11-01", 1)]).await;
    assert_eq!(
        d.look(2, &[("old@x", "2026-10-31", 1), ("new@x", "2026-11-01", 1)]).await,
        1,
        "the old one was forgotten: whoever looks leaves it out"
    );
}

#[tokio::test]
async fn a_report_says_what_a_date_has_or_what_comes_on_top() {
    let d = Desk::new().await;
    let report = |on: &str, count, add| OutsideReport { mailbox: anna(), date: date(on), count, add };
    let told = |reports| d.ledger.report_sent(reports, NINE);
    assert_eq!(
        told(vec![report("2026-12-01", 5, false), report("2026-12-01", 2, true), report("2026-11-30", 4, true)]).await.unwrap(),
        [5, 7, 4]
    );
    assert_eq!(told(vec![report("2026-12-01", 5, false)]).await.unwrap(), [5]);
    assert_eq!(told(vec![report("2026-11-30", u32::MAX, true), report("2026-11-30", u32::MAX, true)]).await.unwrap(), [100_000_000; 2]);
    assert_eq!(told(Vec::new()).await.unwrap(), [0; 0]);
    // Before the first run, too; and beside what Sent shows.
    let early = OutsideReport { mailbox: Address::parse("not-yet@new.test").unwrap(), ..report("2026-12-01", 1, false) };
    assert_eq!(told(vec![early]).await.unwrap(), [1]);
    d.look(1, &[("1@x", "2026-12-01", 3)]).await;
    let (sent, reported) = (OutsideMail::SentFolder, OutsideMail::Reported);
    let want = [("2026-11-30", reported, 100_000_000), ("2026-12-01", reported, 5), ("2026-12-01", sent, 3)];
    assert_eq!(d.counts().await, want.map(|(d, s, n)| (d.to_owned(), s, n)));
}

#[tokio::test]
async fn room_for_real_mail_lowers_the_quota_and_leaves_the_total() {
    let d = Desk::new().await;
    let room = |quota, why: &str| d.ledger.make_room(d.anna.clone(), anna(), today(), quota, why.to_owned());
    assert_eq!(room(12, "as much").await.unwrap(), None);
    assert_eq!(room(40, "more").await.unwrap(), None, "it never rises");
    assert_eq!(room(9, "eleven").await.unwrap(), Some((12, 9)));
    assert_eq!(room(4, "sixteen").await.unwrap(), Some((9, 4)));
    let (quota, total, reasons) = d.day().await;
    assert_eq!((quota, total), (4, 20));
    let reasons: serde_json::Value = serde_json::from_str(&reasons).unwrap();
    let told: Vec<_> = reasons.as_array().unwrap().iter().map(|r| (r["rule"].as_str().unwrap(), r["value"].as_u64().unwrap())).collect();
    assert_eq!(told, [("curve", 20), ("share", 12), ("real mail", 4)], "the last word on real mail stands, not each");
    assert_eq!(d.ledger.make_room(d.anna.clone(), anna(), date("2026-12-02"), 1, String::new()).await.unwrap(), None, "no such day");
    assert_eq!(d.ledger.check().await.unwrap().faults, Vec::<String>::new());
}

#[tokio::test]
async fn a_cap_that_is_lowered_takes_the_total_with_it() {
    let d = Desk::new().await;
    assert_eq!(d.ledger.lower_quota(d.planner.clone(), anna(), today(), 10).await.unwrap(), 10);
    assert_eq!(d.day().await.1, 18);
    assert_eq!(d.ledger.lower_quota(d.planner.clone(), anna(), today(), 11).await.unwrap(), 10);
    d.ledger.lower_total(d.planner.clone(), anna(), today(), 30).await.unwrap();
    assert_eq!(d.day().await.1, 18);
    d.ledger.lower_total(d.planner.clone(), anna(), today(), 3).await.unwrap();
    assert_eq!((d.day().await.0, d.day().await.1), (10, 10), "never below the quota");
    assert_eq!(d.ledger.check().await.unwrap().faults, Vec::<String>::new());
}

#[tokio::test]
async fn days_of_an_older_ledger_have_their_quota_for_a_total() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("preheat.db");
    drop(Desk::with(Ledger::open(&path, Place::Inline).unwrap()).await);
    let c = rusqlite::Connection::open(&path).unwrap();
    c.execute("UPDATE day SET total = NULL", []).unwrap();
    drop(c);
    let ledger = Ledger::open(&path, Place::Inline).unwrap();
    let day = ledger.day(anna(), today()).await.unwrap().unwrap();
    assert_eq!((day.plan.quota, day.plan.total), (12, 12));
    assert_eq!(ledger.check().await.unwrap().faults, Vec::<String>::new());
}
