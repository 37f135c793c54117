//! A mailbox's servers: sign in for sending and for reading, and find the folders.

use std::time::Duration;

use crate::clock::within;
use crate::config::Mailbox;
use crate::mail::{Access, Folder, MailError, Step};
use crate::words::{Finding, FolderRole};

/// A whole check of one mailbox may take this long, in real time.
const LIMIT: Duration = Duration::from_mins(3);

/// What a check of one mailbox found.
#[derive(Clone, Debug, Default)]
pub struct MailboxCheck {
    /// In the order of the steps; a note for each that works: it signed in there, or found that folder.
    pub findings: Vec<Finding>,
    /// Whether SMTP and IMAP both let it in.
    pub signs_in: bool,
    /// Whether its spam folder is known; also false where the folders could not be read.
    pub spam_folder_known: bool,
}

/// Signs a mailbox in both ways and finds its folders. Nothing is sent, nothing is opened.
pub async fn check_mailbox(access: &dyn Access, mailbox: &Mailbox) -> MailboxCheck {
    let subject = mailbox.address.to_string();
    match within(LIMIT, check_both(access, mailbox)).await {
        Ok(check) => check,
        Err(e) => {
            MailboxCheck { findings: vec![Finding::error(subject, format!("the check was given up: {e}"))], ..MailboxCheck::default() }
        }
    }
}

async fn check_both(access: &dyn Access, mailbox: &Mailbox) -> MailboxCheck {
    let subject = || mailbox.address.to_string();
    let mut check = MailboxCheck::default();
    let (smtp, imap) = (&mailbox.smtp.server, &mailbox.imap.server);
    let sends = match access.open_outbox(mailbox).await {
        Ok(outbox) => {
            outbox.sign_out().await;
            check.findings.push(Finding::note(subject(), format!("SMTP {}:{}", smtp.host, smtp.port)));
            true
        }
        // Without a secret no server was asked, and the other one would say the same.
        Err(e) if e.step == Step::Secret => {
            check.findings.push(Finding::error(subject(), format!("{}: {}", e.step, e.trouble)).hint(e.hint()));
            return check;
        }
        Err(e) => {
            check.findings.push(failed(&e, "SMTP", &smtp.host, smtp.port));
            false
        }
    };
    let mut reads = false;
    match access.open_inbox(mailbox).await {
        Err(e) => check.findings.push(failed(&e, "IMAP", &imap.host, imap.port)),
        Ok(mut inbox) => {
            reads = true;
            check.findings.push(Finding::note(subject(), format!("IMAP {}:{}", imap.host, imap.port)));
            match inbox.folders().await {
                Err(e) => check.findings.push(failed(&e, "IMAP", &imap.host, imap.port)),
                Ok(folders) => {
                    check.spam_folder_known = folders.iter().any(|f| f.role == FolderRole::Spam);
                    check.findings.push(folder_finding(mailbox, &folders));
                }
            }
            inbox.sign_out().await;
        }
    }
    check.signs_in = sends && reads;
    check
}

fn failed(e: &MailError, protocol: &str, host: &str, port: u16) -> Finding {
    Finding::error(e.mailbox.to_string(), format!("{protocol} at {host}:{port}: {}: {}", e.step, e.trouble)).hint(e.hint())
}

fn folder_finding(mailbox: &Mailbox, folders: &[Folder]) -> Finding {
    let subject = mailbox.address.to_string();
    if let Some(f) = folders.iter().find(|f| f.role == FolderRole::Spam) {
        let how = if f.found_by.starts_with("SPECIAL-USE") { String::new() } else { format!(" (found by {})", f.found_by) };
        return Finding::note(subject, format!("spam folder {}{how}", f.name.shown));
    }
    let names: Vec<&str> = folders.iter().map(|f| f.name.shown.as_str()).take(40).collect();
    let what = match &mailbox.spam_folder {
        Some(name) => format!("spam folder unknown: there is no folder {name}"),
        None => "spam folder unknown: letters that land there are neither seen nor rescued".to_owned(),
    };
    Finding::error(subject, what).hint(format!("set `spam_folder:` to one of: {}", names.join(", ")))
}
