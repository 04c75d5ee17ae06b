//! The profiles of stringprep: nodeprep and resourceprep (RFC 6122 appendices A and B), nameprep
//! (RFC 3491).
//!
//! RFC 3454 is over Unicode 3.2, and the crates know a later one. Where that differs for a code
//! point of 3.2 is written down here: the normalization of five, and the direction of some. A test
//! compares all of them.

use std::borrow::Cow;

use stringprep::tables;
use unicode_normalization::UnicodeNormalization as _;

use super::{JidError, MAX_PART, Part};

/// Prepares a text of code points that Unicode 3.2 assigns.
pub(super) fn prepare(part: Part, text: &str) -> Result<Cow<'_, str>, JidError> {
    if text.chars().all(|c| is_prepared(part, c)) {
        return Ok(Cow::Borrowed(text));
    }
    if text.is_ascii() {
        return prepare_ascii(part, text).map(Cow::Owned);
    }
    let normalized = normalized(part, text);
    if normalized.len() > MAX_PART {
        return Err(JidError::TooLongPrepared(part));
    }
    if let Some(prohibited) = normalized.chars().find(|c| is_prohibited(part, *c)) {
        // The operator is told of the character that stands in the name.
        let is_cause = |c: &char| {
            let alone = self::normalized(part, c.encode_utf8(&mut [0; 4]));
            alone.contains(prohibited)
        };
        let cause = text.chars().find(is_cause);
        return Err(JidError::Prohibited(part, cause.unwrap_or(prohibited)));
    }
    if mixes_directions(&normalized) {
        return Err(JidError::Bidirectional(part));
    }
    Ok(Cow::Owned(normalized))
}

/// The printable ASCII that a profile leaves as it is.
fn is_prepared(part: Part, c: char) -> bool {
    match part {
        Part::Resource => matches!(c, ' '..='~'),
        _ => c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_'),
    }
}

/// ASCII needs no tables: no code point of it is mapped, but for upper case, or is written from
/// right to left.
fn prepare_ascii(part: Part, text: &str) -> Result<String, JidError> {
    if let Some(prohibited) = text.chars().find(|c| is_prohibited_ascii(part, *c)) {
        return Err(JidError::Prohibited(part, prohibited));
    }
    Ok(match part {
        Part::Resource => text.to_owned(),
        Part::Local | Part::Domain | Part::Jid => text.to_ascii_lowercase(),
    })
}

/// Mapped (RFC 3454 chapter 3) and normalized by NFKC (chapter 4), as far as one character beyond
/// [`MAX_PART`] bytes: a character may become eighteen.
fn normalized(part: Part, text: &str) -> String {
    let kept = text
        .chars()
        .filter(|&c| !tables::commonly_mapped_to_nothing(c))
        .map(by_3_2);
    match part {
        Part::Resource => bounded(kept.nfkc()),
        Part::Local | Part::Domain | Part::Jid => {
            bounded(kept.flat_map(tables::case_fold_for_nfkc).nfkc())
        }
    }
}

fn bounded(chars: impl Iterator<Item = char>) -> String {
    let mut text = String::new();
    for c in chars {
        text.push(c);
        if text.len() > MAX_PART {
            break;
        }
    }
    text
}

/// What a character is in Unicode 3.2 whose normalization was corrected later ([Corrigendum 4]).
///
/// [Corrigendum 4]: https://www.unicode.org/versions/corrigendum4.html
fn by_3_2(c: char) -> char {
    match c {
        '\u{2f868}' => '\u{2136a}',
        '\u{2f874}' => '\u{5f33}',
        '\u{2f91f}' => '\u{43ab}',
        '\u{2f95f}' => '\u{7aae}',
        '\u{2f9bf}' => '\u{4d57}',
        _ => c,
    }
}

fn is_prohibited(part: Part, c: char) -> bool {
    let in_all = tables::non_ascii_space_character(c)
        || tables::non_ascii_control_character(c)
        || tables::private_use(c)
        || tables::non_character_code_point(c)
        || tables::inappropriate_for_plain_text(c)
        || tables::inappropriate_for_canonical_representation(c)
        || tables::change_display_properties_or_deprecated(c)
        || tables::tagging_character(c);
    in_all || is_prohibited_ascii(part, c)
}

fn is_prohibited_ascii(part: Part, c: char) -> bool {
    match part {
        Part::Domain | Part::Jid => false,
        Part::Resource => tables::ascii_control_character(c),
        Part::Local => {
            tables::ascii_control_character(c)
                || matches!(c, ' ' | '"' | '&' | '\'' | '/' | ':' | '<' | '>' | '@')
        }
    }
}

/// RFC 3454 chapter 6.
fn mixes_directions(text: &str) -> bool {
    let (Some(first), Some(last)) = (text.chars().next(), text.chars().next_back()) else {
        return false;
    };
    text.contains(tables::bidi_r_or_al)
        && (text.contains(is_left_to_right)
            || !tables::bidi_r_or_al(first)
            || !tables::bidi_r_or_al(last))
}

/// Table D.2.
fn is_left_to_right(c: char) -> bool {
    match c {
        '\u{17b4}' | '\u{17b5}' | '\u{1885}' | '\u{1886}' => true,
        '\u{0cbf}'
        | '\u{0cc6}'
        | '\u{1734}'
        | '\u{2132}'
        | '\u{2800}'..='\u{28ff}'
        | '\u{302e}'
        | '\u{302f}' => false,
        _ => tables::bidi_l(c),
    }
}
