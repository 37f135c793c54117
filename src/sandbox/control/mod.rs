//! The control socket: trouble on purpose, for tests and for people who want to practise it. A Unix socket that only its owner may open; one JSON
//! request a line, one JSON answer a line: `{"ok":true,…}` or `{"ok":false,"error":"…"}`. [`deeds::Deed`] lists what can be asked for.
//!
//! ```text
//! $ echo '{"do":"password","user":"anna@nordwind.test","password":"another"}' | nc -U sandbox/control.sock
//! {"ok":true}
//! ```

pub mod deeds;
mod dump;
pub mod signal;
#[cfg(test)]
mod tests;

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Population, SandboxError, stopped};

/// Bytes of a request: a message of 35 MB in base64.
const REQUEST: u64 = 48 << 20;
/// Clients at once.
const CLIENTS: usize = 64;

/// Opens the socket, in the place of one that a sandbox left behind.
///
/// # Errors
/// [`SandboxError::Running`] where somebody listens there, [`SandboxError::File`] otherwise.
pub(super) async fn bind(path: &Path) -> Result<UnixListener, SandboxError> {
    let failed = |source| SandboxError::File { path: path.to_owned(), source };
    if let Ok(about) = fs::symlink_metadata(path) {
        if !about.file_type().is_socket() {
            return Err(failed(io::Error::from(io::ErrorKind::AlreadyExists)));
        }
        if UnixStream::connect(path).await.is_ok() {
            return Err(SandboxError::Running(path.parent().unwrap_or(path).to_owned()));
        }
        fs::remove_file(path).map_err(failed)?;
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(listener)
}

/// Answers until the sandbox stops, then takes the socket away.
pub(super) async fn serve(listener: UnixListener, path: PathBuf, population: Population, mut stop: watch::Receiver<bool>) {
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = stopped(&mut stop) => break,
            Some(_) = clients.join_next(), if !clients.is_empty() => {}
            accepted = listener.accept(), if clients.len() < CLIENTS => match accepted {
                Ok((stream, _)) => {
                    clients.spawn(answer_all(stream, population.clone()));
                }
                Err(_) => break,
            },
        }
    }
    let _ = fs::remove_file(path);
}

async fn answer_all(stream: UnixStream, population: Population) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    loop {
        let mut line = Vec::new();
        (&mut reader).take(REQUEST).read_until(b'\n', &mut line).await?;
        if line.is_empty() {
            return Ok(());
        }
        let is_whole = line.ends_with(b"\n") || (line.len() as u64) < REQUEST;
        let answer = if is_whole { answer(&line, &population) } else { refused("the request is too long") };
        writer.write_all(format!("{answer}\n").as_bytes()).await?;
        if !is_whole {
            return Ok(());
        }
    }
}

fn answer(line: &[u8], population: &Population) -> Value {
    let done =
        serde_json::from_slice::<deeds::Deed>(line).map_err(|e| format!("not a request: {e}")).and_then(|deed| deed.carry_out(population));
    match done {
        Ok(mut facts) => {
            if let Some(facts) = facts.as_object_mut() {
                facts.insert("ok".into(), Value::Bool(true));
            }
            facts
        }
        Err(why) => refused(&why),
    }
}

fn refused(why: &str) -> Value {
    json!({ "ok": false, "error": why })
}
