//! R20: certificate revocation lists, and what is done where there is none or an old one.

use std::thread::sleep;
use std::time::Duration;

use certjid_core::policy::{Modules, Policy, Refused};
use certjid_core::verify::{CrlPolicy, Missing, Stale};

use super::pki::{ALICE, CLIENT_AUTH, Pki};

const DAYS: &str = "-crldays 9";
const SECOND: &str = "-crlsec 1";

const DEFAULT: CrlPolicy = CrlPolicy {
    missing: Missing::Allow,
    stale: Stale::Refuse,
};

#[test]
fn r20_revocation() {
    let pki = Pki::new();
    pki.leaf("alice", "middle", "-sha256", ALICE);
    pki.leaf("bob", "middle", "-sha256", CLIENT_AUTH);
    let crls = [pki.crl("middle", &["alice"], DAYS)];
    let refused = pki.refused(&["alice.pem", "middle.pem"], &crls, DEFAULT);
    says(&refused, "revoked", "of \"CN=middle\" revokes it from ");
    says(&refused, "revoked", "(keyCompromise)");
    pki.allows(&["bob.pem", "middle.pem"], &crls, DEFAULT);

    // The intermediate itself is revoked, and the leaf's own list is good.
    let crls = [
        pki.crl("root", &["middle"], DAYS),
        pki.crl("middle", &[], DAYS),
    ];
    let refused = pki.refused(&["bob.pem", "middle.pem"], &crls, DEFAULT);
    says(&refused, "revoked", "of \"CN=root\" revokes it from ");

    // A list of another CA touches nobody.
    pki.ca("other", "");
    let crls = [pki.crl("other", &[], DAYS)];
    pki.allows(&["bob.pem", "middle.pem"], &crls, DEFAULT);

    // A stale list refuses whom it would have let through.
    let crls = [pki.crl("middle", &[], SECOND)];
    sleep(Duration::from_secs(2));
    let refused = pki.refused(&["bob.pem", "middle.pem"], &crls, DEFAULT);
    says(
        &refused,
        "revocation_status_undetermined",
        "out of date since",
    );
}

#[test]
fn a_missing_list_refuses_where_the_policy_says_so() {
    let strict = CrlPolicy {
        missing: Missing::Refuse,
        ..DEFAULT
    };
    let pki = Pki::new();
    pki.leaf("alice", "middle", "-sha256", ALICE);
    let chain = ["alice.pem", "middle.pem"];
    let (middle, root) = (pki.crl("middle", &[], DAYS), pki.crl("root", &[], DAYS));
    pki.allows(&chain, &[middle.clone(), root.clone()], strict);
    let refused = pki.refused(&chain, std::slice::from_ref(&root), strict);
    says(
        &refused,
        "revocation_status_undetermined",
        "no certificate revocation list of \"CN=middle\"",
    );
    let refused = pki.refused(&chain, std::slice::from_ref(&middle), strict);
    says(
        &refused,
        "revocation_status_undetermined",
        "no certificate revocation list of \"CN=root\"",
    );
    pki.allows(&chain, &[middle], DEFAULT);
    // A listener without crl_files asks for no lists.
    pki.allows(&chain, &[], strict);
}

#[test]
fn a_stale_list_still_revokes_where_it_does_not_refuse() {
    let lenient = CrlPolicy {
        stale: Stale::Allow,
        ..DEFAULT
    };
    let pki = Pki::new();
    pki.leaf("alice", "middle", "-sha256", ALICE);
    pki.leaf("bob", "middle", "-sha256", CLIENT_AUTH);
    let lists = [pki.crl("middle", &["alice"], SECOND)];
    sleep(Duration::from_secs(2));
    pki.allows(&["bob.pem", "middle.pem"], &lists, lenient);
    let refused = pki.refused(&["alice.pem", "middle.pem"], &lists, lenient);
    says(&refused, "revoked", "CN=middle");
    // And with the default it is stale first, whomever it names.
    for leaf in ["alice.pem", "bob.pem"] {
        let refused = pki.refused(&[leaf, "middle.pem"], &lists, DEFAULT);
        says(
            &refused,
            "revocation_status_undetermined",
            "CN=middle\" is out of date since",
        );
    }
}

fn says(refused: &Refused, reason: &str, words: &str) {
    assert_eq!(refused.reason, reason, "{}", refused.message);
    assert!(refused.message.contains(words), "{}", refused.message);
}

/// `openssl ca -gencrl` makes this one where its configuration is left as it comes.
#[test]
fn a_crl_of_version_1_is_refused_by_name() {
    let pki = Pki::new();
    pki.ca_database("root");
    pki.run(
        "sed -i '/crl_extensions/d; /crlnumber/d' ca-root.cnf
         openssl ca -config ca-root.cnf -gencrl -crldays 9 -out root.crl",
    );
    let config = pki.config(&["root.crl".to_owned()]);
    let errors = Policy::load(&config, Modules::Refused).unwrap_err();
    assert_eq!(errors.0.len(), 1);
    assert_eq!(errors.0[0].path, "listen.c2s[1].tls.crl_files");
    assert!(errors.0[0].message.contains("of version 1"), "{errors}");
}
