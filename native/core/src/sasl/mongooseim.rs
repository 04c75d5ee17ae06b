//! The verification kinds that MongooseIM has, with its own conditions.

use super::{Condition, Credentials, Failure, Found, Rules, quote};
use crate::jid::Jid;
use crate::reason::Reason;

/// The xmppAddr fields. One of them admits no authzid; several demand one that is equal to one
/// of them byte by byte.
pub(super) fn standard(rules: &Rules<'_>, credentials: &Credentials<'_>) -> Result<Found, Failure> {
    let count = credentials.xmpp_addrs.len() + credentials.unusable_xmpp_addrs;
    match (count, credentials.xmpp_addrs, credentials.authzid) {
        (0, _, _) => Err(Failure::next(
            Condition::NotAuthorized,
            Reason::NoXmppAddr,
            "the certificate has no usable xmppAddr",
        )),
        (1, addresses, Some(authzid)) => {
            let only = addresses.first().map_or("", String::as_str);
            Err(unexpected_authzid(only, authzid))
        }
        (1, [only], None) => {
            let jid = Jid::parse(only.as_bytes())
                .map_err(|error| Failure::malformed_xmpp_addr(only, &error))?;
            user_of_host(rules, jid, "xmppAddr")
        }
        (1, _, None) => Err(Failure::unusable_xmpp_addr()),
        (_, _, None) => Err(Failure::next(
            Condition::InvalidAuthzid,
            Reason::AuthzidRequired,
            format!(
                "the certificate has {count} xmppAddrs, so that the client must say with an \
                 authorization identity which of them it means"
            ),
        )),
        (_, several, Some(authzid)) => {
            if !several.iter().any(|address| address.as_bytes() == authzid) {
                return Err(Failure::next(
                    Condition::NotAuthorized,
                    Reason::AuthzidNotListed,
                    format!(
                        "the authorization identity {} is none of the certificate's xmppAddrs, \
                         which `standard` compares byte by byte",
                        quote(authzid)
                    ),
                ));
            }
            user_of_host(rules, parse_authzid(authzid)?, "xmppAddr")
        }
    }
}

/// The first common name, with prefix and suffix. An authzid must have the bare common name for
/// its local part.
pub(super) fn common_name(
    rules: &Rules<'_>,
    credentials: &Credentials<'_>,
) -> Result<Found, Failure> {
    let jid = credentials.authzid.map(parse_authzid).transpose()?;
    let Some(common_name) = credentials.common_name else {
        return Err(Failure::next(
            Condition::InvalidAuthzid,
            Reason::NoCommonName,
            "the certificate has no usable common name",
        ));
    };
    match jid {
        Some(jid) if jid.domain != rules.host => Err(Failure::next(
            Condition::InvalidAuthzid,
            Reason::AuthzidOtherHost,
            format!(
                "the authorization identity is of the host {:?}, not of {:?}",
                jid.domain, rules.host
            ),
        )),
        Some(jid) if jid.local != common_name => Err(Failure::next(
            Condition::InvalidAuthzid,
            Reason::AuthzidMismatch,
            format!(
                "the authorization identity has the local part {:?} where the common name is \
                 {common_name:?}, which `common_name` compares byte by byte",
                jid.local
            ),
        )),
        // MongooseIM would make a user of prefix and suffix alone.
        _ if common_name.is_empty() => Ok(Found {
            name: String::new(),
            source: "common_name",
        }),
        _ => Ok(Found {
            name: format!("{}{common_name}{}", rules.prefix, rules.suffix),
            source: "common_name",
        }),
    }
}

/// The authzid, whatever the certificate says.
pub(super) fn auth_id(rules: &Rules<'_>, credentials: &Credentials<'_>) -> Result<Found, Failure> {
    let Some(authzid) = credentials.authzid else {
        return Err(Failure::next(
            Condition::NotAuthorized,
            Reason::NoAuthzid,
            "the client sent no authorization identity",
        ));
    };
    user_of_host(rules, parse_authzid(authzid)?, "authzid")
}

/// `cyrsasl_external_verification`: the first that there is of authzid, single xmppAddr and
/// common name, which must be a bare JID of this host.
pub(super) fn demo(rules: &Rules<'_>, credentials: &Credentials<'_>) -> Result<Found, Failure> {
    let (text, source) = match (credentials.authzid, credentials.xmpp_addrs) {
        (Some(authzid), _) => (authzid, "authzid"),
        // No text is no JID, as the empty one.
        (None, []) if credentials.unusable_xmpp_addrs == 1 => (&b""[..], "xmppAddr"),
        (None, [only]) if credentials.unusable_xmpp_addrs == 0 => (only.as_bytes(), "xmppAddr"),
        _ => (
            credentials.common_name.unwrap_or_default().as_bytes(),
            "common_name",
        ),
    };
    let refused = |why: String| {
        Failure::next(
            Condition::NotAuthorized,
            Reason::NoBareJid,
            format!("{} is no bare JID of a user: {why}", quote(text)),
        )
    };
    let jid = Jid::parse(text).map_err(|error| refused(error.to_string()))?;
    if !jid.resource.is_empty() {
        return Err(refused("it has a resource".to_owned()));
    }
    if jid.local.is_empty() {
        return Err(refused("it has no local part".to_owned()));
    }
    user_of_host(rules, jid, source)
}

pub(super) fn parse_authzid(authzid: &[u8]) -> Result<Jid, Failure> {
    Jid::parse(authzid).map_err(|error| Failure::malformed_authzid(authzid, &error))
}

fn user_of_host(rules: &Rules<'_>, jid: Jid, source: &'static str) -> Result<Found, Failure> {
    if jid.domain == rules.host {
        return Ok(Found {
            name: jid.local,
            source,
        });
    }
    Err(Failure::next(
        Condition::NotAuthorized,
        Reason::OtherHost,
        format!(
            "{} is {:?}, of the host {:?}, not of {:?}",
            super::source_name(source),
            jid.bare(),
            jid.domain,
            rules.host
        ),
    ))
}

/// One xmppAddr and any authzid: refused, though RFC 6120 lets a client send its own JID.
fn unexpected_authzid(only: &str, authzid: &[u8]) -> Failure {
    let equal = match (Jid::parse(only.as_bytes()), Jid::parse(authzid)) {
        (Ok(only), Ok(authzid)) => only.bare() == authzid.bare(),
        _ => false,
    };
    if equal {
        Failure::next(
            Condition::InvalidAuthzid,
            Reason::AuthzidEqualsOnlyXmppAddr,
            "the authorization identity equals the certificate's only xmppAddr, but `standard` \
             takes no authorization identity beside a single xmppAddr; `certjid_verification` \
             would accept it",
        )
    } else {
        Failure::next(
            Condition::InvalidAuthzid,
            Reason::AuthzidMismatch,
            format!(
                "the authorization identity {} is not the certificate's only xmppAddr {only:?}",
                quote(authzid)
            ),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With the authzid of nobody, of alice, and without.
    fn standard_with(unusable_xmpp_addrs: usize, xmpp_addrs: &[String]) -> [String; 3] {
        let rules = Rules {
            kinds: &[],
            prefix: "",
            suffix: "",
            host: "localhost",
        };
        [Some(&b"eve@localhost"[..]), Some(b"alice@localhost"), None].map(|authzid| {
            let credentials = Credentials {
                xmpp_addrs,
                unusable_xmpp_addrs,
                authzid,
                ..Credentials::default()
            };
            match standard(&rules, &credentials) {
                Ok(found) => found.name,
                Err(Failure::Last(rejected) | Failure::Next(rejected)) => {
                    format!("{} {}", rejected.condition, rejected.reason)
                }
            }
        })
    }

    #[test]
    fn an_xmpp_addr_that_is_no_text_counts_as_one() {
        let alice = ["alice@localhost".to_owned()];
        assert_eq!(
            standard_with(1, &[]),
            [
                "invalid-authzid authzid_mismatch",
                "invalid-authzid authzid_mismatch",
                "not-authorized malformed_xmpp_addr"
            ]
        );
        assert_eq!(
            standard_with(1, &alice),
            [
                "not-authorized authzid_not_listed",
                "alice",
                "invalid-authzid authzid_required"
            ]
        );
        assert_eq!(
            standard_with(0, &alice),
            [
                "invalid-authzid authzid_mismatch",
                "invalid-authzid authzid_equals_only_xmpp_addr",
                "alice"
            ]
        );
    }
}
