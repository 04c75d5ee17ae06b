/// The format of a payload, told by its first byte.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// Erlang's external term format: 131.
    Etf,
    /// JSON: `{`, and every other byte but 131.
    Json,
}

impl Format {
    /// The format that a payload with this first byte is answered in.
    pub fn of(first: Option<u8>) -> Self {
        if first == Some(super::etf::VERSION) {
            Self::Etf
        } else {
            Self::Json
        }
    }
}
