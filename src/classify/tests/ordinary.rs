//! Ordinary mail: what people and shops write, much of it with the words that reports have. None of it is a bounce or a complaint.

use crate::classify::{Kind, read_message};

/// Who writes: name, address, further headers.
const SENDERS: [(&str, &str, &str); 8] = [
    ("Anna Lee", "anna@y.test", "User-Agent: Mail 1.0\n"),
    ("Ben", "ben.b@z.example", "X-Mailer: Notes of a friend\n"),
    ("Shop", "noreply@shop.example", "Auto-Submitted: auto-generated\nPrecedence: bulk\n"),
    ("News", "news@letters.example", "List-Unsubscribe: <mailto:leave@letters.example>\nPrecedence: bulk\n"),
    ("Support", "support@help.example", "X-Ticket: 5501\nAuto-Submitted: no\n"),
    ("The list", "list-admin@lists.example", "List-Id: <talk.lists.example>\nPrecedence: list\n"),
    ("Kunde", "kunde@firma.example", "In-Reply-To: <m1@x.test>\nReferences: <m1@x.test>\n"),
    ("Postmaster Paul", "paul@mail.example", ""),
];

/// What they write: subject and text.
const WRITTEN: &[(&str, &str)] = &[
    // Newsletters, shops, receipts.
    (
        "Undelivered: 7 stories that never reached you",
        "This week: the letters that were never delivered.\nRead more at https://letters.example/550\nTo unsubscribe, click here.",
    ),
    (
        "Undeliverable joy: our autumn catalogue",
        "Our new catalogue is here. 550 new lamps, 5.1.1 metres of silk. Write to us at hello@shop.example.",
    ),
    (
        "Delivery failed: your parcel could not be delivered",
        "Dear customer, your parcel could not be delivered because nobody was at home.\nAddress: 450 Long Street\nWe will try again tomorrow. Questions: help@shop.example",
    ),
    ("Delivery status notification for order 5512", "Your order was delivered to: anna@y.test\nThank you for shopping with us."),
    (
        "Your order 550-511-1 has been shipped",
        "Order: 550-511-1\nTotal: 45.50\nYour receipt is attached. Returned goods go back to sender.",
    ),
    ("Receipt 2026-5512", "Thank you. You paid 52.20 for 1 lamp.\n\nFrom: Shop\nTo: Anna\nDate: today"),
    ("Rechnung Nr. 550", "Sehr geehrte Damen und Herren, anbei die Rechnung über 550 Euro. Zustellung folgt."),
    ("Paket nicht zugestellt", "Ihre Sendung konnte nicht zugestellt werden. Bitte holen Sie sie in der Filiale ab. Postleitzahl 45011."),
    ("Votre colis n'a pas pu être livré", "Bonjour, votre colis n'a pas pu être livré. Nous essayerons de nouveau demain."),
    ("No se pudo entregar su paquete", "Estimado cliente, no se pudo entregar su paquete. Llámenos al 550 123."),
    ("ご注文の配送について", "お客様の荷物を届けることができませんでした。再配達をお申し込みください。"),
    (
        "Reset your password",
        "Somebody asked for a new password for anna@y.test. If it was you, use this link: https://shop.example/reset?code=550511",
    ),
    ("Passwort zurücksetzen", "Hallo, klicken Sie auf den Link, um Ihr Passwort zurückzusetzen. Der Link gilt 24 Stunden."),
    (
        "Sign-in from a new device",
        "A sign-in to your account from 192.0.2.1 was seen. Code: 450411. If it was not you, your account has been locked.",
    ),
    (
        "Your mailbox is almost full",
        "Dear anna@y.test,\nyour mailbox is almost full: 4.9 of 5 GB. When your mailbox is full, you cannot receive mail.\nDelete old mail.",
    ),
    ("Your trial has expired", "Your trial account has expired. Renew it to go on sending mail to 5.000 recipients."),
    ("Invoice overdue: account suspended", "Your account has been suspended because invoice 554 was not paid."),
    // People.
    ("Lunch on Friday?", "Hi,\n\nshall we meet at 12? Call me if not.\n\nAnna"),
    ("Re: Lunch on Friday?", "Yes, gladly.\n\nOn Monday, Anna <anna@y.test> wrote:\n> shall we meet at 12?\n> Anna"),
    (
        "Mail problem",
        "Hello, I cannot write to ben@z.example. The server says: 550 5.1.1 <ben@z.example>: Recipient address rejected: User unknown. Do you know why?",
    ),
    (
        "Re: Undelivered Mail Returned to Sender",
        "Thanks for sending it on. The mailbox was full, it is emptied now.\n\n> This is the mail system at host mx.y.test.\n>\n> <ben@z.example>: host mx.z.example said: 552 5.2.2 Mailbox full\n> (in reply to RCPT TO command)",
    ),
    (
        "Fwd: Undelivered Mail Returned to Sender",
        "What is this?\n\n---------- Forwarded message ---------\nFrom: Mail Delivery System <MAILER-DAEMON@y.test>\nDate: Mon\nSubject: Undelivered Mail Returned to Sender\nTo: <anna@y.test>\n\nThis is the mail system at host mx.y.test.\n\n<ben@z.example>: host mx.z.example said: 550 5.1.1 User unknown\n",
    ),
    (
        "WG: Unzustellbar: Angebot",
        "Kannst du dir das ansehen?\n\nVon: Mail Delivery System\nAn: anna@y.test\nBetreff: Unzustellbar: Angebot\n\nFehler bei der Nachrichtenzustellung an folgende Empfänger: ben@z.example\n550 5.1.1 RESOLVER.ADR.RecipNotFound; not found",
    ),
    ("TR: Échec de la remise", "Tu peux regarder ?\n\nLa remise à ces destinataires a échoué : ben@z.example\n550 5.1.1 inconnu"),
    ("RV: No se puede entregar", "¿Qué hago con esto?\n\nNo se pudo entregar a ben@z.example: 550 usuario desconocido"),
    (
        "Bounce rates last week",
        "Team,\nour bounce rate was 2 %: 31 user unknown, 12 mailbox full, 4 blocked using a blocklist. Complaints: 2.\nDetails: 550 5.1.1 in 80 % of the cases.",
    ),
    (
        "Notes on mail delivery",
        "In SMTP, 550 means permanent failure. A bounce has the words 'could not be delivered to one or more recipients' and a copy of the message.\nSee RFC 3464.",
    ),
    (
        "Abuse report from the neighbours",
        "Hello, this is about the noise complaint. The neighbours reported it as abuse. Feedback type: loud.",
    ),
    ("Feedback report Q3", "Feedback-Type: survey\n\nAll customers are happy. Version: 3"),
    ("Spam complaint?", "Somebody marked the message as spam, says the marketing team. Can we find out who?"),
    // Tickets, lists, calendars.
    (
        "[#5501] Mail could not be delivered",
        "Your ticket was opened.\n\nYou wrote:\n> Mail to ben@z.example could not be delivered, I get 550 5.7.1 relaying denied.\n\nWe will be back within 24 hours.",
    ),
    (
        "[talk] Returned mail and what to do with it",
        "Hi all,\nhow do you handle returned mail? We see \"421 4.7.0 try again later\" a lot.\n\nBest\nBen",
    ),
    (
        "Invitation: planning @ Mon 9:00 (anna@y.test)",
        "You have been invited.\nWhen: Monday 9:00\nWho: anna@y.test, ben@z.example\nDelivery: online",
    ),
    ("Accepted: planning", "Anna Lee has accepted this invitation."),
    ("Abgelehnt: Planung", "Anna hat die Einladung abgelehnt."),
    ("会議の招待", "月曜日の9時に会議があります。よろしくお願いします。"),
    (
        "メールについて",
        "お世話になっております。先日のメールがエラーになりました。送信できませんでしたので、別のアドレスを教えてください。",
    ),
    ("Merci pour votre message", "Bonjour, merci, je reviens vers vous demain. Cordialement"),
    ("Gracias por su mensaje", "Hola, gracias. Mañana le respondo."),
    (
        "System maintenance on Sunday",
        "Our mail system will be unavailable from 4.00 to 5.30. Mail will be delayed, not lost. Delivery attempts will continue.",
    ),
    ("Quota report", "Mailboxes over 90 %: anna@y.test 95 %, ben@z.example 97 %. Over quota: none."),
];

fn message((name, address, headers): (&str, &str, &str), (subject, text): (&str, &str)) -> String {
    format!(
        "Return-Path: <{address}>\nFrom: {name} <{address}>\nTo: me@x.test\nDate: Mon, 2 Nov 2026 09:00:00 +0000\nMessage-ID: <1@{}>\n\
         Subject: {subject}\nMIME-Version: 1.0\n{headers}Content-Type: text/plain; charset=utf-8\n\n{text}\n",
        address.split('@').next_back().unwrap_or_default()
    )
}

/// Everything that everybody writes.
pub(super) fn all() -> impl Iterator<Item = String> {
    SENDERS.into_iter().flat_map(|sender| WRITTEN.iter().map(move |written| message(sender, *written)))
}

#[test]
fn ordinary_mail_is_no_bounce_and_no_complaint() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for sender in SENDERS {
        for written in WRITTEN {
            let incoming = read_message(message(sender, *written).as_bytes());
            seen += 1;
            if !matches!(incoming.kind, Kind::Other | Kind::Reply) {
                wrong.push(format!("{} from {}: {} because of {}", written.0, sender.1, incoming.kind, incoming.evidence));
            }
        }
    }
    assert!(seen >= 300, "{seen}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn mail_systems_write_ordinary_mail_too() {
    let written = [
        (
            "Mailbox almost full",
            "Dear anna@y.test,\nyour mailbox is 95 % full. When it is full, new messages could not be received.\nDelete old mail.",
        ),
        (
            "Ihr Postfach ist fast voll",
            "Sehr geehrte Frau Lee, Ihr Postfach anna@y.test ist fast voll. Neue Nachrichten können dann nicht empfangen werden.",
        ),
        ("Welcome", "Welcome to your new mailbox anna@y.test. Your password was sent to you by post."),
        ("Maintenance", "The mail server restarts on Sunday from 4.00 to 5.30."),
        ("Re: a question on 5.1.1", "Hi, that code means that the address is not there. Paul\n\n> what is 5.1.1?"),
        ("Report domain: x.test Submitter: y.test", "This is a DMARC aggregate report for x.test."),
        ("Quarantine summary", "3 messages were kept for anna@y.test:\n1. Offer\n2. Lottery\n3. Parcel"),
        ("容量のお知らせ", "anna@y.test 様 メールボックスの容量が残り少なくなっています。次のページをご覧ください。"),
    ];
    for sender in [("Postmaster", "postmaster@y.test", ""), ("Mail System", "noreply@y.test", "Auto-Submitted: auto-generated\n")] {
        for text in written {
            let incoming = read_message(message(sender, text).as_bytes());
            assert_eq!(incoming.kind, Kind::Other, "{} from {}: {}", text.0, sender.1, incoming.evidence);
        }
    }
}

#[test]
fn reports_that_people_send_on_are_theirs() {
    let bounce = "From: MAILER-DAEMON@y.test\nSubject: Undelivered Mail Returned to Sender\nContent-Type: multipart/report; report-type=delivery-status; boundary=r\n\n\
        --r\n\nThis is the mail system.\n--r\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; y.test\n\nFinal-Recipient: rfc822; b@z.test\nAction: failed\nStatus: 5.1.1\n--r--\n";
    let complaint = "From: fbl@y.test\nContent-Type: multipart/report; report-type=feedback-report; boundary=r\n\n--r\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n--r--\n";
    for inner in [bounce, complaint] {
        for subject in ["Fwd: look", "see attached", "Undelivered Mail Returned to Sender"] {
            let text = format!(
                "From: Anna <anna@y.test>\nSubject: {subject}\nUser-Agent: Mail\nContent-Type: multipart/mixed; boundary=m\n\n\
                 --m\nContent-Type: text/plain\n\nI got this back. What now?\n--m\nContent-Type: message/rfc822\n\n{inner}\n--m--\n"
            );
            let incoming = read_message(text.as_bytes());
            assert_eq!(incoming.kind, Kind::Other, "{subject}: {}", incoming.evidence);
        }
    }
}

#[test]
fn receipts_and_invitations_are_neither() {
    let receipt = "From: Anna <anna@y.test>\nSubject: Read: planning\nIn-Reply-To: <1@x.test>\nContent-Type: multipart/report; report-type=disposition-notification; boundary=r\n\n\
        --r\n\nYour message was displayed.\n--r\nContent-Type: message/disposition-notification\n\nFinal-Recipient: rfc822; anna@y.test\n\
        Original-Message-ID: <1@x.test>\nDisposition: manual-action/MDN-sent-manually; displayed\n--r--\n";
    let incoming = read_message(receipt.as_bytes());
    assert_eq!((incoming.kind, incoming.evidence.as_str()), (Kind::Other, "a read receipt"));
    let accepted = "From: Anna <anna@y.test>\nSubject: Accepted: planning\nIn-Reply-To: <1@x.test>\nContent-Type: multipart/mixed; boundary=r\n\n\
        --r\n\nAnna has accepted.\n--r\nContent-Type: text/calendar; method=REPLY\n\nBEGIN:VCALENDAR\nEND:VCALENDAR\n--r--\n";
    assert_eq!(read_message(accepted.as_bytes()).kind, Kind::Other);
}
