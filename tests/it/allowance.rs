//! `preheat allowance` and `preheat sent report` as a person and a program see them.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use preheat::agenda::Agenda;
use preheat::ledger::{DayPlan, Fence, Holder, Ledger, OutsideMessage, OutsideNote, Place, SentCursor};
use preheat::mail::Cursor;
use preheat::words::{Address, LocalDate, Moment, RampDay, Role};
use serde_json::{Value, json};

use crate::cli::{Desk, all, out};

const POOL: &str = "zone: Europe/Berlin
defaults: {secret: env:PREHEAT_TEST_NOBODY_SETS_THIS, smtp: mail.new.example, imap: mail.new.example}
mailboxes:
  - {address: anna@new.example, provider: gmail, outside_mail: sent_folder}
  - {address: ben@new.example, outside_mail: reported}
  - {address: cleo@new.example, outside_mail: none}
  - {address: dora@new.example}
  - {address: emil@other.example, outside_mail: none}
  - {address: fay@partner.example, role: partner}
";
/// Seven o'clock in Berlin, as the clock of `Desk` says it.
const MORNING: Moment = Moment(1_796_104_800_000);

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

/// A ledger in which today's agenda is made for all but emil, and Anna's Sent folder was read ten minutes ago.
fn begin(file: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let ledger = Ledger::open(file, Place::Inline).unwrap();
        let today = LocalDate::parse("2026-12-01").unwrap();
        let mailboxes = ["anna@new.example", "ben@new.example", "cleo@new.example", "dora@new.example", "emil@other.example"].map(address);
        ledger
            .register_pool(
                mailboxes
                    .iter()
                    .map(|m| preheat::ledger::PoolMember {
                        address: m.clone(),
                        role: Role::Warming,
                        provider: preheat::words::Provider::Generic,
                    })
                    .collect(),
                MORNING,
            )
            .await
            .unwrap();
        let me = Holder { host: "here".into(), pid: 1, started: 1 };
        let resources = vec![Fence::PLANNER.to_owned(), Fence::resource_of(&mailboxes[0])];
        let mut taken = ledger.take_leases(resources, me, MORNING, |_| false).await.unwrap().ours;
        let planner = taken.remove(Fence::PLANNER).unwrap();
        let anna = taken.remove(&Fence::resource_of(&mailboxes[0])).unwrap();
        let day = |mailbox: &Address, quota, total| DayPlan {
            mailbox: mailbox.clone(),
            date: today,
            schedule: "standard-6w".into(),
            curve: 1,
            ramp_day: RampDay(20),
            quota,
            total,
            reasons: "[]".into(),
        };
        let days = vec![day(&mailboxes[0], 18, 30), day(&mailboxes[1], 12, 30), day(&mailboxes[2], 20, 20), day(&mailboxes[3], 20, 20)];
        ledger.store_agenda(planner, Vec::new(), days, Agenda::default(), MORNING).await.unwrap();
        let read = SentCursor {
            folder: "[Gmail]/Sent Mail".into(),
            cursor: Cursor { uid_validity: 1, uid: 9 },
            since: today.minus(7),
            read_at: MORNING - Duration::from_mins(10),
        };
        let messages = vec![OutsideMessage { message_id: "1@new.example".into(), date: today, recipients: 5 }];
        let note = OutsideNote { mailbox: mailboxes[0].clone(), read, messages, forget_before: today.minus(40) };
        ledger.note_outside(anna, note).await.unwrap();
    });
}

fn desk() -> Desk {
    let desk = Desk::empty();
    desk.write("preheat.yaml", POOL);
    desk
}

fn tell(desk: &Desk, text: &str) -> Output {
    let mut child =
        desk.command(&["sent", "report", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn snapshot(name: &str, text: &str) {
    insta::with_settings!({ filters => vec![(r"06:00:\d\dZ", "06:00:00Z")], prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!(name, text);
    });
}

#[test]
fn an_allowance_is_a_number_or_unknown_with_the_reason() {
    let desk = desk();
    let mut text = String::new();
    let say = |desk: &Desk, text: &mut String, args: &[&str]| {
        write!(text, "$ preheat {}\n{}\n", args.join(" ").replace('\x1b', "ESC"), all(&desk.preheat(args))).unwrap();
    };
    say(&desk, &mut text, &["allowance"]);
    begin(&desk.path("preheat.db"));
    for args in [
        &["allowance"][..],
        &["allowance", "--json"],
        &["sent", "report", "ben@new.example", "7"],
        &["sent", "report", "ben@new.example", "3", "--add"],
        &["pause", "cleo@new.example", "--reason", "holiday\x1b[31m"],
        &["allowance", "new.example"],
        &["allowance", "cleo@new.example", "--json"],
        &["allowance", "fay@partner.example"],
        &["allowance", "nobody@new.example"],
    ] {
        say(&desk, &mut text, args);
    }
    assert!(!text.contains('\x1b'), "a reason cannot paint the terminal");
    snapshot("allowance", &text);
}

#[test]
fn reports_are_checked_and_told_from_with_what_to_do() {
    let desk = desk();
    let mut text = String::new();
    for args in [
        &["sent", "report", "ben@new.example", "12", "--date", "2026-11-30"][..],
        &["sent", "report", "ben@new.example", "1"],
        &["sent", "report", "anna@new.example", "1"],
        &["sent", "report", "cleo@new.example", "1"],
        &["sent", "report", "dora@new.example", "1"],
        &["sent", "report", "fay@partner.example", "1"],
        &["sent", "report", "bne@new.example", "1"],
        &["sent", "report", "new.example", "1"],
        &["sent", "report", "ben@new.example"],
        &["sent", "report", "ben@new.example", "-3"],
        &["sent", "report", "ben@new.example", "many"],
        &["sent", "report", "ben@new.example", "1", "--date", "2026-12-02"],
        &["sent", "report", "ben@new.example", "1", "--date", "2016-12-01"],
        &["sent", "report", "ben@new.example", "1", "--date", "yesterday"],
        &["sent", "report", "-", "3"],
    ] {
        write!(text, "$ preheat {}\n{}\n", args.join(" "), all(&desk.preheat(args))).unwrap();
    }
    snapshot("sent_report", &text);
}

#[test]
fn many_reports_come_as_json_and_what_is_wrong_in_one_does_not_keep_the_others_out() {
    let desk = desk();
    begin(&desk.path("preheat.db"));
    let told = tell(
        &desk,
        "{\"mailbox\": \"ben@new.example\", \"count\": 4}\n\n{\"mailbox\": \"Ben@New.example\", \"count\": 2, \"add\": true, \"date\": \"2026-12-01\"}\n\
         {\"mailbox\": \"ben@new.example\"}\n{\"mailbox\": \"anna@new.example\", \"count\": 1}\n{\"mailbox\": \"ben@new.example\", \"count\": 1, \"when\": 1}\n\
         {\"mailbox\": \"ben@new.example\", \"count\": 1, \"date\": \"1.12.\"}\nnonsense\n{\"mailbox\": \"ben@new.example\", \"count\": -1}\n",
    );
    snapshot("sent_report_many", &all(&told));
    let list = tell(&desk, "[{\"mailbox\": \"ben@new.example\", \"count\": 9}]");
    assert_eq!(list.status.code(), Some(0), "{}", all(&list));
    let row: Value = serde_json::from_str(&out(&desk.preheat(&["allowance", "ben@new.example", "--json", "--quiet"]))).unwrap();
    assert_eq!((&row["left"], &row["outside"]["count"], &row["outside"]["source"]), (&json!(9), &json!(9), &json!("reported")));
    assert_eq!(tell(&desk, "[1, 2").status.code(), Some(1));
    assert_eq!(tell(&desk, "").status.code(), Some(0), "nothing was told, and nothing is wrong");
}
