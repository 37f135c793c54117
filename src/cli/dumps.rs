//! Core dumps: a crash must not write to disk what lies in memory, passwords among it.

use rustix::process::{Resource, Rlimit, setrlimit};

/// From now on the system writes no core dump of this process. What cannot be had on a system is done without.
pub fn forbid() {
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    // A handler that is piped to (systemd's, apport's) does not ask for the limit; this it heeds. Nobody else's process may read the memory either.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}
