//! Servers that break off, lie, or flood.

use crate::mail::imap::Imap;
use crate::mail::imap::script::{Script, end, folder, selecting, session};
use crate::mail::{Inbox, MailError, Step, Trouble, Uid};
use tokio::io::DuplexStream;

/// The error of a `flags_of` that the server answers with `text`, and the session after it.
async fn fails(text: &str) -> (MailError, Imap<DuplexStream>, Script) {
    let (mut imap, script) = session("", &selecting("INBOX", &format!("C: UID FETCH 3 (UID FLAGS)\n{text}"))).await;
    let error = imap.flags_of(&folder("INBOX"), 7, &[Uid(3)]).await.unwrap_err();
    assert_eq!(error.step, Step::Fetch);
    (error, imap, script)
}

async fn trouble(text: &str) -> Trouble {
    let (error, imap, script) = fails(text).await;
    end(imap, script).await;
    assert!(error.is_connection_lost(), "{error}");
    error.trouble
}

#[tokio::test(start_paused = true)]
async fn an_end_in_the_middle_of_a_fetch_is_no_empty_answer() {
    assert_eq!(trouble("close").await, Trouble::Closed("the connection ended".into()));
    assert_eq!(trouble("S: * 1 FETCH (UID 3 FLAGS ())\nclose").await, Trouble::Closed("the connection ended".into()));
    assert_eq!(trouble("raw: * 1 FETCH (UID 3 BODY[] {500}\\r\\nabc\nclose").await, Trouble::Closed("in the middle of an answer".into()));
    assert_eq!(trouble("S: * BYE shutting down\nclose").await, Trouble::Closed("shutting down".into()));
}

#[tokio::test(start_paused = true)]
async fn another_commands_end_is_not_ours() {
    assert!(matches!(trouble("S: zz9 OK FETCH done").await, Trouble::Protocol(_)));
    assert!(matches!(trouble("S: p1 OK FETCH done").await, Trouble::Protocol(_)));
    assert!(matches!(trouble("S: + go on").await, Trouble::Protocol(_)));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_imap_is_an_error_that_keeps_none_of_it() {
    for text in ["S: * 1 FETCH secret", "S: secret", "S: * CAPABILITY secret"] {
        let trouble = trouble(text).await;
        assert_eq!(trouble, Trouble::Protocol("an answer that is not IMAP".into()), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_makes_the_parser_panic_ends_the_session_only() {
    for text in ["S: * 1 FETCH (UID 3 INTERNALDATE NIL)", "S: * OK [ALERT]é"] {
        let (error, mut imap, script) = fails(text).await;
        assert_eq!(error.trouble, Trouble::Protocol("an answer that the parser cannot take".into()), "{text}");
        let again = imap.flags_of(&folder("INBOX"), 7, &[Uid(3)]).await.unwrap_err();
        assert!(matches!(again.trouble, Trouble::Closed(_)), "{again}");
        end(imap, script).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_answers_is_cut_off() {
    for line in ["* 1 EXPUNGE", "* OK [UNSEEN 1] x", "* 2 FETCH (FLAGS (\\Seen))"] {
        let trouble = trouble(&format!("storm: 30000 {line}\nclose")).await;
        assert!(matches!(&trouble, Trouble::OverLimit(text) if text.contains("20000 answers")), "{line}: {trouble:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn answers_of_kinds_that_nobody_asked_for_are_passed_over() {
    let text = selecting(
        "INBOX",
        "C: UID FETCH 3 (UID FLAGS)
         S: * ESEARCH (TAG \"x\") UID ALL 1:3
         S: * VANISHED 1:9
         S: * THREAD (1)(2)
         S: * OK [HIGHESTMODSEQ 12] x
         S: * OK [UNHEARD-OF (1 2)] x
         S: * 1 FETCH (UID 3 FLAGS (\\Seen) MODSEQ (12) X-SOMETHING \"x\")
         S: $ OK",
    );
    let (mut imap, script) = session("", &text).await;
    assert_eq!(imap.flags_of(&folder("INBOX"), 7, &[Uid(3)]).await.unwrap().len(), 1);
    end(imap, script).await;
}

#[tokio::test(start_paused = true)]
async fn silence_is_a_time_out_and_the_session_is_not_used_again() {
    let (error, mut imap, _script) = fails("S: * 1 FETCH (UID 3 FLAGS ())\nhang").await;
    assert_eq!(error.trouble, Trouble::TimedOut(60));
    let again = imap.flags_of(&folder("INBOX"), 7, &[Uid(3)]).await.unwrap_err();
    assert!(matches!(again.trouble, Trouble::Closed(_)), "{again}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_dropped_half_way_leaves_no_session_out_of_step() {
    let (mut imap, _script) = session("", &selecting("INBOX", "C: UID FETCH 3 (UID FLAGS)\nhang")).await;
    let dropped = crate::clock::within(std::time::Duration::from_secs(1), imap.flags_of(&folder("INBOX"), 7, &[Uid(3)])).await;
    assert!(dropped.is_err());
    let again = imap.flags_of(&folder("INBOX"), 7, &[Uid(3)]).await.unwrap_err();
    assert!(matches!(again.trouble, Trouble::Closed(_)), "{again}");
}

/// Pieces of IMAP, to be put together wrongly. At most 14 a line: the wire lets no deeper nesting through than that.
const PIECES: [&str; 30] = [
    "* ",
    "$ OK",
    "$ NO ",
    "+ ",
    " ",
    "(",
    ")",
    "\"",
    "\\\\",
    "{3}\\r\\n",
    "{99999999999}\\r\\n",
    "[",
    "]",
    "é",
    "NIL",
    "1",
    "4294967296",
    "1 FETCH (",
    "UID 3",
    "FLAGS (",
    "INTERNALDATE ",
    "BODY[] ",
    "OK [ALERT]",
    "OK [COPYUID 1 1:4294967295 1:2] ",
    "NAMESPACE (",
    "LIST (",
    "SEARCH ",
    "\\r\\n",
    "BYE ",
    "EXISTS",
];

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]
    #[test]
    fn no_answer_at_all_brings_down_more_than_its_session(pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..14)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let text = format!("C: UID FETCH 3 (UID)\nraw: {}\nclose", pieces.concat());
            let (mut imap, script) = session("MOVE UIDPLUS", &selecting("Junk", &text)).await;
            let moved = imap.move_to(&folder("Junk"), 7, &[Uid(3)], &folder("INBOX")).await;
            // An error or an empty hand; but it comes to an end without a panic, and nothing counts as moved.
            assert!(moved.ok().is_none_or(|m| m.moved.is_empty()));
            end(imap, script).await;
        });
    }
}
