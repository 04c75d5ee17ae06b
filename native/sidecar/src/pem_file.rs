//! PEM files that options name.

use std::fs;
use std::path::Path;

use certjid_core::pem::{self, Contents, PemError};

/// Reads a file; `read` says what of it is due.
///
/// # Errors
/// What is wrong with it and where, with its name. Nothing of the file itself.
pub(crate) fn read<T>(
    file: &Path,
    read: impl Fn(&[u8]) -> Result<T, PemError>,
) -> Result<T, String> {
    if is_text(file) {
        return Err(pem::IS_TEXT.to_owned());
    }
    let text = fs::read(file).map_err(|error| named(file, error))?;
    read(&text).map_err(|error| named(file, error))
}

/// Reads a file that must have something of what is due, in DER.
///
/// # Errors
/// As [`read`].
pub(crate) fn ders(
    file: &Path,
    contents: impl Fn(&[u8]) -> Result<Contents, PemError>,
) -> Result<Vec<Vec<u8>>, String> {
    read(file, |text| contents(text).and_then(Contents::not_empty)).map(Contents::ders)
}

/// Whether a name is PEM text.
pub(crate) fn is_text(file: &Path) -> bool {
    pem::is_in(file.as_os_str().as_encoded_bytes())
}

pub(crate) fn named(file: &Path, error: impl core::fmt::Display) -> String {
    format!("{}: {error}", file.display())
}
