//! One message of each kind, as programs and people write them.

use crate::classify::{Incoming, Kind, read_message};
use crate::words::{MessageId, RefusalClass};

fn read(text: &str) -> Incoming {
    read_message(text.as_bytes())
}

/// Kind and, for the first recipient: address, class, hard.
fn brief(text: &str) -> (Kind, Option<String>, RefusalClass, bool) {
    let incoming = read(text);
    let first = incoming.recipients.first();
    (incoming.kind, first.and_then(|r| r.address.clone()), first.map_or(RefusalClass::Other, |r| r.class), first.is_some_and(|r| r.hard))
}

fn dsn(action: &str, status: &str, diagnostic: &str) -> String {
    format!(
        "Return-Path: <>\nFrom: MAILER-DAEMON@y.test\nTo: me@x.test\nSubject: Delivery status\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=r\n\n--r\n\nA report.\n--r\nContent-Type: message/delivery-status\n\n\
         Reporting-MTA: dns; y.test\nX-Original-Message-ID: <seen@x.test>\n\nFinal-Recipient: rfc822; p@y.test\nAction: {action}\nStatus: {status}\n\
         Diagnostic-Code: smtp; {diagnostic}\n--r\nContent-Type: text/rfc822-headers\n\nMessage-ID: <sent@x.test>\nSubject: x\n--r--\n"
    )
}

#[test]
fn a_delivery_status_is_what_its_actions_are() {
    let address = Some("p@y.test".to_owned());
    assert_eq!(brief(&dsn("failed", "5.1.1", "550 5.1.1 no such user")), (Kind::Bounce, address.clone(), RefusalClass::BadAddress, true));
    assert_eq!(brief(&dsn("failed", "5.2.2", "552 5.2.2 full")), (Kind::Bounce, address.clone(), RefusalClass::Full, false));
    // Late, and nothing else: a rate that passes, whatever the recipient is called.
    assert_eq!(brief(&dsn("delayed", "4.7.28", "421-4.7.28 unusual rate")), (Kind::Delay, address.clone(), RefusalClass::Rate, false));
    assert_eq!(brief(&dsn("delayed", "4.1.1", "450 4.1.1 user unknown")), (Kind::Delay, address.clone(), RefusalClass::BadAddress, false));
    for action in ["delivered", "relayed", "expanded"] {
        assert_eq!(brief(&dsn(action, "2.0.0", "250 2.0.0 ok")), (Kind::Delivered, address.clone(), RefusalClass::Other, false));
    }
}

#[test]
fn a_report_names_the_message_by_every_id_that_it_has() {
    let ids = read(&dsn("failed", "5.1.1", "550 no")).original.message_ids;
    assert_eq!(ids.iter().map(MessageId::as_str).collect::<Vec<_>>(), ["sent@x.test", "seen@x.test"]);
}

#[test]
fn recipients_who_got_it_are_not_told_among_those_who_did_not() {
    let text = dsn("failed", "5.1.1", "550 no such user").replace(
        "\n--r\nContent-Type: text/rfc822",
        "\n\nFinal-Recipient: rfc822; q@y.test\nAction: relayed\nStatus: 2.0.0\n--r\nContent-Type: text/rfc822",
    );
    let incoming = read(&text);
    assert_eq!((incoming.kind, incoming.recipients.len()), (Kind::Bounce, 1));
}

#[test]
fn reports_in_a_programs_own_words_are_understood() {
    let told = [
        // A program in the manner of qmail.
        "Return-Path: <>\nFrom: MAILER-DAEMON@y.test\nTo: me@x.test\nSubject: failure notice\n\nHi. This is the program at y.test.\n\n<p@y.test>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <me@x.test>\nMessage-ID: <1@x.test>\nTo: p@y.test\n",
        // In the manner of Exim.
        "X-Failed-Recipients: p@y.test\nAuto-Submitted: auto-replied\nFrom: Mail Delivery System <Mailer-Daemon@x.test>\nTo: me@x.test\nSubject: Mail delivery failed: returning message to sender\n\nThis message was created automatically by mail delivery software.\n\n  p@y.test\n    host mx.y.test [192.0.2.1]\n    SMTP error from remote mail server after RCPT TO:<p@y.test>:\n    550 unknown user\n\n------ This is a copy of the message, including all the headers. ------\n\nReturn-path: <me@x.test>\nMessage-ID: <1@x.test>\n",
        // In the manner of old sendmail.
        "From: Mail Delivery Subsystem <MAILER-DAEMON@y.test>\nTo: me@x.test\nSubject: Returned mail: User unknown\n\nThe original message was received at Mon, 2 Nov 2026\nfrom x.test [192.0.2.1]\n\n   ----- The following addresses had permanent fatal errors -----\n<p@y.test>\n\n   ----- Transcript of session follows -----\n... while talking to mx.y.test.:\n>>> RCPT To:<p@y.test>\n<<< 550 5.1.1 <p@y.test>... User unknown\n\n   ----- Original message follows -----\n\nReturn-Path: <me@x.test>\nMessage-ID: <1@x.test>\nSubject: x\n",
        // In the manner of Domino.
        "From: Postmaster@y.test\nTo: me@x.test\nSubject: DELIVERY FAILURE: User p (p@y.test) not listed in\n\nYour message\n\n  Subject: x\n\nwas not delivered to:\n\n  p@y.test\n\nbecause:\n\n  User p (p@y.test) not listed in Domino Directory\n\nMessage-ID: <1@x.test>\nFrom: me@x.test\nTo: p@y.test\nSubject: x\n",
        // In the manner of an old Exchange.
        "From: System Administrator <postmaster@y.test>\nTo: me@x.test\nSubject: Undeliverable: x\nIn-Reply-To: <1@x.test>\n\nYour message\n\n  To:      p@y.test\n  Subject: x\n  Sent:    Mon, 2 Nov 2026\n\ndid not reach the following recipient(s):\n\np@y.test on Mon, 2 Nov 2026 09:00:00 +0000\n    The recipient name is not recognized\n",
    ];
    for text in told {
        let seen = brief(text);
        assert_eq!(seen, (Kind::Bounce, Some("p@y.test".into()), RefusalClass::BadAddress, true), "{text}\n{}", read(text).evidence);
        assert_eq!(read(text).original.message_ids.first().map(MessageId::as_str), Some("1@x.test"), "{text}");
    }
}

#[test]
fn what_is_said_after_the_message_was_taken_is_not_final() {
    let (kind, _, class, hard) = brief(&dsn("failed", "5.0.0", "550 user unknown (in reply to end of DATA command)"));
    assert_eq!((kind, class, hard), (Kind::Bounce, RefusalClass::Policy, false));
    let (_, _, class, hard) = brief(&dsn("failed", "5.1.1", "550 5.1.1 user unknown (in reply to end of DATA command)"));
    assert_eq!((class, hard), (RefusalClass::BadAddress, true));
}

#[test]
fn complaints_are_known_with_and_without_a_recipient() {
    let arf = |fields: &str, to: &str| {
        format!(
            "From: fbl@y.test\nTo: abuse@x.test\nSubject: FW: x\nContent-Type: multipart/report; report-type=feedback-report; boundary=r\n\n\
             --r\n\nThis is an email abuse report.\n--r\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nUser-Agent: fbl/1\nVersion: 1\n{fields}\n\
             --r\nContent-Type: message/rfc822\n\nMessage-ID: <1@x.test>\nX-Preheat: k1.0123456789abcdef01234567.00ff\nTo: {to}\n\nx\n--r--\n"
        )
    };
    let named = read(&arf("Original-Rcpt-To: <P@y.test>\nOriginal-Rcpt-To: q@y.test\n", "r@y.test"));
    assert_eq!(named.recipients.iter().map(|r| r.address.as_deref().unwrap()).collect::<Vec<_>>(), ["p@y.test", "q@y.test"]);
    assert_eq!((named.kind, named.feedback_type.as_deref()), (Kind::Complaint, Some("abuse")));
    assert_eq!(named.original.mark.as_deref(), Some("k1.0123456789abcdef01234567.00ff"));
    assert_eq!(brief(&arf("", "r@y.test")).1.as_deref(), Some("r@y.test"));
    let unnamed = read(&arf("", "undisclosed-recipients:;"));
    assert_eq!((unnamed.kind, unnamed.recipients.len(), unnamed.recipients[0].address.as_deref()), (Kind::Complaint, 1, None));
    let jmrp = "From: staff@hotmail.com\nTo: abuse@x.test\nSubject: complaint about message from 192.0.2.1\nContent-Type: multipart/mixed; boundary=r\n\n\
        --r\nContent-Type: message/rfc822\n\nX-HmXmrOriginalRecipient: p@y.test\nMessage-ID: <1@x.test>\nTo: hidden\n\nx\n--r--\n";
    assert_eq!(brief(jmrp), (Kind::Complaint, Some("p@y.test".into()), RefusalClass::Complaint, false));
    let ses = "From: no-reply@sns.amazonaws.com\nSubject: AWS Notification Message\n\n{\"notificationType\":\"Complaint\",\"complaint\":{\"complainedRecipients\":[{\"emailAddress\":\"p@y.test\"}],\"complaintFeedbackType\":\"abuse\"},\n\"mail\":{\"messageId\":\"1\"}}\n\n--\nIf you wish to stop";
    assert_eq!(brief(ses), (Kind::Complaint, Some("p@y.test".into()), RefusalClass::Complaint, false));
}

#[test]
fn machines_that_answer_are_known_in_many_languages() {
    let answer = |headers: &str, subject: &str| {
        format!("From: Anna <anna@y.test>\nTo: me@x.test\nSubject: {subject}\n{headers}\n\nI am not here.\n")
    };
    for headers in [
        "Auto-Submitted: auto-replied",
        "Auto-Submitted: auto-replied (vacation)\nIn-Reply-To: <1@x.test>",
        "Precedence: auto_reply",
        "X-Precedence: auto_reply",
        "X-Autoreply: yes",
        "X-Autorespond: vacation",
        "X-Mail-Autoreply: 1",
    ] {
        assert_eq!(
            brief(&answer(headers, "hello")),
            (Kind::AutoReply, Some("anna@y.test".into()), RefusalClass::AutoReply, false),
            "{headers}"
        );
    }
    for subject in [
        "Automatic reply: hello",
        "Out of Office: hello",
        "Re: hello (out of the office)",
        "Automatische Antwort: hello",
        "Abwesenheitsnotiz: hello",
        "Réponse automatique : hello",
        "Respuesta automática: hello",
        "Risposta automatica: hello",
        "Resposta automática: hello",
        "Automatisch antwoord: hello",
        "Автоответ: hello",
        "自動返信: hello",
        "不在のお知らせ",
        "自动回复: hello",
        "부재중: hello",
        "=?utf-8?B?5LiN5Zyo6YCa55+l?=",
    ] {
        assert_eq!(brief(&answer("In-Reply-To: <1@x.test>", subject)).0, Kind::AutoReply, "{subject}");
    }
    for (headers, subject) in [
        ("Auto-Submitted: no\nIn-Reply-To: <1@x.test>", "Re: hello"),
        ("X-Auto-Response-Suppress: All\nIn-Reply-To: <1@x.test>", "Re: hello"),
    ] {
        assert_eq!(brief(&answer(headers, subject)).0, Kind::Reply, "{headers}");
    }
    // An answer to an answer of a machine is a machine's again; nothing answers it.
    assert_eq!(brief(&answer("Auto-Submitted: auto-replied", "Automatic reply: Automatic reply: hello")).0, Kind::AutoReply);
}

#[test]
fn who_wants_no_more_mail_is_heard() {
    let mail = |to: &str, subject: &str, headers: &str, text: &str| {
        format!("From: P <p@y.test>\nTo: {to}\nSubject: {subject}\n{headers}\n\n{text}\n")
    };
    for (subject, headers, text) in [
        ("unsubscribe", "X-Mailer: x", ""),
        ("Unsubscribe abc123", "X-Mailer: x", "This message was generated by a mail program."),
        ("x", "X-Apple-Unsubscribe: true\nAuto-Submitted: auto-replied", "Apple Mail sent this email."),
        ("Re: offer", "In-Reply-To: <1@x.test>", "Please remove me from your list.\n\nOn Monday, X <me@x.test> wrote:\n> offer"),
        ("Re: offer", "In-Reply-To: <1@x.test>", "UNSUBSCRIBE"),
        ("AW: Angebot", "In-Reply-To: <1@x.test>", "Guten Tag,\nbitte keine weiteren E-Mails an diese Adresse.\nDanke"),
        ("AW: Angebot", "In-Reply-To: <1@x.test>", "Bitte nehmen Sie mich aus dem Verteiler."),
        ("Re: offre", "In-Reply-To: <1@x.test>", "Merci de me désinscrire."),
        ("Re: oferta", "In-Reply-To: <1@x.test>", "Quiero darme de baja, gracias."),
        ("Re: offerta", "In-Reply-To: <1@x.test>", "Cancellatemi dalla lista"),
        ("Re: oferta", "In-Reply-To: <1@x.test>", "Não quero mais receber estes e-mails"),
        ("Re: предложение", "In-Reply-To: <1@x.test>", "Отпишите меня, пожалуйста"),
        ("Re: ご案内", "In-Reply-To: <1@x.test>", "配信停止をお願いします。"),
        ("abmelden", "X-Mailer: x", ""),
    ] {
        let seen = brief(&mail("me@x.test", subject, headers, text));
        assert_eq!((seen.0, seen.1.as_deref()), (Kind::Unsubscribe, Some("p@y.test")), "{subject}: {text}");
    }
    for (subject, headers, text) in [
        ("Re: offer", "In-Reply-To: <1@x.test>", "Yes, send it.\n\nOn Monday, X <me@x.test> wrote:\n> To unsubscribe, click here."),
        ("News", "List-Unsubscribe: <mailto:x@y.test>", "unsubscribe"),
        (
            "How people unsubscribe",
            "",
            "A long letter on how people unsubscribe, and why they do. It goes on and on, about lists and their manners, about footers and headers, about one click and two, and about everything that a reader would want to know of it.",
        ),
        ("Re: sofa", "In-Reply-To: <1@x.test>", "Please remove the old sofa."),
    ] {
        assert_ne!(brief(&mail("me@x.test", subject, headers, text)).0, Kind::Unsubscribe, "{subject}: {text}");
    }
}

#[test]
fn letters_of_ours_and_answers_of_people_are_known() {
    let letter =
        "From: a@x.test\nTo: b@y.test\nX-Preheat: k1.0123456789abcdef\n 01234567.00\nMessage-ID: <1@x.test>\nSubject: x\n\nhello\n";
    let incoming = read(letter);
    assert_eq!((incoming.kind, incoming.original.letter.unwrap().to_string()), (Kind::Letter, "0123456789abcdef01234567".into()));
    assert_eq!(read(&letter.replace("k1.", "")).kind, Kind::Other);
    let reply = read("From: b@y.test\nIn-Reply-To: <2@x.test>\nReferences: <1@x.test> <2@x.test>\nSubject: Re: x\n\nyes\n");
    assert_eq!(reply.kind, Kind::Reply);
    assert_eq!(reply.original.message_ids.iter().map(MessageId::as_str).collect::<Vec<_>>(), ["2@x.test", "1@x.test"]);
    assert_eq!(read("").kind, Kind::Other);
}
