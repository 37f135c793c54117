//! The wire against scripted peers: what is refused before TLS, and which certificates.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::testing::{ScriptedPeer, TestCa};
use super::*;
use crate::mail::{Step, Trouble};

/// Long enough for a loaded machine, short enough for a test of a stall.
fn deadlines() -> Deadlines {
    Deadlines { greeting: Duration::from_secs(20), ..Deadlines::all(Duration::from_secs(20)) }
}

async fn open_at(server: &Server, protocol: Protocol) -> Result<GuardedStream, Fault> {
    open(server, protocol, "client.test", &Trust::default(), &deadlines()).await
}

/// Follows a script up to STARTTLS or its refusal.
async fn starttls(protocol: Protocol, script: &str) -> Result<GuardedStream, Fault> {
    let ca = TestCa::new("the test's CA");
    let peer = ScriptedPeer::follow_with_tls(script, ca.server("localhost")).await;
    let opened = open_at(&ca.at(peer.port, TlsMode::Starttls), protocol).await;
    if opened.is_err() {
        peer.heard().await;
    }
    opened
}

async fn refused(protocol: Protocol, script: &str) -> (Step, Trouble) {
    let fault = starttls(protocol, script).await.expect_err("a refusal");
    (fault.step, fault.trouble)
}

const TO_STARTTLS: &str = "
    S: 220 mx.test ESMTP
    C: EHLO client.test
    S: 250-mx.test
    S: 250-starttls
    S: 250 SIZE 1000
    C: STARTTLS
";

#[tokio::test]
async fn smtp_starttls_replays_the_greeting_inside_tls() {
    let mut stream = starttls(Protocol::Smtp, &format!("{TO_STARTTLS}\nS: 220 go\n!tls\nC: EHLO inside\nS: 250 mx.test")).await.unwrap();
    stream.write_all(b"EHLO inside\r\n").await.unwrap();
    let mut seen = [0; 32];
    stream.read_exact(&mut seen).await.unwrap();
    assert_eq!(std::str::from_utf8(&seen).unwrap(), "220 mx.test ESMTP\r\n250 mx.test\r\n");
}

#[tokio::test]
async fn starttls_that_is_not_offered_is_never_passed_over() {
    let stripped = "
        S: 220 mx.test ESMTP
        C: EHLO client.test
        S: 250-mx.test
        S: 250 AUTH PLAIN LOGIN
        C: $
    ";
    assert_eq!(refused(Protocol::Smtp, stripped).await, (Step::Starttls, Trouble::NoStarttls));
    // The server's own name is no offer.
    let named = "
        S: 220 mx.test ESMTP
        C: EHLO client.test
        S: 250 STARTTLS
        C: $
    ";
    assert_eq!(refused(Protocol::Smtp, named).await, (Step::Starttls, Trouble::NoStarttls));
    let imap = "
        S: * OK [CAPABILITY IMAP4rev1 STARTTLS] hi
        C: w1 CAPABILITY
        S: * CAPABILITY IMAP4rev1 LOGINDISABLED
        S: w1 OK done
        C: $
    ";
    assert_eq!(refused(Protocol::Imap, imap).await, (Step::Starttls, Trouble::NoStarttls));
}

#[tokio::test]
async fn bytes_behind_the_go_ahead_are_refused_in_the_same_segment() {
    let smtp = format!("{TO_STARTTLS}\nS: 220 go\nS: 250-injected\nS: 250 AUTH PLAIN LOGIN\nC: $");
    assert_eq!(refused(Protocol::Smtp, &smtp).await, (Step::Starttls, Trouble::EarlyData));
    let imap = "
        S: * OK hi
        C: w1 CAPABILITY
        S: * CAPABILITY IMAP4rev1 STARTTLS
        S: w1 OK done
        C: w2 STARTTLS
        S: w2 OK go
        S: * PREAUTH welcome
        C: $
    ";
    assert_eq!(refused(Protocol::Imap, imap).await, (Step::Starttls, Trouble::EarlyData));
}

#[tokio::test]
async fn bytes_behind_the_go_ahead_are_refused_when_they_come_late() {
    // The client is in its handshake already: what comes is no TLS.
    let late = format!("{TO_STARTTLS}\nS: 220 go\n!bytes\nS: 250-injected\nS: 250 AUTH PLAIN LOGIN\n!stall");
    let (step, trouble) = refused(Protocol::Smtp, &late).await;
    assert_eq!(step, Step::Tls);
    assert!(matches!(&trouble, Trouble::Tls(s) if s.contains("not TLS")), "{trouble:?}");
}

#[tokio::test]
async fn refusals_before_tls_are_told_with_their_step() {
    let (step, trouble) = refused(Protocol::Smtp, "S: 554 5.7.1 no service here\n!stall").await;
    assert_eq!((step, trouble.to_string().as_str()), (Step::Greeting, "the server refused: 554 5.7.1 no service here"));
    let (step, trouble) = refused(Protocol::Smtp, "S: 220 hi\nC: EHLO client.test\nS: 502 5.5.1 no EHLO\n!stall").await;
    assert_eq!((step, trouble.to_string().as_str()), (Step::Ehlo, "the server refused: 502 5.5.1 no EHLO"));
    let (step, trouble) = refused(Protocol::Smtp, &format!("{TO_STARTTLS}\nS: 454 4.7.0 not now\n!stall")).await;
    assert_eq!((step, trouble.to_string().as_str()), (Step::Starttls, "the server refused: 454 4.7.0 not now"));
    let (step, trouble) = refused(Protocol::Smtp, "S: HTTP/1.1 400 Bad Request\n!stall").await;
    assert_eq!((step, matches!(trouble, Trouble::Protocol(_))), (Step::Greeting, true));
    assert_eq!(refused(Protocol::Smtp, "!close").await, (Step::Greeting, Trouble::Closed("the connection ended".into())));
    let (step, trouble) = refused(Protocol::Smtp, "!flood 2222222222").await;
    assert_eq!((step, matches!(trouble, Trouble::OverLimit(_))), (Step::Greeting, true));
}

#[tokio::test]
async fn imap_greetings_before_tls() {
    let (step, trouble) = refused(Protocol::Imap, "S: * PREAUTH you are admin\n!stall").await;
    assert_eq!((step, matches!(trouble, Trouble::Protocol(_))), (Step::Greeting, true));
    assert_eq!(refused(Protocol::Imap, "S: * BYE too many\n!stall").await, (Step::Greeting, Trouble::Closed("too many".into())));
    let (step, trouble) = refused(Protocol::Imap, "!flood * OK still talking").await;
    assert_eq!((step, matches!(trouble, Trouble::OverLimit(_))), (Step::Greeting, true));
    let no = "
        S: * OK hi
        C: w1 CAPABILITY
        S: * CAPABILITY IMAP4rev1 STARTTLS
        S: w1 OK done
        C: w2 STARTTLS
        S: w2 NO not today
        C: $
    ";
    let (step, trouble) = refused(Protocol::Imap, no).await;
    assert_eq!((step, trouble.to_string().as_str()), (Step::Starttls, "the server refused: NO not today"));
    let endless = "
        S: * OK hi
        C: w1 CAPABILITY
        !flood * 1 EXPUNGE\\r\\n
    ";
    let (step, trouble) = refused(Protocol::Imap, endless).await;
    assert_eq!((step, matches!(trouble, Trouble::OverLimit(_))), (Step::Starttls, true));
}

#[tokio::test]
async fn imap_starttls_replays_a_greeting_without_capabilities() {
    let script = "
        S: * OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=EVIL] Dovecot ready.
        C: w1 CAPABILITY
        S: * CAPABILITY IMAP4rev1 STARTTLS
        S: w1 OK done
        C: w2 STARTTLS
        S: w2 OK go
        !tls
        C: a1 NOOP
        S: a1 OK
    ";
    let mut stream = starttls(Protocol::Imap, script).await.unwrap();
    stream.write_all(b"a1 NOOP\r\n").await.unwrap();
    let mut seen = [0; 28];
    stream.read_exact(&mut seen).await.unwrap();
    assert_eq!(std::str::from_utf8(&seen).unwrap(), "* OK Dovecot ready.\r\na1 OK\r\n");
}

async fn certificate(ca: &TestCa, config: std::sync::Arc<tokio_rustls::rustls::ServerConfig>) -> String {
    let peer = ScriptedPeer::follow_with_tls("!tls\nS: 220 hi\n!stall", config).await;
    let opened = open_at(&ca.at(peer.port, TlsMode::Implicit), Protocol::Smtp).await;
    match opened {
        Ok(_) => "trusted".to_owned(),
        Err(Fault { step: Step::Tls, trouble: Trouble::Tls(why) }) => why,
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn certificates_are_told_apart_in_words() {
    let (ours, theirs) = (TestCa::new("ours"), TestCa::new("theirs"));
    assert_eq!(certificate(&ours, ours.server("localhost")).await, "trusted");
    assert_eq!(
        certificate(&ours, ours.server("mail.other.test")).await,
        "the certificate is for another name: it names mail.other.test, not localhost"
    );
    assert_eq!(
        certificate(&ours, theirs.server("localhost")).await,
        "the certificate is not trusted: its issuer is not among the CAs in use (a self-signed one looks the same)"
    );
    assert_eq!(certificate(&ours, ours.server_until("localhost", 2020)).await, "the certificate has run out");
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_told_so() {
    let ca = TestCa::new("the test's CA");
    let peer = ScriptedPeer::follow("S: 220 mx.test ESMTP\n!stall").await;
    let fault = open_at(&ca.at(peer.port, TlsMode::Implicit), Protocol::Smtp).await.unwrap_err();
    assert!(matches!(&fault.trouble, Trouble::Tls(s) if s.contains("may not fit together")), "{fault:?}");
}

#[tokio::test]
async fn a_ca_file_is_all_or_nothing() {
    let ca = TestCa::new("the test's CA");
    let mut server = ca.at(1, TlsMode::Implicit);
    for (content, why) in [
        ("no PEM", "holds no certificate"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "holds something that is no CA certificate"),
        ("-----BEGIN CERTIFICATE-----\n####\n-----END CERTIFICATE-----\n", "a PEM block cannot be read"),
    ] {
        std::fs::write(ca.file.path(), content).unwrap();
        let fault = open_at(&server, Protocol::Smtp).await.unwrap_err();
        assert_eq!(fault.trouble, Trouble::Tls(format!("ca_file {}: {why}", ca.file.path().display())));
    }
    server.ca_file = Some("/nonexistent/ca.pem".into());
    let fault = open_at(&server, Protocol::Smtp).await.unwrap_err();
    assert!(matches!(&fault.trouble, Trouble::Tls(s) if s.starts_with("ca_file /nonexistent/ca.pem: ")), "{fault:?}");
}

#[tokio::test]
async fn a_greeting_that_stalls_times_out() {
    let ca = TestCa::new("the test's CA");
    let hasty = Deadlines { greeting: Duration::from_millis(50), ..deadlines() };
    for protocol in [Protocol::Smtp, Protocol::Imap] {
        let peer = ScriptedPeer::follow("!stall").await;
        let fault = open(&ca.at(peer.port, TlsMode::Starttls), protocol, "client.test", &Trust::default(), &hasty).await.unwrap_err();
        assert_eq!((fault.step, fault.trouble), (Step::Greeting, Trouble::TimedOut(0)));
    }
}
