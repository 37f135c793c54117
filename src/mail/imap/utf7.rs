//! Modified UTF-7, in which servers write folder names (RFC 3501 §5.1.3).

use base64::alphabet::IMAP_MUTF7;
use base64::engine::{DecodePaddingMode, Engine as _, GeneralPurpose, GeneralPurposeConfig};

/// Base64 with `,` for `/` and without padding. Bits left over at the end must be zero.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &IMAP_MUTF7,
    GeneralPurposeConfig::new().with_encode_padding(false).with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// Decodes a name; `None` where it is not modified UTF-7: a byte outside of printable ASCII, a shift without its `-`, bad base64,
/// half a UTF-16 unit, a lone surrogate. Printable characters that are shifted for no reason are read all the same.
pub(crate) fn decode(wire: &str) -> Option<String> {
    let mut out = String::with_capacity(wire.len());
    let mut rest = wire;
    while let Some(c) = rest.chars().next() {
        if !matches!(c, ' '..='~') {
            return None;
        }
        rest = &rest[1..];
        if c != '&' {
            out.push(c);
            continue;
        }
        let (shifted, behind) = rest.split_once('-')?;
        rest = behind;
        if shifted.is_empty() {
            out.push('&');
        } else {
            out.push_str(&decode_shifted(shifted)?);
        }
    }
    Some(out)
}

fn decode_shifted(base64: &str) -> Option<String> {
    let bytes = BASE64.decode(base64).ok()?;
    let (pairs, odd) = bytes.as_chunks::<2>();
    if pairs.is_empty() || !odd.is_empty() {
        return None;
    }
    let units: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
    String::from_utf16(&units).ok()
}

/// Encodes a name for the wire; the other half of [`decode`].
pub(crate) fn encode(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut shifted: Vec<u8> = Vec::new();
    for c in name.chars() {
        if matches!(c, ' '..='~') {
            end_shift(&mut shifted, &mut out);
            out.push(c);
            if c == '&' {
                out.push('-');
            }
        } else {
            let mut units = [0_u16; 2];
            shifted.extend(c.encode_utf16(&mut units).iter().flat_map(|unit| unit.to_be_bytes()));
        }
    }
    end_shift(&mut shifted, &mut out);
    out
}

fn end_shift(shifted: &mut Vec<u8>, out: &mut String) {
    if !shifted.is_empty() {
        out.push('&');
        out.push_str(&BASE64.encode(std::mem::take(shifted)));
        out.push('-');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_decoded_and_encoded_as_the_rfc_says() {
        for (wire, name) in [
            ("~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"), // the RFC's own example
            ("&Jjo-!", "☺!"),
            ("Courrier ind&AOk-sirable", "Courrier indésirable"),
            ("&BCEEPwQwBDw-", "Спам"),
            ("Tom &- Jerry", "Tom & Jerry"),
            ("&2D3cjA-", "💌"),
            ("INBOX", "INBOX"),
            ("", ""),
        ] {
            assert_eq!(decode(wire).as_deref(), Some(name), "{wire}");
            assert_eq!(encode(name), wire);
        }
    }

    #[test]
    fn what_is_not_modified_utf_7_is_refused() {
        for wire in
            ["&AOk", "a&", "&AO-", "&AOl-", "&!!!!-", "&2D0-", "&3Iw-", "&A-", "&AOk/-", "&AOk=-", "Indésirable", "a\tb", "&ZeVnLIqe"]
        {
            assert_eq!(decode(wire), None, "{wire}");
        }
        assert_eq!(decode("&AGE-").as_deref(), Some("a"), "shifted for no reason, and read all the same");
    }

    proptest! {
        #[test]
        fn every_name_survives_the_wire(name in "\\PC{0,40}") {
            let wire = encode(&name);
            prop_assert!(wire.is_ascii());
            prop_assert_eq!(decode(&wire), Some(name));
        }

        #[test]
        fn no_input_panics(wire in "[&A-Za-z0-9+,/é=-]{0,30}") {
            let _ = decode(&wire);
        }
    }
}
