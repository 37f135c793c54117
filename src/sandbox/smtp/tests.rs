//! Whole dialogues over a stream in memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::*;
use crate::chance::Seed;
use crate::sandbox::tls::Identity;
use crate::sandbox::tls::testing::client_of;
use crate::words::{Address, Moment};
use crate::world::{AccountSpec, Condition, Whom, Wrong};

const NOON: Moment = Moment(1_796_126_400_000);

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

/// `anna@warm.test` on servers with these habits, and `bob@partner.test` on Dovecot; their password is `s3cret`.
fn world_of(personality: Personality) -> Arc<World> {
    let world = World::new(Seed(7));
    for (name, personality) in [("anna@warm.test", personality), ("bob@partner.test", Personality::Dovecot)] {
        let receiver = address(name).domain().to_string();
        world.add_account(AccountSpec { address: address(name), personality, receiver, user: name.into(), secret: Some("s3cret".into()) });
    }
    world
}

/// A server on the other end of a stream.
struct Server {
    world: Arc<World>,
    clock: Clock,
    face: Face,
    connections: Arc<Connections>,
    identity: Identity,
    stop: watch::Sender<bool>,
}

impl Server {
    fn new(personality: Personality) -> Self {
        Self {
            world: world_of(personality),
            clock: Clock::Scaled { start: NOON, origin_real: Clock::System.now(), factor: 1 },
            face: Face { personality, plain_sign_in: false },
            connections: Arc::default(),
            identity: Identity::new(Clock::System.now()).unwrap(),
            stop: watch::Sender::new(false),
        }
    }

    fn open(&self, over_tls: bool) -> (DuplexStream, JoinHandle<std::io::Result<()>>) {
        let (client, server) = tokio::io::duplex(1 << 16);
        let (world, clock, connections) = (self.world.clone(), self.clock.clone(), self.connections.clone());
        let tls = Some(self.identity.acceptor.clone());
        (client, tokio::spawn(serve(server, over_tls, world, clock, self.face, tls, connections, self.stop.subscribe())))
    }

    /// Says all of it at once and nothing more, and gives back all that the server said, greeting included.
    async fn hear(&self, over_tls: bool, said: impl AsRef<[u8]>) -> String {
        let (client, server) = self.open(over_tls);
        let (mut reader, mut writer) = tokio::io::split(client);
        let said = said.as_ref().to_vec();
        let talk = async move {
            let _ = writer.write_all(&said).await;
            let _ = writer.shutdown().await;
        };
        let mut heard = Vec::new();
        let ((), read) = tokio::join!(talk, reader.read_to_end(&mut heard));
        read.unwrap();
        let _ = server.await.unwrap();
        String::from_utf8(heard).unwrap()
    }

    /// The codes of the answers inside TLS, after the greeting; a multi-line reply counts once.
    async fn codes(&self, said: impl AsRef<[u8]>) -> String {
        codes_of(&self.hear(true, said).await)
    }

    /// The bytes that arrived in bob's INBOX, hours later.
    fn arrived(&self) -> Vec<String> {
        self.world.settle(NOON + Duration::from_hours(2));
        let read = |f: &crate::world::Folder| f.messages.values().map(|m| String::from_utf8_lossy(&m.bytes).into_owned()).collect();
        self.world.with_folder(&address("bob@partner.test"), "INBOX", read).unwrap()
    }
}

fn codes_of(heard: &str) -> String {
    let last_lines = heard.lines().filter(|l| l.as_bytes().get(3) == Some(&b' '));
    last_lines.skip(1).map(|l| l[..3].to_owned()).collect::<Vec<_>>().join(" ")
}

fn plain(user: &str, password: &str) -> String {
    format!("AUTH PLAIN {}\r\n", BASE64.encode(format!("\0{user}\0{password}")))
}

fn signed_in() -> String {
    format!("EHLO client.test\r\n{}", plain("anna@warm.test", "s3cret"))
}

const OFFER: &str = "MAIL FROM:<anna@warm.test> BODY=8BITMIME\r\nRCPT TO:<bob@partner.test>\r\nDATA\r\n";
const LETTER: &str =
    "From: anna@warm.test\r\nTo: bob@partner.test\r\nMessage-ID: <1@warm.test>\r\nSubject: hello\r\n\r\nHello\r\n..dot\r\n.\r\n";

#[tokio::test]
async fn a_whole_dialogue_word_for_word() {
    let server = Server::new(Personality::Dovecot);
    let heard = server.hear(true, format!("{}{OFFER}{LETTER}QUIT\r\n", signed_in())).await;
    assert_eq!(
        heard,
        "220 localhost ESMTP preheat sandbox, dovecot-like: this mail world is modelled\r\n\
         250-localhost\r\n250-PIPELINING\r\n250-SIZE 35882577\r\n250-8BITMIME\r\n250-AUTH PLAIN LOGIN XOAUTH2\r\n250-HELP\r\n250 ENHANCEDSTATUSCODES\r\n\
         235 2.7.0 Authentication successful\r\n250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 End data with <CR><LF>.<CR><LF>\r\n\
         250 2.0.0 Ok: queued as 0000040003\r\n221 2.0.0 Bye\r\n"
    );
    let arrived = server.arrived();
    assert_eq!(arrived.len(), 1);
    assert!(
        arrived[0].starts_with("Return-Path: <anna@warm.test>\r\n") && arrived[0].ends_with("\r\n\r\nHello\r\n.dot\r\n"),
        "{}",
        arrived[0]
    );
    let evidence = server.world.evidence();
    assert_eq!(evidence.submissions.iter().map(|s| (s.accepted, s.code)).collect::<Vec<_>>(), [(true, 250)]);
}

#[tokio::test]
async fn two_letters_to_several_recipients_and_a_reset_between() {
    let server = Server::new(Personality::Dovecot);
    let both =
        "MAIL FROM:<ANNA@warm.test>\r\nRCPT TO:<bob@partner.test>\r\nRCPT TO:<Bob@partner.test>\r\nRCPT TO:<anna@warm.test>\r\nDATA\r\n";
    let said = format!(
        "{}MAIL FROM:<anna@warm.test>\r\nRSET\r\nDATA\r\n{both}{LETTER}{OFFER}{LETTER}NOOP\r\nVRFY bob\r\nHELP\r\nQUIT\r\n",
        signed_in()
    );
    assert_eq!(server.codes(said).await, "250 235 250 250 503 250 250 250 250 354 250 250 250 354 250 250 252 214 221");
    assert_eq!(server.arrived().len(), 2, "a recipient who is named twice gets one copy");
}

#[tokio::test]
async fn every_way_to_sign_in() {
    let server = Server::new(Personality::Dovecot);
    let name = BASE64.encode("anna@warm.test");
    let password = BASE64.encode("s3cret");
    let both = BASE64.encode("\0anna@warm.test\0s3cret");
    let token = BASE64.encode("user=anna@warm.test\x01auth=Bearer s3cret\x01\x01");
    for (said, codes) in [
        (format!("AUTH PLAIN {both}\r\n"), "250 235"),
        (format!("AUTH PLAIN\r\n{both}\r\n"), "250 334 235"),
        (format!("AUTH LOGIN\r\n{name}\r\n{password}\r\n"), "250 334 334 235"),
        (format!("AUTH LOGIN {name}\r\n{password}\r\n"), "250 334 235"),
        (format!("AUTH XOAUTH2 {token}\r\n"), "250 235"),
        (format!("AUTH XOAUTH2\r\n{token}\r\n"), "250 334 235"),
        (format!("AUTH PLAIN {both}\r\nAUTH PLAIN {both}\r\n"), "250 235 503"),
        ("AUTH PLAIN\r\n*\r\nNOOP\r\n".into(), "250 334 501 250"),
        ("AUTH PLAIN !!!\r\nNOOP\r\n".into(), "250 501 250"),
        ("AUTH CRAM-MD5\r\nNOOP\r\n".into(), "250 504 250"),
    ] {
        assert_eq!(server.codes(format!("EHLO c.test\r\n{said}")).await, codes, "{said}");
    }
    assert_eq!(server.codes(format!("AUTH PLAIN {both}\r\nHELO c.test\r\nAUTH PLAIN {both}\r\n")).await, "503 250 503");
}

#[tokio::test]
async fn a_wrong_password_is_refused_in_the_providers_words() {
    for (personality, words) in [
        (Personality::Gmail, "535 5.7.8 Username and Password not accepted. "),
        (Personality::Microsoft, "535 5.7.3 Authentication unsuccessful"),
        (Personality::Dovecot, "535 5.7.8 Error: authentication failed"),
    ] {
        let server = Server::new(personality);
        for (user, password) in [("anna@warm.test", "wrong"), ("nobody@warm.test", "s3cret"), ("anna@warm.test", "")] {
            let heard = server.hear(true, format!("EHLO c.test\r\n{}{OFFER}", plain(user, password))).await;
            assert!(heard.contains(words), "{heard}");
            assert!(heard.ends_with(
                "530 5.7.0 Authentication required\r\n503 5.5.1 Error: need MAIL command\r\n503 5.5.1 Error: need MAIL command\r\n"
            ));
        }
    }
    // A user of other servers is nobody here.
    let server = Server::new(Personality::Gmail);
    assert_eq!(server.codes(format!("EHLO c.test\r\n{}", plain("bob@partner.test", "s3cret"))).await, "250 535");
}

#[tokio::test]
async fn a_refused_token_is_told_why_and_then_the_code() {
    let server = Server::new(Personality::Gmail);
    let token = BASE64.encode("user=anna@warm.test\x01auth=Bearer stale\x01\x01");
    let heard = server.hear(true, format!("EHLO c.test\r\nAUTH XOAUTH2 {token}\r\n\r\nNOOP\r\n")).await;
    let challenge = heard.lines().find_map(|l| l.strip_prefix("334 ")).unwrap();
    let json: BTreeMap<String, String> = serde_json::from_slice(&BASE64.decode(challenge).unwrap()).unwrap();
    assert_eq!((json["status"].as_str(), json["scope"].as_str()), ("400", "https://mail.google.com/"));
    assert_eq!(codes_of(&heard), "250 334 535 250");
}

#[tokio::test]
async fn nothing_is_taken_out_of_order() {
    let server = Server::new(Personality::Dovecot);
    assert_eq!(
        server.codes("MAIL FROM:<anna@warm.test>\r\nRCPT TO:<bob@partner.test>\r\nDATA\r\nWHAT\r\n\r\nLHLO x\r\n").await,
        "503 503 503 500 500 502"
    );
    let said = format!("{}MAIL FROM:<anna@warm.test>\r\nMAIL FROM:<anna@warm.test>\r\nDATA\r\n", signed_in());
    assert_eq!(server.codes(said).await, "250 235 250 503 554");
}

#[tokio::test]
async fn only_ones_own_address_writes_and_only_to_those_who_are_there() {
    let server = Server::new(Personality::Dovecot);
    for (from, to, codes) in [
        ("boss@warm.test", "bob@partner.test", "250 553 554"),
        ("", "bob@partner.test", "250 553 554"),
        ("anna@warm.test", "nobody@partner.test", "250 550 554"),
        ("anna@warm.test", "somebody@elsewhere.example", "250 554 554"),
        ("anna@warm.test", "\"bo b\"@partner.test", "250 501 554"),
        ("anna@warm.test", "bob@[127.0.0.1]", "250 501 554"),
    ] {
        let said = format!("{}MAIL FROM:<{from}>\r\nRCPT TO:<{to}>\r\nDATA\r\n", signed_in());
        assert_eq!(server.codes(said).await, format!("250 235 {codes}"), "{from} {to}");
    }
    assert!(server.arrived().is_empty());
}

#[tokio::test]
async fn without_tls_there_is_no_mail_and_no_sign_in() {
    let server = Server::new(Personality::Dovecot);
    let heard = server.hear(false, format!("{}{OFFER}", signed_in())).await;
    assert!(heard.contains("250-STARTTLS\r\n") && !heard.contains("AUTH PLAIN"), "{heard}");
    assert_eq!(codes_of(&heard), "250 530 530 503 503");
}

#[tokio::test]
async fn starttls_forgets_what_came_before_it_and_what_came_with_it() {
    let server = Server::new(Personality::Dovecot);
    let (mut client, task) = server.open(false);
    // The injected command stands behind STARTTLS in the same segment.
    client.write_all(b"EHLO evil.test\r\nSTARTTLS\r\nEHLO injected.test\r\n").await.unwrap();
    let mut clear = Vec::new();
    while !clear.ends_with(b"220 2.0.0 Ready to start TLS\r\n") {
        clear.push(client.read_u8().await.unwrap());
    }
    let connector = client_of(&server.identity.ca_pem);
    let mut tls = connector.connect("localhost".try_into().unwrap(), client).await.unwrap();
    // Had the injected EHLO been kept, this would be taken.
    tls.write_all(format!("{}{}{OFFER}{LETTER}STARTTLS\r\nQUIT\r\n", plain("anna@warm.test", "s3cret"), signed_in()).as_bytes())
        .await
        .unwrap();
    let mut inside = String::new();
    tls.read_to_string(&mut inside).await.unwrap();
    task.await.unwrap().unwrap();
    assert!(!inside.contains("STARTTLS"), "{inside}");
    assert_eq!(codes_of(&format!("220 no greeting here\r\n{inside}")), "503 250 235 250 250 354 250 503 221");
    assert_eq!(server.arrived().len(), 1);
}

#[tokio::test]
async fn a_message_cannot_be_read_as_two() {
    for end in ["\n.\n", "\n.\r\n", "\r\n.\n", "\r\n.\r\r\n", "\r.\r"] {
        let server = Server::new(Personality::Dovecot);
        let smuggled = format!(
            "Subject: one\r\n\r\nHello{end}MAIL FROM:<boss@warm.test>\r\nRCPT TO:<bob@partner.test>\r\nDATA\r\nSubject: two\r\n\r\n.\r\n"
        );
        let said = format!("{}{OFFER}{smuggled}QUIT\r\n", signed_in());
        assert_eq!(server.codes(said).await, "250 235 250 250 354 250 221", "{end:?}");
        assert_eq!(server.arrived().len(), 1, "{end:?}");
        assert_eq!(server.world.evidence().submissions.len(), 1);
    }
}

#[tokio::test]
async fn sizes_lines_recipients_and_faults_have_their_limits() {
    let server = Server::new(Personality::Dovecot);
    assert_eq!(server.codes(format!("{}MAIL FROM:<anna@warm.test> SIZE=35882578\r\n", signed_in())).await, "250 235 552");
    assert_eq!(server.codes(format!("NOOP {}\r\nNOOP\r\n", "x ".repeat(3_000))).await, "500 250");
    assert_eq!(server.codes(format!("EHLO c.test\r\nAUTH PLAIN {}\r\nNOOP\r\n", "A".repeat(11_000))).await, "250 501 250");
    assert_eq!(server.codes(format!("EHLO c.test\r\nAUTH PLAIN {}\r\nNOOP\r\n", "A".repeat(50_000))).await, "250 500 250");
    assert_eq!(server.codes("x".repeat(3 << 20)).await, "", "a line without end is not waited for");
    let many =
        server.codes(format!("{}MAIL FROM:<anna@warm.test>\r\n{}", signed_in(), "RCPT TO:<nobody@partner.test>\r\n".repeat(120))).await;
    assert!(many.ends_with("550 550"), "{many}");
    let faults = server.codes("WHAT\r\n".repeat(30)).await;
    assert_eq!(faults, format!("{}421", "500 ".repeat(20)));
}

#[tokio::test]
async fn a_message_that_is_too_large_is_read_to_its_end_and_refused() {
    let server = Server::new(Personality::Dovecot);
    let mut said = format!("{}{OFFER}", signed_in()).into_bytes();
    said.resize(said.len() + MOST_BYTES, b'x');
    said.extend_from_slice(b"\r\n.\r\nNOOP\r\n");
    assert_eq!(server.codes(said).await, "250 235 250 250 354 552 250");
    assert!(server.world.evidence().submissions.is_empty());
}

#[tokio::test]
async fn a_hundred_recipients_and_no_more() {
    let server = Server::new(Personality::Dovecot);
    for n in 0..101 {
        let address = address(&format!("u{n}@many.test"));
        let (receiver, user) = ("many.test".into(), address.to_string());
        server.world.add_account(AccountSpec { address, personality: Personality::Dovecot, receiver, user, secret: None });
    }
    let all = (0..101).map(|n| format!("RCPT TO:<u{n}@many.test>\r\n")).collect::<Vec<_>>().concat();
    let codes = server.codes(format!("{}MAIL FROM:<anna@warm.test>\r\n{all}DATA\r\n{LETTER}", signed_in())).await;
    assert_eq!(codes, format!("250 235 250 {}452 354 250", "250 ".repeat(100)));
    assert_eq!(server.world.evidence().submissions.len(), 100);
}

#[tokio::test]
async fn each_provider_limits_connections_and_microsoft_messages_too() {
    let server = Server::new(Personality::Microsoft);
    let mut open = Vec::new();
    for _ in 0..3 {
        let (mut client, _) = server.open(true);
        client.write_all(signed_in().as_bytes()).await.unwrap();
        let mut heard = Vec::new();
        while !heard.ends_with(b"235 2.7.0 Authentication successful\r\n") {
            heard.push(client.read_u8().await.unwrap());
        }
        open.push(client);
    }
    assert!(server.hear(true, signed_in()).await.ends_with("432 4.3.2 Concurrent connections limit exceeded\r\n"));
    drop(open);
    let said = format!("{}{}QUIT\r\n", signed_in(), format!("{OFFER}{LETTER}").repeat(30));
    // The three leave when their tasks have noticed.
    while server.codes(signed_in()).await != "250 235" {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.codes(said).await, format!("250 235 {}221", "250 250 354 250 ".repeat(30)));
    let heard = server.hear(true, format!("{}{}", signed_in(), "MAIL FROM:<anna@warm.test>\r\nRCPT TO:<bob@partner.test>\r\n")).await;
    assert!(heard.ends_with("432 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded\r\n"), "{heard}");
}

fn wrong(server: &Server, wrong: Wrong) {
    server.world.add_condition(Condition {
        wrong,
        whom: Whom::Mailbox(address("anna@warm.test")),
        from: NOON,
        until: NOON + Duration::from_hours(1),
    });
}

#[tokio::test]
async fn a_locked_account_is_refused_and_one_that_cannot_be_reached_hears_nothing() {
    let server = Server::new(Personality::Dovecot);
    wrong(&server, Wrong::Locked);
    assert_eq!(server.codes(signed_in()).await, "250 535");
    let server = Server::new(Personality::Dovecot);
    wrong(&server, Wrong::Outage);
    assert_eq!(server.codes(signed_in()).await, "250");
}

#[tokio::test]
async fn a_flaky_connection_breaks_and_at_the_final_dot_every_second_message_was_taken() {
    let server = Server::new(Personality::Dovecot);
    let offer = async |server: &Server| {
        let (mut client, task) = server.open(true);
        client.write_all(format!("{}{OFFER}", signed_in()).as_bytes()).await.unwrap();
        let mut heard = Vec::new();
        while !heard.ends_with(b".<CR><LF>\r\n") {
            heard.push(client.read_u8().await.unwrap());
        }
        (client, task)
    };
    let first = offer(&server).await;
    let second = offer(&server).await;
    wrong(&server, Wrong::Flaky(1.0));
    for (mut client, task) in [first, second] {
        client.write_all(LETTER.as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        client.read_to_end(&mut rest).await.unwrap();
        assert!(rest.is_empty());
        task.await.unwrap().unwrap();
    }
    let submissions = server.world.evidence().submissions;
    assert_eq!(submissions.iter().map(|s| (s.accepted, s.code)).collect::<Vec<_>>(), [(true, 0)]);
    assert_eq!(server.arrived().len(), 1);
    assert_eq!(server.codes(format!("{}NOOP\r\n", signed_in())).await, "250 235", "and in mid-command, without a word");
}

#[tokio::test(start_paused = true)]
async fn silence_ends_the_session_after_five_minutes() {
    let server = Server::new(Personality::Dovecot);
    let (mut client, task) = server.open(true);
    let mut heard = String::new();
    client.read_to_string(&mut heard).await.unwrap();
    assert!(heard.ends_with("421 4.4.2 Error: timeout exceeded\r\n"), "{heard}");
    task.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_sandbox_that_stops_says_so() {
    let server = Server::new(Personality::Dovecot);
    let (mut client, _) = server.open(true);
    let mut heard = vec![client.read_u8().await.unwrap()];
    server.stop.send_replace(true);
    client.read_to_end(&mut heard).await.unwrap();
    assert!(String::from_utf8_lossy(&heard).ends_with("421 4.3.2 The sandbox is shutting down\r\n"));
}

/// Lines as a hostile client would make them: pieces of SMTP and pieces of nothing.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => proptest::sample::select(vec![
            "EHLO x\r\n", "MAIL FROM:<", "RCPT TO:<", "anna@warm.test", "bob@partner.test", ">", "\r\n", "\n", "\r", ".", ".\r\n", "DATA\r\n", "AUTH ",
            "AUTH PLAIN AGFubmFAd2FybS50ZXN0AHMzY3JldA==\r\n", "PLAIN", "LOGIN", " SIZE=99999999999999999999999", " BODY=", "\"", "\\", "@", ",", ":", "=",
            "\0", "\u{e9}", "RSET\r\n", "HELP\r\n", "BDAT 9 LAST\r\n", "BURL x\r\n", "ETRN\r\n", "ATRN ,,\r\n", " +FF+", "AUTH=+", "MT-PRIORITY=-9999999999999999999", " BY=-1;RT",
        ]).prop_map(|s| s.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..20),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|p| p.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn whatever_a_client_sends_is_answered_in_lines_and_nothing_panics(said in hostile(), signs_in: bool) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = Server::new(Personality::Dovecot);
            let said = if signs_in { [signed_in().as_bytes(), &said].concat() } else { said };
            let heard = server.hear(true, &said).await;
            prop_assert!(heard.ends_with("\r\n"));
            for line in heard.lines() {
                prop_assert!(line.len() < 512 && line.as_bytes()[..3].iter().all(u8::is_ascii_digit), "{line:?}");
            }
            prop_assert!(signs_in || said.windows(5).any(|w| w == b"AUTH ") || server.world.evidence().submissions.is_empty());
            Ok(())
        })?;
    }
}
