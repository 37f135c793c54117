//! Bad luck while sending: refused recipients, and servers that change what they are given. Slots 3 and 4.

use crate::rig::Rig;
use crate::rig_day::{assert_exit, count, said};
use crate::rig_luck::{PLAIN, TUESDAY, WEDNESDAY, assert_says, give, mailbox, plain_at, seed, sent_by, short_day, status, texts};
use crate::story::rows;

#[test]
#[ignore = "needs the rig: tests/run"]
fn a_refused_recipient_is_rejected_or_deferred_and_due_again_inside_the_window() {
    let rig = Rig::from_env(3);
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    rig.write_pool(dir, &short_day(2, PLAIN));
    seed(dir, 3);
    let name = |n, d: &str| rig.user(n, &format!("warm-{d}.test"));
    let (refused, full, grey, busy) = (name(1, "a"), name(2, "a"), name(1, "b"), name(2, "b"));
    let rcpt = |args: &[&str]| rig.proxy(rig.port(1587), &[&["answer", "RCPT TO"], args].concat());
    let proxies = [
        // What is said of a sender's reputation, or that it is too fast, is the guard's: here it is about letters.
        rcpt(&["550 5.5.0 refused"]),
        rcpt(&["452 4.2.2 mailbox full"]),
        rcpt(&["450 4.2.0 greylisted, try again", "--times", "2"]),
        rcpt(&["421 4.3.2 the service is not available", "--skip", "1", "--times", "1"]),
    ];
    for (who, proxy) in [&refused, &full, &grey, &busy].into_iter().zip(&proxies) {
        give(dir, who, &format!("smtp: {}", plain_at(proxy.port)));
    }

    let day = rig.preheat(dir, &["run"], TUESDAY);
    assert_exit(&day, 0);
    assert_exit(&rig.audit(dir, &[]), 0);
    for proxy in &proxies {
        assert!(proxy.has_struck());
    }
    let told = said(&day);
    assert_says(&told, "was refused: RCPT TO: 550 5.5.0");
    assert_says(&told, "RCPT TO: 452 4.2.2");
    let of =
        |who: &str, what: &str| count(dir, &format!("SELECT count(*) FROM letter WHERE sender = '{who}' AND parent IS NULL AND {what}"));
    let steps = |who: &str, what: &str| {
        count(dir, &format!("SELECT count(*) FROM step s JOIN letter l ON l.id = s.letter WHERE l.sender = '{who}' AND {what}"))
    };

    // 550: the end of the letter, each offered once, and no quota spent.
    let n = of(&refused, "TRUE");
    assert!(n >= 2, "{told}");
    assert_eq!(of(&refused, "state = 'rejected'"), n);
    assert_eq!(steps(&refused, "event = 'rejected' AND code = 550 AND enhanced = '5.5.0' AND l.parent IS NULL"), n);
    let seen = status(&rig, dir, TUESDAY);
    assert_eq!(mailbox(&seen, &refused)["sent"], 0);
    assert_eq!(mailbox(&seen, &refused)["last_7_days"]["rejected"], steps(&refused, "event = 'rejected'"));
    // 452 all day: tried again, a quarter of an hour later at least, and skipped at the window's end.
    assert_eq!((sent_by(dir, &full), of(&full, "state = 'skipped' AND skip_reason = 'deferred'")), (0, of(&full, "TRUE")));
    assert!(steps(&full, "event = 'deferred' AND code = 452") > of(&full, "TRUE"), "each was tried, one of them again");
    // (One that was deferred in the window's last quarter of an hour is skipped sooner.)
    let too_soon = "SELECT a.letter, a.code, a.at, b.event, b.at FROM step a JOIN step b ON a.letter = b.letter AND b.n = a.n + 1 WHERE a.event = 'deferred' AND b.event <> 'skipped' AND b.at < a.at + 900000";
    assert_eq!(rows(dir, too_soon), Vec::<String>::new(), "{told}");
    // 450 twice, 421 in mid-session: deferred, then sent, each once.
    for (who, code, times) in [(&grey, 450, 2), (&busy, 421, 1)] {
        assert_eq!(steps(who, &format!("event = 'deferred' AND code = {code}")), times, "{who}\n{told}");
        assert_eq!(of(who, "state = 'seen'"), of(who, "TRUE"), "{who}\n{told}");
    }
    // After the 421 the server was left alone for ten minutes.
    let calm = format!(
        "SELECT count(*) FROM step d JOIN letter l ON l.id = d.letter AND l.sender = '{busy}' AND d.code = 421
         JOIN step h ON h.event = 'handed' AND h.at >= d.at AND h.at < d.at + 600000 JOIN letter m ON m.id = h.letter AND m.sender = l.sender"
    );
    assert_eq!(count(dir, &calm), 0);
}

#[test]
#[ignore = "needs the rig: tests/run"]
fn a_letter_is_known_by_its_mark_and_without_one_it_is_seen_at_most() {
    let rig = Rig::from_env(4);
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    rig.write_pool(dir, &short_day(2, PLAIN));
    seed(dir, 3);
    let name = |n, d: &str| rig.user(n, &format!("warm-{d}.test"));
    let (rewritten, stripped) = (name(1, "a"), name(1, "b"));
    let rewrites = rig.proxy(rig.port(1587), &["rewrite-id"]);
    let everybody: Vec<String> = rig.warm_domains().iter().flat_map(|d| (1..=2).map(|n| rig.user(n, d))).collect();
    rig.junk_share(85, &everybody);

    // A service that gives every message an id of its own: known by the mark, rescued, and answered to the id as it was seen.
    give(dir, &rewritten, &format!("smtp: {}", plain_at(rewrites.port)));
    assert_exit(&rig.preheat(dir, &["run"], TUESDAY), 0);
    assert_exit(&rig.audit(dir, &[]), 0);
    let seen = format!("FROM letter WHERE sender = '{rewritten}' AND state = 'seen'");
    assert!(count(dir, &format!("SELECT count(*) {seen}")) >= 3);
    let kept = "message_id_seen = 'rewritten-' || substr(message_id_sent, 1, instr(message_id_sent, '@')) || 'mail.service.test'";
    assert_eq!(count(dir, &format!("SELECT count(*) {seen} AND NOT ({kept})")), 0);
    // On Wednesday, beside it, one that takes the mark away: the Message-ID says that it arrived, and nobody does anything with it.
    let drops = rig.proxy(rig.port(1587), &["drop-header", "X-Preheat"]);
    give(dir, &stripped, &format!("smtp: {}", plain_at(drops.port)));
    let day = rig.preheat(dir, &["run"], WEDNESDAY);
    assert_exit(&day, 0);
    let answers = texts(
        dir,
        &format!(
            "SELECT a.id FROM letter a JOIN letter p ON a.parent = p.id WHERE p.sender = '{rewritten}' AND a.state = 'seen' AND a.sender <> '{stripped}' ORDER BY a.id"
        ),
    );
    assert!(!answers.is_empty(), "nobody answered one of them\n{}", said(&day));
    let inbox = rig.messages(&rewritten, "INBOX");
    for answer in &answers {
        let raw = inbox.iter().find(|m| m.contains(&format!("X-Preheat: rig.{answer}"))).unwrap_or_else(|| panic!("no answer {answer}"));
        let unfolded = raw.replace("\r\n ", " ");
        let line = unfolded.lines().find(|l| l.starts_with("In-Reply-To: ")).unwrap();
        assert!(line.starts_with("In-Reply-To: <rewritten-"), "{line}");
    }

    let of = |what: &str| {
        count(
            dir,
            &format!("SELECT count(*) FROM letter WHERE sender = '{stripped}' AND date = '2025-12-03' AND parent IS NULL AND {what}"),
        )
    };
    assert!(of("TRUE") >= 2);
    assert_eq!(of("state = 'seen' AND placement = 'inbox' AND message_id_seen = message_id_sent"), of("TRUE"));
    let acted = format!("FROM letter l JOIN action a ON a.letter = l.id WHERE l.sender = '{stripped}' AND l.date = '2025-12-03'");
    assert_eq!(count(dir, &format!("SELECT count(*) {acted}")), 0);
    let answered = format!(
        "SELECT count(*) FROM letter a JOIN letter p ON a.parent = p.id WHERE p.sender = '{stripped}' AND p.date = '2025-12-03' AND a.handed_at IS NOT NULL"
    );
    assert_eq!(count(dir, &answered), 0);
    assert_exit(&rig.preheat(dir, &["ledger", "check"], WEDNESDAY), 0);
}
