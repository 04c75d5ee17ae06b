//! Search filters (RFC 4515) from the templates of `auth.ldap`.

use certjid_core::config::Ldap;
use ldap3::ldap_escape;

/// The filter for an entry of the user: `uids`, and `filter` where it is set.
pub fn of_user(ldap: &Ldap, username: &str, host_type: &str) -> String {
    let values = [("%u", username), ("%d", host_type)];
    let uids: String = ldap
        .uids
        .iter()
        .map(|uid| format!("({}={})", uid.attr, substitute(&uid.format, &values)))
        .collect();
    let uids = match ldap.uids.len() {
        1 => uids,
        _ => format!("(|{uids})"),
    };
    if ldap.filter.is_empty() {
        return uids;
    }
    format!("(&{uids}{})", substitute(&ldap.filter, &values))
}

/// The filter of `dn_filter`: each `%s` is the next of the attributes' values.
pub fn of_dn(
    template: &str,
    username: &str,
    host: &str,
    dn: &str,
    attributes: &[String],
) -> String {
    let values = [("%u", username), ("%d", host), ("%D", dn)];
    let mut filter = String::new();
    let mut parts = template.split("%s");
    filter.push_str(&substitute(parts.next().unwrap_or_default(), &values));
    for (index, part) in parts.enumerate() {
        let value = attributes
            .get(index)
            .map(String::as_str)
            .unwrap_or_default();
        filter.push_str(&ldap_escape(value));
        filter.push_str(&substitute(part, &values));
    }
    filter
}

/// Puts the escaped values into a template, in one pass: a value that looks like a variable is
/// not substituted again.
fn substitute(template: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(at) = rest.find('%') {
        filled.push_str(&rest[..at]);
        rest = &rest[at..];
        let known = values.iter().find(|(name, _)| rest.starts_with(name));
        match known {
            Some((name, value)) => {
                filled.push_str(&ldap_escape(*value));
                rest = &rest[name.len()..];
            }
            None => {
                filled.push('%');
                rest = &rest[1..];
            }
        }
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use certjid_core::config::Uid;

    use super::*;

    fn ldap(uids: &[(&str, &str)], filter: &str) -> Ldap {
        let uid = |(attr, format): &(&str, &str)| Uid {
            attr: (*attr).to_owned(),
            format: (*format).to_owned(),
        };
        Ldap {
            uids: uids.iter().map(uid).collect(),
            filter: filter.to_owned(),
            ..Ldap::default()
        }
    }

    #[test]
    fn a_user_name_alters_no_filter() {
        let plain = ldap(&[("uid", "%u")], "");
        let cases = [
            ("alice", "(uid=alice)"),
            ("*", "(uid=\\2a)"),
            ("a)(b=*", "(uid=a\\29\\28b=\\2a)"),
            ("back\\slash", "(uid=back\\5cslash)"),
            ("\0", "(uid=\\00)"),
            ("żółw", "(uid=żółw)"),
            ("%d", "(uid=%d)"),
        ];
        for (username, filter) in cases {
            assert_eq!(of_user(&plain, username, "localhost"), filter);
        }
    }

    #[test]
    fn uids_and_filter_go_together() {
        let both = ldap(&[("uid", "%u"), ("mail", "%u@%d")], "(objectClass=person)");
        assert_eq!(
            of_user(&both, "alice", "localhost"),
            "(&(|(uid=alice)(mail=alice@localhost))(objectClass=person))"
        );
    }

    #[test]
    fn attributes_fill_a_dn_filter_in_turn() {
        let attributes = ["a*".to_owned(), "b".to_owned()];
        assert_eq!(
            of_dn(
                "(&(x=%s)(y=%s)(z=%u@%d)(owner=%D)(q=%s))",
                "u",
                "h",
                "cn=u",
                &attributes
            ),
            "(&(x=a\\2a)(y=b)(z=u@h)(owner=cn=u)(q=))"
        );
    }
}
