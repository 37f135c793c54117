//! SMTP sessions against scripted peers, from secret to final dot: through `NetworkAccess`, as the executor uses them.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::{AuthKind, CredentialSource, Mailbox, TlsMode};
use crate::credentials::CredentialError;
use crate::mail::sample::{mailbox_on, plain_at};
use crate::mail::wire::Deadlines;
use crate::mail::wire::testing::{ScriptedPeer, TestCa};
use crate::mail::{Access, Envelope, Handover, MailError, NetworkAccess, Offer, Outbox, Step, Trouble};
use crate::words::{Address, Reply};

/// Up to the end of signing in; `AGFubmEAcHJlaGVhdA==` is `\0anna\0preheat`.
const SIGNED_IN: &str = "
    S: 220 mx.test ESMTP
    C: EHLO client.warm.test
    S: 250-mx.test
    S: 250-SIZE 35882577
    S: 250-8BITMIME
    S: 250 AUTH LOGIN PLAIN
    C: AUTH PLAIN AGFubmEAcHJlaGVhdA==
    S: 235 2.7.0 Authentication successful
";
const OFFERED: &str = "
    C: MAIL FROM:<anna@warm.test> SIZE=26
    S: 250 2.1.0 Ok
    C: RCPT TO:<bob@partner.test>
    S: 250 2.1.5 Ok
    C: DATA
    S: 354 End data with <CR><LF>.<CR><LF>
";
const LETTER: &[u8] = b"Subject: hello\r\n\r\n.dot\r\nx\r\n";

fn access() -> NetworkAccess {
    NetworkAccess::new(PathBuf::new()).with_deadlines(Deadlines::all(Duration::from_secs(20)))
}

/// Hasty in one step only, so that a loaded machine is not too slow for the others.
fn hasty(limit: impl FnOnce(&mut Deadlines)) -> NetworkAccess {
    let mut deadlines = Deadlines::all(Duration::from_secs(20));
    limit(&mut deadlines);
    access().with_deadlines(deadlines)
}

fn envelope() -> Envelope {
    Envelope { from: Address::parse("anna@warm.test").unwrap(), to: Address::parse("bob@partner.test").unwrap(), size: 26 }
}

async fn open(access: &NetworkAccess, mailbox: &Mailbox) -> Result<Box<dyn Outbox>, MailError> {
    access.open_outbox(mailbox).await
}

/// A session that signed in, and the peer that goes on with `script`.
async fn session(script: &str) -> (Box<dyn Outbox>, ScriptedPeer) {
    session_of(&access(), script).await
}

async fn session_of(access: &NetworkAccess, script: &str) -> (Box<dyn Outbox>, ScriptedPeer) {
    let peer = ScriptedPeer::follow(&format!("{SIGNED_IN}{script}")).await;
    let outbox = open(access, &mailbox_on(plain_at(peer.port))).await.unwrap();
    (outbox, peer)
}

/// What a letter comes to, when it is offered and the server goes on with `script` after its 354.
async fn hand_over(script: &str, letter: &[u8]) -> (Handover, bool, ScriptedPeer) {
    let (mut outbox, peer) = session(&format!("{OFFERED}{script}")).await;
    assert_eq!(outbox.offer(&envelope()).await.unwrap(), Offer::Ready);
    let handover = outbox.hand_over(letter).await;
    (handover, outbox.is_open(), peer)
}

/// The error of a sign-in that fails, as step and words.
async fn failed(auth: AuthKind, script: &str) -> (Step, String, MailError) {
    let peer = ScriptedPeer::follow(script).await;
    let mailbox = Mailbox { auth, ..mailbox_on(plain_at(peer.port)) };
    let error = open(&access(), &mailbox).await.err().expect("a failure");
    peer.heard().await;
    (error.step, error.trouble.to_string(), error)
}

#[tokio::test]
async fn two_letters_on_one_session() {
    let letter = format!("{OFFERED}\n!message\nS: 250 2.0.0 Ok: queued as 4Z\n");
    let (mut outbox, peer) = session(&format!("{letter}{letter}C: QUIT\nS: 221 2.0.0 Bye\nC: $")).await;
    for _ in 0..2 {
        assert_eq!(outbox.offer(&envelope()).await.unwrap(), Offer::Ready);
        assert_eq!(outbox.hand_over(LETTER).await, Handover::Accepted(Reply::new(250, "2.0.0 Ok: queued as 4Z")));
        assert!(outbox.is_open());
    }
    outbox.sign_out().await;
    // Dots are stuffed, and nothing else is added: the message ends where it ended.
    let sent = "Subject: hello\r\n\r\n..dot\r\nx\r\n.\r\n";
    assert_eq!(peer.heard().await, sent.repeat(2));
}

#[tokio::test]
async fn signing_in_over_tls_both_ways() {
    let ca = TestCa::new("mail test");
    for (mode, before) in [
        (TlsMode::Implicit, "!tls"),
        (
            TlsMode::Starttls,
            "S: 220 plain.test\nC: EHLO client.warm.test\nS: 250-plain.test\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\n!tls",
        ),
    ] {
        let inside = if mode == TlsMode::Implicit { SIGNED_IN.to_owned() } else { SIGNED_IN.replace("S: 220 mx.test ESMTP", "") };
        let peer = ScriptedPeer::follow_with_tls(&format!("{before}\n{inside}\nC: QUIT\nS: 221 Bye"), ca.server("localhost")).await;
        let outbox = open(&access(), &mailbox_on(ca.at(peer.port, mode))).await.unwrap();
        outbox.sign_out().await;
        peer.heard().await;
    }
}

#[tokio::test]
async fn a_wrong_password_says_what_the_server_said() {
    let script = SIGNED_IN.replace("235 2.7.0 Authentication successful", "535 5.7.8 Error: authentication failed\nC: $");
    let (step, words, error) = failed(AuthKind::Password, &script).await;
    assert_eq!((step, words.as_str()), (Step::SignIn, "the server refused the sign-in: 535 5.7.8 Error: authentication failed"));
    assert!(error.is_sign_in());
    let later = SIGNED_IN.replace("235 2.7.0 Authentication successful", "454 4.7.0 Temporary failure\nC: $");
    assert!(!failed(AuthKind::Password, &later).await.2.is_sign_in());
}

#[tokio::test]
async fn a_server_that_repeats_the_secret_is_not_quoted() {
    for echo in ["501 5.5.2 what is AUTH PLAIN AGFubmEAcHJlaGVhdA==?", "535-no:\nS: 535 preheat is wrong"] {
        let script = SIGNED_IN.replace("235 2.7.0 Authentication successful", &format!("{echo}\nC: $"));
        let (_, words, _) = failed(AuthKind::Password, &script).await;
        assert!(words.ends_with("(the server repeats the secret: its words are left out)"), "{words}");
    }
}

#[tokio::test]
async fn login_is_used_where_plain_is_not_offered() {
    let script = "
        S: 220 mx.test ESMTP
        C: EHLO client.warm.test
        S: 250-mx.test
        S: 250 auth=login
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: YW5uYQ==
        S: 334 what you know
        C: cHJlaGVhdA==
        S: 235 2.7.0 in
        C: QUIT
        S: 221 Bye
    ";
    let peer = ScriptedPeer::follow(script).await;
    open(&access(), &mailbox_on(plain_at(peer.port))).await.unwrap().sign_out().await;
    peer.heard().await;
    // A user that is not known is refused at the first step.
    let (before, _) = script.split_once("S: 334 what").unwrap();
    let (_, words, _) = failed(AuthKind::Password, &format!("{before}\nS: 535 no such user\nC: $")).await;
    assert_eq!(words, "the server refused the sign-in: 535 no such user");
}

const TOKEN: &str = "
    S: 220 mx.test ESMTP
    C: EHLO client.warm.test
    S: 250-mx.test
    S: 250 AUTH XOAUTH2 PLAIN
    C: AUTH XOAUTH2 dXNlcj1hbm5hAWF1dGg9QmVhcmVyIHByZWhlYXQBAQ==
";

#[tokio::test]
async fn a_refused_token_keeps_the_meaning_of_its_json() {
    // {"status":"400","schemes":"Bearer","scope":"https://mail.test/"}
    let json = "eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIiwic2NvcGUiOiJodHRwczovL21haWwudGVzdC8ifQ==";
    let script = format!("{TOKEN}S: 334 {json}\nC: \nS: 535-5.7.8 Username and Password\nS: 535 5.7.8 not accepted.\nC: $");
    let script = script.replace("C: \n", "C: *\n");
    let (step, words, _) = failed(AuthKind::Xoauth2, &script).await;
    assert_eq!(step, Step::SignIn);
    assert_eq!(
        words,
        "the server refused the sign-in: 535 5.7.8 Username and Password not accepted. (status 400, scope https://mail.test/)"
    );
    let (_, words, _) = failed(AuthKind::Xoauth2, &format!("{TOKEN}S: 334 no-json\nC: *\nS: 535 no\nC: $")).await;
    assert_eq!(words, "the server refused the sign-in: 535 no");
}

#[tokio::test]
async fn a_token_too_long_for_a_command_line_waits_for_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "t".repeat(2_000)).unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let script = TOKEN
        .replace("C: AUTH XOAUTH2 dXNlcj1hbm5hAWF1dGg9QmVhcmVyIHByZWhlYXQBAQ==", "C: AUTH XOAUTH2\nS: 334\nC: dXNlcj1hbm5h*\nS: 235 in");
    let peer = ScriptedPeer::follow(&script).await;
    let mailbox = Mailbox { auth: AuthKind::Xoauth2, credential: CredentialSource::File(file), ..mailbox_on(plain_at(peer.port)) };
    let outbox = open(&access(), &mailbox).await.unwrap();
    outbox.abandon();
    peer.heard().await;
}

#[tokio::test]
async fn no_way_to_sign_in_is_told_with_what_there_is() {
    let script = "S: 220 hi\nC: EHLO client.warm.test\nS: 250-mx.test\nS: 250 AUTH PLAIN CRAM-MD5\nC: $";
    let (step, words, error) = failed(AuthKind::Xoauth2, script).await;
    assert_eq!((step, words.as_str()), (Step::SignIn, "the server offers no way to sign in that fits: it offers CRAM-MD5, PLAIN"));
    assert!(error.is_sign_in());
    let none = "S: 220 hi\nC: EHLO client.warm.test\nS: 250 mx.test\nC: $";
    assert_eq!(failed(AuthKind::Password, none).await.2.trouble, Trouble::NoMechanism("none at all".into()));
}

#[tokio::test]
async fn greeting_and_ehlo_can_fail() {
    let step_and_words = |script: &'static str| async move {
        let (step, words, _) = failed(AuthKind::Password, script).await;
        (step, words)
    };
    assert_eq!(step_and_words("S: 554 5.7.1 go away\n!stall").await, (Step::Greeting, "the server refused: 554 5.7.1 go away".into()));
    assert_eq!(
        step_and_words("S: 220 hi\nC: EHLO client.warm.test\nS: 502 5.5.1 what?\nC: QUIT\nS: 221 bye\nC: $").await,
        (Step::Ehlo, "the server refused: 502 5.5.1 what?".into())
    );
    assert_eq!(
        step_and_words("S: 220 hi\nC: EHLO client.warm.test\n!close").await,
        (Step::Ehlo, "the server closed the connection: the connection ended".into())
    );
    assert_eq!(
        step_and_words("!flood 220 endless").await,
        (Step::Greeting, "the server crossed a limit: a line of more than 990 bytes".into())
    );
    assert_eq!(
        step_and_words("!flood 220-endless\\r\\n").await,
        (Step::Greeting, "the server crossed a limit: a reply of more than 200 lines".into())
    );
    assert_eq!(
        step_and_words("S: * OK IMAP here\n!stall").await,
        (Step::Greeting, "the server sent something that cannot be understood: a line that is no SMTP reply".into())
    );
    assert_eq!(
        step_and_words("S: 220 hi\nC: EHLO client.warm.test\nS: 250\nC: QUIT\nS: 221 bye").await,
        (Step::Ehlo, "the server sent something that cannot be understood: an answer to EHLO that names no server".into())
    );
    // lettre's reader would end the program here.
    assert_eq!(
        step_and_words("S: 220 hi\nC: EHLO client.warm.test\n!raw 250-mx.test\\r\\n250-\\t \\r\\n250 \\xe3\\x80\\x80\\r\\n\nC: $").await.0,
        Step::SignIn
    );
}

#[tokio::test]
async fn a_stalled_ehlo_times_out() {
    let peer = ScriptedPeer::follow("S: 220 hi\nC: EHLO client.warm.test\n!stall").await;
    let access = hasty(|d| d.greeting = Duration::from_secs(1));
    let error = open(&access, &mailbox_on(plain_at(peer.port))).await.err().unwrap();
    assert_eq!((error.step, error.trouble), (Step::Ehlo, Trouble::TimedOut(1)));
    peer.heard().await;
}

#[tokio::test]
async fn a_secret_that_is_not_there_is_found_before_anything_is_dialled() {
    let mailbox = Mailbox { credential: CredentialSource::Env("PREHEAT_TEST_UNSET".into()), ..mailbox_on(plain_at(1)) };
    let error = open(&access(), &mailbox).await.err().unwrap();
    assert_eq!((error.step, error.is_sign_in()), (Step::Secret, true));
    let error = access().open_inbox(&mailbox).await.err().unwrap();
    assert_eq!(error.trouble, Trouble::NoSecret(CredentialError::EnvUnset("PREHEAT_TEST_UNSET".into())));
}

#[tokio::test]
async fn refused_recipients_leave_the_session_for_the_next_letter() {
    for reply in ["550 5.1.1 <bob@partner.test>: no such user", "452 4.2.2 mailbox full", "450 4.2.0 greylisted"] {
        let script = format!(
            "
            C: MAIL FROM:<anna@warm.test> SIZE=26
            S: 250 2.1.0 Ok
            C: RCPT TO:<bob@partner.test>
            S: {reply}
            C: RSET
            S: 250 2.0.0 Ok
            {OFFERED}
            !message
            S: 250 2.0.0 queued
            "
        );
        let (mut outbox, peer) = session(&script).await;
        let (code, text) = reply.split_once(' ').unwrap();
        let Offer::Refused(refusal) = outbox.offer(&envelope()).await.unwrap() else { panic!("taken") };
        assert_eq!((refusal.step, refusal.reply), (Step::RcptTo, Reply::new(code.parse().unwrap(), text)));
        assert!(outbox.is_open());
        assert_eq!(outbox.offer(&envelope()).await.unwrap(), Offer::Ready);
        assert!(matches!(outbox.hand_over(LETTER).await, Handover::Accepted(_)));
        peer.heard().await;
    }
}

#[tokio::test]
async fn refusals_at_mail_and_data() {
    let at_mail = "C: MAIL FROM:<anna@warm.test> SIZE=26\nS: 552 5.3.4 too big\nC: RSET\nS: 250 Ok";
    let at_data = OFFERED.replace("354 End data with <CR><LF>.<CR><LF>", "554 5.5.1 no valid recipients\nC: RSET\nS: 250 Ok");
    for (script, step) in [(at_mail, Step::MailFrom), (at_data.as_str(), Step::Data)] {
        let (mut outbox, _peer) = session(script).await;
        let Offer::Refused(refusal) = outbox.offer(&envelope()).await.unwrap() else { panic!("taken") };
        assert_eq!((refusal.step, outbox.is_open()), (step, true));
    }
}

#[tokio::test]
async fn a_421_in_mid_session_ends_it() {
    let script = "C: MAIL FROM:<anna@warm.test> SIZE=26\nS: 250 Ok\nC: RCPT TO:<bob@partner.test>\nS: 421 4.7.0 closing\nC: $";
    let (mut outbox, peer) = session(script).await;
    let Offer::Refused(refusal) = outbox.offer(&envelope()).await.unwrap() else { panic!("taken") };
    assert_eq!((refusal.step, refusal.reply.code, outbox.is_open()), (Step::RcptTo, 421, false));
    let error = outbox.offer(&envelope()).await.unwrap_err();
    assert!(error.is_connection_lost());
    peer.heard().await;
    // The farewell may also stand behind another reply, or come while nobody speaks.
    let (mut outbox, _peer) = session("C: MAIL*\nS: 550 5.7.1 no\nS: 421 4.7.0 too many errors\n!stall").await;
    assert!(matches!(outbox.offer(&envelope()).await.unwrap(), Offer::Refused(r) if r.reply.code == 550));
    assert!(!outbox.is_open());
    let (mut outbox, _peer) = session("S: 421 4.4.2 idle for too long\n!close").await;
    match outbox.offer(&envelope()).await {
        Ok(Offer::Refused(r)) => assert_eq!(r.reply.code, 421),
        Err(e) => assert!(matches!(e.trouble, Trouble::Closed(_)), "{e}"),
        Ok(Offer::Ready) => panic!("taken"),
    }
    assert!(!outbox.is_open());
}

#[tokio::test]
async fn a_server_that_hangs_up_after_a_refusal_is_noticed() {
    let (mut outbox, _peer) = session("C: MAIL*\nS: 550 5.7.1 no, closing transmission channel\n!close").await;
    assert!(matches!(outbox.offer(&envelope()).await.unwrap(), Offer::Refused(r) if r.reply.code == 550));
    assert!(!outbox.is_open());
}

#[tokio::test]
async fn replies_that_do_not_fit_end_the_session() {
    for script in [
        "C: MAIL*\nS: 354 already?\n!stall",
        "C: MAIL*\nS: 250 Ok\nC: RCPT*\nS: 250 Ok\nC: DATA\nS: 250 thanks\n!stall",
        // A second reply to MAIL would stand for RCPT's.
        "C: MAIL*\nS: 250 Ok\nS: 250 Ok\n!stall",
        "C: MAIL*\n!raw 250-a\\r\\n550 b\\r\\n\n!stall",
        "C: MAIL*\n!raw \\x16\\x03\\x01\\n\n!stall",
    ] {
        let (mut outbox, _peer) = session(script).await;
        let error = outbox.offer(&envelope()).await.unwrap_err();
        assert!(matches!(error.trouble, Trouble::Protocol(_)) && !outbox.is_open(), "{script}: {error}");
    }
}

#[tokio::test]
async fn refused_after_the_dot() {
    for (reply, code) in [("452 4.3.1 disk full", 452), ("554 5.7.1 spam", 554)] {
        let (handover, open, _peer) = hand_over(&format!("!message\nS: {reply}\n!stall"), LETTER).await;
        assert!(matches!(handover, Handover::Refused(r) if r.code == code));
        assert!(open);
    }
    let (handover, open, _peer) = hand_over("!message\nS: 421 4.3.2 shutting down\n!stall", LETTER).await;
    assert!(matches!(handover, Handover::Refused(r) if r.code == 421) && !open);
}

#[tokio::test]
async fn what_cannot_be_believed_after_the_dot_is_uncertain() {
    for script in [
        "!message\n!close",
        "!message\nS: 354 go on\n!stall",
        "!message\nS: hello\n!stall",
        "!message\n!raw 250-half\\r\\n\n!close",
        "!message\n!raw 250 Ok\\n\n!stall",
        "!message\n!raw 2\n!close",
        "!message\n!flood 250-x\\r\\n",
        "!close",
    ] {
        let (handover, open, _peer) = hand_over(script, LETTER).await;
        assert!(matches!(handover, Handover::Uncertain(_)) && !open, "{script}: {handover:?}");
    }
}

#[tokio::test]
async fn an_odd_but_honest_yes_is_accepted() {
    for script in
        ["!message\nS: 250\n!stall", "!message\n!raw 250 angenommen f\\xfcr immer\\r\\n\n!stall", "!message\nS: 250-a\nS: 250 b\n!stall"]
    {
        let (handover, open, _peer) = hand_over(script, LETTER).await;
        assert!(matches!(handover, Handover::Accepted(_)) && open, "{script}: {handover:?}");
    }
}

#[tokio::test]
async fn an_early_yes_is_not_believed() {
    // It stands behind the 354, before a byte of the message was sent.
    let script = OFFERED.replace("S: 354 End data with <CR><LF>.<CR><LF>", "S: 354 go\nS: 250 2.0.0 queued\n!stall");
    let (mut outbox, _peer) = session(&script).await;
    let offered = outbox.offer(&envelope()).await;
    assert!(matches!(offered, Ok(Offer::Ready)), "{offered:?}");
    let handover = outbox.hand_over(LETTER).await;
    assert!(matches!(&handover, Handover::Uncertain(why) if why.contains("nobody asked for")), "{handover:?}");
}

#[tokio::test]
async fn a_server_that_hangs_up_on_a_long_message() {
    let long = [b"Subject: long\r\n\r\n".to_vec(), [b"x".repeat(76), b"\r\n".to_vec()].concat().repeat(200_000)].concat();
    // Its reset may overtake its words: then it is uncertain. A yes before the final dot is believed in no case.
    let (handover, open, _peer) = hand_over("!bytes\nS: 552 5.3.4 too long\n!close", &long).await;
    assert!(matches!(&handover, Handover::Uncertain(_)) || matches!(&handover, Handover::Refused(r) if r.code == 552), "{handover:?}");
    assert!(!open);
    let (handover, open, _peer) = hand_over("!bytes\nS: 250 2.0.0 queued\n!close", &long).await;
    assert!(matches!(handover, Handover::Uncertain(_)) && !open, "{handover:?}");
}

#[tokio::test]
async fn a_stall_after_the_dot_is_uncertain_and_the_connection_is_gone() {
    let (mut outbox, peer) = session_of(&hasty(|d| d.message = Duration::from_millis(50)), &format!("{OFFERED}\n!message\n!stall")).await;
    assert_eq!(outbox.offer(&envelope()).await.unwrap(), Offer::Ready);
    assert_eq!(outbox.hand_over(LETTER).await, Handover::Uncertain("no answer within 0 s".into()));
    assert!(!outbox.is_open());
    peer.heard().await;
}

#[tokio::test]
async fn a_stall_before_the_354_takes_nothing_over() {
    let (mut outbox, peer) = session_of(&hasty(|d| d.command = Duration::from_millis(50)), "C: MAIL*\n!stall").await;
    let error = outbox.offer(&envelope()).await.unwrap_err();
    assert_eq!((error.step, error.trouble, outbox.is_open()), (Step::MailFrom, Trouble::TimedOut(0), false));
    peer.heard().await;
}

#[tokio::test]
async fn an_offer_that_nobody_waits_for_ends_the_session() {
    // The reply that was not waited for must not become the next letter's.
    let (mut outbox, peer) = session("C: MAIL*\n!stall").await;
    let waiting = crate::clock::within(Duration::from_millis(50), outbox.offer(&envelope())).await;
    assert!(waiting.is_err());
    assert!(!outbox.is_open());
    peer.heard().await;
}

#[tokio::test]
async fn nothing_is_smuggled() {
    for smuggled in [
        &b"Subject: x\r\n\r\nhi\n.\nMAIL FROM:<eve@evil.test>\r\n"[..],
        b"Subject: x\r\n\r\nhi\n.\r\nMAIL FROM:<eve@evil.test>\r\n",
        b"Subject: x\r\n\r\nhi\r.\rMAIL FROM:<eve@evil.test>\r\n",
        b"Subject: x\r\n\r\nhi\r\n.\nMAIL FROM:<eve@evil.test>\r\n",
        b"",
    ] {
        let (handover, open, peer) = hand_over("C: $", smuggled).await;
        let Handover::Refused(reply) = handover else { panic!("{handover:?}") };
        assert!(reply.text.starts_with("5.6.0 not sent by preheat: the message") && !open, "{reply}");
        peer.heard().await;
    }
    let (handover, _, peer) = hand_over("!message\nS: 250 Ok\n", b"a: b\r\n\r\n.\r\n..\r\nMAIL FROM:<eve@evil.test>\r\n.").await;
    assert!(matches!(handover, Handover::Accepted(_)));
    assert_eq!(peer.heard().await, "a: b\r\n\r\n..\r\n...\r\nMAIL FROM:<eve@evil.test>\r\n..\r\n.\r\n");
}

#[tokio::test]
async fn a_letter_that_is_abandoned_gets_no_final_dot() {
    let (mut outbox, peer) = session(&format!("{OFFERED}\nC: $")).await;
    assert_eq!(outbox.offer(&envelope()).await.unwrap(), Offer::Ready);
    outbox.abandon();
    peer.heard().await;
    // Nor does signing out send QUIT as a line of the message, nor a second offer a command.
    let (mut outbox, peer) = session(&format!("{OFFERED}\nC: $")).await;
    outbox.offer(&envelope()).await.unwrap();
    outbox.sign_out().await;
    peer.heard().await;
    let (mut outbox, peer) = session(&format!("{OFFERED}\nC: $")).await;
    outbox.offer(&envelope()).await.unwrap();
    assert!(outbox.offer(&envelope()).await.is_err());
    assert!(matches!(outbox.hand_over(LETTER).await, Handover::Uncertain(_)));
    drop(outbox);
    peer.heard().await;
}

#[tokio::test]
async fn a_server_without_size_gets_none() {
    let script = SIGNED_IN.replace("S: 250-SIZE 35882577", "");
    let peer = ScriptedPeer::follow(&format!("{script}\nC: MAIL FROM:<anna@warm.test>\nS: 550 no\nC: RSET\nS: 250 Ok")).await;
    let mut outbox = open(&access(), &mailbox_on(plain_at(peer.port))).await.unwrap();
    assert!(matches!(outbox.offer(&envelope()).await.unwrap(), Offer::Refused(_)));
    peer.heard().await;
}

/// A session whose server takes several commands at once; it says this to the three of a letter.
async fn pipelined(replies: &str) -> (Box<dyn Outbox>, ScriptedPeer) {
    let script = SIGNED_IN.replace("S: 250-8BITMIME", "S: 250-8BITMIME\nS: 250-PIPELINING");
    // All three are there before the first reply goes.
    let all = "C: MAIL FROM:<anna@warm.test> SIZE=26\nC: RCPT TO:<bob@partner.test>\nC: DATA\n";
    let peer = ScriptedPeer::follow(&format!("{script}{all}{replies}")).await;
    let outbox = open(&access(), &mailbox_on(plain_at(peer.port))).await.unwrap();
    (outbox, peer)
}

#[tokio::test]
async fn where_the_server_offers_it_a_letter_is_offered_in_one_go() {
    let again = "C: MAIL*\nC: RCPT*\nC: DATA\nS: 250 Ok\nS: 250-Ok\nS: 250 Ok\nS: 354 go\n!message\nS: 250 queued";
    let (mut outbox, peer) = pipelined(&format!("S: 250 Ok\nS: 250 Ok\nS: 354 go\n!message\nS: 250 queued\n{again}")).await;
    for _ in 0..2 {
        assert_eq!(outbox.offer(&envelope()).await.unwrap(), Offer::Ready);
        assert!(matches!(outbox.hand_over(LETTER).await, Handover::Accepted(r) if r.text == "queued"));
        assert!(outbox.is_open());
    }
    assert_eq!(peer.heard().await, "Subject: hello\r\n\r\n..dot\r\nx\r\n.\r\n".repeat(2));
}

#[tokio::test]
async fn the_first_refusal_of_several_is_the_letters_and_the_session_goes_on() {
    for (replies, step, code) in [
        ("S: 550 5.7.1 no\nS: 503 5.5.1 need MAIL\nS: 503 5.5.1 need RCPT", Step::MailFrom, 550),
        ("S: 250 Ok\nS: 450-4.2.0 grey\nS: 450 4.2.0 listed\nS: 554 5.5.1 no valid recipients", Step::RcptTo, 450),
        ("S: 250 Ok\nS: 250 Ok\nS: 451 4.3.0 later", Step::Data, 451),
    ] {
        let next = "C: RSET\nS: 250 Ok\nC: MAIL*\nC: RCPT*\nC: DATA\nS: 250 Ok\nS: 250 Ok\nS: 354 go\n!message\nS: 250 queued\n";
        let (mut outbox, peer) = pipelined(&format!("{replies}\n{next}")).await;
        let Offer::Refused(refusal) = outbox.offer(&envelope()).await.unwrap() else { panic!("taken") };
        assert_eq!((refusal.step, refusal.reply.code, outbox.is_open()), (step, code, true));
        assert_eq!(outbox.offer(&envelope()).await.unwrap(), Offer::Ready);
        assert!(matches!(outbox.hand_over(LETTER).await, Handover::Accepted(_)));
        peer.heard().await;
    }
}

#[tokio::test]
async fn a_server_that_leaves_behind_its_354_gets_no_letter_and_nothing_is_uncertain() {
    let (mut outbox, _peer) = pipelined("S: 250 Ok\nS: 250 Ok\nS: 354 go\nS: 421 4.3.2 going away\n").await;
    let error = outbox.offer(&envelope()).await.unwrap_err();
    assert!(error.step == Step::Data && matches!(error.trouble, Trouble::Closed(_)), "{error:?}");
    assert!(!outbox.is_open());
}

#[tokio::test]
async fn a_354_behind_a_refusal_gets_neither_a_message_nor_a_dot() {
    for replies in
        ["S: 550 5.7.1 no\nS: 250 Ok\nS: 354 go", "S: 250 Ok\nS: 550 5.1.1 unknown\nS: 354 go", "S: 250 Ok\nS: 550 no\nS: 250 what?"]
    {
        let (mut outbox, peer) = pipelined(&format!("{replies}\nC: $")).await;
        let Offer::Refused(refusal) = outbox.offer(&envelope()).await.unwrap() else { panic!("taken") };
        assert_eq!((refusal.reply.code, outbox.is_open()), (550, false));
        assert!(matches!(outbox.hand_over(LETTER).await, Handover::Uncertain(_)));
        peer.heard().await;
    }
}

#[tokio::test]
async fn replies_that_are_missing_or_too_many_end_a_session_of_several_commands() {
    // A refusal stands, whatever becomes of the rest; so does a farewell.
    for (replies, step, code) in [
        ("S: 550 5.7.1 no\n!close", Step::MailFrom, 550),
        ("S: 421 4.7.0 closing\n!close", Step::MailFrom, 421),
        ("S: 250 Ok\nS: 421 4.7.0 closing\n!stall", Step::RcptTo, 421),
        ("S: 550 no\nS: 503 no\nS: 503 no\nS: 421 4.7.0 too many errors\n!stall", Step::MailFrom, 550),
    ] {
        let (mut outbox, _peer) = pipelined(replies).await;
        let offered = outbox.offer(&envelope()).await;
        assert!(matches!(&offered, Ok(Offer::Refused(r)) if (r.step, r.reply.code) == (step, code)), "{replies}: {offered:?}");
        assert!(!outbox.is_open(), "{replies}");
    }
    for (replies, step) in [
        ("!close", Step::MailFrom),
        ("S: 250 Ok\n!close", Step::RcptTo),
        ("S: 250 Ok\nS: 250 Ok\n!close", Step::Data),
        ("S: 250 Ok\nS: 250 Ok\nS: 250 thanks\n!stall", Step::Data),
        ("S: 250 Ok\nS: 354 already?\n!stall", Step::RcptTo),
        ("S: 250 Ok\n!raw \\x16\\x03\\x01\\n\n!stall", Step::RcptTo),
    ] {
        let (mut outbox, _peer) = pipelined(replies).await;
        let error = outbox.offer(&envelope()).await.unwrap_err();
        assert!(error.step == step && !outbox.is_open(), "{replies}: {error}");
        assert!(matches!(outbox.hand_over(LETTER).await, Handover::Uncertain(_)));
    }
    // A yes that stands behind the 354 is not believed here either.
    let (mut outbox, _peer) = pipelined("S: 250 Ok\nS: 250 Ok\nS: 354 go\nS: 250 2.0.0 queued\n!stall").await;
    assert_eq!(outbox.offer(&envelope()).await.unwrap(), Offer::Ready);
    let handover = outbox.hand_over(LETTER).await;
    assert!(matches!(&handover, Handover::Uncertain(why) if why.contains("nobody asked for")), "{handover:?}");
}
