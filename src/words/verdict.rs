//! The guard's words.

use super::mailbox_kind::word;
use std::fmt;

word! {
    /// What the guard says of a day.
    Verdict {
        /// The ramp may move on.
        Advance = "advance",
        /// The position stays.
        Hold = "hold",
        /// Five ramp days back.
        StepBack = "step_back",
        /// Down to the start volume.
        Floor = "floor",
        /// No sending for some days.
        Pause = "pause",
        /// No sending until the account works again.
        Rest = "rest",
    }
}

impl Verdict {
    /// How harsh it is, from 0 for `advance`. A pause is harsher than a rest: it takes the position back, too.
    pub const fn harshness(self) -> u8 {
        match self {
            Self::Advance => 0,
            Self::Hold => 1,
            Self::StepBack => 2,
            Self::Floor => 3,
            Self::Rest => 4,
            Self::Pause => 5,
        }
    }

    /// Whether the guard's window begins anew after it: what was punished once is not punished again.
    pub const fn restarts_window(self) -> bool {
        matches!(self, Self::StepBack | Self::Floor | Self::Pause)
    }
}
