//! The two forms of an internationalized domain (RFC 3490): MongooseIM, and so certjid, takes them
//! for two domains, and somebody should say so.

use idna::punycode;

use super::nameprep;

/// Whether two prepared domains are one in IDNA and are compared as two, because one has labels in
/// ASCII (`xn--...`) that the other has in Unicode.
///
/// ```
/// # use certjid_core::jid::same_domain_in_other_form;
/// assert!(same_domain_in_other_form("xn--bcher-kva.example", "b\u{fc}cher.example"));
/// assert!(!same_domain_in_other_form("b\u{fc}cher.example", "b\u{fc}cher.example"));
/// assert!(!same_domain_in_other_form("xn--bcher-kva.example", "bucher.example"));
/// ```
pub fn same_domain_in_other_form(one: &str, other: &str) -> bool {
    let has_ascii_form = |domain: &str| domain.split('.').any(|label| label.starts_with(PREFIX));
    one != other
        && (has_ascii_form(one) || has_ascii_form(other))
        && unicode(one).is_some_and(|domain| unicode(other) == Some(domain))
}

/// What is to be added to a sentence that says that `host` is not one of some domains, all prepared:
/// the hint that one is the same in IDNA, or nothing.
pub(crate) fn hint_of_other_form<'a>(
    host: &str,
    domains: impl IntoIterator<Item = &'a str>,
) -> &'static str {
    let mut domains = domains.into_iter();
    match domains.any(|domain| same_domain_in_other_form(host, domain)) {
        true => {
            "; in IDNA that is the same domain, but the forms with xn-- and in Unicode count as two"
        }
        false => "",
    }
}

/// The domain with each label in Unicode. None where one is not Punycode (RFC 3492) of what
/// nameprep gives.
fn unicode(domain: &str) -> Option<String> {
    let labels: Option<Vec<String>> = domain.split(['.', IDEOGRAPHIC_STOP]).map(label).collect();
    Some(labels?.join("."))
}

fn label(label: &str) -> Option<String> {
    let Some(encoded) = label.strip_prefix(PREFIX) else {
        return Some(label.to_owned());
    };
    // No label is longer (RFC 1035 section 2.3.4), and decoding takes the square of the length.
    if encoded.len() > MAX_LABEL {
        return None;
    }
    let decoded = punycode::decode_to_string(encoded)?;
    nameprep(&decoded)
        .ok()
        .filter(|prepared| *prepared == decoded)
}

const PREFIX: &str = "xn--";

/// A dot in IDNA (RFC 3490 section 3.1), which nameprep keeps.
const IDEOGRAPHIC_STOP: char = '\u{3002}';

const MAX_LABEL: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_domain_in_two_forms_is_known_in_both_directions() {
        for (one, other, expected) in [
            ("xn--bcher-kva.example", "bücher.example", true),
            ("a.xn--bcher-kva.example", "a.bücher.example", true),
            (
                "xn--bcher-kva.münchen.example",
                "bücher.xn--mnchen-3ya.example",
                true,
            ),
            ("xn--fsq.example", "例\u{3002}example", true),
            ("xn--bcher-kva.example", "bücher.example.org", false),
            ("xn--bcher-kva.example", "xn--bcher-kva.example", false),
            ("bücher.example", "bucher.example", false),
            ("xn--.example", "example", false),
            // Not what nameprep gives: no program makes it of a name.
            ("xn--bcher-vkb.example", "bÜcher.example", false),
            ("xn--99999999999.example", "bücher.example", false),
        ] {
            assert_eq!(
                same_domain_in_other_form(one, other),
                expected,
                "{one} {other}"
            );
            assert_eq!(
                same_domain_in_other_form(other, one),
                expected,
                "{other} {one}"
            );
        }
        let long = format!("xn--{}", "a".repeat(1000));
        assert!(!same_domain_in_other_form(&long, "example"));
    }
}
