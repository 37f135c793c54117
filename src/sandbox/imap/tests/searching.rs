use super::{Client, Place};
use crate::world::Personality;

/// The answer to each search, by message numbers.
async fn finds(client: &mut Client, searches: &[(&str, &str)]) {
    for (search, found) in searches {
        let line = format!("* SEARCH {found}");
        client.plays(&format!("C: a SEARCH {search}")).await;
        assert_eq!(client.hears().await, line.trim_end(), "{search}");
        client.plays("S: a OK searched").await;
    }
}

#[tokio::test(start_paused = true)]
async fn every_key_finds_what_it_says() {
    let place = Place::with_mail(Personality::Dovecot);
    place.flag("INBOX", 1, "$Junk");
    place.flag("INBOX", 2, "\\Deleted");
    place.put("INBOX", "Subject: =?utf-8?q?caf=C3=A9?=\r\nContent-Transfer-Encoding: base64\r\n\r\nU2VjcmV0IFRleHQ=\r\n");
    let mut client = place.selected("INBOX").await;
    let all = [
        ("ALL", "1 2 3"),
        ("SEEN", "2"),
        ("UNSEEN", "1 3"),
        ("DELETED", "2"),
        ("UNDELETED", "1 3"),
        ("ANSWERED", ""),
        ("UNANSWERED UNFLAGGED UNDRAFT", "1 2 3"),
        ("OR FLAGGED DRAFT", ""),
        ("KEYWORD $junk", "1"),
        ("UNKEYWORD $Junk", "2 3"),
        ("NEW", ""),
        ("OLD", "1 2 3"),
        ("RECENT", ""),
        ("FROM a@W.test", "1"),
        ("TO b@", "1"),
        ("CC x", ""),
        ("BCC x", ""),
        ("SUBJECT \"TWO\"", "2"),
        ("CHARSET UTF-8 SUBJECT {5}\r\ncafé", "3"),
        ("HEADER Message-ID \"<1@w.test>\"", "1"),
        ("HEADER X-Long \"\"", "2"),
        ("HEADER X-Long \"a b\"", "2"),
        ("BODY \"WORLD, w\"", "2"),
        ("BODY \"secret text\"", "3"),
        ("BODY one", ""),
        ("TEXT one", "1"),
        ("ON 1-Dec-2026", "1 2 3"),
        ("SINCE \"1-Dec-2026\"", "1 2 3"),
        ("SINCE 2-Dec-2026", ""),
        ("BEFORE 1-Dec-2026", ""),
        ("SENTON 30-Nov-2026", "1"),
        ("SENTSINCE 1-Dec-2026", ""),
        ("SENTBEFORE 1-Dec-2026", "1"),
        ("LARGER 80", "1 3"),
        ("SMALLER 80", "2"),
        ("2:*", "2 3"),
        ("7", ""),
        ("UID 1,3", "1 3"),
        ("UID 9:*", "3"),
        ("NOT 1 NOT (2)", "3"),
        ("OR 1 (SEEN DELETED)", "1 2"),
        ("(OR (FROM a@) NOT UNSEEN)", "1 2"),
    ];
    for (search, found) in all {
        if search.contains('{') {
            client.plays("C: a SEARCH CHARSET UTF-8 SUBJECT {5}\nS: + go on").await;
            client.says("café\r\n".as_bytes()).await;
            client.plays(&format!("S: * SEARCH {found}\nS: a OK searched")).await;
        } else {
            finds(&mut client, &[(search, found)]).await;
        }
    }
    client
        .plays(
            "C: b UID SEARCH RETURN (ALL) ALL
             S: b BAD that is no command that this server knows
             C: c SEARCH CHARSET KOI8-R ALL
             S: c NO [BADCHARSET (UTF-8 US-ASCII)] that charset is not known
             C: d SEARCH X-GM-RAW \"category:social\"
             S: d BAD that is no command that this server knows",
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn uids_are_found_by_uid_search() {
    let place = Place::with_mail(Personality::Dovecot);
    place.world.expunge(&place.who, "INBOX", &[1], place.clock.now()).unwrap();
    let mut client = place.selected("INBOX").await;
    client.plays("C: a UID SEARCH 1\nS: * SEARCH 2\nS: a OK searched\nC: b SEARCH UID 2\nS: * SEARCH 1\nS: b OK searched").await;
}

#[tokio::test(start_paused = true)]
async fn gmails_categories_are_told_by_search() {
    let place = Place::with_mail(Personality::Gmail);
    place.world.with_account(&place.who, |a| {
        let message = a.folders.get_mut("INBOX").and_then(|f| f.messages.get_mut(&2)).unwrap();
        message.category = Some("promotions");
    });
    let mut client = place.selected("INBOX").await;
    finds(
        &mut client,
        &[
            ("X-GM-RAW \"category:promotions\"", "2"),
            ("X-GM-RAW category:social", ""),
            ("X-GM-RAW \"category:primary\"", "1"),
            ("UNSEEN X-GM-RAW \"category:promotions\"", ""),
            ("NOT (X-GM-RAW \"category:promotions\")", "1"),
            ("X-GM-RAW hello", "1"),
        ],
    )
    .await;
}
