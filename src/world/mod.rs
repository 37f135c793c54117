//! A modelled mail world: accounts with their folders and messages, the habits of three kinds of servers, what can be wrong with them, and a
//! model of the receivers' spam filters. Everything that comes out of it is *modelled*, and every output says so.
//!
//! ```text
//! account, folders     mailboxes and what their owners do in them
//! offer, delivery      from MAIL to a folder
//! filter               what receivers think of senders
//! back, life, reports  what comes back, what goes on by itself, and how such messages are written
//! conditions           what is wrong, and when
//! evidence             what the world wrote down
//! ```
//!
//! There is one [`World`] behind both of its faces: `sandbox` serves it on sockets, `rehearsal` puts it behind the ports in virtual time. Nothing here
//! waits or reads a clock: `now` is a parameter, and [`World::settle`] carries out what became due up to then, in the order of its time.

mod account;
mod assumptions;
mod back;
mod conditions;
mod delivery;
mod evidence;
mod filter;
mod folders;
pub(crate) mod header;
mod life;
mod offer;
mod personality;
pub mod reports;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::chance::Seed;
use crate::words::{Address, Moment, Reply};

pub use account::{Account, AccountSpec, Folder, Message};
pub use assumptions::assumptions_markdown;
pub use conditions::{By, Condition, Whom, Wrong};
pub use evidence::{CameBack, Evidence, PutAway, Submission, Touched};
pub use filter::{Arriving, Authentication, Filter, Judgement, Lesson};
pub use folders::{FlagChange, NoSuchFolder};
pub use personality::{Personality, Traits};

/// The world. Shared; every call is short and waits for nobody.
#[derive(Debug)]
pub struct World {
    inside: Mutex<Inside>,
}

/// What is behind the lock.
#[derive(Debug)]
struct Inside {
    seed: Seed,
    accounts: BTreeMap<Address, Account>,
    filter: Filter,
    conditions: Vec<Condition>,
    /// What is still to happen, by its time and the order in which it was planned.
    events: BTreeMap<(Moment, u64), delivery::Event>,
    evidence: Evidence,
    /// When a greylisting server first heard of a pair of sender and recipient.
    first_tries: BTreeMap<(Address, Address), Moment>,
    /// When a machine last answered for who is away: away, to whom.
    answered: BTreeMap<(Address, Address), Moment>,
    /// Mail takes no time.
    at_once: bool,
    /// The last number that was given: to messages, events, UIDVALIDITYs.
    serial: u64,
    /// Bumped when an event is planned: whoever carries them out may have slept too long.
    planned: watch::Sender<u64>,
}

/// Why somebody is not let in, or is thrown out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Barred {
    /// No server answers.
    Unreachable,
    /// It takes the connection, and never answers the sign-in.
    Silent,
    /// It answers, and refuses the sign-in with these words (an SMTP code and text; IMAP says NO with the text).
    Refused(Reply),
}

impl World {
    /// An empty world, with draws of its own seed.
    pub fn new(seed: Seed) -> Arc<Self> {
        Arc::new(Self {
            inside: Mutex::new(Inside {
                seed,
                accounts: BTreeMap::new(),
                filter: Filter::new(seed),
                conditions: Vec::new(),
                events: BTreeMap::new(),
                evidence: Evidence::default(),
                first_tries: BTreeMap::new(),
                answered: BTreeMap::new(),
                at_once: false,
                serial: 0,
                planned: watch::Sender::new(0),
            }),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        // A panic while it was held is a bug; what is inside is whole between two statements.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an account, or replaces it with an empty one.
    pub fn add_account(&self, spec: AccountSpec) {
        let mut inside = self.lock();
        let uid_validity = inside.next_serial() as u32 + 1_000;
        inside.accounts.insert(spec.address.clone(), Account::new(spec, uid_validity));
    }

    /// From now on this is wrong, too.
    pub fn add_condition(&self, condition: Condition) {
        let mut inside = self.lock();
        inside.plan_condition(&condition);
        inside.conditions.push(condition);
    }

    /// Reads the filter, or tells it something: a domain that is well known.
    pub fn with_filter<R>(&self, f: impl FnOnce(&mut Filter) -> R) -> R {
        f(&mut self.lock().filter)
    }

    /// Reads an account; `None` where there is no such account.
    pub fn with_account<R>(&self, address: &Address, f: impl FnOnce(&mut Account) -> R) -> Option<R> {
        self.lock().accounts.get_mut(address).map(f)
    }

    /// The addresses of all accounts.
    pub fn addresses(&self) -> Vec<Address> {
        self.lock().accounts.keys().cloned().collect()
    }

    /// The account of a user name.
    pub fn account_of_user(&self, user: &str) -> Option<Address> {
        self.lock().accounts.values().find(|a| a.spec.user.eq_ignore_ascii_case(user)).map(|a| a.spec.address.clone())
    }

    /// What was done in the world so far.
    pub fn evidence(&self) -> Evidence {
        self.lock().evidence.clone()
    }

    /// Rings at every change of an account.
    pub fn changes_of(&self, address: &Address) -> Option<watch::Receiver<u64>> {
        self.lock().accounts.get(address).map(|a| a.changed.subscribe())
    }

    /// Whether an account can be reached and signed in to at a moment, its secret aside.
    ///
    /// # Errors
    /// [`Barred`], with the words of its provider.
    pub fn may_sign_in(&self, address: &Address, now: Moment) -> Result<(), Barred> {
        self.lock().may_sign_in(address, now)
    }

    /// Whether servers with these habits are down as a whole: they have accounts, and none of them can be reached.
    pub fn is_down(&self, personality: Personality, now: Moment) -> bool {
        let inside = self.lock();
        let mut served = inside.accounts.values().filter(|a| a.spec.personality == personality).peekable();
        served.peek().is_some() && served.all(|a| matches!(inside.may_sign_in(&a.spec.address, now), Err(Barred::Unreachable)))
    }

    /// Counts messages, events and UIDVALIDITYs from here on: a world that is made anew for clients who remember an earlier one gives no number again.
    pub fn count_from(&self, serial: u64) {
        let mut inside = self.lock();
        inside.serial = inside.serial.max(serial);
    }

    /// From now on mail takes no time from the final dot to the recipient's folder.
    pub fn deliver_at_once(&self) {
        self.lock().at_once = true;
    }

    /// Takes conditions back: those that are the same in what is wrong and for whom.
    pub fn lift(&self, wrong: &Wrong, whom: &Whom) {
        self.lock().conditions.retain(|c| c.wrong != *wrong || c.whom != *whom);
    }

    /// Empties an account, as it was at first; its secret stays. False: it is not there.
    pub fn empty_account(&self, address: &Address) -> bool {
        let mut inside = self.lock();
        inside.first_tries.retain(|(_, to), _| to != address);
        inside.answered.retain(|(away, to), _| away != address && to != address);
        let uid_validity = inside.next_serial() as u32 + 1_000;
        inside.accounts.get_mut(address).map(|account| account.empty(uid_validity)).is_some()
    }

    /// Throws an account's sessions out: whoever serves it ends a session that began at another [`Account::kicked`] than the present one.
    pub fn kick(&self, address: &Address) {
        if let Some(account) = self.lock().accounts.get_mut(address) {
            account.kicked += 1;
            account.bump();
        }
    }

    /// The share of commands at which an account's connection breaks now; 0 where nothing is wrong.
    pub fn flakiness(&self, address: &Address, now: Moment) -> f64 {
        self.lock().flakiness(address, now)
    }
}

impl Inside {
    fn next_serial(&mut self) -> u64 {
        self.serial += 1;
        self.serial
    }

    /// What is wrong for an account at a moment.
    fn wrongs<'a>(&'a self, address: &'a Address, now: Moment) -> impl Iterator<Item = &'a Wrong> + 'a {
        // Asked at every command; mostly all is well.
        let account = if self.conditions.is_empty() { None } else { self.accounts.get(address) };
        let receiver = account.map_or("", |a| a.spec.receiver.as_str());
        self.conditions.iter().filter(move |c| c.concerns(address, receiver, now)).map(|c| &c.wrong)
    }

    fn may_sign_in(&self, address: &Address, now: Moment) -> Result<(), Barred> {
        if self.conditions.is_empty() && self.accounts.contains_key(address) {
            return Ok(());
        }
        let personality = self.accounts.get(address).map(|a| a.spec.personality);
        // A server that does not answer does not refuse either.
        if self.wrongs(address, now).any(|w| matches!(w, Wrong::Outage)) {
            return Err(Barred::Unreachable);
        }
        if self.wrongs(address, now).any(|w| matches!(w, Wrong::Hangs)) {
            return Err(Barred::Silent);
        }
        if self.wrongs(address, now).any(|w| matches!(w, Wrong::Locked | Wrong::Gone(_))) {
            return Err(Barred::Refused(refused_sign_in(personality)));
        }
        personality.map(drop).ok_or_else(|| Barred::Refused(refused_sign_in(None)))
    }

    fn flakiness(&self, address: &Address, now: Moment) -> f64 {
        self.wrongs(address, now).map(|w| if let Wrong::Flaky(share) = w { *share } else { 0.0 }).fold(0.0, f64::max)
    }
}

/// What each kind of server says to a wrong password, or to a locked account (they do not tell which).
pub fn refused_sign_in(personality: Option<Personality>) -> Reply {
    match personality {
        Some(Personality::Gmail) => Reply::new(
            535,
            "5.7.8 Username and Password not accepted. For more information, go to https://support.google.com/mail/?p=BadCredentials",
        ),
        Some(Personality::Microsoft) => Reply::new(535, "5.7.3 Authentication unsuccessful"),
        _ => Reply::new(535, "5.7.8 Error: authentication failed"),
    }
}
