use std::future::{pending, ready};
use std::pin::pin;

use crate::mail::imap::script::{end, folder, selecting, session};
use crate::mail::{Cursor, Idled, Inbox, MailError, Step, Trouble};
use crate::words::Moment;

/// Idles in INBOX at a server that goes on with `text` behind SELECT; then says NOOP, which shows that the session goes on.
async fn idle(text: &str) -> Idled {
    let text = selecting("INBOX", &format!("{text}\nC: NOOP\nS: $ OK"));
    let (mut imap, script) = session("IDLE", &text).await;
    let idled = imap.idle(&folder("INBOX"), pin!(pending())).await.unwrap();
    imap.talk.exec(Step::Close, "NOOP").await.unwrap();
    end(imap, script).await;
    idled
}

async fn idle_fails(text: &str) -> MailError {
    let (mut imap, script) = session("IDLE", &selecting("INBOX", text)).await;
    let error = imap.idle(&folder("INBOX"), pin!(pending())).await.unwrap_err();
    end(imap, script).await;
    assert_eq!(error.step, Step::Idle);
    error
}

#[tokio::test(start_paused = true)]
async fn news_ends_the_idle_with_done_and_the_session_goes_on() {
    for news in ["S: * 4 EXISTS", "S: * 1 RECENT", "S: * 2 EXPUNGE", "S: * 2 FETCH (FLAGS (\\Seen))"] {
        assert_eq!(idle(&format!("C: IDLE\nS: + idling\n{news}\nc: DONE\nS: $ OK")).await, Idled::News, "{news}");
    }
    assert_eq!(idle("C: IDLE\nS: * 4 EXISTS\nS: +\nc: DONE\nS: $ OK").await, Idled::News, "before the go-ahead");
}

#[tokio::test(start_paused = true)]
async fn keeping_the_connection_alive_is_no_news_and_idle_is_issued_again() {
    let text = "
        C: IDLE
        S: + idling
        S: * OK Still here
        S: * 3 EXISTS
        S: * 0 RECENT
        c: DONE
        S: $ OK
        C: IDLE
        S: + idling
        c: DONE
        S: * 4 EXISTS
        S: $ OK";
    assert_eq!(idle(text).await, Idled::News, "news between two IDLEs are news");
}

#[tokio::test(start_paused = true)]
async fn the_callers_stop_ends_it_cleanly() {
    let text = selecting("INBOX", "C: IDLE\nS: + idling\nc: DONE\nS: * 2 EXPUNGE\nS: $ OK\nC: NOOP\nS: $ OK");
    let (mut imap, script) = session("IDLE", &text).await;
    assert_eq!(imap.idle(&folder("INBOX"), pin!(ready(()))).await.unwrap(), Idled::Stopped);
    imap.talk.exec(Step::Close, "NOOP").await.unwrap();
    end(imap, script).await;
}

#[tokio::test(start_paused = true)]
async fn without_idle_nothing_is_waited_for() {
    let (mut imap, script) = session("", "").await;
    assert_eq!(imap.idle(&folder("INBOX"), pin!(pending())).await.unwrap(), Idled::Unsupported);
    end(imap, script).await;
}

#[tokio::test(start_paused = true)]
async fn an_end_of_the_connection_in_idle_is_an_error_and_not_news() {
    assert_eq!(idle_fails("C: IDLE\nS: + idling\nclose").await.trouble, Trouble::Closed("the connection ended".into()));
    assert_eq!(idle_fails("C: IDLE\nS: + idling\nraw: * 4 EXI\nclose").await.trouble, Trouble::Closed("in the middle of an answer".into()));
    assert_eq!(idle_fails("C: IDLE\nS: + idling\nS: * BYE restarting\nclose").await.trouble, Trouble::Closed("restarting".into()));
    assert!(matches!(idle_fails("C: IDLE\nS: + idling\nS: $ OK done?").await.trouble, Trouble::Protocol(_)));
    assert!(matches!(idle_fails("C: IDLE\nS: $ OK done?").await.trouble, Trouble::Protocol(_)));
    assert!(matches!(idle_fails("C: IDLE\nS: $ NO not today").await.trouble, Trouble::Refused(_)));
}

#[tokio::test(start_paused = true)]
async fn done_without_an_end_is_a_time_out() {
    let (mut imap, _script) = session("IDLE", &selecting("INBOX", "C: IDLE\nS: + idling\nS: * 4 EXISTS\nc: DONE\nhang")).await;
    let error = imap.idle(&folder("INBOX"), pin!(pending())).await.unwrap_err();
    assert_eq!((error.step, error.trouble), (Step::Idle, Trouble::TimedOut(60)));
}

#[tokio::test(start_paused = true)]
async fn mail_that_came_between_the_look_and_the_idle_is_news_at_once() {
    let look = |folder| selecting(folder, "C: UID SEARCH SINCE 31-Dec-1969\nS: * SEARCH\nS: $ OK\n").replace("31-Dec-1969", "1-Jan-1970");
    let (inbox, junk) = (folder("INBOX"), folder("Junk"));

    // Still selected: NOOP tells.
    let (mut imap, script) = session("IDLE", &(look("INBOX") + "C: NOOP\nS: * 4 EXISTS\nS: $ OK")).await;
    imap.look(&inbox, None, Moment(0)).await.unwrap();
    assert_eq!(imap.idle(&inbox, pin!(pending())).await.unwrap(), Idled::News);
    end(imap, script).await;

    // Another folder was looked at meanwhile: UIDNEXT tells.
    let text = look("INBOX") + &look("Junk") + &selecting("INBOX", "").replace("UIDNEXT 11", "UIDNEXT 12");
    let (mut imap, script) = session("IDLE", &text).await;
    let seen = imap.look(&inbox, None, Moment(0)).await.unwrap();
    assert_eq!(seen.cursor, Cursor { uid_validity: 7, uid: 10 });
    imap.look(&junk, None, Moment(0)).await.unwrap();
    assert_eq!(imap.idle(&inbox, pin!(pending())).await.unwrap(), Idled::News);
    end(imap, script).await;
}
