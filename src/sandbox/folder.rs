//! The practice pool in a folder: a config that works, its key, a password for each mailbox, the CA.
//!
//! A folder that a sandbox made is used again: the same passwords, key and ports, and `preheat.yaml` as it is, changes of a person
//! included. Only the CA is new, and the mail is gone: a sandbox keeps none.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::doors::{Door, Service, doors_for};
use super::people::{Person, practice_pool, well_known_domains};
use super::{Options, Sandbox, SandboxError};
use crate::chance::Seed;
use crate::clock::Clock;
use crate::config::init::new_key_line;
use crate::words::{Address, Role};
use crate::world::{AccountSpec, Personality};

/// The file that says whose folder it is.
const MARK: &str = "sandbox.json";

/// What a practice sandbox is made of.
#[derive(Clone, Debug)]
pub struct PracticeOptions {
    /// Where its files go: a folder that is not there, an empty one, or one of an earlier sandbox.
    pub dir: PathBuf,
    /// The world's time.
    pub clock: Clock,
    /// The world's draws.
    pub seed: Seed,
    /// Where its ports begin; `None`: those of last time, or any.
    pub port_base: Option<u16>,
}

/// A running practice pool and its folder.
#[derive(Debug)]
pub struct Practice {
    /// What runs.
    pub sandbox: Sandbox,
    /// Who is in it.
    pub people: Vec<Person>,
    /// Where its files are.
    pub dir: PathBuf,
    /// Whether an earlier sandbox made the folder.
    pub is_reused: bool,
    /// Whether `preheat.yaml` was written: it is not where it was there and the ports are the same.
    pub wrote_config: bool,
}

/// What `sandbox.json` holds.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Mark {
    made_by: String,
    /// Personality → service → port.
    ports: BTreeMap<String, BTreeMap<String, u16>>,
}

/// Starts the practice pool in a folder and writes its files. `random` fills passwords and the key.
///
/// # Errors
/// [`SandboxError`]; a folder of somebody else's is left as it is.
pub async fn open_practice(
    options: PracticeOptions,
    random: &mut dyn FnMut(&mut [u8]) -> io::Result<()>,
) -> Result<Practice, SandboxError> {
    let dir = options.dir;
    let known = prepare(&dir)?;
    let people = practice_pool();
    let mut accounts = Vec::new();
    for person in &people {
        accounts.push(person.account(Some(password_of(&dir, &person.address, random)?)));
    }
    let doors = doors_of(&accounts, options.port_base, known.as_ref())?;
    let known_well = well_known_domains(&people);
    let mut sandbox =
        Sandbox::start(Options { accounts, known_well, clock: options.clock, seed: options.seed, doors, filtered: true }).await?;

    let mut mark = Mark { made_by: "preheat sandbox".into(), ports: BTreeMap::new() };
    for ((personality, service), port) in sandbox.ports() {
        mark.ports.entry(personality.to_string()).or_default().insert(service.to_string(), *port);
    }
    let config = dir.join("preheat.yaml");
    let wrote_config = !config.exists() || known.as_ref().is_none_or(|k| k.ports != mark.ports);
    write(&dir.join(MARK), &serde_json::to_string_pretty(&mark).unwrap_or_default(), 0o644)?;
    write(&dir.join("ca.crt"), sandbox.ca_pem(), 0o644)?;
    let key = dir.join("preheat.key");
    if !key.exists() {
        let mut bytes = [0; 32];
        random(&mut bytes).map_err(|source| SandboxError::File { path: key.clone(), source })?;
        write(&key, &new_key_line(&bytes, "k1"), 0o600)?;
    }
    if wrote_config {
        write(&config, &config_text(&people, &sandbox), 0o644)?;
    }
    sandbox.open_control(&dir.join("control.sock")).await?;
    Ok(Practice { sandbox, people, dir, is_reused: known.is_some(), wrote_config })
}

/// Makes the folder, or sees that it is a sandbox's: what it was like then.
fn prepare(dir: &Path) -> Result<Option<Mark>, SandboxError> {
    let failed = |source| SandboxError::File { path: dir.to_owned(), source };
    if !dir.exists() {
        fs::create_dir_all(dir).map_err(failed)?;
        fs::set_permissions(dir, Permissions::from_mode(0o700)).map_err(failed)?;
    }
    let mark = match fs::read_to_string(dir.join(MARK)) {
        Ok(text) => serde_json::from_str::<Mark>(&text).ok().filter(|m| m.made_by == "preheat sandbox"),
        Err(_) => None,
    };
    let is_empty = fs::read_dir(dir).map_err(failed)?.next().is_none();
    if mark.is_none() && !is_empty {
        return Err(SandboxError::NotASandbox(dir.to_owned()));
    }
    if mark.is_none() {
        // At once, so that a start that fails leaves a folder that the next one knows.
        let text = serde_json::to_string(&Mark { made_by: "preheat sandbox".into(), ports: BTreeMap::new() }).unwrap_or_default();
        write(&dir.join(MARK), &text, 0o644)?;
    }
    Ok(mark)
}

/// A mailbox's password: the one that is there, or a new one.
fn password_of(dir: &Path, who: &Address, random: &mut dyn FnMut(&mut [u8]) -> io::Result<()>) -> Result<String, SandboxError> {
    let folder = dir.join("secrets");
    let path = folder.join(who.as_str());
    let failed = |source| SandboxError::File { path: path.clone(), source };
    if let Ok(text) = fs::read_to_string(&path)
        && let Some(line) = text.lines().next().map(str::trim).filter(|l| !l.is_empty())
    {
        return Ok(line.to_owned());
    }
    let mut bytes = [0; 15];
    random(&mut bytes).map_err(failed)?;
    // Letters and digits alone: mail programs take a password that begins with `-` for an option.
    let password = URL_SAFE_NO_PAD.encode(bytes).replace(['-', '_'], "x");
    fs::create_dir_all(&folder).map_err(failed)?;
    fs::set_permissions(&folder, Permissions::from_mode(0o700)).map_err(failed)?;
    write(&path, &format!("{password}\n"), 0o600)?;
    Ok(password)
}

/// The doors at the base that is asked for, else those of last time, else any.
fn doors_of(accounts: &[AccountSpec], base: Option<u16>, known: Option<&Mark>) -> Result<Vec<Door>, SandboxError> {
    let mut doors = doors_for(accounts, base)?;
    if base.is_none()
        && let Some(known) = known
    {
        for door in &mut doors {
            let port = known.ports.get(door.personality.as_str()).and_then(|services| services.get(door.service.as_str()));
            door.port = port.copied().unwrap_or(0);
        }
    }
    Ok(doors)
}

/// Writes a file with a mode of its own from its first moment, in one step for who reads it.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), SandboxError> {
    let failed = |source| SandboxError::File { path: path.to_owned(), source };
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = PathBuf::from(name);
    let _ = fs::remove_file(&new);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&new).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    fs::rename(&new, path).map_err(failed)
}

/// The servers of a kind: SMTP's service and the word for its TLS, then IMAP's. Between them they show every way in.
pub fn services_of(personality: Personality) -> [(Service, &'static str); 2] {
    match personality {
        Personality::Gmail => [(Service::Smtps, "implicit"), (Service::Imaps, "implicit")],
        Personality::Microsoft => [(Service::Submission, "starttls"), (Service::Imaps, "implicit")],
        Personality::Dovecot => [(Service::Submission, "starttls"), (Service::Imap, "starttls")],
    }
}

/// `preheat.yaml`.
fn config_text(people: &[Person], sandbox: &Sandbox) -> String {
    let servers = |personality: Personality, indent: &str| {
        let [smtp, imap] = services_of(personality).map(|(service, tls)| {
            format!("{{host: localhost, port: {}, tls: {tls}, ca_file: ca.crt}}", sandbox.port(personality, service).unwrap_or(0))
        });
        format!("{indent}smtp: {smtp}\n{indent}imap: {imap}\n")
    };
    let mut text = HEAD.replace("@SERVERS@", &servers(Personality::Dovecot, "  "));
    let mut last = None;
    for person in people {
        let domain = person.address.domain();
        if last.as_ref() != Some(&domain) {
            let what = match person.role {
                Role::Warming => "new: to be warmed",
                Role::Partner => "partners that the receivers know well",
            };
            let _ = writeln!(text, "\n  # {domain}, on {} servers: {what}.", person.personality);
            last = Some(domain);
        }
        let _ = writeln!(text, "  - address: {}\n    name: {}", person.address, person.name);
        if person.role == Role::Partner {
            text.push_str("    role: partner\n");
        }
        if person.language != "en" {
            let _ = writeln!(text, "    languages: [{}, en]", person.language);
        }
        if person.personality != Personality::Dovecot {
            let _ = writeln!(text, "    provider: {}", person.provider());
            text.push_str(&servers(person.personality, "    "));
        }
    }
    text
}

const HEAD: &str = "\
# preheat.yaml of a sandbox: twelve mailboxes of people who do not exist, on servers of this machine that `preheat sandbox` runs.
# Where their mail lands is decided by a model of spam filters: good for practice, no forecast.
#
#   preheat -c preheat.yaml check      signs in everywhere
#   preheat -c preheat.yaml plan       shows the ramp
#   preheat -c preheat.yaml run        carries today out
#
# Change what you like: it is written anew only where the ports change.

pool: sandbox
zone: Etc/UTC

# Shipped are standard-6w (4 to 30 a day), gentle-6w, brisk-4w and others.
schedule: standard-6w

defaults:
  # One file for each mailbox, made at random.
  secret: file:secrets/{address}
  # Twelve mailboxes shall carry the ramp of six: each takes more than the usual 20 a day.
  receive_limit: 60
  send_limit: 40
  start_limit: 10
  # The dovecot-like servers; the others stand at their mailboxes.
@SERVERS@
# Few mailboxes carry a whole ramp only where each pair writes more often than the usual 3 a day and 12 a week.
pairs: {max_per_pair: 4, max_per_pair_week: 20}

mailboxes:";

#[cfg(test)]
#[path = "folder_tests.rs"]
mod tests;
