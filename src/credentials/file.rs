//! Files that are nobody else's.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use secrecy::zeroize::Zeroizing;

use super::CredentialError;

/// Bytes of a secret's file that are read; a secret's first line is far shorter.
const MOST: u64 = 65_536;

/// Reads a file that only its owner may read and write.
///
/// # Errors
/// [`CredentialError::Unreadable`], [`CredentialError::OpenToOthers`].
pub(super) fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, CredentialError> {
    let unreadable = |why: String| CredentialError::Unreadable { path: path.to_path_buf(), why };
    let words = |e: &std::io::Error| e.to_string().split(" (os error").next().unwrap_or_default().to_lowercase();
    let file = File::open(path).map_err(|e| unreadable(words(&e)))?;
    // Asked of the open file, so that nobody can change it in between.
    let about = file.metadata().map_err(|e| unreadable(words(&e)))?;
    if !about.is_file() {
        return Err(unreadable("it is not a file".to_owned()));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = about.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(CredentialError::OpenToOthers { path: path.to_path_buf(), mode });
        }
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(MOST).read_to_end(&mut bytes).map_err(|e| unreadable(words(&e)))?;
    Ok(bytes)
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::config::CredentialSource;
    use secrecy::ExposeSecret;
    use std::os::unix::fs::PermissionsExt;

    fn file_of_mode(folder: &Path, mode: u32) -> std::path::PathBuf {
        let path = folder.join(format!("secret-{mode:o}"));
        std::fs::write(&path, "s3cret\nnot this\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[tokio::test]
    async fn a_file_is_read_only_if_it_is_private() {
        let folder = tempfile::tempdir().unwrap();
        for mode in [0o600, 0o400] {
            let name = file_of_mode(folder.path(), mode).file_name().unwrap().into();
            let secret = super::super::resolve(&CredentialSource::File(name), folder.path()).await.unwrap();
            assert_eq!(secret.expose_secret(), "s3cret");
        }
        for mode in [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644] {
            let path = file_of_mode(folder.path(), mode);
            let error = read_private(&path).unwrap_err();
            assert_eq!(error, CredentialError::OpenToOthers { path: path.clone(), mode });
            assert_eq!(error.hint(), format!("run `chmod 600 {}`", path.display()));
            assert!(!format!("{error} {error:?}").contains("s3cret"));
        }
    }

    #[test]
    fn what_is_no_file_is_unreadable() {
        let folder = tempfile::tempdir().unwrap();
        let why = |path: &Path| match read_private(path).unwrap_err() {
            CredentialError::Unreadable { why, .. } => why,
            other => panic!("{other:?}"),
        };
        assert_eq!(why(&folder.path().join("none")), "no such file or directory");
        assert_eq!(why(folder.path()), "it is not a file");
    }
}
