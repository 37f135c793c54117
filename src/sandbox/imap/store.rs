//! Changing messages: STORE, COPY, MOVE, EXPUNGE, APPEND.

use std::collections::BTreeSet;

use imap_codec::imap_types::datetime::DateTime;
use imap_codec::imap_types::extensions::binary::LiteralOrLiteral8;
use imap_codec::imap_types::flag::{Flag, StoreResponse, StoreType};
use imap_codec::imap_types::mailbox::Mailbox;
use imap_codec::imap_types::sequence::SequenceSet;

use super::answer::{Done, set_of};
use super::command::Labels;
use super::fetch;
use super::session::Session;
use super::view::marked;
use crate::words::Address;
use crate::world::FlagChange;

/// The most keywords and labels that a command may name, and the longest.
const MOST_WORDS: usize = 100;
const LONGEST_WORD: usize = 200;

/// Messages of the selected folder that a command names.
struct Named {
    account: Address,
    folder: String,
    read_only: bool,
    /// Their indices in the view, and their UIDs.
    indices: Vec<usize>,
    uids: Vec<u32>,
}

impl Session {
    fn named(&self, set: &SequenceSet, uid: bool) -> Result<Named, Done> {
        let account = self.account()?;
        let view = self.view.as_ref().ok_or_else(|| Done::bad("no folder is selected"))?;
        let indices = view.named(set, uid).ok_or_else(|| Done::bad("there is no message of that number"))?;
        Ok(Named { account, folder: view.folder.clone(), read_only: view.read_only, uids: view.uids(&indices), indices })
    }

    /// The same, where the folder may be changed.
    fn named_to_change(&self, set: &SequenceSet, uid: bool) -> Result<Named, Done> {
        let named = self.named(set, uid)?;
        if named.read_only { Err(Done::no("[READ-ONLY] the folder was only examined")) } else { Ok(named) }
    }

    pub fn store(&mut self, set: &SequenceSet, kind: StoreType, response: StoreResponse, flags: &[Flag<'_>], uid: bool) -> Done {
        let (named, flags) = match self.named_to_change(set, uid).and_then(|named| Ok((named, self.permitted(flags)?))) {
            Ok(both) => both,
            Err(done) => return done,
        };
        let change = match kind {
            StoreType::Replace => FlagChange::Replace,
            StoreType::Add => FlagChange::Add,
            StoreType::Remove => FlagChange::Remove,
        };
        let now = self.now();
        let done = self.world.set_flags(&named.account, &named.folder, &named.uids, change, &flags, now).unwrap_or_default();
        for (n, message_uid) in named.indices.into_iter().zip(&named.uids) {
            let flags = self.world.with_folder(&named.account, &named.folder, |f| f.messages.get(message_uid).map(|m| m.flags.clone()));
            let (Ok(Some(flags)), Some(view)) = (flags, self.view.as_mut()) else { continue };
            if response == StoreResponse::Answer {
                self.out.text(format_args!("* {} FETCH (UID {message_uid} FLAGS ", n + 1));
                self.out.list(&flags);
                self.out.line(")");
            }
            if let Some(row) = view.rows.get_mut(n) {
                row.flags = flags;
            }
        }
        if done.len() < named.uids.len() && !uid { Done::no("[EXPUNGEISSUED] some of them are gone") } else { Done::ok("stored") }
    }

    /// Flags as the world writes them.
    fn permitted(&self, flags: &[Flag<'_>]) -> Result<BTreeSet<String>, Done> {
        let keywords = self.traits().is_some_and(|t| t.keywords);
        if flags.len() > MOST_WORDS {
            return Err(Done::bad("those are too many flags"));
        }
        flags
            .iter()
            .map(|flag| match flag {
                Flag::Extension(_) => Err(Done::bad(format!("{flag} is no flag that anybody could set"))),
                Flag::Keyword(_) if !keywords => Err(Done::no("[CANNOT] keywords are not kept here")),
                Flag::Keyword(word) if word.as_ref().len() > LONGEST_WORD => Err(Done::bad("that keyword is too long")),
                Flag::Keyword(word) => Ok(self.spelled(word.as_ref())),
                system => Ok(system.to_string()),
            })
            .collect()
    }

    /// A keyword as the folder's messages spell it already: `$notjunk` and `$NotJunk` are one.
    fn spelled(&self, word: &str) -> String {
        let rows = self.view.as_ref().map(|v| v.rows.as_slice()).unwrap_or_default();
        let known = rows.iter().flat_map(|row| &row.flags).find(|f| f.eq_ignore_ascii_case(word));
        known.cloned().unwrap_or_else(|| word.to_owned())
    }

    pub fn store_labels(&mut self, asked: &Labels) -> Done {
        let named = match self.named_to_change(&asked.set, asked.uid) {
            Ok(named) => named,
            Err(done) => return done,
        };
        if asked.names.len() > MOST_WORDS || asked.names.iter().any(|l| l.len() > LONGEST_WORD || l.chars().any(char::is_control)) {
            return Done::bad("those are no labels");
        }
        let now = self.now();
        let labels: BTreeSet<String> = asked.names.iter().map(|label| system_label(label)).collect();
        for (n, uid) in named.indices.iter().zip(&named.uids) {
            let one = std::slice::from_ref(uid);
            if asked.change == FlagChange::Replace {
                let old = self.world.with_folder(&named.account, &named.folder, |f| f.messages.get(uid).map(|m| m.labels.clone()));
                let off = old.ok().flatten().unwrap_or_default().difference(&labels).cloned().collect();
                // A folder that went in this instant is told of behind this command.
                let _ = self.world.set_labels(&named.account, &named.folder, one, false, &off, now);
            }
            let add = asked.change != FlagChange::Remove;
            let _ = self.world.set_labels(&named.account, &named.folder, one, add, &labels, now);
            if !asked.silent
                && let Ok(Some(message)) = self.world.with_folder(&named.account, &named.folder, |f| f.messages.get(uid).cloned())
            {
                self.out.text(format_args!("* {} FETCH (UID {uid} X-GM-LABELS ", n + 1));
                fetch::labels(&mut self.out, &message);
                self.out.line(")");
            }
        }
        Done::ok("stored")
    }

    pub fn copy(&mut self, set: &SequenceSet, mailbox: &Mailbox<'_>, uid: bool) -> Done {
        let named = match self.named(set, uid) {
            Ok(named) => named,
            Err(done) => return done,
        };
        let Some(to) = self.names().of_wire(mailbox) else { return no_target() };
        if let Err(done) = self.has_room_for(&named) {
            return done;
        }
        let now = self.now();
        match self.world.copy_messages(&named.account, &named.folder, &named.uids, &to, now) {
            Ok(pairs) => Done::ok(self.copied(&named.account, &to, &pairs).map_or("copied".into(), |code| format!("{code} copied"))),
            Err(_) => no_target(),
        }
    }

    /// MOVE (RFC 6851): COPYUID comes in an answer of its own, before the EXPUNGEs.
    pub fn move_to(&mut self, set: &SequenceSet, mailbox: &Mailbox<'_>, uid: bool) -> Done {
        let named = match self.named_to_change(set, uid) {
            Ok(named) => named,
            Err(done) => return done,
        };
        let Some(to) = self.names().of_wire(mailbox) else { return no_target() };
        let now = self.now();
        match self.world.move_messages(&named.account, &named.folder, &named.uids, &to, now) {
            Ok(pairs) => {
                if let Some(code) = self.copied(&named.account, &to, &pairs) {
                    self.out.line(format_args!("* OK {code} moved"));
                }
                Done::ok("moved")
            }
            Err(_) => no_target(),
        }
    }

    /// COPYUID (RFC 4315), where it is offered and something was copied.
    fn copied(&self, account: &Address, to: &str, pairs: &[(u32, u32)]) -> Option<String> {
        if pairs.is_empty() || !self.offers(|t| t.uidplus) {
            return None;
        }
        let uid_validity = self.world.with_folder(account, to, |f| f.uid_validity).ok()?;
        let (from, to) = (set_of(pairs.iter().map(|p| p.0)), set_of(pairs.iter().map(|p| p.1)));
        Some(format!("[COPYUID {uid_validity} {from} {to}]"))
    }

    fn has_room_for(&self, named: &Named) -> Result<(), Done> {
        let size = self.world.with_folder(&named.account, &named.folder, |f| {
            named.uids.iter().filter_map(|uid| f.messages.get(uid)).map(|m| m.bytes.len() as u64).sum::<u64>()
        });
        self.has_room(&named.account, size.unwrap_or(0))
    }

    fn has_room(&self, account: &Address, bytes: u64) -> Result<(), Done> {
        let fits = self.world.with_account(account, |a| a.quota.is_none_or(|most| a.size().saturating_add(bytes) <= most));
        if fits == Some(false) { Err(Done::no("[OVERQUOTA] the mailbox is full")) } else { Ok(()) }
    }

    /// EXPUNGE, of all that is marked `\Deleted` or of those UIDs only (RFC 4315). What went is told as every change is.
    pub fn expunge(&mut self, only: Option<&SequenceSet>) -> Done {
        let named = match only {
            Some(set) => self.named_to_change(set, true),
            None => self.named_to_change(&(..).into(), true),
        };
        let named = match named {
            Ok(named) => named,
            Err(done) => return done,
        };
        let marked = self.world.with_folder(&named.account, &named.folder, |f| marked(f, named.uids.iter().copied())).unwrap_or_default();
        let now = self.now();
        match self.world.expunge(&named.account, &named.folder, &marked, now) {
            Ok(_) => Done::ok("expunged"),
            Err(_) => Done::no("the folder is gone"),
        }
    }

    pub fn append(&mut self, mailbox: &Mailbox<'_>, flags: &[Flag<'_>], date: Option<&DateTime>, message: &LiteralOrLiteral8<'_>) -> Done {
        let bytes = match message {
            LiteralOrLiteral8::Literal(literal) => literal.as_ref(),
            LiteralOrLiteral8::Literal8(_) => return Done::no("[UNKNOWN-CTE] binary messages are not kept here"),
        };
        let asked = self.account().and_then(|account| {
            let flags = self.permitted(flags)?;
            self.has_room(&account, bytes.len() as u64)?;
            Ok((account, flags))
        });
        let (account, flags) = match asked {
            Ok(both) => both,
            Err(done) => return done,
        };
        let Some(folder) = self.names().of_wire(mailbox) else { return no_target() };
        // The date that the client wants the message to have come at; it is only shown and searched.
        let at = date.map_or_else(|| self.now(), |d| crate::words::Moment(d.as_ref().timestamp_millis()));
        let Ok(uid) = self.world.append(&account, &folder, bytes, flags, false, at) else { return no_target() };
        let uid_validity = self.world.with_folder(&account, &folder, |f| f.uid_validity);
        match uid_validity {
            Ok(uid_validity) if self.offers(|t| t.uidplus) => Done::ok(format!("[APPENDUID {uid_validity} {uid}] appended")),
            _ => Done::ok("appended"),
        }
    }
}

/// Gmail's own labels are written one way.
fn system_label(label: &str) -> String {
    const OWN: [&str; 6] = ["\\Important", "\\Inbox", "\\Sent", "\\Starred", "\\Draft", "\\Muted"];
    OWN.into_iter().find(|own| own.eq_ignore_ascii_case(label)).unwrap_or(label).to_owned()
}

fn no_target() -> Done {
    Done::no("[TRYCREATE] there is no such folder")
}
