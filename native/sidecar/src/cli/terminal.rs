//! Text for a person. Colour goes to terminals only, and not where `NO_COLOR` is set.

use core::fmt::Display;
use std::io::{self, Write};

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

/// Text that others chose, with what could steer a terminal escaped.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_bidirectional_control(c) {
            plain.extend(c.escape_default());
        } else {
            plain.push(c);
        }
    }
    plain
}

fn is_bidirectional_control(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A time as RFC 3339 writes it.
pub(super) fn time(seconds: i64) -> String {
    OffsetDateTime::from_unix_timestamp(seconds)
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_else(|| format!("{seconds} seconds after 1970"))
}

/// Writes to standard output. Whoever reads only the beginning is no fault.
pub(super) fn print(text: &str) -> io::Result<()> {
    ignore_closed(anstream::stdout().write_all(text.as_bytes()))
}

/// Writes to standard output as it is.
pub(super) fn print_bytes(bytes: &[u8]) -> io::Result<()> {
    ignore_closed(io::stdout().write_all(bytes))
}

pub(super) fn print_json(value: &serde_json::Value) -> io::Result<()> {
    print_bytes(format!("{value:#}\n").as_bytes())
}

/// Writes why a command can't work to standard error.
pub(super) fn print_error(message: &str) {
    // Where standard error is closed, there is nobody to tell.
    let _ = writeln!(anstream::stderr(), "{} {message}", styled(BAD, "certjid:"));
}

fn ignore_closed(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
