use alloc::collections::BTreeSet;

use super::login::{Login, MAX_NON_ASCII, TooLong};
use super::mongooseim::whole_jid;
use super::{Failure, Found};
use crate::jid::{self, Jid, hint_of_other_form};
use crate::message::{quote, quote_some};
use crate::reason::Reason;

/// XEP-0178 as written; the rules are in the documentation of [`crate::sasl`].
pub(super) fn verify(login: &Login<'_>) -> Result<Found, Failure> {
    if login.xmpp_addrs.is_empty() {
        by_common_name(login)
    } else {
        by_xmpp_addr(login)
    }
}

fn by_xmpp_addr(login: &Login<'_>) -> Result<Found, Failure> {
    let jids = login.xmpp_addr_jids().map_err(|TooLong(length)| {
        Failure::next(
            Reason::BadCertificate,
            format!(
                "the certificate's xmppAddrs that are not ASCII have {length} bytes together, more \
                 than the {MAX_NON_ASCII} allowed"
            ),
        )
    })?;
    let addresses: Vec<&Jid> = jids
        .iter()
        .filter(|jid| jid.domain == login.rules.host && !jid.local.is_empty())
        .collect();
    if addresses.is_empty() {
        return Err(if jids.is_empty() {
            Failure::next(
                Reason::MalformedXmppAddr,
                "the certificate has xmppAddrs, but none that is a JID",
            )
        } else {
            Failure::next(
                Reason::OtherHost,
                format!(
                    "none of the certificate's xmppAddrs ({}) names a user of the host {}{}",
                    quote_some(jids.iter().map(Jid::to_string)),
                    quote(login.rules.host),
                    hint_of_other_form(login.rules.host, jids.iter().map(|jid| &*jid.domain))
                ),
            )
        });
    }

    let chosen = match login.authzid {
        None => {
            let users: BTreeSet<&str> = addresses.iter().map(|jid| &*jid.local).collect();
            if users.len() > 1 {
                return Err(Failure::next(
                    Reason::AuthzidRequired,
                    format!(
                        "the certificate has xmppAddrs of {} users of this host, so that the \
                         client must say with an authorization identity which of them it means",
                        users.len()
                    ),
                ));
            }
            addresses[0]
        }
        Some(authzid) => {
            let wanted = parse_authzid(login, authzid)?;
            // A resource asks for no other user, unless the certificate is for another resource.
            let is_wanted = |jid: &&&Jid| {
                (&wanted.local, &wanted.domain) == (&jid.local, &jid.domain)
                    && (wanted.resource.is_empty()
                        || jid.resource.is_empty()
                        || wanted.resource == jid.resource)
            };
            addresses.iter().find(is_wanted).ok_or_else(|| {
                let hint = hint_of_other_form(login.rules.host, [&*wanted.domain]);
                let what = format!("none of the certificate's xmppAddrs of this host{hint}");
                mismatch(authzid, &what)
            })?
        }
    };
    Ok(Found {
        name: chosen.local.clone(),
        source: "xmppAddr",
    })
}

fn by_common_name(login: &Login<'_>) -> Result<Found, Failure> {
    let empty = || Failure::next(Reason::InvalidUsername, "the common name is empty");
    let common_name = match login.common_name {
        None => {
            return Err(Failure::next(
                Reason::NoIdentity,
                "the certificate has neither an xmppAddr nor a common name",
            ));
        }
        Some("") => return Err(empty()),
        Some(common_name) => common_name,
    };
    if let Some(refused) = whole_jid(login, common_name) {
        return Err(Failure::Next(refused));
    }
    let name = format!("{}{common_name}{}", login.rules.prefix, login.rules.suffix);
    let local = jid::nodeprep(&name).map_err(|error| {
        Failure::next(
            Reason::InvalidUsername,
            format!("the common name gives no valid local part: {error}"),
        )
    })?;
    if local.is_empty() {
        return Err(empty());
    }

    if let Some(authzid) = login.authzid {
        let wanted = parse_authzid(login, authzid)?;
        if wanted.local != local || wanted.domain != login.rules.host {
            let of_certificate = quote(&format!("{local}@{}", login.rules.host));
            return Err(mismatch(
                authzid,
                &format!(
                    "not {of_certificate}, which the common name gives{}",
                    hint_of_other_form(login.rules.host, [&*wanted.domain])
                ),
            ));
        }
    }
    Ok(Found {
        name: local,
        source: "common_name",
    })
}

fn parse_authzid<'a>(login: &'a Login<'_>, authzid: &[u8]) -> Result<&'a Jid, Failure> {
    let parsed = login.parse_authzid(authzid);
    parsed.map_err(|error| match Failure::malformed_authzid(authzid, error) {
        Failure::Last(refused) | Failure::Next(refused) => Failure::Next(refused),
    })
}

fn mismatch(authzid: &[u8], what: &str) -> Failure {
    Failure::next(
        Reason::AuthzidMismatch,
        format!("the authorization identity {} is {what}", quote(authzid)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificate::XmppAddr;
    use crate::sasl::{Condition, Credentials, Rules};

    const BOB: Option<&str> = Some("bob");

    fn verify_with(
        common_name: Option<&str>,
        xmpp_addrs: &[XmppAddr<'_>],
        authzid: Option<&str>,
    ) -> Result<String, (Condition, Reason)> {
        let rules = Rules {
            kinds: &[],
            prefix: "",
            suffix: "",
            host: "localhost",
        };
        let credentials = Credentials {
            common_name,
            xmpp_addrs,
            authzid: authzid.map(str::as_bytes),
        };
        match verify(&Login::new(&rules, &credentials)) {
            Ok(found) => Ok(found.name),
            Err(Failure::Last(refused) | Failure::Next(refused)) => {
                Err((refused.condition, refused.reason))
            }
        }
    }

    fn user(xmpp_addrs: &[&str], authzid: Option<&str>) -> Result<String, (Condition, Reason)> {
        let xmpp_addrs: Vec<_> = xmpp_addrs
            .iter()
            .map(|&text| XmppAddr::Text(text.into()))
            .collect();
        verify_with(BOB, &xmpp_addrs, authzid)
    }

    const MISMATCH: (Condition, Reason) = (Condition::InvalidAuthzid, Reason::AuthzidMismatch);

    #[test]
    fn the_order_of_xmpp_addrs_does_not_matter() {
        let [phone, tablet] = ["alice@localhost/phone", "alice@localhost/tablet"];
        for addresses in [[tablet, phone], [phone, tablet]] {
            let alice = Ok("alice".to_owned());
            assert_eq!(user(&addresses, Some(phone)), alice);
            assert_eq!(user(&addresses, Some("alice@localhost")), alice);
            assert_eq!(user(&addresses, None), alice);
            let other = user(&addresses, Some("alice@localhost/desk"));
            assert_eq!(other, Err(MISMATCH));
        }
        for addresses in [["alice@localhost", phone], [phone, "Alice@localhost"]] {
            let desk = user(&addresses, Some("alice@localhost/desk"));
            assert_eq!(desk, Ok("alice".to_owned()));
        }
    }

    #[test]
    fn a_resource_asks_for_no_other_user() {
        let full = Some("Alice@localhost/a/b@c");
        assert_eq!(user(&["alice@localhost"], full), Ok("alice".to_owned()));
        assert_eq!(user(&["bob@localhost"], full), Err(MISMATCH));
        assert_eq!(user(&[], Some("bob@localhost/x")), Ok("bob".to_owned()));
        assert_eq!(user(&[], Some("bob@localhost/")), Ok("bob".to_owned()));
        assert_eq!(user(&[], full), Err(MISMATCH));
    }

    #[test]
    fn the_length_of_addresses_that_are_not_ascii_is_bounded() {
        let alice = "alice@localhost";
        let half = MAX_NON_ASCII / 2;
        let [least, most, more] = [0, half, half + 2].map(|length| {
            let other = "ß".repeat(half / 2);
            let last = "ß".repeat(length / 2);
            user(&[&other, alice, &last, &"a".repeat(60_000)], None)
        });
        assert_eq!(least, Ok("alice".to_owned()));
        assert_eq!(most, Ok("alice".to_owned()));
        let refused = Err((Condition::NotAuthorized, Reason::BadCertificate));
        assert_eq!(more, refused);
    }

    #[test]
    fn jids_are_compared_part_by_part() {
        // A fullwidth @, of which nameprep makes an ordinary one: a host, and not a user of one.
        let [alice, bob] = ["alice\u{ff20}localhost", "bob\u{ff20}localhost"];
        let written = Jid::parse(alice.as_bytes()).unwrap().to_string();
        assert_eq!(written, "alice@localhost");
        for (addresses, authzid) in [(&["alice@localhost"][..], alice), (&[], bob)] {
            assert_eq!(user(addresses, Some(authzid)), Err(MISMATCH));
        }
    }

    #[test]
    fn the_common_name_never_stands_in_for_an_xmpp_addr() {
        let malformed = Err((Condition::NotAuthorized, Reason::MalformedXmppAddr));
        let text = |text: &'static str| XmppAddr::Text(text.into());
        for entry in [
            XmppAddr::Malformed,
            XmppAddr::NotText,
            text(""),
            text("a b@localhost"),
        ] {
            for authzid in [None, Some("bob@localhost")] {
                let entries = [entry.clone()];
                assert_eq!(verify_with(BOB, &entries, authzid), malformed, "{entry:?}");
            }
            let beside = [entry.clone(), text("alice@localhost")];
            assert_eq!(verify_with(BOB, &beside, None), Ok("alice".to_owned()));
            let other = [entry, text("mallory@other")];
            let refused = Err((Condition::NotAuthorized, Reason::OtherHost));
            assert_eq!(verify_with(BOB, &other, None), refused);
        }
        assert_eq!(verify_with(BOB, &[], None), Ok("bob".to_owned()));
    }
}
