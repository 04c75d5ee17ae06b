use alloc::collections::BTreeSet;

use super::{Condition, Credentials, Failure, Found, Rules, quote};
use crate::jid::{self, Jid};
use crate::reason::Reason;

/// XEP-0178 as written; the rules are in the documentation of [`crate::sasl`].
pub(super) fn verify(rules: &Rules<'_>, credentials: &Credentials<'_>) -> Result<Found, Failure> {
    match (credentials.xmpp_addrs, credentials.unusable_xmpp_addrs) {
        ([], 0) => by_common_name(rules, credentials),
        ([], _) => Err(Failure::next(
            Condition::NotAuthorized,
            Reason::MalformedXmppAddr,
            "no xmppAddr of the certificate is text, and so none is a JID",
        )),
        _ => by_xmpp_addr(rules, credentials),
    }
}

fn by_xmpp_addr(rules: &Rules<'_>, credentials: &Credentials<'_>) -> Result<Found, Failure> {
    let addresses = addresses_of_host(rules, credentials.xmpp_addrs);
    if addresses.is_empty() {
        return Err(Failure::next(
            Condition::NotAuthorized,
            Reason::OtherHost,
            format!(
                "none of the certificate's xmppAddrs ({}) names a user of the host {:?}",
                credentials.xmpp_addrs.join(", ").escape_debug(),
                rules.host
            ),
        ));
    }

    let chosen = match credentials.authzid {
        None => {
            let users: BTreeSet<&str> = addresses.iter().map(|jid| &*jid.local).collect();
            if users.len() > 1 {
                return Err(Failure::next(
                    Condition::InvalidAuthzid,
                    Reason::AuthzidRequired,
                    format!(
                        "the certificate has {} xmppAddrs of this host, so that the client must \
                         say with an authorization identity which of them it means",
                        users.len()
                    ),
                ));
            }
            &addresses[0]
        }
        Some(authzid) => {
            let wanted = parse_authzid(authzid)?;
            // A client that says no resource means the user.
            let is_wanted = |jid: &&Jid| {
                (&wanted.local, &wanted.domain) == (&jid.local, &jid.domain)
                    && (wanted.resource.is_empty() || wanted.resource == jid.resource)
            };
            addresses.iter().find(is_wanted).ok_or_else(|| {
                mismatch(authzid, "none of the certificate's xmppAddrs of this host")
            })?
        }
    };
    Ok(Found {
        name: chosen.local.clone(),
        source: "xmppAddr",
    })
}

fn by_common_name(rules: &Rules<'_>, credentials: &Credentials<'_>) -> Result<Found, Failure> {
    let refused = |reason, message| Err(Failure::next(Condition::NotAuthorized, reason, message));
    let common_name = match credentials.common_name {
        None => {
            return refused(
                Reason::NoIdentity,
                "the certificate has neither an xmppAddr nor a common name".to_owned(),
            );
        }
        Some("") => {
            return refused(
                Reason::InvalidUsername,
                "the common name is empty".to_owned(),
            );
        }
        Some(common_name) => format!("{}{common_name}{}", rules.prefix, rules.suffix),
    };
    let local = match jid::nodeprep(&common_name) {
        Ok(local) if !local.is_empty() => local,
        Ok(_) => {
            return refused(
                Reason::InvalidUsername,
                "the common name is empty".to_owned(),
            );
        }
        Err(error) => {
            return refused(
                Reason::InvalidUsername,
                format!("the common name gives no valid local part: {error}"),
            );
        }
    };

    if let Some(authzid) = credentials.authzid {
        let wanted = parse_authzid(authzid)?;
        let is_wanted = wanted.local == local && wanted.domain == rules.host;
        if !is_wanted || !wanted.resource.is_empty() {
            let of_certificate = format!("{local}@{}", rules.host);
            return Err(mismatch(
                authzid,
                &format!("not {of_certificate:?}, which the common name gives"),
            ));
        }
    }
    Ok(Found {
        name: local,
        source: "common_name",
    })
}

/// The xmppAddr fields that name a user of this host.
fn addresses_of_host(rules: &Rules<'_>, xmpp_addrs: &[String]) -> Vec<Jid> {
    xmpp_addrs
        .iter()
        .filter_map(|text| Jid::parse(text.as_bytes()).ok())
        .filter(|jid| jid.domain == rules.host && !jid.local.is_empty())
        .collect()
}

fn parse_authzid(authzid: &[u8]) -> Result<Jid, Failure> {
    Jid::parse(authzid).map_err(|error| {
        Failure::next(
            Condition::InvalidAuthzid,
            Reason::MalformedAuthzid,
            format!(
                "the authorization identity {} is no JID: {error}",
                quote(authzid)
            ),
        )
    })
}

fn mismatch(authzid: &[u8], what: &str) -> Failure {
    Failure::next(
        Condition::InvalidAuthzid,
        Reason::AuthzidMismatch,
        format!("the authorization identity {} is {what}", quote(authzid)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(xmpp_addrs: &[&str], authzid: Option<&str>) -> Result<String, Condition> {
        let rules = Rules {
            kinds: &[],
            prefix: "",
            suffix: "",
            host: "localhost",
        };
        let xmpp_addrs: Vec<String> = xmpp_addrs.iter().map(ToString::to_string).collect();
        let credentials = Credentials {
            common_name: Some("bob"),
            xmpp_addrs: &xmpp_addrs,
            authzid: authzid.map(str::as_bytes),
            ..Credentials::default()
        };
        match verify(&rules, &credentials) {
            Ok(found) => Ok(found.name),
            Err(Failure::Last(rejected) | Failure::Next(rejected)) => Err(rejected.condition),
        }
    }

    #[test]
    fn the_order_of_xmpp_addrs_does_not_matter() {
        let phone = "alice@localhost/phone";
        for addresses in [["alice@localhost", phone], [phone, "Alice@localhost"]] {
            let alice = Ok("alice".to_owned());
            assert_eq!(user(&addresses, Some(phone)), alice);
            assert_eq!(user(&addresses, Some("alice@localhost")), alice);
            assert_eq!(user(&addresses, None), alice);
            let other = user(&addresses, Some("alice@localhost/desk"));
            assert_eq!(other, Err(Condition::InvalidAuthzid));
        }
    }

    #[test]
    fn jids_are_compared_part_by_part() {
        // A fullwidth @, of which nameprep makes an ordinary one: a host, and no user of one.
        let [alice, bob] = ["alice\u{ff20}localhost", "bob\u{ff20}localhost"];
        let written = Jid::parse(alice.as_bytes()).unwrap().to_string();
        assert_eq!(written, "alice@localhost");
        for (addresses, authzid) in [(&["alice@localhost"][..], alice), (&[], bob)] {
            let judged = user(addresses, Some(authzid));
            assert_eq!(judged, Err(Condition::InvalidAuthzid));
        }
    }
}
