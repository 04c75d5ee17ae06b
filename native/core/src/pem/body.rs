//! What stands between the begin and the end of a block.

use base64::engine::general_purpose::STANDARD;
use base64::{DecodeError, Engine as _};

use super::block::Block;
use super::error::{PemError, PemFault};

impl Block<'_> {
    /// Decodes the base64, beside which only white space may stand.
    pub(super) fn decode(&self) -> Result<Vec<u8>, PemError> {
        let text: Vec<u8> = self.characters().collect();
        match STANDARD.decode(&text) {
            Ok(der) if der.is_empty() => Err(PemError::at(self.line, PemFault::Empty(self.label))),
            Ok(der) => Ok(der),
            // The decoder's own words have a byte of the file.
            Err(error) => Err(PemError::at(
                self.line_of(&error),
                PemFault::Base64(self.label),
            )),
        }
    }

    /// Whether a header of RFC 1421 says that OpenSSL has encrypted it.
    pub(super) fn is_encrypted_by_header(&self) -> bool {
        let first = self.body.clone().take();
        first.is_some_and(|line| line.trim_ascii().starts_with(b"Proc-Type:"))
    }

    fn characters(&self) -> impl Iterator<Item = u8> {
        let bytes = self.body.rest().iter().copied();
        bytes.filter(|byte| !byte.is_ascii_whitespace())
    }

    fn line_of(&self, error: &DecodeError) -> usize {
        let mut left = match error {
            DecodeError::InvalidByte(offset, _) | DecodeError::InvalidLastSymbol(offset, _) => {
                *offset
            }
            // It ends too early.
            DecodeError::InvalidLength(_) | DecodeError::InvalidPadding => {
                self.characters().count().saturating_sub(1)
            }
        };
        let mut lines = self.body.clone();
        loop {
            let number = lines.number();
            let Some(line) = lines.take() else {
                return self.line;
            };
            let count = line.iter().filter(|byte| !byte.is_ascii_whitespace());
            match left.checked_sub(count.count()) {
                Some(rest) => left = rest,
                None => return number,
            }
        }
    }
}
