//! Finished mail is put away on real servers, and nothing else is. Slot 22.

use std::process::Command;

use crate::rig::{Line, PoolOptions, Rig};
use crate::rig_day::{assert_exit, count, said};
use crate::rig_luck::{TUESDAY, assert_says, give, mailbox, plain_at, seed, status, texts, troubles};

/// Five letters a mailbox, read within the hour and never answered.
const READ_DAY: &str = "about: a day of reading
ramp: {start: 5, target: 5, weeks: 4, curve: linear}
window: {hours: 09:00-12:00}
engagement:
  open: 0.5
  answer: 0
  rescue_delay: {median: 30m, p95: 50m, min: 20m, max: 1h}
  open_delay: {median: 10m, p95: 20m, min: 3m, max: 30m}
  hours: 07:00-15:00
";
/// Two days before the letters may be put away, in the night; three later; and the night after that.
const TOO_EARLY: &str = "2025-12-15T20:00:00Z x1800";
const FORTNIGHT: &str = "2025-12-18T20:00:00Z x1800";
const NIGHT_AFTER: &str = "2025-12-19T20:00:00Z x1800";
/// Another day of letters, and a fortnight after it.
const MONDAY: &str = "2025-12-22T07:50:00Z x1800";
const NEXT_YEAR: &str = "2026-01-08T20:00:00Z x1800";

fn read_day() -> PoolOptions {
    PoolOptions {
        per_domain: 2,
        line: Line::Starttls,
        window: ["09:00", "12:00"],
        schedule: "read-day",
        schedule_text: Some(READ_DAY),
        ..PoolOptions::default()
    }
}

fn is_ours(message: &str) -> bool {
    message.contains("X-Preheat: rig.") && !message.contains("X-Rig-Planted:")
}

fn ours(rig: &Rig, who: &str, folder: &str) -> usize {
    rig.messages(who, folder).iter().filter(|m| is_ours(m)).count()
}

fn foreign(who: &str) -> String {
    format!("From: aunt@family.example\r\nTo: {who}\r\nMessage-ID: <sunday@family.example>\r\nSubject: sunday\r\n\r\nCome at four.\r\n")
}

/// Marks the messages called `doomed` of a folder as deleted, as a mail client does that never expunges.
fn mark_deleted(rig: &Rig, who: &str, folder: &str) {
    let script = "import imaplib, sys
port, user, password, folder = sys.argv[1:]
c = imaplib.IMAP4('127.0.0.1', int(port))
c.login(user, password)
c.select(folder)
for n in c.search(None, 'SUBJECT', 'doomed')[1][0].split():
    c.store(n, '+FLAGS', '(\\\\Deleted)')
c.unselect() if hasattr(c, 'unselect') else None
c.shutdown()";
    let port = rig.port(1143).to_string();
    let marked = Command::new("python3").args(["-c", script, &port, who, rig.fact("RIG_PASSWORD"), folder]).output().unwrap();
    assert!(marked.status.success(), "{}", String::from_utf8_lossy(&marked.stderr));
}

#[test]
#[ignore = "needs the rig: tests/run"]
fn finished_letters_go_to_warmup_at_both_ends_and_what_is_not_ours_stays() {
    let rig = Rig::from_env(22);
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    rig.write_pool(dir, &read_day());
    seed(dir, 22);
    let everybody: Vec<String> = rig.warm_domains().iter().flat_map(|d| (1..=2).map(|n| rig.user(n, d))).collect();
    let [plain, forged_at, bare, prefixed, full, ..] = &everybody[..] else { unreachable!() };
    give(dir, bare, &format!("spam_folder: Junk, imap: {}", plain_at(rig.port(2143))));
    // These servers make no spam folder by themselves.
    rig.fault(&["create", bare, "Junk"]);
    rig.fault(&["create", prefixed, "Junk"]);
    give(dir, prefixed, &format!("spam_folder: Junk, imap: {}", plain_at(rig.port(3143))));
    let no_room = rig.proxy(rig.port(1143), &["answer", "CREATE", "NO [OVERQUOTA] there is no room", "--times", "1"]);
    give(dir, full, &format!("imap: {}", plain_at(no_room.port)));
    assert_exit(&rig.preheat(dir, &["run"], TUESDAY), 0);
    let had: Vec<usize> = everybody.iter().map(|who| ours(&rig, who, "INBOX")).collect();
    assert!(had.iter().all(|n| *n > 1), "{had:?}");

    // Copies of their own letters in Sent; somebody else's mail beside them; a second copy of a letter, and one with a mark for somebody else.
    let letters = rig.messages(plain, "INBOX").into_iter().filter(|m| is_ours(m)).collect::<Vec<_>>();
    let field = |m: &str, name: &str| {
        m.lines().find_map(|l| l.strip_prefix(name)).unwrap().trim().trim_end_matches('>').rsplit('<').next().unwrap().to_owned()
    };
    let (copy, sender) = (&letters[0], field(&letters[0], "From:"));
    rig.deliver(&sender, "Sent", copy);
    for who in &everybody {
        rig.plant(who, "INBOX", "aunt-inbox", &foreign(who));
        rig.plant(who, "Sent", "aunt-sent", &foreign(who));
    }
    rig.plant(forged_at, "INBOX", "forged", copy);
    rig.plant(plain, "INBOX", "second-copy", copy);
    let doomed = |who: &str| foreign(who).replace("Subject: sunday", "Subject: doomed");
    rig.deliver(bare, "INBOX", &doomed(bare));
    mark_deleted(&rig, bare, "INBOX");

    assert_exit(&rig.preheat(dir, &["run", "--once"], TOO_EARLY), 0);
    assert!(everybody.iter().all(|who| ours(&rig, who, "Warmup") == 0));
    assert_eq!(count(dir, "SELECT count(*) FROM sighting WHERE tidied IS NOT NULL"), 0);

    let first = rig.preheat(dir, &["run", "--once", "--verbose"], FORTNIGHT);
    assert_exit(&first, 0);
    let told = said(&first);
    for (who, had) in everybody.iter().zip(&had) {
        let moved = if who == full { 0 } else { *had };
        let from_sent = usize::from(*who == sender && who != full);
        assert_eq!(ours(&rig, who, "Warmup"), moved + from_sent, "{who}\n{told}");
        // Without UIDPLUS an EXPUNGE would have taken what somebody else has marked: ours stay there, marked.
        let left = if who == bare || who == full { *had } else { 0 };
        assert_eq!(ours(&rig, who, "INBOX"), left, "{who}\n{told}");
    }
    assert_eq!(ours(&rig, &sender, "Sent"), usize::from(sender == *full));
    assert!(rig.messages(bare, "INBOX").iter().any(|m| m.contains("Subject: doomed")), "an EXPUNGE took what is not ours");
    assert!(no_room.has_struck());
    assert_says(&told, "there is no room");
    let seen = status(&rig, dir, FORTNIGHT);
    let wanted = format!("{full} tidy: making a folder: the server refused: NO [OVERQUOTA] there is no room");
    assert_eq!(troubles(&seen), [wanted]);
    assert_eq!(mailbox(&seen, plain)["space"]["put_away"], had[0] + usize::from(sender == *plain));
    assert!(mailbox(&seen, plain)["space"]["put_away_bytes"].as_u64().unwrap() > 500, "{seen}");
    assert_says(&said(&rig.preheat(dir, &["status"], FORTNIGHT)), "Space that warmup mail takes");
    assert_exit(&rig.audit(dir, &[]), 0);

    // Where there was no room there is now; the others have nothing to do.
    assert_exit(&rig.preheat(dir, &["run", "--once"], NIGHT_AFTER), 0);
    assert_eq!((ours(&rig, full, "Warmup"), ours(&rig, full, "INBOX")), (had[4] + usize::from(sender == *full), 0));
    assert_eq!(troubles(&status(&rig, dir, NIGHT_AFTER)), Vec::<String>::new());
    assert_exit(&rig.audit(dir, &[]), 0);
    let events = rig.preheat(dir, &["events", "--json", "--since", "2025-12-01", "--kind", "letter.tidied"], NIGHT_AFTER);
    assert_eq!(said(&events).lines().filter(|l| l.contains("letter.tidied")).count(), had.iter().sum::<usize>());
    // Nobody's doing was read into it.
    assert_eq!(count(dir, "SELECT count(*) FROM letter WHERE placement = 'filed'"), 0);

    // A person wants it deleted. What lies in Warmup stays there.
    let yaml = std::fs::read_to_string(dir.join("preheat.yaml")).unwrap();
    std::fs::write(dir.join("preheat.yaml"), yaml + "tidy: {how: delete}\n").unwrap();
    assert_exit(&rig.preheat(dir, &["run"], MONDAY), 0);
    let fresh = |who: &String| ours(&rig, who, "INBOX");
    assert!(everybody.iter().all(|who| fresh(who) > 1));
    let kept: Vec<usize> = everybody.iter().map(|who| ours(&rig, who, "Warmup")).collect();
    let marked = fresh(bare);
    assert_exit(&rig.preheat(dir, &["run", "--once"], NEXT_YEAR), 0);
    for (who, kept) in everybody.iter().zip(kept) {
        assert_eq!(ours(&rig, who, "INBOX"), if who == bare { marked } else { 0 }, "{who}");
        assert_eq!(ours(&rig, who, "Warmup"), kept, "{who}");
        for folder in ["INBOX", "Sent"] {
            assert!(rig.messages(who, folder).iter().any(|m| m.contains("Come at four.")), "{who}'s own mail is gone from {folder}");
        }
    }
    assert!(rig.messages(bare, "INBOX").iter().any(|m| m.contains("Subject: doomed")), "an EXPUNGE took what is not ours");
    let gone = texts(dir, "SELECT letter FROM sighting WHERE tidied = 'deleted'").join(",");
    assert_exit(&rig.audit(dir, &["--gone", &gone]), 0);
    assert_eq!(troubles(&status(&rig, dir, NEXT_YEAR)), Vec::<String>::new());
    assert_exit(&rig.preheat(dir, &["ledger", "check"], NEXT_YEAR), 0);
}
