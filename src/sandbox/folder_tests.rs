//! The folder of the practice pool, and letters of our own adapters through a running sandbox.

use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use super::*;
use crate::check::check_pool;
use crate::clock;
use crate::config::{self, AuthKind, Mailbox};
use crate::credentials::load_keyring;
use crate::mail::{Access, Envelope, Handover, NetworkAccess, Offer};
use crate::run::whole_pool;
use crate::words::{Moment, Severity};

fn filled(bytes: &mut [u8]) -> io::Result<()> {
    use rand::TryRngCore;
    rand::rngs::OsRng.try_fill_bytes(bytes).map_err(io::Error::other)
}

async fn practise_in(dir: &Path) -> Result<Practice, SandboxError> {
    let clock = Clock::parse("2026-12-01T09:00:00Z x1000", Clock::System.now()).unwrap();
    let options = PracticeOptions { dir: dir.to_owned(), clock, seed: Seed(1), port_base: None };
    open_practice(options, &mut filled).await
}

#[tokio::test]
async fn what_is_written_loads_and_can_warm_to_the_end() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("new/sandbox");
    let practice = practise_in(&dir).await.unwrap();
    let config = config::load(&dir.join("preheat.yaml")).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(config.warnings, []);
    assert_eq!((config.mailboxes.len(), config.warming_domains().len()), (12, 2));
    load_keyring(&config.key_file).unwrap();
    let findings = check_pool(&config, &whole_pool(&config));
    assert!(findings.iter().all(|f| f.severity == Severity::Note), "{findings:#?}");
    for person in &practice.people {
        let mailbox = &config.mailboxes[&person.address];
        assert_eq!((mailbox.provider, mailbox.role, mailbox.name.as_deref()), (person.provider(), person.role, Some(person.name)));
        let [(smtp, _), (imap, _)] = services_of(person.personality);
        let ports = (mailbox.smtp.server.port, mailbox.imap.server.port);
        assert_eq!(
            ports,
            (practice.sandbox.port(person.personality, smtp).unwrap(), practice.sandbox.port(person.personality, imap).unwrap())
        );
    }
    let mode = |name: &str| dir.join(name).metadata().unwrap().mode() & 0o777;
    assert_eq!(
        [mode("preheat.key"), mode("secrets"), mode("secrets/anna@nordwind.test"), mode("control.sock")],
        [0o600, 0o700, 0o600, 0o600]
    );
    assert!(!fs::read_to_string(dir.join("ca.crt")).unwrap().contains("PRIVATE"));
}

#[tokio::test]
async fn a_folder_of_its_own_is_used_again_and_another_is_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let dir = home.path().join("sandbox");
    let first = practise_in(&dir).await.unwrap();
    assert!(!first.is_reused && first.wrote_config);
    assert!(matches!(practise_in(&dir).await, Err(SandboxError::Port { .. } | SandboxError::Running(_))), "it runs");
    first.sandbox.stop().await;
    assert!(!dir.join("control.sock").exists());
    let read = |name: &str| fs::read_to_string(dir.join(name)).unwrap();
    let kept = ["preheat.key", "secrets/finn@suedlicht.test", "sandbox.json"];
    let before = kept.map(read);
    fs::write(dir.join("preheat.yaml"), read("preheat.yaml").replace("standard-6w\n", "brisk-4w\n")).unwrap();
    let again = practise_in(&dir).await.unwrap();
    assert!(again.is_reused && !again.wrote_config);
    assert_eq!(kept.map(read), before);
    assert!(read("preheat.yaml").contains("schedule: brisk-4w\n"), "a person's change stays");
    again.sandbox.stop().await;

    let theirs = home.path().join("theirs");
    fs::create_dir(&theirs).unwrap();
    fs::write(theirs.join("thesis.txt"), "all of it").unwrap();
    assert!(matches!(practise_in(&theirs).await, Err(SandboxError::NotASandbox(d)) if d == theirs));
    assert_eq!(fs::read_dir(&theirs).unwrap().count(), 1, "nothing was written");
}

/// Hands a letter from one of the pool's mailboxes to another, by our own adapter.
async fn send(access: &NetworkAccess, from: &Mailbox, to: &str) -> Handover {
    let mut outbox = access.open_outbox(from).await.unwrap_or_else(|e| panic!("{e}"));
    let to = Address::parse(to).unwrap();
    let message =
        format!("From: {}\r\nTo: {to}\r\nSubject: hello\r\nMessage-ID: <1@{}>\r\n\r\n.a dot\r\n", from.address, from.address.domain());
    let envelope = Envelope { from: from.address.clone(), to, size: message.len() };
    assert_eq!(outbox.offer(&envelope).await.unwrap(), Offer::Ready);
    let handover = outbox.hand_over(message.as_bytes()).await;
    outbox.sign_out().await;
    handover
}

/// The messages of a mailbox by folder, as soon as there are any.
async fn arrived(practice: &Practice, who: &str) -> Vec<(String, String)> {
    let who = Address::parse(who).unwrap();
    let mut changes = practice.sandbox.world().changes_of(&who).unwrap();
    let read = |account: &mut crate::world::Account| {
        let all = account.folders.iter().flat_map(|(name, f)| f.messages.values().map(move |m| (name.clone(), m)));
        all.map(|(name, m)| (name, String::from_utf8_lossy(&m.bytes).into_owned())).collect::<Vec<_>>()
    };
    loop {
        changes.mark_unchanged();
        let found = practice.sandbox.world().with_account(&who, read).unwrap();
        if !found.is_empty() {
            return found;
        }
        clock::within(Duration::from_secs(30), changes.changed()).await.expect("no mail came").unwrap();
    }
}

#[tokio::test]
async fn our_own_adapter_sends_through_both_doors_and_with_a_token() {
    let home = tempfile::tempdir().unwrap();
    let practice = practise_in(home.path()).await.unwrap();
    let config = config::load(&home.path().join("preheat.yaml")).unwrap();
    let access = NetworkAccess::new(home.path().to_owned());
    let mailbox = |who: &str| &config.mailboxes[&Address::parse(who).unwrap()];
    // 465 at the gmail-like servers, 587 with STARTTLS at the others.
    for (from, to) in [("grace@gmail-like.test", "anna@nordwind.test"), ("anna@nordwind.test", "finn@suedlicht.test")] {
        assert!(matches!(send(&access, mailbox(from), to).await, Handover::Accepted(_)), "{from}");
        let found = arrived(&practice, to).await;
        let message = &found[0].1;
        assert!(message.contains(&format!("Return-Path: <{from}>")) && message.ends_with("\r\n\r\n.a dot\r\n"), "{message}");
    }
    let with_token = Mailbox { auth: AuthKind::Xoauth2, ..mailbox("elena@suedlicht.test").clone() };
    assert!(matches!(send(&access, &with_token, "liam@dovecot-like.test").await, Handover::Accepted(_)));
    assert_eq!(practice.sandbox.world().evidence().submissions.iter().filter(|s| s.accepted).count(), 3);

    // A new password is not the one in the file.
    practice.sandbox.world().with_account(&with_token.address, |a| a.spec.secret = Some("another".into()));
    let refused = access.open_outbox(&with_token).await.err().expect("a refusal");
    assert!(refused.is_sign_in() && refused.to_string().contains("status 400"), "{refused}");
    practice.sandbox.stop().await;
    assert!(access.open_outbox(mailbox("grace@gmail-like.test")).await.is_err(), "the doors are closed");
}

#[tokio::test]
async fn servers_that_are_down_answer_nobody() {
    use crate::world::{Condition, Whom, Wrong};
    let home = tempfile::tempdir().unwrap();
    let practice = practise_in(home.path()).await.unwrap();
    let config = config::load(&home.path().join("preheat.yaml")).unwrap();
    let access = NetworkAccess::new(home.path().to_owned());
    let whom = Whom::Receiver("gmail".into());
    practice.sandbox.world().add_condition(Condition { wrong: Wrong::Outage, whom, from: Moment(0), until: Moment(i64::MAX) });
    let open = async |who: &str| access.open_outbox(&config.mailboxes[&Address::parse(who).unwrap()]).await;
    assert!(open("grace@gmail-like.test").await.err().expect("an error").is_connection_lost());
    assert!(open("anna@nordwind.test").await.is_ok());
}

#[test]
fn a_password_is_letters_and_digits_whatever_is_drawn() {
    let home = tempfile::tempdir().unwrap();
    let who = Address::parse("anna@nordwind.test").unwrap();
    // In base64 for URLs these would be dashes and underscores.
    for byte in [0xfb, 0xef, 0xbe, 0xff] {
        let dir = home.path().join(byte.to_string());
        let mut same = |bytes: &mut [u8]| {
            bytes.fill(byte);
            Ok(())
        };
        let password = password_of(&dir, &who, &mut same).unwrap();
        assert!(password.len() == 20 && password.chars().all(|c| c.is_ascii_alphanumeric()), "{password}");
    }
}
