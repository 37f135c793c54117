//! `preheat events` on a ledger with one of everything: whole outputs, ids that stay, and a stream that goes on.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use preheat::engage::ActionKind;
use preheat::ledger::{
    Ledger, LookNote, NewSignal, OpenedParent, Outcome, PauseScope, Place, PutAway, Sighted, SignalRow, Suppress, SuppressionRow,
    SuspensionRow, TroubleNote,
};
use preheat::mail::{Cursor, Uid};
use preheat::words::{
    Address, FolderRole, MessageId, Moment, Placement, RefusalClass, Reply, SignalKind, SignalScope, SkipReason, SuppressionCause, Tidied,
};
use serde_json::Value;

use super::cli::{self, all, err, out};
use super::ledger::{self, anna, answer_to, ben, bounce, later, start, today};

/// Two days after the story.
const AFTER: &str = "2026-12-03T10:00:00Z x1";
const POOL: &str = "zone: Europe/Berlin
schedule: gentle-6w
ledger: preheat.db
defaults: {secret: env:PREHEAT_TEST_NOBODY_SETS_THIS, smtp: mail.new.test, imap: mail.new.test}
mailboxes:
  - anna@new.test
  - {address: ben@old.test, role: partner}
";

struct Desk(cli::Desk);

impl Desk {
    fn with_pool() -> Self {
        let desk = cli::Desk::empty();
        desk.write("preheat.yaml", POOL);
        Self(desk)
    }

    /// With a ledger that has one of everything in it.
    fn with_story() -> Self {
        let desk = Self::with_pool();
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(story(desk.ledger()));
        let c = rusqlite::Connection::open(desk.0.path("preheat.db")).unwrap();
        let sql = "INSERT INTO verdict (subject, date, at, verdict, until, rulings) VALUES (?1, '2026-12-01', ?2, ?3, ?4, ?5)";
        let ruling = r#"[{"rule":"placement_hold","verdict":"hold","numerator":6,"denominator":50}]"#;
        c.execute(sql, ("mailbox:anna@new.test", later(1_200).0, "hold", "2026-12-16", ruling)).unwrap();
        c.execute(sql, ("domain:new.test", later(1_200).0, "advance", None::<&str>, "[]")).unwrap();
        let sql = "INSERT INTO ready (domain, since, evidence) VALUES ('new.test', ?1, ?2)";
        c.execute(sql, (later(1_201).0, r#"{"date":"2026-12-01","is":true}"#)).unwrap();
        desk
    }

    fn ledger(&self) -> Ledger {
        Ledger::open(&self.0.path("preheat.db"), Place::Inline).unwrap()
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.0.command(&["events"]);
        command.args(args).env("PREHEAT_CLOCK", AFTER);
        command
    }

    fn events(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// The JSON lines of a week.
    fn lines(&self, args: &[&str]) -> Vec<String> {
        let output = self.events(&[&["--json"], args].concat());
        assert_eq!(output.status.code(), Some(0), "{}", all(&output));
        out(&output).lines().map(str::to_owned).collect()
    }
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

/// A signal that is about the campaign.
fn signal(kind: SignalKind, message_id: &str, author: &str, at: Moment) -> NewSignal {
    let plain = bounce(message_id, None, "x@out.test", true, at);
    let recipients = if matches!(kind, SignalKind::Complaint | SignalKind::Delay) { plain.recipients } else { vec![] };
    let feedback = (kind == SignalKind::Complaint).then(|| "abuse".to_owned());
    NewSignal { row: SignalRow { kind, author: Some(author.into()), feedback, ..plain.row }, recipients, ..plain }
}

async fn story(ledger: Ledger) {
    let letters = (1..=9).map(start).chain([answer_to(&start(1))]).collect();
    let d = ledger::Desk::with(ledger, 9, letters).await;
    letters_live(&d).await;
    let l = &d.ledger;

    let mut failed = bounce("b1@mx.test", Some(start(8).id), "ben@old.test", true, later(90));
    failed.recipients[0].diagnostic = "no such user \u{1b}[31mhere".into();
    let suppress = |text: &str, cause| Suppress { address: address(text), cause, note: "its own words".into() };
    let unsubscribe = NewSignal {
        suppress: vec![suppress("u@out.test", SuppressionCause::Unsubscribe)],
        ..signal(SignalKind::Unsubscribe, "u1@out.test", "Una <u@out.test>", later(94))
    };
    for signal in [
        failed,
        signal(SignalKind::Delay, "d1@mx.test", "MAILER-DAEMON@mx.test", later(91)),
        signal(SignalKind::Complaint, "c1@mx.test", "feedback@mx.test", later(92)),
        signal(SignalKind::AutoReply, "a1@out.test", "Ada <ada@out.test>", later(93)),
        unsubscribe,
        NewSignal {
            row: SignalRow { scope: SignalScope::Warmup, ..signal(SignalKind::Reply, "r1@out.test", "Rea <rea@out.test>", later(95)).row },
            ..signal(SignalKind::Reply, "r1@out.test", "", later(95))
        },
    ] {
        assert!(l.note_signal(d.anna.clone(), signal).await.unwrap().is_some());
    }

    let row = |text: &str, cause| SuppressionRow {
        address: address(text),
        since: later(100),
        cause,
        signal: None,
        note: String::new(),
        lifted_at: None,
    };
    let rows = vec![row("v@out.test", SuppressionCause::Person), row("w@out.test", SuppressionCause::Import)];
    assert_eq!(l.suppress(rows).await.unwrap().len(), 2);
    assert!(l.lift_suppression(address("v@out.test"), later(101)).await.unwrap());

    let row = SuspensionRow {
        mailbox: ben(),
        since: later(102),
        until: later(9_999),
        class: RefusalClass::Full,
        reply: Reply::new(552, "5.2.2 mailbox full"),
        letter: Some(start(4).id),
    };
    assert!(l.suspend(row).await.unwrap() && l.lift_suspension(ben(), later(103)).await.unwrap());

    for (at, scope) in [(104, "all"), (106, "anna@new.test")] {
        let scope = PauseScope::parse_word(scope).unwrap();
        l.pause(scope.clone(), "the office moves".into(), later(at)).await.unwrap();
        assert!(l.resume(scope, later(at + 1)).await.unwrap());
    }
    let note = |what: &str| TroubleNote {
        channel: "imap",
        step: "signing in".into(),
        what: what.into(),
        hint: "look at its password".into(),
        sign_in: true,
        retry_at: later(200),
    };
    l.note_trouble(anna(), note("NO wrong password"), later(108)).await.unwrap();
    l.note_trouble(anna(), note("NO still wrong"), later(109)).await.unwrap();
    l.clear_trouble(anna(), "imap", later(110)).await.unwrap();
    assert!(l.check().await.unwrap().faults.is_empty());
}

/// What letters can live through.
async fn letters_live(d: &ledger::Desk) {
    let l = &d.ledger;
    let record = |n, outcome, at| l.record(start(n).id, outcome, at).durable();
    // One that is opened and answered.
    d.send(start(1).id, later(10)).await;
    d.look("INBOX", &[(start(1).id, 1)], later(15)).await;
    let parent = OpenedParent {
        message_id: MessageId::parse("1@new.test").unwrap(),
        references: vec![],
        subject: "Hello".into(),
        text: "Hello".into(),
        from_name: None,
        date: "2026-12-01T09:00:00+01:00".into(),
    };
    let placed = l.note_opened(d.ben.clone(), start(1).id, Some(parent), vec![(today(), later(40))], 20, later(25)).await.unwrap();
    assert!(placed.is_some());
    let answer = answer_to(&start(1)).id;
    d.send(answer, later(40)).await;
    // One that goes into spam twice, and out of it.
    d.send(start(2).id, later(20)).await;
    for (minute, folder, uid) in [(25, "Junk", 1), (35, "INBOX", 2), (45, "Junk", 3), (55, "INBOX", 4)] {
        d.look(folder, &[(start(2).id, uid)], later(minute)).await;
    }
    // One that is marked and flagged.
    d.send(start(9).id, later(21)).await;
    let marks = [ActionKind::Important, ActionKind::Flag];
    let sighted = Sighted {
        letter: start(9).id,
        uid: Uid(9),
        flags: vec![],
        size: 1_000,
        marked: true,
        placement: Placement::Category,
        message_id: None,
        actions: marks.map(|kind| (kind, later(60))).to_vec(),
        after_rescue: vec![],
    };
    let cursor = Cursor { uid_validity: 1, uid: 9 };
    let (folder, role, sighted) = ("INBOX".to_owned(), FolderRole::Inbox, vec![sighted]);
    l.note_look(d.ben.clone(), LookNote { mailbox: ben(), folder, role, cursor, sighted, refused: vec![], now: later(26) }).await.unwrap();
    l.end_actions(d.ben.clone(), marks.map(|kind| (start(9).id, kind)).to_vec(), "done", later(61)).await.unwrap();
    let put_away = PutAway { letter: start(9).id, how: Tidied::Moved, place: None };
    l.note_put_away(d.ben.clone(), ben(), None, vec![put_away], later(1_500)).await.unwrap();
    record(3, Outcome::Deferred(Reply::new(450, "4.2.0 greylisted"), later(45)), later(30)).await.unwrap();
    l.skip_letter(d.anna.clone(), start(3).id, SkipReason::Late, later(480)).await.unwrap();
    record(4, Outcome::Rejected(Reply::new(552, "5.2.2 mailbox full")), later(40)).await.unwrap();
    // Two of which nobody heard: one is found, the other is not.
    for n in [5, 6] {
        d.intend(start(n).id, later(50)).await.unwrap().unwrap();
        record(n, Outcome::Uncertain("no reply within 300 s".into()), later(55)).await.unwrap();
    }
    assert_eq!(l.settle_uncertain(d.anna.clone(), anna(), vec![start(5).id], later(60), later(58)).await.unwrap(), (1, 1));
    d.look("INBOX", &[(start(5).id, 5)], later(59)).await;
    // One that never arrives, and one that will come back.
    d.send(start(7).id, later(70)).await;
    for folder in ["INBOX", "Junk"] {
        d.look(folder, &[], later(1_600)).await;
    }
    assert_eq!(l.note_missing(d.ben.clone(), ben(), later(160), later(1_600)).await.unwrap(), [start(7).id]);
    d.send(start(8).id, later(80)).await;
}

#[test]
fn one_of_everything_for_people_and_for_programs() {
    let desk = Desk::with_story();
    let text = desk.events(&["--since", "2026-12-01"]);
    let json = desk.events(&["--since", "2026-12-01", "--json"]);
    assert!(!all(&text).contains('\x1b') && !all(&json).contains('\x1b'));
    insta::with_settings!({ prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("events", all(&text));
        insta::assert_snapshot!("events_json", all(&json));
    });
    // Every type that the schema has.
    let schema: Value = serde_json::from_slice(&desk.0.preheat(&["schema", "--events"]).stdout).unwrap();
    let types = |value: &Value| value["type"].as_str().unwrap().to_owned();
    let seen: Vec<String> = out(&json).lines().map(|line| types(&serde_json::from_str(line).unwrap())).collect();
    let unseen: Vec<&str> =
        schema["oneOf"].as_array().unwrap().iter().filter_map(|t| t["title"].as_str()).filter(|t| !seen.iter().any(|s| s == t)).collect();
    assert_eq!(unseen, [""; 0]);
}

#[test]
fn the_same_ids_at_every_reading_and_from_any_of_them_exactly_what_follows() {
    let desk = Desk::with_story();
    let lines = desk.lines(&["--since", "7d"]);
    assert!(lines.len() > 40, "{} lines", lines.len());
    assert_eq!(lines, desk.lines(&["--since", "2026-11-30T00:00:00+01:00"]));
    let ids: Vec<String> =
        lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned()).collect();
    assert!(ids.is_sorted());
    for n in (0..ids.len()).step_by(9) {
        assert_eq!(desk.lines(&["--since", &ids[n]]), lines[n + 1..], "after {}", ids[n]);
    }
    assert_eq!(desk.lines(&["--since", ids.last().unwrap()]), Vec::<String>::new());

    let of = |args: &[&str]| desk.lines(&[&["--since", "7d"], args].concat());
    assert_eq!(
        of(&["--kind", "letter,reply.received"]),
        lines.iter().filter(|l| l.contains("\"type\":\"letter.") || l.contains("\"reply.received\"")).cloned().collect::<Vec<_>>()
    );
    assert_eq!(of(&["--mailbox", "new.test"]), of(&["--mailbox", "anna@new.test"]));
    assert!(
        of(&["--mailbox", "ben@old.test"])
            .iter()
            .all(|l| l.contains("ben@old.test") || l.contains("address.") || l.contains("\"scope\":\"all\""))
    );
    assert!(desk.lines(&[]).len() < lines.len(), "a day, if nothing is said");
}

#[test]
fn what_cannot_be_read_and_what_is_not_there_is_told() {
    let desk = Desk::with_pool();
    let mut text = String::new();
    for args in [
        &[][..],
        &["--json"],
        &["--since", "yesterday"],
        &["--kind", "letter.sen"],
        &["--kind", "everything"],
        &["--mailbox", "ana@new.test"],
    ] {
        writeln!(text, "$ preheat events {}\n{}", args.join(" "), all(&desk.events(args))).unwrap();
    }
    assert!(!desk.0.path("preheat.db").exists(), "looking writes nothing");
    insta::with_settings!({ prepend_module_to_snapshot => false }, { insta::assert_snapshot!("events_faults", text) });
}

/// `preheat events --follow`, with its lines.
fn follow(desk: &Desk, args: &[&str]) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = desk.command(&[&["--follow"], args].concat()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    (child, lines)
}

fn next(lines: &mut impl BufRead) -> String {
    let mut line = String::new();
    lines.read_line(&mut line).unwrap();
    line
}

fn pause(ledger: &Ledger, scope: &str, at: Moment) {
    let scope = PauseScope::parse_word(scope).unwrap();
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(ledger.pause(scope, "x".into(), at)).unwrap();
}

#[test]
fn a_follower_waits_for_the_ledger_and_tells_what_others_write_and_ends_well() {
    let desk = Desk::with_pool();
    let (mut child, mut lines) = follow(&desk, &[]);
    let mut talk = BufReader::new(child.stderr.take().unwrap());
    assert!(next(&mut talk).starts_with("scaled clock"));
    assert!(next(&mut talk).starts_with("nothing has happened yet: there is no ledger at preheat.db"));
    let now = Moment::parse_rfc3339("2026-12-03T10:00:00Z").unwrap();
    let ledger = desk.ledger();
    pause(&ledger, "all", now);
    assert!(next(&mut lines).contains("sending.paused         the whole pool sends nothing (x)"));
    // Ten minutes older than what was told.
    pause(&ledger, "new.test", now - Duration::from_mins(10));
    assert!(next(&mut lines).starts_with("2026-12-03T09:50:00Z  sending.paused         new.test"));
    let status = Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(status.success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert_eq!((next(&mut lines), next(&mut talk)), (String::new(), String::new()));
}

#[test]
fn a_follower_whose_reader_goes_away_ends_with_0() {
    let desk = Desk::with_story();
    let (child, mut lines) = follow(&desk, &["--json", "--since", "7d"]);
    assert!(next(&mut lines).starts_with("{\"id\":\""));
    drop(lines);
    pause(&desk.ledger(), "all", Moment::parse_rfc3339("2026-12-03T10:00:00Z").unwrap());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
}
