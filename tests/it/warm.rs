//! `health`, `ready` and what `status` says of the guard: whole outputs as snapshots, over a ledger whose figures are counted by hand.

use std::fmt::Write as _;

use rusqlite::{Connection, params};
use serde_json::Value;

use crate::cli::{Desk, all, assert_plain, err, out, snapshot};

/// Two mailboxes on a domain that has its ramp of two weeks behind it, one on a domain that has not begun, and five partners at three providers.
const POOL: &str = "pool: nordwind
zone: Europe/Berlin
schedule: ten
defaults:
  secret: env:PREHEAT_TEST_NOBODY_SETS_THIS
  smtp: mail.new.example
  imap: mail.new.example
mailboxes:
  - anna@new.example
  - ben@new.example
  - cleo@other.example
  - {address: dan@host-one.example, role: partner, provider: gmail}
  - {address: eva@host-two.example, role: partner, provider: gmail}
  - {address: finn@host-three.example, role: partner, provider: fastmail}
  - {address: gus@host-four.example, role: partner}
  - {address: hana@host-five.example, role: partner}
";
const TEN: &str = "about: ten a day
ramp: {start: 10, target: 10, weeks: 2, curve: linear}
after: {maintain: 10}
";
const PARTNERS: [&str; 5] = ["dan@host-one", "eva@host-two", "finn@host-three", "gus@host-four", "hana@host-five"];
/// Eleven send-days before Tuesday the first of December; of these the last nine are in the 14 dates that end with it.
const SEND_DAYS: [&str; 11] = ["11-16", "11-17", "11-18", "11-19", "11-20", "11-23", "11-24", "11-25", "11-26", "11-27", "11-30"];
/// Nine o'clock on the 16th of November, UTC.
const FIRST: i64 = 1_794_819_600_000;
const DAY: i64 = 86_400_000;

/// What became of a letter: by mailbox, send-day and number.
type Fate = fn(&str, usize, usize) -> (&'static str, Option<&'static str>);

/// Every letter in the inbox but three of the last day: of anna's, one in spam at Gmail and one missing at Fastmail; of ben's, one unaccounted at Gmail.
fn good(who: &str, day: usize, n: usize) -> (&'static str, Option<&'static str>) {
    match (who, day, n) {
        ("anna", 10, 0) => ("seen", Some("spam")),
        ("anna", 10, 2) => ("missing", None),
        ("ben", 10, 1) => ("unaccounted", None),
        _ => ("seen", Some("inbox")),
    }
}

/// Every fifth letter in spam.
fn bad(_: &str, _: usize, n: usize) -> (&'static str, Option<&'static str>) {
    ("seen", Some(if n.is_multiple_of(5) { "spam" } else { "inbox" }))
}

/// A pool whose first domain has been sent from on [`SEND_DAYS`], ten letters a mailbox, two to each partner.
fn warm(fate: Fate) -> (Desk, Connection) {
    let desk = Desk::with_pool();
    desk.write("preheat.yaml", POOL);
    desk.write("schedules/ten.yaml", TEN);
    crate::story::seed(&desk.path(""));
    assert_eq!(desk.preheat(&["run", "--once", "--quiet"]).status.code(), Some(0));
    let ledger = Connection::open(desk.path("preheat.db")).unwrap();
    ledger.execute("DELETE FROM trouble", []).unwrap();
    for who in ["anna", "ben"] {
        let sender = format!("{who}@new.example");
        for (day, date) in SEND_DAYS.iter().enumerate() {
            let date = format!("2026-{date}");
            let sql = "INSERT INTO day (mailbox, date, schedule, curve, ramp_day, quota, reasons, spent, accepted, made_at)
                       SELECT ?1, ?2, schedule, curve, ?3, 10, '[]', 10, 10, 0 FROM day WHERE mailbox = ?1 AND date = '2026-12-01'";
            assert_eq!(ledger.execute(sql, params![sender, date, day as i64 + 1]).unwrap(), 1);
            // From the day of the month to the days since the first.
            let at = FIRST + (date[8..].parse::<i64>().unwrap() - 16) * DAY;
            for n in 0..10 {
                let (state, placement) = fate(who, day, n);
                let sql = "INSERT INTO letter (id, sender, recipient, date, in_thread, expected, draw_open, draw_answer, draw_important, draw_flag,
                             rescue_after, open_after, answer_after, content, state, handed_at, accepted_at, placement)
                           VALUES (?1, ?2, ?3, ?4, 1, ?5, 0, 0, 0, 0, 0, 0, 0, 0, ?6, ?5, ?5, ?7)";
                let id = format!("{:012x}{:012x}", usize::from(who == "ben") * 1000 + day * 10 + n, 0);
                let recipient = format!("{}.example", PARTNERS[n % 5]);
                ledger.execute(sql, params![id, sender, recipient, date, at, state, placement]).unwrap();
            }
        }
    }
    count_anew(&ledger);
    (desk, ledger)
}

/// Letters that were written by hand are in no sum.
fn count_anew(ledger: &Connection) {
    ledger.execute_batch("DELETE FROM day_sum; INSERT INTO day_sum SELECT * FROM day_sum_counted").unwrap();
}

fn say(ledger: &Connection, subject: &str, date: &str, verdict: &str, until: Option<&str>, sentence: &str) {
    let rulings = serde_json::json!([{ "subject": subject, "date": date, "verdict": verdict, "sentence": sentence }]).to_string();
    let sql = "INSERT INTO verdict (subject, date, at, verdict, until, rulings) VALUES (?1, ?2, 0, ?3, ?4, ?5)";
    ledger.execute(sql, params![subject, date, verdict, until, rulings]).unwrap();
}

/// Every line of JSON.
fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

#[test]
fn health_shows_each_part_of_the_number() {
    let (desk, _) = warm(good);
    let health = desk.preheat(&["health", "new.example"]);
    assert_plain(&out(&health));
    // 50 (177 of 179 are more than 95 %) + 10 × (1 − 2/180 ÷ 5 %) + 15 + 10 + 5 of 90 points: 87.8, that is 97.5.
    snapshot("health", &health);
    let bad = warm(bad).0;
    // 144 of 180 in the inbox, 80 %: two thirds of the way from 50 to 95 %. 33.3 + 10 + 15 + 10 + 5 of 90.
    assert!(out(&bad.preheat(&["health", "new.example"])).contains("\nnew.example: 81 of 100, by letters of 2026-11-18 to 2026-12-01\n"));
}

#[test]
fn health_is_json_line_by_line_of_whom_was_asked_for() {
    let (desk, _) = warm(good);
    let subjects = |args: &[&str]| -> Vec<String> {
        lines(&out(&desk.preheat(args))).iter().map(|line| line["subject"].as_str().unwrap().to_owned()).collect()
    };
    let all_of_them =
        ["domain:new.example", "mailbox:anna@new.example", "mailbox:ben@new.example", "domain:other.example", "mailbox:cleo@other.example"];
    assert_eq!(subjects(&["health", "--json"]), all_of_them);
    assert_eq!(subjects(&["health", "--json", "other.example"]), all_of_them[3..]);
    assert_eq!(subjects(&["health", "--json", "ben@new.example"]), ["mailbox:ben@new.example"]);
    let domain = &lines(&out(&desk.preheat(&["health", "--json", "new.example"])))[0];
    let keys: Vec<&String> = domain.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["all", "date", "parts", "providers", "score", "subject", "window"]);
    assert_eq!((domain["score"].as_u64(), domain["date"].as_str()), (Some(98), Some("2026-12-01")));
    let weights: Vec<(&str, u64)> =
        domain["parts"].as_array().unwrap().iter().map(|p| (p["name"].as_str().unwrap(), p["weight"].as_u64().unwrap())).collect();
    assert_eq!(weights, [("placement", 50), ("found", 10), ("bounces", 15), ("complaints", 10), ("check", 10), ("steadiness", 5)]);
    let gmail = &domain["providers"][0];
    let counts = ["sent", "inbox", "category", "spam", "filed", "missing", "unaccounted", "n"].map(|key| gmail[key].as_u64().unwrap());
    assert_eq!((gmail["provider"].as_str(), counts), (Some("gmail"), [72, 70, 0, 1, 0, 0, 1, 71]));
    assert_eq!((&gmail["complaints"], &domain["providers"][1]["complaints"]["count"]), (&"not_observable".into(), &0.into()));
    let bounds = ["low", "high"].map(|end| format!("{:.3}", gmail["interval"][end].as_f64().unwrap()));
    assert_eq!(bounds, ["0.924", "0.998"], "Wilson's interval of 70 of 71");
    let silent = &lines(&out(&desk.preheat(&["health", "--json", "cleo@other.example"])))[0];
    assert_eq!((&silent["score"], &silent["all"]["inbox_rate"]), (&Value::Null, &Value::Null));
}

#[test]
fn ready_states_its_evidence_and_what_is_wanting() {
    let (desk, ledger) = warm(good);
    let mut text = String::new();
    let mut call = |args: &[&str]| {
        let output = desk.preheat(args);
        assert_plain(&out(&output));
        write!(text, "$ preheat {}\n{}\n", args.join(" "), all(&output)).unwrap();
    };
    call(&["ready", "new.example"]);
    call(&["ready"]);
    say(&ledger, "domain:new.example", "2026-11-26", "hold", None, "3 of 20 letters were bad, so the position stays.");
    ledger.execute("UPDATE letter SET state = 'seen', placement = 'spam' WHERE recipient LIKE 'dan%' AND sender LIKE 'anna%'", []).unwrap();
    count_anew(&ledger);
    call(&["ready", "new.example"]);
    call(&["ready", "anna@new.example"]);
    call(&["ready", "host-one.example"]);
    call(&["ready", "nwe.example"]);
    insta::with_settings!({ filters => vec![(r"06:00:\d\dZ", "06:00:00Z")], prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("ready", text);
    });
    let json = lines(&out(&desk.preheat(&["ready", "--json"])));
    assert_eq!(
        json.iter().map(|line| line["subject"].as_str().unwrap()).collect::<Vec<_>>(),
        ["domain:new.example", "domain:other.example"]
    );
    let keys: Vec<&String> = json[0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["date", "earliest", "evidence", "is", "placements", "since", "subject", "wanting", "window"]);
    assert_eq!((json[0]["is"].as_bool(), &json[0]["since"]), (Some(false), &Value::Null));
}

#[test]
fn a_run_writes_down_that_a_domain_is_ready_and_that_it_is_no_more() {
    let (desk, ledger) = warm(good);
    let at = |clock: &str, args: &[&str]| desk.command(args).env("PREHEAT_CLOCK", format!("{clock} x1")).output().unwrap();
    let run = |clock: &str| {
        let run = at(clock, &["run", "--once"]);
        assert_eq!(run.status.code(), Some(0), "{}", all(&run));
        err(&run).lines().filter(|line| line.contains("ready")).map(|line| line[21..].to_owned()).collect::<Vec<_>>()
    };
    let rows = || -> Vec<(String, i64, Option<i64>)> {
        let mut statement = ledger.prepare("SELECT domain, since, until FROM ready ORDER BY domain, since").unwrap();
        statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?))).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(rows(), [], "the first run knew of no day behind it");
    assert_eq!(run("2026-12-02T06:00:00Z"), ["new.example is ready: `preheat ready new.example` shows the evidence"]);
    let [(domain, since, None)] = &rows()[..] else { panic!("{:?}", rows()) };
    assert_eq!((domain.as_str(), since / 3_600_000), ("new.example", FIRST / 3_600_000 + 16 * 24 - 3), "on the 2nd, at six");
    let evidence: String = ledger.query_row("SELECT evidence FROM ready", [], |r| r.get(0)).unwrap();
    let evidence: Value = serde_json::from_str(&evidence).unwrap();
    assert_eq!((evidence["is"].as_bool(), evidence["placements"]["n"].as_u64()), (Some(true), Some(159)));
    let ready = at("2026-12-02T06:10:00Z", &["ready", "new.example"]);
    assert!(out(&ready).contains("\nnew.example is ready, since 2026-12-02T06:0"), "{}", all(&ready));
    assert_eq!(run("2026-12-02T06:20:00Z"), Vec::<String>::new(), "the same date is planned once");
    assert_eq!(run("2026-12-03T06:00:00Z"), Vec::<String>::new(), "it still is");
    assert_eq!(rows().len(), 1);

    say(&ledger, "domain:new.example", "2026-12-03", "hold", None, "Too much was bad, so the position stays.");
    assert_eq!(run("2026-12-04T06:00:00Z"), ["new.example is not ready any more: `preheat ready new.example` says what is wanting"]);
    assert!(matches!(rows()[..], [(_, since, Some(until))] if (until - since + DAY / 2) / DAY == 2), "{:?}", rows());
    assert_eq!(at("2026-12-04T06:10:00Z", &["ready", "new.example"]).status.code(), Some(5));
}

#[test]
fn a_domain_that_leaves_the_pool_is_ready_no_more() {
    let (desk, ledger) = warm(good);
    ledger.execute("INSERT INTO ready (domain, since, evidence) VALUES ('new.example', 1, '{}')", []).unwrap();
    desk.write("preheat.yaml", &POOL.replace("  - anna@new.example\n  - ben@new.example\n", ""));
    let run = desk.command(&["run", "--once"]).env("PREHEAT_CLOCK", "2026-12-02T06:00:00Z x1").output().unwrap();
    assert_eq!(run.status.code(), Some(0), "{}", all(&run));
    let open: i64 = ledger.query_row("SELECT count(*) FROM ready WHERE until IS NULL", [], |r| r.get(0)).unwrap();
    assert_eq!(open, 0);
    for command in ["ready", "health", "status"] {
        let output = desk.preheat(&[command]);
        assert!(!out(&output).contains("new.example") && !err(&output).contains("panic"), "{}", all(&output));
        assert_eq!(desk.preheat(&[command, "new.example"]).status.code(), Some(1));
    }
}

#[test]
fn status_shows_health_and_whom_the_guard_keeps_back() {
    let (desk, ledger) = warm(good);
    let held =
        "11 of 100 letters from new.example of the last 7 days were in spam or missing: 11 %, more than 10 %, so the position stays.";
    say(&ledger, "domain:new.example", "2026-11-30", "hold", None, held);
    say(&ledger, "mailbox:anna@new.example", "2026-11-30", "hold", None, held);
    let paused = "3 of 40 warmup letters of the last 7 days were refused for what the sender is or does, so nothing is sent for 7 days, until 2026-12-07.";
    say(&ledger, "mailbox:ben@new.example", "2026-11-29", "hold", None, "An older word.");
    say(&ledger, "mailbox:ben@new.example", "2026-11-30", "pause", Some("2026-12-07"), paused);
    say(&ledger, "mailbox:cleo@other.example", "2026-11-30", "advance", None, "Nothing speaks against going on.");
    let status = desk.preheat(&["status"]);
    assert_plain(&out(&status));
    snapshot("status_guard", &status);

    let json = desk.json(&["status", "--json"]);
    let guard: Vec<(&str, &str)> =
        json["guard"].as_array().unwrap().iter().map(|w| (w["subject"].as_str().unwrap(), w["verdict"].as_str().unwrap())).collect();
    assert_eq!(guard, [("domain:new.example", "hold"), ("mailbox:anna@new.example", "hold"), ("mailbox:ben@new.example", "pause")]);
    assert_eq!((&json["guard"][2]["until"], &json["guard"][2]["sentence"]), (&"2026-12-07".into(), &paused.into()));
    assert_eq!(
        json["domains"],
        serde_json::json!([{ "domain": "new.example", "health": 98 }, { "domain": "other.example", "health": null }])
    );
    assert_eq!((&json["mailboxes"][0]["address"], &json["mailboxes"][0]["health"]), (&"anna@new.example".into(), &98.into()));
    let alone = desk.json(&["status", "--json", "ben@new.example"]);
    assert_eq!(
        (&alone["domains"][0]["health"], &alone["mailboxes"][0]["health"]),
        (&Value::Null, &98.into()),
        "one mailbox is not the domain"
    );

    let is_paused = |clock: &str| {
        let output = desk.command(&["status"]).env("PREHEAT_CLOCK", format!("{clock} x1")).output().unwrap();
        out(&output).contains("ben@new.example: pause")
    };
    assert_eq!([is_paused("2026-12-06T20:00:00Z"), is_paused("2026-12-07T06:00:00Z")], [true, false], "it ends with its date");
    desk.preheat(&["resume", "ben@new.example"]);
    assert!(!is_paused("2026-12-02T06:00:00Z"), "a person ended it");
}

#[test]
fn before_the_first_run_nothing_is_known() {
    let desk = Desk::with_pool();
    desk.write("preheat.yaml", POOL);
    desk.write("schedules/ten.yaml", TEN);
    let health = desk.preheat(&["health"]);
    assert!(
        out(&health).ends_with("\nNothing has been sent yet: there is no ledger. `preheat check`, then `preheat run`.\n"),
        "{}",
        all(&health)
    );
    snapshot("ready_before", &desk.preheat(&["ready", "new.example"]));
    let of_partner = desk.preheat(&["health", "eva@host-two.example"]);
    assert!(of_partner.status.code() == Some(1) && err(&of_partner).contains("none of these mailboxes is warming"), "{}", all(&of_partner));
    assert!(lines(&out(&desk.preheat(&["health", "--json"]))).iter().all(|line| line["score"].is_null()));
    assert_eq!(desk.json(&["status", "--json"])["guard"], serde_json::json!([]));
    assert!(!desk.path("preheat.db").exists(), "looking writes nothing");
}
