//! The doors of a sandbox: what listens where, and in what manner.

use std::fmt;

use crate::words::mailbox_word as word;
use crate::world::{AccountSpec, Personality};

word! {
    /// What a listener speaks.
    Service {
        /// Submission inside TLS.
        Smtps = "smtps",
        /// Submission with STARTTLS, which is demanded.
        Submission = "submission",
        /// IMAP inside TLS.
        Imaps = "imaps",
        /// IMAP with STARTTLS.
        Imap = "imap",
        /// Submission without TLS: for fault proxies.
        PlainSubmission = "plain-submission",
        /// IMAP without TLS: for fault proxies.
        PlainImap = "plain-imap",
        /// IMAP without TLS, MOVE, UIDPLUS and SPECIAL-USE.
        BareImap = "bare-imap",
        /// IMAP without TLS and SPECIAL-USE, all folders below `INBOX.`.
        PrefixedImap = "prefixed-imap",
    }
}

impl Service {
    /// Its usual port, to be added to a base.
    pub fn usual_port(self) -> u16 {
        match self {
            Self::Smtps => 465,
            Self::Submission => 587,
            Self::Imaps => 993,
            Self::Imap => 143,
            Self::PlainSubmission => 1_587,
            Self::PlainImap => 1_143,
            Self::BareImap => 2_143,
            Self::PrefixedImap => 3_143,
        }
    }

    /// Those that every kind of server has.
    pub const EVERYWHERE: [Self; 4] = [Self::Smtps, Self::Submission, Self::Imaps, Self::Imap];
}

/// A listener to be opened on loopback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Door {
    /// Whose habits are behind it.
    pub personality: Personality,
    /// What it speaks.
    pub service: Service,
    /// Its port; 0: any that is free.
    pub port: u16,
}

/// The base is too high for all ports to fit below 65536.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("from port base {0} on there are not enough ports")]
pub struct BadPortBase(pub u16);

/// The usual doors for each kind of server that accounts are on: at `base` plus the usual ports for the first kind, 1000 above for the
/// next, and so on; at any free ports without a base.
///
/// # Errors
/// [`BadPortBase`].
pub fn doors_for(accounts: &[AccountSpec], base: Option<u16>) -> Result<Vec<Door>, BadPortBase> {
    let used = Personality::ALL.iter().filter(|p| accounts.iter().any(|a| a.personality == **p));
    let mut doors = Vec::new();
    for (n, personality) in (0_u16..).zip(used) {
        for service in Service::EVERYWHERE {
            let port = base.map_or(Some(0), |base| base.checked_add(n * 1_000)?.checked_add(service.usual_port()));
            let port = port.ok_or(BadPortBase(base.unwrap_or(0)))?;
            doors.push(Door { personality: *personality, service, port });
        }
    }
    Ok(doors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::people::practice_pool;

    #[test]
    fn each_kind_of_server_has_ports_of_its_own() {
        let accounts: Vec<AccountSpec> = practice_pool().iter().map(|p| p.account(None)).collect();
        let ports = |base| doors_for(&accounts, base).map(|doors| doors.iter().map(|d| d.port).collect::<Vec<_>>());
        assert_eq!(
            ports(Some(20_000)).unwrap(),
            [20_465, 20_587, 20_993, 20_143, 21_465, 21_587, 21_993, 21_143, 22_465, 22_587, 22_993, 22_143]
        );
        assert_eq!(ports(None).unwrap(), [0; 12]);
        assert_eq!(ports(Some(63_000)), Err(BadPortBase(63_000)));
        assert_eq!(doors_for(&[], Some(20_000)), Ok(Vec::new()));
    }
}
