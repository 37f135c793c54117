//! Folders: LIST, LSUB, STATUS, NAMESPACE, CREATE, DELETE, RENAME. Every folder is subscribed.

use std::collections::{BTreeMap, BTreeSet};

use imap_codec::imap_types::mailbox::{ListMailbox, Mailbox};
use imap_codec::imap_types::status::StatusDataItemName;

use super::answer::Done;
use super::command::List;
use super::names::fits;
use super::session::Session;

/// The most folders of an account.
const MOST_FOLDERS: usize = 500;
/// The longest pattern of LIST.
const LONGEST_PATTERN: usize = 500;

/// A folder as LIST shows it.
#[derive(Debug, Default)]
struct Listed {
    /// Whether it can be selected: a level that only has folders below it cannot.
    selectable: bool,
    special_use: Option<&'static str>,
    has_children: bool,
}

impl Session {
    pub fn list(&mut self, asked: &List) -> Done {
        if let Err(done) = self.account() {
            return done;
        }
        let separator = self.names().separator();
        // An empty pattern asks for the separator.
        if asked.patterns.iter().any(String::is_empty) {
            self.out.line(format_args!("* LIST (\\Noselect) \"{separator}\" \"\""));
            return Done::ok("listed");
        }
        let patterns: Vec<String> = asked.patterns.iter().map(|p| format!("{}{p}", asked.reference)).collect();
        let tells_special = self.offers(|t| t.special_use);
        if asked.only_special && !tells_special {
            return Done::bad("special uses are not told here");
        }
        let children = !self.face.bare;
        for (wire, folder) in self.listed(&patterns) {
            if asked.only_special && folder.special_use.is_none() {
                continue;
            }
            let mut attributes = Vec::new();
            if children {
                attributes.push(if folder.has_children { "\\HasChildren" } else { "\\HasNoChildren" });
            }
            if !folder.selectable {
                attributes.push("\\Noselect");
            } else if asked.return_subscribed {
                attributes.push("\\Subscribed");
            }
            attributes.extend(folder.special_use.filter(|_| tells_special));
            self.folder_line("LIST", &attributes, &wire);
        }
        Done::ok("listed")
    }

    pub fn lsub(&mut self, reference: &Mailbox<'_>, wildcard: &ListMailbox<'_>) -> Done {
        if let Err(done) = self.account() {
            return done;
        }
        let reference = match reference {
            Mailbox::Inbox => "INBOX".into(),
            Mailbox::Other(other) => String::from_utf8_lossy(other.as_ref()).into_owned(),
        };
        let pattern = match wildcard {
            ListMailbox::Token(token) => String::from_utf8_lossy(token.as_ref()).into_owned(),
            ListMailbox::String(string) => String::from_utf8_lossy(string.as_ref()).into_owned(),
        };
        for (wire, folder) in self.listed(&[reference + &pattern]) {
            let attributes: &[&str] = if folder.selectable { &[] } else { &["\\Noselect"] };
            self.folder_line("LSUB", attributes, &wire);
        }
        Done::ok("listed")
    }

    fn folder_line(&mut self, verb: &str, attributes: &[&str], wire: &str) {
        let separator = self.names().separator();
        self.out.text(format_args!("* {verb} "));
        self.out.list(attributes);
        self.out.text(format_args!(" \"{separator}\" "));
        self.out.string(wire.as_bytes());
        self.out.line("");
    }

    /// The folders, and the levels above them, whose names on the wire fit one of the patterns.
    fn listed(&self, patterns: &[String]) -> BTreeMap<String, Listed> {
        let Ok(account) = self.account() else { return BTreeMap::new() };
        let names = self.names();
        let folders: Vec<(String, Option<&'static str>)> = self
            .world
            .with_account(&account, |a| a.folders.iter().map(|(name, f)| (names.to_wire(name), f.special_use)).collect())
            .unwrap_or_default();
        let mut all: BTreeMap<String, Listed> = BTreeMap::new();
        for (wire, special_use) in folders {
            for (at, _) in wire.match_indices(names.separator()) {
                all.entry(wire[..at].to_owned()).or_default().has_children = true;
            }
            let own = all.entry(wire).or_default();
            (own.selectable, own.special_use) = (true, special_use);
        }
        // INBOX is INBOX in any case of letters.
        let fits_one = |wire: &str| {
            patterns.iter().any(|p| {
                p.len() <= LONGEST_PATTERN
                    && (fits(p, wire, names.separator()) || (wire == "INBOX" && fits(&p.to_ascii_uppercase(), wire, names.separator())))
            })
        };
        all.retain(|wire, _| fits_one(wire));
        all
    }

    pub fn namespace(&mut self) -> Done {
        if let Err(done) = self.account() {
            return done;
        }
        let names = self.names();
        self.out.line(format_args!("* NAMESPACE ((\"{}\" \"{}\")) NIL NIL", names.prefix(), names.separator()));
        Done::ok("done")
    }

    pub fn status(&mut self, mailbox: &Mailbox<'_>, items: &[StatusDataItemName]) -> Done {
        let account = match self.account() {
            Ok(account) => account,
            Err(done) => return done,
        };
        let Some(name) = self.names().of_wire(mailbox) else { return nonexistent() };
        let items: BTreeSet<&'static str> = match items.iter().map(status_item).collect() {
            Some(items) => items,
            None => return Done::bad("that is no status that is kept here"),
        };
        let values = self.world.with_folder(&account, &name, |f| {
            let unseen = f.messages.values().filter(|m| !m.flags.contains("\\Seen")).count() as u32;
            let value = |item: &&str| match *item {
                "MESSAGES" => f.messages.len() as u32,
                "UIDNEXT" => f.uid_next,
                "UIDVALIDITY" => f.uid_validity,
                "UNSEEN" => unseen,
                _ => 0,
            };
            items.iter().map(|item| format!("{item} {}", value(item))).collect::<Vec<_>>()
        });
        let Ok(values) = values else { return nonexistent() };
        self.out.text("* STATUS ");
        let wire = self.names().to_wire(&name);
        self.out.string(wire.as_bytes());
        self.out.text(" ");
        self.out.list(&values);
        self.out.line("");
        Done::ok("done")
    }

    pub fn create(&mut self, mailbox: &Mailbox<'_>) -> Done {
        let account = match self.account() {
            Ok(account) => account,
            Err(done) => return done,
        };
        let Some(name) = self.names().of_wire(mailbox) else { return Done::no("[CANNOT] no folder can have that name") };
        if self.world.with_account(&account, |a| a.folders.len()).unwrap_or(0) >= MOST_FOLDERS {
            return Done::no("[LIMIT] those are folders enough");
        }
        if self.world.create_folder(&account, &name) { Done::ok("created") } else { Done::no("[ALREADYEXISTS] it is there") }
    }

    pub fn delete(&mut self, mailbox: &Mailbox<'_>) -> Done {
        let account = match self.account() {
            Ok(account) => account,
            Err(done) => return done,
        };
        let Some(name) = self.names().of_wire(mailbox) else { return nonexistent() };
        if let Some(done) = self.is_needed(&name) {
            return done;
        }
        if !self.world.delete_folder(&account, &name) {
            return nonexistent();
        }
        // One's own selected folder may go: it is simply not selected any more.
        if self.view.as_ref().is_some_and(|v| v.folder == name) {
            self.view = None;
        }
        Done::ok("deleted")
    }

    /// INBOX, and the folders that a provider gives each account, stay.
    fn is_needed(&self, name: &str) -> Option<Done> {
        let given = self.traits().is_some_and(|t| t.folders.contains_key(name));
        given.then(|| Done::no("[CANNOT] that folder stays"))
    }

    pub fn rename(&mut self, from: &Mailbox<'_>, to: &Mailbox<'_>) -> Done {
        let account = match self.account() {
            Ok(account) => account,
            Err(done) => return done,
        };
        let (Some(from), Some(to)) = (self.names().of_wire(from), self.names().of_wire(to)) else { return nonexistent() };
        let now = self.now();
        if from == "INBOX" {
            // RFC 3501 §6.3.5: its messages go into a new folder, and it stays.
            if !self.world.create_folder(&account, &to) {
                return Done::no("[ALREADYEXISTS] it is there");
            }
            let all: Vec<u32> = self.world.with_folder(&account, &from, |f| f.messages.keys().copied().collect()).unwrap_or_default();
            return match self.world.move_messages(&account, &from, &all, &to, now) {
                Ok(_) => Done::ok("renamed"),
                Err(_) => nonexistent(),
            };
        }
        if let Some(done) = self.is_needed(&from) {
            return done;
        }
        let below = format!("{from}/");
        if to.starts_with(&below) {
            return Done::no("[CANNOT] not into itself");
        }
        if !self.world.rename_folder(&account, &from, &to) {
            return Done::no("[NONEXISTENT] it is not there, or the new name is taken");
        }
        let inferiors: Vec<String> = self
            .world
            .with_account(&account, |a| a.folders.keys().filter(|n| n.starts_with(&below)).cloned().collect())
            .unwrap_or_default();
        for inferior in inferiors {
            // One whose new name is taken keeps its old one.
            self.world.rename_folder(&account, &inferior, &format!("{to}/{}", &inferior[below.len()..]));
        }
        if let Some(view) = self.view.as_mut().filter(|v| v.folder == from) {
            view.folder = to;
        }
        Done::ok("renamed")
    }

    /// Every folder is subscribed, whatever is asked.
    pub fn subscribe(&self, mailbox: &Mailbox<'_>) -> Done {
        match (self.account(), self.names().of_wire(mailbox)) {
            (Err(done), _) => done,
            (_, None) => nonexistent(),
            _ => Done::ok("every folder is subscribed"),
        }
    }
}

fn status_item(item: &StatusDataItemName) -> Option<&'static str> {
    Some(match item {
        StatusDataItemName::Messages => "MESSAGES",
        StatusDataItemName::Recent => "RECENT",
        StatusDataItemName::UidNext => "UIDNEXT",
        StatusDataItemName::UidValidity => "UIDVALIDITY",
        StatusDataItemName::Unseen => "UNSEEN",
        _ => return None,
    })
}

fn nonexistent() -> Done {
    Done::no("[NONEXISTENT] there is no such folder")
}
