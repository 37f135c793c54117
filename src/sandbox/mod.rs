//! The world served on loopback sockets: real servers, for any client.

pub mod imap;
