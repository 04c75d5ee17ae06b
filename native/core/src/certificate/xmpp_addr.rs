use std::borrow::Cow;

/// An id-on-xmppAddr entry of a certificate (RFC 6120 section 13.7.1.4).
///
/// Every entry counts for `certjid_verification`: the common name must not speak for a
/// certificate whose xmppAddr names somebody that cannot be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum XmppAddr<'a> {
    /// Not one primitive UTF8String in its explicit tag. MongooseIM does not see such an entry.
    Malformed,
    /// A UTF8String that is not text: not UTF-8, or with control characters. MongooseIM counts it
    /// as an address, on which its process crashes.
    NotText,
    /// Text, neither prepared nor checked to be a JID.
    Text(Cow<'a, str>),
}

impl XmppAddr<'_> {
    /// The same without borrowing.
    pub(crate) fn to_static(&self) -> XmppAddr<'static> {
        match self {
            Self::Malformed => XmppAddr::Malformed,
            Self::NotText => XmppAddr::NotText,
            Self::Text(text) => XmppAddr::Text(text.to_string().into()),
        }
    }

    /// The text, where it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Malformed | Self::NotText => None,
        }
    }
}
