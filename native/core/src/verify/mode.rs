use core::fmt;
use core::str::FromStr;

/// What a listener asks of a client's certificate: MongooseIM's option `tls.verify_mode`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum VerifyMode {
    /// No certificate is requested, so none can log in.
    None,
    /// The chain must lead to a trusted CA. MongooseIM's default.
    #[default]
    Peer,
    /// As `Peer`, and a single certificate that signed itself is accepted too. Anyone can make
    /// such a certificate for any name: for development only.
    SelfsignedPeer,
}

impl VerifyMode {
    /// The name that `tls.verify_mode` gives this mode.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Peer => "peer",
            Self::SelfsignedPeer => "selfsigned_peer",
        }
    }
}

impl fmt::Display for VerifyMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for VerifyMode {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        match name {
            "none" => Ok(Self::None),
            "peer" => Ok(Self::Peer),
            "selfsigned_peer" => Ok(Self::SelfsignedPeer),
            _ => Err(()),
        }
    }
}
