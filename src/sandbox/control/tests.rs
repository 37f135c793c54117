//! Requests over a real socket to a sandbox with nobody's filter.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::*;
use crate::chance::Seed;
use crate::clock::Clock;
use crate::sandbox::{Options, Sandbox};
use crate::words::{Address, LetterId, LocalDate};
use crate::world::{AccountSpec, Barred, Personality};

const ANNA: &str = "anna@warm.test";

/// A running sandbox with a control socket, and a client of it.
struct Talk {
    sandbox: Sandbox,
    client: BufReader<UnixStream>,
    _dir: tempfile::TempDir,
}

impl Talk {
    async fn new(filtered: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let account = |name: &str| AccountSpec {
            address: Address::parse(name).unwrap(),
            personality: Personality::Dovecot,
            receiver: "partner.test".into(),
            user: name.into(),
            secret: Some("s3cret".into()),
        };
        let accounts = vec![account(ANNA), account("bob@partner.test")];
        let options = Options { accounts, known_well: Vec::new(), clock: Clock::System, seed: Seed(1), doors: Vec::new(), filtered };
        let mut sandbox = Sandbox::start(options).await.unwrap();
        let socket = dir.path().join("control.sock");
        sandbox.open_control(&socket).await.unwrap();
        let client = BufReader::new(UnixStream::connect(&socket).await.unwrap());
        Self { sandbox, client, _dir: dir }
    }

    async fn ask(&mut self, request: Value) -> Value {
        self.ask_raw(&format!("{request}\n")).await
    }

    async fn ask_raw(&mut self, line: &str) -> Value {
        self.client.get_mut().write_all(line.as_bytes()).await.unwrap();
        let mut answer = String::new();
        self.client.read_line(&mut answer).await.unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    /// Asks for something that is done.
    async fn done(&mut self, request: Value) -> Value {
        let answer = self.ask(request.clone()).await;
        assert_eq!(answer["ok"], true, "{request}: {answer}");
        answer
    }

    async fn folder(&mut self, name: &str) -> Value {
        self.done(json!({ "do": "dump", "users": [ANNA] })).await["accounts"][ANNA]["folders"][name].clone()
    }
}

fn anna() -> Address {
    Address::parse(ANNA).unwrap()
}

#[tokio::test]
async fn folders_and_messages_are_put_there_and_taken_away() {
    let mut talk = Talk::new(true).await;
    let message = BASE64.encode("Subject: hello\r\n\r\nhello\r\n");
    let planted = talk.done(json!({ "do": "plant", "user": ANNA, "folder": "Family/Aunt", "id": "foreign-1", "message": message })).await;
    assert_eq!(planted["uid"], 1);
    let folder = talk.folder("Family/Aunt").await;
    let bytes = BASE64.decode(folder["messages"][0]["bytes"].as_str().unwrap()).unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), "X-Rig-Planted: foreign-1\r\nSubject: hello\r\n\r\nhello\r\n");
    assert_eq!((&folder["messages"][0]["planted"], &folder["messages"][0]["first_folder"]), (&json!(true), &json!("Family/Aunt")));

    for uid in 1..=2 {
        assert_eq!(talk.done(json!({ "do": "deliver", "user": ANNA, "folder": "Sent", "message": message })).await["uid"], uid);
    }
    talk.done(json!({ "do": "uidvalidity", "user": ANNA, "folder": "Sent", "value": 424_242 })).await;
    let sent = talk.folder("Sent").await;
    assert_eq!((&sent["uid_validity"], sent["messages"].as_array().unwrap().len()), (&json!(424_242), 2));
    assert_eq!(talk.done(json!({ "do": "expunge", "user": ANNA, "folder": "Sent" })).await["expunged"], 2);
    talk.done(json!({ "do": "create", "user": ANNA, "folder": "Spam" })).await;
    talk.done(json!({ "do": "rename", "user": ANNA, "folder": "Spam", "new": "Bulk" })).await;
    talk.done(json!({ "do": "delete", "user": ANNA, "folder": "Junk" })).await;
    assert!(talk.folder("Bulk").await.is_object() && talk.folder("Spam").await.is_null() && talk.folder("Junk").await.is_null());

    let before = talk.folder("INBOX").await["uid_validity"].clone();
    talk.done(json!({ "do": "reset", "users": [ANNA] })).await;
    assert!(talk.folder("Junk").await.is_object() && talk.folder("Bulk").await.is_null());
    assert_ne!(talk.folder("INBOX").await["uid_validity"], before);
}

#[tokio::test]
async fn passwords_locks_limits_and_outages() {
    let mut talk = Talk::new(true).await;
    let world = talk.sandbox.world().clone();
    let may = || world.may_sign_in(&anna(), Clock::System.now());
    talk.done(json!({ "do": "password", "user": ANNA, "password": "another" })).await;
    assert_eq!(world.with_account(&anna(), |a| a.spec.secret.clone()).unwrap().as_deref(), Some("another"));
    talk.done(json!({ "do": "lock", "user": ANNA })).await;
    assert!(matches!(may(), Err(Barred::Refused(_))));
    talk.done(json!({ "do": "unlock", "user": ANNA })).await;
    assert_eq!(may(), Ok(()));
    talk.done(json!({ "do": "quota", "user": ANNA, "bytes": 1 })).await;
    assert_eq!(world.with_account(&anna(), |a| a.quota), Some(Some(1)));
    talk.done(json!({ "do": "quota", "user": ANNA, "bytes": null })).await;
    assert_eq!(world.with_account(&anna(), |a| a.quota), Some(None));
    talk.done(json!({ "do": "kick", "user": ANNA })).await;
    assert_eq!(world.with_account(&anna(), |a| a.kicked), Some(1));
    talk.done(json!({ "do": "outage", "receiver": "partner.test", "seconds": 600 })).await;
    assert_eq!(may(), Err(Barred::Unreachable));
    assert!(world.is_down(Personality::Dovecot, Clock::System.now()) && !world.is_down(Personality::Gmail, Clock::System.now()));
    let new = json!({ "address": "new@other.test", "personality": "gmail-like", "password": "x" });
    talk.done(json!({ "do": "add_accounts", "accounts": [new] })).await;
    assert_eq!(world.account_of_user("new@other.test"), Address::parse("new@other.test").ok());
}

/// Submits letters straight into the world, one with each of these ids.
fn submit(talk: &Talk, ids: &[LetterId]) {
    let bob = Address::parse("bob@partner.test").unwrap();
    for id in ids {
        let message =
            format!("X-Preheat: k1.{id}.00\r\nMessage-ID: <{id}@partner.test>\r\nDate: Tue, 01 Dec 2026 09:00:00 +0100\r\n\r\nhello\r\n");
        let now = Clock::System.now();
        assert_eq!(talk.sandbox.world().submit(&bob, &bob, &[anna()], message.as_bytes(), true, now).code, 250);
    }
}

#[tokio::test]
async fn a_share_of_the_letters_is_filed_and_the_rest_comes_at_once() {
    let mut talk = Talk::new(false).await;
    let date = LocalDate::ymd(2026, 12, 1).unwrap();
    let ids: Vec<LetterId> = (1..=40).map(|n| LetterId::of_start(&anna(), date, n)).collect();
    talk.done(json!({ "do": "junk", "users": [ANNA], "share": 85, "folder": "Junk/Really" })).await;
    let mut changes = talk.sandbox.world().changes_of(&anna()).unwrap();
    submit(&talk, &ids);
    let lies_in = async |talk: &mut Talk, folder: &str| -> Vec<String> {
        let folder = talk.folder(folder).await;
        folder["messages"].as_array().into_iter().flatten().map(|m| m["letter"].as_str().unwrap().to_owned()).collect()
    };
    let (mut filed, mut inbox) = (Vec::new(), Vec::new());
    while filed.len() + inbox.len() < ids.len() {
        crate::clock::within(Duration::from_secs(30), changes.changed()).await.expect("no mail").unwrap();
        (filed, inbox) = (lies_in(&mut talk, "Junk/Really").await, lies_in(&mut talk, "INBOX").await);
    }
    let (mut junk, mut rest): (Vec<String>, Vec<String>) =
        ids.iter().map(ToString::to_string).partition(|id| u32::from_str_radix(&id[22..], 16).unwrap() < 85);
    for list in [&mut filed, &mut inbox, &mut junk, &mut rest] {
        list.sort();
    }
    assert!(!junk.is_empty() && !rest.is_empty());
    assert_eq!((&filed, &inbox), (&junk, &rest));
    let submissions = talk.done(json!({ "do": "dump", "users": [] })).await["submissions"].clone();
    assert_eq!(submissions.as_array().unwrap().len(), 40);
    assert_eq!((&submissions[0]["accepted"], &submissions[0]["letter"]), (&json!(true), &json!(ids[0].to_string())));
    assert_eq!(submissions[0]["date"], "Tue, 01 Dec 2026 09:00:00 +0100");
    let stored = |folder: &str| submissions.as_array().unwrap().iter().filter(|s| s["stored"] == folder).count();
    assert_eq!((stored("Junk/Really"), stored("INBOX")), (junk.len(), rest.len()));
}

#[tokio::test]
async fn something_comes_back_about_a_letter_as_a_server_or_a_person_would_write_it() {
    use crate::classify::{Kind, read_message};
    let mut talk = Talk::new(false).await;
    let id = LetterId::of_start(&anna(), LocalDate::ymd(2026, 12, 1).unwrap(), 1);
    submit(&talk, &[id]);
    let world = talk.sandbox.world().clone();
    world.settle(Clock::System.now());
    let (bob, letter) = ("bob@partner.test", id.to_string());
    let read = |folder: &str, uid: &Value| {
        let uid = u32::try_from(uid.as_u64().unwrap()).unwrap();
        let bytes = world.with_folder(&Address::parse(bob).unwrap(), folder, |f| f.messages[&uid].bytes.to_vec()).unwrap();
        read_message(&bytes)
    };
    for (request, kind) in [
        (json!({ "kind": "bounce" }), Kind::Bounce),
        (json!({ "kind": "bounce", "said": "552 5.2.2 Mailbox full" }), Kind::Bounce),
        (json!({ "kind": "delay" }), Kind::Delay),
        (json!({ "kind": "delivered" }), Kind::Delivered),
        (json!({ "kind": "complaint", "folder": "Junk" }), Kind::Complaint),
        (json!({ "kind": "complaint", "named": false }), Kind::Complaint),
        (json!({ "kind": "auto_reply" }), Kind::AutoReply),
        (json!({ "kind": "reply", "text": "Yes, on Friday." }), Kind::Reply),
        (json!({ "kind": "unsubscribe" }), Kind::Unsubscribe),
    ] {
        let mut whole = request.clone();
        (whole["do"], whole["letter"]) = (json!("signal"), json!(letter));
        let done = talk.done(whole).await;
        assert_eq!(done["user"], bob);
        let incoming = read(done["folder"].as_str().unwrap(), &done["uid"]);
        assert_eq!(incoming.kind, kind, "{request}: {}", incoming.evidence);
        let names_letter = !matches!(kind, Kind::AutoReply | Kind::Reply | Kind::Unsubscribe);
        assert_eq!(incoming.original.letter, names_letter.then_some(id), "{request}");
        let who = incoming.recipients.first().and_then(|r| r.address.clone());
        let is_named = kind != Kind::Reply && request["named"] != json!(false);
        assert_eq!(who.as_deref(), is_named.then_some(ANNA), "{request}");
    }
    // About a message that somebody else sent.
    let message = BASE64.encode(format!("From: {bob}\r\nTo: Kim <kim@outside.example>\r\nMessage-ID: <7@x.test>\r\n\r\nbuy\r\n"));
    let done = talk.done(json!({ "do": "signal", "kind": "bounce", "message": message })).await;
    let incoming = read("INBOX", &done["uid"]);
    assert_eq!(incoming.recipients[0].address.as_deref(), Some("kim@outside.example"));
    assert_eq!(incoming.original.message_ids[0].as_str(), "7@x.test");
    let to_outside = BASE64.encode("From: kim@outside.example\r\nTo: anna@warm.test\r\n\r\n");
    for (request, why) in [
        (json!({ "kind": "bounce" }), "name the `letter` that it is about, or give the `message`"),
        (json!({ "kind": "bounce", "letter": "0".repeat(24) }), "that letter lies nowhere"),
        (json!({ "kind": "bounce", "letter": "x" }), "a letter id is 24"),
        (json!({ "kind": "bounce", "letter": letter, "said": "no" }), "`said` does not fit"),
        (json!({ "kind": "delay", "letter": letter, "said": "550 5.1.1 no" }), "`said` does not fit"),
        (json!({ "kind": "reply", "message": to_outside }), "kim@outside.example has no mailbox here"),
        (json!({ "kind": "reply", "message": BASE64.encode("Subject: x\r\n\r\n") }), "the message has no From and To"),
        (json!({ "kind": "reply", "letter": letter, "folder": "a//b" }), "a folder's name is"),
        (json!({ "kind": "shout", "letter": letter }), "not a request"),
        (json!({ "kind": "reply", "letter": letter, "loud": true }), "not a request"),
    ] {
        let mut whole = request.clone();
        whole["do"] = json!("signal");
        let answer = talk.ask(whole).await;
        assert!(answer["ok"] == false && answer["error"].as_str().unwrap().starts_with(why), "{request}: {answer}");
    }
}

#[tokio::test]
async fn a_mailbox_may_be_away_give_mail_back_or_put_strangers_off() {
    let mut talk = Talk::new(false).await;
    let (world, bob) = (talk.sandbox.world().clone(), Address::parse("bob@partner.test").unwrap());
    let send = |n: u32| {
        let now = Clock::System.now();
        world.offer(&bob, &bob, &anna(), now)?;
        let message = format!("From: {bob}\r\nTo: {ANNA}\r\nMessage-ID: <{n}@partner.test>\r\nSubject: {n}\r\n\r\nhello\r\n");
        world.submit(&bob, &bob, &[anna()], message.as_bytes(), true, now);
        world.settle(Clock::System.now());
        Ok::<(), crate::words::Reply>(())
    };
    talk.done(json!({ "do": "greylist", "user": ANNA, "on": true })).await;
    assert_eq!(send(1).unwrap_err().code, 450);
    talk.done(json!({ "do": "greylist", "user": ANNA, "on": false })).await;
    talk.done(json!({ "do": "vacation", "user": ANNA, "text": "Back on Monday." })).await;
    send(2).unwrap();
    talk.done(json!({ "do": "vacation", "user": ANNA, "text": null })).await;
    talk.done(json!({ "do": "bounce", "user": ANNA, "said": "550 5.1.1 User unknown" })).await;
    send(3).unwrap();
    let answer = talk.ask(json!({ "do": "bounce", "user": ANNA, "said": "450 4.2.0 later" })).await;
    assert_eq!(answer["error"], "a refusal is a code from 500 to 599 and its words");
    talk.done(json!({ "do": "bounce", "user": ANNA, "said": null })).await;
    send(4).unwrap();
    let dump = talk.done(json!({ "do": "dump" })).await;
    let back: Vec<_> = dump["came_back"].as_array().unwrap().iter().map(|c| (c["kind"].clone(), c["account"].clone())).collect();
    assert_eq!(back, [(json!("auto_reply"), json!(bob)), (json!("bounce"), json!(bob))]);
    let lies = dump["accounts"][ANNA]["folders"]["INBOX"]["messages"].as_array().unwrap().len();
    assert_eq!(lies, 2, "the second and the fourth");
}

#[tokio::test]
async fn what_cannot_be_done_is_said_and_the_talk_goes_on() {
    let mut talk = Talk::new(true).await;
    for (request, why) in [
        (json!({ "do": "kick", "user": "nobody@warm.test" }), "there is no such user"),
        (json!({ "do": "junk", "users": [ANNA], "share": 257, "folder": "Junk" }), "a share is 0 to 256"),
        (json!({ "do": "plant", "user": ANNA, "folder": "INBOX", "id": "a\r\nb", "message": "" }), "an id is 1 to 200 characters"),
        (json!({ "do": "deliver", "user": ANNA, "folder": "a//b", "message": "" }), "a folder's name is"),
        (json!({ "do": "deliver", "user": ANNA, "folder": "INBOX", "message": "!" }), "the message is not base64"),
        (json!({ "do": "rename", "user": ANNA, "folder": "None", "new": "Some" }), "there is no such folder"),
        (json!({ "do": "delete", "user": ANNA, "folder": "INBOX" }), "there is no such folder, or it is INBOX"),
        (json!({ "do": "uidvalidity", "user": ANNA, "folder": "INBOX", "value": 0 }), "a UIDVALIDITY is 1 or more"),
        (json!({ "do": "outage", "receiver": "nobody", "seconds": 1 }), "nobody has that receiver"),
        (json!({ "do": "explode" }), "not a request"),
        (json!({ "do": "kick", "user": ANNA, "hard": true }), "not a request"),
        (json!([1, 2]), "not a request"),
    ] {
        let answer = talk.ask(request.clone()).await;
        assert!(answer["ok"] == false && answer["error"].as_str().unwrap().starts_with(why), "{request}: {answer}");
    }
    assert_eq!(talk.ask_raw("{\n").await["ok"], false);
    talk.done(json!({ "do": "kick", "user": ANNA })).await;
}

#[tokio::test]
async fn a_socket_that_was_left_behind_is_replaced_and_one_in_use_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("control.sock");
    drop(UnixListener::bind(&path).unwrap());
    let first = bind(&path).await.unwrap();
    assert!(matches!(bind(&path).await, Err(SandboxError::Running(folder)) if folder == dir.path()));
    drop(first);
    fs::remove_file(&path).unwrap();
    fs::write(&path, "a person's file").unwrap();
    assert!(matches!(bind(&path).await, Err(SandboxError::File { .. })));
    assert_eq!(fs::read_to_string(&path).unwrap(), "a person's file");
}

#[tokio::test]
async fn in_the_rig_an_account_begins_with_an_inbox_and_whoever_signs_in_finds_the_others() {
    let mut talk = Talk::new(false).await;
    let world = talk.sandbox.world().clone();
    let names = || world.with_account(&anna(), |a| a.folders.keys().cloned().collect::<Vec<_>>()).unwrap();
    assert_eq!(names(), ["INBOX"]);
    talk.done(json!({ "do": "create", "user": ANNA, "folder": "Junk" })).await;
    world.make_usual_folders(&anna());
    assert_eq!(names(), ["Archive", "Drafts", "INBOX", "Junk", "Sent", "Trash"]);
    // Whoever made it, Junk is what the server takes for spam.
    assert_eq!(world.with_account(&anna(), |a| a.folder_of(crate::words::FolderRole::Spam) == Some("Junk")), Some(true));
    talk.done(json!({ "do": "reset", "users": [ANNA] })).await;
    assert_eq!(names(), ["INBOX"]);
}
