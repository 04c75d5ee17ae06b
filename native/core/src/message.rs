//! Sentences for people: what they quote of texts from outside, and how long they may be.

use alloc::borrow::Cow;

use crate::pem;

/// A text from outside for a sentence: in quotes, with what is not printable escaped, and at most
/// [`MAX_QUOTED`] characters of it. Bytes that are not UTF-8 are escaped as bytes. PEM, which may
/// be a key, is not shown.
pub fn quote<T: AsRef<[u8]> + ?Sized>(text: &T) -> String {
    let bytes = text.as_ref();
    // What is not shown may be long, and is not looked into.
    if pem::is_in(&bytes[..bytes.len().min(MAX_SHOWN)]) {
        return "PEM text".to_owned();
    }
    match core::str::from_utf8(bytes) {
        Ok(text) => match text.char_indices().nth(MAX_QUOTED) {
            Some((end, _)) => format!("{:?}{MORE}", &text[..end]),
            None => format!("{text:?}"),
        },
        Err(_) if bytes.len() > MAX_QUOTED => {
            format!("\"{}\"{MORE}", bytes[..MAX_QUOTED].escape_ascii())
        }
        Err(_) => format!("\"{}\"", bytes.escape_ascii()),
    }
}

/// Some of the texts, quoted, and how many more there are.
pub fn quote_some<T: AsRef<[u8]>>(texts: impl ExactSizeIterator<Item = T>) -> String {
    let more = texts.len().saturating_sub(MAX_LISTED);
    let mut list: Vec<String> = texts.take(MAX_LISTED).map(|text| quote(&text)).collect();
    if more > 0 {
        list.push(format!("{more} more"));
    }
    list.join(", ")
}

/// The text, or its beginning where JSON needs more than `room` bytes for it. Erlang's term format
/// never needs more for a text than JSON does.
pub fn clip(text: &str, room: usize) -> Cow<'_, str> {
    if text.len().saturating_mul(MAX_ESCAPE) <= room {
        return Cow::Borrowed(text);
    }
    let mut length = 0;
    let mut end = 0;
    for (at, c) in text.char_indices() {
        if length + MORE.len() <= room {
            end = at;
        }
        length += json_length_of(c);
        if length > room {
            return Cow::Owned(format!("{}{MORE}", &text[..end]));
        }
    }
    Cow::Borrowed(text)
}

/// How many bytes a JSON string takes between its quotes.
pub fn json_length(text: &str) -> usize {
    text.chars().map(json_length_of).sum()
}

fn json_length_of(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        '\0'..='\u{1f}' => MAX_ESCAPE,
        _ => c.len_utf8(),
    }
}

/// How many characters of one text a sentence quotes.
pub const MAX_QUOTED: usize = 200;

/// The bytes in which PEM begins that such a quotation would show: those of the longest characters,
/// and of the line that begins a block in the last of them.
const MAX_SHOWN: usize = 4 * MAX_QUOTED + 64;

/// How many of several texts a sentence quotes.
pub const MAX_LISTED: usize = 3;

/// The greatest length of a sentence, in bytes as JSON has it.
pub const MAX_MESSAGE: usize = 1024;

/// What stands for the rest of a text.
const MORE: &str = "…";

/// `\u001b`
const MAX_ESCAPE: usize = 6;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_has_an_end() {
        let text = "ż".repeat(MAX_QUOTED);
        assert_eq!(quote(&text), format!("\"{text}\""));
        assert_eq!(quote(&format!("{text}x")), format!("\"{text}\"…"));
        let bytes = [0xff; MAX_QUOTED + 1];
        let escaped = r"\xff".repeat(MAX_QUOTED);
        assert_eq!(quote(&bytes[1..]), format!("\"{escaped}\""));
        assert_eq!(quote(&bytes), format!("\"{escaped}\"…"));
        assert_eq!(quote("x\n-----BEGIN PRIVATE KEY-----"), "PEM text");
        assert_eq!(quote("a\"b\n\u{7f}"), r#""a\"b\n\u{7f}""#);
    }

    #[test]
    fn a_list_of_quotes_has_an_end() {
        assert_eq!(quote_some(["a", "b", "c"].iter()), r#""a", "b", "c""#);
        let list = quote_some(["a", "b", "c", "d", "e"].iter());
        assert_eq!(list, r#""a", "b", "c", 2 more"#);
    }
}
