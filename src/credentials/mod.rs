//! Where secrets come from: an environment variable, a file, or what a program prints. And the file with the keys of `X-Preheat`.
//!
//! A secret is read anew for each sign-in (a token may have changed), lives in `secrecy` types, and is in no error and no debug print.

mod command;
mod error;
mod file;
mod key_file;

use std::path::Path;

use secrecy::SecretString;

pub use error::CredentialError;
pub use key_file::load_keyring;

use crate::config::CredentialSource;

/// Reads a secret. A relative file, and a command's working folder, stand on `base_dir`: the config's folder, or an empty path for the
/// current one.
///
/// # Errors
/// [`CredentialError`] says what is missing, and never what the secret is.
pub async fn resolve(source: &CredentialSource, base_dir: &Path) -> Result<SecretString, CredentialError> {
    match source {
        CredentialSource::Env(name) => from_env(name),
        CredentialSource::File(path) => first_line(&file::read_private(&base_dir.join(path))?, &path.display().to_string()),
        CredentialSource::Command(words) => command::run(words, base_dir, command::DEADLINE).await,
    }
}

fn from_env(name: &str) -> Result<SecretString, CredentialError> {
    match std::env::var(name) {
        Ok(value) => first_line(value.as_bytes(), name),
        Err(std::env::VarError::NotPresent) => Err(CredentialError::EnvUnset(name.to_owned())),
        Err(std::env::VarError::NotUnicode(_)) => Err(CredentialError::NotText(name.to_owned())),
    }
}

/// The first line without its end. Nothing else is cut off: a password may begin or end with a space.
fn first_line(bytes: &[u8], from: &str) -> Result<SecretString, CredentialError> {
    let line = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = std::str::from_utf8(line).map_err(|_| CredentialError::NotText(from.to_owned()))?;
    if text.is_empty() {
        return Err(CredentialError::Empty(from.to_owned()));
    }
    // NUL and CR would end the secret inside AUTH PLAIN or a line of the dialogue.
    if text.chars().any(char::is_control) {
        return Err(CredentialError::NotText(from.to_owned()));
    }
    Ok(SecretString::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    fn line(bytes: &[u8]) -> Result<String, CredentialError> {
        first_line(bytes, "here").map(|s| s.expose_secret().to_owned())
    }

    #[test]
    fn the_first_line_is_the_secret_and_only_its_end_is_cut() {
        assert_eq!(line(b" p w \n"), Ok(" p w ".into()));
        assert_eq!(line(b"pw\r\nsecond\n"), Ok("pw".into()));
        assert_eq!(line("pässword".as_bytes()), Ok("pässword".into()));
        assert_eq!(line(b"\nlater\n"), Err(CredentialError::Empty("here".into())));
        assert_eq!(line(b""), Err(CredentialError::Empty("here".into())));
        for bad in [&b"a\0b"[..], b"a\rb", b"\xff\xfe", b"a\x1bb"] {
            assert_eq!(line(bad), Err(CredentialError::NotText("here".into())), "{bad:?}");
        }
    }

    #[tokio::test]
    async fn the_environment_is_read() {
        // Cargo sets this one for every test.
        let from = |name: &str| CredentialSource::Env(name.to_owned());
        assert_eq!(resolve(&from("CARGO_PKG_NAME"), Path::new("")).await.unwrap().expose_secret(), "preheat");
        let unset = resolve(&from("PREHEAT_TEST_UNSET"), Path::new("")).await.unwrap_err();
        assert_eq!(unset, CredentialError::EnvUnset("PREHEAT_TEST_UNSET".into()));
        assert_eq!(unset.to_string(), "the environment variable PREHEAT_TEST_UNSET is not set");
    }
}
