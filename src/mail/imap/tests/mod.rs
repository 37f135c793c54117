//! The dialogue against scripted servers.

mod acting;
mod broken;
mod finding;
mod idling;
mod looking;
mod signing_in;
