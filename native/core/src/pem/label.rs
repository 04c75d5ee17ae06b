//! What the labels of PEM blocks mean (RFC 7468, and what OpenSSL writes beside it).

/// What a block holds, by its label.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Label {
    /// The label; of one that is not in the list, what is said in its place, for a file's own
    /// bytes are never shown.
    name: &'static str,
    pub(super) kind: Kind,
}

/// What a caller asks for, and what could be meant for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    Certificate,
    /// A certificate in another form, and how it is converted.
    CertificatesInside(&'static str),
    /// Certificates and CRLs in a form of their own, and how it is converted.
    Container(&'static str),
    Crl,
    /// A CRL under another label, and what is to be done about it.
    CrlInside(&'static str),
    Key(Key),
    /// What no certificate, list or key can be meant by.
    Other,
    Unknown,
}

/// The form of a private key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Key {
    /// PKCS #8 (RFC 5208).
    Pkcs8,
    /// PKCS #8 with a password.
    EncryptedPkcs8,
    /// RSA, PKCS #1 (RFC 8017).
    Pkcs1,
    /// A curve's (RFC 5915).
    Sec1,
    /// A form that is not read, and how it is converted.
    Other(Option<&'static str>),
}

impl Label {
    /// Reads what stands between `-----BEGIN ` and `-----`.
    pub(super) fn of(text: &[u8]) -> Self {
        let known = LABELS.iter().find(|label| label.name.as_bytes() == text);
        let is_key = || text.ends_with(b" PRIVATE KEY");
        match known {
            Some(label) => *label,
            None if is_key() => Self {
                name: "of another form of PRIVATE KEY",
                kind: Kind::Key(Key::Other(None)),
            },
            None => UNKNOWN,
        }
    }

    /// Whether it is a private key, with a password or not.
    pub fn is_private_key(&self) -> bool {
        matches!(self.kind, Kind::Key(_))
    }

    pub(super) fn is_crl(&self) -> bool {
        matches!(self.kind, Kind::Crl | Kind::CrlInside(_))
    }

    /// Whether it is a private key that a password locks.
    pub fn is_encrypted(&self) -> bool {
        self.kind == Kind::Key(Key::EncryptedPkcs8)
    }

    pub(super) fn is_known(&self) -> bool {
        self.kind != Kind::Unknown
    }

    /// The label as a file has it, such as `X509 CRL`.
    pub fn as_str(&self) -> &'static str {
        self.name
    }
}

/// Whether a text, in upper case and without hyphens, is the begin of a block whose hyphens are
/// not right.
pub(super) fn is_begin_of_known(text: &str) -> bool {
    let label = text.strip_prefix("BEGIN ").map(str::trim);
    label.is_some_and(|label| Label::of(label.as_bytes()).is_known())
}

const fn label(name: &'static str, kind: Kind) -> Label {
    Label { name, kind }
}

const UNKNOWN: Label = label("of an unknown label", Kind::Unknown);

const LABELS: [Label; 23] = [
    label("CERTIFICATE", Kind::Certificate),
    label("TRUSTED CERTIFICATE", Kind::CertificatesInside(FROM_X509)),
    label("X509 CERTIFICATE", Kind::CertificatesInside(FROM_X509)),
    label("PKCS7", Kind::Container(FROM_PKCS7)),
    label("PKCS #7 SIGNED DATA", Kind::Container(FROM_PKCS7)),
    label("CMS", Kind::Container(FROM_CMS)),
    label("X509 CRL", Kind::Crl),
    label("CRL", Kind::CrlInside("its label must be X509 CRL")),
    label("PRIVATE KEY", Kind::Key(Key::Pkcs8)),
    label("ENCRYPTED PRIVATE KEY", Kind::Key(Key::EncryptedPkcs8)),
    label("RSA PRIVATE KEY", Kind::Key(Key::Pkcs1)),
    label("EC PRIVATE KEY", Kind::Key(Key::Sec1)),
    label("DSA PRIVATE KEY", Kind::Key(Key::Other(None))),
    label("OPENSSH PRIVATE KEY", Kind::Key(Key::Other(FROM_OPENSSH))),
    label("PUBLIC KEY", Kind::Other),
    label("RSA PUBLIC KEY", Kind::Other),
    label("CERTIFICATE REQUEST", Kind::Other),
    label("NEW CERTIFICATE REQUEST", Kind::Other),
    label("ATTRIBUTE CERTIFICATE", Kind::Other),
    label("DH PARAMETERS", Kind::Other),
    label("X9.42 DH PARAMETERS", Kind::Other),
    label("DSA PARAMETERS", Kind::Other),
    label("EC PARAMETERS", Kind::Other),
];

const FROM_X509: &str = "`openssl x509 -in FILE` converts it";
const FROM_PKCS7: &str = "`openssl pkcs7 -print_certs -in FILE` converts it";
const FROM_CMS: &str = "`openssl cms -cmsout -inform PEM -in FILE -outform DER | openssl pkcs7 \
                        -print_certs -inform DER` converts it";
const FROM_OPENSSH: Option<&str> = Some("`ssh-keygen -p -m PKCS8 -f FILE` converts it");
