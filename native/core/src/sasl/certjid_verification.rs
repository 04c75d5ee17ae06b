use super::{Condition, Credentials, Failure, Found, Rules, quote};
use crate::jid::{self, Jid};

/// XEP-0178 as written; the rules are in the documentation of [`crate::sasl`].
pub(super) fn verify(rules: &Rules<'_>, credentials: &Credentials<'_>) -> Result<Found, Failure> {
    if credentials.xmpp_addrs.is_empty() {
        by_common_name(rules, credentials)
    } else {
        by_xmpp_addr(rules, credentials)
    }
}

fn by_xmpp_addr(rules: &Rules<'_>, credentials: &Credentials<'_>) -> Result<Found, Failure> {
    let addresses = addresses_of_host(rules, credentials.xmpp_addrs);
    if addresses.is_empty() {
        return Err(Failure::next(
            Condition::NotAuthorized,
            "other_host",
            format!(
                "none of the certificate's xmppAddrs ({}) names a user of the host {:?}",
                credentials.xmpp_addrs.join(", ").escape_debug(),
                rules.host
            ),
        ));
    }

    let chosen = match credentials.authzid {
        None => match &addresses[..] {
            [only] => only,
            several => {
                return Err(Failure::next(
                    Condition::InvalidAuthzid,
                    "authzid_required",
                    format!(
                        "the certificate has {} xmppAddrs of this host, so that the client must \
                         say with an authorization identity which of them it means",
                        several.len()
                    ),
                ));
            }
        },
        Some(authzid) => {
            let wanted = parse_authzid(authzid)?;
            let equal = |jid: &&Jid| wanted == **jid || wanted.to_string() == jid.bare();
            addresses.iter().find(equal).ok_or_else(|| {
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
                "no_identity",
                "the certificate has neither an xmppAddr nor a common name".to_owned(),
            );
        }
        Some("") => return refused("invalid_username", "the common name is empty".to_owned()),
        Some(common_name) => format!("{}{common_name}{}", rules.prefix, rules.suffix),
    };
    let local = match jid::nodeprep(&common_name) {
        Ok(local) if !local.is_empty() => local,
        Ok(_) => return refused("invalid_username", "the common name is empty".to_owned()),
        Err(error) => {
            return refused(
                "invalid_username",
                format!("the common name gives no valid local part: {error}"),
            );
        }
    };

    if let Some(authzid) = credentials.authzid {
        let of_certificate = format!("{local}@{}", rules.host);
        if parse_authzid(authzid)?.to_string() != of_certificate {
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

/// The xmppAddr fields that name a user of this host, each once.
fn addresses_of_host(rules: &Rules<'_>, xmpp_addrs: &[String]) -> Vec<Jid> {
    let mut addresses: Vec<Jid> = Vec::new();
    for jid in xmpp_addrs
        .iter()
        .filter_map(|text| Jid::parse(text.as_bytes()).ok())
    {
        let counts = jid.domain == rules.host && !jid.local.is_empty();
        if counts && !addresses.iter().any(|known| known.local == jid.local) {
            addresses.push(jid);
        }
    }
    addresses
}

fn parse_authzid(authzid: &[u8]) -> Result<Jid, Failure> {
    Jid::parse(authzid).map_err(|error| {
        Failure::next(
            Condition::InvalidAuthzid,
            "malformed_authzid",
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
        "authzid_mismatch",
        format!("the authorization identity {} is {what}", quote(authzid)),
    )
}
