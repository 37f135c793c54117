//! Real mail beside the letters: the executor over the modelled world reads its Sent folder, or the ledger, and makes room.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::chance::Seed;
use crate::clock::Clock;
use crate::compose::Library;
use crate::ledger::{DayRow, Holder, Ledger, OutsideReport, OutsideRow};
use crate::letter::Keyring;
use crate::rehearsal::kills::Kills;
use crate::rehearsal::ports::WorldAccess;
use crate::run::{Context, Pace, Silent, run, stored_quota};
use crate::words::{Address, LocalDate, Moment, OutsideMail, SkipReason};
use crate::world::{AccountSpec, Personality, World};

pub(super) const SENT: &str = "[Gmail]/Sent Mail";

pub(super) struct Day {
    pub(super) world: Arc<World>,
    pub(super) cx: Context,
    _stop: watch::Sender<bool>,
}

pub(super) fn anna() -> Address {
    Address::parse("anna@new.test").unwrap()
}

/// A time of Tuesday, the first of December, in UTC.
pub(super) fn at(time: &str) -> Moment {
    Moment::parse_rfc3339(&format!("2026-12-01T{time}:00Z")).unwrap()
}

fn date(text: &str) -> LocalDate {
    LocalDate::parse(text).unwrap()
}

impl Day {
    /// Anna at Gmail, whose servers keep Sent copies, with 12 a day of which 2 are maintained, and partners that carry them; seven in the morning.
    pub(super) fn new(outside_mail: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("schedules")).unwrap();
        let twelve =
            "about: twelve a day\nramp: {start: 12, target: 12, weeks: 4, curve: linear}\nengagement: {answer: 0}\nafter: {maintain: 2}\n";
        std::fs::write(dir.path().join("schedules/twelve.yaml"), twelve).unwrap();
        let mut yaml = format!(
            "zone: UTC\nschedule: twelve\ndefaults: {{secret: env:UNUSED, smtp: mail.x.test, imap: mail.x.test}}\nmailboxes:\n  - {{address: anna@new.test, provider: gmail, outside_mail: {outside_mail}}}\n"
        );
        for n in 0..6 {
            writeln!(yaml, "  - {{address: p{n}@host-{n}.test, role: partner, start_limit: 0}}").unwrap();
        }
        std::fs::write(dir.path().join("preheat.yaml"), yaml).unwrap();
        let config = crate::config::load(&dir.path().join("preheat.yaml")).unwrap_or_else(|e| panic!("{e}"));
        let world = World::new(Seed(5));
        for m in config.mailboxes.values() {
            let personality = Personality::of(m.provider);
            world.add_account(AccountSpec {
                address: m.address.clone(),
                personality,
                receiver: "y".into(),
                user: m.user.clone(),
                secret: None,
            });
        }
        let clock = Clock::paused_at(at("07:00"));
        let (tell, stop) = watch::channel(false);
        let cx = Context {
            config: Arc::new(config),
            ledger: Ledger::in_memory().unwrap(),
            access: Arc::new(WorldAccess { world: world.clone(), clock: clock.clone(), kills: Arc::new(Kills::default()) }),
            clock,
            keys: Arc::new(Keyring::parse(&format!("k1 {}", "ab".repeat(32))).unwrap()),
            library: Arc::new(Library::shipped()),
            seed: Seed(3),
            progress: Arc::new(Silent),
            stop,
        };
        Self { world, cx, _stop: tell }
    }

    /// Somebody sends a message from the mailbox: a copy lies in Sent.
    fn send(&self, id: &str, when: Moment, recipients: &str) {
        let when = when.utc().to_rfc2822();
        let message = format!(
            "Message-ID: <{id}@new.test>\r\nDate: {when}\r\nFrom: anna@new.test\r\n{recipients}\r\nSubject: {id}\r\n\r\nHello.\r\n"
        );
        self.world.append(&anna(), SENT, message.as_bytes(), BTreeSet::new(), true, self.cx.clock.now()).unwrap();
    }

    pub(super) async fn run(&self, pace: Pace) {
        run(self.cx.clone(), pace, Holder { host: "h".into(), pid: 1, started: 1 }, |_| true).await.unwrap();
    }

    async fn until(&self, time: &str) {
        self.cx.clock.sleep_until(at(time)).await;
    }

    async fn today(&self) -> DayRow {
        self.cx.ledger.day(anna(), date("2026-12-01")).await.unwrap().unwrap()
    }

    async fn counted(&self) -> Vec<(String, u32)> {
        let rows: Vec<OutsideRow> = self.cx.ledger.outside_of(anna(), LocalDate::EPOCH).await.unwrap();
        rows.into_iter().map(|row| (row.date.to_string(), row.count)).collect()
    }
}

fn counts(all: &[(&str, u32)]) -> Vec<(String, u32)> {
    all.iter().map(|(d, n)| ((*d).to_owned(), *n)).collect()
}

#[tokio::test(start_paused = true)]
async fn real_mail_in_sent_is_counted_once_our_letters_never_and_the_quota_makes_room() {
    let d = Day::new("sent_folder");
    d.send("long-ago", at("08:00") - Duration::from_hours(24 * 9), "To: x@else.test");
    d.send("monday", at("08:00") - Duration::from_hours(24), "To: x@else.test, y@else.test\r\nBcc: z@else.test");
    let story = async {
        let mut seen = Vec::new();
        d.until("07:30").await;
        seen.push((d.counted().await, d.today().await.plan.quota));
        d.until("09:00").await;
        // To somebody of the pool, too: a recipient is a recipient. And one again in another case.
        d.send("campaign-1", at("09:00"), "To: x@else.test, X@else.test\r\nCc: p0@host-0.test\r\nBcc: w@else.test, v@else.test");
        d.until("09:15").await;
        seen.push((d.counted().await, d.today().await.plan.quota));
        // The server loses its index: everything has a new number, nothing counts twice.
        d.world.renumber(&anna(), SENT, 77_000).unwrap();
        d.until("09:45").await;
        seen.push((d.counted().await, d.today().await.plan.quota));
        // A second copy of a message that is known, and one from the future.
        d.send("campaign-1", at("09:00"), "To: x@else.test");
        d.send("scheduled", at("09:45") + Duration::from_hours(72), "To: q@else.test, r@else.test");
        d.until("10:00").await;
        seen.push((d.counted().await, d.today().await.plan.quota));
        seen
    };
    let ((), seen) = tokio::join!(d.run(Pace::Day), story);
    assert_eq!(
        seen,
        [
            (counts(&[("2026-11-30", 3)]), 11,),
            (counts(&[("2026-11-30", 3), ("2026-12-01", 4)]), 8),
            (counts(&[("2026-11-30", 3), ("2026-12-01", 4)]), 8),
            (counts(&[("2026-11-30", 3), ("2026-12-01", 6)]), 6),
        ]
    );

    let today = d.today().await;
    assert_eq!((today.plan.total, today.plan.quota, today.spent, today.accepted), (12, 6, 6, 6));
    let lies_in_sent = d.world.with_folder(&anna(), SENT, |f| f.messages.values().filter(|m| m.letter.is_some()).count()).unwrap();
    assert_eq!(lies_in_sent, 6, "copies of our own letters lie there, and count for nothing");
    let letters = d.cx.ledger.agenda_on(date("2026-12-01")).await.unwrap();
    let skipped = letters.iter().filter(|l| l.plan.sender == anna() && l.skip_reason == Some(SkipReason::Quota)).count();
    assert_eq!(skipped, 6, "what has no place any more is skipped");
    let told: Vec<String> = stored_quota(&today).unwrap().reasons.iter().map(|r| format!("{} {}: {}", r.rule, r.value, r.why)).collect();
    assert_eq!(
        told[3..],
        [
            "share 12: no real mail is known yet: room enough",
            "real mail 6: 6 of 12 a day are real mail (so far today): warmup makes room, as far as it is not sent yet",
        ]
    );
    assert_eq!(d.cx.ledger.check().await.unwrap().faults, Vec::<String>::new());

    // The day after: the agenda itself makes room, and the day before is earned by both together.
    d.cx.clock.sleep_until(at("07:00") + Duration::from_hours(24)).await;
    d.run(Pace::Day).await;
    let next = d.cx.ledger.day(anna(), date("2026-12-02")).await.unwrap().unwrap();
    assert_eq!((next.plan.ramp_day.0, next.plan.total, next.plan.quota), (2, 12, 10));
    assert!(
        next.plan.reasons.contains("2 of 12 a day are real mail (mean of the last 6 send-days): warmup takes 10"),
        "{}",
        next.plan.reasons
    );
}

#[tokio::test(start_paused = true)]
async fn a_quota_is_lowered_to_what_is_maintained_or_to_what_is_sent_and_no_further() {
    let d = Day::new("sent_folder");
    let story = async {
        d.until("13:00").await;
        let spent = d.today().await.spent;
        assert!((3..10).contains(&spent), "{spent}");
        for n in 0..3 {
            d.send(
                &format!("campaign-{n}"),
                at("13:00"),
                "To: undisclosed-recipients:;\r\nBcc: a@else.test, b@else.test, c@else.test, d@else.test, e@else.test",
            );
        }
        d.until("13:15").await;
        let today = d.today().await;
        (spent, today.spent, today.plan.quota)
    };
    let ((), (before, after, quota)) = tokio::join!(d.run(Pace::Day), story);
    assert!(quota == after.max(2) && (before..=before + 1).contains(&after), "{before}, {after}, {quota}");
    let today = d.today().await;
    assert_eq!((today.plan.total, today.plan.quota, today.spent), (12, quota, quota));

    let early = Day::new("sent_folder");
    early.send("campaign", at("06:00"), &format!("Bcc: {}", (0..40).map(|n| format!("m{n}@else.test")).collect::<Vec<_>>().join(",\r\n ")));
    early.run(Pace::Day).await;
    let today = early.today().await;
    assert_eq!((today.plan.total, today.plan.quota, today.spent), (12, 2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_run_under_way_notices_what_is_reported() {
    let d = Day::new("reported");
    d.send("not-looked-at", at("07:00"), "To: x@else.test");
    let report = |count, add| OutsideReport { mailbox: anna(), date: date("2026-12-01"), count, add };
    let story = async {
        d.until("09:00").await;
        assert_eq!(d.today().await.plan.quota, 12);
        assert_eq!(d.cx.ledger.report_sent(vec![report(3, false)], at("09:00")).await.unwrap(), [3]);
        d.until("09:15").await;
        let first = d.today().await.plan.quota;
        assert_eq!(d.cx.ledger.report_sent(vec![report(2, true)], at("09:15")).await.unwrap(), [5]);
        d.until("09:30").await;
        let second = d.today().await.plan.quota;
        // Less than was told before: what is gone stays gone.
        d.cx.ledger.report_sent(vec![report(1, false)], at("09:30")).await.unwrap();
        d.until("09:45").await;
        [first, second, d.today().await.plan.quota]
    };
    let ((), quotas) = tokio::join!(d.run(Pace::Day), story);
    assert_eq!(quotas, [9, 7, 7]);
    let rows = d.cx.ledger.outside_of(anna(), LocalDate::EPOCH).await.unwrap();
    assert_eq!(rows, [OutsideRow { date: date("2026-12-01"), source: OutsideMail::Reported, count: 1, as_of: at("09:30") }]);
}

#[tokio::test(start_paused = true)]
async fn where_nobody_wants_it_counted_the_sent_folder_is_not_read() {
    for outside_mail in ["none", "reported"] {
        let d = Day::new(outside_mail);
        d.send("campaign", at("07:00"), "To: x@else.test");
        d.run(Pace::Once).await;
        assert_eq!((d.counted().await, d.cx.ledger.sent_cursor(anna()).await.unwrap()), (vec![], None), "{outside_mail}");
    }
    let d = Day::new("sent_folder");
    d.send("campaign", at("07:00"), "To: x@else.test");
    for _ in 0..3 {
        d.run(Pace::Once).await;
    }
    assert_eq!(d.counted().await, counts(&[("2026-12-01", 1)]));
    let read = d.cx.ledger.sent_cursor(anna()).await.unwrap().unwrap();
    assert_eq!((read.folder.as_str(), read.since, read.cursor.uid), (SENT, date("2026-11-24"), 1));
}

#[tokio::test(start_paused = true)]
async fn a_cap_that_is_lowered_while_the_day_lasts_holds_for_letters_and_real_mail_together() {
    let mut d = Day::new("sent_folder");
    d.send("campaign", at("07:00"), "To: a@else.test, b@else.test, c@else.test, d@else.test");
    d.run(Pace::Once).await;
    let day = |row: DayRow| (row.plan.quota, row.plan.total);
    assert_eq!(day(d.today().await), (8, 12));

    let mut config = crate::config::Config::clone(&d.cx.config);
    config.mailboxes.get_mut(&anna()).unwrap().daily_cap = Some(10);
    d.cx.config = Arc::new(config.clone());
    d.run(Pace::Once).await;
    assert_eq!(day(d.today().await), (6, 10), "4 of the 10 are real mail");

    let domain = crate::config::DomainSettings { daily_cap: Some(7) };
    config.domains.insert(anna().domain(), domain);
    d.cx.config = Arc::new(config);
    d.run(Pace::Once).await;
    assert_eq!(day(d.today().await), (3, 7));
    assert_eq!(d.cx.ledger.check().await.unwrap().faults, Vec::<String>::new());
}
