//! Stands in for the driver, which is being written.

use super::{Rehearsal, Rehearsed};

/// Why a rehearsal could not be played.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// The driver is not there yet.
    #[error("the driver of rehearsals is not there yet")]
    NotThere,
}

impl RehearsalError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        "wait for it".into()
    }
}

/// Plays one rehearsal on the calling thread. `progress(day, days)` is called after each date.
pub fn rehearse(_rehearsal: &Rehearsal, _progress: &dyn Fn(u32, u32)) -> Result<Rehearsed, RehearsalError> {
    Err(RehearsalError::NotThere)
}
