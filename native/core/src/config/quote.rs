//! Text from the file in messages.

/// Text from the file, quoted and cut for a message.
pub(super) fn quote(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// How many characters of a text from the file a message shows.
pub(super) const MAX_SHOWN: usize = 200;
