//! The stream against what the tables hold, page by page.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rusqlite::params;

use super::super::letters::{Said, apply};
use super::super::rows::{all, execute};
use super::super::stray::note_if_stray;
use super::*;
use crate::event::{Event, Kinds};
use crate::letter::LetterEvent;
use crate::words::{Address, LetterId, LocalDate, MessageId, Placement, Role};

/// Noon of 2026-12-01.
const NOON: i64 = 1_796_126_400_000;

async fn pool() -> Ledger {
    let l = Ledger::in_memory().unwrap();
    let mailbox = |text| crate::ledger::PoolMember {
        address: Address::parse(text).unwrap(),
        role: Role::Warming,
        provider: crate::words::Provider::Generic,
    };
    l.register_pool(vec![mailbox("a@x.test"), mailbox("b@y.test")], Moment(NOON)).await.unwrap();
    l
}

/// The `n`th letter from a@x.test to b@y.test of a date that is `days` after 2026-12-01.
fn plan(c: &Connection, days: i64, n: u32) -> LetterId {
    let date = LocalDate::ymd(2026, 12, 1).unwrap();
    let date = if days < 0 { date.minus(days.unsigned_abs() as u32) } else { date.plus(days as u32) };
    let id = LetterId::of_start(&Address::parse("a@x.test").unwrap(), date, n);
    let sql = "INSERT INTO letter (id, sender, recipient, date, in_thread, expected, draw_open, draw_answer, draw_important, draw_flag,
               rescue_after, open_after, answer_after, content, state)
               VALUES (?1, 'a@x.test', 'b@y.test', ?2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 'planned')";
    execute(c, sql, params![id.to_string(), date.to_string()]).unwrap();
    id
}

/// A year of letters, each handed over on its date and seen so many days later; some of them are opened `late` days after that.
fn live(c: &Connection, lives: &[(i64, i64, i64)]) {
    for (n, (date, seen, opened)) in (0..).zip(lives) {
        let id = plan(c, *date, n);
        let at = |days: i64| Moment(NOON + (date + days) * DAY);
        apply(c, id, LetterEvent::HandedOver, at(0), Said::As(&MessageId::parse("1@x.test").unwrap())).unwrap();
        apply(c, id, LetterEvent::Seen, at(*seen), Said::There(Placement::Inbox, None)).unwrap();
        let sql = "INSERT INTO action (mailbox, letter, kind, due, done_at, result) VALUES ('b@y.test', ?1, 'open', 0, ?2, 'done')";
        execute(c, sql, params![id.to_string(), ms(at(seen + opened))]).unwrap();
        note_if_stray(c, id, at(seen + opened)).unwrap();
    }
}

/// The whole stream after a place, in pages of `most`.
fn stream(c: &Connection, after: EventId, filter: &EventFilter, now: i64, most: usize) -> Vec<Event> {
    let (mut place, mut out, mut pages) = (Some(after), Vec::new(), 0);
    while let Some(after) = place {
        let page = page(c, after, filter, now, most).unwrap();
        assert!(page.events.len() <= most, "{} events on a page of {most}", page.events.len());
        assert!(page.next.is_none_or(|next| next > after), "a page goes on behind where it began");
        out.extend(page.events);
        place = page.next;
        pages += 1;
        assert!(pages < 10_000, "it has an end");
    }
    assert!(out.is_sorted_by(|a, b| a.id < b.id), "in order, and each once");
    out
}

fn begin() -> EventId {
    EventId::before(Moment(0))
}

/// Runs a test on the ledger's connection.
async fn on<T: Send + 'static>(l: &Ledger, test: impl FnOnce(&Connection) -> T + Send + 'static) -> T {
    l.store.run(move |c| Ok(test(c))).await.unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn everything_is_told_once_in_order_however_far_from_its_letters_date_and_however_small_the_pages(
        lives in prop::collection::vec((-200_i64..200, prop_oneof![4 => 0_i64..12, 1 => 0_i64..150], -4_i64..14), 1..40),
        most in 1_usize..6,
        from in -250_i64..250,
        now in -300_i64..400,
    ) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async move {
            let l = pool().await;
            on(&l, move |c| {
                live(c, &lives);
                let times: Vec<i64> = all(c, "SELECT at FROM step UNION ALL SELECT done_at FROM action", [], |r| Ok(r.get(0)?)).unwrap();
                let now = NOON + now * DAY;
                let told = stream(c, begin(), &EventFilter::default(), now, most);
                let mut at: Vec<i64> = told.iter().map(|e| ms(e.id.at())).collect();
                let mut expected = times.clone();
                expected.sort_unstable();
                assert_eq!(at, expected);
                assert_eq!(told, stream(c, begin(), &EventFilter::default(), NOON, 1_000), "the same ids on other pages, at another time");

                let from = NOON + from * DAY;
                at.retain(|at| *at >= from);
                let since = stream(c, EventId::before(Moment(from)), &EventFilter::default(), now, most);
                assert_eq!(since.iter().map(|e| ms(e.id.at())).collect::<Vec<_>>(), at);
                // From any event on, exactly what comes after it.
                for n in (0..told.len()).step_by(7) {
                    assert_eq!(stream(c, told[n].id, &EventFilter::default(), now, most), told[n + 1..]);
                }
            })
            .await;
        });
    }
}

#[tokio::test]
async fn a_millisecond_may_hold_more_than_a_page() {
    let l = pool().await;
    on(&l, |c| {
        for n in 0..50 {
            let sql = "INSERT INTO suppression (address, since, cause, note) VALUES (?1, ?2, 'import', '')";
            execute(c, sql, params![format!("{n}@out.test"), NOON]).unwrap();
        }
        let told = stream(c, begin(), &EventFilter::default(), NOON, 7);
        assert_eq!(told.len(), 50);
        let names: BTreeSet<String> = told.iter().map(|e| format!("{:?}", e.happened)).collect();
        assert_eq!(names.len(), 50);
        // In the middle of it: exactly the rest.
        assert_eq!(stream(c, told[24].id, &EventFilter::default(), NOON, 7), told[25..]);
    })
    .await;
}

#[tokio::test]
async fn a_day_of_an_old_ledger_looks_at_two_weeks_of_letters() {
    let l = pool().await;
    on(&l, |c| {
        // On that day, but of a letter of last year, and not written down as a stray: whoever looked at all steps would find it.
        let id = plan(c, -300, 1);
        execute(c, "INSERT INTO step (letter, n, at, event) VALUES (?1, 1, ?2, 'accepted')", params![id.to_string(), NOON]).unwrap();
        assert_eq!(stream(c, EventId::before(Moment(NOON)), &EventFilter::default(), NOON, 9), []);
        note_if_stray(c, id, Moment(NOON)).unwrap();
        assert_eq!(stream(c, EventId::before(Moment(NOON)), &EventFilter::default(), NOON, 9).len(), 1);
    })
    .await;
    let (first, end) = super::super::stray::ids_around(NOON, NOON + 1);
    let day = |id: &str| i64::from_str_radix(id, 16).unwrap();
    assert_eq!(day(&end) - day(&first), 14);
}

#[tokio::test]
async fn the_past_is_passed_over_in_a_few_pages() {
    let l = pool().await;
    on(&l, |c| {
        live(c, &[(0, 1, 1), (300, 1, 1)]);
        let (mut place, mut pages) = (Some(begin()), 0);
        while let Some(after) = place {
            place = page(c, after, &EventFilter::default(), NOON + 310 * DAY, PAGE).unwrap().next;
            pages += 1;
        }
        assert!(pages < 50, "{pages} pages for six events in 56 years");
    })
    .await;
}

#[tokio::test]
async fn a_letter_that_goes_into_spam_and_out_of_it_again_tells_all_of_it() {
    let l = pool().await;
    on(&l, |c| {
        let id = plan(c, 0, 1);
        apply(c, id, LetterEvent::HandedOver, Moment(NOON), Said::Nothing).unwrap();
        apply(c, id, LetterEvent::Seen, Moment(NOON + 1), Said::There(Placement::Inbox, None)).unwrap();
        // As it was judged later; the step keeps where it was seen first.
        execute(c, "UPDATE letter SET placement = 'spam'", []).unwrap();
        for (at, event) in [(2, "moved_to_spam"), (3, "rescued"), (4, "moved_to_spam"), (5, "rescued")] {
            execute(c, "INSERT INTO moved (at, letter, event) VALUES (?1, ?2, ?3)", params![NOON + at, id.to_string(), event]).unwrap();
        }
        let told: Vec<String> = stream(c, begin(), &EventFilter::default(), NOON, 2).iter().map(Event::line).collect();
        let ends =
            ["being handed over", "seen in the inbox", "lies in spam now", "back in the inbox", "lies in spam now", "back in the inbox"];
        assert_eq!(told.len(), ends.len());
        assert!(told.iter().zip(ends).all(|(line, end)| line.contains(end)), "{told:?}");
    })
    .await;
}

#[tokio::test]
async fn in_one_millisecond_causes_come_before_effects() {
    let l = pool().await;
    on(&l, |c| {
        let id = plan(c, 0, 1);
        for event in [LetterEvent::Deferred, LetterEvent::Deferred, LetterEvent::HandedOver, LetterEvent::Accepted, LetterEvent::Bounced] {
            apply(c, id, event, Moment(NOON), Said::Nothing).unwrap();
        }
        for sql in [
            "INSERT INTO signal (mailbox, message_id, kind, scope, at, date, evidence) VALUES ('a@x.test', '1', 'bounce', 'warmup', ?1, '2026-12-01', '')",
            "INSERT INTO suppression (address, since, cause, note) VALUES ('o@out.test', ?1, 'hard_bounce', '')",
            "INSERT INTO pause (scope, since, reason, lifted_at) VALUES ('all', ?1 - 9, '', ?1)",
            "INSERT INTO pause (scope, since, reason, lifted_at) VALUES ('all', ?1, '', ?1)",
        ] {
            execute(c, sql, [NOON]).unwrap();
        }
        let told: Vec<&str> = stream(c, begin(), &EventFilter::default(), NOON, 3).iter().map(|e| e.kind().as_str()).collect();
        let before_and_in = ["sending.paused", "sending.resumed", "bounce.received"];
        let steps = ["letter.deferred", "letter.deferred", "letter.handed", "letter.accepted", "letter.bounced"];
        assert_eq!(told[..8], [&before_and_in[..], &steps].concat());
        // What begins in it follows in any order, its end last.
        let mut begun = told[8..10].to_vec();
        begun.sort_unstable();
        assert_eq!((begun, &told[10..]), (vec!["address.suppressed", "sending.paused"], &["sending.resumed"][..]));
    })
    .await;
}

#[tokio::test]
async fn a_suspension_is_over_when_its_time_is() {
    let l = pool().await;
    on(&l, |c| {
        let sql = "INSERT INTO suspension (mailbox, since, until, class, text) VALUES ('b@y.test', ?1, ?2, 'full', 'no room')";
        execute(c, sql, params![NOON, NOON + 10]).unwrap();
        let kinds = |now| stream(c, begin(), &EventFilter::default(), now, 9).iter().map(|e| e.kind().as_str()).collect::<Vec<_>>();
        assert_eq!(kinds(NOON + 9), ["mailbox.suspended"]);
        assert_eq!(kinds(NOON + 10), ["mailbox.suspended", "mailbox.released"]);
    })
    .await;
}

#[tokio::test]
async fn reports_that_name_hundreds_end_a_page_before_it_is_too_large() {
    let l = pool().await;
    on(&l, |c| {
        for n in 0..6 {
            let sql = "INSERT INTO signal (mailbox, message_id, kind, scope, at, date, evidence)
                       VALUES ('a@x.test', ?1, 'bounce', 'campaign', ?2, '2026-12-01', '')";
            execute(c, sql, params![n.to_string(), NOON + n]).unwrap();
            for r in 0..n * 4 {
                let sql = "INSERT INTO signal_recipient (mailbox, message_id, n, class, hard, diagnostic) VALUES ('a@x.test', ?1, ?2, 'other', 0, '')";
                execute(c, sql, params![n.to_string(), r + 1]).unwrap();
            }
        }
        let told = stream(c, begin(), &EventFilter::default(), NOON, 10);
        let named = |e: &Event| matches!(&e.happened, Happened::Signal(news) if news.recipients.len() as i64 == (ms(e.id.at()) - NOON) * 4);
        assert!(told.len() == 6 && told.iter().all(named), "{told:?}");
        // 0 + 4 recipients, and 8 more would be too many.
        assert_eq!(page(c, EventId::before(Moment(NOON)), &EventFilter::default(), NOON, 10).unwrap().events.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn only_what_is_wanted_is_told_and_it_is_the_same() {
    let l = pool().await;
    on(&l, |c| {
        live(c, &[(0, 1, 1), (1, 30, 2), (2, 3, 3), (90, 1, 1)]);
        let all = stream(c, begin(), &EventFilter::default(), NOON, 100);
        for kind in ["letter.seen", "letter.opened", "letter", "reply"] {
            let kinds = Kinds::parse(kind).unwrap().0;
            let expected: Vec<Event> = all.iter().filter(|e| kinds.contains(&e.kind())).cloned().collect();
            assert_eq!(stream(c, begin(), &EventFilter::default().of_kinds(kinds), NOON, 2), expected, "{kind}");
        }
        let nobody = EventFilter::default().of_mailboxes([Address::parse("c@z.test").unwrap()]);
        assert_eq!(stream(c, begin(), &nobody, NOON, 2), []);
    })
    .await;
}

#[test]
fn what_an_older_ledger_holds_is_told_too() {
    let mut c = Connection::open_in_memory().unwrap();
    super::super::MIGRATIONS.to_version(&mut c, 4).unwrap();
    for mailbox in ["a@x.test", "b@y.test"] {
        execute(&c, "INSERT INTO mailbox (address, domain, role, added_at) VALUES (?1, 'x.test', 'warming', 0)", [mailbox]).unwrap();
    }
    let id = plan(&c, 0, 1).to_string();
    execute(&c, "UPDATE letter SET placement = 'spam', rescued_at = ?1", [NOON + 20 * DAY]).unwrap();
    for (n, days, event) in [(1, 0, "handed"), (2, 11, "seen")] {
        execute(&c, "INSERT INTO step (letter, n, at, event) VALUES (?1, ?2, ?3, ?4)", params![id, n, NOON + days * DAY, event]).unwrap();
    }
    for sql in [
        "INSERT INTO action (mailbox, letter, kind, due, done_at, result) VALUES ('b@y.test', ?1, 'open', 0, ?2 + 30 * 86400000, 'done')",
        "INSERT INTO pause (scope, since, reason) VALUES ('all', ?2, ?1)",
        "INSERT INTO trouble (mailbox, channel, since, at, count, step, what, hint, sign_in, retry_at)
         VALUES ('a@x.test', 'imap', ?2 + 1, ?2 + 9, 3, 'signing in', ?1, 'look', 1, 0)",
    ] {
        execute(&c, sql, params![id, NOON]).unwrap();
    }
    super::super::MIGRATIONS.to_latest(&mut c).unwrap();
    let told = stream(&c, begin(), &EventFilter::default(), NOON, 100);
    let days: Vec<(&str, i64)> = told.iter().map(|e| (e.kind().as_str(), (ms(e.id.at()) - NOON) / DAY)).collect();
    assert_eq!(
        days,
        [
            ("letter.handed", 0),
            ("sending.paused", 0),
            ("trouble.began", 0),
            ("letter.seen", 11),
            ("letter.rescued", 20),
            ("letter.opened", 30)
        ]
    );
    assert!(told[3].line().ends_with("seen in spam"), "as the letter says");
}
