//! The measured chains in real handshakes, with the keys that test/keyed_chains.py gave them.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use certjid_core::encoding;
use certjid_core::policy;
use certjid_core::tls::ClientVerifier;
use certjid_core::verify::{TrustStore, VerifyMode};
use rustls::{ProtocolVersion, SupportedProtocolVersion, version};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;

use super::pss_key::pkcs1;
use super::{Identity, Pki, is_pss_key, transfer};

#[test]
fn measured_chains() {
    let cases = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../test/data/cases");
    let trust = fs::read(cases.join("chains-keyed-ca.pem")).unwrap();
    let server = Server {
        pki: Pki::new(),
        trust: Arc::new(TrustStore::from_pem(&trust).unwrap()),
    };
    let rows = fs::read_to_string(cases.join("chains-keyed.jsonl")).unwrap();
    let mut wrong = Vec::new();
    let mut count = 0;
    for row in rows.lines() {
        let row: Value = serde_json::from_str(row).unwrap();
        for mode in [VerifyMode::Peer, VerifyMode::SelfsignedPeer] {
            for disconnect in [true, false] {
                for tls in [&version::TLS12, &version::TLS13] {
                    // rustls offers no scheme for such a key in TLS 1.2.
                    let want = match (row["name"].as_str().unwrap(), tls.version) {
                        ("key_rsa_pss", ProtocolVersion::TLSv1_2) => "no_peer_cert",
                        _ => row["want"][mode.as_str()].as_str().unwrap(),
                    };
                    let ours = server.login(identity(&row), mode, disconnect, tls);
                    let aborted = disconnect && want != "ok";
                    let right = match &ours {
                        None => aborted,
                        Some(reason) => !aborted && want.split('|').any(|want| want == reason),
                    };
                    if !right {
                        let name = &row["name"];
                        let tls = tls.version;
                        wrong.push(format!(
                            "{name} {mode} {disconnect} {tls:?}: {ours:?}, not {want}"
                        ));
                    }
                    count += 1;
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(count, 47 * 8);
}

struct Server {
    pki: Pki,
    trust: Arc<TrustStore>,
}

impl Server {
    /// What the server says of the certificate; `None` where the handshake fails.
    fn login(
        &self,
        identity: Identity,
        mode: VerifyMode,
        disconnect: bool,
        tls: &'static SupportedProtocolVersion,
    ) -> Option<String> {
        let provider = &self.pki.provider;
        let verifier = ClientVerifier::new(mode, disconnect, Arc::clone(&self.trust), provider);
        let verifier = Arc::new(verifier);
        let mut server = self.pki.server(&verifier, tls);
        let mut client = self.pki.client(Some(identity), tls);
        if !transfer(&mut client, &mut server) {
            return None;
        }
        let judged = verifier.judge(server.peer_certificates(), policy::now());
        Some(judged.map_or_else(|faults| faults[0].reason.to_string(), |()| "ok".to_owned()))
    }
}

fn identity(row: &Value) -> Identity {
    let pems = row["chain"].as_array().unwrap().iter();
    let pem: String = pems.map(|pem| pem.as_str().unwrap()).collect();
    let chain = encoding::chain(pem.as_bytes()).unwrap();
    let mut key = PrivateKeyDer::from_pem_slice(row["key"].as_str().unwrap().as_bytes()).unwrap();
    if is_pss_key(&chain[0]) {
        key = pkcs1(key.secret_der());
    }
    (chain.into_iter().map(CertificateDer::from).collect(), key)
}
