use super::Format;

/// What the reply repeats so that the client knows its request: the bytes of the client's own
/// text or term, so that no integer is rounded and no string is spelled otherwise.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Id {
    format: Format,
    written: Vec<u8>,
}

impl Id {
    /// The id of a message that has none.
    pub fn absent(format: Format) -> Self {
        let written = match format {
            Format::Etf => super::etf::UNDEFINED,
            Format::Json => b"null",
        };
        Self {
            format,
            written: written.to_vec(),
        }
    }

    /// An id as it stands in a payload. That it is a scalar is for the format to see.
    ///
    /// # Errors
    /// One that is longer than [`MAX_ID`].
    pub(super) fn new(format: Format, written: &[u8]) -> Result<Self, String> {
        if written.len() > MAX_ID {
            return Err(format!(
                "\"id\" has {} bytes, more than the {MAX_ID} allowed",
                written.len()
            ));
        }
        Ok(Self {
            format,
            written: written.to_vec(),
        })
    }

    /// The format of the request, which is that of the reply.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The bytes that the reply repeats.
    pub fn written(&self) -> &[u8] {
        &self.written
    }
}

/// The greatest length of an id, in bytes as the client writes it: with the quotes and escapes of
/// a JSON string, and the tag and length of a term.
pub const MAX_ID: usize = 1024;
