use rand::Rng;

use super::{ONE, Place};
use crate::chance::Seed;
use crate::world::Personality;

const NONSENSE: &str = "BAD that is no command that this server knows";

#[tokio::test(start_paused = true)]
async fn what_makes_no_sense_is_bad_and_the_session_goes_on_for_a_while() {
    let place = Place::with_mail(Personality::Dovecot);
    let mut client = place.selected("INBOX").await;
    for (said, tag) in [
        ("", "*"),
        ("x", "x"),
        ("* OK", "*"),
        ("a FETCH", "a"),
        ("a FETCH 0 FLAGS", "a"),
        ("a FETCH 1:99999999999 FLAGS", "a"),
        ("a FETCH 1 (BODY[0])", "a"),
        ("a FETCH 1 BODY[]<5>", "a"),
        ("a STORE 1 FLAGS", "a"),
        ("a LIST (", "a"),
        ("a SEARCH ((((((((((ALL))))))))))", "a"),
        ("a SEARCH NOT NOT NOT NOT NOT NOT NOT NOT NOT NOT NOT ALL", "a"),
        ("a \u{0}\u{1}\u{7f}é", "a"),
    ] {
        client.plays(&format!("C: {said}\nS: {tag} {NONSENSE}")).await;
    }
    client.plays("C: b NOOP\nS: b OK done").await;
    for _ in 0..19 {
        client.plays(&format!("C: c WHAT\nS: c {NONSENSE}")).await;
    }
    client.plays(&format!("C: d WHAT\nS: d {NONSENSE}\nS: * BYE too much of that\nend")).await;
}

#[tokio::test(start_paused = true)]
async fn deep_nesting_costs_nothing() {
    let place = Place::with_mail(Personality::Gmail);
    let mut client = place.selected("INBOX").await;
    for (open, close) in [("(", ")"), ("NOT ", ""), ("OR 1 ", ""), ("OR (", ") 1")] {
        let line = format!("C: a SEARCH {}1{}\nS: a {NONSENSE}", open.repeat(5_000), close.repeat(5_000));
        client.plays(&line).await;
    }
    let many = "1 ".repeat(2_000);
    client.plays(&format!("C: a SEARCH {many}1\nS: a BAD that is too much to look for")).await;
    let odd: Vec<String> = (1..12_000).step_by(2).map(|n| n.to_string()).collect();
    client.plays(&format!("C: a UID FETCH {} UID\nS: * 1 FETCH (UID 1)\nS: a OK fetched", odd.join(","))).await;
}

#[tokio::test(start_paused = true)]
async fn lines_and_literals_are_bounded() {
    let place = Place::with_mail(Personality::Dovecot);
    let mut long = place.greeted().await;
    long.says(&vec![b'x'; 70_000]).await;
    long.plays("S: * BYE that line is too long\nend").await;

    let mut early = place.greeted().await;
    early
        .plays(
            "C: a LOGIN {4097}
             S: a NO [TOOBIG] that literal is too big
             C: b LOGIN {99999999999999999999}
             S: b NO [TOOBIG] that literal is too big
             C: c LOGIN {4097+}
             S: * BYE that literal is too big to be sent without asking
             end",
        )
        .await;

    let mut sum = place.greeted().await;
    sum.plays("C: a LOGIN {4096}\nS: + go on").await;
    sum.says(&[b'x'; 4096]).await;
    sum.plays("C:  {1}\nS: a NO [TOOBIG] that literal is too big").await;

    let mut late = place.signed_in().await;
    late.plays("C: a APPEND INBOX {41943041}\nS: a NO [TOOBIG] that literal is too big\nC: b NOOP\nS: b OK done").await;

    let mut lines = place.signed_in().await;
    lines.plays("C: a LIST {1}\nS: + go on").await;
    for _ in 0..3 {
        lines.says(format!("x{} {{1}}\r\n", "y".repeat(30_000)).as_bytes()).await;
    }
    assert!(lines.hears_all().await.ends_with("* BYE that line is too long\r\n"), "the lines of a command count together");

    let mut gmail = Place::with_mail(Personality::Gmail).signed_in().await;
    gmail.plays("C: a APPEND INBOX {5000+}\nS: * BYE that literal is too big to be sent without asking\nend").await;
}

#[tokio::test(start_paused = true)]
async fn one_message_is_not_multiplied_without_end() {
    let place = Place::new(Personality::Dovecot);
    place.put("INBOX", &"x".repeat(2 << 20));
    let mut client = place.selected("INBOX").await;
    let items: Vec<String> = (0..150).map(|n| format!("BODY.PEEK[]<{n}.40000000>")).collect();
    client.plays(&format!("C: a FETCH 1 ({})\nS: a NO [LIMIT] that is too much of one message", items.join(" "))).await;
}

#[tokio::test(start_paused = true)]
async fn hostile_messages_are_served_as_they_are() {
    let place = Place::new(Personality::Dovecot);
    let deep = "Content-Type: message/rfc822\r\n\r\n".repeat(300);
    let odd = [
        "",
        "\r\n",
        "no header at all",
        "Content-Type: multipart/mixed\r\n\r\n--\r\n",
        "Content-Type: multipart/mixed; boundary=\"\r\nFrom: <<>>,;:\r\nTo: a:b:c;;,\r\nDate: never\r\n\r\n",
        "From: \"\\\r\nSubject: =?utf-8?b?////?=\r\n\r\n=ZZ",
        deep.as_str(),
        "Content-Disposition: ;;;=\r\nContent-Type: /;=\r\n\r\n",
    ];
    for message in odd {
        place.put("INBOX", message);
    }
    let mut client = place.selected("INBOX").await;
    client
        .plays("C: a FETCH 1:* (ENVELOPE BODYSTRUCTURE BODY BODY.PEEK[1.1.HEADER] BODY.PEEK[1.MIME] BODY.PEEK[9.9.9])\n...: a OK fetched")
        .await;
    client.plays("C: b SEARCH TEXT zz SENTON 1-Dec-2026 FROM x\nS: * SEARCH\nS: b OK searched").await;
}

#[tokio::test(start_paused = true)]
async fn no_noise_makes_the_server_panic() {
    const WORDS: [&str; 24] = [
        "a ",
        "UID ",
        "FETCH ",
        "SEARCH ",
        "STORE ",
        "1:* ",
        "(",
        ")",
        "BODY[",
        "]",
        "<0.1>",
        "\"",
        "\\",
        "{3}\r\n",
        "{3+}\r\n",
        "\r\n",
        "X-GM-RAW ",
        "X-GM-LABELS ",
        "LIST ",
        "RETURN ",
        "é",
        "\u{0}",
        "+FLAGS ",
        "OR NOT ",
    ];
    let place = Place::with_mail(Personality::Gmail);
    place.put("INBOX", ONE);
    let mut draws = Seed(11).of_words(&["noise"]);
    for _ in 0..150 {
        let mut client = place.selected("INBOX").await;
        let mut noise = String::from("a ");
        for _ in 0..60 {
            noise.push_str(WORDS[draws.random_range(0..WORDS.len())]);
        }
        client.says(noise.as_bytes()).await;
        // The client goes; the server ends without an error of its own.
        drop(client.stream);
        if let Err(e) = client.server.await.unwrap() {
            assert_eq!(e.kind(), std::io::ErrorKind::BrokenPipe, "{noise}");
        }
    }
}
