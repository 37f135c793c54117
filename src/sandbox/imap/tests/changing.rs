use super::{ONE, Place};
use crate::sandbox::imap::Face;
use crate::world::{Personality, Whom, Wrong};

#[tokio::test(start_paused = true)]
async fn flags_are_stored_told_and_kept_in_one_spelling() {
    let place = Place::with_mail(Personality::Dovecot);
    let mut client = place.selected("INBOX").await;
    client
        .plays(
            r"C: a STORE 1 +FLAGS (\seen $NotJunk)
              S: * 1 FETCH (UID 1 FLAGS ($NotJunk \Seen))
              S: a OK stored
              C: b STORE 1:2 -FLAGS.SILENT (\Seen $notjunk)
              S: b OK stored
              C: c UID STORE 2 FLAGS \Answered
              S: * 2 FETCH (UID 2 FLAGS (\Answered))
              S: c OK stored
              C: d STORE 1 FLAGS ()
              S: * 1 FETCH (UID 1 FLAGS ())
              S: d OK stored
              C: e STORE 1 +FLAGS (\Recent)
              S: e BAD \Recent is no flag that anybody could set
              C: f NOOP
              S: f OK done",
        )
        .await;
    assert_eq!(place.flags("INBOX", 2), ["\\Answered"]);
}

#[tokio::test(start_paused = true)]
async fn others_changes_are_told_but_no_number_moves_under_a_fetch() {
    let place = Place::with_mail(Personality::Dovecot);
    let (mut client, mut other) = (place.selected("INBOX").await, place.selected("INBOX").await);
    other.plays("C: a STORE 2 +FLAGS.SILENT (\\Flagged)\nS: a OK stored\nC: b UID MOVE 1 Junk\n...: b OK moved").await;
    place.put("INBOX", ONE);
    client
        .plays(
            r"C: a FETCH 1 FLAGS
              S: * 2 FETCH (UID 2 FLAGS (\Flagged \Seen))
              S: * 3 EXISTS
              S: * 0 RECENT
              S: a NO [EXPUNGEISSUED] some of them are gone
              C: b SEARCH ALL
              S: * SEARCH 2 3
              S: b OK searched
              C: c STORE 1 +FLAGS (\Seen)
              S: c NO [EXPUNGEISSUED] some of them are gone
              C: d NOOP
              S: * 1 EXPUNGE
              S: d OK done
              C: e UID FETCH 1:* UID
              S: * 1 FETCH (UID 2)
              S: * 2 FETCH (UID 3)
              S: e OK fetched",
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn messages_are_moved_and_copied_with_their_new_uids() {
    let place = Place::with_mail(Personality::Dovecot);
    let mut client = place.selected("INBOX").await;
    client
        .plays(
            "C: a UID COPY 1:2 Junk
             S: a OK [COPYUID 1001 1:2 2:3] copied
             C: b MOVE 2 Junk
             S: * OK [COPYUID 1001 2 4] moved
             S: * 2 EXPUNGE
             S: b OK moved
             C: c UID MOVE 2 Junk
             S: c OK moved
             C: d UID MOVE 1 nowhere
             S: d NO [TRYCREATE] there is no such folder
             C: e COPY 1 nowhere
             S: e NO [TRYCREATE] there is no such folder
             C: f COPY 2 Junk
             S: f BAD there is no message of that number",
        )
        .await;
    assert_eq!((place.uids("INBOX"), place.uids("Junk")), (vec![1], vec![1, 2, 3, 4]));
}

#[tokio::test(start_paused = true)]
async fn only_marked_messages_are_expunged() {
    let place = Place::with_mail(Personality::Dovecot);
    for _ in 0..3 {
        place.put("INBOX", ONE);
    }
    let mut client = place.selected("INBOX").await;
    client
        .plays(
            r"C: a STORE 1,3:5 +FLAGS.SILENT (\Deleted)
              S: a OK stored
              C: b UID EXPUNGE 2:3
              S: * 3 EXPUNGE
              S: b OK expunged
              C: c EXPUNGE
              S: * 4 EXPUNGE
              S: * 3 EXPUNGE
              S: * 1 EXPUNGE
              S: c OK expunged
              C: d STORE 1 +FLAGS.SILENT (\Deleted)
              S: d OK stored
              C: e UNSELECT
              S: e OK done
              C: f SELECT INBOX
              ...: f OK *
              C: g CLOSE
              S: g OK done
              C: h CLOSE
              S: h BAD no folder is selected",
        )
        .await;
    assert_eq!(place.uids("INBOX"), Vec::<u32>::new());
}

#[tokio::test(start_paused = true)]
async fn messages_are_appended_by_literals_of_either_kind() {
    let place = Place::new(Personality::Dovecot);
    let mut client = place.selected("INBOX").await;
    client
        .plays(
            r#"C: a APPEND INBOX (\Seen) "30-Nov-2026 10:00:00 +0100" {16}
               S: + go on
               raw: Subject: x\r\n\r\ny
               C: 
               S: * 1 EXISTS
               S: * 0 RECENT
               S: a OK [APPENDUID 1001 1] appended
               raw: b APPEND Drafts {3+}\r\nabc\r\n
               S: b OK [APPENDUID 1001 1] appended
               C: c APPEND nowhere {1+}
               C: z
               S: c NO [TRYCREATE] there is no such folder
               C: d FETCH 1 (FLAGS INTERNALDATE)
               S: * 1 FETCH (FLAGS (\Seen) INTERNALDATE "30-Nov-2026 09:00:00 +0000")
               S: d OK fetched"#,
        )
        .await;
    place.world.with_account(&place.who, |a| a.quota = Some(20));
    client
        .plays("C: e APPEND INBOX {9+}\nC: 123456789\nS: e NO [OVERQUOTA] the mailbox is full\nC: f COPY 1 Junk\nS: f NO [OVERQUOTA] *")
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_bare_listener_says_no_new_uids() {
    let mut place = Place::with_mail(Personality::Dovecot);
    place.face = Face { bare: true, ..place.face };
    let mut client = place.selected("INBOX").await;
    client
        .plays("C: a COPY 1 Junk\nS: a OK copied\nC: b APPEND INBOX {1}\nS: + go on\nC: x\nS: * 3 EXISTS\nS: * 0 RECENT\nS: b OK appended")
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_flaky_connection_breaks_in_the_middle_of_an_answer() {
    let place = Place::with_mail(Personality::Dovecot);
    let mut client = place.selected("INBOX").await;
    let now = place.clock.now();
    let until = now + std::time::Duration::from_hours(1);
    let condition = crate::world::Condition { wrong: Wrong::Flaky(1.0), whom: Whom::All, from: now, until };
    place.world.add_condition(condition);
    client.plays("C: a UID MOVE 1 Junk").await;
    let heard = client.hears_all().await;
    let whole = "* OK [COPYUID 1001 1 2] moved\r\n* 1 EXPUNGE\r\na OK moved\r\n";
    assert_eq!(heard, whole[..whole.len() / 2]);
    assert_eq!(place.uids("Junk"), [1, 2], "and it was moved all the same");
}
