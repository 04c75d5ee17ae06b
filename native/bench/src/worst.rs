//! The dearest inputs that are known: chains of many CAs of one name, certificates full of names,
//! long identities. Each is at most 64 KiB, and must not cost more than [`MOST`] beyond the
//! signatures on one path.

use std::fs;
use std::hint::black_box;
use std::path::Path;

use certjid_core::certificate::MAX_XMPP_ADDRS;
use certjid_core::config::ListenerRef;
use certjid_core::decide::{Authzid, Outcome, Request};
use certjid_core::policy::{self, Modules, Policy};
use rcgen::{CertificateParams, CustomExtension, DnType, Issuer, KeyPair, PKCS_ECDSA_P384_SHA384};

use crate::Done;
use crate::pki::{ca, client};
use crate::rounds::{best, report};

/// Prints a line for each input: the time of a decision, beside that of a good login with a path of
/// the same signatures at most.
pub(crate) fn measure(folder: &Path) -> Done {
    let folder = folder.join("worst");
    fs::create_dir_all(&folder)?;
    let world = World::new(&folder)?;
    let good = world.request(vec![world.issue(client(1))?], Authzid::Absent);
    let inputs = inputs(&world)?;
    let now = policy::now();
    for (name, request) in inputs {
        let mut hostile = || drop(black_box(world.policy.authenticate(&request, now)));
        let mut plain = || {
            let outcome = world.policy.authenticate(&good, now);
            assert!(matches!(black_box(outcome), Outcome::Allowed(_)), "good");
        };
        let [hostile, plain] = best(ROUNDS, CALLS, [&mut hostile, &mut plain]);
        let beyond = (hostile - plain).max(0.0) * 1e3;
        let figures = format!(
            "{:.3} ms, a good login {:.3} ms",
            hostile * 1e3,
            plain * 1e3
        );
        report(
            &format!("worst input: {name}, ms beyond a good login"),
            &figures,
            beyond,
            Some(("<=", MOST)),
        );
    }
    Ok(())
}

struct World {
    issuer: Issuer<'static, KeyPair>,
    policy: Policy,
}

impl World {
    fn new(folder: &Path) -> Result<Self, Box<dyn core::error::Error>> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)?;
        let root = ca(ROOT);
        fs::write(folder.join("ca.pem"), root.self_signed(&key)?.pem())?;
        let config = folder.join("mongooseim.toml");
        fs::write(&config, CONFIG)?;
        let policy = Policy::load(&config, Modules::Refused).map_err(|error| error.to_string())?;
        Ok(Self {
            issuer: Issuer::new(root, key),
            policy,
        })
    }

    fn issue(&self, params: CertificateParams) -> Result<Vec<u8>, rcgen::Error> {
        let key = KeyPair::generate()?;
        Ok(params.signed_by(&key, &self.issuer)?.der().to_vec())
    }

    fn request(&self, chain: Vec<Vec<u8>>, authzid: Authzid) -> Request {
        Request {
            listener: ListenerRef::Name("c2s".to_owned()),
            host: "example.org".to_owned(),
            host_type: None,
            chain,
            authzid,
            verified: None,
        }
    }
}

fn inputs(world: &World) -> Result<Vec<(&'static str, Request)>, Box<dyn core::error::Error>> {
    let absent = |chain| world.request(chain, Authzid::Absent);
    let repeated = |entry: &[u8], most: usize| {
        let count = (MAX_CERTIFICATE - 1_000) / entry.len();
        let mut params = client(0);
        let names = entry.repeat(count.min(most));
        let mut san = CustomExtension::from_oid_content(&[2, 5, 29, 17], sequence(&names));
        san.set_criticality(false);
        params.custom_extensions = vec![san];
        world.issue(params)
    };
    let named = |entry: &[u8]| repeated(entry, usize::MAX);
    // As many as a certificate may have, and as long as they then can be.
    let addressed = |value: &[u8], tag| repeated(&xmpp_addr(value, tag), MAX_XMPP_ADDRS);
    let one = addressed(&[&[b'a'; 30][..], b"@example.org"].concat(), 0x0c)?;
    let last = Authzid::Decoded(b"zz@example.org".to_vec());
    let mut common_name = client(0);
    let long = "a".repeat(MAX_CERTIFICATE - 1_000);
    common_name
        .distinguished_name
        .push(DnType::CommonName, long);
    Ok(vec![
        (
            "15 self-issued CAs of one name",
            absent(of_one_name("other", "other", false)?),
        ),
        (
            "15 CAs that name the trusted one",
            absent(of_one_name("other", ROOT, true)?),
        ),
        ("15 CAs that name one another", absent(ring()?)),
        ("dNSNames", absent(vec![named(&[0x82, 1, b'a'])?])),
        (
            "iPAddresses",
            absent(vec![named(&[0x87, 4, 127, 0, 0, 1])?]),
        ),
        (
            "names that are not text",
            absent(vec![named(&[0x82, 1, 0xff])?]),
        ),
        ("xmppAddrs", absent(vec![one.clone()])),
        ("xmppAddrs and an authzid", world.request(vec![one], last)),
        (
            "more xmppAddrs than allowed",
            absent(vec![named(&xmpp_addr(b"a@example.org", 0x0c))?]),
        ),
        (
            "xmppAddrs of another host",
            absent(vec![addressed(&[&[b'a'; 40][..], b"@b"].concat(), 0x0c)?]),
        ),
        (
            "xmppAddrs that are not text",
            absent(vec![addressed(&[0xff; 40], 0x0c)?]),
        ),
        (
            "xmppAddrs that are not UTF8Strings",
            absent(vec![addressed(&[b'a'; 40], 0x16)?]),
        ),
        (
            "a common name of 64 KiB",
            absent(vec![world.issue(common_name)?]),
        ),
        (
            "an authzid of 64 KiB",
            world.request(
                vec![world.issue(client(1))?],
                Authzid::Decoded("\u{fdfa}".repeat(21_000).into_bytes()),
            ),
        ),
        (
            "an initial response of 64 KiB",
            world.request(
                vec![world.issue(client(1))?],
                Authzid::InitialResponse("YWFh".repeat(16_000)),
            ),
        ),
    ])
}

/// A leaf of the first CA, and 15 CAs with these names; or the leaf's own issuer among them.
fn of_one_name(
    subject: &str,
    issuer_name: &str,
    is_wrong: bool,
) -> Result<Vec<Vec<u8>>, rcgen::Error> {
    let mut chain = Vec::new();
    for at in 0..15 {
        let key = KeyPair::generate()?;
        let params = ca(subject);
        if at == 0 {
            let issuer = Issuer::new(ca(subject), KeyPair::generate()?);
            let leaf_key = KeyPair::generate()?;
            chain.push(client(1).signed_by(&leaf_key, &issuer)?.der().to_vec());
        }
        // Under the trusted one's name and by another key.
        let false_key = KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384)?;
        let certificate = if is_wrong {
            params.signed_by(&key, &Issuer::new(ca(issuer_name), false_key))?
        } else {
            params.self_signed(&key)?
        };
        chain.push(certificate.der().to_vec());
    }
    Ok(chain)
}

/// A leaf, and four CAs that certify one another.
fn ring() -> Result<Vec<Vec<u8>>, rcgen::Error> {
    let names = ["a", "b", "c", "d"];
    let keys = names
        .iter()
        .map(|_| KeyPair::generate())
        .collect::<Result<Vec<_>, _>>()?;
    let mut chain = Vec::new();
    for (issuer, issuer_key) in names.iter().zip(&keys) {
        let issuer_params = ca(issuer);
        let signer = Issuer::from_params(&issuer_params, issuer_key);
        if chain.is_empty() {
            let leaf_key = KeyPair::generate()?;
            chain.push(client(1).signed_by(&leaf_key, &signer)?.der().to_vec());
        }
        for (subject, key) in names.iter().zip(&keys) {
            if subject != issuer {
                chain.push(ca(subject).signed_by(key, &signer)?.der().to_vec());
            }
        }
    }
    Ok(chain)
}

/// An otherName id-on-xmppAddr with a value of this type.
fn xmpp_addr(value: &[u8], tag: u8) -> Vec<u8> {
    let oid = [0x06, 8, 0x2b, 6, 1, 5, 5, 7, 8, 5];
    let explicit = element(0xa0, &element(tag, value));
    element(0xa0, &[&oid[..], &explicit].concat())
}

fn sequence(contents: &[u8]) -> Vec<u8> {
    element(0x30, contents)
}

fn element(tag: u8, contents: &[u8]) -> Vec<u8> {
    let length = contents.len();
    let [.., high, low] = length.to_be_bytes();
    let head = match length {
        0..0x80 => vec![tag, low],
        0x80..0x100 => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    [&head[..], contents].concat()
}

/// Milliseconds.
const MOST: f64 = 2.0;

const MAX_CERTIFICATE: usize = 65_536;

const ROUNDS: usize = 20;

const CALLS: usize = 5;

const ROOT: &str = "root";

const CONFIG: &str = r#"
[general]
  default_server_domain = "example.org"
  hosts = ["example.org"]
[auth]
  methods = ["pki"]
  sasl_mechanisms = ["external"]
  sasl_external = ["standard", "common_name", "certjid_verification"]
  pki = {}
[[listen.c2s]]
  port = 5222
  tls.cacertfile = "ca.pem"
"#;
