//! The ports of `mail` over the modelled world: no socket, no waiting but for the plan's own time.
//!
//! A session ends where a real one would: when its provider cannot be reached, when the machine slept, when the network is flaky.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use super::kills::Kills;
use super::receiver_of;
use crate::clock::Clock;
use crate::config::Mailbox;
use crate::mail::wire::Protocol;
use crate::mail::{
    Access, Cursor, Deleted, Envelope, Flag, Folder, FolderName, Handover, Header, Idled, Inbox, Look, MailError, Moved, Offer, Outbox,
    Refusal, Step, StoredFlags, Trouble, Uid,
};
use crate::words::{Address, Moment, Reply};
use crate::world::{Barred, FlagChange, NoSuchFolder, World};

/// Messages that one look shows at most, as the port says.
const MOST_IN_A_LOOK: usize = 5_000;
/// A sign-in is waited for so long, as over sockets.
const PATIENCE: Duration = Duration::from_mins(1);

/// Signs in to the modelled world.
pub struct WorldAccess {
    /// The world.
    pub world: Arc<World>,
    /// The executor's clock: it sleeps when its machine sleeps.
    pub clock: Clock,
    /// When preheat is to be killed in the middle of a hand-over.
    pub kills: Arc<Kills>,
}

/// The modelled world has a server for each receiver, whatever the config names.
pub fn modelled_server(mailbox: &Mailbox, protocol: Protocol) -> String {
    let word = if protocol == Protocol::Smtp { "smtp" } else { "imap" };
    format!("{word} of {}", receiver_of(mailbox))
}

impl WorldAccess {
    async fn session(&self, mailbox: &Mailbox, says_no: fn(&Reply) -> Reply) -> Result<Session, MailError> {
        let now = self.clock.now();
        self.world.settle(now);
        let error = |step, trouble| Err(MailError::new(&mailbox.address, step, trouble));
        match self.world.may_sign_in(&mailbox.address, now) {
            Err(Barred::Unreachable) => error(Step::Connect, Trouble::Unreachable("modelled: connection refused".into())),
            Err(Barred::Silent) => {
                self.clock.sleep_until(now + PATIENCE).await;
                error(Step::SignIn, Trouble::TimedOut(PATIENCE.as_secs()))
            }
            Err(Barred::Refused(reply)) => error(Step::SignIn, Trouble::SignInRefused(says_no(&reply))),
            Ok(()) if self.world.breaks_now(&mailbox.address, now) => {
                error(Step::Greeting, Trouble::Closed("modelled: reset by peer".into()))
            }
            Ok(()) => {
                Ok(Session { world: self.world.clone(), clock: self.clock.clone(), address: mailbox.address.clone(), last_used: now })
            }
        }
    }
}

#[async_trait]
impl Access for WorldAccess {
    async fn open_outbox(&self, mailbox: &Mailbox) -> Result<Box<dyn Outbox>, MailError> {
        let session = self.session(mailbox, Reply::clone).await?;
        Ok(Box::new(WorldOutbox { session, kills: self.kills.clone(), offered: None, open: true }))
    }

    async fn open_inbox(&self, mailbox: &Mailbox) -> Result<Box<dyn Inbox>, MailError> {
        let session = self.session(mailbox, |reply| Reply::new(Reply::NO, &format!("NO [AUTHENTICATIONFAILED] {}", reply.text))).await?;
        let bell = self.world.changes_of(&mailbox.address);
        Ok(Box::new(WorldInbox { session, uid_next: BTreeMap::new(), bell }))
    }
}

/// A connection to the world, signed in.
struct Session {
    world: Arc<World>,
    clock: Clock,
    address: Address,
    last_used: Moment,
}

impl Session {
    /// Begins a command: brings the world up to now, and says whether the connection still stands.
    fn command(&mut self, step: Step) -> Result<Moment, MailError> {
        let now = self.clock.now();
        let before = std::mem::replace(&mut self.last_used, now);
        self.world.settle(now);
        if self.clock.slept_between(before, now) || self.world.throws_out(&self.address, now) {
            return Err(MailError::new(&self.address, step, Trouble::Closed("modelled: the connection broke".into())));
        }
        Ok(now)
    }

    fn no_such_folder(&self) -> impl Fn(NoSuchFolder) -> MailError + use<> {
        let address = self.address.clone();
        move |_| MailError::new(&address, Step::Select, Trouble::FolderGone(Reply::new(Reply::NO, "NO modelled: no such folder")))
    }

    fn folder_is(&self, folder: &FolderName, uid_validity: u32) -> Result<(), MailError> {
        let now = self.world.with_folder(&self.address, &folder.wire, |f| f.uid_validity).map_err(self.no_such_folder())?;
        if now == uid_validity { Ok(()) } else { Err(MailError::new(&self.address, Step::Select, Trouble::Renumbered)) }
    }
}

struct WorldOutbox {
    session: Session,
    kills: Arc<Kills>,
    offered: Option<Envelope>,
    open: bool,
}

#[async_trait]
impl Outbox for WorldOutbox {
    async fn offer(&mut self, envelope: &Envelope) -> Result<Offer, MailError> {
        let now = self.session.command(Step::MailFrom).inspect_err(|_| self.open = false)?;
        match self.session.world.offer(&self.session.address, &envelope.from, &envelope.to, now) {
            Ok(()) => {
                self.offered = Some(envelope.clone());
                Ok(Offer::Ready)
            }
            Err(reply) => {
                // 421: the server ends the session (RFC 5321 §3.8).
                self.open = reply.code != 421;
                Ok(Offer::Refused(Refusal { step: Step::RcptTo, reply }))
            }
        }
    }

    async fn hand_over(&mut self, message: &[u8]) -> Handover {
        let Some(envelope) = self.offered.take() else { return Handover::Uncertain("nothing was offered".into()) };
        let (session, now) = (&self.session, self.session.clock.now());
        if let Some(taken) = self.kills.strikes(now) {
            if taken {
                session.world.submit(&session.address, &envelope.from, &[envelope.to], message, false, now);
            }
            // The process is gone from here on: the driver drops everything that it was doing.
            return std::future::pending().await;
        }
        if session.world.breaks_now(&session.address, now) {
            self.open = false;
            // Half of the connections break after the server has taken the message, half before: nobody on this side can tell.
            if session.world.coin(&session.address) {
                session.world.submit(&session.address, &envelope.from, &[envelope.to], message, false, now);
            }
            return Handover::Uncertain("modelled: the connection broke before the server's last word".into());
        }
        let reply = session.world.submit(&session.address, &envelope.from, &[envelope.to], message, true, now);
        if reply.is_positive() { Handover::Accepted(reply) } else { Handover::Refused(reply) }
    }

    fn is_open(&self) -> bool {
        self.open
    }

    fn abandon(self: Box<Self>) {}

    async fn sign_out(self: Box<Self>) {}
}

struct WorldInbox {
    session: Session,
    /// What was known of each folder's next UID at the last look: a message that came since is news.
    uid_next: BTreeMap<String, u32>,
    /// Rings when something changes in the mailbox.
    bell: Option<watch::Receiver<u64>>,
}

#[async_trait]
impl Inbox for WorldInbox {
    async fn folders(&mut self) -> Result<Vec<Folder>, MailError> {
        self.session.command(Step::Folders)?;
        let read = |account: &mut crate::world::Account| {
            let folder = |(name, f): (&String, &crate::world::Folder)| Folder {
                name: FolderName { wire: name.clone(), shown: name.clone() },
                role: f.role(name),
                found_by: "the modelled world".into(),
            };
            account.folders.iter().map(folder).collect()
        };
        Ok(self.session.world.with_account(&self.session.address, read).unwrap_or_default())
    }

    async fn look(&mut self, folder: &FolderName, cursor: Option<Cursor>, since: Moment) -> Result<Look, MailError> {
        self.session.command(Step::Fetch)?;
        let read = |f: &crate::world::Folder| {
            let renumbered = cursor.is_some_and(|c| c.uid_validity != f.uid_validity);
            let above = cursor.filter(|_| !renumbered).map(|c| c.uid);
            let wanted = f.messages.range(above.map_or(0, |uid| uid.saturating_add(1))..);
            let mut new: Vec<Header> = wanted
                .filter(|(_, m)| above.is_some() || m.received >= since)
                .take(MOST_IN_A_LOOK + 1)
                .map(|(uid, m)| Header {
                    uid: Uid(*uid),
                    flags: m.flags.iter().cloned().collect(),
                    received: Some(m.received),
                    size: m.bytes.len() as u32,
                    raw: m.header().to_vec(),
                    category: m.category.map(str::to_owned),
                })
                .collect();
            let more = new.len() > MOST_IN_A_LOOK;
            new.truncate(MOST_IN_A_LOOK);
            let uid = if more { new.last().map_or(0, |h| h.uid.0) } else { f.uid_next - 1 };
            (Look { uid_validity: f.uid_validity, renumbered, cursor: Cursor { uid_validity: f.uid_validity, uid }, new, more }, f.uid_next)
        };
        let (look, uid_next) =
            self.session.world.with_folder(&self.session.address, &folder.wire, read).map_err(self.session.no_such_folder())?;
        match self.uid_next.get_mut(&folder.wire) {
            Some(known) => *known = uid_next,
            None => drop(self.uid_next.insert(folder.wire.clone(), uid_next)),
        }
        Ok(look)
    }

    async fn flags_of(&mut self, folder: &FolderName, uid_validity: u32, uids: &[Uid]) -> Result<Vec<StoredFlags>, MailError> {
        self.session.command(Step::Fetch)?;
        self.session.folder_is(folder, uid_validity)?;
        let read = |f: &crate::world::Folder| {
            let there = uids.iter().filter_map(|uid| f.messages.get(&uid.0).map(|m| (*uid, m)));
            there.map(|(uid, m)| StoredFlags { uid, flags: m.flags.iter().cloned().collect() }).collect()
        };
        self.session.world.with_folder(&self.session.address, &folder.wire, read).map_err(self.session.no_such_folder())
    }

    async fn open(&mut self, folder: &FolderName, uid_validity: u32, uid: Uid) -> Result<Option<Vec<u8>>, MailError> {
        let now = self.session.command(Step::Fetch)?;
        self.session.folder_is(folder, uid_validity)?;
        let bytes = self.bytes_of(folder, uid)?;
        if bytes.is_some() {
            self.set(folder, &[uid], FlagChange::Add, "\\Seen", now)?;
        }
        Ok(bytes)
    }

    async fn peek(&mut self, folder: &FolderName, uid_validity: u32, uid: Uid, limit: u32) -> Result<Option<Vec<u8>>, MailError> {
        self.session.command(Step::Fetch)?;
        self.session.folder_is(folder, uid_validity)?;
        let mut bytes = self.bytes_of(folder, uid)?;
        if let Some(bytes) = &mut bytes {
            bytes.truncate(limit as usize);
        }
        Ok(bytes)
    }

    async fn move_to(&mut self, from: &FolderName, uid_validity: u32, uids: &[Uid], to: &FolderName) -> Result<Moved, MailError> {
        let now = self.session.command(Step::Move)?;
        self.session.folder_is(from, uid_validity)?;
        let (session, numbers) = (&self.session, uids.iter().map(|u| u.0).collect::<Vec<_>>());
        let target = session.world.with_folder(&session.address, &to.wire, |f| f.uid_validity).map_err(session.no_such_folder())?;
        let pairs = session.world.move_messages(&session.address, &from.wire, &numbers, &to.wire, now).map_err(session.no_such_folder())?;
        let moved: Vec<_> = pairs.into_iter().map(|(old, new)| (Uid(old), Some((target, Uid(new))))).collect();
        let gone = missing_of(uids, moved.iter().map(|(old, _)| *old));
        Ok(Moved { moved, left_marked: Vec::new(), gone })
    }

    async fn delete(&mut self, folder: &FolderName, uid_validity: u32, uids: &[Uid]) -> Result<Deleted, MailError> {
        let now = self.session.command(Step::Store)?;
        self.session.folder_is(folder, uid_validity)?;
        let (session, numbers) = (&self.session, uids.iter().map(|u| u.0).collect::<Vec<_>>());
        let deleted = session.world.expunge(&session.address, &folder.wire, &numbers, now).map_err(session.no_such_folder())?;
        let deleted: Vec<Uid> = deleted.into_iter().map(Uid).collect();
        let gone = missing_of(uids, deleted.iter().copied());
        Ok(Deleted { deleted, left_marked: Vec::new(), gone })
    }

    async fn own_folder(&mut self, name: &str) -> Result<FolderName, MailError> {
        self.session.command(Step::Create)?;
        let (world, address) = (&self.session.world, &self.session.address);
        let named = |a: &mut crate::world::Account| a.folders.keys().find(|f| f.to_lowercase() == name.to_lowercase()).cloned();
        let there = world.with_account(address, named).flatten();
        let wire = there.unwrap_or_else(|| {
            world.create_folder(address, name);
            name.to_owned()
        });
        Ok(FolderName { shown: wire.clone(), wire })
    }

    async fn set_flags(&mut self, folder: &FolderName, uid_validity: u32, uids: &[Uid], flags: &[Flag]) -> Result<Vec<Flag>, MailError> {
        let now = self.session.command(Step::Store)?;
        self.session.folder_is(folder, uid_validity)?;
        let traits = self.session.world.with_account(&self.session.address, |a| a.spec.personality.traits());
        let (keywords, gmail) = traits.map_or((false, false), |t| (t.keywords, t.gmail));
        let mut left_out = Vec::new();
        for flag in flags {
            match flag {
                Flag::Seen => self.set(folder, uids, FlagChange::Add, "\\Seen", now)?,
                Flag::Flagged => self.set(folder, uids, FlagChange::Add, "\\Flagged", now)?,
                Flag::Answered => self.set(folder, uids, FlagChange::Add, "\\Answered", now)?,
                Flag::Important if gmail => self.label_important(folder, uids, now)?,
                Flag::Important if keywords => self.set(folder, uids, FlagChange::Add, "$Important", now)?,
                Flag::NotJunk if keywords => {
                    self.set(folder, uids, FlagChange::Add, "$NotJunk", now)?;
                    self.set(folder, uids, FlagChange::Remove, "$Junk", now)?;
                }
                Flag::Important | Flag::NotJunk => left_out.push(*flag),
            }
        }
        Ok(left_out)
    }

    async fn idle(&mut self, folder: &FolderName, stop: Pin<&mut (dyn Future<Output = ()> + Send)>) -> Result<Idled, MailError> {
        let (world, address) = (self.session.world.clone(), self.session.address.clone());
        let Some(bell) = &mut self.bell else { return Ok(Idled::Unsupported) };
        let known = self.uid_next.get(&folder.wire).copied();
        let came = || world.with_folder(&address, &folder.wire, |f| f.uid_next).ok().is_some_and(|n| Some(n) != known);
        let mut stop = stop;
        loop {
            bell.mark_unchanged();
            if came() {
                // Whoever sleeps hears it when it wakes; by then the connection is dead.
                self.session.clock.sleep_until(self.session.clock.now()).await;
                self.session.command(Step::Idle)?;
                return Ok(Idled::News);
            }
            tokio::select! {
                biased;
                () = stop.as_mut() => {
                    self.session.command(Step::Idle)?;
                    return Ok(Idled::Stopped);
                }
                rung = bell.changed() => if rung.is_err() {
                    return Ok(Idled::Unsupported);
                },
            }
        }
    }

    async fn sign_out(self: Box<Self>) {}
}

/// Those of `asked` that are not among `found`.
fn missing_of(asked: &[Uid], found: impl Iterator<Item = Uid>) -> Vec<Uid> {
    let found: BTreeSet<Uid> = found.collect();
    asked.iter().filter(|uid| !found.contains(uid)).copied().collect()
}

impl WorldInbox {
    fn bytes_of(&self, folder: &FolderName, uid: Uid) -> Result<Option<Vec<u8>>, MailError> {
        let session = &self.session;
        let read = |f: &crate::world::Folder| f.messages.get(&uid.0).map(|m| m.bytes.to_vec());
        session.world.with_folder(&session.address, &folder.wire, read).map_err(session.no_such_folder())
    }

    fn set(&self, folder: &FolderName, uids: &[Uid], change: FlagChange, flag: &str, now: Moment) -> Result<(), MailError> {
        let (session, uids) = (&self.session, uids.iter().map(|u| u.0).collect::<Vec<_>>());
        let flags = std::iter::once(flag.to_owned()).collect();
        session.world.set_flags(&session.address, &folder.wire, &uids, change, &flags, now).map(drop).map_err(session.no_such_folder())
    }

    fn label_important(&self, folder: &FolderName, uids: &[Uid], now: Moment) -> Result<(), MailError> {
        let (session, uids) = (&self.session, uids.iter().map(|u| u.0).collect::<Vec<_>>());
        let labels = std::iter::once("\\Important".to_owned()).collect();
        session.world.set_labels(&session.address, &folder.wire, &uids, true, &labels, now).map_err(session.no_such_folder())
    }
}
