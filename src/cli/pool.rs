//! What most commands begin with: the config, the clock, the ledger.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::CliError;
use super::printer::Printer;
use crate::chance::Seed;
use crate::clock::Clock;
use crate::compose::Library;
use crate::config::{self, Config};
use crate::ledger::{Ledger, Place};
use crate::mail::NetworkAccess;
use crate::mail::gate::GatedAccess;
use crate::mail::wire::patience_from_env;
use crate::words::{Address, Domain};

/// A config that was read, and the clock.
pub struct Pool {
    /// The config.
    pub config: Config,
    /// Plan time.
    pub clock: Clock,
}

impl Pool {
    /// Reads the config and the clock; says the config's warnings.
    pub fn load(file: &Path, printer: Printer) -> Result<Self, CliError> {
        let config = config::load(file)?;
        let clock = Clock::from_env().map_err(|e| CliError::new(format!("error: {e}")))?;
        for warning in &config.warnings {
            printer.say(format_args!("{warning}\n"));
        }
        Ok(Self { config, clock })
    }

    /// Says which clock it is, where it is not the system's: for output that does not name it itself.
    pub fn say_clock(&self, printer: Printer) {
        if let Some(name) = self.clock.name() {
            printer.say(name);
        }
    }

    /// Opens the ledger for writing, making it where there is none.
    pub fn open_ledger(&self) -> Result<Ledger, CliError> {
        Ok(Ledger::open(&self.config.ledger, Place::Thread)?)
    }

    /// Opens the ledger for looking; `None` before the first run.
    pub fn look_into_ledger(&self) -> Result<Option<Ledger>, CliError> {
        Ok(Ledger::open_to_read(&self.config.ledger)?)
    }

    /// The pool's seed; before the first run one that only stands in for it.
    pub async fn seed(&self, ledger: Option<&Ledger>) -> Result<Seed, CliError> {
        let known = match ledger {
            Some(l) => l.seed_if_any().await?,
            None => None,
        };
        Ok(known.unwrap_or(Seed(0)))
    }

    /// The shipped content and the user's.
    pub fn library(&self) -> Result<Library, CliError> {
        let mut files: Vec<(PathBuf, String)> = Vec::new();
        for path in &self.config.content.files {
            let text =
                std::fs::read_to_string(path).map_err(|e| CliError::new(format!("error: {} cannot be read: {e}", path.display())))?;
            files.push((path.clone(), text));
        }
        Library::with_files(&files).map_err(|findings| crate::config::ConfigError { findings }.into())
    }

    /// The way to the mailboxes' servers, with as much patience as the environment says.
    pub fn access(&self) -> Result<NetworkAccess, CliError> {
        let patience = patience_from_env().map_err(|e| CliError::new(format!("error: {e}")))?;
        Ok(NetworkAccess::new(self.folder()).with_patience(patience))
    }

    /// The same for a run: through the gate, which keeps servers that are slow or down from delaying the others.
    pub fn gated_access(&self, seed: Seed) -> Result<GatedAccess, CliError> {
        Ok(GatedAccess::before(Arc::new(self.access()?), self.clock.clone(), seed))
    }

    /// The folder of the config: what relative paths in it start from. Empty where it is the working folder.
    pub fn folder(&self) -> PathBuf {
        self.config.file.parent().map(Path::to_path_buf).unwrap_or_default()
    }

    /// The mailboxes that a person means: all, those of a domain, or one.
    pub fn chosen(&self, who: Option<&str>) -> Result<Vec<Address>, CliError> {
        let all = || self.config.mailboxes.keys().cloned();
        let Some(who) = who else { return Ok(all().collect()) };
        let chosen: Vec<Address> = if who.contains('@') {
            Address::parse(who).ok().filter(|a| self.config.mailboxes.contains_key(a)).into_iter().collect()
        } else {
            Domain::parse(who).ok().map(|d| all().filter(|a| a.domain() == d).collect()).unwrap_or_default()
        };
        if chosen.is_empty() {
            return Err(self.nobody(who));
        }
        Ok(chosen)
    }

    /// Nobody is meant by `who`: the nearest name that somebody could have meant, else where to look.
    fn nobody(&self, who: &str) -> CliError {
        let addresses = self.config.mailboxes.keys();
        // `anna` means anna@new.example; a domain is near a domain, an address near an address.
        let named: Option<String> = addresses.clone().find(|a| a.local().eq_ignore_ascii_case(who)).map(ToString::to_string);
        let known: BTreeSet<String> = addresses.map(|a| if who.contains('@') { a.to_string() } else { a.domain().to_string() }).collect();
        let far = (who.chars().count() / 5).max(2);
        let near = known.iter().map(|k| (strsim::damerau_levenshtein(k, who), k)).filter(|(d, _)| *d <= far).min();
        let hint = match named.or_else(|| near.map(|(_, k)| k.clone())) {
            Some(name) => format!("did you mean {name}?"),
            None => "a mailbox is named by its whole address, a domain by its name; `preheat status` shows them all".to_owned(),
        };
        CliError::new(format!("error: there is no {} in this pool", who.escape_debug())).hint(hint)
    }
}

/// A runtime for commands that ask the ledger or a server.
pub fn runtime() -> Result<tokio::runtime::Runtime, CliError> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| CliError::new(format!("error: this machine gives no threads: {e}")))
}
