use super::{ONE, Place};
use crate::sandbox::imap::Face;
use crate::world::Personality;

#[tokio::test(start_paused = true)]
async fn select_tells_what_there_is() {
    let place = Place::with_mail(Personality::Dovecot);
    place.flag("INBOX", 1, "$Important");
    let mut client = place.signed_in().await;
    client
        .plays(
            r"C: a SELECT INBOX
              S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft $Important)
              S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft $Important \*)] these are kept
              S: * 2 EXISTS
              S: * 0 RECENT
              S: * OK [UNSEEN 1] the first unseen message
              S: * OK [UIDVALIDITY 1001] UIDs hold for it
              S: * OK [UIDNEXT 3] the next UID
              S: a OK [READ-WRITE] selected
              C: b EXAMINE inbox
              S: * FLAGS *
              S: * OK [PERMANENTFLAGS ()] these are kept
              ...: b OK [READ-ONLY] examined
              C: c SELECT nowhere
              S: c NO [NONEXISTENT] there is no such folder
              C: d FETCH 1 FLAGS
              S: d BAD no folder is selected",
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn microsoft_keeps_no_keywords() {
    let place = Place::with_mail(Personality::Microsoft);
    let mut client = place.signed_in().await;
    client
        .plays(
            r"C: a SELECT INBOX
              S: * FLAGS (\Answered \Flagged \Deleted \Seen \Draft)
              S: * OK [PERMANENTFLAGS (\Answered \Flagged \Deleted \Seen \Draft)] these are kept
              ...: a OK *
              C: b UID STORE 1 +FLAGS ($NotJunk)
              S: b NO [CANNOT] keywords are not kept here
              C: c UID STORE 1 +FLAGS (\flagged)
              S: * 1 FETCH (UID 1 FLAGS (\Flagged))
              S: c OK stored",
        )
        .await;
    assert_eq!(place.flags("INBOX", 1), ["\\Flagged"]);
}

#[tokio::test(start_paused = true)]
async fn headers_are_fetched_without_a_trace_and_bodies_mark_as_seen() {
    let place = Place::with_mail(Personality::Dovecot);
    let mut client = place.selected("INBOX").await;
    let size = ONE.len();
    client
        .plays(&format!(
            r#"C: a FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE)
               S: * 1 FETCH (UID 1 FLAGS () INTERNALDATE "01-Dec-2026 08:00:00 +0000" RFC822.SIZE {size})
               S: * 2 FETCH (UID 2 FLAGS (\Seen) *
               S: a OK fetched
               C: b UID FETCH 1 (BODY.PEEK[HEADER.FIELDS (subject Message-ID)])
               S: * 1 FETCH (UID 1 BODY[HEADER.FIELDS (subject Message-ID)] {{40}}
               S: Subject: one
               S: Message-ID: <1@w.test>
               S:
               S: )
               S: b OK fetched
               C: c FETCH 2 BODY.PEEK[HEADER.FIELDS.NOT (From Subject)]<3.4>
               S: * 2 FETCH (BODY[HEADER.FIELDS.NOT (From Subject)]<3> {{4}}
               S: ong:)
               S: c OK fetched
               C: d UID FETCH 1 (BODY[TEXT])
               S: * 1 FETCH (UID 1 BODY[TEXT] {{7}}
               S: hello
               S:  FLAGS (\Seen))
               S: d OK fetched
               C: e FETCH 1 (BODY[1] BODY.PEEK[]<999.5> BODY[2])
               S: * 1 FETCH (BODY[1] {{7}}
               S: hello
               S:  BODY[]<999> {{0}}
               S:  BODY[2] NIL)
               S: e OK fetched
               C: f UID FETCH 7:9 FLAGS
               S: f OK fetched
               C: g FETCH 3 FLAGS
               S: g BAD there is no message of that number
               C: h FETCH 2 FAST
               S: * 2 FETCH (FLAGS (\Seen) INTERNALDATE "01-Dec-2026 08:00:00 +0000" RFC822.SIZE 65)
               S: h OK fetched"#
        ))
        .await;
    assert_eq!(place.flags("INBOX", 1), ["\\Seen"]);
}

#[tokio::test(start_paused = true)]
async fn the_whole_message_comes_as_it_was_stored() {
    let place = Place::with_mail(Personality::Dovecot);
    let mut client = place.selected("INBOX").await;
    client.plays(&format!("C: a FETCH 1 RFC822\nS: * 1 FETCH (RFC822 {{{}}}", ONE.len())).await;
    for line in ONE.lines() {
        assert_eq!(client.hears().await, line);
    }
    client.plays("S:  FLAGS (\\Seen))\nS: a OK fetched").await;
    client
        .plays(
            "C: b FETCH 1 (RFC822.HEADER)
             S: * 1 FETCH (RFC822.HEADER {113}
             ...: )
             S: b OK fetched",
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn examined_folders_are_only_looked_at() {
    let place = Place::with_mail(Personality::Dovecot);
    let mut client = place.signed_in().await;
    client
        .plays(
            r"C: a EXAMINE INBOX
              ...: a OK [READ-ONLY] examined
              C: b FETCH 1 BODY[TEXT]
              S: * 1 FETCH (BODY[TEXT] {7}
              S: hello
              S: )
              S: b OK fetched
              C: c STORE 1 +FLAGS (\Seen)
              S: c NO [READ-ONLY] the folder was only examined
              C: d UID MOVE 1 Junk
              S: d NO [READ-ONLY] the folder was only examined
              C: e EXPUNGE
              S: e NO [READ-ONLY] the folder was only examined",
        )
        .await;
    assert_eq!(place.flags("INBOX", 1), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn envelope_and_structure_describe_a_message_with_parts() {
    let place = Place::new(Personality::Dovecot);
    let message = "From: A <a@w.test>\r\nSubject: parts\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n\
                   --b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninside\r\n--b--\r\n";
    place.put("INBOX", message);
    let mut client = place.selected("INBOX").await;
    let from = r#"(("A" NIL "a" "w.test"))"#;
    let inner = r#"(NIL "inner" NIL NIL NIL NIL NIL NIL NIL NIL) ("TEXT" "PLAIN" NIL NIL NIL "7BIT" 6 0)"#;
    client
        .plays(&format!(
            r#"C: a FETCH 1 (ENVELOPE BODY)
               S: * 1 FETCH (ENVELOPE (NIL "parts" {from} {from} {from} NIL NIL NIL NIL NIL) BODY (("TEXT" "PLAIN" NIL NIL NIL "7BIT" 4 0)("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 24 {inner} 2) "MIXED"))
               S: a OK fetched
               C: b FETCH 1 (BODY.PEEK[2.HEADER] BODY.PEEK[2.1] BODY.PEEK[1.MIME] BODY.PEEK[1] BODY.PEEK[1.HEADER])
               S: * 1 FETCH (BODY[2.HEADER] {{18}}
               S: Subject: inner
               S:
               S:  BODY[2.1] {{6}}
               S: inside BODY[1.MIME] {{2}}
               S:
               S:  BODY[1] {{4}}
               S: text BODY[1.HEADER] NIL)
               S: b OK fetched"#
        ))
        .await;
}

#[tokio::test(start_paused = true)]
async fn gmail_tells_numbers_and_labels_and_takes_labels() {
    let place = Place::with_mail(Personality::Gmail);
    let mut client = place.selected("INBOX").await;
    client
        .plays(
            r#"C: a UID FETCH 1 (X-GM-MSGID X-GM-THRID X-GM-LABELS FLAGS)
               S: * 1 FETCH (UID 1 X-GM-MSGID 2 X-GM-THRID 2 X-GM-LABELS () FLAGS ())
               S: a OK fetched
               C: b UID STORE 1 +X-GM-LABELS (\important "to do")
               S: * 1 FETCH (UID 1 X-GM-LABELS ("\\Important" "to do"))
               S: b OK stored
               C: c STORE 1 -X-GM-LABELS.SILENT ("to do")
               S: c OK stored
               C: d FETCH 1 X-GM-LABELS
               S: * 1 FETCH (X-GM-LABELS ("\\Important"))
               S: d OK fetched
               C: e STORE 1 X-GM-LABELS (x)
               S: * 1 FETCH (UID 1 X-GM-LABELS ("x"))
               S: e OK stored
               C: f UID SEARCH X-GM-MSGID 2
               S: * SEARCH 1
               S: f OK searched"#,
        )
        .await;
    let mut other = Place::with_mail(Personality::Dovecot).selected("INBOX").await;
    other.plays("C: a FETCH 1 X-GM-LABELS\nS: a BAD that is no command that this server knows").await;
}

#[tokio::test(start_paused = true)]
async fn a_bare_listener_still_fetches() {
    let mut place = Place::with_mail(Personality::Dovecot);
    place.face = Face { bare: true, ..place.face };
    let mut client = place.selected("INBOX").await;
    client.plays("C: a UID FETCH 1:* (UID)\nS: * 1 FETCH (UID 1)\nS: * 2 FETCH (UID 2)\nS: a OK fetched").await;
}
