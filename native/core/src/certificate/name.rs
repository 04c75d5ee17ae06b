/// A name that a certificate carries.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Name {
    /// What it is: `commonName`, `UID`, `xmppAddr`, `dNSName`, ..., or an OID.
    pub kind: String,
    /// The ASN.1 type that it is written in, such as `UTF8String`.
    pub encoding: String,
    /// The name in UTF-8.
    pub value: String,
}

/// A name that can't be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Skipped {
    /// As in [`Name`].
    pub kind: String,
    /// The bytes, with all but printable ASCII escaped.
    pub value: String,
    /// Why it does not count, as the end of a sentence that begins with the name.
    pub reason: String,
}
