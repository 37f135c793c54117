//! `preheat init`: a commented starter, and the key that signs `X-Preheat`.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::letter::Keyring;
use crate::words::Domain;

/// What the starter is filled with; everything else is a placeholder with a comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StarterOptions {
    /// The pool's name.
    pub pool: String,
    /// An IANA zone.
    pub zone: String,
    /// The domain that is to be warmed.
    pub domain: Domain,
    /// A schedule's name.
    pub schedule: String,
}

impl StarterOptions {
    /// For a domain; the rest as most people would have it.
    pub fn of(domain: Domain) -> Self {
        Self { pool: "pool".to_owned(), zone: "Europe/Berlin".to_owned(), domain, schedule: "standard-6w".to_owned() }
    }
}

/// Why the starter was not written.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// There is a file of this name; nothing was written.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// A file could not be written.
    #[error("{} cannot be written: {source}", .path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The key's line is not of the form that a key file has; it is not shown.
    #[error("the new key is not of the form that a key file has")]
    BadKey,
}

impl InitError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Exists(_) => "nothing is ever overwritten: edit what is there, or run `preheat init` in another folder",
            Self::Write { .. } => "the folder must be there, and you must be allowed to write into it",
            Self::BadKey => "a key's id is 1 to 16 letters or digits",
        }
    }
}

/// A `preheat.yaml` that a person with ten minutes can fill in. It loads as it is.
pub fn starter(options: &StarterOptions) -> String {
    const STARTER: &str = include_str!("starter.yaml");
    // Quoted as JSON, which is YAML too, whatever a person typed.
    let text = |value: &str| serde_json::Value::from(value).to_string();
    let plain = |value: &str| {
        let simple = !value.is_empty() && value.bytes().all(|b| b.is_ascii_alphabetic() || b"/_-.".contains(&b) || b.is_ascii_digit());
        if simple && value.starts_with(|c: char| c.is_ascii_alphabetic()) { value.to_owned() } else { text(value) }
    };
    STARTER
        .replace("@POOL@", &plain(&options.pool))
        .replace("@ZONE@", &plain(&options.zone))
        .replace("@SCHEDULE@", &plain(&options.schedule))
        .replace("@DOMAIN@", options.domain.as_str())
}

/// A line of the key file: the key's id, and its bytes in hex. It is a secret.
pub fn new_key_line(bytes: &[u8; 32], id: &str) -> String {
    use std::fmt::Write as _;
    let mut line = format!("{id} ");
    for byte in bytes {
        let _ = write!(line, "{byte:02x}");
    }
    line.push('\n');
    line
}

/// Writes `config`, such as `preheat.yaml`, and `preheat.key` into a folder that has neither; the key with mode 0600 from its first moment.
///
/// Returns the files in the order in which they were written.
///
/// # Errors
/// [`InitError::Exists`] before anything is written; [`InitError::Write`] and [`InitError::BadKey`] otherwise.
pub fn write_files(config: &Path, starter: &str, key_line: &str) -> Result<Vec<PathBuf>, InitError> {
    Keyring::parse(key_line).map_err(|_| InitError::BadKey)?;
    let key = config.with_file_name("preheat.key");
    for path in [config, &key] {
        // A dangling link counts: following it would write somewhere else.
        if path.symlink_metadata().is_ok() {
            return Err(InitError::Exists(path.to_owned()));
        }
    }
    write_new(&key, &format!("# The key that signs X-Preheat. Keep it secret, and back it up with the ledger.\n{key_line}"), 0o600)?;
    write_new(config, starter, 0o644)?;
    Ok(vec![key, config.to_owned()])
}

fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), InitError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let written = options.open(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => InitError::Exists(path.to_owned()),
        _ => InitError::Write { path: path.to_owned(), source },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Nothing, load, parse};

    fn usual() -> StarterOptions {
        StarterOptions::of(Domain::parse("new.example").unwrap())
    }

    #[test]
    fn the_starter_loads_as_it_is_and_without_a_warning() {
        let config = parse(&starter(&usual()), Path::new("preheat.yaml"), &Nothing).unwrap_or_else(|e| panic!("{e}"));
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
        assert_eq!(config.warming_domains().len(), 1);
        assert!(config.mailboxes.len() >= 4);
        let domains: std::collections::BTreeSet<_> = config.mailboxes.keys().map(crate::words::Address::domain).collect();
        assert!(domains.len() >= 3, "a pool in one domain would be refused");
    }

    #[test]
    fn what_a_person_types_cannot_break_the_starter() {
        let odd = StarterOptions {
            pool: "a: [\"x\"] # y".into(),
            zone: "Asia/Tokyo".into(),
            domain: Domain::parse("other.example").unwrap(),
            schedule: "brisk-4w".into(),
        };
        let config = parse(&starter(&odd), Path::new("preheat.yaml"), &Nothing).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!((config.pool.as_str(), config.zone.name()), ("a: [\"x\"] # y", "Asia/Tokyo"));
        assert!(config.schedules.contains_key("brisk-4w"));
    }

    #[test]
    fn the_key_line_is_what_the_keyring_reads() {
        let line = new_key_line(&[0xab; 32], "k1");
        assert_eq!(line, format!("k1 {}\n", "ab".repeat(32)));
        assert!(Keyring::parse(&line).is_ok());
    }

    #[test]
    fn files_are_written_once_and_never_over_another() {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("preheat.yaml");
        let (text, key) = (starter(&usual()), new_key_line(&[7; 32], "k1"));
        let written = write_files(&config, &text, &key).unwrap();
        assert_eq!(written, [dir.path().join("preheat.key"), dir.path().join("preheat.yaml")]);
        assert!(load(&written[1]).is_ok());
        assert!(Keyring::parse(&std::fs::read_to_string(&written[0]).unwrap()).is_ok());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&written[0]).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert!(matches!(write_files(&config, "x", &key), Err(InitError::Exists(_))));
        std::fs::remove_file(&written[0]).unwrap();
        assert!(matches!(write_files(&config, "x", &key), Err(InitError::Exists(p)) if p == written[1]));
        assert!(!written[0].exists(), "nothing is written beside a config that is there");
        assert_eq!(std::fs::read_to_string(&written[1]).unwrap(), text);
        assert!(matches!(write_files(&dir.path().join("nowhere/preheat.yaml"), "x", &key), Err(InitError::Write { .. })));
        assert!(matches!(write_files(&config, "x", "no key"), Err(InitError::BadKey)));
    }
}
