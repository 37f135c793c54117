//! The modelled world on loopback sockets: real SMTP and IMAP servers in this process, over one [`crate::world::World`].

pub mod imap;
pub mod smtp;
pub mod tls;
