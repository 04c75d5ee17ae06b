//! Certificates that openssl makes, in a folder.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use certjid_core::decide::{Authzid, Outcome, Refused, Request};
use certjid_core::encoding;
use certjid_core::policy::{self, Modules, Options, Policy};
use certjid_core::verify::{self, CrlPolicy, Fault, TrustStore, VerifyMode};

/// A folder with a root and an intermediate CA.
pub(crate) struct Pki(pub(crate) tempfile::TempDir);

impl Pki {
    pub(crate) fn new() -> Self {
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

    pub(crate) fn ca(&self, name: &str, options: &str) {
        self.run(&format!(
            "openssl ecparam -genkey -name prime256v1 -noout -out {name}.key
             openssl req -x509 -key {name}.key -subj /CN={name} -days 30 {options} -out {name}.pem"
        ));
    }

    /// Issues NAME.pem with one line of extensions.
    pub(crate) fn leaf(&self, name: &str, issuer: &str, options: &str, extension: &str) {
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
    pub(crate) fn ca_database(&self, name: &str) {
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
    pub(crate) fn crl(&self, issuer: &str, revoked: &[&str], next_update: &str) -> String {
        self.ca_database(issuer);
        for name in revoked {
            self.run(&format!(
                "openssl ca -config ca-{issuer}.cnf -revoke {name}.pem -crl_reason keyCompromise"
            ));
        }
        let file = format!("{issuer}.crl");
        self.run(&format!(
            "openssl ca -config ca-{issuer}.cnf -gencrl {next_update} -out {file}"
        ));
        file
    }

    pub(crate) fn run(&self, script: &str) -> String {
        let done = Command::new("sh")
            .args(["-ec", script])
            .current_dir(self.0.path())
            .output()
            .unwrap();
        let errors = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{script}\n{errors}");
        String::from_utf8(done.stdout).unwrap()
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.path().join(name)).unwrap()
    }

    pub(crate) fn chain(&self, names: &[&str]) -> Vec<Vec<u8>> {
        let pem: Vec<u8> = names.iter().flat_map(|name| self.read(name)).collect();
        encoding::chain(&pem).unwrap()
    }

    pub(crate) fn trust(&self, name: &str) -> TrustStore {
        TrustStore::from_pem(&self.read(name)).unwrap()
    }

    pub(crate) fn verify(&self, chain: &[&str], trust: &str) -> Result<(), Vec<Fault>> {
        let (chain, trust) = (self.chain(chain), self.trust(trust));
        verify::verify(&chain, VerifyMode::Peer, &trust, policy::now())
    }

    pub(crate) fn accepts(&self, chain: &[&str], trust: &str) {
        self.verify(chain, trust).unwrap();
    }

    pub(crate) fn peer(&self, chain: &[&str], trust: &str) -> Fault {
        first(self.verify(chain, trust))
    }

    /// A login under a policy with these CRLs.
    pub(crate) fn login(&self, chain: &[&str], crls: &[String], crl_policy: CrlPolicy) -> Outcome {
        let options = Options {
            modules: Modules::Refused,
            crls: crl_policy,
        };
        let policy = Policy::load(&self.config(crls), options).unwrap();
        policy.authenticate(&request(self.chain(chain)), policy::now())
    }

    pub(crate) fn config(&self, crls: &[String]) -> PathBuf {
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

    pub(crate) fn refused(&self, chain: &[&str], crls: &[String], policy: CrlPolicy) -> Refused {
        match self.login(chain, crls, policy) {
            Outcome::Refused(refused) => refused,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn allows(&self, chain: &[&str], crls: &[String], policy: CrlPolicy) {
        let outcome = self.login(chain, crls, policy);
        assert!(matches!(outcome, Outcome::Allowed(_)), "{outcome:?}");
    }
}

pub(crate) fn request(chain: Vec<Vec<u8>>) -> Request {
    Request {
        listener: certjid_core::config::ListenerRef::Name("c2s".to_owned()),
        host: "localhost".to_owned(),
        host_type: None,
        chain,
        authzid: Authzid::Absent,
        verified: None,
    }
}

pub(crate) fn first(judged: Result<(), Vec<Fault>>) -> Fault {
    judged.unwrap_err().remove(0)
}

pub(crate) const CLIENT_AUTH: &str = "extendedKeyUsage=clientAuth";
pub(crate) const ALICE: &str = "subjectAltName=otherName:1.3.6.1.5.5.7.8.5;UTF8:alice@localhost";
