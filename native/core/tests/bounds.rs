//! What is told to people has an end, whatever was sent.

use certjid_core::message::{clip, json_length};

#[test]
fn a_text_is_clipped_at_the_edge_alone() {
    for c in ['a', '"', '\\', '\n', '\u{1}', 'ż', '\u{10ffff}', '\u{7f}'] {
        let text = c.to_string().repeat(20);
        let length = serde_json::to_string(&text).unwrap().len() - 2;
        assert_eq!(json_length(&text), length);
        assert_eq!(clip(&text, length), text);
        for room in 0..length {
            let clipped = clip(&text, room);
            assert!(clipped.ends_with(MORE), "{clipped:?}");
            let length = serde_json::to_string(&clipped).unwrap().len() - 2;
            assert!(length <= room.max(MORE.len()), "{clipped:?} in {room}");
        }
    }
}

/// What stands for the rest of a text.
const MORE: &str = "…";
