//! One account of the modelled world: its folders and messages, as an IMAP server keeps them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use tokio::sync::watch;

use super::Personality;
use crate::words::{Address, FolderRole, LetterId, Moment, Reply};

/// What an account is made with.
#[derive(Clone, Debug)]
pub struct AccountSpec {
    /// Its address.
    pub address: Address,
    /// Whose habits its server has.
    pub personality: Personality,
    /// Who receives for it, as the spam filter sees it: a reputation is kept for each (domain, receiver). A provider's name, or a domain.
    pub receiver: String,
    /// The user that it signs in as.
    pub user: String,
    /// The password, and the access token too. `None`: nobody can sign in over a socket.
    pub secret: Option<String>,
}

/// A mailbox of the world.
#[derive(Debug)]
pub struct Account {
    /// What it was made with; the secret can be changed.
    pub spec: AccountSpec,
    /// Its folders by name, in UTF-8, with `/` between levels.
    pub folders: BTreeMap<String, Folder>,
    /// Bumped at every change: sessions wait for it.
    pub changed: watch::Sender<u64>,
    /// How often its sessions were thrown out.
    pub kicked: u64,
    /// Hand-overs of the last minute, for providers that count them.
    pub(super) handed: VecDeque<Moment>,
    /// A Sieve-like rule of a test: the share of 256 letters, by the last two hex digits of the letter id, that is filed into a folder.
    pub filed: Option<(u32, String)>,
    /// Bytes that it may hold; `None`: no limit.
    pub quota: Option<u64>,
    /// Its owner is away, and has a machine say this; to who asked for no answer, too.
    pub away: Option<String>,
    /// Mail to it is taken over, and comes back with these words.
    pub returns: Option<Reply>,
    /// The first try of each sender is put off.
    pub greylists: bool,
}

/// A folder.
#[derive(Debug)]
pub struct Folder {
    /// Its attribute of RFC 6154, such as `\Junk`, whether or not its server tells.
    pub special_use: Option<&'static str>,
    /// UIDVALIDITY.
    pub uid_validity: u32,
    /// The next UID; never given twice under one UIDVALIDITY.
    pub uid_next: u32,
    /// Its messages by UID.
    pub messages: BTreeMap<u32, Message>,
}

/// A message in a folder.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its identity in the world: kept when it moves, new when it is copied.
    pub serial: u64,
    /// RFC 5322 bytes.
    pub bytes: Arc<[u8]>,
    /// Where the header block ends in `bytes`, the empty line included.
    pub header_len: usize,
    /// INTERNALDATE.
    pub received: Moment,
    /// `\Seen` and the like, and keywords.
    pub flags: BTreeSet<String>,
    /// Gmail's labels, such as `\Important`.
    pub labels: BTreeSet<String>,
    /// Gmail's category; `None`: primary.
    pub category: Option<&'static str>,
    /// The letter that its `X-Preheat` names, believed without a look at the HMAC: what a person would read.
    pub letter: Option<LetterId>,
    /// From whom, by its From header.
    pub from: Option<Address>,
    /// Put there by a test or a scenario as somebody else's mail: nobody of ours may touch it.
    pub planted: bool,
    /// The folder that it was delivered into at first.
    pub first_folder: Arc<str>,
}

impl Message {
    /// The header block, the empty line included.
    pub fn header(&self) -> &[u8] {
        &self.bytes[..self.header_len]
    }
}

impl Account {
    pub(super) fn new(spec: AccountSpec, uid_validity: u32) -> Self {
        let folders = first_folders(spec.personality, uid_validity);
        Self {
            spec,
            folders,
            changed: watch::Sender::new(0),
            kicked: 0,
            handed: VecDeque::new(),
            filed: None,
            quota: None,
            away: None,
            returns: None,
            greylists: false,
        }
    }

    /// As it was at first: no messages, only the folders that its server makes, no rule and no limit. Its secret stays.
    pub(super) fn empty(&mut self, uid_validity: u32) {
        self.folders = first_folders(self.spec.personality, uid_validity);
        (self.filed, self.quota, self.away, self.returns, self.greylists) = (None, None, None, None, false);
        self.bump();
    }

    /// The name of the folder with a role; where a server has none, the role has no folder.
    pub fn folder_of(&self, role: FolderRole) -> Option<&str> {
        self.folders.iter().find(|(name, f)| f.role(name) == role).map(|(name, _)| name.as_str())
    }

    /// Bytes of all messages.
    pub fn size(&self) -> u64 {
        self.folders.values().flat_map(|f| f.messages.values()).map(|m| m.bytes.len() as u64).sum()
    }

    pub(super) fn bump(&self) {
        self.changed.send_modify(|n| *n += 1);
    }
}

fn first_folders(personality: Personality, uid_validity: u32) -> BTreeMap<String, Folder> {
    let folders = personality.traits().folders.iter();
    folders
        .map(|(name, special_use)| (name.clone(), Folder::new(special_use.as_deref().and_then(known_special_use), uid_validity)))
        .collect()
}

/// What a folder of this name is for, by its server's habits.
pub(super) fn special_use_of(personality: Personality, folder: &str) -> Option<&'static str> {
    personality.traits().folders.get(folder).and_then(Option::as_deref).and_then(known_special_use)
}

fn known_special_use(word: &str) -> Option<&'static str> {
    ["\\Junk", "\\Sent", "\\Trash", "\\Drafts", "\\Archive", "\\All", "\\Flagged", "\\Important"].into_iter().find(|w| *w == word)
}

impl Folder {
    pub(super) fn new(special_use: Option<&'static str>, uid_validity: u32) -> Self {
        Self { special_use, uid_validity, uid_next: 1, messages: BTreeMap::new() }
    }

    /// What it is for.
    pub fn role(&self, name: &str) -> FolderRole {
        if name == "INBOX" {
            return FolderRole::Inbox;
        }
        match self.special_use {
            Some("\\Junk") => FolderRole::Spam,
            Some("\\Sent") => FolderRole::Sent,
            Some("\\Trash") => FolderRole::Trash,
            Some("\\Drafts") => FolderRole::Drafts,
            Some("\\Archive") => FolderRole::Archive,
            Some("\\All") => FolderRole::All,
            _ => FolderRole::Other,
        }
    }

    /// Adds a message and gives its UID.
    pub(super) fn append(&mut self, message: Message) -> u32 {
        let uid = self.uid_next;
        self.uid_next += 1;
        self.messages.insert(uid, message);
        uid
    }
}
