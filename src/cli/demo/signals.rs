//! Ctrl-C while the demo plays.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::CliError;

/// SIGINT and SIGTERM.
pub struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// From now on, a signal waits until it is asked for.
    pub fn new() -> Result<Self, CliError> {
        let watch = |kind| signal(kind).map_err(|e| CliError::new(format!("error: signals cannot be watched: {e}")));
        Ok(Self { interrupt: watch(SignalKind::interrupt())?, terminate: watch(SignalKind::terminate())? })
    }

    /// Waits for one.
    pub async fn come(&mut self) {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// What is said of a demo that was stopped.
pub fn stopped() -> CliError {
    CliError::new("the demo was stopped")
}
