//! The file with the keys of `X-Preheat`.

use std::path::Path;

use super::{CredentialError, file};
use crate::letter::Keyring;

/// Reads the pool's keys from a file that only its owner may read (0600).
///
/// # Errors
/// [`CredentialError::NoKeyFile`], [`CredentialError::NoKeys`], or what is wrong with the file; each with a hint.
pub fn load_keyring(path: &Path) -> Result<Keyring, CredentialError> {
    if let Err(e) = std::fs::metadata(path)
        && e.kind() == std::io::ErrorKind::NotFound
    {
        return Err(CredentialError::NoKeyFile(path.to_path_buf()));
    }
    let no_keys = || CredentialError::NoKeys(path.to_path_buf());
    let bytes = file::read_private(path)?;
    Keyring::parse(std::str::from_utf8(&bytes).map_err(|_| no_keys())?).map_err(|_| no_keys())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::words::{Address, LetterId, LocalDate};
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn keys_are_read_from_a_private_file_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("preheat.key");
        let mode = |m| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(m)).unwrap();
        assert_eq!(load_keyring(&path).unwrap_err(), CredentialError::NoKeyFile(path.clone()));
        std::fs::write(&path, format!("# the pool's\nk1 {}\n", "0a".repeat(32))).unwrap();
        mode(0o644);
        assert_eq!(load_keyring(&path).unwrap_err(), CredentialError::OpenToOthers { path: path.clone(), mode: 0o644 });
        mode(0o600);
        let (a, b) = (Address::parse("a@x.test").unwrap(), Address::parse("b@y.test").unwrap());
        let id = LetterId::of_start(&a, LocalDate::ymd(2026, 12, 1).unwrap(), 1);
        assert!(load_keyring(&path).unwrap().sign(id, &a, &b).unwrap().starts_with("k1."));
        for bad in ["", "k1 0a0a\n", "\u{0}"] {
            std::fs::write(&path, bad).unwrap();
            assert_eq!(load_keyring(&path).unwrap_err(), CredentialError::NoKeys(path.clone()));
        }
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert_eq!(load_keyring(&path).unwrap_err(), CredentialError::NoKeys(path));
    }
}
