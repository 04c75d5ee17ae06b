//! What a policy takes as it grows: hosts, CAs of a CA file, entries of a CRL. Each in a process of
//! its own, for its memory is measured.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process;
use std::time::Instant;

use certjid_core::config::ListenerRef;
use certjid_core::decide::{Authzid, Outcome, Request};
use certjid_core::policy::{self, Modules, Policy};
use rcgen::{
    CertificateRevocationListParams, Issuer, KeyIdMethod, KeyPair, RevokedCertParams, SerialNumber,
};
use time::{Duration, OffsetDateTime};

use crate::Done;
use crate::memory::resident;
use crate::pki::{ca, client};
use crate::rounds::best;

/// Prints a line: the time to load the policy, the memory that it takes, the size of its files, and
/// the time of a decision.
pub(crate) fn measure(folder: &Path, what: &str, count: usize) -> Done {
    let folder = folder.join(format!("growth-{what}-{count}"));
    fs::create_dir_all(&folder)?;
    let leaf = make(&folder, what, count)?;
    let size: u64 = fs::read_dir(&folder)?
        .filter_map(|entry| entry.ok()?.metadata().ok())
        .map(|file| file.len())
        .sum();

    let before = resident(process::id())?;
    let begun = Instant::now();
    let config = folder.join("mongooseim.toml");
    let policy = Policy::load(&config, Modules::Refused).map_err(|errors| errors.to_string())?;
    let loaded = begun.elapsed();
    let memory = (resident(process::id())? - before).max(0.0);

    let request = Request {
        listener: ListenerRef::Name("c2s".to_owned()),
        host: "example.org".to_owned(),
        host_type: None,
        chain: vec![leaf],
        authzid: Authzid::Absent,
        verified: None,
    };
    let now = policy::now();
    let mut decide = || {
        let outcome = policy.authenticate(&request, now);
        assert!(
            matches!(black_box(outcome), Outcome::Allowed(_)),
            "the login is good"
        );
    };
    // The signature of a CRL is checked once.
    decide();
    let [decision] = best(ROUNDS, CALLS, [&mut decide]);
    println!(
        "{what:<12} {count:>7}  loaded in {:>7.1} ms  {:>8.2} MiB of memory for {:>6.2} MiB of files  {:>7.1} us a login",
        loaded.as_secs_f64() * 1e3,
        memory,
        size as f64 / MIB,
        decision * 1e6
    );
    Ok(())
}

/// Writes the policy with so many of something, and gives a certificate that it accepts.
fn make(folder: &Path, what: &str, count: usize) -> Result<Vec<u8>, Box<dyn core::error::Error>> {
    let of = |kind: &str| if what == kind { count } else { 0 };
    let key = KeyPair::generate()?;
    let root = ca("growth root");
    let mut cas = root.self_signed(&key)?.pem();
    for number in 1..of("cas") {
        cas += &ca(&format!("CA {number}")).self_signed(&key)?.pem();
    }
    fs::write(folder.join("ca.pem"), cas)?;
    let issuer = Issuer::new(root, &key);
    let leaf = client(1).signed_by(&KeyPair::generate()?, &issuer)?;
    let mut crl_files = "[]";
    if what == "crl entries" {
        crl_files = "[\"ca.crl\"]";
        fs::write(folder.join("ca.crl"), crl(&issuer, count)?)?;
    }
    let hosts: Vec<String> = (1..of("hosts"))
        .map(|n| format!("host{n}.example.net"))
        .collect();
    let hosts = [vec!["example.org".to_owned()], hosts].concat();
    fs::write(
        folder.join("mongooseim.toml"),
        format!(
            "[general]\ndefault_server_domain = \"example.org\"\nhosts = {hosts:?}\n\
             [auth]\nsasl_mechanisms = [\"external\"]\nsasl_external = [\"standard\"]\n[auth.pki]\n\
             [[listen.c2s]]\nport = 5222\ntls.cacertfile = \"ca.pem\"\ntls.crl_files = {crl_files}\n"
        ),
    )?;
    Ok(leaf.der().to_vec())
}

fn crl(issuer: &Issuer<'_, &KeyPair>, entries: usize) -> Result<Vec<u8>, rcgen::Error> {
    let now = OffsetDateTime::now_utc();
    let revoked = |number: usize| RevokedCertParams {
        serial_number: SerialNumber::from((1 << 40) + number as u64),
        revocation_time: now,
        reason_code: None,
        invalidity_date: None,
    };
    let list = CertificateRevocationListParams {
        this_update: now,
        next_update: now + Duration::days(1),
        crl_number: SerialNumber::from(1_u64),
        issuing_distribution_point: None,
        revoked_certs: (0..entries).map(revoked).collect(),
        key_identifier_method: KeyIdMethod::Sha256,
    };
    Ok(list.signed_by(issuer)?.der().to_vec())
}

const MIB: f64 = 1024.0 * 1024.0;

const ROUNDS: usize = 200;

const CALLS: usize = 5;
