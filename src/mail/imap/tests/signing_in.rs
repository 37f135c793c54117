use std::time::Duration;

use crate::config::AuthKind;
use crate::mail::imap::script::{Script, end, greet, mailbox, secret};
use crate::mail::imap::sign_in;
use crate::mail::{Inbox, Step, Trouble};
use crate::words::Provider;

/// Signs in with password or token `p`; gives the step and the trouble.
async fn fails(text: &str, auth: AuthKind, password: &str) -> (Step, Trouble) {
    let mut mailbox = mailbox(Provider::Generic);
    mailbox.auth = auth;
    let (outcome, script) = greet(text, &mailbox, password).await;
    let error = outcome.unwrap_err();
    script.done().await;
    assert_eq!(error.mailbox, mailbox.address);
    (error.step, error.trouble)
}

async fn succeeds(text: &str, auth: AuthKind, password: &str) {
    let mut mailbox = mailbox(Provider::Generic);
    mailbox.auth = auth;
    let (outcome, script) = greet(text, &mailbox, password).await;
    let imap = outcome.unwrap();
    assert!(imap.can.has("IDLE"), "what it can do after the sign-in counts");
    end(imap, script).await;
}

#[tokio::test(start_paused = true)]
async fn plain_goes_with_the_command_where_the_server_takes_it_there() {
    let text = "
        S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=LOGIN] ready
        C: AUTHENTICATE PLAIN AHUAcA==
        S: * CAPABILITY IMAP4rev1 IDLE
        S: $ OK in";
    succeeds(text, AuthKind::Password, "p").await;
}

#[tokio::test(start_paused = true)]
async fn plain_waits_for_the_go_ahead_elsewhere() {
    let text = "
        S: * OK ready
        C: CAPABILITY
        S: * CAPABILITY IMAP4rev1 AUTH=plain LOGINDISABLED
        S: $ OK
        C: AUTHENTICATE PLAIN
        S: +
        c: AHUAcA==
        S: $ OK in
        C: CAPABILITY
        S: * CAPABILITY IMAP4rev1 IDLE
        S: $ OK";
    succeeds(text, AuthKind::Password, "p").await;
}

#[tokio::test(start_paused = true)]
async fn login_quotes_any_password_that_a_quoted_string_can_carry() {
    let text = r#"
        S: * OK [CAPABILITY IMAP4rev1] ready
        C: LOGIN "u" "a\"b\\c {3} %*"
        S: $ OK [CAPABILITY IMAP4rev1 IDLE] in"#;
    succeeds(text, AuthKind::Password, r#"a"b\c {3} %*"#).await;
}

#[tokio::test(start_paused = true)]
async fn a_password_beyond_ascii_goes_by_plain_or_not_at_all() {
    let text = "
        S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready
        C: AUTHENTICATE PLAIN AHUAcMOpDQpY
        S: $ OK [CAPABILITY IMAP4rev1 IDLE] in";
    succeeds(text, AuthKind::Password, "pé\r\nX").await;
    let text = "S: * OK [CAPABILITY IMAP4rev1] ready";
    for password in ["pé", "p\r\na1 DELETE INBOX", "p\0"] {
        let (step, trouble) = fails(text, AuthKind::Password, password).await;
        assert_eq!(step, Step::SignIn);
        assert!(matches!(&trouble, Trouble::NoMechanism(t) if t.starts_with("LOGIN; and LOGIN cannot")), "{trouble:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn logindisabled_and_missing_mechanisms_are_respected() {
    let text = "S: * OK [CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=GSSAPI] ready";
    assert_eq!(fails(text, AuthKind::Password, "p").await, (Step::SignIn, Trouble::NoMechanism("GSSAPI".into())));
    assert_eq!(fails(text, AuthKind::Xoauth2, "p").await, (Step::SignIn, Trouble::NoMechanism("GSSAPI".into())));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_password_is_a_refused_sign_in_with_the_servers_words_and_without_the_password() {
    let text = "
        S: * OK [CAPABILITY IMAP4rev1] ready
        C: LOGIN \"u\" \"hunter2\"
        S: $ NO [AUTHENTICATIONFAILED] Authentication failed.";
    let (outcome, script) = greet(text, &mailbox(Provider::Generic), "hunter2").await;
    script.done().await;
    let error = outcome.unwrap_err();
    assert!(error.is_sign_in());
    assert_eq!(
        error.to_string(),
        "u@warm.test: signing in: the server refused the sign-in: NO [AUTHENTICATIONFAILED] Authentication failed."
    );
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_may_pass_needs_no_person() {
    let text = "
        S: * OK [CAPABILITY IMAP4rev1] ready
        C: LOGIN \"u\" \"p\"
        S: $ NO [UNAVAILABLE] Temporary authentication failure.";
    let (outcome, script) = greet(text, &mailbox(Provider::Generic), "p").await;
    script.done().await;
    assert!(!outcome.unwrap_err().is_sign_in());
}

#[tokio::test(start_paused = true)]
async fn xoauth2_answers_the_challenge_with_an_empty_line_and_takes_the_no() {
    // The challenge is {"status":"400","schemes":"Bearer"}.
    let text = "
        S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=XOAUTH2] ready
        C: AUTHENTICATE XOAUTH2 dXNlcj11AWF1dGg9QmVhcmVyIHRvawEB
        S: + eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIn0=
        c:
        S: $ NO [ALERT] Invalid credentials";
    let (step, trouble) = fails(text, AuthKind::Xoauth2, "tok").await;
    assert_eq!(step, Step::SignIn);
    let Trouble::SignInRefused(reply) = trouble else { panic!("{trouble:?}") };
    assert_eq!(reply.to_string(), "NO [ALERT] Invalid credentials (status 400)");
}

#[tokio::test(start_paused = true)]
async fn xoauth2_without_an_initial_response_signs_in() {
    let text = "
        S: * OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2] ready
        C: AUTHENTICATE XOAUTH2
        S: +
        c: dXNlcj11AWF1dGg9QmVhcmVyIHRvawEB
        S: $ OK [CAPABILITY IMAP4rev1 IDLE] in";
    succeeds(text, AuthKind::Xoauth2, "tok").await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_for_ever_is_not_answered_for_ever() {
    let text = "
        S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready
        C: AUTHENTICATE PLAIN AHUAcA==
        S: + more
        c:
        S: + more
        c:
        S: + more
        c:
        S: + more
        c:";
    assert!(matches!(fails(text, AuthKind::Password, "p").await, (Step::SignIn, Trouble::Protocol(_))));
}

#[tokio::test(start_paused = true)]
async fn only_ok_is_a_greeting() {
    let greet = |line: &'static str| async move { fails(line, AuthKind::Password, "p").await };
    assert_eq!(
        greet("S: * BYE [ALERT] Too many\x1b[31m connections").await,
        (Step::Greeting, Trouble::Closed("Too many [31m connections".into()))
    );
    assert!(matches!(greet("S: * PREAUTH welcome").await, (Step::Greeting, Trouble::Protocol(t)) if t.contains("PREAUTH")));
    assert!(matches!(greet("S: * NO way").await, (Step::Greeting, Trouble::Protocol(_))));
    assert!(matches!(greet("S: 220 mail.warm.test ESMTP").await, (Step::Greeting, Trouble::Protocol(_))));
    assert_eq!(greet("close").await, (Step::Greeting, Trouble::Closed("the connection ended".into())));
}

#[tokio::test(start_paused = true)]
async fn silence_is_a_time_out_and_says_at_which_step() {
    for (text, step) in [
        ("hang", Step::Greeting),
        ("S: * OK hi\nC: CAPABILITY\nhang", Step::Greeting),
        ("S: * OK [CAPABILITY IMAP4rev1] hi\nhang", Step::SignIn),
    ] {
        let (stream, _script) = Script::play(text);
        let error = sign_in(stream, &mailbox(Provider::Generic), &secret("p"), Duration::MAX).await.map(|_| ()).unwrap_err();
        assert_eq!((error.step, error.trouble), (step, Trouble::TimedOut(60)));
    }
}

#[tokio::test(start_paused = true)]
async fn signing_out_does_not_wait_for_a_server_that_says_nothing() {
    let signed_in = "
        S: * OK [CAPABILITY IMAP4rev1] hi
        C: LOGIN \"u\" \"p\"
        S: $ OK [CAPABILITY IMAP4rev1] in
        C: LOGOUT\n";
    let (stream, script) = Script::play(&format!("{signed_in} S: * BYE bye\nS: $ OK"));
    let inbox: Box<dyn Inbox> = sign_in(stream, &mailbox(Provider::Generic), &secret("p"), Duration::MAX).await.unwrap();
    inbox.sign_out().await;
    script.done().await;

    let (stream, _script) = Script::play(&format!("{signed_in} hang"));
    let inbox = sign_in(stream, &mailbox(Provider::Generic), &secret("p"), Duration::MAX).await.unwrap();
    crate::clock::within(std::time::Duration::from_secs(2), inbox.sign_out()).await.unwrap();
}
