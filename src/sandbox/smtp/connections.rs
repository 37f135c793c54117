//! Who is connected how often.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::words::Address;

/// Counts the SMTP connections of each account, over all listeners of a sandbox.
#[derive(Debug, Default)]
pub struct Connections {
    open: Mutex<BTreeMap<Address, u32>>,
    last_was_taken: AtomicBool,
}

/// One connection of an account; it is given back when this is dropped.
#[derive(Debug)]
pub struct Seat {
    connections: Arc<Connections>,
    account: Address,
}

impl Connections {
    /// Takes a seat for an account that may have `most`; `None` where it has as many.
    pub fn enter(self: &Arc<Self>, account: &Address, most: u32) -> Option<Seat> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(account.clone()).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Seat { connections: self.clone(), account: account.clone() })
    }

    /// Whether a message at whose final dot the connection breaks was taken over: every second one is.
    pub fn taken_at_break(&self) -> bool {
        !self.last_was_taken.fetch_xor(true, Ordering::Relaxed)
    }
}

impl Seat {
    /// Whose.
    pub fn account(&self) -> &Address {
        &self.account
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.account) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_as_many_seats_as_it_may_and_gets_them_back() {
        let connections = Arc::new(Connections::default());
        let (a, b) = (Address::parse("a@x.test").unwrap(), Address::parse("b@x.test").unwrap());
        let seats: Vec<Seat> = (0..3).map_while(|_| connections.enter(&a, 3)).collect();
        assert_eq!(seats.len(), 3);
        assert!(connections.enter(&a, 3).is_none());
        assert!(connections.enter(&b, 3).is_some(), "another account has seats of its own");
        drop(seats);
        assert!(connections.enter(&a, 1).is_some());
        assert!(connections.open.lock().unwrap().is_empty());
        assert_eq!([(); 4].map(|()| connections.taken_at_break()), [true, false, true, false]);
    }
}
