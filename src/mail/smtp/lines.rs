//! Whether a message's lines can be sent as they are.

/// A line end that SMTP does not know. Some servers take a lone CR or LF for the end of a line, and then `LF . LF` ends the message and
/// what follows is read as commands ("SMTP smuggling"); RFC 5321 §2.3.8 forbids to send either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadLines {
    /// A CR without its LF, at this byte.
    #[error("the message holds a CR without LF at byte {0}")]
    LoneCr(usize),
    /// A LF without its CR, at this byte.
    #[error("the message holds a LF without CR at byte {0}")]
    LoneLf(usize),
    /// Nothing at all.
    #[error("the message is empty")]
    Empty,
}

/// Checks that CR and LF stand only together. Nothing is mended here: what composes messages writes CRLF.
///
/// # Errors
/// [`BadLines`] with the first place.
pub fn check_lines(message: &[u8]) -> Result<(), BadLines> {
    if message.is_empty() {
        return Err(BadLines::Empty);
    }
    for at in memchr::memchr2_iter(b'\r', b'\n', message) {
        let before = at.checked_sub(1).and_then(|before| message.get(before));
        match message[at] {
            b'\n' if before != Some(&b'\r') => return Err(BadLines::LoneLf(at)),
            b'\r' if message.get(at + 1) != Some(&b'\n') => return Err(BadLines::LoneCr(at)),
            _ => {}
        }
    }
    Ok(())
}

/// A message that [`check_lines`] has found well, as DATA sends it (RFC 5321 §4.5.2): a dot before each dot that begins a line, and the final dot's
/// line behind its own last line.
pub fn stuffed(message: &str) -> String {
    let first = if message.starts_with('.') { "." } else { "" };
    let end = if message.ends_with("\r\n") { ".\r\n" } else { "\r\n.\r\n" };
    [first, &message.replace("\r\n.", "\r\n.."), end].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_smuggle_an_end_is_found() {
        let cases: [(&str, Result<(), BadLines>); 9] = [
            ("", Err(BadLines::Empty)),
            ("a: b\r\n\r\n.\r\nx\r\n", Ok(())),
            ("no end", Ok(())),
            ("a\n.\nMAIL", Err(BadLines::LoneLf(1))),
            ("a\r\n.\n", Err(BadLines::LoneLf(4))),
            ("a\n.\r\n", Err(BadLines::LoneLf(1))),
            ("a\r.\r", Err(BadLines::LoneCr(1))),
            ("a\r\r\n", Err(BadLines::LoneCr(1))),
            ("a\r", Err(BadLines::LoneCr(1))),
        ];
        for (message, verdict) in cases {
            assert_eq!(check_lines(message.as_bytes()), verdict, "{message:?}");
        }
    }
    #[test]
    fn dots_that_begin_a_line_are_doubled_and_the_message_ends_once() {
        for (message, sent) in [
            ("a: b\r\n\r\nhi\r\n", "a: b\r\n\r\nhi\r\n.\r\n"),
            ("a: b\r\n\r\nhi", "a: b\r\n\r\nhi\r\n.\r\n"),
            (".a.\r\n.\r\n..\r\nb.", "..a.\r\n..\r\n...\r\nb.\r\n.\r\n"),
            ("\r\n\r\n.", "\r\n\r\n..\r\n.\r\n"),
        ] {
            assert_eq!(stuffed(message), sent, "{message:?}");
        }
    }
}
