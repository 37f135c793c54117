//! Reports about letters of the pool: which are believed, and which are anybody's.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_report_with_a_letters_mark_ends_the_letter_and_suspends_its_recipient() {
    let dir = tempfile::tempdir().unwrap();
    let d = quiet(dir.path());
    d.swallow_letters_to(&partner());
    let comes_back = async {
        let (letter, header) = d.swallowed().await;
        d.deliver(gone(&header));
        letter
    };
    let (_, letter) = tokio::join!(d.run_on(1), comes_back);
    let signal = d.the_signal().await;
    assert_eq!((signal.kind, signal.scope, signal.letter), (SignalKind::Bounce, SignalScope::Warmup, Some(letter)));
    assert_eq!((signal.provider, signal.date), (Some(Provider::Generic), LocalDate::ymd(2026, 12, 1).unwrap()));
    assert!(signal.evidence.ends_with("came back with it, and holds"), "{}", signal.evidence);
    assert_eq!(d.state(letter).await, LetterState::Bounced);
    let rows = d.suspensions().await;
    let [row] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((&row.mailbox, row.class, row.letter), (&partner(), RefusalClass::BadAddress, Some(letter)));
    assert_eq!(row.reply, Reply::new(550, "5.1.1 no such user here"));
    assert_eq!(d.suppressed().await, [], "a mailbox of the pool is never on the list");
    assert_eq!(
        d.told(
            "Heard { at: \"a@x.test\", kind: Bounce, words: \"a letter of the pool to p@y.test came back (550 5.1.1 no such user here)\" }"
        ),
        1
    );
    d.assert_whole().await;
}

#[tokio::test(start_paused = true)]
async fn a_report_of_a_letter_that_was_never_sent_or_of_nobodys_is_no_letters_end() {
    let dir = tempfile::tempdir().unwrap();
    let d = quiet(dir.path());
    // The ids of the day's letters can be worked out; in the morning none of them is sent yet.
    let ids = (1..=3).map(|n| LetterId::of_start(&me(), LocalDate::ymd(2026, 12, 1).unwrap(), n));
    for (n, id) in ids.enumerate() {
        let header = format!("Message-ID: <{id}@x.test>\nTo: p@y.test\n");
        d.deliver(report(&format!("b{n}"), &group("p@y.test", "failed", "5.1.1", "550 5.1.1 no such user"), &header));
    }
    let letters = d.run_on(1).await;
    let signals = d.signals().await;
    assert_eq!(signals.len(), 3);
    assert!(signals.iter().all(|s| s.scope == SignalScope::Campaign && s.letter.is_none()), "{signals:?}");
    assert!(letters.iter().filter(|l| l.plan.sender == me()).all(|l| l.state == LetterState::Seen), "{letters:?}");
    assert_eq!((d.suspensions().await, d.suppressed().await), (vec![], vec![]));
    d.assert_whole().await;
}

#[tokio::test(start_paused = true)]
async fn a_forged_report_suspends_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let d = quiet(dir.path());
    d.swallow_letters_to(&partner());
    let forge = async {
        let (letter, header) = d.swallowed().await;
        let id = field(&header, "Message-ID");
        let mark = field(&header, "X-Preheat");
        let other = if mark.ends_with('0') { "1" } else { "0" };
        let forged = format!("{}{other}", &mark[..mark.len() - 1]);
        for (n, (recipient, header)) in [
            // A mark that does not hold takes the right Message-ID and recipient with it.
            ("p@y.test", format!("Message-ID: {id}\nX-Preheat: {forged}\n")),
            // Who knows the sender knows the Message-ID, but not to whom it went.
            ("stranger@w.test", format!("Message-ID: {id}\n")),
            // The mark of this letter, for another mailbox of the pool.
            ("q@z.test", header.clone()),
        ]
        .into_iter()
        .enumerate()
        {
            d.deliver(report(&format!("b{n}"), &group(recipient, "failed", "5.2.2", "552 5.2.2 mailbox full"), &header));
        }
        letter
    };
    let (_, letter) = tokio::join!(d.run_on(1), forge);
    let signals = d.signals().await;
    assert_eq!(signals.len(), 3);
    assert!(signals.iter().all(|s| s.letter.is_none()), "{signals:?}");
    assert_eq!(d.state(letter).await, LetterState::Accepted);
    assert_eq!(d.suspensions().await, []);
    d.assert_whole().await;
}

#[tokio::test(start_paused = true)]
async fn a_report_that_names_the_rewritten_id_finds_its_letter_and_what_was_seen_stays_seen() {
    let dir = tempfile::tempdir().unwrap();
    let d = quiet(dir.path());
    d.servers.faults.rewrites.store(true, Ordering::Relaxed);
    let letters = d.run_on(1).await;
    let letter = letters.iter().find(|l| l.plan.sender == me() && l.plan.recipient == partner()).unwrap();
    let seen = letter.message_id_seen.clone().unwrap();
    assert!(seen.as_str().starts_with("rewritten-"));
    d.deliver(gone(&format!("Message-ID: {}\n", seen.bracketed())));
    d.run_on(2).await;
    let signal = d.the_signal().await;
    assert_eq!((signal.scope, signal.letter, signal.original), (SignalScope::Warmup, Some(letter.plan.id), Some(seen)));
    assert_eq!(signal.date, LocalDate::ymd(2026, 12, 1).unwrap(), "the letter's date");
    assert_eq!(d.state(letter.plan.id).await, LetterState::Seen);
    assert_eq!(d.suspensions().await, []);
    d.assert_whole().await;
}

#[tokio::test(start_paused = true)]
async fn a_message_id_and_its_recipient_are_enough_for_a_letter_that_nobody_has_seen() {
    let dir = tempfile::tempdir().unwrap();
    let d = quiet(dir.path());
    d.swallow_letters_to(&partner());
    let comes_back = async {
        let (letter, header) = d.swallowed().await;
        d.deliver(gone(&format!("Message-ID: {}\n", field(&header, "Message-ID"))));
        letter
    };
    let (_, letter) = tokio::join!(d.run_on(1), comes_back);
    assert_eq!((d.state(letter).await, d.suspensions().await.len()), (LetterState::Bounced, 1));
}

#[tokio::test(start_paused = true)]
async fn what_was_sent_on_and_came_back_does_not_end_the_letter() {
    let dir = tempfile::tempdir().unwrap();
    let d = quiet(dir.path());
    d.swallow_letters_to(&partner());
    let comes_back = async {
        let (letter, header) = d.swallowed().await;
        d.deliver(report("b1", &group("home@w.test", "failed", "5.2.2", "552 5.2.2 mailbox full"), &header));
        letter
    };
    let (_, letter) = tokio::join!(d.run_on(1), comes_back);
    let signal = d.the_signal().await;
    assert_eq!((signal.scope, signal.letter), (SignalScope::Warmup, None));
    assert_eq!((d.state(letter).await, d.suspensions().await), (LetterState::Accepted, vec![]));
}

#[tokio::test(start_paused = true)]
async fn reports_that_call_everybody_gone_cannot_stop_the_whole_pool() {
    let dir = tempfile::tempdir().unwrap();
    let partners = ["p@y.test", "q@z.test", "r@v.test", "s@w.test", "t@u.test", "u@t.test", "v@s.test"];
    let d = in_memory(day_with(dir.path(), &["a", "b", "c"], &partners, 0, "07:00"));
    for partner in partners {
        d.swallow_letters_to(&address(partner));
    }
    let comes_back = async {
        for _ in 0..600 {
            d.cx.clock.sleep_until(d.cx.clock.now() + Duration::from_mins(1)).await;
            for (to, letter) in std::mem::take(&mut *d.servers.swallowed.lock().unwrap()) {
                let header = returned(&letter);
                let from = field(&header, "From");
                let Some(sender) = ["a@x.test", "b@x.test", "c@x.test"].iter().find(|a| from.contains(*a)) else { continue };
                let id = format!("b-{}", field(&header, "Message-ID").trim_matches(['<', '>']).replace('@', "-"));
                let bytes = report(&id, &group(to.as_str(), "failed", "5.1.1", "550 5.1.1 User unknown"), &header);
                d.servers.delivered.lock().unwrap().push((address(sender), bytes));
            }
        }
    };
    tokio::join!(d.run_on(1), comes_back);
    let suspended: BTreeSet<Address> = d.suspensions().await.into_iter().map(|s| s.mailbox).collect();
    assert_eq!(suspended.len(), 3, "{suspended:?}");
    assert!(d.told("nobody else is suspended for that") >= 1);
    d.assert_whole().await;
}
