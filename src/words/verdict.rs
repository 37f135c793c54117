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
