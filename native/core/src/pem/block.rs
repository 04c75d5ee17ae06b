//! The blocks of a text, found without decoding them.

use memchr::memmem;

use super::error::{InPlace, PemError, PemFault};
use super::label::{self, Label};
use super::lines::Lines;

/// One block.
#[derive(Clone, Debug)]
pub(super) struct Block<'a> {
    pub(super) label: Label,
    /// The line of its begin.
    pub(super) line: usize,
    /// The lines between begin and end, and the number of the first.
    pub(super) body: Lines<'a>,
}

/// The blocks in their order, up to the first fault. Each `-----BEGIN` is a block or a fault.
#[derive(Debug)]
pub(super) struct Blocks<'a> {
    lines: Lines<'a>,
    /// Whether text is left over only after the end of a block in the same line.
    is_after_end: bool,
    /// Whether something other than blocks and white space has been passed over.
    pub(super) has_text: bool,
    has_failed: bool,
}

impl<'a> Blocks<'a> {
    pub(super) fn of(text: &'a [u8]) -> Self {
        Self {
            lines: Lines::of(text),
            is_after_end: false,
            has_text: false,
            has_failed: false,
        }
    }

    /// Passes over text up to the next block.
    fn find(&mut self) -> Result<Option<Block<'a>>, PemError> {
        loop {
            let number = self.lines.number();
            let Some(line) = self.lines.take() else {
                return Ok(None);
            };
            let is_after_end = core::mem::take(&mut self.is_after_end);
            let text = without_marks(line);
            self.has_text |= text.len() < line.trim_ascii().len();
            let at = |fault| PemError::at(number, fault);
            let Some(begin) = position(text, BEGIN) else {
                check_text(text, is_after_end).map_err(at)?;
                self.has_text |= !text.is_empty();
                continue;
            };
            let (label, after) =
                boundary(&text[begin + BEGIN.len()..]).ok_or_else(|| at(PemFault::Boundary))?;
            let label = Label::of(label);
            if !after.trim_ascii().is_empty() {
                return Err(at(PemFault::LineEnds(label, in_place(after))));
            }
            if begin > 0 {
                return Err(at(PemFault::TextBefore(label)));
            }
            return self.read(label, number).map(Some);
        }
    }

    /// Reads a block whose begin has been taken.
    fn read(&mut self, label: Label, line: usize) -> Result<Block<'a>, PemError> {
        let start = self.lines.clone();
        let fault = |fault| PemError::at(line, fault);
        loop {
            let before = self.lines.clone();
            let number = before.number();
            let Some(text) = self.lines.take() else {
                return Err(fault(PemFault::NoEnd(label, None)));
            };
            // Base64 has no hyphens.
            let Some(hyphen) = text.iter().position(|&byte| byte == b'-') else {
                continue;
            };
            let end = position(&text[hyphen..], END).map(|end| hyphen + end);
            let next = position(&text[hyphen..], BEGIN).map(|begin| hyphen + begin);
            match (end, next) {
                (None, None) => continue,
                (None, Some(_)) => return Err(fault(PemFault::NoEnd(label, Some(number)))),
                (Some(end), Some(next)) if next < end => {
                    return Err(fault(PemFault::NoEnd(label, Some(number))));
                }
                (Some(end), _) => {
                    let (closing, after) = boundary(&text[end + END.len()..])
                        .ok_or_else(|| PemError::at(number, PemFault::Boundary))?;
                    if Label::of(closing) != label {
                        return Err(fault(PemFault::OtherEnd(label, number)));
                    }
                    let content = text[..end].trim_ascii();
                    if !content.is_empty() {
                        let in_place = in_place_before(&text[..end]);
                        return Err(PemError::at(number, PemFault::LineEnds(label, in_place)));
                    }
                    if !after.trim_ascii().is_empty() {
                        self.lines = before.clone();
                        self.lines.skip(text.len() - after.len());
                        self.is_after_end = true;
                    }
                    let length = start.rest().len() - before.rest().len();
                    return Ok(Block {
                        label,
                        line,
                        body: Lines::from_line(&start.rest()[..length], start.number()),
                    });
                }
            }
        }
    }
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Result<Block<'a>, PemError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_failed {
            return None;
        }
        let found = match is_utf16(self.lines.rest()) {
            true => Err(PemError::whole(PemFault::Utf16)),
            false => self.find(),
        };
        self.has_failed = found.is_err();
        found.transpose()
    }
}

/// The label and what follows the five hyphens behind it. None where they are not there.
fn boundary(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = text.strip_prefix(b" ")?;
    let end = position(text, HYPHENS)?;
    Some((&text[..end], &text[end + HYPHENS.len()..]))
}

/// Text outside of blocks says nothing, unless a block is lost in it.
fn check_text(text: &[u8], is_after_end: bool) -> Result<(), PemFault> {
    if text.iter().any(|byte| NOT_TEXT.contains(byte)) {
        return Err(PemFault::Binary);
    }
    if position(text, END).is_some_and(|end| is_known_end(&text[end + END.len()..], end)) {
        return Err(PemFault::NoBegin);
    }
    let is_hyphen = |&char: &char| HYPHEN_LIKE.contains(&char);
    let text = String::from_utf8_lossy(text);
    let bare = text.trim_start_matches(|char| is_hyphen(&char));
    if !is_after_end && bare.len() == text.len() {
        return Ok(());
    }
    // The hyphens of an end may be those of the next begin.
    if is_after_end && bare.starts_with("BEGIN") {
        return Err(PemFault::Boundary);
    }
    let bare = bare.trim_end_matches(|char| is_hyphen(&char)).trim();
    match label::is_begin_of_known(&bare.to_ascii_uppercase()) {
        true => Err(PemFault::Boundary),
        false => Ok(()),
    }
}

/// Whether what follows `-----END`, so far from the begin of the line, makes it the end of a block.
fn is_known_end(after: &[u8], indent: usize) -> bool {
    indent == 0 || boundary(after).is_some_and(|(label, _)| Label::of(label).is_known())
}

/// The text less white space around it and byte order marks before it: programs write one, and
/// each file of several that are joined may have it.
fn without_marks(line: &[u8]) -> &[u8] {
    let mut text = line.trim_ascii();
    while let Some(rest) = text.strip_prefix(BYTE_ORDER_MARK) {
        text = rest.trim_ascii_start();
    }
    text
}

/// What stands in place of the line end behind a begin.
fn in_place(after: &[u8]) -> InPlace {
    if after.trim_ascii_start().starts_with(b"\\") {
        InPlace::Escape
    } else if after.starts_with(b" ") || after.starts_with(b"\t") {
        InPlace::Blank
    } else {
        InPlace::Nothing
    }
}

/// What stands in place of the line end before an end.
fn in_place_before(text: &[u8]) -> InPlace {
    if text.trim_ascii_end().ends_with(b"\\n") {
        InPlace::Escape
    } else if text.ends_with(b" ") || text.ends_with(b"\t") {
        InPlace::Blank
    } else {
        InPlace::Nothing
    }
}

/// Whether it begins with the byte order mark of UTF-16.
pub(super) fn is_utf16(text: &[u8]) -> bool {
    text.starts_with(b"\xff\xfe") || text.starts_with(b"\xfe\xff")
}

pub(super) fn position(text: &[u8], what: &[u8]) -> Option<usize> {
    memmem::find(text, what)
}

pub(super) const BEGIN: &[u8] = b"-----BEGIN";
const END: &[u8] = b"-----END";
const HYPHENS: &[u8] = b"-----";

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What word processors make of hyphens.
const HYPHEN_LIKE: [char; 5] = ['-', '\u{2010}', '\u{2013}', '\u{2014}', '\u{2212}'];

/// Control characters, less white space and the end mark of DOS.
const NOT_TEXT: &[u8] = b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x0e\x0f\
    \x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1b\x1c\x1d\x1e\x1f\x7f";
