//! A domain in ASCII and in Unicode is two domains to MongooseIM and to certjid, which says so
//! (report R54).

use certjid_core::certificate::XmppAddr;
use certjid_core::sasl::{self, Credentials, Kind, Rules, Verdict};

const ASCII: &str = "xn--bcher-kva.example";
const UNICODE: &str = "bücher.example";

#[test]
fn the_other_form_of_a_domain_is_refused_with_the_hint() {
    for (host, other) in [(ASCII, UNICODE), (UNICODE, ASCII)] {
        let (alice, foreign) = (format!("alice@{host}"), format!("alice@{other}"));
        for (kind, common_name, xmpp_addr, authzid) in [
            ("standard", None, Some(&foreign), None),
            ("standard", None, None, Some(&foreign)),
            ("common_name", Some("alice"), None, Some(&foreign)),
            ("auth_id", None, None, Some(&foreign)),
            ("certjid_verification", None, Some(&foreign), None),
            ("certjid_verification", None, Some(&foreign), Some(&alice)),
            ("certjid_verification", None, Some(&alice), Some(&foreign)),
            ("certjid_verification", Some("alice"), None, Some(&foreign)),
        ] {
            let hinted = message(kind, host, common_name, xmpp_addr, authzid);
            // Without xmppAddrs `standard` has nothing to compare.
            let is_compared = kind != "standard" || xmpp_addr.is_some();
            assert_eq!(hinted.contains("in IDNA"), is_compared, "{kind}: {hinted}");
            let stranger = "alice@elsewhere.example".to_owned();
            let replaced = |jid: Option<&String>| {
                jid.map(|jid| if *jid == foreign { &stranger } else { &alice })
            };
            let plain = message(
                kind,
                host,
                common_name,
                replaced(xmpp_addr),
                replaced(authzid),
            );
            assert!(!plain.contains("IDNA"), "{kind}: {plain}");
        }
    }
}

/// Why it is refused.
fn message(
    kind: &str,
    host: &str,
    common_name: Option<&str>,
    xmpp_addr: Option<&String>,
    authzid: Option<&String>,
) -> String {
    let Ok(kind) = kind.parse::<Kind>();
    let rules = Rules {
        kinds: &[kind],
        prefix: "",
        suffix: "",
        host,
    };
    let xmpp_addrs: Vec<_> = xmpp_addr
        .iter()
        .map(|text| XmppAddr::Text(text.as_str().into()))
        .collect();
    let credentials = Credentials {
        common_name,
        xmpp_addrs: &xmpp_addrs,
        authzid: authzid.map(|text| text.as_bytes()),
    };
    match sasl::decide(&rules, &credentials).0 {
        Verdict::Refused(refused) => refused.message,
        other => panic!("{other:?}"),
    }
}
