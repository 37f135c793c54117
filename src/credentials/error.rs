//! Why a secret cannot be had.

use std::path::PathBuf;

/// Why a secret cannot be had. Holds names, never secrets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialError {
    /// The variable is not there.
    #[error("the environment variable {0} is not set")]
    EnvUnset(String),
    /// The file is not there or cannot be opened.
    #[error("{} cannot be read: {why}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        why: String,
    },
    /// Others than its owner may read or write it.
    #[error("{} can be read by others (its mode is {mode:03o})", .path.display())]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The first line is empty.
    #[error("{0} holds an empty secret")]
    Empty(String),
    /// Not UTF-8, or with controls in it.
    #[error("{0} holds something that is no line of text")]
    NotText(String),
    /// A command of no words.
    #[error("the command has no program")]
    NoProgram,
    /// The program cannot be started.
    #[error("{program} cannot be run: {why}")]
    NotRun {
        /// The program, without its arguments.
        program: String,
        /// The operating system's reason.
        why: String,
    },
    /// It ended with an error.
    #[error("{program} ended with {status}{}{stderr}", if .stderr.is_empty() { "" } else { ": " })]
    Failed {
        /// The program, without its arguments.
        program: String,
        /// `exit status: 1`, `signal: 9`.
        status: String,
        /// What it said on standard error, cleaned, at most 200 characters.
        stderr: String,
    },
    /// It did not end in time, and was killed.
    #[error("{program} did not end within {seconds} s")]
    TimedOut {
        /// The program, without its arguments.
        program: String,
        /// How long it had.
        seconds: u64,
    },
    /// The key file's lines are not of their form.
    #[error("{} holds no keys: a key file has lines of `key-id 64-hex-digits`", .0.display())]
    NoKeys(PathBuf),
    /// The key file is not there.
    #[error("the key file {} does not exist", .0.display())]
    NoKeyFile(PathBuf),
}

impl CredentialError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::EnvUnset(name) => format!("export {name}=… before preheat starts (cron and systemd do not read your shell's profile)"),
            Self::Unreadable { .. } => "check the path; it is relative to the folder of preheat.yaml".to_owned(),
            Self::OpenToOthers { path, .. } => format!("run `chmod 600 {}`", path.display()),
            Self::Empty(_) => "put the secret on the first line".to_owned(),
            Self::NotText(_) => "the first line must be the secret alone, in UTF-8".to_owned(),
            Self::NoProgram => "write a program and its arguments: `command: [pass, show, mail/anna]`".to_owned(),
            Self::NotRun { .. } => "give the program's whole path; it is run without a shell".to_owned(),
            Self::Failed { .. } => "run the command by hand as the user that runs preheat".to_owned(),
            Self::TimedOut { .. } => "the command must not ask for anything: its standard input is closed".to_owned(),
            Self::NoKeys(_) => "restore the key file from a backup; a new one makes letters under way unknown".to_owned(),
            Self::NoKeyFile(_) => {
                "`preheat init` makes one; if there was one, restore it from a backup: letters under way are known by it".to_owned()
            }
        }
    }
}
