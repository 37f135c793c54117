//! Somebody else's mail in a modelled world.

use std::collections::BTreeSet;

use crate::words::{FolderRole, Moment};
use crate::world::World;

/// Somebody else's mail, so that an executor that touches it is found out.
const FOREIGN: [(FolderRole, &str); 2] = [
    (
        FolderRole::Inbox,
        "From: Aunt May <may@family.example>\r\nSubject: Sunday\r\nMessage-ID: <sunday@family.example>\r\n\r\nAre you coming?\r\n",
    ),
    (FolderRole::Spam, "From: Prizes <win@prizes.example>\r\nSubject: You won\r\nMessage-ID: <won@prizes.example>\r\n\r\nClick.\r\n"),
];

/// Puts somebody else's mail into inbox and spam of every account: an executor that moves, flags or opens it is found out by
/// [`super::invariants`].
pub fn plant_foreign_mail(world: &World, at: Moment) {
    for address in world.addresses() {
        for (role, message) in FOREIGN {
            let folder = world.with_account(&address, |a| a.folder_of(role).map(str::to_owned)).flatten();
            let put = folder.map(|folder| world.append(&address, &folder, message.as_bytes(), BTreeSet::default(), true, at));
            debug_assert!(matches!(put, Some(Ok(_))), "every account has an inbox and a spam folder");
        }
    }
}
