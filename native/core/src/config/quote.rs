//! Text from the file in messages.

use crate::pem;

/// Text from the file, quoted and cut for a message. PEM, which may be a key, is not shown.
pub(super) fn quote(text: &str) -> String {
    if pem::is_in(text.as_bytes()) {
        return "PEM text".to_owned();
    }
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// How many characters of a text from the file a message shows.
pub(super) const MAX_SHOWN: usize = 200;
