//! What can be asked for on the control socket.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::{Value, json};

use super::dump::dump;
use super::signal::Signal;
use crate::sandbox::Population;
use crate::words::{Address, Reply};
use crate::world::{AccountSpec, Condition, Personality, Whom, Wrong};

/// A request: `{"do": "…", …}`. Users are named by their address or by the name that they sign in with; messages come in base64.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Deed {
    /// Changes a password.
    Password {
        /// Whose.
        user: String,
        /// The new one.
        password: String,
    },
    /// Files a share of 256 letters, by the last two hex digits of the letter id, into a folder, which the first of them makes; 0 takes the rule
    /// back.
    Junk {
        /// For whom.
        users: Vec<String>,
        /// 0 to 256.
        share: u32,
        /// Where to.
        folder: String,
    },
    /// Puts somebody else's message into a folder, which is made; gives its UID. Whoever touches it is written down.
    Plant {
        /// For whom.
        user: String,
        /// Where to.
        folder: String,
        /// What to call it: the value of its `X-Rig-Planted`.
        id: String,
        /// RFC 5322.
        message: String,
    },
    /// Puts a message into a folder, which is made; gives its UID.
    Deliver {
        /// For whom.
        user: String,
        /// Where to.
        folder: String,
        /// RFC 5322.
        message: String,
    },
    /// Gives a folder another UIDVALIDITY, and its messages new UIDs.
    Uidvalidity {
        /// Whose.
        user: String,
        /// Which.
        folder: String,
        /// The new one.
        value: u32,
    },
    /// Makes a folder.
    Create {
        /// Whose.
        user: String,
        /// Its name, in UTF-8, with `/` between levels.
        folder: String,
    },
    /// Renames a folder.
    Rename {
        /// Whose.
        user: String,
        /// Its name.
        folder: String,
        /// Its new name.
        new: String,
    },
    /// Deletes a folder with all that is in it.
    Delete {
        /// Whose.
        user: String,
        /// Its name.
        folder: String,
    },
    /// Expunges all messages of a folder; gives how many.
    Expunge {
        /// Whose.
        user: String,
        /// Its name.
        folder: String,
    },
    /// Drops a user's IMAP sessions.
    Kick {
        /// Whose.
        user: String,
    },
    /// Limits a mailbox, in bytes; without a number, no more.
    Quota {
        /// Whose.
        user: String,
        /// How many.
        bytes: Option<u64>,
    },
    /// Sends something back about a letter, to who wrote it.
    Signal(Signal),
    /// Has a machine answer for a user who is away; without a text, no more.
    Vacation {
        /// Who is away.
        user: String,
        /// What the machine says.
        text: Option<String>,
    },
    /// Has mail to a user taken over and come back with a server's words; without them, no more.
    Bounce {
        /// To whom.
        user: String,
        /// Such as `550 5.1.1 User unknown`.
        said: Option<String>,
    },
    /// Has the first try of each sender to a user put off, or no more.
    Greylist {
        /// To whom.
        user: String,
        /// Whether it is so.
        on: bool,
    },
    /// Has the provider refuse a user's sign-ins.
    Lock {
        /// Whose.
        user: String,
    },
    /// Takes that back.
    Unlock {
        /// Whose.
        user: String,
    },
    /// Nobody can reach a receiver's servers for so many seconds of the world's time.
    Outage {
        /// `gmail`, `microsoft`, or a domain.
        receiver: String,
        /// How long.
        seconds: u64,
    },
    /// Tells what lies where, and what was submitted.
    Dump {
        /// Of whom; everybody, where it is left out.
        users: Option<Vec<String>>,
    },
    /// Adds accounts; one that is there is replaced by an empty one.
    AddAccounts {
        /// Which.
        accounts: Vec<NewAccount>,
    },
    /// Empties mailboxes, takes rules and limits back, drops the sessions; passwords stay.
    Reset {
        /// Whose; everybody's, where it is left out.
        users: Option<Vec<String>>,
    },
}

/// An account to be added.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    address: String,
    /// `gmail-like`, `microsoft-like` or `dovecot-like`.
    personality: String,
    /// Its domain, where it is left out.
    receiver: Option<String>,
    /// Its address, where it is left out.
    user: Option<String>,
    password: String,
}

impl Deed {
    /// Does it, and gives what there is to tell: a JSON object.
    ///
    /// # Errors
    /// Why it cannot be done, in words.
    pub(crate) fn carry_out(self, population: &Population) -> Result<Value, String> {
        let (world, now) = (&population.world, population.now());
        let who = |user: &str| find(population, user);
        match self {
            Self::Password { user, password } => {
                world.with_account(&who(&user)?, |account| account.spec.secret = Some(password));
            }
            Self::Junk { users, share, folder } => junk(population, &users, share, &folder)?,
            Self::Plant { user, folder, id, message } => {
                if id.is_empty() || id.len() > 200 || id.chars().any(char::is_control) {
                    return Err("an id is 1 to 200 characters, none of them a control".into());
                }
                let message = [format!("X-Rig-Planted: {id}\r\n").into_bytes(), decode(&message)?].concat();
                return put(population, &who(&user)?, &folder, &message, true);
            }
            Self::Deliver { user, folder, message } => return put(population, &who(&user)?, &folder, &decode(&message)?, false),
            Self::Uidvalidity { user, folder, value } => {
                let value = Some(value).filter(|v| *v > 0).ok_or("a UIDVALIDITY is 1 or more")?;
                world.renumber(&who(&user)?, &folder, value).map_err(|e| e.to_string())?;
            }
            Self::Create { user, folder } => {
                named(&folder)?;
                is_done(world.create_folder(&who(&user)?, &folder), "the folder is there already")?;
            }
            Self::Rename { user, folder, new } => {
                named(&new)?;
                is_done(world.rename_folder(&who(&user)?, &folder, &new), "there is no such folder, or the new name is taken")?;
            }
            Self::Delete { user, folder } => {
                is_done(world.delete_folder(&who(&user)?, &folder), "there is no such folder, or it is INBOX")?;
            }
            Self::Expunge { user, folder } => {
                let who = who(&user)?;
                let no_folder = |e: crate::world::NoSuchFolder| e.to_string();
                let uids: Vec<u32> = world.with_folder(&who, &folder, |f| f.messages.keys().copied().collect()).map_err(no_folder)?;
                return Ok(json!({ "expunged": world.expunge(&who, &folder, &uids, now).map_err(no_folder)?.len() }));
            }
            Self::Kick { user } => world.kick(&who(&user)?),
            Self::Quota { user, bytes } => {
                world.with_account(&who(&user)?, |account| account.quota = bytes);
            }
            Self::Signal(signal) => return signal.send(population),
            Self::Vacation { user, text } => {
                world.with_account(&who(&user)?, |account| account.away = text);
            }
            Self::Bounce { user, said } => {
                let said = said.as_deref().map(refusal).transpose()?;
                world.with_account(&who(&user)?, |account| account.returns = said);
            }
            Self::Greylist { user, on } => {
                world.with_account(&who(&user)?, |account| account.greylists = on);
            }
            Self::Lock { user } => {
                let (wrong, whom, until) = (Wrong::Locked, Whom::Mailbox(who(&user)?), now + FOR_EVER);
                world.add_condition(Condition { wrong, whom, from: now, until });
            }
            Self::Unlock { user } => world.lift(&Wrong::Locked, &Whom::Mailbox(who(&user)?)),
            Self::Outage { receiver, seconds } => {
                let is_known =
                    world.addresses().iter().any(|a| world.with_account(a, |account| account.spec.receiver == receiver) == Some(true));
                is_done(is_known, "nobody has that receiver")?;
                let until = now + Duration::from_secs(seconds);
                world.add_condition(Condition { wrong: Wrong::Outage, whom: Whom::Receiver(receiver), from: now, until });
            }
            Self::Dump { users } => return Ok(dump(world, &all_or(population, users.as_deref())?)),
            Self::AddAccounts { accounts } => {
                let specs: Vec<AccountSpec> = accounts.into_iter().map(spec_of).collect::<Result<_, _>>()?;
                for spec in specs {
                    population.admit(spec);
                }
            }
            Self::Reset { users } => {
                for who in all_or(population, users.as_deref())? {
                    population.reset(&who);
                }
            }
        }
        Ok(json!({}))
    }
}

/// Longer than any sandbox runs, on any clock.
const FOR_EVER: Duration = Duration::from_hours(24 * 36_500);

fn find(population: &Population, user: &str) -> Result<Address, String> {
    let by_address = Address::parse(user).ok().filter(|a| population.world.with_account(a, |_| ()).is_some());
    by_address.or_else(|| population.world.account_of_user(user)).ok_or_else(|| "there is no such user".to_owned())
}

fn all_or(population: &Population, users: Option<&[String]>) -> Result<Vec<Address>, String> {
    match users {
        Some(users) => users.iter().map(|user| find(population, user)).collect(),
        None => Ok(population.world.addresses()),
    }
}

fn is_done(done: bool, otherwise: &str) -> Result<(), String> {
    done.then_some(()).ok_or_else(|| otherwise.to_owned())
}

pub(super) fn named(folder: &str) -> Result<(), String> {
    let is_name = !folder.is_empty()
        && folder.len() <= 200
        && !folder.chars().any(char::is_control)
        && folder.split('/').all(|level| !level.is_empty());
    is_done(is_name, "a folder's name is 1 to 200 bytes without controls, with `/` between levels")
}

/// A server's refusal for good: three digits, and its words.
fn refusal(said: &str) -> Result<Reply, String> {
    let (code, text) = said.split_once(' ').unwrap_or_default();
    let reply = code.parse().ok().map(|code| Reply::new(code, text)).filter(Reply::is_permanent).filter(|r| r.code >= 500);
    reply.ok_or_else(|| "a refusal is a code from 500 to 599 and its words".to_owned())
}

fn decode(message: &str) -> Result<Vec<u8>, String> {
    BASE64.decode(message).map_err(|_| "the message is not base64".to_owned())
}

fn junk(population: &Population, users: &[String], share: u32, folder: &str) -> Result<(), String> {
    is_done(share <= 256, "a share is 0 to 256")?;
    named(folder)?;
    for who in all_or(population, Some(users))? {
        population.file(&who, share, folder);
    }
    Ok(())
}

fn put(population: &Population, who: &Address, folder: &str, message: &[u8], planted: bool) -> Result<Value, String> {
    named(folder)?;
    population.world.create_folder(who, folder);
    let uid = population.world.append(who, folder, message, BTreeSet::new(), planted, population.now()).map_err(|e| e.to_string())?;
    Ok(json!({ "uid": uid }))
}

fn spec_of(new: NewAccount) -> Result<AccountSpec, String> {
    let address = Address::parse(&new.address).map_err(|e| e.to_string())?;
    let personality = Personality::parse(&new.personality).ok_or("a personality is gmail-like, microsoft-like or dovecot-like")?;
    let receiver = new.receiver.unwrap_or_else(|| address.domain().to_string());
    let user = new.user.unwrap_or_else(|| address.to_string());
    Ok(AccountSpec { address, personality, receiver, user, secret: Some(new.password) })
}
