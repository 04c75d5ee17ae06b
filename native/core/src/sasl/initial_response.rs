//! The text of `<auth/>` (RFC 6120 section 6.4.2) as MongooseIM decodes it.

use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine as _, alphabet};

/// Decodes an initial response to the authorization identity; None if the client
/// sent none, that is where the text is empty or `=`.
///
/// As MongooseIM (over OTP's `base64:mime_decode/1`), this skips every character outside of the
/// alphabet, takes one `=` where two are due, and goes on after padding.
///
/// ```
/// # use certjid_core::sasl::initial_response::decode;
/// assert_eq!(decode("="), Ok(None));
/// assert_eq!(decode(" Ym9i\nQGxv Y2FsaG9zdA== "), Ok(Some(b"bob@localhost".to_vec())));
/// assert!(decode("Ym9iQGxvY2FsaG9zdA").is_err());
/// ```
///
/// # Errors
/// Where the text ends within a quantum, so that MongooseIM's session would crash; the condition
/// is `incorrect-encoding`.
pub fn decode(text: &str) -> Result<Option<Vec<u8>>, MalformedBase64> {
    let is_digit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/');
    let digits: String = text.chars().filter(|&c| is_digit(c)).collect();
    if digits.is_empty() {
        return Ok(None);
    }
    let padded = text
        .rfind(is_digit)
        .is_some_and(|last| text[last..].contains('='));
    if !padded && !digits.len().is_multiple_of(4) {
        return Err(MalformedBase64);
    }
    UNPADDED
        .decode(digits)
        .map(Some)
        .map_err(|_| MalformedBase64)
}

/// The text is not base64.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MalformedBase64;

/// OTP does not look at the bits that padding leaves over.
const UNPADDED: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true),
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_as_otp_does() {
        let absent = ["", "=", "==", "====", " = ", "!!!"];
        for text in absent {
            assert_eq!(decode(text), Ok(None), "{text:?}");
        }
        let decoded: [(&str, &[u8]); 10] = [
            ("YQ==", b"a"),
            ("YQ=", b"a"),
            ("YQ===", b"a"),
            ("=YQ==", b"a"),
            ("Y=Q=", b"a"),
            ("YR==", b"a"),
            ("YQ=!=", b"a"),
            ("YWI=", b"ab"),
            ("YWJj====", b"abc"),
            ("YQ==YQ==", &[0x61, 0x06, 0x10]),
        ];
        for (text, bytes) in decoded {
            assert_eq!(decode(text), Ok(Some(bytes.to_vec())), "{text:?}");
        }
        for text in ["YQ", "Y", "Y=", "Y==", "YWI", "YWJjYQ", "=A", "Y=Q"] {
            assert_eq!(decode(text), Err(MalformedBase64), "{text:?}");
        }
    }
}
