use crate::mail::imap::missing_folders;
use crate::mail::imap::script::{end, greet, mailbox, session};
use crate::mail::{Folder, Inbox, Step, Trouble};
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
