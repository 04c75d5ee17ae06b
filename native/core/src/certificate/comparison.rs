//! How the texts of distinguished names are compared (RFC 5280 section 7.1, RFC 4518): more may be
//! alike than may name a user, for a list or a CA is looked for, and what is found is judged.

use unicode_normalization::UnicodeNormalization as _;

/// Whether two values, each with the tag of its type, are alike.
pub(super) fn is_same(one: (u8, &[u8]), other: (u8, &[u8])) -> bool {
    if one == other {
        return true;
    }
    if is_ascii(one.0, one.1) && is_ascii(other.0, other.1) {
        let (mut ones, mut others) = (words(one.1), words(other.1));
        return loop {
            match (ones.next(), others.next()) {
                (None, None) => break true,
                (Some(one), Some(other)) if one.eq_ignore_ascii_case(other) => {}
                _ => break false,
            }
        };
    }
    match (prepare(one.0, one.1), prepare(other.0, other.1)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

/// Whether it is a text of printable ASCII, as most are.
fn is_ascii(tag: u8, value: &[u8]) -> bool {
    matches!(tag, 0x0c | 0x12..=0x16 | 0x19..=0x1b)
        && value.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

/// The words of an ASCII text.
fn words(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    let words = value.split(|&byte| byte == b' ');
    words.filter(|word| !word.is_empty())
}

/// A text without what does not count: the type of the string, case, white space at its ends and
/// its amount elsewhere, characters that are not seen. None where it is not a text.
pub(super) fn prepare(tag: u8, value: &[u8]) -> Option<String> {
    if is_ascii(tag, value) {
        let mut folded = String::with_capacity(value.len());
        for word in words(value) {
            if !folded.is_empty() {
                folded.push(' ');
            }
            folded.extend(
                word.iter()
                    .map(|byte| char::from(byte.to_ascii_lowercase())),
            );
        }
        return Some(folded);
    }
    let text = decode(tag, value)?;
    let seen = text.nfkc().filter_map(|c| match c {
        // Controls that are white space, and those that are nothing (RFC 4518 section 2.2).
        '\t'..='\r' | '\u{85}' => Some(' '),
        '\u{ad}' | '\u{34f}' | '\u{1806}' | '\u{180b}'..='\u{180d}' => None,
        '\u{200b}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fffc}' => None,
        c if c.is_control() => None,
        c => Some(c),
    });
    // By way of upper case, so that ß is ss and each sigma the same.
    let folded: String = seen
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .nfkc()
        .collect();
    let words: Vec<&str> = folded.split_whitespace().collect();
    Some(words.join(" "))
}

/// Eight-bit types are read as Latin-1, whatever they may hold.
fn decode(tag: u8, value: &[u8]) -> Option<String> {
    match tag {
        0x0c => str::from_utf8(value).ok().map(str::to_owned),
        0x12..=0x16 | 0x19..=0x1b => Some(value.iter().copied().map(char::from).collect()),
        0x1c => value
            .chunks(4)
            .map(|unit| match unit {
                &[a, b, c, d] => char::from_u32(u32::from_be_bytes([a, b, c, d])),
                _ => None,
            })
            .collect(),
        0x1e if value.len().is_multiple_of(2) => {
            let units = value.as_chunks::<2>().0.iter();
            let units = units.map(|unit| u16::from_be_bytes(*unit));
            char::decode_utf16(units).map(Result::ok).collect()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_are_alike() {
        const UTF8: u8 = 0x0c;
        let prepared = |text: &str| prepare(UTF8, text.as_bytes()).unwrap();
        for (one, other) in [
            ("Root", " rOOT\n"),
            ("Ro ot", "Ro\t\u{a0}ot"),
            ("\u{f6}", "o\u{308}"),
            ("stra\u{df}e", "STRASSE"),
            ("\u{391}\u{3a3}", "\u{3b1}\u{3c3}"),
            ("\u{391}\u{3c2}", "\u{3b1}\u{3c3}"),
            ("Ro\u{ad}ot", "Root"),
            ("Ro\u{200b}ot", "Root"),
        ] {
            assert_eq!(prepared(one), prepared(other), "{one:?} {other:?}");
        }
        assert_ne!(prepared("Root"), prepared("Ro ot"));
        assert_eq!(prepare(0x16, b"\xe9"), prepare(UTF8, "\u{e9}".as_bytes()));
        assert_eq!(prepare(0x14, b"\x85"), prepare(UTF8, "\u{85}".as_bytes()));
        assert_eq!(prepare(UTF8, b"\xff"), None);
        assert_eq!(prepare(0x04, b"Root"), None);
    }
}
