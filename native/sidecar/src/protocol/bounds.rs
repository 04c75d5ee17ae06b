//! How long a reply may be, whatever led to it.

use std::borrow::Cow;

/// The greatest length of a reply's payload, in bytes.
pub const MAX_REPLY: usize = 16 * 1024;

/// The greatest length of a sentence for the operator, in bytes as JSON has it.
pub const MAX_MESSAGE: usize = 4096;

/// The text, or its beginning where JSON needs more than `room` bytes for it. Erlang's format
/// never needs more for a text than JSON does.
pub(crate) fn clipped(text: &str, room: usize) -> Cow<'_, str> {
    if text.len().saturating_mul(MAX_ESCAPE) <= room || json_length(text) <= room {
        return Cow::Borrowed(text);
    }
    let mut left = room.saturating_sub(MORE.len());
    let end = text.char_indices().find_map(|(at, c)| {
        match left.checked_sub(json_length_of(c)) {
            Some(rest) => left = rest,
            None => return Some(at),
        }
        None
    });
    let begin = &text[..end.unwrap_or(text.len())];
    Cow::Owned(format!("{begin}{MORE}"))
}

fn json_length(text: &str) -> usize {
    text.chars().map(json_length_of).sum()
}

fn json_length_of(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => MAX_ESCAPE,
        _ => c.len_utf8(),
    }
}

/// `\u001b`
const MAX_ESCAPE: usize = 6;

/// What stands for the rest of a text.
const MORE: &str = "…";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_clipped_at_the_edge_alone() {
        for c in ['a', '"', '\\', '\n', '\u{1}', 'ż', '\u{10ffff}', '\u{7f}'] {
            let text = c.to_string().repeat(20);
            let length = serde_json::to_string(&text).unwrap().len() - 2;
            assert_eq!(clipped(&text, length), text);
            for room in 0..length {
                let clipped = clipped(&text, room);
                assert!(clipped.ends_with(MORE), "{clipped:?}");
                let length = serde_json::to_string(&clipped).unwrap().len() - 2;
                assert!(length <= room.max(MORE.len()), "{clipped:?} in {room}");
            }
        }
    }
}
