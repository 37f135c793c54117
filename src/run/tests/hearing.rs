//! What comes back: each kind of message, delivered into a mailbox of the pool, and what the run makes of it.

mod evidence;

use super::*;
use crate::classify::Recipient;
use crate::ledger::SignalRow;
use crate::words::{LetterState, Provider, RefusalClass, SignalKind, SignalScope, SuppressionCause};

fn me() -> Address {
    address("a@x.test")
}

fn partner() -> Address {
    address("p@y.test")
}

/// A recipient's group of a delivery status.
fn group(recipient: &str, action: &str, status: &str, diagnostic: &str) -> String {
    format!("\nFinal-Recipient: rfc822; {recipient}\nAction: {action}\nStatus: {status}\nDiagnostic-Code: smtp; {diagnostic}\n")
}

/// A report to Anna, with an id of its own.
fn report(id: &str, groups: &str, returned: &str) -> Vec<u8> {
    let text = format!(
        "Return-Path: <>\nFrom: Mail Delivery System <MAILER-DAEMON@x.test>\nTo: a@x.test\nSubject: Undelivered Mail Returned to Sender\n\
         Date: Tue, 1 Dec 2026 08:00:00 +0000\nMessage-ID: <{id}@mx.x.test>\nAuto-Submitted: auto-replied\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=r\n\n--r\n\nYour message could not be delivered.\n\
         --r\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.x.test\n{groups}\n\
         --r\nContent-Type: text/rfc822-headers\n\n{returned}\n--r--\n"
    );
    text.replace('\n', "\r\n").into_bytes()
}

fn mail(header: &str, text: &str) -> Vec<u8> {
    format!("To: a@x.test\nDate: Tue, 1 Dec 2026 08:00:00 +0000\n{header}\n\n{text}\n").replace('\n', "\r\n").into_bytes()
}

/// Gone, to one in the pool.
fn gone(returned: &str) -> Vec<u8> {
    report("b1", &group("p@y.test", "failed", "5.1.1", "550 5.1.1 no such user here"), returned)
}

/// A header of a swallowed letter, as it comes back.
fn returned(letter: &[u8]) -> String {
    String::from_utf8(letter.to_vec()).unwrap().replace("\r\n", "\n")
}

fn field(header: &str, name: &str) -> String {
    let line = header.lines().find(|l| l.to_lowercase().starts_with(&format!("{}:", name.to_lowercase()))).unwrap();
    line.split_once(':').unwrap().1.trim().to_owned()
}

/// A pool of one that warms and two partners, on a day without answers.
fn quiet(dir: &Path) -> Day {
    in_memory(day_with(dir, &["a"], &["p@y.test", "q@z.test"], 0, "07:00"))
}

impl Day {
    fn deliver(&self, message: Vec<u8>) {
        self.servers.delivered.lock().unwrap().push((me(), message));
    }

    fn deliver_to_junk(&self, message: Vec<u8>) {
        self.servers.junk.lock().unwrap().push((me(), message));
    }

    fn swallow_letters_to(&self, recipient: &Address) {
        self.servers.faults.swallows.lock().unwrap().insert(recipient.clone());
    }

    /// The first letter of Anna's that the servers have swallowed.
    async fn swallowed(&self) -> (LetterId, String) {
        loop {
            let is_annas = |(_, m): &&(Address, Vec<u8>)| field(&returned(m), "From").contains("a@x.test");
            if let Some((_, message)) = self.servers.swallowed.lock().unwrap().iter().find(is_annas) {
                let header = returned(message);
                let id = MessageId::parse(&field(&header, "Message-ID")).unwrap();
                return (id.letter().unwrap(), header);
            }
            self.cx.clock.sleep_until(self.cx.clock.now() + Duration::from_mins(1)).await;
        }
    }

    async fn signals(&self) -> Vec<SignalRow> {
        self.cx.ledger.signals_of(me(), LocalDate::EPOCH).await.unwrap()
    }

    async fn the_signal(&self) -> SignalRow {
        let signals = self.signals().await;
        let [signal] = signals.as_slice() else { panic!("{signals:?}") };
        signal.clone()
    }

    async fn recipients(&self, signal: &SignalRow) -> Vec<Recipient> {
        self.cx.ledger.recipients_of(me(), signal.message_id.clone()).await.unwrap()
    }

    async fn suppressed(&self) -> Vec<(String, SuppressionCause)> {
        let all = self.cx.ledger.suppressions().await.unwrap();
        all.into_iter().map(|s| (s.address.as_str().to_owned(), s.cause)).collect()
    }

    async fn state(&self, letter: LetterId) -> LetterState {
        self.cx.ledger.letter(letter).await.unwrap().unwrap().state
    }

    fn peeked(&self) -> Vec<u32> {
        self.servers.peeked.lock().unwrap().iter().map(|p| p.0).collect()
    }
}

fn suppression(address: &str, cause: SuppressionCause) -> (String, SuppressionCause) {
    (address.to_owned(), cause)
}

#[tokio::test(start_paused = true)]
async fn delays_and_deliveries_are_no_bounces() {
    let dir = tempfile::tempdir().unwrap();
    let d = quiet(dir.path());
    let words = "421-4.7.28 Gmail has detected an unusual rate of unsolicited mail. gsmtp";
    d.deliver(report("late", &group("bob@shop.test", "delayed", "4.7.28", words), "Message-ID: <c1@x.test>\n"));
    d.deliver(report("there", &group("bob@shop.test", "delivered", "2.0.0", "250 ok"), "Message-ID: <c2@x.test>\n"));
    d.run_on(1).await;
    let signal = d.the_signal().await;
    assert_eq!((signal.kind, signal.scope, signal.provider), (SignalKind::Delay, SignalScope::Campaign, Some(Provider::Gmail)));
    assert_eq!(signal.original, MessageId::parse("c1@x.test"));
    let recipients = d.recipients(&signal).await;
    assert_eq!(recipients.iter().map(|r| (r.class, r.hard)).collect::<Vec<_>>(), [(RefusalClass::Rate, false)]);
    assert_eq!(d.suppressed().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_report_with_five_hundred_recipients_is_one_signal() {
    let dir = tempfile::tempdir().unwrap();
    let d = quiet(dir.path());
    let groups: String = (0..500).map(|n| group(&format!("n{n:03}@shop.test"), "failed", "5.1.1", "550 5.1.1 no such user")).collect();
    d.deliver(report("many", &groups, "Message-ID: <c1@x.test>\n"));
    d.run_on(1).await;
    let signal = d.the_signal().await;
    assert_eq!(d.recipients(&signal).await.len(), 500);
    assert_eq!(d.suppressed().await.len(), 500);
    assert_eq!(d.told("mail to n000@shop.test and 499 more came back (550 5.1.1 no such user); 500 addresses get no mail again"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_answers_everything_is_never_answered() {
    let dir = tempfile::tempdir().unwrap();
    let d = quiet(dir.path());
    for n in 0..30 {
        let header = format!(
            "From: robot@shop.test\nSubject: Re: Re: x\nAuto-Submitted: auto-replied\nReturn-Path: <>\nMessage-ID: <r{n}@shop.test>\n\
             In-Reply-To: <r{}@shop.test>",
            n - 1
        );
        d.deliver(mail(&header, "I got your message."));
    }
    d.run_on(1).await;
    let signals = d.signals().await;
    assert_eq!(signals.len(), 30);
    assert!(signals.iter().all(|s| s.kind == SignalKind::AutoReply && s.letter.is_none()));
    let offered = d.servers.offered.lock().unwrap().clone();
    assert!(!offered.is_empty() && offered.iter().all(|to| d.cx.config.mailboxes.contains_key(to)), "{offered:?}");
    assert_eq!(d.peeked(), Vec::<u32>::new(), "the header says it all");
    assert!(d.servers.opened.lock().unwrap().iter().all(|uid| *uid > 30), "only letters are opened");
    assert_eq!(d.told("kind: AutoReply"), 20);
    assert_eq!(d.told("10 more messages came back"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_of_the_pool_that_is_away_is_heard_about_its_letter() {
    let dir = tempfile::tempdir().unwrap();
    let d = quiet(dir.path());
    let letters = d.run_on(1).await;
    let letter = letters.iter().find(|l| l.plan.sender == me() && l.plan.recipient == partner()).unwrap();
    let id = letter.message_id_sent.clone().unwrap().bracketed();
    // "Not in the office" in Japanese, without a word of RFC 3834.
    let header = format!(
        "From: p@y.test\nSubject: =?utf-8?B?5LiN5Zyo6YCa55+l?=\nMessage-ID: <o1@y.test>\nIn-Reply-To: {id}\nContent-Type: text/plain; charset=utf-8"
    );
    d.deliver(mail(&header, "ただいま不在にしております。"));
    d.run_on(2).await;
    let signal = d.the_signal().await;
    assert_eq!((signal.kind, signal.scope, signal.letter), (SignalKind::AutoReply, SignalScope::Warmup, Some(letter.plan.id)));
    assert_eq!(signal.author.as_deref(), Some("p@y.test"));
    assert_eq!(d.suppressed().await, []);
}

#[tokio::test(start_paused = true)]
async fn complaints_are_heard_with_and_without_a_recipient() {
    let dir = tempfile::tempdir().unwrap();
    let d = quiet(dir.path());
    let arf = |id: &str, fields: &str, to: &str| {
        let header = format!(
            "From: fbl@mail.yahoo.com\nSubject: FW: x\nMessage-ID: <{id}@fbl.test>\nContent-Type: multipart/report; report-type=feedback-report; boundary=r"
        );
        let text = format!(
            "--r\n\nAn abuse report.\n--r\nContent-Type: message/feedback-report\n\nUser-Agent: fbl/1\nVersion: 1\n{fields}\n\
             --r\nContent-Type: message/rfc822\n\nMessage-ID: <c1@x.test>\nTo: {to}\n\nx\n--r--"
        );
        mail(&header, &text)
    };
    d.deliver(arf("f1", "Feedback-Type: abuse\n", "undisclosed-recipients:;"));
    d.deliver(arf("f2", "Feedback-Type: abuse\nOriginal-Rcpt-To: bob@shop.test\n", "undisclosed-recipients:;"));
    d.deliver(arf("f3", "Feedback-Type: opt-out\nOriginal-Rcpt-To: eve@shop.test\n", "undisclosed-recipients:;"));
    // Nobody complains here.
    d.deliver(arf("f4", "Feedback-Type: not-spam\nOriginal-Rcpt-To: fan@shop.test\n", "undisclosed-recipients:;"));
    d.deliver(arf("f5", "Feedback-Type: auth-failure\nOriginal-Rcpt-To: fan@shop.test\n", "undisclosed-recipients:;"));
    d.run_on(1).await;
    let signals = d.signals().await;
    let brief: Vec<_> = signals.iter().map(|s| (s.message_id.as_str(), s.kind, s.provider, s.feedback.as_deref())).collect();
    let yahoo = Some(Provider::Yahoo);
    assert_eq!(
        brief,
        [
            ("f1@fbl.test", SignalKind::Complaint, yahoo, Some("abuse")),
            ("f2@fbl.test", SignalKind::Complaint, yahoo, Some("abuse")),
            ("f3@fbl.test", SignalKind::Unsubscribe, yahoo, Some("opt-out")),
        ]
    );
    assert_eq!(d.recipients(&signals[0]).await[0].address, None);
    assert_eq!(
        d.suppressed().await,
        [suppression("bob@shop.test", SuppressionCause::Complaint), suppression("eve@shop.test", SuppressionCause::Unsubscribe)]
    );
}

#[tokio::test(start_paused = true)]
async fn a_bounce_of_a_bounce_is_written_down_and_nothing_more() {
    let dir = tempfile::tempdir().unwrap();
    let d = quiet(dir.path());
    let inner = String::from_utf8(gone("Message-ID: <c1@x.test>\n")).unwrap().replace("\r\n", "\n");
    d.deliver(report("b9", &group("mailer-daemon@z9.test", "failed", "5.4.4", "no route to host"), &inner));
    d.run_on(1).await;
    let signal = d.the_signal().await;
    assert_eq!((signal.kind, signal.scope, signal.letter), (SignalKind::Bounce, SignalScope::Campaign, None));
    assert_eq!((d.suspensions().await, d.suppressed().await), (vec![], vec![]));
    assert!(d.servers.offered.lock().unwrap().iter().all(|to| d.cx.config.mailboxes.contains_key(to)));
}

#[tokio::test(start_paused = true)]
async fn of_thirty_megabytes_the_beginning_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let d = quiet(dir.path());
    let mut long = report("huge", &group("bob@shop.test", "failed", "5.1.1", "550 5.1.1 no such user"), "Message-ID: <c1@x.test>\n");
    long.resize(30 << 20, b'x');
    d.deliver(long);
    d.run_on(1).await;
    assert_eq!(d.the_signal().await.original, MessageId::parse("c1@x.test"));
    assert_eq!(*d.servers.peeked.lock().unwrap(), [(1, 256 << 10)]);
    assert_eq!(d.suppressed().await, [suppression("bob@shop.test", SuppressionCause::HardBounce)]);
}

#[tokio::test(start_paused = true)]
async fn a_report_whose_lines_end_in_carriage_returns_is_heard() {
    let dir = tempfile::tempdir().unwrap();
    let d = quiet(dir.path());
    let text = report("cr", &group("bob@shop.test", "failed", "5.1.1", "550 5.1.1 no such user"), "Message-ID: <c1@x.test>\n");
    d.deliver(String::from_utf8(text).unwrap().replace("\r\n", "\r").into_bytes());
    d.run_on(1).await;
    let signal = d.the_signal().await;
    assert_eq!((signal.kind, signal.original), (SignalKind::Bounce, MessageId::parse("c1@x.test")));
    assert_eq!(d.suppressed().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_report_is_heard_once_in_whichever_folders_and_under_whichever_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let d = quiet(dir.path());
    let one = report("b1", &group("bob@shop.test", "failed", "5.1.1", "550 5.1.1 no such user"), "Message-ID: <c1@x.test>\n");
    d.deliver_to_junk(one.clone());
    d.run_on(1).await;
    assert_eq!((d.signals().await.len(), d.suppressed().await.len()), (1, 1), "Junk is read, too");
    d.deliver(one);
    d.run_on(2).await;
    d.servers.renumbered.fetch_add(1, Ordering::Relaxed);
    d.run_on(3).await;
    assert_eq!((d.signals().await.len(), d.peeked().len()), (1, 1), "known, and not read again");
    assert_eq!(d.told("kind: Bounce"), 1);
    d.assert_whole().await;
}

#[tokio::test(start_paused = true)]
async fn reports_without_an_id_are_told_apart_by_what_they_say() {
    let dir = tempfile::tempdir().unwrap();
    let d = quiet(dir.path());
    let no_id = |who: &str| {
        let text = format!("Hi. This is the program at x.test.\n\n<{who}@shop.test>:\nSorry, no mailbox here by that name. (#5.1.1)\n");
        mail("From: MAILER-DAEMON@x.test\nSubject: failure notice\nReturn-Path: <>", &text)
    };
    d.deliver(no_id("bob"));
    d.deliver(no_id("eve"));
    d.deliver_to_junk(no_id("bob"));
    d.run_on(1).await;
    assert_eq!(d.signals().await.len(), 2);
    let both = ["bob@shop.test", "eve@shop.test"].map(|who| suppression(who, SuppressionCause::HardBounce));
    assert_eq!(d.suppressed().await, both);
    d.servers.renumbered.fetch_add(1, Ordering::Relaxed);
    d.run_on(2).await;
    assert_eq!(d.signals().await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_wants_no_more_mail_is_on_the_list_and_who_answers_is_heard() {
    let dir = tempfile::tempdir().unwrap();
    let d = quiet(dir.path());
    d.run_on(1).await;
    let from = |who: &str, header: &str| format!("From: {who}@shop.test\nMessage-ID: <{who}@shop.test>\n{header}");
    d.deliver(mail(&from("bob", "Subject: Re: offer\nIn-Reply-To: <c1@x.test>"), "Please remove me from your list."));
    d.deliver(mail(&from("eve", "Subject: unsubscribe"), ""));
    d.deliver(mail(&from("may", "Subject: x\nX-Apple-Unsubscribe: true"), "Apple Mail sent this."));
    d.deliver(mail(&from("joe", "Subject: Re: offer\nIn-Reply-To: <c2@x.test>\nReferences: <c0@x.test> <c2@x.test>"), "Yes, send it."));
    // A page on the matter, a newsletter, and a person of the pool's own.
    let page = "How people unsubscribe, and why they do. It goes on and on, about lists and their manners. ".repeat(9);
    d.deliver(mail(&from("ann", "Subject: Unsubscribe"), &page));
    d.deliver(mail(&from("news", "Subject: unsubscribe\nList-Id: <n.shop.test>"), "unsubscribe"));
    d.deliver(mail("From: p@y.test\nMessage-ID: <u1@y.test>\nSubject: Re: offer\nIn-Reply-To: <c3@x.test>", "unsubscribe"));
    d.run_on(2).await;
    let heard: Vec<_> = d.signals().await.into_iter().map(|s| (s.message_id, s.kind, s.author.unwrap_or_default())).collect();
    let row = |id: &str, kind, author: &str| (id.to_owned(), kind, author.to_owned());
    assert_eq!(
        heard,
        [
            row("bob@shop.test", SignalKind::Unsubscribe, "bob@shop.test"),
            row("eve@shop.test", SignalKind::Unsubscribe, "eve@shop.test"),
            row("joe@shop.test", SignalKind::Reply, "joe@shop.test"),
            row("may@shop.test", SignalKind::Unsubscribe, "may@shop.test"),
            row("u1@y.test", SignalKind::Unsubscribe, "p@y.test"),
        ]
    );
    let reply = d.signals().await.into_iter().find(|s| s.kind == SignalKind::Reply).unwrap();
    assert_eq!((reply.original, reply.scope), (MessageId::parse("c2@x.test"), SignalScope::Campaign));
    let gone = ["bob@shop.test", "eve@shop.test", "may@shop.test"].map(|who| suppression(who, SuppressionCause::Unsubscribe));
    assert_eq!(d.suppressed().await, gone, "a mailbox of the pool is never on the list");
    assert!(d.servers.peeked.lock().unwrap().iter().all(|(_, most)| *most == 64 << 10), "of answers the first words");
}

#[tokio::test(start_paused = true)]
async fn of_the_days_before_the_first_look_only_reports_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let d = quiet(dir.path());
    d.deliver(mail("From: bob@shop.test\nMessage-ID: <1@shop.test>\nSubject: Re: offer\nIn-Reply-To: <c1@x.test>", "Please remove me."));
    d.deliver(report("b1", &group("eve@shop.test", "failed", "5.1.1", "550 5.1.1 no such user"), "Message-ID: <c2@x.test>\n"));
    d.run_on(1).await;
    assert_eq!(d.peeked(), [2]);
    assert_eq!(d.signals().await.iter().map(|s| s.kind).collect::<Vec<_>>(), [SignalKind::Reply, SignalKind::Bounce]);
}

#[tokio::test(start_paused = true)]
async fn a_signal_counts_on_the_date_it_came_and_history_is_left_alone() {
    let came = ["2026-11-29T23:30:00Z", "2026-12-09T12:00:00Z", "2026-10-20T12:00:00Z"];
    // Sunday evening in UTC; a server whose clock is ahead; and what somebody has moved there from an archive.
    for (came, date) in came.into_iter().zip([Some("2026-11-29"), Some("2026-12-01"), None]) {
        let dir = tempfile::tempdir().unwrap();
        let d = quiet(dir.path());
        *d.servers.received.lock().unwrap() = Moment::parse_rfc3339(came);
        d.deliver(report("b1", &group("eve@shop.test", "failed", "5.1.1", "550 5.1.1 no such user"), "Message-ID: <c2@x.test>\n"));
        d.run_on(1).await;
        let dates: Vec<_> = d.signals().await.into_iter().map(|s| s.date.to_string()).collect();
        assert_eq!(dates, date.into_iter().collect::<Vec<_>>(), "{came}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_fetched_of_ordinary_mail_and_of_letters_of_ours() {
    let dir = tempfile::tempdir().unwrap();
    let d = in_memory(day_with(dir.path(), &["a"], &["p@y.test", "q@z.test"], 1, "07:00"));
    d.deliver(mail("From: may@family.test\nSubject: Sunday\nMessage-ID: <1@family.test>", "Are you coming?"));
    d.deliver(mail("From: news@shop.test\nSubject: Undelivered: 7 stories\nList-Unsubscribe: <mailto:x@shop.test>", "unsubscribe"));
    d.deliver(mail("From: a@x.test\nSubject: Undelivered Mail Returned to Sender\nMessage-ID: <copy@x.test>", "A copy of one's own."));
    d.run_on(1).await;
    assert!(d.servers.opened.lock().unwrap().len() > 3);
    assert_eq!((d.peeked(), d.signals().await), (vec![], vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_message_that_cannot_be_read_keeps_nobody_from_what_came_after_it() {
    for says_no in [0, SAYS_NO] {
        let dir = tempfile::tempdir().unwrap();
        let d = quiet(dir.path());
        d.servers.faults.unreadable.store(1 | says_no, Ordering::Relaxed);
        for (id, who) in [("b1", "bob"), ("b2", "eve")] {
            let failed = group(&format!("{who}@shop.test"), "failed", "5.1.1", "550 5.1.1 no such user");
            d.deliver(report(id, &failed, "Message-ID: <c1@x.test>\n"));
        }
        let letters = d.run_on(1).await;
        assert_eq!(d.the_signal().await.message_id, "b2@mx.x.test");
        let tries = d.peeked().iter().filter(|uid| **uid == 1).count();
        assert_eq!(tries, if says_no == 0 { 4 } else { 1 });
        assert_eq!(d.told("is left unread"), 1);
        assert!(letters.iter().any(|l| l.plan.recipient == me() && l.state == LetterState::Seen), "letters are seen");
        assert_eq!(d.troubles_of("a@x.test").await, []);
    }
}

#[tokio::test(start_paused = true)]
async fn addresses_that_are_full_again_and_again_are_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let d = quiet(dir.path());
    for date in 1..=4 {
        let groups = [
            group("full@shop.test", "failed", "5.2.2", "552 5.2.2 mailbox full"),
            // Its server does not like the sender: no word about the address.
            group("fine@shop.test", "failed", "5.7.1", "554 5.7.1 message rejected due to poor reputation"),
        ];
        if date < 4 {
            d.deliver(report(&format!("b{date}"), &groups.concat(), "Message-ID: <c1@x.test>\n"));
        }
        d.run_on(date).await;
        let expected: &[_] = if date < 3 { &[] } else { &[suppression("full@shop.test", SuppressionCause::SoftBounces)] };
        assert_eq!(d.suppressed().await, expected, "on the {date}th");
    }
}
