//! What reads foreign bytes, as functions of bytes: the targets of fuzzing.
//!
//! Each takes anything, and asserts more than that nothing panics: what was read and written again is read as the same, what is shown is bounded and free of
//! controls, no line break gets through a builder. Each gives a word or two about how it went, so that inputs which go another way can be told apart.
//!
//! Two programs run them. `cargo test --lib fuzz::` does so on a stable toolchain: the kept inputs in `tests/fuzz/`, then many more that are made of them by
//! the [`driver`]. `fuzz/` is a crate for cargo-fuzz, which needs a nightly one and sees which code an input reaches.

mod agenda;
mod dialogue;
mod texts;

#[cfg(test)]
mod driver;

/// A target: bytes in, a few words about how it went out. Panics where something does not hold.
pub type Target = fn(&[u8]) -> String;

/// All of them, by the name of their folder in `tests/fuzz/`.
pub const TARGETS: [(&str, Target); 8] = [
    ("config", texts::config),
    ("classify", texts::classify),
    ("header", texts::header),
    ("utf7", texts::utf7),
    ("suppress", texts::suppress),
    ("agenda", agenda::agenda),
    ("imap", dialogue::imap),
    ("smtp", dialogue::smtp),
];

/// Runs the target of this name.
///
/// # Panics
/// Where there is none, or where something does not hold: that is what it is for.
pub fn run(name: &str, bytes: &[u8]) -> String {
    let target = TARGETS.iter().find(|(n, _)| *n == name);
    assert!(target.is_some(), "there is no target {name}");
    target.map_or_else(String::new, |(_, run)| run(bytes))
}

/// What is shown to people is bounded and holds no control that a terminal obeys.
fn assert_shown(text: &str, most: usize) {
    assert!(text.len() <= most, "{} bytes are shown, {most} at most were expected: {:.200}", text.len(), text);
    let bad = text.chars().find(|c| c.is_control() && *c != '\n' || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'));
    assert!(bad.is_none(), "{bad:?} is shown: {text:.400}");
}
