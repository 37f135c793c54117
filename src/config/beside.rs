//! The files beside `preheat.yaml`: the only place where the reader of the config meets the disk.

use std::io;
use std::path::{Path, PathBuf};

/// What reading a config asks of the disk. The pure part takes it as a parameter, so that it can be tested and fuzzed.
pub trait Beside {
    /// The user's own schedule file of this name and its text; `None` where there is none.
    fn schedule(&self, name: &str) -> Option<(PathBuf, io::Result<String>)>;
    /// The names of the user's own schedules, in order.
    fn schedule_names(&self) -> Vec<String>;
    /// What is wrong with a secret's file as such; `None` where nothing is, or where it is not there (yet).
    fn secret_file_fault(&self, path: &Path) -> Option<SecretFileFault>;
}

/// Why a file must not hold a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretFileFault {
    /// Its mode lets its group or others in: the permission bits.
    Readable(u32),
    /// It is a folder.
    Folder,
}

/// Nothing lies beside the config.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

impl Beside for Nothing {
    fn schedule(&self, _name: &str) -> Option<(PathBuf, io::Result<String>)> {
        None
    }

    fn schedule_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn secret_file_fault(&self, _path: &Path) -> Option<SecretFileFault> {
        None
    }
}

/// The folder that holds `preheat.yaml`.
#[derive(Clone, Debug)]
pub struct Folder(pub PathBuf);

impl Folder {
    fn schedules(&self) -> PathBuf {
        self.0.join("schedules")
    }
}

impl Beside for Folder {
    fn schedule(&self, name: &str) -> Option<(PathBuf, io::Result<String>)> {
        let path = self.schedules().join(format!("{name}.yaml"));
        match std::fs::read_to_string(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            result => Some((path, result)),
        }
    }

    fn schedule_names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.schedules()).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.filter_map(|e| e.file_name().to_str().and_then(|n| n.strip_suffix(".yaml")).map(str::to_owned)).collect();
        names.sort();
        names
    }

    #[cfg(unix)]
    fn secret_file_fault(&self, path: &Path) -> Option<SecretFileFault> {
        use std::os::unix::fs::PermissionsExt;
        let meta = std::fs::metadata(path).ok()?;
        let mode = meta.permissions().mode() & 0o777;
        if meta.is_dir() { Some(SecretFileFault::Folder) } else { (mode & 0o077 != 0).then_some(SecretFileFault::Readable(mode)) }
    }

    #[cfg(not(unix))]
    fn secret_file_fault(&self, path: &Path) -> Option<SecretFileFault> {
        path.is_dir().then_some(SecretFileFault::Folder)
    }
}
