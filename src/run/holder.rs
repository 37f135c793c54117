//! Who this process is to other processes, and whether another one still lives.

use crate::ledger::Holder;

/// This process.
pub fn this_process() -> Holder {
    let host = gethostname::gethostname().to_string_lossy().chars().filter(|c| !c.is_control()).collect();
    let pid = std::process::id();
    Holder { host, pid, started: started(pid).unwrap_or(0) }
}

/// Whether a holder is a process of this machine that is gone. Where the system does not say (no /proc), nobody is called dead, and the lease's
/// expiry decides.
pub fn is_dead(holder: &Holder) -> bool {
    let here = this_process();
    if holder.host != here.host || here.started == 0 {
        return false;
    }
    started(holder.pid) != Some(holder.started)
}

/// When a process started, in clock ticks since boot: field 22 of /proc/PID/stat. The second field may hold spaces and parentheses.
fn started(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_one_that_never_was_does_not() {
        let me = this_process();
        assert!(!is_dead(&me));
        if me.started > 0 {
            assert!(is_dead(&Holder { started: me.started + 1, ..me.clone() }));
            assert!(is_dead(&Holder { pid: u32::MAX, ..me.clone() }));
        }
        assert!(!is_dead(&Holder { host: "another.example".into(), pid: u32::MAX, ..me }));
    }
}
