//! Text for a person. Colour goes to terminals only, and not where `NO_COLOR` is set.
//!
//! What steers a terminal is written by this module alone: everything else that is printed has its
//! control characters escaped, wherever it comes from.

use core::fmt::Display;
use std::io::{self, Write};
use std::sync::LazyLock;

use anstyle::{AnsiColor, Style};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub(super) const GOOD: Style = AnsiColor::Green.on_default().bold();
pub(super) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(super) const NOTE: Style = AnsiColor::Yellow.on_default();
pub(super) const FAINT: Style = Style::new().dimmed();

/// Text in a style.
pub(super) fn styled(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// Text that others chose, on one line, with what could steer a terminal escaped.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    text.chars().for_each(|c| push_plain(&mut plain, c));
    plain
}

/// Several lines that others chose, of which no one can look like a line of ours.
pub(super) fn plain_lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(plain).collect();
    lines.join("\n    ")
}

fn push_plain(plain: &mut String, c: char) {
    if steers(c) {
        plain.extend(c.escape_default());
    } else {
        plain.push(c);
    }
}

/// Control characters, and those that turn the direction of text.
fn steers(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        )
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{2066}'..='\u{2069}')
}

/// The text as it may be written: with ends of lines and our own styles, and no other control
/// character.
fn harmless(text: &str) -> String {
    let mut harmless = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let style = STYLES.iter().find(|style| rest.starts_with(style.as_str()));
        let length = match style {
            Some(style) => {
                harmless.push_str(style);
                style.len()
            }
            None if c == '\n' => {
                harmless.push(c);
                1
            }
            None => {
                push_plain(&mut harmless, c);
                c.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    harmless
}

/// The sequences that [`styled`] writes.
static STYLES: LazyLock<Vec<String>> = LazyLock::new(|| {
    [GOOD, BAD, NOTE, FAINT]
        .iter()
        .flat_map(|style| [format!("{style}"), format!("{style:#}")])
        .collect()
});

/// A time as RFC 3339 writes it.
pub(super) fn time(seconds: i64) -> String {
    OffsetDateTime::from_unix_timestamp(seconds)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| format!("{seconds} seconds after 1970"))
}

/// Writes to standard output. Where its reader goes away, that is not a fault.
pub(super) fn print(text: &str) -> io::Result<()> {
    ignore_closed(anstream::stdout().write_all(harmless(text).as_bytes()))
}

/// Writes to standard output, over what is on the screen where that is a terminal.
pub(super) fn print_screen(text: &str, is_terminal: bool) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    if is_terminal {
        write!(out, "{CLEAR}")?;
    }
    out.write_all(harmless(text).as_bytes())?;
    out.flush()
}

/// Writes to standard output as it is.
pub(super) fn print_bytes(bytes: &[u8]) -> io::Result<()> {
    ignore_closed(io::stdout().write_all(bytes))
}

/// Writes JSON, of which `serde_json` escapes the control characters of ASCII alone.
pub(super) fn print_json(value: &serde_json::Value) -> io::Result<()> {
    let mut text = String::new();
    for c in format!("{value:#}\n").chars() {
        if c != '\n' && steers(c) {
            // All of them are in the first plane.
            text.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            text.push(c);
        }
    }
    print_bytes(text.as_bytes())
}

/// Writes why a command can't work to standard error.
pub(super) fn print_error(message: &str) {
    // Where standard error is closed, there is nobody to tell.
    let text = format!("{} {message}\n", styled(BAD, "certjid:"));
    let _ = anstream::stderr().write_all(harmless(&text).as_bytes());
}

fn ignore_closed(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// To the top left, over what was there before.
const CLEAR: &str = "\x1b[H\x1b[2J";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_styles_are_written() {
        let text = format!("{}\n\u{1b}[2J\u{9b}31m\r\u{202e}", styled(BAD, "x"));
        let written = format!(
            "{}\n\\u{{1b}}[2J\\u{{9b}}31m\\r\\u{{202e}}",
            styled(BAD, "x")
        );
        assert_eq!(harmless(&text), written);
        assert_eq!(plain_lines("a\nb\u{1b}"), "a\n    b\\u{1b}");
    }

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        assert_eq!(plain("Zoë\u{1b}[2J\n\u{202e}"), "Zoë\\u{1b}[2J\\n\\u{202e}");
    }

    #[test]
    fn times() {
        assert_eq!(time(0), "1970-01-01T00:00:00Z");
        assert_eq!(time(i64::MAX), "9223372036854775807 seconds after 1970");
    }
}
