//! What people report about chains (user-reports.md), with certificates that openssl makes.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use certjid_core::certificate::encoding;
use certjid_core::policy::{self, Authzid, Modules, Outcome, Policy, Refused, Request};
use certjid_core::verify::{self, Fault, Reason, TrustStore, VerifyMode};

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
fn r20_revocation() {
    let pki = Pki::new();
    pki.leaf("alice", "middle", "-sha256", ALICE);
    pki.leaf("bob", "middle", "-sha256", CLIENT_AUTH);
    let days = |days: u32| format!("-crldays {days}");

    let crls = [pki.crl("middle", &["alice"], &days(9))];
    let refused = pki.refused(&["alice.pem", "middle.pem"], &crls);
    assert_eq!(refused.reason, "revoked");
    pki.allows_certificate(&["bob.pem", "middle.pem"], &crls);

    // The intermediate itself is revoked, and the leaf's own list is good.
    let crls = [
        pki.crl("root", &["middle"], &days(9)),
        pki.crl("middle", &[], &days(9)),
    ];
    let refused = pki.refused(&["bob.pem", "middle.pem"], &crls);
    assert_eq!(refused.reason, "revoked");

    // A list of another CA touches nobody.
    pki.ca("other", "");
    let crls = [pki.crl("other", &[], &days(9))];
    pki.allows_certificate(&["bob.pem", "middle.pem"], &crls);

    // A stale list refuses whom it would have let through.
    let crls = [pki.crl("middle", &[], "-crlsec 1")];
    std::thread::sleep(std::time::Duration::from_secs(2));
    let refused = pki.refused(&["bob.pem", "middle.pem"], &crls);
    assert_eq!(refused.reason, "revocation_status_undetermined");
    assert!(
        refused.message.contains("out of date"),
        "{}",
        refused.message
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

/// A folder with a root and an intermediate CA.
struct Pki(tempfile::TempDir);

impl Pki {
    fn new() -> Self {
        let pki = Self(tempfile::tempdir().unwrap());
        fs::write(
            pki.0.path().join("ca.cnf"),
            "basicConstraints=critical,CA:TRUE\n",
        )
        .unwrap();
        pki.ca("root", "");
        pki.run(
            "openssl ecparam -genkey -name prime256v1 -noout -out middle.key
             openssl req -new -key middle.key -subj /CN=middle -out r.pem
             openssl x509 -req -in r.pem -CA root.pem -CAkey root.key -CAcreateserial -days 30 \
                -extfile ca.cnf -out middle.pem",
        );
        pki
    }

    fn ca(&self, name: &str, options: &str) {
        self.run(&format!(
            "openssl ecparam -genkey -name prime256v1 -noout -out {name}.key
             openssl req -x509 -key {name}.key -subj /CN={name} -days 30 {options} -out {name}.pem"
        ));
    }

    /// Issues NAME.pem with one line of extensions.
    fn leaf(&self, name: &str, issuer: &str, options: &str, extension: &str) {
        fs::write(self.0.path().join("leaf.cnf"), format!("{extension}\n")).unwrap();
        let issue = if options.contains("-not_after") {
            // `openssl x509` knows no dates before version 3.4; `openssl ca` does.
            self.ca_database(issuer);
            let dates = options
                .replace("-sha256", "-md sha256")
                .replace("-not_after", "-enddate")
                .replace("-not_before", "-startdate");
            format!(
                "openssl ca -batch -config ca-{issuer}.cnf -in r.pem -out {name}.pem -notext \
                 -extfile leaf.cnf {dates}"
            )
        } else {
            format!(
                "openssl x509 -req -in r.pem -CA {issuer}.pem -CAkey {issuer}.key \
                 -CAcreateserial -days 9 -extfile leaf.cnf {options} -out {name}.pem"
            )
        };
        self.run(&format!(
            "openssl ecparam -genkey -name prime256v1 -noout -out {name}.key
             openssl req -new -key {name}.key -subj /CN={name} -out r.pem
             {issue}"
        ));
    }

    /// What `openssl ca` wants beside a CA.
    fn ca_database(&self, name: &str) {
        let config = format!(
            "[ca]\ndefault_ca=d\n[d]\ndatabase={name}.db\nnew_certs_dir=.\ncertificate={name}.pem\n\
             private_key={name}.key\nserial={name}.serial\ndefault_md=sha256\npolicy=p\n\
             crlnumber={name}.serial\ncrl_extensions=e\n[e]\nauthorityKeyIdentifier=keyid\n[d]\n\
             unique_subject=no\n[p]\ncommonName=supplied\n"
        );
        fs::write(self.0.path().join(format!("ca-{name}.cnf")), config).unwrap();
        self.run(&format!(": >{name}.db; echo 1234 >{name}.serial"));
    }

    /// A list of the issuer's that revokes the named certificates.
    fn crl(&self, issuer: &str, revoked: &[&str], next_update: &str) -> String {
        self.ca_database(issuer);
        for name in revoked {
            self.run(&format!(
                "openssl ca -config ca-{issuer}.cnf -revoke {name}.pem"
            ));
        }
        let file = format!("{issuer}.crl");
        self.run(&format!(
            "openssl ca -config ca-{issuer}.cnf -gencrl {next_update} -out {file}"
        ));
        file
    }

    fn run(&self, script: &str) -> String {
        let done = Command::new("sh")
            .args(["-ec", script])
            .current_dir(self.0.path())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{script}\n{errors}");
        String::from_utf8(done.stdout).unwrap()
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.path().join(name)).unwrap()
    }

    fn chain(&self, names: &[&str]) -> Vec<Vec<u8>> {
        let pem: Vec<u8> = names.iter().flat_map(|name| self.read(name)).collect();
        encoding::chain(&pem).unwrap()
    }

    fn trust(&self, name: &str) -> TrustStore {
        TrustStore::from_pem(&self.read(name)).unwrap()
    }

    fn verify(&self, chain: &[&str], trust: &str) -> Result<(), Vec<Fault>> {
        let (chain, trust) = (self.chain(chain), self.trust(trust));
        verify::verify(&chain, VerifyMode::Peer, &trust, policy::now())
    }

    fn accepts(&self, chain: &[&str], trust: &str) {
        self.verify(chain, trust).unwrap();
    }

    fn peer(&self, chain: &[&str], trust: &str) -> Fault {
        first(self.verify(chain, trust))
    }

    /// A login under a policy with these CRLs.
    fn login(&self, chain: &[&str], crls: &[String]) -> Outcome {
        let policy = Policy::load(&self.config(crls), Modules::Refused).unwrap();
        policy.authenticate(&request(self.chain(chain)), policy::now())
    }

    fn config(&self, crls: &[String]) -> PathBuf {
        let config = format!(
            "[general]\ndefault_server_domain = \"localhost\"\nhosts = [\"localhost\"]\n\
             [auth]\nsasl_mechanisms = [\"external\"]\nsasl_external = [\"common_name\"]\n\
             [auth.pki]\n[[listen.c2s]]\nport = 5222\n[listen.c2s.tls]\n\
             cacertfile = \"root.pem\"\ncrl_files = {crls:?}\n"
        );
        let file = self.0.path().join("mongooseim.toml");
        fs::write(&file, config).unwrap();
        file
    }

    fn refused(&self, chain: &[&str], crls: &[String]) -> Refused {
        match self.login(chain, crls) {
            Outcome::Refused(refused) => refused,
            other => panic!("{other:?}"),
        }
    }

    fn allows_certificate(&self, chain: &[&str], crls: &[String]) {
        let outcome = self.login(chain, crls);
        assert!(matches!(outcome, Outcome::Allowed(_)), "{outcome:?}");
    }
}

fn request(chain: Vec<Vec<u8>>) -> Request {
    Request {
        listener: certjid_core::config::ListenerRef::Name("c2s".to_owned()),
        host: "localhost".to_owned(),
        host_type: None,
        chain,
        authzid: Authzid::Absent,
        verified: None,
        answers: Default::default(),
    }
}

fn first(judged: Result<(), Vec<Fault>>) -> Fault {
    judged.unwrap_err().remove(0)
}

const CLIENT_AUTH: &str = "extendedKeyUsage=clientAuth";
const ALICE: &str = "subjectAltName=otherName:1.3.6.1.5.5.7.8.5;UTF8:alice@localhost";
