//! How text becomes ASCII: encoded words for headers (RFC 2047), quoted-printable and base64 for bodies (RFC 2045).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Longest encoded word that is written. RFC 2047 §2 allows 75; 64 leaves room for any field name on a line of 76.
const ENCODED_WORD: usize = 64;
/// `=?UTF-8?Q?` and `?=`.
const ENCODED_WORD_FRAME: usize = 12;
/// Longest line of an encoded body, the soft break included (RFC 2045 §6.7).
const BODY_LINE: usize = 76;
/// From the column behind this one on, an encoded byte and a soft break do not fit any more.
const LAST_COLUMN: usize = BODY_LINE - 1 - 3;

/// A body in its transfer encoding.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct EncodedBody {
    /// The value of Content-Transfer-Encoding.
    pub encoding: &'static str,
    /// ASCII lines of at most 78 bytes, each ended by CRLF.
    pub text: String,
}

/// Encodes a body: 7bit where that is safe, else the shorter of quoted-printable and base64. `text` has LF line ends.
pub(super) fn body(text: &str) -> EncodedBody {
    if text.split('\n').all(goes_as_it_is) {
        return EncodedBody { encoding: "7bit", text: with_crlf(text) };
    }
    let quoted = quoted_printable(text);
    // Base64 needs 4 bytes for 3, and CRLF every 76.
    if quoted.len() <= text.len() * 4 / 3 * 78 / 76 + 80 {
        EncodedBody { encoding: "quoted-printable", text: quoted }
    } else {
        EncodedBody { encoding: "base64", text: base64_lines(&with_crlf(text)) }
    }
}

/// A line that no relay has a reason to touch, and that cannot hold a boundary of ours (they begin with `=_`).
fn goes_as_it_is(line: &str) -> bool {
    line.len() <= 78
        && is_printable(line)
        && !line.ends_with(' ')
        && !line.starts_with("From ")
        && !line.starts_with('.')
        && !may_hold_boundary(line)
}

/// Mostly there is not even a `=`, which is quicker to see.
fn may_hold_boundary(line: &str) -> bool {
    line.contains('=') && line.contains("=_")
}

/// Whether every character is of printable ASCII. All are looked at, without a branch for each: it is asked of every line of every letter.
pub(super) fn is_printable(text: &str) -> bool {
    text.bytes().fold(true, |holds, b| holds & (b' '..=b'~').contains(&b))
}

fn with_crlf(text: &str) -> String {
    text.strip_suffix('\n').unwrap_or(text).split('\n').fold(String::with_capacity(text.len() + 64), |out, line| out + line + "\r\n")
}

fn quoted_printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        if line.len() < BODY_LINE && goes_as_it_is(line) && !line.contains('=') {
            out.push_str(line);
        } else {
            quoted_printable_line(line, &mut out);
        }
        out.push_str("\r\n");
    }
    out
}

fn quoted_printable_line(line: &str, out: &mut String) {
    let bytes = line.as_bytes();
    let (mut at, mut used) = (0, 0);
    while let Some(&first) = bytes.get(at) {
        let rest = &bytes[at..];
        if used > LAST_COLUMN {
            out.push_str("=\r\n");
            used = 0;
        }
        // `From ` and a dot at the start are rewritten by some relays; white space at the end is dropped by others.
        let fragile_start = used == 0 && (first == b'.' || rest.starts_with(b"From "));
        let most = if fragile_start { 0 } else { LAST_COLUMN + 1 - used };
        let mut plain = rest.iter().take(most).take_while(|b| (b' '..=b'~').contains(*b) && **b != b'=').count();
        let fragile_end = plain == rest.len() && rest.ends_with(b" ");
        plain -= usize::from(fragile_end);
        if plain == 0 {
            push_hex(b'=', first, out);
            (at, used) = (at + 1, used + 3);
        } else {
            // ASCII begins and ends where characters do.
            out.push_str(&line[at..at + plain]);
            (at, used) = (at + plain, used + plain);
        }
    }
}

fn base64_lines(text: &str) -> String {
    let encoded = STANDARD.encode(text);
    let mut out = String::with_capacity(encoded.len() + encoded.len() / 36 + 2);
    for (i, c) in encoded.chars().enumerate() {
        if i > 0 && i % BODY_LINE == 0 {
            out.push_str("\r\n");
        }
        out.push(c);
    }
    out + "\r\n"
}

fn push_hex(mark: u8, byte: u8, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for b in [mark, DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]] {
        out.push(char::from(b));
    }
}

/// The text as encoded words, each holding whole characters; readers drop the white space between them (RFC 2047 §6.2).
pub(super) fn encoded_words(text: &str) -> Vec<String> {
    // Q keeps Latin text readable in the source; other scripts take base64.
    let by_quotes: usize = text.chars().map(q_width).sum();
    if by_quotes <= text.len() * 5 / 2 { words_of(text, q_width, q_word) } else { words_of(text, char::len_utf8, b_word) }
}

/// Cuts the text where the next character would not fit. The width of base64 is in source bytes: three of them make four.
fn words_of(text: &str, width: fn(char) -> usize, word: fn(&str) -> String) -> Vec<String> {
    let room = ENCODED_WORD - ENCODED_WORD_FRAME;
    let room = if width('=') == 1 { room / 4 * 3 } else { room };
    let mut words = Vec::new();
    let (mut start, mut used) = (0, 0);
    for (at, c) in text.char_indices() {
        if used + width(c) > room {
            words.push(word(&text[start..at]));
            (start, used) = (at, 0);
        }
        used += width(c);
    }
    words.push(word(&text[start..]));
    words
}

/// Only these stand for themselves in a phrase (RFC 2047 §5 rule 3), so they serve everywhere.
fn q_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!*+-/".contains(c)
}

fn q_width(c: char) -> usize {
    if q_plain(c) || c == ' ' { 1 } else { 3 * c.len_utf8() }
}

fn q_word(text: &str) -> String {
    let mut out = String::from("=?UTF-8?Q?");
    for c in text.chars() {
        match c {
            ' ' => out.push('_'),
            c if q_plain(c) => out.push(c),
            c => c.encode_utf8(&mut [0; 4]).bytes().for_each(|b| push_hex(b'=', b, &mut out)),
        }
    }
    out + "?="
}

fn b_word(text: &str) -> String {
    format!("=?UTF-8?B?{}?=", STANDARD.encode(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_goes_as_it_is() {
        assert_eq!(body("Hello,\n\nall is well.\n"), EncodedBody { encoding: "7bit", text: "Hello,\r\n\r\nall is well.\r\n".into() });
    }

    #[test]
    fn what_a_relay_would_touch_is_quoted() {
        let quoted = |text: &str| {
            let b = body(text);
            assert_eq!(b.encoding, "quoted-printable", "{text:?}");
            b.text
        };
        assert_eq!(quoted("From here on"), "=46rom here on\r\n");
        assert_eq!(quoted("a\n.\nb"), "a\r\n=2E\r\nb\r\n");
        assert_eq!(quoted("trailing "), "trailing=20\r\n");
        assert_eq!(quoted("1 =_ 2"), "1 =3D_ 2\r\n");
        assert_eq!(quoted("Grüße"), "Gr=C3=BC=C3=9Fe\r\n");
        assert_eq!(quoted("a\tb"), "a=09b\r\n");
    }

    #[test]
    fn long_lines_break_softly_within_76_and_never_onto_a_dot() {
        let text = format!("{}.{}From {}", "a".repeat(73), "b".repeat(70), "é".repeat(9));
        let b = body(&text);
        assert!(b.text.lines().all(|l| l.len() <= 76), "{}", b.text);
        assert!(b.text.lines().all(|l| !l.starts_with('.') && !l.starts_with("From ")), "{}", b.text);
        let expected = format!("{}.{}From {}\r\n", "a".repeat(73), "b".repeat(70), "=C3=A9".repeat(9));
        assert_eq!(b.text.replace("=\r\n", "").replace("=2E", ".").replace("=46", "F"), expected);
    }

    #[test]
    fn text_in_other_scripts_takes_base64() {
        let text = "Привет, как идут дела на этой неделе?\nХорошо.\n".repeat(5);
        let b = body(&text);
        assert_eq!(b.encoding, "base64");
        assert!(b.text.lines().all(|l| l.len() <= 76));
        let back = STANDARD.decode(b.text.replace("\r\n", "")).unwrap();
        assert_eq!(String::from_utf8(back).unwrap(), text.replace('\n', "\r\n"));
    }

    #[test]
    fn encoded_words_hold_whole_characters_and_fit() {
        assert_eq!(encoded_words("Grüße"), ["=?UTF-8?Q?Gr=C3=BC=C3=9Fe?="]);
        assert_eq!(encoded_words("日本"), ["=?UTF-8?B?5pel5pys?="]);
        for text in ["é".repeat(100), "a é".repeat(60), "日".repeat(100), "🙂x".repeat(50)] {
            let words = encoded_words(&text);
            assert!(words.iter().all(|w| w.len() <= ENCODED_WORD), "{words:?}");
            assert!(words.len() > 1);
        }
    }
}
