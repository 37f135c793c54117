//! The rig's Dovecot, and one of its users' Maildirs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

/// Servers that run already.
pub struct Rig {
    pub user: String,
    pub password: String,
    /// IMAP without TLS.
    pub port: u16,
    maildir: PathBuf,
    owner: (u32, u32),
}

impl Rig {
    /// The one that the environment names.
    pub fn from_env() -> Option<Self> {
        let facts = fs::read_to_string(Path::new(&std::env::var_os("PREHEAT_BENCH_RIG")?).join("rig.env")).ok()?;
        let facts: BTreeMap<&str, &str> = facts.lines().filter_map(|l| l.split_once('=')).collect();
        let mail = PathBuf::from(facts.get("RIG_MAIL")?);
        let owner = fs::metadata(&mail).ok()?;
        let domain = facts.get("RIG_DOMAINS")?.split(' ').next()?;
        Some(Self {
            user: format!("u01@{domain}"),
            password: (*facts.get("RIG_PASSWORD")?).to_owned(),
            port: facts.get("RIG_PORT_BASE")?.parse::<u16>().ok()? + 1143,
            maildir: mail.join(domain).join("u01/Maildir"),
            owner: (owner.uid(), owner.gid()),
        })
    }

    /// Puts messages of others into an empty folder, with the headers that mail has nowadays.
    pub fn fill(&self, folder: &str, messages: usize) {
        let folder = if folder == "INBOX" { self.maildir.clone() } else { self.maildir.join(format!(".{folder}")) };
        for sub in ["cur", "new", "tmp"] {
            fs::create_dir_all(folder.join(sub)).expect("a Maildir");
        }
        for n in 0..messages {
            let file = folder.join(format!("cur/1790000000.M{n}P1.bench:2,"));
            fs::write(&file, message(n)).expect("a message");
            chown(&file, Some(self.owner.0), Some(self.owner.1)).expect("the rig's user has it");
        }
        let mut path = folder.join("cur");
        while path.starts_with(self.maildir.parent().and_then(Path::parent).unwrap_or(&self.maildir)) {
            chown(&path, Some(self.owner.0), Some(self.owner.1)).expect("the rig's user has it");
            path.pop();
        }
        for sub in ["new", "tmp"] {
            chown(folder.join(sub), Some(self.owner.0), Some(self.owner.1)).expect("the rig's user has it");
        }
    }
}

fn message(n: usize) -> String {
    let mut text = String::new();
    for hop in 0..4 {
        writeln!(text, "Received: from relay{hop}.example (relay{hop}.example [192.0.2.{hop}]) by mx{hop}.example with ESMTPS id {n:08x}{hop}\r\n\tfor <reader@example.test>; Mon, 23 Nov 2026 09:0{hop}:00 +0000\r").expect("a string");
    }
    write!(
        text,
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.test; s=s1; h=from:to:subject:date;\r\n\tbh={0}; b={0}{0}{0}{0}\r\n\
         Date: Mon, 23 Nov 2026 09:00:00 +0000\r\nFrom: Somebody Else <somebody{n}@example.test>\r\nTo: reader@example.test\r\n\
         Subject: Message {n} of a full folder\r\nMessage-ID: <{n}.bench@example.test>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n",
        "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789abcdefg="
    )
    .expect("a string");
    for line in 0..20 {
        write!(text, "Line {line} of message {n}: enough words to be a mail of ordinary length.\r\n").expect("a string");
    }
    text
}
