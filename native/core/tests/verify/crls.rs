//! R20: certificate revocation lists, and what is done where there is none or an old one.

use certjid_core::decide::Refused;
use certjid_core::policy::{Modules, Policy};
use certjid_core::verify::{CrlPolicy, Missing, Stale};

use super::pki::{ALICE, CLIENT_AUTH, Pki};

const DAYS: &str = "-crldays 9";
/// Out of date for years.
const STALE: &str = "-crl_lastupdate 20200101000000Z -crl_nextupdate 20200102000000Z";

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
    let crls = [pki.crl("middle", &[], STALE)];
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
    let lists = [pki.crl("middle", &["alice"], STALE)];
    pki.allows(&["bob.pem", "middle.pem"], &lists, lenient);
    let refused = pki.refused(&["alice.pem", "middle.pem"], &lists, lenient);
    says(&refused, "revoked", "CN=middle");
    // With the default it refuses the others too.
    let refused = pki.refused(&["alice.pem", "middle.pem"], &lists, DEFAULT);
    says(&refused, "revoked", "CN=middle");
    let refused = pki.refused(&["bob.pem", "middle.pem"], &lists, DEFAULT);
    says(
        &refused,
        "revocation_status_undetermined",
        "CN=middle\" is out of date since",
    );
}

#[test]
fn two_cas_of_one_name_have_lists_of_their_own() {
    let pki = Pki::new();
    pki.leaf("alice", "middle", "-sha256", ALICE);
    // Another key under the same name, as a CA has it that changed its key.
    pki.run(
        "openssl ecparam -genkey -name prime256v1 -noout -out second.key
         openssl req -x509 -key second.key -subj /CN=root -days 30 -out second.pem
         cat root.pem second.pem >both.pem; mv both.pem root-and-second.pem",
    );
    pki.leaf("bob", "second", "-sha256", CLIENT_AUTH);
    pki.leaf("carol", "second", "-sha256", CLIENT_AUTH);
    pki.leaf("dave", "root", "-sha256", CLIENT_AUTH);
    let lists = [
        pki.crl("root", &[], DAYS),
        pki.crl("second", &["carol"], DAYS),
    ];
    pki.run("cp root.pem first.pem; cp root-and-second.pem root.pem");
    let reversed = [lists[1].clone(), lists[0].clone()];
    for lists in [&lists, &reversed] {
        for good in [
            &["alice.pem", "middle.pem"][..],
            &["bob.pem"],
            &["dave.pem"],
        ] {
            pki.allows(good, lists, DEFAULT);
        }
        let refused = pki.refused(&["carol.pem"], lists, DEFAULT);
        says(&refused, "revoked", "of \"CN=root\" revokes it");
    }
    // A list of its own key is what each has to have.
    for (list, chain) in lists.iter().zip(["bob.pem", "dave.pem"]) {
        let refused = pki.refused(&[chain], std::slice::from_ref(list), DEFAULT);
        says(&refused, "revocation_status_undetermined", "CN=root");
    }

    // The new key revokes what the old one issued.
    pki.run("cp dave.pem revoked.pem");
    let lists = [lists[0].clone(), pki.crl("second", &["revoked"], DAYS)];
    let refused = pki.refused(&["dave.pem"], &lists, DEFAULT);
    says(
        &refused,
        "revocation_status_undetermined",
        "has its serial number, and another key than that of",
    );
    pki.allows(&["alice.pem", "middle.pem"], &lists, DEFAULT);
}

#[test]
fn a_revoked_ca_is_named_in_whatever_order_it_was_sent() {
    let pki = Pki::new();
    pki.leaf("alice", "middle", "-sha256", ALICE);
    let crls = [pki.crl("root", &["middle"], DAYS)];
    pki.ca("other", "");
    for chain in [
        ["alice.pem", "middle.pem", "other.pem"],
        ["alice.pem", "other.pem", "middle.pem"],
    ] {
        let refused = pki.refused(&chain, &crls, DEFAULT);
        says(&refused, "revoked", "(\"CN=middle\")");
    }
}

fn says(refused: &Refused, reason: &str, words: &str) {
    assert_eq!(refused.reason.as_str(), reason, "{}", refused.message);
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
    assert_eq!(errors.faults.len(), 1);
    assert_eq!(errors.faults[0].path, "listen.c2s[1].tls.crl_files");
    assert!(
        errors.faults[0].message.contains("of version 1"),
        "{errors}"
    );
}

#[test]
fn every_file_that_can_not_be_used_is_named() {
    let pki = Pki::new();
    pki.run("echo x >root.pem; echo y >one.crl; echo z >two.crl");
    let config = pki.config(&["one.crl".to_owned(), "two.crl".to_owned()]);
    let errors = Policy::load(&config, Modules::Refused).unwrap_err();
    let told: Vec<_> = errors
        .faults
        .iter()
        .map(|error| (error.line, error.path.as_str()))
        .collect();
    let crls = (12, "listen.c2s[1].tls.crl_files");
    assert_eq!(told, [(11, "listen.c2s[1].tls.cacertfile"), crls, crls]);
    for (error, file) in errors.faults.iter().zip(["root.pem", "one.crl", "two.crl"]) {
        assert!(error.message.contains(file), "{errors}");
    }
}
