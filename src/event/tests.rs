//! The table of types against events of every type.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::schema::json_schema;
use super::*;
use crate::classify::Recipient;
use crate::words::{
    Domain, LetterId, LocalDate, MessageId, Moment, Placement, Provider, RefusalClass, SignalKind, SignalScope, SkipReason,
    SuppressionCause, Tidied, Verdict,
};

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn said() -> Said {
    Said { code: Some(550), enhanced: Some("5.1.1".into()), text: Some("5.1.1 no\x1b[31m such\r\nuser".into()) }
}

fn letter(step: Step) -> Happened {
    let letter = LetterId::of_start(&address("anna@new.test"), LocalDate::ymd(2026, 12, 1).unwrap(), 1);
    let parent = matches!(step, Step::Found).then(|| LetterId::of_answer(letter));
    Happened::Letter(LetterNews { letter, recipient: address("eva@old.test"), parent, step })
}

fn signal(kind: SignalKind) -> Happened {
    let recipient = |n: u8| Recipient {
        address: Some(format!("gone{n}@out.test")),
        status: Some("5.1.1".into()),
        reply: Some(550),
        diagnostic: "550 5.1.1 no such user".into(),
        class: RefusalClass::BadAddress,
        hard: true,
    };
    Happened::Signal(SignalNews {
        message_id: "report-1@out.test".into(),
        kind,
        scope: SignalScope::Campaign,
        date: LocalDate::ymd(2026, 12, 1).unwrap(),
        provider: Some(Provider::Gmail),
        letter: None,
        original: MessageId::parse("offer-1@new.test"),
        author: Some("Ben <ben@out.test>\u{202e}".into()),
        feedback: Some("abuse".into()),
        evidence: "a delivery status with 1 failed".into(),
        recipients: vec![recipient(1), recipient(2)],
    })
}

/// One event of each type, in the order of the table.
fn one_of_each() -> Vec<Event> {
    let day = LocalDate::ymd(2026, 12, 1).unwrap();
    let (scope, channel) = ("domain:new.test".to_owned(), "imap".to_owned());
    let since = Moment(1_796_112_000_000);
    let happened = [
        letter(Step::Handed { message_id: "1@new.test".into() }),
        letter(Step::Accepted(Said { code: Some(250), enhanced: None, text: Some("queued".into()) })),
        letter(Step::Deferred(said())),
        letter(Step::Rejected(said())),
        letter(Step::Uncertain(Said { code: Some(0), enhanced: None, text: Some("the line was cut".into()) })),
        letter(Step::Found),
        letter(Step::Seen(Placement::Category)),
        letter(Step::MovedToSpam),
        letter(Step::Rescued),
        letter(Step::Opened),
        letter(Step::Important),
        letter(Step::Flagged),
        letter(Step::Answered { answer: LetterId::of_start(&address("eva@old.test"), day, 1) }),
        letter(Step::Tidied(Tidied::Moved)),
        letter(Step::Missing),
        letter(Step::Bounced(Said::default())),
        letter(Step::Unaccounted),
        letter(Step::Skipped(SkipReason::Late)),
        signal(SignalKind::Bounce),
        signal(SignalKind::Delay),
        signal(SignalKind::Complaint),
        signal(SignalKind::AutoReply),
        signal(SignalKind::Unsubscribe),
        signal(SignalKind::Reply),
        Happened::Suppressed {
            address: address("gone1@out.test"),
            cause: SuppressionCause::HardBounce,
            note: "550 no such user".into(),
            message_id: Some("report-1@out.test".into()),
        },
        Happened::Unsuppressed { address: address("gone1@out.test"), since },
        Happened::Verdict(VerdictNews {
            subject: "mailbox:anna@new.test".into(),
            date: day,
            verdict: Verdict::Hold,
            until: Some("2026-12-16".into()),
            rulings: json!([{ "rule": "placement_hold", "numerator": 6, "denominator": 50 }]),
        }),
        Happened::Ready { domain: Domain::parse("new.test").unwrap(), date: day },
        Happened::Suspended { until: since, class: RefusalClass::Full, letter: None, said: said() },
        Happened::Released { since },
        Happened::Paused { scope: scope.clone(), reason: "holiday".into() },
        Happened::Resumed { scope, since },
        Happened::TroubleBegan {
            channel: channel.clone(),
            step: "signing in".into(),
            what: "NO [AUTHENTICATIONFAILED]".into(),
            hint: "look at its password".into(),
            sign_in: true,
        },
        Happened::TroubleEnded { channel, since },
    ];
    let event = |(n, happened): (i64, Happened)| {
        let no_mailbox = matches!(happened.kind(), EventKind::SendingPaused | EventKind::SendingResumed | EventKind::DomainReady);
        let mailbox = (!no_mailbox).then(|| address("anna@new.test"));
        Event { id: EventId::new(Moment(1_796_112_000_000 + n), 0, &["an event"]), mailbox, happened }
    };
    (0..).zip(happened).map(event).collect()
}

#[test]
fn every_type_has_its_event_and_every_event_has_the_fields_of_its_type() {
    let events = one_of_each();
    assert_eq!(events.iter().map(Event::kind).collect::<Vec<_>>(), EventKind::ALL);
    for event in &events {
        let said: Vec<&str> = event.happened.fields().iter().map(|field| field.0).collect();
        assert_eq!(said, event.kind().fields().map(|field| field.name).collect::<Vec<_>>(), "{}", event.kind());
    }
    let names: BTreeSet<&str> = EventKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(names.len(), EventKind::ALL.len());
    assert!(EventKind::ALL.iter().all(|kind| EventKind::parse(kind.as_str()) == Some(*kind)));
}

#[test]
fn every_value_is_what_the_table_says() {
    for event in one_of_each() {
        let json = json!(event);
        for field in event.kind().fields() {
            let value = &json[field.name];
            if value.is_null() {
                assert!(field.nullable, "{}.{} is null", event.kind(), field.name);
                continue;
            }
            let text = value.as_str().unwrap_or_default();
            let holds = match &field.kind {
                FieldKind::Text | FieldKind::MessageId | FieldKind::Domain => value.is_string(),
                FieldKind::Foreign => value.is_string() && !text.chars().any(char::is_control) && text.chars().count() <= 500,
                FieldKind::Whole => value.is_u64(),
                FieldKind::Flag => value.is_boolean(),
                FieldKind::Time => Moment::parse_rfc3339(text).is_some() && text.len() == 24,
                FieldKind::Date => LocalDate::parse(text).is_some(),
                FieldKind::Address => Address::parse(text).is_ok(),
                FieldKind::Letter => LetterId::parse(text).is_ok(),
                FieldKind::Word(words) => words().contains(&text),
                FieldKind::Recipients => value[0]["class"] == "bad_address",
                FieldKind::Rulings => value.is_array(),
            };
            assert!(holds, "{}.{} is {value}", event.kind(), field.name);
        }
    }
}

#[test]
fn the_schema_has_every_type_with_its_fields() {
    let schema = json_schema();
    let types = schema["oneOf"].as_array().unwrap();
    assert_eq!(types.len(), EventKind::ALL.len());
    for (kind, of_kind) in EventKind::ALL.iter().zip(types) {
        assert_eq!(of_kind["properties"]["type"]["const"], kind.as_str());
        let required: Vec<&str> = of_kind["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!(required, kind.fields().map(|field| field.name).collect::<Vec<_>>());
    }
    let seen = types.iter().find(|t| t["title"] == "letter.seen").unwrap();
    assert_eq!(seen["properties"]["placement"]["enum"], json!(["inbox", "category", "spam", "filed"]));
    assert_eq!(seen["properties"]["parent"]["anyOf"][1], json!({ "type": "null" }));
}

#[test]
fn the_lines_for_people() {
    let lines: Vec<String> = one_of_each().iter().map(Event::line).collect();
    assert!(!lines.concat().chars().any(|c| c.is_control() || c == '\u{202e}'));
    insta::assert_snapshot!(lines.join("\n"), @"
    2026-12-01T08:00:00Z  letter.handed          anna@new.test to eva@old.test: being handed over
    2026-12-01T08:00:00Z  letter.accepted        anna@new.test to eva@old.test: accepted (250 queued)
    2026-12-01T08:00:00Z  letter.deferred        anna@new.test to eva@old.test: put off by the server (550 5.1.1 no [31m such user)
    2026-12-01T08:00:00Z  letter.rejected        anna@new.test to eva@old.test: refused (550 5.1.1 no [31m such user)
    2026-12-01T08:00:00Z  letter.uncertain       anna@new.test to eva@old.test: no final reply, looked for (the line was cut)
    2026-12-01T08:00:00Z  letter.found           anna@new.test to eva@old.test: found in Sent: it had been taken
    2026-12-01T08:00:00Z  letter.seen            anna@new.test to eva@old.test: seen in a tab of the inbox
    2026-12-01T08:00:00Z  letter.moved_to_spam   anna@new.test to eva@old.test: lies in spam now
    2026-12-01T08:00:00Z  letter.rescued         anna@new.test to eva@old.test: back in the inbox from spam
    2026-12-01T08:00:00Z  letter.opened          anna@new.test to eva@old.test: opened
    2026-12-01T08:00:00Z  letter.important       anna@new.test to eva@old.test: marked as important
    2026-12-01T08:00:00Z  letter.flagged         anna@new.test to eva@old.test: flagged
    2026-12-01T08:00:00Z  letter.answered        anna@new.test to eva@old.test: answered
    2026-12-01T08:00:00Z  letter.tidied          anna@new.test to eva@old.test: finished, and moved
    2026-12-01T08:00:00Z  letter.missing         anna@new.test to eva@old.test: not seen within 24 hours
    2026-12-01T08:00:00Z  letter.bounced         anna@new.test to eva@old.test: came back
    2026-12-01T08:00:00Z  letter.unaccounted     anna@new.test to eva@old.test: found nowhere within 72 hours
    2026-12-01T08:00:00Z  letter.skipped         anna@new.test to eva@old.test: not sent: the window ended first
    2026-12-01T08:00:00Z  bounce.received        anna@new.test: mail to gone1@out.test and 1 more came back: bad_address, permanent (550 5.1.1 no such user)
    2026-12-01T08:00:00Z  delay.received         anna@new.test: mail to gone1@out.test and 1 more is late: bad_address, permanent (550 5.1.1 no such user)
    2026-12-01T08:00:00Z  complaint.received     anna@new.test: gone1@out.test and 1 more called mail spam (abuse)
    2026-12-01T08:00:00Z  auto_reply.received    anna@new.test: a machine answers for Ben <ben@out.test>
    2026-12-01T08:00:00Z  unsubscribe.received   anna@new.test: Ben <ben@out.test> wants no more mail
    2026-12-01T08:00:00Z  reply.received         anna@new.test: Ben <ben@out.test> answered
    2026-12-01T08:00:00Z  address.suppressed     gone1@out.test gets no mail again: hard_bounce (550 no such user)
    2026-12-01T08:00:00Z  address.unsuppressed   gone1@out.test may get mail again; it was on the list since 2026-12-01T08:00:00Z
    2026-12-01T08:00:00Z  verdict.given          anna@new.test on 2026-12-01: hold until 2026-12-16 (placement_hold: 6 of 50)
    2026-12-01T08:00:00Z  domain.ready           new.test is warm
    2026-12-01T08:00:00Z  mailbox.suspended      anna@new.test gets no letters until 2026-12-01T08:00:00Z: mailbox_full (550 5.1.1 no [31m such user)
    2026-12-01T08:00:00Z  mailbox.released       anna@new.test may be written to again; it was suspended since 2026-12-01T08:00:00Z
    2026-12-01T08:00:00Z  sending.paused         new.test sends nothing (holiday)
    2026-12-01T08:00:00Z  sending.resumed        new.test may send again; it was paused since 2026-12-01T08:00:00Z
    2026-12-01T08:00:00Z  trouble.began          anna@new.test: imap fails at signing in (NO [AUTHENTICATIONFAILED])
    2026-12-01T08:00:00Z  trouble.ended          anna@new.test: imap works again; it had not since 2026-12-01T08:00:00Z
    ");
}

#[test]
fn the_json_of_one() {
    let events = one_of_each();
    let line = |kind| serde_json::to_string(events.iter().find(|e| e.kind() == kind).unwrap()).unwrap();
    assert_eq!(
        line(EventKind::ReplyReceived),
        r#"{"id":"01a2309e2417-00a8353ca2f0108f","at":"2026-12-01T08:00:00.023Z","type":"reply.received","mailbox":"anna@new.test","message_id":"report-1@out.test","scope":"campaign","letter":null,"original_message_id":"offer-1@new.test","date":"2026-12-01","provider":"gmail","author":"Ben <ben@out.test>","author_address":"ben@out.test","evidence":"a delivery status with 1 failed"}"#
    );
}

#[test]
fn kinds_are_types_or_families() {
    assert_eq!(Kinds::parse("letter.seen").unwrap().0, [EventKind::LetterSeen]);
    assert_eq!(Kinds::parse("address").unwrap().0, [EventKind::AddressSuppressed, EventKind::AddressUnsuppressed]);
    assert_eq!(Kinds::parse("letter.*").unwrap().0.len(), 18);
    assert_eq!(Kinds::parse("letter.sen").unwrap_err(), "there is no such type; did you mean letter.seen?");
    assert!(Kinds::parse("everything that there is").unwrap_err().contains("address, auto_reply, bounce"));
}

#[test]
fn a_filter_leaves_what_concerns_a_mailbox() {
    let events = one_of_each();
    let left = |filter: &EventFilter| events.iter().filter(|e| filter.takes(e)).map(|e| e.kind().as_str()).collect::<Vec<_>>();
    assert_eq!(left(&EventFilter::default()).len(), events.len());
    assert_eq!(left(&EventFilter::default().of_mailboxes([address("anna@new.test")])).len(), events.len());
    // Another mailbox of the domain: what holds for the domain, and the list.
    let ben = EventFilter::default().of_mailboxes([address("ben@new.test")]);
    assert_eq!(left(&ben), ["address.suppressed", "address.unsuppressed", "domain.ready", "sending.paused", "sending.resumed"]);
    // The recipient of the letters.
    let eva = EventFilter::default().of_mailboxes([address("eva@old.test")]).of_kinds(Kinds::parse("letter").unwrap().0);
    assert_eq!(left(&eva).len(), 18);
    assert!(!eva.wants(EventKind::VerdictGiven) && eva.wants(EventKind::LetterSeen));
    let named = |subject: &str| {
        let news =
            VerdictNews { subject: subject.into(), date: LocalDate::EPOCH, verdict: Verdict::Hold, until: None, rulings: Value::Null };
        ben.takes(&Event { id: EventId::before(Moment(1)), mailbox: None, happened: Happened::Verdict(news) })
    };
    assert!(named("domain:new.test") && named("route:new.test/gmail") && !named("domain:other.test") && !named("route:other.test/gmail"));
}
