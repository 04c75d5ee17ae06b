//! ASN.1's character strings as UTF-8.

use std::borrow::Cow;

/// The name of a string type by its tag; "an unknown type" for all else.
pub(super) fn encoding(tag: u8) -> &'static str {
    match tag {
        0x04 => "OctetString",
        0x0c => "UTF8String",
        0x12 => "NumericString",
        0x13 => "PrintableString",
        0x14 => "TeletexString",
        0x16 => "IA5String",
        0x1a => "VisibleString",
        0x1c => "UniversalString",
        0x1e => "BMPString",
        0x30 => "Sequence",
        _ => "an unknown type",
    }
}

/// Decodes a string that a person may have written; the error says why it is not a name.
///
/// TeletexString is read as Latin-1, which is what directories put into it.
pub(super) fn decode(tag: u8, value: &[u8]) -> Result<Cow<'_, str>, Cow<'static, str>> {
    let text: Cow<'_, str> = match tag {
        0x0c => utf8(value)?.into(),
        0x12 | 0x13 | 0x16 | 0x1a if value.is_ascii() => utf8(value)?.into(),
        0x14 => value.iter().copied().map(char::from).collect(),
        0x1c => characters(value.chunks(4).map(|unit| match unit {
            &[a, b, c, d] => char::from_u32(u32::from_be_bytes([a, b, c, d])),
            _ => None,
        }))?,
        // BMPString has no surrogate pairs, yet some encoders write them.
        0x1e if value.len().is_multiple_of(2) => {
            let units = value
                .as_chunks::<2>()
                .0
                .iter()
                .map(|unit| u16::from_be_bytes(*unit));
            characters(char::decode_utf16(units).map(Result::ok))?
        }
        0x12 => return Err("is not a valid NumericString".into()),
        0x13 => return Err("is not a valid PrintableString".into()),
        0x16 => return Err("is not a valid IA5String".into()),
        0x1a => return Err("is not a valid VisibleString".into()),
        0x1e => return Err("is not a valid BMPString".into()),
        _ => return Err("is not a character string".into()),
    };
    match control(&text) {
        Some(c) => Err(format!("has the control character U+{:04X} in it", u32::from(c)).into()),
        None => Ok(text),
    }
}

/// A value that can't be decoded, for people to read: printable ASCII as it is, the rest in
/// hexadecimal.
pub(super) fn escape(value: &[u8]) -> String {
    let mut shown = value[..value.len().min(MAX_SHOWN)]
        .escape_ascii()
        .to_string();
    if value.len() > MAX_SHOWN {
        shown.push_str("...");
    }
    shown
}

fn control(text: &str) -> Option<char> {
    // Names are commonly ASCII, which is seen faster byte by byte.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return None;
    }
    text.chars().find(|c| c.is_control())
}

fn utf8(value: &[u8]) -> Result<&str, Cow<'static, str>> {
    str::from_utf8(value).map_err(|_| "is not UTF-8".into())
}

fn characters(
    decoded: impl Iterator<Item = Option<char>>,
) -> Result<Cow<'static, str>, Cow<'static, str>> {
    decoded
        .collect::<Option<String>>()
        .map(Cow::Owned)
        .ok_or_else(|| "has something in it that is not a character".into())
}

/// The bytes of an unusable value that are shown.
const MAX_SHOWN: usize = 256;
