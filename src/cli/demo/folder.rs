//! The folder that the demo practises in: a private one that is gone afterwards, or one that stays.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rand::TryRngCore;

use crate::cli::CliError;
use crate::cli::printer::Printer;

/// A folder; removed when this is dropped, unless it stays.
#[derive(Debug)]
pub struct DemoFolder {
    path: PathBuf,
    stays: bool,
}

impl DemoFolder {
    /// `dir` where it is given, which must be new or empty; else a new private one among the temporary files.
    ///
    /// # Errors
    /// A folder that holds something, or cannot be made.
    pub fn new(dir: Option<&Path>, keep: bool) -> Result<Self, CliError> {
        let Some(dir) = dir else { return private(keep) };
        let failed = |e: std::io::Error| CliError::new(format!("error: {}: {e}", dir.display())).hint("name another folder with --dir");
        if dir.exists() && std::fs::read_dir(dir).map_err(failed)?.next().is_some() {
            return Err(CliError::new(format!("error: {} is not empty; nothing was written", dir.display()))
                .hint("a demo begins with an empty ledger: name a new folder, or an empty one, with --dir"));
        }
        Ok(Self { path: dir.to_owned(), stays: true })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Says what becomes of it.
    pub fn farewell(&self, printer: Printer) {
        if self.stays {
            let config = self.path.join("preheat.yaml");
            printer.say(format_args!("its folder stays: `preheat -c {} status` reads its ledger", config.display()));
        } else {
            printer.say("its mail, ledger and passwords were in a private folder, which is removed");
        }
    }
}

fn private(keep: bool) -> Result<DemoFolder, CliError> {
    let mut random = [0; 8];
    rand::rngs::OsRng
        .try_fill_bytes(&mut random)
        .map_err(|e| CliError::new(format!("error: this machine gives no random numbers: {e}")))?;
    let path = std::env::temp_dir().join(format!("preheat-demo-{:016x}", u64::from_be_bytes(random)));
    // Fails where it is there already: nobody else's folder is used.
    DirBuilder::new().mode(0o700).create(&path).map_err(|e| {
        CliError::new(format!("error: {} cannot be made: {e}", path.display())).hint("name a folder with --dir, or set TMPDIR")
    })?;
    Ok(DemoFolder { path, stays: keep })
}

impl Drop for DemoFolder {
    fn drop(&mut self) {
        if !self.stays {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_folder_is_gone_afterwards_and_a_kept_one_stays() {
        let private = DemoFolder::new(None, false).unwrap();
        let path = private.path().to_owned();
        std::fs::create_dir(path.join("secrets")).unwrap();
        std::fs::write(path.join("secrets/anna"), "x").unwrap();
        drop(private);
        assert!(!path.exists());
        let dir = tempfile::tempdir().unwrap();
        drop(DemoFolder::new(Some(dir.path()), false).unwrap());
        assert!(dir.path().exists());
    }

    #[test]
    fn a_folder_that_holds_something_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("thesis.txt"), "all of it").unwrap();
        let error = DemoFolder::new(Some(dir.path()), false).unwrap_err();
        assert!(error.what.contains("is not empty"), "{error}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
