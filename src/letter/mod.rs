//! A letter's life: what it is, which step may follow which, and the mark by which it is known again.

mod life;
mod mark;

pub use life::{IllegalStep, LetterEvent, can_bounce, next_state};
pub(crate) use mark::to_hex;
pub use mark::{BadMark, Key, Keyring, Mark};
