use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring, pki_types::CertificateDer};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::Place;
use crate::clock::Clock;
use crate::mail::wire::testing::TestCa;
use crate::sandbox::imap::{Face, serve};
use crate::world::{Condition, Personality, Whom, Wrong};

const BEFORE: &str = "IMAP4rev1 SASL-IR ID LITERAL+ AUTH=PLAIN AUTH=LOGIN AUTH=XOAUTH2";
const AFTER: &str = "IMAP4rev1 ID NAMESPACE UNSELECT CHILDREN LITERAL+ IDLE UIDPLUS MOVE SPECIAL-USE LIST-EXTENDED";

#[tokio::test(start_paused = true)]
async fn a_session_from_greeting_to_logout() {
    let place = Place::new(Personality::Dovecot);
    let mut client = place.greeted().await;
    client
        .plays(&format!(
            "C: a1 capability
             S: * CAPABILITY {BEFORE}
             S: a1 OK those are all
             C: a2 SELECT INBOX
             S: a2 BAD sign in first
             C: a3 LOGIN \"b\" p
             S: a3 OK [CAPABILITY {AFTER}] signed in
             C: a4 ID NIL
             S: * ID (\"name\" \"preheat sandbox\" \"version\" \"{}\")
             S: a4 OK done
             C: a5 LOGIN b p
             S: a5 BAD somebody is signed in already
             C: a6 LOGOUT
             S: * BYE see you
             S: a6 OK logged out
             end",
            env!("CARGO_PKG_VERSION")
        ))
        .await;
    client.server.await.unwrap().unwrap();
    assert_eq!(place.connections.of(&place.who), 0, "its seat is free again");
}

#[tokio::test(start_paused = true)]
async fn every_mechanism_signs_in_with_and_without_an_initial_response() {
    let place = Place::new(Personality::Dovecot);
    let plain = STANDARD.encode("\0b\0p");
    let bearer = STANDARD.encode("user=b\x01auth=Bearer p\x01\x01");
    for transcript in [
        format!("C: a AUTHENTICATE PLAIN {plain}"),
        format!("C: a AUTHENTICATE PLAIN\nS: + \nC: {plain}"),
        format!("C: a AUTHENTICATE XOAUTH2 {bearer}"),
        format!("C: a AUTHENTICATE XOAUTH2\nS: + \nC: {bearer}"),
        "C: a AUTHENTICATE LOGIN\nS: + VXNlcm5hbWU6\nC: Yg==\nS: + UGFzc3dvcmQ6\nC: cA==".into(),
        "C: a LOGIN {1}\nS: + go on\nC: b {1}\nS: + go on\nC: p".into(),
        "C: a LOGIN {1+}\nC: b {1+}\nC: p".into(),
    ] {
        let mut client = place.greeted().await;
        client.plays(&format!("{transcript}\nS: a OK [CAPABILITY {AFTER}] signed in")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn each_provider_refuses_in_its_own_words() {
    for (personality, login, authenticate) in [
        (Personality::Dovecot, "[AUTHENTICATIONFAILED] Authentication failed.", "[AUTHENTICATIONFAILED] Authentication failed."),
        (
            Personality::Gmail,
            "[AUTHENTICATIONFAILED] Invalid credentials (Failure)",
            "[AUTHENTICATIONFAILED] Invalid credentials (Failure)",
        ),
        (Personality::Microsoft, "LOGIN failed.", "AUTHENTICATE failed."),
    ] {
        let place = Place::new(personality);
        let bearer = STANDARD.encode("user=b\x01auth=Bearer old\x01\x01");
        let mut client = place.greeted().await;
        client
            .plays(&format!(
                "C: a LOGIN b wrong
                 S: a NO {login}
                 C: b LOGIN nobody p
                 S: b NO {login}
                 C: c AUTHENTICATE XOAUTH2 {bearer}
                 S: + eyJzdGF0dXMiOiI0MDAi*
                 C:
                 S: c NO {authenticate}
                 C: d AUTHENTICATE PLAIN
                 S: + *
                 C: *
                 S: d BAD taken back
                 C: e AUTHENTICATE PLAIN ====
                 S: e BAD that is no command that this server knows
                 C: f AUTHENTICATE CRAM-MD5
                 S: f NO [CANNOT] that mechanism is not offered
                 C: g LOGIN b x
                 S: g NO *
                 C: h LOGIN b x
                 S: h NO *
                 end"
            ))
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_locked_account_is_refused_and_an_outage_answers_nothing() {
    let place = Place::new(Personality::Dovecot);
    let mut open = place.signed_in().await;
    let now = place.clock.now();
    let until = now + std::time::Duration::from_hours(1);
    place.world.add_condition(Condition { wrong: Wrong::Locked, whom: Whom::All, from: now, until });
    place.greeted().await.plays("C: a LOGIN b p\nS: a NO [AUTHENTICATIONFAILED] Authentication failed.").await;
    open.plays("C: b NOOP\nS: b OK done").await;
    place.world.add_condition(Condition { wrong: Wrong::Outage, whom: Whom::All, from: now, until });
    open.plays("C: c NOOP\nend").await;
}

#[tokio::test(start_paused = true)]
async fn where_no_server_answers_a_sign_in_gets_no_word() {
    let place = Place::new(Personality::Gmail);
    let now = place.clock.now();
    let until = now + std::time::Duration::from_hours(1);
    place.world.add_condition(Condition { wrong: Wrong::Outage, whom: Whom::All, from: now, until });
    for sign_in in ["LOGIN b p", "AUTHENTICATE PLAIN AGIAcA=="] {
        place.greeted().await.plays(&format!("C: a {sign_in}\nend")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_has_so_many_connections_and_no_more() {
    let place = Place::new(Personality::Dovecot);
    let mut open = Vec::new();
    for _ in 0..10 {
        open.push(place.signed_in().await);
    }
    let refused = "C: a LOGIN b p\nS: a NO [LIMIT] Maximum number of connections of a user is reached (10)";
    place.greeted().await.plays(refused).await;
    open.pop().unwrap().plays("C: z LOGOUT\nS: * BYE *\nS: z OK *\nend").await;
    place.signed_in().await;
}

#[tokio::test(start_paused = true)]
async fn nobody_signs_in_before_tls() {
    let mut place = Place::new(Personality::Dovecot);
    place.face = Face { plain_sign_in: false, ..place.face };
    place
        .greeted()
        .await
        .plays(
            "C: a CAPABILITY
             S: * CAPABILITY IMAP4rev1 SASL-IR ID LITERAL+ LOGINDISABLED
             S: a OK those are all
             C: b LOGIN b p
             S: b NO [PRIVACYREQUIRED] not without TLS
             C: c AUTHENTICATE PLAIN AGIAcA==
             S: c NO [PRIVACYREQUIRED] not without TLS
             C: d STARTTLS
             S: d BAD there is no TLS to begin here",
        )
        .await;
}

#[tokio::test]
async fn what_was_said_behind_starttls_in_the_clear_is_forgotten() {
    let ca = TestCa::new("a test's own");
    let place = Place::new(Personality::Dovecot);
    let face = Face { plain_sign_in: false, starttls: true, ..place.face };
    let (mut client, server) = duplex(1 << 16);
    let acceptor = TlsAcceptor::from(ca.server("localhost"));
    let (world, stop) = (Arc::clone(&place.world), place.stop.subscribe());
    let task = tokio::spawn(serve(server, false, world, Clock::System, face, Some(acceptor), Arc::clone(&place.connections), stop));

    client.write_all(b"a STARTTLS\r\nb NOOP\r\n").await.unwrap();
    let greeting =
        "* OK [CAPABILITY IMAP4rev1 SASL-IR ID LITERAL+ STARTTLS LOGINDISABLED] IMAP4rev1 of a modelled world (dovecot-like)\r\n";
    let mut heard = vec![0; greeting.len() + "a OK begin TLS\r\n".len()];
    client.read_exact(&mut heard).await.unwrap();
    assert_eq!(String::from_utf8(heard).unwrap(), format!("{greeting}a OK begin TLS\r\n"));

    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca.file.path()).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider())).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let mut inside = TlsConnector::from(Arc::new(config)).connect(name, client).await.unwrap();
    inside.write_all(b"c STARTTLS\r\nd LOGIN b p\r\ne LOGOUT\r\n").await.unwrap();
    let mut heard = String::new();
    inside.read_to_string(&mut heard).await.unwrap();
    let lines: Vec<&str> = heard.lines().collect();
    assert_eq!(lines[0], "c BAD there is no TLS to begin here", "and no answer to the NOOP that was smuggled in");
    assert!(lines[1].starts_with("d OK [CAPABILITY"), "{lines:?}");
    assert_eq!(lines[2..], ["* BYE see you", "e OK logged out"]);
    task.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_sandbox_says_goodbye_when_it_stops() {
    let place = Place::new(Personality::Dovecot);
    let (mut waiting, mut idling) = (place.signed_in().await, place.selected("INBOX").await);
    idling.plays("C: i IDLE\nS: + idling").await;
    place.stop.send_replace(true);
    waiting.plays("S: * BYE the sandbox stops\nend").await;
    idling.plays("S: * BYE the sandbox stops\nend").await;
}
