//! Just enough DER to take an input apart.

/// The SEQUENCEs that stand one after the other, as far as they are whole; the rest is the last.
pub(crate) fn sequences(mut data: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    while let Some(length) = whole(data) {
        found.push(data[..length].to_vec());
        data = &data[length..];
    }
    if !data.is_empty() {
        found.push(data.to_vec());
    }
    found
}

/// The length of the element that the data begins with.
fn whole(data: &[u8]) -> Option<usize> {
    let [0x30, first, rest @ ..] = data else {
        return None;
    };
    let (header, length) = match usize::from(*first) {
        short @ 0..=0x7f => (2, short),
        long @ 0x81..=0x83 => {
            let count = long - 0x80;
            let bytes = rest.get(..count)?;
            let length = bytes
                .iter()
                .fold(0, |sum, &byte| sum << 8 | usize::from(byte));
            (2 + count, length)
        }
        // 128 is the indefinite form, which is not DER.
        _ => return None,
    };
    (data.len() >= header + length).then_some(header + length)
}
