//! Our own client against this server.

use std::time::Duration;

use secrecy::SecretString;

use super::{ONE, Place, TWO};
use crate::classify::{Glance, Heading, glance};
use crate::mail::imap::sign_in;
use crate::mail::sample::{mailbox_on, plain_at};
use crate::mail::{Flag, Idled, Inbox, Uid};
use crate::sandbox::imap::Face;
use crate::words::{FolderRole, Moment, Provider};
use crate::world::Personality;

fn provider(personality: Personality) -> Provider {
    match personality {
        Personality::Gmail => Provider::Gmail,
        Personality::Microsoft => Provider::Microsoft,
        Personality::Dovecot => Provider::Generic,
    }
}

async fn inbox_at(place: &Place) -> Box<dyn Inbox> {
    let mut mailbox = mailbox_on(plain_at(143));
    mailbox.user = "b".into();
    mailbox.provider = provider(place.face.personality);
    sign_in(place.connect().0, &mailbox, &SecretString::from("p".to_owned()), Duration::MAX).await.unwrap()
}

/// Lists, looks, opens, marks, rescues and idles, as the executor does.
async fn a_day_at(place: Place) {
    let personality = place.face.personality;
    let mut inbox = inbox_at(&place).await;
    let folders = inbox.folders().await.unwrap();
    let named = |role| folders.iter().find(|f| f.role == role).map(|f| f.name.clone()).unwrap();
    let (main, spam) = (named(FolderRole::Inbox), named(FolderRole::Spam));
    assert_eq!(spam.shown.replace("INBOX.", ""), place.spam());

    let look = inbox.look(&main, None, Moment(0)).await.unwrap();
    assert_eq!(
        look.new.iter().map(|h| (h.uid.0, h.flags.clone(), h.size as usize)).collect::<Vec<_>>(),
        [(1, vec![], ONE.len()), (2, vec!["\\Seen".to_owned()], TWO.len())]
    );
    assert!(String::from_utf8_lossy(&look.new[0].raw).contains("Message-ID: <1@w.test>\r\n"));
    assert_eq!(look.new[0].received, Some(place.clock.now()));
    assert_eq!(look.new[1].category.as_deref(), (personality == Personality::Gmail).then_some("promotions"));
    let validity = look.uid_validity;

    let peeked = inbox.peek(&main, validity, Uid(1), 10).await.unwrap().unwrap();
    assert_eq!(peeked, ONE.as_bytes()[..10]);
    assert_eq!(place.flags("INBOX", 1), Vec::<String>::new(), "a peek leaves no trace");
    assert_eq!(inbox.open(&main, validity, Uid(1)).await.unwrap().unwrap(), ONE.as_bytes());
    assert_eq!(place.flags("INBOX", 1), ["\\Seen"]);

    let wanted = [Flag::Flagged, Flag::Important, Flag::NotJunk];
    let left_out = inbox.set_flags(&main, validity, &[Uid(1), Uid(9)], &wanted).await.unwrap();
    let kept = place.flags("INBOX", 1);
    match personality {
        Personality::Microsoft => {
            assert_eq!(left_out, [Flag::Important, Flag::NotJunk]);
            assert_eq!(kept, ["\\Flagged", "\\Seen"]);
        }
        Personality::Gmail => {
            assert_eq!((left_out, kept), (vec![], vec!["$NotJunk".into(), "\\Flagged".into(), "\\Seen".into()]));
            let labels = place.world.with_folder(&place.who, "INBOX", |f| f.messages[&1].labels.clone()).unwrap();
            assert!(labels.contains("\\Important"));
        }
        Personality::Dovecot => {
            assert_eq!((left_out, kept), (vec![], vec!["$Important".into(), "$NotJunk".into(), "\\Flagged".into(), "\\Seen".into()]));
        }
    }
    let flags = inbox.flags_of(&main, validity, &[Uid(1), Uid(5)]).await.unwrap();
    assert_eq!(flags.iter().map(|f| f.uid.0).collect::<Vec<_>>(), [1]);

    let junk = inbox.look(&spam, None, Moment(0)).await.unwrap();
    assert_eq!(junk.new.len(), 1);
    let moved = inbox.move_to(&spam, junk.uid_validity, &[Uid(1), Uid(4)], &main).await.unwrap();
    let to = (!place.face.bare).then_some((validity, Uid(3)));
    assert_eq!((moved.moved, moved.gone, moved.left_marked), (vec![(Uid(1), to)], vec![Uid(4)], vec![]));
    assert_eq!((place.uids("INBOX"), place.uids(place.spam())), (vec![1, 2, 3], vec![]));

    let again = inbox.look(&main, Some(look.cursor), Moment(0)).await.unwrap();
    assert_eq!(again.new.iter().map(|h| h.uid.0).collect::<Vec<_>>(), [3]);
    let later = async {
        place.clock.sleep_until(place.clock.now() + Duration::from_mins(12)).await;
        place.put("INBOX", TWO);
        std::future::pending::<()>().await;
    };
    let idled = inbox.idle(&main, std::pin::pin!(later)).await.unwrap();
    assert_eq!(idled, if place.face.bare { Idled::Unsupported } else { Idled::News });
    if !place.face.bare {
        let news = inbox.look(&main, Some(again.cursor), Moment(0)).await.unwrap();
        assert_eq!(news.new.iter().map(|h| h.uid.0).collect::<Vec<_>>(), [4]);
    }
    inbox.sign_out().await;
}

fn place_of(personality: Personality) -> Place {
    let place = Place::with_mail(personality);
    place.world.with_account(&place.who, |a| {
        let message = a.folders.get_mut("INBOX").and_then(|f| f.messages.get_mut(&2)).unwrap();
        message.category = Some("promotions");
    });
    place
}

#[tokio::test(start_paused = true)]
async fn our_client_has_its_day_at_every_kind_of_server() {
    for personality in Personality::ALL {
        a_day_at(place_of(*personality)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn our_client_has_its_day_at_bare_and_prefixed_listeners() {
    let mut bare = place_of(Personality::Dovecot);
    bare.face = Face { bare: true, ..bare.face };
    a_day_at(bare).await;
    let mut prefixed = place_of(Personality::Dovecot);
    prefixed.face = Face { prefixed: true, ..prefixed.face };
    a_day_at(prefixed).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_look_fetches_says_as_much_as_the_whole_header() {
    let messages = [
        "From: MAILER-DAEMON@w.test\r\nSubject: Undelivered\r\nX-Failed-Recipients: p@w.test\r\n\r\nx\r\n",
        "From: p@w.test\r\nX-Mailer: notes\r\nSubject: x\r\nContent-Type: multipart/report;\r\n\treport-type=feedback-report; boundary=r\r\n\r\nx\r\n",
        "Received: from w.test\r\nFrom: p@w.test\r\nSubject: Away\r\nAuto-Submitted: auto-replied\r\nReturn-Path: <>\r\n\r\nx\r\n",
        "From: p@w.test\r\nSubject: =?utf-8?q?Re=3A_x?=\r\nIn-Reply-To:\r\n <1@b.test>\r\nMessage-ID: <2@w.test>\r\n\r\nyes\r\n",
        "From: p@w.test\r\nSubject: Sunday\r\nList-Id: <x.w.test>\r\n\r\nx\r\n",
    ];
    let place = place_of(Personality::Dovecot);
    for message in messages {
        place.put("INBOX", message);
    }
    let mut inbox = inbox_at(&place).await;
    let folder = inbox.folders().await.unwrap().into_iter().find(|f| f.role == FolderRole::Inbox).unwrap().name;
    let look = inbox.look(&folder, None, Moment(0)).await.unwrap();
    let shown: Vec<_> = look.new.iter().skip(2).map(|h| (glance(&h.raw), Heading::read(&h.raw))).collect();
    let whole: Vec<_> = messages.iter().map(|m| (glance(m.as_bytes()), Heading::read(m.as_bytes()))).collect();
    assert_eq!(shown, whole);
    assert!(matches!(&whole[..2], [(Glance::Report, _), (Glance::Report, _)]) && matches!(&whole[3].0, Glance::Answer(_)));
    inbox.sign_out().await;
}

#[tokio::test(start_paused = true)]
async fn our_client_takes_a_refusal_for_one() {
    let place = place_of(Personality::Microsoft);
    let mut mailbox = mailbox_on(plain_at(143));
    mailbox.user = "b".into();
    let error = sign_in(place.connect().0, &mailbox, &SecretString::from("wrong".to_owned()), Duration::MAX).await.map(drop).unwrap_err();
    assert!(error.is_sign_in(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_look_shows_to_whom_a_message_went_blind_copies_too() {
    for personality in Personality::ALL {
        let place = place_of(*personality);
        let mut inbox = inbox_at(&place).await;
        let folders = inbox.folders().await.unwrap();
        let sent = folders.into_iter().find(|f| f.role == FolderRole::Sent).unwrap().name;
        let fields = "To: a@w.test\r\nCc: b@w.test,\r\n c@w.test\r\nBcc: d@w.test\r\nDate: Tue, 1 Dec 2026 09:00:00 +0100\r\n";
        place.put(&sent.wire, &format!("{fields}X-Other: not asked for\r\n\r\nHello.\r\n"));
        let look = inbox.look(&sent, None, Moment(0)).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&look.new[0].raw), format!("{fields}\r\n"), "{personality:?}");
    }
}
