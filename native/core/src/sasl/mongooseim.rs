//! The verification kinds that MongooseIM has, with its own conditions.

use super::login::Login;
use super::{Condition, Failure, Found, certjid_verification};
use crate::certificate::XmppAddr;
use crate::jid::{Jid, hint_of_other_form};
use crate::message::quote;
use crate::reason::{Reason, Refused};

/// The xmppAddr fields. One of them admits no authzid; several demand one that is equal to one
/// of them byte by byte.
pub(super) fn standard(login: &Login<'_>) -> Result<Found, Failure> {
    let seen = seen(login);
    match (&seen[..], login.authzid) {
        ([], _) => Err(Failure::next(
            Reason::NoXmppAddr,
            "the certificate has no usable xmppAddr",
        )),
        ([only], Some(authzid)) => Err(unexpected_authzid(login, only, authzid)),
        ([only], None) => {
            let Some(text) = only.text() else {
                return Err(Failure::Last(Refused::new(
                    Reason::MalformedXmppAddr,
                    "the certificate's only xmppAddr is not text, and so not a JID",
                )));
            };
            let jid = Jid::parse(text.as_bytes())
                .map_err(|error| Failure::malformed_xmpp_addr(text, &error))?;
            user_of_host(login, &jid, "xmppAddr")
        }
        (several, None) => Err(Failure::next(
            Reason::AuthzidRequired,
            format!(
                "the certificate has {} xmppAddrs, so that the client must say with an \
                 authorization identity which of them it means",
                several.len()
            ),
        )),
        (several, Some(authzid)) => {
            let is_authzid = |address: &&XmppAddr<'_>| {
                let text = address.text();
                text.is_some_and(|text| text.as_bytes() == authzid)
            };
            if several.iter().any(is_authzid) {
                user_of_host(login, parse_authzid(login, authzid)?, "xmppAddr")
            } else {
                Err(unlisted_authzid(login, authzid))
            }
        }
    }
}

/// The first common name, with prefix and suffix. An authzid must have the bare common name for
/// its local part.
pub(super) fn common_name(login: &Login<'_>) -> Result<Found, Failure> {
    let jid = login.authzid.map(|authzid| parse_authzid(login, authzid));
    let jid = jid.transpose()?;
    let Some(common_name) = login.common_name else {
        return Err(Failure::next(
            Reason::NoCommonName,
            "the certificate has no usable common name",
        ));
    };
    match jid {
        Some(jid) if jid.domain != login.rules.host => Err(authzid_of_other_host(login, jid)),
        Some(jid) if jid.local != common_name => Err(Failure::next(
            Reason::AuthzidMismatch,
            format!(
                "the authorization identity has the local part {}, and the common name is {}; \
                 `common_name` compares them byte by byte",
                quote(&jid.local),
                quote(common_name)
            ),
        )),
        // MongooseIM would make a user of prefix and suffix alone.
        _ if common_name.is_empty() => Ok(Found {
            name: String::new(),
            source: "common_name",
        }),
        _ => match whole_jid(login, common_name) {
            Some(refused) => Err(Failure::Last(refused)),
            None => Ok(Found {
                name: format!("{}{common_name}{}", login.rules.prefix, login.rules.suffix),
                source: "common_name",
            }),
        },
    }
}

/// The authzid, whatever the certificate says.
pub(super) fn auth_id(login: &Login<'_>) -> Result<Found, Failure> {
    let Some(authzid) = login.authzid else {
        return Err(Failure::next(
            Reason::NoAuthzid,
            "the client sent no authorization identity",
        ));
    };
    user_of_host(login, parse_authzid(login, authzid)?, "authzid")
}

/// `cyrsasl_external_verification`: the first that there is of authzid, single xmppAddr and
/// common name, which must be a bare JID of this host.
pub(super) fn demo(login: &Login<'_>) -> Result<Found, Failure> {
    let (text, source) = match (login.authzid, &seen(login)[..]) {
        (Some(authzid), _) => (authzid, "authzid"),
        // What is not text is not a JID either, as the empty text.
        (None, [only]) => (only.text().unwrap_or_default().as_bytes(), "xmppAddr"),
        _ => (
            login.common_name.unwrap_or_default().as_bytes(),
            "common_name",
        ),
    };
    let refused = |why: &str| {
        let text = quote(text);
        Failure::next(
            Reason::NoBareJid,
            format!("{text} is not a bare JID of a user: {why}"),
        )
    };
    let parsed;
    let jid = match login.authzid {
        Some(authzid) => login.parse_authzid(authzid),
        None => {
            parsed = Jid::parse(text);
            parsed.as_ref()
        }
    };
    let jid = jid.map_err(|error| refused(&error.to_string()))?;
    if !jid.resource.is_empty() {
        return Err(refused("it has a resource"));
    }
    if jid.local.is_empty() {
        return Err(refused("it has no local part"));
    }
    user_of_host(login, jid, source)
}

/// Where a common name that is to be a local part is the whole JID of a user: the refusal, with
/// the kind that reads such a name, if it would find the user.
pub(super) fn whole_jid(login: &Login<'_>, common_name: &str) -> Option<Refused> {
    let jid = Jid::parse(common_name.as_bytes()).ok();
    jid.filter(|jid| !jid.local.is_empty())?;
    let mut message = format!(
        "the common name {} is a whole JID, and a local part is wanted there",
        quote(common_name)
    );
    let helps = demo(login).is_ok_and(|found| found.source == "common_name");
    if helps {
        message.push_str(
            ". `cyrsasl_external_verification` accepts it, but any authorization identity too: \
             an xmppAddr in the certificate is better",
        );
    }
    Some(Refused::new(Reason::InvalidUsername, message))
}

/// The entries that MongooseIM sees: it passes over those that are not a UTF8String.
fn seen<'a>(login: &Login<'a>) -> Vec<&'a XmppAddr<'a>> {
    let entries = login.xmpp_addrs.iter();
    entries
        .filter(|entry| **entry != XmppAddr::Malformed)
        .collect()
}

fn parse_authzid<'a>(login: &'a Login<'_>, authzid: &[u8]) -> Result<&'a Jid, Failure> {
    let parsed = login.parse_authzid(authzid);
    parsed.map_err(|error| Failure::malformed_authzid(authzid, error))
}

fn user_of_host(login: &Login<'_>, jid: &Jid, source: &'static str) -> Result<Found, Failure> {
    if jid.domain == login.rules.host {
        return Ok(Found {
            name: jid.local.clone(),
            source,
        });
    }
    Err(Failure::next(
        Reason::OtherHost,
        format!(
            "{} is {}, of the host {}, not of {}{}",
            super::source_name(source),
            quote(&jid.bare()),
            quote(&jid.domain),
            quote(login.rules.host),
            hint_of_other_form(login.rules.host, [&*jid.domain])
        ),
    ))
}

fn authzid_of_other_host(login: &Login<'_>, authzid: &Jid) -> Failure {
    Failure::next(
        Reason::AuthzidOtherHost,
        format!(
            "the authorization identity is of the host {}, not of {}{}",
            quote(&authzid.domain),
            quote(login.rules.host),
            hint_of_other_form(login.rules.host, [&*authzid.domain])
        ),
    )
}

/// One xmppAddr and any authzid: refused, though RFC 6120 lets a client send its own JID.
fn unexpected_authzid(login: &Login<'_>, only: &XmppAddr<'_>, authzid: &[u8]) -> Failure {
    const RULE: &str = "`standard` takes no authorization identity beside a single xmppAddr";
    const HINT: &str = "`certjid_verification` would accept it";
    let sent = quote(authzid);
    let Some(text) = only.text() else {
        return Failure::next(
            Reason::AuthzidMismatch,
            format!("the certificate's only xmppAddr is not text, and so not {sent}; {RULE}"),
        );
    };
    let address = quote(text);
    if certjid_verification::verify(login).is_err() {
        let mismatch = |what| {
            Failure::next(
                Reason::AuthzidMismatch,
                format!("the authorization identity {sent} {what}"),
            )
        };
        return match login.parse_authzid(authzid) {
            Err(error) => Failure::next(
                Reason::MalformedAuthzid,
                format!("the authorization identity {sent} is not a JID: {error}"),
            ),
            Ok(jid) if jid.domain != login.rules.host => authzid_of_other_host(login, jid),
            Ok(jid) if jid.local.is_empty() => mismatch("names no user".to_owned()),
            Ok(_) => mismatch(format!("is not the certificate's only xmppAddr {address}")),
        };
    }
    if text.as_bytes() == authzid {
        return Failure::next(
            Reason::AuthzidEqualsOnlyXmppAddr,
            format!(
                "the authorization identity equals the certificate's only xmppAddr, but {RULE}; \
                 {HINT}"
            ),
        );
    }
    match resource(login, authzid) {
        Some(resource) => Failure::next(
            Reason::AuthzidHasResource,
            format!(
                "the authorization identity {sent} has the resource {resource} behind the JID of \
                 the certificate's only xmppAddr {address}, and {RULE}; {HINT}"
            ),
        ),
        None => Failure::next(
            Reason::AuthzidEqualsOnlyXmppAddr,
            format!(
                "the authorization identity {sent} is the user of the certificate's only xmppAddr \
                 {address}, but {RULE}; {HINT}"
            ),
        ),
    }
}

/// Several xmppAddrs and an authzid that is not one of them.
fn unlisted_authzid(login: &Login<'_>, authzid: &[u8]) -> Failure {
    let mut message = format!(
        "the authorization identity {} is not one of the certificate's xmppAddrs, which \
         `standard` compares byte by byte",
        quote(authzid)
    );
    let mut reason = Reason::AuthzidNotListed;
    if certjid_verification::verify(login).is_ok() {
        if let Some(resource) = resource(login, authzid) {
            reason = Reason::AuthzidHasResource;
            message.push_str(&format!(" (it has the resource {resource})"));
        }
        message.push_str("; `certjid_verification`, which compares JIDs, would accept it");
    }
    Failure::Next(Refused::new(reason, message).told(Condition::NotAuthorized))
}

/// The resource of an authzid, quoted.
fn resource(login: &Login<'_>, authzid: &[u8]) -> Option<String> {
    let jid = login.parse_authzid(authzid).ok()?;
    Some(quote(&jid.resource)).filter(|_| !jid.resource.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sasl::{Credentials, Rules};

    const RULES: Rules<'_> = Rules {
        kinds: &[],
        prefix: "",
        suffix: "",
        host: "localhost",
    };

    fn text(address: &str) -> XmppAddr<'_> {
        XmppAddr::Text(address.into())
    }

    /// Local part, or condition and reason.
    fn outcome(judged: Result<Found, Failure>) -> String {
        match judged {
            Ok(found) => found.name,
            Err(Failure::Last(refused) | Failure::Next(refused)) => {
                format!("{} {}", refused.condition, refused.reason)
            }
        }
    }

    /// With the authzid of nobody, of alice, and without.
    fn standard_with(xmpp_addrs: &[XmppAddr<'_>]) -> [String; 3] {
        [Some(&b"eve@localhost"[..]), Some(b"alice@localhost"), None].map(|authzid| {
            let credentials = Credentials {
                xmpp_addrs,
                authzid,
                ..Credentials::default()
            };
            outcome(standard(&Login::new(&RULES, &credentials)))
        })
    }

    #[test]
    fn an_xmpp_addr_that_is_no_text_counts_as_one() {
        assert_eq!(
            standard_with(&[XmppAddr::NotText]),
            [
                "invalid-authzid authzid_mismatch",
                "invalid-authzid authzid_mismatch",
                "not-authorized malformed_xmpp_addr"
            ]
        );
        assert_eq!(
            standard_with(&[XmppAddr::NotText, text("alice@localhost")]),
            [
                "not-authorized authzid_not_listed",
                "alice",
                "invalid-authzid authzid_required"
            ]
        );
    }

    #[test]
    fn an_xmpp_addr_of_another_type_does_not() {
        let none = ["not-authorized no_xmpp_addr"; 3];
        assert_eq!(standard_with(&[XmppAddr::Malformed]), none);
        for addresses in [
            &[text("alice@localhost")][..],
            &[XmppAddr::Malformed, text("alice@localhost")],
        ] {
            assert_eq!(
                standard_with(addresses),
                [
                    "invalid-authzid authzid_mismatch",
                    "invalid-authzid authzid_equals_only_xmpp_addr",
                    "alice"
                ]
            );
        }
        // The common name counts, unless MongooseIM sees an entry.
        for (entry, due) in [
            (XmppAddr::Malformed, "bob"),
            (XmppAddr::NotText, "not-authorized no_bare_jid"),
        ] {
            let credentials = Credentials {
                common_name: Some("bob@localhost"),
                xmpp_addrs: &[entry],
                authzid: None,
            };
            assert_eq!(outcome(demo(&Login::new(&RULES, &credentials))), due);
        }
    }

    /// What `standard` says of an authzid beside xmppAddrs: reason, and whether it gives the hint.
    #[test]
    fn the_advice_is_true() {
        let [one, full, two, foreign] = [
            &["alice@localhost"][..],
            &["alice@localhost/a"],
            &["alice@localhost", "bob@localhost"],
            &["alice@other"],
        ];
        let equal = "authzid_equals_only_xmpp_addr";
        let rows = [
            (one, "alice@localhost", equal, true),
            (one, "Alice@localhost", equal, true),
            (one, "alice@localhost/", equal, true),
            (one, "alice@localhost/a", "authzid_has_resource", true),
            (one, "alice@other", "authzid_other_host", false),
            (one, "a b@localhost", "malformed_authzid", false),
            (one, "localhost", "authzid_mismatch", false),
            (full, "alice@localhost/a", equal, true),
            (full, "alice@localhost", equal, true),
            (full, "alice@localhost/b", "authzid_mismatch", false),
            (two, "Alice@localhost", "authzid_not_listed", true),
            (two, "bob@localhost/a", "authzid_has_resource", true),
            (two, "eve@localhost", "authzid_not_listed", false),
            (foreign, "alice@other", "authzid_other_host", false),
        ];
        for (addresses, authzid, reason, hint) in rows {
            let addresses: Vec<XmppAddr<'_>> = addresses.iter().map(|text_| text(text_)).collect();
            let credentials = Credentials {
                xmpp_addrs: &addresses,
                authzid: Some(authzid.as_bytes()),
                ..Credentials::default()
            };
            let Err(Failure::Next(refused)) = standard(&Login::new(&RULES, &credentials)) else {
                panic!("{authzid}");
            };
            let message = &refused.message;
            assert_eq!(refused.reason.as_str(), reason, "{authzid}: {message}");
            assert_eq!(message.contains("certjid_verification"), hint, "{message}");
            let says_equal = addresses.len() == 1 && addresses[0].text() == Some(authzid) && hint;
            assert_eq!(message.contains("equals"), says_equal, "{message}");
        }
    }
}
