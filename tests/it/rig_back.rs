//! A day on which everything comes back: bounces, a vacation, greylisting, complaints, replies, an unsubscribe. Slot 22.
//!
//! What is expected is worked out from what the test did and from what the servers have; what is told is read from `preheat events --json`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use preheat::words::{Address, Moment, Reply};
use preheat::world::Personality;
use preheat::world::reports::{self, About, Outcome, Server, Wish};
use serde_json::{Value, json};

use crate::rig::{PoolOptions, Rig};
use crate::rig_day::{assert_exit, said};
use crate::rig_luck::{assert_says, seed, status};
use crate::story::{flat, has, spawn, wait_until};

/// Eight letters a mailbox in a morning of four hours, all of them read, and half of them answered soon.
const EIGHT: &str = "about: eight a day, read and answered within hours
ramp: {start: 8, target: 8, weeks: 4, curve: linear}
window: {hours: 09:00-13:00}
engagement:
  open: 1
  answer: 0.5
  open_delay: {median: 10m, p95: 20m, min: 3m, max: 30m}
  answer_delay: {median: 20m, p95: 30m, min: 15m, max: 40m}
";
/// Tuesday, ten minutes before the window opens in Berlin. In the past, as `rig_luck::TUESDAY` is.
const TUESDAY: &str = "2025-12-02T07:50:00Z x2400";
/// When everything is over.
const NIGHT: &str = "2025-12-02T21:30:00Z x1";
/// Before anybody sends.
const WEDNESDAY: &str = "2025-12-03T06:00:00Z x1";
/// The events of what came back, and of what followed.
const BACK: &str = "bounce,delay,complaint,auto_reply,unsubscribe,reply,address,mailbox";
/// Where somebody's mail is read.
const FOLDERS: [&str; 3] = ["INBOX", "Junk", "Archive"];

/// Two warming mailboxes on each of three domains, and partners of every odd kind.
fn pool() -> PoolOptions {
    PoolOptions {
        per_domain: 2,
        partners: 2,
        odd_partners: &[("away.test", 1), ("full.test", 1), ("grey.test", 2), ("late.test", 2)],
        window: ["09:00", "13:00"],
        schedule: "eight",
        schedule_text: Some(EIGHT),
        ..PoolOptions::default()
    }
}

/// A signal as it is told: type, mailbox, scope, the letter or nothing, and whom it is about.
type Told = (String, String, String, Option<String>, String);

/// The pool of the day.
struct Day<'a> {
    rig: &'a Rig,
    dir: &'a Path,
    /// Gets what is about a letter of hers.
    anna: String,
    /// These two get what is about a campaign.
    bea: String,
    cleo: String,
}

#[test]
#[ignore = "needs the rig: tests/run"]
fn what_comes_back_on_a_day_is_told_once_each_and_the_rest_of_the_day_goes_on() {
    let rig = Rig::from_env(22);
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    rig.write_pool(dir, &pool());
    seed(dir, 22);
    let first = |domain: &str| rig.user(1, domain);
    let d = Day { rig: &rig, dir, anna: first("warm-a.test"), bea: first("warm-b.test"), cleo: first("warm-c.test") };

    // The day, and in the middle of it what others send.
    let mut running = spawn(&rig, dir, &["run"], TUESDAY);
    let begun = format!("SELECT count(*) >= 15 AND max(sender = '{}') FROM letter WHERE state = 'seen'", d.anna);
    wait_until("a part of the letters is seen, one of Anna's among them", || {
        assert!(running.try_wait().unwrap().is_none(), "the day ended before anything was dropped in");
        has(dir, &begun)
    });
    let dropped = d.drop_in();
    let day = running.wait_with_output().unwrap();
    assert_exit(&day, 0);

    let (letters, back) = (d.events("letter", NIGHT), d.events(BACK, NIGHT));
    d.assert_that_each_is_told_once(&letters, &back, dropped);
    assert_that_the_rest_of_the_day_went_on(&letters);
    d.assert_that_greylisted_letters_got_through(&letters);
    d.assert_that_machines_do_not_talk(&letters);
    d.assert_who_gets_no_mail(&back, NIGHT);
    d.assert_what_the_run_said(&said(&day), &letters);
    assert_exit(&rig.audit(dir, &[]), 0);

    // Another look at night, at folders whose numbers have changed, and the run of the next morning: nothing is told again.
    for user in [&d.anna, &d.bea, &d.cleo] {
        for folder in FOLDERS {
            rig.fault(&["uidvalidity", user, folder]);
        }
    }
    assert_exit(&rig.preheat(dir, &["run", "--once"], NIGHT), 0);
    assert_exit(&rig.preheat(dir, &["run", "--once"], WEDNESDAY), 0);
    assert_eq!((d.events("letter", WEDNESDAY), d.events(BACK, WEDNESDAY)), (letters.clone(), back.clone()));
    d.assert_who_gets_no_mail(&back, WEDNESDAY);
    d.assert_what_the_guard_says(&letters);
    assert_exit(&rig.audit(dir, &["--unfinished"]), 0);
}

impl Day<'_> {
    /// The program's own stream since the day before.
    fn events(&self, kinds: &str, clock: &str) -> Vec<Value> {
        let output = self.rig.preheat(self.dir, &["events", "--json", "--since", "2025-12-01", "--kind", kinds], clock);
        assert_exit(&output, 0);
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// What is dropped into mailboxes while the day goes on; gives how each of it is to be told.
    fn drop_in(&self) -> Vec<Told> {
        let at = Moment::parse_rfc3339("2025-12-02T10:00:00Z").unwrap();
        let complaint = |about: About<'_>, by: Server<'_>| reports::complaint(by, about, true, at);
        let reply = |about: About<'_>, _: Server<'_>| reports::reply(about, reports::REPLIES[0], at);
        let unsubscribe = |about: About<'_>, _: Server<'_>| reports::unsubscribe(about, Wish::Words(reports::UNSUBSCRIBES[0]), at);
        let unknown = Reply::new(550, "5.1.1 Recipient address rejected: User unknown");
        let bounce = |about: About<'_>, by: Server<'_>| reports::delivery_status(by, about, Outcome::Failed(&unknown), at);
        let campaign = |from: &str, to: &str| {
            let [from, to] = [from, to].map(|a| Address::parse(a).unwrap());
            reports::campaign(&from, &to, "autumn", at)
        };
        let Self { anna, bea, cleo, .. } = self;
        let [boss, kim, ruth, una, gone] =
            ["boss@home.example", "kim@shop.example", "ruth@shop.example", "una@club.example", "gone@club.example"];

        // About a letter of the pool: its recipient calls it spam, which is told in two folders; and somebody answers it from another address.
        let (letter, to, lies) = self.letter_of(anna);
        for folder in ["INBOX", "Archive"] {
            self.comes_back(folder, anna, &to, lies.as_bytes(), complaint);
        }
        self.comes_back("INBOX", anna, boss, lies.as_bytes(), reply);
        // About a campaign that is sent from the same mailboxes. A filter takes the report for spam.
        self.comes_back("INBOX", bea, kim, &campaign(bea, kim), complaint);
        self.comes_back("INBOX", bea, ruth, &campaign(bea, ruth), reply);
        self.comes_back("INBOX", cleo, una, &campaign(cleo, una), unsubscribe);
        self.comes_back("Junk", cleo, gone, &campaign(cleo, gone), bounce);

        let about_a_letter =
            |kind: &str, who: &str| (kind.to_owned(), anna.clone(), "warmup".to_owned(), Some(letter.clone()), who.to_owned());
        let about_the_campaign =
            |kind: &str, at: &str, who: &str| (kind.to_owned(), at.to_owned(), "campaign".to_owned(), None, who.to_owned());
        vec![
            about_a_letter("complaint.received", &to),
            about_a_letter("reply.received", boss),
            about_the_campaign("complaint.received", bea, kim),
            about_the_campaign("reply.received", bea, ruth),
            about_the_campaign("unsubscribe.received", cleo, una),
            about_the_campaign("bounce.received", cleo, gone),
        ]
    }

    /// Something comes back about a message from a mailbox to somebody, as that somebody's server or person writes it. The auditor sees to it that
    /// nobody touches it.
    fn comes_back(&self, folder: &str, from: &str, to: &str, message: &[u8], write: impl Fn(About<'_>, Server<'_>) -> Vec<u8>) {
        let [sender, to] = [from, to].map(|a| Address::parse(a).unwrap());
        let bytes = write(About { from: &sender, to: &to, message }, Server { habits: Personality::Dovecot, of: &to });
        let text = std::str::from_utf8(&bytes).unwrap();
        let name = format!("{folder}-{}", field(&header(text), "Message-ID").unwrap().trim_matches(['<', '>']));
        self.rig.plant(from, folder, &name, text);
    }

    /// A letter of a mailbox that was seen: its id, its recipient, and the message as it lies there.
    fn letter_of(&self, mailbox: &str) -> (String, String, String) {
        let seen = self.events("letter.seen", NIGHT);
        let seen = seen.iter().find(|e| e["mailbox"] == mailbox).unwrap();
        let (letter, to) = (text(seen, "letter"), text(seen, "recipient"));
        let message = self.rig.messages(&to, "INBOX").into_iter().find(|m| is_letter(m, &letter)).unwrap();
        (letter, to, message)
    }

    /// What was dropped in; what went to the full and to the dead mailboxes; the machine's answer to the first letter of each who wrote to who is away.
    /// What comes back to a full or dead mailbox itself is lost.
    fn assert_that_each_is_told_once(&self, letters: &[Value], back: &[Value], dropped: Vec<Told>) {
        let (mut expected, mut answered) = (dropped, BTreeSet::new());
        for letter in of_type(letters, "letter.accepted") {
            let [from, to, id] = ["mailbox", "recipient", "letter"].map(|f| text(letter, f));
            let kind = match to.split_once('@').unwrap().1 {
                _ if gets_nothing(&from) => continue,
                _ if gets_nothing(&to) => "bounce.received",
                "away.test" if answered.insert(from.clone()) => "auto_reply.received",
                _ => continue,
            };
            expected.push((kind.to_owned(), from, "warmup".to_owned(), Some(id), to));
        }
        expected.sort();
        let signals: Vec<&Value> = back.iter().filter(|e| text(e, "type").ends_with(".received")).collect();
        assert_eq!(sorted(signals.iter().map(|e| told(e))), expected);
        // The letters' own ends say the same, and so do the servers: whatever is no letter is one of them.
        let ends = of_type(letters, "letter.bounced").into_iter().map(|e| Some(text(e, "letter")));
        let bounced = expected.iter().filter(|t| t.0 == "bounce.received" && t.3.is_some()).map(|t| t.3.clone());
        assert_eq!(sorted(ends), sorted(bounced));
        let ids: BTreeSet<(String, String)> = signals.iter().map(|e| (text(e, "mailbox"), text(e, "message_id"))).collect();
        assert_eq!((ids.len(), ids), (signals.len(), self.no_letters_on_the_servers()));
    }

    /// All messages of the pool that are no letters: mailbox and Message-ID.
    fn no_letters_on_the_servers(&self) -> BTreeSet<(String, String)> {
        let audit: Value = serde_json::from_slice(&std::fs::read(self.dir.join("audit.json")).unwrap()).unwrap();
        let pool: Vec<String> = audit["pool"].as_object().unwrap().keys().cloned().collect();
        // A server's rule files nothing here: what lies elsewhere is what was dropped there.
        let filed = [&self.anna, &self.bea, &self.cleo].into_iter().flat_map(|user| FOLDERS[1..].iter().map(move |folder| (user, *folder)));
        let places = pool.iter().map(|user| (user, FOLDERS[0])).chain(filed);
        let all = places.flat_map(|(user, folder)| self.rig.messages(user, folder).into_iter().map(move |m| (user.clone(), header(&m))));
        all.filter(|(_, header)| field(header, "X-Preheat").is_none())
            .map(|(user, header)| (user, field(&header, "Message-ID").unwrap().trim_matches(['<', '>']).to_owned()))
            .collect()
    }

    /// Each sender's first try at the greylisting host was put off; the letter got through later on the day, once.
    fn assert_that_greylisted_letters_got_through(&self, letters: &[Value]) {
        let pair = |e: &Value| (text(e, "mailbox"), text(e, "recipient"));
        let (put_off, accepted) = (of_type(letters, "letter.deferred"), of_type(letters, "letter.accepted"));
        let to_grey: BTreeSet<(String, String)> = accepted.iter().map(|e| pair(e)).filter(|(_, to)| to.ends_with("@grey.test")).collect();
        assert!(to_grey.len() >= 6, "{to_grey:?}");
        assert_eq!(sorted(put_off.iter().map(|e| pair(e))), to_grey.into_iter().collect::<Vec<_>>(), "each pair once");
        let mut there = BTreeMap::new();
        for first in put_off {
            assert_eq!((&first["code"], &first["enhanced"]), (&json!(450), &json!("4.2.0")));
            let then = accepted.iter().find(|e| e["letter"] == first["letter"]).unwrap();
            let [asked, taken] = [first, *then].map(|e| Moment::parse_rfc3339(&text(e, "at")).unwrap());
            assert!(taken.since(asked).as_secs() >= 15 * 60, "{then}");
            let recipient = text(first, "recipient");
            let copies = there.entry(recipient.clone()).or_insert_with(|| self.rig.messages(&recipient, "INBOX"));
            assert_eq!(copies.iter().filter(|m| is_letter(m, &text(first, "letter"))).count(), 1);
        }
    }

    /// The machine of who is away got letters, and nothing else: nobody answered it.
    fn assert_that_machines_do_not_talk(&self, letters: &[Value]) {
        let away = self.rig.user(1, "away.test");
        let letters =
            of_type(letters, "letter.accepted").into_iter().filter(|e| e["recipient"] == away.as_str()).map(|e| text(e, "letter"));
        let (letters, there) = (letters.collect::<Vec<_>>(), self.rig.messages(&away, "INBOX"));
        assert!(letters.len() >= 4 && letters.iter().all(|id| there.iter().any(|m| is_letter(m, id))), "{letters:?}");
        assert_eq!(there.len(), letters.len());
    }

    /// Outside addresses are on the list, each with its cause; those of the pool are suspended at most.
    fn assert_who_gets_no_mail(&self, back: &[Value], clock: &str) {
        let list = self.rig.preheat(self.dir, &["suppress", "list", "--json"], clock);
        assert_exit(&list, 0);
        let list: Vec<Value> = serde_json::from_slice(&list.stdout).unwrap();
        let wanted = [
            ["gone@club.example", "hard_bounce", &self.cleo],
            ["kim@shop.example", "complaint", &self.bea],
            ["una@club.example", "unsubscribe", &self.cleo],
        ];
        let told = of_type(back, "address.suppressed").into_iter().map(|e| ["address", "cause", "mailbox"].map(|f| text(e, f)));
        assert_eq!(sorted(told), wanted);
        assert_eq!(
            sorted(list.iter().map(|row| ["address", "cause"].map(|f| text(row, f)))),
            wanted.map(|[address, cause, _]| [address, cause])
        );

        let [full, late, dead] = [(1, "full.test"), (1, "late.test"), (2, "late.test")].map(|(n, domain)| self.rig.user(n, domain));
        let suspended = [[full, "mailbox_full".to_owned()], [late, "bad_address".to_owned()], [dead, "bad_address".to_owned()]];
        let told = of_type(back, "mailbox.suspended").into_iter().map(|e| ["mailbox", "class"].map(|f| text(e, f)));
        assert_eq!(sorted(told), suspended);
        let status = status(self.rig, self.dir, clock);
        let rows = status["suspensions"].as_array().unwrap().iter().map(|row| ["mailbox", "class"].map(|f| text(row, f)));
        assert_eq!(sorted(rows), suspended);
        assert_eq!(status["troubles"], json!([]));
    }

    /// The lines of the run itself, for who watches it.
    fn assert_what_the_run_said(&self, told: &str, letters: &[Value]) {
        let Self { anna, bea, cleo, .. } = self;
        assert_says(
            told,
            &format!("{bea}: kim@shop.example called mail spam (reported by dovecot-like/1.0); kim@shop.example gets no mail again"),
        );
        assert_says(told, &format!("{cleo}: una@club.example wants no more mail"));
        assert_says(told, &format!("{cleo}: mail to gone@club.example came back (550 5.1.1"));
        assert_says(told, "called a letter of the pool spam");
        assert!(!told.contains(&format!("{anna}: boss@home.example")), "a person's answer is no line of the day's:\n{told}");
        let last = told.lines().rfind(|line| line.contains(" sent (")).unwrap();
        let bounced = of_type(letters, "letter.bounced").len();
        let waiting = sent_between_those_who_get_nothing(letters).len();
        assert_says(last, &format!(", {waiting} waiting, {} deferred, {bounced} came back,", of_type(letters, "letter.deferred").len()));
    }

    /// What the design's table says of it: a complaint among a few dozen letters holds, whosever mail it is about, and dead recipients say nothing of
    /// who wrote to them.
    fn assert_what_the_guard_says(&self, letters: &[Value]) {
        let mut verdicts = BTreeMap::new();
        for verdict in self.events("verdict", WEDNESDAY) {
            assert_eq!(verdict["date"], "2025-12-02");
            let twice = verdicts.insert(text(&verdict, "subject"), verdict);
            assert_eq!(twice, None);
        }
        assert_eq!(verdicts.len(), 3 + 6, "{verdicts:#?}");
        let from = |kind: &str, domain: &str| of_type(letters, kind).into_iter().filter(|e| text(e, "mailbox").ends_with(domain)).count();
        assert!(from("letter.handed", "@warm-a.test") >= 12);
        for (domain, verdict, rule, scope, n, of) in [
            ("warm-a.test", "hold", "complaint_hold", "warmup", 1, json!(from("letter.handed", "@warm-a.test"))),
            ("warm-b.test", "hold", "complaint_hold", "campaign", 1, Value::Null),
            ("warm-c.test", "advance", "clear", "warmup", 0, json!(from("letter.seen", "@warm-c.test"))),
        ] {
            let of_domain = &verdicts[&format!("domain:{domain}")];
            let [ruling] = of_domain["rulings"].as_array().unwrap().as_slice() else { panic!("{of_domain}") };
            let figures = ["rule", "scope", "numerator", "denominator"].map(|key| ruling[key].clone());
            assert_eq!((&of_domain["verdict"], figures), (&json!(verdict), [json!(rule), json!(scope), json!(n), of]), "{of_domain}");
            for n in 1..=2 {
                let user = self.rig.user(n, domain);
                let of_mailbox = &verdicts[&format!("mailbox:{user}")];
                assert_eq!((&of_mailbox["verdict"], &of_mailbox["mailbox"]), (&json!(verdict), &json!(user)), "{of_mailbox}");
            }
        }
        let sent = of_type(letters, "letter.handed").into_iter().filter(|e| e["mailbox"] == self.anna.as_str()).count();
        let story = flat(&self.rig.preheat(self.dir, &["explain", &self.anna], WEDNESDAY));
        assert_says(&story, &format!("Held at ramp day 1. 1 complaint came about {sent} warmup letters of 2025-12-02: "));
    }
}

/// What was handed over was taken, and all of it was seen but for what bounced, or was lost between two who get nothing. What was not sent would have gone to who is suspended by then, or
/// would have answered a letter that did not arrive.
fn assert_that_the_rest_of_the_day_went_on(letters: &[Value]) {
    let ids = |kind: &str| -> BTreeSet<String> {
        let all = of_type(letters, kind);
        let ids: BTreeSet<String> = all.iter().map(|e| text(e, "letter")).collect();
        assert_eq!(ids.len(), all.len(), "one of them twice: {kind}");
        ids
    };
    let [handed, accepted, seen, bounced] = ["handed", "accepted", "seen", "bounced"].map(|step| ids(&format!("letter.{step}")));
    assert_eq!(handed, accepted);
    let lost = sent_between_those_who_get_nothing(letters);
    assert_eq!(accepted, [&seen, &bounced, &lost].into_iter().flatten().cloned().collect());
    assert_eq!(accepted.len(), seen.len() + bounced.len() + lost.len());
    assert!(seen.len() >= 50 && !bounced.is_empty(), "{} seen, {} bounced", seen.len(), bounced.len());
    assert!(ids("letter.skipped").is_disjoint(&handed));
    for skipped in of_type(letters, "letter.skipped") {
        match text(skipped, "reason").as_str() {
            "suspended" => assert!(gets_nothing(&text(skipped, "recipient")), "{skipped}"),
            "parent_unseen" => assert!(gets_nothing(&text(skipped, "mailbox")), "{skipped}"),
            _ => panic!("{skipped}"),
        }
    }
    for never in ["rejected", "uncertain", "missing", "moved_to_spam", "unaccounted"] {
        assert_eq!(ids(&format!("letter.{never}")), BTreeSet::new());
    }
}

/// Whether mail to a mailbox comes back.
fn gets_nothing(mailbox: &str) -> bool {
    ["@full.test", "@late.test"].iter().any(|domain| mailbox.ends_with(domain))
}

/// Letters of which not even a report can come back.
fn sent_between_those_who_get_nothing(letters: &[Value]) -> BTreeSet<String> {
    let accepted = of_type(letters, "letter.accepted").into_iter();
    accepted.filter(|e| gets_nothing(&text(e, "mailbox")) && gets_nothing(&text(e, "recipient"))).map(|e| text(e, "letter")).collect()
}

fn of_type<'e>(events: &'e [Value], kind: &str) -> Vec<&'e Value> {
    events.iter().filter(|e| e["type"] == kind).collect()
}

fn told(signal: &Value) -> Told {
    let named = signal["recipients"][0]["address"].as_str().or(signal["author_address"].as_str());
    let letter = signal["letter"].as_str().map(str::to_owned);
    (text(signal, "type"), text(signal, "mailbox"), text(signal, "scope"), letter, named.unwrap_or_default().to_owned())
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}")).to_owned()
}

fn sorted<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut items: Vec<T> = items.collect();
    items.sort();
    items
}

/// The header of a message, unfolded.
fn header(message: &str) -> String {
    let message = message.replace("\r\n", "\n");
    message.split("\n\n").next().unwrap_or_default().replace("\n ", " ").replace("\n\t", " ")
}

fn field<'h>(header: &'h str, name: &str) -> Option<&'h str> {
    header.lines().find_map(|line| line.split_once(':').filter(|(n, _)| n.eq_ignore_ascii_case(name))).map(|(_, value)| value.trim())
}

fn is_letter(message: &str, id: &str) -> bool {
    field(&header(message), "X-Preheat").is_some_and(|mark| mark.starts_with(&format!("rig.{id}.")))
}
