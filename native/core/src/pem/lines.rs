/// The rest of a text, with the number of the line that it begins in.
#[derive(Clone, Debug)]
pub(super) struct Lines<'a> {
    rest: &'a [u8],
    number: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a [u8]) -> Self {
        Self {
            rest: text,
            number: 1,
        }
    }

    /// Of a part of a text, which begins in this line.
    pub(super) fn from_line(text: &'a [u8], number: usize) -> Self {
        Self { rest: text, number }
    }

    /// The line that the rest begins in, from 1.
    pub(super) fn number(&self) -> usize {
        self.number
    }

    /// What has not been taken.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Takes what is left of the line, which ends with LF, CR LF or CR, or with the text.
    pub(super) fn take(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|byte| b"\r\n".contains(byte));
        let Some(end) = end else {
            return Some(core::mem::take(&mut self.rest));
        };
        let (line, rest) = self.rest.split_at(end);
        self.rest = match rest {
            [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => rest,
            [] => rest,
        };
        self.number += 1;
        Some(line)
    }

    /// Takes so many bytes of the line.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }
}
