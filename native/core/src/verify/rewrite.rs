//! DER that is written anew, for webpki to judge.

use der::asn1::AnyRef;
use der::{Encode as _, Tag, TagNumber};

pub(super) fn sequence(parts: &[&[u8]]) -> Option<Vec<u8>> {
    wrap(Tag::Sequence, parts)
}

pub(super) fn context(number: u8, contents: &[u8]) -> Option<Vec<u8>> {
    let tag = Tag::ContextSpecific {
        constructed: true,
        number: TagNumber::new(number),
    };
    wrap(tag, &[contents])
}

pub(super) fn wrap(tag: Tag, parts: &[&[u8]]) -> Option<Vec<u8>> {
    let contents = parts.concat();
    AnyRef::new(tag, &contents).ok()?.to_der().ok()
}
