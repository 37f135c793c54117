use crate::mail::imap::missing_folders;
use crate::mail::imap::script::{end, greet, mailbox, session};
use crate::mail::{Folder, Inbox, MailError, Step, Trouble};
use crate::words::{FolderRole, Provider};

fn shown(folders: &[Folder]) -> Vec<String> {
    folders.iter().map(|f| format!("{} | {} | {}", f.name.shown, f.role, f.found_by)).collect()
}

#[tokio::test(start_paused = true)]
async fn special_use_is_asked_for_where_it_is_offered() {
    let text = r#"
        C: LIST "" "*" RETURN (SPECIAL-USE)
        S: * LIST (\HasNoChildren) "/" INBOX
        S: * LIST (\HasChildren \NoSelect) "/" "[Gmail]"
        S: * LIST (\All \HasNoChildren) "/" "[Gmail]/Alle Nachrichten"
        S: * LIST (\HasNoChildren \Junk) "/" "[Gmail]/Spam"
        S: * LIST (\HasNoChildren \Important) "/" "[Gmail]/Wichtig"
        S: * LIST (\NonExistent) "/" "gone"
        S: * LIST (\HasNoChildren) "/" {9}\r\nsay "hi"!
        S: $ OK"#;
    let (mut imap, script) = session("SPECIAL-USE LIST-EXTENDED", text).await;
    assert_eq!(
        shown(&imap.folders().await.unwrap()),
        [
            "INBOX | inbox | INBOX",
            "[Gmail]/Alle Nachrichten | all | SPECIAL-USE \\All",
            "[Gmail]/Spam | spam | SPECIAL-USE \\Junk",
            "say \"hi\"! | other | "
        ]
    );
    end(imap, script).await;
}

#[tokio::test(start_paused = true)]
async fn without_special_use_a_french_junk_folder_under_inbox_is_found_by_name() {
    let text = r#"
        C: NAMESPACE
        S: * NAMESPACE (("INBOX." ".")) NIL (("shared." "."))
        S: $ OK
        C: LIST "" "*"
        S: * LIST (\HasChildren) "." INBOX
        S: * LIST (\HasNoChildren) "." "INBOX.Courrier ind&AOk-sirable"
        S: * LIST (\HasNoChildren) "." "INBOX.Not&UTF7"
        S: * LIST (\HasNoChildren) "." "shared.Junk"
        S: $ OK"#;
    let (mut imap, script) = session("NAMESPACE", text).await;
    let folders = imap.folders().await.unwrap();
    assert_eq!(
        shown(&folders),
        [
            "INBOX | inbox | INBOX",
            "INBOX.Courrier indésirable | spam | a known name (fr)",
            "INBOX.Not&UTF7 | other | ",
            "shared.Junk | other | "
        ]
    );
    assert_eq!(folders[1].name.wire, "INBOX.Courrier ind&AOk-sirable");
    end(imap, script).await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_namespace_is_none_and_a_refused_list_is_an_error() {
    let text = r#"
        C: NAMESPACE
        S: $ NO no namespaces here
        C: LIST "" "*"
        S: $ NO not now"#;
    let (mut imap, script) = session("NAMESPACE", text).await;
    let error = imap.folders().await.unwrap_err();
    assert_eq!(error.step, Step::Folders);
    assert!(matches!(&error.trouble, Trouble::Refused(reply) if reply.text == "NO not now"));
    end(imap, script).await;
}

#[tokio::test(start_paused = true)]
async fn the_configs_folder_wins_and_one_that_is_not_there_is_told() {
    let text = r#"
        S: * OK [CAPABILITY IMAP4rev1] hi
        C: LOGIN "u" "p"
        S: $ OK [CAPABILITY IMAP4rev1] in
        C: LIST "" "*"
        S: * LIST () "/" INBOX
        S: * LIST (\Junk) "/" Junk
        S: * LIST (\Sent) "/" Sent
        S: * LIST () "/" "Mist"
        S: $ OK"#;
    let mut mailbox = mailbox(Provider::Generic);
    (mailbox.spam_folder, mailbox.sent_folder) = (Some("mist".into()), Some("Gesendet".into()));
    let (imap, script) = greet(text, &mailbox, "p").await;
    let mut imap = imap.unwrap();
    let folders = imap.folders().await.unwrap();
    assert_eq!(shown(&folders), ["INBOX | inbox | INBOX", "Junk | other | ", "Sent | other | ", "Mist | spam | the config"]);
    assert_eq!(missing_folders(&mailbox, &folders), [(FolderRole::Sent, "Gesendet")]);
    end(imap, script).await;
}

/// The folder of our own, by a dialogue that begins with the list.
async fn own_folder(capabilities: &str, name: &str, text: &str) -> Result<String, MailError> {
    let (mut imap, script) = session(capabilities, text).await;
    let made = imap.own_folder(name).await;
    end(imap, script).await;
    made.map(|folder| folder.wire)
}

#[tokio::test(start_paused = true)]
async fn a_folder_of_our_own_is_made_once_where_the_users_folders_are() {
    let plain = "C: LIST \"\" \"*\"\nS: * LIST () \"/\" INBOX\nS: * LIST () \"/\" Sent\nS: $ OK\n";
    let made = "C: CREATE \"Warmup\"\nS: $ OK\nC: SUBSCRIBE \"Warmup\"\nS: $ OK";
    assert_eq!(own_folder("", "Warmup", &format!("{plain}{made}")).await.unwrap(), "Warmup");
    let there = plain.replace("Sent", "warmUp");
    assert_eq!(own_folder("", "Warmup", &there).await.unwrap(), "warmUp", "nothing is made");
    let elsewhere = plain.replace("Sent", "Old/Warmup");
    assert_eq!(own_folder("", "Warmup", &format!("{elsewhere}{made}")).await.unwrap(), "Warmup", "another level is another folder");

    let namespace = "C: NAMESPACE\nS: * NAMESPACE ((\"INBOX.\" \".\")) NIL ((\"shared.\" \".\"))\nS: $ OK\n";
    let below = "C: LIST \"\" \"*\"\nS: * LIST () \".\" INBOX\nS: * LIST () \".\" shared.Aufgew&AOQ-rmt\nS: $ OK\n";
    let made = "C: CREATE \"INBOX.Aufgew&AOQ-rmt\"\nS: $ OK\nC: SUBSCRIBE \"INBOX.Aufgew&AOQ-rmt\"\nS: $ NO not here";
    let text = format!("{namespace}{below}{made}");
    assert_eq!(own_folder("NAMESPACE", "Aufgewärmt", &text).await.unwrap(), "INBOX.Aufgew&AOQ-rmt");
    let own = format!("{namespace}{}", below.replace("shared.", "INBOX."));
    assert_eq!(own_folder("NAMESPACE", "aufgewärmt", &own).await.unwrap(), "INBOX.Aufgew&AOQ-rmt");

    // A server that tells no namespace, and keeps everything below INBOX.
    let below = "C: LIST \"\" \"*\"\nS: * LIST () \".\" INBOX\nS: * LIST () \".\" INBOX.Sent\nS: * LIST () \".\" INBOX.Junk\nS: $ OK\n";
    let made = "C: CREATE \"INBOX.Warmup\"\nS: $ NO [ALREADYEXISTS] it is there\nC: SUBSCRIBE \"INBOX.Warmup\"\nS: $ OK";
    assert_eq!(own_folder("", "Warmup", &format!("{below}{made}")).await.unwrap(), "INBOX.Warmup");
}

#[tokio::test(start_paused = true)]
async fn a_folder_that_cannot_be_made_is_an_error_with_the_servers_words() {
    let text = "C: LIST \"\" \"*\"\nS: * LIST () \"/\" INBOX\nS: $ OK\nC: CREATE \"Warmup\"\nS: $ NO [OVERQUOTA] no room";
    let error = own_folder("", "Warmup", text).await.unwrap_err();
    assert_eq!(error.step, Step::Create);
    assert!(matches!(&error.trouble, Trouble::Refused(reply) if reply.text == "NO [OVERQUOTA] no room"), "{error}");
}
