use crate::mail::imap::script::{end, folder, selecting, session};
use crate::mail::{Deleted, Flag, Inbox, MailError, Moved, Step, Trouble, Uid};

fn uids(numbers: &[u32]) -> Vec<Uid> {
    numbers.iter().copied().map(Uid).collect()
}

/// Moves messages from Junk to INBOX.
async fn move_from_junk(capabilities: &str, numbers: &[u32], text: &str) -> Result<Moved, MailError> {
    let (mut imap, script) = session(capabilities, &selecting("Junk", text)).await;
    let moved = imap.move_to(&folder("Junk"), 7, &uids(numbers), &folder("INBOX")).await;
    end(imap, script).await;
    moved
}

fn went(uid: u32, to: u32) -> (Uid, Option<(u32, Uid)>) {
    (Uid(uid), Some((9, Uid(to))))
}

#[tokio::test(start_paused = true)]
async fn opening_reads_the_whole_and_peeking_does_not_mark() {
    let text = "
        C: UID FETCH 3 (UID BODY[]<0.2097152>)
        S: * 1 FETCH (UID 3 BODY[]<0> {6}\\r\\nhello! FLAGS (\\Seen))
        S: $ OK
        C: NOOP
        S: $ OK
        C: UID FETCH 3 (UID BODY.PEEK[]<0.4>)
        S: * 1 FETCH (UID 3 BODY[]<0> \"hello!\")
        S: $ OK
        C: NOOP
        S: $ OK
        C: UID FETCH 4 (UID BODY[]<0.2097152>)
        S: * 1 FETCH (UID 3 FLAGS ())
        S: $ OK
        C: NOOP
        S: $ OK
        C: UID FETCH 5 (UID BODY.PEEK[]<0.1>)
        S: $ NO [SERVERBUG] cannot read it";
    let (mut imap, script) = session("", &selecting("INBOX", text)).await;
    let inbox = folder("INBOX");
    assert_eq!(imap.open(&inbox, 7, Uid(3)).await.unwrap().unwrap(), b"hello!");
    assert_eq!(imap.peek(&inbox, 7, Uid(3), 4).await.unwrap().unwrap(), b"hell", "a server that gives more than was asked for");
    assert_eq!(imap.open(&inbox, 7, Uid(4)).await.unwrap(), None, "gone");
    assert!(matches!(imap.peek(&inbox, 7, Uid(5), 0).await.unwrap_err().trouble, Trouble::Refused(_)));
    end(imap, script).await;
}

#[tokio::test(start_paused = true)]
async fn uids_of_another_uidvalidity_are_not_acted_on() {
    let again = "C: NOOP\nS: $ OK\n";
    let (mut imap, script) = session("MOVE", &selecting("Junk", &again.repeat(3))).await;
    let (junk, inbox) = (folder("Junk"), folder("INBOX"));
    let renumbered = |e: MailError| assert_eq!((e.step, e.trouble), (Step::Select, Trouble::Renumbered));
    renumbered(imap.open(&junk, 6, Uid(3)).await.unwrap_err());
    renumbered(imap.peek(&junk, 6, Uid(3), 9).await.unwrap_err());
    renumbered(imap.move_to(&junk, 6, &[Uid(3)], &inbox).await.unwrap_err());
    renumbered(imap.set_flags(&junk, 6, &[Uid(3)], &[Flag::Seen]).await.unwrap_err());
    end(imap, script).await;
}

#[tokio::test(start_paused = true)]
async fn move_tells_the_new_uids_untagged_or_tagged() {
    for (untagged, tagged) in [("S: * OK [COPYUID 9 3,5 21:22] Moved\n", ""), ("", "[COPYUID 9 3,5 21:22] ")] {
        let text = format!(
            "C: UID FETCH 3,5 (UID)
             S: * 1 FETCH (UID 3)
             S: * 2 FETCH (UID 5)
             S: $ OK
             C: UID MOVE 3,5 \"INBOX\"
             {untagged}S: * 1 EXPUNGE
             S: * 1 EXPUNGE
             S: $ OK {tagged}done"
        );
        let moved = move_from_junk("MOVE UIDPLUS", &[5, 3, 5], &text).await.unwrap();
        assert_eq!(moved, Moved { moved: vec![went(3, 21), went(5, 22)], ..Moved::default() });
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_expunged_between_look_and_move_is_gone_and_not_moved() {
    let before = "
        C: UID FETCH 3:5 (UID)
        S: * 1 FETCH (UID 3)
        S: * 2 FETCH (UID 5)
        S: $ OK
        C: UID MOVE 3,5 \"INBOX\"
        S: * OK [COPYUID 9 3 21] Moved
        S: * 1 EXPUNGE
        S: $ OK
        C: UID FETCH 5 (UID)
        S: $ OK";
    let moved = move_from_junk("MOVE UIDPLUS", &[3, 4, 5], before).await.unwrap();
    assert_eq!(moved, Moved { moved: vec![went(3, 21)], gone: uids(&[4, 5]), ..Moved::default() });

    let all = "C: UID FETCH 3 (UID)\nS: $ OK";
    assert_eq!(
        move_from_junk("MOVE", &[3], all).await.unwrap(),
        Moved { gone: uids(&[3]), ..Moved::default() },
        "nothing is asked to move"
    );
    assert_eq!(move_from_junk("MOVE", &[], "").await.unwrap(), Moved::default());
}

#[tokio::test(start_paused = true)]
async fn an_ok_that_moved_nothing_is_not_taken_for_a_move() {
    let text = "
        C: UID FETCH 3,5 (UID)
        S: * 1 FETCH (UID 3)
        S: * 2 FETCH (UID 5)
        S: $ OK
        C: UID MOVE 3,5 \"INBOX\"
        S: $ OK
        C: UID FETCH 3,5 (UID)
        S: * 2 FETCH (UID 5)
        S: $ OK";
    let moved = move_from_junk("MOVE", &[3, 5], text).await.unwrap();
    assert_eq!(moved, Moved { moved: vec![(Uid(3), None)], ..Moved::default() }, "3 went, where to is not known; 5 is where it was");
}

#[tokio::test(start_paused = true)]
async fn a_refused_move_is_an_error_and_a_missing_target_is_a_folder_gone() {
    let refused = |reply: &str| format!("C: UID FETCH 3 (UID)\nS: * 1 FETCH (UID 3)\nS: $ OK\nC: UID MOVE 3 \"INBOX\"\nS: $ {reply}");
    let error = move_from_junk("MOVE", &[3], &refused("NO over quota")).await.unwrap_err();
    assert_eq!(error.step, Step::Move);
    assert!(matches!(&error.trouble, Trouble::Refused(reply) if reply.text == "NO over quota"));
    let error = move_from_junk("MOVE", &[3], &refused("NO [TRYCREATE] no such folder")).await.unwrap_err();
    assert!(matches!(error.trouble, Trouble::FolderGone(_)));
}

const COPIED: &str = "
    C: UID FETCH 3,5 (UID)
    S: * 1 FETCH (UID 3)
    S: * 2 FETCH (UID 5)
    S: $ OK
    C: UID COPY 3,5 \"INBOX\"
    S: $ OK
    C: UID STORE 3,5 +FLAGS.SILENT (\\Deleted)
    S: $ OK
    C: UID FETCH 3,5 (UID)
    S: * 1 FETCH (UID 3)
    S: * 2 FETCH (UID 5)
    S: $ OK
";

#[tokio::test(start_paused = true)]
async fn without_move_copy_and_uid_expunge_take_exactly_ours() {
    let text = COPIED.replace("\"INBOX\"\n    S: $ OK", "\"INBOX\"\n    S: $ OK [COPYUID 9 3,5 21,22] done")
        + "C: UID EXPUNGE 3,5
           S: * 1 EXPUNGE
           S: * 1 EXPUNGE
           S: $ OK
           C: UID FETCH 3,5 (UID)
           S: $ OK";
    let moved = move_from_junk("UIDPLUS", &[3, 5], &text).await.unwrap();
    assert_eq!(moved, Moved { moved: vec![went(3, 21), went(5, 22)], ..Moved::default() });
}

#[tokio::test(start_paused = true)]
async fn a_server_with_copyuid_says_what_it_did_not_copy() {
    let text = "
        C: UID FETCH 3,5 (UID)
        S: * 1 FETCH (UID 3)
        S: * 2 FETCH (UID 5)
        S: $ OK
        C: UID COPY 3,5 \"INBOX\"
        S: $ OK [COPYUID 9 3 21] done
        C: UID STORE 3 +FLAGS.SILENT (\\Deleted)
        S: $ OK
        C: UID FETCH 3 (UID)
        S: * 1 FETCH (UID 3)
        S: $ OK
        C: UID EXPUNGE 3
        S: $ OK
        C: UID FETCH 3 (UID)
        S: $ OK
        C: UID FETCH 5 (UID)
        S: $ OK";
    let moved = move_from_junk("UIDPLUS", &[3, 5], text).await.unwrap();
    assert_eq!(moved, Moved { moved: vec![went(3, 21)], gone: uids(&[5]), ..Moved::default() });
}

#[tokio::test(start_paused = true)]
async fn without_uidplus_expunge_is_used_where_it_takes_exactly_ours() {
    let text = COPIED.to_owned()
        + "C: UID SEARCH DELETED
           S: * SEARCH 5 3
           S: $ OK
           C: EXPUNGE
           S: * 1 EXPUNGE
           S: * 1 EXPUNGE
           S: $ OK
           C: UID FETCH 3,5 (UID)
           S: $ OK";
    let moved = move_from_junk("", &[3, 5], &text).await.unwrap();
    assert_eq!(moved, Moved { moved: vec![(Uid(3), None), (Uid(5), None)], ..Moved::default() });
}

#[tokio::test(start_paused = true)]
async fn without_uidplus_other_peoples_deleted_messages_are_left_alone() {
    let text = COPIED.to_owned() + "C: UID SEARCH DELETED\nS: * SEARCH 2 3 5\nS: $ OK";
    let moved = move_from_junk("", &[3, 5], &text).await.unwrap();
    assert_eq!(moved, Moved { left_marked: uids(&[3, 5]), ..Moved::default() });
}

#[tokio::test(start_paused = true)]
async fn refusals_on_the_way_without_move_are_errors() {
    let text = COPIED.split("C: UID STORE").next().unwrap().to_owned() + "C: UID STORE 3,5 +FLAGS.SILENT (\\Deleted)\nS: $ NO read-only";
    assert_eq!(move_from_junk("", &[3, 5], &text).await.unwrap_err().step, Step::Store);
    let text = COPIED.to_owned() + "C: UID SEARCH DELETED\nS: $ NO no searching";
    assert_eq!(move_from_junk("", &[3, 5], &text).await.unwrap_err().step, Step::Search);
}

/// Sets flags on messages 3 and 4 of INBOX; the flags that were left out.
async fn flag(capabilities: &str, flags: &[Flag], text: &str) -> Result<Vec<Flag>, MailError> {
    let (mut imap, script) = session(capabilities, text).await;
    let left_out = imap.set_flags(&folder("INBOX"), 7, &uids(&[3, 4]), flags).await;
    end(imap, script).await;
    left_out
}

#[tokio::test(start_paused = true)]
async fn flags_of_many_messages_are_one_store() {
    let text = selecting(
        "INBOX",
        "C: UID STORE 3:4 +FLAGS.SILENT (\\Seen \\Answered)
         S: * 1 FETCH (UID 3 FLAGS (\\Seen \\Answered))
         S: $ OK
         C: UID STORE 3:4 +FLAGS.SILENT ($NotJunk)
         S: $ OK
         C: UID STORE 3:4 -FLAGS.SILENT ($Junk)
         S: $ OK",
    );
    assert_eq!(flag("", &[Flag::Seen, Flag::NotJunk, Flag::Answered], &text).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn keywords_that_the_folder_does_not_permit_are_left_out_and_told() {
    let text = selecting("INBOX", "C: UID STORE 3:4 +FLAGS.SILENT (\\Seen)\nS: $ OK").replace(" \\*)", ")");
    assert_eq!(flag("", &[Flag::Seen, Flag::NotJunk, Flag::Important], &text).await.unwrap(), [Flag::Important, Flag::NotJunk]);
}

#[tokio::test(start_paused = true)]
async fn a_keyword_refused_at_store_is_left_out_and_a_refused_system_flag_is_an_error() {
    let text = selecting(
        "INBOX",
        "C: UID STORE 3:4 +FLAGS.SILENT (\\Seen)
         S: $ OK
         C: UID STORE 3:4 +FLAGS.SILENT ($NotJunk)
         S: $ NO [LIMIT-KEYWORDS] no keywords here
         C: UID STORE 3:4 -FLAGS.SILENT ($Junk)
         S: $ OK",
    );
    assert_eq!(flag("", &[Flag::Seen, Flag::NotJunk], &text).await.unwrap(), [Flag::NotJunk]);
    let error = flag("", &[Flag::Seen], &selecting("INBOX", "C: UID STORE 3:4 +FLAGS.SILENT (\\Seen)\nS: $ NO no")).await.unwrap_err();
    assert_eq!(error.step, Step::Store);
    assert!(matches!(error.trouble, Trouble::Refused(_)));
}

#[tokio::test(start_paused = true)]
async fn gmails_important_is_a_label() {
    let text = selecting(
        "INBOX",
        "C: UID STORE 3:4 +X-GM-LABELS (\\Important)\nS: * 1 FETCH (X-GM-LABELS (\"\\\\Important\" Work) UID 3)\nS: $ OK",
    );
    assert_eq!(flag("X-GM-EXT-1", &[Flag::Important], &text).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn hundreds_of_messages_go_in_bounded_sets() {
    let numbers: Vec<u32> = (1..=700).collect();
    let text = "C: UID STORE 1:500 +FLAGS.SILENT (\\Seen)\nS: $ OK\nC: UID STORE 501:700 +FLAGS.SILENT (\\Seen)\nS: $ OK";
    let (mut imap, script) = session("", &selecting("INBOX", text)).await;
    assert_eq!(imap.set_flags(&folder("INBOX"), 7, &uids(&numbers), &[Flag::Seen]).await.unwrap(), []);
    end(imap, script).await;
}

#[tokio::test(start_paused = true)]
async fn a_move_that_is_offered_and_not_understood_is_done_the_old_way() {
    let text = "
        C: UID FETCH 3 (UID)
        S: * 1 FETCH (UID 3)
        S: $ OK
        C: UID MOVE 3 \"INBOX\"
        S: $ BAD unknown command
        C: UID COPY 3 \"INBOX\"
        S: $ OK [COPYUID 9 3 11] copied
        C: UID STORE 3 +FLAGS.SILENT (\\Deleted)
        S: $ OK
        C: UID FETCH 3 (UID)
        S: * 1 FETCH (UID 3)
        S: $ OK
        C: UID EXPUNGE 3
        S: * 1 EXPUNGE
        S: $ OK
        C: UID FETCH 3 (UID)
        S: $ OK";
    let moved = move_from_junk("MOVE UIDPLUS", &[3], text).await.unwrap();
    assert_eq!(moved, Moved { moved: vec![went(3, 11)], ..Moved::default() });
}

/// Deletes messages 3 and 5 of INBOX.
async fn delete(capabilities: &str, text: &str) -> Result<Deleted, MailError> {
    let (mut imap, script) = session(capabilities, &selecting("INBOX", text)).await;
    let deleted = imap.delete(&folder("INBOX"), 7, &uids(&[3, 4, 5])).await;
    end(imap, script).await;
    deleted
}

const MARKED: &str = "
    C: UID FETCH 3:5 (UID)
    S: * 1 FETCH (UID 3)
    S: * 2 FETCH (UID 5)
    S: $ OK
    C: UID STORE 3,5 +FLAGS.SILENT (\\Deleted)
    S: $ OK
    C: UID FETCH 3,5 (UID)
    S: * 1 FETCH (UID 3)
    S: * 2 FETCH (UID 5)
    S: $ OK
";

#[tokio::test(start_paused = true)]
async fn deleting_takes_exactly_ours_or_leaves_them_marked() {
    let gone = uids(&[4]);
    let with_uidplus =
        MARKED.to_owned() + "C: UID EXPUNGE 3,5\nS: * 1 EXPUNGE\nS: $ OK\nC: UID FETCH 3,5 (UID)\nS: * 1 FETCH (UID 5)\nS: $ OK";
    let deleted = delete("UIDPLUS", &with_uidplus).await.unwrap();
    assert_eq!(deleted, Deleted { deleted: uids(&[3]), left_marked: uids(&[5]), gone: gone.clone() }, "one that the server kept");

    let alone = MARKED.to_owned() + "C: UID SEARCH DELETED\nS: * SEARCH 3 5\nS: $ OK\nC: EXPUNGE\nS: $ OK\nC: UID FETCH 3,5 (UID)\nS: $ OK";
    assert_eq!(delete("", &alone).await.unwrap(), Deleted { deleted: uids(&[3, 5]), gone: gone.clone(), ..Deleted::default() });

    let beside_others = MARKED.to_owned() + "C: UID SEARCH DELETED\nS: * SEARCH 2 3 5\nS: $ OK";
    assert_eq!(delete("", &beside_others).await.unwrap(), Deleted { left_marked: uids(&[3, 5]), gone, ..Deleted::default() });

    let all_gone = "C: UID FETCH 3:5 (UID)\nS: $ OK";
    assert_eq!(delete("UIDPLUS", all_gone).await.unwrap(), Deleted { gone: uids(&[3, 4, 5]), ..Deleted::default() });
    let refused = MARKED.split("S: $ OK\n    C: UID FETCH 3,5").next().unwrap().to_owned() + "S: $ NO read-only";
    assert_eq!(delete("UIDPLUS", &refused).await.unwrap_err().step, Step::Store);
}
