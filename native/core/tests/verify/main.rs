//! What people report about chains (user-reports.md), with certificates that openssl makes.

use certjid_core::policy;
use certjid_core::verify::{self, Reason, VerifyMode};

mod crls;
mod long_list;
mod pki;

use pki::{CLIENT_AUTH, Pki, first};

#[test]
fn r13_a_self_signed_certificate_of_openssl_s_defaults() {
    let pki = Pki::new();
    pki.run(
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out self.pem -subj /CN=alice",
    );
    let trust = pki.trust("root.pem");
    let chain = pki.chain(&["self.pem"]);
    verify::verify(&chain, VerifyMode::SelfsignedPeer, &trust, policy::now()).unwrap();
    let fault = first(verify::verify(
        &chain,
        VerifyMode::Peer,
        &trust,
        policy::now(),
    ));
    assert_eq!((fault.reason, fault.position), (Reason::SelfsignedPeer, 0));
}

#[test]
fn r15_a_weak_signature_is_named() {
    let pki = Pki::new();
    pki.leaf("sha1", "root", "-sha1", CLIENT_AUTH);
    let fault = pki.peer(&["sha1.pem"], "root.pem");
    assert_eq!(fault.reason, Reason::InvalidSignature);
    assert!(fault.message.contains("ecdsa-with-SHA1"), "{fault}");

    pki.run(
        "openssl req -x509 -newkey rsa:1024 -nodes -keyout short.key -out short.pem \
         -subj /CN=short -sha256",
    );
    pki.leaf("oflshort", "short", "-sha256", CLIENT_AUTH);
    let fault = pki.peer(&["oflshort.pem"], "short.pem");
    assert_eq!(fault.reason, Reason::InvalidSignature);
    assert!(fault.message.contains("RSA with 1024 bits"), "{fault}");
}

/// Keys that are for RSA-PSS alone, with and without parameters that bind them to a hash.
#[test]
fn a_ca_whose_key_is_for_rsa_pss_alone() {
    let pki = Pki::new();
    for (name, key, hash, accepted) in [
        ("free", "", "sha256", true),
        ("free384", "", "sha384", true),
        (
            "bound",
            "-pkeyopt rsa_pss_keygen_md:sha256 -pkeyopt rsa_pss_keygen_mgf1_md:sha256 \
                   -pkeyopt rsa_pss_keygen_saltlen:32",
            "sha256",
            true,
        ),
        ("short", "-pkeyopt rsa_keygen_bits:1024", "sha256", false),
    ] {
        pki.run(&format!(
            "openssl genpkey -algorithm RSA-PSS {key} -out {name}.key
             openssl req -x509 -key {name}.key -subj /CN={name} -{hash} \
                -sigopt rsa_pss_saltlen:digest -out {name}.pem"
        ));
        let options = format!("-{hash} -sigopt rsa_pss_saltlen:digest");
        pki.leaf("alice", name, &options, CLIENT_AUTH);
        let judged = pki.verify(&["alice.pem"], &format!("{name}.pem"));
        assert_eq!(judged.is_ok(), accepted, "{name}: {judged:?}");
        // Signed by the key of another, under the same name.
        pki.run(&format!(
            "mv {name}.pem right.pem; openssl genpkey -algorithm RSA-PSS {key} -out other.key
             openssl req -x509 -key other.key -subj /CN={name} -{hash} -out {name}.pem"
        ));
        let judged = pki.verify(&["alice.pem"], &format!("{name}.pem"));
        assert_eq!(first(judged).reason, Reason::InvalidSignature, "{name}");
    }
}

#[test]
fn r16_the_intermediate_is_missing() {
    let pki = Pki::new();
    pki.leaf("leaf", "middle", "-sha256", CLIENT_AUTH);
    let fault = pki.peer(&["leaf.pem"], "root.pem");
    assert_eq!((fault.reason, fault.position), (Reason::UnknownCa, 0));
    let key_id = pki.run("openssl x509 -in middle.pem -noout -ext subjectKeyIdentifier");
    let key_id = key_id
        .lines()
        .last()
        .unwrap()
        .trim()
        .replace(':', "")
        .to_lowercase();
    assert!(fault.message.contains("CN=middle"), "{fault}");
    assert!(fault.message.contains(&key_id), "{fault}");

    pki.run("cat root.pem middle.pem >both.pem");
    pki.accepts(&["leaf.pem"], "both.pem");
    // Every certificate of the file is an anchor, whoever issued it.
    pki.accepts(&["leaf.pem"], "middle.pem");
    pki.accepts(&["leaf.pem", "middle.pem"], "root.pem");
}

#[test]
fn r17_extended_key_usage() {
    let pki = Pki::new();
    pki.leaf("absent", "root", "-sha256", "basicConstraints=CA:FALSE");
    pki.accepts(&["absent.pem"], "root.pem");
    pki.leaf("client", "root", "-sha256", CLIENT_AUTH);
    pki.accepts(&["client.pem"], "root.pem");
    for (name, usage, named) in [
        ("server", "extendedKeyUsage=serverAuth", "serverAuth"),
        (
            "any",
            "extendedKeyUsage=anyExtendedKeyUsage",
            "anyExtendedKeyUsage",
        ),
        ("empty", "2.5.29.37=DER:30:00", "nothing"),
    ] {
        pki.leaf(name, "root", "-sha256", usage);
        let fault = pki.peer(&[&format!("{name}.pem")], "root.pem");
        assert_eq!(fault.reason, Reason::InvalidExtKeyUsage, "{name}");
        assert!(fault.message.contains(named), "{fault}");
    }
}

#[test]
fn r18_a_server_certificate_is_explained() {
    let pki = Pki::new();
    pki.leaf("server", "root", "-sha256", "extendedKeyUsage=serverAuth");
    let fault = pki.peer(&["server.pem"], "root.pem");
    assert!(
        fault.message.contains("has serverAuth but not clientAuth"),
        "{fault}"
    );
    assert!(
        fault.message.contains("public CAs no longer issue"),
        "{fault}"
    );
}

#[test]
fn every_fault_of_a_chain_is_told() {
    let pki = Pki::new();
    pki.leaf(
        "old",
        "middle",
        "-sha256 -not_after 20200102000000Z -not_before 20200101000000Z",
        "extendedKeyUsage=serverAuth",
    );
    let faults = pki.verify(&["old.pem"], "root.pem").unwrap_err();
    let reasons: Vec<_> = faults.iter().map(|fault| fault.reason).collect();
    assert_eq!(
        reasons,
        [
            Reason::CertExpired,
            Reason::InvalidExtKeyUsage,
            Reason::UnknownCa
        ]
    );
    assert!(faults[0].message.contains("days ago"), "{}", faults[0]);
}

#[test]
fn a_clock_that_is_wrong() {
    let pki = Pki::new();
    pki.leaf("alice", "root", "-sha256", CLIENT_AUTH);
    let chain = pki.chain(&["alice.pem"]);
    let yesterday = policy::now() - 86_400 * 2;
    let trust = pki.trust("root.pem");
    let fault = first(verify::verify(&chain, VerifyMode::Peer, &trust, yesterday));
    assert_eq!(fault.reason, Reason::CertExpired);
    assert!(fault.message.contains("is a clock wrong?"), "{fault}");
}

/// A hundred certificates, a ring of CAs that certify each other, and 10 MB of nothing.
#[test]
fn hostile_chains_are_bounded() {
    let pki = Pki::new();
    let leaf = pki.chain(&["middle.pem"]).remove(0);
    let trust = pki.trust("root.pem");
    let begun = std::time::Instant::now();
    let judge = |chain: &[Vec<u8>]| {
        first(verify::verify(
            chain,
            VerifyMode::Peer,
            &trust,
            policy::now(),
        ))
    };
    assert_eq!(
        judge(&vec![leaf.clone(); 100]).reason,
        Reason::MaxPathLengthReached
    );
    assert_eq!(
        judge(&[leaf, vec![0x30; 10_000_000]]).reason,
        Reason::BadCertificate
    );

    for (subject, issuer) in [
        ("b", "a"),
        ("c", "b"),
        ("a", "c"),
        ("c", "a"),
        ("b", "c"),
        ("a", "b"),
    ] {
        if !pki.0.path().join(format!("{issuer}.key")).exists() {
            pki.run(&format!(
                "openssl ecparam -genkey -name prime256v1 -noout -out {issuer}.key"
            ));
        }
        pki.run(&format!(
            "[ -e {subject}.key ] || openssl ecparam -genkey -name prime256v1 -noout -out {subject}.key
             openssl req -new -key {subject}.key -subj /CN={subject} -out r.pem
             openssl req -x509 -key {issuer}.key -subj /CN={issuer} -out {issuer}.pem 2>/dev/null
             openssl x509 -req -in r.pem -CA {issuer}.pem -CAkey {issuer}.key -CAcreateserial \
                -extfile ca.cnf -out {subject}-by-{issuer}.pem"
        ));
    }
    pki.leaf("lost", "a", "-sha256", CLIENT_AUTH);
    let ring = [
        "lost.pem",
        "a-by-b.pem",
        "b-by-a.pem",
        "b-by-c.pem",
        "c-by-b.pem",
        "c-by-a.pem",
        "a-by-c.pem",
    ];
    assert_eq!(judge(&pki.chain(&ring)).reason, Reason::UnknownCa);
    assert!(begun.elapsed().as_secs() < 20, "took {:?}", begun.elapsed());
}
