//! A secret from what a program prints.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;

use super::{CredentialError, first_line};
use crate::clock;
use crate::words::Reply;

/// How long a program may take, in real time.
pub(super) const DEADLINE: Duration = Duration::from_secs(30);
/// Bytes of each output that are read.
const MOST: u64 = 65_536;
/// Characters of standard error that are shown.
const SHOWN: usize = 200;

/// Runs a program without a shell, its standard input closed, and takes the first line of its standard output. At the deadline it is
/// killed (it alone: what it started may live on).
///
/// # Errors
/// Not started, not successful, too late, or no line of text. The program's arguments and output are in no error; what it says on standard error is.
pub(super) async fn run(words: &[String], folder: &Path, deadline: Duration) -> Result<SecretString, CredentialError> {
    let (program, arguments) = words.split_first().ok_or(CredentialError::NoProgram)?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    if !folder.as_os_str().is_empty() {
        command.current_dir(folder);
    }
    let shown = Reply::clean(program);
    let not_run = |e: &std::io::Error| CredentialError::NotRun {
        program: shown.clone(),
        why: e.to_string().split(" (os error").next().unwrap_or_default().to_lowercase(),
    };
    let mut child = command.spawn().map_err(|e| not_run(&e))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let ended = clock::within(deadline, async {
        // Both at once: a program that fills one pipe while the other is read would wait for ever.
        let (stdout, stderr) = tokio::join!(read_some(stdout), read_some(stderr));
        (child.wait().await, stdout, stderr)
    });
    let Ok((status, stdout, stderr)) = ended.await else {
        return Err(CredentialError::TimedOut { program: shown, seconds: deadline.as_secs() });
    };
    let status = status.map_err(|e| not_run(&e))?;
    if !status.success() {
        let words = String::from_utf8_lossy(&stderr);
        // A shell that traces itself (`set -x`) says the secret there as well.
        let repeats = first_line(&stdout, &shown).is_ok_and(|secret| words.contains(secret.expose_secret()));
        let stderr = if repeats { "(its words hold the secret)".to_owned() } else { Reply::clean(&words).chars().take(SHOWN).collect() };
        return Err(CredentialError::Failed { program: shown, status: status.to_string(), stderr });
    }
    first_line(&stdout, &shown)
}

/// Reads up to [`MOST`] bytes, then closes the pipe. An error reads as the end: the exit status tells.
async fn read_some(pipe: Option<impl AsyncRead + Unpin>) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::new());
    if let Some(pipe) = pipe {
        let _ = pipe.take(MOST).read_to_end(&mut bytes).await;
    }
    bytes
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    async fn sh_within(script: &str, deadline: Duration) -> Result<String, CredentialError> {
        let words = ["/bin/sh", "-c", script].map(str::to_owned);
        run(&words, Path::new(""), deadline).await.map(|s| s.expose_secret().to_owned())
    }

    async fn sh(script: &str) -> Result<String, CredentialError> {
        sh_within(script, DEADLINE).await
    }

    #[tokio::test]
    async fn the_first_line_of_a_program_is_the_secret() {
        assert_eq!(sh("echo token-1; echo second; echo talk >&2").await, Ok("token-1".into()));
        assert_eq!(sh("printf token-2").await, Ok("token-2".into()));
        assert_eq!(sh("read x && echo $x || echo closed").await, Ok("closed".into()));
        assert_eq!(sh("true").await, Err(CredentialError::Empty("/bin/sh".into())));
    }

    #[tokio::test]
    async fn it_runs_where_the_config_is() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("s"), "beside\n").unwrap();
        let words = ["cat", "s"].map(str::to_owned);
        assert_eq!(run(&words, folder.path(), DEADLINE).await.unwrap().expose_secret(), "beside");
    }

    #[tokio::test]
    async fn a_failure_shows_its_words_cleaned_and_no_secret() {
        let error = sh("echo s3cret; printf 'locked\\033[31m\\nvault' >&2; exit 3").await.unwrap_err();
        assert_eq!(error.to_string(), "/bin/sh ended with exit status: 3: locked [31m vault");
        assert!(!format!("{error:?}").contains("s3cret"));
        let long = sh("head -c 300000 /dev/zero | tr '\\0' x >&2; exit 1").await.unwrap_err();
        assert!(matches!(&long, CredentialError::Failed { stderr, .. } if stderr.chars().count() == SHOWN), "{long}");
        let traced = sh("echo s3cret; echo '+ echo s3cret' >&2; exit 1").await.unwrap_err();
        assert_eq!(traced.to_string(), "/bin/sh ended with exit status: 1: (its words hold the secret)");
        let missing = run(&["/nonexistent/program".to_owned(), "s3cret".to_owned()], Path::new(""), DEADLINE).await.unwrap_err();
        assert_eq!(missing.to_string(), "/nonexistent/program cannot be run: no such file or directory");
        assert_eq!(run(&[], Path::new(""), DEADLINE).await.unwrap_err(), CredentialError::NoProgram);
    }

    #[tokio::test]
    async fn a_program_that_talks_without_end_is_cut_off() {
        let error = sh("exec yes s3cret").await.unwrap_err();
        assert!(matches!(error, CredentialError::Failed { .. }) && !format!("{error:?}").contains("s3cret"), "{error:?}");
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_killed() {
        let folder = tempfile::tempdir().unwrap();
        let pid_file = folder.path().join("pid");
        let script = format!("echo $$ > {}; exec sleep 600", pid_file.display());
        let late = sh_within(&script, Duration::from_millis(300)).await.unwrap_err();
        assert_eq!(late, CredentialError::TimedOut { program: "/bin/sh".into(), seconds: 0 });
        let pid = std::fs::read_to_string(pid_file).unwrap();
        // SIGKILL was sent; only its corpse may still be there.
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        assert!(stat.map_or(true, |s| !s.contains(") S ")), "the program still sleeps");
    }
}
