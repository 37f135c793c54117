use std::fmt;

use crate::mail::imap::look::ITEMS as SHIPPED;
use crate::mail::imap::script::{Script, end, folder, selecting, session};
use crate::mail::{Cursor, Inbox, Look, MailError, Step, StoredFlags, Trouble, Uid};
use crate::words::Moment;

/// The items of a look's FETCH.
struct Items;
const ITEMS: Items = Items;

impl fmt::Display for Items {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&SHIPPED)
    }
}

/// A FETCH answer of a look: `uid` with a header of 11 bytes.
fn header(uid: u32) -> String {
    format!(
        "S: * 1 FETCH (UID {uid} FLAGS (\\Recent) INTERNALDATE \" 1-Dec-2026 06:00:00 +0000\" RFC822.SIZE 900 \
         BODY[HEADER.FIELDS (X-PREHEAT MESSAGE-ID)] {{11}}\\r\\nX-P: {uid:04}\\r\\n)\n"
    )
}

/// A look's FETCH of a range, and its answers.
fn fetched(first: u32, last: u32, answers: &str) -> String {
    format!("C: UID FETCH {first}:{last} {ITEMS}\n{answers}S: $ OK\n")
}

fn since() -> Moment {
    Moment::parse_rfc3339("2026-12-01T06:00:00Z").unwrap()
}

fn cursor(uid: u32) -> Cursor {
    Cursor { uid_validity: 7, uid }
}

fn uids(look: &Look) -> Vec<u32> {
    look.new.iter().map(|h| h.uid.0).collect()
}

async fn look(capabilities: &str, from: Option<Cursor>, text: &str) -> Result<Look, MailError> {
    let (mut imap, script) = session(capabilities, &selecting("INBOX", text)).await;
    let look = imap.look(&folder("INBOX"), from, since()).await;
    end(imap, script).await;
    look
}

#[tokio::test(start_paused = true)]
async fn new_messages_are_fetched_with_peek_and_the_last_one_again_is_not_new() {
    let text = format!("C: UID FETCH 11:* {ITEMS}\n{}S: $ OK\n", header(10));
    let seen = look("", Some(cursor(10)), &text).await.unwrap();
    assert_eq!((seen.uid_validity, seen.renumbered, seen.cursor, seen.more), (7, false, cursor(10), false));
    assert_eq!(seen.new, []);

    let text = format!("C: UID FETCH 9:* {ITEMS}\n{}{}S: $ OK\n", header(12), header(10));
    let seen = look("", Some(cursor(8)), &text).await.unwrap();
    assert_eq!((uids(&seen), seen.cursor), (vec![10, 12], cursor(12)));
    let first = &seen.new[0];
    assert_eq!((first.flags.clone(), first.received, first.size), (vec!["\\Recent".to_owned()], Some(since()), 900));
    assert_eq!(first.raw, b"X-P: 0010\r\n");
    assert!(SHIPPED.contains("BODY.PEEK[") && !SHIPPED.replace("BODY.PEEK[", "").contains("BODY["), "nothing sets \\Seen");
    assert!(SHIPPED.len() < 600, "with a set of UIDs, a command line is still short");
}

#[tokio::test(start_paused = true)]
async fn answers_about_changed_flags_and_messages_told_of_in_pieces_are_put_right() {
    let text = format!(
        "C: UID FETCH 9:* {ITEMS}
         S: * 1 FETCH (UID 12 FLAGS (\\Seen))
         S: * 2 FETCH (FLAGS (\\Seen))
         S: * 3 FETCH (UID 11 RFC822.SIZE 5 BODY[HEADER.FIELDS (X-PREHEAT)] NIL)
         S: * 3 FETCH (UID 11 FLAGS (\\Answered) INTERNALDATE \"nonsense\")
         S: $ OK"
    );
    let seen = look("", Some(cursor(8)), &text).await.unwrap();
    assert_eq!(uids(&seen), [11]);
    let message = &seen.new[0];
    assert_eq!((message.flags.clone(), message.size, message.received, message.raw.len()), (vec!["\\Answered".to_owned()], 5, None, 0));
}

#[tokio::test(start_paused = true)]
async fn without_a_cursor_the_last_days_are_searched_and_older_mail_is_below_the_cursor() {
    let text = format!(
        "C: UID SEARCH SINCE 30-Nov-2026
         S: * SEARCH 10 5 6
         S: $ OK
         C: UID FETCH 5:6,10 {ITEMS}
         {}{}S: $ OK",
        header(5),
        header(10)
    );
    let seen = look("", None, &text).await.unwrap();
    assert_eq!((uids(&seen), seen.cursor, seen.renumbered, seen.more), (vec![5, 10], cursor(10), false, false));

    let seen = look("", None, "C: UID SEARCH SINCE 30-Nov-2026\nS: * SEARCH\nS: $ OK").await.unwrap();
    assert_eq!((uids(&seen), seen.cursor), (vec![], cursor(10)), "an old folder is not read from its beginning next time");
}

#[tokio::test(start_paused = true)]
async fn a_changed_uidvalidity_scans_the_last_days_again_and_says_so() {
    let from = Some(Cursor { uid_validity: 6, uid: 900 });
    let text = format!("C: UID SEARCH SINCE 30-Nov-2026\nS: * SEARCH 3\nS: $ OK\nC: UID FETCH 3 {ITEMS}\n{}S: $ OK", header(3));
    let seen = look("", from, &text).await.unwrap();
    assert_eq!((uids(&seen), seen.cursor, seen.renumbered), (vec![3], cursor(10), true));
}

#[tokio::test(start_paused = true)]
async fn refusals_are_errors_and_never_an_empty_folder() {
    let refused = |reply: &str| Trouble::Refused(crate::words::Reply::new(crate::words::Reply::NO, reply));
    let error = look("", Some(cursor(8)), &format!("C: UID FETCH 9:* {ITEMS}\nS: $ NO cannot read")).await.unwrap_err();
    assert_eq!((error.step, error.trouble), (Step::Fetch, refused("NO cannot read")));
    let error = look("", None, "C: UID SEARCH SINCE 30-Nov-2026\nS: $ NO no searching").await.unwrap_err();
    assert_eq!((error.step, error.trouble), (Step::Search, refused("NO no searching")));
    let error = look("", None, "C: UID SEARCH SINCE 30-Nov-2026\nS: $ BAD what").await.unwrap_err();
    assert!(matches!(error.trouble, Trouble::Refused(reply) if reply.code == crate::words::Reply::BAD));
}

async fn select_fails(text: &str) -> MailError {
    let (mut imap, script) = session("", &format!("C: SELECT \"Junk\"\n{text}")).await;
    let error = imap.look(&folder("Junk"), None, since()).await.unwrap_err();
    end(imap, script).await;
    assert_eq!(error.step, Step::Select);
    error
}

#[tokio::test(start_paused = true)]
async fn a_no_to_select_is_a_folder_gone_unless_it_may_pass() {
    let error = select_fails("S: $ NO [NONEXISTENT] no such folder").await;
    assert!(matches!(&error.trouble, Trouble::FolderGone(reply) if reply.text == "NO [NONEXISTENT] no such folder"));
    assert!(!error.is_connection_lost());
    assert!(matches!(select_fails("S: $ NO [INUSE] locked").await.trouble, Trouble::Refused(reply) if reply.is_transient()));
    assert!(matches!(select_fails("S: $ BAD eh").await.trouble, Trouble::Refused(_)));
    assert!(matches!(select_fails("S: * 1 EXISTS\nS: $ OK").await.trouble, Trouble::Protocol(t) if t.contains("UIDVALIDITY")));
}

#[tokio::test(start_paused = true)]
async fn a_folder_whose_name_would_be_a_command_is_never_asked_for() {
    let (mut imap, script) = session("", "").await;
    let error = imap.look(&folder("x\"\r\na1 DELETE INBOX"), None, since()).await.unwrap_err();
    assert!(matches!(error.trouble, Trouble::FolderGone(_)));
    end(imap, script).await;
}

#[tokio::test(start_paused = true)]
async fn a_selected_folder_is_not_selected_again_and_another_one_is() {
    let text = selecting(
        "INBOX",
        &format!(
            "C: UID FETCH 11:* {ITEMS}
             S: $ OK
             C: NOOP
             S: * 4 EXISTS
             S: $ OK
             C: UID FETCH 11:* {ITEMS}
             {}S: $ OK
             {}C: UID FETCH 11:* {ITEMS}
             S: $ OK",
            header(11),
            selecting("Junk", "")
        ),
    );
    let (mut imap, script) = session("", &text).await;
    assert_eq!(uids(&imap.look(&folder("INBOX"), Some(cursor(10)), since()).await.unwrap()), Vec::<u32>::new());
    assert_eq!(uids(&imap.look(&folder("INBOX"), Some(cursor(10)), since()).await.unwrap()), [11]);
    assert_eq!(uids(&imap.look(&folder("Junk"), Some(cursor(10)), since()).await.unwrap()), Vec::<u32>::new());
    end(imap, script).await;
}

/// A folder of `exists` messages, UIDVALIDITY 7.
fn large(exists: u32, uid_next: &str, text: &str) -> String {
    format!("C: SELECT \"INBOX\"\nS: * {exists} EXISTS\nS: * OK [UIDVALIDITY 7] ok\n{uid_next}\nS: $ OK\n{text}")
}

#[tokio::test(start_paused = true)]
async fn a_large_folder_is_read_in_windows_and_searched_in_parts() {
    let windows: String = (1..=11).map(|n| fetched(n * 500 - 499, n * 500, &header(n * 500))).collect::<Vec<_>>().concat();
    let rest = format!("C: UID FETCH 5501:* {ITEMS}\n{}S: $ OK", header(5_601));
    let (mut imap, script) = session("", &large(6_000, "S: * OK [UIDNEXT 5601] ok", &(windows + &rest))).await;
    let seen = imap.look(&folder("INBOX"), Some(cursor(0)), since()).await.unwrap();
    assert_eq!((seen.new.len(), seen.cursor, seen.more), (12, cursor(5_601), false));
    end(imap, script).await;

    let parts = "
        C: UID SEARCH 7001:* SINCE 30-Nov-2026
        S: * SEARCH
        S: $ OK
        C: UID SEARCH 2001:7000 SINCE 30-Nov-2026
        S: * 2 EXPUNGE
        S: * SEARCH
        S: $ OK
        C: UID SEARCH 1:2000 SINCE 30-Nov-2026
        S: * SEARCH
        S: $ OK
        C: UID FETCH * (UID)
        S: * 11999 FETCH (UID 44000)
        S: $ OK";
    let (mut imap, script) = session("", &large(12_000, "", parts)).await;
    let seen = imap.look(&folder("INBOX"), None, since()).await.unwrap();
    assert_eq!((uids(&seen), seen.cursor), (vec![], cursor(44_000)), "without UIDNEXT the last message is asked for");
    end(imap, script).await;
}

#[tokio::test(start_paused = true)]
async fn a_look_takes_five_thousand_and_says_that_there_is_more() {
    let found = (1..=5_001).map(|uid: u32| uid.to_string()).collect::<Vec<_>>().join(" ");
    let mut text = format!(
        "C: UID SEARCH 2:* SINCE 30-Nov-2026\nS: * SEARCH {found}\nS: $ OK\nC: UID SEARCH 1:1 SINCE 30-Nov-2026\nS: * SEARCH 1\nS: $ OK\n"
    );
    for part in 0..10 {
        let (first, last) = (part * 500 + 1, part * 500 + 500);
        text += &fetched(first, last, &(first..=last).map(header).collect::<Vec<_>>().concat());
    }
    let (mut imap, script) = session("", &large(5_001, "S: * OK [UIDNEXT 5002] ok", &text)).await;
    let seen = imap.look(&folder("INBOX"), None, since()).await.unwrap();
    assert_eq!((seen.new.len(), seen.cursor, seen.more), (5_000, cursor(5_000), true));
    end(imap, script).await;
}

#[tokio::test(start_paused = true)]
async fn the_end_of_the_numbers_and_an_empty_folder_are_nothing_new() {
    let (mut imap, script) = session("", &large(3, "", "")).await;
    let seen = imap.look(&folder("INBOX"), Some(cursor(u32::MAX)), since()).await.unwrap();
    assert_eq!((seen.new.len(), seen.renumbered, seen.cursor), (0, false, cursor(u32::MAX)));
    end(imap, script).await;
    let (mut imap, script) = session("", &large(0, "S: * OK [UIDNEXT 9] ok", "")).await;
    let seen = imap.look(&folder("INBOX"), None, since()).await.unwrap();
    assert_eq!((seen.new.len(), seen.cursor), (0, cursor(8)));
    end(imap, script).await;
}

#[tokio::test(start_paused = true)]
async fn uids_that_went_back_are_a_folder_to_be_read_again() {
    // UIDNEXT is 11: a cursor at 4,294,967,295, from an answer that was out of all proportion, would hide every message to come.
    for gone_back in [11, 500, u32::MAX] {
        let text = format!(
            "C: UID SEARCH SINCE 30-Nov-2026\nS: * SEARCH 9\nS: $ OK\nC: UID FETCH 9 {ITEMS}\n{}S: $ OK\nC: NOOP\nS: $ OK\nC: UID FETCH 11:* {ITEMS}\n{}S: $ OK\nC: NOOP\nS: $ OK\nC: UID FETCH 13:* {ITEMS}\nS: $ OK\n",
            header(9),
            header(12)
        );
        let (mut imap, script) = session("", &selecting("INBOX", &text)).await;
        let seen = imap.look(&folder("INBOX"), Some(cursor(gone_back)), since()).await.unwrap();
        assert_eq!((uids(&seen), seen.renumbered, seen.cursor), (vec![9], true, cursor(10)));
        // What came since the folder was selected is above its UIDNEXT, and no reason to begin again.
        let seen = imap.look(&folder("INBOX"), Some(seen.cursor), since()).await.unwrap();
        assert_eq!((uids(&seen), seen.renumbered, seen.cursor), (vec![12], false, cursor(12)));
        let seen = imap.look(&folder("INBOX"), Some(seen.cursor), since()).await.unwrap();
        assert_eq!((uids(&seen), seen.renumbered, seen.cursor), (vec![], false, cursor(12)));
        end(imap, script).await;
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_long_header_only_the_beginning_is_kept() {
    let long = "x".repeat(1 << 20);
    let fetch = format!("raw: * 1 FETCH (UID 11 BODY[HEADER.FIELDS (X-PREHEAT)] {{{}}}\\r\\n\nraw: {long}\nS: )\n", long.len());
    let seen = look("", Some(cursor(10)), &format!("C: UID FETCH 11:* {ITEMS}\n{fetch}S: $ OK\n")).await.unwrap();
    assert_eq!((seen.new[0].raw.len(), seen.new[0].raw.capacity()), (64 << 10, 64 << 10));
}

#[tokio::test(start_paused = true)]
async fn gmail_tells_the_category_of_new_messages_by_search() {
    let text = format!(
        "C: UID FETCH 11:* {ITEMS}
         {}{}S: $ OK
         C: UID SEARCH UID 11:12 X-GM-RAW \"category:promotions\"
         S: * SEARCH 12
         S: $ OK
         C: UID SEARCH UID 11:12 X-GM-RAW \"category:social\"
         S: * SEARCH
         S: $ OK
         C: UID SEARCH UID 11:12 X-GM-RAW \"category:updates\"
         S: $ OK
         C: UID SEARCH UID 11:12 X-GM-RAW \"category:forums\"
         S: * SEARCH 99
         S: $ OK",
        header(11),
        header(12)
    );
    let seen = look("X-GM-EXT-1", Some(cursor(10)), &text).await.unwrap();
    let categories: Vec<_> = seen.new.iter().map(|h| h.category.as_deref()).collect();
    assert_eq!(categories, [None, Some("promotions")]);
}

#[tokio::test(start_paused = true)]
async fn flags_are_told_of_known_messages_and_of_no_others() {
    let text = "
        C: UID FETCH 3:4,9 (UID FLAGS)
        S: * 1 FETCH (UID 3 FLAGS (\\Seen $NotJunk))
        S: * 2 FETCH (UID 5 FLAGS (\\Seen))
        S: * 3 FETCH (FLAGS (\\Deleted) UID 9)
        S: $ OK";
    let (mut imap, script) = session("", &selecting("INBOX", text)).await;
    let flags = imap.flags_of(&folder("INBOX"), 7, &[Uid(9), Uid(3), Uid(4)]).await.unwrap();
    let expected = [(3, vec!["\\Seen", "$NotJunk"]), (9, vec!["\\Deleted"])]
        .map(|(uid, flags)| StoredFlags { uid: Uid(uid), flags: flags.into_iter().map(str::to_owned).collect() });
    assert_eq!(flags, expected);
    end(imap, script).await;

    let (mut imap, script) = session("", &selecting("INBOX", "")).await;
    let error = imap.flags_of(&folder("INBOX"), 8, &[Uid(9)]).await.unwrap_err();
    assert_eq!((error.step, error.trouble), (Step::Select, Trouble::Renumbered));
    end(imap, script).await;
}

#[tokio::test]
async fn a_script_that_does_not_fit_fails_its_test() {
    let (client, script) = Script::play("C: NOOP");
    drop(client);
    assert!(tokio::spawn(script.done()).await.is_err());
}
