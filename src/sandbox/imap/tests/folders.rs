use super::Place;
use crate::sandbox::imap::Face;
use crate::world::{NoSuchFolder, Personality};

#[tokio::test(start_paused = true)]
async fn folders_are_listed_with_what_they_are_for() {
    let place = Place::new(Personality::Dovecot);
    let mut client = place.signed_in().await;
    let all = r#"
        S: * LIST (\HasNoChildren \Archive) "/" "Archive"
        S: * LIST (\HasNoChildren \Drafts) "/" "Drafts"
        S: * LIST (\HasNoChildren) "/" "INBOX"
        S: * LIST (\HasNoChildren \Junk) "/" "Junk"
        S: * LIST (\HasNoChildren \Sent) "/" "Sent"
        S: * LIST (\HasNoChildren \Trash) "/" "Trash"
        S: a OK listed"#;
    for list in [r#"LIST "" "*""#, r#"LIST "" %"#, r#"LIST "" "*" RETURN (SPECIAL-USE)"#] {
        client.plays(&format!("C: a {list}\n{all}")).await;
    }
    client
        .plays(
            r#"C: b LIST "" ""
               S: * LIST (\Noselect) "/" ""
               S: b OK listed
               C: c LIST "" inbox
               S: * LIST (\HasNoChildren) "/" "INBOX"
               S: c OK listed
               C: d LIST (SPECIAL-USE) "" "J*" RETURN (SUBSCRIBED)
               S: * LIST (\HasNoChildren \Subscribed \Junk) "/" "Junk"
               S: d OK listed
               C: e LSUB "" "S*"
               S: * LSUB () "/" "Sent"
               S: e OK listed
               C: f NAMESPACE
               S: * NAMESPACE (("" "/")) NIL NIL
               S: f OK done"#,
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn gmail_has_a_level_that_holds_no_mail_and_microsoft_tells_no_uses() {
    let mut gmail = Place::new(Personality::Gmail).signed_in().await;
    gmail
        .plays(
            r#"C: a LIST "" "*"
               S: * LIST (\HasNoChildren) "/" "INBOX"
               S: * LIST (\HasChildren \Noselect) "/" "[Gmail]"
               S: * LIST (\HasNoChildren \All) "/" "[Gmail]/All Mail"
               S: * LIST (\HasNoChildren \Drafts) "/" "[Gmail]/Drafts"
               S: * LIST (\HasNoChildren \Sent) "/" "[Gmail]/Sent Mail"
               S: * LIST (\HasNoChildren \Junk) "/" "[Gmail]/Spam"
               S: * LIST (\HasNoChildren \Trash) "/" "[Gmail]/Trash"
               S: a OK listed
               C: b LIST "" %
               S: * LIST (\HasNoChildren) "/" "INBOX"
               S: * LIST (\HasChildren \Noselect) "/" "[Gmail]"
               S: b OK listed
               C: c LIST "[Gmail]/" S%
               S: * LIST (\HasNoChildren \Sent) "/" "[Gmail]/Sent Mail"
               S: * LIST (\HasNoChildren \Junk) "/" "[Gmail]/Spam"
               S: c OK listed
               C: d SELECT "[Gmail]"
               S: d NO [NONEXISTENT] there is no such folder"#,
        )
        .await;
    let mut microsoft = Place::new(Personality::Microsoft).signed_in().await;
    microsoft
        .plays(
            r#"C: a LIST "" "J*"
               S: * LIST (\HasNoChildren) "/" "Junk Email"
               S: a OK listed
               C: b LIST (SPECIAL-USE) "" "*"
               S: b BAD special uses are not told here"#,
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn folders_are_made_renamed_and_deleted_below_a_prefix() {
    let mut place = Place::with_mail(Personality::Dovecot);
    place.face = Face { prefixed: true, ..place.face };
    let mut client = place.signed_in().await;
    client
        .plays(
            r#"C: a NAMESPACE
               S: * NAMESPACE (("INBOX." ".")) NIL NIL
               S: a OK done
               C: b LIST "" "INBOX.J*"
               S: * LIST (\HasNoChildren \Junk) "." "INBOX.Junk"
               S: b OK listed
               C: c LIST "" %
               S: * LIST (\HasChildren) "." "INBOX"
               S: c OK listed
               C: d CREATE Work
               S: d NO [CANNOT] no folder can have that name
               C: e CREATE INBOX.Entw&APw-rfe.alt
               S: e OK created
               C: f CREATE INBOX.Entw&APw-rfe.alt
               S: f NO [ALREADYEXISTS] it is there
               C: g LIST "INBOX." "E*"
               S: * LIST (\HasChildren \Noselect) "." "INBOX.Entw&APw-rfe"
               S: * LIST (\HasNoChildren) "." "INBOX.Entw&APw-rfe.alt"
               S: g OK listed
               C: h RENAME INBOX.Entw&APw-rfe.alt INBOX.old.one
               S: h OK renamed
               C: i RENAME INBOX INBOX.kept
               S: i OK renamed
               C: j STATUS INBOX.kept (MESSAGES UIDNEXT UNSEEN RECENT)
               S: * STATUS "INBOX.kept" (MESSAGES 2 RECENT 0 UIDNEXT 3 UNSEEN 1)
               S: j OK done
               C: k STATUS INBOX (MESSAGES)
               S: * STATUS "INBOX" (MESSAGES 0)
               S: k OK done
               C: l DELETE INBOX.old.one
               S: l OK deleted
               C: m DELETE INBOX.old.one
               S: m NO [NONEXISTENT] there is no such folder
               C: n DELETE INBOX.Junk
               S: n NO [CANNOT] that folder stays
               C: o DELETE INBOX
               S: o NO [CANNOT] that folder stays
               C: p SUBSCRIBE INBOX.kept
               S: p OK every folder is subscribed"#,
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_bare_listener_is_rfc_3501_and_nothing_more() {
    let mut place = Place::with_mail(Personality::Dovecot);
    place.face = Face { bare: true, ..place.face };
    let mut client = place.greeted().await;
    client
        .plays(
            r#"C: a CAPABILITY
               S: * CAPABILITY IMAP4rev1 AUTH=PLAIN AUTH=LOGIN AUTH=XOAUTH2
               S: a OK those are all
               C: b AUTHENTICATE PLAIN AGIAcA==
               S: b BAD an initial response is not offered here
               C: c LOGIN b p
               S: c OK [CAPABILITY IMAP4rev1] signed in
               C: d LIST "" Junk
               S: * LIST () "/" "Junk"
               S: d OK listed
               C: e SELECT INBOX
               ...: e OK [READ-WRITE] selected
               C: f NAMESPACE
               S: f BAD that is not offered here
               C: g ID NIL
               S: g BAD that is not offered here
               C: h IDLE
               S: h BAD that is not offered here
               C: i UID MOVE 1 Junk
               S: i BAD that is not offered here
               C: j UID EXPUNGE 1
               S: j BAD that is not offered here
               C: k UID COPY 1 Junk
               S: k OK copied
               C: l UNSELECT
               S: l BAD that is not offered here"#,
        )
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_goes_away_under_a_session_ends_it() {
    let place = Place::new(Personality::Dovecot);
    place.world.create_folder(&place.who, "x");
    let (mut other, mut own) = (place.selected("x").await, place.selected("x").await);
    own.plays("C: a DELETE x\nS: a OK deleted\nC: b NOOP\nS: b OK done").await;
    other.plays("C: a NOOP\nS: * BYE the selected folder is not what it was\nend").await;
    let mut renumbered = place.selected("INBOX").await;
    place.world.renumber(&place.who, "INBOX", 77).unwrap();
    renumbered.plays("C: a NOOP\nS: * BYE the selected folder is not what it was\nend").await;
}

#[tokio::test(start_paused = true)]
async fn the_usual_folders_are_there_at_every_sign_in_and_a_bare_listener_makes_none() {
    for (face, is_made) in [
        (Face::of(Personality::Dovecot), true),
        (Face { bare: true, ..Face::of(Personality::Dovecot) }, false),
        (Face { prefixed: true, ..Face::of(Personality::Dovecot) }, false),
    ] {
        let mut place = Place::new(Personality::Dovecot);
        place.face = Face { plain_sign_in: true, ..face };
        assert!(place.world.delete_folder(&place.who, "Junk"));
        place.signed_in().await;
        assert_eq!(
            place.world.with_folder(&place.who, "Junk", |f| f.special_use),
            if is_made { Ok(Some("\\Junk")) } else { Err(NoSuchFolder) }
        );
    }
}
