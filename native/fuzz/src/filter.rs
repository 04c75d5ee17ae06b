//! LDAP filters: a name fills its place in the template and changes nothing else.

use certjid_core::config::{Ldap, Uid};
use certjid_sidecar::backend::filter;
use ldap3::asn1::{ASNTag as _, PL, StructureTag};
use ldap3::parse_filter;

/// Parts: attribute, format of the uid, filter, filter of `dn_filter`, then user, host, and two
/// values of attributes.
pub fn check(data: &[u8]) {
    let mut parts = crate::parts(data);
    let mut text = || String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let (attr, format, filter, of_dn) = (text(), text(), text(), text());
    let names = [text(), text(), text(), text()];
    let templates = [&attr, &format, &filter, &of_dn];
    let mixed = |text: &&String| MARKS.iter().any(|mark| text.contains(mark));
    if templates.iter().any(mixed) || names.iter().any(|name| mixed(&name)) {
        return;
    }
    // An empty name is no name of a user, and a substring of nothing is not one in a filter.
    if names.iter().any(String::is_empty) {
        return;
    }
    let ldap = Ldap {
        uids: vec![Uid { attr, format }],
        filter,
        ..Ldap::default()
    };
    let of_user = |[user, host, ..]: [&str; 4]| filter::of_user(&ldap, user, host);
    let of_entry = |[user, host, dn, value]: [&str; 4]| {
        filter::of_dn(&of_dn, user, host, dn, &[value.to_owned()])
    };
    compare(&of_user, &names);
    compare(&of_entry, &names);
}

/// The filter with these names, against the one with plain words in their places.
fn compare(filter: &dyn Fn([&str; 4]) -> String, names: &[String; 4]) {
    let marked = filter(MARKS);
    let Ok(marked) = parse_filter(&marked) else {
        // The template itself is none.
        return;
    };
    // Nor is one with a name in the place of an attribute, where no escape may stand.
    if parse_filter(filter(["*"; 4])).is_err() {
        return;
    }
    let filled = filter(names.each_ref().map(String::as_str));
    let filled = parse_filter(&filled).unwrap_or_else(|()| panic!("{filled:?} is no filter"));
    let (mut marked, filled) = (marked.into_structure(), filled.into_structure());
    fill(&mut marked, names);
    assert_eq!(marked, filled);
}

/// Puts the names into the values of a parsed filter.
fn fill(tag: &mut StructureTag, names: &[String; 4]) {
    match &mut tag.payload {
        PL::C(inner) => inner.iter_mut().for_each(|tag| fill(tag, names)),
        PL::P(bytes) => {
            for (mark, name) in MARKS.iter().zip(names) {
                *bytes = replace(bytes, mark.as_bytes(), name.as_bytes());
            }
        }
    }
}

fn replace(bytes: &[u8], what: &[u8], by: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(what) {
            replaced.extend(by);
            rest = after;
        } else {
            replaced.push(rest[0]);
            rest = &rest[1..];
        }
    }
    replaced
}

/// Stand for user, host, DN and attribute.
const MARKS: [&str; 4] = ["userMARK", "hostMARK", "entryMARK", "valueMARK"];

/// Templates as the documentation has them, with names of all sorts.
pub fn seeds() -> Vec<Vec<u8>> {
    let templates: [[&[u8]; 4]; 4] = [
        [b"uid", b"%u", b"", b"(member=%D)"],
        [
            b"mail",
            b"%u@%d",
            b"(objectClass=person)",
            b"(&(owner=%D)(cn=%u)(x=%s))",
        ],
        [b"cn", b"*%u*", b"(&(o=%d)(!(x=y)))", b"(|(a=%s)(b=%s))"],
        [b"uid", b"a%u", b"(cn:dn:=%u)", b"(cn>=%u)"],
    ];
    let names: [[&[u8]; 4]; 4] = [
        [b"alice", b"localhost", b"cn=alice,dc=x", b"v"],
        [b"*", b")(uid=*", b"\\2a", b"%u"],
        [b"a)(b=*", b"\0", b"%s%D", b"\\"],
        ["żółw".as_bytes(), b"%d", b"(", b")"],
    ];
    let mut seeds = Vec::new();
    for template in &templates {
        seeds.extend(
            names
                .iter()
                .map(|names| crate::join(&[&template[..], names].concat())),
        );
    }
    seeds
}

/// What a filter is made of.
pub const WORDS: &[&str] = &[
    "%u", "%d", "%s", "%D", "(", ")", "(&", "(|", "(!", "*", "\\", "\\2a", "=", ">=", "<=", "~=",
    ":=", ":dn:", "uid", "alice", "\0",
];
