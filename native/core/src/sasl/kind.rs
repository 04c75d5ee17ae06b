use core::convert::Infallible;
use core::fmt;
use core::str::FromStr;

/// One entry of MongooseIM's option `auth.sasl_external`: a way to derive the user name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Kind {
    /// `auth_id`: the authorization identity that the client sends, whatever the certificate
    /// says.
    AuthId,
    /// `certjid_verification`: XEP-0178 as written. See [`crate::sasl`].
    CertjidVerification,
    /// `common_name`: the first common name of the subject.
    CommonName,
    /// `cyrsasl_external_verification`: the example module that MongooseIM ships.
    DemoVerification,
    /// Any other name: an Erlang module with `verify_creds/1`, which only an Erlang node can
    /// call.
    Module(String),
    /// `standard`: the xmppAddr fields. MongooseIM's default.
    Standard,
}

impl Kind {
    /// The name that `auth.sasl_external` gives this kind.
    pub fn as_str(&self) -> &str {
        match self {
            Self::AuthId => "auth_id",
            Self::CertjidVerification => "certjid_verification",
            Self::CommonName => "common_name",
            Self::DemoVerification => "cyrsasl_external_verification",
            Self::Module(name) => name,
            Self::Standard => "standard",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = Infallible;

    fn from_str(name: &str) -> Result<Self, Infallible> {
        Ok(match name {
            "auth_id" => Self::AuthId,
            "certjid_verification" => Self::CertjidVerification,
            "common_name" => Self::CommonName,
            "cyrsasl_external_verification" => Self::DemoVerification,
            "standard" => Self::Standard,
            module => Self::Module(module.to_owned()),
        })
    }
}
